"""Links of arcs along a series."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eistool.tracking.linking import BIRTH, link
from eistool.typing import FloatArray
from tests.reference import cheapest_links

ARCS = st.lists(st.tuples(st.floats(-6, 1), st.floats(-1, 3)), min_size=0, max_size=3)


@settings(max_examples=40, deadline=None)
@given(ARCS, ARCS)
def test_links_of_two_spectra_are_the_cheapest(
    before: list[tuple[float, float]], after: list[tuple[float, float]]
) -> None:
    a, b = (np.array(arcs, dtype=float).reshape(-1, 2) for arcs in (before, after))
    tracks = link([a, b])
    assert sorted(t[0] for t in tracks if 0 in t) == list(range(len(a)))
    assert sorted(t[1] for t in tracks if 1 in t) == list(range(len(b)))
    pairs = [(t[0], t[1]) for t in tracks if len(t) == 2]
    assert abs(cost_of(a, b, pairs) - cheapest_links(a, b, BIRTH)) < 1e-9


def cost_of(a: FloatArray, b: FloatArray, pairs: list[tuple[int, int]]) -> float:
    linked = sum(
        (d[0] ** 2 + 0.25 * d[1] ** 2 + 0.25 * (d[0] - d[1]) ** 2) for d in (a[i] - b[j] for i, j in pairs)
    )
    return float(linked) + BIRTH * (len(a) + len(b) - 2 * len(pairs))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shuffled_arcs_never_swap_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.array([[-5.0, 0.5], [-3.5, 1.5], [-1.5, 1.2]])
    orders = [rng.permutation(3) for _ in range(12)]
    walk = np.cumsum(rng.normal(0, 0.05, (12, 3, 2)), axis=0)
    tracks = link([(truth + w)[order] for w, order in zip(walk, orders, strict=True)])
    assert len(tracks) == 3
    for track in tracks:
        assert len({int(orders[s][i]) for s, i in track.items()}) == 1


def test_one_missing_spectrum_is_bridged_and_two_are_not() -> None:
    arc, none = np.array([[-3.0, 1.0]]), np.empty((0, 2))
    assert link([arc, none, arc]) == [{0: 0, 2: 0}]
    assert len(link([arc, none, none, arc])) == 2


def test_a_shift_with_temperature_is_expected() -> None:
    kelvin = np.array([253.15, 273.15, 293.15, 313.15, 333.15])
    shift = 0.5 / (8.617333262e-5 * np.log(10)) * (1 / kelvin - 1 / kelvin[0])
    frames = [np.array([[-2.0, 3.0], [-3.6, 2.0]]) + d for d in shift]
    # without the expected shift, the slow arc is nearest to the fast arc of the previous spectrum
    assert max(abs(np.diff(shift))) > 0.5
    assert [len(t) for t in link(frames, kelvin)] == [5, 5]
    for track in link(frames, kelvin):
        assert len(set(track.values())) == 1


def test_growing_and_crossing_arcs_are_followed() -> None:
    frames = [np.array([[-3.0, 0.2 * s], [-1.0 - 0.05 * s, 2.0 - 0.1 * s]]) for s in range(15)]
    tracks = link(frames)
    assert all(len(set(t.values())) == 1 for t in tracks)
    assert all(b - a == 1 for t in tracks for a, b in itertools.pairwise(sorted(t)))
