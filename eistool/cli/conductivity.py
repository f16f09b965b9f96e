"""``eistool conductivity``: conductivities from spectra of pellets."""

from pathlib import Path
from typing import Any

import click

from eistool.cli.options import (
    cell_facts,
    circuits,
    find_circuits,
    inputs,
    results,
    selection,
    to_metadata,
    to_selection,
)
from eistool.cli.output import echo
from eistool.cli.running import running


@click.command(
    epilog="""\b
Examples:
  eistool conductivity pellet_25C.mpt --cell-type blocking --thickness-um 1000 --diameter-mm 10
  eistool conductivity pellets/ --circuit spike --r-lead-ohm 0.4 --out results
  eistool conductivity bottle.csv --cell-constant-per-cm 4.72 --json
"""
)
@inputs
@results
@circuits
@click.option("--circuit", default="auto", show_default=True, help="Name of the library, expression, or auto.")
@cell_facts
@selection
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[Path, ...], out: Path | None, as_json: bool, **options: Any
) -> None:
    """Fit spectra, and compute conductivities and activation energies from their resistances.

    The geometry is taken from the options, else from the samples table. Bulk and grain boundaries are
    separated if the data resolve them; the total is always given. The result folder is that of eistool fit,
    without distributions of relaxation times.

    Exit codes: 0 all done, 1 done but some spectra failed, 2 wrong usage, 3 nothing readable,
    4 the run could not go on (disk full, result folder gone), 130 interrupted.
    """
    from eistool.cli.summary import finish
    from eistool.cli.transport import transport_lines
    from eistool.jobs import FitOptions, fit_folder

    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    chosen = FitOptions(
        circuit=options["circuit"],
        circuit_is_default=options["circuit"] == "auto",
        jobs=options["jobs"],
        by=options["by"],
        samples=options["samples"],
        circuit_folders=find_circuits(folder, options["circuit_folders"]),
        selection=to_selection(options),
        force=options["force"],
        report=options["report"],
        drt=False,
        metadata=to_metadata(options),
    )
    with running(context, paths, out, options) as run:
        summary = fit_folder(paths, run.out, chosen, run.command, run.report)
    if as_json or summary.n_read == 0:
        finish(context, summary, paths, as_json, chosen.by, options["verbose"], options["excel"])
        return
    lines = transport_lines(summary)
    echo("\n".join(lines) if lines else "no conductivity: give --thickness-um with --diameter-mm or --area-cm2")
    assumed = {
        part for row in summary.derived["conductivity"] for part in (row["assumed"] or "").split("; ") if part
    }
    if assumed:
        echo(f"assumed: {', '.join(sorted(assumed))}")
    for text in summary.warnings:
        echo(f"warning: {text}")
    echo(f"Tables in {summary.out}")
    context.exit(summary.exit_code)
