"""Fit circuits to spectra, from no start values."""

import functools
import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from eistool.circuit import Circuit, as_circuit
from eistool.errors import FitError
from eistool.fitting.problem import Constraints, Problem, build_problem
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT, FitResult, Minimum, failed_result
from eistool.fitting.weights import WEIGHTINGS
from eistool.kernels import parameters, search
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, FloatArray, IntArray

ROUNDS = 80  # of the search, at most
N_MINIMA = 8  # kept
AHEAD = 4  # spectra that wait for each thread
LADDER_PER_DECADE = 6
NEAR_LADDER = 1.03  # times the ladder's reduced chi2: the search may stop
ABOVE_NOISE = 1.7  # times the ladder's residuals: there is structure in those of the circuit
LARGE_RESIDUAL = 0.05  # of |Z|: the data, the circuit or both are not to be trusted
FEW = 3  # starts that reached the best minimum
POOR_RESIDUAL = 0.01  # and, for a poor model, an rms residual above 1 % of |Z|
CORRELATED = 0.99
LIMIT_TOLERANCE = 1e-7
NEARLY_LINEAR = 0.03  # standard errors below this need no check by the profile


def fit(
    spectrum: Spectrum,
    circuit: Circuit | str,
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "modulus",
) -> FitResult:
    """Fit a circuit to a spectrum by weighted least squares.

    No start values are needed: they come from the data, by a non-negative ladder of RC elements and
    several deterministic starts, of which the best end counts. The same spectrum and settings give the
    same result, to the bit.

    Parameters
    ----------
    spectrum : Spectrum
        Masked points are left out.
    circuit : Circuit or str
        A circuit, an expression, or a name of the library.
    start : mapping, optional
        Values by parameter name, as one more start.
    bounds : mapping, optional
        (low, high) by parameter name. By default exponents lie in [0.1, 1], the rest is positive.
    fixed : names, or mapping of name to value, optional
        Parameters to hold; names take their values from ``start``.
    weighting : {"modulus", "unit", "proportional", "noise"}
        Residuals are divided by |Z|; 1; |Re Z| and |Im Z|; or the spectrum's measured noise.

    Returns
    -------
    FitResult

    Raises
    ------
    CircuitError
        If the circuit cannot be understood.
    FitError
        If names, bounds or weighting are wrong, or no start led to a finite result.

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
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "modulus",
) -> list[FitResult]:
    """Fit a circuit to many spectra, in parallel threads.

    Parameters
    ----------
    spectra : iterable of Spectrum
        In any number.
    circuit, start, bounds, fixed, weighting
        As for :func:`fit`, the same for all.
    jobs : int, optional
        Number of threads; by default one for each core.
    chain : bool
        Try the neighbours' results as further starts, along the series in both directions, and keep
        what is better. Never worse than without.

    Returns
    -------
    list of FitResult
        In the order of the spectra. A fit that fails has the status ``failed`` and a ``reason``.

    Raises
    ------
    CircuitError, FitError
        If the circuit, names, bounds or weighting are wrong; never because of a spectrum.
    """
    results = list(fit_iter(spectra, circuit, jobs, start, bounds, fixed, weighting))
    if not chain:
        return results
    return _chained(results, Constraints.of(as_circuit(circuit), start, bounds, fixed))


def fit_iter(
    spectra: Iterable[Spectrum],
    circuit: Circuit | str,
    jobs: int | None = None,
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Iterable[str] | Mapping[str, float] | None = None,
    weighting: str = "modulus",
) -> Iterator[FitResult]:
    """Fit a circuit to spectra as they come, and yield the results in their order.

    Memory stays flat however many there are: a few spectra for each thread are read ahead.

    Parameters
    ----------
    spectra, circuit, jobs, start, bounds, fixed, weighting
        As for :func:`fit_many`.

    Yields
    ------
    FitResult
        With the status ``failed`` and a ``reason`` where a fit fails.

    Raises
    ------
    CircuitError, FitError
        If the circuit, names, bounds or weighting are wrong, at the first result.

    Examples
    --------
    >>> from eistool import simulate
    >>> spectra = (simulate("R0-C1", [1, 10, 100], [10, 1e-3], noise=0.01, seed=seed) for seed in range(3))
    >>> [result.status for result in fit_iter(spectra, "R0-C1")]
    ['ok', 'ok', 'ok']
    """
    the_circuit = as_circuit(circuit)
    constraints = Constraints.of(the_circuit, start, bounds, fixed)
    if weighting not in WEIGHTINGS:
        raise FitError(f"weighting={weighting!r}; choose one of {', '.join(WEIGHTINGS)}")
    threads = max(1, jobs or os.cpu_count() or 1)

    def one(spectrum: Spectrum) -> FitResult:
        try:
            return _fit(spectrum, the_circuit, constraints, weighting)
        except FitError as error:
            return failed_result(spectrum, the_circuit, weighting, str(error))

    if threads == 1:
        yield from map(one, spectra)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[FitResult]] = deque()
        for spectrum in spectra:
            waiting.append(pool.submit(one, spectrum))
            if len(waiting) > AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _chained(results: Sequence[FitResult], constraints: Constraints) -> list[FitResult]:
    """Return results improved by their neighbours', forwards and then backwards."""
    best = list(results)
    n = len(best)
    for i, neighbour in [(i, i - 1) for i in range(1, n)] + [(i, i + 1) for i in range(n - 2, -1, -1)]:
        if not best[i].success or not best[neighbour].success:
            continue
        start = dict(enumerate(best[neighbour].values.tolist()))
        chained = Constraints(constraints.fixed, constraints.lower, constraints.upper, constraints.bounded, start)
        again = _fit(best[i].spectrum, best[i].circuit, chained, best[i].weighting, rounds=0)
        if again.success and again.chi2 < best[i].chi2 * (1 - 1e-9):
            best[i] = again
    return best


