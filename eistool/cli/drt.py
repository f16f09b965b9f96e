"""``eistool drt``: distributions of relaxation times of the spectra of a folder."""

from pathlib import Path
from typing import Any

import click

from eistool.cli.options import inputs, results, scheduling, selection, to_scheduling, to_selection
from eistool.cli.running import running


@click.command(
    epilog="""\b
Examples:
  eistool drt measurements/ --out results
  eistool drt cell.mpt --f-max 1e6 --weighting modulus
  eistool drt hold.mpt --every 5 --plots none --json
"""
)
@inputs
@results
@scheduling
@click.option(
    "--weighting",
    type=click.Choice(("auto", "modulus", "unit", "noise")),
    default="auto",
    show_default=True,
    help="Scale of the noise; auto: the power of |Z| estimated from the residuals.",
)
@click.option(
    "--plots",
    type=click.Choice(("all", "none")),
    default="all",
    show_default=True,
    help="Spectra to plot.",
)
@selection
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[Path, ...], out: Path | None, as_json: bool, **options: Any
) -> None:
    """Compute the distribution of relaxation times of all spectra in files and folders.

    No parameter has to be chosen and nothing subtracted: R, L and a blocking tail are part of the model. The
    results are a table of peaks, a table of spectra, and, in the folder drt of the results, γ(τ) of each
    spectrum with its 95 % band, as CSV and as a picture.

    Folders are searched recursively. A file that cannot be read, or a spectrum without a distribution, becomes
    a row with its reason, and the batch continues. Run the same command again to resume: only missing or
    changed results are computed.

    Exit codes: 0 all done, 1 done but some spectra failed, 2 wrong usage, 3 nothing readable,
    4 the run could not go on (disk full, result folder gone), 130 interrupted.
    """
    from eistool.cli.summary import finish
    from eistool.jobs import DRTOptions, drt_folder

    names = ("weighting", "jobs", "plots", "by", "samples", "force", "report")
    chosen = DRTOptions(
        **{name: options[name] for name in names},
        selection=to_selection(options),
        scheduling=to_scheduling(options),
    )
    with running(context, paths, out, options) as run:
        summary = drt_folder(paths, run.out, chosen, run.command, run.report)
    finish(context, summary, paths, as_json, chosen.by, options["verbose"], options["excel"])
