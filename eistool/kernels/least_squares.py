"""Weighted least squares for circuit programs: RC ladder, NNLS, Levenberg-Marquardt.

All quantities are dimensionless: frequencies and impedances are divided by typical values. theta holds
ln of an amplitude (an impedance), ln of a time constant, or an exponent, as given by ``kinds``. Residuals
are signed, weight * (model - data), and F is the sum of their squares.

Shapes: p parameters, f free parameters, c time constants of the ladder.
"""

import math
from typing import Annotated

import numba
import numpy as np

from eistool.kernels.jit import as_argument, kernel, part
from eistool.kernels.model import EVALUATE, OP_COUNT, OP_GROUP, OP_PARAMETER, ROW_X, WIDTH, evaluate
from eistool.kernels.parameters import AMPLITUDE, EXPONENT
from eistool.typing import Threshold

EQUAL: Annotated[
    float,
    Threshold(
        "relative difference in S below which two minima are the same, and a fit counts as converged",
        "ΔBIC = n EQUAL, 0.002 for 100 points: far below a tie",
    ),
] = 1e-5
# factors of a term in one step, so that one that the data do not need fades: least, most, and most before the
# projection; set on tests.benchmarks.search
LEAST, MOST, FARTHEST = 0.1, 10.0, 20.0
CANCELLED = 1e-6  # share of F that is left: below, its difference from the former F is inaccurate
PATIENCE = 8  # steps with a gain below 100 tolerances: flat valleys have no end; set on tests.benchmarks.hard


