"""The pictures of a batch, one file per spectrum, drawn from the records."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eistool.batch.files import write_whole
from eistool.batch.store import Key, Record, Rows
from eistool.report import CheckPicture, CheckPlot, DRTPicture, DRTPlot, FitPicture, NyquistPlot, PeakMark

_HEAD_BYTES = 1024  # hold the comment
_BAD = ("failed", "poor_model")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of pictures: the table that a record must have, what draws, what is drawn, and what is bad."""

    table: str
    plot: Callable[[], NyquistPlot | DRTPlot | CheckPlot]
    picture: Callable[[Record], Any]
    bad: Callable[[Record], bool] = lambda record: record.status in _BAD


def draw_pictures(
    kind: Kind, folder: Path, records: Sequence[Record], which: str, progress: Callable[[int, int], None]
) -> None:
    """Draw the pictures that are asked for and missing, and remove those of earlier results.

    Parameters
    ----------
    kind : Kind
        :data:`FITS`, :data:`DRTS` or :data:`CHECKS`.
    folder : Path
        Made if there is anything to draw; the files in it are named as the sources and sweeps are.
    records : sequence of Record
        Of all sweeps.
    which : {"failed", "all", "none"}
        ``failed`` means failed or poor fits, or spectra that did not pass.
    progress : callable
        Told how many are done, and of how many.
    """
    todo: list[Record] = []
    for record in records:
        path = result_path(folder, record.key)
        shown = kind.table in record.tables
        if shown and _shows(path, record.key):
            continue
        path.unlink(missing_ok=True)
        if shown and (which == "all" or (which == "failed" and kind.bad(record))):
            todo.append(record)
    if not todo:
        return
    plot: Any = kind.plot()
    for done, record in enumerate(todo, start=1):
        path = result_path(folder, record.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, plot.to_png(kind.picture(record), _mark(record.key)))
        progress(done, len(todo))


def result_path(folder: Path, key: Key, suffix: str = "png") -> Path:
    """Return where a file of a sweep's own lies.

    Examples
    --------
    >>> result_path(Path("plots"), Key("pellet/S17_25C.mpt", 1, "", "")).as_posix()
    'plots/pellet/S17_25C.mpt.1.png'
    """
    return folder / f"{key.source}.{key.sweep}.{suffix}"


def _mark(key: Key) -> str:
    return f"eistool {key.data} {key.settings}"


def _shows(path: Path, key: Key) -> bool:
    """Return whether a picture is there and shows this very fit."""
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
    row = next(iter(record.tables.get("fits", ())), {})
    chi2 = row.get("chi2_reduced")
    spectrum = next(iter(record.tables["spectra"]))
    quality = "" if chi2 is None else f", reduced χ² {chi2:.3g}"
    remarks = "" if spectrum["reason"] is None else f": {spectrum['reason']}"
    return FitPicture(
        _label(record.key),
        row.get("circuit", ""),
        f"{record.status.replace('_', ' ')}{quality}{remarks}",
        np.array(columns["frequency_Hz"]),
        _complex(columns, "z"),
        np.array([reason is None for reason in columns["mask_reason"]]),
        None if np.isnan(fit).all() else fit,
    )


def _complex(columns: dict[str, Any], name: str) -> Any:
    real, imag = (
        np.array([math.nan if value is None else value for value in columns[f"{name}_{part}_ohm"]])
        for part in ("real", "imag")
    )
    return real + 1j * imag


def _drt_picture(record: Record) -> DRTPicture:
    columns = {name: np.array(values) for name, values in _columns(record.tables["gamma"]).items()}
    row = next(iter(record.tables["drt"]))
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
    row = next(iter(record.tables["check"]))
    words = {True: "passed", False: "failed", None: "cannot tell"}
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
    return any(row["status"] != "passed" for row in record.tables["check"])


FITS = Kind("curves", NyquistPlot, _fit_picture)
DRTS = Kind("gamma", DRTPlot, _drt_picture)
CHECKS = Kind("residuals", CheckPlot, _check_picture, _did_not_pass)
