"""Conductivities from fitted resistances, with their error budget."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from eistool.circuit import Element
from eistool.constants import ONE_SIDED_95, SIGNIFICANT, TWO_SIDED_95
from eistool.display import Tabular, format_fixed, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.fitting import FitResult
from eistool.fitting.result import UNRESOLVED
from eistool.materials.assignment import (
    PERMITTIVITY,
    TOLERANCE,
    AssignedProcess,
    assign,
    fit_without,
    grain_boundary_objection,
    plausible_grain_boundary,
    series_parts,
)
from eistool.materials.conductivity_value import (
    TYPICAL_PERMITTIVITY,
    ConductivityValue,
    Scale,
    bulk_apex_frequency,
    joined,
    sigma_text,
    without_value,
)
from eistool.spectrum import CellGeometry, check_geometry
from eistool.typing import Threshold

if TYPE_CHECKING:
    from pandas import DataFrame

BULK_PERMITTIVITY = PERMITTIVITY[0] / TOLERANCE, PERMITTIVITY[1] * TOLERANCE  # of a bulk by role
BRICK_LAYER_RATIO: Annotated[
    float,
    Threshold(
        "ratio of C_gb to C_bulk, and of σ_bulk to σ_gb, of the brick-layer model",
        "grain boundaries are thin and less conductive; docs/materials.md",
    ),
] = 10.0

_INTERFACES = ("electrode", "charge_transfer", "film", "interphase", "diffusion")
_THROUGH = ("bulk", "grain_boundary", "phase", "ferroelectric_bulk")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conductivity(Tabular):
    """Conductivities of one spectrum; None if the circuit has no such element.

    Attributes
    ----------
    bulk, grain_boundary, total : ConductivityValue or None
        ``grain_boundary`` is the apparent conductivity L/(R A).
    grain_boundary_specific : ConductivityValue or None
        From the brick-layer model, if bulk and grain boundaries are resolved and C_gb > 10 C_bulk.
    processes : tuple of AssignedProcess
        Arcs with their assignments.
    resistors : mapping of quantity to tuple of str
        Elements whose resistances add up to each quantity.
    assumed : tuple of str
        Assumed values.
    """

    label: str
    temperature_C: float | None
    u_temperature_K: float | None
    cell: CellGeometry
    circuit: str
    bulk: ConductivityValue | None
    grain_boundary: ConductivityValue | None
    total: ConductivityValue | None
    grain_boundary_specific: ConductivityValue | None
    processes: tuple[AssignedProcess, ...]
    resistors: Mapping[str, tuple[str, ...]]
    assumed: tuple[str, ...]

    @property
    def values(self) -> tuple[ConductivityValue, ...]:
        """Bulk, grain boundary and total, if available."""
        return tuple(one for one in (self.bulk, self.grain_boundary, self.total) if one is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python objects; None for missing numbers."""
        contents = {field.name: getattr(self, field.name) for field in fields(self)}
        contents["cell"] = self.cell.to_dict()
        as_dict: dict[str, Any] = plain(contents)
        return as_dict

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas table with a row for each quantity."""
        import pandas as pd

        specific = self.grain_boundary_specific
        return pd.DataFrame([one.to_dict() for one in (*self.values, specific) if one is not None])

    def __repr__(self) -> str:
        place = "" if self.temperature_C is None else f" at {self.temperature_C:g} °C"
        lines = [f"Conductivity of {self.label!r}{place}, {self.circuit}"]
        lines += [f"  {one!r}" for one in self.values]
        lines += [f"  {one!r}" for one in (self.grain_boundary_specific,) if one is not None]
        lines += [f"  assumed: {', '.join(self.assumed)}"] if self.assumed else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (one.quantity, format_value(one.R_ohm, one.u_R_ohm), sigma_text(one), one.status, one.reason)
            for one in self.values
        ]
        title = f"Conductivity of {self.label}, {self.circuit}"
        return html_table(title, ("quantity", "R in ohm", "σ", "status", "reason"), rows)


def conductivity(
    result: FitResult,
    cell: CellGeometry | None = None,
    *,
    r_lead_ohm: float | None = None,
    u_r_lead_ohm: float | None = None,
    activation_energy_eV: float | None = None,
) -> Conductivity:
    """Return bulk, grain-boundary and total conductivity from a fit and a geometry.

    Parameters
    ----------
    result : FitResult
        Fit whose library roles, or else capacitances, determine the contributing resistances.
    cell : CellGeometry, optional
        By default from the metadata of the spectrum. A thickness is never inferred from a resistance.
    r_lead_ohm, u_r_lead_ohm : float, optional
        Subtracted from resistances that include the leads; by default from the metadata, ± 10 %.
    activation_energy_eV : float, optional
        For the error due to that of the temperature, if the metadata give a temperature; by default 0.3 eV.

    Raises
    ------
    SpectrumError
        If the geometry is unknown.

    Notes
    -----
    (u_σ/σ)² = (u_L/L)² + (2 u_d/d)² + (u_R/R)² + [(Ea/kBT - 1) u_T/T]². Unknown terms are assumed and listed
    in ``assumed``. The uncertainty is that of this pellet: the scatter of identical samples between
    laboratories is far larger [1]_. A grain boundary is reported only if its apex lies in the window, its
    capacitance is plausible, and BIC rises by more than 10 without it; else only the total is given.

    References
    ----------
    .. [1] S. Ohno et al., ACS Energy Lett. 5 (2020) 910, doi:10.1021/acsenergylett.9b02764

    Examples
    --------
    >>> from eistool import CellGeometry, fit, load_circuit, simulate
    >>> import numpy as np
    >>> spectrum = simulate("R0-CPE1", np.geomspace(7e6, 0.1, 64), [53.05, 2e-6, 0.92], noise=0.003, seed=1)
    >>> cell = CellGeometry(thickness_um=1000, diameter_mm=10, u_thickness_um=30)
    >>> total = conductivity(fit(spectrum, "spike"), cell).total
    >>> total.status, f"{1e3 * total.sigma_S_per_cm:.1f} ± {1e3 * total.u_sigma_S_per_cm:.2f} mS/cm"
    ('ok', '2.4 ± 0.08 mS/cm')
    """
    check_geometry(cell)
    metadata = result.spectrum.metadata
    cell = cell or CellGeometry.from_metadata(metadata)
    if cell is None:
        raise SpectrumError(
            f"{result.spectrum.label}: no geometry; give a thickness with a diameter or an area, "
            "or the cell constant"
        )
    scale = Scale.of(result, cell, r_lead_ohm, u_r_lead_ohm, activation_energy_eV)
    given, (result, needless) = result, _without_needless_arcs(result)
    processes = assign(result, cell)
    common: dict[str, Any] = {
        "label": result.spectrum.label,
        "temperature_C": metadata.temperature_C,
        "u_temperature_K": scale.u_temperature_K,
        "cell": cell,
        "circuit": repr(given.circuit),
        "processes": processes,
        "assumed": (*cell.assumed, *scale.assumed),
    }
    if not result.success:
        total = without_value("total", "failed", result.reason or "the fit failed")
        return Conductivity(
            **common, bulk=None, grain_boundary=None, total=total, grain_boundary_specific=None, resistors={}
        )
    parts = _sort(result, processes)
    bulk = _bulk(parts, scale)
    boundary = _grain_boundary(parts, scale) or needless
    return Conductivity(
        **common,
        bulk=bulk,
        grain_boundary=boundary,
        total=_total(parts, scale),
        grain_boundary_specific=_specific(parts, bulk, boundary),
        resistors=parts.resistors,
    )


def _without_needless_arcs(result: FitResult) -> tuple[FitResult, ConductivityValue | None]:
    """Return the fit without unresolved arcs that only raise BIC, and the verdict on a grain boundary.

    Such an arc may have any resistance, which would contribute to the total.
    """
    boundary = None
    while result.success:
        vague = [one for one in result.processes if one.status == "not_resolvable"]
        vague.sort(key=lambda one: -one.u_R / one.R)
        rivals = ((one, fit_without(result, one.name)) for one in vague)
        better = next(((one, rival) for one, rival in rivals if rival and rival.bic < result.bic), None)
        if better is None:
            break
        one, rival = better
        if one.assignment == "grain_boundary":
            worse = format_fixed(rival.bic - result.bic, 0, "+")
            reason = f"the spectrum is described without {one.name}, ΔBIC {worse}"
            boundary = without_value("grain_boundary", "not_resolvable", reason)
        result = rival
    return result, boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Elements of a fit grouped by their assignment."""

    result: FitResult
    bulk: tuple[AssignedProcess, ...]
    boundaries: tuple[AssignedProcess, ...]
    others: tuple[AssignedProcess, ...]  # other parts of the pellet: phases, and arcs without a clear capacitance
    doubtful: tuple[AssignedProcess, ...]  # in the pellet by role, elsewhere by capacitance
    intercept: tuple[str, ...]  # resistors of the electrolyte without an arc
    leads: tuple[str, ...]  # resistors in series with a bulk arc

    def resistance(self, names: Sequence[str]) -> tuple[float, float]:
        """Return the sum of resistances and its standard error from the full covariance.

        The error of a poor model is at least that of its residuals.
        """
        index = [self.result.circuit.index(f"{name}.R") for name in names]
        R = float(self.result.values[index].sum())
        variance = max(float(self.result.covariance[np.ix_(index, index)].sum()), 0.0)
        if self.result.status == "poor_model":
            residual = self.result.residual[self.result.spectrum.mask]
            variance += R**2 * float(np.mean(np.abs(residual) ** 2))
        return R, math.sqrt(variance)

    @property
    def resistors(self) -> dict[str, tuple[str, ...]]:
        bulk = tuple(one.name for one in self.bulk[:1]) or self.intercept
        boundaries = tuple(one.name for one in self.boundaries)
        counted = (one.name for one in (*self.bulk, *self.boundaries, *self.others))
        return {"bulk": bulk, "grain_boundary": boundaries, "total": (*self.intercept, *counted)}

    @property
    def remark(self) -> str:
        return "the circuit describes the spectrum poorly" if self.result.status == "poor_model" else ""


