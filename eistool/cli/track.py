"""``eistool track``: processes along series of spectra."""

from pathlib import Path
from typing import Any

import click

from eistool.cli.options import (
    circuits,
    find_circuits,
    inputs,
    results,
    scheduling,
    selection,
    to_scheduling,
    to_selection,
)
from eistool.cli.running import running


@click.command(
    epilog="""\b
Examples:
  eistool track measurements/ --by voltage --out results
  eistool track hold.mpt --by time --every 5 --circuit assb2
  eistool track cells/ --by soc --plots none --json
"""
)
@inputs
@results
@scheduling
@circuits
@click.option("--circuit", help="Name of the library, or expression.  [default: chosen from the series]")
@click.option(
    "--plots",
    type=click.Choice(("all", "none")),
    default="all",
    show_default=True,
    help="Series to plot.",
)
@selection
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[Path, ...], out: Path | None, as_json: bool, **options: Any
) -> None:
    """Track processes along a coordinate, and detect those that appear or disappear.

    Spectra with the same sample_id form a series; without one, the spectra of a folder do. Charge comes
    first, in ascending order, then discharge in descending order. The results are tracks.csv, a row per
    process and spectrum, events.csv with the evidence for every event, a column per criterion, and pictures of
    each series in plots/tracks. An event is confirmed only if all six criteria hold; without events, the
    detection limit of the resistance is printed.

    Exit codes: 0 all done, 1 done but some spectra failed, 2 wrong usage, 3 nothing readable,
    4 the run could not go on (disk full, result folder gone), 130 interrupted.
    """
    from eistool.cli.summary import finish
    from eistool.jobs import TrackOptions, track_folder

    if options["by"] is None:
        raise click.UsageError("give --by soc, voltage, temperature, time or cycle: the coordinate of the series")
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    names = ("by", "circuit", "jobs", "plots", "samples", "force", "report")
    chosen = TrackOptions(
        **{name: options[name] for name in names},
        circuit_folders=find_circuits(folder, options["circuit_folders"]),
        selection=to_selection(options),
        scheduling=to_scheduling(options),
    )
    with running(context, paths, out, options) as run:
        summary = track_folder(paths, run.out, chosen, run.command, run.report)
    finish(context, summary, paths, as_json, chosen.by, options["verbose"], options["excel"])
