"""Tables of a result folder, read back from its CSV files and ``run.json``."""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eistool.errors import ConfigError, EistoolError
from eistool.spectrum import CellGeometry
from eistool.typing import PathLike

RUN = "run.json"
# other CSV files in the folder are none of ours; a test compares the names with eistool.tables
NAMES = (
    "arrhenius", "arrhenius_alternatives", "check", "composition", "conductivity", "curves", "drt", "drt_curves",
    "drt_peaks", "events", "failures", "fits", "irdrop", "measured", "parameters", "polarization", "processes",
    "readings", "series", "series_drt", "spectra", "subtraction", "tracks",
)  # fmt: skip
COORDINATE_AXES = {
    "soc": "state of charge / %",
    "voltage": "voltage / V",
    "temperature": "temperature / °C",
    "time": "time / h",
    "cycle": "cycle",
}
_ARROWS = {"charge": " ↑", "discharge": " ↓"}
Row = Mapping[str, str]
Key = tuple[str, int]  # source and sweep


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Contents of a result folder.

    Parameters
    ----------
    folder : Path
        The result folder.
    run : mapping
        Contents of ``run.json``.
    tables : mapping of str to list
        Rows of each CSV file by its name without suffix; cells are text, empty if missing.
    """

    folder: Path
    run: Mapping[str, Any]
    tables: Mapping[str, list[dict[str, str]]]

    def rows(self, table: str) -> list[dict[str, str]]:
        """Return the rows of a table, none if it does not exist."""
        return self.tables.get(table, [])

    def by_sweep(self, table: str) -> dict[Key, list[dict[str, str]]]:
        """Return the rows of a table by source and sweep, in their order."""
        found: dict[Key, list[dict[str, str]]] = {}
        for row in self.rows(table):
            found.setdefault(key_of(row), []).append(row)
        return found


def read_results(folder: PathLike) -> Results:
    """Return the tables of a result folder.

    Raises
    ------
    ConfigError
        If the folder was not written by eistool, a table cannot be read, or the tables are of two generations.
    """
    folder = Path(folder)
    run = _read_run(folder)
    if run.get("state") == "writing":
        raise ConfigError(
            f"{folder}: its tables are being written, or their run was ended in the midst of it; try again in a "
            "moment, or run that command again"
        )
    tables = {name: _read(path) for name in NAMES if (path := folder / f"{name}.csv").is_file()}
    after = _read_run(folder)
    if any(after.get(mark) != run.get(mark) for mark in ("generation", "finished_at")) or (
        after.get("state") == "writing"
    ):
        raise ConfigError(f"{folder}: its tables were replaced while they were read; run the command again")
    return Results(folder, run, tables)


def _read_run(folder: Path) -> dict[str, Any]:
    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = "not found" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise ConfigError(
            f"{folder}: {RUN} {reason}; expected a result folder of eistool, given to --out"
        ) from error
    if not isinstance(run, dict):
        raise ConfigError(f"{folder / RUN}: expected an object, got {type(run).__name__}; run the command again")
    return run


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {name: value or "" for name, value in row.items() if name is not None}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); run the command again") from error


def key_of(row: Row) -> Key:
    """Return source and sweep of a row; 0 stands for a file without sweeps."""
    return row.get("source", ""), int(number(row.get("sweep", "")) or 0)


def number(text: str | None) -> float | None:
    """Return a cell as a number, None if it is empty or no finite number.

    Examples
    --------
    >>> number("2.5"), number(""), number("spike")
    (2.5, None, None)
    """
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def numbers(rows: Iterable[Row], column: str, digits: int = 6) -> list[float | None]:
    """Return a column as numbers with at most so many digits, which is enough for a plot."""
    values = (number(row.get(column)) for row in rows)
    return [None if value is None else float(f"{value:.{digits}g}") for value in values]


def name_of(key: Key) -> str:
    """Return the name of a sweep: its source, with the number of any but the first sweep."""
    source, sweep = key
    return source if sweep < 2 else f"{source}#{sweep}"


def geometry_of(row: Row) -> CellGeometry | None:
    """Return the geometry in a row of ``spectra.csv``, None if it is unknown or contradicts itself."""
    names = ("thickness_um", "diameter_mm", "electrode_diameter_mm", "area_cm2", "cell_constant_per_cm")
    thickness, diameter, electrode, area, constant = (number(row.get(name)) for name in names)
    try:
        return CellGeometry(
            thickness_um=thickness,
            diameter_mm=diameter,
            electrode_diameter_mm=electrode,
            area_cm2=area,
            cell_constant_per_cm=constant,
        )
    except EistoolError:
        return None


def coordinate_axis(results: Results) -> str:
    """Return the name of the axis along the series that the last run tracked."""
    by = str((results.run.get("settings") or {}).get("by"))
    return COORDINATE_AXES.get(by, "coordinate")


def coordinate_label(row: Row) -> str:
    """Return the coordinate of a row of ``tracks.csv`` or ``events.csv``, with an arrow for the direction.

    Examples
    --------
    >>> coordinate_label({"coordinate": "2.80", "direction": "charge"})
    '2.8 ↑'
    """
    x = number(row.get("coordinate"))
    return f"{'' if x is None else format(x, '.4g')}{_ARROWS.get(row.get('direction', ''), '')}"
