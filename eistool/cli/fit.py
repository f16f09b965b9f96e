"""``eistool fit``: fits of the spectra of a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eistool.cli.options import (
    Assignment,
    Bound,
    circuits,
    find_circuits,
    inputs,
    profile,
    results,
    scheduling,
    selection,
    to_scheduling,
    to_selection,
)
from eistool.cli.running import choose_out, running, settings_of

if TYPE_CHECKING:
    from eistool.jobs import FitOptions
    from eistool.settings import Settings

T = TypeVar("T")


@click.command(
    epilog="""\b
Examples:
  eistool fit measurements/ --circuit "R0-p(R1,CPE1)-CPE2" --out results
  eistool fit pellets/ --circuit spike --f-max 1e6 --plots all
  eistool fit cell_02_PEIS.mpr --profile cell_01_GCPL.mpr --by soc
  eistool fit pellets/ --by temperature --dry-run
  eistool fit hold.mpt --circuit assb2 --every 5 --bound CPE1.alpha=0.7:1 --fix L0=1e-7
"""
)
@inputs
@results
@scheduling
@circuits
@click.option("--circuit", help="Name of the library, expression, or auto.  [default: auto]")
@click.option(
    "--weighting",
    type=click.Choice(("auto", "modulus", "unit", "proportional", "noise")),
    help="Divisor of the residuals; auto decides by the noise.  [default: auto]",
)
@click.option(
    "--plots",
    type=click.Choice(("failed", "all", "none")),
    help="Spectra to plot; failed includes poor models.  [default: failed]",
)
@click.option(
    "--drt/--no-drt",
    default=None,
    help="Compute the distribution of relaxation times.  [default: --drt]",
)
@profile
@click.option(
    "--mask",
    type=click.Choice(("auto", "none", "outliers", "kk")),
    help="Points left out: ends and outliers that no valid impedance describes (auto), or those of the "
    "Kramers-Kronig test.  [default: auto]",
)
@click.option(
    "--circuit-per",
    type=click.Choice(("spectrum", "series")),
    help="Whether the sweeps of a sample take one circuit unless one strongly favours another.  [default: series]",
)
@click.option(
    "--require-valid/--any-validity",
    default=None,
    help="Fit only spectra that pass the Kramers-Kronig test.  [default: --any-validity]",
)
@click.option("--bound", "bounds", type=Bound(), multiple=True, help="Bounds of a parameter; may be repeated.")
@click.option("--fix", "fixed", type=Assignment(), multiple=True, help="Hold a parameter; may be repeated.")
@selection
@click.option("--dry-run", is_flag=True, help="Print the metadata of each file; compute and write nothing.")
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[Path, ...], out: Path | None, as_json: bool, **options: Any
) -> None:
    """Fit circuits to all spectra in files and folders, and write tables of the results.

    Folders are searched recursively. A file that cannot be read, or a fit that fails, becomes a row with its
    reason, and the batch continues. Run the same command again to resume: only missing or changed results
    are computed.

    Options take precedence over the samples table, and the samples table over eistool.toml.

    Exit codes: 0 all done, 1 done but some spectra failed, 2 wrong usage, 3 nothing readable,
    4 the run could not go on (disk full, result folder gone), 130 interrupted.
    """
    from eistool.cli.dry_run import show_dry_run
    from eistool.cli.summary import finish
    from eistool.jobs import dry_run_folder, fit_folder

    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    chosen = fit_options(folder, settings_of(context, folder), options, choose_out(paths, out))
    if options["dry_run"]:
        show_dry_run(context, dry_run_folder(paths, choose_out(paths, out), chosen), as_json)
    with running(context, paths, out, options) as run:
        summary = fit_folder(paths, run.out, chosen, run.command, run.report)
    finish(context, summary, paths, as_json, chosen.by, options["verbose"], options["excel"])


def fit_options(folder: Path, settings: "Settings", given: dict[str, Any], out: Path) -> "FitOptions":
    """Return the options of a fit, from those of the command line, the settings, and choices in the results."""
    from eistool.jobs import FitOptions
    from eistool.settings import read_overrides
    from eistool.settings.settings import FILE_NAME

    defaults = settings.fit.model_dump()
    names = ("circuit", "weighting", "jobs", "plots", "by", "drt", "mask", "circuit_per", "require_valid")
    chosen = {name: defaults[name] if given[name] is None else given[name] for name in names}
    return FitOptions(
        **chosen,
        circuit_is_default=given["circuit"] is None,
        bounds=_once("--bound", given["bounds"]),
        fixed=_once("--fix", given["fixed"]),
        samples=given["samples"],
        profile=given["profile"],
        circuit_folders=find_circuits(folder, given["circuit_folders"]),
        force=given["force"],
        report=given["report"],
        overrides=(*settings.override, *read_overrides(out / FILE_NAME)),
        selection=to_selection(given),
        scheduling=to_scheduling(given),
    )


def _once(option: str, pairs: Sequence[tuple[str, T]]) -> dict[str, T]:
    """Return the pairs as a mapping, and raise if a name is given twice."""
    from eistool.circuit.elements import canonical_name

    values = {canonical_name(name): value for name, value in pairs}
    for name in values:
        if sum(name == canonical_name(other) for other, _ in pairs) > 1:
            raise click.UsageError(f"{option} {name} is given twice; give it once")
    return values
