"""Agreement of docs/cli.md with the help of the commands."""

import subprocess
import sys
from pathlib import Path

import click

from eistool.cli import COMMANDS, main

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def reference() -> str:
    """Return the page with the help of every command."""
    context = click.Context(
        main, info_name="eistool", terminal_width=100, max_content_width=100, **main.context_settings
    )
    texts = [_page(main, context)]
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        texts.append(_page(command, click.Context(command, parent=context, info_name=name)))
    head = "Written by `python -m tests.cli.test_reference`; a test compares it with the commands."
    return "\n".join(["# Command line\n", f"{head}\n", *texts])


def _page(command: click.Command, context: click.Context) -> str:
    return f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"


def test_reference_is_up_to_date() -> None:
    """After a wanted change, write the page anew with ``python -m tests.cli.test_reference``."""
    # in an interpreter of its own: click remembers the help option of the first call
    code = (
        "import sys; from tests.cli.test_reference import reference; sys.stdout.buffer.write(reference().encode())"
    )
    fresh = subprocess.run([sys.executable, "-c", code], cwd=PAGE.parents[1], capture_output=True, check=True)
    assert PAGE.read_text(encoding="utf-8") == fresh.stdout.decode()


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
