"""Relaxation of the current after a step of the voltage, and its steady value."""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from eistool.direct_current.holds import CHECKED, Hold
from eistool.display import brief_repr, format_percent
from eistool.fitting.result import NEAR_TIE
from eistool.typing import FloatArray, Threshold

DEFINED = "project definition, docs/direct_current.md; checked by tests.benchmarks.direct_current"
PER_DECADE = 40  # bins per decade of time
LEAST_BINS = 10  # of the fitted part
STARTS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.2)  # of the fitted part of the hold, for poor fits from the beginning
GOOD_CHI2: Annotated[float, Threshold("reduced χ² of a good fit of a relaxation", CHECKED)] = 2.0
GOOD_RESIDUAL: Annotated[float, Threshold("residual of a good fit relative to the current", CHECKED)] = 2e-3
DISTINCT: Annotated[float, Threshold("ratio of two distinct time constants", CHECKED)] = 2.0
WANDERING: Annotated[float, Threshold("variance of slow noise, relative to white noise", CHECKED)] = 3.0
RHO = (0.0, 0.1, 1.0, math.inf)  # trial ratios of the rails of a mixed conductor
MODES = 80  # of a mixed conductor
N_TAU, FINER = 40, 6  # time constants of the scan, and refinement for mixed conductors
LONGEST = 10.0  # time constant, in durations of the hold
STEADY: Annotated[float, Threshold("relative slope and deviation of a steady current", DEFINED)] = 0.05
SETTLED: Annotated[float, Threshold("duration of a steady hold in time constants", DEFINED)] = 5.0
NEGLIGIBLE: Annotated[
    float, Threshold("relative change of a slow term in the second half that counts as drift", CHECKED)
] = 0.005


@dataclass(frozen=True, slots=True)
class Term:
    """Relaxing term: A exp(-t/tau), or A times the modes of a mixed conductor."""

    amplitude_A: float
    tau_s: float
    rho: float | None = None  # resistance ratio of the blocked to the conducting rail of a mixed conductor

    __repr__ = brief_repr

    def current(self, time_s: FloatArray) -> FloatArray:
        """Return the current of the term in A at times since the step."""
        return self.amplitude_A * _column(time_s, self.tau_s, self.rho)


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """Current of one hold: a steady value and decaying terms."""

    I_ss_A: float
    u_I_ss_A: float
    terms: tuple[Term, ...]
    I_final_A: float  # mean of the last tenth
    u_I_final_A: float
    from_s: float  # start of the fitted part
    slope: float  # |dI/dt| t_hold/|I| over the last part
    u_slope: float
    settled: float  # t_hold over the longest relevant time constant; inf without one
    rising: bool

    __repr__ = brief_repr

    def current(self, time_s: FloatArray) -> FloatArray:
        """Return the fitted current in A at times since the step."""
        parts = (term.current(time_s) for term in self.terms)
        return sum(parts, np.full(time_s.shape, self.I_ss_A))

    @property
    def failures(self) -> tuple[str, ...]:
        """Reasons why the state is not steady; empty if it is."""
        reasons = []
        if self.settled <= SETTLED:
            reasons.append(f"the hold lasts {self.settled:.1f} time constants, not more than {SETTLED:g}")
        if self.slope - 2 * self.u_slope > STEADY:
            reasons.append(
                f"the final slope would change the current by {format_percent(self.slope, 1)} over the hold"
            )
        deviation = abs(self.I_ss_A - self.I_final_A)
        u = math.hypot(self.u_I_ss_A, self.u_I_final_A)
        if deviation - 2 * u > STEADY * abs(self.I_final_A):
            share = format_percent(deviation / abs(self.I_final_A), 0)
            reasons.append(f"the fitted steady current deviates by {share} from the last")
        return tuple(reasons)


@dataclass(frozen=True, slots=True, eq=False)
class _Bins:
    time: FloatArray
    current: FloatArray
    error: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    taus: tuple[float, ...]
    rho: float | None
    coefficients: FloatArray  # steady current, then amplitudes
    covariance: FloatArray
    chi2: float
    residual: FloatArray  # in errors

    @property
    def size(self) -> int:
        """Number of free parameters."""
        return 1 + 2 * len(self.taus) + (self.rho is not None)


