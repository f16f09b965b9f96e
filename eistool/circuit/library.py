"""Circuit library: one TOML file per circuit, built in or in a user's folders.

Functions with an argument ``folders`` search these folders in order for ``NAME.toml``, then the built-in
circuits.
"""

import difflib
import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from eistool.circuit.circuit import Circuit
from eistool.circuit.grammar import LIBRARY_NAME, parse
from eistool.errors import CircuitError
from eistool.typing import JSON, FloatArray, PathLike

PACKAGE = "eistool.circuit_library"

Role = Literal[
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
]
ROLES: tuple[str, ...] = get_args(Role)


def _flat(values: object) -> object:
    """Flatten ``{"CPE1": {"Q": 1}}`` to ``{"CPE1.Q": 1}``; in TOML an unquoted ``CPE1.Q`` is a nested key."""
    if not isinstance(values, Mapping):
        return values
    flat: dict[str, Any] = {}
    for name, value in values.items():
        inner = value.items() if isinstance(value, Mapping) else [(None, value)]
        flat |= {name if key is None else f"{name}.{key}": number for key, number in inner}
    return flat


_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Frequency = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Doi = Annotated[str, StringConstraints(pattern=r"^10\.\d{4,9}/\S+$")]


class Example(BaseModel):
    """Frequencies and values of a typical simulated spectrum."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frequency_Hz: tuple[_Frequency, _Frequency]  # from, to
    per_decade: PositiveInt = 10
    noise: _Number = 0.003  # relative to |Z|
    values: Annotated[dict[str, _Number], BeforeValidator(_flat)]

    @property
    def frequency(self) -> FloatArray:
        """Logarithmically spaced frequencies in Hz."""
        import numpy as np

        start, end = self.frequency_Hz
        n_points = round(abs(np.log10(start / end)) * self.per_decade) + 1
        return np.geomspace(start, end, max(2, n_points))


class LibraryCircuit(BaseModel):
    """Library circuit: use, roles of the elements, ranges and typical values.

    ``name`` and ``circuit`` are required; ``roles`` and ``ranges``, if given, must cover every element and
    every parameter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: Annotated[str, StringConstraints(pattern=f"^{LIBRARY_NAME}$")]
    title: str = ""
    roles: dict[str, Role] = {}  # by element; declared before the circuit, whose validation uses them
    circuit: Circuit
    use: str = ""
    references: tuple[_Doi, ...] = ()
    ranges: Annotated[dict[str, tuple[_Number, _Number]], BeforeValidator(_flat)] = {}  # by parameter: low, high
    example: Example | None = None

    @field_validator("circuit", mode="before")
    @classmethod
    def _parse(cls, value: object, info: ValidationInfo) -> Circuit:
        if not isinstance(value, Circuit | str):
            raise ValueError("write an expression such as 'R0-p(R1,CPE1)'")
        try:
            tree = value.tree if isinstance(value, Circuit) else parse(value)
            return Circuit.from_tree(tree, info.data.get("roles"))
        except CircuitError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _agree(self) -> Self:
        elements = [element.name for element in self.circuit.elements]
        if self.roles and sorted(self.roles) != sorted(elements):
            raise ValueError(f"roles of {', '.join(self.roles)}; give one for each of {', '.join(elements)}")
        parameters = self.circuit.parameters
        if self.ranges and sorted(self.ranges) != sorted(parameters):
            raise ValueError(f"ranges of {', '.join(self.ranges)}; give one for each of {', '.join(parameters)}")
        for name, (low, high) in self.ranges.items():
            largest = 1.0 if self.circuit.specs[self.circuit.index(name)].kind == "exponent" else float("inf")
            if not low < high <= largest:
                raise ValueError(f"ranges.{name} = [{low:g}, {high:g}]; give low < high <= {largest:g}")
        self._check_example()
        return self

    def _check_example(self) -> None:
        if self.example is None:
            return
        try:
            self.circuit.values(self.example.values)
        except CircuitError as error:
            raise ValueError(f"example.values: {error}") from error
        for name, (low, high) in self.ranges.items():
            value = self.example.values.get(name, low)
            if not low <= value <= high:
                raise ValueError(f"example.values.{name} = {value:g}; give a value from {low:g} to {high:g}")

    def to_dict(self) -> JSON:
        """Return the entry as plain Python objects."""
        plain = self.model_dump(exclude={"circuit"}, mode="json")
        return {"name": self.name, "circuit": repr(self.circuit)} | plain


def circuit_names(folders: Iterable[PathLike] = ()) -> tuple[str, ...]:
    """Return the sorted names of the circuits.

    Parameters
    ----------
    folders : iterable of paths
        Folders of circuits in addition to the built-in ones.

    Raises
    ------
    CircuitError
        If a folder does not exist, or a file name is not a valid circuit name.

    Examples
    --------
    >>> "bulk_gb_spike" in circuit_names()
    True
    """
    return tuple(sorted(_paths(folders)))


