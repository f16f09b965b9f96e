"""Callbacks from compiled code to Python functions of registered elements.

The address of the function is data, so that circuits with such elements run through the same cached code
as any other. The callback acquires the GIL while it runs.
"""

import ctypes

import numba
from llvmlite import ir
from numba.core import config
from numba.extending import intrinsic

from eistool.kernels.jit import part

# number of points, ln of the frequency unit; addresses of ln x, theta, the sum of the group, the derivatives
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_double, *[ctypes.c_int64] * 4)

if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _jump(address, n, offset, *arrays):
        CALLBACK(int(address))(n, float(offset), *arrays)

else:

    @intrinsic
    def _jump(typing_context, address, n, offset, log_x, theta, total, rows):
        """Call the function at an address."""

        def codegen(context, builder, signature, args):
            int64, double = ir.IntType(64), ir.DoubleType()
            kind = ir.FunctionType(ir.VoidType(), [int64, double, int64, int64, int64, int64])
            builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
            return context.get_dummy_value()

        i64 = numba.int64
        return numba.void(i64, i64, numba.float64, i64, i64, i64, i64), codegen


@part()
def call(address, offset, log_x, theta, total, rows):
    """Call a function that adds the impedance to ``total`` and writes the derivatives to ``rows``."""
    _jump(address, log_x.size, offset, log_x.ctypes.data, theta.ctypes.data, total.ctypes.data, rows.ctypes.data)
