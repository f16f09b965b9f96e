"""Do errors hold where no circuit is exact?

Run ``python -m tests.benchmarks.misfit --seeds 60 --first 700000``. Spectra of seven kinds that no circuit
describes (log-normal and skewed arcs, porous electrodes, diffusion into particles of many sizes, leads with
skin effect, artefacts at the window's ends, drift), and of four kinds that one does, are fitted with the
candidates of an unknown cell. For each kind and method a line gives, for R_inf, R_total and the R of arcs,

- cov: the share of 95 % intervals value ± 1.96 u that hold the truth, in %, and >3u: the share further off;
- u, err: medians of u and of the error, in % of the truth;
- given: the share of the true quantities for which there is a number, in %; for ``blocking`` that is the
  share of spectra that have a total resistance although direct current is blocked.

A true arc is compared with the arc whose time constant is nearest, within 0.7 decade. ``noise`` is the
circuit that BIC takes, with the errors of its noise; ``misfit`` averages over the circuits that describe the
data, with errors that know the misfit. With ``--sweeps 80``, R_inf of the even and of the odd points of
measured sweeps in ``EISTOOL_REAL_DATA`` are compared instead.
"""

import argparse
import math
import os
import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

import eistool
from eistool import Metadata, Spectrum, compare_circuits
from eistool.circuit.limits import dc_resistance
from eistool.fitting import FitResult, Process, RankedCircuit
from eistool.fitting.averages import assign_arcs, average_over_circuits, gather_arcs
from eistool.fitting.misfit import Arcs, Misfit, MisfitModes, assess_misfit, misfit_basis, prior_of, steps_of
from eistool.fitting.weights import standard_deviation
from eistool.jobs.candidates import candidates
from eistool.typing import FloatArray
from tests.benchmarks.inexact import MISFIT, RIGHT, Truth, make

NEAREST = 0.7  # decades of tau: the same arc
LEAST_SHARE = 0.05  # of the weight, with circuits that pass direct current
WIDE = 0.5  # u/value from which there is no number
LEAST_POINTS = 20  # of a measured sweep to be halved


@dataclass(frozen=True)
class Estimate:
    """A number and its standard uncertainty."""

    value: float
    u: float
    given: bool


MISSING = Estimate(math.nan, math.nan, False)


@dataclass(frozen=True)
class Answer:
    """What a method makes of a spectrum."""

    R_inf: Estimate
    R_total: Estimate  # not given where the circuit blocks
    arcs: tuple[tuple[float, Estimate], ...]  # tau and R


Method = Callable[[Sequence[RankedCircuit]], Answer]


def by_noise(ranked: Sequence[RankedCircuit]) -> Answer:
    """Return the numbers of the circuit that BIC takes, with the errors of its noise."""
    result = ranked[0].result
    if not result.success:
        return Answer(MISSING, MISSING, ())
    r0, total = result.parameters.get("R0"), result.total_resistance
    return Answer(
        Estimate(r0.value, r0.stderr, r0.status == "ok") if r0 else MISSING,
        Estimate(total.value, total.stderr, total.status == "ok"),
        tuple((p.tau, Estimate(p.R, p.u_R, p.status == "ok")) for p in result.processes),
    )


@dataclass(frozen=True)
class Assessed:
    """A fit with its arcs and its misfit."""

    result: FitResult
    processes: tuple[Process, ...]
    misfit: Misfit
    steps: FloatArray  # dp/dΔ of each free parameter

    @property
    def tau(self) -> FloatArray:
        """Return the time constants of the arcs."""
        return np.array([process.tau for process in self.processes])

    def resistance(self, names: Sequence[str], arcs: Sequence[int] = ()) -> Estimate:
        """Return the sum of resistances, some of which may be arcs, with its error."""
        index = [self.result.circuit.index(name) for name in names]
        derivative = np.zeros(len(self.result.values))
        derivative[index] = 1.0
        return self._estimate(float(self.result.values[index].sum()), derivative, False, arcs)

    def at_high_frequency(self, edge: float) -> Estimate:
        """Return R0 with the arcs that are faster than the window: at its upper end they are a part of it."""
        return self.resistance(["R0", *(process.name for process in self.processes if process.tau < edge)])

    def total(self) -> Estimate:
        """Return the total resistance with its error."""
        value, derivative = dc_resistance(self.result.circuit, self.result.values)
        return self._estimate(value, derivative, True)

    def _estimate(
        self, value: float, derivative: FloatArray, direct_current: bool, arcs: Sequence[int] = ()
    ) -> Estimate:
        steps = derivative[self.result.free] * self.steps
        return Estimate(value, self.misfit.uncertainty(steps, direct_current, arcs), True)


