"""Non-negative least squares by orthogonal columns: the conditioning of the problem is never squared.

Shapes: n unknowns, m data, s draws.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part
from eistool.kernels.least_squares import copy, dot

SLOPE = 1e-11  # relative gradient that is none
DEPENDENT = 1e-12  # relative length of what a column adds


@part(fast=True)
def _subtract(factor, row, to):
    for i in range(row.size):
        to[i] -= factor * row[i]


@part()
def _append(columns, i, q, r, part_of_target, residual, count):
    """Orthogonalise a column and take its part from the residual; return whether it adds anything."""
    if count == q.shape[0]:
        return False
    row = q[count]
    copy(columns[i], row)
    length = math.sqrt(dot(row, row))
    for k in range(count):
        r[k, count] = 0.0
    for _ in range(2):  # twice is enough
        for k in range(count):
            factor = dot(q[k], row)
            r[k, count] += factor
            _subtract(factor, q[k], row)
    rest = math.sqrt(dot(row, row))
    if not rest > DEPENDENT * length:
        return False
    r[count, count] = rest
    for j in range(row.size):
        row[j] /= rest
    part_of_target[count] = dot(row, residual)
    _subtract(part_of_target[count], row, residual)
    return True


@part()
def _solve(columns, n_free, x, target, q, r, order, passive, trial, part_of_target, residual):
    """Lawson and Hanson's active sets from the feasible x, in place."""
    n = columns.shape[0]
    copy(target, residual)
    size = math.sqrt(dot(target, target))
    count = 0
    for i in range(n):
        passive[i] = False
        if i < n_free or x[i] > 0.0:
            if _append(columns, i, q, r, part_of_target, residual, count):
                order[count] = i
                passive[i] = True
                count += 1
            else:
                x[i] = 0.0
    newest = -1
    for _ in range(5 * n):
        # down to where all that are passive are positive
        while True:
            for a in range(count - 1, -1, -1):
                value = part_of_target[a]
                for c in range(a + 1, count):
                    value -= r[a, c] * trial[c]
                trial[a] = value / r[a, a]
            step, blocking = 1.0, -1
            for a in range(count):
                i = order[a]
                if i >= n_free and trial[a] <= 0.0:
                    reach = x[i] / (x[i] - trial[a]) if x[i] > 0.0 else 0.0
                    if reach < step or blocking < 0:
                        step, blocking = reach, a
            for a in range(count):
                x[order[a]] += step * (trial[a] - x[order[a]])
            if blocking < 0:
                break
            x[order[blocking]] = 0.0
            first = count
            for a in range(count):
                i = order[a]
                if i >= n_free and x[i] <= 0.0 and trial[a] <= 0.0:
                    first = a
                    break
            for a in range(first, count):
                _subtract(-part_of_target[a], q[a], residual)
            kept = first
            for a in range(first, count):
                i = order[a]
                if i >= n_free and x[i] <= 0.0 and trial[a] <= 0.0:
                    x[i] = 0.0
                    passive[i] = False
                elif _append(columns, i, q, r, part_of_target, residual, kept):
                    order[kept] = i
                    kept += 1
                else:
                    x[i] = 0.0
                    passive[i] = False
            count = kept
        if newest >= 0 and not passive[newest]:
            break  # rounding alone let it in: nothing is gained any more
        best, steepest = -1, SLOPE
        for i in range(n_free, n):
            if not passive[i]:
                column = columns[i]
                slope = dot(column, residual) / (math.sqrt(dot(column, column)) * size + 1e-300)
                if slope > steepest:
                    best, steepest = i, slope
        if best < 0 or not _append(columns, best, q, r, part_of_target, residual, count):
            break
        order[count] = best
        passive[best] = True
        newest = best
        count += 1


@kernel("void(float64[:, ::1], float64[:, ::1], int64, float64[:, ::1])")
def nonnegative(columns, targets, n_free, x):
    """Minimise |columnsᵀx - target|² with all but the first x not negative, for each target.

    Parameters
    ----------
    columns : float64, shape (n, m)
        One row per unknown.
    targets : float64, shape (s, m)
        Data.
    n_free : int
        So many leading unknowns may have any sign.
    x : float64, shape (s, n)
        The first row holds a feasible start; the solutions are written here, each starting from the first.
    """
    n, m = columns.shape
    most = min(n, m)
    q = np.empty((most, m))
    r = np.zeros((most, most))
    order = np.empty(most, np.int64)
    passive = np.zeros(n, np.bool_)
    trial = np.empty(most)
    part_of_target = np.empty(most)
    residual = np.empty(m)
    for k in range(targets.shape[0]):
        if k > 0:
            copy(x[0], x[k])
        _solve(columns, n_free, x[k], targets[k], q, r, order, passive, trial, part_of_target, residual)
