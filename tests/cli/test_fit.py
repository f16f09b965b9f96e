"""``eistool fit``."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, make_folder, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


def fit(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fit", "measurements", *arguments])


def test_folder_to_tables(folder: Path) -> None:
    result = fit("--circuit", CIRCUIT)
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[1]
    assert first.startswith("a/cell_25C.csv")
    for text in ("S17", "25.0 °C", "R0-p(R1,CPE1)", "ok", "R0 ", "R1 ", " ± ", " Ω", " Hz"):
        assert text in first
    assert "3 ok, 0 failed; 3 computed now. Tables in eistool-results" in result.stdout
    assert result.stderr.splitlines()[-1] == "fitting 3/3"
    assert (folder.parent / "eistool-results" / "fits.csv").exists()
    assert "0 computed now" in fit("--circuit", CIRCUIT, "--no-progress").stdout
    assert fit("--circuit", CIRCUIT, "--no-progress").stderr == ""


def test_json(folder: Path) -> None:
    (folder / "bad.mpt").write_text("no")
    result = fit("--circuit", CIRCUIT, "--json")
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert (summary["exit_code"], summary["counts"]["ok"], len(summary["spectra"])) == (1, 3, 3)
    assert summary["spectra"][0]["parameters"]["R1"]["value"] == pytest.approx(100, rel=0.05)
    [failure] = summary["failures"]
    assert (failure["source"], failure["sweep"], failure["stage"]) == ("bad.mpt", None, "read")


def test_failures_are_printed(folder: Path) -> None:
    (folder / "bad.mpt").write_text("no")
    assert "failed: bad.mpt (read): unknown content" in fit("--circuit", CIRCUIT).stdout


def test_nothing_readable(folder: Path) -> None:
    (folder / "only").mkdir()
    (folder / "only" / "bad.csv").write_text("no")
    result = CliRunner().invoke(main, ["fit", "measurements/only", "--circuit", CIRCUIT])
    assert result.exit_code == 3


def test_interruption(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("eistool.jobs.fit.fit_many", interrupted)
        result = fit("--circuit", CIRCUIT)
    assert result.exit_code == 130
    assert "run the same command again" in result.stdout
    assert rows(folder.parent / "eistool-results" / "fits.csv") == []
    assert fit("--circuit", CIRCUIT).exit_code == 0
    monkeypatch.setattr("eistool.batch.inputs.load", interrupted)
    assert fit("--circuit", CIRCUIT).exit_code == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--circuit", "R0-p(R1"], "Error: "),
        (["--circuit", "spikee"], "spike"),
        (["--circuit", CIRCUIT, "--bound", "R1=5"], "write for instance CPE1.alpha=0.7:1"),
        (["--circuit", CIRCUIT, "--bound", "R9=1:5"], "R9"),
        (["--circuit", CIRCUIT, "--fix", "R1"], "R1=100"),
        (["--circuit", CIRCUIT, "--select", "0"], "count from 1"),
        (["--circuit", CIRCUIT, "--select", "1,x"], "1,10,20"),
        (["--circuit", CIRCUIT, "--time-range", "5:1"], "0.5:24"),
        (["--jobs", "0"], "jobs"),
        (["--weighting", "none"], "modulus"),
        (["--out", "measurements"], "choose a separate folder"),
        (["--samples", "measurements/README.md"], "README.md"),
        (["nowhere"], "does not exist"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], message: str) -> None:
    result = fit(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert not (folder.parent / "eistool-results").exists()


def test_precedence_of_settings(folder: Path) -> None:
    (folder / "eistool.toml").write_text('[fit]\ncircuit = "R0-p(R1,C1)"\nplots = "none"\n')
    (folder / "samples.csv").write_text("file,circuit\na/*,randles_simple\n")
    table = folder.parent / "eistool-results" / "fits.csv"
    assert fit().exit_code == 0
    assert [row["circuit"] for row in rows(table)] == ["R0-p(R1,CPE1)", "R0-p(R1,C1)", "R0-p(R1,C1)"]
    assert fit("--circuit", "R0-p(R2,C2)").exit_code == 0
    assert {row["circuit"] for row in rows(table)} == {"R0-p(R2,C2)"}
    (folder / "eistool.toml").write_text("[fit]\nplot = 'none'\n")
    wrong = fit()
    assert wrong.exit_code == 2
    assert "unknown key 'fit.plot'" in wrong.stderr


def test_by_orders_what_is_printed(folder: Path) -> None:
    for name in ("c_40C", "c_m10C", "c_25C"):
        write_spectra(folder / f"{name}.csv", [arc()])
    (folder / "samples.csv").unlink()
    by_name = fit("--circuit", CIRCUIT).stdout
    by_temperature = fit("--circuit", CIRCUIT, "--by", "temperature").stdout
    (folder / "eistool.toml").write_text("[fit]\nby = 'temperature'\n")
    assert fit("--circuit", CIRCUIT).stdout == by_temperature

    def order(text: str) -> list[str]:
        return [line.split()[0] for line in text.splitlines() if line.startswith("c_")]

    assert order(by_temperature) == ["c_m10C.csv", "c_25C.csv", "c_40C.csv"] != order(by_name)


def test_documented_example_is_understood(folder: Path) -> None:
    write_spectra(folder / "hold.mpt", [arc(100 + i, i) for i in range(6)])
    options = ["--every", "5", "--bound", "CPE1.alpha=0.7:1", "--fix", "R0=20"]
    result = CliRunner().invoke(main, ["fit", "measurements/hold.mpt", "--circuit", "randles_simple", *options])
    assert result.exit_code == 0, result.output
    assert "2 ok, 0 failed, 4 left out" in result.stdout


def test_interrupted_process_resumes(folder: Path) -> None:
    write_spectra(folder / "long.mpt", [arc(100 + i, i) for i in range(300)])
    out = folder.parent / "eistool-results"
    options = ["--circuit", CIRCUIT, "--jobs", "1", "--out", str(out)]
    command = [sys.executable, "-m", "eistool.cli", "fit", str(folder), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline and not list(out.glob(".eistool/records/*")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert b"Traceback" not in errors
    assert process.returncode == 130, errors.decode()
    n_done = len(rows(out / "fits.csv"))
    assert 0 < n_done < 303
    resumed = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, check=False)
    assert resumed.returncode == 0
    counts = json.loads(resumed.stdout)["counts"]
    assert counts["ok"] + counts["poor_model"] == 303
    assert counts["computed_now"] == 303 - n_done


def test_a_name_is_fixed_once(folder: Path) -> None:
    result = fit("--circuit", CIRCUIT, "--fix", "R0=50", "--fix", "R0=60")
    assert result.exit_code == 2
    assert "--fix R0 is given twice" in result.stderr


def test_an_empty_folder_is_named(folder: Path) -> None:
    (folder / "empty").mkdir()
    result = CliRunner().invoke(main, ["fit", "measurements/empty"])
    assert result.exit_code == 3
    assert "nothing readable in measurements/empty" in result.stderr


def test_an_alias_may_be_fixed(folder: Path) -> None:
    assert fit("--circuit", "R0-p(R1,Q1)", "--fix", "Q1.alpha=0.9").exit_code == 0
    assert rows(folder.parent / "eistool-results" / "parameters.csv")[3]["status"] == "fixed"
    assert fit("--circuit", CIRCUIT, "--fix", "Q1.alpha=0.9", "--fix", "CPE1.alpha=0.8").exit_code == 2
