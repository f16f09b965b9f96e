"""``eistool convert``."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from eistool import read
from eistool.cli import main
from eistool.cli.convert import TARGETS
from eistool.readers.writers import WRITERS
from tests.readers.test_biologic_mpr import PEIS, mpr
from tests.readers.test_instruments import BASE, mpt, twice


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    loops = {"cycle number": np.repeat([1.0, 2.0], 16)}
    (folder / "sub" / "S17_25C.mpt").write_bytes(mpt({name: twice(x) for name, x in BASE.items()} | loops))
    (folder / "sub" / "S17_25C.mpr").write_bytes(mpr(PEIS, 3, area=0.785))
    return folder


@pytest.mark.parametrize("style", TARGETS)
def test_round_trip_is_exact_with_what_is_known(style: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = convert(folder, "--to", style, "--out", out)
    assert result.exit_code == 0, result.output
    before, after = read(folder), read(out)
    assert [s.frequency.tobytes() for s in after] == [s.frequency.tobytes() for s in before]
    assert [s.impedance.tobytes() for s in after] == [s.impedance.tobytes() for s in before]
    for name in ("area_cm2", "mass_mg", "amplitude_mV", "temperature_C", "sample_id"):
        assert [getattr(s.metadata, name) for s in after] == [getattr(s.metadata, name) for s in before]
    assert all(path.suffix in (WRITERS[style].suffix, ".csv") for path in out.rglob("*.*"))
    assert len(list(out.rglob("S17*"))) == (2 if style in ("mpt", "json") else 3)


def test_nothing_is_overwritten_unless_forced(folder: Path, tmp_path: Path) -> None:
    assert convert(folder, "--out", tmp_path / "out").exit_code == 0
    again = convert(folder, "--out", tmp_path / "out")
    assert again.exit_code == 2
    assert "exists (4 such files); choose another folder, or --force" in again.stderr
    assert convert(folder, "--out", tmp_path / "out", "--force").exit_code == 0


def test_failures_are_told(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.mpt").write_text("no")
    result = convert(folder, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert len(told["written"]) == 3
    assert "unknown content" in told["failures"]["bad.mpt"]
    assert "not read: bad.mpt: " in result.stderr
    assert convert(folder / "bad.mpt", "--out", tmp_path / "none").exit_code == 3
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert convert(folder, "--out", blocked / "in").exit_code == 2


def test_another_electrode(tmp_path: Path) -> None:
    (tmp_path / "cell.mpr").write_bytes(mpr({**PEIS, 100: 2 * PEIS[37], 101: 2 * PEIS[38]}))
    result = convert(tmp_path / "cell.mpr", "--electrode", "counter", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    [spectrum] = read(tmp_path / "out" / "cell.csv")
    np.testing.assert_allclose(spectrum.impedance.real, 2 * PEIS[37], rtol=1e-6)


def test_all_real_spectra_come_back_to_the_last_digit(real_data: Path, tmp_path: Path) -> None:
    files = [real_data / "hybrid-drt", real_data / "impedance.py", real_data / "EZ", real_data / "EIS-DCT"]
    result = convert(*files, "--out", tmp_path / "out")
    assert result.exit_code == 1  # one of them has no frequency column
    with pytest.warns(UserWarning, match="not read"):
        before = [s for path in files for s in read(path)]
    after = read(tmp_path / "out")
    assert sorted(s.digest for s in after) == sorted(s.digest for s in before)
