"""Success rate of fits without start values, and coverage of their intervals.

Run ``python -m tests.benchmarks.recovery --spectra 1000``. For each of four circuits, random spectra
(71 points, 1 MHz to 0.1 Hz, normally distributed noise of 0.5 % of |Z| on each part) are fitted without
start values. The output is:

- success: the share whose chi2 is within 5 % of chi2 at the true parameters, or below;
- coverage: the share of (parameter, spectrum) pairs with status ``ok`` whose interval value ± t stderr
  (95 %) holds the truth, over all parameters, and its least and largest value over the parameters;
- the share of parameters reported ``ok``, and the time a fit takes on one core.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import eistool
from eistool.fitting.intervals import t_quantile
from eistool.typing import FloatArray

FREQUENCY = np.geomspace(1e6, 0.1, 71)
NOISE = 0.005


@dataclass(frozen=True)
class Case:
    """Circuit with the distribution of its parameters."""

    name: str
    circuit: str
    draw: Callable[[np.random.Generator], FloatArray]  # arcs within the window, at least 0.7 decades apart


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a log-uniform random number between two ends."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def arcs(rng: np.random.Generator, n: int, low: float = 1e-6, high: float = 0.3) -> list[float]:
    """Return R, Q, alpha of n arcs, ordered by tau."""
    while True:
        tau = np.sort(np.exp(rng.uniform(np.log(low), np.log(high), n)))
        if n == 1 or np.diff(np.log10(tau)).min() > 0.7:
            break
    values: list[float] = []
    for t in tau:
        R, alpha = log_uniform(rng, 20, 500), rng.uniform(0.7, 1.0)
        values += [R, t**alpha / R, alpha]
    return values


def _single(rng: np.random.Generator) -> FloatArray:
    return np.array([log_uniform(rng, 5, 100), *arcs(rng, 1)])


def _leads(rng: np.random.Generator) -> FloatArray:
    two = arcs(rng, 2, 1e-6, 1e-2)
    return np.array(
        [
            log_uniform(rng, 1e-7, 3e-6),
            log_uniform(rng, 5, 100),
            *two,
            log_uniform(rng, 1e-3, 1e-1),
            rng.uniform(0.7, 0.95),
        ]
    )


def _three(rng: np.random.Generator) -> FloatArray:
    return np.array(
        [log_uniform(rng, 5, 100), *arcs(rng, 3, 1e-6, 3e-2), log_uniform(rng, 20, 500), log_uniform(rng, 0.3, 30)]
    )


def _randles(rng: np.random.Generator) -> FloatArray:
    R, tau, alpha = log_uniform(rng, 20, 500), log_uniform(rng, 1e-5, 1e-2), rng.uniform(0.7, 1.0)
    return np.array([log_uniform(rng, 5, 100), R, log_uniform(rng, 5, 200), tau**alpha / R, alpha])


CASES = (
    Case("one arc", "R0-p(R1,CPE1)", _single),
    Case("leads, two arcs, blocking", "L0-R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", _leads),
    Case("three arcs, diffusion", "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-Wo1", _three),
    Case("Randles", "R0-p(R1-W1,CPE1)", _randles),
)


@dataclass(frozen=True)
class Outcome:
    """Outcome of one case."""

    success: float
    coverage: float  # of value ± t stderr
    coverage_ci: float  # of ci_low ... ci_high
    by_parameter: FloatArray
    ok: float
    milliseconds: float
    median_milliseconds: float


def chi2_at(spectrum: eistool.Spectrum, circuit: eistool.Circuit, values: FloatArray) -> float:
    """Return the sum of squares, weighted by the modulus, at these parameters."""
    z = spectrum.impedance
    return float(np.sum(np.abs((z - circuit.impedance(spectrum.frequency, values)) / np.abs(z)) ** 2))


def measure(case: Case, spectra: int, noise: float = NOISE, seed: int = 1) -> Outcome:
    """Fit random spectra of one case."""
    rng = np.random.default_rng(seed)
    circuit = eistool.Circuit(case.circuit)
    inside = np.zeros(len(circuit.parameters))
    inside_ci, ok = inside.copy(), inside.copy()
    success = 0
    times = []
    for _ in range(spectra):
        truth = case.draw(rng)
        spectrum = eistool.simulate(circuit, FREQUENCY, truth, noise=noise, seed=int(rng.integers(2**31)))
        start = time.perf_counter()
        result = eistool.fit(spectrum, circuit)
        times.append(time.perf_counter() - start)
        success += result.chi2 <= 1.05 * chi2_at(spectrum, circuit, truth)
        t = t_quantile(0.95, result.dof)
        for i, parameter in enumerate(result.parameters.values()):
            if parameter.status == "ok":
                ok[i] += 1
                inside[i] += abs(parameter.value - truth[i]) <= t * parameter.stderr
                inside_ci[i] += parameter.ci_low <= truth[i] <= parameter.ci_high
    return Outcome(
        success / spectra,
        inside.sum() / ok.sum(),
        inside_ci.sum() / ok.sum(),
        inside / np.maximum(ok, 1),
        ok.sum() / (spectra * len(ok)),
        1e3 * float(np.mean(times)),
        1e3 * float(np.median(times)),
    )


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=1000)
    parser.add_argument("--noise", type=float, default=NOISE)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    eistool.fit(eistool.simulate("R0-C1", FREQUENCY, [1, 1], noise=0.01), "R0-C1")  # compile
    print(f"{options.spectra} spectra a circuit, noise {options.noise:.2%} of |Z|")
    for case in CASES:
        o = measure(case, options.spectra, options.noise, options.seed)
        print(
            f"{case.name:28s} success {o.success:7.2%}   95 % intervals hold {o.coverage:6.2%} "
            f"(by parameter {o.by_parameter.min():.1%} to {o.by_parameter.max():.1%}; ci {o.coverage_ci:.2%})   "
            f"reported ok {o.ok:.1%}   mean {o.milliseconds:.2f} ms, median {o.median_milliseconds:.2f} ms a fit"
        )


if __name__ == "__main__":
    main()
