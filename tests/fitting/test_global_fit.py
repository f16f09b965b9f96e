"""Tests of global fits: shared parameters, laws, smoothness and errors."""

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike

import eistool
from eistool import FitError, Metadata, Series, Spectrum
from eistool.fitting import GlobalFit
from eistool.fitting.global_fit.arrow_matrix import Arrow, invert, solve
from eistool.fitting.global_fit.laws import LAWS, LawTerm
from eistool.fitting.global_fit.smoothing import second_differences

FREQUENCY = np.geomspace(1e6, 1.0, 37)
CIRCUIT = "R0-p(R1,CPE1)"
BOLTZMANN_EV = 8.617333262e-5
EA, LN_SIGMA0 = 0.31, 11.731
CELSIUS = (-20.0, 0.0, 20.0, 40.0, 60.0)


def resistance(celsius: float) -> float:
    kelvin = celsius + 273.15
    return float(kelvin * np.exp(EA / (BOLTZMANN_EV * kelvin) - LN_SIGMA0))


def spectrum_at(R1: float, seed: int, metadata: Metadata, noise: float = 0.005) -> Spectrum:
    label = f"number {seed}"
    return eistool.simulate(CIRCUIT, FREQUENCY, [5, R1, 1e-6, 0.85], noise, seed, metadata, label=label)


def arrhenius_series(seed: int = 0, celsius: Sequence[float] = CELSIUS) -> Series:
    spectra = [
        spectrum_at(resistance(t), 100 * seed + i, Metadata(temperature_C=t)) for i, t in enumerate(celsius)
    ]
    return Series(spectra, by="temperature")


def soc_series(values: ArrayLike, seed: int = 0, noise: float = 0.005) -> Series:
    spectra = [
        spectrum_at(R, 1000 * seed + i, Metadata(soc_pct=10.0 + 5 * i), noise)
        for i, R in enumerate(np.asarray(values, dtype=np.float64))
    ]
    return Series(spectra, by="soc")


@pytest.fixture(scope="module")
def together() -> GlobalFit:
    return eistool.fit_global(arrhenius_series(), CIRCUIT, shared=("CPE1.alpha",), laws={"R1": "arrhenius"})


def test_activation_energy_is_found(together: GlobalFit) -> None:
    law = together.laws["R1"].parameters
    assert abs(law["Ea_eV"].value - EA) < 3 * law["Ea_eV"].stderr
    assert abs(law["ln_sigma0"].value - LN_SIGMA0) < 3 * law["ln_sigma0"].stderr
    assert law["Ea_eV"].unit == "eV"
    assert together.status == "ok"
    assert not together.flags
    assert together.names == ("CPE1.alpha", "R1.Ea_eV", "R1.ln_sigma0")
    assert law["Ea_eV"].stderr == pytest.approx(np.sqrt(together.covariance[1, 1]))
    for t, result in zip(CELSIUS, together.results, strict=True):
        assert result.parameters["R1"].value == pytest.approx(resistance(t), rel=0.02)
        assert result.parameters["CPE1.alpha"].value == together.shared["CPE1.alpha"].value
        assert result.status == "ok"


def test_coverage_of_intervals() -> None:
    """Coverage over 60 seeds; below 85 % has a probability of 0.2 % for correct intervals."""
    inside = np.zeros(3)
    for seed in range(60):
        fit = eistool.fit_global(arrhenius_series(seed + 1), CIRCUIT, "CPE1.alpha", {"R1": "arrhenius"})
        law = fit.laws["R1"].parameters
        fitted = (fit.shared["CPE1.alpha"], law["Ea_eV"], law["ln_sigma0"])
        inside += [p.ci_low <= truth <= p.ci_high for p, truth in zip(fitted, (0.85, EA, LN_SIGMA0), strict=True)]
    assert (inside / 60 >= 0.85).all(), inside / 60


