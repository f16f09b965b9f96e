"""The batch: read everything, fit what is new, write the tables."""

import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import eistool
from eistool.batch.candidates import candidate_names, candidates, choose, every_candidate, grown
from eistool.batch.derived import Derived
from eistool.batch.distribution import Distribution, distribution
from eistool.batch.files import probe, write_whole
from eistool.batch.inputs import Inputs, Selection, read_inputs
from eistool.batch.interruption import stop_on_signal
from eistool.batch.materials import derive
from eistool.batch.pictures import FITS, draw_pictures
from eistool.batch.profile import PROFILE_PICTURE, draw_profile, link_profile, profile_remarks
from eistool.batch.records import fit_record, not_valid_record
from eistool.batch.store import Key, Record, Rows, Store
from eistool.batch.tables import DRT_TABLES, FIT_TABLES, TABLES, collect, to_csv
from eistool.batch.validity import Validity, prepare
from eistool.circuit import Circuit, as_circuit
from eistool.circuit.elements import canonical_name
from eistool.circuit.library import load_circuit
from eistool.errors import CircuitError, ConfigError
from eistool.fitting import RankedCircuit, compare_circuits, fit_many, rank, remarks
from eistool.fitting.problem import Constraints
from eistool.fitting.result import NEAR_TIE
from eistool.readers import override, read_profile
from eistool.spectrum import Profile, Spectrum
from eistool.typing import JSON

AUTO = "auto"
RUN = "run.json"
CHUNK_PER_JOB = 4  # fits between two looks at progress and interruption

Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a batch is fitted.

    Parameters
    ----------
    circuit : str
        A name of the library, an expression, or ``auto``.
    circuit_is_default : bool
        Then a ``circuit`` of the samples table goes before it.
    weighting, bounds, fixed
        As for :func:`eistool.fit`.
    jobs : int, optional
        Threads; by default one for each core.
    plots : {"failed", "all", "none"}
        Which spectra get a picture; ``failed`` means failed or poor fits.
    by : str, optional
        Coordinate along which series are tracked, and the printed results ordered.
    samples : Path, optional
        A samples table for all files.
    profile : Path, optional
        A cycling record that tells where on it each spectrum was taken.
    circuit_folders : tuple of Path
        Folders of the user's circuits, searched before the built-in ones.
    selection : Selection
        Which sweeps and points.
    force : bool
        Compute everything anew.
    drt : bool
        Whether the distribution of relaxation times is computed too.
    mask : {"none", "outliers", "kk"}
        Which points the Kramers-Kronig test takes out of a fit.
    require_valid : bool
        Whether what does not pass that test is left out.
    metadata : mapping
        Facts about all spectra that go before every other source of them.
    """

    circuit: str = AUTO
    circuit_is_default: bool = True
    weighting: str = "modulus"
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    jobs: int | None = None
    plots: str = "failed"
    by: str | None = None
    samples: Path | None = None
    profile: Path | None = None
    circuit_folders: tuple[Path, ...] = ()
    selection: Selection = field(default_factory=Selection)
    force: bool = False
    drt: bool = True
    mask: str = "none"
    require_valid: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for field_ in ("bounds", "fixed"):  # Q1.Q means CPE1.Q
            values = {canonical_name(name): value for name, value in getattr(self, field_).items()}
            object.__setattr__(self, field_, values)

    def to_dict(self) -> JSON:
        """Return what decides on the results, and what was asked for beside it."""
        return {
            "circuit": self.circuit,
            "circuit_folders": [folder.name for folder in self.circuit_folders],
            "weighting": self.weighting,
            "bounds": {name: list(pair) for name, pair in self.bounds.items()},
            "fixed": dict(self.fixed),
            "drt": self.drt,
            "mask": self.mask,
            "require_valid": self.require_valid,
            "metadata": dict(self.metadata),
            **self.selection.to_dict(),
            "samples": None if self.samples is None else self.samples.name,
            "profile": None if self.profile is None else self.profile.name,
            "plots": self.plots,
            "by": self.by,
            "jobs": self.jobs,
            "force": self.force,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What a batch did, and what its result folder holds now."""

    out: Path
    records: tuple[Record, ...]  # by source and sweep
    n_read: int
    n_computed: int
    interrupted: bool
    ignored: tuple[Mapping[str, str], ...]
    warnings: tuple[str, ...]
    derived: Mapping[str, Rows] = field(default_factory=dict)  # tables made of all records together
    series: tuple[str, ...] = ()  # what whole series tell

    @property
    def counts(self) -> dict[str, int]:
        """Number of records by status, and of sweeps computed by this run."""
        names = ("ok", "poor_model", "failed", "left_out")
        counts = {name: sum(record.status == name for record in self.records) for name in names}
        return {**counts, "computed_now": self.n_computed, "ignored_files": len(self.ignored)}

    @property
    def exit_code(self) -> int:
        """0 all done, 1 some failed, 3 nothing readable, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.n_read == 0:
            return 3
        return int(any(record.status == "failed" for record in self.records))


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A spectrum, the circuits to fit or compare if any, and the key of its result."""

    key: Key
    spectrum: Spectrum
    circuits: tuple[Circuit, ...] = ()


