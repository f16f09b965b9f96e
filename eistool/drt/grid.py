"""Grids of time constants, computed once per set of frequencies and shared by threads."""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import FloatArray, Threshold

TUNED, TUNED_SIGNED = (f"development seeds of tests.benchmarks.{name}" for name in ("drt", "drt_signed"))
PER_DECADE = 8  # points of the comb
FINER = 4  # steps of the fine grid per step of the comb
BEYOND = 1.0  # decades that the comb extends beyond the measured window on either side
LEAST_POINTS: Annotated[
    int, Threshold("points needed for a distribution", "engineering choice; fewer cannot determine R, L, C and γ")
] = 6
REMEMBERED = 32  # cached frequency grids


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Comb of time constants and its linear model, in units of ``unit``; read-only."""

    unit: float  # rad/s
    log_x: FloatArray  # ln(ω/unit), shape (n_freq,)
    log_tau: FloatArray  # ln(τ·unit), shape (n,)
    step: float
    linear: FloatArray  # impedance per unit of γ, R, L and 1/C; real, then imaginary parts, (n + 3, 2 n_freq)
    fine: FloatArray  # ln(τ·unit) of the fine grid, on which results are given, shape (n_fine,)
    spline: FloatArray  # interpolates from the comb to the fine grid, shape (n, n_fine)
    window: tuple[float, float]  # measured range of ln(τ·unit)

    @property
    def rows(self) -> FloatArray:
        """Impedance per unit of γ, shape (n, 2 n_freq)."""
        return self.linear[:-3]

    @property
    def columns(self) -> FloatArray:
        """Impedance per unit of R, L and 1/C, shape (3, 2 n_freq)."""
        return self.linear[-3:]

    @property
    def fine_step(self) -> float:
        """Step of the fine grid in ln τ."""
        return self.step / FINER


@functools.lru_cache(maxsize=REMEMBERED)
def _grid(frequency: bytes) -> Grid:
    omega = 2 * np.pi * np.frombuffer(frequency)
    unit = math.sqrt(omega.min() * omega.max())
    x = omega / unit
    step = math.log(10) / PER_DECADE
    low, high = -math.log(x.max()) - BEYOND * math.log(10), -math.log(x.min()) + BEYOND * math.log(10)
    n = math.ceil((high - low) / step) + 1
    log_tau = low + 0.5 * (high - low - (n - 1) * step) + step * np.arange(n)
    q = x * np.exp(log_tau)[:, None]
    part = step / (1 + q**2)
    zero, one = np.zeros_like(x), np.ones_like(x)
    fine = log_tau[0] + step / FINER * np.arange(FINER * (n - 1) + 1)
    arrays = {
        "log_x": np.log(x),
        "log_tau": log_tau,
        "linear": np.vstack(
            [np.hstack([part, -q * part]), np.hstack([one, zero]), np.hstack([zero, x]), np.hstack([zero, -1 / x])]
        ),
        "fine": fine,
        "spline": spline(n),
    }
    window = -float(arrays["log_x"].max()), -float(arrays["log_x"].min())
    return Grid(unit=unit, step=step, window=window, **arrays)


def grid_of(frequency: FloatArray) -> Grid:
    """Return the grid for frequencies in Hz, in any order."""
    return _grid(np.ascontiguousarray(frequency, dtype=np.float64).tobytes())


@functools.lru_cache(maxsize=REMEMBERED)
def spline(n: int) -> FloatArray:
    """Return the natural splines of n equidistant knots at FINER points per step, one per row."""
    # second derivatives from values: tridiagonal (1, 4, 1) m = 6 second differences
    system = np.eye(n)
    right = np.zeros((n, n))
    i = np.arange(1, n - 1)
    system[i, i - 1], system[i, i], system[i, i + 1] = 1, 4, 1
    right[i, i - 1], right[i, i], right[i, i + 1] = 6, -12, 6
    second = np.linalg.solve(system, right)
    at = np.arange(FINER * (n - 1) + 1)
    k = np.minimum(at // FINER, n - 2)
    b = at / FINER - k
    a = 1 - b
    matrix = ((a**3 - a)[:, None] * second[k] + (b**3 - b)[:, None] * second[k + 1]) / 6
    matrix[at, k] += a
    matrix[at, k + 1] += b
    return np.ascontiguousarray(matrix.T)


def check_points(spectrum: Spectrum) -> None:
    """Raise a SpectrumError if there are too few points or frequencies for a distribution."""
    check_spectrum(spectrum)
    used = spectrum.frequency[spectrum.mask]
    if used.size < LEAST_POINTS:
        raise SpectrumError(f"{spectrum.label}: {used.size} points used; a DRT needs {LEAST_POINTS} or more")
    if np.ptp(used) <= 0:
        raise SpectrumError(f"{spectrum.label}: all frequencies are the same; a DRT needs a range of them")
