"""Partial conductivities, or their limits, from the current under constant voltage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from eistool.constants import ONE_SIDED_95, SIGNIFICANT
from eistool.direct_current.holds import CHECKED, Hold, check_record, find_holds
from eistool.direct_current.relaxation import SETTLED, Relaxation, fit_relaxation
from eistool.direct_current.transference import Transference, transference_numbers
from eistool.display import Tabular, brief_repr, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.fitting.result import UNRESOLVED
from eistool.spectrum import CellGeometry, check_geometry
from eistool.typing import Threshold

if TYPE_CHECKING:
    from pandas import DataFrame

MODES = ("ion_blocking", "electron_blocking", "leakage")
CARRIER = {"ion_blocking": "electronic", "electron_blocking": "ionic", "leakage": "leakage"}
U_UNKNOWN_LEAD_OHM: Annotated[
    float,
    Threshold(
        "standard uncertainty of an unknown lead resistance in Ω", "engineering choice; flagged if it matters"
    ),
] = 0.1
U_LEAD: Annotated[float, Threshold("relative uncertainty of a lead given without one", CHECKED)] = 0.1
FLOORS: Annotated[float, Threshold("floors of the instrument below which a current gives a limit", "3 σ")] = 3.0
FELT: Annotated[float, Threshold("uncertainty of the lead, relative to R, that is flagged", CHECKED)] = 0.002
ZERO_SHARE: Annotated[float, Threshold("voltage of an offset, relative to the largest", CHECKED)] = 0.01
ZERO_V: Annotated[float, Threshold("voltage of an offset in V", CHECKED)] = 1e-3
NONLINEAR: Annotated[float, Threshold("relative deviation from I ∝ V that counts as nonlinear", CHECKED)] = 0.03
HIGH_V: Annotated[
    float,
    Threshold(
        "voltage in V from which decomposition is flagged",
        "voltage of the sulphide electrolytes in doi:10.1038/s41586-024-08298-9",
    ),
] = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PolarizationStep(Tabular):
    """One hold: voltage, and steady current with the offset subtracted."""

    voltage_V: float
    begins_s: float
    duration_s: float
    I_ss_A: float
    u_I_ss_A: float
    status: str  # ok | not_resolvable
    reason: str
    lower_limit_A: float  # of the absolute steady current, 95 %; nan if there is none
    upper_limit_A: float
    relaxation: Relaxation = field(repr=False)
    hold: Hold = field(repr=False)

    __repr__ = brief_repr

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects."""
        names = (
            "voltage_V", "begins_s", "duration_s", "I_ss_A", "u_I_ss_A", "status", "reason", "lower_limit_A",
            "upper_limit_A",
        )  # fmt: skip
        fit = self.relaxation
        values = {name: getattr(self, name) for name in names}
        values |= {"terms": fit.terms, "settled": fit.settled, "relative_slope": fit.slope, "from_s": fit.from_s}
        as_dict: dict[str, Any] = plain(values)
        return as_dict


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PolarizationResult:
    """Outcome of :func:`analyze_polarization`.

    ``status`` is ``ok`` or ``not_resolvable``; ``sigma_S_per_cm`` is then nan, and ``upper_limit`` or
    ``lower_limit`` (S/cm, 95 %) may be given. Errors are standard uncertainties and include the geometry.
    The offset is subtracted from currents, the lead from resistances.
    """

    mode: str
    sigma_S_per_cm: float
    u_sigma_S_per_cm: float
    lower_limit: float
    upper_limit: float
    resistance_ohm: float
    u_resistance_ohm: float
    I_ss_A: float  # at the largest voltage
    u_I_ss_A: float
    voltage_V: float
    offset_A: float
    u_offset_A: float
    linear: bool | None  # over the voltages; None with a single one
    status: str
    reason: str
    flags: tuple[str, ...]
    steps: tuple[PolarizationStep, ...]
    cell: CellGeometry | None

    @property
    def carrier(self) -> str:
        """Mobile carrier: ``electronic`` or ``ionic``; ``leakage`` of a full cell."""
        return CARRIER[self.mode]

    @property
    def current_density(self) -> float:
        """Steady current per area in A/cm², nan without an area."""
        area = None if self.cell is None else self.cell.area_cm2
        return math.nan if area is None else self.I_ss_A / area

    def transference(self, sigma_other: float, u_sigma_other: float = 0.0) -> Transference:
        """Return transference numbers from the conductivity of the other carrier in S/cm."""
        sigma = (self.sigma_S_per_cm, self.u_sigma_S_per_cm)
        if self.status != "ok":
            sigma = (math.nan, self.upper_limit)
        return transference_numbers(sigma, (sigma_other, u_sigma_other), self.carrier)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects; None for missing ones."""
        values = {name: getattr(self, name) for name in self.__slots__ if name not in ("steps", "cell")}
        values |= {"steps": [step.to_dict() for step in self.steps], "carrier": self.carrier}
        values["cell"] = None if self.cell is None else self.cell.to_dict()
        as_dict: dict[str, Any] = plain(values)
        return as_dict

    def to_dataframe(self) -> "DataFrame":
        """Return one row per voltage."""
        import pandas as pd

        return pd.DataFrame([step.to_dict() for step in self.steps]).drop(columns="terms")

    def __repr__(self) -> str:
        lines = [f"PolarizationResult({self.mode}: {self._verdict()})"]
        lines += [f"  {_describe_step(step)}" for step in self.steps]
        lines += [f"  flag: {flag}" for flag in self.flags]
        return "\n".join(lines)

    def _verdict(self) -> str:
        if self.status != "ok":
            limits = (("<", self.upper_limit), (">", self.lower_limit))
            bound = "".join(f" {sign} {limit:.3g} S/cm (95 %)," for sign, limit in limits if math.isfinite(limit))
            return f"not resolvable,{bound} because {self.reason}"
        if math.isfinite(self.sigma_S_per_cm):
            return f"σ_{self.carrier} {format_value(self.sigma_S_per_cm, self.u_sigma_S_per_cm)} S/cm"
        return f"I {format_value(self.I_ss_A, self.u_I_ss_A)} A"

    def _repr_html_(self) -> str:
        rows = [
            (
                f"{s.voltage_V:.5g}", format_value(s.I_ss_A, s.u_I_ss_A), f"{s.duration_s:.4g}",
                f"{s.relaxation.settled:.3g}", s.status, s.reason,
            )
            for s in self.steps
        ]  # fmt: skip
        return html_table(
            f"Polarisation, {self.mode}: {self._verdict()}",
            ("V", "I / A", "hold / s", "hold / τ", "status", "reason"),
            rows,
        )


def _describe_step(step: PolarizationStep) -> str:
    current = format_value(step.I_ss_A, step.u_I_ss_A)
    return f"{step.voltage_V:.4g} V for {step.duration_s:.4g} s: {current} A" + (
        "" if step.status == "ok" else f" (not steady: {step.reason})"
    )


def analyze_polarization(
    time_s: ArrayLike,
    current_A: ArrayLike,
    voltage_V: ArrayLike,
    cell: CellGeometry | None = None,
    mode: Literal["ion_blocking", "electron_blocking", "leakage"] = "ion_blocking",
    *,
    r_lead_ohm: float | None = None,
    u_r_lead_ohm: float | None = None,
    offset_A: float | None = None,
    u_offset_A: float = 0.0,
    floor_A: float = 0.0,
) -> PolarizationResult:
    """Return the partial conductivity from a d.c. polarisation, or a limit if it has no steady state.

    Each hold is fitted by a steady current and its relaxation. It is steady if it lasts more than five time
    constants, its final slope extrapolated over the hold is below 5 % of the current, and the fitted steady
    current is within 5 % of the final one. Otherwise the final current gives a limit only.

    Parameters
    ----------
    time_s, current_A : array_like, shape (n,)
        Record in s and A; it may contain rests, 0 V and several voltages.
    voltage_V : array_like, shape (n,), or float
        In V.
    cell : CellGeometry, optional
        Geometry; without it, only the resistance is given.
    mode : {"ion_blocking", "electron_blocking", "leakage"}
        Carrier that the contacts block; ``leakage`` gives the steady current of a full cell.
    r_lead_ohm, u_r_lead_ohm : float, optional
        Series resistance outside the cell with its standard uncertainty: by default 0 ± 0.1 Ω, or 10 % of
        the given value.
    offset_A, u_offset_A : float, optional
        Current at 0 V; by default from the holds at 0 V.
    floor_A : float
        Resolution of the current; a steady current below three times that gives a limit.

    Raises
    ------
    SpectrumError
        If the columns or the mode are invalid, or no voltage was held.

    References
    ----------
    .. [1] Jamnik, Maier, J. Electrochem. Soc. 146 (1999) 4183, doi:10.1149/1.1392611

    Examples
    --------
    >>> t = np.arange(0.0, 72000.0, 60.0)
    >>> current = 17.9e-9 * (1 + 4 * np.exp(-t / 2000))
    >>> cell = CellGeometry(thickness_um=280, diameter_mm=10, u_thickness_um=5)
    >>> analyze_polarization(t, current, 1.0, cell).sigma_S_per_cm.__format__(".3g")
    '6.38e-10'
    """
    check_geometry(cell)
    if mode not in MODES:
        raise SpectrumError(f"polarisation: mode={mode!r}; choose {', '.join(MODES)}")
    lead = _lead(r_lead_ohm, u_r_lead_ohm)
    flags: tuple[str, ...] = ()
    for name, value in (("u_offset_A", u_offset_A), ("floor_A", floor_A)):
        if not 0 <= value < math.inf:
            raise SpectrumError(f"polarisation: {name}={value!r}; give a current of 0 A or more")
    holds = find_holds(*check_record(time_s, current_A, voltage_V))
    largest = max((abs(hold.voltage_V) for hold in holds), default=0.0)
    zero = max(ZERO_SHARE * largest, ZERO_V)
    polarized = [hold for hold in holds if abs(hold.voltage_V) > zero]
    if not polarized:
        raise SpectrumError(
            "polarisation: no voltage above 1 mV is constant over 2 % of the record and 12 points; "
            "give the record of a potentiostatic polarisation"
        )
    if offset_A is not None:
        offset = (float(offset_A), float(u_offset_A))
    elif mode == "leakage":
        offset = (0.0, 0.0)
    else:
        measured = _offset([hold for hold in holds if abs(hold.voltage_V) <= zero])
        offset = measured or (0.0, 0.0)
        flags += () if measured else ("no measured current at 0 V: the offset is taken as 0",)
    steps = tuple(_step(hold, offset, floor_A) for hold in polarized)
    return _conclude(steps, offset, lead, mode, cell, flags)


def _lead(value: float | None, u: float | None) -> tuple[float, float]:
    for name, given in (("r_lead_ohm", value), ("u_r_lead_ohm", u)):
        if given is not None and not 0 <= given < math.inf:
            raise SpectrumError(f"polarisation: {name}={given!r}; give a resistance of 0 Ω or more")
    R = value or 0.0
    if u is None:
        u = U_UNKNOWN_LEAD_OHM if value is None else U_LEAD * R
    return R, u


def _offset(holds: Sequence[Hold]) -> tuple[float, float] | None:
    """Return the current at 0 V with its error, or None without a measurement."""
    offsets = []
    for hold in holds:
        if not np.any(hold.current_A):  # a rest without current
            continue
        fit = fit_relaxation(hold)
        if fit.settled > SETTLED:
            offsets.append((fit.I_ss_A, fit.u_I_ss_A))
        else:  # no extrapolation
            early, late = fit.current(np.array([0.5, 1.0]) * hold.duration_s)
            offsets.append((fit.I_final_A, math.hypot(fit.u_I_final_A, float(early - late))))
    if not offsets:
        return None
    values = np.array([value for value, _ in offsets])
    weight = np.array([max(u, 1e-300) ** -2 for _, u in offsets])
    mean = float(weight @ values / weight.sum())
    scatter = float(weight @ (values - mean) ** 2) / max(1, len(offsets) - 1)
    return mean, math.sqrt(max(1.0, scatter) / float(weight.sum()))


def _step(hold: Hold, offset: tuple[float, float], floor: float) -> PolarizationStep:
    fit = fit_relaxation(hold)
    value, u = fit.I_ss_A - offset[0], math.hypot(fit.u_I_ss_A, offset[1])
    reasons = list(fit.failures)
    last = abs(fit.I_final_A - offset[0])
    u_last = ONE_SIDED_95 * math.hypot(fit.u_I_final_A, offset[1])
    lower, upper = math.nan, math.nan
    if reasons:
        upper, lower = (math.nan, max(0.0, last - u_last)) if fit.rising else (last + u_last, math.nan)
    faint = max(FLOORS * floor, 2 * u)
    if abs(value) < faint:
        against = f"{FLOORS:g} times the floor of the current" if faint > 2 * u else "twice its uncertainty"
        reasons.append(f"the current, {abs(value):.2g} A, is below {against}")
        if not fit.rising or not fit.failures:
            upper = max(last + u_last, abs(value) + ONE_SIDED_95 * u, FLOORS * floor)
    return PolarizationStep(
        voltage_V=hold.voltage_V,
        begins_s=hold.begins_s,
        duration_s=hold.duration_s,
        I_ss_A=value,
        u_I_ss_A=u,
        status="not_resolvable" if reasons else "ok",
        reason="; ".join(reasons),
        lower_limit_A=lower,
        upper_limit_A=upper,
        relaxation=fit,
        hold=hold,
    )


def _conclude(
    steps: tuple[PolarizationStep, ...],
    offset: tuple[float, float],
    lead: tuple[float, float],
    mode: str,
    cell: CellGeometry | None,
    flags: tuple[str, ...],
) -> PolarizationResult:
    good = [step for step in steps if step.status == "ok"]
    shown = max(good or steps, key=lambda step: abs(step.voltage_V))
    linear: bool | None = None
    R, u_R, sigma = math.nan, math.nan, (math.nan, math.nan)
    limits = [math.nan, math.nan]  # of the resistance without leads
    reason = ""
    if mode == "leakage":
        reason = "" if good else shown.reason
    elif good:
        (G, u_G), linear = _conductance(good, offset[1])
        R, u_R = 1 / abs(G) - lead[0], math.hypot(u_G / G**2, lead[1])
        if G < 0:
            flags += ("current and voltage have opposite signs; a sign convention is assumed",)
        if lead[1] > FELT * abs(R):
            flags += (f"lead resistance {lead[0]:g} ± {lead[1]:.2g} Ω",)
        reason = _unresolved_resistance(R, u_R, lead[1])
        if reason:
            limits = [max(R - ONE_SIDED_95 * u_R, 0.0) or math.nan, max(R, 0.0) + ONE_SIDED_95 * u_R]
    else:
        reason = shown.reason
        low = [abs(s.voltage_V) / s.upper_limit_A for s in steps if math.isfinite(s.upper_limit_A)]
        high = [abs(s.voltage_V) / s.lower_limit_A for s in steps if s.lower_limit_A > 0]
        shift = ONE_SIDED_95 * lead[1]
        limits = [max(low, default=math.nan) - lead[0] - shift, min(high, default=math.nan) - lead[0] + shift]
        limits = [limit if limit > 0 else math.nan for limit in limits]
    if mode == "ion_blocking" and abs(shown.voltage_V) > 0.999 * HIGH_V:
        flags += (f"{abs(shown.voltage_V):.2g} V may decompose an electrolyte; compare lower voltages",)
    if mode == "electron_blocking":
        flags += ("the resistance contains electrolyte layers and counter electrodes; subtract them",)
        charge = max(abs(_charge(step, offset[0])) for step in steps)
        flags += (f"{charge:.2g} mAh passed in one direction: the counter electrode must contain more lithium",)
        if linear is None:
            flags += ("one voltage: the linearity of the electrodes is unknown",)
    if linear is False:
        flags += ("nonlinear: the current is not proportional to the voltage",)
    if any(step.status != "ok" for step in steps) and good:
        flags += (f"{len(steps) - len(good)} of {len(steps)} voltages omitted: current not steady or too small",)
    bounds = [math.nan, math.nan]
    if cell is not None and mode != "leakage":
        flags += tuple(f"{text} assumed" for text in cell.assumed)
        sigma, bounds = _conductivity(cell, None if reason else (R, u_R), limits)
    return PolarizationResult(
        mode=mode,
        sigma_S_per_cm=sigma[0],
        u_sigma_S_per_cm=sigma[1],
        lower_limit=bounds[0],
        upper_limit=bounds[1],
        resistance_ohm=math.nan if reason else R,
        u_resistance_ohm=math.nan if reason else u_R,
        I_ss_A=shown.I_ss_A,
        u_I_ss_A=shown.u_I_ss_A,
        voltage_V=shown.voltage_V,
        offset_A=offset[0],
        u_offset_A=offset[1],
        linear=linear,
        status="not_resolvable" if reason else "ok",
        reason=reason,
        flags=flags,
        steps=steps,
        cell=cell,
    )


def _charge(step: PolarizationStep, offset: float) -> float:
    """Return the charge of a hold in mAh, by the trapezoidal rule."""
    current, time = step.hold.current_A - offset, step.hold.time_s
    return float(np.sum((current[1:] + current[:-1]) * np.diff(time))) / 2 / 3.6


def _unresolved_resistance(R: float, u_R: float, u_lead: float) -> str:
    if SIGNIFICANT * u_lead > R:
        limit = f"{SIGNIFICANT:g} times the uncertainty of the lead, {u_lead:.2g} Ω"
        return f"R = {R:.3g} Ω is below {limit}; measure the lead"
    if u_R > UNRESOLVED * R:
        return f"the uncertainty of R = {R:.3g} Ω, {u_R:.2g} Ω, exceeds {UNRESOLVED:.0%}"
    return ""


def _conductance(good: Sequence[PolarizationStep], u_offset: float) -> tuple[tuple[float, float], bool | None]:
    """Return the slope of I against V with its error, and whether I is proportional to V."""
    V, I = (np.array([getattr(step, name) for step in good]) for name in ("voltage_V", "I_ss_A"))  # noqa: E741
    u = np.array([step.relaxation.u_I_ss_A for step in good])
    weight = np.maximum(u, 1e-9 * np.abs(I)) ** -2.0
    G = float(weight @ (V * I) / (weight @ V**2))
    u_fit = float(weight @ V**2) ** -0.5
    u_shift = u_offset * abs(float(weight @ V)) / float(weight @ V**2)
    if np.unique(np.round(V, 4)).size < 2:
        return (G, math.hypot(u_fit, u_shift)), None
    away = I - G * V
    scatter = float(weight @ away**2) / (len(good) - 1)
    # deviations of 3 % beyond noise and offset
    clear = np.abs(away) > np.maximum(NONLINEAR * np.abs(I), SIGNIFICANT * np.hypot(u, u_offset))
    return (G, math.hypot(u_fit * math.sqrt(max(1.0, scatter)), u_shift)), not bool(clear.any())


def _conductivity(
    cell: CellGeometry, R: tuple[float, float] | None, limits: Sequence[float]
) -> tuple[tuple[float, float], list[float]]:
    """Return σ with its error, or its lower and upper limits, in S/cm."""
    k, u_k = cell.cell_constant_per_cm or math.nan, cell.u_cell_constant_per_cm or 0.0
    if R is not None:
        sigma = k / R[0]
        return (sigma, sigma * math.hypot(u_k / k, R[1] / R[0])), [math.nan, math.nan]
    stretch = 1 + ONE_SIDED_95 * u_k / k
    return (math.nan, math.nan), [k / limits[1] / stretch, k / limits[0] * stretch]
