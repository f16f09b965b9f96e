"""``eistool inspect``: interpretation of each file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.output import console, echo_json
from eistool.errors import ConfigError
from eistool.escaping import printable, without_name

if TYPE_CHECKING:
    from rich.console import Console

    from eistool.readers import FoundFile, SampleTables
    from eistool.spectrum import Spectrum

_PLOTTED = 3  # sweeps of a file, by default
_SIGN = "sign of Im: "
_SHOWN_ELSEWHERE = ("source", "sweep", "format")


@click.command(
    epilog="""\b
Examples:
  eistool inspect measurements/
  eistool inspect --json cell_25C.mpt cell_40C.mpt
"""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH...")
@click.option(
    "--samples",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Samples table; by default samples.csv in or above each file's folder.",
)
@click.option(
    "--plot",
    type=click.Choice(("some", "all", "none")),
    default="some",
    show_default=True,
    help=f"Nyquist plots of the sweeps: the first {_PLOTTED} of each file, all, or none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], samples: Path | None, plot: str, as_json: bool
) -> None:
    """Show the interpretation of files and folders.

    Output for each sweep: format, points, range, origin of the sign of Im, warnings, notes, metadata with their
    origin, and a Nyquist plot; for each file that cannot be read: the reason. Exit code 1 if there are such
    files, 3 if nothing is readable.
    """
    from eistool.readers import SampleTables, scan

    try:
        tables = SampleTables(samples)
        files = [_inspect(file, tables) for file in scan(paths)]
        most = {"some": _PLOTTED, "all": None, "none": 0}[plot]
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        shown = [
            {**file, "sweeps": [_sweep(s) for s in file["sweeps"]]} if "sweeps" in file else file for file in files
        ]
        echo_json({"files": shown})
    else:
        _print(files, most)
    statuses = {file["status"] for file in files}
    context.exit(3 if "read" not in statuses else 1 if "failed" in statuses else 0)


def _inspect(file: "FoundFile", tables: "SampleTables") -> dict[str, Any]:
    from eistool.batch import Breakdown, attempt
    from eistool.readers import load

    described: dict[str, Any] = {"source": file.source, "path": printable(str(file.path))}
    if file.ignored:
        return described | {"status": "ignored", "reason": file.ignored}
    spectra = attempt(file.source, lambda: load(file, tables), raised=(ConfigError,))
    if isinstance(spectra, Breakdown):
        return described | {
            "status": "failed",
            "reason": without_name(spectra.reason, printable(file.path.name)),
        }
    return described | {"status": "read", "sweeps": spectra}


def _sweep(spectrum: "Spectrum") -> dict[str, Any]:
    from eistool.readers import doubts
    from eistool.readers.notes import WARNING

    metadata = spectrum.metadata
    warnings = doubts(spectrum)
    sign = [note.removeprefix(_SIGN) for note in spectrum.notes if note.startswith(_SIGN)]
    return {
        "source": metadata.source,
        "sweep": metadata.sweep,
        "format": metadata.format,
        "n_points": len(spectrum),
        "n_used": spectrum.n_used,
        "f_min_Hz": float(spectrum.frequency.min()),
        "f_max_Hz": float(spectrum.frequency.max()),
        "included": metadata.include is not False,
        "sign_of_im": "; ".join(sign),
        "warnings": warnings,
        "notes": [
            note
            for note in spectrum.notes
            if not note.startswith(_SIGN) and note.removeprefix(WARNING) not in warnings
        ],
        "metadata": {
            name: {"value": value, "origin": metadata.origin[name]}
            for name, value in metadata.known().items()
            if name not in _SHOWN_ELSEWHERE
        },
    }


def _print(files: list[dict[str, Any]], most: int | None) -> None:
    """Print the files, with Nyquist plots of the first sweeps of each; None is all."""
    from rich.text import Text

    terminal = console(soft_wrap=True)
    for file in files:
        spectra: list[Spectrum] = file.get("sweeps", [])
        for number, spectrum in enumerate(spectra):
            _print_sweep(terminal, spectrum, plotted=most is None or number < most)
        if most and len(spectra) > most:
            terminal.print(
                f"{file['source']}: Nyquist plots of {most} of {len(spectra)} sweeps; --plot all shows the others"
            )
    for file in files:
        if file["status"] == "failed":
            terminal.print(Text("not read", style="red"), f"{file['source']}: {file['reason']}")
    for file in files:
        if file["status"] == "ignored":
            terminal.print(Text("ignored", style="dim"), f"{file['source']}: {file['reason']}")
    n_sweeps = sum(len(file.get("sweeps", ())) for file in files)
    counts = [f"{sum(file['status'] == name for file in files)} {name}" for name in ("read", "failed", "ignored")]
    terminal.print(f"sweeps: {n_sweeps}; files: {', '.join(counts)}")


def _print_sweep(terminal: "Console", spectrum: "Spectrum", plotted: bool) -> None:
    from rich.text import Text

    from eistool.cli.nyquist import draw_nyquist

    sweep = _sweep(spectrum)
    masked = sweep["n_points"] - sweep["n_used"]
    points = f"{sweep['n_points']} points" + (f" ({masked} masked)" if masked else "")
    left_out = "" if sweep["included"] else "  left out by the samples table"
    terminal.print(
        Text(f"{sweep['source']}#{sweep['sweep']}", style="bold"),
        f" {sweep['format']}  {points}  {sweep['f_min_Hz']:.4g} to {sweep['f_max_Hz']:.4g} Hz{left_out}",
    )
    terminal.print(f"  Im: {sweep['sign_of_im']}")
    for warning in sweep["warnings"]:
        terminal.print(Text("  warning:", style="yellow"), warning)
    for note in sweep["notes"]:
        terminal.print(f"  note: {note}")
    for name, entry in sweep["metadata"].items():
        terminal.print(f"  {name} = {entry['value']}  ({entry['origin']})")
    if plotted:
        for line in draw_nyquist(spectrum.impedance, braille=terminal.encoding.startswith("utf")):
            terminal.print(line)
