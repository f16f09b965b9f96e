"""Distribution of relaxation times: log-Gaussian process with a sum of elements as its mean.

All quantities are dimensionless: frequencies and impedances are divided by typical values. Data are real:
the real parts of all points, followed by the imaginary parts. γ = exp(f) on a comb of ln τ with step h.

Shapes: n points of the comb, e additional columns, q = n + e, m data (two per point), p element parameters.
"""

import math

import numpy as np

from eistool.kernels.elementary import atan, exp, log, sincos
from eistool.kernels.jit import kernel, part

# elements; the first two parameters are ln R and ln τ (of a CPE: ln of its magnitude, and its exponent)
RC, ZARC, HN, GERISCHER, LOG_NORMAL, CONSTANT, CPE = 0, 1, 2, 3, 4, 5, 6
MAX_STEP = 2.0  # in ln γ per Gauss-Newton step: exp(2) keeps the linearisation of γ within an order of magnitude
MIN_GAIN = 0.05  # in log evidence: iteration stops below it; models are compared at differences of order 1
# fit_elements stops after PATIENCE steps if OUTLOOK further steps like the last would miss the goal
PATIENCE, OUTLOOK = 3, 3
# trapezoidal rule over ±4.8 standard deviations; the truncated tails hold 1.6e-6 of the area
_NODES = 0.3 * np.arange(-16, 17)
_NODE_WEIGHTS = 0.3 / math.sqrt(2.0 * math.pi) * np.exp(-0.5 * _NODES**2)
# indices into the state of the process
PRECISION, VARIANCE, CHI2, EDF, EVIDENCE, STEPS, PENALTY = 0, 1, 2, 3, 4, 5, 6


@part(sums=True)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@part(sums=True)
def _dots(a, b, c, d):
    """Return the inner products of two rows with two others: half the loads of single ones."""
    ac, ad, bc, bd = 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        ac += a[i] * c[i]
        ad += a[i] * d[i]
        bc += b[i] * c[i]
        bd += b[i] * d[i]
    return ac, ad, bc, bd


@part()
def _multiply(left, right, first, out):
    """Compute the symmetric inner products of rows of two arrays, from row ``first`` on."""
    n = left.shape[0]
    for a in range(first, n, 2):
        b = min(a + 1, n - 1)
        for c in range(0, b + 1, 2):
            d = min(c + 1, n - 1)
            ac, ad, bc, bd = _dots(left[a], left[b], right[c], right[d])
            out[a, c], out[c, a] = ac, ac
            out[a, d], out[d, a] = ad, ad
            out[b, c], out[c, b] = bc, bc
            out[b, d], out[d, b] = bd, bd


@part(fast=True)
def _subtract(row, factor, other, start, stop):
    for i in range(start, stop):
        row[i] -= factor * other[i]


@part(fast=True)
def _subtract_four(target, i, factors, source, k, start, stop):
    """Subtract four rows, multiplied by the factors in rows k to k + 3 of column i, from row i."""
    a, b, c, d = factors[k, i], factors[k + 1, i], factors[k + 2, i], factors[k + 3, i]
    for j in range(start, stop):
        target[i, j] -= a * source[k, j] + b * source[k + 1, j] + c * source[k + 2, j] + d * source[k + 3, j]


@part(fast=True)
def _subtract_four_times_four(target, i, factors, source, k, start, stop):
    """As above from rows i to i + 3, so that the four rows are read once."""
    a, b, c, d = factors[k, i], factors[k + 1, i], factors[k + 2, i], factors[k + 3, i]
    e, f, g, h = factors[k, i + 1], factors[k + 1, i + 1], factors[k + 2, i + 1], factors[k + 3, i + 1]
    p, q, r, s = factors[k, i + 2], factors[k + 1, i + 2], factors[k + 2, i + 2], factors[k + 3, i + 2]
    t, u, v, w = factors[k, i + 3], factors[k + 1, i + 3], factors[k + 2, i + 3], factors[k + 3, i + 3]
    for j in range(start, stop):
        z0, z1, z2, z3 = source[k, j], source[k + 1, j], source[k + 2, j], source[k + 3, j]
        y0 = target[i, j] - (a * z0 + b * z1 + c * z2 + d * z3)
        y1 = target[i + 1, j] - (e * z0 + f * z1 + g * z2 + h * z3)
        y2 = target[i + 2, j] - (p * z0 + q * z1 + r * z2 + s * z3)
        y3 = target[i + 3, j] - (t * z0 + u * z1 + v * z2 + w * z3)
        target[i, j], target[i + 1, j], target[i + 2, j], target[i + 3, j] = y0, y1, y2, y3


