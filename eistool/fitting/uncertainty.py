"""How sure the parameters of a fit are: their covariance, and a status for each."""

import numpy as np

from eistool.circuit import Circuit
from eistool.fitting.problem import Problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT
from eistool.kernels import search
from eistool.typing import BoolArray, FloatArray, IntArray

NEARLY_LINEAR = 0.03  # standard errors below this need no check by the profile


def inverse_hessian(hessian: FloatArray, free: IntArray, n: int) -> FloatArray:
    """Return the inverse of JᵀJ, 0 for fixed parameters.

    Parameters that ended at a bound are counted as free: the errors of the others would be too small
    if they rested on the bound being the truth.
    """
    scale = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    eigenvalues, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    # a direction without any effect keeps a huge but finite variance
    inverse = (vectors / np.maximum(eigenvalues, 1e-15)) @ vectors.T
    covariance = np.zeros((n, n))
    covariance[np.ix_(free, free)] = inverse / np.outer(scale, scale)
    return covariance


def widened(
    problem: Problem, theta: FloatArray, value: float, covariance: FloatArray, variance: float
) -> FloatArray:
    """Return the covariance with larger errors where the sum of squares rises more slowly than it says."""
    widening = np.ones(theta.size)
    if problem.free.size > 1 and variance > 0:
        search.widen(
            *problem.arguments, problem.free, theta, value, covariance, variance, NEARLY_LINEAR,
            problem.grid, problem.target, *problem.workspace, widening,
        )  # fmt: skip
    return covariance * np.outer(widening, widening)


def between_minima(minima: FloatArray, values: FloatArray, variance: float) -> FloatArray:
    """Return the covariance that comes from not knowing which minimum is the true one.

    Each minimum counts with its likelihood, as one mode of a mixture.
    """
    weights = np.exp(-0.5 * (values - values[0]) / max(variance, 1e-300))
    difference = minima - minima[0]
    result: FloatArray = (difference.T * (weights / weights.sum())) @ difference
    return result


def statuses_of(
    circuit: Circuit,
    problem: Problem,
    values: FloatArray,
    derivative: FloatArray,
    covariance: FloatArray,
    limited: BoolArray,
) -> tuple[str, ...]:
    """Return ok, fixed, at_bound or not_identifiable for each parameter, in the circuit's order."""
    stderr = np.sqrt(np.diag(covariance))
    dead = limited & ~problem.bounded  # at the end of the default range: the data do not need it
    rests_on_dead = (derivative[:, dead] != 0).any(axis=1)
    status = [""] * values.size
    for k, i in enumerate(problem.program.order):
        unresolved = UNRESOLVED_EXPONENT if circuit.specs[i].kind == "exponent" else UNRESOLVED * values[i]
        if problem.held[k]:
            status[i] = "fixed"
        elif limited[k] and problem.bounded[k]:
            status[i] = "at_bound"
        elif rests_on_dead[i] or not stderr[i] <= unresolved:
            status[i] = "not_identifiable"
        else:
            status[i] = "ok"
    return tuple(status)
