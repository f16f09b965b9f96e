"""Capacitances, candidate assignments, and the three conditions for a grain boundary."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eistool import CellGeometry, Circuit, FitResult, assign, fit, simulate
from eistool.materials import effective_capacitance
from eistool.materials.assignment import grain_boundary_objection

CELL = CellGeometry(thickness_um=1000, diameter_mm=10)
FREQUENCY = np.geomspace(7e6, 0.1, 64)


def pellet(circuit: str, values: list[float], named: str | None = None, seed: int = 1) -> FitResult:
    return fit(simulate(circuit, FREQUENCY, values, noise=0.003, seed=seed), named or circuit)


def test_t12_capacitances() -> None:
    arc = effective_capacitance(5e-9, 0.9, R=150.0)
    assert arc.hsu_mansfeld == pytest.approx(1.043e-9, rel=5e-4)
    assert pytest.approx(1.565e-7, rel=5e-4) == (150.0 * 5e-9) ** (1 / 0.9)
    face = effective_capacitance(2e-5, 0.8, R=100.0, R_s=53.05)
    capacitances = (face.hsu_mansfeld, face.brug, face.brug_blocking)
    assert capacitances == pytest.approx((4.229e-6, 3.245e-6, 3.610e-6), rel=5e-4)
    assert effective_capacitance(2e-5, 0.8, R_s=53.05).brug_blocking == face.brug_blocking
    assert math.isnan(effective_capacitance(2e-5, 0.59, R=100.0, R_s=53.05).hsu_mansfeld)


@given(
    st.floats(1e-9, 1e-4), st.floats(0.65, 1.0), st.floats(1.0, 1e5), st.floats(1.0, 1e3),
    st.tuples(*[st.floats(0.001, 0.01)] * 4),
)  # fmt: skip
def test_errors_of_capacitances_are_the_linear_ones(
    Q: float, alpha: float, R: float, R_s: float, relative: tuple[float, ...]
) -> None:
    """Compare with finite differences of the three formulas in ln C, for a random diagonal covariance."""
    values = np.array([Q, alpha, R, R_s])
    u = values * np.array(relative)
    capacitances = effective_capacitance(Q, alpha, R, R_s, np.diag(u**2))

    def logs(v: np.ndarray) -> np.ndarray:
        q, a, r, s = v
        hsu = q ** (1 / a) * r ** ((1 - a) / a)
        brug = q ** (1 / a) * (1 / s + 1 / r) ** ((a - 1) / a)
        return np.log([hsu, brug, q ** (1 / a) * s ** ((1 - a) / a)])

    steps = np.diag(values * 1e-6)
    jacobian = np.array([(logs(values + step) - logs(values - step)) / 2e-6 for step in steps])
    expected = np.sqrt((np.array(relative)[:, None] ** 2 * jacobian**2).sum(axis=0)) * np.exp(logs(values))
    assert (capacitances.u_hsu_mansfeld, capacitances.u_brug, capacitances.u_brug_blocking) == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize(
    ("C", "first"),
    [
        (7e-12, "bulk"),
        (3e-9, "grain_boundary"),
        (2e-6, "electrode"),
        (1.5e-4, "reaction"),
    ],
)
def test_candidates_follow_from_the_capacitance(C: float, first: str) -> None:
    """L/A = 0.127/cm and 0.785 cm², with the apex fixed at 10 kHz."""
    [arc] = assign(pellet("p(R1,C1)", [1 / (2 * math.pi * 1e4 * C), C]), CELL)
    assert arc.candidates[0] == arc.assignment == first
    assert arc.C_through_F_per_cm == pytest.approx(C * 0.12732, rel=0.02)


def test_permittivity_of_the_bulk() -> None:
    [arc, _] = assign(pellet("p(R1,C1)-CPE1", [5e4, 8.854e-14 * 10 / 0.12732, 2e-6, 0.9]), CELL)
    assert arc.assignment == "bulk"
    assert abs(arc.permittivity - 10) < 3 * arc.u_permittivity < 2


def test_of_two_arcs_that_fit_bulk_the_faster_is() -> None:
    """Both C L/A are compatible with bulk; the slower one is larger."""
    bulk, slower = 4e-12, 2e-11
    values = [2e4, bulk, 5e4, slower, 2e-6, 0.9]
    first, second, _ = assign(pellet("p(R1,C1)-p(R2,C2)-CPE1", values), CELL)
    assert (first.name, first.assignment) == ("R1", "bulk")
    assert (second.name, second.assignment) == ("R2", "grain_boundary")
    assert "slower than the bulk arc, with a larger C" in second.reason


def test_roles_of_the_library_go_before_guesses() -> None:
    values = [5e3, 2e-11, 0.98, 2e4, 3e-6, 0.95, 2e-4, 0.9]
    _, arc, electrode = assign(pellet("p(R1,CPE1)-p(R2,CPE2)-CPE3", values, "bulk_gb_spike"), CELL)
    assert (arc.assignment, arc.by_role) == ("grain_boundary", True)
    assert "grain_boundary" not in arc.candidates
    assert "is not that of grain boundaries" in grain_boundary_objection(arc)
    assert (electrode.assignment, electrode.R, electrode.status) == ("electrode", math.inf, "ok")


def test_a_grain_boundary_needs_all_three_conditions() -> None:
    values = [5e3, 2e-11, 0.98, 2e4, 5e-9, 0.9, 2e-6, 0.9]
    seen = assign(pellet("p(R1,CPE1)-p(R2,CPE2)-CPE3", values, "bulk_gb_spike"), CELL)[1]
    assert grain_boundary_objection(seen) == ""
    assert seen.delta_bic > 10
    # its apex below the window
    values[3:6] = [3e8, 5e-8, 0.95]
    outside = assign(pellet("p(R1,CPE1)-p(R2,CPE2)", values[:6]), CELL)[1]
    assert "apex outside the window" in grain_boundary_objection(outside)


def test_without_a_cell_it_says_what_it_assumed() -> None:
    result = pellet("R0-p(R1,CPE1)-CPE2", [20.0, 150, 2e-8, 0.9, 1e-5, 0.85])
    assert "cell unknown: L/A = 1/cm and 1 cm² assumed" in assign(result)[0].reason
    arc, electrode = assign(result, CELL, evidence=False)
    assert math.isnan(arc.delta_bic)
    assert arc.C_brug < arc.C_eff
    assert "blocking" in repr(electrode)


def test_a_zarc_is_an_arc_too() -> None:
    """R, τ, α in place of R, Q, α: the same capacitances, with the same errors."""
    R, Q, alpha = 150.0, 2e-8, 0.9
    by_q = pellet("R0-p(R1,CPE1)-CPE2", [20.0, R, Q, alpha, 1e-5, 0.85])
    tau = (R * Q) ** (1 / alpha)
    by_tau = pellet("R0-Zarc1-CPE2", [20.0, R, tau, alpha, 1e-5, 0.85])
    one, other = assign(by_q, CELL)[0], assign(by_tau, CELL)[0]
    assert other.C_brug == pytest.approx(one.C_brug, rel=1e-4)
    assert other.u_C_brug == pytest.approx(one.u_C_brug, rel=1e-2)


def test_a_failed_fit_has_no_processes() -> None:
    result = fit(simulate(Circuit("R0-C1"), FREQUENCY, [10, 1e-6], noise=0.003, seed=1), "R0-C1")
    failed = type(result)(
        **{name: getattr(result, name) for name in result.__slots__ if name[0] != "_"} | {"status": "failed"}
    )
    assert assign(failed) == ()


def test_what_needs_no_tolerance_comes_first() -> None:
    """A contact of 0.5 µF/cm² on a thin pellet: C L/A is near grain boundaries, C/A clearly that of a face."""
    thin = CellGeometry(thickness_um=500, diameter_mm=10)
    [arc] = assign(pellet("p(R1,C1)", [66.0, 4e-7]), thin)
    assert arc.candidates[0] == arc.assignment == "electrode"
    assert "grain_boundary" in arc.candidates
