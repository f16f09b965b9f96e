"""Comparison of γ with other programs on measured spectra.

Run ``python -m tests.benchmarks.drt_overlay --out DIR --peer-python PATH`` with the folder of measured spectra in
EISTOOL_REAL_DATA. For each of SETS a picture shows γ of eistool with its band and peaks, γ of pyDRTtools
(ridge regression, GCV, in another interpreter), and the reference published with the data, if any. The output is
the peaks, R_pol of each, and the share of the reference within the band.
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import eistool
from eistool.typing import FloatArray

SETS = {
    "LPSCl blocking -25 °C": "hybrid-drt/tutorials/data/PEIS_LPSCl_IonBlocking_-25C.txt",
    "BLF 21 % 500 °C": "deep-DRT/experimental_data/BLF_D5_pO2_21%_T500.csv",
    "BLF 21 % 700 °C": "deep-DRT/experimental_data/BLF_D5_pO2_21%_T700.csv",
    "BLF 60 % 600 °C": "deep-DRT/experimental_data/BLF_D5_pO2_60%_T600.csv",
    "LIB": "pyDRTtools/EIS data/text files/LIB_data.txt",
    "LIB quarter": "bayes-drt/data/experimental/DRTtools_LIB_data_qtr.csv",
    "ZARC": "pyDRTtools/EIS data/text files/zarc_data.txt",
    "one ZARC, 5 % noise": "pyDRTtools/tutorial/data/1ZARC.csv",
}
REFERENCES = {
    "LIB": "bayes-drt/data/experimental/gamma_LIB_ECM.csv",
    "LIB quarter": "bayes-drt/data/experimental/gamma_LIB_ECM.csv",
}
OURS, OTHERS = "#1f4e79", ("#d1813b", "#5a9e5a", "0.2")
Curve = tuple[FloatArray, FloatArray]


def peers(python: Path, spectrum: eistool.Spectrum) -> Iterator[tuple[str, Curve]]:
    """Yield name and γ of each program installed in the interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "in.npz"), Path(folder, "out.npz")
        used = spectrum.mask
        np.savez(given, frequency=spectrum.frequency[used], impedance=spectrum.impedance[used][None])
        alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"OPENBLAS_NUM_THREADS": "1"}
        script = Path(__file__).with_name("drt_peers.py")
        subprocess.run([str(python), str(script), str(given), str(out)], check=True, env=alone)
        theirs = dict(np.load(out))
    for key in theirs:
        if key.endswith(" gamma"):
            program = key.removesuffix(" gamma")
            tau, gamma = theirs[f"{program} tau"][0], theirs[key][0]
            order = np.argsort(tau)
            yield program, (tau[order], gamma[order])


def draw(name: str, drt: eistool.DRT, curves: dict[str, Curve]) -> Figure:
    """Return a picture of all γ."""
    figure = Figure(figsize=(9.0, 5.4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(drt.tau, drt.gamma_low, drt.gamma_high, alpha=0.25, color=OURS, linewidth=0)
    axes.plot(drt.tau, drt.gamma, color=OURS, linewidth=1.8, label="eistool, 95 % band")
    for (label, (tau, gamma)), colour in zip(curves.items(), OTHERS, strict=False):
        axes.plot(tau, gamma, "--", color=colour, linewidth=1.3, label=label)
    tops = [float(np.interp(p.tau, drt.tau, drt.gamma)) for p in drt.peaks if not p.atom]
    highest = max(tops, default=float(drt.gamma.max()))
    for peak in drt.peaks:
        axes.axvline(peak.tau, color="#d1495b", linewidth=0.8, alpha=0.3 if peak.edge else 0.9)
    omega = 2 * np.pi * drt.spectrum.frequency[drt.spectrum.mask]
    for edge in (1 / omega.max(), 1 / omega.min()):
        axes.axvline(edge, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlabel="τ / s", ylabel="γ / Ω per unit of ln τ", title=f"{name}: {drt.model}")
    axes.set_ylim(min(-0.03 * highest, 1.2 * float(drt.gamma.min())), 1.5 * highest)
    axes.legend()
    return figure


def main() -> None:
    """Draw a picture for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has pyDRTtools or pyimpspec")
    options = parser.parse_args()
    folder = Path(os.environ["EISTOOL_REAL_DATA"])
    options.out.mkdir(parents=True, exist_ok=True)
    for name, file in SETS.items():
        (spectrum, *_) = eistool.read(folder / file)
        drt = eistool.compute_drt(spectrum)
        curves = dict(peers(options.peer_python, spectrum)) if options.peer_python else {}
        print(f"{name}: {drt!r}")
        for program, (tau, gamma) in curves.items():
            print(f"  {program}: ∫ γ d ln τ = {np.trapezoid(gamma, np.log(tau)):.4g} Ω")
        if name in REFERENCES:
            tau, gamma = np.loadtxt(folder / REFERENCES[name], delimiter=",", skiprows=1).T
            curves["reference"] = tau, gamma
            counted = (tau > drt.tau[0]) & (tau < drt.tau[-1]) & (gamma > 0.02 * gamma.max())
            low, high = (np.interp(tau, drt.tau, side) for side in (drt.gamma_low, drt.gamma_high))
            held = ((low <= gamma) & (gamma <= high))[counted].mean()
            print(f"  reference: {100 * held:.0f} % within the band")
        draw(name, drt, curves).savefig(options.out / f"{name.replace(' ', '_').replace('%', 'percent')}.png")


if __name__ == "__main__":
    main()
