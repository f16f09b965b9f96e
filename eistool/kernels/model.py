"""Interpreter of circuit programs: impedance and derivatives of any circuit.

A circuit is a tree of sums. Group 0 adds impedances, its children add admittances, their children add
impedances again, and each child g contributes 1/S_g to its parent. An operation adds one element to the
sum of its group. The reverse pass multiplies the derivatives of the elements by the adjoint of their
group, -adjoint(parent)/S_g².

Frequencies are processed in blocks of ``WIDTH`` points. A complex row holds the real parts of a block, then
its imaginary parts, then the next block, so that inner loops have a constant length and are vectorised.

Shapes: o operations, g groups, p parameters, n points (a multiple of ``WIDTH``).
"""

import math

import numba
import numpy as np

from eistool.kernels.callback import call
from eistool.kernels.elementary import exp, sincos
from eistool.kernels.jit import kernel, part

WIDTH = 16  # four AVX2 registers of doubles
_SIZE = 2 * WIDTH
ROW_LOG, ROW_ONE, ROW_X, ROW_INVERSE, ROW_ROOT, ROW_INVERSE_ROOT = 0, 1, 2, 3, 4, 5

# columns of ``operations``
OP_CODE, OP_GROUP, OP_PARAMETER, OP_SIGN, OP_ROW, OP_COUNT = 0, 1, 2, 3, 4, 5

# codes; `sign` is +1 where the group adds impedances and -1 where it adds admittances
POWER = 0  # A (jx)^n, n of 0, ±1 or ±1/2: the row of the block is x^n
CPE = 1  # A (jx)^-alpha
LA = 2  # A (jx)^alpha
# the following elements are only added to groups of impedances
ZARC = 10  # A / (1 + (jxτ)^alpha)
K = 11  # A / (1 + jxτ)
RL = 12  # A jxτ / (1 + jxτ)
WS = 13  # A tanh√(jxτ) / √(jxτ)
WO = 14  # A coth√(jxτ) / √(jxτ)
FIRST_POINTWISE = 20  # elements from this code on are evaluated one frequency at a time
G = 20  # A / √(1 + jxτ)
FG = 21  # A / (1 + jxτ)^alpha
HN = 22  # A / (1 + (jxτ)^alpha)^beta
FWS = 23  # A tanh(s)/s, s = (jxτ)^alpha
FWO = 24  # A coth(s)/s
TLM_EE = 25  # (Re, Ri, A, alpha)
TLM_II = 26
TLM_IE = 27
TLM_CT = 28  # (Re, Ri, Rct, A, alpha)
DE_LEVIE = 29  # (Ri, A, alpha)
CUSTOM = 40  # evaluated by a Python function; OP_ROW is its address


@part()
def _tanh_ratio(s):
    """Return tanh(s)/s for Re s >= 0, with a series near 0 and 1/s for saturated tanh."""
    q = s * s
    if abs(q) < 0.05:
        t = -929569.0 / 638512875.0 + 0j
        t = t * q + 21844.0 / 6081075.0
        t = t * q - 1382.0 / 155925.0
        t = t * q + 62.0 / 2835.0
        t = t * q - 17.0 / 315.0
        t = t * q + 2.0 / 15.0
        t = t * q - 1.0 / 3.0
        return t * q + 1.0
    if s.real > 20.0:
        return 1.0 / s
    e = np.exp(-2.0 * s)
    return (1.0 - e) / ((1.0 + e) * s)


@part()
def _sinh_ratio(s):
    """Return s/sinh(s) for Re s >= 0."""
    q = s * s
    if abs(q) < 0.05:
        t = -8191.0 / 37362124800.0 + 0j
        t = t * q + 1414477.0 / 653837184000.0
        t = t * q - 73.0 / 3421440.0
        t = t * q + 127.0 / 604800.0
        t = t * q - 31.0 / 15120.0
        t = t * q + 7.0 / 360.0
        t = t * q - 1.0 / 6.0
        return t * q + 1.0
    if s.real > 300.0:
        return 0j
    e = np.exp(-s)
    return 2.0 * s * e / (1.0 - e * e)


