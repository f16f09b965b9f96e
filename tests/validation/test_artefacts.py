"""Instrument artefacts that are left out, and features that are not."""

from pathlib import Path

import numpy as np
import pytest

from eistool import Circuit, Spectrum, SpectrumError, check_kramers_kronig, read, simulate
from eistool.circuit.library import load_library
from eistool.typing import ComplexArray, FloatArray
from eistool.validation import find_artefacts
from eistool.validation.artefacts import INCONSISTENT, NEGATIVE, SCATTER
from eistool.validation.kramers_kronig import OUTLIER
from tests.benchmarks.coverage import draw

FREQUENCY = np.geomspace(1e6, 1e-2, 65)
ARC, VALUES = "R0-p(R1,CPE1)", [10, 50, 1e-4, 0.8]


def exact(f: FloatArray = FREQUENCY) -> ComplexArray:
    return Circuit(ARC).impedance(f, VALUES)


def noisy(z: ComplexArray, noise: float = 0.003, seed: int = 1, f: FloatArray = FREQUENCY) -> Spectrum:
    n = np.random.default_rng(seed).standard_normal((2, f.size))
    return Spectrum(f, z + noise * np.abs(z) * (n[0] + 1j * n[1]), label="cell")


def test_clean_spectra_keep_their_points() -> None:
    """All circuits of the library, values from anywhere in their ranges."""
    spectra = lost = 0
    for i, entry in enumerate(load_library()):
        for noise in (0.001, 0.01):
            rng = np.random.default_rng([5, i])
            spectrum = simulate(entry.circuit, FREQUENCY, draw(entry, rng), noise=noise, seed=i)
            lost += find_artefacts(spectrum).n_masked > 0
            spectra += 1
    assert spectra > 60
    assert lost <= 0.02 * spectra


@pytest.mark.parametrize(
    ("circuit", "values"),
    [
        ("L0-R0-p(R1,CPE1)", [3e-6, 10, 50, 1e-4, 0.8]),  # leads
        ("R0-p(R1,CPE1,R2-L1)", [20, 100, 2e-5, 0.9, 200, 200]),  # adsorption
        ("R0-p(R1,CPE1)-Wo1", [10, 50, 1e-5, 0.8, 60, 30]),
        ("L0-R0-CPE1", [3e-7, 50, 1e-5, 0.9]),  # blocking
        ("p(R0,CPE0)-CPE1", [1e5, 1e-10, 0.95, 1e-6, 0.92]),
        ("R0-p(R1,C1)", [10, 50, 1e-1]),  # an arc in the last decade only
    ],
)
@pytest.mark.parametrize("noise", [0.0005, 0.003, 0.01])
def test_features_stay(circuit: str, values: list[float], noise: float) -> None:
    for seed in range(5):
        assert find_artefacts(simulate(circuit, FREQUENCY, values, noise=noise, seed=seed)).n_masked == 0


def test_an_end_that_leaves_the_valid_curve() -> None:
    z = exact()
    z[:6] *= 1 + np.linspace(0.4, 0.05, 6) * np.exp(2j)
    spectrum = noisy(z)
    found = find_artefacts(spectrum)
    assert check_kramers_kronig(spectrum).passed is False
    assert found.kramers_kronig.passed is True
    assert found.masked.mask[6:].all()
    assert 4 <= found.n_masked <= 6
    assert set(found.mask_reason) == {"", INCONSISTENT}
    assert f"{found.n_masked} points above" in found.summary
    assert "not Kramers-Kronig consistent (up to" in found.summary


@pytest.mark.parametrize("places", [slice(None, 8), slice(57, None)])
def test_range_switch(places: slice) -> None:
    z = exact() + 1 / (2j * np.pi * FREQUENCY * 0.05)
    z[places] *= 1.12
    found = find_artefacts(noisy(z, 0.001))
    spoiled = np.zeros(65, dtype=bool)
    spoiled[places] = True
    assert np.count_nonzero(~found.masked.mask[spoiled]) >= 6
    assert found.masked.mask[~spoiled].all()


def test_loud_scatter_goes_and_moderate_scatter_stays() -> None:
    n = np.random.default_rng(3).standard_normal((2, 12))
    loud, moderate = exact(), exact()
    loud[-6:] *= 1 + 0.2 * (n[0, :6] + 1j * n[1, :6])
    moderate[-12:] *= 1 + 0.02 * (n[0] + 1j * n[1])
    found = find_artefacts(noisy(loud))
    assert found.masked.mask[:59].all()
    assert found.n_masked >= 5
    assert SCATTER in found.mask_reason
    assert find_artefacts(noisy(moderate)).n_masked == 0


