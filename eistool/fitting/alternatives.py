"""Covariance from alternatives to a fit: other minima, smaller circuits, and other laws beyond the window."""

import functools
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.limits import dc_resistance, high_frequency_resistance
from eistool.circuit.tree import without
from eistool.fitting.arcs import arc_places
from eistool.fitting.problem import Constraints, Problem
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray, Threshold

FAR_STEP = 5.0  # e-folds of a change that leaves a positive parameter undetermined
TINY = 1e-300  # stands for 0 where a logarithm is needed
NEGLIGIBLE = 1e-3  # probability of a mode that changes no error visibly
EXTRAPOLATION: Annotated[
    float,
    Threshold(
        "standard uncertainty of what the circuit adds to Re Z beyond the window, by that, where it is wrong",
        "tests.benchmarks.misfit (porous electrodes); the truth is then 0 to 2.2 times what the circuit adds",
    ),
] = 0.6


class Refit(NamedTuple):
    """Minimum of a circuit without a part."""

    values: FloatArray  # shape (q,), of its parameters
    chi2: float
    n_free: int


def modes_covariance(
    circuit: Circuit, problem: Problem, ends: Sequence[FloatArray], likelihood: FloatArray
) -> FloatArray:
    """Return the covariance that other minima add as modes of a mixture, shape (p, p).

    Interchangeable arcs are compared with the closest of the best minimum: an exchange of labels is no
    uncertainty.

    Parameters
    ----------
    circuit, problem
        Circuit and problem of the fit.
    ends : sequence of FloatArray, shape (p,)
        Parameter values of the minima, the best one first.
    likelihood : FloatArray, shape (n_minima,)
        Relative to the best minimum.
    """
    p = ends[0].size
    covariance = np.zeros((p, p))
    weights = likelihood / likelihood.sum()
    alike = _interchangeable(problem)
    for weight, end in zip(weights[1:], ends[1:], strict=True):
        if weight > NEGLIGIBLE:
            step = _steps(circuit, ends[0], _relabelled(circuit, alike, ends[0], end))
            covariance += weight * np.outer(step, step)
    return covariance


def smaller_circuits(
    circuit: Circuit, problem: Problem, dispensable: BoolArray, constraints: Constraints, values: FloatArray
) -> Iterator[tuple[Circuit, IntArray, Constraints]]:
    """Yield the circuit without each dispensable part, its parameters' places, and its constraints.

    The values of the fit are the start of the rest.
    """
    for part in dispensable:
        names = {circuit.full_names[i].split(".")[0] for i in problem.program.order[part]}
        tree = without(circuit.tree, names)
        if tree is None:
            continue
        smaller = Circuit.from_tree(tree)
        index = np.array([circuit.index(name) for name in smaller.full_names])
        start = {k: float(values[i]) for k, i in enumerate(index)}
        fixed = {k: constraints.fixed[i] for k, i in enumerate(index) if i in constraints.fixed}
        limits = (constraints.lower[index], constraints.upper[index], constraints.bounded[index])
        yield smaller, index, Constraints(fixed, *limits, start)


def reduction_covariance(
    circuit: Circuit,
    values: FloatArray,
    chi2: float,
    problem: Problem,
    refits: Iterable[tuple[IntArray, Refit]],
) -> FloatArray:
    """Return the covariance that circuits without a dispensable part add, shape (p, p).

    The changes of the other parameters count with the probability of the smaller circuit by BIC.
    """
    p, n = values.size, 2 * problem.n_points
    covariance = np.zeros((p, p))
    for index, other in refits:
        gain = n * math.log(max(other.chi2, 1e-300) / max(chi2, 1e-300))
        delta_bic = gain - (problem.free.size - other.n_free) * math.log(n)
        step, rest = np.zeros(p), values.copy()
        rest[index] = other.values
        step[index] = _steps(circuit, values, rest)[index]
        covariance += np.outer(step, step) / (1 + math.exp(min(max(delta_bic / 2, -500.0), 500.0)))
    return covariance


