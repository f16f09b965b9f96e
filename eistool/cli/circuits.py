"""``eistool circuits``: the circuit library."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eistool.cli.options import circuits, find_circuits
from eistool.cli.output import console, echo, echo_json
from eistool.errors import ConfigError

if TYPE_CHECKING:
    from eistool.circuit.library import LibraryCircuit


@click.command(
    epilog="""\b
Examples:
  eistool circuits
  eistool circuits diffusion
  eistool circuits bulk_gb_spike --plot circuit.png
  eistool circuits --circuits my-circuits/
"""
)
@click.argument("text", required=False)
@circuits
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a PNG of one circuit: drawing, equation and simulated Nyquist plot.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead, or an object for one circuit.")
def command(text: str | None, circuit_folders: tuple[Path, ...], plot: Path | None, as_json: bool) -> None:
    """List the circuits of the library, show the one named TEXT, or list those whose description contains TEXT.

    Custom circuits are NAME.toml files in a folder given by --circuits, the environment variable
    EISTOOL_CIRCUITS or the key circuits of eistool.toml, searched in this order before the built-in
    circuits.
    """
    from eistool.circuit.library import circuit_names, load_library, load_library_circuit

    folders = find_circuits(Path.cwd(), circuit_folders)
    if text in circuit_names(folders):
        entry = load_library_circuit(text, folders)
        if plot is not None:
            _write_plot(plot, entry)
        if as_json:
            echo_json(_describe(entry))
        else:
            echo(_show(entry))
        return
    if plot is not None:
        raise ConfigError(f"--plot: {text or 'no name'} is not a circuit of the library; give the name of one")
    matches = [entry for entry in load_library(folders) if _matches(entry, text or "")]
    if text and not matches:
        raise ConfigError(f"no circuit matches {text!r}; eistool circuits lists all")
    if as_json:
        echo_json([_describe(entry) for entry in matches])
    else:
        _print_list(matches)


def _describe(entry: "LibraryCircuit") -> dict[str, object]:
    circuit = entry.circuit
    units = dict(zip(circuit.parameters, circuit.units, strict=True))
    return {**entry.to_dict(), "equation": circuit.to_latex(), "units": units}


def _matches(entry: "LibraryCircuit", text: str) -> bool:
    """Return whether the description of a circuit contains all words of the text."""
    description = " ".join(
        (entry.name, entry.title, repr(entry.circuit), entry.use, *entry.roles.values())
    ).lower()
    return all(word in description for word in text.lower().split())


def _print_list(entries: "list[LibraryCircuit]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("circuit and use")
    for entry in entries:
        described = "\n".join(filter(None, (entry.title, repr(entry.circuit), entry.use)))
        table.add_row(entry.name, Text(f"{described}\n"))  # not markup: a use may hold brackets
    terminal = console()
    terminal.print(table)


def _show(entry: "LibraryCircuit") -> str:
    from eistool.circuit.drawing import draw_text

    circuit = entry.circuit
    drawing = draw_text(circuit.tree, ascii_only=not _can_print("─┬┐"))
    lines = [f"{entry.name}: {entry.title}" if entry.title else entry.name]
    lines += [entry.use] if entry.use else []
    lines += ["", drawing, "", f"circuit   {circuit}", f"equation  {circuit.to_latex()}", "", *_table(entry)]
    lines += ["", *(f"https://doi.org/{doi}" for doi in entry.references)] if entry.references else []
    return "\n".join(lines)


def _table(entry: "LibraryCircuit") -> list[str]:
    """Return a line for each parameter: unit, range, example, role."""
    circuit = entry.circuit
    values = {} if entry.example is None else entry.example.values
    elements = [element.name for element in circuit.elements for _ in element.spec.parameters]
    rows = [("parameter", "unit", "range", "example", "role")]
    for name, unit, element in zip(circuit.parameters, circuit.units, elements, strict=True):
        low, high = entry.ranges.get(name, (None, None))
        limits = "" if low is None else f"{low:g} to {high:g}"
        value = f"{values[name]:g}" if name in values else ""
        rows.append((name, unit, limits, value, entry.roles.get(element, "")))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _write_plot(path: Path, entry: "LibraryCircuit") -> None:
    from eistool.report import circuit_to_png

    picture = circuit_to_png(entry)
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise ConfigError(f"--plot {path}: cannot be written ({error.strerror or error})") from error
    echo(f"picture in {path}", err=True)
