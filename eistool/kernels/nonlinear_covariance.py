"""Covariance of theta in nonlinear fits, and the increase in F without each part of a circuit.

Shapes: as in :mod:`eistool.kernels.least_squares`; m minima, q parts.
"""

import math
from typing import Annotated

import numba
import numpy as np

from eistool.kernels.jit import direct, kernel, part
from eistool.kernels.least_squares import CIRCUIT, F64, I64, MINIMISER, MODEL, copy, invert
from eistool.kernels.parameters import AMPLITUDE
from eistool.typing import Threshold

DISTANCE: Annotated[
    float,
    Threshold(
        "distance from the minimum, in standard errors, at which the rise of S is compared with a parabola",
        "coverage of 95 % intervals, tests.benchmarks.coverage: profiles that flatten between 2 and 3 undercover",
    ),
] = 3.0
MAX_ERROR = 5.0  # e-folds; far beyond UNRESOLVED, and keeps the model finite


@part()
def _rise_without(is_member, kinds, free, inverse):
    """Return the increase in F when a part of the circuit is removed and all others are refitted.

    Z of a part is the sum of its derivatives with respect to the logarithms of its amplitudes.
    """
    f = free.size
    members = np.empty(f, np.int64)
    n = 0
    for a in range(f):
        if is_member[free[a]]:
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
    """Compute the ratio of standard errors to those from the curvature of F at the minimum."""
    f = free.size
    others = np.empty(f - 1, np.int64)
    hessian = np.empty((f - 1, f - 1))
    gradient = np.empty(f - 1)
    theta = np.empty(best.size)
    for a in range(f):
        i = free[a]
        curvature_error = math.sqrt(covariance[i, i])
        if not (least < curvature_error < MAX_ERROR):
            continue
        n = 0
        for c in range(f):
            if c != a:
                others[n] = free[c]
                n += 1
        for side in (-DISTANCE, DISTANCE):
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
                rise = (moved - value) / (DISTANCE * DISTANCE * variance)
                if rise > 0.8:
                    break
                sigma = min(sigma / math.sqrt(max(rise, 0.1)), MAX_ERROR)
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
    """Compute the covariance of theta, and the increase in F without each part of the circuit.

    The covariance is the inverse curvature of F at the best minimum, widened where the model is nonlinear:
    one parameter is moved by three standard errors and the others are refitted; F should rise by 9 variances,
    and if it rises less, the error is increased until both agree. Other minima enter with their likelihoods,
    as modes of a mixture. Parameters at a bound are treated as free; holding them would assume that the
    true values lie at the bounds, and give too small errors of the others.

    Parameters
    ----------
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free, grid, target, sums, rows
        As in :func:`search`.
    minima, values, n_minima, hessian
        Output of :func:`search`.
    variance : float64
        Variance of a weighted residual.
    parts : bool, shape (q, p)
        True for the parameters of each part.
    least : float64
        Standard error (of logarithms or exponents) below which the model is taken as linear.
    covariance : float64, shape (p, p)
        Output; 0 for fixed parameters.
    rises : float64, shape (q,)
        Output: increase in F without the part, in units of the variance.
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
        # widened along the path of the refitted parameters, so that well-determined sums remain so
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
