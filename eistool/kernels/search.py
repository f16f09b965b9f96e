"""Weighted least squares of a circuit program: ladder, amplitudes, Levenberg-Marquardt, many starts.

Everything is dimensionless here: frequencies and impedances come divided by a typical value each.
theta holds ln of an amplitude (an impedance), ln of a time constant, or an exponent; ``kinds`` says
which. Residuals are signed: weight * (model - data). F is the sum of their squares.

Shapes: p parameters, f free ones, c rows of the ladder, s starts, m minima.
"""

import math

import numba
import numpy as np

from eistool.kernels.jit import as_argument, direct, kernel, part
from eistool.kernels.model import (
    EVALUATE,
    ROW_X,
    WIDTH,
    evaluate,
)
from eistool.kernels.parameters import AMPLITUDE, EXPONENT, LOG_TAU

N_DRAWS, MOST_DRAWS = 8, 32  # for each parameter of the shape, and in all
N_STARTS, N_KEPT, N_FINISHED = 6, 3, 2  # in a round: begun, pursued, finished
SWEEPS = 4  # through the terms
PROMISING = 1.5  # times the best F: worth finishing
APART = 0.8  # e-folds in a time constant between starts that are worth trying
SAME = 0.3  # between ends that are the same minimum
EQUAL = 1e-5  # relative difference in F that tells nothing
NEAR_FLOOR = 1.05  # times the floor: the ladder is nearly reached
BELOW_FLOOR = -0.2  # further below: the ladder cannot describe such data, and tells nothing
QUIET, SILENT = 2, 20  # rounds without a better minimum, near the floor and far from it
PERSISTENCE = 40.0  # further rounds where F is twice the floor; in proportion between
CONFIRMED = 6  # starts that led to the best minimum
PATIENCE = 8  # steps of next to no gain
WIDEST = 5.0  # standard error in e-folds
FAR_OUT = 3.0  # standard errors at which F must have risen as a parabola would


@part(sums=True)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@part()
def _copy(source, to):
    # loops compile several times faster than assignments to slices
    for i in range(source.size):
        to[i] = source[i]


@part()
def _sort_by(scores, order, n):
    """Put the leading n indices in order of their scores."""
    for a in range(1, n):
        item = order[a]
        c = a
        while c > 0 and scores[item] < scores[order[c - 1]]:
            order[c] = order[c - 1]
            c -= 1
        order[c] = item


@part(fast=True)
def _scale(row, weight):
    for i in range(row.size):
        row[i] *= weight[i]


@part(fast=True)
def _add(row, to):
    for i in range(row.size):
        to[i] += row[i]


@part(fast=True)
def _weigh(target, sums, rows, free):
    """Turn Z into weighted residuals and derivatives into weighted ones; return F."""
    r, data, weight = sums[0], target[0], target[1]
    for i in range(r.size):
        r[i] = (r[i] - data[i]) * weight[i]
    for k in free:
        _scale(rows[k], weight)
    return _dot(r, r)


@part()
def _normal(sums, rows, free, hessian, gradient):
    """Fill JᵀJ and Jᵀr of the free parameters from weighted rows."""
    for a in range(free.size):
        row = rows[free[a]]
        gradient[a] = _dot(row, sums[0])
        for c in range(a + 1):
            total = _dot(row, rows[free[c]])
            hessian[a, c] = total
            hessian[c, a] = total


@part()
def _cholesky_solve(matrix, rhs, n):
    """Solve in place for the leading n rows; return False if the matrix is not positive definite."""
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                matrix[i, i] = math.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for i in range(n):
        total = rhs[i]
        for k in range(i):
            total -= matrix[i, k] * rhs[k]
        rhs[i] = total / matrix[i, i]
    for i in range(n - 1, -1, -1):
        total = rhs[i]
        for k in range(i + 1, n):
            total -= matrix[k, i] * rhs[k]
        rhs[i] = total / matrix[i, i]
    return True


