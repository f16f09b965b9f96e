"""Lines of text that fit the terminal: results of sweeps, summaries of samples, and the worst sweeps."""

import math
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from eistool.escaping import printable
from eistool.report.units import format_hertz, format_ohm

if TYPE_CHECKING:
    from eistool.batch import Record

UNLIMITED = 10_000  # columns of a file or a pipe, where a line is not wrapped
INDENT = 4
MOST_SWEEPS = 30  # printed one by one, unless all are asked for
WORST = 10
NAME = 28  # columns of the name of a sample, unless it is longer
ODD_EXPONENT = 0.75  # below which an exponent is printed beside R
_SHOWN = ("R", "HN", "G")  # elements whose resistance is printed beside those of arcs
CONDITIONS = (  # shown if known: name, heading, format
    ("sample_id", "sample", "{}"),
    ("temperature_C", "T", "{:.1f} °C"),
    ("soc_pct", "SOC", "{:g} %"),
    ("voltage_V", "U", "{:g} V"),
    ("direction", "", "{}"),
    ("cycle", "cycle", "{:g}"),
)
STYLES = {
    "ok": "green", "poor model": "yellow", "failed": "red",
    "passed": "green", "undecided": "yellow", "not passed": "red",
}  # fmt: skip


def terminal_width() -> int:
    """Return the columns of the terminal, or :data:`UNLIMITED` if the output is not one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED


def styled(text: str, colour: str, bold: bool = False) -> str:
    """Return a text in colour, or plain with ``NO_COLOR``."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour, bold=bold)


def wrap(items: Sequence[str], width: int, first: str = "", indent: int = INDENT, gap: str = "   ") -> list[str]:
    """Return items in lines of a width; an item is broken between words only if it is wider itself.

    Examples
    --------
    >>> wrap(["R0 20 Ω", "R1 100 Ω", "R2 7 Ω"], 24)
    ['    R0 20 Ω   R1 100 Ω', '    R2 7 Ω']
    """
    lines, line = [], first or " " * indent
    is_empty = not first
    for item in items:
        room = width - len(line) - (0 if is_empty else len(gap))
        if len(item) <= room:
            line += item if is_empty else f"{gap}{item}"
            is_empty = False
            continue
        if not is_empty:
            lines.append(line)
            line = " " * indent
        while len(line) + len(item) > width and " " in item[1 : max(width - len(line), 2)]:
            cut = item.rindex(" ", 1, max(width - len(line), 2))
            lines.append(line + item[:cut])
            item, line = item[cut + 1 :], " " * indent
        line += item
        is_empty = False
    return [*lines, line] if not is_empty else lines


def sweep_lines(records: Sequence["Record"], width: int) -> list[str]:
    """Return a table of sweeps if it fits the width, else each sweep with its results below."""
    rows = [record.row("spectra") for record in records]
    shown = [c for c in CONDITIONS if any(row[c[0]] is not None for row in rows)]
    is_check = "check" in records[0].tables
    headings = ("verdict", "noise", "largest residual", "") if is_check else (
        "circuit" if "fits" in records[0].tables else "model", "status", "resistances"
    )  # fmt: skip
    table = [["spectrum", *(heading for _, heading, _ in shown), *headings]]
    for record, row in zip(records, rows, strict=True):
        conditions = ["" if row[name] is None else printable(form.format(row[name])) for name, _, form in shown]
        cells = _verdict(record) if is_check else _model(record)
        table.append([record_name(record), *conditions, *cells])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= width:
        status = len(shown) + (1 if is_check else 2)
        return [_row(cells, widths, status) for cells in table]
    return [line for cells in table[1:] for line in _stacked(cells, len(shown), is_check, width)]


def _row(cells: Sequence[str], widths: Sequence[int], status: int) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    if cells[status] in STYLES:
        padded[status] = styled(cells[status], STYLES[cells[status]]) + padded[status][len(cells[status]) :]
    return "  ".join(padded).rstrip()


def _stacked(cells: Sequence[str], n_conditions: int, is_check: bool, width: int) -> list[str]:
    name, conditions, results = cells[0], cells[1 : 1 + n_conditions], cells[1 + n_conditions :]
    if is_check:
        status, details = results[0], [f"noise {results[1]}", f"largest residual {results[2]}", results[3]]
        details = [text for text in details if text.split(" ")[-1]]
    else:
        status, details = results[1], [results[0], *results[2].split("   ")]
    head = wrap([*filter(None, conditions), status], width, name, gap="  ")
    if status in STYLES and head[-1].endswith(status):
        head[-1] = head[-1].removesuffix(status) + styled(status, STYLES[status])
    return [*head, *wrap([text for text in details if text], width)]


