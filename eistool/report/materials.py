"""Pictures of transport: Arrhenius plots, composition series and normalised Nyquist plots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.constants import TWO_SIDED_95, ZERO_CELSIUS
from eistool.display import format_value
from eistool.report.nyquist import DPI, square
from eistool.report.units import ohm_unit
from eistool.typing import BoolArray, ComplexArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eistool.materials import Arrhenius

COLOURS = ("#1f4e79", "#d1495b", "#2e8b57", "#e08e00", "#6a4c93", "#00798c", "#8d6a9f", "#5b5b5b")
TICKS_C = (-100, -80, -60, -40, -20, 0, 20, 40, 60, 80, 100, 150, 200, 300, 400, 500, 600, 700, 800, 1000)
MOST_LABELS = 10  # in a legend


@dataclass(frozen=True, slots=True, eq=False)
class CompositionPoint:
    """Sample of a composition series; nan without an activation energy."""

    x: float
    label: str
    sigma: float  # S/cm
    u_sigma: float
    Ea: float  # eV
    u_Ea: float


@dataclass(frozen=True, slots=True, eq=False)
class NormalisedSpectrum:
    """Spectrum with its geometry."""

    label: str
    impedance: ComplexArray  # ohm
    used: BoolArray
    thickness_cm: float  # nan if only the cell constant is known
    area_cm2: float
    cell_constant_per_cm: float
    resistance: float = np.nan  # total in ohm; nan if unknown


def plot_arrhenius(fits: "Sequence[Arrhenius]") -> "Figure":
    """Return a figure of ln(σT) and log σ over 1000/T with 95 % bands.

    Parameters
    ----------
    fits : sequence of Arrhenius
        Results of any number of samples. Extrapolated conductivities have open marks, omitted ones crosses.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 5.4), dpi=DPI, layout="constrained")  # no label is cut off
    left, right = figure.subplots(1, 2)
    for i, fit in enumerate(fits):
        colour = COLOURS[i % len(COLOURS)]
        _draw_line(left, fit, colour, product=True, labelled=i < MOST_LABELS)
        _draw_line(right, fit, colour, product=False, labelled=False)
    right.set_yscale("log")
    for axes in (left, right):
        axes.set_xlabel("1000/T  in 1/K")
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    forms = {fit.form for fit in fits}
    left.set_ylabel("ln(σT / (S K/cm))")
    right.set_ylabel("σ in S/cm")
    milli = right.secondary_yaxis("right", functions=(_to_milli, _from_milli))
    milli.set_ylabel("σ in mS/cm")
    _celsius_axis(right)
    _celsius_axis(left)
    if left.get_legend_handles_labels()[0]:  # lines fall to the right, so that this corner is free
        left.legend(fontsize=7.5, frameon=False, loc="upper right")
    law = "σT = σ0 exp(-Ea/kBT)" if forms == {"ln_sigmaT"} else "σ = σ0 exp(-Ea/kBT)"
    text = f"Arrhenius: {law if len(forms) == 1 else 'several forms'}, bands 95 %"
    figure.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    return figure


def _to_milli(sigma: Any) -> Any:
    return 1e3 * sigma


def _from_milli(sigma: Any) -> Any:
    return sigma / 1e3


def _draw_line(axes: "Axes", fit: "Arrhenius", colour: str, product: bool, labelled: bool) -> None:
    kelvin = fit.temperature_C + ZERO_CELSIUS
    u = np.where(np.isfinite(fit.u_conductivity), fit.u_conductivity, 0.0)

    def shown(sigma: FloatArray, T: FloatArray) -> FloatArray:
        return np.log(sigma * T) if product else sigma

    y = shown(fit.conductivity, kelvin)
    error = u / fit.conductivity if product else u
    kinds: tuple[tuple[BoolArray, dict[str, Any]], ...] = (
        (fit.used & ~fit.extrapolated, {"marker": "o", "markerfacecolor": colour}),
        (fit.used & fit.extrapolated, {"marker": "o", "markerfacecolor": "white"}),
        (~fit.used, {"marker": "x"}),
    )
    for which, style in kinds:
        if which.any():
            axes.errorbar(
                1e3 / kelvin[which], y[which], error[which], color=colour, linestyle="none", capsize=2, **style
            )
    if not np.isfinite(fit.Ea_eV):
        return
    ends = kelvin[fit.used]
    T = 1 / np.linspace(1 / ends.min(), 1 / ends.max(), 100)
    sigma, u_sigma = fit.predict(T - ZERO_CELSIUS)
    energy = f"{format_value(fit.Ea_eV, fit.u_Ea_eV)} eV ({fit.Ea_kJ_per_mol:.1f} kJ/mol)"
    label = f"{fit.label}: Ea {energy}" if labelled else None
    axes.plot(1e3 / T, shown(sigma, T), color=colour, linewidth=1.2, label=label)
    factor = np.exp(fit.quantile * u_sigma / sigma)
    low, high = shown(sigma / factor, T), shown(sigma * factor, T)
    axes.fill_between(1e3 / T, low, high, color=colour, alpha=0.15, linewidth=0)


