"""A fit as the kernels see it: dimensionless data, free parameters, bounds and starts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.program import Program, compile_circuit, frequency_grid, to_blocks
from eistool.errors import CircuitError, FitError
from eistool.fitting.weights import standard_deviation
from eistool.kernels import parameters, search
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, FloatArray, IntArray

AMPLITUDE_RANGE = 35.0  # e-folds around the typical impedance: 15 decades each way
TAU_RANGE = np.log(1e3)  # beyond the measured window
HELD_KINDS = ("capacitance", "cpe", "inductance")


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """What the user asked of the parameters, in the circuit's order and units."""

    fixed: Mapping[int, float]
    lower: FloatArray  # shape (p,), 0 or -inf where there is none
    upper: FloatArray  # shape (p,)
    bounded: BoolArray  # shape (p,): by the user
    start: Mapping[int, float]

    @classmethod
    def of(
        cls,
        circuit: Circuit,
        start: Mapping[str, float] | None,
        bounds: Mapping[str, tuple[float, float]] | None,
        fixed: Iterable[str] | Mapping[str, float] | None,
    ) -> "Constraints":
        """Check what the user gave, by full or short names.

        Raises
        ------
        FitError
            If a name is unknown, a bound is empty or negative, or a value lies outside its bounds.
        """
        for argument, given in (("start", start), ("bounds", bounds)):
            if given is not None and not isinstance(given, Mapping):
                raise FitError(f"{argument}={given!r}; give a mapping of parameter names, such as {{'R0': ...}}")
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
                raise FitError(f"{circuit}: {name}={value:g} lies outside its bounds ({lower[i]:g}, {upper[i]:g})")
        return cls(held, lower, upper, bounded, starts)


