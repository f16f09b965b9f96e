"""Delimited text with any header, or three columns without one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eistool.errors import ReaderError, SpectrumError
from eistool.readers.content import FileContent
from eistool.readers.tables.columns import Column, is_frequency_unit, is_unit, parse_columns
from eistool.readers.tables.dialect import TextTable, find_table
from eistool.readers.tables.impedance_table import EXAMPLE, MIN_ROWS, Fail, read_rows, spectra_of
from eistool.readers.tables.numbers import POINT, is_number
from eistool.readers.tables.preamble import preamble_metadata
from eistool.readers.tables.table import Table, fill
from eistool.readers.tables.unnamed import name_columns
from eistool.spectrum import Spectrum

SUFFIXES = (".csv", ".txt", ".dat", ".tsv", ".asc", ".i2b", ".p00")

_FITTED = re.compile(
    r"fitted\s+(?:impedance|data|curve|spectrum)|fit report|optimi[sz]ed parameters", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, eq=False)
class _ImpedanceText:
    """Columns and rows of a text table, and the line of its header."""

    table: Table
    line: int  # of the header, or of the first row without one; from 1
    named: bool

    def fail(self, content: FileContent) -> Fail:
        return lambda message: content.error(message, self.line)


def identify(content: FileContent) -> bool:
    """Return whether this is text with a suffix of tables, or with a header of impedance columns."""
    if not content.is_text:
        return False
    if content.suffix in SUFFIXES:
        return True
    try:
        text = _read_table(content)
        read_rows(text.table, text.fail(content))
    except (ReaderError, SpectrumError):
        return False
    return text.named


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep; the notes describe columns, units and the sign of Im.

    Raises
    ------
    ReaderError
        If there is no table of numbers, or it has no frequency or no impedance.
    """
    if not content.is_text:
        raise content.error("binary data; expected a text table")
    text = _read_table(content)
    table, notes = text.table, []
    if not text.named:
        table, note = name_columns(table)
        notes = [note]
    known = preamble_metadata(content.lines[: text.line], text.table.style).known()
    return spectra_of(table, text.fail(content), guessed=not text.named, describe=lambda _: known, notes=notes)


def _read_table(content: FileContent) -> _ImpedanceText:
    text = find_table(content)
    for i, line in text.preamble:
        if _FITTED.search(line[:1000]):
            raise content.error(
                f"{line.strip().lstrip('# ')!r} marks the result of a fit; expected measured data", i + 1
            )
    dialect = text.dialect
    rows = text.rows()
    has_index = _counts([cells[0].strip() for _, cells in rows if cells])
    header_line, columns = _header(text, has_index)
    if header_line is None:
        # words above a table of spaces are a title unless one is a frequency; with delimiters they are names
        names = dialect.filled(text.preamble[-1][1]) if text.preamble else []
        named = any(column.quantity in ("frequency", "omega") for column in parse_columns(names))
        names = names if dialect.delimiter or named else []
        columns = _unnamed_columns(content, text, names, has_index)
    place = text.lines[text.first][0] if header_line is None else header_line
    table = fill(columns, rows, ended=content.ended, delimiter=dialect.delimiter)
    return _ImpedanceText(table, place + 1, header_line is not None)


def _counts(cells: Sequence[str]) -> bool:
    """Return whether the cells count the rows, from 0 or 1, at least in the first three."""
    return [POINT.parse(cell) for cell in cells[:MIN_ROWS]] in ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])


def _header(text: TextTable, has_index: bool) -> tuple[int | None, list[Column]]:
    """Return the line with the names of most quantities, two at least, and its columns."""
    best: tuple[int | None, list[Column]] = (None, [])
    best_score = 2
    for k, (i, line) in enumerate(text.preamble):
        for cells in text.header_cells(line, has_index):
            columns = parse_columns(cells, text.units_below(k, is_unit, is_frequency_unit))
            # a column of unknown unit is refused later, with its unit
            score = len({c.quantity or c.header for c in columns if c.quantity or c.unknown_unit})
            if score >= best_score:
                best, best_score = (i, columns), score
                break
    return best


def _unnamed_columns(content: FileContent, text: TextTable, names: Sequence[str], has_index: bool) -> list[Column]:
    """Return frequency, Re and Im for a table without known names; ``names`` is the line above it."""
    place, row = text.lines[text.first]
    if "[" in row:
        raise content.error("cells hold lists; expected one number per cell and one point per row", place + 1)
    above = text.preamble[-1][1].strip() if text.preamble else ""
    if is_number(above) and "." in above:  # a count of rows is a whole number
        raise content.error(
            f"{above!r} above a table without names: the beginning of the file may be lost; add a header with "
            f"{EXAMPLE}",
            place,
        )
    if 0 <= text.width - len(names) <= 1:
        named = ", ".join(repr(name.strip()[:40]) for name in names[:8])
        raise content.error(f"no frequency with an impedance among the columns {named}; expected {EXAMPLE}", place)
    if text.width != 3 + has_index:
        raise content.error(
            f"{text.width} columns without names; expected three (frequency, Re, Im), or a header with {EXAMPLE}",
            place + 1,
        )
    quantities = [*([""] if has_index else []), "frequency", "real", "imag"]
    return [Column(k, "", quantity) for k, quantity in enumerate(quantities)]
