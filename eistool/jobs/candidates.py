"""Candidate circuits of ``--circuit auto`` by cell type, and the choice among them."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from eistool.circuit import Circuit
from eistool.circuit.library import load_circuit
from eistool.circuit.tree import Element, Node, Series
from eistool.fitting import Process, RankedCircuit
from eistool.spectrum import CellGeometry, Metadata
from eistool.typing import PathLike, Threshold

if TYPE_CHECKING:
    from eistool.drt import SuggestedCircuit
    from eistool.tables.drt import Distribution

PELLET_CAPACITANCE_F: Annotated[
    tuple[float, float],
    Threshold(
        "capacitance in F of an evident arc of a pellet at L/A = 1/cm",
        "bulk 1e-12 to grain boundary 1e-8, doi:10.1002/adma.19900020304, within a factor of 3",
    ),
] = (3e-13, 3e-8)
LEAST_WEIGHT: Annotated[
    float, Threshold("weight of a circuit suggested by the DRT that is fitted", "project definition: 1 %")
] = 0.01

_BY_CELL_TYPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "blocking": ("spike", "r0_arc_spike", "bulk_spike", "bulk_gb_spike"),
        "symmetric": (
            "nonblocking", "symmetric_li", "symmetric_li_sei", "symmetric_in", "symmetric_in_diffusion", "polymer",
        ),
        "electron_blocking": ("electron_blocking_stack", "symmetric_in", "symmetric_in_diffusion", "nonblocking"),
        "full": ("assb2", "assb2_diffusion", "assb3", "assb3_diffusion", "assb_gb", "randles_finite"),
    }
)  # fmt: skip
# one to three arcs with each kind of tail; no circuit that needs knowledge of the cell
_GENERAL = (
    "spike", "r0_arc_spike", "randles_simple", "randles", "randles_finite", "nonblocking", "assb2",
    "assb2_diffusion", "assb3", "assb3_diffusion",
)  # fmt: skip


def candidates(metadata: Metadata, folders: Iterable[PathLike] = ()) -> tuple[Circuit, ...]:
    """Return the circuits to compare for a spectrum.

    An unknown cell gets a general list without roles, since its arcs cannot be assigned. A circuit of the
    folders precedes the built-in one of its name.

    Examples
    --------
    >>> candidates(Metadata(cell_type="blocking"))[0].roles["R0"]
    'electrolyte'
    >>> dict(candidates(Metadata())[0].roles)
    {}
    """
    circuits = tuple(load_circuit(name, folders) for name in candidate_names(metadata))
    if metadata.cell_type in _BY_CELL_TYPE:
        return circuits
    return tuple(Circuit.from_tree(circuit.tree) for circuit in circuits)


def candidate_names(metadata: Metadata) -> tuple[str, ...]:
    """Return the library names of the circuits to compare, in the order of :func:`candidates`."""
    return _BY_CELL_TYPE.get(metadata.cell_type or "", _GENERAL)


def every_candidate() -> tuple[Circuit, ...]:
    """Return all circuits that may be compared for a spectrum of some cell."""
    names = dict.fromkeys(name for group in (*_BY_CELL_TYPE.values(), _GENERAL) for name in group)
    return tuple(load_circuit(name) for name in names)


def grown(drt: "Distribution", metadata: Metadata, circuits: Sequence[Circuit]) -> "tuple[SuggestedCircuit, ...]":
    """Return the circuits that a DRT suggests beside the given ones, without roles; none for a known cell.

    The circuits of a known cell assign their arcs, and a suggested one cannot.
    """
    if metadata.cell_type in _BY_CELL_TYPE or drt.result is None:
        return ()
    known = {_shape(circuit) for circuit in circuits}
    likely = (one for one in drt.suggested if one.weight > LEAST_WEIGHT)
    return tuple(one for one in likely if _shape(one.circuit) not in known)


def _shape(circuit: Circuit) -> tuple[str, ...]:
    """Return the parts in series without their labels, sorted, so that equal circuits compare equal."""
    parts = circuit.tree.parts if isinstance(circuit.tree, Series) else (circuit.tree,)
    return tuple(sorted(_unlabelled(part) for part in parts))


def _unlabelled(node: Node) -> str:
    if isinstance(node, Element):
        return node.symbol
    return f"{type(node).__name__}({','.join(sorted(map(_unlabelled, node.parts)))})"


def choose(ranked: Sequence[RankedCircuit], metadata: Metadata) -> RankedCircuit:
    """Return the circuit to take: the first in rank, but for a blocking pellet one with evident arcs only.

    Noise, leads and the bend of a bulk arc far above the window easily favour one more arc. An arc is evident
    if its apex is in the window, its capacitance is one of bulk or grain boundaries, and its R is above 3 u
    and 3 % of the total.
    """
    if metadata.cell_type != "blocking":
        return ranked[0]
    cell = CellGeometry.from_metadata(metadata)
    length_by_area = 1.0 if cell is None or cell.cell_constant_per_cm is None else cell.cell_constant_per_cm
    for candidate in ranked:
        processes = candidate.result.processes
        total = sum(p.value for name, p in candidate.result.parameters.items() if p.unit == "ohm")
        evident = (_is_evident(process, total, length_by_area) for process in processes)
        if candidate.result.success and all(evident):
            return candidate
    # spike wins, even as a poor model, which its status shows
    return min(ranked, key=lambda candidate: len(candidate.circuit.elements))


def _is_evident(process: Process, total: float, length_by_area: float) -> bool:
    low, high = PELLET_CAPACITANCE_F
    plausible = low <= process.C_eff * length_by_area <= high  # nan is not
    large = max(3 * process.u_R, 0.03 * total) < process.R
    return process.status == "ok" and plausible and large
