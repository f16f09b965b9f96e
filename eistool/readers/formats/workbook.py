"""Excel workbooks (``.xlsx``): one or more spectra per sheet, each sheet read as a text table."""

import re
from dataclasses import replace
from pathlib import Path

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.filename import metadata_from_filename
from eistool.readers.formats import delimited
from eistool.readers.tables.sheets import read_sheets
from eistool.spectrum import Spectrum

SUFFIXES = (".xlsx", ".xlsm")

_ZIP = b"PK\x03\x04"
_BOOK = b"xl/workbook.xml"


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
    spectra: list[Spectrum] = []
    refused: list[str] = []
    for title, rows in read_sheets(content):
        text = "\n".join("\t".join(re.sub(r"\s", " ", cell) for cell in row) for row in rows)
        try:
            # the title in place of a file name, so that errors give it
            in_sheet = delimited.load(FileContent(Path(f"sheet {title!r}"), text.encode()))
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
                for spectrum in in_sheet
            ]
    if not spectra:
        raise content.error("no sheet has a spectrum: " + ("; ".join(refused[:5]) or "all are empty"))
    return [replace(s, notes=(*s.notes, *(f"passed over: {reason}" for reason in refused[:5]))) for s in spectra]
