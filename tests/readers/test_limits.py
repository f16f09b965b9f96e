"""Files that would take all memory or time are refused in words, before they are parsed."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.readers import scan
from eistool.readers.tables import sheets

_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(path: Path, rows: str, encoding: str = "utf-8") -> Path:
    """Write a workbook whose only sheet has the given rows in XML."""
    openpyxl = pytest.importorskip("openpyxl")
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = f'{head}<worksheet xmlns="{_SPACE}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            is_sheet = part.filename == "xl/worksheets/sheet1.xml"
            new.writestr(part.filename, text.encode(encoding) if is_sheet else old.read(part))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("element", ["<c/>", '<c r="A1" s="1"/>', "<row/>"])
def test_empty_cells_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, element: str, encoding: str) -> None:
    monkeypatch.setattr(sheets, "_MOST_ELEMENTS", 20_000)
    monkeypatch.setattr(sheets, "_CHUNK", 5000)

    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("parsed in spite of its size")

    path = workbook(tmp_path / "large.xlsx", 22_000 * element, encoding)
    with monkeypatch.context() as patch:
        patch.setattr("openpyxl.load_workbook", parsed)
        with pytest.raises(ReaderError, match=r"large\.xlsx: more than 20000 cells, empty ones included"):
            eistool.read(path)
    row = "".join(f"<c><v>{value}</v></c>" for value in (1, 2, 3))
    with pytest.raises(ReaderError, match="no sheet has a spectrum"):
        eistool.read(workbook(tmp_path / "small.xlsx", f"<row>{row}</row>" + 15_000 * element, encoding))


def test_a_million_empty_cells_are_refused_as_shipped(tmp_path: Path) -> None:
    path = workbook(tmp_path / "large.xlsx", f"<row>{1_100_000 * '<c/>'}</row>")
    assert path.stat().st_size < 20_000
    with pytest.raises(ReaderError, match="more than 1000000 cells"):
        eistool.read(path)


def test_a_workbook_of_spectra_is_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["frequency_Hz", "z_real_ohm", "z_imag_ohm"])
    for f in np.geomspace(1e5, 1, 40).tolist():
        book.active.append([f, 20.0, -1000.0 / f])
    for row in range(1, 2000):
        book.active.cell(row, 30).font = openpyxl.styles.Font(bold=True)  # formatted, and empty
    book.save(tmp_path / "cell.xlsx")
    assert len(eistool.read(tmp_path / "cell.xlsx")[0]) == 40


def test_a_file_without_a_size_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(ReaderError, match=r"a\.csv: the file is empty"):
        eistool.read(tmp_path / "a.csv")


def test_a_file_that_grows_is_read_up_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eistool.readers.content.MAX_BYTES", 100)
    (tmp_path / "a.csv").write_text(99 * "1")
    assert [file.ignored for file in scan([tmp_path])] == [""]
    (tmp_path / "a.csv").write_text(101 * "1")
    with pytest.raises(ReaderError, match="expected at most"):
        eistool.read(tmp_path / "a.csv")
