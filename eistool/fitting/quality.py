"""Remarks on a fit: how well the circuit describes the data, and how sure the search was."""

import numpy as np

from eistool.circuit import Circuit
from eistool.display import format_fixed
from eistool.fitting.result import TIE
from eistool.typing import FloatArray, IntArray

ABOVE_NOISE = 1.7  # times the ladder's residuals: there is structure in those of the circuit
LARGE_RESIDUAL = 0.05  # of |Z|: the data, the circuit or both are not to be trusted
POOR_RESIDUAL = 0.01  # and, for a poor model, an rms residual above 1 % of |Z|
FEW = 3  # starts that reached the best minimum
CORRELATED = 0.99


def delta_bic(values: FloatArray, best: float, n_data: int) -> FloatArray:
    """Return n ln(S/S0): by how much the BIC of other minima is above that of the best."""
    difference: FloatArray = n_data * np.log(np.maximum(values, 1e-300) / max(best, 1e-300))
    return difference


def quality_flags(excess: float, rms: float, converged: bool) -> tuple[str, ...]:
    """Return remarks on how well a circuit describes the data."""
    flags = [] if converged else ["not converged"]
    if excess > ABOVE_NOISE:
        flags.append(f"residuals are {format_fixed(excess, 1)} times the noise")
    if rms > LARGE_RESIDUAL:
        flags.append(f"residuals are {rms:.0%} of |Z|")
    return tuple(flags)


def needless_flags(names: list[str]) -> tuple[str, ...]:
    """Return a remark on parts of the circuit that the data do not need."""
    return (f"not needed by the data: {' '.join(names)}; others could share their part",) if names else ()


def certainty_flags(
    circuit: Circuit,
    statuses: tuple[str, ...],
    covariance: FloatArray,
    found: FloatArray,
    hits: IntArray,
    n_data: int,
) -> tuple[str, ...]:
    """Return remarks on how sure the best minimum and its parameters are."""
    flags = []
    if hits[0] < FEW:
        flags.append(f"{hits[0]} of {hits[-1]} starts reached the best minimum")
    near = int(np.count_nonzero(delta_bic(found[1:, 0], found[0, 0], n_data) < TIE))
    if near:
        flags.append(f"{near} other minima within ΔBIC 2")
    for status in ("at_bound", "not_identifiable"):
        names = [name for name, own in zip(circuit.parameters, statuses, strict=True) if own == status]
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
