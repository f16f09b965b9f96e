"""Do errors hold where no circuit is exact?

Run ``python -m tests.benchmarks.misfit --seeds 60 --first 700000``. Spectra of seven kinds that no circuit
describes (log-normal and skewed arcs, porous electrodes, diffusion into particles of many sizes, leads with
skin effect, artefacts at the window's ends, drift), and of four kinds that one does, are fitted with the
candidates of an unknown cell. For each kind and method a line gives, for R_inf, R_total and the R of
arcs,

- cov: the share of 95 % intervals value ± 1.96 u that hold the truth, in %, and >3u: the share further off;
- u, err: medians of u and of the error, in % of the truth;
- given: the share of the true quantities for which there is a number, in %.

A true arc is compared with the arc whose time constant is nearest, within 0.7 decade. ``noise`` is the
circuit that BIC takes, with the errors of its noise; ``misfit`` averages over the circuits that describe the
data, with errors that know the misfit. With ``EISTOOL_REAL_DATA`` and ``--sweeps 80``, R_inf of the even and of
the odd points of measured sweeps are compared instead.
"""

import argparse
import math
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from eistool.jobs.candidates import candidates
from eistool.circuit.limits import dc_resistance

import eistool
from eistool import Metadata, Spectrum, compare_circuits
from eistool.fitting import FitResult, Process, RankedCircuit
from eistool.fitting.averages import assign_arcs, average_over_circuits, gather_arcs
from eistool.fitting.misfit import Arcs, Misfit, MisfitModes, assess_misfit, misfit_basis, prior_of, steps_of
from eistool.fitting.weights import standard_deviation
from eistool.typing import ComplexArray, FloatArray

NEAREST = 0.7  # decades of tau: the same arc
LEAST_SHARE = 0.05  # of the weight, with circuits that pass direct current
WIDE = 0.5  # u/value from which there is no number
LEAST_POINTS = 20  # of a measured sweep to be halved


@dataclass(frozen=True)
class Truth:
    """A spectrum and what is true of it."""

    kind: str
    frequency: FloatArray
    impedance: ComplexArray
    R_inf: float
    R_total: float  # inf where it blocks
    arcs: tuple[tuple[float, float], ...]  # R and tau


@dataclass(frozen=True)
class Draw:
    """What all kinds have in common: a window, two arcs in it, and a lead; all resistances of order 1."""

    rng: np.random.Generator
    frequency: FloatArray
    R: tuple[float, float, float]  # at high frequency, and of the arcs
    tau: tuple[float, float]
    inductance: float

    @property
    def s(self) -> ComplexArray:
        """Return jω."""
        return 2j * np.pi * self.frequency

    def arcs(self, first: float = 1.0) -> tuple[tuple[float, float], ...]:
        """Return R and tau of both arcs."""
        return (first * self.R[1], self.tau[0]), (self.R[2], self.tau[1])


Made = tuple[ComplexArray, float, tuple[tuple[float, float], ...]]  # Z without leads, R_total, arcs


def zarc(s: ComplexArray, R: float, tau: float, alpha: float) -> ComplexArray:
    """Return Z of an arc as circuits have it."""
    return np.asarray(R / (1 + (s * tau) ** alpha))


def lognormal(s: ComplexArray, R: float, tau: float, width: float, skew: float = 0.0) -> ComplexArray:
    """Return Z of an arc whose ln tau is normally distributed, with two widths if it is skewed."""
    span = 14 * width + 1
    t = np.linspace(-span, span, 1601)
    gamma = np.exp(-0.5 * (t / (width * np.where(t > 0, 1 + skew, 1 - skew))) ** 2)
    return np.asarray(R * (1 / (1 + np.outer(s, tau * np.exp(t)))) @ (gamma / gamma.sum()))


def coth(x: ComplexArray) -> ComplexArray:
    """Return the hyperbolic cotangent."""
    return np.asarray(1 / np.tanh(np.where(x.real > 300, 300, x)))


