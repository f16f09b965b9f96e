"""``eistool drt``: from folders of spectra to distributions of relaxation times."""

import sys
from pathlib import Path
from typing import Any

import click

from eistool.cli.options import inputs, results, selection, to_selection
from eistool.cli.progress import progress


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
@click.option(
    "--weighting",
    type=click.Choice(("auto", "modulus", "unit", "noise")),
    default="auto",
    show_default=True,
    help="What noise is proportional to; auto: the power of |Z| that the residuals tell.",
)
@click.option(
    "--plots",
    type=click.Choice(("all", "none")),
    default="all",
    show_default=True,
    help="Whether each spectrum gets a picture.",
)
@selection
@click.pass_context
def command(context: click.Context, /, paths: tuple[Path, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Compute the distribution of relaxation times of all spectra in files and folders.

    Nothing has to be chosen or subtracted: R, L and a blocking tail are part of the model. Written are a
    table of peaks, one of spectra, and in the folder drt of the results, for each spectrum, γ(τ) with its
    95 % band as CSV and as a picture.

    Folders are searched with all below them. A file that cannot be read, or a spectrum that has no
    distribution, becomes a row with its reason; the rest goes on. Run the same command again to resume:
    only what is missing or has changed is computed.

    Exit codes: 0 all done, 1 done but some spectra failed, 2 wrong usage, 3 nothing readable,
    130 interrupted.
    """
    from eistool.cli.summary import finish
    from eistool.jobs import DRTOptions, drt_folder

    names = ("weighting", "jobs", "plots", "by", "samples", "force")
    chosen = DRTOptions(**{name: options[name] for name in names}, selection=to_selection(options))
    with progress(quiet=options["no_progress"]) as tell:
        summary = drt_folder(paths, out, chosen, ["eistool", *sys.argv[1:]], tell)
    finish(context, summary, paths, as_json, chosen.by)
