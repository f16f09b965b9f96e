"""Tests of the statuses and intervals of parameters, and of the total resistance."""

import dataclasses

import numpy as np
import pytest

import eistool
from eistool.circuit import ELEMENTS, Circuit
from eistool.circuit.library import load_library_circuit
from eistool.circuit.limits import dc_resistance
from eistool.errors import FitError
from eistool.fitting.alternatives import EXTRAPOLATION, extrapolation_covariance
from tests.benchmarks.coverage import measure
from tests.reference import circuit_impedance

FREQUENCY = np.geomspace(1e6, 0.1, 71)
BLOCKING = ("C", "CPE", "W", "Wo", "FWo", "TLMie", "deLevie")
ONE_ARC, TWO_ARCS = "R0-p(R1,CPE1)", "R0-p(R1,CPE1)-p(R2,CPE2)"


def statuses(result: eistool.FitResult) -> dict[str, str]:
    return {name: parameter.status for name, parameter in result.parameters.items()}


def test_arcs_that_the_data_need_are_identifiable() -> None:
    spectrum = eistool.simulate(TWO_ARCS, FREQUENCY, [10, 100, 1e-7, 0.9, 200, 1e-4, 0.8], noise=0.003, seed=1)
    result = eistool.fit(spectrum, TWO_ARCS)
    assert set(statuses(result).values()) == {"ok"}
    assert not any("needed" in flag for flag in result.flags)


def test_an_incomplete_arc_leaves_the_others_alone() -> None:
    """R of an arc with its apex beyond the window is unknown, but its assignment is unique."""
    spectrum = eistool.simulate(TWO_ARCS, FREQUENCY, [10, 100, 1e-6, 0.9, 1e6, 1e-3, 0.8], noise=0.003, seed=2)
    fitted = statuses(eistool.fit(spectrum, TWO_ARCS))
    assert fitted["R2"] == "not_identifiable"
    assert [fitted[name] for name in ("R0", "R1", "CPE1.Q", "CPE1.alpha")] == ["ok"] * 4


def test_a_dispensable_arc_leaves_the_others_alone() -> None:
    spectrum = eistool.simulate(ONE_ARC, FREQUENCY, [10, 100, 1e-6, 0.9], noise=0.003, seed=10)
    result = eistool.fit(spectrum, "R0-Zarc1-Zarc2")
    assert statuses(result)["R0"] == "ok"
    assert abs(result.parameters["R0"].value - 10) < 3 * result.parameters["R0"].stderr
    small, large = sorted(result.processes, key=lambda process: process.R)
    assert (small.status, large.status) == ("not_resolvable", "ok")
    assert abs(large.R - 100) < 2 * large.u_R
    assert result.parameters[f"{small.name}.R"].ci_low == 0
    assert result.parameters[f"{small.name}.R"].ci_high < 110


@pytest.mark.parametrize("symbol", ["TLMie", "TLMct"])
def test_the_lesser_rail_comes_first(symbol: str) -> None:
    """Z of a line with one contact on each rail is symmetric in the rails."""
    line = symbol + "1"
    values = {"R0": 20.0, f"{line}.Re": 400.0, f"{line}.Ri": 50.0, f"{line}.Q": 1e-3, f"{line}.alpha": 0.9}
    if symbol == "TLMct":
        values[f"{line}.Rct"] = 100.0
    f = np.geomspace(1e6, 1e-3, 91)
    spectrum = eistool.simulate(f"R0-{line}", f, values, noise=0.001, seed=4)
    parameters = eistool.fit(spectrum, f"R0-{line}").parameters
    for name, truth in ((f"{line}.Re", 50), (f"{line}.Ri", 400)):
        assert abs(parameters[name].value - truth) < 3 * parameters[name].stderr
    bounded = eistool.fit(spectrum, f"R0-{line}", bounds={f"{line}.Re": (200, 800)}).parameters
    assert bounded[f"{line}.Re"].value > bounded[f"{line}.Ri"].value


