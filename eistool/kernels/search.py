"""Multistart search for the minima of F, with deterministic starts.

Shapes: as in :mod:`eistool.kernels.least_squares` and :mod:`eistool.kernels.starts`; m minima.
"""

import math
from typing import Annotated

import numba
import numpy as np

from eistool.kernels.jit import direct, kernel, part
from eistool.kernels.least_squares import CIRCUIT, EQUAL, F64, I64, MINIMISER, MODEL, copy
from eistool.kernels.parameters import EXPONENT
from eistool.kernels.starts import PROPOSER, kick, sort_taus
from eistool.typing import Threshold

# starts begun, pursued and finished per round: effort, set on tests.benchmarks.recovery and hard
N_STARTS, N_KEPT, N_FINISHED = 6, 3, 3
N_KICKS = 6  # starts per round near known minima; effort, set on tests.benchmarks.search
PROMISING = 3.0  # runs with F below this multiple of the best are finished; effort, set on the same benchmarks
APART = 0.8  # e-folds in a time constant between distinct starts; effort, set on the same benchmarks
PER_EXPONENT = (
    4.0  # e-folds in a time constant that are as far as a difference of 1 in an exponent; effort, as above
)
SAME: Annotated[
    float,
    Threshold(
        "e-folds in time constants, a quarter of it in exponents: within, two ends with similar S are one minimum",
        "imaginary parts of RC elements at this distance d overlap by d/sinh d = 98.5 %; only counts and lists of "
        "minima depend on it",
    ),
] = 0.3
NEAR_FLOOR: Annotated[
    float,
    Threshold("S, relative to the floor of the ladder, at which the search may stop", "tests.benchmarks.hard"),
] = 1.05
BELOW_FLOOR: Annotated[
    float,
    Threshold(
        "excess of S over the floor below which the ladder does not describe the data and is ignored",
        "tests.benchmarks.hard (inductive circuits)",
    ),
] = -0.2
ACCEPTED_NEAR: Annotated[
    float,
    Threshold(
        "probability of a better minimum at which a search near the floor may end",
        "tests.benchmarks.search and fit: near the floor minima differ by less than the noise tells apart",
    ),
] = 0.05
# logistic regression of the probability that a better minimum was missed, on 1, the number of time constants,
# ln(1 + rounds x share of starts at the best), ln(1 + steps from known minima that came back to the best), and
# whether S is near the floor
MISSED = (-2.17, 0.31, -0.79, -0.91, 0.41)  # on measured sweeps of tests.benchmarks.search
# probability of a better minimum that few starts lead to, and the share of these; on the same sweeps
RARE, FEW = 0.06, 0.04


@part()
def _chance_missed(n_taus, n_starts, agreed, returned, is_near):
    """Return the probability that a better minimum was missed."""
    constant, by_taus, by_starts, by_returns, by_floor = MISSED
    logit = constant + by_taus * n_taus + (by_floor if is_near else 0.0)
    logit += by_starts * math.log(1.0 + agreed) + by_returns * math.log(1.0 + returned)
    return min(1.0 / (1.0 + math.exp(-logit)) + RARE * (1.0 - FEW) ** n_starts, 1.0)


@part()
def _sort_by(scores, order, n):
    """Sort the leading n indices by their scores."""
    for a in range(1, n):
        item = order[a]
        c = a
        while c > 0 and scores[item] < scores[order[c - 1]]:
            order[c] = order[c - 1]
            c -= 1
        order[c] = item


@part()
def _distance(a, b, shape, kinds):
    """Return the largest difference in the shape parameters; a difference in an exponent counts PER_EXPONENT."""
    far = 0.0
    for i in shape:
        difference = abs(a[i] - b[i])
        far = max(far, PER_EXPONENT * difference if kinds[i] == EXPONENT else difference)
    return far


@part()
def _find(theta, value, minima, values, n_minima, shape, kinds):
    """Return the index of the known minimum that equals theta, or -1."""
    for m in range(n_minima):
        # along flat directions, equally good ends lie far apart
        if abs(value - values[m, 0]) <= EQUAL * values[m, 0]:
            return m
        alike = values[m, 0] * 0.999 <= value <= values[m, 0] * 1.05
        if alike and _distance(theta, minima[m], shape, kinds) < SAME:
            return m
    return -1


@part()
def _record(theta, value, converged, count, minima, values, hits, n_minima, shape, kinds):
    """Insert the end of ``count`` starts into the distinct minima, sorted by F; return their number."""
    if not math.isfinite(value):
        return n_minima
    m = _find(theta, value, minima, values, n_minima, shape, kinds)
    if m >= 0:
        hits[m] += count
        if value < values[m, 0]:
            values[m, 0] = value
            values[m, 1] = 1.0 if converged else 0.0
            copy(theta, minima[m])
        return n_minima
    place = n_minima
    while place > 0 and value < values[place - 1, 0]:
        place -= 1
    if place >= minima.shape[0]:
        return n_minima
    for m in range(min(n_minima, minima.shape[0] - 1), place, -1):
        copy(minima[m - 1], minima[m])
        copy(values[m - 1], values[m])
        hits[m] = hits[m - 1]
    copy(theta, minima[place])
    values[place, 0] = value
    values[place, 1] = 1.0 if converged else 0.0
    hits[place] = count
    return min(n_minima + 1, minima.shape[0])


