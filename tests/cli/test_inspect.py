"""``eistool inspect`` and ``eistool formats``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from eistool.cli.formats import command as formats
from eistool.cli.inspect import command as inspect
from eistool.readers import READERS
from tests.readers.test_delimited import VARIANTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "S17_25C.csv").write_text(VARIANTS["imag_is_minus_im"])
    (tmp_path / "README.md").write_text("words")
    (tmp_path / "samples.csv").write_text("file,temperature_C\nS17*,26\n")
    return tmp_path


def test_inspect_shows_what_was_understood(folder: Path) -> None:
    result = CliRunner().invoke(inspect, [str(folder)])
    assert result.exit_code == 0, result.output
    for text in (
        "S17_25C.csv#1  delimited  31 points  0.1 to 1e+05 Hz",
        "Im: Imag",
        "contradicted by the slope of |Z|",
        "temperature_C = 26.0  (samples table)",
        "warning: temperature_C: samples table 26.0 replaces file name 25.0",
        "ignored README.md: document",
        "sweeps: 1; files: 1 read, 0 failed, 2 ignored",
    ):
        assert text in result.output


def test_inspect_json_and_exit_codes(folder: Path) -> None:
    (folder / "bad.mpt").write_text("no")
    result = CliRunner().invoke(inspect, ["--json", str(folder)])
    assert result.exit_code == 1
    files = {file["source"]: file for file in json.loads(result.output)["files"]}
    assert files["bad.mpt"]["status"] == "failed"
    assert "unknown content" in files["bad.mpt"]["reason"]
    [sweep] = files["S17_25C.csv"]["sweeps"]
    assert sweep["metadata"]["temperature_C"] == {"value": 26.0, "origin": "samples table"}
    assert CliRunner().invoke(inspect, [str(folder / "bad.mpt")]).exit_code == 3
    assert CliRunner().invoke(inspect, [str(folder / "nowhere")]).exit_code == 2
    (folder / "samples.csv").write_text("file,wrong\nS17*,1\n")
    wrong = CliRunner().invoke(inspect, [str(folder)])
    assert wrong.exit_code == 2
    assert "unknown column 'wrong'" in wrong.output


def test_formats_lists_every_reader() -> None:
    result = CliRunner().invoke(formats, [])
    assert result.exit_code == 0
    assert all(reader.name in result.output for reader in READERS)
    rows = json.loads(CliRunner().invoke(formats, ["--json"]).output)
    assert [row["name"] for row in rows if row["read"]] == [reader.name for reader in READERS]


@pytest.mark.parametrize("command", [inspect, formats])
def test_help_has_an_example(command: object) -> None:
    result = CliRunner().invoke(command, ["--help"])  # type: ignore[arg-type]
    assert "Example" in result.output
    assert "eistool " in result.output


def test_a_failure_names_its_file_once(tmp_path: Path) -> None:
    (tmp_path / "noise.DTA").write_text("no")
    assert CliRunner().invoke(inspect, [str(tmp_path)]).stdout.count("noise.DTA") == 1
