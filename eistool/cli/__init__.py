"""Command line; commands are imported on first use."""

import importlib
import io
import logging
import sys
import warnings
from typing import Any

import click

from eistool.errors import EistoolError

COMMANDS = (
    "arrhenius",
    "assign",
    "check",
    "circuits",
    "conductivity",
    "convert",
    "drt",
    "export",
    "fit",
    "formats",
    "inspect",
    "irdrop",
    "methods",
    "plot",
    "polarization",
    "report",
    "serve",
    "simulate",
    "subtract",
    "track",
)
INTERRUPTED = 130


class WrongInput(click.ClickException):
    """EistoolError as one line on stderr, with the exit code of wrong usage."""

    exit_code = 2


class LazyGroup(click.Group):
    """Group of the commands ``eistool.cli.<name>.command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if the name is unknown."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"eistool.cli.{cmd_name}").command
        command.name = cmd_name
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; escape characters that the encoding of the terminal lacks, as on stderr."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> None:
        """Run a command; turn an EistoolError into one line, and an interruption into an exit code."""
        # names of files may hold characters that the font of pictures lacks, and a font cache is nobody's concern
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
                super().invoke(ctx)
        except EistoolError as error:
            raise WrongInput(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  eistool fit measurements/ --out results
""",
)
@click.version_option(package_name="eistool", prog_name="eistool", message="%(prog)s %(version)s")
def main() -> None:
    """Analyze folders of impedance spectra, with honest uncertainties.

    Exit codes: 0 all done, 1 done but some spectra failed, 2 wrong usage, 3 nothing readable,
    130 interrupted.
    """
