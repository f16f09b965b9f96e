"""Tikhonov regularisation and Hilbert scores against naive implementations."""

import json
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import lsq_linear

import eistool
from eistool.drt.classic import _tops
from eistool.drt.hilbert import _divergence, _hellinger, _Posterior
from eistool.drt.tikhonov import (
    BASES,
    CRITERIA,
    LARGEST,
    ORDERS,
    SMALLEST,
    Design,
    Problem,
    basis_values,
    matrices_of,
    minimize,
    score_of,
)
from eistool.typing import FloatArray
from tests.drt.truths import FREQUENCY, TRUTHS, Truth

BY_NAME = {truth.name: truth for truth in TRUTHS}
FEW = np.array([3.0, 1e3, 40.0, 0.7, 250.0, 12.0])


def error(truth: Truth, drt: eistool.DRT) -> float:
    exact = truth.gamma(drt.tau)
    return float(np.linalg.norm(drt.gamma - exact) / np.linalg.norm(exact))


def hump(basis: str, knot: float, step: float, x: float) -> float:
    u = (x - knot) / step
    return max(1 - abs(u), 0.0) if basis == "piecewise-linear" else math.exp(-math.log(2) * u * u)


def design_of(name: str = "one ZARC", frequency: FloatArray = FREQUENCY, order: int = 1) -> Design:
    z = BY_NAME[name].spectrum(0.005, 1, frequency).impedance / 50
    matrices = matrices_of(frequency, "gaussian", 2.0, order)
    weight = 1 / np.tile(np.abs(z), 2)
    return Design(
        rows=np.hstack([matrices.linear[:, :2], matrices.gamma]) * weight[:, None],
        y=np.concatenate([z.real, z.imag]) * weight,
        points=np.tile(np.arange(z.size), 2),
        roughness=matrices.roughness,
        n_free=2,
    )


def penalised(design: Design, regularization: float) -> tuple[FloatArray, FloatArray]:
    """Return data and rows with the penalty appended, for ordinary least squares."""
    below = np.zeros((design.roughness.shape[0], design.rows.shape[1]))
    below[:, design.n_free :] = math.sqrt(regularization) * design.roughness
    return np.concatenate([design.y, np.zeros(below.shape[0])]), np.vstack([design.rows, below])


def solved(rows: FloatArray, y: FloatArray) -> FloatArray:
    x: FloatArray = np.asarray(np.linalg.lstsq(rows, y)[0], dtype=np.float64)
    return x


@pytest.mark.parametrize("basis", BASES)
def test_impedance_of_the_basis_is_its_integral(basis: str) -> None:
    matrices = matrices_of(FEW, basis, 2.0, 1)
    knots, step = matrices.grid.log_tau, matrices.grid.step
    for i, k in ((0, 0), (1, 7), (3, 25), (5, knots.size - 1)):
        w = math.exp(matrices.grid.log_x[i])
        low, high = max(knots[0], knots[k] - 9 * step), min(knots[-1], knots[k] + 9 * step)
        corner = [knots[k]] if low < knots[k] < high else None

        def real(x: float, w: float = w, k: int = k) -> float:
            return hump(basis, knots[k], step, x) / (1 + (w * math.exp(x)) ** 2)

        def imag(x: float, w: float = w, k: int = k) -> float:
            return -w * math.exp(x) * real(x)

        for row, function in ((i, real), (FEW.size + i, imag)):
            exact = quad(function, low, high, points=corner, limit=500, epsabs=1e-13, epsrel=1e-12)[0]
            assert matrices.gamma[row, k] == pytest.approx(exact, rel=1e-7, abs=1e-11)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("order", ORDERS)
def test_roughness_is_the_integral_of_the_squared_derivative(basis: str, order: int) -> None:
    matrices = matrices_of(FEW, basis, 2.0, order)
    knots, step = matrices.grid.log_tau, matrices.grid.step
    x = np.random.default_rng(0).standard_normal(knots.size)
    if basis == "piecewise-linear" and order == 2:
        exact = float(np.sum(np.diff(x, 2) ** 2)) / step**3
    else:
        # halfway between 200 points in each step no corner is hit
        fine = np.linspace(knots[0], knots[-1], 200 * (knots.size - 1) + 1)
        middle = 0.5 * (fine[1:] + fine[:-1])
        gamma = [basis_values(basis, 2.0, knots, middle + shift) @ x for shift in (-1e-4, 0, 1e-4)]
        derivative = [gamma[1], (gamma[2] - gamma[0]) / 2e-4, (gamma[2] - 2 * gamma[1] + gamma[0]) / 1e-8][order]
        exact = float(np.sum(derivative**2)) * (fine[1] - fine[0])
    assert np.sum((matrices.roughness @ x) ** 2) == pytest.approx(exact, rel=1e-4)


