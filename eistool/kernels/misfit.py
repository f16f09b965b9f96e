"""Covariance of a fit whose circuit is a little wrong: noise, misfit and the steps that misfit would cause.

Weighted residuals are r = JΔ + Φc + ε with ε ~ N(0, σ²), c ~ N(0, a²) and a prior on the steps Δ. Each shape
of misfit Φ is turned by an orthogonal Q so that QᵀΦᵀΦQ = T is tridiagonal: whatever ρ = a/σ is, the
posterior then follows from forward substitutions in the factors of 1/ρ² + T.

Shapes: n residuals (two for each point), p parameters, q quantities to which the misfit adds, s shapes of misfit
with m columns in all, b blocks of columns without products across, g values of ρ. A model is a shape with a ρ;
the first of 1 + s g is no misfit.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part
from eistool.kernels.least_squares import dot

NEGLIGIBLE = 1e-40  # probability of a model that changes no moment visibly
AT_ONCE = 4  # rows that share the loads of a factor
MOST = 300.0  # of |ln| that still has an exponential


@part(fast=True)
def _subtract(row, factor, to):
    """Subtract a multiple of a row from another."""
    for i in range(row.size):
        to[i] -= factor * row[i]


@part(sums=True)
def _dot_four(row, one, two, three, four):
    """Return the inner products of a row with four others."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for i in range(row.size):
        a += row[i] * one[i]
        b += row[i] * two[i]
        c += row[i] * three[i]
        d += row[i] * four[i]
    return a, b, c, d


@part()
def _padded(n):
    """Return the next multiple of the rows that are treated at once."""
    return (n + AT_ONCE - 1) // AT_ONCE * AT_ONCE


@kernel("void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1])")
def tridiagonalise(rows, reflectors, diagonal, beside):
    """Find an orthogonal Q for which the products of the columns of a block are tridiagonal (Householder).

    Parameters
    ----------
    rows : float64, shape (m, n)
        Φᵀ.
    reflectors : float64, shape (m, w)
        Written: in row k, from k + 1 on, the v of Q = Π (1 - v vᵀ); w is m or more.
    diagonal, beside : float64, shape (m,)
        Written: T[i, i] and T[i, i - 1], the first of which is 0.
    """
    m = rows.shape[0]
    gram = np.empty((m, m))
    for i in range(m):
        for j in range(i + 1):
            gram[i, j] = dot(rows[i], rows[j])
            gram[j, i] = gram[i, j]
    reflectors[:] = 0.0
    image = np.empty(m)
    for k in range(m - 2):
        size = math.sqrt(dot(gram[k, k + 1 :], gram[k, k + 1 :]))
        if size == 0.0:
            continue
        v, w = reflectors[k, k + 1 : m], image[k + 1 :]
        for i in range(v.size):
            v[i] = gram[k, k + 1 + i]
        v[0] += math.copysign(size, v[0])
        scale = math.sqrt(2.0 / dot(v, v))
        for i in range(v.size):
            v[i] *= scale
        for i in range(v.size):
            w[i] = dot(gram[k + 1 + i, k + 1 :], v)
        _subtract(v, 0.5 * dot(v, w), w)
        for i in range(v.size):
            _subtract(w, v[i], gram[k + 1 + i, k + 1 :])
            _subtract(v, w[i], gram[k + 1 + i, k + 1 :])
        gram[k, k + 1] = -math.copysign(size, gram[k, k + 1])
    for k in range(m):
        diagonal[k] = gram[k, k]
        beside[k] = gram[k - 1, k] if k else 0.0


@kernel("void(float64[:, ::1], float64[:, ::1], int64[::1], float64[:, ::1], float64[:, ::1])")
def project(vectors, rows, blocks, reflectors, products):
    """Write the products of vectors with the turned columns.

    Parameters
    ----------
    vectors : float64, shape (v, n)
    rows : float64, shape (m, n)
        A row for each column.
    blocks : int64, shape (b + 1,)
        First row of each block, and m.
    reflectors : float64, shape (m, w)
        Of each block, from :func:`tridiagonalise`.
    products : float64, shape (m, v)
        Written: Qᵀ rows vectorsᵀ.
    """
    padded = np.zeros((_padded(vectors.shape[0]), vectors.shape[1]))
    for a in range(vectors.shape[0]):
        for i in range(vectors.shape[1]):
            padded[a, i] = vectors[a, i]
    turned = np.empty((padded.shape[0], rows.shape[0]))
    for a in range(0, padded.shape[0], AT_ONCE):
        one, two, three, four = padded[a], padded[a + 1], padded[a + 2], padded[a + 3]
        for i in range(rows.shape[0]):
            turned[a, i], turned[a + 1, i], turned[a + 2, i], turned[a + 3, i] = _dot_four(
                rows[i], one, two, three, four
            )
        for block in range(blocks.size - 1):
            start, stop = blocks[block], blocks[block + 1]
            for k in range(start, stop - 2):
                v = reflectors[k, k + 1 - start : stop - start]
                shares = _dot_four(
                    v, turned[a, k + 1 : stop], turned[a + 1, k + 1 : stop], turned[a + 2, k + 1 : stop],
                    turned[a + 3, k + 1 : stop],
                )  # fmt: skip
                for b in range(AT_ONCE):
                    _subtract(v, shares[b], turned[a + b, k + 1 : stop])
    for i in range(products.shape[0]):
        for a in range(products.shape[1]):
            products[i, a] = turned[a, i]


