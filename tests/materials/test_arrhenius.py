"""Activation energies: numeric cases, covariance, competing laws and invalid arguments."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eistool import SpectrumError, arrhenius
from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.materials import meyer_neldel
from tests.materials.pellets import line

T = np.arange(-40.0, 61, 20)
TEN = np.linspace(-40, 60, 10)
GLASS = line(T, 11.731, 0.31)


def test_t3_numbers() -> None:
    assert line([-40, 0, 60], 11.731, 0.31) == pytest.approx([1.062e-4, 8.683e-4, 7.630e-3], rel=5e-4)
    assert line([-40], 10.884, 0.34) == pytest.approx([1.023e-5], rel=5e-4)
    assert line([30, 60], 12.327, 0.33) == pytest.approx([2.431e-3, 6.900e-3], rel=5e-4)
    result = arrhenius(T, GLASS, 0.01 * GLASS)
    assert (result.Ea_eV, result.ln_sigma0) == pytest.approx((0.31, 11.731))
    assert result.sigma_25C_S_per_cm == pytest.approx(2.4e-3, rel=1e-3)
    assert (result.form, result.status, result.sigma_25C_status) == ("ln_sigmaT", "ok", "ok")


def test_t3_forms_are_never_mixed() -> None:
    other = arrhenius(T, GLASS, form="ln_sigma")
    assert other.Ea_eV == pytest.approx(0.286, abs=5e-4)
    assert repr(other).startswith("Arrhenius, ln_sigma, 6 points: Ea = 0.286")
    [second] = arrhenius(T, GLASS).alternatives
    assert second.form == "ln_sigma"
    assert second.Ea_eV == pytest.approx(other.Ea_eV)


@pytest.mark.parametrize(("thickness_cm", "energy"), [(0.1, 0.307), (0.043, 0.302)])
def test_a_lead_that_was_left_in(thickness_cm: float, energy: float) -> None:
    constant = thickness_cm / (math.pi * 0.25)
    with_lead = constant / (constant / GLASS + 1.0)
    result = arrhenius(T, with_lead)
    assert result.Ea_eV == pytest.approx(energy, abs=5e-4)
    # the correction for the lead restores the energy
    assert result.Ea_eV + result.systematics(constant)["lead"] == pytest.approx(0.31, abs=1e-4)
    assert "lead" not in result.systematics()
    assert math.isnan(result.systematics(constant, lead_ohm=1e6)["lead"])


def test_an_offset_hardly_matters_and_a_lag_does() -> None:
    result = arrhenius(T, GLASS)
    effect = result.systematics(offset_K=1, lag=0.02)
    assert abs(effect["offset"]) < 0.0025
    lagging = arrhenius(T, line(25 + 0.98 * (T - 25), 11.731, 0.31))
    assert lagging.Ea_eV + lagging.systematics(lag=0.02)["lag"] == pytest.approx(0.31, abs=1e-3)
    assert effect["lag"] > 2 * effect["offset"]


@given(st.integers(0, 10_000), st.floats(0.001, 0.2))
def test_covariance_is_that_of_weighted_least_squares(seed: int, scatter: float) -> None:
    """Compare with explicit normal equations."""
    rng = np.random.default_rng(seed)
    u = rng.uniform(0.5, 2, T.size) * scatter
    sigma = GLASS * np.exp(0.3 * u * rng.standard_normal(T.size))  # below their errors: nothing is widened
    result = arrhenius(T, sigma, u * sigma)
    kelvin = T + ZERO_CELSIUS
    design = np.column_stack([-1 / (BOLTZMANN_EV * kelvin), np.ones_like(T)])
    weight = np.diag(u**-2.0)
    expected = np.linalg.inv(design.T @ weight @ design)
    values = expected @ design.T @ weight @ np.log(sigma * kelvin)
    residual = np.log(sigma * kelvin) - design @ values
    expected *= max(1.0, float(residual @ weight @ residual) / (T.size - 2))
    assert [result.Ea_eV, result.ln_sigma0] == pytest.approx(values, rel=1e-6)
    assert result.covariance == pytest.approx(expected, rel=1e-5)


def test_the_geometry_enters_the_prefactor_only() -> None:
    without, with_ = (arrhenius(T, GLASS, 0.01 * GLASS, u_geometry=u) for u in (0.0, 0.05))
    assert with_.u_Ea_eV == without.u_Ea_eV
    assert with_.u_ln_sigma0**2 == pytest.approx(without.u_ln_sigma0**2 + 0.05**2)
    assert with_.covariance[0, 1] == without.covariance[0, 1]
    assert with_.u_sigma_25C_S_per_cm / 2.4e-3 == pytest.approx(0.05, rel=0.03)
    assert with_.sigma_25C_low < 2.4e-3 < with_.sigma_25C_high


def test_scatter_beyond_the_errors_widens_them() -> None:
    wobble = np.exp(0.1 * np.array([1, -1, 1, -1, 1, -1]))
    honest, hopeful = arrhenius(T, GLASS * wobble, 0.1 * GLASS), arrhenius(T, GLASS * wobble, 0.001 * GLASS)
    assert hopeful.u_Ea_eV == pytest.approx(arrhenius(T, GLASS * wobble).u_Ea_eV, rel=0.05)
    assert hopeful.u_Ea_eV > 0.8 * honest.u_Ea_eV
    assert any("scatter beyond their errors" in flag for flag in hopeful.flags)
    assert hopeful.quantile > 2.5  # four degrees of freedom


def test_errors_of_temperature() -> None:
    """The energy takes them as scatter of (Ea/kBT - 1) u/T, σ at 25 °C as an offset."""
    result = arrhenius(T, GLASS, 1e-6 * GLASS, u_temperature_K=1.0)
    kelvin = T + ZERO_CELSIUS
    u = (0.31 / (BOLTZMANN_EV * kelvin) - 1) / kelvin
    by_hand = arrhenius(T, GLASS, u * GLASS)
    assert result.u_Ea_eV == pytest.approx(by_hand.u_Ea_eV, rel=1e-6)
    assert 0.003 < result.u_Ea_eV < 0.005
    assert result.u_sigma_25C_S_per_cm / 2.4e-3 > 0.037


def test_vogel_fulcher_tammann_is_found_where_it_holds() -> None:
    rng = np.random.default_rng(2)
    kelvin = TEN + ZERO_CELSIUS
    sigma = 5 / np.sqrt(kelvin) * np.exp(-600 / (kelvin - 180)) * np.exp(0.005 * rng.standard_normal(10))
    result = arrhenius(TEN, sigma, 0.005 * sigma)
    laws = {one.form: one for one in result.alternatives}
    assert laws["vft"].delta_aicc < laws["piecewise"].delta_aicc < -4
    assert laws["vft"].parameters["T0_K"] == pytest.approx(180, abs=5)
    assert laws["vft"].parameters["B_K"] == pytest.approx(600, rel=0.1)
    assert any(flag.startswith("vft describes the points better") for flag in result.flags)


def test_two_pieces_are_found_where_there_are_two() -> None:
    rng = np.random.default_rng(3)
    inverse = 1 / (BOLTZMANN_EV * (TEN + ZERO_CELSIUS))
    knot = 1 / (BOLTZMANN_EV * (10 + ZERO_CELSIUS))
    log = 12 - 0.30 * inverse - 0.15 * np.maximum(inverse - knot, 0)
    sigma = np.exp(log + 0.003 * rng.standard_normal(10)) / (TEN + ZERO_CELSIUS)
    laws = {one.form: one for one in arrhenius(TEN, sigma).alternatives}
    assert laws["piecewise"].delta_aicc < -4
    assert laws["piecewise"].parameters["break_C"] == pytest.approx(10, abs=3)
    assert laws["piecewise"].parameters["Ea_warm_eV"] == pytest.approx(0.30, abs=0.01)
    assert laws["piecewise"].parameters["Ea_cold_eV"] == pytest.approx(0.45, abs=0.01)


def test_a_straight_line_stays_one() -> None:
    """A curvature is flagged in few of 40 series that follow the law."""
    rng = np.random.default_rng(4)
    bent = 0
    for _ in range(40):
        sigma = line(TEN, 11.731, 0.31) * np.exp(0.01 * rng.standard_normal(10))
        bent += any("describes the points better" in flag for flag in arrhenius(TEN, sigma).flags)
    assert bent <= 4
    assert [one.form for one in arrhenius(TEN[:7], line(TEN[:7], 11.7, 0.31)).alternatives] == ["ln_sigma"]


def test_an_outlier_is_flagged_and_left_out_on_request() -> None:
    rng = np.random.default_rng(5)
    sigma = line(TEN, 11.731, 0.31) * np.exp(0.01 * rng.standard_normal(10))
    sigma[3] *= 1.5
    plain = arrhenius(TEN, sigma, 0.01 * sigma)
    assert any("-6.66667 °C lies far from" in flag for flag in plain.flags)
    assert plain.n_points == 10
    robust = arrhenius(TEN, sigma, 0.01 * sigma, robust=True)
    assert robust.used.tolist() == [i != 3 for i in range(10)]
    assert abs(robust.Ea_eV - 0.31) < 3 * robust.u_Ea_eV < abs(plain.Ea_eV - 0.31) + 0.01
    assert robust.to_dataframe()["used"].sum() == 9


def test_extrapolated_points_are_kept_and_flagged() -> None:
    result = arrhenius(T, GLASS, 0.01 * GLASS, extrapolated=[True, True, False, False, False, False])
    assert (result.n_points, result.status) == (6, "ok")
    assert "2 of 6 conductivities are extrapolated" in result.flags
    assert arrhenius(T, GLASS, extrapolated=[True] * 6).status == "extrapolated"


def test_room_temperature_outside_of_the_points() -> None:
    warm = np.array([60.0, 80, 100, 120])
    result = arrhenius(warm, line(warm, 11.731, 0.31), 0.01 * GLASS[:4])
    assert result.sigma_25C_status == "extrapolated"
    assert result.sigma_25C_S_per_cm == pytest.approx(2.4e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("temperatures", "with_errors", "reason"),
    [([25.0], True, "1 temperature;"), ([25.0, 25.0], True, "1 temperature;"), ([0.0, 25.0], False, "two points")],
)
def test_too_few_temperatures(temperatures: list[float], with_errors: bool, reason: str) -> None:
    sigma = line(temperatures, 11.731, 0.31)
    result = arrhenius(temperatures, sigma, 0.01 * sigma if with_errors else None)
    assert result.status == "not_resolvable"
    assert math.isnan(result.Ea_eV)
    assert result.reason.startswith(reason)
    assert result.to_dict()["Ea_eV"] is None
    assert result.systematics() == {}
    assert "not resolvable" in repr(result)


def test_two_points_with_errors_are_a_value_that_nothing_tests() -> None:
    sigma = line([0.0, 40.0], 11.731, 0.31)
    result = arrhenius([0.0, 40.0], sigma, 0.02 * sigma)
    assert result.Ea_eV == pytest.approx(0.31)
    assert "two points: the law is not tested" in result.flags
    close = line([20.0, 22.0], 11.731, 0.31)
    vague = arrhenius([20.0, 22.0], close, 0.2 * close)
    assert vague.status == "not_resolvable"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([25.0, 30.0], [1e-3]), "2 temperatures and 1 conductivities"),
        (([25.0, 30.0], [1e-3, -1e-3]), "point 1, conductivity=-0.001; give values above 0"),
        (([25.0, -300.0], [1e-3, 1e-3]), "point 1, temperature_C=-300.0"),
        (([25.0, 30.0], [1e-3, 2e-3], [1e-4, 0.0]), "point 1, u_conductivity=0.0"),
        ((["warm"], [1e-3]), "expected numbers"),
    ],
)
def test_wrong_points(arguments: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(SpectrumError, match=message.replace("(", r"\(")):
        arrhenius(*arguments)
    with pytest.raises(SpectrumError, match="choose ln_sigmaT, ln_sigma"):
        arrhenius([25.0], [1e-3], form="log")


def test_meyer_neldel_over_samples() -> None:
    """ln σ0 = 4 + Ea/0.04 eV over six samples, and no rule for equal energies."""
    rng = np.random.default_rng(6)

    def sample(energy: float, level: float) -> np.ndarray:
        return line(T, level, energy) * np.exp(0.01 * rng.standard_normal(T.size))

    energies = np.linspace(0.25, 0.5, 6)
    fits = [arrhenius(T, s, 0.01 * s) for s in (sample(e, 4 + e / 0.04) for e in energies)]
    result = meyer_neldel(fits)
    assert result.status == "ok"
    assert abs(result.E_MN_eV - 0.04) < 3 * result.u_E_MN_eV < 0.004
    assert meyer_neldel(fits[:3]).status == "not_resolvable"
    same = [arrhenius(T, s, 0.01 * s) for s in (sample(0.31, 11.7) for _ in range(6))]
    assert "Ea varies by" in meyer_neldel(same).reason
    assert repr(result).startswith("MeyerNeldel(E_MN = 0.0")