def fit_relaxation(hold: Hold) -> Relaxation:
    """Fit a steady current with zero, one or two exponentials, or the modes of a mixed conductor.

    Points are averaged in bins of equal width in log t, with noise from the differences of neighbours. The
    model has the lowest BIC; the error includes models that BIC does not rule out, correlated residuals, and
    a drift that the second half may hide.

    Parameters
    ----------
    hold : Hold
        Current at one voltage.

    References
    ----------
    .. [1] Jamnik, Maier, J. Electrochem. Soc. 146 (1999) 4183, doi:10.1149/1.1392611
    """
    bins = _bin(hold.time_s, hold.current_A)
    window, models = _fit_window(bins, hold.duration_s)
    wandering = _with_wander(hold, bins, models[0])
    if wandering is not None:
        bins = wandering
        window, models = _fit_window(bins, hold.duration_s)
    best = models[0]
    last = bins.time > 0.9 * hold.duration_s
    final, u_final = _mean(bins, last if last.any() else bins.time >= bins.time[-1])
    slope, u_slope, drift = _slopes(hold, bins, best)
    value, u_value = _steady(models, window, hold.duration_s)
    terms = tuple(Term(float(a), tau, best.rho) for a, tau in zip(best.coefficients[1:], best.taus, strict=True))
    settled, slow = _settled(terms, hold.duration_s, final)
    if slow:  # extrapolating a slow term would only add its error
        value, u_value = final, math.hypot(u_final, 2 * slow)
        terms = tuple(term for term in terms if hold.duration_s > SETTLED * term.tau_s)
    return Relaxation(
        I_ss_A=value,
        u_I_ss_A=math.hypot(u_value, drift),
        terms=terms,
        I_final_A=final,
        u_I_final_A=u_final,
        from_s=float(window.time[0]),
        slope=abs(slope) * hold.duration_s / max(abs(final), 1e-300),
        u_slope=u_slope * hold.duration_s / max(abs(final), 1e-300),
        settled=settled,
        rising=slope * final > 0,
    )


def _fit_window(bins: _Bins, duration: float) -> tuple[_Bins, list[_Model]]:
    """Return the models of the longest final part of the hold that the best of them describes."""
    for start in STARTS:
        inside = bins.time >= start * duration
        if np.count_nonzero(inside) < LEAST_BINS and start:
            break
        window = _Bins(bins.time[inside], bins.current[inside], bins.error[inside])
        models = _fit_models(window, duration)
        best = models[0]
        dof = max(1, window.time.size - best.size)
        rms = float(np.sqrt(np.mean((best.residual * window.error) ** 2)))
        if best.chi2 / dof < GOOD_CHI2 or rms < GOOD_RESIDUAL * abs(best.coefficients[0]):
            break
    return window, models


def _with_wander(hold: Hold, bins: _Bins, best: _Model) -> _Bins | None:
    """Return bins with errors increased by slow noise, or None if the noise is white.

    The error of a mean over a time follows from second differences of block means of the second half.
    """
    late = hold.time_s > 0.5 * hold.duration_s
    time = hold.time_s[late]
    residual = hold.current_A[late] - _evaluate(best, time)
    sums = np.concatenate([[0.0], np.cumsum(residual)])
    spans, variances = [], []
    size = 1
    while 8 * size <= residual.size:
        means = (sums[size:] - sums[:-size]) / size
        second = means[: -2 * size] - 2 * means[size:-size] + means[2 * size :]
        spans.append(size * float(np.median(np.diff(time))))
        variances.append(float(np.mean(second**2)) / 6)
        size *= 2
    if len(spans) < 2 or variances[-1] < WANDERING * variances[0] * spans[0] / spans[-1]:
        return None
    widths = np.gradient(bins.time) if bins.time.size > 1 else bins.time
    error = np.exp(0.5 * np.interp(np.log(widths), np.log(spans), np.log(np.maximum(variances, 1e-300))))
    return _Bins(bins.time, bins.current, np.maximum(bins.error, error))


