"""Relaxation of the current after a step of the voltage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eistool.direct_current.holds import Hold, find_holds
from eistool.direct_current.relaxation import fit_relaxation, mode_roots
from eistool.typing import FloatArray
from tests.direct_current.holds import Protocol, simulate
from tests.reference import tanh


def hold(current: FloatArray, dt: float) -> Hold:
    return Hold(dt * np.arange(1.0, current.size + 1), current, 1.0, 0.0, 0.0)


def step_response(t: float, Re: float, Ri: float, C: float, n: int = 18) -> float:
    """Current of an ion-blocking line after a step of 1 V, by Talbot's inversion of 1/(s Z(s))."""
    k = np.arange(1, n)
    theta = k * np.pi / n
    s = 2 * n / (5 * t) * np.concatenate([[1], theta * (1 / np.tan(theta) + 1j)])
    gamma = np.empty(n, dtype=complex)
    gamma[0] = np.exp(2 * n / 5) / 2
    cot = 1 / np.tan(theta)
    gamma[1:] = (1 + 1j * theta * (1 + cot**2) - 1j * cot) * np.exp(s[1:] * t)
    total = Re + Ri
    nu = np.sqrt((total * C * s).astype(np.complex128)).astype(np.complex128)
    Z = Re * Ri / total + Re**2 / total * tanh(nu / 2) / (nu / 2)
    return float(2 / (5 * t) * np.sum((gamma / (s * Z)).real))


@pytest.mark.parametrize("ratio", [0.05, 0.3, 1.0, 4.0, 30.0])
def test_modes_are_those_of_the_transmission_line(ratio: float) -> None:
    Re, C = 200.0, 3.0
    Ri = ratio * Re
    x, amplitude = mode_roots(ratio)
    tau = (Re + Ri) * C / (4 * x**2)
    for t in tau[0] * np.array([0.05, 0.3, 1.0, 3.0]):
        ours = (1 + float(amplitude @ np.exp(-t / tau))) / Re
        assert ours == pytest.approx(step_response(float(t), Re, Ri, C), rel=2e-4)


def test_limits_of_the_modes() -> None:
    # a fast ionic rail: tau = (Re+Ri) C/(4 pi²); a slow one: (Re+Ri) C/pi², and the √t law before
    assert mode_roots(1e-6)[0][0] == pytest.approx(np.pi, rel=1e-5)
    assert mode_roots(1e6)[0][0] == pytest.approx(np.pi / 2, rel=1e-5)
    x, amplitude = mode_roots(np.inf)
    t = np.array([1e-3, 4e-3])
    left = 0.5 - np.exp(-np.outer(t, (x / x[0]) ** 2)) @ amplitude
    assert left[1] / left[0] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(("tau", "steady"), [(520.0, True), (4700.0, False), (13000.0, False)])
def test_composites_relax_too_slowly_when_they_are_thick(tau: float, steady: bool) -> None:
    """T9: 100, 300 and 500 µm in two hours."""
    rng = np.random.default_rng(1)
    t = np.arange(1.0, 7201.0)
    fit = fit_relaxation(hold((1 + 0.8 * np.exp(-t / tau) + 2e-3 * rng.standard_normal(t.size)) * 1e-3, 1.0))
    assert (not fit.failures) is steady
    if steady:
        assert abs(fit.I_ss_A - 1e-3) < 3 * fit.u_I_ss_A < 1e-5
    else:
        assert f"lasts {7200 / tau:.1f} time constants"[:10] in fit.failures[0]
        assert fit.I_final_A > 1e-3


def test_two_time_constants_are_found() -> None:
    t = np.arange(1.0, 20001.0)
    rng = np.random.default_rng(2)
    fit = fit_relaxation(
        hold(1 + 3 * np.exp(-t / 50) + np.exp(-t / 1500) + 0.01 * rng.standard_normal(t.size), 1.0)
    )
    assert [term.tau_s for term in fit.terms] == pytest.approx([50, 1500], rel=0.03)
    assert [term.amplitude_A for term in fit.terms] == pytest.approx([3, 1], rel=0.03)
    np.testing.assert_allclose(
        fit.current(t[500:]), 1 + 3 * np.exp(-t[500:] / 50) + np.exp(-t[500:] / 1500), rtol=0.01
    )


def test_a_mixed_conductor_is_not_taken_for_exponentials() -> None:
    protocol = Protocol(
        resistance_ohm=227.0, voltages_V=(0.5,), diffusion=(2.0, 0.1), hold_s=7200, dt_s=1, noise=1e-3
    )
    [_, step] = find_holds(*simulate(protocol, 1))
    fit = fit_relaxation(step)
    assert not fit.failures
    assert fit.terms[0].rho is not None
    assert abs(fit.I_ss_A * 227 / 0.5 - 1) < 1e-3


@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.3])
def test_a_constant_current(noise: float) -> None:
    rng = np.random.default_rng(3)
    fit = fit_relaxation(hold(2.5 + noise * rng.standard_normal(3000), 10.0))
    assert abs(fit.I_ss_A - 2.5) <= 3 * fit.u_I_ss_A + 1e-9
    assert fit.u_I_ss_A < 0.1 * noise + 1e-6


def test_a_rising_current_is_recognised() -> None:
    t = np.arange(1.0, 3001.0)
    assert fit_relaxation(hold(1 + t / 3000, 1.0)).rising
    assert not fit_relaxation(hold(2 - t / 3000, 1.0)).rising
    assert fit_relaxation(hold(-1 - t / 3000, 1.0)).rising


def test_spikes_and_coarse_digits_do_no_harm() -> None:
    t = np.arange(1.0, 20001.0)
    rng = np.random.default_rng(4)
    current = 1 + np.exp(-t / 500) + 0.002 * rng.standard_normal(t.size)
    current[rng.integers(2000, 20000, 40)] += 5
    fit = fit_relaxation(hold(np.round(current, 2), 1.0))
    assert abs(fit.I_ss_A - 1) < 3 * fit.u_I_ss_A
    assert fit.u_I_ss_A < 0.01


@given(st.floats(1e-12, 1e3), st.floats(1e-3, 1e3), st.booleans())
@settings(max_examples=12)
def test_units_do_not_matter(ampere: float, second: float, negative: bool) -> None:
    t = np.arange(1.0, 2001.0)
    rng = np.random.default_rng(5)
    current = 1 + np.exp(-t / 200) + 0.01 * rng.standard_normal(t.size)
    plain = fit_relaxation(hold(current, 1.0))
    scale = -ampere if negative else ampere
    other = fit_relaxation(hold(current * scale, second))
    assert other.I_ss_A == pytest.approx(plain.I_ss_A * scale, rel=1e-4)
    assert other.u_I_ss_A == pytest.approx(plain.u_I_ss_A * ampere, rel=0.02)
    assert other.failures == plain.failures


def test_holds_are_found_among_ramps_and_rests() -> None:
    rng = np.random.default_rng(6)
    ramp = np.linspace(0.3, 4.2, 2000)
    voltage = np.concatenate([np.full(300, 0.3), ramp, np.full(5000, 4.3), np.linspace(4.2, 3.9, 700)])
    voltage += 1e-4 * rng.standard_normal(voltage.size)
    time = np.arange(float(voltage.size))
    holds = find_holds(time, np.ones_like(time), voltage)
    assert [round(step.voltage_V, 2) for step in holds] == [0.3, 4.3]
    assert holds[1].begins_s == pytest.approx(2300, abs=20)
    assert holds[1].duration_s == pytest.approx(5000, abs=20)
