"""Resistance of one arc in all spectra, the rise along a series, and the detection limit."""

from collections.abc import Sequence

import numpy as np
import pytest

from eistool import Circuit, Event, Series, Spectrum, track
from eistool.fitting import FitResult
from eistool.fitting.engine import locate
from eistool.tracking.accuracy import ProjectedResidual, with_accuracy
from eistool.tracking.joint_resistance import joint_resistance, small_arcs
from eistool.tracking.rise import Levels, excess_scatter
from eistool.typing import FloatArray
from tests.tracking.series import cell

F = np.geomspace(1e5, 0.1, 43)
TAU, ALPHA, NEW = 3e-2, 0.85, 2.0
N, BORN = 10, 5


def spectra(R_new: float, seed: int = 0) -> list[Spectrum]:
    """Return spectra whose other arc changes by 2 % from one to the next."""
    steps = np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, N)))
    arcs = [[(30.0 * step, 3e-4, 0.8)] + [(R_new, TAU, ALPHA)] * (s >= BORN) for s, step in enumerate(steps)]
    return [cell(some, 100 * seed + s, 20.0, (60.0, 30.0), frequency=F) for s, some in enumerate(arcs)]


@pytest.fixture(scope="module")
def results() -> list[FitResult]:
    circuits = ["L0-R0-Zarc_1-Wo_t" + ("-Zarc_z" if s >= BORN else "") for s in range(N)]
    return [locate(with_accuracy(z), Circuit(circuit)) for z, circuit in zip(spectra(NEW), circuits, strict=True)]


def estimate(results: list[FitResult], present: Sequence[int] = ()) -> tuple[FloatArray, FloatArray]:
    start = np.where(np.arange(N) >= BORN, NEW, 0.0)
    joint = joint_resistance(results, "Zarc_z", np.ones(N), TAU, ALPHA, start, [BORN], present)
    assert joint is not None
    return joint.R, joint.covariance


def test_the_joint_estimate_holds_the_true_values(results: list[FitResult]) -> None:
    R, covariance = estimate(results)
    error = R - np.where(np.arange(N) >= BORN, NEW, 0.0)
    assert np.abs(error / np.sqrt(np.diag(covariance))).max() < 4
    assert error @ np.linalg.inv(covariance) @ error < 3 * N


def test_spectra_in_common_know_more_than_each_alone(results: list[FitResult]) -> None:
    _, covariance = estimate(results)
    alone = [ProjectedResidual.of(r, drift=False).resistances(np.array([TAU]), np.array([ALPHA]))[1][0]
             for r in results[:BORN]]  # fmt: skip
    assert np.sqrt(np.diag(covariance))[:BORN].max() < 0.8 * min(alone)


def test_a_search_that_starts_with_the_arc_everywhere_finds_where_it_is(results: list[FitResult]) -> None:
    R, covariance = estimate(results)
    everywhere, _ = estimate(results, present=list(range(BORN, N)))
    assert np.abs((R - everywhere) / np.sqrt(np.diag(covariance))).max() < 1


def test_fits_without_a_common_circuit_have_no_joint_estimate(results: list[FitResult]) -> None:
    other = [locate(r.spectrum, Circuit(circuit)) for r, circuit in
             zip(results, ["R0-Zarc_1", "R0-C_1", "R0-CPE_1", "R0-W_1", "R0-L_1"] * 2, strict=True)]  # fmt: skip
    assert joint_resistance(other, "Zarc_z", np.ones(N), TAU, ALPHA, np.zeros(N)) is None


def test_a_small_arc_is_vague_next_to_another(results: list[FitResult]) -> None:
    plain = [locate(r.spectrum, Circuit("L0-R0-Zarc_1-Wo_t")) for r in results[:BORN]]
    covariances = small_arcs(plain, np.ones(BORN), np.array([3e-4, TAU]), ALPHA)
    assert covariances is not None
    near, far = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)).mean(axis=1)
    assert near > 3 * far


def test_scatter_beyond_the_errors_counts() -> None:
    R, covariance = np.array([0.0, 1.0, -1.0, 1.0, -1.0]), 0.1**2 * np.eye(5)
    assert excess_scatter(R, covariance) == pytest.approx(100.0)
    assert excess_scatter(0.01 * R, covariance) == 1.0
    assert excess_scatter(R[:2], covariance[:2, :2]) == 1.0


def test_errors_in_common_leave_differences_sharp() -> None:
    common = 0.2**2 * np.eye(4) + 5.0**2
    levels = Levels([0, 1, 2, 3], 2, np.array([0.0, 0, 2, 2]), common)
    assert levels.u_difference(levels.off, levels.on) == pytest.approx(0.2)
    assert levels.mean(levels.on)[1] > 5


@pytest.mark.parametrize("tau", [2e-6, 2e-2])
def test_an_arc_of_the_detection_limit_is_confirmed(tau: float) -> None:
    def events(R: float) -> tuple[Event, ...]:
        return track(Series([at(s, R) for s in range(12)], by="cycle"), jobs=1).events

    def at(s: int, R: float) -> Spectrum:
        arcs = [(30.0, 3e-4, 0.8)] + [(R, tau, 0.8)] * (R > 0 and s >= 6)
        return cell(arcs, 100 + s, 20.0, cycle=float(s))

    limit = track(Series([at(s, 0.0) for s in range(12)], by="cycle"), jobs=1).detectable(tau)
    assert [(e.kind, e.index, e.status) for e in events(limit)] == [("appeared", 6, "confirmed")]
    assert not [e for e in events(0.2 * limit) if e.status == "confirmed"]
