"""Covariance of a fit whose circuit is a little wrong: noise, misfit and the steps that misfit would cause.

Weighted residuals are r = JΔ + Φc + ε with ε ~ N(0, σ²), c ~ N(0, a²) and a prior on the steps Δ. Each shape
of misfit Φ is turned by an orthogonal Q so that QᵀΦᵀΦQ = T is tridiagonal: whatever ρ = a/σ is, the
posterior then follows from forward substitutions in the factors of 1/ρ² + T.

Shapes: n residuals (two for each point), p parameters, s shapes of misfit with m columns in all, g values of ρ.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part
from eistool.kernels.least_squares import dot


@part(fast=True)
def _subtract(row, factor, to):
    """Subtract a multiple of a row from another."""
    for i in range(row.size):
        to[i] -= factor * row[i]


@part()
def _reflect(v, factor, first, rows, through):
    """Apply 1 - factor v vᵀ to the rows from the first on."""
    through[:] = 0.0
    for i in range(first, rows.shape[0]):
        _subtract(rows[i], -factor * v[i], through)
    for i in range(first, rows.shape[0]):
        _subtract(through, v[i], rows[i])


@kernel("void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1])")
def tridiagonalise(rows, effect, diagonal, beside):
    """Turn the columns of a shape so that their products form a tridiagonal matrix (Householder).

    Parameters
    ----------
    rows : float64, shape (m, n)
        Φᵀ; QᵀΦᵀ is written here.
    effect : float64, shape (m, e)
        Effects of each column on e other quantities, H; QᵀH is written here.
    diagonal, beside : float64, shape (m,)
        Written: T[i, i] and T[i, i - 1], the first of which is 0.
    """
    m, n = rows.shape
    gram = np.empty((m, m))
    for i in range(m):
        for j in range(i + 1):
            gram[i, j] = dot(rows[i], rows[j])
            gram[j, i] = gram[i, j]
    v = np.zeros(m)
    w = np.empty(m)
    through = np.empty(max(n, effect.shape[1]))
    for k in range(m - 2):
        size = math.sqrt(dot(gram[k, k + 1 :], gram[k, k + 1 :]))
        if size == 0.0:
            continue
        for i in range(k + 1, m):
            v[i] = gram[k, i]
        v[k + 1] += math.copysign(size, v[k + 1])
        tail = v[k + 1 :]
        factor = 2.0 / dot(tail, tail)
        for i in range(k + 1, m):
            w[i] = factor * dot(gram[i, k + 1 :], tail)
        _subtract(tail, 0.5 * factor * dot(tail, w[k + 1 :]), w[k + 1 :])
        for i in range(k + 1, m):
            _subtract(w[k + 1 :], v[i], gram[i, k + 1 :])
            _subtract(tail, w[i], gram[i, k + 1 :])
        gram[k, k + 1] = -math.copysign(size, gram[k, k + 1])
        _reflect(v, factor, k + 1, rows, through[:n])
        _reflect(v, factor, k + 1, effect, through[: effect.shape[1]])
    for k in range(m):
        diagonal[k] = gram[k, k]
        beside[k] = gram[k - 1, k] if k else 0.0


@part()
def _factorise(normal, lower, inverse):
    """Write the Cholesky factor of a matrix and the inverse of the factor; return the sum of logarithms."""
    p = normal.shape[0]
    logarithms = 0.0
    for i in range(p):
        for j in range(i + 1):
            total = normal[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            # the matrix is 1 or more, but for rounding where an eigenvalue is 1e16
            lower[i, j] = math.sqrt(max(total, 1e-12)) if i == j else total / lower[j, j]
        logarithms += math.log(lower[i, i])
    for j in range(p):
        for i in range(p):
            total = 1.0 if i == j else 0.0
            for k in range(j, i):
                total -= lower[i, k] * inverse[k, j]
            inverse[i, j] = total / lower[i, i] if i >= j else 0.0
    return logarithms


@kernel(
    "Tuple((float64, float64, float64, float64))(float64[::1], float64[:, ::1], float64[::1], float64[:, ::1],"
    " float64[::1], float64[::1], float64[:, ::1], int64[::1], float64[::1], float64[::1], float64, float64,"
    " float64[:, ::1], float64[:, ::1])"
)
def assess(
    residual, jacobian, prior, rows, diagonal, beside, effect, first, chances, rho, scale, least,
    covariance, noise_covariance,
):  # fmt: skip
    """Write the covariance of the steps; return log evidence, probability of no misfit, mean a and mean σ.

    Parameters
    ----------
    residual : float64, shape (n,)
        Weighted, of the order of 1 for a deviation of |Z|.
    jacobian : float64, shape (p, n)
        Weighted derivatives by the steps.
    prior : float64, shape (p,)
        Standard deviations of the steps.
    rows : float64, shape (m, n)
        QᵀΦᵀ, shape after shape, from :func:`tridiagonalise`.
    diagonal, beside : float64, shape (m,)
        T of each shape.
    effect : float64, shape (q, m)
        HᵀQ for q quantities to which the misfit adds.
    first : int64, shape (s + 1,)
        First row of each shape, and m.
    chances : float64, shape (s,)
        Prior probability of each shape; of none, what is left to 1.
    rho : float64, shape (g,)
        Amplitudes a/σ, a factor of 2 apart.
    scale : float64
        Of the half-Cauchy prior of a.
    least : float64
        Variance that σ² is never below: of the measured noise, or next to nothing.
    covariance : float64, shape (p + q, p + q)
        Written: of the steps, then of what the misfit adds to the quantities.
    noise_covariance : float64, shape (p, p)
        Written: of the steps if the circuit were exact.
    """
    p, n = jacobian.shape
    q, m = effect.shape
    n_rho, n_shapes = rho.size, first.size - 1
    free = n - p
    # the steps in units of their priors, then the quantities, then the residual
    unit = np.ones(p + q)
    energy = dot(residual, residual)
    variance = max(energy / free, least)
    seen = np.empty((p + q + 1, m))
    for a in range(p):
        unit[a] = prior[a] / math.sqrt(variance)
        for i in range(m):
            seen[a, i] = unit[a] * dot(rows[i], jacobian[a])
    for a in range(q):
        for i in range(m):
            seen[p + a, i] = effect[a, i]
    for i in range(m):
        seen[p + q, i] = dot(rows[i], residual)
    gram = np.zeros((p + q + 1, p + q + 1))
    for a in range(p):
        gram[p + q, a] = unit[a] * dot(residual, jacobian[a])
        for b in range(a + 1):
            gram[a, b] = unit[a] * unit[b] * dot(jacobian[a], jacobian[b])
    gram[p + q, p + q] = energy

    n_models = 1 + n_shapes * n_rho
    log_exact = math.log(1.0 - chances.sum())
    log_weight = np.empty(n_models)
    sigma = np.empty(n_models)
    moments = np.empty((n_models, p + q, p + q))  # second moments
    forward = np.empty((p + q + 1, m))
    left = np.empty((p + q + 1, p + q + 1))  # what the misfit does not take
    normal = np.empty((p, p))
    lower = np.empty((p, p))
    inverse = np.empty((p, p))
    pulled = np.empty((p + q + 1, p))
    step = np.empty(p + q)
    for model in range(n_models):
        start, stop, ratio, log_prior, log_determinant = 0, 0, 0.0, log_exact, 0.0
        if model:
            s = (model - 1) // n_rho
            start, stop, ratio = first[s], first[s + 1], rho[(model - 1) % n_rho] ** 2
        previous, coupling = 1.0, 0.0
        for i in range(start, stop):
            coupling = beside[i] / math.sqrt(previous) if i > start else 0.0
            previous = 1.0 / ratio + diagonal[i] - coupling * coupling
            log_determinant += 0.5 * math.log(ratio * previous)
            root = 1.0 / math.sqrt(previous)
            for a in range(p + q + 1):
                before = forward[a, i - 1] if i > start else 0.0
                forward[a, i] = (seen[a, i] - coupling * before) * root
        for a in range(p + q + 1):
            for b in range(a + 1):
                left[a, b] = gram[a, b] - dot(forward[a, start:stop], forward[b, start:stop])
        for a in range(p):
            for b in range(a + 1):
                normal[a, b] = left[a, b]
            normal[a, a] += 1.0
        log_determinant += _factorise(normal, lower, inverse)
        # of steps, quantities and residual in terms of the steps' independent parts
        for a in range(p):
            for k in range(p):
                pulled[a, k] = inverse[k, a]
        for a in range(p, p + q + 1):
            for k in range(p):
                pulled[a, k] = dot(inverse[k, : k + 1], left[a, : k + 1])
        explained = dot(pulled[p + q], pulled[p + q])
        rest = max(left[p + q, p + q] - explained, 0.0)
        squared = max(rest / free, least)
        log_likelihood = -0.5 * n * math.log(squared) - 0.5 * rest / squared
        sigma[model] = math.sqrt(squared)
        if model:
            relative = math.sqrt(ratio * squared) / scale
            cauchy = 2.0 / math.pi * math.log(2.0) * relative / (1.0 + relative * relative)
            log_prior = math.log(chances[s] * cauchy)
        log_weight[model] = log_prior + log_likelihood - log_determinant

        moment = moments[model]
        for a in range(p + q):
            for b in range(a + 1):
                blind = left[a, b] if b >= p else 0.0
                moment[a, b] = squared * unit[a] * unit[b] * (dot(pulled[a], pulled[b]) - blind)
        if model == 0:
            for a in range(p):
                for b in range(a + 1):
                    noise_covariance[a, b] = moment[a, b]
                    noise_covariance[b, a] = moment[a, b]
        for a in range(p + q):
            taken = left[p + q, a] if a >= p else 0.0
            step[a] = unit[a] * (dot(pulled[a], pulled[p + q]) - taken)
            for b in range(a + 1):
                moment[a, b] += step[a] * step[b]

    largest = log_weight.max()
    total = 0.0
    for model in range(n_models):
        total += math.exp(log_weight[model] - largest)
    amplitude = 0.0
    noise = 0.0
    covariance[:] = 0.0
    for model in range(n_models):
        share = math.exp(log_weight[model] - largest) / total
        noise += share * sigma[model]
        if model:
            amplitude += share * rho[(model - 1) % n_rho] * sigma[model]
        for a in range(p + q):
            for b in range(a + 1):
                covariance[a, b] += share * moments[model, a, b]
    for a in range(p + q):
        for b in range(a):
            covariance[b, a] = covariance[a, b]
    return largest + math.log(total), math.exp(log_weight[0] - largest) / total, amplitude, noise
