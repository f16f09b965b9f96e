"""Numeric tables: arrays by column, and mean conditions of a sweep."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from eistool.readers.tables.columns import Column, pick
from eistool.readers.tables.numbers import parse_number
from eistool.readers.tables.units import PREFIXES
from eistool.spectrum.metadata import ABSOLUTE_ZERO_C
from eistool.typing import FloatArray, IntArray

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
    wanted = [column.index for column in columns if column.quantity][:_MAX_KNOWN]
    numbers = [
        [parse_number(cells[i].strip().strip('"'), decimal) if i < len(cells) else math.nan for i in wanted]
        for cells in rows
    ]
    array = np.array(numbers, dtype=np.float64).reshape(len(numbers), len(wanted))
    return Table(columns, {index: array[:, k] for k, index in enumerate(wanted)})


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
