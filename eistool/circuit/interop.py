"""Circuits and values to and from impedance.py.

Only elements whose equations agree are exchanged, under the name that each program has for them. One
needs its value converted: impedance.py's La is (jωL)^α, and eistool's L(jω)^α.
"""

import re
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from eistool.circuit.circuit import Circuit
from eistool.circuit.grammar import parse_first_dialect
from eistool.circuit.tree import Element, Node, Series
from eistool.errors import CircuitError

if TYPE_CHECKING:
    from impedance.models.circuits.circuits import BaseCircuit

_SAME = ("R", "C", "L", "La", "CPE", "W", "Wo", "Ws", "G", "K", "Zarc")
TO_IMPEDANCE_PY: Mapping[str, str] = {symbol: symbol for symbol in _SAME} | {"deLevie": "TLMQ"}
FROM_IMPEDANCE_PY: Mapping[str, str] = {theirs: ours for ours, theirs in TO_IMPEDANCE_PY.items()}
# finite Gerischer and Paasch's porous electrode, by impedance.py's equations
_WITHOUT_EQUIVALENT = ("Gs", "T")


def to_impedance_py(circuit: Circuit, values: Mapping[str, float] | ArrayLike | None = None) -> "BaseCircuit":
    """Return the CustomCircuit of a circuit; see :meth:`Circuit.to_impedance_py`."""
    from impedance.models.circuits import CustomCircuit

    names = _their_names(circuit.elements)
    guess = [1.0] * len(circuit.parameters) if values is None else _their_values(circuit, values)
    model = CustomCircuit(_text(circuit.tree, names), initial_guess=guess)
    if values is None:
        model.initial_guess = []  # impedance.py asks for values here, but none were given
    return model


def from_impedance_py(model: "BaseCircuit | str") -> Circuit:
    """Return the circuit of a model or string; see :meth:`Circuit.from_impedance_py`."""
    expression = model if isinstance(model, str) else model.circuit
    for symbol in re.findall(r"[A-Za-z]+(?=[0-9_])", expression):
        if symbol in _WITHOUT_EQUIVALENT:
            raise CircuitError(f"{expression}: eistool has no equivalent of impedance.py's element {symbol}")
    return Circuit.from_tree(parse_first_dialect(expression, FROM_IMPEDANCE_PY))


def values_from_impedance_py(model: "BaseCircuit") -> dict[str, float]:
    """Return the parameter values of an impedance.py model by eistool's names.

    Parameters
    ----------
    model : BaseCircuit
        A fitted model, else its initial guess is taken; constants are among the values.

    Raises
    ------
    CircuitError
        If the model has no values, or an element of which eistool has no equivalent.
    """
    circuit = from_impedance_py(model)
    free = model.initial_guess if model.parameters_ is None else model.parameters_
    keys = [key for element in circuit.elements for key in _their_keys(element)]
    free_keys = [key for key in keys if key not in model.constants]
    if len(free) != len(free_keys):
        raise CircuitError(f"{circuit}: the model has {len(free)} values; give it {len(free_keys)}, or fit it")
    theirs = dict(zip(free_keys, free, strict=True)) | model.constants
    values = dict(zip(circuit.parameters, (float(theirs[key]) for key in keys), strict=True))
    for element in circuit.elements:
        if element.symbol == "La":
            values[f"{element.name}.L"] **= values[f"{element.name}.alpha"]
    return values


def _their_keys(element: Element) -> list[str]:
    name = TO_IMPEDANCE_PY[element.symbol] + element.label
    n_parameters = len(element.spec.parameters)
    return [name] if n_parameters == 1 else [f"{name}_{i}" for i in range(n_parameters)]


def _their_names(elements: tuple[Element, ...]) -> dict[Element, str]:
    """Return impedance.py's name of each element: labels are numbers there."""
    names = {}
    taken = {element.name for element in elements if element.label.isdigit()}
    for element in elements:
        if element.symbol not in TO_IMPEDANCE_PY:
            raise CircuitError(
                f"{element.name}: impedance.py has no equivalent of {element.symbol}; "
                f"it can take {', '.join(TO_IMPEDANCE_PY)}"
            )
        label = element.label
        if not label.isdigit():
            label = next(str(n) for n in count(1) if f"{element.symbol}{n}" not in taken)
            taken.add(element.symbol + label)
        names[element] = TO_IMPEDANCE_PY[element.symbol] + label
    return names


def _their_values(circuit: Circuit, values: Mapping[str, float] | ArrayLike) -> list[float]:
    theirs = dict(zip(circuit.parameters, circuit.values(values).tolist(), strict=True))
    for element in circuit.elements:
        if element.symbol == "La":
            theirs[f"{element.name}.L"] **= 1 / theirs[f"{element.name}.alpha"]
    return list(theirs.values())


def _text(node: Node, names: Mapping[Element, str]) -> str:
    if isinstance(node, Element):
        return names[node]
    parts = [_text(part, names) for part in node.parts]
    return "-".join(parts) if isinstance(node, Series) else f"p({','.join(parts)})"