@part()
def _line(code, lx, theta, p):
    """Return Z of a two-rail transmission line and its derivatives with respect to theta.

    ``theta[p:]`` is ln Re, ln Ri, [ln Rct,] ln A, alpha; the shunt admittance is (jx)^alpha / A
    (+ 1/Rct). See docs/theory.md for the equations.
    """
    faradaic = code == TLM_CT
    re, ri = math.exp(theta[p]), math.exp(theta[p + 1])
    if code == TLM_II:
        re, ri = ri, re
    i_amplitude = p + 3 if faradaic else p + 2
    log_jx = complex(lx, 0.5 * math.pi)
    blocking = np.exp(theta[i_amplitude + 1] * log_jx - theta[i_amplitude])
    leak = math.exp(-theta[p + 2]) if faradaic else 0.0
    y = blocking + leak
    s = re + ri
    share_e, share_i = re / s, ri / s
    q = s * y
    p0 = re * share_i
    if code == TLM_IE or faradaic:
        nu = np.sqrt(q)
        t = _tanh_ratio(nu)
        c1 = 1.0 / (q * t)
        s1 = _sinh_ratio(nu) / q
        m = re * share_e + ri * share_i
        z = p0 * (1.0 + 2.0 * s1) + m * c1
        dq = -p0 * s1 * (1.0 + 1.0 / t) - 0.5 * m * c1 * (1.0 + 1.0 / t - q * t)
        d_re = p0 * share_i * (1.0 + 2.0 * s1) + (2.0 * re - m) * share_e * c1
        d_ri = p0 * share_e * (1.0 + 2.0 * s1) + (2.0 * ri - m) * share_i * c1
    else:
        quarter = 0.25 * q
        t = _tanh_ratio(np.sqrt(quarter))
        m = re * share_e
        z = p0 + m * t
        dq = m * 0.5 * (1.0 - t - quarter * t * t)
        d_re = p0 * share_i + m * (2.0 - share_e) * t
        d_ri = p0 * share_e - m * share_i * t
    d_re += dq * share_e
    d_ri += dq * share_i
    if code == TLM_II:
        d_re, d_ri = d_ri, d_re
    d_alpha = dq * blocking / y * log_jx
    d_amplitude = -dq * blocking / y
    if faradaic:
        return z, d_re, d_ri, -dq * leak / y, d_amplitude, d_alpha
    return z, d_re, d_ri, d_amplitude, d_alpha, 0j


@part()
def _pointwise(code, lx, theta, p):
    """Return Z and up to five derivatives of an element at one frequency."""
    if TLM_EE <= code <= TLM_CT:
        return _line(code, lx, theta, p)
    amplitude = math.exp(theta[p])
    if code == DE_LEVIE:
        log_jx = complex(lx, 0.5 * math.pi)
        q = np.exp(theta[p] - theta[p + 1] + theta[p + 2] * log_jx)
        t = _tanh_ratio(np.sqrt(q))
        z = amplitude / (q * t)
        dq = -0.5 * z * (1.0 + 1.0 / t - q * t)
        return z, z + dq, -dq, dq * log_jx, 0j, 0j
    log_jxt = complex(lx + theta[p + 1], 0.5 * math.pi)
    alpha = 1.0 if code == G else theta[p + 2]
    if code in (G, FG):
        q = np.exp(log_jxt)
        log_1q = np.log(1.0 + q)
        power = 0.5 if code == G else alpha
        z = amplitude * np.exp(-power * log_1q)
        return z, z, -z * power * q / (1.0 + q), -z * log_1q, 0j, 0j
    if code == HN:
        q = np.exp(alpha * log_jxt)
        log_1q = np.log(1.0 + q)
        z = amplitude * np.exp(-theta[p + 3] * log_1q)
        dq = -z * theta[p + 3] * q / (1.0 + q)
        return z, z, dq * alpha, dq * log_jxt, -z * log_1q, 0j
    s = np.exp(alpha * log_jxt)
    t = _tanh_ratio(s)
    q = s * s
    if code == FWS:
        z = amplitude * t
        dq = amplitude * 0.5 * (1.0 - t - q * t * t)
    else:
        z = amplitude / (q * t)
        dq = -0.5 * z * (1.0 + 1.0 / t - q * t)
    return z, z, 2.0 * alpha * dq, 2.0 * dq * log_jxt, 0j, 0j


