"""Starts of a search: the outermost sum of a circuit, composed from a pool of drawn columns.

Shapes: as in :mod:`eistool.kernels.least_squares`; t terms of the outermost sum, d draws, k = d t columns,
s starts.
"""

import math

import numba
import numpy as np

from eistool.kernels.jit import as_argument, kernel, part
from eistool.kernels.least_squares import (
    CIRCUIT,
    F64,
    I64,
    MODEL,
    add,
    cholesky_solve,
    copy,
    dot,
    multiply_rows,
    nnls,
    scale,
)
from eistool.kernels.parameters import AMPLITUDE, EXPONENT, LOG_TAU

SWEEPS = 4  # maximum number of exchanges of every term; two are typical
# share of the pool that is closed to a start, so that starts end apart; set on tests.benchmarks.search
CLOSED = 0.6
GOLDEN = 0.6180339887498949  # fractional parts of its multiples are evenly distributed
# share of the draws beyond each end of the window, and their range in e-folds; set on tests.benchmarks.hard
TAIL, OUTSIDE = 0.1, 6.0
WIDEST = 0.7  # range of the draws of an exponent
# steps from a known minimum: range of their sizes, in standard deviations; these, in logarithms and exponents, or
# for a rise by F; and the farthest ones; set on tests.benchmarks.search
KICK, KICKED, FARTHEST_KICK = (0.35, 1.4), (1.0, 0.1), (4.0, 0.4)


@part()
def _keep_columns(rows, weight, kinds, terms, has_shape, first, columns, norm):
    """Compute the weighted Z of each term, normalised to unit length, in the pool of columns.

    Each term of the outermost sum is homogeneous of degree one in its amplitudes: Z is the sum of its
    dZ/dln A.
    """
    for t in range(has_shape.size):
        if first > 0 and not has_shape[t]:
            continue
        column = columns[first + t]
        for i in range(column.size):
            column[i] = 0.0
        for k in range(terms.size):
            if terms[k] == t and kinds[k] == AMPLITUDE:
                add(rows[k], column)
        scale(column, weight)
        norm[first + t] = 1.0 / math.sqrt(dot(column, column) + 1e-300)
        for i in range(column.size):
            column[i] *= norm[first + t]


@part()
def _correlate(columns, data, options, n_options, gram, right):
    """Compute inner products of all available columns with each other and with the data."""
    is_used = np.zeros(right.size, np.bool_)
    for t in range(n_options.size):
        for a in range(n_options[t]):
            is_used[options[t, a]] = True
    used = np.flatnonzero(is_used)
    multiply_rows(columns, used, used, gram)
    for a in used:
        right[a] = dot(columns[a], data)


@part()
def _best_choice(t, choice, is_scaled, options, closed, gram, right, small, solution, trial):
    """Return the column for term t that lowers F most with the columns of the other terms held.

    Each column in turn completes the Cholesky factor of the others; columns that are closed, or make an
    amplitude negative, are skipped.
    """
    # the diagonal of the factor holds reciprocals
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
            small[a, c] = 1.0 / math.sqrt(max(total, 1e-12)) if a == c else total * small[c, c]
        total = right[others[a]]
        for k in range(a):
            total -= small[a, k] * solution[k]
        solution[a] = total * small[a, a]
    best, most = choice[t], 0.0
    for option in options:
        if closed[option]:
            continue
        rest, slope = 1.0, right[option]
        for a in range(n):
            total = gram[others[a], option]
            for k in range(a):
                total -= small[a, k] * trial[k]
            trial[a] = total * small[a, a]
            rest -= trial[a] ** 2
            slope -= trial[a] * solution[a]
        if rest < 1e-7 or slope <= 0.0 or slope * slope <= most * rest:
            continue
        x = slope / rest
        positive = True
        for a in range(n - 1, -1, -1):
            total = solution[a] - trial[a] * x
            for k in range(a + 1, n):
                total -= small[k, a] * trial[k]
            trial[a] = total * small[a, a]
            positive = positive and trial[a] > 0.0
        if positive:
            best, most = option, slope * slope / rest
    return best


