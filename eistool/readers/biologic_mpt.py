"""BioLogic EC-Lab and BT-Lab text files (``.mpt``, or ``.txt`` with the header)."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from eistool.readers.columns import parse_columns
from eistool.readers.content import FileContent
from eistool.readers.numbers import parse_datetime, parse_number_any
from eistool.readers.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.table import Table, fill, mean_conditions
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import FloatArray, IntArray

SUFFIXES = (".mpt",)

_SIGNATURE = re.compile(r"(?:EC|BT)-Lab ASCII FILE")
_HEADER_LINES = re.compile(r"Nb header lines\s*:\s*(\d{1,9})")
_TECHNIQUES = MappingProxyType(
    {
        "Staircase Potentio Electrochemical Impedance": "SPEIS",
        "Staircase Galvano Electrochemical Impedance": "SGEIS",
        "Potentio Electrochemical Impedance Spectroscopy Wait": "PEISW",
        "Potentio Electrochemical Impedance": "PEIS",
        "Galvano Electrochemical Impedance": "GEIS",
    }
)
# what EC-Lab writes when nobody filled the field in
_UNSET = 0.001
_TO_CM2 = MappingProxyType({"cm": 1.0, "mm": 1e-2, "µm": 1e-8, "m": 1e4})
_TO_MG = MappingProxyType({"g": 1e3, "mg": 1.0, "µg": 1e-3, "kg": 1e6})


def identify(content: FileContent) -> bool:
    """Return whether the first line is EC-Lab's."""
    return _SIGNATURE.match(content.text[:40]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return a spectrum per sweep of the working electrode.

    Raises
    ------
    ReaderError
        If the table, its frequency column or its impedance columns are missing.
    """
    header_line = _header_line(content)
    table = _table(content, header_line)
    rows = _rows(content, header_line, table)
    sweeps, notes = split_sweeps(rows)
    if not sweeps:
        raise content.error(
            f"no row has a frequency above 0; {notes[0] if notes else 'the table is empty'}", header_line
        )
    notes = rows.notes + notes
    if any(re.search(r"zce|zwe-ce", c.header, re.IGNORECASE) for c in table.columns):
        notes.append("the columns of other electrodes (Zce, Zwe-ce) are not read")
    facts = _header_facts(content.lines[: header_line - 1])
    spectra = to_spectra(rows, sweeps, notes)
    return [
        replace(spectrum, metadata=_metadata(facts, table, sweep, len(sweeps) > 1))
        for spectrum, sweep in zip(spectra, sweeps, strict=True)
    ]


def _header_line(content: FileContent) -> int:
    # the count of header lines includes the line with the column names
    match = _HEADER_LINES.search(content.text[:400])
    if match is not None and 0 < int(match[1]) <= len(content.lines):
        line = int(match[1])
        if "\t" in content.lines[line - 1]:
            return line
    for i, text in enumerate(content.lines, start=1):
        if "\t" in text and any(name in text for name in ("freq/Hz", "Re(Z)", "|Z|")):
            return i
    raise content.error("no line with column names; expected 'Nb header lines : N' and a table below line N")


def _table(content: FileContent, header_line: int) -> Table:
    columns = parse_columns(content.lines[header_line - 1].rstrip("\t\r ").split("\t"))
    # tabs part the cells, so that a comma can only be a decimal mark
    rows = (line.replace(",", ".").split("\t") for line in content.lines[header_line:] if line.strip())
    table = fill(columns, rows)
    if table.find("frequency") is None:
        named = ", ".join(c.header for c in columns[:6])
        raise content.error(
            f"no frequency column among {named}, ...; expected 'freq/Hz': export the impedance table with it",
            header_line,
        )
    if table.n_rows == 0:
        raise content.error("the table has no rows; the run may have ended before its first point", header_line)
    return table


def _rows(content: FileContent, line: int, table: Table) -> Rows:
    frequency = table.find("frequency")
    real, imag = table.find("real"), table.find("imag")
    modulus, phase = table.find("modulus"), table.find("phase")
    if real is not None and imag is not None:
        z = table.of(real) + 1j * table.of(imag) * (-1 if imag.negated else 1)
        note = f"sign of Im: header says {imag.header}, {'negated' if imag.negated else 'signed as it stands'}"
    elif modulus is not None and phase is not None:
        sign = -1 if phase.negated else 1
        z = table.of(modulus) * np.exp(1j * sign * np.deg2rad(table.of(phase)))
        note = f"sign of Im: from {modulus.header} and {phase.header}"
    else:
        raise content.error(
            "no impedance columns; expected Re(Z)/Ohm and -Im(Z)/Ohm, or |Z|/Ohm and Phase(Z)/deg", line
        )
    assert frequency is not None  # noqa: S101  # checked when the table was read
    return Rows(table.of(frequency), z, _cycle(table), [note])


def _cycle(table: Table) -> FloatArray | None:
    found = [
        np.nan_to_num(table.of(c)) for c in table.columns if c.quantity == "cycle" and c.index in table.values
    ]
    # z cycle and cycle number may both be there: a change of either starts a sweep
    return sum((column * 1e6**k for k, column in enumerate(found[1:], start=1)), found[0]) if found else None


def _header_facts(lines: list[str]) -> dict[str, object]:
    title = next((line.strip() for line in lines[2:8] if line.strip()), "")
    technique = next((short for name, short in _TECHNIQUES.items() if title.startswith(name)), title or None)
    settings = _settings(lines)
    amplitudes = {parse_number_any(cell) for cell in settings.get("Va (mV)", "").split()}
    amplitude = amplitudes.pop() if len(amplitudes) == 1 else None  # steps may differ
    started = settings.get("Acquisition started on") or settings.get("Technique started on") or ""
    return {
        "technique": technique,
        "started_at": parse_datetime(started),
        "amplitude_mV": amplitude if amplitude is not None and 0 < amplitude < math.inf else None,
        "area_cm2": _quantity(settings.get("Electrode surface area", ""), _TO_CM2),
        "mass_mg": _quantity(settings.get("Characteristic mass", ""), _TO_MG),
    }


def _settings(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(" : ")
        if not colon:  # columns of 20 characters, one for each step of the technique
            name, value = line[:20], line[20:]
        found.setdefault(name.strip(), value.strip())
    return found


def _quantity(text: str, factors: Mapping[str, float]) -> float | None:
    match = re.match(r"([-+\d.,eE]+)\s*([a-zµ]+)", text.replace("μ", "µ"))
    if match is None or match[2] not in factors:
        return None
    value = parse_number_any(match[1])
    return value * factors[match[2]] if 0 < value < math.inf and value != _UNSET else None


def _metadata(facts: dict[str, object], table: Table, sweep: IntArray, several: bool) -> Metadata:
    values = facts | mean_conditions(table, sweep, to_mA=1.0)
    time = table.finite("time", sweep)
    if time.size:
        values["time_h"] = float(time[0]) / 3600 if several else None
        values["started_at"] = _later(facts["started_at"], float(time[0]))
    return Metadata().updated("file header", **values)


def _later(start: object, seconds: float) -> object:
    if not isinstance(start, str):
        return start
    try:
        return (datetime.fromisoformat(start) + timedelta(seconds=round(seconds))).isoformat()
    except OverflowError:  # no time of a measurement; the start of the file stands
        return start
