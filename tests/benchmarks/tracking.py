"""Detection rate and false alarms of new processes in series.

Run ``python -m tests.benchmarks.tracking``: random series of a cell with two arcs and a diffusion, whose
parameters move by 0.5 to 10 % from spectrum to spectrum, of five kinds: a new interphase (``birth``), nothing new
(``none``), a third arc that grows slowly from nearly nothing (``growing``), spectra that change while they
are measured (``drifted``), and arcs with a Gaussian distribution of ln τ (``gaussian``). A hit is a confirmed
``appeared`` at the right spectrum, a false alarm a series with any confirmed event that is not there. Beside
it stand the number of arcs that BIC chooses in each spectrum on its own, and the number of DRT peaks: there an
event is any change of that number. ``--speed`` times a series of 91 spectra instead.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import eistool
from eistool.tracking.accuracy import EvidenceFits, with_accuracy
from eistool.tracking.arc_count import _families
from eistool.typing import ComplexArray, FloatArray
from tests.tracking.series import cell

FREQUENCY = np.geomspace(1e6, 0.1, 57)  # eight points a decade
NOISES = (0.002, 0.005, 0.01)
WAYS = ("tracking", "spectrum", "peaks")
KINDS = ("birth", "none", "growing", "drifted", "gaussian")
CHANGES = 0.005, 0.1  # of ln of each parameter, from one spectrum to the next
LONGEST_DRIFT = 0.03  # of Z over a sweep
WIDTHS = 0.8, 2.0  # standard deviation of ln τ of Gaussian arcs


@dataclass(frozen=True)
class Case:
    """Random series with its truth."""

    series: eistool.Series
    kind: str
    noise: float
    born: int | None
    died: int | None
    tau: float
    share: float  # of the new arc in the total resistance


def zarc(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
    """Return the impedance of an arc."""
    z: ComplexArray = np.asarray(R / (1 + (1j * omega * tau) ** alpha), dtype=np.complex128)
    return z


def gaussian(omega: FloatArray, R: float, tau: float, width: float) -> ComplexArray:
    """Return the impedance of relaxations whose ln τ is normally distributed."""
    x = np.linspace(-4, 4, 81)
    weight = np.exp(-0.5 * x**2)
    z: ComplexArray = (R / (1 + 1j * omega[:, None] * tau * np.exp(width * x))) @ (weight / weight.sum())
    return z


def wo(omega: FloatArray, R: float, tau: float) -> ComplexArray:
    """Return the impedance of a finite diffusion to a blocking end."""
    s = np.sqrt(1j * omega * tau)
    z: ComplexArray = R / (np.tanh(np.where(s.real > 20, 20, s)) * s)
    return z


def make(kind: str, seed: int) -> Case:
    """Return a random series of a kind."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    n = int(rng.integers(8, 21))
    noise = float(rng.choice(NOISES))
    omega = 2 * np.pi * FREQUENCY
    change = float(np.exp(rng.uniform(*np.log(CHANGES))))
    walks = np.exp(np.cumsum(rng.normal(0, change, (n, 8)) + rng.normal(0, change, 8), axis=0))
    R0, R1, R2 = rng.uniform(5, 50), rng.uniform(4, 20), rng.uniform(10, 60)
    tau1, tau2 = 10 ** rng.uniform(-5.5, -4.8), 10 ** rng.uniform(-3.9, -3.3)
    alpha1, alpha2 = rng.uniform(0.85, 0.95), rng.uniform(0.75, 0.9)
    widths = rng.uniform(*WIDTHS, 2)
    RW, tauW = rng.uniform(20, 100), 10 ** rng.uniform(1, 2)
    total = R0 + R1 + R2
    tau3, alpha3 = 10 ** rng.uniform(-2.5, -0.5), rng.uniform(0.7, 0.95)
    share = float(np.exp(rng.uniform(np.log(0.01), np.log(0.4))))
    born, died = int(rng.integers(2, n - 2)), None
    if kind == "birth" and rng.random() < 0.5 and born + 3 < n:
        died = int(rng.integers(born + 2, n))
    drift_from = int(rng.integers(0, n))
    spectra = []
    for s in range(n):
        w = walks[s]
        if kind == "gaussian":
            arcs = gaussian(omega, R1 * w[0], tau1 * w[1], widths[0]) + gaussian(
                omega, R2 * w[2], tau2 * w[3], widths[1]
            )
        else:
            arcs = zarc(omega, R1 * w[0], tau1 * w[1], alpha1) + zarc(omega, R2 * w[2], tau2 * w[3], alpha2)
        z = R0 * w[4] + 1j * omega * 1e-7 + arcs + wo(omega, RW * w[5], tauW * w[6])
        if kind == "birth" and born <= s and (died is None or s < died):
            z = z + zarc(omega, share * total * w[7], tau3, alpha3)
        if kind == "growing":
            z = z + zarc(omega, total * (0.005 + 0.15 * s / (n - 1)), tau3, alpha3)
        if kind == "drifted" and s >= drift_from:
            periods = np.cumsum(1 / FREQUENCY)
            z = z + rng.uniform(-1, 1) * LONGEST_DRIFT * periods / periods[-1] * (z - R0)
        z = z + noise * np.abs(z) * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))
        spectra.append(eistool.Spectrum(FREQUENCY, z, eistool.Metadata(soc_pct=float(s)), f"{kind} {seed} #{s}"))
    is_birth = kind == "birth"
    return Case(eistool.Series(spectra, by="soc"), kind, noise, born if is_birth else None, died, tau3, share)


