"""Pictures of distributions of relaxation times: γ, band and peaks over τ and frequency."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.constants import TWO_SIDED_95
from eistool.report.nyquist import DPI
from eistool.report.png import to_png
from eistool.report.units import format_hertz, format_ohm, ohm_unit
from eistool.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from eistool.drt import DRT

GAMMA, PEAK, LOOP = "#1f4e79", "#d1495b", "#7b4ea3"
LONGEST_TITLE, LONGEST = 90, 130  # characters in a line
HEADROOM = 1.45  # height of the axis relative to the highest peak, with room for labels
TAIL = 1.6  # largest height of a tail or band relative to the highest peak
ROWS = 3  # of labels
ROW = 0.075  # height of a label relative to the axis
CROWDED = 0.135  # width of a label relative to the axis


@dataclass(frozen=True, slots=True)
class PeakMark:
    """Mark of a peak."""

    tau: float
    u_tau: float | None
    R: float
    u_R: float | None
    atom: bool


@dataclass(frozen=True, slots=True, eq=False)
class DRTPicture:
    """Contents of a picture.

    Parameters
    ----------
    label, model, flags : str
        Texts of the title.
    R_pol, R_inf : (float, float or None)
        Resistances with errors in ohm.
    noise : float, optional
        Noise relative to |Z|.
    tau, gamma, low, high : FloatArray, shape (n_tau,)
        In s, and ohm per unit of ln τ.
    window : (float, float)
        Measured range of τ.
    peaks : tuple of PeakMark
        In order of τ.
    """

    label: str
    model: str
    flags: str
    R_pol: tuple[float, float | None]
    R_inf: tuple[float, float | None]
    noise: float | None
    tau: FloatArray
    gamma: FloatArray
    low: FloatArray
    high: FloatArray
    window: tuple[float, float]
    peaks: tuple[PeakMark, ...]

    @classmethod
    def of(cls, drt: "DRT") -> "DRTPicture":
        """Return the contents for a result."""
        omega = 2 * np.pi * drt.spectrum.frequency[drt.spectrum.mask]
        return cls(
            label=drt.spectrum.label,
            model=drt.model,
            flags="; ".join(drt.flags),
            R_pol=(drt.R_pol, drt.u_R_pol),
            R_inf=(drt.R_inf, drt.u_R_inf),
            noise=drt.noise,
            tau=drt.tau,
            gamma=drt.gamma,
            low=drt.gamma_low,
            high=drt.gamma_high,
            window=(float(1 / omega.max()), float(1 / omega.min())),
            peaks=tuple(PeakMark(p.tau, p.u_tau, p.R, p.u_R, p.atom) for p in drt.peaks),
        )


class DRTPlot:
    """Reusable figure for distributions; its axes are created once."""

    def __init__(self) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(9.0, 5.4), dpi=DPI)
        common: dict[str, Any] = {"va": "top", "parse_math": False}
        self._title = self.figure.text(0.085, 0.975, "", fontsize=12, fontweight="bold", **common)
        self._subtitle = self.figure.text(0.085, 0.93, "", fontsize=9.5, color="0.25", **common)
        self._flags = self.figure.text(0.085, 0.892, "", fontsize=8.5, color=PEAK, **common)
        self._axes = self.figure.add_axes((0.085, 0.115, 0.89, 0.65))
        axes = self._axes
        axes.set_xscale("log")
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        (self._gamma,) = axes.plot([], [], "-", color=GAMMA, linewidth=1.7, zorder=3, label="γ")
        axes.set_xlabel("τ / s")
        frequency = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
        frequency.set_xlabel("frequency 1/(2πτ) / Hz")
        self._drawn: list[Any] = []

    def draw(self, picture: DRTPicture) -> "Figure":
        """Draw the picture and return the figure, which is valid until the next call."""
        for artist in self._drawn:
            artist.remove()
        label = picture.label  # the end of a long path is more specific
        self._title.set_text(label if len(label) <= LONGEST_TITLE else f"…{label[1 - LONGEST_TITLE :]}")
        noise = "" if picture.noise is None else f"    noise {100 * picture.noise:.2g} % of |Z|"
        resistances = f"R∞ {format_ohm(*picture.R_inf)}    R_pol {format_ohm(*picture.R_pol)}"
        self._subtitle.set_text(f"{resistances}{noise}    model: {picture.model}")
        self._flags.set_text(
            picture.flags if len(picture.flags) <= LONGEST else f"{picture.flags[: LONGEST - 1]}…"
        )
        axes, tau = self._axes, picture.tau
        low, high = _limits(picture)
        scale, unit = ohm_unit(max(high, -low))
        axes.set_xlim(float(tau[0]), float(tau[-1]))
        axes.set_ylim(low / scale, high / scale)
        axes.set_ylabel(f"γ / {unit} per unit of ln τ")
        self._gamma.set_data(tau, picture.gamma / scale)
        # clipped, so that matplotlib does not draw far beyond the axes
        bottom, top = (
            np.clip(side / scale, 3 * low / scale, 3 * high / scale) for side in (picture.low, picture.high)
        )
        band = axes.fill_between(tau, bottom, top, color=GAMMA, alpha=0.22, linewidth=0, label="95 % band")
        self._drawn = [band]
        edges = ((tau[0], picture.window[0]), (picture.window[1], tau[-1]))
        self._drawn += [axes.axvspan(*edge, color="0.93", zorder=0, label="not measured") for edge in edges]
        self._mark_peaks(picture, scale, low / scale, high / scale)
        handles = [self._gamma, *self._drawn[:2]]
        self._drawn.append(
            axes.legend(
                handles=handles,
                loc="upper right",
                bbox_to_anchor=(1.0, -0.085),
                ncols=3,
                fontsize=8.5,
                frameon=False,
            )
        )
        return self.figure

    def to_png(self, picture: DRTPicture, comment: str = "") -> bytes:
        """Return the picture as a PNG file, with a comment among its first bytes."""
        return to_png(self.draw(picture), comment)

    def _mark_peaks(self, picture: DRTPicture, scale: float, low: float, high: float) -> None:
        axes = self._axes
        left, right = math.log(picture.tau[0]), math.log(picture.tau[-1])
        ends = [-math.inf] * ROWS  # of the last label in each row
        for peak in picture.peaks:
            place = (math.log(peak.tau) - left) / (right - left)
            centre = min(max(place, 0.5 * CROWDED), 1 - 0.5 * CROWDED)
            row = next((r for r in range(ROWS) if centre - ends[r] > CROWDED), int(np.argmin(ends)))
            ends[row] = centre
            colour = PEAK if peak.R > 0 else LOOP
            value = float(np.interp(math.log(peak.tau), np.log(picture.tau), picture.gamma)) / scale
            if peak.atom:  # a delta of full height; its label gives the resistance
                value = (high if peak.R > 0 else low) / HEADROOM
                stem = axes.plot([peak.tau, peak.tau], [0, value], "-", color=colour, linewidth=1.4, zorder=4)
                self._drawn += stem
            value = min(max(value, low), high)
            marker = ("^" if peak.R > 0 else "v") if peak.atom else "o"
            self._drawn += axes.plot(peak.tau, value, marker, color=colour, markersize=6, zorder=5)
            if peak.u_tau is not None:  # symmetric in ln τ
                factor = math.exp(min(TWO_SIDED_95 * peak.u_tau / peak.tau, 20.0))
                ends_of_bar = [peak.tau / factor, peak.tau * factor]
                bar = axes.plot(
                    ends_of_bar, [value, value], "|-", color=colour, linewidth=1.2, markersize=7, zorder=4
                )
                self._drawn += bar
            text = f"{format_ohm(peak.R, peak.u_R)}\n{format_hertz(1 / (2 * math.pi * peak.tau))}"
            top = 0.985 - ROW * 1.15 * row
            self._drawn.append(
                axes.annotate(
                    text,
                    (peak.tau, value),
                    xycoords="data",
                    xytext=(centre, top),
                    textcoords="axes fraction",
                    ha="center",
                    va="top",
                    fontsize=8,
                    color=colour,
                    zorder=6,
                    linespacing=1.1,
                    arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.35, "linewidth": 0.8},
                )
            )


def plot_drt(drt: "DRT") -> "Figure":
    """Return a figure of a distribution of relaxation times.

    Shows γ with its 95 % band over τ and frequency. Peaks are marked with the 95 % error of τ and labelled
    with resistance and frequency; atoms are arrows. The range outside the measured window is shaded.

    Parameters
    ----------
    drt : DRT
        Result to plot.

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import compute_drt, simulate
    >>> spectrum = simulate("R0-p(R1,CPE1)", np.geomspace(0.1, 1e5, 61), [10, 100, 1e-5, 0.9], noise=0.005)
    >>> figure = plot_drt(compute_drt(spectrum))
    """
    return DRTPlot().draw(DRTPicture.of(drt))


def _inverse(value: Any) -> Any:
    """Return 1/(2πτ), which converts τ to frequency and vice versa."""
    with np.errstate(divide="ignore"):
        return 1 / (2 * np.pi * np.asarray(value, dtype=np.float64))


def _limits(picture: DRTPicture) -> tuple[float, float]:
    """Return the plotted range of γ: full peaks, and tails or wide bands up to a limit."""
    tau, gamma = picture.tau, picture.gamma
    measured = (tau >= picture.window[0]) & (tau <= picture.window[1])
    at = [float(np.interp(math.log(p.tau), np.log(tau), gamma)) for p in picture.peaks if not p.atom]
    highest = max((value for value in at if value > 0), default=0.0)
    if highest > 0:
        top = min(max(float(picture.high[measured].max()), highest), TAIL * highest)
    else:
        top = max(float(gamma[measured].max()), 0.0)
    deepest = min([*(value for value in at if value < 0), 0.0])
    bottom = max(min(float(picture.low[measured].min()), deepest), TAIL * deepest)
    loops = any(p.atom and p.R < 0 for p in picture.peaks)
    top = top or -bottom or 1e-9
    return (min(1.15 * bottom, -0.3 * top) if loops or bottom < 0 else -0.03 * top), HEADROOM * top
