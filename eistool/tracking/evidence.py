"""Evidence for events: six criteria, all of which a confirmed event meets."""

import functools
import math
from collections.abc import Callable, Sequence
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
from eistool.tracking.accuracy import CHECKED, ProjectedResidual, descend, n_data_independent
from eistool.tracking.arc_count import SeriesModel
from eistool.tracking.boundary import boundary_p
from eistool.tracking.eligibility import inconsistency
from eistool.typing import FloatArray, Threshold

WINDOW: Annotated[float, Threshold("factor of an apex within the window (criterion 4)", CHECKED)] = 3.0
APART: Annotated[
    float,
    Threshold(
        "distance in decades from other processes (criterion 4)",
        "false arcs beside a distributed process lie about 0.2 decade away (Monte Carlo); " + CHECKED,
    ),
] = 0.7
REACH: Annotated[float, Threshold("distance in decades of the parts of an arc that splits", CHECKED)] = 2.0
SAME_PEAK: Annotated[float, Threshold("decades between an arc and its DRT peak (criterion 2)", CHECKED)] = 0.35
EACH_SIDE: Annotated[int, Threshold("spectra on each side of an event (criteria 1, 2, 6)", CHECKED)] = 2
TESTED: Annotated[int, Threshold("spectra to which other shapes are fitted (criterion 3)", CHECKED)] = 4
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
    grid = np.array([run.tau]), np.array([run.alpha])
    for s, result in enumerate(model.results):
        if not result.success:
            continue
        if s in run.arcs:
            run.without[s] = without(model, s, run.arcs[s].name)
            run.shared[s] = _shared(result, run, s, model)
            run.R[s], run.u_R[s] = _resistance(run.shared[s])
        else:
            R, u = ProjectedResidual.of(result, drift=False).resistances(*grid)
            run.R[s], run.u_R[s] = R[0], u[0]
        run.u_R[s] *= math.sqrt(model.scale[s])


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
    off = [s for s in beyond if np.isfinite(run.R[s])]
    if not off or not on:
        return None
    gain = _gain(run, model)
    if not (gain["delta_bic_without"] > STRONG and _differs(run, on[:3], off[:3])):
        return None
    criteria = (
        _consistency([*on[:EACH_SIDE], off[0]], spectra),
        _significance(run, on, spectra, drt_of),
        gain | _selection(run, on, model, gain["delta_bic_without"]),
        _place(run, on, others, spectra),
        {"n_consecutive": len(on), "criterion_5": len(on) >= 2, "reason": "" if len(on) >= 2 else "seen once"},
        _absence(run, on, off, "risen above" if born else "fallen below"),
    )
    reasons = [str(criterion["reason"]) for criterion in criteria if criterion["reason"]]
    met = all(criterion[f"criterion_{i}"] for i, criterion in enumerate(criteria, start=1))
    if any(other.last == run.first - 1 if born else other.first == run.last + 1 for other in others):
        met = False
        reasons.append(f"another process {'ends' if born else 'begins'} here: the arcs may be interchanged")
    if _is_split(run, on[0], off[0], others):
        met = False
        reasons.append(
            "another process changes by the same amount, so that the sum is constant: "
            + ("one arc may have split" if born else "two arcs may have merged")
        )
    evidence = {name: value for criterion in criteria for name, value in criterion.items()}
    status = "edge" if not evidence["in_window"] else "confirmed" if met else "tentative"
    return evidence | {"reason": "; ".join(reasons), "status": status}


def _consistency(some: Sequence[int], spectra: Sequence[Spectrum]) -> dict[str, Any]:
    """Criterion 1: the spectra next to the event are linear and stationary."""
    why = next((w for s in some if (w := inconsistency(spectra[s]))), "")
    return {"criterion_1": not why, "kk_reason": why, "reason": f"inconsistent: {why}" if why else ""}


