"""Errors that know the misfit: agreement with slow, obvious code, and how they behave."""

import math

import numpy as np
import pytest

from eistool import FitResult, Spectrum, fit, simulate
from eistool.circuit.limits import dc_resistance
from eistool.errors import FitError
from eistool.fitting.averages import assign_arcs, average_over_circuits, gather_arcs
from eistool.fitting.misfit import Arcs, Misfit, MisfitModes, assess_misfit, misfit_basis, prior_of, steps_of
from eistool.fitting.weights import standard_deviation
from eistool.kernels import misfit as kernels
from eistool.typing import ComplexArray, FloatArray, IntArray
from tests.benchmarks.inexact import lognormal
from tests.fitting import naive_misfit

CIRCUIT = "R0-p(R1,CPE1)-p(R2,CPE2)"
VALUES = [10, 30, 1e-6, 0.85, 50, 1e-3, 0.8]
FREQUENCY = np.geomspace(1e6, 0.1, 71)


def spectrum_with(misfit: float, noise: float = 0.003, seed: int = 1) -> Spectrum:
    """Return two arcs and a smooth relative deviation."""
    clean = simulate(CIRCUIT, FREQUENCY, VALUES, noise=noise, seed=seed)
    wave = misfit * np.exp(1j) * np.sin(2 * np.log10(FREQUENCY))
    return Spectrum(FREQUENCY, clean.impedance * (1 + wave), noise=0.002 * np.abs(clean.impedance))


def broad_arcs() -> FitResult:
    """Return a fit to two arcs with normally distributed ln tau, which an arc of the circuit is not."""
    s = np.asarray(2j * np.pi * FREQUENCY)
    Z = 10 + lognormal(s, 30, 1e-5, 1.2) + lognormal(s, 50, 1e-2, 1.2)
    real, imag = np.random.default_rng(1).standard_normal((2, Z.size))
    return fit(Spectrum(FREQUENCY, Z + 0.002 * np.abs(Z) * (real + 1j * imag)), CIRCUIT)


def steps(result: FitResult) -> FloatArray:
    """Return dp/dΔ of all parameters."""
    spectrum, used = result.spectrum, result.spectrum.mask
    derivatives = result.circuit.jacobian(spectrum.frequency[used], result.values)
    kinds = [spec.kind for spec in result.circuit.specs]
    return steps_of(kinds, result.values, derivatives, spectrum.impedance[used])


def inputs(result: FitResult) -> tuple[ComplexArray, ComplexArray, FloatArray, MisfitModes, Arcs]:
    """Return what assess_misfit takes of a fit."""
    spectrum, circuit, used = result.spectrum, result.circuit, result.spectrum.mask
    jacobian = circuit.jacobian(spectrum.frequency[used], result.values) * steps(result)
    deviation = standard_deviation(spectrum, result.weighting)[used]
    modes = misfit_basis(spectrum.frequency[used]).modes(spectrum.impedance[used], deviation)
    at_nodes = circuit.impedance(np.exp(-modes.basis.nodes) / (2 * np.pi), result.values)
    R, tau, alpha = np.array([(p.R, p.tau, p.alpha) for p in result.processes]).reshape(-1, 3).T
    prior = prior_of([spec.kind for spec in circuit.specs])
    return (
        (spectrum.impedance - result.impedance)[used],
        jacobian,
        prior,
        modes,
        Arcs(R, tau, alpha, -at_nodes.imag),
    )


def assess(result: FitResult) -> Misfit:
    """Return the misfit of a fit."""
    return assess_misfit(*inputs(result), measured=result.weighting == "noise")


def relative_errors(result: FitResult, misfit: Misfit) -> FloatArray:
    """Return standard errors of the steps."""
    return np.sqrt(np.diag(misfit.covariance())[: len(result.values)])


def test_kernels_are_compiled_for_one_signature() -> None:
    for kernel in (kernels.weigh, kernels.average_moments, kernels.project, kernels.skew, kernels.tridiagonalise):
        assert len(kernel.signatures) <= 1


