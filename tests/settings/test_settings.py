"""Tests of the settings in ``eistool.toml``."""

import os
from pathlib import Path

import pytest

from eistool.errors import ConfigError
from eistool.fitting.weights import CHOICES
from eistool.settings import CIRCUITS_VARIABLE, COORDINATES, PLOTS, WEIGHTINGS, circuit_folders, load_settings
from eistool.spectrum.series import COORDINATES as SERIES_COORDINATES


def test_nearest_file_above_counts(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "eistool.toml").write_text('[fit]\ncircuit = "spike"\njobs = 2\n')
    settings = load_settings(below)
    assert (settings.fit.circuit, settings.fit.jobs, settings.fit.plots) == ("spike", 2, "failed")
    (below / "eistool.toml").write_text('[fit]\nplots = "all"\n')
    assert load_settings(below).fit.circuit == "auto"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[fit]\ncirciut = 'spike'\n", ["unknown key 'fit.circiut'", "circuit, weighting, jobs, plots, by"]),
        ("[fti]\ncircuit = 'spike'\n", ["unknown key 'fti'", "allowed are fit, subtraction, circuits"]),
        ("[fit]\njobs = 0\n", ["fit.jobs = 0", "greater than 0"]),
        ("[fit]\nweighting = 'none'\n", ["fit.weighting = 'none'", "'modulus'"]),
        ("fit = [", ["write TOML"]),
    ],
)
def test_errors_are_named(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "eistool.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert str(tmp_path / "eistool.toml") in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_choices_are_those_of_the_layers_above() -> None:
    assert WEIGHTINGS == CHOICES
    assert set(COORDINATES) == set(SERIES_COORDINATES)
    assert PLOTS == ("failed", "all", "none")


def test_documented_example_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    (tmp_path / "eistool.toml").write_text(text.partition("```toml\n")[2].partition("```")[0])
    assert load_settings(tmp_path).fit.circuit == "spike"


def test_folders_of_circuits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("option", "one", "two", "file")
    option, one, two, file = (tmp_path / name for name in names)
    for folder in (option, one, two, file):
        folder.mkdir()
    monkeypatch.delenv(CIRCUITS_VARIABLE, raising=False)
    assert circuit_folders(tmp_path) == ()
    (tmp_path / "eistool.toml").write_text('circuits = "file"\n')
    assert circuit_folders(one) == (file,)  # relative to eistool.toml
    monkeypatch.setenv(CIRCUITS_VARIABLE, os.pathsep.join([str(one), "", str(two), str(file)]))
    assert circuit_folders(tmp_path, [option]) == (option, one, two, file)
    monkeypatch.setenv(CIRCUITS_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=rf"{CIRCUITS_VARIABLE}: folder .* not found"):
        circuit_folders(tmp_path)
    (tmp_path / "eistool.toml").write_text('circuits = "none"\n')
    with pytest.raises(ConfigError, match=r"circuits = 'none'; folder .* not found"):
        load_settings(tmp_path)