class Options(Protocol):
    """What the options of all jobs have."""

    @property
    def samples(self) -> Path | None: ...  # noqa: D102
    @property
    def selection(self) -> Selection: ...  # noqa: D102
    @property
    def jobs(self) -> int | None: ...  # noqa: D102
    @property
    def force(self) -> bool: ...  # noqa: D102
    @property
    def plots(self) -> str: ...  # noqa: D102

    def to_dict(self) -> JSON: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a batch does with its spectra.

    Parameters
    ----------
    options : Options
        Its settings, for ``run.json`` too.
    stage : str
        What progress calls it.
    tables : tuple of str
        Which of :data:`TABLES` it writes.
    plan : callable
        Tasks for spectra; wrong settings raise here, before anything is computed.
    compute : callable
        Records of tasks with the same settings, computed in so many threads.
    finish : callable
        Writes what is not a table into the result folder.
    remarks : callable
        Warnings about tasks and their records.
    describe : callable
        The spectra with what else is known of them, before they are planned.
    record : Path, optional
        A file that describes spectra and holds none, wherever it lies.
    derive : callable
        Tables and pictures of all records together.
    """

    options: Options
    stage: str
    tables: tuple[str, ...]
    plan: Callable[[Sequence[Spectrum]], list[Task]]
    compute: Callable[[Sequence[Task], int], list[Record]]
    finish: Callable[[Path, Sequence[Record], Callable[[int, int], None]], None]
    remarks: Callable[[Sequence[Task], Sequence[Record]], list[str]] = lambda tasks, records: []
    describe: Callable[[Sequence[Spectrum]], list[Spectrum]] = list
    record: Path | None = None
    derive: Callable[[Sequence[Task], Sequence[Record], Callable[[int, int], None]], Derived] = (
        lambda tasks, records, tell: Derived()
    )


def fit_folder(
    paths: Sequence[Path],
    out: Path,
    options: FitOptions | None = None,
    command: Sequence[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Fit all spectra below the paths, and write tables, pictures and ``run.json`` into a result folder.

    What an earlier run left in the folder is kept, unless its input or settings changed. An interruption
    (``KeyboardInterrupt``) ends the fits; the tables of what is done are written all the same.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    out : Path
        The result folder, made if need be.
    options : FitOptions, optional
        How to fit.
    command : sequence of str
        For ``run.json``.
    progress : callable
        Told the stage (``reading``, ``fitting``, ``drawing``), how many are done, and of how many.

    Raises
    ------
    ReaderError, ConfigError, CircuitError, FitError
        If a path, an option or a samples table is wrong; nothing was computed then.
    """
    options = options or FitOptions()
    _check_options(options)
    profile = None if options.profile is None else read_profile(options.profile)
    job = Job(
        options,
        "fitting",
        FIT_TABLES + (DRT_TABLES if options.drt else ()),
        functools.partial(plan_tasks, options=options),
        functools.partial(_fit_chunk, options=options),
        functools.partial(_draw, options=options, profile=profile),
        lambda tasks, records: [
            *profile_remarks([task.spectrum for task in tasks], profile),
            *_unknown_cells(tasks),
            *_hidden_arcs(tasks, records),
        ],
        describe=functools.partial(link_profile, profile=profile),
        record=options.profile,
        derive=functools.partial(_derive, options=options),
    )
    return run_job(job, paths, out, command, progress)


def _draw(
    out: Path,
    records: Sequence[Record],
    tell: Callable[[int, int], None],
    options: FitOptions,
    profile: Profile | None,
) -> None:
    draw_pictures(FITS, out / "plots", records, options.plots, tell)
    draw_profile(out / PROFILE_PICTURE, profile, records)


