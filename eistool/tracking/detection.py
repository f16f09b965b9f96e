"""Tracking of processes along a series, and detection of their appearance and disappearance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from eistool.circuit import Circuit, as_circuit
from eistool.constants import TWO_SIDED_95, ZERO_CELSIUS
from eistool.errors import SpectrumError
from eistool.fitting import FitResult, Process
from eistool.fitting.engine import refit
from eistool.spectrum import Series, Spectrum
from eistool.tracking.accuracy import CHECKED, EvidenceFits, with_accuracy
from eistool.tracking.arc_count import SeriesModel, model_series
from eistool.tracking.evidence import Run, drts, fit_common_shape, judge
from eistool.tracking.family import Family
from eistool.tracking.limit import detection_limit
from eistool.tracking.linking import LONGEST_GAP, link
from eistool.tracking.result import Event, TrackedProcess, Tracks, status_of
from eistool.tracking.smooth import smoothed
from eistool.typing import FloatArray, Threshold

REJOIN: Annotated[float, Threshold("distance in decades of tracks joined as one process", CHECKED)] = 0.4
MOVED: Annotated[float, Threshold("distance in decades of adjoining tracks joined as one process", CHECKED)] = 0.7
LEAST_RESOLVED: Annotated[
    float, Threshold("share of the spectra in which a listed process is resolved", "engineering choice")
] = 0.5
FEWEST_RESOLVED: Annotated[
    int, Threshold("spectra in which a listed process is resolved", "engineering choice")
] = 2

LEAST_LIMIT = 1e-6  # of R relative to |Z|, below which it is none


def track(
    series: Series | Sequence[Spectrum], circuit: Circuit | str | None = None, jobs: int | None = None
) -> Tracks:
    """Track the processes of a series and report their appearance and disappearance, with evidence.

    The number of arcs of each spectrum minimises BIC over the whole series; arcs that share τ and α over a
    contiguous range are added if BIC falls by more than 10. Arcs of neighbouring spectra are linked by
    minimum-cost assignment. Five or more consecutive spectra with the same circuit are fitted together, with
    time constants and exponents whose smoothness follows from the scatter of the separate fits.
    An event is ``confirmed`` only if six criteria hold, each given in its evidence: consistent spectra; a peak
    in the differences between spectra or in the DRT, and R > 3 u; ΔBIC > 10 against the best circuit with one
    arc less, including other shapes and tails, and a gain above that of noise; τ within the window and 0.7
    decade from other processes; two spectra; limits of R that exclude an undetected process or growth.
    Processes that few spectra resolve are added to a neighbour if their sum is better known, or not listed.

    Parameters
    ----------
    series : Series or sequence of Spectrum
        A sequence keeps its order, with the index as time.
    circuit : Circuit or str, optional
        Circuit whose arcs, in the number that the spectra require, and other elements describe the series; by
        default R0, L0 if leads may contribute, ZARC elements, and the tail with the lowest BIC.
    jobs : int, optional
        Number of threads; by default one per core.

    Returns
    -------
    Tracks

    Raises
    ------
    CircuitError
        If the circuit is invalid or has no arc in series.
    SpectrumError
        If there are fewer than two spectra.

    References
    ----------
    .. [1] G. Schwarz, Ann. Statist. 6 (1978) 461, doi:10.1214/aos/1176344136
    .. [2] S. G. Self, K.-Y. Liang, J. Am. Stat. Assoc. 82 (1987) 605, doi:10.1080/01621459.1987.10478472

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import Metadata, Series, simulate
    >>> f = np.geomspace(1e5, 0.1, 49)
    >>> def at(soc):
    ...     new = 20.0 if soc >= 50 else 1e-9
    ...     values = [10, 30, 1e-4, 0.9, new, 3e-2, 0.85]
    ...     return simulate("R0-Zarc1-Zarc2", f, values, 0.003, int(soc), Metadata(soc_pct=soc))
    >>> tracks = track(Series([at(float(soc)) for soc in range(10, 100, 10)], by="soc"))
    >>> [(event.kind, event.index, event.status) for event in tracks.events]
    [('appeared', 4, 'confirmed')]
    """
    found = find_events(series, circuit, jobs)
    model, n = found.model, len(found.series)
    final = [_reported(model, s, found.series[s]) for s in range(n)]
    final = smoothed(found.series, final, [model.held(s) for s in range(n)], jobs)
    found = replace(found, events=_worth_telling(found, final))
    groups = _folded(found, final)
    names = {kept: f"P{rank}" for rank, kept in enumerate(groups, start=1)}
    old = {found.ids[kept]: name for kept, name in names.items()}
    events = tuple(replace(event, process_id=old[event.process_id]) for event in found.events)
    processes = tuple(_process(names[kept], group, found, final, events) for kept, group in groups.items())
    tau, R = detection_limit(model)
    vague = len(found.ids) - sum(map(len, groups.values()))
    flags = (*_circuit_flags(found), *_vague_flags(vague), *_flags(found.series, final))
    return Tracks(found.series, found.circuit, tuple(final), processes, events, tau, R, flags)


def _worth_telling(found: "Found", final: Sequence[FitResult]) -> tuple[Event, ...]:
    """Return the events without those of processes that no spectrum resolves, unless they are confirmed."""
    clear = {found.ids[i] for i in found.ids if _resolved(found.tracks[i], final)}
    return tuple(e for e in found.events if e.status == "confirmed" or e.process_id in clear)


def _folded(found: "Found", final: Sequence[FitResult]) -> dict[int, list[int]]:
    """Return the tracks to report, each with those whose resistance its own includes, in order of τ.

    A track at the time constant of another is added to it. One that is resolved in few spectra is added to its
    nearest neighbour if the sum is better known, as of one process that two arcs describe. Otherwise it is not
    reported.
    """
    n = len(final)
    least = max(FEWEST_RESOLVED, math.ceil(n * LEAST_RESOLVED))
    with_event = {event.process_id for event in found.events}
    counts = {i: _resolved(found.tracks[i], final) for i in found.ids}
    kept = [i for i in found.ids if counts[i] >= least or found.ids[i] in with_event]
    kept = kept or sorted(found.ids, key=lambda i: -counts[i])[:1]
    arcs = [r.processes if r.success else () for r in found.model.results]
    log_tau = {i: math.log10(_median_tau(found.tracks[i], arcs)) for i in found.ids}
    groups: dict[int, list[int]] = {}
    for i in sorted(found.ids, key=lambda i: (found.ids[i] not in with_event, i not in kept, -counts[i])):
        quiet = [k for k in groups if found.ids[k] not in with_event] or list(groups)  # a sum would hide an event
        nearest = min(quiet, key=lambda k: abs(log_tau[k] - log_tau[i]), default=i)
        if found.ids[i] in with_event or nearest == i:
            groups[i] = [i]
        elif abs(log_tau[nearest] - log_tau[i]) < REJOIN:  # too close to be told apart
            groups[nearest].append(i)
        elif i in kept:
            groups[i] = [i]
        elif _is_split(found.tracks[nearest], found.tracks[i], final):
            groups[nearest].append(i)
    return {i: groups[i] for i in found.ids if i in groups}


def _is_split(kept: Mapping[int, int], other: Mapping[int, int], final: Sequence[FitResult]) -> bool:
    """Return whether the sum of two tracks is better known than the first, in most spectra that have both."""
    both = [(final[s].processes[kept[s]], final[s].processes[other[s]], final[s]) for s in kept.keys() & other]
    better = [_sum_of((one, more), result).u_R < one.u_R for one, more, result in both if result.success]
    return sum(better) > len(better) / 2


def _resolved(track_arcs: Mapping[int, int], final: Sequence[FitResult]) -> int:
    arcs = [(final[s].processes[j], final[s]) for s, j in track_arcs.items() if final[s].success]
    return sum(status_of(arc, arc.u_tau, result) != "not_resolvable" for arc, result in arcs)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Model, links and events of a series."""

    series: Series
    circuit: Circuit | None
    model: SeriesModel
    tracks: list[dict[int, int]]  # arc by spectrum
    runs: list[Run]
    ids: dict[int, str]  # by track, in order of τ
    events: tuple[Event, ...]


