"""A new reader: ``identify`` by content, ``load`` to spectra, one entry in the registry."""

import re
from pathlib import Path

import numpy as np
import pytest

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.registry import Reader
from eistool.spectrum import Spectrum

SIGNATURE = "ACME impedance analyser"
EXAMPLE = f"{SIGNATURE}\nf;Zre;Zim\n1000;10.5;-0.2\n100;11.0;-1.5\n10;14.0;-3.5\n"


# these two functions are the file eistool/readers/formats/acme.py
def identify(content: FileContent) -> bool:
    """Return whether the first line is that of an ACME analyser."""
    return content.text.startswith(SIGNATURE)


def load(content: FileContent) -> list[Spectrum]:
    """Return the spectrum of a file.

    Raises
    ------
    ReaderError
        If a row is not three numbers.
    """
    rows = []
    for number, line in enumerate(content.lines[2:], start=3):
        if not line:
            continue
        try:
            frequency, real, imag = (float(cell) for cell in line.split(";"))
        except ValueError as error:
            raise content.error(f"expected f;Zre;Zim, got {line!r}", number) from error
        rows.append((frequency, complex(real, imag)))
    frequencies, impedances = zip(*rows, strict=True)
    return [Spectrum(np.array(frequencies), np.array(impedances))]


# and this is its entry in READERS of eistool/readers/registry.py
READER = Reader("acme", "ACME impedance analyser", (".acme",), identify, load)


def content_of(text: str) -> FileContent:
    return FileContent(Path("cell.acme"), text.encode())


def test_the_example_is_read() -> None:
    (spectrum,) = READER.read(content_of(EXAMPLE))
    assert spectrum.frequency.tolist() == [1000, 100, 10]
    assert spectrum.impedance[2] == 14 - 3.5j


def test_an_error_names_file_and_line() -> None:
    with pytest.raises(ReaderError, match=re.escape("cell.acme, line 4: expected f;Zre;Zim, got '100;11.0'")):
        READER.read(content_of(EXAMPLE.replace("100;11.0;-1.5", "100;11.0")))
