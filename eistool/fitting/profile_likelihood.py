"""Confidence intervals by profile likelihood, with the compiled engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eistool.errors import FitError
from eistool.fitting.intervals import Interval, t_quantile
from eistool.fitting.problem import HELD_KINDS, Constraints, Problem, build_problem
from eistool.fitting.processes import arc_of
from eistool.fitting.result import FitResult
from eistool.kernels import least_squares, parameters
from eistool.kernels import profile_likelihood as kernel
from eistool.typing import FloatArray

FAR = 28.0  # e-folds: 12 decades to each side are as good as no bound, and keep the model finite
RESTARTS = 5  # from better minima
LEAST_RESIDUAL = 1e-12  # of |Z|: data without noise have no profile, but an end
MANY = 10**9  # degrees of freedom of a known noise

BETTER_FOUND = "of a better minimum, found on the way"
NEVER_SETTLED = "ever better minima were found on the way"


@dataclass(frozen=True, slots=True, eq=False)
class _Minimum:
    """Where a walk starts, in the theta of one program."""

    theta: FloatArray
    value: float
    covariance: FloatArray  # for residuals of unit variance


class _BetterError(Exception):
    """A walk came upon values that fit better than the minimum."""

    def __init__(self, values: FloatArray) -> None:
        self.values = values


def profile_likelihood(result: FitResult, names: Sequence[str], level: float) -> dict[str, Interval]:
    """Return for each parameter the interval in which the others can make up for its move.

    The ends are where the sum of squares, minimised over the other parameters, has risen by t² times
    the variance of a residual [1]_. Walks start from every known minimum below that level, and the
    interval spans them all.

    Parameters
    ----------
    result : FitResult
        That did not fail.
    names : sequence of str
        Free parameters, or ``R1.tau`` for the time constant of an arc.
    level : float
        Probability, between 0 and 1.

    Returns
    -------
    dict of str to Interval
        In the parameters' own units. Where the profile does not rise enough within 12 decades, an end is
        0 or inf; within the bounds of an exponent or of the user, it is that bound. Both are flagged.

    References
    ----------
    .. [1] D. J. Venzon, S. H. Moolgavkar, Appl. Stat. 37 (1988) 87, doi:10.2307/2347496

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import fit, simulate
    >>> spectrum = simulate("R0-p(R1,C1)", np.geomspace(1, 1e5, 51), [10, 100, 1e-5], noise=0.003, seed=1)
    >>> interval = profile(fit(spectrum, "R0-p(R1,C1)"), ["R1.tau"], 0.95)["R1.tau"]
    >>> interval.low < 1e-3 < interval.high
    True
    """
    known = [list(minimum.values.values()) for minimum in result.minima[1:]]
    ends = [result.values, *(np.array(values) for values in known)]
    flag = ""
    for _ in range(RESTARTS):
        problems: dict[frozenset[int], tuple[Problem, list[_Minimum]]] = {}
        intervals = {}
        try:
            for name in names:
                own = _own(result, name)
                if own not in problems:
                    problem = _problem(result, ends[0], own)
                    problems[own] = problem, _minima(problem, ends)
                intervals[name] = _interval(result, name, *problems[own], level)
        except _BetterError as better:
            ends, flag = [better.values, *ends], BETTER_FOUND
        else:
            return {name: _flagged(interval, flag) for name, interval in intervals.items()}
    return dict.fromkeys(names, Interval(math.nan, math.nan, NEVER_SETTLED))


def _own(result: FitResult, name: str) -> frozenset[int]:
    """Return which parameters the program must have in their own unit."""
    if arc_of(result.circuit, name) != name:
        return frozenset()
    i = result.circuit.index(name)
    return frozenset([i]) if result.circuit.specs[i].kind in HELD_KINDS else frozenset()


def _problem(result: FitResult, values: FloatArray, own: frozenset[int]) -> Problem:
    """Return the fit's problem, without the bounds that only keep a search in reach."""
    circuit, lower, upper = result.circuit, result.lower, result.upper
    bounded = np.array([lower[i] != spec.lower or upper[i] != spec.upper for i, spec in enumerate(circuit.specs)])
    fixed = {int(i): float(result.values[i]) for i in np.flatnonzero(~result.free)}
    constraints = Constraints(fixed, lower, upper, bounded, {})
    problem = build_problem(result.spectrum, circuit, constraints, result.weighting, own)
    theta = problem.program.to_theta(values, problem.scale)
    loose = ~(problem.bounded | problem.held)
    # farther for those that follow: tau of a diffusion goes with R²
    problem.lower[loose], problem.upper[loose] = theta[loose] - 3 * FAR, theta[loose] + 3 * FAR
    return problem


