"""Gamry Framework files (``.DTA``): ZCURVE tables of EISPOT, EISGALV and hybrid runs."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.columns import parse_columns
from eistool.readers.tables.impedance_table import omit_contradictory
from eistool.readers.tables.numbers import is_number, parse_datetime, parse_number_any
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import Table, fill, mean_conditions
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import IntArray

SUFFIXES = (".dta",)

TABLE = re.compile(r"(\w+)\tTABLE")
_SETTING = re.compile(r"[A-Z0-9_]+\t")
_DEFAULT_AREA_CM2 = 1.0  # default of Framework, therefore not read


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    line: int  # of the column names
    table: Table
    notes: list[str]


def identify(content: FileContent) -> bool:
    """Return whether the file starts with EXPLAIN and a TAG."""
    return re.match(r"\s*EXPLAIN\s*[\r\n]+\s*TAG\t", content.text[:200]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep of each ZCURVE table, also of an aborted run.

    Raises
    ------
    ReaderError
        If there is no ZCURVE table, for instance in a CV, or its columns are missing.
    """
    settings = _settings(content.lines)
    starts = [(i, match[1]) for i, line in enumerate(content.lines) if (match := TABLE.match(line)) is not None]
    curves = [i for i, name in starts if name.startswith("ZCURVE")]
    if not curves:
        names = ", ".join(name for _, name in starts) or "none"
        raise content.error(
            f"no ZCURVE table (TAG {settings.get('TAG', 'unknown')}, tables: {names}); expected an impedance"
            " measurement"
        )
    spectra = [s for start in curves for s in _load_curve(content, start, settings)]
    if not spectra:
        raise content.error("the ZCURVE table has no rows; the run ended before the first point", curves[0] + 1)
    return spectra


def _load_curve(content: FileContent, start: int, settings: dict[str, str]) -> list[Spectrum]:
    curve = _curve(content, start)
    rows = _rows(content, curve)
    sweeps, notes = split_sweeps(rows)
    notes = rows.notes + curve.notes + notes
    if any(line.startswith("EXPERIMENTABORTED") for line in content.lines[start:]):
        notes.append("the run was aborted; the points before are read")
    return [
        replace(spectrum, metadata=_metadata(settings, curve.table, sweep))
        for spectrum, sweep in zip(to_spectra(rows, sweeps, notes), sweeps, strict=True)
    ]


def _settings(lines: list[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for line in lines:
        cells = line.split("\t")
        if _SETTING.match(line) and len(cells) >= 2:
            # NAME, type, value, perhaps T or F, description; the TAG has no type
            settings.setdefault(cells[0], cells[1].strip() if len(cells) == 2 else cells[2].strip())
            if cells[1] == "POTEN" and len(cells) > 3:
                settings.setdefault(f"{cells[0]} against", cells[3].strip())
    return settings


def table_lines(lines: list[str], first: int) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines of a table, names and units included."""
    for i in range(first, len(lines)):
        if lines[i].startswith("\t") or not lines[i].strip():
            if lines[i].strip():
                yield i, lines[i]
        else:
            return


def _curve(content: FileContent, start: int) -> _Curve:
    lines = list(table_lines(content.lines, start + 1))
    if not lines:
        raise content.error("a ZCURVE table without column names; expected Freq, Zreal, Zimag", start + 1)
    head = lines[0][1].split("\t")[1:]
    units = lines[1][1].split("\t")[1:] if len(lines) > 1 else [""]
    has_units = not is_number(units[0])
    rows = [(number + 1, line.split("\t")[1:]) for number, line in lines[2 if has_units else 1 :]]
    ended = content.ended or any(line.strip() for line in content.lines[lines[-1][0] + 1 :])
    table = fill(parse_columns(head, units if has_units else ()), rows, ended=ended)
    notes = list(table.notes)
    after = next((i for i in range(lines[-1][0] + 1, len(content.lines)) if content.lines[i].strip()), None)
    if after is not None and not _SETTING.match(content.lines[after]):
        notes.append(f"line {after + 1} is not a row of the table; reading stopped there")
    if "Over" in head:
        place = head.index("Over")
        overloads = sum(set(cells[place].strip()) > {"."} for _, cells in rows if place < len(cells))
        notes += [f"{overloads} points with an overload flag"] if overloads else []
    return _Curve(lines[0][0] + 1, table, notes)


def _rows(content: FileContent, curve: _Curve) -> Rows:
    table = curve.table
    frequency = table.find("frequency")
    if frequency is None:
        raise content.error("the ZCURVE table has no frequency column; expected Freq", curve.line)
    notes: list[str] = []
    real, imag = table.find("real"), table.find("imag")
    modulus, phase = table.find("modulus"), table.find("phase")
    if real is not None and imag is not None:
        if table.find("real_corrected") is not None:
            notes.append("the drift-corrected columns (ZrealDrCor, ZimagDrCor) are not read")
    elif table.find("real_corrected") is not None:
        real, imag = table.find("real_corrected"), table.find("imag_corrected")
        notes.append("only drift-corrected columns (ZrealDrCor, ZimagDrCor); they are read")
    if real is not None and imag is not None:
        z = table.of(real) + 1j * table.of(imag)
        if real.quantity == "real":
            z = omit_contradictory(table, z, notes)
        notes.insert(0, f"sign of Im: {imag.header} is signed in Gamry files")
    elif modulus is not None and phase is not None:
        z = table.of(modulus) * np.exp(1j * np.deg2rad(table.of(phase)))
        notes.insert(0, f"sign of Im: from {modulus.header} and {phase.header}")
    else:
        raise content.error(
            "the ZCURVE table has no impedance; expected Zreal and Zimag, or Zmod and Zphz", curve.line
        )
    return Rows(table.of(frequency), z, None, notes)


def _metadata(settings: dict[str, str], table: Table, sweep: IntArray) -> Metadata:
    values: dict[str, object] = {
        "technique": settings.get("TAG"),
        "started_at": parse_datetime(settings.get("DATE", ""), settings.get("TIME", "")),
        "amplitude_mV": _finite(settings.get("VAC", "")),
    }
    if settings.get("VDC against") == "F":  # T: relative to the open circuit
        values["bias_V"] = _finite(settings.get("VDC", ""))
    area = _finite(settings.get("AREA", ""))
    if area is not None and area > 0 and area != _DEFAULT_AREA_CM2:
        values["area_cm2"] = area
    return Metadata().updated("file header", **values, **mean_conditions(table, sweep, to_mA=1e3))


def _finite(text: str) -> float | None:
    value = parse_number_any(text)
    return value if math.isfinite(value) else None
