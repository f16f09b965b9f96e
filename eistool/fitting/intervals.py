"""Confidence intervals from standard errors."""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

from eistool.display import Shown
from eistool.typing import Threshold

NO_LIMIT: Annotated[
    float,
    Threshold(
        "e-folds from the minimum without a sufficient rise of S after which an interval has no limit",
        "12 decades: beyond any physical value, and keeps the model finite",
    ),
] = 28.0


@dataclass(frozen=True, slots=True, repr=False)
class Interval(Shown):
    """Confidence interval; ``-inf``, 0 or ``inf`` for limits that the data do not determine."""

    low: float
    high: float
    flag: str = ""  # caveat, or empty


@functools.lru_cache(maxsize=4096)
def t_quantile(level: float, dof: int) -> float:
    """Return t such that a Student t variable lies within ±t with probability ``level``.

    Examples
    --------
    >>> round(t_quantile(0.95, 100), 3)
    1.984
    """
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + 0.5 * level))


def interval(value: float, stderr: float, linear: bool, dof: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval value ± t·stderr, in the logarithm unless ``linear``.

    Intervals of positive quantities are symmetric in the logarithm, the scale of the fit.

    Examples
    --------
    >>> [round(end, 2) for end in interval(100.0, 1.0, False, 1000)]
    [98.06, 101.98]
    """
    t = t_quantile(level, dof)
    if linear or not value > 0:
        return value - t * stderr, value + t * stderr
    exponent = t * stderr / value
    # math.exp overflows beyond 700, for parameters that are not identifiable
    return (value * math.exp(-exponent), value * math.exp(exponent)) if exponent < 700 else (0.0, math.inf)
