"""Parametric bootstrap of the decrease in F when a circuit is extended.

All quantities are dimensionless, with the shapes and names of :mod:`eistool.kernels.least_squares`. Suffix
``_0`` denotes the smaller circuit, ``_1`` the larger one.
"""

import numba
import numpy as np

from eistool.kernels.jit import kernel
from eistool.kernels.least_squares import CIRCUIT, F64, I64, MINIMISER, MODEL, copy

# per fit; F is about 1e2 noise variances, so that gains are accurate to 1e-4 of a variance
ITERATIONS, TOLERANCE = 60, 1e-6


@kernel(
    numba.void(
        MODEL, MINIMISER,
        *CIRCUIT, I64[::1], F64[::1], F64[::1], I64[::1], F64[::1], F64[:, ::1], F64[:, ::1],
        *CIRCUIT, I64[::1], F64[::1], F64[::1], I64[::1], F64[:, ::1], F64[:, ::1], F64[:, ::1],
        F64[:, ::1], F64[:, ::1], F64[:, ::1], F64[::1],
    )
)  # fmt: skip
def bootstrap(
    evaluate, minimise,
    operations_0, offsets_0, parents_0, groups_0, kinds_0, lower_0, upper_0, free_0, theta_0, sums_0, rows_0,
    operations_1, offsets_1, parents_1, groups_1, kinds_1, lower_1, upper_1, free_1, starts_1, sums_1, rows_1,
    grid, target, noise, gains,
):  # fmt: skip
    """Compute the decrease in F due to the larger circuit for data simulated with the smaller one.

    Parameters
    ----------
    theta_0 : float64, shape (p_0,)
        True parameters of the simulated data, and start of the smaller circuit's fits.
    starts_1 : float64, shape (k, p_1)
        Starts of the larger circuit's fits; the best minimum is used.
    target : float64, shape (2, 2 n)
        Its second row holds the weights.
    noise : float64, shape (b, 2 n)
        Standard normal deviates, one row per replicate, times the noise in units of 1/weight.
    gains : float64, shape (b,)
        Output.
    """
    n = target.shape[1]
    exact = np.empty(n)
    data = np.empty((2, n))
    evaluate(operations_0, offsets_0, parents_0, groups_0, theta_0, grid, sums_0, rows_0)
    copy(sums_0[0], exact)
    copy(target[1], data[1])
    now_0, now_1 = np.empty(theta_0.size), np.empty(starts_1.shape[1])
    hessian_0, gradient_0 = np.empty((free_0.size, free_0.size)), np.empty(free_0.size)
    hessian_1, gradient_1 = np.empty((free_1.size, free_1.size)), np.empty(free_1.size)
    for b in range(gains.size):
        for i in range(n):
            data[0, i] = exact[i] + (noise[b, i] / data[1, i] if data[1, i] > 0.0 else 0.0)
        copy(theta_0, now_0)
        small, _ = minimise(
            evaluate, operations_0, offsets_0, parents_0, groups_0, now_0, lower_0, upper_0, kinds_0, free_0,
            grid, data, sums_0, rows_0, hessian_0, gradient_0, ITERATIONS, TOLERANCE,
        )  # fmt: skip
        best = small
        for k in range(starts_1.shape[0]):
            copy(starts_1[k], now_1)
            large, _ = minimise(
                evaluate, operations_1, offsets_1, parents_1, groups_1, now_1, lower_1, upper_1, kinds_1, free_1,
                grid, data, sums_1, rows_1, hessian_1, gradient_1, ITERATIONS, TOLERANCE,
            )  # fmt: skip
            if large < best:
                best = large
        gains[b] = small - best
