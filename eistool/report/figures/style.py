"""Style of figures for papers: widths of journals, sizes, colours, and formats."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTHS_MM = {"single": 85.0, "onehalf": 120.0, "double": 175.0}  # columns of most journals
FORMATS = ("pdf", "svg", "eps", "png")
DPI = 600  # of PNG, as journals ask for line art
MM = 1 / 25.4  # inch
# Okabe and Ito, Color Universal Design, 2008: distinguishable by colour-blind readers and in print
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7a6a00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_STYLE: Any = {
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "legend.fontsize": 7.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.2,
    "legend.frameon": False,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "pdf.fonttype": 42,  # text stays text in an editor
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "eistool",  # equal figures are equal files
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Apply the style to figures made and saved in the block."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        yield


def new_figure(width: str = "single", ratio: float = 0.8) -> "Figure":
    """Return an empty figure of a journal's width, whose layout keeps all labels inside.

    Parameters
    ----------
    width : {"single", "onehalf", "double"}
        85, 120 or 175 mm.
    ratio : float
        Height relative to the width.
    """
    from matplotlib.figure import Figure

    inches = WIDTHS_MM[width] * MM
    return Figure(figsize=(inches, inches * ratio), layout="constrained")


def save(figure: "Figure", kind: str) -> bytes:
    """Return a figure as a file of one of :data:`FORMATS`, without a date."""
    dateless: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
        "svg": {"Date": None, "Creator": None},
        "eps": {"Creator": "eistool"},
        "png": {"Software": None},
    }
    buffer = io.BytesIO()
    with paper_style():
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=dateless[kind])
    return buffer.getvalue()