def replaced_circuits(folders: Iterable[PathLike]) -> dict[str, Path]:
    """Return the built-in names that are replaced by circuits of the folders, with their files."""
    builtin = _paths(())
    return {
        name: path
        for name, path in sorted(_paths(folders).items())
        if name in builtin and isinstance(path, Path) and path != builtin[name]
    }


def load_library_circuit(name: str, folders: Iterable[PathLike] = ()) -> LibraryCircuit:
    """Return a library circuit with its description and roles.

    Parameters
    ----------
    name : str
        One of :func:`circuit_names`.
    folders : iterable of paths
        Folders of circuits, searched before the built-in ones.

    Raises
    ------
    CircuitError
        If the circuit is unknown (the message suggests similar names) or its file is invalid (the message
        gives file, key and expected value).

    Examples
    --------
    >>> load_library_circuit("spike").roles
    {'L0': 'lead', 'R0': 'electrolyte', 'CPE1': 'electrode'}
    """
    return _read(name, _path(name, folders))


def load_library(folders: Iterable[PathLike] = ()) -> tuple[LibraryCircuit, ...]:
    """Return all circuits with their descriptions, sorted by name.

    Parameters
    ----------
    folders : iterable of paths
        Folders of circuits in addition to the built-in ones.

    Raises
    ------
    CircuitError
        If a file is invalid.
    """
    return tuple(_read(name, path) for name, path in sorted(_paths(folders).items()))


def load_circuit(name: str, folders: Iterable[PathLike] = ()) -> Circuit:
    """Return a library circuit.

    Parameters
    ----------
    name, folders
        As for :func:`load_library_circuit`.

    Raises
    ------
    CircuitError
        If the circuit is unknown; the message suggests similar names.

    Examples
    --------
    >>> load_circuit("spike")
    L0-R0-CPE1
    """
    path = _path(name, folders)
    return _builtin_circuit(name) if path is _builtin().get(name) else _read(name, path).circuit


def _path(name: str, folders: Iterable[PathLike]) -> Traversable:
    paths = _paths(folders)
    if name not in paths:
        close = difflib.get_close_matches(str(name), paths, n=3) or sorted(paths)
        raise CircuitError(f"no library circuit {name!r}; did you mean {', '.join(close)}?")
    return paths[name]


def _paths(folders: Iterable[PathLike]) -> dict[str, Traversable]:
    """Return the file of each name; earlier folders take precedence."""
    paths = dict(_builtin())
    for folder in reversed([Path(folder) for folder in folders]):
        if not folder.is_dir():
            raise CircuitError(f"{folder}: no such folder; give a folder with a NAME.toml for each circuit")
        for path in folder.glob("*.toml"):
            if path.name == "eistool.toml":  # settings may lie beside the circuits
                continue
            if not re.fullmatch(LIBRARY_NAME, path.stem):
                raise CircuitError(
                    f"{path}: {path.stem!r} is not a valid circuit name; use two or more of a-z, 0-9 and _, "
                    "beginning with a letter"
                )
            paths[path.stem] = path
    return paths


@functools.cache
def _builtin() -> Mapping[str, Traversable]:
    return {
        entry.name.removesuffix(".toml"): entry
        for entry in files(PACKAGE).iterdir()
        if entry.name.endswith(".toml")
    }


@functools.cache  # candidates are loaded for every sweep
def _builtin_circuit(name: str) -> Circuit:
    return _read(name, _builtin()[name]).circuit


def _read(name: str, path: Traversable) -> LibraryCircuit:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        entry = LibraryCircuit.model_validate(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CircuitError(f"{path}: {error}; write TOML such as name = {name!r}") from error
    except ValidationError as error:
        raise CircuitError(f"{path}: {_first_error(error)}") from error
    if entry.name != name:
        raise CircuitError(f"{path}: name = {entry.name!r}; expected {name!r}, as in the file name")
    return entry


def _first_error(error: ValidationError) -> str:
    mistake = error.errors()[0]
    key = ".".join(str(part) for part in mistake["loc"])
    expected = mistake["msg"].removeprefix("Value error, ")
    expected = expected[:1].lower() + expected[1:] if mistake["type"] != "value_error" else expected
    if mistake["type"] == "extra_forbidden":
        allowed = Example.model_fields if key.startswith("example.") else LibraryCircuit.model_fields
        return f"unknown key {key!r}; allowed are {', '.join(allowed)}"
    if mistake["type"] == "missing":
        return f"missing key {key!r}; add it"
    return f"{key} = {mistake['input']!r}; {expected}" if key else expected
