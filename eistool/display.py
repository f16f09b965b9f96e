"""Text and HTML for the reprs of result objects."""

import math
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")
BAR_INTERVAL = 1.0  # s, between changes of a bar in a notebook
MAX_DIGITS = 6  # of any number in a repr: further digits differ between processors
PLOT_WIDTH, PLOT_HEIGHT, PLOT_MARGIN = 260, 170, 6  # pixels of a plot in a repr
MIN_ERROR = 1e-5  # relative error below which its two digits would exceed MAX_DIGITS


def format_value(value: float, stderr: float | None = None) -> str:
    """Return ``value ± stderr`` with two digits of the error, or five digits without one.

    Parameters
    ----------
    value, stderr : float
        Number and standard error in the same unit; an error that is missing, not finite, or too small for six
        digits of the number is omitted.

    Examples
    --------
    >>> format_value(53.0512, 0.5012)
    '53.05 ± 0.50'
    >>> format_value(1.7270e-10, 6.4e-12)
    '(1.727 ± 0.064)e-10'
    >>> format_value(53.051234567, 1e-11)
    '53.0512'
    >>> format_value(9.051234567, 9.4e-5)
    '9.05123 ± 0.00009'
    """
    if stderr is None or not math.isfinite(stderr) or stderr <= 0 or not math.isfinite(value):
        return f"{value:.5g}"
    largest = float(f"{max(abs(value), stderr):.{MAX_DIGITS - 1}e}")
    exponent = math.floor(math.log10(largest))
    if -3 <= exponent < 5:
        exponent = 0
    scale = 10.0**exponent
    digits = max(0, 1 - math.floor(math.log10(stderr / scale)))
    digits = min(digits, MAX_DIGITS - 1 - math.floor(math.log10(largest / scale)))
    if stderr < MIN_ERROR * abs(value):  # data without noise
        return f"{value:.{MAX_DIGITS}g}"
    text = f"{value / scale:.{digits}f} ± {stderr / scale:.{digits}f}"
    return f"({text})e{exponent:+03d}" if exponent else text


def format_fixed(value: float, decimals: int, sign: str = "") -> str:
    """Return a number with fixed decimals, or fewer where they would make more than six digits.

    Parameters
    ----------
    value : float
        The number.
    decimals : int
        Digits after the point.
    sign : str
        "+" to print the sign of positive values too.

    Examples
    --------
    >>> format_fixed(-831.5219, 1), format_fixed(31415.9265, 2), format_fixed(1850442.327, 1, "+")
    ('-831.5', '31415.9', '+1.85044e+06')
    """
    text = f"{value:{sign}.{decimals}f}"
    return text if sum(map(str.isdigit, text)) <= MAX_DIGITS else f"{value:{sign}.{MAX_DIGITS}g}"


def format_percent(share: float, decimals: int) -> str:
    """Return a share in percent, as :func:`format_fixed` prints it.

    Examples
    --------
    >>> format_percent(0.012345, 2)
    '1.23%'
    """
    return f"{format_fixed(100 * share, decimals)}%"


def brief(value: Any, quoted: bool = False) -> str:
    """Return a value as text, its numbers with at most six significant digits.

    Parameters
    ----------
    value : object
        A number, text, or a mapping or sequence of them; anything else is printed with ``str``.
    quoted : bool
        Print text in quotes and other objects with ``repr``, as inside a container.

    Examples
    --------
    >>> brief(20.51761976145373)
    '20.5176'
    >>> brief({"R1": (1 / 3, 12345678)})
    "{'R1': (0.333333, 12345678)}"
    """
    if isinstance(value, float):
        return f"{value:.{MAX_DIGITS}g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {brief(item, quoted=True)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        items = ", ".join(brief(item, quoted=True) for item in value)
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"
    return repr(value) if quoted else str(value)


