"""Simulated series of cells, as reported in the two papers."""

from collections.abc import Sequence

import numpy as np

from eistool import Metadata, Series, Spectrum, simulate
from eistool.typing import FloatArray

FREQUENCY = np.geomspace(7e6, 0.1, 64)  # eight points a decade
NOISE = 0.003
CONTACT, CATHODE, INTERPHASE = (0.9, 1e-5, 0.9), (25.0, 3e-4, 0.8), (15.0, 3e-2, 0.8)


def cell(
    arcs: Sequence[tuple[float, float, float]],
    seed: int,
    R0: float = 22.5,
    diffusion: tuple[float, float] | None = None,
    noise: float = NOISE,
    frequency: FloatArray = FREQUENCY,
    **metadata: object,
) -> Spectrum:
    """Return a spectrum of arcs (R, τ, α) in series with L0, R0 and a finite diffusion (R, τ)."""
    values: dict[str, float] = {"L0": 1e-7, "R0": R0}
    for i, (R, tau, alpha) in enumerate(arcs, start=1):
        values |= {f"Zarc{i}.R": R, f"Zarc{i}.tau": tau, f"Zarc{i}.alpha": alpha}
    parts = ["L0", "R0", *(f"Zarc{i + 1}" for i in range(len(arcs)))]
    if diffusion is not None:
        parts.append("Wo1")
        values |= {"Wo1.R": diffusion[0], "Wo1.tau": diffusion[1]}
    known = Metadata().updated("given", **metadata)
    return simulate("-".join(parts), frequency, values, noise, seed, known, label=f"spectrum {seed}")


def new_interphase() -> Series:
    """Return A7: charge and discharge, with a new interphase from 2.8 V on charge only."""
    volts = [2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6]
    steps = [(v, "charge") for v in volts] + [(v, "discharge") for v in volts[-2::-1]]
    spectra = []
    for seed, (v, direction) in enumerate(steps, start=1):
        arcs = [CONTACT, CATHODE, INTERPHASE] if direction == "charge" and v >= 2.8 else [CONTACT, CATHODE]
        spectra.append(cell(arcs, seed, diffusion=(60.0, 30.0), voltage_V=v, direction=direction))
    return Series(spectra, by="voltage")


def charge_and_discharge() -> Series:
    """Return B5: twelve spectra, minimum resistance at the fourth, maximum at the seventh, tails at both ends."""
    totals = [74, 66, 60, 56, 60, 68, 76, 70, 65, 61, 64, 72]
    soc = [2, 18, 34, 50, 66, 82, 98, 81, 65, 49, 33, 3]
    spectra = []
    for i, (total, at) in enumerate(zip(totals, soc, strict=True)):
        tail = (200.0, 60.0) if i in (0, 11) else None
        arc = (total - 30.0, 1e-3, 0.85)
        direction = "charge" if i < 7 else "discharge"
        spectra.append(cell([arc], i + 1, 30.0, tail, soc_pct=float(at), direction=direction))
    return Series(spectra, by="soc")


def cycles(n: int = 160) -> Series:
    """Return B6: 60 Ω ± 1 % at each full discharge."""
    scatter = 1 + 0.01 * np.random.default_rng(6).standard_normal(n)
    f = np.geomspace(1e6, 0.1, 43)
    return Series(
        [
            cell([(40.0 * x, 1e-3, 0.85)], i, 20.0 * x, frequency=f, cycle=float(i + 1))
            for i, x in enumerate(scatter)
        ],
        by="cycle",
    )


def hold(capacitance: float, n: int = 91) -> Series:
    """Return B7: 30 h at 4.8 V, with a cathode resistance that grows with √t."""
    f = np.geomspace(1e6, 0.1, 57)
    spectra = []
    for i, hours in enumerate(np.linspace(0, 30, n)):
        R = 60 + 5649 * float(np.sqrt(hours))
        spectra.append(cell([(R, R * capacitance, 0.95)], i + 1, 20.0, frequency=f, time_h=float(hours)))
    return Series(spectra, by="time")