def two_zarcs(d: Draw) -> Made:
    """Return two arcs, as circuits have them."""
    R0, R1, R2 = d.R
    alphas = d.rng.uniform(0.72, 0.95, 2)
    Z = R0 + zarc(d.s, R1, d.tau[0], alphas[0]) + zarc(d.s, R2, d.tau[1], alphas[1])
    return Z, R0 + R1 + R2, d.arcs()


def lognormal_arcs(d: Draw) -> Made:
    """Return two arcs with normally distributed ln tau."""
    R0, R1, R2 = d.R
    widths = d.rng.uniform(0.5, 1.3, 2)
    Z = R0 + lognormal(d.s, R1, d.tau[0], widths[0]) + lognormal(d.s, R2, d.tau[1], widths[1])
    return Z, R0 + R1 + R2, d.arcs()


def skewed_arcs(d: Draw) -> Made:
    """Return an arc with two widths, and one of Havriliak and Negami."""
    R0, R1, R2 = d.R
    skew = d.rng.choice([-1, 1]) * d.rng.uniform(0.3, 0.6)
    first = lognormal(d.s, R1, d.tau[0], d.rng.uniform(0.6, 1.1), skew)
    second = R2 / (1 + (d.s * d.tau[1]) ** d.rng.uniform(0.8, 0.95)) ** d.rng.uniform(0.5, 0.8)
    return R0 + first + second, R0 + R1 + R2, d.arcs()


def porous(d: Draw) -> Made:
    """Return a line of pores with charge transfer, and an arc."""
    R0, R_ion, R_ct = d.R[0], d.R[1], 2 * d.R[2]
    wall = zarc(d.s, R_ct, d.tau[1], d.rng.uniform(0.85, 0.98))
    line = np.sqrt(R_ion * wall) * coth(np.sqrt(R_ion / wall))
    total = R0 + 0.5 * R_ion + math.sqrt(R_ion * R_ct) / math.tanh(math.sqrt(R_ion / R_ct))
    return R0 + line + zarc(d.s, 0.5 * R_ion, d.tau[0], d.rng.uniform(0.75, 0.95)), total, ()


def particles(d: Draw) -> Made:
    """Return an arc, and blocked diffusion into particles of log-normally distributed sizes, in parallel."""
    R0, R1, R2 = d.R
    slowest = d.frequency.min()
    tau = 1 / (2 * np.pi * max(slowest * d.rng.uniform(1, 30), 1 / (2 * np.pi * d.tau[1]) / 300))
    width, size = d.rng.uniform(0.4, 1.0), R2 * d.rng.uniform(0.3, 1.5)
    x = np.linspace(-3, 3, 61)
    share = np.exp(-0.5 * x**2) / np.sum(np.exp(-0.5 * x**2))
    root = np.sqrt(np.outer(d.s, tau * np.exp(width * x)))
    diffusion = 1 / ((root / (size * coth(root))) @ share)
    Z = R0 + lognormal(d.s, R1, d.tau[0], d.rng.uniform(0.4, 1.0)) + diffusion
    return Z, math.inf, d.arcs()[:1]


def skin(d: Draw) -> Made:
    """Return two arcs behind a lead with skin effect."""
    Z, total, arcs = two_zarcs(d)
    size = d.R[0] * 10 ** d.rng.uniform(-1, 0.3)
    return Z + size * (1j * d.frequency / d.frequency.max()) ** d.rng.uniform(0.8, 0.92), total, arcs


def artefact(d: Draw) -> Made:
    """Return two arcs with relative deviations of 0.3 to 2 % that fade from the window's ends."""
    Z, total, arcs = two_zarcs(d)
    error = np.zeros(d.frequency.size, dtype=np.complex128)
    for distance in (np.log10(d.frequency.max() / d.frequency), np.log10(d.frequency / d.frequency.min())):
        size = 10 ** d.rng.uniform(math.log10(0.003), math.log10(0.02)) * (d.rng.random() < 0.75)
        error += size * np.exp(-distance / d.rng.uniform(0.3, 1.2) + 2j * np.pi * d.rng.random())
    return Z * (1 + error), total, arcs


