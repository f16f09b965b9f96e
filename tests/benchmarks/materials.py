"""Transport quantities: published values, coverage of intervals, and spurious grain boundaries.

Run ``python -m tests.benchmarks.materials``; with ``EISTOOL_REAL_DATA=folder`` measured sets with published
values are compared as well. They are not part of the project.

- MADAP: liquid electrolytes, σ = cell constant by resistance in 39 rows, and Ea of four samples by ln σ over 1/T;
  the resistances without a cell_type as well.
- EISFitpython Example2b: a LAGP pellet, bulk and grain boundary of its report.
- deep-DRT: an oxygen electrode at 500 to 700 °C and three pressures, with the published parameters of its arcs.
"""

import csv
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

import eistool
from eistool import CellGeometry, Metadata
from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.fitting import average
from eistool.jobs.candidates import candidates, choose
from eistool.jobs.fit import FitOptions, fit_folder
from eistool.materials import conductivity
from eistool.readers.writers import write_spectra
from eistool.typing import FloatArray
from tests.materials.pellets import Pellet, line, write_table

SEED = 20_250_601
ENERGY, LEVEL = 0.31, 11.731
TEMPERATURES = np.array([-40.0, -20, 0, 25, 40, 60])
GROUPS = {"21%": 0, "60%": 2, "100%": 4}


def madap(folder: Path) -> None:
    """Print σ by the cell constant against the published one, and Ea."""
    path = folder / "MADAP" / "data" / "Dataframe_STRUCTURED_all508.csv"
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    ratios: list[float] = []
    unknown_cell: list[tuple[float, bool, bool]] = []
    by_sample: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        frequency, real, imag = (
            np.array(json.loads(row[name]))
            for name in ("frequency [Hz]", "real impedance Z' [Ohm]", "imaginary impedance Z'' [Ohm]")
        )
        imag = -np.abs(imag) if np.median(imag) > 0 else imag
        constant, temperature = (
            float(row["cell constant, standard deviation"].strip("[]()").split(",")[0]),
            float(row["temperature [°C]"]),
        )
        metadata = Metadata(temperature_C=temperature, cell_type="blocking")
        spectrum = eistool.Spectrum(frequency, real + 1j * imag, metadata)
        # as eistool fit does for a blocking cell
        ranked = eistool.compare_circuits(spectrum, candidates(metadata))
        found = conductivity(
            choose([one.result for one in ranked], metadata), CellGeometry(cell_constant_per_cm=constant)
        )
        published = float(row["conductivity [S/cm]"])
        unknown_cell.append(without_cell_type(spectrum, constant / published))
        total = found.total
        assert total is not None
        ratios.append(total.sigma_S_per_cm / published)
        by_sample.setdefault(row["experimentID"], []).append(
            (temperature, published, total.sigma_S_per_cm, total.u_relative_resistance)
        )
    deviation = np.abs(np.array(ratios) - 1)
    print(f"MADAP, {len(rows)} rows: σ of ours by published: median deviation {np.nanmedian(deviation):.2%}, "
          f"largest {np.nanmax(deviation):.2%}, no value {np.isnan(deviation).sum()}")  # fmt: skip
    deviations, inside, given = np.array(unknown_cell).T
    print(f"  without cell_type: published R within errors of R_inf or 5 % in {inside.sum():.0f}; R_inf given in "
          f"{given.sum():.0f}; median deviation {np.nanmedian(deviations):.2%}")  # fmt: skip
    for sample, points in by_sample.items():
        T, theirs, ours, u = map(np.array, zip(*points, strict=True))
        known = np.isfinite(ours)
        slope = eistool.arrhenius(T, theirs, form="ln_sigma")
        fit = eistool.arrhenius(
            T[known], ours[known], u[known] * ours[known], form="ln_sigma", u_temperature_K=0.5
        )
        best = min(fit.alternatives, key=lambda one: one.aicc if np.isfinite(one.aicc) else np.inf)
        print(f"  {sample:28s} Ea (ln σ) {slope.Ea_eV:.3f} from published σ, {fit.Ea_eV:.3f} ± {fit.u_Ea_eV:.3f} "
              f"from spectra; best law {best.form} (ΔAICc {best.delta_aicc:+.1f})")  # fmt: skip


