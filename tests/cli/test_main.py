"""Command line: group, version and exit codes."""

import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from eistool import __version__
from eistool.cli import COMMANDS, main

HEAVY = ("numpy", "numba", "scipy", "pandas", "matplotlib", "rich", "lmfit", "impedance", "pydantic")


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from eistool.cli import main\n"
        "try: main(['--version'])\n"
        f"finally: print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == f"eistool {__version__}\n[]\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Example" in result.output
    assert f"  eistool {name}" in result.output
    command = main.get_command(click.Context(main), name)
    assert command is not None
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_group_help_lists_the_commands() -> None:
    result = CliRunner().invoke(main, ["-h"])
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)
    assert "Exit codes: 0 all done" in result.output


def printed(encoding: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "eistool.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding=encoding, check=True).stdout


def test_a_terminal_without_greek_letters() -> None:
    assert "τ" in printed("utf-8", "circuits")
    assert "tau" in printed("latin-1", "circuits")
    assert json.loads(printed("latin-1", "circuits", "--json")) == json.loads(
        printed("utf-8", "circuits", "--json")
    )


def test_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["fti"])
    assert result.exit_code == 2
    assert "No such command 'fti'" in result.stderr
