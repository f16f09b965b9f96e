"""Noise as the residuals show it."""

import numpy as np
import pytest

from eistool import Circuit, Spectrum, SpectrumError, fit, simulate
from eistool.typing import ComplexArray, FloatArray
from eistool.validation import NoiseModel, choose_weighting

FREQUENCY = np.geomspace(1e6, 1e-2, 81)
CIRCUIT, VALUES = "R0-p(R1,CPE1)-p(R2,CPE2)", [5, 50, 1e-6, 0.9, 400, 1e-4, 0.85]


def exact() -> ComplexArray:
    return Circuit(CIRCUIT).impedance(FREQUENCY, VALUES)


def normal(seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((2, FREQUENCY.size))


def noisy(sigma: FloatArray, n: FloatArray) -> Spectrum:
    return Spectrum(FREQUENCY, exact() + sigma * (n[0] + 1j * n[1]), label="cell")


def chosen(spectra: list[Spectrum]) -> list[str]:
    return [model.kind + (" t" if model.dof else "") for model in map(choose_weighting, spectra)]


def test_relative_noise_stays_the_default() -> None:
    size = np.abs(exact())
    for noise in (0.0005, 0.005, 0.02):
        names = chosen([noisy(noise * size, normal(seed)) for seed in range(20)])
        assert names.count("modulus") >= 19
    model = choose_weighting(noisy(0.005 * size, normal(1)))
    assert model.sigma_absolute == 0
    assert model.sigma_relative == pytest.approx(0.005, rel=0.2)
    np.testing.assert_allclose(model.standard_deviation.imag, model.sigma_relative * size, rtol=0.05)
    assert (model.evidence, model.dof) == (0, None)
    assert repr(model).startswith("NoiseModel(modulus: 0.")


def test_absolute_noise() -> None:
    models = [choose_weighting(noisy(np.full(81, 0.5), normal(seed))) for seed in range(20)]
    assert sum(model.kind == "unit" for model in models) >= 15
    assert sum(model.kind == "modulus" for model in models) == 0
    for model in models:
        assert model.evidence > 6
        assert model.sigma_absolute == pytest.approx(0.5, rel=0.35)


def test_both() -> None:
    size = np.abs(exact())
    models = [choose_weighting(noisy(np.hypot(0.3, 0.005 * size), normal(seed))) for seed in range(20)]
    assert sum(model.kind == "mixture" for model in models) >= 15
    for model in models:
        np.testing.assert_allclose(model.sigma, np.hypot(0.3, 0.005 * size), rtol=0.6)


def test_heavy_tails_lower_the_weight_of_what_is_far() -> None:
    size = np.abs(exact())
    n = normal(4)
    n[:, [10, 30, 31, 50, 70]] *= 15
    model = choose_weighting(noisy(0.003 * size, n))
    assert (model.kind, model.dof is not None) == ("modulus", True)
    assert (model.robust_weight[[10, 30, 31, 50, 70]] < 0.3).all()
    assert np.median(model.robust_weight) > 0.8
    assert model.name.startswith("modulus, robust (t, ")


def test_what_is_smooth_is_no_noise() -> None:
    """A drift violates the Kramers-Kronig relations; it does not make tails heavy."""
    size = np.abs(exact())
    spectrum = noisy(0.002 * size, normal(1))
    elapsed = np.cumsum(1 / FREQUENCY)
    drifting = Spectrum(FREQUENCY, spectrum.impedance * (1 + 0.1 * elapsed / elapsed[-1]))
    model = choose_weighting(drifting)
    assert (model.kind, model.dof) == ("modulus", None)
    assert model.sigma_relative == pytest.approx(0.002, rel=0.3)


def test_weights_serve_a_fit() -> None:
    error = {"modulus": [], "noise": []}  # type: dict[str, list[float]]
    for seed in range(10):
        spectrum = noisy(np.full(81, 0.5), normal(seed))
        weighted = choose_weighting(spectrum).with_noise(spectrum)
        for weighting, errors in error.items():
            value = fit(weighted, CIRCUIT, weighting=weighting).parameters["R0"].value
            errors.append(abs(value - 5))
    assert np.mean(error["noise"]) < 0.7 * np.mean(error["modulus"])


def test_order_masks_and_units_do_not_matter() -> None:
    spectrum = noisy(np.full(81, 0.5), normal(1))
    expected = choose_weighting(spectrum)
    order = np.random.default_rng(1).permutation(81)
    shuffled = choose_weighting(Spectrum(FREQUENCY[order], 1e6 * spectrum.impedance[order]))
    np.testing.assert_allclose(shuffled.standard_deviation, 1e6 * expected.standard_deviation[order], rtol=1e-6)
    f, z = np.append(FREQUENCY, 50.0), np.append(spectrum.impedance, 1e9)
    masked = choose_weighting(Spectrum(f, z, mask=[True] * 81 + [False]))
    np.testing.assert_allclose(masked.sigma[:81], expected.sigma, rtol=1e-6)
    assert masked.robust_weight[81] == 1
    assert np.isfinite(masked.standard_deviation).all()


@pytest.mark.parametrize("n", [1, 2, 5, 11])
def test_few_points_keep_the_default(n: int) -> None:
    model = choose_weighting(simulate(CIRCUIT, np.geomspace(1e5, 10, n), VALUES, noise=0.01, seed=1))
    assert isinstance(model, NoiseModel)
    assert (model.kind, model.dof) == ("modulus", None)
    assert np.isfinite(model.sigma).all()
    assert (model.sigma > 0).all()
    assert model.to_dict()["kind"] == "modulus"


def test_without_noise() -> None:
    model = choose_weighting(Spectrum(FREQUENCY, exact()))
    assert (model.kind, model.dof) == ("modulus", None)
    assert model.sigma_relative < 1e-3


def test_no_spectrum() -> None:
    with pytest.raises(SpectrumError):
        choose_weighting("cell.mpt")  # type: ignore[arg-type]
