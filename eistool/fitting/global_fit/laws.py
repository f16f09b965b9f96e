"""Laws of parameters along a series of spectra.

Laws with two parameters are parametrised by their values at both ends of the range, which are of the same
kind, weakly correlated, and positive if the parameter is.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from eistool.constants import BOLTZMANN_EV
from eistool.errors import FitError
from eistool.typing import FloatArray

# name: (parameter, unit) each, with the unit of the circuit's parameter and the name of the coordinate
LAWS = MappingProxyType(
    {
        "arrhenius": (("Ea_eV", "eV"), ("ln_sigma0", "")),
        "constant": (("value", "{unit}"),),
        "linear": (("intercept", "{unit}"), ("slope", "{unit} per {x}")),
        "power": (("prefactor", "{unit} at {x} = 1"), ("exponent", "")),
    }
)
THERMAL_KINDS = ("resistance", "tau", "warburg")  # decrease with temperature for a positive activation energy


@dataclass(frozen=True, slots=True, eq=False)
class LawTerm:
    """Law of one circuit parameter over the spectra of a series.

    u denotes ln p, or p for an exponent; g holds u at the ends of the range.
    """

    name: str  # of the circuit's parameter, as given by the user
    law: str
    index: int  # of the circuit's parameter
    exponent: bool  # whether u is p instead of ln p
    x: FloatArray  # shape (n_spectra,): temperature in K, or the coordinate

    @property
    def count(self) -> int:
        """Number of parameters of the law."""
        return len(LAWS[self.law])

    @property
    def ends(self) -> FloatArray:
        """Minimum and maximum of x."""
        return np.array([self.x.min(), self.x.max()])

    def share(self) -> FloatArray:
        """Return the weights of both ends in each spectrum, shape (n_spectra, 2)."""
        of = {"arrhenius": np.reciprocal, "power": np.log, "linear": np.positive}[self.law]
        low, high = of(self.ends)
        t = (of(self.x) - low) / (high - low)
        return np.column_stack([1 - t, t])

    def evaluate(self, g: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return u of each spectrum, shape (n,), and its derivatives by g, shape (n, count)."""
        if self.law == "constant":
            return np.full(self.x.size, g[0]), np.ones((self.x.size, 1))
        share = self.share()
        if self.law == "linear" and not self.exponent:
            parts = share * np.exp(g)
            value = parts.sum(axis=1)
            return np.log(value), parts / value[:, None]
        shift = np.zeros(self.x.size)
        if self.law == "arrhenius":
            shift = np.log(self.x) - share @ np.log(self.ends)
        return share @ g + shift, share

    def start(self, u: FloatArray, weight: FloatArray) -> FloatArray:
        """Return g from separate fits by robust weighted least squares (Cauchy weights)."""
        g = np.full(self.count, float(np.median(u)))
        for _ in range(30):
            model, derivative = self.evaluate(g)
            deviation = (u - model) * np.sqrt(weight)
            scale = 2.0 * float(np.median(np.abs(deviation))) + 1e-12
            w = weight / (1.0 + (deviation / scale) ** 2)
            normal = derivative.T @ (derivative * w[:, None])
            normal += 1e-9 * np.trace(normal) * np.eye(self.count)
            g = g + np.clip(np.linalg.solve(normal, derivative.T @ ((u - model) * w)), -5.0, 5.0)
        return g

    def physical(self, g: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the parameters of the law, shape (count,), and their derivatives by g, (count, count)."""
        value = g if self.exponent else np.exp(g)
        slope = np.ones_like(g) if self.exponent else value
        if self.law == "constant":
            return value, np.diag(slope)
        low, high = self.ends
        if self.law == "linear":
            b = np.array([-1.0, 1.0]) * slope / (high - low)
            gradient = (value[1] - value[0]) / (high - low)
            return np.array([value[0] - gradient * low, gradient]), np.stack(
                [np.array([slope[0], 0.0]) - low * b, b]
            )
        if self.law == "power":
            n = np.array([-1.0, 1.0]) / np.log(high / low)
            prefactor = float(np.exp(g[0] - (n @ g) * np.log(low)))
            by_g = prefactor * (np.array([1.0, 0.0]) - np.log(low) * n)
            return np.array([prefactor, n @ g]), np.stack([by_g, n])
        y = g - np.log(self.ends)  # ln(R/T) = Ea/(kB T) - ln σ0'
        by_energy = np.array([1.0, -1.0]) * BOLTZMANN_EV / (1 / low - 1 / high)
        by_log_sigma = by_energy / (BOLTZMANN_EV * low) - np.array([1.0, 0.0])
        return np.array([by_energy @ y, by_log_sigma @ y]), np.stack([by_energy, by_log_sigma])


def check_law(name: str, law: str, kind: str, x: FloatArray) -> None:
    """Raise a FitError if a law is not applicable to the kind of parameter or the coordinates."""
    if law == "arrhenius" and kind not in THERMAL_KINDS:
        raise FitError(
            f"law of {name}: arrhenius applies to resistances, Warburg coefficients and time constants; "
            "choose one of those, another law, or smooth={...}"
        )
    if law == "power" and kind == "exponent":
        raise FitError(f"law of {name}: power does not apply to an exponent; choose constant or linear")
    if law == "power" and not x.min() > 0:
        raise FitError(f"law of {name}: power needs coordinates above 0, got {x.min():g}; remove these spectra")
    if law != "constant" and not x.max() > x.min():
        raise FitError(
            f"law of {name}: {law} needs two different coordinates, all are {x[0]:g}; use constant or shared"
        )
