"""Second differences along a series, and maximum-likelihood penalty strength."""

import numpy as np

from eistool.typing import FloatArray

MIN_SPACING = 0.1  # relative to the typical spacing; keeps weights of repeated coordinates finite
# grid of the variance t²: 8 decades below the scatter of the separate fits, where the penalty is rigid,
# in steps of a third in t², well below the statistical error of a variance
DECADES, PER_DECADE = 8, 8


def second_differences(coordinate: FloatArray) -> FloatArray:
    """Return the weights of three neighbours in each second difference, shape (n - 2, 3).

    The weights are (1, -2, 1) for equal spacing. Distances are absolute, so that a charge and the subsequent
    discharge form one line.
    """
    h = np.abs(np.diff(coordinate))
    typical = float(np.median(h)) or float(h.max()) or 1.0
    h = np.maximum(h, MIN_SPACING * typical) / typical
    before, after = h[:-1], h[1:]
    half = 2.0 / (before + after)
    return np.column_stack([half / before, -half * (1 / before + 1 / after), half / after])


def strength_from_fits(u: FloatArray, variance: FloatArray, differences: FloatArray) -> float:
    """Return the maximum-likelihood penalty strength from separate fits.

    Second differences are taken as normally distributed with covariance t² + D V Dᵀ, where V are the variances
    of the fits; the strength is 1/t².

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> d = second_differences(np.arange(200.0))
    >>> rough = strength_from_fits(rng.normal(size=200), np.full(200, 1e-4), d)
    >>> straight = strength_from_fits(1e-2 * rng.normal(size=200), np.full(200, 1e-4), d)
    >>> rough < 1 < 1e4 < straight
    True
    """
    from scipy.linalg import cholesky_banded, solveh_banded

    n = len(differences)
    observed = differences[:, 0] * u[:n] + differences[:, 1] * u[1:-1] + differences[:, 2] * u[2:]
    bands = np.zeros((min(3, n), n))  # lower form: row k couples i and i + k
    for k in range(bands.shape[0]):
        for a in range(3 - k):
            bands[k, : n - k] += differences[: n - k, a + k] * differences[k:, a] * variance[a + k : a + n]
    scatter = float(np.mean(bands[0]) + np.mean(np.square(observed)))
    best, best_strength = np.inf, 1.0 / scatter
    for exponent in np.arange(1, -DECADES - 1e-9, -1 / PER_DECADE):
        t2 = scatter * 10.0**exponent
        banded = bands.copy()
        banded[0] += t2
        factor = cholesky_banded(banded, lower=True)
        value = 2 * np.sum(np.log(factor[0])) + observed @ solveh_banded(banded, observed, lower=True)
        if value < best:
            best, best_strength = float(value), float(1.0 / t2)
    return best_strength
