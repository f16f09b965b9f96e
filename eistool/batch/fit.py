"""The main job of a batch: fit every spectrum, and derive what follows from the fits."""

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import eistool
from eistool.batch.candidates import candidate_names, candidates, choose, every_candidate, grown
from eistool.batch.derived import Derived
from eistool.batch.distribution import Distribution, distribution
from eistool.batch.inputs import Selection
from eistool.batch.materials import derive
from eistool.batch.pictures import FITS, draw_pictures
from eistool.batch.profile import PROFILE_PICTURE, draw_profile, link_profile, profile_remarks
from eistool.batch.records import fit_record, not_valid_record
from eistool.batch.runner import Job, Progress, Summary, Task, key_of, run_job
from eistool.batch.store import Key, Record
from eistool.batch.tables import DRT_TABLES, FIT_TABLES
from eistool.batch.tracks import TrackOptions, derive_tracks
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
    tracking = TrackOptions(
        by=options.by,
        circuit=None if options.circuit == AUTO else options.circuit,
        plots="none" if options.plots == "none" else "all",
        circuit_folders=options.circuit_folders,
        jobs=options.jobs,
    )
    return materials.joined(derive_tracks(spectra, tracking, tell))


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
