"""Number of arcs of each spectrum, selected over the whole series."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.constants import SIGNIFICANT
from eistool.fitting import FitResult
from eistool.fitting.result import STRONG
from eistool.tracking.accuracy import (
    CHECKED,
    LOOKED,
    EvidenceFits,
    ProjectedResidual,
    descend,
    n_data_independent,
    scan_grid,
)
from eistool.tracking.family import Family
from eistool.typing import FloatArray, Threshold

MOST_ARCS: Annotated[int, Threshold("largest number of arcs", CHECKED)] = 5
USUAL: Annotated[
    float, Threshold("quantile of the series that is the share of independent residuals", CHECKED)
] = 0.9
MOST_ADDED: Annotated[int, Threshold("largest number of arcs that only the whole series shows", CHECKED)] = 3
LEAST_NOISE: Annotated[
    float, Threshold("least random noise, relative to the accuracy, in differences between spectra", CHECKED)
] = 1 / 3
CLEARLY: Annotated[
    float, Threshold("ΔBIC by which shared arcs replace a change of the number of arcs", CHECKED)
] = 25.0
CLEAR: Annotated[float, Threshold("R/u of a shared arc on both sides of a gap", "engineering choice")] = 6.0
SLIGHT = 1e-4  # R/|Z| of an arc as the start of a fit
SHORTEST_GAP = 2  # spectra from one clear arc to the next that are no gap
SEPARATE: Annotated[
    float, Threshold("least distance in decades of arcs that only the whole series shows", CHECKED)
] = 0.7
SMALL: Annotated[
    float, Threshold("χ² per spectrum below which an arc takes its τ from the whole series", CHECKED)
] = 36.0
NEAR_TAIL: Annotated[
    float, Threshold("ΔBIC of a few spectra below which another tail is tried for all", CHECKED)
] = 100.0
CHOOSING = 5  # spectra that select the tail
CANDIDATES = ("", "CPE", "Wo")  # tails


@dataclass(slots=True, eq=False)
class Added:
    """Arc with one τ and α over a contiguous range of spectra."""

    name: str
    first: int
    last: int
    tau: float
    alpha: float
    u_log_tau: float
    gain: float  # of BIC over the series
    cost: float  # of its parameters in BIC

    @property
    def held(self) -> dict[str, float]:
        """Values shared by all spectra of the range."""
        return {f"{self.name}.tau": self.tau, f"{self.name}.alpha": self.alpha}


@dataclass(slots=True, eq=False)
class SeriesModel:
    """Circuits and fits of the spectra of a series."""

    fits: EvidenceFits
    family: Family
    n_arcs: list[int]
    results: list[FitResult]
    added: list[Added]
    scale: FloatArray  # shape (n,): noise relative to the accuracy, squared, at least 1
    noise: FloatArray  # shape (n,): the same without accuracy, which differences between spectra do not contain

    def circuit(self, s: int) -> Circuit:
        """Return the circuit of a spectrum."""
        return self.family.circuit(self.n_arcs[s], [f"{a.name}" for a in self.added if a.first <= s <= a.last])

    def held(self, s: int) -> dict[str, float]:
        """Return the values of a spectrum's circuit that the series shares."""
        return {k: v for a in self.added if a.first <= s <= a.last for k, v in a.held.items()}


def model_series(fits: EvidenceFits, family: Family | None) -> SeriesModel:
    """Return the circuits and fits of a series, with as few arcs as the whole series allows."""
    families = _families(fits) if family is None else [family]
    models = [pair for one in families for pair in _models(fits, one)]
    return min(models, key=lambda pair: pair[0])[1]


def _models(fits: EvidenceFits, family: Family) -> list[tuple[float, SeriesModel]]:
    """Return models with separate arcs where BIC asks for them, and with arcs that spectra share, with costs."""
    n = len(fits.spectra)
    by_count: list[list[FitResult]] = []
    floors = np.ones(n)
    chi2 = np.empty((0, n))
    usual = len(family.arcs)
    for k in range(1, MOST_ARCS + 1):
        results = fits.all(family.circuit(k))
        by_count.append(results)
        chi2 = np.vstack([chi2, [r.chi2 if r.success else np.inf for r in results]])
        if k == 1:
            floors = np.array([r.noise_floor if r.success else np.inf for r in results])
            floors = np.where(np.isfinite(floors), floors, 1.0)
        cost = _costs(chi2, np.maximum(floors, 1.0), results)
        if k > max(usual, 1) and not (np.argmin(cost, axis=0) == k - 1).any():
            break
    path = _cheapest(cost)
    models: list[tuple[float, SeriesModel]] = []
    for rows in [path, *([k] * n for k in sorted(set(path)) if len(set(path)) > 1)]:
        results = [by_count[k][s] for s, k in enumerate(rows)]
        noise = np.maximum(floors, LEAST_NOISE**2)
        model = SeriesModel(fits, family, [k + 1 for k in rows], results, [], np.maximum(floors, 1.0), noise)
        for i in range(MOST_ADDED):
            if not _add(model, f"Zarc_s{i + 1}"):
                break
        # the cheapest path is kept unless shared arcs are clearly better
        models.append((_total(model) + (CLEARLY if models else 0.0), model))
    return models


