"""WinDETA's text: impedance from what the columns hold, geometry and temperatures from the header."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from tests.readers.written import Z, windeta


def read(folder: Path, data: bytes) -> list[eistool.Spectrum]:
    (folder / "pellet.txt").write_bytes(data)
    return eistool.read(folder / "pellet.txt")


@pytest.mark.parametrize("kind", ["zs", "abs", "sig", "eps"])
def test_impedance_from_every_kind_of_column(kind: str, tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, windeta(kind))
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-12)
    m = spectrum.metadata
    assert (m.format, m.thickness_um, m.diameter_mm) == ("novocontrol", 1000.0, 10.0)
    assert (m.started_at, m.amplitude_mV, m.temperature_C) == ("2025-02-18T10:09:00", 100.0, 25.0)
    assert any("is calculated from" in note for note in spectrum.notes) == (kind in ("sig", "eps"))


def test_every_temperature_is_a_spectrum(tmp_path: Path) -> None:
    spectra = read(tmp_path, windeta(temperatures=(22, 50, 70), measured=True))
    assert [(s.metadata.temperature_C, s.metadata.u_temperature_C) for s in spectra] == [
        (22.0, 0.5),
        (50.0, 0.5),
        (70.0, 0.5),
    ]


@pytest.mark.parametrize("kind", ["sig", "eps"])
def test_decimal_commas(kind: str, tmp_path: Path) -> None:
    head, _, body = windeta(kind).partition(b"Sig''" if kind == "sig" else b"Eps''")
    [spectrum] = read(tmp_path, head + (b"Sig''" if kind == "sig" else b"Eps''") + body.replace(b".", b","))
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-12)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            windeta().replace(b"Thickness[mm] 1.000e+00", b""),
            "line 4: columns .*with Diameter.mm. and Thickness.mm.",
        ),
        (windeta().replace(b"Sig''", b"Tan(D)"), "line 4: columns .*expected Zs' and Zs''"),
        (b"\n".join(windeta().splitlines()[:6]), "line 4: fewer than 3 rows of numbers"),
    ],
)
def test_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, data)


def test_real_file_with_four_temperatures(real_data: Path) -> None:
    path = real_data / "novocontrol_toolbox/tests/testdata/Test_X4_22-50-70-90DEG.txt"
    spectra = eistool.read(path)
    assert [(len(s), s.metadata.temperature_C) for s in spectra] == [(60, t) for t in (22.0, 50.0, 70.0, 90.0)]
    lines = path.read_text("latin-1").splitlines()[4:]
    table = np.array([[float(x) for x in line.split("\t")] for line in lines])
    expected = 0.217 / (4 * np.pi) / (table[:, 5] - 1j * table[:, 6])  # 2.17 mm, 40 mm across
    np.testing.assert_allclose(np.concatenate([s.impedance for s in spectra]), expected, rtol=1e-12)