def sample_lines(records: Sequence["Record"], skipped: Iterable[str] = ()) -> list[str]:
    """Return a line for each sample or folder: states, circuits and the range of its resistances.

    Parameters
    ----------
    records : sequence of Record
        Of fits or distributions.
    skipped : iterable of str
        Samples that have lines of their own.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        name = record.row("spectra")["sample_id"] or record.key.source.rpartition("/")[0] or "."
        groups.setdefault(name, []).append(record)
    for name in skipped:
        groups.pop(name, None)
    width = min(max(map(len, groups), default=0), NAME)
    return [f"{name.ljust(width)}  {_sample(members)}" for name, members in groups.items()]


def _sample(records: Sequence["Record"]) -> str:
    states = Counter(record.status.replace("_", " ") for record in records)
    parts = [f"{len(records)} sweep{'s' if len(records) > 1 else ''}: {_listed(states)}"]
    table = "fits" if "fits" in records[0].tables else "drt"
    rows = [record.row(table) for record in records if table in record.tables]
    for name, label in (("R_inf", "R∞"), ("R_total", "R total"), ("R_pol", "R_pol")):
        values = [
            row[f"{name}_ohm"]
            for row in rows
            if row.get(f"{name}_ohm") is not None and row.get(f"{name}_status", "ok") == "ok"
        ]
        if values:
            low, high = (format_ohm(float(f"{value:.3g}")) for value in (min(values), max(values)))
            parts.append(f"{label} {low if low == high else f'{low} to {high}'}")
    circuits = Counter(row.get("circuit") or row.get("model") or "" for row in rows)
    if circuits:
        name, _ = circuits.most_common(1)[0]
        parts.append(name if len(circuits) == 1 else f"{name} and {len(circuits) - 1} more")
    return "  ".join(parts)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def worst_lines(records: Sequence["Record"]) -> list[str]:
    """Return the ten worst sweeps with the reason: failed ones, then poor models by their misfit."""
    bad = [record for record in records if record.status in ("failed", "poor_model")]

    def badness(record: "Record") -> tuple[bool, float]:
        misfit = record.row("fits").get("misfit") if "fits" in record.tables else None
        return record.status != "failed", -(misfit or 0.0)

    return [
        f"{record_name(record)}  {record.status.replace('_', ' ')}: {_why(record)}"
        for record in sorted(bad, key=badness)[:WORST]
    ]


def _why(record: "Record") -> str:
    reason = record.row("spectra")["reason"]
    flags = (record.row("fits").get("flags") or "" if "fits" in record.tables else "").split("; ")
    misfit = next((flag for flag in flags if flag.startswith(("misfit", "residuals"))), flags[0])
    return str(reason or misfit or "see the residuals")


def record_name(record: "Record") -> str:
    """Return the source of a record, with the number of any but the first sweep."""
    source = printable(record.key.source)
    return source if record.key.sweep < 2 else f"{source}#{record.key.sweep}"


def _model(record: "Record") -> tuple[str, ...]:
    name = "circuit" if "fits" in record.tables else "model"
    result = record.row("fits" if name == "circuit" else "drt")
    reason = record.row("spectra")["reason"]
    return result.get(name) or "", record.status.replace("_", " "), "   ".join(resistances(record)) or reason or ""


def _verdict(record: "Record") -> tuple[str, ...]:
    row = record.row("check")
    sizes = [row.get(name) for name in ("noise", "kk_max_residual")]
    verdict = row["status"].replace("_", " ")
    return verdict, *("" if size is None else f"{100 * size:.2g} %" for size in sizes), row["reason"] or ""


def resistances(record: "Record") -> list[str]:
    """Return R ± u of the elements in series, then of the arcs or peaks with their frequency."""
    if "fits" not in record.tables:
        return _peaks(record)
    arcs = {row["process"]: row for row in record.tables.get("processes", ())}
    parameters = list(record.tables.get("parameters", ()))
    texts = [
        _resistance(row["parameter"], row["value"], row["stderr"], row["status"], row["ci_high"])
        for row in parameters
        if row["unit"] == "ohm" and row["parameter"].removesuffix(".R") not in arcs
        if row["parameter"].startswith(_SHOWN) and row["role"] != "sum"
    ]
    for name, row in arcs.items():
        apex = f"{format_hertz(row['apex_Hz'])}" if row["tau_status"] != "not_resolvable" else ""
        text = _resistance(name, row["R_ohm"], row["u_R_ohm"], row["status"], row["upper_limit_ohm"], apex)
        alpha = row["alpha"]
        is_odd = alpha is not None and alpha < ODD_EXPONENT and row["R_ohm"] is not None
        texts.append(f"{text}, α {alpha:.2f}" if is_odd else text)
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
    place = f" at {apex}" if apex and math.isfinite(value) else ""
    remark = "" if status == "ok" else f" ({status.replace('_', ' ')})"
    return f"{name} {format_ohm(value, stderr)}{place}{remark}"