def drift(d: Draw) -> Made:
    """Return two arcs, where all or one of them drifts by 0.5 to 2 % during the sweep; the truth is its middle."""
    Z, total, arcs = two_zarcs(d)
    time_passed = np.cumsum(1 / d.frequency)
    change = d.rng.choice([-1, 1]) * d.rng.uniform(0.005, 0.02) * (time_passed / time_passed[-1] - 0.5)
    if d.rng.random() < 0.5:
        return Z * (1 + change), total, arcs
    return Z + 2 * change * lognormal(d.s, d.R[2], d.tau[1], 0.6), total, arcs


def one_zarc(d: Draw) -> Made:
    """Return one arc."""
    Z = d.R[0] + zarc(d.s, d.R[1], d.tau[0], d.rng.uniform(0.72, 0.95))
    return Z, d.R[0] + d.R[1], d.arcs()[:1]


def arc_and_spike(d: Draw) -> Made:
    """Return one arc and a blocking tail."""
    Z, _, arcs = one_zarc(d)
    return Z + d.R[2] / (d.s * d.tau[1]) ** d.rng.uniform(0.6, 0.95), math.inf, arcs


MISFIT: Mapping[str, Callable[[Draw], Made]] = MappingProxyType(
    {
        "lognormal": lognormal_arcs,
        "skewed": skewed_arcs,
        "porous": porous,
        "psd_diffusion": particles,
        "skin": skin,
        "artefact": artefact,
        "drift": drift,
    }
)
RIGHT: Mapping[str, Callable[[Draw], Made]] = MappingProxyType(
    {"ord1": one_zarc, "ord2": two_zarcs, "ord_spike": arc_and_spike, "ord2L": two_zarcs}
)
LEADS = {
    "ord2L": (1.0, -2.0, 0.0),
    "skin": (0.0, 0.0, 0.0),
}  # probability, and lg of ωL/R0 at the highest frequency
NO_LEADS = ("ord1", "ord2", "ord_spike")


def make(kind: str, seed: int) -> Truth:
    """Return a spectrum with the truth; noise of 0.1 to 1 % of |Z| on each part."""
    kinds = {**MISFIT, **RIGHT}
    rng = np.random.default_rng([list(kinds).index(kind), seed])
    f_max, f_min = 10 ** rng.uniform(5, 6.3), 10 ** rng.uniform(-2, -0.5)
    frequency = np.geomspace(f_max, f_min, int(math.log10(f_max / f_min) * rng.choice([7, 8, 10])))
    unit = 10 ** rng.uniform(0, 4)
    R = 10 ** rng.uniform([-0.7, -0.3, -0.3], 0.5)
    fast = 10 ** rng.uniform(2.8, math.log10(f_max) - 1.3)
    slow = max(fast / 10 ** rng.uniform(1.6, 2.6), 6 * f_min)
    likely, low, high = LEADS.get(kind, (0.0 if kind in NO_LEADS else 0.4, -2.5, -1.0))
    inductance = 10 ** rng.uniform(low, high) * R[0] / (2 * np.pi * f_max) * (rng.random() < likely)
    noise = 10 ** rng.uniform(-3, -2)
    draw = Draw(rng, frequency, (R[0], R[1], R[2]), (1 / (2 * np.pi * fast), 1 / (2 * np.pi * slow)), inductance)
    Z, total, arcs = kinds[kind](draw)
    Z = Z + draw.s * inductance
    Z = Z + noise * np.abs(Z) * (rng.standard_normal(frequency.size) + 1j * rng.standard_normal(frequency.size))
    return Truth(kind, frequency, unit * Z, unit * R[0], unit * total, tuple((unit * r, t) for r, t in arcs))