def _bin(time: FloatArray, current: FloatArray) -> _Bins:
    second = np.zeros_like(current)
    second[1:-1] = np.abs(current[:-2] - 2 * current[1:-1] + current[2:]) / math.sqrt(6)
    second[[0, -1]] = second[[1, -2]]
    place = np.floor(PER_DECADE * np.log10(np.maximum(time, 1e-300) / time[time > 0][0])).astype(int)
    _, first = np.unique(place, return_index=True)
    groups = np.split(np.arange(time.size), np.sort(first)[1:])
    noise = np.array([_noise(second, group, time.size) for group in groups])
    resolution = _resolution(current)
    centres, means, errors = [], [], []
    for group, sigma in zip(groups, noise, strict=True):
        values = current[group]
        if group.size >= 10:  # spikes of a range change
            middle = np.median(values)
            sigma_robust = 1.4826 * float(np.median(np.abs(values - middle)))
            group = group[np.abs(values - middle) <= 6 * sigma_robust + resolution]
        centres.append(float(time[group].mean()))
        means.append(float(current[group].mean()))
        errors.append(math.hypot(sigma / math.sqrt(group.size), resolution / math.sqrt(12)))
    largest = max(map(abs, means), default=0.0)
    # data without noise: rounding errors remain
    return _Bins(np.array(centres), np.array(means), np.maximum(errors, 1e-9 * largest + 1e-300))


def _noise(second: FloatArray, group: Any, size: int) -> float:
    """Return the noise of a point near a bin, from at least 30 points if available."""
    missing = max(0, 30 - group.size) // 2 + 1
    around = second[max(0, group[0] - missing) : min(size, group[-1] + 1 + missing)]
    # unlike a mean square, the median is robust against spikes
    return 1.4826 * float(np.median(around))


def _resolution(current: FloatArray) -> float:
    """Return the digitisation step of a coarse current, or 0."""
    values = np.unique(current)
    if not 1 < values.size < current.size / 4:
        return 0.0
    return float(np.median(np.diff(values)))


def _mean(bins: _Bins, part: Any) -> tuple[float, float]:
    weight = bins.error[part] ** -2.0
    mean = float(weight @ bins.current[part] / weight.sum())
    scatter = float(weight @ (bins.current[part] - mean) ** 2) / max(1, weight.size - 1)
    return mean, math.sqrt(max(1.0, scatter) / float(weight.sum()))


def _slopes(hold: Hold, bins: _Bins, best: _Model) -> tuple[float, float, float]:
    """Return dI/dt over the last fifth, its error, and the current that a hidden drift may contribute."""
    slope, u_slope = _line(bins.time, bins.current, bins.error, bins.time > 0.8 * hold.duration_s)
    model = _evaluate(best, bins.time)
    left, u_left = _line(bins.time, bins.current - model, bins.error, bins.time > 0.5 * hold.duration_s)
    return slope, u_slope, math.hypot(left, u_left) * hold.duration_s / math.sqrt(12)


def _evaluate(model: _Model, time: FloatArray) -> FloatArray:
    current: FloatArray = np.full(time.shape, model.coefficients[0])
    for amplitude, tau in zip(model.coefficients[1:], model.taus, strict=True):
        current = current + amplitude * _column(time, tau, model.rho)
    return current


def _line(time: FloatArray, values: FloatArray, error: FloatArray, part: Any) -> tuple[float, float]:
    t, y, weight = time[part], values[part], error[part] ** -2.0
    if t.size < 2:
        return 0.0, math.inf
    centred = t - float(weight @ t / weight.sum())
    square = float(weight @ centred**2)
    slope = float(weight @ (centred * y)) / square
    residual = y - slope * centred
    residual -= float(weight @ residual / weight.sum())
    chi2 = float(weight @ residual**2) / max(1, t.size - 2)
    return slope, math.sqrt(max(1.0, chi2) / square)


def _settled(terms: Sequence[Term], duration: float, final: float) -> tuple[float, float]:
    """Return t_hold over the longest relevant tau, and the change by slower terms in the second half.

    A term that changes by less than half a percent there counts as drift.
    """
    settled, slow = math.inf, 0.0
    ends = np.array([0.5, 1.0]) * duration
    for term in terms:
        early, late = term.current(ends)
        change = abs(float(early - late))
        if duration > SETTLED * term.tau_s or change > NEGLIGIBLE * abs(final):
            settled = min(settled, duration / term.tau_s)
        else:
            slow = math.hypot(slow, change)
    return settled, slow


