"""Links between the arcs of successive spectra by minimum-cost assignment."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from eistool.constants import BOLTZMANN_EV
from eistool.tracking.accuracy import CHECKED
from eistool.typing import FloatArray, Threshold

WEIGHTS: Annotated[
    tuple[float, ...], Threshold("weights of squared decades of τ, R and C = τ/R in the cost of a link", CHECKED)
] = (1.0, 0.25, 0.25)
BIRTH: Annotated[float, Threshold("cost of a birth or death; a link costs at most two of them", CHECKED)] = 0.25
LONGEST_GAP: Annotated[int, Threshold("spectra in a row in which a linked arc may be missing", CHECKED)] = 1
ENERGIES_EV = np.arange(0.0, 0.85, 0.05)  # trial activation energies of the shift with temperature


def link(frames: Sequence[FloatArray], kelvin: FloatArray | None = None) -> list[dict[int, int]]:
    """Return tracks: for each process, its arc index by frame.

    Arcs are assigned to tracks frame by frame so that the sum of (Δlog τ)² + 0.25 (Δlog R)² +
    0.25 (Δlog C)² over links and of 0.25 per birth and death is minimal [1]_. A track continues after one
    missing frame. Along temperatures, τ and R are expected to shift by the activation energy that minimises
    the cost.

    Parameters
    ----------
    frames : sequence of FloatArray, shape (n_arcs, 2)
        log10 of τ and R of the arcs of each spectrum.
    kelvin : FloatArray, shape (n_frames,), optional
        Temperatures.

    References
    ----------
    .. [1] H. W. Kuhn, Nav. Res. Logist. Q. 2 (1955) 83, doi:10.1002/nav.3800020109

    Examples
    --------
    >>> two, three = np.array([[-5, 0.0], [-3, 1.4]]), np.array([[-3.1, 1.4], [-1.5, 1.2], [-5, 0.1]])
    >>> link([two, three, two])
    [{0: 0, 1: 2, 2: 0}, {0: 1, 1: 0, 2: 1}, {1: 1}]
    """
    if kelvin is None:
        return _link(frames, np.zeros(len(frames)))[0]
    shift = 1 / (BOLTZMANN_EV * np.log(10) * kelvin)
    return min((_link(frames, energy * shift) for energy in ENERGIES_EV), key=lambda linked: linked[1])[0]


def _link(frames: Sequence[FloatArray], expected: FloatArray) -> tuple[list[dict[int, int]], float]:
    """Return the tracks and their cost; ``expected`` is the expected shift of log τ and log R by frame."""
    from scipy.optimize import linear_sum_assignment

    tracks: list[dict[int, int]] = []
    total = 0.0
    for now, arcs in enumerate(frames):
        alive = [track for track in tracks if now - max(track) <= 1 + LONGEST_GAP]
        n, m = len(alive), len(arcs)
        cost = np.zeros((n + m, n + m))
        cost[:n, m:], cost[n:, :m] = BIRTH, BIRTH
        for i, track in enumerate(alive):
            last = max(track)
            moved = arcs - frames[last][track[last]] - (expected[now] - expected[last])
            cost[i, :m] = np.square(moved) @ WEIGHTS[:2] + WEIGHTS[2] * np.square(moved[:, 0] - moved[:, 1])
        rows, columns = linear_sum_assignment(cost)
        total += float(cost[rows, columns].sum())
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            if j < m and i < n:
                alive[i][now] = j
            elif j < m:
                tracks.append({now: j})
    return tracks, total
