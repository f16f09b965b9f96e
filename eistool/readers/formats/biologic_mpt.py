"""BioLogic EC-Lab and BT-Lab text files (``.mpt``, or ``.txt`` with the header)."""

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from eistool.readers.content import FileContent
from eistool.readers.formats.biologic import UNSET, name_columns, to_sweeps
from eistool.readers.tables.numbers import parse_datetime, parse_number_any
from eistool.readers.tables.table import Table, fill
from eistool.spectrum import Spectrum

SUFFIXES = (".mpt",)

_SIGNATURE = re.compile(r"(?:EC|BT)-Lab ASCII FILE")
_HEADER_LINES = re.compile(r"Nb header lines\s*:\s*(\d{1,9})")
# the month comes first, also with points
_POINTS = re.compile(r"^\s*(\d+)\.(\d+)\.(?=\d)")
_TECHNIQUES = MappingProxyType(
    {
        "Staircase Potentio Electrochemical Impedance": "SPEIS",
        "Staircase Galvano Electrochemical Impedance": "SGEIS",
        "Potentio Electrochemical Impedance Spectroscopy Wait": "PEISW",
        "Potentio Electrochemical Impedance": "PEIS",
        "Galvano Electrochemical Impedance": "GEIS",
    }
)
_TO_CM2 = MappingProxyType({"cm": 1.0, "mm": 1e-2, "µm": 1e-8, "m": 1e4})
_TO_MG = MappingProxyType({"g": 1e3, "mg": 1.0, "µg": 1e-3, "kg": 1e6})


def identify(content: FileContent) -> bool:
    """Return whether the file starts with the signature of EC-Lab or BT-Lab."""
    return _SIGNATURE.match(content.text[:40]) is not None


def load(content: FileContent, electrode: str = "working") -> list[Spectrum]:
    """Return one spectrum per sweep of an electrode, or of the cell.

    Raises
    ------
    ReaderError
        If the table, its frequency column or its impedance columns are missing.
    """
    header_line = find_header(content)
    table = _table(content, header_line, electrode)
    settings = read_settings(content.lines[: header_line - 1])
    return to_sweeps(content, table, settings, electrode, header_line)


def find_header(content: FileContent, names: Sequence[str] = ("freq/Hz", "Re(Z)", "|Z|")) -> int:
    """Return the line of the column names, from 1.

    Parameters
    ----------
    content : FileContent
    names : sequence of str
        Names that identify the line where the count of header lines is wrong.

    Raises
    ------
    ReaderError
        If there is none.
    """
    # the count of header lines includes the line with the column names
    match = _HEADER_LINES.search(content.text[:400])
    if match is not None and 0 < int(match[1]) <= len(content.lines):
        line = int(match[1])
        if "\t" in content.lines[line - 1]:
            return line
    for i, text in enumerate(content.lines, start=1):
        if "\t" in text and any(name in text for name in names):
            return i
    raise content.error(
        f"no line with column names such as {', '.join(names)}; expected 'Nb header lines : N' and a table "
        "below line N: export the file again"
    )


def _table(content: FileContent, header_line: int, electrode: str) -> Table:
    columns = name_columns(content.lines[header_line - 1].rstrip("\t\r ").split("\t"), electrode)
    if not any(column.quantity == "frequency" for column in columns):
        named = ", ".join(c.header for c in columns[:6])
        raise content.error(
            f"no frequency among the columns {named}, ...; expected 'freq/Hz': export it with the impedance",
            header_line,
        )
    lines = enumerate(content.lines[header_line:], start=header_line + 1)
    rows = [(number, line.split("\t")) for number, line in lines if line.strip()]
    table = fill(columns, rows, ended=content.ended)
    if table.n_rows == 0:
        raise content.error("the table has no rows; the run may have ended before the first point", header_line)
    return table


def read_settings(lines: list[str]) -> dict[str, object]:
    """Return metadata of all sweeps from the lines above the table."""
    title = next((line.strip() for line in lines[2:8] if line.strip()), "")
    technique = next((short for name, short in _TECHNIQUES.items() if title.startswith(name)), title or None)
    settings = _settings(lines)
    amplitudes = {parse_number_any(cell) for cell in settings.get("Va (mV)", "").split()}
    amplitude = amplitudes.pop() if len(amplitudes) == 1 else None  # steps may differ
    started = settings.get("Acquisition started on") or settings.get("Technique started on") or ""
    return {
        "technique": technique,
        "started_at": parse_datetime(_POINTS.sub(r"\1/\2/", started)),
        "amplitude_mV": amplitude if amplitude is not None and 0 < amplitude < math.inf else None,
        "area_cm2": _quantity(settings.get("Electrode surface area", ""), _TO_CM2),
        "mass_mg": _quantity(settings.get("Characteristic mass", ""), _TO_MG),
    }


def _settings(lines: list[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(" : ")
        if not colon:  # columns of 20 characters, one per step of the technique
            name, value = line[:20], line[20:]
        settings.setdefault(name.strip(), value.strip())
    return settings


def _quantity(text: str, factors: Mapping[str, float]) -> float | None:
    match = re.match(r"([-+\d.,eE]+)\s*([a-zµ]+)", text.replace("μ", "µ"))
    if match is None or match[2] not in factors:
        return None
    value = parse_number_any(match[1])
    return value * factors[match[2]] if 0 < value < math.inf and value != UNSET else None
