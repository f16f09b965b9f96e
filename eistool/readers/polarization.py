"""Records of time, current and voltage: BioLogic and Gamry text exports, and tables of any dialect."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.formats import biologic_mpt, gamry_dta
from eistool.readers.formats.delimited import find_dialect, first_row, header_cells
from eistool.readers.tables.numbers import parse_datetime, parse_number_any
from eistool.typing import FloatArray, PathLike

_EXPECTED = "for instance time_s,current_A,voltage_V"
_LEAST_ROWS = 3
_PREAMBLE = 200  # lines above the table in which a header is looked for

_PREFIX = MappingProxyType(
    {"": 1.0, "M": 1e6, "k": 1e3, "m": 1e-3, "µ": 1e-6, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
)
_BASE = MappingProxyType(
    {
        "current": ("A", "amp", "amps", "ampere", "amperes", "Amp", "Amps", "Ampere"),
        "voltage": ("V", "volt", "volts", "Volt", "Volts"),
    }
)
_TIMES = MappingProxyType(
    {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "Sec", "S"), 1.0),
        **dict.fromkeys(("min", "mins", "minute", "minutes", "Min"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "H"), 3600.0),
        **dict.fromkeys(("d", "day", "days"), 86400.0),
        "ms": 1e-3,
    }
)
# names without units, spaces and marks, in lower case, those measured before those demanded
_NAMES = MappingProxyType(
    {
        "time": "time totaltime testtime elapsedtime correctedtime runtime recordtime relativetime t zeit temps "
        "tiempo",
        "current": "current i <i> im strom corriente courant we1current measuredcurrent",
        "voltage": "voltage v ewe-ece <ewe-ece> cellvoltage ecell vf u e potential ewe <ewe> we1potential ewece "
        "measuredvoltage spannung tension control vapplied we potentialapplied",
        "working": "ewe <ewe> ewevsref workingelectrode eworking ewevslici",
        "counter": "ece <ece> ecevsref counterelectrode ecounter",
    }
)  # fmt: skip
_UNIT = re.compile(r"[\[({]\s*([^\])}]+?)\s*[\])}]|/\s*([^\s/,;]+)\s*$|[_\s]([A-Za-zµμ]{1,8})\s*$")
_AGAINST = re.compile(r"\s*\bvs\.?\s*(?:\w+\+?/\w+\+?(?![^\s\])}])|[^\])}/(\[]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PolarizationRecord:
    """Current and voltage over time, as a file holds them.

    Parameters
    ----------
    time_s, current_A, voltage_V : FloatArray, shape (n,)
        Rows in which all three are numbers, in the order of the file.
    working_V, counter_V : FloatArray, shape (n,), optional
        Potentials of the electrodes against a reference electrode.
    source : str
        Name of the file.
    notes : tuple of str
        How columns and units were understood.
    """

    time_s: FloatArray
    current_A: FloatArray
    voltage_V: FloatArray
    working_V: FloatArray | None
    counter_V: FloatArray | None
    source: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.time_s.size)

    def __repr__(self) -> str:
        span = f"{float(np.ptp(self.time_s)):.4g} s, {self.voltage_V.min():.4g} to {self.voltage_V.max():.4g} V"
        return f"PolarizationRecord({self.source!r}, {len(self)} rows over {span})"


@dataclass(frozen=True, slots=True)
class _Column:
    index: int
    header: str
    quantity: str
    scale: float  # to s, A or V; nan without a unit
    rank: int  # among names of one quantity, the least is taken


def read_polarization(path: PathLike) -> PolarizationRecord:
    r"""Read time, current and voltage from a file.

    BioLogic text (``.mpt`` or ``.txt``), the CURVE tables of Gamry (``.DTA``), and tables of text in any
    dialect are read; units stand in the header or in a line below it.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    ReaderError
        If there is no such table, or a column or its unit is missing; the message names file and line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "hold.csv")
    ...     _ = file.write_text("t / min;I / nA;U / mV\n0;17,9;1000\n1;17,8;1000\n2;17,8;1000\n")
    ...     read_polarization(file)
    PolarizationRecord('hold.csv', 3 rows over 120 s, 1 to 1 V)
    """
    content = FileContent.open(Path(path))
    if not content.is_text:
        raise content.error("binary data; export time, current and voltage as text")
    if biologic_mpt.identify(content):
        tables = [_biologic(content)]
    elif gamry_dta.identify(content):
        tables = _gamry(content)
    else:
        tables = [_delimited(content)]
    parts = [_columns(content, *table) for table in tables]
    return _join(content, parts)


def is_polarization(path: PathLike) -> bool:
    """Return whether a file holds a record of time, current and voltage, and no impedances."""
    try:
        content = FileContent.open(Path(path))
        text = content.text[:100_000]
        if re.search(r"ZCURVE|freq/Hz|\bfreq(uency)?\b|\|Z\||Re\(Z\)", text, re.IGNORECASE):
            return False
        read_polarization(path)
    except ReaderError:
        return False
    return True


_Table = tuple[int, list[str], list[list[str]]]  # line of the header, header, rows


def _biologic(content: FileContent) -> _Table:
    match = re.search(r"Nb header lines\s*:\s*(\d{1,9})", content.text[:400])
    line = int(match[1]) if match else 0
    if not 0 < line <= len(content.lines) or "\t" not in content.lines[line - 1]:
        named = (i for i, text in enumerate(content.lines, 1) if "\t" in text and "time/s" in text)
        line = next(named, 0)
    if not line:
        raise content.error("no line with column names such as time/s, Ewe/V, I/mA; export them as text")
    rows = [text.split("\t") for text in content.lines[line:] if text.strip()]
    return line, content.lines[line - 1].rstrip("\t\r ").split("\t"), rows


def _gamry(content: FileContent) -> list[_Table]:
    tables: list[_Table] = []
    names = []
    for i, text in enumerate(content.lines):
        match = re.match(r"(\w+)\tTABLE", text)
        if match is None:
            continue
        names.append(match[1])
        if not match[1].startswith("CURVE"):
            continue
        lines = [line.split("\t")[1:] for line in _tabbed(content.lines[i + 1 :])]
        if len(lines) > 2:
            head = [f"{name} ({_AGAINST.sub('', unit)})" for name, unit in zip(lines[0], lines[1], strict=False)]
            tables.append((i + 2, head, lines[2:]))
    if not tables:
        raise content.error(
            f"no CURVE table with rows (tables: {', '.join(names) or 'none'}); expected a chronoamperometry"
        )
    return tables


def _tabbed(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("\t"):
            return
        yield line


def _delimited(content: FileContent) -> _Table:
    lines = [(i, line) for i, line in enumerate(content.lines) if line.strip()]
    try:
        dialect = find_dialect(content, [line for _, line in lines])
        k, width = first_row(content, lines, dialect)
    except ReaderError as error:
        raise content.error(f"no table of time, current and voltage; expected a header, {_EXPECTED}") from error
    best: tuple[int, int, list[str]] = (0, 0, [])
    for place in range(max(0, k - _PREAMBLE), k):
        below = [lines[place + 1][1]] if place + 1 < k else []
        for cells in header_cells(lines[place][1], dialect, width, has_index=False):
            for text in below:
                units = next(iter(header_cells(text, dialect, width, has_index=False)), [])
                if units and sum(_is_unit(unit) for unit in units) >= 2:
                    cells = [
                        f"{name} ({unit})" if unit else name for name, unit in zip(cells, units, strict=False)
                    ]
            known = len({column.quantity for column in _parse_header(cells)})
            if known > best[0]:
                best = known, lines[place][0] + 1, cells
    if best[0] < 2:
        raise content.error(
            f"no header with time, current and voltage above the numbers; expected {_EXPECTED}", lines[k][0] + 1
        )
    rows = [dialect.split(line) for _, line in lines[k:]]
    if dialect.decimal == ",":
        rows = [[cell.replace(",", ".") for cell in row] for row in rows]
    return best[1], best[2], rows


def _is_unit(text: str) -> bool:
    text = text.strip(" []()\"'")
    return text in _TIMES or any(_scale(quantity, text) is not None for quantity in _BASE)


def _scale(quantity: str, unit: str) -> float | None:
    """Return what a unit is in s, A or V; None if it is no unit of the quantity."""
    unit = unit.replace("μ", "µ").strip()
    if quantity == "time":
        return _TIMES.get(unit)
    for base in _BASE["current" if quantity == "current" else "voltage"]:
        if unit.endswith(base) and unit.removesuffix(base) in _PREFIX:
            return _PREFIX[unit.removesuffix(base)]
    return None


def _parse_header(cells: Sequence[str]) -> list[_Column]:
    columns = []
    for index, cell in enumerate(cells):
        header = cell.strip().strip('"').lstrip("#").strip()[:100]
        text = _AGAINST.sub("", header)
        units = [(m.start(), next(filter(None, m.groups()))) for m in _UNIT.finditer(text)]
        for quantity, names in _NAMES.items():
            for start, unit in [*reversed(units), (len(text), "")]:
                scale = math.nan if not unit else _scale(quantity, unit)
                name = re.sub(r"[\s_.:()\[\]/]", "", text[:start]).lower()
                if scale is not None and name in names.split():
                    columns.append(_Column(index, header, quantity, scale, names.split().index(name)))
                    break
    return columns


def _columns(
    content: FileContent, line: int, header: list[str], rows: list[list[str]]
) -> tuple[dict[str, FloatArray], list[str]]:
    found = _parse_header(header)
    values: dict[str, FloatArray] = {}
    notes = []
    for quantity in _NAMES:
        known = [column for column in found if column.quantity == quantity]
        if not known:
            continue
        column = min(known, key=lambda c: (math.isnan(c.scale), c.rank))
        cells = [row[column.index].strip().strip('"') if column.index < len(row) else "" for row in rows]
        numbers = _times(cells) if quantity == "time" else _numbers(cells)
        scale = column.scale
        if math.isnan(scale):
            scale = 1.0
            if quantity in ("time", "current", "voltage"):
                unit = {"time": "s", "current": "A", "voltage": "V"}[quantity]
                notes.append(f"column {column.header!r} names no unit; read as {unit}")
        elif quantity in ("time", "current", "voltage"):
            notes.append(f"{quantity}: column {column.header!r}")
        values[quantity] = numbers * scale
    if (
        "working" in values
        and "counter" in values
        and np.array_equal(values["working"], values.get("voltage", values["working"]), equal_nan=True)
    ):
        values["voltage"] = values["working"] - values["counter"]
    missing = [quantity for quantity in ("time", "current", "voltage") if quantity not in values]
    if missing:
        named = ", ".join(repr(cell.strip()) for cell in header[:8])
        raise content.error(f"no {' and no '.join(missing)} among the columns {named}; expected {_EXPECTED}", line)
    if "counter" not in values:  # Ewe alone is the voltage itself, of two electrodes
        values.pop("working", None)
    return values, notes


def _numbers(cells: Sequence[str]) -> FloatArray:
    return np.array([parse_number_any(cell) for cell in cells], dtype=np.float64)


def _times(cells: Sequence[str]) -> FloatArray:
    """Return seconds of numbers, of clock times such as 1:02:03.5, or of dates since the first one."""
    numbers = _numbers(cells)
    if np.isfinite(numbers).any():
        return numbers
    clocks = [re.fullmatch(r"(?:(\d+)[ d-]+)?(\d{1,4}):(\d{2}):(\d{2}(?:\.\d+)?)", cell) for cell in cells]
    if any(clocks):
        return np.array([math.nan if m is None else _clock(m) for m in clocks])
    dates = [parse_datetime(cell) for cell in cells]
    return np.array(
        [math.nan if d is None else float(np.datetime64(d, "us").astype(np.int64)) / 1e6 for d in dates]
    )


def _clock(match: re.Match[str]) -> float:
    return 86400 * int(match[1] or 0) + 3600 * int(match[2]) + 60 * int(match[3]) + float(match[4])


def _join(content: FileContent, parts: list[tuple[dict[str, FloatArray], list[str]]]) -> PolarizationRecord:
    names = [name for name in _NAMES if all(name in values for values, _ in parts)]
    if len(parts) > 1:  # the clock of a table may start anew
        end = -math.inf
        for values, _ in parts:
            if values["time"].size and values["time"][0] < end:
                values["time"] = values["time"] + end
            end = float(np.nanmax(values["time"], initial=end))
    columns = {name: np.concatenate([values[name] for values, _ in parts]) for name in names}
    usable = np.all([np.isfinite(columns[name]) for name in ("time", "current", "voltage")], axis=0)
    if np.count_nonzero(usable) < _LEAST_ROWS:
        raise content.error(
            f"{np.count_nonzero(usable)} rows with time, current and voltage; expected {_LEAST_ROWS} or more"
        )
    left_out = int(np.count_nonzero(~usable))
    notes = list(dict.fromkeys(note for _, own in parts for note in own))
    notes += [f"{left_out} rows without time, current or voltage left out"] if left_out else []
    time = columns["time"][usable]
    return PolarizationRecord(
        time - time[0] if abs(time[0]) > 1e8 else time,  # dates
        columns["current"][usable],
        columns["voltage"][usable],
        columns["working"][usable] if "working" in columns else None,
        columns["counter"][usable] if "counter" in columns else None,
        content.path.name,
        tuple(notes),
    )
