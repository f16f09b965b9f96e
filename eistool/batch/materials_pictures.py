"""Pictures of what a batch knows of materials: Arrhenius plots, compositions, normalised spectra."""

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.report.materials import (
    CompositionPoint,
    NormalisedSpectrum,
    figure_to_png,
    plot_arrhenius,
    plot_composition,
    plot_normalised,
)
from eistool.spectrum import CellGeometry, Spectrum

if TYPE_CHECKING:
    from eistool.batch.materials import Sample


def pictures(
    samples: "Sequence[Sample]",
    composition: Sequence[Mapping[str, Any]],
    spectra: Mapping[tuple[str, int], Spectrum],
) -> dict[str, Callable[[], bytes]]:
    """Return what draws each picture, by file name.

    Parameters
    ----------
    samples : sequence of Sample
        Each gets its normalised spectra; those with a line share one Arrhenius plot for each quantity.
    composition : sequence of rows
        Of ``composition.csv``.
    spectra : mapping of (source, sweep) to Spectrum
        Of the samples.
    """
    found: dict[str, Callable[[], bytes]] = {}
    for quantity in dict.fromkeys(quantity for sample in samples for quantity in sample.fits):
        fits = [sample.fits[quantity] for sample in samples if quantity in sample.fits]
        found[f"arrhenius_{quantity}.png"] = functools.partial(_png, plot_arrhenius, fits)
    points = [_point(row) for row in composition if row["quantity"] == "total"]
    if len({point.x for point in points}) > 1:
        found["composition.png"] = functools.partial(_png, plot_composition, points)
    for sample in samples:
        ordered = sorted(sample.spectra, key=lambda row: row["temperature_C"] or 0.0)
        totals = {(row["source"], row["sweep"]): row["R_ohm"] for row in sample.rows if row["quantity"] == "total"}
        places = [(row["source"], row["sweep"]) for row in ordered]
        shown = [s for place in places if (s := _normalised(spectra.get(place), totals.get(place)))]
        if sample.rows and shown:
            name = f"normalised_{re.sub(r'[^A-Za-z0-9.-]+', '_', sample.name) or 'spectra'}.png"
            found[name] = functools.partial(_png, plot_normalised, shown, f"{sample.name}: free of the geometry")
    return found


def _png(plot: Callable[..., Any], *arguments: Any) -> bytes:
    return figure_to_png(plot(*arguments))


def _point(row: Mapping[str, Any]) -> CompositionPoint:
    def known(name: str) -> float:
        value = row.get(name)
        return math.nan if value is None else float(value)

    return CompositionPoint(
        known("composition_x"), row["sample_id"] or "", known("sigma_S_per_cm"), known("u_sigma_S_per_cm"),
        known("Ea_eV"), known("u_Ea_eV"),
    )  # fmt: skip


def _normalised(spectrum: Spectrum | None, resistance: float | None) -> NormalisedSpectrum | None:
    cell = None if spectrum is None else CellGeometry.from_metadata(spectrum.metadata)
    if spectrum is None or cell is None:
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
