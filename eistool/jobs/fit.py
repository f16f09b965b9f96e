"""Job of ``eistool fit``: fits of all spectra, and results derived from them."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import eistool
from eistool.batch import Derived, Job, JobOptions, Key, Progress, Record, Step, Summary, Task, quiet, run_job
from eistool.batch.inputs import left_out_record
from eistool.batch.store import key_of
from eistool.circuit import Circuit, as_circuit
from eistool.circuit.elements import canonical_name
from eistool.circuit.library import load_circuit
from eistool.errors import CircuitError, ConfigError, EistoolError
from eistool.fitting import FitResult, RankedCircuit, compare_circuits, fit_many, rank, remarks
from eistool.fitting.problem import Constraints
from eistool.fitting.result import NEAR_TIE
from eistool.jobs.candidates import candidate_names, candidates, choose, every_candidate, grown
from eistool.jobs.check import prepare
from eistool.jobs.cycling import CYCLING_PICTURE, cycling_remarks, draw_cycling, link_cycling
from eistool.jobs.drt import distribution
from eistool.jobs.pictures import FIT_PICTURES, draw_pictures
from eistool.jobs.track import TrackOptions, derive_tracks
from eistool.jobs.transport import derive_transport, electrolyte
from eistool.materials import conductivity
from eistool.readers import override, read_profile
from eistool.spectrum import Profile, Spectrum
from eistool.tables import Rows, Table
from eistool.tables.check import Validity
from eistool.tables.conductivity import conductivity_tables
from eistool.tables.drt import DRT_PEAKS, DRTS, Distribution, drt_tables
from eistool.tables.fits import CURVES, FITS, PARAMETERS, PROCESSES, fit_tables
from eistool.tables.spectra import FAILURES, SPECTRA, failure_rows, spectrum_row
from eistool.typing import JSON

AUTO = "auto"
NOT_CONVERGED = "not converged"  # the fit's flag


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions(JobOptions):
    """Options of :func:`fit_folder`, beside those of :class:`~eistool.batch.JobOptions`.

    Parameters
    ----------
    circuit : str
        A name of the library, an expression, or ``auto``.
    circuit_is_default : bool
        Whether a ``circuit`` of the samples table precedes it.
    weighting, bounds, fixed
        As for :func:`eistool.fit`.
    profile : Path, optional
        Cycling record, source of the state of charge of each spectrum.
    circuit_folders : tuple of Path
        Folders of the user's circuits, searched before the built-in ones.
    drt : bool
        Whether to compute the distribution of relaxation times.
    mask : {"none", "outliers", "kk"}
        Points that the Kramers-Kronig test excludes from a fit.
    require_valid : bool
        Whether to exclude spectra that do not pass that test.
    metadata : mapping
        Metadata of all spectra that precede every other source.
    """

    circuit: str = AUTO
    circuit_is_default: bool = True
    weighting: str = "modulus"
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    plots: str = "failed"
    profile: Path | None = None
    circuit_folders: tuple[Path, ...] = ()
    drt: bool = True
    mask: str = "none"
    require_valid: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    FILES = ("samples", "profile")

    def __post_init__(self) -> None:
        for name in ("bounds", "fixed"):  # Q1.Q means CPE1.Q
            values = {canonical_name(name): value for name, value in getattr(self, name).items()}
            object.__setattr__(self, name, values)

    def decisive(self) -> JSON:
        """Return the settings that a fit depends on, beside its circuits."""
        return {
            "weighting": self.weighting,
            "bounds": {name: list(pair) for name, pair in self.bounds.items()},
            "fixed": dict(self.fixed),
            "drt": self.drt,
            "mask": self.mask,
            "require_valid": self.require_valid,
        }

    def settings(self) -> JSON:
        """Return the settings of this job alone, for ``run.json``."""
        folders = [folder.name for folder in self.circuit_folders]
        return {
            "circuit": self.circuit,
            "circuit_folders": folders,
            **self.decisive(),
            "metadata": dict(self.metadata),
        }

    def load(self, circuit: str) -> Circuit:
        """Return a circuit by its name or expression."""
        return as_circuit(circuit, self.circuit_folders)

    def known(self, circuit: Circuit) -> dict[str, Any]:
        """Return the bounds and fixed values of the parameters that a circuit has."""
        names = {*circuit.parameters, *circuit.full_names}
        bounds = {name: pair for name, pair in self.bounds.items() if name in names}
        return {"bounds": bounds, "fixed": {name: value for name, value in self.fixed.items() if name in names}}


@dataclass(frozen=True, eq=False)
class FitJob(Job[FitOptions]):
    """Fits of all spectra; conductivities, activation energies and tracks as far as the metadata allow."""

    cycling: Profile | None = None

    name = "fit"
    stage = "fitting"

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        """Tables written from the records."""
        drt = (DRT_PEAKS, DRTS) if self.options.drt else ()
        return (SPECTRA, FITS, PARAMETERS, PROCESSES, CURVES, FAILURES, *drt)

    @property
    def cycling_file(self) -> Path | None:
        """The cycling record among the inputs."""
        return self.options.profile

    def plan(self, spectra: Sequence[Spectrum]) -> list[Task]:
        """Validate circuits and constraints, and return one task per spectrum."""
        options = self.options
        named: tuple[Circuit, ...] = () if options.circuit == AUTO else (options.load(options.circuit),)
        tasks = []
        known: dict[str | None, tuple[Circuit, ...]] = {}  # by cell type: files are read once
        for spectrum in link_cycling(spectra, self.cycling):
            if options.metadata:
                spectrum = override(spectrum, "command line", options.metadata)
            listed = spectrum.metadata.circuit if options.circuit_is_default else None
            circuits = named
            if listed is not None and listed != AUTO:
                try:
                    circuits = (options.load(listed),)
                except CircuitError as error:
                    raise ConfigError(f"samples table, circuit of {spectrum.label}: {error}") from error
            elif listed == AUTO or not circuits:
                cell_type = spectrum.metadata.cell_type
                if cell_type not in known:
                    known[cell_type] = candidates(spectrum.metadata, options.circuit_folders)
                circuits = known[cell_type]
            tasks.append(Task(_key(spectrum, circuits, options), spectrum, circuits))
        for circuits in {task.circuits for task in tasks}:
            _check_constraints(circuits, options)
        return tasks

    def compute(self, tasks: Sequence[Task]) -> list[Record]:
        """Return the records of tasks with the same circuits."""
        options = self.options
        verdicts = self.each(lambda task: prepare(task.spectrum, options.mask, options.weighting), tasks)
        pairs = list(zip(tasks, verdicts, strict=True))
        if not options.require_valid:
            return self._fit(pairs)
        invalid = [
            left_out_record(task.key, validity.spectrum, f"not valid: {validity.reason}", validity)
            for task, validity in pairs
            if validity.passed is not True
        ]
        return invalid + self._fit([pair for pair in pairs if pair[1].passed is True])

    def _fit(self, pairs: Sequence[tuple[Task, Validity]]) -> list[Record]:
        """Return the records of spectra that are ready to be fitted."""
        if not pairs:
            return []
        options, circuits = self.options, pairs[0][0].circuits
        if len(circuits) > 1:
            return self.each(lambda pair: choose_circuit(*pair, options), pairs)
        spectra = [validity.spectrum for _, validity in pairs]
        results = fit_many(
            spectra,
            circuits[0],
            jobs=options.threads,
            bounds=options.bounds,
            fixed=options.fixed,
            weighting=options.weighting,
        )
        drts = self.each(distribution, spectra) if options.drt else [None] * len(pairs)
        return [
            fit_record(task.key, result, validity, drt)
            for (task, validity), result, drt in zip(pairs, results, drts, strict=True)
        ]

    def remarks(self, tasks: Sequence[Task], records: Sequence[Record]) -> list[str]:
        """Return warnings about cycling records, unknown cells, and arcs hidden by a spike."""
        cycling = cycling_remarks([task.spectrum for task in tasks], self.cycling)
        return [*cycling, *_unknown_cells(tasks), *_hidden_arcs(tasks, records)]

    def derive(self, tasks: Sequence[Task], records: Sequence[Record], step: Step) -> Derived:
        """Return conductivities and activation energies, and tracks along a coordinate."""
        options = self.options
        transport = derive_transport(tasks, records)
        if options.by is None:
            return transport
        tracking = TrackOptions(
            by=options.by,
            circuit=None if options.circuit == AUTO else options.circuit,
            plots="none" if options.plots == "none" else "all",
            circuit_folders=options.circuit_folders,
            jobs=options.jobs,
        )
        return transport.joined(derive_tracks([task.spectrum for task in tasks], tracking, step))

    def draw(self, out: Path, records: Sequence[Record], step: Step) -> None:
        """Draw the fits, and the spectra on their cycling record."""
        draw_pictures(FIT_PICTURES, out / "plots", records, self.options.plots, step)
        draw_cycling(out / CYCLING_PICTURE, self.cycling, records)


def fit_folder(
    paths: Sequence[Path],
    out: Path,
    options: FitOptions | None = None,
    command: Sequence[str] = (),
    progress: Progress = quiet,
) -> Summary:
    """Fit all spectra below the paths, see :func:`run_job`."""
    options = options or FitOptions()
    _check_options(options)
    cycling = None if options.profile is None else read_profile(options.profile)
    return run_job(FitJob(options, cycling), paths, out, command, progress)


def _check_options(options: FitOptions) -> None:
    """Raise if a circuit is invalid, or no circuit has a named parameter, before any spectrum is read."""
    circuits = () if options.circuit == AUTO else (options.load(options.circuit),)
    if not options.circuit_is_default:  # else the samples table may name others
        _check_constraints(circuits or every_candidate(), options)


def _check_constraints(circuits: Sequence[Circuit], options: FitOptions) -> None:
    """Raise if a bound or a fixed value is invalid, or its name is unknown to all circuits."""
    known = {name for circuit in circuits for name in (*circuit.parameters, *circuit.full_names)}
    for circuit in circuits:
        names = {*circuit.parameters, *circuit.full_names} | ({*options.bounds, *options.fixed} - known)
        Constraints.of(
            circuit,
            None,
            {name: pair for name, pair in options.bounds.items() if name in names},
            {name: value for name, value in options.fixed.items() if name in names},
        )


def _key(spectrum: Spectrum, circuits: tuple[Circuit, ...], options: FitOptions) -> Key:
    described = [[repr(circuit), dict(circuit.roles)] for circuit in circuits]
    return key_of(spectrum, {"version": eistool.__version__, "circuits": described, **options.decisive()})


def fit_record(
    key: Key,
    result: FitResult,
    validity: Validity | None = None,
    drt: Distribution | None = None,
    remarks: Sequence[str] = (),
) -> Record:
    """Return the record of a fit; one that did not converge counts as failed, with its values kept.

    Parameters
    ----------
    key : Key
        Of the sweep.
    result : FitResult
        Of any status.
    validity : Validity, optional
        The verdict on the spectrum.
    drt : Distribution, optional
        Kept beside the fit, which does not fail with it.
    remarks : sequence of str
        Added to the flags.
    """
    converged = NOT_CONVERGED not in result.flags
    status = result.status if converged else "failed"
    reason = result.reason or ("" if converged else "the fit did not converge")
    # residual of a free sum of RC elements, in units of the weighting
    noise = math.sqrt(result.noise_floor) if result.noise_floor >= 0 else None
    tables = {"spectra": Rows.of(spectrum_row(result.spectrum, status, reason, noise, validity))}
    tables |= fit_tables(result, status, [*result.flags, *remarks])
    cell = electrolyte(result.spectrum.metadata)
    if cell is not None:
        with contextlib.suppress(EistoolError):  # a geometry that contradicts itself is among the conflicts
            tables |= conductivity_tables(conductivity(result, cell))
    if drt is not None:
        tables |= drt_tables(drt)
    if status == "failed":
        tables["failures"] = failure_rows("fit", reason)
    return Record(key, status, tables)


def choose_circuit(task: Task, validity: Validity, options: FitOptions) -> Record:
    """Return the record of the best circuit of a task."""
    spectrum = validity.spectrum
    ranked = compare_circuits(spectrum, task.circuits, options.bounds, options.fixed, options.weighting)
    drt = distribution(spectrum) if options.drt else None
    if drt is not None:
        ranked = _with_grown(ranked, task, spectrum, drt, options)
    chosen = choose(ranked, spectrum.metadata)
    names = dict(zip(task.circuits, candidate_names(spectrum.metadata), strict=True))
    return fit_record(task.key, chosen.result, validity, drt, remarks(ranked, chosen, names))


def _with_grown(
    ranked: Sequence[RankedCircuit], task: Task, spectrum: Spectrum, drt: Distribution, options: FitOptions
) -> list[RankedCircuit]:
    """Return the ranking with the circuits that the DRT suggests, fitted from its start values.

    They come from the same data: a circuit of the library stays the first unless there is strong evidence
    against it.
    """
    results = [candidate.result for candidate in ranked]
    for suggested in grown(drt, spectrum.metadata, task.circuits):
        results += fit_many(
            [spectrum],
            suggested.circuit,
            jobs=1,
            start=None if options.bounds else suggested.start,  # which may lie outside of them
            weighting=options.weighting,
            **options.known(suggested.circuit),
        )
    ranking = rank(results)
    library = (one for one in ranking if one.circuit in task.circuits and not one.disqualified)
    first = next(library, ranking[0])
    if first.bic - ranking[0].bic < NEAR_TIE:
        ranking.sort(key=lambda one: one is not first)
    return ranking


def _unknown_cells(tasks: Sequence[Task]) -> list[str]:
    count = sum(len(task.circuits) > 1 and task.spectrum.metadata.cell_type is None for task in tasks)
    if not count:
        return []
    return [
        f"cell_type of {count} sweeps is unknown: their circuits are chosen from a general list, and arcs get no "
        "roles; add a column cell_type to samples.csv, or name a circuit"
    ]


def _hidden_arcs(tasks: Sequence[Task], records: Sequence[Record]) -> list[str]:
    """Return warnings about pellets whose circuit is a spike alone that does not describe them."""
    spike = repr(load_circuit("spike"))
    pellets = {t.key for t in tasks if len(t.circuits) > 1 and t.spectrum.metadata.cell_type == "blocking"}
    poor = [
        record.key.source
        for record in sorted(records, key=lambda record: record.key)
        if record.key in pellets and record.status == "poor_model"
        if record.row("fits")["circuit"] == spike
    ]
    return [
        f"{source}: no arc is evident, and spike does not describe the spectrum well: the bulk arc may lie above "
        "the window; ask for it with --circuit bulk_spike, or leave the bend out with --f-max"
        for source in dict.fromkeys(poor)
    ]
