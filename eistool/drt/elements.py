"""A sum of elements found from the peaks of a first ln γ, kind and number by their evidence."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eistool.drt.process import Data, Process
from eistool.kernels import drt as kernels
from eistool.kernels.drt import CONSTANT, CPE, GERISCHER, HN, LOG_NORMAL, RC, ZARC
from eistool.kernels.jit import direct
from eistool.typing import BoolArray, FloatArray

NAMES = ("RC", "ZARC", "Havriliak-Negami", "Gerischer", "log-normal", "constant", "CPE")
COUNT = (2, 3, 4, 2, 3, 3, 2)
LARGEST_PHI = 0.985  # beyond, an RC does
LEAST_TAIL = 0.2  # slope of ln γ at long times from which a CPE is tried
MOST_PEAKS = 7
MOST_MOVES = 6
GAIN = 2.0  # in log evidence that a change must bring
PRICE = 4.0  # of an element: there are many places and kinds to choose from
RARE_PRICE = 2.0  # of a kind that is neither ZARC nor RC nor CPE
STEP_PRICE = 10.0  # of constants: nature seldom has steps in γ
COMMON = (RC, ZARC, CPE)
NEGATIVE_PRICE = 8.0
LONG_SHOT = 3.0  # a trial so far below may still win in the end
RIVAL, MOST_RIVALS = 3.0, 2  # a description so far below is not ruled out; so many are looked at
REACH, POOR_REACH = 2.9, 4.6  # in ln τ, between neighbours that may be one
SHORT, LONG = 10, 40  # steps of a trial and of a fit
TOLERANCE = 2e-3, 1e-4  # relative gain in squares at which these end
APART = 0.4  # decades between seeds
MISSED = 0.2  # of the variance: the rest is not noise
LEAST_DIFFERENCES = 20  # points
# in log likelihood, short of the free γ: from here on other kinds, and more elements, are tried
POOR, LACKING = 4.0, 8.0
UNSURE, NEGLIGIBLE = 0.3, -7.0  # error of ln R, and ln R, at which an element may go
NARROW = 0.95  # exponent from which an RC is tried
LOWER = ((), (0.35,), (0.35, 0.15), (), (math.log(0.12),), (math.log(0.7),))
UPPER = ((), (LARGEST_PHI,), (LARGEST_PHI, 1.0), (), (math.log(4.0),), (math.log(8.0),))


_fit_elements = direct(kernels.fit_elements)


@dataclass(frozen=True, slots=True)
class Element:
    """A kind, its parameters (ln R, ln τ, ...) and 1, or -1 where it is subtracted."""

    code: int
    theta: tuple[float, ...]
    sign: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Elements with R, L and 1/C in series, fitted."""

    elements: tuple[Element, ...]
    linear: FloatArray  # R, L and, without a CPE, 1/C
    chi2: float
    score: float  # log evidence as the information criterion has it
    impedance: FloatArray  # shape (m,)
    derivatives: FloatArray  # shape (p, m)
    root: FloatArray  # W, shape (p, p)

    @property
    def name(self) -> str:
        """The elements, by τ."""
        return " + ".join(("" if e.sign > 0 else "-") + NAMES[e.code] for e in self.elements)

    @property
    def positive(self) -> BoolArray:
        """Which elements are not subtracted."""
        return np.array([e.sign > 0 for e in self.elements], dtype=np.bool_)

    @property
    def kinds(self) -> tuple[tuple[int, float], ...]:
        """What the elements are, by τ."""
        return tuple((e.code, e.sign) for e in self.elements)

    @property
    def n_parameters(self) -> int:
        """Of the elements and the linear ones."""
        return sum(COUNT[e.code] for e in self.elements) + self.linear.size

    @property
    def n_peaks(self) -> int:
        """How many elements are peaks."""
        return sum(e.code != CPE for e in self.elements)

    @property
    def price(self) -> float:
        """Log evidence that the elements cost beyond their number of parameters."""
        return _price(self.elements)

    @property
    def theta(self) -> FloatArray:
        """Parameters of the elements."""
        return np.array([value for e in self.elements for value in e.theta])

    @property
    def offsets(self) -> list[int]:
        """Where the parameters of each element start."""
        ends = itertools.accumulate((COUNT[e.code] for e in self.elements), initial=0)
        return list(ends)[:-1]

    def gammas(self, log_tau: FloatArray, step: float, theta: FloatArray | None = None) -> FloatArray:
        """Return γ of each element, shape (n_elements, n_tau), not negative."""
        out = np.empty((len(self.elements), log_tau.size))
        codes = np.array([e.code for e in self.elements], dtype=np.int64)
        kernels.element_gamma(codes, self.theta if theta is None else theta, log_tau, step, out)
        return out

    def derivatives_of_gamma(self, log_tau: FloatArray, step: float, theta: FloatArray) -> FloatArray:
        """Return derivatives of γ, negative elements left out, by the parameters, shape (p, n_tau)."""
        out = np.zeros((theta.size, log_tau.size))
        pair = np.empty((2, 1, log_tau.size))
        for e, at in zip(self.elements, self.offsets, strict=True):
            if e.sign < 0 or e.code == RC:
                continue
            code = np.array([e.code], dtype=np.int64)
            for k in range(COUNT[e.code]):
                for side, to in zip((1e-5, -1e-5), pair, strict=True):
                    own = theta[at : at + COUNT[e.code]].copy()
                    own[k] += side
                    kernels.element_gamma(code, own, log_tau, step, to)
                out[at + k] = (pair[0, 0] - pair[1, 0]) / 2e-5
        return out


