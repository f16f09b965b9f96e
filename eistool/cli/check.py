"""``eistool check``: from folders of spectra to verdicts on them."""

import sys
from pathlib import Path
from typing import Any

import click

from eistool.cli.options import inputs, results, selection, to_selection
from eistool.cli.progress import progress


@click.command(
    epilog="""\b
Examples:
  eistool check measurements/ --out results
  eistool check cell.mpt --f-max 1e6 --plots all
  eistool check hold.mpt --every 5 --plots none --json
"""
)
@inputs
@results
@click.option(
    "--plots",
    type=click.Choice(("failed", "all", "none")),
    default="failed",
    show_default=True,
    help="Which spectra get a picture; failed: those that did not pass.",
)
@selection
@click.pass_context
def command(context: click.Context, /, paths: tuple[Path, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Tell which spectra in files and folders can be trusted, and why others cannot.

    Two tests are made: of Kramers and Kronig, by a ladder of RC elements that must describe both parts of the
    impedance, and Z-HIT, by the modulus that the phase tells. Printed and written as check.csv are verdicts with
    reasons (drift, outliers, nonlinearity), noise, and proposed outliers; in the folder check of the results,
    for each spectrum, its residuals as CSV and a picture. Nothing is masked or left out.

    Folders are searched with all below them. Run the same command again to resume: only what is missing or has
    changed is computed.

    Exit codes: 0 all done, 1 done but some files could not be read, 2 wrong usage, 3 nothing readable,
    130 interrupted. A spectrum that does not pass is a result.
    """
    from eistool.cli.summary import finish
    from eistool.jobs import CheckOptions, check_folder

    names = ("jobs", "plots", "by", "samples", "force")
    chosen = CheckOptions(**{name: options[name] for name in names}, selection=to_selection(options))
    with progress(quiet=options["no_progress"]) as tell:
        summary = check_folder(paths, out, chosen, ["eistool", *sys.argv[1:]], tell)
    finish(context, summary, paths, as_json, chosen.by)