def find_events(series: Series | Sequence[Spectrum], circuit: Circuit | str | None, jobs: int | None) -> Found:
    """Return the events of a series with the model and the links that they follow from.

    Parameters
    ----------
    series, circuit, jobs
        As for :func:`track`.
    """
    the_series = _series(series)
    spectra = list(the_series)
    if len(spectra) < 2:
        raise SpectrumError(f"track: {len(spectra)} spectra; give two or more")
    the_circuit = None if circuit is None else as_circuit(circuit)
    fits = EvidenceFits([with_accuracy(s) for s in spectra], jobs)
    model = model_series(fits, None if the_circuit is None else Family.of(the_circuit))
    drt_of = drts(spectra)
    arcs = [r.processes if r.success else () for r in model.results]
    tracks = _joined(_linked(the_series, arcs), arcs)
    runs = [run for i, arc_by_spectrum in enumerate(tracks) for run in _runs(i, arc_by_spectrum, arcs)]
    for run in runs:
        fit_common_shape(run, model)
    order = sorted(range(len(tracks)), key=lambda i: _median_tau(tracks[i], arcs))
    ids = {i: f"P{rank + 1}" for rank, i in enumerate(order)}
    events = []
    for run in runs:
        for kind in ("appeared", "disappeared"):
            evidence = judge(run, kind, model, [r for r in runs if r is not run], spectra, drt_of)
            if evidence is not None:
                events.append(_event(run, kind, evidence, the_series, ids[run.track]))
    events.sort(key=lambda event: (event.index, event.process_id))
    return Found(the_series, the_circuit, model, tracks, runs, ids, tuple(events))


