"""Errors that hold noise and misfit: the covariance of a fit whose circuit is a little wrong.

No circuit is exact. The weighted residuals of a fit are taken as

    r = JΔ + Φc + ε,    ε ~ N(0, σ²),    c ~ N(0, a²),    Δ ~ N(0, prior),

where JΔ is what other values of the parameters would do, ε is noise, and Φc is a smooth misfit of relative
amplitude a. Four shapes Φ are averaged over by their evidence, and so is a: a smooth deviation of the
distribution of relaxation times, which is an impedance itself and may act on the resistance to direct
current, and smooth deviations of the real and the imaginary part, each with a short and a long scale [1]_.
The values of the fit stay; the step that they would make if the misfit were fitted too is a part of
their error.

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
RHO = 2.0 ** np.arange(-2, 7)  # amplitude of the misfit by that of the noise
P_EXACT = 0.8  # prior probability that the circuit is exact
TYPICAL = 0.02  # scale of the half-Cauchy prior of the amplitude
PRIOR = {"resistance": 3.0, "exponent": 0.15}  # standard deviations of ln R and of an exponent
OTHER_PRIOR = 5.0  # of the logarithm of anything else
STEP, BEYOND = 0.2, 0.5  # decades: between nodes of the distribution, and of them beyond the window
LEADS = np.arange(-1.0, 0.61, 0.4)  # decades from the upper edge of the window
LEAD_SIZE = 0.3  # of |Z| at the upper edge
SMALLEST = 1e-5  # of a direction's variance by the largest


@dataclass(frozen=True, slots=True, eq=False)
class MisfitBasis:
    """Shapes of misfit at the frequencies of a spectrum, relative to |Z|; see :func:`misfit_basis`."""

    log_tau: FloatArray  # of the points, ascending
    order: IntArray  # of the points with ascending tau
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
        relative = np.concatenate([modulus / deviation.real, modulus / deviation.imag])
        scale = math.sqrt(float(np.mean(relative**2)))
        weight = np.concatenate([1 / deviation.real, 1 / deviation.imag]) / scale
        at_nodes = np.exp(np.interp(self.nodes, self.log_tau, np.log(modulus[self.order])))
        relaxations = _stacked(self.relaxations) * at_nodes[:, None] * weight
        leads = _stacked(self.leads) * modulus[self.order[0]] * weight
        rows = [row for root in self.distributions for row in (root @ relaxations, leads)]
        rows += [root * (relative / scale) for root in self.spectra]
        effect = np.zeros((self.first[-1], self.nodes.size))
        for root, i in zip(self.distributions, self.first, strict=False):
            effect[i : i + len(root)] = root * at_nodes
        modes = MisfitModes(
            weight=weight,
            scale=scale,
            rows=np.concatenate(rows),
            diagonal=np.empty(self.first[-1]),
            beside=np.empty(self.first[-1]),
            effect=effect,
            first=self.first,
        )
        for i, j in itertools.pairwise(self.first):
            misfit.tridiagonalise(modes.rows[i:j], modes.effect[i:j], modes.diagonal[i:j], modes.beside[i:j])
        return modes


@dataclass(frozen=True, slots=True, eq=False)
class MisfitModes:
    """Shapes of misfit for one spectrum and weighting, for any number of circuits.

    The m weighted columns Φ of all shapes, in ohm where the misfit is |Z|, are turned by an orthogonal Q such
    that QᵀΦᵀΦQ = T is tridiagonal within each shape; see :mod:`eistool.kernels.misfit`.
    """

    weight: FloatArray  # shape (2 n_points,), in 1/ohm: |Z| times it is 1 in the quadratic mean
    scale: float  # weights of the fit by these
    rows: FloatArray  # shape (m, 2 n_points): QᵀΦᵀ
    diagonal: FloatArray  # shape (m,), of T
    beside: FloatArray  # shape (m,), of T
    effect: FloatArray  # shape (m, n_nodes), of the columns on the distribution at its nodes, in ohm
    first: IntArray  # shape (n_shapes + 1,), of the rows of each shape


@dataclass(frozen=True, slots=True, eq=False)
class Misfit:
    """How far a fit may be from the truth, given that its circuit may be wrong.

    Attributes
    ----------
    covariance : FloatArray, shape (p + 1, p + 1)
        Of the steps of the parameters, and, last, of what the misfit adds to the resistance to direct
        current, in ohm. Noise, misfit, and the square of the step that the misfit would cause. A quantity
        with the derivatives g by the steps has u² = gᵀCg, the limit at zero frequency u² = [g, 1]ᵀC[g, 1].
    noise_covariance : FloatArray, shape (p, p)
        Of the steps if the circuit were exact.
    log_evidence : float
        Of the circuit, averaged over shapes and amplitudes; it compares circuits for one spectrum, weighting
        and mask.
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

    def uncertainty(self, derivative: FloatArray, direct_current: bool = False) -> float:
        """Return the standard uncertainty of a quantity.

        Parameters
        ----------
        derivative : FloatArray, shape (p,)
            By the steps: R for a resistance that is a parameter.
        direct_current : bool
            Whether it is the limit of Z at zero frequency, to which the misfit itself adds.
        """
        g = np.append(derivative, 1.0 if direct_current else 0.0)
        return math.sqrt(max(float(g @ self.covariance @ g), 0.0))


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
    """
    return _basis(np.ascontiguousarray(frequency, dtype=np.float64).tobytes())


@functools.lru_cache(maxsize=64)
def _basis(frequency: bytes) -> MisfitBasis:
    omega = 2 * np.pi * np.frombuffer(frequency)
    decade = math.log(10)
    order = np.argsort(-omega, kind="stable")
    log_tau = -np.log(omega)[order]
    nodes = np.arange(log_tau[0] - BEYOND * decade, log_tau[-1] + (BEYOND + 1e-9) * decade, STEP * decade)
    leads = log_tau[0] + LEADS * decade
    x = 1j * np.outer(np.exp(leads), omega)
    roots = [_root(nodes / decade, scale) for scale in DISTRIBUTION_SCALES]
    parts = [_root(np.log10(omega), scale) for scale in SPECTRUM_SCALES]
    sizes = [len(root) + len(LEADS) for root in roots] + [2 * len(root) for root in parts]
    return MisfitBasis(
        log_tau=log_tau,
        order=order,
        nodes=nodes,
        relaxations=1 / (1 + 1j * np.outer(np.exp(nodes), omega)),
        distributions=tuple(
            root * STEP * decade / math.sqrt(2.5 * scale * decade)
            for root, scale in zip(roots, DISTRIBUTION_SCALES, strict=True)
        ),
        leads=LEAD_SIZE * (1 + np.exp(log_tau[0] - leads))[:, None] * x / (1 + x),
        spectra=tuple(np.kron(np.eye(2), root) for root in parts),
        first=np.cumsum([0, *sizes]).astype(np.int64),
    )


def _root(x: FloatArray, scale: float) -> FloatArray:
    """Return K with KᵀK a Gaussian correlation over x, without directions of next to no weight."""
    values, vectors = np.linalg.eigh(np.exp(-0.5 * ((x[:, None] - x) / scale) ** 2))
    kept = values > SMALLEST * values[-1]
    root: FloatArray = (vectors[:, kept] * np.sqrt(values[kept])).T
    return root


def _stacked(array: ComplexArray) -> FloatArray:
    """Return real and then imaginary parts along the last axis."""
    return np.concatenate([array.real, array.imag], axis=-1)


def prior_of(kinds: Sequence[str]) -> FloatArray:
    """Return the prior standard deviations of the steps of parameters of these kinds.

    A step is that of the logarithm of a positive parameter, and of an exponent itself.

    Examples
    --------
    >>> prior_of(["resistance", "cpe", "exponent"]).tolist()
    [3.0, 5.0, 0.15]
    """
    return np.array([PRIOR.get(kind, OTHER_PRIOR) for kind in kinds])


def assess_misfit(
    residual: ComplexArray,
    jacobian: ComplexArray,
    prior: FloatArray,
    modes: MisfitModes,
    shares: FloatArray | None = None,
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
        If there are no more residuals than parameters, or shapes do not agree.

    Notes
    -----
    For each shape and each ρ = a/σ = 2⁻², …, 2⁶, with M = [J Φ], D = diag(s/prior; 1/ρ), s² the
    reduced χ² of the fit and A = D² + MᵀM:

        x = A⁻¹Mᵀr,  S = rᵀr - rᵀMx,  σ² = S/(n - p),
        ln evidence = ln prior - n/2 ln S - 1/2 ln |D⁻¹AD⁻¹|,  u² = σ² gᵀA⁻¹g + (gᵀx)².

    u² is averaged with the evidence. The prior of a is half-Cauchy with a scale of 0.02 [1]_. Since the
    amplitude is averaged over, a perfect fit has errors somewhat above those of its noise.

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
            f"modes for {modes.weight.size // 2} points; expected (n,), (n, p), (p,) and n points"
        )
    if 2 * n <= p:
        raise FitError(f"misfit: {n} points for {p} parameters; use more points")
    effect = (modes.effect.sum(axis=1) if shares is None else modes.effect @ shares.T).T.reshape(
        -1, modes.first[-1]
    )
    chances = np.full(len(modes.first) - 1, (1 - p_exact) / (len(modes.first) - 1))
    covariance, noise_covariance = np.empty((p + len(effect), p + len(effect))), np.empty((p, p))
    log_evidence, exact, amplitude, sigma = misfit.assess(
        _stacked(residual) * modes.weight,
        np.ascontiguousarray(_stacked(jacobian.T) * modes.weight),
        np.ascontiguousarray(prior, dtype=np.float64),
        modes.rows, modes.diagonal, modes.beside, np.ascontiguousarray(effect), modes.first, chances, RHO, TYPICAL,
        1 / modes.scale**2, measured, covariance, noise_covariance,
    )  # fmt: skip
    return Misfit(covariance, noise_covariance, log_evidence, exact, amplitude, sigma)


def average_over_circuits(
    values: FloatArray, errors: FloatArray, log_evidences: FloatArray
) -> tuple[float, float, FloatArray]:
    """Return a quantity averaged over circuits by their evidence, its standard uncertainty, and the weights.

    The spread between circuits is a part of the uncertainty: u² = Σ w (u_i² + (x_i - x)²) [1]_.

    Parameters
    ----------
    values, errors : FloatArray, shape (n_circuits,)
        Of the quantity; a circuit without it has nan, or inf, and no weight.
    log_evidences : FloatArray, shape (n_circuits,)
        :attr:`Misfit.log_evidence`.

    Returns
    -------
    value, u : float
        Nan where no circuit has the quantity.
    weights : FloatArray, shape (n_circuits,)
        They sum to 1 where a circuit has the quantity.

    References
    ----------
    .. [1] J. A. Hoeting et al., Statist. Sci. 14 (1999) 382, doi:10.1214/ss/1009212519

    Examples
    --------
    >>> value, u, weights = average_over_circuits(np.array([1.0, 3.0]), np.array([0.0, 0.0]), np.array([7.0, 7.0]))
    >>> value, u, weights.tolist()
    (2.0, 1.0, [0.5, 0.5])
    """
    known = np.isfinite(values) & np.isfinite(errors) & np.isfinite(log_evidences)
    weights = np.zeros(known.size)
    if not known.any():
        return math.nan, math.nan, weights
    weights[known] = np.exp(log_evidences[known] - log_evidences[known].max())
    weights /= weights.sum()
    value = float(weights[known] @ values[known])
    variance = weights[known] @ (errors[known] ** 2 + (values[known] - value) ** 2)
    return value, math.sqrt(float(variance)), weights
