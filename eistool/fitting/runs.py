"""Wald-Wolfowitz runs test of residuals."""

import math

import numpy as np

from eistool.typing import ComplexArray, FloatArray


def runs_p(residual: ComplexArray) -> float:
    """Return the probability of at most the observed number of runs for random signs.

    An inadequate model leaves runs, sequences of residuals of the same sign. The total number of runs of the
    real and imaginary parts is compared with its exact distribution [1]_ for the given numbers of positive
    and negative signs. Residuals of 0 are ignored.

    Parameters
    ----------
    residual : ComplexArray, shape (n_freq,)
        Residuals in order of frequency.

    Returns
    -------
    float
        p-value; 1 if there are no signs to count.

    References
    ----------
    .. [1] A. Wald, J. Wolfowitz, Ann. Math. Statist. 11 (1940) 147, doi:10.1214/aoms/1177731909

    Examples
    --------
    >>> import numpy as np
    >>> alternating = np.resize([1, -1], 20)
    >>> round(runs_p(alternating + 1j * alternating), 3)
    1.0
    >>> runs_p(np.sort(alternating) + 1j * np.sort(alternating)) < 1e-8
    True
    """
    runs, probability = 0, np.ones(1)
    for part in (residual.real, residual.imag):
        is_positive = part[part != 0] > 0
        if not is_positive.size:
            continue
        runs += 1 + int(np.count_nonzero(is_positive[1:] != is_positive[:-1]))
        n_positive = int(np.count_nonzero(is_positive))
        probability = np.convolve(probability, distribution(n_positive, is_positive.size - n_positive))
    return min(float(probability[: runs + 1].sum()), 1.0) if runs else 1.0


def distribution(n: int, m: int) -> FloatArray:
    """Return the probabilities of 0, 1, 2, ... runs in a random sequence of n positive and m negative signs.

    Examples
    --------
    >>> distribution(2, 1).round(3).tolist()
    [0.0, 0.0, 0.667, 0.333]
    """
    if n == 0 or m == 0:
        return np.array([0.0, 1.0])
    most = n + m if n == m else 2 * min(n, m) + 1
    log_all = _log_choose(n + m, n)
    probability = np.zeros(most + 1)
    for runs in range(2, most + 1):
        half = runs // 2
        if runs % 2 == 0:
            probability[runs] = 2 * math.exp(_log_choose(n - 1, half - 1) + _log_choose(m - 1, half - 1) - log_all)
        else:
            for a, b in ((half, half - 1), (half - 1, half)):
                if a <= n - 1 and b <= m - 1:
                    probability[runs] += math.exp(_log_choose(n - 1, a) + _log_choose(m - 1, b) - log_all)
    return probability


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
