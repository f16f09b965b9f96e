"""How sure the parameters of a fit are: their covariance, and a status for each."""

import functools

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.program import Program
from eistool.fitting.problem import Problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT
from eistool.kernels import model, parameters, search
from eistool.typing import BoolArray, FloatArray, IntArray

_BLOCKING = (model.CPE, model.WO, model.FWO, model.TLM_IE, model.DE_LEVIE)
_BLOCKING_ROWS = (model.ROW_INVERSE, model.ROW_INVERSE_ROOT)
NEARLY_LINEAR = 0.03  # standard errors below this need no check by the profile


def inverse_hessian(hessian: FloatArray, free: IntArray, n: int) -> FloatArray:
    """Return the inverse of JᵀJ, 0 for fixed parameters.

    Parameters that ended at a bound are counted as free: the errors of the others would be too small
    if they rested on the bound being the truth.
    """
    scale = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    eigenvalues, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    # a direction without any effect keeps a huge but finite variance
    inverse = (vectors / np.maximum(eigenvalues, 1e-15)) @ vectors.T
    covariance = np.zeros((n, n))
    covariance[np.ix_(free, free)] = inverse / np.outer(scale, scale)
    return covariance


def widened(
    problem: Problem, theta: FloatArray, value: float, covariance: FloatArray, variance: float
) -> FloatArray:
    """Return the covariance with larger errors where the sum of squares rises more slowly than it says."""
    widening = np.ones(theta.size)
    if problem.free.size > 1 and variance > 0:
        search.widen(
            *problem.arguments, problem.free, theta, value, covariance, variance, NEARLY_LINEAR,
            problem.grid, problem.target, *problem.workspace, widening,
        )  # fmt: skip
    wide = covariance.copy()
    for i in np.argsort(-widening):
        missing = widening[i] ** 2 * covariance[i, i] - wide[i, i]
        if missing > 0:  # along the way of the others, so that a sum which is well known stays so
            along = covariance[i] / covariance[i, i]
            wide += missing * np.outer(along, along)
    return wide


def between_minima(minima: FloatArray, values: FloatArray, variance: float) -> FloatArray:
    """Return the covariance that comes from not knowing which minimum is the true one.

    Each minimum counts with its likelihood, as one mode of a mixture.
    """
    weights = np.exp(-0.5 * (values - values[0]) / max(variance, 1e-300))
    difference = minima - minima[0]
    result: FloatArray = (difference.T * (weights / weights.sum())) @ difference
    return result


@functools.lru_cache(maxsize=256)
def relaxations(program: Program) -> tuple[IntArray, ...]:
    """Return the parameters of each part that relaxes: elements with a time constant, and p(...) in series."""
    outermost = np.arange(program.parents.size)
    for g in range(1, outermost.size):
        if program.parents[g] > 0:
            outermost[g] = outermost[program.parents[g]]
    elements = [np.arange(first, first + count) for _, _, first, _, _, count in program.operations.tolist()]
    relaxing = [own for own in elements if (program.kinds[own] == parameters.LOG_TAU).any()]
    parts = [np.flatnonzero(outermost[program.groups] == g) for g in np.unique(outermost[1:])]
    return (*relaxing, *parts)


def dispensable(problem: Problem, hessian: FloatArray, variance: float) -> BoolArray:
    """Return which parameters belong to an arc, or another relaxation, that the data do not need.

    Such a part would lower S by less than its parameters cost in BIC. Z of a part is the sum of its
    derivatives by the logarithms of its resistance-like parameters; taking it away, while all others
    follow, raises S by what of it they cannot take over. Parts that the user has bounded or fixed
    count as needed.
    """
    free = problem.free
    scale = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    normal = hessian / np.outer(scale, scale)
    amplitude = (problem.program.kinds[free] == parameters.AMPLITUDE) * scale
    found = np.zeros(problem.program.kinds.size, dtype=np.bool_)
    tied = (problem.held | problem.bounded) & (problem.program.kinds != parameters.EXPONENT)
    for part in relaxations(problem.program):
        if tied[part].any():
            continue
        own = np.isin(free, part)
        step = amplitude[own]
        effect = normal[:, own] @ step
        rest = normal[np.ix_(~own, ~own)] + 1e-12 * np.eye(int(np.count_nonzero(~own)))
        rise = step @ effect[own] - effect[~own] @ np.linalg.solve(rest, effect[~own])
        if rise < np.count_nonzero(own) * np.log(2 * problem.n_points) * variance:
            found[part] = True
    return found


