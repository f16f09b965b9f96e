"""Spectra of a batch on a cycling record."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import eistool
from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.readers.test_cycling import FILES, at

HOURS = {"a": 1.5, "b": 3.5, "c": 9.0, "d": 0.25}  # c is behind the end of the record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, hours in HOURS.items():
        frequency = [1e4, 3e3, 1e3, 3e2, 1e2, 30, 10, 3, 1]
        values = {"R0": 10, "R1": 100, "CPE1.Q": 1e-5, "CPE1.alpha": 0.9}
        spectrum = eistool.simulate("R0-p(R1,CPE1)", frequency, values, 0.003, 1, at(hours))
        write_spectra(folder / f"{name}_SOC10.mpt", [spectrum])
    (folder / "record.mpr").write_bytes(FILES["cell.mpr"])
    (folder / "samples.csv").write_text("file,soc_pct\nb*,33\n")
    return folder


def fit(folder: Path, *options: str) -> Result:
    out = str(folder.parent / "out")
    return CliRunner().invoke(
        main, ["fit", str(folder), "--circuit", "R0-p(R1,CPE1)", "--no-drt", "--out", out, *options]
    )


def test_fit_with_a_profile(folder: Path) -> None:
    result = fit(folder, "--profile", str(folder / "record.mpr"), "--by", "soc")
    assert result.exit_code == 0, result.output  # the record is no failure, though it holds no spectrum
    out = folder.parent / "out"
    with (out / "spectra.csv").open(newline="") as file:
        rows = {row["source"][0]: row for row in csv.DictReader(file)}
    assert set(rows) == set(HOURS)
    assert [float(rows[name]["soc_pct"]) for name in "abcd"] == [50, 33, 10, 0]  # record, table, name, record
    assert [rows[name]["capacity_mAh"] for name in "abcd"] == ["1.0", "1.5", "", "0.0"]
    assert [rows[name]["direction"] for name in "abcd"] == ["charge", "discharge", "", ""]
    assert "1 of 4 spectra are not on the profile: 4.5 h after it ends (c_SOC10.mpt)" in result.output
    assert "soc_pct is relative to the range of the record, 2 mAh" in result.output
    picture = out / "plots" / "profile.png"
    before = picture.read_bytes()
    assert before.startswith(b"\x89PNG")
    again = fit(folder, "--profile", str(folder / "record.mpr"), "--by", "soc")
    assert "0 computed now" in again.output
    assert picture.read_bytes() == before
    assert fit(folder).exit_code == 1  # without the option the record is a file of spectra that has none
    assert not picture.exists()


def test_a_record_that_is_none(folder: Path) -> None:
    result = fit(folder, "--profile", str(folder / "a_SOC10.mpt"))
    assert result.exit_code == 2
    assert "impedance over frequency; expected the cycling record" in result.stderr
