"""The distribution of relaxation times of a spectrum, without a parameter to choose."""

import math
from collections.abc import Sequence

import numpy as np

from eistool.drt.elements import NAMES, Sum, find_elements
from eistool.drt.grid import grid_of
from eistool.drt.peaks import Atom, DRTPeak
from eistool.drt.process import Data, Process, deviation_process, free_process, weighed
from eistool.drt.result import DRT
from eistool.errors import SpectrumError
from eistool.kernels.drt import CONSTANT, CPE, EDF, GERISCHER, RC, add_product
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray

LEAST_POINTS = 6
FIRST_STEPS = 14
POWERS = (0.0, 0.25, 0.5, 0.75)  # of |Z| to which noise may be proportional, besides 1
POWER_GAIN = 3.0  # in log likelihood
OUTLIER = 4.5  # robust standard deviations
MOST_OUTLIERS = 0.08  # of the points
ROBUST_FREEDOM = 4.0
NORMAL_95 = 1.959963984540054
SMALLEST = 0.02  # height and prominence of a free peak, relative to the highest
LEAST_PROBABILITY = 0.9
TAIL_POINTS = 8
FARTHEST = 0.7  # that a parameter moves when γ may deviate from the elements
WIDEST = 0.8  # standard error of ln R of an element
FLOOR = 1e-9  # relative to the highest γ
SAME_PLACE = 0.3  # decades
POOR_NOISE = 0.03  # relative


def compute_drt(
    spectrum: Spectrum,
    *,
    weighting: str | Sequence[float] | FloatArray = "auto",
    shapes: bool = True,
    signed: bool = True,
) -> DRT:
    """Compute the distribution of relaxation times γ, with its 95 % band.

    The model is Z = R∞ + jωL + 1/(jωC) + ∫ γ/(1 + jωτ) d ln τ. Nothing has to be subtracted first and
    nothing chosen: smoothness and noise follow from the data by their evidence, and so does whether a
    sum of ZARC, RC, Gerischer, Havriliak-Negami and other elements, with a smooth deviation from it,
    describes the spectrum better than a γ of no assumed shape.

    Parameters
    ----------
    spectrum : Spectrum
        At least 6 points in any order; masked points are left out.
    weighting : {"auto", "modulus", "unit", "noise"} or array_like, shape (n_freq,)
        What noise is proportional to: a power of |Z| that the residuals tell; |Z|; nothing; the
        spectrum's measured noise; or the values given. Its size is found in any case.
    shapes : bool
        Whether sums of elements may take part.
    signed : bool
        Whether an element may be negative, as an inductive loop needs.

    Returns
    -------
    DRT

    Raises
    ------
    SpectrumError
        If there are too few points, or the weighting cannot be understood.

    References
    ----------
    .. [1] T. H. Wan et al., Electrochim. Acta 184 (2015) 483, doi:10.1016/j.electacta.2015.09.097
    .. [2] S. N. Wood, M. Fasiolo, Biometrics 73 (2017) 1071, doi:10.1111/biom.12666

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import compute_drt, simulate
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e6, 0.01, 81), [10, 50, 1e-4, 0.8], noise=0.002, seed=1)
    >>> drt = compute_drt(s)
    >>> len(drt.peaks), abs(drt.peaks[0].R - 50) < 3 * drt.peaks[0].u_R
    (1, True)
    """
    used = np.flatnonzero(spectrum.mask)
    if used.size < LEAST_POINTS:
        raise SpectrumError(f"{spectrum.label}: {used.size} points used; a DRT needs {LEAST_POINTS} or more")
    if np.ptp(spectrum.frequency[used]) <= 0:
        raise SpectrumError(f"{spectrum.label}: all frequencies are the same; a DRT needs a range of them")
    unit = float(np.median(np.abs(spectrum.impedance[used])))
    data = _data(spectrum, used, unit, weighting)
    flags: list[str] = []
    free, robust = _free(data, weighting == "auto" if isinstance(weighting, str) else False)
    if robust:
        flags.append(f"{robust} outlying point{'s' if robust > 1 else ''} given little weight")
    chosen: tuple[Sum, Process] | None = None
    if shapes:
        found = find_elements(data, free, signed)
        if found is not None and found.elements:
            chosen = _with_deviation(data, found, free)
            if not (chosen[1].evidence - found.price > free.evidence and _is_sound(*chosen)):
                chosen = None
    return _Assembly(spectrum, used, unit, data, free, chosen, flags).result()


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
            raise SpectrumError(f"{spectrum.label}: weighting='noise', but the spectrum has no noise; use 'auto'")
        else:
            raise SpectrumError(
                f"{spectrum.label}: weighting={weighting!r}; choose auto, modulus, unit or noise, or give an array"
            )
    else:
        given = np.asarray(weighting, dtype=np.float64)
        if given.shape != spectrum.frequency.shape or not (given > 0).all() or not np.isfinite(given).all():
            raise SpectrumError(
                f"{spectrum.label}: weighting must be {len(spectrum)} positive standard deviations"
            )
        sigma = np.tile(given[used], 2)
    sigma = sigma / np.exp(np.mean(np.log(sigma / modulus)))
    y = np.concatenate([z.real, z.imag])
    return Data(grid_of(frequency), y, modulus, 1 / sigma**2, _tail_slope(frequency, z))


