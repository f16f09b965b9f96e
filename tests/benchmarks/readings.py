"""Errors, features and time of readings.

Run ``python -m tests.benchmarks.readings --spectra 30 --seed 5000``. Simulated are spectra of seventeen kinds with
values drawn at random, 4 to 10 points per decade and noise of 0.1 to 1 % of |Z|. The truth is the curve without
noise on a fine grid; artefacts and drifts belong to it, since the plot shows them. Printed for each kind and
quantity are the share of truths within 1.96 u, the share beyond 3 u and the median u, all in %, and how many
there are; then features that the truth does not have, and those of the truth that were not given.

With ``EISTOOL_REAL_DATA`` follow the share of measured sweeps that have a quantity, and how often two halves of a
sweep agree within 1.96 u: every second point, with both ends. ``R_first`` and ``R_last`` are compared at the last
frequency that both halves reach, without sharing points. Of each file ``--most`` sweeps are taken at the most.
"""

import argparse
import math
import os
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import eistool
from eistool.drt import Reading
from eistool.drt.smooth_curve import smooth
from eistool.typing import BoolArray, ComplexArray, FloatArray
from tests.drt.truths import log_normal, skewed

QUANTITIES = ("R_first", "R_last", "R_phase", "R_intercept", "R_minimum", "apex")
FEATURES = QUANTITIES[3:]
PER_DECADE = 400  # points of the truth
SAME = 0.4  # decades: what is farther away is another feature
LEAST_HALF = 8  # points
Found = dict[str, list[tuple[float, float]]]  # value and lg f of each quantity


class Truth:
    """A curve and the frequencies at which it is measured."""

    def __init__(self, kind: str, seed: int) -> None:
        self.kind = kind
        self.rng = rng = np.random.default_rng([list(KINDS).index(kind), seed])
        self.high, self.low = 10 ** rng.uniform(5, 6.3), 10 ** rng.uniform(-2, -0.5)
        per_decade = rng.uniform(2, 3) if kind == "few points" else rng.choice([4, 6, 8, 10])
        self.frequency = np.geomspace(self.high, self.low, int(math.log10(self.high / self.low) * per_decade))
        self.noise = 10 ** rng.uniform(-3, -2)
        self.scale, (R0, R1, R2) = 10 ** rng.uniform(-2, 5), 10 ** rng.uniform(-0.5, 0.5, 3)
        fast = 10 ** rng.uniform(2.8, math.log10(self.high) - 1.3)
        slow = max(fast / 10 ** rng.uniform(1.6, 2.6), 6 * self.low)
        self.R0, self.R1, self.R2 = R0, R1, R2
        self.t1, self.t2, self.end = 1 / (2 * np.pi * np.array([fast, slow, self.low]))
        self.L = R0 / (2 * np.pi * self.high) * 10 ** rng.uniform(-2.5, 0.3) * (rng.random() < 0.5)
        self.a1, self.a2, self.tail = rng.uniform([0.72, 0.72, 0.6], [0.97, 0.97, 0.95])
        self.widths = rng.uniform(0.5, 1.3, 2)
        self.impedance = KINDS[kind](self)

    def curve(self, f: FloatArray) -> ComplexArray:
        """Return Z without noise."""
        z: ComplexArray = self.scale * self.impedance(f)
        return z

    def spectrum(self) -> eistool.Spectrum:
        """Return the points with noise."""
        f, rng = self.frequency, self.rng
        z = self.curve(f)
        sigma = self.noise * np.abs(z)
        if self.kind == "noisy end":
            sigma *= 1 + 10 ** rng.uniform(0.5, 1.7) * (self.low / f) ** rng.uniform(0.4, 1)
        z = z + sigma * (rng.standard_normal(f.size) + 1j * rng.standard_normal(f.size))
        if self.kind == "outliers":
            places = rng.choice(f.size, rng.integers(1, 4), replace=False)
            z[places] *= 1 + rng.uniform(0.03, 0.1, places.size) * np.exp(2j * np.pi * rng.random(places.size))
        return eistool.Spectrum(f, z)

    def readings(self) -> Found:
        """Return what the curve has, from high frequencies down."""
        f = np.geomspace(self.high, self.low, math.ceil(math.log10(self.high / self.low) * PER_DECADE))
        z, x = self.curve(f), np.log10(f)
        y = -z.imag
        crossed = []
        for i in np.flatnonzero((y[:-1] < 0) != (y[1:] < 0)):
            t = y[i] / (y[i] - y[i + 1])
            crossed.append((z.real[i] + t * (z.real[i + 1] - z.real[i]), x[i] + t * (x[i + 1] - x[i])))
        k = int(np.abs(np.angle(z)).argmin())
        turns = np.flatnonzero((y[1:-1] - y[:-2]) * (y[2:] - y[1:-1]) <= 0) + 1
        return {
            "R_first": [(z.real[0], x[0])],
            "R_last": [(z.real[-1], x[-1])],
            "R_phase": crossed[:1] or [(z.real[k], x[k])],
            "R_intercept": crossed[:1] if y[0] < 0 else [],
            "R_minimum": [(z.real[i], x[i]) for i in turns if y[i] < y[i - 1]],
            "apex": [(y[i], x[i]) for i in turns if y[i] > max(y[i - 1], 0)],
        }