@part(fast=True, inline=True)
def _warburg_ratio(y):
    """Return (Re T, Im T) of T = tanh√(jy)/√(jy) for real y >= 0, without branches."""
    # tanh(a + ja), a = √(y/2), numerator and denominator multiplied by 2 exp(-2a)
    a = max(math.sqrt(0.5 * y), 1e-3)
    e = exp(-2.0 * a)
    sine, cosine = sincos(2.0 * min(a, 400.0))
    d = 1.0 / ((1.0 + e * e + 2.0 * e * cosine) * 2.0 * a)
    hr = (1.0 - e * e) * d
    hi = 2.0 * e * sine * d
    y2 = y * y
    near_r = 1.0 + y2 * (-2.0 / 15.0 + y2 * (62.0 / 2835.0 - y2 * 21844.0 / 6081075.0))
    near_i = y * (-1.0 / 3.0 + y2 * (17.0 / 315.0 + y2 * (-1382.0 / 155925.0 + y2 * 929569.0 / 638512875.0)))
    near = y < 0.03
    return (near_r if near else hr + hi), (near_i if near else hi - hr)


@part()
def _clear(row):
    for i in range(row.size):
        row[i] = 0.0


@part(fast=True)
def _accumulate(total, row, sign):
    """Add the impedance of an element, equal to its first derivative, to the sum of its group."""
    for i in range(total.size):
        total[i] += sign * row[i]