def by_series(case: Case) -> dict[str, Any]:
    """Return the events found by tracking."""
    tracks = eistool.track(case.series, jobs=1)
    events = [(e.kind, e.index, e.status, e.evidence["tau_s"], e.evidence["reason"]) for e in tracks.events]
    return {"events": events, "detectable": tracks.detectable(case.tau)}


def by_spectrum(case: Case) -> list[int]:
    """Return the number of arcs that BIC chooses in each spectrum on its own."""
    fits = EvidenceFits([with_accuracy(s) for s in case.series], 1)
    family = _families(fits)
    bic = []
    for k in (1, 2, 3, 4):
        results = fits.some(family.circuit(k), range(len(case.series)))
        bic.append([r.chi2 / max(r.noise_floor, 1.0) + 3 * k * np.log(r.n_data) for r in results])
    return [int(k) + 1 for k in np.argmin(bic, axis=0)]


def by_peaks(case: Case) -> list[int]:
    """Return the number of DRT peaks in each spectrum."""
    return [len([p for p in eistool.compute_drt(s).peaks if not p.edge]) for s in case.series]


def changes(counts: list[int]) -> list[tuple[str, int]]:
    """Return the indices at which a number changes."""
    steps = [(b - a, i + 1) for i, (a, b) in enumerate(itertools.pairwise(counts))]
    return [("appeared" if step > 0 else "disappeared", i) for step, i in steps if step]


def cases(kinds: tuple[str, ...], count: int, first: int) -> Iterator[Case]:
    """Yield random series."""
    for kind in kinds:
        for seed in range(first, first + count):
            yield make(kind, seed)


def truth(case: Case) -> list[tuple[str, int]]:
    """Return the true events."""
    found = [] if case.born is None else [("appeared", case.born)]
    return found + ([] if case.died is None else [("disappeared", case.died)])


def run(case: Case, known: dict[str, Any] | None, rivals: bool) -> dict[str, Any]:
    """Return a line of results, of which some may be known."""
    line = known
    if line is None:
        start = time.thread_time()
        own = by_series(case)
        line = {
            "kind": case.kind, "noise": case.noise, "n": len(case.series), "truth": truth(case), "tau": case.tau,
            "share": case.share, "seconds": time.thread_time() - start, "label": case.series[0].label, **own,
        }  # fmt: skip
    if rivals and "spectrum" not in line:
        line = line | {"spectrum": changes(by_spectrum(case)), "peaks": changes(by_peaks(case))}
    return line


def announced(line: dict[str, Any], way: str) -> list[tuple[str, int]] | None:
    """Return the events found by a method; None if it was not applied."""
    if way == "tracking":
        return [(kind, index) for kind, index, status, *_ in line["events"] if status == "confirmed"]
    return [(kind, index) for kind, index in line[way]] if way in line else None


