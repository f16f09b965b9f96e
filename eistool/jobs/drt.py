"""Job of ``eistool drt``: distributions of relaxation times, their curves and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from eistool.batch import (
    Breakdown,
    Job,
    JobOptions,
    Output,
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
from eistool.jobs.pictures import DRT_PICTURES, draw_pictures, write_curves
from eistool.spectrum import Spectrum
from eistool.tables import Rows
from eistool.tables.drt import DRT_CURVES, DRT_PEAKS, DRTS, GAMMA, Distribution, drt_tables
from eistool.tables.spectra import FAILURES, MEASURED, SPECTRA, failure_rows, spectrum_row
from eistool.typing import JSON, Threshold

N_SUGGESTED: Annotated[
    int, Threshold("circuits suggested by the DRT that may be compared", "project definition")
] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DRTOptions(JobOptions):
    """Options of :func:`drt_folder`, beside those of :class:`~eistool.batch.JobOptions`.

    Parameters
    ----------
    weighting : {"auto", "modulus", "unit", "noise"}
        As for :func:`eistool.compute_drt`.
    """

    weighting: str = "auto"

    def settings(self) -> JSON:
        """Return the settings of this job alone, for ``run.json``."""
        return {"weighting": self.weighting}


@dataclass(frozen=True, eq=False)
class DRTJob(Job[DRTOptions]):
    """Distributions of relaxation times."""

    name = "drt"
    stage = "computing"
    tables = (SPECTRA, DRT_PEAKS, DRTS, DRT_CURVES, MEASURED, FAILURES)

    def analyze(self, task: Task) -> Record:
        """Return the record of one spectrum."""
        spectrum = task.load()
        drt = distribution(spectrum, self.options.weighting)
        tables = {"measured": MEASURED.points(spectrum)}
        if drt.result is None:
            row = spectrum_row(spectrum, "failed", drt.reason)
            tables |= {"spectra": Rows.of(row), **drt_tables(drt), "failures": failure_rows("drt", drt.reason)}
            return Record(task.key, "failed", tables)
        row = spectrum_row(spectrum, "ok", "", drt.result.noise)
        tables |= {"spectra": Rows.of(row), **drt_tables(drt), "gamma": GAMMA.points(drt.result)}
        return Record(task.key, "ok", tables)

    def draw(self, output: Output, records: Records, step: Step) -> list[Record]:
        """Write γ of each spectrum as CSV and as a picture."""
        write_curves(output, "drt", GAMMA, records)
        return draw_pictures(DRT_PICTURES, output, "drt", records, self.options.plots, step)


def drt_folder(
    paths: Sequence[Path],
    out: Path,
    options: DRTOptions | None = None,
    command: Sequence[str] = (),
    progress: Progress = quiet,
) -> Summary:
    """Compute the distributions of relaxation times of all spectra below the paths, see :func:`run_job`."""
    return run_job(DRTJob(options or DRTOptions()), paths, out, command, progress)


def distribution(spectrum: Spectrum, weighting: str = "auto") -> Distribution:
    """Return the distribution of relaxation times of a spectrum, or the reason for its absence.

    Errors of a single spectrum are not raised, so that the batch continues.
    """
    from eistool.drt import compute_drt

    def distribute() -> Distribution:
        drt = compute_drt(spectrum, weighting=weighting)
        if not (np.isfinite(drt.gamma).all() and np.isfinite(drt.R_pol)):
            return Distribution(None, reason="no finite distribution describes the spectrum")
        return Distribution(drt, tuple(drt.suggest_circuits(N_SUGGESTED)))

    drt = attempt(spectrum.label, distribute)
    return Distribution(None, reason=drt.reason) if isinstance(drt, Breakdown) else drt
