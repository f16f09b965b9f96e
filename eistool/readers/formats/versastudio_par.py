"""Princeton Applied Research VersaStudio files (``.par``): segments with impedances."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.columns import parse_columns
from eistool.readers.tables.numbers import parse_datetime, parse_number
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import Table, fill, mean_conditions, moments
from eistool.readers.tables.torn import NumberedRow
from eistool.spectrum import Metadata, Spectrum

SUFFIXES = (".par",)

_DEFINITION = "Definition="
# names that tables.columns does not know
_NAMES = {"E(V)": "<Ewe>/V", "I(A)": "<I>/A", "Segment #": "sweep", "Elapsed Time(s)": "time/s"}
_AMPLITUDE = "AC Amplitude"
_TECHNIQUES = {"Potentiostatic EIS": "PEIS", "Galvanostatic EIS": "GEIS"}
_DEFAULT_AREA_CM2 = 1.0  # default of VersaStudio, therefore not read
_LONGEST_LINE = 20_000  # characters; rows are shorter


@dataclass(frozen=True, slots=True)
class _Segment:
    name: str
    line: int  # of the definition of its columns
    names: list[str]
    rows: list[NumberedRow]
    ended: bool


def identify(content: FileContent) -> bool:
    """Return whether the file starts with the block of VersaStudio."""
    return re.match(r"\s*<Application>\s*Name=VersaStudio", content.text[:300]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep of each segment with impedances.

    Raises
    ------
    ReaderError
        If no segment has points of frequency and impedance.
    """
    settings = _settings(content.lines)
    spectra: list[Spectrum] = []
    refused: list[str] = []
    for segment in _segments(content.lines, content.ended):
        try:
            in_segment = _load_segment(segment, settings)
        except ValueError as error:
            refused.append(f"{segment.name} (line {segment.line}): {error}")
        else:
            spectra += in_segment
    if not spectra:
        raise content.error(
            "no impedance: "
            + ("; ".join(refused[:5]) or "no segment; the experiment was not run")
            + "; expected Frequency(Hz), Z Real and Z Imag"
        )
    return spectra


def _segments(lines: list[str], ended: bool) -> Iterator[_Segment]:
    starts = [i for i, line in enumerate(lines) if re.fullmatch(r"\s*<Segment\d+>\s*", line)]
    for start in starts:
        names: list[str] = []
        rows: list[NumberedRow] = []
        at, i = start, start
        for i in range(start + 1, len(lines)):
            line = lines[i][:_LONGEST_LINE].strip()
            if line.startswith("<"):
                break
            if line.startswith(_DEFINITION):
                at, names = i, [name.strip() for name in line.removeprefix(_DEFINITION).split(",")]
            elif names and line:
                rows.append((i + 1, line.split(",")))
        yield _Segment(lines[start].strip(" <>"), at + 1, names, rows, ended or i + 1 < len(lines))


def _load_segment(segment: _Segment, settings: dict[str, str]) -> list[Spectrum]:
    columns = parse_columns([_NAMES.get(name, name) for name in segment.names])
    if not {"frequency", "real", "imag"} <= {column.quantity for column in columns}:
        raise ValueError(f"columns {', '.join(segment.names[:6]) or 'none'}, ...")
    if segment.names[-1] == "0" and len(segment.rows[0][1] if segment.rows else ()) == len(columns) - 1:
        del columns[-1]  # a name without cells
    table = fill(columns, segment.rows, ended=segment.ended)
    frequency, real, imag = (table.find(quantity) for quantity in ("frequency", "real", "imag"))
    assert frequency is not None and real is not None and imag is not None  # noqa: S101, PT018  # checked above
    z = table.of(real) + 1j * table.of(imag)
    cycle = table.find("cycle")
    # d.c. steps in the segment have no frequency and no impedance
    rows = Rows(table.of(frequency), np.where(z == 0, np.nan, z), None if cycle is None else table.of(cycle))
    sweeps, notes = split_sweeps(rows)
    if not sweeps:
        raise ValueError(f"{table.n_rows} rows, none with a frequency above 0")
    notes += table.notes
    notes.insert(0, "sign of Im: Z Imag is signed in VersaStudio files")
    return [
        replace(spectrum, metadata=_metadata(segment, settings, table, sweep).updated("file header", **moment))
        for spectrum, sweep, moment in zip(
            to_spectra(rows, sweeps, notes), sweeps, moments(table, sweeps, _start(settings)), strict=True
        )
    ]


def _settings(lines: list[str]) -> dict[str, str]:
    """Return the settings by name, and the technique if it is the same in all impedance actions."""
    settings: dict[str, str] = {}
    techniques = set()
    for line in lines:
        if line.startswith("<Segment"):
            break
        name, equals, value = line.partition("=")
        if equals and name == "Name" and value.strip() in _TECHNIQUES:
            techniques.add(_TECHNIQUES[value.strip()])
        elif equals:
            settings.setdefault(name.strip(), value.strip())
    return settings | ({"technique": techniques.pop()} if len(techniques) == 1 else {})


def _start(settings: dict[str, str]) -> str | None:
    return parse_datetime(settings.get("DateAcquired", ""), settings.get("TimeAcquired", ""))


def _metadata(segment: _Segment, settings: dict[str, str], table: Table, sweep: np.ndarray) -> Metadata:
    technique = settings.get("technique")
    area = parse_number(settings.get("Working Electrode Area (cm2)", ""))
    amplitude = None
    if technique == "PEIS" and _AMPLITUDE in segment.names:
        place = segment.names.index(_AMPLITUDE)
        cells = dict(segment.rows)
        sizes = {row[place] for row in (cells[table.lines[i]] for i in sweep) if place < len(row)}
        amplitude = parse_number(sizes.pop()) * 1e3 if len(sizes) == 1 else None
    return Metadata().updated(
        "file header",
        technique=technique,
        started_at=_start(settings),
        amplitude_mV=amplitude if amplitude is not None and 0 < amplitude < 1e5 else None,
        area_cm2=area if 0 < area < 1e6 and area != _DEFAULT_AREA_CM2 else None,
        **mean_conditions(table, sweep, to_mA=1e3),
    )