@part()
def _factor(matrix, n):
    """Cholesky-factorise a matrix as UᵀU in its upper triangle; return False if it is not positive definite."""
    k = np.int64(0)  # a literal 0 would compile the callees a second time
    while k < n:
        # four rows at a time, so that the remaining rows are read and written once per four
        end = min(k + 4, n)
        for j in range(k, end):
            pivot = matrix[j, j]
            if not pivot > 0.0:
                return False
            root = 1.0 / math.sqrt(pivot)
            for i in range(j, n):
                matrix[j, i] *= root
            for i in range(j + 1, end):
                factor = matrix[j, i]
                for c in range(i, n):
                    matrix[i, c] -= factor * matrix[j, c]
        i = end
        while i + 4 <= n:
            _subtract_four_times_four(matrix, i, matrix, matrix, k, i, n)
            i += 4
        while i < n:
            _subtract_four(matrix, i, matrix, matrix, k, i, n)
            i += 1
        k = end
    return True


@part()
def _solve(matrix, x, n):
    """Solve UᵀU x = b in place."""
    for k in range(n):
        x[k] /= matrix[k, k]
        for i in range(k + 1, n):
            x[i] -= x[k] * matrix[k, i]
    for k in range(n - 1, -1, -1):
        x[k] = (x[k] - _dot(matrix[k, k + 1 : n], x[k + 1 : n])) / matrix[k, k]


@part()
def _invert(matrix, inverse, n):
    """Write W = U⁻ᵀ into the lower triangle of ``inverse``, by rows; WᵀW is the inverse of the matrix."""
    for i in range(n):
        for k in range(n):
            inverse[i, k] = 0.0
        inverse[i, i] = 1.0
    k = np.int64(0)  # a literal 0 would compile the callees a second time
    while k < n:
        end = min(k + 4, n)
        for j in range(k, end):
            scale = 1.0 / matrix[j, j]
            for i in range(j + 1):
                inverse[j, i] *= scale
            for i in range(j + 1, end):
                factor = matrix[j, i]
                for c in range(j + 1):
                    inverse[i, c] -= factor * inverse[j, c]
        i = end
        while i + 4 <= n:
            _subtract_four_times_four(inverse, i, matrix, inverse, k, 0, end)
            i += 4
        while i < n:
            _subtract_four(inverse, i, matrix, inverse, k, 0, end)
            i += 1
        k = end


@kernel("void(float64[:, ::1], float64[::1], int64, float64[:, ::1])")
def gram(rows, weight, first, out):
    """Compute weighted inner products of pairs of rows, from row ``first`` on.

    Parameters
    ----------
    rows : float64, shape (q, m)
        Columns of the linear model.
    weight : float64, shape (m,)
        Weights of the data.
    first : int
        First row to compute; products of earlier rows are kept.
    out : float64, shape (q, q)
        Symmetric.
    """
    scaled = np.empty(rows.shape)
    for a in range(first, rows.shape[0]):
        for i in range(weight.size):
            scaled[a, i] = rows[a, i] * weight[i]
    _multiply(scaled, rows, first, out)


@part()
def _log_determinant(penalty, n, band):
    """Return ln det of a symmetric pentadiagonal matrix given by its three diagonals."""
    total = 0.0
    for i in range(n):
        # LDLᵀ: band[0] holds D, band[1] and band[2] the two lower diagonals of L
        d = penalty[0, i]
        if i >= 1:
            b1 = penalty[1, i - 1]
            if i >= 2:
                b1 -= band[2, i - 2] * band[1, i - 2] * band[0, i - 2]
                d -= band[2, i - 2] ** 2 * band[0, i - 2]
            band[1, i - 1] = b1 / band[0, i - 1]
            d -= band[1, i - 1] ** 2 * band[0, i - 1]
        if i + 2 < n:
            band[2, i] = penalty[2, i] / d
        band[0, i] = d
        total += math.log(d)
    return total


@part()
def _roughness(f, mean, i, n, c):
    """Return v[i-1] - c v[i] + v[i+1] for v = f - mean, with edge values repeated."""
    left, right = max(i - 1, 0), min(i + 1, n - 1)
    return f[left] - mean[left] - c * (f[i] - mean[i]) + f[right] - mean[right]


@part(fast=True)
def _subtract_four_rows(row, factors, rows, k):
    a, b, c, d = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
    e, f, g, h = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
    for i in range(row.size):
        row[i] -= a * e[i] + b * f[i] + c * g[i] + d * h[i]


@part()
def _subtract_rows(row, factors, rows):
    a = np.int64(0)  # a literal 0 would compile the callees a second time
    while a + 4 <= factors.size:
        _subtract_four_rows(row, factors, rows, a)
        a += 4
    while a < factors.size:
        _subtract(row, factors[a], rows[a], 0, row.size)
        a += 1


@part()
def _predict(rows, x, y, residual):
    for i in range(y.size):
        residual[i] = y[i]
    _subtract_rows(residual, x, rows)


@part(sums=True)
def _chi2(residual, weight):
    total = 0.0
    for i in range(weight.size):
        total += residual[i] * residual[i] * weight[i]
    return total


@part()
def _deviance(f, mean, slope, slope_weight, level, curvature, local, n):
    """Return the quadratic forms of the prior: roughness (without its precision), and the fixed terms."""
    rough = 0.0
    fixed = 0.0
    for i in range(n):
        if local[i] > 0.0:
            u = _roughness(f, mean, i, n, curvature)
            rough += local[i] * u * u
        fixed += level[0, i] * (f[i] - level[1, i]) ** 2
        if i < n - 1:
            fixed += slope_weight[i] * (f[i + 1] - f[i] - slope[i]) ** 2
    return rough, fixed


