"""Spectra grouped by sample."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eistool.display import Tabular
from eistool.spectrum.metadata import Metadata
from eistool.spectrum.spectrum import Spectrum
from eistool.spectrum.sweep import Sweep


@dataclass(frozen=True, slots=True)
class SampleGroup(Tabular):
    """Spectra of one sample.

    Parameters
    ----------
    name : str
        The ``sample_id``, else the folder.
    n_spectra : int
    temperature_C : tuple of float
        Different temperatures, ascending.
    """

    name: str
    n_spectra: int
    temperature_C: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return asdict(self)


def sample_name(metadata: Metadata) -> str:
    """Return the ``sample_id`` of a spectrum, else the folder in its ``source``.

    Examples
    --------
    >>> sample_name(Metadata(sample_id="S17")), sample_name(Metadata(source="pellets/25C.csv"))
    ('S17', 'pellets')
    """
    return metadata.sample_id or (metadata.source or "").rpartition("/")[0] or "."


def group_samples(spectra: Sequence[Spectrum | Sweep]) -> list[SampleGroup]:
    """Return the samples of some spectra, in the order of their first spectra.

    Examples
    --------
    >>> pellets = [Spectrum([1.0], [1.0], Metadata(sample_id="A", temperature_C=T)) for T in (25.0, 60.0, 25.0)]
    >>> group_samples(pellets)
    [SampleGroup(name='A', n_spectra=3, temperature_C=(25.0, 60.0))]
    """
    groups: dict[str, list[Metadata]] = {}
    for spectrum in spectra:
        groups.setdefault(sample_name(spectrum.metadata), []).append(spectrum.metadata)
    return [
        SampleGroup(
            name, len(group), tuple(sorted({m.temperature_C for m in group if m.temperature_C is not None}))
        )
        for name, group in groups.items()
    ]