@part()
def _descend(
    d, held, draws, kinds, terms, exchange, has_shape, is_scaled, options, n_options, closed,
    gram, right, energy, norm, lower, upper, theta,
):  # fmt: skip
    """Exchange columns, starting from draw d, until F stops decreasing; write theta and return F.

    One term may be held at its initial column, to diversify the results.
    """
    n = has_shape.size
    choice = np.empty(n, np.int64)
    small = np.empty((n, n))
    solution, trial = np.empty(n), np.empty(n)
    for t in range(n):
        choice[t] = d * n + t if has_shape[t] else t
    # terms with fixed amplitudes are subtracted from the data
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
            if has_shape[t] and is_scaled[t] and t != held:
                best = _best_choice(
                    t, choice, is_scaled, options[t, : n_options[t]], closed, gram, reduced, small, solution, trial
                )
                changed = changed or best != choice[t]
                choice[t] = best
        if not changed:
            break
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
            to, origin = 0, 0
            for a in range(exchange.shape[0]):
                to = a if terms[exchange[a, 1]] == t else to
                origin = a if terms[exchange[a, 1]] == source else origin
            for a in range(1, exchange.shape[1]):
                if exchange[to, a] >= 0:
                    theta[exchange[to, a]] = draws[draw, exchange[origin, a]]
        for k in range(terms.size):
            if terms[k] == t and kinds[k] == AMPLITUDE and is_scaled[t]:
                theta[k] = min(max(theta[k] + min(change, 30.0), lower[k]), upper[k])
    return value


@part()
def _draw(theta, kinds, free, lower, upper, nested, irrational, index, low, high):
    """Draw time constants over the window, exponents, and nested amplitudes."""
    for i in free:
        u = index * irrational[i]
        u -= math.floor(u)
        value = 0.0
        if kinds[i] == EXPONENT:
            top = min(upper[i], 1.0)
            value = top - 0.02 - min(top - lower[i], WIDEST) * u * u
        elif kinds[i] == LOG_TAU:
            # some far outside, for arcs of which only a flank is measured
            value = low + (high - low) * (u - TAIL) / (1.0 - 2.0 * TAIL)
            if u < TAIL:
                value = low - OUTSIDE * (1.0 - u / TAIL)
            elif u > 1.0 - TAIL:
                value = high + OUTSIDE * (1.0 - (1.0 - u) / TAIL)
        elif nested[i]:
            value = 8.0 * (u - 0.5)
        theta[i] = min(max(value, lower[i]), upper[i])


@part()
def sort_taus(theta, exchange):
    """Sort interchangeable arcs by tau, so that equal starts are recognised and labels are unique."""
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
def kick(theta, value, hessian, free, kinds, lower, upper, irrational, k):
    """Move theta away from a minimum, alternately by the same in all parameters and by the same rise in F.

    The latter steps are long in flat valleys. ``hessian`` is JᵀJ at the minimum, ``value`` its F, and ``k`` the
    number of the step.
    """
    f = free.size
    size = KICK[0] + (KICK[1] - KICK[0]) * (k * GOLDEN - math.floor(k * GOLDEN))
    step = np.empty(f)
    for a in range(f):
        u = k * irrational[free[a]] + a * GOLDEN
        step[a] = math.sqrt(3.0) * (2.0 * (u - math.floor(u)) - 1.0) * size
    if k % 2 == 0:
        for a in range(f):
            step[a] *= KICKED[1] if kinds[free[a]] == EXPONENT else KICKED[0]
    else:
        matrix, norm = np.empty((f, f)), np.empty(f)
        for a in range(f):
            norm[a] = 1.0 / math.sqrt(hessian[a, a] + 1e-300)
            for c in range(a + 1):
                matrix[c, a] = hessian[a, c] * norm[a] * norm[c]
            matrix[a, a] += 1e-6
        cholesky_solve(matrix, np.zeros(f), f)
        for a in range(f - 1, -1, -1):
            for c in range(a + 1, f):
                step[a] -= matrix[a, c] * step[c]
            step[a] /= matrix[a, a]
        for a in range(f):
            step[a] *= norm[a] * math.sqrt(value)
    for a in range(f):
        i = free[a]
        most = FARTHEST_KICK[1] if kinds[i] == EXPONENT else FARTHEST_KICK[0]
        theta[i] = min(max(theta[i] + min(max(step[a], -most), most), lower[i]), upper[i])


