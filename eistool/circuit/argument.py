"""What a circuit argument may be."""

import re
from collections.abc import Iterable

from eistool.circuit.circuit import Circuit
from eistool.typing import PathLike

NAME = r"[a-z][a-z0-9_]+"  # lower case throughout, as expressions never are


def as_circuit(circuit: Circuit | str, folders: Iterable[PathLike] = ()) -> Circuit:
    """Return a circuit from what a circuit argument may be.

    Parameters
    ----------
    circuit : Circuit or str
        A circuit, an expression, or a name of the library.
    folders : iterable of paths
        Folders of circuits, searched for a name before the built-in ones.

    Raises
    ------
    CircuitError
        If the text is neither an expression nor a name of the library.

    Examples
    --------
    >>> as_circuit("spike") == as_circuit("L0-R0-CPE1")
    True
    """
    if isinstance(circuit, Circuit):
        return circuit
    if isinstance(circuit, str) and is_name(circuit):
        from eistool.circuit.library import load_circuit  # the schema of the library takes time to import

        return load_circuit(circuit.strip(), folders)
    return Circuit(circuit)


def is_name(text: str) -> bool:
    """Return whether a text has the form of a library name; expressions have not."""
    return re.fullmatch(rf"\s*{NAME}\s*", text) is not None