def _total(model: SeriesModel) -> float:
    """Return BIC of a model with the cost of its switches, up to a constant."""
    pairs = zip(model.results, model.scale, model.n_arcs, strict=True)
    fits = sum(r.chi2 / scale + 3 * k * math.log(r.n_data) if r.success else 1e12 for r, scale, k in pairs)
    switches = sum(abs(b - a) for a, b in itertools.pairwise(model.n_arcs))
    return fits + STRONG * switches + sum(added.cost for added in model.added)


def _families(fits: EvidenceFits) -> list[Family]:
    """Return the families whose tails describe some spectra nearly as well as the best."""
    n = len(fits.spectra)
    some = sorted({int(i) for i in np.linspace(0, n - 1, min(CHOOSING, n))})
    costs = []
    for tail in CANDIDATES:
        family = Family.plain(fits.spectra, tail)
        total = 0.0
        results = [fits.some(family.circuit(k), some) for k in (1, 2, 3)]
        for j in range(len(some)):
            usable = [fits_of[j] for fits_of in results if fits_of[j].success]
            floor = max(usable[0].noise_floor, 1.0) if usable else 1.0
            total += min((r.chi2 / floor + r.n_free * math.log(r.n_data) for r in usable), default=np.inf)
        costs.append((total, family))
    least = min(total for total, _ in costs)
    near = [family for total, family in sorted(costs, key=lambda pair: pair[0]) if total <= least + NEAR_TAIL]
    return near or [Family.plain(fits.spectra, "")]


def _costs(chi2: FloatArray, scale: FloatArray, results: Sequence[FitResult]) -> FloatArray:
    """Return BIC for each number of arcs and each spectrum, up to a constant, shape (k, n)."""
    log_n = np.array([math.log(r.n_data) for r in results])
    arcs = np.arange(1, len(chi2) + 1)[:, None]
    cost: FloatArray = np.where(np.isfinite(chi2), chi2, 1e12) / scale + 3 * arcs * log_n
    return cost


def _cheapest(cost: FloatArray) -> list[int]:
    """Return the row per column that minimises costs and switches (Viterbi)."""
    k, n = cost.shape
    switch = STRONG * np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    total, back = cost[:, 0].copy(), np.zeros((k, n), dtype=int)
    for s in range(1, n):
        ways = total[:, None] + switch
        back[:, s] = np.argmin(ways, axis=0)
        total = ways.min(axis=0) + cost[:, s]
    path = [int(np.argmin(total))]
    for s in range(n - 1, 0, -1):
        path.append(int(back[path[-1], s]))
    return path[::-1]


def best_range(gain: FloatArray) -> tuple[int, int, float]:
    """Return the contiguous range (first, last) with the largest sum, and the sum.

    Examples
    --------
    >>> best_range(np.array([-1.0, 2, 3, -1, 4, -5]))
    (1, 4, 8.0)
    """
    best, now = (0, 0, -math.inf), (0, 0.0)
    for s, value in enumerate(gain.tolist()):
        now = (now[0], now[1] + value) if now[1] > 0 else (s, value)
        if now[1] > best[2]:
            best = (now[0], s, now[1])
    return best


def best_level(pull: FloatArray, information: FloatArray) -> tuple[int, int, float]:
    """Return the range (first, last) whose common positive level gains most, and its gain in χ².

    Parameters
    ----------
    pull, information : FloatArray, shape (n,)
        R/u² and 1/u² of each spectrum.

    Examples
    --------
    >>> best_level(np.array([0.0, 2, 2, 2, -1]), np.ones(5))
    (1, 3, 12.0)
    """
    sums = np.concatenate([[0.0], np.cumsum(pull)])
    weights = np.concatenate([[0.0], np.cumsum(information)])
    total = sums[None, :] - sums[:, None]
    weight = weights[None, :] - weights[:, None]
    gain = np.where((total > 0) & (weight > 0), np.square(total) / np.where(weight > 0, weight, 1.0), 0.0)
    first, after = np.unravel_index(int(np.argmax(np.triu(gain, 1))), gain.shape)
    return int(first), max(int(after), int(first) + 1) - 1, float(gain[first, after])


