"""Evidence for events: six criteria, all of which a confirmed event meets."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit import Series as SeriesNode
from eistool.constants import SIGNIFICANT, TWO_SIDED_95
from eistool.drt import DRT, compute_drt
from eistool.errors import SpectrumError
from eistool.fitting import FitResult, Process
from eistool.fitting.result import STRONG
from eistool.spectrum import Spectrum
from eistool.tracking.accuracy import (
    CHECKED,
    LOOKED,
    SPECIFIED,
    ProjectedResidual,
    descend,
    n_data_independent,
    scan_grid,
)
from eistool.tracking.arc_count import SeriesModel, weights
from eistool.tracking.boundary import boundary_p
from eistool.tracking.eligibility import inconsistency
from eistool.tracking.joint_resistance import joint_resistance
from eistool.tracking.limit import WINDOW
from eistool.tracking.rise import (
    FEWEST_OFF,
    FEWEST_SCATTER,
    JUMP,
    LONGEST,
    NEAR_FRONT,
    SAME_PEAK,
    Levels,
    excess_scatter,
    front,
)
from eistool.typing import FloatArray, Threshold

APART: Annotated[
    float,
    Threshold(
        "distance in decades from other processes (criterion 4)",
        "false arcs beside a distributed process lie about 0.2 decade away (Monte Carlo); " + CHECKED,
    ),
] = 0.7
REACH: Annotated[float, Threshold("distance in decades of the parts of an arc that splits", CHECKED)] = 2.0
UNUSUAL: Annotated[
    float, Threshold("change of a neighbour, relative to its usual one, that may be a split", CHECKED)
] = 2.0
EACH_SIDE: Annotated[int, Threshold("spectra on each side of an event (criteria 1, 2, 6)", CHECKED)] = 2
TESTED: Annotated[int, Threshold("spectra to which other shapes are fitted (criterion 3)", CHECKED)] = 12
SEARCHED: Annotated[
    int, Threshold("of these, spectra in which other shapes are searched from many starts", CHECKED)
] = 3
FIRM: Annotated[float, Threshold("R/u below which the error towards smaller R is fitted", CHECKED)] = 20.0
SIZABLE: Annotated[float, Threshold("R/u below which R is estimated linearly", CHECKED)] = 5.0
WORTH: Annotated[float, Threshold("ΔBIC below which there is no event, not even a tentative one", SPECIFIED)] = 6.0
MOST_HIDDEN: Annotated[
    float, Threshold("share of R before an event that misfit may account for (criterion 6)", CHECKED)
] = 0.2
HIGH_PEAK: Annotated[float, Threshold("significance of a peak in a difference (criterion 2)", CHECKED)] = 4.0
ALIKE: Annotated[
    float, Threshold("factor between R of single spectra and of joint estimates that is not confirmed", CHECKED)
] = 2.5
LOOSE = 2.0  # relative error of joint estimates, which leave τ and α free, at which separate ones are used
FARTHEST = 12  # spectra on each side of an event with joint estimates of R
NEAREST = 3  # arcs next to an event that give its τ
NEAR_TOP: Annotated[float, Threshold("least significance at τ relative to the largest (criterion 2)", CHECKED)] = (
    0.85
)
TINY = 1e-9  # R/|Z| beyond which an estimate has no meaning
FINE = 8  # time constants per decade in a difference
BOOTSTRAPPED: Annotated[int, Threshold("spectra for which noise is simulated (criterion 3)", CHECKED)] = 3
LARGEST_P: Annotated[
    float, Threshold("largest probability that noise gains as much (criterion 3)", "level of 1 %; " + CHECKED)
] = 0.01


@dataclass(slots=True, eq=False)
class Run:
    """Process in a contiguous range of spectra: its arcs, and their common τ and α."""

    track: int
    arcs: dict[int, Process]  # by spectrum
    tau: float = math.nan
    alpha: float = math.nan
    shared: dict[int, FitResult] = field(default_factory=dict)
    without: dict[int, FitResult] = field(default_factory=dict)
    R: FloatArray = field(default_factory=lambda: np.empty(0))  # of all spectra of the series; may be negative
    u_R: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def first(self) -> int:
        """Index of the first spectrum with the process."""
        return min(self.arcs)

    @property
    def last(self) -> int:
        """Index of the last spectrum with the process."""
        return max(self.arcs)


def fit_common_shape(run: Run, model: SeriesModel) -> None:
    """Set the common τ and α of a run, the fits with and without it, and R in every spectrum."""
    pairs = [(s, arc) for s, arc in run.arcs.items() if arc.R > 0]
    log_tau = np.array([math.log(arc.tau) for _, arc in pairs])
    u = np.array([max(arc.u_tau / arc.tau, 0.02) if arc.u_tau > 0 else 0.02 for _, arc in pairs])
    run.tau = math.exp(float(np.average(log_tau, weights=1 / u**2)))
    alphas = np.array([arc.alpha for _, arc in pairs])
    u_alpha = np.array([max(arc.u_alpha, 0.01) if math.isfinite(arc.u_alpha) else 0.2 for _, arc in pairs])
    run.alpha = float(np.clip(np.average(alphas, weights=1 / u_alpha**2), 0.3, 1.0))
    n = len(model.results)
    run.R, run.u_R = np.full(n, np.nan), np.full(n, np.nan)
    order = sorted(run.arcs)
    for s, result in enumerate(model.results):
        if not result.success:
            continue
        if s in run.arcs:
            run.without[s] = without(model, s, run.arcs[s].name)
            run.shared[s] = _shared(result, run, s, model)
            run.R[s], run.u_R[s] = _resistance(run.shared[s])
            if run.R[s] < FIRM * run.u_R[s]:
                run.u_R[s] = min(run.u_R[s], _downwards(run.shared[s], run.without[s]))
        if s not in run.arcs or not run.R[s] > SIZABLE * run.u_R[s]:  # a small R may come out negative
            base = result if s not in run.arcs else run.without[s]
            if base.success:
                near = order[:NEAREST] if s < run.first else order[-NEAREST:] if s > run.last else order
                tau = float(np.median([run.arcs[i].tau for i in near])) if s not in run.arcs else run.tau
                R, u = ProjectedResidual.of(base, drift=False).resistances(np.array([tau]), np.array([run.alpha]))
                run.R[s], run.u_R[s] = R[0], u[0]
    # ill-conditioned fits have neither R nor an error
    size = np.array([np.median(np.abs(s.impedance)) for s in model.fits.spectra])
    wild = ~((run.u_R > TINY * size) & (run.u_R < size / TINY) & (np.abs(run.R) < size / TINY))
    run.R[wild], run.u_R[wild] = np.nan, np.nan
    run.u_R *= np.sqrt(model.noise) * _excess_scatter(run, model)


def _excess_scatter(run: Run, model: SeriesModel) -> float:
    """Return the scatter of R in spectra without the process relative to its errors, at least 1.

    Misfit that all spectra share does not count, misfit that comes and goes does.
    """
    off = np.array([s for s in range(run.R.size) if s not in run.arcs and np.isfinite(run.R[s])], dtype=int)
    if off.size < FEWEST_SCATTER:
        return 1.0
    weight = 1 / (np.square(run.u_R[off]) * model.noise[off])
    mean = np.average(run.R[off], weights=weight)
    return math.sqrt(max(1.0, float(weight @ np.square(run.R[off] - mean)) / (off.size - 1)))


def without(model: SeriesModel, s: int, name: str) -> FitResult:
    """Return the best fit of a spectrum with one arc less."""
    result = model.results[s]
    parts = _parts(result.circuit)
    rest = [text for text, names in parts if name not in names]
    circuit = Circuit("-".join(rest))
    known = dict(zip(result.circuit.parameters, result.values.tolist(), strict=True))
    held = {k: v for k, v in model.held(s).items() if k in circuit.parameters}
    candidates = [descend(result, circuit, {k: known[k] for k in circuit.parameters}, held)]
    plain = model.family.circuit(_count(model, s) - 1)
    candidates += model.fits.some(plain, [s])
    return min((r for r in candidates if r.success), key=lambda r: r.chi2, default=candidates[0])


def _count(model: SeriesModel, s: int) -> int:
    return model.n_arcs[s] + sum(a.first <= s <= a.last for a in model.added)


def _parts(circuit: Circuit) -> list[tuple[str, set[str]]]:
    """Return the parts in series, with the names of their elements."""
    tree = circuit.tree
    parts = tree.parts if isinstance(tree, SeriesNode) else (tree,)
    return [(str(part), {e.name for e in circuit.elements if e.name in str(part)}) for part in parts]


def _shared(result: FitResult, run: Run, s: int, model: SeriesModel) -> FitResult:
    """Return the fit of a spectrum with the common τ and α of the run."""
    name = run.arcs[s].name
    others = [text for text, names in _parts(result.circuit) if name not in names]
    circuit = Circuit("-".join([*others, "Zarc_z"]))
    known = dict(zip(result.circuit.parameters, result.values.tolist(), strict=True))
    held = {k: v for k, v in model.held(s).items() if k in circuit.parameters}
    fixed = {"Zarc_z.tau": run.tau, "Zarc_z.alpha": run.alpha}
    return descend(result, circuit, known | fixed | {"Zarc_z.R": run.arcs[s].R}, held | fixed)


def _resistance(result: FitResult) -> tuple[float, float]:
    if not result.success:
        return math.nan, math.nan
    parameter = result.parameters["Zarc_z.R"]
    i = result.circuit.index("Zarc_z.R")
    return parameter.value, math.sqrt(max(float(result.covariance[i, i]), 0.0)) or math.inf


def _downwards(result: FitResult, without: FitResult) -> float:
    """Return the error of R towards smaller values, from fits with half of it and without it.

    R of a slow arc and a tail may be large together: the linear error is then far above the distance from 0.
    """
    R = float(result.values[result.circuit.index("Zarc_z.R")])
    known = dict(zip(result.circuit.parameters, result.values.tolist(), strict=True))
    held = {name: known[name] for name, status in zip(known, result.statuses, strict=True) if status == "fixed"}
    again = [descend(one, result.circuit, known | {"Zarc_z.R": R / 2}, held | {"Zarc_z.R": R / 2})
             for one in (result, without)]  # fmt: skip
    rises = [one.chi2 - result.chi2 for one in again if one.success]
    rise = min([*rises, (without.chi2 - result.chi2) / 4])
    return R / 2 / math.sqrt(rise) if rise > 0 else math.inf


def judge(
    run: Run,
    kind: str,
    model: SeriesModel,
    others: Sequence[Run],
    spectra: Sequence[Spectrum],
    drt_of: Callable[[int], DRT | None],
) -> dict[str, Any] | None:
    """Return the evidence for an event at one end of a run, or None without an event.

    Parameters
    ----------
    run : Run
        Process, after :func:`fit_common_shape`.
    kind : {"appeared", "disappeared"}
        Start or end of the run.
    model : SeriesModel
        Circuits and fits of the series.
    others : sequence of Run
        All other processes.
    spectra : sequence of Spectrum
        Spectra as measured.
    drt_of : callable
        Returns the distribution of relaxation times of a spectrum.
    """
    born = kind == "appeared"
    on = [s for s in sorted(run.arcs, reverse=not born) if np.isfinite(run.u_R[s])]
    beyond = range(run.first - 1, -1, -1) if born else range(run.last + 1, len(spectra))
    again = [other for other in others if other.track == run.track]
    taken = {s for other in again for s in other.arcs}
    off = [s for s in itertools.takewhile(lambda s: s not in taken, beyond) if np.isfinite(run.R[s])]
    if not off or not on:
        return None
    gain = _gain(run, model)
    if not gain["delta_bic_without"] > WORTH:
        return None
    single, levels = _levels(run, on, off, model, everywhere=False)
    if not (_differs(single) or _differs(levels)):
        return None
    seen = len(on) >= 2 or bool(again)
    criteria = (
        _consistency([*on[:EACH_SIDE], off[0]], spectra),
        _significance(run, on, off, model, spectra, drt_of, levels.has_peak(run.tau)),
        gain | _selection(run, on, model, gain),
        _place(run, on, others, spectra),
        {"n_consecutive": len(on), "criterion_5": seen, "reason": "" if seen else "seen once"},
        _absence(levels, "risen above" if born else "fallen below"),
    )
    exists = criteria[5]["limits_apart"]
    if criteria[2]["delta_bic"] <= WORTH or not (exists or criteria[3]["in_window"]):
        return None
    reasons = [str(criterion["reason"]) for criterion in criteria if criterion["reason"]]
    met = all(criterion[f"criterion_{i}"] for i, criterion in enumerate(criteria, start=1))
    ended = [other for other in others if on[0] not in other.arcs and other not in again]
    exchanged = any(_may_be(run, other, off[0]) for other in ended)
    doubtful = not (criteria[3]["criterion_4"] and criteria[5]["criterion_6"])
    if doubtful and (exchanged or not criteria[4]["criterion_5"]):
        return None  # nothing that a series needs
    if exchanged:
        met = False
        reasons.append(f"another process {'ends' if born else 'begins'} here: the arcs may be interchanged")
    # a process that comes back may have been part of another arc meanwhile
    if not levels.adds() and (again or _is_split(run, on[0], off[0], others, levels.joint is None)):
        met = False
        reasons.append(
            "another process changes by the same amount, so that the sum is constant: "
            + ("one arc may have split" if born else "two arcs may have merged")
        )
    if met and not _agree(run, levels):
        met = False
        reasons.append("R of single spectra and of all together differ: the arcs may be interchanged")
    if met and _may_be_everywhere(levels, _levels(run, on, off, model, everywhere=True)[1]):
        met = False
        reasons.append("with one arc in place of two, its neighbour may contain it in the other spectra")
    evidence = {name: value for criterion in criteria for name, value in criterion.items()}
    del evidence["limits_apart"]
    status = "edge" if not evidence["in_window"] else "confirmed" if met else "tentative"
    return evidence | {"reason": "; ".join(reasons), "status": status}


def _may_be(run: Run, other: Run, s: int) -> bool:
    """Return whether an arc of another process in a spectrum is clear, or as large as those of a run."""
    if s not in other.arcs:
        return False
    arc = other.arcs[s]
    usual = float(np.median([a.R for a in run.arcs.values()]))
    return SIGNIFICANT * arc.u_R < arc.R or usual < arc.R


def _may_be_everywhere(levels: Levels, other: Levels) -> bool:
    """Return whether a search that starts with the arc in all spectra ends with it in all, and as well."""
    if levels.joint is None or other.joint is None:
        return False
    return other.joint.cost < levels.joint.cost + STRONG and not _absence(other, "")["criterion_6"]


def _consistency(some: Sequence[int], spectra: Sequence[Spectrum]) -> dict[str, Any]:
    """Criterion 1: the spectra next to the event are linear and stationary."""
    why = next((w for s in some if (w := inconsistency(spectra[s]))), "")
    return {"criterion_1": not why, "kk_reason": why, "reason": f"inconsistent: {why}" if why else ""}


def _significance(
    run: Run,
    on: Sequence[int],
    off: Sequence[int],
    model: SeriesModel,
    spectra: Sequence[Spectrum],
    drt_of: Callable[[int], DRT | None],
    peaked: bool,
) -> dict[str, Any]:
    """Criterion 2: a peak in the differences between spectra or in the DRT, and R > 3 u."""
    R, u_R = _typical(run, on)
    seen = peaked or _in_difference(run, on, off, model) or _is_peak(run, on, spectra, drt_of)
    large = SIGNIFICANT * u_R < R
    near = _typical(run, on[:EACH_SIDE])
    if near[0] > SIZABLE * near[1]:
        R, u_R = near  # R at the event, where it is clear
    reason = "" if seen and large else "R is below 3 u" if seen else "no peak in the DRT or the difference"
    return {"drt_persistent": seen, "R_ohm": R, "u_R_ohm": u_R, "criterion_2": seen and large, "reason": reason}


def _selection(run: Run, on: Sequence[int], model: SeriesModel, gain: Mapping[str, float]) -> dict[str, Any]:
    """Criterion 3: better than the best alternative of the same size, and than noise."""
    comparison = _against_others(run, on, model, gain["delta_bic_without"])
    p = _chance(run, model)
    if p > LARGEST_P:
        tested = [s for s in on if run.without[s].success][:BOOTSTRAPPED]
        small = [run.without[s] for s in tested]
        large = [min(model.results[s].chi2, run.shared[s].chi2) for s in tested]
        total = sum(max(a.chi2 - b, 0.0) for a, b in zip(small, large, strict=True))
        p = min(p, boundary_p(small, total, [float(model.scale[s]) for s in tested]))
    good = comparison["delta_bic"] > STRONG and p <= LARGEST_P
    alternative = f"{comparison['best_alternative']} describes the spectra as well"
    reason = alternative if p <= LARGEST_P else "noise alone gains as much"
    return comparison | {"bootstrap_p": p, "criterion_3": good, "reason": "" if good else reason}


def _chance(run: Run, model: SeriesModel) -> float:
    """Return an upper bound of the probability that noise gains as much in any range and at any τ."""
    from scipy.stats import chi2

    factor = weights(model)
    some = [s for s in run.arcs if run.without[s].success and run.shared[s].success]
    gain = sum(max(run.without[s].chi2 - run.shared[s].chi2, 0.0) * factor[s] for s in some)
    n = len(model.results)
    tries = 0.5 * n * (n + 1) * scan_grid(model.fits.spectra)[0].size
    return min(1.0, tries * float(chi2.sf(gain, len(some)))) if some else 1.0


def _typical(run: Run, some: Sequence[int]) -> tuple[float, float]:
    weight = 1 / np.square(run.u_R[list(some)])
    return float(np.average(run.R[list(some)], weights=weight)), float(1 / math.sqrt(weight.sum()))


def _levels(
    run: Run, on: Sequence[int], off: Sequence[int], model: SeriesModel, everywhere: bool
) -> tuple[Levels, Levels]:
    """Return R on both sides of an event, from each spectrum, and from joint estimates unless these fail.

    The search for these starts with the arc on one side, or everywhere.
    """
    order = [*off[::-1], *on]
    single = Levels(order, len(off), run.R[order], np.diag(np.square(run.u_R[order])))
    near = sorted([*off[:FARTHEST], *on[:FARTHEST]])
    start = np.where(np.isin(near, on), run.R[near], 0.0)
    gap = range(min(on[0], off[0]) + 1, max(on[0], off[0]) + 1)
    free = [near.index(s) for s in gap if s in near]
    present = [near.index(s) for s in on[:FARTHEST]] if everywhere else []
    results = [run.shared.get(s, model.results[s]) for s in near]
    joint = joint_resistance(results, "Zarc_z", weights(model)[near], run.tau, run.alpha, start, free, present)
    if joint is None:
        return single, single
    place = [near.index(s) for s in order if s in near]
    n_off = min(len(off), FARTHEST)
    joint = joint.at(place)
    R, covariance = joint.R, joint.covariance
    scatter = excess_scatter(R[:n_off], covariance[:n_off, :n_off])
    levels = Levels([near[i] for i in place], n_off, R, covariance * scatter, joint)
    alone = Levels(levels.order, n_off, run.R[levels.order], np.diag(np.square(run.u_R[levels.order])))
    near_event = levels.off[-NEAR_FRONT:], levels.on[:NEAR_FRONT]
    sharp = levels.u_difference(*near_event) < LOOSE * alone.u_difference(*near_event)
    u = np.sqrt(np.diag(levels.covariance))
    possible = bool((R[n_off:] > -SIGNIFICANT * u[n_off:]).all())
    return single, levels if sharp and possible else single


def _agree(run: Run, levels: Levels) -> bool:
    """Return whether R of single spectra is like that of the joint estimate, if there is one."""
    if levels.joint is None:
        return True
    some = [levels.order[i] for i in levels.on]
    alone = float(np.average(run.R[some], weights=1 / np.square(run.u_R[some])))
    return alone / ALIKE < levels.mean(levels.on)[0] < alone * ALIKE


def _differs(levels: Levels) -> bool:
    """Return whether R differs significantly between the sides of an event."""
    (R_on, u_on), (R_off, u_off) = levels.mean(levels.on), levels.mean(levels.off)
    off, on = list(levels.off[-NEAR_FRONT:]), list(levels.on[:NEAR_FRONT])
    rise = float(levels.R[on].mean() - levels.R[off].mean())  # errors in common cancel
    return R_on - R_off > SIGNIFICANT * math.hypot(u_on, u_off) or rise > SIGNIFICANT * levels.u_difference(
        off, on
    )


def _gain(run: Run, model: SeriesModel) -> dict[str, float]:
    """Return the gain of the process over all its spectra in BIC, AICc and F."""
    free = shared = chi2_0 = chi2_1 = n_eff = aicc = 0.0
    k_free = 0.0
    count = 0
    logs: list[float] = []
    factor = weights(model)
    for s in run.arcs:
        small, large, joint = run.without[s], model.results[s], run.shared[s]
        if not (small.success and large.success and joint.success):
            continue
        n = n_data_independent(large)
        logs.append(math.log(n))
        free += (small.chi2 - large.chi2) * factor[s] - 3 * math.log(n)
        shared += (small.chi2 - joint.chi2) * factor[s] - math.log(n)
        chi2_0 += small.chi2 * factor[s]
        chi2_1 += min(large.chi2, joint.chi2) * factor[s]
        aicc += (small.chi2 - large.chi2) * factor[s] - 6
        n_eff += n
        k_free += large.n_free
        count += 1
    level = shared - _scatter(run, run.arcs, model) + sum(logs[1:])
    shared, level = (x - 2 * math.log(max(n_eff, 2.0)) for x in (shared, level))
    dof = max(n_eff - k_free, 1.0)
    F = (chi2_0 - chi2_1) / max(3 * count, 1) / max(chi2_1 / dof, 1e-12)
    return {"delta_bic_without": max(free, shared, level), "delta_aicc": aicc, "F": F, "n_effective": n_eff}


def _scatter(run: Run, some: Iterable[int], model: SeriesModel) -> float:
    """Return the χ² of a common R."""
    which = [s for s in some if np.isfinite(run.u_R[s])]
    if len(which) < 2:
        return 0.0
    weight = 1 / np.square(run.u_R[which])
    return float(weight @ np.square(run.R[which] - np.average(run.R[which], weights=weight)))


def _against_others(run: Run, on: Sequence[int], model: SeriesModel, gain: float) -> dict[str, Any]:
    """Return the smallest ΔBIC against circuits with one arc less, other shapes or tails, or drift.

    Every alternative has to describe the same spectra, those next to the event first.
    """
    tested = [s for s in on if run.without[s].success and run.shared[s].success][:TESTED]
    totals = {"one arc less": gain}
    factor = weights(model)
    logs = {s: math.log(n_data_independent(model.results[s])) for s in tested}
    one = sum(run.shared[s].chi2 * factor[s] for s in tested) + 2 * math.log(LOOKED * max(len(tested), 1))
    one += min(sum(logs.values()), _scatter(run, tested, model) + max(logs.values(), default=0.0))
    each = sum(model.results[s].chi2 * factor[s] + 3 * logs[s] for s in tested)
    reference = min(one, each)

    def compare(name: str, results: Sequence[tuple[float, int]]) -> None:
        pairs = zip(tested, results, strict=True)
        total = sum(chi2 * factor[s] + (k - run.without[s].n_free) * logs[s] for s, (chi2, k) in pairs)
        totals[name] = min(totals.get(name, math.inf), total - reference)

    for circuit in model.family.alternatives(_count(model, tested[0]) - 1) if tested else []:
        others = _fits_along(circuit, tested, run, model)
        compare(repr(circuit), [(r.chi2 if r.success else math.inf, r.n_free) for r in others])
    if tested:
        drifts = [(ProjectedResidual.of(run.without[s]).chi2, run.without[s].n_free + 2) for s in tested]
        compare("drift", drifts)
    best = min(totals, key=lambda name: totals[name])
    return {"delta_bic": totals[best], "best_alternative": best}


def _fits_along(circuit: Circuit, some: Sequence[int], run: Run, model: SeriesModel) -> list[FitResult]:
    """Return fits of a circuit: a search in some spectra, its results as starts for the others."""
    found = model.fits.some(circuit, some[:SEARCHED])
    for s in some[len(found) :]:
        starts = [r for r in (found[-1], found[0]) if r.success]
        known = [dict(zip(circuit.parameters, r.values.tolist(), strict=True)) for r in starts]
        fitted = [descend(run.without[s], circuit, values) for values in known]
        good = [r for r in fitted if r.success]
        found += [min(good, key=lambda r: r.chi2)] if good else model.fits.some(circuit, [s])
    return found


def _is_split(run: Run, on: int, off: int, others: Sequence[Run], strict: bool) -> bool:
    """Return whether the R of the process equals, within errors, the change of a neighbour at the event.

    Where the sum of all arcs is not known, the change has to be significant and unusual as well.
    """
    new = run.arcs[on]
    for other in others:
        if on not in other.arcs or off not in other.arcs:
            continue
        whole, rest = other.arcs[off], other.arcs[on]
        lost, u_lost = whole.R - rest.R, math.hypot(whole.u_R, rest.u_R)
        R = np.array([other.arcs[s].R for s in sorted(other.arcs)])
        if strict and lost < max(SIGNIFICANT * u_lost, UNUSUAL * float(np.median(np.abs(np.diff(R))))):
            continue  # no more than elsewhere
        near = abs(math.log10(rest.tau / new.tau)) < REACH
        same = abs(lost - new.R) < TWO_SIDED_95 * math.hypot(u_lost, new.u_R)
        if near and same and lost > 0:
            return True
    return False


def _place(run: Run, on: Sequence[int], others: Sequence[Run], spectra: Sequence[Spectrum]) -> dict[str, Any]:
    omega = [spectra[s].omega[spectra[s].mask] for s in on]
    low = WINDOW / min(float(w.max()) for w in omega)
    high = 1 / (WINDOW * max(float(w.min()) for w in omega))
    near = on[:NEAREST]
    distances = [
        float(np.median([abs(math.log10(run.arcs[s].tau / other.arcs[s].tau)) for s in near if s in other.arcs]))
        for other in others
        if set(other.arcs) & set(near)
    ]
    distances += [
        abs(math.log10(run.tau / o.tau))
        for o in others
        if not math.isnan(o.tau) and 2 * len(set(o.arcs) & set(on)) >= len(on)
    ]
    nearest = min(distances, default=math.inf)
    inside = low <= run.tau <= high
    reasons = ["" if inside else "apex at the edge of the window", "" if nearest >= APART else "overlap"]
    return {
        "reason": "; ".join(filter(None, reasons)),
        "tau_s": run.tau,
        "tau_min_s": low,
        "tau_max_s": high,
        "in_window": inside,
        "neighbour_decades": nearest,
        "criterion_4": inside and nearest >= APART,
    }


def _absence(levels: Levels, crossed: str) -> dict[str, Any]:
    """Criterion 6: the process would have been detected on the other side of the event."""
    rise = front(levels)
    order = levels.order
    every = range(len(order))
    before, after = every[: rise.earliest][-NEAR_FRONT:], every[rise.latest :][:NEAR_FRONT]
    if not before or not after:
        before, after = levels.off[-EACH_SIDE:], levels.on[:EACH_SIDE]
    (R_off, u_off), (R_on, u_on) = levels.mean(before), levels.mean(after)
    u_rise = levels.u_difference(before, after)
    upper = max(R_off, 0.0) + TWO_SIDED_95 * u_off
    lower = R_on - TWO_SIDED_95 * u_on
    hidden = SIGNIFICANT * u_off < R_off > MOST_HIDDEN * R_on
    placed = rise.latest - rise.earliest <= LONGEST and levels.n_off >= FEWEST_OFF
    # limits that errors in common move together: as apart as separate 95 % limits
    apart = upper < lower or (upper < R_on and R_on - max(R_off, 0.0) > math.sqrt(2) * TWO_SIDED_95 * u_rise)
    good = apart and not hidden and rise.jump > JUMP and placed
    first, last = sorted((order[rise.earliest], order[rise.latest]))
    return {
        "upper_limit_without_ohm": upper,
        "lower_limit_with_ohm": lower,
        "limits_apart": apart,
        "jump_delta_chi2": rise.jump,
        "index": order[rise.place],
        "index_low": first,
        "index_high": last,
        "criterion_6": good,
        "reason": "" if good else f"may have {crossed} the detection limit",
    }


def _in_difference(run: Run, on: Sequence[int], off: Sequence[int], model: SeriesModel) -> bool:
    """Return whether the difference between spectra with and without the process has a peak at its τ.

    Changes of all other parameters and drift are projected out of the difference.
    """
    tau, _ = scan_grid(model.fits.spectra)
    tau = np.geomspace(tau.min(), tau.max(), math.ceil(math.log10(tau.max() / tau.min()) * FINE))
    tau = np.append(tau, run.tau)
    alpha = np.full(tau.size, run.alpha)
    means = []
    for side, fits in ((on, run.without), (off, dict(enumerate(model.results)))):
        pull, information = np.zeros(tau.size), np.zeros(tau.size)
        for s in side:
            if fits[s].success:
                R, u = ProjectedResidual.of(fits[s]).resistances(tau, alpha)
                weight = 1 / (np.square(u) * model.noise[s])
                pull += weight * R
                information += weight
        if not information.any():
            return False
        means.append((pull / information, 1 / information))
    (R_on, v_on), (R_off, v_off) = means
    z = (R_on - R_off) / np.sqrt(v_on + v_off)
    near = np.abs(np.log10(tau / run.tau)) < APART
    return bool(z[-1] > HIGH_PEAK and z[-1] > NEAR_TOP * z[near].max())


def _is_peak(
    run: Run, on: Sequence[int], spectra: Sequence[Spectrum], drt_of: Callable[[int], DRT | None]
) -> bool:
    """Return whether the spectra next to the event, or the mean of the run, have a persistent peak there."""
    seen = [_has_peak(drt_of(s), run.tau) for s in on[:EACH_SIDE]]
    if all(seen):
        return True
    mean = _mean_spectrum([spectra[s] for s in on])
    try:
        return mean is not None and _has_peak(compute_drt(mean), run.tau)
    except SpectrumError:
        return False


def _has_peak(drt: DRT | None, tau: float) -> bool:
    return drt is not None and any(
        peak.persistent and abs(math.log10(peak.tau / tau)) < SAME_PEAK and SIGNIFICANT * peak.u_R < peak.R
        for peak in drt.peaks
    )


def _mean_spectrum(spectra: Sequence[Spectrum]) -> Spectrum | None:
    f = spectra[0].frequency
    if len(spectra) < 2 or any(
        s.frequency.shape != f.shape or not np.allclose(s.frequency, f, rtol=1e-3) for s in spectra
    ):
        return None
    mask = np.all([s.mask for s in spectra], axis=0)
    return Spectrum(f, np.mean([s.impedance for s in spectra], axis=0), label="mean of the range", mask=mask)


def drts(spectra: Sequence[Spectrum]) -> Callable[[int], DRT | None]:
    """Return a function that computes the DRT of a spectrum once, or None if it fails."""

    @functools.cache
    def of(s: int) -> DRT | None:
        try:
            return compute_drt(spectra[s])
        except SpectrumError:
            return None

    return of
