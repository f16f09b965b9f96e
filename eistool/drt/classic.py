"""Distribution of relaxation times by Tikhonov regularisation, for comparison with the literature."""

import functools
import itertools
import math

import numpy as np

from eistool.drt.grid import FINER, check_points
from eistool.drt.peaks import POOR_NOISE, PROMINENT, SAME_PLACE, DRTPeak
from eistool.drt.result import DRT
from eistool.drt.tikhonov import (
    BASES,
    CRITERIA,
    LARGEST,
    ORDERS,
    SMALLEST,
    Design,
    Matrices,
    Problem,
    matrices_of,
    minimize,
    score_of,
)
from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray

DRAWS = 200  # from the posterior
R, L = 0, 1  # columns of the elements in series with γ
PARTS = ("complex", "real", "imaginary")
WEIGHTINGS = ("modulus", "unit")
AT_END = 1.01  # factor by which λ may differ from the end of its range and count as that end
NEARLY_ZERO = 1e-9  # γ relative to the highest


def compute_drt_tikhonov(
    spectrum: Spectrum,
    *,
    order: int = 1,
    basis: str = "gaussian",
    width: float = 2.0,
    nonnegative: bool = True,
    regularization: str | float = "gcv",
    inductance: bool = True,
    part: str = "complex",
    weighting: str = "modulus",
) -> DRT:
    """Compute γ by Tikhonov regularisation, as in most papers; :func:`compute_drt` is more accurate.

    With Z in units of its median modulus, Σ w²|Z - Z_model|² + λ ∫ (dᵏγ/d ln τᵏ)² d ln τ is minimised [1]_.
    λ is dimensionless and does not change if the data are multiplied by a number.
    γ reaches one decade beyond the measured window on either side, and is zero from there on.

    Parameters
    ----------
    spectrum : Spectrum
        At least 6 points in any order; masked points are left out. A blocking tail or a capacitance in
        series is not part of the model: mask such points.
    order : {1, 0, 2}
        Order k of the penalised derivative.
    basis : {"gaussian", "piecewise-linear"}
        Basis functions of ln τ, eight per decade.
    width : float
        Full width at half maximum of a Gaussian, in steps of the basis; 2 in most papers.
        The shape factor is μ = 2√(ln 2)/(width Δ ln τ).
    nonnegative : bool
        Whether the coefficients, and so γ, are >= 0.
    regularization : {"gcv", "mgcv", "rgcv", "lcurve", "re-im", "kf"} or float
        λ, or the criterion that selects it [2]_: generalised cross-validation [3]_, its modified or robust
        form; the corner of the L-curve [4]_; cross-validation between real and imaginary parts; or
        five-fold cross-validation.
    inductance : bool
        Whether jωL is part of the model.
    part : {"complex", "real", "imaginary"}
        Fitted part. If it does not determine R∞ or L, this follows from the other part and has no error.
    weighting : {"modulus", "unit"}
        Weights w: 1/|Z|, or 1 as in [1]_.

    Returns
    -------
    DRT
        ``regularization`` is λ. The bands are quantiles of 200 draws from the posterior distribution for
        this λ, obtained by solving problems with perturbed data and penalty [5]_; they do not include the
        bias of the penalty. ``covariance_root`` is nan where γ is zero or negative. Maxima with a prominence
        of 2 % of the highest γ are peaks; ``probability`` is the share of draws with a positive prominence.
        ``evidence`` is nan.

    Raises
    ------
    SpectrumError
        If there are too few points or an argument is invalid.

    References
    ----------
    .. [1] T. H. Wan et al., Electrochim. Acta 184 (2015) 483, doi:10.1016/j.electacta.2015.09.097
    .. [2] A. Maradesa et al., J. Electrochem. Soc. 170 (2023) 030502, doi:10.1149/1945-7111/acbca4
    .. [3] G. H. Golub, M. Heath, G. Wahba, Technometrics 21 (1979) 215,
       doi:10.1080/00401706.1979.10489751
    .. [4] P. C. Hansen, D. P. O'Leary, SIAM J. Sci. Comput. 14 (1993) 1487, doi:10.1137/0914086
    .. [5] J. M. Bardsley, C. Fox, Inverse Probl. Sci. Eng. 20 (2012) 477,
       doi:10.1080/17415977.2011.637208

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import compute_drt_tikhonov, simulate
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e6, 0.01, 81), [10, 50, 1e-4, 0.8], noise=0.002, seed=1)
    >>> drt = compute_drt_tikhonov(s, regularization="rgcv")
    >>> round(drt.R_pol)
    50
    """
    _check(spectrum, order, basis, width, regularization, part, weighting)
    # sorted, so that the result does not depend on the order of the points
    used = np.flatnonzero(spectrum.mask)
    used = used[np.argsort(spectrum.frequency[used], kind="stable")]
    matrices = matrices_of(spectrum.frequency[used], basis, float(width), order)
    unit = float(np.median(np.abs(spectrum.impedance[used])))
    z = spectrum.impedance[used] / unit
    weight = 1 / np.tile(np.abs(z), 2) if weighting == "modulus" else np.ones(2 * z.size)
    series = [R, L] if inductance else [R]
    linear = matrices.linear[:, series]
    whole = Design(
        rows=np.hstack([linear, matrices.gamma]) * weight[:, None],
        y=np.concatenate([z.real, z.imag]) * weight,
        points=np.tile(np.arange(z.size), 2),
        roughness=matrices.roughness,
        n_free=linear.shape[1],
    )
    real = np.arange(2 * z.size) < z.size
    design = whole if part == "complex" else whole.only(real if part == "real" else ~real)
    if isinstance(regularization, str):
        chosen = minimize(score_of(regularization, design, nonnegative))
    else:
        chosen = float(regularization)
    problem = Problem(design)
    x = problem.solve(chosen, nonnegative)
    n = matrices.gamma.shape[1]
    spare = max(design.y.size - problem.freedom(chosen, x), 1.0)
    sigma = math.sqrt(float(np.sum(design.residual(x) ** 2)) / spare)
    draws = problem.solve(chosen, nonnegative, sigma * _normals(design.y.size + design.roughness.shape[0]))
    model = matrices.gamma @ x[-n:]
    values, errors = np.zeros(2), np.full(2, math.nan)
    fitted = [c for c in series if part == "complex" or PARTS[1 + c] == part]
    values[fitted], errors[fitted] = x[: len(fitted)], draws[1:, : len(fitted)].std(axis=0)
    for c in set(series) - set(fitted):
        column = weight * matrices.linear[:, c]
        values[c] = column @ (whole.y - weight * model) / (column @ column)
    model = model + matrices.linear[:, [R, L]] @ values
    impedance = np.full(len(spectrum), complex(math.nan, math.nan))
    impedance[used] = unit * (model[real] + 1j * model[~real])

    grid, gammas = matrices.grid, draws[:, -n:] @ matrices.basis.T
    gamma = gammas[0]
    others = [problem.solve(chosen * factor, nonnegative)[-n:] @ matrices.basis.T for factor in (0.1, 10.0)]
    peaks = _peaks(matrices, gammas, others, unit)
    root = (gammas[1:] - gammas[1:].mean(axis=0)) / math.sqrt(DRAWS)
    error = np.maximum(np.sqrt((root**2).sum(axis=0)), 1e-300)
    joint = np.quantile((np.abs(gammas[1:] - gamma) / error).max(axis=1), 0.95) * error
    positive = gamma > NEARLY_ZERO * np.abs(gamma).max()
    low, high = np.quantile(gammas[1:], [0.025, 0.975], axis=0)
    low, high = np.minimum(low, gamma), np.maximum(high, gamma)
    joint_low = np.minimum(gamma - joint, low)
    areas = grid.fine_step * (gammas.sum(axis=1) - 0.5 * (gammas[:, 0] + gammas[:, -1]))
    noise = sigma * math.exp(-np.mean(np.log(weight * np.tile(np.abs(z), 2))))
    return DRT(
        spectrum=spectrum,
        tau=np.exp(grid.fine) / grid.unit,
        gamma=gamma * unit,
        gamma_low=low * unit,
        gamma_high=high * unit,
        joint_low=np.maximum(joint_low, 0) * unit if nonnegative else joint_low * unit,
        joint_high=np.maximum(gamma + joint, high) * unit,
        covariance_root=np.divide(root, gamma, out=np.full_like(root, math.nan), where=positive),
        R_inf=float(values[R]) * unit,
        u_R_inf=float(errors[R]) * unit,
        inductance=float(values[L]) * unit / grid.unit,
        u_inductance=float(errors[L]) * unit / grid.unit,
        inverse_capacitance=0.0,
        regularization=chosen,
        noise=noise,
        R_pol=float(areas[0]) * unit,
        u_R_pol=float(areas[1:].std()) * unit,
        peaks=tuple(peaks),
        atoms=(),
        impedance=impedance,
        evidence=math.nan,
        evidence_free=math.nan,
        model=f"Tikhonov, order {order}, {basis}",
        flags=tuple(_flags(chosen, isinstance(regularization, str), noise, peaks)),
    )