def _add(model: SeriesModel, name: str) -> bool:
    """Add the arc with the largest gain over the whole series if BIC falls by more than 10."""
    results, fits = model.results, model.fits
    good = [s for s, r in enumerate(results) if r.success]
    if not good:
        return False
    tau, alpha = scan_grid(fits.spectra)
    penalty = np.array([math.log(n_data_independent(r)) if r.success else 0.0 for r in results])
    factor = weights(model)
    projected = {s: ProjectedResidual.of(results[s]) for s in good}
    size, information = _scan(projected, tau, alpha, factor)
    best: tuple[float, int, int, int] = (-math.inf, 0, 0, 0)
    for m in range(tau.size):
        for first, last, gain in _ranges(size[:, m], information[:, m], penalty):
            near = (a for a in model.added if abs(math.log10(a.tau / tau[m])) < SEPARATE)
            if not any(a.first <= last and a.last >= first for a in near):
                best = max(best, (gain, m, first, last))
    if best[0] < STRONG:
        return False
    _, m, first, last = best
    what = float(tau[m]), float(alpha[m])
    shape = None
    if float(np.square(size[first : last + 1, m]) @ information[first : last + 1, m]) < SMALL * (last - first + 1):
        shape = _refined(projected, what, (first, last), factor)
    return _fit_added(model, name, (first, last), what, size[:, m], penalty, factor, shape)


