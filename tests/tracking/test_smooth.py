"""Joint fits along a series share the shapes of arcs if the arcs are the same."""

import numpy as np

from eistool import Metadata, Series, fit_many, simulate
from eistool.fitting import FitResult
from eistool.tracking.smooth import _are_same, smoothed

CIRCUIT = "R0-Zarc1-Zarc2"
F = np.geomspace(1e5, 0.1, 43)


def fits(n: int) -> tuple[Series, list[FitResult]]:
    """Return a series of two close arcs with growing resistances, and its separate fits."""
    spectra = [
        simulate(CIRCUIT, F, [10, 20 + s, 1e-3, 0.85, 30 - s, 8e-3, 0.85], 0.005, s, Metadata(cycle=float(s)))
        for s in range(n)
    ]
    return Series(spectra, by="cycle"), fit_many(spectra, CIRCUIT, 1, True)


def test_shared_shapes_improve_resistances() -> None:
    series, separate = fits(10)
    joint = smoothed(series, separate, [{}] * 10, jobs=1)
    R, u, u_before = (
        np.array([r.processes[0].R for r in joint]),
        np.array([r.processes[0].u_R for r in joint]),
        np.array([r.processes[0].u_R for r in separate]),
    )
    assert np.median(u) < 0.7 * np.median(u_before)
    assert (np.abs(R - (20 + np.arange(10))) < 4 * u).all()


def test_few_spectra_stay_separate() -> None:
    series, separate = fits(4)
    assert smoothed(series, separate, [{}] * 4, jobs=1) == separate


def test_other_arcs_are_not_taken() -> None:
    _, separate = fits(3)
    moved = fit_many(
        [simulate(CIRCUIT, F, [10, 20, 1e-5, 0.85, 30, 8e-3, 0.85], 0.005, s) for s in range(3)], CIRCUIT, 1
    )
    assert _are_same(separate, separate)
    assert not _are_same(separate, moved)