def _steady(models: Sequence[_Model], window: _Bins, duration: float) -> tuple[float, float]:
    """Return the steady current of the best model, with an error that includes its rivals."""
    # the drift that the data may hide already bounds the extrapolations of slower rivals
    models = [m for m in models if m is models[0] or all(SETTLED * tau < duration for tau in m.taus)]
    n = window.time.size
    bic = np.array(_bic(models, n))
    value = float(models[0].coefficients[0])
    weights = np.where(bic - bic[0] < NEAR_TIE, np.exp(-(bic - bic[0]) / 2), 0.0)
    weights /= weights.sum()
    variance = 0.0
    for weight, model in zip(weights, models, strict=True):
        u2 = float(model.covariance[0, 0]) * _inflation(model, n)
        variance += float(weight) * (u2 + (float(model.coefficients[0]) - value) ** 2)
    return value, math.sqrt(variance)


def _inflation(model: _Model, n: int) -> float:
    """Return the factor on a variance for scatter beyond the noise and correlated neighbours."""
    chi2 = max(1.0, model.chi2 / max(1, n - model.size))
    r = model.residual
    correlation = float(r[1:] @ r[:-1]) / max(float(r @ r), 1e-300)
    correlation = min(max(correlation, 0.0), 0.9)
    return chi2 * (1 + correlation) / (1 - correlation)


def _fit_models(window: _Bins, duration: float) -> list[_Model]:
    """Return the best fit of each kind, ranked by BIC."""
    n = window.time.size
    shortest = max(float(window.time[0]) / 2, 1e-6 * duration)
    taus = np.geomspace(shortest, LONGEST * duration, N_TAU)
    models = [_solve(window, (), None)]
    if n >= 6:
        models.append(_refine(window, (_scan(window, taus, None)[1],), None, shortest, duration))
    if n >= 8:
        pair = _refine(window, _scan_pairs(window, taus), None, shortest, duration)
        models += [pair] if max(pair.taus) > DISTINCT * min(pair.taus) else []
        fine = np.geomspace(taus[0], taus[-1], FINER * N_TAU)  # coarse steps would hide the best rho
        (_, tau), rho = max((_scan(window, fine, rho), rho) for rho in RHO)
        models.append(_refine(window, (tau,), rho, shortest, duration))
    ranked = sorted(zip(_bic(models, n), range(len(models)), strict=True))
    return [models[i] for _, i in ranked]


def _bic(models: Sequence[_Model], n: int) -> list[float]:
    """Return BIC, with errors scaled to the smallest misfit, correlated neighbours included."""
    scale = min(_inflation(model, n) for model in models)
    return [model.chi2 / scale + model.size * math.log(n) for model in models]


def _scan(window: _Bins, taus: FloatArray, rho: float | None) -> tuple[float, float]:
    """Return the largest decrease of chi2 by a term over a grid of time constants, and its time constant."""
    weight = window.error**-2.0
    weight /= weight.sum()
    basis = np.column_stack([_column(window.time, tau, rho) for tau in taus.tolist()])
    basis -= weight @ basis
    current = window.current - weight @ window.current
    explained = (weight * current @ basis) ** 2 / np.maximum(weight @ basis**2, 1e-300)
    best = int(np.argmax(explained))
    return float(explained[best]), float(taus[best])


