"""Random series of a cell with two arcs and a diffusion, with known events, and the power of an ideal test.

The parameters move by 0.5 to 10 % from spectrum to spectrum. A new arc appears suddenly (``birth``), beside a
neighbour that moves further (``beside``), over several spectra (``gradual``), in one spectrum (``once``), or
with a change of the contact (``contact``). Nothing appears in the other kinds: nothing new (``none``), a third arc
that grows slowly from nearly nothing (``growing``), spectra that change while they are measured
(``drifted``), arcs with a Gaussian distribution of ln τ (``gaussian``), leads with skin effect (``skin``),
artefacts at the ends of some spectra (``ends``), temperatures that differ by 1 K (``wobble``), and a lead
that is touched once (``lead``).
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

import eistool
from eistool.tracking.accuracy import drift_columns
from eistool.typing import ComplexArray, FloatArray

FREQUENCY = np.geomspace(1e6, 0.1, 57)  # eight points a decade
OMEGA = 2 * np.pi * FREQUENCY
NOISES = (0.002, 0.005, 0.01)
KINDS = (
    "birth", "none", "growing", "drifted", "gaussian",
    "beside", "gradual", "once", "contact", "skin", "ends", "wobble", "lead",
)  # fmt: skip
BIRTHS = ("birth", "beside", "gradual", "once", "contact")
CHANGES = 0.005, 0.1  # of ln of each parameter, from one spectrum to the next
LONGEST_DRIFT = 0.03  # of Z over a sweep
WIDTHS = 0.8, 2.0  # standard deviation of ln τ of Gaussian arcs
LEVEL = 0.001  # false alarms of the ideal test per series
WALKING = (0, 2, 3, 5, 6, 8, 9)  # parameters of impedance() that change from spectrum to spectrum
CONSTANT = (1, 4, 7)  # parameters that do not; the exponent of the diffusion is known
HOT, ENERGIES = 1.0, (0.3, 0.6)  # K, eV


@dataclass(frozen=True)
class Case:
    """Random series with its truth."""

    series: eistool.Series
    kind: str
    noise: float
    born: int | None
    died: int | None
    tau: float
    share: float  # of the new arc in the total resistance
    width: int = 1  # spectra over which the new arc appears
    ideal: float = math.nan  # power of the ideal test
    equal: float = math.nan  # power of the test with the freedom of criterion 3


def zarc(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
    """Return the impedance of an arc."""
    z: ComplexArray = np.asarray(R / (1 + (1j * omega * tau) ** alpha), dtype=np.complex128)
    return z


def gaussian(omega: FloatArray, R: float, tau: float, width: float) -> ComplexArray:
    """Return the impedance of relaxations whose ln τ is normally distributed."""
    x = np.linspace(-4, 4, 81)
    weight = np.exp(-0.5 * x**2)
    z: ComplexArray = (R / (1 + 1j * omega[:, None] * tau * np.exp(width * x))) @ (weight / weight.sum())
    return z


def wo(omega: FloatArray, R: float, tau: float, exponent: float = 0.5) -> ComplexArray:
    """Return the impedance of a finite diffusion to a blocking end."""
    s = (1j * omega * tau) ** exponent
    z: ComplexArray = R / (np.tanh(np.where(s.real > 20, 20, s)) * s)
    return z


Arc = Callable[[FloatArray, float, float, float], ComplexArray]


def impedance(p: FloatArray, arc: Arc = zarc) -> ComplexArray:
    """Return the impedance of a cell from R0, L0, two arcs (R, τ, shape) and a diffusion (R, τ, exponent)."""
    R0, L0, R1, tau1, shape1, R2, tau2, shape2, *tail = p.tolist()
    leads = R0 + 1j * OMEGA * L0
    z = leads + arc(OMEGA, R1, tau1, shape1) + arc(OMEGA, R2, tau2, shape2) + wo(OMEGA, *tail)
    return np.asarray(z, dtype=np.complex128)


def ideal_power(
    values: FloatArray, new: ComplexArray, noise: float, walking: tuple[int, ...], constant: tuple[int, ...]
) -> float:
    """Return the power of the test that knows everything but the size of the new arc and what is free.

    By Neyman and Pearson it compares the data with the signal. Derivatives by the parameters that are free in
    each spectrum, by a drift during each sweep, and by those with one free value are projected out.

    Parameters
    ----------
    values : FloatArray, shape (n, 11)
        True parameters of :func:`impedance`.
    new : ComplexArray, shape (n, n_freq)
        Signal of the new arc.
    noise : float
        Relative to |Z|.
    walking, constant : tuple of int
        Columns of ``values`` that are free in each spectrum, and that have one free value.
    """
    signals, commons = [], []
    for p, signal in zip(values, new, strict=True):
        sigma = noise * np.abs(impedance(p) + signal)
        step = 1e-5 * np.eye(p.size)
        columns = [(impedance(p * (1 + d)) - impedance(p * (1 - d))) / 2e-5 / sigma for d in step]
        drift = (drift_columns(FREQUENCY, impedance(p)) / sigma[:, None]).T
        white = np.array([np.concatenate([c.real, c.imag]) for c in (*columns, *drift, signal / sigma)]).T
        own, _ = np.linalg.qr(white[:, [*walking, p.size, p.size + 1]])
        white = white - own @ (own.T @ white)
        signals.append(white[:, -1])
        commons.append(white[:, list(constant)])
    left = np.concatenate(signals)
    if constant:
        own, _ = np.linalg.qr(np.concatenate(commons))
        left = left - own @ (own.T @ left)
    return float(norm.sf(norm.isf(LEVEL) - np.linalg.norm(left)))


def make(kind: str, seed: int) -> Case:
    """Return a random series of a kind."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    n = int(rng.integers(8, 21))
    noise = float(rng.choice(NOISES))
    change = float(np.exp(rng.uniform(*np.log(CHANGES))))
    walks = np.exp(np.cumsum(rng.normal(0, change, (n, 8)) + rng.normal(0, change, 8), axis=0))
    R0, R1, R2 = rng.uniform(5, 50), rng.uniform(4, 20), rng.uniform(10, 60)
    tau1, tau2 = 10 ** rng.uniform(-5.5, -4.8), 10 ** rng.uniform(-3.9, -3.3)
    alpha1, alpha2 = rng.uniform(0.85, 0.95), rng.uniform(0.75, 0.9)
    widths = rng.uniform(*WIDTHS, 2)
    RW, tauW = rng.uniform(20, 100), 10 ** rng.uniform(1, 2)
    total = R0 + R1 + R2
    tau3, alpha3 = 10 ** rng.uniform(-2.5, -0.5), rng.uniform(0.7, 0.95)
    share = float(np.exp(rng.uniform(np.log(0.01), np.log(0.4))))
    born, died, width = int(rng.integers(2, n - 2)), None, 1
    if kind in ("birth", "beside", "contact") and rng.random() < 0.5 and born + 3 < n:
        died = int(rng.integers(born + 2, n))
    drift_from = int(rng.integers(0, n))
    shapes = widths if kind == "gaussian" else (alpha1, alpha2)
    values = np.tile([R0, 1e-7, R1, tau1, shapes[0], R2, tau2, shapes[1], RW, tauW, 0.5], (n, 1))
    values[:, [2, 3, 5, 6, 0, 8, 9]] *= walks[:, :7]
    size = np.zeros(n)  # of the new arc, relative to its final value
    if kind in BIRTHS:
        size[born : n if died is None else died] = 1
    if kind == "beside":
        tau3 = tau2 * 10 ** rng.uniform(0.8, 1.2)
    elif kind == "gradual":
        width = int(rng.integers(2, 6))
        size = np.clip((np.arange(n) - born + 1) / width, 0, 1)
    elif kind == "once":
        died = born + 1
        size[died:] = 0
    _move(kind, values, born, rng)
    if kind == "beside":
        tau3 *= float(walks[born, 3])
    skin = 10 ** rng.uniform(-6.5, -5.5), rng.uniform(0.6, 0.9)  # inductance at 1 MHz, exponent
    added = np.zeros((n, FREQUENCY.size), dtype=np.complex128)
    if kind in BIRTHS:
        added = size[:, None] * np.array([zarc(OMEGA, share * total * w, tau3, alpha3) for w in walks[:, 7]])
    spectra = []
    for s in range(n):
        z = impedance(values[s], gaussian if kind == "gaussian" else zarc) + added[s]
        if kind == "growing":
            z = z + zarc(OMEGA, total * (0.005 + 0.15 * s / (n - 1)), tau3, alpha3)
        if kind == "skin":
            z = z + OMEGA[0] * skin[0] * (1j * OMEGA / OMEGA[0]) ** skin[1] * (1.5 if s >= born else 1.0)
        z = _disturbed(kind, z, R0, s >= drift_from, rng)
        z = z + noise * np.abs(z) * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))
        spectra.append(eistool.Spectrum(FREQUENCY, z, eistool.Metadata(soc_pct=float(s)), f"{kind} {seed} #{s}"))
    there = kind in BIRTHS
    everything = tuple(range(values.shape[1]))
    powers = [
        ideal_power(values, added, noise, *free) if there else math.nan
        for free in ((WALKING, CONSTANT), (everything, ()))
    ]
    series = eistool.Series(spectra, by="soc")
    return Case(series, kind, noise, born if there else None, died, tau3, share, width, *powers)


