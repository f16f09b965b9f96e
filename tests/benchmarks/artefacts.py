"""Instrument artefacts and noise: points left out, artefacts missed, and the effect on fits.

Run ``python -m tests.benchmarks.artefacts --spectra 200``. Printed are

- for clean spectra of all library circuits (values drawn from their ranges, noise of 0.1, 0.3 or 1 % of |Z|,
  30 to 90 points) the share of spectra, and of points, from which anything is left out;
- for injected artefacts the share of spectra with anything left out and with two thirds of the spoiled points
  (more than 3 % of |Z|, and three times the noise, beside the truth) left out, the share of all spoiled points,
  that of good points left out, and that of spectra which pass the Kramers-Kronig test afterwards; artefacts that
  are Kramers-Kronig consistent themselves cannot be found, and scatter of 3 % is to be kept;
- true against chosen kind of noise, also where |Z| varies by a factor of 10 at least, and errors of fits with the
  weights chosen relative to those with modulus weights;
- errors of R_inf and R_total in fits of the right circuit, with all points and without the artefacts;
- processor time of a clean spectrum, beside the Kramers-Kronig test;
- with ``EISTOOL_REAL_DATA``, measured sweeps that lose points, and their share.
"""

import argparse
import os
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import eistool
from eistool.circuit.library import LibraryCircuit, load_library
from eistool.errors import EistoolError
from eistool.typing import BoolArray, ComplexArray, FloatArray
from eistool.validation import choose_weighting, find_artefacts
from tests.benchmarks.coverage import draw
from tests.benchmarks.recovery import arcs, log_uniform

NOISE = (0.001, 0.003, 0.01)
SPOILED = 0.03
ARTEFACTS = (
    "negative Re at the high end",
    "deviation growing to the high end",
    "range switch at an end",
    "scatter of 20 % at the low end",
    "scatter of 3 %, to be kept",
    "outliers of 5 to 50 sigma",
    "growing deviation and scatter",
)
KINDS = ("relative", "relative, 0.5 %", "absolute", "mixture", "t3, both parts", "t3, each part")
TWO_ARCS = "L0-R0-p(R1,CPE1)-p(R2,CPE2)"


def window(rng: np.random.Generator) -> FloatArray:
    """Return descending frequencies."""
    return np.geomspace(10 ** rng.uniform(5, 6.8), 10 ** rng.uniform(-2, 0), int(rng.integers(30, 91)))


def drawn(library: tuple[LibraryCircuit, ...], rng: np.random.Generator) -> tuple[str, FloatArray, ComplexArray]:
    """Return a circuit's name, frequencies and exact impedance."""
    entry = library[rng.integers(len(library))]
    f = window(rng)
    return entry.name, f, entry.circuit.impedance(f, draw(entry, rng))


def noisy(f: FloatArray, z: ComplexArray, sigma: FloatArray, rng: np.random.Generator) -> eistool.Spectrum:
    """Return the spectrum with normal noise."""
    n = rng.standard_normal((2, f.size))
    return eistool.Spectrum(f, z + sigma * (n[0] + 1j * n[1]))


