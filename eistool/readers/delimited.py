"""Tables of text: comma, semicolon, tab or spaces; with any header, or three columns without one."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.columns import Column, is_unit, parse_columns
from eistool.readers.content import FileContent
from eistool.readers.numbers import parse_number
from eistool.readers.signs import HeaderSign, cartesian_sign, decide_sign
from eistool.readers.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.table import Table, fill
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray, IntArray

SUFFIXES = (".csv", ".txt", ".dat", ".tsv", ".asc")

_MIN_ROWS = 3
_SAMPLE = 60  # lines that decide on the dialect
_PREAMBLE = 200  # lines above the table in which a header is looked for
_LONGEST_LINE = 50_000  # characters; no row of a table is longer
_COMMENT = ("#", "%", "//", "!")
_FITTED = re.compile(
    r"fitted\s+(?:impedance|data|curve|spectrum)|fit report|optimi[sz]ed parameters", re.IGNORECASE
)
_SPACE_BEFORE_UNIT = re.compile(r"\s{1,40}(?=[\[(/])|(?<=/)\s{1,40}")
_DAMAGED = "#NAME?"
_EXAMPLE = "for instance frequency_Hz,z_real_ohm,z_imag_ohm"


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


def identify(content: FileContent) -> bool:
    """Return whether this is text that can be read as a table of impedances, whatever its suffix."""
    if not content.is_text:
        return False
    if content.suffix in SUFFIXES:
        return True
    try:
        found = _find_table(content)
        _rows(content, found)
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
    rows, said = _rows(content, found)
    sweeps, notes = split_sweeps(rows)
    if sum(sweep.size for sweep in sweeps) < _MIN_ROWS:
        reasons = "".join(f"; {note}" for note in notes)
        raise content.error(
            f"fewer than {_MIN_ROWS} rows with a frequency above 0 and an impedance{reasons}", found.line
        )
    if not found.named:
        if not _is_swept(rows, sweeps):
            raise content.error(
                f"three columns without names, of which the first is no swept frequency; add a header, {_EXAMPLE}",
                found.line,
            )
        notes.insert(0, "no header: columns taken as frequency/Hz, Re/ohm, Im/ohm")
    rows, sign = decide_sign(rows, sweeps, said)
    return to_spectra(rows, sweeps, [sign, *rows.notes, *notes])


def _is_swept(rows: Rows, sweeps: Sequence[IntArray]) -> bool:
    """Return whether the frequencies of most sweeps run one way, over at least three values."""
    steps = [np.sign(np.diff(rows.frequency[i])) for i in sweeps]
    one_way = [np.count_nonzero(s) >= _MIN_ROWS - 1 and abs(s.sum()) > s.size / 2 for s in steps]
    return bool(sum(one_way) > len(steps) / 2)


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
    first_cells = [dialect.numbers(line)[0] for _, line in lines[k : k + _MIN_ROWS]]
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
        last = widths[-_MIN_ROWS:]
        # trailing cells may be empty, so rows of a wide table differ in width
        if len(last) == _MIN_ROWS and (len(set(last)) == 1 or min(last) >= 3):
            return k - _MIN_ROWS + 1, max(last)
    raise content.error(
        f"no table of numbers; expected at least {_MIN_ROWS} rows of frequency and impedance one after another"
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
            f"no frequency with an impedance among the columns {named}; expected {_EXAMPLE}", line - 1
        )
    if width != 3 + has_index:
        raise content.error(
            f"{width} columns without names; expected three (frequency, Re, Im), or a header, {_EXAMPLE}", line
        )
    return [Column(has_index + k, "", name) for k, name in enumerate(("frequency", "real", "imag"))]


@np.errstate(all="ignore")  # absurd numbers end as inf or nan, and are left out
def _rows(content: FileContent, found: _Found) -> tuple[Rows, HeaderSign]:
    table = _with_damaged_imag(found.table)
    notes = [] if table is found.table else ["the column '#NAME?' stands for the imaginary part"]
    frequency = _frequency(content, found, notes)
    real, imag = table.find("real"), table.find("imag")
    modulus, phase = table.find("modulus"), table.find("phase")
    if real is not None and imag is not None:
        z = table.of(real) + 1j * table.of(imag) * (-1 if imag.negated else 1)
        angle = None if phase is None else _radians(table, phase, z, []) * (-1 if phase.negated else 1)
        z, said = cartesian_sign(z, imag, angle, notes)
        used = [real, imag]
    elif modulus is not None and phase is not None:
        angle = _radians(table, phase, None, notes) * (-1 if phase.negated else 1)
        z = table.of(modulus) * np.exp(1j * angle)
        said = HeaderSign(f"from the phase column {phase.header!r}", final=phase.negated)
        used = [modulus]
    else:
        raise content.error(f"no impedance among the columns {_list(table)}; expected {_EXAMPLE}", found.line)
    notes += [f"{c.header} read in units of {c.scale:g} ohm" for c in used if c.scale != 1]
    if any(column.per_area for column in used):
        notes.append("impedances are per area (ohm cm²): the numbers are kept, the area is unknown")
    n_real = sum(c.quantity == used[0].quantity and c.per_area == used[0].per_area for c in table.columns)
    if n_real > 1:
        notes.append(
            f"{n_real} columns hold {used[0].header}: only the first spectrum is read; give each its own file"
        )
    cycle = table.find("cycle")
    return Rows(frequency, z, None if cycle is None else table.of(cycle), notes), said


def _list(table: Table) -> str:
    return ", ".join(repr(column.header) for column in table.columns[:8])


def _frequency(content: FileContent, found: _Found, notes: list[str]) -> FloatArray:
    frequency, omega = found.table.find("frequency"), found.table.find("omega")
    if frequency is not None:
        if frequency.scale != 1:
            notes.append(f"{frequency.header} read in units of {frequency.scale:g} Hz")
        return found.table.of(frequency)
    if omega is not None:
        notes.append(f"{omega.header} read as angular frequency, and divided by 2π")
        return found.table.of(omega) / (2 * np.pi)
    raise content.error(f"no frequency among the columns {_list(found.table)}; expected {_EXAMPLE}", found.line)


def _with_damaged_imag(table: Table) -> Table:
    """Return the table with Im where a spreadsheet turned the header ``-Im(Z)/Ohm`` into ``#NAME?``."""
    real, imag = table.find("real"), table.find("imag")
    if real is None or (imag is not None and not imag.per_area):
        return table
    columns = [
        replace(c, quantity="imag", scale=real.scale) if c.header == _DAMAGED and c.index == real.index + 1 else c
        for c in table.columns
    ]
    return table if columns == list(table.columns) else Table(columns, table.values)


def _radians(table: Table, phase: Column, z: ComplexArray | None, notes: list[str]) -> FloatArray:
    values = table.of(phase)
    largest = float(np.max(np.nan_to_num(np.abs(values)), initial=0.0))
    unit = phase.unit
    if not unit:
        unit = "deg" if largest > 1.1 * math.pi / 2 else "rad"
        if unit == "rad" and z is not None:  # small angles: the Cartesian columns know
            angle = float(np.max(np.nan_to_num(np.abs(np.angle(z))), initial=0.0))
            unit = "deg" if largest > 5 * angle else "rad"
        notes.append(f"the phase names no unit; read as {unit} (largest {largest:.3g})")
    elif unit == "rad" and largest > 1.1 * math.pi:
        unit = "deg"
        notes.append(f"the phase is called rad, but reaches {largest:.3g}; read as degrees")
    return np.deg2rad(values) if unit == "deg" else values
