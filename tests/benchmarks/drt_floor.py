"""Error floor of the DRT: fits of the true elements, started from the truth.

Run ``python -m tests.benchmarks.drt_floor --seeds 60 --first 900000``: cases and spectra are those of
``tests.benchmarks.drt``. Least squares with known elements and the weights of the noise approach the lowest
error of an unbiased estimate; a DRT has no knowledge of the elements or their number. The output is
the mean and the median relative L2 error of γ, and the mean error of the peaks' areas (%), of both.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

import eistool
from eistool.typing import ComplexArray, FloatArray
from tests.benchmarks.drt import NOISE, Outcome, cases, distance, score
from tests.drt.truths import FREQUENCY, Part, Truth, cpe, rc, zarc

OMEGA = 2 * np.pi * FREQUENCY
HENRY = 1e-6  # unit of the inductance fitted


def _rebuilt(parts: Sequence[Part], values: FloatArray) -> list[Part]:
    made, k = [], 0
    for part in parts:
        maker = rc if part.atom else zarc if part.R else cpe
        made.append(maker(*values[k : k + len(part.values)].tolist()))
        k += len(part.values)
    return made


def fitted(truth: Truth, spectrum: eistool.Spectrum, noise: float) -> list[Part]:
    """Return the parts of the truth with least-squares values; R and L are free."""
    start = np.concatenate([[truth.R_inf], *(part.values for part in truth.parts)])
    sigma = noise * np.abs(spectrum.impedance)

    def residuals(x: FloatArray) -> FloatArray:
        values = np.exp(x[1:])
        model: ComplexArray = values[0] + 1j * OMEGA * x[0] * HENRY
        model = model + sum(part.impedance(OMEGA) for part in _rebuilt(truth.parts, values[1:]))
        difference = (spectrum.impedance - model) / sigma
        return np.concatenate([difference.real, difference.imag])

    found = least_squares(
        residuals, np.concatenate([[truth.L / HENRY], np.log(start)]), method="lm", x_scale="jac"
    )
    return _rebuilt(truth.parts, np.exp(found.x[2:]))


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=70_000)
    parser.add_argument("--fixed", action="store_true", help="the cases as they are, not drawn at random")
    options = parser.parse_args()
    print(
        f"{'case':18s} {'L2':>6s} {'median':>6s} {'area%':>6s}   of known elements: "
        f"{'L2':>6s} {'median':>6s} {'area%':>6s}"
    )
    smooth: tuple[list[float], list[float]] = [], []
    for name, truths in cases(options.seeds, options.first, options.fixed).items():
        if not all(part.values for part in truths[0].parts):
            continue
        outcome = Outcome()
        floor: list[float] = []
        area: list[float] = []
        for seed, truth in enumerate(truths, options.first):
            for k, noise in enumerate(NOISE):
                spectrum = truth.spectrum(noise, 1_000_000 * (k + 1) + seed)
                drt = eistool.compute_drt(spectrum)
                score(truth, drt, outcome)
                parts = fitted(truth, spectrum, noise)
                gamma = sum((part.gamma(drt.tau) for part in parts), np.zeros_like(drt.tau))
                floor.append(distance(truth, drt.tau, gamma, [(p.tau, p.R) for p in parts if p.atom]))
                area += [100 * abs(p.R / q.R - 1) for p, q in zip(parts, truth.parts, strict=True) if q.R]
        if truths[0].smooth:
            smooth[0].extend(outcome.area)
            smooth[1].extend(area)
        print(
            f"{name:18s} {np.mean(outcome.l2):6.4f} {np.median(outcome.l2):6.4f} {np.mean(outcome.area):6.2f}"
            f"{np.mean(floor):27.4f} {np.median(floor):6.4f} {np.mean(area):6.2f}"
        )
    print(f"smooth cases: area {np.mean(smooth[0]):.2f} %, of known elements {np.mean(smooth[1]):.2f} %")


if __name__ == "__main__":
    main()
