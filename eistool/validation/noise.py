"""Noise of a spectrum: relative to |Z|, absolute, or both, with normal or heavy tails."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eistool.display import Tabular, plain
from eistool.kernels.noise import fit_tails
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import ComplexArray, FloatArray
from eistool.validation.smooth_ladder import SMALLEST_SHARE, fit_smoothly, ladder_rows

FEWEST = 12  # points: of fewer, noise is taken as relative to |Z|
EVIDENCE = 6.0  # ΔBIC, for each departure from normal noise relative to |Z|
NARROWEST = 2.0  # ratio of the largest |Z| to the smallest: below, absolute and relative noise are the same
CROSSINGS = 9  # trial values of sigma_absolute / sigma_relative
DOF = np.array([2.0, 3.0, 4.0, 6.0, 10.0])  # of Student's t
SCALE_STEPS = 10
PASSES = 3  # of fits, each with the noise of the one before
ACCURACY = 0.001  # of |Z|: noise below it is no reason to depart from the default
LEAST = 1e-18  # of |Z|²: rounding


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NoiseModel(Tabular):
    """Noise as the residuals of smooth ladders show it, from :func:`choose_weighting`.

    Attributes
    ----------
    kind : {"modulus", "unit", "mixture"}
        Variance of each part: sigma_relative² |Z|², sigma_absolute², or their sum.
    sigma_absolute, sigma_relative : float
        In ohm, and relative to |Z|; 0 where the kind has none.
    dof : float or None
        Degrees of freedom of Student's t, if tails are heavy.
    sigma : FloatArray, shape (n_freq,)
        Standard deviation of real and imaginary part in ohm (of heavy tails, the scale).
    robust_weight : FloatArray, shape (n_freq,)
        Factor on the weight of a point, (ν + 2)/(ν + r²) with heavy tails; 1 with normal ones.
    evidence : float
        By how much the Bayesian criterion is lower than that of normal noise relative to |Z|.
    """

    kind: str
    sigma_absolute: float
    sigma_relative: float
    dof: float | None
    sigma: FloatArray
    robust_weight: FloatArray
    evidence: float

    @property
    def name(self) -> str:
        """Kind and tails in a word or two, for tables."""
        return self.kind if self.dof is None else f"{self.kind}, robust (t, {self.dof:g} dof)"

    @property
    def standard_deviation(self) -> ComplexArray:
        """Divisors of the real and the imaginary residuals of a fit, in ohm, shape (n_freq,)."""
        return np.asarray(self.sigma / np.sqrt(self.robust_weight) * (1 + 1j), dtype=np.complex128)

    def with_noise(self, spectrum: Spectrum) -> Spectrum:
        """Return the spectrum with these standard deviations, for ``weighting="noise"``."""
        note = f"noise from its scatter: {self.name}"
        return replace(spectrum, noise=self.standard_deviation, notes=(*spectrum.notes, note))

    def to_dict(self) -> dict[str, Any]:
        """Return kind, figures and standard deviations as plain Python objects."""
        names = ("kind", "sigma_absolute", "sigma_relative", "dof", "evidence")
        as_dict: dict[str, Any] = plain({name: getattr(self, name) for name in names})
        return {**as_dict, "standard_deviation": self.standard_deviation.real.tolist()}

    def __repr__(self) -> str:
        parts = []
        if self.sigma_relative:
            parts.append(f"{self.sigma_relative:.2%} of |Z|")
        if self.sigma_absolute:
            parts.append(f"{self.sigma_absolute:.3g} Ω")
        return f"NoiseModel({self.name}: {' and '.join(parts)}, ΔBIC {self.evidence:.3g})"


def choose_weighting(spectrum: Spectrum) -> NoiseModel:
    """Find how the noise of a spectrum depends on |Z|, and whether its tails are heavy.

    Parameters
    ----------
    spectrum : Spectrum
        Points in any order; masked ones have no influence, but get a standard deviation too.

    Returns
    -------
    NoiseModel
        ``modulus`` with normal tails, unless each departure from it lowers the Bayesian criterion by more than 6.

    Raises
    ------
    SpectrumError
        If the argument is not a Spectrum.

    Notes
    -----
    Ladders of RC elements with a prior are fitted to the real and to the imaginary part apart, so that a violation
    of the Kramers-Kronig relations is not taken for noise. A residual counts as much as its share that the fit
    left to the point (as in restricted maximum likelihood [1]_). Heavy tails are those of a bivariate t
    distribution [2]_, in which both parts of a point share a factor. Noise below 0.1 % of |Z| is not evidence
    against the default.

    References
    ----------
    .. [1] H. D. Patterson, R. Thompson, Biometrika 58 (1971) 545, doi:10.1093/biomet/58.3.545
    .. [2] K. L. Lange, R. J. A. Little, J. M. G. Taylor, J. Am. Stat. Assoc. 84 (1989) 881,
       doi:10.1080/01621459.1989.10478852

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import simulate
    >>> from eistool.validation import choose_weighting
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e5, 0.1, 61), [10, 50, 1e-4, 0.8], noise=0.005, seed=1)
    >>> choose_weighting(s).kind
    'modulus'
    """
    check_spectrum(spectrum)
    used = np.flatnonzero(spectrum.mask)
    size = np.abs(spectrum.impedance)
    crossings, shapes = _shapes(size[used])
    rows = ladder_rows(spectrum.omega[used], spectrum.impedance[used])
    choice = _Choice(0, None, 0.0, 0.0, np.ones(used.size))
    for _ in range(PASSES):
        sigma = shapes[choice.shape] / np.sqrt(choice.robust_weight)
        fits = [fit_smoothly(rows.scaled(sigma).part(part)) for part in (0, 1)]
        residual = np.hstack([fit.residual for fit in fits]) * sigma[:, None]
        left = np.clip(1 - np.hstack([fit.leverage for fit in fits]), SMALLEST_SHARE, 1)
        before, choice = choice, _choose(residual, left, shapes)
        if (before.shape, before.dof) == (choice.shape, choice.dof):
            break
    robust_weight = np.ones(len(spectrum))
    robust_weight[used] = choice.robust_weight
    crossing = float(crossings[choice.shape])
    if math.isinf(crossing):
        absolute, relative = choice.scale * float(shapes[choice.shape, 0] * size[used[0]]), 0.0
    else:
        absolute, relative = choice.scale * crossing, choice.scale
    kind = "modulus" if not absolute else "mixture" if relative else "unit"
    sigma = np.hypot(absolute, relative * size)
    return NoiseModel(kind, absolute, relative, choice.dof, sigma, robust_weight, choice.evidence)


def _shapes(size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sigma_absolute / sigma_relative, and sigma relative to |Z| but for a factor, shape (n_shapes, n).

    Relative noise comes first, absolute noise second.
    """
    if size.size < FEWEST or size.max() < NARROWEST * size.min():
        return np.zeros(1), np.ones((1, size.size))
    between = np.exp(np.linspace(math.log(size.min()), math.log(size.max()), CROSSINGS + 2)[1:-1])
    absolute = math.exp(np.log(size).mean()) / size
    shapes = np.vstack([np.ones(size.size), absolute, np.hypot(1, between[:, None] / size)])
    return np.concatenate([[0.0, math.inf], between]), shapes


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """Place of the shape, degrees of freedom, a factor on the shape, ΔBIC, and weights of the points."""

    shape: int
    dof: float | None
    scale: float
    evidence: float
    robust_weight: FloatArray


