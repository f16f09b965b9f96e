"""Extrema, trends, growth laws, reversibility, activation energies and tails of series."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from eistool import FitError, Metadata, Series, SpectrumError, simulate, track
from eistool.tracking.joint_drt import _Joint, compute_series_drt
from eistool.tracking.series_summary import activation_energy, extrema, growth_laws, reversible_fraction, trend
from tests.tracking.series import new_interphase

RNG = np.random.default_rng(11)


def test_extrema_name_the_spectra_that_may_hold_them() -> None:
    low, high = extrema(np.array([5.0, 4.0, 4.1, 9.0, np.nan]), np.full(5, 0.1), np.arange(5.0))
    assert (low.index, low.candidates, high.index) == (1, (1, 2), 3)
    with pytest.raises(FitError, match="no finite value"):
        extrema(np.full(3, np.nan), np.ones(3), np.arange(3.0))


def test_a_trend_without_autocorrelation_is_that_of_scipy() -> None:
    x = np.arange(60.0)
    y = 3 + 0.05 * x + RNG.choice([-1.0, 1.0], 60) * np.resize([1.0, -1.0], 60) * 0.1
    result, expected = trend(y, x), linregress(x, y)
    assert result.slope == pytest.approx(expected.slope)
    if result.autocorrelation == 0:
        assert result.stderr == pytest.approx(expected.stderr)
    assert result.verdict == "growth"


def test_autocorrelation_widens_the_interval_of_a_trend() -> None:
    noise = RNG.standard_normal(400)
    walk = np.zeros(400)
    for i in range(1, 400):
        walk[i] = 0.9 * walk[i - 1] + noise[i]
    result = trend(walk, np.arange(400.0))
    assert result.autocorrelation > 0.7
    assert result.stderr > 2.5 * linregress(np.arange(400.0), walk).stderr


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_smallest_detectable_change_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(50)
    x = np.arange(50.0)
    size = trend(y, x).smallest_detectable_change
    grown = trend(y + 2 * size * x / 49, x)
    assert grown.verdict == "growth" or grown.ci_high > 0


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("constant", lambda t: 60 + 0 * t),
        ("square root", lambda t: 60 + 30 * np.sqrt(t)),
        ("linear", lambda t: 60 + 10 * t),
        ("logarithmic", lambda t: 60 + 40 * np.log1p(t / 0.5)),
        ("saturating", lambda t: 60 + 100 * (1 - np.exp(-t / 3))),
    ],
)
def test_growth_laws_are_recognised(name: str, law: object) -> None:
    t = np.linspace(0, 20, 81)
    y = law(t) * (1 + 0.002 * np.random.default_rng(5).standard_normal(81))  # type: ignore[operator]
    laws = growth_laws(y, t)
    assert laws[0].name == name
    assert laws[0].delta_aicc == 0
    assert sum(law.weight for law in laws) == pytest.approx(1)
    with pytest.raises(FitError, match="give 6 or more"):
        growth_laws(y[:5], t[:5])


def test_reversible_fraction() -> None:
    result = reversible_fraction(np.array([60.0, 100, 160, 85]), np.full(4, 1.0))
    assert result.value == pytest.approx(0.75)
    # Monte Carlo
    draws = np.array([60.0, 160, 85]) + np.random.default_rng(1).standard_normal((20000, 3))
    assert result.stderr == pytest.approx(
        ((draws[:, 1] - draws[:, 2]) / (draws[:, 1] - draws[:, 0])).std(), rel=0.05
    )
    with pytest.raises(FitError, match="no significant growth"):
        reversible_fraction(np.array([60.0, 60.5, 60.2]), np.full(3, 1.0))


def test_activation_energies_of_processes_in_a_temperature_series() -> None:
    f = np.geomspace(1e6, 0.1, 43)
    spectra = []
    for i, celsius in enumerate([-20.0, -5.0, 10.0, 25.0, 40.0]):
        beta = 1 / (8.617333262e-5 * (celsius + 273.15)) - 1 / (8.617333262e-5 * 283.15)
        fast, slow = (R * np.exp(E * beta) for R, E in ((100, 0.31), (300, 0.55)))
        values = [10, fast, fast * 1e-8, 0.9, slow, slow * 2e-5, 0.9]
        metadata = Metadata(temperature_C=celsius)
        spectra.append(simulate("R0-Zarc1-Zarc2", f, values, 0.003, i, metadata))
    tracks = track(Series(spectra, by="temperature"), jobs=1)
    assert [p.present.size for p in tracks.processes] == [5, 5]
    for process, expected in zip(tracks.processes, (0.31, 0.55), strict=True):
        result = tracks.activation_energy(process.id, form="ln(1/R)")
        assert abs(result.Ea_eV - expected) < max(4 * result.u_Ea_eV, 0.005)
    with pytest.raises(FitError, match="no process 'P9'"):
        tracks.resistance("P9")
    with pytest.raises(FitError, match="choose ln"):
        activation_energy(np.ones(3), np.ones(3), np.arange(3.0), "ln R")


def test_the_joint_distribution_separates_changes_from_noise() -> None:
    drt = compute_series_drt(new_interphase())
    assert drt.noise == pytest.approx(0.003, rel=0.15)
    near = int(np.argmin(np.abs(np.log(drt.tau / 3e-2))))
    there = drt.gamma[4:9, near]
    gone = np.delete(drt.gamma[:, near], range(4, 9))
    assert there.min() > 4 * gone.max()
    assert (drt.gamma_low[4:9, near] > drt.gamma_high[[0, 1, 2, 3, 9, 10, 11], near].max()).all()
    # cathode: constant along the series, within the band
    cathode = int(np.argmin(np.abs(np.log(drt.tau / 3e-4))))
    assert np.ptp(drt.gamma[:, cathode]) < 0.2 * drt.gamma[:, cathode].mean()
    assert (np.abs(drt.R_inf - 22.5) < 0.5).all()
    frame = drt.to_dataframe()
    assert len(frame) == drt.gamma.size


def test_newton_steps_are_those_of_the_dense_system() -> None:
    spectra = [
        simulate("R0-Zarc1", np.geomspace(1, 1e3, 9), [10, 20, 1e-2, 0.8], 0.01, i, Metadata(cycle=float(i)))
        for i in range(3)
    ]
    joint = _Joint(Series(spectra, by="cycle"), spectra)
    n, size = joint.n, joint.n + 3
    rng = np.random.default_rng(2)
    f, extra = rng.normal(-2, 0.3, (3, n)), rng.normal(0.3, 0.1, (3, 3))
    smooth, link, variance = 30.0, 4.0, 1e-3
    move, diagonal, effective, _ = joint._newton(f, extra, smooth, link, variance)

    def terms(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return residuals whose sum of squares is the objective."""
        unknowns = x.reshape(3, size)
        parts = []
        for s in range(3):
            model = joint.rows[s] @ np.concatenate([np.exp(unknowns[s, :n]), unknowns[s, n:]])
            parts += [(joint.data[s] - model) / np.sqrt(variance), np.sqrt(smooth) * np.diff(unknowns[s, :n], 2)]
        parts += [np.sqrt(link * joint.links[s]) * (unknowns[s + 1, :n] - unknowns[s, :n]) for s in range(2)]
        return np.concatenate(parts)

    x = np.hstack([f, extra]).ravel()
    jacobian = np.column_stack([(terms(x + d) - terms(x - d)) / 2e-5 for d in 1e-5 * np.eye(x.size)])
    hessian = jacobian.T @ jacobian
    gradient = -jacobian.T @ terms(x)
    for s in range(3):  # the priors of level and slope outside the window are linear
        block = slice(s * size, s * size + n)
        hessian[block, block] += joint.fixed
        gradient[block] += joint.pull - joint.fixed @ f[s]
    np.testing.assert_allclose(move.ravel(), np.linalg.solve(hessian, gradient), rtol=1e-4, atol=1e-5)
    covariance = np.linalg.inv(hessian)
    expected = [np.diag(covariance)[s * size : s * size + n] for s in range(3)]
    np.testing.assert_allclose(diagonal, expected, rtol=1e-4)
    data = jacobian.copy()
    rows = [joint.data[s].size for s in range(3)]
    keep, at = [], 0
    for count in rows:
        keep += list(range(at, at + count))
        at += count + n - 2
    assert effective == pytest.approx(float(np.trace(covariance @ data[keep].T @ data[keep])), rel=1e-4)


def test_a_joint_distribution_needs_three_spectra() -> None:
    series = new_interphase()
    with pytest.raises(SpectrumError, match="give 3 or more"):
        compute_series_drt(Series(list(series)[:2], by="voltage"))