@part(sums=True)
def _quadratic_form(row, diagonals, stop):
    """Return the first part of xᵀPx for a pentadiagonal matrix: terms that begin before ``stop``."""
    total = 0.0
    for i in range(stop):
        pair = row[i + 1] * diagonals[1, i] + row[i + 2] * diagonals[2, i]
        total += row[i] * (row[i] * diagonals[0, i] + 2.0 * pair)
    return total


@part()
def _traces(factor, root, penalty, rough_penalty, n, q):
    """Compute W; return the effective number of parameters, q - tr(H⁻¹P), and tr(H⁻¹S) of the roughness."""
    _invert(factor, root, q)
    row = np.zeros(q + 2)  # the diagonals are 0 where they would end
    trace = 0.0
    trace_rough = 0.0
    for k in range(q):
        for i in range(q):
            row[i] = root[k, i]
        trace += _quadratic_form(row, penalty, min(k + 1, n))
        trace_rough += _quadratic_form(row, rough_penalty, min(k + 1, n))
    return q - trace, trace_rough


@kernel(
    "float64(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64[::1], float64[::1],"
    "float64[::1], float64[:, ::1], float64, float64, float64[::1], float64, float64, boolean, int64,"
    "float64[::1], float64[::1], float64[::1], float64[:, ::1], float64[:, ::1], float64[::1])"
)
def log_process(
    rows, products, weight, y, mean, slope, slope_weight, level, curvature, freedom, local,
    most, least_variance, adapt, steps, f, extra, state, root, scratch, residual,
):  # fmt: skip
    """Maximise the posterior of ln γ and estimate prior precision and noise; return the log evidence.

    Gauss-Newton steps alternate with Fellner-Schall updates [1]_ of the precision of the prior and the
    variance of the noise.

    Parameters
    ----------
    rows : float64, shape (q, m)
        Impedance per unit of γ on the comb, then of the additional columns.
    products : float64, shape (q, q)
        From :func:`gram`.
    weight, y : float64, shape (m,)
        Inverse squares of the relative noise, and the data.
    mean : float64, shape (n,)
        Prior mean of ln γ in the roughness term.
    slope, slope_weight : float64, shape (n,)
        Prior mean and precision of the difference to the next value.
    level : float64, shape (2, n)
        Precision and prior mean of each value.
    curvature : float64
        2; larger values pull the deviation from the mean towards 0.
    freedom : float64
        Degrees of freedom of the t distribution of the roughness; 0 for a normal distribution.
    local : float64, shape (n,)
        Relative precision of each roughness value; updated if ``freedom`` is positive. 0 at both ends of
        concatenated quantities, to decouple them.
    most, least_variance : float64
        Upper limit of the precision, lower limit of the variance.
    adapt : bool
        Whether to estimate precision and variance; if False, those of ``state`` are kept.
    steps : int
        Maximum number of steps.
    f, extra : float64, shape (n,), (e,)
        Start and result.
    state : float64, shape (7,)
        PRECISION and VARIANCE (start and result), followed by the output in the order of the indices.
    root : float64, shape (q, q)
        Output: W with WᵀW = covariance of (f, extra).
    scratch : float64, shape (q, q)
        Work space.
    residual : float64, shape (m,)
        Output: data minus model.

    References
    ----------
    .. [1] S. N. Wood, M. Fasiolo, Biometrics 73 (2017) 1071, doi:10.1111/biom.12666
    """
    n = f.size
    q = rows.shape[0]
    m = y.size
    x = np.empty(q)
    step = np.empty(q)
    weighted = np.empty(m)
    penalty = np.empty((3, n))
    rough_penalty = np.empty((3, n))
    band = np.zeros((3, n))
    trial = np.empty(n)
    c = curvature
    n_rough = 0
    for i in range(n):
        if local[i] > 0.0:
            n_rough += 1
    log_det = 0.0
    settled = 0
    done = 0
    for i in range(n):
        x[i] = exp(f[i])
    for i in range(n, q):
        x[i] = extra[i - n]
    _predict(rows, x, y, residual)
    for iteration in range(steps + 1):
        last = iteration == steps or settled >= 1
        precision, variance = state[0], state[1]
        for i in range(m):
            weighted[i] = residual[i] * weight[i]
        chi2 = _dot(weighted, residual)
        if last and not adapt:
            return 0.0
        # three diagonals of the prior's precision, and its gradient
        if freedom > 0.0:
            for i in range(n):
                if local[i] > 0.0:
                    u = _roughness(f, mean, i, n, c)
                    local[i] = (freedom + 1.0) / (freedom + precision * u * u)
        for k in range(3):
            for i in range(n):
                rough_penalty[k, i] = 0.0
        for i in range(n):
            step[i] = x[i] * _dot(rows[i], weighted) / variance - level[0, i] * (f[i] - level[1, i])
        for i in range(n, q):
            step[i] = _dot(rows[i], weighted) / variance
        for i in range(n):
            if local[i] > 0.0:
                u = _roughness(f, mean, i, n, c)
                left = 1.0 if i > 0 else 0.0
                right = 1.0 if i < n - 1 else 0.0
                centre = -c + (1.0 - left) + (1.0 - right)
                w = local[i]
                rough_penalty[0, i] += w * centre * centre
                step[i] -= precision * w * centre * u
                if i > 0:
                    rough_penalty[0, i - 1] += w
                    rough_penalty[1, i - 1] += w * centre
                    step[i - 1] -= precision * w * u
                if i < n - 1:
                    rough_penalty[0, i + 1] += w
                    rough_penalty[1, i] += w * centre
                    step[i + 1] -= precision * w * u
                if i > 0 and i < n - 1:
                    rough_penalty[2, i - 1] += w
        for i in range(n):
            for k in range(3):
                penalty[k, i] = precision * rough_penalty[k, i]
            penalty[0, i] += level[0, i]
        for i in range(n - 1):
            w = slope_weight[i]
            d = w * (f[i + 1] - f[i] - slope[i])
            penalty[0, i] += w
            penalty[0, i + 1] += w
            penalty[1, i] -= w
            step[i] += d
            step[i + 1] -= d
        for i in range(n, q):
            x[i] = 1.0
        for i in range(q):
            # x holds γ, the derivatives of the model with respect to the unknowns
            gi = x[i] / variance
            for k in range(i, q):
                scratch[i, k] = gi * x[k] * products[i, k]
        for i in range(n):
            scratch[i, i] += penalty[0, i]
            if i + 1 < n:
                scratch[i, i + 1] += penalty[1, i]
            if i + 2 < n:
                scratch[i, i + 2] += penalty[2, i]
        for i in range(n, q):
            scratch[i, i] *= 1.0 + 1e-12
        if not _factor(scratch, q):
            return -np.inf
        log_det = 0.0
        for i in range(q):
            log_det += 2.0 * math.log(scratch[i, i])
        rough, fixed = _deviance(f, mean, slope, slope_weight, level, c, local, n)
        change = 0.0
        value = chi2
        if last:
            state[2] = chi2
            state[6] = 0.5 * (precision * rough + fixed)
        else:
            done += 1
            _solve(scratch, step, q)
            largest = 0.0
            for i in range(n):
                largest = max(largest, abs(step[i]))
            scale = min(1.0, MAX_STEP / largest) if largest > 0.0 else 1.0
            before = 0.5 * chi2 / variance + 0.5 * (precision * rough + fixed)
            for _ in range(6):
                for i in range(n):
                    trial[i] = f[i] + scale * step[i]
                    x[i] = exp(trial[i])
                for i in range(n, q):
                    x[i] = extra[i - n] + scale * step[i]
                _predict(rows, x, y, residual)
                value = _chi2(residual, weight)
                rough, fixed = _deviance(trial, mean, slope, slope_weight, level, c, local, n)
                if 0.5 * value / variance + 0.5 * (precision * rough + fixed) <= before + 1e-6 * abs(before):
                    break
                scale *= 0.4
            change = scale * largest
            for i in range(n):
                f[i] = trial[i]
            for i in range(n, q):
                extra[i - n] = x[i]
        ready = change < 0.05
        if adapt and change < 1.5:
            edf, trace_rough = _traces(scratch, root, penalty, rough_penalty, n, q)
            if last:
                state[3] = edf
                break
            new_variance = max(value / max(m - edf, 0.1 * m), least_variance)
            ratio = (n_rough - precision * trace_rough) / max(precision * rough, 1e-12)
            ratio = min(max(ratio, 0.1), 10.0)
            new_precision = min(max(precision * ratio, 1e-3), most)
            # change of the log evidence in this step; half the difference is its slope with respect to ln λ
            slope_of_evidence = 0.5 * (n_rough - precision * (trace_rough + rough))
            gain = abs(slope_of_evidence * math.log(new_precision / precision))
            ready = ready and gain < MIN_GAIN and abs(math.log(new_variance / variance)) < 0.1
            state[0] = new_precision
            state[1] = new_variance
        elif adapt:
            ready = False
        settled = settled + 1 if ready else 0
    # Laplace approximation; the additional columns have a unit-information prior
    _log_prior = _log_determinant(penalty, n, band)
    e = q - n
    for i in range(e):
        for k in range(i, e):
            scratch[i, k] = products[n + i, n + k] / state[1]
        scratch[i, i] *= 1.0 + 1e-12
    further = 0.0
    if _factor(scratch, e):
        for i in range(e):
            further += 2.0 * math.log(scratch[i, i])
    weights = 0.0
    for i in range(m):
        if weight[i] > 0.0:
            weights += 0.5 * math.log(weight[i] / state[1])
    state[4] = (
        weights - 0.5 * state[2] / state[1] - state[6] + 0.5 * _log_prior - 0.5 * log_det
        + 0.5 * further - 0.5 * e * math.log(float(m))
    )  # fmt: skip
    state[5] = done
    return state[4]


