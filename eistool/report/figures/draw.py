"""Drawing of contents on axes of matplotlib."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.constants import TWO_SIDED_95, ZERO_CELSIUS
from eistool.report.figures.curves import ArrheniusLine, Curve, Distribution, TrackedSeries
from eistool.report.figures.style import COLOURS, MARKERS
from eistool.report.nyquist import square
from eistool.report.units import format_hertz, ohm_unit
from eistool.typing import ComplexArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLOURS = len(COLOURS)  # beyond which curves are coloured along a scale
CHARACTERS_PER_INCH, HANDLE = 16.0, 7  # of a legend, and the width of its marks in characters
TICKS_C = (-150, -100, -60, -40, -20, 0, 20, 40, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800, 1000)
EVENTS = {"confirmed": "-", "tentative": "--", "edge": ":"}


def draw_nyquist(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Draw spectra and fits in one Nyquist plot with equal scales, -Im up, and frequencies at decades."""
    z: ComplexArray = np.concatenate([part for curve in curves for part in _shown(curve)])
    scale, prefixed = ohm_unit(float(np.abs(z).max()))
    unit = curves[0].unit.replace("Ω", prefixed)
    for curve, style in zip(curves, _styles(len(curves)), strict=True):
        x, y = curve.impedance.real / scale, -curve.impedance.imag / scale
        axes.plot(x[curve.used], y[curve.used], linestyle="none", label=curve.label, **style)
        if not curve.used.all():
            axes.plot(x[~curve.used], y[~curve.used], linestyle="none", markerfacecolor="none", **style)
        if curve.fit is not None:
            fit = curve.fit[curve.used] / scale
            axes.plot(fit.real, -fit.imag, "-", color=_line_colour(style, len(curves)))
    low, side = square(z / scale)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlim(low.real, low.real + side)
    axes.set_ylim(low.imag, low.imag + side)
    axes.axhline(0, color="0.7", linewidth=0.6, zorder=0)
    if len(curves) == 1:
        _mark_decades(axes, curves[0], scale)
    symbol = curves[0].quantity
    axes.set_xlabel(f"Re({symbol}) / {unit}")
    axes.set_ylabel(f"−Im({symbol}) / {unit}")


def draw_bode(modulus: "Axes", phase: "Axes", curves: Sequence[Curve]) -> None:
    """Draw the modulus and the negative phase over the frequency."""
    for curve, style in zip(curves, _styles(len(curves)), strict=True):
        parts = [(curve.impedance, {"linestyle": "none", **style})]
        if curve.fit is not None:
            parts.append((np.where(curve.used, curve.fit, np.nan), {"color": _line_colour(style, len(curves))}))
        for z, how in parts:
            modulus.plot(curve.frequency, np.abs(z), label=curve.label if z is curve.impedance else None, **how)
            phase.plot(curve.frequency, -np.angle(z, deg=True), **how)
    modulus.set_xscale("log")
    modulus.set_yscale("log")
    phase.set_xscale("log")
    modulus.set_ylabel(f"|{curves[0].quantity}| / {curves[0].unit}")
    phase.set_ylabel("−phase / °")
    phase.set_xlabel("frequency / Hz")


