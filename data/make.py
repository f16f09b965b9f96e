"""Make the sample spectra of this folder: ``python data/make.py``.

Two studies of all-solid-state cells, simulated from the figures of the papers that data/README.md names.
Values are rounded to six digits, as instruments do, and so that every machine writes the same files.
"""

import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

import eistool
from eistool.readers.writers import write_spectra

FREQUENCY = np.geomspace(7e6, 0.1, 64)  # eight points a decade
BOLTZMANN_EV = 8.617333262e-5
VACUUM_F_PER_CM = 8.8541878128e-14

# the pellet of glass electrolyte with x = 0.17
LN_SIGMA0, EA_EV = 11.731, 0.31  # sigma T = sigma0 exp(-Ea/kT), S K/cm
THICKNESS_UM, DIAMETER_MM = 1000.0, 10.0
PERMITTIVITY = 10.0
PELLET_NOISE = 0.004
PELLET_FILES = {
    -40: "LBPSI017_m40C.mpt", -20: "LBPSI017_m20C.mpt", 0: "LBPSI017_0C.DTA", 20: "LBPSI017_20C.DTA",
    25: "LBPSI017_25C.mpt", 30: "LBPSI017_30C.z", 40: "LBPSI017_40C.z", 50: "LBPSI017_50C.csv",
    60: "LBPSI017_60C.csv",
}  # fmt: skip
ARC_SEEN_UP_TO_C = -20  # there the bulk arc still bends the fastest points

# the cell: ohm, s and exponent of its arcs; R and time constant of the diffusion
SEPARATOR = {"L0": 1e-7, "R0": 22.5}
CONTACT, CATHODE, INTERPHASE = (0.9, 1e-5, 0.9), (25.0, 3e-4, 0.8), (15.0, 3e-2, 0.8)
DIFFUSION = (60.0, 30.0)
INTERPHASE_FROM_V = 2.8  # and on charge only
CELL_NOISE = 0.003
VOLTAGES = (2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6)
REST_MINUTES = 15


def main(folder: Path) -> None:
    """Write all files below a folder."""
    make_pellet(folder / "pellet")
    make_cell(folder / "soc")


def conductivity(celsius: float) -> float:
    """Return the electrolyte's conductivity in S/cm."""
    kelvin = celsius + 273.15
    return math.exp(LN_SIGMA0 - EA_EV / (BOLTZMANN_EV * kelvin)) / kelvin


def make_pellet(folder: Path) -> None:
    """Write the temperature series of a pellet between blocking electrodes."""
    folder.mkdir(parents=True, exist_ok=True)
    area = math.pi * (DIAMETER_MM / 20) ** 2
    thickness = THICKNESS_UM * 1e-4
    capacitance = VACUUM_F_PER_CM * PERMITTIVITY * area / thickness
    rows = []
    for seed, (celsius, name) in enumerate(PELLET_FILES.items(), start=1):
        values = {
            "L0": 2e-7,
            "R1": thickness / (conductivity(celsius) * area),
            "C1": capacitance,
            "CPE1.Q": 2e-6,
            "CPE1.alpha": 0.92,
        }
        metadata = eistool.Metadata(
            started_at=(datetime(2024, 3, 4, 9) + timedelta(hours=2 * seed)).isoformat(), amplitude_mV=10.0
        )
        spectrum = measure("L0-p(R1,C1)-CPE1", values, PELLET_NOISE, seed, metadata)
        semicolon = name.endswith("_60C.csv")
        write_spectra(folder / name, [spectrum], "csv-semicolon" if semicolon else None)
        rows.append(
            {
                "file": name,
                "sample_id": "LBPSI017",
                "cell_type": "blocking",
                "stack": "Ti|SE|Ti",
                "material": "Li2S-B2S3-P2S5-LiI glass",
                "composition_x": 0.17,
                "temperature_C": celsius,
                "u_temperature_C": 1,
                "thickness_um": THICKNESS_UM,
                "u_thickness_um": 20,
                "diameter_mm": DIAMETER_MM,
                "u_diameter_mm": 0.05,
                "pressure_MPa": 84,
                "circuit": "bulk_spike" if celsius <= ARC_SEEN_UP_TO_C else "spike",
            }
        )
    write_table(folder / "samples.csv", rows)


def make_cell(folder: Path) -> None:
    """Write the first charge and discharge of a cell, and three sweeps in a row at its end of charge."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = [(v, "chg") for v in VOLTAGES] + [(v, "dis") for v in VOLTAGES[-2::-1]]
    rows = []
    for i, (voltage, direction) in enumerate(steps):
        three_arcs = direction == "chg" and voltage >= INTERPHASE_FROM_V
        circuit = "assb3_diffusion" if three_arcs else "assb2_diffusion"
        name = f"cell_25C_{voltage:.2f}V_{direction}.csv".replace(".", "p", 1)
        write_spectra(folder / name, [measure_cell(three_arcs, 100 + i)])
        rows.append(cell_row(name, "cell", circuit))
    start = datetime(2024, 3, 6, 9)
    sweeps = [
        measure_cell(
            True,
            200 + i,
            started_at=start.isoformat(),
            amplitude_mV=10.0,
            ewe_mean_V=3.6,
            time_h=i * REST_MINUTES / 60,
        )
        for i in range(3)
    ]
    write_spectra(folder / "rest_25C_3p60V_chg.mpt", sweeps)
    rows.append(cell_row("rest_25C_3p60V_chg.mpt", "rest", "assb3_diffusion"))
    write_table(folder / "samples.csv", rows)


def cell_row(name: str, sample: str, circuit: str) -> dict[str, object]:
    """Return the row of the samples table of one file."""
    return {
        "file": name,
        "sample_id": sample,
        "cell_type": "full",
        "stack": "In/InLi|SE|S composite",
        "diameter_mm": DIAMETER_MM,
        "pressure_MPa": 64,
        "reference": "In/InLi",
        "circuit": circuit,
    }


def measure_cell(three_arcs: bool, seed: int, **metadata: object) -> eistool.Spectrum:
    """Return a spectrum of the cell, with or without the new interphase."""
    arcs = [CONTACT, CATHODE, INTERPHASE] if three_arcs else [CONTACT, CATHODE]
    values = dict(SEPARATOR)
    for i, (R, tau, alpha) in enumerate(arcs, start=1):
        values |= {f"Zarc{i}.R": R, f"Zarc{i}.tau": tau, f"Zarc{i}.alpha": alpha}
    values |= {"Wo1.R": DIFFUSION[0], "Wo1.tau": DIFFUSION[1]}
    circuit = "-".join(["L0-R0", *(f"Zarc{i}" for i in range(1, len(arcs) + 1)), "Wo1"])
    return measure(circuit, values, CELL_NOISE, seed, eistool.Metadata().updated("given", **metadata))


def measure(
    circuit: str, values: Mapping[str, float], noise: float, seed: int, metadata: eistool.Metadata
) -> eistool.Spectrum:
    """Return a simulated spectrum with six digits."""
    spectrum = eistool.simulate(circuit, FREQUENCY, values, noise=noise, seed=seed, metadata=metadata)
    z = spectrum.impedance
    return replace(
        spectrum, frequency=six_digits(FREQUENCY), impedance=six_digits(z.real) + 1j * six_digits(z.imag)
    )


def six_digits(values: Iterable[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the values rounded."""
    return np.array([float(f"{value:.6g}") for value in values])


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a samples table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
