"""Coverage of the 95 % intervals over the circuit library.

Run ``python -m tests.benchmarks.coverage --spectra 1000 --noise 0.001 0.005 0.01``. The parameters of each
library circuit are drawn from its ranges (log-uniformly, exponents uniformly); its spectrum at the
frequencies of its example gets normally distributed noise, and is fitted without start values.
The output for each circuit and noise is:

- success: the share whose chi2 is within 5 % of chi2 at the true parameters, or below;
- over all pairs of parameter and spectrum that were reported ``ok``: the share whose interval
  ci_low...ci_high, and value ± t stderr, holds the truth, each with its standard error
  (binomial, with the quantities of a spectrum counted as one draw);
- the same for what follows from the parameters: R, tau and C_eff of the processes with status ``ok``, and
  the total resistance;
- with ``--from-truth`` the share of fits that a fit from the true parameters does not improve by more than
  0.3 variances, and the coverage among these: the rest is the search's fault;
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
from eistool.circuit.library import LibraryCircuit, load_library
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
    """One spectrum: simulated and fitted values."""

    truth: FloatArray
    result: FitResult
    success: bool
    found: bool
    milliseconds: float


@dataclass(frozen=True)
class Outcome:
    """Quantities reported ok, and intervals that cover the truth; arrays of shape (spectra, quantities)."""

    names: tuple[str, ...]
    n_parameters: int  # the leading quantities; the rest follows from them
    ok: BoolArray
    inside: BoolArray  # value ± t stderr
    inside_ci: BoolArray
    success: BoolArray
    found: BoolArray  # no fit that starts at the truth does better
    milliseconds: FloatArray


def draw(entry: LibraryCircuit, rng: np.random.Generator, at_bounds: bool = False) -> FloatArray:
    """Return random parameters of a circuit, with exchangeable arcs sorted by time constant."""
    circuit = entry.circuit
    values = np.empty(len(circuit.parameters))
    exponents = [i for i, spec in enumerate(circuit.specs) if spec.kind == "exponent"]
    for i, name in enumerate(circuit.parameters):
        low, high = entry.ranges[name]
        values[i] = (
            rng.uniform(low, high) if i in exponents else math.exp(rng.uniform(math.log(low), math.log(high)))
        )
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
    entry: LibraryCircuit,
    spectra: int,
    noise: float,
    seed: int = 1,
    at_bounds: bool = False,
    from_truth: bool = False,
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
        found = True
        if from_truth:
            start_values = dict(zip(circuit.parameters, truth.tolist(), strict=True))
            (best,) = eistool.fit_many([spectrum], circuit, jobs=1, start=start_values)
            found = not result.chi2 > best.chi2 + 0.3 * best.chi2_reduced
        success = result.chi2 <= 1.05 * chi2_at(spectrum, circuit, truth)
        yield Trial(truth, result, success, found, milliseconds)


def quantities(result: FitResult) -> dict[str, tuple[float, float, str, bool]]:
    """Return value, standard error, status and linearity of the interval of all reported quantities."""
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
    entry: LibraryCircuit,
    spectra: int,
    noise: float,
    seed: int = 1,
    at_bounds: bool = False,
    from_truth: bool = False,
) -> Outcome:
    """Fit random spectra of one circuit, and locate the truth in the intervals."""
    names: tuple[str, ...] = ()
    rows, success, reached, times = [], [], [], []
    for trial in trials(entry, spectra, noise, seed, at_bounds, from_truth):
        success.append(trial.success)
        times.append(trial.milliseconds)
        if not trial.result.success:
            continue
        reached.append(trial.found)
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
        np.array(reached),
        np.array(times),
    )


def share(inside: BoolArray, ok: BoolArray) -> str:
    """Return a share in percent with its standard error; the quantities of a spectrum count as one draw."""
    n = int(ok.sum())
    if n == 0:
        return "     -      "
    p = inside.sum() / n
    spread = (inside - p * ok).reshape(ok.shape[0], -1).sum(axis=1)
    return f"{100 * p:5.1f} ± {100 * max(math.sqrt(float(spread @ spread)), 0.5) / n:3.1f}"


def main() -> None:
    """Print the coverage of each circuit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circuit", nargs="+", metavar="NAME", help="by default the whole library")
    parser.add_argument("--spectra", type=int, default=1000)
    parser.add_argument("--noise", type=float, nargs="+", default=NOISE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-bounds", action="store_true", help="one exponent of each circuit is 1")
    parser.add_argument("--from-truth", action="store_true", help="fit again from the truth, and compare")
    parser.add_argument("--parameters", action="store_true", help="a line for each quantity")
    options = parser.parse_args()
    entries = [entry for entry in load_library() if not options.circuit or entry.name in options.circuit]
    eistool.fit(eistool.simulate("R0-C1", FREQUENCY, [1, 1], noise=0.01), "R0-C1")  # compile
    for noise in options.noise:
        print(f"noise {noise:.2%} of |Z|, {options.spectra} spectra a circuit")
        outcomes = []
        for entry in entries:
            outcome = measure(entry, options.spectra, noise, options.seed, options.at_bounds, options.from_truth)
            outcomes.append((entry.name, outcome))
            _print_circuit(entry.name, outcome, options.parameters)
        _print_summary(outcomes)


def _print_circuit(name: str, o: Outcome, every: bool) -> None:
    parts = [slice(None, o.n_parameters), slice(o.n_parameters, None)]
    text = [f"ci {share(o.inside_ci[:, s], o.ok[:, s])} stderr {share(o.inside[:, s], o.ok[:, s])}" for s in parts]
    if not o.found.all():
        text.append(f"best minimum found {o.found.mean():6.1%}, ci there ")
        text[-1] += share(o.inside_ci[o.found, parts[0]], o.ok[o.found, parts[0]])
    print(
        f"{name:24s} success {o.success.mean():6.1%}  ok {o.ok[:, parts[0]].mean():6.1%}  "
        f"parameters {text[0]}  derived {'  '.join(text[1:])}  {o.milliseconds.mean():6.2f} ms",
        flush=True,
    )
    for q, quantity in enumerate(o.names if every else ()):
        ok = o.ok[:, q]
        print(
            f"    {quantity:18s} ok {ok.mean():6.1%}  ci {share(o.inside_ci[:, q], ok)}"
            f"  stderr {share(o.inside[:, q], ok)}"
        )


def _print_summary(outcomes: list[tuple[str, Outcome]]) -> None:
    for title, derived in (("parameters", False), ("derived", True)):
        parts = [(o, slice(o.n_parameters, None) if derived else slice(o.n_parameters)) for _, o in outcomes]
        totals = []
        for kept in (None, "found"):
            masks = [(o, s, getattr(o, kept) if kept else slice(None)) for o, s in parts]
            ok = np.concatenate([o.ok[m, s].sum(axis=1) for o, s, m in masks])
            ci = np.concatenate([o.inside_ci[m, s].sum(axis=1) for o, s, m in masks])
            stderr = np.concatenate([o.inside[m, s].sum(axis=1) for o, s, m in masks])
            totals.append(f"ci {share(ci, ok)}  stderr {share(stderr, ok)}")
        outside, judged = [], 0
        for name, o in outcomes:
            for q in range(o.n_parameters) if not derived else range(o.n_parameters, len(o.names)):
                n, inside = int(o.ok[:, q].sum()), int(o.inside_ci[:, q].sum())
                judged += n >= ENOUGH
                if n >= ENOUGH and not TARGET[0] <= inside / n <= TARGET[1]:
                    outside.append(f"{name} {o.names[q]} {share(o.inside_ci[:, q], o.ok[:, q])}")
        reported = np.mean(np.concatenate([o.ok[:, s].ravel() for o, s in parts]))
        print(
            f"all {title}: {totals[0]}; where no better minimum is known: {totals[1]}; "
            f"reported ok {reported:.1%}; {len(outside)} of {judged} quantities with {ENOUGH} or more ok "
            f"lie outside {TARGET[0]:.0%}-{TARGET[1]:.0%}"
        )
        for line in outside:
            print(f"    {line}")


if __name__ == "__main__":
    main()
