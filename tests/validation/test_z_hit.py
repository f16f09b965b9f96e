"""Verdicts of Z-HIT."""

import numpy as np
import pytest

from eistool import Circuit, Spectrum, SpectrumError, check_z_hit, simulate
from tests.benchmarks.validity import CIRCUITS, drifting, noisy

FREQUENCY = np.geomspace(1e6, 1e-2, 65)
ARC, VALUES = "R0-p(R1,CPE1)", [10, 50, 1e-4, 0.8]


@pytest.mark.parametrize("name", CIRCUITS)
def test_valid_spectra_pass(name: str) -> None:
    spectrum = simulate(name, FREQUENCY, CIRCUITS[name], noise=0.001, seed=2)
    result = check_z_hit(spectrum)
    assert result.passed is True, result
    assert abs(result.drift) < 0.015
    assert result.max_residual < 0.04
    np.testing.assert_allclose(np.angle(result.impedance), np.angle(spectrum.impedance), atol=1e-12)


@pytest.mark.parametrize("size", [-0.1, 0.05, 0.1])
def test_a_drift_shows_in_full_and_where_it_begins(size: float) -> None:
    z = drifting(FREQUENCY, Circuit(ARC).impedance(FREQUENCY, VALUES), size)
    result = check_z_hit(noisy(FREQUENCY, z, 0.001, np.random.default_rng(1)))
    assert result.passed is False
    assert result.drift == pytest.approx(size, abs=0.01)
    # 2 % of |Z| is reached where 1/f is 2 %/size of what it is at the end
    assert result.drift_below_Hz == pytest.approx(0.01 * abs(size) / 0.02, rel=0.6)
    assert "drift: |Z| departs" in result.reason


def test_order_masks_and_outliers_do_not_matter() -> None:
    spectrum = simulate(ARC, FREQUENCY, VALUES, noise=0.001, seed=3)
    expected = check_z_hit(spectrum)
    order = np.random.default_rng(1).permutation(65)
    shuffled = check_z_hit(Spectrum(FREQUENCY[order], spectrum.impedance[order]))
    np.testing.assert_allclose(shuffled.residual, expected.residual[order], atol=1e-6)
    z = spectrum.impedance.copy()
    z[20] *= 1.3
    spoiled = check_z_hit(Spectrum(FREQUENCY, z))
    assert spoiled.passed is True
    assert spoiled.residual[20] == pytest.approx(0.3, abs=0.02)
    masked = check_z_hit(Spectrum(FREQUENCY, z, mask=np.arange(65) != 20))
    assert np.isnan(masked.residual[20])
    assert masked.max_residual < 0.03


def test_repeated_frequencies() -> None:
    spectrum = simulate(ARC, np.repeat(FREQUENCY, 2), VALUES, noise=0.001, seed=3)
    assert check_z_hit(spectrum).passed is True


def test_band() -> None:
    f = np.geomspace(1e7, 1e4, 31)
    result = check_z_hit(simulate(ARC, f, [10, 50, 1e-9, 0.9], noise=0.001))
    assert result.band_Hz == pytest.approx((1e5, 1e6))
    with pytest.raises(SpectrumError, match="the lower one first"):
        check_z_hit(simulate(ARC, f, VALUES), band_Hz=(10, 1))
    with pytest.raises(SpectrumError, match="tolerance=1"):
        check_z_hit(simulate(ARC, f, VALUES), tolerance=1)


@pytest.mark.parametrize(
    ("f", "text"), [(np.geomspace(1e4, 1, 5), "too few"), (np.geomspace(1e4, 1e2, 40), "decades")]
)
def test_cannot_tell(f: "np.typing.NDArray[np.float64]", text: str) -> None:
    result = check_z_hit(simulate(ARC, f, VALUES, noise=0.001))
    assert result.passed is None
    assert text in result.reason
    assert result.to_dict()["drift"] is None
