"""Tikhonov regularisation: matrices, solutions, criteria, and the search for λ."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eistool.drt.grid import REMEMBERED, Grid, grid_of
from eistool.kernels.nonnegative import nonnegative as solve_nonnegative
from eistool.typing import BoolArray, FloatArray, IntArray

NODES = 6  # quadrature nodes between two knots
SMALLEST, LARGEST = 1e-10, 1e2  # range of λ
PER_DECADE = 4  # values of λ per decade before the best is refined
REFINEMENTS = 20  # golden sections: λ to a relative accuracy of 1e-4
FOLDS = 5  # of cross-validation
CRITERIA = ("gcv", "mgcv", "rgcv", "lcurve", "re-im", "kf")
BASES = ("gaussian", "piecewise-linear")
ORDERS = (0, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Matrices:
    """Unweighted linear model of a frequency grid; read-only.

    γ is a sum of basis functions on the comb of the grid, and zero beyond its ends.
    """

    grid: Grid
    gamma: FloatArray  # impedance of the coefficients, real then imaginary parts, shape (2 n_freq, n)
    linear: FloatArray  # impedance per unit of R, L and 1/C, shape (2 n_freq, 3)
    roughness: FloatArray  # B with |Bx|² = ∫ (dᵏγ/d ln τᵏ)² d ln τ, shape (r, n)
    basis: FloatArray  # γ on the fine grid, shape (n_fine, n)


def basis_values(basis: str, width: float, knots: FloatArray, points: FloatArray, order: int = 0) -> FloatArray:
    """Return a derivative of every basis function, shape (n_points, n_knots).

    Parameters
    ----------
    basis : str
        One of ``BASES``.
    width : float
        Full width at half maximum of a Gaussian, in steps of the knots.
    knots, points : FloatArray
        ln τ; the knots are equidistant.
    order : int
        Order of the derivative; at most 1 for hat functions.
    """
    step = knots[1] - knots[0]
    u: FloatArray = (points[:, None] - knots) / step
    if basis == "piecewise-linear":
        inside = np.abs(u) < 1
        return np.where(inside, -np.sign(u) / step if order else 1 - np.abs(u), 0.0)
    mu = 2 * math.sqrt(math.log(2)) / width  # exp(-(μu)²)
    value: FloatArray = np.exp(-((mu * u) ** 2))
    if order == 1:
        value *= -2 * mu**2 * u / step
    elif order == 2:
        value *= (4 * (mu**2 * u) ** 2 - 2 * mu**2) / step**2
    return value


@functools.lru_cache(maxsize=REMEMBERED)
def _matrices(frequency: bytes, basis: str, width: float, order: int) -> Matrices:
    grid = grid_of(np.frombuffer(frequency))
    knots, step, n = grid.log_tau, grid.step, grid.log_tau.size
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    points = (knots[:-1, None] + 0.5 * step * (1 + nodes)).ravel()
    weight = np.tile(0.5 * step * weights, n - 1)
    q = np.exp(grid.log_x)[:, None] * np.exp(points)
    part = weight / (1 + q**2)
    if basis == "piecewise-linear" and order == 2:
        # hat functions have deltas as second derivatives: second differences, as usual
        root = np.diff(np.eye(n), 2, axis=0) / step**1.5
    else:
        root = np.sqrt(weight)[:, None] * basis_values(basis, width, knots, points, order)
    return Matrices(
        grid=grid,
        gamma=np.vstack([part, -q * part]) @ basis_values(basis, width, knots, points),
        linear=grid.columns.T,
        roughness=np.linalg.qr(root)[1],
        basis=basis_values(basis, width, knots, grid.fine),
    )


def matrices_of(frequency: FloatArray, basis: str, width: float, order: int) -> Matrices:
    """Return the matrices for frequencies in Hz, in any order."""
    return _matrices(np.ascontiguousarray(frequency, dtype=np.float64).tobytes(), basis, width, order)


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Weighted rows of a linear problem; the first ``n_free`` unknowns are neither regularised nor bounded."""

    rows: FloatArray  # shape (m, n)
    y: FloatArray  # shape (m,)
    points: IntArray  # point index of each row, shape (m,)
    roughness: FloatArray  # of the regularised unknowns
    n_free: int

    def only(self, rows: BoolArray) -> "Design":
        """Return a subset of the rows, without the free unknowns that it does not determine."""
        kept = np.ones(self.rows.shape[1], dtype=bool)
        kept[: self.n_free] = (self.rows[rows, : self.n_free] != 0).any(axis=0)
        n_free = int(kept[: self.n_free].sum())
        return Design(self.rows[rows][:, kept], self.y[rows], self.points[rows], self.roughness, n_free)

    def residual(self, x: FloatArray) -> FloatArray:
        """Return the data minus the model."""
        residual: FloatArray = self.y - self.rows @ x
        return residual