def _fit(
    spectrum: Spectrum, circuit: Circuit, constraints: Constraints, weighting: str, rounds: int = ROUNDS
) -> FitResult:
    problem = build_problem(spectrum, circuit, constraints, weighting)
    program = problem.program
    p, n_free = program.kinds.size, problem.free.size
    peaks, cumulative, ladder_reduced = _ladder(problem)
    floor = NEAR_LADDER * ladder_reduced * max(2 * problem.n_points - n_free, 1)
    amplitudes = problem.free[program.kinds[problem.free] == parameters.AMPLITUDE]
    minima = np.empty((N_MINIMA, p))
    found = np.zeros((N_MINIMA, 2))
    hits = np.zeros(N_MINIMA + 1, dtype=np.int64)
    hessian = np.zeros((n_free, n_free))
    n_minima = search.search(
        *problem.arguments, problem.fixed_theta, problem.free, amplitudes, program.nested,
        problem.exchange, problem.starts, _seeds(spectrum, p), _irrational(p), peaks, cumulative,
        problem.window[0] - 1.0, problem.window[1] + 1.0, floor, rounds,
        problem.grid, problem.target, *problem.workspace,
        minima, found, hits, hessian,
    )  # fmt: skip
    if n_minima == 0:
        return failed_result(spectrum, circuit, weighting, f"no start of {circuit} led to a finite sum of squares")

    dof = 2 * problem.n_points - n_free
    reduced = float(found[0, 0]) / dof
    ends = [program.to_values(minimum, problem.scale) for minimum in minima[:n_minima]]
    for own, _ in ends:
        for i, value in constraints.fixed.items():
            own[i] = value  # to the last digit, which logarithms lose
    values, derivative = ends[0]
    limited = ~problem.held & (
        (minima[0] <= problem.lower + LIMIT_TOLERANCE) | (minima[0] >= problem.upper - LIMIT_TOLERANCE)
    )
    variance = 1.0 if weighting == "noise" else reduced
    covariance_theta = _covariance(hessian, problem.free, p) * variance
    covariance_theta = _widened(problem, minima[0], float(found[0, 0]), covariance_theta, variance)
    covariance_theta += _between_minima(minima[:n_minima], found[:n_minima, 0], variance)
    covariance = derivative @ covariance_theta @ derivative.T
    statuses = _statuses(circuit, problem, values, derivative, covariance, limited)
    x = spectrum.omega * math.exp(-problem.scale[1])
    impedance = program.evaluate(x, minima[0], problem.scale[1])[0] * math.exp(problem.scale[0])
    excess = math.sqrt(reduced / ladder_reduced) if ladder_reduced > 0 else 0.0
    difference = (np.abs(spectrum.impedance - impedance) / np.abs(spectrum.impedance))[spectrum.mask]
    rms = math.sqrt(float(np.sum(difference**2)) / dof)
    poor = rms > POOR_RESIDUAL and (excess > ABOVE_NOISE or rms > LARGE_RESIDUAL)
    converged = bool(found[0, 1])
    return FitResult(
        circuit=circuit,
        spectrum=spectrum,
        weighting=weighting,
        values=values,
        covariance=covariance,
        statuses=statuses,
        lower=constraints.lower,
        upper=constraints.upper,
        impedance=impedance,
        chi2=float(found[0, 0]) * problem.sum_scale,
        status="failed" if not converged else "poor_model" if poor else "ok",
        reason=""
        if converged
        else f"the fit of {circuit} did not converge; try fixed values or a simpler circuit",
        flags=(
            *_quality_flags(excess, rms, converged),
            *_flags(circuit, statuses, covariance, found[:n_minima], hits, 2 * problem.n_points),
        ),
        n_starts=int(hits[-1]),
        n_agreed=int(hits[0]),
        minima=tuple(
            Minimum(
                float(found[m, 0]) * problem.sum_scale,
                dict(zip(circuit.parameters, ends[m][0].tolist(), strict=True)),
                int(hits[m]),
            )
            for m in range(n_minima)
        ),
        noise_floor=ladder_reduced * problem.sum_scale,
    )


