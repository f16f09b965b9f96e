"""Circuits and values to and from impedance.py.

Only elements whose equations agree are exchanged, under the name that each program has for them. One
needs its value converted: impedance.py's La is (jωL)^α, and eistool's L(jω)^α.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.circuit.circuit import Circuit
from eistool.circuit.grammar import parse_first_dialect
from eistool.circuit.tree import Element, Node, Series
from eistool.errors import CircuitError, ReaderError
from eistool.typing import BoolArray, FloatArray, PathLike

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
    free = model.initial_guess if model.parameters_ is None else model.parameters_
    return _our_values(from_impedance_py(model), free, model.constants)


def read_impedance_py_json(path: PathLike) -> tuple[Circuit, dict[str, float]]:
    """Return circuit and parameter values of a model that impedance.py saved with ``model.save(path)``.

    Parameters
    ----------
    path : path
        The JSON file. Of a model that was not fitted the initial guess is taken.

    Raises
    ------
    ReaderError
        If the file is no such model; the message names file and key.
    CircuitError
        If the circuit has no equivalent, or a value is not possible for its parameter.

    See Also
    --------
    eistool.Circuit.to_impedance_py : the other way.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:  # neither JSON nor UTF-8
        raise ReaderError(f"{path}: {error}; give a model that impedance.py saved") from error
    text = _entry(path, content, "Circuit String", str)
    guess_or_fit = "Parameters" if _entry(path, content, "Fit", bool) else "Initial Guess"
    free = _entry(path, content, guess_or_fit, list)
    constants = _entry(path, content, "Constants", dict)
    for key, numbers in ((guess_or_fit, free), ("Constants", constants.values())):
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ReaderError(f"{path}: {key} holds {number!r}; numbers are expected")
    key = "Circuit String"
    try:
        circuit = from_impedance_py(text)
        key = guess_or_fit
        values = _our_values(circuit, free, constants)
        circuit.values(values)
    except CircuitError as error:
        raise CircuitError(f"{path}, {key}: {error}") from error
    return circuit, values


def _entry(path: PathLike, content: object, key: str, kind: type) -> Any:
    """Return the value of a key, of the kind that impedance.py writes."""
    if not isinstance(content, dict) or key not in content:
        raise ReaderError(f"{path}: no key {key!r}; give a model that impedance.py saved")
    value = content[key]
    if not isinstance(value, kind):
        raise ReaderError(f"{path}: {key} = {value!r}; a {kind.__name__} is expected")
    return value


def fit_to_impedance_py(
    circuit: Circuit, values: FloatArray, covariance: FloatArray, fixed: BoolArray
) -> "BaseCircuit":
    """Return the fitted CustomCircuit of values in the circuit's order; see :meth:`FitResult.to_impedance_py`."""
    from impedance.models.circuits import CustomCircuit

    names = _their_names(circuit.elements)
    keys = [key for element in circuit.elements for key in _their_keys(element, names[element])]
    theirs = np.array(_their_values(circuit, values))
    jacobian = np.eye(theirs.size)
    constant = fixed.copy()
    for element in circuit.elements:
        if element.symbol == "La":  # their L is L^(1/α)
            i, j = circuit.index(f"{element.name}.L"), circuit.index(f"{element.name}.alpha")
            alpha = values[j]
            with np.errstate(divide="ignore", invalid="ignore"):  # L = 0 has no error
                jacobian[i, i] = theirs[i] / (alpha * values[i])
                jacobian[i, j] = -theirs[i] * np.log(values[i]) / alpha**2
            constant[i] = fixed[i] and fixed[j]
    variance = np.diag(jacobian @ covariance @ jacobian.T)
    free = ~constant
    constants = {key: float(value) for key, value, held in zip(keys, theirs, constant, strict=True) if held}
    model = CustomCircuit(_text(circuit.tree, names), initial_guess=theirs[free].tolist(), constants=constants)
    model.parameters_ = theirs[free]
    model.conf_ = np.sqrt(np.where(variance > 0, variance, np.nan))[free]
    return model


def _our_values(circuit: Circuit, free: Sequence[float], constants: Mapping[str, float]) -> dict[str, float]:
    keys = [key for element in circuit.elements for key in _their_keys(element)]
    unknown = [key for key in constants if key not in keys]
    if unknown:
        raise CircuitError(f"{circuit}: no parameter for the constant {unknown[0]!r}; known are {', '.join(keys)}")
    free_keys = [key for key in keys if key not in constants]
    if len(free) != len(free_keys):
        raise CircuitError(f"{circuit}: the model has {len(free)} values; give it {len(free_keys)}, or fit it")
    theirs = dict(zip(free_keys, free, strict=True)) | dict(constants)
    values = dict(zip(circuit.parameters, (float(theirs[key]) for key in keys), strict=True))
    for element in circuit.elements:
        if element.symbol == "La":
            values[f"{element.name}.L"] **= values[f"{element.name}.alpha"]
    return values


def _their_keys(element: Element, name: str = "") -> list[str]:
    name = name or TO_IMPEDANCE_PY[element.symbol] + element.label
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
