"""Names for the array types that the whole package passes around."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
PathLike = str | os.PathLike[str]
JSON = dict[str, Any]
Measured = tuple[float, float]  # a value and its standard uncertainty
