"""Gaussian-process model of ln γ: smooth and positive, without an assumed shape."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from eistool.drt.grid import FINER, Grid
from eistool.kernels import drt as kernels
from eistool.typing import BoolArray, FloatArray

FREEDOM = 8.0  # degrees of freedom of the t prior on second differences: local smoothness
FIRST_PRECISION = 400.0  # initial λ
LARGEST_PRECISION = 1e7  # of the roughness
FIRST_VARIANCE = 1e-4  # initial relative noise of 1 %
LEAST_VARIANCE = 1e-12  # of a datum, for data without noise
LEVEL_SIGMA = 6.0  # prior standard deviation of the level of ln γ
SLOPE_SIGMA = 0.5  # prior standard deviation of the slope in each step beyond the window
REACH = 8  # steps of the comb after which a spline weight is negligible
LENGTH = 1.0  # correlation length in ln τ of the deviation from a sum of elements
END_SIGMA = 0.2  # prior standard deviation of that deviation at the end of the comb
NOTHING: FloatArray = np.empty(0)
ENDING = 2.0  # slope of ln γ beyond the window, where phasances describe the tails


def weighed(root: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the product of a covariance root, shape (q, n), and weights, shape (n,)."""
    out = np.empty(root.shape[0])
    kernels.times(root, np.ascontiguousarray(weights), out)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Positive quantity modelled together with γ on a separate comb: negative γ or phasances."""

    at: FloatArray  # comb, shape (n,)
    rows: FloatArray  # impedance per unit, shape (n, m)
    first: FloatArray  # initial logarithm
    level: FloatArray  # prior mean of the logarithm
    sigma: float  # prior standard deviation of each value from ``level``
    step_sigma: float  # the same for the difference of neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Of ln γ and the blocks: differences of neighbours, values, and relative precision of the roughness."""

    slope: FloatArray  # mean of the difference to the next value
    slope_weight: FloatArray  # its precision
    level: FloatArray  # precision and mean of each value, shape (2, n)
    local: FloatArray

    def copy(self) -> "Prior":
        """Return independent arrays."""
        return Prior(self.slope.copy(), self.slope_weight.copy(), self.level.copy(), self.local.copy())


@dataclass(slots=True, eq=False)
class Data:
    """Dimensionless spectrum with its grid, weights and blocks."""

    grid: Grid
    y: FloatArray  # real, then imaginary parts
    modulus: FloatArray  # |Z| of each datum
    weight: FloatArray  # inverse squares of the noise, up to a factor
    tail: float  # slope of ln γ beyond the window at long times
    blocks: tuple[Block, ...] = ()
    phasances: bool = False  # as the last two blocks, replacing L and 1/C; γ then ends with the window
    prior: Prior = field(init=False)
    linear: FloatArray = field(init=False)  # rows of γ, the blocks and the linear terms
    products: FloatArray = field(init=False)  # their weighted Gram matrix

    def __post_init__(self) -> None:
        grid = self.grid
        self.linear = grid.linear
        if self.blocks:
            columns = grid.columns[: self.n_columns]
            self.linear = np.vstack([grid.rows, *(block.rows for block in self.blocks), columns])
        self.prior = _prior(grid, self.tail, self.blocks, self.phasances)
        self.reweigh(self.weight)

    @property
    def n_windows(self) -> int:
        """Number of windows with negative γ."""
        return len(self.blocks) - 2 * self.phasances

    @property
    def n_columns(self) -> int:
        """Number of linear terms: R and, without phasances, L and 1/C."""
        return 1 if self.phasances else 3

    def reweigh(self, weight: FloatArray) -> None:
        """Replace the weights."""
        self.weight = weight
        q = self.linear.shape[0]
        self.products = np.empty((q, q))
        kernels.gram(self.linear, weight, 0, self.products)