PROPOSE = numba.void(
    MODEL, *CIRCUIT, I64[::1], F64[::1], F64[::1], F64[::1], I64[::1], I64[::1], numba.boolean[::1], I64[:, ::1],
    numba.boolean[::1], numba.boolean[::1], I64[:, ::1], I64[::1], I64, F64[::1], F64, F64,
    F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[::1],
)  # fmt: skip
PROPOSER = numba.types.FunctionType(PROPOSE)


@kernel(PROPOSE)
def propose(
    evaluate, operations, offsets, parents, groups, kinds, lower, upper, fixed_theta, free, terms, nested,
    exchange, has_shape, is_scaled, options, n_options, first, irrational, low, high,
    grid, target, sums, rows, columns, candidates, scores,
):  # fmt: skip
    """Propose starts and compute F of each: draws whose columns have been exchanged for the best ones.

    Parameters
    ----------
    evaluate, operations, offsets, parents, groups, kinds, lower, upper, grid, target, sums, rows
        As in :func:`eistool.kernels.search.search`.
    fixed_theta, free, terms, nested, exchange, has_shape, is_scaled, options, n_options, irrational
        As in :func:`eistool.kernels.search.search`.
    first : int
        Index of the first draw.
    low, high : float64
        Range of ln tau.
    columns : float64, shape (k, 2 n)
        Work space for the pool.
    candidates : float64, shape (s, p)
        Output: the starts.
    scores : float64, shape (s,)
        Output: F if all terms are in series; an estimate for nested amplitudes.
    """
    n_terms = has_shape.size
    n_columns = columns.shape[0]
    n_draws = n_columns // n_terms
    draws = np.empty((n_draws, fixed_theta.size))
    norm = np.empty(n_columns)
    gram = np.empty((n_columns, n_columns))
    right = np.empty(n_columns)
    closed = np.empty(n_columns, np.bool_)
    data = target[0] * target[1]
    energy = dot(data, data)
    movable = np.flatnonzero(has_shape & is_scaled)
    for d in range(n_draws):
        copy(fixed_theta, draws[d])
        _draw(draws[d], kinds, free, lower, upper, nested, irrational, first + d, low, high)
        sort_taus(draws[d], exchange)
        evaluate(operations, offsets, parents, groups, draws[d], grid, sums, rows)
        _keep_columns(rows, target[1], kinds, terms, has_shape, d * n_terms, columns, norm)
    _correlate(columns, data, options, n_options, gram, right)
    turn = first // n_draws
    for c in range(scores.size):
        start = turn * scores.size + c
        for k in range(n_columns):
            u = (k + 1) * (start + 1) * GOLDEN
            closed[k] = has_shape[k % n_terms] and u - math.floor(u) < CLOSED
        held = movable[(turn + c) % movable.size] if c % 2 == 1 and movable.size > 1 else -1
        scores[c] = _descend(
            c % n_draws, held, draws, kinds, terms, exchange, has_shape, is_scaled, options, n_options, closed,
            gram, right, energy, norm, lower, upper, candidates[c],
        )  # fmt: skip
        sort_taus(candidates[c], exchange)
        if not math.isfinite(scores[c]):
            scores[c] = np.inf


PROPOSE_STARTS = as_argument(propose, PROPOSE)
