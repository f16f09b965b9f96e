"""Instrument artefacts: ends of a spectrum that no valid impedance describes, and single outliers."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eistool.display import Tabular
from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import FloatArray, IntArray
from eistool.validation.kramers_kronig import OUTLIER, KramersKronig, check_kramers_kronig
from eistool.validation.smooth_ladder import SMALLEST_SHARE, Rows, SmoothFit, fit_smoothly, ladder_rows, weigh_runs

TOLERANCE = 0.01  # of |Z|
SLOW = 2.0  # tolerances at the low end: a small drift there is left to the verdict, and the tail stays
NOISY = 0.05  # of |Z|: less scatter than that, or than LOUD times the noise elsewhere, only lowers weights
LOUD = 10.0
FEWEST = 12  # points
MOST = 1 / 3  # of the points, at both ends together
MOST_WILD = 0.1  # of the points, or 3
EVIDENCE = 12.0  # ln of the ratio of likelihoods of a run and none
PER_POINT = 1.0  # of it, for each point of the run
CLEARLY = 3.0  # standard deviations
WILD = 5.0  # standard deviations of a point by itself
LOCALLY_WILD = 3.5  # of the noise around it
ALONE = 2.5  # times as far from the ladder as either neighbour
AROUND = 4  # points on both sides that show the noise there
SHORT = 3  # points: of so few, scatter and a shift cannot be told apart
TOGETHER = 1.0  # mean square of successive differences over that of the values; 2 without correlation
PASSES = 4  # to find how much a run scatters

NEGATIVE = "negative real part"
INCONSISTENT = "not Kramers-Kronig consistent"
SCATTER = "scatter"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Artefacts(Tabular):
    """Points to leave out, from :func:`find_artefacts`.

    Attributes
    ----------
    spectrum : Spectrum
        As given.
    summary : str
        One line on what is left out; empty if nothing is.
    kramers_kronig : KramersKronig
        The verdict on the points that are used.
    """

    spectrum: Spectrum
    summary: str
    kramers_kronig: KramersKronig

    @property
    def masked(self) -> Spectrum:
        """The spectrum without its artefacts."""
        return self.kramers_kronig.spectrum

    @property
    def mask_reason(self) -> tuple[str, ...]:
        """Reason for leaving out a point, shape (n_freq,); empty where it is used."""
        return self.masked.mask_reason

    @property
    def n_masked(self) -> int:
        """Number of points left out here, not counting those masked before."""
        return self.spectrum.n_used - self.masked.n_used

    def to_dict(self) -> dict[str, Any]:
        """Return reasons and verdict as plain Python objects."""
        return {
            "label": self.spectrum.label,
            "summary": self.summary,
            "n_masked": self.n_masked,
            "mask_reason": list(self.mask_reason),
            "kramers_kronig": self.kramers_kronig.to_dict(),
        }

    def __repr__(self) -> str:
        return f"Artefacts of {self.spectrum.label!r}: {self.summary or 'none'}"


@dataclass(frozen=True, slots=True)
class _Run:
    """Points at one end of the window; ``size`` is their misfit relative to |Z|."""

    high: bool
    count: int
    size: float
    reason: str
    evidence: float = math.inf


def find_artefacts(
    spectrum: Spectrum, *, kramers_kronig: KramersKronig | None = None, tolerance: float = TOLERANCE
) -> Artefacts:
    """Find the ends of a spectrum that no valid impedance describes, and single outliers.

    Parameters
    ----------
    spectrum : Spectrum
        Points in any order; masked ones are left out.
    kramers_kronig : KramersKronig, optional
        The result of :func:`check_kramers_kronig` for this spectrum, if there is one already.
    tolerance : float
        Relative to |Z|: an end with less misfit than that is used.

    Returns
    -------
    Artefacts

    Raises
    ------
    SpectrumError
        If an argument cannot be understood.

    Notes
    -----
    Every spectrum that obeys the Kramers-Kronig relations is a sum of RC elements with R, L and C in series, of
    either sign. Fitted to all points, such a ladder follows an artefact at an end as far as it can. Therefore its
    resistances have a normal prior around 0, whose width maximises the marginal likelihood [1]_. For 0, 1, 2, ...
    points at an end, the likelihood that they obey the ladder is compared with the likelihood that they scatter
    around it by more than the noise. A run is left out if the second is larger by a factor of e¹² and e for each
    point, and if the misfit that the run adds exceeds three times the noise and the tolerance (at the low end,
    where a slow drift bends the tail, twice the tolerance). No more points are left out than necessary, and no
    more than a third in total. Scatter without a common sign below 5 % of |Z|, or ten times the noise elsewhere,
    stays: such points are informative at a lower weight. Points stay if the Kramers-Kronig test passes with them
    and its ladder describes them.

    Negative real parts at the high end are left out if noise cannot explain them: a passive two-terminal cell has
    none, while a reference electrode causes them [2]_. At the low end they can be real.

    References
    ----------
    .. [1] D. J. C. MacKay, Neural Comput. 4 (1992) 415, doi:10.1162/neco.1992.4.3.415
    .. [2] S. Fletcher, Electrochem. Commun. 3 (2001) 692, doi:10.1016/S1388-2481(01)00233-8

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import Spectrum, simulate
    >>> from eistool.validation import find_artefacts
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e6, 0.1, 71), [10, 50, 1e-4, 0.8], noise=0.002, seed=1)
    >>> find_artefacts(s)
    Artefacts of 'simulated': none
    >>> z = s.impedance.copy()
    >>> z[:4] *= [0.6 + 0.2j, 0.7 + 0.2j, 0.8 + 0.1j, 0.9]
    >>> find_artefacts(Spectrum(s.frequency, z, label="cell 3"))
    Artefacts of 'cell 3': 4 points above 398 kHz left out: not Kramers-Kronig consistent (up to 12 %)
    """
    check_spectrum(spectrum)
    if not 0 < tolerance < 1:
        raise SpectrumError(
            f"{spectrum.label}: tolerance={tolerance}; give a share of |Z|, for instance {TOLERANCE}"
        )
    used = np.flatnonzero(spectrum.mask)
    order = used[np.argsort(-spectrum.frequency[used], kind="stable")]
    verdict = kramers_kronig
    runs: list[_Run] = []
    wild = np.array([], dtype=np.int64)
    if order.size >= FEWEST:
        runs, places = _search(ladder_rows(spectrum.omega[order], spectrum.impedance[order]), tolerance)
        wild = order[places]
    if any(run.reason != NEGATIVE for run in runs):
        verdict = verdict or check_kramers_kronig(spectrum)
        runs = _without_valid(runs, verdict, order, tolerance)
    masked = _mask(spectrum, order, runs, wild)
    if verdict is None or masked is not spectrum:
        verdict = check_kramers_kronig(masked)
    if 0 < verdict.outliers.size <= int(MOST * order.size) - (order.size - masked.n_used):
        wild = np.union1d(wild, verdict.outliers)
        verdict = check_kramers_kronig(verdict.masked("outliers"))
    return Artefacts(spectrum, _summary(spectrum.frequency[order], runs, spectrum.frequency[wild]), verdict)


def _search(rows: Rows, tolerance: float) -> tuple[list[_Run], IntArray]:
    """Return runs at the ends, and places of wild points between them.

    ``rows`` come from high frequency to low.
    """
    n = len(rows)
    fit = fit_smoothly(rows)
    runs = _negative_run(rows, fit, tolerance)
    wild = np.array([], dtype=np.int64)
    if not (runs or _is_suspicious(rows, fit, tolerance)):
        return runs, wild
    first, last = sum(run.count for run in runs), n
    while True:
        wild = _find_wild(rows, np.arange(first, last), tolerance)
        kept = np.setdiff1d(np.arange(first, last), wild)
        longest = int(MOST * n) - (n - kept.size)
        if longest < 1:
            return runs, wild
        ends = [
            _find_run(
                rows.take(kept[::step]), longest, share * tolerance, high, any(run.high is high for run in runs)
            )
            for high, step, share in ((True, 1, 1.0), (False, -1, SLOW))
        ]
        best = max((run for run in ends if run is not None), key=lambda run: run.evidence, default=None)
        if best is None:
            return runs, wild
        before = first, last
        if best.high:
            first = int(kept[best.count])
        else:
            last = int(kept[-best.count - 1]) + 1
        runs.append(replace(best, count=first - before[0] + before[1] - last))


def _negative_run(rows: Rows, fit: SmoothFit, tolerance: float) -> list[_Run]:
    """Return the negative real parts at the high end, where they cannot be noise."""
    share = rows.values[:, 0, -1]
    count = int(np.argmax(share >= 0))
    if not 0 < count <= int(MOST * len(rows)):
        return []
    size = -float(share[:count].min())
    return [_Run(True, count, size, NEGATIVE)] if size > max(tolerance, CLEARLY * fit.noise) else []


def _distance(fit: SmoothFit) -> tuple[FloatArray, float]:
    """Return how far each point is from the ladder, and the noise; few points that are far do not raise it."""
    left = np.clip(1 - fit.leverage, SMALLEST_SHARE, 1)
    distance = np.sqrt(np.mean(fit.residual**2 / left, axis=1))
    return distance, float(np.median(distance)) / math.sqrt(math.log(2))


def _is_suspicious(rows: Rows, fit: SmoothFit, tolerance: float) -> bool:
    """Return whether any misfit is large enough for an artefact."""
    distance, noise = _distance(fit)
    if distance.max() > max(tolerance, WILD * noise):
        return True
    ratio = np.array([fit.ratio])
    ends = (weigh_runs(rows.take(slice(None, None, step)), int(MOST * len(rows)), ratio)[1] for step in (1, -1))
    return any(_largest(squares, 0) > max(tolerance, CLEARLY * noise) for squares in ends)


def _find_wild(rows: Rows, inside: IntArray, tolerance: float) -> IntArray:
    """Return places of single points far from the ladder, unlike their neighbours."""
    kept = inside
    most = max(3, int(MOST_WILD * inside.size))
    while inside.size - kept.size < most:
        distance, noise = _distance(fit_smoothly(rows.take(kept)))
        around = np.median(sliding_window_view(np.pad(distance, AROUND, mode="reflect"), 2 * AROUND + 1), axis=1)
        usual = np.maximum(max(tolerance, WILD * noise), LOCALLY_WILD * around / math.sqrt(math.log(2)))
        beside = np.maximum(distance[:-2], distance[2:])
        alone = distance[1:-1] > np.maximum(ALONE * beside, usual[1:-1])
        if not alone.any():
            break
        kept = np.delete(kept, 1 + int(np.argmax(np.where(alone, distance[1:-1], 0.0))))
    return np.setdiff1d(inside, kept)


def _find_run(rows: Rows, longest: int, tolerance: float, high: bool, begun: bool) -> _Run | None:
    """Return the run of the first points that the evidence asks for, if there is one.

    ``begun`` means that points of this end are left out already.
    """
    evidence, squares = weigh_runs(rows, longest)
    count = np.arange(longest + 1)
    gain = evidence - evidence[0] - PER_POINT * count
    gain[1:] -= math.log(longest) + 0.5 * np.log(2 * count[1:])  # which run, and how much it scatters
    most = int(np.argmax(gain))
    if gain[most] < EVIDENCE:
        return None
    squares = squares[: most + 1]
    noise = math.sqrt(squares[most] / (2 * (len(rows) - most)))
    size = _largest(squares, 0)
    if size < max(tolerance, CLEARLY * noise):
        return None
    number, reason = _shortest(squares, max(0.5 * tolerance, CLEARLY * noise)), INCONSISTENT
    if number > SHORT and (scatter := _scatter(rows, number)) is not None:
        if not begun and scatter < max(NOISY, LOUD * noise):
            return None
        number, reason = _shortest(squares, max(tolerance, LOUD * noise, scatter / 5)), SCATTER
    return _Run(high, number, size, reason, float(gain[most])) if number else None


def _largest(squares: FloatArray, count: int) -> float:
    """Return the misfit that runs beyond ``count`` points add, root mean square, of the worst of them."""
    longer = np.arange(1, squares.size - count)
    return math.sqrt(max(0.0, *(squares[count] - squares[count + 1 :]) / (2 * longer))) if longer.size else 0.0


def _shortest(squares: FloatArray, tolerance: float) -> int:
    """Return how many points must go, so that no run beyond them adds more than the tolerance."""
    return next(count for count in range(squares.size) if _largest(squares, count) <= tolerance)


def _scatter(rows: Rows, count: int) -> float | None:
    """Return how much the first points scatter around a valid curve, or None if they leave it together."""
    sigma = np.ones(len(rows))
    sigma[:count] = LOUD
    for _ in range(PASSES):
        fit = fit_smoothly(rows.scaled(sigma))
        left = np.clip(1 - fit.leverage[:count], SMALLEST_SHARE, 1)
        off = fit.residual[:count] * sigma[0] / np.sqrt(left)
        sigma[:count] = np.clip(math.sqrt(np.mean(off**2) / np.mean(fit.residual[count:] ** 2)), 1, 1e4)
    together = np.mean(np.diff(off, axis=0) ** 2) < TOGETHER * np.mean(off**2)
    return None if together else math.sqrt(np.mean(off**2))


def _without_valid(runs: list[_Run], verdict: KramersKronig, order: IntArray, tolerance: float) -> list[_Run]:
    """Return only negative real parts if the test passes with all points, and its ladder is close to them."""
    first, last = _window(runs, order.size)
    off = np.abs(verdict.residual[np.concatenate([order[:first], order[last:]])]).max()
    valid = verdict.passed and off < max(tolerance, CLEARLY * verdict.noise_relative)
    return [run for run in runs if run.reason == NEGATIVE] if valid else runs


def _window(runs: list[_Run], n: int) -> tuple[int, int]:
    """Return the first and one beyond the last place between the runs."""
    return sum(run.count for run in runs if run.high), n - sum(run.count for run in runs if not run.high)


def _mask(spectrum: Spectrum, order: IntArray, runs: list[_Run], wild: IntArray) -> Spectrum:
    everything = np.arange(len(spectrum))
    for i, run in enumerate(runs):
        first, last = _window(runs[:i], order.size)
        places = order[first : first + run.count] if run.high else order[last - run.count : last]
        spectrum = spectrum.with_mask(~np.isin(everything, places), run.reason)
    return spectrum.with_mask(~np.isin(everything, wild), OUTLIER) if wild.size else spectrum


def _summary(frequency: FloatArray, runs: list[_Run], wild: FloatArray) -> str:
    """Return one line on what is left out; frequencies used before descend."""
    first, last = _window(runs, frequency.size)
    parts = []
    for high, count in ((True, first), (False, frequency.size - last)):
        if count:
            here = [run for run in runs if run.high is high]
            edge = f"above {_hertz(frequency[first])}" if high else f"below {_hertz(frequency[last - 1])}"
            why = ", ".join(dict.fromkeys(run.reason for run in here))
            size = max(run.size for run in here)
            parts.append(f"{_points(count)} {edge} left out: {why} (up to {100 * size:.{int(size < 0.1)}f} %)")
    if wild.size:
        named = ", ".join(_hertz(value) for value in np.sort(wild)[:5]) + (", ..." if wild.size > 5 else "")
        parts.append(f"{wild.size} outlier{'s' * (wild.size > 1)} left out: {named}")
    return "; ".join(parts)


def _points(count: int) -> str:
    return f"{count} point{'s' * (count > 1)}"


def _hertz(value: float) -> str:
    scale, unit = next(
        (pair for pair in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")) if value >= pair[0]), (1e-3, "mHz")
    )
    return f"{value / scale:.3g} {unit}"
