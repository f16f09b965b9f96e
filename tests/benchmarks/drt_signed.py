"""Detection of negative γ, and phasances of tails.

Run ``python -m tests.benchmarks.drt_signed --seeds 20 --first 600000``. Cases of ``tests/drt/signed.py`` with
parameters drawn at random, 0.1 and 0.5 % of noise. Printed are, for loops, the relative L2 error of γ, the share
of spectra with a negative peak, the error of its R, the share of 95 % bands that hold γ, R and τ of that peak, and
of joint bands that hold all of γ, and milliseconds; then in how many ordinary spectra γ is negative. For tails:
the error of the exponent at which η is highest, how often the number of peaks is right, the error of their R, the
area of η elsewhere, and milliseconds.
"""

import argparse
import time

import numpy as np

import eistool
from tests.drt.signed import loops, tails
from tests.drt.truths import FREQUENCY, Truth, drawn

NOISE = (0.001, 0.005)
COUNTED = 0.02  # of the highest |γ|
NEAR = 0.15  # in ν
WINDOW = 1 / (2 * np.pi * FREQUENCY[0]), 1 / (2 * np.pi * FREQUENCY[-1])


def score(truth: Truth, drt: eistool.DRT) -> tuple[float, ...]:
    """Return L2, negative or not, error of R, whether γ, R, τ and all of γ lie in their bands."""
    exact = truth.gamma(drt.tau)
    inside = (drt.tau > WINDOW[0]) & (drt.tau < WINDOW[1])
    counted = inside & (np.abs(exact) > COUNTED * np.abs(exact).max())
    l2 = np.linalg.norm((drt.gamma - exact)[inside]) / np.linalg.norm(exact[inside])
    held = ((drt.gamma_low <= exact) & (exact <= drt.gamma_high))[counted].mean()
    joint = ((drt.joint_low <= exact) & (exact <= drt.joint_high))[counted].all()
    part = min(truth.parts, key=lambda part: part.R)
    peaks = [p for p in drt.peaks if p.R < 0]
    if not peaks:
        return float(l2), 0.0, np.nan, float(held), np.nan, np.nan, float(joint)
    peak = min(peaks, key=lambda p: p.R)
    R, tau = abs(peak.R - part.R) < 1.96 * peak.u_R, abs(peak.tau - part.tau) < 1.96 * peak.u_tau
    return float(l2), 1.0, 100 * abs(peak.R / part.R - 1), float(held), float(R), float(tau), float(joint)


def timed(spectrum: eistool.Spectrum, phasances: bool = False, shapes: bool = True) -> tuple[eistool.DRT, float]:
    """Return the result and its duration in ms."""
    start = time.thread_time()
    drt = eistool.compute_drt(spectrum, phasances=phasances, shapes=shapes)
    return drt, 1e3 * (time.thread_time() - start)


def print_loops(seeds: int, first: int, shapes: bool) -> None:
    """Print a line for each case and noise."""
    print(
        f"{'loops' if shapes else 'no shapes':20s} noise     L2 found  R err %    in γ   in R   in τ  joint     ms"
    )
    rows: dict[tuple[str, float], list[tuple[float, ...]]] = {}
    for seed in range(first, first + seeds):
        for truth in loops(seed):
            for k, noise in enumerate(NOISE):
                drt, ms = timed(truth.spectrum(noise, seed + 1_000_000 * k), shapes=shapes)
                rows.setdefault((truth.name, noise), []).append((*score(truth, drt), ms))
    for (name, noise), each in rows.items():
        table = np.array(each, dtype=float)
        l2, found, R, held, in_R, in_tau, joint = np.nanmean(table[:, :-1], axis=0)
        print(
            f"{name:20s} {noise:5.3f} {l2:6.4f} {found:5.2f} {R:8.2f} {100 * held:7.1f} {100 * in_R:6.1f} "
            f"{100 * in_tau:6.1f} {100 * joint:6.1f} {np.median(table[:, -1]):6.2f}"
        )


def print_ordinary(seeds: int, first: int) -> None:
    """Count spurious negative peaks."""
    n, negative, silent, times = 0, 0, 0, []
    for seed in range(first, first + seeds):
        for k, noise in enumerate((0.001, 0.005, 0.01)):
            for truth in drawn(seed):
                drt, ms = timed(truth.spectrum(noise, seed + 1_000_000 * k))
                n += 1
                times.append(ms)
                if (drt.gamma < 0).any() or any(p.R < 0 for p in drt.peaks):
                    negative += 1
                    silent += not any("negative" in flag for flag in drt.flags)
    print(f"ordinary spectra: {n}, negative γ in {negative}, without a flag {silent}; {np.median(times):.2f} ms")


def print_tails(seeds: int, first: int) -> None:
    """Print the results for phasances."""
    print(f"\n{'phasances':20s} noise  error of ν  peaks right  R err %  elsewhere Ω     ms")
    for noise in NOISE:
        rows: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(first, first + seeds):
            for name, (exponent, truth) in tails(seed).items():
                drt, ms = timed(truth.spectrum(noise, seed), phasances=True)
                nu, eta = drt.phasance, drt.eta
                top = float(nu[np.argmax(eta)])
                at = np.nan if exponent is None else exponent
                other = ~(np.abs(nu - at) < NEAR)
                same = len(drt.peaks) == len(truth.peaks)
                errors = [abs(p.R / q.R - 1) for p, q in zip(drt.peaks, truth.peaks, strict=False)]
                elsewhere = float(np.sum(eta[other]) * (nu[1] - nu[0]))
                error = 100 * float(np.mean(errors)) if same else np.nan
                rows.setdefault(name, []).append((abs(top - at), same, error, elsewhere, ms))
        for name, each in rows.items():
            error, same, R, elsewhere, ms = np.array(each, dtype=float).T
            shown = f"{error.mean():10.3f}" if np.isfinite(error).all() else f"{'-':>10s}"
            print(
                f"{name:20s} {noise:5.3f} {shown} {100 * same.mean():12.0f} {np.nanmean(R):8.2f} "
                f"{np.median(elsewhere):12.3f} {np.median(ms):6.2f}"
            )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=600_000, help="first seed: take one that was never used")
    options = parser.parse_args()
    timed(drawn(0)[0].spectrum(0.01, 0))  # compile
    for shapes in (True, False):
        print_loops(options.seeds, options.first, shapes)
    print_ordinary(max(options.seeds // 4, 1), options.first)
    print_tails(max(options.seeds // 2, 1), options.first)


if __name__ == "__main__":
    main()
