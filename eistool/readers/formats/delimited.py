"""Tables of text: comma, semicolon, tab or spaces; with any header, or three columns without one."""

import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.tables.columns import Column, is_unit, parse_columns
from eistool.readers.tables.header_facts import header_facts
from eistool.readers.tables.impedance_table import EXAMPLE, MIN_ROWS, Fail, read_rows, spectra_of
from eistool.readers.tables.numbers import parse_number
from eistool.readers.tables.table import Table, fill
from eistool.spectrum import Spectrum

SUFFIXES = (".csv", ".txt", ".dat", ".tsv", ".asc", ".i2b", ".p00")

_SAMPLE = 60  # lines that decide on the dialect
_PREAMBLE = 200  # lines above the table in which a header is looked for
_LONGEST_LINE = 50_000  # characters; no row of a table is longer
_COMMENT = ("#", "%", "//", "!")
_FITTED = re.compile(
    r"fitted\s+(?:impedance|data|curve|spectrum)|fit report|optimi[sz]ed parameters", re.IGNORECASE
)
_SPACE_BEFORE_UNIT = re.compile(r"\s{1,40}(?=[\[(/])|(?<=/)\s{1,40}")
_EXAMPLE_RECORD = "for instance time_s,voltage_V,current_mA"


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str  # "" for spaces
    decimal: str

    def split(self, line: str) -> list[str]:
        if len(line) > _LONGEST_LINE:
            return []
        if not self.delimiter:
            return line.split()
        if '"' in line and self.delimiter != "\t":
            try:
                cells = next(csv.reader([line], delimiter=self.delimiter), [])
            except csv.Error:  # a cell beyond all measure
                return []
        else:
            cells = line.split(self.delimiter)
        while cells and not cells[-1].strip():
            cells.pop()
        return cells

    def numbers(self, line: str) -> list[float]:
        return [parse_number(cell.strip().strip('"'), self.decimal) for cell in self.split(line)]


