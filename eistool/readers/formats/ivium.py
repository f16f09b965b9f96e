"""Ivium data files (``.idf``, ``.ids``): settings, then a block ``primary_data`` of three columns.

They are taken as Z', Z'' and frequency. The file does not name them, so that the frequencies must run one way to
be believed, and the data decide on the sign of Z''.
"""

import re
from collections.abc import Iterator

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.numbers import parse_number_any
from eistool.readers.tables.signs import HeaderSign, decide_sign
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.spectrum import Spectrum

SUFFIXES = (".idf", ".ids")

_BLOCK = "primary_data"
_N_COLUMNS = 3
_MOST_ROWS = 1_000_000
_LONGEST_LINE = 1000  # characters; no row is longer


def identify(content: FileContent) -> bool:
    """Return whether a block of primary data follows Ivium's settings."""
    return _BLOCK in content.text and re.search(r"Method=|Technique=", content.text[:200_000]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return a spectrum per sweep of every block.

    Raises
    ------
    ReaderError
        If the method is no impedance, a block has another layout or fewer rows than announced, or the
        third column is no swept frequency.
    """
    method = re.search(r"(?:Method|Technique)=([^\r\n\0]{0,60})", content.text)
    starts = [i for i, line in enumerate(content.lines) if line.strip().strip("\0") == _BLOCK]
    if not starts:
        raise content.error(f"no line {_BLOCK!r}; save the data file again in IviumSoft")
    return [s for start in starts for s in _load_block(content, start, method[1].strip() if method else "")]


def _counts(content: FileContent, start: int) -> Iterator[int]:
    for line in content.lines[start + 1 : start + 4]:
        if not re.fullmatch(r"\s*\d{1,7}\s*", line):
            return
        yield int(line)


def _load_block(content: FileContent, start: int, method: str) -> list[Spectrum]:
    counts = list(_counts(content, start))
    if len(counts) < 2 or counts[0] != _N_COLUMNS or not 0 < counts[-1] <= _MOST_ROWS:
        raise content.error(
            f"method {method!r}, counts {counts}; expected {_N_COLUMNS} columns, then the number of rows",
            start + 2,
        )
    first, n = start + 1 + len(counts), counts[-1]
    rows = [
        [parse_number_any(cell) for cell in line[:_LONGEST_LINE].split()[:3]]
        for line in content.lines[first : first + n]
    ]
    wrong = next((i for i, row in enumerate(rows) if len(row) != _N_COLUMNS or np.isnan(row).any()), len(rows))
    if wrong < n:
        raise content.error(f"{n} rows are announced, this one is no row of three numbers", first + wrong + 1)
    real, imag, frequency = np.array(rows, dtype=np.float64).T
    table = Rows(frequency, real + 1j * imag)
    sweeps, notes = split_sweeps(table)
    steps = [np.sign(np.diff(frequency[i])) for i in sweeps]
    if not sweeps or (frequency <= 0).any() or any(abs(s.sum()) < s.size or s.size < 2 for s in steps):
        raise content.error(
            f"method {method!r}: the third column is no swept frequency; expected Z', Z'' and f of an impedance",
            first + 1,
        )
    table, sign = decide_sign(
        table, sweeps, HeaderSign("the second column has no name, signed as it stands", False)
    )
    return to_spectra(table, sweeps, [sign, "no header: columns taken as Re/ohm, Im/ohm, frequency/Hz", *notes])
