"""Covariance and status of fitted parameters."""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.custom_elements import take_error
from eistool.circuit.program import Program, frequency_grid, from_blocks
from eistool.errors import CircuitError
from eistool.fitting.arcs import arc_places
from eistool.fitting.misfit import (
    AMPLITUDES,
    LEAST_STEP,
    P_BELONGS,
    Arcs,
    Misfit,
    MisfitModes,
    assess_misfit,
    misfit_basis,
    prior_of,
)
from eistool.fitting.problem import Axis, Problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT
from eistool.kernels import least_squares, nonlinear_covariance, parameters
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray, Threshold

NEARLY_LINEAR: Annotated[
    float,
    Threshold(
        "standard error of a logarithm or exponent below which it is taken from the curvature alone",
        "at 3 standard errors exp(x) - 1 differs from x = 0.09 by 4.5 % of the distance",
    ),
] = 0.03


TINY = 1e-100  # effect of an amplitude at the end of its range, above underflow


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Misfit of a circuit at its best minimum, and with it the evidence."""

    misfit: Misfit
    stretch: FloatArray  # shape (n_free,): scale of its steps
    arcs: IntArray  # shape (k,): theta's row of R


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """Covariances of theta at the best minimum, and parts that it could do without."""

    covariance: FloatArray  # shape (p, p), noise and misfit; 0 for fixed parameters
    noise_covariance: FloatArray  # shape (p, p), of a linear model with noise alone
    arc_covariance: FloatArray  # shape (p, p), part of it: misfit that belongs to the arcs
    dc_covariance: FloatArray  # shape (p + 1,), of theta with the misfit's own d.c. resistance, and its variance
    dispensable: BoolArray  # shape (q, p): parts that the data do not need


def estimate_uncertainty(
    problem: Problem,
    best: FloatArray,
    value: float,
    hessian: FloatArray,
    variance: float,
    assessment: Assessment,
) -> Uncertainty:
    """Return the covariance of theta from noise and misfit, and the dispensable parts.

    A part is dispensable if removing it increases the sum of squares by less than the BIC penalty of its
    parameters. Parts with fixed or bounded parameters are never dispensable.
    """
    program, free = problem.program, problem.free
    p = program.kinds.size
    parts = relaxations(program)
    widened, rises = np.empty((p, p)), np.empty(parts.shape[0])
    nonlinear_covariance.widen_covariance_directly(
        *problem.arguments, free, best, value, variance, hessian, parts, NEARLY_LINEAR,
        problem.grid, problem.target, *problem.workspace, widened, rises,
    )  # fmt: skip
    tied = (problem.held | problem.bounded) & (program.kinds != parameters.EXPONENT)
    cost = (parts & ~problem.held).sum(axis=1) * math.log(2 * problem.n_points)
    inverse = np.empty_like(hessian)
    least_squares.invert(hessian, inverse)
    both, noise = np.ix_(free, free), np.zeros((p, p))
    noise[both] = inverse * variance
    # a deviation near an arc is a part of its resistance, with a probability: d ln R = e/R
    at_R, n = assessment.arcs, free.size
    per_R = np.where(problem.held[at_R], 0.0, np.exp(-best[at_R]))
    scale = np.concatenate([assessment.stretch, [math.exp(problem.scale[0])], per_R])
    moments = assessment.misfit.covariance() * scale[:, None] * scale
    covariance, dc_covariance = widened - noise, np.zeros(p + 1)  # beyond the curvature at the minimum
    covariance[both] += moments[:n, :n]
    dc_covariance[free], dc_covariance[p] = moments[n, :n], moments[n, n]
    arc_covariance = np.zeros((p, p))
    arc_covariance[free[:, None], at_R] = moments[:n, n + 1 :]
    arc_covariance += arc_covariance.T
    arc_covariance[np.ix_(at_R, at_R)] += moments[n + 1 :, n + 1 :]
    arc_covariance *= P_BELONGS
    dispensable = parts[(rises < cost) & ~(parts & tied).any(axis=1)]
    return Uncertainty(covariance + arc_covariance, noise, arc_covariance, dc_covariance, dispensable)


def assess(problem: Problem, circuit: Circuit, weighting: str, theta: FloatArray) -> Assessment:
    """Return the misfit of a circuit with the parameters theta, in units of Z0 and 1/ω0."""
    free = problem.free
    impedance, modes, nodes = _modes(problem.axis, problem.target.tobytes(), problem.n_points)
    modelled, jacobian = problem.linearise(theta)
    jacobian = jacobian[:, free]
    prior, amplitude = _steps(problem.kinds)
    # a vanishing resistance has steps of its own: its limit is that of a resistance, not of a logarithm
    effect = np.max(np.abs(jacobian) / np.abs(impedance)[:, None], axis=0)
    stretch = np.where(amplitude[free], np.maximum(LEAST_STEP / np.maximum(effect, TINY), 1.0), 1.0)
    rows = _arcs(problem.program, circuit)
    own = None
    if rows.size:
        R, tau = np.exp(theta[rows[:2]])
        alpha = np.where(rows[2] < 0, 1.0, theta[rows[2]])
        own = Arcs(R, tau, alpha, -problem.evaluate(theta, nodes, modes.basis.nodes.size).imag)
        if error := take_error():
            raise CircuitError(error)
    misfit = assess_misfit(impedance - modelled, jacobian * stretch, prior[free], modes, own, weighting == "noise")
    return Assessment(misfit, stretch, rows[0])


@functools.lru_cache(maxsize=256)
def _arcs(program: Program, circuit: Circuit) -> IntArray:
    """Return theta's rows of R, tau and alpha (or -1) of the arcs of constant-phase elements, shape (3, k)."""
    place = program.order.argsort()
    members = [place[list(member)].tolist() for member in arc_places(circuit)]
    rows = [(*row, -1)[:3] for row in members if program.kinds[row[1]] == parameters.LOG_TAU]
    return np.array(rows, dtype=np.int64).reshape(-1, 3).T