def test_negative_real_parts_at_the_high_end() -> None:
    x = 1j * FREQUENCY / 1e5
    z = exact() - 30 * x / (1 + x)  # valid, but of no passive cell
    negative = z.real < -0.5
    found = find_artefacts(noisy(z))
    assert negative.sum() >= 4
    assert not found.masked.mask[negative].any()
    assert NEGATIVE in found.mask_reason
    assert found.n_masked <= 21


def test_a_negative_resistance_at_low_frequency_stays() -> None:
    f = np.geomspace(1e5, 1e-3, 65)
    s = 2j * np.pi * f
    z = np.asarray(10 + 1 / (1e-4 * s + 0.05 - 0.07 / (1 + 10 * s)), dtype=np.complex128)
    assert np.sum(z.real < -5) > 5
    assert find_artefacts(noisy(z, 0.001, f=f)).n_masked == 0


def test_outliers() -> None:
    z = exact()
    z[[12, 40]] *= [1.05, 1 + 0.08j]
    found = find_artefacts(noisy(z, 0.002))
    assert np.flatnonzero(~found.masked.mask).tolist() == [12, 40]
    assert set(found.mask_reason) == {"", OUTLIER}
    assert found.summary.startswith("2 outliers left out: 10 Hz")
    assert found.kramers_kronig.passed is True


@pytest.mark.parametrize(("spoiled", "least"), [(20, 18), (28, 0)])
def test_no_more_than_a_third(spoiled: int, least: int) -> None:
    z = exact()
    n = np.random.default_rng(3).standard_normal((2, spoiled))
    z[-spoiled:] *= 1 + 0.3 * (n[0] + 1j * n[1])
    assert least <= find_artefacts(noisy(z)).n_masked <= 65 // 3


def test_order_masks_and_units_do_not_matter() -> None:
    z = exact()
    z[:5] *= 1.5
    spectrum = noisy(z)
    expected = find_artefacts(spectrum)
    order = np.random.default_rng(1).permutation(65)
    shuffled = find_artefacts(Spectrum(FREQUENCY[order], 1e7 * spectrum.impedance[order]))
    assert shuffled.mask_reason == tuple(expected.mask_reason[i] for i in order)
    longer = Spectrum(np.append(FREQUENCY, 50.0), np.append(spectrum.impedance, 1e5), mask=[True] * 65 + [False])
    found = find_artefacts(longer)
    assert found.mask_reason == (*expected.mask_reason, "masked")
    assert found.n_masked == expected.n_masked > 0


def test_the_verdict_given_serves() -> None:
    spectrum = noisy(exact())
    verdict = check_kramers_kronig(spectrum)
    found = find_artefacts(spectrum, kramers_kronig=verdict)
    assert found.kramers_kronig is verdict
    assert found.masked is spectrum
    assert repr(found) == "Artefacts of 'cell': none"
    assert found.to_dict()["n_masked"] == 0


@pytest.mark.parametrize("n", [1, 5, 11, 12, 400])
def test_any_number_of_points(n: int) -> None:
    f = np.geomspace(1e5, 1e2 if n < 20 else 0.1, n)
    assert find_artefacts(noisy(exact(f), f=f)).n_masked == 0


def test_wrong_arguments() -> None:
    with pytest.raises(SpectrumError, match="tolerance=2"):
        find_artefacts(noisy(exact()), tolerance=2)
    with pytest.raises(SpectrumError, match="Spectrum"):
        find_artefacts("cell.mpt")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "high", "low", "outliers"),
    [
        ("EISART/contents/samples/eis_ism_format.ism", 12, 0, 0),  # range switch at 13 kHz
        ("impedance.py/data/exampleDataParstat.txt", 6, 0, 0),
        ("impedance.py/data/exampleDataPowersuite.txt", 2, 0, 0),
        ("impedance.py/data/exampleDataGamry.DTA", 0, 11, 0),
        ("GamryParser/data/raw/20240401_N_GM0016_HL03_E04_EIS.DTA", 0, 1, 1),
        ("EIS-DCT/EIS-DCT/experimental data/ML621_50%.csv", 0, 0, 0),
        ("impedance.py/data/exampleDataBioLogic.mpt", 0, 0, 0),  # noise of 3 %
        ("pyDRTtools/EIS data/text files/LIB_data.txt", 0, 0, 0),
    ],
)
def test_measured_spectra(real_data: Path, path: str, high: int, low: int, outliers: int) -> None:
    spectrum = read(real_data / path)[0]
    found = find_artefacts(spectrum)
    out = ~found.masked.mask
    wild = np.array([reason == OUTLIER for reason in found.mask_reason])
    inside = spectrum.frequency[~out]
    ends = out & ~wild
    counts = np.sum(ends & (spectrum.frequency > inside.max())), np.sum(ends & (spectrum.frequency < inside.min()))
    assert counts == (pytest.approx(high, abs=2 * (high > 0)), pytest.approx(low, abs=2 * (low > 1)))
    assert wild.sum() == outliers
