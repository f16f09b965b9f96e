"""Summaries of a series: extrema, trends, growth laws, reversibility, activation energy and tails."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np

from eistool.constants import BOLTZMANN_EV, SIGNIFICANT, TWO_SIDED_95, ZERO_CELSIUS
from eistool.display import Shown, format_fixed, format_value
from eistool.errors import FitError
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, FloatArray, Threshold

POWER_80 = 0.8416212335729143  # normal quantile for a power of 80 %
LEAST_GROWTH_POINTS: Annotated[
    int, Threshold("values needed to rank growth laws", "AICc with three parameters and σ needs n > 5")
] = 6
ILL_CONDITIONED: Annotated[
    float, Threshold("condition number of a growth law above which it has no errors", "engineering choice")
] = 1e3
TAIL_DECADES = 0.7  # lowest frequencies that determine whether a tail rises


@dataclass(frozen=True, slots=True)
class Extremum(Shown):
    """Minimum or maximum of a series, and the spectra that may contain it."""

    kind: str  # minimum | maximum
    index: int
    coordinate: float
    value: float
    stderr: float
    ci_low: float  # 95 %, of the value
    ci_high: float
    candidates: tuple[int, ...]  # indices of values that do not differ from it at 95 %

    def __repr__(self) -> str:
        others = f", or at {len(self.candidates) - 1} others" if len(self.candidates) > 1 else ""
        value = format_value(self.value, self.stderr)
        return f"{self.kind} {value} at {self.coordinate:g} (spectrum {self.index}{others})"


def extrema(value: FloatArray, stderr: FloatArray, coordinate: FloatArray) -> tuple[Extremum, Extremum]:
    """Return the minimum and the maximum of a quantity along a series.

    Examples
    --------
    >>> low, high = extrema(np.array([74.0, 56, 60, 76]), np.full(4, 0.5), np.array([0.0, 30, 60, 90]))
    >>> low.index, high.coordinate, low.candidates
    (1, 90.0, (1,))
    """
    known = np.flatnonzero(np.isfinite(value) & np.isfinite(stderr))
    if not known.size:
        raise FitError("extrema: no finite value in the series; check the statuses of the fits")
    results = []
    for kind, sign in (("minimum", 1.0), ("maximum", -1.0)):
        i = int(known[np.argmin(sign * value[known])])
        apart = sign * (value - value[i]) > TWO_SIDED_95 * np.hypot(stderr, stderr[i])
        same = tuple(int(k) for k in known if k == i or not apart[k])
        reach = TWO_SIDED_95 * stderr[i]
        results.append(
            Extremum(
                kind, i, float(coordinate[i]), float(value[i]), float(stderr[i]),
                float(value[i] - reach), float(value[i] + reach), same,
            )
        )  # fmt: skip
    return results[0], results[1]


@dataclass(frozen=True, slots=True)
class Trend(Shown):
    """Linear trend of a series, with errors from its scatter and autocorrelation."""

    slope: float  # per unit of the coordinate
    stderr: float
    ci_low: float  # 95 %
    ci_high: float
    autocorrelation: float  # of neighbouring residuals
    n_effective: float
    change: float  # over the whole series
    smallest_detectable_change: float  # over the whole series, with 80 % power at 95 %
    verdict: str  # growth | decline | no trend

    def __repr__(self) -> str:
        return (
            f"{self.verdict}: slope {format_value(self.slope, self.stderr)} (95 % {self.ci_low:.3g} to "
            f"{self.ci_high:.3g}), smallest detectable change {self.smallest_detectable_change:.3g}"
        )


def trend(value: FloatArray, coordinate: FloatArray) -> Trend:
    """Return the slope of a quantity along a series, with an error from its scatter.

    Correlated neighbouring residuals reduce the number of points to n(1 - ρ)/(1 + ρ).

    Raises
    ------
    FitError
        If fewer than four values are finite, or all coordinates are equal.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> result = trend(60 * (1 + 0.01 * rng.standard_normal(160)), np.arange(160.0))
    >>> result.verdict, result.ci_low < 0 < result.ci_high
    ('no trend', True)
    """
    from scipy.stats import t as student

    x, y = _known(value, coordinate, 4, "trend")
    centred = x - x.mean()
    sum_of_squares = float(centred @ centred)
    if not sum_of_squares > 0:
        raise FitError("trend: all spectra have the same coordinate; give at least two")
    slope = float(centred @ y) / sum_of_squares
    residual = y - y.mean() - slope * centred
    n = y.size
    rho = _autocorrelation(residual)
    n_effective = max(n * (1 - rho) / (1 + rho), 3.0)
    variance = float(residual @ residual) / (n - 2)
    stderr = math.sqrt(variance / sum_of_squares * n / n_effective)
    dof = max(n_effective - 2, 1.0)
    quantile = float(student.ppf(0.975, dof))
    low, high = slope - quantile * stderr, slope + quantile * stderr
    span = float(np.ptp(x))
    return Trend(
        slope, stderr, low, high, rho, n_effective, slope * span, (quantile + POWER_80) * stderr * span,
        "growth" if low > 0 else "decline" if high < 0 else "no trend",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class GrowthLaw(Shown):
    """Growth law fitted to a series; the best one has a ``delta_aicc`` of 0."""

    name: str
    equation: str
    parameters: Mapping[str, float]
    stderr: Mapping[str, float]
    aicc: float
    delta_aicc: float
    weight: float
    autocorrelation: float

    def to_dict(self) -> dict[str, Any]:
        """Return the law as plain Python objects."""
        from eistool.display import plain

        names = ("name", "equation", "aicc", "delta_aicc", "weight", "autocorrelation")
        contents: dict[str, Any] = {name: getattr(self, name) for name in names}
        as_dict: dict[str, Any] = plain(
            contents | {"parameters": dict(self.parameters), "stderr": dict(self.stderr)}
        )
        return as_dict

    def __repr__(self) -> str:
        values = ", ".join(f"{name} = {format_value(v, self.stderr[name])}" for name, v in self.parameters.items())
        return f"{self.name}: {self.equation}, {values}, ΔAICc {format_fixed(self.delta_aicc, 1)}"


Model = Callable[[FloatArray, FloatArray], FloatArray]
# name: (equation, parameters, function of t and the parameters, initial shape from the span of t)
LAWS: Mapping[str, tuple[str, tuple[str, ...], Model, Callable[[float], tuple[float, ...]]]] = MappingProxyType(
    {
        "constant": ("R0", ("R0",), lambda t, p: p[0] + 0 * t, lambda span: ()),
        "square root": ("R0 + k √t", ("R0", "k"), lambda t, p: p[0] + p[1] * np.sqrt(t), lambda span: ()),
        "linear": ("R0 + k t", ("R0", "k"), lambda t, p: p[0] + p[1] * t, lambda span: ()),
        "logarithmic": (
            "R0 + k ln(1 + t/t0)", ("R0", "k", "t0"), lambda t, p: p[0] + p[1] * np.log1p(t / p[2]),
            lambda span: (0.1 * span,),
        ),
        "power": (
            "R0 + k t^n", ("R0", "k", "n"),
            lambda t, p: p[0] + p[1] * np.where(t > 0, t, 1e-300) ** p[2], lambda span: (0.7,),
        ),
        "saturating": (
            "R0 + A (1 - exp(-t/t0))", ("R0", "A", "t0"), lambda t, p: p[0] - p[1] * np.expm1(-t / p[2]),
            lambda span: (0.4 * span,),
        ),
    }
)  # fmt: skip


def growth_laws(value: FloatArray, time: FloatArray, stderr: FloatArray | None = None) -> list[GrowthLaw]:
    """Fit growth laws and rank them by AICc, with the number of data corrected for autocorrelation.

    A √t law suggests diffusion control but does not prove it.

    Parameters
    ----------
    value : FloatArray, shape (n,)
        Resistances.
    time : FloatArray, shape (n,)
        Times; the first one becomes 0.
    stderr : FloatArray, shape (n,), optional
        Standard errors; equal weights by default.

    Raises
    ------
    FitError
        If fewer than six values are finite.

    References
    ----------
    .. [1] C. M. Hurvich, C.-L. Tsai, Biometrika 76 (1989) 297, doi:10.1093/biomet/76.2.297

    Examples
    --------
    >>> t = np.linspace(0, 30, 31)
    >>> rng = np.random.default_rng(1)
    >>> laws = growth_laws((60 + 5649 * np.sqrt(t)) * (1 + 0.003 * rng.standard_normal(31)), t)
    >>> laws[0].name
    'square root'
    """
    known = np.isfinite(value) & np.isfinite(time)
    if stderr is not None:
        known &= np.isfinite(stderr) & (stderr > 0)
    y, t = value[known], time[known]
    if y.size < LEAST_GROWTH_POINTS:
        raise FitError(f"growth laws: {y.size} values; give {LEAST_GROWTH_POINTS} or more")
    t = t - t.min()
    u = np.full(y.size, float(np.median(np.abs(y))) or 1.0) if stderr is None else stderr[known]
    fitted = {name: _fit_law(name, t, y, u) for name in LAWS}
    # the autocorrelation belongs to the data: that of the best law is used for all
    best = min(fitted.values(), key=lambda fit: fit[2])
    rho = _autocorrelation(best[3])
    n = max(y.size * (1 - rho) / (1 + rho), 4.0)
    laws = []
    for name, (parameters, covariance, squares, _) in fitted.items():
        k = parameters.size + 1
        aicc = n * math.log(max(squares, 1e-300) / y.size) + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 0.5)
        errors = np.sqrt(np.diag(covariance) * y.size / n)
        names = LAWS[name][1]
        laws.append(
            (
                aicc,
                name,
                dict(zip(names, parameters.tolist(), strict=True)),
                dict(zip(names, errors.tolist(), strict=True)),
            )
        )
    laws.sort(key=lambda law: law[0])
    least = laws[0][0]
    total = sum(math.exp(-0.5 * (law[0] - least)) for law in laws)
    return [
        GrowthLaw(
            name, LAWS[name][0], values, errors, aicc, aicc - least, math.exp(-0.5 * (aicc - least)) / total, rho
        )
        for aicc, name, values, errors in laws
    ]


def _fit_law(
    name: str, t: FloatArray, y: FloatArray, u: FloatArray
) -> tuple[FloatArray, FloatArray, float, FloatArray]:
    """Return parameters, covariance, weighted sum of squares and residuals of a law."""
    from scipy.optimize import least_squares

    _, names, model, start = LAWS[name]
    shape = start(float(t.max()))
    scale = float(np.ptp(y)) or 1.0
    n_linear = len(names) - len(shape)

    def amplitudes(of: FloatArray) -> FloatArray:
        columns = [np.ones_like(t)]
        if n_linear > 1:
            columns.append(model(t, np.array([0.0, 1.0, *of])))
        solution, *_ = np.linalg.lstsq(np.column_stack(columns) / u[:, None], y / u, rcond=None)
        return np.array([*solution, *of])

    def residual(log_shape: FloatArray) -> FloatArray:
        return (model(t, amplitudes(np.exp(log_shape))) - y) / u

    if shape:
        low, high = (
            (np.log(0.05), np.log(3.0)) if name == "power" else (np.log(1e-3 * t.max()), np.log(1e2 * t.max()))
        )
        solution = least_squares(residual, np.log(np.array(shape)), bounds=(low, high))
        parameters = amplitudes(np.exp(solution.x))
    else:
        parameters = amplitudes(np.empty(0))
    r = (model(t, parameters) - y) / u
    step = 1e-6 * np.where(parameters != 0, np.abs(parameters), scale)
    jacobian = (
        np.column_stack(
            [
                (model(t, parameters + d) - model(t, parameters - d)) / (2 * d[i])
                for i, d in enumerate(np.diag(step))
            ]
        )
        / u[:, None]
    )
    squares = float(r @ r)
    # parameters that the data do not distinguish have no errors
    norm = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(norm > 0, norm, 1.0)
    if np.linalg.cond(scaled) > ILL_CONDITIONED:
        return parameters, np.full((parameters.size, parameters.size), np.nan), squares, r
    inverse = np.linalg.inv(scaled.T @ scaled) / np.outer(norm, norm)
    return parameters, inverse * squares / max(y.size - parameters.size, 1), squares, r


@dataclass(frozen=True, slots=True)
class ReversibleFraction(Shown):
    """Share of a growth that is reversed at the end: 1 all of it, 0 none."""

    value: float
    stderr: float
    before: float
    highest: float
    after: float

    def __repr__(self) -> str:
        return f"reversible fraction {format_value(self.value, self.stderr)}"


def reversible_fraction(value: FloatArray, stderr: FloatArray) -> ReversibleFraction:
    """Return (R_highest - R_last) / (R_highest - R_first) of a series.

    Raises
    ------
    FitError
        If fewer than three values are finite, or the growth is below three standard errors.

    Examples
    --------
    >>> reversible_fraction(np.array([60.0, 1060, 31060, 160]), np.array([1.0, 5, 100, 1]))
    reversible fraction 0.996774 ± 0.000047
    """
    known = np.flatnonzero(np.isfinite(value) & np.isfinite(stderr))
    if known.size < 3:
        raise FitError(f"reversible fraction: {known.size} values; give three or more")
    first, last = int(known[0]), int(known[-1])
    top = int(known[np.argmax(value[known])])
    growth = float(value[top] - value[first])
    u_growth = math.hypot(stderr[top], stderr[first])
    if top in (first, last) or not growth > SIGNIFICANT * u_growth:
        raise FitError("reversible fraction: no significant growth before the last value")
    share = float(value[top] - value[last]) / growth
    # derivatives by R_first, R_top and R_last, times their errors
    parts = (share * stderr[first], (1 - share) * stderr[top], stderr[last])
    u = math.sqrt(sum(float(part) ** 2 for part in parts)) / growth
    return ReversibleFraction(share, u, float(value[first]), float(value[top]), float(value[last]))


@dataclass(frozen=True, slots=True)
class ActivationEnergy(Shown):
    """Activation energy of a process from its resistances."""

    Ea_eV: float
    u_Ea_eV: float
    form: str  # ln(1/R) | ln(T/R)
    n_points: int

    def __repr__(self) -> str:
        return f"Ea {format_value(self.Ea_eV, self.u_Ea_eV)} eV from {self.form} at {self.n_points} temperatures"


def activation_energy(
    value: FloatArray, stderr: FloatArray, temperature_C: FloatArray, form: str = "ln(T/R)"
) -> ActivationEnergy:
    """Return Ea from ln(T/R) or ln(1/R) against 1/T, by weighted least squares.

    The error is the larger of those from the resistances and from the scatter; temperatures count as exact.

    Raises
    ------
    FitError
        If the form is unknown, fewer than three values are finite, or all temperatures are equal.

    Examples
    --------
    >>> T = np.array([-20.0, 0, 20, 40])
    >>> R = (T + 273.15) * np.exp(0.31 / (8.617333262e-5 * (T + 273.15)))
    >>> activation_energy(R, 0.01 * R, T)
    Ea 0.3100 ± 0.0015 eV from ln(T/R) at 4 temperatures
    """
    if form not in ("ln(T/R)", "ln(1/R)"):
        raise FitError(f"activation energy: form={form!r}; choose ln(T/R) or ln(1/R)")
    known = np.isfinite(value) & np.isfinite(stderr) & (value > 0) & (stderr > 0)
    if np.count_nonzero(known) < 3:
        raise FitError(
            f"activation energy: {np.count_nonzero(known)} resistances; give three or more temperatures"
        )
    R, u, kelvin = value[known], stderr[known], temperature_C[known] + ZERO_CELSIUS
    y = np.log(kelvin / R) if form == "ln(T/R)" else -np.log(R)
    weight = np.square(R / u)
    x = 1 / (BOLTZMANN_EV * kelvin)
    mean = np.average(x, weights=weight)
    sum_of_squares = float(weight @ np.square(x - mean))
    if not sum_of_squares > 0:
        raise FitError("activation energy: all spectra have the same temperature; give at least two")
    slope = float(weight @ ((x - mean) * y)) / sum_of_squares
    residual = y - np.average(y, weights=weight) - slope * (x - mean)
    scatter = float(weight @ np.square(residual)) / (R.size - 2)
    return ActivationEnergy(-slope, math.sqrt(max(scatter, 1.0) / sum_of_squares), form, int(R.size))


@dataclass(frozen=True, slots=True, eq=False)
class DiffusionTail(Shown):
    """Ratio -Z''/Z' of each spectrum at one low frequency, and whether -Z'' still rises there."""

    frequency_Hz: float
    index: FloatArray  # shape (n,)
    stderr: FloatArray
    present: BoolArray

    def to_dict(self) -> dict[str, Any]:
        """Return the tail as plain Python objects."""
        return {
            "frequency_Hz": self.frequency_Hz,
            "index": self.index.tolist(),
            "stderr": self.stderr.tolist(),
            "present": self.present.tolist(),
        }

    def __repr__(self) -> str:
        there = ", ".join(str(i) for i in np.flatnonzero(self.present))
        return f"diffusion tail at {self.frequency_Hz:g} Hz in spectra {there or 'none'} of {self.index.size}"


