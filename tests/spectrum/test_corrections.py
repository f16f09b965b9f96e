"""Corrections: each undoes what was done to a known spectrum, and says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eistool import (
    Metadata,
    Spectrum,
    SpectrumError,
    average_spectra,
    deembed,
    normalize_by_area,
    simulate,
    subtract_lead,
    subtract_stray_capacitance,
)

FREQUENCY = np.geomspace(1e7, 1.0, 36)
OMEGA = 2 * np.pi * FREQUENCY
SAMPLE = simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 500, 1e-7, 0.9])
Z_SHORT = 0.3 + 1j * OMEGA * 2e-7
Y_OPEN = 1e-8 + 1j * OMEGA * 5e-12


def test_lead_and_stray_capacitance() -> None:
    measured = Spectrum(FREQUENCY, SAMPLE.impedance + 2 + 1j * OMEGA * 1e-7, noise=np.full(36, 0.1))
    corrected = subtract_lead(measured, 2, 1e-7)
    np.testing.assert_allclose(corrected.impedance, SAMPLE.impedance)
    np.testing.assert_array_equal(corrected.noise, measured.noise)
    assert corrected.notes[-1] == "a lead of 2 Ω and 1e-07 H is subtracted"
    assert measured.notes == ()
    parallel = Spectrum(FREQUENCY, 1 / (1 / SAMPLE.impedance + 1j * OMEGA * 1e-10))
    corrected = subtract_stray_capacitance(parallel, 1e-10)
    np.testing.assert_allclose(corrected.impedance, SAMPLE.impedance)
    assert corrected.notes == ("a parallel capacitance of 1e-10 F is subtracted",)


@given(st.permutations(range(36)))
def test_short_and_open_in_any_order(order: list[int]) -> None:
    measured = Spectrum(FREQUENCY, Z_SHORT + 1 / (1 / SAMPLE.impedance + Y_OPEN))
    short = Spectrum(FREQUENCY[order], Z_SHORT[order], label="short.mpt")
    opened = Spectrum(FREQUENCY[order], (Z_SHORT + 1 / Y_OPEN)[order], label="open.mpt")
    corrected = deembed(measured, short, opened)
    np.testing.assert_allclose(corrected.impedance, SAMPLE.impedance, rtol=1e-9)
    assert corrected.notes == ("corrected for the fixture with short short.mpt and open open.mpt",)
    only_open = Spectrum(FREQUENCY, 1 / (1 / SAMPLE.impedance + Y_OPEN))
    np.testing.assert_allclose(
        deembed(only_open, open=Spectrum(FREQUENCY, 1 / Y_OPEN)).impedance, SAMPLE.impedance, rtol=1e-9
    )


def test_noise_goes_through_the_correction() -> None:
    rng = np.random.default_rng(1)
    f, z_short, z_open, z = np.array([1e6]), 3 + 5j, 50 - 400j, 60 - 200j
    size, u_short, u_open = 0.5, 0.3, 2.0

    def noisy(value: complex, sigma: float) -> complex:
        return complex(value + sigma * (rng.standard_normal() + 1j * rng.standard_normal()))

    def corrected(*values: complex, noise: tuple[float, ...] | None = None) -> Spectrum:
        sizes = [None] * 3 if noise is None else [[one] for one in noise]
        return deembed(*(Spectrum(f, [v], noise=one) for v, one in zip(values, sizes, strict=True)))

    result = corrected(z, z_short, z_open, noise=(size, u_short, u_open))
    many = np.array(
        [
            corrected(noisy(z, size), noisy(z_short, u_short), noisy(z_open, u_open)).impedance[0]
            for _ in range(2000)
        ]
    )
    assert result.noise is not None
    assert result.noise[0].real == pytest.approx(many.real.std(), rel=0.15)
    assert result.noise[0].imag == pytest.approx(many.imag.std(), rel=0.15)


def test_area() -> None:
    spectrum = SAMPLE.with_metadata("given", diameter_mm=10.0)
    per_area = normalize_by_area(spectrum)
    np.testing.assert_allclose(per_area.impedance, SAMPLE.impedance * 0.7853981634)
    assert "Ω cm²" in per_area.notes[-1]
    np.testing.assert_allclose(normalize_by_area(spectrum, 2.0).impedance, 2 * SAMPLE.impedance)
    noisy = Spectrum([1.0], [1.0], Metadata(area_cm2=0.5), noise=[0.1])
    assert normalize_by_area(noisy).noise == pytest.approx([0.05 + 0.05j])
    with pytest.raises(SpectrumError, match="already per area"):
        normalize_by_area(per_area)
    with pytest.raises(SpectrumError, match="the area is unknown; give area_cm2"):
        normalize_by_area(SAMPLE)


def test_mean_of_replicates() -> None:
    replicates = [
        simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 500, 1e-7, 0.9], noise=0.01, seed=seed) for seed in range(4)
    ]
    mean = average_spectra(replicates)
    assert mean.noise is not None
    scatter = np.abs(mean.impedance - SAMPLE.impedance)
    assert np.median(mean.noise.real / np.abs(mean.impedance)) == pytest.approx(0.005, rel=0.3)
    assert np.median(scatter) < 0.01 * np.abs(SAMPLE.impedance).max()
    assert mean.notes[-1].startswith("mean of 4 replicates")
    spoiled = Spectrum(FREQUENCY, replicates[1].impedance * 100, mask=FREQUENCY > 100)
    part = average_spectra([replicates[0], spoiled.with_mask(FREQUENCY < 1, "bad"), replicates[2]])
    slow = FREQUENCY <= 100
    expected = (replicates[0].impedance + replicates[2].impedance)[slow] / 2
    np.testing.assert_allclose(part.impedance[slow], expected)
    assert part.mask.all()
    nowhere = [one.with_mask(FREQUENCY > 2, "low") for one in replicates[:2]]
    assert average_spectra(nowhere).mask_reason[-1] == "low"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: subtract_lead(SAMPLE, -1), "resistance=-1; give a number from 0"),
        (lambda: subtract_stray_capacitance(SAMPLE, float("nan")), "capacitance=nan"),
        (lambda: normalize_by_area(SAMPLE, 0), "area_cm2=0; give a positive number"),
        (lambda: deembed(SAMPLE), "expected a measurement of short, open or both"),
        (
            lambda: deembed(SAMPLE, Spectrum([1.0], [1.0])),
            r"short spectrum has no point at 1e\+07 Hz \(one of 35\)",
        ),
        (lambda: average_spectra([SAMPLE]), "expected two replicates or more, got 1"),
        (lambda: average_spectra([SAMPLE, Spectrum([1.0], [1.0])]), "measure it at the same frequencies"),
        (lambda: average_spectra(["a.mpt"]), "expected a Spectrum"),  # type: ignore[list-item]
    ],
)
def test_wrong_arguments(call: "object", text: str) -> None:
    with pytest.raises(SpectrumError, match=text):
        call()  # type: ignore[operator]
