"""Readings and the smooth curve beneath them."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eistool
from eistool.drt import Reading, smooth_curve
from eistool.drt.smooth_curve import smooth
from eistool.errors import SpectrumError
from eistool.typing import ComplexArray, FloatArray
from tests.benchmarks.readings import KINDS, LEAST_HALF, Score, Truth, grouped, halves, sweeps

FREQUENCY = np.geomspace(1e6, 0.1, 57)
ALWAYS = ("R_first", "R_last", "R_phase")
CELL = {"L0": 5e-6, "R0": 10.0, "R1": 50.0, "CPE1.Q": 1e-5, "CPE1.alpha": 0.9, "CPE2.Q": 0.1, "CPE2.alpha": 0.8}


def cell(noise: float = 0.002, seed: int = 1) -> eistool.Spectrum:
    """Return a spectrum with every kind of reading."""
    return eistool.simulate("L0-R0-p(R1,CPE1)-CPE2", FREQUENCY, CELL, noise=noise, seed=seed)


def naive_curve(f: FloatArray, z: ComplexArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard error of Re and Im at frequencies, by a Gaussian process in the space of the data.

    γ is on a fine comb; R, L and 1/C are eliminated by generalised least squares. What a second smoothing finds
    in the residual counts as error, as in the code.
    """
    x, target = np.log(2 * np.pi * f), np.log(2 * np.pi * at)
    t = np.arange(-x.max() - 1.3 * np.log(10), -x.min() + 1.3 * np.log(10), 0.05)
    inside = np.clip(-t, x.min(), x.max())
    ends = [np.polyfit(x[near], np.log(np.abs(z[near])), 1)[0] for near in
            (x < x.min() + 0.7 * np.log(10), x > x.max() - 0.7 * np.log(10))]  # fmt: skip
    slope = np.where(-t < x.min(), np.clip(ends[0], -1, 0), np.clip(ends[1], -1, 0))
    modulus = np.exp(np.interp(inside, np.sort(x), np.log(np.abs(z))[np.argsort(x)]) + slope * (-t - inside))

    def stack(values: ComplexArray) -> FloatArray:
        return np.concatenate([values.real, values.imag])

    def gamma(ln: FloatArray) -> FloatArray:
        return stack(0.05 / (1 + 1j * np.exp(ln[:, None] + t)) * modulus)

    def series(ln: FloatArray) -> FloatArray:
        jw = 1j * np.exp(ln - x.mean())
        return stack(np.array([np.ones_like(jw), jw, 1 / jw]).T)

    weight = np.tile(1 / np.abs(z), 2)[:, None]
    y, X, K = stack(z) * weight[:, 0], series(x) * weight, gamma(x) * weight
    X_at, K_at = series(target), gamma(target)
    dof = y.size - 3
    found = []
    for length in smooth_curve.LENGTHS:
        process = np.exp(-0.5 * ((t[:, None] - t) / (length * np.log(10))) ** 2)
        among, across, there = K @ process @ K.T, K_at @ process @ K.T, np.diag(K_at @ process @ K_at.T)
        for a in smooth_curve.AMPLITUDES:
            inverse = np.linalg.inv(np.eye(y.size) + a**2 * among)
            G = np.linalg.inv(X.T @ inverse @ X)
            P = inverse - inverse @ X @ G @ X.T @ inverse
            variance = float(y @ P @ y) / dof
            evidence = np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(G)[1] - dof * np.log(variance)
            smoother = a**2 * across @ P + X_at @ G @ X.T @ inverse  # from data to the curve
            left = y - a**2 * among @ P @ y - X @ G @ X.T @ inverse @ y
            D = X_at - a**2 * across @ inverse @ X
            spread = a**2 * there - a**4 * np.einsum("ij,jk,ik->i", across, inverse, across)
            spread = variance * (spread + np.einsum("ij,jk,ik->i", D, G, D))
            found.append((0.5 * evidence, smoother @ y, spread, smoother @ left))
    share = np.exp(np.array([each[0] for each in found]) - max(each[0] for each in found))
    share /= share.sum()
    means, spreads, missed = (np.array([each[k] for each in found]) for k in (1, 2, 3))
    mean = share @ means
    variance_at = share @ (spreads + (means - mean) ** 2) + (smooth_curve.BIAS * share @ missed) ** 2
    return mean.reshape(2, -1), np.sqrt(variance_at).reshape(2, -1)


