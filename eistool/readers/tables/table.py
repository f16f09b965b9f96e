"""The columns of a table that matter, as arrays by quantity."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from eistool.readers.tables.columns import Column, pick
from eistool.readers.tables.numbers import parse_number
from eistool.typing import FloatArray, IntArray

_MAX_KNOWN = 64  # a header that repeats itself more often is damaged
_PREFIX = MappingProxyType({"": 1.0, "m": 1e-3, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "n": 1e-9})
KELVIN = 273.15  # at 0 °C
_LIKELY_C = (-200.0, 2000.0)  # a sensor that is not connected tells something beyond


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The columns whose quantity is known, and their numbers; nan where a cell holds none.

    Parameters
    ----------
    columns : list of Column
        All columns of the header; only those with a quantity have values.
    values : dict
        Arrays of shape (n_rows,) by the index of the column, in Hz, ohm, V or as the file has it.
    """

    columns: list[Column]
    values: dict[int, FloatArray]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return next((array.size for array in self.values.values()), 0)

    def find(self, quantity: str) -> Column | None:
        """Return the column of a quantity, None if there is none."""
        return pick([column for column in self.columns if column.index in self.values], quantity)

    def of(self, column: Column) -> FloatArray:
        """Return the numbers of a column, in its base unit."""
        return self.values[column.index] * column.scale

    def finite(self, quantity: str, rows: IntArray) -> FloatArray:
        """Return the finite numbers of a quantity in some rows; empty if there is no such column."""
        column = self.find(quantity)
        if column is None:
            return np.array([], dtype=np.float64)
        values = self.of(column)[rows]
        return values[np.isfinite(values)]


def fill(columns: list[Column], rows: Iterable[list[str]], decimal: str = ".") -> Table:
    """Return the table of the cells in ``rows``.

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
    """Return mean potential, its drift, mean current and mean temperature in some rows, as metadata.

    The unit in a column's header counts. Currents without one are taken times ``to_mA``, and potentials as
    volts; if it is None, neither is taken.
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
        offset = KELVIN if column is not None and column.unit == "K" else 0.0
        values["temperature_C"] = round(float(temperature.mean()) - offset, 6)
        if not _LIKELY_C[0] < values["temperature_C"] < _LIKELY_C[1] or not temperature.any():
            del values["temperature_C"]  # no sensor was connected
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _in_unit(table: Table, quantity: str, rows: IntArray, otherwise: float | None) -> FloatArray:
    column = table.find(quantity)
    scale = _PREFIX[column.unit[:-1]] if column is not None and column.unit else otherwise
    return np.array([], dtype=np.float64) if scale is None else table.finite(quantity, rows) * scale