def test_matrices_are_kept_and_follow_the_order_of_points() -> None:
    a, b = matrices_of(FEW, "gaussian", 2.0, 1), matrices_of(FEW[::-1], "gaussian", 2.0, 1)
    assert matrices_of(FEW.copy(), "gaussian", 2.0, 1) is a
    np.testing.assert_allclose(b.gamma[: FEW.size][::-1], a.gamma[: FEW.size], rtol=1e-12)
    assert hump("gaussian", 0.0, 1.0, 1.0) == pytest.approx(0.5)  # a full width of two steps


@pytest.mark.parametrize("frequency", [FREQUENCY, FREQUENCY[::9]])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("regularization", [1e-7, 1e-3, 10.0])
def test_solution_is_that_of_least_squares(frequency: FloatArray, order: int, regularization: float) -> None:
    design = design_of(frequency=frequency, order=order)
    problem = Problem(design)
    y, rows = penalised(design, regularization)
    x = solved(rows, y)
    np.testing.assert_allclose(problem.solve(regularization, False), x, rtol=1e-5, atol=1e-6 * np.abs(x).max())
    hat = design.rows @ np.linalg.pinv(rows)[:, : design.y.size]
    kept = problem.filter(regularization)
    assert kept.sum() == pytest.approx(np.trace(hat), rel=1e-6)
    assert problem.misfit(kept) == pytest.approx(float(np.sum(design.residual(x) ** 2)), rel=1e-6)
    assert problem.freedom(regularization, x) == pytest.approx(np.trace(hat), rel=1e-6)
    lower = np.r_[[-np.inf] * 2, np.zeros(x.size - 2)]
    bounded = lsq_linear(rows, y, (lower, np.inf), method="bvls", tol=1e-14).x
    ours = problem.solve(regularization, True)
    assert (ours[2:] >= 0).all()
    assert np.sum((y - rows @ ours) ** 2) <= np.sum((y - rows @ bounded) ** 2) * (1 + 1e-9)
    np.testing.assert_allclose(ours, bounded, rtol=1e-3, atol=1e-4 * np.abs(x).max())


def naive_score(criterion: str, design: Design, regularization: float) -> float:
    """Return a criterion in the form of its paper, from the influence matrix K."""
    y, rows = penalised(design, regularization)
    m = design.y.size
    K = design.rows @ np.linalg.pinv(rows)[:, :m]
    misfit, eye = float(np.sum((design.y - K @ design.y) ** 2)), np.eye(m)
    gcv = misfit / m / (np.trace(eye - K) / m) ** 2
    if criterion == "rgcv":
        return float((0.3 + 0.7 * np.trace(K.T @ K) / m) * gcv)
    if criterion == "mgcv":
        return float(misfit / m / (np.trace(eye - 2 * K) / m) ** 2)
    if criterion == "lcurve":
        curve = []
        for t in (-1e-2, 0.0, 1e-2):
            y, rows = penalised(design, regularization * math.exp(t))
            x = solved(rows, y)
            curve.append(
                np.log([np.sum(design.residual(x) ** 2), np.sum((design.roughness @ x[design.n_free :]) ** 2)])
            )
        first, second = (curve[2] - curve[0]) / 2e-2, (curve[2] - 2 * curve[1] + curve[0]) / 1e-4
        return float((second[0] * first[1] - first[0] * second[1]) / np.hypot(*first) ** 3)
    if criterion == "kf":
        total = 0.0
        for k in range(5):
            held = design.points % 5 == k
            y, rows = penalised(design.only(~held), regularization)
            x = solved(rows, y)
            total += float(np.sum((design.y[held] - design.rows[held] @ x) ** 2))
        return total
    if criterion == "re-im":
        half = np.arange(m) < m // 2
        total = 0.0
        both = []
        for rows_of in (half, ~half):
            y, rows = penalised(design.only(rows_of), regularization)
            both.append(solved(rows, y))
        for k, rows_of in enumerate((half, ~half)):
            model = design.rows[rows_of][:, k] * both[k][0] + design.rows[rows_of][:, 2:] @ both[1 - k][1:]
            total += float(np.sum((design.y[rows_of] - model) ** 2))
        return total
    return float(gcv)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_criteria(criterion: str) -> None:
    design = design_of()
    score = score_of(criterion, design, False)
    for regularization in (1e-4, 1e-2, 1.0):
        assert score(regularization) == pytest.approx(naive_score(criterion, design, regularization), rel=1e-3)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", ["one ZARC", "Gerischer"])
