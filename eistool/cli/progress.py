"""Progress on stderr: a bar on a terminal, else plain lines."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

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
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]:>8}")
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}
        paces: dict[str, _Pace] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="")
                paces[stage] = _Pace(done)
            bar.update(tasks[stage], completed=done, total=total, rate=paces[stage].rate(done))

        yield report


class _Pace:
    """Rate of a stage since its first report, so that results of an earlier run do not count."""

    def __init__(self, done: int) -> None:
        self._first, self._start = done, time.monotonic()

    def per_second(self, done: int) -> float:
        seconds = time.monotonic() - self._start
        return (done - self._first) / seconds if seconds > 0 else 0.0

    def rate(self, done: int) -> str:
        pace = self.per_second(done)
        return f"{pace:.3g}/s" if pace > 0 else ""

    def remaining(self, done: int, total: int) -> str:
        pace = self.per_second(done)
        if not pace:
            return ""
        seconds = round((total - done) / pace)
        left = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
        return f", {pace:.3g}/s, {left} left"


class _Lines:
    """Progress as lines: at the start and end of a stage, and every few seconds."""

    def __init__(self) -> None:
        self._stage = ""
        self._last = 0.0
        self._pace = _Pace(0)

    def report(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._pace = _Pace(done)
        if stage != self._stage or done == total or now - self._last > SECONDS_BETWEEN_LINES:
            left = "" if done == total else self._pace.remaining(done, total)
            click.echo(f"{stage} {done}/{total}{left}", err=True)
            self._stage, self._last = stage, now
