"""Circuits with start values from the peaks of a distribution of relaxation times."""

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.constants import SIGNIFICANT
from eistool.drt.peaks import DRTPeak
from eistool.drt.result import DRT
from eistool.drt.suggested_circuit import SuggestedCircuit
from eistool.typing import ComplexArray, FloatArray, Threshold

DESIGN = "engineering choice; checked by tests/drt/test_suggest.py"
TAIL_DECADES, TAIL_POINTS = 0.7, 5  # lowest frequencies that determine a tail
TAIL_SHARE: Annotated[float, Threshold("share of -Im Z not explained by peaks, of a tail", DESIGN)] = 0.3
LEAST_EXPONENT: Annotated[float, Threshold("least exponent of a tail; below, the flank of an arc", DESIGN)] = 0.2
LEAST_PHI = 0.35  # exponent of an arc, as in the elements of a DRT
EXPONENT_ERROR: Annotated[float, Threshold("least error of a tail's exponent, for other processes", DESIGN)] = 0.01
PHI_ERROR: Annotated[float, Threshold("least error of an arc's exponent", DESIGN)] = 0.03
SKEW_ERROR: Annotated[float, Threshold("error of the log ratio of the half widths of a peak", DESIGN)] = 0.15
HN_SHAPE = 0.9, 0.6  # initial exponents
CLOSE: Annotated[float, Threshold("distance in decades of neighbours that may be one arc", DESIGN)] = 1.5
RARE: Annotated[float, Threshold("log odds of an arc if the DRT prefers another shape", DESIGN)] = -2.0
HARMONICS: Annotated[float, Threshold("relative deviation of peaks from a finite diffusion", DESIGN)] = 0.3
SURE = 50.0  # log odds are limited to this, against overflow
TEXTS = {"arc": "p(R{0},CPE{0})", "RC": "p(R{0},C{0})"}  # other kinds are elements
NUMBERED_TOGETHER = ("arc", "RC", "CPE", "C")
REMEMBERED = 1024  # cached circuits
TAIL = -1  # index of a tail among the peaks


@dataclass(frozen=True, slots=True)
class _Part:
    """Series element or arc that represents a peak or the tail."""

    kind: str
    values: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Interpretation:
    """Change of the plainest circuit: parts by peak index, resistance moved to R0, and log odds."""

    parts: Mapping[int, _Part | None]
    gain: float = 0.0
    R0: float = 0.0
    reason: str = ""


def suggest(drt: DRT, limit: int) -> list[SuggestedCircuit]:
    """Return circuits for a DRT, ranked by the evidence of its peaks; see :meth:`DRT.suggest_circuits`."""
    tail = _Tail.of(drt)
    plain_parts: dict[int, _Part | None] = {i: _part(peak) for i, peak in enumerate(drt.peaks)}
    plain_parts[TAIL] = tail.part if tail else None
    changes = [*_other_peaks(drt), *_merged(drt), *_diffusion(drt, tail), *(tail.others(drt) if tail else ())]
    best: dict[str, tuple[float, list[float], str]] = {}
    for some in _compatible(changes):
        parts = dict(plain_parts)
        for change in some:
            parts.update(change.parts)
        text, values = _build(drt, [parts[i] for i in (*range(len(drt.peaks)), TAIL)], sum(c.R0 for c in some))
        gain = sum(change.gain for change in some)
        reason = "; ".join(change.reason for change in some) or _describe(parts.values())
        if text not in best or best[text][0] < gain:
            best[text] = gain, values, reason
    ranked = sorted(best.items(), key=lambda one: (-one[1][0], len(one[1][1])))
    first = ranked[0][1][0]
    total = sum(math.exp(gain - first) for gain, _, _ in best.values())
    suggested = []
    for text, (gain, values, reason) in ranked[:limit]:
        circuit = _circuit(text)
        start = dict(zip(circuit.parameters, values, strict=True))
        suggested.append(SuggestedCircuit(circuit, start, math.exp(gain - first) / total, gain - first, reason))
    return suggested


@functools.lru_cache(maxsize=REMEMBERED)
def _circuit(text: str) -> Circuit:
    return Circuit(text)