def _sort(result: FitResult, processes: Sequence[AssignedProcess]) -> _Parts:
    groups: dict[str, list[AssignedProcess]] = {"bulk": [], "grain_boundary": [], "other": [], "doubtful": []}
    for one in processes:
        if math.isinf(one.R) or one.assignment in (*_INTERFACES, "surface_layer", "reaction", "lead", "line"):
            continue
        kind = one.assignment if one.assignment in groups else "other"
        # the capacitance of a fitted arc may contradict its role in the library
        elsewhere = _is_known(one) and not any(name in _THROUGH for name in one.candidates)
        if elsewhere or (kind == "other" and not one.by_role and one.assignment not in _THROUGH):
            kind = "doubtful"
        groups[kind].append(one)
    resistors = [
        (part.name, result.parameters[f"{part.name}.R"].role)
        for part in series_parts(result.circuit)
        if isinstance(part, Element) and part.symbol == "R"
    ]
    of_pellet = [name for name, role in resistors if role not in (*_INTERFACES, "lead", "line")]
    beside_bulk = bool(groups["bulk"])
    return _Parts(
        result=result,
        bulk=tuple(groups["bulk"]),
        boundaries=tuple(groups["grain_boundary"]),
        others=tuple(groups["other"]),
        doubtful=tuple(groups["doubtful"]),
        intercept=() if beside_bulk else tuple(of_pellet),
        leads=tuple(of_pellet) if beside_bulk else (),
    )


