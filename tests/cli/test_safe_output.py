"""Names and cells of files are safe on terminals, in tables and in paths."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import eistool.cli
from eistool.cli import COMMANDS, main
from eistool.escaping import defuse, file_name, printable, restore, source_name
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, make_folder, rows

ESCAPE = "\x1b"
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "eistool.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("text", ["a", "", "a=b", "'a", *FORMULAS, *map(defuse, FORMULAS)])
def test_a_defused_cell_is_no_formula_and_is_restored(text: str) -> None:
    cell = defuse(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert restore(cell) == text
    assert (cell == text) == (re.match(r"'*[=+@\t\r-]", text) is None)


@pytest.mark.parametrize("source", ["../x", "/etc/x", "a/../../x", "./..", "", "a//b", ".."])
def test_no_source_leads_out_of_a_folder(tmp_path: Path, source: str) -> None:
    inside = tmp_path / "plots"
    assert (inside / file_name(source, ".1.png")).resolve().is_relative_to(inside)


def test_different_names_stay_different() -> None:
    names = ["a\udce9", r"a\xe9", r"a\\xe9", "a\x1b", r"a\x1b", "aé", 300 * "n", 300 * "n" + "o", 200 * "n"]
    assert len({source_name(name) for name in names}) == len(names)
    assert len({file_name(source_name(name), ".1.png") for name in names}) == len(names)
    assert all(len(file_name(300 * "é", ending).encode()) <= 200 for ending in ("", ".1.png"))


def test_formulas_are_defused_in_all_tables(folder: Path) -> None:
    for name in ("=1+1.csv", "+x.csv", "-y.csv", "@z.csv"):
        write_spectra(folder / name, [arc()])
    lines = [f'"{sample}","{sample}",25,1000,10' for sample in ("=S+1", "@S")]
    (folder / "samples.csv").write_text(
        "file,sample_id,temperature_C,thickness_um,diameter_mm\n"
        + "".join(
            f"{pattern},{line.partition(',')[2]}\n" for pattern, line in zip(("=*", "@*"), lines, strict=True)
        )
    )
    (folder / "=broken.csv").write_text("=2+5\n")
    result = CliRunner().invoke(main, ["fit", str(folder), "--circuit", CIRCUIT, "--out", "results"])
    assert result.exit_code == 1, result.output
    n_guarded = 0
    for table in Path("results").glob("*.csv"):
        for row in csv.reader(table.read_text(encoding="utf-8").splitlines()):
            for cell in row:
                if cell.startswith(("=", "+", "@", "\t", "-")):
                    float(cell)  # only numbers may start so
                n_guarded += cell.startswith("'")
    assert n_guarded > 20
    assert {row["sample_id"] for row in rows(Path("results/conductivity.csv"))} >= {"'=S+1", "'@S"}


def test_converted_metadata_are_read_back(folder: Path) -> None:
    write_spectra(folder / "-y.csv", [arc()])
    (folder / "samples.csv").write_text("file,sample_id,notes\n'-y.csv,'=S+1,'@home\n")
    assert CliRunner().invoke(main, ["convert", str(folder / "-y.csv"), "--out", "new"]).exit_code == 0
    table = Path("new/samples.csv").read_text()
    assert "'-y.csv" in table
    inspected = json.loads(CliRunner().invoke(main, ["inspect", "new", "--json"]).stdout)
    [sweep] = next(file["sweeps"] for file in inspected["files"] if file["status"] == "read")
    assert sweep["metadata"]["sample_id"]["value"] == "=S+1"
    assert sweep["metadata"]["notes"]["value"] == "@home"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    "command", ["fit", "check", "inspect", "convert", "fit --dry-run", "fit --json", "inspect --json"]
)
def test_escape_codes_never_reach_the_terminal(folder: Path, command: str) -> None:
    nasty = f"x{ESCAPE}]0;title\x07{ESCAPE}[2J\u202egpj"
    write_spectra(folder / f"{nasty}.csv", [arc()])
    (folder / f"{nasty}_broken.csv").write_text(f"freq,{ESCAPE}[31m\n1,2\n")
    (folder / "samples.csv").write_text(f"file,sample_id,notes\n*,S{ESCAPE}[31m,{ESCAPE}[2J\n")
    name, *options = command.split()
    given = [*options, "--circuit", CIRCUIT] if name == "fit" else options
    out = [] if name == "inspect" else ["--out", "results"]
    result = CliRunner().invoke(main, [name, str(folder), *given, *out])
    assert result.exit_code in (0, 1), result.output
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", result.output)
    if command == "fit":
        assert r"S\x1b[31m" in result.output
    if "--json" in options:
        json.loads(result.stdout)
    wrong = CliRunner().invoke(main, ["fit", str(folder), "--circuit", f"R0-{ESCAPE}[31m"])
    assert wrong.exit_code == 2
    assert ESCAPE not in wrong.output


def test_every_command_prints_through_one_door() -> None:
    sources = Path(eistool.cli.__file__).parent.glob("*.py")
    texts = {path.name: path.read_text(encoding="utf-8") for path in sources}
    assert len(texts) > len(COMMANDS)
    doors = re.compile(r"click\.echo\(|(?<!terminal\.)\bprint\(|\bConsole\(")
    assert [name for name, text in texts.items() if doors.search(text)] == ["output.py"]


def test_a_terminal_without_unicode(folder: Path) -> None:
    encoding = "cp1252"
    result = run(
        "fit", str(folder), "--circuit", CIRCUIT, "--out", "results", PYTHONIOENCODING=encoding, PYTHONUTF8="0"
    )
    assert result.returncode == 0, result.stderr.decode(encoding)
    text = result.stdout.decode(encoding)
    assert " ohm " in text
    assert "\\u" not in text
    printed = run(
        "fit", str(folder), "--circuit", CIRCUIT, "--out", "results", "--json", PYTHONIOENCODING=encoding
    )
    json.loads(printed.stdout.decode(encoding))


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_no_color_leaves_no_style() -> None:
    def printed(**environment: str) -> bytes:
        parent, child = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "eistool.cli", "formats"],
            stdout=child,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
        )
        os.close(child)
        text = b""
        try:
            while part := os.read(parent, 4096):
                text += part
        except OSError:  # the end
            pass
        os.close(parent)
        assert process.wait() == 0
        return text

    assert b"\x1b[" in printed(NO_COLOR="")
    assert b"\x1b[" not in printed(NO_COLOR="1")


def test_results_lie_outside_of_the_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.iterdir())
    for n_computed in (3, 0):
        result = CliRunner().invoke(main, ["fit", ".", "--circuit", CIRCUIT, "--json"])
        assert result.exit_code == 0, result.output
        summary = json.loads(result.stdout)
        assert Path(summary["out"]) == folder.with_name("measurements-eistool-results")
        assert summary["counts"]["computed_now"] == n_computed
        assert sorted(path.name for path in folder.iterdir()) == before
    monkeypatch.chdir(folder / "a")
    assert CliRunner().invoke(main, ["check", ".."]).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == before


def test_printable_keeps_other_scripts() -> None:
    for text in ("Ω µS 25 °C", "电池_25C.csv", "ячейка", "نمونه", "a\u00a0b", "🔋"):
        assert printable(text) == text
