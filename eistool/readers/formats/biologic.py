"""Impedance tables of BioLogic text and binary files, with one electrode or several."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.filename import metadata_from_filename
from eistool.readers.tables.columns import Column, parse_columns
from eistool.readers.tables.impedance_table import omit_contradictory
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import Table, cycles, later, mean_conditions
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import FloatArray, IntArray

# symbols of EC-Lab for the impedance of an electrode against the reference, or across the cell
ELECTRODES = MappingProxyType({"working": "Z", "counter": "Zce", "cell": "Zwe-ce"})

UNSET = 0.001  # default of EC-Lab for area and mass
_WORKING = re.compile(r"\(Z\)|\|Z\|")
_OTHERS = re.compile(r"Zce|Zwe-ce", re.IGNORECASE)


def name_columns(headers: Sequence[str], electrode: str) -> list[Column]:
    """Return the columns of a table, with Z of one electrode.

    Examples
    --------
    >>> [c.quantity for c in name_columns(["freq/Hz", "Re(Z)/Ohm", "Re(Zce)/Ohm"], "counter")]
    ['frequency', '', 'real']
    """
    symbol = ELECTRODES[electrode]
    names = [
        header.replace(f"({symbol})", "(Z)").replace(f"|{symbol}|", "|Z|")
        if f"({symbol})" in header or f"|{symbol}|" in header
        else _WORKING.sub("other", header)
        for header in headers
    ]
    columns = parse_columns(names)
    return [replace(column, header=headers[column.index].strip()) for column in columns]


def to_sweeps(
    content: FileContent,
    table: Table,
    settings: Mapping[str, object],
    electrode: str,
    line: int | None = None,
    cycle: FloatArray | None = None,
) -> list[Spectrum]:
    """Return one spectrum per sweep of a table.

    Parameters
    ----------
    content : FileContent
        For messages.
    table : Table
        With the columns of :func:`name_columns`.
    settings : mapping
        Metadata of the whole file; ``time/s`` counts from ``started_at``.
    electrode : {"working", "counter", "cell"}
        The electrode of Z.
    line : int, optional
        Of the column names.
    cycle : FloatArray, shape (n_rows,), optional
        A number that changes with each loop of techniques, in addition to the cycle columns.

    Raises
    ------
    ReaderError
        If impedance columns are missing, or no row has a frequency.
    """
    rows = _rows(content, table, electrode, line, cycle)
    sweeps, notes = split_sweeps(rows)
    if not sweeps:
        raise content.error(
            f"no row with a frequency above 0; {notes[0] if notes else 'the table is empty'}", line
        )
    notes = [*rows.notes, *notes, *table.notes]
    if electrode != "working":
        notes.append(f"impedance of the {electrode} ({ELECTRODES[electrode]})")
    elif any(_OTHERS.search(column.header) for column in table.columns):
        notes.append("other electrodes (Zce, Zwe-ce) are not read; choose electrode='counter' or 'cell' for them")
    numbers = _cycles(content, settings, table, sweeps)
    return [
        replace(
            spectrum, metadata=_metadata(settings, table, sweep, len(sweeps) > 1).updated("file header", **number)
        )
        for spectrum, sweep, number in zip(to_spectra(rows, sweeps, notes), sweeps, numbers, strict=True)
    ]


def _cycles(
    content: FileContent, settings: Mapping[str, object], table: Table, sweeps: Sequence[IntArray]
) -> list[dict[str, float]]:
    """Return the cycle of each sweep; EC-Lab counts the steps of staircases too, and from 1 in each file."""
    named = metadata_from_filename(content.path.name).values
    if "cycle" in named or str(settings["technique"]).startswith("S"):
        return [{} for _ in sweeps]
    return cycles(table, sweeps)


def _rows(content: FileContent, table: Table, electrode: str, line: int | None, loop: FloatArray | None) -> Rows:
    notes: list[str] = []
    frequency = table.find("frequency")
    real, imag = table.find("real"), table.find("imag")
    modulus, phase = table.find("modulus"), table.find("phase")
    if real is not None and imag is not None:
        given = np.asarray(table.of(real) + 1j * table.of(imag) * (-1 if imag.negated else 1), np.complex128)
        z = omit_contradictory(table, given, notes)
        note = f"sign of Im: header {imag.header}, {'negated' if imag.negated else 'read as signed'}"
    elif modulus is not None and phase is not None:
        sign = -1 if phase.negated else 1
        z = np.asarray(table.of(modulus) * np.exp(1j * sign * np.deg2rad(table.of(phase))), np.complex128)
        note = f"sign of Im: from {modulus.header} and {phase.header}"
    else:
        symbol = ELECTRODES[electrode]
        raise content.error(
            f"no impedance columns of the {electrode} electrode; expected Re({symbol})/Ohm and "
            f"-Im({symbol})/Ohm, or |{symbol}|/Ohm and Phase({symbol})/deg",
            line,
        )
    assert frequency is not None  # noqa: S101  # checked when the table was read
    return Rows(table.of(frequency), z, _cycle(table, loop), [note, *notes])


def _cycle(table: Table, loop: FloatArray | None) -> FloatArray | None:
    counters = [
        np.nan_to_num(table.of(c)) for c in table.columns if c.quantity == "cycle" and c.index in table.values
    ]
    if loop is not None:
        counters.append(loop)
    # z cycle and cycle number may both be present: a change of either starts a sweep
    return (
        sum((column * 1e6**k for k, column in enumerate(counters[1:], start=1)), counters[0]) if counters else None
    )


def _metadata(settings: Mapping[str, object], table: Table, sweep: IntArray, several: bool) -> Metadata:
    values = dict(settings) | mean_conditions(table, sweep, to_mA=1.0)
    time = table.finite("time", sweep)
    if time.size:
        values["time_h"] = float(time[0]) / 3600 if several else None
        start = settings["started_at"]
        values["started_at"] = later(start if isinstance(start, str) else None, float(time[0]))
    return Metadata().updated("file header", **values)
