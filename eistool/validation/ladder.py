"""A ladder of RC elements with R, L and C in series, fitted to each part of a spectrum and to both."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from eistool.kernels.kramers_kronig import fit_ladder, regress_noise, scan
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray

DECADE = math.log(10)
PER_DECADE = 6  # RC elements at the most
OF_POINTS = 0.6  # the longest ladder, of the number of points
PATIENCE = 10
LONGER = 3  # than the separate fits ask for: the common one may
CUBIC = 3  # of ln ω: how noise may depend on frequency
SCORING_STEPS = 6
CLEARLY = 16.3  # χ² of three terms, one time in a thousand by chance
CLIPPED = 3.0  # standard deviations beyond which a point says nothing more about noise
TINY = 1e-300
REMEMBERED = 32  # cached sets of frequencies
SMALLEST_SHARE = 0.05  # of a residual that the fit leaves to a point: below, it cannot be judged


@dataclass(frozen=True, eq=False)
class Points:
    """What is fitted: Z or Y at the points that are used.

    Attributes
    ----------
    omega : FloatArray, shape (n,)
    data : ComplexArray, shape (n,)
    sigma : FloatArray, shape (2, n)
        Of the real and the imaginary part, as far as it is known up to a factor.
    sides : ComplexArray, shape (q, n)
        Shapes of a drift.
    """

    omega: FloatArray
    data: ComplexArray
    sigma: FloatArray
    sides: ComplexArray

    @functools.cached_property
    def log_omega(self) -> FloatArray:
        """Return ln ω, shape (n,)."""
        return np.log(self.omega)

    @functools.cached_property
    def window(self) -> tuple[float, float]:
        """Return ln of the shortest and of the longest time constant that is measured."""
        return -math.log(float(self.omega.max())), -math.log(float(self.omega.min()))

    @functools.cached_property
    def weight(self) -> FloatArray:
        """Return what residuals are multiplied with, shape (2, n)."""
        return np.ascontiguousarray(1 / self.sigma)

    @functools.cached_property
    def weighted_sides(self) -> FloatArray:
        """Return the data and the sides over sigma, shape (1 + q, 2, n)."""
        rows = np.vstack([self.data[None], self.sides])
        return np.ascontiguousarray(np.stack([rows.real, rows.imag], axis=1) / self.sigma)

    @functools.cached_property
    def log_sigma(self) -> float:
        """Return the sum of ln sigma relative to |data|."""
        return float(np.log(self.sigma / np.abs(self.data)).sum())

    def take(self, kept: BoolArray) -> "Points":
        """Return some of the points."""
        return Points(self.omega[kept], self.data[kept], self.sigma[:, kept], self.sides[:, kept])


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """One fit.

    Attributes
    ----------
    n_rc : int
    coefficients : FloatArray, shape (3, n_rc + 3)
        As of the kernel.
    leverage : FloatArray, shape (2, n)
        Of the separate fits.
    separate, common : ComplexArray, shape (n,)
        Fitted values.
    s_separate, s_common : float
        Sums of weighted squares.
    dof : int
        Of the separate fits.
    """

    n_rc: int
    coefficients: FloatArray
    leverage: FloatArray
    separate: ComplexArray
    common: ComplexArray
    s_separate: float
    s_common: float
    dof: int


def scan_ladders(points: Points, extension: float, longest: int | None = None) -> FloatArray:
    """Return sums of squares and µ of ladders of 1, 2, ... elements, as of the kernel.

    Parameters
    ----------
    extension : float
        Decades by which the time constants go beyond the window on both sides.
    longest : int, optional
        The last length. Without it, only every second length is looked at, by the separate fits alone, until
        several in a row bring nothing better.
    """
    low, high = points.window
    low, high = low - extension * DECADE, high + extension * DECADE
    most = max(1, min(int(PER_DECADE * (high - low) / DECADE) + 2, int(OF_POINTS * points.omega.size)))
    sides = points.weighted_sides
    if longest is None:
        out = np.empty((most, 2))
        scan(points.log_omega, points.weight, sides[:1], low, high, 2, PATIENCE, out)
    else:
        out = np.empty((max(1, min(longest, points.omega.size - 3)), 3 + 3 * len(sides)))
        scan(points.log_omega, points.weight, sides, low, high, 1, 0, out)
    return out


def criterion(squares: FloatArray, points: Points, n_parameters: IntArray) -> FloatArray:
    """Return the Bayesian criterion, comparable between fits of Z and of Y."""
    n = 2 * points.omega.size
    value: FloatArray = n * np.log(squares + TINY) + 2 * points.log_sigma + n_parameters * math.log(n)
    return value


def choose_length(sums: FloatArray, points: Points) -> int:
    """Return the length with the lowest Bayesian criterion of the separate fits.

    They know nothing of Kramers and Kronig: what they leave is noise, whether the spectrum is valid or not.
    """
    return int(np.nanargmin(criterion(sums[:, 0] + sums[:, 1], points, 2 * np.arange(len(sums))))) + 1


@dataclass(frozen=True, slots=True)
class Drift:
    """The Bayesian criterion of the best common fit, of that with a drift, and of the best separate fits.

    The drift's size is a share of Z, and has a standard error.
    """

    without: float
    criterion: float
    separate: float
    size: float
    error: float


def find_drift(points: Points, sums: FloatArray) -> Drift:
    """Return the drift of the likeliest shape; each model has the length that suits it best."""
    length = np.arange(len(sums))
    without = float(np.nanmin(criterion(sums[:, 2], points, length)))
    separate = float(np.nanmin(criterion(sums[:, 0] + sums[:, 1], points, 2 * length)))
    shapes = criterion(sums[:, 6::3], points, length[:, None] + 1)
    row, shape = np.unravel_index(np.nanargmin(shapes), shapes.shape)
    squares, size, error_1 = sums[row, 6 + 3 * shape : 9 + 3 * shape]
    noise = math.sqrt(squares / max(2 * points.omega.size - row - 5, 1))
    return Drift(without, float(shapes[row, shape]), separate, float(size), float(noise * error_1))


def fit(points: Points, n_rc: int, extension: float) -> Ladder:
    """Fit a ladder of ``n_rc`` elements."""
    n = points.omega.size
    low, high = points.window
    coefficients, leverage = np.empty((3, n_rc + 3)), np.empty((2, n))
    fitted, squares = np.empty((2, 2, n)), np.empty(2)
    reach = extension * DECADE
    fit_ladder(
        points.log_omega, points.weight, points.weighted_sides[:1], low - reach, high + reach, n_rc,
        coefficients, leverage, fitted, squares,
    )  # fmt: skip
    fitted *= points.sigma
    return Ladder(
        n_rc=n_rc,
        coefficients=coefficients,
        leverage=leverage,
        separate=fitted[0, 0] + 1j * fitted[0, 1],
        common=fitted[1, 0] + 1j * fitted[1, 1],
        s_separate=float(squares[0]),
        s_common=float(squares[1]),
        dof=2 * n - 2 * n_rc - 3,
    )


def standardised(points: Points, ladder: Ladder) -> FloatArray:
    """Return the residuals of the separate fits over sigma, as large as noise is, shape (2, n).

    A point that decides on itself gets nan.
    """
    difference = points.data - ladder.separate
    left = 1 - ladder.leverage
    left[left < SMALLEST_SHARE] = math.nan
    residual: FloatArray = np.array([difference.real, difference.imag]) / points.sigma / np.sqrt(left)
    return residual


def find_noise(points: Points, residual: FloatArray) -> FloatArray:
    """Return the noise over sigma against frequency, shape (2, n); outliers hardly raise it.

    The logarithm of the variance is a constant for each part. If the squares of the residuals say so clearly,
    a cubic in ln ω is added for both, and then one for each: a regression of gamma-distributed squares.
    """
    terms = _noise_terms(points.log_omega.tobytes())
    start = 2 * math.log(robust_scale(residual[np.isfinite(residual)]) + TINY)
    log_variance = np.full(residual.size, start)
    regress_noise(
        terms, (residual**2).ravel(), np.array([2, CUBIC, CUBIC]), CLIPPED**2, CLEARLY, SCORING_STEPS, log_variance
    )
    noise: FloatArray = np.exp(0.5 * log_variance).reshape(residual.shape)
    return noise


@functools.lru_cache(maxsize=REMEMBERED)
def _noise_terms(log_omega: bytes) -> FloatArray:
    """Return a constant for each part, a cubic in ln ω for both, and its differences, shape (2 + 2 CUBIC, 2n)."""
    x = np.frombuffer(log_omega)
    low, high = x.min(), x.max()
    shape = np.polynomial.legendre.legvander((2 * x - low - high) / max(high - low, TINY), CUBIC)[:, 1:].T
    n = x.size
    terms = np.zeros((2 + 2 * CUBIC, 2 * n))
    terms[0, :n], terms[1, n:] = 1, 1
    terms[2:] = np.vstack([np.hstack([shape, shape]), np.hstack([shape, -shape])])
    return terms


def robust_scale(residual: FloatArray) -> float:
    """Return the standard deviation of normal residuals, from their median size."""
    return 1.4826 * float(np.median(np.abs(residual))) if residual.size else math.nan