def _minima(problem: Problem, ends: Sequence[FloatArray]) -> list[_Minimum]:
    """Return the minima near these values, the best of them in front if it is not the first."""
    n = problem.free.size
    minima = []
    for values in ends:
        theta = np.clip(problem.program.to_theta(values, problem.scale), problem.lower, problem.upper)
        hessian = np.zeros((n, n))
        evaluate, _, *program, kinds, lower, upper = problem.arguments
        value, _ = least_squares.minimise(
            evaluate, *program, theta, lower, upper, kinds, problem.free,
            problem.grid, problem.target, *problem.workspace, hessian, np.zeros(n), 200, 1e-10,
        )  # fmt: skip
        covariance = np.zeros((theta.size, theta.size))
        inverse = np.empty((n, n))
        least_squares.invert(hessian, inverse)
        covariance[np.ix_(problem.free, problem.free)] = inverse
        minima.append(_Minimum(theta, value, covariance))
    return sorted(minima, key=lambda minimum: minimum.value)


def _interval(
    result: FitResult, name: str, problem: Problem, minima: Sequence[_Minimum], level: float
) -> Interval:
    """Return the interval that spans the walks from all minima below the level."""
    dof = 2 * problem.n_points - problem.free.size
    is_known = result.weighting == "noise"
    lowest = minima[0].value
    variance = 1.0 if is_known else max(lowest / dof, LEAST_RESIDUAL**2)
    rise = t_quantile(level, MANY if is_known else dof) ** 2 * variance
    row = _row(result, name, problem)
    *arguments, lower, upper = problem.arguments
    lower, upper = lower.copy(), upper.copy()
    if not problem.bounded[row]:
        lower[row], upper[row] = minima[0].theta[row] - FAR, minima[0].theta[row] + FAR
    ends, outcome = np.empty((2, problem.lower.size)), np.empty(2, dtype=np.int64)
    reached = []
    for minimum in minima:
        if minimum.value >= lowest + rise:
            break
        spread = math.sqrt(minimum.covariance[row, row])
        kernel.profile(
            *arguments, lower, upper, problem.free, minimum.theta, minimum.value, lowest, row,
            max(spread * math.sqrt(rise), 1e-9), minimum.covariance[row] / spread**2, rise,
            problem.grid, problem.target, *problem.workspace, ends, outcome,
        )  # fmt: skip
        for end, how in zip(ends, outcome, strict=True):
            if how == kernel.BETTER:
                raise _BetterError(problem.program.to_values(end, problem.scale)[0])
            reached.append((_value(result, name, problem, row, end), how == kernel.LIMIT))
    return _ended(bool(problem.bounded[row]), min(reached), max(reached))


def _row(result: FitResult, name: str, problem: Problem) -> int:
    """Return the program's index of a parameter, or of an arc's time constant.

    Raises
    ------
    FitError
        If there is no such arc, or it has no time constant of its own.
    """
    order = problem.program.order.tolist()
    row = order.index(result.circuit.index(arc_of(result.circuit, name)))
    if arc_of(result.circuit, name) == name:
        return int(row)
    rows = np.flatnonzero(problem.program.index[:, parameters.INDEX_R] == row)
    if not rows.size:
        raise FitError(f"confidence: {name}; only an arc p(R,CPE) or p(R,C) that is free has a tau")
    return int(rows[0])


def _value(result: FitResult, name: str, problem: Problem, row: int, theta: FloatArray) -> float:
    """Return theta of a parameter in its own unit."""
    if arc_of(result.circuit, name) != name:
        return math.exp(theta[row] - problem.scale[1])
    values, _ = problem.program.to_values(theta, problem.scale)
    return float(values[problem.program.order[row]])


def _ended(bounded: bool, low: tuple[float, bool], high: tuple[float, bool]) -> Interval:
    """Return the interval; an end that is no limit is flagged."""
    sides = [side for side, (_, is_limit) in (("lower", low), ("upper", high)) if not is_limit]
    within = " within its bounds" if bounded else ""
    flag = f"no {' or '.join(sides)} limit{within}" if sides else ""
    return Interval(low[0] if low[1] or bounded else 0.0, high[0] if high[1] or bounded else math.inf, flag)


def _flagged(interval: Interval, flag: str) -> Interval:
    return replace(interval, flag="; ".join(part for part in (interval.flag, flag) if part))
