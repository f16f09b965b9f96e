"""Workbooks and archives of arrays: sheets, dimensions, what is broken, and what would burst."""

import importlib.util
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.readers.tables import sheets
from tests.readers.written import F, Z, bomb, npz, parquet, xlsx

needs_openpyxl = pytest.mark.skipif(
    importlib.util.find_spec("openpyxl") is None, reason="openpyxl is not installed: the extra [excel]"
)


def read(folder: Path, name: str, data: bytes) -> list[eistool.Spectrum]:
    (folder / name).write_bytes(data)
    return eistool.read(folder / name)


def sheet(z: np.ndarray, imag: str = "Z''", sign: int = 1) -> list[list[object]]:
    numbers = zip(F.tolist(), z.real.tolist(), (sign * z.imag).tolist(), strict=True)
    return [["Freq(Hz)", "Z'", imag], *([*row] for row in numbers)]


@needs_openpyxl
def test_a_spectrum_a_sheet(tmp_path: Path) -> None:
    book = xlsx({"2.8 V": sheet(Z), "notes": [["made on Monday"]], "empty": [], "2.3 V": sheet(2 * Z, "-Z''", -1)})
    first, second = read(tmp_path, "CELLS.XLSX", book)
    np.testing.assert_allclose(first.impedance, Z, rtol=1e-15)
    np.testing.assert_allclose(second.impedance, 2 * Z, rtol=1e-15)
    assert first.metadata.format == "workbook"
    assert "sheet '2.8 V'" in first.notes
    assert any(note.startswith("passed over: sheet 'notes': no table of numbers") for note in first.notes)


@needs_openpyxl
def test_the_name_of_a_sheet_tells_what_that_of_a_file_would(tmp_path: Path) -> None:
    hot, cold = read(tmp_path, "P7_25C.xlsx", xlsx({"60C SOC50": sheet(Z), "m10C 2.80V chg": sheet(Z)}))
    assert (hot.metadata.temperature_C, hot.metadata.soc_pct, hot.metadata.sample_id) == (60.0, 50.0, "P7")
    m = cold.metadata
    assert (m.temperature_C, m.voltage_V, m.direction) == (-10.0, 2.8, "charge")


@needs_openpyxl
def test_a_title_and_text_around_the_table(tmp_path: Path) -> None:
    names: list[object] = ["f/Hz", "Z'/kOhm", "Z''/kOhm", "remark"]
    cells: list[list[object]] = [["Cell 7", None], [None], names, *sheet(Z / 1000)[1:]]
    [spectrum] = read(tmp_path, "a.xlsx", xlsx({"x": cells}))
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-15)


@needs_openpyxl
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: xlsx({"a": [["T", "sigma"], [25, 1e-3]], "b": [[1]]}), "no sheet has a spectrum: sheet 'a'"),
        (lambda: xlsx({"a": []}), "no sheet has a spectrum: all are empty"),
        (lambda: xlsx()[:-200], "broken archive"),
        (lambda: bomb("xl/workbook.xml", 65 * 2**20), "65 MiB when unpacked; expected at most 64 MiB"),
        (lambda: bomb("xl/workbook.xml", 1000), "unreadable workbook"),
        (lambda: b"\xd0\xcf\x11\xe0 an encrypted workbook", "expected a file of Excel"),
    ],
)
def test_workbook_refused(data: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, "bad.xlsx", data())


@needs_openpyxl
def test_a_cell_at_the_end_of_the_sheet_does_not_fill_the_memory(tmp_path: Path) -> None:
    file = io.BytesIO(xlsx())
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(
        b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        for part, data in parts.items():
            book.writestr(part, data)
    [spectrum] = read(tmp_path, "far.xlsx", out.getvalue())
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-15)


@needs_openpyxl
def test_a_workbook_of_other_things_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "_MOST_CELLS", 60)
    with pytest.raises(ReaderError, match="more than 60 cells; expected spectra"):
        read(tmp_path, "log.xlsx", xlsx({"a": sheet(Z), "b": sheet(Z)}))


