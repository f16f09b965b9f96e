"""Tests of fits: recovery, uncertainties, statuses and flags."""

import gc
import json
import pickle
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eistool
from eistool import Circuit, FitError, Spectrum
from eistool.fitting import sums_of_resistances
from eistool.kernels import search
from eistool.typing import FloatArray

FREQUENCY = np.geomspace(1e6, 0.1, 71)
TWO_ARCS = "R0-p(R1,CPE1)-p(R2,CPE2)"
TRUTH = [10.0, 100.0, 1e-7, 0.9, 200.0, 1e-4, 0.8]


@pytest.fixture(scope="module")
def spectrum() -> Spectrum:
    return eistool.simulate(TWO_ARCS, FREQUENCY, TRUTH, noise=0.003, seed=4)


@settings(max_examples=25)
@given(
    st.floats(0, 3),
    st.floats(0, 3),
    st.floats(-5, -0.5),
    st.floats(0.65, 0.98),
    st.floats(-3, 9),
    st.integers(0, 99),
)
def test_recovers_what_was_simulated(
    log_r0: float, log_r1: float, log_tau: float, alpha: float, log_unit: float, seed: int
) -> None:
    """For impedances from milliohms to gigaohms."""
    unit, R1, tau = 10**log_unit, 10**log_r1, 10**log_tau
    truth = np.array([10**log_r0 * unit, R1 * unit, tau**alpha / (R1 * unit), alpha])
    spectrum = eistool.simulate("R0-p(R1,CPE1)", FREQUENCY, truth, noise=0.003, seed=seed)
    result = eistool.fit(spectrum, "R0-p(R1,CPE1)")
    exact = result.circuit.impedance(FREQUENCY, truth)
    chi2_truth = np.sum(np.abs((spectrum.impedance - exact) / np.abs(spectrum.impedance)) ** 2)
    assert result.chi2 <= chi2_truth * 1.001
    for parameter, value in zip(result.parameters.values(), truth, strict=True):
        if parameter.status == "ok":
            assert abs(parameter.value - value) < 6 * parameter.stderr


def test_noise_free_data_give_the_exact_values() -> None:
    """A case for which other programs stop at Σ|ΔZ/Z|² of 1e-5 to 0.4."""
    circuit = Circuit("R0-p(R1,CPE1)-p(R2,CPE2)-W1")
    truth = [20.0, 150.0, 2e-6, 0.85, 80.0, 1e-3, 0.75, 12.0]
    result = eistool.fit(eistool.simulate(circuit, np.geomspace(0.01, 1e5, 60), truth), circuit)
    assert result.chi2 < 1e-18
    np.testing.assert_allclose(result.values, truth, rtol=1e-6)


def test_sum_of_squares_is_not_squared_twice(spectrum: Spectrum) -> None:
    result = eistool.fit(spectrum, TWO_ARCS)
    relative = (spectrum.impedance - result.impedance) / np.abs(spectrum.impedance)
    np.testing.assert_allclose(result.residual, relative)
    assert result.chi2 == pytest.approx(np.sum(np.abs(relative) ** 2))
    assert result.dof == 2 * 71 - 7
    assert np.sqrt(result.chi2_reduced) == pytest.approx(0.003, rel=0.2)
    n, k = 142, 7
    assert result.bic == pytest.approx(n * np.log(result.chi2 / n) + k * np.log(n))
    assert result.aicc == pytest.approx(n * np.log(result.chi2 / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1))


def test_covariance_is_that_of_the_linearised_problem(spectrum: Spectrum) -> None:
    result = eistool.fit(spectrum, TWO_ARCS)
    jacobian = result.circuit.jacobian(spectrum.frequency, result.values) / np.abs(spectrum.impedance)[:, None]
    stacked = np.vstack([jacobian.real, jacobian.imag])
    expected = np.linalg.inv(stacked.T @ stacked) * result.chi2_reduced
    sigma = np.sqrt(np.diag(expected))
    assert result.noise_covariance is not None
    np.testing.assert_allclose(
        result.noise_covariance / np.outer(sigma, sigma), expected / np.outer(sigma, sigma), atol=5e-3
    )
    # the circuit is exact: its misfit adds little, but R0 is extrapolated beyond the window
    np.testing.assert_array_less(0.99 * sigma, result.stderr)
    assert result.parameters["R0"].stderr < 1.6 * sigma[0]
    np.testing.assert_array_less(result.stderr[1:], 1.3 * sigma[1:])
    assert np.allclose(np.diag(result.correlation), 1)


