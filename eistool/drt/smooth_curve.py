"""A smooth curve through a spectrum that obeys the Kramers-Kronig relations, with its covariance.

Z = R + jωL + 1/(jωC) + ∫ γ/(1 + jωτ) d ln τ, where γ over |Z(1/τ)| is a Gaussian process with the covariance
a² exp(-(Δ lg τ)²/2ℓ²), and R, L and 1/C are free. ℓ and a are averaged over, weighted by their evidence.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eistool.drt.grid import LEAST_POINTS, REMEMBERED
from eistool.kernels.smooth_curve import decompose, mix, multiply
from eistool.typing import ComplexArray, FloatArray, IntArray
from eistool.validation.ladder import Points, find_noise, robust_scale

DECADE = math.log(10)
LENGTHS = (0.25, 0.5, 1.0)  # ℓ in decades
BEYOND = 1.0  # decades of γ on either side of the measured window
PER_DECADE = 11  # points of the curve, or a little more
APART = 2  # points of the curve between neighbouring bumps of the shortest ℓ
AMPLITUDES = 2.0 ** np.arange(-4, 20)  # a over the relative noise
GAINS = AMPLITUDES**2
LEAST_NOISE = 1e-7  # relative to |Z|: below, digits are lost
UNLIKELY = 0.01  # weight below which ℓ or a is left out
BIAS = 2.0  # times what a second smoothing finds in the residual
END = 0.7  # decades from which |Z| is extrapolated
NARROWEST, WIDEST = 0.1, 20.0  # decades of a window
MOST_POINTS = 3000  # matrices of more would fill the memory
NOISY_POINTS = 12  # from which noise may depend on frequency
NEAREST = 5  # points, the median residual of which is misfit
ROUNDS = 2  # in which it is found; one without outliers
OUTLYING = 4.0  # robust standard deviations
USUAL = 0.3  # share of the median in a variance below it
LEAST_SHARE = 0.05  # of a residual that the curve leaves to a point: below, it cannot be judged
SERIES = 3  # R, L and 1/C
QUADRATURE = 0.1  # in ln τ
TABLE = 0.02 * DECADE  # step of the tabulated transforms in ln ωτ
FARTHEST = (WIDEST + BEYOND + 3) * DECADE


@functools.cache
def _transform(length: float) -> tuple[ComplexArray, ComplexArray]:
    """Return the impedance of one bump of γ, and its slope, against ln ωτ of its middle."""
    width = length * DECADE / math.sqrt(2)
    t = np.arange(-6 * width, 6 * width, QUADRATURE)
    # squares of bumps at unit distance add up to 1
    bump = QUADRATURE * np.exp(-0.5 * (t / width) ** 2) / math.sqrt(width * math.sqrt(math.pi))
    q = 1j * np.exp(np.arange(-FARTHEST, FARTHEST, TABLE)[:, None] + t)
    return (1 / (1 + q)) @ bump, (-q / (1 + q) ** 2) @ bump


def hermite(t: FloatArray | float, step: float) -> FloatArray:
    """Return what multiplies both values and both slopes at the ends of a cubic.

    Parameters
    ----------
    t : FloatArray or float
        0 to 1 from one end to the other.
    step : float
        Their distance.

    Returns
    -------
    FloatArray, shape (3, 4, ...)
        For the cubic, its slope and its curvature.
    """
    u = 1 - t
    return np.array(
        [
            [u * u * (1 + 2 * t), t * t * (3 - 2 * t), step * t * u * u, -step * t * t * u],
            [-6 * t * u / step, 6 * t * u / step, u * (u - 2 * t), t * (t - 2 * u)],
            [(12 * t - 6) / step**2, (6 - 12 * t) / step**2, (6 * t - 4) / step, (6 * t - 2) / step],
        ]
    )


def _bumps(length: float, s: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Return the impedance of bumps, and its slope, at any ln ωτ."""
    table, slopes = _transform(length)
    place = (s + FARTHEST) / TABLE
    i = place.astype(np.int64)
    cubic = hermite(place - i, TABLE)
    ends = np.array([table[i], table[i + 1], slopes[i], slopes[i + 1]])
    return (cubic[0] * ends).sum(axis=0), (cubic[1] * ends).sum(axis=0)


