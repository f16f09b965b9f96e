"""Methods ``plot_*`` of results: contents of the figure, drawn on given or new axes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.report.figures.curves import ArrheniusLine, Curve, Distribution, Track, TrackedSeries, factor_of
from eistool.report.figures.draw import (
    add_legend,
    draw_arrhenius,
    draw_bode,
    draw_distribution,
    draw_nyquist,
    draw_residuals,
    draw_tracks,
)
from eistool.report.figures.style import MM, WIDTHS_MM, paper_style
from eistool.report.results import COORDINATE_AXES, coordinate_label
from eistool.spectrum import CellGeometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eistool.drt import DRT
    from eistool.fitting import FitResult
    from eistool.materials import Arrhenius
    from eistool.spectrum import Spectrum
    from eistool.tracking import Tracks


def plot_nyquist(result: "Spectrum | FitResult | DRT", ax: "Axes | None" = None, quantity: str = "Z") -> "Axes":
    """Draw a Nyquist plot with equal scales, and return its axes."""
    with paper_style():
        axes = _new_axes(1, 1.0)[0] if ax is None else ax
        draw_nyquist(axes, [curve_of(result, quantity)])
    return axes


def plot_bode(
    result: "Spectrum | FitResult | DRT", axes: "tuple[Axes, Axes] | None" = None, quantity: str = "Z"
) -> "tuple[Axes, Axes]":
    """Draw modulus and phase over the frequency, and return both axes."""
    with paper_style():
        modulus, phase = _new_axes(2, 1.0) if axes is None else axes
        draw_bode(modulus, phase, [curve_of(result, quantity)])
    return modulus, phase


def plot_residuals(result: "FitResult | DRT", ax: "Axes | None" = None) -> "Axes":
    """Draw the residuals over the frequency, and return the axes."""
    with paper_style():
        axes = _new_axes(1, 0.7)[0] if ax is None else ax
        draw_residuals(axes, [curve_of(result)])
    return axes


def plot_drt(result: "DRT", ax: "Axes | None" = None) -> "Axes":
    """Draw γ(τ) with its band and peaks, and return the axes."""
    with paper_style():
        axes = _new_axes(1, 0.75)[0] if ax is None else ax
        draw_distribution(axes, [distribution_of(result)])
    return axes


def plot_arrhenius(result: "Arrhenius", ax: "Axes | None" = None, product: bool = False) -> "Axes":
    """Draw σ, or σT, over 1000/T, and return the axes."""
    with paper_style():
        axes = _new_axes(1, 0.85)[0] if ax is None else ax
        draw_arrhenius(axes, [line_of(result)], product)
        add_legend(axes)
    return axes


def plot_tracks(result: "Tracks", axes: "tuple[Axes, Axes] | None" = None) -> "tuple[Axes, Axes]":
    """Draw R and τ of each process along the series, and return both axes."""
    with paper_style():
        resistance, tau = _new_axes(2, 1.1) if axes is None else axes
        draw_tracks(resistance, tau, series_of(result))
        add_legend(resistance)
    return resistance, tau


def curve_of(result: Any, quantity: str = "Z") -> Curve:
    """Return the curve of a spectrum, or of a result with its spectrum."""
    spectrum: Spectrum = getattr(result, "spectrum", result)
    factor = factor_of(quantity, CellGeometry.from_metadata(spectrum.metadata), spectrum.label)
    fitted = None if spectrum is result or not getattr(result, "success", True) else factor * result.impedance
    return Curve(spectrum.label, spectrum.frequency, factor * spectrum.impedance, spectrum.mask, fitted, quantity)


def distribution_of(drt: "DRT") -> Distribution:
    """Return the contents of a distribution."""
    omega = drt.spectrum.omega[drt.spectrum.mask]
    return Distribution(
        drt.spectrum.label,
        drt.tau,
        drt.gamma,
        drt.gamma_low,
        drt.gamma_high,
        np.array([peak.tau for peak in drt.peaks]),
        np.array([peak.atom for peak in drt.peaks], dtype=bool),
        (float(1 / omega.max()), float(1 / omega.min())),
    )


def line_of(fit: "Arrhenius") -> ArrheniusLine:
    """Return the contents of an activation energy."""
    used = fit.used
    u = np.where(np.isfinite(fit.u_conductivity), fit.u_conductivity, 0.0)
    T = sigma = factor = np.empty(0)
    if np.isfinite(fit.Ea_eV):
        T = np.linspace(fit.temperature_C[used].min(), fit.temperature_C[used].max(), 60)
        sigma, u_sigma = fit.predict(T)
        factor = np.exp(fit.quantile * u_sigma / sigma)
    return ArrheniusLine(
        fit.label, fit.temperature_C[used], fit.conductivity[used], u[used], fit.extrapolated[used],
        T, sigma, sigma / factor, sigma * factor,
    )  # fmt: skip


def series_of(tracks: "Tracks") -> TrackedSeries:
    """Return the contents of tracks."""
    series = tracks.series
    labels = tuple(
        coordinate_label({"coordinate": repr(float(x)), "direction": direction or ""})
        for x, direction in zip(series.coordinate, series.direction, strict=True)
    )
    index = np.arange(len(series))
    return TrackedSeries(
        COORDINATE_AXES[series.by],
        labels,
        tuple(
            Track(
                process.id, index, process.R, process.u_R, process.upper_limit, process.tau, process.u_tau,
                np.array([status == "extrapolated" for status in process.status]),
            )
            for process in tracks.processes
        ),
        tuple((event.index, event.status) for event in tracks.events),
    )  # fmt: skip


def _new_axes(rows: int, ratio: float) -> Any:
    """Return the axes of a new figure, which notebooks show."""
    from matplotlib import pyplot

    width = WIDTHS_MM["single"] * MM
    _, axes = pyplot.subplots(
        rows, 1, figsize=(width, ratio * width), layout="constrained", sharex=rows > 1, squeeze=False
    )
    return axes[:, 0]
