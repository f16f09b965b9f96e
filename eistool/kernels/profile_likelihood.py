"""Profile likelihood of one parameter.

All quantities are dimensionless, with the shapes and names of :mod:`eistool.kernels.least_squares`.
"""

import math
from typing import Annotated

import numba
import numpy as np

from eistool.kernels.jit import kernel, part
from eistool.kernels.least_squares import CIRCUIT, F64, I64, MINIMISER, MODEL
from eistool.kernels.parameters import EXPONENT
from eistool.typing import Threshold

NO_LIMIT, LIMIT, BETTER = 0, 1, 2  # outcomes of a walk
MAX_REFITS = 40  # per side; two or three are typical
GROWTH = 2.0  # maximum ratio of successive distances, to stay in the valley of the minimum
FIRST, FIRST_EXPONENT = 2.0, 0.2  # limits of the first extrapolation: e-folds, and units of an exponent
NEAR = 2e-3  # tolerance of sqrt(rise) at the limit; agreement with lmfit to 1 % of the width needs no more
LOWER: Annotated[
    float,
    Threshold(
        "decrease of S below its minimum, relative to the rise at the limits, that is another minimum",
        "engineering choice, above the tolerance of refits and below any effect on a limit; "
        "not sensitive: a lower minimum changes a limit by 0.05 % of its distance",
    ),
] = 1e-3
STRAIGHT = 0.1  # departure of sqrt(rise) from a line above which a refit is repeated from another start
ITERATIONS, TOLERANCE = 60, 1e-8  # per refit; relative tolerance of F, well below NEAR² of a variance


@part()
def _place(theta, best, i, move, side, lower, upper, others):
    """Move parameter i and clip the others to their bounds."""
    for k in others:
        theta[k] = min(max(theta[k], lower[k]), upper[k])
    theta[i] = min(max(best[i] + side * move, lower[i]), upper[i])


@part()
def _walk(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, others,
    best, value, lowest, i, side, first, slope, rise, grid, target, sums, rows, hessian, gradient, end,
):  # fmt: skip
    """Find the limit on one side; write theta to ``end`` and return the outcome."""
    p = best.size
    inside, outside, theta, again = best.copy(), best.copy(), best.copy(), best.copy()
    slope = side * slope
    a, b, height_b = 0.0, np.inf, np.inf
    height_a = math.sqrt(max((value - lowest) / rise, 0.0))
    weight_a, weight_b = height_a - 1.0, 1.0  # distances from the level, for the secant
    rate = (1.0 - height_a) / first  # slope of the height
    last = 0
    reach = upper[i] - best[i] if side > 0.0 else best[i] - lower[i]
    move = first
    move = min(move, FIRST_EXPONENT if kinds[i] == EXPONENT else FIRST)
    for _ in range(MAX_REFITS):
        at_end = move >= reach
        move = min(move, reach)
        part_of = (move - a) / (b - a) if b < np.inf else 0.0
        for k in range(p):
            if b < np.inf:
                theta[k] = inside[k] + part_of * (outside[k] - inside[k])
            else:
                theta[k] = inside[k] + (move - a) * slope[k]
        _place(theta, best, i, move, side, lower, upper, others)
        now, _ = minimise(
            evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, others,
            grid, target, sums, rows, hessian, gradient, ITERATIONS, TOLERANCE,
        )  # fmt: skip
        height = math.sqrt(max((now - lowest) / rise, 0.0))
        if not height <= height_a + rate * (move - a) * (1.0 + STRAIGHT) + STRAIGHT:
            # a start far from the valley may lead to another one
            for k in range(p):
                again[k] = inside[k]
            _place(again, best, i, move, side, lower, upper, others)
            other, _ = minimise(
                evaluate, operations, offsets, parents, groups, again, lower, upper, kinds, others,
                grid, target, sums, rows, hessian, gradient, ITERATIONS, TOLERANCE,
            )  # fmt: skip
            if not now <= other:
                now = other
                height = math.sqrt(max((now - lowest) / rise, 0.0))
                for k in range(p):
                    theta[k] = again[k]
        if now < lowest - LOWER * rise:
            for k in range(p):
                end[k] = theta[k]
            return BETTER
        if abs(height - 1.0) < NEAR or (b < np.inf and b - a < NEAR * a):
            break
        if height < 1.0:
            if at_end:
                for k in range(p):
                    end[k] = theta[k]
                return NO_LIMIT
            for k in range(p):
                slope[k] = (theta[k] - inside[k]) / (move - a)
                inside[k] = theta[k]
            rate = (height - height_a) / (move - a)
            a, height_a, weight_a = move, height, height - 1.0
            # the Illinois rule: halve the weight of the end that is kept
            weight_b *= 0.5 if last == -1 else 1.0
            last = -1
        else:
            for k in range(p):
                outside[k] = theta[k]
            b, height_b, weight_b = move, height, height - 1.0
            weight_a *= 0.5 if last == 1 else 1.0
            last = 1
        if b < np.inf:
            cut = -weight_a / (weight_b - weight_a) if weight_b < np.inf else 0.1
            move = a + min(max(cut, 0.02), 0.98) * (b - a)
        else:
            ahead = (1.0 - height_a) / rate if rate > 0.0 else np.inf
            move = a + min(ahead * 1.001, (GROWTH - 1.0) * a)
    # the height is almost linear here: a final secant needs no refit
    if height < 1.0 and b < np.inf and math.isfinite(height_b):
        rate = (height_b - height) / (b - move)
    elif move > a:
        rate = (height - height_a) / (move - a)
    correction = (1.0 - height) / rate if rate > 0.0 else 0.0
    theta[i] += side * min(max(correction, -NEAR * move), NEAR * move)
    for k in range(p):
        end[k] = theta[k]
    return LIMIT


