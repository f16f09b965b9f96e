"""Impedances with an analytic distribution of relaxation times.

γ is per unit of ln τ: Z = R∞ + jωL + ∫ γ/(1 + jωτ) d ln τ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import eistool
from eistool.typing import ComplexArray, FloatArray

FREQUENCY = np.geomspace(1e6, 1e-2, 81)


@dataclass(frozen=True)
class Part:
    """Element with its impedance, γ and peak."""

    impedance: Callable[[FloatArray], Any]  # of ω, complex
    gamma: Callable[[FloatArray], FloatArray]  # of τ
    R: float  # area; 0 without a peak
    tau: float  # of the peak
    atom: bool = False
    values: tuple[float, ...] = ()  # parameters, if the element can be fitted


def zarc(R: float, tau0: float, phi: float) -> Part:
    """R/(1 + (jωτ0)^φ)."""

    def gamma(tau: FloatArray) -> FloatArray:
        turn = (1 - phi) * np.pi
        g: FloatArray = R / (2 * np.pi) * np.sin(turn) / (np.cosh(phi * np.log(tau / tau0)) - np.cos(turn))
        return g

    return Part(lambda w: R / (1 + (1j * w * tau0) ** phi), gamma, R, tau0, values=(R, tau0, phi))


def havriliak_negami(R: float, tau0: float, phi: float, psi: float) -> Part:
    """R/(1 + (jωτ0)^φ)^ψ."""

    def gamma(tau: FloatArray) -> FloatArray:
        x = (tau / tau0) ** phi
        theta = np.arctan2(np.sin(np.pi * phi), x + np.cos(np.pi * phi))
        g: FloatArray = R / np.pi * x**psi * np.sin(psi * theta)
        g /= (1 + 2 * x * np.cos(np.pi * phi) + x**2) ** (psi / 2)
        return g

    tau = np.geomspace(1e-4, 1e4, 80001) * tau0
    return Part(lambda w: R / (1 + (1j * w * tau0) ** phi) ** psi, gamma, R, float(tau[np.argmax(gamma(tau))]))


def _means(tau: FloatArray, cumulative: Callable[[FloatArray], FloatArray]) -> FloatArray:
    half = np.sqrt(tau[1] / tau[0])
    g: FloatArray = (cumulative(tau * half) - cumulative(tau / half)) / (2 * np.log(half))
    return g


def gerischer(R: float, tau0: float) -> Part:
    """R/√(1 + jωτ0)."""

    def gamma(tau: FloatArray) -> FloatArray:
        # γ = R/π √(τ/(τ0 - τ)) is infinite at τ0: means over the steps of τ
        return _means(tau, lambda t: R * 2 / np.pi * np.arcsin(np.sqrt(np.minimum(t / tau0, 1))))

    return Part(lambda w: R / np.sqrt(1 + 1j * w * tau0), gamma, R, tau0)


def hump(R: float, tau0: float, density: Callable[[FloatArray], Any], reach: float) -> Part:
    """Density of x = ln(τ/τ0) with its maximum at 0, integrated over -reach to reach."""
    x = np.linspace(-reach, reach, 4001)
    weight = R * density(x) * (x[1] - x[0])

    def impedance(w: FloatArray) -> ComplexArray:
        z: ComplexArray = (weight / (1 + 1j * w[:, None] * tau0 * np.exp(x))).sum(axis=1)
        return z

    return Part(impedance, lambda tau: R * density(np.log(tau / tau0)), R, tau0)


def log_normal(R: float, tau0: float, s: float) -> Part:
    """Normal distribution of ln τ with standard deviation s."""
    return skewed(R, tau0, s, s)


def skewed(R: float, tau0: float, s: float, t: float) -> Part:
    """Two half-normal distributions of ln τ, s wide below τ0 and t above."""
    height = np.sqrt(2 / np.pi) / (s + t)
    return hump(R, tau0, lambda x: height * np.exp(-0.5 * (x / np.where(x < 0, s, t)) ** 2), 9 * max(s, t))


def triangle(R: float, tau0: float, s: float) -> Part:
    """Triangular γ of width 2 s."""
    return hump(R, tau0, lambda x: np.maximum(1 - np.abs(x) / s, 0) / s, s)


def constant(R: float, low: float, high: float) -> Part:
    """Constant γ between two time constants."""
    height = R / np.log(high / low)

    def impedance(w: FloatArray) -> Any:
        return R - height * np.log((1 + 1j * w * high) / (1 + 1j * w * low))

    def gamma(tau: FloatArray) -> FloatArray:
        return _means(tau, lambda t: height * np.log(np.clip(t, low, high) / low))

    return Part(impedance, gamma, R, np.sqrt(low * high))


def rc(R: float, tau0: float) -> Part:
    """Resistor parallel to a capacitor: a delta in γ."""
    return Part(lambda w: R / (1 + 1j * w * tau0), np.zeros_like, R, tau0, atom=True, values=(R, tau0))


def cpe(Q: float, n: float) -> Part:
    """1/(Q (jω)^n)."""

    def gamma(tau: FloatArray) -> FloatArray:
        g: FloatArray = np.sin(n * np.pi) / np.pi * tau**n / Q
        return g

    return Part(lambda w: 1 / (Q * (1j * w) ** n), gamma, 0.0, np.nan, values=(Q, n))


def loop(R: float, tau0: float) -> Part:
    """Resistor parallel to an inductor, minus the resistor: a negative delta in γ."""
    return Part(lambda w: -R / (1 + 1j * w * tau0), np.zeros_like, -R, tau0, atom=True)


@dataclass(frozen=True)
class Truth:
    """Sum of parts with R∞ and L; scored up to ``tau_max``."""

    name: str
    make: Callable[[float], Sequence[Part]]  # of a factor for every τ
    smooth: bool = False  # among the cases of which the overall figures are taken
    R_inf: float = 10.0
    L: float = 0.0
    tau_max: float = 1e9
    blur: float = 0.0  # γ and truth are smoothed by so many decades before they are compared
    shift: float = 1.0

    @property
    def parts(self) -> Sequence[Part]:
        """Elements with shifted time constants."""
        return self.make(self.shift)

    def shifted(self, factor: float) -> "Truth":
        """Return a copy with every τ times a factor, so that τ does not coincide with a grid."""
        return replace(self, shift=factor)

    def impedance(self, frequency: FloatArray) -> ComplexArray:
        """Z at frequencies in Hz."""
        w = 2 * np.pi * frequency
        z: ComplexArray = np.asarray(self.R_inf + 1j * w * self.L + sum(part.impedance(w) for part in self.parts))
        return z

    def gamma(self, tau: FloatArray) -> FloatArray:
        """Γ without the deltas."""
        total = np.zeros_like(tau)
        for part in self.parts:
            total = total + part.gamma(tau)
        return total

    @property
    def peaks(self) -> list[Part]:
        """Parts that are peaks, in order of τ."""
        return sorted((part for part in self.parts if part.R != 0), key=lambda part: part.tau)

    def spectrum(
        self, noise: float, seed: int, frequency: FloatArray = FREQUENCY, power: float = 1.0
    ) -> eistool.Spectrum:
        """Return a spectrum with noise ∝ |Z|^power on each part, its mean size ``noise`` times |Z|."""
        z = self.impedance(frequency)
        size = np.abs(z) ** power * np.exp((1 - power) * np.mean(np.log(np.abs(z))))
        n = np.random.default_rng(seed).standard_normal((2, z.size))
        return eistool.Spectrum(frequency, z + noise * size * (n[0] + 1j * n[1]), label=self.name)


def _pair(k: float) -> list[Part]:
    return [zarc(50, 1e-5 * k, 0.9), zarc(100, 1e-2 * k, 0.8)]


TRUTHS = (
    Truth("one ZARC", lambda k: [zarc(50, 1e-2 * k, 0.8)], smooth=True),
    Truth("two, 1.5 decades", lambda k: [zarc(50, 1e-3 * k, 0.8), zarc(50, 10**-1.5 * k, 0.8)], smooth=True),
    Truth("two, 3 decades", lambda k: [zarc(50, 1e-4 * k, 0.8), zarc(50, 1e-1 * k, 0.8)], smooth=True),
    Truth("RC + ZARC", lambda k: [rc(30, 1e-4 * k), zarc(50, 1e-1 * k, 0.8)], blur=0.1),
    Truth("ZARC + L", lambda k: [zarc(50, 1e-3 * k, 0.8)], L=1e-6, smooth=True),
    Truth("Warburg tail", lambda k: [*_pair(k), cpe(0.2, 0.5)], tau_max=0.3, smooth=True),
    Truth("blocking", lambda k: [*_pair(k), cpe(2e-3, 0.9)], tau_max=0.1, smooth=True),
    Truth("Havriliak-Negami", lambda k: [havriliak_negami(50, 1e-2 * k, 0.8, 0.5)]),
    Truth("two log-normals", lambda k: [log_normal(50, 1e-3 * k, 0.8), log_normal(50, 1e-1 * k, 0.8)]),
    Truth("Gerischer", lambda k: [gerischer(50, 1e-2 * k)]),
    Truth("constant", lambda k: [constant(50, 1e-3 * k, 1e-1 * k)]),
    Truth("two, 1 decade", lambda k: [zarc(50, 1e-2 * k, 0.8), zarc(50, 1e-1 * k, 0.8)]),
    Truth("three unequal", lambda k: [zarc(20, 1e-4 * k, 0.85), zarc(50, 1e-2 * k, 0.8), zarc(30, 1e-0 * k, 0.9)]),
    # of no kind that is tried
    Truth("skewed", lambda k: [skewed(50, 1e-2 * k, 1.6, 0.7)]),
    Truth("triangle", lambda k: [triangle(50, 1e-2 * k, 2.5)]),
    Truth("skewed + triangle", lambda k: [skewed(50, 1e-4 * k, 0.7, 1.3), triangle(50, 1e-1 * k, 2.0)]),
)


def drawn(seed: int) -> tuple[Truth, ...]:
    """Return the same cases with random parameters, on which no constant was tuned."""
    rng = np.random.default_rng([seed, 77])

    def phi() -> float:
        return float(rng.uniform(0.7, 0.92))

    def at(low: float, high: float) -> float:
        return float(10 ** rng.uniform(low, high))

    def two(low: float, high: float, ratio: float) -> Callable[[float], list[Part]]:
        apart, first, R = at(low, high), at(-4, -2.5), 50 * at(-ratio, ratio)
        parts = [zarc(50, first, phi()), zarc(R, first * apart, phi())]
        return lambda k: parts

    def one(*parts: Part) -> Callable[[float], list[Part]]:
        return lambda k: list(parts)

    def pair() -> list[Part]:
        return [zarc(50, at(-5.3, -4.7), phi()), zarc(at(1.5, 2.3), at(-2.3, -1.7), phi())]

    three = [
        zarc(at(1, 1.7), at(-4.2, -3.8), phi()),
        zarc(50, at(-2.2, -1.8), phi()),
        zarc(at(1, 1.7), at(-0.2, 0.2), phi()),
    ]
    return (
        Truth("one ZARC", one(zarc(50, at(-4, 0), phi())), smooth=True),
        Truth("two, 1.5 decades", two(1.3, 1.7, 0.2), smooth=True),
        Truth("two, 3 decades", two(2.5, 3.5, 0.5), smooth=True),
        Truth("RC + ZARC", one(rc(at(1, 1.8), at(-5, -3)), zarc(50, at(-1.5, -0.5), phi())), blur=0.1),
        Truth("ZARC + L", one(zarc(50, at(-4, -1), phi())), L=at(-7, -5.5), smooth=True),
        Truth("Warburg tail", one(*pair(), cpe(at(-1, 0), 0.5)), tau_max=0.3, smooth=True),
        Truth("blocking", one(*pair(), cpe(at(-3, -2.4), rng.uniform(0.8, 0.95))), tau_max=0.1, smooth=True),
        Truth(
            "Havriliak-Negami",
            one(havriliak_negami(50, at(-3, -1), rng.uniform(0.75, 0.9), rng.uniform(0.4, 0.7))),
        ),
        Truth(
            "two log-normals",
            one(*(log_normal(50, at(d - 0.3, d + 0.3), rng.uniform(0.6, 1.0)) for d in (-3, -1))),
        ),
        Truth("Gerischer", one(gerischer(50, at(-3, -1)))),
        Truth("constant", one(constant(50, at(-3.5, -2.5), at(-1.5, -0.5)))),
        Truth("two, 1 decade", two(0.95, 1.05, 0.15)),
        Truth("three unequal", one(*three)),
        Truth("skewed", one(skewed(50, at(-3, -1), *rng.uniform(0.5, 1.8, 2)))),
        Truth("triangle", one(triangle(50, at(-3, -1), rng.uniform(1.5, 3.5)))),
        Truth(
            "skewed + triangle",
            one(
                skewed(50, at(-4.3, -3.7), *rng.uniform(0.5, 1.5, 2)),
                triangle(50, at(-1.3, -0.7), rng.uniform(1.5, 3)),
            ),
        ),
    )
