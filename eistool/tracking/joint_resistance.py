"""Resistance of one arc in all spectra, where the other parameters change smoothly along the series."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit, Element
from eistool.circuit import Series as SeriesNode
from eistool.fitting import FitResult
from eistool.tracking.accuracy import CHECKED
from eistool.tracking.family import TAILS
from eistool.typing import BoolArray, ComplexArray, FloatArray, Threshold

FREEDOM: Annotated[
    float, Threshold("degrees of freedom of Student's t distribution of changes of parameters", CHECKED)
] = 3.0
LEAST_CHANGE: Annotated[
    float, Threshold("least usual change of ln R and ln τ from spectrum to spectrum", CHECKED)
] = 0.003
LEAST_BEND: Annotated[float, Threshold("the same of exponents", CHECKED)] = 0.001
MOST_CHANGE = 1.0  # largest usual change
FIRST_CHANGE, FIRST_BEND = 0.05, 0.01  # initial
GAUSSIAN = 4  # first rounds with a normal distribution of changes, against local minima
SHAPE_SIGMA = np.array([0.5, 0.15])  # prior error of ln τ and α of the arc
LEAST_ALPHA = 0.4
RIDGE = 1e-10  # of the scaled matrix
FREE_CHANGE = 3.0  # change that counts as free, at the event
ROUNDS = 25  # Gauss-Newton steps at most
LARGEST_STEP = 0.7  # of ln of a parameter, in one round
SETTLED = 0.02  # relative change of usual changes, and of R in units of its error, at the end
SMALLEST, LARGEST_LOG = 1e-30, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class JointResistance:
    """R of an arc in consecutive spectra with its covariance; R may be negative."""

    R: FloatArray  # ohm, shape (n,)
    covariance: FloatArray  # shape (n, n), at this τ and α
    tau: float  # s
    u_log_tau: float
    total: FloatArray  # sum of the resistances of all arcs, ohm, shape (n,)
    cost: float  # -2 ln of the posterior density, up to a constant

    def at(self, some: Sequence[int]) -> "JointResistance":
        """Return the estimates of some spectra, in a given order."""
        covariance = self.covariance[np.ix_(some, some)]
        return replace(self, R=self.R[some], covariance=covariance, total=self.total[some])


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Data of a spectrum."""

    frequency: FloatArray
    z: ComplexArray  # relative to sigma
    sigma: FloatArray  # ohm


def joint_resistance(
    results: Sequence[FitResult],
    name: str,
    weight: FloatArray,
    tau: float,
    alpha: float,
    start: FloatArray,
    free: Sequence[int] = (),
    present: Sequence[int] = (),
) -> JointResistance | None:
    """Estimate R of an arc in consecutive spectra, with other parameters that change smoothly.

    Parameters change from spectrum to spectrum by steps with Student's t distribution, which allows for jumps; its
    width follows from the data for each parameter [1]_.

    Parameters
    ----------
    results : sequence of FitResult
        Fits of consecutive spectra; spectra whose circuit differs start from a neighbour.
    name : str
        Name of the arc, which some or all circuits may lack.
    weight : FloatArray, shape (n,)
        Weights of the squared residuals of each spectrum.
    tau, alpha : float
        Time constant (s) and exponent of the arc.
    start : FloatArray, shape (n,)
        First estimates of R.
    free : sequence of int
        Spectra at which R, τ and other parameters but exponents may change by any amount from the one before.
    present : sequence of int
        Spectra that have the arc. If given, the search starts with the arc and the parameters of the nearest of
        these in every spectrum: one arc less may have been fitted in its place.

    Returns
    -------
    JointResistance or None
        None if the fits have no common circuit, or do not converge.

    References
    ----------
    .. [1] K. L. Lange, R. J. A. Little, J. M. G. Taylor, J. Am. Stat. Assoc. 84 (1989) 881,
       doi:10.1080/01621459.1989.10478852
    """
    common = _common(results, name)
    if common is None:
        return None
    circuit, theta = common
    walk = _Walk(circuit, [_block(result) for result in results], weight, (tau, alpha), free)
    R = np.nan_to_num(start)
    if present:
        nearest = [min(present, key=lambda i, s=s: abs(i - s)) for s in range(len(results))]  # type: ignore[misc]
        theta, R = theta[nearest], R[nearest]
    try:
        return walk.solve(theta, R)
    except np.linalg.LinAlgError:
        return None


