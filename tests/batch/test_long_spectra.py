"""Long spectra are averaged before any test, search or distribution."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from eistool import simulate
from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, rows


@pytest.mark.parametrize("command", ["fit", "drt", "check"])
def test_a_long_spectrum_is_averaged_and_flagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eistool.spectrum.thinning.thin.__defaults__", (60,))
    f = np.geomspace(1e5, 1.0, 3000)
    Path("in").mkdir()
    write_spectra(Path("in/long.csv"), [simulate(CIRCUIT, f, [20, 100, 1e-5, 0.9], noise=0.003, seed=1)])
    extra = ["--circuit", CIRCUIT] if command == "fit" else []
    result = CliRunner().invoke(main, [command, "in", "--out", "out", "--json", "--plots", "none", *extra])
    assert result.exit_code == 0, result.output
    [row] = rows(Path("out/spectra.csv"))
    said = "3000 of 3000 points averaged in log f to 60"
    assert (row["n_points"], said in row["reader_notes"]) == ("60", True)
    if command == "fit":
        assert said in rows(Path("out/fits.csv"))[0]["flags"]
        assert len(rows(Path("out/curves.csv"))) == 60
        [fit] = json.loads(result.stdout)["spectra"]
        assert fit["parameters"]["R1"]["value"] == pytest.approx(100, rel=0.003)
