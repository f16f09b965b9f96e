"""Comparison of compute_drt with classic methods and their criteria for λ.

Run ``python -m tests.benchmarks.drt_classic --seeds 3``. The truths and noise levels of ``tests.benchmarks.drt``,
each seed with all time constants shifted by up to 0.1 decade. The output is the relative L2 error of γ for each
criterion and truth, the time, the number of spurious peaks, and the coverage of the 95 % band of γ.
"""

import argparse
import functools
import time
from collections.abc import Callable

import numpy as np

import eistool
from eistool.drt.tikhonov import CRITERIA
from tests.benchmarks.drt import NOISE, SHIFT, Outcome, score
from tests.drt.truths import TRUTHS

Method = Callable[[eistool.Spectrum], eistool.DRT]


def methods(order: int, basis: str) -> dict[str, Method]:
    """Return the methods compared."""
    classic: dict[str, Method] = {
        name: functools.partial(eistool.compute_drt_tikhonov, order=order, basis=basis, regularization=name)
        for name in CRITERIA
    }
    return classic | {"compute_drt": eistool.compute_drt}


def main() -> None:
    """Print a line per truth, a column per method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--order", type=int, default=1)
    parser.add_argument("--basis", default="gaussian")
    options = parser.parse_args()
    compared = methods(options.order, options.basis)
    for method in compared.values():
        method(TRUTHS[0].spectrum(0.01, 0))  # compile
    totals = {name: Outcome() for name in compared}
    print(f"{'L2':18s}" + "".join(f"{name:>13s}" for name in compared))
    for truth in TRUTHS:
        cells = []
        for name, method in compared.items():
            outcome = Outcome()
            for seed in range(options.seeds):
                shifted = truth.shifted(10 ** (SHIFT * seed / options.seeds))
                for k, noise in enumerate(NOISE):
                    spectrum = shifted.spectrum(noise, 1000 * k + seed)
                    start = time.process_time()
                    drt = method(spectrum)
                    outcome.milliseconds.append(1e3 * (time.process_time() - start))
                    score(shifted, drt, outcome)
            cells.append(np.median(outcome.l2))
            if truth.smooth and truth.tau_max > 1e6:  # the classic model has no end for a tail
                for key, values in vars(outcome).items():
                    getattr(totals[name], key).extend(values)
        print(f"{truth.name:18s}" + "".join(f"{cell:13.3f}" for cell in cells), flush=True)
    rows: dict[str, Callable[[Outcome], float]] = {
        "of smooth: L2": lambda o: float(np.median(o.l2)),
        "ms": lambda o: float(np.median(o.milliseconds)),
        "peaks too many": lambda o: float(np.mean(o.spurious)),
        "peaks missed": lambda o: float(np.mean(o.missed)),
        "R of a peak, %": lambda o: float(np.median(o.area)),
        "in band, %": lambda o: 100 * float(np.mean(o.inside)),
    }
    for label, value in rows.items():
        print(f"{label:18s}" + "".join(f"{value(totals[name]):13.3f}" for name in compared))


if __name__ == "__main__":
    main()
