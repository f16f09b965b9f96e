"""Memory use of streamed fits.

Run ``python -m tests.benchmarks.memory --spectra 100000``. Spectra of a resistor and an arc (71 points) are
generated one by one and passed through ``fit_iter``; no result is kept. The output is the resident memory after
1,000, 10,000 and 100,000 fits (up to ``--spectra``), and its growth since the first of them.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import eistool
from tests.benchmarks.recovery import CASES, FREQUENCY, NOISE

ARC = CASES[0]
COUNTS = (1_000, 10_000, 100_000)


def resident_megabytes() -> float:
    """Return the resident memory of this process under Linux."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def spectra(n: int) -> Iterator[eistool.Spectrum]:
    """Yield random spectra, generated lazily."""
    rng = np.random.default_rng(1)
    circuit = eistool.Circuit(ARC.circuit)
    for seed in range(n):
        yield eistool.simulate(circuit, FREQUENCY, ARC.draw(rng), NOISE, seed)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    start, first = time.perf_counter(), 0.0
    for count, result in enumerate(eistool.fit_iter(spectra(options.spectra), ARC.circuit, options.jobs), 1):
        assert result.success
        if count in COUNTS:
            now = resident_megabytes()
            first = first or now
            seconds = time.perf_counter() - start
            print(f"{count:7d} spectra: {now:6.1f} MB ({now - first:+.1f}), {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
