"""γ that is negative in a window, by evidence or on request, and nowhere else."""

import numpy as np
import pytest

import eistool
from eistool.drt.compute import _data
from eistool.drt.grid import FINER
from eistool.drt.negative_blocks import difference_band, parse_windows, subtract_in, with_phasances, without_blocks
from eistool.drt.process import Data, GaussianProcess, free_process
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray
from tests.benchmarks.drt_signed import score
from tests.drt.signed import loops, negative
from tests.drt.truths import FREQUENCY, TRUTHS, Truth, drawn, log_normal, zarc

FIRST = 910_000  # no constant was chosen on seeds from here on
WIDE = Truth("wide", lambda k: [zarc(50, 1e-3 * k, 0.85), negative(log_normal(10, 1.0 * k, 0.9))])


def data_of(spectrum: Spectrum, unit: float = 30.0) -> Data:
    return _data(spectrum, np.arange(len(spectrum)), unit, "modulus")


@pytest.mark.parametrize("shapes", [True, False])
def test_a_wide_loop_is_found_by_default(shapes: bool) -> None:
    spectrum = WIDE.spectrum(0.003, 1)
    drt = eistool.compute_drt(spectrum, shapes=shapes)
    exact = WIDE.gamma(drt.tau)
    assert np.linalg.norm(drt.gamma - exact) < 0.1 * np.linalg.norm(exact)
    assert drt.model.endswith(", signed")
    assert drt.atoms == ()
    assert any("negative γ" in flag for flag in drt.flags)
    positive, loop = drt.peaks
    assert abs(positive.R - 50) < 3 * positive.u_R
    assert abs(loop.R + 10) < 3 * loop.u_R < 10
    assert loop.tau == pytest.approx(1.0, rel=0.4)
    assert loop.height < 0
    assert pytest.approx(40, abs=3 * drt.u_R_pol) == drt.R_pol
    assert drt.R_pol == pytest.approx(np.trapezoid(drt.gamma, np.log(drt.tau)), rel=3e-3)


def test_gamma_gives_the_impedance() -> None:
    drt = eistool.compute_drt(WIDE.spectrum(0.003, 1), shapes=False)
    w = 2 * np.pi * FREQUENCY
    z = drt.R_inf + 1j * w * drt.inductance + drt.inverse_capacitance / (1j * w)
    step = np.log(drt.tau[1] / drt.tau[0])
    z = z + (drt.gamma / (1 + 1j * w[:, None] * drt.tau)).sum(axis=1) * step
    np.testing.assert_allclose(z, drt.impedance, rtol=2e-3)


def test_coverage_of_loops() -> None:
    rows = [
        score(truth, eistool.compute_drt(truth.spectrum(0.005, seed)))
        for seed in range(FIRST, FIRST + 8)
        for truth in loops(seed)
    ]
    l2, detected, _, held, in_R, in_tau, joint = np.nanmean(np.array(rows, dtype=float), axis=0)
    assert detected == 1
    assert l2 < 0.06
    assert held > 0.85
    assert in_R > 0.75
    assert in_tau > 0.8
    assert joint > 0.75


def test_a_sharp_loop_stays_an_atom() -> None:
    for seed in range(FIRST, FIRST + 4):
        drt = eistool.compute_drt(loops(seed)[0].spectrum(0.005, seed))
        assert [atom.R < 0 for atom in drt.atoms] == [True]
        assert drt.gamma.min() >= 0


def test_nothing_negative_in_ordinary_spectra() -> None:
    invented = 0
    for seed in range(FIRST, FIRST + 6):
        for noise in (0.001, 0.005, 0.01):
            for truth in drawn(seed):
                drt = eistool.compute_drt(truth.spectrum(noise, seed))
                invented += bool(drt.gamma.min() < 0 or any(peak.R < 0 for peak in drt.peaks))
    assert invented <= 1  # of 234


def test_forbidden() -> None:
    drt = eistool.compute_drt(WIDE.spectrum(0.003, 1), signed=False)
    assert drt.gamma.min() >= 0
    assert all(peak.R > 0 for peak in drt.peaks)
    assert any("residuals" in flag for flag in drt.flags)


def test_a_window_on_request() -> None:
    spectrum = WIDE.spectrum(0.003, 2)
    for signed in ((0.01, 50.0), [(1e-6, 1e-5), (0.01, 50.0)]):
        drt = eistool.compute_drt(spectrum, signed=signed)
        assert [round(peak.R / 10) for peak in drt.peaks if abs(peak.R) > 1] == [5, -1]
        assert drt.gamma[(drt.tau < 5e-7) | ((drt.tau > 2e-5) & (drt.tau < 5e-3)) | (drt.tau > 60)].min() >= 0
        exact = WIDE.gamma(drt.tau)
        assert np.linalg.norm(drt.gamma - exact) < 0.1 * np.linalg.norm(exact)


def test_a_window_without_a_loop_changes_little() -> None:
    truth = TRUTHS[2]
    for seed in range(3):
        drt = eistool.compute_drt(truth.spectrum(0.005, seed), signed=(1e-6, 1e-2))
        assert (drt.gamma_high >= 0).all()
        exact = truth.gamma(drt.tau)
        assert np.linalg.norm(drt.gamma - exact) < 0.06 * np.linalg.norm(exact)
        assert sum(peak.R for peak in drt.peaks) == pytest.approx(100, rel=0.02)


