"""Minima that the search misses on measured spectra, and the probability that it states.

Run ``python -m tests.benchmarks.search --every 5`` with the folder of measured spectra in ``EISTOOL_REAL_DATA``.
Every n-th sweep is fitted with eight circuits. For each circuit a line gives the share of fits whose sum of
squares is more than 0.1 % above the best of an exhaustive search: ``--seeds`` searches from other sequences of
starts, of ``--rounds`` rounds each. A second table compares the stated probability of a miss with the share of
misses.
"""

import argparse
import itertools
import os
import time
import warnings
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

import eistool
from eistool.circuit import Circuit
from eistool.errors import FitError
from eistool.fitting.engine import THOROUGH, Effort, find_minima
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


STATED = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # limits of the calibration table


@dataclass(frozen=True, slots=True)
class Row:
    """One fit."""

    missed: bool
    stated: float
    seconds: float
    exhaustive: float  # seconds


def best_sum(problem: Problem, first: int, rounds: int) -> float:
    """Return the smallest sum of squares of a search of all its rounds."""
    found = find_minima(problem, Effort(rounds, 0.0), first, floor=0.0)
    return float(found.outcomes[0, 0]) if found.n else np.inf


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=5, help="take every n-th sweep")
    parser.add_argument("--offset", type=int, default=0, help="first sweep")
    parser.add_argument("--seeds", type=int, default=8, help="searches of the exhaustive one")
    parser.add_argument("--rounds", type=int, default=THOROUGH.rounds, help="rounds of each")
    parser.add_argument("--without", default="", help="leave out sweeps whose name contains this")
    arguments = parser.parse_args()
    folder = os.environ.get("EISTOOL_REAL_DATA")
    if not folder:
        parser.error("give the folder of measured spectra in EISTOOL_REAL_DATA")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spectra = eistool.read(Path(folder))
    if arguments.without:
        spectra = [spectrum for spectrum in spectra if arguments.without not in spectrum.label]
    rows: dict[str, list[Row]] = {circuit: [] for circuit in CIRCUITS}
    for spectrum in spectra[arguments.offset :: arguments.every]:
        prepared, weighting = resolve_weighting(prepare(spectrum, "auto", "auto").spectrum, "auto")
        for name, own in rows.items():
            circuit = Circuit(name)
            constraints = Constraints.of(circuit, None, typical_exponents(circuit), None)
            try:
                problem = build_problem(prepared, circuit, constraints, weighting)
            except FitError:  # too few points
                continue
            begin = time.thread_time()
            found = find_minima(problem)
            middle = time.thread_time()
            best = min(best_sum(problem, 1000 + 77777 * k, arguments.rounds) for k in range(arguments.seeds))
            missed = float(found.outcomes[0, 0]) > MISSED * best
            own.append(Row(missed, found.p_missed, middle - begin, time.thread_time() - middle))
    print(f"{'circuit':46s}{'fits':>6s}{'missed':>9s}{'stated':>9s}{'search':>10s}{'exhaustive':>12s}")
    rows["all"] = every = [row for own in rows.values() for row in own]
    for name, own in rows.items():
        missed, stated, once, repeated = np.array([astuple(row) for row in own]).reshape(-1, 4).mean(axis=0)
        print(f"{name:46s}{len(own):6d}{missed:9.1%}{stated:9.1%}{1e3 * once:7.1f} ms{1e3 * repeated:9.0f} ms")
    print(f"\n{'stated probability of a miss':32s}{'fits':>6s}{'stated':>9s}{'missed':>9s}")
    for low, high in itertools.pairwise(STATED):
        own = [row for row in every if low <= row.stated < high or row.stated == high == 1.0]
        if own:
            stated, missed = (np.mean([getattr(row, name) for row in own]) for name in ("stated", "missed"))
            print(f"{f'{low:g} to {high:g}':32s}{len(own):6d}{stated:9.1%}{missed:9.1%}")


if __name__ == "__main__":
    main()
