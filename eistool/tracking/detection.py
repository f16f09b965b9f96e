"""Follow every process along a series, and find where one comes or goes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eistool.circuit import Circuit, as_circuit
from eistool.constants import ONE_SIDED_95, TWO_SIDED_95, ZERO_CELSIUS
from eistool.errors import SpectrumError
from eistool.fitting import FitResult, Process
from eistool.fitting.engine import refit
from eistool.spectrum import Series, Spectrum
from eistool.tracking.accuracy import EvidenceFits, Residue, weighed
from eistool.tracking.arc_count import SWITCH, Description, describe
from eistool.tracking.evidence import Run, drts, judge, settle
from eistool.tracking.family import Family
from eistool.tracking.linking import LONGEST_GAP, link
from eistool.tracking.result import Event, TrackedProcess, Tracks, status_of
from eistool.tracking.smooth import smoothed
from eistool.typing import FloatArray

REJOIN = 0.4  # decades: a process that comes back
MOVED = 0.7  # decades: an arc that ends where another begins is that one
TYPICAL_ALPHA = 0.8


def track(
    series: Series | Sequence[Spectrum], circuit: Circuit | str | None = None, jobs: int | None = None
) -> Tracks:
    """Follow the processes of a series, and announce those that appear or disappear, with evidence.

    How many arcs each spectrum has is decided by BIC over the whole series; arcs that share τ and α over a
    contiguous range are looked for besides. Arcs of neighbouring spectra are linked by assignment of minimum
    cost, and fitted together where five or more spectra in a row have the same circuit, with time constants and
    exponents as smooth as the separate fits' scatter tells.
    A process that comes or goes is ``confirmed`` only if six criteria hold, each a column of the
    event's evidence: consistent spectra; a persistent DRT peak and R > 3 u; ΔBIC > 10 against the best
    circuit with an arc less, of other shapes and tails too, and more than noise gains at the boundary R = 0;
    a τ within the window and 0.7 decade from others; two spectra in a row; limits of R that exclude that it
    was there, or grew, unseen.

    Parameters
    ----------
    series : Series or sequence of Spectrum
        A sequence stays in its order, with the index as time.
    circuit : Circuit or str, optional
        Its arcs in series, as many as the spectra show, and its other elements describe the series; by default
        R0, L0 where leads may show, ZARC elements and the tail that the series prefers.
    jobs : int, optional
        Number of threads; by default one for each core.

    Returns
    -------
    Tracks

    Raises
    ------
    CircuitError
        If the circuit cannot be understood.
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
    the_series = _series(series)
    spectra = list(the_series)
    if len(spectra) < 2:
        raise SpectrumError(f"track: {len(spectra)} spectra; give two or more")
    the_circuit = None if circuit is None else as_circuit(circuit)
    fits = EvidenceFits([weighed(s) for s in spectra], jobs)
    description = describe(fits, None if the_circuit is None else Family.of(the_circuit))
    drt_of = drts(spectra)
    arcs = [r.processes if r.success else () for r in description.results]
    tracks = _joined(_linked(the_series, arcs), arcs)
    runs = [run for i, own in enumerate(tracks) for run in _runs(i, own, arcs)]
    for run in runs:
        settle(run, description)
    found = []
    for run in runs:
        for kind in ("appeared", "disappeared"):
            if (run.first > 0) if kind == "appeared" else (run.last < len(spectra) - 1):
                evidence = judge(run, kind, description, [r for r in runs if r is not run], spectra, drt_of)
                if evidence is not None:
                    found.append((run, kind, evidence))
    order = sorted(range(len(tracks)), key=lambda i: _median_tau(tracks[i], arcs))
    ids = {i: f"P{rank + 1}" for rank, i in enumerate(order)}
    events = []
    for run, kind, evidence in found:
        index = run.first if kind == "appeared" else run.last + 1
        status = evidence["status"]
        evidence = {k: v.item() if isinstance(v, np.generic) else v for k, v in evidence.items() if k != "status"}
        events.append(Event(kind, index, float(the_series.coordinate[index]), ids[run.track], status, evidence))
    events.sort(key=lambda event: (event.index, event.process_id))
    final = [_reported(description, s, spectra[s]) for s in range(len(spectra))]
    final = smoothed(the_series, final, [description.held(s) for s in range(len(spectra))], jobs)
    processes = tuple(_process(ids[i], i, tracks[i], runs, final, description, events) for i in order)
    tau, R = _detectable(description)
    return Tracks(
        the_series, the_circuit, tuple(final), processes, tuple(events), tau, R, _flags(the_series, final)
    )


def _series(series: Series | Sequence[Spectrum]) -> Series:
    if isinstance(series, Series):
        return series
    given = [replace(s, metadata=s.metadata.updated("order", time_h=float(i))) for i, s in enumerate(series)]
    return Series(given, by="time")


def _linked(series: Series, arcs: Sequence[Sequence[Process]]) -> list[dict[int, int]]:
    kelvin = series.coordinate + ZERO_CELSIUS if series.by == "temperature" else None
    frames = [np.log10(np.array([(p.tau, max(p.R, 1e-30)) for p in own]).reshape(-1, 2)) for own in arcs]
    return link(frames, kelvin)


def _median_tau(own: dict[int, int], arcs: Sequence[Sequence[Process]]) -> float:
    return float(np.median([arcs[s][i].tau for s, i in own.items()]))


