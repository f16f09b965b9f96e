"""Computation of the records of a batch by an engine, shared with other runs in the result folder."""

import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.engines import Call, Engine, Inline, Processes
from eistool.batch.interruption import StoppedAtOnce
from eistool.batch.job import Job, Task, failed_record
from eistool.batch.members import Membership
from eistool.batch.store import Key, Record, Store, digest

LOOK_SECONDS = 1.0  # between two looks at what other runs have done
FEW = 16  # spectra that are computed before a worker would have started
LONGEST_WAIT = 0.2  # s for results before signals and other runs are looked at again


@dataclass(frozen=True, slots=True)
class JobWork:
    """Target of an engine: the part of a job that runs in any process."""

    job: Job[Any]

    def __call__(self, argument: tuple[str, Any]) -> Any:
        """Carry out one step of the computation.

        Parameters
        ----------
        argument : (str, object)
            ``whole`` and a task: return the lines of its records. ``analyze`` and a task: return its pickled
            analysis, or a Breakdown. ``finish`` and the tasks of a block with these: return the lines.
        """
        step, value = argument
        if step == "finish":
            tasks, parts = value
            analyses = [part if isinstance(part, Breakdown) else pickle.loads(part) for part in parts]  # noqa: S301
            return self._lines(tasks, analyses)
        analysis = attempt(value.sweep.label, lambda: self.job.analyze(value))
        if step == "whole":
            return self._lines([value], [analysis])
        return analysis if isinstance(analysis, Breakdown) else pickle.dumps(analysis, pickle.HIGHEST_PROTOCOL)

    def _lines(self, tasks: Sequence[Task], analyses: Sequence[Any]) -> list[bytes]:
        by_key = {task.key: task for task in tasks}
        return [self._line(record, by_key) for record in self.job.finish(tasks, analyses)]

    def _line(self, record: Record, tasks: dict[Any, Task]) -> bytes:
        line = attempt(record.key.source, record.to_line)
        if isinstance(line, Breakdown):  # a number that JSON cannot hold
            return failed_record(tasks[record.key], self.job.name, line.reason).to_line()
        return line


@dataclass(eq=False, slots=True)
class Block:
    """Tasks whose records depend on each other; mostly one."""

    name: str
    tasks: tuple[Task, ...]
    parts: dict[int, Any] = field(default_factory=dict)  # analyses so far
    given_up: bool = False  # an analysis is missing for a reason that may not come again


