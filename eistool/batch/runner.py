"""The batch: read everything, compute what is new, write the tables."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import eistool
from eistool.batch.derived import Derived
from eistool.batch.files import probe, write_whole
from eistool.batch.inputs import Inputs, Selection, read_inputs
from eistool.batch.interruption import stop_on_signal
from eistool.batch.store import Key, Record, Rows, Store
from eistool.batch.tables import TABLES, collect, to_csv
from eistool.circuit import Circuit
from eistool.errors import ConfigError
from eistool.spectrum import Spectrum
from eistool.typing import JSON

RUN = "run.json"
CHUNK_PER_JOB = 4  # fits between two looks at progress and interruption

Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What a batch did, and what its result folder holds now."""

    out: Path
    records: tuple[Record, ...]  # by source and sweep
    n_read: int
    n_computed: int
    interrupted: bool
    ignored: tuple[Mapping[str, str], ...]
    warnings: tuple[str, ...]
    derived: Mapping[str, Rows] = field(default_factory=dict)  # tables made of all records together
    series: tuple[str, ...] = ()  # what whole series tell

    @property
    def counts(self) -> dict[str, int]:
        """Number of records by status, and of sweeps computed by this run."""
        names = ("ok", "poor_model", "failed", "left_out")
        counts = {name: sum(record.status == name for record in self.records) for name in names}
        return {**counts, "computed_now": self.n_computed, "ignored_files": len(self.ignored)}

    @property
    def exit_code(self) -> int:
        """0 all done, 1 some failed, 3 nothing readable, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.n_read == 0:
            return 3
        return int(any(record.status == "failed" for record in self.records))


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A spectrum, the circuits to fit or compare if any, and the key of its result."""

    key: Key
    spectrum: Spectrum
    circuits: tuple[Circuit, ...] = ()


