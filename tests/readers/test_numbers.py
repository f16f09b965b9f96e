"""Decimal marks and thousands separators belong to a table, not to a cell."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ConfigError, ReaderError
from eistool.readers import doubts, read_samples
from tests.benchmarks.dialects import Case, cases, outcome
from tests.readers.written import F, Z, idf, rows, windeta

SPARSE = 1009  # a prime, so that all conventions occur


def read(folder: Path, text: str, name: str = "cell.csv") -> eistool.Spectrum:
    (folder / name).write_text(text, encoding="utf-8")
    [spectrum] = eistool.read(folder / name)
    return spectrum


@pytest.mark.parametrize("case", list(itertools.islice(cases(), 0, None, SPARSE)), ids=lambda case: case.header)
def test_a_dialect_is_read_right_or_refused(case: Case) -> None:
    assert outcome(case) in ("right", "refused")


@pytest.mark.parametrize("thousands", ["", "'", "’", ".", " ", "\u00a0", "\u202f"])
def test_thousands_separators_lose_no_row(thousands: str, tmp_path: Path) -> None:
    lines = [
        ";".join(
            f"{x:,.3f}".replace(".", "d").replace(",", thousands).replace("d", ",") for x in (f, z.real, z.imag)
        )
        for f, z in zip(10 * F, Z, strict=True)
    ]
    spectrum = read(tmp_path, "f/Hz;Re(Z)/Ohm;Im(Z)/Ohm\n" + "\n".join(lines) + "\n")
    np.testing.assert_allclose(spectrum.frequency, 10 * F, rtol=1e-4)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-3)
    assert doubts(spectrum) == []


def test_the_course_of_a_column_decides_on_points_in_integers_with_a_warning(tmp_path: Path) -> None:
    frequencies = np.geomspace(500_000, 10, 20)
    lines = [f"{f:,.0f};{300 + k};{100 - k}".replace(",", ".") for k, f in enumerate(frequencies)]
    spectrum = read(tmp_path, "f/Hz;Re/Ohm;-Im/Ohm\n" + "\n".join(lines) + "\n")
    assert spectrum.frequency[0] == 500_000
    [warning] = doubts(spectrum)
    assert warning.startswith("'500.000' is 500000 or 500")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("".join(f"{9 - k}.125;3.250;-1.500\n" for k in range(8)), "'9.125' is 9.125 or 9125"),
        ("100,5;3,25;-1\n10.5;3,5;-2\n1,5;4;-3\n", "line 3: '10.5' beside line 2: '100,5'"),
        ("".join(f"{k},000,5,1\n" for k in range(9, 1, -1)), "4 columns without names"),
        ("".join(f"{k * 1000:,} 5 1\n".replace(",", " ") for k in range(9, 1, -1)), "4 columns without names"),
        (
            "".join(f"{10**k:,},5,1\n" for k in range(7, 0, -1)),
            "5 columns without names",
        ),
        (
            "".join(f"{x} 5,1 {'1 250,5' if x < 20 else '100,5'}\n" for x in range(30, 9, -1)),
            "line 11 has 4 cells|'1' and '250,5' may be one number, divided",
        ),
    ],
    ids=["three decimals", "two marks", "all commas", "all spaces", "some commas", "some spaces"],
)
def test_ambiguous_numbers_are_refused(text: str, reason: str, tmp_path: Path) -> None:
    header = "f;Re;Im\n" if ";" in text else ""
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, header + text)


def test_the_geometry_of_novocontrol_has_the_decimal_mark_of_its_table(tmp_path: Path) -> None:
    (tmp_path / "point.txt").write_bytes(windeta())
    (tmp_path / "comma.txt").write_bytes(re.sub(rb"(?<=\d)\.(?=\d)", b",", windeta()))
    comma, point = eistool.read(tmp_path)
    assert (comma.metadata.diameter_mm, comma.metadata.thickness_um) == (10.0, 1000.0)
    np.testing.assert_array_equal(comma.impedance, point.impedance)


@pytest.mark.parametrize("cell", ['"1,000"', "1.000"])
def test_a_samples_table_with_an_ambiguous_number_is_refused(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(f"file,thickness_um,diameter_mm\n*.csv,{cell},10\n")
    with pytest.raises(
        ConfigError, match=r"row 2, column 'thickness_um': '1.000' is 1 or 1000; write 1\.0 or 1000"
    ):
        read_samples(path)


@pytest.mark.parametrize(
    ("cells", "thickness"),
    [
        ("1000,10.5", 1000.0),
        ('"1,000",10.5', 1000.0),
        ("1000.0,10", 1000.0),
        ("500.125,10", 500.125),
    ],
)
def test_the_other_numbers_of_a_samples_table_decide(cells: str, thickness: float, tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(f"file,thickness_um,diameter_mm,temperature_C\n*.csv,{cells},-12.5\n")
    assert read_samples(path).rows[0].values["thickness_um"] == thickness


def test_a_pellet_of_a_micrometre_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("file,thickness_um,diameter_mm\n*.csv,1.000,10.5\n")
    with pytest.raises(ConfigError, match=r"'1\.000' is 1 or 1000; write 1\.00 or 1000"):
        read_samples(path)


def test_numbers_of_a_workbook_keep_their_value(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed: the extra [excel]")
    book = openpyxl.Workbook()
    numbers = [[8.125 - k, 1.5 * k + 1.125, 0.125 + k] for k in range(8)]
    for row in (["f", "Re", "-Im"], *numbers):
        book.active.append(row)
    book.save(tmp_path / "cell.xlsx")
    [spectrum] = eistool.read(tmp_path / "cell.xlsx")
    np.testing.assert_array_equal(spectrum.frequency, [row[0] for row in numbers])


def test_a_cycling_record_has_one_decimal_mark(tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    path.write_text("time/s;voltage/V;current/mA\n0,5;3,1;1\n1,5;3.2;1\n2,5;3,3;1\n")
    with pytest.raises(ReaderError, match="decimal mark or thousands separator differ"):
        eistool.read_profile(path)


def test_ivium_with_decimal_commas(tmp_path: Path) -> None:
    (tmp_path / "cell.idf").write_bytes(idf(rows(Z.real, Z.imag, F, sep=" ", decimal=",")))
    [spectrum] = eistool.read(tmp_path / "cell.idf")
    np.testing.assert_array_equal(spectrum.impedance, Z)
