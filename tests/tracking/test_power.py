"""Ideal power of the benchmark, and the fits that evidence rests on."""

import math

import numpy as np
import pytest

from eistool import Circuit, fit, simulate, track
from eistool.fitting.engine import NONE, locate
from eistool.tracking.accuracy import drift_columns, with_accuracy
from eistool.tracking.arc_count import best_level
from eistool.typing import ComplexArray, FloatArray
from tests.benchmarks.tracking_cases import LEVEL, OMEGA, ideal_power, impedance, make, zarc

CELL = np.array([20.0, 1e-7, 10, 5e-6, 0.9, 30, 3e-4, 0.8, 50, 30, 0.5])


def power(R: float, noise: float = 0.005, walking: tuple[int, ...] = (0, 2, 3, 5, 6, 8, 9)) -> float:
    values, new = np.tile(CELL, (4, 1)), np.zeros((4, OMEGA.size), dtype=complex)
    new[2:] = zarc(OMEGA, R, 2e-2, 0.85)
    return ideal_power(values, new, noise, walking, ())


def test_the_ideal_power_of_nothing_is_the_level() -> None:
    assert power(0.0) == pytest.approx(LEVEL)


def test_the_ideal_power_grows_with_the_arc_and_falls_with_noise_and_freedom() -> None:
    sizes = [power(R) for R in (0.2, 0.5, 1.0, 3.0)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 0.99
    assert power(1.0, noise=0.01) < power(1.0)
    assert power(1.0, walking=tuple(range(11))) < power(1.0)


def _white(columns: ComplexArray, sigma: FloatArray) -> FloatArray:
    scaled = columns / sigma[:, None]
    return np.vstack([scaled.real, scaled.imag])


def test_the_ideal_power_is_that_of_simulated_projections() -> None:
    """Count detections in simulated noise where only the drift is free."""
    values = np.tile(CELL, (1, 1))
    new = zarc(OMEGA, 0.05, 2e-2, 0.85)[None]
    sigma = 0.005 * np.abs(new[0] + impedance(CELL))
    s = _white(new.T, sigma)[:, 0]
    q, _ = np.linalg.qr(_white(drift_columns(OMEGA / (2 * np.pi), impedance(CELL)), sigma))
    left = s - q @ (q.T @ s)
    draws = np.random.default_rng(1).standard_normal((4000, s.size)) + s
    z = draws @ left / np.linalg.norm(left)
    rate = float(np.mean(z > 3.0902))
    assert ideal_power(values, new, 0.005, (), ()) == pytest.approx(rate, abs=4 * math.sqrt(0.25 / 4000))


def test_cases_are_reproducible_and_know_their_truth() -> None:
    a, b = make("gradual", 3), make("gradual", 3)
    assert all((s.impedance == t.impedance).all() for s, t in zip(a.series, b.series, strict=True))
    assert a.born is not None
    assert 2 <= a.width <= 5
    assert math.isnan(make("none", 3).ideal)
    once = make("once", 3)
    assert once.died == (once.born or 0) + 1


def test_quick_fits_have_the_minimum_of_thorough_ones() -> None:
    s = with_accuracy(
        simulate("R0-Zarc1-Zarc2", np.geomspace(1, 1e5, 41), [10, 50, 1e-3, 0.8, 20, 1e-5, 0.9], 0.003, 1)
    )
    thorough, quick = fit(s, "R0-Zarc1-Zarc2", weighting="noise"), locate(s, Circuit("R0-Zarc1-Zarc2"))
    assert quick.chi2 == pytest.approx(thorough.chi2, rel=1e-6)
    np.testing.assert_allclose(quick.values, thorough.values, rtol=1e-3)
    assert quick.noise_floor == pytest.approx(thorough.noise_floor)
    start = dict(zip(thorough.circuit.parameters, thorough.values.tolist(), strict=True))
    again = locate(s, Circuit("R0-Zarc1-Zarc2"), start, effort=NONE, ladder=False)
    assert again.chi2 == pytest.approx(thorough.chi2, rel=1e-6)
    assert math.isnan(again.noise_floor)


def test_a_common_level_finds_what_no_spectrum_shows() -> None:
    rng = np.random.default_rng(5)
    R = rng.standard_normal(20)
    R[8:] += 2.0
    first, last, gain = best_level(R, np.ones(20))
    assert abs(first - 8) <= 1
    assert last == 19
    assert gain > 30


def test_arcs_that_merge_are_no_disappearance() -> None:
    """Two arcs come together at 1 % noise: one alone then takes the place of both."""
    tracks = track(make("birth", 997039).series, jobs=1)
    assert not [event for event in tracks.events if event.status == "confirmed"]
