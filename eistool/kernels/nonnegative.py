"""Non-negative least squares by orthogonalised columns, without normal equations.

Shapes: n unknowns, m data, s problems.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part
from eistool.kernels.least_squares import copy, dot

# both relative, some 1e4 roundings: gradient of an inactive unknown, and new length of a dependent column
SLOPE, DEPENDENT = 1e-11, 1e-12


@part(fast=True)
def _subtract(factor, row, to):
    for i in range(row.size):
        to[i] -= factor * row[i]


@part(fast=True)
def _rotate(a, b, cosine, sine, start):
    for i in range(start, a.size):
        upper = cosine * a[i] + sine * b[i]
        b[i] = cosine * b[i] - sine * a[i]
        a[i] = upper


@part()
def _append(column, q, r, along, residual, count):
    """Orthogonalise a column and project it out of the residual; return False if it is dependent."""
    if count == q.shape[0]:
        return False
    row = q[count]
    copy(column, row)
    length = math.sqrt(dot(row, row))
    for k in range(count):
        r[k, count] = 0.0
    for _ in range(2):  # reorthogonalised once (Kahan's rule: twice is enough)
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
    along[count] = dot(row, residual)
    _subtract(along[count], row, residual)
    return True


@part()
def _drop(a, order, q, r, along, residual, count):
    """Remove column a from Q and R by Givens rotations, and restore its part of the residual."""
    for c in range(a, count - 1):
        order[c] = order[c + 1]
        for k in range(c + 2):
            r[k, c] = r[k, c + 1]
    for k in range(a, count - 1):
        length = math.hypot(r[k, k], r[k + 1, k])
        cosine, sine = r[k, k] / length, r[k + 1, k] / length
        _rotate(r[k, : count - 1], r[k + 1, : count - 1], cosine, sine, k)
        _rotate(q[k], q[k + 1], cosine, sine, 0)
        _rotate(along[k : k + 1], along[k + 1 : k + 2], cosine, sine, 0)
    _subtract(-along[count - 1], q[count - 1], residual)


@kernel("void(float64[:, ::1], float64[:, ::1], int64, float64[:, ::1])")
def nonnegative(columns, targets, n_free, x):
    """Minimise |columnsᵀx - target|² with x >= 0 except for the first unknowns, for each target.

    Lawson-Hanson active sets; each problem starts from the solution of the previous one.

    Parameters
    ----------
    columns : float64, shape (n, m)
        One row per unknown.
    targets : float64, shape (s, m)
        Data.
    n_free : int
        Number of leading unknowns without a sign constraint.
    x : float64, shape (s, n)
        Feasible start in the first row; output: the solutions.
    """
    n, m = columns.shape
    most = min(n, m)
    q = np.empty((most, m))
    r = np.zeros((most, most))
    order = np.empty(most, np.int64)
    passive = np.zeros(n, np.bool_)
    trial = np.empty(most)
    along = np.zeros(most)  # coefficients of the target in the rows of q
    residual = targets[0].copy()
    norm = np.empty(n)
    count = 0
    for i in range(n):
        norm[i] = math.sqrt(dot(columns[i], columns[i])) + 1e-300
        if i < n_free or x[0, i] > 0.0:
            if _append(columns[i], q, r, along, residual, count):
                order[count] = i
                passive[i] = True
                count += 1
            else:
                x[0, i] = 0.0
    for s in range(targets.shape[0]):
        now = x[s]
        if s > 0:
            copy(x[s - 1], now)
            copy(targets[s], residual)
            for a in range(count):
                along[a] = dot(q[a], residual)
                _subtract(along[a], q[a], residual)
        size = math.sqrt(dot(targets[s], targets[s])) + 1e-300
        newest = -1
        for _ in range(5 * n):
            # until all passive unknowns are positive
            while True:
                for a in range(count - 1, -1, -1):
                    value = along[a]
                    for c in range(a + 1, count):
                        value -= r[a, c] * trial[c]
                    trial[a] = value / r[a, a]
                step, blocking = 1.0, -1
                for a in range(count):
                    i = order[a]
                    if i >= n_free and trial[a] <= 0.0:
                        reach = now[i] / (now[i] - trial[a]) if now[i] > 0.0 else 0.0
                        if reach < step or blocking < 0:
                            step, blocking = reach, a
                for a in range(count):
                    now[order[a]] += step * (trial[a] - now[order[a]])
                if blocking < 0:
                    break
                now[order[blocking]] = 0.0
                for a in range(count - 1, -1, -1):
                    i = order[a]
                    if i >= n_free and now[i] <= 0.0 and trial[a] <= 0.0:
                        now[i] = 0.0
                        passive[i] = False
                        _drop(a, order, q, r, along, residual, count)
                        count -= 1
            if newest >= 0 and not passive[newest]:
                break  # admitted by rounding only: no further decrease
            best, steepest = -1, SLOPE * size
            for i in range(n_free, n):
                if not passive[i]:
                    slope = dot(columns[i], residual) / norm[i]
                    if slope > steepest:
                        best, steepest = i, slope
            if best < 0 or not _append(columns[best], q, r, along, residual, count):
                break
            order[count] = best
            passive[best] = True
            newest = best
            count += 1
