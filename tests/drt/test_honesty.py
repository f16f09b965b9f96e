"""Coverage of the bands on random cases, and flags for data that γ cannot describe."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import eistool
from eistool.drt.assembly import _mixed
from eistool.drt.grid import _grid
from tests.benchmarks.drt import cases, measure
from tests.drt.truths import FREQUENCY, TRUTHS, drawn

FIRST = 90_000  # no constant was chosen on seeds from here on


@pytest.mark.parametrize("name", ["one ZARC", "two, 3 decades", "blocking", "two log-normals"])
def test_coverage(name: str) -> None:
    outcome = measure(cases(12, FIRST, False)[name], FIRST)
    assert 0.85 < np.mean(outcome.inside) <= 1
    assert np.mean(outcome.inside_R) > 0.8
    assert np.mean(outcome.inside_tau) > 0.8
    assert np.mean(outcome.joint) > 0.8
    if outcome.inside_pol:
        assert np.mean(outcome.inside_pol) > 0.8
    assert np.mean(outcome.spurious) < 0.05
    assert sum(outcome.missed) == 0


def test_mixture() -> None:
    rng = np.random.default_rng(1)
    draws = np.concatenate([rng.normal(1.0, 0.3, 300_000), rng.normal(2.0, 0.5, 100_000)])
    mean, deviation = _mixed([(0.6, 1.0, 0.3), (0.2, 2.0, 0.5)])
    assert mean == pytest.approx(draws.mean(), abs=0.01)
    assert deviation == pytest.approx(draws.std(), abs=0.01)


def test_doubt_between_shapes_widens_the_band() -> None:
    # noise hides the difference of log-normals and ZARCs: several descriptions are averaged
    truth = next(t for t in TRUTHS if t.name == "two log-normals")
    some = [eistool.compute_drt(truth.spectrum(0.01, seed)) for seed in range(6)]
    assert any(drt.covariance_root.shape[0] > 150 for drt in some)
    for drt in some:
        np.testing.assert_allclose(np.diag(drt.covariance), (drt.covariance_root**2).sum(axis=0), rtol=1e-10)
        sigma = np.log(drt.gamma_high / drt.gamma) / 1.959963984540054
        counted = sigma < 19
        np.testing.assert_allclose(sigma[counted] ** 2, np.diag(drt.covariance)[counted], rtol=1e-6)


def test_drift_above_the_noise_is_flagged() -> None:
    flagged, invented = 0, 0
    for seed in range(FIRST, FIRST + 6):
        truth = drawn(seed)[2]
        spectrum = truth.spectrum(0.001, seed)
        assert not any("drift" in flag for flag in eistool.compute_drt(spectrum).flags)
        drifting = eistool.Spectrum(FREQUENCY, spectrum.impedance * np.linspace(1, 1.01, FREQUENCY.size))
        drt = eistool.compute_drt(drifting)
        flagged += any("drift: Z changes by about" in flag for flag in drt.flags)
        invented += len(drt.peaks) > 2
    assert flagged == 6
    assert invented == 0


def test_uniform_noise_is_recognised() -> None:
    truth = next(t for t in TRUTHS if t.name == "blocking")
    held = []
    for seed in range(FIRST, FIRST + 10):
        drt = eistool.compute_drt(truth.spectrum(0.005, seed, power=0.0))
        peaks = [peak for peak in drt.peaks if peak.tau < truth.tau_max]
        held += [
            abs(peak.R - part.R) < 1.96 * peak.u_R
            for peak, part in zip(peaks, truth.peaks, strict=False)
            if abs(np.log10(peak.tau / part.tau)) < 0.3
        ]
    assert len(held) > 15
    assert np.mean(held) > 0.8


def test_threads_share_the_grids() -> None:
    grids = [np.geomspace(1e5, 0.1, n) for n in (30, 41, 52)]
    spectra = [TRUTHS[0].spectrum(0.005, seed, grids[seed % 3]) for seed in range(24)]
    alone = [eistool.compute_drt(s).gamma for s in spectra]
    _grid.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda s: eistool.compute_drt(s).gamma, spectra))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_peaks_are_persistent_and_probable() -> None:
    drt = eistool.compute_drt(TRUTHS[2].spectrum(0.005, 1))
    assert all(peak.persistent and peak.probability > 0.99 for peak in drt.peaks)
    # a shoulder that is not a maximum with any smoothing
    close = next(t for t in TRUTHS if t.name == "two, 1 decade")
    drawn_peaks = [eistool.compute_drt(close.spectrum(0.01, seed)).peaks for seed in range(5)]
    assert not all(peak.persistent for peaks in drawn_peaks for peak in peaks)
