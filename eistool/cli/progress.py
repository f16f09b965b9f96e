"""Progress on stderr: a bar on a terminal, else plain lines."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from eistool.cli.output import console, echo

if TYPE_CHECKING:
    from eistool.batch import Progress

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(quiet: bool) -> "Iterator[Progress]":
    """Yield the callable that reports the progress of a batch."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _Lines().report


@contextmanager
def _bar() -> "Iterator[Progress]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        tasks = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="")
            speed = bar.tasks[bar.task_ids.index(tasks[stage])].speed
            rate = "" if speed is None else f"{speed:.3g}/s"
            bar.update(tasks[stage], completed=done, total=total, rate=rate)

        yield report


class _Lines:
    """Progress as lines: at the start and end of a stage, and every few seconds."""

    def __init__(self) -> None:
        self._stage = ""
        self._last = 0.0
        self._begun = (0.0, 0)  # time and number done at the first report of the stage

    def report(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._begun = now, done
        if stage != self._stage or done == total or now - self._last > SECONDS_BETWEEN_LINES:
            echo(f"{stage} {done}/{total}{self._pace(now, done, total)}", err=True)
            self._stage, self._last = stage, now

    def _pace(self, now: float, done: int, total: int) -> str:
        """Return the rate since the start of the stage, and the time left."""
        elapsed, n = now - self._begun[0], done - self._begun[1]
        if elapsed < 1 or n < 1:
            return ""
        left = "" if done == total else f", {timedelta(seconds=round((total - done) * elapsed / n))} left"
        return f" ({n / elapsed:.3g}/s{left})"
