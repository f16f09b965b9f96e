"""Ivium data files (``.idf``, ``.ids``): settings, then a block ``primary_data`` of three columns.

The columns have no names and are read as Z', Z'' and frequency. The frequencies must be swept in one direction,
and the sign of Z'' is determined from the data.
"""

import re
from collections.abc import Iterator

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.columns import Column
from eistool.readers.tables.signs import HeaderSign, decide_sign
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import fill
from eistool.spectrum import Spectrum

SUFFIXES = (".idf", ".ids")

_BLOCK = "primary_data"
_N_COLUMNS = 3
_MOST_ROWS = 1_000_000
_LONGEST_LINE = 1000  # characters; rows are shorter


def identify(content: FileContent) -> bool:
    """Return whether the file has a block of primary data and Ivium settings."""
    return _BLOCK in content.text and re.search(r"Method=|Technique=", content.text[:200_000]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep of each block.

    Raises
    ------
    ReaderError
        If a block has another layout or fewer rows than its header gives, or the third column is not a
        swept frequency.
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
    lines = content.lines[first : first + n]
    rows = [(first + 1 + i, line[:_LONGEST_LINE].split()[:_N_COLUMNS]) for i, line in enumerate(lines)]
    block = fill(
        [Column(i, name, name) for i, name in enumerate(("real", "imag", "frequency"))], rows, delimiter=""
    )
    numbers = np.array(list(block.values.values()))
    real, imag, frequency = numbers
    wrong = int(next(iter(np.flatnonzero(np.isnan(numbers).any(axis=0))), block.n_rows))
    if wrong < n:
        raise content.error(
            f"expected three numbers; the block has {n} rows according to its header", first + wrong + 1
        )
    table = Rows(frequency, real + 1j * imag)
    sweeps, notes = split_sweeps(table)
    steps = [np.sign(np.diff(frequency[i])) for i in sweeps]
    if not sweeps or (frequency <= 0).any() or any(abs(s.sum()) < s.size or s.size < 2 for s in steps):
        raise content.error(
            f"method {method!r}: the third column is not a swept frequency; expected Z', Z'' and f",
            first + 1,
        )
    table, sign = decide_sign(table, sweeps, HeaderSign("the second column has no name, read as signed", False))
    return to_spectra(table, sweeps, [sign, "no header: columns read as Re/ohm, Im/ohm, frequency/Hz", *notes])
