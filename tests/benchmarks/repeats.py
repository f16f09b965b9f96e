"""Scatter of successive sweeps of one cell against the errors of their fits.

Run ``eistool fit FOLDERS --out RESULTS``, then ``python -m tests.benchmarks.repeats RESULTS``. For each file with
five sweeps or more and each quantity that is averaged over circuits: the scatter from sweep to sweep, which is
1.48 times the median of the absolute differences, divided by the square root of 2; the median u; and the ratio of
the two. A trend of the cell hardly counts in differences. A ratio far below 1 is expected where u is the misfit of
the circuit, which all sweeps share.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

LEAST_SWEEPS = 5
QUANTITIES = ("R_inf", "R_total")


def main() -> None:
    """Print the table."""
    with (Path(sys.argv[1]) / "fits.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    values = defaultdict(list)
    for row in rows:
        for name in QUANTITIES:
            if row[f"{name}_status"] == "ok":
                value, u = (float(row[key]) for key in (f"{name}_ohm", f"u_{name}_ohm"))
                values[row["source"], name].append((int(row["sweep"]), value, u))
    print(
        f"{'file':60s} {'quantity':8s} {'sweeps':>6s} {'median':>10s} {'scatter %':>9s} {'u %':>8s} {'ratio':>6s}"
    )
    for (source, name), found in sorted(values.items()):
        if len(found) < LEAST_SWEEPS:
            continue
        _, R, u = np.array(sorted(found)).T
        scatter = 1.4826 * np.median(np.abs(np.diff(R))) / np.sqrt(2)
        print(f"{source[-60:]:60s} {name:8s} {len(R):6d} {np.median(R):10.4g} {100 * scatter / np.median(R):9.2f} "
              f"{100 * np.median(u / R):8.2f} {scatter / np.median(u):6.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