def test_lambda_is_where_the_criterion_is_least(criterion: str, name: str) -> None:
    score = score_of(criterion, design_of(name), True)
    dense = np.geomspace(SMALLEST, LARGEST, 361)
    lowest = min(score(value) for value in dense)
    minimum = score(minimize(score))
    assert minimum <= lowest + 1e-6 * abs(lowest)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_scaling(criterion: str) -> None:
    spectrum = BY_NAME["two, 3 decades"].spectrum(0.005, 2)
    larger = eistool.Spectrum(spectrum.frequency, 1000 * spectrum.impedance)
    a, b = (eistool.compute_drt_tikhonov(s, regularization=criterion) for s in (spectrum, larger))
    assert b.regularization == pytest.approx(a.regularization, rel=1e-6)
    for name in ("gamma", "gamma_low", "joint_high"):
        np.testing.assert_allclose(getattr(b, name), 1000 * getattr(a, name), rtol=1e-5, atol=1e-4)
    assert b.R_pol == pytest.approx(1000 * a.R_pol, rel=1e-6)
    slower = eistool.Spectrum(spectrum.frequency / 64, spectrum.impedance)
    c = eistool.compute_drt_tikhonov(slower, regularization=criterion)
    np.testing.assert_allclose(c.gamma, a.gamma, rtol=1e-5, atol=1e-7)
    assert c.inductance == pytest.approx(64 * a.inductance, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("part", ["complex", "real", "imaginary"])
@pytest.mark.parametrize("weighting", ["modulus", "unit"])
def test_every_choice_finds_a_zarc(basis: str, order: int, part: str, weighting: str) -> None:
    truth = BY_NAME["ZARC + L"].shifted(1.1)
    spectrum = truth.spectrum(0.002, 1, power=1.0 if weighting == "modulus" else 0.0)
    drt = eistool.compute_drt_tikhonov(
        spectrum, basis=basis, order=order, part=part, weighting=weighting, regularization="rgcv"
    )
    assert error(truth, drt) < 0.25
    assert (drt.gamma >= 0).all()
    assert drt.R_pol == pytest.approx(50, rel=0.1)
    assert drt.R_inf == pytest.approx(10, rel=0.3)
    assert drt.inductance == pytest.approx(1e-6, rel=0.15)
    assert np.isnan(drt.u_R_inf) == (part == "imaginary")
    assert np.isnan(drt.u_inductance) == (part == "real")
    assert np.abs(drt.residual).max() < (0.03 if weighting == "modulus" else 0.1)


def test_order_and_mask() -> None:
    spectrum = BY_NAME["two, 3 decades"].spectrum(0.005, 3)
    drt = eistool.compute_drt_tikhonov(spectrum, regularization="kf")
    shuffled = np.random.default_rng(1).permutation(len(spectrum))
    mixed = eistool.Spectrum(spectrum.frequency[shuffled], spectrum.impedance[shuffled])
    again = eistool.compute_drt_tikhonov(mixed, regularization="kf")
    assert (again.gamma == drt.gamma).all()
    assert (again.impedance == drt.impedance[shuffled]).all()
    z = spectrum.impedance.copy()
    z[10] *= 5
    wild = eistool.Spectrum(spectrum.frequency, z).with_mask(np.arange(81) != 10, "wild")
    masked = eistool.compute_drt_tikhonov(wild, regularization=drt.regularization)
    assert np.isnan(masked.impedance[10])
    assert np.isfinite(masked.impedance[11])
    np.testing.assert_allclose(masked.gamma, drt.gamma, atol=0.05 * drt.gamma.max())


@pytest.mark.parametrize(("n", "regularization"), [(10, 1e-2), (17, "gcv"), (300, "gcv")])
def test_other_grids(n: int, regularization: float | str) -> None:
    truth = BY_NAME["one ZARC"]
    f = 10 ** np.random.default_rng(n).uniform(-2, 5, n)
    drt = eistool.compute_drt_tikhonov(truth.spectrum(0.002, 1, f), regularization=regularization)
    assert error(truth, drt) < 0.3
    assert drt.R_pol == pytest.approx(50, rel=0.1)


def test_without_constraint_gamma_may_be_negative() -> None:
    spectrum = BY_NAME["RC + ZARC"].spectrum(0.002, 1)
    free = eistool.compute_drt_tikhonov(spectrum, nonnegative=False, regularization=1e-5)
    assert (free.gamma < 0).any()
    assert (eistool.compute_drt_tikhonov(spectrum, regularization=1e-5).gamma >= 0).all()
    assert np.isfinite(free.covariance_root[:, free.gamma > 1e-6 * free.gamma.max()]).all()
    assert np.isnan(free.covariance_root[:, free.gamma <= 0]).all()


def test_band_without_constraint_is_that_of_the_posterior() -> None:
    truth = BY_NAME["one ZARC"]
    spectrum = truth.spectrum(0.005, 1)
    drt = eistool.compute_drt_tikhonov(spectrum, nonnegative=False, regularization=1e-3)
    matrices = matrices_of(np.sort(spectrum.frequency), "gaussian", 2.0, 1)
    order = np.argsort(spectrum.frequency)
    z = spectrum.impedance[order] / np.median(np.abs(spectrum.impedance))
    weight = 1 / np.tile(np.abs(z), 2)
    rows = np.hstack([matrices.linear[:, :2], matrices.gamma]) * weight[:, None]
    design = Design(
        rows, np.concatenate([z.real, z.imag]) * weight, np.tile(np.arange(81), 2), matrices.roughness, 2
    )
    y, full = penalised(design, 1e-3)
    x = solved(full, y)
    inverse = np.linalg.pinv(full)
    edf = np.trace(rows @ inverse[:, : design.y.size])
    variance = np.sum(design.residual(x) ** 2) / (design.y.size - edf)
    covariance = variance * inverse @ inverse.T
    sigma = np.sqrt(np.diag(matrices.basis @ covariance[2:, 2:] @ matrices.basis.T))
    width = (drt.gamma_high - drt.gamma_low) / (2 * 1.96) / np.median(np.abs(spectrum.impedance))
    np.testing.assert_allclose(width, sigma, rtol=0.3)  # of 200 draws
    assert np.median(width / sigma) == pytest.approx(1, abs=0.1)
    assert drt.u_R_inf / np.median(np.abs(spectrum.impedance)) == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.2)


