"""docs/cli.md is what the commands say of themselves."""

from pathlib import Path

import click

from eistool.cli import COMMANDS, main

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def reference() -> str:
    """Return the page: the help of every command."""
    texts = [_help(main, "eistool")]
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        texts.append(_help(command, f"eistool {name}"))
    head = "Written by `python -m tests.cli.test_reference`; a test compares it with the commands."
    return "\n".join(["# Command line\n", f"{head}\n", *texts])


def _help(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path, terminal_width=100, max_content_width=100)
    return f"## {path}\n\n```\n{command.get_help(context)}\n```\n"


def test_reference_is_up_to_date() -> None:
    """After a wanted change, write the page anew with ``python -m tests.cli.test_reference``."""
    assert PAGE.read_text(encoding="utf-8") == reference()


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
