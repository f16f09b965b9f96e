"""Speed of fits compared with other programs and a plain C loop, on one core.

Run ``python -m tests.benchmarks.fit`` (a C compiler ``gcc`` is needed for the reference). The output is:

- Z and Jacobian of circuit (ii) at 71 points: eistool, and C with ``-O3 -march=native -ffast-math``;
- a fit of (ii) without start values by ``fit_many`` on one thread, against impedance.py
  (``weight_by_modulus``) and against scipy's Levenberg-Marquardt on log parameters, best of 20 starts;
  their starts are the truth times a random factor of up to 10;
- success: chi2 at most 1.05 times chi2 at the truth; the time of four circuits; one and two threads (by
  the clock on the wall, all else by the thread's CPU time); Python's share; the first fit of a process.
"""

import argparse
import contextlib
import ctypes
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import eistool
from eistool.circuit.program import compile_circuit, frequency_grid
from eistool.kernels import least_squares, misfit, model, nonlinear_covariance, search
from eistool.typing import ComplexArray, FloatArray
from eistool.validation import smooth_ladder
from tests.benchmarks.recovery import CASES, FREQUENCY, NOISE, Case

LEADS = CASES[1]
EVALUATIONS = 1000  # of a peer's fit; impedance.py's own limit of 100,000 takes minutes
KERNELS = (
    (search, "search_directly"),
    (nonlinear_covariance, "widen_covariance_directly"),
    (least_squares, "ladder"),
    (misfit, "tridiagonalise"),
    (misfit, "project"),
    (misfit, "weigh"),
    (misfit, "average_moments"),
    (smooth_ladder, "fit_rows"),
)


def c_microseconds(theta: FloatArray, omega: FloatArray) -> float:
    """Time one evaluation by the C reference."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "reference.so"
        flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
        source = Path(__file__).with_name("reference.c")
        subprocess.run(["gcc", *flags, "-o", str(library), str(source), "-lm"], check=True)
        repeat = ctypes.CDLL(str(library)).repeat
        pointer = ctypes.POINTER(ctypes.c_double)
        repeat.argtypes = [pointer, pointer, pointer, ctypes.c_int]
        repeat.restype = ctypes.c_double
        arrays = [np.ascontiguousarray(a) for a in (np.log(omega), omega, theta)]
        arguments = [a.ctypes.data_as(pointer) for a in arrays]
        return min(_timed(lambda: repeat(*arguments, 100_000)) for _ in range(5)) / 100_000 * 1e6


def our_microseconds(theta: FloatArray, omega: FloatArray) -> float:
    """Time one evaluation by the kernel of eistool, called from compiled code."""
    import numba

    program = compile_circuit(eistool.Circuit(LEADS.circuit), arcs=True)
    grid = frequency_grid(omega)
    sums, rows = program.workspace(grid.shape[1])
    evaluate = model.evaluate

    @numba.njit
    def repeat(operations, offsets, parents, groups, theta, grid, sums, rows, n):  # type: ignore[no-untyped-def]
        for _ in range(n):
            evaluate(operations, offsets, parents, groups, theta, grid, sums, rows)

    circuit = (program.operations, program.offsets(0.0), program.parents, program.groups)
    arguments = (*circuit, theta, grid, sums, rows)
    repeat(*arguments, 10)
    return min(_timed(lambda: repeat(*arguments, 100_000)) for _ in range(5)) / 100_000 * 1e6


def _timed(action: Callable[[], object]) -> float:
    start = time.thread_time()
    action()
    return time.thread_time() - start


def _spectra(case: Case, n: int, seed: int, noise: float) -> tuple[list[eistool.Spectrum], list[FloatArray]]:
    rng = np.random.default_rng(seed)
    truths = [case.draw(rng) for _ in range(n)]
    circuit = case.circuit
    spectra = [eistool.simulate(circuit, FREQUENCY, t, noise, int(rng.integers(2**31))) for t in truths]
    return spectra, truths


def _succeeds(
    spectrum: eistool.Spectrum, fitted: ComplexArray, truth: FloatArray, circuit: eistool.Circuit
) -> bool:
    z = spectrum.impedance
    exact = np.sum(np.abs((z - circuit.impedance(FREQUENCY, truth)) / np.abs(z)) ** 2)
    return bool(np.sum(np.abs((z - fitted) / np.abs(z)) ** 2) <= 1.05 * exact)


def impedance_py(n: int) -> tuple[float, float]:
    """Return mean seconds and success of impedance.py on (ii)."""
    from impedance.models.circuits import CustomCircuit

    circuit = eistool.Circuit(LEADS.circuit)
    spectra, truths = _spectra(LEADS, n, 3, NOISE)
    rng = np.random.default_rng(4)
    seconds, good = 0.0, 0
    for spectrum, truth in zip(spectra, truths, strict=True):
        theirs = CustomCircuit(LEADS.circuit, initial_guess=list(_off(truth, rng)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.thread_time()
            try:
                theirs.fit(FREQUENCY, spectrum.impedance, weight_by_modulus=True, maxfev=EVALUATIONS)
            except (RuntimeError, ValueError):
                seconds += time.thread_time() - start
                continue
            seconds += time.thread_time() - start
            good += _succeeds(spectrum, theirs.predict(FREQUENCY), truth, circuit)
    return seconds / n, good / n


def _off(truth: FloatArray, rng: np.random.Generator) -> FloatArray:
    start = truth * 10 ** rng.uniform(-1, 1, truth.size)
    start[[4, 7, 9]] = rng.uniform(0.6, 0.98, 3)
    return start


def scipy_lm(n: int, starts: int = 20) -> tuple[float, float]:
    """Return mean seconds and success of scipy's LM on log parameters, best of some starts."""
    from scipy.optimize import least_squares

    circuit = eistool.Circuit(LEADS.circuit)
    spectra, truths = _spectra(LEADS, n, 3, NOISE)
    rng = np.random.default_rng(4)
    jw = 2j * np.pi * FREQUENCY
    log_jw = np.log(jw)
    seconds, good = 0.0, 0

    def z(x: FloatArray) -> ComplexArray:
        L, R0, R1, Q1, a1, R2, Q2, a2, Q3, a3 = np.exp(x)
        arcs = R1 / (1 + R1 * Q1 * np.exp(a1 * log_jw)) + R2 / (1 + R2 * Q2 * np.exp(a2 * log_jw))
        total: ComplexArray = jw * L + R0 + arcs + np.exp(-a3 * log_jw) / Q3
        return total

    for spectrum, truth in zip(spectra, truths, strict=True):
        measured = spectrum.impedance

        def residual(x: FloatArray, measured: ComplexArray = measured) -> FloatArray:
            with np.errstate(all="ignore"):
                r = (z(x) - measured) / np.abs(measured)
            both: FloatArray = np.concatenate([r.real, r.imag])
            return np.nan_to_num(both, nan=1e6, posinf=1e6, neginf=-1e6)

        start = time.thread_time()
        fits = [
            least_squares(residual, np.log(_off(truth, rng)), method="lm", max_nfev=EVALUATIONS)
            for _ in range(starts)
        ]
        seconds += time.thread_time() - start
        best = min(fits, key=lambda fit: fit.cost)
        good += _succeeds(spectrum, z(best.x), truth, circuit)
    return seconds / n, good / n


