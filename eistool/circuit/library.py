"""The circuit library: one TOML file per circuit, with the role of every element."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from eistool.circuit.circuit import Circuit
from eistool.circuit.grammar import parse
from eistool.errors import CircuitError

PACKAGE = "eistool.circuit_library"
ROLES = (
    "bulk",
    "charge_transfer",
    "diffusion",
    "electrode",
    "electrolyte",
    "film",
    "grain_boundary",
    "interphase",
    "lead",
    "line",
    "phase",
    "process",
)


@dataclass(frozen=True, slots=True)
class LibraryCircuit:
    """A circuit of the library, when to use it, and what its elements stand for."""

    name: str
    title: str
    circuit: Circuit
    use: str
    roles: Mapping[str, str] = field(hash=False)  # element name -> one of ROLES

    def __post_init__(self) -> None:
        names = [element.name for element in self.circuit.elements]
        if sorted(self.roles) != sorted(names):
            raise CircuitError(
                f"{self.name}: roles of {', '.join(self.roles)}; give one for each of {', '.join(names)}"
            )
        for element, role in self.roles.items():
            if role not in ROLES:
                raise CircuitError(f"{self.name}: {element} has the role {role!r}; choose from {', '.join(ROLES)}")


def circuit_names() -> tuple[str, ...]:
    """Return the names of the library's circuits, sorted.

    Examples
    --------
    >>> "bulk_gb_spike" in circuit_names()
    True
    """
    names = [entry.name for entry in files(PACKAGE).iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_library_circuit(name: str) -> LibraryCircuit:
    """Return a circuit of the library with its description and roles.

    Parameters
    ----------
    name : str
        One of :func:`circuit_names`.

    Raises
    ------
    CircuitError
        If there is no such circuit; the message names the closest.

    Examples
    --------
    >>> load_library_circuit("spike").roles
    {'L0': 'lead', 'R0': 'electrolyte', 'CPE1': 'electrode'}
    """
    names = circuit_names()
    if name not in names:
        close = difflib.get_close_matches(str(name), names, n=3) or names
        raise CircuitError(f"no library circuit {name!r}; did you mean {', '.join(close)}?")
    path = files(PACKAGE) / f"{name}.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        circuit = Circuit.from_tree(parse(content["circuit"]), content["roles"])
        return LibraryCircuit(**(content | {"circuit": circuit}))
    except (KeyError, TypeError) as error:
        raise CircuitError(f"{path}: {error}; give name, title, circuit, use and roles") from error


def load_circuit(name: str) -> Circuit:
    """Return a circuit of the library.

    Parameters
    ----------
    name : str
        One of :func:`circuit_names`.

    Raises
    ------
    CircuitError
        If there is no such circuit; the message names the closest.

    Examples
    --------
    >>> load_circuit("spike")
    L0-R0-CPE1
    """
    return load_library_circuit(name).circuit


def as_circuit(circuit: Circuit | str) -> Circuit:
    """Return a circuit from what a circuit argument may be.

    Parameters
    ----------
    circuit : Circuit or str
        A circuit, an expression, or a name of the library.

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
    # names are lower case throughout, expressions never
    if isinstance(circuit, str) and re.fullmatch(r"\s*[a-z][a-z0-9_]+\s*", circuit):
        return load_circuit(circuit.strip())
    return Circuit(circuit)
