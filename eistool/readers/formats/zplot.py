"""Scribner ZPlot and ZView files (``.z``), with and without the block of settings."""

import math
import re
from dataclasses import replace

from eistool.readers.content import FileContent
from eistool.readers.notes import WARNING
from eistool.readers.tables.columns import Column, parse_columns, pick
from eistool.readers.tables.numbers import parse_datetime, parse_number_any
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import Table, fill
from eistool.spectrum import Metadata, Spectrum

SUFFIXES = (".z", ".z60")

_SIGNATURE = re.compile(r'"?(?:ZPLOT2 ASCII|Z\w+ Data File)', re.IGNORECASE)
_NAMES = ("Freq(Hz)", "Ampl", "Bias", "Time(Sec)", "Z'(a)", "Z''(b)", "GD", "Err", "Range")
_QUANTITIES = ("frequency", "real", "imag")
_DEFAULT_AREA_CM2 = 1.0  # default of ZPlot, therefore not read


def identify(content: FileContent) -> bool:
    """Return whether the file starts with the signature of ZPlot."""
    return _SIGNATURE.match(content.text[:60]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep.

    Raises
    ------
    ReaderError
        If no table of frequency, Z' and Z'' follows the header.
    """
    first, columns = _layout(content)
    table = _table(content, first, columns)
    frequency, real, imag = map(table.find, _QUANTITIES)
    if table.n_rows == 0 or frequency is None or real is None or imag is None:
        raise content.error("no rows of numbers; expected Freq, Ampl, Bias, Time, Z', Z''", first + 1)
    rows = Rows(table.of(frequency), table.of(real) + 1j * table.of(imag))
    sweeps, notes = split_sweeps(rows)
    if not sweeps:
        raise content.error(f"no row with a frequency above 0; {'; '.join(notes)}", first + 1)
    notes = ["sign of Im: Z'' is signed in ZPlot files", *notes, *table.notes]
    announced = _announced_points(content.lines[:first])
    if announced not in (None, table.n_rows):
        notes.append(f"{WARNING}the header gives {announced} points, the table has {table.n_rows}")
    metadata = _metadata(content.lines[:first])
    return [replace(spectrum, metadata=metadata) for spectrum in to_spectra(rows, sweeps, notes)]


def _layout(content: FileContent) -> tuple[int, list[Column]]:
    """Return the first line of the table, from 0, and its columns."""
    first, columns = 0, parse_columns(_NAMES)
    for i, line in enumerate(content.lines):
        if line.strip().startswith("End Comments"):
            first = i + 1
        elif "Freq" in line and "Z'" in line:
            # names are separated by tabs or spaces, but "Freq (Hz)" is one name
            names = line.strip().strip('"').replace("Freq (", "Freq(").replace(",", " ").split()
            named = parse_columns(names)
            if all(pick(named, quantity) for quantity in _QUANTITIES):
                columns = named
            first = i + 1
    return first, columns


def _table(content: FileContent, first: int, columns: list[Column]) -> Table:
    lines = [(number, line) for number, line in enumerate(content.lines[first:], start=first + 1) if line.strip()]
    if not lines:
        raise content.error("no rows of numbers; expected Freq, Ampl, Bias, Time, Z', Z''", first + 1)
    delimiter = next((mark for mark in "\t," if mark in lines[0][1]), "")
    rows = [(number, line.split(delimiter or None)) for number, line in lines]
    wanted = [column if column.quantity in _QUANTITIES else replace(column, quantity="") for column in columns]
    return fill(wanted, rows, ended=content.ended, delimiter=delimiter)


def _announced_points(header: list[str]) -> int | None:
    for line in reversed(header):
        match = re.fullmatch(r"\s*(?:Data Points:\s*)?(\d{1,9})\s*", line)
        if match:
            return int(match[1])
    return None


def _metadata(header: list[str]) -> Metadata:
    text = "\n".join(header)

    def number(name: str) -> float | None:
        match = re.search(rf"^[ \t]*{re.escape(name)}:[ \t]*(\S+)", text, re.MULTILINE)
        value = parse_number_any(match[1]) if match else math.nan
        return value if math.isfinite(value) else None

    values: dict[str, object] = {}
    date, time = re.search(r"Date:\s*(\S+)", text), re.search(r"Time:\s*(\d+:\d+:\d+)", text)
    values["started_at"] = parse_datetime(date[1] if date else "", time[1] if time else "")
    if "Control Voltage" in text or "Control: Voltage" in text:
        values["technique"] = "PEIS"
        values["amplitude_mV"] = number("Potential-AC") or None
    elif "Control Current" in text:
        values["technique"] = "GEIS"
    area = number("Surface Area")
    if area is not None and area > 0 and area != _DEFAULT_AREA_CM2:
        values["area_cm2"] = area
    return Metadata().updated("file header", **values)
