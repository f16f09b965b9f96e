"""Sums of elements that describe a DRT, selected by evidence and started from the peaks of a free γ."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from eistool.drt.grid import TUNED, TUNED_SIGNED
from eistool.drt.process import Data, GaussianProcess
from eistool.kernels import drt as kernels
from eistool.kernels.drt import CONSTANT, CPE, GERISCHER, HN, LOG_NORMAL, RC, ZARC
from eistool.kernels.jit import direct
from eistool.typing import BoolArray, FloatArray, IntArray, Threshold

DESIGN = f"engineering choice; checked on the {TUNED}"
NAMES = ("RC", "ZARC", "Havriliak-Negami", "Gerischer", "log-normal", "constant", "CPE")
COUNT = (2, 3, 4, 2, 3, 3, 2)  # parameters of each kind
LARGEST_PHI = 0.985  # of a ZARC, above which it is an RC
LEAST_TAIL: Annotated[float, Threshold("slope of ln γ at long times above which a tail is tried", TUNED)] = 0.2
MOST_PEAKS: Annotated[int, Threshold("largest number of elements, tail not counted", DESIGN)] = 7
MOST_MOVES = 6  # rounds of the search
GAIN: Annotated[float, Threshold("log evidence that a larger sum must gain", TUNED)] = 2.0
PENALTY: Annotated[
    float, Threshold("log evidence that an element costs beyond BIC, for its free place and kind", TUNED)
] = 4.0
RARE_PENALTY: Annotated[
    float, Threshold("log evidence that a kind other than ZARC, RC and CPE costs once", TUNED)
] = 2.0
STEP_PENALTY: Annotated[float, Threshold("log evidence that a constant γ between two steps costs once", TUNED)] = (
    10.0
)
COMMON = (RC, ZARC, CPE)
NEGATIVE_PENALTY: Annotated[float, Threshold("log evidence that a negative γ costs", TUNED_SIGNED)] = 8.0
LONG_SHOT = 3.0  # log evidence below the best at which a trial of a poor sum is still fitted
RIVAL: Annotated[float, Threshold("log evidence below the best at which other sums are compared", TUNED)] = 3.0
MOST_RIVALS = 2  # of these that are compared
REACH, POOR_REACH = 2.9, 4.6  # distance in ln τ of neighbours that are tried as one element
REMEMBERED = 4096  # cached combinations of kinds
BEHIND = 30.0  # log evidence below the best trial of a round at which another is given up; less loses slow ones
SHORT, LONG = 10, 40  # steps of a trial and of a fit
TOLERANCE = 2e-3, 1e-4  # relative decrease of the sum of squares at which these end
HOPELESS: Annotated[
    float, Threshold("log evidence below the free γ beyond the outlook at which the search ends", TUNED)
] = 5.0
OUTLOOK = 2  # rounds like the last that this outlook counts
APART = 0.4  # decades between seeds
MISSED: Annotated[
    float,
    Threshold("ratio of the differences' variance to that of a free γ below which the latter is misfit", TUNED),
] = 0.2
LEAST_DIFFERENCES = 20  # points needed for a noise estimate from differences
POOR: Annotated[float, Threshold("log likelihood below the free γ above which other kinds are tried", TUNED)] = 4.0
LACKING: Annotated[float, Threshold("log likelihood below the free γ above which elements are added", TUNED)] = 8.0
UNSURE, NEGLIGIBLE = 0.3, -7.0  # error of ln R, and ln R, at which the sum without an element is tried
NARROW = 0.95  # exponent above which an RC is tried
# bounds of the shape parameters of each kind
LOWER = ((), (0.35,), (0.35, 0.15), (), (math.log(0.12),), (math.log(0.7),))
UPPER = ((), (LARGEST_PHI,), (LARGEST_PHI, 1.0), (), (math.log(4.0),), (math.log(8.0),))


_fit_elements = direct(kernels.fit_elements)
_PHIS = np.linspace(0.45, 0.95, 26)
_BENDS = _PHIS**2 / (1 - np.cos((1 - _PHIS) * np.pi))
_NO_OUTPUT = np.empty(0), np.empty((0, 0)), np.empty((0, 0))


class Element(NamedTuple):
    """Kind, parameters (ln R, ln τ, ...) and sign of an element."""

    code: int
    theta: tuple[float, ...]
    sign: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Fitted sum of elements with R, L and 1/C in series; a trial lacks the last three."""

    elements: tuple[Element, ...]
    linear: FloatArray  # R, L and, without a CPE, 1/C
    chi2: float
    score: float  # log evidence by BIC, less the penalty
    impedance: FloatArray  # shape (m,)
    derivatives: FloatArray  # shape (p, m)
    root: FloatArray  # W, shape (p, p)

    @property
    def name(self) -> str:
        """Names of the elements in order of τ."""
        return " + ".join(("" if e.sign > 0 else "-") + NAMES[e.code] for e in self.elements)

    @property
    def positive(self) -> BoolArray:
        """Mask of the elements with a positive sign."""
        return np.array([e.sign > 0 for e in self.elements], dtype=np.bool_)

    @property
    def kinds(self) -> tuple[tuple[int, float], ...]:
        """Kinds and signs of the elements in order of τ."""
        return tuple((e.code, e.sign) for e in self.elements)

    @property
    def n_parameters(self) -> int:
        """Number of parameters, linear ones included."""
        return sum(COUNT[e.code] for e in self.elements) + self.linear.size

    @property
    def n_peaks(self) -> int:
        """Number of elements that are peaks."""
        return sum(e.code != CPE for e in self.elements)

    @property
    def penalty(self) -> float:
        """Log evidence that the elements cost in addition to BIC."""
        return _penalty(self.elements)

    @property
    def theta(self) -> FloatArray:
        """Parameters of the elements."""
        return np.array([value for e in self.elements for value in e.theta])

    @property
    def offsets(self) -> list[int]:
        """Index of the first parameter of each element."""
        ends = itertools.accumulate((COUNT[e.code] for e in self.elements), initial=0)
        return list(ends)[:-1]

    def gammas(self, log_tau: FloatArray, step: float, theta: FloatArray | None = None) -> FloatArray:
        """Return γ of each element without its sign, shape (n_elements, n_tau)."""
        out = np.empty((len(self.elements), log_tau.size))
        codes = np.array([e.code for e in self.elements], dtype=np.int64)
        kernels.element_gamma(codes, self.theta if theta is None else theta, log_tau, step, out)
        return out

    def derivatives_of_gamma(self, log_tau: FloatArray, step: float, theta: FloatArray) -> FloatArray:
        """Return derivatives of the positive γ with respect to the parameters, shape (p, n_tau)."""
        out = np.zeros((theta.size, log_tau.size))
        pair = np.empty((2, 1, log_tau.size))
        for e, at in zip(self.elements, self.offsets, strict=True):
            if e.sign < 0 or e.code == RC:
                continue
            code = np.array([e.code], dtype=np.int64)
            for k in range(COUNT[e.code]):
                for side, to in zip((1e-5, -1e-5), pair, strict=True):
                    shifted = theta[at : at + COUNT[e.code]].copy()
                    shifted[k] += side
                    kernels.element_gamma(code, shifted, log_tau, step, to)
                out[at + k] = (pair[0, 0] - pair[1, 0]) / 2e-5
        return out


