"""Averages of long spectra."""

from collections.abc import Callable

import numpy as np
import pytest

from eistool import Circuit, Spectrum, simulate
from eistool.spectrum import THINNED, thin
from eistool.typing import FloatArray

CIRCUIT, VALUES = "R0-p(R1,CPE1)-CPE2", [20, 100, 1e-6, 0.9, 1e-3, 0.8]


def test_short_spectra_are_kept() -> None:
    spectrum = simulate(CIRCUIT, np.geomspace(1e6, 1e-2, 2000), VALUES, noise=0.003, seed=1)
    assert thin(spectrum) is spectrum


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("spacing", [np.geomspace, np.linspace])
def test_averages_lie_on_the_curve(spacing: Callable[..., FloatArray], ascending: bool) -> None:
    f = spacing(1.0, 1e6, 50_000)
    f = f if ascending else f[::-1]
    circuit = Circuit(CIRCUIT)
    noisy = simulate(circuit, f, VALUES, noise=0.01, seed=1)
    thinned = thin(noisy)
    assert 100 < len(thinned) <= 2000
    assert (np.diff(thinned.frequency) > 0).all() == ascending
    true = circuit.impedance(thinned.frequency, VALUES)
    scatter = np.abs(thinned.impedance - true) / np.abs(true)
    assert np.median(scatter) < 0.01
    exact = thin(simulate(circuit, f, VALUES))
    bend = np.abs(exact.impedance / circuit.impedance(exact.frequency, VALUES) - 1)
    assert bend.max() < 1e-5  # the bands are too narrow for a bend
    if spacing is np.geomspace:
        assert scatter.mean() == pytest.approx(0.01 * np.sqrt(np.pi / 2) / 5, rel=0.05)  # 25 points a band


def test_masked_points_are_left_out_and_noise_is_averaged() -> None:
    f = np.geomspace(1e5, 1.0, 5000)
    z = np.where(np.arange(f.size) % 5, 10 - 1j, 1e6)
    spectrum = Spectrum(f, z, noise=np.full(f.size, 0.2), mask=np.arange(f.size) % 5 != 0, label="cell")
    thinned = thin(spectrum, 500)
    assert np.allclose(thinned.impedance, 10 - 1j)
    assert thinned.noise is not None
    assert np.allclose(thinned.noise, (0.2 + 0.2j) / np.sqrt(8))
    assert thinned.mask.all()
    assert thinned.notes[-1] == f"4000 of 5000 {THINNED} 500"
    assert thinned.label == "cell"


def test_one_frequency_is_one_point() -> None:
    spectrum = Spectrum(np.full(3000, 10.0), np.linspace(1, 3, 3000), label="hold")
    assert thin(spectrum).impedance == pytest.approx([2.0])