def extrapolation_covariance(
    circuit: Circuit, values: FloatArray, ends: ComplexArray, p_exact: float, fixed: Collection[int] = ()
) -> FloatArray:
    """Return the covariance of what the circuit extrapolates beyond the window, shape (p, p).

    At the upper end, the sum of the series resistance and the fastest arc stays as it is: what one loses, the
    other gains. A circuit without a series resistance has the sum alone. At the lower end, an arc whose apex
    lies beyond it is in doubt.

    Parameters
    ----------
    circuit : Circuit
        Circuit of the fit.
    values : FloatArray, shape (p,)
        Of its parameters.
    ends : ComplexArray, shape (2,)
        Impedance of the fit at the highest and the lowest frequency, in ohm.
    p_exact : float
        Probability that the circuit is exact, and its extrapolation with it.
    fixed : collection of int
        Places of the parameters that are held.
    """
    steps = np.array([_step_at_top(circuit, values, ends[0]), _step_at_bottom(circuit, values, ends[1])])
    steps[:, list(fixed)] = 0.0
    covariance: FloatArray = (EXTRAPOLATION * (1.0 - p_exact)) ** 2 * steps.T @ steps
    return covariance


def _step_at_top(circuit: Circuit, values: FloatArray, at_top: complex) -> FloatArray:
    resistance, by_value = high_frequency_resistance(circuit, values)
    if not math.isfinite(resistance):  # of a custom element
        return np.zeros_like(values)
    step = by_value.copy()
    members = arc_places(circuit)
    if members and step.any():
        fastest = min(members, key=lambda member: _log_tau(circuit, values, member))
        step[fastest[0]] -= 1.0
    # beyond the apex of an RC element, Re Z still falls by less than -Im Z; an inductance is no extrapolation
    scaled: FloatArray = step * max(min(at_top.real - resistance, -at_top.imag), 0.0)
    return scaled


def _step_at_bottom(circuit: Circuit, values: FloatArray, at_bottom: complex) -> FloatArray:
    resistance, by_value = dc_resistance(circuit, values)
    step = np.zeros_like(values)
    if math.isfinite(resistance) and by_value.any():
        # before the apex of an RC element, Re Z still rises by more than -Im Z
        step[np.argmax(by_value * values)] = max(resistance - at_bottom.real - abs(at_bottom.imag), 0.0)
    return step


def _steps(circuit: Circuit, values: FloatArray, others: FloatArray) -> FloatArray:
    """Return changes of parameters; of positive ones other than resistances by the logarithm."""
    logarithms = np.log(np.maximum([values, others], TINY))
    steps: FloatArray = np.where(
        _are_linear(circuit),
        others - values,
        values * np.clip(logarithms[1] - logarithms[0], -FAR_STEP, FAR_STEP),
    )
    return steps


@functools.lru_cache(maxsize=256)
def _are_linear(circuit: Circuit) -> BoolArray:
    return np.array([spec.kind in ("resistance", "exponent") for spec in circuit.specs])


def _interchangeable(problem: Problem) -> list[list[list[int]]]:
    """Return the places of the parameters of arcs that may change their labels, class after class."""
    order = problem.program.order.tolist()
    return [
        [[order[i] for i in row[1:] if i >= 0] for row in rows]
        for _, rows in itertools.groupby(problem.exchange.tolist(), key=lambda row: row[0])
    ]


def _relabelled(
    circuit: Circuit, alike: Sequence[Sequence[Sequence[int]]], best: FloatArray, end: FloatArray
) -> FloatArray:
    """Return the values of a minimum with interchangeable arcs in the order closest to the best minimum."""
    relabelled = end.copy()
    for members in alike:
        taus, references = ([_log_tau(circuit, values, member) for member in members] for values in (end, best))

        def distance(
            order: tuple[int, ...], taus: Sequence[float] = taus, references: Sequence[float] = references
        ) -> float:
            return sum(abs(taus[o] - reference) for o, reference in zip(order, references, strict=True))

        order = min(itertools.permutations(range(len(members))), key=distance)
        for member, o in zip(members, order, strict=True):
            relabelled[member] = end[members[o]]
    return relabelled


def _log_tau(circuit: Circuit, values: FloatArray, member: Sequence[int]) -> float:
    """Return ln tau of an arc of (R, Q, alpha), (R, C) or (R, tau, ...)."""
    logarithms = [math.log(max(values[i], TINY)) for i in member[:2]]
    if len(member) == 1 or circuit.specs[member[1]].kind == "tau":  # a rail of a line, or as it is
        return logarithms[-1]
    return sum(logarithms) / float(values[member[2]] if len(member) > 2 else 1.0)
