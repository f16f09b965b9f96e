"""Conductivity of a layer from cells of several thicknesses."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.display import Tabular, format_value, plain
from eistool.errors import SpectrumError
from eistool.fitting.result import UNRESOLVED


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class ThicknessRegression(Tabular):
    """Regression R = R_0 + L/(σ A) over layers of several thicknesses."""

    sigma_S_per_cm: float
    u_sigma_S_per_cm: float
    intercept_ohm: float  # common to all cells: electrolyte layers, counter electrodes, leads
    u_intercept_ohm: float
    slope_ohm_per_cm: float
    u_slope_ohm_per_cm: float
    correlation: float  # of intercept and slope
    chi2_reduced: float
    status: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects."""
        as_dict: dict[str, Any] = plain(self)
        return as_dict

    def __repr__(self) -> str:
        if self.status != "ok":
            return f"ThicknessRegression({self.status}: {self.reason})"
        sigma = format_value(self.sigma_S_per_cm, self.u_sigma_S_per_cm)
        common = format_value(self.intercept_ohm, self.u_intercept_ohm)
        return f"ThicknessRegression(σ {sigma} S/cm, in common {common} Ω)"


def regress_thickness(
    thickness_um: ArrayLike,
    resistance_ohm: ArrayLike,
    u_resistance_ohm: ArrayLike,
    area_cm2: float,
    u_area_cm2: float = 0.0,
    u_thickness_um: ArrayLike = 0.0,
) -> ThicknessRegression:
    """Return the conductivity from the slope of resistances over thickness, without a subtraction.

    Parameters
    ----------
    thickness_um, resistance_ohm, u_resistance_ohm : array_like, shape (n,)
        At least three cells with at least two different thicknesses.
    area_cm2, u_area_cm2 : float
        Area of all cells.
    u_thickness_um : array_like
        Standard uncertainty of each thickness.

    Raises
    ------
    SpectrumError
        If there are fewer than three cells, or a value is out of range.

    Examples
    --------
    >>> R = [161.5, 275.2, 729.9, 1184.6]
    >>> regress_thickness([50, 100, 300, 500], R, [1, 1, 3, 5], 0.7854)
    ThicknessRegression(σ (5.600 ± 0.021)e-05 S/cm, in common 47.8 ± 1.1 Ω)
    """
    L = np.asarray(thickness_um, dtype=np.float64) * 1e-4
    R, u = np.asarray(resistance_ohm, dtype=np.float64), np.asarray(u_resistance_ohm, dtype=np.float64)
    u_L = np.broadcast_to(np.asarray(u_thickness_um, dtype=np.float64) * 1e-4, L.shape)
    if L.ndim != 1 or not L.shape == R.shape == u.shape or L.size < 3 or np.unique(L).size < 2:
        raise SpectrumError(
            f"regression over thickness: {L.size} cells; give three or more, of different thickness"
        )
    if not (np.isfinite(R).all() and (L > 0).all() and (u > 0).all() and area_cm2 > 0):
        raise SpectrumError("regression over thickness: give positive thicknesses, uncertainties and area")
    slope = 0.0
    for _ in range(5):  # the error of a thickness enters through the slope
        sigma = np.hypot(u, slope * u_L)
        basis = np.column_stack([np.ones_like(L), L]) / sigma[:, None]
        covariance = np.linalg.inv(basis.T @ basis)
        intercept, slope = (float(v) for v in covariance @ (basis.T @ (R / sigma)))
    chi2 = float(np.sum(((R - intercept - slope * L) / sigma) ** 2)) / (L.size - 2)
    covariance = covariance * max(1.0, chi2)
    u_intercept, u_slope = np.sqrt(np.diag(covariance)).tolist()
    resolved = u_slope < UNRESOLVED * slope
    value = 1 / (slope * area_cm2) if resolved else math.nan
    return ThicknessRegression(
        sigma_S_per_cm=value,
        u_sigma_S_per_cm=value * math.hypot(u_slope / slope, u_area_cm2 / area_cm2),
        intercept_ohm=intercept,
        u_intercept_ohm=u_intercept,
        slope_ohm_per_cm=slope,
        u_slope_ohm_per_cm=u_slope,
        correlation=float(covariance[0, 1]) / (u_intercept * u_slope),
        chi2_reduced=chi2,
        status="ok" if resolved else "not_resolvable",
        reason="" if resolved else "the resistance does not increase significantly with the thickness",
    )