@dataclass(frozen=True)
class Estimate:
    """A number and its standard uncertainty."""

    value: float
    u: float
    given: bool


MISSING = Estimate(math.nan, math.nan, False)


@dataclass(frozen=True)
class Answer:
    """What a method makes of a spectrum."""

    R_inf: Estimate
    R_total: Estimate  # not given where the circuit blocks
    arcs: tuple[tuple[float, Estimate], ...]  # tau and R


Method = Callable[[Sequence[RankedCircuit]], Answer]


def by_noise(ranked: Sequence[RankedCircuit]) -> Answer:
    """Return the numbers of the circuit that BIC takes, with the errors of its noise."""
    result = ranked[0].result
    if not result.success:
        return Answer(MISSING, MISSING, ())
    r0, total = result.parameters.get("R0"), result.total_resistance
    return Answer(
        Estimate(r0.value, r0.stderr, r0.status == "ok") if r0 else MISSING,
        Estimate(total.value, total.stderr, total.status == "ok"),
        tuple((p.tau, Estimate(p.R, p.u_R, p.status == "ok")) for p in result.processes),
    )


@dataclass(frozen=True)
class Assessed:
    """A fit with its arcs and its misfit."""

    result: FitResult
    processes: tuple[Process, ...]
    misfit: Misfit
    steps: FloatArray  # dp/dΔ of each free parameter

    @property
    def tau(self) -> FloatArray:
        """Return the time constants of the arcs."""
        return np.array([process.tau for process in self.processes])

    def resistance(self, names: Sequence[str], arcs: Sequence[int] = ()) -> Estimate:
        """Return the sum of resistances, some of which may be arcs, with its error."""
        index = [self.result.circuit.index(name) for name in names]
        derivative = np.zeros(len(self.result.values))
        derivative[index] = 1.0
        return self._estimate(float(self.result.values[index].sum()), derivative, False, arcs)

    def total(self) -> Estimate:
        """Return the total resistance with its error."""
        value, derivative = dc_resistance(self.result.circuit, self.result.values)
        return self._estimate(value, derivative, True)

    def _estimate(
        self, value: float, derivative: FloatArray, direct_current: bool, arcs: Sequence[int] = ()
    ) -> Estimate:
        steps = derivative[self.result.free] * self.steps
        return Estimate(value, self.misfit.uncertainty(steps, direct_current, arcs), True)


def assess(result: FitResult, modes: MisfitModes) -> Assessed:
    """Return a fit with its misfit."""
    used, free, specs = result.spectrum.mask, result.free, result.circuit.specs
    kinds = [spec.kind for spec, is_free in zip(specs, free, strict=True) if is_free]
    derivatives = result.circuit.jacobian(result.spectrum.frequency[used], result.values)[:, free]
    steps = steps_of(kinds, result.values[free], derivatives, result.spectrum.impedance[used])
    residual = (result.spectrum.impedance - result.impedance)[used]
    processes = result.processes
    R, tau, alpha = np.array([(p.R, p.tau, p.alpha) for p in processes]).reshape(-1, 3).T
    at_nodes = result.circuit.impedance(np.exp(-modes.basis.nodes) / (2 * np.pi), result.values)
    arcs = Arcs(R, tau, alpha, -at_nodes.imag)
    return Assessed(
        result,
        processes,
        assess_misfit(residual, derivatives * steps, prior_of(kinds), modes, arcs, result.weighting == "noise"),
        steps,
    )


def modes_of(result: FitResult) -> MisfitModes:
    """Return the shapes of misfit for a spectrum."""
    spectrum, used = result.spectrum, result.spectrum.mask
    deviation = standard_deviation(spectrum, result.weighting)[used]
    return misfit_basis(spectrum.frequency[used]).modes(spectrum.impedance[used], deviation)