def find_elements(data: Data, process: Process, signed: bool = True) -> list[Sum]:
    """Return the sum of elements with the highest score, and others that come near; none where no fit ended."""
    goal = _goal(data, process)
    start = _start(data, process, goal)
    if start is None:
        return []
    best, seen = _search(data, process, goal, start, signed)
    best = _fit(data, best.elements, best.linear, LONG)
    aim = best.score - RIVAL
    seen += [_fit(data, move, best.linear, SHORT, aim) for move in _twins(best)]
    rivals: dict[tuple[tuple[int, float], ...], Sum] = {best.kinds: best}
    for trial in sorted(seen, key=lambda trial: -trial.score):
        if trial.score > aim and len(rivals) <= MOST_RIVALS and trial.kinds not in rivals:
            rivals[trial.kinds] = _fit(data, trial.elements, trial.linear, LONG)
    return [each for each in rivals.values() if np.isfinite(each.root).all()]


def divides(data: Data, process: Process, elements: Sequence[Element]) -> bool:
    """Return whether two elements of rarer kinds than ZARC and RC stand where a free ln γ has one maximum.

    ZARCs are processes of their own; of others a hump of any shape can be made.
    """
    peaks = sorted((e.theta[1], e.code, e.sign) for e in elements if e.code != CPE)
    for (a, kind, sign), (b, other, other_sign) in itertools.pairwise(peaks):
        if not {kind, other} <= {ZARC, RC} and min(sign, other_sign) > 0:
            first, last = (int(np.argmin(np.abs(data.grid.log_tau - at))) for at in (a, b))
            between = process.f[first : last + 1]
            if not between.min() < min(between[0], between[-1]):
                return True
    return False


def positive_part(data: Data, found: Sum) -> Sum:
    """Return the sum without its negative elements, the others as they are."""
    return _fit(data, [e for e in found.elements if e.sign > 0], found.linear, 0)


def zarcs(data: Data, process: Process) -> list[Sum]:
    """Return the sum of a ZARC for each maximum of ln γ; nothing where there is none."""
    tail = [_tail(data)] if data.tail > LEAST_TAIL else []
    return [_fit(data, seeds + tail, None, LONG) for seeds in itertools.islice(_seeds(data, process), 1)]


@dataclass(frozen=True, slots=True)
class _Goal:
    """What the free γ reaches."""

    variance: float
    chi2: float  # in units of the variance
    edf: float

    def excess(self, now: Sum) -> float:
        """Return how far a sum is from it, in log likelihood less the price of parameters."""
        return 0.5 * (now.chi2 / self.variance - self.chi2) - 0.5 * max(self.edf - now.n_parameters, 0.0)


def _goal(data: Data, process: Process) -> _Goal:
    edf = float(process.state[kernels.EDF])
    rough = difference_variance(data)
    # a free γ that cannot follow the data takes what it misses for noise
    if rough < MISSED * process.variance:
        return _Goal(rough, float(data.y.size), edf)
    return _Goal(process.variance, float(process.state[kernels.CHI2]) / process.variance, edf)


def _start(data: Data, process: Process, goal: _Goal) -> Sum | None:
    """Return ZARCs at the maxima; at the shoulders too where these do not do."""
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


