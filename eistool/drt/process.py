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


def weighed(spread: FloatArray, weights: FloatArray) -> FloatArray:
    """Return what each standard normal variable does to a weighted sum of ln γ."""
    out = np.empty(spread.shape[0])
    kernels.times(spread, np.ascontiguousarray(weights), out)
    return out


@dataclass(slots=True, eq=False)
class Data:
    """One spectrum without dimensions."""

    grid: Grid
    y: FloatArray  # real, then imaginary parts
    modulus: FloatArray  # |Z| of each datum
    weight: FloatArray  # inverse squares of the relative noise
    tail: float  # slope of ln γ beyond the window at long times
    products: FloatArray = field(init=False)  # of the grid's rows and columns, weighted

    def __post_init__(self) -> None:
        self.reweigh(self.weight)

    def reweigh(self, weight: FloatArray) -> None:
        """Take other weights."""
        self.weight = weight
        q = self.grid.linear.shape[0]
        self.products = np.empty((q, q))
        kernels.gram(self.grid.linear, weight, 0, self.products)


@dataclass(slots=True, eq=False)
class Process:
    """The most probable ln γ on the comb, further columns, and W with WᵀW their covariance."""

    f: FloatArray
    extra: FloatArray
    state: FloatArray
    root: FloatArray
    local: FloatArray
    mean: FloatArray
    residual: FloatArray  # data - model
    rows: FloatArray  # the linear model

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
        kernels.spread(self.root, grid.spline, FINER, REACH, self.f.size, out)
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
    n = grid.log_tau.size
    h = grid.step
    low, high = grid.window
    edge_low, edge_high = grid.log_tau[1:] <= low, grid.log_tau[:-1] >= high
    slope = np.zeros(n)
    slope[:-1] = np.where(edge_low, h, 0.0) + np.where(edge_high, data.tail * h, 0.0)
    slope_weight = np.zeros(n)
    slope_weight[:-1] = (edge_low | edge_high) / (SLOPE_SPREAD * h) ** 2
    level = np.empty((2, n))
    level[0] = 1 / (n * LEVEL_SPREAD**2)
    level[1] = math.log(0.01)
    local = np.ones(n)
    local[[0, -1]] = 0
    if start is None:
        f = _first(data)
        extra = np.array([float(data.y[np.argmax(grid.log_x)]), 0.0, 0.0])
        state = np.array([FIRST_PRECISION, FIRST_VARIANCE, 0, 0, 0, 0, 0], dtype=float)
    else:
        f, extra, state, local = start.f.copy(), start.extra.copy(), start.state.copy(), start.local.copy()
    if precision is not None:
        state[kernels.PRECISION] = precision
    prior = (slope, slope_weight, level)
    return _run(
        data,
        grid.linear,
        data.products,
        data.y,
        np.zeros(n),
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


def deviation_process(
    data: Data, gamma: FloatArray, impedance: FloatArray, derivatives: FloatArray, variance: float, steps: int = 12
) -> Process:
    """Fit the ratio of γ to that of a sum of elements, together with the elements' parameters.

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
    """
    grid = data.grid
    n = gamma.size
    rows = np.vstack([grid.rows, derivatives])
    products = np.empty((rows.shape[0], rows.shape[0]))
    products[:n, :n] = data.products[:n, :n]
    kernels.gram(rows, data.weight, n, products)
    y = data.y - impedance + np.einsum("i,ij", gamma, grid.rows)  # no threads for so little
    mean = np.log(gamma)
    nothing = np.zeros(n)
    state = np.array([1e5, variance, 0, 0, 0, 0, 0])
    prior = (nothing, nothing, np.zeros((2, n)))
    curvature = 2 + (grid.step / LENGTH) ** 2
    extra = np.zeros(derivatives.shape[0])
    return _run(
        data, rows, products, y, mean, prior, curvature, 0.0, np.ones(n), steps, mean.copy(), extra, state, True
    )


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
    return Process(f, extra, state, root, local, mean, residual, rows)


def _first(data: Data) -> FloatArray:
    """Return a first ln γ: -2/π times the imaginary part at ω = 1/τ, kept positive."""
    grid = data.grid
    n = grid.log_x.size
    order = np.argsort(-grid.log_x)
    imaginary = np.interp(grid.log_tau, -grid.log_x[order], -data.y[n:][order])
    positive: BoolArray = imaginary > 1e-3
    f: FloatArray = np.log(np.where(positive, imaginary, 1e-3) * 2 / np.pi)
    return f
