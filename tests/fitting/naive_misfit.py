"""The error that knows the misfit, written plainly from its equations: an oracle for the kernel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eistool.typing import ComplexArray, FloatArray

RHO = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]
LN10 = math.log(10)


@dataclass(frozen=True)
class Naive:
    """What :class:`eistool.fitting.misfit.Misfit` holds."""

    covariance: FloatArray
    log_evidence: float
    p_exact: float
    amplitude: float
    sigma: float


def correlation_root(x: FloatArray, scale: float) -> FloatArray:
    """Return the root of a Gaussian correlation, down to 1e-5 of its largest eigenvalue."""
    values, vectors = np.linalg.eigh(np.exp(-0.5 * ((x[:, None] - x[None, :]) / scale) ** 2))
    kept = values > 1e-5 * values.max()
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))


def shapes(
    frequency: FloatArray, Z: ComplexArray, arcs: Sequence[tuple[float, float, float]], height: FloatArray | None
) -> list[tuple[ComplexArray, FloatArray]]:
    """Return the shapes in ohm: columns, and their effects on the total resistance and on each arc."""
    omega = 2 * np.pi * frequency
    lg_tau = -np.log10(omega)
    nodes = np.arange(lg_tau.min() - 0.5, lg_tau.max() + 0.5 + 1e-9, 0.2)
    order = np.argsort(lg_tau)
    modulus = np.exp(np.interp(nodes, lg_tau[order], np.log(np.abs(Z[order]))))
    at_top = abs(Z[order[0]])
    leads = []
    for shift in (-1.0, -0.6, -0.2, 0.2, 0.6):
        tau = 10 ** (lg_tau.min() + shift)
        leads.append(0.3 * at_top * (1 + 10**-shift) * 1j * omega * tau / (1 + 1j * omega * tau))
    shares = [np.ones(nodes.size)]
    if height is not None:
        heights = [-(R / (1 + (1j * 10**-nodes * tau) ** alpha)).imag for R, tau, alpha in arcs]
        total = np.maximum(height, sum(heights))
        shares += [own / total for own in heights]
    found = []
    for scale in (0.3, 0.8):
        C = np.diag(modulus) @ correlation_root(nodes, scale) * 0.2 * LN10 / np.sqrt(2.5 * scale * LN10)
        relaxations = 1 / (1 + 1j * omega[:, None] * 10 ** nodes[None, :])
        effects = np.array([np.append(C.T @ share, np.zeros(5)) for share in shares])
        found.append((np.column_stack([relaxations @ C, *leads]), effects))
    level = np.polynomial.Chebyshev.fit(lg_tau, np.log(np.abs(Z)), min(10, Z.size // 4))(lg_tau)
    for scale in (0.4, 1.0):
        root = np.exp(level)[:, None] * correlation_root(np.log10(frequency), scale)
        found.append((np.hstack([root, 1j * root]), np.zeros((len(shares), 2 * root.shape[1]))))
    if arcs:
        step = 1e-6
        skewed = [
            10 * R * ((1 + x) ** -(1 + step) - (1 + x) ** -(1 - step)) / (2 * step)
            for R, tau, alpha in arcs
            for x in [(1j * omega * tau) ** alpha]
        ]
        found.append((np.column_stack(skewed), np.zeros((len(shares), len(arcs)))))
    return found


def assess(
    frequency: FloatArray,
    Z: ComplexArray,
    residual: ComplexArray,
    jacobian: ComplexArray,
    prior: FloatArray,
    deviation: ComplexArray,
    arcs: Sequence[tuple[float, float, float]] = (),
    height: FloatArray | None = None,
    measured: bool = False,
    p_exact: float = 0.6,
) -> Naive:
    """Return the errors from the equations, one model (shape, rho) after the other."""
    scale = math.sqrt(np.mean(np.concatenate([np.abs(Z) / deviation.real, np.abs(Z) / deviation.imag]) ** 2))

    def stack(columns: ComplexArray) -> FloatArray:
        real, imag = (columns.real.T / deviation.real).T, (columns.imag.T / deviation.imag).T
        return np.asarray(np.concatenate([real, imag]) / scale)

    r, J = stack(residual), stack(jacobian)
    n, p = J.shape
    known = shapes(frequency, Z, arcs, height)
    q = len(known[0][1])
    least = 1 / scale**2 if measured else 1e-10
    s0 = max(r @ r / (n - p), least)
    models = [(math.log(p_exact), 0.0, np.zeros((n, 0)), np.zeros((q, 0)))]
    for columns, h in known:
        models += [(math.log((1 - p_exact) / len(known)), rho, stack(columns), h) for rho in RHO]

    log_evidence, second_moments, amplitudes, sigmas = [], [], [], []
    for log_prior, rho, Phi, h in models:
        m = Phi.shape[1]
        M = np.hstack([J, Phi])
        d = np.append(prior / np.sqrt(s0), np.full(m, rho))
        A = np.eye(p + m) + d[:, None] * (M.T @ M) * d
        L = np.linalg.cholesky(A)
        x = np.linalg.solve(L, d * (M.T @ r))
        rss = r @ r - x @ x
        s2 = max(rss / (n - p), least)
        log_likelihood = -0.5 * n * math.log(s2) - 0.5 * rss / s2
        a = rho * math.sqrt(s2)
        if rho:
            # density of a half-Cauchy distribution by ln a, times the grid's spacing
            log_prior += math.log(2 / math.pi * (a / 0.02) / (1 + (a / 0.02) ** 2) * math.log(2))
        quantities = np.zeros((p + m, p + q))
        quantities[:p, :p] = np.eye(p)
        quantities[p:, p:] = h.T
        Y = np.linalg.solve(L, d[:, None] * quantities)
        shift = Y.T @ x
        log_evidence.append(log_prior + log_likelihood - np.sum(np.log(np.diag(L))))
        second_moments.append(s2 * Y.T @ Y + np.outer(shift, shift))
        amplitudes.append(a)
        sigmas.append(math.sqrt(s2))
    logs = np.array(log_evidence)
    weights = np.exp(logs - logs.max())
    total = logs.max() + math.log(weights.sum())
    weights /= weights.sum()
    return Naive(
        np.einsum("i,ijk->jk", weights, np.array(second_moments)),
        total - p,
        float(weights[0]),
        float(weights @ amplitudes),
        float(weights @ sigmas),
    )
