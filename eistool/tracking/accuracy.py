"""Fits weighted by the accuracy of the instrument, as the basis of evidence."""

import functools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.fitting import FitResult
from eistool.fitting.engine import MODERATE, NONE, locate
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray, Threshold

CHECKED = "engineering choice; see the false events of tests.benchmarks.tracking"
LOOKED = 50.0  # places of an arc, per spectrum, whose search costs BIC 2 ln of their number
SPECIFIED = "project definition, docs/tracking.md, criterion 3"
ACCURACY: Annotated[
    float, Threshold("accuracy of instruments relative to the modulus, least σ of BIC", SPECIFIED)
] = 0.003
ACCURACY_FAST: Annotated[float, Threshold("the same above 1 MHz", SPECIFIED)] = 0.01
FAST_HZ = 1e6  # above which ACCURACY_FAST holds
AT_FLOOR = 1.05  # χ² per degree of freedom, relative to the noise floor, that other starts hardly improve
LONG = 40  # spectra from which only some are searched from many starts
PER_DECADE = 4  # time constants in the scan
ALPHAS = (0.95, 0.8, 0.65)  # exponents in the scan


def with_accuracy(spectrum: Spectrum) -> Spectrum:
    """Return the spectrum with the instrument's accuracy as its noise."""
    modulus = np.abs(spectrum.impedance)
    share = np.where(spectrum.frequency > FAST_HZ, ACCURACY_FAST, ACCURACY)
    sigma = share * np.maximum(modulus, 1e-9 * float(np.median(modulus)))
    return replace(spectrum, noise=sigma * (1 + 1j))


def n_data_independent(result: FitResult) -> float:
    """Return the effective number of residuals, from the correlation of neighbours along frequency."""
    mask = result.spectrum.mask
    order = np.argsort(result.spectrum.frequency[mask])
    r = result.residual[mask][order]
    parts = np.concatenate([r.real, r.imag])
    n = r.size
    products = float(r.real[1:] @ r.real[:-1] + r.imag[1:] @ r.imag[:-1])
    rho = min(max(products / max(float(parts @ parts), 1e-300), 0.0), 0.95)
    return max(2 * n * (1 - rho) / (1 + rho), 4.0)


