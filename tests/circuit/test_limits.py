"""Limiting resistances against the impedance itself, far outside of any window."""

import numpy as np
import pytest

from eistool.circuit import Circuit
from eistool.circuit.limits import dc_resistance, high_frequency_resistance

PASSING = (
    "R0-p(R1,CPE1)", "R0-p(R1-Ws1,CPE1)-K2", "R0-Zarc1-HN1-G1-FG1", "TLMct1", "TLMee1-R0", "TLMii1",
    "p(R0,L0)-R1-FWs1",
)  # fmt: skip


def values_of(circuit: Circuit) -> np.ndarray:
    typical = {
        "resistance": 50.0,
        "cpe": 1e-3,
        "capacitance": 1e-3,
        "inductance": 1e-9,
        "tau": 1e-2,
        "exponent": 0.45,
    }
    return np.array([typical[spec.kind] * (1 + 0.1 * i) for i, spec in enumerate(circuit.specs)])


@pytest.mark.parametrize("text", PASSING)
def test_direct_current_is_the_impedance_at_vanishing_frequency(text: str) -> None:
    circuit = Circuit(text)
    values = values_of(circuit)
    resistance, derivative = dc_resistance(circuit, values)
    assert resistance == pytest.approx(circuit.impedance([1e-14], values)[0].real, rel=1e-4)
    for i, slope in enumerate(derivative):
        moved = values.copy()
        moved[i] *= 1 + 1e-6
        assert dc_resistance(circuit, moved)[0] - resistance == pytest.approx(slope * 1e-6 * values[i], abs=1e-7)


@pytest.mark.parametrize("text", ["R0-p(R1,CPE1)-CPE2", "R0-p(R1-Wo1,CPE1)", "R0-K1-C2", "R0-TLMee1", "R0-TLMie1"])
def test_r_inf_is_the_impedance_at_infinite_frequency(text: str) -> None:
    circuit = Circuit(text)
    values = values_of(circuit)
    resistance, derivative = high_frequency_resistance(circuit, values)
    assert resistance == pytest.approx(circuit.impedance([1e16], values)[0].real, rel=1e-3)
    assert derivative[circuit.index("R0")] == 1.0


def test_leads_are_no_part_of_r_inf() -> None:
    assert (
        high_frequency_resistance(Circuit("L0-p(L1,R1)-R0-RL1"), np.array([1e-6, 1e-7, 10.0, 20.0, 5.0, 1e-6]))[0]
        == 20.0
    )
    assert high_frequency_resistance(Circuit("p(R1,C1)-C2"), np.ones(3))[0] == 0.0
