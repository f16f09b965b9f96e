"""Resistances of a circuit at the ends of the frequency axis: direct current and infinite frequency."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eistool.circuit.circuit import Circuit
from eistool.circuit.elements import ELEMENTS
from eistool.circuit.tree import Element, Node, Series, join
from eistool.typing import FloatArray

_Resistance = tuple[float, dict[int, float]]  # with the derivatives by parameter that are not 0


@dataclass(frozen=True, slots=True)
class _Limit:
    """Elements that vanish or block at one end of the frequency axis."""

    shorted: frozenset[str]
    blocking: frozenset[str]
    rails: Mapping[str, tuple[str, ...]]  # that the current runs through, in parallel; else R


_DIRECT = _Limit(
    frozenset({"L", "La", "RL"}),
    frozenset({"C", "CPE", "W", "Wo", "FWo", "TLMie", "deLevie"}),
    {"TLMee": ("Re",), "TLMii": ("Ri",), "TLMct": ("Re", "Ri", "Rct")},
)
# inductances are of leads: R_inf is what remains without them
_HIGH = _Limit(
    frozenset(
        {"L", "La", "RL", "C", "CPE", "W", "Wo", "Ws", "FWo", "FWs", "G", "FG", "K", "Zarc", "HN", "deLevie"}
    ),
    frozenset(),
    dict.fromkeys(("TLMee", "TLMii", "TLMie", "TLMct"), ("Re", "Ri")),
)


def dc_resistance(circuit: Circuit, values: FloatArray) -> tuple[float, FloatArray]:
    """Return the resistance to direct current and its derivatives by the parameters, shape (p,).

    It is infinite, with derivatives of 0, where the circuit blocks direct current, and nan where
    it rests on a custom element.

    Parameters
    ----------
    circuit : Circuit
        Circuit whose d.c. limit is computed.
    values : FloatArray, shape (p,)
        In the circuit's order.

    Examples
    --------
    >>> from eistool import Circuit
    >>> resistance, derivative = dc_resistance(Circuit("R0-p(R1,CPE1)"), np.array([20, 100, 1e-5, 0.9]))
    >>> float(resistance), derivative.tolist()
    (120.0, [1.0, 1.0, 0.0, 0.0])
    """
    return _limit_of(circuit, values, _DIRECT)


def high_frequency_resistance(circuit: Circuit, values: FloatArray) -> tuple[float, FloatArray]:
    """Return R_inf, the limit of Z at infinite frequency without inductances, and its derivatives, shape (p,).

    It is 0, with derivatives of 0, where the circuit has no resistance in series with its arcs.

    Parameters
    ----------
    circuit, values
        As for :func:`dc_resistance`.

    Examples
    --------
    >>> from eistool import Circuit
    >>> circuit = Circuit("L0-R0-p(R1,C1)")
    >>> resistance, derivative = high_frequency_resistance(circuit, np.array([1e-6, 20, 100, 1e-5]))
    >>> float(resistance), derivative.tolist()
    (20.0, [0.0, 1.0, 0.0, 0.0])
    """
    return _limit_of(circuit, values, _HIGH)


def blocking_parts(circuit: Circuit, values: FloatArray) -> Circuit | None:
    """Return the parts in series of a circuit that block direct current, or None without any.

    Parameters
    ----------
    circuit, values
        As for :func:`dc_resistance`.

    Examples
    --------
    >>> from eistool import Circuit
    >>> blocking_parts(Circuit("R0-p(R1,CPE1)-CPE2"), np.array([20, 100, 1e-5, 0.9, 1e-3, 0.8]))
    CPE2
    """
    parts = circuit.tree.parts if isinstance(circuit.tree, Series) else (circuit.tree,)
    known = values.tolist()
    blocking = tuple(part for part in parts if math.isinf(_of_node(circuit, part, known, _DIRECT)[0]))
    return _in_series(blocking) if blocking else None


@functools.lru_cache(maxsize=256)
def _in_series(parts: tuple[Node, ...]) -> Circuit:
    return Circuit.from_tree(join(Series, parts))


def blocking_elements(circuit: Circuit) -> tuple[str, ...]:
    """Return the names of the elements that block direct current."""
    return tuple(element.name for element in circuit.elements if element.symbol in _DIRECT.blocking)


def _limit_of(circuit: Circuit, values: FloatArray, limit: _Limit) -> tuple[float, FloatArray]:
    resistance, by_value = _of_node(circuit, circuit.tree, values.tolist(), limit)
    derivative = np.zeros(values.size)
    for i, slope in by_value.items():
        derivative[i] = slope
    return resistance, derivative


def _of_node(circuit: Circuit, node: Node, values: Sequence[float], limit: _Limit) -> _Resistance:
    if isinstance(node, Element):
        return _of_element(circuit, node, values, limit)
    parts = [_of_node(circuit, part, values, limit) for part in node.parts]
    if not isinstance(node, Series):
        return _in_parallel(parts)
    total = sum(resistance for resistance, _ in parts)
    derivative: dict[int, float] = {}
    if math.isfinite(total):
        for _, by_value in parts:
            derivative |= by_value
    return total, derivative


def _in_parallel(parts: Sequence[_Resistance]) -> _Resistance:
    if any(resistance == 0 for resistance, _ in parts):
        return 0.0, {}
    conductance = sum(1 / resistance for resistance, _ in parts)
    if conductance == 0:
        return math.inf, {}
    derivative: dict[int, float] = {}
    for resistance, by_value in parts:
        share = 1 / (resistance * conductance)  # of the current
        derivative |= {i: share**2 * slope for i, slope in by_value.items()}
    return 1 / conductance, derivative


def _of_element(circuit: Circuit, element: Element, values: Sequence[float], limit: _Limit) -> _Resistance:
    if element.symbol in limit.shorted:
        return 0.0, {}
    if element.symbol in limit.blocking:
        return math.inf, {}
    if element.symbol not in ELEMENTS:  # the limit of a custom element is unknown
        return math.nan, {}
    name = element.name
    index = [circuit.index(f"{name}.{rail}") for rail in limit.rails.get(element.symbol, ("R",))]
    if len(index) == 3:
        rails = np.array([values[i] for i in index])
        # the imaginary part of a tiny imaginary step is the derivative, to the last digit
        slopes = [_of_line(rails + 1e-30j * row).imag / 1e-30 for row in np.eye(3)]
        return float(_of_line(rails + 0j).real), dict(zip(index, slopes, strict=True))
    if len(index) == 1:
        return values[index[0]], {index[0]: 1.0}
    return _in_parallel([(values[i], {i: 1.0}) for i in index])


def _of_line(rails: np.ndarray) -> complex:
    """Return Z of a line with charge transfer where its capacitance carries no current."""
    re, ri, rct = rails
    nu = np.sqrt((re + ri) / rct)
    decay = np.exp(-nu)
    inverse_sinh = 2 * decay / (1 - decay**2)
    coth = (1 + decay**2) / (1 - decay**2)
    z: complex = (re * ri * (1 + 2 * inverse_sinh / nu) + (re**2 + ri**2) * coth / nu) / (re + ri)
    return z
