"""Averages over circuits by evidence: R_inf, the total resistance, and the resistance of each process."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eistool.circuit.limits import high_frequency_resistance
from eistool.constants import TWO_SIDED_95
from eistool.display import Shown
from eistool.errors import FitError
from eistool.fitting.averages import assign_arcs, average_over_circuits, gather_arcs
from eistool.fitting.quantities import Process, Quantity
from eistool.fitting.result import UNRESOLVED, FitResult
from eistool.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True, repr=False)
class Averages(Shown):
    """Quantities that every circuit has, averaged over circuits by evidence.

    ``processes`` belong to the processes of the first circuit, in their order; arcs of nearly the same tau share
    their sum, named ``R1+R2``. ``n_circuits`` is the number of circuits that have them.
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
    processes = _processes(chosen, describing)
    return Averages(
        _limit("R_inf", [_r_inf(result) for result in describing], describing),
        _total(describing),
        tuple(quantity for quantity, _ in processes),
        tuple(count for _, count in processes),
    )


def _evidence(results: Sequence[FitResult]) -> FloatArray:
    return np.array([math.nan if r.evidence is None else r.evidence.log_evidence for r in results])


def _r_inf(result: FitResult) -> tuple[float, float]:
    """Return R_inf with the arcs that are faster than the window, which act as resistors at its upper end."""
    value, derivative = high_frequency_resistance(result.circuit, result.values)
    fastest = int(np.argmax(np.where(result.spectrum.mask, result.spectrum.frequency, 0.0)))
    f_max, at_top = float(result.spectrum.frequency[fastest]), float(result.impedance[fastest].real)
    for process in result.processes:
        if process.apex_Hz > f_max and not process.name.startswith("RL"):
            # an arc that is partly in the window reaches from R_inf on beyond Re Z at its end
            value = max(min(value + process.R, at_top), value)
            derivative[_place(result, process)] += 1.0
    if not derivative.any():  # the circuit has no such resistance
        return math.nan, math.nan
    return value, math.sqrt(max(float(derivative @ result.covariance @ derivative), 0.0))


def _place(result: FitResult, process: Process) -> int:
    name = process.name if process.name in result.parameters else f"{process.name}.R"
    return result.circuit.index(name)


def _total(results: Sequence[FitResult]) -> Quantity:
    """Return the resistance to direct current, or ``blocking`` where the evidence is for circuits that block."""
    weights = np.exp(_evidence(results) - np.nanmax(_evidence(results)))
    totals = [result.total_resistance for result in results]
    blocks = np.array([total.status == "blocked" for total in totals])
    share = float(weights[blocks].sum() / weights.sum())
    if share > 0.5:
        reason = f"circuits that block direct current have {share:.0%} of the evidence"
        return Quantity(
            name="R_total", value=math.nan, u=math.nan, unit="ohm", status="blocking", reason=reason, high=math.inf
        )
    return _limit("R_total", [(total.value, total.stderr) for total in totals], results)


def _limit(name: str, pairs: Sequence[tuple[float, float]], results: Sequence[FitResult]) -> Quantity:
    values, errors = np.array(pairs).T
    value, u, _ = average_over_circuits(values, errors, _evidence(results))
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


def _processes(chosen: FitResult, results: Sequence[FitResult]) -> list[tuple[Quantity, int]]:
    """Return the averaged resistance of each process, and the number of circuits with a process at its tau.

    How arcs of nearly the same tau share their resistance depends on the circuit: their sum is averaged.
    """
    taus, members = gather_arcs(*_resistances_and_taus(chosen))
    places = [assign_arcs(_resistances_and_taus(result)[1], taus) for result in results]
    averaged: dict[int, tuple[Quantity, int]] = {}
    for k, group in enumerate(members):
        name = "+".join(chosen.processes[i].name for i in group)
        pairs = [_sum(result, np.flatnonzero(place == k)) for result, place in zip(results, places, strict=True)]
        value, u, weights = average_over_circuits(
            np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]), _evidence(results)
        )
        count = int(np.count_nonzero(weights))
        averaged |= dict.fromkeys(group, (_quantity(name, value, u), count))
    return [averaged[i] for i in range(len(chosen.processes))]


def _resistances_and_taus(result: FitResult) -> tuple[FloatArray, FloatArray]:
    R, tau = np.array([(process.R, process.tau) for process in result.processes]).reshape(-1, 2).T
    return R, tau


def _sum(result: FitResult, members: IntArray) -> tuple[float, float]:
    """Return the summed resistance of some processes of a fit, and its error; nan without any."""
    if not members.size:
        return math.nan, math.nan
    index = [_place(result, result.processes[i]) for i in members]
    variance = float(result.covariance[np.ix_(index, index)].sum())
    return float(result.values[index].sum()), math.sqrt(max(variance, 0.0))