def _search(data: Data, process: Process, goal: _Goal, best: Sum, signed: bool) -> tuple[Sum, list[Sum]]:
    """Return the best sum that moves lead to, and all that were tried."""
    seen: list[Sum] = []
    for _ in range(MOST_MOVES):
        excess = goal.excess(best)
        aim = best.score - (LONG_SHOT if excess > POOR else 0.0)
        reach = POOR_REACH if excess > POOR else REACH
        tried: list[Sum] = []
        chosen = best
        for moves in (
            _fewer(process, best),
            itertools.chain(_merged(list(best.elements), reach), _log_normals(best) if excess > LACKING else ()),
            _moves(data, process, best, excess, signed),
        ):
            tried += [_fit(data, move, best.linear, SHORT, aim - RIVAL) for move in moves]
            chosen = max(tried, key=lambda trial: trial.score, default=best)
            if chosen.score > best.score and goal.excess(chosen) < POOR:
                break
        seen += tried
        if not chosen.score > aim:
            break
        chosen = _fit(data, chosen.elements, chosen.linear, SHORT)
        simpler = chosen.n_parameters < best.n_parameters
        if not chosen.score > best.score + (0.0 if simpler else GAIN):
            break
        best = chosen
    return best, seen


def difference_variance(data: Data) -> float:
    """Return the noise that fourth differences between neighbouring points tell, robustly."""
    n = data.grid.log_x.size
    order = np.argsort(data.grid.log_x)
    if n < LEAST_DIFFERENCES or np.diff(data.grid.log_x[order]).min() <= 0:
        return math.inf
    # y/|Z| itself would have lost the noise along Z
    squares = [
        np.diff(data.y[half][order], 4) ** 2 / 70 * data.weight[half][order][2:-2]
        for half in (slice(n), slice(n, None))
    ]
    return max(float(np.median(np.concatenate(squares))) / 0.455, 1e-12)


def _price(elements: Sequence[Element]) -> float:
    """Return what elements cost; a rare kind does once, for it seldom comes alone."""
    kinds = {e.code for e in elements} - set(COMMON)
    each = sum(PRICE + (NEGATIVE_PRICE if e.sign < 0 else 0.0) for e in elements)
    return each + sum(STEP_PRICE if code == CONSTANT else RARE_PRICE for code in kinds)


def _fit(
    data: Data, elements: Sequence[Element], linear: FloatArray | None, steps: int, aim: float = -math.inf
) -> Sum:
    """Fit a sum; one that will not reach a score of ``aim`` is left halfway."""
    grid = data.grid
    with_tail = any(e.code == CPE for e in elements)
    columns = np.ascontiguousarray(grid.columns[: min(2 if with_tail else 3, data.n_columns)])
    n_linear = columns.shape[0]
    first = np.zeros(n_linear)
    if linear is None:
        first[0] = data.y[np.argmax(grid.log_x)]
    else:
        first[: min(n_linear, linear.size)] = linear[:n_linear]
    low, high = grid.window
    lower: list[float] = []
    upper: list[float] = []
    for e in elements:
        if e.code == CPE:
            lower += [-16.0, 0.05]
            upper += [12.0, 0.98]
        elif e.sign < 0:
            # a loop is seen within the window, and is smaller than the impedance
            lower += [-14.0, low, *LOWER[e.code]]
            upper += [1.0, high, *UPPER[e.code]]
        else:
            lower += [-14.0, low - 3.0, *LOWER[e.code]]
            upper += [6.0, high + 3.0, *UPPER[e.code]]
    unbounded = [1e300] * n_linear
    theta = np.array([value for e in elements for value in e.theta] + first.tolist())
    bottom, top = np.array(lower + [-v for v in unbounded]), np.array(upper + unbounded)
    p, m = theta.size, data.y.size
    z, rows, root = np.empty(m), np.empty((p, m)), np.empty((p, p))
    codes = np.array([e.code for e in elements], dtype=np.int64)
    signs = np.array([e.sign for e in elements], dtype=np.float64)
    price = _price(elements) + 0.5 * p * math.log(m)
    goal = m * math.exp(min(-2 * (aim + price) / m, 600.0))
    chi2 = _fit_elements(
        codes, signs, theta, bottom, top, columns, grid.log_x, data.y, data.weight, steps,
        TOLERANCE[steps == LONG], goal,
        z, rows, root,
    )  # fmt: skip
    fitted, k = [], 0
    for e in elements:
        fitted.append(Element(e.code, tuple(theta[k : k + COUNT[e.code]].tolist()), e.sign))
        k += COUNT[e.code]
    order = sorted(range(len(fitted)), key=lambda i: (fitted[i].code == CPE, fitted[i].theta[1]))
    if order != list(range(len(fitted))):
        starts = np.cumsum([0] + [COUNT[e.code] for e in fitted])
        index = [int(starts[i]) + j for i in order for j in range(COUNT[fitted[i].code])] + list(range(k, p))
        fitted, rows, root = [fitted[i] for i in order], rows[index], root[:, index]
    score = -0.5 * m * math.log(max(chi2, 1e-300) / m) - price
    return Sum(tuple(fitted), theta[k:], chi2, score, z, rows, root)


