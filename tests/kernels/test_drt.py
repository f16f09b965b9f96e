"""Tests of the kernels of the distribution of relaxation times against naive implementations."""

import numpy as np
import pytest

from eistool.drt.grid import FINER, grid_of
from eistool.drt.process import REACH
from eistool.kernels import drt as kernels
from eistool.typing import FloatArray
from tests.drt.truths import Part, constant, cpe, gerischer, havriliak_negami, log_normal, rc, zarc

KERNELS = ("gram", "log_process", "fit_elements", "element_gamma", "interpolate", "add_product", "times")
ELEMENTS: dict[str, tuple[int, list[float], Part]] = {
    "RC": (kernels.RC, [np.log(3), 0.4], rc(3, np.exp(0.4))),
    "ZARC": (kernels.ZARC, [np.log(3), 0.4, 0.8], zarc(3, np.exp(0.4), 0.8)),
    "HN": (kernels.HN, [np.log(3), 0.4, 0.8, 0.6], havriliak_negami(3, np.exp(0.4), 0.8, 0.6)),
    "Gerischer": (kernels.GERISCHER, [np.log(3), 0.4], gerischer(3, np.exp(0.4))),
    "log-normal": (kernels.LOG_NORMAL, [np.log(3), 0.4, np.log(0.7)], log_normal(3, np.exp(0.4), 0.7)),
    "constant": (kernels.CONSTANT, [np.log(3), 0.4, np.log(1.5)], constant(3, np.exp(-1.1), np.exp(1.9))),
    "CPE": (kernels.CPE, [np.log(3), 0.6], cpe(1 / 3, 0.6)),
}
LOG_X = np.linspace(-5, 5, 23)


@pytest.mark.parametrize("name", KERNELS)
def test_compiled_for_one_signature(name: str) -> None:
    assert len(getattr(kernels, name).signatures) <= 1


