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
MOST = 300.0  # of |ln| that still has an exponential
LEVEL_DEGREE, POINTS_PER_DEGREE = 10, 4  # of the polynomial that smooths ln |Z|


@dataclass(frozen=True, slots=True, eq=False)
class MisfitBasis:
    """Shapes of misfit at some frequencies, relative to |Z|; see :func:`misfit_basis`."""

    log_omega: FloatArray  # shape (n_points,)
    order: IntArray  # of the points with descending omega
    smooth: FloatArray  # shape (n_points, k): orthonormal polynomials of log_omega
    nodes: FloatArray  # ln tau of the distribution
    relaxations: ComplexArray  # shape (n_nodes, n_points)
    distributions: tuple[FloatArray, ...]  # deviations, each of shape (m, n_nodes)
    leads: ComplexArray  # shape (n_leads, n_points)
    spectra: tuple[FloatArray, ...]  # deviations of both parts, each of shape (m, 2 n_points)
    first: IntArray  # of the columns of each shape, and their number

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
        relaxations = _stacked(self.relaxations) * at_nodes[:, None] * weight
        leads = _stacked(self.leads) * modulus[self.order[0]] * weight
        rows = [row for root in self.distributions for row in (root @ relaxations, leads)]
        rows += [root * (np.tile(level, 2) * weight) for root in self.spectra]
        size = int(self.first[-1])
        effect = np.zeros((size, self.nodes.size))
        for root, i in zip(self.distributions, self.first, strict=False):
            effect[i : i + len(root)] = root * at_nodes
        found = MisfitModes(self, weight, scale, np.concatenate(rows), np.empty(size), np.empty(size), effect)
        for i, j in itertools.pairwise(self.first):
            misfit.tridiagonalise(found.rows[i:j], effect[i:j], found.diagonal[i:j], found.beside[i:j])
        return found


@dataclass(frozen=True, slots=True, eq=False)
class MisfitModes:
    """Shapes of misfit for one spectrum and weighting, for any number of circuits.

    The m weighted columns Φ of all shapes are turned by an orthogonal Q such that QᵀΦᵀΦQ = T is
    tridiagonal within each shape; see :mod:`eistool.kernels.misfit`.
    """

    basis: MisfitBasis
    weight: FloatArray  # shape (2 n_points,), in 1/ohm: |Z| times it is 1 in the quadratic mean
    scale: float  # weights of the fit by these
    rows: FloatArray  # shape (m, 2 n_points): QᵀΦᵀ
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

    def _power(self, log_omega: FloatArray) -> ComplexArray:
        log_size = self.alpha[:, None] * (log_omega + np.log(np.maximum(self.tau, 1e-300))[:, None])
        power: ComplexArray = np.exp(np.clip(log_size, -MOST, MOST) + 0.5j * np.pi * self.alpha[:, None])
        return power

    def skewness(self, log_omega: FloatArray) -> ComplexArray:
        """Return dZ/d ln β of R/(1 + (jωτ)^α)^β [1]_ at β = 1, shape (k, n).

        References
        ----------
        .. [1] S. Havriliak, S. Negami, Polymer 8 (1967) 161, doi:10.1016/0032-3861(67)90021-3
        """
        x = self._power(log_omega)
        skewness: ComplexArray = -self.R[:, None] * np.log(1 + x) / (1 + x)
        return skewness

    def shares(self, log_tau: FloatArray) -> FloatArray:
        """Return each arc's part in the distribution, by the heights at ω = 1/τ, shape (k, n_nodes)."""
        height = -(self.R[:, None] / (1 + self._power(-log_tau))).imag
        shares: FloatArray = height / np.maximum(np.maximum(self.height, height.sum(axis=0)), 1e-300)
        return shares


@dataclass(frozen=True, slots=True, eq=False)
class Misfit:
    """How far a fit may be from the truth, given that its circuit may be wrong.

    Attributes
    ----------
    covariance : FloatArray, shape (p + 1 + k, p + 1 + k)
        Second moments of the steps of the parameters, then, in ohm, of what the misfit adds to the resistance
        to direct current and to each arc: noise, misfit, and the step that the misfit would cause.
    noise_covariance : FloatArray, shape (p, p)
        Of the steps if the circuit were exact.
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

    covariance: FloatArray
    noise_covariance: FloatArray
    log_evidence: float
    p_exact: float
    amplitude: float
    sigma: float

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
        p = derivative.size
        g = np.concatenate([derivative, np.zeros(len(self.covariance) - p)])
        apart = float(g @ self.covariance @ g)
        g[p] = direct_current
        g[[p + 1 + k for k in arcs]] = 1.0
        together = float(g @ self.covariance @ g)
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
    sizes = [len(root) + len(LEADS) for root in roots] + [2 * len(root) for root in parts]
    return MisfitBasis(
        log_omega=np.log(omega),
        order=order,
        smooth=np.linalg.qr(chebyshev)[0],
        nodes=nodes,
        relaxations=1 / (1 + 1j * np.outer(np.exp(nodes), omega)),
        distributions=tuple(roots),
        leads=LEAD_SIZE * (1 + np.exp(low - leads))[:, None] * x / (1 + x),
        spectra=tuple(np.kron(np.eye(2), root).astype(np.float64) for root in parts),
        first=np.cumsum([0, *sizes]).astype(np.int64),
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
    rows, diagonal, beside, first = modes.rows, modes.diagonal, modes.beside, modes.basis.first
    shares = np.ones((1, modes.basis.nodes.size))
    effect = modes.effect
    if arcs is not None and arcs.R.size:
        k = arcs.R.size
        own = np.ascontiguousarray(_stacked(SKEWNESS * arcs.skewness(modes.basis.log_omega)) * modes.weight)
        nothing, own_diagonal, own_beside = np.zeros((k, shares.size)), np.empty(k), np.empty(k)
        misfit.tridiagonalise(own, nothing, own_diagonal, own_beside)
        rows, effect = np.concatenate([rows, own]), np.concatenate([effect, nothing])
        diagonal, beside = np.append(diagonal, own_diagonal), np.append(beside, own_beside)
        first = np.append(first, first[-1] + k)
        shares = np.concatenate([shares, arcs.shares(modes.basis.nodes)])
    n_shapes, size = first.size - 1, p + len(shares)
    covariance, noise_covariance = np.empty((size, size)), np.empty((p, p))
    log_evidence, exact, amplitude, sigma = misfit.assess(
        _stacked(residual) * modes.weight,
        np.ascontiguousarray(_stacked(jacobian.T) * modes.weight),
        np.ascontiguousarray(prior, dtype=np.float64),
        rows, diagonal, beside, np.ascontiguousarray(shares @ effect.T), first,
        np.full(n_shapes, (1 - p_exact) / n_shapes), RHO, TYPICAL,
        1 / modes.scale**2 if measured else LEAST_VARIANCE, covariance, noise_covariance,
    )  # fmt: skip
    return Misfit(covariance, noise_covariance, log_evidence - PRICE * p, exact, amplitude, sigma)
