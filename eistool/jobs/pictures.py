"""Curves and pictures of single spectra, drawn from the records."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eistool.batch import Key, Output, Record, Records, Step
from eistool.batch.drawing import draw
from eistool.batch.job import Picture
from eistool.escaping import file_name
from eistool.report import CheckPicture, CheckPlot, DRTPicture, DRTPlot, FitPicture, NyquistPlot, PeakMark
from eistool.tables import Rows, Table, to_csv
from eistool.typing import ComplexArray, FloatArray

_HEAD_BYTES = 1024  # hold the comment
_BAD = ("failed", "poor_model")

ALWAYS_READ = ("R_first", "R_last", "R_phase")  # readings without a feature of the plot


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of picture."""

    table: str  # required of a record
    plot: Callable[[], NyquistPlot | DRTPlot | CheckPlot]
    picture: Callable[[Record], Any]
    bad: Callable[[Record], bool] = lambda record: record.status in _BAD


def draw_pictures(
    kind: Kind, output: Output, folder: str, records: Records, which: str, step: Step
) -> list[Record]:
    """Draw missing pictures, remove those of earlier results, and return the failures.

    Parameters
    ----------
    kind : Kind
        :data:`FIT_PICTURES`, :data:`DRT_PICTURES` or :data:`CHECK_PICTURES`.
    output : Output
        Result folder.
    folder : str
        Folder of the pictures in it; files are named after sources and sweeps.
    records : Records
        Of all sweeps.
    which : {"failed", "all", "none"}
        ``failed`` means failed or poor fits, or spectra that did not pass.
    step : callable
        Called with the number done, and the total.
    """
    todo: list[Key] = []
    for record in records:
        name = result_path(folder, record.key)
        shown = kind.table in record.tables
        if shown and (output.shows(name, _mark(record.key)) or _shows(output.folder / name, record.key)):
            output.keep(name, _mark(record.key))
            continue
        output.remove(name)
        if shown and (which == "all" or (which == "failed" and kind.bad(record))):
            todo.append(record.key)
    if not todo:
        return []
    plot: Any = kind.plot()
    failures: list[Record] = []
    for done, key in enumerate(todo, start=1):
        picture = Picture(_mark(key), lambda: plot.to_png(kind.picture(records.of(key)), _mark(key)))  # noqa: B023
        failures += draw(output, result_path(folder, key), picture, (key.source, key.sweep))
        step(done, len(todo))
    return failures


def write_curves(output: Output, folder: str, table: Table[Any], records: Records) -> None:
    """Write one CSV per sweep, and remove those of sweeps without a curve."""
    for record in records:
        name = result_path(folder, record.key, "csv")
        if table.name not in record.tables:
            output.remove(name)
        elif output.shows(name, _mark(record.key)):
            output.keep(name, _mark(record.key))
        else:
            output.write(name, to_csv(record.tables[table.name]), _mark(record.key))


def result_path(folder: str, key: Key, suffix: str = "png") -> str:
    """Return the name of a file of one sweep, relative to the result folder.

    Examples
    --------
    >>> result_path("plots", Key("pellet/S17_25C.mpt", 1, "", ""))
    'plots/pellet/S17_25C.mpt.1.png'
    """
    return f"{folder}/{file_name(key.source, f'.{key.sweep}.{suffix}')}"


def _mark(key: Key) -> str:
    return f"eistool {key.data} {key.settings}"


def _shows(path: Path, key: Key) -> bool:
    """Return whether a picture exists and shows this result."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _mark(key).encode() in file.read(_HEAD_BYTES)


def _label(key: Key) -> str:
    return key.source if key.sweep == 1 else f"{key.source}, sweep {key.sweep}"


def _columns(rows: Rows) -> dict[str, Any]:
    return dict(zip(rows.columns, zip(*rows.rows, strict=True), strict=True))


def _fit_picture(record: Record) -> FitPicture:
    columns = _columns(record.tables["curves"])
    fit = _complex(columns, "fit")
    row = record.row("fits")
    chi2, reason = row["chi2_reduced"], record.row("spectra")["reason"]
    quality = "" if chi2 is None else f", reduced χ² {chi2:.3g}"
    remarks = "" if reason is None else f": {reason}"
    return FitPicture(
        _label(record.key),
        row["circuit"],
        f"{record.status.replace('_', ' ')}{quality}{remarks}",
        np.array(columns["frequency_Hz"]),
        _complex(columns, "z"),
        np.array([reason is None for reason in columns["mask_reason"]]),
        None if np.isnan(fit).all() else fit,
        _reading_points(record, np.array(columns["frequency_Hz"]), _complex(columns, "z")),
    )


def _reading_points(record: Record, frequency: FloatArray, impedance: ComplexArray) -> ComplexArray:
    """Return the points of the Nyquist plot that belong to the readings which stand out."""
    order = np.argsort(frequency)
    points = []
    for row in record.tables.get("readings", ()):
        if row["status"] == "ok" and row["quantity"] not in ALWAYS_READ:
            z = np.interp(math.log(row["frequency_Hz"]), np.log(frequency[order]), impedance[order])
            is_height = row["quantity"].endswith("height")
            points.append(complex(z.real, -row["value"]) if is_height else complex(row["value"], z.imag))
    return np.array(points, dtype=np.complex128)


def _complex(columns: dict[str, Any], name: str) -> Any:
    real, imag = (
        np.array([math.nan if value is None else value for value in columns[f"{name}_{part}_ohm"]])
        for part in ("real", "imag")
    )
    return real + 1j * imag


def _drt_picture(record: Record) -> DRTPicture:
    columns = {name: np.array(values) for name, values in _columns(record.tables["gamma"]).items()}
    row = record.row("drt")
    return DRTPicture(
        label=_label(record.key),
        model=row["model"],
        flags=row["flags"] or "",
        R_pol=(row["R_pol_ohm"], row["u_R_pol_ohm"]),
        R_inf=(row["R_inf_ohm"], row["u_R_inf_ohm"]),
        noise=row["noise"],
        tau=columns["tau_s"],
        gamma=columns["gamma_ohm"],
        low=columns["gamma_low"],
        high=columns["gamma_high"],
        window=(row["tau_min_s"], row["tau_max_s"]),
        peaks=tuple(
            PeakMark(p["tau_s"], p["u_tau_s"], p["R_ohm"], p["u_R_ohm"], p["atom"])
            for p in record.tables["drt_peaks"]
        ),
    )


def _check_picture(record: Record) -> CheckPicture:
    columns = _columns(record.tables["residuals"])
    row = record.row("check")
    words = {True: "passed", False: "failed", None: "undecided"}
    return CheckPicture(
        label=_label(record.key),
        verdict=f"Kramers-Kronig {words[row['kk_passed']]}    Z-HIT {words[row['z_hit_passed']]}",
        reason=row["reason"] or "",
        frequency=np.array(columns["frequency_Hz"]),
        impedance=_complex(columns, "z"),
        ladder=_complex(columns, "kk"),
        noise=_complex(columns, "noise"),
        z_hit=np.array([math.nan if value is None else value for value in columns["z_hit_residual"]]),
        outlier=np.array(columns["outlier"]),
    )


def _did_not_pass(record: Record) -> bool:
    return bool(record.row("check")["status"] != "passed")


FIT_PICTURES = Kind("curves", NyquistPlot, _fit_picture)
DRT_PICTURES = Kind("gamma", DRTPlot, _drt_picture)
CHECK_PICTURES = Kind("residuals", CheckPlot, _check_picture, _did_not_pass)
