"""ln γ as a Gaussian process: smooth, positive, and free of any assumed shape."""

import math
from dataclasses import dataclass, field

import numpy as np

from eistool.drt.grid import FINER, Grid
from eistool.kernels import drt as kernels
from eistool.typing import BoolArray, FloatArray

FREEDOM = 8.0  # of the t distribution of second differences: local smoothness
FIRST_PRECISION = 400.0
LARGEST_PRECISION = 1e7
FIRST_VARIANCE = 1e-4  # relative noise of 1 %
LEAST_VARIANCE = 1e-12
LEVEL_SPREAD = 6.0  # standard deviation of the level of ln γ
SLOPE_SPREAD = 0.5  # of the slope in each step beyond the window
REACH = 8  # of a spline on the comb
LENGTH = 1.0  # of deviations from a sum of elements, in ln τ
END_SPREAD = 0.2  # of a deviation at the end of the comb
NOTHING: FloatArray = np.empty(0)
ENDING = 2.0  # slope of ln γ beyond the window where phasances describe what lies there


def weighed(spread: FloatArray, weights: FloatArray) -> FloatArray:
    """Return what each standard normal variable does to a weighted sum of ln γ."""
    out = np.empty(spread.shape[0])
    kernels.times(spread, np.ascontiguousarray(weights), out)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A positive quantity beside γ, on a comb of its own: what is subtracted from γ, or phasances."""

    at: FloatArray  # its comb, shape (n,)
    rows: FloatArray  # impedance of a unit of it, shape (n, m)
    first: FloatArray  # its logarithm to start from
    level: FloatArray  # prior mean of the logarithm
    spread: float  # standard deviation of each value from it
    step_spread: float  # of neighbours' difference from that of their levels


@dataclass(slots=True, eq=False)
class Data:
    """One spectrum without dimensions."""

    grid: Grid
    y: FloatArray  # real, then imaginary parts
    modulus: FloatArray  # |Z| of each datum
    weight: FloatArray  # inverse squares of the relative noise
    tail: float  # slope of ln γ beyond the window at long times
    blocks: tuple[Block, ...] = ()
    phasances: bool = False  # are the last two blocks, in the place of L and 1/C; γ ends with the window then
    linear: FloatArray = field(init=False)  # rows of γ and of the blocks, then columns
    products: FloatArray = field(init=False)  # of these, weighted

    def __post_init__(self) -> None:
        grid = self.grid
        self.linear = grid.linear
        if self.blocks:
            columns = grid.columns[: self.n_columns]
            self.linear = np.vstack([grid.rows, *(block.rows for block in self.blocks), columns])
        self.reweigh(self.weight)

    @property
    def n_windows(self) -> int:
        """In which γ may be negative."""
        return len(self.blocks) - 2 * self.phasances

    @property
    def n_columns(self) -> int:
        """Of the linear model beside γ and the blocks: R, and where there are no phasances L and 1/C."""
        return 1 if self.phasances else 3

    def reweigh(self, weight: FloatArray) -> None:
        """Take other weights."""
        self.weight = weight
        q = self.linear.shape[0]
        self.products = np.empty((q, q))
        kernels.gram(self.linear, weight, 0, self.products)


@dataclass(slots=True, eq=False)
class Process:
    """The most probable ln γ on the comb, further columns, and W with WᵀW their covariance."""

    f: FloatArray
    further: FloatArray  # ln of the blocks
    extra: FloatArray
    state: FloatArray
    root: FloatArray
    local: FloatArray
    mean: FloatArray
    residual: FloatArray  # data - model
    rows: FloatArray  # the linear model

    @property
    def n_logarithms(self) -> int:
        """Of ln γ and the blocks; the unknowns after them are linear."""
        return self.f.size + self.further.size

    @property
    def variance(self) -> float:
        """Of a datum whose weight is 1."""
        return float(self.state[kernels.VARIANCE])

    @property
    def precision(self) -> float:
        """Of the roughness, the λ of regularisation."""
        return float(self.state[kernels.PRECISION])

    def spread(self, grid: Grid) -> FloatArray:
        """Return S with SᵀS the covariance of ln γ's smooth part on the fine grid, shape (q, n_fine)."""
        out = np.empty((self.root.shape[0], grid.fine.size))
        kernels.interpolate(self.root, grid.spline, FINER, REACH, self.f.size, out)
        return out

    @property
    def evidence(self) -> float:
        """Natural logarithm, by Laplace."""
        return float(self.state[kernels.EVIDENCE])


def free_process(
    data: Data, start: Process | None = None, steps: int = 12, precision: float | None = None
) -> Process:
    """Fit ln γ with a prior on its second differences alone.

    Parameters
    ----------
    data : Data
        What to fit.
    start : Process, optional
        An earlier fit to start from.
    steps : int
        At most so many.
    precision : float, optional
        Hold this one, and the start's noise.
    """
    grid = data.grid
    slope, slope_weight, level, local = _prior(data)
    if start is None:
        f = np.concatenate([_first(data), *(block.first for block in data.blocks)])
        extra = np.zeros(data.n_columns)
        extra[0] = data.y[np.argmax(grid.log_x)]
        state = np.array([FIRST_PRECISION, FIRST_VARIANCE, 0, 0, 0, 0, 0], dtype=float)
    else:
        f, extra = np.concatenate([start.f, start.further]), start.extra.copy()
        state, local = start.state.copy(), start.local.copy()
    if precision is not None:
        state[kernels.PRECISION] = precision
    prior = (slope, slope_weight, level)
    return _run(
        data,
        data.linear,
        data.products,
        data.y,
        np.zeros(f.size),
        prior,
        2.0,
        FREEDOM,
        local,
        steps,
        f,
        extra,
        state,
        precision is None,
    )


