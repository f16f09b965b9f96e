"""The pictures of a batch, one file per spectrum, drawn from the records."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eistool.batch.files import write_whole
from eistool.batch.store import Key, Record
from eistool.report import FitPicture, NyquistPlot

_HEAD_BYTES = 1024  # hold the comment
_BAD = ("failed", "poor_model")


def draw_pictures(
    folder: Path, records: Sequence[Record], which: str, progress: Callable[[int, int], None]
) -> None:
    """Draw the pictures that are asked for and missing, and remove those of earlier fits.

    Parameters
    ----------
    folder : Path
        Made if there is anything to draw; the files in it are named as the sources and sweeps are.
    records : sequence of Record
        Of all sweeps.
    which : {"failed", "all", "none"}
        ``failed`` means failed or poor fits.
    progress : callable
        Told how many are done, and of how many.
    """
    todo: list[Record] = []
    for record in (record for record in records if "curves" in record.tables):
        path = picture_path(folder, record.key)
        if _shows(path, record.key):
            continue
        path.unlink(missing_ok=True)
        if which == "all" or (which == "failed" and record.status in _BAD):
            todo.append(record)
    if not todo:
        return
    plot = NyquistPlot()
    for done, record in enumerate(todo, start=1):
        path = picture_path(folder, record.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, plot.to_png(_picture(record), _mark(record.key)))
        progress(done, len(todo))


def picture_path(folder: Path, key: Key) -> Path:
    """Return where the picture of a sweep lies.

    Examples
    --------
    >>> picture_path(Path("plots"), Key("pellet/S17_25C.mpt", 1, "", "")).as_posix()
    'plots/pellet/S17_25C.mpt.1.png'
    """
    return folder / f"{key.source}.{key.sweep}.png"


def _mark(key: Key) -> str:
    return f"eistool {key.data} {key.settings}"


def _shows(path: Path, key: Key) -> bool:
    """Return whether a picture is there and shows this very fit."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _mark(key).encode() in file.read(_HEAD_BYTES)


def _picture(record: Record) -> FitPicture:
    curve = record.tables["curves"]
    columns = dict(zip(curve.columns, zip(*curve.rows, strict=True), strict=True))
    fit = _complex(columns, "fit")
    row = next(iter(record.tables.get("fits", ())), {})
    chi2 = row.get("chi2_reduced")
    spectrum = next(iter(record.tables["spectra"]))
    quality = "" if chi2 is None else f", reduced χ² {chi2:.3g}"
    remarks = "" if spectrum["reason"] is None else f": {spectrum['reason']}"
    return FitPicture(
        record.key.source if record.key.sweep == 1 else f"{record.key.source}, sweep {record.key.sweep}",
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