def _compatible(changes: list[_Interpretation]) -> Iterator[tuple[_Interpretation, ...]]:
    """Yield combinations of up to two changes that do not affect the same peak."""
    yield ()
    for change in changes:
        yield (change,)
    for pair in itertools.combinations(changes, 2):
        if not set(pair[0].parts) & set(pair[1].parts):
            yield pair


def _phi(peak: DRTPeak) -> float:
    """Return the exponent of the ZARC with this area and height."""
    if peak.atom or not math.isfinite(peak.height) or peak.height <= 0:
        return 1.0
    return min(max(1 - 2 / math.pi * math.atan(peak.R / (2 * math.pi * peak.height)), LEAST_PHI), 1.0)


def _arc(R: float, tau: float, phi: float) -> _Part:
    return _Part("arc", (R, tau**phi / R, phi))


def _part(peak: DRTPeak) -> _Part:
    if peak.R < 0:
        return _Part("RL", (-peak.R, peak.tau), "an inductive loop")
    if peak.atom:
        return _Part("RC", (peak.R, peak.tau / peak.R))
    if peak.shape == "Gerischer":
        return _Part("G", (peak.R, peak.tau), "a Gerischer element")
    if peak.shape == "Havriliak-Negami":
        return _Part("HN", (peak.R, peak.tau, *HN_SHAPE), "a skewed arc")
    return _arc(peak.R, peak.tau, _phi(peak))


def _describe(parts: Iterable[_Part | None]) -> str:
    given = [part for part in parts if part is not None]
    arcs = sum(part.kind in ("arc", "RC") for part in given)
    notes = list(dict.fromkeys(part.note for part in given if part.note))
    return ", ".join([f"an arc for each of {arcs} peaks" if arcs > 1 else f"{arcs or 'no'} peak", *notes])


def _other_peaks(drt: DRT) -> Iterator[_Interpretation]:
    """Yield alternatives for each peak: noise, part of R0 or of a tail, another shape."""
    tau_min, tau_max = _window(drt)
    penalty = _penalty(drt)
    for i, peak in enumerate(drt.peaks):
        where = f"the peak at {peak.tau:.2g} s"
        size = 0.5 * (peak.R / max(peak.u_R, 1e-300)) ** 2  # log evidence against R = 0
        odds = math.log(max(1 - peak.probability, 1e-30) / max(peak.probability, 1e-30))
        odds = max(odds, 3 * penalty - size) if peak.shape == "free" else odds
        faster = peak.R > 0 and peak.tau < tau_min
        lost, verdict = (peak.R, "part of R0") if faster else (0.0, "not real")
        yield _Interpretation(
            {i: None, **_absorbing_neighbour(drt, i)}, max(odds, -SURE), lost, f"{where} is {verdict}"
        )
        if peak.R <= 0 or peak.atom:
            continue
        phi = _phi(peak)
        if peak.tau > tau_max and i == len(drt.peaks) - 1:
            tail = _Part("CPE", (peak.tau**phi / peak.R, phi))
            gain = max(penalty - size, -SURE)
            yield _Interpretation({i: tail, TAIL: None}, gain, 0.0, f"{where} is an unlimited tail")
        if peak.shape in ("Gerischer", "Havriliak-Negami"):
            yield _Interpretation({i: _arc(peak.R, peak.tau, max(phi, 0.5))}, RARE, 0.0, f"{where} is a plain arc")
        if peak.shape == "free":  # the DRT has compared other shapes with an RC
            gain = penalty - 0.5 * ((1 - phi) / max(peak.u_R / peak.R, PHI_ERROR)) ** 2
            part = _Part("RC", (peak.R, peak.tau / peak.R))
            yield _Interpretation({i: part}, max(gain, -SURE), 0.0, f"{where} is an RC element")
            skew = 0.0 if peak.edge else _skew(drt, peak)
            if skew > 0:
                gain = min(0.5 * (skew / SKEW_ERROR) ** 2, SURE) - penalty
                skewed = _Part("HN", (peak.R, peak.tau, *HN_SHAPE))
                yield _Interpretation({i: skewed}, gain, 0.0, f"{where} is skewed")


