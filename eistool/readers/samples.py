"""Samples tables (``samples.csv`` or ``.xlsx``): metadata of files and sweeps."""

import csv
import difflib
import io
import math
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from eistool.errors import ConfigError, ReaderError
from eistool.escaping import restore
from eistool.readers.content import FileContent, resolved
from eistool.readers.tables.numbers import NumberStyle, find_styles, is_number
from eistool.readers.tables.sheets import read_sheets
from eistool.spectrum import Metadata
from eistool.spectrum.metadata import why_not

TABLE_NAMES = ("samples.csv", "samples.xlsx")
_LEVELS_ABOVE = 3
_MOST_NAMED = 5

_NOT_COLUMNS = frozenset(
    ("source", "sweep", "format", "technique", "started_at", "ewe_mean_V", "ewe_drift_mV", "i_mean_mA", "origin")
)
_COLUMNS: Mapping[str, type] = MappingProxyType(
    {f.name: typing.get_args(f.type)[0] for f in fields(Metadata) if f.name not in _NOT_COLUMNS}
)
COLUMNS: tuple[str, ...] = tuple(_COLUMNS)
_WILDCARDS = frozenset("*?[")
# below these, a number with three decimals is more likely one with a thousands separator
_IMPLAUSIBLE = MappingProxyType({"thickness_um": 5.0})
_THREE_DECIMALS = re.compile(r"\d{1,3}[.,]\d{3}")
_MISSING = frozenset(("", "nan", "na", "n/a", "none", "-"))
_YES_NO = MappingProxyType(
    {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}
)
_DIRECTIONS = MappingProxyType(
    {"charge": "charge", "chg": "charge", "discharge": "discharge", "dis": "discharge", "dchg": "discharge"}
)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """Metadata of the sweeps that match a pattern."""

    number: int  # as in a spreadsheet: the header is row 1
    pattern: str
    values: Mapping[str, object]

    def __reduce__(self) -> tuple[type["SampleRow"], tuple[object, ...]]:
        return SampleRow, (self.number, self.pattern, dict(self.values))

    def matches(self, names: Iterable[str], sweep: int | None) -> bool:
        """Return whether the row applies to a sweep of a file with these names; None is any sweep."""
        pattern = self.pattern.replace("\\", "/")
        names = tuple(names)
        if any(pattern == name or fnmatchcase(name, pattern) for name in names):
            return True
        stem, hash_, number = pattern.rpartition("#")
        if not (hash_ and number.isdecimal() and len(number) < 9 and sweep in (None, int(number))):
            return False
        return any(stem == name or fnmatchcase(name, stem) for name in names)


@dataclass(frozen=True)
class SamplesTable:
    """A samples table with validated cells."""

    path: Path
    rows: tuple[SampleRow, ...]

    def rows_for(self, path: Path, source: str, sweep: int | None) -> list[SampleRow]:
        """Return the matching rows in order; later ones override earlier ones. None is any sweep."""
        names = [source, path.name, path.stem]
        if path.is_relative_to(self.path.parent):
            names.append(path.relative_to(self.path.parent).as_posix())
        literal, globs = self._by_pattern
        found = {row.number: row for name in names for row in literal.get(name, ())}
        found |= {row.number: row for row in globs}
        return [row for _, row in sorted(found.items()) if row.matches(names, sweep)]

    @cached_property
    def _by_pattern(self) -> tuple[dict[str, list[SampleRow]], list[SampleRow]]:
        """Rows by the name they give, with or without a sweep; and rows with wildcards."""
        literal: dict[str, list[SampleRow]] = {}
        globs = []
        for row in self.rows:
            pattern = row.pattern.replace("\\", "/")
            if _WILDCARDS & {*pattern}:
                globs.append(row)
                continue
            for name in {pattern, pattern.rpartition("#")[0]}:
                literal.setdefault(name, []).append(row)
        return literal, globs