@pytest.mark.parametrize("weighting", ["modulus", "unit", "proportional", "noise"])
def test_weightings(weighting: str) -> None:
    clean = eistool.simulate(TWO_ARCS, FREQUENCY, TRUTH)
    rng = np.random.default_rng(3)
    normal = rng.standard_normal((2, 71))
    z = clean.impedance
    sigma = {
        "modulus": 0.01 * np.abs(z) * (1 + 1j),
        "unit": np.full(71, 0.5 + 0.5j),
        "proportional": 0.01
        * (np.maximum(np.abs(z.real), 0.01 * np.abs(z)) + 1j * np.maximum(np.abs(z.imag), 0.01 * np.abs(z))),
        "noise": np.geomspace(0.1, 1.0, 71) * (1 + 2j),
    }[weighting]
    noisy = Spectrum(FREQUENCY, z + sigma.real * normal[0] + 1j * sigma.imag * normal[1], noise=sigma)
    result = eistool.fit(noisy, TWO_ARCS, weighting=weighting)
    expected = {"modulus": 1e-4, "unit": 0.25, "proportional": 1e-4, "noise": 1.0}[weighting]
    assert result.chi2_reduced == pytest.approx(expected, rel=0.35)
    pulls = (result.values - TRUTH) / result.stderr
    assert np.abs(pulls).max() < 4


def test_noise_weights_give_absolute_errors(spectrum: Spectrum) -> None:
    def result(scale: float) -> eistool.FitResult:
        noise = scale * np.abs(spectrum.impedance) * (1 + 1j)
        noisy = Spectrum(spectrum.frequency, spectrum.impedance, noise=noise)
        return eistool.fit(noisy, TWO_ARCS, weighting="noise")

    def stderr(scale: float) -> FloatArray:
        return np.array([parameter.stderr_noise for parameter in result(scale).parameters.values()])

    np.testing.assert_allclose(stderr(0.02), 2 * stderr(0.01), rtol=0.05)
    # noise that is stated too small is scaled with the reduced chi2
    np.testing.assert_allclose(stderr(0.0005), stderr(0.0002), rtol=0.05)
    assert result(0.01).status == "ok"
    assert result(0.0002).status == "poor_model"