def _event(run: Run, kind: str, evidence: dict[str, Any], series: Series, name: str) -> Event:
    """Return an event; a disappearance is at the first spectrum without the process."""
    later = 0 if kind == "appeared" else 1
    status, index = evidence.pop("status"), int(evidence.pop("index")) + later
    evidence |= {"index_low": evidence["index_low"] + later, "index_high": evidence["index_high"] + later}
    evidence = {k: v.item() if isinstance(v, np.generic) else v for k, v in evidence.items()}
    return Event(kind, index, float(series.coordinate[index]), name, status, evidence)


def _series(series: Series | Sequence[Spectrum]) -> Series:
    if isinstance(series, Series):
        return series
    given = [replace(s, metadata=s.metadata.updated("order", time_h=float(i))) for i, s in enumerate(series)]
    return Series(given, by="time")


def _linked(series: Series, arcs: Sequence[Sequence[Process]]) -> list[dict[int, int]]:
    kelvin = series.coordinate + ZERO_CELSIUS if series.by == "temperature" else None
    frames = [np.log10(np.array([(p.tau, max(p.R, 1e-30)) for p in some]).reshape(-1, 2)) for some in arcs]
    return link(frames, kelvin)


def _median_tau(track_arcs: dict[int, int], arcs: Sequence[Sequence[Process]]) -> float:
    return float(np.median([arcs[s][i].tau for s, i in track_arcs.items()]))


def _joined(tracks: list[dict[int, int]], arcs: Sequence[Sequence[Process]]) -> list[dict[int, int]]:
    """Join tracks of one process that reappears at the same τ or shifts far between two spectra."""
    joined: list[dict[int, int]] = []
    for track_arcs in sorted(tracks, key=min):
        for before in joined:
            if set(before) & set(track_arcs):
                continue
            distance = abs(math.log10(_median_tau(track_arcs, arcs) / _median_tau(before, arcs)))
            first, last = min(track_arcs), max(before)
            adjoins = first - last in range(1, LONGEST_GAP + 2)
            step = abs(math.log10(arcs[first][track_arcs[first]].tau / arcs[last][before[last]].tau))
            if distance < REJOIN or (adjoins and step < MOVED):
                before.update(track_arcs)
                break
        else:
            joined.append(dict(track_arcs))
    return joined


def _runs(index: int, track_arcs: dict[int, int], arcs: Sequence[Sequence[Process]]) -> list[Run]:
    """Return the contiguous ranges of a track; one missing spectrum does not interrupt a range."""
    runs: list[Run] = []
    for s in sorted(track_arcs):
        if runs and s - runs[-1].last <= 1 + LONGEST_GAP:
            runs[-1].arcs[s] = arcs[s][track_arcs[s]]
        else:
            runs.append(Run(index, {s: arcs[s][track_arcs[s]]}))
    return runs


def _reported(model: SeriesModel, s: int, spectrum: Spectrum) -> FitResult:
    """Return the fit to report, weighted by |Z|, started from the fit used as evidence."""
    result = model.results[s]
    if not result.success:
        return result
    start = dict(zip(result.circuit.parameters, result.values.tolist(), strict=True))
    start = {
        name: min(max(value, 0.1), 1.0) if spec.kind == "exponent" else max(value, 1e-30)
        for (name, value), spec in zip(start.items(), result.circuit.specs, strict=True)
    }
    final = refit(spectrum, result.circuit, start, model.held(s))
    return final if final.success else result


