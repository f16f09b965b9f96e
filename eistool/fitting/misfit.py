"""Errors that hold noise and misfit: the covariance of a fit whose circuit is a little wrong.

No circuit is exact. The weighted residuals of a fit are taken as

    r = JΔ + Φc + ε,    ε ~ N(0, σ²),    c ~ N(0, a²),    Δ ~ N(0, prior),

where JΔ is what other values of the parameters would do, ε is noise, and Φc is a misfit of relative amplitude
a [1]_. Shapes Φ and amplitudes are averaged over by their evidence, with a prior probability that there
is no misfit. The shapes are smooth deviations of the distribution of relaxation times, which are an
impedance themselves and may act on resistances; smooth deviations of the real and the imaginary part;
and skewness of the circuit's own arcs. The values of the fit stay: the step that they would make if the
misfit were fitted too is a part of their error.

References
----------
.. [1] M. C. Kennedy, A. O'Hagan, J. R. Stat. Soc. B 63 (2001) 425, doi:10.1111/1467-9868.00294
"""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eistool.errors import FitError
from eistool.kernels import misfit
from eistool.typing import ComplexArray, FloatArray, IntArray

DISTRIBUTION_SCALES = 0.3, 0.8  # decades of tau
SPECTRUM_SCALES = 0.4, 1.0  # decades of frequency
SKEWNESS = 10.0  # standard deviation of an arc's skewness ln β by the amplitude of the misfit
RHO = 2.0 ** np.arange(-2, 7)  # amplitude of the misfit by that of the noise
TYPICAL = 0.02  # scale of the half-Cauchy prior of the amplitude
P_EXACT = 0.6  # prior probability that the circuit is exact; the rest evenly for each shape
P_BELONGS = 0.75  # probability that a deviation of the distribution at an arc is a part of it
PRICE = 1.0  # of a parameter, in ln of the prior of its circuit
PRIOR = {"resistance": 3.0, "exponent": 0.15}  # standard deviations of ln R and of an exponent
AMPLITUDES = "resistance", "inductance"  # Z is linear in them
OTHER_PRIOR = 5.0  # of the logarithm of anything else
LEAST_VARIANCE = 1e-10  # of the noise relative to |Z|: data are not exact beyond 1e-5
LEAST_STEP = 0.1  # effect of a step of an amplitude, relative to |Z|
STEP, BEYOND = 0.2, 0.5  # decades: between nodes of the distribution, and of them beyond the window
LEADS = np.arange(-1.0, 0.61, 0.4)  # decades of tau from the upper edge of the window
LEAD_SIZE = 0.3  # of |Z| at the upper edge
SMALLEST = 1e-5  # of a direction's variance by the largest
LEVEL_DEGREE, POINTS_PER_DEGREE = 10, 4  # of the polynomial that smooths ln |Z|


@dataclass(frozen=True, slots=True, eq=False)
class MisfitBasis:
    """Shapes of misfit at some frequencies, relative to |Z|; see :func:`misfit_basis`."""

    log_omega: FloatArray  # shape (n_points,)
    order: IntArray  # of the points with descending omega
    smooth: FloatArray  # shape (n_points, k): orthonormal polynomials of log_omega
    nodes: FloatArray  # ln tau of the distribution
    relaxations: FloatArray  # shape (n_nodes, 2 n_points)
    distributions: tuple[FloatArray, ...]  # deviations, each of shape (m, n_nodes)
    leads: FloatArray  # shape (n_leads, 2 n_points)
    spectra: tuple[FloatArray, ...]  # deviations of both parts, each of shape (m, 2 n_points)
    first: IntArray  # of the columns of each shape, and their number
    blocks: IntArray  # likewise of columns that share residuals: both parts of a spectrum deviate on their own

    def modes(self, impedance: ComplexArray, deviation: ComplexArray) -> "MisfitModes":
        """Return the shapes for a spectrum and a weighting.

        Parameters
        ----------
        impedance : ComplexArray, shape (n_points,)
            In ohm, in the order of the basis's frequencies.
        deviation : ComplexArray, shape (n_points,)
            What real and imaginary residuals are divided by, in ohm:
            :func:`eistool.fitting.weights.standard_deviation`.
        """
        modulus = np.abs(impedance)
        # divisors of the residuals hold noise, which all columns have to share: exact ones would explain it
        level = np.exp(self.smooth @ (self.smooth.T @ np.log(modulus)))
        weight = np.concatenate([1 / deviation.real, 1 / deviation.imag])
        scale = math.sqrt(float(np.mean((np.tile(modulus, 2) * weight) ** 2)))
        weight /= scale
        at_nodes = np.exp(np.interp(self.nodes, -self.log_omega[self.order], np.log(modulus[self.order])))
        relaxations = self.relaxations * at_nodes[:, None] * weight
        leads = self.leads * modulus[self.order[0]] * weight
        deviations = [row for root in self.distributions for row in (root @ relaxations, leads)]
        rows = np.concatenate([*deviations, *(root * (np.tile(level, 2) * weight) for root in self.spectra)])
        size = len(rows)
        effect = np.zeros((size, self.nodes.size))
        for root, i in zip(self.distributions, self.first, strict=False):
            effect[i : i + len(root)] = root * at_nodes
        reflectors = np.empty((size, int(np.diff(self.blocks).max())))
        diagonal, beside = np.empty(size), np.empty(size)
        for i, j in itertools.pairwise(self.blocks):
            misfit.tridiagonalise(rows[i:j], reflectors[i:j], diagonal[i:j], beside[i:j])
        return MisfitModes(self, weight, scale, rows, reflectors, diagonal, beside, effect)


