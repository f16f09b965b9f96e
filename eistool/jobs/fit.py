"""Job of ``eistool fit``: fits of all spectra, and results derived from them."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import eistool
from eistool.batch import (
    Breakdown,
    Cache,
    Derived,
    Job,
    JobOptions,
    Key,
    Output,
    Progress,
    Record,
    Records,
    Step,
    Summary,
    Task,
    attempt,
    quiet,
    run_job,
)
from eistool.batch.inputs import left_out_record
from eistool.batch.store import digest, key_of
from eistool.circuit import Circuit, as_circuit
from eistool.circuit.elements import canonical_name
from eistool.circuit.library import load_circuit
from eistool.constants import TWO_SIDED_95
from eistool.display import format_value
from eistool.drt import Reading, take_readings
from eistool.errors import CircuitError, ConfigError, EistoolError
from eistool.fitting import Averages, FitResult, Quantity, average, fit_many
from eistool.fitting.engine import QUICK, THOROUGH, Draft, Effort, complete_fit, draft_fit
from eistool.fitting.problem import Constraints
from eistool.fitting.weights import resolve_weighting
from eistool.jobs.candidates import (
    candidate_names,
    candidates,
    choose,
    choose_for_series,
    contenders,
    every_candidate,
    grown,
    leaders,
    leave_out,
    nested_start,
    remarks,
    typical_exponents,
    with_leads,
)
from eistool.jobs.check import prepare
from eistool.jobs.cycling import cycling_remarks, draw_cycling, link_cycling
from eistool.jobs.drt import distribution
from eistool.jobs.overrides import chosen_sweep, find_override
from eistool.jobs.pictures import FIT_PICTURES, draw_pictures
from eistool.jobs.track import TrackOptions, derive_tracks
from eistool.jobs.transport import derive_transport, electrolyte
from eistool.materials import conductivity
from eistool.readers import override, read_profile
from eistool.settings import Override
from eistool.spectrum import THINNED, Profile, Spectrum, Sweep
from eistool.tables import Rows, Table
from eistool.tables.check import Validity
from eistool.tables.conductivity import conductivity_tables
from eistool.tables.drt import DRT_CURVES, DRT_PEAKS, DRTS, Distribution, drt_tables
from eistool.tables.fits import CURVES, FITS, PARAMETERS, PROCESSES, fit_tables
from eistool.tables.readings import READINGS, reading_rows
from eistool.tables.spectra import FAILURES, SPECTRA, failure_rows, spectrum_row
from eistool.typing import JSON

AUTO = "auto"
NOT_CONVERGED = "not converged"  # the fit's flag
MAX_BLOCK = 64  # sweeps of a series that share a circuit, and are lost together if interrupted


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
    circuit_per : {"series", "spectrum"}
        Whether the sweeps of a sample take one circuit unless a sweep strongly favours another one, or each
        takes its own, where circuits are compared.
    drt : bool
        Whether to compute the distribution of relaxation times too.
    mask : {"auto", "none", "outliers", "kk"}
        Points excluded from a fit: ends and outliers that no valid impedance describes; none; or those of the
        Kramers-Kronig test.
    require_valid : bool
        Whether to exclude spectra that do not pass that test.
    metadata : mapping
        Metadata of all spectra that precede every other source.
    overrides : tuple of Override
        Choices for single sweeps, which precede all others.
    """

    circuit: str = AUTO
    circuit_is_default: bool = True
    weighting: str = "auto"
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    plots: str = "failed"
    profile: Path | None = None
    circuit_folders: tuple[Path, ...] = ()
    circuit_per: str = "series"
    drt: bool = True
    mask: str = "auto"
    require_valid: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

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
            "circuit_per": self.circuit_per,
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
            "overrides": [one.model_dump(exclude_defaults=True, mode="json") for one in self.overrides],
        }

    def accepted(self, override: Override) -> "FitOptions":
        """Return the options of a sweep with choices of its own; its points are as chosen."""
        return replace(
            self,
            circuit=override.circuit or self.circuit,
            circuit_is_default=override.circuit is None and self.circuit_is_default,
            weighting=override.weighting or self.weighting,
            bounds={**self.bounds, **override.bounds},
            fixed={**self.fixed, **override.fixed},
            mask="none" if override.masked_Hz or override.f_min_Hz or override.f_max_Hz else self.mask,
            require_valid=False,
            overrides=(),
        )

    def decisive_files(self) -> dict[str, Any]:
        """Return hashes of the contents of the files among the options, and of the user's circuits."""
        paths = [path for folder in self.circuit_folders for path in sorted(folder.glob("*.toml"))]
        circuits = digest([path.read_bytes().hex() for path in paths])
        return {**JobOptions.decisive_files(self), "circuits": circuits}

    def load(self, circuit: str) -> Circuit:
        """Return a circuit by its name or expression."""
        return as_circuit(circuit, self.circuit_folders)

    def known(self, circuit: Circuit) -> dict[str, Any]:
        """Return the bounds and fixed values of the parameters that a circuit has."""
        names = {*circuit.parameters, *circuit.full_names}
        bounds = {name: pair for name, pair in self.bounds.items() if name in names}
        return {"bounds": bounds, "fixed": {name: value for name, value in self.fixed.items() if name in names}}


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Fits of one spectrum; none if it is left out."""

    validity: Validity
    fits: tuple[FitResult, ...] = ()  # of all circuits that were compared
    drt: Distribution | None = None


@dataclass(frozen=True, eq=False)
class FitJob(Job[FitOptions]):
    """Fits of all spectra; conductivities, activation energies and tracks as far as the metadata allow."""

    cycling: Profile | None = None

    name = "fit"
    stage = "fitting"

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        """Tables written from the records."""
        drt = (DRT_PEAKS, DRTS, DRT_CURVES) if self.options.drt else ()
        return (SPECTRA, FITS, PARAMETERS, PROCESSES, CURVES, READINGS, FAILURES, *drt)

    @property
    def cycling_file(self) -> Path | None:
        """The cycling record among the inputs."""
        return self.options.profile

    def plan(self, sweeps: Sequence[Sweep]) -> list[Task]:
        """Validate circuits and constraints, and return one task per sweep."""
        options = self.options
        named: tuple[Circuit, ...] = () if options.circuit == AUTO else (options.load(options.circuit),)
        tasks = []
        known: dict[str | None, tuple[Circuit, ...]] = {}  # by cell type: files are read once
        for sweep in link_cycling(sweeps, self.cycling):
            choice = find_override(sweep, options.overrides)
            if choice is not None:
                alone = replace(self, options=options.accepted(choice))
                tasks += alone.plan([chosen_sweep(sweep, choice)])
                continue
            if options.metadata:
                sweep = override(sweep, "command line", options.metadata)
            listed = sweep.metadata.circuit if options.circuit_is_default else None
            circuits = named
            if listed is not None and listed != AUTO:
                try:
                    circuits = (options.load(listed),)
                except CircuitError as error:
                    raise ConfigError(f"samples table, circuit of {sweep.label}: {error}") from error
            elif listed == AUTO or not circuits:
                cell_type = sweep.metadata.cell_type
                if cell_type not in known:
                    known[cell_type] = candidates(sweep.metadata, options.circuit_folders)
                circuits = known[cell_type]
            tasks.append(Task(_key(sweep, circuits, options), sweep, circuits))
        if options.circuit_per == "series":
            tasks = _in_series(tasks)
        for circuits in {task.circuits for task in tasks}:
            _check_constraints(circuits, options)
        return tasks

    def options_of(self, sweep: Sweep) -> FitOptions:
        """Return the options of a sweep: its own choices precede those of the job."""
        choice = find_override(sweep, self.options.overrides)
        return self.options if choice is None else self.options.accepted(choice)

    def analyze(self, task: Task) -> "Analysis":
        """Return the fits of one spectrum with all its circuits."""
        options = self.options_of(task.sweep)
        validity = prepare(task.load(), options.mask, options.weighting)
        if options.require_valid and validity.passed is not True:
            return Analysis(validity)
        spectrum = validity.spectrum
        drt = distribution(spectrum) if options.drt else None
        if len(task.circuits) > 1:
            return Analysis(validity, tuple(fit_candidates(spectrum, task.circuits, drt, options)), drt)
        given: dict[str, Any] = {"bounds": options.bounds, "fixed": options.fixed, "weighting": options.weighting}
        return Analysis(validity, tuple(fit_many([spectrum], task.circuits[0], jobs=1, **given)), drt)

    def records(self, tasks: Sequence[Task], analyses: Sequence["Analysis"]) -> list[Record]:
        """Return the records of spectra of one series, or of a single one."""
        records = [
            left_out_record(task.key, one.validity.spectrum, f"not valid: {one.validity.reason}", one.validity)
            for task, one in zip(tasks, analyses, strict=True)
            if not one.fits
        ]
        pairs = [pair for pair in zip(tasks, analyses, strict=True) if pair[1].fits]
        if not pairs:
            return records
        circuits, fits = pairs[0][0].circuits, [one.fits for _, one in pairs]
        metadata = [one.validity.spectrum.metadata for _, one in pairs]
        if len(circuits) == 1:
            chosen = [(results[0], "") for results in fits]
        elif pairs[0][0].block:
            chosen = choose_for_series(fits, metadata, circuits)
        else:
            chosen = [(choose(results, one, circuits), "") for results, one in zip(fits, metadata, strict=True)]
        names = {}
        if len(circuits) > 1:
            names = dict(zip(circuits, candidate_names(metadata[0]), strict=True))
        for (task, one), (fit, remark) in zip(pairs, chosen, strict=True):
            flags = [remark] if remark else []
            smaller: list[FitResult] = []
            left_out: tuple[Quantity, ...] = ()
            every = list(one.fits)
            if len(circuits) > 1:
                flags += remarks(fit, every, names)
                own = replace(self, options=self.options_of(task.sweep))
                fit = own.searched(fit)
                smaller, left_out = own.left_out(fit)
                every = [other for other in every if other.circuit != fit.circuit] + [fit, *smaller]
            best = (smaller or [fit])[-1]
            records.append(fit_record(task.key, best, every, one.validity, one.drt, flags, left_out))
        return records

    def searched(self, fit: FitResult) -> FitResult:
        """Return the chosen fit after a thorough search, since circuits are compared after a quick one."""
        if not fit.success:
            return fit
        start = {name: parameter.value for name, parameter in fit.parameters.items()}
        found = fit_circuit(fit.spectrum, fit.circuit, replace(self.options, weighting=fit.weighting), start)
        return found if found.success else fit

    def left_out(self, fit: FitResult) -> tuple[list[FitResult], tuple[Quantity, ...]]:
        """Return fits without parts that the data do not need; a known cell keeps the parts that have roles."""
        if not fit.success or fit.circuit.roles:
            return [], ()
        options = replace(self.options, weighting=fit.weighting)
        kept = {*options.bounds, *options.fixed}
        fits, limits = leave_out(
            fit, lambda circuit, start: draft_circuit(fit.spectrum, circuit, options, start), kept
        )
        if fits:  # the smaller circuit was searched as quickly as one that is compared
            fits[-1] = self.searched(fits[-1])
        return fits, limits

    def remarks(self, tasks: Sequence[Task], records: Records) -> list[str]:
        """Return warnings about cycling records, unknown cells, and arcs hidden by a spike."""
        cycling = cycling_remarks([task.sweep for task in tasks], self.cycling)
        return [*cycling, *_masked(records), *_unknown_cells(tasks), *_hidden_arcs(tasks, records)]

    def derive(self, tasks: Sequence[Task], records: Records, step: Step, cache: Cache) -> Derived:
        """Return conductivities and activation energies, and tracks along a coordinate."""
        options = self.options
        transport = derive_transport(tasks, records, cache)
        if options.by is None:
            return transport
        tracking = TrackOptions(
            by=options.by,
            circuit=None if options.circuit == AUTO else options.circuit,
            plots="none" if options.plots == "none" else "all",
            circuit_folders=options.circuit_folders,
            jobs=options.jobs,
        )
        return transport.joined(derive_tracks([task.sweep for task in tasks], tracking, step, cache))

    def draw(self, output: Output, records: Records, step: Step) -> list[Record]:
        """Draw the fits, and the spectra on their cycling record."""
        failures = draw_pictures(FIT_PICTURES, output, "plots", records, self.options.plots, step)
        return [*failures, *draw_cycling(output, self.cycling, records)]


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


def _key(sweep: Sweep, circuits: tuple[Circuit, ...], options: FitOptions) -> Key:
    described = [[repr(circuit), dict(circuit.roles)] for circuit in circuits]
    return key_of(sweep, {"version": eistool.__version__, "circuits": described, **options.decisive()})


def fit_record(
    key: Key,
    result: FitResult,
    results: Sequence[FitResult],
    validity: Validity | None = None,
    drt: Distribution | None = None,
    remarks: Sequence[str] = (),
    left_out: Sequence[Quantity] = (),
) -> Record:
    """Return the record of a fit; one that did not converge counts as failed, with its values kept.

    Parameters
    ----------
    key : Key
        Of the sweep.
    result : FitResult
        Of any status.
    results : sequence of FitResult
        Of all circuits that were compared, for averages.
    validity : Validity, optional
        The verdict on the spectrum.
    drt : Distribution, optional
        Kept beside the fit, which does not fail with it.
    remarks : sequence of str
        Added to the flags.
    left_out : sequence of Quantity
        Limits of resistances that the data do not need.
    """
    converged = NOT_CONVERGED not in result.flags
    status = result.status if converged else "failed"
    reason = result.reason or ("" if converged else "the fit did not converge")
    # residual of a free sum of RC elements, in units of the weighting
    noise = math.sqrt(result.noise_floor) if result.noise_floor >= 0 else None
    tables = {"spectra": Rows.of(spectrum_row(result.spectrum, status, reason, noise, validity))}
    averages = average(result, results) if result.success else None
    averaged = [note for note in result.spectrum.notes if THINNED in note]
    flags = [*averaged, *result.flags, *remarks]
    if left_out:
        limits = (f"< {one.high:.2g}" if math.isfinite(one.high) else f"> {one.low:.2g}" for one in left_out)
        both = zip(left_out, limits, strict=True)
        flags.append(f"left out: {', '.join(f'{one.name} {limit} ohm' for one, limit in both)}")
    readings = attempt(result.spectrum.label, lambda: take_readings(result.spectrum))
    if not isinstance(readings, Breakdown):  # as of a spectrum without used points
        tables["readings"] = reading_rows(readings)
        flags = [*contradictions(averages, readings), *flags]
    test = None if validity is None else validity.kramers_kronig
    tables |= fit_tables(result, status, flags, averages, left_out, test)
    cell = electrolyte(result.spectrum.metadata)
    if cell is not None:
        with contextlib.suppress(EistoolError):
            tables |= conductivity_tables(conductivity(result, cell))
    if drt is not None:
        tables |= drt_tables(drt)
    if status == "failed":
        tables["failures"] = failure_rows("fit", reason)
    return Record(key, status, tables)


def contradictions(averages: Averages | None, readings: Mapping[str, Reading]) -> list[str]:
    """Return flags on averages that a reading contradicts by more than both errors.

    R_inf cannot exceed the intercept, nor the real part at the lowest frequency the total resistance.
    """
    if averages is None:
        return []
    intercept, last = readings.get("R_intercept"), readings.get("R_last")
    pairs = [("R_inf", averages.R_inf, intercept, 1.0), ("R_total", averages.R_total, last, -1.0)]
    return [
        f"{name} = {format_value(fitted.value, fitted.u)} ohm contradicts the reading "
        f"{format_value(read.value, read.u)} ohm at {read.frequency_Hz:.3g} Hz"
        for name, fitted, read, sign in pairs
        if read is not None and fitted.status == "ok" and math.isfinite(read.u)
        if sign * (fitted.value - read.value) > TWO_SIDED_95 * math.hypot(fitted.u, read.u)
    ]


def fit_candidates(
    spectrum: Spectrum, circuits: Sequence[Circuit], drt: Distribution | None, options: FitOptions
) -> list[FitResult]:
    """Return fits of the candidates that may be chosen: of the library, from the DRT, and with other leads."""
    spectrum, weighting = resolve_weighting(spectrum, options.weighting)
    options = replace(options, weighting=weighting)
    drafts: list[Draft | FitResult] = []
    for circuit in sorted(circuits, key=lambda circuit: len(circuit.parameters)):
        # start values may lie outside of the user's bounds
        start = {} if options.bounds else nested_start(circuit, drafts)
        drafts.append(draft_circuit(spectrum, circuit, options, start))
    if drt is not None:
        drafts += [
            draft_circuit(spectrum, suggested.circuit, options, None if options.bounds else suggested.start)
            for suggested in grown(drt, spectrum.metadata, circuits)
        ]
    drafts += [
        draft_circuit(spectrum, variant, options)
        for best in leaders(drafts)
        for variant in with_leads(best.circuit, spectrum)
    ]
    return [complete_fit(draft) for draft in contenders(drafts, spectrum.metadata)]


def draft_circuit(
    spectrum: Spectrum,
    circuit: Circuit,
    options: FitOptions,
    start: Mapping[str, float] | None = None,
    effort: Effort = QUICK,
) -> Draft | FitResult:
    """Return the best minimum of a candidate; its exponents lie within the bounds of real cells by default."""
    known = options.known(circuit)
    bounds = {
        name: pair for name, pair in typical_exponents(circuit).items() if name not in known["fixed"]
    } | known["bounds"]
    limits = {circuit.index(name): pair for name, pair in bounds.items()}
    start = {name: _within(value, limits.get(circuit.index(name))) for name, value in (start or {}).items()}
    constraints = Constraints.of(circuit, start, bounds, known["fixed"])
    return draft_fit(spectrum, circuit, constraints, options.weighting, effort)


def fit_circuit(
    spectrum: Spectrum, circuit: Circuit, options: FitOptions, start: Mapping[str, float] | None = None
) -> FitResult:
    """Return the fit of a circuit after a thorough search; see :func:`draft_circuit`."""
    return complete_fit(draft_circuit(spectrum, circuit, options, start, THOROUGH))


def _within(value: float, limits: tuple[float, float] | None) -> float:
    return value if limits is None else min(max(value, limits[0]), limits[1])


def _in_series(tasks: Sequence[Task]) -> list[Task]:
    """Return tasks with the blocks that share a circuit: sweeps of one sample in one kind of cell.

    The key of each depends on the data of all, and long series are cut so that an interruption loses little.
    """
    groups: dict[tuple[str, str, str], list[Task]] = {}
    for task in tasks:
        metadata = task.sweep.metadata
        name = metadata.sample_id or task.key.source
        groups.setdefault((name, metadata.cell_type or "", task.key.settings), []).append(task)
    blocks: dict[Key, Task] = {}
    for (name, _, settings), group in groups.items():
        for start in range(0, len(group), MAX_BLOCK):
            members = group[start : start + MAX_BLOCK]
            if len(group[0].circuits) < 2 or len(members) < 2:
                blocks |= {task.key: task for task in members}
                continue
            together = digest([settings, *(task.key.data for task in members)])
            for task in members:
                blocks[task.key] = replace(task, key=task.key._replace(settings=together), block=f"{name} {start}")
    return [blocks[task.key] for task in tasks]


def _masked(records: Records) -> list[str]:
    """Return a line for each spectrum of which points were left out."""
    return [
        f"{record.key.source}{f'#{record.key.sweep}' if record.key.sweep > 1 else ''}: {row['masked']}"
        for record in records
        for row in record.tables.get("spectra", ())
        if row.get("masked")
    ]


def _unknown_cells(tasks: Sequence[Task]) -> list[str]:
    count = sum(len(task.circuits) > 1 and task.sweep.metadata.cell_type is None for task in tasks)
    if not count:
        return []
    return [
        f"cell_type of {count} sweeps is unknown: their circuits are chosen from a general list, and arcs get no "
        "roles; add a column cell_type to samples.csv, or name a circuit"
    ]


def _hidden_arcs(tasks: Sequence[Task], records: Records) -> list[str]:
    """Return warnings about pellets whose circuit is a spike alone that does not describe them."""
    spike = repr(load_circuit("spike"))
    pellets = {t.key for t in tasks if len(t.circuits) > 1 and t.sweep.metadata.cell_type == "blocking"}
    poor = [
        key.source
        for key, status in zip(records.keys, records.statuses(), strict=True)
        if key in pellets and status == "poor_model"
        if records.of(key).row("fits")["circuit"] == spike
    ]
    return [
        f"{source}: no arc is evident, and spike does not describe the spectrum well: the bulk arc may lie above "
        "the window; ask for it with --circuit bulk_spike, or leave the bend out with --f-max"
        for source in dict.fromkeys(poor)
    ]
