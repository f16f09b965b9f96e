"""Conversion of circuits and values to and from impedance.py.

Only elements with identical equations are converted. Values differ for La alone, which is (jωL)^α in
impedance.py and L(jω)^α in eistool.
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
FROM_IMPEDANCE_PY: Mapping[str, str] = {external: symbol for symbol, external in TO_IMPEDANCE_PY.items()}
# impedance.py's finite Gerischer element and Paasch's porous electrode
_WITHOUT_EQUIVALENT = ("Gs", "T")


def to_impedance_py(circuit: Circuit, values: Mapping[str, float] | ArrayLike | None = None) -> "BaseCircuit":
    """Return the CustomCircuit of a circuit; see :meth:`Circuit.to_impedance_py`."""
    from impedance.models.circuits import CustomCircuit

    names = _external_names(circuit.elements)
    guess = [1.0] * len(circuit.parameters) if values is None else _external_values(circuit, values)
    model = CustomCircuit(_text(circuit.tree, names), initial_guess=guess)
    if values is None:
        model.initial_guess = []  # the constructor requires a guess
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
        If the model is not fitted, its initial guess is used; constants are included.

    Raises
    ------
    CircuitError
        If the model has no values, or eistool has no equivalent of an element.
    """
    free = model.initial_guess if model.parameters_ is None else model.parameters_
    return _internal_values(from_impedance_py(model), free, model.constants)


def read_impedance_py_json(path: PathLike) -> tuple[Circuit, dict[str, float]]:
    """Return circuit and parameter values of a model saved by impedance.py (``model.save(path)``).

    Parameters
    ----------
    path : path
        JSON file. If the model is not fitted, its initial guess is used.

    Raises
    ------
    ReaderError
        If the file is not a saved model; the message gives file and key.
    CircuitError
        If eistool has no equivalent of an element, or a value is out of range.

    See Also
    --------
    eistool.Circuit.to_impedance_py : inverse conversion.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    except ValueError as error:  # neither JSON nor UTF-8
        raise ReaderError(f"{path}: {error}; expected a model saved by impedance.py") from error
    text = _entry(path, content, "Circuit String", str)
    guess_or_fit = "Parameters" if _entry(path, content, "Fit", bool) else "Initial Guess"
    free = _entry(path, content, guess_or_fit, list)
    constants = _entry(path, content, "Constants", dict)
    for key, numbers in ((guess_or_fit, free), ("Constants", constants.values())):
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ReaderError(f"{path}: expected numbers in {key}, got {number!r}")
    key = "Circuit String"
    try:
        circuit = from_impedance_py(text)
        key = guess_or_fit
        values = _internal_values(circuit, free, constants)
        circuit.values(values)
    except CircuitError as error:
        raise CircuitError(f"{path}, {key}: {error}") from error
    return circuit, values


def _entry(path: PathLike, content: object, key: str, kind: type) -> Any:
    """Return the value of a key, checked for its type."""
    if not isinstance(content, dict) or key not in content:
        raise ReaderError(f"{path}: no key {key!r}; expected a model saved by impedance.py")
    value = content[key]
    if not isinstance(value, kind):
        raise ReaderError(f"{path}: {key} = {value!r}; expected a {kind.__name__}")
    return value


def fit_to_impedance_py(
    circuit: Circuit, values: FloatArray, covariance: FloatArray, fixed: BoolArray
) -> "BaseCircuit":
    """Return a fitted CustomCircuit; see :meth:`FitResult.to_impedance_py`."""
    from impedance.models.circuits import CustomCircuit

    names = _external_names(circuit.elements)
    keys = [key for element in circuit.elements for key in _external_keys(element, names[element])]
    external = np.array(_external_values(circuit, values))
    jacobian = np.eye(external.size)
    constant = fixed.copy()
    for element in circuit.elements:
        if element.symbol == "La":  # impedance.py's L is L^(1/α)
            i, j = circuit.index(f"{element.name}.L"), circuit.index(f"{element.name}.alpha")
            alpha = values[j]
            with np.errstate(divide="ignore", invalid="ignore"):  # no error for L = 0
                jacobian[i, i] = external[i] / (alpha * values[i])
                jacobian[i, j] = -external[i] * np.log(values[i]) / alpha**2
            constant[i] = fixed[i] and fixed[j]
    variance = np.diag(jacobian @ covariance @ jacobian.T)
    free = ~constant
    constants = {key: float(value) for key, value, held in zip(keys, external, constant, strict=True) if held}
    model = CustomCircuit(_text(circuit.tree, names), initial_guess=external[free].tolist(), constants=constants)
    model.parameters_ = external[free]
    model.conf_ = np.sqrt(np.where(variance > 0, variance, np.nan))[free]
    return model


def _internal_values(circuit: Circuit, free: Sequence[float], constants: Mapping[str, float]) -> dict[str, float]:
    keys = [key for element in circuit.elements for key in _external_keys(element)]
    unknown = [key for key in constants if key not in keys]
    if unknown:
        raise CircuitError(f"{circuit}: unknown constant {unknown[0]!r}; choose from {', '.join(keys)}")
    free_keys = [key for key in keys if key not in constants]
    if len(free) != len(free_keys):
        raise CircuitError(f"{circuit}: the model has {len(free)} values; give {len(free_keys)}, or fit the model")
    external = dict(zip(free_keys, free, strict=True)) | dict(constants)
    values = dict(zip(circuit.parameters, (float(external[key]) for key in keys), strict=True))
    for element in circuit.elements:
        if element.symbol == "La":
            values[f"{element.name}.L"] **= values[f"{element.name}.alpha"]
    return values


def _external_keys(element: Element, name: str = "") -> list[str]:
    name = name or TO_IMPEDANCE_PY[element.symbol] + element.label
    n_parameters = len(element.spec.parameters)
    return [name] if n_parameters == 1 else [f"{name}_{i}" for i in range(n_parameters)]


def _external_names(elements: tuple[Element, ...]) -> dict[Element, str]:
    """Return the names of elements in impedance.py, which requires numbers as labels."""
    names = {}
    taken = {element.name for element in elements if element.label.isdigit()}
    for element in elements:
        if element.symbol not in TO_IMPEDANCE_PY:
            raise CircuitError(
                f"{element.name}: impedance.py has no equivalent of {element.symbol}; "
                f"elements with one are {', '.join(TO_IMPEDANCE_PY)}"
            )
        label = element.label
        if not label.isdigit():
            label = next(str(n) for n in count(1) if f"{element.symbol}{n}" not in taken)
            taken.add(element.symbol + label)
        names[element] = TO_IMPEDANCE_PY[element.symbol] + label
    return names


def _external_values(circuit: Circuit, values: Mapping[str, float] | ArrayLike) -> list[float]:
    external = dict(zip(circuit.parameters, circuit.values(values).tolist(), strict=True))
    for element in circuit.elements:
        if element.symbol == "La":
            external[f"{element.name}.L"] **= 1 / external[f"{element.name}.alpha"]
    return list(external.values())


def _text(node: Node, names: Mapping[Element, str]) -> str:
    if isinstance(node, Element):
        return names[node]
    parts = [_text(part, names) for part in node.parts]
    return "-".join(parts) if isinstance(node, Series) else f"p({','.join(parts)})"
