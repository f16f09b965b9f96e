"""Every element of the registry, by being listed there, and its twin registered as a user's own element."""

from collections.abc import Iterator

import numpy as np
import pytest

from eistool.circuit import ELEMENTS, Circuit
from eistool.typing import ComplexArray, FloatArray
from tests.custom_elements import TWINS, twins
from tests.reference import circuit_impedance, circuit_jacobian, element_impedance

FREQUENCY = np.geomspace(1e-2, 1e7, 46)
TYPICAL = {
    "resistance": (1.0, 1e4),
    "capacitance": (1e-9, 1e-3),
    "inductance": (1e-8, 1e-3),
    "cpe": (1e-9, 1e-3),
    "warburg": (1.0, 1e3),
    "tau": (1e-5, 1e2),
    "exponent": (0.3, 0.48),  # where a finite Warburg is passive too
}
# alone, in a series group, in a parallel group, and nested twice
PLACES = ("{0}", "R8-{0}", "p({0},C9)", "R8-p(C9,R7-p({0},C6))", "p(L9-{0},R7)")


@pytest.fixture(params=[*ELEMENTS, *TWINS])
def element(request: pytest.FixtureRequest) -> Iterator[str]:
    symbol: str = request.param
    with twins(*{symbol} & set(TWINS)):
        yield symbol


def draw(circuit: Circuit, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return np.array([np.exp(rng.uniform(*np.log(TYPICAL[spec.kind]))) for spec in circuit.specs])


@pytest.mark.parametrize("place", PLACES)
def test_impedance_is_that_of_the_oracle(element: str, place: str) -> None:
    circuit = Circuit(place.format(element + "1"))
    for seed in range(5):
        values = draw(circuit, seed)
        expected = circuit_impedance(circuit, FREQUENCY, values)
        np.testing.assert_allclose(circuit.impedance(FREQUENCY, values), expected, rtol=1e-11)


@pytest.mark.parametrize("place", PLACES)
def test_jacobian_is_that_of_central_differences(element: str, place: str) -> None:
    circuit = Circuit(place.format(element + "1"))
    for seed in range(3):
        values = draw(circuit, seed)
        scale = values / np.abs(circuit_impedance(circuit, FREQUENCY, values))[:, None]
        difference = circuit.jacobian(FREQUENCY, values) - circuit_jacobian(circuit, FREQUENCY, values)
        assert np.max(np.abs(difference) * scale) < 1e-6


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_stays_finite_for_any_positive_parameter(symbol: str) -> None:
    circuit = Circuit(f"R0-p({symbol}1,C9)-{symbol}2")
    rng = np.random.default_rng(1)
    exponents = np.array([spec.kind == "exponent" for spec in circuit.specs])
    for _ in range(200):
        values = np.exp(rng.uniform(-60, 60, exponents.size))
        values[exponents] = rng.uniform(0.1, [spec.upper for spec in circuit.specs if spec.kind == "exponent"])
        assert np.isfinite(circuit.impedance(FREQUENCY, values)).all()


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_obeys_kramers_and_kronig(symbol: str) -> None:
    """A causal, passive element is a sum of relaxations: a dense ladder, with L and 1/C, describes it."""
    circuit = Circuit(f"{symbol}1")
    values = draw(circuit, 3)
    omega = 2 * np.pi * FREQUENCY
    z = element_impedance(symbol, omega, *values)
    tau = np.geomspace(1e-3 / omega.max(), 1e3 / omega.min(), 90)
    basis = np.column_stack(
        [1 / (1 + 1j * np.outer(omega, tau)), np.ones_like(omega), 1j * omega, 1 / (1j * omega)]
    )
    basis /= np.abs(basis).max(axis=0)

    def stacked(a: ComplexArray) -> FloatArray:
        weighted = a / (np.abs(z) if a.ndim == 1 else np.abs(z)[:, None])
        return np.concatenate([weighted.real, weighted.imag])

    matrix, target = stacked(basis), stacked(z)
    solution = np.linalg.lstsq(matrix, target, rcond=1e-13)[0]
    assert np.sqrt(np.mean((matrix @ solution - target) ** 2)) < 2e-3


LIMITS = {  # |Z| at very low and very high frequency, of R = 1 (or Re = 1, Ri = 2), Q = C = L = sigma = tau = 1
    "R": (1, 1), "C": (np.inf, 0), "L": (0, np.inf), "La": (0, np.inf), "CPE": (np.inf, 0), "W": (np.inf, 0),
    "Wo": (np.inf, 0), "Ws": (1, 0), "FWo": (np.inf, 0), "FWs": (1, 0), "G": (1, 0), "FG": (1, 0), "K": (1, 0),
    "Zarc": (1, 0), "HN": (1, 0), "RL": (0, 1), "TLMee": (1, 2 / 3), "TLMii": (2, 2 / 3), "TLMie": (np.inf, 2 / 3),
    "TLMct": (None, 2 / 3), "deLevie": (np.inf, 0),
}  # fmt: skip


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_limits(symbol: str) -> None:
    circuit = Circuit(f"{symbol}1")
    ones = {"Re": 1.0, "Ri": 2.0, "alpha": 0.45, "beta": 0.6}
    values = [ones.get(spec.name, 1.0) for spec in circuit.specs]
    low, high = np.abs(circuit.impedance([1e-60, 1e60], values))
    for value, expected in zip((low, high), LIMITS[symbol], strict=True):
        if expected == np.inf:
            assert value > 1e10
        elif expected is not None:
            assert value == pytest.approx(expected, abs=1e-6)
