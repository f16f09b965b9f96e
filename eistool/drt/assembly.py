"""Average of the descriptions that the evidence does not rule out."""

import functools
import math
from typing import Annotated

import numpy as np

from eistool.constants import SIGNIFICANT, TWO_SIDED_95
from eistool.drt.grid import TUNED
from eistool.drt.models import Description, ScaledPeak, shape_of
from eistool.drt.negative_blocks import UNCERTAIN, difference_band, phasances_of
from eistool.drt.peaks import POOR_NOISE, SAME_PLACE, Atom, DRTPeak
from eistool.drt.process import Data, GaussianProcess, free_process
from eistool.drt.result import DRT
from eistool.kernels.drt import RC, add_product
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray, Threshold

SAME_PEAK: Annotated[float, Threshold("distance in decades of peaks that are averaged", TUNED)] = 0.5
REPLICATES = 16  # of ln γ, drawn from its posterior
LEAST_SEEN: Annotated[float, Threshold("share of replicates with a maximum, of a persistent peak", TUNED)] = 0.8
LARGEST_DRIFT: Annotated[
    float,
    Threshold("relative drift above which a misfit has another cause", "engineering choice; only sets a flag"),
] = 0.3


def assemble(
    spectrum: Spectrum,
    used: IntArray,
    unit: float,
    data: Data,
    free: GaussianProcess,
    descriptions: list[Description],
    remarks: list[str],
) -> DRT:
    """Return the most probable description, with bands of the average over all descriptions.

    Parameters
    ----------
    spectrum : Spectrum
        Described spectrum.
    used : IntArray, shape (n_used,)
        Indices of its points.
    unit : float
        Unit of the impedance in ohm.
    data : Data
        Dimensionless data.
    free : GaussianProcess
        γ without an assumed shape.
    descriptions : list of Description
        Descriptions that the evidence does not rule out, the best first.
    remarks : list of str
        Previous flags.
    """
    grid = data.grid
    best = descriptions[0]
    weighted = _weighted(descriptions)
    mean, root = _mixture([(w, each.log_gamma, each.root) for w, each in weighted])
    gamma = np.exp(mean)
    sigma = _deviation(root)
    quantiles = TWO_SIDED_95, _joint_quantile(sigma.size)
    negative = best.negative
    factors = [np.exp(z * sigma) for z in quantiles]
    bands = [(gamma / factor - negative, gamma * factor - negative) for factor in factors]
    if best.subtracted is not None:
        parts = [(w, each.subtracted) for w, each in weighted if each.subtracted is not None]
        log_negative, negative_root = _mixture([(w, part.log_gamma, part.root) for w, part in parts])
        negative, negative_sigma = np.exp(log_negative), _deviation(negative_root)
        both = np.maximum(sigma * negative_sigma, 1e-300)
        correlation = np.clip(np.einsum("ij,ij->j", root, negative_root) / both, -1, 1)
        bands = [
            difference_band(gamma, factor, negative, np.exp(z * negative_sigma), correlation)
            for z, factor in zip(quantiles, factors, strict=True)
        ]
    nu, log_eta, eta_sigma = phasances_of(data, best.process)
    eta, eta_factor = np.exp(log_eta), np.exp(TWO_SIDED_95 * eta_sigma)
    peaks = _peaks(weighted, unit, data, free)
    R_pol, u_R_pol = _mixed([(w, each.R_pol, each.u_R_pol) for w, each in weighted])
    R_inf, u_R_inf = _mixed([(w, float(each.linear[0]), float(each.errors[0])) for w, each in weighted])
    L, u_L = 0.0, 0.0
    if not data.phasances:
        L, u_L = _mixed([(w, float(each.linear[1]), float(each.errors[1])) for w, each in weighted])
    process = best.process
    model = data.y - process.residual
    impedance: ComplexArray = np.full(len(spectrum), complex(math.nan, math.nan))
    impedance[used] = (model[: used.size] + 1j * model[used.size :]) * unit
    return DRT(
        spectrum=spectrum,
        tau=np.exp(grid.fine) / grid.unit,
        gamma=(gamma - negative) * unit,
        gamma_low=bands[0][0] * unit,
        gamma_high=bands[0][1] * unit,
        joint_low=bands[1][0] * unit,
        joint_high=bands[1][1] * unit,
        covariance_root=root,
        R_inf=R_inf * unit,
        u_R_inf=u_R_inf * unit,
        inductance=L * unit / grid.unit,
        u_inductance=u_L * unit / grid.unit,
        inverse_capacitance=float(best.linear[2]) * unit * grid.unit if best.linear.size > 2 else 0.0,
        regularization=process.precision,
        noise=math.sqrt(process.variance),
        R_pol=R_pol * unit,
        u_R_pol=u_R_pol * unit,
        peaks=tuple(peaks),
        atoms=tuple(Atom(p.tau, p.R, p.u_tau, p.u_R) for p in peaks if p.atom),
        impedance=impedance,
        evidence=process.evidence,
        evidence_free=free.evidence,
        model=best.name,
        flags=(*remarks, *_flags(data, best, peaks)),
        phasance=nu,
        eta=eta * unit,
        eta_low=eta / eta_factor * unit,
        eta_high=eta * eta_factor * unit,
    )


