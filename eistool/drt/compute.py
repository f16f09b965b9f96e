"""Distribution of relaxation times of a spectrum, without parameters to choose."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from eistool.constants import SIGNIFICANT
from eistool.drt.assembly import are_correlated, assemble
from eistool.drt.elements import (
    NEGATIVE_PENALTY,
    Sum,
    difference_variance,
    divides,
    find_elements,
    positive_part,
    zarcs,
)
from eistool.drt.grid import TUNED, check_points, grid_of
from eistool.drt.models import FLOOR, Description
from eistool.drt.negative_blocks import Window, parse_windows, subtract_in, with_phasances, without_blocks
from eistool.drt.process import Data, GaussianProcess, deviation_process, free_process
from eistool.drt.result import DRT
from eistool.errors import SpectrumError
from eistool.kernels.drt import CPE, EDF
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray, Threshold

LEAST_WEIGHT: Annotated[
    float, Threshold("probability, relative to the best, of descriptions that are averaged", TUNED)
] = 0.03
FIRST_STEPS, STEPS, TRIAL_STEPS = 14, 12, 20  # of the first fit, of later ones, and of trials of windows
MANY_STEPS = 60  # with blocks
POWERS = (0.0, 0.25, 0.5, 0.75)  # of |Z| in the standard deviation of noise, tried in addition to 1
POWER_GAIN: Annotated[
    float, Threshold("log likelihood gained above which noise is not proportional to the modulus", TUNED)
] = 3.0
OUTLIER: Annotated[float, Threshold("robust standard deviations of an outlying point", TUNED)] = 4.5
MOST_OUTLIERS: Annotated[float, Threshold("share of outlying points above which the model is wrong", TUNED)] = 0.08
ROBUST_FREEDOM = 4.0  # degrees of freedom of the t distribution that weights outliers
TAIL_POINTS = 8  # lowest frequencies that give the slope of a tail
ABOUT = 2.9  # in ln τ, by which a window extends beyond negative elements
NARROWEST = 0.6  # half width of a window, in ln τ
FARTHEST: Annotated[
    float, Threshold("change of an element by the deviation, in ln R or ln τ, above which γ is free", TUNED)
] = 0.1
WIDEST: Annotated[float, Threshold("standard error of ln R of an element above which γ is free", TUNED)] = 0.8


def compute_drt(
    spectrum: Spectrum,
    *,
    weighting: str | Sequence[float] | FloatArray = "auto",
    shapes: bool = True,
    signed: bool | Window | Sequence[Window] = True,
    phasances: bool = False,
) -> DRT:
    """Compute the distribution of relaxation times γ with its 95 % band.

    The model is Z = R∞ + jωL + 1/(jωC) + ∫ γ/(1 + jωτ) d ln τ. No part has to be subtracted beforehand
    and no parameter chosen: the evidence determines smoothness, noise, and whether a sum of ZARC, RC,
    Gerischer, Havriliak-Negami and other elements, with a smooth deviation, describes the spectrum better
    than a γ without an assumed shape.

    Parameters
    ----------
    spectrum : Spectrum
        At least 6 points in any order; masked points are left out.
    weighting : {"auto", "modulus", "unit", "noise"} or array_like, shape (n_freq,)
        Standard deviation of the noise, up to a factor that is always estimated: a power of |Z| estimated
        from the residuals, |Z|, a constant, the measured noise of the spectrum, or the given values.
    shapes : bool
        Whether sums of elements are considered.
    signed : bool, (float, float) or sequence of these
        Whether γ may be negative, as for an inductive loop: an element, or a distribution within a decade
        of negative elements, correlated residuals or inductive points, if its evidence is higher. With
        windows of τ in s, γ may be negative there whatever the evidence, and nowhere else.
    phasances : bool
        Whether ∫ η (jω/ω0)^ν dν with η >= 0 replaces jωL and 1/(jωC), so that constant-phase tails, Warburg
        or inductive, are described without an assumed element. γ then falls beyond the measured window
        [3]_. See the theory for the limits of this model.

    Returns
    -------
    DRT

    Raises
    ------
    SpectrumError
        If there are too few points, or the weighting or the windows are invalid.

    References
    ----------
    .. [1] T. H. Wan et al., Electrochim. Acta 184 (2015) 483, doi:10.1016/j.electacta.2015.09.097
    .. [2] S. N. Wood, M. Fasiolo, Biometrics 73 (2017) 1071, doi:10.1111/biom.12666
    .. [3] J. D. Huang et al., Joule 8 (2024) 2049, doi:10.1016/j.joule.2024.05.003

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import compute_drt, simulate
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e6, 0.01, 81), [10, 50, 1e-4, 0.8], noise=0.002, seed=1)
    >>> drt = compute_drt(s)
    >>> len(drt.peaks), abs(drt.peaks[0].R - 50) < 3 * drt.peaks[0].u_R
    (1, True)

    The exponent of a tail without an assumed element:

    >>> s = simulate("R0-p(R1,CPE1)-CPE2", s.frequency, [10, 50, 1e-5, 0.9, 0.02, 0.8], noise=0.002, seed=1)
    >>> drt = compute_drt(s, phasances=True)
    >>> float(drt.phasance[drt.eta.argmax()].round(2))
    -0.8
    """
    check_points(spectrum)
    used = np.flatnonzero(spectrum.mask)
    unit = float(np.median(np.abs(spectrum.impedance[used])))
    data = _data(spectrum, used, unit, weighting)
    if phasances:
        data = with_phasances(data)
    windows = parse_windows(spectrum.label, signed, data.grid)
    if windows:
        data = subtract_in(data, windows)
    weight = data.weight
    choose_power = isinstance(weighting, str) and weighting == "auto"
    best = _attempt(data, choose_power, shapes, signed is True)
    if signed is True and not phasances:
        window = _window_worth_trying(best, shapes)
        if window is not None:
            plain = replace(data, weight=weight)
            other = _attempt(subtract_in(plain, [window]), choose_power, shapes, False, best)
            if other.score - NEGATIVE_PENALTY > best.score and _is_negative(other):
                best = other
    likely = [each for each in best.tried if each[2] > best.score + math.log(LEAST_WEIGHT)]
    remarks = []
    fewer = [each for each in likely if _n_peaks(each[1]) < _n_peaks(likely[0][1])]
    if fewer:
        remarks.append(f"{_n_peaks(likely[0][1])} peaks are nearly as probable as {_n_peaks(fewer[0][1])}")
        likely = sorted(likely, key=lambda each: each[0] is not fewer[0][0])
    descriptions = [Description(best.data, process, elements, evidence) for process, elements, evidence in likely]
    if best.outliers:
        remarks.append(f"{best.outliers} outlying point{'s' if best.outliers > 1 else ''} given little weight")
    return assemble(spectrum, used, unit, best.data, best.free, descriptions, remarks)


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """Free γ and the sums of elements derived from it, with one set of blocks."""

    data: Data
    free: GaussianProcess
    outliers: int
    tried: list[tuple[GaussianProcess, Sum | None, float]]  # with log evidence less penalty, the best first

    @property
    def score(self) -> float:
        return self.tried[0][2]


def _attempt(
    data: Data, choose_power: bool, shapes: bool, negative: bool, before: _Attempt | None = None
) -> _Attempt:
    free, outliers = _free(data, choose_power)
    tried: list[tuple[GaussianProcess, Sum | None, float]] = [(free, None, free.evidence)]

    def consider(sums: list[Sum], start: GaussianProcess) -> None:
        for elements in sums:
            tail_twice = data.phasances and any(e.code == CPE for e in elements.elements)
            if tail_twice or divides(data, free, elements.elements):
                continue
            process = _with_deviation(data, elements, start)
            if _is_sound(elements, process):
                tried.append((process, elements, process.evidence - elements.penalty))
        tried.sort(key=lambda each: -each[2])

    if shapes and not data.blocks:
        consider(find_elements(data, free, negative), free)
    elif shapes:
        # elements describe the rest; with elements, the blocks are better determined
        rest = without_blocks(data, free)
        loops = before.tried[0][1] if before else None
        consider([positive_part(rest, loops)] if loops and not loops.positive.all() else [], free)
        consider(zarcs(rest, free), free)
        searched = None
        for _ in range(2):
            process = tried[0][0]
            if process is searched:
                break
            searched = process
            consider(find_elements(without_blocks(data, process), free, False), process)
    return _Attempt(data, free, outliers, tried)


def _window_worth_trying(best: _Attempt, shapes: bool) -> Window | None:
    """Return the window in which γ may be negative: near negative elements, or anywhere if the fit is poor."""
    data, (process, elements, _) = best.data, best.tried[0]
    low, high = data.grid.window
    loops = [e.theta[1] for e in elements.elements if e.sign < 0] if elements else []
    windows = [(max(min(loops) - ABOUT, low), max(loops) + ABOUT)] if loops else []
    # without elements, a free γ misses sharp peaks, and negative lobes would compensate for that
    if not loops and ((shapes and are_correlated(data, process)) or _is_inductive(data, process)):
        # at the short end it would hardly differ from L and R
        quarter = 0.25 * (high - low - ABOUT)
        if quarter > NARROWEST:
            windows = [(high - (4 - k) * quarter, high - (2 - k) * quarter) for k in range(3)]
    tried = [(free_process(subtract_in(data, [each]), best.free, TRIAL_STEPS).evidence, each) for each in windows]
    evidence, window = max(tried, default=(-math.inf, None))
    return window if evidence - NEGATIVE_PENALTY > best.free.evidence else None


def _is_negative(attempt: _Attempt) -> bool:
    """Return whether γ has a significant negative peak, rather than just more flexibility."""
    data = attempt.data
    each = Description(data, *attempt.tried[0])
    gamma = each.gamma - each.negative
    return any(
        -SIGNIFICANT * peak.u_R > peak.R and np.interp(peak.log_tau, data.grid.fine, gamma) < 0
        for peak in each.peaks
    )


def _is_inductive(data: Data, process: GaussianProcess) -> bool:
    """Return whether Im Z is positive at frequencies below some where it is negative."""
    half = data.y.size // 2
    if not (data.y[half:] > 0).any():
        return False
    order = np.argsort(-data.grid.log_x)
    # the variance of a poor model contains its misfit
    noise = SIGNIFICANT * math.sqrt(min(process.variance, difference_variance(data))) * data.modulus[order]
    imaginary = data.y[half:][order]
    return bool((np.maximum.accumulate(imaginary < -noise) & (imaginary > noise)).any())


def _data(
    spectrum: Spectrum, used: "np.ndarray[tuple[int], np.dtype[np.int64]]", unit: float, weighting: object
) -> Data:
    frequency = spectrum.frequency[used]
    z = spectrum.impedance[used] / unit
    modulus = np.tile(np.abs(z), 2)
    if isinstance(weighting, str):
        if weighting in ("auto", "modulus"):
            sigma = modulus
        elif weighting == "unit":
            sigma = np.ones_like(modulus)
        elif weighting == "noise" and spectrum.noise is not None:
            noise = spectrum.noise[used]
            sigma = np.concatenate([noise.real, noise.imag])
        elif weighting == "noise":
            raise SpectrumError(
                f"{spectrum.label}: weighting='noise', but the spectrum has no measured noise; use 'auto'"
            )
        else:
            raise SpectrumError(
                f"{spectrum.label}: weighting={weighting!r}; choose auto, modulus, unit or noise, or give an array"
            )
    else:
        given = np.asarray(weighting, dtype=np.float64)
        if given.shape != spectrum.frequency.shape or not (given > 0).all() or not np.isfinite(given).all():
            raise SpectrumError(
                f"{spectrum.label}: weighting: give {len(spectrum)} positive standard deviations, one per point"
            )
        sigma = np.tile(given[used], 2)
    sigma = sigma / np.exp(np.mean(np.log(sigma / modulus)))
    y = np.concatenate([z.real, z.imag])
    return Data(grid_of(frequency), y, modulus, 1 / sigma**2, _tail_slope(frequency, z))


def _tail_slope(frequency: FloatArray, z: "np.ndarray[tuple[int], np.dtype[np.complex128]]") -> float:
    """Return the slope of ln(-Im Z) against ln τ at the lowest frequencies, within -1 to 1."""
    lowest = np.argsort(frequency)[:TAIL_POINTS]
    imaginary = -z.imag[lowest]
    if (imaginary <= 0).any():
        return -1.0
    x = -np.log(frequency[lowest])
    x = x - x.mean()
    if not (x @ x) > 0:
        return -1.0
    return float(np.clip((x @ np.log(imaginary)) / (x @ x), -1, 1))


def _free(data: Data, choose_power: bool) -> tuple[GaussianProcess, int]:
    """Fit the free process, the dependence of noise on |Z|, and the number of outliers."""
    first, steps = (MANY_STEPS, MANY_STEPS) if data.blocks else (FIRST_STEPS, STEPS)
    process = free_process(data, steps=first)
    base: FloatArray = data.weight
    power = 1.0
    for _ in range(len(POWERS) if choose_power else 0):
        before, power = power, _noise_power(data, process)
        if power == before:
            break
        base = data.modulus ** (-2.0 * power)
        base = base * np.exp(np.mean(np.log(data.weight / base)))
        data.reweigh(base)
        process = free_process(data, process, steps)
    n = data.y.size // 2
    outliers = 0
    for _ in range(4):
        square = base * process.residual**2
        size = square[:n] + square[n:]
        variance = (
            float(np.median(size))
            / (2 * math.log(2))
            * data.y.size
            / max(data.y.size - process.state[EDF], 0.3 * data.y.size)
        )
        ratio = size / max(variance, 1e-14)
        outlying = ratio > OUTLIER**2
        if not outlying.any():
            break
        if outlying.sum() > max(MOST_OUTLIERS * n, 3):
            # too many for accidental errors: the model is wrong
            data.reweigh(base)
            return free_process(data, process, steps), 0
        factor = np.where(ratio > 9.0, (ROBUST_FREEDOM + 2) / (ROBUST_FREEDOM + ratio), 1.0)
        data.reweigh(base * np.tile(factor, 2))
        process = free_process(data, process, steps)
        outliers = int(outlying.sum())
    return process, outliers


def _noise_power(data: Data, process: GaussianProcess) -> float:
    log_modulus = np.log(data.modulus)
    sigma = 1 / np.sqrt(data.weight)
    relative = np.abs(process.residual) / sigma
    # a single outlier must not decide
    clipped = np.minimum(relative, 4 * np.median(relative)) * sigma

    powers = np.array([*POWERS, 1.0])
    scale = (clipped * np.exp(-powers[:, None] * log_modulus)) ** 2
    likelihood = -0.5 * data.y.size * np.log(np.maximum(scale.mean(axis=1), 1e-300)) - powers * log_modulus.sum()
    best = int(np.argmax(likelihood))
    return float(powers[best]) if likelihood[best] > likelihood[-1] + POWER_GAIN else 1.0


def _n_peaks(elements: Sum | None) -> float:
    """Return the number of peaks of a sum of elements; infinite for a free γ, so that it is never preferred."""
    return math.inf if elements is None else elements.n_peaks


def _with_deviation(data: Data, elements: Sum, start: GaussianProcess) -> GaussianProcess:
    gammas = elements.gammas(data.grid.log_tau, data.grid.step)
    total = (gammas * elements.positive[:, None]).sum(axis=0)
    total = np.maximum(total, FLOOR * max(float(total.max()), 1e-3))
    variance = max(elements.chi2 / max(data.y.size - elements.n_parameters, 1), 1e-12)
    if data.blocks:
        variance = start.variance  # the elements alone do not describe the data
    return deviation_process(
        data, total, elements.impedance, elements.derivatives, variance, further=start.further
    )


def _is_sound(elements: Sum, process: GaussianProcess) -> bool:
    """Return whether γ deviates little from that of the elements and these are determined."""
    n, p = process.n_logarithms, elements.theta.size
    moved = np.abs(process.extra[:p])
    errors = np.sqrt((process.root[:, n : n + p] ** 2).sum(axis=0))
    sizes = np.array(
        [at for at, e in zip(elements.offsets, elements.elements, strict=True) if e.code != CPE], dtype=int
    )
    return bool(elements.elements and (moved < FARTHEST).all() and (errors[sizes] < WIDEST).all())