def test_fixed_bounds_and_start_by_name(spectrum: Spectrum) -> None:
    held = eistool.fit(spectrum, TWO_ARCS, fixed={"CPE1.Q": 1e-7}, bounds={"CPE2.alpha": (0.82, 0.9)})
    assert held.parameters["CPE1.Q"].value == 1e-7
    assert held.parameters["CPE1.Q"].status == "fixed"
    assert np.isnan(held.parameters["CPE1.Q"].stderr)
    assert held.parameters["CPE2.alpha"].value == pytest.approx(0.82)
    assert held.parameters["CPE2.alpha"].status == "at_bound"
    assert held.dof == 142 - 6
    by_name = eistool.fit(spectrum, TWO_ARCS, start={"R0.R": 11.0}, fixed="R0")
    assert by_name.parameters["R0"].value == 11.0
    tight = eistool.fit(spectrum, TWO_ARCS, bounds={"CPE1.Q": (2e-7, 1e-5), "R1": (50, 70)})
    assert 2e-7 * (1 - 1e-9) <= tight.parameters["CPE1.Q"].value <= 1e-5
    assert 50 <= tight.parameters["R1"].value <= 70 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fixed": ["R7"]}, "no parameter 'R7'"),
        ({"fixed": ["R0"]}, "no value for R0"),
        ({"bounds": {"R0": (5, 1)}}, r"bounds of R0 are \(5, 1\)"),
        ({"bounds": {"CPE1.alpha": (0.5, 1.5)}}, "high <= 1"),
        ({"start": {"R0": -1}}, "R0=-1"),
        ({"start": {"R0": 9}, "bounds": {"R0": (1, 2)}}, "outside its bounds"),
        ({"start": [1, 2]}, r"start=\[1, 2\]; give a mapping"),
        ({"bounds": {"R0": (0, None)}}, "inf for no limit"),
        ({"weighting": "boukamp"}, "choose one of auto, modulus, unit, proportional, noise"),
        ({"weighting": "noise"}, "needs the measured noise"),
        ({"fixed": dict(zip(Circuit(TWO_ARCS).parameters, TRUTH, strict=True))}, "leave one free"),
    ],
)
def test_wrong_arguments(spectrum: Spectrum, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(FitError, match=message):
        eistool.fit(spectrum, TWO_ARCS, **arguments)  # type: ignore[arg-type]


def test_too_few_points() -> None:
    few = eistool.simulate("R0-C1", [1.0, 10.0, 100.0], [1, 1])
    with pytest.raises(FitError, match="3 points for 7 free parameters"):
        eistool.fit(few, TWO_ARCS)
    results = eistool.fit_many([few, eistool.simulate(TWO_ARCS, FREQUENCY, TRUTH, noise=0.01)], TWO_ARCS)
    assert [result.status for result in results] == ["failed", "ok"]
    assert "3 points" in results[0].reason
    assert results[0].processes == ()
    assert not results[0].success
    assert np.isnan([results[0].chi2_reduced, results[0].bic, results[0].aicc]).all()
    masked = few.with_mask([False] * 3, "all bad")
    nothing = eistool.fit_many([masked], "R0-C1")[0]
    assert nothing.status == "failed"
    for result in (*results, nothing):
        json.dumps(result.to_dict(), allow_nan=False)


def test_a_dead_parameter_is_not_identifiable() -> None:
    spectrum = eistool.simulate("R0-p(R1,CPE1)", FREQUENCY, TRUTH[:4], noise=0.003, seed=1)
    result = eistool.fit(spectrum, "R0-p(R1,CPE1)-p(R2,CPE2)")
    statuses = {name: parameter.status for name, parameter in result.parameters.items()}
    assert "not_identifiable" in statuses.values()
    assert any(flag.startswith("not_identifiable") for flag in result.flags)
    assert any(process.status == "not_resolvable" for process in result.processes)
    assert any(flag.startswith("not needed by the data: R") for flag in result.flags)
    # R0 keeps its value, and so does the sum of the arcs, which could share it in any way
    assert statuses["R0"] == "ok"
    arcs = next(total for total in sums_of_resistances(result) if total.name in ("R1+R2", "R2+R1"))
    assert arcs.low < TRUTH[1] < arcs.high
    assert arcs.u < 0.05 * arcs.value
    total = result.total_resistance
    assert total.status == "ok"
    assert total.ci_low < sum(TRUTH[:2]) < total.ci_high


def test_a_wrong_circuit_is_a_poor_model(spectrum: Spectrum) -> None:
    result = eistool.fit(spectrum, "R0-p(R1,CPE1)")
    assert result.status == "poor_model"
    assert result.success
    assert any("times the noise" in flag for flag in result.flags)


def test_a_fit_that_does_not_converge_has_failed(spectrum: Spectrum, monkeypatch: pytest.MonkeyPatch) -> None:
    original = search.search_directly

    def unfinished(*arguments: Any) -> int:
        n = int(original(*arguments))
        arguments[-4][:, 1] = 0
        return n

    monkeypatch.setattr(search, "search_directly", unfinished)
    (result,) = eistool.fit_many([spectrum], TWO_ARCS)
    assert (result.status, result.success) == ("failed", False)
    assert "did not converge" in result.reason
    with pytest.raises(FitError, match="did not converge"):
        eistool.fit(spectrum, TWO_ARCS)


def test_large_residuals_are_flagged(spectrum: Spectrum) -> None:
    """Even if the ladder fails too, here for an imaginary part with the wrong sign."""
    result = eistool.fit(Spectrum(spectrum.frequency, spectrum.impedance.conj()), TWO_ARCS)
    assert result.status == "poor_model"
    assert any("of |Z|" in flag for flag in result.flags)


def test_exponents_have_intervals_within_their_range() -> None:
    for seed in range(5):
        spectrum = eistool.simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 100, 1e-6, 0.999], noise=0.01, seed=seed)
        alpha = eistool.fit(spectrum, "R0-p(R1,CPE1)").parameters["CPE1.alpha"]
        assert alpha.status == "at_bound" or alpha.ci_high <= 1