def brief_repr(record: Any) -> str:
    """Return the repr of a small dataclass, its numbers with at most six significant digits."""
    shown = [field.name for field in fields(record) if field.repr]
    items = ", ".join(f"{name}={brief(getattr(record, name), quoted=True)}" for name in shown)
    return f"{type(record).__name__}({items})"


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML fragment with a heading and a table, with all cells escaped.

    Parameters
    ----------
    title : str
        Heading, in bold.
    columns : sequence of str
        Header cells.
    rows : sequence of sequences
        Cells, converted to text with :func:`brief`.
    """
    import pandas as pd

    frame = pd.DataFrame([[brief(cell) for cell in row] for row in rows], columns=list(columns))
    return f"<p><b>{escape(title)}</b></p>\n{frame.to_html(index=False, border=0)}"


def html_plot(
    title: str, points: Sequence[tuple[float, float]], line: Sequence[tuple[float, float]] = (), equal: bool = True
) -> str:
    """Return an HTML fragment with a small plot for the repr of a result: points, and a line over them.

    It is drawn as SVG, so that a repr needs no plotting library and stays small.

    Parameters
    ----------
    title : str
        Description for screen readers.
    points, line : sequence of (float, float)
        Coordinates; those that are not finite are skipped.
    equal : bool
        Whether both axes have one scale.
    """
    points, line = (
        [(float(x), float(y)) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]
        for pairs in (points, line)
    )
    both = [*points, *line]
    if not both:
        return ""
    left, right = (end(x for x, _ in both) for end in (min, max))
    bottom, top = (end(y for _, y in both) for end in (min, max))
    wide, high = PLOT_WIDTH - 2 * PLOT_MARGIN, PLOT_HEIGHT - 2 * PLOT_MARGIN
    per_x, per_y = (size / (span or 1.0) for size, span in ((wide, right - left), (high, top - bottom)))
    if equal:
        per_x = per_y = min(per_x, per_y)

    def place(x: float, y: float) -> tuple[str, str]:
        across, down = PLOT_MARGIN + per_x * (x - left), PLOT_HEIGHT - PLOT_MARGIN - per_y * (y - bottom)
        return f"{across:.1f}", f"{down:.1f}"

    path = " ".join(f"{x},{y}" for x, y in (place(*pair) for pair in line))
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2"/>' for x, y in (place(*pair) for pair in points))
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}">'
        f'<g fill="#1f77b4">{dots}</g>'
        f'<polyline points="{path}" fill="none" stroke="#d62728" stroke-width="1.5"/></svg>'
    )


def with_bar(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield items, and show a bar in a notebook that has waited for a second.

    Parameters
    ----------
    items : iterable
        Items that take time.
    total : int
        Their number.
    label : str
        Text beside the bar.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel") or threading.current_thread() is not threading.main_thread():
        yield from items
        return
    show: Any = sys.modules["IPython"].display
    started = shown = time.monotonic()
    bar = None
    for done, item in enumerate(items, start=1):
        now = time.monotonic()
        if now - shown > BAR_INTERVAL:
            shown, left = now, (now - started) * (total - done) / done
            text = f"{escape(label)} {done}/{total}, {left:.0f} s left"
            html = show.HTML(f'<progress value="{done}" max="{total}"></progress> {text}')
            bar = show.display(html, display_id=True) if bar is None else bar.update(html) or bar
        yield item
    if bar is not None:
        bar.update(show.HTML(f"{escape(label)} {total}/{total} in {time.monotonic() - started:.0f} s"))


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


class Tabular:
    """Mixin with ``to_dataframe()`` for results with ``to_dict()``."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python objects."""
        raise NotImplementedError

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas table with one row: numbers and texts, those of parts as ``part.name``; no lists."""
        import pandas as pd

        frame = pd.json_normalize(self.to_dict())
        return frame[[name for name in frame if not isinstance(frame[name].iloc[0], list | tuple | dict)]]


class Shown(Tabular):
    """Mixin with ``to_dict()``, and reprs that print numbers with at most six digits.

    A dataclass without a ``__repr__`` of its own is declared with ``repr=False``.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain Python objects, with None for NaN and infinite numbers."""
        as_dict: dict[str, Any] = plain(self)
        return as_dict

    def __repr__(self) -> str:
        return brief_repr(self)

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, ("", "value"), list(self.to_dict().items()))
