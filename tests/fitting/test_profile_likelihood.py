"""Tests of profile likelihood, with lmfit as the oracle."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eistool
from eistool import FitError
from eistool.fitting import engine
from eistool.fitting import profile_likelihood as module
from eistool.fitting.intervals import Interval, t_quantile
from eistool.fitting.problem import Constraints
from tests.benchmarks.recovery import CASES, Case

FREQUENCY = np.geomspace(1e6, 0.1, 71)
HALF_ARC = "R0-p(R1,CPE1)"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.circuit)
def test_agrees_with_lmfit(case: Case) -> None:
    truth = case.draw(np.random.default_rng(3))
    result = eistool.fit(eistool.simulate(case.circuit, FREQUENCY, truth, noise=0.005, seed=4), case.circuit)
    intervals, expected = result.confidence("profile"), result.confidence("lmfit")
    assert list(intervals) == list(expected) == list(result.circuit.parameters)
    for name, interval in expected.items():
        width = interval.high - interval.low
        assert intervals[name].low == pytest.approx(interval.low, abs=0.01 * width), name
        assert intervals[name].high == pytest.approx(interval.high, abs=0.01 * width), name
        assert not intervals[name].flag


@pytest.mark.parametrize("weighting", ["modulus", "unit", "proportional", "noise"])
def test_chi2_at_the_limits(weighting: str) -> None:
    """With the parameter fixed at its limit, chi2 is higher by t² variances."""
    spectrum = eistool.simulate(HALF_ARC, FREQUENCY, [10, 100, 1e-5, 0.9], noise=0.01, seed=5)
    noise = 0.01 * np.abs(spectrum.impedance)
    spectrum = eistool.Spectrum(spectrum.frequency, spectrum.impedance, noise=noise)
    result = eistool.fit(spectrum, HALF_ARC, weighting=weighting)
    is_noise = weighting == "noise"
    t = 1.959964 if is_noise else t_quantile(0.95, result.dof)
    rise = t**2 * (1.0 if is_noise else result.chi2_reduced)
    for name, interval in result.confidence("profile").items():
        for end in (interval.low, interval.high):
            held = eistool.fit(spectrum, HALF_ARC, fixed={name: end}, weighting=weighting)
            assert held.chi2 - result.chi2 == pytest.approx(rise, rel=0.01), name


@pytest.mark.parametrize("expression", ["L0-R0-p(R1,CPE1)-La1", "R0-TLMie1", "R0-p(CPE1,R1-p(C2,R2))", "R0-RL1"])
def test_every_kind_of_parameter_has_its_own_unit(expression: str) -> None:
    circuit = eistool.Circuit(expression)
    typical = {
        "resistance": 100,
        "capacitance": 1e-4,
        "inductance": 1e-4,
        "cpe": 1e-5,
        "tau": 1e-2,
        "exponent": 0.85,
    }
    values = [typical[spec.kind] for spec in circuit.specs]
    spectrum = eistool.simulate(circuit, np.geomspace(1e6, 1e-2, 81), values, noise=0.002, seed=3)
    result = eistool.fit(spectrum, circuit)
    names = [name for name, parameter in result.parameters.items() if parameter.status == "ok"]
    for name, interval in result.confidence("profile", names).items():
        held = eistool.fit(spectrum, circuit, fixed={name: interval.high}, start=dict(result.minima[0].values))
        rise = t_quantile(0.95, result.dof) ** 2 * result.chi2_reduced
        assert held.chi2 - result.chi2 <= 1.05 * rise, name
        assert interval.low < result.parameters[name].value < interval.high, name


@settings(max_examples=20)
@given(st.floats(0.5, 0.999), st.integers(0, 1000))
def test_intervals_grow_with_their_level(level: float, seed: int) -> None:
    spectrum = eistool.simulate("R0-p(R1,C1)", FREQUENCY[::3], [10, 100, 1e-5], noise=0.01, seed=seed)
    result = eistool.fit(spectrum, "R0-p(R1,C1)")
    inner, outer = result.confidence(level=level * 0.9), result.confidence(level=level)
    for name, interval in outer.items():
        assert interval.low < inner[name].low < result.parameters[name].value
        assert interval.high > inner[name].high > result.parameters[name].value


def test_half_an_arc_has_no_upper_limit() -> None:
    f = np.geomspace(1e3, 30, 16)
    spectrum = eistool.simulate("R0-p(R1,C1)", f, [10, 1e5, 1e-5], noise=0.01, seed=2)
    result = eistool.fit(spectrum, "R0-p(R1,C1)")
    R1 = result.confidence(parameters=["R1"])["R1"]
    assert R1.high == math.inf
    assert 100 < R1.low < 1e5
    assert R1.flag == "no upper limit"
    tau = result.confidence(parameters=["R1.tau"])["R1.tau"]
    assert tau.low < 1 < tau.high == math.inf


def test_an_element_that_is_not_there_has_no_lower_limit() -> None:
    spectrum = eistool.simulate("R0-C1", FREQUENCY, [10, 1e-5], noise=0.01, seed=2)
    inductance = eistool.fit(spectrum, "L0-R0-C1").confidence(parameters=["L0"])["L0"]
    assert inductance.low == 0
    assert 0 < inductance.high < 1e-6
    assert inductance.flag == "no lower limit"


def test_bounds_end_an_interval() -> None:
    spectrum = eistool.simulate(HALF_ARC, FREQUENCY, [10, 100, 1e-5, 0.99], noise=0.02, seed=1)
    R1 = eistool.fit(spectrum, HALF_ARC).parameters["R1"]
    result = eistool.fit(spectrum, HALF_ARC, bounds={"R1": (R1.value - 0.5 * R1.stderr, 300)})
    intervals = result.confidence()
    assert intervals["CPE1.alpha"].high <= 1
    assert intervals["R1"].low == pytest.approx(R1.value - 0.5 * R1.stderr)
    assert intervals["R1"].flag == "no lower limit within its bounds"


def test_time_constants_of_arcs() -> None:
    spectrum = eistool.simulate(HALF_ARC, FREQUENCY, [10, 100, 1e-5, 0.9], noise=0.005, seed=8)
    result = eistool.fit(spectrum, HALF_ARC)
    (process,) = result.processes
    tau = result.confidence(parameters=["R1.tau", "R1"])["R1.tau"]
    half = t_quantile(0.95, result.dof) * process.u_tau
    assert tau.low == pytest.approx(process.tau - half, abs=0.1 * half)
    assert tau.high == pytest.approx(process.tau + half, abs=0.1 * half)
    for method, name in (("stderr", "R1.tau"), ("profile", "R0.tau"), ("profile", "CPE1.tau")):
        with pytest.raises((FitError, eistool.CircuitError), match="tau"):
            result.confidence(method, [name])


def test_better_minima_are_used_and_flagged() -> None:
    spectrum = eistool.simulate("R0-p(R1,CPE1)-Wo1", FREQUENCY, [10, 100, 1e-6, 0.9, 50, 1], noise=0.03, seed=0)
    good = eistool.fit(spectrum, "R0-p(R1,CPE1)-Wo1")
    swapped = {"R0": 4.7, "R1": 2.8, "CPE1.Q": 5e-5, "CPE1.alpha": 0.9, "Wo1.R": 4.9, "Wo1.tau": 2.9e-6}
    constraints = Constraints.of(good.circuit, swapped, None, None)
    false = engine._fit(spectrum, good.circuit, constraints, "modulus", engine.NONE)
    assert false.chi2 > 1.5 * good.chi2
    want = good.confidence()
    for name, interval in false.confidence().items():
        assert module.BETTER_MINIMUM in interval.flag
        assert interval.low == pytest.approx(want[name].low, rel=1e-3)
        assert interval.high == pytest.approx(want[name].high, rel=1e-3)


def test_data_without_noise_have_narrow_intervals() -> None:
    spectrum = eistool.simulate("R0-p(R1,C1)", FREQUENCY, [10, 100, 1e-5])
    R1 = eistool.fit(spectrum, "R0-p(R1,C1)").confidence(parameters=["R1"])["R1"]
    assert R1.low == pytest.approx(100, rel=1e-6)
    assert R1.high == pytest.approx(100, rel=1e-6)


def test_walks_that_never_settle_are_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = eistool.simulate("R0-C1", FREQUENCY, [10, 1e-5], noise=0.01, seed=2)
    result = eistool.fit(spectrum, "R0-C1")

    def never(*_: object) -> Interval:
        raise module._BetterError(result.values)

    monkeypatch.setattr(module, "_interval", never)
    interval = result.confidence(parameters=["R0"])["R0"]
    assert math.isnan(interval.low)
    assert interval.flag == module.NOT_SETTLED


def test_a_diffusion_without_an_end_has_no_upper_limit() -> None:
    """Only R/√tau is determined: ln tau varies twice as much as ln R."""
    f = np.geomspace(1e4, 10, 31)
    spectrum = eistool.simulate("R0-Wo1", f, [10, 1000, 100], noise=0.005, seed=0)
    intervals = eistool.fit(spectrum, "R0-Wo1").confidence()
    assert intervals["Wo1.R"].high == intervals["Wo1.tau"].high == math.inf
