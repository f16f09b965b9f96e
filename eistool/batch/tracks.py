"""Series of a batch: processes along a coordinate, as tables and pictures."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import eistool
from eistool.batch.derived import BREAKDOWNS, Derived
from eistool.batch.inputs import Selection
from eistool.batch.profile import WRITTEN_DOWN
from eistool.batch.records import read_record
from eistool.batch.runner import Job, Progress, Summary, Task, key_of, run_job
from eistool.batch.store import Rows
from eistool.batch.tables import TRACK_TABLES
from eistool.circuit import as_circuit
from eistool.spectrum import Series, Spectrum
from eistool.spectrum.series import COORDINATES
from eistool.typing import JSON

TABLES_WRITTEN = ("spectra", "failures")
FEWEST = 3  # spectra of a series
FOLDER = "tracks"  # of the plots


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOptions:
    """How series are followed.

    Parameters
    ----------
    by : {"soc", "voltage", "temperature", "time", "cycle"}
        The coordinate.
    circuit : str, optional
        A name of the library, or an expression; by default what the series shows.
    plots : {"all", "none"}
        Whether there are pictures.
    circuit_folders : tuple of Path
        Folders of the user's circuits, searched before the built-in ones.
    jobs, samples, selection, force
        As for :class:`FitOptions`.
    """

    by: str
    circuit: str | None = None
    plots: str = "all"
    circuit_folders: tuple[Path, ...] = ()
    jobs: int | None = None
    samples: Path | None = None
    selection: Selection = field(default_factory=Selection)
    force: bool = False

    def to_dict(self) -> JSON:
        """Return what decides on the results, and what was asked for beside it."""
        return {
            "by": self.by,
            "circuit": self.circuit,
            "circuit_folders": [folder.name for folder in self.circuit_folders],
            **self.selection.to_dict(),
            "samples": None if self.samples is None else self.samples.name,
            "plots": self.plots,
            "jobs": self.jobs,
            "force": self.force,
        }


def track_folder(
    paths: Sequence[Path],
    out: Path,
    options: TrackOptions,
    command: Sequence[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Follow the processes of all series below the paths, and write tables and pictures.

    Spectra with the same ``sample_id`` are a series; those without one, the spectra of one folder.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    out : Path
        The result folder, made if need be; it may be that of :func:`fit_folder`.
    options : TrackOptions
        How.
    command : sequence of str
        For ``run.json``.
    progress : callable
        Told the stage (``reading``, ``drawing``), how many are done, and of how many.

    Raises
    ------
    ReaderError, ConfigError, CircuitError
        If a path, an option or a samples table is wrong; nothing was computed then.
    """
    if options.circuit is not None:
        as_circuit(options.circuit, options.circuit_folders)
    job = Job(
        options,
        "reading",
        TABLES_WRITTEN,
        _plan,
        lambda chunk, jobs: [read_record(task.key, task.spectrum) for task in chunk],
        finish=lambda out, records, tell: None,
        derive=lambda tasks, records, tell: derive_tracks([task.spectrum for task in tasks], options, tell),
    )
    return run_job(job, paths, out, command, progress)


def _plan(spectra: Sequence[Spectrum]) -> list[Task]:
    settings = {"version": eistool.__version__, "job": "track"}
    return [Task(key_of(spectrum, settings), spectrum) for spectrum in spectra]


