"""Spectra of one sample, ordered along a coordinate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.display import html_table
from eistool.errors import SpectrumError
from eistool.spectrum.cycling import ORIGIN, Profile
from eistool.spectrum.spectrum import Spectrum
from eistool.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd

COORDINATES = MappingProxyType(
    {
        "soc": "soc_pct",
        "voltage": "voltage_V",
        "temperature": "temperature_C",
        "time": "time_h",
        "cycle": "cycle",
    }
)


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Series:
    """Spectra ordered by state of charge, voltage, temperature, time or cycle.

    Charge ascends, discharge follows and descends. Time and cycle ascend. Spectra of unknown direction stay
    in the order of acquisition: by ``started_at`` if all have one, else as given.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Spectra with the coordinate in their metadata.
    by : {"soc", "voltage", "temperature", "time", "cycle"}
        Coordinate of the series.

    Raises
    ------
    SpectrumError
        If ``by`` is unknown, there are no spectra, or one lacks the coordinate.

    Examples
    --------
    >>> from eistool import Metadata
    >>> def at(soc, direction):
    ...     return Spectrum([1.0], [1 - 1j], Metadata(soc_pct=soc, direction=direction))
    >>> Series([at(50, "discharge"), at(80, "discharge"), at(60, "charge"), at(10, "charge")]).coordinate
    array([10., 60., 80., 50.])
    """

    spectra: tuple[Spectrum, ...]
    by: str
    coordinate: FloatArray
    direction: tuple[str | None, ...]

    def __init__(self, spectra: Sequence[Spectrum], by: str = "soc") -> None:
        if by not in COORDINATES:
            raise SpectrumError(f"series by={by!r}; choose one of {', '.join(COORDINATES)}")
        if not spectra:
            raise SpectrumError("series: no spectra")
        name = COORDINATES[by]
        missing = [s.label for s in spectra if getattr(s.metadata, name) is None]
        if missing:
            raise SpectrumError(
                f"series by {by}: {missing[0]} has no {name} ({len(missing)} of {len(spectra)} spectra); "
                f"add a column {name} to the samples table"
            )
        ordered = _ordered(spectra, name, by)
        coordinate = np.array([getattr(s.metadata, name) for s in ordered], dtype=np.float64)
        coordinate.setflags(write=False)
        directions = tuple(s.metadata.direction for s in ordered)
        for attribute, value in zip(self.__slots__, (tuple(ordered), by, coordinate, directions), strict=True):
            object.__setattr__(self, attribute, value)

    def __len__(self) -> int:
        return len(self.spectra)

    def __iter__(self) -> Iterator[Spectrum]:
        return iter(self.spectra)

    def __getitem__(self, index: int) -> Spectrum:
        return self.spectra[index]

    def with_profile(
        self, profile: Profile, by: str | None = None, nominal_capacity_mAh: float | None = None
    ) -> "Series":
        """Return the series with states of charge from a cycling record, matched by absolute time.

        Parameters
        ----------
        profile : Profile
            See :func:`eistool.read_profile`.
        by : str, optional
            Coordinate of the new series; by default that of this one.
        nominal_capacity_mAh : float, optional
            See :meth:`Profile.state`.

        Returns
        -------
        Series
            With ``soc_pct``, ``capacity_mAh``, ``voltage_V`` and ``direction`` of origin ``profile``. Spectra
            outside the record keep their metadata and have a note with the reason.

        Examples
        --------
        >>> import numpy as np
        >>> from eistool import Metadata
        >>> record = Profile(np.array([0, 3600.0]), np.array([2.0, 2.6]), np.array([1e-3, 1e-3]),
        ...                  np.array([0, 1.0]), "2024-03-05T10:00:00")
        >>> times = [Metadata(started_at=f"2024-03-05T10:{m}:00", time_h=m / 60) for m in (15, 45)]
        >>> series = Series([Spectrum([1.0], [1 - 1j], m) for m in times], by="time")
        >>> series.with_profile(record, by="soc").coordinate
        array([25., 75.])
        """
        if not isinstance(profile, Profile):
            raise SpectrumError(f"expected a Profile from eistool.read_profile(path), got {profile!r}")
        spectra = []
        for spectrum in self.spectra:
            values, remark = profile.state(spectrum.metadata, nominal_capacity_mAh)
            linked = spectrum.with_metadata(ORIGIN, **values)
            spectra.append(replace(linked, notes=(*linked.notes, remark)))
        return Series(spectra, by or self.by)

    def to_dict(self) -> dict[str, Any]:
        """Return the series as plain Python objects."""
        return {
            "by": self.by,
            "coordinate": self.coordinate.tolist(),
            "direction": list(self.direction),
            "spectra": [spectrum.to_dict() for spectrum in self.spectra],
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table with a row per spectrum: label, coordinate, direction and range."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(self._columns()))

    def _columns(self) -> tuple[str, ...]:
        return ("label", COORDINATES[self.by], "direction", "n_points", "f_min_Hz", "f_max_Hz")

    def _rows(self) -> list[tuple[object, ...]]:
        return [
            (s.label, x, direction, len(s), s.frequency.min(), s.frequency.max())
            for s, x, direction in zip(self.spectra, self.coordinate, self.direction, strict=True)
        ]

    def __repr__(self) -> str:
        low, high = self.coordinate.min(), self.coordinate.max()
        return f"Series({len(self)} spectra by {self.by}, {low:g} to {high:g})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self._columns(), self._rows())


def _ordered(spectra: Sequence[Spectrum], name: str, by: str) -> list[Spectrum]:
    known = list(spectra)
    if all(s.metadata.started_at for s in known):
        known.sort(key=lambda s: str(s.metadata.started_at))
    if by in ("time", "cycle"):
        return sorted(known, key=lambda s: float(getattr(s.metadata, name)))
    if any(s.metadata.direction is None for s in known):
        return known
    charge = [s for s in known if s.metadata.direction == "charge"]
    discharge = [s for s in known if s.metadata.direction == "discharge"]
    charge.sort(key=lambda s: float(getattr(s.metadata, name)))
    discharge.sort(key=lambda s: -float(getattr(s.metadata, name)))
    return charge + discharge
