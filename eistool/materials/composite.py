"""Composite electrodes: partial conductivities from the rails of a transmission line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from eistool.circuit import Element
from eistool.display import Shown, format_value, html_table, plain
from eistool.errors import FitError, SpectrumError
from eistool.fitting import FitResult
from eistool.materials.conductivity_value import ConductivityValue, Scale, without_value
from eistool.spectrum import CellGeometry

# the rails of each line, and whether the spectrum stays the same when they are exchanged
RAILS: Mapping[str, tuple[tuple[tuple[str, str], ...], bool]] = MappingProxyType(
    {
        "TLMee": ((("electronic", "Re"), ("ionic", "Ri")), False),
        "TLMii": ((("electronic", "Re"), ("ionic", "Ri")), False),
        "TLMie": ((("electronic", "Re"), ("ionic", "Ri")), True),
        "TLMct": ((("electronic", "Re"), ("ionic", "Ri")), True),
        "deLevie": ((("ionic", "Ri"),), False),
    }
)
N_TAIL = 6  # points that the graphical reading extrapolates
TAIL = 0.05  # below this ωτ the line is a resistance and a blocking element
AGREEMENT = 3.0  # standard errors between it and the fit


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicalCheck(Shown):
    """R_ion = 3(R_low - R_high), read off the spectrum, and what the fitted line would give for it."""

    R_low_ohm: float
    R_high_ohm: float
    R_ion_ohm: float
    u_R_ion_ohm: float
    expected_ohm: float  # Re + Ri - 3 Re Ri/(Re + Ri); R_ion where Re is 0
    verdict: str  # agrees | disagrees | not readable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Composite:
    """Effective partial conductivities of a composite, over its whole thickness and area.

    Attributes
    ----------
    electronic, ionic : ConductivityValue or None
        Where the rails cannot be told apart, the limits are those of both.
    tortuosity : mapping of "electronic" and "ionic" to (value, u)
        φ σ/σ_eff, for the rails whose pure conductivity and volume fraction were given: an effective
        number that holds contacts and voids too.
    tau_line_s : float
        About (Re + Ri) C/π²: the line is seen in full where its 1/ω lies in the window.
    graphical : GraphicalCheck or None
        For blocking lines.
    """

    label: str
    circuit: str
    electronic: ConductivityValue | None
    ionic: ConductivityValue | None
    tortuosity: Mapping[str, tuple[float, float]]
    tau_line_s: float
    graphical: GraphicalCheck | None
    assumed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain Python objects; None for missing numbers."""
        as_dict: dict[str, Any] = plain({field.name: getattr(self, field.name) for field in fields(self)})
        return as_dict

    def __repr__(self) -> str:
        lines = [f"Composite {self.label!r}, {self.circuit}"]
        lines += [f"  {one!r}" for one in (self.electronic, self.ionic) if one is not None]
        lines += [f"  tortuosity, {name}: {format_value(*pair)}" for name, pair in self.tortuosity.items()]
        if self.graphical is not None:
            R = format_value(self.graphical.R_ion_ohm, self.graphical.u_R_ion_ohm)
            lines.append(f"  3(R_low - R_high) = {R} ohm, {self.graphical.verdict}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (one.quantity, format_value(one.R_ohm, one.u_R_ohm), one.status, one.reason)
            for one in (self.electronic, self.ionic)
            if one is not None
        ]
        return html_table(f"Composite {self.label}", ("rail", "R in ohm", "status", "reason"), rows)