def assess(result: FitResult, modes: MisfitModes) -> tuple[Assessed, float]:
    """Return a fit with its misfit, and the seconds that the misfit took."""
    used, free, specs = result.spectrum.mask, result.free, result.circuit.specs
    kinds = [spec.kind for spec, is_free in zip(specs, free, strict=True) if is_free]
    derivatives = result.circuit.jacobian(result.spectrum.frequency[used], result.values)[:, free]
    steps = steps_of(kinds, result.values[free], derivatives, result.spectrum.impedance[used])
    residual = (result.spectrum.impedance - result.impedance)[used]
    processes = result.processes
    R, tau, alpha = np.array([(p.R, p.tau, p.alpha) for p in processes]).reshape(-1, 3).T
    at_nodes = result.circuit.impedance(np.exp(-modes.basis.nodes) / (2 * np.pi), result.values)
    arcs = Arcs(R, tau, alpha, -at_nodes.imag)
    start = time.perf_counter()
    misfit = assess_misfit(
        residual, derivatives * steps, prior_of(kinds), modes, arcs, result.weighting == "noise"
    )
    return Assessed(result, processes, misfit, steps), time.perf_counter() - start


def modes_of(result: FitResult) -> MisfitModes:
    """Return the shapes of misfit for a spectrum."""
    spectrum, used = result.spectrum, result.spectrum.mask
    deviation = standard_deviation(spectrum, result.weighting)[used]
    return misfit_basis(spectrum.frequency[used]).modes(spectrum.impedance[used], deviation)


def by_misfit(ranked: Sequence[RankedCircuit]) -> Answer:
    """Return numbers averaged over the circuits that describe the data, or all where none does."""
    results = [one.result for one in ranked if one.result.success]
    results = [result for result in results if result.status == "ok"] or results
    if not results:
        return Answer(MISSING, MISSING, ())
    modes = modes_of(results[0])
    fits = [assess(result, modes)[0] for result in results]
    evidence = np.array([fit.misfit.log_evidence for fit in fits])

    def average(estimates: Sequence[Estimate], least: float = 0.0) -> Estimate:
        values, errors = np.array([e.value for e in estimates]), np.array([e.u for e in estimates])
        value, u, _ = average_over_circuits(values, errors, evidence)
        share = np.exp(evidence - evidence.max())
        enough = share[np.isfinite(values)].sum() >= least * share.sum()
        return Estimate(value, u, bool(enough and u < WIDE * value))

    edge = math.exp(-modes.basis.log_omega.max())
    r_inf = [fit.at_high_frequency(edge) if "R0" in fit.result.parameters else MISSING for fit in fits]
    heaviest = fits[int(np.argmax(evidence))]
    taus, _ = gather_arcs(np.array([process.R for process in heaviest.processes]), heaviest.tau)
    arcs = []
    for k, tau in enumerate(taus):
        found = []
        for fit in fits:
            own = np.flatnonzero(assign_arcs(fit.tau, taus) == k).tolist()
            found.append(fit.resistance([fit.processes[i].name for i in own], own) if own else MISSING)
        arcs.append((float(tau), average(found)))
    return Answer(average(r_inf), average([fit.total() for fit in fits], LEAST_SHARE), tuple(arcs))


METHODS: Mapping[str, Method] = MappingProxyType({"noise": by_noise, "misfit": by_misfit})


@dataclass(frozen=True)
class Row:
    """One true quantity and what a method says of it."""

    kind: str
    quantity: str
    truth: float
    estimate: Estimate


def compare(truth: Truth, answer: Answer) -> list[Row]:
    """Return a row for each true quantity."""
    total = "R_total" if math.isfinite(truth.R_total) else "blocking"
    rows = [
        Row(truth.kind, "R_inf", truth.R_inf, answer.R_inf),
        Row(truth.kind, total, truth.R_total, answer.R_total),
    ]
    for R, tau in truth.arcs:
        found = {abs(math.log10(t / tau)): estimate for t, estimate in answer.arcs}
        distance = min(found, default=math.inf)
        rows.append(Row(truth.kind, "arc", R, found[distance] if distance < NEAREST else MISSING))
    return rows


def statistics(rows: Sequence[Row]) -> list[float]:
    """Return coverage, share beyond 3 u, medians of u and error, and the share given; all in %."""
    given = [row for row in rows if row.estimate.given and math.isfinite(row.estimate.u)]
    truth, value, u = np.array([(row.truth, row.estimate.value, row.estimate.u) for row in given]).reshape(-1, 3).T
    share = len(given) / len(rows)
    if not given or not np.isfinite(truth).all():
        return [*[math.nan] * 4, 100 * share]
    error = np.abs(value - truth)
    found = np.mean(error <= 1.96 * u), np.mean(error > 3 * u), np.median(u / truth), np.median(error / truth)
    return [*(100 * float(x) for x in found), 100 * share]


