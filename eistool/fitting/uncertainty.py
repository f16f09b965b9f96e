"""How sure the parameters of a fit are: their covariance, and a status for each."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.program import Program
from eistool.fitting.problem import Problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT
from eistool.kernels import model, nonlinear_covariance, parameters
from eistool.typing import BoolArray, FloatArray

_BLOCKING = (model.CPE, model.WO, model.FWO, model.TLM_IE, model.DE_LEVIE)
_BLOCKING_ROWS = (model.ROW_INVERSE, model.ROW_INVERSE_ROOT)
NEARLY_LINEAR = 0.03  # standard errors below this need no check by the profile


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """How uncertain theta is at the best minimum."""

    covariance: FloatArray  # shape (p, p), 0 for fixed parameters
    needless: BoolArray  # shape (p,): of an arc, or another relaxation, that the data do not need


def estimate_uncertainty(
    problem: Problem, minima: FloatArray, found: FloatArray, hessian: FloatArray, variance: float
) -> Uncertainty:
    """Return the covariance of theta, and which parameters belong to a part that the data do not need.

    Without such a part the sum of squares would rise by less than its parameters cost in BIC. Parts that the
    user has bounded or fixed count as needed.
    """
    program = problem.program
    p = program.kinds.size
    parts = relaxations(program)
    covariance, rises = np.empty((p, p)), np.empty(parts.shape[0])
    nonlinear_covariance.widen_covariance_directly(
        *problem.arguments, problem.free, minima, found, len(minima), variance, hessian, parts, NEARLY_LINEAR,
        problem.grid, problem.target, *problem.workspace, covariance, rises,
    )  # fmt: skip
    tied = (problem.held | problem.bounded) & (program.kinds != parameters.EXPONENT)
    cost = (parts & ~problem.held).sum(axis=1) * math.log(2 * problem.n_points)
    needless = parts[(rises < cost) & ~(parts & tied).any(axis=1)].any(axis=0)
    return Uncertainty(covariance, needless)


@functools.lru_cache(maxsize=256)
def relaxations(program: Program) -> BoolArray:
    """Return the parts that relax, shape (q, p): elements with a time constant, and p(...) in series."""
    outermost = np.arange(program.parents.size)
    for g in range(1, outermost.size):
        if program.parents[g] > 0:
            outermost[g] = outermost[program.parents[g]]
    index = np.arange(program.kinds.size)
    elements = [(index >= p) & (index < p + count) for _, _, p, _, _, count in program.operations.tolist()]
    relaxing = [own for own in elements if (program.kinds[own] == parameters.LOG_TAU).any()]
    parts = [outermost[program.groups] == g for g in np.unique(outermost[1:])]
    return np.array([*relaxing, *parts], dtype=np.bool_).reshape(-1, index.size)


def vague(circuit: Circuit, problem: Problem, theta: FloatArray, covariance_theta: FloatArray) -> BoolArray:
    """Return which resistances are uncertain for another reason than that the window ends too early.

    An arc whose apex lies below the measured frequencies has no certain R, yet its place is clear, as
    long as nothing else blocks there.
    """
    program = problem.program
    uncertain = (np.diag(covariance_theta) > UNRESOLVED**2) & ~problem.held
    if not uncertain.any():
        return uncertain
    uncertain &= np.array([circuit.specs[i].kind == "resistance" for i in program.order])
    operations = program.operations.tolist()
    blocking = [
        first
        for code, group, first, _, row, _ in operations
        if group == 0 and (code in _BLOCKING or (code == model.POWER and row in _BLOCKING_ROWS))
    ]
    found = np.zeros_like(uncertain)
    for code, group, first, _, _, count in operations:
        own = np.arange(first, first + count)
        relaxes = program.kinds[own] == parameters.LOG_TAU
        if relaxes.any():
            incomplete = theta[own[relaxes]][0] > problem.window[1]
            alone = not set(blocking) - {first}
            found[own] = uncertain[own] & ~(incomplete and alone)
        elif code == model.TLM_CT or (code == model.POWER and group > 0):
            found[own] = uncertain[own]
    return found


def ambiguous(circuit: Circuit, problem: Problem, theta: FloatArray, uncertain: Uncertainty) -> BoolArray:
    """Return which parameters another part of the circuit could share, or take over, without effect on S.

    A dispensable arc may go onto another and take any part of it, or beyond the window as a part of a
    resistance, or let a nested arc play an outer one's role; nor is it clear what a vague one stands
    for. Left are inductances, and what blocks in series. A line with a vague rail may be a simpler
    element and a resistance: the other arcs are clear.
    """
    program = problem.program
    found = np.zeros(program.kinds.size, dtype=np.bool_)
    unclear = uncertain.needless | vague(circuit, problem, theta, uncertain.covariance)
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
