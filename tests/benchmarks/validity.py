"""Error rates and duration of the validity tests.

Run ``python -m tests.benchmarks.validity``. The data are 1000 simulated spectra of eleven circuits with values
drawn at random: valid ones with noise of 0.1, 0.3 and 1 % of |Z|; drifting ones (all of Z changes by 1, 3 or 10
% over the sweep, linearly in time); with 1 to 3 outliers of 3 to 10 %; and with Butler-Volmer charge transfer at
amplitudes of 50, 100 and 200 mV, of which the first harmonic is taken. Printed is the share of each that does
not pass: for valid spectra false alarms, for others 1 - the share of misses. With ``EISTOOL_REAL_DATA``, each
measured spectrum that can be read gets a line. Then the processor time of the Kramers-Kronig test is compared
with impedance.py's ``linKK`` on the same spectra. Under numpy 2 it raises a NameError, because it evaluates text
with numbers as ``np.float64(...)``; here the name ``np`` is added to the namespace of the evaluation.
"""

import argparse
import contextlib
import io
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.special import i1

import eistool
from eistool.errors import EistoolError
from eistool.typing import ComplexArray, FloatArray
from eistool.validation import KramersKronig, ZHit

NOISE = (0.001, 0.003, 0.01)
CIRCUITS: dict[str, list[float]] = {
    "R0-p(R1,CPE1)-p(R2,CPE2)": [10, 50, 1e-6, 0.9, 100, 1e-4, 0.8],
    "R0-p(R1,C1)-p(R2,C2)": [10, 50, 1e-6, 100, 1e-4],
    "L0-R0-CPE1": [3e-7, 50, 1e-5, 0.9],
    "p(R0,CPE0)-CPE1": [1e5, 1e-10, 0.95, 1e-6, 0.92],
    "R0-p(R1-W1,CPE1)": [10, 50, 20, 1e-5, 0.9],
    "L0-R0-p(R1,CPE1)-Wo1": [1e-7, 22, 25, 1e-5, 0.8, 60, 30],
    "R0-p(R1,CPE1)-Ws1": [5, 25, 1e-5, 0.9, 60, 3],
    "R0-G1": [10, 40, 1e-2],
    "R0-p(R1,CPE1,R2-L1)": [20, 100, 2e-5, 0.9, 200, 200],
    "L0-R0-p(R1,CPE1)": [1e-5, 1, 3, 1e-3, 0.85],
    "R0-C1": [100, 1e-6],
}
THERMAL_mV = 25.69


def drawn(rng: np.random.Generator) -> tuple[str, FloatArray, ComplexArray]:
    """Return a circuit, frequencies and its exact impedance."""
    name = str(rng.choice(list(CIRCUITS)))
    circuit = eistool.Circuit(name)
    values = [
        value if full.endswith("alpha") else value * 10 ** rng.uniform(-0.4, 0.4)
        for full, value in zip(circuit.full_names, CIRCUITS[name], strict=True)
    ]
    frequency = np.geomspace(1e6, 1e-2, 8 * 8 + 1) if rng.random() < 0.5 else np.geomspace(1e5, 1e-1, 10 * 6 + 1)
    return name, frequency, circuit.impedance(frequency, values)


def noisy(f: FloatArray, z: ComplexArray, noise: float, rng: np.random.Generator) -> eistool.Spectrum:
    """Return the spectrum with noise relative to |Z|."""
    n = rng.standard_normal((2, f.size))
    return eistool.Spectrum(f, z + noise * np.abs(z) * (n[0] + 1j * n[1]))


def drifting(f: FloatArray, z: ComplexArray, size: float) -> ComplexArray:
    """Return Z that changes linearly in time; each point takes three periods and half a second."""
    elapsed = np.cumsum(3 / f + 0.5)
    return np.asarray(z * (1 + size * elapsed / elapsed[-1]), dtype=np.complex128)


def nonlinear(f: FloatArray, amplitude_mV: float, rng: np.random.Generator) -> ComplexArray:
    """Return the first harmonic of R0 and a charge transfer, i = 2 i0 sinh(η/2V), with a double layer."""
    R0, R_ct = 10 * 10 ** rng.uniform(-0.5, 0.5), 50 * 10 ** rng.uniform(-0.5, 0.5)
    layer = 1e-4 * (2j * np.pi * f) ** 0.9
    z = np.asarray(R0 + 1 / (layer + 1 / R_ct), dtype=np.complex128)
    for _ in range(200):
        eta = amplitude_mV * np.abs((z - R0) / z)
        x = np.maximum(eta / (2 * THERMAL_mV), 1e-9)
        z = np.asarray(0.5 * z + 0.5 * (R0 + 1 / (layer + 2 * i1(x) / x / R_ct)))
    return z


def spoiled(z: ComplexArray, rng: np.random.Generator) -> ComplexArray:
    """Return Z with 1 to 3 outliers."""
    z = z.copy()
    places = rng.choice(z.size, rng.integers(1, 4), replace=False)
    z[places] *= 1 + rng.uniform(0.03, 0.1, places.size) * np.exp(2j * np.pi * rng.random(places.size))
    return z


