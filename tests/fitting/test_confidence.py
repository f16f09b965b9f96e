"""Tests of the conversion to lmfit and of its intervals."""

import lmfit
import numpy as np
import pytest

import eistool
from eistool import FitError, FitResult

CIRCUIT = "R0-p(R1,CPE1)"
FREQUENCY = np.geomspace(1e5, 1, 31)


@pytest.fixture(scope="module")
def result() -> FitResult:
    return eistool.fit(eistool.simulate(CIRCUIT, FREQUENCY, [10, 100, 1e-5, 0.9], noise=0.005, seed=8), CIRCUIT)


def test_to_lmfit_is_what_lmfit_finds(result: FitResult) -> None:
    converted = result.to_lmfit()
    assert isinstance(converted, lmfit.minimizer.MinimizerResult)
    z = result.spectrum.impedance

    def residual(params: lmfit.Parameters) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        model = result.circuit.impedance(FREQUENCY, [params[name].value for name in converted.var_names])
        relative = (model - z) / np.abs(z)
        return np.concatenate([relative.real, relative.imag])

    params = lmfit.Parameters()
    for name in converted.var_names:
        params.add(name, value=converted.params[name].value * 1.02)
    expected = lmfit.minimize(residual, params)
    assert converted.chisqr == pytest.approx(expected.chisqr, rel=1e-6)
    assert converted.redchi == pytest.approx(expected.redchi, rel=1e-6)
    assert converted.bic == pytest.approx(expected.bic, abs=1e-3)
    assert converted.aic == pytest.approx(expected.aic, abs=1e-3)
    for name in converted.var_names:
        assert converted.params[name].value == pytest.approx(expected.params[name].value, rel=1e-3)
        assert converted.params[name].stderr == pytest.approx(expected.params[name].stderr, rel=0.02)
    np.testing.assert_allclose(converted.residual, residual(converted.params), atol=1e-12)
    assert "CPE1_Q" in lmfit.fit_report(converted)


def test_intervals_agree_where_the_problem_is_linear(result: FitResult) -> None:
    stderr = result.confidence(method="stderr")
    profile = result.confidence(method="profile")
    assert list(stderr) == list(profile) == list(result.circuit.parameters)
    for name, interval in stderr.items():
        width = interval.high - interval.low
        assert profile[name].low == pytest.approx(interval.low, abs=0.05 * width)
        assert profile[name].high == pytest.approx(interval.high, abs=0.05 * width)
        assert result.parameters[name].ci_low == pytest.approx(interval.low)


def test_sampling_agrees_too(result: FitResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eistool.fitting.confidence.MCMC_STEPS", 1000)
    sampled = result.confidence(method="mcmc", parameters=["R1"])["R1"]
    interval = result.confidence(method="stderr", parameters=["R1"])["R1"]
    width = interval.high - interval.low
    assert sampled.low == pytest.approx(interval.low, abs=0.15 * width)
    assert sampled.high == pytest.approx(interval.high, abs=0.15 * width)


def test_profiles_of_skewed_parameters_are_not_symmetric() -> None:
    f = np.geomspace(1e3, 1, 31)  # half an arc: the upper limit of its resistance is poorly determined
    spectrum = eistool.simulate("R0-p(R1,CPE1)", f, [10, 1000, 5e-4, 0.9], noise=0.005, seed=2)
    result = eistool.fit(spectrum, "R0-p(R1,CPE1)")
    R1 = result.parameters["R1"]
    interval = result.confidence(parameters=["R1"])["R1"]
    assert interval.high - R1.value > R1.value - interval.low


def test_wrong_requests(result: FitResult) -> None:
    with pytest.raises(FitError, match="choose one of profile, lmfit, mcmc, stderr"):
        result.confidence(method="bootstrap")
    with pytest.raises(FitError, match="level=95"):
        result.confidence(level=95)
    held = eistool.fit(result.spectrum, CIRCUIT, fixed={"R0": 10.0})
    with pytest.raises(FitError, match="R0 is fixed"):
        held.confidence(parameters=["R0"])
    assert "R0" not in held.confidence(method="stderr")
    assert not held.to_lmfit().params["R0"].vary
