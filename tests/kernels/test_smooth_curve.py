"""The kernels of the smooth curve against dense matrices."""

import numpy as np
import pytest

from eistool.kernels import smooth_curve as kernels
from eistool.typing import FloatArray

N, M, SERIES = 40, 17, 3
GAINS = 4.0 ** np.arange(-2, 6)


def problem() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return columns, scale of the bumps, weight and data."""
    rng = np.random.default_rng(1)
    bumps = np.exp(-0.5 * (np.linspace(0, 20, N) - np.linspace(0, 20, M)[:, None]) ** 2)
    columns = np.vstack([rng.standard_normal((SERIES, N)), bumps])
    weight = rng.uniform(0.5, 2, N)
    scale = rng.uniform(0.5, 2, M)
    y = np.array([3.0, -2, 1]) @ columns[:SERIES] + (scale * rng.standard_normal(M)) @ bumps
    return columns, scale, weight, y + 0.1 * rng.standard_normal(N) / weight


def decomposed() -> dict[str, FloatArray]:
    """Return what the kernel writes."""
    shapes: dict[str, tuple[int, ...]] = {
        "triangle": (SERIES, SERIES), "of_series": (SERIES,), "shared": (SERIES, M), "matrix": (M, M), "off": (M,),
        "product": (M,), "variance": (GAINS.size,), "evidence": (GAINS.size,),
    }  # fmt: skip
    out = {name: np.zeros(shape) for name, shape in shapes.items()}
    kernels.decompose(*problem(), GAINS, 1e-14, *out.values())
    return out


@pytest.mark.parametrize("name", ["decompose", "mix", "multiply"])
def test_compiled_for_one_signature(name: str) -> None:
    assert len(getattr(kernels, name).signatures) <= 1


def test_evidence_is_that_of_normal_data() -> None:
    columns, scale, weight, y = problem()
    A, b, y = (columns[:SERIES] * weight).T, (columns[SERIES:] * weight * scale[:, None]).T, y * weight
    found = decomposed()
    expected = []
    for k, gain in enumerate(GAINS):
        inverse = np.linalg.inv(np.eye(N) + gain * b @ b.T)
        P = inverse - inverse @ A @ np.linalg.solve(A.T @ inverse @ A, A.T @ inverse)
        variance = y @ P @ y / (N - SERIES)
        assert found["variance"][k] == pytest.approx(variance, rel=1e-9)
        logarithms = np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(A.T @ inverse @ A)[1]
        expected.append(0.5 * (logarithms - (N - SERIES) * np.log(variance)))
    np.testing.assert_allclose(np.diff(found["evidence"]), np.diff(expected), atol=1e-8)


def test_mean_and_covariance_are_those_of_the_posterior() -> None:
    columns, scale, weight, y = problem()
    found = decomposed()
    some = slice(2, 5)
    share, variance, bias = np.array([0.2, 0.5, 0.3]), found["variance"][some], 2.0
    mean, root = np.empty(M), np.empty((M, M + 4))
    kernels.mix(
        found["matrix"],
        found["off"],
        found["product"],
        GAINS[some].copy(),
        share,
        variance.copy(),
        bias,
        mean,
        root,
    )
    q = np.linalg.qr((columns[:SERIES] * weight).T)[0]
    rows = (columns[SERIES:] * weight * scale[:, None]).T
    rows, rest = rows - q @ (q.T @ rows), y * weight - q @ (q.T @ (y * weight))
    gram, product = rows.T @ rows, rows.T @ rest
    spread = [np.linalg.inv(np.eye(M) / gain + gram) for gain in GAINS[some]]
    means = np.array([S @ product for S in spread])
    np.testing.assert_allclose(mean, share @ means, atol=1e-9)
    missed = bias * sum(a * S for a, S in zip(share, spread, strict=True)) @ (product - gram @ mean)
    among = (means - mean).T @ np.diag(share) @ (means - mean)
    covariance = variance[1] * spread[1] + among + np.outer(missed, missed)
    np.testing.assert_allclose(root @ root.T, covariance, atol=1e-9)
    weighted = (columns[SERIES:] * weight * scale[:, None]).T
    np.testing.assert_allclose(np.abs(found["shared"]), np.abs(q.T @ weighted), atol=1e-9)


def test_products_of_matrices() -> None:
    rng = np.random.default_rng(2)
    for q in (1, 3, 4, 6):
        a, b, out = rng.standard_normal((5, q)), rng.standard_normal((q, 7)), np.empty((5, 7))
        kernels.multiply(a, b, out)
        np.testing.assert_allclose(out, a @ b, atol=1e-12)
