"""Job of ``eistool plot``: figures for papers from a result folder, with their source data."""

import re
from collections.abc import Sequence
from pathlib import Path

from eistool.batch.files import write_file
from eistool.report.figures import draw_figures, save
from eistool.report.results import read_results
from eistool.tables import Rows, to_csv


def write_figures(
    folder: Path,
    kind: str,
    out: Path,
    chosen: Sequence[str] = (),
    *,
    form: str = "pdf",
    each: bool = False,
    width: str = "single",
    quantity: str = "Z",
) -> list[Path]:
    """Write figures of a result folder, each with a CSV of its source data, and return their paths.

    Parameters
    ----------
    folder, out : Path
        Result folder, and folder of the figures.
    form : {"pdf", "svg", "eps", "png"}
        File format.
    kind, chosen, each, width, quantity
        As for :func:`eistool.report.figures.draw_figures`.
    """
    written = []
    for one in draw_figures(read_results(folder), kind, chosen, each=each, width=width, quantity=quantity):
        path = out / f"{_file_name(one.name)}.{form}"
        write_file(path, save(one.figure, form))
        columns = tuple(dict.fromkeys(name for row in one.rows for name in row))
        rows = tuple(tuple(_cell(row.get(name)) for name in columns) for row in one.rows)
        write_file(path.with_suffix(".csv"), to_csv(Rows(columns, rows)))
        written.append(path)
    return written


def _file_name(name: str) -> str:
    """Return a name without characters that a file system or LaTeX refuses.

    Examples
    --------
    >>> _file_name("nyquist_pellet/S17 25C.mpt#2")
    'nyquist_pellet_S17_25C_mpt_2'
    """
    return re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_")


def _cell(value: object) -> object:
    return None if isinstance(value, float) and value != value else value
