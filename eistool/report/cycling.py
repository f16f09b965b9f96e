"""Pictures of cycling records: voltage over time and charge, with numbered spectra."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eistool.report.nyquist import DATA, DPI, FIT
from eistool.report.png import to_png
from eistool.spectrum import Profile
from eistool.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"charge": FIT, "discharge": DATA, None: "0.45"}
_MOST_NUMBERS = 25  # with more spectra, every second, fifth, tenth ... is numbered


@dataclass(frozen=True, slots=True)
class SpectrumMark:
    """Position of a spectrum: time in the record in s, and direction."""

    seconds: float
    direction: str | None


def profile_to_png(profile: Profile, marks: Sequence[SpectrumMark]) -> bytes:
    """Return a PNG picture of voltage over time and over charge, with the spectra numbered from 1.

    Parameters
    ----------
    profile : Profile
        Cycling record.
    marks : sequence of SpectrumMark
        Spectra in the order of their numbers.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.6), dpi=DPI)
    figure.text(0.075, 0.965, profile.source, fontsize=12, fontweight="bold", va="top", parse_math=False)
    over_time = figure.add_axes((0.075, 0.125, 0.52, 0.73))
    over_charge = figure.add_axes((0.665, 0.125, 0.31, 0.73), sharey=over_time)
    hours = profile.time_s / 3600
    seconds = np.array([mark.seconds for mark in marks])
    rows = np.clip(np.searchsorted(profile.time_s, seconds, side="right") - 1, 0, len(profile) - 1)
    voltage = profile.voltage_V[rows] if marks else seconds
    charge = np.interp(seconds, profile.time_s, profile.capacity_mAh) if marks else seconds
    _draw(over_time, hours, profile.voltage_V, seconds / 3600, voltage, marks)
    _draw(over_charge, profile.capacity_mAh, profile.voltage_V, charge, voltage, marks)
    over_time.set_xlabel("time / h")
    over_time.set_ylabel("voltage / V")
    over_charge.set_xlabel("charge since the beginning / mAh")
    over_charge.tick_params(labelleft=False)
    for direction in dict.fromkeys(mark.direction for mark in marks):
        over_time.plot([], [], "o", color=_COLOURS[direction], label=direction or "direction unknown")
    if marks:
        over_time.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=9, frameon=False)
    return to_png(figure)


def _draw(
    axes: "Axes", x: FloatArray, y: FloatArray, at: FloatArray, voltage: FloatArray, marks: Sequence[SpectrumMark]
) -> None:
    from matplotlib.patheffects import withStroke

    rising = bool((np.diff(x) >= 0).all())  # over time, the curve of a discharge does not cross its numbers
    axes.plot(x, y, color="0.55", linewidth=1.2, zorder=2)
    step = next(n for n in (1, 2, 5, 10, 20, 50, 100, 10**9) if len(marks) <= n * _MOST_NUMBERS)
    for number, (mark, left, up) in enumerate(zip(marks, at, voltage, strict=True), start=1):
        colour = _COLOURS[mark.direction]
        axes.plot(left, up, "o", color=colour, markersize=5.0, zorder=3)
        if number in (1, len(marks)) or number % step == 0:
            right, below = mark.direction == "discharge", mark.direction == "discharge" and not rising
            axes.annotate(
                str(number),
                (left, up),
                xytext=(5 if right else -5, -4 if below else 4),
                textcoords="offset points",
                ha="left" if right else "right",
                va="top" if below else "bottom",
                fontsize=9,
                fontweight="bold",
                color=colour,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
    axes.margins(x=0.06, y=0.12)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