def draw_residuals(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Draw real and imaginary residuals relative to |Z|, in percent."""
    for curve, style in zip(curves, _styles(len(curves)), strict=True):
        residual = 100 * curve.residual
        name = "" if len(curves) == 1 else f"{curve.label}, "
        axes.plot(curve.frequency, residual.real, "-", label=f"{name}real", **(style | {"linewidth": 0.7}))
        second = {"color": COLOURS[1]} if len(curves) == 1 else {"color": style["color"]}
        how = {"marker": "s", "markerfacecolor": "none", "linewidth": 0.7} | second
        axes.plot(curve.frequency, residual.imag, "--", label=f"{name}imaginary", **how)
    axes.axhline(0, color="0.7", linewidth=0.6, zorder=0)
    axes.set_xscale("log")
    axes.set_xlabel("frequency / Hz")
    axes.set_ylabel("(Z − fit) / |Z| in %")


def draw_distribution(axes: "Axes", distributions: Sequence[Distribution]) -> None:
    """Draw γ(τ) with bands and peaks over τ, and the frequency 1/(2πτ) above."""
    tops = []
    for one in distributions:
        inside = (one.tau >= one.window[0]) & (one.tau <= one.window[1])
        heights = np.abs(_heights(one))
        tops.append(float(heights.max()) if heights.size else float(np.abs(one.gamma[inside]).max(initial=0.0)))
    top = max(tops) or 1.0
    scale, unit = ohm_unit(top)
    styles = _styles(len(distributions))
    for one, style in zip(distributions, styles, strict=True):
        colour = style["color"]
        axes.plot(one.tau, one.gamma / scale, "-", color=colour, label=one.label)
        axes.fill_between(one.tau, one.low / scale, one.high / scale, color=colour, alpha=0.2, linewidth=0)
        axes.plot(one.peaks[~one.atom], _heights(one) / scale, "o", color=colour)
        for tau in one.peaks[one.atom]:  # a pure RC is a delta
            axes.plot([tau, tau], [0, 1.15 * top / scale], "-", color=colour, linewidth=0.8)
            axes.plot([tau], [1.15 * top / scale], "^", color=colour)
    lowest = min(0.0, *(float(_heights(one).min(initial=0.0)) for one in distributions))
    axes.set_xscale("log")
    axes.set_xlim(min(one.window[0] for one in distributions), max(one.window[1] for one in distributions))
    axes.set_ylim(min(-0.03 * top, 1.2 * lowest) / scale, 1.3 * top / scale)
    axes.set_xlabel("τ / s")
    axes.set_ylabel(f"γ / {unit} per unit of ln τ")
    upper = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
    upper.set_xlabel("1/(2πτ) / Hz")


def draw_arrhenius(axes: "Axes", lines: Sequence[ArrheniusLine], product: bool = False) -> None:
    """Draw σ or σT over 1000/T with one standard uncertainty, the lines with 95 % bands, and °C above."""
    for line, style in zip(lines, _styles(len(lines)), strict=True):
        kelvin, line_K = line.temperature_C + ZERO_CELSIUS, line.line_C + ZERO_CELSIUS
        factor, line_factor = (kelvin, line_K) if product else (1.0, 1.0)
        y, u = line.sigma * factor, line.u_sigma * factor
        for which, face in ((~line.extrapolated, style["color"]), (line.extrapolated, "none")):
            if which.any():
                label = line.label if face != "none" or line.extrapolated.all() else None
                axes.errorbar(
                    1e3 / kelvin[which], y[which], u[which], linestyle="none", capsize=1.5, elinewidth=0.6,
                    label=label, **(style | {"markerfacecolor": face}),
                )  # fmt: skip
        x = 1e3 / line_K
        axes.plot(x, line.line_sigma * line_factor, "-", color=style["color"])
        band = (line.line_low * line_factor, line.line_high * line_factor)
        axes.fill_between(x, *band, color=style["color"], alpha=0.15, linewidth=0)
    axes.set_yscale("log")
    axes.set_xlabel("1000 K / T")
    axes.set_ylabel("σT / (S K/cm)" if product else "σ / (S/cm)")
    low, high = axes.get_xlim()
    ticks = [T for T in TICKS_C if low <= 1e3 / (T + ZERO_CELSIUS) <= high]
    upper = axes.secondary_xaxis("top")
    upper.set_xticks([1e3 / (T + ZERO_CELSIUS) for T in ticks], [str(T) for T in ticks])
    upper.set_xlabel("T / °C")


def draw_tracks(resistance: "Axes", tau: "Axes", series: TrackedSeries) -> None:
    """Draw R and τ of each process along the series with 95 % intervals; open triangles are upper limits."""
    values = np.concatenate([track.R[np.isfinite(track.R)] for track in series.tracks] or [np.ones(1)])
    scale, unit = ohm_unit(float(values.max(initial=1e-3)))
    for track, style in zip(series.tracks, _styles(len(series.tracks)), strict=True):
        known = np.isfinite(track.R)
        for axes, y, u, divisor in ((resistance, track.R, track.u_R, scale), (tau, track.tau, track.u_tau, 1.0)):
            error = TWO_SIDED_95 * np.nan_to_num(u[known]) / divisor
            shown = y[known] / divisor
            sides = np.vstack([np.minimum(error, 0.9 * shown), error])
            axes.errorbar(
                track.index[known], shown, sides, fmt="-", capsize=1.5, elinewidth=0.6, label=track.id, **style
            )
        limits = ~known & (track.upper_limit < 1.5 * values.max(initial=1e-3))
        resistance.plot(
            track.index[limits],
            track.upper_limit[limits] / scale,
            "v",
            color=style["color"],
            markerfacecolor="none",
        )
    if values.min(initial=1.0) > 0 and values.max() > 30 * values.min():
        resistance.set_yscale("log")
    tau.set_yscale("log")
    for index, status in series.events:
        for axes in (resistance, tau):
            axes.axvline(index - 0.5, color="0.35", linestyle=EVENTS.get(status, ":"), linewidth=0.8)
    n = len(series.labels)
    ticks = sorted({round(float(i)) for i in np.linspace(0, n - 1, min(n, 8))})
    tau.set_xticks(ticks, [series.labels[i] for i in ticks])
    resistance.tick_params(labelbottom=False)
    resistance.set_ylabel(f"R / {unit}")
    tau.set_ylabel("τ / s")
    tau.set_xlabel(series.axis)


def add_legend(axes: "Axes", outside: bool = False) -> None:
    """Add a legend for two or more entries: inside of the axes, or above them on a figure of one's own."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) < 2:
        return
    if outside:
        figure: Any = axes.figure
        room = int(figure.get_figwidth() * CHARACTERS_PER_INCH)
        labels = [label if len(label) <= room - HANDLE else f"…{label[HANDLE + 1 - room :]}" for label in labels]
        columns = max(1, min(4, room // (max(map(len, labels)) + HANDLE)))
        legend = figure.legend(handles, labels, loc="outside upper center", ncols=columns, handlelength=1.4)
    else:
        legend = axes.legend(loc="best", handlelength=1.4)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a $ in the name of a file is a $


def _shown(curve: Curve) -> tuple[ComplexArray, ...]:
    used = curve.used if curve.used.any() else np.ones_like(curve.used)
    return (curve.impedance[used],) if curve.fit is None else (curve.impedance[used], curve.fit[used])


def _styles(n: int) -> list[dict[str, Any]]:
    if n <= MOST_COLOURS:
        return [{"color": COLOURS[i], "marker": MARKERS[i]} for i in range(n)]
    from matplotlib import colormaps

    return [{"color": colour, "marker": "o"} for colour in colormaps["viridis"](np.linspace(0, 0.92, n))]


def _line_colour(style: dict[str, Any], n: int) -> Any:
    return COLOURS[1] if n == 1 else style["color"]


def _mark_decades(axes: "Axes", curve: Curve, scale: float) -> None:
    exponents = np.log10(curve.frequency)
    points = curve.impedance.conj() / scale
    left, right = axes.get_xlim()
    side = right - left
    taken: list[complex] = []
    for decade in range(math.floor(exponents.min()), math.ceil(exponents.max()) + 1):
        i = int(np.argmin(np.where(curve.used, np.abs(exponents - decade), np.inf)))
        if abs(exponents[i] - decade) > 0.1 or not curve.used[i]:
            continue
        if any(abs((points[i] - p).real) < 0.16 * side and abs((points[i] - p).imag) < 0.07 * side for p in taken):
            continue
        taken.append(complex(points[i]))
        axes.plot(points[i].real, points[i].imag, "o", color=COLOURS[0], markerfacecolor="white", zorder=4)
        is_right = points[i].real > left + 0.8 * side
        axes.annotate(
            format_hertz(10.0**decade), (points[i].real, points[i].imag), xytext=(-3 if is_right else 3, 3),
            textcoords="offset points", ha="right" if is_right else "left", va="bottom", fontsize=6.5,
        )  # fmt: skip


def _heights(one: Distribution) -> FloatArray:
    """Return γ at the peaks that are no pure RC."""
    heights: FloatArray = np.interp(np.log(one.peaks[~one.atom]), np.log(one.tau), one.gamma)
    return heights


def _inverse(value: Any) -> FloatArray:
    with np.errstate(divide="ignore"):
        inverse: FloatArray = 1 / (2 * np.pi * np.asarray(value, dtype=np.float64))
    return inverse
