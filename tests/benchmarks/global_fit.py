"""Duration of global fits as a function of the number of spectra.

Run ``python -m tests.benchmarks.global_fit``: series of spectra with 10 parameters each, of which one
follows the Arrhenius equation, one is shared and (in the second line) one is smooth along the series.
"""

import argparse
import time

import numpy as np

import eistool

CIRCUIT = "L0-R0-p(R1,CPE1)-p(R2,CPE2)-CPE3"
FREQUENCY = np.geomspace(1e6, 0.1, 71)
BOLTZMANN_EV = 8.617333262e-5


def arrhenius_series(n: int, seed: int = 1, noise: float = 0.003) -> eistool.Series:
    """Return spectra of -20 to 60 °C with Ea = 0.31 eV in R1 and 0.45 eV in R2."""
    spectra = []
    for i, celsius in enumerate(np.linspace(-20, 60, n)):
        beta = 1 / (BOLTZMANN_EV * (celsius + 273.15)) - 1 / (BOLTZMANN_EV * 293.15)
        values = [3e-7, 10, 100 * np.exp(0.31 * beta) * (celsius + 273.15) / 293.15, 1e-8, 0.9]
        values += [200 * np.exp(0.45 * beta), 1e-5, 0.85, 1e-2, 0.9]
        metadata = eistool.Metadata(temperature_C=float(celsius))
        label = f"{celsius:.1f} °C"
        spectra.append(eistool.simulate(CIRCUIT, FREQUENCY, values, noise, 1000 * seed + i, metadata, label=label))
    return eistool.Series(spectra, by="temperature")


def main() -> None:
    """Print a line per size of the series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, nargs="+", default=[50, 100, 200, 400])
    options = parser.parse_args()
    eistool.fit_many(arrhenius_series(2), CIRCUIT)  # compile
    for n in options.spectra:
        series = arrhenius_series(n)
        start = time.perf_counter()
        eistool.fit_many(series, CIRCUIT, chain=True)
        separate = time.perf_counter() - start
        smooths: tuple[dict[str, float | str], ...] = ({}, {"R2": "auto"})
        for smooth in smooths:
            start = time.perf_counter()
            result = eistool.fit_global(series, CIRCUIT, ["CPE1.alpha"], {"R1": "arrhenius"}, smooth)
            seconds = time.perf_counter() - start
            energy = result.laws["R1"].parameters["Ea_eV"]
            print(
                f"{n:4d} spectra x 10 parameters{', one smooth' if smooth else '':12s}: {seconds:6.2f} s "
                f"(the separate fits alone {separate:5.2f} s)   "
                f"Ea = {energy.value:.4f} ± {energy.stderr:.4f} eV   {result.status}"
            )


if __name__ == "__main__":
    main()