@kernel("float64(float64[:, ::1], float64[::1], float64[::1], int64)")
def nnls(gram, target, x, n):
    """Minimise xᵀGx - 2bᵀx over x >= 0 by active sets; return the minimum.

    Parameters
    ----------
    gram : float64, shape (n, n)
        AᵀA with a unit diagonal, for good conditioning.
    target : float64, shape (n,)
        Aᵀb.
    x : float64, shape (n,)
        The solution is written here.
    n : int
        Leading rows in use.
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
                for c in range(a + 1):
                    matrix[a, c] = gram[passive[a], passive[c]]
                matrix[a, a] += 1e-13
            if not _cholesky_solve(matrix, trial, count):
                # the newest column depends on the others
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
    """Fit R, L, 1/C and RC elements of given time constants, all >= 0; return F.

    Parameters
    ----------
    grid : float64, shape (6, n)
        See :func:`eistool.kernels.model.evaluate`.
    target : float64, shape (2, 2 n)
        Data and weights.
    log_tau : float64, shape (c,)
        ln of the time constants.
    x : float64, shape (c + 3,)
        The resistances are written here, then R, L and 1/C.
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
    energy = _dot(data, data)
    for a in range(n):
        for c in range(a + 1):
            gram[a, c] = _dot(rows[a], rows[c])
        norm[a] = 1.0 / math.sqrt(gram[a, a] + 1e-300)
        right[a] = _dot(rows[a], data) * norm[a]
    for a in range(n):
        for c in range(a + 1):
            gram[a, c] *= norm[a] * norm[c]
            gram[c, a] = gram[a, c]
    value = energy + nnls(gram, right, x, n)
    for a in range(n):
        x[a] *= norm[a]
    # the difference of two large numbers is not accurate at low noise
    total = 0.0
    for i in range(length):
        r = data[i]
        for a in range(n):
            if x[a] > 0.0:
                r -= x[a] * rows[a, i]
        total += r * r
    return total if value < 1e-6 * energy else value


# the interpreter of circuits, and the minimiser, as arguments
F64, I64 = numba.float64, numba.int64
CIRCUIT = (I64[:, ::1], F64[::1], I64[::1], I64[::1])  # operations, offsets, parents, groups
MODEL = numba.types.FunctionType(EVALUATE)
MINIMISE = numba.types.Tuple((F64, numba.boolean))(
    MODEL, *CIRCUIT, F64[::1], F64[::1], F64[::1], I64[::1], I64[::1],
    F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[::1], I64, F64,
)  # fmt: skip
MINIMISER = numba.types.FunctionType(MINIMISE)


@kernel(MINIMISE)
def minimise(
    evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
    grid, target, sums, rows, hessian, gradient, limit, tolerance,
):  # fmt: skip
    """Levenberg-Marquardt with bounds, in place in theta; return F and whether it converged.

    Parameters at a bound whose gradient points outward rest. A step is cut to 1.5 in logarithms
    and to 0.3 in exponents. ``hessian`` and ``gradient`` belong to the last accepted theta.
    """
    f = free.size
    matrix = np.empty((f, f))
    step = np.empty(f)
    moving = np.empty(f, np.int64)
    new_hessian = np.empty((f, f))
    new_gradient = np.empty(f)
    trial = np.empty(theta.size)
    evaluate(operations, offsets, parents, groups, theta, grid, sums, rows)
    best = _weigh(target, sums, rows, free)
    if not math.isfinite(best):
        return np.inf, False
    _normal(sums, rows, free, hessian, gradient)
    damping, growth = 1e-3, 4.0
    slow, gained = 0, np.inf
    for _ in range(limit):
        n = 0
        for a in range(f):
            i = free[a]
            outward = (theta[i] <= lower[i] and gradient[a] > 0.0) or (theta[i] >= upper[i] and gradient[a] < 0.0)
            if not outward:
                moving[n] = a
                n += 1
        if n == 0:
            return best, True
        for a in range(n):
            step[a] = -gradient[moving[a]]
            for c in range(a + 1):
                matrix[a, c] = hessian[moving[a], moving[c]]
            matrix[a, a] *= 1.0 + damping
            matrix[a, a] += 1e-14 * best
        if not _cholesky_solve(matrix, step, n):
            damping *= 10.0
            if damping > 1e16:
                return best, False
            continue
        cut = 1.0
        for a in range(n):
            size = abs(step[a])
            most = 0.3 if kinds[free[moving[a]]] == EXPONENT else 1.5
            if size * cut > most:
                cut = most / size
        _copy(theta, trial)
        for a in range(n):
            i = free[moving[a]]
            trial[i] = min(max(theta[i] + cut * step[a], lower[i]), upper[i])
            step[a] = trial[i] - theta[i]
        predicted = 0.0
        for a in range(n):
            row = 0.0
            for c in range(n):
                row += hessian[moving[a], moving[c]] * step[c]
            predicted -= step[a] * (2.0 * gradient[moving[a]] + row)
        evaluate(operations, offsets, parents, groups, trial, grid, sums, rows)
        value = _weigh(target, sums, rows, free)
        if value < best:
            gain = (best - value) / predicted if predicted > 0.0 else 0.0
            _normal(sums, rows, free, new_hessian, new_gradient)
            for a in range(f):
                _copy(new_hessian[a], hessian[a])
            _copy(new_gradient, gradient)
            _copy(trial, theta)
            # along a direction without effect there is no end, and nothing to gain
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