def partial_conductivities(
    result: FitResult,
    cell: CellGeometry | None = None,
    *,
    faster: str | None = None,
    pure: Mapping[str, tuple[float, float]] | None = None,
    volume_fraction: Mapping[str, float] | None = None,
) -> Composite:
    """Return the effective electronic and ionic conductivity that a fitted transmission line gives.

    Parameters
    ----------
    result : FitResult
        Of a circuit with one of TLMee, TLMii, TLMie, TLMct, deLevie.
    cell : CellGeometry, optional
        Thickness and area of the composite; by default of the metadata.
    faster : {"electronic", "ionic"}, optional
        Which rail has the lower resistance. A cathode's line is the same with both exchanged: without it,
        or a rail that was fixed, nothing says which is which.
    pure : mapping of rail to (σ in S/cm, u), optional
        Conductivities of the pure phases, for the tortuosity.
    volume_fraction : mapping of rail to number, optional
        Their share of the volume.

    Raises
    ------
    FitError
        If the fit failed, or its circuit has not one such line.
    SpectrumError
        If no geometry is known, or ``faster`` is no rail.

    References
    ----------
    .. [1] A. E. Bumberger, A. Nenning, J. Fleig, Phys. Chem. Chem. Phys. 2024, doi:10.1039/d4cp00975d

    Examples
    --------
    >>> from eistool import CellGeometry, fit, simulate
    >>> from eistool.circuit.library import load_library_circuit
    >>> example = load_library_circuit("composite_ion_blocking").example
    >>> spectrum = simulate("composite_ion_blocking", example.frequency, example.values, noise=0.003, seed=1)
    >>> cell = CellGeometry(thickness_um=300, diameter_mm=10, u_thickness_um=6)
    >>> found = partial_conductivities(fit(spectrum, "composite_ion_blocking"), cell)
    >>> found.electronic.status, f"{found.electronic.sigma_S_per_cm:.2g} S/cm"
    ('ok', '0.00013 S/cm')
    """
    if not result.success:
        raise FitError(f"{result.spectrum.label}: {result.reason or 'the fit failed'}; no conductivities")
    if faster not in (None, "electronic", "ionic"):
        raise SpectrumError(f"faster={faster!r}; choose electronic or ionic, or leave it out")
    lines = [element for element in result.circuit.elements if element.symbol in RAILS]
    if len(lines) != 1:
        raise FitError(
            f"{result.circuit}: {len(lines)} transmission lines; fit a circuit with one ({', '.join(RAILS)})"
        )
    cell = cell or CellGeometry.from_metadata(result.spectrum.metadata)
    if cell is None:
        raise SpectrumError(f"{result.spectrum.label}: no geometry of the composite; give a thickness and an area")
    line = lines[0]
    rails, exchangeable = RAILS[line.symbol]
    names = {rail: f"{line.name}.{parameter}" for rail, parameter in rails}
    fixed = any(result.parameters[name].status == "fixed" for name in names.values())
    exchangeable = exchangeable and not fixed
    if exchangeable and faster is not None:
        low, high = sorted(names.values(), key=lambda name: result.parameters[name].value)
        names = {faster: low, "ionic" if faster == "electronic" else "electronic": high}
    tau = _tau(result, line, list(names.values()))
    scale = Scale.of(result, cell, 0.0, 0.0, None)
    remark = _remark(result, tau)
    found = {rail: _rail(result, scale, rail, name, *remark) for rail, name in names.items()}
    if exchangeable and faster is None:
        found = _without_names(found)
    shares = {
        rail: _tortuosity(found[rail], pure[rail], volume_fraction[rail])
        for rail in found
        if pure is not None and volume_fraction is not None and rail in pure and rail in volume_fraction
        if math.isfinite(found[rail].sigma_S_per_cm)
    }
    return Composite(
        label=result.spectrum.label,
        circuit=repr(result.circuit),
        electronic=found.get("electronic"),
        ionic=found.get("ionic"),
        tortuosity=MappingProxyType(shares),
        tau_line_s=tau,
        graphical=_graphical(result, line, list(names.values()), tau)
        if line.symbol in ("TLMie", "deLevie")
        else None,
        assumed=(*cell.assumed, *scale.assumed),
    )