def _derive(
    tasks: Sequence[Task], records: Sequence[Record], tell: Callable[[int, int], None], options: FitOptions
) -> Derived:
    spectra = [task.spectrum for task in tasks]
    materials = derive(spectra, records)
    if options.by is None:
        return materials
    from eistool.batch.tracks import TrackOptions, derive_tracks

    tracking = TrackOptions(
        by=options.by,
        circuit=None if options.circuit == AUTO else options.circuit,
        plots="none" if options.plots == "none" else "all",
        circuit_folders=options.circuit_folders,
        jobs=options.jobs,
    )
    return materials.joined(derive_tracks(spectra, tracking, tell))


def run_job(job: Job, paths: Sequence[Path], out: Path, command: Sequence[str], progress: Progress) -> Summary:
    """Read all spectra below the paths, compute what is new, and write the result folder.

    Raises
    ------
    ReaderError, ConfigError, CircuitError, FitError
        If a path, an option or a samples table is wrong; nothing was computed then.
    """
    options = job.options
    started = datetime.now(UTC), time.perf_counter()
    _check_out(out, paths)
    inputs = read_inputs(
        paths,
        out,
        options.samples,
        options.selection,
        lambda done, total: progress("reading", done, total),
        job.record,
    )
    if inputs.selected_none:
        raise ConfigError(f"{inputs.n_read} sweeps were read, and the selection leaves none; choose others")
    tasks = job.plan(job.describe(inputs.spectra))
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / RUN, _json({"state": "running", "version": eistool.__version__}))
    store = Store(out / "records.jsonl")
    if options.force:
        store.clear()
    done, n_computed, interrupted = _compute(tasks, store, job, progress)
    records = tuple(sorted([*done, *inputs.records], key=lambda record: record.key))
    for name in job.tables:
        write_whole(out / f"{name}.csv", to_csv(collect(name, records)))
    derived = Derived()
    if not interrupted:
        try:
            derived = job.derive(tasks, records, lambda i, n: progress("deriving", i, n))
            for name, table in derived.tables.items():
                write_whole(out / f"{name}.csv", to_csv(table))
            job.finish(out, records, lambda i, n: progress("drawing", i, n))
            if options.plots != "none":
                _write_pictures(out / "plots", derived)
        except KeyboardInterrupt:
            interrupted = True
    remarks = (*inputs.warnings, *job.remarks(tasks, done), *derived.remarks, *_strangers(store, tasks))
    summary = Summary(
        out,
        records,
        inputs.n_read,
        n_computed,
        interrupted,
        tuple(inputs.ignored),
        remarks,
        derived.tables,
        derived.told,
    )
    write_whole(out / RUN, _json(_run(summary, inputs, options, command, started)))
    return summary


def _write_pictures(folder: Path, derived: Derived) -> None:
    for name, draw in derived.pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, draw())


def _compute(tasks: Sequence[Task], store: Store, job: Job, progress: Progress) -> tuple[list[Record], int, bool]:
    """Return the records of the tasks, how many were computed now, and whether that was interrupted."""
    done = [record for task in tasks if (record := store.get(task.key)) is not None]
    pending = [task for task in tasks if store.get(task.key) is None]
    n_before = len(done)
    with stop_on_signal() as stop:
        try:
            for records in _chunks(pending, job):
                for record in records:
                    store.append(record)
                    done.append(record)
                    progress(job.stage, len(done), len(tasks))
                if stop.is_set():
                    break
        except KeyboardInterrupt:
            stop.set()
    return done, len(done) - n_before, stop.is_set()


def _check_out(out: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if path.resolve().is_relative_to(out.resolve()) and not (out / RUN).exists():
            raise ConfigError(f"--out {out} holds the input {path}; choose a folder of its own for results")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; choose a folder")
    if not (out / RUN).exists() and any((out / f"{name}.csv").exists() for name in TABLES):
        raise ConfigError(f"--out {out} holds tables, and no {RUN} that says they are ours; choose another folder")
    try:
        probe(out)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose a folder of your own"
        ) from error


def _check_options(options: FitOptions) -> None:
    """Raise what can be told to be wrong without the spectra: a circuit, and names that no circuit has."""
    circuits = () if options.circuit == AUTO else (as_circuit(options.circuit, options.circuit_folders),)
    if not options.circuit_is_default:  # else the samples table may name others
        _check_constraints(circuits or every_candidate(), options)


