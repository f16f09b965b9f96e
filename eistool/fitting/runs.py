"""Wald-Wolfowitz runs test of residuals."""

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
    fewer = min(n, m)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + m + 1)))])

    def log_choose(n: int) -> FloatArray:
        """Return the logarithms of the numbers of ways to choose 0, 1, 2, ... of n."""
        k, log_ways = np.arange(min(n, fewer) + 1), np.full(fewer + 1, -np.inf)
        log_ways[k] = log_factorials[n] - log_factorials[k] - log_factorials[n - k]
        return log_ways

    log_all = log_factorials[n + m] - log_factorials[n] - log_factorials[m]
    positive, negative = log_choose(n - 1), log_choose(m - 1) - log_all
    probability = np.zeros(2 * fewer + 2)
    probability[2::2] = 2 * np.exp(positive[:-1] + negative[:-1])
    probability[3::2] = np.exp(positive[1:] + negative[:-1]) + np.exp(positive[:-1] + negative[1:])
    return probability
