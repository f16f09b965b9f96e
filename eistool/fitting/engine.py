"""Fits of circuits to spectra without start values."""

import functools
import itertools
import math
import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from eistool.circuit import Circuit, as_circuit
from eistool.circuit.custom_elements import take_error
from eistool.circuit.limits import dc_resistance
from eistool.display import with_bar
from eistool.errors import FitError
from eistool.fitting.alternatives import (
    Refit,
    extrapolation_covariance,
    modes_covariance,
    reduction_covariance,
    smaller_circuits,
)
from eistool.fitting.problem import LIMIT_TOLERANCE, Axis, Constraints, Problem, build_problem
from eistool.fitting.quality import (
    ABOVE_NOISE,
    FAR_ABOVE_NOISE,
    LARGE_RESIDUAL,
    POOR_RESIDUAL,
    certainty_flags,
    delta_bic,
    dispensable_flags,
    misfit_flags,
    quality_flags,
)
from eistool.fitting.quantities import Evidence
from eistool.fitting.result import FitResult, Minimum, failed_result
from eistool.fitting.uncertainty import Assessment, Uncertainty, assess, estimate_uncertainty, statuses_of
from eistool.fitting.weights import check_weighting, resolve_weighting
from eistool.kernels import least_squares, search
from eistool.kernels.starts import PROPOSE_STARTS
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray, IntArray, Threshold

# exceptions of arithmetic with unexpected data
BREAKDOWNS = (ArithmeticError, LookupError, ValueError, MemoryError)


class Effort(NamedTuple):
    """Effort of a search: largest number of rounds, and probability of a better minimum at which it ends."""

    rounds: int
    p_missed: float


THOROUGH = Effort(250, 0.005)
QUICK = Effort(2, 0.15)  # to compare circuits
MODERATE = Effort(6, 0.15)  # to compare numbers of arcs along a series
NONE = Effort(0, 1.0)  # a refit from the start values alone
N_MINIMA = 8  # buffer of distinct minima
SEQUENCE = 1 << 20  # possible first indices of the sequence of starts; chosen by the data for reproducibility
AHEAD, MAX_TASK = 4, 16  # waiting tasks per thread, and spectra per task: bounds memory and overhead
LADDER_PER_DECADE: Annotated[
    int,
    Threshold("RC elements per decade of the ladder that gives the noise floor", "Boukamp, doi:10.1149/1.2044210"),
] = 6
NEAR_LADDER: Annotated[
    float,
    Threshold(
        "reduced chi2, relative to that of the ladder, of the floor at which the search may stop",
        "tests.benchmarks.recovery and hard",
    ),
] = 1.03


def fit(
    spectrum: Spectrum,
    circuit: Circuit | str,
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "auto",
) -> FitResult:
    """Fit a circuit to a spectrum by weighted least squares.

    Start values are not required: the search uses deterministic starts derived from the data, and returns the
    best minimum. The sum of squares of a non-negative ladder of RC elements serves as the noise floor.
    Results are reproducible bit for bit.

    Parameters
    ----------
    spectrum : Spectrum
        Masked points are ignored.
    circuit : Circuit or str
        A circuit, an expression, or the name of a library circuit.
    start : mapping, optional
        Values by parameter name, used as an additional start.
    bounds : mapping, optional
        (low, high) by parameter name. By default exponents lie in [0.1, 1], other parameters are positive.
    fixed : names, or mapping of name to value, optional
        Parameters to hold; values of names are taken from ``start``.
    weighting : {"auto", "modulus", "unit", "proportional", "noise"}
        Divisor of the residuals: |Z|; 1; |Re Z| and |Im Z|; or the measured noise of the spectrum.

    Returns
    -------
    FitResult

    Raises
    ------
    CircuitError
        If the circuit is invalid.
    FitError
        If names, bounds or weighting are invalid, or the fit fails.

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import simulate
    >>> spectrum = simulate("R0-p(R1,CPE1)", np.geomspace(0.1, 1e6, 71), [20, 100, 1e-5, 0.9], noise=0.002, seed=1)
    >>> result = fit(spectrum, "R0-p(R1,CPE1)")
    >>> abs(result.parameters["R1"].value - 100) < 3 * result.parameters["R1"].stderr
    True
    """
    the_circuit = as_circuit(circuit)
    constraints = Constraints.of(the_circuit, start, bounds, fixed)
    result = _fit(spectrum, the_circuit, constraints, weighting)
    if not result.success:
        raise FitError(f"{spectrum.label}: {result.reason}")
    return result


