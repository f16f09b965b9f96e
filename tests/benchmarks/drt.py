"""Error of γ and coverage of its bands.

Run ``python -m tests.benchmarks.drt --seeds 20 --first 70000``. Every case of ``tests/drt/truths.py`` is
computed at three noise levels, each seed with random parameters; ``--fixed`` selects published parameters with
time constants shifted by up to 0.1 decade, off any grid. ``--peer-python`` names an interpreter with pyDRTtools
or pyimpspec, whose time and error on the same spectra are printed. The output is the relative L2 error of γ;
errors of position (decades) and area (%) of peaks; spurious and missed peaks a spectrum; the error of R_pol (%);
the share of 95 % bands that hold the truth, for γ, for R and for τ of peaks, for R_pol, and of joint bands that
hold all of γ; the processor time in ms; and the share of real peaks by reported probability.
"""

import argparse
import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import eistool
from eistool.typing import FloatArray
from tests.drt.truths import FREQUENCY, TRUTHS, Truth, drawn, loop, zarc

NOISE = (0.001, 0.005, 0.01)
MATCH = 0.35  # decades within which a peak is the true one
COUNTED = 0.02  # of the highest peak
SHIFT = 0.1  # decades


@dataclass
class Outcome:
    """Outcome of one case, one item per spectrum or peak."""

    l2: list[float] = field(default_factory=list)
    position: list[float] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    spurious: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    r_pol: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    joint: list[bool] = field(default_factory=list)
    inside_pol: list[bool] = field(default_factory=list)
    inside_R: list[bool] = field(default_factory=list)
    inside_tau: list[bool] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    real: list[tuple[float, bool]] = field(default_factory=list)  # probability that a peak is real, and whether


