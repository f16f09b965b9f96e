"""``eistool polarization``: partial conductivities from direct currents."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.options import Measured, geometry, inputs, out_folder, plots, to_metadata
from eistool.cli.output import echo, echo_json
from eistool.cli.running import choose_out, command_line

if TYPE_CHECKING:
    from eistool.jobs.polarization import Analysis


@click.command(
    epilog="""\b
Examples:
  eistool polarization hold.mpt --thickness-um 280 --diameter-mm 10
  eistool polarization composite.DTA --thickness-um 500 --diameter-mm 10 --r-lead-ohm 0.31 --u-r-lead-ohm 0.02
  eistool polarization holds/ --samples samples.csv --sigma-other 2.4e-3,1e-4 --json
"""
)
@inputs
@out_folder
@plots
@click.option(
    "--mode",
    type=click.Choice(("ion_blocking", "electron_blocking", "leakage")),
    help="Type of the contacts; by default from cell_type of the samples table, else ion_blocking.",
)
@geometry
@click.option(
    "--u-r-lead-ohm", type=float, help="Its standard uncertainty; by default 10 %, or 0.1 ohm without a lead."
)
@click.option("--offset-a", "offset", type=Measured(), help="Current at 0 V; by default measured in holds at 0 V.")
@click.option("--floor-a", type=float, default=0.0, help="Smallest current that the instrument resolves.")
@click.option("--sigma-other", type=Measured(), help="Conductivity of the other carrier, in S/cm.")
@click.pass_context
def command(
    context: click.Context,
    /,
    paths: tuple[Path, ...],
    samples: Path | None,
    as_json: bool,
    out: Path | None,
    **given: Any,
) -> None:
    """Compute electronic or ionic conductivities, or bounds of them, from currents at constant voltage.

    Files hold time, current and voltage: BioLogic and Gamry text exports, or tables with units in their
    headers. Holds at 0 V give the offset, several voltages a slope. An unsteady or too small current, or a
    resistance hidden by that of the lead, gives a bound and the reason.

    Exit codes: 0 all done, 1 done but some files failed, 2 wrong usage, 3 nothing readable,
    4 the run could not go on (disk full, result folder gone).
    """
    from eistool.jobs.polarization import PolarizationOptions, polarization_folder

    offset = given["offset"]
    options = PolarizationOptions(
        mode=given["mode"],
        geometry=to_metadata(given),
        u_r_lead_ohm=given["u_r_lead_ohm"],
        offset_A=None if offset is None else offset[0],
        u_offset_A=0.0 if offset is None else offset[1],
        floor_A=given["floor_a"],
        sigma_other=given["sigma_other"],
        samples=samples,
        plots=given["plots"] == "all",
    )
    folder = choose_out(paths, out)
    analyses, code = polarization_folder(paths, folder, options, command_line(context))
    if as_json:
        rows = [_to_dict(analysis) for analysis in analyses]
        echo_json({"out": str(folder), "exit_code": code, "analyses": rows})
    else:
        for analysis in analyses:
            _print(analysis, options.sigma_other)
        if analyses:
            failed = sum(analysis.result is None for analysis in analyses)
            echo(f"{len(analyses) - failed} analysed, {failed} failed. Table in {folder / 'polarization.csv'}")
    if code == 3:
        echo(f"nothing readable in {', '.join(map(str, paths))}", err=True)
    context.exit(code)


def _to_dict(analysis: "Analysis") -> dict[str, Any]:
    described: dict[str, Any] = {"source": analysis.source, "status": "failed", "reason": analysis.error}
    if analysis.result is not None:
        described |= analysis.result.to_dict()
    return described | {"notes": list(analysis.notes)}


def _print(analysis: "Analysis", sigma_other: tuple[float, float] | None) -> None:
    result = analysis.result
    if result is None:
        echo(f"failed: {analysis.error}")
        return
    first, *rest = repr(result).splitlines()
    verdict = first.partition(": ")[2].removesuffix(")")
    echo("  ".join(filter(None, (analysis.source, analysis.metadata.sample_id, verdict))))
    if sigma_other is not None and result.mode != "leakage" and (result.status == "ok" or result.upper_limit > 0):
        echo(f"  {result.transference(*sigma_other)!r}")
    for line in rest:
        echo(line)
    for note in analysis.notes:
        if "no unit" in note:
            echo(f"  warning: {note}")
