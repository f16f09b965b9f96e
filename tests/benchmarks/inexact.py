"""Spectra that no circuit describes exactly, and some that one does, with what is true of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from eistool.typing import ComplexArray, FloatArray


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
        return np.asarray(2j * np.pi * self.frequency)

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