@functools.lru_cache(maxsize=256)
def _steps(kinds: tuple[str, ...]) -> tuple[FloatArray, BoolArray]:
    """Return the prior standard deviations of the steps, and whether Z is linear in the parameters."""
    return prior_of(kinds), np.isin(kinds, AMPLITUDES)


@functools.lru_cache(maxsize=32)  # circuits of one spectrum share them
def _modes(axis: Axis, target: bytes, n_points: int) -> tuple[ComplexArray, MisfitModes, FloatArray]:
    """Return the impedance, the shapes of misfit, and the frequency grid of the distribution's nodes."""
    impedance, weight = from_blocks(np.frombuffer(target).reshape(2, -1), n_points)
    basis = misfit_basis(axis.grid[2, :n_points] / (2 * np.pi))
    modes = basis.modes(impedance, 1 / weight.real + 1j / weight.imag)
    return impedance, modes, frequency_grid(np.exp(-basis.nodes))


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


def statuses_of(
    circuit: Circuit, problem: Problem, values: FloatArray, covariance: FloatArray, limited: BoolArray
) -> tuple[str, ...]:
    """Return ok, fixed, at_bound or not_identifiable for each parameter, in the circuit's order.

    Each parameter is judged by its own standard error.
    """
    stderr = np.sqrt(np.diag(covariance))
    status = [""] * values.size
    for k, i in enumerate(problem.program.order):
        unresolved = UNRESOLVED_EXPONENT if circuit.specs[i].kind == "exponent" else UNRESOLVED * values[i]
        if problem.held[k]:
            status[i] = "fixed"
        elif limited[k] and problem.bounded[k]:
            status[i] = "at_bound"
        else:
            status[i] = "ok" if stderr[i] <= unresolved else "not_identifiable"
    return tuple(status)