def by_misfit(ranked: Sequence[RankedCircuit]) -> Answer:
    """Return numbers averaged over the circuits that describe the data, or all where none does."""
    results = [one.result for one in ranked if one.result.success]
    results = [result for result in results if result.status == "ok"] or results
    if not results:
        return Answer(MISSING, MISSING, ())
    modes = modes_of(results[0])
    fits = [assess(result, modes) for result in results]
    evidence = np.array([fit.misfit.log_evidence for fit in fits])

    def average(estimates: Sequence[Estimate], least: float = 0.0) -> Estimate:
        values, errors = np.array([e.value for e in estimates]), np.array([e.u for e in estimates])
        value, u, _ = average_over_circuits(values, errors, evidence)
        share = np.exp(evidence - evidence.max())
        enough = share[np.isfinite(values)].sum() >= least * share.sum()
        return Estimate(value, u, bool(enough and u < WIDE * value))

    r_inf = [fit.resistance(["R0"]) if "R0" in fit.result.parameters else MISSING for fit in fits]
    heaviest = fits[int(np.argmax(evidence))]
    taus, _ = gather_arcs(np.array([process.R for process in heaviest.processes]), heaviest.tau)
    arcs = []
    for k, tau in enumerate(taus):
        found = []
        for fit in fits:
            own = np.flatnonzero(assign_arcs(fit.tau, taus) == k).tolist()
            found.append(fit.resistance([fit.processes[i].name for i in own], own) if own else MISSING)
        arcs.append((float(tau), average(found)))
    return Answer(average(r_inf), average([fit.total() for fit in fits], LEAST_SHARE), tuple(arcs))


def _counts(estimate: Estimate, which: str) -> bool:
    return estimate.given if which == "given" else math.isfinite(estimate.u)


METHODS: Mapping[str, Method] = MappingProxyType({"noise": by_noise, "misfit": by_misfit})


@dataclass(frozen=True)
class Row:
    """One true quantity and what a method says of it."""

    kind: str
    quantity: str
    truth: float
    estimate: Estimate


def compare(truth: Truth, answer: Answer) -> list[Row]:
    """Return a row for each true quantity that is finite."""
    rows = [Row(truth.kind, "R_inf", truth.R_inf, answer.R_inf)]
    if math.isfinite(truth.R_total):
        rows.append(Row(truth.kind, "R_total", truth.R_total, answer.R_total))
    for R, tau in truth.arcs:
        found = {abs(math.log10(t / tau)): estimate for t, estimate in answer.arcs}
        distance = min(found, default=math.inf)
        rows.append(Row(truth.kind, "arc", R, found[distance] if distance < NEAREST else MISSING))
    return rows


def statistics(rows: Sequence[Row]) -> tuple[float, ...]:
    """Return coverage, share beyond 3 u, median u and error, and the share given; all in %."""
    given = [row for row in rows if row.estimate.given and math.isfinite(row.estimate.u)]
    if not given:
        return (*[math.nan] * 4, 0.0)
    truth = np.array([row.truth for row in given])
    u = np.array([row.estimate.u for row in given])
    error = np.abs([row.estimate.value for row in given] - truth)
    shares = np.mean(error <= 1.96 * u), np.mean(error > 3 * u), np.median(u / truth), np.median(error / truth)
    return (*(100 * float(share) for share in shares), 100 * len(given) / len(rows))


def print_table(rows: Mapping[str, Sequence[Row]], kinds: Mapping[str, object], title: str) -> None:
    """Print a line for each quantity, kind and method."""
    print(f"\n{title:34s}" + "".join(f"{head:>8s}" for head in ("n", "cov", ">3u", "u", "err", "given")))
    for quantity in ("R_inf", "R_total", "arc"):
        for kind in (*kinds, "all"):
            for method, found in rows.items():
                own = [
                    row
                    for row in found
                    if row.quantity == quantity and row.kind in (kinds if kind == "all" else (kind,))
                ]
                if own:
                    cov, far, u, error, given = statistics(own)
                    print(
                        f"{quantity:8s}{kind:16s}{method:10s}{len(own):8d}{cov:8.1f}{far:8.1f}{u:8.2f}{error:8.2f}{given:8.0f}"
                    )