def _significance(
    run: Run, on: Sequence[int], spectra: Sequence[Spectrum], drt_of: Callable[[int], DRT | None]
) -> dict[str, Any]:
    """Criterion 2: a persistent DRT peak, and R > 3 u."""
    R, u_R = _typical(run, on[:EACH_SIDE])
    seen, large = _is_peak(run, on, spectra, drt_of), SIGNIFICANT * u_R < R
    reason = "" if seen and large else "R is below 3 u" if seen else "no persistent DRT peak"
    return {"drt_persistent": seen, "R_ohm": R, "u_R_ohm": u_R, "criterion_2": seen and large, "reason": reason}


def _selection(run: Run, on: Sequence[int], model: SeriesModel, gain: float) -> dict[str, Any]:
    """Criterion 3: better than the best alternative of the same size, and than noise."""
    comparison = _against_others(run, on, model, gain)
    tested = [s for s in on if run.without[s].success][:BOOTSTRAPPED]
    small = [run.without[s] for s in tested]
    large = [min(model.results[s].chi2, run.shared[s].chi2) for s in tested]
    total = sum(max(a.chi2 - b, 0.0) for a, b in zip(small, large, strict=True))
    p = boundary_p(small, total, [float(model.scale[s]) for s in tested])
    good = comparison["delta_bic"] > STRONG and p <= LARGEST_P
    alternative = f"{comparison['best_alternative']} describes the spectra as well"
    reason = alternative if p <= LARGEST_P else "noise alone gains as much"
    return comparison | {"bootstrap_p": p, "criterion_3": good, "reason": "" if good else reason}


def _typical(run: Run, some: Sequence[int]) -> tuple[float, float]:
    weight = 1 / np.square(run.u_R[list(some)])
    return float(np.average(run.R[list(some)], weights=weight)), float(1 / math.sqrt(weight.sum()))


def _differs(run: Run, on: Sequence[int], off: Sequence[int]) -> bool:
    """Return whether R differs significantly between the sides of an event."""
    (R_on, u_on), (R_off, u_off) = _typical(run, on), _typical(run, off)
    return R_on - R_off > SIGNIFICANT * math.hypot(u_on, u_off)


def _gain(run: Run, model: SeriesModel) -> dict[str, float]:
    """Return the gain of the process over all its spectra in BIC, AICc and F."""
    free = shared = chi2_0 = chi2_1 = n_eff = aicc = 0.0
    k_free = 0.0
    count = 0
    for s in run.arcs:
        small, large, joint = run.without[s], model.results[s], run.shared[s]
        if not (small.success and large.success and joint.success):
            continue
        n = n_data_independent(large)
        factor = min(n / large.n_data, 1.0) / model.scale[s]
        free += (small.chi2 - large.chi2) * factor - 3 * math.log(n)
        shared += (small.chi2 - joint.chi2) * factor - math.log(n)
        chi2_0 += small.chi2 * factor
        chi2_1 += min(large.chi2, joint.chi2) * factor
        aicc += (small.chi2 - large.chi2) * factor - 6
        n_eff += n
        k_free += large.n_free
        count += 1
    shared -= 2 * math.log(max(n_eff, 2.0))
    dof = max(n_eff - k_free, 1.0)
    F = (chi2_0 - chi2_1) / max(3 * count, 1) / max(chi2_1 / dof, 1e-12)
    return {"delta_bic_without": max(free, shared), "delta_aicc": aicc, "F": F, "n_effective": n_eff}


def _against_others(run: Run, on: Sequence[int], model: SeriesModel, gain: float) -> dict[str, Any]:
    """Return the smallest ΔBIC against circuits with one arc less, other shapes or tails, or drift."""
    tested = [s for s in on if run.without[s].success][:TESTED]
    totals: dict[str, float] = {}

    def add(name: str, chi2: float, k: int, s: int) -> None:
        best = model.results[s]
        n = n_data_independent(best)
        factor = min(n / best.n_data, 1.0) / model.scale[s]
        reference = min(best.chi2 * factor + 3 * math.log(n), run.shared[s].chi2 * factor + math.log(n))
        base = run.without[s].n_free
        totals[name] = totals.get(name, -2 * math.log(50.0 * len(tested))) + (
            chi2 * factor + (k - base) * math.log(n) - reference
        )

    for circuit in model.family.alternatives(_count(model, tested[0]) - 1) if tested else []:
        for s, result in zip(tested, model.fits.some(circuit, tested), strict=True):
            add(repr(circuit), result.chi2 if result.success else math.inf, result.n_free, s)
    for s in tested:
        add("drift", ProjectedResidual.of(run.without[s]).chi2, run.without[s].n_free + 2, s)
    totals["one arc less"] = gain
    best = min(totals, key=lambda name: totals[name])
    return {"delta_bic": totals[best], "best_alternative": best}