@part()
def _count(code):
    if code == HN:
        return 4
    return 3 if code in (ZARC, LOG_NORMAL, CONSTANT) else 2


@part(fast=True)
def _add_arc(size, log_tau, exponent, log_x, z_re, z_im, re, im, tau_re, tau_im, phi_re, phi_im):
    """Add R/(1 + (jωτ)^φ) to Z and compute its derivatives."""
    c, s = math.cos(0.5 * math.pi * exponent), math.sin(0.5 * math.pi * exponent)
    for k in range(log_x.size):
        log_q = log_x[k] + log_tau
        r = exp(exponent * log_q)
        a, b = 1.0 + r * c, r * s
        d = 1.0 / (a * a + b * b)
        x, y = size * a * d, -size * b * d
        z_re[k] += x
        z_im[k] += y
        re[k] = x
        im[k] = y
        # derivative with respect to ln q: -Z q/(1+q), q/(1+q) = 1 - 1/(1+q)
        q_re, q_im = 1.0 - a * d, b * d
        d_re, d_im = y * q_im - x * q_re, -x * q_im - y * q_re
        tau_re[k] = exponent * d_re
        tau_im[k] = exponent * d_im
        phi_re[k] = d_re * log_q - d_im * 0.5 * math.pi
        phi_im[k] = d_im * log_q + d_re * 0.5 * math.pi


