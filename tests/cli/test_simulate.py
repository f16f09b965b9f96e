"""``eistool simulate``."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import eistool
from eistool import load_circuit, read
from eistool.cli import main
from eistool.cli.simulate import FORMATS
from eistool.errors import SpectrumError
from eistool.readers.writers import WRITERS

SPIKE = ["spike", "-p", "L0=1e-7", "-p", "R0=53", "-p", "CPE1.Q=2e-6", "-p", "CPE1.alpha=0.92"]


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def test_formats_are_those_of_the_writers() -> None:
    assert set(FORMATS) == set(WRITERS)


@pytest.mark.parametrize("style", FORMATS)
def test_files_are_read_back(tmp_path: Path, style: str) -> None:
    path = tmp_path / f"cell{WRITERS[style].suffix}"
    result = simulate(*SPIKE, "--f-max", "1e5", "--per-decade", "4", "-o", str(path), "--format", style)
    assert result.exit_code == 0, result.output
    [spectrum] = read(path)
    assert len(spectrum) == 25
    assert (spectrum.frequency[0], spectrum.frequency[-1]) == (1e5, 0.1)
    exact = load_circuit("spike").impedance(spectrum.frequency, [1e-7, 53, 2e-6, 0.92])
    assert spectrum.impedance.tobytes() == exact.tobytes()


def test_suffix_tells_the_format_and_seed_the_noise(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.mpt", "b.mpt", "c.mpt")]
    for path, seed in zip(paths, ("1", "1", "2"), strict=True):
        assert simulate(*SPIKE, "--noise", "0.01", "--seed", seed, "-o", str(path)).exit_code == 0
    assert paths[0].read_text().startswith("EC-Lab ASCII FILE")
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()


def test_stdout() -> None:
    result = simulate("R0", "-p", "R0=5", "--f-min", "1", "--f-max", "10", "--per-decade", "1")
    lines = result.stdout.splitlines()
    assert lines[0] == "frequency_Hz,z_real_ohm,z_imag_ohm"
    values = [float(cell) for line in lines[1:] for cell in line.split(",")]
    assert values == pytest.approx([10, 5, 0, 1, 5, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["R0-p(R1", "-p", "R0=5"], "Error: "),
        (["R0-C1", "-p", "R0=5"], "no value for C1"),
        (["R0", "-p", "R0"], "write for instance R0=100"),
        (["R0", "-p", "R0=5", "--f-min", "10", "--f-max", "1"], "f-min"),
        (["R0", "-p", "R0=5", "-o", "/no/such/folder/x.csv"], "cannot be written"),
        (["R0", "-p", "R0=5", "-o", "x.xyz"], "no format with this suffix"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_seed_is_not_negative() -> None:
    result = simulate("R0", "-p", "R0=1", "--seed", "-1")
    assert result.exit_code == 2
    assert "--seed" in result.stderr
    with pytest.raises(SpectrumError, match="seed=-1"):
        eistool.simulate("R0", [1.0], [1.0], seed=-1)
