"""Cycling records: voltage, current and charge over time, from BioLogic's files and from text tables."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np

from eistool.errors import SpectrumError
from eistool.readers.content import FileContent
from eistool.readers.formats import biologic_mpr, biologic_mpt
from eistool.readers.formats.delimited import find_named_table
from eistool.readers.tables.numbers import parse_datetime, parse_number_any
from eistool.spectrum.cycling import AGAINST, RESTING, Profile
from eistool.typing import FloatArray, PathLike

# spellings without spaces, underscores and unit, in lower case
_WORDINGS = MappingProxyType(
    {
        "time": "time testtime totaltime elapsedtime runtime t",
        "date": "date datetime timestamp absolutetime abstime realtime systemtime started startedat",
        "voltage": "ewe <ewe> ecell voltage cellvoltage potential u e v",
        "current": "i <i> current cellcurrent",
        "charge": "(q-qo) q-qo netcharge",
        "capacity": "capacity q charge",
        "frequency": "freq frequency",
    }
)
_QUANTITY = {word: name for name, words in _WORDINGS.items() for word in words.split()}
_UNITS = MappingProxyType(
    {
        "time": {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hours": 3600.0, "": 1.0},
        "voltage": {"v": 1.0, "mv": 1e-3, "": 1.0},
        "current": {"a": 1.0, "ma": 1e-3, "µa": 1e-6, "ua": 1e-6},
        "charge": {"mah": 1.0, "ah": 1e3, "µah": 1e-3, "c": 1 / 3.6},
        "capacity": {"mah": 1.0, "ah": 1e3, "µah": 1e-3, "c": 1 / 3.6},
        "date": {"": 1.0},
        "frequency": {"hz": 1.0, "": 1.0},
    }
)
_UNIT = re.compile(r"[\s/_\[(]+(s|sec|min|h|hours|m?v|[mµμu]?a|[mµμu]?a\.?h|c|hz)[\])]?$")
_START = re.compile(r"start|dat[eu]|begin", re.IGNORECASE)
_NEEDED = "a time, a voltage, and a current or a charge, for instance time_s,voltage_V,current_mA"


@np.errstate(all="ignore")  # absurd numbers end as inf or nan, and their rows are left out
def read_profile(path: PathLike, started_at: str | None = None) -> Profile:
    """Read the record of a galvanostatic experiment.

    BioLogic's ``.mpr`` and ``.mpt`` are read, and text tables whose header names time, voltage, and current or
    charge with their units. The charge is EC-Lab's ``Q-Qo`` where it is there, else the integral of the
    current, positive on charge, else a column of capacity.

    Parameters
    ----------
    path : path
        The file.
    started_at : str, optional
        When the record began, ISO 8601; by default what the file says: its header, or a column of dates.

    Raises
    ------
    ReaderError
        If the file cannot be opened, a column is missing, or the time falls.
    """
    content = FileContent.open(Path(path))
    if biologic_mpr.identify(content):
        recording = biologic_mpr.read_recording(content)
        columns: Mapping[str, FloatArray] = recording.columns
        found, header_start, line = _known(content, list(columns), None), recording.started_at, None
        cells = {quantity: columns[name] * scale for quantity, (name, scale) in found.items()}
    else:
        cells, header_start, line = _text_columns(content)
    if "frequency" in cells:
        raise content.error("impedance over frequency; expected the cycling record of the cell", line)
    try:
        return _profile(content, cells, started_at or header_start, line)
    except SpectrumError as error:
        raise content.error(str(error), line) from error


def _known(content: FileContent, names: Sequence[str], line: int | None) -> dict[str, tuple[str, float]]:
    """Return name and factor of the first column of each quantity.

    Raises
    ------
    ReaderError
        If a current or a charge has no unit.
    """
    found: dict[str, tuple[str, float]] = {}
    for name in names:
        quantity, unit = _describe(name)
        if not quantity or quantity in found:
            continue
        if unit not in _UNITS[quantity]:
            if quantity in ("current", "charge", "capacity") and not unit:
                example = "current_mA" if quantity == "current" else "capacity_mAh"
                raise content.error(f"the column {name!r} has no unit; write for instance {example}", line)
            continue
        found[quantity] = name, _UNITS[quantity][unit]
    return found


def _describe(header: str) -> tuple[str, str]:
    """Return the quantity of a column and its unit in lower case.

    Examples
    --------
    >>> [_describe(name) for name in ("Ewe/V", "(Q-Qo)/mA.h", "Test Time (h)", "control/V/mA", "current_mA")]
    [('voltage', 'v'), ('charge', 'mah'), ('time', 'h'), ('', 'ma'), ('current', 'ma')]
    """
    text = header.strip().strip('"').lower()
    match = _UNIT.search(text)
    unit = match[1].replace(".", "").replace("μ", "µ") if match else ""
    name = re.sub(r"[\s_]", "", text[: match.start()] if match else text)
    return _QUANTITY.get(name, ""), unit


def _text_columns(content: FileContent) -> tuple[dict[str, FloatArray], str | None, int]:
    """Return the columns by quantity, when the record began, and the line of the header."""
    if biologic_mpt.identify(content):
        line = biologic_mpt.find_header(content)
        names = content.lines[line - 1].rstrip("\t\r ").split("\t")
        rows = [text.split("\t") for text in content.lines[line:] if text.strip()]
        start = biologic_mpt.header_facts(content.lines[: line - 1])["started_at"]
    else:
        names, rows, line = find_named_table(content, lambda name: bool(_describe(name)[0]))
        preamble = (text for text in content.lines[: line - 1] if _START.search(text))
        start = next((date for date in map(parse_datetime, preamble) if date), None)
    places = {name: k for k, name in reversed(list(enumerate(names)))}
    cells: dict[str, FloatArray] = {}
    dates: FloatArray | None = None
    for quantity, (name, scale) in _known(content, names, line).items():
        texts = [row[places[name]].strip().strip('"') if places[name] < len(row) else "" for row in rows]
        values = np.array([parse_number_any(text) for text in texts]) * scale
        if quantity in ("time", "date") and np.isnan(values).all():
            values, first = _from_dates(texts)
            if first is None:
                continue
            dates, start = values, first
        if quantity != "date":
            cells[quantity] = values
    if dates is not None and "time" not in cells:
        cells["time"] = dates
    elif dates is not None and isinstance(start, str) and np.isfinite(cells["time"][:1]).all():
        # the date is that of the first row, whose time may not be 0
        start = (datetime.fromisoformat(start) - timedelta(seconds=float(cells["time"][0]))).isoformat()
    return cells, start if isinstance(start, str) else None, line


def _from_dates(texts: Sequence[str]) -> tuple[FloatArray, str | None]:
    """Return seconds since the first of some dates, and that date; None if the first is no date."""
    parsed = [parse_datetime(text) for text in texts]
    if not parsed or parsed[0] is None:
        return np.empty(0), None
    first = datetime.fromisoformat(parsed[0])
    return (
        np.array([np.nan if p is None else (datetime.fromisoformat(p) - first).total_seconds() for p in parsed]),
        parsed[0],
    )


def _profile(content: FileContent, cells: dict[str, FloatArray], start: str | None, line: int | None) -> Profile:
    notes: list[str] = []
    if not {"time", "voltage"} <= cells.keys() or not {"current", "charge", "capacity"} & cells.keys():
        raise content.error(f"columns found: {', '.join(sorted(cells)) or 'none'}; expected {_NEEDED}", line)
    good = np.all([np.isfinite(column) for column in cells.values()], axis=0)
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} rows without all numbers left out")
    cells = {name: column[good] for name, column in cells.items()}
    time = cells["time"]
    if time.size < 2:
        raise content.error(f"{time.size} rows of numbers; expected two or more of {_NEEDED}", line)
    step = np.diff(time)
    if "charge" in cells:
        charge = cells["charge"]
        notes.append("charge: the column Q-Qo")
    elif "current" in cells:
        mean = (cells["current"][1:] + cells["current"][:-1]) / 2
        charge = np.concatenate([[0.0], np.cumsum(mean * step)]) / 3.6
        notes.append("charge: the integral of the current, taken as positive on charge")
    else:
        charge = cells["capacity"]
        if np.count_nonzero(np.abs(np.diff(charge)) > 0.5 * np.ptp(charge)):
            raise content.error("the capacity jumps, as if counted anew; give the current beside it", line)
        notes.append("charge: the column of capacity, without a current")
    if "current" in cells:
        current = cells["current"]
    else:
        slope = np.divide(np.diff(charge), step, out=np.zeros_like(step), where=step > 0)
        current = np.concatenate([slope[:1], slope]) * 3.6
        notes.append("current: the slope of the charge")
    if _against(cells["voltage"], current, charge):
        notes.append(AGAINST)
    return Profile(time, cells["voltage"], current, charge - charge[0], start, content.path.name, tuple(notes))


def _against(voltage: FloatArray, current: FloatArray, charge: FloatArray) -> bool:
    """Return whether, in a tenth of the charge or more, the voltage falls on charge or rises on discharge."""
    flowing = np.sign(current) * (np.abs(current) > RESTING * np.abs(current).max())
    runs = np.split(np.arange(current.size), np.flatnonzero(np.diff(flowing)) + 1)
    passed = [(abs(charge[i[-1]] - charge[i[0]]), flowing[i[0]] * (voltage[i[-1]] - voltage[i[0]])) for i in runs]
    return bool(sum(q for q, rise in passed if rise < 0) > 0.1 * sum(q for q, _ in passed))