class Problem:
    """Minimisation of |Ax - y|² + λ|Bx|², cheap for any λ.

    Uses a generalised singular value decomposition, A = U c W and B = V s W with diagonal c and s, from
    a QR decomposition of A stacked on B and an SVD of its upper part; AᵀA is never formed.
    """

    __slots__ = ("_from", "_of_data", "_of_penalty", "_to", "b", "c", "design", "rest", "s")

    def __init__(self, design: Design) -> None:
        self.design = design
        m, n = design.rows.shape
        penalty = np.zeros((design.roughness.shape[0], n))
        penalty[:, design.n_free :] = design.roughness
        balance = np.linalg.norm(design.rows) / np.linalg.norm(penalty)
        q, r = np.linalg.qr(np.vstack([design.rows, balance * penalty]))
        u, c, vt = np.linalg.svd(q[:m], full_matrices=m < n)
        u = u[:, : c.size]
        self.c = np.zeros(n)
        self.c[: c.size] = c
        self.b = np.zeros(n)  # y in the coordinates of U
        self.b[: c.size] = u.T @ design.y
        self.rest = float(np.sum((design.y - u @ self.b[: c.size]) ** 2))
        self._of_data = np.zeros((m, n))
        self._of_data[:, : c.size] = u * c
        self._of_penalty = q[m:] @ vt.T / balance
        # not √(1 - c²), which has no digits where c is near 1
        self.s = np.linalg.norm(self._of_penalty, axis=0)
        self._to = vt @ r
        self._from = np.linalg.solve(r, vt.T)

    def filter(self, regularization: float) -> FloatArray:
        """Return the eigenvalues of the influence matrix."""
        kept: FloatArray = self.c**2 / (self.c**2 + regularization * self.s**2)
        return kept

    def misfit(self, kept: FloatArray) -> float:
        """Return |Ax - y|² for the given filter factors."""
        return self.rest + float(np.sum(((1 - kept) * self.b) ** 2))

    def solve(self, regularization: float, nonnegative: bool, noise: FloatArray | None = None) -> FloatArray:
        """Return x; with ``noise``, rows of x and of the solutions of perturbed problems.

        Parameters
        ----------
        regularization : float
            λ.
        nonnegative : bool
            Whether all but the free unknowns are >= 0.
        noise : FloatArray, shape (draws, m + r), optional
            Perturbations of y and of the zero target of √λ Bx. With standard deviation σ, unconstrained
            solutions have the covariance σ²(AᵀA + λBᵀB)⁻¹.
        """
        d = np.sqrt(self.c**2 + regularization * self.s**2)
        targets = (self.c * self.b / d)[None]
        if noise is not None:
            m = self.design.y.size
            added = noise[:, :m] @ self._of_data + math.sqrt(regularization) * noise[:, m:] @ self._of_penalty
            targets = np.vstack([targets, targets + added / d])
        if nonnegative:
            x = np.zeros((targets.shape[0], d.size))
            columns = np.ascontiguousarray((d[:, None] * self._to).T)
            solve_nonnegative(columns, targets, self.design.n_free, x)
        else:
            x = targets / d @ self._from.T
        return x[0] if noise is None else x

    def freedom(self, regularization: float, x: FloatArray) -> float:
        """Return the effective number of nonzero unknowns."""
        d = np.sqrt(self.c**2 + regularization * self.s**2)
        q = np.linalg.qr((d[:, None] * self._to)[:, x != 0])[0]
        return float(np.sum((self.c / d) ** 2 * (q**2).sum(axis=1)))