@kernel(
    numba.void(
        MODEL, MINIMISER, *CIRCUIT, I64[::1], F64[::1], F64[::1], I64[::1], F64[::1], F64, F64, I64, F64, F64[::1],
        F64, F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], I64[::1],
    )
)  # fmt: skip
def profile(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper,
    free, best, value, lowest, i, first, slope, rise, grid, target, sums, rows, ends, outcome,
):  # fmt: skip
    """Find the values at which F, minimised over the other parameters, has risen by ``rise``.

    The square root of the rise is nearly linear, so that a secant method finds each limit in two or three
    refits. Each refit starts from an extrapolation of the previous ones.

    Parameters
    ----------
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free, grid, target, sums, rows
        As in :func:`eistool.kernels.search.search`.
    best : float64, shape (p,)
        theta at the minimum.
    value : float64
        F at ``best``.
    lowest : float64
        F at the best minimum, the reference of the rise.
    i : int
        Parameter to profile, one of ``free``.
    first : float64
        Distance of the limits estimated from the curvature at the minimum.
    slope : float64, shape (p,)
        Initial change of the parameters per unit of the profiled one.
    rise : float64
        Increase in F at the limits, above 0.
    ends : float64, shape (2, p)
        Output: theta at the lower and the upper limit, or at the end of the walk.
    outcome : int64, shape (2,)
        LIMIT; NO_LIMIT if F does not rise enough within the bounds; BETTER if F falls below ``lowest``.
    """
    f = free.size
    others = np.empty(f - 1, np.int64)
    hessian = np.empty((f - 1, f - 1))
    gradient = np.empty(f - 1)
    n = 0
    for k in free:
        if k != i:
            others[n] = k
            n += 1
    for s in range(2):
        outcome[s] = _walk(
            evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, others,
            best, value, lowest, i, 2.0 * s - 1.0, first, slope, rise,
            grid, target, sums, rows, hessian, gradient, ends[s],
        )  # fmt: skip
