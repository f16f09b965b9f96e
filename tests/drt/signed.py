"""Impedances with negative γ or constant-phase tails."""

import numpy as np

from eistool.typing import FloatArray
from tests.drt.truths import Part, Truth, cpe, log_normal, loop, rc, zarc


def negative(part: Part) -> Part:
    """Return the part with the opposite sign."""
    return Part(lambda w: -part.impedance(w), lambda tau: -part.gamma(tau), -part.R, part.tau, part.atom)


def inductance(L: float, n: float) -> Part:
    """L (jω)^n: a lead with skin effect."""

    def gamma(tau: FloatArray) -> FloatArray:
        return np.zeros_like(tau)

    return Part(lambda w: L * (1j * w) ** n, gamma, 0.0, np.nan)


def loops(seed: int) -> tuple[Truth, ...]:
    """Return sharp and wide inductive loops with random parameters."""
    rng = np.random.default_rng([seed, 99])

    def one(*parts: Part) -> Truth:
        return Truth("", lambda k: list(parts))

    arc = zarc(50, 10 ** rng.uniform(-4, -2.7), rng.uniform(0.8, 0.92))
    at, s = 10 ** rng.uniform(-0.5, 0.3), rng.uniform(0.8, 1.1)
    between = negative(log_normal(10, 10 ** rng.uniform(-2.2, -1.8), rng.uniform(0.6, 0.9)))
    sides = zarc(50, 10 ** rng.uniform(-4.3, -3.9), 0.88), zarc(40, 10 ** rng.uniform(-0.1, 0.3), 0.88)
    truths = {
        "RL loop": one(arc, loop(rng.uniform(3, 12), at)),
        "wide loop": one(arc, negative(log_normal(rng.uniform(6, 12), at, s))),
        "wide loop, small": one(arc, negative(log_normal(rng.uniform(2, 4), at, s))),
        "between two arcs": one(sides[0], between, sides[1]),
    }
    return tuple(Truth(name, truth.make) for name, truth in truths.items())


def tails(seed: int) -> dict[str, tuple[float | None, Truth]]:
    """Return the exponent of each tail, and two ZARCs with it."""
    rng = np.random.default_rng([seed, 98])
    pair = [
        zarc(50, 10 ** rng.uniform(-4.3, -3.8), rng.uniform(0.8, 0.9)),
        zarc(100, 10 ** rng.uniform(-2.2, -1.8), rng.uniform(0.78, 0.88)),
    ]
    n = rng.uniform(0.6, 0.95)

    def one(*parts: Part, L: float = 0.0) -> Truth:
        return Truth("tail", lambda k: list(parts), L=L)

    return {
        "CPE": (-n, one(*pair, cpe(2e-3, n))),
        "CPE 0.9": (-0.9, one(*pair, cpe(2e-3, 0.9))),
        "Warburg": (-0.5, one(*pair, cpe(0.05, 0.5))),
        "capacitance": (-1.0, one(*pair, cpe(2e-3, 1.0))),
        "L with n = 0.8": (0.8, one(*pair, inductance(1e-4, 0.8))),
        "no tail": (None, one(*pair)),
        "no tail, 1 µH": (None, one(*pair, L=1e-6)),
        "RC": (None, one(rc(50, 10 ** rng.uniform(-3.5, -2)))),
    }
