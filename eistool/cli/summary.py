"""Summary printed by ``eistool fit``, ``drt`` and ``check``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.output import console, echo, echo_json, echo_table
from eistool.cli.transport import transport_lines
from eistool.escaping import printable
from eistool.report.units import format_hertz, format_ohm
from eistool.spectrum.series import COORDINATES
from eistool.typing import JSON

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from eistool.batch import Record, Summary

# shown if known: name, heading, format
_CONDITIONS = (
    ("sample_id", "sample", "{}"),
    ("temperature_C", "T", "{:.1f} °C"),
    ("soc_pct", "SOC", "{:g} %"),
    ("voltage_V", "U", "{:g} V"),
    ("direction", "", "{}"),
    ("cycle", "cycle", "{:g}"),
)
_STYLES = {
    "ok": "green", "poor_model": "yellow", "failed": "red",
    "passed": "green", "undecided": "yellow", "not_passed": "red",
}  # fmt: skip
_SHOWN = ("R", "HN", "G")  # elements whose resistance is printed beside those of arcs
WIDEST = 500  # characters
MOST_SPECTRA = 200  # with a line of their own
_EXPECTED = ("document", "samples table", "settings")  # reasons for ignored files that need no line
_MOST_LINES = 20  # of warnings and failures


def finish(
    context: click.Context, summary: "Summary", paths: Sequence[Path], as_json: bool, by: str | None = None
) -> None:
    """Print the summary, and exit with its code."""
    if as_json:
        echo_json(summary_to_dict(summary))
    else:
        print_summary(summary, by)
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


def print_summary(summary: "Summary", by: str | None = None) -> None:
    """Print a line for each spectrum, then warnings, failures and the path of the tables."""
    # wide, so that nothing is cut off in a log
    terminal = console(soft_wrap=True, width=WIDEST)
    several = len(summary.records) <= MOST_SPECTRA
    done = [record for record in summary.records[:MOST_SPECTRA] if _is_done(record)]
    if by is not None:
        done.sort(key=lambda record: _place(record, COORDINATES[by]))
    if lines := transport_lines(summary, MOST_SPECTRA):
        echo("\n".join(lines) + "\n")
    if done:
        _print_results(terminal, done)
    if not several:
        echo(f"... {len(summary.records) - MOST_SPECTRA} more spectra, see the tables")
    _print_lines(terminal, "series", "cyan", summary.series)
    _print_lines(terminal, "warning", "yellow", summary.warnings)
    _print_lines(
        terminal,
        "failed",
        "red",
        [
            f"{_name(record)} ({row['stage']}): {_reason(record, row['error'])}"
            for record, row in _failures(summary)
        ],
    )
    ignored = [entry for entry in summary.ignored if entry["reason"] not in _EXPECTED]
    _print_lines(terminal, "ignored", "dim", [f"{entry['source']}: {entry['reason']}" for entry in ignored])
    counts = summary.counts
    states = [
        f"{counts[name]} {name.replace('_', ' ')}"
        for name in ("ok", "poor_model", "failed", "left_out")
        if counts[name] or name in ("ok", "failed")
    ]
    terminal.print(
        f"{', '.join(states)}; {counts['computed_now']} computed now. Tables in {printable(str(summary.out))}"
    )
    if summary.interrupted:
        terminal.print("Interrupted: run the same command again to do the rest.", style="bold yellow")


def _is_done(record: "Record") -> bool:
    """Return whether there is a fit, a distribution or a verdict, failed ones included."""
    return not record.tables.keys().isdisjoint(("fits", "drt", "check"))


def _print_results(terminal: "Console", records: Sequence["Record"]) -> None:
    from rich.table import Table

    rows = [record.row("spectra") for record in records]
    shown = [c for c in _CONDITIONS if any(row[c[0]] is not None for row in rows)]
    headings: tuple[str, ...]
    if "check" in records[0].tables:
        headings, cells = ("verdict", "noise", "largest residual", ""), _verdict
    else:
        headings, cells = ("circuit" if "fits" in records[0].tables else "model", "status", "resistances"), _model
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("spectrum", *(heading for _, heading, _ in shown), *headings):
        table.add_column(heading, no_wrap=True)
    for record, row in zip(records, rows, strict=True):
        conditions = ["" if row[name] is None else printable(form.format(row[name])) for name, _, form in shown]
        table.add_row(_name(record), *conditions, *cells(record))
    echo_table(terminal, table)


def _model(record: "Record") -> tuple["str | Text", ...]:
    from rich.text import Text

    name = "circuit" if "fits" in record.tables else "model"
    result = record.row("fits" if name == "circuit" else "drt")
    status = Text(record.status.replace("_", " "), style=_STYLES[record.status])
    reason = record.row("spectra")["reason"]
    return result.get(name) or "", status, "   ".join(_resistances(record)) or reason or ""


def _verdict(record: "Record") -> tuple["str | Text", ...]:
    from rich.text import Text

    row = record.row("check")
    verdict = Text(row["status"].replace("_", " "), style=_STYLES[row["status"]])
    sizes = [row.get(name) for name in ("noise", "kk_max_residual")]
    return verdict, *("" if size is None else f"{100 * size:.2g} %" for size in sizes), row["reason"] or ""


def _resistances(record: "Record") -> list[str]:
    """Return R ± u of the elements in series, then of the arcs or peaks with their frequency."""
    if "fits" not in record.tables:
        return _peaks(record)
    arcs = {row["process"]: row for row in record.tables.get("processes", ())}
    parameters = list(record.tables.get("parameters", ()))
    texts = [
        _resistance(row["parameter"], row["value"], row["stderr"], row["status"], row["ci_high"])
        for row in parameters
        if row["unit"] == "ohm" and row["parameter"] not in arcs and row["parameter"].startswith(_SHOWN)
        if row["role"] != "sum"
    ]
    for name, row in arcs.items():
        apex = f"{format_hertz(row['apex_Hz'])}" if row["tau_status"] != "not_resolvable" else ""
        texts.append(_resistance(name, row["R_ohm"], row["u_R_ohm"], row["status"], row["upper_limit_ohm"], apex))
    texts += [
        f"{row['parameter']} {format_ohm(row['value'], row['stderr'])}"
        for row in parameters
        if row["role"] == "sum"
    ]
    fit = record.row("fits")
    if fit["R_total_status"] == "ok" and len(texts) > 1:
        texts.append(f"total {format_ohm(fit['R_total_ohm'], fit['u_R_total_ohm'])}")
    return texts


def _peaks(record: "Record") -> list[str]:
    row = record.row("drt")
    if row["status"] == "failed":
        return []
    texts = [f"R_inf {format_ohm(row['R_inf_ohm'], row['u_R_inf_ohm'])}"]
    for peak in record.tables["drt_peaks"]:
        remark = " (edge)" if peak["edge"] else ""
        R, place = format_ohm(peak["R_ohm"], peak["u_R_ohm"]), format_hertz(peak["frequency_Hz"])
        texts.append(f"{R} at {place}{remark}")
    return texts


def _resistance(
    name: str, value: float | None, stderr: float | None, status: str, limit: float | None, apex: str = ""
) -> str:
    # a number that the data do not determine would only be taken for one that they do
    if value is None or status in ("not_identifiable", "not_resolvable"):
        words = status.replace("_", " ") if limit is None else f"< {format_ohm(float(f'{limit:.2g}'))}"
        return f"{name} {words}{f' at {apex}' if apex and limit is not None else ''}"
    place = f" at {apex}" if apex else ""
    remark = "" if status == "ok" else f" ({status.replace('_', ' ')})"
    return f"{name} {format_ohm(value, stderr)}{place}{remark}"


def _spectrum(record: "Record") -> JSON:
    row = record.row("spectra")
    known = {name: row[name] for name, _, _ in _CONDITIONS if row[name] is not None}
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


def _name(record: "Record") -> str:
    source = printable(record.key.source)
    return source if record.key.sweep < 2 else f"{source}#{record.key.sweep}"


def _reason(record: "Record", error: str) -> str:
    # messages of readers and fits begin with the name, printed already
    for name in (_name(record), record.key.source.rpartition("/")[2]):
        error = error.removeprefix(f"{name}: ").removeprefix(f"{name}, ")
    return error


def _place(record: "Record", column: str) -> tuple[str, bool, float]:
    row = record.row("spectra")
    value = math.inf if row[column] is None else row[column]
    discharge = row["direction"] == "discharge"
    series = row["sample_id"] or record.key.source.rpartition("/")[0]
    return series, discharge, -value if discharge else value


def _print_lines(terminal: "Console", heading: str, style: str, lines: Sequence[str]) -> None:
    from rich.text import Text

    for line in lines[:_MOST_LINES]:
        terminal.print(Text(f"{heading}: ", style=style).append(printable(line), style="default"))
    if len(lines) > _MOST_LINES:
        terminal.print(f"{heading}: {len(lines) - _MOST_LINES} more, see the tables", style=style)
