"""Families of circuits that differ in the number of arcs, and alternatives of the same size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit, Element, Node, Parallel, Series
from eistool.errors import CircuitError
from eistool.spectrum import Spectrum
from eistool.typing import Threshold

TAILS = ("CPE", "W", "Wo", "FWo", "C")  # low-frequency elements in series with the arcs
OTHER_TAILS = ("CPE", "Wo", "FWo")  # alternatives
INDUCTIVE_HZ: Annotated[
    float, Threshold("highest frequency in Hz from which L0 is always included", "ωL of 1 µH is 6 Ω at 1 MHz")
] = 1e6


@dataclass(frozen=True, slots=True)
class Family:
    """Series circuits of a head, a number of arcs, and a tail."""

    head: tuple[str, ...]
    arcs: tuple[str, ...]
    tail: tuple[str, ...]

    @classmethod
    def of(cls, circuit: Circuit) -> "Family":
        """Return the family of a circuit; series parts other than arcs are kept.

        Raises
        ------
        CircuitError
            If the circuit has no arc in series, whose number could change along a series.
        """
        tree = circuit.tree
        parts = tree.parts if isinstance(tree, Series) else (tree,)
        tails = [part for part in parts if isinstance(part, Element) and part.symbol in TAILS]
        arcs = [part for part in parts if _is_arc(part)]
        if not arcs:
            raise CircuitError(
                f"track: {circuit} has no arc in series; give a circuit with Zarc, K, p(R,CPE) or p(R,C) in "
                "series, or none: it is then chosen from the series"
            )
        head = [part for part in parts if part not in tails and part not in arcs]
        head_texts, arc_texts, tail_texts = (tuple(map(str, some)) for some in (head, arcs, tails))
        return cls(head_texts, arc_texts, tail_texts)

    @classmethod
    def plain(cls, spectra: Sequence[Spectrum], tail: str) -> "Family":
        """Return a family of R0, L0 if leads may contribute, ZARC elements and a tail."""
        fastest = max(float(s.frequency[s.mask].max()) for s in spectra)
        loops = any(s.impedance.imag[s.mask][np.argmax(s.frequency[s.mask])] > 0 for s in spectra)
        return cls(
            ("L0", "R0") if loops or fastest >= INDUCTIVE_HZ else ("R0",), (), (f"{tail}_t",) if tail else ()
        )

    def circuit(self, n_arcs: int, extra: Sequence[str] = ()) -> Circuit:
        """Return the member with ``n_arcs`` arcs and the extra elements."""
        more = tuple(f"Zarc_{i + 1}" for i in range(len(self.arcs), n_arcs))
        return Circuit("-".join([*self.head, *self.arcs[:n_arcs], *more, *extra, *self.tail]))

    def alternatives(self, n_arcs: int) -> list[Circuit]:
        """Return circuits with ``n_arcs`` arcs and Havriliak-Negami arcs or another tail."""
        names = self.circuit(n_arcs).tree
        parts = names.parts if isinstance(names, Series) else (names,)
        arcs = [str(part) for part in parts if _is_arc(part)]
        members = [[*self.head, *arcs[:i], "HN_a", *arcs[i + 1 :], *self.tail] for i in range(n_arcs)]
        if n_arcs > 1:
            members.append([*self.head, *(f"HN_{i + 1}" for i in range(n_arcs)), *self.tail])
        symbols = {element.symbol for element in Circuit("-".join(self.tail)).elements} if self.tail else set()
        members += [[*self.head, *arcs, f"{tail}_a"] for tail in OTHER_TAILS if tail not in symbols]
        return [Circuit("-".join(parts)) for parts in members]


def _is_arc(part: Node) -> bool:
    if isinstance(part, Element):
        return part.symbol in ("Zarc", "K")
    return isinstance(part, Parallel) and sorted(
        p.symbol if isinstance(p, Element) else "" for p in part.parts
    ) in (["CPE", "R"], ["C", "R"])