def report(lines: list[dict[str, Any]]) -> None:
    """Print false events and births found, by kind."""
    for kind in KINDS:
        own = [line for line in lines if line["kind"] == kind]
        if not own:
            continue
        print(f"{kind}: {len(own)} series, {sum(line['seconds'] for line in own) / len(own):.2f} s each")
        for way in WAYS:
            told = [(line, found) for line in own if (found := announced(line, way)) is not None]
            false = sum(
                any([*event] not in [[*t] for t in line["truth"]] for event in found) for line, found in told
            )
            text = f"  {way:9s} false events in {false} of {len(told)} series"
            if kind == "birth":
                births = sum(any(k == "appeared" for k, _ in found) for _, found in told)
                text += f", births found {births}, at the right spectrum {sum(is_hit(*pair) for pair in told)}"
            if told:
                print(text)


def is_hit(line: dict[str, Any], found: list[tuple[str, int]]) -> bool:
    """Return whether the birth was detected at the right spectrum."""
    return ("appeared", line["truth"][0][1]) in found


def report_power(lines: list[dict[str, Any]]) -> None:
    """Print detected births by size and noise, and by time constant."""
    births = [line for line in lines if line["kind"] == "birth"]
    groups = {
        f"R_new/R_total {low:.2f}-{high:.2f}, noise {100 * noise:.1f} %": [
            b for b in births if low <= b["share"] < high and b["noise"] == noise
        ]
        for low, high in itertools.pairwise((0.01, 0.02, 0.05, 0.1, 0.2, 0.41))
        for noise in NOISES
    }
    groups |= {
        f"R_new/R_total above 0.05, log10 τ {low} to {high}": [
            b for b in births if b["share"] > 0.05 and low <= np.log10(b["tau"]) < high
        ]
        for low, high in itertools.pairwise((-2.5, -2.0, -1.5, -1.0, -0.5))
    }
    for name, own in groups.items():
        rates = []
        for way in WAYS:
            hits = [is_hit(b, found) for b in own if (found := announced(b, way)) is not None]
            rates += [f"{way} {np.mean(hits):.2f} of {len(hits)}"] if hits else []
        print(f"  {name}: hits {', '.join(rates)}")


def report_speed() -> None:
    """Print the processor time of 91 spectra with three arcs and a diffusion, on one core."""

    def after(hours: float) -> eistool.Spectrum:
        arcs = [(1 + 0.03 * hours, 1e-5, 0.9), (25 + 0.3 * hours, 3e-4, 0.8), (15 + 0.35 * hours**0.5, 3e-2, 0.8)]
        return cell(arcs, round(3 * hours), diffusion=(60.0, 30.0), time_h=hours)

    spectra = [after(k / 3) for k in range(91)]
    eistool.track(eistool.Series(spectra[:4], by="time"), jobs=1)  # compile
    start = time.thread_time()
    tracks = eistool.track(eistool.Series(spectra, by="time"), jobs=1)
    print(f"{len(spectra)} spectra: {time.thread_time() - start:.2f} s\n{tracks}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="series of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--rivals", action="store_true", help="also single spectra and DRT peaks")
    parser.add_argument(
        "--lines",
        nargs="*",
        type=Path,
        default=[],
        help="lines of JSON, one per series: what is there is kept, the rest added to the first",
    )
    parser.add_argument("--speed", action="store_true", help="only how long 91 spectra take")
    options = parser.parse_args()
    if options.speed:
        report_speed()
        return
    lines = [json.loads(line) for path in options.lines if path.exists() for line in path.read_text().splitlines()]
    found = {line["label"]: line for line in lines}
    for case in cases(tuple(options.kinds), options.count, options.first):
        label = case.series[0].label
        line = run(case, found.get(label), options.rivals)
        if line is not found.get(label) and options.lines:
            with options.lines[0].open("a") as file:
                file.write(json.dumps(line) + "\n")
        found[label] = line
    report(list(found.values()))
    if "birth" in options.kinds:
        report_power(list(found.values()))


if __name__ == "__main__":
    main()
