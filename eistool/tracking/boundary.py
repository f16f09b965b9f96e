"""Null distribution of the gain of an additional arc, by simulation at the boundary R = 0."""

import math
import zlib
from collections.abc import Sequence

import numpy as np

from eistool.circuit import Circuit
from eistool.fitting import FitResult
from eistool.fitting.problem import Constraints, build_problem
from eistool.kernels.bootstrap import bootstrap
from eistool.typing import FloatArray

REPLICATES = 199  # least p is 0.005
FEWEST_STARTS, DECADES_APART = 3, 1.5  # start values of τ, and their distance in decades


def null_gains(result: FitResult, scale: float, replicates: int = REPLICATES) -> FloatArray:
    """Return the decrease of the sum of squares by an additional ZARC where there is none, shape (replicates,).

    Spectra are simulated from the fit with normally distributed noise, and both circuits are fitted to
    them, the larger one from several time constants. At the boundary R = 0 the gain does not follow a χ²
    distribution [1]_.

    Parameters
    ----------
    result : FitResult
        Fit without the arc, weighted by noise.
    scale : float
        Variance relative to that of the noise.

    References
    ----------
    .. [1] S. G. Self, K.-Y. Liang, J. Am. Stat. Assoc. 82 (1987) 605, doi:10.1080/01621459.1987.10478472

    Examples
    --------
    >>> from eistool import fit, simulate
    >>> from eistool.tracking.accuracy import with_accuracy
    >>> s = with_accuracy(simulate("R0-Zarc1", np.geomspace(1, 1e5, 41), [10, 50, 1e-3, 0.8], 0.003, 1))
    >>> gains = null_gains(fit(s, "R0-Zarc1", weighting="noise"), 1.0)
    >>> bool(0 <= gains.min() < np.median(gains) < 8 < gains.max() < 40)
    True
    """
    small = result.circuit
    large = Circuit(f"{small}-Zarc_null")
    free = Constraints.of(small, None, None, None)
    fixed = {small.parameters[int(i)]: float(result.values[i]) for i in np.flatnonzero(~result.free)}
    if fixed:
        free = Constraints.of(small, None, None, fixed)
    spectrum = result.spectrum
    problem_0 = build_problem(spectrum, small, free, "noise")
    problem_1 = build_problem(spectrum, large, Constraints.of(large, None, None, fixed or None), "noise")
    theta_0 = np.clip(problem_0.program.to_theta(result.values, problem_0.scale), problem_0.lower, problem_0.upper)
    known = dict(zip(small.parameters, result.values.tolist(), strict=True))
    size = 0.01 * float(np.median(np.abs(spectrum.impedance[spectrum.mask])))
    starts = []
    for tau in _taus(spectrum.omega[spectrum.mask]):
        values = {**known, "Zarc_null.R": size, "Zarc_null.tau": tau, "Zarc_null.alpha": 0.85}
        ordered = np.array([values[name] for name in large.parameters])
        theta = problem_1.program.to_theta(ordered, problem_1.scale)
        starts.append(np.clip(theta, problem_1.lower, problem_1.upper))
    n = problem_0.target.shape[1]
    rng = np.random.default_rng(zlib.crc32(problem_0.target.tobytes()))
    noise = math.sqrt(scale) * rng.standard_normal((replicates, n))
    gains = np.empty(replicates)
    evaluate, minimise, *arguments_0 = problem_0.arguments
    arguments_1 = problem_1.arguments[2:]
    bootstrap(
        evaluate, minimise, *arguments_0, problem_0.free, theta_0, *problem_0.workspace,
        *arguments_1, problem_1.free, np.array(starts), *problem_1.workspace,
        problem_0.grid, problem_0.target, noise, gains,
    )  # fmt: skip
    return gains * problem_0.sum_scale


def boundary_p(results: Sequence[FitResult], gain: float, scales: Sequence[float]) -> float:
    """Return the probability that noise alone gains as much in these spectra together."""
    total = np.sum([null_gains(result, scale) for result, scale in zip(results, scales, strict=True)], axis=0)
    return (1 + int(np.count_nonzero(total >= gain))) / (1 + int(total.size))


def _taus(omega: FloatArray) -> FloatArray:
    low, high = 1 / float(omega.max()), 1 / float(omega.min())
    count = max(FEWEST_STARTS, math.ceil(math.log10(high / low) / DECADES_APART))
    return np.geomspace(2 * low, high / 2, count)
