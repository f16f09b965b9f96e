"""Evidence of ladders whose elements are normal a priori.

A row holds one part of one point: all terms, then the datum, over the standard deviation as far as it is known.
The triangle of all rows ends with the root of the sum of squares that is left; as in ``kramers_kronig``, terms are
rows of an array where all are reflected at once, and columns where one row after the other is rotated in.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part
from eistool.kernels.kramers_kronig import combine, dot, leverages, solve, triangularise

LEAST = 1e-12  # of mean squares relative to |Z|²: below is rounding


@part(fast=True)
def _rotate(above, here, c, s):
    for j in range(above.size):
        old, new = above[j], here[j]
        above[j] = c * old + s * new
        here[j] = c * new - s * old


@part()
def _insert(triangle, row):
    """Rotate a row into the triangle."""
    for k in range(row.size):
        square = row[k] * row[k]
        if square == 0.0:
            continue
        old = triangle[k]
        share = 1 / math.sqrt(old[k] * old[k] + square)
        _rotate(old[k:], row[k:], old[k] * share, row[k] * share)


@part()
def _terms(rows, first):
    """Return terms and data of the points from ``first`` on, one per row."""
    n, parts, size = rows.shape
    terms = np.empty((size, parts * (n - first)))
    for i in range(first, n):
        for p in range(parts):
            for j in range(size):
                terms[j, parts * (i - first) + p] = rows[i, p, j]
    return terms


@part()
def _with_prior(data, width, ratio):
    """Return the triangle of the data and the prior: coefficients are normal around 0, width x ratio wide."""
    size = data.shape[0]
    both = np.zeros((size, 2 * size))
    for k in range(size):
        for i in range(min(k + 1, data.shape[1])):
            both[k, 2 * i] = data[k, i]
    for k in range(width.size):
        both[k, 2 * k + 1] = 1 / (width[k] * ratio)
    triangularise(both, size)
    return both


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
        value = triangle[k, m] - dot(triangle[k, k + 1 : m], coefficients[k + 1 :])
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
    data = _terms(rows, longest)
    triangularise(data, size)
    triangle, row, coefficients = np.empty((size, size)), np.empty(size), np.empty(size - 1)
    evidence[:] = -math.inf
    for ratio in ratios:
        reflected = _with_prior(data, width, ratio)
        for i in range(size):
            for j in range(i, size):
                triangle[i, j] = reflected[j, i]
        for k in range(longest, -1, -1):
            left = max(triangle[size - 1, size - 1] ** 2, 2 * (n - k) * LEAST)
            value = -(n - k) * math.log(left / (2 * (n - k))) - _log_volume(triangle, width, ratio)
            if k:
                _solve(triangle, coefficients)
                scatter = 0.0
                for i in range(k):
                    for p in range(2):
                        scatter += (rows[i, p, size - 1] - dot(coefficients, rows[i, p, : size - 1])) ** 2
                value -= k * math.log(max(scatter / (2 * k), LEAST))
            if value > evidence[k]:
                evidence[k], squares[k] = value, left
            if k:
                for p in range(2):
                    for j in range(size):
                        row[j] = rows[k - 1, p, j]
                    _insert(triangle, row)


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
    terms = _terms(rows, 0)
    data = terms.copy()
    triangularise(data, size)
    chosen, highest = data, -math.inf
    for ratio in ratios:
        triangle = _with_prior(data, width, ratio)
        left = max(triangle[m, m] ** 2, parts * n * LEAST)
        value = -0.5 * parts * n * math.log(left / (parts * n)) - _log_volume(triangle, width, ratio)
        if value > highest:
            highest, chosen = value, triangle
            best[0], best[1] = ratio, left
    coefficients = np.empty(m)
    solve(chosen, m, coefficients)
    off = residual.reshape(n * parts)
    combine(terms, m, coefficients, off)
    for i in range(n * parts):
        off[i] = terms[m, i] - off[i]
    leverages(terms, m, chosen, leverage.reshape(n * parts))
    return highest
