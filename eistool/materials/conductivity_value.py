"""Conductivity values with their error budget, or limits with a reason."""

import math
from dataclasses import dataclass
from typing import Annotated

from eistool.constants import BOLTZMANN_EV, ONE_SIDED_95, TWO_SIDED_95, VACUUM_F_PER_CM, ZERO_CELSIUS
from eistool.display import Shown, format_value
from eistool.fitting import FitResult
from eistool.fitting.result import UNRESOLVED
from eistool.spectrum import CellGeometry
from eistool.typing import Threshold

DEFAULT_U_TEMPERATURE_K: Annotated[
    float, Threshold("assumed uncertainty of the temperature in K", "project definition, docs/materials.md")
] = 1.0
DEFAULT_EA_EV: Annotated[
    float,
    Threshold(
        "assumed Ea in eV, for the error of the temperature",
        "0.31 to 0.34 eV in doi:10.1038/s41586-024-08298-9 and 10.1038/s41560-021-00952-0",
    ),
] = 0.3
DEFAULT_U_LEAD: Annotated[float, Threshold("assumed relative uncertainty of a lead", "engineering choice")] = 0.1
TYPICAL_PERMITTIVITY = 10.0  # of solid electrolytes, for the expected bulk apex


@dataclass(frozen=True, slots=True, kw_only=True)
class ConductivityValue(Shown):
    """Conductivity with a 95 % interval, or nan with one-sided 95 % limits if it is not resolvable.

    The relative uncertainties of resistance, geometry and temperature add up to ``u_sigma_S_per_cm``.
    """

    quantity: str  # bulk | grain_boundary | total, and others of composites
    R_ohm: float  # leads subtracted
    u_R_ohm: float
    sigma_S_per_cm: float
    u_sigma_S_per_cm: float
    lower_limit: float  # S/cm, 95 %
    upper_limit: float
    status: str  # ok | not_resolvable | extrapolated | failed
    reason: str
    u_relative_resistance: float = math.nan
    u_relative_geometry: float = math.nan
    u_relative_temperature: float = 0.0  # of a value stated at a nominal temperature

    def __repr__(self) -> str:
        return f"{self.quantity} {sigma_text(self)}{f' ({self.reason})' if self.reason else ''}"


def bulk_apex_frequency(sigma_S_per_cm: float, permittivity: float = TYPICAL_PERMITTIVITY) -> float:
    """Return the apex frequency of the bulk arc in Hz: σ/(2π ε0 εr).

    Examples
    --------
    >>> f"{bulk_apex_frequency(2.4e-3) / 1e6:.0f} MHz, {bulk_apex_frequency(2.7e-6) / 1e6:.2f} MHz"
    '431 MHz, 0.49 MHz'
    """
    return sigma_S_per_cm / (2 * math.pi * VACUUM_F_PER_CM * permittivity)


