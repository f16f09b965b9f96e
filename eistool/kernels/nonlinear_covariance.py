"""From curvature and profile to the covariance of theta, and what each part of a circuit is worth.

Shapes: as in :mod:`eistool.kernels.least_squares`; m minima, q parts.
"""

import math

import numba
import numpy as np

from eistool.kernels.jit import direct, kernel, part
from eistool.kernels.least_squares import CIRCUIT, F64, I64, MINIMISER, MODEL, copy, invert
from eistool.kernels.parameters import AMPLITUDE

FAR_OUT = 3.0
WIDEST = 5.0  # standard error in e-folds


@part()
def _rise_without(own, kinds, free, inverse):
    """Return how much F rises where a part of the circuit is taken away and all others follow.

    Z of a part is the sum of its derivatives by the logarithms of its amplitudes.
    """
    f = free.size
    members = np.empty(f, np.int64)
    n = 0
    for a in range(f):
        if own[free[a]]:
            members[n] = a
            n += 1
    block = np.empty((n, n))
    step = np.empty(n)
    for a in range(n):
        for c in range(n):
            block[a, c] = inverse[members[a], members[c]]
        step[a] = 1.0 if kinds[free[members[a]]] == AMPLITUDE else 0.0
    curvature = np.empty((n, n))
    invert(block, curvature)
    rise = 0.0
    for a in range(n):
        for c in range(n):
            rise += step[a] * curvature[a, c] * step[c]
    return rise


@part()
def _widen(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free,
    best, value, covariance, variance, least, grid, target, sums, rows, widening,
):  # fmt: skip
    """Write by how much standard errors are larger than the curvature of F at the minimum says."""
    f = free.size
    others = np.empty(f - 1, np.int64)
    hessian = np.empty((f - 1, f - 1))
    gradient = np.empty(f - 1)
    theta = np.empty(best.size)
    for a in range(f):
        i = free[a]
        curvature_error = math.sqrt(covariance[i, i])
        if not (least < curvature_error < WIDEST):
            continue
        n = 0
        for c in range(f):
            if c != a:
                others[n] = free[c]
                n += 1
        for side in (-FAR_OUT, FAR_OUT):
            sigma = curvature_error
            copy(best, theta)
            before = 0.0
            for _ in range(3):
                move = side * sigma
                if best[i] + move > upper[i] or best[i] + move < lower[i]:
                    break
                for c in range(f):
                    k = free[c]
                    shifted = theta[k] + (move - before) * covariance[k, i] / covariance[i, i]
                    theta[k] = min(max(shifted, lower[k]), upper[k])
                theta[i] = best[i] + move
                before = move
                moved, _ = minimise(
                    evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, others,
                    grid, target, sums, rows, hessian, gradient, 15, 1e-5,
                )  # fmt: skip
                rise = (moved - value) / (FAR_OUT * FAR_OUT * variance)
                if rise > 0.8:
                    break
                sigma = min(sigma / math.sqrt(max(rise, 0.1)), WIDEST)
            widening[i] = max(widening[i], sigma / curvature_error)


@kernel(
    numba.void(
        MODEL, MINIMISER, *CIRCUIT, I64[::1], F64[::1], F64[::1], I64[::1], F64[:, ::1], F64[:, ::1], I64, F64,
        F64[:, ::1], numba.boolean[:, ::1], F64, F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1],
        F64[:, ::1], F64[::1],
    )
)  # fmt: skip
def widen_covariance(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free,
    minima, values, n_minima, variance, hessian, parts, least, grid, target, sums, rows, covariance, rises,
):  # fmt: skip
    """Find the covariance of theta, and what each part of the circuit is worth.

    The curvature of F at the best minimum gives it where the model is linear. Where it is not, errors grow:
    one parameter moves by three standard errors and the others follow; F should rise by 9 variances, and
    where it rises less, the error grows until it agrees with the rise. Other minima count with their
    likelihood, as modes of a mixture. Parameters at a bound count as free: the errors of the others
    would be too small if they rested on the bound being the truth.

    Parameters
    ----------
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free, grid, target, sums, rows
        As in :func:`search`.
    minima, values, n_minima, hessian
        What :func:`search` found.
    variance : float64
        Of a weighted residual.
    parts : bool, shape (q, p)
        Parameters of each part.
    least : float64
        Standard errors below this (in logarithms or exponents) are small enough to be linear.
    covariance : float64, shape (p, p)
        Written; 0 for fixed parameters.
    rises : float64, shape (q,)
        Written: how much F rises without the part, in units of the variance.
    """
    f = free.size
    best, value = minima[0], values[0, 0]
    inverse = np.empty((f, f))
    invert(hessian, inverse)
    for q in range(rises.size):
        rises[q] = _rise_without(parts[q], kinds, free, inverse) / max(variance, 1e-300)
    covariance[:] = 0.0
    for a in range(f):
        for c in range(f):
            covariance[free[a], free[c]] = inverse[a, c] * variance
    widening = np.ones(best.size)
    if f > 1 and variance > 0.0:
        _widen(
            evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free,
            best, value, covariance, variance, least, grid, target, sums, rows, widening,
        )  # fmt: skip
        # along the way of the others, so that a sum which is well known stays so
        narrow = covariance.copy()
        for _ in range(f):
            i = free[0]
            for k in free:
                i = k if widening[k] > widening[i] else i
            missing = widening[i] ** 2 * narrow[i, i] - covariance[i, i]
            widening[i] = 1.0
            if missing > 0.0:
                for a in free:
                    for c in free:
                        covariance[a, c] += missing * narrow[i, a] * narrow[i, c] / narrow[i, i] ** 2
    total = 0.0
    for m in range(n_minima):
        total += math.exp(-0.5 * (values[m, 0] - value) / max(variance, 1e-300))
    for m in range(1, n_minima):
        weight = math.exp(-0.5 * (values[m, 0] - value) / max(variance, 1e-300)) / total
        if weight > 0.0:
            for a in free:
                for c in free:
                    covariance[a, c] += weight * (minima[m, a] - best[a]) * (minima[m, c] - best[c])


widen_covariance_directly = direct(widen_covariance)