@pytest.mark.parametrize("name", ["two, 3 decades", "ZARC + L"])
def test_bands_hold_the_truth(name: str) -> None:
    truth = BY_NAME[name]
    held, joint = [], []
    for seed in range(6):
        drt = eistool.compute_drt_tikhonov(truth.spectrum(0.005, seed))
        exact = truth.gamma(drt.tau)
        counted = exact > 0.02 * exact.max()
        held.append(((drt.gamma_low <= exact) & (exact <= drt.gamma_high))[counted].mean())
        joint.append(((drt.joint_low <= exact) & (exact <= drt.joint_high))[counted].mean())
        assert (drt.joint_low <= drt.gamma_low).all()
        assert (drt.gamma_low <= drt.gamma).all()
        assert (drt.gamma <= drt.gamma_high).all()
        assert (drt.gamma_high <= drt.joint_high).all()
    assert np.mean(held) > 0.8
    assert np.mean(joint) > np.mean(held)


def test_peaks_and_export() -> None:
    truth = BY_NAME["two, 3 decades"]
    drt = eistool.compute_drt_tikhonov(truth.spectrum(0.005, 1), regularization="rgcv")
    assert len(drt.peaks) >= 2
    for part in truth.peaks:
        peak = min(drt.peaks, key=lambda p: abs(math.log(p.tau / part.tau)))
        assert peak.tau == pytest.approx(part.tau, rel=0.2)
        assert pytest.approx(part.R, rel=0.1) == peak.R
        assert peak.persistent
        assert not peak.edge
        assert peak.probability > 0.99
    assert json.loads(json.dumps(drt.to_dict()))["evidence"] is None
    assert drt.model == "Tikhonov, order 1, gaussian"
    assert repr(drt).startswith("DRT of 'two, 3 decades': ")
    assert len(drt.to_dataframe()) == drt.tau.size
    assert drt.inverse_capacitance == 0