def find_elements(data: Data, process: GaussianProcess, signed: bool = True) -> list[Sum]:
    """Return the sum of elements with the highest score and its rivals; an empty list if no fit ended."""
    goal = _goal(data, process)
    start = _start(data, process, goal)
    if start is None:
        return []
    best, seen = _search(data, process, goal, start, signed)
    best = _fit(data, best.elements, best.linear, LONG)
    aim = best.score - RIVAL
    twins = [_try(data, move, best.linear, SHORT, aim) for move in _twins(best)]
    seen += [trial for trial in twins if trial is not None]
    rivals: dict[tuple[tuple[int, float], ...], Sum] = {best.kinds: best}
    for trial in sorted(seen, key=lambda trial: -trial.score):
        if trial.score > aim and len(rivals) <= MOST_RIVALS and trial.kinds not in rivals:
            rivals[trial.kinds] = _fit(data, trial.elements, trial.linear, LONG)
    return [each for each in rivals.values() if np.isfinite(each.root).all()]


def divides(data: Data, process: GaussianProcess, elements: Sequence[Element]) -> bool:
    """Return whether two elements other than ZARC and RC share one maximum of a free ln γ.

    ZARCs are taken for separate processes; sums of other kinds can imitate a peak of any shape.
    """
    peaks = sorted((e.theta[1], e.code, e.sign) for e in elements if e.code != CPE)
    for (a, kind, sign), (b, other, other_sign) in itertools.pairwise(peaks):
        if not {kind, other} <= {ZARC, RC} and min(sign, other_sign) > 0:
            first, last = (int(np.argmin(np.abs(data.grid.log_tau - at))) for at in (a, b))
            between = process.f[first : last + 1]
            if not between.min() < min(between[0], between[-1]):
                return True
    return False