def _absorbing_neighbour(drt: DRT, i: int) -> dict[int, _Part | None]:
    """Return the close neighbour with the resistance of a peak added, for a peak that is not real."""
    peak = drt.peaks[i]
    tau_min = _window(drt)[0]
    near = [
        (abs(math.log(other.tau / peak.tau)), j)
        for j, other in enumerate(drt.peaks)
        if j != i and min(other.R, peak.R) > 0 and peak.tau >= tau_min
    ]
    distance, j = min(near, default=(math.inf, i))
    if distance > CLOSE * math.log(10):
        return {}
    other = drt.peaks[j]
    R = other.R + peak.R
    return {j: _part(replace(other, R=R, height=other.height * R / other.R))}


def _skew(drt: DRT, peak: DRTPeak) -> float:
    """Return ln of the ratio of the half widths at shorter and longer τ; 0 if γ does not fall to half."""
    x, top = np.log(drt.tau), int(np.argmin(np.abs(np.log(drt.tau / peak.tau))))
    below = np.flatnonzero(drt.gamma < 0.5 * drt.gamma[top])
    left, right = below[below < top], below[below > top]
    if not left.size or not right.size:
        return 0.0
    return math.log((x[top] - x[left[-1]]) / (x[right[0]] - x[top]))


def _merged(drt: DRT) -> Iterator[_Interpretation]:
    """Yield close neighbours as one arc, by the evidence against equal τ and the parameters saved."""
    saved = 3 * _penalty(drt)
    for (i, a), (j, b) in itertools.pairwise(enumerate(drt.peaks)):
        distance = math.log(b.tau / a.tau)
        if min(a.R, b.R) <= 0 or a.atom or b.atom or distance > CLOSE * math.log(10):
            continue
        error = math.hypot(a.u_tau / a.tau, b.u_tau / b.tau)
        gain = saved - 0.5 * (distance / max(error, 1e-12)) ** 2
        R = a.R + b.R
        tau = math.exp((a.R * math.log(a.tau) + b.R * math.log(b.tau)) / R)
        arc = _arc(R, tau, max(min(_phi(a), _phi(b)) - 0.1, LEAST_PHI))
        reason = f"the peaks at {a.tau:.2g} and {b.tau:.2g} s are one"
        yield _Interpretation({i: arc, j: None}, max(gain, -SURE), 0.0, reason)


def _diffusion(drt: DRT, tail: "_Tail | None") -> Iterator[_Interpretation]:
    """Yield a finite diffusion if the slowest peaks are its harmonics."""
    places = [i for i, peak in enumerate(drt.peaks) if peak.R > 0]
    if not places:
        return
    last, slow = places[-1], drt.peaks[places[-1]]
    if len(places) > 1 and slow.atom:
        # R tanh(√jωτ)/√jωτ: deltas at τ/(π(k - ½))², the slowest with 8/π² of R
        before, fast = places[-2], drt.peaks[places[-2]]
        R, tau = fast.R + slow.R, slow.tau * math.pi**2 / 4
        if slow.tau < fast.tau * 10**CLOSE and abs(slow.R / R * math.pi**2 / 8 - 1) < HARMONICS:
            saved = (len(_part(fast).values) + len(_part(slow).values) - 2) * _penalty(drt)
            parts = {last: _Part("Ws", (R, tau)), before: None}
            yield _Interpretation(parts, saved, 0.0, "the slowest peaks are a finite diffusion")
    if tail is not None and tail.exponent > 1 - SIGNIFICANT * tail.u_exponent:
        # R coth(√jωτ)/√jωτ: the capacitance τ/R, and deltas of R/3 in all, most of it at τ/π²
        R, tau = 3 * slow.R, slow.tau * math.pi**2
        if abs(tau / R / tail.part.values[0] - 1) < HARMONICS:
            saved = len(_part(slow).values) * _penalty(drt)
            parts = {last: _Part("Wo", (R, tau)), TAIL: None}
            yield _Interpretation(parts, saved, 0.0, "the tail is a finite diffusion")


