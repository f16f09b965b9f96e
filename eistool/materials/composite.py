"""Partial conductivities of composite electrodes from the rails of a transmission line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np

from eistool.circuit import Element
from eistool.constants import SIGNIFICANT
from eistool.display import Shown, Tabular, format_value, html_table, plain
from eistool.errors import FitError, SpectrumError
from eistool.fitting import FitResult
from eistool.fitting.result import UNRESOLVED
from eistool.materials.conductivity_value import ConductivityValue, Scale, without_value
from eistool.spectrum import CellGeometry
from eistool.typing import Threshold

# rails of each line, and whether the spectrum is invariant under their exchange
RAILS: Mapping[str, tuple[tuple[tuple[str, str], ...], bool]] = MappingProxyType(
    {
        "TLMee": ((("electronic", "Re"), ("ionic", "Ri")), False),
        "TLMii": ((("electronic", "Re"), ("ionic", "Ri")), False),
        "TLMie": ((("electronic", "Re"), ("ionic", "Ri")), True),
        "TLMct": ((("electronic", "Re"), ("ionic", "Ri")), True),
        "deLevie": ((("ionic", "Ri"),), False),
    }
)
N_TAIL = 6  # points of the graphical extrapolation
TAIL: Annotated[
    float,
    Threshold("ωτ below which a line is a resistance and a blocking element", "series of Z: error of order (ωτ)²"),
] = 0.05
AGREEMENT: Annotated[
    float, Threshold("relative deviation at which the graphical value agrees with a fit", "engineering choice")
] = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GraphicalCheck(Shown):
    """Graphical value R_ion = 3(R_low - R_high), and the value expected from the fitted line."""

    R_low_ohm: float
    R_high_ohm: float
    R_ion_ohm: float
    u_R_ion_ohm: float
    expected_ohm: float  # Re + Ri - 3 Re Ri/(Re + Ri); R_ion for Re = 0
    verdict: str  # agrees | disagrees | not readable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Composite(Tabular):
    """Effective partial conductivities of a composite over its whole thickness and area.

    Attributes
    ----------
    electronic, ionic : ConductivityValue or None
        If the rails cannot be distinguished, both have the limits of the pair.
    tortuosity : mapping of "electronic" and "ionic" to (value, u)
        φ σ/σ_eff for rails with a given pure conductivity and volume fraction: an effective value that
        includes contacts and voids.
    tau_line_s : float
        About (Re + Ri) C/π²; the line is fully resolved if it lies within the window.
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
        """Return the result as plain Python objects; None for missing numbers."""
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
    """Return the effective electronic and ionic conductivities of a fitted transmission line.

    Parameters
    ----------
    result : FitResult
        Fit of a circuit with one of TLMee, TLMii, TLMie, TLMct, deLevie.
    cell : CellGeometry, optional
        Thickness and area of the composite; by default from the metadata.
    faster : {"electronic", "ionic"}, optional
        Rail with the lower resistance. The line of a cathode is invariant under exchange of its rails: they
        are distinguished only by this argument or by a fixed rail.
    pure : mapping of rail to (σ in S/cm, u), optional
        Conductivities of the pure phases, for the tortuosity.
    volume_fraction : mapping of rail to number, optional
        Volume fractions of the pure phases.

    Raises
    ------
    FitError
        If the fit failed, or its circuit does not have exactly one such line.
    SpectrumError
        If the geometry is unknown or ``faster`` is invalid.

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
    >>> composite = partial_conductivities(fit(spectrum, "composite_ion_blocking"), cell)
    >>> composite.electronic.status, f"{composite.electronic.sigma_S_per_cm:.2g} S/cm"
    ('ok', '0.00013 S/cm')
    """
    if not result.success:
        raise FitError(f"{result.spectrum.label}: {result.reason or 'the fit failed'}; no conductivities")
    if faster not in (None, "electronic", "ionic"):
        raise SpectrumError(f"faster={faster!r}; choose electronic, ionic or None")
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
    conductivities = {rail: _rail(result, scale, rail, name, *remark) for rail, name in names.items()}
    if exchangeable and faster is None:
        conductivities = _without_names(conductivities)
    shares = {
        rail: _tortuosity(conductivities[rail], pure[rail], volume_fraction[rail])
        for rail in conductivities
        if pure is not None and volume_fraction is not None and rail in pure and rail in volume_fraction
        if math.isfinite(conductivities[rail].sigma_S_per_cm)
    }
    return Composite(
        label=result.spectrum.label,
        circuit=repr(result.circuit),
        electronic=conductivities.get("electronic"),
        ionic=conductivities.get("ionic"),
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
    """Return the status allowed by the window, and its reason."""
    omega = result.spectrum.omega[result.spectrum.mask]
    if float(omega.min()) * tau > 1:
        return "extrapolated", "the window ends above the frequencies of the whole thickness"
    if float(omega.max()) * tau < 1:
        return "extrapolated", "the window lies below the frequencies of a partial thickness"
    return "ok", ""


def _rail(result: FitResult, scale: Scale, rail: str, name: str, status: str, reason: str) -> ConductivityValue:
    parameter = result.parameters[name]
    if parameter.status == "at_bound":
        return without_value(rail, "not_resolvable", f"{name} is at the bound {parameter.value:g} Ω of its search")
    u = 0.0 if parameter.status == "fixed" else parameter.stderr
    # a wrong line or minimum may change the rails by far more than their errors
    doubts = (flag for flag in result.flags if flag.startswith("residuals are"))
    text = "; ".join([f"{name} was fixed"] if parameter.status == "fixed" else [*filter(None, [reason]), *doubts])
    return scale.value(rail, parameter.value, u, status, text)


def _without_names(conductivities: Mapping[str, ConductivityValue]) -> dict[str, ConductivityValue]:
    """Return both rails of an exchangeable line with the limits of the pair."""
    reason = "the spectrum is invariant under exchange of Re and Ri; give faster"
    low = float(np.min([value.lower_limit for value in conductivities.values()]))
    high = float(np.max([value.upper_limit for value in conductivities.values()]))
    return {rail: without_value(rail, "not_resolvable", reason, low, high) for rail in conductivities}


def _tortuosity(value: ConductivityValue, pure: tuple[float, float], fraction: float) -> tuple[float, float]:
    sigma, u_sigma = pure
    tau = fraction * sigma / value.sigma_S_per_cm
    return tau, tau * math.hypot(u_sigma / sigma, value.u_sigma_S_per_cm / value.sigma_S_per_cm)


def _graphical(result: FitResult, line: Element, rails: list[str], tau: float) -> GraphicalCheck | None:
    """Return R_ion from the intercepts of the blocking tail and of the high-frequency end."""
    spectrum = result.spectrum
    omega, z = spectrum.omega[spectrum.mask], spectrum.impedance[spectrum.mask]
    order = np.argsort(omega)[::-1]
    omega, z = omega[order], z[order]
    tail = z[omega * tau < TAIL][:N_TAIL]
    fast = z[omega * tau > 1]
    if tail.size < N_TAIL or not fast.size:
        return None
    # errors of Z' on a steep tail are proportional to |Z|
    line_fit, covariance = np.polyfit(-tail.imag, tail.real, 1, w=1 / np.abs(tail), cov="unscaled")
    relative = float(np.sqrt(np.mean(np.abs(result.residual[spectrum.mask]) ** 2) / 2))
    low, u_low = float(line_fit[1]), relative * math.sqrt(float(covariance[1, 1]))
    high = float(fast.real[int(np.argmin(np.abs(fast.imag)))])
    R, u = 3 * (low - high), 3 * math.hypot(u_low, relative * abs(high))
    values = [result.parameters[name].value for name in rails]
    total = sum(values)
    expected = total - (3 * values[0] * values[1] / total if len(values) == 2 else 0.0)
    agrees = abs(R - expected) <= max(SIGNIFICANT * u, AGREEMENT * abs(expected))
    return GraphicalCheck(
        R_low_ohm=low,
        R_high_ohm=high,
        R_ion_ohm=R,
        u_R_ion_ohm=u,
        expected_ohm=expected,
        verdict="not readable" if u > UNRESOLVED * abs(expected) else "agrees" if agrees else "disagrees",
    )