@dataclass(slots=True, eq=False)
class GaussianProcess:
    """Most probable ln γ on the comb, blocks and linear terms, with W such that WᵀW is their covariance."""

    f: FloatArray
    further: FloatArray  # ln of the blocks
    extra: FloatArray  # linear terms
    state: FloatArray  # precision, variance, evidence and others, see kernels.drt
    root: FloatArray  # W
    local: FloatArray  # local weights of the roughness
    mean: FloatArray  # prior mean of f
    residual: FloatArray  # data - model
    rows: FloatArray  # the linear model

    @property
    def n_logarithms(self) -> int:
        """Number of unknowns that are logarithms: ln γ and the blocks, before the linear terms."""
        return self.f.size + self.further.size

    @property
    def variance(self) -> float:
        """Variance of a datum of weight 1."""
        return float(self.state[kernels.VARIANCE])

    @property
    def precision(self) -> float:
        """Precision of the roughness, the λ of regularisation."""
        return float(self.state[kernels.PRECISION])

    def covariance_root(self, grid: Grid) -> FloatArray:
        """Return S with SᵀS the covariance of f on the fine grid, shape (q, n_fine)."""
        out = np.empty((self.root.shape[0], grid.fine.size))
        kernels.interpolate(self.root, grid.spline, FINER, REACH, self.f.size, out)
        return out

    @property
    def evidence(self) -> float:
        """Natural logarithm of the evidence in Laplace's approximation."""
        return float(self.state[kernels.EVIDENCE])


def free_process(
    data: Data, start: GaussianProcess | None = None, steps: int = 12, precision: float | None = None
) -> GaussianProcess:
    """Fit ln γ with a prior on its second differences only.

    Parameters
    ----------
    data : Data
        Spectrum to fit.
    start : GaussianProcess, optional
        Earlier fit that gives the initial values, with the same blocks or without any.
    steps : int
        Maximum number of steps.
    precision : float, optional
        Fixed precision; the noise is then that of ``start``.
    """
    grid = data.grid
    prior = data.prior
    if start is None:
        f = np.concatenate([_first(data), *(block.first for block in data.blocks)])
        extra = np.zeros(data.n_columns)
        extra[0] = data.y[np.argmax(grid.log_x)]
        state = np.array([FIRST_PRECISION, FIRST_VARIANCE, 0, 0, 0, 0, 0], dtype=float)
    else:
        further = [start.further] if start.further.size else [block.first for block in data.blocks]
        f, extra, state = np.concatenate([start.f, *further]), start.extra.copy(), start.state.copy()
        if start.further.size or not data.blocks:
            prior = replace(prior, local=start.local)
    if precision is not None:
        state[kernels.PRECISION] = precision
    return _run(
        data,
        data.linear,
        data.products,
        data.y,
        np.zeros(f.size),
        prior,
        2.0,
        FREEDOM,
        steps,
        f,
        extra,
        state,
        precision is None,
    )


def _prior(grid: Grid, tail: float, blocks: tuple[Block, ...], phasances: bool) -> Prior:
    n, h = grid.log_tau.size, grid.step
    low, high = grid.window
    total = n + sum(block.at.size for block in blocks)
    slope, slope_weight, level, local = np.zeros(total), np.zeros(total), np.empty((2, total)), np.zeros(total)
    edge_low, edge_high = grid.log_tau[1:] <= low, grid.log_tau[:-1] >= high
    rise, fall = (ENDING, -ENDING) if phasances else (1.0, tail)
    slope[: n - 1] = np.where(edge_low, rise * h, 0.0) + np.where(edge_high, fall * h, 0.0)
    slope_weight[: n - 1] = (edge_low | edge_high) / (SLOPE_SIGMA * h) ** 2
    level[0, :n] = 1 / (n * LEVEL_SIGMA**2)
    level[1, :n] = math.log(0.01)
    # no roughness at the ends, which would tie ln γ to the first block, nor in the blocks
    local[1 : n - 1] = 1
    start = n
    for block in blocks:
        end = start + block.at.size
        slope[start : end - 1] = np.diff(block.level)
        slope_weight[start : end - 1] = block.step_sigma**-2
        level[0, start:end] = block.sigma**-2
        level[1, start:end] = block.level
        start = end
    return Prior(slope, slope_weight, level, local)


