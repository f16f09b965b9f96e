"""Linear least-squares fits of RC ladders, for all lengths in one call.

Terms are rows of an array, followed by the data and other right-hand sides, so that reflections access
contiguous memory. Terms are K(τ) = 1/(1 + jωτ) of all time constants, then R (real part only),
or jω and 1/(jω) (imaginary part only). The stacked triangles of both parts give the common fit.
"""

import math

import numpy as np

from eistool.kernels.jit import kernel, part


@part(sums=True)
def dot(a, b):
    """Return the inner product of two rows."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@part(fast=True)
def _add(row, factor, other):
    for i in range(row.size):
        row[i] += factor * other[i]


@part()
def triangularise(rows, n_terms):
    """Triangularise by Householder reflections; columns from ``n_terms`` on hold the residuals."""
    q, n = rows.shape
    for k in range(min(n_terms, n - 1)):
        end = n
        while end > k + 1 and rows[k, end - 1] == 0.0:
            end -= 1
        pivot = rows[k, k:end]
        norm = dot(pivot, pivot)
        if norm == 0.0:
            continue
        head = -math.sqrt(norm) if pivot[0] > 0 else math.sqrt(norm)
        pivot[0] -= head  # the reflection's vector, in place
        scale = 1 / (head * pivot[0])
        for j in range(k + 1, q):
            other = rows[j, k:end]
            _add(other, scale * dot(pivot, other), pivot)
        pivot[0] = head
        for i in range(1, pivot.size):
            pivot[i] = 0.0


@part()
def solve(rows, n_terms, out):
    """Solve the triangular system; coefficients of linearly dependent terms are 0."""
    largest = 0.0
    for k in range(n_terms):
        largest = max(largest, abs(rows[k, k]))
    for k in range(n_terms - 1, -1, -1):
        out[k] = 0.0
        if abs(rows[k, k]) > 1e-15 * largest:
            value = rows[n_terms, k]
            for j in range(k + 1, n_terms):
                value -= rows[j, k] * out[j]
            out[k] = value / rows[k, k]


@part()
def _mu(resistances):
    positive, negative = 0.0, 0.0
    for R in resistances:
        if R < 0:
            negative -= R
        else:
            positive += R
    return 1 - negative / positive if positive > 0 else -math.inf


@part()
def _product(rows, n_terms, a, b):
    """Return the inner product of the residuals of two right-hand sides."""
    return dot(rows[n_terms + a, n_terms:], rows[n_terms + b, n_terms:])


@part(fast=True)
def _fill_term(x, ratio, weight, real, imag):
    """Fill K(τ) at x = ωτ, and multiply x by the ratio to the next τ."""
    for i in range(x.size):
        share = 1 / (1 + x[i] * x[i])
        real[i] = weight[0, i] * share
        imag[i] = -weight[1, i] * x[i] * share
        x[i] *= ratio


@part()
def _fill(log_omega, weight, sides, low, high, real, imag):
    """Fill the terms and right-hand sides of both parts."""
    q = sides.shape[0]
    m = real.shape[0] - 1 - q
    step = (high - low) / (m - 1) if m > 1 else 0.0
    ratio = math.exp(step)
    middle = 0.5 * (log_omega.min() + log_omega.max())
    x = np.exp(log_omega + low)
    for k in range(m):
        _fill_term(x, ratio, weight, real[k], imag[k])
    for i in range(log_omega.size):
        w = math.exp(log_omega[i] - middle)
        real[m, i] = weight[0, i]
        imag[m, i] = weight[1, i] * w
        imag[m + 1, i] = -weight[1, i] / w
        for s in range(q):
            real[m + 1 + s, i] = sides[s, 0, i]
            imag[m + 2 + s, i] = sides[s, 1, i]


@part()
def _stack(real, imag, q):
    """Return the stacked triangles, row by row in turn, so that little of a column is not zero.

    R, L and 1/C enter one part only.
    """
    m = real.shape[0] - 1 - q
    both = np.zeros((m + 3 + q, 2 * m + 4))
    for k in range(m):
        for i in range(k + 1):
            both[k, 2 * i] = real[k, i]
            both[k, 2 * i + 1] = imag[k, i]
    for i in range(m + 1):
        both[m, 2 * i] = real[m, i]
        for s in range(q):
            both[m + 3 + s, 2 * i] = real[m + 1 + s, i]
    for i in range(m + 2):
        both[m + 1, 2 * i + 1] = imag[m, i]
        both[m + 2, 2 * i + 1] = imag[m + 1, i]
        for s in range(q):
            both[m + 3 + s, 2 * i + 1] = imag[m + 2 + s, i]
    return both


@part()
def _residual_product(real, imag, both, m, a, b):
    """Return the inner product of the residuals of two right-hand sides in the common fit."""
    return _product(real, m + 1, a, b) + _product(imag, m + 2, a, b) + _product(both, m + 3, a, b)


@kernel("void(f8[::1], f8[:,::1], f8[:,:,::1], f8, f8, i8, i8, f8[:,::1])")
def scan(log_omega, weight, sides, low, high, stride, patience, out):
    """Fit ladders of 1, 2, ... RC elements to the real part, the imaginary part, and both.

    Parameters
    ----------
    log_omega : (n,)
        ln ω.
    weight : (2, n)
        Weights of the real and imaginary parts.
    sides : (q, 2, n)
        Weighted data, then other weighted functions.
    low, high : float
        ln of the shortest and the longest time constant; a ladder of length 1 uses the shortest.
    stride : int
        Step between the lengths that are fitted.
    patience : int
        Stop after this many lengths without a lower BIC of the two separate fits; 0 never stops early.
    out : (n_longest, 3 + 3q) or (n_longest, 2)
        For each length the sums of squares of the real, the imaginary and the common fit, µ of each, and for
        the common fit with each other function the sum of squares, the coefficient of the function and its
        standard error for unit noise; nan for lengths that were not fitted. With two columns, only the sums
        of squares of the separate fits.
    """
    n = log_omega.size
    longest = out.shape[0]
    out[:] = math.nan
    q = sides.shape[0]
    best, waited = math.inf, 0
    coefficients = np.empty(longest + 3)
    separately = out.shape[1] == 2
    for m in range(1, longest + 1, stride):
        real, imag = np.empty((m + 1 + q, n)), np.empty((m + 2 + q, n))
        _fill(log_omega, weight, sides, low, high, real, imag)
        triangularise(real, m + 1)
        triangularise(imag, m + 2)
        row = out[m - 1]
        row[0], row[1] = _product(real, m + 1, 0, 0), _product(imag, m + 2, 0, 0)
        if not separately:
            both = _stack(real, imag, q)
            triangularise(both, m + 3)
            row[2] = _residual_product(real, imag, both, m, 0, 0)
            solve(real, m + 1, coefficients)
            row[3] = _mu(coefficients[:m])
            solve(imag, m + 2, coefficients)
            row[4] = _mu(coefficients[:m])
            solve(both, m + 3, coefficients)
            row[5] = _mu(coefficients[:m])
            for k in range(1, q):
                square = _residual_product(real, imag, both, m, k, k)
                if square > 0:
                    product = _residual_product(real, imag, both, m, 0, k)
                    row[3 + 3 * k] = row[2] - product**2 / square
                    row[4 + 3 * k], row[5 + 3 * k] = product / square, 1 / math.sqrt(square)
        criterion = 2 * n * math.log(row[0] + row[1] + 1e-300) + 2 * m * math.log(2 * n)
        waited += stride
        if criterion < best:
            best, waited = criterion, 0
        if patience and waited >= patience:
            return


@part()
def combine(rows, n_terms, coefficients, fitted):
    """Evaluate a solution at each point."""
    fitted[:] = 0.0
    for k in range(n_terms):
        _add(fitted, coefficients[k], rows[k])


@part()
def leverages(rows, n_terms, triangle, leverage):
    """Compute the leverages; overwrite the terms by orthonormal ones."""
    leverage[:] = 0.0
    for k in range(n_terms):
        row = rows[k]
        for j in range(k):
            _add(row, -triangle[k, j], rows[j])
        scale = 1 / triangle[k, k] if triangle[k, k] != 0 else 0.0
        for i in range(row.size):
            row[i] *= scale
            leverage[i] += row[i] * row[i]


@kernel("void(f8[::1], f8[:,::1], f8[:,:,::1], f8, f8, i8, f8[:,::1], f8[:,::1], f8[:,:,::1], f8[::1])")
def fit_ladder(log_omega, weight, sides, low, high, m, coefficients, leverage, fitted, squares):
    """Fit a single ladder to the real part, the imaginary part, and both.

    Parameters
    ----------
    log_omega, weight, low, high
        As in :func:`scan`.
    sides : (1, 2, n)
        Weighted data.
    m : int
        Number of RC elements.
    coefficients : (3, m + 3)
        Coefficients of K, R, L and 1/C; for L and 1/C, ω is relative to the geometric mean of the range. nan
        for L and 1/C of the real fit and R of the imaginary fit.
    leverage : (2, n)
        Leverages of the separate fits.
    fitted : (2, 2, n)
        Weighted values of the separate fits, then of the common fit.
    squares : (2,)
        Residual sums of squares of the separate fits and of the common fit.
    """
    n = log_omega.size
    real, imag = np.empty((m + 2, n)), np.empty((m + 3, n))
    _fill(log_omega, weight, sides, low, high, real, imag)
    real_rows, imag_rows = real[: m + 1].copy(), imag[: m + 2].copy()
    triangularise(real, m + 1)
    triangularise(imag, m + 2)
    both = _stack(real, imag, 1)
    triangularise(both, m + 3)
    squares[0] = _product(real, m + 1, 0, 0) + _product(imag, m + 2, 0, 0)
    squares[1] = _residual_product(real, imag, both, m, 0, 0)
    coefficients[:] = math.nan
    solution = np.empty(m + 2)
    solve(real, m + 1, solution)
    combine(real_rows, m + 1, solution, fitted[0, 0])
    for k in range(m + 1):  # an assignment of arrays would compile numba's texts of errors
        coefficients[0, k] = solution[k]
    solve(imag, m + 2, solution)
    combine(imag_rows, m + 2, solution, fitted[0, 1])
    for k in range(m):
        coefficients[1, k] = solution[k]
    coefficients[1, m + 1], coefficients[1, m + 2] = solution[m], solution[m + 1]
    solve(both, m + 3, coefficients[2])
    combine(real_rows, m + 1, coefficients[2], fitted[1, 0])
    for k in range(m):
        solution[k] = coefficients[2, k]
    solution[m], solution[m + 1] = coefficients[2, m + 1], coefficients[2, m + 2]
    combine(imag_rows, m + 2, solution, fitted[1, 1])
    leverages(real_rows, m + 1, real, leverage[0])
    leverages(imag_rows, m + 2, imag, leverage[1])


@part()
def _project(terms, n_terms, values, out):
    """Compute least-squares coefficients for well-conditioned terms by Cholesky factorisation."""
    root = np.zeros((n_terms, n_terms))
    for j in range(n_terms):
        for i in range(j, n_terms):
            total = 0.0
            for p in range(values.size):
                total += terms[i, p] * terms[j, p]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            root[i, j] = math.sqrt(max(total, 1e-12)) if i == j else total / root[j, j]
    for i in range(n_terms):
        total = 0.0
        for p in range(values.size):
            total += terms[i, p] * values[p]
        for k in range(i):
            total -= root[i, k] * out[k]
        out[i] = total / root[i, i]
    for i in range(n_terms - 1, -1, -1):
        for k in range(i + 1, n_terms):
            out[i] -= root[k, i] * out[k]
        out[i] /= root[i, i]


@kernel("i8(f8[:,::1], f8[::1], i8[::1], f8, f8, i8, f8[::1])")
def regress_noise(terms, square, blocks, clipped, clearly, steps, log_variance):
    """Fit a gamma regression of squared residuals on blocks of terms by Fisher scoring.

    Parameters
    ----------
    terms : (k, n)
        Terms of ln variance.
    square : (n,)
        Squared residuals; nan if missing.
    blocks : (b,)
        Numbers of terms; the first block is always used, further ones while each lowers the deviance enough.
    clipped : float
        Squares are clipped at this multiple of the variance.
    clearly : float
        Minimum decrease of the deviance per block, estimated by the score test.
    steps : int
        Number of scoring steps.
    log_variance : (n,)
        Start values; the result.

    Returns
    -------
    int
        Number of terms used.
    """
    n, used = square.size, blocks[0]
    weighted = terms.copy()
    excess, coefficients = np.empty(n), np.empty(terms.shape[0])
    for p in range(n):
        if math.isnan(square[p]):
            weighted[:, p] = 0.0
    for block in range(blocks.size):
        for _ in range(steps + 1):
            for p in range(n):
                ratio = min(square[p] * math.exp(-log_variance[p]), clipped)
                excess[p] = 0.0 if math.isnan(square[p]) else ratio - 1
            if _ == steps:
                break
            _project(weighted, used, excess, coefficients)
            for p in range(n):
                for k in range(used):
                    log_variance[p] += coefficients[k] * terms[k, p]
        if block + 1 == blocks.size:
            break
        more = used + blocks[block + 1]
        _project(weighted, more, excess, coefficients)
        score = 0.0
        for p in range(n):
            for k in range(more):
                score += 0.5 * excess[p] * coefficients[k] * weighted[k, p]
        if score < clearly:
            break
        used = more
    return used