@part()
def _keep_columns(rows, weight, kinds, terms, has_shape, first, columns, norm):
    """Write each term's own weighted Z, of unit length, into the pool of columns.

    Z is homogeneous of degree one in its amplitudes, and so is each term of the outermost sum:
    its Z is the sum of its dZ/dln A.
    """
    for t in range(has_shape.size):
        if first > 0 and not has_shape[t]:
            continue
        column = columns[first + t]
        for i in range(column.size):
            column[i] = 0.0
        for k in range(terms.size):
            if terms[k] == t and kinds[k] == AMPLITUDE:
                _add(rows[k], column)
        _scale(column, weight)
        norm[first + t] = 1.0 / math.sqrt(_dot(column, column) + 1e-300)
        for i in range(column.size):
            column[i] *= norm[first + t]


@part()
def _members(kinds, free, terms, nested, exchange, n_draws):
    """Return which terms have a shape to find, which may be scaled, and the columns each may choose from.

    The columns of draw d are d * terms + term. Arcs that may change places share theirs.
    """
    n = 0
    for k in range(terms.size):
        n = max(n, terms[k] + 1)
    has_shape = np.zeros(n, np.bool_)
    is_scaled = np.ones(n, np.bool_)
    is_free = np.zeros(terms.size, np.bool_)
    for k in free:
        is_free[k] = True
        if kinds[k] != AMPLITUDE or nested[k]:
            has_shape[terms[k]] = True
    for k in range(terms.size):
        if kinds[k] == AMPLITUDE and not is_free[k]:
            is_scaled[terms[k]] = False
    alike = np.arange(n)
    for a in range(1, exchange.shape[0]):
        if exchange[a, 0] == exchange[a - 1, 0]:
            alike[terms[exchange[a, 1]]] = alike[terms[exchange[a - 1, 1]]]
    options = np.empty((n, n * n_draws), np.int64)
    n_options = np.zeros(n, np.int64)
    for t in range(n):
        for d in range(n_draws if has_shape[t] else 1):
            for u in range(n):
                if alike[u] == alike[t]:
                    options[t, n_options[t]] = d * n + u
                    n_options[t] += 1
    return has_shape, is_scaled, options, n_options


@part()
def _correlate(columns, data, options, n_options, gram, right):
    """Fill the products of all columns that may be chosen with each other and with the data."""
    used = np.zeros(right.size, np.bool_)
    for t in range(n_options.size):
        for a in range(n_options[t]):
            used[options[t, a]] = True
    for a in range(right.size):
        if used[a]:
            right[a] = _dot(columns[a], data)
            for c in range(a + 1):
                if used[c]:
                    gram[a, c] = _dot(columns[a], columns[c])
                    gram[c, a] = gram[a, c]