def diffusion_tail(spectra: Sequence[Spectrum], noise: FloatArray) -> DiffusionTail:
    """Return the diffusion tail of each spectrum at the lowest frequency common to all.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Spectra of a series.
    noise : FloatArray, shape (n,)
        Standard deviation of each part relative to |Z|.

    Examples
    --------
    >>> from eistool import simulate
    >>> f = np.geomspace(1e4, 0.1, 41)
    >>> with_tail = simulate("R0-p(R1,C1)-W1", f, [10, 20, 1e-4, 5])
    >>> diffusion_tail([with_tail, simulate("R0-p(R1,C1)", f, [10, 20, 1e-4])], np.full(2, 1e-3))
    diffusion tail at 0.1 Hz in spectra 0 of 2
    """
    lowest = max(float(s.frequency[s.mask].min()) for s in spectra)
    index, u, present = (np.empty(len(spectra)) for _ in range(3))
    for i, s in enumerate(spectra):
        order = np.argsort(s.frequency[s.mask])
        f, z = s.frequency[s.mask][order], s.impedance[s.mask][order]
        at = complex(
            np.interp(math.log(lowest), np.log(f), z.real), np.interp(math.log(lowest), np.log(f), z.imag)
        )
        index[i] = -at.imag / at.real
        u[i] = float(noise[i]) * abs(at) / at.real * math.hypot(1.0, index[i])
        near = (f >= lowest * (1 - 1e-9)) & (f <= lowest * 10**TAIL_DECADES)
        present[i] = (
            _rises(-np.log(f[near]), -z.imag[near], float(noise[i]) * np.abs(z[near]))
            and index[i] > SIGNIFICANT * u[i]
        )
    return DiffusionTail(lowest, index, u, present.astype(np.bool_))


def _rises(x: FloatArray, y: FloatArray, u: FloatArray) -> bool:
    if x.size < 3:
        return False
    centred = x - np.average(x, weights=1 / u**2)
    information = float(np.sum(np.square(centred / u)))
    return bool(np.sum(centred * y / u**2) / information > SIGNIFICANT / math.sqrt(information))


def _known(value: FloatArray, coordinate: FloatArray, least: int, what: str) -> tuple[FloatArray, FloatArray]:
    known = np.isfinite(value) & np.isfinite(coordinate)
    if np.count_nonzero(known) < least:
        raise FitError(f"{what}: {np.count_nonzero(known)} values; give {least} or more")
    return coordinate[known], value[known]


def _autocorrelation(residual: FloatArray) -> float:
    energy = float(residual @ residual)
    rho = float(residual[1:] @ residual[:-1]) / energy if energy > 0 else 0.0
    # without autocorrelation its expectation is about -1/n
    return float(np.clip(rho + 1 / residual.size, 0.0, 0.95))
