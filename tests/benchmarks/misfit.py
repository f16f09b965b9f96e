"""Coverage of errors where no circuit is exact.

Run ``python -m tests.benchmarks.misfit --seeds 60 --first 700000``. Spectra of seven kinds that no circuit
describes (log-normal and skewed arcs, porous electrodes, diffusion into particles of many sizes, leads with
skin effect, artefacts at the window's ends, drift), and of four kinds that one does, are fitted as
``eistool fit`` fits spectra of an unknown cell. For each kind and method a line gives, for R_inf, R_total and
the R of arcs,

- cov: share of 95 % intervals value ± 1.96 u that hold the truth, in %, and >3u: share further off;
- u, err: medians of u and of the error, in % of the truth;
- given: share of the true quantities with a value, in %; for ``blocking``, the share of blocking cells that
  are reported as such.

A true arc is compared with the arc whose time constant is nearest, within 0.7 decade. ``noise`` is the best
circuit by BIC with the errors of its noise; ``fit`` holds the averages over circuits. With ``--sweeps 80``,
R_inf of the even and of the odd points of measured sweeps in ``EISTOOL_REAL_DATA`` are compared instead.
"""

import argparse
import math
import os
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

import eistool
from eistool import FitResult, Metadata, Spectrum
from eistool.circuit.limits import dc_resistance
from eistool.constants import TWO_SIDED_95
from eistool.fitting import Quantity, average
from eistool.jobs.candidates import candidates, choose, leave_out
from eistool.jobs.check import prepare
from eistool.jobs.drt import distribution
from eistool.jobs.fit import FitOptions, fit_candidates, fit_circuit
from tests.benchmarks.inexact import MISFIT, RIGHT, Truth, make

NEAREST = 0.7  # decades of tau: the same arc
WIDE = 0.5  # u/value from which there is no number
LEAST_POINTS = 20  # of a measured sweep to be halved


@dataclass(frozen=True)
class Estimate:
    """Value with its standard uncertainty."""

    value: float
    u: float
    given: bool

    @classmethod
    def of(cls, quantity: Quantity) -> "Estimate":
        """Return the estimate of a quantity; one that is not resolved keeps its interval."""
        if quantity.status == "ok":
            return cls(quantity.value, quantity.u, True)
        middle, u = (quantity.low + quantity.high) / 2, (quantity.high - quantity.low) / (2 * TWO_SIDED_95)
        return cls(middle, u, quantity.status == "blocking")


MISSING = Estimate(math.nan, math.nan, False)


@dataclass(frozen=True)
class Answer:
    """Estimates of a method for one spectrum."""

    R_inf: Estimate
    R_total: Estimate
    arcs: tuple[tuple[float, Estimate], ...]  # tau and R


@dataclass(frozen=True)
class Fits:
    """Fits of all candidates to a spectrum, as ``eistool fit`` makes them, and the one that it takes."""

    chosen: FitResult
    results: tuple[FitResult, ...]

    @classmethod
    def of(cls, spectrum: Spectrum) -> "Fits":
        """Return the fits of a spectrum of an unknown cell."""
        circuits, options = candidates(Metadata()), FitOptions()
        prepared = prepare(spectrum, options.mask, options.weighting).spectrum
        results = fit_candidates(prepared, circuits, distribution(prepared), options)
        chosen = choose(results, Metadata(), circuits)
        options = replace(options, weighting=chosen.weighting)
        smaller, _ = leave_out(
            chosen, lambda circuit, start: fit_circuit(chosen.spectrum, circuit, options, start)
        )
        return cls([chosen, *smaller][-1], (*results, *smaller))


def by_noise(fits: Fits) -> Answer:
    """Return the values of the best circuit by BIC, with the errors of its noise."""
    result = min((fit for fit in fits.results if fit.success), key=lambda fit: (fit.status != "ok", fit.bic))
    assert result.noise_covariance is not None
    r0, (total, derivative) = result.parameters.get("R0"), dc_resistance(result.circuit, result.values)
    u_total = math.sqrt(max(float(derivative @ result.noise_covariance @ derivative), 0.0))
    blocks = math.isinf(total)
    arcs = []
    for process in result.processes:
        name = process.name if process.name in result.parameters else f"{process.name}.R"
        arcs.append((process.tau, Estimate(process.R, result.parameters[name].stderr_noise, True)))
    return Answer(
        Estimate(r0.value, r0.stderr_noise, r0.stderr_noise < WIDE * r0.value) if r0 else MISSING,
        Estimate(total, math.nan if blocks else u_total, blocks or u_total < WIDE * total),
        tuple(arcs),
    )


def by_fit(fits: Fits) -> Answer:
    """Return the averages over circuits, as ``fits.csv`` and ``processes.csv`` hold them."""
    averages = average(fits.chosen, fits.results)
    processes = zip(fits.chosen.processes, averages.processes, strict=True)
    return Answer(
        Estimate.of(averages.R_inf),
        Estimate.of(averages.R_total),
        tuple((process.tau, Estimate.of(quantity)) for process, quantity in processes),
    )


Method = Callable[[Fits], Answer]
METHODS: Mapping[str, Method] = MappingProxyType({"noise": by_noise, "fit": by_fit})


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
    if len(rows) and not math.isfinite(rows[0].truth):  # reported as blocking: without a value
        return [
            *[math.nan] * 4,
            100 * float(np.mean([row.estimate.given and math.isnan(row.estimate.u) for row in rows])),
        ]
    if not given:
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
    pairs: dict[str, list[list[Estimate]]] = {method: [] for method in methods}
    for spectrum in chosen:
        both = [Fits.of(half) for half in halves(spectrum)]
        for method, found in pairs.items():
            found.append([METHODS[method](fits).R_inf for fits in both])
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
    rows: dict[str, list[Row]] = {method: [] for method in arguments.methods}
    for kind in arguments.kinds:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            truth = make(kind, seed)
            fits = Fits.of(Spectrum(truth.frequency, truth.impedance, label=f"{kind} {seed}"))
            for method, found in rows.items():
                found += compare(truth, METHODS[method](fits))
    for kinds, title in ((MISFIT, "no circuit is exact"), (RIGHT, "a circuit is exact")):
        print_table(rows, [kind for kind in kinds if kind in arguments.kinds], title)


if __name__ == "__main__":
    main()