@dataclass(eq=False, slots=True)
class Computation:
    """Computation of missing records.

    Parameters
    ----------
    job : Job
        Job with the computation.
    engine : Engine
        Carries it out.
    store : Store
        Holds the records.
    membership : Membership
        Other runs in the folder.
    stop : Event
        Set when the run is to end.
    progress : callable
        Called with the number of tasks done and their total.
    """

    job: Job[Any]
    engine: Engine
    store: Store
    membership: Membership
    stop: threading.Event
    progress: Callable[[int, int], None]
    n_computed: int = 0
    transient: dict[Key, Record] = field(default_factory=dict)  # failures that may not come again: not stored
    _steps: dict[Call, tuple[Block, str, int]] = field(default_factory=dict)
    _calls: deque[Call] = field(default_factory=deque)  # ready to be given to the engine
    _waiting: deque[Block] = field(default_factory=deque)
    _elsewhere: deque[Block] = field(default_factory=deque)  # other runs are at them
    _announced: frozenset[str] = frozenset()  # names of blocks that other runs are at
    _total: int = 0
    _done: int = 0
    _looked: float = -LOOK_SECONDS

    def run(self, tasks: Sequence[Task]) -> bool:
        """Compute the records that are missing, and return whether that was interrupted."""
        blocks = [block for block in _blocks(tasks) if not self._is_done(block)]
        self._total, self._done = len(tasks), len(tasks) - sum(len(block.tasks) for block in blocks)
        self._waiting.extend(blocks)
        if not blocks:
            return self.stop.is_set()
        self._look_around()
        few = self._total - self._done <= FEW and self.job.options.scheduling.timeout is None
        if few and isinstance(self.engine, Processes):
            self.engine = Inline()
        self.engine.set_target(JobWork(self.job))
        try:
            self._work_off()
        except StoppedAtOnce:
            raise
        except KeyboardInterrupt:
            self.stop.set()
        return self.stop.is_set()

    def give_up(self, tasks: Sequence[Task], reason: str) -> None:
        """Take what is missing for failed, in this run only."""
        for task in tasks:
            if task.key not in self.store:
                self.transient[task.key] = failed_record(task, "compute", f"{task.sweep.label}: {reason}")

    def _work_off(self) -> None:
        dropped = False
        while True:
            if not self.stop.is_set():
                self._submit()
            elif not dropped:
                self.engine.drop_queued()
                dropped = True
            if not self.engine.under_way:
                if self.stop.is_set() or not self._elsewhere:
                    break
                time.sleep(LONGEST_WAIT)
            for call, result in self.engine.results(LONGEST_WAIT):
                self._take(call, result)
            self._look_around()

    def _submit(self) -> None:
        while self.engine.wants_more():
            if not self._calls:
                self._open_next()
            if not self._calls:
                return
            self.engine.submit(self._calls.popleft())

    def _open_next(self) -> None:
        """Begin the next block that is neither done nor under way in another run."""
        for _ in range(len(self._elsewhere)):
            block = self._elsewhere.popleft()
            (self._elsewhere if block.name in self._announced else self._waiting).append(block)
        while self._waiting and not self._calls:
            block = self._waiting.popleft()
            if self._is_done(block):
                self._count(len(block.tasks))
            elif block.name in self._announced:
                self._elsewhere.append(block)
            else:
                step = "whole" if len(block.tasks) == 1 else "analyze"
                for number, task in enumerate(block.tasks):
                    self._call(block, step, number, task)

    def _call(self, block: Block, step: str, number: int, argument: Any, size: int = 1) -> None:
        limit = self.job.options.scheduling.timeout
        label = block.tasks[number].sweep.label
        call = Call(label, (step, argument), None if limit is None else size * limit)
        self._steps[call] = block, step, number
        if step == "finish":
            self._calls.appendleft(call)
        else:
            self._calls.append(call)

    def _take(self, call: Call, result: Any) -> None:
        """Store the records of a result, or begin the last step of a block that is complete."""
        block, step, number = self._steps.pop(call)
        if step == "analyze":
            block.given_up |= isinstance(result, Breakdown) and result.transient
            block.parts[number] = result
            if len(block.parts) == len(block.tasks):
                parts = [block.parts[i] for i in range(len(block.tasks))]
                block.parts = {}
                self._call(block, "finish", 0, (block.tasks, parts), len(parts))
            return
        if isinstance(result, Breakdown):
            for task in block.tasks:
                self.transient[task.key] = failed_record(task, self.job.name, result.reason)
        elif block.given_up:
            self.transient |= {record.key: record for record in map(Record.from_line, result)}
        else:
            for line in result:
                self.store.append_line(line)
        self.n_computed += len(block.tasks)
        self._count(len(block.tasks))

    def _count(self, number: int) -> None:
        self._done += number
        self.progress(self._done, self._total)

    def _is_done(self, block: Block) -> bool:
        return all(task.key in self.store for task in block.tasks)

    def _look_around(self) -> None:
        """Take in the records of other runs, and tell them the blocks that are under way here."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        mine = self.membership.me
        others = [member for member in self.membership.busy() if member.session == mine.session]
        if others:
            self.store.refresh()
            self._announced = frozenset(name for member in others for name in member.doing)
            if not self._steps:  # runs that begin together begin at different places
                rank = sum(member.name < mine.name for member in others)
                self._waiting.rotate(-(rank * len(self._waiting) // (len(others) + 1)))
        doing = tuple(dict.fromkeys(block.name for block, _, _ in self._steps.values()))
        if others and doing != mine.doing:
            self.membership.announce(doing=doing)


def _blocks(tasks: Sequence[Task]) -> list[Block]:
    """Return the tasks by block, those without one alone."""
    groups: dict[tuple[str, ...], list[Task]] = {}
    for task in tasks:
        alone = () if task.block else (task.key.source, str(task.key.sweep))
        groups.setdefault((task.key.settings, task.block, *alone), []).append(task)
    return [Block(digest(name), tuple(members)) for name, members in groups.items()]
