"""Which circuits of the library ``--circuit auto`` compares, by what is known of the cell."""

from collections.abc import Mapping
from types import MappingProxyType

from eistool.circuit import Circuit, load_circuit
from eistool.spectrum import Metadata

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
# one to three arcs with each kind of tail; nothing that needs knowledge of the cell
_GENERAL = (
    "spike", "r0_arc_spike", "randles_simple", "randles", "randles_finite", "nonblocking", "assb2",
    "assb2_diffusion", "assb3", "assb3_diffusion",
)  # fmt: skip


def candidates(metadata: Metadata) -> tuple[Circuit, ...]:
    """Return the circuits to compare for a spectrum.

    An unknown cell gets a general list without roles: what an arc stands for cannot be told then.

    Examples
    --------
    >>> candidates(Metadata(cell_type="blocking"))[0].roles["R0"]
    'electrolyte'
    >>> dict(candidates(Metadata())[0].roles)
    {}
    """
    names = _BY_CELL_TYPE.get(metadata.cell_type or "")
    if names is not None:
        return tuple(load_circuit(name) for name in names)
    return tuple(Circuit.from_tree(load_circuit(name).tree) for name in _GENERAL)
