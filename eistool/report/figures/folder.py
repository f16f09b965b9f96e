"""Figures for papers from the tables of a result folder."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, cast

import numpy as np

from eistool.errors import ConfigError
from eistool.report.arrhenius_line import line_of
from eistool.report.figures import draw
from eistool.report.figures.curves import (
    ArrheniusLine,
    Cells,
    Curve,
    Distribution,
    Track,
    TrackedSeries,
    factor_of,
)
from eistool.report.figures.style import new_figure, paper_style
from eistool.report.results import (
    Results,
    Row,
    coordinate_axis,
    coordinate_label,
    geometry_of,
    key_of,
    name_of,
    number,
)
from eistool.typing import ComplexArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("nyquist", "bode", "residuals", "drt", "arrhenius", "tracks")
MOST_TOGETHER = 12  # spectra in one figure


Chosen = Callable[[str], bool]
Content = Curve | Distribution | ArrheniusLine | TrackedSeries


@dataclass(frozen=True, slots=True, eq=False)
class PaperFigure:
    """A figure and its source data."""

    name: str
    figure: "Figure"
    rows: tuple[Cells, ...]


def draw_figures(
    results: Results,
    kind: str,
    chosen: Sequence[str] = (),
    *,
    each: bool = False,
    width: str = "single",
    quantity: str = "Z",
) -> Iterator[PaperFigure]:
    """Yield the figures of a kind.

    Parameters
    ----------
    results : Results
        Tables of a result folder.
    kind : {"nyquist", "bode", "residuals", "drt", "arrhenius", "tracks"}
        Kind of figure.
    chosen : sequence of str
        Patterns of names of sweeps, samples or series, such as ``pellet/*``; by default all.
    each : bool
        Whether every sweep or sample gets a figure of its own; series always do.
    width : {"single", "onehalf", "double"}
        Width of a column in a journal.
    quantity : {"Z", "ZA", "Z/L", "ZA/L"}
        Impedance, or impedance free of the geometry.

    Raises
    ------
    ConfigError
        If nothing is chosen, too much for one figure, or a geometry is unknown.
    """
    makers: Mapping[str, Callable[[Chosen], Iterator[tuple[str, Content]]]] = {
        "arrhenius": functools.partial(_lines, results),
        "tracks": functools.partial(_series, results),
        "drt": functools.partial(_distributions, results),
    }
    make = makers.get(kind, functools.partial(_curves, results, quantity, kind == "residuals"))
    named = list(make(lambda name: not chosen or any(fnmatchcase(name, pattern) for pattern in chosen)))
    if not named:
        raise ConfigError(f"{results.folder}: nothing to draw as {kind}{_among(chosen)}")
    if each or kind == "tracks" or len(named) == 1:
        groups = [(name, [content]) for name, content in named]
    elif len(named) > MOST_TOGETHER:
        raise ConfigError(
            f"{len(named)} spectra for one figure; choose up to {MOST_TOGETHER} by --only PATTERN, or give --each"
        )
    else:
        groups = [("", [content for _, content in named])]
    for name, contents in groups:
        with paper_style():
            figure = _draw(kind, contents, width)
        rows = tuple(row for content in contents for row in content.rows())
        yield PaperFigure(f"{kind}{f'_{name}' if name else ''}", figure, rows)


def _among(chosen: Sequence[str]) -> str:
    return f" among {', '.join(chosen)}" if chosen else ""


def _draw(kind: str, contents: Sequence[Content], width: str) -> "Figure":
    rows, ratio = {"nyquist": (1, 1.0), "bode": (2, 1.0), "tracks": (2, 1.1)}.get(kind, (1, 0.8))
    figure = new_figure(width, ratio if width == "single" else 0.75 * ratio)
    axes = figure.subplots(rows, 1, sharex=rows > 1, squeeze=False)[:, 0]
    one: Mapping[str, Callable[..., None]] = {
        "nyquist": draw.draw_nyquist,
        "residuals": draw.draw_residuals,
        "drt": draw.draw_distribution,
        "arrhenius": draw.draw_arrhenius,
    }
    if kind == "bode":
        draw.draw_bode(axes[0], axes[1], cast("Sequence[Curve]", contents))
    elif kind == "tracks":
        draw.draw_tracks(axes[0], axes[1], cast("TrackedSeries", contents[0]))
    else:
        one[kind](axes[0], contents)
    draw.add_legend(axes[0], outside=True)
    return figure


def _column(rows: Sequence[Row], name: str) -> FloatArray:
    values = (number(row.get(name)) for row in rows)
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _curves(results: Results, quantity: str, fitted: bool, wanted: Chosen) -> Iterator[tuple[str, Curve]]:
    points = results.by_sweep("measured") | results.by_sweep("curves")
    spectra = {key_of(row): row for row in results.rows("spectra")}
    for key, rows in points.items():
        fit: ComplexArray = _column(rows, "fit_real_ohm") + 1j * _column(rows, "fit_imag_ohm")
        has_fit = bool(np.isfinite(fit).any())
        if not wanted(name_of(key)) or (fitted and not has_fit):
            continue
        factor = factor_of(quantity, geometry_of(spectra.get(key, {})), name_of(key))
        z: ComplexArray = _column(rows, "z_real_ohm") + 1j * _column(rows, "z_imag_ohm")
        used = np.array([not row.get("mask_reason") for row in rows])
        frequency = _column(rows, "frequency_Hz")
        curve = Curve(name_of(key), frequency, factor * z, used, factor * fit if has_fit else None, quantity)
        yield name_of(key), curve


def _distributions(results: Results, wanted: Chosen) -> Iterator[tuple[str, Distribution]]:
    summaries = {key_of(row): row for row in results.rows("drt")}
    peaks = results.by_sweep("drt_peaks")
    for key, rows in results.by_sweep("drt_curves").items():
        if not wanted(name_of(key)):
            continue
        tau = _column(rows, "tau_s")
        ends = (number(summaries.get(key, {}).get(name)) for name in ("tau_min_s", "tau_max_s"))
        low, high = (end if end is not None else tau[place] for end, place in zip(ends, (0, -1), strict=True))
        yield (
            name_of(key),
            Distribution(
                name_of(key),
                tau,
                _column(rows, "gamma_ohm"),
                _column(rows, "gamma_low"),
                _column(rows, "gamma_high"),
                _column(peaks.get(key, ()), "tau_s"),
                np.array([row.get("atom") == "true" for row in peaks.get(key, ())], dtype=bool),
                (float(low), float(high)),
            ),
        )


def _lines(results: Results, wanted: Chosen) -> Iterator[tuple[str, ArrheniusLine]]:
    fitted = {(row["sample_id"], row["quantity"]): row for row in results.rows("arrhenius")}
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in results.rows("conductivity"):
        known = number(row.get("sigma_S_per_cm")) is not None and number(row.get("temperature_C")) is not None
        if known:
            groups.setdefault((row["sample_id"], row["quantity"]), []).append(row)
    for (sample, quantity), rows in groups.items():
        line = line_of(fitted.get((sample, quantity), {})) or (np.empty(0),) * 4
        label = sample if quantity == "total" else f"{sample}, {quantity.replace('_', ' ')}"
        T, sigma, u = (_column(rows, name) for name in ("temperature_C", "sigma_S_per_cm", "u_sigma_S_per_cm"))
        extrapolated = np.array([row.get("status") != "ok" for row in rows])
        if wanted(label):
            yield label, ArrheniusLine(label, T, sigma, np.nan_to_num(u), extrapolated, *line)


def _series(results: Results, wanted: Chosen) -> Iterator[tuple[str, TrackedSeries]]:
    axis = coordinate_axis(results)
    groups: dict[str, list[dict[str, str]]] = {}
    for row in results.rows("tracks"):
        if wanted(row["series"]):
            groups.setdefault(row["series"], []).append(row)
    for name, rows in groups.items():
        labels = {int(row["index"]): coordinate_label(row) for row in rows}
        processes: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            processes.setdefault(row["process_id"], []).append(row)
        events = [row for row in results.rows("events") if row["series"] == name]
        yield (
            name,
            TrackedSeries(
                axis,
                tuple(label for _, label in sorted(labels.items())),
                tuple(_track(process, members) for process, members in processes.items()),
                tuple((int(row["index"]), row["status"]) for row in events),
            ),
        )


def _track(process: str, rows: Sequence[Row]) -> Track:
    columns = ("R_ohm", "u_R_ohm", "upper_limit_ohm", "tau_s", "u_tau_s")
    R, u_R, limit, tau, u_tau = (_column(rows, name) for name in columns)
    index = np.array([int(row["index"]) for row in rows])
    extrapolated = np.array([row.get("status") == "extrapolated" for row in rows])
    return Track(process, index, R, u_R, limit, tau, u_tau, extrapolated)