@pytest.mark.parametrize("noise", [0.001, 0.01])
def test_the_curve_is_that_of_a_gaussian_process(noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smooth_curve, "NOISY_POINTS", 1000)  # the oracle has one noise
    spectrum = cell(noise, seed=3)
    f, z = spectrum.frequency[::-2], spectrum.impedance[::-2]
    curve = smooth(f, z)
    assert curve is not None
    some = np.linspace(0, curve.log_x.size - 1, 25).astype(int)
    mean, u = naive_curve(f, z, np.exp(curve.log_x[some]) * curve.unit / (2 * np.pi))
    np.testing.assert_array_less(np.abs(curve.value[:, some] - mean), 0.15 * u)
    np.testing.assert_allclose(curve.u[:, some], u, rtol=0.15)


def test_slopes_belong_to_the_values() -> None:
    spectrum = cell()
    curve = smooth(spectrum.frequency[::-1], spectrum.impedance[::-1])
    assert curve is not None
    np.testing.assert_allclose(
        np.gradient(curve.value, curve.step, axis=1)[:, 2:-2], curve.slope[:, 2:-2], rtol=0.02, atol=0.05
    )
    here, there = curve.point(10, 0.4), curve.point(10, 0.401)
    np.testing.assert_allclose((there.value - here.value) / (0.001 * curve.step), here.slope, rtol=1e-2)
    np.testing.assert_allclose((there.slope - here.slope) / (0.001 * curve.step), here.curvature, rtol=1e-2)
    np.testing.assert_allclose(curve.point(10, 1.0).value_root, curve.value_root[:, 11], atol=1e-12)


def test_errors_hold_and_features_are_real() -> None:
    """Two spectra of each kind; the benchmark has more, and prints the shares."""
    score, n = Score(), 0
    for kind in KINDS:
        for seed in (0, 1):
            truth = Truth(kind, seed)
            readings = grouped(truth.spectrum())
            score.add(kind, readings, truth.readings())
            n += 1
    errors = np.array([each for found in score.errors.values() for each in found])
    off, u, value = errors.T
    assert errors.shape[0] > 5 * n
    assert 0.9 < np.mean(np.abs(off) <= 1.96 * u) < 0.995
    assert np.mean(np.abs(off) > 3 * u) < 0.02
    assert np.median(u / value) < 0.01
    assert sum(score.false.values()) <= 1


def test_each_quantity_of_a_cell() -> None:
    f = np.geomspace(1e6, 0.1, 20_001)
    z = eistool.Circuit("L0-R0-p(R1,CPE1)-CPE2").impedance(f, list(CELL.values()))
    crossing = int(np.flatnonzero(z.imag < 0)[0])
    apex = int(np.argmin(np.where(f > 10, z.imag, 0)))
    valley = int(np.argmax(np.where((f < f[apex]) & (f > 0.3), z.imag, -np.inf)))
    expected = {
        "R_first": (z.real[0], f[0]),
        "R_last": (z.real[-1], f[-1]),
        "R_phase": (z.real[crossing], f[crossing]),
        "R_intercept": (z.real[crossing], f[crossing]),
        "R_minimum_1": (z.real[valley], f[valley]),
        "apex_1_height": (-z.imag[apex], f[apex]),
    }
    within = []
    for seed in range(20):
        readings = eistool.take_readings(cell(seed=seed))
        assert set(readings) == set(expected)
        for name, (value, frequency) in expected.items():
            reading = readings[name]
            assert (reading.status, reading.unit) == ("ok", "ohm")
            assert reading.u < 0.015 * value
            assert abs(reading.value - value) < 4 * reading.u
            within.append(abs(reading.value - value) <= 1.96 * reading.u)
            if name in ("R_first", "R_last"):
                assert (reading.frequency_Hz, reading.u_frequency_Hz) == (frequency, 0.0)
            else:
                assert abs(reading.frequency_Hz - frequency) < 4 * reading.u_frequency_Hz < frequency
                within.append(abs(reading.frequency_Hz - frequency) <= 1.96 * reading.u_frequency_Hz)
    assert 0.9 < np.mean(within) < 0.99


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_unit_does_not_matter(factor: float) -> None:
    spectrum = cell()
    there = eistool.take_readings(eistool.Spectrum(spectrum.frequency, factor * spectrum.impedance))
    for name, reading in eistool.take_readings(spectrum).items():
        assert there[name].value == pytest.approx(factor * reading.value, rel=1e-6)
        assert there[name].u == pytest.approx(factor * reading.u, rel=1e-3)
        assert there[name].frequency_Hz == pytest.approx(reading.frequency_Hz, rel=1e-6)


