"""What may stand beside a positive γ: a part that is subtracted from it in a window of τ, and phasances."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eistool.drt.elements import LEAST_TAIL
from eistool.drt.grid import FINER, Grid, interpolation
from eistool.drt.process import Block, Data, Process, weighed
from eistool.errors import SpectrumError
from eistool.kernels.drt import add_product
from eistool.typing import BoolArray, FloatArray

LEAST_WIDTH = 4  # steps of the comb in a window
FAINT = math.log(0.002)  # level of what is subtracted, in units of |Z|: none, until the data ask for it
FAINT_SPREAD, FAINT_STEP = 3.0, 1.0  # of ln of it
FADE, FADING = 1.0, 3  # less of it in each of the last steps
LEAST_PHASANCE, PHASANCE_STEP = 0.2, 0.025  # |ν| and the comb of it; nearer to 0 it is a resistance
PHASANCE_FAINT = math.log(5e-4)  # share of |Z| at the frequency where a phasance is seen best
PHASANCE_SPREAD, PHASANCE_RISE = 3.0, 1.5
NOWHERE, FALL = -1e3, 3.0  # ln of nothing, and its slope on the way there
UNCERTAIN = 20.0  # standard deviations of a logarithm are no larger

Window = tuple[float, float]


def parse_windows(label: str, signed: object, grid: Grid) -> list[Window]:
    """Return the windows of ln(τ·unit) that were asked for in s; none for True and False."""
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
        raise SpectrumError(f"{label}: signed={signed!r}; each window rises, and they do not overlap")
    windows = [(float(low), float(high)) for low, high in np.log(given * grid.unit)]
    for low, high in windows:
        inside = np.count_nonzero(_inside(grid, (low, high)))
        if inside < LEAST_WIDTH:
            first, last = np.exp(grid.log_tau[[0, -1]]) / grid.unit
            raise SpectrumError(
                f"{label}: signed={signed!r}: {inside} of the τ used, {first:.3g} to {last:.3g} s, lie in "
                f"{math.exp(low) / grid.unit:.3g} to {math.exp(high) / grid.unit:.3g} s; "
                "give windows at least half a decade wide"
            )
    return windows


def _inside(grid: Grid, window: Window) -> BoolArray:
    inside: BoolArray = (grid.log_tau >= window[0]) & (grid.log_tau <= window[1])
    return inside


def subtract_in(data: Data, windows: Sequence[Window]) -> Data:
    """Return data whose γ is a difference in windows of ln(τ·unit)."""
    return replace(data, blocks=(*(_subtracted(data, window) for window in windows), *data.blocks))


def _subtracted(data: Data, window: Window) -> Block:
    grid = data.grid
    inside = _inside(grid, window)
    n = grid.log_x.size
    order = np.argsort(-grid.log_x)
    # where γ is negative, so is -Im Z, roughly
    imaginary = np.interp(grid.log_tau[inside], -grid.log_x[order], data.y[n:][order])
    first_guess = np.log(np.maximum(imaginary * 2 / np.pi, 1e-3))
    # it fades out at both ends of the window, so that γ has no steps there
    end = np.arange(first_guess.size)
    level = FAINT - FADE * np.maximum(FADING - np.minimum(end, end[::-1]), 0)
    return Block(grid.log_tau[inside], -grid.rows[inside], first_guess, level, FAINT_SPREAD, FAINT_STEP)


def with_phasances(data: Data) -> Data:
    """Return data with ∫ η (jx)^ν dν in the place of L and 1/C, and a first guess of a tail."""
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
        blocks.append(Block(nu, rows, first, level, PHASANCE_SPREAD, PHASANCE_RISE))
    return replace(data, tail=-1.0, blocks=(*data.blocks, *blocks), phasances=True)


def without_blocks(data: Data, process: Process) -> Data:
    """Return the data less the impedance of all blocks."""
    rows = data.linear[process.f.size : process.n_logarithms]
    return replace(data, y=data.y - np.einsum("i,ij", np.exp(process.further), rows), blocks=())


class Subtracted:
    """What is subtracted from γ, on the fine grid: its logarithm with the covariance SᵀS."""

    def __init__(self, data: Data, process: Process) -> None:
        grid = data.grid
        n = grid.fine.size
        self.log_gamma = np.full(n, NOWHERE)
        self.spread = np.zeros((process.root.shape[0], n))
        # the same, and falling steeply beyond its windows, as maxima are looked for
        self.falling, self.falling_spread = self.log_gamma.copy(), self.spread.copy()
        start = process.f.size
        for block in data.blocks[: data.n_windows]:
            _, values, spread = finer(process, block, start)
            first = FINER * int(np.argmin(np.abs(grid.log_tau - block.at[0])))
            end = first + values.size
            self.log_gamma[first:end], self.spread[:, first:end] = values, spread
            near = np.clip(np.arange(n), first, end - 1)
            falling = values[near - first] - FALL * np.abs(grid.fine - grid.fine[near])
            higher = falling > self.falling
            self.falling[higher] = falling[higher]
            self.falling_spread[:, higher] = spread[:, near - first][:, higher]
            start += block.at.size


def finer(process: Process, block: Block, start: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a finer comb, and on it the logarithm of a block and S with SᵀS its covariance.

    Parameters
    ----------
    process : Process
        The fit.
    block : Block
        One of its blocks.
    start : int
        Where its unknowns start.
    """
    at = block.at
    fine = np.linspace(at[0], at[-1], FINER * (at.size - 1) + 1)
    matrix = interpolation(at, fine)
    k = start - process.f.size
    spread = np.zeros((process.root.shape[0], fine.size))
    add_product(process.root, start, np.ascontiguousarray(matrix.T), spread)
    return fine, weighed(matrix, process.further[k : k + at.size]), spread


def phasances_of(data: Data, process: Process) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ν, ln η and its standard deviation; empty where there are none."""
    if not data.phasances:
        return np.empty(0), np.empty(0), np.empty(0)
    start = process.f.size + process.further.size
    parts = []
    for block in data.blocks[:-3:-1]:
        start -= block.at.size
        nu, values, spread = finer(process, block, start)
        parts.append((nu, values, np.sqrt((spread**2).sum(axis=0))))
    nu, values, sigma = (np.concatenate(each) for each in zip(*parts[::-1], strict=True))
    return nu, values, np.minimum(sigma, UNCERTAIN)


def difference_band(
    gamma: FloatArray, factor: FloatArray, other: FloatArray, other_factor: FloatArray, correlation: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the band of the difference of two log-normal quantities from the bands of both.

    The distances from each quantity to its limits add up as errors do, with their correlation [1]_.

    Parameters
    ----------
    gamma, other : FloatArray
        Medians.
    factor, other_factor : FloatArray
        From the median to the upper limit, and from the lower one to the median.
    correlation : FloatArray
        Of the logarithms.

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
