"""Excel workbooks (``.xlsx``): one or more spectra per sheet, each sheet read as a text table."""

import re
from dataclasses import replace
from pathlib import Path

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.filename import metadata_from_filename, metadata_from_filenames
from eistool.readers.formats import delimited
from eistool.readers.tables.sheets import read_sheets
from eistool.spectrum import Spectrum

SUFFIXES = (".xlsx", ".xlsm")

_ZIP = b"PK\x03\x04"
_BOOK = b"xl/workbook.xml"
_DEFAULT_TITLE = re.compile(r"(?:sheet|tabelle|blatt|feuil|foglio|hoja)\s?\d*", re.IGNORECASE)


def identify(content: FileContent) -> bool:
    """Return whether this is a ZIP archive with a workbook in its directory."""
    return content.data.startswith(_ZIP) and _BOOK in content.data[:65536] + content.data[-65536:]


def load(content: FileContent) -> list[Spectrum]:
    """Return the spectra of all sheets; sheets without spectra are named in a note.

    Raises
    ------
    ReaderError
        If openpyxl is not installed, the archive is broken or too large, or no sheet has a spectrum.
    """
    sheets: dict[str, list[Spectrum]] = {}
    refused: list[str] = []
    for title, rows in read_sheets(content):
        width = max(map(len, rows))
        text = "".join(
            "\t".join(re.sub(r"\s", " ", cell) for cell in [*row, *[""] * (width - len(row))]) + "\n"
            for row in rows
        )
        try:
            # the title in place of a file name, so that errors give it
            sheets[title] = delimited.load(FileContent(Path(f"sheet {title!r}"), text.encode()))
        except ReaderError as error:
            refused.append(str(error))
    if not sheets:
        raise content.error("no sheet has a spectrum: " + ("; ".join(refused[:5]) or "all are empty"))
    omitted = tuple(f"passed over: {reason}" for reason in refused[:5])
    titles = _metadata(content, list(sheets))
    return [
        replace(
            spectrum,
            metadata=spectrum.metadata.updated("file header", **titles[title]),
            notes=(*spectrum.notes, f"sheet {title!r}", *omitted),
        )
        for title, spectra in sheets.items()
        for spectrum in spectra
    ]


def _metadata(content: FileContent, titles: list[str]) -> dict[str, dict[str, object]]:
    """Return the metadata in titles of sheets; different names in them are samples of the file."""
    named = metadata_from_filenames([f"{title}.xlsx" for title in titles])
    values = {title: dict(named[f"{title}.xlsx"].values) for title in titles}
    names = {title: value.pop("sample_id", None) for title, value in values.items()}
    if len(set(names.values())) > 1 and not any(_DEFAULT_TITLE.fullmatch(title) for title in titles):
        file = metadata_from_filename(content.path.name).values.get("sample_id")
        for title, name in names.items():
            values[title]["sample_id"] = " ".join(str(text) for text in (file, name) if text) or None
    return values
