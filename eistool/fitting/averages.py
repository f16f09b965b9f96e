"""Averages over circuits by evidence: R_inf, the total resistance, and the resistance of each process."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.circuit.limits import dc_resistance, high_frequency_resistance
from eistool.constants import TWO_SIDED_95
from eistool.display import Shown
from eistool.errors import FitError
from eistool.fitting.misfit import average_over_circuits
from eistool.fitting.quantities import Process, Quantity
from eistool.fitting.result import UNRESOLVED, FitResult
from eistool.typing import FloatArray, Threshold

SAME_PROCESS: Annotated[
    float,
    Threshold(
        "largest distance of the time constants of one process in two circuits, in decades",
        "half of the distance below which two arcs are one in tracking",
    ),
] = 0.5


@dataclass(frozen=True, slots=True)
class Averages(Shown):
    """Quantities that every circuit has, averaged over circuits by evidence.

    ``processes`` belong to the processes of the first circuit, in their order; ``n_circuits`` is the number of
    circuits that have them.
    """

    R_inf: Quantity
    R_total: Quantity
    processes: tuple[Quantity, ...]
    n_circuits: tuple[int, ...]


def average(chosen: FitResult, results: Sequence[FitResult]) -> Averages:
    """Average over the circuits that describe a spectrum, weighted by their evidence.

    Parameters
    ----------
    chosen : FitResult
        Fit whose processes are averaged.
    results : sequence of FitResult
        Fits of all circuits to the same points with the same weighting. Those that do not describe the data
        are left out if one does.

    Returns
    -------
    Averages
        The spread between circuits is a part of each error.

    Raises
    ------
    FitError
        If no fit succeeded.

    References
    ----------
    .. [1] J. A. Hoeting et al., Statist. Sci. 14 (1999) 382, doi:10.1214/ss/1009212519

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import compare_circuits, simulate
    >>> f = np.geomspace(1e5, 0.1, 61)
    >>> spectrum = simulate("R0-p(R1,CPE1)", f, [10, 90, 1e-4, 0.9], noise=0.002, seed=1)
    >>> ranked = compare_circuits(spectrum, ["R0-p(R1,CPE1)", "R0-p(R1,C1)-p(R2,C2)"])
    >>> averages = average(ranked[0].result, [candidate.result for candidate in ranked])
    >>> abs(averages.R_total.value - 100) < 3 * averages.R_total.u
    True
    """
    usable = [result for result in results if result.success and result.evidence is not None]
    if not usable:
        raise FitError(f"{chosen.spectrum.label}: no fit to average; try other circuits")
    describing = [result for result in usable if result.status == "ok"] or usable
    processes = [_process(process, describing) for process in chosen.processes]
    return Averages(
        _limit("R_inf", describing, _r_inf),
        _total(describing),
        tuple(quantity for quantity, _ in processes),
        tuple(count for _, count in processes),
    )


def _evidence(results: Sequence[FitResult]) -> FloatArray:
    return np.array([math.nan if r.evidence is None else r.evidence.log_evidence for r in results])


def _r_inf(result: FitResult) -> tuple[float, float]:
    value, derivative = high_frequency_resistance(result.circuit, result.values)
    if not derivative.any():  # the circuit has no such resistance
        return math.nan, math.nan
    return value, math.sqrt(max(float(derivative @ result.covariance @ derivative), 0.0))


def _total(results: Sequence[FitResult]) -> Quantity:
    """Return the resistance to direct current, or ``blocking`` where the evidence is for circuits that block."""
    weights = np.exp(_evidence(results) - np.nanmax(_evidence(results)))
    blocks = np.array([not math.isfinite(dc_resistance(r.circuit, r.values)[0]) for r in results])
    share = float(weights[blocks].sum() / weights.sum())
    if share > 0.5:
        reason = f"circuits that block direct current have {share:.0%} of the evidence"
        return Quantity(
            name="R_total", value=math.nan, u=math.nan, unit="ohm", status="blocking", reason=reason, high=math.inf
        )
    return _limit("R_total", results, lambda r: (r.total_resistance.value, r.total_resistance.stderr))


def _limit(name: str, results: Sequence[FitResult], of: Callable[[FitResult], tuple[float, float]]) -> Quantity:
    pairs = [of(result) for result in results]
    value, u, _ = average_over_circuits(
        np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]), _evidence(results)
    )
    return _quantity(name, value, u)


def _quantity(name: str, value: float, u: float) -> Quantity:
    resolved = u <= UNRESOLVED * value
    return Quantity(
        name=name,
        value=value if resolved else math.nan,
        u=u if resolved else math.nan,
        unit="ohm",
        status="ok" if resolved else "not_resolvable",
        reason="" if math.isfinite(value) else "no circuit has such a resistance",
        low=max(value - TWO_SIDED_95 * u, 0.0),
        high=value + TWO_SIDED_95 * u,
    )


def _process(process: Process, results: Sequence[FitResult]) -> tuple[Quantity, int]:
    """Return the averaged resistance of a process, and the number of circuits with a process at its tau."""
    pairs = []
    for result in results:
        near = [one for one in result.processes if abs(math.log10(one.tau / process.tau)) <= SAME_PROCESS]
        one = min(near, key=lambda one: abs(math.log(one.tau / process.tau)), default=None)
        pairs.append((math.nan, math.nan) if one is None else (one.R, one.u_R))
    value, u, weights = average_over_circuits(
        np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]), _evidence(results)
    )
    return _quantity(process.name, value, u), int(np.count_nonzero(weights))
