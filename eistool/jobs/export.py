"""Job of ``eistool export``: tables of a result folder for Excel, Origin and LaTeX."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eistool.batch.files import write_file
from eistool.display import format_value
from eistool.errors import ConfigError
from eistool.report.results import Results, name_of, number, read_results
from eistool.tables import TABLES

MOST_ROWS = 1_048_574  # of a sheet below its two header rows
_ESCAPES = str.maketrans(
    {character: rf"\{character}" for character in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}"}
)


def export_folder(folder: Path, kind: str, out: Path | None = None) -> list[Path]:
    """Write the tables of a result folder for another program, and return the paths of the files.

    Parameters
    ----------
    folder : Path
        Result folder.
    kind : {"excel", "origin", "latex"}
        Workbook ``results.xlsx`` with a sheet for each table; CSV files with rows of long names, units and
        comments, and the curves of all sweeps side by side; or ``parameters.tex``.
    out : Path, optional
        Folder of the files; by default the result folder.

    Raises
    ------
    ConfigError
        If the folder is no result folder, or openpyxl is not installed.
    """
    results = read_results(folder)
    out = folder if out is None else out
    write: Mapping[str, Callable[[Results, Path], list[Path]]] = {
        "excel": _excel,
        "origin": _origin,
        "latex": _latex,
    }
    return write[kind](results, out)


def _units(table: str) -> dict[str, str]:
    columns = next((one.columns for one in TABLES if one.name == table), ())
    return {column.name: column.unit.strip("`") for column in columns}


def _value(text: str) -> str | float | None:
    value = number(text)
    return (text or None) if value is None else value


def _excel(results: Results, out: Path) -> list[Path]:
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font
    except ImportError as error:
        raise ConfigError("export to Excel needs openpyxl; run pip install 'eistool[excel]'") from error
    book = Workbook(write_only=True)
    for name, rows in results.tables.items():
        if not rows:
            continue
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A3"
        units = _units(name)

        def cell(value: Any, bold: bool = False, sheet: Any = sheet) -> Any:
            made = WriteOnlyCell(sheet, value)
            if isinstance(value, str):
                made.data_type = "s"  # a name that begins with = is a name
            made.font = Font(bold=bold)
            return made

        sheet.append([cell(column, bold=True) for column in rows[0]])
        sheet.append([cell(units.get(column, "")) for column in rows[0]])
        for row in rows[:MOST_ROWS]:
            sheet.append(
                [cell(value) if isinstance(value := _value(text), str) else value for text in row.values()]
            )
    if not book.worksheets:
        book.create_sheet("empty")
    buffer = io.BytesIO()
    book.save(buffer)
    path = out / "results.xlsx"
    write_file(path, buffer.getvalue())
    return [path]


def _origin(results: Results, out: Path) -> list[Path]:
    written = []
    for name, rows in results.tables.items():
        if not rows or name in ("curves", "measured", "drt_curves"):
            continue
        units = _units(name)
        lines = [list(rows[0]), [units.get(column, "") for column in rows[0]], [""] * len(rows[0])]
        written.append(_write_csv(out / "origin" / f"{name}.csv", [*lines, *(list(row.values()) for row in rows)]))
    curves = list(_side_by_side(results))
    if curves:
        length = max(len(column) for column in curves)
        table = [[column[i] if i < len(column) else "" for column in curves] for i in range(length)]
        written.append(_write_csv(out / "origin" / "curves.csv", table))
    return written


def _side_by_side(results: Results) -> Iterator[list[str]]:
    """Yield the columns of all sweeps: long name, unit, comment, then the values."""
    columns = (
        ("frequency", "Hz", "frequency_Hz", False),
        ("Z'", "ohm", "z_real_ohm", False),
        ("-Z''", "ohm", "z_imag_ohm", True),
        ("Z' fit", "ohm", "fit_real_ohm", False),
        ("-Z'' fit", "ohm", "fit_imag_ohm", True),
    )
    for key, rows in (results.by_sweep("measured") | results.by_sweep("curves")).items():
        for long_name, unit, column, is_negated in columns:
            values = [row.get(column, "") for row in rows]
            if any(values):
                yield [long_name, unit, name_of(key), *(map(_negated, values) if is_negated else values)]


def _negated(text: str) -> str:
    value = number(text)
    return "" if value is None else repr(-value)


def _write_csv(path: Path, lines: list[list[str]]) -> Path:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    write_file(path, buffer.getvalue().encode())
    return path


def _latex(results: Results, out: Path) -> list[Path]:
    """Write a table for each circuit, a row per sweep and a column per parameter."""
    groups: dict[str, dict[tuple[str, int], dict[str, str]]] = {}
    units: dict[str, str] = {}
    for key, rows in results.by_sweep("parameters").items():
        for row in rows:
            if row.get("role") in ("sum", "left_out"):
                continue
            groups.setdefault(row["circuit"], {}).setdefault(key, {})[row["parameter"]] = _entry(row)
            units[row["parameter"]] = row.get("unit", "")
    if not groups:
        raise ConfigError(f"{results.folder}: no parameters.csv with fits; run eistool fit first")
    text = "% needs \\usepackage{booktabs}\n" + "\n\n".join(
        _tabular(circuit, sweeps, units) for circuit, sweeps in groups.items()
    )
    path = out / "parameters.tex"
    write_file(path, f"{text}\n".encode())
    return [path]


def _entry(row: Mapping[str, str]) -> str:
    value = number(row.get("value"))
    if value is None or row.get("status") == "not_identifiable":
        return "--"
    text = format_value(value, number(row.get("stderr"))).replace("±", r"\pm")
    body, power, exponent = text.partition("e")
    factor = rf" \times 10^{{{int(exponent)}}}" if power else ""
    return f"${body}{factor}$"


def _tabular(circuit: str, sweeps: Mapping[tuple[str, int], Mapping[str, str]], units: Mapping[str, str]) -> str:
    names = list(dict.fromkeys(name for entries in sweeps.values() for name in entries))
    heads = [f"{name.translate(_ESCAPES)}{_unit(units[name])}" for name in names]
    lines = [
        " & ".join([name_of(key).translate(_ESCAPES), *(entries.get(name, "") for name in names)]) + r" \\"
        for key, entries in sweeps.items()
    ]
    return "\n".join(
        [
            f"% {circuit}",
            rf"\begin{{tabular}}{{l{'r' * len(names)}}}",
            r"\toprule",
            " & ".join(["spectrum", *heads]) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _unit(unit: str) -> str:
    symbols = {"ohm": r"$\Omega$", "S s^α": r"S\,s$^\alpha$", "H s^(α-1)": r"H\,s$^{\alpha-1}$"}
    symbols["ohm s^-1/2"] = r"$\Omega$\,s$^{-1/2}$"
    return f" / {symbols.get(unit, unit.translate(_ESCAPES))}" if unit else ""