def spoil(
    kind: str, f: FloatArray, z: ComplexArray, noise: float, rng: np.random.Generator
) -> tuple[ComplexArray, BoolArray]:
    """Return an impedance with an artefact, and which points it spoils; frequencies descend."""
    n = f.size
    count = int(rng.integers(3, n // 4 + 1))
    factor = np.ones(n, dtype=np.complex128)
    if kind == "negative Re at the high end":  # a reference electrode with a stray capacitance
        x = f / f[count]
        coupled = np.sqrt(f / f[0]) * x / (x + 1j)
        factor -= rng.uniform(1.2, 3) * np.abs(z[0]) * coupled / z
    if "deviation" in kind:
        x = np.clip(np.log(f / f[count]) / np.log(f[0] / f[count]), 0, None)
        factor += log_uniform(rng, 0.05, 0.5) * np.exp(2j * np.pi * rng.random()) * x ** rng.uniform(0.5, 2)
    if kind == "range switch at an end":
        end = slice(None, count) if rng.random() < 0.5 else slice(n - count, None)
        factor[end] += rng.choice((-1, 1)) * rng.uniform(0.03, 0.1) * np.exp(1j * rng.uniform(-0.5, 0.5))
    if "scatter" in kind:
        size, number = (0.03, n // 4) if "kept" in kind else (0.2, int(rng.integers(4, 8)))
        normal = rng.standard_normal((2, number))
        factor[n - number :] += size * (normal[0] + 1j * normal[1])
    if kind.startswith("outliers"):
        places = rng.choice(np.arange(3, n - 3), rng.integers(1, 4), replace=False)
        sizes = noise * np.array([log_uniform(rng, 5, 50) for _ in places])
        factor[places] += sizes * np.exp(2j * np.pi * rng.random(places.size))
        return z * factor, factor != 1
    off = np.abs(factor - 1)
    return z * factor, (off > max(SPOILED, 3 * noise)) & ("kept" not in kind)


def print_clean(library: tuple[LibraryCircuit, ...], count: int, seed: int) -> None:
    """Print how often anything is left out of clean spectra, and how long the search takes."""
    masked, points, times, names = [], [], [], Counter[str]()
    for i in range(count):
        rng = np.random.default_rng([seed, 0, i])
        name, f, z = drawn(library, rng)
        spectrum = noisy(f, z, rng.choice(NOISE) * np.abs(z), rng)
        start = time.thread_time()
        test = eistool.check_kramers_kronig(spectrum)
        middle = time.thread_time()
        found = find_artefacts(spectrum, kramers_kronig=test)
        later = time.thread_time()
        choose_weighting(spectrum)
        times.append((middle - start, later - middle, time.thread_time() - later))
        masked.append(found.n_masked > 0)
        points.append((found.n_masked, f.size))
        names[name] += found.n_masked > 0
    lost, total = np.sum(points, axis=0)
    print(
        f"clean: something is left out of {np.mean(masked):.2%} of {count} spectra, {lost / total:.3%} of points"
    )
    print("       ", dict(+names))
    for name, column in zip(
        ("Kramers-Kronig test", "find_artefacts", "choose_weighting"), np.array(times).T, strict=True
    ):
        print(f"        {name:20s} median {1e3 * np.median(column):.2f} ms, mean {1e3 * np.mean(column):.2f} ms")


def print_found(library: tuple[LibraryCircuit, ...], count: int, seed: int) -> None:
    """Print what is found of each kind of artefact."""
    print(f"{'artefact, % of':36s} {'any':>5s} {'2/3':>5s} {'spoiled':>8s} {'good':>6s} {'passed':>7s}")
    for k, kind in enumerate(ARTEFACTS):
        rows = []
        for i in range(count):
            rng = np.random.default_rng([seed, 1 + k, i])
            noise = float(rng.choice(NOISE))
            _, f, exact = drawn(library, rng)
            z, spoiled = spoil(kind, f, exact, noise, rng)
            found = find_artefacts(noisy(f, z, noise * np.abs(z), rng))
            out = ~found.masked.mask
            hit, bad = np.count_nonzero(out & spoiled), np.count_nonzero(spoiled)
            lost, passed = np.count_nonzero(out & ~spoiled), found.kramers_kronig.passed is True
            rows.append([out.any(), 0 < bad <= 1.5 * hit, hit, bad, lost, f.size - bad, passed])
        any_, two_thirds, hits, all_bad, all_lost, good, passes = np.array(rows, dtype=float).sum(axis=0)
        share = (
            f"{100 * two_thirds / count:5.0f} {100 * hits / all_bad:8.0f}" if all_bad else f"{'-':>5s} {'-':>8s}"
        )
        rest = f"{100 * all_lost / good:6.2f} {100 * passes / count:7.0f}"
        print(f"{kind:36s} {100 * any_ / count:5.0f} {share} {rest}")


def with_noise(kind: str, f: FloatArray, z: ComplexArray, rng: np.random.Generator) -> eistool.Spectrum:
    """Return the spectrum with noise of a kind."""
    size = np.abs(z)
    relative = 0.005 if kind.endswith("0.5 %") else log_uniform(rng, 0.002, 0.02)
    middle = np.exp(np.log(size).mean())
    sigma = {"absolute": np.full(f.size, middle), "mixture": np.hypot(size, middle)}.get(kind, size)
    if kind.startswith("t3"):
        shape = (1, f.size) if "both" in kind else (2, f.size)
        scale = np.sqrt(rng.chisquare(3, shape) / 3) * np.ones((2, 1))
        n = rng.standard_normal((2, f.size)) / scale
        return eistool.Spectrum(f, z + relative * sigma * (n[0] + 1j * n[1]))
    return noisy(f, z, relative * sigma, rng)


def print_noise(library: tuple[LibraryCircuit, ...], count: int, seed: int) -> None:
    """Print true against chosen kind of noise."""
    chosen = ("modulus", "unit", "mixture", "modulus t", "unit t", "mixture t")
    for least in (1.0, 10.0):
        of = f"noise, % where |Z| varies {least:g}-fold" if least > 1 else "noise, % of"
        print(f"{of:36s}" + " ".join(f"{name:>9s}" for name in chosen))
        for k, kind in enumerate(KINDS):
            found: Counter[str] = Counter()
            for i in range(count):
                rng = np.random.default_rng([seed, 20 + k, i])
                _, f, z = drawn(library, rng)
                if np.abs(z).max() >= least * np.abs(z).min():
                    model = choose_weighting(with_noise(kind, f, z, rng))
                    found[model.kind + (" t" if model.dof else "")] += 1
            total = max(found.total(), 1)
            cells = " ".join(f"{100 * found[name] / total:9.0f}" for name in chosen)
            print(f"{kind:36s}{cells}   of {found.total()}")


def arcs_with_leads(rng: np.random.Generator) -> tuple[FloatArray, FloatArray, ComplexArray]:
    """Return values of two arcs with leads, frequencies and the exact impedance."""
    f = np.geomspace(1e6, 10 ** rng.uniform(-2, -1), int(rng.integers(45, 91)))
    values = np.array([log_uniform(rng, 1e-8, 1e-6), log_uniform(rng, 5, 100), *arcs(rng, 2, 1e-5, 0.3)])
    return values, f, eistool.Circuit(TWO_ARCS).impedance(f, values)


def errors(spectrum: eistool.Spectrum, values: FloatArray, weighting: str = "modulus") -> tuple[float, float]:
    """Return relative errors of R_inf and R_total in a fit of the right circuit."""
    try:
        result = eistool.fit(spectrum, TWO_ARCS, weighting=weighting)
    except EistoolError:
        return np.nan, np.nan
    R = np.array([result.parameters[name].value for name in ("R0", "R1", "R2")])
    truth = values[[1, 2, 5]]
    return float(abs(R[0] / truth[0] - 1)), float(abs(R.sum() / truth.sum() - 1))


def print_effect(count: int, seed: int) -> None:
    """Print errors of fits with and without artefacts, and with chosen and modulus weights."""
    print(f"{'error of fits, %: median (90 % below)':36s} {'R_inf, all':>14s} {'masked':>14s} "
          f"{'R_total, all':>14s} {'masked':>14s}")  # fmt: skip
    for k, kind in enumerate(("no artefact", *ARTEFACTS)):
        rows = []
        for i in range(count):
            rng = np.random.default_rng([seed, 40 + k, i])
            values, f, exact = arcs_with_leads(rng)
            noise = float(rng.choice(NOISE))
            z = exact if kind == "no artefact" else spoil(kind, f, exact, noise, rng)[0]
            spectrum = noisy(f, z, noise * np.abs(z), rng)
            everything, masked = errors(spectrum, values), errors(find_artefacts(spectrum).masked, values)
            rows.append((everything[0], masked[0], everything[1], masked[1]))
        median, most = 100 * np.nanquantile(rows, (0.5, 0.9), axis=0)
        cells = " ".join(f"{a:6.2f} ({b:5.1f})" for a, b in zip(median, most, strict=True))
        print(f"{kind:36s} {cells}")
    print("weights chosen against modulus: ratio of median errors of R_inf, R_total")
    for k, kind in enumerate(KINDS):
        rows = []
        for i in range(count):
            rng = np.random.default_rng([seed, 60 + k, i])
            values, f, z = arcs_with_leads(rng)
            spectrum = with_noise(kind, f, z, rng)
            weighted = choose_weighting(spectrum).with_noise(spectrum)
            rows.append((*errors(spectrum, values), *errors(weighted, values, "noise")))
        before = np.nanmedian(rows, axis=0)
        print(f"{kind:36s} {before[2] / before[0]:6.2f} {before[3] / before[1]:6.2f}")


def print_real(folder: Path, most: int = 40) -> None:
    """Print measured sweeps that lose points, of each file the first sweeps."""
    sweeps = lost = points = total = 0
    kinds: Counter[str] = Counter()
    times = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                spectra = eistool.read(path)
        except (EistoolError, OSError):
            continue
        for spectrum in spectra[:most]:
            start = time.thread_time()
            found = find_artefacts(spectrum)
            times.append(time.thread_time() - start)
            model = choose_weighting(found.masked)
            kinds[model.kind + (" t" if model.dof else "")] += 1
            sweeps, total = sweeps + 1, total + spectrum.n_used
            if found.n_masked:
                lost, points = lost + 1, points + found.n_masked
                print(f"{found.n_masked:3d} of {spectrum.n_used:3d}  {spectrum.label[-40:]:40s} {found.summary}")
    print(
        f"{lost} of {sweeps} sweeps ({lost / sweeps:.1%}) lose {points} of {total} points ({points / total:.1%})"
    )
    print(f"mean {1e3 * np.mean(times):.2f} ms, the Kramers-Kronig test included; noise: {dict(kinds)}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    library = load_library()
    print_clean(library, 5 * options.spectra, options.seed)
    print_found(library, options.spectra, options.seed)
    print_noise(library, options.spectra, options.seed)
    print_effect(max(options.spectra // 4, 10), options.seed)
    if os.environ.get("EISTOOL_REAL_DATA"):
        print_real(Path(os.environ["EISTOOL_REAL_DATA"]))


if __name__ == "__main__":
    main()
