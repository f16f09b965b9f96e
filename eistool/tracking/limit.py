"""Detection limit: the resistance of an arc that would be confirmed if it appeared amid a series."""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from eistool.constants import ONE_SIDED_95, TWO_SIDED_95
from eistool.fitting import FitResult
from eistool.fitting.result import STRONG
from eistool.tracking.accuracy import CHECKED, LOOKED, ProjectedResidual, n_data_independent
from eistool.tracking.arc_count import SeriesModel, weights
from eistool.tracking.joint_resistance import small_arcs
from eistool.tracking.rise import FEWEST_OFF, JUMP, NEAR_FRONT, growth
from eistool.typing import ComplexArray, FloatArray, Threshold

WINDOW: Annotated[float, Threshold("factor of an apex within the window (criterion 4)", CHECKED)] = 3.0
NEAR = 12  # spectra on each side of the event
TYPICAL_ALPHA = 0.8  # exponent of the arc


def detection_limit(model: SeriesModel) -> tuple[FloatArray, FloatArray]:
    """Return time constants (s) and the R (ohm) of an arc that is confirmed if it appears amid the series.

    R is the largest that the criteria ask for, with 95 % probability each: a gain above that of circuits of the
    same size (criterion 3), a jump that growth does not describe, and limits of R that are apart (criterion 6).

    Parameters
    ----------
    model : SeriesModel
        Circuits and fits of the series.

    Returns
    -------
    tau, R : FloatArray, shape (m,)
        Two time constants per decade, within the window by a factor of 3.
    """
    good = [s for s, result in enumerate(model.results) if result.success]
    if not good:
        return np.empty(0), np.empty(0)
    middle = len(good) // 2
    near = good[max(middle - NEAR, 0) : middle + NEAR]
    n_off = middle - max(middle - NEAR, 0)
    results, factor = [model.results[s] for s in near], weights(model)[near]
    omega = results[0].spectrum.omega[results[0].spectrum.mask]
    low, high = WINDOW / float(omega.max()), 1 / (WINDOW * float(omega.min()))
    tau = np.geomspace(low, high, max(2 * math.ceil(math.log10(high / low)), 2))
    u, u_other = (
        np.array([_errors(result, tau, other) for result in results]) / np.sqrt(factor)[:, None]
        for other in (False, True)
    )
    covariances = small_arcs(results, factor, tau, TYPICAL_ALPHA)
    if covariances is None:
        covariances = np.array([np.diag(np.square(u[:, i])) for i in range(tau.size)])
    limits = [_by_gain(results, n_off, u_other)]
    if n_off >= FEWEST_OFF and len(near) - n_off >= FEWEST_OFF:
        limits += [np.array([_by_rise(one, n_off) for one in covariances])]
    return tau, np.max(limits, axis=0)


def _by_gain(results: Sequence[FitResult], n_off: int, u: FloatArray) -> FloatArray:
    """Return the R at which BIC falls by more than 10 over the spectra with the arc, shape (m,)."""
    n = float(np.median([n_data_independent(result) for result in results]))
    count = max(len(results) - n_off, 1)
    cost = STRONG + math.log(n) + 2 * math.log(n * count) + 2 * math.log(LOOKED * count)
    information = np.sum(1 / np.square(u[n_off:]), axis=0)
    return np.asarray((math.sqrt(cost) + ONE_SIDED_95) / np.sqrt(information))


def _by_rise(covariance: FloatArray, n_off: int) -> float:
    """Return the R of a jump that growth does not describe, with limits apart."""
    n = len(covariance)
    white = np.linalg.inv(np.linalg.cholesky(covariance))
    jump = white @ (np.arange(n) >= n_off)
    left = math.inf
    for columns in growth(n, n_off):
        wide = white @ np.column_stack(columns)
        solution, *_ = np.linalg.lstsq(wide, jump, rcond=None)
        left = min(left, float(np.sum(np.square(jump - wide @ solution))))
    before, after = slice(max(n_off - NEAR_FRONT, 0), n_off), slice(n_off, n_off + NEAR_FRONT)
    contrast = np.zeros(n)
    contrast[before], contrast[after] = -1 / len(contrast[before]), 1 / len(contrast[after])
    u = math.sqrt(float(contrast @ covariance @ contrast))
    by_jump = (math.sqrt(JUMP) + ONE_SIDED_95) / math.sqrt(left)
    return max(by_jump, (math.sqrt(2) * TWO_SIDED_95 + ONE_SIDED_95) * u)


def _errors(result: FitResult, tau: FloatArray, other: bool) -> FloatArray:
    """Return the errors of R of small arcs in a spectrum, next to drift or the most similar other shape."""
    alpha = np.full(tau.size, TYPICAL_ALPHA)
    shapes = _other_shapes(result) if other else []
    found = [ProjectedResidual.of(result).resistances(tau, alpha)[1]]
    found += [ProjectedResidual.of(result, drift=False, more=one).resistances(tau, alpha)[1] for one in shapes]
    return np.asarray(np.max(found, axis=0))


def _other_shapes(result: FitResult) -> list[ComplexArray]:
    """Return derivatives by the second exponents of Havriliak-Negami arcs, one or all, and by another tail."""
    spectrum = result.spectrum
    omega = spectrum.omega[spectrum.mask]
    columns = []
    for arc in result.processes:
        power = (1j * omega * arc.tau) ** (arc.alpha if math.isfinite(arc.alpha) else 1.0)
        columns.append(-arc.R * np.log1p(power) / (1 + power))
    tail = 1 / np.sqrt(1j * omega * float(np.median(1 / omega)))
    columns = [np.nan_to_num(column) for column in columns]  # far outside the window
    shapes = [column[:, None] for column in (*columns, tail)]
    return [*shapes, np.column_stack(columns)] if len(columns) > 1 else shapes
