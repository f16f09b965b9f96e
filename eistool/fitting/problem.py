"""Dimensionless form of a fit for the kernels: data, free parameters, bounds and starts."""

import functools
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.program import Program, aligned, compile_circuit, frequency_grid, from_blocks, to_blocks
from eistool.errors import CircuitError, FitError
from eistool.fitting.weights import standard_deviation
from eistool.kernels import least_squares, model, parameters
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray, Threshold

AMPLITUDE_RANGE: Annotated[
    float,
    Threshold(
        "e-folds around the typical impedance in which amplitudes are searched; not_identifiable at the end",
        "15 decades: an element there contributes less than rounding",
    ),
] = 35.0
TAU_RANGE: Annotated[
    float,
    Threshold(
        "e-folds beyond the measured window in which time constants are searched; not_identifiable at the end",
        "ln 1000: there -Im Z of an RC element is below 0.1 % of R within the window, less than common noise",
    ),
] = np.log(1e3)
TYPICAL_EXPONENT = 0.85  # of a CPE; only sets the centre of the search range
LIMIT_TOLERANCE = 1e-7  # of theta at a limit, above rounding and below any error
DRAWS, MAX_DRAWS = 8, 32  # per round and shape parameter, and in total; effort, set on tests.benchmarks.hard
# kinds that programs replace by time constants or scale by the frequency unit, unless they are held
HELD_KINDS = ("capacitance", "cpe", "inductance")


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """Fixed values, bounds and start values given by the user, in the circuit's order and units."""

    fixed: Mapping[int, float]
    lower: FloatArray  # shape (p,)
    upper: FloatArray  # shape (p,)
    bounded: BoolArray  # shape (p,): bounds given by the user
    start: Mapping[int, float]

    @classmethod
    def of(
        cls,
        circuit: Circuit,
        start: Mapping[str, float] | None,
        bounds: Mapping[str, tuple[float, float]] | None,
        fixed: Iterable[str] | Mapping[str, float] | None,
    ) -> "Constraints":
        """Validate arguments with full or short names.

        Raises
        ------
        FitError
            If a name is unknown, a bound is empty or negative, or a value lies outside its bounds.
        """
        for argument, given in (("start", start), ("bounds", bounds)):
            if given is not None and not isinstance(given, Mapping):
                raise FitError(
                    f"{argument}={given!r}; give a mapping of parameter names, for instance {{'R0': ...}}"
                )
        starts = {_index(circuit, name, "start"): float(value) for name, value in (start or {}).items()}
        lower = np.array([spec.lower for spec in circuit.specs])
        upper = np.array([spec.upper for spec in circuit.specs])
        bounded = np.zeros(lower.size, dtype=np.bool_)
        for name, limits in (bounds or {}).items():
            i = _index(circuit, name, "bounds")
            low, high = _pair(name, limits)
            limit = 1.0 if circuit.specs[i].kind == "exponent" else np.inf
            if not (0 <= low < high <= limit):
                raise FitError(
                    f"{circuit}: bounds of {name} are ({low:g}, {high:g}); give 0 <= low < high <= {limit:g}"
                )
            lower[i], upper[i], bounded[i] = low, high, True
        held = _fixed_values(circuit, fixed, starts)
        for i, value in {**starts, **held}.items():
            name = circuit.parameters[i]
            limit = 1.0 if circuit.specs[i].kind == "exponent" else np.inf
            if not (0 <= value <= limit and np.isfinite(value)):
                raise FitError(f"{circuit}: {name}={value:g}; give a number in [0, {limit:g}]")
            if bounded[i] and not lower[i] <= value <= upper[i]:
                raise FitError(f"{circuit}: {name}={value:g} is outside its bounds ({lower[i]:g}, {upper[i]:g})")
        return cls(held, lower, upper, bounded, starts)


