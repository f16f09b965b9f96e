"""Negative DRT blocks and phasances."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eistool.drt.elements import LEAST_TAIL
from eistool.drt.grid import FINER, Grid, spline
from eistool.drt.process import Block, Data, GaussianProcess
from eistool.errors import SpectrumError
from eistool.kernels.drt import add_product
from eistool.typing import BoolArray, FloatArray

LEAST_WIDTH = 4  # points of the comb in a window
FAINT = math.log(0.002)  # prior level of negative γ in units of |Z|: negligible unless the data require it
FAINT_SIGMA, FAINT_STEP = 3.0, 1.0  # prior standard deviations of its logarithm, and of neighbours' differences
FADE, FADING = 1.0, 3  # decrease of that level per step, and steps, at the ends of a window
LEAST_PHASANCE, PHASANCE_STEP = 0.2, 0.025  # |ν| and its comb; closer to 0 it is a resistance
PHASANCE_FAINT = math.log(5e-4)  # prior level of η: largest share of |Z| that a phasance has
PHASANCE_SIGMA, PHASANCE_STEP_SIGMA = 3.0, 1.5  # prior standard deviations of ln η and of neighbours' differences
NOWHERE, FALL = -1e3, 3.0  # ln γ where there is no block, and its slope beyond one
UNCERTAIN = 20.0  # largest standard deviation of a logarithm, against overflow

Window = tuple[float, float]


def parse_windows(label: str, signed: object, grid: Grid) -> list[Window]:
    """Return the windows given in s as windows of ln(τ·unit); none for True and False."""
    if isinstance(signed, bool):
        return []
    try:
        given = np.asarray(signed, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.empty(0)
    given = given[None] if given.ndim == 1 else given
    if given.ndim != 2 or given.shape[1] != 2 or not given.size or not (given[:, 0] > 0).all():
        raise SpectrumError(f"{label}: signed={signed!r}; give True, False, (lowest, highest) τ in s, or several")
    if not (given[:, 0] < given[:, 1]).all() or (np.diff(np.sort(given, axis=0).ravel()) <= 0).any():
        raise SpectrumError(f"{label}: signed={signed!r}; give windows that are ascending and do not overlap")
    windows = [(float(low), float(high)) for low, high in np.log(given * grid.unit)]
    for low, high in windows:
        inside = np.count_nonzero(_inside(grid, (low, high)))
        if inside < LEAST_WIDTH:
            first, last = np.exp(grid.log_tau[[0, -1]]) / grid.unit
            raise SpectrumError(
                f"{label}: signed={signed!r}; only {inside} of the τ used, {first:.3g} to {last:.3g} s, lie in "
                f"{math.exp(low) / grid.unit:.3g} to {math.exp(high) / grid.unit:.3g} s; "
                "give windows at least half a decade wide"
            )
    return windows


def _inside(grid: Grid, window: Window) -> BoolArray:
    inside: BoolArray = (grid.log_tau >= window[0]) & (grid.log_tau <= window[1])
    return inside


def subtract_in(data: Data, windows: Sequence[Window]) -> Data:
    """Return data with a negative block in each window of ln(τ·unit)."""
    return replace(data, blocks=(*(_subtracted(data, window) for window in windows), *data.blocks))


def _subtracted(data: Data, window: Window) -> Block:
    grid = data.grid
    inside = _inside(grid, window)
    n = grid.log_x.size
    order = np.argsort(-grid.log_x)
    # -Im Z is roughly proportional to γ, and negative where γ is
    imaginary = np.interp(grid.log_tau[inside], -grid.log_x[order], data.y[n:][order])
    first_guess = np.log(np.maximum(imaginary * 2 / np.pi, 1e-3))
    # the block fades out at both ends of the window, so that γ has no steps there
    end = np.arange(first_guess.size)
    level = FAINT - FADE * np.maximum(FADING - np.minimum(end, end[::-1]), 0)
    return Block(grid.log_tau[inside], -grid.rows[inside], first_guess, level, FAINT_SIGMA, FAINT_STEP)


def with_phasances(data: Data) -> Data:
    """Return data in which ∫ η (jx)^ν dν replaces L and 1/C, with an initial guess of a tail."""
    grid = data.grid
    steps = np.arange(round(LEAST_PHASANCE / PHASANCE_STEP), round(1 / PHASANCE_STEP) + 1)
    positive: FloatArray = PHASANCE_STEP * steps.astype(np.float64)
    lowest = int(np.argmin(grid.log_x))
    blocks = []
    sides: tuple[FloatArray, FloatArray] = -positive[::-1], positive
    for nu in sides:
        z = PHASANCE_STEP * np.exp(nu[:, None] * (grid.log_x + 0.5j * np.pi))
        rows = np.hstack([z.real, z.imag])
        level = PHASANCE_FAINT - np.log(np.abs(z / data.modulus[: grid.log_x.size]).max(axis=1))
        first = level.copy()
        if nu[0] < 0 and data.tail > LEAST_TAIL:
            k = int(np.argmin(np.abs(nu + data.tail)))
            first[k] = math.log(max(float(data.y[z.shape[1] + lowest] / z[k, lowest].imag), 1e-9))
        blocks.append(Block(nu, rows, first, level, PHASANCE_SIGMA, PHASANCE_STEP_SIGMA))
    return replace(data, tail=-1.0, blocks=(*data.blocks, *blocks), phasances=True)


def without_blocks(data: Data, process: GaussianProcess) -> Data:
    """Return the data less the impedance of all blocks."""
    rows = data.linear[process.f.size : process.n_logarithms]
    return replace(data, y=data.y - np.einsum("i,ij", np.exp(process.further), rows), blocks=())


class Subtracted:
    """Logarithm of the negative part of γ on the fine grid, with its covariance SᵀS."""

    def __init__(self, data: Data, process: GaussianProcess) -> None:
        grid = data.grid
        n = grid.fine.size
        self.log_gamma = np.full(n, NOWHERE)
        self.root = np.zeros((process.root.shape[0], n))
        # the search for peaks needs a logarithm that falls steeply beyond the windows
        self.falling, self.falling_root = self.log_gamma.copy(), self.root.copy()
        start = process.f.size
        for block in data.blocks[: data.n_windows]:
            _, values, root = finer(process, block, start)
            first = FINER * int(np.argmin(np.abs(grid.log_tau - block.at[0])))
            end = first + values.size
            self.log_gamma[first:end], self.root[:, first:end] = values, root
            near = np.clip(np.arange(n), first, end - 1)
            falling = values[near - first] - FALL * np.abs(grid.fine - grid.fine[near])
            higher = falling > self.falling
            self.falling[higher] = falling[higher]
            self.falling_root[:, higher] = root[:, near - first][:, higher]
            start += block.at.size


def finer(process: GaussianProcess, block: Block, start: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a finer comb, the logarithm of a block on it, and S with SᵀS the covariance.

    Parameters
    ----------
    process : GaussianProcess
        Fit.
    block : Block
        One of its blocks.
    start : int
        Index of the block's first unknown.
    """
    at = block.at
    fine = np.linspace(at[0], at[-1], FINER * (at.size - 1) + 1)
    matrix = spline(at.size)
    k = start - process.f.size
    root = np.zeros((process.root.shape[0], fine.size))
    add_product(process.root, start, matrix, root)
    return fine, np.einsum("i,ij", process.further[k : k + at.size], matrix), root