@part()
def _best_choice(t, choice, is_scaled, options, taken, gram, right, small, solution, trial):
    """Return the column for term t that lowers F most while the other terms keep theirs.

    One column after the other completes the Cholesky factor of the others; it is passed over where an
    amplitude would be negative.
    """
    n = 0
    others = np.empty(choice.size, np.int64)
    for k in range(choice.size):
        if k != t and is_scaled[k]:
            others[n] = choice[k]
            n += 1
    for a in range(n):
        for c in range(a + 1):
            total = gram[others[a], others[c]]
            for k in range(c):
                total -= small[a, k] * small[c, k]
            small[a, c] = math.sqrt(max(total, 1e-12)) if a == c else total / small[c, c]
        total = right[others[a]]
        for k in range(a):
            total -= small[a, k] * solution[k]
        solution[a] = total / small[a, a]
    best, most = choice[t], 0.0
    for option in options:
        if taken[option]:
            continue
        rest, slope = 1.0, right[option]
        for a in range(n):
            total = gram[others[a], option]
            for k in range(a):
                total -= small[a, k] * trial[k]
            trial[a] = total / small[a, a]
            rest -= trial[a] ** 2
            slope -= trial[a] * solution[a]
        if rest < 1e-7 or slope <= 0.0 or slope * slope / rest <= most:
            continue
        x = slope / rest
        positive = True
        for a in range(n - 1, -1, -1):
            total = solution[a] - trial[a] * x
            for k in range(a + 1, n):
                total -= small[k, a] * trial[k]
            trial[a] = total / small[a, a]
            positive = positive and trial[a] > 0.0
        if positive:
            best, most = option, slope * slope / rest
    return best


@part()
def _descend(
    d, draws, kinds, terms, exchange, has_shape, is_scaled, options, n_options, taken, one_shape, gram, right,
    energy, norm, lower, upper, theta,
):  # fmt: skip
    """Exchange columns from draw d on until none is better; write the end to theta and return its F."""
    n = has_shape.size
    choice = np.empty(n, np.int64)
    small = np.empty((n, n))
    solution, trial = np.empty(n), np.empty(n)
    for t in range(n):
        choice[t] = d * n + t if has_shape[t] else t
    # terms of a given size belong to the data
    reduced = right.copy()
    for t in range(n):
        if not is_scaled[t]:
            x = 1.0 / norm[choice[t]]
            energy -= 2.0 * x * reduced[choice[t]] - x * x
            for a in range(reduced.size):
                reduced[a] -= x * gram[a, choice[t]]
    for _ in range(SWEEPS):
        changed = False
        for t in range(n):
            if has_shape[t] and is_scaled[t]:
                best = _best_choice(
                    t, choice, is_scaled, options[t, : n_options[t]], taken, gram, reduced, small, solution, trial
                )
                changed = changed or best != choice[t]
                choice[t] = best
        if not changed:
            break
    if one_shape:  # else every way would end there
        for t in range(n):
            taken[choice[t]] = has_shape[t] and is_scaled[t]
    m = 0
    for t in range(n):
        if is_scaled[t]:
            solution[m] = reduced[choice[t]]
            c = 0
            for u in range(n):
                if is_scaled[u]:
                    small[m, c] = gram[choice[t], choice[u]]
                    c += 1
            m += 1
    value = energy + nnls(small, solution, trial, m)
    m = 0
    for t in range(n):
        draw, source = choice[t] // n, choice[t] % n
        change = 0.0
        if is_scaled[t]:
            change = math.log(max(trial[m] * norm[choice[t]], 1e-3))
            m += 1
        if source == t:
            for k in range(terms.size):
                if terms[k] == t:
                    theta[k] = draws[draw, k]
        else:
            own, other = 0, 0
            for a in range(exchange.shape[0]):
                own = a if terms[exchange[a, 1]] == t else own
                other = a if terms[exchange[a, 1]] == source else other
            for a in range(1, exchange.shape[1]):
                if exchange[own, a] >= 0:
                    theta[exchange[own, a]] = draws[draw, exchange[other, a]]
        for k in range(terms.size):
            if terms[k] == t and kinds[k] == AMPLITUDE and is_scaled[t]:
                theta[k] = min(max(theta[k] + min(change, 30.0), lower[k]), upper[k])
    return value


@part()
def _draw(theta, kinds, free, lower, upper, nested, irrational, index, window):
    """Draw time constants over the window, exponents, and the sizes of nested amplitudes."""
    low, high = window
    for i in free:
        u = index * irrational[i]
        u -= math.floor(u)
        value = 0.0
        if kinds[i] == EXPONENT:
            value = min(upper[i], 1.0) - 0.45 * u * u - 0.02
        elif kinds[i] == LOG_TAU:
            value = low + (high - low) * u
        elif nested[i]:
            value = 8.0 * (u - 0.5)
        theta[i] = min(max(value, lower[i]), upper[i])