def test_shared_parameters_have_smaller_errors() -> None:
    series = arrhenius_series()
    separate = [result.parameters["CPE1.alpha"].stderr for result in eistool.fit_many(series, CIRCUIT)]
    shared = eistool.fit_global(series, CIRCUIT, shared=["CPE1.alpha"]).shared["CPE1.alpha"]
    assert shared.stderr < 0.8 * min(separate)
    assert abs(shared.value - 0.85) < 4 * shared.stderr


def test_covariance_is_that_of_the_stacked_problem(together: GlobalFit) -> None:
    """The oracle stacks all residuals and the derivatives by joint and local parameters."""
    n_local, blocks = 2, []  # R0 and Q of each spectrum, then alpha, Ea and ln σ0
    n = len(together.results)
    for s, result in enumerate(together.results):
        z = result.spectrum.impedance
        jacobian = result.circuit.jacobian(FREQUENCY, result.values) / np.abs(z)[:, None]
        stacked = np.vstack([jacobian.real, jacobian.imag])
        R = result.parameters["R1"].value
        kelvin = CELSIUS[s] + 273.15
        row = np.zeros((stacked.shape[0], n_local * n + 3))
        row[:, 2 * s : 2 * s + 2] = stacked[:, [0, 2]]
        row[:, -3] = stacked[:, 3]
        row[:, -2] = stacked[:, 1] * R / (BOLTZMANN_EV * kelvin)
        row[:, -1] = -stacked[:, 1] * R
        blocks.append(row)
    all_rows = np.vstack(blocks)
    column = np.linalg.norm(all_rows, axis=0)
    inverse = np.linalg.inv((all_rows / column).T @ (all_rows / column)) / np.outer(column, column)
    dof = all_rows.shape[0] - all_rows.shape[1]
    assert together.dof == dof
    expected = inverse * together.chi2 / dof
    sigma = np.sqrt(np.diag(expected))
    difference = (together.covariance - expected[-3:, -3:]) / np.outer(sigma[-3:], sigma[-3:])
    assert np.abs(difference).max() < 1e-6
    for s, result in enumerate(together.results):
        index = [2 * s, 2 * s + 1, 2 * n]
        actual = result.covariance[np.ix_([0, 2, 3], [0, 2, 3])]
        np.testing.assert_allclose(actual / expected[np.ix_(index, index)], 1, rtol=1e-5)


