"""Polarisation experiments: current and voltage over time."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.formats import biologic_mpr
from eistool.readers.time_series import EXAMPLE, TimeSeries, read_time_series
from eistool.typing import FloatArray, PathLike

_LEAST_ROWS = 3
_ABSOLUTE_S = 1e8  # 3 years: times beyond are dates, and counted from the first row
_NEEDED = {"time": "s", "current": "A", "voltage": "V"}
_IMPEDANCE = re.compile(r"ZCURVE|freq/Hz|\bfreq(uency)?\b|\|Z\||Re\(Z\)", re.IGNORECASE)
_SNIFFED = 100_000  # characters


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PolarizationRecord:
    """Current and voltage over time.

    Parameters
    ----------
    time_s, current_A, voltage_V : FloatArray, shape (n,)
        Rows with all three values, in the order of the file.
    working_V, counter_V : FloatArray, shape (n,), optional
        Potentials of the electrodes against a reference electrode.
    source : str
        Name of the file.
    notes : tuple of str
        Remarks on columns and units.
    """

    time_s: FloatArray
    current_A: FloatArray
    voltage_V: FloatArray
    working_V: FloatArray | None
    counter_V: FloatArray | None
    source: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.time_s.size)

    def __repr__(self) -> str:
        span = f"{float(np.ptp(self.time_s)):.4g} s, {self.voltage_V.min():.4g} to {self.voltage_V.max():.4g} V"
        return f"PolarizationRecord({self.source!r}, {len(self)} rows over {span})"


def read_polarization(path: PathLike) -> PolarizationRecord:
    r"""Read time, current and voltage from a file.

    BioLogic text (``.mpt`` or ``.txt``), the CURVE tables of Gamry (``.DTA``) and delimited text are
    supported. Units are read from the header or from a line below it.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    ReaderError
        If there is no such table, or a column is missing; the message names file and line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "hold.csv")
    ...     _ = file.write_text("t / min;I / nA;U / mV\n0;17,9;1000\n1;17,8;1000\n2;17,8;1000\n")
    ...     read_polarization(file)
    PolarizationRecord('hold.csv', 3 rows over 120 s, 1 to 1 V)
    """
    content = FileContent.open(Path(path))
    if biologic_mpr.identify(content):
        raise content.error("binary data; export time, current and voltage as text (.mpt) in EC-Lab")
    tables = read_time_series(content)
    return _join(content, [_columns(content, table) for table in tables])


def is_polarization(path: PathLike) -> bool:
    """Return whether a file holds time, current and voltage, and no impedances."""
    try:
        content = FileContent.open(Path(path))
        if _IMPEDANCE.search(content.text[:_SNIFFED]):
            return False
        read_polarization(path)
    except ReaderError:
        return False
    return True


def _columns(content: FileContent, table: TimeSeries) -> tuple[dict[str, FloatArray], list[str]]:
    """Return the columns of a table by quantity, and notes on them."""
    columns = dict(table.columns)
    date = columns.pop("date", None)
    if "time" not in columns and date is not None and date.first_date is not None:
        columns["time"] = date
    values = {name: columns[name].values for name in (*_NEEDED, "working", "counter") if name in columns}
    notes = list(table.notes) + [
        f"{name}: column {columns[name].header!r}"
        if columns[name].has_unit
        else f"column {columns[name].header!r} has no unit; read as {unit}"
        for name, unit in _NEEDED.items()
        if name in columns
    ]
    if (
        "working" in values
        and "counter" in values
        and np.array_equal(values["working"], values.get("voltage", values["working"]), equal_nan=True)
    ):
        values["voltage"] = values["working"] - values["counter"]
    missing = [name for name in _NEEDED if name not in values]
    if missing:
        named = ", ".join(repr(cell.strip()) for cell in table.header[:8])
        raise content.error(
            f"no {' and no '.join(missing)} among the columns {named}; expected {EXAMPLE}", table.line
        )
    if "counter" not in values:  # without a reference electrode, Ewe is the cell voltage
        values.pop("working", None)
    return values, notes


def _join(content: FileContent, parts: list[tuple[dict[str, FloatArray], list[str]]]) -> PolarizationRecord:
    if len(parts) > 1:  # the clock of a table may restart
        end = -math.inf
        for values, _ in parts:
            if values["time"].size and values["time"][0] < end:
                values["time"] = values["time"] + end
            end = float(np.nanmax(values["time"], initial=end))
    names = [name for name in parts[0][0] if all(name in values for values, _ in parts)]
    columns = {name: np.concatenate([values[name] for values, _ in parts]) for name in names}
    usable = np.all([np.isfinite(columns[name]) for name in _NEEDED], axis=0)
    if np.count_nonzero(usable) < _LEAST_ROWS:
        raise content.error(
            f"{np.count_nonzero(usable)} rows with time, current and voltage; expected {_LEAST_ROWS} or more"
        )
    n_omitted = int(np.count_nonzero(~usable))
    notes = list(dict.fromkeys(note for _, notes_of_part in parts for note in notes_of_part))
    notes += [f"{n_omitted} rows without time, current or voltage omitted"] if n_omitted else []
    columns = {name: column[usable] for name, column in columns.items()}
    time = columns["time"]
    return PolarizationRecord(
        time - time[0] if abs(time[0]) > _ABSOLUTE_S else time,
        columns["current"],
        columns["voltage"],
        columns.get("working"),
        columns.get("counter"),
        content.path.name,
        tuple(notes),
    )
