"""PSTrace sessions: either case of keys, channels, and the sign that Im(Y) shows."""

import json
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from tests.readers.written import F, Z, bomb, pssession, rows


def read(folder: Path, data: bytes) -> list[eistool.Spectrum]:
    (folder / "cell.pssession").write_bytes(data)
    return eistool.read(folder / "cell.pssession")


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8"])
def test_keys_in_either_case_and_encodings(lower: bool, encoding: str, tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, pssession(lower=lower, encoding=encoding))
    np.testing.assert_array_equal(spectrum.frequency, F)
    np.testing.assert_array_equal(spectrum.impedance, Z)
    m = spectrum.metadata
    assert (m.technique, m.started_at, m.amplitude_mV) == ("PEIS", "2025-07-31T15:52:46", 10.0)
    assert (m.ewe_mean_V, m.i_mean_mA) == pytest.approx((0.2, 1.5e-3))
    assert m.area_cm2 is None
    assert spectrum.notes[0] == "sign of Im: ZIm of PalmSens is -Im, negated, according to Im(Y)"


def test_every_channel_is_a_spectrum(tmp_path: Path) -> None:
    spectra = read(tmp_path, pssession((Z, 2 * Z, 5 * Z)))
    assert [s.impedance[0] / Z[0] for s in spectra] == pytest.approx([1, 2, 5])
    assert [s.metadata.sweep for s in spectra] == [1, 2, 3]
    assert "channel or scan 'CH 3: 16 freqs'" in spectra[2].notes


def test_im_of_y_decides_on_the_sign(tmp_path: Path) -> None:
    [turned] = read(tmp_path, pssession((Z.conj(),), admittance=-1))
    np.testing.assert_array_equal(turned.impedance, Z)
    [unsaid] = read(tmp_path, pssession(admittance=0))
    np.testing.assert_array_equal(unsaid.impedance, Z)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pssession()[:5000], "broken JSON at character .*; save the session again"),
        (pssession().decode("utf-16").replace('"ArrayType": 7', '"ArrayType": 99').encode("utf-16"),
         "none of the measurements Cyclic Voltammetry, Impedance Spectroscopy has impedances"),
        (b'{"Type": "PalmSens.DataFiles.SessionFile"}', "no measurements"),
        (b'{"Type": "PalmSens.X", "Measurements":' + b"[" * 100_000, "nested too deeply"),
        (b'{"type": "Something else"}', "expected a file of PalmSens"),
        (bomb("session.json", 1000), "expected a file of PalmSens"),
    ],
)  # fmt: skip
def test_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, data)


def test_columns_of_other_lengths_are_refused(tmp_path: Path) -> None:
    text = pssession().decode("utf-16")
    value = json.dumps({"V": float(Z.real[0]), "S": 0})
    with pytest.raises(ReaderError, match="16 frequencies, but another number of ZRe or ZIm"):
        read(tmp_path, text.replace(value + ", ", "").encode("utf-16"))


def test_the_text_export(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    head = (
        "Date and time:,2024-05-06 07:08:09\nNotes:,\n\nImpedance Spectroscopy\n"
        "Date and time measurement:,2024-05-06 07:01:02\n"
        "freq / Hz,neg. Phase / °,Idc / uA,Z / Ohm,Z' / Ohm,-Z'' / Ohm,Cs / F\n"
    )
    angle = -np.rad2deg(np.angle(Z))
    path.write_bytes((head + rows(F, angle, F, np.abs(Z), Z.real, -Z.imag, F, sep=",")).encode("utf-16"))
    [spectrum] = eistool.read(path)
    np.testing.assert_array_equal(spectrum.impedance, Z)
    assert spectrum.metadata.i_mean_mA == pytest.approx(F.mean() / 1e3)
    assert spectrum.metadata.started_at == "2024-05-06T07:01:02"


@pytest.mark.parametrize(
    ("file", "n", "first"),
    [
        ("python/tests/test_data/eis_5freq.pssession", 5, 569.666 - 32.340022j),
        ("python/examples/Demo CV DPV EIS IS-C electrode.pssession", 71, 112.354 - 29.8389j),
    ],
)
def test_real_files(file: str, n: int, first: complex, real_data: Path) -> None:
    [spectrum] = eistool.read(real_data / "palmsens-sdk" / file)
    assert len(spectrum) == n
    assert spectrum.impedance[0] == first
    assert (spectrum.impedance.imag < 0).mean() > 0.9