def _mixture(parts: list[tuple[float, FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Return the mean of a mixture of (weight, mean, S), and S with SᵀS its covariance."""
    if len(parts) == 1:
        return parts[0][1], parts[0][2]
    mean = np.zeros_like(parts[0][1])
    for w, log_gamma, _ in parts:
        mean += w * log_gamma
    # SᵀS of the stacked rows is Σ w (cov + (μ - μ̄)(μ - μ̄)ᵀ)
    rows = [math.sqrt(w) * root for w, _, root in parts]
    rows.append(np.array([math.sqrt(w) * (log_gamma - mean) for w, log_gamma, _ in parts]))
    return mean, np.vstack(rows)


def _deviation(root: FloatArray) -> FloatArray:
    sigma: FloatArray = np.minimum(np.sqrt(np.einsum("ij,ij->j", root, root)), UNCERTAIN)
    return sigma


def _weighted(descriptions: list[Description]) -> list[tuple[float, Description]]:
    """Return the descriptions with the same deltas and negative parts as the best, with probabilities."""

    def distinct_parts(each: Description) -> list[tuple[int, float]]:
        kinds = each.elements.kinds if each.elements else ()
        sharp = [kind for kind in kinds if kind[0] == RC or kind[1] < 0]
        return sharp + [(-1, -1.0)] * each.data.n_windows

    best = descriptions[0]
    alike = [
        (math.exp(each.evidence - best.evidence), each)
        for each in descriptions
        if distinct_parts(each) == distinct_parts(best)
    ]
    total = sum(w for w, _ in alike)
    return [(w / total, each) for w, each in alike]


def _mixed(parts: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Return mean and standard deviation of a mixture of (weight, mean, standard deviation)."""
    total = sum(w for w, _, _ in parts)
    mean = sum(w * x for w, x, _ in parts) / total
    return mean, math.sqrt(sum(w * (u * u + (x - mean) ** 2) for w, x, u in parts) / total)


def _peaks(
    weighted: list[tuple[float, Description]], unit: float, data: Data, free: GaussianProcess
) -> list[DRTPeak]:
    grid = data.grid
    low, high = grid.window
    places = _maxima(data, free)
    rest = [(w, each.peaks) for w, each in weighted[1:]]
    peaks = []
    for peak in weighted[0][1].peaks:
        same = [(weighted[0][0], peak)]
        for w, others in rest:
            near = min(others, key=lambda other: abs(other.log_tau - peak.log_tau), default=None)
            if near is not None and _is_same(peak, near):
                same.append((w, near))
        log_tau, u = _mixed([(w, p.log_tau, p.u_log_tau) for w, p in same])
        R, u_R = _mixed([(w, p.R, p.u_R) for w, p in same])
        tau = math.exp(log_tau) / grid.unit
        peaks.append(
            DRTPeak(
                tau=tau,
                u_tau=tau * u,
                R=R * unit,
                u_R=u_R * unit,
                height=peak.height * unit,
                prominence=peak.prominence * unit,
                edge=not low <= log_tau <= high,
                # the free γ of the test for persistence cannot have negative peaks
                persistent=peak.R < 0 or _is_persistent(places, grid.log_tau, log_tau),
                probability=sum(w * p.probability for w, p in same),
                shape=shape_of(peak.code),
                atom=peak.code == RC,
            )
        )
    return peaks


def _is_same(a: ScaledPeak, b: ScaledPeak) -> bool:
    return a.R * b.R > 0 and abs(a.log_tau - b.log_tau) < SAME_PEAK * math.log(10)


def _maxima(data: Data, free: GaussianProcess) -> BoolArray:
    """Return masks of the maxima of ln γ: rows of ten times less and more smoothing, then of replicates."""
    q, n = free.root.shape[0], free.f.size
    f = np.zeros((2 + REPLICATES, q))
    for row, factor in zip(f, (0.1, 10.0), strict=False):
        row[:n] = free_process(data, free, 1, free.precision * factor).f
    f[2:, :n] = free.f
    add_product(_normals(q), 0, free.root, f[2:])
    at = f[:, 1 : n - 1]
    maxima: BoolArray = (at > f[:, : n - 2]) & (at >= f[:, 2:n])
    return maxima


def _is_persistent(maxima: BoolArray, grid_log_tau: FloatArray, log_tau: float) -> bool:
    near = np.flatnonzero(np.abs(grid_log_tau[1:-1] - log_tau) < SAME_PLACE * math.log(10))
    seen = np.count_nonzero(maxima[:, near], axis=1) > 0
    return bool(seen[:2].all() and seen[2:].mean() >= LEAST_SEEN)


@functools.cache
def _normals(q: int) -> FloatArray:
    return np.random.default_rng(q).standard_normal((REPLICATES, q))


def _flags(data: Data, best: Description, peaks: list[DRTPeak]) -> list[str]:
    flags = []
    process = best.process
    noise = math.sqrt(process.variance)
    if noise > POOR_NOISE:
        flags.append(f"residuals of {noise:.1%} of |Z|: noisy data, or a spectrum that no γ describes")
    half = data.y.size // 2
    drift, u_drift = best.drift(np.linspace(0, 1, half))
    if SIGNIFICANT * u_drift < abs(drift) < LARGEST_DRIFT:
        flags.append(f"drift: Z changes by about {drift:.1%} from the first to the last point")
    if are_correlated(data, process):
        flags.append("residuals are correlated: drift, or a feature that no γ describes")
    if any(p.edge for p in peaks):
        flags.append("a peak lies outside the measured window: its position and area are extrapolated")
    slowest = math.exp(data.grid.window[1]) / data.grid.unit
    if data.phasances and any(peak.tau > 0.1 * slowest for peak in peaks):
        flags.append("a peak lies less than a decade from the slow end: γ and phasances are interchangeable there")
    if data.tail > 0.2:
        flags.append("blocking at low frequencies: γ keeps rising, and R_pol is limited to the range of τ")
    if any(p.R < 0 for p in peaks):
        flags.append("negative γ: an inductive loop, or drift")
    return flags


def are_correlated(data: Data, process: GaussianProcess) -> bool:
    """Return whether residuals of neighbouring frequencies are correlated."""
    half = data.y.size // 2
    scaled = process.residual * np.sqrt(data.weight)
    order = np.argsort(data.grid.log_x)
    pairs = sum(float(r[order][1:] @ r[order][:-1]) for r in (scaled[:half], scaled[half:]))
    return pairs / float(scaled @ scaled) > SIGNIFICANT / math.sqrt(scaled.size)


@functools.cache
def _joint_quantile(n_tau: int) -> float:
    """Return the half width of a 95 % joint band in standard deviations, by Šidák for 1 point in 10."""
    level = 0.95 ** (1 / max(n_tau // 10, 1))
    low, high = 1.0, 8.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if math.erf(middle / math.sqrt(2)) < level else (low, middle)
    return 0.5 * (low + high)