def _move(kind: str, values: FloatArray, born: int, rng: np.random.Generator) -> None:
    """Change the parameters of the cell in place."""
    n = len(values)
    if kind == "beside":  # the neighbour moves by up to a factor of two at the event
        values[born:, 5] *= np.exp(rng.uniform(-0.7, 0.7))
        values[born:, 6] *= np.exp(rng.uniform(-0.3, 0.3))
    elif kind == "contact":
        values[born:, 0] *= np.exp(rng.choice([-1, 1]) * rng.uniform(0.05, 0.5))
    elif kind == "wobble":
        beta = rng.normal(0, HOT, n)[:, None] / (8.617e-5 * 298.15**2) * rng.uniform(*ENERGIES, 3)
        for columns, energy in (((0,), 0), ((2, 3), 1), ((5, 6), 2)):
            values[:, columns] *= np.exp(-beta[:, [energy]])
    elif kind == "lead":
        values[born:, 0] *= np.exp(rng.uniform(-0.4, 0.4))
        values[born:, 1] *= np.exp(rng.uniform(-0.7, 0.7))


def _disturbed(kind: str, z: ComplexArray, R0: float, drifts: bool, rng: np.random.Generator) -> ComplexArray:
    """Return a spectrum with drift, or with artefacts at its ends in some of the spectra."""
    if kind == "drifted" and drifts:
        periods = np.cumsum(1 / FREQUENCY)
        return np.asarray(z + rng.uniform(-1, 1) * LONGEST_DRIFT * periods / periods[-1] * (z - R0))
    if kind == "ends" and rng.random() < 0.4:
        high, low = rng.normal(0, 0.01, 2) + 1j * rng.normal(0, 0.01, 2)
        decades = np.log10(FREQUENCY[0] / FREQUENCY)
        above, below = np.exp(-decades / 0.3), np.exp((decades - decades[-1]) / 0.3)
        return np.asarray(z * (1 + high * above + low * below))
    return z


def cases(kinds: tuple[str, ...], count: int, first: int) -> Iterator[Case]:
    """Yield random series, one of each kind in turn."""
    for seed, kind in itertools.product(range(first, first + count), kinds):
        yield make(kind, seed)
