"""Types that the whole package passes around."""

import os
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Threshold:
    """Annotation of a module constant that decides on a result: its meaning and its source.

    The table of thresholds in ``docs/theory.md`` is generated from these annotations.

    Parameters
    ----------
    meaning : str
        The decision, in words that a user of the results understands.
    source : str
        An equation, a reference with its DOI, or the benchmark that set the value.

    Examples
    --------
    >>> from typing import Annotated
    >>> TIE: Annotated[float, Threshold("ΔBIC of a tie", "doi:10.1080/01621459.1995.10476572")] = 2.0
    """

    meaning: str
    source: str
