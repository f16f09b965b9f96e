"""What a series tells as a whole: extremes, trends, growth laws, reversibility, activation energy, tails."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from eistool.constants import BOLTZMANN_EV, TWO_SIDED_95, ZERO_CELSIUS
from eistool.display import Shown, format_value
from eistool.errors import FitError
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, FloatArray

POWER_80 = 0.8416212335729143  # of a test of the change: the smallest that 4 of 5 such series would show
LEAST_GROWTH_POINTS = 6
ILL_CONDITIONED = 1e3  # of a law whose parameters the data do not tell apart
TAIL_DECADES = 0.7  # lowest frequencies that tell whether a tail rises
SIGNIFICANT = 3.0


@dataclass(frozen=True, slots=True)
class Extremum(Shown):
    """The least or the largest value of a series, and the spectra that may hold it."""

    kind: str  # minimum | maximum
    index: int
    coordinate: float
    value: float
    stderr: float
    ci_low: float  # 95 %, of the value
    ci_high: float
    candidates: tuple[int, ...]  # indices whose value does not differ from it at 95 %

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
        raise FitError("extrema: no finite value in the series; look at the fits' statuses")
    found = []
    for kind, sign in (("minimum", 1.0), ("maximum", -1.0)):
        i = int(known[np.argmin(sign * value[known])])
        apart = sign * (value - value[i]) > TWO_SIDED_95 * np.hypot(stderr, stderr[i])
        same = tuple(int(k) for k in known if k == i or not apart[k])
        reach = TWO_SIDED_95 * stderr[i]
        found.append(
            Extremum(
                kind, i, float(coordinate[i]), float(value[i]), float(stderr[i]),
                float(value[i] - reach), float(value[i] + reach), same,
            )
        )  # fmt: skip
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class Trend(Shown):
    """A straight line through a series, with what scatter and its memory allow to say."""

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
    """Return the slope of a quantity along a series, from its scatter.

    Neighbouring residuals may be correlated: they then count as fewer points, n(1 - ρ)/(1 + ρ).

    Raises
    ------
    FitError
        If fewer than four values are known.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = trend(60 * (1 + 0.01 * rng.standard_normal(160)), np.arange(160.0))
    >>> found.verdict, found.ci_low < 0 < found.ci_high
    ('no trend', True)
    """
    from scipy.stats import t as student

    x, y = _known(value, coordinate, 4, "trend")
    centred = x - x.mean()
    spread = float(centred @ centred)
    if not spread > 0:
        raise FitError("trend: all spectra have one coordinate; give a series that moves")
    slope = float(centred @ y) / spread
    residual = y - y.mean() - slope * centred
    n = y.size
    rho = _autocorrelation(residual)
    n_effective = max(n * (1 - rho) / (1 + rho), 3.0)
    variance = float(residual @ residual) / (n - 2)
    stderr = math.sqrt(variance / spread * n / n_effective)
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
    """One law of growth, fitted to a series; the first of several has a ``delta_aicc`` of 0."""

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
        own: dict[str, Any] = {name: getattr(self, name) for name in names}
        as_dict: dict[str, Any] = plain(own | {"parameters": dict(self.parameters), "stderr": dict(self.stderr)})
        return as_dict

    def __repr__(self) -> str:
        values = ", ".join(f"{name} = {format_value(v, self.stderr[name])}" for name, v in self.parameters.items())
        return f"{self.name}: {self.equation}, {values}, ΔAICc {self.delta_aicc:.1f}"


Model = Callable[[FloatArray, FloatArray], FloatArray]
# name: (equation, parameters, function of t and the parameters, start from the span of t)
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
    """Fit laws of growth and rank them by AICc; the number of data is corrected for autocorrelation.

    √t suggests that diffusion controls, and proves nothing.

    Parameters
    ----------
    value : FloatArray, shape (n,)
        A resistance.
    time : FloatArray, shape (n,)
        Counted from its first value.
    stderr : FloatArray, shape (n,), optional
        By default all values count alike.

    Raises
    ------
    FitError
        If fewer than six values are known.

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
    # the memory of the residuals is a property of the data: that of the best law holds for all
    best = min(fitted.values(), key=lambda own: own[2])
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
        found = least_squares(residual, np.log(np.array(shape)), bounds=(low, high))
        parameters = amplitudes(np.exp(found.x))
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
    # parameters that the data do not tell apart have no error
    norm = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(norm > 0, norm, 1.0)
    if np.linalg.cond(scaled) > ILL_CONDITIONED:
        return parameters, np.full((parameters.size, parameters.size), np.nan), squares, r
    inverse = np.linalg.inv(scaled.T @ scaled) / np.outer(norm, norm)
    return parameters, inverse * squares / max(y.size - parameters.size, 1), squares, r


@dataclass(frozen=True, slots=True)
class ReversibleFraction(Shown):
    """Which share of a growth is gone after the return: 1 all of it, 0 none."""

    value: float
    stderr: float
    before: float
    highest: float
    after: float

    def __repr__(self) -> str:
        return f"reversible fraction {format_value(self.value, self.stderr)}"


def reversible_fraction(value: FloatArray, stderr: FloatArray) -> ReversibleFraction:
    """Return (R_highest - R_last) / (R_highest - R_first) of a series that comes back.

    Raises
    ------
    FitError
        If fewer than three values are known, or nothing grew beyond three standard errors.

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
        raise FitError("reversible fraction: nothing grew and came back in this series")
    share = float(value[top] - value[last]) / growth
    # by R_first, R_top and R_last
    parts = (share * stderr[first], (1 - share) * stderr[top], stderr[last])
    u = math.sqrt(sum(float(part) ** 2 for part in parts)) / growth
    return ReversibleFraction(share, u, float(value[first]), float(value[top]), float(value[last]))


@dataclass(frozen=True, slots=True)
class ActivationEnergy(Shown):
    """Activation energy of a process, from its resistances."""

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

    The error is the larger of that of the resistances and that of the scatter; temperatures count as exact.

    Raises
    ------
    FitError
        If the form is unknown or fewer than three values are known.

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
    spread = float(weight @ np.square(x - mean))
    if not spread > 0:
        raise FitError("activation energy: all spectra have one temperature; give a series that moves")
    slope = float(weight @ ((x - mean) * y)) / spread
    residual = y - np.average(y, weights=weight) - slope * (x - mean)
    scatter = float(weight @ np.square(residual)) / (R.size - 2)
    return ActivationEnergy(-slope, math.sqrt(max(scatter, 1.0) / spread), form, int(R.size))


@dataclass(frozen=True, slots=True, eq=False)
class DiffusionTail(Shown):
    """-Z''/Z' of each spectrum at one low frequency, and whether -Z'' still rises there."""

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
    """Return the diffusion tail of each spectrum at the lowest frequency that all of them reach.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Of a series.
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
    # its expectation without any memory is about -1/n
    return float(np.clip(rho + 1 / residual.size, 0.0, 0.95))
