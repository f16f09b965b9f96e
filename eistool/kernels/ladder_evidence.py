"""Evidence of ladders whose elements are normal a priori, by orthogonal rotations of one row after the other.

A row holds one part of one point: all terms, then the datum, over the standard deviation as far as it is known.
The triangle of all rows ends with the root of the sum of squares that is left.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part

LEAST = 1e-12  # of mean squares relative to |Z|²: below is rounding


@part()
def _copy(source, target):
    """Copy an array; an assignment would compile numba's texts of errors, in two seconds."""
    for i in range(target.size):
        target[i] = source[i]


@part()
def _insert(triangle, row, first):
    """Rotate a row into the triangle; what is in the row before ``first`` is zero."""
    size = triangle.shape[0]
    for k in range(first, size):
        if row[k] == 0.0:
            continue
        old = triangle[k]
        length = math.hypot(old[k], row[k])
        c, s = old[k] / length, row[k] / length
        old[k] = length
        for j in range(k + 1, size):
            above, here = old[j], row[j]
            old[j] = c * above + s * here
            row[j] = c * here - s * above


@part()
def _insert_prior(triangle, width, ratio, row):
    """Rotate in what is known a priori: coefficients are normal around 0, width x ratio wide."""
    m = width.size
    for k in range(m):
        row[:] = 0.0
        row[k] = 1 / (width[k] * ratio)
        _insert(triangle, row, k)


@part()
def _log_volume(triangle, width, ratio):
    """Return half the logarithm of how much the data narrow the prior."""
    total = 0.0
    for k in range(width.size):
        total += math.log(abs(triangle[k, k]) * width[k] * ratio)
    return total


@part()
def _solve(triangle, coefficients):
    m = coefficients.size
    for k in range(m - 1, -1, -1):
        value = triangle[k, m]
        for j in range(k + 1, m):
            value -= triangle[k, j] * coefficients[j]
        coefficients[k] = value / triangle[k, k]


@kernel("void(f8[:,:,::1], f8[::1], f8[::1], f8[::1], f8[::1])")
def leave_out_runs(rows, width, ratios, evidence, squares):
    """Weigh every run of points from one end: its own scatter is larger, or the ladder describes it too.

    Parameters
    ----------
    rows : (n, 2, m + 1)
        Points from that end inward.
    width : (m,)
        Of the prior, relative.
    ratios : (p,)
        Of the prior's width to the noise; each run takes the best.
    evidence : (longest + 1,)
        Logarithm, for 0, 1, ... points left out: the marginal likelihood of the others for the best noise, and
        the likelihood of those left out around its prediction for the best scatter.
    squares : (longest + 1,)
        Sums of squares that the others leave.
    """
    n, size = rows.shape[0], rows.shape[2]
    longest = evidence.size - 1
    data, triangle = np.zeros((size, size)), np.empty((size, size))
    row, coefficients = np.empty(size), np.empty(size - 1)
    for i in range(longest, n):
        for p in range(2):
            _copy(rows[i, p], row)
            _insert(data, row, 0)
    evidence[:] = -math.inf
    for ratio in ratios:
        for i in range(size):
            _copy(data[i], triangle[i])
        _insert_prior(triangle, width, ratio, row)
        for k in range(longest, -1, -1):
            left = max(triangle[size - 1, size - 1] ** 2, 2 * (n - k) * LEAST)
            value = -(n - k) * math.log(left / (2 * (n - k))) - _log_volume(triangle, width, ratio)
            if k:
                _solve(triangle, coefficients)
                scatter = 0.0
                for i in range(k):
                    for p in range(2):
                        off = rows[i, p, size - 1]
                        for j in range(size - 1):
                            off -= coefficients[j] * rows[i, p, j]
                        scatter += off * off
                value -= k * math.log(max(scatter / (2 * k), LEAST))
            if value > evidence[k]:
                evidence[k], squares[k] = value, left
            if k:
                for p in range(2):
                    _copy(rows[k - 1, p], row)
                    _insert(triangle, row, 0)


@kernel("f8(f8[:,:,::1], f8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1])")
def fit_rows(rows, width, ratios, residual, leverage, best):
    """Fit the ladder with the best width of the prior, and return the logarithm of its evidence.

    Parameters
    ----------
    rows, width, ratios
        As of :func:`leave_out_runs`, in any order; one part or both.
    residual, leverage : (n, 1) or (n, 2)
        Over the standard deviation, and the share of it that a datum decides on itself.
    best : (2,)
        The ratio, and the sum of squares that is left.
    """
    n, parts, size = rows.shape
    m = size - 1
    data, triangle, chosen = np.zeros((size, size)), np.empty((size, size)), np.empty((size, size))
    row, coefficients = np.empty(size), np.empty(m)
    for i in range(n):
        for p in range(parts):
            _copy(rows[i, p], row)
            _insert(data, row, 0)
    highest = -math.inf
    for ratio in ratios:
        for i in range(size):
            _copy(data[i], triangle[i])
        _insert_prior(triangle, width, ratio, row)
        left = max(triangle[m, m] ** 2, parts * n * LEAST)
        value = -0.5 * parts * n * math.log(left / (parts * n)) - _log_volume(triangle, width, ratio)
        if value > highest:
            highest = value
            for i in range(size):
                _copy(triangle[i], chosen[i])
            best[0], best[1] = ratio, left
    _solve(chosen, coefficients)
    for i in range(n):
        for p in range(parts):
            off = rows[i, p, m]
            square = 0.0
            for k in range(m):
                off -= coefficients[k] * rows[i, p, k]
                value = rows[i, p, k]
                for j in range(k):
                    value -= chosen[j, k] * row[j]
                row[k] = value / chosen[k, k]
                square += row[k] * row[k]
            residual[i, p], leverage[i, p] = off, square
    return highest
