"""Batch runner: read the inputs, compute new results, write the result folder."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Any

import eistool
from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.cache import Cache
from eistool.batch.computation import Computation, JobWork
from eistool.batch.drawing import draw
from eistool.batch.engines import Dask, Engine, Inline, Processes
from eistool.batch.files import probe, read_run, write_file, write_run, writing
from eistool.batch.fingerprint import Fingerprint, take_fingerprint
from eistool.batch.generation import PRIVATE, Output
from eistool.batch.inputs import Inputs, find_files, read_inputs
from eistool.batch.interruption import StoppedAtOnce, stop_on_signal
from eistool.batch.job import Derived, Job, Progress, Step, Task, failure
from eistool.batch.members import POLL_SECONDS, Member, Membership
from eistool.batch.shares import Share, check_names, united
from eistool.batch.store import LostRecordError, Record, Records, Store, digest
from eistool.batch.table_files import write_record_tables
from eistool.circuit.elements import CUSTOM_ELEMENTS
from eistool.errors import ConfigError, OutputError
from eistool.readers import RUN, FoundFile, is_result_folder
from eistool.tables import TABLES, Rows, to_csv

WORTH_WORKERS = 100_000  # bytes of files: several tens of spectra
REPORT = "report.html"
MOST_REPORTED = 5000  # sweeps of the report at the end of a run, which takes 0.1 MB of memory a sweep
NOT_REPORTED = (
    f"no {REPORT}: it is written for up to {MOST_REPORTED} sweeps; `eistool report {{out}}` writes it for more, "
    "with 0.1 MB of memory a sweep"
)
REPAIRS = 3  # of records that are damaged while the run goes on


@dataclass(frozen=True, eq=False)
class Summary:
    """Outcome of a batch, and contents of its result folder."""

    out: Path
    records: Records  # by source and sweep, read when they are needed
    n_read: int
    n_computed: int
    interrupted: bool
    ignored: tuple[Mapping[str, str], ...]
    warnings: tuple[str, ...]
    derived: Mapping[str, Rows] = field(default_factory=dict)  # tables derived from all records
    series: tuple[str, ...] = ()  # findings on whole series

    @property
    def failed(self) -> Iterator[Record]:
        """Records of failures; others are not read."""
        keys = zip(self.records.keys, self.records.statuses(), strict=True)
        return (self.records.of(key) for key, status in keys if status == "failed")

    def find(self, places: Collection[tuple[str, int]]) -> Iterator[Record]:
        """Yield the records of sweeps, given by source and sweep; others are not read."""
        return (self.records.of(key) for key in self.records.keys if key[:2] in places)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of records by status, and of sweeps computed by this run."""
        found = Counter(self.records.statuses())
        counts = {name: found[name] for name in ("ok", "poor_model", "failed", "left_out")}
        return {**counts, "computed_now": self.n_computed, "ignored_files": len(self.ignored)}

    @property
    def exit_code(self) -> int:
        """Exit code: 0 all done, 1 some failed, 3 nothing readable, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.n_read == 0:
            return 3
        return int(self.counts["failed"] > 0)


def quiet(stage: str, done: int, total: int) -> None:
    """Report no progress."""


def run_job(
    job: Job[Any], paths: Sequence[Path], out: Path, command: Sequence[str] = (), progress: Progress = quiet
) -> Summary:
    """Read all spectra below the paths, compute new results, and write the result folder.

    Results of an earlier run in the folder are kept, unless their input or settings changed. Runs that are at
    work in the folder at the same time share the work, or wait for each other. A signal (Ctrl-C, or the end of a
    cluster job) ends the computation after the items under way; the tables of finished results are still written.

    Parameters
    ----------
    job : Job
        Job to run.
    paths : sequence of Path
        Files and folders.
    out : Path
        Result folder, created if needed; jobs may share one.
    command : sequence of str
        Command line, for ``run.json``.
    progress : callable
        Called with the stage (``reading``, that of the job, ``deriving``, ``drawing``), the number done, and the
        total.

    Raises
    ------
    ReaderError, ConfigError, CircuitError, FitError
        If a path, an option or a samples table is invalid, or another run is at work in the folder and shall not
        be joined; raised before any computation.
    OutputError
        If the results cannot be written.
    KeyboardInterrupt
        If the run is interrupted before anything is computed.
    """
    _check_out(out, paths)
    with stop_on_signal() as stop, writing(out):
        summary = _Run(job, tuple(paths), out, tuple(command), progress, stop).carry_out()
        wanted = job.options.report and job.options.scheduling.shard is None and not summary.interrupted
        if not wanted or _is_reported(out):
            return summary
        if len(summary.records.keys) > MOST_REPORTED:
            _remove_report(out)
            return replace(summary, warnings=(*summary.warnings, NOT_REPORTED.format(out=out)))
        attempt(REPORT, lambda: write_report(out))  # it can be made again at any time
        return summary


def _is_reported(out: Path) -> bool:
    """Return whether the report is younger than the results."""
    report, run = out / REPORT, out / RUN
    return report.exists() and report.stat().st_mtime_ns >= run.stat().st_mtime_ns


def write_report(out: Path, target: Path | None = None) -> Path:
    """Write the HTML report of a result folder from its tables, and return the path of its first page.

    Parameters
    ----------
    out : Path
        Result folder.
    target : Path, optional
        By default ``report.html`` in the folder.

    Raises
    ------
    ConfigError
        If the folder is no result folder.
    OutputError
        If the report cannot be written.
    """
    from eistool.report.page import page_name, render_pages

    first = out / REPORT if target is None else target
    pages = render_pages(out, first.name)
    for i, html in enumerate(pages, start=1):
        write_file(first.with_name(page_name(first.name, i)), html.encode())
    if target is None:
        _remove_report(out, len(pages) + 1)
    return first


def _remove_report(out: Path, page: int = 1) -> None:
    """Remove the pages of an earlier report from a page on."""
    from eistool.report.page import page_name

    while (old := out / page_name(REPORT, page)).exists():
        old.unlink()
        page += 1


@dataclass(eq=False)
class _Run:
    """One run of a job."""

    job: Job[Any]
    paths: tuple[Path, ...]
    out: Path
    command: tuple[str, ...]
    progress: Progress
    stop: Event

    def __post_init__(self) -> None:
        self.started = datetime.now(UTC), time.perf_counter()
        self.options = self.job.options
        self.private = self.out / PRIVATE
        self.shares = self.private / "shares"
        self.roots = tuple(str(path.resolve()) for path in self.paths)
        self.work = digest([eistool.__version__, self.job.name, self._decisive(), self.options.decisive_files()])
        self._prepare()

    def _prepare(self) -> None:
        self.members = Membership(self.private, self.work, digest(self.roots), self.stop.is_set)
        self.output = Output(self.out, self.job.name, self.members.temporary)

    def _decisive(self) -> dict[str, Any]:
        """Return the options that the results depend on."""
        passing = {"jobs", "force", *self.options.scheduling.to_dict()}
        return {name: value for name, value in self.options.to_dict().items() if name not in passing}

    def carry_out(self) -> Summary:
        with self._engine() as engine:
            while True:
                self._wait_for_others()
                found = self._find_files(named=False)
                fingerprint = take_fingerprint(found, self.options.samples)
                if (summary := self._unchanged(fingerprint)) is not None:
                    return summary
                if isinstance(engine, Processes) and fingerprint.n_bytes > WORTH_WORKERS:
                    engine.warm_up(JobWork(self.job))
                inputs = self._read(engine, self._find_files(named=True))
                tasks = self.job.plan(inputs.sweeps)
                share = self._share(inputs, tasks, fingerprint)
                if self._join(share):
                    break
            state = "interrupted"
            store = self._open_store()
            try:
                summary = self._compute(engine, store, inputs, tasks, share)
                state = "interrupted" if summary.interrupted else "done"
                return summary
            finally:
                store.close()
                self.members.leave(state, forget=self.options.scheduling.shard is not None)

    def _find_files(self, *, named: bool) -> list[FoundFile]:
        growing = self.options.scheduling.growing
        return find_files(self.paths, self.out, self.job.cycling_file, growing, named=named)

    def _engine(self) -> Engine:
        scheduling = self.options.scheduling
        if scheduling.scheduler != "local":
            return Dask(scheduling.scheduler)
        # elements registered in this session are unknown to other processes
        if CUSTOM_ELEMENTS or (self.options.processes == 1 and scheduling.timeout is None):
            return Inline()
        return Processes(self.options.processes, scheduling.nice)

    def _step(self, stage: str) -> Step:
        """Return a function that reports progress, and ends the stage if the run is to stop."""

        def step(done: int, total: int) -> None:
            self.progress(stage, done, total)
            if self.stop.is_set():
                raise KeyboardInterrupt

        return step

    def _wait_for_others(self) -> None:
        """Wait until no run is at work in the folder that this one shall not join."""
        while not self._may_begin(self.members.busy()):
            if self.stop.is_set():
                raise KeyboardInterrupt
            time.sleep(POLL_SECONDS)

    def _may_begin(self, busy: Sequence[Member]) -> bool:
        if not busy:
            return True
        choice, other = self.options.scheduling.if_busy, busy[0]
        if choice == "fail":
            raise ConfigError(
                f"--out {self.out}: {other.title} is at work there; wait for it, choose another --out, or let "
                "--if-busy join or wait"
            )
        if choice == "join" and all(member.work == self.members.me.work for member in busy):
            return True
        self.progress(f"waiting for {other.title}", 0, 1)
        return False

    def _unchanged(self, fingerprint: Fingerprint) -> Summary | None:
        """Return the summary of the last run if its inputs, settings and files are as it left them."""
        last = read_run(self.out)
        if self.options.force or self.options.scheduling.shard or last.get("state") != "done":
            return None
        names = last.get("runs")
        if last.get("work") != self.work or not isinstance(names, list) or self.members.busy():
            return None
        shares = [Share.load(self.shares, str(name)) for name in names]
        known = [share for share in shares if share is not None]
        mine = next((share for share in known if share.roots == self.roots), None)
        if mine is None or len(known) < len(names) or mine.fingerprint != fingerprint.content:
            return None
        if not (fingerprint.is_same(mine.files, mine.hashes) and self.output.is_intact()):
            return None
        share = united(known)
        self.progress("reading", len(mine.files), len(mine.files))
        store = Store(self.private / "records")
        missing = any(key not in store for key in share.keys)
        return None if missing else self._summary(share, Records(store, share.keys, share.others), 0, False)

    def _summary(self, share: Share, records: Records, n_computed: int, interrupted: bool) -> Summary:
        return Summary(
            self.out,
            records,
            share.n_read,
            n_computed,
            interrupted,
            share.ignored,
            share.warnings,
            share.derived,
            share.series,
        )

    def _read(self, engine: Engine, found: Sequence[FoundFile]) -> Inputs:
        options = self.options
        inputs = read_inputs(
            found,
            self.paths,
            options.samples,
            options.selection,
            self._step("reading"),
            engine if isinstance(engine, Processes) else None,
        )
        if inputs.selected_none:
            raise ConfigError(f"{inputs.n_read} sweeps were read, but none is selected; change the selection")
        return inputs

    def _share(self, inputs: Inputs, tasks: Sequence[Task], fingerprint: Fingerprint) -> Share:
        return Share(
            run=self.members.me.name,
            roots=self.roots,
            fingerprint=fingerprint.content if fingerprint.is_settled(self.started[0].timestamp()) else "",
            files=fingerprint.files,
            keys=tuple(task.key for task in tasks),
            others=tuple(inputs.records),
            hashes=inputs.hashes,
            ignored=tuple(inputs.ignored),
            n_read=inputs.n_read,
        )

    def _join(self, share: Share) -> bool:
        """Enter the folder; return False if a run has begun there meanwhile that this one shall not join."""
        self.private.mkdir(parents=True, exist_ok=True)
        self.members.enter()
        try:
            if not read_run(self.out):
                write_run(self.out, {"state": "running", "generation": 0}, self.members.temporary)
            with self.members.lease(self._waiting):
                if not self._may_begin(self.members.busy()):
                    self.members.leave("joining", forget=True)
                    self._prepare()
                    return False
                self._enter_session(share)
        except BaseException:
            self.members.leave("joining", forget=True)
            Share.remove(self.shares, share.run)
            raise
        return True

    def _waiting(self, owner: str) -> None:
        self.progress(f"waiting for run {owner}", 0, 1)

    def _enter_session(self, share: Share) -> None:
        """Choose the runs whose results are in the same tables, and forget those that are over.

        These are runs at work at the same time with the same settings. What one of them has finished stays in the
        tables when another was ended early and is run again.
        """
        others, me = self.members.others(), self.members.me
        alive = {member.name for member in others if self.members.is_alive(member)}
        same = [member for member in others if member.work == me.work]
        done = {(member.session, member.inputs) for member in same if member.state == "done"}
        sizes = Counter(session for session, _ in done)
        ranked = [
            *(member for member in same if member.name in alive and member.state == "computing"),
            *(member for member in same if member.name not in alive and member.state != "done"),
            *(member for member in same if sizes[member.session] > 1),
        ]
        session = ranked[0].session if ranked else me.session
        dead = [member.name for member in others if member.name not in alive and member.state != "done"]
        for member in others:
            over = member.state == "done" and member.session != session
            if member.name in dead or (over and member.name not in alive):
                self.members.remove(member)
                Share.remove(self.shares, member.name)
        self.members.clean_up()
        share.save(self.shares, self.members.temporary)
        check_names(share, self._shares_beside(session))
        self.members.announce(state="computing", session=session)

    def _shares_beside(self, session: str) -> list[tuple[str, Share]]:
        found = []
        for member in self.members.others():
            if member.session == session and member.state in ("computing", "done"):
                share = Share.load(self.shares, member.name)
                if share is not None:
                    found.append((member.title, share))
        return found

    def _open_store(self) -> Store:
        folder = self.private / "records"
        ignored: set[str] = set()
        if self.options.force:
            ignored = {*Store(folder).writers()} - {member.name for member in self.members.busy()}
        return Store(folder, self.members.me.name, ignored)

    def _compute(
        self, engine: Engine, store: Store, inputs: Inputs, tasks: Sequence[Task], share: Share
    ) -> Summary:
        computation = Computation(
            self.job, engine, store, self.members, self.stop, lambda i, n: self.progress(self.job.stage, i, n)
        )
        mine = self._of_shard(tasks)
        for _ in range(REPAIRS):
            interrupted = False
            if self.options.scheduling.compute:
                interrupted = computation.run(mine)
                store.sync()
            else:
                computation.give_up(mine, "not computed yet; run its shard, or the command, to the end")
            try:
                if self.options.scheduling.shard is not None:
                    return self._summary_of_shard(computation, store, inputs, mine, interrupted)
                return self._write(computation, store, inputs, mine, share, interrupted)
            except LostRecordError:  # damaged, or its file was removed: computed again
                store.refresh()
        raise OutputError(f"{store.folder}: records disappear while they are read; check the disk or the share")

    def _of_shard(self, tasks: Sequence[Task]) -> list[Task]:
        if self.options.scheduling.shard is None:
            return list(tasks)
        number, count = self.options.scheduling.shard
        blocks = {name: i for i, name in enumerate(dict.fromkeys(_block_of(task) for task in tasks))}
        return [task for task in tasks if blocks[_block_of(task)] % count == number - 1]

    def _summary_of_shard(
        self, computation: Computation, store: Store, inputs: Inputs, tasks: Sequence[Task], interrupted: bool
    ) -> Summary:
        store.close()
        Share.remove(self.shares, self.members.me.name)
        if not read_run(self.out).get("generation"):
            described = {"command": list(self.command), "settings": self.options.to_dict()}
            write_run(self.out, {"state": "sharded", "generation": 0, **described}, self.members.temporary)
        done = [task.key for task in tasks if task.key in store]
        return Summary(
            self.out,
            Records(store, done, computation.transient.values()),
            len(tasks),
            computation.n_computed,
            interrupted,
            tuple(inputs.ignored),
            (f"tables are not written by a shard; when all are done, run: eistool merge {self.out}",),
        )

    def _write(
        self,
        computation: Computation,
        store: Store,
        inputs: Inputs,
        tasks: Sequence[Task],
        share: Share,
        interrupted: bool,
    ) -> Summary:
        """Derive and draw what depends on the records, and write the tables."""
        keys = [task.key for task in tasks if task.key in store]
        records = Records(store, keys, [*inputs.records, *computation.transient.values()])
        cache = Cache(self.private / "derived", fresh=self.options.force, aside=self.members.temporary)
        derived, failures = Derived(), list[Record]()
        if not interrupted:
            try:
                derived = self._derive(tasks, records, cache)
                failures = [*derived.failures, *self._draw(derived, records)]
            except StoppedAtOnce:
                raise
            except KeyboardInterrupt:
                interrupted = True
        remarks = (*inputs.warnings, *self.job.remarks(tasks, records), *derived.remarks)
        share = replace(
            share,
            keys=tuple(keys),
            others=(*inputs.records, *computation.transient.values(), *failures),
            derived=derived.tables,
            pictures=tuple(sorted(self.output.names)),
            warnings=(*remarks, *_other_records(store, tasks)),
            series=derived.series,
            fingerprint="" if computation.transient else share.fingerprint,
            complete=not interrupted,
        )
        store.close()
        with self.members.lease(self._waiting):
            others = self._shares_beside(self.members.me.session)
            alive = self.members.busy()
            share.save(self.shares, self.members.temporary)
            finished = [other for _, other in others if other.complete and other.roots != share.roots]
            together = [*finished, share]
            everything = united(together)
            store.refresh()
            records = Records(store, everything.keys, everything.others)
            summary = self._summary(everything, records, computation.n_computed, interrupted)
            if not (interrupted and alive):  # else the others will
                self._replace_tables(summary, everything, [one.run for one in together])
            self._forget_earlier()
            self.members.announce(state="interrupted" if interrupted else "done", doing=())
        if not interrupted and not alive:
            cache.clean_up()
        return summary

    def _derive(self, tasks: Sequence[Task], records: Records, cache: Cache) -> Derived:
        derived = attempt(
            "derived results",
            lambda: self.job.derive(tasks, records, self._step("deriving"), cache),
            (OutputError, LostRecordError),
        )
        if isinstance(derived, Breakdown):
            return Derived(failures=(failure("all inputs", "derive", derived.reason),))
        return derived

    def _draw(self, derived: Derived, records: Records) -> list[Record]:
        """Draw the pictures of records and of derived results; return the failures."""
        failures = self.job.draw(self.output, records, self._step("drawing"))
        pictures = {} if self.options.plots == "none" else derived.pictures
        return failures + [
            one for name, picture in pictures.items() for one in draw(self.output, f"plots/{name}", picture)
        ]

    def _forget_earlier(self) -> None:
        """Forget earlier runs with the same inputs."""
        me = self.members.me
        for member in self.members.others():
            if member.state == "done" and (member.session, member.inputs) == (me.session, me.inputs):
                self.members.remove(member)
                Share.remove(self.shares, member.name)

    def _replace_tables(self, summary: Summary, share: Share, runs: Sequence[str]) -> None:
        names = [table.name for table in self.job.tables]

        def write(folder: Path) -> list[str]:
            write_record_tables(folder, self.job.tables, summary.records)
            for name, rows in share.derived.items():
                (folder / f"{name}.csv").write_bytes(to_csv(rows))
            return [f"{name}.csv" for name in (*names, *share.derived)]

        self.output.replace_tables(write, self._run_file(summary, share, runs), share.pictures, self._check_lease)

    def _check_lease(self) -> None:
        if not self.members.holds_lease():
            raise OutputError(
                f"{self.out}: another run has taken over, since this one gave no sign of life; run the same "
                "command again: what is finished is kept"
            )

    def _run_file(self, summary: Summary, share: Share, runs: Sequence[str]) -> dict[str, Any]:
        return {
            "state": "interrupted" if summary.interrupted else "done",
            "exit_code": summary.exit_code,
            "command": list(self.command),
            "settings": self.options.to_dict(),
            "seed": "derived from the hash of each spectrum",
            "folders": list(share.roots),
            "inputs": dict(sorted(share.hashes.items())),
            "counts": {"sweeps": summary.n_read, **summary.counts},
            "started_at": self.started[0].isoformat(timespec="seconds"),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "duration_s": round(time.perf_counter() - self.started[1], 3),
            "work": self.work,
            "runs": list(runs),
            "ignored": list(summary.ignored),
            "warnings": list(summary.warnings),
            "series": list(summary.series),
        }


def _block_of(task: Task) -> tuple[str, ...]:
    return (task.key.settings, task.block) if task.block else (task.key.source, str(task.key.sweep))


def _check_out(out: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if path.resolve().is_relative_to(out.resolve()) and not is_result_folder(out):
            raise ConfigError(f"--out {out} contains the input {path}; choose a separate folder for results")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; choose a folder")
    if (out / RUN).exists() and not is_result_folder(out):
        raise ConfigError(f"--out {out} contains a {RUN} of another program; choose another folder")
    if not (out / RUN).exists() and any((out / f"{table.name}.csv").exists() for table in TABLES):
        raise ConfigError(f"--out {out} contains tables, but no {RUN} of eistool; choose another folder")
    try:
        probe(out)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose a folder of your own"
        ) from error


def _other_records(store: Store, tasks: Sequence[Task]) -> list[str]:
    known = {(task.key.source, task.key.sweep) for task in tasks}
    others = {(key.source, key.sweep) for key in store} - known
    if not others:
        return []
    return [
        f"{len(others)} sweeps of earlier runs into this folder are not among the present inputs: "
        "they are kept in its store, but not in the tables"
    ]
