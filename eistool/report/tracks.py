"""Pictures of series: Nyquist curves, map of γ(τ), and R and τ of each process along the coordinate."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.constants import TWO_SIDED_95
from eistool.report.nyquist import DPI, square
from eistool.report.png import to_png
from eistool.report.units import format_hertz, ohm_unit
from eistool.spectrum.series import COORDINATES
from eistool.tracking import SeriesDRT, Tracks, compute_series_drt
from eistool.typing import ComplexArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 12  # of a waterfall plot
LIFT = 0.07  # vertical distance of curves, relative to the plotted range
COLOURS = ("#1f4e79", "#d1495b", "#e08e00", "#2e8b57", "#7b4ea3", "#00798c", "#8c564b", "#94a300")
MARKS = {"confirmed": ("-", "#c1121f"), "tentative": ("--", "#e08e00"), "edge": (":", "0.45")}
NAMES = {
    "soc_pct": "state of charge / %",
    "voltage_V": "voltage / V",
    "temperature_C": "temperature / °C",
    "time_h": "time / h",
    "cycle": "cycle",
}
MARGIN = 0.06  # of the side, beside the points
TALLEST = 1.5  # height of a curve relative to the range of Z′, above which it is cut
HIGHEST_LIMIT = 1.5  # relative to the largest R, above which upper limits are not drawn
LOGARITHMIC = 30.0  # ratio of resistances above which their axis is logarithmic


def plot_waterfall(tracks: Tracks, title: str = "") -> "Figure":
    """Return a figure of Nyquist curves and fits, coloured by the coordinate.

    At most twelve curves are drawn, including those next to events.

    Parameters
    ----------
    tracks : Tracks
        A tracked series.
    title : str
        Title.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 6.4), dpi=DPI)
    axes = figure.add_axes((0.1, 0.1, 0.68, 0.8))
    series = tracks.series
    shown = _shown(tracks)
    z: ComplexArray = np.concatenate([series[i].impedance[series[i].mask] for i in shown])
    scale, unit = ohm_unit(float(np.abs(z).max()))
    low, side = square(z / scale)
    tallest = TALLEST * float(np.ptp(z.real)) / scale
    if side > tallest:  # a blocking tail would hide the arcs
        side = tallest
        low = complex(z.real.min() / scale - MARGIN * side, -z.imag.max() / scale - MARGIN * side)
    # each curve is drawn above the previous one
    lift = LIFT * side if len(shown) > 1 else 0.0
    tops = [
        place * lift + min(-float(series[i].impedance[series[i].mask].imag.min()) / scale, side)
        for place, i in enumerate(shown)
    ]
    height = max(tops) + 0.06 * side - low.imag
    figure.set_figheight(min(max(1.2 + 5.6 * height / side, 4.5), 9.0))
    colours = colormaps["viridis"](np.linspace(0, 0.95, len(shown)))
    for place, (colour, i) in enumerate(zip(colours, shown, strict=True)):
        spectrum, result = series[i], tracks.results[i]
        z = spectrum.impedance[spectrum.mask] / scale
        axes.plot(z.real, place * lift - z.imag, "o", color=colour, markersize=3.2, label=_at(tracks, i))
        if result.success:
            order = np.argsort(spectrum.frequency)
            fit = result.impedance[order][spectrum.mask[order]] / scale
            axes.plot(fit.real, place * lift - fit.imag, "-", color=colour, linewidth=1.0, alpha=0.8)
    axes.set_xlim(low.real, low.real + side)
    axes.set_ylim(low.imag, low.imag + height)
    axes.set_aspect("equal", adjustable="box")
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"Z′ / {unit}")
    shift = f", each curve {lift:.2g} {unit} above the previous one" if lift else ""
    axes.set_ylabel(f"−Z″ / {unit}{shift}")
    axes.legend(
        reverse=True,
        title=NAMES[COORDINATES[series.by]],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=8.5,
    )
    of = "" if len(shown) == len(series) else f", {len(shown)} of {len(series)} spectra"
    axes.set_title(f"{title}{of}", loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figure


def plot_map(tracks: Tracks, title: str = "", drt: SeriesDRT | None = None) -> "Figure":
    """Return a figure of γ(τ) along the series with the tracks.

    γ is the joint distribution of the series. Circles mark the time constants of processes, open circles
    extrapolated ones. γ that is uncertain by more than a factor of two (95 %) is greyed.

    Parameters
    ----------
    tracks : Tracks
        Tracked series of at least three spectra.
    title : str
        Title.
    drt : SeriesDRT, optional
        Joint distribution of the series; computed if not given.

    Raises
    ------
    SpectrumError
        If there are too few spectra.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    drt = drt or compute_series_drt(tracks.series)
    series = tracks.series
    figure = Figure(figsize=(8.6, 6.0), dpi=DPI)
    axes = figure.add_axes((0.1, 0.1, 0.74, 0.78))
    omega = np.concatenate([s.omega[s.mask] for s in series])
    low, high = 1 / float(omega.max()), 1 / float(omega.min())
    inside = (drt.tau >= low / 1.5) & (drt.tau <= high * 1.5)
    tau, gamma = drt.tau[inside], drt.gamma[:, inside]
    doubt = (drt.gamma_high / drt.gamma)[:, inside] > 2.0
    index = np.arange(len(series))
    scale, unit = ohm_unit(float(gamma.max()))
    top = float(np.quantile(gamma, 0.998)) / scale
    mesh = axes.pcolormesh(
        tau, index, gamma / scale, norm=LogNorm(top / 300, top), cmap="magma", shading="nearest", rasterized=True
    )
    grey = np.where(doubt, 0.5, np.nan)
    axes.pcolormesh(tau, index, grey, cmap="gray", vmin=0, vmax=1, alpha=0.45, shading="nearest", rasterized=True)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.5, len(series) - 0.5)
    for number, process in enumerate(tracks.processes):
        colour = _colour(number)
        there = process.present
        ok = np.array([process.status[i] == "ok" for i in there], dtype=bool)
        axes.plot(process.tau[there], there, "-", color="white", linewidth=2.4, alpha=0.6)
        axes.plot(process.tau[there[ok]], there[ok], "o", color=colour, markeredgecolor="white", markersize=6)
        if low < process.tau[there[-1]] < high:
            axes.annotate(
                process.id, (process.tau[there[-1]], there[-1]), xytext=(6, 0), textcoords="offset points",
                ha="left", va="center", color="white", fontsize=8.5, fontweight="bold",
            )  # fmt: skip
        axes.plot(process.tau[there[~ok]], there[~ok], "o", color="none", markeredgecolor="white", markersize=6)
    for event in tracks.events:
        style, colour = MARKS[event.status]
        axes.axhline(event.index - 0.5, color=colour, linestyle=style, linewidth=1.6)
    _index_axis(axes, tracks, axis="y")
    axes.set_xlabel("τ / s")
    frequency = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
    frequency.tick_params(labelsize=8)
    figure.text(
        0.47,
        0.925,
        f"frequency 1/(2πτ) / Hz, {format_hertz(1 / (2 * math.pi * high))} at the right",
        ha="center",
        fontsize=8.5,
    )
    figure.text(0.1, 0.965, title, fontsize=11, fontweight="bold", parse_math=False)
    colour_axes = figure.add_axes((0.86, 0.1, 0.02, 0.78))
    figure.colorbar(mesh, cax=colour_axes, label=f"γ / {unit} per unit of ln τ; grey: uncertain by a factor of 2")
    return figure


def plot_tracks(tracks: Tracks, title: str = "") -> "Figure":
    """Return a figure of R and τ of each process along the series, with 95 % intervals and events.

    Open triangles are 95 % upper limits of absent or unresolved processes. Vertical lines are events: solid
    if confirmed, dashed if tentative, dotted at the edge of the window.

    Parameters
    ----------
    tracks : Tracks
        A tracked series.
    title : str
        Title.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 7.2), dpi=DPI)
    upper = figure.add_axes((0.1, 0.52, 0.76, 0.4))
    lower = figure.add_axes((0.1, 0.09, 0.76, 0.37), sharex=upper)
    scale, unit = ohm_unit(_largest(tracks))
    highest = HIGHEST_LIMIT * _largest(tracks)
    for number, process in enumerate(tracks.processes):
        colour = _colour(number)
        there = process.present
        known = [i for i in there if process.status[i] != "not_resolvable"]
        _draw(upper, known, process.R / scale, process.u_R / scale, colour, process.id, log=False)
        _draw(lower, known, process.tau, process.u_tau, colour, process.id, log=True)
        limits = [i for i in range(len(tracks.series)) if i not in known and process.upper_limit[i] < highest]
        upper.plot(
            limits, process.upper_limit[limits] / scale, "v", color="none", markeredgecolor=colour, markersize=5.5
        )
    total, u_total = tracks.resistance()
    shown = [i for i in range(len(total)) if np.isfinite(total[i])]
    _draw(upper, shown, total / scale, u_total / scale, "0.35", "R total", log=False)
    if _ratio(tracks) > LOGARITHMIC:
        upper.set_yscale("log")
    else:
        upper.set_ylim(bottom=0)
    omega = np.concatenate([s.omega[s.mask] for s in tracks.series])
    lower.set_yscale("log")
    for edge in (1 / float(omega.max()), 1 / float(omega.min())):
        lower.axhline(edge, color="0.6", linewidth=0.8, linestyle="--")
    marked = set()
    for event in tracks.events:
        style, colour = MARKS[event.status]
        for axes in (upper, lower):
            axes.axvline(event.index - 0.5, color=colour, linestyle=style, linewidth=1.3, zorder=1)
        if event.index not in marked and event.status != "edge":
            word = "+" if event.kind == "appeared" else "−"
            upper.text(
                event.index - 0.45,
                0.98,
                f"{word}{event.process_id}",
                transform=upper.get_xaxis_transform(),
                va="top",
                fontsize=8,
                color=colour,
            )
            marked.add(event.index)
    upper.set_ylabel(f"R / {unit}, 95 %")
    lower.set_ylabel("τ / s, 95 %; dashed lines: window")
    upper.tick_params(labelbottom=False)
    for axes in (upper, lower):
        axes.grid(color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
    _index_axis(lower, tracks, axis="x")
    upper.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8.5)
    upper.set_title(title, loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figure


def tracks_to_png(tracks: Tracks, title: str = "", drt: SeriesDRT | None = None) -> dict[str, bytes]:
    """Return the pictures of a series as PNG files by kind, without a map if there is no joint distribution."""
    figures = {"nyquist": plot_waterfall(tracks, title), "tracks": plot_tracks(tracks, title)}
    if drt is not None:
        figures["map"] = plot_map(tracks, title, drt)
    return {kind: to_png(figure) for kind, figure in figures.items()}


def _shown(tracks: Tracks) -> list[int]:
    n = len(tracks.series)
    if n <= MOST_CURVES:
        return list(range(n))
    neighbours = {i for e in tracks.events if e.status == "confirmed" for i in (e.index - 1, e.index)}
    chosen = {0, n - 1, *sorted(neighbours)[: MOST_CURVES - 2]}
    while len(chosen) < MOST_CURVES:  # add the middle of the largest gap
        ends = sorted(chosen)
        gap = max(range(len(ends) - 1), key=lambda k: ends[k + 1] - ends[k])
        chosen.add((ends[gap] + ends[gap + 1]) // 2)
    return sorted(chosen)


def _at(tracks: Tracks, i: int) -> str:
    arrow = {"charge": " ↑", "discharge": " ↓"}.get(tracks.series.direction[i] or "", "")
    return f"{tracks.series.coordinate[i]:.3g}{arrow}"


def _index_axis(axes: "Axes", tracks: Tracks, axis: str) -> None:
    """Label the indices of spectra by their coordinate, whose values may repeat."""
    n = len(tracks.series)
    ticks = sorted({int(i) for i in np.linspace(0, n - 1, min(n, 17 if axis == "y" else 11))})
    labels = [_at(tracks, i) for i in ticks]
    name = NAMES[COORDINATES[tracks.series.by]]
    if axis == "x":
        axes.set_xticks(ticks, labels, fontsize=8)
        axes.set_xlabel(name)
    else:
        axes.set_yticks(ticks, labels, fontsize=8)
        axes.set_ylabel(name)


def _draw(axes: "Axes", there: Any, value: Any, u: Any, colour: str, label: str, log: bool) -> None:
    there = np.array(there, dtype=int)
    if not there.size:
        return
    y, error = value[there], TWO_SIDED_95 * np.nan_to_num(u[there])
    if log:
        factor = np.exp(np.minimum(error / y, 5.0))
        sides = np.vstack([y - y / factor, y * factor - y])
    else:
        sides = np.vstack([np.minimum(error, 0.999 * y), error])
    axes.errorbar(
        there, y, yerr=sides, fmt="o-", color=colour, markersize=4.5, linewidth=1.0, capsize=2, label=label
    )


def _largest(tracks: Tracks) -> float:
    known = [R for p in tracks.processes for R, status in zip(p.R, p.status, strict=True) if status == "ok"]
    total, u = tracks.resistance()
    return float(max([*known, *total[np.isfinite(total) & (u < 0.5 * total)]], default=1.0))


def _ratio(tracks: Tracks) -> float:
    values = np.concatenate([p.R[np.isfinite(p.R)] for p in tracks.processes] or [np.ones(1)])
    return float(values.max() / max(values.min(), 1e-12)) if values.size else 1.0


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _inverse(value: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 1 / (2 * np.pi * np.asarray(value, dtype=np.float64))
