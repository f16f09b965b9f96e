"""The batch of ``eistool check``: verdicts on spectra, their table, curves and pictures."""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import eistool
from eistool.batch.files import write_whole
from eistool.batch.inputs import Selection
from eistool.batch.pictures import CHECKS, draw_pictures, result_path
from eistool.batch.records import check_record
from eistool.batch.runner import Job, Progress, Summary, Task, key_of, run_job
from eistool.batch.store import Record
from eistool.batch.tables import to_csv
from eistool.batch.validity import validate
from eistool.spectrum import Spectrum
from eistool.typing import JSON

TABLES_WRITTEN = ("spectra", "check", "failures")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """How spectra of a batch are checked.

    Parameters
    ----------
    jobs, samples, selection, force
        As for :class:`FitOptions`.
    plots : {"failed", "all", "none"}
        Which spectra get a picture; ``failed`` means that they did not pass.
    by : str, optional
        Coordinate by which the printed results are ordered.
    """

    jobs: int | None = None
    plots: str = "failed"
    by: str | None = None
    samples: Path | None = None
    selection: Selection = field(default_factory=Selection)
    force: bool = False

    def to_dict(self) -> JSON:
        """Return what decides on the results, and what was asked for beside it."""
        return {
            **self.selection.to_dict(),
            "samples": None if self.samples is None else self.samples.name,
            "plots": self.plots,
            "by": self.by,
            "jobs": self.jobs,
            "force": self.force,
        }


def check_folder(
    paths: Sequence[Path],
    out: Path,
    options: CheckOptions | None = None,
    command: Sequence[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Check all spectra below the paths by Kramers and Kronig and by Z-HIT.

    Tables, ``run.json``, and for each spectrum its residuals as CSV and a picture are written into a result
    folder, which may be that of :func:`fit_folder`. It is resumed, and an interruption ends the work, as there.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    out : Path
        The result folder, made if need be.
    options : CheckOptions, optional
        How to check.
    command : sequence of str
        For ``run.json``.
    progress : callable
        Told the stage (``reading``, ``checking``, ``drawing``), how many are done, and of how many.

    Raises
    ------
    ReaderError, ConfigError
        If a path, an option or a samples table is wrong; nothing was computed then.
    """
    options = options or CheckOptions()
    job = Job(
        options, "checking", TABLES_WRITTEN, _plan, _check_chunk, functools.partial(_finish, options=options)
    )
    return run_job(job, paths, out, command, progress)


def _plan(spectra: Sequence[Spectrum]) -> list[Task]:
    settings = {"version": eistool.__version__, "job": "check"}
    return [Task(key_of(spectrum, settings), spectrum) for spectrum in spectra]


def _check_chunk(chunk: Sequence[Task], jobs: int) -> list[Record]:
    def one(task: Task) -> Record:
        return check_record(task.key, validate(task.spectrum, z_hit=True))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, chunk))


def _finish(
    out: Path, records: Sequence[Record], progress: Callable[[int, int], None], options: CheckOptions
) -> None:
    folder = out / "check"
    for record in records:
        path = result_path(folder, record.key, "csv")
        if "residuals" in record.tables:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, to_csv(record.tables["residuals"]))
        else:
            path.unlink(missing_ok=True)
    draw_pictures(CHECKS, folder, records, options.plots, progress)
