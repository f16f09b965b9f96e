"""``eistool drt``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eistool.cli import main
from tests.batch.folders import make_folder, rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


def drt(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["drt", "measurements", *arguments])


def test_folder_to_tables_and_pictures(folder: Path) -> None:
    result = drt()
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[1]
    for text in ("a/cell_25C.csv", "S17", "25.0 °C", "ZARC", "ok", "R_inf ", " ± ", " Ω at ", " Hz"):
        assert text in first
    assert "3 ok, 0 failed; 3 computed now. Tables in eistool-results" in result.stdout
    assert result.stderr.splitlines()[-1].startswith("drawing 3/3")  # a rate follows where it took long
    out = folder.parent / "eistool-results"
    assert len(rows(out / "drt_peaks.csv")) == 3
    assert (out / "drt" / "a" / "cell_25C.csv.1.png").read_bytes().startswith(b"\x89PNG")
    again = drt("--no-progress")
    assert "0 computed now" in again.stdout
    assert again.stderr == ""
    assert "3 computed now" in drt("--force", "--plots", "none").stdout


def test_json(folder: Path) -> None:
    (folder / "bad.mpt").write_text("no")
    result = drt("--json", "--plots", "none")
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert (summary["exit_code"], summary["counts"]["ok"], len(summary["spectra"])) == (1, 3, 3)
    first = summary["spectra"][0]["drt"]
    assert first["peaks"][0]["R_ohm"] == pytest.approx(100, rel=0.05)
    assert first["R_inf_ohm"] == pytest.approx(20, rel=0.05)
    assert "circuit" not in summary["spectra"][0]
    [failure] = summary["failures"]
    assert (failure["source"], failure["stage"]) == ("bad.mpt", "read")


def test_selection(folder: Path) -> None:
    result = drt("--select", "2", "--f-max", "1e4", "--plots", "none")
    assert result.exit_code == 0
    assert "1 ok, 0 failed, 2 left out" in result.stdout
    [row] = rows(folder.parent / "eistool-results" / "drt.csv")
    assert float(row["tau_min_s"]) > 1.5e-5


def test_a_failed_spectrum_is_printed(folder: Path) -> None:
    result = drt("--f-min", "4e4", "--plots", "none")
    assert result.exit_code == 1
    assert "failed: a/cell_25C.csv (drt): " in result.stdout
    assert "a DRT needs 6 or more" in result.stdout


def test_nothing_readable(folder: Path) -> None:
    (folder / "empty").mkdir()
    result = CliRunner().invoke(main, ["drt", "measurements/empty"])
    assert result.exit_code == 3
    assert "nothing readable in measurements/empty" in result.stderr


def test_interruption(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("eistool.jobs.drt.distribution", interrupted)
        result = drt()
    assert result.exit_code == 130
    assert "run the same command again" in result.stdout
    assert drt("--plots", "none").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weighting", "none"], "modulus"),
        (["--plots", "failed"], "all"),
        (["--select", "0"], "count from 1"),
        (["--f-min", "10", "--f-max", "1"], "f_min below f_max"),
        (["--out", "measurements"], "choose a separate folder"),
        (["--circuit", "spike"], "No such option"),
        (["nowhere"], "does not exist"),
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], message: str) -> None:
    result = drt(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert not (folder.parent / "eistool-results").exists()


def test_noise_that_was_not_measured_fails_each_spectrum(folder: Path) -> None:
    result = drt("--weighting", "noise", "--plots", "none")
    assert result.exit_code == 1
    assert "the spectrum has no measured noise; use 'auto'" in result.stdout


def test_fit_computes_it_unless_told_not_to(folder: Path) -> None:
    def fit(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["fit", "measurements", "--circuit", "randles_simple", *arguments])

    assert json.loads(fit("--json").stdout)["spectra"][0]["drt"]["n_peaks"] == 1
    assert len(rows(folder.parent / "eistool-results" / "drt_peaks.csv")) == 3
    assert fit("--no-drt", "--out", "without").exit_code == 0
    assert not (folder.parent / "without" / "drt_peaks.csv").exists()
    (folder / "eistool.toml").write_text("[fit]\ndrt = false\n")
    assert fit("--out", "default").exit_code == 0
    assert not (folder.parent / "default" / "drt_peaks.csv").exists()
    assert fit("--drt", "--out", "asked").exit_code == 0
    assert (folder.parent / "asked" / "drt_peaks.csv").exists()
