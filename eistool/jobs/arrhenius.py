"""Job of ``eistool arrhenius``: activation energies from tables of conductivities."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eistool.batch.files import write_file, write_table
from eistool.batch.generation import one_generation
from eistool.errors import ReaderError
from eistool.escaping import restore
from eistool.materials import Arrhenius, arrhenius
from eistool.report import to_png
from eistool.report.materials import plot_arrhenius
from eistool.tables import to_csv
from eistool.tables.arrhenius import ALTERNATIVES, ARRHENIUS, alternative_row, arrhenius_row

# lower-case names without units, in order of preference
TEMPERATURE = ("temperature_c", "temperature", "temp", "t_c", "t", "theta")
SIGMA = ("sigma_s_per_cm", "sigma", "conductivity_s_per_cm", "conductivity", "cond")
U_SIGMA = ("u_sigma_s_per_cm", "u_sigma", "sigma_err", "u_conductivity", "error", "stderr")
CELSIUS = ("", "c", "°c", "degc", "oc")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns; None to recognize them."""

    temperature: str | None = None
    sigma: str | None = None
    u_sigma: str | None = None


def regress_table(
    path: Path, columns: Columns, form: str = "ln_sigmaT", u_geometry: float | None = None, robust: bool = False
) -> list[tuple[str, str, Arrhenius]]:
    """Return sample, quantity and Arrhenius fit of each series in a table.

    Parameters
    ----------
    path : Path
        A CSV table with a header, or a result folder with a ``conductivity.csv``.
    columns : Columns
        Temperatures are in °C and conductivities in S/cm. Columns ``sample_id`` and ``quantity`` separate the
        series.
    form, robust
        As for :func:`eistool.arrhenius`.
    u_geometry : float, optional
        Relative error common to all conductivities; by default that of ``conductivity.csv``, else 0.

    Raises
    ------
    ReaderError
        If the file is not such a table.
    """
    folder = path if path.is_dir() else None
    path = path if folder is None else folder / "conductivity.csv"
    series: dict[tuple[str, str], list[tuple[float, float, float, float, bool]]] = {}
    with nullcontext() if folder is None else one_generation(folder):
        for where, point in _points(path, columns):
            series.setdefault(where, []).append(point)
    fits = []
    for (sample, quantity), points in series.items():
        T, sigma, u, u_shared = (
            np.array(column, dtype=np.float64) for column in zip(*(p[:4] for p in points), strict=True)
        )
        shared = float(np.nanmean(u_shared)) if np.isfinite(u_shared).any() else 0.0
        label = " ".join(text for text in (sample, quantity) if text)
        fit = arrhenius(
            T,
            sigma,
            None if not np.isfinite(u).all() else u,
            form=form,
            u_geometry=shared if u_geometry is None else u_geometry,
            extrapolated=[p[4] for p in points],
            robust=robust,
            label=label,
        )
        fits.append((sample, quantity, fit))
    return fits


def _points(
    path: Path, columns: Columns
) -> Iterator[tuple[tuple[str, str], tuple[float, float, float, float, bool]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(f"{path}: cannot be read ({error}); give a CSV table in UTF-8") from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    header = [name for name in reader.fieldnames or () if name]
    t_name = _find(path, header, columns.temperature, TEMPERATURE, "temperature in °C")
    s_name = _find(path, header, columns.sigma, SIGMA, "conductivity in S/cm")
    u_name = columns.u_sigma or next((n for n in header if _plain(n) in U_SIGMA), None)
    parts = {"u_relative_resistance", "u_relative_geometry"} <= set(header)
    n_rows = 0
    for row in reader:
        if not (row[s_name] or "").strip():  # not resolvable
            continue
        T, sigma = _number(path, reader.line_num, row, t_name), _number(path, reader.line_num, row, s_name)
        u, shared = math.nan, math.nan
        if parts:  # table of eistool: common errors are not scatter
            u_resistance = _number(path, reader.line_num, row, "u_relative_resistance")
            u_temperature = _number(path, reader.line_num, row, "u_relative_temperature")
            u = sigma * math.hypot(u_resistance, u_temperature)
            shared = _number(path, reader.line_num, row, "u_relative_geometry")
        elif u_name is not None:
            u = _number(path, reader.line_num, row, u_name)
        n_rows += 1
        series = (restore(row.get("sample_id") or ""), row.get("quantity") or "")
        yield series, (T, sigma, u, shared, row.get("status") == "extrapolated")
    if not n_rows:
        raise ReaderError(f"{path}: no conductivities in column {s_name!r}; choose another with --sigma-column")


def _plain(name: str) -> str:
    for sign in ("[", "(", "/"):
        name = name.split(sign, 1)[0]
    return name.strip().lower()


def _find(path: Path, header: Sequence[str], wanted: str | None, known: Sequence[str], meaning: str) -> str:
    if wanted is not None and wanted in header:
        return wanted
    names = {_plain(name): name for name in reversed(header)}
    name = None if wanted is not None else next((names[one] for one in known if one in names), None)
    if name is None:
        text = f"no column {wanted!r}" if wanted else f"no column of a {meaning}"
        raise ReaderError(f"{path}, line 1: {text} among {', '.join(header) or 'none'}; name it with an option")
    return name


def _number(path: Path, line: int, row: Mapping[str, Any], name: str) -> float:
    try:
        return float(row[name])
    except (TypeError, ValueError) as error:
        raise ReaderError(
            f"{path}, line {line}: {name}={row[name]!r} is not a number; correct or empty it"
        ) from error


def write_arrhenius(out: Path, fits: Sequence[tuple[str, str, Arrhenius]]) -> None:
    """Write ``arrhenius.csv``, ``arrhenius_alternatives.csv`` and ``arrhenius.png`` into a folder."""
    others = [
        alternative_row(sample, quantity, fit, one) for sample, quantity, fit in fits for one in fit.alternatives
    ]
    write_table(out, ARRHENIUS, [arrhenius_row(*one) for one in fits])
    write_file(out / f"{ALTERNATIVES.name}.csv", to_csv(ALTERNATIVES.table(others)))
    write_file(out / "arrhenius.png", to_png(plot_arrhenius([fit for _, _, fit in fits])))