def score_of(criterion: str, design: Design, nonnegative: bool) -> Callable[[float], float]:
    """Return the objective function of λ for a criterion.

    Parameters
    ----------
    criterion : str
        One of ``CRITERIA``; for ``re-im`` the rows are all real parts, then all imaginary parts.
    design : Design
        Problem to solve.
    nonnegative : bool
        Whether ``re-im`` and ``kf`` predict with non-negative unknowns. The other criteria use the linear
        problem, for which they are derived.
    """
    if criterion == "re-im":
        return _swapped(design, nonnegative)
    if criterion == "kf":
        return _folds(design, nonnegative)
    problem = Problem(design)
    m = design.y.size

    def gcv(regularization: float, rho: float = 1.0, robustness: float = 1.0) -> float:
        kept = problem.filter(regularization)
        share = 1 - rho * float(kept.sum()) / m
        if share <= 0:
            return math.inf
        robust = robustness + (1 - robustness) * float(np.sum(kept**2)) / m
        return robust * problem.misfit(kept) / m / share**2

    def mgcv(regularization: float) -> float:
        return gcv(regularization, rho=1.3 if m < 50 else 2.0)

    def rgcv(regularization: float) -> float:
        return gcv(regularization, robustness=0.2 if m < 100 else 0.3)

    def lcurve(regularization: float) -> float:
        """Return the curvature of ln |Bx|² against ln |Ax - y|², negative at a corner."""
        f = problem.filter(regularization)
        u, square = 1 - f, problem.b**2
        rho = problem.misfit(f)
        eta = float(np.sum(u * f * square)) / regularization
        slope = float(np.sum(2 * u**2 * f * square))  # of rho by ln λ; that of eta is -slope/λ
        bend = float(np.sum(2 * u**2 * f * (2 * f - u) * square))
        p1, e1 = slope / rho, -slope / regularization / eta
        p2 = bend / rho - p1**2
        e2 = (slope - bend) / regularization / eta - e1**2
        return (p2 * e1 - p1 * e2) / math.hypot(p1, e1) ** 3

    return {"gcv": gcv, "mgcv": mgcv, "rgcv": rgcv, "lcurve": lcurve}[criterion]


def _swapped(design: Design, nonnegative: bool) -> Callable[[float], float]:
    """Predict the real parts with γ of the imaginary parts, and vice versa."""
    real = np.arange(design.y.size) < design.y.size // 2
    halves = [design.only(rows) for rows in (real, ~real)]
    problems = [Problem(half) for half in halves]

    def score(regularization: float) -> float:
        x_real, x_imag = (problem.solve(regularization, nonnegative) for problem in problems)
        a, b = halves[0].n_free, halves[1].n_free
        swapped = np.concatenate([x_real[:a], x_imag[b:]]), np.concatenate([x_imag[:b], x_real[a:]])
        return float(sum(np.sum(half.residual(x) ** 2) for half, x in zip(halves, swapped, strict=True)))

    return score


def _folds(design: Design, nonnegative: bool) -> Callable[[float], float]:
    """Predict each point from the four folds without it; the folds are not random."""
    fold = design.points % FOLDS
    parts = [(Problem(design.only(fold != k)), design.only(fold == k)) for k in range(FOLDS)]

    def score(regularization: float) -> float:
        total = 0.0
        for problem, held in parts:
            total += float(np.sum(held.residual(problem.solve(regularization, nonnegative)) ** 2))
        return total

    return score


def minimize(
    score: Callable[[float], float],
    smallest: float = SMALLEST,
    largest: float = LARGEST,
    per_decade: int = PER_DECADE,
) -> float:
    """Return the λ of the lowest score: the best of a logarithmic grid, refined by golden-section search."""
    low, high = math.log(smallest), math.log(largest)
    tried = np.linspace(low, high, round((high - low) / math.log(10) * per_decade) + 1)
    scores = [score(math.exp(t)) for t in tried]
    k = int(np.argmin(scores))
    best, at = scores[k], float(tried[k])
    a, b = float(tried[max(k - 1, 0)]), float(tried[min(k + 1, tried.size - 1)])
    golden = (math.sqrt(5) - 1) / 2
    inner = [b - golden * (b - a), a + golden * (b - a)]
    values = [score(math.exp(t)) for t in inner]
    for _ in range(REFINEMENTS):
        if values[0] <= values[1]:
            b, inner = inner[1], [inner[1] - golden * (inner[1] - a), inner[0]]
            values = [score(math.exp(inner[0])), values[0]]
        else:
            a, inner = inner[0], [inner[1], inner[0] + golden * (b - inner[0])]
            values = [values[1], score(math.exp(inner[1]))]
        for t, value in zip(inner, values, strict=True):
            if value < best:
                best, at = value, t
    return math.exp(at)