def _is_known(one: AssignedProcess) -> bool:
    """Return whether a capacitance is resolved."""
    return one.u_C_eff <= UNRESOLVED * one.C_eff


def _total(parts: _Parts, scale: Scale) -> ConductivityValue | None:
    counted = [*parts.bulk, *parts.boundaries, *parts.others]
    # a resistance in series is not separated from a bulk arc without an apex in the window
    unseparated = parts.leads if parts.bulk and all(one.status != "ok" for one in parts.bulk) else ()
    names = [*parts.intercept, *unseparated, *(one.name for one in counted)]
    doubtful = [one.name for one in parts.doubtful]
    if not names and not doubtful:
        return None
    if not names:
        reason = f"{' and '.join(doubtful)}: neither role nor capacitance indicates the electrolyte"
        return without_value("total", "not_resolvable", reason)
    R, u_R = parts.resistance(names)
    if doubtful:
        both, u_both = parts.resistance([*names, *doubtful])
        if both - R > max(0.03 * R, SIGNIFICANT * u_R):
            return _between(parts, scale, (R, u_R), (both, u_both))
    slow = [one for one in counted if _is_below_window(parts.result, one)]
    status = "extrapolated" if slow else "ok"
    reason = f"{slow[0].name} has its apex below the window" if slow else ""
    if not counted:
        sigma = scale.constant / (R - scale.lead) if scale.lead < R else math.nan
        apex = bulk_apex_frequency(sigma) / 1e6
        fastest = float(parts.result.spectrum.frequency[parts.result.spectrum.mask].max()) / 1e6
        where = f"bulk apex ~{apex:.2g} MHz if εr = {TYPICAL_PERMITTIVITY:g}"
        if apex > 100:
            where = where.replace(f"{apex:.2g}", f"{round(apex, -1):.0f}")
        # an arc expected within the window is missing from the circuit
        reason = f"{where}: {'not measurable' if apex > fastest else 'no arc in the circuit'}"
        if not all(parts.result.parameters[f"{name}.R"].role for name in parts.intercept):
            reason = f"{', '.join(parts.intercept)} assumed to be the electrolyte; {reason}"
    elif unseparated:
        reason = joined(reason, f"{', '.join(unseparated)} and the bulk arc are not separated: their sum")
    elif parts.leads and parts.resistance(parts.leads)[0] > 0.01 * R:
        lead = parts.resistance(parts.leads)[0]
        reason = joined(
            reason, f"{', '.join(parts.leads)} = {lead:.3g} Ω in series with the bulk arc is assumed to be leads"
        )
    return scale.value("total", R, u_R, status, joined(parts.remark, reason), with_lead=not parts.leads)


