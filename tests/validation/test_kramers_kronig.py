"""Verdicts of the Kramers-Kronig test."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eistool import Circuit, FitError, Spectrum, SpectrumError, check_kramers_kronig, fit, read, simulate
from eistool.typing import ComplexArray, FloatArray
from eistool.validation.ladder import Points, scan_ladders
from tests.benchmarks.validity import CIRCUITS, cases, drifting, noisy

FREQUENCY = np.geomspace(1e6, 1e-2, 65)
ARC = "R0-p(R1,CPE1)"
VALUES = [10, 50, 1e-4, 0.8]


def arc(noise: float = 0.002, seed: int = 1, f: FloatArray = FREQUENCY) -> Spectrum:
    return simulate(ARC, f, VALUES, noise=noise, seed=seed)


def exact(f: FloatArray = FREQUENCY) -> ComplexArray:
    return Circuit(ARC).impedance(f, VALUES)


@pytest.mark.parametrize("name", CIRCUITS)
def test_valid_spectra_pass_and_tell_their_noise(name: str) -> None:
    for noise in (0.001, 0.01):
        result = check_kramers_kronig(simulate(name, FREQUENCY, CIRCUITS[name], noise=noise, seed=3))
        assert result.passed is True, result
        assert result.reasons == ()
        assert result.noise_relative == pytest.approx(noise, rel=0.4)
        assert result.max_residual < 5 * noise
        assert abs(result.drift) < 5 * result.u_drift


def test_false_alarms_are_rare_and_gross_violations_found() -> None:
    wrong = found = valid = gross = 0
    for kind, noise, spectrum in cases(200, seed=11):
        if kind == "valid":
            valid += 1
            wrong += check_kramers_kronig(spectrum).passed is not True
        elif kind == "drift 10 %" and noise < 0.01:
            gross += 1
            found += check_kramers_kronig(spectrum).passed is False
    assert wrong <= 0.02 * valid
    assert found >= 0.9 * gross


def test_drift_is_told_with_its_size() -> None:
    result = check_kramers_kronig(
        noisy(FREQUENCY, drifting(FREQUENCY, exact(), 0.1), 0.001, np.random.default_rng(2))
    )
    assert result.passed is False
    [reason] = result.reasons
    assert reason.kind == "drift"
    assert "over the sweep" in reason.text
    assert result.drift == pytest.approx(0.1, abs=4 * result.u_drift)


def test_outliers_are_proposed_and_not_dropped() -> None:
    z = arc().impedance.copy()
    z[[12, 40]] *= [1.05, 1 + 0.08j]
    result = check_kramers_kronig(Spectrum(FREQUENCY, z))
    assert result.passed is False
    assert result.outliers.tolist() == [12, 40]
    assert result.reasons[0].text.startswith("2 outliers: ")
    assert result.spectrum.mask.all()
    assert abs(result.residual[12]) == pytest.approx(0.05, abs=0.01)
    masked = result.masked()
    assert not masked.mask[[12, 40]].any()
    assert masked.n_used == 63
    assert set(masked.mask_reason) == {"", "outlier of the Kramers-Kronig test"}
    assert check_kramers_kronig(masked).passed is True


def test_masking_by_residual() -> None:
    z = exact()
    z = z.real + 1j * z.imag * (1 + 0.5 * ((FREQUENCY > 100) & (FREQUENCY < 1000)))  # a wrong range
    result = check_kramers_kronig(noisy(FREQUENCY, z, 0.001, np.random.default_rng(1)))
    assert result.passed is False
    masked = result.masked("kk")
    assert 3 < 65 - masked.n_used < 40
    assert masked.mask_reason[int(np.abs(result.residual).argmax())].startswith("Kramers-Kronig residual above")
    assert all(bool(reason) != used for reason, used in zip(masked.mask_reason, masked.mask, strict=True))
    with pytest.raises(SpectrumError, match="mask='all'; choose one of outliers, kk"):
        result.masked("all")


def test_order_and_masked_points_do_not_matter() -> None:
    spectrum = arc()
    expected = check_kramers_kronig(spectrum)
    order = np.random.default_rng(1).permutation(65)
    shuffled = check_kramers_kronig(Spectrum(FREQUENCY[order], spectrum.impedance[order]))
    np.testing.assert_allclose(shuffled.residual, expected.residual[order], atol=1e-9)
    z = np.append(spectrum.impedance, [5e4 + 1j, 3.0])
    longer = Spectrum(np.append(FREQUENCY, [50.0, 70.0]), z, mask=[True] * 65 + [False] * 2)
    result = check_kramers_kronig(longer)
    np.testing.assert_allclose(result.residual[:65], expected.residual, atol=1e-9)
    assert np.isnan(result.residual[65:]).all()
    assert np.isfinite(result.noise).all()


@given(st.floats(-9, 9), st.integers(0, 1000))
@settings(max_examples=20)
def test_units_do_not_matter(decades: float, seed: int) -> None:
    spectrum = arc(seed=seed)
    expected = check_kramers_kronig(spectrum)
    scaled = check_kramers_kronig(Spectrum(FREQUENCY, spectrum.impedance * 10**decades))
    assert scaled.n_rc == expected.n_rc
    np.testing.assert_allclose(scaled.residual, expected.residual, atol=1e-7)


@pytest.mark.parametrize("n", [10, 13, 31, 300, 1000])
def test_any_number_of_points(n: int) -> None:
    f = np.geomspace(1e5, 1e2 if n < 20 else 0.1, n)
    assert check_kramers_kronig(arc(0.003, 1, f)).passed is True


@pytest.mark.parametrize(
    ("f", "text"),
    [(np.geomspace(1e4, 1e3, 5), "5 points are too few; 8 are needed"), (np.geomspace(1e6, 1e-2, 12), "a decade")],
)
def test_too_few_points_cannot_tell(f: FloatArray, text: str) -> None:
    result = check_kramers_kronig(arc(f=f))
    assert result.passed is None
    assert text in result.reason
    assert np.isnan(result.residual).all()
    assert result.with_noise().noise is None
    assert result.masked("kk").mask.all()
    assert result.to_dict()["mu"] is None


def test_noise_that_hides_everything_cannot_tell() -> None:
    result = check_kramers_kronig(arc(noise=0.1))
    assert result.passed is None
    assert "noise of" in result.reason


def test_noise_follows_frequency_and_part() -> None:
    rng = np.random.default_rng(4)
    z = exact()
    size = 0.0005 * (1 + 9 * (FREQUENCY < 1))
    spectrum = Spectrum(FREQUENCY, z + np.abs(z) * size * (rng.standard_normal(65) + 3j * rng.standard_normal(65)))
    noise = check_kramers_kronig(spectrum).noise / np.abs(z)
    slow, fast = FREQUENCY < 0.1, FREQUENCY > 1e4
    assert noise.real[slow].mean() > 3 * noise.real[fast].mean()
    assert 2 < noise.imag.mean() / noise.real.mean() < 4.5


def test_noise_serves_as_weights() -> None:
    spectrum = arc()
    with pytest.raises(FitError, match="check_kramers_kronig"):
        fit(spectrum, ARC, weighting="noise")
    weighted = check_kramers_kronig(spectrum).with_noise()
    result = fit(weighted, ARC, weighting="noise")
    assert 0.6 < result.chi2_reduced < 1.6
    assert result.parameters["R1"].value == pytest.approx(50, abs=4 * result.parameters["R1"].stderr)
    assert check_kramers_kronig(weighted).with_noise() is weighted


@pytest.mark.parametrize("part", ["real", "imag", "complex"])
@pytest.mark.parametrize("form", ["impedance", "admittance"])
def test_forms_and_parts(part: str, form: str) -> None:
    spectrum = simulate("L0-R0-p(R1,CPE1)-C1", FREQUENCY, [1e-6, *VALUES, 0.5], noise=0.001, seed=1)
    result = check_kramers_kronig(spectrum, form=form, part=part)
    assert result.passed is True
    assert (result.form, result.part) == (form, part)
    assert np.median(np.abs(result.residual)) < 0.01
    assert result.max_residual < (0.02 if part != "imag" else 0.2)  # the end is an extrapolation


def test_negative_resistance_is_valid_as_admittance() -> None:
    s = 2j * np.pi * FREQUENCY
    z = np.asarray(
        10 + 1 / (1e-4 * s + 0.05 - 0.07 / (1 + 10 * s)), dtype=np.complex128
    )  # Y has no pole on the right, Z has one
    spectrum = noisy(FREQUENCY, z, 0.001, np.random.default_rng(1))
    assert check_kramers_kronig(spectrum, form="impedance").passed is False
    result = check_kramers_kronig(spectrum)
    assert (result.passed, result.form) == (True, "admittance")
    assert result.max_residual < 0.006


def test_rounding_is_no_violation() -> None:
    f = np.geomspace(1e5, 0.1, 49)
    resonance = simulate("p(R1,L1,C1)", f, [28.6, 0.1, 1e-3]).impedance  # exact as admittance only
    for scale in np.linspace(1, 2, 8):
        assert check_kramers_kronig(Spectrum(f, scale * resonance)).passed


def test_given_length() -> None:
    assert check_kramers_kronig(arc(), n_rc=12).n_rc == 12
    assert check_kramers_kronig(arc()).n_rc_mu >= 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"form": "Z"}, "form='Z'; choose one of auto, impedance, admittance"),
        ({"part": "both"}, "part='both'; choose one of complex, real, imag"),
        ({"n_rc": 0}, "n_rc=0; choose 1 to 62"),
        ({"tolerance": 2.0}, "tolerance=2.0; give a share"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(SpectrumError, match=text):
        check_kramers_kronig(arc(), **arguments)  # type: ignore[arg-type]
    with pytest.raises(SpectrumError, match="expected a Spectrum"):
        check_kramers_kronig("cell.mpt")  # type: ignore[arg-type]


def test_mu_is_that_of_schoenlebers_software(real_data: Path) -> None:
    """The value that the authors' Lin-KK software gives, as impedance.py's tests quote it: M = 10, c = 0.69."""
    [spectrum] = read(real_data / "impedance.py" / "data" / "Circuit3_EIS_1.z")
    z = spectrum.impedance
    points = Points(spectrum.omega, z, np.abs(z) * np.ones((2, 1)), np.empty((0, z.size), complex))
    mu = scan_ladders(points, 0.0, 12)[:, 3]
    assert mu[9] == pytest.approx(0.6843821117885378, rel=1e-9)
    assert int(np.argmax(mu < 0.69)) + 1 == 10
    assert check_kramers_kronig(spectrum).passed is True


def test_measured_drift(real_data: Path) -> None:
    result = check_kramers_kronig(read(real_data / "impedance.py" / "data" / "exampleDataGamry.DTA")[0])
    assert result.passed is False
    assert "drift" in {reason.kind for reason in result.reasons}