_MARKS = ((";", "."), (";", ","), ("\t", "."), ("\t", ","), (",", "."), ("", "."), ("", ","), (",", ","))
_DIALECTS = tuple(_Dialect(delimiter, decimal) for delimiter, decimal in _MARKS)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Where the table is, and its columns."""

    table: Table
    line: int  # of the header, or of the first row if there is none; from 1
    named: bool

    def fail(self, content: FileContent) -> Fail:
        return lambda message: content.error(message, self.line)


def identify(content: FileContent) -> bool:
    """Return whether this is text that can be read as a table of impedances, whatever its suffix."""
    if not content.is_text:
        return False
    if content.suffix in SUFFIXES:
        return True
    try:
        found = _find_table(content)
        read_rows(found.table, found.fail(content))
    except ReaderError:
        return False
    return found.named


def load(content: FileContent) -> list[Spectrum]:
    """Return a spectrum per sweep; how columns, units and the sign of Im were understood is in the notes.

    Raises
    ------
    ReaderError
        If there is no table of numbers, or it has no frequency or no impedance.
    """
    if not content.is_text:
        raise content.error("binary data; expected a table of text")
    found = _find_table(content)
    facts = header_facts(content.lines[: found.line]).known()
    return spectra_of(found.table, found.fail(content), swept_only=not found.named, describe=lambda _: facts)


def find_named_table(content: FileContent, known: Callable[[str], bool]) -> tuple[list[str], list[list[str]], int]:
    """Return the names of the columns, the cells of the rows, and the line of the names, from 1.

    Parameters
    ----------
    content : FileContent
        Text with any marks between its cells.
    known : callable
        Tells whether a name is one that is looked for; the line above the table with the most such is taken.

    Raises
    ------
    ReaderError
        If there is no table of numbers, or no line above it holds two known names.
    """
    if not content.is_text:
        raise content.error("binary data; expected a table of text")
    lines = [(i, line) for i, line in enumerate(content.lines) if line.strip()]
    try:
        dialect = find_dialect(content, [line for _, line in lines if not _is_comment(line)])
        k, width = first_row(content, lines, dialect)
    except ReaderError as error:
        raise content.error(
            f"no table of time, voltage and current; expected a header, {_EXAMPLE_RECORD}"
        ) from error
    ways = [
        (i, names)
        for i, line in lines[max(0, k - _PREAMBLE) : k]
        for names in header_cells(line, dialect, width, False)
    ]
    best = max(ways, key=lambda way: sum(map(known, way[1])), default=(0, []))
    if sum(map(known, best[1])) < 2:
        raise content.error(f"no names of columns above the table; expected {_EXAMPLE_RECORD}", lines[k][0] + 1)
    rows = [dialect.split(line) for _, line in lines[k:] if not _is_comment(line)]
    return best[1], rows, best[0] + 1


def _find_table(content: FileContent) -> _Found:
    lines = [(i, line) for i, line in enumerate(content.lines) if line.strip()]
    dialect = find_dialect(content, [line for _, line in lines if not _is_comment(line)])
    k, width = first_row(content, lines, dialect)
    preamble = lines[max(0, k - _PREAMBLE) : k]
    for i, line in preamble:
        if _FITTED.search(line[:1000]):
            raise content.error(
                f"{line.strip().lstrip('# ')!r} marks the result of a fit, not a measurement", i + 1
            )
    first_cells = [dialect.numbers(line)[0] for _, line in lines[k : k + MIN_ROWS]]
    has_index = first_cells in ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    header_line, columns = _header(preamble, dialect, width, has_index)
    if header_line is None:
        # words in front of a table of spaces are a title; with separators they are names
        names = dialect.split(preamble[-1][1]) if preamble and dialect.delimiter else []
        columns = _unnamed_columns(content, lines[k], names, width, has_index)
    line_number = lines[k][0] if header_line is None else header_line
    table = fill(columns, (dialect.split(line) for _, line in lines[k:] if not _is_comment(line)), dialect.decimal)
    return _Found(table, line_number + 1, header_line is not None)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(_COMMENT)


def find_dialect(content: FileContent, lines: list[str]) -> _Dialect:
    """Return how most lines of a table part their cells and their decimals."""
    step = max(1, len(lines) // _SAMPLE)
    # the end of the file is table where any is, so most of the sample comes from there
    sample = lines[len(lines) // 2 :: step] + lines[:: 2 * step]
    quoted = any('"' in line for line in sample)
    best, best_score = _DIALECTS[0], 0
    for dialect in _DIALECTS:
        if dialect.delimiter == dialect.decimal and not quoted:  # "1,5","2,5"
            continue
        score = sum(_score(dialect.numbers(line)) for line in sample)
        if score > best_score:
            best, best_score = dialect, score
    if best_score == 0:
        raise content.error(
            "no table of numbers; expected frequency and impedance, apart by comma, semicolon, tab or spaces"
        )
    return best


def _is_row(numbers: list[float]) -> bool:
    return _score(numbers) > 0


def _score(numbers: list[float]) -> int:
    """Return by how much the cells with a number outweigh the others; 0 if this is no row of a table."""
    found = sum(not math.isnan(number) for number in numbers)
    return max(0, 2 * found - len(numbers) + 1) if found >= 2 else 0


def first_row(content: FileContent, lines: list[tuple[int, str]], dialect: _Dialect) -> tuple[int, int]:
    """Return place and width of the first of three rows of numbers on end."""
    widths: list[int] = []
    for k, (_, line) in enumerate(lines):
        numbers = [] if _is_comment(line) else dialect.numbers(line)
        widths = [*widths, len(numbers)] if _is_row(numbers) else []
        last = widths[-MIN_ROWS:]
        # trailing cells may be empty, so rows of a wide table differ in width
        if len(last) == MIN_ROWS and (len(set(last)) == 1 or min(last) >= 3):
            return k - MIN_ROWS + 1, max(last)
    raise content.error(
        f"no table of numbers; expected at least {MIN_ROWS} rows of frequency and impedance one after another"
    )


def header_cells(line: str, dialect: _Dialect, width: int, has_index: bool) -> Iterator[list[str]]:
    """Yield the ways to read a line as names of columns: as the rows are parted, or by other marks."""
    if len(line) > _LONGEST_LINE:
        return
    if _is_comment(line):
        line = line.strip().lstrip("#%!/ ")
    ways = [dialect.split(line) if dialect.delimiter else _SPACE_BEFORE_UNIT.sub("", line).split()]
    ways += [re.split(pattern, line.strip()) for pattern in (r"\t+", r"\s{2,40}|\t", ";", ",")]
    yield from (cells for cells in ways if len(cells) == width)
    if has_index:  # it often has no name
        yield from (["", *cells] for cells in ways if len(cells) == width - 1)
    if dialect.delimiter and len(ways[0]) > width:  # the last cells of the rows are empty
        yield ways[0]


def _header(
    preamble: list[tuple[int, str]], dialect: _Dialect, width: int, has_index: bool
) -> tuple[int | None, list[Column]]:
    best: tuple[int | None, list[Column]] = (None, [])
    best_score = 2
    for k, (i, line) in enumerate(preamble):
        for cells in header_cells(line, dialect, width, has_index):
            columns = parse_columns(cells, _units_below(preamble[k + 1 : k + 3], dialect, width))
            score = len({c.quantity for c in columns if c.quantity})
            if score >= best_score:
                best, best_score = (i, columns), score
                break
    return best


def _units_below(lines: list[tuple[int, str]], dialect: _Dialect, width: int) -> list[str]:
    for _, line in lines:
        for cells in header_cells(line, dialect, width, has_index=False):
            if sum(is_unit(cell) for cell in cells) >= 2:
                return cells
    return []


def _unnamed_columns(
    content: FileContent, first: tuple[int, str], names: list[str], width: int, has_index: bool
) -> list[Column]:
    """Return frequency, Re and Im for a table without known names; ``names`` is the line above it."""
    line = first[0] + 1
    if "[" in first[1]:
        raise content.error("cells hold lists; expected one number in a cell and one point in a row", line)
    if 0 <= width - len(names) <= 1:
        named = ", ".join(repr(name.strip()[:40]) for name in names[:8])
        raise content.error(
            f"no frequency with an impedance among the columns {named}; expected {EXAMPLE}", line - 1
        )
    if width != 3 + has_index:
        raise content.error(
            f"{width} columns without names; expected three (frequency, Re, Im), or a header, {EXAMPLE}", line
        )
    return [Column(has_index + k, "", name) for k, name in enumerate(("frequency", "real", "imag"))]
