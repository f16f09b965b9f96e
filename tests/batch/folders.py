"""Folders of simulated spectra."""

import csv
from pathlib import Path

import numpy as np

from eistool import Spectrum, simulate
from eistool.readers.writers import write_spectra

CIRCUIT = "R0-p(R1,CPE1)"
FREQUENCY = np.geomspace(1e5, 1.0, 26)


def arc(R1: float = 100.0, seed: int = 1) -> Spectrum:
    """Return a spectrum of one arc."""
    return simulate(CIRCUIT, FREQUENCY, [20, R1, 1e-5, 0.9], noise=0.003, seed=seed)


def make_folder(folder: Path) -> Path:
    """Write ``a/cell_25C.csv`` and ``b/cell_25C.mpt`` with two sweeps, and two files to be ignored."""
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    write_spectra(folder / "a" / "cell_25C.csv", [arc(100, 1)])
    write_spectra(folder / "b" / "cell_25C.mpt", [arc(200, 2), arc(300, 3)])
    (folder / "README.md").write_text("words")
    (folder / "samples.csv").write_text("file,sample_id,diameter_mm\n*,S17,10\n")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of change of every file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