def test_windows_are_checked() -> None:
    spectrum = WIDE.spectrum(0.003, 2)
    grid = data_of(spectrum).grid
    assert parse_windows("x", True, grid) == []
    assert np.exp(parse_windows("x", (1, 10), grid)) / grid.unit == pytest.approx(np.array([[1.0, 10.0]]))
    for bad in ((2.0, 1.0), (0.0, 1.0), "yes", (1.0,), [(1.0, 3.0), (2.0, 4.0)], [], (np.nan, 1.0)):
        with pytest.raises(eistool.SpectrumError, match="wide: signed="):
            eistool.compute_drt(spectrum, signed=bad)  # type: ignore[arg-type]
    for nowhere in ((1e4, 1e5), (1.0, 1.1)):
        with pytest.raises(eistool.SpectrumError, match="give windows at least half a decade wide"):
            eistool.compute_drt(spectrum, signed=nowhere)


def test_blocks_are_apart() -> None:
    # no prior couples the end of ln γ to a block, nor one block to the next
    plain = data_of(WIDE.spectrum(0.003, 2))
    low, high = plain.grid.window
    data = with_phasances(subtract_in(plain, [(low, low + 3), (high - 3, high)]))
    process = free_process(data, steps=30)
    sizes = [process.f.size, *(block.at.size for block in data.blocks)]
    assert sum(sizes) == process.n_logarithms
    assert data.linear.shape[0] == process.n_logarithms + 1
    ends = np.cumsum(sizes)
    for end in ends:
        assert process.local[end - 1] == 0
    for start in ends[:-1]:
        assert process.local[start] == 0
    gone = np.exp(process.further) @ data.linear[process.f.size : -1]
    np.testing.assert_allclose(without_blocks(data, process).y, data.y - gone, atol=1e-9)
    model = np.concatenate([np.exp(process.f), np.exp(process.further), process.extra]) @ data.linear
    np.testing.assert_allclose(data.y - model, process.residual, atol=1e-9)
    assert FINER * (data.blocks[0].at.size - 1) < plain.grid.fine.size


def test_blocks_do_not_bias_the_end_of_gamma() -> None:
    # beyond the window, only the elements determine γ
    for seed in range(FIRST, FIRST + 4):
        truth = loops(seed)[3]
        drt = eistool.compute_drt(truth.spectrum(0.001, seed))
        assert drt.model.endswith(", signed")
        beyond = drt.tau > 30
        exact = truth.gamma(drt.tau)[beyond]
        np.testing.assert_allclose(drt.gamma[beyond], exact, rtol=0.4)
        assert ((drt.gamma_low[beyond] <= exact) & (exact <= drt.gamma_high[beyond])).mean() > 0.8


def test_a_narrow_spectrum_has_no_room_for_windows() -> None:
    f = np.geomspace(10, 30, 8)
    w = 2 * np.pi * f
    noise = np.random.default_rng(1).standard_normal((2, 8))
    z = 10 + 5 / (1 + 1j * w * 0.01) - 8 / (1 + 1j * w * 0.02) + 0.1 * (noise[0] + 1j * noise[1])
    assert np.isfinite(eistool.compute_drt(eistool.Spectrum(f, z)).gamma).all()


def naive_exponent(data: Data, process: GaussianProcess, x: FloatArray) -> float:
    """Return minus the log posterior up to a constant, with each block separate."""
    n, n_all = process.f.size, process.n_logarithms
    model = np.concatenate([np.exp(x[:n_all]), x[n_all:]]) @ data.linear
    value = float(np.sum(data.weight * (data.y - model) ** 2) / process.variance)
    value += process.precision * float(np.sum(process.local[1 : n - 1] * np.diff(x[:n], 2) ** 2))
    low, high = data.grid.window
    tau, h = data.grid.log_tau, data.grid.step
    for rise, edge in ((1.0, tau[1:] <= low), (data.tail, tau[:-1] >= high)):
        value += float(np.sum((np.diff(x[:n])[edge] - rise * h) ** 2)) / (0.5 * h) ** 2
    value += float(np.sum((x[:n] - np.log(0.01)) ** 2)) / (36 * n)
    start = n
    for block in data.blocks:
        v = x[start : start + block.at.size] - block.level
        value += float(np.sum(v**2)) / block.sigma**2 + float(np.sum(np.diff(v) ** 2)) / block.step_sigma**2
        start += block.at.size
    return 0.5 * value


def test_the_blocks_are_at_the_maximum_of_the_posterior() -> None:
    plain = data_of(WIDE.spectrum(0.003, 2))
    _, high = plain.grid.window
    data = subtract_in(plain, [(high - 8, high - 4.5), (high - 4, high)])
    start = free_process(data, steps=60)
    process = free_process(data, start, 60, start.precision)
    x = np.concatenate([process.f, process.further, process.extra])
    best = naive_exponent(data, process, x)
    scales = np.sqrt((start.root**2).sum(axis=0))
    rng = np.random.default_rng(3)
    for _ in range(50):
        assert naive_exponent(data, process, x + 0.3 * scales * rng.standard_normal(x.size)) > best


def test_band_of_a_difference() -> None:
    rng = np.random.default_rng(1)
    for rho in (-0.6, 0.0, 0.7):
        mean, sigma = np.log([10.0, 4.0]), np.array([0.1, 0.3])
        normal = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], 400_000)
        draws = np.exp(mean + sigma * normal)
        factors = np.exp(1.96 * sigma)
        low, high = difference_band(*(np.array([v]) for v in (10.0, factors[0], 4.0, factors[1], rho)))
        inside = ((draws[:, 0] - draws[:, 1] > low) & (draws[:, 0] - draws[:, 1] < high)).mean()
        assert inside == pytest.approx(0.95, abs=0.01)
    # nothing subtracted: the band of a log-normal quantity
    nothing, one = np.zeros(1), np.ones(1)
    low, high = difference_band(np.array([3.0]), np.array([2.0]), nothing, one, nothing)
    assert (low[0], high[0]) == pytest.approx((1.5, 6.0))
