"""Batch runner: read the inputs, compute new results, write the result folder."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eistool.batch.files import RUN, probe, write_file, write_run, write_whole
from eistool.batch.inputs import Inputs, read_inputs
from eistool.batch.interruption import stop_on_signal
from eistool.batch.job import Derived, Job, Progress, Task
from eistool.batch.store import Record, Store, collect
from eistool.errors import ConfigError
from eistool.tables import TABLES, Rows, to_csv

REPORT = "report.html"
CHUNK_PER_JOB = 4  # tasks per thread between two checks of progress and interruption


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Outcome of a batch, and contents of its result folder."""

    out: Path
    records: tuple[Record, ...]  # by source and sweep
    n_read: int
    n_computed: int
    interrupted: bool
    ignored: tuple[Mapping[str, str], ...]
    warnings: tuple[str, ...]
    derived: Mapping[str, Rows] = field(default_factory=dict)  # tables derived from all records
    series: tuple[str, ...] = ()  # findings on whole series

    @property
    def counts(self) -> dict[str, int]:
        """Number of records by status, and of sweeps computed by this run."""
        names = ("ok", "poor_model", "failed", "left_out")
        counts = {name: sum(record.status == name for record in self.records) for name in names}
        return {**counts, "computed_now": self.n_computed, "ignored_files": len(self.ignored)}

    @property
    def exit_code(self) -> int:
        """Exit code: 0 all done, 1 some failed, 3 nothing readable, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.n_read == 0:
            return 3
        return int(any(record.status == "failed" for record in self.records))


def quiet(stage: str, done: int, total: int) -> None:
    """Report no progress."""


def run_job(
    job: Job[Any], paths: Sequence[Path], out: Path, command: Sequence[str] = (), progress: Progress = quiet
) -> Summary:
    """Read all spectra below the paths, compute new results, and write the result folder.

    Results of an earlier run in the folder are kept, unless their input or settings changed. An interruption
    (``KeyboardInterrupt``) ends the computation; the tables of finished results are still written.

    Parameters
    ----------
    job : Job
        Job to run.
    paths : sequence of Path
        Files and folders.
    out : Path
        Result folder, created if needed; jobs may share one.
    command : sequence of str
        Command line, for ``run.json``.
    progress : callable
        Called with the stage (``reading``, that of the job, ``deriving``, ``drawing``), the number done, and the
        total.

    Raises
    ------
    ReaderError, ConfigError, CircuitError, FitError
        If a path, an option or a samples table is invalid; raised before any computation.
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
        job.cycling_file,
    )
    if inputs.selected_none:
        raise ConfigError(f"{inputs.n_read} sweeps were read, but none is selected; change the selection")
    tasks = job.plan(inputs.spectra)
    write_run(out, {"state": "running"})
    store = Store(out / "records.jsonl")
    if options.force:
        store.clear()
    done, n_computed, interrupted = _compute(tasks, store, job, progress)
    records = tuple(sorted([*done, *inputs.records], key=lambda record: record.key))
    for table in job.tables:
        write_whole(out / f"{table.name}.csv", to_csv(collect(table, records)))
    derived = Derived()
    if not interrupted:
        try:
            derived = job.derive(tasks, records, lambda i, n: progress("deriving", i, n))
            for name, rows in derived.tables.items():
                write_whole(out / f"{name}.csv", to_csv(rows))
            job.draw(out, records, lambda i, n: progress("drawing", i, n))
            if options.plots != "none":
                for name, draw in derived.pictures.items():
                    write_file(out / "plots" / name, draw())
        except KeyboardInterrupt:
            interrupted = True
    remarks = (*inputs.warnings, *job.remarks(tasks, done), *derived.remarks, *_other_records(store, tasks))
    summary = Summary(
        out,
        records,
        inputs.n_read,
        n_computed,
        interrupted,
        tuple(inputs.ignored),
        remarks,
        derived.tables,
        derived.series,
    )
    write_run(out, _run(summary, inputs, job, command, started))
    if options.report:
        write_report(out)
    return summary


def write_report(out: Path, target: Path | None = None) -> Path:
    """Write the HTML report of a result folder from its tables, and return its path.

    Parameters
    ----------
    out : Path
        Result folder.
    target : Path, optional
        By default ``report.html`` in the folder.

    Raises
    ------
    ConfigError
        If the folder is no result folder, or the report cannot be written.
    """
    from eistool.report.page import render_report

    target = out / REPORT if target is None else target
    write_file(target, render_report(out).encode())
    return target


def _compute(
    tasks: Sequence[Task], store: Store, job: Job[Any], progress: Progress
) -> tuple[list[Record], int, bool]:
    """Return the records of the tasks, the number computed, and whether the run was interrupted."""
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
            raise ConfigError(f"--out {out} contains the input {path}; choose a separate folder for results")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; choose a folder")
    if not (out / RUN).exists() and any((out / f"{table.name}.csv").exists() for table in TABLES):
        raise ConfigError(f"--out {out} contains tables, but no {RUN} of eistool; choose another folder")
    try:
        probe(out)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose a folder of your own"
        ) from error


def _chunks(tasks: Sequence[Task], job: Job[Any]) -> Iterator[list[Record]]:
    """Yield the records of tasks, those with the same settings together, a chunk at a time."""
    groups: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:  # not by circuit: equal ones may have different roles
        groups.setdefault((task.key.settings, task.block), []).append(task)
    for (_, block), group in groups.items():
        step = len(group) if block else CHUNK_PER_JOB * job.options.threads
        for start in range(0, len(group), step):
            yield job.compute(group[start : start + step])


def _other_records(store: Store, tasks: Sequence[Task]) -> list[str]:
    known = {(task.key.source, task.key.sweep) for task in tasks}
    others = {(record.key.source, record.key.sweep) for record in store} - known
    if not others:
        return []
    return [
        f"{len(others)} sweeps of earlier runs into this folder are not among the present inputs: "
        "they are kept in records.jsonl, but not in the tables"
    ]


def _run(
    summary: Summary,
    inputs: Inputs,
    job: Job[Any],
    command: Sequence[str],
    started: tuple[datetime, float],
) -> dict[str, Any]:
    return {
        "state": "interrupted" if summary.interrupted else "done",
        "exit_code": summary.exit_code,
        "command": list(command),
        "settings": job.options.to_dict(),
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