def test_reflections_make_the_products_of_columns_tridiagonal() -> None:
    rng = np.random.default_rng(1)
    columns = rng.standard_normal((12, 40))
    columns[3:6] = 0.0  # a block that is blind, and two columns alike
    columns[8] = columns[7]
    reflectors, diagonal, beside = np.empty((12, 15)), np.empty(12), np.empty(12)
    kernels.tridiagonalise(columns, reflectors, diagonal, beside)
    turned = columns.copy()
    for v in reflectors[:, :12]:
        turned -= np.outer(v, v @ turned)
    expected = np.diag(diagonal) + np.diag(beside[1:], 1) + np.diag(beside[1:], -1)
    np.testing.assert_allclose(turned @ turned.T, expected, atol=1e-12)
    np.testing.assert_allclose(turned.T @ turned, columns.T @ columns, atol=1e-12)


@pytest.mark.parametrize("weighting", ["modulus", "unit", "proportional", "noise"])
@pytest.mark.parametrize("circuit", [CIRCUIT, "L0-R0-p(R1,CPE1)-CPE2", "R0-C1"])
def test_agrees_with_the_plain_equations(circuit: str, weighting: str) -> None:
    result = fit(spectrum_with(0.01), circuit, weighting=weighting)
    residual, jacobian, prior, _, arcs = inputs(result)
    found = assess(result)
    deviation = standard_deviation(result.spectrum, weighting)
    own = list(zip(arcs.R, arcs.tau, arcs.alpha, strict=True))
    expected = naive_misfit.assess(
        FREQUENCY, result.spectrum.impedance, residual, jacobian, prior, deviation,
        own, arcs.height if own else None, weighting == "noise",
    )  # fmt: skip
    scale = np.sqrt(np.diag(expected.covariance))
    correlation = expected.covariance / np.outer(scale, scale)
    np.testing.assert_allclose(found.covariance() / np.outer(scale, scale), correlation, atol=1e-7)
    assert found.log_evidence == pytest.approx(expected.log_evidence, abs=1e-7)
    assert found.p_exact == pytest.approx(expected.p_exact, abs=1e-8)
    assert found.amplitude == pytest.approx(expected.amplitude, rel=1e-7)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-7)


def test_exact_circuit_has_nearly_the_errors_of_its_noise() -> None:
    ratios, exact = [], []
    for seed in range(10):
        result = fit(spectrum_with(0.0, seed=seed), CIRCUIT)
        found = assess(result)
        exponent = np.array([spec.kind == "exponent" for spec in result.circuit.specs])
        noise = np.array([parameter.stderr_noise for parameter in result.parameters.values()])
        ratios.append(relative_errors(result, found) * np.where(exponent, 1, result.values) / noise)
        exact.append(found.p_exact)
    assert np.median(exact) > 0.7
    assert 1.0 <= np.median(ratios) < 1.2


def test_errors_grow_with_the_misfit() -> None:
    sizes = (0.0, 0.003, 0.01, 0.03)
    errors = []
    for size in sizes:
        result = fit(spectrum_with(size), CIRCUIT)
        found = assess(result)
        errors.append(found.uncertainty(result.values * np.eye(len(result.values))[0]) / result.values[0])
        if size >= 0.01:
            assert found.p_exact < 1e-6
            assert 0.2 < found.amplitude / size < 20
            assert found.sigma == pytest.approx(0.003, rel=0.3)  # and the noise is told from it
    assert errors[0] < errors[1] < errors[2] < errors[3]
    assert errors[3] > 5 * errors[0]


def test_total_resistance_holds_what_the_misfit_adds_at_zero_frequency() -> None:
    result = broad_arcs()
    found = assess(result)
    total, derivative = dc_resistance(result.circuit, result.values)
    steps = derivative * result.values
    u = found.uncertainty(steps, direct_current=True)
    assert u < found.uncertainty(steps)  # what the circuit does not take, the misfit does
    assert abs(total - 90) < 2 * u