def ours(
    case: Case, n: int, noise: float = NOISE, jobs: int = 1, clock: Callable[[], float] = time.thread_time
) -> tuple[float, float]:
    """Return mean seconds and success of ``fit_many``."""
    spectra, truths = _spectra(case, n, 3, noise)
    circuit = eistool.Circuit(case.circuit)
    start = clock()
    results = eistool.fit_many(spectra, circuit, jobs=jobs)
    seconds = clock() - start
    good = [_succeeds(s, r.impedance, t, circuit) for s, r, t in zip(spectra, results, truths, strict=True)]
    return seconds / n, float(np.mean(good))


def overhead(case: Case, n: int) -> float:
    """Return mean seconds of ``fit_many`` outside the kernels."""
    inside = 0.0

    def timed(kernel: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            nonlocal inside
            start = time.thread_time()
            result = kernel(*arguments)
            inside += time.thread_time() - start
            return result

        return run

    with contextlib.ExitStack() as patches:
        for module, name in KERNELS:
            patches.enter_context(mock.patch.object(module, name, timed(getattr(module, name))))
        seconds, _ = ours(case, n)
    return seconds - inside / n


def first_fit(cache: Path) -> float:
    """Return the CPU seconds of a new process that fits one spectrum."""
    code = (
        "import time, numpy as np, eistool\n"
        "f, values = np.geomspace(1e6, 0.1, 71), [10, 100, 1e-5, 0.9]\n"
        f"s = eistool.simulate({CASES[0].circuit!r}, f, values, noise=0.005)\n"
        f"eistool.fit(s, {CASES[0].circuit!r})\n"
        "print(time.process_time())"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return float(run.stdout)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=1000, help="for ours")
    parser.add_argument("--peers", type=int, default=20, help="spectra for the slow peers")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    theta = np.array([-5.0, 0, 0.3, -2, 0.8, 0.2, 3, 0.7, 1, 0.8])
    omega = np.geomspace(1e-3, 1e3, 71)
    c, kernel = c_microseconds(theta, omega), our_microseconds(theta, omega)
    print(f"Z and Jacobian of (ii), 71 points: {kernel:.3f} us; C {c:.3f} us; ratio {kernel / c:.2f}")
    eistool.fit_many(_spectra(LEADS, 2, 0, NOISE)[0], LEADS.circuit)
    for case, noise in [*((case, NOISE) for case in CASES), (CASES[2], 0.001)]:
        seconds, success = ours(case, options.spectra, noise)
        relative = seconds * 1e6 / c
        figures = f"{1e3 * seconds:7.3f} ms, success {success:7.2%}; {relative:.0f} x C"
        print(f"{case.name:26s} noise {noise:.1%} {figures}")
    print(f"of which outside the kernels, (i): {1e6 * overhead(CASES[0], options.spectra):.0f} us")
    walls = [ours(LEADS, options.spectra, jobs=jobs, clock=time.perf_counter)[0] for jobs in (1, 2)]
    print(f"two threads: {walls[0] / walls[1]:.2f} x one")
    one, success = ours(LEADS, options.spectra)
    for name, (seconds, share) in {
        "impedance.py": impedance_py(options.peers),
        "scipy lm, 20 starts": scipy_lm(options.peers),
    }.items():
        ratio = seconds / one
        print(f"(ii): {name} {1e3 * seconds:.0f} ms, success {share:.0%}: {ratio:.0f} x ours ({success:.2%})")
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = first_fit(Path(folder)), first_fit(Path(folder))
        print(f"first fit of a process: {cold:.1f} s compiling, {warm:.2f} s after")


if __name__ == "__main__":
    main()