@kernel(
    I64(
        MODEL, MINIMISER, PROPOSER, *CIRCUIT, I64[::1], F64[::1], F64[::1], F64[::1], I64[::1], I64[::1],
        numba.boolean[::1], I64[:, ::1], numba.boolean[::1], numba.boolean[::1], I64[:, ::1], I64[::1], I64[::1],
        F64[:, ::1], I64, F64[::1],
        F64, F64, F64, I64, F64, F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[:, ::1],
        F64[:, ::1], F64[:, ::1], I64[::1], F64[:, ::1], F64[::1],
    )
)  # fmt: skip
def search(
    evaluate, minimise, propose, operations, offsets, parents, groups, kinds, lower, upper,
    fixed_theta, free, terms, nested, exchange, has_shape, is_scaled, options, n_options, shape, starts, first,
    irrational, window_low, window_high, floor, rounds, accepted,
    grid, target, sums, rows, minima, values, hits, hessian, missed,
):  # fmt: skip
    """Find the minima of F from many deterministic starts; return their number.

    Each round draws time constants and exponents, which give a pool of columns for each term of the
    circuit's outermost sum. Starting from several draws, the column of each term in turn is exchanged for
    the best one in the pool, with amplitudes from least squares. Starts that differ from each other and from
    known minima are refined by short Levenberg-Marquardt runs, and the best of them to convergence. Further
    starts lie near known minima. The search ends when a better minimum is unlikely; near ``floor``, less
    certainty is asked for, and agreement of all starts suffices.

    Parameters
    ----------
    evaluate, minimise, propose : functions
        Kernels of this package.
    operations, offsets, parents, groups
        The program; see :func:`eistool.kernels.model.evaluate`.
    kinds : int64, shape (p,)
        AMPLITUDE, LOG_TAU or EXPONENT.
    lower, upper, fixed_theta : float64, shape (p,)
        Bounds, and values of the parameters that are not free.
    free : int64, shape (f,)
        Indices of the free parameters.
    terms : int64, shape (p,)
        Term of the outermost sum that each parameter belongs to.
    nested : bool, shape (p,)
        True for amplitudes on which Z depends nonlinearly.
    exchange : int64, shape (arcs, 4)
        Class and parameters (-1 for none) of interchangeable arcs.
    has_shape, is_scaled : bool, shape (t,)
        Terms with free parameters other than amplitudes; terms with free amplitudes only.
    options, n_options : int64, shape (t, k) and (t,)
        Columns of the pool available to each term; column d t + i belongs to term i in draw d.
    shape : int64
        Free time constants, exponents and nested amplitudes, which distinguish minima.
    starts : float64, shape (s, p)
        Starts that are always refined to convergence.
    first : int
        First index of the low-discrepancy sequence.
    irrational : float64, shape (p,)
        Steps of the sequence, the fractional parts of index * irrational.
    window_low, window_high : float64
        Range of ln tau.
    floor : float64
        F of the ladder of RC elements, adjusted for the degrees of freedom.
    rounds : int
        Maximum number of rounds.
    accepted : float64
        Probability of a better minimum at which the search ends.
    grid, sums, rows
        See :func:`eistool.kernels.model.evaluate`.
    target : float64, shape (2, 2 n)
        Data and weights; 0 beyond the last point.
    minima : float64, shape (m, p)
        Output: distinct minima, the best first.
    values : float64, shape (m, 2)
        Output: their F, and 1 if the run converged.
    hits : int64, shape (m + 1,)
        Output: number of starts that reached each minimum; the last item counts all starts.
    hessian : float64, shape (f, f)
        Output: JᵀJ at the best minimum.
    missed : float64, shape (1,)
        Output: probability that a better minimum was missed.
    """
    p = fixed_theta.size
    f = free.size
    gradient = np.empty(f)
    scratch = np.empty((f, f))
    n_taus = 0
    for i in shape:
        n_taus += kinds[i] != EXPONENT
    any_nested = np.any(nested)
    n_minima = 0
    for m in range(hits.size):
        hits[m] = 0
    theta = np.empty(p)
    for s in range(starts.shape[0]):
        copy(starts[s], theta)
        value, converged = minimise(
            evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
            grid, target, sums, rows, scratch, gradient, 100, 1e-6,
        )  # fmt: skip
        sort_taus(theta, exchange)
        hits[-1] += 1
        n_minima = _record(theta, value, converged, 1, minima, values, hits, n_minima, shape, kinds)

    n_terms = has_shape.size
    columns = np.empty((options.shape[1], target.shape[1]))
    n_draws = options.shape[1] // n_terms
    candidates = np.empty((N_STARTS, p))
    scores = np.empty(N_STARTS)
    order = np.empty(N_STARTS, np.int64)
    picked = np.empty(N_STARTS, np.int64)
    count = np.empty(N_STARTS, np.int64)
    index, last_best, returned = first, np.inf, 0
    curvature, curved = np.empty((f, f)), np.inf
    missed[0] = 0.0 if n_taus == 0 else 1.0
    for turn in range(rounds):
        propose(
            evaluate, operations, offsets, parents, groups, kinds, lower, upper, fixed_theta, free, terms, nested,
            exchange, has_shape, is_scaled, options, n_options, index, irrational,
            window_low, window_high, grid, target, sums, rows, columns, candidates, scores,
        )  # fmt: skip
        index += n_draws
        for c in range(N_STARTS):
            order[c] = c

        # starts that differ from each other and from known minima; similar starts are counted together
        n_picked = 0
        _sort_by(scores, order, N_STARTS)
        for c in order:
            if scores[c] == np.inf:
                break
            hits[-1] += 1
            new = True
            for m in range(n_minima):
                if new and _distance(candidates[c], minima[m], shape, kinds) <= APART:
                    hits[m] += 1
                    new = False
            for k in range(n_picked):
                if new and _distance(candidates[c], candidates[picked[k]], shape, kinds) <= APART:
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
                sort_taus(candidates[c], exchange)
            _sort_by(scores, picked, n)
        finished = 0
        for k in range(min(n_picked, N_KEPT)):
            c = picked[k]
            if scores[c] == np.inf:
                continue
            m = _find(candidates[c], scores[c], minima, values, n_minima, shape, kinds)
            if m >= 0 and scores[c] >= values[m, 0] * (1.0 - 1e-9):
                hits[m] += count[c]
            elif finished < N_FINISHED and (n_minima == 0 or scores[c] < PROMISING * values[0, 0]):
                finished += 1
                value, converged = minimise(
                    evaluate, operations, offsets, parents, groups, candidates[c], lower, upper, kinds, free,
                    grid, target, sums, rows, scratch, gradient, 100, 1e-6,
                )  # fmt: skip
                sort_taus(candidates[c], exchange)
                n_minima = _record(
                    candidates[c], value, converged, count[c], minima, values, hits, n_minima, shape, kinds
                )
        # minima come in groups: more often than not, a better one is near the best
        for k in range(N_KICKS if n_minima > 0 else 0):
            nth = turn * N_KICKS + k
            origin = (nth // 3) % n_minima if nth % 3 == 2 else 0
            copy(minima[origin], theta)
            if values[origin, 0] != curved:
                curved = values[origin, 0]
                minimise(
                    evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
                    grid, target, sums, rows, curvature, gradient, 0, 1.0,
                )  # fmt: skip
            kick(theta, curved, curvature, free, kinds, lower, upper, irrational, first + nth)
            value, converged = minimise(
                evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
                grid, target, sums, rows, scratch, gradient, 10, 1e-4,
            )  # fmt: skip
            sort_taus(theta, exchange)
            m = _find(theta, value, minima, values, n_minima, shape, kinds)
            returned += m == 0
            if value < PROMISING * values[0, 0] and (m < 0 or value < values[m, 0] * (1.0 - 1e-9)):
                value, converged = minimise(
                    evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
                    grid, target, sums, rows, scratch, gradient, 100, 1e-6,
                )  # fmt: skip
                sort_taus(theta, exchange)
                n_minima = _record(theta, value, converged, 0, minima, values, hits, n_minima, shape, kinds)
        if n_minima > 0:
            best = values[0, 0]
            if best < 0.9999 * last_best:
                last_best, returned = best, 0
            beyond = best / floor - NEAR_FLOOR if floor > 0.0 else np.inf
            if n_taus == 0:
                break
            is_near = BELOW_FLOOR <= beyond <= 0.0
            missed[0] = _chance_missed(n_taus, hits[-1], (turn + 1) * hits[0] / hits[-1], returned, is_near)
            all_agree = is_near and hits[0] == hits[-1] and not any_nested
            if all_agree or missed[0] < (max(accepted, ACCEPTED_NEAR) if is_near else accepted):
                break
    if n_minima > 0:
        copy(minima[0], theta)
        value, converged = minimise(
            evaluate, operations, offsets, parents, groups, theta, lower, upper, kinds, free,
            grid, target, sums, rows, hessian, gradient, 1000, 1e-11,
        )  # fmt: skip
        if value <= values[0, 0]:
            values[0, 0] = value
            values[0, 1] = max(values[0, 1], 1.0 if converged else 0.0)
            copy(theta, minima[0])
    return n_minima


search_directly = direct(search)