def test_an_ideal_capacitor_is_at_its_bound() -> None:
    results = [
        eistool.fit(
            eistool.simulate("R0-p(R1,C1)", FREQUENCY, [10, 100, 1e-6], noise=0.005, seed=seed), "R0-p(R1,CPE1)"
        )
        for seed in range(20)
    ]
    alphas = [result.parameters["CPE1.alpha"] for result in results]
    assert {"ok", "at_bound"} == {alpha.status for alpha in alphas}
    assert all(alpha.value <= 1 for alpha in alphas)


@pytest.mark.parametrize("seed", range(5))
def test_labels_do_not_swap(seed: int) -> None:
    """Arcs are sorted by time constant, whatever their order in the truth."""
    swapped = [10.0, 200.0, 1e-4, 0.8, 100.0, 1e-7, 0.9]
    spectrum = eistool.simulate(TWO_ARCS, FREQUENCY, swapped, noise=0.003, seed=seed)
    result = eistool.fit(spectrum, TWO_ARCS)
    assert result.parameters["R1"].value == pytest.approx(100, rel=0.05)
    taus = [process.tau for process in result.processes]
    assert taus == sorted(taus)
    assert [process.name for process in result.processes] == ["R1", "R2"]


def test_processes_carry_capacitance_and_role() -> None:
    # T12: tau 1.565e-7 s, Hsu-Mansfeld 1.043e-9 F
    f = np.geomspace(1e8, 1, 81)
    spectrum = eistool.simulate("bulk_spike", f, [1e-9, 150, 5e-9, 0.9, 1e-5, 0.85], noise=0.001, seed=2)
    (process,) = eistool.fit(spectrum, "bulk_spike").processes
    assert process.tau == pytest.approx(1.565e-7, rel=0.02)
    assert process.C_eff == pytest.approx(1.043e-9, rel=0.02)
    assert abs(process.C_eff - 1.043e-9) < 4 * process.u_C_eff
    assert process.apex_Hz == pytest.approx(1 / (2 * np.pi * process.tau))
    assert process.assignment == "bulk"
    assert process.status == "ok"


def test_an_apex_outside_the_window_is_extrapolated() -> None:
    spectrum = eistool.simulate("R0-p(R1,C1)", np.geomspace(1e3, 0.1, 61), [60, 3e4, 1e-4], noise=0.001, seed=3)
    (process,) = eistool.fit(spectrum, "R0-p(R1,C1)").processes
    assert process.status == "extrapolated"
    assert process.edge


def test_results_do_not_depend_on_jobs_or_order(spectrum: Spectrum) -> None:
    spectra = [eistool.simulate(TWO_ARCS, FREQUENCY, TRUTH, noise=0.005, seed=seed) for seed in range(8)]
    one = eistool.fit_many(spectra, TWO_ARCS, jobs=1)
    two = eistool.fit_many(spectra[::-1], TWO_ARCS, jobs=2)[::-1]
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.values, b.values)
        assert np.array_equal(a.covariance, b.covariance)


@pytest.mark.parametrize("jobs", [1, 2])
def test_streaming_reads_only_a_little_ahead(spectrum: Spectrum, jobs: int) -> None:
    read = 0

    def endless() -> Iterator[Spectrum]:
        nonlocal read
        while True:
            read += 1
            yield spectrum

    results = eistool.fit_iter(endless(), "R0-p(R1,CPE1)", jobs=jobs)
    for _ in range(20):
        assert next(results).success
    assert read <= 20 + 4 * jobs + 1
    results.close()  # type: ignore[attr-defined]