@part(sums=True)
def dot(a, b):
    """Return the inner product."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@part()
def copy(source, to):
    """Copy a row."""
    # loops compile several times faster than slice assignments
    for i in range(source.size):
        to[i] = source[i]


@part(fast=True)
def scale(row, weight):
    """Multiply a row by weights, in place."""
    for i in range(row.size):
        row[i] *= weight[i]


@part(fast=True)
def add(row, to):
    """Add a row to another."""
    for i in range(row.size):
        to[i] += row[i]


@part(fast=True)
def _weigh(target, sums, rows, free):
    """Replace Z by weighted residuals, weight the derivatives, and return F."""
    r, data, weight = sums[0], target[0], target[1]
    for i in range(r.size):
        r[i] = (r[i] - data[i]) * weight[i]
    for k in free:
        scale(rows[k], weight)
    return dot(r, r)


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
def multiply_rows(rows, index, place, gram):
    """Compute the inner products of the rows ``index`` with each other, at ``place`` in their matrix."""
    n = index.size
    for a in range(0, n, 2):
        b = min(a + 1, n - 1)
        for c in range(0, a + 1, 2):
            d = min(c + 1, n - 1)
            ac, ad, bc, bd = _dots(rows[index[a]], rows[index[b]], rows[index[c]], rows[index[d]])
            gram[place[a], place[c]], gram[place[c], place[a]] = ac, ac
            gram[place[a], place[d]], gram[place[d], place[a]] = ad, ad
            gram[place[b], place[c]], gram[place[c], place[b]] = bc, bc
            gram[place[b], place[d]], gram[place[d], place[b]] = bd, bd


@part()
def cholesky_solve(matrix, rhs, n):
    """Solve the leading n rows in place; return False if the matrix is not positive definite.

    The upper triangle is read, and replaced by the factor.
    """
    # outer products have independent terms, unlike the sums of the other orders
    for k in range(n):
        if not matrix[k, k] > 0.0:
            return False
        inverse = 1.0 / math.sqrt(matrix[k, k])
        rhs[k] *= inverse
        for j in range(k, n):
            matrix[k, j] *= inverse
        for i in range(k + 1, n):
            factor = matrix[k, i]
            rhs[i] -= factor * rhs[k]
            for j in range(i, n):
                matrix[i, j] -= factor * matrix[k, j]
    for i in range(n - 1, -1, -1):
        total = rhs[i]
        for k in range(i + 1, n):
            total -= matrix[i, k] * rhs[k]
        rhs[i] = total / matrix[i, i]
    return True


@kernel("float64(float64[:, ::1], float64[::1], float64[::1], int64)")
def nnls(gram, target, x, n):
    """Minimise xᵀGx - 2bᵀx over x >= 0 by an active-set method; return the minimum.

    Parameters
    ----------
    gram : float64, shape (n, n)
        AᵀA, scaled to a unit diagonal.
    target : float64, shape (n,)
        Aᵀb.
    x : float64, shape (n,)
        Output: the solution.
    n : int
        Number of leading rows in use.
    """
    passive = np.empty(n, np.int64)
    is_passive = np.zeros(n, np.bool_)
    matrix = np.empty((n, n))
    trial = np.empty(n)
    count = 0
    for i in range(n):
        x[i] = 0.0
    scale = 1e-300
    for i in range(n):
        scale = max(scale, abs(target[i]))
    for _ in range(3 * n):
        best, slope = -1, 1e-10 * scale
        for i in range(n):
            if not is_passive[i]:
                w = target[i]
                for k in range(count):
                    w -= gram[i, passive[k]] * x[passive[k]]
                if w > slope:
                    best, slope = i, w
        if best < 0:
            break
        is_passive[best] = True
        passive[count] = best
        count += 1
        while count > 0:
            for a in range(count):
                trial[a] = target[passive[a]]
                for c in range(a, count):
                    matrix[a, c] = gram[passive[a], passive[c]]
                matrix[a, a] += 1e-13
            if not cholesky_solve(matrix, trial, count):
                # the newest column is linearly dependent
                count -= 1
                x[passive[count]] = 0.0
                break
            step = 1.0
            for a in range(count):
                if trial[a] <= 0.0:
                    now = x[passive[a]]
                    step = min(step, now / (now - trial[a])) if now > trial[a] else 0.0
            if step >= 1.0:
                for a in range(count):
                    x[passive[a]] = trial[a]
                break
            kept = 0
            for a in range(count):
                i = passive[a]
                value = x[i] + step * (trial[a] - x[i])
                if trial[a] <= 0.0 and value <= 1e-14:
                    x[i] = 0.0
                    is_passive[i] = False
                else:
                    x[i] = value
                    passive[kept] = i
                    kept += 1
            if kept == count:
                break
            count = kept
    value = 0.0
    for a in range(count):
        i = passive[a]
        value -= 2.0 * target[i] * x[i]
        for c in range(count):
            value += x[i] * gram[i, passive[c]] * x[passive[c]]
    return value


@kernel("float64(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1])")
def ladder(grid, target, log_tau, x):
    """Fit R, L, 1/C and RC elements with given time constants, all >= 0; return F.

    Parameters
    ----------
    grid : float64, shape (6, n)
        See :func:`eistool.kernels.model.evaluate`.
    target : float64, shape (2, 2 n)
        Data and weights.
    log_tau : float64, shape (c,)
        ln of the time constants.
    x : float64, shape (c + 3,)
        Output: the resistances, then R, L and 1/C.
    """
    n = log_tau.size + 3
    length = target.shape[1]
    rows = np.zeros((n, length))
    data = target[0] * target[1]
    weight = target[1]
    tau = np.exp(log_tau)
    for b in range(length // (2 * WIDTH)):
        q = grid[ROW_X, b * WIDTH : (b + 1) * WIDTH]
        re, im = 2 * b * WIDTH, (2 * b + 1) * WIDTH
        for k in range(n - 3):
            row = rows[k]
            for i in range(WIDTH):
                y = q[i] * tau[k]
                d = 1.0 / (1.0 + y * y)
                row[re + i] = weight[re + i] * d
                row[im + i] = -weight[im + i] * y * d
        for i in range(WIDTH):
            rows[n - 3, re + i] = weight[re + i]
            rows[n - 2, im + i] = weight[im + i] * q[i]
            rows[n - 1, im + i] = -weight[im + i] / q[i]
    gram = np.empty((n, n))
    right = np.empty(n)
    norm = np.empty(n)
    energy = dot(data, data)
    every = np.arange(n)
    multiply_rows(rows, every, every, gram)
    for a in range(n):
        norm[a] = 1.0 / math.sqrt(gram[a, a] + 1e-300)
        right[a] = dot(rows[a], data) * norm[a]
    for a in range(n):
        for c in range(n):
            gram[a, c] *= norm[a] * norm[c]
    value = energy + nnls(gram, right, x, n)
    for a in range(n):
        x[a] *= norm[a]
    # at low noise the difference of two large numbers is inaccurate
    total = 0.0
    for i in range(length):
        r = data[i]
        for a in range(n):
            if x[a] > 0.0:
                r -= x[a] * rows[a, i]
        total += r * r
    return total if value < 1e-6 * energy else value


# signatures of the circuit interpreter and the minimiser as arguments
F64, I64 = numba.float64, numba.int64
CIRCUIT = (I64[:, ::1], F64[::1], I64[::1], I64[::1])  # operations, offsets, parents, groups
MODEL = numba.types.FunctionType(EVALUATE)
MINIMISE = numba.types.Tuple((F64, numba.boolean))(
    MODEL, *CIRCUIT, F64[::1], F64[::1], F64[::1], I64[::1], I64[::1],
    F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[::1], I64, F64,
)  # fmt: skip
MINIMISER = numba.types.FunctionType(MINIMISE)


@part()
def _find_terms(operations, parents, kinds, free, term, alone):
    """Find the terms of the outermost sum whose amplitudes are all free; return their number.

    ``term`` holds the term of each free parameter, or -1, and ``alone`` is true for the only amplitude of a term.
    """
    labels = np.empty(kinds.size, np.int64)
    for o in range(operations.shape[0]):
        group, label = operations[o, OP_GROUP], o
        while group > 0:
            label = operations.shape[0] + group
            group = parents[group]
        for k in range(operations[o, OP_COUNT]):
            labels[operations[o, OP_PARAMETER] + k] = label
    n = 0
    for a in range(free.size):
        term[a], alone[a] = -1, False
    for a in range(free.size):
        label = labels[free[a]]
        if term[a] >= 0 or kinds[free[a]] != AMPLITUDE:
            continue
        size, n_free = 0, 0
        for k in range(kinds.size):
            size += kinds[k] == AMPLITUDE and labels[k] == label
        for c in range(free.size):
            n_free += kinds[free[c]] == AMPLITUDE and labels[free[c]] == label
        if n_free == size:
            for c in range(free.size):
                if labels[free[c]] == label:
                    term[c] = n
            alone[a] = size == 1
            n += 1
    return n


@part()
def _relative_range(theta, lower, upper, most):
    """Return the least and the largest relative change of an amplitude, within its bounds."""
    low, high = LEAST - 1.0, most - 1.0
    # exp only near a bound
    if lower - theta > -3.0:
        low = max(low, math.exp(lower - theta) - 1.0)
    if upper - theta < 3.0:
        high = min(high, math.exp(upper - theta) - 1.0)
    return low, high


@part()
def _solve_within(gram, right, low, high, damping, ridge, x, n, matrix, solution, held):
    """Solve for x with a damped diagonal; what would leave its range is held at the limit.

    ``held`` marks what is held at x from the start. Return False if the matrix is not positive definite.
    """
    within = False
    while not within:
        for k in range(n):
            solution[k] = right[k]
            for c in range(k, n):
                matrix[k, c] = gram[k, c]
            matrix[k, k] += damping * gram[k, k] + ridge
        for t in range(n):
            if held[t]:
                for k in range(n):
                    solution[k] -= gram[t, k] * x[t]
                    matrix[min(t, k), max(t, k)] = 0.0
                matrix[t, t] = 1.0
        if not cholesky_solve(matrix, solution, n):
            return False
        within = True
        for t in range(n):
            if not held[t]:
                x[t] = min(max(solution[t], low[t]), high[t])
                held[t] = x[t] != solution[t]
                within = within and not held[t]
    return True


@part()
def _scale_terms(
    term, n_terms, amplitudes, theta, lower, upper, free, hessian, gradient,
    gram, vectors, matrix, solution, held,
):  # fmt: skip
    """Scale the terms of the outermost sum by least squares, in place; return the change in F.

    A term is homogeneous of degree one in its amplitudes, so that JᵀJ and Jᵀr determine the factors.
    """
    right, low, high, x = vectors[0], vectors[1], vectors[2], vectors[3]
    for t in range(n_terms):
        right[t], low[t], high[t], x[t], held[t] = 0.0, LEAST - 1.0, MOST - 1.0, 0.0, False
        for u in range(n_terms):
            gram[t, u] = 0.0
    for a in amplitudes:
        t, i = term[a], free[a]
        right[t] -= gradient[a]
        for c in amplitudes:
            gram[t, term[c]] += hessian[a, c]
        least, most = _relative_range(theta[i], lower[i], upper[i], MOST)
        low[t], high[t] = max(low[t], least), min(high[t], most)
    if not _solve_within(gram, right, low, high, 1e-12, 0.0, x, n_terms, matrix, solution, held):
        return 0.0
    change = 0.0
    for t in range(n_terms):
        row = -2.0 * right[t]
        for u in range(n_terms):
            row += gram[t, u] * x[u]
        change += x[t] * row
    if not change < 0.0:
        return 0.0
    for a in range(free.size):
        factor = 1.0 + x[term[a]] if term[a] >= 0 else 1.0
        for c in amplitudes:
            gradient[a] += hessian[a, c] * x[term[c]]
        gradient[a] *= factor
        solution[a] = factor
    for a in range(free.size):
        for c in range(free.size):
            hessian[a, c] *= solution[a] * solution[c]
    for a in amplitudes:
        i = free[a]
        theta[i] = min(max(theta[i] + math.log(solution[a]), lower[i]), upper[i])
    return change


@part()
def _reduce(
    evaluate, operations, offsets, parents, groups, theta, lower, upper, free, every, term, n_terms, amplitudes,
    grid, target, sums, rows, hessian, gradient, gram, vectors, matrix, solution, held,
):  # fmt: skip
    """Scale the terms of theta, and compute F with JᵀJ and Jᵀr there."""
    value = np.inf
    for _ in range(2):
        evaluate(operations, offsets, parents, groups, theta, grid, sums, rows)
        value = _weigh(target, sums, rows, free)
        if not math.isfinite(value):
            return np.inf
        multiply_rows(rows, free, every, hessian)
        for a in every:
            gradient[a] = dot(rows[free[a]], sums[0])
        reduced = value + _scale_terms(
            term, n_terms, amplitudes, theta, lower, upper, free, hessian, gradient,
            gram, vectors, matrix, solution, held,
        )  # fmt: skip
        if reduced > CANCELLED * value:
            return reduced
    return value


@part()
def _solve_step(
    hessian, gradient, damping, ridge, theta, lower, upper, kinds, free, alone,
    limits, held, matrix, solution, step,
):  # fmt: skip
    """Compute the damped step within the bounds; return False if the matrix is not positive definite.

    The step of a term's only amplitude is relative, others are in logarithms. Parameters at a bound are held
    while the gradient points outward. Steps are limited to 1.5 in logarithms and 0.3 in exponents: a parameter
    that would go further, or leave its bounds, goes as far as it may, and the step of the others takes that into
    account.
    """
    right, low, high = limits[0], limits[1], limits[2]
    for a in range(free.size):
        i = free[a]
        step[a], right[a] = 0.0, -gradient[a]
        held[a] = (theta[i] <= lower[i] and gradient[a] > 0.0) or (theta[i] >= upper[i] and gradient[a] < 0.0)
        if alone[a]:
            low[a], high[a] = _relative_range(theta[i], lower[i], upper[i], FARTHEST)
        else:
            most = 0.3 if kinds[i] == EXPONENT else 1.5
            low[a], high[a] = max(lower[i] - theta[i], -most), min(upper[i] - theta[i], most)
    return _solve_within(hessian, right, low, high, damping, ridge, step, free.size, matrix, solution, held)


@kernel(MINIMISE)
def minimise(
    evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
    grid, target, sums, rows, hessian, gradient, limit, tolerance,
):  # fmt: skip
    """Minimise F by Levenberg-Marquardt with bounds, in place; return F and whether it converged.

    Terms of the outermost sum are scaled by linear least squares in each step, a variable projection
    (doi:10.1137/0710036). ``hessian`` and ``gradient`` are those of the last accepted theta.
    """
    f = free.size
    matrix = np.empty((f, f))
    solution = np.empty(f)
    step = np.empty(f)
    held = np.empty(f, np.bool_)
    term = np.empty(f, np.int64)
    alone = np.empty(f, np.bool_)
    new_hessian = np.empty((f, f))
    new_gradient = np.empty(f)
    trial = np.empty(theta.size)
    limits = np.empty((3, f))
    every = np.arange(f)
    n_terms = _find_terms(operations, parents, kinds, free, term, alone)
    amplitudes = np.array([a for a in range(f) if term[a] >= 0 and kinds[free[a]] == AMPLITUDE], np.int64)
    gram, vectors = np.empty((n_terms, n_terms)), np.empty((4, n_terms))
    best = _reduce(
        evaluate, operations, offsets, parents, groups, theta, lower, upper, free, every, term, n_terms,
        amplitudes, grid, target, sums, rows, hessian, gradient, gram, vectors, matrix, solution, held,
    )  # fmt: skip
    if not math.isfinite(best):
        return np.inf, False
    damping, growth = 1e-3, 4.0
    slow, gained = 0, np.inf
    for _ in range(limit):
        solved = _solve_step(
            hessian, gradient, damping, 1e-14 * best, theta, lower, upper, kinds, free, alone,
            limits, held, matrix, solution, step,
        )  # fmt: skip
        if not solved:
            damping *= 10.0
            if damping > 1e16:
                return best, False
            continue
        copy(theta, trial)
        predicted, size = 0.0, 0.0
        for a in range(f):
            trial[free[a]] = theta[free[a]] + (math.log(1.0 + step[a]) if alone[a] else step[a])
            size = max(size, abs(step[a]))
            predicted -= step[a] * (2.0 * gradient[a] + dot(hessian[a], step))
        if size == 0.0:
            return best, True
        value = _reduce(
            evaluate, operations, offsets, parents, groups, trial, lower, upper, free, every, term, n_terms,
            amplitudes, grid, target, sums, rows, new_hessian, new_gradient, gram, vectors, matrix, solution, held,
        )  # fmt: skip
        if value < best:
            gain = (best - value) / predicted if predicted > 0.0 else 0.0
            for a in range(f):
                copy(new_hessian[a], hessian[a])
            copy(new_gradient, gradient)
            copy(trial, theta)
            # in flat directions the steps never end, and nothing is gained
            gained = best - value
            slow = slow + 1 if gained <= 100.0 * tolerance * value else 0
            small = gained <= tolerance * value and predicted <= tolerance * value and damping < 1.0
            best = value
            damping *= 0.1 if gain > 0.75 else (0.4 if gain > 0.25 else 2.0)
            damping = max(damping, 1e-12)
            growth = 4.0
            if small or slow >= PATIENCE:
                return best, True
        else:
            if predicted <= tolerance * best:
                return best, True
            damping = max(damping, 1e-9) * growth
            growth *= 2.0
            if damping > 1e16:
                return best, True
    return best, gained <= EQUAL * best


@kernel("void(float64[:, ::1], float64[:, ::1])")
def invert(matrix, inverse):
    """Invert a positive semidefinite matrix; variances of null directions are huge but finite.

    Parameters
    ----------
    matrix, inverse : float64, shape (n, n)
        Symmetric.
    """
    n = matrix.shape[0]
    factor = np.empty((n, n))
    unit = np.empty(n)
    scale = np.empty(n)
    for i in range(n):
        scale[i] = 1.0 / math.sqrt(max(matrix[i, i], 1e-300))
    ridge = 1e-15
    for k in range(n):
        while True:
            for i in range(n):
                unit[i] = 1.0 if i == k else 0.0
                for j in range(i, n):
                    factor[i, j] = matrix[i, j] * scale[i] * scale[j] + (ridge if i == j else 0.0)
            if cholesky_solve(factor, unit, n) or ridge > 1.0:
                break
            ridge *= 10.0
        for i in range(n):
            inverse[i, k] = unit[i] * scale[i] * scale[k]


# first two arguments of search, profile and covariance kernels
KERNELS = (as_argument(evaluate, EVALUATE), as_argument(minimise, MINIMISE))