def fit_many(
    spectra: Iterable[Spectrum],
    circuit: Circuit | str,
    jobs: int | None = None,
    chain: bool = False,
    *,
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "auto",
) -> list[FitResult]:
    """Fit a circuit to many spectra in parallel threads.

    Parameters
    ----------
    spectra : iterable of Spectrum
        Spectra to fit.
    circuit, start, bounds, fixed, weighting
        As for :func:`fit`, the same for all.
    jobs : int, optional
        Number of threads; by default one per core.
    chain : bool
        Whether to use the results of neighbouring spectra as additional starts, in both directions along the
        series. The sum of squares never increases.

    Returns
    -------
    list of FitResult
        In the order of the spectra. Failed fits have the status ``failed`` and a ``reason``.

    Raises
    ------
    CircuitError, FitError
        If the circuit, names, bounds or weighting are invalid; failed fits do not raise.
    """
    spectra = list(spectra)
    fits = fit_iter(spectra, circuit, jobs, start=start, bounds=bounds, fixed=fixed, weighting=weighting)
    results = list(with_bar(fits, len(spectra), "fitting"))
    if not chain:
        return results
    return _chained(results, Constraints.of(as_circuit(circuit), start, bounds, fixed))


def fit_iter(
    spectra: Iterable[Spectrum],
    circuit: Circuit | str,
    jobs: int | None = None,
    *,
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "auto",
) -> Iterator[FitResult]:
    """Fit a circuit to a stream of spectra and yield the results in order.

    Memory is independent of the number of spectra: only a few per thread are read ahead.

    Parameters
    ----------
    spectra, circuit, jobs, start, bounds, fixed, weighting
        As for :func:`fit_many`.

    Yields
    ------
    FitResult
        Failed fits have the status ``failed`` and a ``reason``.

    Raises
    ------
    CircuitError, FitError
        If the circuit, names, bounds or weighting are invalid, at the first result.

    Examples
    --------
    >>> from eistool import simulate
    >>> spectra = (simulate("R0-C1", [1, 10, 100], [10, 1e-3], noise=0.01, seed=seed) for seed in range(3))
    >>> [result.status for result in fit_iter(spectra, "R0-C1")]
    ['ok', 'ok', 'ok']
    """
    the_circuit = as_circuit(circuit)
    constraints = Constraints.of(the_circuit, start, bounds, fixed)
    check_weighting(weighting)
    threads = max(1, jobs or os.cpu_count() or 1)

    def one(spectrum: Spectrum) -> FitResult:
        try:
            return _fit(spectrum, the_circuit, constraints, weighting)
        except (FitError, *BREAKDOWNS) as error:
            return failed_result(spectrum, the_circuit, weighting, _reason(error))

    if threads == 1:
        yield from map(one, spectra)
        return
    # several spectra per task: submission takes as long as a small fit
    known = len(spectra) if isinstance(spectra, Sized) else 0
    size = min(max(known // (AHEAD * threads), 1), MAX_TASK)
    source = iter(spectra)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[list[FitResult]]] = deque()
        while task := list(itertools.islice(source, size)):
            waiting.append(pool.submit(lambda task: [one(spectrum) for spectrum in task], task))
            if len(waiting) > AHEAD * threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def refit(
    spectrum: Spectrum,
    circuit: Circuit,
    start: Mapping[str, float],
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "modulus",
) -> FitResult:
    """Fit from a single start without a search; the status is ``failed`` if it does not converge.

    Parameters
    ----------
    spectrum, circuit, start, fixed, weighting
        As for :func:`fit`; ``start`` must contain every free parameter.
    """
    return _fit(spectrum, circuit, Constraints.of(circuit, start, None, fixed), weighting, effort=NONE)


def locate(
    spectrum: Spectrum,
    circuit: Circuit,
    start: Mapping[str, float] | None = None,
    fixed: Mapping[str, float] | None = None,
    effort: Effort = MODERATE,
    ladder: bool = True,
) -> FitResult:
    """Return the best minimum for data weighted by noise, with the covariance of a linear model.

    Faster than :func:`fit`: comparisons of sums of squares need neither errors of misfit nor evidence. The
    status is ``failed`` if there is no minimum.

    Parameters
    ----------
    spectrum, circuit, start, fixed
        As for :func:`fit`; without a search, ``start`` must contain every free parameter.
    effort : Effort
        Of the search.
    ladder : bool
        Whether to compute the noise floor; only without a search it may be left out.
    """
    floor = None if ladder else math.inf
    try:
        return _located(spectrum, circuit, Constraints.of(circuit, start, None, fixed), effort, floor)
    except (FitError, *BREAKDOWNS) as error:
        return failed_result(spectrum, circuit, "noise", _reason(error))


def _located(
    spectrum: Spectrum, circuit: Circuit, constraints: Constraints, effort: Effort, floor: float | None
) -> FitResult:
    problem = build_problem(spectrum, circuit, constraints, "noise")
    found = find_minima(problem, effort, floor=floor)
    take_error()
    if found.n == 0 or not found.outcomes[0, 1]:
        return failed_result(spectrum, circuit, "noise", f"the fit of {circuit} did not converge")
    minimum, chi2 = found.minima[0], float(found.outcomes[0, 0])
    values, derivative = _values(problem, constraints, minimum)
    free = problem.free
    inverse = np.empty_like(found.hessian)
    least_squares.invert(found.hessian, inverse)
    theta = np.zeros((values.size, values.size))
    theta[np.ix_(free, free)] = inverse * max(1.0, chi2 / (2 * problem.n_points - free.size))
    covariance = derivative @ theta @ derivative.T
    limited = ~problem.held & (
        (minimum <= problem.lower + LIMIT_TOLERANCE) | (minimum >= problem.upper - LIMIT_TOLERANCE)
    )
    return FitResult(
        circuit=circuit,
        spectrum=spectrum,
        weighting="noise",
        values=values,
        covariance=covariance,
        statuses=statuses_of(circuit, problem, values, covariance, limited),
        lower=constraints.lower,
        upper=constraints.upper,
        impedance=problem.impedance(spectrum, minimum),
        chi2=chi2 * problem.sum_scale,
        status="ok",
        noise_floor=found.ladder_reduced * problem.sum_scale,
    )


def _chained(results: Sequence[FitResult], constraints: Constraints) -> list[FitResult]:
    """Refit with the results of neighbours as starts, forwards and then backwards."""
    best = list(results)
    n = len(best)
    for i, neighbour in [(i, i - 1) for i in range(1, n)] + [(i, i + 1) for i in range(n - 2, -1, -1)]:
        if not best[i].success or not best[neighbour].success:
            continue
        start = dict(enumerate(best[neighbour].values.tolist()))
        chained = Constraints(constraints.fixed, constraints.lower, constraints.upper, constraints.bounded, start)
        again = _fit(best[i].spectrum, best[i].circuit, chained, best[i].weighting, effort=NONE)
        if again.success and again.chi2 < best[i].chi2 * (1 - 1e-9):
            best[i] = again
    return best


def draft_fit(
    spectrum: Spectrum, circuit: Circuit, constraints: Constraints, weighting: str, effort: Effort = THOROUGH
) -> "Draft | FitResult":
    """Return the best minimum of a circuit, whose errors are not yet computed, or a failed fit.

    Parameters
    ----------
    spectrum, circuit, constraints, weighting
        As for :func:`fit`.
    effort : Effort
        Of the search.
    """
    try:
        return _draft(spectrum, circuit, constraints, weighting, effort)
    except (FitError, *BREAKDOWNS) as error:
        return failed_result(spectrum, circuit, weighting, _reason(error))


def complete_fit(draft: "Draft | FitResult") -> FitResult:
    """Return the fit with its errors."""
    if isinstance(draft, FitResult):
        return draft
    try:
        return draft.complete()
    except (FitError, *BREAKDOWNS) as error:
        return failed_result(draft.spectrum, draft.circuit, draft.weighting, _reason(error))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, FitError) else f"{type(error).__name__}: {error}"


