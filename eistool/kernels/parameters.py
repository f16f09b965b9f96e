"""Transformation between circuit parameters and the parameters theta of the kernels.

theta holds ln of an amplitude A (an impedance, at the typical frequency), ln of a time constant, or an
exponent. All are dimensionless; ``scale`` holds ln Z0 and ln ω0 of the typical values. For a parameter p of
the circuit, with α the exponent of its element,

    ln p' = ln p + z ln Z0 + (w + a α) ln ω0,        theta = sign (ln p' + constant),

and the CPE or C of an arc p(R,CPE) is replaced by its time constant: theta = (ln R' + ln Q') / α.
"""

import math

from eistool.kernels.jit import kernel, part

AMPLITUDE, LOG_TAU, EXPONENT = 0, 1, 2  # kinds of theta
# columns of the two tables
SIGN, CONSTANT, POWER_Z, POWER_W, POWER_W_ALPHA = 0, 1, 2, 3, 4
INDEX_ALPHA, INDEX_R, IS_EXPONENT = 0, 1, 2


@part()
def _shift(table, index, i, alpha, scale):
    power = table[i, POWER_W]
    if index[i, INDEX_ALPHA] >= 0:
        power += table[i, POWER_W_ALPHA] * alpha
    return table[i, POWER_Z] * scale[0] + power * scale[1]


@kernel("void(float64[:, ::1], int64[:, ::1], float64[::1], float64[::1], float64[::1])")
def to_theta(table, index, scale, values, theta):
    """Compute theta from the circuit's parameter values; 0 is replaced by 1e-100.

    Parameters
    ----------
    table : float64, shape (p, 5)
        Sign, constant and the powers z, w and a of each parameter.
    index : int64, shape (p, 3)
        Index of its element's exponent and of its arc's resistance (-1 for none), and 1 for an exponent.
    scale : float64, shape (2,)
        ln Z0 and ln ω0.
    values, theta : float64, shape (p,)
        In the circuit's order.
    """
    for i in range(values.size):
        if index[i, IS_EXPONENT] == 1:
            theta[i] = values[i]
            continue
        i_alpha = index[i, INDEX_ALPHA]
        alpha = values[i_alpha] if i_alpha >= 0 else 1.0
        log_value = math.log(max(values[i], 1e-100)) + _shift(table, index, i, alpha, scale)
        r = index[i, INDEX_R]
        if r >= 0:
            log_r = math.log(max(values[r], 1e-100)) + _shift(table, index, r, 1.0, scale)
            theta[i] = (log_r + log_value) / alpha
        else:
            theta[i] = table[i, SIGN] * (log_value + table[i, CONSTANT])


@kernel("void(float64[:, ::1], int64[:, ::1], float64[::1], float64[::1], float64[::1], float64[:, ::1])")
def to_values(table, index, scale, theta, values, derivative):
    """Compute the circuit's parameter values and dp/dtheta.

    Parameters
    ----------
    table, index, scale
        As in :func:`to_theta`.
    theta, values : float64, shape (p,)
        In the circuit's order.
    derivative : float64, shape (p, p)
        Row i holds the derivatives of parameter i with respect to theta.
    """
    for i in range(theta.size):
        for k in range(theta.size):
            derivative[i, k] = 0.0
        if index[i, IS_EXPONENT] == 1:
            values[i] = theta[i]
            derivative[i, i] = 1.0
            continue
        i_alpha = index[i, INDEX_ALPHA]
        alpha = theta[i_alpha] if i_alpha >= 0 else 1.0
        shift = _shift(table, index, i, alpha, scale)
        r = index[i, INDEX_R]
        if r >= 0:
            value = math.exp(alpha * theta[i] - theta[r] - shift)
            derivative[i, i] = alpha * value
            derivative[i, r] = -value
            if i_alpha >= 0:
                derivative[i, i_alpha] = (theta[i] - table[i, POWER_W_ALPHA] * scale[1]) * value
        else:
            value = math.exp(table[i, SIGN] * theta[i] - table[i, CONSTANT] - shift)
            derivative[i, i] = table[i, SIGN] * value
            if i_alpha >= 0:
                derivative[i, i_alpha] = -table[i, POWER_W_ALPHA] * scale[1] * value
        values[i] = value