Impedance = Callable[[FloatArray], ComplexArray]


def _circuit(text: str, values: Callable[[Truth], list[float]]) -> Callable[[Truth], Impedance]:
    def of(truth: Truth) -> Impedance:
        circuit, drawn = eistool.Circuit(text), values(truth)
        return lambda f: circuit.impedance(f, drawn)

    return of


_one_arc = _circuit("L0-R0-Zarc1", lambda t: [t.L, t.R0, t.R1, t.t1, t.a1])
_two_arcs = _circuit("L0-R0-Zarc1-Zarc2", lambda t: [t.L, t.R0, t.R1, t.t1, t.a1, t.R2, t.t2, t.a2])


def _lognormal(truth: Truth) -> Impedance:
    first, second = (
        log_normal(R, tau, s)
        for R, tau, s in zip((truth.R1, truth.R2), (truth.t1, truth.t2), truth.widths, strict=True)
    )
    if truth.kind == "skewed":
        first = skewed(truth.R1, truth.t1, truth.widths[0], 2 * truth.widths[0])
    return lambda f: (
        truth.R0 + 2j * np.pi * f * truth.L + first.impedance(2 * np.pi * f) + second.impedance(2 * np.pi * f)
    )


def _particles(truth: Truth) -> Impedance:
    """Diffusion into particles of many sizes."""
    sizes = np.linspace(-3, 3, 61)
    share = np.exp(-0.5 * sizes**2) / np.exp(-0.5 * sizes**2).sum()
    root = np.sqrt(truth.end * np.exp(truth.widths[0] * sizes))
    arc = _one_arc(truth)

    def impedance(f: FloatArray) -> ComplexArray:
        nu = np.sqrt(2j * np.pi * f)[:, None] * root
        z: ComplexArray = arc(f) + truth.R2 / ((nu * np.tanh(np.minimum(nu.real, 20) + 1j * nu.imag)) @ share)
        return z

    return impedance


def _pellet(t: Truth) -> list[float]:
    bulk = 10 ** t.rng.uniform(-1.0, 2.5) / (2 * np.pi * t.high)
    arcs = [t.R1, bulk, t.rng.uniform(0.95, 0.99), t.R2, max(t.t1, 50 * bulk), t.a2]
    return [*arcs, t.end**t.tail / (20 * t.R1), t.tail]


def _loop(truth: Truth) -> Impedance:
    arcs, tau = _two_arcs(truth), truth.t2 * 10 ** truth.rng.uniform(0.7, 1.2)
    return lambda f: arcs(f) - 0.4 * min(truth.R1, truth.R2) / (1 + 2j * np.pi * f * tau)


def _artefact(truth: Truth) -> Impedance:
    arcs, rng = _two_arcs(truth), truth.rng
    ends = [(g, 10 ** rng.uniform(-2.5, -1.7) * np.exp(2j * np.pi * rng.random()), rng.uniform(0.3, 1.2))
            for g in (truth.low, truth.high)]  # fmt: skip
    return lambda f: arcs(f) * (1 + sum(size * np.exp(-np.abs(np.log10(f / g)) / d) for g, size, d in ends))


def _drift(truth: Truth) -> Impedance:
    arcs, size = _two_arcs(truth), truth.rng.choice([-1, 1]) * truth.rng.uniform(0.005, 0.02)
    return lambda f: arcs(f) * (1 + size * truth.low / f)  # each point takes some periods