def test_a_degenerate_line_has_errors_that_hold_the_truth() -> None:
    entry = load_library_circuit("electron_blocking_stack")
    assert entry.example is not None
    spectrum = eistool.simulate(entry.circuit, entry.example.frequency, entry.example.values, noise=0.003, seed=5)
    result = eistool.fit(spectrum, entry.circuit)
    degenerate = ("R0", "TLMii1.Re", "TLMii1.Ri")
    for name in degenerate:  # large errors that hold the truth
        parameter = result.parameters[name]
        assert parameter.stderr > 0.05 * entry.example.values[name]
        assert abs(parameter.value - entry.example.values[name]) < 2 * parameter.stderr
    # where in the valley a fit ends is arbitrary
    assert "not_identifiable" in {result.parameters[name].status for name in degenerate}
    total = result.total_resistance  # R0 + R_in + Ri is well determined nevertheless
    assert total.status == "ok"
    assert total.ci_low < 451 < total.ci_high


@pytest.mark.parametrize(
    "symbol", [s for s in ELEMENTS if s not in ("FWo", "Wo", "W", "C", "CPE", "TLMie", "deLevie")]
)
def test_direct_current_is_the_limit_of_low_frequency(symbol: str) -> None:
    circuit = eistool.Circuit(f"R8-p(R7-{symbol}1,R6)")
    rng = np.random.default_rng(1)
    values = np.exp(rng.uniform(-1, 1, len(circuit.parameters)))
    values[[spec.kind == "exponent" for spec in circuit.specs]] = 0.9
    resistance, derivative = dc_resistance(circuit, values)
    assert resistance == pytest.approx(circuit_impedance(circuit, np.array([1e-14]), values)[0].real, rel=1e-6)
    for i in range(values.size):
        step = np.zeros_like(values)
        step[i] = 1e-6 * values[i]
        rise = dc_resistance(circuit, values + step)[0] - dc_resistance(circuit, values - step)[0]
        assert derivative[i] == pytest.approx(rise / (2 * step[i]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("symbol", BLOCKING)
def test_blocking_elements(symbol: str) -> None:
    circuit = eistool.Circuit(f"R8-p(R7-{symbol}1,R6)")
    values = np.full(len(circuit.parameters), 0.5)
    assert dc_resistance(circuit, values)[0] == 1.0  # bypasses the blocking branch
    resistance, derivative = dc_resistance(eistool.Circuit(f"R8-{symbol}1"), values[:-2])
    assert np.isinf(resistance)
    assert not derivative.any()


def test_the_total_resistance_has_the_full_covariance() -> None:
    """The sum of overlapping arcs is determined far better than either resistance."""
    spectrum = eistool.simulate(TWO_ARCS, FREQUENCY, [10, 100, 1e-5, 0.9, 200, 5e-5, 0.8], noise=0.005, seed=6)
    result = eistool.fit(spectrum, TWO_ARCS)
    total = result.total_resistance
    resistors = [result.circuit.index(name) for name in ("R0", "R1", "R2")]
    assert total.value == pytest.approx(result.values[resistors].sum())
    block = result.covariance[np.ix_(resistors, resistors)]
    sample = np.random.default_rng(1).multivariate_normal(result.values[resistors], block, 20000).sum(axis=1)
    without_misfit = dataclasses.replace(result, evidence=None).total_resistance
    assert without_misfit.stderr == pytest.approx(sample.std(), rel=0.03)
    assert total.stderr == pytest.approx(sample.std(), rel=0.5)
    assert total.stderr < 0.3 * result.parameters["R1"].stderr
    assert total.ci_low < 310 < total.ci_high
    assert result.to_dict()["total_resistance"]["value"] == total.value


def test_a_blocking_circuit_has_no_total_resistance() -> None:
    result = eistool.fit(eistool.simulate("spike", FREQUENCY, [1e-7, 50, 1e-6, 0.9], noise=0.003, seed=7), "spike")
    total = result.total_resistance
    assert (total.status, total.value) == ("blocked", np.inf)
    assert "CPE1" in total.reason
    assert result.to_dict()["total_resistance"]["value"] is None
    with pytest.raises(FitError, match="the fit failed"):
        _ = dataclasses.replace(result, status="failed", reason="no reason").total_resistance


@pytest.mark.parametrize("name", ["spike", "randles_simple", "voigt_2"])
def test_intervals_hold_the_truth(name: str) -> None:
    outcome = measure(load_library_circuit(name), 200, noise=0.005)
    held = outcome.inside_ci.sum() / outcome.ok.sum()
    assert 0.91 < held < 0.99
    assert outcome.success.mean() > 0.95


def test_a_diffusion_that_the_window_cuts_leaves_the_arcs_alone() -> None:
    frequency = np.geomspace(1e5, 0.1, 61)
    spectrum = eistool.simulate("R0-p(R1,CPE1)-Wo1", frequency, [10, 50, 1e-5, 0.9, 200, 1e3], noise=0.003, seed=1)
    parameters = eistool.fit(spectrum, "R0-p(R1,CPE1)-Wo1").parameters
    statuses = {name: parameter.status for name, parameter in parameters.items()}
    assert statuses["Wo1.R"] == statuses["Wo1.tau"] == "not_identifiable"
    assert all(statuses[name] == "ok" for name in ("R0", "R1", "CPE1.Q", "CPE1.alpha"))


def test_resistance_beyond_the_window_is_in_doubt_where_the_circuit_is_wrong() -> None:
    circuit = Circuit("R0-p(R1,CPE1)-p(R2,CPE2)")
    values = np.array([10.0, 5.0, 1e-7, 0.8, 50.0, 1e-4, 0.9])
    top, bottom = 12 - 1j, 64 - 1j
    covariance = extrapolation_covariance(circuit, values, np.array([top, bottom]), p_exact=0.0)
    total = np.array([1.0, 1.0, 0, 0, 0, 0, 0])
    assert covariance[0, 0] == pytest.approx(EXTRAPOLATION**2)  # of the 1 ohm that -Im Z allows
    assert total @ covariance @ total == pytest.approx(0.0)
    assert covariance[4, 4] == 0  # the apex is in the window
    outside = extrapolation_covariance(circuit, values, np.array([top, 20 - 15j]), p_exact=0.0)
    assert outside[4, 4] == pytest.approx((EXTRAPOLATION * 30) ** 2)
    for doubtless in (
        extrapolation_covariance(circuit, values, np.array([top, 20 - 15j]), p_exact=1.0),
        extrapolation_covariance(circuit, values, np.array([12 + 1j, bottom]), p_exact=0.0),  # inductive
        extrapolation_covariance(circuit, values, np.array([top, bottom]), p_exact=0.0, fixed=[0, 1]),
        extrapolation_covariance(Circuit("p(R1,CPE1)"), values[1:4], np.array([3 - 1j, 4 - 1j]), p_exact=0.0),
    ):
        assert not doubtless.any()


@pytest.mark.parametrize(("Q", "blocks"), [(1e-3, True), (100.0, False)])
def test_a_tail_too_small_to_see_does_not_block(Q: float, blocks: bool) -> None:
    frequency = np.geomspace(1e5, 0.01, 61)
    spectrum = eistool.simulate("R0-p(R1,CPE1)-CPE2", frequency, [10, 90, 1e-5, 0.9, Q, 0.9], noise=0.001, seed=2)
    total = eistool.fit(spectrum, "R0-p(R1,CPE1)-CPE2").total_resistance
    assert (total.status == "blocked") == blocks
    if not blocks:
        assert abs(total.value - 100) < 2 * total.stderr
