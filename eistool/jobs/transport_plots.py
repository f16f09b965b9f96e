"""Pictures of samples: Arrhenius plots, compositions, normalized spectra."""

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from eistool.batch.job import Picture
from eistool.batch.store import digest, place
from eistool.escaping import file_name
from eistool.jobs.sample import Sample
from eistool.report import to_png
from eistool.report.materials import (
    CompositionPoint,
    NormalisedSpectrum,
    plot_arrhenius,
    plot_composition,
    plot_normalised,
)
from eistool.spectrum import Spectrum, Sweep
from eistool.spectrum.geometry import consistent_geometry
from eistool.tables.conductivity import CompositionRow


def draw_transport(samples: Sequence[Sample], composition: Sequence[CompositionRow]) -> dict[str, Picture]:
    """Return the pictures by file name.

    There is one picture of normalized spectra per sample, and one Arrhenius plot per quantity.
    """
    pictures: dict[str, Picture] = {}
    for quantity in dict.fromkeys(quantity for sample in samples for quantity in sample.fits):
        members = [sample for sample in samples if quantity in sample.fits]
        fits = [sample.fits[quantity] for sample in members]
        regressed = [
            [sample.name, [asdict(row) for row in sample.rows if row.quantity == quantity]] for sample in members
        ]
        pictures[f"arrhenius_{quantity}.png"] = _picture(regressed, plot_arrhenius, fits)
    points = [_point(row) for row in composition if row.quantity == "total"]
    if len({point.x for point in points}) > 1:
        pictures["composition.png"] = _picture([str(point) for point in points], plot_composition, points)
    for sample in samples:
        if sample.rows and any(_has_geometry(sweep) for sweep in sample.sweeps):
            name = file_name(f"normalised_{re.sub(r'[^A-Za-z0-9.-]+', '_', sample.name) or 'spectra'}", ".png")
            described = [[sweep.content, sweep.metadata.to_dict()] for sweep in sample.sweeps]
            seen = [sample.name, described, [asdict(row) for row in sample.rows]]
            pictures[name] = Picture(digest(seen), functools.partial(_normalised_to_png, sample))
    return pictures


def _picture(shown: object, plot: Callable[..., Any], *arguments: Any) -> Picture:
    return Picture(digest([plot.__name__, shown]), functools.partial(_png, plot, *arguments))


def _has_geometry(sweep: Sweep) -> bool:
    return consistent_geometry(sweep.metadata) is not None


def _normalised_to_png(sample: Sample) -> bytes:
    totals = {(row.source, row.sweep): row.R_ohm for row in sample.rows if row.quantity == "total"}
    ordered = sorted(sample.sweeps, key=lambda sweep: sweep.metadata.temperature_C or 0.0)
    shown = [one for sweep in ordered if (one := _normalised(sweep.load(), totals.get(place(sweep))))]
    return _png(plot_normalised, shown, f"{sample.name}: free of the geometry")


def _png(plot: Callable[..., Any], *arguments: Any) -> bytes:
    return to_png(plot(*arguments))


def _point(row: CompositionRow) -> CompositionPoint:
    def known(value: float | None) -> float:
        return math.nan if value is None else value

    return CompositionPoint(
        row.composition_x, row.sample_id or "", known(row.sigma_S_per_cm), known(row.u_sigma_S_per_cm),
        known(row.Ea_eV), known(row.u_Ea_eV),
    )  # fmt: skip


def _normalised(spectrum: Spectrum, resistance: float | None) -> NormalisedSpectrum | None:
    cell = consistent_geometry(spectrum.metadata)
    if cell is None:
        return None
    T = spectrum.metadata.temperature_C
    return NormalisedSpectrum(
        spectrum.label if T is None else f"{T:g} °C",
        np.asarray(spectrum.impedance),
        np.asarray(spectrum.mask),
        math.nan if cell.thickness_um is None else cell.thickness_um * 1e-4,
        math.nan if cell.area_cm2 is None else cell.area_cm2,
        cell.cell_constant_per_cm or math.nan,
        math.nan if resistance is None else resistance,
    )
