"""Tables of time, voltage, current and charge: cycling records and polarisation experiments."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np

from eistool.errors import ReaderError, SpectrumError
from eistool.readers.content import FileContent
from eistool.readers.formats import biologic_mpr, biologic_mpt, gamry_dta
from eistool.readers.tables.dialect import find_table
from eistool.readers.tables.numbers import parse_datetime
from eistool.readers.tables.table import one_style
from eistool.readers.tables.torn import NumberedRow, intact_rows
from eistool.readers.tables.units import factor
from eistool.typing import FloatArray

EXAMPLE = "columns such as time_s,voltage_V,current_mA"

# names without unit, spaces and punctuation, in lower case; measured values before set values
_NAMES = MappingProxyType(
    {
        "time": "time totaltime testtime elapsedtime correctedtime runtime recordtime relativetime t zeit temps "
        "tiempo",
        "date": "date datetime timestamp absolutetime abstime realtime systemtime started startedat",
        "voltage": "voltage v ewe-ece <ewe-ece> cellvoltage ecell vf u e potential ewe <ewe> we1potential ewece "
        "measuredvoltage spannung tension control vapplied we potentialapplied",
        "working": "ewe <ewe> ewevsref workingelectrode eworking ewevslici",
        "counter": "ece <ece> ecevsref counterelectrode ecounter",
        "current": "current i <i> im strom corriente courant cellcurrent we1current measuredcurrent",
        "charge": "q-qo netcharge",
        "capacity": "capacity q charge",
        "frequency": "freq frequency",
    }
)
_DIMENSION = MappingProxyType({"working": "voltage", "counter": "voltage", "capacity": "charge"})
_UNIT = re.compile(r"[\[({]\s*([^\])}]+?)\s*[\])}]|/\s*([^\s/,;]+)\s*$|[_\s]([A-Za-zµμ.]{1,8})\s*$")
_REFERENCE = re.compile(r"\s*\bvs\.?\s*(?:\w+\+?/\w+\+?(?![^\s\])}])|[^\])}/(\[]*)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+)[ d-]+)?(\d{1,4}):(\d{2}):(\d{2}(?:[.,]\d+)?)")
_START = re.compile(r"start|dat[eu]|begin", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class SeriesColumn:
    """One column of a time series.

    Parameters
    ----------
    header : str
    values : FloatArray, shape (n_rows,)
        In s, V, A or mAh, nan in cells without a number; dates count from the first one.
    has_unit : bool
    first_date : str, optional
        ISO 8601, for a column of dates.
    """

    header: str
    values: FloatArray
    has_unit: bool
    first_date: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TimeSeries:
    """Columns of one table by quantity.

    Parameters
    ----------
    line : int, optional
        Of the column names, from 1; None in binary files.
    header : sequence of str
        All column names.
    columns : mapping
        Keys ``time``, ``date``, ``voltage``, ``working``, ``counter``, ``current``, ``charge``, ``capacity``
        and ``frequency``.
    started_at : str, optional
        ISO 8601, from the header of the file.
    notes : tuple of str
        Rows that were left out.
    """

    line: int | None
    header: Sequence[str]
    columns: Mapping[str, SeriesColumn]
    started_at: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Name:
    index: int
    header: str
    quantity: str
    scale: float
    has_unit: bool
    rank: int  # among the names of the quantity


def read_time_series(content: FileContent) -> list[TimeSeries]:
    """Return the tables of time, voltage, current and charge in a file.

    BioLogic binary and text files, the CURVE tables of Gamry and delimited text are read. Of several columns
    for one quantity, one with a unit is taken before others, then the more specific name.

    Raises
    ------
    ReaderError
        If there is no such table.
    """
    if biologic_mpr.identify(content):
        recording = biologic_mpr.read_recording(content)
        arrays = recording.columns
        columns = {
            name.quantity: SeriesColumn(name.header, arrays[name.header] * name.scale, name.has_unit)
            for name in _choose(parse_header(list(arrays)))
        }
        return [TimeSeries(None, list(arrays), columns, recording.started_at)]
    try:
        return _read_text(content)
    except SpectrumError as error:
        raise content.error(str(error)) from error


def _read_text(content: FileContent) -> list[TimeSeries]:
    if not content.is_text:
        raise content.error(f"binary data; export time, voltage and current as text with {EXAMPLE}")
    if biologic_mpt.identify(content):
        return [_biologic_text(content)]
    if gamry_dta.identify(content):
        return _gamry(content)
    return [_delimited(content)]


def parse_header(cells: Sequence[str], units: Sequence[str] = ()) -> list[_Name]:
    """Return quantity and unit of the columns that are known.

    Parameters
    ----------
    cells : sequence of str
        Column names.
    units : sequence of str, optional
        The row of units below them.

    Examples
    --------
    >>> names = ["Ewe/V", "(Q-Qo)/mA.h", "Test Time (h)", "control/V/mA", "current_mA"]
    >>> [(name.quantity, name.scale) for name in parse_header(names)]
    [('voltage', 1.0), ('working', 1.0), ('charge', 1.0), ('time', 3600.0), ('current', 0.001)]
    """
    names = []
    for index, cell in enumerate(cells):
        header = cell.strip().strip('"').lstrip("#").strip()[:100]
        below = _REFERENCE.sub("", units[index]).strip() if index < len(units) else ""
        text = _REFERENCE.sub("", header) + (f" ({below})" if below else "")
        endings = [(m.start(), next(filter(None, m.groups()))) for m in _UNIT.finditer(text)]
        for quantity, known in _NAMES.items():
            dimension = _DIMENSION.get(quantity, quantity)
            for end, unit in [*reversed(endings), (len(text), "")]:
                scale = 1.0 if not unit else None if dimension == "date" else factor(dimension, unit)
                word = re.sub(r"[\s_.:()\[\]/]", "", text[:end]).lower()
                if scale is not None and word in known.split():
                    label = f"{header} ({below})" if below else header
                    names.append(_Name(index, label, quantity, scale, bool(unit), known.split().index(word)))
                    break
    return names


def _choose(names: Sequence[_Name]) -> Iterator[_Name]:
    for quantity in _NAMES:
        candidates = [name for name in names if name.quantity == quantity]
        if candidates:
            yield min(candidates, key=lambda name: (not name.has_unit, name.rank))


def _from_cells(
    line: int,
    header: Sequence[str],
    rows: Sequence[NumberedRow],
    units: Sequence[str] = (),
    started_at: str | None = None,
    *,
    ended: bool = True,
) -> TimeSeries:
    intact = intact_rows(rows, len(header), ended=ended)
    names = list(_choose(parse_header(header, units)))
    cells = {
        name.index: [row[name.index].strip().strip('"') if name.index < len(row) else "" for _, row in intact.rows]
        for name in names
    }
    style = one_style([cell for column in cells.values() for cell in column])
    columns: dict[str, SeriesColumn] = {}
    for name in names:
        column = cells[name.index]
        values, first_date = style.parse_all(column), None
        if name.quantity in ("time", "date") and not np.isfinite(values).any():
            values, first_date = _clock_times(column)
        columns[name.quantity] = SeriesColumn(name.header, values * name.scale, name.has_unit, first_date)
    return TimeSeries(line, header, columns, started_at, intact.warnings)


def _clock_times(cells: Sequence[str]) -> tuple[FloatArray, str | None]:
    """Return seconds of clock times such as 1:02:03.5, or since the first of some dates, and that date."""
    clocks = [_CLOCK.fullmatch(cell) for cell in cells]
    if any(clocks):
        return np.array([math.nan if clock is None else _seconds(clock) for clock in clocks]), None
    dates = [None if date is None else datetime.fromisoformat(date) for date in map(parse_datetime, cells)]
    first = next((date for date in dates if date is not None), None)
    if first is None:
        return np.full(len(cells), math.nan), None
    seconds = [math.nan if date is None else (date - first).total_seconds() for date in dates]
    return np.array(seconds), first.isoformat()


def _seconds(clock: re.Match[str]) -> float:
    seconds = float(clock[4].replace(",", "."))
    return 86400 * int(clock[1] or 0) + 3600 * int(clock[2]) + 60 * int(clock[3]) + seconds


def _biologic_text(content: FileContent) -> TimeSeries:
    line = biologic_mpt.find_header(content, ("time/s",))
    header = content.lines[line - 1].rstrip("\t\r ").split("\t")
    lines = enumerate(content.lines[line:], start=line + 1)
    rows = [(number, text.split("\t")) for number, text in lines if text.strip()]
    started_at = biologic_mpt.read_settings(content.lines[: line - 1])["started_at"]
    return _from_cells(
        line, header, rows, started_at=started_at if isinstance(started_at, str) else None, ended=content.ended
    )


def _gamry(content: FileContent) -> list[TimeSeries]:
    series: list[TimeSeries] = []
    tables = [(i, match[1]) for i, text in enumerate(content.lines) if (match := gamry_dta.TABLE.match(text))]
    for i, name in tables:
        lines = [
            (number + 1, text.split("\t")[1:]) for number, text in gamry_dta.table_lines(content.lines, i + 1)
        ]
        if name.startswith("CURVE") and len(lines) > 2:
            series.append(_from_cells(i + 2, lines[0][1], lines[2:], lines[1][1]))
    if not series:
        titles = ", ".join(name for _, name in tables) or "none"
        raise content.error(f"no CURVE table with rows (tables: {titles}); expected a chronoamperometry")
    return series


def _delimited(content: FileContent) -> TimeSeries:
    try:
        text = find_table(content)
    except ReaderError as error:
        raise content.error(f"no table of time, voltage and current; expected {EXAMPLE}") from error
    best: tuple[int, int, list[str], list[str]] = (1, 0, [], [])
    for place, (i, line) in enumerate(text.preamble):
        for cells in text.header_cells(line):
            units = text.units_below(place, _is_unit)
            quantities = {_DIMENSION.get(name.quantity, name.quantity) for name in parse_header(cells, units)}
            if len(quantities) > best[0]:
                best = len(quantities), i + 1, cells, units
    _, line_number, header, units = best
    if not header:
        raise content.error(
            f"no header with time, voltage and current above the table; expected {EXAMPLE}",
            text.lines[text.first][0] + 1,
        )
    preamble = (line for line in content.lines[: line_number - 1] if _START.search(line))
    started_at = next((date for date in map(parse_datetime, preamble) if date), None)
    return _from_cells(line_number, header, text.rows(), units, started_at, ended=content.ended)


def _is_unit(cell: str) -> bool:
    cell = _REFERENCE.sub("", cell).strip(" []()\"'")
    return any(factor(quantity, cell) is not None for quantity in ("time", "voltage", "current", "charge"))
