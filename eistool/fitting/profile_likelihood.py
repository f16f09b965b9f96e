"""Confidence intervals by profile likelihood."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eistool.errors import FitError
from eistool.fitting.intervals import NO_LIMIT, Interval, t_quantile
from eistool.fitting.problem import HELD_KINDS, Constraints, Problem, build_problem
from eistool.fitting.processes import arc_of
from eistool.fitting.result import FitResult
from eistool.kernels import least_squares, parameters
from eistool.kernels import profile_likelihood as kernel
from eistool.typing import FloatArray

MAX_RESTARTS = 5  # from better minima; one is typical
MIN_RESIDUAL = 1e-12  # relative to |Z|, a few thousand roundings: keeps intervals of noise-free data finite
KNOWN_NOISE_DOF = 10**9  # Student's t equals the normal distribution

BETTER_MINIMUM = "of a better minimum found by the profile"
NOT_SETTLED = "the profile kept finding better minima; fit again with other start values"


@dataclass(frozen=True, slots=True, eq=False)
class _Minimum:
    """Start of a walk, as theta of a program."""

    theta: FloatArray
    value: float
    covariance: FloatArray  # for residuals of unit variance


class _BetterError(Exception):
    """A walk reached values with a lower sum of squares than the minimum."""

    def __init__(self, values: FloatArray) -> None:
        self.values = values


def profile_likelihood(result: FitResult, names: Sequence[str], level: float) -> dict[str, Interval]:
    """Return profile-likelihood intervals of parameters.

    At the limits, the sum of squares minimised over the other parameters has risen by t² times the variance
    of a residual [1]_. Walks start from every known minimum below this level, and the interval covers them
    all.

    Parameters
    ----------
    result : FitResult
        Fit that has not failed.
    names : sequence of str
        Names of free parameters, or ``R1.tau`` for the time constant of an arc.
    level : float
        Probability, between 0 and 1.

    Returns
    -------
    dict of str to Interval
        Intervals in units of the parameters. A limit is 0 or inf if the profile does not rise enough within
        12 decades, and equals the bound of an exponent or of the user if reached. Both are flagged.

    References
    ----------
    .. [1] D. J. Venzon, S. H. Moolgavkar, Appl. Stat. 37 (1988) 87, doi:10.2307/2347496

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import fit, simulate
    >>> spectrum = simulate("R0-p(R1,C1)", np.geomspace(1, 1e5, 51), [10, 100, 1e-5], noise=0.003, seed=1)
    >>> interval = profile_likelihood(fit(spectrum, "R0-p(R1,C1)"), ["R1.tau"], 0.95)["R1.tau"]
    >>> interval.low < 1e-3 < interval.high
    True
    """
    known = [list(minimum.values.values()) for minimum in result.minima[1:]]
    ends = [result.values, *(np.array(values) for values in known)]
    flag = ""
    for _ in range(MAX_RESTARTS):
        problems: dict[frozenset[int], tuple[Problem, list[_Minimum]]] = {}
        intervals = {}
        try:
            for name in names:
                held = _held(result, name)
                if held not in problems:
                    problem = _problem(result, ends[0], held)
                    problems[held] = problem, _minima(problem, ends)
                intervals[name] = _interval(result, name, *problems[held], level)
        except _BetterError as better:
            ends, flag = [better.values, *ends], BETTER_MINIMUM
        else:
            return {name: _with_flag(interval, flag) for name, interval in intervals.items()}
    return dict.fromkeys(names, Interval(math.nan, math.nan, NOT_SETTLED))


def _held(result: FitResult, name: str) -> frozenset[int]:
    """Return the parameters that the program must keep in their own unit."""
    if arc_of(result.circuit, name) != name:
        return frozenset()
    i = result.circuit.index(name)
    return frozenset([i]) if result.circuit.specs[i].kind in HELD_KINDS else frozenset()


def _problem(result: FitResult, values: FloatArray, held: frozenset[int]) -> Problem:
    """Return the problem of a fit, without the default bounds of a search."""
    circuit, lower, upper = result.circuit, result.lower, result.upper
    bounded = np.array([lower[i] != spec.lower or upper[i] != spec.upper for i, spec in enumerate(circuit.specs)])
    fixed = {int(i): float(result.values[i]) for i in np.flatnonzero(~result.free)}
    constraints = Constraints(fixed, lower, upper, bounded, {})
    problem = build_problem(result.spectrum, circuit, constraints, result.weighting, held)
    theta = problem.program.to_theta(values, problem.scale)
    loose = ~(problem.bounded | problem.held)
    # wider for the refitted parameters: tau of a diffusion is proportional to R²
    problem.lower[loose], problem.upper[loose] = theta[loose] - 3 * NO_LIMIT, theta[loose] + 3 * NO_LIMIT
    return problem


def _minima(problem: Problem, ends: Sequence[FloatArray]) -> list[_Minimum]:
    """Refine values to minima and return them, the best first."""
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
    """Return the interval that covers the walks from all minima below the level."""
    dof = 2 * problem.n_points - problem.free.size
    is_known = result.weighting == "noise"
    lowest = minima[0].value
    variance = 1.0 if is_known else max(lowest / dof, MIN_RESIDUAL**2)
    rise = t_quantile(level, KNOWN_NOISE_DOF if is_known else dof) ** 2 * variance
    row = _row(result, name, problem)
    *arguments, lower, upper = problem.arguments
    lower, upper = lower.copy(), upper.copy()
    if not problem.bounded[row]:
        lower[row], upper[row] = minima[0].theta[row] - NO_LIMIT, minima[0].theta[row] + NO_LIMIT
    ends, outcomes = np.empty((2, problem.lower.size)), np.empty(2, dtype=np.int64)
    reached = []
    for minimum in minima:
        if minimum.value >= lowest + rise:
            break
        stderr = math.sqrt(minimum.covariance[row, row])
        kernel.profile(
            *arguments, lower, upper, problem.free, minimum.theta, minimum.value, lowest, row,
            max(stderr * math.sqrt(rise), 1e-9), minimum.covariance[row] / stderr**2, rise,
            problem.grid, problem.target, *problem.workspace, ends, outcomes,
        )  # fmt: skip
        for end, outcome in zip(ends, outcomes, strict=True):
            if outcome == kernel.BETTER:
                raise _BetterError(problem.program.to_values(end, problem.scale)[0])
            reached.append((_value(result, name, problem, row, end), outcome == kernel.LIMIT))
    return _interval_of(bool(problem.bounded[row]), min(reached), max(reached))


def _row(result: FitResult, name: str, problem: Problem) -> int:
    """Return the index of a parameter, or of the time constant of an arc, in the program.

    Raises
    ------
    FitError
        If there is no such arc, or its time constant is not a parameter of the program.
    """
    order = problem.program.order.tolist()
    row = order.index(result.circuit.index(arc_of(result.circuit, name)))
    if arc_of(result.circuit, name) == name:
        return int(row)
    rows = np.flatnonzero(problem.program.index[:, parameters.INDEX_R] == row)
    if not rows.size:
        raise FitError(f"confidence: {name}; expected an arc p(R,CPE) or p(R,C) with free parameters")
    return int(rows[0])


def _value(result: FitResult, name: str, problem: Problem, row: int, theta: FloatArray) -> float:
    """Return a parameter in its own unit, from theta."""
    if arc_of(result.circuit, name) != name:
        return math.exp(theta[row] - problem.scale[1])
    values, _ = problem.program.to_values(theta, problem.scale)
    return float(values[problem.program.order[row]])


def _interval_of(bounded: bool, low: tuple[float, bool], high: tuple[float, bool]) -> Interval:
    """Return the interval, with a flag on ends that are not limits."""
    sides = [side for side, (_, is_limit) in (("lower", low), ("upper", high)) if not is_limit]
    within = " within its bounds" if bounded else ""
    flag = f"no {' or '.join(sides)} limit{within}" if sides else ""
    return Interval(low[0] if low[1] or bounded else 0.0, high[0] if high[1] or bounded else math.inf, flag)


def _with_flag(interval: Interval, flag: str) -> Interval:
    return replace(interval, flag="; ".join(part for part in (interval.flag, flag) if part))
