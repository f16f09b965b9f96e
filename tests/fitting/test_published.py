"""Reproduction of published fits of measured spectra."""

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.published import pellet, photoanode


def test_pellet(real_data: Path) -> None:
    """Values and errors agree to the four published digits."""
    result, published, chi2 = pellet(real_data)
    assert result.chi2 == pytest.approx(chi2, rel=1e-6)
    assert result.dof == 80
    np.testing.assert_allclose(result.values, published[:, 0], rtol=5e-4)
    errors = [parameter.stderr_noise for parameter in result.parameters.values()]
    np.testing.assert_allclose(errors, published[:, 1], rtol=2e-3)
    assert result.noise_covariance is not None
    correlation = result.noise_covariance[1, 2] / (errors[1] * errors[2])
    assert correlation == pytest.approx(-0.996, abs=5e-4)


def test_photoanode(real_data: Path) -> None:
    """Values agree to the three published digits, errors (numerical Jacobian) to 2 %."""
    values, errors = photoanode(real_data)
    assert values.shape == (21, 4)
    assert np.abs(values - 1).max() < 5e-3
    assert np.abs(errors - 1).max() < 0.02