def _joined(tracks: list[dict[int, int]], arcs: Sequence[Sequence[Process]]) -> list[dict[int, int]]:
    """Join tracks of one process: it came back at the same τ, or moved far from one spectrum to the next."""
    joined: list[dict[int, int]] = []
    for own in sorted(tracks, key=min):
        for before in joined:
            if set(before) & set(own):
                continue
            distance = abs(math.log10(_median_tau(own, arcs) / _median_tau(before, arcs)))
            adjoins = min(own) - max(before) in range(1, LONGEST_GAP + 2)
            step = abs(math.log10(arcs[min(own)][own[min(own)]].tau / arcs[max(before)][before[max(before)]].tau))
            if distance < REJOIN or (adjoins and step < MOVED):
                before.update(own)
                break
        else:
            joined.append(dict(own))
    return joined


def _runs(index: int, own: dict[int, int], arcs: Sequence[Sequence[Process]]) -> list[Run]:
    """Return the contiguous ranges of a track; one missing spectrum is no interruption."""
    runs: list[Run] = []
    for s in sorted(own):
        if runs and s - runs[-1].last <= 1 + LONGEST_GAP:
            runs[-1].arcs[s] = arcs[s][own[s]]
        else:
            runs.append(Run(index, {s: arcs[s][own[s]]}))
    return runs


def _reported(description: Description, s: int, spectrum: Spectrum) -> FitResult:
    """Return the fit to report: weighted by |Z| as all others are, from the one that evidence was drawn from."""
    result = description.results[s]
    if not result.success:
        return result
    start = dict(zip(result.circuit.parameters, result.values.tolist(), strict=True))
    start = {
        name: min(max(value, 0.1), 1.0) if spec.kind == "exponent" else max(value, 1e-30)
        for (name, value), spec in zip(start.items(), result.circuit.specs, strict=True)
    }
    own = refit(spectrum, result.circuit, start, description.held(s))
    return own if own.success else result


def _process(
    name: str, index: int, own: dict[int, int], runs: Sequence[Run], final: Sequence[FitResult],
    description: Description, events: Sequence[Event],
) -> TrackedProcess:  # fmt: skip
    n = len(final)
    columns: dict[str, FloatArray] = {
        c: np.full(n, np.nan)
        for c in ("R", "u_R", "tau", "u_tau", "alpha", "u_alpha", "C_eff", "u_C_eff", "upper_limit")
    }
    status, edge = [""] * n, [False] * n
    mine = [run for run in runs if run.track == index]
    ended = {e.index for e in events if e.process_id == name and e.kind == "disappeared"}
    begun = {e.index for e in events if e.process_id == name and e.kind == "appeared"}
    for s in range(n):
        run = next((r for r in mine if s in r.arcs), None)
        # ordered by τ, whatever a joint fit calls them
        arc = None if run is None or not final[s].success else final[s].processes[own[s]]
        if arc is not None:
            for c in columns.keys() - {"upper_limit"}:
                columns[c][s] = getattr(arc, c)
            added = next((a for a in description.added if a.name == arc.name), None)
            if added is not None:
                columns["u_tau"][s] = added.u_log_tau * arc.tau
            status[s], edge[s] = status_of(arc, columns["u_tau"][s], final[s]), arc.edge
            if status[s] == "not_resolvable":
                columns["upper_limit"][s] = arc.R + TWO_SIDED_95 * arc.u_R
            continue
        nearest = min(mine, key=lambda r: min(abs(r.first - s), abs(r.last - s)))
        absent = (s < nearest.first and nearest.first in begun) or (s > nearest.last and nearest.last + 1 in ended)
        status[s] = "absent" if absent else "not_resolvable"
        if np.isfinite(nearest.R[s]):
            columns["upper_limit"][s] = max(nearest.R[s], 0.0) + TWO_SIDED_95 * nearest.u_R[s]
    return TrackedProcess(id=name, **columns, status=tuple(status), edge=tuple(edge))


def _detectable(description: Description) -> tuple[FloatArray, FloatArray]:
    """Return from which R on one more arc in two spectra would have been seen in 95 of 100 series."""
    used = [(r, c) for r, c in zip(description.results, description.scale, strict=True) if r.success]
    if not used:
        return np.empty(0), np.empty(0)
    omega = used[0][0].spectrum.omega[used[0][0].spectrum.mask]
    low, high = 3 / float(omega.max()), 1 / (3 * float(omega.min()))
    tau = np.geomspace(low, high, max(2 * math.ceil(math.log10(high / low)), 2))
    u = [math.sqrt(c) * Residue.of(r).resistances(tau, np.full(tau.size, TYPICAL_ALPHA))[1] for r, c in used]
    n = 2.0 * omega.size
    threshold = math.sqrt((SWITCH + 2 * math.log(n) + 2 * math.log(2 * n)) / 2)
    return tau, (threshold + ONE_SIDED_95 / math.sqrt(2)) * np.median(u, axis=0)


def _flags(series: Series, final: Sequence[FitResult]) -> tuple[str, ...]:
    flags = [f"{r.spectrum.label}: no fit ({r.reason})" for r in final if not r.success]
    poor = [r.spectrum.label for r in final if r.status == "poor_model"]
    if poor:
        flags.append(f"{len(poor)} spectra are described poorly, {poor[0]} the first")
    repeated = (
        len(series)
        - np.unique(
            np.column_stack([series.coordinate, [d == "discharge" for d in series.direction]]), axis=0
        ).shape[0]
    )
    if repeated:
        flags.append(f"{repeated} spectra repeat a coordinate: replicates, kept in their order")
    return tuple(flags)
