"""Pictures of spectra and fits: Nyquist plot with equal scales, and residuals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.report.png import to_png
from eistool.report.ticks import Ticks, freeze
from eistool.report.units import format_hertz, ohm_unit
from eistool.typing import BoolArray, ComplexArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eistool.fitting import FitResult

DATA, FIT, REAL, IMAG = "#1f4e79", "#d1495b", "#1f4e79", "#e08e00"
READING = "#2a9d4f"
DPI = 110  # dots per inch of all pictures
LONGEST_TITLE, LONGEST = 100, 150  # characters in a line
MARGIN = 0.06  # relative to the side of the Nyquist plot
LABEL_SIZE = 0.15, 0.05  # of a frequency label, relative to the side
LABEL_OFFSET = 9.0  # points
LABEL_ROOM = 0.035  # the same, relative to the side
NEAR_ORIGIN = 0.25  # ratio of least to largest Z' below which the axis begins at 0
CLOSE_UP_BELOW = 0.08  # relative size of the high-frequency end below which it is enlarged
CLOSE_UP_SIDE = 0.36  # of the close-up, relative to the plot
CLOSE_UP_CORNERS = ((0.6, 0.12), (0.12, 0.56), (0.6, 0.56))  # the first that covers no data is used
LEAST_RESIDUAL = 0.5  # %, least half height of the axis of residuals


@dataclass(frozen=True, slots=True, eq=False)
class FitPicture:
    """Contents of a picture.

    Parameters
    ----------
    label, circuit, verdict : str
        Texts of the title.
    frequency : FloatArray, shape (n_freq,)
        Frequencies in Hz.
    impedance : ComplexArray, shape (n_freq,)
        Impedance in ohm.
    used : BoolArray, shape (n_freq,)
        False for masked points.
    fit : ComplexArray, shape (n_freq,), optional
        Fitted impedance in ohm; None without a fit.
    readings : ComplexArray, shape (n,), optional
        Points of the smooth curve in ohm where values were read.
    """

    label: str
    circuit: str
    verdict: str
    frequency: FloatArray
    impedance: ComplexArray
    used: BoolArray
    fit: ComplexArray | None = None
    readings: ComplexArray | None = None


class NyquistPlot:
    """Reusable figure for fits; its axes are created once."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(10.5, 5.2), dpi=DPI)
        # a canvas of its own keeps its renderer, and with it the cache of formulas in tick labels
        FigureCanvasAgg(self.figure)
        self._title = self.figure.text(
            0.075, 0.965, "", fontsize=12, fontweight="bold", va="top", parse_math=False
        )
        self._subtitle = self.figure.text(0.075, 0.915, "", fontsize=9.5, va="top", color="0.25", parse_math=False)
        self._nyquist = self.figure.add_axes((0.075, 0.115, 0.355, 0.715))
        self._close_up = self.figure.add_axes((0.0, 0.0, 0.1, 0.1))
        self._residual = self.figure.add_axes((0.535, 0.115, 0.44, 0.715))
        self._curves = [_Curves(self._nyquist, 5.0), _Curves(self._close_up, 3.5)]
        self._close_up.tick_params(labelsize=7.5)
        for axes in (self._nyquist, self._residual, self._close_up):
            axes.grid(color="0.9", linewidth=0.6)
            axes.set_axisbelow(True)
        self._nyquist.set_aspect("equal", adjustable="box")
        self._nyquist.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        (self._decades,) = self._nyquist.plot([], [], "o", color=FIT, markersize=6.5, zorder=4)
        self._marks: list[Any] = []
        self._ticks: list[Ticks] = []
        above: dict[str, Any] = {
            "loc": "lower right",
            "bbox_to_anchor": (1.0, 1.0),
            "fontsize": 9,
            "frameon": False,
        }
        self._nyquist.legend(ncols=4, columnspacing=1.2, **above)

        residual = self._residual
        residual.set_xscale("log")
        residual.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        (self._real,) = residual.plot([], [], "o-", color=REAL, label="real", markersize=4.0, linewidth=0.9)
        (self._imag,) = residual.plot([], [], "s-", color=IMAG, label="imaginary", markersize=4.0, linewidth=0.9)
        self._no_fit = residual.text(0.5, 0.5, "no fit", transform=residual.transAxes, ha="center", color="0.4")
        residual.set_xlabel("frequency / Hz")
        residual.set_ylabel("(Z − fit) / |Z|  in %")
        residual.legend(ncols=2, **above)

    def draw(self, picture: FitPicture) -> "Figure":
        """Draw the picture and return the figure, which is valid until the next call."""
        label = picture.label  # the end of a long path is more specific
        self._title.set_text(label if len(label) <= LONGEST_TITLE else f"…{label[1 - LONGEST_TITLE :]}")
        verdict = f"{picture.circuit}    {picture.verdict}" if picture.circuit else picture.verdict
        self._subtitle.set_text(verdict if len(verdict) <= LONGEST else f"{verdict[: LONGEST - 1]}…")
        self._draw_nyquist(picture)
        self._draw_residual(picture)
        return self.figure

    def to_png(self, picture: FitPicture, comment: str = "") -> bytes:
        """Return the picture as a PNG file, with a comment among its first bytes."""
        self.draw(picture)
        self._nyquist.apply_aspect()
        if not self._ticks:
            self._ticks = [
                Ticks(a, which) for a in (self._nyquist, self._residual, self._close_up) for which in "xy"
            ]
            freeze([self._nyquist.get_legend(), self._residual.get_legend()])
        for ticks in self._ticks:
            ticks.update()
        return to_png(self.figure, comment)

    def _draw_nyquist(self, picture: FitPicture) -> None:
        z = picture.impedance
        scale, unit = ohm_unit(float(np.abs(z).max()))
        shown: ComplexArray = z if picture.fit is None else np.concatenate([z, picture.fit[picture.used]])
        low, side = square(shown / scale)
        axes = self._nyquist
        axes.set_xlim(low.real, low.real + side)
        axes.set_ylim(low.imag, low.imag + side)
        axes.set_xlabel(f"Z′ / {unit}")
        axes.set_ylabel(f"−Z″ / {unit}")
        self._curves[0].draw(picture, scale)
        self._mark_decades(picture, scale, side)
        self._draw_close_up(picture, low * scale, side * scale)

    def _draw_close_up(self, picture: FitPicture, corner: complex, side: float) -> None:
        fastest = picture.impedance[np.argsort(picture.frequency)[::-1]]
        reach = 2.5 * float(np.abs(fastest.real[:5]).min())
        inside = np.abs(fastest) < reach
        wanted = 0 < reach < CLOSE_UP_BELOW * side and np.count_nonzero(inside) >= 4
        place = _free_corner((fastest.conj() - corner) / side) if wanted else None
        self._close_up.set_visible(place is not None)
        if place is None:
            return
        scale, unit = ohm_unit(reach)
        low, enlarged = square(fastest[inside] / scale)
        left, bottom, width, height = self._nyquist.get_position(original=True).bounds
        self._close_up.set_position(
            (left + place[0] * width, bottom + place[1] * height, CLOSE_UP_SIDE * width, CLOSE_UP_SIDE * height)
        )
        self._close_up.set_xlim(low.real, low.real + enlarged)
        self._close_up.set_ylim(low.imag, low.imag + enlarged)
        self._close_up.set_title(f"high frequencies / {unit}", fontsize=8, pad=3)
        self._curves[1].draw(picture, scale)

    def _mark_decades(self, picture: FitPicture, scale: float, side: float) -> None:
        for mark in self._marks:
            mark.remove()
        self._marks = []
        self._decades.set_data([], [])
        order = np.argsort(picture.frequency)
        order = order[picture.used[order]]
        if not order.size:
            return
        exponents = np.log10(picture.frequency[order])
        points = (picture.impedance[order] / scale).conj()
        taken: list[complex] = []
        marked: list[complex] = []
        for decade in range(int(np.floor(exponents.min())), int(np.ceil(exponents.max())) + 1):
            i = int(np.argmin(np.abs(exponents - decade)))
            if abs(exponents[i] - decade) > 0.1:
                continue
            tangent = points[min(i + 1, points.size - 1)] - points[max(i - 1, 0)]
            normal = self._normal(points[i], tangent)
            centre = points[i] + side * (LABEL_ROOM * normal + 0.5 * LABEL_SIZE[0] * _sign(normal.real))
            if not any(_overlap(centre - other, side) for other in taken):
                taken.append(centre)
                marked.append(points[i])
                self._label(points[i], normal, format_hertz(10.0**decade))
        self._decades.set_data(np.real(marked), np.imag(marked))

    def _normal(self, point: complex, tangent: complex) -> complex:
        """Return the direction from a point to its label: right of a steep curve, else above, if possible."""
        left, right = self._nyquist.get_xlim()
        room = 1.5 * LABEL_SIZE[0] * (right - left)
        normal = 1j * tangent / abs(tangent) if tangent else 1j
        steep = abs(normal.imag) < 0.5
        if (steep and normal.real < 0) or (not steep and normal.imag < 0):
            normal = -normal
        no_room = (normal.real < -0.5 and point.real - left < room) or (
            normal.real > 0.5 and right - point.real < room
        )
        return -normal if no_room else normal

    def _label(self, point: complex, normal: complex, text: str) -> None:
        side = ("right", "center", "left")[1 + _sign(normal.real)]
        height = ("top", "center", "bottom")[1 + _sign(normal.imag)]
        self._marks.append(
            self._nyquist.annotate(
                text,
                (point.real, point.imag),
                xytext=(LABEL_OFFSET * normal.real, LABEL_OFFSET * normal.imag),
                textcoords="offset points",
                ha=side,
                va=height,
                fontsize=8,
                color="0.2",
                zorder=5,
            )
        )

    def _draw_residual(self, picture: FitPicture) -> None:
        order = np.argsort(picture.frequency)
        order = order[picture.used[order]]
        frequency = picture.frequency[order] if order.size else picture.frequency
        self._residual.set_xlim(frequency.min() / 1.5, frequency.max() * 1.5)
        self._no_fit.set_visible(picture.fit is None or not order.size)
        if picture.fit is None or not order.size:
            residual = np.full(frequency.size, complex(np.nan, np.nan))
            largest = LEAST_RESIDUAL
        else:
            z = picture.impedance[order]
            residual = 100 * (z - picture.fit[order]) / np.abs(z)
            largest = float(max(np.abs(residual.real).max(), np.abs(residual.imag).max(), LEAST_RESIDUAL))
        self._residual.set_ylim(-1.12 * largest, 1.12 * largest)
        self._real.set_data(frequency, residual.real)
        self._imag.set_data(frequency, residual.imag)


