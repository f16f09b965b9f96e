"""Pictures of polarisations: current of each hold over time, with fit and steady value."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from eistool.constants import TWO_SIDED_95
from eistool.display import format_value
from eistool.report.nyquist import DPI
from eistool.report.png import to_png
from eistool.report.units import ampere_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eistool.direct_current.polarization import PolarizationResult, PolarizationStep

DATA, FIT, LIMIT = "#1f4e79", "#d1495b", "#e08e00"
MOST_HOLDS = 4  # those with the largest voltages
MOST_POINTS = 1500  # per hold
LONGEST = 125  # characters in a line


def plot_polarization(result: "PolarizationResult", label: str = "") -> "Figure":
    """Return a figure of a polarisation: current over time since each step of the voltage.

    Parameters
    ----------
    result : PolarizationResult
        Result of any status.
    label : str
        Title, for instance the file name.

    Examples
    --------
    >>> t = np.arange(0.0, 7200.0, 10.0)
    >>> from eistool import CellGeometry, analyze_polarization
    >>> cell = CellGeometry(thickness_um=100, diameter_mm=10)
    >>> figure = plot_polarization(analyze_polarization(t, 1e-6 + 1e-6 * np.exp(-t / 500), 0.5, cell))
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.2), dpi=DPI)
    axes = figure.add_axes((0.1, 0.115, 0.87, 0.69))
    figure.text(0.1, 0.975, label[-90:], fontsize=12, fontweight="bold", va="top", parse_math=False)
    figure.text(0.1, 0.928, _verdict(result)[:LONGEST], fontsize=9.5, va="top", color="0.25", parse_math=False)
    flags = [flag for flag in result.flags if not flag.endswith("assumed")]
    remark = textwrap.shorten(result.reason or "; ".join(flags), LONGEST, placeholder=" …")
    figure.text(0.1, 0.89, remark, fontsize=8.5, va="top", color=FIT, parse_math=False)
    steps = sorted(result.steps, key=lambda step: -abs(step.voltage_V))[:MOST_HOLDS]
    scale, unit = ampere_unit(max(float(np.abs(step.hold.current_A[-1] - result.offset_A)) for step in steps))
    for k, step in enumerate(steps):
        _draw(axes, step, result.offset_A, scale, 1 - 0.22 * k)
    axes.set_xscale("log")
    lows, highs = zip(*(_range(step, result.offset_A) for step in steps), strict=True)
    low, high = min(0.0, *lows) / scale, max(0.0, *highs) / scale
    axes.set_ylim(low - 0.04 * (high - low), high + 0.08 * (high - low))
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xlabel("time since the step / s")
    axes.set_ylabel(f"current, offset subtracted / {unit}")
    axes.legend(loc="upper right", fontsize=9, frameon=False)
    return figure


def polarization_to_png(result: "PolarizationResult", label: str = "") -> bytes:
    """Return the picture of :func:`plot_polarization` as a PNG file."""
    return to_png(plot_polarization(result, label))


def _verdict(result: "PolarizationResult") -> str:
    current = f"I {format_value(result.I_ss_A, result.u_I_ss_A)} A at {result.voltage_V:.4g} V"
    if result.mode == "leakage":
        return f"leakage: {current}    {result.status.replace('_', ' ')}"
    if result.status == "ok":
        sigma = format_value(result.sigma_S_per_cm, result.u_sigma_S_per_cm)
        return f"σ {result.carrier} {sigma} S/cm    {current}    offset {result.offset_A:.2g} A"
    bounds = (("<", result.upper_limit), (">", result.lower_limit))
    known = "".join(f" {sign} {limit:.3g} S/cm (95 %)" for sign, limit in bounds if np.isfinite(limit))
    return f"σ {result.carrier}: not resolvable{known}    last {current}"


def _range(step: "PolarizationStep", offset: float) -> tuple[float, float]:
    """Return the plotted range of the current, without the initial charging of capacitances."""
    late = step.hold.current_A[step.hold.time_s > 0.01 * step.duration_s] - offset
    return float(late.min()), float(late.max())


def _draw(axes: "Axes", step: "PolarizationStep", offset: float, scale: float, alpha: float) -> None:
    time, current = step.hold.time_s, (step.hold.current_A - offset) / scale
    # equal steps of log t, since the slow end has far more points than the fast beginning
    chosen = np.unique(np.searchsorted(time, np.geomspace(time[0], time[-1], MOST_POINTS)).clip(0, time.size - 1))
    axes.plot(
        time[chosen], current[chosen], ".", color=DATA, alpha=alpha, markersize=3, label=f"{step.voltage_V:.4g} V"
    )
    grid = np.geomspace(max(step.relaxation.from_s, time[0]), time[-1], 300)
    fit = (step.relaxation.current(grid) - offset) / scale
    axes.plot(grid, fit, color=FIT, linewidth=1.5)
    if step.status == "ok":
        value, u = step.I_ss_A / scale, TWO_SIDED_95 * step.u_I_ss_A / scale
        axes.axhspan(value - u, value + u, color=FIT, alpha=0.18, linewidth=0)
        axes.axhline(value, color=FIT, linewidth=0.9, linestyle="--")
        return
    for limit, sign in ((step.upper_limit_A, -1), (step.lower_limit_A, 1)):
        if np.isfinite(limit):
            y = np.copysign(limit, step.voltage_V) / scale
            axes.axhline(y, color=LIMIT, linewidth=1.2)
            axes.plot(
                time[-1], y, marker="v" if sign < 0 else "^", color=LIMIT, markerfacecolor="none", markersize=9
            )
