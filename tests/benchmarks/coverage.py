"""Do the 95 % intervals hold the truth, over the whole circuit library?

Run ``python -m tests.benchmarks.coverage --spectra 1000 --noise 0.001 0.005 0.01``. The parameters of each
library circuit are drawn from its own ranges (logarithmically, exponents evenly), its spectrum at the
frequencies of its own example gets normally distributed noise, and is fitted from no start values.
Printed are, for each circuit and noise,

- success: the share whose chi2 is within 5 % of chi2 at the true parameters, or below;
- over all pairs of parameter and spectrum that were reported ``ok``: the share whose interval
  ci_low...ci_high, and value ± t stderr, holds the truth, each with its binomial standard error;
- the same for what follows from the parameters: R, tau and C_eff of the processes with status ``ok``, and
  the total resistance;
- with ``--parameters`` a line for each quantity.

Arcs that may change places are compared in the order of their time constants, as fits return them.
``--at-bounds`` draws one exponent of each circuit at its upper bound, 1: the other parameters count.
"""

import argparse
import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import eistool
from eistool.circuit import LibraryCircuit, load_library
from eistool.circuit.program import compile_circuit
from eistool.fitting import FitResult
from eistool.fitting.intervals import interval, t_quantile
from eistool.typing import BoolArray, FloatArray
from tests.benchmarks.recovery import FREQUENCY, chi2_at

NOISE = (0.001, 0.005, 0.01)
ENOUGH = 400  # reported ok: below, a share of 95 % is not known to 1 %
TARGET = (0.93, 0.97)


@dataclass(frozen=True)
class Trial:
    """One spectrum: what was simulated, and what was found."""

    truth: FloatArray
    result: FitResult
    success: bool
    milliseconds: float


@dataclass(frozen=True)
class Outcome:
    """Which quantities were reported ok, and which intervals held them; arrays of shape (spectra, quantities)."""

    names: tuple[str, ...]
    n_parameters: int  # the leading quantities; the rest follows from them
    ok: BoolArray
    inside: BoolArray  # value ± t stderr
    inside_ci: BoolArray
    success: BoolArray
    milliseconds: FloatArray


def draw(entry: LibraryCircuit, rng: np.random.Generator, at_bounds: bool = False) -> FloatArray:
    """Return parameters from a circuit's ranges, its exchangeable arcs in the order of their time constants."""
    circuit = entry.circuit
    values = np.empty(len(circuit.parameters))
    exponents = [i for i, spec in enumerate(circuit.specs) if spec.kind == "exponent"]
    for i, name in enumerate(circuit.parameters):
        low, high = entry.ranges[name]
        values[i] = rng.uniform(low, high) if i in exponents else math.exp(rng.uniform(math.log(low), math.log(high)))
    if at_bounds and exponents:
        values[rng.choice(exponents)] = 1.0
    return _sorted(entry, values)


def _sorted(entry: LibraryCircuit, values: FloatArray) -> FloatArray:
    program = compile_circuit(entry.circuit, arcs=True)
    theta = program.to_theta(values, np.zeros(2))
    for code in set(program.arcs[:, 0]):
        arcs = program.arcs[program.arcs[:, 0] == code, 1:]
        by_tau = arcs[np.argsort(theta[arcs[:, 1]])]
        used = arcs >= 0
        theta[arcs[used]] = theta[by_tau[used]]
    return program.to_values(theta, np.zeros(2))[0]


def trials(
    entry: LibraryCircuit, spectra: int, noise: float, seed: int = 1, at_bounds: bool = False
) -> Iterator[Trial]:
    """Simulate and fit random spectra of one circuit."""
    rng = np.random.default_rng(seed)
    circuit = entry.circuit
    frequency = entry.example.frequency if entry.example else FREQUENCY
    for _ in range(spectra):
        truth = draw(entry, rng, at_bounds)
        spectrum = eistool.simulate(circuit, frequency, truth, noise=noise, seed=int(rng.integers(2**31)))
        start = time.perf_counter()
        (result,) = eistool.fit_many([spectrum], circuit, jobs=1)
        milliseconds = 1e3 * (time.perf_counter() - start)
        yield Trial(truth, result, result.chi2 <= 1.05 * chi2_at(spectrum, circuit, truth), milliseconds)


def quantities(result: FitResult) -> dict[str, tuple[float, float, str, bool]]:
    """Return value, standard error, status and whether its interval is linear, of all that a fit reports."""
    found = {
        name: (p.value, p.stderr, p.status, p.name.endswith(("alpha", "beta")))
        for name, p in result.parameters.items()
    }
    for process in sorted(result.processes, key=lambda process: process.name):
        for name in ("R", "tau", "C_eff"):
            value, stderr = getattr(process, name), getattr(process, f"u_{name}")
            found[f"{name} of {process.name}"] = (value, stderr, process.status, False)
    if result.success:
        total = result.total_resistance
        found["total resistance"] = (total.value, total.stderr, total.status, False)
    return found