def without_cell_type(spectrum: eistool.Spectrum, published: float) -> tuple[float, bool, bool]:
    """Return the deviation of R_inf from a published R, whether errors hold it, and whether R_inf is given."""
    metadata = Metadata(temperature_C=spectrum.metadata.temperature_C)
    results = [one.result for one in eistool.compare_circuits(spectrum, candidates(metadata))]
    found = average(choose(results, metadata), results).R_inf
    deviation = abs(found.value - published)
    inside = found.low <= published <= found.high or deviation <= 0.05 * published
    return deviation / published, inside, found.status == "ok"


def oxide_pellet(seed: int) -> None:
    """Print Ea of a pellet at 140 to 200 °C, whose bulk arc leaves the window, without a cell_type."""
    celsius = np.arange(140.0, 201.0, 10.0)
    true = {
        "bulk": resistances(celsius, 2e4, 0.55),
        "grain_boundary": resistances(celsius, 8e4, 0.62),
    }
    true["total"] = true["bulk"] + true["grain_boundary"]
    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), []
        for i, (T, bulk, boundary) in enumerate(zip(celsius, true["bulk"], true["grain_boundary"], strict=True)):
            values = [bulk, 4e-11, 0.97, boundary, 4e-9, 0.88, 1e-6, 0.85]
            frequency = np.geomspace(1e6, 1, 49)
            spectrum = eistool.simulate("bulk_gb_spike", frequency, values, noise=0.003, seed=seed + i)
            write_spectra(folder / f"{T:.0f}.csv", [spectrum])
            rows.append({"file": f"{T:.0f}.csv", "sample_id": "oxide", "temperature_C": T, "thickness_um": 1000,
                         "diameter_mm": 10})  # fmt: skip
        write_table(folder / "samples.csv", rows)
        fit_folder([folder], folder / "out", FitOptions(by="temperature"))
        with (folder / "out" / "arrhenius.csv").open(encoding="utf-8") as file:
            found = {row["quantity"]: row for row in csv.DictReader(file)}
        with (folder / "out" / "fits.csv").open(encoding="utf-8") as file:
            statuses = [row["status"] for row in csv.DictReader(file)]
    for quantity, R in true.items():
        row, Ea = found[quantity], eistool.arrhenius(celsius, 1 / R).Ea_eV
        print(f"oxide pellet, 140 to 200 °C, auto, {quantity:14s}: Ea {float(row['Ea_eV']):.4f} ± "
              f"{float(row['u_Ea_eV']):.4f} eV, true {Ea:.4f}; {row['n_points']} of 7 temperatures")  # fmt: skip
    print(f"  statuses of the fits: {statuses}")


def resistances(celsius: FloatArray, at_140C: float, Ea_eV: float) -> FloatArray:
    """Return resistances of a process with σT = A exp(-Ea / kT)."""
    kelvin, reference = celsius + ZERO_CELSIUS, 140 + ZERO_CELSIUS
    return at_140C * kelvin / reference * np.exp(Ea_eV / BOLTZMANN_EV * (1 / kelvin - 1 / reference))


def lagp(folder: Path) -> None:
    """Print bulk and grain boundary of the LAGP pellet, in terms of its resistances."""
    base = folder / "EISFitpython"
    report = (base / "Example_scripts" / "Example2" / "EIS_fit_report.txt").read_text(encoding="utf-8")
    published = {
        name: (float(v), float(u)) for name, v, u in re.findall(r"^(R\d) = +(\S+) +(\S+)", report, re.MULTILINE)
    }
    spectrum = eistool.read(base / "EIS_Data" / "Example-2" / "Example2b.txt")[0].crop(f_min=5)
    # no geometry is published: with L/A = 0.1/cm, σ is 0.1/R, and the capacitances tell the arcs
    found = conductivity(
        eistool.fit(spectrum, "p(R1,CPE1)-p(R2,CPE2)-CPE3"), CellGeometry(cell_constant_per_cm=0.1)
    )
    for name, value in (("R1", found.bulk), ("R2", found.grain_boundary), ("R1 + R2", found.total)):
        theirs = [published[part] for part in name.split(" + ")]
        assert value is not None
        R, u_R = sum(v for v, _ in theirs), float(np.hypot.reduce([u for _, u in theirs]))
        ours = f"{value.R_ohm:.4g} ± {value.u_R_ohm:.2g} Ω ({value.status})"
        print(f"LAGP {value.quantity:15s} {ours}, published {name} {R:.4g} ± {u_R:.2g} Ω")


