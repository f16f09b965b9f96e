"""What ``eistool fit`` prints when it is done."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from eistool.report.units import format_hertz, format_ohm
from eistool.spectrum.series import COORDINATES
from eistool.typing import JSON

if TYPE_CHECKING:
    from rich.console import Console

    from eistool.batch import Record, Summary

# shown where a spectrum knows them: name, heading, format
_CONDITIONS = (
    ("sample_id", "sample", "{}"),
    ("temperature_C", "T", "{:.1f} °C"),
    ("soc_pct", "SOC", "{:g} %"),
    ("voltage_V", "U", "{:g} V"),
    ("direction", "", "{}"),
    ("cycle", "cycle", "{:g}"),
)
_STYLES = {"ok": "green", "poor_model": "yellow", "failed": "red"}
WIDEST = 500  # characters
_MOST_LINES = 20  # of warnings and failures


def summary_to_dict(summary: "Summary") -> JSON:
    """Return the machine-readable summary."""
    return {
        "out": str(summary.out),
        "exit_code": summary.exit_code,
        "interrupted": summary.interrupted,
        "counts": summary.counts,
        "spectra": [_spectrum(record) for record in summary.records if "fits" in record.tables],
        "failures": [
            {"source": r.key.source, "sweep": r.key.sweep or None, **row} for r, row in _failures(summary)
        ],
        "warnings": list(summary.warnings),
    }


def print_summary(summary: "Summary", by: str | None = None) -> None:
    """Print a line for each spectrum, then warnings, failures and where the tables are."""
    from rich.console import Console

    # wide, so that nothing is cut off in a log
    console = Console(highlight=False, markup=False, soft_wrap=True, width=WIDEST)
    fitted = [record for record in summary.records if "fits" in record.tables]
    if by is not None:
        fitted.sort(key=lambda record: _place(record, COORDINATES[by]))
    if fitted:
        _print_fits(console, fitted)
    _print_lines(console, "warning", "yellow", summary.warnings)
    _print_lines(
        console,
        "failed",
        "red",
        [
            f"{_name(record)} ({row['stage']}): {_reason(record, row['error'])}"
            for record, row in _failures(summary)
        ],
    )
    counts = summary.counts
    states = [f"{counts[name]} {name.replace('_', ' ')}" for name in ("ok", "poor_model", "failed", "left_out")]
    console.print(f"{', '.join(states)}; {counts['computed_now']} computed now. Tables in {summary.out}")
    if summary.interrupted:
        console.print("Interrupted: run the same command again to do the rest.", style="bold yellow")


def _print_fits(console: "Console", records: Sequence["Record"]) -> None:
    from rich.table import Table
    from rich.text import Text

    rows = [next(iter(record.tables["spectra"])) for record in records]
    shown = [c for c in _CONDITIONS if any(row[c[0]] is not None for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("spectrum", *(heading for _, heading, _ in shown), "circuit", "status", "resistances"):
        table.add_column(heading, no_wrap=True)
    for record, row in zip(records, rows, strict=True):
        fit = next(iter(record.tables["fits"]))
        conditions = ["" if row[name] is None else form.format(row[name]) for name, _, form in shown]
        status = Text(record.status.replace("_", " "), style=_STYLES[record.status])
        resistances = "   ".join(_resistances(record)) or row["reason"] or ""
        table.add_row(_name(record), *conditions, fit["circuit"], status, resistances)
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _resistances(record: "Record") -> list[str]:
    """Return R ± u of what is in series, then of the arcs with the frequency of their apex."""
    arcs = {row["process"]: row for row in record.tables.get("processes", ())}
    texts = [
        _resistance(row["parameter"], row["value"], row["stderr"], row["status"])
        for row in record.tables.get("parameters", ())
        if row["unit"] == "ohm" and row["parameter"] not in arcs and row["parameter"].startswith("R")
    ]
    for name, row in arcs.items():
        apex = f"{format_hertz(row['apex_Hz'])}"
        texts.append(_resistance(name, row["R_ohm"], row["u_R_ohm"], row["status"], apex))
    return texts


def _resistance(name: str, value: float | None, stderr: float | None, status: str, apex: str = "") -> str:
    # a number that the data do not determine would only be taken for one that they do
    if value is None or status in ("not_identifiable", "not_resolvable"):
        return f"{name} {status.replace('_', ' ')}"
    place = f" at {apex}" if apex else ""
    remark = "" if status == "ok" else f" ({status.replace('_', ' ')})"
    return f"{name} {format_ohm(value, stderr)}{place}{remark}"


def _spectrum(record: "Record") -> JSON:
    fit = next(iter(record.tables["fits"]))
    row = next(iter(record.tables["spectra"]))
    known = {name: row[name] for name, _, _ in _CONDITIONS if row[name] is not None}
    return {
        "source": record.key.source,
        "sweep": record.key.sweep,
        **known,
        "circuit": fit["circuit"],
        "status": record.status,
        "reason": row["reason"],
        "chi2_reduced": fit["chi2_reduced"],
        "flags": fit["flags"],
        "parameters": {
            p["parameter"]: {name: p[name] for name in ("value", "stderr", "unit", "status")}
            for p in record.tables.get("parameters", ())
        },
        "processes": list(record.tables.get("processes", ())),
    }


def _failures(summary: "Summary") -> Iterable[tuple["Record", Mapping[str, Any]]]:
    return ((record, row) for record in summary.records for row in record.tables.get("failures", ()))


def _name(record: "Record") -> str:
    return record.key.source if record.key.sweep < 2 else f"{record.key.source}#{record.key.sweep}"


def _reason(record: "Record", error: str) -> str:
    # readers and fits begin with the name, which stands there already
    for name in (_name(record), record.key.source.rpartition("/")[2]):
        error = error.removeprefix(f"{name}: ").removeprefix(f"{name}, ")
    return error


def _place(record: "Record", column: str) -> tuple[str, bool, float]:
    row = next(iter(record.tables["spectra"]))
    value = math.inf if row[column] is None else row[column]
    discharge = row["direction"] == "discharge"
    series = row["sample_id"] or record.key.source.rpartition("/")[0]
    return series, discharge, -value if discharge else value


def _print_lines(console: "Console", heading: str, style: str, lines: Sequence[str]) -> None:
    from rich.text import Text

    for line in lines[:_MOST_LINES]:
        console.print(Text(f"{heading}: ", style=style).append(line, style="default"))
    if len(lines) > _MOST_LINES:
        console.print(f"{heading}: {len(lines) - _MOST_LINES} more, see the tables", style=style)
