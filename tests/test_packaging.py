"""Wheel and checkout both find the circuit library and the sample data."""

import re
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


def link_requirements(of: Distribution, folder: Path) -> None:
    """Link what a distribution requires, and what that requires in turn, from here into a folder."""
    for requirement in map(Requirement, of.requires or ()):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = distribution(requirement.name)
        entries = {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}
        if not all((folder / entry).exists() for entry in entries):
            for entry in entries:
                if not (folder / entry).exists():
                    (folder / entry).symlink_to(str(found.locate_file(entry)))
            link_requirements(found, folder)


def test_a_wheel_in_a_fresh_environment_fits_the_sample_data(tmp_path: Path) -> None:
    """The environment holds the wheel and the distributions that it requires, and no others."""
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("eistool-*.whl")
    venv.create(tmp_path / "fresh", symlinks=True)
    python = tmp_path / "fresh" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    (site,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages")
    (installed,) = distributions(path=[str(site)])
    link_requirements(installed, site)
    subprocess.run([*pip, "--python", python, "check"], check=True)
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
