"""``eistool check``: validity of the spectra of a folder."""

from pathlib import Path
from typing import Any

import click

from eistool.cli.options import inputs, results, scheduling, selection, to_scheduling, to_selection
from eistool.cli.running import running


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
@scheduling
@click.option(
    "--plots",
    type=click.Choice(("failed", "all", "none")),
    default="failed",
    show_default=True,
    help="Spectra to plot; failed: those that did not pass.",
)
@selection
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[Path, ...], out: Path | None, as_json: bool, **options: Any
) -> None:
    """Check the validity of all spectra in files and folders.

    Two tests are made: the Kramers-Kronig test, with a ladder of RC elements common to both parts of the
    impedance, and Z-HIT, which reconstructs the modulus from the phase. Verdicts with reasons (drift, outliers,
    nonlinearity), noise and proposed outliers are printed and written to check.csv; the residuals of each
    spectrum are written to the folder check of the results, as CSV and as a picture. No point is masked or
    excluded.

    Folders are searched recursively. Run the same command again to resume: only missing or changed results
    are computed.

    Exit codes: 0 all done, 1 done but some files could not be read, 2 wrong usage, 3 nothing readable,
    4 the run could not go on (disk full, result folder gone), 130 interrupted. A spectrum that does not pass is
    a result.
    """
    from eistool.cli.summary import finish
    from eistool.jobs import CheckOptions, check_folder

    names = ("jobs", "plots", "by", "samples", "force", "report")
    chosen = CheckOptions(
        **{name: options[name] for name in names},
        selection=to_selection(options),
        scheduling=to_scheduling(options),
    )
    with running(context, paths, out, options) as run:
        summary = check_folder(paths, run.out, chosen, run.command, run.report)
    finish(context, summary, paths, as_json, chosen.by, options["verbose"], options["excel"])
