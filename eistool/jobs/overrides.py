"""Choices that a person made for single sweeps, applied to spectra and options of a fit."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from eistool.batch.store import digest, place
from eistool.settings import Override
from eistool.spectrum import Spectrum, Sweep

SAME = 1e-6  # relative distance of equal frequencies


def find_override(sweep: Sweep, overrides: Sequence[Override]) -> Override | None:
    """Return the last override of a sweep, by its source or else by its base name; None without one."""
    source, number = place(sweep)
    mine = [one for one in overrides if one.sweep == number]
    for name in (source, source.rpartition("/")[2]):
        if named := [one for one in mine if one.file == name]:
            return named[-1]
    return None


def chosen_sweep(sweep: Sweep, override: Override) -> Sweep:
    """Return a sweep without the points that an override leaves out, when they are read."""
    content = digest([sweep.content, override.model_dump(mode="json")])
    return replace(sweep, content=content, points=functools.partial(_chosen, sweep.points, override))


def _chosen(points: Callable[[], Spectrum], override: Override) -> Spectrum:
    return chosen_points(points(), override)


def chosen_points(spectrum: Spectrum, override: Override) -> Spectrum:
    """Return a spectrum without the points that an override leaves out."""
    chosen = spectrum.crop(override.f_min_Hz, override.f_max_Hz)
    if not override.masked_Hz:
        return chosen
    masked = np.asarray(override.masked_Hz)
    distance = np.abs(np.log(spectrum.frequency[:, None] / masked))
    return chosen.with_mask(distance.min(axis=1) > SAME, "left out by hand")