def plan_tasks(spectra: Sequence[Spectrum], options: FitOptions) -> list[Task]:
    """Return a task for each spectrum; wrong circuits, bounds and names are found here, before any fit."""
    named: tuple[Circuit, ...] = () if options.circuit == AUTO else (_circuit(options.circuit, options),)
    tasks = []
    known: dict[str | None, tuple[Circuit, ...]] = {}  # by cell type: files are read once
    for found in spectra:
        spectrum = override(found, "command line", options.metadata) if options.metadata else found
        own = spectrum.metadata.circuit if options.circuit_is_default else None
        circuits = named
        if own is not None and own != AUTO:
            try:
                circuits = (_circuit(own, options),)
            except CircuitError as error:
                raise ConfigError(f"samples table, circuit of {spectrum.label}: {error}") from error
        elif own == AUTO or not circuits:
            cell_type = spectrum.metadata.cell_type
            if cell_type not in known:
                known[cell_type] = candidates(spectrum.metadata, options.circuit_folders)
            circuits = known[cell_type]
        tasks.append(Task(_key(spectrum, circuits, options), spectrum, circuits))
    _check_names(tasks, options)
    return tasks


def _circuit(text: str, options: FitOptions) -> Circuit:
    return as_circuit(text, options.circuit_folders)


def _check_names(tasks: Sequence[Task], options: FitOptions) -> None:
    """Raise if a bound or a fixed value is wrong, or its name unknown to all circuits of a spectrum."""
    for circuits in {task.circuits for task in tasks}:
        _check_constraints(circuits, options)


def _check_constraints(circuits: Sequence[Circuit], options: FitOptions) -> None:
    known = {name for circuit in circuits for name in (*circuit.parameters, *circuit.full_names)}
    for circuit in circuits:
        own = {*circuit.parameters, *circuit.full_names} | ({*options.bounds, *options.fixed} - known)
        Constraints.of(
            circuit,
            None,
            {name: pair for name, pair in options.bounds.items() if name in own},
            {name: value for name, value in options.fixed.items() if name in own},
        )


def _key(spectrum: Spectrum, circuits: tuple[Circuit, ...], options: FitOptions) -> Key:
    settings = {
        "version": eistool.__version__,
        "circuits": [[repr(circuit), dict(circuit.roles)] for circuit in circuits],
        "weighting": options.weighting,
        "bounds": {name: list(pair) for name, pair in options.bounds.items()},
        "fixed": dict(options.fixed),
        "drt": options.drt,
        "mask": options.mask,
        "require_valid": options.require_valid,
    }
    return key_of(spectrum, settings)