def test_an_arc_holds_the_misfit_at_its_place() -> None:
    result = broad_arcs()
    found = assess(result)
    derivative = result.values * np.eye(len(result.values))[1]
    u = found.uncertainty(derivative, arcs=[0])
    assert u < found.uncertainty(derivative) < found.uncertainty(derivative, arcs=[1])
    assert abs(result.values[1] - 30) < 2 * u
    assert result.parameters["R1"].stderr_noise < 0.5 * u


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("weighting", ["modulus", "unit"])
def test_unit_of_impedance_does_not_matter(factor: float, weighting: str) -> None:
    spectrum = spectrum_with(0.01)
    result = fit(spectrum, CIRCUIT, weighting=weighting)
    scaled = fit(Spectrum(FREQUENCY, factor * spectrum.impedance), CIRCUIT, weighting=weighting)
    one, other = assess(result), assess(scaled)
    assert other.p_exact == pytest.approx(one.p_exact, rel=1e-4)
    assert other.log_evidence == pytest.approx(one.log_evidence, abs=1e-3)
    np.testing.assert_allclose(relative_errors(scaled, other), relative_errors(result, one), rtol=1e-4)
    p = len(result.values)
    assert other.covariance()[p, p] == pytest.approx(factor**2 * one.covariance()[p, p], rel=1e-3)


@pytest.mark.parametrize("index", [np.arange(71)[::-1], np.roll(np.arange(71), 20)])
def test_order_of_points_does_not_matter(index: IntArray) -> None:
    spectrum = spectrum_with(0.01)
    result = fit(spectrum, CIRCUIT)
    residual, jacobian, prior, _, arcs = inputs(result)
    deviation = standard_deviation(spectrum, "modulus")[index]
    modes = misfit_basis(FREQUENCY[index]).modes(spectrum.impedance[index], deviation)
    other = assess_misfit(residual[index], jacobian[index], prior, modes, arcs)
    np.testing.assert_allclose(other.covariance(), assess(result).covariance(), rtol=1e-6, atol=1e-12)
    assert other.log_evidence == pytest.approx(assess(result).log_evidence, abs=1e-6)


def test_masked_points_do_not_count() -> None:
    spectrum = spectrum_with(0.01)
    impedance = spectrum.impedance.copy()
    impedance[[3, 40]] *= 1.5
    used = np.ones(FREQUENCY.size, dtype=bool)
    used[[3, 40]] = False
    masked = assess(fit(Spectrum(FREQUENCY, impedance, mask=used), CIRCUIT))
    left_out = assess(fit(Spectrum(FREQUENCY[used], impedance[used]), CIRCUIT))
    np.testing.assert_allclose(masked.covariance(), left_out.covariance(), rtol=1e-6, atol=1e-12)


def test_measured_noise_is_a_floor() -> None:
    quiet = fit(spectrum_with(0.0, noise=0.0005), CIRCUIT, weighting="noise")  # measured: 0.002
    found = assess(quiet)
    assert found.sigma == pytest.approx(0.002, rel=1e-3)
    noisy = fit(spectrum_with(0.0, noise=0.006), CIRCUIT, weighting="noise")
    assert assess(noisy).sigma == pytest.approx(0.006, rel=0.2)
    assert np.all(relative_errors(noisy, assess(noisy)) > relative_errors(quiet, found))


def test_evidence_prefers_the_right_circuit() -> None:
    spectrum = spectrum_with(0.0)
    circuits = ("R0-p(R1,CPE1)", CIRCUIT, "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)")
    evidence = [assess(fit(spectrum, circuit)).log_evidence for circuit in circuits]
    assert np.argmax(evidence) == 1


def test_a_part_without_effect_changes_no_other_error() -> None:
    result = fit(spectrum_with(0.0), CIRCUIT)
    residual, jacobian, prior, modes, arcs = inputs(result)
    more = np.column_stack([jacobian, np.zeros(len(residual))])
    one = assess_misfit(residual, jacobian, prior, modes, arcs)
    other = assess_misfit(residual, more, np.append(prior, 3.0), modes, arcs)
    p = len(prior)
    np.testing.assert_allclose(other.covariance()[:p, :p], one.covariance()[:p, :p], rtol=0.02, atol=1e-9)
    assert math.sqrt(other.covariance()[p, p]) == pytest.approx(3.0, rel=0.02)