def _tail_slope(frequency: FloatArray, z: "np.ndarray[tuple[int], np.dtype[np.complex128]]") -> float:
    """Return the slope of ln(-Im Z) against ln τ at the lowest frequencies, -1 to 1."""
    lowest = np.argsort(frequency)[:TAIL_POINTS]
    imaginary = -z.imag[lowest]
    if (imaginary <= 0).any():
        return -1.0
    x = -np.log(frequency[lowest])
    x = x - x.mean()
    if not (x @ x) > 0:
        return -1.0
    return float(np.clip((x @ np.log(imaginary)) / (x @ x), -1, 1))


def _free(data: Data, choose_power: bool) -> tuple[Process, int]:
    """Fit the free process; settle how noise depends on |Z|, and what is an outlier."""
    process = free_process(data, steps=FIRST_STEPS)
    base: FloatArray = data.weight
    if choose_power:
        power = _noise_power(data, process)
        if power != 1:
            base = data.modulus ** (-2.0 * power)
            base = base * np.exp(np.mean(np.log(data.weight / base)))
            data.reweigh(base)
            process = free_process(data, process)
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
            # so many are no accidents: the model misses something
            data.reweigh(base)
            return free_process(data, process), 0
        factor = np.where(ratio > 9.0, (ROBUST_FREEDOM + 2) / (ROBUST_FREEDOM + ratio), 1.0)
        data.reweigh(base * np.tile(factor, 2))
        process = free_process(data, process)
        outliers = int(outlying.sum())
    return process, outliers


def _noise_power(data: Data, process: Process) -> float:
    log_modulus = np.log(data.modulus)
    size = np.abs(process.residual)
    relative = size / data.modulus
    # one wild point must not decide
    clipped = np.minimum(relative, 4 * np.median(relative)) * data.modulus

    def likelihood(power: float) -> float:
        scale = float(np.mean((clipped / data.modulus**power) ** 2))
        return float(-0.5 * data.y.size * math.log(max(scale, 1e-300)) - power * log_modulus.sum())

    best = max(POWERS, key=likelihood)
    return best if likelihood(best) > likelihood(1.0) + POWER_GAIN else 1.0


def _with_deviation(data: Data, found: Sum, free: Process) -> tuple[Sum, Process]:
    gammas = found.gammas(data.grid.log_tau, data.grid.step)
    total = _positive(found, gammas).sum(axis=0)
    total = np.maximum(total, FLOOR * max(float(total.max()), 1e-3))
    variance = max(found.chi2 / max(data.y.size - found.n_parameters, 1), 1e-12)
    return found, deviation_process(data, total, found.impedance, found.derivatives, variance)


def _is_sound(found: Sum, process: Process) -> bool:
    """Return whether the deviation left the elements where they were, and they are determined at all."""
    n, p = process.f.size, found.theta.size
    moved = np.abs(process.extra[:p])
    errors = np.sqrt((process.root[:, n : n + p] ** 2).sum(axis=0))
    sizes = np.array([at for at, e in zip(found.offsets, found.elements, strict=True) if e.code != CPE], dtype=int)
    return bool((moved < FARTHEST).all() and (errors[sizes] < WIDEST).all())


