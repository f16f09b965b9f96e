"""Arguments of a global fit, and coordinates of its spectra."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eistool.circuit import Circuit
from eistool.constants import ZERO_CELSIUS
from eistool.errors import CircuitError, FitError
from eistool.fitting.global_fit.joint_problem import JointProblem, Layout, Smoothness
from eistool.fitting.global_fit.laws import LAWS, LawTerm, check_law
from eistool.fitting.global_fit.smoothing import second_differences, strength_from_fits
from eistool.fitting.result import FitResult
from eistool.spectrum import Series, Spectrum
from eistool.spectrum.series import COORDINATES
from eistool.typing import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Spectra with their coordinates along the series."""

    spectra: list[Spectrum]
    name: str
    coordinate: FloatArray | None  # None for a sequence without a coordinate

    @classmethod
    def of(cls, series: Series | Sequence[Spectrum]) -> "Axis":
        """Return the axis of a Series or a sequence of spectra."""
        if isinstance(series, Series):
            return cls(list(series), COORDINATES[series.by], series.coordinate)
        return cls(list(series), "index", None)

    @property
    def index(self) -> FloatArray:
        """Coordinate, or position for a sequence without one."""
        return np.arange(len(self.spectra), dtype=np.float64) if self.coordinate is None else self.coordinate

    def subset(self, kept: list[int]) -> "Axis":
        """Return the axis of the spectra with these indices."""
        coordinate = None if self.coordinate is None else self.coordinate[kept]
        return Axis([self.spectra[s] for s in kept], self.name, coordinate)

    def kelvin(self, name: str) -> FloatArray:
        """Return the temperatures in K for the law of a parameter."""
        for spectrum in self.spectra:
            if spectrum.metadata.temperature_C is None:
                raise FitError(
                    f"law of {name}: {spectrum.label} has no temperature_C in its metadata; "
                    "add a column temperature_C to the samples table"
                )
        celsius = [spectrum.metadata.temperature_C for spectrum in self.spectra]
        return np.array(celsius, dtype=np.float64) + ZERO_CELSIUS

    def abscissa(self, name: str, law: str) -> FloatArray:
        """Return the independent variable of a law."""
        if law not in LAWS:
            raise FitError(f"law of {name}: {law!r}; choose one of {', '.join(LAWS)}")
        if law == "arrhenius":
            return self.kelvin(name)
        if law != "constant" and self.coordinate is None:
            raise FitError(f"law of {name}: {law} needs a coordinate; use eistool.Series(spectra, by=...)")
        return self.index


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Arguments of a global fit, with names as given by the user."""

    circuit: Circuit
    shared: tuple[str, ...]
    laws: dict[str, str]
    smooth: dict[str, float | str]
    fixed: dict[str, float]

    def check(self) -> None:
        """Raise a FitError if names are unknown or contradict each other."""
        seen: dict[int, str] = {}
        for argument in ("shared", "laws", "smooth", "fixed"):
            for name in getattr(self, argument):
                i = self._index(name, argument)
                if i in seen:
                    raise FitError(f"{self.circuit}: {name} is in {seen[i]} and in {argument}; choose one of them")
                seen[i] = argument
        if not (self.shared or self.laws or self.smooth):
            raise FitError(f"{self.circuit}: no shared parameters; give shared, laws or smooth, or use fit_many")
        for name, strength in self.smooth.items():
            if strength != "auto" and not (isinstance(strength, int | float) and 0 < strength < math.inf):
                raise FitError(f"smooth: {name}={strength!r}; give a strength above 0, or 'auto'")

    def _index(self, name: str, argument: str) -> int:
        try:
            return self.circuit.index(name)
        except CircuitError as error:
            raise FitError(f"{argument}: {error}") from error

    def check_axis(self, axis: Axis) -> None:
        """Raise a FitError if the series is not sufficient for the laws or penalties."""
        self.layout(axis)
        if self.smooth and len(axis.spectra) < 3:
            raise FitError(f"smooth: {len(axis.spectra)} spectra; give three or more")

    def layout(self, axis: Axis) -> Layout:
        """Return the layout of joint, fixed and local parameters."""
        terms = []
        for name, law in self.laws.items():
            i = self.circuit.index(name)
            kind = self.circuit.specs[i].kind
            x = axis.abscissa(name, law)
            check_law(name, law, kind, x)
            terms.append(LawTerm(name, law, i, kind == "exponent", x))
        shared = tuple((name, self.circuit.index(name)) for name in self.shared)
        fixed = {self.circuit.index(name): float(value) for name, value in self.fixed.items()}
        joint = {i for _, i in shared} | {term.index for term in terms} | set(fixed)
        local = [i for i in range(len(self.circuit.parameters)) if i not in joint]
        return Layout(self.circuit, np.array(local, dtype=np.int64), shared, tuple(terms), fixed)

    def smoothed(self, problem: JointProblem, axis: Axis, seeds: list[FitResult], variance: float) -> JointProblem:
        """Return the problem with the penalty added."""
        if not self.smooth:
            return problem
        differences = second_differences(axis.index)
        local = problem.layout.local.tolist()
        strength = np.zeros(len(local))
        for name, given in self.smooth.items():
            i = self.circuit.index(name)
            if given == "auto":
                u, u_variance = logarithms(seeds, problem)
                strength[local.index(i)] = strength_from_fits(u[:, i], u_variance[:, i], differences)
            else:
                strength[local.index(i)] = float(given)
        return replace(problem, smooth=Smoothness(strength, differences), variance=max(variance, 1e-300))


def logarithms(seeds: list[FitResult], problem: JointProblem) -> tuple[FloatArray, FloatArray]:
    """Return u of separate fits and its variance, shape (n, p) each."""
    exponent = problem.layout.exponent
    values = np.array([seed.values for seed in seeds])
    variance = np.array([np.diag(seed.covariance) for seed in seeds])
    positive = np.maximum(values, 1e-100)
    u = np.where(exponent, values, np.log(positive))
    with np.errstate(over="ignore"):
        variance = np.where(exponent, variance, variance / positive**2)
    return np.clip(u, problem.lower, problem.upper), np.clip(variance, 1e-12, 1e6)
