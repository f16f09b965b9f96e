"""``eistool check``, and its verdicts in ``eistool fit``."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from eistool import Spectrum, simulate
from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.batch.folders import rows

FREQUENCY = np.geomspace(1e5, 0.1, 49)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A valid spectrum, one with an outlier, one that drifts, one with too few points."""
    monkeypatch.chdir(tmp_path)
    inputs = tmp_path / "measurements"
    inputs.mkdir()
    good = simulate("R0-p(R1,CPE1)", FREQUENCY, [20, 100, 1e-5, 0.9], noise=0.002, seed=1)
    z = good.impedance.copy()
    z[20] *= 1.1
    drifting = good.impedance * (1 + 0.2 * FREQUENCY.min() / FREQUENCY)
    write_spectra(inputs / "a_good.csv", [good])
    write_spectra(inputs / "b_outlier.csv", [Spectrum(FREQUENCY, z)])
    write_spectra(inputs / "c_drift.csv", [Spectrum(FREQUENCY, drifting)])
    write_spectra(inputs / "d_few.csv", [Spectrum(FREQUENCY[:7], z[:7])])
    return inputs


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_verdicts_tables_and_pictures(folder: Path) -> None:
    result = run("check", "measurements")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for line, texts in zip(
        lines[1:5],
        (
            ("a_good.csv", "passed", "0.18 %"),
            ("b_outlier.csv", "not passed", "1 outlier: "),
            ("c_drift.csv", "not passed", "drift: Z changes by", "departs from what the phase tells below"),
            ("d_few.csv", "undecided", "7 points are too few"),
        ),
        strict=True,
    ):
        assert all(text in line for text in texts), line
    assert "4 ok, 0 failed" in lines[-1]
    out = folder.parent / "eistool-results"
    table = rows(out / "check.csv")
    assert [row["status"] for row in table] == ["passed", "not_passed", "not_passed", "undecided"]
    assert [row["kk_passed"] for row in table] == ["true", "false", "false", ""]
    assert [row["z_hit_passed"] for row in table] == ["true", "true", "false", ""]
    assert float(table[1]["outliers_Hz"]) == pytest.approx(FREQUENCY[20])
    assert float(table[2]["drift"]) == pytest.approx(0.2, abs=0.06)
    assert float(table[2]["z_hit_drift"]) == pytest.approx(0.2, abs=0.03)
    assert 0.1 < float(table[2]["z_hit_drift_below_Hz"]) < 3
    spectra = rows(out / "spectra.csv")
    assert [row["kk_passed"] for row in spectra] == ["true", "false", "false", ""]
    assert 0.001 < float(spectra[0]["noise"]) < 0.004
    assert float(spectra[1]["kk_max_residual"]) > 0.05
    curve = rows(out / "check" / "b_outlier.csv.1.csv")
    assert [row["outlier"] for row in curve].count("true") == 1
    assert curve[20]["outlier"] == "true"
    assert {row["mask_reason"] for row in curve} == {""}
    assert not (out / "check" / "a_good.csv.1.png").exists()
    for name in ("b_outlier", "c_drift", "d_few"):
        assert (out / "check" / f"{name}.csv.1.png").read_bytes().startswith(b"\x89PNG")
    again = run("check", "measurements", "--plots", "all")
    assert "0 computed now" in again.stdout
    assert (out / "check" / "a_good.csv.1.png").exists()


def test_json(folder: Path) -> None:
    summary = json.loads(run("check", "measurements", "--json", "--plots", "none", "--no-progress").stdout)
    assert [one["check"]["status"] for one in summary["spectra"]][:2] == ["passed", "not_passed"]
    assert summary["spectra"][1]["check"]["n_outliers"] == 1
    assert not list((folder.parent / "eistool-results" / "check").glob("*.png"))


def fit(*arguments: str) -> tuple[Result, dict[str, dict[str, str]]]:
    result = run("fit", "measurements", "--circuit", "randles_simple", "--no-drt", "--plots", "none", *arguments)
    assert result.exit_code == 0, result.output
    return result, {row["source"]: row for row in rows(Path("eistool-results/spectra.csv"))}


def test_fit_carries_the_verdicts(folder: Path) -> None:
    _, spectra = fit()
    assert [row["kk_passed"] for row in spectra.values()] == ["true", "false", "false", ""]
    assert spectra["b_outlier.csv"]["n_used"] == "49"
    assert float(spectra["b_outlier.csv"]["kk_max_residual"]) > 0.05


def test_fit_masks_outliers_with_their_reason(folder: Path) -> None:
    _, spectra = fit("--mask", "outliers")
    assert (spectra["b_outlier.csv"]["n_used"], spectra["b_outlier.csv"]["kk_passed"]) == ("48", "true")
    curve = [row for row in rows(Path("eistool-results/curves.csv")) if row["source"] == "b_outlier.csv"]
    assert curve[20]["mask_reason"] == "outlier of the Kramers-Kronig test"
    assert {row["mask_reason"] for i, row in enumerate(curve) if i != 20} == {""}


def test_fit_of_valid_spectra_only(folder: Path) -> None:
    result, spectra = fit("--require-valid")
    assert "1 ok, 0 failed, 3 left out" in result.stdout
    assert spectra["c_drift.csv"]["status"] == "left_out"
    assert spectra["c_drift.csv"]["reason"].startswith("not valid: drift")
    assert spectra["d_few.csv"]["reason"].startswith("not valid: 7 points")
    assert [row["source"] for row in rows(Path("eistool-results/fits.csv"))] == ["a_good.csv"]
    result, _ = fit("--require-valid", "--mask", "outliers")
    assert "2 ok, 0 failed, 2 left out" in result.stdout
    (folder / "eistool.toml").write_text('[fit]\nmask = "outliers"\nrequire_valid = true\n')
    assert "2 ok, 0 failed, 2 left out; 0 computed now" in fit()[0].stdout
    assert "4 ok, 0 failed; 4 computed now" in fit("--any-validity")[0].stdout


def test_noise_of_the_test_as_weights(folder: Path) -> None:
    (folder / "d_few.csv").unlink()
    fit("--weighting", "noise", "--require-valid")
    [row] = rows(Path("eistool-results/fits.csv"))
    assert 0.6 < float(row["chi2_reduced"]) < 1.6
    assert (
        "noise as the Kramers-Kronig test tells it" in rows(Path("eistool-results/spectra.csv"))[0]["reader_notes"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "measurements", "--plots", "some"], "failed"),
        (["check", "measurements", "--circuit", "spike"], "No such option"),
        (["fit", "measurements", "--mask", "all"], "outliers"),
        (["check", "nowhere"], "does not exist"),
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