def oxygen_electrode(folder: Path) -> None:
    """Print activation energies of R0 and of the electrode's resistance, from spectra and from published fits."""
    from scipy.io import loadmat

    base = folder / "deep-DRT"
    celsius = np.array([500.0, 550, 600, 650, 700])
    for pressure, group in GROUPS.items():
        theirs, ours, errors = [], [], []
        for i, T in enumerate(celsius, start=1):
            contents = loadmat(base / "ECM_parameter" / f"Group_{group}" / f"result{i}_par.mat")
            values = next(np.ravel(v) for name, v in contents.items() if not name.startswith("__"))
            theirs.append((values[0], values[1] + values[2]))
            spectrum = eistool.read(base / "experimental_data" / f"BLF_D5_pO2_{pressure}_T{T:.0f}.csv")[0]
            result = eistool.fit(spectrum, "L0-R0-Zarc1-Zarc2")
            i0, i1, i2 = (result.circuit.index(name) for name in ("R0", "Zarc1.R", "Zarc2.R"))
            ours.append((result.values[i0], result.values[i1] + result.values[i2]))
            errors.append(tuple(np.sqrt(result.covariance[np.ix_(k, k)].sum()) for k in ([i0], [i1, i2])))
        for column, name in enumerate(("R0", "R1 + R2")):
            R, mine, u = (np.array([row[column] for row in rows]) for rows in (theirs, ours, errors))
            published = eistool.arrhenius(celsius, 1 / R)
            fit = eistool.arrhenius(celsius, 1 / mine, u / mine**2, u_temperature_K=1.0)
            print(f"BLF {pressure:5s} {name:8s} Ea (ln(T/R)) {fit.Ea_eV:.3f} ± {fit.u_Ea_eV:.3f} eV, published "
                  f"parameters {published.Ea_eV:.3f} ± {published.u_Ea_eV:.3f}; R ours by published "
                  f"{np.min(mine / R):.3f} to {np.max(mine / R):.3f}")  # fmt: skip


def coverage(kind: str, n: int, rng: np.random.Generator) -> FloatArray:
    """Return the coverage of the 95 % intervals of Ea and σ(25 °C), and their median half widths.

    Each series has a geometry error of 2.2 % that all points share, temperatures with errors of 1 K (of a kind:
    common offset, scatter, or half of the variance each), and resistances with an error of 0.5 %.
    """
    offset_share = {"offset": 1.0, "scatter": 0.0, "both": 0.5}[kind]
    hits, widths = [], []
    for _ in range(n):
        shift = rng.standard_normal() * np.sqrt(offset_share)
        shift = shift + rng.standard_normal(TEMPERATURES.size) * np.sqrt(1 - offset_share)
        sigma = line(TEMPERATURES + shift, LEVEL, ENERGY)
        sigma = sigma * np.exp(0.022 * rng.standard_normal() + 0.005 * rng.standard_normal(TEMPERATURES.size))
        found = eistool.arrhenius(TEMPERATURES, sigma, 0.005 * sigma, u_geometry=0.022, u_temperature_K=1.0)
        truth = float(line([25.0], LEVEL, ENERGY)[0])
        low, high = found.interval
        hits.append((low < ENERGY < high, found.sigma_25C_low < truth < found.sigma_25C_high))
        widths.append((found.quantile * found.u_Ea_eV, np.log(found.sigma_25C_high / found.sigma_25C_low) / 2))
    return np.concatenate([np.mean(hits, axis=0), np.median(widths, axis=0)])


