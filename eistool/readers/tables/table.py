"""Numeric tables: arrays by column, and mean conditions of a sweep."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from eistool.readers.tables.columns import Column, pick
from eistool.readers.tables.numbers import parse_datetime, parse_number
from eistool.readers.tables.units import PREFIXES
from eistool.spectrum.metadata import ABSOLUTE_ZERO_C
from eistool.typing import FloatArray, IntArray

_EPOCH = datetime(1970, 1, 1)
_CYCLE = re.compile(r"\W*cycle", re.IGNORECASE)  # z cycle, sweep and scan repeat a measurement
_MAX_KNOWN = 64  # a header that repeats itself more often is damaged
# from liquid nitrogen to furnaces: values beyond are those of an unconnected sensor
_PLAUSIBLE_C = (-200.0, 2000.0)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of known quantity and their numbers, nan in cells without one.

    Parameters
    ----------
    columns : list of Column
        All columns of the header; only those with a quantity have values.
    values : dict
        Arrays of shape (n_rows,) by column index, in the units of the file.
    """

    columns: list[Column]
    values: dict[int, FloatArray]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return next((array.size for array in self.values.values()), 0)

    def find(self, quantity: str) -> Column | None:
        """Return the column of a quantity, None if it is missing."""
        return pick([column for column in self.columns if column.index in self.values], quantity)

    def of(self, column: Column) -> FloatArray:
        """Return the numbers of a column in its base unit, shape (n_rows,)."""
        return self.values[column.index] * column.scale

    def finite(self, quantity: str, rows: IntArray) -> FloatArray:
        """Return the finite numbers of a quantity in the given rows; empty if the column is missing."""
        column = self.find(quantity)
        if column is None:
            return np.array([], dtype=np.float64)
        values = self.of(column)[rows]
        return values[np.isfinite(values)]


def fill(columns: list[Column], rows: Iterable[list[str]], decimal: str = ".") -> Table:
    """Return the table with the numbers of ``rows``.

    Examples
    --------
    >>> fill([Column(0, "f/Hz", "frequency"), Column(1, "note", "")], [["1,5", "a"], ["?"]], ",").values
    {0: array([1.5, nan])}
    """
    wanted = [column for column in columns if column.quantity][:_MAX_KNOWN]
    numbers = [
        [
            math.nan
            if column.index >= len(cells)
            else _seconds(cells[column.index])
            if column.quantity == "date"
            else parse_number(cells[column.index].strip().strip('"'), decimal)
            for column in wanted
        ]
        for cells in rows
    ]
    array = np.array(numbers, dtype=np.float64).reshape(len(numbers), len(wanted))
    return Table(columns, {column.index: array[:, k] for k, column in enumerate(wanted)})


def _seconds(cell: str) -> float:
    """Return the seconds from 1970 to a date, nan for other text."""
    date = parse_datetime(cell)
    return math.nan if date is None else (datetime.fromisoformat(date) - _EPOCH).total_seconds()


def moments(table: Table, sweeps: Sequence[IntArray], started_at: str | None) -> list[dict[str, object]]:
    """Return start, hours and cycle number of the sweeps of a table as metadata.

    Hours count from the start of the table, and are given for several sweeps whose times increase.

    Parameters
    ----------
    table : Table
        Columns of dates, of time with a unit, and of cycle numbers are used.
    sweeps : sequence of IntArray
        Row numbers of each sweep.
    started_at : str or None
        Start of the table, ISO 8601.
    """
    values: list[dict[str, object]] = [dict(number) for number in cycles(table, sweeps)]
    dates, times = _firsts(table, "date", sweeps), _firsts(table, "time", sweeps)
    if dates is not None:
        for value, date in zip(values, dates, strict=True):
            value["started_at"] = (_EPOCH + timedelta(seconds=round(date, 3))).isoformat()
        times = [date - min(dates) for date in dates] if times is None else times
    if times is None or len(sweeps) < 2 or (np.diff(times) <= 0).any():
        return values
    for value, time in zip(values, times, strict=True):
        value["time_h"] = time / 3600
        value.setdefault("started_at", later(started_at, time))
    return values


def later(start: str | None, seconds: float) -> str | None:
    """Return a date some seconds after another one, in whole seconds; the start itself if that is impossible."""
    if start is None:
        return None
    try:
        return (datetime.fromisoformat(start) + timedelta(seconds=round(seconds))).isoformat()
    except OverflowError:
        return start


def _firsts(table: Table, quantity: str, sweeps: Sequence[IntArray]) -> list[float] | None:
    column = table.find(quantity)
    if column is None or (quantity == "time" and not column.unit):
        return None
    firsts = [float(table.of(column)[sweep[0]]) for sweep in sweeps]
    return firsts if np.isfinite(firsts).all() else None


def cycles(table: Table, sweeps: Sequence[IntArray]) -> list[dict[str, float]]:
    """Return the cycle number of each sweep; a number that is 1 in all of them is a default."""
    for column in table.columns:
        if column.quantity != "cycle" or not _CYCLE.match(column.header) or column.index not in table.values:
            continue
        numbers = [np.unique(table.of(column)[sweep]) for sweep in sweeps]
        if all(n.size == 1 and np.isfinite(n[0]) and n[0] == np.round(n[0]) for n in numbers):
            values = [float(n[0]) for n in numbers]
            if len(set(values)) > 1 or values[0] > 1:
                return [{"cycle": value} for value in values]
    return [{} for _ in sweeps]


def mean_conditions(table: Table, rows: IntArray, to_mA: float | None) -> dict[str, object]:
    """Return mean potential, its drift, mean current and mean temperature of the given rows as metadata.

    Parameters
    ----------
    table : Table
    rows : IntArray, shape (n,)
    to_mA : float or None
        Factor to mA of a current whose header has no unit; such potentials are in V. None omits both.
    """
    ewe = _in_unit(table, "voltage", rows, None if to_mA is None else 1.0)
    current = _in_unit(table, "current", rows, None if to_mA is None else to_mA / 1e3)
    values: dict[str, float] = {}
    if ewe.size:
        values |= {"ewe_mean_V": float(ewe.mean()), "ewe_drift_mV": float(ewe[-1] - ewe[0]) * 1e3}
    if current.size:
        values["i_mean_mA"] = float(current.mean()) * 1e3
    temperature = table.finite("temperature", rows)
    if temperature.size:
        column = table.find("temperature")
        offset = ABSOLUTE_ZERO_C if column is not None and column.unit == "K" else 0.0
        values["temperature_C"] = round(float(temperature.mean()) + offset, 6)
        if not _PLAUSIBLE_C[0] < values["temperature_C"] < _PLAUSIBLE_C[1] or not temperature.any():
            del values["temperature_C"]  # no sensor was connected
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _in_unit(table: Table, quantity: str, rows: IntArray, otherwise: float | None) -> FloatArray:
    column = table.find(quantity)
    scale = PREFIXES[column.unit[:-1]] if column is not None and column.unit else otherwise
    return np.array([], dtype=np.float64) if scale is None else table.finite(quantity, rows) * scale