def _ladder(problem: Problem) -> tuple[FloatArray, FloatArray, float]:
    """Return ln tau of a non-negative RC ladder's resistances, cumulative weights, and its reduced chi2."""
    low, high = problem.window[0] - 1.0, problem.window[1] + 2.3
    count = math.ceil((high - low) / math.log(10) * LADDER_PER_DECADE) + 1
    log_tau = np.linspace(low, high, count)
    x = np.empty(count + 3)
    total = search.ladder(problem.grid, problem.target, log_tau, x)
    active = np.flatnonzero(x[:count] > 0)
    weights = np.sqrt(x[active])
    cumulative = np.cumsum(weights) / weights.sum() if active.size else weights
    dof = max(2 * problem.n_points - int(np.count_nonzero(x)), 1)
    return log_tau[active], cumulative, total / dof


def _seeds(spectrum: Spectrum, n: int) -> FloatArray:
    return np.random.default_rng(int(spectrum.digest, 16)).random(n)


@functools.lru_cache(maxsize=64)
def _irrational(n: int) -> FloatArray:
    """Return fractional parts of √2, √3, √5, ...: the steps of a low-discrepancy sequence."""
    primes: list[int] = []
    candidate = 2
    while len(primes) < n:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    return np.sqrt(np.array(primes, dtype=np.float64)) % 1.0


def _covariance(hessian: FloatArray, free: IntArray, n: int) -> FloatArray:
    """Return the inverse of JᵀJ, 0 for fixed parameters.

    Parameters that ended at a bound are counted as free: the errors of the others would be too small
    if they rested on the bound being the truth.
    """
    scale = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    eigenvalues, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    # a direction without any effect keeps a huge but finite variance
    inverse = (vectors / np.maximum(eigenvalues, 1e-15)) @ vectors.T
    covariance = np.zeros((n, n))
    covariance[np.ix_(free, free)] = inverse / np.outer(scale, scale)
    return covariance