def _choose(residual: FloatArray, left: FloatArray, shapes: FloatArray) -> _Choice:
    """Choose shape and tails from residuals relative to |Z|, shape (n, 2), and the shares left to them."""
    square = np.sum(residual**2 / left, axis=1)
    share = left.mean(axis=1)
    doubtful = square + 2 * ACCURACY**2
    criterion, variance = _criterion(doubtful, share, shapes)
    departures = np.zeros(criterion.shape)
    departures[1:] += 1
    departures[:, 1:] += 1
    most = DOF.size + 1 if square.size >= FEWEST else 1
    shape, tail = np.unravel_index(np.argmin((criterion + EVIDENCE * departures)[:, :most]), (len(shapes), most))
    own_criterion, own_variance = _criterion(square, share, shapes if shape else shapes[:1])
    if shape:  # unit or mixture: the floor of the instrument's accuracy would turn one into the other
        shape = 1 + np.argmin(own_criterion[1:, 1:].min(axis=1) if tail else own_criterion[1:, 0])
    evidence = float(criterion[0, 0] - criterion[shape, tail])
    if not tail:
        return _Choice(int(shape), None, math.sqrt(own_variance[shape, 0]), evidence, np.ones(square.size))
    tail = 1 + np.argmin(criterion[shape, 1:])
    dof, scale = float(DOF[tail - 1]), float(variance[shape, tail])
    weight = (dof + 2) / (dof + doubtful / shapes[shape] ** 2 / scale)
    return _Choice(int(shape), dof, math.sqrt(scale), evidence, weight)


def _criterion(square: FloatArray, share: FloatArray, shapes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the Bayesian criterion of normal and of t noise with each of DOF, and the variances.

    Parameters
    ----------
    square : FloatArray, shape (n,)
        Sum over both parts, each as large as its noise.
    share : FloatArray, shape (n,)
        How much of a point counts.
    shapes : FloatArray, shape (n_shapes, n)

    Returns
    -------
    FloatArray, shape (n_shapes, 1 + n_dof), twice
    """
    count = 2 * float(share.sum())
    relative = square / shapes**2
    variance, tails = np.empty((len(shapes), DOF.size + 1)), np.empty((len(shapes), DOF.size))
    variance[:, 0] = np.maximum(relative @ share / count, LEAST)
    fit_tails(relative, share, DOF, count, LEAST, SCALE_STEPS, variance, tails)
    # of each point -2 ln likelihood, without ln 2π
    criterion = count * np.log(variance)
    criterion[:, 0] += count
    criterion[:, 1:] += tails + math.log(count)
    criterion += 4 * (np.log(shapes) @ share)[:, None]
    criterion[2:] += math.log(count)
    return criterion, variance