def key_of(spectrum: Spectrum, settings: JSON) -> Key:
    """Return what a result depends on: points, metadata, and the settings that decide on it."""
    described = [spectrum.digest, spectrum.metadata.to_dict(), spectrum.mask_reason, spectrum.notes]
    source, sweep = spectrum.metadata.source or spectrum.label, spectrum.metadata.sweep or 1
    return Key(source, sweep, _digest(described), _digest(settings))


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _chunks(tasks: Sequence[Task], job: Job) -> Iterator[list[Record]]:
    """Yield the records of tasks, those with the same settings together, a chunk at a time."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:  # not by circuit: equal ones may have different roles
        groups.setdefault(task.key.settings, []).append(task)
    jobs = job.options.jobs or os.cpu_count() or 1
    step = CHUNK_PER_JOB * jobs
    for group in groups.values():
        for start in range(0, len(group), step):
            yield job.compute(group[start : start + step], jobs)


def _fit_chunk(chunk: Sequence[Task], jobs: int, options: FitOptions) -> list[Record]:
    """Return the records of tasks with the same circuits."""
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = list(pool.map(lambda task: prepare(task.spectrum, options.mask, options.weighting), chunk))
    checked = [(replace(t, spectrum=v.spectrum), v) for t, v in zip(chunk, verdicts, strict=True)]
    if options.require_valid:
        invalid = [not_valid_record(task.key, verdict) for task, verdict in checked if verdict.passed is not True]
        return invalid + _fit_checked([pair for pair in checked if pair[1].passed is True], jobs, options)
    return _fit_checked(checked, jobs, options)


def _fit_checked(checked: Sequence[tuple[Task, Validity]], jobs: int, options: FitOptions) -> list[Record]:
    """Return the records of tasks with the same circuits, whose spectra are ready to be fitted."""
    if not checked:
        return []
    circuits = checked[0][0].circuits
    if len(circuits) > 1:
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(lambda pair: _choose(pair[0], pair[1], options), checked))
    spectra = [task.spectrum for task, _ in checked]
    results = fit_many(
        spectra,
        circuits[0],
        jobs=jobs,
        bounds=options.bounds,
        fixed=options.fixed,
        weighting=options.weighting,
    )
    with ThreadPoolExecutor(jobs) as pool:
        drts = list(pool.map(distribution, spectra)) if options.drt else [None] * len(checked)
    return [
        fit_record(task.key, result, drt=drt, validity=validity)
        for (task, validity), result, drt in zip(checked, results, drts, strict=True)
    ]


def _choose(task: Task, validity: Validity, options: FitOptions) -> Record:
    spectrum = task.spectrum
    ranked = compare_circuits(spectrum, task.circuits, options.bounds, options.fixed, options.weighting)
    drt = distribution(spectrum) if options.drt else None
    if drt is not None:
        ranked = _with_grown(ranked, task, drt, options)
    chosen = choose(ranked, spectrum.metadata)
    names = dict(zip(task.circuits, candidate_names(spectrum.metadata), strict=True))
    return fit_record(task.key, chosen.result, remarks(ranked, chosen, names), drt, validity)


def _with_grown(
    ranked: Sequence[RankedCircuit], task: Task, drt: Distribution, options: FitOptions
) -> list[RankedCircuit]:
    """Return the ranking with the circuits that the DRT suggests, fitted from its start values too.

    They were found with the same data, so that one of the library stays the first unless there is strong
    evidence against it.
    """
    results = [candidate.result for candidate in ranked]
    for suggested in grown(drt, task.spectrum.metadata, task.circuits):
        names = {*suggested.circuit.parameters, *suggested.circuit.full_names}
        results += fit_many(
            [task.spectrum],
            suggested.circuit,
            jobs=1,
            start=None if options.bounds else suggested.start,  # which may lie outside of them
            bounds={name: pair for name, pair in options.bounds.items() if name in names},
            fixed={name: value for name, value in options.fixed.items() if name in names},
            weighting=options.weighting,
        )
    together = rank(results)
    own = next((one for one in together if one.circuit in task.circuits and not one.disqualified), together[0])
    if own.bic - together[0].bic < NEAR_TIE:
        together.sort(key=lambda one: one is not own)
    return together


def _unknown_cells(tasks: Sequence[Task]) -> list[str]:
    count = sum(len(task.circuits) > 1 and task.spectrum.metadata.cell_type is None for task in tasks)
    if not count:
        return []
    return [
        f"cell_type of {count} sweeps is unknown: their circuits are chosen from a general list, and arcs get no "
        "roles; add a column cell_type to samples.csv, or name a circuit"
    ]


def _hidden_arcs(tasks: Sequence[Task], records: Sequence[Record]) -> list[str]:
    """Warn of pellets whose spike alone was taken, and does not describe them."""
    spike = repr(load_circuit("spike"))
    pellets = {t.key for t in tasks if len(t.circuits) > 1 and t.spectrum.metadata.cell_type == "blocking"}
    poor = [
        record.key.source
        for record in sorted(records, key=lambda record: record.key)
        if record.key in pellets and record.status == "poor_model"
        if any(row["circuit"] == spike for row in record.tables["fits"])
    ]
    return [
        f"{source}: no arc is evident, and spike does not describe the spectrum well: the bulk arc may lie above "
        "the window; ask for it with --circuit bulk_spike, or leave the bend out with --f-max"
        for source in dict.fromkeys(poor)
    ]


def _strangers(store: Store, tasks: Sequence[Task]) -> list[str]:
    known = {(task.key.source, task.key.sweep) for task in tasks}
    strangers = {(record.key.source, record.key.sweep) for record in store} - known
    if not strangers:
        return []
    return [
        f"{len(strangers)} sweeps of earlier runs into this folder are not among the inputs of this one: "
        "they are kept in records.jsonl, and left out of the tables"
    ]


def _run(
    summary: Summary,
    inputs: Inputs,
    options: Options,
    command: Sequence[str],
    started: tuple[datetime, float],
) -> JSON:
    return {
        "version": eistool.__version__,
        "state": "interrupted" if summary.interrupted else "done",
        "exit_code": summary.exit_code,
        "command": list(command),
        "settings": options.to_dict(),
        "seed": "derived from the hash of each spectrum",
        "inputs": dict(sorted(inputs.hashes.items())),
        "counts": {"sweeps": summary.n_read, **summary.counts},
        "started_at": started[0].isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "duration_s": round(time.perf_counter() - started[1], 3),
        "ignored": list(summary.ignored),
        "warnings": list(summary.warnings),
        "series": list(summary.series),
    }


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