def test_small_maxima_belong_to_their_neighbours() -> None:
    x = np.linspace(0, 1, 1001)
    gamma = np.sin(3 * np.pi * x) ** 2 + 0.004 * np.sin(60 * np.pi * x) + 0.1
    np.testing.assert_allclose(x[_tops(gamma)], [1 / 6, 1 / 2, 5 / 6], atol=0.03)
    assert _tops(np.zeros(10)) == []


def test_a_criterion_without_a_minimum_is_flagged() -> None:
    noiseless = eistool.Spectrum(FREQUENCY, BY_NAME["one ZARC"].impedance(FREQUENCY))
    drt = eistool.compute_drt_tikhonov(noiseless, nonnegative=False)
    assert drt.regularization < 1e-6
    noisy = BY_NAME["one ZARC"].spectrum(0.1, 1)
    assert any("noisy" in flag for flag in eistool.compute_drt_tikhonov(noisy).flags)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 3}, "order=3; choose 0, 1, 2"),
        ({"basis": "rbf"}, "basis='rbf'; choose gaussian, piecewise-linear"),
        ({"width": 0.1}, "width=0.1; choose 1 to 10 steps"),
        ({"regularization": "loocv"}, "choose gcv, mgcv, rgcv, lcurve, re-im, kf, or give a number"),
        ({"regularization": -1.0}, "regularization=-1.0; λ must be positive"),
        ({"regularization": math.nan}, "λ must be positive"),
        ({"part": "both"}, "part='both'; choose complex, real, imaginary"),
        ({"weighting": "noise"}, "weighting='noise'; choose modulus, unit"),
        ({"part": "real", "regularization": "re-im"}, "choose part='complex'"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    spectrum = BY_NAME["one ZARC"].spectrum(0.005, 1)
    with pytest.raises(eistool.SpectrumError, match=message):
        eistool.compute_drt_tikhonov(spectrum, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [eistool.compute_drt_tikhonov, eistool.hilbert_score])
def test_spectra_that_are_too_short_are_refused(function: object) -> None:
    assert callable(function)
    with pytest.raises(eistool.SpectrumError, match="3 points used"):
        function(eistool.Spectrum([1, 2, 3], [1, 2, 3]))
    with pytest.raises(eistool.SpectrumError, match="all frequencies are the same"):
        function(eistool.Spectrum([1] * 6, [1, 2, 3, 4, 5, 6]))


def test_consistent_data_have_high_scores() -> None:
    spectrum = BY_NAME["two, 3 decades"].spectrum(0.005, 1)
    good = eistool.hilbert_score(spectrum)
    for part in (good.real, good.imag):
        assert part.mean > 0.95
        assert part.hellinger > 0.5
        assert part.jensen_shannon > 0.7
        assert part.within[0] > 0.6
        assert part.within[2] > 0.98
    z = spectrum.impedance
    bad = eistool.hilbert_score(eistool.Spectrum(spectrum.frequency, z.real + 1.3j * z.imag))
    assert bad.imag.mean < 0.9
    assert bad.imag.hellinger < 0.2
    assert bad.imag.within[2] < 0.5
    larger = eistool.hilbert_score(eistool.Spectrum(spectrum.frequency[::-1], 1000 * z[::-1]))
    assert larger.imag.hellinger == pytest.approx(good.imag.hellinger, rel=1e-4)
    np.testing.assert_allclose(larger.impedance[::-1], 1000 * good.impedance, rtol=1e-4)
    inside = np.abs(z.imag - good.impedance.imag) < 2 * good.u_impedance.imag
    assert inside.mean() == pytest.approx(good.imag.within[1])


def test_a_capacitance_in_series_is_consistent() -> None:
    z = BY_NAME["one ZARC"].impedance(FREQUENCY) + 1 / (2j * np.pi * FREQUENCY * 0.01)
    noise = np.random.default_rng(1).standard_normal((2, z.size))
    score = eistool.hilbert_score(eistool.Spectrum(FREQUENCY, z + 0.002 * np.abs(z) * (noise[0] + 1j * noise[1])))
    assert score.real.mean > 0.9
    assert score.imag.mean > 0.9


def test_evidence_and_posterior_are_those_of_dense_matrices() -> None:
    rng = np.random.default_rng(2)
    rows, roughness = rng.standard_normal((12, 7)), np.r_[0.0, rng.uniform(0.1, 2, 6)]
    y = rows @ (rng.standard_normal(7) / np.sqrt(1 + 0.5 * roughness)) + 0.1 * rng.standard_normal(12)
    posterior = _Posterior(rows, y, roughness)

    def dense(smoothness: float, signal: float) -> tuple[float, float, FloatArray]:
        prior = signal / (1 + smoothness * roughness)
        marginal = np.eye(12) + rows @ np.diag(prior) @ rows.T
        variance = float(y @ np.linalg.solve(marginal, y)) / 12
        evidence = -0.5 * float(np.linalg.slogdet(marginal)[1]) - 6 * math.log(variance)
        inverse: FloatArray = np.asarray(np.linalg.inv(np.diag(1 / prior) + rows.T @ rows), dtype=np.float64)
        return evidence, variance, inverse

    grid = [(k, g) for k in np.geomspace(1e-8, 1e8, 97) for g in np.geomspace(1e-4, 1e8, 145)]
    best = max(grid, key=lambda pair: dense(*pair)[0])
    _, variance, inverse = dense(*best)
    assert posterior.variance == pytest.approx(variance, rel=0.05)
    mean, sigma = posterior.predict(np.eye(7))
    np.testing.assert_allclose(mean, inverse @ rows.T @ y, rtol=0.05, atol=0.02)
    np.testing.assert_allclose(sigma, variance * np.diag(inverse), rtol=0.1)


def test_hilbert_scores_are_shown_and_exported() -> None:
    spectrum = BY_NAME["one ZARC"].spectrum(0.005, 1).crop(f_min=1)
    score = eistool.hilbert_score(spectrum, weighting="unit")
    assert repr(score).startswith("Hilbert transform of 'one ZARC'")
    assert "Jensen-Shannon" in score._repr_html_()
    assert set(json.loads(json.dumps(score.to_dict()))["real"]) == {
        "mean",
        "hellinger",
        "jensen_shannon",
        "within",
    }
    assert (np.isnan(score.impedance) == ~spectrum.mask).all()
    with pytest.raises(eistool.SpectrumError, match="weighting='noise'; choose modulus, unit"):
        eistool.hilbert_score(spectrum, weighting="noise")


def test_distances_of_normal_distributions() -> None:
    a, v, b, u = (
        np.array([0.0, 1.0, 0.0]),
        np.array([1.0, 0.04, 1.0]),
        np.array([0.0, 1.3, 50.0]),
        np.array([1, 0.5, 1.0]),
    )
    x = np.linspace(-20, 70, 900001)
    h = x[1] - x[0]
    for k in range(3):
        p = np.exp(-0.5 * (x - a[k]) ** 2 / v[k]) / math.sqrt(2 * np.pi * v[k])
        q = np.exp(-0.5 * (x - b[k]) ** 2 / u[k]) / math.sqrt(2 * np.pi * u[k])
        m = np.maximum(0.5 * (p + q), 1e-300)
        hellinger = math.sqrt(max(1 - float(np.sum(np.sqrt(p * q))) * h, 0.0))
        divergence = (
            0.5 * float(np.sum(p * np.log(np.maximum(p, 1e-300) / m) + q * np.log(np.maximum(q, 1e-300) / m))) * h
        )
        assert _hellinger(a, v, b, u)[k] == pytest.approx(hellinger, abs=1e-5)
        assert _divergence(a, v, b, u)[k] == pytest.approx(divergence / math.log(2), abs=1e-6)
