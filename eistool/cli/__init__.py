"""Command line; commands are imported on first use."""

import contextlib
import errno
import importlib
import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from eistool.cli.output import echo, prepare_streams
from eistool.errors import EistoolError, OutputError
from eistool.escaping import printable

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
    "init",
    "inspect",
    "irdrop",
    "merge",
    "methods",
    "plot",
    "polarization",
    "report",
    "rerun",
    "serve",
    "simulate",
    "subtract",
    "track",
    "watch",
)
INTERRUPTED = 130
ARGUMENTS = "eistool.arguments"  # of the command line, in the context


class WrongInput(click.ClickException):
    """EistoolError as one line on stderr, with the exit code of wrong usage."""

    exit_code = 2


class CannotGoOn(WrongInput):
    """OutputError as one line on stderr, with the exit code of a run that could not go on."""

    exit_code = 4


class _Interrupted(KeyboardInterrupt):
    """A signal; Python ends with another code after a plain KeyboardInterrupt in code from a string."""


class _Interrupt:
    """Handler that raises, and remembers it: an exception in the midst of a finalizer is lost."""

    arrived = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.arrived = True
        raise _Interrupted


class _Notices(logging.Handler):
    """Messages of the engine, which may come while a command is imported, as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        echo(record.getMessage(), err=True)


@contextlib.contextmanager
def _notices() -> Iterator[None]:
    handler, logger = _Notices(), logging.getLogger("eistool.kernels")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


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

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context, which keeps the arguments for ``run.json``."""
        arguments = tuple(args)
        context = super().make_context(info_name, args, parent, **extra)
        context.meta[ARGUMENTS] = arguments
        return context

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; spell out characters that the encoding of the terminal lacks."""
        prepare_streams()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> None:
        """Run a command; turn an EistoolError into one line, and an interruption into an exit code."""
        # names of files may hold characters that the font of pictures lacks, and a font cache is nobody's concern
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        if threading.current_thread() is threading.main_thread():
            handler = _Interrupt()
            for number in (signal.SIGINT, signal.SIGTERM):  # the end of a cluster job is like Ctrl-C
                signal.signal(number, handler)
        try:
            with warnings.catch_warnings(), _notices():
                warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
                super().invoke(ctx)
        except OutputError as error:
            raise CannotGoOn(printable(str(error), keep="\n")) from error
        except EistoolError as error:
            raise WrongInput(printable(str(error), keep="\n")) from error
        except OSError as error:  # of the terminal, or a working folder that is gone
            if error.errno == errno.EPIPE:  # the reader of a pipe has enough
                raise
            raise CannotGoOn(f"the run could not go on: {error.strerror or error}") from error
        except KeyboardInterrupt:
            echo("Interrupted.", err=True)
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
    4 the run could not go on (disk full, result folder gone), 130 interrupted.
    """