@part()
def _sort_taus(theta, exchange):
    """Put exchangeable arcs in order of tau, so that equal starts are recognised and labels stay."""
    for a in range(1, exchange.shape[0]):
        for c in range(a, 0, -1):
            if exchange[c, 0] != exchange[c - 1, 0]:
                break
            if theta[exchange[c, 2]] < theta[exchange[c - 1, 2]]:
                for k in range(1, exchange.shape[1]):
                    i, j = exchange[c, k], exchange[c - 1, k]
                    if i >= 0:
                        theta[i], theta[j] = theta[j], theta[i]
            else:
                break


@part()
def _distance(a, b, shape):
    """Return the largest difference in the parameters that give a spectrum its shape."""
    far = 0.0
    for i in shape:
        far = max(far, abs(a[i] - b[i]))
    return far


@part()
def _find(theta, value, minima, values, n_minima, shape):
    """Return the known minimum that this end belongs to, or -1."""
    for m in range(n_minima):
        # along a direction without effect, ends lie far apart and are equally good
        if abs(value - values[m, 0]) <= EQUAL * values[m, 0]:
            return m
        alike = values[m, 0] * 0.999 <= value <= values[m, 0] * 1.05
        if alike and _distance(theta, minima[m], shape) < SAME:
            return m
    return -1


@part()
def _record(theta, value, converged, count, minima, values, hits, n_minima, shape):
    """Put where ``count`` starts ended among the distinct minima, in order of F; return their number."""
    if not math.isfinite(value):
        return n_minima
    m = _find(theta, value, minima, values, n_minima, shape)
    if m >= 0:
        hits[m] += count
        if value < values[m, 0]:
            values[m, 0] = value
            values[m, 1] = 1.0 if converged else 0.0
            _copy(theta, minima[m])
        return n_minima
    place = n_minima
    while place > 0 and value < values[place - 1, 0]:
        place -= 1
    if place >= minima.shape[0]:
        return n_minima
    for m in range(min(n_minima, minima.shape[0] - 1), place, -1):
        _copy(minima[m - 1], minima[m])
        _copy(values[m - 1], values[m])
        hits[m] = hits[m - 1]
    _copy(theta, minima[place])
    values[place, 0] = value
    values[place, 1] = 1.0 if converged else 0.0
    hits[place] = count
    return min(n_minima + 1, minima.shape[0])


