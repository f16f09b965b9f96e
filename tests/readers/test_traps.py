"""What real files do to readers: each trap once, in the format where it was met."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.typing import ComplexArray
from tests.contracts.test_readers import GOOD
from tests.readers.written import F, Z, rows

COIL: ComplexArray = Z + 2j * np.pi * F * 2e-4  # inductive at the upper end


def read(folder: Path, text: str) -> list[eistool.Spectrum]:
    (folder / "cell.csv").write_text(text)
    return eistool.read(folder / "cell.csv")


@pytest.mark.parametrize("sign", [1, -1])
def test_absolute_im_gets_the_sign_that_im_of_y_shows(sign: int, tmp_path: Path) -> None:
    name = "Im(Y)/Ohm-1" if sign > 0 else "-Im(Y)/Ohm-1"
    columns = (F, COIL.real, np.abs(COIL.imag), (1 / COIL).real, sign * (1 / COIL).imag)
    [spectrum] = read(tmp_path, f"Freq,Real,Imag,Re(Y)/Ohm-1,{name}\n" + rows(*columns, sep=","))
    np.testing.assert_allclose(spectrum.impedance, COIL, rtol=1e-14)
    n = int(np.sum(COIL.imag > 0))
    assert n > 0
    assert f"{n} points hold |Im|; their sign is that of Im(Y)" in spectrum.notes


def test_im_of_y_that_does_not_belong_to_z_decides_nothing(tmp_path: Path) -> None:
    columns = (F, Z.real, Z.imag, np.full(F.size, -123.0))
    [spectrum] = read(tmp_path, "Freq,Re(Z),Im(Z),Im(Y)\n" + rows(*columns, sep=","))
    np.testing.assert_array_equal(spectrum.impedance, Z)
    assert "Im(Y) does not match it" in spectrum.notes[0]


def test_the_measured_cell_is_mended_by_its_admittance_as_by_its_phase(real_data: Path, tmp_path: Path) -> None:
    [path] = (real_data / "EIS-DCT").rglob("ML621_50%.csv")
    with path.open(newline="") as file:
        table = [[cell for name, cell in row.items() if "Phase" not in name] for row in csv.DictReader(file)]
        header = "Freq,Real,Imag,|Z|/Ohm,Re(Y)/Ohm-1,Im(Y)/Ohm-1,|Y|/Ohm-1\n"
    [mended] = read(tmp_path, header + "\n".join(map(",".join, table)))
    [expected] = eistool.read(path)
    np.testing.assert_array_equal(mended.impedance, expected.impedance)
    assert (mended.impedance.imag > 0).sum() > 10


def test_a_row_of_zeros_after_each_loop(tmp_path: Path) -> None:
    loop = rows(F, Z.real, Z.imag, sep=",") + "0,0,0\n"
    spectra = read(tmp_path, "freq/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n" + 3 * loop)
    assert [len(s) for s in spectra] == 3 * [F.size]
    assert all("3 rows without a frequency omitted" in s.notes for s in spectra)


def test_ascending_order_is_kept(tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, "f,Re,Im\n" + rows(F[::-1], Z.real[::-1], Z.imag[::-1], sep=","))
    np.testing.assert_array_equal(spectrum.frequency, F[::-1])
    np.testing.assert_array_equal(spectrum.impedance, Z[::-1])


@pytest.mark.parametrize("name", GOOD)
def test_names_beyond_ascii_and_upper_case_suffixes(name: str, tmp_path: Path) -> None:
    suffix = next(r for r in eistool.readers.READERS if r.name == name).suffixes[0]
    encoding = sys.getfilesystemencoding()
    cell = "Zelle_Ω_電池_25°C".encode(encoding, "ignore").decode(encoding)  # as far as names may have such letters
    path = tmp_path / f"{cell}{suffix.upper()}"
    path.write_bytes(GOOD[name])
    [spectrum] = eistool.read(path)
    assert (spectrum.metadata.format, spectrum.metadata.source) == (name, path.name)
    # as the header of Zahner's file has it, or not from the name where the file has all facts
    assert spectrum.metadata.temperature_C == {"zahner_ism": 23.8, "eistool_json": None}.get(name, 25.0)
