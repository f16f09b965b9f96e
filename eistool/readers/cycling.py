"""Cycling records: voltage, current and charge over time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from eistool.errors import SpectrumError
from eistool.readers.content import FileContent
from eistool.readers.time_series import EXAMPLE, SeriesColumn, TimeSeries, read_time_series
from eistool.spectrum.cycling import AGAINST, RESTING, Profile
from eistool.typing import FloatArray, PathLike

_USED = ("time", "voltage", "current", "charge", "capacity")
_NEEDED = f"a time, a voltage, and a current or a charge: {EXAMPLE}"
_RESTARTED = 0.5  # of the capacity's range: a larger step is a counter that restarts with each half cycle
_REVERSED = 0.1  # share of the charge that flows against the voltage, from which the sign is questioned


@np.errstate(all="ignore")  # absurd numbers become inf or nan, and their rows are omitted
def read_profile(path: PathLike, started_at: str | None = None) -> Profile:
    """Read the record of a galvanostatic experiment.

    BioLogic's ``.mpr`` and ``.mpt``, Gamry's ``.DTA`` and delimited text are supported. The columns are time,
    voltage, and current or charge, the last two with units. The charge is EC-Lab's ``Q-Qo`` if present, else
    the integral of the current, positive on charge, else a column of capacity.

    Parameters
    ----------
    path : path
        The file.
    started_at : str, optional
        Start of the record, ISO 8601; by default from the header or a column of dates.

    Raises
    ------
    ReaderError
        If the file cannot be opened, a column is missing, or time decreases.
    """
    content = FileContent.open(Path(path))
    table, *others = read_time_series(content)
    if others:
        raise content.error(f"{1 + len(others)} tables of time, voltage and current; expected one record")
    if "frequency" in table.columns:
        raise content.error("impedance over frequency; expected the cycling record of the cell", table.line)
    try:
        return _profile(content, table, started_at)
    except SpectrumError as error:
        raise content.error(str(error), table.line) from error


def _profile(content: FileContent, table: TimeSeries, started_at: str | None) -> Profile:
    for quantity in ("current", "charge", "capacity"):
        if quantity in table.columns and not table.columns[quantity].has_unit:
            example = "current_mA" if quantity == "current" else "capacity_mAh"
            raise content.error(
                f"the column {table.columns[quantity].header!r} has no unit; write for instance {example}",
                table.line,
            )
    columns, start = _with_dates(table)
    if not {"time", "voltage"} <= columns.keys() or not {"current", "charge", "capacity"} & columns.keys():
        names = ", ".join(sorted(columns)) or "none"
        raise content.error(f"columns found: {names}; expected {_NEEDED}", table.line)
    notes = list(table.notes)
    good = np.all([np.isfinite(column) for column in columns.values()], axis=0)
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} rows without all numbers omitted")
    columns = {name: column[good] for name, column in columns.items()}
    time, voltage = columns["time"], columns["voltage"]
    if time.size < 2:
        raise content.error(f"{time.size} rows of numbers; expected two or more of {_NEEDED}", table.line)
    charge, note = _charge(content, columns, table.line)
    notes.append(note)
    if "current" in columns:
        current = columns["current"]
    else:
        step = np.diff(time)
        slope = np.divide(np.diff(charge), step, out=np.zeros_like(step), where=step > 0)
        current = np.concatenate([slope[:1], slope]) * 3.6
        notes.append("current: the slope of the charge")
    if _is_reversed(voltage, current, charge):
        notes.append(AGAINST)
    return Profile(
        time, voltage, current, charge - charge[0], started_at or start, content.path.name, tuple(notes)
    )


def _with_dates(table: TimeSeries) -> tuple[dict[str, FloatArray], str | None]:
    """Return the columns by quantity, time taken from dates if necessary, and the start of the record."""
    columns = {name: table.columns[name].values for name in _USED if name in table.columns}
    dated: list[SeriesColumn] = [
        column
        for name in ("time", "date")
        if (column := table.columns.get(name)) is not None and column.first_date is not None
    ]
    if not dated:
        return columns, table.started_at
    first = str(dated[-1].first_date)
    if "time" not in columns:
        columns["time"] = dated[-1].values
    elif table.columns["time"].first_date is None and np.isfinite(columns["time"][:1]).all():
        # the date is that of the first row, whose time may not be 0
        first = (datetime.fromisoformat(first) - timedelta(seconds=float(columns["time"][0]))).isoformat()
    return columns, first


def _charge(content: FileContent, columns: Mapping[str, FloatArray], line: int | None) -> tuple[FloatArray, str]:
    """Return the charge in mAh, and a note on its source."""
    if "charge" in columns:
        return columns["charge"], "charge: the column Q-Qo"
    if "current" in columns:
        mean = (columns["current"][1:] + columns["current"][:-1]) / 2
        charge = np.concatenate([[0.0], np.cumsum(mean * np.diff(columns["time"]))]) / 3.6
        return charge, "charge: the integral of the current, taken as positive on charge"
    charge = columns["capacity"]
    if np.count_nonzero(np.abs(np.diff(charge)) > _RESTARTED * np.ptp(charge)):
        raise content.error("the capacity jumps, as if counted anew; give the current beside it", line)
    return charge, "charge: the column of capacity, without a current"


def _is_reversed(voltage: FloatArray, current: FloatArray, charge: FloatArray) -> bool:
    """Return whether, in a tenth of the charge or more, voltage falls on charge or rises on discharge."""
    sign = np.sign(current) * (np.abs(current) > RESTING * np.abs(current).max())
    runs = np.split(np.arange(current.size), np.flatnonzero(np.diff(sign)) + 1)
    passed = [(abs(charge[i[-1]] - charge[i[0]]), sign[i[0]] * (voltage[i[-1]] - voltage[i[0]])) for i in runs]
    return bool(sum(q for q, rise in passed if rise < 0) > _REVERSED * sum(q for q, _ in passed))
