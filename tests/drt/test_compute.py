"""compute_drt: analytic truths, invariances and flags."""

import json

import numpy as np
import pytest

import eistool
from tests.drt.truths import FREQUENCY, TRUTHS, Truth, loop, zarc

BY_NAME = {truth.name: truth for truth in TRUTHS}
ERRORS = {
    "one ZARC": 0.02,
    "two, 1.5 decades": 0.04,
    "two, 3 decades": 0.03,
    "ZARC + L": 0.02,
    "Warburg tail": 0.04,
    "blocking": 0.04,
    "Havriliak-Negami": 0.05,
    "two log-normals": 0.1,
    "Gerischer": 0.3,
    "constant": 0.2,
}


def error(truth: Truth, drt: eistool.DRT) -> float:
    keep = drt.tau <= truth.tau_max
    exact = truth.gamma(drt.tau[keep])
    return float(np.linalg.norm(drt.gamma[keep] - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("name", ERRORS)
def test_truth_is_found(name: str) -> None:
    truth = BY_NAME[name].shifted(1.1)
    drt = eistool.compute_drt(truth.spectrum(0.002, 1))
    assert error(truth, drt) < ERRORS[name]
    assert len(drt.peaks) == len(truth.peaks)
    for peak, part in zip(drt.peaks, truth.peaks, strict=True):
        assert abs(peak.R - part.R) < 4 * peak.u_R
        assert not peak.edge


@pytest.mark.parametrize("name", ERRORS)
def test_gamma_integrates_to_the_impedance(name: str) -> None:
    # the truths themselves: quadrature of γ against the closed form
    truth = BY_NAME[name]
    if truth.tau_max < 1e6:
        pytest.skip("the tail has no end")
    x = np.linspace(np.log(1e-22), np.log(1e16), 80001)
    tau = np.exp(x)
    f = np.array([1e-1, 1e1, 1e3])
    z = truth.R_inf + 2j * np.pi * f * truth.L
    z = z + (truth.gamma(tau) / (1 + 2j * np.pi * f[:, None] * tau)).sum(axis=1) * (x[1] - x[0])
    np.testing.assert_allclose(z, truth.impedance(f), rtol=2e-5)


def test_a_pure_rc_is_an_atom() -> None:
    truth = BY_NAME["RC + ZARC"].shifted(1.1)
    drt = eistool.compute_drt(truth.spectrum(0.002, 1))
    assert len(drt.atoms) == 1
    assert pytest.approx(30, rel=0.01) == drt.atoms[0].R
    assert drt.atoms[0].tau == pytest.approx(1.1e-4, rel=0.01)
    total = np.trapezoid(drt.gamma, np.log(drt.tau)) + sum(atom.R for atom in drt.atoms)
    assert drt.R_pol == pytest.approx(total, rel=2e-3)  # and what lies beyond the range of τ
    assert drt.R_pol == pytest.approx(80, rel=0.01)


@pytest.mark.parametrize("shapes", [True, False])
def test_scaling(shapes: bool) -> None:
    spectrum = BY_NAME["two, 3 decades"].spectrum(0.005, 2)
    larger = eistool.Spectrum(spectrum.frequency, 1000 * spectrum.impedance)
    a, b = (eistool.compute_drt(s, shapes=shapes) for s in (spectrum, larger))
    np.testing.assert_allclose(b.gamma, 1000 * a.gamma, rtol=1e-6)
    assert b.regularization == pytest.approx(a.regularization, rel=1e-6)
    assert b.R_pol == pytest.approx(1000 * a.R_pol, rel=1e-9)
    slower = eistool.compute_drt(eistool.Spectrum(spectrum.frequency / 64, spectrum.impedance), shapes=shapes)
    np.testing.assert_allclose(slower.tau, 64 * a.tau, rtol=1e-12)
    np.testing.assert_allclose(slower.gamma, a.gamma, rtol=1e-6)


def test_order_and_mask() -> None:
    spectrum = BY_NAME["two, 3 decades"].spectrum(0.005, 3)
    drt = eistool.compute_drt(spectrum)
    upwards = eistool.compute_drt(eistool.Spectrum(spectrum.frequency[::-1], spectrum.impedance[::-1]))
    np.testing.assert_allclose(upwards.gamma, drt.gamma, rtol=1e-5)
    z = spectrum.impedance.copy()
    z[10] *= 5
    wild = eistool.Spectrum(spectrum.frequency, z).with_mask(np.arange(81) != 10, "wild")
    masked = eistool.compute_drt(wild)
    assert np.isnan(masked.impedance[10])
    assert np.isfinite(masked.impedance[11])
    assert masked.R_pol == pytest.approx(drt.R_pol, rel=0.01)


def test_reproducible() -> None:
    spectrum = BY_NAME["blocking"].spectrum(0.005, 3)
    a, b = eistool.compute_drt(spectrum), eistool.compute_drt(spectrum)
    assert (a.gamma == b.gamma).all()


@pytest.mark.parametrize("n", [10, 17, 1000])
def test_other_grids(n: int) -> None:
    truth = BY_NAME["one ZARC"]
    rng = np.random.default_rng(n)
    f = np.sort(10 ** rng.uniform(-2, 5, n))
    drt = eistool.compute_drt(truth.spectrum(0.002, 1, f))
    assert error(truth, drt) < 0.15
    assert drt.R_pol == pytest.approx(50, rel=0.05)


def test_outliers_make_no_peaks() -> None:
    truth = BY_NAME["two, 3 decades"]
    spectrum = truth.spectrum(0.005, 4)
    z = spectrum.impedance.copy()
    z[[15, 40, 62]] *= [1.2, 0.8, 1.2]
    drt = eistool.compute_drt(eistool.Spectrum(FREQUENCY, z))
    assert len(drt.peaks) == 2
    assert error(truth, drt) < 0.05
    assert any("outlying" in flag for flag in drt.flags)


def test_inductive_loop() -> None:
    truth = Truth("loop", lambda k: [zarc(50, 1e-3 * k, 0.9), loop(10, 1.0 * k)])
    drt = eistool.compute_drt(truth.spectrum(0.002, 1))
    assert any("inductive" in flag for flag in drt.flags)
    negative = [peak for peak in drt.peaks if peak.R < 0]
    assert len(negative) == 1
    assert pytest.approx(-10, rel=0.05) == negative[0].R
    assert negative[0].tau == pytest.approx(1.0, rel=0.05)


def test_uniform_noise() -> None:
    truth = BY_NAME["blocking"]
    spectrum = truth.spectrum(0.003, 5, power=0.0)
    drt = eistool.compute_drt(spectrum)
    assert len(drt.peaks) <= 2


def test_an_arc_beyond_the_window_is_an_edge() -> None:
    truth = Truth("edge", lambda k: [zarc(50, 1e-3, 0.8), zarc(80, 60.0, 0.8)])
    drt = eistool.compute_drt(truth.spectrum(0.002, 1))
    assert drt.peaks[-1].edge
    assert any("outside" in flag for flag in drt.flags)


@pytest.mark.parametrize("name", ["two, 3 decades", "ZARC + L"])
@pytest.mark.parametrize("shapes", [True, False])
def test_bands_hold_the_truth(name: str, shapes: bool) -> None:
    truth = BY_NAME[name]
    held = []
    for seed in range(10):
        drt = eistool.compute_drt(truth.spectrum(0.005, seed), shapes=shapes)
        exact = truth.gamma(drt.tau)
        counted = exact > 0.02 * exact.max()
        held.append(((drt.gamma_low <= exact) & (exact <= drt.gamma_high))[counted].mean())
        assert (drt.joint_low <= drt.gamma_low).all()
        assert (drt.gamma_high <= drt.joint_high).all()
    assert np.mean(held) > 0.85


def test_result_is_shown_and_exported() -> None:
    drt = eistool.compute_drt(BY_NAME["one ZARC"].spectrum(0.005, 1))
    assert repr(drt).startswith("DRT of 'one ZARC': 1 peak, R_pol ")
    assert "persistent" in drt._repr_html_()
    assert json.loads(json.dumps(drt.to_dict()))["peaks"][0]["shape"] == "ZARC"
    frame = drt.to_dataframe()
    assert len(frame) == drt.tau.size
    np.testing.assert_allclose(frame["frequency_Hz"], 1 / (2 * np.pi * drt.tau))
    assert drt.covariance.shape == (drt.tau.size, drt.tau.size)
    assert np.abs(drt.residual).max() < 0.05


def test_invalid_arguments_are_refused() -> None:
    few = eistool.Spectrum([1, 2, 3], [1, 2, 3])
    with pytest.raises(eistool.SpectrumError, match="3 points used"):
        eistool.compute_drt(few)
    spectrum = BY_NAME["one ZARC"].spectrum(0.005, 1)
    with pytest.raises(eistool.SpectrumError, match="choose auto"):
        eistool.compute_drt(spectrum, weighting="best")
    with pytest.raises(eistool.SpectrumError, match="no measured noise"):
        eistool.compute_drt(spectrum, weighting="noise")
    with pytest.raises(eistool.SpectrumError, match="positive standard deviations"):
        eistool.compute_drt(spectrum, weighting=[1.0])
    modulus = np.abs(spectrum.impedance)
    given = eistool.compute_drt(spectrum, weighting=modulus)
    np.testing.assert_allclose(given.gamma, eistool.compute_drt(spectrum, weighting="modulus").gamma, rtol=1e-6)
