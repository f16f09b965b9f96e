"""Reports of series: the verdict, few processes, and given circuits."""

import numpy as np
import pytest

import eistool
from eistool import CircuitError, Series, Tracks, track
from eistool.tracking.detection import _is_split, _sum_of
from eistool.tracking.result import _time
from tests.tracking.series import cell

F = np.geomspace(1e5, 0.1, 43)
BASE = [(10.0, 1e-4, 0.9)]
ARC = (8.0, 3e-2, 0.85)


def series_of(with_arc: list[int], n: int, R0: list[float] | None = None) -> Series:
    R0 = R0 or [20.0] * n
    arcs = [[*BASE, ARC] if s in with_arc else BASE for s in range(n)]
    return Series([cell(arcs[s], s, R0[s], frequency=F, cycle=float(s)) for s in range(n)], by="cycle")


@pytest.fixture(scope="module")
def quiet() -> Tracks:
    return track(series_of([], 6), jobs=1)


def test_the_first_line_gives_the_detection_limit(quiet: Tracks) -> None:
    first = repr(quiet).splitlines()[0]
    assert first.startswith("Tracks of 6 spectra by cycle: no new process; an arc of more than ")
    limit = float(first.split("more than ")[1].split(" ohm")[0])
    assert quiet.detectable_R.min() <= limit <= quiet.detectable_R.max() * 1.05
    assert limit < 10


def test_a_quiet_series_lists_its_processes_only(quiet: Tracks) -> None:
    _, line = repr(quiet).splitlines()
    assert line.endswith("resolved in 6 of 6 spectra")
    assert [p.present.size for p in quiet.processes] == [6]


def test_a_blocking_tail_is_no_part_of_the_total() -> None:
    def at(s: int) -> eistool.Spectrum:
        return eistool.simulate("R0-Zarc1-CPE1", F, [20, 10, 1e-4, 0.9, 1e-5, 0.95], 0.003, s, label=f"{s}")

    total, _ = track([at(s) for s in range(4)], "R0-Zarc1-Zarc2", jobs=1).resistance()
    assert (total < 100).all()


def test_an_arc_seen_twice_apart_is_no_longer_seen_once() -> None:
    events = track(series_of([2, 6], 9), jobs=1).events
    assert [(e.kind, e.index) for e in events] == [
        ("appeared", 2), ("disappeared", 3), ("appeared", 6), ("disappeared", 7),
    ]  # fmt: skip
    assert len({e.process_id for e in events}) == 1
    assert not any("seen once" in e.evidence["reason"] for e in events)
    once = track(series_of([4], 9), jobs=1).events
    assert [(e.kind, e.index, e.status) for e in once] == [
        ("appeared", 4, "tentative"), ("disappeared", 5, "tentative"),
    ]  # fmt: skip


def test_a_new_arc_is_found_beside_a_change_of_the_contact() -> None:
    (event,) = track(series_of([4, 5, 6, 7], 8, [20.0] * 4 + [31.0] * 4), jobs=1).events
    assert (event.kind, event.index, event.status) == ("appeared", 4, "confirmed")
    assert (event.evidence["index_low"], event.evidence["index_high"]) == (4, 4)
    assert "appeared at 4 (spectrum 4): confirmed, R " in repr(event)


def test_a_circuit_without_arcs_in_series_is_refused() -> None:
    with pytest.raises(CircuitError, match="no arc in series"):
        track(series_of([], 3), "R0-CPE1")


def test_another_number_of_arcs_than_the_circuit_has_is_flagged() -> None:
    tracks = track(series_of([4, 5, 6, 7], 8), "R0-Zarc1", jobs=1)
    assert [e.status for e in tracks.events] == ["confirmed"]
    assert any("R0-Zarc1 has 1 arcs; 4 spectra are fitted with 2" in flag for flag in tracks.flags)


def test_sums_have_the_error_of_their_covariance() -> None:
    (result, *_) = track(series_of([0, 1, 2], 3), jobs=1).results
    total = _sum_of(result.processes, result)
    index = [result.circuit.index(f"{arc.name}.R") for arc in result.processes]
    ones = np.isin(np.arange(len(result.values)), index).astype(float)
    assert pytest.approx(sum(arc.R for arc in result.processes)) == total.R
    assert total.u_R == pytest.approx(np.sqrt(ones @ result.covariance @ ones))
    assert np.isnan(total.alpha)


@pytest.mark.parametrize(("seconds", "text"), [(1.0, "1 s"), (1e-3, "1 ms"), (0.35, "350 ms"), (4.8e-7, "480 ns")])
def test_times_have_units(seconds: float, text: str) -> None:
    assert _time(seconds) == text


def test_only_arcs_that_share_a_resistance_are_added_up() -> None:
    # two arcs in the place of one share its resistance; one below the window has a resistance of its own
    one = eistool.fit(cell([(10.0, 1e-4, 0.9)], 1, frequency=F), "R0-Zarc1-Zarc2")
    assert _is_split({0: 0}, {0: 1}, [one])
    far = eistool.fit(cell([(10.0, 1e-4, 0.9), (400.0, 1e3, 0.6)], 1, frequency=F), "R0-Zarc1-Zarc2")
    assert far.processes[1].u_R > far.processes[0].u_R
    assert not _is_split({0: 0}, {0: 1}, [far])
    assert not _is_split({0: 0}, {1: 0}, [far, far])  # no spectrum has both