@kernel(
    I64(
        MODEL, MINIMISER, *CIRCUIT, I64[::1], F64[::1], F64[::1], F64[::1], I64[::1], I64[::1],
        numba.boolean[::1], I64[:, ::1], F64[:, ::1], I64, F64[::1],
        F64, F64, F64, I64, F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1],
        F64[:, ::1], F64[:, ::1], I64[::1], F64[:, ::1],
    )
)  # fmt: skip
def search(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper,
    fixed_theta, free, terms, nested, exchange, starts, first,
    irrational, window_low, window_high, floor, rounds,
    grid, target, sums, rows, minima, values, hits, hessian,
):  # fmt: skip
    """Find the minima of F from many deterministic starts; return how many were found.

    Each round draws time constants and exponents, which makes a pool of columns for each term of the
    circuit's outermost sum. From several draws on, one term after the other exchanges its column for the
    best in the pool, with the amplitudes solved for. The ends that differ from each other and from the
    known minima are begun by short Levenberg-Marquardt runs, the best of them to the end. Rounds go on
    until F is near ``floor`` and nothing better turns up; where that floor is not reached, until the best
    minimum has been confirmed.

    Parameters
    ----------
    evaluate, minimise : functions
        Those of this package.
    operations, offsets, parents, groups
        The program; see :func:`eistool.kernels.model.evaluate`.
    kinds : int64, shape (p,)
        AMPLITUDE, LOG_TAU or EXPONENT.
    lower, upper, fixed_theta : float64, shape (p,)
        Bounds, and the values of parameters that are not free.
    free : int64, shape (f,)
        Free parameters.
    terms : int64, shape (p,)
        Term of the outermost sum that each parameter belongs to.
    nested : bool, shape (p,)
        Amplitudes on which Z does not depend linearly.
    exchange : int64, shape (arcs, 4)
        Class, then the parameters (-1 for none) of arcs that may change places.
    starts : float64, shape (s, p)
        Starts that are always taken to the end.
    first : int
        Where in the low-discrepancy sequence to begin.
    irrational : float64, shape (p,)
        The sequence: fractional part of index * irrational.
    window_low, window_high : float64
        Range of ln tau.
    floor : float64
        F below which the circuit describes the data as well as the ladder.
    rounds : int
        At most so many rounds.
    grid, sums, rows
        See :func:`eistool.kernels.model.evaluate`.
    target : float64, shape (2, 2 n)
        Data and weights; 0 where there is no point.
    minima : float64, shape (m, p)
        Distinct minima are written here, the best first.
    values : float64, shape (m, 2)
        Their F, and 1 where the run converged.
    hits : int64, shape (m + 1,)
        How many starts led to each; the last item counts all starts.
    hessian : float64, shape (f, f)
        JᵀJ at the best minimum.
    """
    p = fixed_theta.size
    f = free.size
    gradient = np.empty(f)
    scratch = np.empty((f, f))
    n_shape = 0
    shape = np.empty(f, np.int64)
    for i in free:
        if kinds[i] == LOG_TAU or nested[i]:
            shape[n_shape] = i
            n_shape += 1
    shape = shape[:n_shape]
    n_minima = 0
    for m in range(hits.size):
        hits[m] = 0
    theta = np.empty(p)
    for s in range(starts.shape[0]):
        _copy(starts[s], theta)
        value, converged = minimise(
            evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
            grid, target, sums, rows, scratch, gradient, 200, 1e-9,
        )  # fmt: skip
        _sort_taus(theta, exchange)
        hits[-1] += 1
        n_minima = _record(theta, value, converged, 1, minima, values, hits, n_minima, shape)

    n_draws = min(max(n_shape, 1) * N_DRAWS, MOST_DRAWS)
    has_shape, is_scaled, options, n_options = _members(kinds, free, terms, nested, exchange, n_draws)
    n_terms = has_shape.size
    draws = np.empty((n_draws, p))
    columns = np.empty((n_draws * n_terms, target.shape[1]))
    norm = np.empty(n_draws * n_terms)
    gram = np.empty((n_draws * n_terms, n_draws * n_terms))
    right = np.empty(n_draws * n_terms)
    taken = np.zeros(n_draws * n_terms, np.bool_)
    one_shape = n_shape > 3 and np.sum(has_shape & is_scaled) == 1
    data = target[0] * target[1]
    energy = _dot(data, data)
    candidates = np.empty((N_STARTS, p))
    scores = np.empty(N_STARTS)
    order = np.empty(N_STARTS, np.int64)
    picked = np.empty(N_STARTS, np.int64)
    count = np.empty(N_STARTS, np.int64)
    index, quiet, last_best = first, 0, np.inf
    for _ in range(rounds):
        for d in range(n_draws):
            index += 1
            _copy(fixed_theta, draws[d])
            _draw(draws[d], kinds, free, lower, upper, nested, irrational, index, (window_low, window_high))
            _sort_taus(draws[d], exchange)
            evaluate(operations, offsets, parents, groups, draws[d], grid, sums, rows)
            _keep_columns(rows, target[1], kinds, terms, has_shape, d * n_terms, columns, norm)
        _correlate(columns, data, options, n_options, gram, right)
        taken[:] = False
        for c in range(N_STARTS):
            order[c] = c
            scores[c] = _descend(
                c, draws, kinds, terms, exchange, has_shape, is_scaled, options, n_options, taken, one_shape, gram,
                right, energy, norm, lower, upper, candidates[c],
            )  # fmt: skip
            _sort_taus(candidates[c], exchange)
            if not math.isfinite(scores[c]):
                scores[c] = np.inf

        # starts that differ from each other and from what is known; like ones count together
        n_picked = 0
        _sort_by(scores, order, N_STARTS)
        for c in order:
            if scores[c] == np.inf:
                break
            hits[-1] += 1
            new = True
            for m in range(n_minima):
                if new and _distance(candidates[c], minima[m], shape) <= APART:
                    hits[m] += 1
                    new = False
            for k in range(n_picked):
                if new and _distance(candidates[c], candidates[picked[k]], shape) <= APART:
                    count[picked[k]] += 1
                    new = False
            if new:
                picked[n_picked] = c
                count[c] = 1
                n_picked += 1
        for stage in range(2):
            n = n_picked if stage == 0 else min(n_picked, N_KEPT)
            for k in range(n):
                c = picked[k]
                scores[c], _ = minimise(
                    evaluate, operations, offsets, parents, groups, candidates[c], lower, upper, kinds, free,
                    grid, target, sums, rows, scratch, gradient, 5 if stage == 0 else 10, 1e-4,
                )  # fmt: skip
                _sort_taus(candidates[c], exchange)
            _sort_by(scores, picked, n)
        finished = 0
        for k in range(min(n_picked, N_KEPT)):
            c = picked[k]
            if scores[c] == np.inf:
                continue
            m = _find(candidates[c], scores[c], minima, values, n_minima, shape)
            if m >= 0 and scores[c] >= values[m, 0] * (1.0 - 1e-9):
                hits[m] += count[c]
            elif finished < N_FINISHED and (n_minima == 0 or scores[c] < PROMISING * values[0, 0]):
                finished += 1
                value, converged = minimise(
                    evaluate, operations, offsets, parents, groups, candidates[c], lower, upper, kinds, free,
                    grid, target, sums, rows, scratch, gradient, 200, 1e-9,
                )  # fmt: skip
                _sort_taus(candidates[c], exchange)
                n_minima = _record(
                    candidates[c], value, converged, count[c], minima, values, hits, n_minima, shape
                )
        if n_minima > 0:
            best = values[0, 0]
            quiet = 0 if best < 0.9999 * last_best else quiet + 1
            last_best = best
            beyond = best / floor - NEAR_FLOOR if floor > 0.0 else np.inf
            if n_shape == 0 or beyond < BELOW_FLOOR:
                patience = 0.0 if n_shape == 0 else SILENT
            elif beyond <= 0.0:
                patience = 0.0 if best <= 0.99 * floor or hits[0] == hits[-1] else QUIET
            else:
                patience = min(QUIET + PERSISTENCE * beyond, SILENT)
            if quiet >= patience and (patience < SILENT or hits[0] >= CONFIRMED):
                break
    if n_minima > 0:
        _copy(minima[0], theta)
        value, converged = minimise(
            evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
            grid, target, sums, rows, hessian, gradient, 1000, 1e-11,
        )  # fmt: skip
        if value <= values[0, 0]:
            values[0, 0] = value
            values[0, 1] = max(values[0, 1], 1.0 if converged else 0.0)
            _copy(theta, minima[0])
    return n_minima