class Options(Protocol):
    """What the options of all jobs have."""

    @property
    def samples(self) -> Path | None: ...  # noqa: D102
    @property
    def selection(self) -> Selection: ...  # noqa: D102
    @property
    def jobs(self) -> int | None: ...  # noqa: D102
    @property
    def force(self) -> bool: ...  # noqa: D102
    @property
    def plots(self) -> str: ...  # noqa: D102

    def to_dict(self) -> JSON: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a batch does with its spectra.

    Parameters
    ----------
    options : Options
        Its settings, for ``run.json`` too.
    stage : str
        What progress calls it.
    tables : tuple of str
        Which of :data:`TABLES` it writes.
    plan : callable
        Tasks for spectra; wrong settings raise here, before anything is computed.
    compute : callable
        Records of tasks with the same settings, computed in so many threads.
    finish : callable
        Writes what is not a table into the result folder.
    remarks : callable
        Warnings about tasks and their records.
    describe : callable
        The spectra with what else is known of them, before they are planned.
    record : Path, optional
        A file that describes spectra and holds none, wherever it lies.
    derive : callable
        Tables and pictures of all records together.
    """

    options: Options
    stage: str
    tables: tuple[str, ...]
    plan: Callable[[Sequence[Spectrum]], list[Task]]
    compute: Callable[[Sequence[Task], int], list[Record]]
    finish: Callable[[Path, Sequence[Record], Callable[[int, int], None]], None]
    remarks: Callable[[Sequence[Task], Sequence[Record]], list[str]] = lambda tasks, records: []
    describe: Callable[[Sequence[Spectrum]], list[Spectrum]] = list
    record: Path | None = None
    derive: Callable[[Sequence[Task], Sequence[Record], Callable[[int, int], None]], Derived] = (
        lambda tasks, records, tell: Derived()
    )


def run_job(job: Job, paths: Sequence[Path], out: Path, command: Sequence[str], progress: Progress) -> Summary:
    """Read all spectra below the paths, compute what is new, and write the result folder.

    Raises
    ------
    ReaderError, ConfigError, CircuitError, FitError
        If a path, an option or a samples table is wrong; nothing was computed then.
    """
    options = job.options
    started = datetime.now(UTC), time.perf_counter()
    _check_out(out, paths)
    inputs = read_inputs(
        paths,
        out,
        options.samples,
        options.selection,
        lambda done, total: progress("reading", done, total),
        job.record,
    )
    if inputs.selected_none:
        raise ConfigError(f"{inputs.n_read} sweeps were read, and the selection leaves none; choose others")
    tasks = job.plan(job.describe(inputs.spectra))
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / RUN, _json({"state": "running", "version": eistool.__version__}))
    store = Store(out / "records.jsonl")
    if options.force:
        store.clear()
    done, n_computed, interrupted = _compute(tasks, store, job, progress)
    records = tuple(sorted([*done, *inputs.records], key=lambda record: record.key))
    for name in job.tables:
        write_whole(out / f"{name}.csv", to_csv(collect(name, records)))
    derived = Derived()
    if not interrupted:
        try:
            derived = job.derive(tasks, records, lambda i, n: progress("deriving", i, n))
            for name, table in derived.tables.items():
                write_whole(out / f"{name}.csv", to_csv(table))
            job.finish(out, records, lambda i, n: progress("drawing", i, n))
            if options.plots != "none":
                _write_pictures(out / "plots", derived)
        except KeyboardInterrupt:
            interrupted = True
    remarks = (*inputs.warnings, *job.remarks(tasks, done), *derived.remarks, *_strangers(store, tasks))
    summary = Summary(
        out,
        records,
        inputs.n_read,
        n_computed,
        interrupted,
        tuple(inputs.ignored),
        remarks,
        derived.tables,
        derived.told,
    )
    write_whole(out / RUN, _json(_run(summary, inputs, options, command, started)))
    return summary


def _write_pictures(folder: Path, derived: Derived) -> None:
    for name, draw in derived.pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, draw())


def _compute(tasks: Sequence[Task], store: Store, job: Job, progress: Progress) -> tuple[list[Record], int, bool]:
    """Return the records of the tasks, how many were computed now, and whether that was interrupted."""
    done = [record for task in tasks if (record := store.get(task.key)) is not None]
    pending = [task for task in tasks if store.get(task.key) is None]
    n_before = len(done)
    with stop_on_signal() as stop:
        try:
            for records in _chunks(pending, job):
                for record in records:
                    store.append(record)
                    done.append(record)
                    progress(job.stage, len(done), len(tasks))
                if stop.is_set():
                    break
        except KeyboardInterrupt:
            stop.set()
    return done, len(done) - n_before, stop.is_set()


def _check_out(out: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if path.resolve().is_relative_to(out.resolve()) and not (out / RUN).exists():
            raise ConfigError(f"--out {out} holds the input {path}; choose a folder of its own for results")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; choose a folder")
    if not (out / RUN).exists() and any((out / f"{name}.csv").exists() for name in TABLES):
        raise ConfigError(f"--out {out} holds tables, and no {RUN} that says they are ours; choose another folder")
    try:
        probe(out)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose a folder of your own"
        ) from error


def key_of(spectrum: Spectrum, settings: JSON) -> Key:
    """Return what a result depends on: points, metadata, and the settings that decide on it."""
    described = [spectrum.digest, spectrum.metadata.to_dict(), spectrum.mask_reason, spectrum.notes]
    source, sweep = spectrum.metadata.source or spectrum.label, spectrum.metadata.sweep or 1
    return Key(source, sweep, _digest(described), _digest(settings))


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _chunks(tasks: Sequence[Task], job: Job) -> Iterator[list[Record]]:
    """Yield the records of tasks, those with the same settings together, a chunk at a time."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:  # not by circuit: equal ones may have different roles
        groups.setdefault(task.key.settings, []).append(task)
    jobs = job.options.jobs or os.cpu_count() or 1
    step = CHUNK_PER_JOB * jobs
    for group in groups.values():
        for start in range(0, len(group), step):
            yield job.compute(group[start : start + step], jobs)


def _strangers(store: Store, tasks: Sequence[Task]) -> list[str]:
    known = {(task.key.source, task.key.sweep) for task in tasks}
    strangers = {(record.key.source, record.key.sweep) for record in store} - known
    if not strangers:
        return []
    return [
        f"{len(strangers)} sweeps of earlier runs into this folder are not among the inputs of this one: "
        "they are kept in records.jsonl, and left out of the tables"
    ]


def _run(
    summary: Summary,
    inputs: Inputs,
    options: Options,
    command: Sequence[str],
    started: tuple[datetime, float],
) -> JSON:
    return {
        "version": eistool.__version__,
        "state": "interrupted" if summary.interrupted else "done",
        "exit_code": summary.exit_code,
        "command": list(command),
        "settings": options.to_dict(),
        "seed": "derived from the hash of each spectrum",
        "inputs": dict(sorted(inputs.hashes.items())),
        "counts": {"sweeps": summary.n_read, **summary.counts},
        "started_at": started[0].isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "duration_s": round(time.perf_counter() - started[1], 3),
        "ignored": list(summary.ignored),
        "warnings": list(summary.warnings),
        "series": list(summary.series),
    }


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