def read_samples(path: Path) -> SamplesTable:
    """Return the table in a ``.csv`` or ``.xlsx`` file.

    Raises
    ------
    ConfigError
        If it cannot be opened, has no column ``file``, an unknown column, or an invalid cell; the message
        names file, row and column.
    """
    cells = _excel(path) if path.suffix.lower() == ".xlsx" else _delimited(path)
    if not cells:
        raise ConfigError(f"{path.name}: the table is empty; expected a header line with the column file")
    header = [cell.strip() for cell in cells[0]]
    _check_header(path, header, cells)
    style = _style(path, header, cells)
    rows = [
        _row(path, number, header, row, style)
        for number, row in enumerate(cells[1:], start=2)
        if any(map(str.strip, row))
    ]
    return SamplesTable(path.resolve(), tuple(rows))


class SampleTables:
    """The given samples table, or else the nearest one in or above the folder of each file.

    Parameters
    ----------
    path : Path, optional
        A table for all files.

    Raises
    ------
    ConfigError
        If a table is invalid.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.given = None if path is None else read_samples(path)
        self._read: dict[Path, SamplesTable] = {}
        self._of_folder: dict[Path, SamplesTable | None] = {}
        self._matched: dict[Path, set[int]] = {}

    def table_for(self, path: Path) -> SamplesTable | None:
        """Return the table of a file, None if there is none."""
        if self.given is not None:
            return self.given
        if path.parent not in self._of_folder:
            self._of_folder[path.parent] = self._nearest(path)
        return self._of_folder[path.parent]

    def _nearest(self, path: Path) -> SamplesTable | None:
        folder = resolved(path).parent
        for place in (folder, *folder.parents)[: _LEVELS_ABOVE + 1]:
            for table in (place / name for name in TABLE_NAMES):
                if _is_file(table):
                    if table not in self._read:
                        self._read[table] = read_samples(table)
                    return self._read[table]
        return None

    def rows_for(self, path: Path, source: str, sweep: int | None) -> list[SampleRow]:
        """Return the rows that apply to a sweep of a file, or to any of its sweeps if that is None."""
        table = self.table_for(path)
        rows = [] if table is None else table.rows_for(path, source, sweep)
        if table is not None:
            self._matched.setdefault(table.path, set()).update(row.number for row in rows)
        return rows

    def of_file(self, path: Path, source: str) -> "SampleTables":
        """Return the rows that apply to any sweep of a file, small enough for another process."""
        table = self.table_for(path)
        only = SampleTables()
        folder = Path() if table is None else table.path
        rows = () if table is None else tuple(table.rows_for(path, source, None))
        only.given = SamplesTable(folder, rows)
        return only

    @property
    def matched(self) -> frozenset[int]:
        """Numbers of the rows that have matched so far."""
        return frozenset().union(*self._matched.values())

    def note_matches(self, path: Path, rows: Iterable[int]) -> None:
        """Take rows for matched by a file that was read with :meth:`of_file`."""
        table = self.table_for(path)
        if table is not None:
            self._matched.setdefault(table.path, set()).update(rows)

    def unmatched(self, folders: Sequence[Path]) -> list[str]:
        """Return a message for each table with rows that matched no file so far.

        Parameters
        ----------
        folders : sequence of Path
            Folders that were read; rows of tables above them may belong to other files.
        """
        roots = [folder.resolve() for folder in folders]
        tables = [self.given] if self.given is not None else list(self._read.values())
        lines = []
        for table in tables:
            if table is not self.given and not any(table.path.is_relative_to(root) for root in roots):
                continue
            rows = [row for row in table.rows if row.number not in self._matched.get(table.path, ())]
            if rows:
                named = ", ".join(f"row {row.number} {row.pattern!r}" for row in rows[:_MOST_NAMED])
                more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
                lines.append(f"{table.path.name}: no file matches {named}{more}")
        return lines


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that cannot be entered
        return False


def _delimited(path: Path) -> list[list[str]]:
    try:
        text = FileContent.open(path).text
    except ReaderError as error:
        raise ConfigError(f"samples table {error}") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise ConfigError(f"{path.name}: a cell is broken ({error}); save the table again as CSV") from error


def _excel(path: Path) -> list[list[str]]:
    try:
        return next((rows for _, rows in read_sheets(FileContent.open(path))), [])
    except ReaderError as error:
        raise ConfigError(f"samples table {error}") from error


def _check_header(path: Path, header: list[str], cells: list[list[str]]) -> None:
    for column, name in enumerate(header):
        if name in _COLUMNS:
            if header.index(name) != column:
                raise ConfigError(f"{path.name}, row 1: column {name!r} occurs twice; keep one")
        elif name or any(column < len(row) and row[column].strip() for row in cells[1:]):
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ConfigError(f"{path.name}, row 1: unknown column {name!r}; {hint}known are {', '.join(COLUMNS)}")
    if "file" not in header:
        raise ConfigError(
            f"{path.name}, row 1: no column 'file'; expected file names or patterns such as S17_*.mpt"
        )


def _style(path: Path, header: list[str], cells: list[list[str]]) -> NumberStyle:
    """Return decimal mark and thousands separator of all numbers in the table.

    Raises
    ------
    ConfigError
        If they differ within the table, or a number such as 1,000 is ambiguous.
    """
    numbers = [
        (f"{path.name}, row {number}, column {name!r}", text)
        for number, row in enumerate(cells[1:], start=2)
        for name, text in zip(header, (restore(cell.strip()) for cell in row), strict=False)
        if _COLUMNS.get(name) is float and is_number(text)
    ]
    styles = find_styles([text for _, text in numbers])
    if len(styles) == 1:
        return styles[0]
    if not styles:
        where, text = next(
            numbers[k] for k in range(len(numbers)) if not find_styles([t for _, t in numbers[: k + 1]])
        )
        raise ConfigError(f"{where}: {text!r}; the decimal mark differs from that in the cells above: use one")
    first, second = styles[:2]
    where, text = next((w, t) for w, t in numbers if first.parse(t) != second.parse(t))
    values = sorted((first.parse(text), second.parse(text)))
    raise ConfigError(
        f"{where}: {text!r} is {values[0]:g} or {values[1]:g}; write {values[0]:.1f} or {values[1]:.0f}"
    )


def _row(path: Path, number: int, header: list[str], cells: list[str], style: NumberStyle) -> SampleRow:
    values: dict[str, object] = {}
    if any(cell.strip() for cell in cells[len(header) :]):
        raise ConfigError(
            f"{path.name}, row {number}: {len(cells)} cells under {len(header)} columns; "
            "put quotes round a cell that holds a separator"
        )
    for name, cell in zip(header, cells, strict=False):
        text = restore(cell.strip())
        if name and text.lower() not in _MISSING:
            values[name] = _cell(f"{path.name}, row {number}, column {name!r}", name, text, style)
    pattern = values.get("file")
    if not isinstance(pattern, str):
        raise ConfigError(f"{path.name}, row {number}, column 'file': empty; expected a file name or a pattern")
    return SampleRow(number, pattern, MappingProxyType(values))


def _cell(where: str, name: str, text: str, style: NumberStyle) -> object:
    kind = _COLUMNS[name]
    if name == "direction":
        if text.lower() not in _DIRECTIONS:
            raise ConfigError(f"{where}: {text!r}; choose charge or discharge")
        return _DIRECTIONS[text.lower()]
    if kind is bool:
        if text.lower() not in _YES_NO:
            raise ConfigError(f"{where}: {text!r}; choose true or false")
        return _YES_NO[text.lower()]
    if kind is not float:
        return text
    value = style.parse(text)
    if not math.isfinite(value):
        raise ConfigError(
            f"{where}: {text!r} is not a number; remove units and thousands separators, or leave the cell empty"
        )
    if value < _IMPLAUSIBLE.get(name, 0.0) and _THREE_DECIMALS.fullmatch(text):
        raise ConfigError(
            f"{where}: {text!r} is {value:g} or {1000 * value:g}; write {value:.2f} or {1000 * value:.0f}"
        )
    if expected := why_not(name, value):
        raise ConfigError(f"{where}: {text}; give {expected}, or leave the cell empty")
    return value