def test_a_missing_package_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, *args: Any) -> Any:
        if name.partition(".")[0] in ("openpyxl", "pyarrow"):
            raise ImportError(name)
        return real(name, *args)

    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ReaderError, match=r"need openpyxl; run 'pip install eistool\[excel\]'"):
        read(tmp_path, "a.xlsx", bomb("xl/workbook.xml", 10))
    with pytest.raises(ReaderError, match="need pyarrow; run 'pip install pyarrow', or save the table as CSV"):
        read(tmp_path, "a.parquet", b"PAR1" + bytes(100))


ARRAYS: dict[str, dict[str, np.ndarray]] = {
    "complex": {"frequency": F, "impedance": Z},
    "short names": {"f": F, "Z": Z},
    "two parts": {"freq": F, "z_real": Z.real, "z_imag": Z.imag},
    "minus": {"freq": F, "Re(Z)": Z.real, "-Im(Z)": -Z.imag},
    "polar": {"freq": F, "|Z|": np.abs(Z), "phase_deg": np.rad2deg(np.angle(Z))},
    "others too": {"frequency": F, "impedance": Z, "label": np.array("x"), "matrix": np.eye(3)},
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str, tmp_path: Path) -> None:
    [spectrum] = read(tmp_path, "cell.npz", npz(**ARRAYS[name]))
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-14)
    assert spectrum.metadata.format == "npz"


def test_rows_of_an_array_are_spectra(tmp_path: Path) -> None:
    spectra = read(tmp_path, "cells.npz", npz(frequency=F, impedance=np.stack([Z, 2 * Z, 3 * Z])))
    assert [s.impedance[0] / Z[0] for s in spectra] == pytest.approx([1, 2, 3])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npz(impedance=Z), r"no frequency among the arrays impedance \(16,\)"),
        (npz(frequency=F, impedance=Z[:5]), r"no impedance"),
        (npz(frequency=F, z_real=np.ones((2, 16)), z_imag=np.ones((3, 16))), "of different lengths"),
        (npz(frequency=F, impedance=np.array([{}, 1])), "unreadable arrays"),
        (npz()[:200], "broken archive"),
        (bomb("frequency.npy", 65 * 2**20), "65 MiB when unpacked"),
    ],
)
def test_arrays_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(tmp_path, "bad.npz", data)


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    [spectrum] = read(tmp_path, "cell.parquet", parquet())
    np.testing.assert_array_equal(spectrum.impedance, Z)
    with pytest.raises(ReaderError, match="no readable Parquet table"):
        read(tmp_path, "cut.parquet", parquet()[:-100])


@needs_openpyxl
@pytest.mark.parametrize(
    ("file", "sweeps"), [("CNT-xlsx/CNT-eis Template example.xlsx", 7 * [71]),
                         ("MADAP/test/testfile/supported/test_excel.xlsx", [46])],
)  # fmt: skip
def test_real_workbooks(file: str, sweeps: list[int], real_data: Path) -> None:
    spectra = eistool.read(real_data / file)
    assert [len(s) for s in spectra] == sweeps
    assert all((s.impedance.imag < 0).mean() > 0.5 for s in spectra)


@needs_openpyxl
@pytest.mark.parametrize(
    ("titles", "samples"),
    [
        (["A_25C", "A_60C", "B_25C"], ["P7 A", "P7 A", "P7 B"]),
        (["Sheet1", "Sheet2"], ["P7", "P7"]),
        (["25C", "60C"], ["P7", "P7"]),
    ],
)
def test_names_of_sheets_are_samples(titles: list[str], samples: list[str], tmp_path: Path) -> None:
    spectra = read(tmp_path, "P7.xlsx", xlsx({title: sheet(Z) for title in titles}))
    assert [s.metadata.sample_id for s in spectra] == samples
