"""Start of a batch from the command line: result folder, log, progress and the command for ``run.json``."""

import logging
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import eistool
from eistool.cli import ARGUMENTS
from eistool.cli.progress import progress

if TYPE_CHECKING:
    from eistool.batch import Progress
    from eistool.settings import Settings

DEFAULT_OUT = "eistool-results"
LOG = logging.getLogger("eistool.cli")


@dataclass(frozen=True, slots=True)
class Run:
    """Result folder of a batch, its command, and the callable that reports its progress."""

    out: Path
    command: tuple[str, ...]
    report: "Progress"


@contextmanager
def running(
    context: click.Context, paths: Sequence[Path], out: Path | None, options: Mapping[str, Any]
) -> Iterator[Run]:
    """Yield the run, with its log and progress set up."""
    from eistool.batch.log import log_to

    folder = choose_out(paths, out)
    command = command_line(context)
    with log_to(folder, options["log_level"]), progress(quiet=options["no_progress"]) as report:
        LOG.info(
            "eistool %s on Python %s, %s: %s",
            eistool.__version__, platform.python_version(), platform.platform(), command,
        )  # fmt: skip
        yield Run(folder, command, report)


def choose_out(paths: Sequence[Path], out: Path | None) -> Path:
    """Return the result folder: the given one, else one in the working folder, outside of all inputs."""
    if out is not None:
        return out
    here = Path.cwd()
    around = [path for path in (given.resolve() for given in paths) if here.is_relative_to(path)]
    if not around:
        return Path(DEFAULT_OUT)
    folder = min(around, key=lambda path: len(path.parts))
    return folder.parent / f"{folder.name}-{DEFAULT_OUT}" if folder.name else Path(DEFAULT_OUT)


def command_line(context: click.Context) -> tuple[str, ...]:
    """Return the command as it was typed."""
    return ("eistool", *context.meta.get(ARGUMENTS, ()))


def settings_of(context: click.Context, folder: Path) -> "Settings":
    """Return the settings of a repeated run, else those of the nearest ``eistool.toml``."""
    from eistool.settings import Settings, load_settings

    return context.obj if isinstance(context.obj, Settings) else load_settings(folder)