@dataclass(slots=True, eq=False)
class EvidenceFits:
    """Cached fits of circuits to the spectra of a series."""

    spectra: list[Spectrum]  # from with_accuracy
    jobs: int | None = None
    _cache: dict[tuple[str, int], FitResult] = field(default_factory=dict)
    _chained: set[str] = field(default_factory=set)

    def all(self, circuit: Circuit) -> list[FitResult]:
        """Return the fits of a circuit to all spectra, with start values from neighbours as well.

        In long series most spectra have the starts of their neighbours only.
        """
        name, n = repr(circuit), len(self.spectra)
        if name not in self._chained:
            self.some(circuit, range(0, n, 1 + n // LONG))
            for s in range(n):
                if (name, s) not in self._cache:
                    near = self._cache[name, s - 1]
                    start = _values(near) if near.success else None
                    result = locate(self.spectra[s], circuit, start, effort=MODERATE if start is None else NONE)
                    self._cache[name, s] = result if result.success else locate(self.spectra[s], circuit)
            for s, result in enumerate(_chained([self._cache[name, s] for s in range(n)])):
                self._cache[name, s] = result
            self._chained.add(name)
        return [self._cache[name, s] for s in range(n)]

    def some(self, circuit: Circuit, indices: Iterable[int]) -> list[FitResult]:
        """Return the fits of a circuit to some of the spectra."""
        indices = list(indices)
        missing = [s for s in indices if (repr(circuit), s) not in self._cache]
        threads = self.jobs or os.cpu_count() or 1
        one = functools.partial(locate, circuit=circuit, effort=MODERATE)
        spectra = [self.spectra[s] for s in missing]
        if threads == 1:
            fitted = list(map(one, spectra))
        else:
            with ThreadPoolExecutor(threads) as pool:
                fitted = list(pool.map(one, spectra))
        for s, result in zip(missing, fitted, strict=True):
            self._cache[repr(circuit), s] = result
        return [self._cache[repr(circuit), s] for s in indices]


def descend(
    result: FitResult, circuit: Circuit, extra: Mapping[str, float], fixed: Mapping[str, float] | None = None
) -> FitResult:
    """Return the fit of a circuit, started from another fit and the values of additional parameters."""
    start = _values(result) | dict(extra)
    start = {name: start[name] for name in circuit.parameters}
    for name, spec in zip(circuit.parameters, circuit.specs, strict=True):
        start[name] = min(max(start[name], 0.1), 1.0) if spec.kind == "exponent" else max(start[name], 1e-30)
    found = locate(result.spectrum, circuit, start, fixed, effort=NONE, ladder=False)
    return replace(found, noise_floor=result.noise_floor)


def _chained(results: list[FitResult]) -> list[FitResult]:
    """Return the better of each fit and fits that start from its neighbours, forwards and then backwards.

    Fits at the noise floor stay.
    """
    n = len(results)
    for i, neighbour in [(i, i - 1) for i in range(1, n)] + [(i, i + 1) for i in range(n - 2, -1, -1)]:
        if results[i].chi2 < AT_FLOOR * results[i].noise_floor * results[i].dof:
            continue
        if results[i].success and results[neighbour].success:
            again = descend(results[i], results[i].circuit, _values(results[neighbour]))
            if again.success and again.chi2 < results[i].chi2 * (1 - 1e-9):
                results[i] = again
    return results


def _values(result: FitResult) -> dict[str, float]:
    return dict(zip(result.circuit.parameters, result.values.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedResidual:
    """Residual of a fit, projected onto the complement of its parameters and drift."""

    residual: FloatArray  # shape (2 n,), in units of the accuracy
    basis: FloatArray  # of the projected-out space, shape (2 n, q), orthonormal
    omega: FloatArray
    sigma: FloatArray  # accuracy in ohm, shape (n,)

    @classmethod
    def of(cls, result: FitResult, drift: bool = True, more: ComplexArray | None = None) -> "ProjectedResidual":
        """Return the residual of a fit without what its parameters, a drift and more columns (ohm) describe."""
        spectrum = result.spectrum
        mask = spectrum.mask
        f, z = spectrum.frequency[mask], spectrum.impedance[mask]
        noise = spectrum.noise
        assert noise is not None  # noqa: S101  set by with_accuracy()
        sigma = noise.real[mask]
        columns = [result.circuit.jacobian(f, result.values)]
        if drift:
            columns.append(drift_columns(f, z))
        if more is not None:
            columns.append(more)
        wide = np.concatenate(columns, axis=1) / sigma[:, None]
        stacked = np.vstack([wide.real, wide.imag])
        norms = np.linalg.norm(stacked, axis=0)
        stacked = stacked[:, norms > 0] / norms[norms > 0]
        u, singular, _ = np.linalg.svd(stacked, full_matrices=False)
        basis = u[:, singular > 1e-9 * singular[0]]
        r = (z - result.impedance[mask]) / sigma
        residual = np.concatenate([r.real, r.imag])
        return cls(residual - basis @ (basis.T @ residual), basis, 2 * np.pi * f, sigma)

    @property
    def chi2(self) -> float:
        """Sum of squares that neither parameters nor drift can reduce."""
        return float(self.residual @ self.residual)

    def resistances(self, tau: FloatArray, alpha: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return R of an additional small arc and its standard error, shape (m,) each; R may be negative."""
        q = 1 / (1 + (1j * self.omega[:, None] * tau) ** alpha) / self.sigma[:, None]
        columns = np.vstack([q.real, q.imag])
        columns = columns - self.basis @ (self.basis.T @ columns)
        information = np.einsum("ij,ij->j", columns, columns)
        information = np.maximum(information, 1e-300)
        return (self.residual @ columns) / information, 1 / np.sqrt(information)


def drift_columns(frequency: FloatArray, z: ComplexArray) -> ComplexArray:
    """Return derivatives of Z by a drift proportional to the elapsed periods, and to the point number."""
    periods = np.cumsum(1 / frequency)
    steps = np.linspace(0, 1, frequency.size)
    return np.column_stack([periods / periods[-1] * z, steps * z])


def scan_grid(spectra: Sequence[Spectrum]) -> tuple[FloatArray, FloatArray]:
    """Return time constants and exponents of the search for an additional arc, shape (m,) each."""
    low = min(1 / (2 * math.pi * float(s.frequency[s.mask].max())) for s in spectra)
    high = max(1 / (2 * math.pi * float(s.frequency[s.mask].min())) for s in spectra)
    tau = np.geomspace(low, high, math.ceil(math.log10(high / low) * PER_DECADE) + 1)
    grid = np.array([(t, a) for t in tau for a in ALPHAS])
    return grid[:, 0], grid[:, 1]