def _fit(
    spectrum: Spectrum, circuit: Circuit, constraints: Constraints, weighting: str, effort: Effort = THOROUGH
) -> FitResult:
    draft = _draft(spectrum, circuit, constraints, weighting, effort)
    return draft if isinstance(draft, FitResult) else draft.complete()


def _draft(
    spectrum: Spectrum, circuit: Circuit, constraints: Constraints, weighting: str, effort: Effort
) -> "Draft | FitResult":
    spectrum, weighting = resolve_weighting(spectrum, weighting)
    problem = build_problem(spectrum, circuit, constraints, weighting)
    found = find_minima(problem, effort)
    element_error = take_error()  # reported only if a custom element fails for all starts
    if found.n == 0:
        detail = f": {element_error} (in the internal units of impedance and time)" if element_error else ""
        reason = f"no start of {circuit} led to a finite sum of squares{detail}"
        return failed_result(spectrum, circuit, weighting, reason)

    values, derivative = _values(problem, constraints, found.minima[0])
    impedance = problem.impedance(spectrum, found.minima[0])
    dof = 2 * problem.n_points - problem.free.size
    reduced = float(found.outcomes[0, 0]) / dof
    excess = math.sqrt(reduced / found.ladder_reduced) if found.ladder_reduced > 0 else 0.0
    difference = (np.abs(spectrum.impedance - impedance) / np.abs(spectrum.impedance))[spectrum.mask]
    rms = math.sqrt(float(np.sum(difference**2)) / dof)
    poor = rms > POOR_RESIDUAL and (excess > ABOVE_NOISE or rms > LARGE_RESIDUAL)
    poor |= weighting == "noise" and reduced > FAR_ABOVE_NOISE**2
    return Draft(
        circuit=circuit,
        spectrum=spectrum,
        weighting=weighting,
        constraints=constraints,
        problem=problem,
        found=found,
        values=values,
        derivative=derivative,
        impedance=impedance,
        reduced=reduced,
        excess=excess,
        rms=rms,
        status="failed" if not found.outcomes[0, 1] else "poor_model" if poor else "ok",
        assessment=assess(problem, circuit, weighting, found.minima[0]),
        is_refit=effort is NONE,
    )