class _Curves:
    """Data, masked points and fit of one Nyquist plot."""

    def __init__(self, axes: "Axes", size: float) -> None:
        (self._data,) = axes.plot([], [], "o", color=DATA, markersize=size, label="measured", zorder=2)
        (self._masked,) = axes.plot(
            [], [], "o", color=DATA, markersize=size, markerfacecolor="none", label="not used", zorder=2
        )
        (self._fit,) = axes.plot([], [], "-", color=FIT, linewidth=1.6, label="fit", zorder=3)
        (self._readings,) = axes.plot(
            [], [], "P", color=READING, markersize=1.6 * size, markeredgecolor="white", label="read", zorder=6
        )

    def draw(self, picture: FitPicture, scale: float) -> None:
        z, used = picture.impedance / scale, picture.used
        self._data.set_data(z.real[used], -z.imag[used])
        self._masked.set_data(z.real[~used], -z.imag[~used])
        order = np.argsort(picture.frequency)
        fit = np.empty(0, dtype=complex) if picture.fit is None else picture.fit[order][used[order]] / scale
        self._fit.set_data(fit.real, -fit.imag)
        read = np.empty(0, dtype=complex) if picture.readings is None else picture.readings / scale
        self._readings.set_data(read.real, -read.imag)


def plot_fit(result: "FitResult") -> "Figure":
    """Return a figure of a fit: Nyquist plot and residuals.

    Parameters
    ----------
    result : FitResult
        Result of any status.

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import fit, simulate
    >>> spectrum = simulate("R0-p(R1,C1)", np.geomspace(1, 1e5, 30), [10, 100, 1e-5], noise=0.01)
    >>> figure = plot_fit(fit(spectrum, "R0-p(R1,C1)"))
    """
    spectrum = result.spectrum
    status = result.status.replace("_", " ")
    verdict = f"{status}, reduced χ² {result.chi2_reduced:.3g}" if result.success else f"{status}: {result.reason}"
    return NyquistPlot().draw(
        FitPicture(
            spectrum.label,
            repr(result.circuit),
            verdict,
            spectrum.frequency,
            spectrum.impedance,
            spectrum.mask,
            result.impedance if result.success else None,
        )
    )