def test_a_chain_is_never_worse() -> None:
    spectra = [eistool.simulate(TWO_ARCS, FREQUENCY, TRUTH, noise=0.02, seed=seed) for seed in range(6)]
    plain = eistool.fit_many(spectra, TWO_ARCS)
    chained = eistool.fit_many(spectra, TWO_ARCS, chain=True)
    assert all(b.chi2 <= a.chi2 for a, b in zip(plain, chained, strict=True))


def test_masked_points_do_not_count(spectrum: Spectrum) -> None:
    impedance = spectrum.impedance.copy()
    impedance[10] *= 3
    bad = Spectrum(spectrum.frequency, impedance)
    masked = bad.with_mask(np.arange(71) != 10, "outlier")
    result = eistool.fit(masked, TWO_ARCS)
    assert result.dof == 140 - 7
    assert result.impedance.shape == (71,)
    assert result.chi2_reduced < 0.1 * eistool.fit(bad, TWO_ARCS).chi2_reduced


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("n", [10, 500])
def test_any_number_and_order_of_points(order: int, n: int) -> None:
    f = np.geomspace(1e5, 0.1, n)[::order]
    result = eistool.fit(
        eistool.simulate("R0-p(R1,CPE1)", f, [10, 100, 1e-4, 0.9], noise=0.002, seed=1), "R0-p(R1,CPE1)"
    )
    assert result.parameters["R1"].value == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(
    ("circuit", "values"),
    [
        ("R0-p(CPE1,R1,R2-L1)", [10, 1e-5, 0.95, 100, 50, 20]),
        ("R0-p(CPE1,R1-p(R2,CPE2))", [20, 1e-8, 0.9, 500, 2000, 1e-5, 0.8]),
        ("L0-R0-TLMie1", [1e-7, 5, 30, 300, 1e-2, 0.95]),
        ("R0-G1", [1, 3, 0.01]),
        ("R0-HN1", [5, 50, 1e-3, 0.8, 0.6]),
        ("RL1-R0-Zarc1-FWs1", [3, 1e-6, 10, 40, 1e-4, 0.85, 90, 1, 0.42]),
    ],
)
def test_other_circuits(circuit: str, values: list[float]) -> None:
    spectrum = eistool.simulate(circuit, np.geomspace(1e6, 0.01, 81), values, noise=0.002, seed=5)
    result = eistool.fit(spectrum, circuit)
    exact = result.circuit.impedance(spectrum.frequency, values)
    assert result.chi2 <= 1.02 * np.sum(np.abs((spectrum.impedance - exact) / np.abs(spectrum.impedance)) ** 2)


def test_other_minima_are_counted(spectrum: Spectrum) -> None:
    result = eistool.fit(spectrum, TWO_ARCS)
    assert result.n_agreed >= 2
    assert result.n_agreed <= result.n_starts
    assert result.minima[0].chi2 == result.chi2
    assert [m.chi2 for m in result.minima] == sorted(m.chi2 for m in result.minima)


def test_results_can_be_pickled(spectrum: Spectrum) -> None:
    result = eistool.fit(spectrum, TWO_ARCS)
    again = pickle.loads(pickle.dumps(result))  # noqa: S301
    assert again.parameters["R1"] == result.parameters["R1"]
    as_dict = result.to_dict()
    assert as_dict["circuit"] == TWO_ARCS
    assert as_dict["parameters"][0]["name"] == "R0"
    assert "0x" not in repr(result) + result._repr_html_()


def test_streaming_does_not_accumulate_memory() -> None:
    frequency = np.geomspace(1e5, 1, 21)
    spectra = (eistool.simulate("R0-p(R1,C1)", frequency, [1, 10, 1e-4], 0.003, seed) for seed in range(400))
    kept: list[int] = []
    tracemalloc.start()
    try:
        for i, _ in enumerate(eistool.fit_iter(spectra, "R0-p(R1,C1)", jobs=1)):
            if i in (99, 399):
                gc.collect()
                kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kept[1] - kept[0] < 300 * 100  # bytes; a kept spectrum alone would be 300 * 1000