def _process(
    name: str, group: Sequence[int], found: Found, final: Sequence[FitResult], events: Sequence[Event]
) -> TrackedProcess:
    """Return a process; its resistance is the sum over the tracks of the group."""
    n = len(final)
    columns: dict[str, FloatArray] = {
        c: np.full(n, np.nan)
        for c in ("R", "u_R", "tau", "u_tau", "alpha", "u_alpha", "C_eff", "u_C_eff", "upper_limit")
    }
    status, edge, n_arcs = [""] * n, [False] * n, [0] * n
    own_runs = [run for run in found.runs if run.track in group]
    ended = {e.index for e in events if e.process_id == name and e.kind == "disappeared"}
    begun = {e.index for e in events if e.process_id == name and e.kind == "appeared"}
    for s in range(n):
        # processes are in order of τ in a joint fit as well
        members = [
            final[s].processes[found.tracks[i][s]] for i in group if s in found.tracks[i] and final[s].success
        ]
        n_arcs[s] = len(members)
        if members:
            arc = max(members, key=lambda one: one.R)
            for c in columns.keys() - {"upper_limit"}:
                columns[c][s] = getattr(arc, c)
            added = next((a for a in found.model.added if a.name == arc.name), None)
            if added is not None:
                columns["u_tau"][s] = added.u_log_tau * arc.tau
            if len(members) > 1:
                arc = _sum_of(members, final[s])
                for c in ("R", "u_R", "alpha", "u_alpha", "C_eff", "u_C_eff"):
                    columns[c][s] = getattr(arc, c)
            status[s], edge[s] = status_of(arc, columns["u_tau"][s], final[s]), arc.edge
            if status[s] == "not_resolvable":
                limit = arc.R + TWO_SIDED_95 * arc.u_R
                # an arc at its bound has no error
                columns["upper_limit"][s] = limit if limit > LEAST_LIMIT * _size(final[s]) else math.nan
            continue
        nearest = min(own_runs, key=lambda r: min(abs(r.first - s), abs(r.last - s)))
        absent = (s < nearest.first and any(s < i <= nearest.last for i in begun)) or (
            s > nearest.last and any(nearest.first < i <= s for i in ended)
        )
        status[s] = "absent" if absent else "not_resolvable"
        if np.isfinite(nearest.R[s]):
            columns["upper_limit"][s] = max(nearest.R[s], 0.0) + TWO_SIDED_95 * nearest.u_R[s]
    return TrackedProcess(id=name, **columns, status=tuple(status), edge=tuple(edge), n_arcs=tuple(n_arcs))


def _size(result: FitResult) -> float:
    return float(np.median(np.abs(result.spectrum.impedance[result.spectrum.mask])))


def _sum_of(members: Sequence[Process], result: FitResult) -> Process:
    """Return the largest arc with the sum of the resistances; a sum has no exponent and no capacitance."""
    index = [result.circuit.index(f"{arc.name}.R") for arc in members]
    u = math.sqrt(max(float(result.covariance[np.ix_(index, index)].sum()), 0.0))
    largest, total = max(members, key=lambda arc: arc.R), float(sum(arc.R for arc in members))
    nan = math.nan
    return replace(largest, R=total, u_R=u, alpha=nan, u_alpha=nan, C_eff=nan, u_C_eff=nan)


def _circuit_flags(found: Found) -> tuple[str, ...]:
    """Return a remark if spectra need another number of arcs than the given circuit has."""
    if found.circuit is None:
        return ()
    model, given = found.model, len(Family.of(found.circuit).arcs)
    counts = [k + sum(a.first <= s <= a.last for a in model.added) for s, k in enumerate(model.n_arcs)]
    others = sorted({k for k in counts if k != given})
    if not others:
        return ()
    which = ", ".join(map(str, others))
    return (
        f"{found.circuit} has {given} arcs; {sum(k != given for k in counts)} spectra are fitted with {which}",
    )


def _vague_flags(count: int) -> tuple[str, ...]:
    """Return a remark on arcs that are not listed."""
    if not count:
        return ()
    return (f"{count} {'arc is' if count == 1 else 'arcs are'} too vague to be listed",)


def _flags(series: Series, final: Sequence[FitResult]) -> tuple[str, ...]:
    flags = [f"{r.spectrum.label}: no fit ({r.reason})" for r in final if not r.success]
    poor = [r.spectrum.label for r in final if r.status == "poor_model"]
    if poor:
        first = f"{len(poor)} spectra are described poorly; the first is {poor[0]}"
        flags.append(first if len(poor) > 1 else f"{poor[0]} is described poorly")
    repeated = (
        len(series)
        - np.unique(
            np.column_stack([series.coordinate, [d == "discharge" for d in series.direction]]), axis=0
        ).shape[0]
    )
    if repeated:
        flags.append(f"{repeated} spectra repeat a coordinate: kept as replicates, in their order")
    return tuple(flags)
