"""``eistool export``: tables for Excel, Origin and LaTeX."""

from pathlib import Path

import click

from eistool.cli.output import echo


@click.command(
    epilog="""\b
Examples:
  eistool export results excel
  eistool export results latex --out paper
"""
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.argument("kind", type=click.Choice(("excel", "origin", "latex")))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder.  [default: DIR]")
def command(folder: Path, kind: str, out: Path | None) -> None:
    """Write the tables of a result folder for another program.

    excel: results.xlsx, a sheet for each table, with a row of units. origin: CSV files with rows of long names,
    units and comments, the curves of all sweeps side by side. latex: parameters.tex, a table for each circuit.
    """
    from eistool.jobs.export import export_folder

    for path in export_folder(folder, kind, out):
        echo(str(path))