def test_a_resistance_that_is_driven_to_zero_keeps_an_error_in_ohm() -> None:
    off = []
    for seed in range(12):
        data = simulate("p(R1,CPE1)", FREQUENCY, [30, 1e-6, 0.85], noise=0.003, seed=seed)
        result = fit(data, "R0-p(R1,CPE1)")
        r0 = steps(result) * (np.arange(4) == 0)
        u = assess(result).uncertainty(r0)
        assert 1e-4 < u < 1
        off.append(abs(result.values[0]) / u)
    assert min(off) < 1e-6  # some are at zero
    assert max(off) < 3


def test_perfect_data_have_finite_errors() -> None:
    found = assess(fit(simulate(CIRCUIT, FREQUENCY, VALUES), CIRCUIT))
    assert np.isfinite(found.covariance()).all()
    assert np.all(np.diag(found.covariance()) > 0)
    assert math.isfinite(found.log_evidence)


@pytest.mark.parametrize("wrong", ["residual", "prior", "nan", "few"])
def test_wrong_arguments_are_refused(wrong: str) -> None:
    residual, jacobian, prior, modes, _ = inputs(fit(spectrum_with(0.0), CIRCUIT))
    if wrong == "residual":
        residual = residual[:-1]
    elif wrong == "prior":
        prior = prior[:-1]
    elif wrong == "nan":
        jacobian = jacobian * math.nan
    else:
        jacobian, prior = np.tile(jacobian, 30), np.tile(prior, 30)
    with pytest.raises(FitError, match="misfit"):
        assess_misfit(residual, jacobian, prior, modes)


def test_basis_is_made_once_for_the_same_frequencies() -> None:
    assert misfit_basis(FREQUENCY) is misfit_basis(FREQUENCY.copy())
    assert misfit_basis(FREQUENCY) is not misfit_basis(FREQUENCY[:-1])


def test_average_leaves_out_circuits_without_the_quantity() -> None:
    value, u, weights = average_over_circuits(
        np.array([1.0, math.nan, 2.0, math.inf]),
        np.array([0.1, 0.1, 0.2, math.nan]),
        np.array([0.0, 9.0, 0.0, 9.0]),
    )
    assert weights.tolist() == [0.5, 0.0, 0.5, 0.0]
    assert value == 1.5
    assert u == pytest.approx(math.sqrt(0.5 * (0.1**2 + 0.2**2) + 0.25))
    value, u, weights = average_over_circuits(np.array([math.inf]), np.array([math.nan]), np.array([1.0]))
    assert math.isnan(value)
    assert math.isnan(u)
    assert weights.tolist() == [0.0]


def test_evidence_of_any_size_is_weighed() -> None:
    values, errors = np.array([1.0, 2.0]), np.array([0.1, 0.1])
    value, _, weights = average_over_circuits(values, errors, np.array([-1e6, -1e6 + 2]))
    assert weights[1] / weights[0] == pytest.approx(math.exp(2))
    assert value == pytest.approx(weights @ values)


def test_processes_are_gathered_from_the_closest_arcs_on() -> None:
    tau, members = gather_arcs(np.array([1.0, 2.0, 1.0, 3.0]), 10 ** np.array([-3.0, -4.0, -2.5, 0.0]))
    assert members == ((1,), (0, 2), (3,))
    np.testing.assert_allclose(np.log10(tau), [-4.0, -2.75, 0.0])
    tau, members = gather_arcs(np.array([]), np.array([]))
    assert (tau.size, members) == (0, ())
    assert assign_arcs(np.array([1.0]), tau).tolist() == [-1]
    assert assign_arcs(np.array([]), np.array([1.0])).size == 0


@pytest.mark.parametrize("n_points", [60, 500, 1500])
def test_long_spectra_of_an_exact_circuit_have_no_misfit(n_points: int) -> None:
    """Divisors of the residuals hold the noise of the data, which must not pass for a misfit."""
    frequency = np.geomspace(1e6, 1e-2, n_points)
    truth = [20, 100, 1e-6, 0.9, 1e-3, 0.8]
    result = fit(simulate("R0-p(R1,CPE1)-CPE2", frequency, truth, noise=0.003, seed=1), "R0-p(R1,CPE1)-CPE2")
    assert result.evidence is not None
    assert result.evidence.p_exact > 0.9
    assert abs(result.parameters["R0"].value - 20) < 3 * result.parameters["R0"].stderr < 0.1