def _between(
    parts: _Parts, scale: Scale, low: tuple[float, float], high: tuple[float, float]
) -> ConductivityValue:
    """Return the limits of a total that may or may not include some arcs."""
    names = " and ".join(one.name for one in parts.doubtful)
    best = low[0] - scale.lead - ONE_SIDED_95 * low[1]
    worst = high[0] - scale.lead + ONE_SIDED_95 * high[1]
    relative = ONE_SIDED_95 * math.hypot(scale.u_geometry, scale.u_temperature)
    return without_value(
        "total",
        "not_resolvable",
        f"{names} may be electrolyte or contact: its capacitance is that of neither bulk nor grain boundary",
        lower_limit=scale.constant / worst * math.exp(-relative),
        upper_limit=scale.constant / best * math.exp(relative) if best > 0 else math.nan,
    )


def _is_below_window(result: FitResult, one: AssignedProcess) -> bool:
    omega = result.spectrum.omega[result.spectrum.mask]
    return one.tau * float(omega.min()) > 1


def _claimed(parts: _Parts) -> bool:
    return any(not grain_boundary_objection(one) for one in parts.boundaries)


def _bulk(parts: _Parts, scale: Scale) -> ConductivityValue | None:
    if parts.bulk:
        one = parts.bulk[0]
        R, u_R = parts.resistance([one.name])
        status, reason = one.status, ""
        low, high = BULK_PERMITTIVITY
        if status == "extrapolated":
            reason = "its apex lies outside the window"
        elif status == "not_resolvable":
            reason = "the arc is not resolved"
        if _is_known(one) and not low <= one.permittivity <= high:
            status, reason = "not_resolvable", f"εr = {one.permittivity:.2g} is not that of a bulk"
        return scale.value("bulk", R, u_R, status, joined(parts.remark, reason), with_lead=not parts.leads)
    if not (parts.intercept and _claimed(parts)):
        return None
    R, u_R = parts.resistance(parts.intercept)
    reason = "high-frequency intercept" + ("" if scale.lead else ", leads included")
    return scale.value("bulk", R, u_R, "ok", joined(parts.remark, reason), with_lead=True)


def _grain_boundary(parts: _Parts, scale: Scale) -> ConductivityValue | None:
    if not parts.boundaries:
        return None
    claimed = [one for one in parts.boundaries if not grain_boundary_objection(one)]
    if claimed:
        R, u_R = parts.resistance([one.name for one in claimed])
        return scale.value("grain_boundary", R, u_R, "ok", joined(parts.remark, "apparent"))
    one = parts.boundaries[0]
    R, u_R = parts.resistance([one.name])
    # an arc that is not a grain boundary gives no limit
    u_R = u_R if plausible_grain_boundary(one) else math.inf
    return scale.value("grain_boundary", R, u_R, "not_resolvable", grain_boundary_objection(one))


def _specific(
    parts: _Parts, bulk: ConductivityValue | None, boundary: ConductivityValue | None
) -> ConductivityValue | None:
    """Return the specific grain-boundary conductivity σ_gb C_b/C_gb."""
    if bulk is None or boundary is None or (bulk.status, boundary.status) != ("ok", "ok") or not parts.bulk:
        return None
    inner, outer = parts.bulk[0], next(one for one in parts.boundaries if not grain_boundary_objection(one))
    ratio = inner.C_eff / outer.C_eff
    sigma = boundary.sigma_S_per_cm * ratio
    if not (ratio < 1 / BRICK_LAYER_RATIO and sigma < bulk.sigma_S_per_cm / BRICK_LAYER_RATIO):
        return None
    of_ratio = math.hypot(inner.u_C_eff / inner.C_eff, outer.u_C_eff / outer.C_eff)
    relative = math.hypot(boundary.u_sigma_S_per_cm / boundary.sigma_S_per_cm, of_ratio)
    return ConductivityValue(
        quantity="grain_boundary_specific",
        R_ohm=boundary.R_ohm,
        u_R_ohm=boundary.u_R_ohm,
        sigma_S_per_cm=sigma,
        u_sigma_S_per_cm=sigma * relative,
        lower_limit=sigma * math.exp(-TWO_SIDED_95 * relative),
        upper_limit=sigma * math.exp(TWO_SIDED_95 * relative),
        status="ok",
        reason=f"brick-layer model, C_b/C_gb = {ratio:.2g}",
        u_relative_resistance=math.hypot(boundary.u_relative_resistance, of_ratio),
        u_relative_geometry=boundary.u_relative_geometry,
        u_relative_temperature=boundary.u_relative_temperature,
    )