def test_the_order_does_not_matter() -> None:
    spectrum = cell()
    order = np.random.default_rng(1).permutation(len(spectrum))
    shuffled = eistool.Spectrum(spectrum.frequency[order], spectrum.impedance[order])
    assert eistool.take_readings(shuffled) == eistool.take_readings(spectrum)


def test_masked_points_are_left_out() -> None:
    spectrum = cell()
    wild = spectrum.impedance.copy()
    wild[[0, 20]] *= 5
    used = np.ones(len(spectrum), dtype=bool)
    used[[0, 20]] = False
    masked = eistool.Spectrum(spectrum.frequency, wild, mask=used)
    alone = eistool.Spectrum(spectrum.frequency[used], wild[used])
    assert eistool.take_readings(masked) == eistool.take_readings(alone)
    assert eistool.take_readings(masked)["R_first"].frequency_Hz == spectrum.frequency[1]


def test_an_outlier_changes_little() -> None:
    spectrum = cell()
    wild = spectrum.impedance.copy()
    wild[20] *= 1.2
    good = eistool.take_readings(spectrum)
    for name, reading in eistool.take_readings(eistool.Spectrum(spectrum.frequency, wild)).items():
        assert reading.value == pytest.approx(good[name].value, abs=3 * good[name].u)
        assert reading.u < 2 * good[name].u


@pytest.mark.parametrize("off", [[-2.0], [-3.0, 2.0, -2.0], [-5.0, -4, -3, -2, -1]])
def test_what_the_curve_does_not_follow_is_within_the_error(off: list[float]) -> None:
    spectrum = cell()
    z = spectrum.impedance.copy()
    z[: len(off)] += off
    readings = eistool.take_readings(eistool.Spectrum(spectrum.frequency, z))
    assert abs(readings["R_first"].value - z.real[0]) <= 1.97 * readings["R_first"].u
    assert readings["R_last"].u < 0.01 * readings["R_last"].value


def test_noise_at_one_end_stays_there() -> None:
    spectrum = cell(noise=0.0)
    n = np.random.default_rng(2).standard_normal((2, len(spectrum)))
    sigma = np.where(spectrum.frequency < 1, 0.05, 0.001) * np.abs(spectrum.impedance)
    noisy = eistool.Spectrum(spectrum.frequency, spectrum.impedance + sigma * (n[0] + 1j * n[1]))
    readings = eistool.take_readings(noisy)
    assert readings["R_first"].u < 0.005 * readings["R_first"].value
    assert readings["R_last"].u > 0.01 * readings["R_last"].value


def test_equal_phases_are_all_within_the_error() -> None:
    """Leads without inductance and a resistance at both ends: the phase is 0 at either."""
    spectrum = eistool.simulate("R0-p(R1,C1)", np.geomspace(1e6, 1e-2, 65), [10, 40, 1e-4], noise=0.003, seed=2)
    reading = eistool.take_readings(spectrum)["R_phase"]
    assert abs(reading.value - 10) <= 2 * reading.u
    assert abs(reading.value - 50) <= 2 * reading.u
    assert reading.status == "not_resolvable"
    assert "|phase| is as small at" in reading.reason
    assert repr(reading).endswith("the error is above half of the value)")


def test_no_readings_without_points() -> None:
    spectrum = cell()
    with pytest.raises(SpectrumError, match="no point is used"):
        eistool.take_readings(spectrum.with_mask(np.zeros(len(spectrum), dtype=bool), "all"))
    with pytest.raises(SpectrumError, match=r"read\(path\)"):
        eistool.take_readings("cell.mpt")  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [3, 4, 5])
def test_few_points_give_measured_values(n: int) -> None:
    f = np.geomspace(1e5, 10, n)
    off, u = [], []  # of a resistor: bends between the points count as scatter
    for seed in range(100):
        spectrum = eistool.simulate("R0-C1", f, [100, 1.0], noise=0.01, seed=seed)
        readings = eistool.take_readings(spectrum)
        assert tuple(readings) == ALWAYS
        assert readings["R_first"].value == spectrum.impedance.real[0]
        assert "scatter of neighbours" in readings["R_first"].reason
        off.append(readings["R_first"].value - 100)
        u.append(readings["R_first"].u)
    assert np.sqrt(np.mean(np.square(u))) == pytest.approx(np.std(off), rel=0.35)


