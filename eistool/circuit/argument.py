"""What a circuit argument may be."""

from collections.abc import Iterable

from eistool.circuit.circuit import Circuit
from eistool.circuit.grammar import is_library_name
from eistool.typing import PathLike


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
    if isinstance(circuit, str) and is_library_name(circuit):
        from eistool.circuit.library import load_circuit  # the schema of the library takes time to import

        return load_circuit(circuit.strip(), folders)
    return Circuit(circuit)
