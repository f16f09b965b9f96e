"""Job of ``eistool track``: processes along series, as tables and pictures."""

import base64
import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from eistool.batch import (
    Breakdown,
    Cache,
    Derived,
    Job,
    JobOptions,
    Progress,
    Record,
    Records,
    Step,
    Summary,
    Task,
    attempt,
    quiet,
    run_job,
)
from eistool.batch.job import Picture, failure
from eistool.batch.store import digest
from eistool.circuit import Circuit, as_circuit
from eistool.errors import CircuitError, EistoolError
from eistool.escaping import file_name
from eistool.jobs.cycling import GIVEN
from eistool.spectrum import Series, Sweep, sample_name
from eistool.spectrum.series import COORDINATES
from eistool.tables import Rows
from eistool.tables.spectra import FAILURES, MEASURED, SPECTRA, spectrum_row
from eistool.tables.tracks import TRACK_TABLES, track_rows
from eistool.tracking.family import Family
from eistool.typing import JSON, Threshold

FEWEST: Annotated[int, Threshold("spectra of a series", "project definition")] = 3
FOLDER = "tracks"  # below the folder of plots


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOptions(JobOptions):
    """Options of :func:`track_folder`, beside those of :class:`~eistool.batch.JobOptions`.

    Parameters
    ----------
    by : {"soc", "voltage", "temperature", "time", "cycle"}
        Coordinate of the series.
    circuit : str, optional
        A name of the library, or an expression; by default chosen from the series.
    circuit_folders : tuple of Path
        Folders of the user's circuits, searched before the built-in ones.
    """

    by: str
    circuit: str | None = None
    circuit_folders: tuple[Path, ...] = ()

    def settings(self) -> JSON:
        """Return the settings of this job alone, for ``run.json``."""
        folders = [folder.name for folder in self.circuit_folders]
        return {"by": self.by, "circuit": self.circuit, "circuit_folders": folders}


@dataclass(frozen=True, eq=False)
class TrackJob(Job[TrackOptions]):
    """Processes of all series."""

    name = "track"
    stage = "loading"
    tables = (SPECTRA, MEASURED, FAILURES)

    def decisive(self) -> JSON:
        """Return no settings: results depend on series, not on records."""
        return {}

    def analyze(self, task: Task) -> Record:
        """Return the record of one spectrum, with its points."""
        spectrum = task.load()
        tables = {"spectra": Rows.of(spectrum_row(spectrum, "ok", "")), "measured": MEASURED.points(spectrum)}
        return Record(task.key, "ok", tables)

    def derive(self, tasks: Sequence[Task], records: Records, step: Step, cache: Cache) -> Derived:
        """Return tracks and events of all series."""
        return derive_tracks([task.sweep for task in tasks], self.options, step, cache)


def track_folder(
    paths: Sequence[Path],
    out: Path,
    options: TrackOptions,
    command: Sequence[str] = (),
    progress: Progress = quiet,
) -> Summary:
    """Track the processes of all series below the paths, see :func:`run_job`.

    Spectra with the same ``sample_id`` form a series; without one, the spectra of a folder do.

    Raises
    ------
    CircuitError
        If the circuit is invalid or has no arc in series.
    """
    if options.circuit is not None:
        Family.of(as_circuit(options.circuit, options.circuit_folders))
    return run_job(TrackJob(options), paths, out, command, progress)


def derive_tracks(sweeps: Sequence[Sweep], options: TrackOptions, step: Step, cache: Cache) -> Derived:
    """Return tracks, events and summaries of all series, their pictures, and a line for each finding."""
    failures: list[Record] = []
    parts: list[list[Rows]] = []
    pictures: dict[str, Picture] = {}
    lines = []
    coordinate = COORDINATES[options.by]
    groups, missing = _series(sweeps, coordinate)
    if missing:
        lines.append(f"{missing} spectra have no {coordinate} and belong to no series; add it to samples.csv")
    for done, (name, members) in enumerate(groups.items(), start=1):
        if len(members) < FEWEST:
            lines.append(f"{name}: {len(members)} spectra with a {coordinate}; a series needs {FEWEST}")
            continue
        if len({getattr(sweep.metadata, coordinate) for sweep in members}) == 1:
            lines.append(f"{name}: all {len(members)} spectra have the same {coordinate}: no series")
            continue
        described = [[sweep.content, sweep.metadata.to_dict(), sweep.notes] for sweep in members]
        inputs = ["track", name, options.settings(), options.plots, described]
        tracked = attempt(
            name, functools.partial(cache.get, inputs, functools.partial(_track, name, members, options))
        )
        if isinstance(tracked, Breakdown):
            reason = tracked.reason.removeprefix(f"{name}: ")
            lines.append(f"{name}: not tracked: {reason}")
            failures.append(failure(name, "track", reason))
            continue
        parts.append([Rows(tuple(columns), tuple(map(tuple, rows))) for columns, rows in tracked["tables"]])
        lines += [f"{name}: {line}" for line in tracked["lines"]]
        failures += [failure(name, "draw", reason) for reason in tracked["failures"]]
        for kind, png in tracked["pictures"].items():
            picture = Picture(digest([inputs, kind]), functools.partial(base64.b64decode, png))
            pictures[f"{FOLDER}/{_file_name(name, f'.{kind}.png')}"] = picture
        step(done, len(groups))
    tables = {
        table.name: Rows(table.names, tuple(row for part in parts for row in part[i].rows))
        for i, table in enumerate(TRACK_TABLES)
    }
    return Derived(tables, pictures, series=tuple(lines), failures=tuple(failures))