def _check(
    spectrum: Spectrum, order: int, basis: str, width: float, regularization: object, part: str, weighting: str
) -> None:
    check_points(spectrum)
    label = spectrum.label
    choices: list[tuple[str, object, tuple[object, ...]]] = [
        ("order", order, ORDERS),
        ("basis", basis, BASES),
        ("part", part, PARTS),
        ("weighting", weighting, WEIGHTINGS),
    ]
    if isinstance(regularization, int | float):
        if not 0 < regularization < math.inf:
            raise SpectrumError(f"{label}: regularization={regularization!r}; λ must be positive and finite")
    elif regularization not in CRITERIA:
        allowed = ", ".join(CRITERIA)
        raise SpectrumError(f"{label}: regularization={regularization!r}; choose {allowed}, or give a number")
    for name, value, allowed_values in choices:
        if value not in allowed_values:
            allowed = ", ".join(str(one) for one in allowed_values)
            raise SpectrumError(f"{label}: {name}={value!r}; choose {allowed}")
    if not 1 <= width <= 10:
        raise SpectrumError(f"{label}: width={width!r}; choose 1 to 10 steps")
    if regularization == "re-im" and part != "complex":
        raise SpectrumError(f"{label}: regularization='re-im' compares both parts; choose part='complex'")


@functools.lru_cache(maxsize=4)
def _normals(n: int) -> FloatArray:
    # the same draws for every spectrum, so that bands scale with the data
    return np.random.default_rng(0).standard_normal((DRAWS, n))


