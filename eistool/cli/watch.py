"""``eistool watch``: fits of a folder that is still being filled."""

import math
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.fit import command as fit
from eistool.cli.fit import fit_options
from eistool.cli.output import echo
from eistool.cli.running import choose_out, running, settings_of

if TYPE_CHECKING:
    from eistool.batch import Summary

_NOT_HERE = ("as_json", "dry_run", "shard", "compute")
_OPTIONS = [parameter for parameter in fit.params if parameter.name not in _NOT_HERE]


@click.command(
    params=_OPTIONS,
    epilog="""\b
Examples:
  eistool watch measurements/ --circuit spike --out results
  eistool watch /mnt/share/today --by time --interval 60 --idle 7200
""",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.01),
    default=20.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option(
    "--settle",
    type=click.FloatRange(min=0.0),
    default=10.0,
    show_default=True,
    help="Seconds without a change after which a file is complete.",
)
@click.option("--idle", type=float, default=math.inf, help="End after so many seconds without a change.")
@click.pass_context
def command(
    context: click.Context,
    /,
    paths: tuple[Path, ...],
    out: Path | None,
    interval: float,
    settle: float,
    idle: float,
    **options: Any,
) -> None:
    """Fit the spectra of a folder again and again while it is filled.

    The folder is looked at every few seconds. When files have appeared, changed or gone, and those have stopped
    growing, what is new is computed and the tables are written again; a file that still grows is left out so
    long. A folder that is away, as when a network drive is lost, is waited for. Ctrl-C ends the watch.

    Exit codes: those of the last fit after --idle; 2 wrong usage, 130 interrupted.
    """
    from eistool.batch.watch import Watch

    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    options |= {"shard": None, "compute": True}
    chosen = fit_options(folder, settings_of(context, folder), options, choose_out(paths, out))
    watch = Watch(paths, choose_out(paths, out), settle)
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    done: dict[Path, tuple[int, int]] | None = None
    code, changed_at, away = 3, time.monotonic(), False
    try:
        while not ended.is_set() and time.monotonic() - changed_at < idle:
            try:
                complete, growing = watch.look()
                if away:
                    echo("the folder is back", err=True)
                away = False
            except OSError as error:
                if not away:
                    echo(f"{paths[0]}: away ({error.strerror or error}); waiting for it", err=True)
                away = True
                ended.wait(interval)
                continue
            if growing:
                changed_at = time.monotonic()
            if complete and complete != done:
                limited = replace(chosen, scheduling=replace(chosen.scheduling, growing=growing))
                summary = _fit(context, paths, out, limited, options, first=done is None)
                if summary is not None:
                    done, code = complete, summary.exit_code
                    changed_at = time.monotonic()
                    if summary.interrupted:
                        break
            ended.wait(interval)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    context.exit(130 if ended.is_set() else code)


def _fit(
    context: click.Context,
    paths: tuple[Path, ...],
    out: Path | None,
    chosen: Any,
    options: dict[str, Any],
    first: bool,
) -> "Summary | None":
    """Return the summary of a fit; None, with a line on stderr, if it could not be done now.

    A wrong option is wrong from the first; later a samples table may be half written.
    """
    from eistool.errors import EistoolError, OutputError, ReaderError
    from eistool.jobs import fit_folder

    try:
        with running(context, paths, out, options) as run:
            summary = fit_folder(paths, run.out, chosen, run.command, run.report)
    except (EistoolError, OSError) as error:
        if first and not isinstance(error, (OutputError, ReaderError, OSError)):
            raise
        echo(f"not done: {error}; trying again", err=True)
        return None
    counts = summary.counts
    echo(
        f"{time.strftime('%H:%M:%S')}  {counts['ok']} ok, {counts['poor_model']} poor model, {counts['failed']} "
        f"failed; {counts['computed_now']} computed now. Tables in {summary.out}"
    )
    return summary