def temperature_share(activation_energy_eV: float, temperature_C: float, u_temperature_K: float) -> float:
    """Return the relative error of σ at a nominal temperature: (Ea/kBT - 1) u(T)/T.

    Examples
    --------
    >>> round(temperature_share(0.31, 25.0, 1.0), 4)
    0.0371
    """
    kelvin = temperature_C + ZERO_CELSIUS
    return abs(activation_energy_eV / (BOLTZMANN_EV * kelvin) - 1) * u_temperature_K / kelvin


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Conversion of resistances to conductivities: cell constant, lead and temperature with their errors."""

    constant: float  # 1/cm
    u_geometry: float  # relative
    lead: float  # ohm
    u_lead: float
    u_temperature: float  # relative, of sigma
    u_temperature_K: float | None
    assumed: tuple[str, ...]

    @classmethod
    def of(
        cls,
        result: FitResult,
        cell: CellGeometry,
        lead: float | None,
        u_lead: float | None,
        energy: float | None,
    ) -> "Scale":
        """Return the scale for a fit; None is replaced by metadata or by an assumption."""
        metadata = result.spectrum.metadata
        assumed = []
        lead = metadata.r_lead_ohm if lead is None else lead
        if lead and u_lead is None:
            assumed.append(f"u_r_lead_ohm = {DEFAULT_U_LEAD:.0%} of it")
        share, u_kelvin = 0.0, None
        if metadata.temperature_C is not None:
            u_kelvin = metadata.u_temperature_C
            if u_kelvin is None:
                u_kelvin = DEFAULT_U_TEMPERATURE_K
                assumed.append(f"u_temperature_C = {u_kelvin:g}")
            if energy is None:
                energy = DEFAULT_EA_EV
                assumed.append(f"Ea = {energy:g} eV for the error of the temperature")
            share = temperature_share(energy, metadata.temperature_C, u_kelvin)
        constant = cell.cell_constant_per_cm or math.nan
        return cls(
            constant=constant,
            u_geometry=(cell.u_cell_constant_per_cm or 0.0) / constant,
            lead=lead or 0.0,
            u_lead=DEFAULT_U_LEAD * abs(lead or 0.0) if u_lead is None else u_lead,
            u_temperature=share,
            u_temperature_K=u_kelvin,
            assumed=tuple(assumed),
        )

    def value(
        self, quantity: str, R: float, u_R: float, status: str = "ok", reason: str = "", with_lead: bool = False
    ) -> ConductivityValue:
        """Return the conductivity of a resistance, or its lower limit if R is not resolved."""
        if with_lead and self.lead:
            R, u_R = R - self.lead, math.hypot(u_R, self.u_lead)
            reason = joined(f"leads of {self.lead:g} Ω subtracted", reason)
        if not (status in ("ok", "extrapolated") and u_R <= UNRESOLVED * R):
            if status in ("ok", "extrapolated"):
                status, reason = "not_resolvable", joined("the error of R exceeds 50 %", reason)
            largest = R + ONE_SIDED_95 * u_R
            factor = math.exp(-ONE_SIDED_95 * math.hypot(self.u_geometry, self.u_temperature))
            limit = self.constant / largest * factor if largest > 0 and math.isfinite(largest) else math.nan
            return without_value(quantity, status, reason, lower_limit=limit)
        sigma = self.constant / R
        relative = math.sqrt((u_R / R) ** 2 + self.u_geometry**2 + self.u_temperature**2)
        return ConductivityValue(
            quantity=quantity,
            R_ohm=R,
            u_R_ohm=u_R,
            sigma_S_per_cm=sigma,
            u_sigma_S_per_cm=sigma * relative,
            lower_limit=sigma * math.exp(-TWO_SIDED_95 * relative),
            upper_limit=sigma * math.exp(TWO_SIDED_95 * relative),
            status=status,
            reason=reason,
            u_relative_resistance=u_R / R,
            u_relative_geometry=self.u_geometry,
            u_relative_temperature=self.u_temperature,
        )


def without_value(
    quantity: str, status: str, reason: str, lower_limit: float = math.nan, upper_limit: float = math.nan
) -> ConductivityValue:
    """Return an unknown conductivity with its status, reason and limits."""
    return ConductivityValue(
        quantity=quantity,
        R_ohm=math.nan,
        u_R_ohm=math.nan,
        sigma_S_per_cm=math.nan,
        u_sigma_S_per_cm=math.nan,
        lower_limit=lower_limit,
        upper_limit=upper_limit,
        status=status,
        reason=reason,
    )


def joined(*texts: str) -> str:
    """Join the nonempty reasons."""
    return "; ".join(text for text in texts if text)


def sigma_text(one: ConductivityValue) -> str:
    """Return σ ± u in S/cm, or the status and the limits."""
    if math.isfinite(one.sigma_S_per_cm):
        status = "" if one.status == "ok" else f", {one.status}"
        return f"{format_value(one.sigma_S_per_cm, one.u_sigma_S_per_cm)} S/cm{status}"
    limits = [(">", one.lower_limit), ("<", one.upper_limit)]
    known = [f"{sign} {limit:.3g} S/cm (95 %)" for sign, limit in limits if math.isfinite(limit)]
    return ", ".join([one.status, *known])
