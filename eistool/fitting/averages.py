"""Quantities that many circuits have, averaged over them by their evidence."""

import itertools
import math

import numpy as np

from eistool.typing import FloatArray, IntArray

SAME_PROCESS = 0.7  # decades of tau within which arcs are one process


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
        :attr:`eistool.fitting.misfit.Misfit.log_evidence`.

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


def gather_arcs(R: FloatArray, tau: FloatArray) -> tuple[FloatArray, tuple[tuple[int, ...], ...]]:
    """Return the processes of a circuit: arcs whose time constants are closer than 0.7 decade are one.

    How two such arcs share their resistance is not known; a skewed process is often fitted by two.

    Parameters
    ----------
    R, tau : FloatArray, shape (k,)
        Of the arcs.

    Returns
    -------
    tau : FloatArray, shape (n_processes,)
        Weighted by R in the logarithm, ascending.
    members : tuple of tuples of int
        Arcs of each process.

    Examples
    --------
    >>> tau, members = gather_arcs(np.array([1.0, 1.0, 5.0]), np.array([1e-3, 4e-3, 1.0]))
    >>> tau, members
    (array([0.002, 1.   ]), ((0, 1), (2,)))
    """
    found: list[tuple[float, float, tuple[int, ...]]]
    found = [(float(np.log10(tau[i])), max(float(R[i]), 1e-300), (int(i),)) for i in np.argsort(tau)]
    while len(found) > 1:
        distances = [after[0] - before[0] for before, after in itertools.pairwise(found)]
        i = int(np.argmin(distances))
        if distances[i] >= SAME_PROCESS:
            break
        (place, weight, members), (other, more, others) = found[i : i + 2]
        centre = (place * weight + other * more) / (weight + more)
        found[i : i + 2] = [(centre, weight + more, members + others)]
    return 10 ** np.array([place for place, _, _ in found]), tuple(members for _, _, members in found)


def assign_arcs(tau: FloatArray, processes: FloatArray) -> IntArray:
    """Return the process that each arc of a circuit belongs to, or -1; within 0.7 decade.

    Parameters
    ----------
    tau : FloatArray, shape (k,)
        Of the arcs.
    processes : FloatArray, shape (n_processes,)
        Time constants of the processes of another circuit, from :func:`gather_arcs`.

    Examples
    --------
    >>> assign_arcs(np.array([3e-3, 1.0, 1e3]), np.array([2e-3, 1.0])).tolist()
    [0, 1, -1]
    """
    if not processes.size:
        return np.full(tau.size, -1)
    distance = np.abs(np.log10(tau[:, None] / processes))
    return np.where(distance.min(axis=1, initial=np.inf) < SAME_PROCESS, distance.argmin(axis=1), -1)