@part(fast=True)
def _add_havriliak_negami(
    size, log_tau, phi, psi, log_x, z_re, z_im, re, im, tau_re, tau_im, phi_re, phi_im, psi_re, psi_im
):  # fmt: skip
    """Add R/(1 + (jωτ)^φ)^ψ to Z and compute its derivatives."""
    c, s = math.cos(0.5 * math.pi * phi), math.sin(0.5 * math.pi * phi)
    for k in range(log_x.size):
        log_q = log_x[k] + log_tau
        r = exp(phi * log_q)
        a, b = 1.0 + r * c, r * s
        square = a * a + b * b
        log_1q, angle = 0.5 * log(square), atan(b / a)
        sine, cosine = sincos(psi * angle)
        modulus = size * exp(-psi * log_1q)
        x, y = modulus * cosine, -modulus * sine
        z_re[k] += x
        z_im[k] += y
        re[k] = x
        im[k] = y
        q_re, q_im = 1.0 - a / square, b / square
        d_re, d_im = psi * (y * q_im - x * q_re), -psi * (x * q_im + y * q_re)
        tau_re[k] = phi * d_re
        tau_im[k] = phi * d_im
        phi_re[k] = d_re * log_q - d_im * 0.5 * math.pi
        phi_im[k] = d_im * log_q + d_re * 0.5 * math.pi
        psi_re[k] = y * angle - x * log_1q
        psi_im[k] = -x * angle - y * log_1q


@part(fast=True)
def _add_gerischer(size, log_tau, log_x, z_re, z_im, re, im, tau_re, tau_im):
    """Add R/√(1 + jωτ) to Z and compute its derivatives."""
    for k in range(log_x.size):
        q = exp(log_x[k] + log_tau)
        square = 1.0 + q * q
        modulus = math.sqrt(square)
        root = math.sqrt(0.5 * (modulus + 1.0))
        x, y = size * root / modulus, -0.5 * size * q / (root * modulus)
        z_re[k] += x
        z_im[k] += y
        re[k] = x
        im[k] = y
        q_re, q_im = q * q / square, q / square
        tau_re[k] = 0.5 * (y * q_im - x * q_re)
        tau_im[k] = -0.5 * (x * q_im + y * q_re)


@part(fast=True)
def _add_constant(size, log_tau, width, log_x, z_re, z_im, re, im, tau_re, tau_im, width_re, width_im):
    """Add the impedance of a constant γ between two steps to Z and compute its derivatives."""
    low, high, share = math.exp(log_tau - width), math.exp(log_tau + width), 0.5 / width
    for k in range(log_x.size):
        w = exp(log_x[k])
        a, b = w * low, w * high
        a_square, b_square = 1.0 + a * a, 1.0 + b * b
        # ln((1 + jb)/(1 + ja)), and q/(1 + q) at both steps
        g_re, g_im = 0.5 * log(b_square / a_square), atan((b - a) / (1.0 + a * b))
        a_re, a_im, b_re, b_im = a * a / a_square, a / a_square, b * b / b_square, b / b_square
        x, y = size * (1.0 - g_re * share), -size * g_im * share
        z_re[k] += x
        z_im[k] += y
        re[k] = x
        im[k] = y
        tau_re[k] = size * share * (a_re - b_re)
        tau_im[k] = size * share * (a_im - b_im)
        width_re[k] = size * (g_re * share - 0.5 * (a_re + b_re))
        width_im[k] = size * (g_im * share - 0.5 * (a_im + b_im))


