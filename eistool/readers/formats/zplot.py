"""Scribner ZPlot and ZView files (``.z``), with and without the block of settings."""

import re
from dataclasses import replace

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.columns import parse_columns, pick
from eistool.readers.tables.numbers import parse_datetime, parse_number
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import FloatArray

SUFFIXES = (".z", ".z60")

_SIGNATURE = re.compile(r'"?(?:ZPLOT2 ASCII|Z\w+ Data File)', re.IGNORECASE)
_N_COLUMNS = 9  # Freq, Ampl, Bias, Time, Z', Z'', GD, Err, Range
_FREQUENCY, _REAL, _IMAG = 0, 4, 5
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
    first, places = _layout(content)
    table, skipped = _table(content.lines[first:], max(places))
    if table.size == 0:
        raise content.error("no rows of numbers; expected Freq, Ampl, Bias, Time, Z', Z''", first + 1)
    frequency, real, imag = (table[:, place] for place in places)
    rows = Rows(frequency, real + 1j * imag)
    sweeps, notes = split_sweeps(rows)
    if not sweeps:
        raise content.error(f"no row with a frequency above 0; {'; '.join(notes)}", first + 1)
    notes.insert(0, "sign of Im: Z'' is signed in ZPlot files")
    if skipped:
        notes.append(f"{skipped} lines below the header are not rows of the table and are omitted")
    announced = _announced_points(content.lines[:first])
    if announced not in (None, len(table)):
        notes.append(f"the header gives {announced} points, the table has {len(table)}")
    metadata = _metadata(content.lines[:first])
    return [replace(spectrum, metadata=metadata) for spectrum in to_spectra(rows, sweeps, notes)]


def _layout(content: FileContent) -> tuple[int, tuple[int, int, int]]:
    first, places = 0, (_FREQUENCY, _REAL, _IMAG)
    for i, line in enumerate(content.lines):
        if line.strip().startswith("End Comments"):
            first = i + 1
        elif "Freq" in line and "Z'" in line:
            # names are separated by tabs or spaces, but "Freq (Hz)" is one name
            names = line.strip().strip('"').replace("Freq (", "Freq(").replace(",", " ").split()
            columns = parse_columns(names)
            picked = [pick(columns, quantity) for quantity in ("frequency", "real", "imag")]
            if None not in picked:
                places = tuple(column.index for column in picked if column is not None)  # type: ignore[assignment]
            first = i + 1
    return first, places


def _table(lines: list[str], last: int) -> tuple[FloatArray, int]:
    rows: list[list[float]] = []
    skipped = 0
    for line in lines:
        if not line.strip():
            continue
        # commas separate the columns, or are decimal marks between tabs
        cells = line.replace(",", ".").split("\t") if "\t" in line else line.replace(",", " ").split()
        values = [parse_number(cell) for cell in cells[:_N_COLUMNS]]
        if len(values) <= last or np.isnan(values[0]):
            skipped += 1
            continue
        rows.append(values + [np.nan] * (_N_COLUMNS - len(values)))
    return np.array(rows, dtype=np.float64), skipped


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
        value = parse_number(match[1]) if match else np.nan
        return float(value) if np.isfinite(value) else None

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