def cases(count: int, seed: int) -> Iterator[tuple[str, float, eistool.Spectrum]]:
    """Yield kind, noise and spectrum: 40 % valid, 30 % drifting, 15 % with outliers, 15 % nonlinear."""
    kinds = ["valid"] * 8 + ["drift 1 %", "drift 3 %", "drift 10 %"] * 2 + ["outliers"] * 3
    kinds += [f"nonlinear {a} mV" for a in (50, 100, 200)]
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        kind, noise = kinds[i % len(kinds)], NOISE[(i // len(kinds)) % len(NOISE)]
        _, f, z = drawn(rng)
        if kind.startswith("drift"):
            z = drifting(f, z, float(rng.choice((-1, 1))) * float(kind.split()[1]) / 100)
        elif kind == "outliers":
            z = spoiled(z, rng)
        elif kind.startswith("nonlinear"):
            z = nonlinear(f, float(kind.split()[1]), rng)
        yield kind, noise, noisy(f, z, noise, rng)


def judge(spectrum: eistool.Spectrum) -> tuple[KramersKronig, ZHit]:
    """Return both verdicts."""
    test = eistool.check_kramers_kronig(spectrum)
    return test, eistool.check_z_hit(spectrum, kramers_kronig=test)


def print_simulated(count: int, seed: int) -> None:
    """Print the share that does not pass, of each kind and noise."""
    found: dict[tuple[str, float], list[tuple[bool, bool, bool]]] = {}
    named: dict[str, list[bool]] = {}
    for kind, noise, spectrum in cases(count, seed):
        test, z_hit = judge(spectrum)
        fails = test.passed is False, z_hit.passed is False
        found.setdefault((kind, noise), []).append((*fails, any(fails)))
        if fails[0]:
            stem = kind.split()[0]
            named.setdefault(kind, []).append(any(reason.kind.startswith(stem) for reason in test.reasons))
    print(f"{'not passed, %':16s} noise    n     KK  Z-HIT  either")
    for kind in dict.fromkeys(kind for kind, _ in found):
        rows = {noise: np.array(values) for (other, noise), values in sorted(found.items()) if other == kind}
        for noise, values in [*rows.items(), (float("nan"), np.concatenate(list(rows.values())))]:
            shares = "  ".join(f"{100 * share:5.1f}" for share in values.mean(axis=0))
            print(f"{kind:16s} {100 * noise:4.1f} % {len(values):4d}  {shares}".replace(" nan %", "  all "))
    for kind, right in named.items():
        print(f"{kind}: the reason is named so in {np.mean(right):.0%} of those that fail Kramers-Kronig")


def print_real(folder: Path) -> None:
    """Print a line for each measured spectrum, the first 40 of a file."""
    counts = {"passed": 0, "not passed": 0, "cannot tell": 0}
    words = {True: "passed", False: "not passed", None: "cannot tell"}
    small = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                spectra = eistool.read(path)
        except (EistoolError, OSError):
            continue
        for spectrum in spectra[:40]:
            test = eistool.check_kramers_kronig(spectrum)
            counts[words[test.passed]] += 1
            if np.isfinite(test.max_residual) and test.max_residual < test.tolerance:
                small.append(test.passed is not True)
            print(
                f"{words[test.passed]:11s} residual {test.max_residual:8.2%} noise {test.noise_relative:7.3%} "
                f"{path.relative_to(folder).as_posix()[-55:]} {test.reason[:90]}"
            )
    print(counts)
    print(f"of {len(small)} with no residual above 1 %, {sum(small)} do not pass: {100 * np.mean(small):.1f} %")


def print_times(count: int, seed: int) -> None:
    """Print the processor time a spectrum, and impedance.py's on the same."""
    from impedance import validation

    elements = {**validation.circuit_elements, "np": np}
    spectra = [spectrum for kind, _, spectrum in cases(20 * count, seed) if kind == "valid"][:count]
    eistool.check_kramers_kronig(spectra[0])
    own, theirs = [], []
    for spectrum in spectra:
        start = time.thread_time()
        eistool.check_kramers_kronig(spectrum)
        middle = time.thread_time()
        validation.circuit_elements = elements
        with contextlib.redirect_stdout(io.StringIO()):
            validation.linKK(spectrum.frequency, spectrum.impedance, add_cap=True, fit_type="complex")
        own.append(1e3 * (middle - start))
        theirs.append(1e3 * (time.thread_time() - middle))
    for name, times in (("eistool", own), ("impedance.py linKK", theirs)):
        print(f"{name:20s} median {np.median(times):.2f} ms, mean {np.mean(times):.2f} ms a spectrum")
    ratios = np.array(theirs) / np.array(own)
    print(f"ratio: median {np.median(ratios):.1f}, of sums {sum(theirs) / sum(own):.1f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=1000)
    parser.add_argument("--timed", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    print_times(options.timed, options.seed)
    print_simulated(options.spectra, options.seed)
    if os.environ.get("EISTOOL_REAL_DATA"):
        print_real(Path(os.environ["EISTOOL_REAL_DATA"]))


if __name__ == "__main__":
    main()
