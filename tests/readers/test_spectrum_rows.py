"""A spectrum in each row: lists in cells, a column for each frequency, pairs of Re and Im."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from tests.readers.written import F, Z, lists

SCALES = (1.0, 2.0, 4.0)
FREQUENCIES = "".join(f"{f!r}\n" for f in F.tolist())


def pairs(by_turns: bool = True) -> str:
    order = [np.column_stack([Z.real, Z.imag]).ravel() if by_turns else np.concatenate([Z.real, Z.imag])]
    return "".join(" ".join(repr(float(k * x)) for x in order[0]) + "\n" for k in SCALES)


def wide(names: tuple[str, str] = ("ZReal", "ZImag"), sign: int = 1, unit: str = "{:.2g}Hz") -> str:
    header = ["cell", "cycle", *(f"{name}_" + unit.format(f) for name in names for f in F)]
    lines = [
        ",".join(["A1", str(cycle), *(repr(float(k * x)) for x in (*Z.real, *(sign * Z.imag)))])
        for cycle, k in enumerate(SCALES, start=7)
    ]
    return "\n".join([",".join(header), *lines, ""])


def check(spectra: list[eistool.Spectrum], rtol: float = 1e-12) -> None:
    assert len(spectra) == len(SCALES)
    for k, spectrum in zip(SCALES, spectra, strict=True):
        np.testing.assert_allclose(spectrum.frequency, F, rtol=rtol)
        np.testing.assert_allclose(spectrum.impedance, k * Z, rtol=1e-12)


@pytest.mark.parametrize("by_turns", [True, False])
def test_pairs_with_the_frequencies_beside_them(by_turns: bool, tmp_path: Path) -> None:
    (tmp_path / "Z_10.TXT").write_text(pairs(by_turns))
    (tmp_path / "freq_10.TXT").write_text(FREQUENCIES)
    spectra = eistool.read(tmp_path)  # the partner is no file of its own that fails
    check(spectra)
    order = "alternating Re and Im" if by_turns else "all Re, then all Im"
    assert f"no header: numbers read as {order}" in spectra[0].notes
    assert "frequencies from freq_10.TXT" in spectra[0].notes


def test_a_column_for_each_frequency(tmp_path: Path) -> None:
    (tmp_path / "data_x.csv").write_text(wide())
    spectra = eistool.read(tmp_path / "data_x.csv")
    check(spectra, rtol=0.05)
    assert "frequencies as rounded in the header" in spectra[0].notes
    (tmp_path / "freq_x.csv").write_text(FREQUENCIES)
    spectra = eistool.read(tmp_path)
    check(spectra)
    assert [(s.metadata.cycle, s.metadata.sample_id) for s in spectra] == [(k, "A1") for k in (7.0, 8.0, 9.0)]


@pytest.mark.parametrize(
    ("names", "sign"), [(("Re(Z)", "-Im(Z)"), -1), (("Z'", "Z''"), -1), (("real", "imag"), 1)]
)
def test_the_sign_of_im_in_wide_tables(names: tuple[str, str], sign: int, tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(wide(names, sign, "{:.17g} Hz"))
    check(eistool.read(tmp_path / "wide.csv"))


def test_wide_tables_with_prefixes_and_decimal_commas(tmp_path: Path) -> None:
    header, *lines = wide(unit="{:.17g} Hz").splitlines()
    scaled = header.replace("100000 Hz", "100KHz").replace(",", ";")
    rows = [line.replace(",", ";").replace(".", ",") for line in lines]
    (tmp_path / "wide.csv").write_text("\n".join([scaled, *rows, ""]))
    check(eistool.read(tmp_path / "wide.csv"))


@pytest.mark.parametrize("sep", [";", ","])
def test_lists_in_cells(sep: str, tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_bytes(lists((25, 40), sep))
    first, second = eistool.read(tmp_path)
    np.testing.assert_array_equal(first.impedance, Z)
    assert (first.metadata.temperature_C, second.metadata.temperature_C) == (25.0, 40.0)
    assert first.metadata.sample_id == "LE1"


def put(folder: Path, **files: str) -> Path:
    for stem, text in files.items():
        (folder / f"{stem}.csv").write_text(text)
    return folder / f"{next(iter(files))}.csv"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"Z_a": pairs(), "freq_a": FREQUENCIES + "1\n"},
            "line 1: 32 numbers; expected 34, twice the frequencies in freq_a.csv",
        ),
        ({"Z_a": pairs(), "freq_a": "10\n-1\n"}, "freq_a.csv, line 2: '-1'; expected one frequency"),
        ({"Z_a": pairs()}, "32 columns without names"),
        ({"Z_a": "1 2 3 4 5 6 7 8\n" * 4, "freq_a": "4\n3\n2\n1\n"}, "alternate or follow each other"),
        ({"data_a": wide(), "freq_a": FREQUENCIES.replace("1.0\n", "3.0\n")}, "differ from the header"),
        ({"a": wide(("ZReal", "Zimag")).replace("Zimag_1e", "Zimag_9e")}, "have different frequencies"),
        ({"a": "f [Hz];Z' [Ohm];Z'' [Ohm]\n[1, 2];[3, 4];[5, 6]\n"}, "no row with as many impedances"),
        (
            {"a": "time;f [Hz];Z' [Ohm];Z'' [Ohm]\n1;2;[3, 4, 5];[5, 6, 7]\n"},
            "no list of frequencies among the columns time",
        ),
    ],
)
def test_refused(files: dict[str, str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        eistool.read(put(tmp_path, **files))


def test_real_replicates(real_data: Path) -> None:
    folder = real_data / "2nd-NLEIS" / "Part II" / "data"
    spectra = eistool.read(folder / "Z1s_10f.txt")
    table = np.loadtxt(folder / "Z1s_10f.txt")
    np.testing.assert_array_equal(np.stack([s.impedance for s in spectra]), table[:, 0::2] + 1j * table[:, 1::2])
    np.testing.assert_array_equal(spectra[0].frequency, np.loadtxt(folder / "freq_10f.txt"))


def test_real_wide_table(real_data: Path) -> None:
    folder = real_data / "zhang2020-mrs" / "predict_capacity_from_eis" / "data"
    spectra = eistool.read(folder / "data_eis_zhang2020.csv")
    table = np.loadtxt(folder / "data_eis_zhang2020.csv", delimiter=",", skiprows=1, usecols=range(4, 124))
    assert len(spectra) == 1343
    modulus = np.abs(np.stack([s.impedance for s in spectra]))
    np.testing.assert_allclose(modulus, np.hypot(table[:, :60], table[:, 60:]), rtol=1e-12)
    assert np.mean([s.impedance.imag[-1] < 0 for s in spectra]) == 1


def test_real_lists(real_data: Path) -> None:
    spectra = eistool.read(real_data / "MADAP" / "data" / "Dataframe_STRUCTURED_all508.csv")
    assert [len(s) for s in spectra] == 39 * [50]
    assert {s.metadata.temperature_C for s in spectra} == set(np.arange(-30.0, 61, 10))
    assert len({s.metadata.sample_id for s in spectra}) == 4