KINDS: dict[str, Callable[[Truth], Impedance]] = {
    "lognormal": _lognormal,
    "skewed": _lognormal,
    "particles": _particles,
    "porous": _circuit(
        "L0-R0-Zarc1-TLMct1",
        lambda t: [t.L, t.R0, t.R1, t.t1, t.a1, 0.05 * t.R2, t.R2, 2 * t.R2, t.t2**t.a2 / t.R2, t.a2],
    ),
    "one arc": _one_arc,
    "two arcs": _two_arcs,
    "arc and tail": _circuit(
        "L0-R0-Zarc1-CPE1", lambda t: [t.L, t.R0, t.R1, t.t1, t.a1, t.t2**t.tail / t.R2, t.tail]
    ),
    "tail": _circuit("L0-R0-CPE1", lambda t: [t.L, t.R0, t.end**t.tail / (30 * t.R2), t.tail]),
    "Randles": _circuit(
        "L0-R0-p(R1-Wo1,CPE1)", lambda t: [t.L, t.R0, t.R1, t.R2, 10 * t.t2, t.t1**t.a1 / t.R1, t.a1]
    ),
    "pellet": _circuit("Zarc1-Zarc2-CPE1", _pellet),
    "skin effect": _circuit(
        "La0-R0-Zarc1-Zarc2",
        lambda t: [0.3 * t.R0 / (2 * np.pi * t.high) ** 0.85, 0.85, t.R0, t.R1, t.t1, t.a1, t.R2, t.t2, t.a2],
    ),
    "loop": _loop,
    "few points": _two_arcs,
    "artefact": _artefact,
    "drift": _drift,
    "noisy end": _two_arcs,
    "outliers": _two_arcs,
}


class Score:
    """Errors by kind and quantity, and features that are false or missed."""

    def __init__(self) -> None:
        self.errors: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
        self.false: Counter[tuple[str, str]] = Counter()
        self.missed: Counter[tuple[str, str]] = Counter()

    def add(self, kind: str, readings: dict[str, list[Reading]], truth: Found) -> None:
        """Match readings with the truth."""
        for quantity in QUANTITIES:
            left = list(truth[quantity])
            for reading in readings[quantity]:
                x = math.log10(reading.frequency_Hz)
                nearest = min(left, key=lambda each: abs(each[1] - x), default=None)
                if quantity in FEATURES and (nearest is None or abs(nearest[1] - x) > SAME):
                    self.false[kind, quantity] += 1
                elif nearest is not None:
                    left.remove(nearest)
                    self.errors[kind, quantity].append((reading.value - nearest[0], reading.u, abs(nearest[0])))
            self.missed[kind, quantity] += len(left)

    def row(self, kinds: list[str]) -> str:
        """Return the cells of all quantities."""
        cells = []
        for quantity in QUANTITIES:
            errors = [each for kind in kinds for each in self.errors[kind, quantity]]
            if not errors:
                cells.append(" " * 20)
                continue
            off, u, value = np.array(errors).T
            within, beyond = 100 * np.mean(np.abs(off) <= 1.96 * u), 100 * np.mean(np.abs(off) > 3 * u)
            cells.append(f"{within:5.0f}{beyond:4.0f}{100 * np.median(u / value):6.2f}{len(errors):5d}")
        counts = [sum(table[kind, q] for kind in kinds for q in FEATURES) for table in (self.false, self.missed)]
        return " ".join([*cells, f"{counts[0]:6d} {counts[1]:6d}"])


def grouped(spectrum: eistool.Spectrum) -> dict[str, list[Reading]]:
    """Return the readings by quantity, those of a kind of feature together."""
    found: dict[str, list[Reading]] = {quantity: [] for quantity in QUANTITIES}
    for name, reading in eistool.take_readings(spectrum).items():
        found[next(quantity for quantity in QUANTITIES if name.startswith(quantity))].append(reading)
    return found


def simulate(count: int, seed: int) -> None:
    """Print the table of simulated spectra."""
    score, seconds = Score(), 0.0
    for kind in KINDS:
        for k in range(count):
            truth = Truth(kind, seed + k)
            spectrum = truth.spectrum()
            eistool.take_readings(spectrum)  # the grid is remembered
            start = time.process_time()
            readings = grouped(spectrum)
            seconds += time.process_time() - start
            score.add(kind, readings, truth.readings())
    heads = " ".join(f"{quantity:>20s}" for quantity in QUANTITIES)
    print(f"{'':12s} {heads}  false missed")
    for kind in KINDS:
        print(f"{kind:12s} {score.row([kind])}")
    print(f"{'all':12s} {score.row(list(KINDS))}")
    n = count * len(KINDS)
    print(f"{1e3 * seconds / n:.2f} ms a spectrum; false features in {100 * sum(score.false.values()) / n:.2f} %")


