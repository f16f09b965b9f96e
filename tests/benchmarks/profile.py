"""Speed and coverage of profile-likelihood intervals.

Run ``python -m tests.benchmarks.profile --spectra 300``. For each case of the recovery benchmark, random
spectra are fitted and all parameters profiled. The output is the CPU time per parameter, its ratio to
lmfit's ``conf_interval`` on the first spectra of the same run, the largest difference between the
two by the width of the interval, and the share of 95 % intervals that hold the truth.
"""

import argparse
import time

import numpy as np

import eistool
from tests.benchmarks.recovery import CASES, FREQUENCY, NOISE, Case


def measure(case: Case, spectra: int, with_lmfit: int, seed: int = 1) -> str:
    """Return a line about one case."""
    rng = np.random.default_rng(seed)
    circuit = eistool.Circuit(case.circuit)
    held = n = flagged = 0
    own, lmfit, far = [], [], [0.0]
    for k in range(spectra):
        truth = dict(zip(circuit.parameters, case.draw(rng), strict=True))
        spectrum = eistool.simulate(circuit, FREQUENCY, truth, noise=NOISE, seed=int(rng.integers(2**31)))
        result = eistool.fit(spectrum, circuit)
        start = time.process_time()
        intervals = result.confidence("profile")
        own.append(1e3 * (time.process_time() - start) / max(len(intervals), 1))
        n += len(intervals)
        held += sum(interval.low <= truth[name] <= interval.high for name, interval in intervals.items())
        flagged += sum(bool(interval.flag) for interval in intervals.values())
        if k < with_lmfit:
            start = time.process_time()
            oracle = result.confidence("lmfit")
            lmfit.append(1e3 * (time.process_time() - start) / max(len(oracle), 1))
            for name, theirs in oracle.items():
                width, ours = theirs.high - theirs.low, intervals[name]
                if np.isfinite(width) and not ours.flag:
                    far.append(max(abs(ours.low - theirs.low), abs(ours.high - theirs.high)) / width)
    ratio = f"{np.median(lmfit) / np.median(own):.0f} times lmfit" if lmfit else "without lmfit"
    return (
        f"{case.name:28s} {np.median(own):.3f} ms a parameter ({ratio}, difference median {np.median(far):.4f}, "
        f"largest {max(far):.3f} of the width)   95 % intervals hold {held / n:.2%} of {n}, {flagged} flagged"
    )


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, default=300)
    parser.add_argument("--lmfit", type=int, default=5, help="spectra that lmfit profiles too")
    options = parser.parse_args()
    eistool.fit(eistool.simulate("R0-C1", FREQUENCY, [1, 1], noise=0.01), "R0-C1").confidence()  # compile
    for case in CASES:
        print(measure(case, options.spectra, options.lmfit))


if __name__ == "__main__":
    main()
