"""Elementary functions without branches, so that loops over them are vectorised: wheels contain no SVML."""

import math

import numba
import numpy as np
from llvmlite import ir
from numba.core import config
from numba.extending import intrinsic

from eistool.kernels.jit import part

# Cody-Waite splits of ln 2 and π/2: the high parts have trailing zeros, so that k times them is exact
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_BITS_ROOT_HALF = 0x3FE6A09E667F3BCD  # bit pattern of √½
_HALF_PI_HIGH, _HALF_PI_LOW = 1.57079632673412561417e00, 6.07710050650619224932e-11


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _power_of_two(k):
        return 2.0 ** int(k)

    def _split(x):
        f, k = math.frexp(x)
        return (float(k), f) if f >= math.sqrt(0.5) else (float(k - 1), 2.0 * f)

else:

    @intrinsic
    def _power_of_two(typing_context, k):
        """Return 2**k for an integer -1022 <= k <= 1023, from its bit pattern."""

        def codegen(context, builder, signature, args):
            int64 = ir.IntType(64)
            biased = builder.add(args[0], ir.Constant(int64, 1023))
            return builder.bitcast(builder.shl(biased, ir.Constant(int64, 52)), ir.DoubleType())

        return numba.float64(numba.int64), codegen

    @intrinsic
    def _bits(typing_context, x):
        """Return the bit pattern of a float."""

        def codegen(context, builder, signature, args):
            return builder.bitcast(args[0], ir.IntType(64))

        return numba.int64(numba.float64), codegen

    @intrinsic
    def _from_bits(typing_context, k):
        """Return the float of a bit pattern."""

        def codegen(context, builder, signature, args):
            return builder.bitcast(args[0], ir.DoubleType())

        return numba.float64(numba.int64), codegen

    @part(inline=True)
    def _split(x):
        """Return (k, f) with x = f 2**k and f of √½ to √2."""
        bits = _bits(x)
        # the offset between √½ and 1 moves the border of k from 1 to √½
        k = (bits - _BITS_ROOT_HALF) >> 52
        return float(k), _from_bits(bits - (k << 52))


@part(fast=True, inline=True)
def exp(x):
    """Return e**x to about 1 ulp without branches; x is clipped to ±708."""
    x = min(max(x, -708.0), 708.0)
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    s = 2.08767569878681e-9  # 1/12!, the first coefficient of the Taylor series
    s = s * r + 2.505210838544172e-8
    s = s * r + 2.755731922398589e-7
    s = s * r + 2.7557319223985893e-6
    s = s * r + 2.48015873015873e-5
    s = s * r + 1.984126984126984e-4
    s = s * r + 1.388888888888889e-3
    s = s * r + 8.333333333333333e-3
    s = s * r + 4.1666666666666664e-2
    s = s * r + 0.16666666666666666
    s = s * r + 0.5
    s = s * r + 1.0
    s = s * r + 1.0
    return s * _power_of_two(np.int64(k))


@part(fast=True, inline=True)
def sincos(x):
    """Return (sin x, cos x) without branches, for |x| up to 1e5."""
    k = np.floor(x * 0.6366197723675814 + 0.5)
    r = (x - k * _HALF_PI_HIGH) - k * _HALF_PI_LOW
    z = r * r
    s = -7.647163731819816e-13
    s = s * z + 1.605904383682161e-10
    s = s * z - 2.505210838544172e-8
    s = s * z + 2.755731922398589e-6
    s = s * z - 1.984126984126984e-4
    s = s * z + 8.333333333333333e-3
    s = s * z - 0.16666666666666666
    sine = r + r * z * s
    c = 4.779477332387385e-14
    c = c * z - 1.1470745597729725e-11
    c = c * z + 2.08767569878681e-9
    c = c * z - 2.755731922398589e-7
    c = c * z + 2.48015873015873e-5
    c = c * z - 1.388888888888889e-3
    c = c * z + 4.1666666666666664e-2
    c = c * z - 0.5
    cosine = c * z + 1.0
    quadrant = np.int64(k) & 3
    swap = (quadrant & 1) == 1
    a = cosine if swap else sine
    b = sine if swap else cosine
    a = -a if quadrant >= 2 else a
    b = -b if (quadrant == 1) or (quadrant == 2) else b
    return a, b


@part(fast=True, inline=True)
def log(x):
    """Return ln x to about 1 ulp of max(1, |ln x|), for positive normal x."""
    k, f = _split(x)
    s = (f - 1.0) / (f + 1.0)
    z = s * s
    t = 1.0 / 21.0
    t = t * z + 1.0 / 19.0
    t = t * z + 1.0 / 17.0
    t = t * z + 1.0 / 15.0
    t = t * z + 1.0 / 13.0
    t = t * z + 1.0 / 11.0
    t = t * z + 1.0 / 9.0
    t = t * z + 1.0 / 7.0
    t = t * z + 0.2
    t = t * z + 1.0 / 3.0
    return k * _LN2_HIGH + (k * _LN2_LOW + 2.0 * (s + s * z * t))


@part(fast=True, inline=True)
def atan(x):
    """Return arctan x to about 1 ulp for x >= 0; see S. L. Moshier, Cephes, atan.c, for the coefficients."""
    large, middle = x > 2.414213562373095, x > 0.41421356237309503
    numerator = -1.0 if large else x - 1.0 if middle else x
    denominator = x if large else x + 1.0 if middle else 1.0
    base = math.pi / 2 if large else math.pi / 4 if middle else 0.0
    t = numerator / denominator
    z = t * t
    p = -8.750608600031904122785e-1
    p = p * z - 1.615753718733365076637e1
    p = p * z - 7.500855792314704667340e1
    p = p * z - 1.228866684490136173410e2
    p = p * z - 6.485021904942025371773e1
    q = z + 2.485846490142306297962e1
    q = q * z + 1.650270098316988542046e2
    q = q * z + 4.328810604912902668951e2
    q = q * z + 4.853903996359136964868e2
    q = q * z + 1.945506571482613964425e2
    return base + (t + t * z * (p / q))
