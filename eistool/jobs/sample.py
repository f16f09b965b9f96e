"""Sweeps and results of one sample."""

from collections.abc import Mapping
from dataclasses import dataclass

from eistool.materials import Arrhenius
from eistool.spectrum import Sweep
from eistool.tables.conductivity import ConductivityRow


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Sweeps of one sample, its conductivities and its activation energies by quantity."""

    name: str
    sweeps: tuple[Sweep, ...]
    rows: tuple[ConductivityRow, ...]  # with the activation energy of the sample
    fits: Mapping[str, Arrhenius]

    @property
    def composition(self) -> float | None:
        """Composition x, if all sweeps agree."""
        known = {x for sweep in self.sweeps if (x := sweep.metadata.composition_x) is not None}
        return float(known.pop()) if len(known) == 1 else None

    def constant(self, quantity: str) -> float | None:
        """L/A in 1/cm, if all sweeps agree."""
        known = {row.cell_constant_per_cm for row in self.rows if row.quantity == quantity}
        return known.pop() if len(known) == 1 else None