def sweeps(folder: Path, most: int) -> Iterator[tuple[str, eistool.Spectrum]]:
    """Yield data set and spectrum, evenly chosen from each file."""
    by_source: dict[str, list[eistool.Spectrum]] = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is not read
        spectra = eistool.read(folder)
    for spectrum in spectra:
        by_source[str(spectrum.metadata.source)].append(spectrum)
    for source, spectra in by_source.items():
        for i in np.unique(np.linspace(0, len(spectra) - 1, min(most, len(spectra))).astype(int)):
            yield source.split("/")[0], spectra[i]


def _part(spectrum: eistool.Spectrum, kept: BoolArray) -> eistool.Spectrum:
    return eistool.Spectrum(spectrum.frequency[kept], spectrum.impedance[kept])


def halves(spectrum: eistool.Spectrum) -> Iterator[tuple[str, float]]:
    """Yield quantities that both halves of a spectrum have, and their distance in standard errors."""
    order = np.argsort(spectrum.frequency[spectrum.mask], kind="stable")
    points = eistool.Spectrum(spectrum.frequency[spectrum.mask][order], spectrum.impedance[spectrum.mask][order])
    even = np.arange(len(points)) % 2 == 0
    ends = np.zeros(len(points), dtype=bool)
    ends[[0, -1]] = True
    one, other = (grouped(_part(points, kept | ends)) for kept in (even, ~even))
    for quantity in QUANTITIES[2:]:
        left = list(other[quantity])
        for a in one[quantity]:
            b = min(left, key=lambda each: abs(math.log(each.frequency_Hz / a.frequency_Hz)), default=None)
            if b and (quantity == "R_phase" or abs(math.log10(b.frequency_Hz / a.frequency_Hz)) < SAME):
                left.remove(b)
                yield quantity, abs(a.value - b.value) / math.hypot(a.u, b.u)
    curves = [smooth(points.frequency[kept], points.impedance[kept]) for kept in (even, ~even)]
    if curves[0] is None or curves[1] is None:
        return
    for quantity, end in (("R_first", -1), ("R_last", 0)):
        log_f = [float(c.log_x[end]) + math.log(c.unit) for c in curves if c]
        at = min(log_f) if end else max(log_f)
        seen = []
        for curve in filter(None, curves):
            x = min(max((at - math.log(curve.unit) - curve.log_x[0]) / curve.step, 0.0), curve.log_x.size - 1.0)
            i = min(int(x), curve.log_x.size - 2)
            point = curve.point(i, x - i)
            seen.append((point.value[0], np.linalg.norm(point.value_root[0])))
        yield quantity, float(abs(seen[0][0] - seen[1][0]) / np.hypot(seen[0][1], seen[1][1]))


def measured(folder: Path, most: int) -> None:
    """Print shares and agreement of halves of measured sweeps."""
    has: Counter[str] = Counter()
    distances: dict[str, list[float]] = defaultdict(list)
    n, seconds = 0, 0.0
    for _, spectrum in sweeps(folder, most):
        start = time.process_time()
        readings = grouped(spectrum)
        seconds += time.process_time() - start
        n += 1
        has.update(quantity for quantity in QUANTITIES if readings[quantity])
        if spectrum.n_used >= 2 * LEAST_HALF:
            for quantity, distance in halves(spectrum):
                distances[quantity].append(distance)
    print(f"\n{n} measured sweeps, {1e3 * seconds / n:.2f} ms each, their grids included")
    print(f"{'':12s} {'sweeps %':>9s} {'halves':>7s} {'agree %':>8s} {'beyond 3 u %':>13s}")
    for quantity in QUANTITIES:
        d = np.array(distances[quantity])
        print(f"{quantity:12s} {100 * has[quantity] / n:9.0f} {d.size:7d} {100 * np.mean(d <= 1.96):8.1f} "
              f"{100 * np.mean(d > 3):13.1f}")  # fmt: skip


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=30, help="of each kind")
    parser.add_argument("--seed", type=int, default=5000, help="of the first")
    parser.add_argument("--most", type=int, default=60, help="measured sweeps of a file")
    options = parser.parse_args()
    if options.spectra:
        simulate(options.spectra, options.seed)
    if folder := os.environ.get("EISTOOL_REAL_DATA"):
        measured(Path(folder), options.most)


if __name__ == "__main__":
    main()
