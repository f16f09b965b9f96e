"""VersaStudio files: segments, d.c. points between sweeps, and experiments without impedance."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from tests.readers.written import PAR_NAMES, F, Z, par


def read(folder: Path, data: bytes) -> list[eistool.Spectrum]:
    (folder / "cell.PAR").write_bytes(data)
    return eistool.read(folder / "cell.PAR")


def test_every_segment_is_a_sweep(tmp_path: Path) -> None:
    spectra = read(tmp_path, par((Z, 2 * Z, 3 * Z), area=0.785))
    for k, spectrum in enumerate(spectra, start=1):
        np.testing.assert_array_equal(spectrum.frequency, F)
        np.testing.assert_array_equal(spectrum.impedance, k * Z)
        assert spectrum.metadata.ewe_mean_V == pytest.approx(0.1 * (k - 1))
    m = spectra[0].metadata
    assert (m.format, m.technique, m.started_at) == ("versastudio_par", "PEIS", "2018-07-19T09:40:30")
    assert (m.amplitude_mV, m.area_cm2, m.i_mean_mA) == (20.0, 0.785, 1.0)
    assert "3 rows without a frequency omitted" in spectra[0].notes


def test_the_area_that_nobody_filled_in_is_none(tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, par())
    assert spectrum.metadata.area_cm2 is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (par().split(b"<Segment1>")[0], "no segment; the experiment was not run"),
        (par(names="Segment #, Point #, E(V), I(A)"), r"Segment1 \(line 18\): columns Segment #, Point #"),
        (par(()), r"Segment1 \(line 18\): 0 rows, none with a frequency"),
        (par(names=PAR_NAMES.replace("Z Real", "Z Rea")), "expected Frequency"),
    ],
)
def test_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, data)


def test_real_files(real_data: Path) -> None:
    [path] = (real_data / "elchempy-par").rglob("*.par")
    spectra = eistool.read(path)
    assert [len(s) for s in spectra] == 14 * [51]
    table = np.array([
        [float(x) for x in line.split(",")]
        for line in path.read_text("utf-8-sig").splitlines()
        if line[:1].isdigit() and line.count(",") > 20
    ])  # fmt: skip
    np.testing.assert_array_equal(np.concatenate([s.frequency for s in spectra]), table[:, 9])
    np.testing.assert_array_equal(np.concatenate([s.impedance for s in spectra]), table[:, 14] + 1j * table[:, 15])
    assert len({s.metadata.ewe_mean_V for s in spectra}) == 14
