"""Scale of noise with the tails of Student's t."""

import math

from eistool.kernels.jit import kernel, part


@part(sums=True)
def _scale(square, share, dof, variance):
    """Return the next variance: a step of the expectation-maximisation algorithm, but for a factor."""
    total = 0.0
    for i in range(square.size):
        total += share[i] * square[i] * (dof + 2.0) / (dof + square[i] / variance)
    return total


@kernel(
    "void(float64[:, ::1], float64[::1], float64[::1], float64, float64, int64, float64[:, ::1], float64[:, ::1])"
)
def fit_tails(square, share, dof, count, least, steps, variance, tails):
    """Find the variance of bivariate t noise for each shape and each number of degrees of freedom.

    Parameters
    ----------
    square : float64, shape (s, n)
        Sums over both parts, relative to each of s shapes.
    share : float64, shape (n,)
        How much of a point counts.
    dof : float64, shape (d,)
        Degrees of freedom.
    count : float64
        Sum of ``share``, twice.
    least : float64
        Variance that is never gone below.
    steps : int
        Of the expectation-maximisation algorithm.
    variance : float64, shape (s, 1 + d)
        The first column holds that of normal noise, with which the others begin; these are written.
    tails : float64, shape (s, d)
        Written: -2 ln likelihood, but for the variance and constants.
    """
    for s in range(square.shape[0]):
        for d in range(dof.size):
            found = variance[s, 0]
            for _ in range(steps):
                found = max(_scale(square[s], share, dof[d], found) / count, least)
            variance[s, 1 + d] = found
            total = 0.0
            for i in range(share.size):
                total += share[i] * math.log1p(square[s, i] / found / dof[d])
            tails[s, d] = (dof[d] + 2.0) * total
