"""The batch of ``eistool drt``: distributions of relaxation times, their tables, curves and pictures."""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import eistool
from eistool.batch.distribution import distribution
from eistool.batch.files import write_whole
from eistool.batch.inputs import Selection
from eistool.batch.pictures import DRTS, draw_pictures, result_path
from eistool.batch.records import drt_record
from eistool.batch.runner import Job, Progress, Summary, Task, key_of, run_job
from eistool.batch.store import Record
from eistool.batch.tables import DRT_TABLES, to_csv
from eistool.spectrum import Spectrum
from eistool.typing import JSON

TABLES_WRITTEN = ("spectra", *DRT_TABLES, "failures")


@dataclass(frozen=True, slots=True, kw_only=True)
class DRTOptions:
    """How distributions of a batch are computed.

    Parameters
    ----------
    weighting : {"auto", "modulus", "unit", "noise"}
        As for :func:`eistool.compute_drt`.
    jobs, samples, selection, force
        As for :class:`FitOptions`.
    plots : {"all", "none"}
        Whether there are pictures.
    by : str, optional
        Coordinate by which the printed results are ordered.
    """

    weighting: str = "auto"
    jobs: int | None = None
    plots: str = "all"
    by: str | None = None
    samples: Path | None = None
    selection: Selection = field(default_factory=Selection)
    force: bool = False

    def to_dict(self) -> JSON:
        """Return what decides on the results, and what was asked for beside it."""
        return {
            "weighting": self.weighting,
            **self.selection.to_dict(),
            "samples": None if self.samples is None else self.samples.name,
            "plots": self.plots,
            "by": self.by,
            "jobs": self.jobs,
            "force": self.force,
        }


def drt_folder(
    paths: Sequence[Path],
    out: Path,
    options: DRTOptions | None = None,
    command: Sequence[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Compute the distribution of relaxation times of all spectra below the paths.

    Tables, ``run.json``, and for each spectrum γ as CSV and a picture are written into a result folder,
    which may be that of :func:`fit_folder`. It is resumed, and an interruption ends the work, as there.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    out : Path
        The result folder, made if need be.
    options : DRTOptions, optional
        How to compute.
    command : sequence of str
        For ``run.json``.
    progress : callable
        Told the stage (``reading``, ``computing``, ``drawing``), how many are done, and of how many.

    Raises
    ------
    ReaderError, ConfigError
        If a path, an option or a samples table is wrong; nothing was computed then.
    """
    options = options or DRTOptions()
    job = Job(
        options,
        "computing",
        TABLES_WRITTEN,
        functools.partial(_plan, options=options),
        functools.partial(_compute_chunk, options=options),
        functools.partial(_finish, options=options),
    )
    return run_job(job, paths, out, command, progress)


def _plan(spectra: Sequence[Spectrum], options: DRTOptions) -> list[Task]:
    settings = {"version": eistool.__version__, "job": "drt", "weighting": options.weighting}
    return [Task(key_of(spectrum, settings), spectrum) for spectrum in spectra]


def _compute_chunk(chunk: Sequence[Task], jobs: int, options: DRTOptions) -> list[Record]:
    def one(task: Task) -> Record:
        return drt_record(task.key, task.spectrum, distribution(task.spectrum, options.weighting))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, chunk))


def _finish(
    out: Path, records: Sequence[Record], progress: Callable[[int, int], None], options: DRTOptions
) -> None:
    folder = out / "drt"
    for record in records:
        path = result_path(folder, record.key, "csv")
        if "gamma" in record.tables:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, to_csv(record.tables["gamma"]))
        else:
            path.unlink(missing_ok=True)
    draw_pictures(DRTS, folder, records, options.plots, progress)
