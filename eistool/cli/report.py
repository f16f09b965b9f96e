"""``eistool report``: the HTML report of a result folder."""

from pathlib import Path

import click

from eistool.cli.output import echo


@click.command(
    epilog="""\b
Examples:
  eistool report results
  eistool report results --out monday.html
"""
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File.  [default: DIR/report.html]")
def command(folder: Path, out: Path | None) -> None:
    """Write the HTML report of a result folder from its tables.

    The report is one file that opens in any browser of 2023 or later, offline: overview, table of sweeps,
    plots and parameters of each sweep, samples and series. fit, drt, track and check write it themselves.
    Folders of more than about 1,000 sweeps have further pages, report-2.html and so on.
    """
    from eistool.batch import write_report

    echo(str(write_report(folder, out)))
