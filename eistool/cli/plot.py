"""``eistool plot``: figures for papers."""

from pathlib import Path

import click

from eistool.cli.output import echo

KINDS = ("nyquist", "bode", "residuals", "drt", "arrhenius", "tracks")


@click.command(
    epilog="""\b
Examples:
  eistool plot results nyquist --only "pellet/*25C*"
  eistool plot results nyquist --only "soc/*_chg.csv" --quantity ZA --width double
  eistool plot results drt --each --format svg --out figures
  eistool plot results arrhenius
"""
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--only", multiple=True, help="Pattern of names of sweeps, samples or series; may be repeated.")
@click.option("--each", is_flag=True, help="A figure for each sweep or sample instead of a common one.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder.  [default: DIR/figures]")
@click.option(
    "--format",
    "form",
    type=click.Choice(("pdf", "svg", "eps", "png")),
    default="pdf",
    show_default=True,
    help="Format.",
)
@click.option(
    "--width",
    type=click.Choice(("single", "onehalf", "double")),
    default="single",
    show_default=True,
    help="85, 120 or 175 mm, the columns of most journals.",
)
@click.option(
    "--quantity",
    type=click.Choice(("Z", "ZA", "Z/L", "ZA/L")),
    default="Z",
    show_default=True,
    help="Impedance, or impedance free of the geometry, in nyquist and bode.",
)
def command(
    folder: Path,
    kind: str,
    only: tuple[str, ...],
    each: bool,
    out: Path | None,
    form: str,
    width: str,
    quantity: str,
) -> None:
    """Draw figures for papers from the tables of a result folder.

    Vector files of a journal's width in colours for all readers, with the source data of each as CSV. Up to
    twelve spectra share a figure.
    """
    from eistool.jobs.figures import write_figures

    out = folder / "figures" if out is None else out
    for path in write_figures(folder, kind, out, only, form=form, each=each, width=width, quantity=quantity):
        echo(str(path))
