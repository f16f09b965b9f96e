"""Output of ``eistool fit --dry-run``."""

from typing import TYPE_CHECKING, NoReturn

import click

from eistool.cli.output import echo, echo_json

if TYPE_CHECKING:
    from eistool.jobs import DryRun
    from eistool.spectrum import SampleGroup

_MOST_TEMPERATURES = 8  # listed one by one
_SHOWN = (
    ("sample_id", "sample", "{}"),
    ("cell_type", "cell", "{}"),
    ("temperature_C", "T", "{:g} °C"),
    ("thickness_um", "L", "{:g} µm"),
    ("diameter_mm", "d", "{:g} mm"),
    ("cell_constant_per_cm", "L/A", "{:.4g} /cm"),
    ("composition_x", "x", "{:g}"),
    ("circuit", "circuit", "{}"),
    ("gives", "gives", "{}"),
)


def show_dry_run(context: click.Context, dry_run: "DryRun", as_json: bool) -> NoReturn:
    """Print the inputs, and exit: 0, or 1 if a file cannot be read, or 3 if none can."""
    if as_json:
        contents = {
            "spectra": dry_run.rows,
            "samples": [group.to_dict() for group in dry_run.samples],
            "failures": dry_run.failures,
            "warnings": dry_run.warnings,
        }
        echo_json(contents)
    else:
        _print_table(dry_run)
        for group in dry_run.samples:
            echo(f"sample {group.name}: {_describe(group)}")
        for text in dry_run.warnings:
            echo(f"warning: {text}")
        for text in dry_run.failures:
            echo(f"cannot be read: {text}")
        echo(f"{len(dry_run.rows)} of {dry_run.n_read} sweeps would be fitted; nothing was computed or written.")
    context.exit(3 if not dry_run.n_read else int(bool(dry_run.failures)))
    raise AssertionError  # exit() does not return


def _describe(group: "SampleGroup") -> str:
    spectra = f"{group.n_spectra} spectr{'um' if group.n_spectra == 1 else 'a'}"
    T = group.temperature_C
    if len(T) > _MOST_TEMPERATURES:
        return f"{spectra} at {len(T)} temperatures, {T[0]:g} to {T[-1]:g} °C"
    return f"{spectra} at {', '.join(f'{value:g}' for value in T)} °C" if T else f"{spectra}, temperature unknown"


def _print_table(dry_run: "DryRun") -> None:
    cells = [[heading for _, heading, _ in _SHOWN]]
    names = []
    for row in dry_run.rows:
        names.append(row["source"] if row["sweep"] < 2 else f"{row['source']}#{row['sweep']}")
        cells.append(["" if row[name] is None else form.format(row[name]) for name, _, form in _SHOWN])
    columns = [["spectrum", *names], *map(list, zip(*cells, strict=True))]
    widths = [max(map(len, column)) for column in columns]
    for line in zip(*columns, strict=True):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        echo(text.rstrip())
