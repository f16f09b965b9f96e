"""``eistool init`` and ``eistool rerun``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, make_folder, rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_init_writes_settings_that_change_nothing(folder: Path) -> None:
    assert run("fit", "measurements", "--circuit", CIRCUIT).exit_code == 0
    before = Path("eistool-results/fits.csv").read_bytes()
    result = run("init", "measurements")
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, "measurements/eistool.toml")
    assert run("fit", "measurements", "--circuit", CIRCUIT).exit_code == 0
    assert Path("eistool-results/fits.csv").read_bytes() == before
    again = run("init", "measurements")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run("init", "measurements", "--force").exit_code == 0


def test_rerun_repeats_a_run_whatever_the_settings_say_now(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "eistool.toml").write_text(f'[fit]\ncircuit = "{CIRCUIT}"\nplots = "none"\nmask = "none"\n')
    options = ["--bound", "R1=1:1e6", "--f-max", "5e4", "--out", "first"]
    assert run("fit", "measurements", *options).exit_code == 0
    (folder / "eistool.toml").write_text('[fit]\ncircuit = "R0-p(R1,C1)"\n')
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = run("rerun", "../first/run.json")
    assert result.exit_code == 0, result.output
    assert "All tables are equal to those in" in result.stdout
    new = folder.parent / "first-rerun"
    assert (new / "fits.csv").read_bytes() == (folder.parent / "first" / "fits.csv").read_bytes()
    old_run, new_run = (json.loads((new.with_name(name) / "run.json").read_text()) for name in ("first", new.name))
    assert new_run["settings"] == old_run["settings"]
    assert run("rerun", str(new), "--out", "third").exit_code == 0  # a repeated run can be repeated
    assert Path("third/fits.csv").read_bytes() == (new / "fits.csv").read_bytes()


def test_rerun_names_what_changed(folder: Path) -> None:
    assert run("fit", "measurements", "--circuit", CIRCUIT, "--out=first").exit_code == 0
    write_spectra(folder / "a" / "cell_25C.csv", [arc(120, 5)])
    result = run("rerun", "first", "--out", "second")
    assert result.exit_code == 1
    assert "tables differ" in result.stdout
    assert "fits.csv" in result.stdout
    assert "inputs that changed: a/cell_25C.csv" in result.stdout
    assert len(rows(Path("second/fits.csv"))) == 3
    assert run("rerun", "first", "--out", "first").exit_code == 2


def test_rerun_of_another_command(folder: Path) -> None:
    assert run("check", "measurements", "--out", "first", "--plots", "none").exit_code == 0
    assert "All tables are equal" in run("rerun", "first/run.json").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "no command to repeat"),
        ("no JSON", "no command to repeat"),
        ('{"version": "0.1.0", "command": ["eistool", 3]}', "no command to repeat"),
        ('{"command": ["eistool", "fit", "."], "settings": {"jobs": -1}}', "jobs = -1"),
        ('{"command": ["eistool", "fit", "."], "working_folder": "/no/such/folder"}', "which is gone"),
        ('{"command": ["eistool", "fti", "."]}', "No such command"),
    ],
)
def test_a_damaged_run_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    result = run("rerun", str(tmp_path / "run.json"))
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
