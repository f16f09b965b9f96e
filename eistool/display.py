"""Text and HTML for the reprs of result objects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

MAX_DIGITS = 6  # of any number in a repr: further digits differ between processors
MIN_ERROR = 1e-5  # relative error below which its two digits would exceed MAX_DIGITS


def format_value(value: float, stderr: float | None = None) -> str:
    """Return ``value ± stderr`` with two digits of the error, or five digits without one.

    Parameters
    ----------
    value, stderr : float
        Number and standard error in the same unit; a missing or non-finite error is omitted.

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
    if stderr < MIN_ERROR * abs(value):  # data without noise
        return f"{value:.{MAX_DIGITS}g} ± {stderr:.1g}"
    text = f"{value / scale:.{digits}f} ± {stderr / scale:.{digits}f}"
    return f"({text})e{exponent:+03d}" if exponent else text


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML fragment with a heading and a table, with all cells escaped.

    Parameters
    ----------
    title : str
        Heading, in bold.
    columns : sequence of str
        Header cells.
    rows : sequence of sequences
        Cells, converted with ``str``.
    """
    import pandas as pd

    frame = pd.DataFrame([[str(cell) for cell in row] for row in rows], columns=list(columns))
    return f"<p><b>{escape(title)}</b></p>\n{frame.to_html(index=False, border=0)}"


def plain(value: Any) -> Any:
    """Convert a value to dicts, lists, strings and numbers of strict JSON.

    NaN and infinite numbers become None, dataclasses become dicts.

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
    """Mixin with ``to_dict()`` and an HTML repr for small dataclasses."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain Python objects, with None for NaN and infinite numbers."""
        as_dict: dict[str, Any] = plain(self)
        return as_dict

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, ("", "value"), list(self.to_dict().items()))
