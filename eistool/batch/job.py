"""Interface of the jobs: options, tasks, and the steps plan, compute, derive and draw."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import eistool
from eistool.batch.inputs import Selection
from eistool.batch.store import Key, Record, key_of
from eistool.circuit import Circuit
from eistool.errors import EistoolError
from eistool.spectrum import Spectrum
from eistool.tables import Rows, Table
from eistool.typing import JSON

# errors of a single spectrum or series with unexpected data, which do not stop the batch
BREAKDOWNS = (EistoolError, ArithmeticError, ValueError, LookupError)

Progress = Callable[[str, int, int], None]  # stage, done, total
Step = Callable[[int, int], None]  # done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """Options of all jobs on a folder.

    Parameters
    ----------
    jobs : int, optional
        Number of threads; by default one per core.
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
    """

    jobs: int | None = None
    plots: str = "all"
    by: str | None = None
    samples: Path | None = None
    selection: Selection = field(default_factory=Selection)
    force: bool = False
    report: bool = True

    FILES: ClassVar[tuple[str, ...]] = ("samples",)  # options that are files

    @property
    def threads(self) -> int:
        """Number of threads."""
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
        }


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A spectrum, the circuits to fit or compare if any, and the key of its record.

    Tasks of one ``block`` with the same settings are computed together.
    """

    key: Key
    spectrum: Spectrum
    circuits: tuple[Circuit, ...] = ()
    block: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """Results derived from all records.

    Parameters
    ----------
    tables : mapping of str to Rows
        Tables by name.
    pictures : mapping of str to callable
        Functions that return PNG bytes, by file name below the folder of plots.
    remarks : tuple of str
        Warnings.
    series : tuple of str
        Findings on whole series.
    """

    tables: Mapping[str, Rows] = field(default_factory=dict)
    pictures: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    series: tuple[str, ...] = ()

    def joined(self, other: "Derived") -> "Derived":
        """Return the union of two results."""
        return Derived(
            {**self.tables, **other.tables},
            {**self.pictures, **other.pictures},
            (*self.remarks, *other.remarks),
            (*self.series, *other.series),
        )


T = TypeVar("T")
R = TypeVar("R")
Options = TypeVar("Options", bound=JobOptions)


@dataclass(frozen=True, eq=False)
class Job(ABC, Generic[Options]):
    """Processing of a folder of spectra by one command.

    :func:`eistool.batch.run_job` reads the spectra, and calls :meth:`plan`, :meth:`compute`, :meth:`derive` and
    :meth:`draw` in this order.
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

    def plan(self, spectra: Sequence[Spectrum]) -> list[Task]:
        """Return one task per spectrum; wrong settings raise here, before anything is computed."""
        settings = {"version": eistool.__version__, "job": self.name, **self.decisive()}
        return [Task(key_of(spectrum, settings), spectrum) for spectrum in spectra]

    @abstractmethod
    def compute(self, tasks: Sequence[Task]) -> list[Record]:
        """Return the records of tasks with the same settings."""

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Return the results of a function for all items, computed in threads."""
        with ThreadPoolExecutor(self.options.threads) as pool:
            return list(pool.map(function, items))

    def remarks(self, tasks: Sequence[Task], records: Sequence[Record]) -> list[str]:
        """Return warnings about tasks and their records."""
        return []

    def derive(self, tasks: Sequence[Task], records: Sequence[Record], step: Step) -> Derived:
        """Return the results derived from all records."""
        return Derived()

    def draw(self, out: Path, records: Sequence[Record], step: Step) -> None:
        """Write files of single records, other than tables, into the result folder."""


def breakdown(spectrum: Spectrum, error: Exception) -> str:
    """Return the reason for a missing result after one of :data:`BREAKDOWNS`."""
    known = isinstance(error, EistoolError)
    return str(error) if known else f"{spectrum.label}: the computation broke down ({error})"