def _scan(
    projected: Mapping[int, ProjectedResidual], tau: FloatArray, alpha: FloatArray, factor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return R of small arcs and 1/u² in each spectrum, shape (n, m) each."""
    size, information = np.zeros((factor.size, tau.size)), np.zeros((factor.size, tau.size))
    for s, residual in projected.items():
        size[s], u = residual.resistances(tau, alpha)
        information[s] = factor[s] / np.square(u)
    return size, information


def _ranges(size: FloatArray, information: FloatArray, penalty: FloatArray) -> list[tuple[int, int, float]]:
    """Return the best range for separate resistances and that for a common one, with their gains in BIC."""
    separate = best_range(np.where(size > 0, np.square(size) * information, 0.0) - penalty)
    level = best_level(size * information, information)
    n = penalty.mean()
    ranges = []
    for cost, (first, last, gain) in zip(
        (0.0, n + math.log(level[1] - level[0] + 1)), (separate, level), strict=True
    ):
        ranges.append((first, last, gain - cost - 2 * math.log(LOOKED * (last - first + 1))))
    return ranges


def _refined(
    projected: Mapping[int, ProjectedResidual],
    what: tuple[float, float],
    where: tuple[int, int],
    factor: FloatArray,
) -> tuple[float, float, float]:
    """Return τ, α and u(ln τ) of an arc that is too small in each spectrum for fits of its own."""
    step = np.linspace(-0.4, 0.4, 17) * math.log(10)
    grid = np.array([(what[0] * math.exp(x), a) for x in step for a in np.linspace(0.6, 1.0, 9)])
    some = {s: projected[s] for s in range(where[0], where[1] + 1) if s in projected}
    size, information = _scan(some, grid[:, 0], grid[:, 1], factor)
    total = np.maximum((size * information).sum(axis=0), 0.0)
    gain = np.square(total) / information.sum(axis=0)
    best = int(np.argmax(gain))
    likely = np.exp(0.5 * (gain - gain[best]))
    log_tau = np.log(grid[:, 0])
    mean = float(np.average(log_tau, weights=likely))
    spread = math.sqrt(float(np.average(np.square(log_tau - mean), weights=likely)))
    return float(grid[best, 0]), float(grid[best, 1]), max(spread, 0.05)


def weights(model: SeriesModel) -> FloatArray:
    """Return the weights of differences of sums of squares, lower for correlated residuals, shape (n,).

    An arc that a spectrum lacks correlates its residuals as well: what most other spectra show counts.
    """
    shares = np.array([min(n_data_independent(r) / r.n_data, 1.0) if r.success else 0.0 for r in model.results])
    usual = float(np.quantile(shares, USUAL))
    return np.asarray(np.where(shares > 0, np.maximum(shares, usual), 0.0) / model.noise)


def _fit_added(
    model: SeriesModel,
    name: str,
    where: tuple[int, int],
    what: tuple[float, float],
    size: FloatArray,
    penalty: FloatArray,
    factor: FloatArray,
    shape: tuple[float, float, float] | None,
) -> bool:
    """Fit the arc with its common τ and α to all spectra, and add it."""
    results = model.results
    found = shape or _common_shape(model, name, where, what, size)
    if found is None:
        return False
    tau, alpha, u_log_tau = found
    added = Added(name, where[0], where[1], tau, alpha, u_log_tau, 0.0, 0.0)
    new = [_refitted(model, s, added, size[s]) for s in range(len(results))]
    pairs = list(zip(results, new, strict=True))
    gain = np.array([max(a.chi2 - b.chi2, 0.0) if a.success and b.success else 0.0 for a, b in pairs]) * factor
    fitted = np.array([b.values[b.circuit.index(f"{name}.R")] if b.success else 0.0 for b in new])
    # a vanishing gain says little about u: that of the scan holds as well
    projected = {s: ProjectedResidual.of(r) for s, r in enumerate(results) if r.success}
    linear, information = (x[:, 0] for x in _scan(projected, np.array([tau]), np.array([alpha]), factor))
    strong = gain > SMALL
    information[strong] = gain[strong] / np.square(fitted[strong])
    fitted = np.where(strong, fitted, linear)
    separate, level = _ranges(fitted, information, penalty)
    first, last, total = max(separate, level, key=lambda one: one[2])
    if total < STRONG:
        return False
    # separate values of a common resistance gain 1 each by chance
    each = penalty.mean() if separate[2] >= level[2] else 1.0
    cost = 3 * float(penalty.mean()) + (last - first) * float(each)
    added.gain = total
    for begin, end in _visits(first, last, fitted, information):
        model.added.append(replace(added, first=begin, last=end, cost=cost))
        cost = 0.0  # once for all parts
        for s in range(begin, end + 1):
            model.results[s] = new[s]
    return True


def _visits(first: int, last: int, R: FloatArray, information: FloatArray) -> list[tuple[int, int]]:
    """Return the parts of a range between gaps in which R vanishes while it is clear on both sides.

    Examples
    --------
    >>> _visits(0, 6, np.array([9.0, 8, 0, 0.1, 0, 9, 9]), np.ones(7))
    [(0, 1), (5, 6)]
    """
    z = R * np.sqrt(information)
    clear = [s for s in range(first, last + 1) if z[s] > CLEAR]
    cuts = [
        (a, b)
        for a, b in itertools.pairwise(clear)
        if b - a > SHORTEST_GAP and (np.abs(z[a + 1 : b]) < SIGNIFICANT).all()
    ]
    return list(zip([first, *(b for _, b in cuts)], [*(a for a, _ in cuts), last], strict=True))


def _common_shape(
    model: SeriesModel, name: str, where: tuple[int, int], what: tuple[float, float], size: FloatArray
) -> tuple[float, float, float] | None:
    """Return τ, α and u(ln τ), weighted means of fits with separate ones in each spectrum."""
    results = model.results
    weight, pull = np.zeros((2, 2)), np.zeros(2)
    for s in range(where[0], where[1] + 1):
        if not results[s].success:
            continue
        circuit = _with(model, s, name)
        start = {f"{name}.R": max(size[s], _small(results[s])), f"{name}.tau": what[0], f"{name}.alpha": what[1]}
        free = descend(results[s], circuit, start, model.held(s))
        i = [circuit.index(f"{name}.tau"), circuit.index(f"{name}.alpha")]
        if not free.success or not results[s].chi2 - free.chi2 > 0:
            continue
        shape = np.array([math.log(free.values[i[0]]), free.values[i[1]]])
        jacobian = np.array([1 / free.values[i[0]], 1.0])
        covariance = free.covariance[np.ix_(i, i)] * np.outer(jacobian, jacobian) + np.diag([0.05**2, 0.02**2])
        if abs(shape[0] - math.log(what[0])) > 2.5 or not np.isfinite(covariance).all():
            continue
        information = np.linalg.inv(covariance)
        weight += information
        pull += information @ shape
    if not weight.any():
        return None
    weight += np.diag([1e-6, 1 / 0.3**2])
    pull += np.array([1e-6 * math.log(what[0]), 0.8 / 0.3**2])
    log_tau, alpha = np.linalg.solve(weight, pull)
    return math.exp(log_tau), float(np.clip(alpha, 0.4, 1.0)), math.sqrt(float(np.linalg.inv(weight)[0, 0]))


def _with(model: SeriesModel, s: int, name: str) -> Circuit:
    names = [a.name for a in model.added if a.first <= s <= a.last]
    return model.family.circuit(model.n_arcs[s], [*names, name])


def _refitted(model: SeriesModel, s: int, added: Added, size: float) -> FitResult:
    result = model.results[s]
    if not result.success:
        return result
    circuit, held = _with(model, s, added.name), model.held(s) | added.held
    least = _small(result)
    again = descend(result, circuit, {f"{added.name}.R": max(size, least), **added.held}, held)
    if again.success and again.chi2 <= result.chi2:
        return again
    nothing = descend(result, circuit, {f"{added.name}.R": 1e-3 * least, **added.held}, held)
    return min((r for r in (again, nothing) if r.success), key=lambda r: r.chi2, default=again)


def _small(result: FitResult) -> float:
    """Return a resistance that hardly changes the spectrum."""
    return SLIGHT * float(np.median(np.abs(result.spectrum.impedance)))
