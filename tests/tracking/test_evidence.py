"""Criteria that prevent confirmation, and tracking of unusual series."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from eistool import Circuit, Metadata, Series, Spectrum, SpectrumError, fit, simulate, track
from eistool.tracking.accuracy import ProjectedResidual, with_accuracy
from eistool.tracking.arc_count import _cheapest, best_range
from eistool.tracking.boundary import null_gains
from eistool.tracking.eligibility import inconsistency
from eistool.tracking.rise import Levels, front
from tests.tracking.series import cell

F = np.geomspace(1e5, 0.1, 43)
BASE = [(10.0, 1e-4, 0.9)]


def born(at: int, n: int, arc: tuple[float, float, float], drift: float = 0.0) -> Series:
    spectra = [
        cell([*BASE, arc] if s >= at else BASE, s, 20.0, frequency=F, cycle=float(s), ewe_drift_mV=drift)
        for s in range(n)
    ]
    return Series(spectra, by="cycle")


def test_a_birth_seen_once_is_tentative() -> None:
    events = track(born(6, 7, (8.0, 3e-2, 0.85)), jobs=1).events
    assert [(e.kind, e.index, e.status) for e in events] == [("appeared", 6, "tentative")]
    assert "seen once" in events[0].evidence["reason"]
    assert events[0].evidence["criterion_5"] is False


def test_a_birth_at_the_edge_of_the_window_is_marked() -> None:
    events = track(born(4, 8, (8.0, 1.2, 0.95)), jobs=1).events
    assert {e.status for e in events} <= {"edge"}
    assert events
    assert events[0].evidence["criterion_4"] is False


def test_voltage_drift_over_a_sweep_keeps_a_birth_from_being_confirmed() -> None:
    series = born(4, 8, (8.0, 3e-2, 0.85), drift=12.0)
    (event,) = track(series, jobs=1).events
    assert event.status == "tentative"
    assert "voltage drifts by 12.0 mV" in event.evidence["reason"]


@pytest.mark.parametrize(("kind", "reason"), [("appeared", "may have split"), ("disappeared", "may have merged")])
def test_a_split_arc_is_tentative(kind: str, reason: str) -> None:
    """The sum of the two arcs equals the single arc, so that the total does not change."""
    whole, parts = [(40.0, 1e-3, 0.75)], [(25.0, 3e-4, 0.85), (15.0, 8e-3, 0.85)]
    first, then = (whole, parts) if kind == "appeared" else (parts, whole)
    series = [cell(first if s < 4 else then, s, frequency=F, cycle=float(s)) for s in range(8)]
    events = track(Series(series, by="cycle"), jobs=1).events
    assert [(event.kind, event.index, event.status) for event in events] == [(kind, 4, "tentative")]
    assert reason in events[0].evidence["reason"]


def test_repeated_points_that_differ_are_inconsistent() -> None:
    s = simulate("R0-p(R1,C1)", [1e3, 1e2, 1e2, 10.0, 1.0, 0.1], [10, 20, 1e-4])
    z = s.impedance.copy()
    z[2] *= 1.05
    assert "repeated points differ by 5.0%" in inconsistency(replace(s, impedance=z))


def test_slow_growth_is_not_announced_as_a_birth() -> None:
    spectra = [
        cell([*BASE, (0.02 + 0.25 * s, 3e-2, 0.85)], s, 20.0, frequency=F, cycle=float(s)) for s in range(14)
    ]
    assert not [e for e in track(Series(spectra, by="cycle"), jobs=1).events if e.status == "confirmed"]


def levels_of(R: list[float], n_off: int, u: float = 0.2) -> Levels:
    return Levels(list(range(len(R))), n_off, np.array(R), u**2 * np.eye(len(R)))


def test_jump_and_growth_are_distinguished() -> None:
    jump = front(levels_of([0, 0, 0, 0, 5, 5, 5, 5], 4))
    assert jump.jump > 10
    assert (jump.place, jump.earliest, jump.latest) == (4, 4, 4)
    assert front(levels_of([0, 0.7, 1.4, 2.1, 2.8, 3.5, 4.2], 3)).jump < 10
    # growth that speeds up from the start is below the detection limit at first
    assert front(levels_of([0.02, 0.1, 0.3, 0.8, 1.5, 2.6, 4.1], 3)).jump < 10


def test_a_rise_that_scatters_as_much_as_it_rises_is_no_jump() -> None:
    assert front(levels_of([0.5, 1.5, 0.7, 1.2, 2.9, 1.1, 3.4, 1.3], 4)).jump < 10


def test_a_gradual_rise_has_an_interval() -> None:
    rise = front(levels_of([0, 0, 0, 0, 1.3, 2.6, 3.9, *[5.0] * 7], 4))
    assert rise.jump > 10
    assert rise.earliest == 4
    assert 6 <= rise.latest <= 7
    assert rise.earliest <= rise.place <= rise.latest
    vague = front(levels_of([0, 0, 0, 0, 5, 5, 5, 5], 4, u=2.0))
    assert vague.earliest < 4 < vague.latest


def test_a_series_without_events_has_detection_limits() -> None:
    tracks = track(born(99, 6, (1.0, 1e-2, 0.9)), jobs=1)
    assert tracks.events == ()
    limit = tracks.detectable(1e-2)
    assert 0.01 < limit < 5
    assert "no new process; an arc of more than" in repr(tracks).splitlines()[0]
    # an arc of three times that size is detected
    events = track(born(3, 6, (3 * limit, 1e-2, 0.85)), jobs=1).events
    assert [e.kind for e in events] == ["appeared"]


def test_a_sequence_of_spectra_is_a_series_by_its_order() -> None:
    tracks = track(list(born(99, 3, (1.0, 1e-2, 0.9))), jobs=1)
    assert tracks.series.coordinate.tolist() == [0, 1, 2]
    with pytest.raises(SpectrumError, match="give two or more"):
        track([tracks.series[0]])


def test_spectra_that_cannot_be_fitted_are_flagged() -> None:
    series = born(99, 5, (1.0, 1e-2, 0.9))
    broken = Spectrum([1e3, 1.0], [10 - 1j, 20 - 1j], Metadata(cycle=2.5), "two points")
    tracks = track(Series([*series, broken], by="cycle"), jobs=1)
    assert any("two points: no fit" in flag for flag in tracks.flags)
    assert np.isnan(tracks.processes[0].R[3])


def test_results_do_not_depend_on_threads() -> None:
    series = born(4, 8, (8.0, 3e-2, 0.85))
    assert track(series, jobs=1).to_dict() == track(series, jobs=2).to_dict()


def test_the_null_distribution_is_that_of_refits() -> None:
    """Compare gains with those of an independent optimiser on similar data."""
    s = with_accuracy(simulate("R0-Zarc1", np.geomspace(1, 1e5, 31), [10, 50, 1e-3, 0.8], 0.003, 1))
    small = fit(s, "R0-Zarc1", weighting="noise")
    gains = null_gains(small, 1.0, 60)
    rng = np.random.default_rng(3)
    one, two = Circuit("R0-Zarc1"), Circuit("R0-Zarc1-Zarc2")
    exact = one.impedance(s.frequency, small.values)
    sigma = 0.003 * np.abs(s.impedance)

    def misfit(circuit: Circuit, start: list[float]) -> float:
        def residual(
            p: np.ndarray[tuple[int], np.dtype[np.float64]],
        ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            values = np.where(np.array([spec.kind == "exponent" for spec in circuit.specs]), p, np.exp(p))
            r = (circuit.impedance(s.frequency, values) - data) / sigma
            return np.concatenate([r.real, r.imag])

        kinds = [spec.kind == "exponent" for spec in circuit.specs]
        p0 = [v if e else np.log(v) for v, e in zip(start, kinds, strict=True)]
        bounds = ([0.1 if e else -40 for e in kinds], [1.0 if e else 40 for e in kinds])
        return 2 * float(least_squares(residual, p0, bounds=bounds, max_nfev=60).cost)

    refitted = []
    for _ in range(8):
        data = exact + sigma * (rng.standard_normal(31) + 1j * rng.standard_normal(31))
        base = list(small.values)
        best = min(misfit(two, [*base, 0.3, tau, 0.85]) for tau in (1e-5, 1e-2))
        refitted.append(misfit(one, base) - best)
    assert abs(np.median(gains) - np.median(refitted)) < 3
    assert np.all(gains > -1e-6)


def test_projected_residuals_give_the_resistance_of_a_small_arc() -> None:
    values = [10, 50, 1e-3, 0.85, 0.5, 0.1, 0.9]
    s = with_accuracy(simulate("R0-Zarc1-Zarc2", np.geomspace(0.1, 1e5, 49), values, 1e-5, 1))
    residual = ProjectedResidual.of(fit(s, "R0-Zarc1", weighting="noise"))
    R, u = residual.resistances(np.array([0.1]), np.array([0.9]))
    assert abs(R[0] - 0.5) < 2 * u[0]


def test_ranges_and_paths_are_the_cheapest() -> None:
    rng = np.random.default_rng(4)
    gain = rng.normal(0, 1, 9)
    first, last, total = best_range(gain)
    sums = {(a, b): gain[a : b + 1].sum() for a in range(9) for b in range(a, 9)}
    assert total == pytest.approx(max(sums.values()))
    assert sums[first, last] == pytest.approx(total)
    cost = np.array([[0.0, 0, 30, 30, 0], [15, 15, 0, 0, 15]])
    assert _cheapest(cost) == [0, 0, 1, 1, 0]
    assert _cheapest(cost / 10) == [1, 1, 1, 1, 1]  # no switch lowers the cost