def _values(problem: Problem, constraints: Constraints, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the parameters and their derivatives by theta, in the circuit's order."""
    values, derivative = problem.program.to_values(theta, problem.scale)
    for i, value in constraints.fixed.items():
        values[i] = value  # exact; logarithms round
    return values, derivative


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Best minimum of a circuit, with its evidence and before its errors."""

    circuit: Circuit
    spectrum: Spectrum
    weighting: str
    constraints: Constraints
    problem: Problem
    found: "Minima"
    values: FloatArray  # of the parameters in the circuit's order
    derivative: FloatArray  # shape (p, p), of the values by theta
    impedance: ComplexArray
    reduced: float  # chi2
    excess: float  # of the residuals over those of the ladder
    rms: float  # of the residuals relative to |Z|
    status: str
    assessment: Assessment
    is_refit: bool

    @property
    def success(self) -> bool:
        """Whether the search converged."""
        return self.status != "failed"

    @property
    def chi2(self) -> float:
        """Sum of squares in units of the weighting."""
        return float(self.found.outcomes[0, 0]) * self.problem.sum_scale

    @property
    def bic(self) -> float:
        """Bayesian information criterion, as of the fit."""
        n = 2 * self.problem.n_points
        return n * math.log(max(self.chi2, 1e-300) / n) + self.problem.free.size * math.log(n)

    @property
    def p_missed(self) -> float:
        """Probability that the search missed a better minimum; nan without a search."""
        return math.nan if self.is_refit else self.found.p_missed

    @property
    def log_evidence(self) -> float:
        """Log evidence of the circuit, as of the fit."""
        return self.assessment.misfit.log_evidence

    def complete(self) -> FitResult:
        """Return the fit with its errors."""
        problem, circuit, spectrum, constraints = self.problem, self.circuit, self.spectrum, self.constraints
        program, found, values, derivative = problem.program, self.found, self.values, self.derivative
        best, outcomes, misfit = found.minima[0], found.outcomes[: found.n], self.assessment.misfit
        ends = [values, *(_values(problem, constraints, minimum)[0] for minimum in found.minima[1 : found.n])]
        limited = ~problem.held & (
            (best <= problem.lower + LIMIT_TOLERANCE) | (best >= problem.upper - LIMIT_TOLERANCE)
        )
        variance = max(1.0, self.reduced) if self.weighting == "noise" else self.reduced
        uncertainty = estimate_uncertainty(
            problem, best, float(outcomes[0, 0]), found.hessian, variance, self.assessment
        )
        covariance = derivative @ uncertainty.covariance @ derivative.T
        likelihood = np.exp(-0.5 * (outcomes[:, 0] - outcomes[0, 0]) / max(variance, 1e-300))
        covariance += modes_covariance(circuit, problem, ends, likelihood)
        if not self.is_refit:  # a refit of a part has no parts of its own
            smaller = smaller_circuits(circuit, problem, uncertainty.dispensable, constraints, values)
            refits = (
                (index, refitted)
                for other, index, given in smaller
                if (refitted := _refit(spectrum, other, given, self.weighting)) is not None
            )
            covariance += reduction_covariance(circuit, values, self.chi2, problem, refits)
        used = spectrum.mask.nonzero()[0][problem.axis.order]
        covariance += extrapolation_covariance(
            circuit, values, self.impedance[used[[0, -1]]], misfit.p_exact, constraints.fixed
        )
        statuses = statuses_of(circuit, problem, values, covariance, limited)
        take_error()
        n = 2 * problem.n_points
        delta = delta_bic(outcomes[:, 0], outcomes[0, 0], n)
        return FitResult(
            circuit=circuit,
            spectrum=spectrum,
            weighting=self.weighting,
            values=values,
            covariance=covariance,
            statuses=statuses,
            lower=constraints.lower,
            upper=constraints.upper,
            impedance=self.impedance,
            chi2=self.chi2,
            status=self.status,
            reason=""
            if self.success
            else f"the fit of {circuit} did not converge; try fixed values or a simpler circuit",
            flags=(
                *quality_flags(self.excess, self.rms, self.success, self.p_missed),
                *misfit_flags(
                    misfit.p_exact,
                    misfit.amplitude,
                    spectrum.frequency[spectrum.mask],
                    ((spectrum.impedance - self.impedance) / np.abs(spectrum.impedance))[spectrum.mask],
                ),
                *dispensable_flags(
                    [circuit.parameters[i] for i in np.sort(program.order[uncertainty.dispensable.any(axis=0)])]
                ),
                *certainty_flags(circuit, statuses, covariance, outcomes, n),
            ),
            n_starts=int(found.hits[-1]),
            n_agreed=int(found.hits[0]),
            p_missed=self.p_missed,
            minima=tuple(
                Minimum(
                    float(outcomes[m, 0]) * problem.sum_scale,
                    dict(zip(circuit.parameters, ends[m].tolist(), strict=True)),
                    int(found.hits[m]),
                    float(delta[m]),
                )
                for m in range(found.n)
            ),
            noise_floor=found.ladder_reduced * problem.sum_scale,
            noise_covariance=derivative @ uncertainty.noise_covariance @ derivative.T,
            evidence=Evidence(
                log_evidence=misfit.log_evidence,
                p_exact=misfit.p_exact,
                amplitude=misfit.amplitude,
                sigma=misfit.sigma,
                dc_covariance=_dc_covariance(circuit, values, derivative, uncertainty),
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Minima:
    """Minima of a problem, the best first; m are listed at most."""

    n: int
    minima: FloatArray  # shape (m, p), of theta
    outcomes: FloatArray  # shape (m, 2): sums of squares, and whether the run converged
    hits: IntArray  # shape (m + 1,): starts that reached each, and all
    hessian: FloatArray  # shape (n_free, n_free), JᵀJ at the best
    ladder_reduced: float  # reduced chi2 of the ladder
    p_missed: float  # probability that a better minimum was missed


def find_minima(
    problem: Problem, effort: Effort = THOROUGH, first: int | None = None, floor: float | None = None
) -> Minima:
    """Return the minima that a search from many starts finds.

    Parameters
    ----------
    problem : Problem
        Problem of one spectrum.
    effort : Effort
        Effort of the search.
    first : int, optional
        First index of the sequence of starts; by default derived from the data.
    floor : float, optional
        Sum of squares near which the search may stop; by default that of the ladder. With 0 it goes on until
        a better minimum is unlikely, with infinity there is no ladder.
    """
    program = problem.program
    p, n_free = program.kinds.size, problem.free.size
    ladder_reduced = math.nan if floor == math.inf else _ladder(problem)
    if floor is None:
        floor = 0.0 if program.loops else NEAR_LADDER * ladder_reduced * max(2 * problem.n_points - n_free, 1)
    if first is None:
        first = zlib.crc32(problem.target.tobytes()) % SEQUENCE
    minima = np.empty((N_MINIMA, p))
    outcomes = np.zeros((N_MINIMA, 2))
    hits = np.zeros(N_MINIMA + 1, dtype=np.int64)
    hessian, missed = np.zeros((n_free, n_free)), np.ones(1)
    pool = problem.pool
    evaluate, minimise, *arguments = problem.arguments
    n = search.search_directly(
        evaluate, minimise, PROPOSE_STARTS, *arguments, problem.fixed_theta, problem.free, program.terms,
        program.nested, problem.exchange, pool.has_shape, pool.is_scaled, pool.options, pool.n_options, pool.shape,
        problem.starts, first, _irrational(p), *problem.window, floor, *effort,
        problem.grid, problem.target, *problem.workspace, minima, outcomes, hits, hessian, missed,
    )  # fmt: skip
    return Minima(n, minima, outcomes, hits, hessian, ladder_reduced, float(missed[0]))


def _dc_covariance(
    circuit: Circuit, values: FloatArray, derivative: FloatArray, uncertainty: Uncertainty
) -> FloatArray:
    """Return the covariance of the parameters with the misfit's d.c. resistance, and its variance, shape (p + 1,).

    What the errors of the arcs hold of it already is taken off the variance.
    """
    _, by_value = dc_resistance(circuit, values)
    by_theta = derivative.T @ by_value
    held = float(by_theta @ uncertainty.arc_covariance @ by_theta)
    return np.append(derivative @ uncertainty.dc_covariance[:-1], uncertainty.dc_covariance[-1] - held)


def _refit(spectrum: Spectrum, circuit: Circuit, constraints: Constraints, weighting: str) -> Refit | None:
    """Return the minimum that a smaller circuit reaches from its start values, if any."""
    try:
        problem = build_problem(spectrum, circuit, constraints, weighting)
    except FitError:  # everything that is left is fixed
        return None
    found = find_minima(problem, NONE, floor=math.inf)
    take_error()
    if found.n == 0 or not found.outcomes[0, 1]:
        return None
    values, _ = _values(problem, constraints, found.minima[0])
    return Refit(values, float(found.outcomes[0, 0]) * problem.sum_scale, problem.free.size)


def _ladder(problem: Problem) -> float:
    """Return the reduced chi2 of a non-negative RC ladder, the noise floor."""
    return _floor(problem.axis, problem.target.tobytes(), problem.n_points)


@functools.lru_cache(maxsize=16)  # circuits of one spectrum share it
def _floor(axis: Axis, target: bytes, n_points: int) -> float:
    low, high = axis.window[0] - 1.0, axis.window[1] + 2.3
    count = math.ceil((high - low) / math.log(10) * LADDER_PER_DECADE) + 1
    x = np.empty(count + 3)
    data = np.frombuffer(target).reshape(2, -1).copy()
    total = least_squares.ladder(axis.grid, data, np.linspace(low, high, count), x)
    return float(total) / max(2 * n_points - int(np.count_nonzero(x)), 1)


@functools.lru_cache(maxsize=64)
def _irrational(n: int) -> FloatArray:
    """Return the fractional parts of √2, √3, √5, ..., the steps of a Kronecker sequence."""
    primes: list[int] = []
    candidate = 2
    while len(primes) < n:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    return np.sqrt(np.array(primes, dtype=np.float64)) % 1.0
