"""Cells of Excel workbooks, and size limits of archives."""

import importlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from eistool.readers.content import MAX_BYTES, FileContent

_MOST_SHEETS = 500
_MOST_ROWS, _MOST_COLUMNS = 100_000, 100
_MOST_CELLS = 500_000  # filled ones, in all sheets
_LONGEST_GAP = 1000  # empty rows that end a sheet
_MOST_ELEMENTS = 1_000_000  # cells, empty ones included, and shared strings: each takes 300 bytes when parsed
_ELEMENT = re.compile(rb"<(?:\w{1,20}:)?(?:c|row|si)[ />\r\n\t]")
_CHUNK = 1_000_000  # bytes
# exceptions of zipfile, openpyxl and NumPy for a damaged archive or damaged XML
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


def check_archive(content: FileContent) -> None:
    """Refuse a broken archive, or one that unpacks to more than the size limit of files.

    Raises
    ------
    ReaderError
        With the reason.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except BROKEN_ARCHIVE as error:
        raise content.error(f"broken archive ({error}); save it again") from error
    if size > MAX_BYTES:
        raise content.error(
            f"{size / 2**20:.0f} MiB when unpacked; expected at most {MAX_BYTES // 2**20} MiB: "
            "keep only the impedance columns"
        )


def read_sheets(content: FileContent) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield title and cells of each sheet that is not empty.

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
    _count_elements(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which are not read
            book = openpyxl.load_workbook(io.BytesIO(content.data), read_only=True, data_only=True)
            left = _MOST_CELLS
            for sheet in book.worksheets[:_MOST_SHEETS]:
                rows = _filled(sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True), left)
                left -= sum(map(len, rows))
                if left < 0:
                    raise content.error(
                        f"more than {_MOST_CELLS} cells; expected spectra: keep only the impedance columns"
                    )
                if rows:
                    yield str(sheet.title), rows
    except BROKEN_ARCHIVE as error:
        raise content.error(f"unreadable workbook ({type(error).__name__}: {error}); save it again") from error


def _count_elements(content: FileContent) -> None:
    """Refuse a workbook with too many cells or strings, before any of them is parsed."""
    left = _MOST_ELEMENTS
    try:
        with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
            for part in archive.infolist():
                with archive.open(part) as file:  # an element across two chunks does not matter
                    while left >= 0 and (chunk := file.read(_CHUNK)):
                        left -= len(_ELEMENT.findall(chunk.replace(b"\0", b"")))  # zeros of UTF-16
    except BROKEN_ARCHIVE as error:
        raise content.error(f"broken archive ({error}); save it again") from error
    if left < 0:
        raise content.error(
            f"more than {_MOST_ELEMENTS} cells, empty ones included; expected spectra: keep only the impedance "
            "columns, and clear the formats of the others"
        )


def _filled(rows: Iterable[tuple[object, ...]], most: int) -> list[list[str]]:
    """Return rows up to the last filled one, without empty cells at their ends, and about ``most`` cells."""
    kept: list[list[str]] = []
    n_filled = n_cells = 0
    for row in rows:
        cells = list(map(_text, row))
        while cells and not cells[-1].strip():
            cells.pop()
        kept.append(cells)
        n_filled = len(kept) if cells else n_filled
        n_cells += len(cells)
        if len(kept) - n_filled > _LONGEST_GAP or n_cells > most:
            break
    return kept[:n_filled]


def _text(cell: object) -> str:
    """Return the text of a cell; a number with three decimals gets a fourth, so that its point is unambiguous."""
    text = "" if cell is None else str(cell)
    return f"{text}0" if isinstance(cell, float) and text[-4:-3] == "." else text