def evaluate(code: int, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    m, p = 2 * LOG_X.size, theta.size
    z, rows, root = np.empty(m), np.empty((p, m)), np.empty((p, p))
    kernels.fit_elements(
        np.array([code]), np.ones(1), theta.copy(), theta - 9, theta + 9, np.zeros(p), 0.0, 0.0,
        np.empty((0, m)), LOG_X, np.zeros(m), np.ones(m), 0, 0.0, np.inf, z, rows, root,
    )  # fmt: skip
    return z, rows


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_and_derivatives(name: str) -> None:
    code, values, part = ELEMENTS[name]
    theta = np.array(values)
    z, rows = evaluate(code, theta)
    exact = part.impedance(np.exp(LOG_X))
    np.testing.assert_allclose(z, np.concatenate([exact.real, exact.imag]), rtol=1e-4, atol=1e-5)
    for k in range(theta.size):
        step = np.zeros_like(theta)
        step[k] = 1e-5
        numeric = (evaluate(code, theta + step)[0] - evaluate(code, theta - step)[0]) / 2e-5
        np.testing.assert_allclose(rows[k], numeric, rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("name", ELEMENTS)
def test_gamma_of_elements(name: str) -> None:
    code, values, part = ELEMENTS[name]
    x = np.linspace(-8, 8, 401)
    out = np.empty((1, x.size))
    kernels.element_gamma(np.array([code]), np.array(values), x, x[1] - x[0], out)
    np.testing.assert_allclose(out[0], part.gamma(np.exp(x)), rtol=1e-8, atol=1e-12)


def test_gram_and_products() -> None:
    rng = np.random.default_rng(1)
    rows, weight = rng.standard_normal((7, 20)), rng.uniform(1, 2, 20)
    expected = (rows * weight) @ rows.T
    for first in (0, 3, 4, 6):
        out = np.full((7, 7), np.nan)
        out[:first, :first] = expected[:first, :first]
        kernels.gram(rows, weight, first, out)
        np.testing.assert_allclose(out, expected, rtol=1e-12)
    product = np.empty(7)
    kernels.times(rows, weight, product)
    np.testing.assert_allclose(product, rows @ weight, rtol=1e-12)
    root, derivative = rng.standard_normal((7, 7)), rng.standard_normal((3, 20))
    total = np.zeros((7, 20))
    kernels.add_product(root, 4, derivative, total)
    np.testing.assert_allclose(total, root[:, 4:] @ derivative, rtol=1e-12)


def test_interpolate_is_the_product_with_the_spline() -> None:
    grid = grid_of(np.geomspace(1e-2, 1e3, 30))
    n = grid.log_tau.size
    root = np.tril(np.random.default_rng(2).standard_normal((n + 2, n + 2)))
    out = np.empty((n + 2, grid.fine.size))
    kernels.interpolate(root, grid.spline, FINER, REACH, n, out)
    np.testing.assert_allclose(out, root[:, :n] @ grid.spline, atol=2e-4)
    values = np.sin(grid.log_tau)
    np.testing.assert_allclose((values @ grid.spline)[20:-20], np.sin(grid.fine)[20:-20], atol=1e-4)


def naive_exponent(
    x: FloatArray, rows: FloatArray, y: FloatArray, prior: tuple[FloatArray, ...], n: int, precision: float
) -> float:
    """Return the negative log posterior, up to a constant."""
    slope, slope_weight, level = prior
    f = x[:n]
    model = np.concatenate([np.exp(f), x[n:]]) @ rows
    rough = np.diff(f, 2)
    value = 0.5 * np.sum((y - model) ** 2) + 0.5 * precision * np.sum(rough**2)
    value += 0.5 * np.sum(slope_weight[:-1] * (np.diff(f) - slope[:-1]) ** 2)
    return float(value + 0.5 * np.sum(level[0] * (f - level[1]) ** 2))


def test_process_is_at_the_maximum_of_the_posterior() -> None:
    grid = grid_of(np.geomspace(1e-1, 1e2, 16))
    n = grid.log_tau.size
    w = np.exp(grid.log_x)
    z = 1 + zarc(2, 1.0, 0.8).impedance(w)
    y = np.concatenate([z.real, z.imag])
    rows = grid.linear
    q, m = rows.shape
    products, root, scratch, residual = np.empty((q, q)), np.empty((q, q)), np.empty((q, q)), np.empty(m)
    weight = np.ones(m)
    kernels.gram(rows, weight, 0, products)
    slope, slope_weight = np.zeros(n), np.zeros(n)
    slope[:5], slope_weight[:5] = grid.step, 10.0
    level = np.array([np.full(n, 0.1), np.full(n, -2.0)])
    local = np.ones(n)
    local[[0, -1]] = 0
    f, extra = np.full(n, -2.0), np.zeros(3)
    state = np.array([50.0, 1.0, 0, 0, 0, 0, 0])
    kernels.log_process(
        rows, products, weight, y, np.zeros(n), slope, slope_weight, level, 2.0, 0.0, local,
        1e9, 1e-12, False, 50, f, extra, state, root, scratch, residual,
    )  # fmt: skip
    x = np.concatenate([f, extra])
    prior = (slope, slope_weight, level)
    best = naive_exponent(x, rows, y, prior, n, 50.0)
    rng = np.random.default_rng(3)
    for _ in range(50):
        assert naive_exponent(x + 1e-2 * rng.standard_normal(q), rows, y, prior, n, 50.0) > best
    np.testing.assert_allclose(residual, y - np.concatenate([np.exp(f), extra]) @ rows, atol=1e-12)


def test_evidence_is_that_of_dense_algebra() -> None:
    grid = grid_of(np.geomspace(1e-1, 1e2, 16))
    n, h = grid.log_tau.size, grid.step
    rng = np.random.default_rng(5)
    z = 1 + zarc(2, 1.0, 0.8).impedance(np.exp(grid.log_x))
    y = np.concatenate([z.real, z.imag]) + 0.01 * rng.standard_normal(2 * z.size)
    q, m = grid.linear.shape
    products, root, scratch, residual = np.empty((q, q)), np.empty((q, q)), np.empty((q, q)), np.empty(m)
    weight = rng.uniform(0.5, 2, m)
    kernels.gram(grid.linear, weight, 0, products)
    slope, slope_weight = np.full(n, h), np.zeros(n)
    slope_weight[:5] = 10.0
    level = np.array([np.full(n, 0.1), np.full(n, -2.0)])
    local = np.ones(n)
    local[[0, -1]] = 0
    f, extra, state = np.full(n, -2.0), np.zeros(3), np.array([50.0, 1e-4, 0, 0, 0, 0, 0])
    evidence = kernels.log_process(
        grid.linear, products, weight, y, np.zeros(n), slope, slope_weight, level, 2.0, 0.0, local,
        1e9, 1e-12, True, 100, f, extra, state, root, scratch, residual,
    )  # fmt: skip
    precision, variance = state[0], state[1]
    second, first = np.diff(np.eye(n), 2, axis=0), np.diff(np.eye(n), axis=0)
    prior = precision * second.T @ second + first.T @ np.diag(slope_weight[:-1]) @ first + np.diag(level[0])
    jacobian = grid.linear * np.concatenate([np.exp(f), np.ones(3)])[:, None]
    data = (jacobian * weight) @ jacobian.T / variance
    hessian = data.copy()
    hessian[:n, :n] += prior
    error = y - np.concatenate([np.exp(f), extra]) @ grid.linear
    exponent = naive_exponent(
        np.concatenate([f, extra]), grid.linear, y, (slope, slope_weight, level), n, precision
    ) - 0.5 * np.sum(error**2)
    expected = 0.5 * np.sum(np.log(weight / variance)) - 0.5 * np.sum(weight * error**2) / variance - exponent
    expected += 0.5 * np.linalg.slogdet(prior)[1] - 0.5 * np.linalg.slogdet(hessian)[1]
    expected += 0.5 * np.linalg.slogdet(data[n:, n:])[1] - 1.5 * np.log(m)
    assert evidence == pytest.approx(expected, abs=1e-3)
    np.testing.assert_allclose(root.T @ root, np.linalg.inv(hessian), rtol=1e-5, atol=1e-10)
