"""Rise of a resistance along a series, sudden or over a few spectra, and steady growth."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.tracking.accuracy import CHECKED
from eistool.tracking.joint_resistance import JointResistance
from eistool.typing import FloatArray, Threshold

NEAR_FRONT: Annotated[int, Threshold("spectra on each side of a rise for limits of R", CHECKED)] = 4
FEWEST_SCATTER: Annotated[int, Threshold("spectra without a process whose scatter counts", CHECKED)] = 3
SAME_PEAK: Annotated[float, Threshold("decades between an arc and its DRT peak (criterion 2)", CHECKED)] = 0.35
JUMP: Annotated[float, Threshold("Δχ² of a rise over steady growth (criterion 6)", CHECKED)] = 12.0
FEWEST_OFF: Annotated[int, Threshold("spectra without a process that exclude growth (criterion 6)", CHECKED)] = 2
LONGEST: Annotated[int, Threshold("spectra of the interval of an event's place (criterion 6)", CHECKED)] = 8
WIDEST: Annotated[int, Threshold("spectra over which a process may appear (criterion 6)", CHECKED)] = 6
SUDDEN: Annotated[float, Threshold("Δχ² below which an appearance counts as sudden", CHECKED)] = 6.0
LEAST_LEVEL: Annotated[
    float, Threshold("least level that a rise reaches, relative to the mean of R (criterion 6)", CHECKED)
] = 0.5
LEAST_NEW: Annotated[
    float, Threshold("rise of the sum of all arcs relative to that of R that no split of an arc makes", CHECKED)
] = 0.5
PLACED: Annotated[float, Threshold("Δχ² of the interval of an event's place", "99.7 %")] = 9.0
RATES = (0.1, 0.2, 0.3)  # per spectrum, of exponential growth; faster growth takes six spectra or fewer
STEPS = (0.02, 0.05, 0.1, 0.2, 0.4)  # relative scatter of R from spectrum to spectrum
FROM_ZERO = (0.35, 0.5, 0.7)  # powers of growth that begins with the first spectrum, as with the root of time
POWERS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # of the position, in steady growth
CONFINED = 0.35  # error of ln τ of a joint estimate with a peak


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """R of an arc on both sides of an event, in the order in which it rises."""

    order: list[int]  # spectra
    n_off: int  # of the first, without the arc
    R: FloatArray  # ohm
    covariance: FloatArray
    joint: JointResistance | None = None

    def has_peak(self, tau: float) -> bool:
        """Return whether the joint estimate confines τ, near a given one."""
        one = self.joint
        return one is not None and one.u_log_tau < CONFINED and abs(math.log10(one.tau / tau)) < SAME_PEAK

    def mean(self, some: Iterable[int]) -> tuple[float, float]:
        """Return the weighted mean of R at some positions, and its error."""
        which = list(some)
        information = np.linalg.inv(self.covariance[np.ix_(which, which)])
        total = float(information.sum())
        return float(information.sum(axis=0) @ self.R[which]) / total, 1 / math.sqrt(total)

    def u_difference(self, off: Iterable[int], on: Iterable[int]) -> float:
        """Return the error of the difference between the plain means of two sets of positions."""
        off, on = list(off), list(on)
        contrast = np.zeros(len(self.order))
        contrast[off], contrast[on] = -1 / len(off), 1 / len(on)
        return math.sqrt(float(contrast @ self.covariance @ contrast))

    def adds(self) -> bool:
        """Return whether the sum of all arcs rises with R at the event, unlike that of an arc that splits."""
        if self.joint is None:
            return False
        before, after = self.n_off - 1, self.n_off
        change = float(self.joint.total[after] - self.joint.total[before])
        return change > LEAST_NEW * float(self.R[after] - self.R[before])

    @property
    def off(self) -> range:
        """Positions without the arc."""
        return range(self.n_off)

    @property
    def on(self) -> range:
        """Positions with the arc."""
        return range(self.n_off, len(self.order))


def excess_scatter(R: FloatArray, covariance: FloatArray) -> float:
    """Return the scatter of R without the process relative to its covariance, at least 1."""
    if R.size < FEWEST_SCATTER:
        return 1.0
    information = np.linalg.inv(covariance)
    left = R - float(information.sum(axis=0) @ R) / float(information.sum())
    return max(1.0, float(left @ information @ left) / (R.size - 1))


@dataclass(frozen=True, slots=True)
class Front:
    """Rise of R from zero: positions in the order of the rise, from 0."""

    place: int  # first with the process
    earliest: int
    latest: int  # at which R may reach its level
    jump: float  # advantage in χ² over steady growth


def growth(n: int, n_off: int) -> list[tuple[FloatArray, ...]]:
    """Return the columns of each description of growth that began with the series or soon after, shape (n,) each.

    Examples
    --------
    >>> constant, linear = growth(4, 2)[0]
    >>> linear
    array([0., 1., 2., 3.])
    """
    x = np.arange(n, dtype=np.float64)
    ramps = [(np.maximum(x - knot, 0),) for knot in np.arange(-2, 0.5 * n_off, 0.25)]
    powers = [((x + 1) ** power,) for power in POWERS] + [(x**power,) for power in FROM_ZERO]
    exponentials = [(np.exp(rate * (x - n)),) for rate in RATES]
    return [(np.ones_like(x), x), *ramps, *powers, *exponentials]


def front(levels: Levels) -> Front:
    """Compare a rise of R over few spectra with growth that began with the series or soon after."""
    R, n_off = levels.R, levels.n_off
    steps = STEPS if len(levels.on) >= FEWEST_SCATTER else STEPS[:1]
    scatter = [np.diag(np.square(step * np.maximum(R, 0))) for step in steps]
    factors = [np.linalg.cholesky(levels.covariance + one) for one in scatter]
    # the usual change of R is free in every description: its determinant belongs to the likelihood
    whites = [(np.linalg.inv(one), 2 * float(np.log(np.diag(one)).sum())) for one in factors]
    zero = min(constant for _, constant in whites)
    x = np.arange(R.size, dtype=np.float64)

    def misfit(*columns: FloatArray, least: float = -math.inf) -> float:
        wide, best = np.column_stack(columns), math.inf
        for white, constant in whites:
            solution, *_ = np.linalg.lstsq(white @ wide, white @ R, rcond=None)
            if solution[0] > least:
                best = min(best, float(np.sum(np.square(white @ (R - wide @ solution)))) + constant - zero)
        return best

    places = range(max(n_off - WIDEST, 1), min(n_off + WIDEST, R.size))
    least = LEAST_LEVEL * levels.mean(levels.on)[0]
    tried: dict[tuple[int, int], float] = {}
    for place in places:
        for width in range(1, WIDEST + 1):
            level = np.clip((x - place + 1) / width, 0, 1)
            if place + width - 1 < x.size:
                changes = [np.maximum(x - place - width + 1, 0)] if x.size - place - width >= 1 else []
                tried[place, width] = misfit(level, *changes, least=least)
    steady = min(misfit(*columns) for columns in growth(R.size, n_off))
    sudden = min((pair for pair in tried if pair[1] == 1), key=lambda pair: tried[pair])
    best = min(tried.values())
    place = sudden[0] if tried[sudden] - best < SUDDEN else min(tried, key=lambda pair: tried[pair])[0]
    likely = [pair for pair, value in tried.items() if value - best < PLACED]
    likely = likely if place == sudden[0] and sudden in likely else [*likely, (place, 1)]
    earliest, latest = min(p for p, _ in likely), max(p + w - 1 for p, w in likely)
    return Front(place, earliest, latest, steady - best)
