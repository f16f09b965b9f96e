"""Metadata in the text above a table: date, amplitude, bias and area."""

import math
import re
from collections.abc import Sequence

from eistool.readers.tables.numbers import NumberStyle, parse_datetime, parse_unambiguous
from eistool.spectrum import Metadata

_MOST_LINES = 300
_LONGEST_LINE = 400
_NUMBER = r"([-+]?\d[\d.,]*(?:[eE][-+]?\d+)?)"
_AMPLITUDE = re.compile(
    rf"^(?:AC\s+)?(?:Amplitude|Vac|Eac)\s*[(\[]?\s*(m?V)[^=:]*[=:]\s*{_NUMBER}\s*$", re.IGNORECASE
)
_BIAS = re.compile(
    rf"^(?:Init E|DC potential|E dc|Edc|Bias)\s*[(\[]?\s*(m?V)[^=:]*[=:]\s*{_NUMBER}\s*$", re.IGNORECASE
)
_AREA = re.compile(
    rf"^(?:Electrode|Surface|Sample)?\s*Area\s*[(\[]?\s*cm\^?[2²][^=:]*[=:]\s*{_NUMBER}\s*$", re.IGNORECASE
)
_DATE = re.compile(
    r"(?:Date and time measurement|Date|Started|Acquisition started on|Measured)\s*[:=]\s*(.*\d.*)", re.IGNORECASE
)
_SPELLED_DATE = re.compile(r"[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}\s+\d{1,2}:\d{2}")
_EXPORTED = re.compile(r"export", re.IGNORECASE)


def preamble_metadata(lines: Sequence[str], style: NumberStyle | None = None) -> Metadata:
    """Return the unambiguous metadata in the lines above a table.

    Parameters
    ----------
    lines : sequence of str
    style : NumberStyle, optional
        Decimal mark and thousands separator of the table.

    Examples
    --------
    >>> preamble_metadata(["Feb. 20, 2020   15:55:08", "Init E (V) = 0.1", "Amplitude (V) = 0.025"])
    Metadata(started_at='2020-02-20T15:55:08', amplitude_mV=25, bias_V=0.1)
    """
    values: dict[str, object] = {}
    # the date of an export is not the date of the measurement
    dated = not any(_EXPORTED.search(line) for line in lines[:2])
    for line in (line.strip().lstrip("#% ") for line in lines[:_MOST_LINES] if len(line) <= _LONGEST_LINE):
        if _SPELLED_DATE.match(line):
            values.setdefault("started_at", parse_datetime(line))
        elif (date := _DATE.match(line)) is not None and dated:
            values.setdefault("started_at", parse_datetime(date[1]))
        elif (amplitude := _AMPLITUDE.match(line)) is not None:
            values.setdefault(
                "amplitude_mV", _positive(amplitude[2], 1.0 if amplitude[1][0] == "m" else 1e3, style)
            )
        elif (bias := _BIAS.match(line)) is not None:
            values.setdefault("bias_V", _finite(bias[2], 1e-3 if bias[1][0] == "m" else 1.0, style))
        elif (area := _AREA.match(line)) is not None:
            values.setdefault("area_cm2", _positive(area[1], 1.0, style))
    return Metadata().updated("file header", **values)


def _finite(text: str, scale: float, style: NumberStyle | None) -> float | None:
    value = parse_unambiguous(text, style) * scale
    return value if math.isfinite(value) else None


def _positive(text: str, scale: float, style: NumberStyle | None) -> float | None:
    value = _finite(text, scale, style)
    return value if value is not None and value > 0 else None