@part(fast=True)
def _add_log_normal(size, log_tau, width, log_x, q, z_re, z_im, re, im, tau_re, tau_im, width_re, width_im):
    """Add the impedance of a log-normal γ to Z and compute its derivatives, from 33 nodes; ``q`` is work space."""
    ratio = math.exp(0.3 * width)
    for k in range(log_x.size):
        q[k] = exp(log_x[k] + log_tau - 4.8 * width)
        re[k], im[k], tau_re[k], tau_im[k], width_re[k], width_im[k] = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for node in range(_NODES.size):
        at, share = _NODES[node] * width, size * _NODE_WEIGHTS[node]
        for k in range(log_x.size):
            # 1/(1 + jq) and its derivative with respect to ln q
            square = q[k] * q[k]
            unit = 1.0 / (1.0 + square)
            weight = share * unit
            re[k] += weight
            im[k] -= weight * q[k]
            twice = weight * unit
            d_re, d_im = -2.0 * twice * square, twice * q[k] * (square - 1.0)
            tau_re[k] += d_re
            tau_im[k] += d_im
            width_re[k] += at * d_re
            width_im[k] += at * d_im
            q[k] *= ratio
    for k in range(log_x.size):
        z_re[k] += re[k]
        z_im[k] += im[k]


@part(fast=True)
def _add_cpe(log_size, exponent, sign, log_x, z_re, z_im, re, im, n_re, n_im):
    """Add a CPE to Z and compute its derivatives."""
    c, s = math.cos(0.5 * math.pi * exponent), math.sin(0.5 * math.pi * exponent)
    for k in range(log_x.size):
        r = sign * exp(log_size - exponent * log_x[k])
        x, y = r * c, -r * s
        z_re[k] += x
        z_im[k] += y
        re[k] = x
        im[k] = y
        n_re[k] = 0.5 * math.pi * y - x * log_x[k]
        n_im[k] = -0.5 * math.pi * x - y * log_x[k]


@part()
def _assemble(codes, signs, theta, columns, log_x, work, z, rows):
    """Compute Z and its derivatives, except for those of the linear columns; the hot spot of a fit."""
    n = log_x.size
    z[:] = 0.0
    for a in range(columns.shape[0]):
        _subtract(z, -theta[theta.size - columns.shape[0] + a], columns[a], 0, 2 * n)
    z_re, z_im = z[:n], z[n:]
    p = np.int64(0)
    for o in range(codes.size):
        code = codes[o]
        re, im, d_re, d_im = rows[p, :n], rows[p, n:], rows[p + 1, :n], rows[p + 1, n:]
        if code == CPE:
            _add_cpe(theta[p], theta[p + 1], signs[o], log_x, z_re, z_im, re, im, d_re, d_im)
            p += 2
            continue
        size, log_tau = signs[o] * math.exp(theta[p]), theta[p + 1]
        if code == RC:
            # the derivative with respect to the exponent is not needed
            _add_arc(size, log_tau, 1.0, log_x, z_re, z_im, re, im, d_re, d_im, work[:n], work[n:])
        elif code == GERISCHER:
            _add_gerischer(size, log_tau, log_x, z_re, z_im, re, im, d_re, d_im)
        else:
            e_re, e_im = rows[p + 2, :n], rows[p + 2, n:]
            if code == ZARC:
                _add_arc(size, log_tau, theta[p + 2], log_x, z_re, z_im, re, im, d_re, d_im, e_re, e_im)
            elif code == HN:
                _add_havriliak_negami(
                    size, log_tau, theta[p + 2], theta[p + 3], log_x, z_re, z_im, re, im, d_re, d_im, e_re, e_im,
                    rows[p + 3, :n], rows[p + 3, n:],
                )  # fmt: skip
            elif code == CONSTANT:
                width = math.exp(theta[p + 2])
                _add_constant(size, log_tau, width, log_x, z_re, z_im, re, im, d_re, d_im, e_re, e_im)
            else:
                width = math.exp(theta[p + 2])
                _add_log_normal(
                    size, log_tau, width, log_x, work[:n], z_re, z_im, re, im, d_re, d_im, e_re, e_im
                )  # fmt: skip
        p += _count(code)


@part(sums=True)
def _misfit(y, z, root_weight, residual):
    """Compute weighted residuals; return their sum of squares."""
    total = 0.0
    for i in range(y.size):
        residual[i] = (y[i] - z[i]) * root_weight[i]
        total += residual[i] * residual[i]
    return total


@part()
def _normal_equations(rows, root_weight, residual, scaled, normal, gradient):
    """Compute the products of weighted rows, and those with the residuals."""
    p, m = rows.shape
    for a in range(p):
        for i in range(m):
            scaled[a, i] = rows[a, i] * root_weight[i]
        gradient[a] = _dot(scaled[a], residual)
    _multiply(scaled, scaled, 0, normal)