def positive_part(data: Data, elements: Sum) -> Sum:
    """Return the sum without its negative elements, the others unchanged."""
    return _fit(data, [e for e in elements.elements if e.sign > 0], elements.linear, 0)


def zarcs(data: Data, process: GaussianProcess) -> list[Sum]:
    """Return the fitted sum of one ZARC per maximum of ln γ; an empty list without maxima."""
    tail = [_tail(data)] if data.tail > LEAST_TAIL else []
    return [_fit(data, seeds + tail, None, LONG) for seeds in itertools.islice(_seeds(data, process), 1)]


@dataclass(frozen=True, slots=True)
class _Goal:
    """Misfit of the free γ, which a sum of elements should reach."""

    score: float  # of a sum with the evidence of the free γ
    variance: float
    chi2: float  # in units of the variance
    edf: float

    def excess(self, now: Sum) -> float:
        """Return the log likelihood that a sum lacks, less the cost of the parameters that it saves."""
        return 0.5 * (now.chi2 / self.variance - self.chi2) - 0.5 * max(self.edf - now.n_parameters, 0.0)


def _goal(data: Data, process: GaussianProcess) -> _Goal:
    edf = float(process.state[kernels.EDF])
    # blocks would have their share of the evidence
    score = process.evidence - 0.5 * float(np.log(data.weight).sum()) + 0.5 * data.y.size
    score = -math.inf if process.further.size else score
    rough = difference_variance(data)
    # a free γ that cannot follow the data counts its misfit as noise
    if rough < MISSED * process.variance:
        return _Goal(score, rough, float(data.y.size), edf)
    return _Goal(score, process.variance, float(process.state[kernels.CHI2]) / process.variance, edf)


def _start(data: Data, process: GaussianProcess, goal: _Goal) -> Sum | None:
    """Return ZARCs at the maxima, and at the shoulders as well if these do not suffice."""
    tail = [_tail(data)] if data.tail > LEAST_TAIL else []
    best: Sum | None = None
    for seeds in _seeds(data, process):
        trial = _fit(data, seeds + tail, None, SHORT)
        if goal.excess(trial) > POOR:
            trial = _fit(data, trial.elements, trial.linear, LONG)
        best = trial if best is None or trial.score > best.score else best
        if goal.excess(best) <= POOR:
            break
    return best


def _search(data: Data, process: GaussianProcess, goal: _Goal, best: Sum, signed: bool) -> tuple[Sum, list[Sum]]:
    """Return the best sum that the moves reach, and all trials."""
    seen: list[Sum] = []
    for _ in range(MOST_MOVES):
        excess = goal.excess(best)
        aim = best.score - (LONG_SHOT if excess > POOR else 0.0)
        reach = POOR_REACH if excess > POOR else REACH
        chosen: Sum | None = None
        for moves in (
            _fewer(process, best),
            itertools.chain(_merged(list(best.elements), reach), _log_normals(best) if excess > LACKING else ()),
            _moves(data, process, best, excess, signed),
        ):
            for move in moves:
                bar = aim if chosen is None else max(aim, chosen.score - BEHIND)
                trial = _try(data, move, best.linear, SHORT, bar - RIVAL)
                if trial is not None:
                    seen.append(trial)
                    chosen = trial if chosen is None or trial.score > chosen.score else chosen
            if chosen is not None and chosen.score > best.score and goal.excess(chosen) < POOR:
                break
        if chosen is None or not chosen.score > aim:
            break
        chosen = _fit(data, chosen.elements, chosen.linear, SHORT)
        simpler = chosen.n_parameters < best.n_parameters
        gain = chosen.score - best.score
        if not gain > (0.0 if simpler else GAIN):
            break
        best = chosen
        if goal.score - best.score > HOPELESS + OUTLOOK * gain:
            break
    return best, seen


def difference_variance(data: Data) -> float:
    """Return a robust variance of the noise from fourth differences of neighbouring points."""
    n = data.grid.log_x.size
    order = np.argsort(data.grid.log_x)
    if n < LEAST_DIFFERENCES or np.diff(data.grid.log_x[order]).min() <= 0:
        return math.inf
    # differences of y/|Z| would lack the noise parallel to Z
    squares = [
        np.diff(data.y[half][order], 4) ** 2 / 70 * data.weight[half][order][2:-2]
        for half in (slice(n), slice(n, None))
    ]
    return max(float(np.median(np.concatenate(squares))) / 0.455, 1e-12)


