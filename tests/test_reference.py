"""The oracles themselves, against limits and a discrete ladder."""

import numpy as np
import pytest

from eistool.circuit import ELEMENTS, Circuit
from tests.reference import element_impedance, ladder_impedance

RE, RI, RCT, Q, ALPHA = 30.0, 200.0, 50.0, 1e-3, 0.9


@pytest.mark.parametrize(
    ("symbol", "contacts"), [("TLMee", "ee"), ("TLMii", "ii"), ("TLMie", "ie"), ("TLMct", "ie")]
)
def test_lines_agree_with_a_ladder(symbol: str, contacts: str) -> None:
    omega = np.geomspace(1e-3, 1e2, 21)
    faradaic = symbol == "TLMct"
    values = (RE, RI, RCT, Q, ALPHA) if faradaic else (RE, RI, Q, ALPHA)
    Y = np.asarray(Q * (1j * omega) ** ALPHA + (1 / RCT if faradaic else 0), dtype=np.complex128)
    ladder = ladder_impedance((RE, RI), Y, contacts)
    np.testing.assert_allclose(element_impedance(symbol, omega, *values), ladder, rtol=1e-6)


def test_interfaces_that_store_ions_make_of_a_mixed_conductor_a_warburg_parallel_to_a_capacitor() -> None:
    """As the library says of jamnik_maier: the ionic rail ends in C at each side; here by its nodes."""
    C, n = 1e-4, 200
    for omega in np.geomspace(1e-2, 1e4, 7):
        # a branch for each pair of nodes: electronic ones are 0 to n, ionic ones n + 1 to 2 n + 1
        shunt = np.full(n + 1, 1j * omega * Q / n)
        shunt[[0, -1]] = 0.5 * shunt[1] + 1j * omega * C
        nodes = np.zeros((2, n + 1, 2, n + 1), dtype=complex)
        for rail, resistance in enumerate((RE, RI)):
            chain = 2 * np.eye(n + 1) - np.eye(n + 1, k=1) - np.eye(n + 1, k=-1)
            chain[0, 0] = chain[-1, -1] = 1
            nodes[rail, :, rail, :] = chain * n / resistance + np.diag(shunt)
            nodes[rail, :, 1 - rail, :] = -np.diag(shunt)
        admittance = np.delete(np.delete(nodes.reshape(2 * n + 2, -1), n, 0), n, 1)  # the last terminal is earth
        exact = np.linalg.inv(admittance)[0, 0]
        R0 = RE * RI / (RE + RI)
        values = [R0, RE - R0, (RE + RI) * Q / 4, C * (RE + RI) ** 2 / (2 * RE**2)]
        z = Circuit("R0-p(Ws1,C1)").impedance([omega / (2 * np.pi)], values)[0]
        assert z == pytest.approx(exact, rel=1e-4)


def test_limits_of_the_lines() -> None:
    low, high = np.array([1e-9]), np.array([1e15])
    assert element_impedance("TLMee", low, RE, RI, Q, 1)[0].real == pytest.approx(RE)
    assert element_impedance("TLMii", low, RE, RI, Q, 1)[0].real == pytest.approx(RI)
    assert element_impedance("TLMie", low, RE, RI, Q, 1)[0].real == pytest.approx((RE + RI) / 3, rel=1e-4)
    for symbol in ("TLMee", "TLMii", "TLMie"):
        assert element_impedance(symbol, high, RE, RI, Q, 1)[0].real == pytest.approx(
            RE * RI / (RE + RI), rel=1e-4
        )
    pore = element_impedance("deLevie", low, RI, Q, 1)[0]
    assert pore.real == pytest.approx(RI / 3, rel=1e-4)


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_finite_over_twenty_decades(symbol: str) -> None:
    omega = np.geomspace(1e-10, 1e10, 41)
    # above 0.5 the anomalous finite Warburgs are not passive
    exponent = 0.45 if symbol.startswith("FW") else 0.8
    values = [exponent if p.kind == "exponent" else 1.0 for p in ELEMENTS[symbol].parameters]
    Z = element_impedance(symbol, omega, *values)
    assert np.all(np.isfinite(Z))
    assert np.all(Z.real >= -1e-12 * np.abs(Z))
