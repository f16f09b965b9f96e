"""Variances of heavy-tailed noise against the plain equations and maximum likelihood."""

import numpy as np
from scipy import optimize

from eistool.kernels.noise import fit_tails
from eistool.typing import FloatArray

DOF = np.array([2.0, 5.0])


def likelihood(square: FloatArray, share: FloatArray, dof: float, variance: float) -> float:
    """Return -2 ln likelihood of bivariate t noise, without constants."""
    tails = (dof + 2) * np.log1p(square / variance / dof)
    return float(share @ (2 * np.log(variance) + tails))


def test_the_variance_is_the_most_likely_one() -> None:
    rng = np.random.default_rng(1)
    square = (rng.standard_normal((3, 60)) ** 2 + rng.standard_normal((3, 60)) ** 2) / rng.gamma(1.5, size=(3, 60))
    share = rng.uniform(0.3, 1.0, 60)
    variance, tails = np.empty((3, 3)), np.empty((3, 2))
    variance[:, 0] = square @ share / share.sum() / 2
    fit_tails(square, share, DOF, 2 * share.sum(), 1e-18, 200, variance, tails)
    for s in range(3):
        for d, dof in enumerate(DOF.tolist()):
            found = optimize.minimize_scalar(
                lambda log, s=s, dof=dof: likelihood(square[s], share, dof, np.exp(log)),
                bounds=(-10, 10), method="bounded", options={"xatol": 1e-8},
            )  # fmt: skip
            np.testing.assert_allclose(variance[s, 1 + d], np.exp(found.x), rtol=1e-5)
            constant = 2 * share.sum() * np.log(variance[s, 1 + d])
            np.testing.assert_allclose(tails[s, d] + constant, found.fun, rtol=1e-9)


def test_the_least_variance_is_kept() -> None:
    variance, tails = np.full((1, 3), 1e-6), np.empty((1, 2))
    fit_tails(np.zeros((1, 5)), np.ones(5), DOF, 10.0, 1e-4, 10, variance, tails)
    assert (variance[0, 1:] == 1e-4).all()
    assert (tails == 0).all()
