"""Covariance and status of fitted parameters."""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.program import Program
from eistool.fitting.problem import Problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT
from eistool.kernels import model, nonlinear_covariance, parameters
from eistool.typing import BoolArray, FloatArray, Threshold

# operations with an infinite limit of Z at zero frequency
_BLOCKING = (model.CPE, model.WO, model.FWO, model.TLM_IE, model.DE_LEVIE)
_BLOCKING_ROWS = (model.ROW_INVERSE, model.ROW_INVERSE_ROOT)
NEARLY_LINEAR: Annotated[
    float,
    Threshold(
        "standard error of a logarithm or exponent below which it is taken from the curvature alone",
        "at 3 standard errors exp(x) - 1 differs from x = 0.09 by 4.5 % of the distance",
    ),
] = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """Covariance of theta at the best minimum, and dispensable parameters."""

    covariance: FloatArray  # shape (p, p), 0 for fixed parameters
    dispensable: BoolArray  # shape (p,): parameters of relaxations that the data do not need


def estimate_uncertainty(
    problem: Problem, minima: FloatArray, outcomes: FloatArray, hessian: FloatArray, variance: float
) -> Uncertainty:
    """Return the covariance of theta and the parameters of dispensable parts.

    A part is dispensable if removing it increases the sum of squares by less than the BIC penalty of its
    parameters. Parts with fixed or bounded parameters are never dispensable.
    """
    program = problem.program
    p = program.kinds.size
    parts = relaxations(program)
    covariance, rises = np.empty((p, p)), np.empty(parts.shape[0])
    nonlinear_covariance.widen_covariance_directly(
        *problem.arguments, problem.free, minima, outcomes, len(minima), variance, hessian, parts, NEARLY_LINEAR,
        problem.grid, problem.target, *problem.workspace, covariance, rises,
    )  # fmt: skip
    tied = (problem.held | problem.bounded) & (program.kinds != parameters.EXPONENT)
    cost = (parts & ~problem.held).sum(axis=1) * math.log(2 * problem.n_points)
    dispensable = parts[(rises < cost) & ~(parts & tied).any(axis=1)].any(axis=0)
    return Uncertainty(covariance, dispensable)


@functools.lru_cache(maxsize=256)
def relaxations(program: Program) -> BoolArray:
    """Return the relaxing parts, shape (q, p): elements with a time constant, and p(...) in series."""
    outermost = np.arange(program.parents.size)
    for g in range(1, outermost.size):
        if program.parents[g] > 0:
            outermost[g] = outermost[program.parents[g]]
    index = np.arange(program.kinds.size)
    elements = [(index >= p) & (index < p + count) for _, _, p, _, _, count in program.operations.tolist()]
    relaxing = [element for element in elements if (program.kinds[element] == parameters.LOG_TAU).any()]
    parts = [outermost[program.groups] == g for g in np.unique(outermost[1:])]
    return np.array([*relaxing, *parts], dtype=np.bool_).reshape(-1, index.size)


def poorly_determined(
    circuit: Circuit, problem: Problem, theta: FloatArray, covariance_theta: FloatArray
) -> BoolArray:
    """Return the unresolved resistances, except those of arcs beyond the end of the window.

    The resistance of an arc with its apex below the measured frequencies is uncertain, but the assignment of
    the arc is not, unless another element blocks there.
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
    poor = np.zeros_like(uncertain)
    for code, group, first, _, _, count in operations:
        members = np.arange(first, first + count)
        relaxes = program.kinds[members] == parameters.LOG_TAU
        if relaxes.any():
            incomplete = theta[members[relaxes]][0] > problem.window[1]
            alone = not set(blocking) - {first}
            poor[members] = uncertain[members] & ~(incomplete and alone)
        elif code == model.TLM_CT or (code == model.POWER and group > 0):
            poor[members] = uncertain[members]
    return poor


def ambiguous(circuit: Circuit, problem: Problem, theta: FloatArray, uncertainty: Uncertainty) -> BoolArray:
    """Return the parameters that other parts of the circuit can share or replace without effect on S.

    A dispensable arc can coincide with another arc and share it in any proportion, contribute to a resistance
    from beyond the window, or exchange roles with a nested arc; a poorly determined arc has no unique
    assignment. Inductances and blocking elements in series are unaffected. A line with a poorly determined
    rail is equivalent to a simpler element and a resistance, and does not affect other arcs.
    """
    program = problem.program
    ambiguous = np.zeros(program.kinds.size, dtype=np.bool_)
    unclear = uncertainty.dispensable | poorly_determined(circuit, problem, theta, uncertainty.covariance)
    operations = program.operations.tolist()
    only_lines = all(code == model.TLM_CT for code, _, p, _, _, n in operations if unclear[p : p + n].any())
    for code, group, first, _, row, count in operations if unclear.any() else ():
        members = slice(first, first + count)
        resistor = code == model.POWER and row == model.ROW_ONE
        in_series = code in (model.POWER, model.CPE, model.LA) and group == 0 and not resistor
        ambiguous[members] = resistor or unclear[members].any() if only_lines else not in_series
    return ambiguous


def statuses_of(
    circuit: Circuit,
    problem: Problem,
    values: FloatArray,
    derivative: FloatArray,
    covariance: FloatArray,
    limited: BoolArray,
    unclear: BoolArray,
) -> tuple[str, ...]:
    """Return the status of each parameter in the circuit's order."""
    stderr = np.sqrt(np.diag(covariance))
    dead = limited & ~problem.bounded  # at the end of the default range: without effect on the data
    depends_on_dead = (derivative[:, dead] != 0).any(axis=1)
    status = [""] * values.size
    for k, i in enumerate(problem.program.order):
        unresolved = UNRESOLVED_EXPONENT if circuit.specs[i].kind == "exponent" else UNRESOLVED * values[i]
        if problem.held[k]:
            status[i] = "fixed"
        elif limited[k] and problem.bounded[k]:
            status[i] = "at_bound"
        elif unclear[k] or depends_on_dead[i] or not stderr[i] <= unresolved:
            status[i] = "not_identifiable"
        else:
            status[i] = "ok"
    return tuple(status)