def blurred(
    tau: FloatArray, gamma: FloatArray, atoms: Iterable[tuple[float, float]], decades: float
) -> FloatArray:
    """Return γ with its atoms, convolved with a normal distribution of ln τ."""
    x = np.log(tau)
    s = decades * np.log(10)
    h = x[1] - x[0]
    kernel = np.exp(-0.5 * ((x[:, None] - x) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    smooth: FloatArray = kernel @ gamma * h
    for t, R in atoms:
        smooth = smooth + R * np.exp(-0.5 * ((x - np.log(t)) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    return smooth


def distance(truth: Truth, tau: FloatArray, gamma: FloatArray, atoms: Iterable[tuple[float, float]] = ()) -> float:
    """Return the relative L2 error of γ."""
    keep = (tau <= truth.tau_max) & (tau >= 1e-8)
    tau, gamma = tau[keep], gamma[keep]
    exact = truth.gamma(tau)
    if truth.blur:
        gamma = blurred(tau, gamma, atoms, truth.blur)
        exact = blurred(tau, exact, [(p.tau, p.R) for p in truth.peaks if p.atom], truth.blur)
    return float(np.linalg.norm(gamma - exact) / np.linalg.norm(exact))


def score(truth: Truth, drt: eistool.DRT, outcome: Outcome) -> None:
    """Compare one result with the truth."""
    outcome.l2.append(distance(truth, drt.tau, drt.gamma, [(a.tau, a.R) for a in drt.atoms]))
    keep = (drt.tau <= truth.tau_max) & (drt.tau >= 1e-8)
    tau = drt.tau[keep]
    exact = truth.gamma(tau)
    if not truth.blur:
        low, high = 1 / (2 * np.pi * FREQUENCY.max()), 1 / (2 * np.pi * FREQUENCY.min())
        counted = (tau > low) & (tau < min(high, truth.tau_max)) & (exact > COUNTED * exact.max())
        hold = (drt.gamma_low[keep] <= exact) & (exact <= drt.gamma_high[keep])
        outcome.inside.append(float(hold[counted].mean()))
        hold = (drt.joint_low[keep] <= exact) & (exact <= drt.joint_high[keep])
        outcome.joint.append(bool(hold[counted].all()))
    largest = max(abs(p.R) for p in truth.peaks)
    found = [p for p in drt.peaks if p.tau < truth.tau_max and abs(p.R) > COUNTED * largest]
    missed = 0
    for part in truth.peaks:
        near = [p for p in found if abs(np.log10(p.tau / part.tau)) < MATCH]
        if not near:
            missed += 1
            continue
        peak = min(near, key=lambda p: abs(np.log(p.tau / part.tau)))
        found.remove(peak)
        outcome.real.append((peak.probability, True))
        outcome.position.append(abs(float(np.log10(peak.tau / part.tau))))
        outcome.area.append(100 * abs(peak.R / part.R - 1))
        outcome.inside_R.append(bool(abs(peak.R - part.R) <= 1.96 * peak.u_R))
        outcome.inside_tau.append(bool(abs(peak.tau - part.tau) <= 1.96 * peak.u_tau))
    outcome.missed.append(missed)
    outcome.spurious.append(len(found))
    outcome.real += [(peak.probability, False) for peak in found]
    if not np.isfinite(truth.tau_max) or truth.tau_max > 1e6:
        total = sum(p.R for p in truth.peaks)
        outcome.r_pol.append(100 * abs(drt.R_pol / total - 1))
        outcome.inside_pol.append(bool(abs(drt.R_pol - total) <= 1.96 * drt.u_R_pol))


def cases(seeds: int, first: int, fixed: bool) -> dict[str, list[Truth]]:
    """Return each case once per seed: drawn at random, or published with shifted time constants."""
    each: dict[str, list[Truth]] = {truth.name: [] for truth in TRUTHS}
    for seed in range(first, first + seeds):
        shift = 10 ** (SHIFT * (seed - first) / max(seeds, 1))
        for truth in [t.shifted(shift) for t in TRUTHS] if fixed else drawn(seed):
            each[truth.name].append(truth)
    return each


def measure(truths: Iterable[Truth], first: int, noises: Iterable[float] = NOISE) -> Outcome:
    """Compute the DRT of one case's spectra."""
    outcome = Outcome()
    for seed, truth in enumerate(truths, first):
        for k, noise in enumerate(noises):
            spectrum = truth.spectrum(noise, 1_000_000 * (k + 1) + seed)
            start = time.thread_time()
            drt = eistool.compute_drt(spectrum)
            outcome.milliseconds.append(1e3 * (time.thread_time() - start))
            outcome.models.append(drt.model)
            score(truth, drt, outcome)
    return outcome


def disturbances(seed: int) -> dict[str, tuple[Truth, eistool.Spectrum]]:
    """Return spectra with disturbances typical of measurements; noise 0.5 %."""
    truth = next(t for t in TRUTHS if t.name == "two, 3 decades")
    blocking = next(t for t in TRUTHS if t.name == "blocking")
    loops = Truth("loop", lambda k: [zarc(50, 1e-3 * k, 0.9), loop(10, 1.0 * k)])
    rng = np.random.default_rng(seed)
    plain = truth.spectrum(0.005, seed)
    wild = plain.impedance.copy()
    wild[rng.choice(wild.size, 3, replace=False)] *= rng.choice([0.8, 1.2], 3)
    drift = plain.impedance * np.linspace(1, 1.01, wild.size)
    return {
        "undisturbed": (truth, plain),
        "uniform noise": (blocking, blocking.spectrum(0.005, seed, power=0.0)),
        "3 outliers of 20 %": (truth, eistool.Spectrum(FREQUENCY, wild)),
        "5 points a decade": (truth, truth.spectrum(0.005, seed, np.geomspace(1e6, 1e-2, 41))),
        "truncated at 3 Hz": (truth, truth.spectrum(0.005, seed, FREQUENCY[FREQUENCY > 3])),
        "inductive loop": (loops, loops.spectrum(0.005, seed)),
        "1 % drift": (truth, eistool.Spectrum(FREQUENCY, drift)),
    }


def _print_disturbances(seeds: int, first: int) -> None:
    totals: dict[str, tuple[Outcome, int]] = {}
    for seed in range(first, first + seeds):
        for name, (truth, spectrum) in disturbances(seed).items():
            outcome, flagged = totals.get(name, (Outcome(), 0))
            start = time.thread_time()
            drt = eistool.compute_drt(spectrum)
            outcome.milliseconds.append(1e3 * (time.thread_time() - start))
            outcome.models.append(drt.model)
            score(truth, drt, outcome)
            totals[name] = outcome, flagged + bool(drt.flags)
    for name, (outcome, flagged) in totals.items():
        print(_line(name, outcome), f"  flagged {flagged} of {seeds}")


def _print_peers(python: Path, seeds: int, first: int) -> None:
    """Print error and time of other programs on the same spectra, run by another interpreter."""
    rows: list[tuple[str, Truth, eistool.Spectrum]] = []
    for name, truths in cases(seeds, first, False).items():
        for seed, truth in enumerate(truths, first):
            rows += [
                (name, truth, truth.spectrum(noise, 1_000_000 * k + seed)) for k, noise in enumerate(NOISE, 1)
            ]
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(given, frequency=FREQUENCY, impedance=np.array([s.impedance for _, _, s in rows]))
        script = Path(__file__).with_name("drt_peers.py")
        alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"OPENBLAS_NUM_THREADS": "1"}
        subprocess.run([str(python), str(script), str(given), str(out)], check=True, env=alone)
        theirs = dict(np.load(out))
    programs = [key.removesuffix(" ms") for key in theirs if key.endswith(" ms")]
    table: dict[str, list[list[float]]] = {}
    for i, (name, truth, spectrum) in enumerate(rows):
        times = []
        for _ in range(3):
            start = time.thread_time()
            drt = eistool.compute_drt(spectrum)
            times.append(1e3 * (time.thread_time() - start))
        line = [min(times), distance(truth, drt.tau, drt.gamma, [(a.tau, a.R) for a in drt.atoms])]
        for program in programs:
            order = np.argsort(theirs[f"{program} tau"][i])
            tau, gamma = theirs[f"{program} tau"][i][order], theirs[f"{program} gamma"][i][order]
            line += [float(theirs[f"{program} ms"][i]), distance(truth, tau, gamma)]
        for key in (name, "smooth cases") if truth.smooth else (name,):
            table.setdefault(key, []).append(line)
    heads = "".join(f"{program:>12s} ms     L2 ms/ours L2/ours" for program in programs)
    print(f"{'case':18s}     ms     L2 {heads}")
    for name, lines in table.items():
        ms, l2, *others = np.median(lines, axis=0)
        text = f"{name:18s} {ms:6.2f} {l2:6.4f} "
        for their_ms, their_l2 in zip(others[::2], others[1::2], strict=True):
            text += f"{their_ms:15.0f} {their_l2:6.4f} {their_ms / ms:7.0f} {their_l2 / l2:7.1f}"
        print(text)


def _percent(values: list[bool] | list[float]) -> str:
    return f"{100 * np.mean(values):5.1f}" if values else "    -"


def _line(name: str, o: Outcome) -> str:
    return (
        f"{name:18s} {np.mean(o.l2):6.4f} {np.median(o.l2):6.4f} {np.mean(o.position or [np.nan]):7.4f} "
        f"{np.mean(o.area or [np.nan]):6.2f} "
        f"{np.mean(o.spurious):6.3f} {np.mean(o.missed):6.3f} "
        f"{np.mean(o.r_pol) if o.r_pol else np.nan:6.2f}  {_percent(o.inside)} {_percent(o.inside_R)} "
        f"{_percent(o.inside_tau)} {_percent(o.inside_pol)} {_percent(o.joint)}  "
        f"{np.median(o.milliseconds):6.2f}  "
        f"{100 * np.mean([m != 'free' for m in o.models]):4.0f}"
    )


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--models", action="store_true", help="print which elements were chosen how often")
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    parser.add_argument("--first", type=int, default=70_000, help="first seed: take one that was never used")
    parser.add_argument("--fixed", action="store_true", help="the cases as they are, not drawn at random")
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has pyDRTtools or pyimpspec")
    options = parser.parse_args()
    eistool.compute_drt(TRUTHS[0].spectrum(0.01, 0))  # compile
    print(
        f"{'case':18s} {'L2':>6s} {'median':>6s} {'pos':>7s} {'area%':>6s} {'spur':>6s} {'missed':>6s} "
        f"{'Rpol%':>6s}  "
        f"{'in γ':>5s} {'in R':>5s} {'in τ':>5s} {'Rpol':>5s} {'joint':>5s}  {'ms':>6s} {'elements%':>5s}"
    )
    overall = Outcome()
    real: list[tuple[float, bool]] = []
    for name, truths in cases(options.seeds, options.first, options.fixed).items():
        if options.case not in name:
            continue
        outcome = measure(truths, options.first)
        print(_line(name, outcome), flush=True)
        real += outcome.real
        if options.models:
            print("   ", {m: outcome.models.count(m) for m in sorted(set(outcome.models))})
        if truths[0].smooth:
            for key, values in vars(outcome).items():
                getattr(overall, key).extend(values)
    if overall.l2:
        print(_line("smooth cases", overall))
    print("peaks that are real, by the probability given:")
    for low, high in itertools.pairwise((0.0, 0.5, 0.9, 0.99, 1.0 + 1e-9)):
        hits = [hit for probability, hit in real if low <= probability < high]
        print(f"  {low:4.2f} to {high:4.2f}: {_percent([float(hit) for hit in hits])} % of {len(hits)}")
    if options.peer_python:
        _print_peers(options.peer_python, min(options.seeds, 4), options.first)
    elif not options.case:
        _print_disturbances(options.seeds, options.first)


if __name__ == "__main__":
    main()
