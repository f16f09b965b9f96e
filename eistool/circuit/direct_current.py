"""Resistance of a circuit to direct current, the limit of Z at zero frequency."""

import numpy as np

from eistool.circuit.circuit import Circuit
from eistool.circuit.tree import Element, Node, Series
from eistool.typing import FloatArray

# limits of the elements' equations at zero frequency: Z = 0, Z = ∞, and Z of a rail instead of R
_SHORT = ("L", "La", "RL")
_OPEN = ("C", "CPE", "W", "Wo", "FWo", "TLMie", "deLevie")
_RAIL = {"TLMee": "Re", "TLMii": "Ri"}


def dc_resistance(circuit: Circuit, values: FloatArray) -> tuple[float, FloatArray]:
    """Return the resistance to direct current and its derivatives, shape (p,).

    The resistance is infinite, with derivatives of 0, if the circuit blocks direct current.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    values : FloatArray, shape (p,)
        Parameter values in the circuit's order.

    Examples
    --------
    >>> from eistool import Circuit
    >>> resistance, derivative = dc_resistance(Circuit("R0-p(R1,CPE1)"), np.array([20, 100, 1e-5, 0.9]))
    >>> float(resistance), derivative.tolist()
    (120.0, [1.0, 1.0, 0.0, 0.0])
    """
    return _of_node(circuit, circuit.tree, values)


def blocking_elements(circuit: Circuit) -> tuple[str, ...]:
    """Return the names of the elements that block direct current."""
    return tuple(element.name for element in circuit.elements if element.symbol in _OPEN)


def _of_node(circuit: Circuit, node: Node, values: FloatArray) -> tuple[float, FloatArray]:
    if isinstance(node, Element):
        return _of_element(circuit, node, values)
    parts = [_of_node(circuit, part, values) for part in node.parts]
    resistances = np.array([resistance for resistance, _ in parts])
    derivatives = np.array([derivative for _, derivative in parts])
    if isinstance(node, Series):
        total = float(resistances.sum())
        return total, derivatives.sum(axis=0) if np.isfinite(total) else np.zeros_like(values)
    if not resistances.all():
        return 0.0, np.zeros_like(values)
    conductance = float(np.sum(1 / resistances))
    if conductance == 0:
        return np.inf, np.zeros_like(values)
    share = 1 / (resistances * conductance)  # fraction of the current
    return 1 / conductance, share**2 @ derivatives


def _of_element(circuit: Circuit, element: Element, values: FloatArray) -> tuple[float, FloatArray]:
    derivative = np.zeros_like(values)
    if element.symbol in _SHORT:
        return 0.0, derivative
    if element.symbol in _OPEN:
        return np.inf, derivative
    if element.symbol == "TLMct":
        index = [circuit.index(f"{element.name}.{name}") for name in ("Re", "Ri", "Rct")]
        rails = values[index]
        # complex-step derivative, exact to rounding
        derivative[index] = [_of_line(rails + 1e-30j * row).imag / 1e-30 for row in np.eye(3)]
        return float(_of_line(rails + 0j).real), derivative
    i = circuit.index(f"{element.name}.{_RAIL.get(element.symbol, 'R')}")
    derivative[i] = 1.0
    return float(values[i]), derivative


def _of_line(rails: np.ndarray) -> complex:
    """Return Z of a line with charge transfer at zero frequency."""
    re, ri, rct = rails
    nu = np.sqrt((re + ri) / rct)
    decay = np.exp(-nu)
    inverse_sinh = 2 * decay / (1 - decay**2)
    coth = (1 + decay**2) / (1 - decay**2)
    z: complex = (re * ri * (1 + 2 * inverse_sinh / nu) + (re**2 + ri**2) * coth / nu) / (re + ri)
    return z