def test_one_point_has_no_error() -> None:
    reading = eistool.take_readings(eistool.Spectrum([10.0], [3 - 1j]))["R_first"]
    assert (reading.value, reading.status) == (3.0, "not_resolvable")
    assert math.isnan(reading.u)
    assert reading.to_dict()["u"] is None
    assert "too few points" in reading._repr_html_()


def test_data_without_noise() -> None:
    for name, reading in eistool.take_readings(cell(noise=0.0)).items():
        assert 0 < reading.u < 1e-3 * reading.value, name


def check_sound(readings: dict[str, Reading], spectrum: eistool.Spectrum) -> None:
    assert tuple(readings)[:3] == ALWAYS
    used = spectrum.frequency[spectrum.mask]
    for reading in readings.values():
        assert math.isfinite(reading.value)
        assert reading.u >= 0 or math.isnan(reading.u)
        assert reading.status == ("ok" if reading.u <= 0.5 * abs(reading.value) else "not_resolvable")
        assert used.min() * (1 - 1e-6) <= reading.frequency_Hz <= used.max() * (1 + 1e-6)
        assert reading.to_dict()["unit"] == "ohm"
        assert "ohm at" in repr(reading)


_sizes = st.integers(1, 40)


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), n=_sizes, distinct=_sizes, decades=st.floats(0, 40), order=st.booleans())
def test_any_spectrum_has_readings(seed: int, n: int, distinct: int, decades: float, order: bool) -> None:
    rng = np.random.default_rng(seed)
    f = 10 ** rng.uniform(-decades / 2, decades / 2, distinct)[rng.integers(0, distinct, n)]
    size = 10 ** np.cumsum(rng.normal(0, rng.choice([0, 0.05, 1]), n)) * 10 ** rng.uniform(-7, 15)
    z = size * np.exp(2j * np.pi * np.cumsum(rng.uniform(-0.1, 0.1, n) * rng.choice([0, 0.1, 10])))
    spectrum = eistool.Spectrum(np.sort(f) if order else f, z)
    check_sound(dict(eistool.take_readings(spectrum)), spectrum)


@pytest.mark.parametrize(
    "impedance",
    [
        np.full(30, 5 + 0j),
        np.full(30, -5 + 0j),
        np.full(30, 1e-300 - 1e-300j),
        np.full(30, 1e300j),
        np.where(np.arange(30) == 15, 1e200, 1.0) - 1j,
        -1j * np.geomspace(1e-7, 1e15, 30),
        1j * np.geomspace(1e3, 1e-3, 30),
        (-1.0) ** np.arange(30) + 0j,
    ],
)
def test_extreme_spectra_have_readings(impedance: ComplexArray) -> None:
    spectrum = eistool.Spectrum(np.geomspace(1e5, 0.1, 30), impedance)
    check_sound(dict(eistool.take_readings(spectrum)), spectrum)


def test_so_many_points_are_read_as_they_are() -> None:
    f = np.geomspace(1e5, 0.1, smooth_curve.MOST_POINTS + 1)
    readings = eistool.take_readings(eistool.simulate("R0-C1", f, [100, 1e-3], noise=0.01, seed=1))
    assert tuple(readings) == ALWAYS
    assert readings["R_first"].u == pytest.approx(1, rel=0.1)


def test_every_measured_sweep_has_readings(real_data: Path) -> None:
    with pytest.warns(UserWarning, match="not read"):
        spectra = eistool.read(real_data)
    names = set()
    for spectrum in spectra:
        readings = dict(eistool.take_readings(spectrum))
        check_sound(readings, spectrum)
        names |= set(readings)
    assert {"R_intercept", "R_minimum_1", "apex_1_height"} <= names


def test_halves_of_measured_sweeps_agree(real_data: Path) -> None:
    spectra = [spectrum for _, spectrum in sweeps(real_data, 2) if spectrum.n_used >= 2 * LEAST_HALF]
    distances = np.array([distance for spectrum in spectra for _, distance in halves(spectrum)])
    assert distances.size > 200
    assert np.mean(distances <= 1.96) > 0.9