def _seeds(data: Data, process: Process) -> Iterator[list[Element]]:
    """Yield ZARCs for the maxima of ln γ, then for its shoulders too."""
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
    phis = np.linspace(0.45, 0.95, 26)
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
            # the curvature at the top of a ZARC tells its exponent, the height then its resistance
            curvature = phis**2 / (1 - np.cos((1 - phis) * np.pi))
            phi = float(np.interp(-bend[i], curvature, phis))
            turn = (1 - phi) * math.pi
            size = math.exp(f[i]) * 2 * math.pi * (1 - math.cos(turn)) / math.sin(turn)
            seeds.append(Element(ZARC, (math.log(size), float(grid.log_tau[i]), phi)))
        yield seeds


def _merged(elements: list[Element], reach: float) -> Iterator[list[Element]]:
    """Yield sums where neighbours become one element of another kind."""
    for first in range(len(elements) - 1):
        for last in range(first + 1, min(first + 3, len(elements))):
            some = elements[first : last + 1]
            near = all(_gap(a, b) < reach for a, b in itertools.pairwise(some))
            if not near or any(e.code == CPE or e.sign < 0 for e in some):
                break
            rest = elements[:first] + elements[last + 1 :]
            sizes = np.exp([e.theta[0] for e in some])
            taus = np.array([e.theta[1] for e in some])
            size, tau = math.log(float(sizes.sum())), float(sizes @ taus / sizes.sum())
            yield [*rest, Element(HN, (size, float(taus[-1]), 0.85, 0.6))]
            yield [*rest, Element(GERISCHER, (size, float(taus[-1]) + 0.3))]
            width = max(float(np.ptp(taus)), 0.7)
            yield [*rest, Element(CONSTANT, (size, 0.5 * float(taus[0] + taus[-1]), math.log(0.7 * width)))]
            yield [*rest, Element(LOG_NORMAL, (size, tau, math.log(0.6 * width)))]


def _gap(a: Element, b: Element) -> float:
    """Return the distance in ln τ between neighbours, from the edges of constants."""
    halves = sum(math.exp(e.theta[2]) for e in (a, b) if e.code == CONSTANT)
    return b.theta[1] - a.theta[1] - halves


def _log_normals(now: Sum) -> Iterator[list[Element]]:
    """Yield the sum with a log-normal for each ZARC."""
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


def _fewer(process: Process, now: Sum) -> Iterator[list[Element]]:
    """Yield the sum without each element that is not sure to be there."""
    elements = list(now.elements)
    errors = np.sqrt(process.variance * (now.root**2).sum(axis=0))
    for i, (e, at) in enumerate(zip(elements, now.offsets, strict=True)):
        if errors[at] > UNSURE or e.theta[0] < NEGLIGIBLE:
            yield elements[:i] + elements[i + 1 :]


def _twins(now: Sum) -> Iterator[list[Element]]:
    """Yield sums with one element of another kind that noise may make look the same."""
    elements = list(now.elements)
    for i, e in enumerate(elements):
        if e.sign > 0 and e.code in (ZARC, LOG_NORMAL):
            rest = elements[:i] + elements[i + 1 :]
            size, tau, shape = e.theta
            if e.code == LOG_NORMAL:
                yield [*rest, Element(ZARC, (size, tau, 0.8))]
            elif shape < NARROW:
                # as wide at half of its height
                yield [*rest, Element(LOG_NORMAL, (size, tau, math.log(1.9 * (1 - shape) / shape + 0.25)))]


def _moves(data: Data, process: Process, now: Sum, excess: float, signed: bool) -> Iterator[list[Element]]:
    """Yield sums with elements of another kind, and where the fit is poor, with others besides."""
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


def _more(data: Data, process: Process, now: Sum, signed: bool) -> Iterator[list[Element]]:
    """Yield sums with an element more."""
    elements = list(now.elements)
    grid = data.grid
    if not any(e.code == CPE for e in elements):
        yield [*elements, _tail(data)]
    if len(elements) > MOST_PEAKS:
        return
    # where the free γ is above that of the elements most
    low, high = grid.window
    inside = (grid.log_tau > low - 0.5) & (grid.log_tau < high + 0.5)
    gap = np.exp(process.f) - now.gammas(grid.log_tau, grid.step).sum(axis=0)
    k = int(np.argmax(np.where(inside, gap, -np.inf)))
    yield [*elements, Element(ZARC, (math.log(max(float(gap[k]), 1e-4) * 2), float(grid.log_tau[k]), 0.8))]
    # an arc that the window cuts
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
