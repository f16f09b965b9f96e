"""Numbers and dates as instruments and spreadsheets write them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from eistool.typing import FloatArray

_DATE = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SPELLED = re.compile(rf"({'|'.join(_MONTHS)})[a-z]*\.? (\d{{1,2}}), (\d{{4}})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*([AaPp][Mm])?")

# all spaces (no-break, narrow, thin, figure) and apostrophes that separate thousands, and two other minus signs;
# 0x92 is the apostrophe of cp1252
_PLAIN = str.maketrans(
    dict.fromkeys("\u00a0\u202f\u2009\u2007\u2008", " ")
    | dict.fromkeys("’‘ʼ´`\x92", "'")
    | dict.fromkeys("−–", "-")
)
_MARK = re.compile("[,'\u00a0\u202f\u2009\u2007\u2008’‘ʼ´`\x92−–dD]|[0-9] [0-9]")
# a point that cannot separate thousands: not in front of three digits, or not behind one to three of them
_DECIMAL_POINT = re.compile(r"(?<![\d.])(?:0\d*|\d{4,})?\.\d|\.\d{0,2}(?![\d])|\.\d{4}|\.\d+[eE]")
_LONGEST = 60  # characters of a number
_STARTS = frozenset("0123456789+-.,")
_GROUPING = ("", ",", ".", "'", " ")


@dataclass(frozen=True)
class NumberStyle:
    """Decimal mark and thousands separator of all numbers in a table.

    Parameters
    ----------
    decimal : {".", ","}
    thousands : {"", ",", ".", "'", " "}
        All kinds of spaces and of apostrophes count as one.

    Examples
    --------
    >>> NumberStyle(",", ".").parse("1.250,5"), NumberStyle(".").parse("1.250"), NumberStyle(".").parse("1,5")
    (1250.5, 1.25, nan)
    """

    decimal: str = "."
    thousands: str = ""

    def parse(self, text: str) -> float:
        """Return the number in a cell, nan for other text and for numbers of another style."""
        if self.decimal == "." and not self.thousands:
            try:
                return math.nan if "_" in text else float(text)
            except ValueError:
                pass
        text = text.strip().translate(_PLAIN)
        if not self.fits(text):
            return _word(text)
        if self.thousands:
            text = text.replace(self.thousands, "")
        return float(text.replace(",", ".").replace("D", "e").replace("d", "e"))

    def parse_all(self, cells: Sequence[str]) -> FloatArray:
        """Return the numbers in some cells, nan for other text, shape (n_cells,)."""
        if self == POINT and "_" not in "".join(cells):
            try:
                return np.array(list(map(float, cells)), dtype=np.float64)
            except ValueError:
                pass
        return np.array([self.parse(cell) for cell in cells], dtype=np.float64)

    def fits(self, text: str) -> bool:
        """Return whether a text, with plain spaces and apostrophes, is a number of this style."""
        return len(text) <= _LONGEST and self._pattern.fullmatch(text) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        mark = re.escape(self.decimal)
        exponent = r"(?:[eEdD][-+]?[0-9]+)?"
        if not self.thousands:
            return re.compile(rf"[-+]?(?:[0-9]+{mark}?[0-9]*|{mark}[0-9]+){exponent}")
        # long numbers are grouped, and those with an exponent are not
        separator = re.escape(self.thousands)
        return re.compile(
            rf"[-+]?(?:[1-9][0-9]{{0,2}}(?:{separator}[0-9]{{2,3}})*{separator}[0-9]{{3}}(?:{mark}[0-9]*)?"
            rf"|(?:[0-9]{{1,4}}{mark}?[0-9]*|{mark}[0-9]+){exponent})"
        )


POINT, COMMA = NumberStyle("."), NumberStyle(",")
STYLES = tuple(
    NumberStyle(decimal, thousands) for thousands in _GROUPING for decimal in ".," if thousands != decimal
)


def _word(text: str) -> float:
    """Return inf or nan for their names, nan for other words."""
    try:
        return float(text) if text.lstrip("+-").isalpha() else math.nan
    except ValueError:
        return math.nan


def is_number(cell: str) -> bool:
    """Return whether a cell is a number in any style.

    Examples
    --------
    >>> [is_number(cell) for cell in ("1.5e-3", "1'000,5", "1.5.2", "2 V", "")]
    [True, True, False, False, False]
    """
    try:
        float(cell)
    except ValueError:
        cell = cell.strip().strip('"').translate(_PLAIN)
        return cell[:1] in _STARTS and any(style.fits(cell) for style in STYLES)
    return "_" not in cell and not cell.strip()[-1].isalpha()


def find_styles(cells: Sequence[str]) -> list[NumberStyle]:
    """Return the styles in which all numbers of a table can be read, those with other values apart.

    Cells that are numbers in no style are passed over.

    Parameters
    ----------
    cells : sequence of str

    Returns
    -------
    list of NumberStyle
        Several if their numbers differ and nothing in the cells decides; the most usual first. Empty if no
        style fits all numbers.

    Examples
    --------
    >>> find_styles(["1.000", "0.5"]), find_styles(["1,250.5", "3"])
    ([NumberStyle(decimal='.', thousands='')], [NumberStyle(decimal='.', thousands=',')])
    >>> len(find_styles(["1.000", "250"])), find_styles(["1,5", "1.5"])
    (2, [])
    """
    joined = "\n".join(cells)
    if _MARK.search(joined) is None:
        if "." not in joined or _DECIMAL_POINT.search(joined):
            return [POINT]
        candidates = [POINT, NumberStyle(",", ".")]
        numbers = {cell.strip() for cell in cells if "." in cell}
    else:
        candidates = list(STYLES)
        numbers = {cell.strip().translate(_PLAIN) for cell in cells}
    numbers = {cell for cell in numbers if any(style.fits(cell) for style in STYLES)}
    candidates = [style for style in candidates if all(style.fits(number) for number in numbers)]
    distinct: dict[tuple[float, ...], NumberStyle] = {}
    for style in candidates:
        distinct.setdefault(tuple(style.parse(number) for number in numbers), style)
    return list(distinct.values())


def parse_unambiguous(text: str, style: NumberStyle | None = None) -> float:
    """Return the number in a setting above a table, nan if it is ambiguous.

    Parameters
    ----------
    text : str
    style : NumberStyle, optional
        Of the table, which decides.

    Examples
    --------
    >>> parse_unambiguous("0,5"), parse_unambiguous("1,000"), parse_unambiguous("1,000", COMMA)
    (0.5, nan, 1.0)
    """
    if style is not None and not math.isnan(value := style.parse(text)):
        return value
    styles = find_styles([text])
    return styles[0].parse(text) if len(styles) == 1 else math.nan


def parse_number(text: str) -> float:
    """Return the number in a cell with a decimal point, nan for other text."""
    return POINT.parse(text)


def parse_number_any(text: str) -> float:
    """Return the number in a setting of an instrument, which has either decimal mark and no thousands separator.

    Examples
    --------
    >>> parse_number_any("4,000e+01"), parse_number_any("1.131"), parse_number_any("1,000.5")
    (40.0, 1.131, nan)
    """
    value = POINT.parse(text)
    return COMMA.parse(text) if math.isnan(value) else value


def parse_datetime(date: str, time: str = "") -> str | None:
    """Return a date and a time as ISO 8601, None for other text.

    With slashes or dashes the month comes first, as in the programs of the instruments, unless it exceeds
    12; with points the day comes first.

    Examples
    --------
    >>> parse_datetime("02/04/2018 10:02:46"), parse_datetime("31.08.2020", "4:39:19 PM")
    ('2018-02-04T10:02:46', '2020-08-31T16:39:19')
    >>> parse_datetime("Thursday, July 19, 2018", "9:40:30 AM")
    '2018-07-19T09:40:30'
    """
    spelled = _SPELLED.search(date)
    if spelled is not None:
        date = f"{spelled[3]}-{_MONTHS.index(spelled[1]) + 1}-{spelled[2]} {date[spelled.end() :]}"
    match = _DATE.search(date)
    if match is None:
        return None
    first, middle, last = int(match[1]), int(match[3]), int(match[4])
    if len(match[1]) == 4:
        year, month, day = first, middle, last
    elif match[2] == "." or first > 12:
        day, month, year = first, middle, last
    else:
        month, day, year = first, middle, last
    year += 2000 if year < 100 else 0
    clock = _TIME.search(f"{date[match.end() :]} {time}")
    hour, minute, second, microsecond = _clock(clock)
    try:
        return datetime(year, month, day, hour, minute, second, microsecond).isoformat()
    except ValueError:
        return None


def _clock(match: re.Match[str] | None) -> tuple[int, int, int, int]:
    if match is None:
        return 0, 0, 0, 0
    hour = int(match[1])
    if match[5]:
        hour = hour % 12 + (12 if match[5].lower() == "pm" else 0)
    return hour, int(match[2]), int(match[3] or 0), int((match[4] or "0")[:6].ljust(6, "0"))
