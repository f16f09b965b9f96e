"""Circuits from a DRT: the simulated circuit comes first, with start values near the truth."""

import json
from dataclasses import replace

import numpy as np
import pytest

from eistool import Spectrum, SpectrumError, compute_drt, fit, simulate
from eistool.drt import SuggestedCircuit

FREQUENCY = np.geomspace(1e6, 0.01, 81)
CASES: list[tuple[str, list[float]]] = [
    ("R0-p(R1,CPE1)", [10, 50, 1e-4, 0.8]),
    ("R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", [10, 50, 1e-6, 0.9, 100, 1e-4, 0.8, 0.1, 0.85]),
    ("L0-R0-p(R1,C1)-p(R2,CPE2)", [1e-6, 10, 30, 1e-5, 40, 1e-2, 0.8]),
    ("R0-p(R1,CPE1)-W1", [10, 50, 1e-5, 0.9, 5]),
    ("R0-p(R1,CPE1)-Wo1", [10, 50, 1e-5, 0.9, 30, 20]),
    ("R0-p(R1,CPE1)-Ws1", [10, 50, 1e-5, 0.9, 30, 20]),
    ("R0-p(R1,CPE1)-RL1", [10, 50, 1e-4, 0.9, 5, 1]),
    ("R0-p(R1,CPE1)-G1", [10, 50, 1e-6, 0.9, 30, 0.1]),
    ("L0-R0-CPE1", [1e-7, 50, 2e-6, 0.92]),
    ("R0-C1", [10, 1e-5]),
    ("R0", [10]),
]


def suggest(circuit: str, values: list[float], limit: int = 5) -> tuple[Spectrum, list[SuggestedCircuit]]:
    spectrum = simulate(circuit, FREQUENCY, values, noise=0.003, seed=2)
    return spectrum, compute_drt(spectrum).suggest_circuits(limit)


@pytest.mark.parametrize(("circuit", "values"), CASES)
def test_the_simulated_circuit_comes_first(circuit: str, values: list[float]) -> None:
    _, suggested = suggest(circuit, values)
    assert repr(suggested[0].circuit) == circuit
    start = [suggested[0].start[name] for name in suggested[0].circuit.parameters]
    np.testing.assert_allclose(start, values, rtol=0.5)
    weights = [one.weight for one in suggested]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) <= 1 + 1e-12
    assert suggested[0].evidence == 0


def test_the_start_leads_to_the_minimum() -> None:
    circuit, values = CASES[1]
    spectrum, [first] = suggest(circuit, values, limit=1)
    assert fit(spectrum, first.circuit, start=first.start).chi2 <= fit(spectrum, circuit).chi2 * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-3, 1e6])
def test_scaling(scale: float) -> None:
    spectrum, suggested = suggest(*CASES[1])
    scaled = compute_drt(Spectrum(spectrum.frequency, scale * spectrum.impedance)).suggest_circuits()
    assert [one.circuit for one in scaled[:2]] == [one.circuit for one in suggested[:2]]
    assert scaled[0].start["R1"] == pytest.approx(scale * suggested[0].start["R1"], rel=1e-6)
    assert scaled[0].start["CPE3.Q"] == pytest.approx(suggested[0].start["CPE3.Q"] / scale, rel=1e-6)


def test_a_peak_beyond_the_window_may_be_a_tail_or_part_of_r0() -> None:
    slow = simulate("R0-p(R1,CPE1)", np.geomspace(1e5, 1, 51), [10, 500, 1e-3, 0.9], noise=0.003, seed=3)
    circuits = {repr(one.circuit) for one in compute_drt(slow).suggest_circuits()}
    assert circuits & {"R0-CPE1", "R0-p(R1,CPE1)"}
    drt = compute_drt(simulate("p(R1,C1)-CPE1", np.geomspace(1e6, 1, 61), [900, 1e-10, 1e-6, 0.9], 0.003, 1))
    [edge] = [peak for peak in drt.peaks if peak.edge]
    spikes = [one for one in drt.suggest_circuits(10) if "R0" in one.circuit.parameters and "R1" not in one.start]
    assert spikes[0].start["R0"] == pytest.approx(drt.R_inf + edge.R)
    assert "part of R0" in spikes[0].reason


def test_two_doubtful_peaks_merge_into_one() -> None:
    spectrum = simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 50, 1e-4, 0.8], noise=0.003, seed=2)
    drt = compute_drt(spectrum)
    halves = [
        replace(drt.peaks[0], R=25.0, u_R=20.0, tau=drt.peaks[0].tau * k, probability=0.1) for k in (0.7, 1.4)
    ]
    suggested = replace(drt, peaks=tuple(halves)).suggest_circuits()
    assert repr(suggested[0].circuit) == "R0-p(R1,CPE1)"
    assert suggested[0].start["R1"] == pytest.approx(50)


def test_reprs_and_limits() -> None:
    spectrum, [first, *_] = suggest(*CASES[3])
    assert repr(first).startswith("R0-p(R1,CPE1)-W1: weight 0.")
    as_dict = json.loads(json.dumps(first.to_dict()))
    assert as_dict["circuit"] == "R0-p(R1,CPE1)-W1"
    assert set(as_dict["start"]) == {"R0", "R1", "CPE1.Q", "CPE1.alpha", "W1"}
    assert "Warburg" in first._repr_html_()
    with pytest.raises(SpectrumError, match="1 or more"):
        compute_drt(spectrum).suggest_circuits(0)
