"""Cycling records, and the state of charge of spectra."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.display import html_table
from eistool.errors import SpectrumError
from eistool.spectrum.metadata import Metadata
from eistool.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd

ORIGIN = "profile"
OFF = "not on the profile"
AGAINST = "the voltage falls on charge or rises on discharge: check whether the current is positive on charge"
PATIENCE_S = 3600.0  # a cell is assumed to keep its last recorded state for an hour
RESTING = 1e-3  # of the largest current: below, a cell rests; offsets of cyclers are up to 0.1 % of the range


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Profile:
    """Galvanostatic record of a cell.

    Parameters
    ----------
    time_s : FloatArray, shape (n,)
        Ascending, from ``started_at``.
    voltage_V, current_A : FloatArray, shape (n,)
        Positive current is charge.
    capacity_mAh : FloatArray, shape (n,)
        Charge since the first row; it decreases on discharge.
    started_at : str, optional
        ISO 8601, by the same clock as the spectra.
    source : str
        Name of the file.
    notes : tuple of str
        Remarks on how the file was read.

    Raises
    ------
    SpectrumError
        If the arrays differ in length, have fewer than two rows, are not finite, or time decreases.

    Examples
    --------
    >>> record = Profile(np.array([0, 3600.0]), np.array([2.0, 2.6]), np.array([1e-3, 1e-3]),
    ...                  np.array([0, 1.0]), "2024-03-05T10:00:00")
    >>> record
    Profile(2 rows, 1 h, 2 to 2.6 V, 0 to 1 mAh)
    >>> values, reason = record.state(Metadata(started_at="2024-03-05T10:30:00"))
    >>> values["soc_pct"], values["capacity_mAh"], values["direction"]
    (50.0, 0.5, 'charge')
    """

    time_s: FloatArray
    voltage_V: FloatArray
    current_A: FloatArray
    capacity_mAh: FloatArray
    started_at: str | None = None
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("time_s", "voltage_V", "current_A", "capacity_mAh"):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.ndim != 1 or array.size != np.size(self.time_s) or array.size < 2:
                raise SpectrumError(
                    f"profile {name}: shape {array.shape}; expected as many values as times, two or more"
                )
            if not np.isfinite(array).all():
                raise SpectrumError(f"profile {name}: not all values are finite; remove those rows")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if (np.diff(self.time_s) < 0).any():
            first = int(np.flatnonzero(np.diff(self.time_s) < 0)[0]) + 1
            raise SpectrumError(f"profile time_s: decreases at row {first}; sort the rows")

    def __len__(self) -> int:
        return int(self.time_s.size)

    @property
    def _flows(self) -> BoolArray:
        return np.asarray(np.abs(self.current_A) > RESTING * np.abs(self.current_A).max())

    def seconds(self, started_at: str | None) -> float | None:
        """Return the start of a measurement in s on the scale of ``time_s``, None if a date is unknown."""
        if self.started_at is None or started_at is None:
            return None
        try:  # instruments write no time zones
            start, then = (datetime.fromisoformat(t).replace(tzinfo=None) for t in (self.started_at, started_at))
        except ValueError:
            return None
        return (then - start).total_seconds()

    def state(self, metadata: Metadata, nominal_capacity_mAh: float | None = None) -> tuple[dict[str, Any], str]:
        """Return the state of the cell at the start of a spectrum as metadata, and a remark.

        The voltage is the last recorded one. The charge is interpolated while a current flows, else it is
        the last recorded one. After the last row, and in gaps of the record in which charge flows, the last
        state is used for at most an hour.

        Parameters
        ----------
        metadata : Metadata
            Of the spectrum; its ``started_at`` is needed.
        nominal_capacity_mAh : float, optional
            Charge from 0 to 100 %; by default from the metadata, else the range of the record. 0 % is the
            least charge in the record.

        Returns
        -------
        values : dict
            ``soc_pct``, ``capacity_mAh``, ``voltage_V`` and ``direction``, as far as known; empty outside
            the record.
        remark : str
            The capacity that ``soc_pct`` refers to, or the reason for missing values.
        """
        t = self.seconds(metadata.started_at)
        if t is None:
            missing = "the record" if self.started_at is None else "the spectrum"
            return {}, f"{OFF}: {missing} has no date"
        begin, end = float(self.time_s[0]), float(self.time_s[-1])
        if t < begin or t > end + PATIENCE_S:
            side = "before it begins" if t < begin else "after it ends"
            off = begin - t if t < begin else t - end
            return {}, f"{OFF}: {off / 3600:.4g} h {side}"
        row = int(np.searchsorted(self.time_s, t, side="right")) - 1
        after = min(row + 1, len(self) - 1)
        charge = self.capacity_mAh
        gap = float(self.time_s[after] - self.time_s[row])
        if gap > PATIENCE_S and abs(charge[after] - charge[row]) > RESTING * np.ptp(charge):
            return {}, f"{OFF}: no rows for {gap / 3600:.4g} h, in which charge flowed"
        # at rest the charge is constant up to the next row, which may be the first with a current
        capacity = float(np.interp(t, self.time_s, charge) if self._flows[row] else charge[row])
        values: dict[str, Any] = {"capacity_mAh": capacity, "voltage_V": float(self.voltage_V[row])}
        values["direction"] = self._direction(row)
        whole, of = self._whole(metadata, nominal_capacity_mAh)
        if whole is None:
            return values, "soc_pct is unknown: no charge flows in the record, and no capacity is given"
        values["soc_pct"] = 100 * (capacity - float(charge.min())) / whole
        return values, f"soc_pct is relative to {of}, {whole:.4g} mAh; 0 % is the least charge in the record"

    def _whole(self, metadata: Metadata, nominal: float | None) -> tuple[float | None, str]:
        nominal = nominal or metadata.nominal_capacity_mAh
        if nominal is not None:
            return nominal, "the nominal capacity"
        total = float(np.ptp(self.capacity_mAh))
        return (total, "the range of the record") if total > 0 else (None, "")

    def _direction(self, row: int) -> str | None:
        """Return the direction of the last current up to a row, None before the first current."""
        last = np.flatnonzero(self._flows[: row + 1])
        if last.size == 0:
            return None
        return "charge" if self.current_A[last[-1]] > 0 else "discharge"

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain Python objects."""
        return {
            "source": self.source,
            "started_at": self.started_at,
            **{name: column.tolist() for name, column in self._columns().items()},
            "notes": list(self.notes),
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table with a row per row of the record."""
        import pandas as pd

        return pd.DataFrame(dict(self._columns()))

    def _columns(self) -> Mapping[str, FloatArray]:
        names = ("time_s", "voltage_V", "current_A", "capacity_mAh")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        hours = (self.time_s[-1] - self.time_s[0]) / 3600
        ranges = (
            f"{column.min():.4g} to {column.max():.4g} {unit}"
            for column, unit in ((self.voltage_V, "V"), (self.capacity_mAh, "mAh"))
        )
        return f"Profile({len(self)} rows, {hours:.4g} h, {', '.join(ranges)})"

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("source", self.source), ("started_at", self.started_at or "")]
        rows += [(name, f"{c.min():.6g} to {c.max():.6g}") for name, c in self._columns().items()]
        return html_table(repr(self), ("", "value"), [*rows, *(("note", note) for note in self.notes)])
