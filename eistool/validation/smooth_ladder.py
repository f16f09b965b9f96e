"""Ladders of RC elements with a prior: valid curves, as flexible as the data ask for."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from eistool.kernels.ladder_evidence import fit_rows, leave_out_runs
from eistool.typing import ComplexArray, FloatArray, IntArray
from eistool.validation.ladder import DECADE, REMEMBERED

PER_DECADE = 3  # RC elements
EXTENSION = 1.0  # decades beyond the window, on both sides
SMALLEST_SHARE = 0.05  # of a residual that the fit leaves to a point, at the least
VAGUE = 100.0  # times wider than that of a resistance: the prior of R, L and 1/C in series
RATIOS: FloatArray = np.geomspace(2**2, 2**14, 7)  # of a resistance a priori, a decade wide, to the noise


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A ladder's terms and the data, over the standard deviation as far as it is known.

    Attributes
    ----------
    values : FloatArray, shape (n, 2, m + 1)
        Real and imaginary parts of all terms of a point, then its datum.
    width : FloatArray, shape (m,)
        Of the prior, relative.
    """

    values: FloatArray
    width: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: "slice | IntArray") -> "Rows":
        """Return some of the points, in the order of ``places``."""
        return Rows(np.ascontiguousarray(self.values[places]), self.width)

    def part(self, part: int) -> "Rows":
        """Return real parts (0) or imaginary parts (1) alone."""
        return Rows(np.ascontiguousarray(self.values[:, part : part + 1]), self.width)

    def scaled(self, sigma: FloatArray) -> "Rows":
        """Return the rows over further standard deviations, shape (n,)."""
        return Rows(self.values / sigma[:, None, None], self.width)


@dataclass(frozen=True, slots=True, eq=False)
class SmoothFit:
    """The likeliest ladder.

    Attributes
    ----------
    residual, leverage : FloatArray, shape (n, 2)
        Over the standard deviation, and the share of it that a datum decides on itself.
    ratio : float
        Of the prior to the noise.
    squares : float
        Sum of squares that is left, of residuals and of the resistances over their prior.
    evidence : float
        Logarithm of the marginal likelihood.
    """

    residual: FloatArray
    leverage: FloatArray
    ratio: float
    squares: float
    evidence: float

    @property
    def noise(self) -> float:
        """Return the noise over the standard deviation."""
        return math.sqrt(self.squares / self.residual.size)


def ladder_rows(omega: FloatArray, impedance: ComplexArray) -> Rows:
    """Return the rows of a spectrum relative to |Z|.

    A resistance is a priori as large as |Z| where its time constant lies.
    """
    size = np.abs(impedance)
    order, log_tau, relaxations = _relaxations(omega.tobytes())
    log_size = np.interp(-log_tau, np.log(omega[order]), np.log(size[order]))
    terms = np.empty((omega.size, log_tau.size + 4), dtype=np.complex128)
    np.multiply(relaxations, np.exp(log_size) * math.sqrt(log_tau[1] - log_tau[0]), out=terms[:, :-4])
    terms[:, -4] = size.min()
    terms[:, -3] = 1j * omega * (size[order[-1]] / omega[order[-1]])
    terms[:, -2] = -1j / omega * (size[order[0]] * omega[order[0]])
    terms[:, -1] = impedance
    terms /= size[:, None]
    prior = np.ones(terms.shape[1] - 1)
    prior[-3:] = VAGUE
    return Rows(np.stack([terms.real, terms.imag], axis=1), prior)


@functools.lru_cache(maxsize=REMEMBERED)
def _relaxations(frequency: bytes) -> tuple[IntArray, FloatArray, ComplexArray]:
    """Return the order of the points by ω, ln τ, and 1/(1 + jωτ), shape (n_freq, n_tau)."""
    x = np.log(np.frombuffer(frequency))
    low, high = -x.max() - EXTENSION * DECADE, -x.min() + EXTENSION * DECADE
    log_tau = np.linspace(low, high, math.ceil((high - low) / DECADE * PER_DECADE) + 1)
    return np.argsort(x), log_tau, 1 / (1 + 1j * np.exp(x[:, None] + log_tau))


def fit_smoothly(rows: Rows, ratios: FloatArray = RATIOS) -> SmoothFit:
    """Fit the ladder; how flexible it is follows from the evidence."""
    residual, leverage = np.empty(rows.values.shape[:2]), np.empty(rows.values.shape[:2])
    best = np.empty(2)
    evidence = fit_rows(rows.values, rows.width, ratios, residual, leverage, best)
    return SmoothFit(residual, leverage, float(best[0]), float(best[1]), float(evidence))


def weigh_runs(rows: Rows, longest: int, ratios: FloatArray = RATIOS) -> tuple[FloatArray, FloatArray]:
    """Return evidence and remaining squares when 0, 1, ... ``longest`` of the first points are left out."""
    evidence, squares = np.empty(longest + 1), np.empty(longest + 1)
    leave_out_runs(rows.values, rows.width, ratios, evidence, squares)
    return evidence, squares
