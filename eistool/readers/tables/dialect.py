"""Delimiters and header lines of text tables."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eistool.readers.content import FileContent
from eistool.readers.tables.numbers import is_number
from eistool.readers.tables.torn import NumberedRow, is_all_numbers

_CONSECUTIVE = 3  # rows of numbers, of one width, start a table
_SAMPLE = 60  # lines that determine the dialect
_PREAMBLE = 200  # lines above the table that are searched for a header
_LONGEST_LINE = 50_000  # characters; rows of tables are shorter
_COMMENT = ("#", "%", "//", "!")
_SPACES = re.compile(r"[ \t]+")
_SPACE_BEFORE_UNIT = re.compile(r"\s{1,40}(?=[\[(/])|(?<=/)\s{1,40}")

Line = tuple[int, str]  # number from 0, text


@dataclass(frozen=True, slots=True)
class Dialect:
    """Delimiter of a text table.

    Parameters
    ----------
    delimiter : str
        Empty for runs of spaces.

    Examples
    --------
    >>> Dialect(";").split("1,5;;2;"), Dialect("").split(" 1 2  3")
    (['1,5', '', '2', ''], ['1', '2', '3'])
    """

    delimiter: str

    def split(self, line: str) -> list[str]:
        """Return the cells of a line."""
        if len(line) > _LONGEST_LINE:
            return []
        if not self.delimiter:
            # a no-break or narrow space separates thousands, not columns
            return line.split() if line.isascii() else [c for c in _SPACES.split(line) if c]
        if '"' in line and self.delimiter != "\t":
            try:
                return next(csv.reader([line], delimiter=self.delimiter), [])
            except csv.Error:  # a cell longer than the csv module accepts
                return []
        return line.split(self.delimiter)

    def filled(self, line: str) -> list[str]:
        """Return the cells of a line, without empty ones at the end."""
        cells = self.split(line)
        while cells and not cells[-1].strip():
            cells.pop()
        return cells

    def score(self, line: str) -> int:
        """Return the excess of cells with a number over the others; 0 for a line that is not a row."""
        cells = self.filled(line)
        n_numbers = sum(map(is_number, cells))
        if (
            self.delimiter == "," and '"' not in line
        ):  # between decimal commas, a space separates columns rather than thousands
            n_numbers -= sum(is_number(cell) for cell in cells if " " in cell.strip())
        return max(0, 2 * n_numbers - len(cells) + 1) if n_numbers >= 2 else 0


_DIALECTS = tuple(map(Dialect, (";", "\t", ",", "")))


@dataclass(frozen=True, slots=True)
class TextTable:
    """Position and dialect of the first table in a text.

    Parameters
    ----------
    lines : list of (int, str)
        All lines of the text that are not empty, with their numbers from 0.
    dialect : Dialect
    first : int
        Index in ``lines`` of the first row.
    width : int
        Number of cells in a row.
    """

    lines: list[Line]
    dialect: Dialect
    first: int
    width: int

    @property
    def preamble(self) -> list[Line]:
        """The last 200 lines above the table."""
        return self.lines[max(0, self.first - _PREAMBLE) : self.first]

    def rows(self) -> list[NumberedRow]:
        """Return line (from 1) and cells of each row, comments omitted."""
        return [
            (number + 1, self.dialect.split(line))
            for number, line in self.lines[self.first :]
            if not _is_comment(line)
        ]

    def header_cells(self, line: str, has_index: bool = False) -> Iterator[list[str]]:
        """Yield all divisions of a line into as many names as there are columns.

        The delimiter of the rows comes first, then tabs, several spaces, semicolons and commas.

        Parameters
        ----------
        line : str
        has_index : bool
            Whether the first column counts the rows; often it has no name.
        """
        if len(line) > _LONGEST_LINE:
            return
        if _is_comment(line):
            line = line.strip().lstrip("#%!/ ")
        delimiter, width = self.dialect.delimiter, self.width
        divisions = [self.dialect.filled(line) if delimiter else _SPACE_BEFORE_UNIT.sub("", line).split()]
        divisions += [re.split(pattern, line.strip()) for pattern in (r"\t+", r"\s{2,40}|\t", ";", ",")]
        yield from (cells for cells in divisions if len(cells) == width)
        if has_index:
            yield from (["", *cells] for cells in divisions if len(cells) == width - 1)
        if delimiter and len(divisions[0]) > width:  # the last cells of the rows are empty
            yield divisions[0]

    def units_below(
        self, place: int, is_unit: Callable[[str], bool], proves: Callable[[str], bool] = lambda cell: False
    ) -> list[str]:
        """Return the row of units within two lines below a line of the preamble, empty if there is none.

        Parameters
        ----------
        place : int
            Index of the line in :attr:`preamble`.
        is_unit : callable
            Whether a cell is a unit; two or more of them make a row of units.
        proves : callable
            Whether a unit makes the row one of units on its own.
        """
        for _, line in self.preamble[place + 1 : place + 3]:
            for cells in self.header_cells(line):
                if sum(map(is_unit, cells)) >= 2 or any(map(proves, cells)):
                    return cells
        return []


def find_table(content: FileContent) -> TextTable:
    """Return the first table of numbers in a text.

    Raises
    ------
    ReaderError
        If no three successive lines are rows of numbers.
    """
    lines = [(i, line) for i, line in enumerate(content.lines) if line.strip()]
    dialect = _find_dialect(content, [line for _, line in lines if not _is_comment(line)])
    widths: list[int] = []
    for k, (_, line) in enumerate(lines):
        is_row = not _is_comment(line) and dialect.score(line) > 0
        widths = [*widths, len(dialect.filled(line))] if is_row else []
        last = widths[-_CONSECUTIVE:]
        # trailing cells may be empty, so rows of a wide table differ in width
        if len(last) == _CONSECUTIVE and (len(set(last)) == 1 or min(last) >= 3):
            first = k - _CONSECUTIVE + 1
            # lines of numbers above are rows too, in a style or number of cells that is refused later
            while first > 0 and is_all_numbers(lines[first - 1][1]):
                first -= 1
            return TextTable(lines, dialect, first, max(last))
    raise content.error(
        f"no table of numbers; expected at least {_CONSECUTIVE} successive rows of frequency and impedance"
    )


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(_COMMENT)


def _find_dialect(content: FileContent, lines: Sequence[str]) -> Dialect:
    step = max(1, len(lines) // _SAMPLE)
    # the end of the file is table where any is, so most of the sample comes from there
    sample = [*lines[len(lines) // 2 :: step], *lines[:: 2 * step]]
    joined = "".join(sample)
    occurring = [dialect for dialect in _DIALECTS if dialect.delimiter in joined]
    for dialect in occurring:
        if dialect.delimiter not in ("\t", ";"):  # between these, numbers may have any marks
            continue
        rows = [cells for cells in map(dialect.filled, sample) if len(cells) > 1 and any(map(is_number, cells))]
        if len(rows) > len(sample) / 2 and all(is_number(cell) for cells in rows for cell in cells):
            return dialect
    scores = [sum(map(dialect.score, sample)) for dialect in occurring]
    if not any(scores):
        raise content.error(
            "no table of numbers; expected frequency and impedance, separated by comma, semicolon, tab or spaces"
        )
    return occurring[scores.index(max(scores))]
