"""Pictures of subtractions: spectra, interpretations of the stack, and resistances over thickness."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eistool.constants import TWO_SIDED_95
from eistool.display import format_value
from eistool.report.nyquist import DPI
from eistool.report.units import ohm_unit
from eistool.typing import ComplexArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from eistool.materials.thickness import ThicknessRegression
    from eistool.symmetric_cell import SubtractionResult

FULL, SYMMETRIC, LEFT = "#1f4e79", "#8a8a8a", "#d1495b"
LONGEST = 120  # characters in a line


def plot_subtraction(result: "SubtractionResult", label: str = "") -> "Figure":
    """Return a figure of a subtraction: Nyquist plots of spectra, or the interpretations of the stack.

    Parameters
    ----------
    result : SubtractionResult
        Result of any status.
    label : str
        Title.

    Examples
    --------
    >>> from eistool import subtract_symmetric_cell
    >>> stack = {"layers": 2, "counter_electrodes": 2}
    >>> figure = plot_subtraction(subtract_symmetric_cell((275.2, 0.5), ((23.0, 0.2), (0.9, 0.1)), **stack))
    """
    figure = _figure(label, result.reason or "; ".join([_verdict(result), *result.flags]))
    axes = figure.add_axes((0.11, 0.12, 0.86, 0.72))
    if result.parts is None:
        names = [other.name for other in result.alternatives][::-1]
        values = [other.value_ohm for other in result.alternatives][::-1]
        figure.delaxes(axes)
        axes = figure.add_axes((0.47, 0.12, 0.5, 0.72))
        places = np.arange(len(names))
        errors = [result.u if np.isfinite(result.u) else 0.0] * len(names)
        axes.errorbar(values, places, xerr=TWO_SIDED_95 * np.array(errors), fmt="o", color=FULL, capsize=3)
        axes.plot(values[-1], places[-1], "o", color=LEFT, markersize=9)
        axes.axvspan(*result.band_ohm, color=FULL, alpha=0.08)
        axes.set_yticks(places, names, fontsize=8.5)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("remaining resistance with 95 % statistical error / Ω")
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        return figure
    parts = result.parts
    full = parts.difference.impedance + parts.electrodes + parts.shift_ohm
    curves = (
        ("full cell", full, FULL, "o"),
        ("counter electrodes", parts.electrodes, SYMMETRIC, "s"),
        ("difference" if result.status == "ok" else "difference, refused", parts.difference.impedance, LEFT, "o"),
    )
    everything: ComplexArray = np.concatenate([z for _, z, _, _ in curves])
    scale, unit = ohm_unit(float(np.abs(everything).max()))
    for name, z, colour, marker in curves:
        axes.plot(
            z.real / scale, -z.imag / scale, f"{marker}-", color=colour, markersize=4, linewidth=0.8, label=name
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"Z′ / {unit}")
    axes.set_ylabel(f"−Z″ / {unit}")
    axes.legend(fontsize=9, frameon=False)
    return figure


def plot_thickness(
    regression: "ThicknessRegression",
    thickness_um: Sequence[float],
    resistance_ohm: Sequence[float],
    u_resistance_ohm: Sequence[float],
    label: str = "",
) -> "Figure":
    """Return a figure of resistances over thickness with the regression line.

    Parameters
    ----------
    regression : ThicknessRegression
        Regression of the same data.
    thickness_um, resistance_ohm, u_resistance_ohm : sequence of float
        Data of the cells.
    label : str
        Title.

    Examples
    --------
    >>> from eistool.materials import regress_thickness
    >>> cells = [50, 100, 300], [161.5, 275.2, 729.9], [1, 1, 3]
    >>> figure = plot_thickness(regress_thickness(*cells, 0.7854), *cells)
    """
    figure = _figure(label, repr(regression))
    axes = figure.add_axes((0.11, 0.12, 0.86, 0.72))
    axes.errorbar(
        thickness_um,
        resistance_ohm,
        yerr=TWO_SIDED_95 * np.array(u_resistance_ohm),
        fmt="o",
        color=FULL,
        capsize=3,
    )
    grid = np.linspace(0, 1.08 * max(thickness_um), 100)
    line = regression.intercept_ohm + regression.slope_ohm_per_cm * grid * 1e-4
    u = np.hypot(regression.u_intercept_ohm, regression.u_slope_ohm_per_cm * grid * 1e-4)
    covariance = regression.correlation * regression.u_intercept_ohm * regression.u_slope_ohm_per_cm
    u = np.sqrt(np.maximum(u**2 + 2 * covariance * grid * 1e-4, 0.0))
    axes.fill_between(grid, line - TWO_SIDED_95 * u, line + TWO_SIDED_95 * u, color=LEFT, alpha=0.2, linewidth=0)
    axes.plot(grid, line, color=LEFT, linewidth=1.4)
    axes.set_xlim(0, grid[-1])
    axes.set_ylim(bottom=min(0.0, float(line[0])))
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_xlabel("thickness of the layer / µm")
    axes.set_ylabel("resistance of the cell with 95 % error / Ω")
    return figure


def _verdict(result: "SubtractionResult") -> str:
    if not isinstance(result.value, float):
        return f"{result.subtracted_ohm:.4g} ± {result.u_subtracted_ohm:.2g} Ω subtracted at the lowest frequency"
    sigma = ""
    if np.isfinite(result.sigma_S_per_cm):
        sigma = f", σ {format_value(result.sigma_S_per_cm, result.u_sigma_S_per_cm)} S/cm"
    return f"{format_value(result.value, result.u)} Ω remain{sigma}"


def _figure(label: str, remark: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.4), dpi=DPI)
    figure.text(0.05, 0.975, label[-90:], fontsize=12, fontweight="bold", va="top", parse_math=False)
    remark = textwrap.shorten(remark, LONGEST, placeholder=" …")
    figure.text(0.05, 0.925, remark, fontsize=8.5, va="top", color="0.3", parse_math=False)
    return figure