@dataclass(frozen=True, slots=True, eq=False)
class MisfitModes:
    """Shapes of misfit for one spectrum and weighting, for any number of circuits.

    For the m weighted columns Φ of all shapes, an orthogonal Q makes QᵀΦᵀΦQ = T tridiagonal within each block of
    columns; see :mod:`eistool.kernels.misfit`.
    """

    basis: MisfitBasis
    weight: FloatArray  # shape (2 n_points,), in 1/ohm: |Z| times it is 1 in the quadratic mean
    scale: float  # weights of the fit by these
    rows: FloatArray  # shape (m, 2 n_points): Φᵀ
    reflectors: FloatArray  # Q of each block
    diagonal: FloatArray  # shape (m,), of T
    beside: FloatArray  # shape (m,), of T
    effect: FloatArray  # shape (m, n_nodes), of the columns on the distribution at its nodes, in ohm


@dataclass(frozen=True, slots=True, eq=False)
class Arcs:
    """The k arcs of a circuit, Z = R/(1 + (jωτ)^α)."""

    R: FloatArray  # ohm, shape (k,)
    tau: FloatArray  # s, shape (k,)
    alpha: FloatArray  # shape (k,)
    height: FloatArray  # ohm, shape (n_nodes,): -Im Z of the whole circuit at ω = 1/τ of the basis's nodes

    def skewness(self, log_omega: FloatArray, weight: FloatArray) -> FloatArray:
        """Return the weighted dZ/d ln β of R/(1 + (jωτ)^α)^β [1]_ at β = 1, times its size, shape (k, 2 n).

        References
        ----------
        .. [1] S. Havriliak, S. Negami, Polymer 8 (1967) 161, doi:10.1016/0032-3861(67)90021-3
        """
        columns = np.empty((self.R.size, weight.size))
        misfit.skew(self.R, self.tau, self.alpha, log_omega, weight, SKEWNESS, columns)
        return columns

    def shares(self, log_tau: FloatArray) -> FloatArray:
        """Return each arc's part in the distribution, by the heights at ω = 1/τ, shape (k, n_nodes)."""
        log_size = self.alpha[:, None] * (np.log(np.maximum(self.tau, 1e-300))[:, None] - log_tau)
        power = np.exp(np.clip(log_size, -misfit.MOST, misfit.MOST) + 0.5j * np.pi * self.alpha[:, None])
        height = -(self.R[:, None] / (1 + power)).imag
        shares: FloatArray = height / np.maximum(np.maximum(self.height, height.sum(axis=0)), 1e-300)
        return shares


NO_ARCS = Arcs(np.empty(0), np.empty(0), np.empty(0), np.zeros(1))


