"""The documentation: every command of the guides runs, and the site builds without a warning."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from eistool.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "first_steps.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
GUIDES = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
DONE = (0, 1)  # 1: done, but some spectra failed


def commands(page: Path) -> list[list[str]]:
    """Return the commands of the blocks marked as console, without the prompt."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ eistool ") for line in lines)
    return [shlex.split(line.removeprefix("$ eistool ")) for line in lines]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_commands_of_a_guide_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    for arguments in commands(page):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code in DONE, f"eistool {shlex.join(arguments)}\n{done.output}"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").exists()