@part()
def _leave(seen, gram, diagonal, beside, start, stop, ratio, forward, left):
    """Write the products that a misfit does not explain; return half the logarithm of its determinant."""
    r = gram.shape[0]
    before = np.zeros(r)
    previous, product, logarithms = 1.0, 1.0, 0.0
    for i in range(start, stop):
        coupling = beside[i] / math.sqrt(previous)
        previous = 1.0 / ratio + diagonal[i] - coupling * coupling
        root = 1.0 / math.sqrt(previous)
        for a in range(r):
            before[a] = (seen[i, a] - coupling * before[a]) * root
            forward[a, i - start] = before[a]
        product *= ratio * previous
        if i % 8 == 7:  # logarithms are slow
            logarithms += math.log(product)
            product = 1.0
    size = stop - start
    for a in range(r):
        row = forward[a, :size]
        for b in range(0, a + 1, AT_ONCE):
            one, two, three, four = _dot_four(
                row, forward[b, :size], forward[b + 1, :size], forward[b + 2, :size], forward[b + 3, :size]
            )
            left[a, b], left[a, b + 1], left[a, b + 2], left[a, b + 3] = one, two, three, four
        for b in range(a + 1):
            left[a, b] = gram[a, b] - left[a, b]
    return 0.5 * (logarithms + math.log(product))


@part()
def _columns_of(model, first, rho):
    """Return where the columns of a model begin and end, and ρ²; no misfit has none."""
    if model == 0:
        return 0, 0, 1.0
    s = (model - 1) // rho.size
    return first[s], first[s + 1], rho[(model - 1) % rho.size] ** 2


@part()
def _factorise(left, p, lower):
    """Write the Cholesky factor L of 1 + the products of the steps, and L⁻¹ times what stands in other rows.

    Return the sum of the factor's logarithms.
    """
    logarithms = 0.0
    for i in range(lower.shape[0]):
        for j in range(min(i + 1, p)):
            total = left[i, j] - dot(lower[i, :j], lower[j, :j])
            # the matrix is 1 or more, but for rounding where an eigenvalue is 1e16
            lower[i, j] = math.sqrt(max(total + 1.0, 1e-12)) if i == j else total / lower[j, j]
        if i < p:
            logarithms += math.log(lower[i, i])
    return logarithms


@kernel("void(float64[:], float64[:], float64[:], float64[::1], float64[::1], float64, float64[:, ::1])")
def skew(R, tau, alpha, log_omega, weight, size, columns):
    """Write the derivatives of arcs R/(1 + (jωτ)^α)^β by ln β at β = 1, weighted, times a size.

    Parameters
    ----------
    R, tau, alpha : float64, shape (k,)
    log_omega : float64, shape (n / 2,)
    weight : float64, shape (n,)
        Of the real, then of the imaginary parts.
    columns : float64, shape (k, n)
        Written.
    """
    n = log_omega.size
    for k in range(R.size):
        log_tau, angle = math.log(max(tau[k], 1e-300)), 0.5 * math.pi * alpha[k]
        cos, sin = math.cos(angle), math.sin(angle)
        for i in range(n):
            power = math.exp(min(max(alpha[k] * (log_omega[i] + log_tau), -MOST), MOST))
            real, imag = 1.0 + power * cos, power * sin
            square = real * real + imag * imag
            logarithm, phase = 0.5 * math.log(square), math.atan2(imag, real)
            factor = -size * R[k] / square
            columns[k, i] = factor * (logarithm * real + phase * imag) * weight[i]
            columns[k, n + i] = factor * (phase * real - logarithm * imag) * weight[n + i]


