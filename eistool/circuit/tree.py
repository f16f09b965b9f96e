"""Element trees of circuits."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from eistool.circuit.elements import ALIASES, ElementSpec, element_spec
from eistool.errors import CircuitError

LABEL = r"[0-9]+|_[A-Za-z0-9_]+"


@dataclass(frozen=True, slots=True)
class Element:
    """Labelled element, a leaf of the tree; the alias Q is replaced by CPE.

    Examples
    --------
    >>> Element("Q", "_gb").name
    'CPE_gb'
    """

    symbol: str
    label: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", ALIASES.get(self.symbol, self.symbol))
        element_spec(self.symbol)
        if not re.fullmatch(LABEL, self.label):
            raise CircuitError(f"{self.symbol}: label {self.label!r}; give a number or _name")

    @property
    def name(self) -> str:
        """Symbol and label, for instance ``CPE1`` or ``R_gb``."""
        return self.symbol + self.label

    @property
    def spec(self) -> ElementSpec:
        """Specification of the element in the registry."""
        return element_spec(self.symbol)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Series:
    """Two or more parts in series; nested series are flattened."""

    parts: tuple["Node", ...]

    def __post_init__(self) -> None:
        _flatten(self)

    def __str__(self) -> str:
        return "-".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Parallel:
    """Two or more parts in parallel; nested parallel groups are flattened."""

    parts: tuple["Node", ...]

    def __post_init__(self) -> None:
        _flatten(self)

    def __str__(self) -> str:
        return f"p({','.join(map(str, self.parts))})"


Node: TypeAlias = Element | Series | Parallel


def _flatten(group: Series | Parallel) -> None:
    parts: list[Node] = []
    for part in group.parts:
        parts.extend(part.parts if isinstance(part, type(group)) else [part])
    if len(parts) < 2:
        raise CircuitError(f"{type(group).__name__}: {len(parts)} parts; give two or more")
    object.__setattr__(group, "parts", tuple(parts))


def join(kind: type[Series] | type[Parallel], parts: Iterable[Node]) -> Node:
    """Return a group of the parts, or the part itself if there is only one."""
    parts = tuple(parts)
    return parts[0] if len(parts) == 1 else kind(parts)


def leaves(node: Node) -> Iterator[Element]:
    """Yield the elements of a tree in the order of its expression."""
    if isinstance(node, Element):
        yield node
    else:
        for part in node.parts:
            yield from leaves(part)


def without(node: Node, names: Collection[str]) -> Node | None:
    """Return a tree without some elements; None if nothing is left.

    Parameters
    ----------
    node : Node
        Where to look.
    names : collection of str
        Names of elements, such as ``"R1"``.

    Examples
    --------
    >>> r0, r1, c1 = Element("R", "0"), Element("R", "1"), Element("C", "1")
    >>> str(without(Series((r0, Parallel((r1, c1)))), {"R1", "C1"}))
    'R0'
    """
    if isinstance(node, Element):
        return None if node.name in names else node
    parts = [part for part in (without(part, names) for part in node.parts) if part is not None]
    return join(type(node), parts) if parts else None
