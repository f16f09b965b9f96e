"""Job of ``eistool check``: validity of spectra, with curves and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from eistool.jobs.pictures import CHECK_PICTURES, draw_pictures, write_curves
from eistool.spectrum import Spectrum
from eistool.tables import Rows
from eistool.tables.check import CHECKS, RESIDUALS, Validity, check_tables
from eistool.tables.spectra import FAILURES, SPECTRA, failure_rows, spectrum_row


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions(JobOptions):
    """Options of :func:`check_folder`: those of :class:`~eistool.batch.JobOptions`."""

    plots: str = "failed"


@dataclass(frozen=True, eq=False)
class CheckJob(Job[CheckOptions]):
    """Validity of spectra; a spectrum that does not pass is a result, not a failure."""

    name = "check"
    stage = "checking"
    tables = (SPECTRA, CHECKS, FAILURES)

    def analyze(self, task: Task) -> Record:
        """Return the record of one spectrum."""
        spectrum = task.load()
        validity = validate(spectrum, z_hit=True)
        status = "failed" if validity.failure else "ok"
        row = spectrum_row(spectrum, status, validity.reason, validity=validity)
        tables = {"spectra": Rows.of(row), **check_tables(validity)}
        if validity.failure:
            tables["failures"] = failure_rows("check", validity.failure)
        return Record(task.key, status, tables)

    def draw(self, output: Output, records: Records, step: Step) -> list[Record]:
        """Write the residuals of each spectrum as CSV and as a picture."""
        write_curves(output, "check", RESIDUALS, records)
        return draw_pictures(CHECK_PICTURES, output, "check", records, self.options.plots, step)


def check_folder(
    paths: Sequence[Path],
    out: Path,
    options: CheckOptions | None = None,
    command: Sequence[str] = (),
    progress: Progress = quiet,
) -> Summary:
    """Check all spectra below the paths by Kramers-Kronig and Z-HIT, see :func:`run_job`."""
    return run_job(CheckJob(options or CheckOptions()), paths, out, command, progress)


def validate(spectrum: Spectrum, *, z_hit: bool = False) -> Validity:
    """Return the validity of a spectrum, or the reason for its absence.

    Errors of a single spectrum are not raised, so that the batch continues.
    """
    from eistool.validation import check_kramers_kronig, check_z_hit

    def test() -> Validity:
        kramers_kronig = check_kramers_kronig(spectrum)
        other = check_z_hit(spectrum, kramers_kronig=kramers_kronig) if z_hit else None
        return Validity(spectrum, kramers_kronig, other)

    validity = attempt(spectrum.label, test)
    return Validity(spectrum, failure=validity.reason) if isinstance(validity, Breakdown) else validity


def prepare(spectrum: Spectrum, mask: str, weighting: str) -> Validity:
    """Return a spectrum masked for a fit, with noise if the weights need it, and its validity."""
    validity = validate(spectrum)
    if validity.kramers_kronig is not None and mask == "auto":
        validity = _without_artefacts(validity)
    elif validity.kramers_kronig is not None and mask != "none":
        masked = validity.kramers_kronig.masked(mask)
        if masked.n_used < spectrum.n_used:
            validity = validate(masked)
    if validity.kramers_kronig is None or weighting != "noise":
        return validity
    return replace(validity, spectrum=validity.kramers_kronig.with_noise())


def _without_artefacts(validity: Validity) -> Validity:
    from eistool.validation import find_artefacts

    artefacts = attempt(
        validity.spectrum.label,
        lambda: find_artefacts(validity.spectrum, kramers_kronig=validity.kramers_kronig),
    )
    if isinstance(artefacts, Breakdown):
        return replace(validity, masked=artefacts.reason)
    return replace(
        validity, spectrum=artefacts.masked, kramers_kronig=artefacts.kramers_kronig, masked=artefacts.summary
    )