@dataclass(frozen=True, slots=True, eq=False)
class Misfit:
    """How far a fit may be from the truth, given that its circuit may be wrong.

    Attributes
    ----------
    log_evidence : float
        Of the circuit, averaged over shapes and amplitudes, less 1 for each parameter; it compares circuits
        for one spectrum, weighting and mask.
    p_exact : float
        Probability that there is no misfit.
    amplitude : float
        Mean standard deviation of the misfit relative to |Z|.
    sigma : float
        Mean standard deviation of the noise relative to |Z|, of each part.
    """

    log_evidence: float
    p_exact: float
    amplitude: float
    sigma: float
    _modes: MisfitModes
    _arcs: Arcs
    _weighed: tuple[Any, ...]  # leading arguments of the kernel that averages moments

    def covariance(self) -> FloatArray:
        """Return the second moments of the steps, and of what the misfit adds to resistances.

        Shape (p + 1 + k, p + 1 + k): the steps of the parameters, then, in ohm, the resistance to direct current
        and that of each arc. They hold noise, misfit, and the step that the misfit would cause.
        """
        unit, gram, seen, *models = self._weighed
        modes, p = self._modes, unit.size
        shares = np.ones((1 + self._arcs.R.size, modes.basis.nodes.size))
        shares[1:] = self._arcs.shares(modes.basis.nodes)
        effects = np.empty((len(modes.rows), len(shares)))
        misfit.project(shares, modes.effect, modes.basis.blocks, modes.reflectors, effects)
        r = p + 1 + len(shares)
        products, with_effects, covariance = np.zeros((r, r)), np.zeros((len(seen), r)), np.empty((r - 1, r - 1))
        products[: p + 1, : p + 1], with_effects[:, : p + 1] = gram, seen
        with_effects[: len(effects), p + 1 :] = effects
        misfit.average_moments(unit, products, with_effects, *models, covariance)
        return covariance

    def uncertainty(self, derivative: FloatArray, direct_current: bool = False, arcs: Sequence[int] = ()) -> float:
        """Return the standard uncertainty of a quantity.

        Parameters
        ----------
        derivative : FloatArray, shape (p,)
            By the steps: R for a resistance that is a parameter.
        direct_current : bool
            Whether it is the limit of Z at zero frequency, to which all of the misfit adds.
        arcs : sequence of int
            Arcs whose R it is, or holds, by their place in :class:`Arcs`. The misfit near them is a part of
            them with a probability of 3/4, and of something else otherwise.
        """
        p, covariance = derivative.size, self.covariance()
        g = np.concatenate([derivative, np.zeros(len(covariance) - p)])
        apart = float(g @ covariance @ g)
        g[p] = direct_current
        g[[p + 1 + k for k in arcs]] = 1.0
        together = float(g @ covariance @ g)
        variance = P_BELONGS * together + (1 - P_BELONGS) * apart if len(arcs) else together
        return math.sqrt(max(variance, 0.0))


def misfit_basis(frequency: FloatArray) -> MisfitBasis:
    """Return the shapes of misfit at some frequencies; the same object for the same frequencies.

    Parameters
    ----------
    frequency : FloatArray, shape (n_points,)
        In Hz, in any order.

    Notes
    -----
    The distribution deviates by δγ(ln τ) with an amplitude |Z(ω = 1/τ)| and a Gaussian correlation over
    lg τ, such that its integral over a decade is of the order of a|Z|. Leads may deviate by
    jωτ/(1 + jωτ), with τ about the upper edge of the window.

    Examples
    --------
    >>> frequency = np.geomspace(1, 1e5, 51)
    >>> misfit_basis(frequency) is misfit_basis(frequency.copy())
    True
    """
    return _basis(np.ascontiguousarray(frequency, dtype=np.float64).tobytes())