@kernel(
    "float64(int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64, float64,"
    "float64[:, ::1], float64[::1], float64[::1], float64[::1], int64, float64, float64, float64[::1],"
    "float64[:, ::1], float64[:, ::1])"
)
def fit_elements(
    codes, signs, theta, lower, upper, times, low, high, columns, log_x, y, weight, steps, tolerance, goal,
    z, rows, root,
):  # fmt: skip
    """Fit a sum of elements and linear columns by Levenberg-Marquardt; return the sum of squares.

    Parameters
    ----------
    codes : int64, shape (o,)
        RC ... CPE.
    signs : float64, shape (o,)
        1, or -1 for a subtracted element.
    theta, lower, upper, times : float64, shape (p,)
        Start and result, bounds, and 1 where these are relative to the window; the coefficients of the columns
        come last.
    low, high : float64
        Window of ln τ.
    columns : float64, shape (e, m)
        Model per unit of each linear parameter.
    log_x : float64, shape (m/2,)
        ln of the frequencies.
    y, weight : float64, shape (m,)
        Data, and inverse squares of the relative noise.
    steps : int
        Maximum number of steps; 0 evaluates the model only.
    tolerance : float
        Relative decrease below which to stop.
    goal : float
        Sum of squares to reach; a fit that decreases too slowly to reach it is stopped, and without outputs
        other than ``theta`` if it misses it.
    z : float64, shape (m,)
        Output: the model.
    rows : float64, shape (p, m)
        Output: its derivatives.
    root : float64, shape (p, p)
        Output: W with WᵀW = inverse of the products of the weighted rows; if empty, there are no outputs other
        than ``theta``.
    """
    p = theta.size
    lower = lower + low * times
    upper = upper + high * times
    m = y.size
    n_linear = columns.shape[0]
    for a in range(p):
        theta[a] = min(max(theta[a], lower[a]), upper[a])
    best = theta.copy()
    now_z, new_z = np.empty(m), np.empty(m)
    now_rows, new_rows = np.empty((p, m)), np.empty((p, m))
    for a in range(n_linear):
        # an assignment of arrays would compile numba's texts of errors
        for i in range(m):
            now_rows[p - n_linear + a, i] = columns[a, i]
            new_rows[p - n_linear + a, i] = columns[a, i]
    scaled = np.empty((p, m))
    normal = np.empty((p, p))
    work = np.empty((p, p))
    gradient = np.empty(p)
    step = np.empty(p)
    free = np.empty(p, np.bool_)
    residual = np.empty(m)
    root_weight = np.sqrt(weight)
    _assemble(codes, signs, theta, columns, log_x, residual, now_z, now_rows)
    chi2 = _misfit(y, now_z, root_weight, residual)
    damping = 1e-3
    quiet = 0
    for iteration in range(steps):
        if quiet >= 2:
            break
        _normal_equations(now_rows, root_weight, residual, scaled, normal, gradient)
        for a in range(p):
            blocked = (best[a] <= lower[a] and gradient[a] < 0.0) or (best[a] >= upper[a] and gradient[a] > 0.0)
            free[a] = not blocked
        accepted = False
        value = chi2
        for _ in range(8):
            for a in range(p):
                for c in range(a, p):
                    work[a, c] = normal[a, c] if free[a] and free[c] else 0.0
                step[a] = gradient[a] if free[a] else 0.0
                work[a, a] = normal[a, a] * (1.0 + damping) + 1e-12
            if not _factor(work, p):
                damping = max(10.0 * damping, 1e-6)
                continue
            _solve(work, step, p)
            for a in range(p):
                # the coefficients of the columns are linear
                limit = 1.5 if a < p - n_linear else 1e300
                move = min(max(step[a], -limit), limit)
                theta[a] = min(max(best[a] + move, lower[a]), upper[a])
            _assemble(codes, signs, theta, columns, log_x, residual, new_z, new_rows)
            value = _misfit(y, new_z, root_weight, residual)
            if value < chi2:
                accepted = True
                break
            damping = max(8.0 * damping, 1e-6)
        if not accepted:
            break
        quiet = quiet + 1 if chi2 - value < tolerance * chi2 else 0
        if iteration >= PATIENCE and value > goal and (value / chi2) ** OUTLOOK * value > goal:
            quiet = 2
        damping *= 0.15
        chi2 = value
        for a in range(p):
            best[a] = theta[a]
        now_z, new_z = new_z, now_z
        now_rows, new_rows = new_rows, now_rows
    for a in range(p):
        theta[a] = best[a]
    if chi2 > goal or root.size == 0:
        return chi2
    for i in range(m):
        z[i] = now_z[i]
        for a in range(p):
            rows[a, i] = now_rows[a, i]
    _normal_equations(now_rows, root_weight, residual, scaled, normal, gradient)
    for a in range(p):
        for c in range(a, p):
            work[a, c] = normal[a, c]
        work[a, a] = work[a, a] * (1.0 + 1e-10) + 1e-12
    if _factor(work, p):
        _invert(work, root, p)
    else:
        for a in range(p):
            for c in range(p):
                root[a, c] = np.nan
    return chi2