def derive_tracks(spectra: Sequence[Spectrum], options: TrackOptions, tell: Callable[[int, int], None]) -> Derived:
    """Return tracks, events and summaries of all series as tables, their pictures, and a line for each finding."""
    from eistool.tracking import track

    tracks: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    pictures: dict[str, Callable[[], bytes]] = {}
    found = []
    groups, missing = _series(spectra, COORDINATES[options.by])
    if missing:
        found.append(
            f"{missing} spectra have no {COORDINATES[options.by]}, and are in no series; add it to samples.csv"
        )
    for done, (name, own) in enumerate(groups.items(), start=1):
        if len(own) < FEWEST:
            found.append(f"{name}: {len(own)} spectra with a {COORDINATES[options.by]}; a series needs {FEWEST}")
            continue
        if len({getattr(spectrum.metadata, COORDINATES[options.by]) for spectrum in own}) == 1:
            found.append(f"{name}: all {len(own)} spectra have the same {COORDINATES[options.by]}: no series")
            continue
        try:
            result = track(Series(own, by=options.by), _circuit(own, options), options.jobs)
            summary = result.summary_rows()
        except BREAKDOWNS as error:
            found.append(f"{name}: not tracked: {error}")
            continue
        tracks += [{"series": name, **row} for row in result.rows()]
        events += [{"series": name, **row} for row in result.event_rows()]
        summaries += [{"series": name, **row} for row in summary]
        found += [f"{name}: {line.strip()}" for line in repr(result).splitlines()]
        if options.plots == "all":
            from eistool.report import tracks_to_png

            for kind, png in tracks_to_png(result, name).items():
                pictures[f"{FOLDER}/{_file_name(name)}.{kind}.png"] = functools.partial(bytes, png)
        tell(done, len(groups))
    tables = {
        table: _table(table, rows) for table, rows in zip(TRACK_TABLES, (tracks, events, summaries), strict=True)
    }
    return Derived(tables, pictures, told=tuple(found))


def _series(spectra: Sequence[Spectrum], column: str) -> tuple[dict[str, list[Spectrum]], int]:
    """Return the spectra of each series, and how many lack the coordinate."""
    groups: dict[str, list[Spectrum]] = {}
    missing = 0
    for spectrum in _timed(spectra) if column == "time_h" else spectra:
        if column == "voltage_V" and spectrum.metadata.voltage_V is None:
            mean = spectrum.metadata.ewe_mean_V
            spectrum = spectrum.with_metadata("mean of the sweep", voltage_V=mean)
        if getattr(spectrum.metadata, column) is None:
            missing += 1
            continue
        source = spectrum.metadata.source or spectrum.label
        name = spectrum.metadata.sample_id or source.rpartition("/")[0] or "."
        groups.setdefault(name, []).append(spectrum)
    return groups, missing


def _timed(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    """Return spectra whose hours count from one start, where all know when they began: files start anew.

    Hours that a user gave stay as they are.
    """
    if any(s.metadata.origin.get("time_h") in WRITTEN_DOWN for s in spectra):
        return list(spectra)
    starts = [s.metadata.started_at for s in spectra]
    try:
        began = [datetime.fromisoformat(str(start)) for start in starts]
        hours = [(at - min(began)).total_seconds() / 3600 for at in began]
    except (ValueError, TypeError):  # an unknown start; with and without a time zone
        return list(spectra)
    return [s.with_metadata("started_at", time_h=h) for s, h in zip(spectra, hours, strict=True)]


def _circuit(spectra: Sequence[Spectrum], options: TrackOptions) -> Any:
    """Return the circuit that was asked for, or the largest that the samples table names for the series."""
    if options.circuit is not None:
        return as_circuit(options.circuit, options.circuit_folders)
    named = {s.metadata.circuit for s in spectra}
    if None in named or "auto" in named:
        return None
    circuits = [as_circuit(str(name), options.circuit_folders) for name in sorted(map(str, named))]
    return max(circuits, key=lambda circuit: len(circuit.parameters))


def _table(name: str, rows: Sequence[dict[str, Any]]) -> Rows:
    columns = TRACK_TABLES[name]
    return Rows(columns, tuple(tuple(_cell(row.get(column)) for column in columns) for row in rows))


def _cell(value: Any) -> Any:
    missing = value is None or value == "" or (isinstance(value, float) and not abs(value) < float("inf"))
    return None if missing else value


def _file_name(series: str) -> str:
    return series.replace("/", "_") if series != "." else "series"
