"""A Gaussian process of γ with one length, for many amplitudes: the matrix is made tridiagonal once.

Shapes: m bumps of γ, s columns without a prior, n data, k amplitudes. Columns are rows here, so that what a loop
runs over is contiguous.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part


@part(sums=True)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@part(fast=True)
def _add(factor, row, to):
    for i in range(row.size):
        to[i] += factor * row[i]


@part(fast=True)
def _add_four(a, b, c, d, rows, first, to):
    r0, r1, r2, r3 = rows[first], rows[first + 1], rows[first + 2], rows[first + 3]
    for i in range(to.size):
        to[i] += a * r0[i] + b * r1[i] + c * r2[i] + d * r3[i]


@part()
def _orthogonalise(rows, r):
    """Make rows orthonormal, twice over; before, they were rᵀ times what they are then."""
    s = rows.shape[0]
    for i in range(s):
        for j in range(s):
            r[i, j] = 0.0
    for j in range(s):
        for _ in range(2):
            for i in range(j):
                share = _dot(rows[i], rows[j])
                r[i, j] += share
                _add(-share, rows[i], rows[j])
        r[j, j] = math.sqrt(_dot(rows[j], rows[j]))
        rows[j] /= r[j, j]


@part()
def _tridiagonalise(matrix, off, vector):
    """Reflect a symmetric matrix and a vector (Householder); reflectors v, with v·v = 2, stay in its rows."""
    m = matrix.shape[0]
    image = np.empty(m)
    for k in range(m - 1):
        v = matrix[k, k + 1 :]
        length = math.sqrt(_dot(v, v))
        off[k] = -length if v[0] > 0 else length
        v[0] -= off[k]
        size = math.sqrt(0.5 * _dot(v, v))
        if size == 0.0:
            continue
        v /= size
        _add(-_dot(v, vector[k + 1 :]), v, vector[k + 1 :])
        w = image[k + 1 :]
        for i in range(k + 1, m):
            w[i - k - 1] = _dot(matrix[i, k + 1 :], v)
        _add(-0.5 * _dot(v, w), v, w)
        for i in range(k + 1, m):
            _add(-v[i - k - 1], w, matrix[i, k + 1 :])
            _add(-w[i - k - 1], v, matrix[i, k + 1 :])


@part()
def _factor(matrix, off, gain, diagonal, below):
    """Write L with LLᵀ = 1 + gain T, bidiagonal."""
    m = diagonal.size
    for i in range(m):
        square = 1.0 + gain * matrix[i, i]
        if i > 0:
            below[i - 1] = gain * off[i - 1] / diagonal[i - 1]
            square -= below[i - 1] ** 2
        diagonal[i] = math.sqrt(max(square, 1e-12))  # at least 1 but for rounding


@part()
def _forward(diagonal, below, b, x):
    """Solve L x = b."""
    x[0] = b[0] / diagonal[0]
    for i in range(1, x.size):
        x[i] = (b[i] - below[i - 1] * x[i - 1]) / diagonal[i]


@part()
def _backward(diagonal, below, x):
    """Solve Lᵀ x = x in place."""
    m = x.size
    x[m - 1] /= diagonal[m - 1]
    for i in range(m - 2, -1, -1):
        x[i] = (x[i] - below[i] * x[i + 1]) / diagonal[i]


@kernel(
    "void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8[::1], f8,"
    "f8[:,::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[::1], f8[::1], f8[::1])"
)
def decompose(
    columns, scale, weight, y, gains, least, triangle, of_series, shared, matrix, off, product, variance, evidence
):
    """Write what all amplitudes have in common, and the evidence of each.

    Parameters
    ----------
    columns : (s + m, n)
        Those without a prior, then the bumps.
    scale : (m,)
        Of the bumps.
    weight, y : (n,)
        Of columns and data, which come without it; data.
    gains : (k,)
        Squared amplitudes over the variance of weighted noise.
    least : float
        Least variance of weighted noise.
    triangle : (s, s)
        R with weighted columns Q R, upper triangular.
    of_series : (s,)
        Qᵀy.
    shared : (s, m)
        Qᵀ times the bumps.
    matrix, off : (m, m), (m,)
        Products of the bumps without their share in Q, tridiagonal: the diagonal in ``matrix``, with the
        reflectors right of it, and beside it ``off``.
    product : (m,)
        Bumps times data, reflected.
    variance, evidence : (k,)
        Of weighted noise; natural logarithm.
    """
    s, n = of_series.size, y.size
    m = shared.shape[1]
    rows = np.empty((s + m, n))
    rest = y * weight
    for c in range(s + m):
        factor = 1.0 if c < s else scale[c - s]
        for i in range(n):
            rows[c, i] = factor * columns[c, i] * weight[i]
    q = rows[:s]
    _orthogonalise(q, triangle)
    for j in range(s):
        of_series[j] = _dot(q[j], rest)
        _add(-of_series[j], q[j], rest)
    for c in range(m):
        row = rows[s + c]
        for j in range(s):
            shared[j, c] = _dot(q[j], row)
            _add(-shared[j, c], q[j], row)
        for j in range(c + 1):
            matrix[c, j] = _dot(row, rows[s + j])
            matrix[j, c] = matrix[c, j]
        product[c] = _dot(row, rest)
    _tridiagonalise(matrix, off, product)
    square = _dot(rest, rest)
    diagonal, below, x = np.empty(m), np.empty(m), np.empty(m)
    for k in range(gains.size):
        _factor(matrix, off, gains[k], diagonal, below)
        _forward(diagonal, below, product, x)
        variance[k] = max((square - gains[k] * _dot(x, x)) / (n - s), least)
        logarithms, product_of_few = 0.0, 1.0
        for i in range(m):
            product_of_few *= diagonal[i]
            if i % 8 == 7:  # logarithms are slow
                logarithms += math.log(product_of_few)
                product_of_few = 1.0
        logarithms += math.log(product_of_few)
        evidence[k] = -0.5 * (n - s) * math.log(variance[k]) - logarithms


@kernel("void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8, f8[::1], f8[:,::1])")
def mix(matrix, off, product, gains, share, variance, bias, mean, root):
    """Write mean and a root of the covariance of the coefficients, averaged over amplitudes.

    Parameters
    ----------
    matrix, off, product
        From :func:`decompose`.
    gains, share, variance : (k,)
        Of likely amplitudes; the shares add up to 1.
    bias : float
        What the process finds in the residual counts as an error, so many times.
    mean : (m,)
    root : (m, m + k + 1)
        Noise, at the likeliest amplitude; deviations of the amplitudes' means; bias.
    """
    m, k = mean.size, gains.size
    diagonal, below, x, rest = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    means = np.empty((k, m))
    mean[:] = 0.0
    for a in range(k):
        _factor(matrix, off, gains[a], diagonal, below)
        _forward(diagonal, below, product, means[a])
        _backward(diagonal, below, means[a])
        means[a] *= gains[a]
        _add(share[a], means[a], mean)
    for i in range(m):
        rest[i] = product[i] - matrix[i, i] * mean[i]
        if i > 0:
            rest[i] -= off[i - 1] * mean[i - 1]
        if i + 1 < m:
            rest[i] -= off[i] * mean[i + 1]
    root[:] = 0.0
    best = int(np.argmax(share))
    for a in range(k):
        _factor(matrix, off, gains[a], diagonal, below)
        _forward(diagonal, below, rest, x)
        _backward(diagonal, below, x)
        for i in range(m):
            root[i, m + a] = math.sqrt(share[a]) * (means[a, i] - mean[i])
            root[i, m + k] += bias * share[a] * gains[a] * x[i]
    _factor(matrix, off, gains[best], diagonal, below)
    size = math.sqrt(gains[best] * variance[best])
    for i in range(m - 1, -1, -1):
        root[i, i] = size / diagonal[i]
        for j in range(i + 1, m):
            root[i, j] = -below[i] / diagonal[i] * root[i + 1, j]
    # back to the bumps
    sums = np.empty(root.shape[1])
    for step in range(m - 2, -1, -1):
        v = matrix[step, step + 1 :]
        sums[:] = 0.0
        total = 0.0
        for i in range(step + 1, m):
            _add(v[i - step - 1], root[i], sums)
            total += v[i - step - 1] * mean[i]
        for i in range(step + 1, m):
            _add(-v[i - step - 1], sums, root[i])
            mean[i] -= total * v[i - step - 1]


@kernel("void(f8[:,::1], f8[:,::1], f8[:,::1])")
def multiply(a, b, out):
    """Write a times b, in one thread: a small product is not worth sharing.

    Parameters
    ----------
    a, b, out : (p, q), (q, r), (p, r)
    """
    q = b.shape[0]
    for i in range(a.shape[0]):
        row = out[i]
        row[:] = 0.0
        k = np.int64(0)  # a literal 0 would compile what is called twice
        while k + 3 < q:
            _add_four(a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3], b, k, row)
            k += 4
        while k < q:
            _add(a[i, k], b[k], row)
            k += 1