def _penalty(drt: DRT) -> float:
    """Return the log evidence that a parameter costs, as in BIC."""
    return 0.5 * math.log(2 * drt.spectrum.n_used)


@dataclass(frozen=True, slots=True)
class _Tail:
    """CPE that dominates at low frequencies, beyond all peaks."""

    exponent: float
    u_exponent: float
    part: _Part
    sigma: float  # coefficient of the Warburg element in its place

    @classmethod
    def of(cls, drt: DRT) -> "_Tail | None":
        """Return the tail, or None if peaks explain the lowest frequencies."""
        spectrum = drt.spectrum
        used = np.flatnonzero(spectrum.mask)
        order = used[np.argsort(spectrum.frequency[used])]
        f = spectrum.frequency[order]
        lowest = max(int(np.count_nonzero(f < f[0] * 10**TAIL_DECADES)), min(TAIL_POINTS, f.size))
        omega: FloatArray = 2 * np.pi * f[:lowest]
        z: ComplexArray = spectrum.impedance[order[:lowest]]
        rest = -(z - sum(_impedance(peak, omega) for peak in drt.peaks)).imag + omega * drt.inductance
        if not (rest > np.maximum(SIGNIFICANT * drt.noise * np.abs(z), -TAIL_SHARE * z.imag)).all():
            return None
        x = np.log(omega) - np.log(omega).mean()
        square = float(x @ x)
        if not square > 0:
            return None
        slope = -float(x @ np.log(rest)) / square
        if slope < LEAST_EXPONENT:
            return None
        n = min(slope, 1.0)
        error = drt.noise * float(np.mean(np.abs(z) / rest)) / math.sqrt(square)
        Q = math.sin(0.5 * math.pi * n) * math.exp(-float(np.mean(np.log(rest) + n * np.log(omega))))
        sigma = math.exp(float(np.mean(np.log(rest) + 0.5 * np.log(omega))))
        return cls(n, max(error, EXPONENT_ERROR), _Part("CPE", (Q, n), "a CPE tail"), sigma)

    def others(self, drt: DRT) -> Iterator[_Interpretation]:
        """Yield tails with one parameter less."""
        for part, exponent, name in (
            (_Part("W", (self.sigma,)), 0.5, "a Warburg element"),
            (_Part("C", self.part.values[:1]), 1.0, "a capacitance"),
        ):
            gain = _penalty(drt) - 0.5 * ((self.exponent - exponent) / self.u_exponent) ** 2
            yield _Interpretation({TAIL: part}, max(gain, -SURE), 0.0, f"the tail is {name}")


def _impedance(peak: DRTPeak, omega: FloatArray) -> ComplexArray:
    x: ComplexArray = (1j * omega * peak.tau).astype(np.complex128)
    impedance: ComplexArray = peak.R / (1 + x ** (_phi(peak) if peak.R > 0 else 1.0))
    return impedance


def _window(drt: DRT) -> tuple[float, float]:
    omega = 2 * np.pi * drt.spectrum.frequency[drt.spectrum.mask]
    return 1 / float(omega.max()), 1 / float(omega.min())


def _build(drt: DRT, parts: list[_Part | None], moved: float) -> tuple[str, list[float]]:
    """Return the series of L0, R0 and the parts, with their values in order."""
    given = [part for part in parts if part is not None]
    texts: list[str] = []
    values: list[float] = []
    if drt.inductance > SIGNIFICANT * drt.u_inductance:
        texts.append("L0")
        values.append(drt.inductance)
    # R parallel to L equals R at high frequencies, where R_inf of the DRT is determined
    R0 = drt.R_inf + moved - sum(part.values[0] for part in given if part.kind == "RL")
    least = 2 * drt.u_R_inf
    if least < R0 or not given:
        texts.append("R0")
        values.append(max(R0, 1e-9 * float(np.abs(drt.spectrum.impedance).max())))
    numbers: Counter[str] = Counter()
    for part in given:
        group = "" if part.kind in NUMBERED_TOGETHER else part.kind
        numbers[group] += 1
        texts.append(TEXTS.get(part.kind, part.kind + "{0}").format(numbers[group]))
        values += part.values
    return "-".join(texts), values
