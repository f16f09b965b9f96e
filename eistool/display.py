"""Text and HTML for the reprs of result objects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

MOST_DIGITS = 6
MOST_PRECISE = 1e-5  # relative errors that two more digits than that would show


def format_value(value: float, stderr: float | None = None) -> str:
    """Return ``value ± stderr`` with two digits of the error, or five digits without one.

    Parameters
    ----------
    value, stderr : float
        A number and its standard error in the same unit; a missing or non-finite error is left out.

    Examples
    --------
    >>> format_value(53.0512, 0.5012)
    '53.05 ± 0.50'
    >>> format_value(1.7270e-10, 6.4e-12)
    '(1.727 ± 0.064)e-10'
    >>> format_value(53.051234567, 1e-11)
    '53.0512 ± 1e-11'
    """
    if stderr is None or not math.isfinite(stderr) or stderr <= 0 or not math.isfinite(value):
        return f"{value:.5g}"
    largest = max(abs(value), stderr)
    exponent = math.floor(math.log10(largest))
    if -3 <= exponent < 5:
        exponent = 0
    scale = 10.0**exponent
    digits = max(0, 1 - math.floor(math.log10(stderr / scale)))
    if stderr < MOST_PRECISE * abs(value):  # data without noise
        return f"{value:.{MOST_DIGITS}g} ± {stderr:.1g}"
    text = f"{value / scale:.{digits}f} ± {stderr / scale:.{digits}f}"
    return f"({text})e{exponent:+03d}" if exponent else text


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML fragment: a heading and a table, every cell escaped.

    Parameters
    ----------
    title : str
        Shown in bold above the table.
    columns : sequence of str
        Header cells.
    rows : sequence of sequences
        Cells, turned into text with ``str``.
    """
    import pandas as pd

    frame = pd.DataFrame([[str(cell) for cell in row] for row in rows], columns=list(columns))
    return f"<p><b>{escape(title)}</b></p>\n{frame.to_html(index=False, border=0)}"


def plain(value: Any) -> Any:
    """Return a value made of dicts, lists, text and numbers as strict JSON knows them.

    Missing and infinite numbers become None, dataclasses dicts.

    Examples
    --------
    >>> plain({"a": (1.0, math.nan)})
    {'a': [1.0, None]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


class Shown:
    """Gives a small dataclass ``to_dict()`` and an HTML repr."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain Python objects; None for missing numbers."""
        as_dict: dict[str, Any] = plain(self)
        return as_dict

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, ("", "value"), list(self.to_dict().items()))
