"""Zahner's binary files: directions of the sweep, texts, and what is cut off."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from tests.readers.written import F, Z, ism


def read(folder: Path, data: bytes, name: str = "cell.ISM") -> list[eistool.Spectrum]:
    (folder / name).write_bytes(data)
    return eistool.read(folder / name)


def test_points_and_header(tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, ism(), "Zelle_µ.ISM")
    np.testing.assert_array_equal(spectrum.frequency, F)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-14)
    m = spectrum.metadata
    assert (m.format, m.technique, m.started_at) == ("zahner_ism", "PEIS", "2024-07-16T09:31:40")
    assert (m.ewe_mean_V, m.amplitude_mV, m.temperature_C) == (0.9995, 10.0, 23.8)
    assert m.i_mean_mA == pytest.approx(10.006e-6)
    assert m.origin["temperature_C"] == "file header"


def test_up_to_the_top_then_down_over_the_whole_range(tmp_path: Path) -> None:
    up = slice(6, 0, -1)  # without the turning point, which starts the sweep downwards
    frequency, impedance = np.concatenate([F[up], F]), np.concatenate([Z[up], Z])
    first, second = read(tmp_path, ism(frequency, impedance))
    np.testing.assert_array_equal(first.frequency, F[up])
    np.testing.assert_array_equal(second.frequency, F)
    np.testing.assert_allclose(second.impedance, Z, rtol=1e-14)


def test_fields_that_say_nothing_are_not_taken(tmp_path: Path) -> None:
    texts = ("160724", "x", "-0.9984", "16aA", "-0.7+-0.0C", "")
    [spectrum] = read(tmp_path, ism(texts=texts, time=0.0, significance=476))
    m = spectrum.metadata
    assert (m.started_at, m.ewe_mean_V, m.temperature_C, m.amplitude_mV) == (None, None, None, None)
    assert any("open input" in note for note in spectrum.notes)
    assert "16 points have a significance below 0.95 (lowest 0.476)" in spectrum.notes


def test_galvanostatic_amplitude_is_no_voltage(tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, ism(texts=("", "", "0.0V", "3.8076mA, Ampl: 1A", "-0.0+-0.4C", "")))
    m = spectrum.metadata
    assert (m.technique, m.amplitude_mV) == ("GEIS", None)
    assert m.i_mean_mA == pytest.approx(3.8076)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ism()[:300], "byte 12: 16 points need 556 bytes, the file has 300"),
        (ism(-F), "expected a file of Zahner"),
        (ism()[1:], "expected a file of Zahner"),
        (ism(np.r_[1.0, np.zeros(15)], np.full(16, np.nan + 0j)), "no point with a frequency above 0"),
    ],
)
def test_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, data)


# points on the way up and down, and of each spectrum frequency, |Z| and phase of the first point
REAL = {
    "Examples/BasicIntroduction/rc-data.ism": (20, 55),
    "Examples/BasicIntroduction/fit_results/fit_samples.ism": (55,),
    "Examples/SetupCompensation/ExampleData/500uR_measurement_pro.ism": (90, 160),
    "Examples/SetupCompensation/ExampleData/500uR_measurement_pro_short_compensated.ism": (160,),
    "Examples/ZHIT/ZHIT.ism": (40,),
    "Examples/ZHIT/drift.ism": (47,),
}


@pytest.mark.parametrize("file", REAL)
def test_real_files(file: str, real_data: Path) -> None:
    path = real_data / "zahner-analysis" / file
    spectra = eistool.read(path)
    assert tuple(len(s) for s in spectra) == REAL[file]
    data = path.read_bytes()
    n = sum(REAL[file])
    frequency, modulus, phase = np.frombuffer(data[12 : 12 + 24 * n], ">f8").reshape(3, n)
    np.testing.assert_array_equal(np.concatenate([s.frequency for s in spectra]), frequency)
    impedance = np.concatenate([s.impedance for s in spectra])
    np.testing.assert_allclose(np.abs(impedance), modulus, rtol=1e-14)
    np.testing.assert_allclose(np.angle(impedance), phase, rtol=1e-12, atol=1e-14)


def test_the_part_that_zahner_keeps_is_the_second_sweep(real_data: Path) -> None:
    folder = real_data / "zahner-analysis" / "Examples" / "BasicIntroduction"
    _, down = eistool.read(folder / "rc-data.ism")
    [kept] = eistool.read(folder / "fit_results" / "fit_samples.ism")  # what its own program fitted, ascending
    np.testing.assert_array_equal(kept.frequency, down.frequency[::-1])
    np.testing.assert_allclose(kept.impedance, down.impedance[::-1], rtol=1e-14)
