"""Exports to Excel, Origin and LaTeX, and the paragraph on methods."""

import csv
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from eistool.cli import main
from eistool.report.methods import REFERENCES, write_methods
from eistool.report.results import Results, read_results
from tests.report.page.folders import FORMULA, hostile_results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_results(tmp_path_factory.mktemp("export"))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_excel_has_a_sheet_per_table_and_a_row_of_units(results: Path, tmp_path: Path) -> None:
    run("export", str(results), "excel", "--out", str(tmp_path))
    book = load_workbook(tmp_path / "results.xlsx")
    assert {"spectra", "fits", "parameters", "curves", "arrhenius"} <= set(book.sheetnames)
    sheet = book["conductivity"]
    names, units, first = (list(row) for row in sheet.iter_rows(min_row=1, max_row=3, values_only=True))
    assert units[names.index("temperature_C")] == "°C" or units[names.index("R_ohm")] == "ohm"
    assert isinstance(first[names.index("R_ohm")], float)
    column = names.index("source") + 1
    texts = [sheet.cell(row, column) for row in range(3, sheet.max_row + 1)]
    [formula] = [cell for cell in texts if FORMULA[:10] in str(cell.value)]
    assert formula.data_type == "s"  # text, not a formula


def test_excel_beside_a_fit(results: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    options = ["--circuit", "R0-p(R1,CPE1)", "--no-drt", "--plots", "none", "--no-report", "--excel", "--out", out]
    run("fit", str(results.parent / "measured" / "plain.csv"), *options)
    assert (tmp_path / "out" / "results.xlsx").exists()


def test_origin_has_long_names_units_and_comments(results: Path, tmp_path: Path) -> None:
    run("export", str(results), "origin", "--out", str(tmp_path))
    with (tmp_path / "origin" / "curves.csv").open(encoding="utf-8", newline="") as file:
        names, units, comments, *points = list(csv.reader(file))
    assert names[:3] == ["frequency", "Z'", "-Z''"]
    assert units[:3] == ["Hz", "ohm", "ohm"]
    assert len(set(comments)) == 4
    assert len(points) == 31
    assert max(float(row[2]) for row in points) > 10  # -Im Z points up


def test_latex(results: Path, tmp_path: Path) -> None:
    run("export", str(results), "latex", "--out", str(tmp_path))
    text = (tmp_path / "parameters.tex").read_text(encoding="utf-8")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    rows = [line for line in text.splitlines() if line.startswith("plain.csv &")]
    assert len(rows) == 1
    assert re.search(r"\$\(\d\.\d+ \\pm 0\.\d+\) \\times 10\^\{-\d\}\$", rows[0])
    assert r"=HYPERLINK(" in text
    assert "_" not in text.replace(r"\_", "")


def test_methods_mention_what_was_done_and_cite_it(results: Path) -> None:
    printed = run("methods", str(results))
    text = (results / "methods.md").read_text(encoding="utf-8")
    bibliography = (results / "methods.bib").read_text(encoding="utf-8")
    assert text.strip() in printed
    assert "4 impedance spectra were analysed with eistool" in text
    assert "R0-p(R1,CPE1) (4)" in text
    assert "candidates" not in text  # a circuit was named
    cited = set(re.findall(r"@(\w+)[;\]]", text))
    assert cited == set(re.findall(r"@\w+\{(\w+),", bibliography))
    assert cited <= REFERENCES.keys()


def test_methods_of_an_empty_folder() -> None:
    text, bibliography = write_methods(Results(Path(), {"version": "1"}, {}))
    assert text.startswith("0 impedance spectra")
    assert bibliography == "\n"


def test_refused_values_of_fits_are_empty(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "AutoEIS" / "assets" / "test_data.csv"
    out = str(tmp_path / "out")
    CliRunner().invoke(main, ["fit", str(file), "--circuit", "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)", "--out", out])
    [fit] = read_results(tmp_path / "out").rows("fits")
    parameters = {row["parameter"]: row for row in read_results(tmp_path / "out").rows("parameters")}
    for name, row in parameters.items():
        if row["role"] in ("sum", "left_out"):
            continue
        assert fit[f"{name}_status"] == row["status"]
        refused = row["status"] == "not_identifiable"
        assert (fit[name] == "") is refused
        assert not refused or fit[f"{name}_stderr"] == ""
    assert fit["sum_R_status"] in ("ok", "not_resolvable")
