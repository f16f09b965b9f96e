"""Spectra and results of one sample."""

from collections.abc import Mapping
from dataclasses import dataclass

from eistool.batch import Record
from eistool.materials import Arrhenius
from eistool.spectrum import Spectrum
from eistool.tables.conductivity import ConductivityRow


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Spectra of one sample with their records, and its activation energies by quantity."""

    name: str
    records: tuple[Record, ...]
    spectra: tuple[Spectrum, ...]  # of the records
    rows: tuple[ConductivityRow, ...]  # with the activation energy of the sample
    fits: Mapping[str, Arrhenius]

    @property
    def composition(self) -> float | None:
        """Composition x, if all spectra agree."""
        known = {x for spectrum in self.spectra if (x := spectrum.metadata.composition_x) is not None}
        return float(known.pop()) if len(known) == 1 else None

    def constant(self, quantity: str) -> float | None:
        """L/A in 1/cm, if all spectra agree."""
        known = {row.cell_constant_per_cm for row in self.rows if row.quantity == quantity}
        return known.pop() if len(known) == 1 else None
