"""Rows that are cut off, or have lost or gained a cell."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from eistool.errors import SpectrumError
from eistool.readers.notes import WARNING
from eistool.readers.tables.numbers import is_number

NumberedRow = tuple[int, list[str]]  # line from 1, cells

_MOST_NAMED = 5
_MOST_TORN = 0.2  # share of rows beyond which the table itself is misunderstood
_FEWEST_OF_WIDTH = 3  # rows as wide as the header that prove such rows
_FEWEST_OF_DIGITS = 20  # rows that prove a number of digits
_FEWEST_ALIKE = 8  # rows that prove a format
_LONGEST = 60  # characters of a number
_COMPARED = 200  # rows before the last one
_NUMBER = re.compile(r"(?=[^eE]*[0-9])[-+]?0*([0-9]*)(?:[.,](0*)([0-9]*))?([eE][-+]?[0-9]+)?")
_SEPARATORS = re.compile(r"[\s;,\"]+")
_PART = re.compile(r"[-+−]?[0-9.'’]*[0-9][0-9.'’]*(?:[eE][-+]?[0-9]+)?")
# cells that may be one number: 1,000.5 in all rows; 5,25 or 1 250,5 in rows with too many cells
_GROUP = re.compile(r"[-+]?[1-9][0-9]{0,2},0[0-9]{2}(?:[.,][0-9]*)?")
_DIVIDED = MappingProxyType(
    {
        ",": re.compile(r"[-+]?[0-9]+,[0-9]+(?:[.eE].*)?"),
        "": re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}(?:[.,][0-9]*)?"),
    }
)


@dataclass(frozen=True, slots=True)
class IntactRows:
    """Rows of a table that are whole.

    Parameters
    ----------
    rows : list of (int, list of str)
        Lines from 1, and cells.
    warnings : tuple of str
        The lines that were left out, and why.
    cut : bool
        Whether the table ends within a row.
    """

    rows: list[NumberedRow]
    warnings: tuple[str, ...] = ()
    cut: bool = False


def intact_rows(
    rows: Sequence[NumberedRow], width: int | None = None, *, ended: bool = True, delimiter: str = "\t"
) -> IntactRows:
    """Return the rows that are whole, and a warning with the lines of the others.

    Parameters
    ----------
    rows : sequence of (int, list of str)
        Lines from 1, and cells. Lines without numbers stay.
    width : int, optional
        Number of names in the header, a second possible width.
    ended : bool
        Whether the last row has a line end.
    delimiter : str
        Between the cells; a comma or a space may also be part of a number.

    Raises
    ------
    SpectrumError
        If more than a fifth of the rows have another number of cells than the others, or a number is divided.

    Examples
    --------
    >>> intact_rows([(1, ["10", "5", "-1"]), (2, ["1", "6", "-2"]), (3, ["0.1", "7"])]).warnings
    ('warning: line 3 has 2 cells instead of 3: left out',)
    """
    numeric = [(line, cells) for line, cells in rows if _is_row(cells)]
    if not numeric:
        return IntactRows(list(rows))
    widths = [_filled(cells) for _, cells in numeric]
    counts = Counter(widths)
    usual = counts.most_common(1)[0][0]
    if width is not None and (usual > width or all(len(cells) < width for _, cells in numeric)):
        raise SpectrumError(
            f"line {numeric[0][0]} has {usual} cells under {width} names; expected as many names as cells: "
            "export the table again"
        )
    if delimiter in ("", ","):
        _check_divided(numeric, usual, delimiter)
    n_separated = Counter(len(cells) for _, cells in numeric).most_common(1)[0][0]
    beside = [usual, *widths, usual]
    torn = {}
    for k, (line, cells) in enumerate(numeric):
        n = widths[k]
        # blocks of rows may have two widths, as d.c. and a.c. points; one row between others of one width may not
        expected = beside[k] if beside[k] == beside[k + 2] else usual
        empty_at_end = n < expected and len(cells) == n_separated
        with_remark = n == width and n > expected and not any(map(is_number, cells[expected:]))
        in_block = (
            expected == usual and n == width and counts[n] >= _FEWEST_OF_WIDTH and n in (beside[k], beside[k + 2])
        )
        if n != expected and not (empty_at_end or with_remark or in_block):
            torn[line] = n
    if len(torn) > max(1, _MOST_TORN * len(numeric)):
        line, n = next(iter(torn.items()))
        raise SpectrumError(
            f"line {line} has {n} cells where others have {usual}, and so {len(torn)} of {len(numeric)} rows; "
            "expected one number per cell: export the table with another column separator or decimal mark"
        )
    warnings = []
    if torn:
        named = ", ".join(f"line {line} has {n} cells" for line, n in list(torn.items())[:_MOST_NAMED])
        more = f" and {len(torn) - _MOST_NAMED} more lines" if len(torn) > _MOST_NAMED else ""
        warnings.append(f"{WARNING}{named} instead of {usual}{more}: left out")
    last = numeric[-1][0]
    cut = last in torn or (not ended and rows[-1][0] > last)
    if not cut and not _is_complete([cells for _, cells in numeric], ended):
        torn[last], cut = 0, True
        reason = "is shorter than the others" if ended else "has no line end and may be cut off"
        warnings.append(f"{WARNING}the last row (line {last}) {reason}: left out")
    elif not ended and rows[-1][0] > last:
        warnings.append(f"{WARNING}line {rows[-1][0]} has no line end and is not a row: left out")
    return IntactRows([row for row in rows if row[0] not in torn], tuple(warnings), cut)


def _check_divided(rows: Sequence[NumberedRow], usual: int, delimiter: str) -> None:
    """Refuse numbers with marks that are also the column separator."""
    for line, cells in rows:
        pairs = list(pairwise(cell.strip() for cell in cells))
        pair = next((pair for pair in pairs if _GROUP.fullmatch(",".join(pair))), None)
        if pair is None and _filled(cells) > usual:
            pair = next((pair for pair in pairs if _DIVIDED[delimiter].fullmatch(",".join(pair))), None)
        if pair is not None:
            raise SpectrumError(
                f"line {line}: {pair[0]!r} and {pair[1]!r} may be one number, divided by the column separator; "
                "export the table with tabs or semicolons between the columns"
            )


def is_all_numbers(line: str) -> bool:
    """Return whether a line has two or more numbers, with any separators and marks, and nothing else."""
    parts = [part for part in _SEPARATORS.split(line) if part]
    return len(parts) >= 2 and all(len(part) <= _LONGEST and _PART.fullmatch(part) for part in parts)


def _is_row(cells: Sequence[str]) -> bool:
    if sum(map(is_number, cells[:4])) >= 2 or sum(map(is_number, cells)) >= 2:
        return True
    return is_all_numbers(" ".join(cells))


def _filled(cells: Sequence[str]) -> int:
    """Return the number of cells without the empty ones at the end."""
    n = len(cells)
    while n and not cells[n - 1].strip():
        n -= 1
    return n


def _is_complete(rows: Sequence[Sequence[str]], ended: bool) -> bool:
    """Return whether the last cell is complete: by a line end, or as its format shows."""
    if not rows[-1][-1].strip():  # a separator ends the line
        return True
    last = rows[-1][-1].strip().strip('"')
    above = [row[-1] for row in rows[-1 - _COMPARED : -1] if len(row) == len(rows[-1])]
    # the numbers of one long row have one format too
    others = [cell.strip().strip('"') for cell in (above if len(above) >= _FEWEST_ALIKE else rows[-1][:-1])]
    if len(others) < _FEWEST_ALIKE:
        return ended
    if {*others, last} == {last}:
        return True
    shapes = {_shape(cell) for cell in others}
    if len(shapes) == 1 and None not in shapes and max(next(iter(shapes)) or (0,)) >= (3 if ended else 1):
        return _shape(last) in shapes or (ended and not any(c in last for c in "123456789"))
    return ended or _has_all_digits(others, last, [cell for row in rows[-1 - _COMPARED :] for cell in row[:-1]])


def _shape(cell: str) -> tuple[int, int] | None:
    """Return the numbers of decimals and of characters in the exponent; None for other text."""
    match = _NUMBER.fullmatch(cell[:_LONGEST])
    return None if match is None else (len(match[2] or "") + len(match[3] or ""), len(match[4] or ""))


def _n_digits(match: re.Match[str]) -> int:
    """Return the number of significant digits."""
    return len((match[1] + (match[2] or "") if match[1] else "") + (match[3] or ""))


def _has_all_digits(others: Sequence[str], last: str, beside: Sequence[str]) -> bool:
    """Return whether most numbers have the same number of significant digits, none more, and the last one has it.

    A lost exponent leaves the digits, and is seen in the size of the number.
    """
    if len(others) < _FEWEST_OF_DIGITS:
        return False
    matches = [_NUMBER.fullmatch(cell[:_LONGEST]) for cell in [*others, last]]
    if any(match is None or match[4] for match in matches):
        return False
    digits = [_n_digits(match) for match in matches if match is not None]
    most = max(digits[:-1])
    numbers = (_NUMBER.fullmatch(cell.strip()[:_LONGEST]) for cell in beside)
    if any(match is not None and _n_digits(match) > most for match in numbers):
        return False
    usual = sum(n == most for n in digits[:-1]) >= 0.6 * len(others)
    size, before = (abs(float(cell.replace(",", "."))) for cell in (last, others[-1]))
    near = size > 0 and before > 0 and abs(math.log10(size / before)) < 1
    return usual and most >= 4 and digits[-1] == most and near