def _series(x: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Return the impedance of R, L and 1/C, and its slope, at ln ω."""
    one, up, down = np.ones(x.size, dtype=complex), 1j * np.exp(x), -1j * np.exp(-x)
    return np.array([one, up, down]).T, np.array([0 * one, up, -down]).T


def _parts(z: ComplexArray) -> FloatArray:
    return np.concatenate([z.real, z.imag])


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The linear model of a frequency grid, matrices for each length; never written to.

    Coefficients are those of R, L, 1/C and m bumps of γ; values are real parts of all points, then imaginary
    parts.
    """

    unit: float  # rad/s
    log_x: FloatArray  # ln(ω/unit), ascending, shape (n_freq,)
    curve: FloatArray  # ln(ω/unit) of the curve, ascending and equidistant, shape (n,)
    log_tau: tuple[FloatArray, ...]  # ln(τ·unit) of the bumps, shape (m,)
    columns: tuple[FloatArray, ...]  # of the data, shape (3 + m, 2 n_freq)
    data: tuple[FloatArray, ...]  # its transpose
    value: tuple[FloatArray, ...]  # shape (2 n, 3 + m)
    slope: tuple[FloatArray, ...]  # of the value by ln ω
    nearest: IntArray  # data next to points of the curve, shape (n, 5)


@functools.lru_cache(maxsize=REMEMBERED)
def _basis(frequency: bytes) -> Basis:
    omega = 2 * np.pi * np.frombuffer(frequency)
    unit = math.sqrt(omega[0]) * math.sqrt(omega[-1])
    x = np.log(omega / unit)
    window = float(x[-1] - x[0]) / DECADE
    curve = np.linspace(x[0], x[-1], math.ceil(window * PER_DECADE) + 1)
    step = float(curve[1] - curve[0])
    log_tau, data = [], []
    value: list[FloatArray] = []
    slope: list[FloatArray] = []
    for length in LENGTHS:
        apart = round(APART * length / LENGTHS[0])
        n = math.ceil((window + 2 * BEYOND) * DECADE / (apart * step)) + 2
        log_tau.append(-0.5 * (x[0] + x[-1]) + apart * step * (np.arange(n) - 0.5 * (n - 1)))
        height = math.sqrt(apart * step)
        data.append(_parts(np.hstack([_series(x)[0], height * _bumps(length, x[:, None] + log_tau[-1])[0]])))
        # ln ωτ of all points and bumps are some of these
        ladder = x[0] + log_tau[-1][0] + step * np.arange(curve.size + apart * (n - 1))
        where = np.arange(curve.size)[:, None] + apart * np.arange(n)
        for into, series, bumps in zip((value, slope), _series(curve), _bumps(length, ladder), strict=True):
            into.append(_parts(np.hstack([series, height * bumps[where]])))
    columns = tuple(np.ascontiguousarray(matrix.T) for matrix in data)
    nearest = np.argsort(np.abs(x - curve[:, None]), axis=1)[:, :NEAREST]
    return Basis(unit, x, curve, tuple(log_tau), columns, tuple(data), tuple(value), tuple(slope), nearest)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Coefficients for one length: their mean, and a root with root rootᵀ their covariance."""

    index: int  # of the length
    weight: float
    variance: float  # of the noise
    mean: FloatArray  # shape (3 + m,)
    root: FloatArray  # shape (3 + m, q)


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A place on the curve; the roots are as those of :class:`SmoothCurve`."""

    log_x: float
    value: FloatArray  # real and imaginary part, shape (2,)
    slope: FloatArray  # by ln ω
    curvature: FloatArray
    value_root: FloatArray  # shape (2, q)
    slope_root: FloatArray
    misfit: FloatArray  # of the data nearby, shape (2,)


@dataclass(frozen=True, slots=True, eq=False)
class SmoothCurve:
    """The curve on a grid of ln ω, ascending and equidistant over the measured window.

    Attributes
    ----------
    unit : float
        In rad/s.
    log_x : FloatArray, shape (n,)
        ln(ω/unit).
    value, slope : FloatArray, shape (2, n)
        Real and imaginary part in ohm, and their slope by ln ω.
    value_root, slope_root : FloatArray, shape (2, n, q)
        Products of two rows are covariances: noise, and what the curve may miss.
    u : FloatArray, shape (2, n)
        Standard errors of the value.
    misfit : FloatArray, shape (2, n)
        By how much the data nearby lie off: their median, or at an end its point's own distance if it is larger.
    """

    unit: float
    log_x: FloatArray
    value: FloatArray
    slope: FloatArray
    value_root: FloatArray
    slope_root: FloatArray
    u: FloatArray
    misfit: FloatArray

    @property
    def step(self) -> float:
        """Distance of the points."""
        return float(self.log_x[1] - self.log_x[0])

    def point(self, i: int, t: float) -> Point:
        """Return the curve between its points ``i`` (t = 0) and ``i + 1`` (t = 1), by the cubic."""
        cubic = hermite(t, self.step)
        near = slice(i, i + 2)
        value = np.concatenate([self.value[:, near], self.slope[:, near]], axis=1) @ cubic.T
        root = cubic[:2] @ np.concatenate([self.value_root[:, near], self.slope_root[:, near]], axis=1)
        return Point(
            log_x=float(self.log_x[i]) + t * self.step,
            value=value[:, 0],
            slope=value[:, 1],
            curvature=value[:, 2],
            value_root=root[:, 0],
            slope_root=root[:, 1],
            misfit=(1 - t) * self.misfit[:, i] + t * self.misfit[:, i + 1],
        )


def _scale(basis: Basis, modulus: FloatArray) -> list[FloatArray]:
    """Return |Z| at 1/τ of the bumps; beyond the window it goes on as at its end, rising with τ or constant."""
    x, y = basis.log_x, np.log(modulus)
    slopes = []
    for end in (x[0], x[-1]):
        near = np.abs(x - end) <= END * DECADE
        d = x[near] - x[near].mean()
        slopes.append(min(max(float(d @ y[near]) / max(float(d @ d), 1e-300), -1.0), 0.0))
    return [
        np.exp(np.interp(-t, x, y) + slopes[0] * np.minimum(-t - x[0], 0) + slopes[1] * np.maximum(-t - x[-1], 0))
        for t in basis.log_tau
    ]


def _fit(basis: Basis, z: ComplexArray, scales: list[FloatArray], sigma: FloatArray) -> list[Posterior]:
    """Return the posteriors of likely lengths; the noise ``sigma`` (2, n_freq) is known up to a factor."""
    y, weight, n = _parts(z), 1 / sigma.ravel(), GAINS.size
    found = []
    evidence = np.empty((len(LENGTHS), n))
    for k, (columns, scale) in enumerate(zip(basis.columns, scales, strict=True)):
        m = scale.size
        triangle, of_series, shared = np.empty((SERIES, SERIES)), np.empty(SERIES), np.empty((SERIES, m))
        matrix, off, product, variance = np.empty((m, m)), np.zeros(m), np.empty(m), np.empty(n)
        decompose(
            columns, scale, weight, y, GAINS, LEAST_NOISE**2,
            triangle, of_series, shared, matrix, off, product, variance, evidence[k],
        )  # fmt: skip
        found.append((scale, triangle, of_series, shared, matrix, off, product, variance))
    if not np.isfinite(evidence).all():
        return []
    weights = np.exp(evidence - evidence.max())
    weights[weights.sum(axis=1) < UNLIKELY * weights.sum()] = 0
    weights /= weights.sum()
    posteriors = []
    for k in np.flatnonzero(weights.any(axis=1)).tolist():
        scale, triangle, of_series, shared, matrix, off, product, variance = found[k]
        likely = weights[k] > UNLIKELY * weights[k].max()
        share = weights[k, likely] / weights[k, likely].sum()
        m = scale.size
        mean, root = np.empty(m), np.empty((m, m + share.size + 1))
        mix(matrix, off, product, GAINS[likely], share, variance[likely], BIAS, mean, root)
        noise = float(share @ variance[likely])
        from_q = np.linalg.inv(triangle)
        whole = np.zeros((SERIES + m, SERIES + root.shape[1]))
        whole[:SERIES, :SERIES] = from_q * math.sqrt(noise)
        whole[:SERIES, SERIES:] = -from_q @ _times(shared, root)
        whole[SERIES:, SERIES:] = root * scale[:, None]
        series = from_q @ (of_series - shared @ mean)
        posteriors.append(
            Posterior(k, float(weights[k].sum()), noise, np.concatenate([series, mean * scale]), whole)
        )
    return posteriors


def _times(a: FloatArray, b: FloatArray) -> FloatArray:
    out = np.empty((a.shape[0], b.shape[1]))
    multiply(a, b, out)
    return out


def _mean(matrices: Sequence[FloatArray], posteriors: list[Posterior]) -> tuple[FloatArray, FloatArray]:
    """Return the mean of linear functions over lengths, and weighted deviations from it, a row for each length."""
    weights = np.array([p.weight for p in posteriors])
    means = np.array([matrices[p.index] @ p.mean for p in posteriors])
    mean = weights @ means
    return mean, (means - mean) * np.sqrt(weights)[:, None]


def _mix(matrices: Sequence[FloatArray], posteriors: list[Posterior]) -> tuple[FloatArray, FloatArray]:
    """Return mean and root of the covariance of linear functions, averaged over lengths."""
    mean, deviations = _mean(matrices, posteriors)
    roots = [math.sqrt(p.weight) * _times(matrices[p.index], p.root) for p in posteriors]
    return mean, np.hstack([*roots, deviations.T])


def _find_noise(
    basis: Basis, z: ComplexArray, sigma: FloatArray, posteriors: list[Posterior]
) -> tuple[FloatArray, bool] | None:
    """Return the noise and whether points lie out; None if none does and the noise over |Z| is constant."""
    fitted, root = _mix(basis.data, posteriors)
    variance = sum(p.weight * p.variance for p in posteriors)
    left = 1 - np.einsum("ij,ij->i", root, root).reshape(2, -1) / (sigma**2 * variance)
    left[left < LEAST_SHARE] = math.nan
    modulus = np.tile(np.abs(z), (2, 1))
    residual = (_parts(z) - fitted).reshape(2, -1) / modulus / np.sqrt(left)
    noise = find_noise(Points(np.exp(basis.log_x), z, modulus, np.empty((0, z.size), complex)), residual)
    size = np.abs(residual / noise)
    judged = np.isfinite(size)
    typical = robust_scale(size[judged])
    if not typical > 0:
        return None
    size = np.where(judged, size, 0.0).max(axis=0) / typical
    # few residuals decide at the ends
    usual = np.median(noise, axis=1, keepdims=True)
    noise = np.maximum(noise, np.hypot(math.sqrt(1 - USUAL) * noise, math.sqrt(USUAL) * usual))
    # as a t-distribution of few degrees of freedom weighs them
    shape = noise * np.where(size > OUTLYING, 0.5 * size, 1.0)
    if not np.ptp(shape, axis=1).any():
        return None
    return modulus * shape / math.exp(float(np.log(shape).mean())), bool((size > OUTLYING).any())


def _misfit(basis: Basis, relative: FloatArray) -> FloatArray:
    """Return by how much the data nearby lie off the curve, relative to |Z|, shape (2, n)."""
    misfit: FloatArray = np.sort(relative[:, basis.nearest], axis=2)[:, :, NEAREST // 2]
    for end in (0, -1):
        last = relative[:, end]
        misfit[:, end] = np.where(np.abs(last) > np.abs(misfit[:, end]), last, misfit[:, end])
    return misfit


def smooth(frequency: FloatArray, impedance: ComplexArray) -> SmoothCurve | None:
    """Return the curve, or None if the points are too few or do not determine one.

    Noise is relative to |Z|; a second fit follows where the residuals of the first grow or shrink clearly with
    frequency, or points lie out.

    Parameters
    ----------
    frequency : FloatArray, shape (n_freq,)
        In Hz, ascending; some may be equal.
    impedance : ComplexArray, shape (n_freq,)
        In ohm, none of them 0.

    References
    ----------
    .. [1] J. Liu, F. Ciucci, Electrochim. Acta 331 (2020) 135316, doi:10.1016/j.electacta.2019.135316
    """
    window = math.log10(frequency[-1]) - math.log10(frequency[0])
    too_few = 1 + np.count_nonzero(np.diff(frequency)) < LEAST_POINTS
    if too_few or frequency.size > MOST_POINTS or not NARROWEST < window < WIDEST:
        return None
    basis = _basis(np.ascontiguousarray(frequency, dtype=np.float64).tobytes())
    # a far point may overflow: then there is no curve
    with np.errstate(all="ignore"):
        unit = math.exp(float(np.log(np.abs(impedance)).mean()))
        z = impedance / unit
        sigma = np.tile(np.abs(z), (2, 1))
        try:
            scales = _scale(basis, np.abs(z))
            posteriors, wild = _fit(basis, z, scales, sigma), z.size >= NOISY_POINTS
            for _ in range(ROUNDS):
                noise = _find_noise(basis, z, sigma, posteriors) if posteriors and wild else None
                if noise is None:
                    break
                sigma, wild = noise
                posteriors = _fit(basis, z, scales, sigma)
        except np.linalg.LinAlgError:
            return None
        if not posteriors:
            return None
        value, slope = (
            [unit * array.reshape(2, basis.curve.size, *array.shape[1:]) for array in _mix(matrices, posteriors)]
            for matrices in (basis.value, basis.slope)
        )
        u = np.sqrt(np.einsum("ijk,ijk->ij", value[1], value[1]))
        if not np.isfinite([value[0], slope[0], u]).all():
            return None
        fitted = _mean(basis.data, posteriors)[0]
        relative = (_parts(z) - fitted).reshape(2, -1) / np.abs(z)
        misfit = np.hypot(*value[0]) * _misfit(basis, relative)
    return SmoothCurve(basis.unit, basis.curve, value[0], slope[0], value[1], slope[1], u, misfit)
