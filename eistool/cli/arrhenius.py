"""``eistool arrhenius``: activation energies from tables of conductivities."""

from pathlib import Path

import click

from eistool.cli.output import echo, echo_json


@click.command(
    epilog="""\b
Examples:
  eistool arrhenius eistool-results
  eistool arrhenius sigma.csv --temperature-column "T / C" --sigma-column "sigma S/cm" --robust
  eistool arrhenius sigma.csv --form ln_sigma --out results
"""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="TABLE...")
@click.option("--temperature-column", help="Column of temperatures in °C; recognized by name by default.")
@click.option("--sigma-column", help="Column of conductivities in S/cm.")
@click.option("--u-sigma-column", help="Column of their standard uncertainties.")
@click.option(
    "--form",
    type=click.Choice(("ln_sigmaT", "ln_sigma")),
    default="ln_sigmaT",
    show_default=True,
    help="Quantity that is linear in 1/T: ln(σT) or ln σ.",
)
@click.option("--u-geometry", type=float, help="Relative error common to all conductivities, for instance 0.03.")
@click.option("--robust", is_flag=True, help="Exclude points that lie far off the line.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for tables and a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of lines.")
def command(
    paths: tuple[Path, ...],
    temperature_column: str | None,
    sigma_column: str | None,
    u_sigma_column: str | None,
    form: str,
    u_geometry: float | None,
    robust: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Fit the Arrhenius equation to conductivities as a function of temperature.

    A TABLE is a CSV file with a header, or a result folder of eistool fit. Columns sample_id and quantity
    separate the series. The line in the other form, the Vogel-Fulcher-Tammann equation and two line segments
    are compared by AICc.
    """
    from eistool.jobs.arrhenius import Columns, regress_table, write_arrhenius

    columns = Columns(temperature_column, sigma_column, u_sigma_column)
    fits = [one for path in paths for one in regress_table(path, columns, form, u_geometry, robust)]
    if out is not None:
        write_arrhenius(out, fits)
    if as_json:
        contents = [{"sample_id": sample, "quantity": quantity} | fit.to_dict() for sample, quantity, fit in fits]
        echo_json(contents)
        return
    for _, _, fit in fits:
        echo(repr(fit))
        for one in fit.alternatives:
            values = ", ".join(f"{name} = {value:.4g}" for name, value in one.parameters.items())
            text = values or f"Ea = {one.Ea_eV:.4f} eV"
            echo(f"  {one.form}: {text}, ΔAICc {one.delta_aicc:+.1f} ({one.reason})")
    if out is not None:
        echo(f"Tables in {out}")
