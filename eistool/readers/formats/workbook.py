"""Excel workbooks (``.xlsx``): each sheet is read as a table of text would be, a spectrum or more a sheet."""

import importlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from eistool.errors import ReaderError
from eistool.readers.content import MAX_BYTES, FileContent
from eistool.readers.filename import metadata_from_filename
from eistool.readers.formats import delimited
from eistool.spectrum import Spectrum

SUFFIXES = (".xlsx", ".xlsm")

_ZIP = b"PK\x03\x04"
_BOOK = "xl/workbook.xml"
_MOST_SHEETS = 500
_MOST_ROWS, _MOST_COLUMNS = 100_000, 100
_MOST_CELLS = 500_000  # that are filled, in all sheets
_LONGEST_GAP = 1000  # empty rows after which a sheet has ended
# what a damaged archive or XML raises inside openpyxl
BROKEN_ARCHIVE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def identify(content: FileContent) -> bool:
    """Return whether this is a ZIP archive that names a workbook near its beginning or its end."""
    if not content.data.startswith(_ZIP):
        return False
    return _BOOK.encode() in content.data[:65536] + content.data[-65536:]


def load(content: FileContent) -> list[Spectrum]:
    """Return the spectra of every sheet that has any; the others are named in a note.

    Raises
    ------
    ReaderError
        If openpyxl is not installed, the archive is broken or too large, or no sheet has a spectrum.
    """
    spectra: list[Spectrum] = []
    refused: list[str] = []
    for title, rows in read_sheets(content):
        text = "\n".join("\t".join(re.sub(r"\s", " ", cell) for cell in row) for row in rows)
        try:
            # the name of the sheet stands where others have the file's: an error then names it
            found = delimited.load(FileContent(Path(f"sheet {title!r}"), text.encode()))
        except ReaderError as error:
            refused.append(str(error))
        else:
            named, _ = metadata_from_filename(f"{title}.xlsx")
            named.pop("sample_id", None)
            spectra += [
                replace(
                    spectrum,
                    metadata=spectrum.metadata.updated("file header", **named),
                    notes=(*spectrum.notes, f"sheet {title!r}"),
                )
                for spectrum in found
            ]
    if not spectra:
        raise content.error("no sheet has a spectrum: " + ("; ".join(refused[:5]) or "all are empty"))
    return [replace(s, notes=(*s.notes, *(f"passed over: {why}" for why in refused[:5]))) for s in spectra]


def check_archive(content: FileContent) -> None:
    """Refuse an archive that is broken, or whose files together would be larger than a file may be.

    Raises
    ------
    ReaderError
        With what is wrong with it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except BROKEN_ARCHIVE as error:
        raise content.error(f"a broken archive ({error}); save it again") from error
    if size > MAX_BYTES:
        raise content.error(
            f"{size / 2**20:.0f} MiB when unpacked; expected below {MAX_BYTES // 2**20} MiB: "
            "keep the impedance columns alone"
        )


def read_sheets(content: FileContent) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield name and cells of each sheet that is not empty, from its first row on.

    Raises
    ------
    ReaderError
        If openpyxl is not installed, or the workbook is broken or too large.
    """
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ImportError as error:
        raise content.error(
            "Excel workbooks need openpyxl; run 'pip install eistool[excel]', or save the sheets as CSV"
        ) from error
    check_archive(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which do not matter here
            book = openpyxl.load_workbook(io.BytesIO(content.data), read_only=True, data_only=True)
            left = _MOST_CELLS
            for sheet in book.worksheets[:_MOST_SHEETS]:
                rows = _filled(sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True), left)
                left -= sum(map(len, rows))
                if left < 0:
                    raise content.error(
                        f"more than {_MOST_CELLS} cells; expected spectra: keep the impedance columns alone"
                    )
                if rows:
                    yield str(sheet.title), rows
    except BROKEN_ARCHIVE as error:
        raise content.error(f"no readable workbook ({type(error).__name__}: {error}); save it again") from error


def _filled(rows: Iterable[tuple[object, ...]], most: int) -> list[list[str]]:
    """Return the rows as far as they are filled, without empty cells at their ends, or to just above ``most``."""
    found: list[list[str]] = []
    filled = n_cells = 0
    for row in rows:
        cells = ["" if cell is None else str(cell) for cell in row]
        while cells and not cells[-1].strip():
            cells.pop()
        found.append(cells)
        filled = len(found) if cells else filled
        n_cells += len(cells)
        if len(found) - filled > _LONGEST_GAP or n_cells > most:
            break
    return found[:filled]