@pytest.mark.parametrize("n", [3, 4, 7])
@pytest.mark.parametrize("tied", [False, True])
def test_blocks_solve_the_dense_equations(n: int, tied: bool) -> None:
    rng = np.random.default_rng(n)
    size, m = 3, 2
    rows = rng.standard_normal((n, 12, size + m))
    hessian = rows.transpose(0, 2, 1) @ rows
    local, border, joint = (
        hessian[:, :size, :size].copy(),
        hessian[:, :size, size:],
        hessian[:, size:, size:].sum(0),
    )
    dense = np.zeros((n * size + m, n * size + m))
    for s in range(n):
        block = slice(s * size, (s + 1) * size)
        dense[block, block], dense[block, n * size :], dense[n * size :, block] = local[s], border[s], border[s].T
    dense[n * size :, n * size :] = joint
    ties = None
    if tied:
        strength = np.array([0.0, 2.0, 30.0])
        d = np.zeros((n - 2, n))
        for k, weights in enumerate(second_differences(np.arange(n, dtype=np.float64) ** 1.5)):
            d[k, k : k + 3] = weights
        penalty = d.T @ d
        dense[: n * size, : n * size] += np.kron(penalty, np.diag(strength))
        local += np.diag(penalty)[:, None, None] * np.diag(strength)
        ties = (np.diag(penalty, 1)[:, None] * strength, np.diag(penalty, 2)[:, None] * strength)
    rhs = rng.standard_normal(n * size + m)
    arrow = Arrow(local, border, joint, rhs[:-m].reshape(n, size), rhs[-m:], ties)
    step, joint_step = solve(arrow, 0.0)
    np.testing.assert_allclose(np.concatenate([step.ravel(), joint_step]), np.linalg.solve(dense, rhs), rtol=1e-8)
    inverse, expected = invert(arrow), np.linalg.inv(dense)
    np.testing.assert_allclose(inverse.joint, expected[n * size :, n * size :], rtol=1e-8)
    for s in range(n):
        block = slice(s * size, (s + 1) * size)
        np.testing.assert_allclose(inverse.local[s], expected[block, block], rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(inverse.border[s], expected[block, n * size :], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("law", "exponent"),
    [(law, e) for law in LAWS for e in (False, True) if not (e and law in ("arrhenius", "power"))],
)
def test_derivatives_of_laws(law: str, exponent: bool) -> None:
    term = LawTerm("R1", law, 1, exponent, np.array([250.0, 270.0, 320.0, 300.0]))
    g = np.array([0.8, 0.6])[: term.count]
    u, derivative = term.evaluate(g)
    values, by_g = term.physical(g)
    step = 1e-6
    for k in range(term.count):
        shifted = g + step * np.eye(term.count)[k]
        np.testing.assert_allclose((term.evaluate(shifted)[0] - u) / step, derivative[:, k], rtol=1e-4)
        np.testing.assert_allclose((term.physical(shifted)[0] - values) / step, by_g[:, k], rtol=1e-4)
    np.testing.assert_allclose(term.start(u, np.ones(4)), g, rtol=1e-5)


@pytest.mark.parametrize(
    ("law", "truth"),
    [("linear", (50.0, 0.8)), ("power", (20.0, 0.5)), ("constant", (70.0,))],
)
def test_other_laws(law: str, truth: tuple[float, ...]) -> None:
    soc = 10.0 + 5 * np.arange(8)
    first, second = truth[0], truth[-1]
    values = {"linear": first + second * soc, "power": first * soc**second, "constant": first + 0 * soc}
    fit = eistool.fit_global(soc_series(values[law]), CIRCUIT, laws={"R1": law})
    for parameter, exact in zip(fit.laws["R1"].parameters.values(), truth, strict=True):
        assert abs(parameter.value - exact) < 4 * parameter.stderr
        assert parameter.stderr < 0.1 * exact
        assert parameter.status == "ok"


@pytest.mark.parametrize("strength", ["auto", 1e4])
def test_smoothness_reduces_scatter(strength: float | str) -> None:
    x = np.arange(20.0)
    truth = 80 * np.exp(0.2 * np.sin(x / 6))
    series = soc_series(truth, noise=0.03)
    separate = np.array([r.parameters["R1"].value for r in eistool.fit_many(series, CIRCUIT)])
    fit = eistool.fit_global(series, CIRCUIT, smooth={"R1": strength})
    smooth = np.array([r.parameters["R1"].value for r in fit.results])
    u = np.array([r.parameters["R1"].stderr for r in fit.results])
    assert np.std(smooth - truth) < 0.7 * np.std(separate - truth)
    assert np.mean(np.abs(smooth - truth) < 3 * u) > 0.9
    assert len(series) * 3 < fit.n_parameters < len(series) * 4
    assert fit.smooth["R1"] > 100


def test_one_bad_spectrum_is_left_out() -> None:
    spectra = list(arrhenius_series())
    spectra[2] = spectra[2].with_mask(np.arange(37) < 1, "nothing left")
    noise = np.random.default_rng(1).uniform(1, 1e4, (2, 37))
    spectra[4] = Spectrum(FREQUENCY, noise[0] + 1j * noise[1], Metadata(temperature_C=60.0), "nonsense")
    fit = eistool.fit_global(spectra, CIRCUIT, ["CPE1.alpha"], {"R1": "arrhenius"})
    assert fit.results[2].status == "failed"
    assert "1 points" in fit.results[2].reason
    assert "left out" in fit.results[2].flags[0]
    assert "left out" in fit.results[4].flags[0]
    assert len([flag for flag in fit.flags if "left out" in flag]) == 2
    energy = fit.laws["R1"].parameters["Ea_eV"]
    assert abs(energy.value - EA) < 4 * energy.stderr
    assert fit.n_data == 3 * 74


@pytest.mark.parametrize("seed", range(80, 84))
def test_a_dispensable_arc_keeps_the_error_of_the_series_resistance(seed: int) -> None:
    soc = [0, 50, 100, 100, 50, 0]
    spectra = [
        spectrum_at(seed, i, Metadata(soc_pct=x, direction=d), 0.01)
        for i, (x, d) in enumerate(zip(soc, 3 * ["charge"] + 3 * ["discharge"], strict=True))
    ]
    arguments = (
        Series(spectra),
        "R0-p(R1,CPE1)-p(R2,CPE2)",
        ["CPE1.alpha", "CPE2.alpha"],
        {"R1": "linear"},
        {"CPE1.Q": "auto"},
    )
    # with little capacitance, the arc may lie beyond the window, where its resistance adds to R0
    for fit, largest in (
        (eistool.fit_global(*arguments, bounds={"CPE2.Q": (1e-4, 1.0)}), 1.0),
        (eistool.fit_global(*arguments), np.inf),
    ):
        series = [result.parameters["R0"] for result in fit.results]
        assert all(R0.stderr < largest and abs(R0.value - 5) < 4 * R0.stderr for R0 in series)
        arcs = [[result.parameters[name] for name in ("R1", "R2")] for result in fit.results]
        assert not any(all(R.value > 5 * R.stderr for R in pair) for pair in arcs)


def test_a_law_that_does_not_hold_is_flagged() -> None:
    fit = eistool.fit_global(soc_series(np.array([50.0, 90, 40, 120, 60])), CIRCUIT, laws={"R1": "linear"})
    assert any("separate fits" in flag for flag in fit.flags)


def test_bounds_fixed_and_noise_weighting() -> None:
    series = arrhenius_series()
    sigma = 0.005
    spectra = [
        dataclasses.replace(s, noise=(sigma * np.abs(s.impedance) * (1 + 1j)).astype(np.complex128))
        for s in series
    ]
    fit = eistool.fit_global(
        spectra, CIRCUIT, ["CPE1.alpha"], {"R1": "arrhenius"},
        bounds={"CPE1.alpha": (0.5, 0.84)}, fixed={"R0": 5.0}, weighting="noise",
    )  # fmt: skip
    assert fit.shared["CPE1.alpha"].status == "at_bound"
    assert fit.shared["CPE1.alpha"].value == pytest.approx(0.84)
    assert fit.results[0].parameters["R0"].status == "fixed"
    assert fit.results[0].parameters["CPE1.alpha"].status == "at_bound"
    free = eistool.fit_global(spectra, CIRCUIT, ["CPE1.alpha"], {"R1": "arrhenius"}, weighting="noise")
    assert free.chi2_reduced == pytest.approx(1, abs=0.3)
    modulus = eistool.fit_global(series, CIRCUIT, ["CPE1.alpha"], {"R1": "arrhenius"})
    ratio = np.sqrt(np.diag(free.covariance) / np.diag(modulus.covariance))
    np.testing.assert_allclose(ratio, 1, rtol=0.15)


def test_everything_shared() -> None:
    series = soc_series(np.full(4, 70.0))
    fit = eistool.fit_global(series, CIRCUIT, shared=["R0", "R1.R", "CPE1.Q", "CPE1.alpha"])
    assert fit.shared["R1.R"].value == pytest.approx(70, rel=0.02)
    assert fit.n_parameters == 4
    expected = np.linalg.norm([r.parameters["R1"].stderr for r in eistool.fit_many(series, CIRCUIT)]) / 4
    assert fit.shared["R1.R"].stderr == pytest.approx(expected, rel=0.3)


def test_results_are_tables_and_texts(together: GlobalFit) -> None:
    frame = together.to_dataframe()
    assert list(frame["temperature_C"]) == list(CELSIUS)
    assert {"label", "status", "R1", "R1_stderr", "CPE1.alpha"} <= set(frame.columns)
    as_dict = json.loads(json.dumps(together.to_dict()))
    assert as_dict["laws"]["R1"]["law"] == "arrhenius"
    assert "Ea_eV = 0.3" in repr(together)
    assert "R1 arrhenius" in repr(together.laws["R1"])
    assert "R1.Ea_eV" in together._repr_html_()
    assert "Ea_eV" in together.laws["R1"]._repr_html_()
    assert "0x" not in repr(together)
    assert np.allclose(np.diag(together.correlation), 1)


def test_the_order_of_threads_does_not_matter() -> None:
    fits = [
        eistool.fit_global(arrhenius_series(), CIRCUIT, ["CPE1.alpha"], {"R1": "arrhenius"}, jobs=jobs)
        for jobs in (1, 2)
    ]
    assert np.array_equal(fits[0].covariance, fits[1].covariance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shared": ["R9"]}, "no parameter 'R9'"),
        ({"laws": {"R9": "arrhenius"}}, "no parameter 'R9'"),
        ({"smooth": {"R9": "auto"}}, "no parameter 'R9'"),
        ({"shared": ["R1"], "laws": {"R1.R": "arrhenius"}}, "in shared and in laws"),
        ({"shared": ["R1"], "smooth": {"R1": "auto"}}, "in shared and in smooth"),
        ({"shared": ["R1"], "fixed": {"R1": 1.0}}, "in shared and in fixed"),
        ({"laws": {"R1": "square"}}, "choose one of arrhenius"),
        ({"laws": {"CPE1.Q": "arrhenius"}}, "applies to resistances"),
        ({"laws": {"CPE1.alpha": "power"}}, "does not apply to an exponent"),
        ({"smooth": {"R1": -1.0}}, "strength above 0"),
        ({"shared": ["R1"], "fixed": ["R0"]}, "give a mapping of names to values"),
        ({}, "no shared parameters"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(FitError, match=message):
        eistool.fit_global(arrhenius_series(), CIRCUIT, **options)  # type: ignore[arg-type]


def test_series_without_what_is_needed() -> None:
    soc = soc_series(np.array([50.0, 60, 70]))
    with pytest.raises(FitError, match="number 0 has no temperature_C in its metadata"):
        eistool.fit_global(soc, CIRCUIT, laws={"R1": "arrhenius"})
    with pytest.raises(FitError, match="needs a coordinate"):
        eistool.fit_global(list(soc), CIRCUIT, laws={"R1": "linear"})
    with pytest.raises(FitError, match="two different coordinates"):
        eistool.fit_global(arrhenius_series(celsius=(20.0, 20.0)), CIRCUIT, laws={"R1": "arrhenius"})
    with pytest.raises(FitError, match="coordinates above 0"):
        eistool.fit_global(arrhenius_series(), CIRCUIT, laws={"R1": "power"})
    with pytest.raises(FitError, match="1 spectra; give two"):
        eistool.fit_global([soc[0]], CIRCUIT, ["R1"])
    with pytest.raises(FitError, match="three or more"):
        eistool.fit_global(list(soc)[:2], CIRCUIT, smooth={"R1": "auto"})
    dead = [s.with_mask(np.arange(37) < 1, "nothing left") for s in soc]
    with pytest.raises(FitError, match="0 of 3 spectra can be used"):
        eistool.fit_global(dead, CIRCUIT, ["R1"])


def test_an_unknown_law_is_reported_before_a_missing_coordinate() -> None:
    spectra = list(arrhenius_series())
    with pytest.raises(FitError, match="law of R1: 'cubic'; choose one of"):
        eistool.fit_global(spectra, CIRCUIT, laws={"R1": "cubic"})