def _pair(name: str, limits: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = limits
        return float(low), float(high)
    except (TypeError, ValueError) as error:
        raise FitError(
            f"bounds of {name}: {limits!r}; give two numbers (low, high), with inf for no limit"
        ) from error


def _index(circuit: Circuit, name: str, argument: str) -> int:
    try:
        return circuit.index(name)
    except CircuitError as error:
        raise FitError(f"{argument}: {error}") from error


def _fixed_values(
    circuit: Circuit, fixed: Iterable[str] | Mapping[str, float] | None, start: Mapping[int, float]
) -> dict[int, float]:
    if fixed is None:
        return {}
    if isinstance(fixed, Mapping):
        return {_index(circuit, name, "fixed"): float(value) for name, value in fixed.items()}
    names = [fixed] if isinstance(fixed, str) else list(fixed)
    values = {}
    for name in names:
        i = _index(circuit, name, "fixed")
        if i not in start:
            raise FitError(
                f"fixed: no value for {name}; give fixed={{{name!r}: value}} or start={{{name!r}: value}}"
            )
        values[i] = start[i]
    return values


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Arguments of the search kernel for one spectrum."""

    program: Program
    scale: FloatArray  # ln Z0, ln ω0
    offsets: FloatArray
    target: FloatArray  # shape (2, 2 n): data and weights
    workspace: tuple[FloatArray, FloatArray]
    n_points: int
    lower: FloatArray  # of theta
    upper: FloatArray
    fixed_theta: FloatArray
    free: IntArray
    held: BoolArray  # shape (p,): fixed, in the program's order
    bounded: BoolArray  # shape (p,): bounded by the user, or an exponent
    exchange: IntArray
    pool: "Pool"
    kinds: tuple[str, ...]  # of the parameters, in the program's order
    starts: FloatArray
    sum_scale: float  # ratio of the sum of squares in units of the weighting to F
    axis: "Axis"

    def impedance(self, spectrum: Spectrum, theta: FloatArray) -> ComplexArray:
        """Return the model in ohm at all frequencies of the spectrum, including masked ones."""
        axis = self.axis
        if self.n_points < len(spectrum):
            axis = _axis(spectrum.frequency.tobytes(), axis.log_omega_0)
        sums, rows = self.program.workspace(axis.grid.shape[1])
        _, _, *circuit, _, _, _ = self.arguments
        model.evaluate(*circuit, theta, axis.grid, sums, rows)
        impedance = np.empty(len(spectrum), dtype=np.complex128)
        impedance[axis.order] = from_blocks(sums[0], len(spectrum)) * math.exp(self.scale[0])
        return impedance

    def linearise(self, theta: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """Return the model and its derivatives by theta in ohm at the used points, in the order of ``axis``.

        Shapes (n_points,) and (n_points, p).
        """
        sums, rows = self.workspace
        _, _, *circuit, _, _, _ = self.arguments
        model.evaluate(*circuit, theta, self.axis.grid, sums, rows)
        z0 = math.exp(self.scale[0])
        return from_blocks(sums[0], self.n_points) * z0, from_blocks(rows, self.n_points).T * z0

    @property
    def grid(self) -> FloatArray:
        """Frequency grid of the kernels."""
        return self.axis.grid

    @property
    def window(self) -> tuple[float, float]:
        """Measured range of ln tau."""
        return self.axis.window

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Leading arguments of the kernels: functions, program and bounds."""
        program = self.program
        circuit = (program.operations, self.offsets, program.parents, program.groups)
        return (*least_squares.KERNELS, *circuit, program.kinds, self.lower, self.upper)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidate columns of a search; see :func:`eistool.kernels.search.search`."""

    has_shape: BoolArray
    is_scaled: BoolArray
    options: IntArray
    n_options: IntArray
    shape: IntArray

    @classmethod
    def of(cls, program: Program, free: BoolArray, exchange: IntArray) -> "Pool":
        """Return the pool for given free parameters; interchangeable arcs share their columns."""
        terms = program.terms
        n = int(terms.max()) + 1
        amplitude = program.kinds == parameters.AMPLITUDE
        shape = free & ((program.kinds == parameters.LOG_TAU) | program.nested)
        n_draws = min(max(int(np.count_nonzero(shape)), 1) * DRAWS, MAX_DRAWS)
        if shape.any():
            shape |= free & (program.kinds == parameters.EXPONENT)
        has_shape, is_scaled, alike = np.zeros(n, dtype=np.bool_), np.ones(n, dtype=np.bool_), np.arange(n)
        has_shape[terms[free & (~amplitude | program.nested)]] = True
        is_scaled[terms[amplitude & ~free]] = False
        for one, other in itertools.pairwise(exchange):
            if one[0] == other[0]:
                alike[terms[other[1]]] = alike[terms[one[1]]]
        options, n_options = np.zeros((n, n * n_draws), dtype=np.int64), np.zeros(n, dtype=np.int64)
        for t in range(n):
            draws = np.arange(n_draws if has_shape[t] else 1)
            columns = (draws[:, None] * n + np.flatnonzero(alike == alike[t])).ravel()
            options[t, : columns.size], n_options[t] = columns, columns.size
        return cls(has_shape, is_scaled, options, n_options, np.flatnonzero(shape).astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Part of a problem that does not depend on the spectrum, in the program's order."""

    program: Program
    free: IntArray
    held: BoolArray  # shape (p,): fixed
    bounded: BoolArray  # shape (p,): bounded by the user, or an exponent
    exchange: IntArray
    pool: Pool
    lower: FloatArray  # of theta: bounds of exponents, and default bounds of amplitudes
    upper: FloatArray
    is_tau: BoolArray  # shape (p,): bounds relative to the window
    in_units: bool  # whether values or bounds are given in units of the parameters


def frame_of(circuit: Circuit, constraints: Constraints, held: frozenset[int] = frozenset()) -> Frame:
    """Return the frame of fits of a circuit; parameters ``held`` keep their own unit."""
    kept = {i for i, spec in enumerate(circuit.specs) if spec.kind in HELD_KINDS}
    held = held | frozenset(i for i in kept if i in constraints.fixed or constraints.bounded[i])
    program = compile_circuit(circuit, arcs=True, held=held)
    limits = (constraints.lower, constraints.upper, constraints.bounded)
    return _frame(
        program, frozenset(constraints.fixed), bool(constraints.start), *(row.tobytes() for row in limits)
    )


@functools.lru_cache(maxsize=256)
def _frame(
    program: Program, fixed_at: frozenset[int], has_start: bool, low: bytes, high: bytes, is_bounded: bytes
) -> Frame:
    lower, upper = np.frombuffer(low), np.frombuffer(high)
    bounded = np.frombuffer(is_bounded, dtype=np.bool_)
    order, p = program.order, program.kinds.size
    fixed = np.array([int(i) in fixed_at for i in order])
    exponent = program.kinds == parameters.EXPONENT
    movable = [
        row
        for row in program.arcs
        if not any(fixed[i] or (bounded[order[i]] and not exponent[i]) for i in row[1:] if i >= 0)
    ]
    # arcs are interchangeable only within equal bounds
    ends = [
        (row[0], *((lower[order[i]], upper[order[i]]) if exponent[i] else () for i in row[1:])) for row in movable
    ]
    classes = {end: k for k, end in enumerate(dict.fromkeys(ends))}
    exchange = np.array(
        sorted([classes[end], *row[1:]] for end, row in zip(ends, movable, strict=True)), dtype=np.int64
    ).reshape(-1, 4)
    return Frame(
        program=program,
        free=np.flatnonzero(~fixed).astype(np.int64),
        held=fixed,
        bounded=bounded[order] | exponent,
        exchange=exchange,
        pool=Pool.of(program, ~fixed, exchange),
        lower=np.where(exponent, lower[order], np.full(p, -AMPLITUDE_RANGE)),
        upper=np.where(exponent, upper[order], np.full(p, AMPLITUDE_RANGE)),
        is_tau=program.kinds == parameters.LOG_TAU,
        in_units=bool(fixed_at or has_start or bounded.any()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Frequencies of a spectrum in the kernels' layout, shared by the spectra of a series."""

    order: IntArray  # indices of the points by descending frequency
    log_omega_0: float
    grid: FloatArray
    window: tuple[float, float]  # of ln tau


@functools.lru_cache(maxsize=64)
def _axis(frequency: bytes, unit: float | None = None) -> Axis:
    omega = 2 * np.pi * np.frombuffer(frequency)
    order = np.argsort(-omega, kind="stable")
    log_omega_0 = 0.5 * float(np.log(omega.min()) + np.log(omega.max())) if unit is None else unit
    x = omega[order] * np.exp(-log_omega_0)
    return Axis(order, log_omega_0, frequency_grid(x), (-float(np.log(x[0])), -float(np.log(x[-1]))))


def build_problem(
    spectrum: Spectrum,
    circuit: Circuit,
    constraints: Constraints,
    weighting: str,
    held: frozenset[int] = frozenset(),
) -> Problem:
    """Return the problem of a fit; parameters ``held`` keep their own unit.

    Raises
    ------
    FitError
        If there are too few points for the free parameters, or the weighting is not available.
    SpectrumError
        If ``spectrum`` is not a Spectrum.
    """
    check_spectrum(spectrum)
    frame = frame_of(circuit, constraints, held)
    program, n_free = frame.program, frame.free.size
    n_points = spectrum.n_used
    if n_free == 0:
        raise FitError(f"{spectrum.label}: all parameters of {circuit} are fixed; leave one free")
    if 2 * n_points <= n_free:
        raise FitError(
            f"{spectrum.label}: {n_points} points for {n_free} free parameters of {circuit}; use more points"
        )
    used = slice(None) if n_points == len(spectrum) else spectrum.mask
    axis = _axis(spectrum.frequency[used].tobytes())
    impedance = spectrum.impedance[used][axis.order]
    log_z0 = float(np.mean(np.log(np.abs(impedance))))
    scale = np.array([log_z0, axis.log_omega_0])
    n = axis.grid.shape[1]
    sigma = standard_deviation(spectrum, weighting)[used][axis.order]
    z0 = math.exp(log_z0)
    # unit weights are relative to Z0, so that F is independent of the unit of impedance
    unit = z0 if weighting == "unit" else 1.0
    target = aligned(2, 2 * n)
    target[0] = to_blocks(impedance.real / z0, impedance.imag / z0, n)
    target[1] = to_blocks(z0 / (unit * sigma.real), z0 / (unit * sigma.imag), n)
    lower, upper = frame.lower.copy(), frame.upper.copy()
    lower[frame.is_tau], upper[frame.is_tau] = axis.window[0] - TAU_RANGE, axis.window[1] + TAU_RANGE
    fixed_theta, starts = np.zeros(lower.size), np.empty((0, lower.size))
    if frame.in_units:
        neutral = program.to_theta(_neutral(circuit, constraints, axis.window, scale), scale)
        low = program.to_theta(np.where(constraints.bounded, constraints.lower, 1.0), scale)
        high = program.to_theta(np.where(constraints.bounded, np.minimum(constraints.upper, 1e100), 1.0), scale)
        user = constraints.bounded[program.order] & (program.kinds != parameters.EXPONENT)
        lower[user], upper[user] = np.minimum(low, high)[user], np.maximum(low, high)[user]
        if constraints.start:
            starts = np.clip(neutral, lower, upper)[None]
        fixed_theta = np.where(frame.held, neutral, 0.0)
        lower, upper = np.where(frame.held, neutral, lower), np.where(frame.held, neutral, upper)
    return Problem(
        program=program,
        scale=scale,
        offsets=program.offsets(axis.log_omega_0),
        target=target,
        workspace=program.workspace(n),
        n_points=n_points,
        lower=lower,
        upper=upper,
        fixed_theta=fixed_theta,
        free=frame.free,
        held=frame.held,
        bounded=frame.bounded,
        exchange=frame.exchange,
        pool=frame.pool,
        kinds=tuple(circuit.specs[i].kind for i in program.order),
        starts=starts,
        sum_scale=unit**2,
        axis=axis,
    )


def _neutral(
    circuit: Circuit, constraints: Constraints, window: tuple[float, float], scale: FloatArray
) -> FloatArray:
    """Return the given value of every parameter, or a value typical of the data."""
    z0, omega_0 = np.exp(scale)
    typical = {
        "resistance": z0,
        "capacitance": 1 / (z0 * omega_0),
        "inductance": z0 / omega_0,
        "cpe": 1 / (z0 * omega_0**TYPICAL_EXPONENT),
        "warburg": z0 * np.sqrt(omega_0),
        "tau": np.exp(0.5 * (window[0] + window[1])) / omega_0,
        "exponent": TYPICAL_EXPONENT,
    }
    middle = np.array([typical[spec.kind] for spec in circuit.specs])
    values: FloatArray = np.clip(middle, constraints.lower, constraints.upper)
    for i, value in {**constraints.start, **constraints.fixed}.items():
        values[i] = value
    return values