def _widened(
    problem: Problem, theta: FloatArray, value: float, covariance: FloatArray, variance: float
) -> FloatArray:
    """Return the covariance with larger errors where the sum of squares rises more slowly than it says."""
    widening = np.ones(theta.size)
    if problem.free.size > 1 and variance > 0:
        search.widen(
            *problem.arguments, problem.free, theta, value, covariance, variance, NEARLY_LINEAR,
            problem.grid, problem.target, *problem.workspace, widening,
        )  # fmt: skip
    return covariance * np.outer(widening, widening)


def _between_minima(minima: FloatArray, values: FloatArray, variance: float) -> FloatArray:
    """Return the covariance that comes from not knowing which minimum is the true one.

    Each minimum counts with its likelihood, as one mode of a mixture.
    """
    weights = np.exp(-0.5 * (values - values[0]) / max(variance, 1e-300))
    difference = minima - minima[0]
    result: FloatArray = (difference.T * (weights / weights.sum())) @ difference
    return result


def _statuses(
    circuit: Circuit,
    problem: Problem,
    values: FloatArray,
    derivative: FloatArray,
    covariance: FloatArray,
    limited: BoolArray,
) -> tuple[str, ...]:
    """Return ok, fixed, at_bound or not_identifiable for each parameter, in the circuit's order."""
    stderr = np.sqrt(np.diag(covariance))
    dead = limited & ~problem.bounded  # at the end of the default range: the data do not need it
    rests_on_dead = (derivative[:, dead] != 0).any(axis=1)
    status = [""] * values.size
    for k, i in enumerate(problem.program.order):
        unresolved = UNRESOLVED_EXPONENT if circuit.specs[i].kind == "exponent" else UNRESOLVED * values[i]
        if problem.held[k]:
            status[i] = "fixed"
        elif limited[k] and problem.bounded[k]:
            status[i] = "at_bound"
        elif rests_on_dead[i] or not stderr[i] <= unresolved:
            status[i] = "not_identifiable"
        else:
            status[i] = "ok"
    return tuple(status)


def _quality_flags(excess: float, rms: float, converged: bool) -> tuple[str, ...]:
    flags = [] if converged else ["not converged"]
    if excess > ABOVE_NOISE:
        flags.append(f"residuals are {excess:.1f} times the noise")
    if rms > LARGE_RESIDUAL:
        flags.append(f"residuals are {rms:.0%} of |Z|")
    return tuple(flags)


def _flags(
    circuit: Circuit,
    statuses: tuple[str, ...],
    covariance: FloatArray,
    found: FloatArray,
    hits: IntArray,
    n_data: int,
) -> tuple[str, ...]:
    flags = []
    if hits[0] < FEW:
        flags.append(f"{hits[0]} of {hits[-1]} starts reached the best minimum")
    near = int(np.count_nonzero(n_data * np.log(np.maximum(found[1:, 0], 1e-300) / max(found[0, 0], 1e-300)) < 2))
    if near:
        flags.append(f"{near} other minima within ΔBIC 2")
    for status in ("at_bound", "not_identifiable"):
        names = [name for name, own in zip(circuit.parameters, statuses, strict=True) if own == status]
        if names:
            flags.append(f"{status}: {' '.join(names)}")
    sigma = np.sqrt(np.diag(covariance))
    ok = [i for i, status in enumerate(statuses) if status == "ok" and sigma[i] > 0]
    for a, i in enumerate(ok):
        for j in ok[a + 1 :]:
            rho = covariance[i, j] / (sigma[i] * sigma[j])
            if abs(rho) > CORRELATED:
                flags.append(f"correlated: {circuit.parameters[i]} {circuit.parameters[j]} ({rho:.3f})")
    return tuple(flags)