def _penalty(elements: Sequence[Element]) -> float:
    """Return the log evidence that elements cost; a rare kind costs once, as it seldom occurs alone."""
    kinds = {e.code for e in elements} - set(COMMON)
    each = sum(PENALTY + (NEGATIVE_PENALTY if e.sign < 0 else 0.0) for e in elements)
    return each + sum(STEP_PENALTY if code == CONSTANT else RARE_PENALTY for code in kinds)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Arrays shared by all fits of sums of the same kinds in a window; read-only."""

    codes: IntArray
    signs: FloatArray
    lower: FloatArray  # bounds; those of ln τ are relative to the window
    upper: FloatArray
    times: FloatArray  # 1 for ln τ, otherwise 0
    penalty: float


@functools.lru_cache(maxsize=REMEMBERED)
def _frame(kinds: tuple[tuple[int, float], ...], n_linear: int) -> _Frame:
    lower: list[float] = []
    upper: list[float] = []
    times: list[float] = []
    for code, sign in kinds:
        if code == CPE:
            lower += [-16.0, 0.05]
            upper += [12.0, 0.98]
            times += [0.0, 0.0]
            continue
        # a loop lies within the window and is smaller than the impedance
        beyond, largest = (0.0, 1.0) if sign < 0 else (3.0, 6.0)
        lower += [-14.0, -beyond, *LOWER[code]]
        upper += [largest, beyond, *UPPER[code]]
        times += [0.0, 1.0, *([0.0] * (COUNT[code] - 2))]
    unbounded = [1e300] * n_linear
    return _Frame(
        np.array([code for code, _ in kinds], dtype=np.int64),
        np.array([sign for _, sign in kinds], dtype=np.float64),
        np.array(lower + [-v for v in unbounded]),
        np.array(upper + unbounded),
        np.array(times + [0.0] * n_linear),
        _penalty([Element(code, (), sign) for code, sign in kinds]),
    )


def _fit(data: Data, elements: Sequence[Element], linear: FloatArray | None, steps: int) -> Sum:
    """Fit a sum."""
    fitted = _try(data, elements, linear, steps, -math.inf, whole=True)
    assert fitted is not None  # noqa: S101  # no score is below the aim
    return fitted


def _try(
    data: Data,
    elements: Sequence[Element],
    linear: FloatArray | None,
    steps: int,
    aim: float,
    *,
    whole: bool = False,
) -> Sum | None:
    """Fit a sum, with its impedance if whole; return None if its score is below ``aim``, once this is clear."""
    grid = data.grid
    kinds = tuple([(e.code, e.sign) for e in elements])
    n_linear = min(2 if (CPE, 1.0) in kinds else 3, data.n_columns)
    first = [float(data.y[np.argmax(grid.log_x)])] if linear is None else linear[:n_linear].tolist()
    first += [0.0] * (n_linear - len(first))
    frame = _frame(kinds, n_linear)
    theta = np.array([value for e in elements for value in e.theta] + first)
    p, m = theta.size, data.y.size
    z, rows, root = (np.empty(m), np.empty((p, m)), np.empty((p, p))) if whole else _NO_OUTPUT
    penalty = frame.penalty + 0.5 * p * math.log(m)
    goal = m * math.exp(min(-2 * (aim + penalty) / m, 600.0))
    chi2 = _fit_elements(
        frame.codes, frame.signs, theta, frame.lower, frame.upper, frame.times, *grid.window,
        grid.columns[:n_linear], grid.log_x, data.y, data.weight, steps, TOLERANCE[steps == LONG], goal,
        z, rows, root,
    )  # fmt: skip
    score = -0.5 * m * math.log(max(chi2, 1e-300) / m) - penalty
    if score < aim:
        return None
    values = theta.tolist()
    fitted, starts = [], []
    k = 0
    for e in elements:
        starts.append(k)
        fitted.append(Element(e.code, tuple(values[k : k + COUNT[e.code]]), e.sign))
        k += COUNT[e.code]
    order = sorted(range(len(fitted)), key=lambda i: (fitted[i].code == CPE, fitted[i].theta[1]))
    if whole and order != list(range(len(fitted))):
        index = [starts[i] + j for i in order for j in range(COUNT[fitted[i].code])] + list(range(k, p))
        rows, root = rows[index], root[:, index]
    return Sum(tuple([fitted[i] for i in order]), theta[k:], chi2, score, z, rows, root)


def _seeds(data: Data, process: GaussianProcess) -> Iterator[list[Element]]:
    """Yield ZARCs at the maxima of ln γ, then at its shoulders as well."""
    f, grid = process.f, data.grid
    h = grid.step
    bend = np.zeros_like(f)
    bend[1:-1] = (f[:-2] - 2 * f[1:-1] + f[2:]) / h**2
    low, high = grid.window
    inside = (grid.log_tau > low - 0.7 * math.log(10)) & (grid.log_tau < high + 0.7 * math.log(10))
    height = float(np.exp(f[inside]).max())
    peak = np.zeros(f.size, dtype=bool)
    peak[1:-1] = (f[1:-1] >= f[:-2]) & (f[1:-1] > f[2:])
    shoulder = np.zeros(f.size, dtype=bool)
    shoulder[1:-1] = (bend[1:-1] < bend[:-2]) & (bend[1:-1] <= bend[2:]) & (bend[1:-1] < -0.15)
    candidates = np.flatnonzero((peak | shoulder) & inside & (np.exp(f) > 0.003 * height)).tolist()
    taken: list[int] = []
    for some in ([i for i in candidates if peak[i]], [i for i in candidates if not peak[i]]):
        before = len(taken)
        for i in sorted(some, key=lambda i: -f[i]):
            if len(taken) < MOST_PEAKS and all(abs(i - k) * h > APART * math.log(10) for k in taken):
                taken.append(i)
        if len(taken) == before:
            continue
        seeds = []
        for i in sorted(taken):
            # the curvature at the top of a ZARC gives its exponent, the height then its resistance
            phi = float(np.interp(-bend[i], _BENDS, _PHIS))
            turn = (1 - phi) * math.pi
            size = math.exp(f[i]) * 2 * math.pi * (1 - math.cos(turn)) / math.sin(turn)
            seeds.append(Element(ZARC, (math.log(size), float(grid.log_tau[i]), phi)))
        yield seeds


def _merged(elements: list[Element], reach: float) -> Iterator[list[Element]]:
    """Yield sums with neighbours merged into one element of another kind."""
    for first in range(len(elements) - 1):
        for last in range(first + 1, min(first + 3, len(elements))):
            some = elements[first : last + 1]
            near = all(_gap(a, b) < reach for a, b in itertools.pairwise(some))
            if not near or any(e.code == CPE or e.sign < 0 for e in some):
                break
            rest = elements[:first] + elements[last + 1 :]
            sizes, taus = [math.exp(e.theta[0]) for e in some], [e.theta[1] for e in some]
            size, tau = math.log(sum(sizes)), sum(a * b for a, b in zip(sizes, taus, strict=True)) / sum(sizes)
            yield [*rest, Element(HN, (size, taus[-1], 0.85, 0.6))]
            yield [*rest, Element(GERISCHER, (size, taus[-1] + 0.3))]
            width = max(max(taus) - min(taus), 0.7)
            yield [*rest, Element(CONSTANT, (size, 0.5 * (taus[0] + taus[-1]), math.log(0.7 * width)))]
            yield [*rest, Element(LOG_NORMAL, (size, tau, math.log(0.6 * width)))]


def _gap(a: Element, b: Element) -> float:
    """Return the distance of neighbours in ln τ, measured from the edges of constants."""
    halves = sum(math.exp(e.theta[2]) for e in (a, b) if e.code == CONSTANT)
    return b.theta[1] - a.theta[1] - halves


def _log_normals(now: Sum) -> Iterator[list[Element]]:
    """Yield the sum with each ZARC replaced by a log-normal."""
    zarcs = [e for e in now.elements if e.code == ZARC and e.sign > 0]
    if len(zarcs) > 1:
        rest = [e for e in now.elements if e not in zarcs]
        yield rest + [Element(LOG_NORMAL, (e.theta[0], e.theta[1], math.log(0.9))) for e in zarcs]


def _tail(data: Data) -> Element:
    grid = data.grid
    n = grid.log_x.size
    i = int(np.argmin(grid.log_x))
    exponent = min(max(data.tail, 0.2), 0.97)
    size = max(-float(data.y[n + i]), 1e-6) / math.sin(0.5 * math.pi * exponent)
    return Element(CPE, (math.log(size) + exponent * float(grid.log_x[i]), exponent))


def _fewer(process: GaussianProcess, now: Sum) -> Iterator[list[Element]]:
    """Yield the sum without each element that is uncertain or negligible."""
    elements = list(now.elements)
    errors = np.sqrt(process.variance * (now.root**2).sum(axis=0))
    for i, (e, at) in enumerate(zip(elements, now.offsets, strict=True)):
        if errors[at] > UNSURE or e.theta[0] < NEGLIGIBLE:
            yield elements[:i] + elements[i + 1 :]


def _twins(now: Sum) -> Iterator[list[Element]]:
    """Yield sums with one element replaced by a kind that noise may make indistinguishable."""
    elements = list(now.elements)
    for i, e in enumerate(elements):
        if e.sign > 0 and e.code in (ZARC, LOG_NORMAL):
            rest = elements[:i] + elements[i + 1 :]
            size, tau, shape = e.theta
            if e.code == LOG_NORMAL:
                yield [*rest, Element(ZARC, (size, tau, 0.8))]
            elif shape < NARROW:
                # the same width at half height
                yield [*rest, Element(LOG_NORMAL, (size, tau, math.log(1.9 * (1 - shape) / shape + 0.25)))]


def _moves(data: Data, process: GaussianProcess, now: Sum, excess: float, signed: bool) -> Iterator[list[Element]]:
    """Yield sums with one element of another kind and, if the fit is poor, with one element more."""
    elements = list(now.elements)
    poor = excess > POOR
    for i, e in enumerate(elements):
        for kind in _other_kinds(e, poor):
            yield [*elements[:i], *elements[i + 1 :], kind]
    if excess > LACKING:
        yield from _more(data, process, now, signed)


def _other_kinds(e: Element, poor: bool) -> Iterator[Element]:
    if e.code == CPE or e.sign < 0:
        return
    size, tau = e.theta[:2]
    narrow = (e.code == ZARC and e.theta[2] > NARROW) or (
        e.code in (LOG_NORMAL, CONSTANT) and e.theta[2] < math.log(0.75)
    )
    if narrow or (e.code == ZARC and poor):
        yield Element(RC, e.theta[:2])
    if e.code == HN or (e.code not in (RC, ZARC) and poor):
        yield Element(ZARC, (size, tau, 0.8))
    if e.code == ZARC and poor:
        yield Element(HN, (size, tau + 0.3, min(e.theta[2] + 0.05, 0.95), 0.8))
        yield Element(GERISCHER, (size, tau + 0.7))
        yield Element(LOG_NORMAL, (size, tau, math.log(0.9)))
        yield Element(CONSTANT, (size, tau, math.log(1.5)))


def _more(data: Data, process: GaussianProcess, now: Sum, signed: bool) -> Iterator[list[Element]]:
    """Yield sums with one element more."""
    elements = list(now.elements)
    grid = data.grid
    if not any(e.code == CPE for e in elements):
        yield [*elements, _tail(data)]
    if len(elements) > MOST_PEAKS:
        return
    # the largest excess of the free γ over that of the elements
    low, high = grid.window
    inside = (grid.log_tau > low - 0.5) & (grid.log_tau < high + 0.5)
    gap = np.exp(process.f) - now.gammas(grid.log_tau, grid.step).sum(axis=0)
    k = int(np.argmax(np.where(inside, gap, -np.inf)))
    yield [*elements, Element(ZARC, (math.log(max(float(gap[k]), 1e-4) * 2), float(grid.log_tau[k]), 0.8))]
    # an arc truncated by the window
    for edge in (low - 0.7, high + 0.7):
        yield [*elements, Element(ZARC, (math.log(0.3), edge, 0.85))]
    worst = int(np.argmax(data.weight * process.residual**2)) % grid.log_x.size
    yield [*elements, Element(RC, (math.log(1e-2), -float(grid.log_x[worst])))]
    if len(elements) == 1 and elements[0].code == ZARC:
        size, tau, phi = elements[0].theta
        for d in (0.8, 1.6):
            yield [Element(ZARC, (size - 0.7, tau + side * d, min(phi + 0.08, 0.95))) for side in (-1, 1)]
    if signed:
        for at in (low + 1.5, high - 1.0, high - 3.0):
            yield [*elements, Element(RC, (math.log(3e-2), at), -1.0)]