def compare_halves(folder: Path, n_sweeps: int, methods: Sequence[str]) -> None:
    """Print how often R_inf of the even and of the odd points of measured sweeps agree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = [spectrum for spectrum in eistool.read(folder) if spectrum.n_used >= LEAST_POINTS]
    files: dict[str, list[Spectrum]] = {}
    for spectrum in known:
        files.setdefault(spectrum.metadata.source or "", []).append(spectrum)
    # one file has nine tenths of all sweeps
    spectra = [sweeps[k] for sweeps in files.values() for k in sorted({0, len(sweeps) - 1})]
    chosen = np.unique(np.linspace(0, len(spectra) - 1, n_sweeps).astype(int))
    circuits = candidates(Metadata())
    seconds, n_fits = 0.0, 0
    pairs: dict[str, list[tuple[Estimate, Estimate]]] = {method: [] for method in methods}
    for i in chosen:
        used = np.flatnonzero(spectra[i].mask)
        both = []
        for half in (used[::2], used[1::2]):
            both.append(
                compare_circuits(spectra[i].with_mask(np.isin(np.arange(len(spectra[i])), half), "half"), circuits)
            )
            start = time.perf_counter()
            by_misfit(both[-1])
            seconds, n_fits = seconds + time.perf_counter() - start, n_fits + len(both[-1])
        for method, found in pairs.items():
            first, second = (METHODS[method](ranked).R_inf for ranked in both)
            found.append((first, second))
    print(f"R_inf of the halves of {chosen.size} of {len(known)} sweeps; shares in %")
    print(f"{'method':10s}{'numbers':10s}{'n':>6s}{'agree':>8s}{'u':>8s}{'differ':>8s}")
    for method, found in pairs.items():
        for title in ("given", "all"):
            both = np.array(
                [(a.value, b.value, a.u, b.u) for a, b in found if _counts(a, title) and _counts(b, title)]
            )
            first, second, u = *both[:, :2].T, np.hypot(*both[:, 2:].T)
            agree = np.mean(np.abs(first - second) <= 1.96 * u)
            relative = [np.median(x / np.abs(first)) for x in (u, np.abs(first - second))]
            figures = "".join(f"{100 * x:8.2f}" for x in (agree, *relative))
            print(f"{method:10s}{title:10s}{len(both):6d}{figures}")
    print(f"misfit and averages: {1e3 * seconds / n_fits:.2f} ms a circuit")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60, help="spectra of each kind")
    parser.add_argument("--first", type=int, default=700000, help="first seed")
    parser.add_argument("--kinds", nargs="+", choices=[*MISFIT, *RIGHT], default=[*MISFIT, *RIGHT])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--sweeps", type=int, default=0, help="measured sweeps to take halves of, instead")
    arguments = parser.parse_args()
    if arguments.sweeps:
        folder = os.environ.get("EISTOOL_REAL_DATA")
        if not folder:
            parser.error("--sweeps needs the folder of measured spectra in EISTOOL_REAL_DATA")
        compare_halves(Path(folder), arguments.sweeps, arguments.methods)
        return
    circuits = candidates(Metadata())
    rows: dict[str, list[Row]] = {method: [] for method in arguments.methods}
    for kind in arguments.kinds:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            truth = make(kind, seed)
            ranked = compare_circuits(Spectrum(truth.frequency, truth.impedance, label=f"{kind} {seed}"), circuits)
            for method, found in rows.items():
                found += compare(truth, METHODS[method](ranked))
    for kinds, title in ((MISFIT, "no circuit is exact"), (RIGHT, "a circuit is exact")):
        print_table(rows, {kind: None for kind in kinds if kind in arguments.kinds}, title)


if __name__ == "__main__":
    main()
