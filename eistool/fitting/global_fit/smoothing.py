"""Second differences along a series, and how large they are expected to be."""

import numpy as np

from eistool.typing import FloatArray

SMALLEST_SPACING = 0.1  # of the typical: repeated coordinates must not divide by zero
DECADES = 8  # below the scatter of the separate fits, that an expected difference is sought
PER_DECADE = 8


def second_differences(coordinate: FloatArray) -> FloatArray:
    """Return each row's weights of three neighbours, shape (n - 2, 3).

    At even spacing they are (1, -2, 1). Distances count along the series, so that a charge and the
    discharge after it are one line.
    """
    h = np.abs(np.diff(coordinate))
    typical = float(np.median(h)) or float(h.max()) or 1.0
    h = np.maximum(h, SMALLEST_SPACING * typical) / typical
    before, after = h[:-1], h[1:]
    half = 2.0 / (before + after)
    return np.column_stack([half / before, -half * (1 / before + 1 / after), half / after])


def strength_from_fits(u: FloatArray, variance: FloatArray, differences: FloatArray) -> float:
    """Return the penalty strength that makes the separate fits' second differences most likely.

    They are normally distributed with the covariance t² + D V Dᵀ, where V are the variances of the fits;
    the strength is 1/t².

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
        own = bands.copy()
        own[0] += t2
        factor = cholesky_banded(own, lower=True)
        value = 2 * np.sum(np.log(factor[0])) + observed @ solveh_banded(own, observed, lower=True)
        if value < best:
            best, best_strength = float(value), float(1.0 / t2)
    return best_strength
