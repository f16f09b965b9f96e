"""Conductivities and limits from direct currents."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eistool import CellGeometry, SpectrumError, analyze_polarization, bruce_vincent
from eistool.direct_current import PolarizationResult, transference_numbers
from tests.direct_current.holds import Protocol, simulate

PELLET = CellGeometry(thickness_um=280, diameter_mm=10, u_thickness_um=3, u_diameter_mm=0.02)


def analyze(
    protocol: Protocol, cell: CellGeometry | None = PELLET, seed: int = 1, **given: Any
) -> PolarizationResult:
    return analyze_polarization(*simulate(protocol, seed), cell, **given)


@pytest.mark.parametrize(
    ("thickness_um", "sigma", "current", "resistance"),
    [(280, 6.4e-10, 17.9e-9, 5.57e7), (220, 2.8e-11, 1.00e-9, 1.00e9), (230, 2.8e-10, 9.56e-9, 1.05e8)],
)
def test_electrolytes(thickness_um: float, sigma: float, current: float, resistance: float) -> None:
    """T2: 1 V for 20 h."""
    R = thickness_um * 1e-4 / (sigma * math.pi * 0.25)
    assert pytest.approx(resistance, rel=5e-3) == R
    assert pytest.approx(current, rel=5e-3) == 1 / R
    cell = CellGeometry(thickness_um=thickness_um, diameter_mm=10, u_thickness_um=3, u_diameter_mm=0.02)
    result = analyze(Protocol(resistance_ohm=R, wander=2e-3, drift=2e-3, dt_s=60, offset_A=5e-11), cell)
    assert result.status == "ok"
    assert result.carrier == "electronic"
    assert abs(result.sigma_S_per_cm - sigma) < 2.5 * result.u_sigma_S_per_cm < 0.08 * sigma
    assert result.I_ss_A == pytest.approx(current, rel=0.02)
    assert result.offset_A == pytest.approx(5e-11, abs=4 * result.u_offset_A)
    assert any("may decompose" in flag for flag in result.flags)


@pytest.mark.parametrize(("thickness_um", "resistance"), [(100, 0.41), (500, 2.05)])
def test_composites_need_their_lead(thickness_um: float, resistance: float) -> None:
    """T2: 0.031 S/cm."""
    R = thickness_um * 1e-4 / (0.031 * math.pi * 0.25)
    assert pytest.approx(resistance, abs=0.005) == R
    cell = CellGeometry(thickness_um=thickness_um, diameter_mm=10, u_thickness_um=2, u_diameter_mm=0.02)
    protocol = Protocol(
        resistance_ohm=R, lead_ohm=0.3, voltages_V=(0.1,), hold_s=18000, dt_s=10, terms=((0.1, 800),), noise=1e-3
    )
    known = analyze(protocol, cell, r_lead_ohm=0.3, u_r_lead_ohm=0.01)
    assert known.status == "ok"
    assert abs(known.sigma_S_per_cm - 0.031) < 2.5 * known.u_sigma_S_per_cm
    vague = analyze(protocol, cell, r_lead_ohm=0.3, u_r_lead_ohm=0.15)
    assert vague.status == ("not_resolvable" if thickness_um == 100 else "ok")
    if thickness_um == 100:
        assert "3 times the uncertainty of the lead" in vague.reason
        assert math.isnan(vague.sigma_S_per_cm)
        assert vague.lower_limit < 0.031 < vague.upper_limit
    ignored = analyze(protocol, cell)
    assert "lead resistance 0 ± 0.1 Ω" in ignored.flags


@pytest.mark.parametrize("tau", [4700.0, 13000.0])
def test_an_unsteady_current_gives_an_upper_bound(tau: float) -> None:
    """T9."""
    protocol = Protocol(
        resistance_ohm=700.0, voltages_V=(0.5,), hold_s=7200, dt_s=5, terms=((0.8, tau),), noise=1e-3
    )
    result = analyze(protocol, mode="electron_blocking")
    true = (PELLET.cell_constant_per_cm or 0) / 700
    assert result.status == "not_resolvable"
    assert math.isnan(result.sigma_S_per_cm)
    assert math.isnan(result.resistance_ohm)
    assert true < result.upper_limit < 2 * true
    assert "time constants" in result.reason
    assert "σ" not in repr(result)
    assert f"< {result.upper_limit:.3g} S/cm" in repr(result)


def test_a_rising_current_gives_a_lower_bound() -> None:
    t = np.arange(0.0, 7200.0, 5.0)
    result = analyze_polarization(t, 1e-9 * (1 + t / 7200), 1.0, PELLET, u_offset_A=1e-13, offset_A=0.0)
    assert result.status == "not_resolvable"
    assert math.isnan(result.upper_limit)
    assert result.lower_limit == pytest.approx(1.95e-9 * (PELLET.cell_constant_per_cm or 0), rel=0.05)


def test_a_current_below_the_floor_gives_an_upper_bound() -> None:
    result = analyze(Protocol(resistance_ohm=1e12, noise=0.05, dt_s=60), floor_A=1e-12)
    k = PELLET.cell_constant_per_cm or 0
    assert result.status == "not_resolvable"
    assert "3 times the floor" in result.reason
    assert result.upper_limit == pytest.approx(3e-12 * k, rel=0.05)
    assert analyze(Protocol(resistance_ohm=1e12, noise=0.05, dt_s=60)).status == "ok"


def test_noise_that_hides_the_current_gives_an_upper_bound() -> None:
    time, current, voltage = simulate(Protocol(resistance_ohm=1e12, noise=0.0, dt_s=60), 1)
    current = current + 1e-11 * np.cumsum(np.random.default_rng(1).standard_normal(time.size)) / 30
    result = analyze_polarization(time, current, voltage, PELLET)
    assert result.status == "not_resolvable"
    assert not result.upper_limit < 1e-12 * (PELLET.cell_constant_per_cm or 0)


def test_slope_over_voltages() -> None:
    result = analyze(Protocol(voltages_V=(0.25, 0.5, -0.5, 1.0), hold_s=20000, offset_A=3e-9))
    assert result.linear is True
    assert len(result.steps) == 4
    assert result.resistance_ohm == pytest.approx(5.57e7, rel=0.01)
    assert list(result.to_dataframe()["voltage_V"].round(2)) == [0.25, 0.5, -0.5, 1.0]


def test_nonlinearity_is_flagged() -> None:
    time, current, voltage = simulate(Protocol(voltages_V=(0.25, 0.5, 1.0), hold_s=20000, noise=2e-3), 1)
    result = analyze_polarization(time, current * (1 + 0.4 * voltage**2), voltage, PELLET)
    assert result.linear is False
    assert any(flag.startswith("nonlinear") for flag in result.flags)
    assert result.u_resistance_ohm > 0.02 * result.resistance_ohm


def test_offset() -> None:
    protocol = Protocol(resistance_ohm=1e9, offset_A=2e-9, dt_s=30)
    assert analyze(protocol).resistance_ohm == pytest.approx(1e9, rel=0.02)
    without = simulate(Protocol(resistance_ohm=1e9, offset_A=2e-9, dt_s=30, zero_s=0), 1)
    assert any("offset is taken as 0" in flag for flag in analyze_polarization(*without, PELLET).flags)
    given_one = analyze_polarization(*without, PELLET, offset_A=2e-9, u_offset_A=1e-11)
    assert given_one.resistance_ohm == pytest.approx(1e9, rel=0.03)
    assert given_one.u_resistance_ohm > 0.009 * 1e9
    # a rest that passes no current measures no offset
    t = np.arange(0.0, 4000.0)
    rest = analyze_polarization(t, np.where(t < 500, 0.0, 1e-9), np.where(t < 500, 0.0, 1.0), PELLET)
    assert any("offset is taken as 0" in flag for flag in rest.flags)


def test_a_short_hold_at_zero_gives_the_offset() -> None:
    t = np.arange(0.0, 72600.0, 10.0)
    held = t >= 600
    noise = 1e-12 * np.random.default_rng(3).standard_normal(t.size)
    current = 2e-9 + np.where(held, 17.9e-9 * (1 + np.exp(-(t - 600) / 3000)), 0.0) + noise
    result = analyze_polarization(t, current, np.where(held, 1.0, 0.0), PELLET)
    assert result.offset_A == pytest.approx(2e-9, rel=0.01)
    assert result.steps[0].I_ss_A == pytest.approx(17.9e-9, rel=0.01)


def test_the_opposite_sign_convention() -> None:
    time, current, voltage = simulate(Protocol(dt_s=60), 1)
    result = analyze_polarization(time, -current, voltage, PELLET)
    assert result.resistance_ohm == pytest.approx(5.57e7, rel=0.01)
    assert any("opposite signs" in flag for flag in result.flags)


def test_ionic_resistance_asks_for_a_subtraction() -> None:
    protocol = Protocol(
        resistance_ohm=275.2, voltages_V=(0.5,), hold_s=7200, dt_s=5, terms=((0.8, 520),), noise=1e-3
    )
    result = analyze(protocol, mode="electron_blocking", r_lead_ohm=0.0, u_r_lead_ohm=0.0)
    assert result.carrier == "ionic"
    assert result.resistance_ohm == pytest.approx(275.2, rel=0.003)
    assert any("subtract" in flag for flag in result.flags)
    # T8: linearity and the lithium content of the counter electrode
    assert "one voltage: the linearity of the electrodes is unknown" in result.flags
    charge = 0.5 / 275.2 * (7200 + 0.8 * 520) / 3.6
    assert any(flag.startswith(f"{charge:.2g} mAh passed") for flag in result.flags)


def test_leakage_of_a_hold() -> None:
    """Charging, then 30 h at 4.3 V: below 1 µA."""
    t = np.arange(0.0, 130000.0, 60.0)
    voltage = np.where(t < 20000, 2.6 + 1.7 * t / 20000, 4.3)
    rng = np.random.default_rng(7)
    decay = np.exp(-np.maximum(t - 20000, 0) / 8000)
    current = np.where(t < 20000, 1e-4, 4e-7 + 1e-4 * decay) + 5e-9 * rng.standard_normal(t.size)
    cell = CellGeometry(thickness_um=500, area_cm2=0.7854)
    result = analyze_polarization(t, current, voltage, cell, mode="leakage")
    assert result.status == "ok"
    assert result.I_ss_A == pytest.approx(4e-7, rel=0.02)
    assert result.current_density == pytest.approx(4e-7 / 0.7854, rel=0.02)
    assert math.isnan(result.sigma_S_per_cm)
    short = analyze_polarization(t[t < 45000], current[t < 45000], voltage[t < 45000], mode="leakage")
    assert short.status == "not_resolvable"
    assert 4e-7 < short.steps[0].upper_limit_A < 1e-5


def test_transference_numbers() -> None:
    """B4: a ratio of about 1e-7."""
    t = transference_numbers((4.7e-10, 0.1e-10), (2.0e-3, 0.1e-3))
    assert t.ratio == pytest.approx(2.35e-7)
    assert t.u_ratio == pytest.approx(2.35e-7 * math.hypot(0.1 / 4.7, 0.05))
    assert t.t_ion + t.t_electron == pytest.approx(1, abs=1e-15)
    result = analyze(Protocol(dt_s=60))
    assert result.transference(2.4e-3, 1e-4).t_electron == pytest.approx(6.4e-10 / 2.4e-3, rel=0.03)
    bound = analyze(Protocol(resistance_ohm=1e12, noise=0.05, dt_s=60), floor_A=1e-12).transference(2e-3)
    assert math.isnan(bound.t_electron)
    assert bound.t_electron_upper_limit == pytest.approx(
        3e-12 * (PELLET.cell_constant_per_cm or 0) / 2e-3, rel=0.05
    )
    half = transference_numbers((1e-4, 1e-5), (1e-4, 0.0), "ionic")
    assert half.t_ion == 0.5
    assert half.u_t == pytest.approx(0.025)
    with pytest.raises(SpectrumError, match="give positive values in S/cm"):
        transference_numbers((1.0, 0.0), (0.0, 0.0))


def test_bruce_vincent() -> None:
    assert bruce_vincent(0.01, (1e-5, 0.0), (4e-6, 0.0), (0.0, 0.0), (0.0, 0.0))[0] == pytest.approx(0.4)
    with pytest.raises(SpectrumError, match="the interfaces account for"):
        bruce_vincent(0.01, (1e-4, 0.0), (4e-6, 0.0), (200.0, 0.0), (200.0, 0.0))


@given(st.floats(1e-3, 1e3))
@settings(max_examples=5)
def test_conductivity_goes_with_the_current(factor: float) -> None:
    time, current, voltage = simulate(Protocol(dt_s=120), 2)
    one = analyze_polarization(time, current, voltage, PELLET)
    other = analyze_polarization(time, current * factor, voltage, PELLET)
    assert other.sigma_S_per_cm == pytest.approx(one.sigma_S_per_cm * factor, rel=1e-4)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1, 2], [1, 2, 3], 1.0), "give columns of equal length"),
        ((["a"] * 20, [1] * 20, 1.0), "time_s is not numeric"),
        ((np.arange(5), np.ones(5), 1.0), "5 rows with time, current and voltage"),
        ((np.arange(50), np.ones(50), np.linspace(0, 5, 50)), "no voltage above 1 mV is constant"),
        ((np.arange(50), np.ones(50), 0.0), "no voltage above 1 mV"),
    ],
)
def test_invalid_records_are_refused(columns: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises(SpectrumError, match=message):
        analyze_polarization(*columns, PELLET)


@pytest.mark.parametrize(
    "wrong", [{"mode": "ionic"}, {"r_lead_ohm": -1.0}, {"floor_A": math.nan}, {"u_offset_A": -1}]
)
def test_wrong_options(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpectrumError, match=str(next(iter(wrong)))):
        analyze(Protocol(dt_s=600), **wrong)