def _track(name: str, members: Sequence[Sweep], options: TrackOptions) -> JSON:
    """Return the tables, lines and pictures of a series."""
    from eistool.report import tracks_to_png
    from eistool.tracking import compute_series_drt, track

    series = Series([sweep.load() for sweep in members], by=options.by)
    result = track(series, _circuit(members, options), options.jobs)
    drt = None
    with contextlib.suppress(EistoolError):  # needs more spectra or points
        drt = compute_series_drt(result.series)
    drawn: dict[str, bytes] | Breakdown = {}
    if options.plots == "all":
        drawn = attempt(f"pictures of {name}", functools.partial(tracks_to_png, result, name, drt))
    pictures = {} if isinstance(drawn, Breakdown) else drawn
    return {
        "tables": [[rows.columns, rows.rows] for rows in track_rows(name, result, drt)],
        "lines": [line.strip() for line in repr(result).splitlines()],
        "pictures": {kind: base64.b64encode(png).decode() for kind, png in pictures.items()},
        "failures": [drawn.reason] if isinstance(drawn, Breakdown) else [],
    }


def _series(sweeps: Sequence[Sweep], column: str) -> tuple[dict[str, list[Sweep]], int]:
    """Return the sweeps of each series, and the number without the coordinate."""
    groups: dict[str, list[Sweep]] = {}
    missing = 0
    for sweep in _timed(sweeps) if column == "time_h" else sweeps:
        if column == "voltage_V" and sweep.metadata.voltage_V is None:
            mean = sweep.metadata.ewe_mean_V
            sweep = sweep.with_metadata("mean of the sweep", voltage_V=mean)
        if getattr(sweep.metadata, column) is None:
            missing += 1
            continue
        groups.setdefault(sample_name(sweep.metadata), []).append(sweep)
    return groups, missing


def _timed(sweeps: Sequence[Sweep]) -> list[Sweep]:
    """Return sweeps with ``time_h`` from a common start, if all starts are known.

    Hours given by the user are kept.
    """
    if any(s.metadata.origin.get("time_h") in GIVEN for s in sweeps):
        return list(sweeps)
    starts = [s.metadata.started_at for s in sweeps]
    try:
        began = [datetime.fromisoformat(str(start)) for start in starts]
        hours = [(at - min(began)).total_seconds() / 3600 for at in began]
    except (ValueError, TypeError):  # an unknown start; with and without a time zone
        return list(sweeps)
    return [s.with_metadata("started_at", time_h=h) for s, h in zip(sweeps, hours, strict=True)]


def _circuit(sweeps: Sequence[Sweep], options: TrackOptions) -> Circuit | None:
    """Return the circuit of the options, or the largest circuit with arcs of the series in the samples table."""
    if options.circuit is not None:
        return as_circuit(options.circuit, options.circuit_folders)
    named = {s.metadata.circuit for s in sweeps}
    if None in named or "auto" in named:
        return None
    circuits = [as_circuit(str(name), options.circuit_folders) for name in sorted(map(str, named))]
    return max(filter(_has_arcs, circuits), key=lambda circuit: len(circuit.parameters), default=None)


def _has_arcs(circuit: Circuit) -> bool:
    try:
        return bool(Family.of(circuit).arcs)
    except CircuitError:
        return False


def _file_name(series: str, ending: str) -> str:
    return file_name(series.replace("/", "_") if series != "." else "series", ending)