def phasances_of(data: Data, process: GaussianProcess) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ν, ln η and its standard deviation; empty without phasances."""
    if not data.phasances:
        return np.empty(0), np.empty(0), np.empty(0)
    start = process.f.size + process.further.size
    parts = []
    for block in data.blocks[:-3:-1]:
        start -= block.at.size
        nu, values, root = finer(process, block, start)
        parts.append((nu, values, np.sqrt((root**2).sum(axis=0))))
    nu, values, sigma = (np.concatenate(each) for each in zip(*parts[::-1], strict=True))
    return nu, values, np.minimum(sigma, UNCERTAIN)


def difference_band(
    gamma: FloatArray, factor: FloatArray, other: FloatArray, other_factor: FloatArray, correlation: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the band of the difference of two log-normal quantities from their bands.

    The distances from the medians to the limits are combined like correlated errors [1]_.

    Parameters
    ----------
    gamma, other : FloatArray
        Medians.
    factor, other_factor : FloatArray
        Ratio of the upper limit to the median, and of the median to the lower limit.
    correlation : FloatArray
        Correlation of the logarithms.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, Stat. Med. 27 (2008) 1693, doi:10.1002/sim.3095
    """
    down, up = gamma * (1 - 1 / factor), gamma * (factor - 1)
    other_down, other_up = other * (1 - 1 / other_factor), other * (other_factor - 1)
    below = down**2 + other_up**2 - 2 * correlation * down * other_up
    above = up**2 + other_down**2 - 2 * correlation * up * other_down
    middle = gamma - other
    return middle - np.sqrt(np.maximum(below, 0)), middle + np.sqrt(np.maximum(above, 0))