def vague(circuit: Circuit, problem: Problem, theta: FloatArray, covariance_theta: FloatArray) -> BoolArray:
    """Return which resistances are uncertain for another reason than that the window ends too early.

    An arc whose apex lies below the measured frequencies has no certain R, yet its place is clear, as
    long as nothing else blocks there.
    """
    program = problem.program
    resistance = np.array([circuit.specs[i].kind == "resistance" for i in program.order])
    uncertain = resistance & (np.diag(covariance_theta) > UNRESOLVED**2) & ~problem.held
    blocked = any(
        code in _BLOCKING or (code == model.POWER and row in _BLOCKING_ROWS)
        for code, group, _, _, row, _ in program.operations.tolist()
        if group == 0
    )
    found = np.zeros_like(uncertain)
    for code, group, first, _, _, count in program.operations.tolist():
        own = np.arange(first, first + count)
        relaxes = program.kinds[own] == parameters.LOG_TAU
        if relaxes.any():
            incomplete = theta[own[relaxes]][0] > problem.window[1]
            found[own] = uncertain[own] & (blocked or not incomplete)
        elif code == model.TLM_CT or (code == model.POWER and group > 0):
            found[own] = uncertain[own]
    return found


def ambiguous(
    circuit: Circuit,
    problem: Problem,
    theta: FloatArray,
    covariance_theta: FloatArray,
    needless: BoolArray,
) -> BoolArray:
    """Return which parameters another part of the circuit could share, or take over, without effect on S.

    A dispensable arc may go onto another and take any part of it, or beyond the window as a part of a
    resistance, or let a nested arc play an outer one's role; nor is it clear what a vague one stands
    for. Left are inductances, and what blocks in series. A line with a vague rail may be a simpler
    element and a resistance: the other arcs are clear.
    """
    program = problem.program
    found = np.zeros(program.kinds.size, dtype=np.bool_)
    unclear = needless | vague(circuit, problem, theta, covariance_theta)
    operations = program.operations.tolist()
    only_lines = all(code == model.TLM_CT for code, _, p, _, _, n in operations if unclear[p : p + n].any())
    for code, group, first, _, row, count in operations if unclear.any() else ():
        own = slice(first, first + count)
        resistor = code == model.POWER and row == model.ROW_ONE
        in_series = code in (model.POWER, model.CPE, model.LA) and group == 0 and not resistor
        found[own] = resistor or unclear[own].any() if only_lines else not in_series
    return found


def statuses_of(
    circuit: Circuit,
    problem: Problem,
    values: FloatArray,
    derivative: FloatArray,
    covariance: FloatArray,
    limited: BoolArray,
    unclear: BoolArray,
) -> tuple[str, ...]:
    """Return ok, fixed, at_bound or not_identifiable for each parameter, in the circuit's order."""
    stderr = np.sqrt(np.diag(covariance))
    dead = limited & ~problem.bounded  # at the end of the default range: the data do not need it
    rests_on_dead = (derivative[:, dead] != 0).any(axis=1)
    status = [""] * values.size
    for k, i in enumerate(problem.program.order):
        unresolved = UNRESOLVED_EXPONENT if circuit.specs[i].kind == "exponent" else UNRESOLVED * values[i]
        if problem.held[k]:
            status[i] = "fixed"
        elif limited[k] and problem.bounded[k]:
            status[i] = "at_bound"
        elif unclear[k] or rests_on_dead[i] or not stderr[i] <= unresolved:
            status[i] = "not_identifiable"
        else:
            status[i] = "ok"
    return tuple(status)
