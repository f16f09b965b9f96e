"""Conversion of circuit arguments."""

from collections.abc import Iterable

from eistool.circuit.circuit import Circuit
from eistool.circuit.grammar import is_library_name
from eistool.typing import PathLike


def as_circuit(circuit: Circuit | str, folders: Iterable[PathLike] = ()) -> Circuit:
    """Convert a circuit argument to a Circuit.

    Parameters
    ----------
    circuit : Circuit or str
        A circuit, an expression, or the name of a library circuit.
    folders : iterable of paths
        Folders of circuits, searched before the built-in library.

    Raises
    ------
    CircuitError
        If the text is neither an expression nor the name of a library circuit.

    Examples
    --------
    >>> as_circuit("spike") == as_circuit("L0-R0-CPE1")
    True
    """
    if isinstance(circuit, Circuit):
        return circuit
    if isinstance(circuit, str) and is_library_name(circuit):
        from eistool.circuit.library import load_circuit  # slow import (pydantic)

        return load_circuit(circuit.strip(), folders)
    return Circuit(circuit)
