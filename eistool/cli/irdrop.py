"""``eistool irdrop``: overpotentials and IR drops of a cycling record."""

from pathlib import Path

import click

from eistool.cli.options import out_folder
from eistool.cli.output import echo, echo_json
from eistool.cli.running import choose_out, command_line


@click.command(
    epilog="""\b
Examples:
  eistool irdrop cycling.mpt
  eistool irdrop three_electrodes.csv --reference In/InLi --out results
"""
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--reference",
    type=click.Choice(("Li", "In/InLi")),
    help="Reference electrode of the potentials Ewe and Ece, which are then given against Li+/Li.",
)
@out_folder
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@click.pass_context
def command(context: click.Context, file: Path, reference: str | None, out: Path | None, as_json: bool) -> None:
    """Measure the voltage drops at changes of the current in FILE, and the overpotentials before rests.

    The record needs time, current and voltage; given the potentials of both electrodes (Ewe, Ece) against a
    reference electrode, resistance and overpotential are computed for each. The result is irdrop.csv.
    """
    from eistool.display import format_value
    from eistool.jobs.ir_drop import ir_drop_file

    folder = choose_out([file], out)
    source, notes, drops = ir_drop_file(file, folder, reference, command_line(context))
    if as_json:
        echo_json({"source": source, **drops.to_dict()})
        return
    for event in drops.events:
        change = f"{event.current_before_A * 1e3:.4g} → {event.current_after_A * 1e3:.4g} mA"
        line = f"{event.time_s / 3600:8.3f} h  {event.electrode:8} {change:>22}  E {event.potential_V:.4f} V"
        if event.status == "ok":
            line += f"  R {format_value(event.resistance_ohm, event.u_resistance_ohm)} Ω"
        if event.overpotential_V == event.overpotential_V:  # not nan
            line += f"  η {format_value(event.overpotential_V * 1e3, event.u_overpotential_V * 1e3)} mV"
        echo(line + (f"  ({event.reason})" if event.reason else ""))
    for flag in (*drops.flags, *(note for note in notes if "no unit" in note)):
        echo(f"flag: {flag}")
    echo(f"{len(drops.events)} drops. Table in {folder / 'irdrop.csv'}")