@kernel(
    "Tuple((float64, float64, float64, float64))(float64[:, ::1], float64[:, ::1], int64[::1], float64[::1],"
    " float64[::1], float64[::1], float64[::1], float64, float64, float64[:, ::1], float64[::1], float64[::1])"
)
def weigh(data, seen, first, diagonal, beside, chances, rho, scale, least, gram, share, sigma):
    """Weigh all models; return log evidence, probability of no misfit, mean a and mean σ.

    Parameters
    ----------
    data : float64, shape (p + 1, n)
        Weighted derivatives by the steps, each in units of its prior by that of the residual, then the weighted
        residual, of the order of 1 for a deviation of |Z|.
    seen : float64, shape (m, p + 1)
        QᵀΦᵀ times the data, from :func:`project`.
    first : int64, shape (s + 1,)
        First row of each shape, and m.
    diagonal, beside : float64, shape (m,)
        T of all blocks.
    chances : float64, shape (s,)
        Prior probability of each shape; of none, what is left to 1.
    rho : float64, shape (g,)
        Amplitudes a/σ, a factor of 2 apart.
    scale : float64
        Of the half-Cauchy prior of a.
    least : float64
        Variance that σ² is never below: of the measured noise, or next to nothing.
    gram : float64, shape (p + 1, p + 1)
        Written: products of the data.
    share, sigma : float64, shape (1 + s g,)
        Written: probability of each model, and its σ.
    """
    p, n = data.shape[0] - 1, data.shape[1]
    free = n - p
    for a in range(p + 1):
        for b in range(a + 1):
            gram[a, b] = dot(data[a], data[b])
            gram[b, a] = gram[a, b]
    forward, left = np.zeros((_padded(p + 1), seen.shape[0])), np.empty((p + 1, _padded(p + 1)))
    lower = np.empty((p + 1, p))
    for model in range(share.size):
        start, stop, ratio = _columns_of(model, first, rho)
        log_determinant = _leave(seen, gram, diagonal, beside, start, stop, ratio, forward, left)
        log_determinant += _factorise(left, p, lower)
        rest = max(left[p, p] - dot(lower[p], lower[p]), 0.0)
        squared = max(rest / free, least)
        sigma[model] = math.sqrt(squared)
        chance = 1.0 - chances.sum()
        if model:
            relative = math.sqrt(ratio * squared) / scale
            cauchy = 2.0 / math.pi * math.log(2.0) * relative / (1.0 + relative * relative)
            chance = chances[(model - 1) // rho.size] * cauchy
        share[model] = math.log(chance) - 0.5 * n * math.log(squared) - 0.5 * rest / squared - log_determinant

    largest, total, amplitude, noise = share.max(), 0.0, 0.0, 0.0
    for model in range(share.size):
        share[model] = math.exp(share[model] - largest)
        total += share[model]
    for model in range(share.size):
        share[model] /= total
        noise += share[model] * sigma[model]
        if model:
            amplitude += share[model] * rho[(model - 1) % rho.size] * sigma[model]
    return largest + math.log(total), share[0], amplitude, noise


@kernel(
    "void(float64[::1], float64[:, ::1], float64[:, ::1], int64[::1], float64[::1], float64[::1], float64[::1],"
    " float64[::1], float64[::1], float64[:, ::1])"
)
def average_moments(unit, gram, seen, first, diagonal, beside, rho, share, sigma, covariance):
    """Write the second moments of the steps and of what the misfit adds to the quantities, over all models.

    Parameters
    ----------
    unit : float64, shape (p,)
        Units of the steps in the data of :func:`weigh`.
    gram : float64, shape (r, r)
        Products of the data, and 0 for the quantities; r = p + 1 + q.
    seen : float64, shape (m, r)
        As for :func:`weigh`, with the effects of the columns on the quantities, from :func:`project` too.
    first, diagonal, beside, rho, share, sigma
        Of :func:`weigh`.
    covariance : float64, shape (p + q, p + q)
        Written: of the steps, then of the quantities.
    """
    p, r = unit.size, gram.shape[0]
    q, forward = r - p - 1, np.zeros((_padded(r), seen.shape[0]))
    # the products with steps and residual, then the steps themselves, then the quantities
    left, system = np.empty((r, _padded(r))), np.zeros((p + 1 + p + q, p))
    lower = np.empty(system.shape)
    for a in range(p):
        system[p + 1 + a, a] = 1.0
    wanted, step = lower[p + 1 :], np.empty(p + q)
    covariance[:] = 0.0
    for model in range(share.size):
        if share[model] < NEGLIGIBLE:
            continue
        start, stop, ratio = _columns_of(model, first, rho)
        _leave(seen, gram, diagonal, beside, start, stop, ratio, forward, left)
        for a in range(r):
            for b in range(p):
                system[a if a <= p else p + a, b] = left[a, b]
        _factorise(system, p, lower)
        for c in range(p + q):
            size = unit[c] if c < p else 1.0
            taken = left[c + 1, p] if c >= p else 0.0
            step[c] = size * (dot(wanted[c], lower[p]) - taken)
            for d in range(c + 1):
                blind = left[c + 1, d + 1] if d >= p else 0.0
                spread = size * (unit[d] if d < p else 1.0) * (dot(wanted[c], wanted[d]) - blind)
                covariance[c, d] += share[model] * (sigma[model] ** 2 * spread + step[c] * step[d])
    for c in range(p + q):
        for d in range(c):
            covariance[d, c] = covariance[c, d]