def _positive(found: Sum, gammas: FloatArray) -> FloatArray:
    positive: FloatArray = gammas * np.array([e.sign > 0 for e in found.elements])[:, None]
    return positive


class _Assembly:
    """Puts the pieces of a result together."""

    def __init__(
        self,
        spectrum: Spectrum,
        used: "np.ndarray[tuple[int], np.dtype[np.int64]]",
        unit: float,
        data: Data,
        free: Process,
        chosen: tuple[Sum, Process] | None,
        flags: list[str],
    ) -> None:
        self.spectrum, self.used, self.unit, self.data, self.free, self.flags = (
            spectrum,
            used,
            unit,
            data,
            free,
            flags,
        )
        self.found = chosen[0] if chosen else None
        self.process = chosen[1] if chosen else free
        grid = data.grid
        self.weights = np.full(grid.fine.size, grid.fine_step)
        self.weights[[0, -1]] *= 0.5
        if self.found is None:
            self._free_gamma()
        else:
            self._element_gamma(self.found)

    def _free_gamma(self) -> None:
        grid = self.data.grid
        self.log_gamma = self._fine(self.process.f)
        self.spread = self.process.spread(grid)
        self.gamma = np.exp(self.log_gamma)
        self.negative = np.zeros_like(self.gamma)

    def _element_gamma(self, found: Sum) -> None:
        grid = self.data.grid
        h = grid.fine_step
        theta = found.theta + self.process.extra[: found.theta.size]
        self.theta = theta
        keep = np.array([e.sign > 0 for e in found.elements])[:, None]
        parts = found.gammas(grid.fine, h, theta)
        total = np.maximum((parts * keep).sum(axis=0), 1e-300)
        deviation = self._fine(self.process.f - self.process.mean)
        # far from all elements nothing holds a deviation but its prior
        self.factor = np.exp(deviation)
        self.parts = parts
        floor = FLOOR * max(float(total.max()), 1e-3)
        derivative = found.derivatives_of_gamma(grid.fine, h, theta) / np.maximum(total, floor)
        self.smooth_spread = self.process.spread(grid)
        self.spread = self.smooth_spread.copy()
        add_product(self.process.root, self.process.f.size, derivative, self.spread)
        self.gamma = total * self.factor
        self.log_gamma = np.log(np.maximum(self.gamma, 1e-300))
        self.negative = (parts * ~keep).sum(axis=0)

    def _fine(self, values: FloatArray) -> FloatArray:
        return weighed(self.data.grid.spline, values)

    def result(self) -> DRT:
        grid, process, unit = self.data.grid, self.process, self.unit
        n = grid.log_tau.size
        root = process.root
        sigma = np.minimum(np.sqrt((self.spread**2).sum(axis=0)), 20.0)
        tau = np.exp(grid.fine) / grid.unit
        peaks = self._free_peaks() if self.found is None else self._element_peaks(self.found)
        atoms = tuple(Atom(p.tau, p.R, p.u_tau, p.u_R) for p in peaks if p.atom)
        linear = (
            process.extra[-3:].copy()
            if self.found is None
            else (self.found.linear + process.extra[self.found.theta.size :])
        )
        errors = np.sqrt((root**2).sum(axis=0))[-linear.size :]
        area = self.weights * self.gamma
        gradient = weighed(self.spread, area)
        total = float(area.sum() - self.weights @ self.negative)
        if self.found is not None:
            for e, at in zip(self.found.elements, self.found.offsets, strict=True):
                if e.code == RC:
                    size = e.sign * math.exp(self.theta[at])
                    total += size
                    gradient = gradient + root[:, n + at] * size
        band = np.exp(NORMAL_95 * sigma)
        joint = np.exp(_joint_quantile(sigma) * sigma)
        model = self.data.y - process.residual
        half = self.used.size
        impedance = self._everywhere(model[:half] + 1j * model[half:])
        noise = math.sqrt(process.variance)
        self._flag(peaks, noise, linear)
        low = (self.gamma / band - self.negative) * unit
        high = (self.gamma * band - self.negative) * unit
        return DRT(
            spectrum=self.spectrum,
            tau=tau,
            gamma=(self.gamma - self.negative) * unit,
            gamma_low=low,
            gamma_high=high,
            joint_low=(self.gamma / joint - self.negative) * unit,
            joint_high=(self.gamma * joint - self.negative) * unit,
            log_spread=self.spread,
            R_inf=float(linear[0]) * unit,
            u_R_inf=float(errors[0]) * unit,
            inductance=float(linear[1]) * unit / grid.unit,
            u_inductance=float(errors[1]) * unit / grid.unit,
            inverse_capacitance=float(linear[2]) * unit * grid.unit if linear.size > 2 else 0.0,
            regularization=process.precision,
            noise=noise,
            R_pol=total * unit,
            u_R_pol=float(np.sqrt(gradient @ gradient)) * unit,
            peaks=tuple(peaks),
            atoms=atoms,
            impedance=impedance,
            evidence=process.evidence,
            evidence_free=self.free.evidence,
            model="free"
            if self.found is None
            else " + ".join(("" if e.sign > 0 else "-") + NAMES[e.code] for e in self.found.elements),
            flags=tuple(self.flags),
        )

    def _everywhere(
        self, at_used: "np.ndarray[tuple[int], np.dtype[np.complex128]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.complex128]]":
        out = np.full(len(self.spectrum), complex(math.nan, math.nan))
        out[self.used] = at_used * self.unit
        return out

    def _flag(self, peaks: list[DRTPeak], noise: float, linear: FloatArray) -> None:
        if noise > POOR_NOISE:
            self.flags.append(f"residuals of {noise:.1%} of |Z|: a noisy spectrum, or one that no γ describes")
        if any(p.edge for p in peaks):
            self.flags.append("a peak lies outside the measured window: its position and area are extrapolated")
        if self.data.tail > 0.2:
            self.flags.append("blocking at low frequencies: γ goes on rising, and R_pol ends with the τ range")
        if any(p.R < 0 for p in peaks):
            self.flags.append("negative γ: an inductive loop")

    def _edge(self, log_tau: float) -> bool:
        low, high = self.data.grid.window
        return not low <= log_tau <= high

    def _persistent(self) -> list[FloatArray]:
        """Return where the free process peaks with ten times more and less smoothing."""
        places = []
        for factor in (0.1, 10.0):
            again = free_process(self.data, self.free, 1, self.free.precision * factor)
            f = self._fine(again.f)
            places.append(self.data.grid.fine[1:-1][(f[1:-1] > f[:-2]) & (f[1:-1] >= f[2:])])
        return places

    def _free_peaks(self) -> list[DRTPeak]:
        grid, f, gamma, unit = self.data.grid, self.log_gamma, self.gamma, self.unit
        h = grid.fine_step
        tops = np.flatnonzero((f[1:-1] > f[:-2]) & (f[1:-1] >= f[2:])) + 1
        if tops.size == 0:
            return []
        # a tail may be higher than any peak
        highest = float(gamma[tops].max())
        places = self._persistent()
        kept = [int(top) for top in tops]
        while kept:
            found = [self._standing(kept, k) for k in range(len(kept))]
            weak = [
                k
                for k, (_, _, prominence, probability) in enumerate(found)
                if prominence < SMALLEST * highest or probability < LEAST_PROBABILITY
            ]
            if not weak:
                break
            # the area of a hump that is none belongs to its neighbour
            del kept[min(weak, key=lambda k: found[k][2])]
        peaks = []
        for k, top in enumerate(kept):
            left, right, prominence, probability = found[k]
            bend = float(f[top - 1] - 2 * f[top] + f[top + 1]) / h**2
            slope = float(f[top + 1] - f[top - 1]) / (2 * h)
            log_tau = float(grid.fine[top]) - slope / bend
            moving = (self.spread[:, top + 1] - self.spread[:, top - 1]) / (2 * h) / bend
            area = gamma[left : right + 1] * h
            inside = np.zeros_like(gamma)
            inside[left : right + 1] = area
            spread = weighed(self.spread, inside)
            tau = math.exp(log_tau) / grid.unit
            peaks.append(
                DRTPeak(
                    tau=tau,
                    u_tau=tau * float(np.sqrt(moving @ moving)),
                    R=float(area.sum()) * unit,
                    u_R=float(np.sqrt(spread @ spread)) * unit,
                    height=float(gamma[top]) * unit,
                    prominence=prominence * unit,
                    edge=self._edge(log_tau),
                    persistent=self._seen(log_tau, places),
                    probability=probability,
                    shape="free",
                )
            )
        return peaks

    def _standing(self, tops: list[int], k: int) -> tuple[int, int, float, float]:
        """Return where a peak ends on either side, its prominence, and the probability that it has one."""
        f, top = self.log_gamma, tops[k]
        start = tops[k - 1] if k > 0 else 0
        end = tops[k + 1] if k + 1 < len(tops) else f.size - 1
        left = start + int(np.argmin(f[start : top + 1]))
        right = top + int(np.argmin(f[top : end + 1]))
        saddle = left if f[left] > f[right] else right
        difference = self.spread[:, top] - self.spread[:, saddle]
        z = float((f[top] - f[saddle]) / max(math.sqrt(difference @ difference), 1e-12))
        probability = 0.5 * (1 + math.erf(z / math.sqrt(2)))
        return left, right, float(self.gamma[top] - self.gamma[saddle]), probability

    def _seen(self, log_tau: float, places: list[FloatArray]) -> bool:
        return all(p.size > 0 and float(np.abs(p - log_tau).min()) < SAME_PLACE * math.log(10) for p in places)

    def _element_peaks(self, found: Sum) -> list[DRTPeak]:
        grid, unit, root = self.data.grid, self.unit, self.process.root
        n = grid.log_tau.size
        h = grid.fine_step
        places = self._persistent()
        peaks = []
        for i, (e, at) in enumerate(zip(found.elements, found.offsets, strict=True)):
            if e.code == CPE:
                continue
            size, log_tau = math.exp(self.theta[at]), float(self.theta[at + 1])
            gamma = self.parts[i] * self.factor
            top = int(np.argmax(gamma))
            spread = root[:, n + at] * size
            moving = root[:, n + at + 1].copy()
            R = size
            if e.code != RC:
                if e.sign > 0:
                    extra = self.parts[i] * (self.factor - 1)
                    R += float(self.weights @ extra)
                    spread = spread + weighed(self.smooth_spread, self.weights * gamma)
                if e.code not in (GERISCHER, CONSTANT) and 0 < top < gamma.size - 1:
                    f = np.log(np.maximum(gamma[top - 1 : top + 2], 1e-300))
                    bend = min(float(f[0] - 2 * f[1] + f[2]) / h**2, -1e-3)
                    log_tau = float(grid.fine[top]) - float(f[2] - f[0]) / (2 * h) / bend
                    moving = moving - (self.smooth_spread[:, top + 1] - self.smooth_spread[:, top - 1]) / (2 * h) / bend
            u_R = float(np.sqrt(spread @ spread))
            tau = math.exp(log_tau) / grid.unit
            # the evidence for it: what a Gaussian posterior gains over none, less the price of its parameters
            gain = 0.5 * (R / max(u_R, 1e-300)) ** 2 - 0.5 * len(e.theta) * math.log(self.data.y.size)
            others = self.gamma[top] - gamma[top]
            peaks.append(
                DRTPeak(
                    tau=tau,
                    u_tau=tau * float(np.sqrt(moving @ moving)),
                    R=e.sign * R * unit,
                    u_R=u_R * unit,
                    height=math.inf if e.code == RC else e.sign * float(gamma[top]) * unit,
                    prominence=math.inf if e.code == RC else max(float(gamma[top] - others), 0.0) * unit,
                    edge=self._edge(log_tau),
                    # no amount of smoothing makes a positive γ show a negative peak
                    persistent=e.sign < 0 or self._seen(log_tau, places),
                    probability=1 / (1 + math.exp(-min(max(gain, -50.0), 50.0))),
                    shape=NAMES[e.code],
                    atom=e.code == RC,
                )
            )
        return sorted(peaks, key=lambda peak: peak.tau)


def _joint_quantile(sigma: FloatArray) -> float:
    """Return how many standard deviations hold the whole curve in 95 % of cases, by Šidák on 1 point in 10."""
    independent = max(sigma.size // 10, 1)
    level = 0.95 ** (1 / independent)
    low, high = 1.0, 8.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if math.erf(middle / math.sqrt(2)) < level else (low, middle)
    return 0.5 * (low + high)
