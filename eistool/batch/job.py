"""Interface of the jobs: options, tasks, and the steps plan, analyze, records, derive and draw."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import eistool
from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.cache import Cache
from eistool.batch.generation import Output
from eistool.batch.inputs import Selection
from eistool.batch.store import Key, Record, Records, key_of
from eistool.circuit import Circuit
from eistool.errors import ConfigError
from eistool.spectrum import Spectrum, Sweep
from eistool.tables import Rows, Table
from eistool.tables.spectra import failure_rows, spectrum_row
from eistool.typing import JSON

Progress = Callable[[str, int, int], None]  # stage, done, total
Step = Callable[[int, int], None]  # done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """Distribution of the work.

    Parameters
    ----------
    scheduler : str
        ``local``, or the address of a Dask scheduler (``tcp://HOST:PORT``).
    shard : (int, int), optional
        Number of this part, from 1, and number of parts; tables are left to ``eistool merge``.
    timeout : float, optional
        Seconds after which a spectrum is given up.
    nice : int
        Increment of the niceness of the processes that compute.
    if_busy : {"join", "wait", "fail"}
        Whether to share the work with a run that is at work in the result folder, wait for it, or refuse. Runs
        with other settings are waited for in any case but ``fail``.
    compute : bool
        Whether to compute what is missing; otherwise it becomes a failure.
    growing : frozenset of Path
        Files to leave out, since they are still being written.

    Raises
    ------
    ConfigError
        If a value is outside its range.
    """

    scheduler: str = "local"
    shard: tuple[int, int] | None = None
    timeout: float | None = None
    nice: int = 0
    if_busy: str = "join"
    compute: bool = True
    growing: frozenset[Path] = frozenset()

    def __post_init__(self) -> None:
        if self.if_busy not in ("join", "wait", "fail"):
            raise ConfigError(f"if_busy={self.if_busy!r}; choose join, wait or fail")
        if self.shard is not None and not 1 <= self.shard[0] <= self.shard[1]:
            raise ConfigError(f"shard {self.shard[0]}/{self.shard[1]}; write I/N with I from 1 to N")
        if self.timeout is not None and not self.timeout > 0:
            raise ConfigError(f"timeout={self.timeout:g}; give seconds above 0")

    def to_dict(self) -> JSON:
        """Return the values for ``run.json``."""
        shard = None if self.shard is None else "/".join(map(str, self.shard))
        return {"scheduler": self.scheduler, "shard": shard, "timeout_s": self.timeout}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """Options of all jobs on a folder.

    Parameters
    ----------
    jobs : int, optional
        Number of processes; by default one per core.
    plots : {"failed", "all", "none"}
        Spectra to plot; ``failed`` includes poor models and spectra that did not pass.
    by : str, optional
        Coordinate that orders the results and along which ``fit`` and ``track`` follow processes.
    samples : Path, optional
        Samples table for all files.
    selection : Selection
        Sweeps and points to use.
    force : bool
        Recompute all results.
    report : bool
        Write ``report.html``.
    scheduling : Scheduling
        Distribution of the work; it has no influence on the results.
    """

    jobs: int | None = None
    plots: str = "all"
    by: str | None = None
    samples: Path | None = None
    selection: Selection = field(default_factory=Selection)
    force: bool = False
    report: bool = True
    scheduling: Scheduling = field(default_factory=Scheduling)

    FILES: ClassVar[tuple[str, ...]] = ("samples",)  # options that are files

    @property
    def processes(self) -> int:
        """Number of processes."""
        return self.jobs or os.cpu_count() or 1

    def settings(self) -> JSON:
        """Return the settings of this job alone, for ``run.json``."""
        return {}

    def to_dict(self) -> JSON:
        """Return all options for ``run.json``."""
        files = {name: getattr(self, name) for name in self.FILES}
        return {
            **self.settings(),
            **self.selection.to_dict(),
            **{name: None if file is None else file.name for name, file in files.items()},
            "plots": self.plots,
            "by": self.by,
            "jobs": self.jobs,
            "force": self.force,
            **self.scheduling.to_dict(),
        }

    def decisive_files(self) -> dict[str, str | None]:
        """Return a hash of the contents of each file among the options."""
        files = {name: getattr(self, name) for name in self.FILES}
        return {
            name: None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in files.items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A sweep, the circuits to fit or compare if any, and the key of its record.

    The records of tasks of one ``block`` with the same settings depend on each other.
    """

    key: Key
    sweep: Sweep
    circuits: tuple[Circuit, ...] = ()
    block: str = ""

    def load(self) -> Spectrum:
        """Return the spectrum."""
        return self.sweep.load()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that is drawn if it is not there.

    Parameters
    ----------
    content : str
        Hash or other mark of what it shows.
    draw : callable
        Returns PNG bytes.
    """

    content: str
    draw: Callable[[], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """Results derived from all records.

    Parameters
    ----------
    tables : mapping of str to Rows
        Tables by name.
    pictures : mapping of str to Picture
        By file name below the folder of plots.
    remarks : tuple of str
        Warnings.
    series : tuple of str
        Findings on whole series.
    failures : tuple of Record
        Rows of ``failures.csv`` for samples and series without a result.
    """

    tables: Mapping[str, Rows] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    failures: tuple[Record, ...] = ()

    def joined(self, other: "Derived") -> "Derived":
        """Return the union of two results."""
        return Derived(
            {**self.tables, **other.tables},
            {**self.pictures, **other.pictures},
            (*self.remarks, *other.remarks),
            (*self.series, *other.series),
            (*self.failures, *other.failures),
        )


Options = TypeVar("Options", bound=JobOptions)


@dataclass(frozen=True, eq=False)
class Job(ABC, Generic[Options]):
    """Processing of a folder of spectra by one command.

    :func:`eistool.batch.run_job` reads the spectra, and calls :meth:`plan`, :meth:`analyze`, :meth:`records`,
    :meth:`derive` and :meth:`draw` in this order; :meth:`analyze` and :meth:`records` in any process.
    """

    options: Options

    name: ClassVar[str]  # part of the key of a record
    stage: ClassVar[str]  # name of the computation for progress

    @property
    @abstractmethod
    def tables(self) -> tuple[Table[Any], ...]:
        """Tables written from the records."""

    @property
    def cycling_file(self) -> Path | None:
        """A cycling record among the inputs, which holds no spectrum."""
        return None

    def decisive(self) -> JSON:
        """Return the settings that a record depends on."""
        return self.options.settings()

    def plan(self, sweeps: Sequence[Sweep]) -> list[Task]:
        """Return one task per sweep; wrong settings raise here, before anything is computed."""
        settings = {"version": eistool.__version__, "job": self.name, **self.decisive()}
        return [Task(key_of(sweep, settings), sweep) for sweep in sweeps]

    @abstractmethod
    def analyze(self, task: Task) -> Any:
        """Return the results of one spectrum: a record, or what :meth:`records` turns into one."""

    def records(self, tasks: Sequence[Task], analyses: Sequence[Any]) -> list[Record]:
        """Return the records of the tasks of one block, from the results of :meth:`analyze`."""
        return list(analyses)

    def finish(self, tasks: Sequence[Task], analyses: Sequence[Any]) -> list[Record]:
        """Return the records of :meth:`records`; of each task alone, or a failed one, where it breaks down."""
        broken = [
            failed_record(task, self.name, result.reason)
            for task, result in zip(tasks, analyses, strict=True)
            if isinstance(result, Breakdown)
        ]
        pairs = [pair for pair in zip(tasks, analyses, strict=True) if not isinstance(pair[1], Breakdown)]
        if not pairs:
            return broken
        done = attempt(pairs[0][0].sweep.label, lambda: self.records(*zip(*pairs, strict=True)))
        if not isinstance(done, Breakdown):
            return broken + done
        if len(pairs) == 1:
            return [*broken, failed_record(pairs[0][0], self.name, done.reason)]
        return broken + [record for task, result in pairs for record in self.finish([task], [result])]

    def remarks(self, tasks: Sequence[Task], records: Records) -> list[str]:
        """Return warnings about tasks and their records."""
        return []

    def derive(self, tasks: Sequence[Task], records: Records, step: Step, cache: Cache) -> Derived:
        """Return the results derived from all records; ``cache`` keeps those that take long."""
        return Derived()

    def draw(self, output: Output, records: Records, step: Step) -> list[Record]:
        """Write files of single records, other than tables, into the result folder; return the failures."""
        return []


def failed_record(task: Task, stage: str, reason: str) -> Record:
    """Return the record of a spectrum without a result."""
    row = spectrum_row(task.load(), "failed", reason)
    return Record(task.key, "failed", {"spectra": Rows.of(row), "failures": failure_rows(stage, reason)})


def failure(name: str, stage: str, reason: str, sweep: int = 0) -> Record:
    """Return a row of ``failures.csv`` for a file, a sample, a series or a picture, as a record."""
    return Record(Key(name, sweep, "", ""), "failed", {"failures": failure_rows(stage, reason)})