@kernel("void(float64[:, ::1], float64[:, ::1])")
def invert(matrix, inverse):
    """Write the inverse of a positive matrix; directions without any effect keep a huge but finite value.

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
                for j in range(i + 1):
                    factor[i, j] = matrix[i, j] * scale[i] * scale[j] + (ridge if i == j else 0.0)
            if _cholesky_solve(factor, unit, n) or ridge > 1.0:
                break
            ridge *= 10.0
        for i in range(n):
            inverse[i, k] = unit[i] * scale[i] * scale[k]


@part()
def _rise_without(own, kinds, free, inverse):
    """Return how much F rises where a part of the circuit is taken away and all others follow.

    Z of a part is the sum of its derivatives by the logarithms of its amplitudes.
    """
    f = free.size
    members = np.empty(f, np.int64)
    n = 0
    for a in range(f):
        if own[free[a]]:
            members[n] = a
            n += 1
    block = np.empty((n, n))
    step = np.empty(n)
    for a in range(n):
        for c in range(n):
            block[a, c] = inverse[members[a], members[c]]
        step[a] = 1.0 if kinds[free[members[a]]] == AMPLITUDE else 0.0
    curvature = np.empty((n, n))
    invert(block, curvature)
    rise = 0.0
    for a in range(n):
        for c in range(n):
            rise += step[a] * curvature[a, c] * step[c]
    return rise


@part()
def _widen(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free,
    best, value, covariance, variance, least, grid, target, sums, rows, widening,
):  # fmt: skip
    """Write by how much standard errors are larger than the curvature of F at the minimum says."""
    f = free.size
    others = np.empty(f - 1, np.int64)
    hessian = np.empty((f - 1, f - 1))
    gradient = np.empty(f - 1)
    theta = np.empty(best.size)
    for a in range(f):
        i = free[a]
        curvature_error = math.sqrt(covariance[i, i])
        if not (least < curvature_error < WIDEST):
            continue
        n = 0
        for c in range(f):
            if c != a:
                others[n] = free[c]
                n += 1
        for side in (-FAR_OUT, FAR_OUT):
            sigma = curvature_error
            _copy(best, theta)
            before = 0.0
            for _ in range(3):
                move = side * sigma
                if best[i] + move > upper[i] or best[i] + move < lower[i]:
                    break
                for c in range(f):
                    k = free[c]
                    shifted = theta[k] + (move - before) * covariance[k, i] / covariance[i, i]
                    theta[k] = min(max(shifted, lower[k]), upper[k])
                theta[i] = best[i] + move
                before = move
                moved, _ = minimise(
                    evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, others,
                    grid, target, sums, rows, hessian, gradient, 15, 1e-5,
                )  # fmt: skip
                rise = (moved - value) / (FAR_OUT * FAR_OUT * variance)
                if rise > 0.8:
                    break
                sigma = min(sigma / math.sqrt(max(rise, 0.1)), WIDEST)
            widening[i] = max(widening[i], sigma / curvature_error)


@kernel(
    numba.void(
        MODEL, MINIMISER, *CIRCUIT, I64[::1], F64[::1], F64[::1], I64[::1], F64[:, ::1], F64[:, ::1], I64, F64,
        F64[:, ::1], numba.boolean[:, ::1], F64, F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1],
        F64[:, ::1], F64[::1],
    )
)  # fmt: skip
def spread(
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free,
    minima, values, n_minima, variance, hessian, parts, least, grid, target, sums, rows, covariance, rises,
):  # fmt: skip
    """Find the covariance of theta, and what each part of the circuit is worth.

    The curvature of F at the best minimum gives it where the model is linear. Where it is not, errors grow:
    one parameter moves by three standard errors and the others follow; F should rise by 9 variances, and
    where it rises less, the error grows until it agrees with the rise. Other minima count with their
    likelihood, as modes of a mixture. Parameters at a bound count as free: the errors of the others
    would be too small if they rested on the bound being the truth.

    Parameters
    ----------
    evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free, grid, target, sums, rows
        As in :func:`search`.
    minima, values, n_minima, hessian
        What :func:`search` found.
    variance : float64
        Of a weighted residual.
    parts : bool, shape (q, p)
        Parameters of each part.
    least : float64
        Standard errors below this (in logarithms or exponents) are small enough to be linear.
    covariance : float64, shape (p, p)
        Written; 0 for fixed parameters.
    rises : float64, shape (q,)
        Written: how much F rises without the part, in units of the variance.
    """
    f = free.size
    best, value = minima[0], values[0, 0]
    inverse = np.empty((f, f))
    invert(hessian, inverse)
    for q in range(rises.size):
        rises[q] = _rise_without(parts[q], kinds, free, inverse) / max(variance, 1e-300)
    covariance[:] = 0.0
    for a in range(f):
        for c in range(f):
            covariance[free[a], free[c]] = inverse[a, c] * variance
    widening = np.ones(best.size)
    if f > 1 and variance > 0.0:
        _widen(
            evaluate, minimise, operations, offsets, parents, groups, kinds, lower, upper, free,
            best, value, covariance, variance, least, grid, target, sums, rows, widening,
        )  # fmt: skip
        # along the way of the others, so that a sum which is well known stays so
        narrow = covariance.copy()
        for _ in range(f):
            i = free[0]
            for k in free:
                i = k if widening[k] > widening[i] else i
            missing = widening[i] ** 2 * narrow[i, i] - covariance[i, i]
            widening[i] = 1.0
            if missing > 0.0:
                for a in free:
                    for c in free:
                        covariance[a, c] += missing * narrow[i, a] * narrow[i, c] / narrow[i, i] ** 2
    total = 0.0
    for m in range(n_minima):
        total += math.exp(-0.5 * (values[m, 0] - value) / max(variance, 1e-300))
    for m in range(1, n_minima):
        weight = math.exp(-0.5 * (values[m, 0] - value) / max(variance, 1e-300)) / total
        if weight > 0.0:
            for a in free:
                for c in free:
                    covariance[a, c] += weight * (minima[m, a] - best[a]) * (minima[m, c] - best[c])


# what search and spread take as their first two arguments
KERNELS = (as_argument(evaluate, EVALUATE), as_argument(minimise, MINIMISE))
search_directly, spread_directly = direct(search), direct(spread)