def small_arcs(
    results: Sequence[FitResult], weight: FloatArray, tau: FloatArray, alpha: float
) -> FloatArray | None:
    """Return the covariance of R of a small additional arc in consecutive spectra, for each of its time constants.

    Parameters
    ----------
    results : sequence of FitResult
        Fits of consecutive spectra.
    weight : FloatArray, shape (n,)
        Weights of the squared residuals of each spectrum.
    tau : FloatArray, shape (m,)
        Time constants in s.
    alpha : float
        Exponent of the arc.

    Returns
    -------
    FloatArray, shape (m, n, n), or None
        None if the fits have no common circuit.
    """
    common = _common(results, "")
    if common is None:
        return None
    circuit, theta = common
    centre = math.exp(float(np.mean(np.log(tau))))
    walk = _Walk(circuit, [_block(result) for result in results], weight, (centre, alpha), ())
    try:
        if walk.solve(theta, np.zeros(len(results))) is None:
            return None
        covariances = np.array([walk.small(one, alpha) for one in tau.tolist()])
        np.linalg.cholesky(covariances)  # raises where one is not positive
        return covariances
    except np.linalg.LinAlgError:
        return None


def _block(result: FitResult) -> _Block:
    spectrum = result.spectrum
    mask, noise = spectrum.mask, spectrum.noise
    assert noise is not None  # noqa: S101  set by with_accuracy()
    f, sigma = spectrum.frequency[mask], noise.real[mask]
    return _Block(f, spectrum.impedance[mask] / sigma, sigma)


def _common(results: Sequence[FitResult], name: str) -> tuple[Circuit, FloatArray] | None:
    """Return the circuit of most fits, and its parameters in each spectrum: logarithms, and exponents."""
    plain = [_without(result, name) if result.success else None for result in results]
    kinds = [_kind(one[0]) if one else "" for one in plain]
    counts = Counter(kind for kind in kinds if kind)
    if not counts:
        return None
    usual, count = counts.most_common(1)[0]
    if 2 * count < len(results):
        return None
    known = {s: _ordered(*one) for s, one in enumerate(plain) if one and kinds[s] == usual}
    have = list(known)
    circuit = next(one[0] for one in plain if one and _kind(one[0]) == usual)
    log = np.array([spec.kind != "exponent" for spec in circuit.specs])
    rows = np.array([known[min(have, key=lambda i, s=s: abs(i - s))] for s in range(len(results))])  # type: ignore[misc]
    return circuit, np.where(log, np.log(np.maximum(rows, SMALLEST)), rows)


def _without(result: FitResult, name: str) -> tuple[Circuit, FloatArray]:
    """Return the circuit without an arc, and its values."""
    tree = result.circuit.tree
    parts = tree.parts if isinstance(tree, SeriesNode) else (tree,)
    others = [str(part) for part in parts if not (isinstance(part, Element) and part.name == name)]
    circuit = Circuit("-".join(others))
    index = [result.circuit.index(parameter) for parameter in circuit.full_names]
    return circuit, result.values[index]


def _kind(circuit: Circuit) -> str:
    """Return the elements of a circuit in order, without their numbers."""
    return " ".join(element.symbol for element in circuit.elements)


def _ordered(circuit: Circuit, values: FloatArray) -> FloatArray:
    """Return the parameters with the arcs of one kind in order of τ."""
    arcs = [e.name for e in circuit.elements if e.symbol == "Zarc"]
    slots = [[i for i, name in enumerate(circuit.full_names) if name.split(".")[0] == arc] for arc in arcs]
    order = sorted(slots, key=lambda slot: float(values[slot[1]]))
    ordered = values.copy()
    for slot, source in zip(slots, order, strict=True):
        ordered[slot] = values[source]
    return ordered


