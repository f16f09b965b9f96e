"""Minima that the search misses on measured spectra.

Run ``python -m tests.benchmarks.search --every 5`` with the folder of measured spectra in ``EISTOOL_REAL_DATA``.
Every n-th sweep is fitted with eight circuits. For each circuit a line gives the share of fits whose sum of
squares is more than 0.1 % above the best that the same kernel finds from ``--seeds`` other sequences of starts
with the largest number of rounds each, and the mean times of both searches.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np

import eistool
from eistool.circuit import Circuit
from eistool.errors import FitError
from eistool.fitting.engine import ROUNDS, find_minima
from eistool.fitting.problem import Constraints, Problem, build_problem
from eistool.fitting.weights import resolve_weighting
from eistool.jobs.candidates import typical_exponents
from eistool.jobs.check import prepare

CIRCUITS = (
    "R0-p(R1,CPE1)-CPE2",
    "R0-p(R1-W1,CPE1)",
    "R0-p(R1-Wo1,CPE1)",
    "R0-p(R1,CPE1)-p(R2,CPE2)",
    "L0-R0-p(R1,CPE1)-p(R2,CPE2)-CPE3",
    "L0-R0-p(R1,CPE1)-p(R2,CPE2)-Wo1",
    "L0-R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-CPE4",
    "L0-R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-Wo1",
)
MISSED = 1.001  # ratio of sums of squares


def best_sum(problem: Problem, first: int | None = None, floor: float | None = None) -> float:
    """Return the smallest sum of squares of a search."""
    found = find_minima(problem, ROUNDS, first, floor)
    return float(found.outcomes[0, 0]) if found.n else np.inf


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=5, help="take every n-th sweep")
    parser.add_argument("--seeds", type=int, default=8, help="searches of the exhaustive one")
    arguments = parser.parse_args()
    folder = os.environ.get("EISTOOL_REAL_DATA")
    if not folder:
        parser.error("give the folder of measured spectra in EISTOOL_REAL_DATA")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spectra = eistool.read(Path(folder))[:: arguments.every]
    rows: dict[str, list[tuple[bool, float, float]]] = {circuit: [] for circuit in CIRCUITS}
    for spectrum in spectra:
        prepared, weighting = resolve_weighting(prepare(spectrum, "auto", "auto").spectrum, "auto")
        for name, own in rows.items():
            circuit = Circuit(name)
            constraints = Constraints.of(circuit, None, typical_exponents(circuit), None)
            try:
                problem = build_problem(prepared, circuit, constraints, weighting)
            except FitError:  # too few points
                continue
            begin = time.thread_time()
            value = best_sum(problem)
            middle = time.thread_time()
            others = [best_sum(problem, 1000 + 77777 * seed, floor=0.0) for seed in range(arguments.seeds)]
            end = time.thread_time()
            own.append((value > MISSED * min(others), middle - begin, end - middle))
    print(f"{'circuit':46s}{'fits':>6s}{'missed':>9s}{'search':>10s}{'exhaustive':>12s}")
    rows["all"] = [row for own in rows.values() for row in own]
    for name, own in rows.items():
        missed, once, repeated = np.array(own, dtype=np.float64).reshape(-1, 3).mean(axis=0)
        print(f"{name:46s}{len(own):6d}{missed:9.1%}{1e3 * once:7.1f} ms{1e3 * repeated:9.1f} ms")


if __name__ == "__main__":
    main()