def print_table(rows: Mapping[str, Sequence[Row]], kinds: Collection[str], title: str) -> None:
    """Print a line for each quantity, kind and method."""
    print(f"\n{title:34s}" + "".join(f"{head:>8s}" for head in ("n", "cov", ">3u", "u", "err", "given")))
    for quantity in ("R_inf", "R_total", "blocking", "arc"):
        for kind in (*kinds, "all"):
            among = kinds if kind == "all" else (kind,)
            for method, found in rows.items():
                own = [row for row in found if row.quantity == quantity and row.kind in among]
                if own:
                    cov, far, u, error, given = statistics(own)
                    figures = f"{len(own):8d}{cov:8.1f}{far:8.1f}{u:8.2f}{error:8.2f}{given:8.0f}"
                    print(f"{quantity:10s}{kind:15s}{method:9s}{figures}")


def halves(spectrum: Spectrum) -> list[Spectrum]:
    """Return the even and the odd points that are used."""
    place = np.cumsum(spectrum.mask)
    return [spectrum.with_mask(place % 2 == half, "the other half") for half in (0, 1)]


def compare_halves(folder: Path, n_sweeps: int, methods: Sequence[str]) -> None:
    """Print how often R_inf of the even and of the odd points of measured sweeps agree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = [spectrum for spectrum in eistool.read(folder) if spectrum.n_used >= LEAST_POINTS]
    files: dict[str, list[Spectrum]] = {}
    for spectrum in known:
        files.setdefault(spectrum.metadata.source or "", []).append(spectrum)
    # one file has nine tenths of all sweeps
    spectra = [sweeps[k] for sweeps in files.values() for k in sorted({0, len(sweeps) - 1})]
    chosen = [spectra[i] for i in np.unique(np.linspace(0, len(spectra) - 1, n_sweeps).astype(int))]
    circuits = candidates(Metadata())
    seconds: tuple[list[float], list[float]] = ([], [])
    pairs: dict[str, list[list[Estimate]]] = {method: [] for method in methods}
    for spectrum in chosen:
        both = [compare_circuits(half, circuits) for half in halves(spectrum)]
        for method, found in pairs.items():
            found.append([METHODS[method](ranked).R_inf for ranked in both])
        results = [one.result for one in both[0] if one.result.success]
        start = time.perf_counter()
        modes = modes_of(results[0])
        seconds[0].append(time.perf_counter() - start)
        seconds[1].extend(assess(result, modes)[1] for result in results)
    print(f"R_inf of the halves of {len(chosen)} of {len(known)} sweeps: medians, and shares in %")
    print(f"{'method':10s}{'numbers':10s}{'n':>6s}{'agree':>8s}{'u':>8s}{'differ':>8s}")
    for method, found in pairs.items():
        for which, counted in (
            ("given", [all(e.given for e in pair) for pair in found]),
            ("all", [True] * len(found)),
        ):
            own = [pair for pair, counts in zip(found, counted, strict=True) if counts]
            values, u = np.array([[(e.value, e.u) for e in pair] for pair in own]).transpose(2, 1, 0)
            differ, u_both, size = np.abs(values[0] - values[1]), np.hypot(*u), np.abs(values[0])
            figures = np.mean(differ <= 1.96 * u_both), np.nanmedian(u_both / size), np.nanmedian(differ / size)
            print(f"{method:10s}{which:10s}{len(own):6d}" + "".join(f"{100 * x:8.2f}" for x in figures))
    shapes, fits = (1e3 * np.median(taken) for taken in seconds)
    print(
        f"shapes of misfit: {shapes:.2f} ms a spectrum; misfit: {fits:.2f} ms a circuit ({len(seconds[1])} fits)"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60, help="spectra of each kind")
    parser.add_argument("--first", type=int, default=700000, help="first seed")
    parser.add_argument("--kinds", nargs="+", choices=[*MISFIT, *RIGHT], default=[*MISFIT, *RIGHT])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--sweeps", type=int, default=0, help="measured sweeps to take halves of, instead")
    arguments = parser.parse_args()
    if arguments.sweeps:
        folder = os.environ.get("EISTOOL_REAL_DATA")
        if not folder:
            parser.error("--sweeps needs the folder of measured spectra in EISTOOL_REAL_DATA")
        compare_halves(Path(folder), arguments.sweeps, arguments.methods)
        return
    circuits = candidates(Metadata())
    rows: dict[str, list[Row]] = {method: [] for method in arguments.methods}
    for kind in arguments.kinds:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            truth = make(kind, seed)
            ranked = compare_circuits(Spectrum(truth.frequency, truth.impedance, label=f"{kind} {seed}"), circuits)
            for method, found in rows.items():
                found += compare(truth, METHODS[method](ranked))
    for kinds, title in ((MISFIT, "no circuit is exact"), (RIGHT, "a circuit is exact")):
        print_table(rows, [kind for kind in kinds if kind in arguments.kinds], title)


if __name__ == "__main__":
    main()
