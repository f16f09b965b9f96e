"""Covariance and status of fitted parameters."""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.program import Program
from eistool.fitting.arcs import arcs
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
from eistool.fitting.problem import Problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT
from eistool.fitting.weights import standard_deviation
from eistool.kernels import least_squares, nonlinear_covariance, parameters
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, FloatArray, Threshold

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
    members: list[tuple[int, float]]  # theta's row and R in ohm of each arc


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """Covariances of theta at the best minimum, and parts that it could do without."""

    covariance: FloatArray  # shape (p, p), noise and misfit; 0 for fixed parameters
    noise_covariance: FloatArray  # shape (p, p), of a linear model with noise alone
    arc_covariance: FloatArray  # shape (p, p), part of it: misfit that belongs to the arcs
    dc_covariance: FloatArray  # shape (p + 1,), of theta with the misfit's own d.c. resistance in ohm
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
    noise = np.zeros((p, p))
    noise[np.ix_(free, free)] = inverse * variance
    members = assessment.members
    n = free.size
    moments = assessment.misfit.covariance.copy()
    moments[:n] *= assessment.stretch[:, None]
    moments[:, :n] *= assessment.stretch
    covariance, dc_covariance = widened - noise, np.zeros(p + 1)  # beyond the curvature at the minimum
    covariance[np.ix_(free, free)] += moments[:n, :n]
    dc_covariance[free], dc_covariance[p] = moments[n, :n], moments[n, n]
    # a deviation near an arc is a part of its resistance, with a probability: d ln R = e/R
    to_arcs = np.zeros((p, len(members)))
    for k, (row, R) in enumerate(members):
        to_arcs[row, k] = 0.0 if problem.held[row] else 1 / R
    with_steps = np.zeros((p, p))
    with_steps[free] = moments[:n, n + 1 :] @ to_arcs.T
    arc_covariance = P_BELONGS * (with_steps + with_steps.T + to_arcs @ moments[n + 1 :, n + 1 :] @ to_arcs.T)
    dispensable = parts[(rises < cost) & ~(parts & tied).any(axis=1)]
    return Uncertainty(covariance + arc_covariance, noise, arc_covariance, dc_covariance, dispensable)


def assess(
    problem: Problem, circuit: Circuit, spectrum: Spectrum, weighting: str, theta: FloatArray
) -> Assessment:
    """Return the misfit of a circuit with the parameters theta."""
    free = problem.free
    used = spectrum.mask.nonzero()[0][problem.axis.order]
    impedance = spectrum.impedance[used]
    modelled, jacobian = problem.linearise(theta)
    # a vanishing resistance has steps of its own: its limit is that of a resistance, not of a logarithm
    kinds = [problem.kinds[i] for i in free]
    effect = np.max(np.abs(jacobian[:, free]) / np.abs(impedance)[:, None], axis=0)
    stretch = np.where(np.isin(kinds, AMPLITUDES), np.maximum(LEAST_STEP / np.maximum(effect, TINY), 1.0), 1.0)
    modes = _modes(
        spectrum.frequency[used].tobytes(),
        impedance.tobytes(),
        standard_deviation(spectrum, weighting)[used].tobytes(),
    )
    members, arcs = _arcs(problem, circuit, modes, theta)
    misfit = assess_misfit(
        impedance - modelled, jacobian[:, free] * stretch, prior_of(kinds), modes, arcs, weighting == "noise"
    )
    return Assessment(misfit, stretch, members)


def _arcs(
    problem: Problem, circuit: Circuit, modes: MisfitModes, theta: FloatArray
) -> tuple[list[tuple[int, float]], Arcs | None]:
    """Return theta's row and R in ohm of each arc of a constant-phase element, and the arcs."""
    program, order = problem.program, problem.program.order.tolist()
    z0, omega_0 = np.exp(problem.scale)
    rows = [
        [order.index(circuit.index(name)) for name in names]
        for names in arcs(circuit.tree)
        if program.kinds[order.index(circuit.index(names[1]))] == parameters.LOG_TAU
    ]
    if not rows:
        return [], None
    R = z0 * np.exp([theta[row[0]] for row in rows])
    tau = np.exp([theta[row[1]] for row in rows]) / omega_0
    alpha = np.array([theta[row[2]] if len(row) > 2 else 1.0 for row in rows])
    omega = np.exp(-modes.basis.nodes)
    impedance, _ = program.evaluate(omega / omega_0, theta, problem.axis.log_omega_0)
    return [(row[0], float(r)) for row, r in zip(rows, R, strict=True)], Arcs(R, tau, alpha, -z0 * impedance.imag)


@functools.lru_cache(maxsize=32)  # circuits of one spectrum share them
def _modes(frequency: bytes, impedance: bytes, deviation: bytes) -> MisfitModes:
    complexes = (np.frombuffer(part, dtype=np.complex128) for part in (impedance, deviation))
    return misfit_basis(np.frombuffer(frequency)).modes(*complexes)


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
