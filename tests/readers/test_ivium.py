"""Ivium data files: three columns that have no names, so that every doubt is a refusal."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from tests.readers.written import F, Z, idf, rows


def read(folder: Path, data: bytes) -> list[eistool.Spectrum]:
    (folder / "cell.idf").write_bytes(data)
    return eistool.read(folder / "cell.idf")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("decimal", [".", ","])
def test_either_sign_of_im(sign: int, decimal: str, tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, idf(rows(Z.real, sign * Z.imag, F, sep=" ", decimal=decimal)))
    np.testing.assert_array_equal(spectrum.frequency, F)
    np.testing.assert_array_equal(spectrum.impedance, Z)
    assert ("reversed" in spectrum.notes[0]) == (sign < 0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (idf(rows(F, Z.real, np.full(16, 0.1), sep=" "), method="CyclicVoltammetry"),
         "line 7: method 'CyclicVoltammetry': the third column is not a swept frequency"),
        (idf(n=17), "line 23: expected three numbers; the block has 17 rows"),
        (idf().replace(b"primary_data\n3", b"primary_data\n4"), r"line 5: .*counts \[4, 16\]; expected 3 columns"),
        (idf().replace(b"primary_data\n", b"primary_data: "), "no line 'primary_data'"),
        (idf().replace(b"primary", b"secondary"), "expected a file of Ivium"),
    ],
)  # fmt: skip
def test_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, data)