def _tau(result: FitResult, line: Element, rails: list[str]) -> float:
    R = sum(result.parameters[name].value for name in rails)
    Q, alpha = (result.parameters[f"{line.name}.{name}"].value for name in ("Q", "alpha"))
    return float((R * Q) ** (1 / alpha) / math.pi**2)


def _remark(result: FitResult, tau: float) -> tuple[str, str]:
    """Return the status that the window allows, and why it is no better."""
    omega = result.spectrum.omega[result.spectrum.mask]
    if float(omega.min()) * tau > 1:
        return "extrapolated", "the window ends before the whole thickness takes part"
    if float(omega.max()) * tau < 1:
        return "extrapolated", "the window begins where the whole thickness takes part already"
    return "ok", ""


def _rail(result: FitResult, scale: Scale, rail: str, name: str, status: str, reason: str) -> ConductivityValue:
    parameter = result.parameters[name]
    if parameter.status == "at_bound":
        return without_value(rail, "not_resolvable", f"{name} is at the bound {parameter.value:g} Ω of its search")
    u = 0.0 if parameter.status == "fixed" else parameter.stderr
    # another minimum, or another line: the rails may differ by far more than their errors
    doubts = (flag for flag in result.flags if flag.startswith("residuals are"))
    text = "; ".join([f"{name} was fixed"] if parameter.status == "fixed" else [*filter(None, [reason]), *doubts])
    return scale.value(rail, parameter.value, u, status, text)


def _without_names(found: Mapping[str, ConductivityValue]) -> dict[str, ConductivityValue]:
    """Return both rails of an exchangeable line with the values of both as limits."""
    reason = "the spectrum is the same with Re and Ri exchanged; say which is faster"
    low = float(np.min([value.lower_limit for value in found.values()]))
    high = float(np.max([value.upper_limit for value in found.values()]))
    return {rail: without_value(rail, "not_resolvable", reason, low, high) for rail in found}


def _tortuosity(value: ConductivityValue, pure: tuple[float, float], fraction: float) -> tuple[float, float]:
    sigma, u_sigma = pure
    tau = fraction * sigma / value.sigma_S_per_cm
    return tau, tau * math.hypot(u_sigma / sigma, value.u_sigma_S_per_cm / value.sigma_S_per_cm)


def _graphical(result: FitResult, line: Element, rails: list[str], tau: float) -> GraphicalCheck | None:
    """Read R_low where the blocking tail would meet the real axis, and R_high where the line begins."""
    spectrum = result.spectrum
    omega, z = spectrum.omega[spectrum.mask], spectrum.impedance[spectrum.mask]
    order = np.argsort(omega)[::-1]
    omega, z = omega[order], z[order]
    tail = z[omega * tau < TAIL][:N_TAIL]
    fast = z[omega * tau > 1]
    if tail.size < N_TAIL or not fast.size:
        return None
    # errors of Z' on a steep tail are a share of |Z|
    line_fit, covariance = np.polyfit(-tail.imag, tail.real, 1, w=1 / np.abs(tail), cov="unscaled")
    relative = float(np.sqrt(np.mean(np.abs(result.residual[spectrum.mask]) ** 2) / 2))
    low, u_low = float(line_fit[1]), relative * math.sqrt(float(covariance[1, 1]))
    high = float(fast.real[int(np.argmin(np.abs(fast.imag)))])
    R, u = 3 * (low - high), 3 * math.hypot(u_low, relative * abs(high))
    values = [result.parameters[name].value for name in rails]
    total = sum(values)
    expected = total - (3 * values[0] * values[1] / total if len(values) == 2 else 0.0)
    agrees = abs(R - expected) <= max(AGREEMENT * u, 0.1 * abs(expected))
    return GraphicalCheck(
        R_low_ohm=low,
        R_high_ohm=high,
        R_ion_ohm=R,
        u_R_ion_ohm=u,
        expected_ohm=expected,
        verdict="not readable" if u > 0.5 * abs(expected) else "agrees" if agrees else "disagrees",
    )
