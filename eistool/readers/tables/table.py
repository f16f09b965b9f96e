"""Numeric tables: arrays by column, and mean conditions of a sweep."""

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from eistool.errors import SpectrumError
from eistool.readers.notes import WARNING
from eistool.readers.tables.columns import Column, pick
from eistool.readers.tables.numbers import POINT, NumberStyle, find_styles, is_number, parse_datetime
from eistool.readers.tables.torn import NumberedRow, intact_rows
from eistool.readers.tables.units import PREFIXES
from eistool.spectrum.metadata import ABSOLUTE_ZERO_C
from eistool.typing import FloatArray, IntArray

_EPOCH = datetime(1970, 1, 1)
_CYCLE = re.compile(r"\W*cycle", re.IGNORECASE)  # z cycle, sweep and scan repeat a measurement
_MAX_KNOWN = 64  # a header that repeats itself more often is damaged
_SWEPT = ("frequency", "omega", "real", "imag", "modulus")
# sum of |Δ ln x| over a column by which one reading must be smoother; a jump of a thousand is 6.9
_SMOOTHER = 3.0
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
    style : NumberStyle
        Decimal mark and thousands separator of the cells.
    notes : tuple of str
        Rows that were left out, and decisions on the numbers.
    lines : tuple of int
        Line of each row in the file, from 1.
    cut : bool
        Whether the table ends within a row.
    """

    columns: list[Column]
    values: dict[int, FloatArray]
    style: NumberStyle = POINT
    notes: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    cut: bool = False

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return next((array.size for array in self.values.values()), 0)

    def find(self, quantity: str) -> Column | None:
        """Return the column of a quantity, None if it is missing."""
        return pick([column for column in self.columns if column.index in self.values], quantity)

    def of(self, column: Column) -> FloatArray:
        """Return the numbers of a column in its base unit, shape (n_rows,)."""
        values = self.values[column.index]
        return (column.base**values if column.base else values) * column.scale

    def finite(self, quantity: str, rows: IntArray) -> FloatArray:
        """Return the finite numbers of a quantity in the given rows; empty if the column is missing."""
        column = self.find(quantity)
        if column is None:
            return np.array([], dtype=np.float64)
        values = self.of(column)[rows]
        return values[np.isfinite(values)]


def fill(
    columns: list[Column], rows: Sequence[NumberedRow], *, ended: bool = True, delimiter: str = "\t"
) -> Table:
    """Return the table with the numbers of ``rows``, torn ones left out.

    Decimal mark and thousands separator are the same in all cells.

    Parameters
    ----------
    columns : list of Column
    rows : sequence of (int, list of str)
        Lines from 1, and cells.
    ended : bool
        Whether the last row has a line end.
    delimiter : str
        Between the cells.

    Raises
    ------
    SpectrumError
        If the decimal mark differs within the table, or is ambiguous, or rows differ in their number of cells.

    Examples
    --------
    >>> fill([Column(0, "f/Hz", "frequency"), Column(1, "note", "")], [(1, ["1,5", "a"]), (2, ["?"])]).values
    {0: array([1.5, nan])}
    """
    intact = intact_rows(rows, len(columns), ended=ended, delimiter=delimiter)
    kept = intact.rows
    lines = tuple(line for line, _ in kept)
    wanted = [column for column in columns if column.quantity][:_MAX_KNOWN]
    cells = {
        c.index: [row[c.index].strip().strip('"') if c.index < len(row) else "" for _, row in kept] for c in wanted
    }
    style, note = _choose_style([c for c in wanted if c.quantity != "date"], cells, lines)
    values = {
        c.index: np.array(list(map(_seconds, cells[c.index])))
        if c.quantity == "date"
        else style.parse_all(cells[c.index])
        for c in wanted
    }
    return Table(columns, values, style, (*intact.warnings, *note), lines, intact.cut)


def one_style(cells: Sequence[str]) -> NumberStyle:
    """Return decimal mark and thousands separator of the numbers among some cells.

    Raises
    ------
    SpectrumError
        If no style fits all of them, or several do that give other numbers.
    """
    styles = find_styles(cells)
    if not styles:
        raise SpectrumError(_contradiction(cells))
    if len(styles) > 1:
        raise SpectrumError(_ambiguity(styles, cells)[0])
    return styles[0]


def _choose_style(
    columns: Sequence[Column], cells: dict[int, list[str]], lines: Sequence[int]
) -> tuple[NumberStyle, list[str]]:
    """Return decimal mark and thousands separator of the cells, and a note if only their course decides."""
    numeric = [cell for column in columns for cell in cells[column.index]]
    styles = find_styles(numeric)
    if len(styles) == 1:
        return styles[0], []
    if not styles:
        raise SpectrumError(_contradiction(numeric, [line for _ in columns for line in lines]))
    rough = [_roughness(style, [cells[c.index] for c in columns if c.quantity in _SWEPT]) for style in styles]
    if np.diff(sorted(rough))[0] < _SMOOTHER:
        raise SpectrumError(_ambiguity(styles, numeric)[0])
    styles = [styles[k] for k in np.argsort(rough)]
    readings = _ambiguity(styles, numeric)[1]
    return styles[0], [f"{WARNING}{readings}: the first is taken, with which the columns are smooth"]


def _ambiguity(styles: Sequence[NumberStyle], cells: Sequence[str]) -> tuple[str, str]:
    """Return the message for numbers that several styles fit, and an example."""
    first, second = styles[:2]
    cell = next(c for c in cells if is_number(c) and first.parse(c) != second.parse(c))
    readings = f"{cell!r} is {first.parse(cell):g} or {second.parse(cell):g}"
    return (
        f"{readings}, and no other number decides; expected numbers without thousands separators, and with "
        "other than three decimals: export the table so"
    ), readings


def _roughness(style: NumberStyle, columns: Sequence[Sequence[str]]) -> float:
    sums = 0.0
    for column in columns:
        numbers = np.abs([style.parse(cell) for cell in column])
        usable = numbers[np.isfinite(numbers) & (numbers > 0)]
        sums += float(np.sum(np.abs(np.diff(np.log(usable)))))
    return sums


def _contradiction(cells: Sequence[str], lines: Sequence[int] = ()) -> str:
    """Return the message for cells that no style fits."""
    numbers = [k for k, cell in enumerate(cells) if is_number(cell) and find_styles([cell])]
    texts = [cells[k] for k in numbers]
    last = bisect_left(range(len(texts)), True, key=lambda k: not find_styles(texts[: k + 1]))
    first = next((k for k in range(last) if not find_styles([texts[k], texts[last]])), 0)
    place, before = (f"line {lines[numbers[k]]}: " if lines else "" for k in (last, first))
    return (
        f"{place}{texts[last]!r} beside {before}{texts[first]!r}: decimal mark or thousands separator differ "
        "within the table; export it with one decimal mark and without thousands separators"
    )


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