def _scan_pairs(window: _Bins, taus: FloatArray) -> tuple[float, float]:
    """Return the pair of time constants with the lowest chi2 on a coarser grid."""
    coarse = taus[::2]
    weight = 1 / window.error
    basis = np.column_stack([np.ones_like(window.time), *(_column(window.time, t, None) for t in coarse)])
    basis *= weight[:, None]
    target = window.current * weight
    gram, right = basis.T @ basis, basis.T @ target
    pairs = np.array(list(itertools.combinations(range(1, coarse.size + 1), 2)))
    index = np.column_stack([np.zeros(len(pairs), dtype=int), pairs])
    matrices = gram[index[:, :, None], index[:, None, :]]
    matrices = matrices + 1e-10 * np.trace(matrices, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    vectors = right[index]
    solved = np.linalg.solve(matrices, vectors[..., None])[..., 0]
    best = int(np.argmax(np.sum(solved * vectors, axis=1)))
    first, second = (float(coarse[i - 1]) for i in pairs[best])
    return first, second


def _refine(window: _Bins, taus: tuple[float, ...], rho: float | None, shortest: float, duration: float) -> _Model:
    from scipy.optimize import least_squares

    low, high = math.log(shortest / 2), math.log(2 * LONGEST * duration)

    def residual(log_tau: FloatArray) -> FloatArray:
        return _project(window, tuple(np.exp(log_tau).tolist()), rho)[2]

    start = np.clip(np.log(taus), low + 1e-6, high - 1e-6)
    solution = least_squares(residual, start, bounds=(low, high), max_nfev=30)
    return _solve(window, tuple(np.exp(solution.x).tolist()), rho)


def _project(
    window: _Bins, taus: tuple[float, ...], rho: float | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return basis, coefficients and residual of the linear fit at given time constants, in units of the error."""
    columns = [np.ones_like(window.time), *(_column(window.time, tau, rho) for tau in taus)]
    basis = np.column_stack(columns) / window.error[:, None]
    target = window.current / window.error
    coefficients = np.asarray(np.linalg.lstsq(basis, target)[0], dtype=np.float64)
    return basis, coefficients, target - basis @ coefficients


def _solve(window: _Bins, taus: tuple[float, ...], rho: float | None) -> _Model:
    """Return the linear fit at given time constants, with a covariance that treats them as free."""
    basis, coefficients, residual = _project(window, taus, rho)
    if taus:
        step = 1e-4
        weight = 1 / window.error
        slopes = [
            a * (_column(window.time, tau * (1 + step), rho) - _column(window.time, tau * (1 - step), rho)) / step
            for a, tau in zip(coefficients[1:], taus, strict=True)
        ]
        basis = np.column_stack([basis, *(slope * weight for slope in slopes)])
    size = np.maximum(np.linalg.norm(basis, axis=0), 1e-300)
    covariance = np.linalg.pinv((basis / size).T @ (basis / size), rcond=1e-13) / np.outer(size, size)
    return _Model(taus, rho, coefficients, covariance, float(residual @ residual), residual)


def _column(time: FloatArray, tau: float, rho: float | None) -> FloatArray:
    if rho is None:
        decay: FloatArray = np.exp(-time / tau)
        return decay
    grid, values = _modes(rho)
    return np.interp(np.log(np.maximum(time / tau, 1e-300)), grid, values)


@functools.cache
def _modes(rho: float) -> tuple[FloatArray, FloatArray]:
    """Return the sum of the modes of a mixed conductor against ln(t/tau); the slowest has amplitude 1."""
    x, amplitude = mode_roots(rho)
    amplitude = amplitude / amplitude[0]
    grid = np.linspace(math.log(1e-4), math.log(40.0), 600)
    values = np.exp(-np.outer(np.exp(grid), (x / x[0]) ** 2)) @ amplitude
    return grid, values


def mode_roots(rho: float) -> tuple[FloatArray, FloatArray]:
    """Return x_n and amplitudes of the modes after a voltage step on a line with both contacts on one rail.

    With s = Re + Ri and total capacitance C, a mode has the time constant s C / (4 x²), where tan x = -rho x;
    its amplitude relative to the steady current is 2 (1 + rho)/(1 + rho + rho² x²). rho is the ratio of the
    resistances of the blocked and the conducting rail.

    Examples
    --------
    >>> x, amplitude = mode_roots(1.0)
    >>> round(float(x[0]), 4), amplitude[:2].round(3).tolist()
    (2.0288, [0.654, 0.153])
    """
    n = np.arange(1.0, MODES + 1)
    if math.isinf(rho):
        x = (n - 0.5) * np.pi
        amplitude: FloatArray = 1 / x**2
        return x, amplitude  # relative amplitudes: all vanish against the steady current
    low, high = (n - 0.5) * np.pi, n * np.pi
    sign = np.sign(np.sin(low))
    for _ in range(60):  # sin x + rho x cos x has one sign change in between
        x = (low + high) / 2
        left = sign * (np.sin(x) + rho * x * np.cos(x)) > 0
        low, high = np.where(left, x, low), np.where(left, high, x)
    amplitude = 2 * (1 + rho) / (1 + rho + rho**2 * x**2)
    return x, amplitude
