"""Wheel and checkout both find the circuit library and the sample data."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_listed(project: dict[str, dict[str, dict[str, list[str]]]]) -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "eistool").rglob("__init__.py")}
    listed = set(project["tool"]["setuptools"]["packages"])
    assert listed == found | {"eistool.circuit_library", "eistool.sample_data"}


def test_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*$", text, re.MULTILINE)
    assert len(commands) == 2
    assert "eistool fit data" in commands[0]
    assert commands[1].endswith("-m tests")
    assert "grep -m1 -- '-m tests$' README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_wheel_in_a_fresh_environment_fits_the_sample_data(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True
    )
    (wheel,) = tmp_path.glob("eistool-*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    code = (
        "import eistool; from importlib.resources import as_file, files\n"
        "assert str(eistool.load_circuit('spike')) == 'L0-R0-CPE1'\n"
        "with as_file(files('eistool.sample_data')) as folder: print(folder)"
    )
    data = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert Path(data).is_relative_to(tmp_path)
    command = [str(python.parent / "eistool"), "fit", data, "--out", str(tmp_path / "results"), "--no-progress"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "parameters.csv").stat().st_size > 1000
