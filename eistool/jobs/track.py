"""Job of ``eistool track``: processes along series, as tables and pictures."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from eistool.batch import Derived, Job, JobOptions, Progress, Record, Step, Summary, Task, quiet, run_job
from eistool.batch.job import BREAKDOWNS
from eistool.circuit import Circuit, as_circuit
from eistool.errors import EistoolError
from eistool.jobs.cycling import GIVEN
from eistool.spectrum import Series, Spectrum, sample_name
from eistool.spectrum.series import COORDINATES
from eistool.tables import Rows
from eistool.tables.spectra import FAILURES, MEASURED, SPECTRA, spectrum_row
from eistool.tables.tracks import TRACK_TABLES, track_rows
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
    stage = "reading"
    tables = (SPECTRA, MEASURED, FAILURES)

    def decisive(self) -> JSON:
        """Return no settings: results depend on series, not on records."""
        return {}

    def compute(self, tasks: Sequence[Task]) -> list[Record]:
        """Return the records of tasks, with the spectra alone."""
        return [
            Record(
                task.key,
                "ok",
                {
                    "spectra": Rows.of(spectrum_row(task.spectrum, "ok", "")),
                    "measured": MEASURED.points(task.spectrum),
                },
            )
            for task in tasks
        ]

    def derive(self, tasks: Sequence[Task], records: Sequence[Record], step: Step) -> Derived:
        """Return tracks and events of all series."""
        return derive_tracks([task.spectrum for task in tasks], self.options, step)


def track_folder(
    paths: Sequence[Path],
    out: Path,
    options: TrackOptions,
    command: Sequence[str] = (),
    progress: Progress = quiet,
) -> Summary:
    """Track the processes of all series below the paths, see :func:`run_job`.

    Spectra with the same ``sample_id`` form a series; without one, the spectra of a folder do.
    """
    if options.circuit is not None:
        as_circuit(options.circuit, options.circuit_folders)
    return run_job(TrackJob(options), paths, out, command, progress)


def derive_tracks(spectra: Sequence[Spectrum], options: TrackOptions, step: Step) -> Derived:
    """Return tracks, events and summaries of all series, their pictures, and a line for each finding."""
    from eistool.report import tracks_to_png
    from eistool.tracking import compute_series_drt, track

    parts: list[list[Rows]] = []
    pictures: dict[str, Callable[[], bytes]] = {}
    lines = []
    coordinate = COORDINATES[options.by]
    groups, missing = _series(spectra, coordinate)
    if missing:
        lines.append(f"{missing} spectra have no {coordinate} and belong to no series; add it to samples.csv")
    for done, (name, members) in enumerate(groups.items(), start=1):
        if len(members) < FEWEST:
            lines.append(f"{name}: {len(members)} spectra with a {coordinate}; a series needs {FEWEST}")
            continue
        if len({getattr(spectrum.metadata, coordinate) for spectrum in members}) == 1:
            lines.append(f"{name}: all {len(members)} spectra have the same {coordinate}: no series")
            continue
        try:
            result = track(Series(members, by=options.by), _circuit(members, options), options.jobs)
            drt = None
            with contextlib.suppress(EistoolError):  # needs more spectra or points
                drt = compute_series_drt(result.series)
            parts.append(track_rows(name, result, drt))
        except BREAKDOWNS as error:
            lines.append(f"{name}: not tracked: {error}")
            continue
        lines += [f"{name}: {line.strip()}" for line in repr(result).splitlines()]
        if options.plots == "all":
            for kind, png in tracks_to_png(result, name, drt).items():
                pictures[f"{FOLDER}/{_file_name(name)}.{kind}.png"] = functools.partial(bytes, png)
        step(done, len(groups))
    tables = {
        table.name: Rows(table.names, tuple(row for part in parts for row in part[i].rows))
        for i, table in enumerate(TRACK_TABLES)
    }
    return Derived(tables, pictures, series=tuple(lines))


def _series(spectra: Sequence[Spectrum], column: str) -> tuple[dict[str, list[Spectrum]], int]:
    """Return the spectra of each series, and the number without the coordinate."""
    groups: dict[str, list[Spectrum]] = {}
    missing = 0
    for spectrum in _timed(spectra) if column == "time_h" else spectra:
        if column == "voltage_V" and spectrum.metadata.voltage_V is None:
            mean = spectrum.metadata.ewe_mean_V
            spectrum = spectrum.with_metadata("mean of the sweep", voltage_V=mean)
        if getattr(spectrum.metadata, column) is None:
            missing += 1
            continue
        groups.setdefault(sample_name(spectrum.metadata), []).append(spectrum)
    return groups, missing


def _timed(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    """Return spectra with ``time_h`` from a common start, if all starts are known.

    Hours given by the user are kept.
    """
    if any(s.metadata.origin.get("time_h") in GIVEN for s in spectra):
        return list(spectra)
    starts = [s.metadata.started_at for s in spectra]
    try:
        began = [datetime.fromisoformat(str(start)) for start in starts]
        hours = [(at - min(began)).total_seconds() / 3600 for at in began]
    except (ValueError, TypeError):  # an unknown start; with and without a time zone
        return list(spectra)
    return [s.with_metadata("started_at", time_h=h) for s, h in zip(spectra, hours, strict=True)]


def _circuit(spectra: Sequence[Spectrum], options: TrackOptions) -> Circuit | None:
    """Return the circuit of the options, or the largest circuit of the series in the samples table."""
    if options.circuit is not None:
        return as_circuit(options.circuit, options.circuit_folders)
    named = {s.metadata.circuit for s in spectra}
    if None in named or "auto" in named:
        return None
    circuits = [as_circuit(str(name), options.circuit_folders) for name in sorted(map(str, named))]
    return max(circuits, key=lambda circuit: len(circuit.parameters))


def _file_name(series: str) -> str:
    return series.replace("/", "_") if series != "." else "series"
