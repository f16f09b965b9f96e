"""``eistool subtract``: subtraction of electrolyte layers and counter electrodes from a cell."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.options import Measured, geometry, out_folder, plots, to_metadata
from eistool.cli.output import echo, echo_json
from eistool.cli.running import choose_out, command_line, settings_of
from eistool.escaping import without_name

if TYPE_CHECKING:
    from eistool.jobs.subtract import Subtracted

_LAYER = "Thickness in µm and diameter in mm of one electrolyte layer of the "
_SETTINGS = (
    "symmetric",
    "layers",
    "counter_electrodes",
    "r_in",
    "electrolyte",
    "interface",
    "lead",
    "full_layer",
    "symmetric_layer",
)


@click.command(
    epilog="""\b
Examples:
  eistool subtract --full 275.2,0.5 --symmetric 24.8,0.2 --interface 0.9,0.1 --layers 2 --counter-electrodes 2
  eistool subtract --full stack.mpt --symmetric sym.mpt --layers 2 --counter-electrodes 2 --thickness-um 100 \\
      --diameter-mm 10
  eistool subtract --full full_cell.mpt --symmetric symmetric.mpt --layers 1 --counter-electrodes 1
"""
)
@click.option(
    "--full", multiple=True, help="The cell: a spectrum, a polarisation, or R,u in ohm; may be repeated."
)
@click.option("--symmetric", help="The symmetric cell: a spectrum, or R,u in ohm.")
@click.option("--layers", type=click.IntRange(min=0), help="Electrolyte layers of the full cell.")
@click.option("--counter-electrodes", type=click.IntRange(min=0), help="Counter electrodes of the full cell.")
@click.option("--r-in", type=click.Choice(("per_electrode", "pair")), help="Meaning of the interface resistance.")
@click.option("--electrolyte", type=Measured(), help="R_SE of the symmetric cell, in ohm; by default from a fit.")
@click.option("--interface", type=Measured(), help="R_In of the symmetric cell, in ohm; by default from a fit.")
@click.option("--lead", type=Measured(), help="Resistance of leads and contacts of the full cell, in ohm.")
@click.option("--full-layer", type=(float, float), help=f"{_LAYER}full cell.")
@click.option("--symmetric-layer", type=(float, float), help=f"{_LAYER}symmetric cell.")
@click.option(
    "--r-in-dc", type=float, default=17.5, show_default=True, help="D.c. resistance of an electrode, in ohm cm²."
)
@click.option("--plain-half", is_flag=True, help="For spectra, subtract only Z_sym/2 for each counter electrode.")
@click.option("--thicknesses-um", help="Thicknesses of the layer of interest, one per full cell, comma-separated.")
@geometry
@click.option("--samples", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Samples table.")
@out_folder
@plots
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Subtract electrolyte layers and counter electrodes, measured on a symmetric cell, from full cells.

    Their numbers are never guessed: alternative interpretations of the stack are given as a systematic band.
    Defaults are read from [subtraction] in eistool.toml. Three or more full cells of different thickness
    also give a regression, which needs no symmetric cell.

    Exit codes: 0 all done, 1 done but some cells failed, 2 wrong usage, 4 the run could not go on
    (disk full, result folder gone).
    """
    from pydantic import ValidationError

    from eistool.jobs.subtract import SubtractionOptions, subtract_folder
    from eistool.settings import SubtractionSettings, first_error

    base = settings_of(context, Path.cwd()).subtraction.model_dump()
    named = {name: given[name] for name in _SETTINGS if given[name] is not None}
    full = {"full": given["full"]} if given["full"] else {}
    try:
        settings = SubtractionSettings.model_validate({**base, **named, **full})
    except ValidationError as error:
        raise click.UsageError(f"--{first_error(error)}") from error
    options = SubtractionOptions(
        settings=settings,
        geometry=to_metadata(given),
        thickness_um=_numbers(given["thicknesses_um"]),
        plain_half=given["plain_half"],
        r_in_dc_ohm_cm2=given["r_in_dc"],
        samples=given["samples"],
        plots=given["plots"] == "all",
    )
    out = choose_out((), given["out"])
    cells, regression, code = subtract_folder(out, options, command_line(context))
    if given["as_json"]:
        rows = [{"source": c.source, "error": c.error, **(c.result.to_dict() if c.result else {})} for c in cells]
        printed = {"out": str(out), "exit_code": code, "cells": rows}
        printed["regression"] = None if regression is None else regression.to_dict()
        echo_json(printed)
    else:
        for cell in cells:
            _print(cell)
        if regression is not None:
            echo(f"over thickness  {regression!r}")
        echo(f"Table in {out / 'subtraction.csv'}")
    context.exit(code)


def _numbers(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise click.BadParameter(
            f"{text!r}; write for instance 100,300,500", param_hint="--thicknesses-um"
        ) from None


def _print(cell: "Subtracted") -> None:
    from eistool.display import format_value

    result = cell.result
    if result is None:
        echo(f"failed: {cell.source}: {without_name(cell.error, cell.source)}")
        return
    first, *rest = repr(result).splitlines()
    echo(f"{cell.source}  {first.partition('(')[2].removesuffix(')')}")
    if result.sigma_S_per_cm == result.sigma_S_per_cm:  # not nan
        low, high = result.band_sigma
        sigma = format_value(result.sigma_S_per_cm, result.u_sigma_S_per_cm)
        echo(f"  σ {sigma} S/cm, other interpretations {low:.3g} to {high:.3g} S/cm")
    for line in rest:
        echo(line)
