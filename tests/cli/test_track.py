"""``eistool track``."""

import json
from pathlib import Path

from click.testing import CliRunner

from eistool.cli import main

DATA = Path(__file__).parents[2] / "data" / "soc"


def test_the_sample_series_is_tracked(tmp_path: Path) -> None:
    arguments = [
        "track",
        str(DATA),
        "--by",
        "voltage",
        "--out",
        str(tmp_path / "out"),
        "--plots",
        "none",
        "--json",
    ]
    result = CliRunner().invoke(main, [*arguments, "--no-progress", "--jobs", "1"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)["series"]
    assert any("appeared at 2.8 (spectrum 4): confirmed" in line for line in told)
    assert any("disappeared at 3.4 (spectrum 9): confirmed" in line for line in told)
    assert (tmp_path / "out" / "events.csv").read_text(encoding="utf-8").startswith("series,event,")


def test_a_coordinate_is_asked_for(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["track", str(DATA), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "give --by" in result.output


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(main, ["track", "--help"])
    assert result.exit_code == 0
    assert "eistool track measurements/ --by voltage" in result.output