def coverage_of_fits(n: int, rng: np.random.Generator) -> FloatArray:
    """The same through spectra and fits, with both kinds of temperature errors."""
    hits = []
    for k in range(n):
        true = 1 + 0.022 * rng.standard_normal()
        pellet = Pellet(
            sample_id="", x=0, sigma_25C=2.4e-3, Ea_eV=ENERGY, temperatures_C=(), thickness_um=1000 * true
        )
        shift = np.sqrt(0.5) * (rng.standard_normal() + rng.standard_normal(TEMPERATURES.size))
        spectra = [pellet.spectrum(T, 1000 * k + i) for i, T in enumerate(TEMPERATURES + shift)]
        cell = CellGeometry(thickness_um=1000, diameter_mm=10, u_thickness_um=22, u_diameter_mm=0)
        totals = [conductivity(result, cell).total for result in eistool.fit_many(spectra, "bulk_spike")]
        sigma, u = (
            np.array([getattr(total, name) for total in totals])
            for name in ("sigma_S_per_cm", "u_relative_resistance")
        )
        known = np.isfinite(sigma)
        found = eistool.arrhenius(
            TEMPERATURES[known], sigma[known], (u * sigma)[known], u_geometry=0.022, u_temperature_K=1.0
        )
        low, high = found.interval
        hits.append((low < ENERGY < high, found.sigma_25C_low < 2.4e-3 < found.sigma_25C_high))
    return np.asarray(np.mean(hits, axis=0))


def no_grain_boundaries(n: int, rng: np.random.Generator) -> dict[str, int]:
    """Return the grain boundaries claimed in pellets that show a spike only, by the circuit asked for."""
    claims = dict.fromkeys(("spike", "r0_arc_spike", "bulk_spike", "bulk_gb_spike", "auto"), 0)
    cell = CellGeometry(thickness_um=1000, diameter_mm=10)
    blocking = Metadata(cell_type="blocking")
    for seed in range(n):
        pellet = Pellet(
            sample_id="", x=0, sigma_25C=10 ** rng.uniform(-3, -2.1), Ea_eV=0.3, temperatures_C=(),
            permittivity=rng.uniform(6, 20),
        )  # fmt: skip
        spectrum = pellet.spectrum(25, seed, noise=rng.uniform(0.002, 0.01))
        for circuit in claims:
            if circuit == "auto":
                ranked = eistool.compare_circuits(spectrum, candidates(blocking))
                result = choose([one.result for one in ranked], blocking)
            else:
                result = eistool.fit(spectrum, circuit)
            boundary = conductivity(result, cell).grain_boundary
            claims[circuit] += boundary is not None and boundary.status in ("ok", "extrapolated")
    return claims


def main() -> None:
    """Print the figures."""
    rng = np.random.default_rng(SEED)
    for kind in ("offset", "scatter", "both"):
        energy, sigma, u_energy, u_sigma = coverage(kind, 500, rng)
        print(f"500 series, errors of temperature as {kind:7s}: Ea holds {energy:.1%} "
              f"(± {1e3 * u_energy:.1f} meV), σ(25 °C) {sigma:.1%} (± {u_sigma:.1%})")  # fmt: skip
    energy, sigma = coverage_of_fits(60, rng)
    print(f"60 series through spectra and fits: Ea {energy:.1%}, σ(25 °C) {sigma:.1%}")
    print(f"grain boundaries claimed in 50 pellets with a spike only: {no_grain_boundaries(50, rng)}")
    for seed in range(0, 30, 10):
        oxide_pellet(seed)
    kT = BOLTZMANN_EV * (25 + ZERO_CELSIUS)
    print(f"(1 K at 25 °C is {(ENERGY / kT - 1) / (25 + ZERO_CELSIUS):.2%} of σ)")
    if os.environ.get("EISTOOL_REAL_DATA"):
        folder = Path(os.environ["EISTOOL_REAL_DATA"])
        madap(folder)
        lagp(folder)
        oxygen_electrode(folder)


if __name__ == "__main__":
    main()