def _prior(data: Data) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return slopes, their precisions, levels and where there is a roughness, of ln γ and of the blocks."""
    grid = data.grid
    n, h = grid.log_tau.size, grid.step
    low, high = grid.window
    total = n + sum(block.at.size for block in data.blocks)
    slope, slope_weight, level, local = np.zeros(total), np.zeros(total), np.empty((2, total)), np.zeros(total)
    edge_low, edge_high = grid.log_tau[1:] <= low, grid.log_tau[:-1] >= high
    rise, fall = (ENDING, -ENDING) if data.phasances else (1.0, data.tail)
    slope[: n - 1] = np.where(edge_low, rise * h, 0.0) + np.where(edge_high, fall * h, 0.0)
    slope_weight[: n - 1] = (edge_low | edge_high) / (SLOPE_SPREAD * h) ** 2
    level[0, :n] = 1 / (n * LEVEL_SPREAD**2)
    level[1, :n] = math.log(0.01)
    # none at the ends, so that nothing ties ln γ to the first block, and none in the blocks
    local[1 : n - 1] = 1
    start = n
    for block in data.blocks:
        end = start + block.at.size
        slope[start : end - 1] = np.diff(block.level)
        slope_weight[start : end - 1] = block.step_spread**-2
        level[0, start:end] = block.spread**-2
        level[1, start:end] = block.level
        start = end
    return slope, slope_weight, level, local


def deviation_process(
    data: Data,
    gamma: FloatArray,
    impedance: FloatArray,
    derivatives: FloatArray,
    variance: float,
    steps: int = 12,
    further: FloatArray = NOTHING,
) -> Process:
    """Fit the ratio of γ to that of a sum of elements, together with the elements' parameters and the blocks.

    Parameters
    ----------
    data : Data
        What to fit.
    gamma : FloatArray, shape (n,)
        Of the elements on the comb, positive.
    impedance : FloatArray, shape (m,)
        Of the elements.
    derivatives : FloatArray, shape (p, m)
        Of it by their parameters.
    variance : float
        First guess of the noise.
    steps : int
        At most so many.
    further : FloatArray
        First guess of the logarithms of the blocks.
    """
    grid = data.grid
    n, n_all = gamma.size, data.linear.shape[0] - data.n_columns
    rows = np.vstack([data.linear[:n_all], derivatives])
    products = np.empty((rows.shape[0], rows.shape[0]))
    products[:n_all, :n_all] = data.products[:n_all, :n_all]
    kernels.gram(rows, data.weight, n_all, products)
    y = data.y - impedance + np.einsum("i,ij", gamma, grid.rows)  # no threads for so little
    mean = np.zeros(n_all)
    mean[:n] = np.log(gamma)
    f = mean.copy()
    f[n:] = further
    slope, slope_weight, level, local = np.zeros(n), np.zeros(n), np.zeros((2, n)), np.ones(n)
    if data.blocks:
        slope, slope_weight, level, local = _prior(data)
        slope[:n], slope_weight[:n], level[:, :n], local[:n] = 0, 0, 0, 1
        # the roughness at the end of ln γ would look beyond it, at the first block
        local[n - 1] = 0
        level[:, n - 1] = END_SPREAD**-2, mean[n - 1]
    state = np.array([1e5, variance, 0, 0, 0, 0, 0])
    curvature = 2 + (grid.step / LENGTH) ** 2
    extra = np.zeros(derivatives.shape[0])
    prior = (slope, slope_weight, level)
    return _run(data, rows, products, y, mean, prior, curvature, 0.0, local, steps, f, extra, state, True)


def _run(
    data: Data,
    rows: FloatArray,
    products: FloatArray,
    y: FloatArray,
    mean: FloatArray,
    prior: tuple[FloatArray, FloatArray, FloatArray],
    curvature: float,
    freedom: float,
    local: FloatArray,
    steps: int,
    f: FloatArray,
    extra: FloatArray,
    state: FloatArray,
    adapt: bool,
) -> Process:
    q = rows.shape[0]
    root, scratch = np.empty((q, q)), np.empty((q, q))
    residual = np.empty_like(y)
    kernels.log_process(
        rows, products, data.weight, y, mean, *prior, curvature, freedom, local,
        LARGEST_PRECISION, LEAST_VARIANCE, adapt, steps, f, extra, state, root, scratch, residual,
    )  # fmt: skip
    n = data.grid.log_tau.size
    return Process(f[:n], f[n:], extra, state, root, local, mean[:n], residual, rows)


def _first(data: Data) -> FloatArray:
    """Return a first ln γ: -2/π times the imaginary part at ω = 1/τ, kept positive."""
    grid = data.grid
    n = grid.log_x.size
    order = np.argsort(-grid.log_x)
    rest = data.y - sum(np.einsum("i,ij", np.exp(block.first), block.rows) for block in data.blocks)
    imaginary = np.interp(grid.log_tau, -grid.log_x[order], -rest[n:][order])
    positive: BoolArray = imaginary > 1e-3
    f: FloatArray = np.log(np.where(positive, imaginary, 1e-3) * 2 / np.pi)
    return f