def _is_split(run: Run, on: int, off: int, others: Sequence[Run]) -> bool:
    """Return whether the R of the process equals, within errors, the change of a neighbour at the event."""
    new = run.arcs[on]
    for other in others:
        if on not in other.arcs or off not in other.arcs:
            continue
        whole, rest = other.arcs[off], other.arcs[on]
        lost, u_lost = whole.R - rest.R, math.hypot(whole.u_R, rest.u_R)
        near = abs(math.log10(rest.tau / new.tau)) < REACH
        same = abs(lost - new.R) < TWO_SIDED_95 * math.hypot(u_lost, new.u_R)
        if near and same and lost > SIGNIFICANT * u_lost:
            return True
    return False


def _place(run: Run, on: Sequence[int], others: Sequence[Run], spectra: Sequence[Spectrum]) -> dict[str, Any]:
    omega = [spectra[s].omega[spectra[s].mask] for s in on]
    low = WINDOW / min(float(w.max()) for w in omega)
    high = 1 / (WINDOW * max(float(w.min()) for w in omega))
    distances = [
        abs(math.log10(run.arcs[s].tau / other.arcs[s].tau)) for other in others for s in on if s in other.arcs
    ]
    distances += [
        abs(math.log10(run.tau / o.tau)) for o in others if not math.isnan(o.tau) and set(o.arcs) & set(on)
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


def _absence(run: Run, on: Sequence[int], off: Sequence[int], crossed: str) -> dict[str, Any]:
    """Criterion 6: the process would have been detected on the other side of the event."""
    near_on, near_off = on[:EACH_SIDE], off[:EACH_SIDE]
    upper = max(max(run.R[s], 0.0) + TWO_SIDED_95 * run.u_R[s] for s in near_off)
    lower = min(run.R[s] - TWO_SIDED_95 * run.u_R[s] for s in near_on)
    hidden = any(run.R[s] > SIGNIFICANT * run.u_R[s] for s in near_off)
    jump = _jump(run, on, off)
    good = upper < lower and not hidden and jump > STRONG
    return {
        "upper_limit_without_ohm": upper,
        "lower_limit_with_ohm": lower,
        "jump_delta_chi2": jump,
        "criterion_6": good,
        "reason": "" if good else f"may have {crossed} the detection limit",
    }


def _jump(run: Run, on: Sequence[int], off: Sequence[int]) -> float:
    """Return the advantage in χ² of a jump of R over steady growth from zero."""
    order = [*off[::-1], *on]  # R grows along it
    R = run.R[order]
    weight = 1 / np.square(run.u_R[order])
    x = np.arange(len(order), dtype=np.float64)

    def misfit(columns: FloatArray) -> float:
        root = np.sqrt(weight)
        solution, *_ = np.linalg.lstsq(columns * root[:, None], R * root, rcond=None)
        return float(np.sum(weight * np.square(R - columns @ solution)))

    there = (np.arange(x.size) >= len(off)).astype(np.float64)
    step = misfit(np.column_stack([there, there * x])[:, : 2 if len(on) > 1 else 1])
    ramps = [misfit(np.maximum(x - knot, 0)[:, None]) for knot in np.arange(0, x.size - 1, 0.25)]
    line = misfit(np.column_stack([np.ones_like(x), x]))
    return min([line, *ramps]) - step


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
