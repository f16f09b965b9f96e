"""The pictures of a batch, one file per spectrum, drawn from the records."""

import math
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from eistool.batch.files import write_whole
from eistool.batch.store import Key, Record
from eistool.report import FitPicture, NyquistPlot

_BAD = ("failed", "poor_model")


def draw_pictures(
    folder: Path,
    records: Sequence[Record],
    which: str,
    fresh: Set[Key],
    progress: Callable[[int, int], None],
) -> None:
    """Draw the pictures that are asked for and missing, or whose record is fresh.

    Parameters
    ----------
    folder : Path
        Made if there is anything to draw; the files in it are named as the sources and sweeps are.
    records : sequence of Record
        Of all sweeps.
    which : {"failed", "all", "none"}
        ``failed`` means failed or poor fits.
    fresh : set of Key
        Records of this run.
    progress : callable
        Told how many are done, and of how many.
    """
    drawable = [record for record in records if "curves" in record.tables]
    wanted = [r for r in drawable if which == "all" or (which == "failed" and r.status in _BAD)]
    paths = {record.key: picture_path(folder, record.key) for record in drawable}
    for key in fresh - {record.key for record in wanted}:  # of an earlier fit
        if key in paths:
            paths[key].unlink(missing_ok=True)
    todo = [record for record in wanted if record.key in fresh or not paths[record.key].exists()]
    if not todo:
        return
    plot = NyquistPlot()
    for done, record in enumerate(todo, start=1):
        paths[record.key].parent.mkdir(parents=True, exist_ok=True)
        write_whole(paths[record.key], plot.to_png(_picture(record)))
        progress(done, len(todo))


def picture_path(folder: Path, key: Key) -> Path:
    """Return where the picture of a sweep lies.

    Examples
    --------
    >>> picture_path(Path("plots"), Key("pellet/S17_25C.mpt", 1, "", "")).as_posix()
    'plots/pellet/S17_25C.mpt.1.png'
    """
    return folder / f"{key.source}.{key.sweep}.png"


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
