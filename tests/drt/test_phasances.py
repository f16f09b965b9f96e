"""Constant-phase tails without an assumed element."""

import json

import numpy as np
import pytest

import eistool
from tests.drt.signed import tails
from tests.drt.truths import FREQUENCY, TRUTHS, Truth, cpe, zarc

FIRST = 920_000
OMEGA0 = 2 * np.pi * np.sqrt(FREQUENCY[0] * FREQUENCY[-1])


@pytest.mark.parametrize("name", ["CPE", "CPE 0.9", "Warburg", "capacitance", "L with n = 0.8"])
def test_the_exponent_is_found(name: str) -> None:
    for seed in range(FIRST, FIRST + 4):
        exponent, truth = tails(seed)[name]
        drt = eistool.compute_drt(truth.spectrum(0.003, seed), phasances=True)
        top = int(np.argmax(drt.eta))
        assert drt.phasance[top] == pytest.approx(exponent, abs=0.05)
        assert (drt.eta_low <= drt.eta).all()
        assert (drt.eta <= drt.eta_high).all()
        for part in truth.peaks:
            near = min(drt.peaks, key=lambda peak: abs(np.log(peak.tau / part.tau)))
            assert abs(np.log10(near.tau / part.tau)) < 0.2
            assert pytest.approx(near.R, abs=4 * near.u_R) == part.R


def test_the_area_is_the_modulus_at_the_reference_frequency() -> None:
    exponent, truth = tails(FIRST)["CPE 0.9"]
    drt = eistool.compute_drt(truth.spectrum(0.001, 1), phasances=True)
    assert exponent is not None
    near = np.abs(drt.phasance - exponent) < 0.15
    area = np.trapezoid(drt.eta[near], drt.phasance[near])
    assert area == pytest.approx(1 / (2e-3 * OMEGA0**0.9), rel=0.3)


def test_gamma_and_eta_give_the_impedance() -> None:
    _, truth = tails(FIRST)["CPE"]
    drt = eistool.compute_drt(truth.spectrum(0.003, 1), phasances=True)
    w = 2 * np.pi * FREQUENCY
    z = drt.R_inf + (drt.gamma / (1 + 1j * w[:, None] * drt.tau)).sum(axis=1) * np.log(drt.tau[1] / drt.tau[0])
    for side in (drt.phasance < 0, drt.phasance > 0):
        nu, eta = drt.phasance[side], drt.eta[side]
        z = z + np.trapezoid(eta * (1j * w[:, None] / OMEGA0) ** nu, nu, axis=1)
    assert np.abs(z / truth.impedance(FREQUENCY) - 1).max() < 0.05
    assert (drt.inductance, drt.u_inductance, drt.inverse_capacitance) == (0, 0, 0)


@pytest.mark.parametrize("name", ["no tail", "RC"])
def test_no_tail_has_no_phasances(name: str) -> None:
    for seed in range(FIRST, FIRST + 4):
        _, truth = tails(seed)[name]
        drt = eistool.compute_drt(truth.spectrum(0.003, seed), phasances=True)
        assert np.trapezoid(drt.eta, drt.phasance) < 0.003 * sum(part.R for part in truth.peaks)
        assert len(drt.peaks) == len(truth.peaks)
        assert all(abs(peak.R / part.R - 1) < 0.06 for peak, part in zip(drt.peaks, truth.peaks, strict=True))


def test_off_by_default() -> None:
    drt = eistool.compute_drt(TRUTHS[0].spectrum(0.003, 1))
    assert drt.phasance.size == drt.eta.size == drt.eta_low.size == drt.eta_high.size == 0
    assert json.loads(json.dumps(drt.to_dict()))["eta"] == []


def test_scaling() -> None:
    _, truth = tails(FIRST)["CPE"]
    spectrum = truth.spectrum(0.003, 1)
    larger = eistool.Spectrum(spectrum.frequency, 1000 * spectrum.impedance)
    a, b = (eistool.compute_drt(s, phasances=True) for s in (spectrum, larger))
    np.testing.assert_allclose(b.eta, 1000 * a.eta, rtol=1e-6)
    np.testing.assert_allclose(b.gamma, 1000 * a.gamma, rtol=1e-6)
    slower = eistool.compute_drt(eistool.Spectrum(spectrum.frequency / 64, spectrum.impedance), phasances=True)
    np.testing.assert_allclose(slower.eta, a.eta, rtol=1e-6)


def test_with_a_signed_window() -> None:
    _, truth = tails(FIRST)["CPE"]
    spectrum = truth.spectrum(0.003, 1)
    drt = eistool.compute_drt(spectrum, phasances=True, signed=(1e-6, 1e-5))
    plain = eistool.compute_drt(spectrum, phasances=True)
    assert drt.phasance[np.argmax(drt.eta)] == pytest.approx(plain.phasance[np.argmax(plain.eta)], abs=0.01)
    assert [peak.R > 1 for peak in drt.peaks if abs(peak.R) > 1] == [True, True]


def test_ambiguity_of_gamma_and_phasances_is_flagged() -> None:
    # two tails at once: η shows one between them, and γ makes up for the rest
    truth = Truth("tails", lambda k: [zarc(50, 1e-4, 0.85), zarc(100, 1e-2, 0.8), cpe(2e-3, 0.9), cpe(5e-3, 0.7)])
    drt = eistool.compute_drt(truth.spectrum(0.001, 1), phasances=True)
    assert len(drt.peaks) == 3
    assert any("are interchangeable" in flag for flag in drt.flags)
    _, plain = tails(FIRST)["CPE 0.9"]
    drt = eistool.compute_drt(plain.spectrum(0.001, 1), phasances=True)
    assert not any("are interchangeable" in flag for flag in drt.flags)
