"""Evidence of ladders with a prior, against dense linear algebra."""

import numpy as np
import pytest

from eistool.kernels import ladder_evidence as kernels
from eistool.typing import FloatArray
from eistool.validation.smooth_ladder import RATIOS, Rows, fit_smoothly, ladder_rows, weigh_runs

OMEGA = 2 * np.pi * np.geomspace(1e5, 1, 31)


def rows() -> Rows:
    n = np.random.default_rng(1).standard_normal((2, 31))
    z = 10 + 50 / (1 + (1j * OMEGA * 1e-3) ** 0.8)
    return ladder_rows(OMEGA, z + 0.003 * np.abs(z) * (n[0] + 1j * n[1]))


def dense(values: FloatArray, width: FloatArray, ratio: float) -> tuple[float, float, FloatArray, FloatArray]:
    """Return evidence, remaining squares, coefficients and the hat matrix, by a dense covariance."""
    flat = values.reshape(-1, values.shape[2])
    terms, data = flat[:, :-1], flat[:, -1]
    covariance = np.eye(data.size) + terms * (width * ratio) ** 2 @ terms.T
    squares = data @ np.linalg.solve(covariance, data)
    evidence = -0.5 * data.size * np.log(squares / data.size) - 0.5 * np.linalg.slogdet(covariance)[1]
    gain = np.linalg.solve(covariance, terms * (width * ratio) ** 2).T
    return float(evidence), float(squares), gain @ data, terms @ gain


@pytest.mark.parametrize("name", ["leave_out_runs", "fit_rows"])
def test_compiled_for_one_signature(name: str) -> None:
    assert len(getattr(kernels, name).signatures) <= 1


def test_a_fit_has_the_highest_evidence() -> None:
    ladder = rows()
    fit = fit_smoothly(ladder)
    evidence, squares, coefficients, hat = max(
        (dense(ladder.values, ladder.width, ratio) for ratio in RATIOS), key=lambda found: found[0]
    )
    assert fit.evidence == pytest.approx(evidence, rel=1e-7)
    assert fit.squares == pytest.approx(squares, rel=1e-5)
    residual = ladder.values[:, :, -1] - ladder.values[:, :, :-1] @ coefficients
    np.testing.assert_allclose(fit.residual, residual, atol=1e-7)
    np.testing.assert_allclose(fit.leverage.ravel(), np.diag(hat), atol=1e-6)


@pytest.mark.parametrize("part", [0, 1])
def test_a_part_alone(part: int) -> None:
    ladder = rows().part(part)
    best = max(dense(ladder.values, ladder.width, ratio)[0] for ratio in RATIOS)
    assert fit_smoothly(ladder).evidence == pytest.approx(best, rel=1e-7)


def test_runs_are_weighed_against_the_rest() -> None:
    ladder = rows()
    evidence, squares = weigh_runs(ladder, 7)
    for count in (0, 1, 4, 7):
        found = []
        for ratio in RATIOS:
            value, left, coefficients, _ = dense(ladder.values[count:], ladder.width, ratio)
            run = ladder.values[:count]
            off = run[:, :, -1] - run[:, :, :-1] @ coefficients
            found.append((value - (count * np.log(np.mean(off**2)) if count else 0.0), left))
        best = max(found)
        assert evidence[count] == pytest.approx(best[0], rel=1e-6)
        assert squares[count] == pytest.approx(best[1], rel=1e-4)
