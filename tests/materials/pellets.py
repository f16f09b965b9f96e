"""Simulated studies of pellets: the compositions of the papers as raw files, with their expected results."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eistool import Metadata, Spectrum, simulate
from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.readers.writers import write_spectra
from eistool.typing import FloatArray

VACUUM_F_PER_CM = 8.8541878128e-14


@dataclass(frozen=True, slots=True, kw_only=True)
class Pellet:
    """Sample of a study: σ at 25 °C, activation energy, temperatures, geometry and window."""

    sample_id: str
    x: float
    sigma_25C: float  # S/cm
    Ea_eV: float | None
    temperatures_C: tuple[float, ...]
    thickness_um: float = 1000.0
    diameter_mm: float = 10.0
    window_Hz: tuple[float, float] = (7e6, 0.1)
    amplitude_mV: float = 10.0
    permittivity: float = 10.0

    def sigma(self, celsius: float) -> float:
        """Return the true conductivity."""
        kelvin, room = celsius + ZERO_CELSIUS, 25.0 + ZERO_CELSIUS
        energy = self.Ea_eV or 0.3
        return self.sigma_25C * room / kelvin * math.exp(-energy / BOLTZMANN_EV * (1 / kelvin - 1 / room))

    def spectrum(self, celsius: float, seed: int, noise: float = 0.004) -> Spectrum:
        """Return a measurement with an inductance of the leads and a blocking electrode."""
        constant = self.thickness_um * 1e-4 / (math.pi * (self.diameter_mm / 20) ** 2)
        values = {
            "L0": 2e-7,
            "R1": constant / self.sigma(celsius),
            "C1": VACUUM_F_PER_CM * self.permittivity / constant,
            "CPE1.Q": 2e-6,
            "CPE1.alpha": 0.92,
        }
        high, low = self.window_Hz
        frequency = np.geomspace(high, low, 1 + round(8 * math.log10(high / low)))
        metadata = Metadata(amplitude_mV=self.amplitude_mV)
        return simulate("L0-p(R1,C1)-CPE1", frequency, values, noise, seed, metadata)


_A_TEMPERATURES = (-40.0, -20.0, 0.0, 25.0, 40.0, 60.0)
LBPSI = tuple(
    Pellet(sample_id=f"LBPSI{round(100 * x):03d}", x=x, sigma_25C=1e-3 * sigma, Ea_eV=energy, temperatures_C=T)
    for x, sigma, energy, T in (
        (0.0, 0.32, 0.34, _A_TEMPERATURES),
        (0.11, 1.6, None, (25.0,)),
        (0.17, 2.4, 0.31, _A_TEMPERATURES),
        (0.29, 1.8, 0.31, _A_TEMPERATURES),
        (0.80, 0.0027, None, (25.0,)),
    )
)
# room temperature to 1 MHz at 100 mV, and a series of temperatures to 35 MHz
CHLOROSPINELS = (
    *(
        Pellet(
            sample_id=f"LISC{i}", x=x, sigma_25C=1e-3 * sigma, Ea_eV=None, temperatures_C=(25.0,),
            thickness_um=1430, window_Hz=(1e6, 0.1), amplitude_mV=100,
        )
        for i, (x, sigma) in enumerate([(0.0, 1.83), (0.222, 1.93), (0.333, 2.0), (0.444, 2.0), (0.555, 2.03)])
    ),
    Pellet(
        sample_id="LISCT", x=0.333, sigma_25C=2.0e-3, Ea_eV=0.33, temperatures_C=(30.0, 35, 40, 45, 50, 55, 60),
        thickness_um=1430, window_Hz=(35e6, 0.1),
    ),
)  # fmt: skip
_SUFFIXES = (".mpt", ".DTA", ".csv", ".z")


def write_study(folder: Path, pellets: Sequence[Pellet], first_seed: int = 1) -> None:
    """Write all spectra in several formats, and a samples table with the missing metadata."""
    folder.mkdir(parents=True)
    rows = []
    seed = first_seed
    for i, pellet in enumerate(pellets):
        for celsius in pellet.temperatures_C:
            name = f"{pellet.sample_id}_{'m' if celsius < 0 else ''}{abs(celsius):g}degC{_SUFFIXES[i % 4]}"
            write_spectra(folder / name, [pellet.spectrum(celsius, seed)])
            seed += 1
        rows.append(
            {
                "file": f"{pellet.sample_id}_*", "sample_id": pellet.sample_id, "cell_type": "blocking",
                "thickness_um": pellet.thickness_um, "u_thickness_um": 20, "diameter_mm": pellet.diameter_mm,
                "u_diameter_mm": 0.05, "u_temperature_C": 1, "composition_x": pellet.x,
                "amplitude_mV": pellet.amplitude_mV,
            }
        )  # fmt: skip
    write_table(folder / "samples.csv", rows)


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a CSV table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def line(temperature_C: Iterable[float], ln_sigma0: float, Ea_eV: float) -> FloatArray:
    """Return σ = (σ0/T) exp(-Ea/kBT) in S/cm."""
    kelvin = np.asarray(tuple(temperature_C)) + ZERO_CELSIUS
    return np.asarray(np.exp(ln_sigma0 - Ea_eV / (BOLTZMANN_EV * kelvin)) / kelvin)
