"""Result folders with names and metadata meant to break a page."""

import csv
from pathlib import Path

import numpy as np

from eistool import simulate
from eistool.jobs import FitOptions, fit_folder
from eistool.readers.writers import write_spectra

HOSTILE = "<img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("https://example.org")'
SCRIPT = "</script><script>alert(1)</script>{{ 7*7 }}"
LINK = "<a href='https://example.org'>x</a>"
NAMES = (f"{HOSTILE}.csv", f"{FORMULA}.csv".replace("/", "_"), "plain.csv", '" onload="alert(1).csv')


def hostile_results(folder: Path) -> Path:
    """Fit spectra at four temperatures, one of them unreadable, with hostile names and metadata."""
    measured = folder / "measured"
    measured.mkdir()
    rows = []
    for i, name in enumerate(NAMES):
        temperature = 20.0 + 10 * i
        arc = simulate(
            "R0-p(R1,CPE1)",
            np.geomspace(1e5, 1, 31),
            [20, 100 * np.exp(-0.3 * i), 1e-5, 0.9],
            noise=0.003,
            seed=i,
        )
        write_spectra(measured / name, [arc])
        rows.append([f"{name[:3]}*" if i != 2 else "plain*", SCRIPT, LINK, temperature, 1000, 10, HOSTILE])
    (measured / "broken.mpt").write_text(f"no {SCRIPT}", encoding="utf-8")
    with (measured / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "sample_id", "material", "temperature_C", "thickness_um", "diameter_mm", "notes"])
        writer.writerows(rows)
    out = folder / "results"
    fit_folder([measured], out, FitOptions(circuit="R0-p(R1,CPE1)", circuit_is_default=False, by="temperature"))
    return out
