"""Transference numbers."""

import math
from dataclasses import dataclass

from eistool.constants import ONE_SIDED_95
from eistool.display import Shown, format_value
from eistool.errors import SpectrumError
from eistool.typing import Measured


@dataclass(frozen=True, slots=True)
class Transference(Shown):
    """Transference numbers of ions and electrons, and σ_e/σ_ion; nan if only an upper limit is known."""

    t_ion: float
    t_electron: float
    u_t: float  # of either
    ratio: float
    u_ratio: float
    t_electron_upper_limit: float = math.nan  # 95 %
    ratio_upper_limit: float = math.nan

    def __repr__(self) -> str:
        if math.isnan(self.t_electron):
            return f"Transference(t_electron < {self.t_electron_upper_limit:.2g} (95 %))"
        return f"Transference(t_electron = {format_value(self.t_electron, self.u_t)})"


def transference_numbers(sigma: Measured, sigma_other: Measured, carrier: str = "electronic") -> Transference:
    """Return transference numbers from the two partial conductivities.

    Parameters
    ----------
    sigma, sigma_other : (float, float)
        Conductivities of ``carrier`` and of the other carrier in S/cm, with standard uncertainties. If the
        first value is nan, an upper limit in place of its uncertainty gives an upper limit.
    carrier : {"electronic", "ionic"}
        Carrier of the first conductivity.

    Raises
    ------
    SpectrumError
        If a conductivity is not positive.

    Examples
    --------
    >>> transference_numbers((4.7e-10, 0.2e-10), (2.0e-3, 0.1e-3)).ratio
    2.35e-07
    """
    if not sigma_other[0] > 0 or (not sigma[0] > 0 and not math.isnan(sigma[0])):
        raise SpectrumError(f"transference: σ = {sigma[0]!r} and {sigma_other[0]!r}; give positive values in S/cm")
    if math.isnan(sigma[0]):
        if carrier != "electronic":
            raise SpectrumError("transference: the ionic conductivity is not resolved; measure it first")
        limit = sigma[1] / max(sigma_other[0] - ONE_SIDED_95 * sigma_other[1], 1e-3 * sigma_other[0])
        return Transference(math.nan, math.nan, math.nan, math.nan, math.nan, limit / (1 + limit), limit)
    electron, ion = (sigma, sigma_other) if carrier == "electronic" else (sigma_other, sigma)
    ratio = electron[0] / ion[0]
    u_ratio = ratio * math.hypot(electron[1] / electron[0], ion[1] / ion[0])
    return Transference(1 / (1 + ratio), ratio / (1 + ratio), u_ratio / (1 + ratio) ** 2, ratio, u_ratio)


def bruce_vincent(
    voltage_V: float,
    current_start_A: Measured,
    current_steady_A: Measured,
    R_start_ohm: Measured,
    R_steady_ohm: Measured,
) -> Measured:
    """Return the cation transference number of a polarised Li|electrolyte|Li cell, with its uncertainty.

    t = I_ss (V - I_0 R_0) / (I_0 (V - I_ss R_ss)), with the interface resistances before and after.

    Parameters
    ----------
    voltage_V : float
        Applied voltage in V, small against kT/e.
    current_start_A, current_steady_A : (float, float)
        Initial and steady currents with standard uncertainties.
    R_start_ohm, R_steady_ohm : (float, float)
        Interface resistances by impedance, before and in the steady state.

    Raises
    ------
    SpectrumError
        If the interfaces would account for the whole voltage.

    References
    ----------
    .. [1] Evans, Vincent, Bruce, Polymer 28 (1987) 2324, doi:10.1016/0032-3861(87)90394-6

    Examples
    --------
    >>> t, u = bruce_vincent(0.01, (1e-5, 1e-7), (4e-6, 4e-8), (200.0, 5.0), (210.0, 5.0))
    >>> round(t, 3), round(u, 3)
    (0.349, 0.006)
    """
    from uncertainties import ufloat

    given = (current_start_A, current_steady_A, R_start_ohm, R_steady_ohm)
    # ufloat warns of zero uncertainties
    first, steady, R_0, R_ss = (ufloat(value, max(u, 1e-15 * abs(value), 1e-300)) for value, u in given)
    left, right = voltage_V - first * R_0, voltage_V - steady * R_ss
    if not left.n / voltage_V > 0 or not right.n / voltage_V > 0:
        raise SpectrumError(
            f"Bruce-Vincent: of {voltage_V:g} V the interfaces account for {(first * R_0).n:.3g} and "
            f"{(steady * R_ss).n:.3g} V; give interface resistances below V/I"
        )
    t = steady * left / (first * right)
    return float(t.n), float(t.s)