class _Walk:
    """Gauss-Newton steps for all spectra at once: parameters and R of each, then ln τ and α of the arc."""

    def __init__(
        self,
        circuit: Circuit,
        blocks: list[_Block],
        weight: FloatArray,
        shape: tuple[float, float],
        free: Sequence[int],
    ) -> None:
        self.circuit, self.blocks, self.weight = circuit, blocks, weight
        self.log = np.array([spec.kind != "exponent" for spec in circuit.specs])
        self.n, self.m = len(blocks), self.log.size
        self.loose = np.zeros((self.n - 1, self.m), dtype=bool)
        self.loose[[s - 1 for s in free if 0 < s < self.n]] = self.log
        self.least = np.where(self.log, LEAST_CHANGE, LEAST_BEND) ** 2
        self.known = np.array([math.log(shape[0]), shape[1]])
        self.theta = np.empty((self.n, self.m))  # as found
        self.pull = np.empty((self.n - 1, self.m))

    def solve(self, theta: FloatArray, R: FloatArray) -> JointResistance | None:
        """Return the estimate, or None if it is not finite."""
        n, m = self.n, self.m
        size = m + 1
        variance = np.where(self.log, FIRST_CHANGE, FIRST_BEND) ** 2
        shape, before = self.known.copy(), variance
        for turn in range(ROUNDS):
            steps = np.diff(theta, axis=0)
            pull = np.tile(1 / variance, (n - 1, 1))
            if turn >= GAUSSIAN:
                pull *= (FREEDOM + 1) / (FREEDOM + np.square(steps) / variance)
            pull[self.loose] = FREE_CHANGE**-2
            matrix, gradient = self._normal(theta, R, shape, pull)
            scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
            regular = matrix * scale[:, None] * scale + RIDGE * np.eye(scale.size)
            inverse = np.linalg.inv(regular) * scale[:, None] * scale
            move = inverse @ gradient
            own = move[:-2].reshape(n, size)
            cut = min(1.0, LARGEST_STEP / max(float(np.abs(own[:, :m]).max()), 1e-12))
            theta = theta + cut * own[:, :m]
            theta = np.where(self.log, np.clip(theta, -LARGEST_LOG, LARGEST_LOG), np.clip(theta, 0.05, 1.0))
            R = R + cut * own[:, m]
            shape = shape + cut * move[-2:]
            shape[1] = min(max(shape[1], LEAST_ALPHA), 1.0)
            covariance = inverse[:-2, :-2].reshape(n, size, n, size)
            u = np.sqrt(np.maximum(np.diag(covariance[:, m, :, m]), 1e-300))
            calm = cut == 1.0 and float(np.abs(own[:, m] / u).max()) < SETTLED
            if turn >= GAUSSIAN:
                before, variance = variance, self._variance(theta, covariance, variance)
                if calm and np.abs(np.log(variance / before)).max() < 2 * SETTLED:
                    break
        # errors at this τ and α, which scale all R alike: they would bias means of R towards small values
        spread = inverse[:-2, -2:] @ np.linalg.solve(inverse[-2:, -2:], inverse[-2:, :-2])
        C = (inverse[:-2, :-2] - spread).reshape(n, size, n, size)[:, m, :, m]
        C = 0.5 * (C + C.T)
        if not (np.isfinite(R).all() and np.isfinite(C).all()):
            return None
        np.linalg.cholesky(C)  # raises where the covariance is not positive
        self.theta, self.pull = theta, pull
        total = R + np.exp(theta[:, self._arcs()]).sum(axis=1)
        u_log_tau = math.sqrt(max(float(inverse[-2, -2]), 0.0))
        cost = self._cost(theta, R, shape, variance)
        return JointResistance(R, C, math.exp(shape[0]), u_log_tau, total, cost)

    def _cost(self, theta: FloatArray, R: FloatArray, shape: FloatArray, variance: FloatArray) -> float:
        """Return -2 ln of the posterior density, up to a constant."""
        pairs = zip(self.blocks, theta, R.tolist(), strict=True)
        residuals = [self._linear(block, own, one, shape)[1] for block, own, one in pairs]
        squares = sum(float(w) * float(r @ r) for w, r in zip(self.weight, residuals, strict=True))
        steps = np.square(np.diff(theta, axis=0))
        usual = (FREEDOM + 1) * np.log1p(steps / (FREEDOM * variance)) + np.log(variance)
        changes = float(np.sum(np.where(self.loose, steps / FREE_CHANGE**2, usual)))
        return squares + changes + float(np.sum(np.square((shape - self.known) / SHAPE_SIGMA)))

    def small(self, tau: float, alpha: float) -> FloatArray:
        """Return the covariance of R of a small arc, after :meth:`solve`."""
        n, size = self.n, self.m + 1
        matrix, _ = self._normal(self.theta, np.zeros(n), np.array([math.log(tau), alpha]), self.pull)
        matrix = matrix[:-2, :-2]
        scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        regular = matrix * scale[:, None] * scale + RIDGE * np.eye(scale.size)
        inverse = (np.linalg.inv(regular) * scale[:, None] * scale).reshape(n, size, n, size)[:, -1, :, -1]
        return np.asarray(0.5 * (inverse + inverse.T))

    def _arcs(self) -> BoolArray:
        """Return which parameters are resistances of arcs."""
        single = {element.name for element in self.circuit.elements if element.symbol == "R"}
        tree = self.circuit.tree
        parts = tree.parts if isinstance(tree, SeriesNode) else (tree,)
        ohmic = {part.name for part in parts if isinstance(part, Element)} & single
        arcs = {arc.split(".")[0] for arc in self.circuit.full_names if arc.endswith(".R")} - ohmic
        tails = {element.name for element in self.circuit.elements if element.symbol in TAILS}
        names = [name.split(".") for name in self.circuit.full_names]
        return np.array([quantity == "R" and element in arcs - tails for element, quantity in names])

    def _normal(
        self, theta: FloatArray, R: FloatArray, shape: FloatArray, pull: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the matrix and the right side of the normal equations."""
        n, m = self.n, self.m
        size = m + 1
        matrix, gradient = np.zeros((n * size + 2, n * size + 2)), np.zeros(n * size + 2)
        for s, block in enumerate(self.blocks):
            wide, residual = self._linear(block, theta[s], R[s], shape)
            own = slice(s * size, (s + 1) * size)
            product, right = self.weight[s] * (wide.T @ wide), self.weight[s] * (wide.T @ residual)
            matrix[own, own] += product[:size, :size]
            matrix[own, -2:] += product[:size, size:]
            matrix[-2:, own] += product[size:, :size]
            matrix[-2:, -2:] += product[size:, size:]
            gradient[own] += right[:size]
            gradient[-2:] += right[size:]
        here = np.arange(n - 1)[:, None] * size + np.arange(m)
        there = here + size
        matrix[here, here] += pull
        matrix[there, there] += pull
        matrix[here, there] -= pull
        matrix[there, here] -= pull
        steps = np.diff(theta, axis=0)
        np.add.at(gradient, here, pull * steps)
        np.add.at(gradient, there, -pull * steps)
        prior = 1 / np.square(SHAPE_SIGMA)
        matrix[[-2, -1], [-2, -1]] += prior
        gradient[-2:] += prior * (self.known - shape)
        return matrix, gradient

    def _variance(self, theta: FloatArray, covariance: FloatArray, variance: FloatArray) -> FloatArray:
        """Return the squares of the usual changes, by one step of expectation and maximisation."""
        n, m = self.n, self.m
        own = np.diagonal(covariance[np.arange(n), :, np.arange(n), :], axis1=1, axis2=2)[:, :m]
        cross = covariance[np.arange(n - 1), :, np.arange(1, n), :]
        shared = np.diagonal(cross, axis1=1, axis2=2)[:, :m]
        square = np.square(np.diff(theta, axis=0)) + own[1:] + own[:-1] - 2 * shared
        counted = ~self.loose
        share = np.where(counted, (FREEDOM + 1) / (FREEDOM + square / variance) * square, 0.0)
        mean = share.sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
        return np.asarray(np.clip(mean, self.least, MOST_CHANGE**2))

    def _linear(
        self, block: _Block, theta: FloatArray, R: float, shape: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return derivatives and residual of a spectrum, relative to its accuracy."""
        values = np.where(self.log, np.exp(theta), theta)
        slope = self.circuit.jacobian(block.frequency, values) * np.where(self.log, values, 1.0)
        log_x = np.log(2j * np.pi * block.frequency * math.exp(shape[0]))
        power = np.exp(shape[1] * log_x)
        arc = 1 / (1 + power)
        change = -R * arc**2 * power
        residual = block.z - (self.circuit.impedance(block.frequency, values) + R * arc) / block.sigma
        wide = np.column_stack([slope, arc, change * shape[1], change * log_x]) / block.sigma[:, None]
        return np.vstack([wide.real, wide.imag]), np.concatenate([residual.real, residual.imag])
