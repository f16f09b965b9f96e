"""Least-squares problem of a global fit: parameters, residuals, penalty and minimisation."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.custom_elements import take_error
from eistool.circuit.program import Program, compile_circuit, frequency_grid, to_blocks
from eistool.fitting.global_fit.arrow_matrix import Arrow, solve
from eistool.fitting.global_fit.laws import LawTerm
from eistool.fitting.problem import AMPLITUDE_RANGE, TAU_RANGE, TYPICAL_EXPONENT, Constraints
from eistool.fitting.weights import standard_deviation
from eistool.kernels import model
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, FloatArray, IntArray

MAX_ITERATIONS = 300  # of Levenberg-Marquardt; tens are typical
CONVERGED = 1e-10  # predicted decrease relative to the sum of squares; far below a ΔBIC of 2


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Assignment of the circuit's p parameters to local, joint and fixed ones."""

    circuit: Circuit
    local: IntArray  # shape (l,): indices in the circuit
    shared: tuple[tuple[str, int], ...]  # name and index; first among the joint parameters
    laws: tuple[LawTerm, ...]
    fixed: dict[int, float]

    @property
    def exponent(self) -> BoolArray:
        """True for exponents, for which u is the parameter instead of its logarithm; shape (p,)."""
        return np.array([spec.kind == "exponent" for spec in self.circuit.specs])

    @property
    def joint(self) -> IntArray:
        """Indices of the circuit's parameters that joint parameters determine."""
        return np.array([i for _, i in self.shared] + [term.index for term in self.laws], dtype=np.int64)

    def columns(self) -> list[slice]:
        """Return the slice of joint parameters of each index in ``joint``."""
        counts = [1] * len(self.shared) + [term.count for term in self.laws]
        ends = np.cumsum([0, *counts])
        return [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]

    @property
    def n_joint(self) -> int:
        """Number of joint parameters."""
        return len(self.shared) + sum(term.count for term in self.laws)

    def expand(self, local: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return u of all spectra, shape (n, p), and derivatives of its joint part by g, (n, k, m)."""
        n = local.shape[0]
        u = np.zeros((n, len(self.circuit.parameters)))
        for i, value in self.fixed.items():
            u[:, i] = value if self.exponent[i] else np.log(max(value, 1e-100))
        u[:, self.local] = local
        derivative = np.zeros((n, self.joint.size, g.size))
        for k, (i, column) in enumerate(zip(self.joint, self.columns(), strict=True)):
            if k < len(self.shared):
                u[:, i], derivative[:, k, column] = g[column], 1.0
            else:
                u[:, i], derivative[:, k, column] = self.laws[k - len(self.shared)].evaluate(g[column])
        return u, derivative


@dataclass(frozen=True, slots=True, eq=False)
class Smoothness:
    """Penalty on second differences of local parameters along the spectra."""

    strength: FloatArray  # shape (l,): 1 / (expected second difference)²; 0 for none
    differences: FloatArray  # shape (n - 2, 3): weights of three neighbours per row

    def apply(self, local: FloatArray) -> FloatArray:
        """Return the second differences, shape (n - 2, l)."""
        d = self.differences
        result: FloatArray = d[:, :1] * local[:-2] + d[:, 1:2] * local[1:-1] + d[:, 2:] * local[2:]
        return result

    def transpose(self, second: FloatArray) -> FloatArray:
        """Return the transposed operation, shape (n, l)."""
        d = self.differences
        result = np.zeros((second.shape[0] + 2, second.shape[1]))
        for k in range(3):
            result[k : k + second.shape[0]] += d[:, k : k + 1] * second
        return result

    def bands(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return diagonal and upper bands of DᵀD, shapes (n,), (n-1,), (n-2,)."""
        d = self.differences
        n = len(d)
        diagonal, near = np.zeros(n + 2), np.zeros(n + 1)
        for k in range(3):
            diagonal[k : k + n] += d[:, k] ** 2
        for k in range(2):
            near[k : k + n] += d[:, k] * d[:, k + 1]
        return diagonal, near, d[:, 0] * d[:, 2]


@dataclass(frozen=True, slots=True, eq=False)
class JointProblem:
    """Spectra, their weights and the layout of the parameters."""

    layout: Layout
    program: Program
    grids: tuple[FloatArray, ...]
    targets: tuple[FloatArray, ...]  # data and weights, shape (2, 2 n_freq)
    n_data: int
    lower: FloatArray  # of u, shape (n, p)
    upper: FloatArray
    smooth: Smoothness | None = None
    variance: float = 1.0  # of a residual: the unit of the penalty


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Parameters, with sums of squares and derivatives of the model."""

    local: FloatArray  # shape (n, l)
    joint: FloatArray  # shape (m,)
    u: FloatArray  # shape (n, p)
    by_joint: FloatArray  # shape (n, k, m)
    squares: FloatArray  # shape (n,): sum of squares of each spectrum
    hessian: FloatArray  # shape (n, p, p): JᵀJ of each spectrum
    gradient: FloatArray  # shape (n, p): Jᵀr
    objective: float  # sum of squares and penalty
    converged: bool = False


def build(spectra: list[Spectrum], layout: Layout, constraints: Constraints, weighting: str) -> JointProblem:
    """Return the problem without a penalty."""
    circuit = layout.circuit
    program = compile_circuit(circuit)
    grids, targets = [], []
    lower = np.empty((len(spectra), len(circuit.parameters)))
    upper = np.empty_like(lower)
    for s, spectrum in enumerate(spectra):
        omega, impedance = spectrum.omega[spectrum.mask], spectrum.impedance[spectrum.mask]
        sigma = standard_deviation(spectrum, weighting)[spectrum.mask]
        grid = frequency_grid(omega)
        n = grid.shape[1]
        data = to_blocks(impedance.real, impedance.imag, n)
        targets.append(np.stack([data, to_blocks(1 / sigma.real, 1 / sigma.imag, n)]))
        grids.append(grid)
        lower[s], upper[s] = _limits(layout, constraints, program, omega, np.abs(impedance))
    n_data = sum(2 * spectrum.n_used for spectrum in spectra)
    return JointProblem(layout, program, tuple(grids), tuple(targets), n_data, lower, upper)


def _limits(
    layout: Layout, constraints: Constraints, program: Program, omega: FloatArray, modulus: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return limits of u: bounds of the user and of exponents, or the search range of a fit."""
    exponent = layout.exponent
    log_omega = np.log(omega)
    scale = np.array([np.median(np.log(modulus)), 0.5 * (log_omega.min() + log_omega.max())])
    neutral = np.where(exponent[program.order], TYPICAL_EXPONENT, 0.0)
    middle = np.log(np.where(exponent, 1.0, program.to_values(neutral, scale)[0]))
    is_tau = np.array([spec.kind == "tau" for spec in layout.circuit.specs])
    reach = np.where(is_tau, 0.5 * np.ptp(log_omega) + TAU_RANGE, AMPLITUDE_RANGE)
    lower, upper = middle - reach, middle + reach
    bounded = constraints.bounded
    positive_low = bounded & (constraints.lower > 0)
    lower = np.where(positive_low, np.log(np.where(positive_low, constraints.lower, 1.0)), lower)
    finite_high = bounded & np.isfinite(constraints.upper)
    upper = np.where(finite_high, np.log(np.where(finite_high, constraints.upper, 1.0)), upper)
    # bounds of the user may lie beyond the default range
    upper = np.maximum(upper, lower + 1e-9)
    return np.where(exponent, constraints.lower, lower), np.where(exponent, constraints.upper, upper)


def evaluate(problem: JointProblem, local: FloatArray, joint: FloatArray) -> Point:
    """Return sums of squares, gradients and JᵀJ of every spectrum."""
    program = problem.program
    u, by_joint = problem.layout.expand(local, joint)
    n, p = u.shape
    exponent = problem.layout.exponent[program.order]
    sign = np.where(exponent, 1.0, program.table[:, 0])
    theta = np.ascontiguousarray(
        np.where(exponent, u[:, program.order], sign * (u[:, program.order] + program.table[:, 1]))
    )
    offsets = program.offsets(0.0)
    squares, gradient, hessian = np.empty(n), np.empty((n, p)), np.empty((n, p, p))
    place = np.ix_(program.order, program.order)
    width, workspace = 0, program.workspace(0)
    with np.errstate(all="ignore"):  # invalid steps have a non-finite sum of squares
        for s, (grid, target) in enumerate(zip(problem.grids, problem.targets, strict=True)):
            if grid.shape[1] != width:
                width = grid.shape[1]
                workspace = program.workspace(width)
            sums, rows = workspace
            model.evaluate(
                program.operations, offsets, program.parents, program.groups, theta[s], grid, sums, rows
            )
            take_error()  # the sum of squares is not finite
            jacobian = rows * target[1] * sign[:, None]
            residual = (target[0] - sums[0]) * target[1]
            squares[s] = residual @ residual
            gradient[s, program.order] = jacobian @ residual
            hessian[s][place] = jacobian @ jacobian.T
        objective = float(squares.sum())
        if problem.smooth is not None:
            second = problem.smooth.apply(local)
            objective += problem.variance * float(np.sum(problem.smooth.strength * second**2))
    return Point(local, joint, u, by_joint, squares, hessian, gradient, objective)


def normal_equations(problem: JointProblem, point: Point) -> Arrow:
    """Return the Gauss-Newton equations at a point, with negative gradients as right-hand sides."""
    i, j = problem.layout.local, problem.layout.joint
    by_joint = point.by_joint
    local = point.hessian[:, i[:, None], i]
    border = point.hessian[:, i[:, None], j] @ by_joint
    inner = point.hessian[:, j[:, None], j] @ by_joint
    joint = np.einsum("nkm,nkj->mj", by_joint, inner)
    local_rhs = point.gradient[:, i]
    joint_rhs = np.einsum("nkm,nk->m", by_joint, point.gradient[:, j])
    if problem.smooth is None:
        return Arrow(local, border, joint, local_rhs, joint_rhs)
    strength = problem.variance * problem.smooth.strength
    diagonal, near, far = problem.smooth.bands()
    local = local + diagonal[:, None, None] * np.diag(strength)
    local_rhs = local_rhs - strength * problem.smooth.transpose(problem.smooth.apply(point.local))
    ties = (near[:, None] * strength, far[:, None] * strength)
    return Arrow(local, border, joint, local_rhs, joint_rhs, ties)


def joint_limits(problem: JointProblem) -> tuple[FloatArray, FloatArray]:
    """Return limits of the joint parameters, shape (m,) each."""
    layout = problem.layout
    lower, upper = np.empty(layout.n_joint), np.empty(layout.n_joint)
    for i, column in zip(layout.joint, layout.columns(), strict=True):
        lower[column], upper[column] = problem.lower[:, i].min(), problem.upper[:, i].max()
    return lower, upper


def minimise(problem: JointProblem, local: FloatArray, joint: FloatArray) -> Point:
    """Minimise the objective by Levenberg-Marquardt steps within the limits."""
    index = problem.layout.local
    low, high = problem.lower[:, index], problem.upper[:, index]
    joint_low, joint_high = joint_limits(problem)
    point = evaluate(problem, np.clip(local, low, high), np.clip(joint, joint_low, joint_high))
    damping, factor, converged = 1e-3, 4.0, False
    for _ in range(MAX_ITERATIONS):
        arrow = normal_equations(problem, point)
        arrow = _hold(
            arrow,
            _blocked(point.local, arrow.local_rhs, low, high),
            _blocked(point.joint, arrow.joint_rhs, joint_low, joint_high),
        )
        step, joint_step = solve(arrow, damping)
        predicted = float(np.sum(step * arrow.local_rhs) + joint_step @ arrow.joint_rhs)
        if not predicted > CONVERGED * point.objective:
            converged = True
            break
        trial = evaluate(
            problem,
            np.clip(point.local + step, low, high),
            np.clip(point.joint + joint_step, joint_low, joint_high),
        )
        if trial.objective < point.objective:
            point, damping, factor = trial, max(damping / 5.0, 1e-12), 4.0
        else:
            damping, factor = damping * factor, factor * 2.0
        if damping > 1e16:
            converged = True  # no decrease is possible in double precision
            break
    return replace(point, converged=converged)


def _blocked(value: FloatArray, downhill: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    blocked: BoolArray = ((value <= low) & (downhill < 0)) | ((value >= high) & (downhill > 0))
    return blocked


def _hold(arrow: Arrow, local: BoolArray, joint: BoolArray) -> Arrow:
    """Return the equations with some parameters held."""
    if not (local.any() or joint.any()):
        return arrow
    a, b = (~local).astype(np.float64), (~joint).astype(np.float64)
    blocks = arrow.local * (a[:, :, None] * a[:, None, :])
    i = np.arange(a.shape[1])
    blocks[:, i, i] += 1 - a
    ties = arrow.ties
    if ties is not None:
        ties = (ties[0] * a[:-1] * a[1:], ties[1] * a[:-2] * a[2:])
    return Arrow(
        blocks,
        arrow.border * (a[:, :, None] * b),
        arrow.joint * np.outer(b, b) + np.diag(1 - b),
        arrow.local_rhs * a,
        arrow.joint_rhs * b,
        ties,
    )