@part()
def _cumulative(code, x, theta, p):
    """Return the integral of an element's γ up to x = ln(τ/τ0), except for a constant."""
    size = math.exp(theta[p])
    if code == ZARC:
        phi = theta[p + 2]
        turn = (1.0 - phi) * math.pi
        u = min(phi * x, 300.0)
        return size / (math.pi * phi) * math.atan((math.exp(u) - math.cos(turn)) / math.sin(turn))
    if code == GERISCHER:
        return size * 2.0 / math.pi * math.asin(math.sqrt(min(math.exp(min(x, 0.0)), 1.0)))
    width = math.exp(theta[p + 2])
    if code == CONSTANT:
        return size * min(max(x / (2.0 * width), -0.5), 0.5)
    return size * 0.5 * math.erf(x / (width * math.sqrt(2.0)))


@kernel("void(int64[::1], float64[::1], float64[::1], float64, float64[:, ::1])")
def element_gamma(codes, theta, log_tau, step, out):
    """Compute γ of each element, averaged over a step where γ is narrow or singular.

    Parameters
    ----------
    codes : int64, shape (o,)
        RC ... CPE; γ of an RC is set to 0.
    theta : float64, shape (p,)
        As in :func:`fit_elements`.
    log_tau : float64, shape (n,)
        ln τ.
    step : float64
        Width of the averages.
    out : float64, shape (o, n)
        Output: resistance per unit of ln τ.
    """
    p = np.int64(0)
    for o in range(codes.size):
        code = codes[o]
        size = math.exp(theta[p])
        for i in range(log_tau.size):
            if code == RC:
                out[o, i] = 0.0
                continue
            if code == CPE:
                n = theta[p + 1]
                out[o, i] = size * math.sin(n * math.pi) / math.pi * math.exp(n * log_tau[i])
                continue
            x = log_tau[i] - theta[p + 1]
            if code == HN:
                phi, psi = theta[p + 2], theta[p + 3]
                lx = phi * x
                r = math.exp(-abs(lx))
                # the larger of 1 and (τ/τ0)^φ is factored out to prevent overflow
                one = 1.0 if lx <= 0.0 else r
                big = r if lx <= 0.0 else 1.0
                angle = math.atan2(one * math.sin(math.pi * phi), big + one * math.cos(math.pi * phi))
                modulus = one * one + 2.0 * one * big * math.cos(math.pi * phi) + big * big
                out[o, i] = size / math.pi * (big * big / modulus) ** (0.5 * psi) * math.sin(psi * angle)
            elif code == ZARC and theta[p + 2] < 0.9:
                phi = theta[p + 2]
                turn = (1.0 - phi) * math.pi
                cosh = math.cosh(min(phi * abs(x), 600.0))
                out[o, i] = size / (2.0 * math.pi) * math.sin(turn) / (cosh - math.cos(turn))
            elif code == LOG_NORMAL and math.exp(theta[p + 2]) > 3.0 * step:
                t = x / math.exp(theta[p + 2])
                out[o, i] = size * 0.3989422804014327 * math.exp(-0.5 * t * t - theta[p + 2])
            else:
                above = _cumulative(code, x + 0.5 * step, theta, p)
                out[o, i] = (above - _cumulative(code, x - 0.5 * step, theta, p)) / step
        p += _count(code)


@kernel("void(float64[:, ::1], float64[:, ::1], int64, int64, int64, float64[:, ::1])")
def interpolate(root, interpolation, finer, reach, n_used, out):
    """Compute the product of W and the interpolation matrix, which is banded.

    Parameters
    ----------
    root : float64, shape (q, q)
        W.
    interpolation : float64, shape (n, n_fine)
        Interpolation from the comb to the finer grid.
    finer : int
        Number of steps of the finer grid per step of the comb.
    reach : int
        Half-width of the interpolation in steps of the comb.
    n_used : int
        Leading columns of W that belong to the comb.
    out : float64, shape (q, n_fine)
        Output: change of ln γ per standard normal variable, one per row.
    """
    for r in range(root.shape[0]):
        row = out[r]
        row[:] = 0.0
        for i in range(min(r + 1, n_used)):  # W is lower triangular
            first = max(finer * (i - reach - 1), 0)
            last = min(finer * (i + reach + 1), row.size)
            _subtract(row, -root[r, i], interpolation[i], first, last)


@kernel("void(float64[:, ::1], int64, float64[:, ::1], float64[:, ::1])")
def add_product(root, first, derivative, out):
    """Add the product of columns of W, from ``first`` on, and a matrix to ``out``.

    Parameters
    ----------
    root : float64, shape (q, q)
        W.
    first : int
        First column of W to use.
    derivative : float64, shape (p, n_fine)
        Derivatives of ln γ with respect to the parameters of these columns.
    out : float64, shape (q, n_fine)
        Input and output.
    """
    for r in range(root.shape[0]):
        _subtract_rows(out[r], -root[r, first : first + derivative.shape[0]], derivative)


@kernel("void(float64[:, ::1], float64[::1], float64[::1])")
def times(matrix, vector, out):
    """Compute the product of a matrix and a vector, without the threads of a BLAS library.

    Parameters
    ----------
    matrix : float64, shape (q, n_fine)
        Left factor.
    vector : float64, shape (n_fine,)
        Right factor.
    out : float64, shape (q,)
        Output.
    """
    for r in range(matrix.shape[0]):
        out[r] = _dot(matrix[r], vector)