def _pair(name: str, limits: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = limits
        return float(low), float(high)
    except (TypeError, ValueError) as error:
        raise FitError(f"bounds of {name}: {limits!r}; give two numbers (low, high), inf for no limit") from error


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
    """Everything that the search kernel needs for one spectrum."""

    program: Program
    scale: FloatArray  # ln Z0, ln ω0
    offsets: FloatArray
    grid: FloatArray
    target: FloatArray  # shape (2, 2 n): data and weights
    workspace: tuple[FloatArray, FloatArray]
    n_points: int
    lower: FloatArray  # of theta
    upper: FloatArray
    fixed_theta: FloatArray
    free: IntArray
    held: BoolArray  # shape (p,): fixed, in the program's order
    bounded: BoolArray  # shape (p,): by the user, or an exponent
    exchange: IntArray
    starts: FloatArray
    window: tuple[float, float]  # of ln tau
    sum_scale: float  # F times this is the sum of squares in the weighting's own unit

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What every search takes first: kernels, program and bounds."""
        program = self.program
        circuit = (program.operations, self.offsets, program.parents, program.groups)
        return (*search.KERNELS, *circuit, program.kinds, self.lower, self.upper)


def build_problem(
    spectrum: Spectrum,
    circuit: Circuit,
    constraints: Constraints,
    weighting: str,
    own: frozenset[int] = frozenset(),
) -> Problem:
    """Return the kernels' view of a fit; the parameters ``own`` are to be thetas themselves.

    Raises
    ------
    FitError
        If there are too few points for the free parameters, or the weighting is not possible.
    """
    if not isinstance(spectrum, Spectrum):
        raise FitError(f"{spectrum!r} is no Spectrum; eistool.read(path) returns a list of them")
    n_free = len(circuit.parameters) - len(constraints.fixed)
    n_points = spectrum.n_used
    if n_free == 0:
        raise FitError(f"{spectrum.label}: every parameter of {circuit} is fixed; leave one free")
    if 2 * n_points <= n_free:
        raise FitError(
            f"{spectrum.label}: {n_points} points for {n_free} free parameters of {circuit}; use more points"
        )
    kept = {i for i, spec in enumerate(circuit.specs) if spec.kind in HELD_KINDS}
    held = own | frozenset(i for i in kept if i in constraints.fixed or constraints.bounded[i])
    program = compile_circuit(circuit, arcs=True, held=held)

    impedance = spectrum.impedance[spectrum.mask]
    omega = spectrum.omega[spectrum.mask]
    log_z0 = float(np.median(np.log(np.abs(impedance))))
    log_omega_0 = 0.5 * float(np.log(omega.min()) + np.log(omega.max()))
    scale = np.array([log_z0, log_omega_0])
    x = omega * np.exp(-log_omega_0)
    grid = frequency_grid(x)
    n = grid.shape[1]
    sigma = standard_deviation(spectrum, weighting)[spectrum.mask]
    z0 = np.exp(log_z0)
    # unit weights are relative to Z0 here, so that F is of order one for any unit of impedance
    unit = z0 if weighting == "unit" else 1.0
    data = to_blocks(impedance.real / z0, impedance.imag / z0, n)
    weights = to_blocks(z0 / (unit * sigma.real), z0 / (unit * sigma.imag), n)
    window = (-float(np.log(x.max())), -float(np.log(x.min())))
    lower, upper, bounded = _theta_bounds(program, constraints, scale, window)
    order = program.order
    fixed = np.array([int(i) in constraints.fixed for i in order])
    neutral = _neutral(circuit, constraints, window, scale)
    fixed_theta = np.where(fixed, program.to_theta(neutral, scale), 0.0)
    start = np.clip(program.to_theta(neutral, scale), lower, upper)
    lower = np.where(fixed, fixed_theta, lower)
    upper = np.where(fixed, fixed_theta, upper)
    movable = [
        row
        for row in program.arcs
        if not any(fixed[i] or constraints.bounded[order[i]] for i in row[1:] if i >= 0)
    ]
    return Problem(
        program=program,
        scale=scale,
        offsets=program.offsets(log_omega_0),
        grid=grid,
        target=np.stack([data, weights]),
        workspace=program.workspace(n),
        n_points=n_points,
        lower=lower,
        upper=upper,
        fixed_theta=fixed_theta,
        free=np.flatnonzero(~fixed).astype(np.int64),
        held=fixed,
        bounded=bounded,
        exchange=np.array(movable, dtype=np.int64).reshape(-1, 4),
        starts=start[None] if constraints.start else np.empty((0, start.size)),
        window=window,
        sum_scale=unit**2,
    )


def _neutral(
    circuit: Circuit, constraints: Constraints, window: tuple[float, float], scale: FloatArray
) -> FloatArray:
    """Return a value for every parameter: the given one, or one that is typical of the data."""
    z0, omega_0 = np.exp(scale)
    typical = {
        "resistance": z0,
        "capacitance": 1 / (z0 * omega_0),
        "inductance": z0 / omega_0,
        "cpe": 1 / (z0 * omega_0**0.85),
        "warburg": z0 * np.sqrt(omega_0),
        "tau": np.exp(0.5 * (window[0] + window[1])) / omega_0,
        "exponent": 0.85,
    }
    middle = np.array([typical[spec.kind] for spec in circuit.specs])
    values: FloatArray = np.clip(middle, constraints.lower, constraints.upper)
    for i, value in {**constraints.start, **constraints.fixed}.items():
        values[i] = value
    return values


def _theta_bounds(
    program: Program, constraints: Constraints, scale: FloatArray, window: tuple[float, float]
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return bounds of theta, and where they are the user's own or those of an exponent."""
    p = program.kinds.size
    lower = np.full(p, -AMPLITUDE_RANGE)
    upper = np.full(p, AMPLITUDE_RANGE)
    taus = program.kinds == parameters.LOG_TAU
    lower[taus] = window[0] - TAU_RANGE
    upper[taus] = window[1] + TAU_RANGE
    own = constraints.bounded[program.order] | (program.kinds == parameters.EXPONENT)
    low = program.to_theta(np.where(own[np.argsort(program.order)], constraints.lower, 1.0), scale)
    high = program.to_theta(
        np.where(own[np.argsort(program.order)], np.minimum(constraints.upper, 1e100), 1.0), scale
    )
    lower[own] = np.minimum(low, high)[own]
    upper[own] = np.maximum(low, high)[own]
    return lower, upper, own
