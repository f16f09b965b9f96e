"""Summary printed by ``eistool fit``, ``drt`` and ``check``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.lines import (
    CONDITIONS,
    MOST_SWEEPS,
    record_name,
    sample_lines,
    styled,
    sweep_lines,
    terminal_width,
    worst_lines,
    wrap,
)
from eistool.cli.output import echo, echo_json, echo_styled
from eistool.cli.transport import transport_lines
from eistool.escaping import printable, without_name
from eistool.spectrum.series import COORDINATES
from eistool.typing import JSON

if TYPE_CHECKING:
    from eistool.batch import Record, Summary

REPORT = "report.html"
MOST_SPECTRA = 200  # with a line of their own
_EXPECTED = ("document", "program", "samples table", "settings")  # reasons for ignored files that need no line
_MOST_LINES = 10  # of warnings and failures


def finish(
    context: click.Context,
    summary: "Summary",
    paths: Sequence[Path],
    as_json: bool,
    by: str | None = None,
    verbose: bool = False,
    excel: bool = False,
) -> None:
    """Print the summary, and exit with its code."""
    if excel:
        from eistool.jobs.export import export_folder

        export_folder(summary.out, "excel")
    if as_json:
        echo_json(summary_to_dict(summary))
    else:
        print_summary(summary, by, verbose)
    if summary.n_read == 0 and not summary.interrupted:
        echo(f"nothing readable in {', '.join(map(str, paths))}", err=True)
    context.exit(summary.exit_code)


def summary_to_dict(summary: "Summary") -> JSON:
    """Return the machine-readable summary."""
    return {
        "out": str(summary.out),
        "exit_code": summary.exit_code,
        "interrupted": summary.interrupted,
        "counts": summary.counts,
        "spectra": [_spectrum(record) for record in summary.records if _is_done(record)],
        **{name: list(table) for name, table in summary.derived.items()},
        "failures": [
            {"source": r.key.source, "sweep": r.key.sweep or None, **row} for r, row in _failures(summary)
        ],
        "warnings": list(summary.warnings),
        "ignored": [dict(entry) for entry in summary.ignored],
        "series": list(summary.series),
    }


def print_summary(summary: "Summary", by: str | None = None, verbose: bool = False) -> None:
    """Print results, then warnings, failures and the path of the tables, in lines that fit the terminal.

    Sweeps are printed one by one if they are few, or if ``verbose``; else a line per sample, and the worst sweeps.
    """
    width = terminal_width()
    done = [record for record in summary.records[:MOST_SPECTRA] if _is_done(record)]
    if by is not None:
        done.sort(key=lambda record: _place(record, COORDINATES[by]))
    transport = transport_lines(summary, MOST_SPECTRA)
    _echo(transport, width)
    if done and transport:
        echo()
    if done and (verbose or len(done) <= MOST_SWEEPS):
        for line in sweep_lines(done, width):
            echo_styled(line)
    elif done:
        named = {row["sample_id"] for row in summary.derived.get("conductivity", ()) if row["sample_id"]}
        lines = sample_lines(done, named)
        _echo(lines[:MOST_SWEEPS], width)
        if len(lines) > MOST_SWEEPS:
            echo(f"{len(lines) - MOST_SWEEPS} more samples; --verbose prints all")
        _print_lines("worst", "yellow", worst_lines(done), width)
    if len(summary.records) > MOST_SPECTRA:
        echo(f"... {len(summary.records) - MOST_SPECTRA} more spectra, see the tables")
    _print_lines("series", "cyan", summary.series, width)
    _print_lines("warning", "yellow", summary.warnings, width)
    failures = [
        f"{record_name(record)} ({row['stage']}): {_reason(record, row['error'])}"
        for record, row in _failures(summary)
    ]
    _print_lines("failed", "red", failures, width)
    ignored = [entry for entry in summary.ignored if entry["reason"] not in _EXPECTED]
    _print_lines("ignored", "bright_black", [f"{entry['source']}: {entry['reason']}" for entry in ignored], width)
    counts = summary.counts
    states = [
        f"{counts[name]} {name.replace('_', ' ')}"
        for name in ("ok", "poor_model", "failed", "left_out")
        if counts[name] or name in ("ok", "failed")
    ]
    report = summary.out / REPORT
    look = f", report: {printable(str(report))}" if report.exists() else ""
    places = f"Tables in {printable(str(summary.out))}{look}"
    _echo([f"{', '.join(states)}; {counts['computed_now']} computed now. {places}"], width)
    if summary.interrupted:
        echo_styled(styled("Interrupted: run the same command again to do the rest.", "yellow", bold=True))


def _is_done(record: "Record") -> bool:
    """Return whether there is a fit, a distribution or a verdict, failed ones included."""
    return not record.tables.keys().isdisjoint(("fits", "drt", "check"))


def _spectrum(record: "Record") -> JSON:
    row = record.row("spectra")
    known = {name: row[name] for name, _, _ in CONDITIONS if row[name] is not None}
    described = {"source": record.key.source, "sweep": record.key.sweep, **known}
    described |= {"status": record.status, "reason": row["reason"]}
    if "fits" in record.tables:
        described |= _fit(record)
    if "check" in record.tables:
        described["check"] = record.row("check")
    if "drt" in record.tables:
        drt = record.row("drt")
        described["drt"] = {**drt, "peaks": list(record.tables.get("drt_peaks", ()))}
    return described


def _fit(record: "Record") -> JSON:
    fit = record.row("fits")
    return {
        "circuit": fit["circuit"],
        "chi2_reduced": fit["chi2_reduced"],
        "flags": fit["flags"],
        "parameters": {
            p["parameter"]: {name: p[name] for name in ("value", "stderr", "unit", "status")}
            for p in record.tables.get("parameters", ())
        },
        "processes": list(record.tables.get("processes", ())),
    }


def _failures(summary: "Summary") -> Iterable[tuple["Record", Mapping[str, Any]]]:
    return ((record, row) for record in summary.failed for row in record.tables.get("failures", ()))


def _reason(record: "Record", error: str) -> str:
    # messages of readers and fits begin with the name, printed already
    return without_name(error, record_name(record), record.key.source.rpartition("/")[2])


def _place(record: "Record", column: str) -> tuple[str, bool, float]:
    row = record.row("spectra")
    value = math.inf if row[column] is None else row[column]
    discharge = row["direction"] == "discharge"
    series = row["sample_id"] or record.key.source.rpartition("/")[0]
    return series, discharge, -value if discharge else value


def _print_lines(heading: str, colour: str, lines: Sequence[str], width: int) -> None:
    for line in map(printable, lines[:_MOST_LINES]):
        first, *rest = wrap(line.split(" "), width, f"{heading}:", gap=" ")
        echo_styled("\n".join([styled(f"{heading}:", colour) + first.removeprefix(f"{heading}:"), *rest]))
    if len(lines) > _MOST_LINES:
        echo_styled(styled(f"{heading}: {len(lines) - _MOST_LINES} more, see the tables", colour))


def _echo(lines: Sequence[str], width: int) -> None:
    for line in lines:
        first, *rest = wrap(line.split("  "), width, " ", gap="  ") if len(line) > width else [f" {line}"]
        echo_styled("\n".join([first.strip(), *rest]))
