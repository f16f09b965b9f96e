"""Real cells: no false events."""

import os
from pathlib import Path

import numpy as np
import pytest

from eistool import Metadata, Series, Spectrum, track

FOLDER = Path(os.environ.get("EISTOOL_REAL_DATA", ""), "2nd-NLEIS", "Part II", "data")


@pytest.mark.skipif(
    "EISTOOL_REAL_DATA" not in os.environ, reason="EISTOOL_REAL_DATA does not name the folder of real spectra"
)
def test_fresh_cells_keep_their_processes_over_state_of_charge() -> None:
    frequency = np.loadtxt(FOLDER / "freq_10f.txt")
    spectra = []
    for soc in (10, 30, 40, 50, 60):
        for cell, row in enumerate(np.loadtxt(FOLDER / f"Z1s_{soc}f.txt")):
            pairs = row.reshape(-1, 2)
            metadata = Metadata(soc_pct=float(soc))
            spectra.append(Spectrum(frequency, pairs[:, 0] + 1j * pairs[:, 1], metadata, f"{soc} %, cell {cell}"))
    tracks = track(Series(spectra, by="soc"), jobs=1)
    assert not [event for event in tracks.events if event.status == "confirmed"]
    # the two fastest arcs of these cells, at 0.16 and 0.7 ms, are present in all spectra
    assert [process.present.size for process in tracks.processes[:2]] == [15, 15]
    assert any("repeat a coordinate" in flag for flag in tracks.flags)