def deviation_process(
    data: Data,
    gamma: FloatArray,
    impedance: FloatArray,
    derivatives: FloatArray,
    variance: float,
    steps: int = 12,
    further: FloatArray = NOTHING,
) -> GaussianProcess:
    """Fit the ratio of γ to that of a sum of elements, together with the elements' parameters and the blocks.

    Parameters
    ----------
    data : Data
        Spectrum to fit.
    gamma : FloatArray, shape (n,)
        γ of the elements on the comb, positive.
    impedance : FloatArray, shape (m,)
        Impedance of the elements.
    derivatives : FloatArray, shape (p, m)
        Derivatives of the impedance with respect to their parameters.
    variance : float
        Initial variance of the noise.
    steps : int
        Maximum number of steps.
    further : FloatArray
        Initial logarithms of the blocks.
    """
    grid = data.grid
    n, n_all = gamma.size, data.linear.shape[0] - data.n_columns
    rows = np.vstack([data.linear[:n_all], derivatives])
    products = np.empty((rows.shape[0], rows.shape[0]))
    products[:n_all, :n_all] = data.products[:n_all, :n_all]
    kernels.gram(rows, data.weight, n_all, products)
    y = data.y - impedance + np.einsum("i,ij", gamma, grid.rows)  # einsum: a BLAS call would start threads
    mean = np.zeros(n_all)
    mean[:n] = np.log(gamma)
    f = mean.copy()
    f[n:] = further
    prior = data.prior.copy()
    prior.slope[:n], prior.slope_weight[:n], prior.level[:, :n], prior.local[:n] = 0, 0, 0, 1
    if data.blocks:
        # the roughness at the end of ln γ would reach into the first block
        prior.local[n - 1] = 0
        prior.level[:, n - 1] = END_SIGMA**-2, mean[n - 1]
    state = np.array([1e5, variance, 0, 0, 0, 0, 0])
    curvature = 2 + (grid.step / LENGTH) ** 2
    extra = np.zeros(derivatives.shape[0])
    return _run(data, rows, products, y, mean, prior, curvature, 0.0, steps, f, extra, state, True)


def _run(
    data: Data,
    rows: FloatArray,
    products: FloatArray,
    y: FloatArray,
    mean: FloatArray,
    prior: Prior,
    curvature: float,
    freedom: float,
    steps: int,
    f: FloatArray,
    extra: FloatArray,
    state: FloatArray,
    adapt: bool,
) -> GaussianProcess:
    q = rows.shape[0]
    root, scratch = np.empty((q, q)), np.empty((q, q))
    residual, local = np.empty_like(y), prior.local.copy()
    kernels.log_process(
        rows, products, data.weight, y, mean, prior.slope, prior.slope_weight, prior.level, curvature, freedom,
        local, LARGEST_PRECISION, LEAST_VARIANCE, adapt, steps, f, extra, state, root, scratch, residual,
    )  # fmt: skip
    n = data.grid.log_tau.size
    return GaussianProcess(f[:n], f[n:], extra, state, root, local, mean[:n], residual, rows)


def _first(data: Data) -> FloatArray:
    """Return the initial ln γ: -2/π times the imaginary part at ω = 1/τ, kept positive."""
    grid = data.grid
    n = grid.log_x.size
    order = np.argsort(-grid.log_x)
    rest = data.y - sum(np.einsum("i,ij", np.exp(block.first), block.rows) for block in data.blocks)
    imaginary = np.interp(grid.log_tau, -grid.log_x[order], -rest[n:][order])
    positive: BoolArray = imaginary > 1e-3
    f: FloatArray = np.log(np.where(positive, imaginary, 1e-3) * 2 / np.pi)
    return f