def _celsius_axis(axes: "Axes") -> None:
    low, high = axes.get_xlim()
    known = [t for t in TICKS_C if low <= 1e3 / (t + ZERO_CELSIUS) <= high]
    top = axes.secondary_xaxis("top")
    top.set_xticks([1e3 / (t + ZERO_CELSIUS) for t in known], [str(t) for t in known])
    top.set_xlabel("T in °C")


def plot_composition(points: Sequence[CompositionPoint]) -> "Figure":
    """Return a figure of σ at 25 °C and Ea over the composition."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.8), dpi=DPI)
    left = figure.add_axes((0.08, 0.13, 0.36, 0.72))
    right = figure.add_axes((0.56, 0.13, 0.36, 0.72))
    ordered = sorted(points, key=lambda point: point.x)
    x = np.array([p.x for p in ordered])
    sigma, u_sigma, energy, u_energy = (
        np.array([getattr(p, name) for p in ordered]) for name in ("sigma", "u_sigma", "Ea", "u_Ea")
    )
    left.errorbar(
        x, 1e3 * sigma, 1e3 * TWO_SIDED_95 * u_sigma, fmt="o-", color=COLOURS[0], capsize=3, linewidth=0.9
    )
    left.set_yscale("log")
    left.set_ylabel("σ(25 °C) in mS/cm")
    known = np.isfinite(energy)
    right.errorbar(x[known], energy[known], TWO_SIDED_95 * u_energy[known], fmt="s-", color=COLOURS[1], capsize=3)
    right.set_ylabel("Ea in eV")
    if not known.any():
        right.text(0.5, 0.5, "no activation energies", transform=right.transAxes, ha="center", color="0.4")
    for axes in (left, right):
        axes.set_xlabel("composition x")
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.08)
    right.set_xlim(left.get_xlim())
    figure.text(0.08, 0.96, "Composition series, errors 95 %", fontsize=12, fontweight="bold", va="top")
    return figure


def plot_normalised(spectra: Sequence[NormalisedSpectrum], title: str) -> "Figure":
    """Return a figure of Nyquist plots of Z A/L, Z A and Z/L."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 4.9), dpi=DPI)
    kinds: tuple[tuple[str, str, Callable[[NormalisedSpectrum], float]], ...] = (
        ("Z A/L", "Ω cm", lambda s: 1 / s.cell_constant_per_cm),
        ("Z A", "Ω cm²", lambda s: s.area_cm2),
        ("Z/L", "Ω/cm", lambda s: 1 / s.thickness_cm),
    )
    for i, (name, unit, factor) in enumerate(kinds):
        axes = figure.add_axes((0.06 + 0.32 * i, 0.13, 0.255, 0.7))
        curves = [(s.label, s.impedance[s.used] * factor(s)) for s in spectra if np.isfinite(factor(s))]
        reach = max(
            (s.resistance * factor(s) for s in spectra if np.isfinite(s.resistance * factor(s))), default=0.0
        )
        _draw_curves(axes, curves, name, unit, reach, labelled=i == 0)
    figure.text(0.06, 0.96, title, fontsize=12, fontweight="bold", va="top", parse_math=False)
    return figure


def _draw_curves(
    axes: "Axes", curves: Sequence[tuple[str, ComplexArray]], name: str, unit: str, reach: float, labelled: bool
) -> None:
    if not curves:
        axes.set_axis_off()
        axes.text(
            0.5, 0.5, f"{name}: area or thickness unknown", transform=axes.transAxes, ha="center", color="0.4"
        )
        return
    from matplotlib import colormaps

    # blocking tails are cut, which would dwarf the resistances
    reach = 1.3 * max(reach, *(float(np.abs(z).min()) for _, z in curves))
    shown: ComplexArray = np.concatenate([z[np.abs(z) <= reach] for _, z in curves])
    scale, prefixed = ohm_unit(float(np.abs(shown).max()))
    low, side = square(shown / scale)
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(curves)))
    for i, (label, z) in enumerate(curves):
        shown_label = label if len(curves) <= MOST_LABELS or i in (0, len(curves) - 1) else None
        axes.plot(
            z.real / scale, -z.imag / scale, "o-", color=colours[i], markersize=3, linewidth=0.8, label=shown_label
        )
    axes.set_xlim(low.real, low.real + side)
    axes.set_ylim(low.imag, low.imag + side)
    axes.set_aspect("equal", adjustable="box")
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axes.grid(color="0.9", linewidth=0.6)
    text = unit.replace("Ω", prefixed)
    axes.set_xlabel(f"Re {name}  in {text}")
    axes.set_ylabel(f"−Im {name}  in {text}")
    if labelled:
        axes.figure.legend(fontsize=7.5, frameon=False, loc="upper right", ncols=5)
