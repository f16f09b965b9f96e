"""Tests of the kernels of the Kramers-Kronig test against naive implementations."""

import numpy as np
import pytest

from eistool import simulate
from eistool.kernels import kramers_kronig as kernels
from eistool.typing import FloatArray
from tests.reference import rc_ladder

FREQUENCY = np.geomspace(1e5, 0.1, 40)


def problem(seed: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ω, sigma, and the data and a second right-hand side divided by sigma."""
    rng = np.random.default_rng(seed)
    z = simulate("R0-p(R1,CPE1)-C1", FREQUENCY, [10, 50, 1e-4, 0.8, 1e-2], noise=0.01, seed=seed).impedance
    sigma = np.abs(z) * rng.uniform(0.5, 2, (2, z.size))
    other = z * (FREQUENCY[-1] / FREQUENCY)
    rows = np.array([z, other])
    return 2 * np.pi * FREQUENCY, sigma, np.ascontiguousarray(np.stack([rows.real, rows.imag], axis=1) / sigma)


@pytest.mark.parametrize("name", ["scan", "fit_ladder", "regress_noise"])
def test_compiled_for_one_signature(name: str) -> None:
    assert len(getattr(kernels, name).signatures) <= 1


def test_scan_is_least_squares_for_each_length() -> None:
    omega, sigma, sides = problem()
    data = (sides[0, 0] + 0j) * sigma[0] + 1j * sides[0, 1] * sigma[1]
    extra = sides[1, 0] * sigma[0] + 1j * sides[1, 1] * sigma[1]
    low, high = -np.log(omega.max()) - 1, -np.log(omega.min()) + 1
    out = np.empty((9, 9))
    kernels.scan(np.log(omega), 1 / sigma, sides, low, high, 1, 0, out)
    for m in range(1, 10):
        tau = np.exp(np.linspace(low, high, m)) if m > 1 else np.exp([low])
        for column, part in enumerate(("real", "imag", "complex")):
            x, _, squares = rc_ladder(omega, data, sigma, tau, part)
            assert out[m - 1, column] == pytest.approx(squares, rel=1e-8)
            R = x[:m]
            assert out[m - 1, 3 + column] == pytest.approx(1 - -R[R < 0].sum() / R[R >= 0].sum(), abs=1e-6)
        x, _, squares = rc_ladder(omega, data, sigma, tau, "complex", extra)
        assert out[m - 1, 6] == pytest.approx(squares, rel=1e-8)
        assert out[m - 1, 7] == pytest.approx(x[-1], rel=1e-6)
        # the sum of squares rises by 1 for a coefficient one standard error away
        fixed = rc_ladder(omega, data - (x[-1] + out[m - 1, 8]) * extra, sigma, tau, "complex")
        assert fixed[2] == pytest.approx(squares + 1, rel=1e-8)


def test_scan_ends_and_skips() -> None:
    omega, sigma, sides = problem()
    low, high = -np.log(omega.max()), -np.log(omega.min())
    whole, coarse = np.empty((20, 6)), np.empty((20, 2))
    kernels.scan(np.log(omega), 1 / sigma, sides[:1].copy(), low, high, 1, 3, whole)
    kernels.scan(np.log(omega), 1 / sigma, sides[:1].copy(), low, high, 2, 0, coarse)
    ended = np.isnan(whole[:, 0])
    assert ended.any()
    assert not ended[: ended.argmax()].any()
    assert np.isnan(coarse[1::2]).all()
    both = ~ended & ~np.isnan(coarse[:, 0])
    np.testing.assert_array_equal(coarse[both], whole[both, :2])


def test_fit_ladder_is_least_squares() -> None:
    omega, sigma, sides = problem(2)
    n, m = omega.size, 6
    data = sides[0, 0] * sigma[0] + 1j * sides[0, 1] * sigma[1]
    low, high = -np.log(omega.max()) - 1, -np.log(omega.min()) + 1
    coefficients, leverage = np.empty((3, m + 3)), np.empty((2, n))
    fitted, squares = np.empty((2, 2, n)), np.empty(2)
    kernels.fit_ladder(
        np.log(omega), 1 / sigma, sides[:1].copy(), low, high, m, coefficients, leverage, fitted, squares
    )
    tau = np.exp(np.linspace(low, high, m))
    real, imag, both = (rc_ladder(omega, data, sigma, tau, part) for part in ("real", "imag", "complex"))
    np.testing.assert_allclose(fitted[0, 0] * sigma[0], real[1].real, rtol=1e-7)
    np.testing.assert_allclose(fitted[0, 1] * sigma[1], imag[1].imag, rtol=1e-7)
    np.testing.assert_allclose(fitted[1, 0] * sigma[0] + 1j * fitted[1, 1] * sigma[1], both[1], rtol=1e-7)
    np.testing.assert_allclose(squares, [real[2] + imag[2], both[2]], rtol=1e-8)
    np.testing.assert_allclose(coefficients[2], both[0], rtol=1e-5)
    assert np.isnan(coefficients[0, m + 1 :]).all()
    assert np.isnan(coefficients[1, m])
    np.testing.assert_allclose(leverage.sum(axis=1), [m + 1, m + 2], rtol=1e-8)


def test_noise_is_the_likeliest() -> None:
    rng = np.random.default_rng(3)
    n = 400
    x = np.linspace(-1, 1, n)
    terms = np.ascontiguousarray([np.ones(n), x, x**2])
    square = np.exp(1 + 2 * x) * rng.standard_normal(n) ** 2
    square[7] = np.nan
    log_variance = np.zeros(n)
    assert kernels.regress_noise(terms, square, np.array([1, 2]), 1e9, 16.0, 30, log_variance) == 3

    def surprise(values: FloatArray) -> float:
        return float(np.nansum(values + square * np.exp(-values)))

    for term in terms:
        for step in (-0.02, 0.02):
            assert surprise(log_variance + step * term) > surprise(log_variance)
    flat, log_variance = rng.standard_normal(n) ** 2, np.zeros(n)
    assert kernels.regress_noise(terms, flat, np.array([1, 2]), 1e9, 16.0, 30, log_variance) == 1
    np.testing.assert_allclose(log_variance, np.log(flat.mean()), atol=1e-6)
