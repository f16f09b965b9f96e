"""Confidence intervals, and those from a value and its standard error."""

import functools
import math
from dataclasses import dataclass

from eistool.display import Shown


@dataclass(frozen=True, slots=True, repr=False)
class Interval(Shown):
    """A confidence interval; ``-inf``, 0 or ``inf`` where the data give no limit."""

    low: float
    high: float
    flag: str = ""  # what to be careful with


@functools.lru_cache(maxsize=4096)
def t_quantile(level: float, dof: int) -> float:
    """Return t such that a Student variable lies in ±t with this probability.

    Examples
    --------
    >>> round(t_quantile(0.95, 100), 3)
    1.984
    """
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + 0.5 * level))


def interval(value: float, stderr: float, linear: bool, dof: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a value: ± t·stderr, in the logarithm unless ``linear``.

    Positive quantities are symmetric in the logarithm, where the fit works; for small errors both agree.

    Examples
    --------
    >>> [round(end, 2) for end in interval(100.0, 1.0, False, 1000)]
    [98.06, 101.98]
    """
    t = t_quantile(level, dof)
    if linear or not value > 0:
        return value - t * stderr, value + t * stderr
    exponent = t * stderr / value
    # a parameter that is not identifiable has no useful interval; keep the numbers finite
    return (value * math.exp(-exponent), value * math.exp(exponent)) if exponent < 700 else (0.0, math.inf)
