"""Comparison with published fits.

Run ``EISTOOL_REAL_DATA=folder python -m tests.benchmarks.published``. The measured spectra and the published
tables are not part of the project.

- LAGP pellet (EISFitpython, Example2b): p(R,CPE)-p(R,CPE)-CPE, f >= 5 Hz, modulus weighting; values, errors and
  chi2 of its report.
- Photoanode at 21 potentials (EZ): R0-p(CPE1,R1-p(R2,CPE2)) with R0, and both exponents fixed, f <= 1443 Hz,
  unit weighting; the table counts in units of 250 ohm and has three digits.
"""

import csv
import os
import re
from pathlib import Path

import numpy as np

import eistool
from eistool.typing import FloatArray

PELLET = "p(R1,CPE1)-p(R2,CPE2)-CPE3"
PHOTOANODE = "R0-p(CPE1,R1-p(R2,CPE2))"
FIXED = {"R0": 0.025, "CPE1.alpha": 0.9, "CPE2.alpha": 0.8}
COLUMNS = {"CPE1.Q": "Q_SC", "R1": "R_Bulk", "CPE2.Q": "Q_SS", "R2": "R_SS"}
EZ_UNIT_OHM = 250.0


def pellet(folder: Path) -> tuple[eistool.FitResult, FloatArray, float]:
    """Return the fit, the published (value, stderr) rows in the circuit's order, and the published chi2."""
    base = folder / "EISFitpython"
    report = (base / "Example_scripts" / "Example2" / "EIS_fit_report.txt").read_text(encoding="utf-8")
    rows = re.findall(r"^[RQn]\d = +(\S+) +(\S+) +\S+$", report, re.MULTILINE)
    chi2 = float(re.findall(r"^Chi-squared: (\S+)$", report, re.MULTILINE)[0])
    spectrum = eistool.read(base / "EIS_Data" / "Example-2" / "Example2b.txt")[0].crop(f_min=5)
    return eistool.fit(spectrum, PELLET, weighting="modulus"), np.array(rows, dtype=np.float64), chi2


def photoanode(folder: Path) -> tuple[FloatArray, FloatArray]:
    """Return the ratios to published values and errors, each of shape (21, 4)."""
    data = folder / "EZ" / "examples" / "data"
    table = data / "EIS CFO pH14 light - fit results" / "varying parameters.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    values, errors = [], []
    # the table goes from the last sweep to the first
    for measured, row in zip(eistool.read(data / "EIS CFO pH14 light.mpt")[::-1], rows, strict=True):
        spectrum = eistool.Spectrum(measured.frequency, measured.impedance / EZ_UNIT_OHM).crop(f_max=1443.5)
        found = eistool.fit(spectrum, PHOTOANODE, fixed=FIXED, weighting="unit").parameters
        values.append([found[ours].value / float(row[theirs]) for ours, theirs in COLUMNS.items()])
        errors.append([found[ours].stderr_noise / float(row[f"{theirs} std"]) for ours, theirs in COLUMNS.items()])
    return np.array(values), np.array(errors)


def main() -> None:
    """Print the figures."""
    folder = Path(os.environ["EISTOOL_REAL_DATA"])
    result, published, chi2 = pellet(folder)
    print(f"pellet: chi2 {result.chi2:.6e}, published {chi2:.6e}; {result.dof} degrees of freedom")
    for parameter, (value, stderr) in zip(result.parameters.values(), published, strict=True):
        ours = f"{parameter.name:10s} {parameter.value:.3e} ± {parameter.stderr_noise:.3e}"
        print(f"  {ours}   published {value:.3e} ± {stderr:.3e}")
    values, errors = photoanode(folder)
    print(f"photoanode: values differ by at most {np.abs(values - 1).max(axis=0)}")
    print(f"            errors differ by at most {np.abs(errors - 1).max(axis=0)}")


if __name__ == "__main__":
    main()