def measure(
    entry: LibraryCircuit, spectra: int, noise: float, seed: int = 1, at_bounds: bool = False
) -> Outcome:
    """Fit random spectra of one circuit, and look where the truth lies."""
    names: tuple[str, ...] = ()
    rows, success, times = [], [], []
    for trial in trials(entry, spectra, noise, seed, at_bounds):
        success.append(trial.success)
        times.append(trial.milliseconds)
        if not trial.result.success:
            continue
        found = quantities(trial.result)
        true = quantities(dataclasses.replace(trial.result, values=trial.truth))
        names = tuple(found)
        t = t_quantile(0.95, trial.result.dof)
        row = []
        for name, (value, stderr, status, linear) in found.items():
            truth = true[name][0]
            known = status == "ok" and math.isfinite(value) and math.isfinite(truth) and stderr > 0
            low, high = interval(value, stderr, linear, trial.result.dof) if known else (math.nan, math.nan)
            row.append((known, abs(value - truth) <= t * stderr, low <= truth <= high))
        rows.append(row)
    ok, inside, inside_ci = np.moveaxis(np.array(rows, dtype=np.bool_), 2, 0)
    return Outcome(
        names,
        len(entry.circuit.parameters),
        ok,
        inside & ok,
        inside_ci & ok,
        np.array(success),
        np.array(times),
    )


def share(held: int, of: int) -> str:
    """Return a share in percent with its binomial standard error."""
    if of == 0:
        return "     -      "
    p = held / of
    return f"{100 * p:5.1f} ± {100 * math.sqrt(max(p * (1 - p), 0.25 / of) / of):3.1f}"


def main() -> None:
    """Print what holds, circuit by circuit, and what does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circuit", nargs="+", metavar="NAME", help="by default the whole library")
    parser.add_argument("--spectra", type=int, default=1000)
    parser.add_argument("--noise", type=float, nargs="+", default=NOISE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-bounds", action="store_true", help="one exponent of each circuit is 1")
    parser.add_argument("--parameters", action="store_true", help="a line for each quantity")
    options = parser.parse_args()
    entries = [entry for entry in load_library() if not options.circuit or entry.name in options.circuit]
    eistool.fit(eistool.simulate("R0-C1", FREQUENCY, [1, 1], noise=0.01), "R0-C1")  # compile
    for noise in options.noise:
        print(f"noise {noise:.2%} of |Z|, {options.spectra} spectra a circuit")  # noqa: T201
        outcomes = []
        for entry in entries:
            outcome = measure(entry, options.spectra, noise, options.seed, options.at_bounds)
            outcomes.append((entry.name, outcome))
            _print_circuit(entry.name, outcome, options.parameters)
        _print_summary(outcomes)


def _print_circuit(name: str, o: Outcome, every: bool) -> None:
    parts = [slice(None, o.n_parameters), slice(o.n_parameters, None)]
    text = [
        f"ci {share(int(o.inside_ci[:, s].sum()), int(o.ok[:, s].sum()))} "
        f"stderr {share(int(o.inside[:, s].sum()), int(o.ok[:, s].sum()))}"
        for s in parts
    ]
    reported = o.ok[:, parts[0]].mean()
    print(  # noqa: T201
        f"{name:24s} success {o.success.mean():6.1%}  ok {reported:6.1%}  parameters {text[0]}  derived {text[1]}"
        f"  {o.milliseconds.mean():6.2f} ms",
        flush=True,
    )
    for q, quantity in enumerate(o.names if every else ()):
        n = int(o.ok[:, q].sum())
        print(  # noqa: T201
            f"    {quantity:18s} ok {o.ok[:, q].mean():6.1%}  ci {share(int(o.inside_ci[:, q].sum()), n)}"
            f"  stderr {share(int(o.inside[:, q].sum()), n)}"
        )


def _print_summary(outcomes: list[tuple[str, Outcome]]) -> None:
    for title, derived in (("parameters", False), ("derived", True)):
        ok = held = held_stderr = judged = 0
        outside = []
        for name, o in outcomes:
            for q, quantity in enumerate(o.names):
                n, inside = int(o.ok[:, q].sum()), int(o.inside_ci[:, q].sum())
                if (q >= o.n_parameters) is not derived or n == 0:
                    continue
                ok, held, held_stderr = ok + n, held + inside, held_stderr + int(o.inside[:, q].sum())
                judged += n >= ENOUGH
                if n >= ENOUGH and not TARGET[0] <= inside / n <= TARGET[1]:
                    outside.append(f"{name} {quantity} {share(inside, n)}")
        print(  # noqa: T201
            f"all {title}: ci {share(held, ok)}  stderr {share(held_stderr, ok)}; "
            f"{len(outside)} of {judged} with {ENOUGH} or more ok lie outside {TARGET[0]:.0%}-{TARGET[1]:.0%}"
        )
        for line in outside:
            print(f"    {line}")  # noqa: T201


if __name__ == "__main__":
    main()
