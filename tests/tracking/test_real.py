"""Real cells: no false events."""

import os
from pathlib import Path

import numpy as np
import pytest

from eistool import Metadata, Series, Spectrum, read, track

DATA = Path(os.environ.get("EISTOOL_REAL_DATA", ""))
FOLDER = DATA / "2nd-NLEIS" / "Part II" / "data"


REAL = pytest.mark.skipif(
    "EISTOOL_REAL_DATA" not in os.environ, reason="EISTOOL_REAL_DATA does not name the folder of real spectra"
)


@REAL
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


@REAL
def test_a_resolved_arc_is_listed_beside_vague_ones() -> None:
    # each spectrum of this cell shows an arc of 40 to 90 ohm at about 1 ms, which up to three ZARCs describe
    folder = DATA / "EIS-DCT" / "EIS-DCT" / "experimental data"
    spectra = [
        read(folder / f"ML621_{soc}%.csv")[0].with_metadata("test", soc_pct=float(soc))
        for soc in range(10, 101, 10)
    ]
    tracks = track(Series(spectra, by="soc"), jobs=1)
    (arc,) = [p for p in tracks.processes if 5e-4 < float(np.median(p.tau)) < 3e-3]
    assert [*arc.status].count("ok") >= 8
    assert 20 < float(arc.R.min()) < float(arc.R.max()) < 100
    assert any("too vague" in flag for flag in tracks.flags)