@functools.lru_cache(maxsize=64)
def _basis(frequency: bytes) -> MisfitBasis:
    omega = 2 * np.pi * np.frombuffer(frequency)
    decade = math.log(10)
    order = np.argsort(-omega, kind="stable")
    low, high = -np.log(omega[order[0]]), -np.log(omega[order[-1]])
    nodes = np.arange(low - BEYOND * decade, high + (BEYOND + 1e-9) * decade, STEP * decade)
    leads = low + LEADS * decade
    x = 1j * np.outer(np.exp(leads), omega)
    # the integral of a deviation over a decade is of the order of its amplitude
    roots = [
        _root(nodes / decade, scale, STEP * decade / math.sqrt(2.5 * scale * decade))
        for scale in DISTRIBUTION_SCALES
    ]
    parts = [_root(np.log10(omega), scale) for scale in SPECTRUM_SCALES]
    place = (np.log(omega) + 0.5 * (low + high)) / max(0.5 * (high - low), SMALLEST)
    chebyshev = np.polynomial.chebyshev.chebvander(place, min(LEVEL_DEGREE, omega.size // POINTS_PER_DEGREE))
    wide, narrow = [len(root) + len(LEADS) for root in roots], [len(root) for root in parts]
    return MisfitBasis(
        log_omega=np.log(omega),
        order=order,
        smooth=np.linalg.qr(chebyshev)[0],
        nodes=nodes,
        relaxations=_stacked(1 / (1 + 1j * np.outer(np.exp(nodes), omega))),
        distributions=tuple(roots),
        leads=_stacked(LEAD_SIZE * (1 + np.exp(low - leads))[:, None] * x / (1 + x)),
        spectra=tuple(np.kron(np.eye(2), root).astype(np.float64) for root in parts),
        first=np.cumsum([0, *wide, *(2 * size for size in narrow)]),
        blocks=np.cumsum([0, *wide, *np.repeat(narrow, 2)]),
    )


def _root(x: FloatArray, scale: float, size: float = 1.0) -> FloatArray:
    """Return K with KᵀK a Gaussian covariance over x, without directions of next to no weight."""
    values, vectors = np.linalg.eigh(np.exp(-0.5 * ((x[:, None] - x) / scale) ** 2))
    kept = values > SMALLEST * values[-1]
    root: FloatArray = size * (vectors[:, kept] * np.sqrt(values[kept])).T
    return root


def _stacked(array: ComplexArray) -> FloatArray:
    """Return real and then imaginary parts along the last axis."""
    return np.concatenate([array.real, array.imag], axis=-1)


def prior_of(kinds: Sequence[str]) -> FloatArray:
    """Return the prior standard deviations of the steps of parameters of these kinds.

    A step is that of the logarithm of a positive parameter, and of an exponent itself; see :func:`steps_of`.

    Examples
    --------
    >>> prior_of(["resistance", "cpe", "exponent"]).tolist()
    [3.0, 5.0, 0.15]
    """
    return np.array([PRIOR.get(kind, OTHER_PRIOR) for kind in kinds])


def steps_of(
    kinds: Sequence[str], values: FloatArray, derivatives: ComplexArray, impedance: ComplexArray
) -> FloatArray:
    """Return how far a unit step takes each parameter, dp/dΔ.

    That is p for a positive parameter, and 1 for an exponent. The data may drive a resistance or an inductance to
    zero or to infinity, where its logarithm has no effect: its step is one of 10 % of |Z| at least.

    Parameters
    ----------
    kinds : sequence of str
        Of the free parameters.
    values : FloatArray, shape (p,)
        In their own units.
    derivatives : ComplexArray, shape (n_points, p)
        dZ/dp in their own units.
    impedance : ComplexArray, shape (n_points,)
        In ohm.

    Examples
    --------
    >>> derivatives, impedance = np.array([[1.0 + 0j, -3 + 2j]]), np.array([50.0 + 0j])
    >>> steps_of(["resistance", "exponent"], np.array([1e-9, 0.8]), derivatives, impedance).tolist()
    [5.0, 1.0]
    """
    effect = np.max(np.abs(derivatives) / np.abs(impedance)[:, None], axis=0)
    amplitude = np.isin(kinds, AMPLITUDES)
    least = LEAST_STEP / np.where(amplitude & (effect > 1e-100), effect, np.inf)
    steps: FloatArray = np.where(np.array(kinds) == "exponent", 1.0, np.maximum(values, least))
    return steps


def assess_misfit(
    residual: ComplexArray,
    jacobian: ComplexArray,
    prior: FloatArray,
    modes: MisfitModes,
    arcs: Arcs | None = None,
    measured: bool = False,
    p_exact: float = P_EXACT,
) -> Misfit:
    """Return the errors of a fit with those of its circuit, and the circuit's evidence.

    Parameters
    ----------
    residual : ComplexArray, shape (n_points,)
        Z - Z_fit in ohm, of the points used.
    jacobian : ComplexArray, shape (n_points, p)
        dZ_fit/dΔ in ohm, of the free parameters: by the logarithm of positive ones, by exponents themselves.
    prior : FloatArray, shape (p,)
        Standard deviations of the steps Δ: :func:`prior_of`.
    modes : MisfitModes
        Shapes of misfit for this spectrum and weighting: :meth:`MisfitBasis.modes`.
    arcs : Arcs, optional
        Arcs of the circuit, which may be skewed, and whose resistances are of interest.
    measured : bool
        Whether ``deviation`` of the modes was measured noise, so that σ² is max(1, reduced χ²) rather than
        estimated.
    p_exact : float
        Prior probability that the circuit is exact.

    Returns
    -------
    Misfit

    Raises
    ------
    FitError
        If shapes do not agree, there are no more residuals than parameters, or a number is not finite.

    Notes
    -----
    For each shape and each ρ = a/σ = 2⁻², …, 2⁶, with M = [J Φ], D = diag(prior/s; ρ), s² the reduced χ²
    of the fit and A = 1 + DMᵀMD:

        x = DA⁻¹DMᵀr,  S = rᵀr - rᵀMx,  σ² = S/(n - p),
        ln evidence = ln prior - n/2 ln S - 1/2 ln |A|,  u² = σ² gᵀDA⁻¹Dg + (gᵀx)².

    u² is averaged with the evidence. The prior of a is half-Cauchy with a scale of 0.02 [1]_.

    References
    ----------
    .. [1] A. Gelman, Bayesian Anal. 1 (2006) 515, doi:10.1214/06-BA117A

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import fit, simulate
    >>> spectrum = simulate("R0-p(R1,C1)", np.geomspace(1, 1e5, 51), [10, 100, 1e-5], noise=0.003, seed=1)
    >>> result = fit(spectrum, "R0-p(R1,C1)")
    >>> modes = misfit_basis(spectrum.frequency).modes(spectrum.impedance, abs(spectrum.impedance) * (1 + 1j))
    >>> jacobian = result.circuit.jacobian(spectrum.frequency, result.values) * result.values
    >>> misfit = assess_misfit(spectrum.impedance - result.impedance, jacobian, np.full(3, 3.0), modes)
    >>> 1 < misfit.uncertainty(np.array([10, 0, 0])) / float(result.stderr[0]) < 1.2
    True
    """
    n, p = jacobian.shape
    if not (residual.shape == (n,) and prior.shape == (p,) and 2 * n == modes.weight.size):
        raise FitError(
            f"misfit: residual {residual.shape}, jacobian {jacobian.shape}, prior {prior.shape}, "
            f"modes of {modes.weight.size // 2} points; expected (n,), (n, p), (p,) and n points"
        )
    if 2 * n <= p:
        raise FitError(f"misfit: {n} points for {p} parameters; use more points")
    if not (np.isfinite(residual).all() and np.isfinite(jacobian).all()):
        raise FitError("misfit: residual or jacobian is not finite; give those of a fit that converged")
    arcs = NO_ARCS if arcs is None else arcs
    basis, m, k = modes.basis, len(modes.rows), arcs.R.size
    first = np.append(basis.first, m + k) if k else basis.first
    residuals = _stacked(residual) * modes.weight
    least = 1 / modes.scale**2 if measured else LEAST_VARIANCE
    unit = prior / math.sqrt(max(float(residuals @ residuals) / (2 * n - p), least))
    data = np.empty((p + 1, 2 * n))
    data[:p], data[p] = _stacked(jacobian.T) * modes.weight * unit[:, None], residuals
    own, reflectors = arcs.skewness(basis.log_omega, modes.weight), np.empty((k, k))
    diagonal, beside = np.append(modes.diagonal, np.empty(k)), np.append(modes.beside, np.empty(k))
    misfit.tridiagonalise(own, reflectors, diagonal[m:], beside[m:])
    seen, gram = np.empty((m + k, p + 1)), np.empty((p + 1, p + 1))
    misfit.project(data, modes.rows, basis.blocks, modes.reflectors, seen[:m])
    misfit.project(data, own, np.array([0, k]), reflectors, seen[m:])
    n_shapes = first.size - 1
    chances = np.full(n_shapes, (1 - p_exact) / n_shapes)
    share, sigma = np.empty((2, 1 + n_shapes * RHO.size))
    log_evidence, exact, amplitude, noise = misfit.weigh(
        data, seen, first, diagonal, beside, chances, RHO, TYPICAL, least, gram, share, sigma
    )
    weighed = (unit, gram, seen, first, diagonal, beside, RHO, share, sigma)
    return Misfit(log_evidence - PRICE * p, exact, amplitude, noise, modes, arcs, weighed)
