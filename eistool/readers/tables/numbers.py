"""Numbers and dates as instruments and spreadsheets write them."""

import math
import re
from datetime import datetime

_DATE = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SPELLED = re.compile(rf"({'|'.join(_MONTHS)})[a-z]*\.? (\d{{1,2}}), (\d{{4}})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*([AaPp][Mm])?")


def parse_number(text: str, decimal: str = ".") -> float:
    """Return the number in a cell, nan for other text.

    Examples
    --------
    >>> parse_number(" 1,5E-3 ", ","), parse_number("1_000"), parse_number("12 mA")
    (0.0015, nan, nan)
    """
    if decimal == ",":
        if "." in text:
            return math.nan
        text = text.replace(",", ".")
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def parse_number_any(text: str) -> float:
    """Return the number in a cell whose decimal mark may be a point or a comma."""
    value = parse_number(text)
    return parse_number(text, ",") if math.isnan(value) else value


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