def square(z: ComplexArray) -> tuple[complex, float]:
    """Return the lower left corner (Z', -Z'') and the side of a square that contains Z."""
    left, right = float(z.real.min()), float(z.real.max())
    left = min(0.0, left) if left < NEAR_ORIGIN * right else left
    bottom, top = min(0.0, float(-z.imag.max())), float(-z.imag.min())
    side = max(right - left, top - bottom) or 1.0
    return complex(left - MARGIN * side, bottom - MARGIN * side), (1 + 2 * MARGIN) * side


def _free_corner(points: ComplexArray) -> tuple[float, float] | None:
    """Return a corner of the close-up, relative to the plot, at which it covers no points."""
    room = 0.07  # for its labels
    for x, y in CLOSE_UP_CORNERS:
        over = (points.real > x - room) & (points.real < x + CLOSE_UP_SIDE + room)
        over &= (points.imag > y - room) & (points.imag < y + CLOSE_UP_SIDE + room)
        if not over.any():
            return x, y
    return None


def _sign(component: float) -> int:
    """Return the sign of a component of a direction, 0 if it is small."""
    return 0 if abs(component) < 0.5 else 1 if component > 0 else -1


def _overlap(distance: complex, side: float) -> bool:
    return abs(distance.real) < LABEL_SIZE[0] * side and abs(distance.imag) < LABEL_SIZE[1] * side
