"""What is written is read back, to the last digit."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from eistool import Metadata, Spectrum, read
from eistool.errors import ConfigError
from eistool.readers.writers import WRITERS, format_spectra, write_spectra


@pytest.fixture
def spectrum() -> Spectrum:
    rng = np.random.default_rng(7)
    frequency = np.geomspace(7e6, 0.1, 40) * (1 + 1e-9 * rng.random(40))
    scatter = 1 + 1e-6 * rng.random(40)
    impedance = np.array(20 + scatter / (1e-3 + 2j * np.pi * frequency * 1e-7), dtype=np.complex128)
    metadata = Metadata(started_at="2024-03-05T10:00:00", amplitude_mV=10.0, ewe_mean_V=2.75)
    return Spectrum(frequency, impedance, metadata)


@pytest.mark.parametrize("style", WRITERS)
def test_round_trip_is_exact(tmp_path: Path, spectrum: Spectrum, style: str) -> None:
    path = tmp_path / f"cell{WRITERS[style].suffix}"
    write_spectra(path, [spectrum], style)
    [again] = read(path)
    assert again.frequency.tobytes() == spectrum.frequency.tobytes()
    assert again.impedance.tobytes() == spectrum.impedance.tobytes()
    if style in ("mpt", "dta"):
        assert again.metadata.started_at == "2024-03-05T10:00:00"
        assert again.metadata.amplitude_mV == 10.0


def test_a_sign_that_looks_wrong_stays(tmp_path: Path, spectrum: Spectrum) -> None:
    odd = Spectrum(spectrum.frequency, spectrum.impedance.conj())
    write_spectra(tmp_path / "cell.csv", [odd])
    [again] = read(tmp_path / "cell.csv")
    assert again.impedance.tobytes() == odd.impedance.tobytes()


@pytest.mark.parametrize(("style", "reader"), [("mpt", "readBioLogic"), ("z", "readZPlot")])
def test_impedance_py_reads_what_is_written(tmp_path: Path, spectrum: Spectrum, style: str, reader: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from impedance import preprocessing

        path = tmp_path / f"cell.{style}"
        write_spectra(path, [spectrum])
        frequency, impedance = getattr(preprocessing, reader)(str(path))
    np.testing.assert_array_equal(frequency, spectrum.frequency)
    np.testing.assert_allclose(impedance, spectrum.impedance, rtol=1e-15)


def test_sweeps_of_one_mpt(tmp_path: Path, spectrum: Spectrum) -> None:
    sweeps = [spectrum.with_metadata("given", time_h=0.5 * i) for i in range(3)]
    write_spectra(tmp_path / "cell.mpt", sweeps)
    again = read(tmp_path / "cell.mpt")
    assert [s.metadata.sweep for s in again] == [1, 2, 3]
    assert [round(s.metadata.time_h or 0, 3) for s in again] == [0, 0.5, 1]


def test_wrong_formats(tmp_path: Path, spectrum: Spectrum) -> None:
    with pytest.raises(ConfigError, match="no format with this suffix"):
        write_spectra(tmp_path / "cell.xyz", [spectrum])
    with pytest.raises(ConfigError, match="choose one of csv"):
        format_spectra([spectrum], "xyz")
    with pytest.raises(ConfigError, match="2 sweeps"):
        format_spectra([spectrum, spectrum], "csv")
