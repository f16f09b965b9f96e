"""Flags on the quality of a fit and the certainty of its minimum."""

from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.display import format_fixed
from eistool.fitting.result import TIE
from eistool.typing import ComplexArray, FloatArray, Threshold

ABOVE_NOISE: Annotated[
    float,
    Threshold(
        "ratio of residuals to those of the RC ladder above which they contain structure",
        "F test of variances, 1.7² = 2.9: p < 0.001 from 40 degrees of freedom (about 20 points) on",
    ),
] = 1.7
POOR_RESIDUAL: Annotated[
    float,
    Threshold(
        "rms residual relative to |Z| above which a fit with structure in its residuals is a poor_model",
        "project definition, equal to the tolerance of the Kramers-Kronig test",
    ),
] = 0.01
LARGE_RESIDUAL: Annotated[
    float,
    Threshold(
        "rms residual relative to |Z| above which a fit is a poor_model in any case, and a spectrum "
        "may be left out of a global fit",
        "project definition: five times POOR_RESIDUAL, for data that a ladder cannot describe either",
    ),
] = 0.05
LIKELY_MISSED: Annotated[
    float,
    Threshold(
        "probability of a better minimum that was missed above which a fit is flagged, unless residuals are noise",
        "engineering choice; only the flag depends on it",
    ),
] = 0.05
FAR_ABOVE_NOISE: Annotated[
    float,
    Threshold(
        "residuals by the measured noise above which a model is poor with weighting='noise'",
        "instruments state noise within a factor of 3 at the most: engineering choice",
    ),
] = 3.0
SURE_MISFIT: Annotated[
    float,
    Threshold("probability of an exact circuit below which a misfit is flagged", "5 %, as in a two-sided test"),
] = 0.05
SMOOTHED = 5  # points over which residuals are averaged to find the place of a misfit
CORRELATED: Annotated[
    float,
    Threshold(
        "correlation of two parameters that is flagged",
        "variance inflation 1/(1 - ρ²) = 50: either error is 7 times that with the other parameter known",
    ),
] = 0.99


def delta_bic(values: FloatArray, best: float, n_data: int) -> FloatArray:
    """Return n ln(S/S0), the BIC of minima relative to the best one."""
    difference: FloatArray = n_data * np.log(np.maximum(values, 1e-300) / max(best, 1e-300))
    return difference


def quality_flags(excess: float, rms: float, converged: bool, p_missed: float) -> tuple[str, ...]:
    """Return flags on convergence, the search, and the size of the residuals."""
    flags = [] if converged else ["not converged"]
    if excess > ABOVE_NOISE:
        flags.append(f"residuals are {format_fixed(excess, 1)} times the noise")
        if p_missed > LIKELY_MISSED:
            flags.append(f"a better minimum was missed with a probability of {p_missed:.0%}")
    if rms > LARGE_RESIDUAL:
        flags.append(f"residuals are {rms:.0%} of |Z|")
    return tuple(flags)


def misfit_flags(
    p_exact: float, amplitude: float, frequency: FloatArray, residual: ComplexArray
) -> tuple[str, ...]:
    """Return a flag on a misfit that matters, with its size and place.

    Parameters
    ----------
    p_exact : float
        Probability that there is none.
    amplitude : float
        Standard deviation of the misfit, relative to |Z|.
    frequency : FloatArray, shape (n_freq,)
        Frequencies in Hz.
    residual : ComplexArray, shape (n_freq,)
        Relative to |Z|.
    """
    if p_exact > SURE_MISFIT or amplitude < POOR_RESIDUAL:
        return ()
    order = np.argsort(frequency)
    width = min(SMOOTHED, order.size)
    smooth = np.abs(np.convolve(residual[order], np.full(width, 1 / width), "same"))
    place = frequency[order][int(smooth.argmax())]
    return (f"misfit of {amplitude:.1%} of |Z|, largest at {place:.2g} Hz",)


def dispensable_flags(names: list[str]) -> tuple[str, ...]:
    """Return a flag on dispensable parts of the circuit."""
    return (f"not needed by the data: {' '.join(names)}; other elements can take their place",) if names else ()


def certainty_flags(
    circuit: Circuit,
    statuses: tuple[str, ...],
    covariance: FloatArray,
    outcomes: FloatArray,
    n_data: int,
) -> tuple[str, ...]:
    """Return flags on the certainty of the best minimum and its parameters."""
    flags = []
    near = int(np.count_nonzero(delta_bic(outcomes[1:, 0], outcomes[0, 0], n_data) < TIE))
    if near:
        flags.append(f"{near} other minima within ΔBIC 2")
    for status in ("at_bound", "not_identifiable"):
        names = [name for name, given in zip(circuit.parameters, statuses, strict=True) if given == status]
        if names:
            flags.append(f"{status}: {' '.join(names)}")
    sigma = np.sqrt(np.diag(covariance))
    ok = [i for i, status in enumerate(statuses) if status == "ok" and sigma[i] > 0]
    for a, i in enumerate(ok):
        for j in ok[a + 1 :]:
            rho = covariance[i, j] / (sigma[i] * sigma[j])
            if abs(rho) > CORRELATED:
                flags.append(f"correlated: {circuit.parameters[i]} {circuit.parameters[j]} ({rho:.3f})")
    return tuple(flags)
