"""Weighted straight lines through ln(σT), or ln σ, against 1/kBT."""

import math
from dataclasses import dataclass

import numpy as np

from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.typing import FloatArray


def axes(form: str, temperature_C: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return 1/kBT in 1/eV and ln(σT) or ln σ."""
    kelvin = temperature_C + ZERO_CELSIUS
    return 1 / (BOLTZMANN_EV * kelvin), np.log(sigma * kelvin if form == "ln_sigmaT" else sigma)


def weighted_line(x: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (intercept, slope) of a weighted line, and their covariance for weights 1/u²."""
    centre = float(np.average(x, weights=weight))
    sum_of_squares = float(np.sum(weight * (x - centre) ** 2))
    slope = float(np.sum(weight * (x - centre) * y)) / sum_of_squares
    level = float(np.average(y, weights=weight))
    variance = 1 / sum_of_squares
    covariance = np.array(
        [[1 / float(weight.sum()) + centre**2 * variance, -centre * variance], [-centre * variance, variance]]
    )
    return np.array([level - slope * centre, slope]), covariance


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Line of one form: energy, ln σ0, and their covariance, increased for scatter beyond the errors."""

    energy: float
    level: float
    covariance: FloatArray
    chi2: float  # with the given errors, else the sum of squares of ln σ
    dof: int
    quantile: float

    @classmethod
    def of(cls, form: str, T: FloatArray, sigma: FloatArray, u: FloatArray | None) -> "Line":
        """Return the line through conductivities with relative errors u, if given."""
        from scipy.special import stdtrit

        x, y = axes(form, T, sigma)
        weight = np.ones_like(x) if u is None else u**-2.0
        (level, slope), covariance = weighted_line(x, y, weight)
        chi2 = float(np.sum(weight * (y - level - slope * x) ** 2))
        dof = x.size - 2
        reduced = chi2 / dof if dof else math.nan
        factor = reduced if u is None else max(1.0, reduced) if dof else 1.0
        order = covariance[::-1, ::-1] * np.array([[1.0, -1.0], [-1.0, 1.0]])  # of Ea = -slope, then ln σ0
        # errors from the scatter of a few points need Student's t
        by_scatter = u is None or factor > 1
        return cls(
            energy=-float(slope), level=float(level), covariance=order * factor, chi2=chi2, dof=dof,
            quantile=float(stdtrit(dof, 0.975)) if by_scatter else 1.96,
        )  # fmt: skip

    @property
    def chi2_reduced(self) -> float:
        """χ² per degree of freedom; nan without any."""
        return self.chi2 / self.dof if self.dof else math.nan

    @property
    def p_value(self) -> float:
        """Probability of a larger χ² with the given errors."""
        from scipy.special import gammaincc

        return float(gammaincc(self.dof / 2, self.chi2 / 2)) if self.dof else 1.0


def predict(
    form: str, energy: float, level: float, covariance: FloatArray, temperature_C: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return σ of a line in S/cm and its standard error from the covariance of Ea and ln σ0."""
    kelvin = temperature_C + ZERO_CELSIUS
    x = 1 / (BOLTZMANN_EV * kelvin)
    sigma = np.exp(level - energy * x) / (kelvin if form == "ln_sigmaT" else 1.0)
    gradient = np.stack([-x, np.ones_like(x)])
    relative = np.sqrt(np.einsum("ik,ij,jk->k", gradient, covariance, gradient))
    return sigma, sigma * relative


def information(chi2: float, n: int, k: int) -> float:
    """Return AICc of n points, k parameters and a scale of the errors: n ln(χ²/n) + 2(k+1) + correction.

    The scale is free because errors of the temperature are known to their order of magnitude only.

    Examples
    --------
    >>> round(information(10.0, 10, 2), 3)
    10.0
    """
    k += 1
    if n <= k + 1:
        return math.nan
    return n * math.log(max(chi2, 1e-300) / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