@part(fast=True)
def _add_power_law(x, out, re, im, sign):
    """Compute (re + j im) times a row of the grid, for R, C, L and W."""
    for b in range(x.size // WIDTH):
        xb = x[b * WIDTH : (b + 1) * WIDTH]
        block = out[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            block[i] = sign * re * xb[i]
            block[WIDTH + i] = sign * im * xb[i]


@part(fast=True)
def _add_cpe(log_x, out, by_alpha, amplitude, alpha, k, sign, offset):
    """Compute amplitude (jx)^(k alpha), for CPE and La."""
    c = amplitude * math.cos(0.5 * math.pi * alpha)
    d = k * amplitude * math.sin(0.5 * math.pi * alpha)
    for b in range(log_x.size // WIDTH):
        xb = log_x[b * WIDTH : (b + 1) * WIDTH]
        block = out[b * _SIZE : (b + 1) * _SIZE]
        alphas = by_alpha[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            lx = xb[i] + offset
            e = exp(k * alpha * lx)
            re = c * e
            im = d * e
            block[i] = sign * re
            block[WIDTH + i] = sign * im
            alphas[i] = k * (re * lx - im * 0.5 * math.pi)
            alphas[WIDTH + i] = k * (im * lx + re * 0.5 * math.pi)


@part(fast=True)
def _add_zarc(log_x, out, by_tau, by_alpha, amplitude, shift, alpha):
    """Compute A / (1 + (jxτ)^alpha)."""
    c = math.cos(0.5 * math.pi * alpha)
    d = math.sin(0.5 * math.pi * alpha)
    for b in range(log_x.size // WIDTH):
        xb = log_x[b * WIDTH : (b + 1) * WIDTH]
        block = out[b * _SIZE : (b + 1) * _SIZE]
        taus = by_tau[b * _SIZE : (b + 1) * _SIZE]
        alphas = by_alpha[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            lx = xb[i] + shift
            e = exp(alpha * lx)
            qr = e * c
            qi = e * d
            ur = 1.0 + qr
            inverse = 1.0 / (ur * ur + qi * qi)
            re = amplitude * ur * inverse
            im = -amplitude * qi * inverse
            # t = -Z q/(1 + q)
            fr = (qr * ur + qi * qi) * inverse
            fi = qi * inverse
            tr = im * fi - re * fr
            ti = -(im * fr + re * fi)
            block[i] = re
            block[WIDTH + i] = im
            taus[i] = alpha * tr
            taus[WIDTH + i] = alpha * ti
            alphas[i] = tr * lx - ti * 0.5 * math.pi
            alphas[WIDTH + i] = ti * lx + tr * 0.5 * math.pi


@part(fast=True)
def _add_relaxation(x, out, by_tau, amplitude, tau, loop):
    """Compute K = A / (1 + jxτ) (loop = 0), or A - K, a resistor parallel to an inductor (loop = 1)."""
    sign = 1.0 - 2.0 * loop
    for b in range(x.size // WIDTH):
        xb = x[b * WIDTH : (b + 1) * WIDTH]
        block = out[b * _SIZE : (b + 1) * _SIZE]
        taus = by_tau[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            q = xb[i] * tau
            inverse = 1.0 / (1.0 + q * q)
            kr = amplitude * inverse
            ki = -q * kr
            block[i] = kr * (1.0 - loop + loop * q * q)
            block[WIDTH + i] = sign * ki
            # dK/dln τ = -K jq/(1 + jq)
            taus[i] = sign * q * (ki - kr * q) * inverse
            taus[WIDTH + i] = -sign * q * (ki * q + kr) * inverse


@part(fast=True)
def _add_warburg(x, out, by_tau, amplitude, tau, reflecting):
    """Compute A T (transmissive) or A / (qT) (reflecting) with T = tanh√q/√q, q = jxτ."""
    for b in range(x.size // WIDTH):
        xb = x[b * WIDTH : (b + 1) * WIDTH]
        block = out[b * _SIZE : (b + 1) * _SIZE]
        taus = by_tau[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            y = xb[i] * tau
            tr, ti = _warburg_ratio(y)
            gr = -y * ti  # g = qT
            gi = y * tr
            if reflecting:
                # dZ/dln q = -Z (1 + 1/T - qT)/2
                scale = amplitude / (gr * gr + gi * gi)
                inverse = 1.0 / (tr * tr + ti * ti)
                re = gr * scale
                im = -gi * scale
                hr = 1.0 + tr * inverse - gr
                hi = -ti * inverse - gi
                dr = -0.5 * (re * hr - im * hi)
                di = -0.5 * (re * hi + im * hr)
            else:
                # dZ/dln q = A (1 - T - qT²)/2
                re = amplitude * tr
                im = amplitude * ti
                dr = 0.5 * amplitude * (1.0 - tr - (gr * tr - gi * ti))
                di = -0.5 * amplitude * (ti + gr * ti + gi * tr)
            block[i] = re
            block[WIDTH + i] = im
            taus[i] = dr
            taus[WIDTH + i] = di


@part()
def _add_pointwise(log_x, total, rows, code, theta, p, offset):
    """Add an element that is evaluated one frequency at a time."""
    for k in range(log_x.size):
        values = _pointwise(code, log_x[k] + offset, theta, p)
        i = k + WIDTH * (k // WIDTH)
        total[i] += values[0].real
        total[i + WIDTH] += values[0].imag
        for r in range(rows.shape[0]):
            rows[r, i] = values[r + 1].real
            rows[r, i + WIDTH] = values[r + 1].imag


@part(fast=True)
def _invert(total, parent):
    """Replace the sum S of a group by v = 1/S and add it to the sum of the parent."""
    for b in range(total.size // _SIZE):
        block = total[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            re = block[i]
            im = block[WIDTH + i]
            inverse = 1.0 / (re * re + im * im)
            block[i] = re * inverse
            block[WIDTH + i] = -im * inverse
    _accumulate(parent, total, 1.0)


@part(fast=True)
def _adjoin(total, parent, top):
    """Replace v by the adjoint of the group, -v² adjoint(parent), with 1 at the root."""
    for b in range(total.size // _SIZE):
        block = total[b * _SIZE : (b + 1) * _SIZE]
        above = parent[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            re = block[i]
            im = block[WIDTH + i]
            sr = im * im - re * re
            si = -2.0 * re * im
            ar = 1.0 if top else above[i]
            ai = 0.0 if top else above[WIDTH + i]
            block[i] = ar * sr - ai * si
            block[WIDTH + i] = ar * si + ai * sr


@part(fast=True)
def _multiply(derivative, adjoint):
    """Multiply the derivatives of a parameter by the adjoint of its group."""
    for b in range(derivative.size // _SIZE):
        block = derivative[b * _SIZE : (b + 1) * _SIZE]
        factor = adjoint[b * _SIZE : (b + 1) * _SIZE]
        for i in range(WIDTH):
            re = block[i]
            im = block[WIDTH + i]
            # loaded before anything is stored, or the loop is not vectorised
            fr = factor[i]
            fi = factor[WIDTH + i]
            block[i] = fr * re - fi * im
            block[WIDTH + i] = fr * im + fi * re


# as an argument with a declared type the function is compiled once, not in every caller
_F64, _I64 = numba.float64, numba.int64
EVALUATE = numba.void(
    _I64[:, ::1], _F64[::1], _I64[::1], _I64[::1], _F64[::1], _F64[:, ::1], _F64[:, ::1], _F64[:, ::1]
)


@kernel(EVALUATE)
def evaluate(operations, offsets, parents, groups, theta, grid, sums, rows):
    """Compute Z in the first row of ``sums``, and dZ/dtheta in ``rows``.

    Parameters
    ----------
    operations : int64, shape (o, 6)
        Code, group, first parameter, sign, row of the grid, number of parameters.
    offsets : float64, shape (o,)
        ln of the frequency unit for elements in which an exponent acts on the frequency alone, else 0.
    parents : int64, shape (g,)
        Parent of each group, smaller than the index of the group; -1 for group 0.
    groups : int64, shape (p,)
        Group of each parameter.
    theta : float64, shape (p,)
        ln A, ln tau, alpha, ... in the order of the program's parameters.
    grid : float64, shape (6, n)
        ln x, one, x, 1/x, √x, 1/√x.
    sums : float64, shape (g, 2 n)
        Sums of the groups; work space and output.
    rows : float64, shape (p, 2 n)
        Output: the derivatives.
    """
    for g in range(parents.size):
        _clear(sums[g])
    for o in range(operations.shape[0]):
        code = operations[o, OP_CODE]
        p = operations[o, OP_PARAMETER]
        sign = float(operations[o, OP_SIGN])
        total = sums[operations[o, OP_GROUP]]
        if code == CUSTOM:
            derivatives = rows[p : p + operations[o, OP_COUNT]]
            call(operations[o, OP_ROW], offsets[o], grid[ROW_LOG], theta[p:], total, derivatives)
            continue
        amplitude = math.exp(sign * theta[p])
        if code >= FIRST_POINTWISE:
            _add_pointwise(grid[ROW_LOG], total, rows[p : p + operations[o, OP_COUNT]], code, theta, p, offsets[o])
            continue
        if code == POWER:
            row = operations[o, OP_ROW]
            re, im = amplitude, 0.0
            if row == ROW_X:
                re, im = 0.0, amplitude
            elif row == ROW_INVERSE:
                re, im = 0.0, -amplitude
            elif row == ROW_ROOT:
                re, im = amplitude * math.sqrt(0.5), amplitude * math.sqrt(0.5)
            elif row == ROW_INVERSE_ROOT:
                re, im = amplitude * math.sqrt(0.5), -amplitude * math.sqrt(0.5)
            _add_power_law(grid[row], rows[p], re, im, sign)
        elif code in (CPE, LA):
            k = sign if code == LA else -sign
            _add_cpe(grid[ROW_LOG], rows[p], rows[p + 1], amplitude, theta[p + 1], k, sign, offsets[o])
        elif code == ZARC:
            _add_zarc(grid[ROW_LOG], rows[p], rows[p + 1], rows[p + 2], amplitude, theta[p + 1], theta[p + 2])
        elif code in (K, RL):
            loop = 1.0 if code == RL else 0.0
            _add_relaxation(grid[ROW_X], rows[p], rows[p + 1], amplitude, math.exp(theta[p + 1]), loop)
        else:
            _add_warburg(grid[ROW_X], rows[p], rows[p + 1], amplitude, math.exp(theta[p + 1]), code == WO)
        _accumulate(total, rows[p], sign)
    n_groups = parents.size
    for g in range(n_groups - 1, 0, -1):
        _invert(sums[g], sums[parents[g]])
    for g in range(1, n_groups):
        _adjoin(sums[g], sums[parents[g]], parents[g] == 0)
    if n_groups > 1:
        for p in range(groups.size):
            if groups[p] > 0:
                _multiply(rows[p], sums[groups[p]])