def _tops(gamma: FloatArray) -> list[int]:
    """Return the prominent maxima, the least prominent being dropped one by one."""
    tops = [int(k) + 1 for k in np.flatnonzero((gamma[1:-1] > gamma[:-2]) & (gamma[1:-1] >= gamma[2:]))]
    while tops:
        rises = [gamma[t] - max(gamma[a], gamma[b]) for t, (a, b) in zip(tops, _ends(gamma, tops), strict=True)]
        weakest = int(np.argmin(rises))
        if rises[weakest] >= PROMINENT * gamma.max():
            break
        del tops[weakest]
    return tops


def _ends(gamma: FloatArray, tops: list[int]) -> list[tuple[int, int]]:
    """Return the indices of the saddles on either side of each maximum."""
    bounds = [0, *tops, gamma.size - 1]
    saddles = [a + int(np.argmin(gamma[a : b + 1])) for a, b in itertools.pairwise(bounds)]
    return list(itertools.pairwise(saddles))


def _peaks(matrices: Matrices, gammas: FloatArray, others: list[FloatArray], unit: float) -> list[DRTPeak]:
    """Return the peaks of the first γ, with errors from the other rows."""
    grid, gamma = matrices.grid, gammas[0]
    h = grid.fine_step
    low, high = grid.window
    places = [grid.fine[_tops(other)] for other in others]
    tops = _tops(gamma)
    peaks = []
    for top, (left, right) in zip(tops, _ends(gamma, tops), strict=True):
        before, after = max(top - FINER, 0), min(top + FINER, gamma.size - 1)
        slope = (gammas[:, after] - gammas[:, before]) / (h * (after - before))
        bend = min((gamma[before] - 2 * gamma[top] + gamma[after]) / (0.5 * h * (after - before)) ** 2, -1e-300)
        log_tau = float(grid.fine[top] + np.clip(-slope[0] / bend, -h, h))
        area = h * (gammas[:, left : right + 1].sum(axis=1) - 0.5 * (gammas[:, left] + gammas[:, right]))
        rise = gammas[:, top] - np.maximum(gammas[:, left], gammas[:, right])
        tau = math.exp(log_tau) / grid.unit
        near = [np.abs(place - log_tau).min(initial=math.inf) < SAME_PLACE * math.log(10) for place in places]
        peaks.append(
            DRTPeak(
                tau=tau,
                u_tau=tau * float(slope[1:].std() / -bend),
                R=float(area[0]) * unit,
                u_R=float(area[1:].std()) * unit,
                height=float(gamma[top]) * unit,
                prominence=float(rise[0]) * unit,
                edge=not low <= log_tau <= high,
                persistent=all(near),
                probability=float(np.mean(rise[1:] > 0)),
                shape="free",
            )
        )
    return peaks


def _flags(regularization: float, searched: bool, noise: float, peaks: list[DRTPeak]) -> list[str]:
    flags = []
    if searched and not AT_END * SMALLEST < regularization < LARGEST / AT_END:
        flags.append(f"λ={regularization:.2g} is an end of the searched range: the criterion has no minimum")
    if noise > POOR_NOISE:
        flags.append(f"residuals of {noise:.1%} of |Z|: noisy data, or a spectrum that no γ describes")
    if any(peak.edge for peak in peaks):
        flags.append("a peak lies outside the measured window: its position and area are extrapolated")
    return flags
