"""Sweeps of a batch, whose points are read when they are needed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from eistool.spectrum.metadata import Metadata
from eistool.spectrum.spectrum import Spectrum


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """All of a spectrum but its points.

    Parameters
    ----------
    metadata, label, notes
        As of the spectrum; they replace those of the points when these are read.
    content : str
        Hash of points, masks and noise.
    points : callable
        Returns the spectrum with its points.

    Examples
    --------
    >>> sweep = Sweep.of(Spectrum([1e3, 1.0], [10, 20], label="cell 3"))
    >>> sweep.with_metadata("given", temperature_C=25.0).load().metadata
    Metadata(temperature_C=25)
    """

    metadata: Metadata
    label: str
    notes: tuple[str, ...]
    content: str
    points: Callable[[], Spectrum]

    @classmethod
    def of(cls, spectrum: Spectrum, points: Callable[[], Spectrum] | None = None) -> "Sweep":
        """Return a spectrum as a sweep; by default its points stay in memory."""
        state = hashlib.blake2b(spectrum.digest.encode(), digest_size=16)
        state.update("\n".join(spectrum.mask_reason).encode())
        state.update(b"" if spectrum.noise is None else spectrum.noise.tobytes())
        return cls(
            spectrum.metadata, spectrum.label, spectrum.notes, state.hexdigest(), points or (lambda: spectrum)
        )

    def load(self) -> Spectrum:
        """Return the spectrum."""
        return replace(self.points(), metadata=self.metadata, label=self.label, notes=self.notes)

    def with_metadata(self, origin: str, **values: object) -> "Sweep":
        """Return a copy with more metadata; see :meth:`Metadata.updated`."""
        return replace(self, metadata=self.metadata.updated(origin, **values))
