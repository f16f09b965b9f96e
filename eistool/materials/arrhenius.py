"""Activation energies: ln(σT) against 1/T with its covariance, and competing laws."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.display import Shown, format_fixed, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.fitting.result import UNRESOLVED
from eistool.forwarding import forward
from eistool.materials.arrhenius_curvature import competing_laws
from eistool.materials.arrhenius_line import Line, axes, information, predict, weighted_line
from eistool.typing import BoolArray, FloatArray, Threshold

if TYPE_CHECKING:
    import pandas as pd

FORMS = ("ln_sigmaT", "ln_sigma")
ROOM_C = 25.0  # °C, room temperature
OUTLYING: Annotated[
    float,
    Threshold(
        "robust standard deviations of an outlier of an Arrhenius line",
        "modified z-score of Iglewicz and Hoaglin, How to Detect and Handle Outliers, ASQC 1993",
    ),
] = 3.5
UNLIKELY: Annotated[
    float, Threshold("probability of a larger χ² below which scatter is flagged", "level of 1 %")
] = 0.01
CURVED: Annotated[
    float,
    Threshold("AICc by which another law must be lower to be flagged", "Burnham and Anderson, doi:10.1007/b97636"),
] = 4.0
KJ_PER_MOL = 96.48533212  # kJ/mol per eV


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Alternative(Shown):
    """Alternative description of the same points; nan for undefined numbers."""

    form: str  # ln_sigma | vft | piecewise | global
    Ea_eV: float
    u_Ea_eV: float
    ln_sigma0: float
    u_ln_sigma0: float
    sigma_25C_S_per_cm: float
    u_sigma_25C_S_per_cm: float
    chi2: float
    aicc: float
    delta_aicc: float  # relative to the reported form; negative if it describes the points better
    parameters: Mapping[str, float]
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrhenius:
    """Straight line through ln(σT), or ln σ, against 1/T.

    Attributes
    ----------
    form : {"ln_sigmaT", "ln_sigma"}
        σT = σ0 exp(-Ea/kBT), with σ0 in S K/cm, or σ = σ0 exp(-Ea/kBT), in S/cm. The energies differ.
    covariance : FloatArray, shape (2, 2)
        Covariance of Ea_eV and ln_sigma0, including errors common to all points.
    sigma_25C_S_per_cm, sigma_25C_low, sigma_25C_high : float
        With its 95 % interval; ``sigma_25C_status`` is ``extrapolated`` outside the measured temperatures.
    used, extrapolated : BoolArray, shape (n,)
        Masks of the fitted points, and of points with an extrapolated conductivity.
    chi2_reduced : float
        Ratio of the scatter to the given errors, squared.
    status : {"ok", "extrapolated", "not_resolvable"}
        ``extrapolated`` if at least half of the points are.
    """

    label: str
    form: str
    temperature_C: FloatArray
    conductivity: FloatArray
    u_conductivity: FloatArray
    used: BoolArray
    extrapolated: BoolArray
    Ea_eV: float
    u_Ea_eV: float
    ln_sigma0: float
    u_ln_sigma0: float
    covariance: FloatArray
    sigma_25C_S_per_cm: float
    u_sigma_25C_S_per_cm: float
    sigma_25C_low: float
    sigma_25C_high: float
    sigma_25C_status: str
    chi2_reduced: float
    quantile: float  # of the 95 % intervals
    alternatives: tuple[Alternative, ...]
    status: str
    reason: str
    flags: tuple[str, ...]

    @property
    def Ea_kJ_per_mol(self) -> float:  # noqa: N802  # the name contains the unit
        """Activation energy in kJ/mol."""
        return self.Ea_eV * KJ_PER_MOL

    @property
    def n_points(self) -> int:
        """Number of fitted points."""
        return int(self.used.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the activation energy in eV."""
        half = self.quantile * self.u_Ea_eV
        return self.Ea_eV - half, self.Ea_eV + half

    def predict(self, temperature_C: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return σ in S/cm at the given temperatures, and its standard uncertainty."""
        return predict(self.form, self.Ea_eV, self.ln_sigma0, self.covariance, np.asarray(temperature_C, float))

    def plot_arrhenius(self, ax: Any = None, product: bool = False) -> Any:
        """Draw σ, or σT, over 1000/T on axes of matplotlib, and return them."""
        return forward("plot_arrhenius")(self, ax, product)

    def systematics(
        self,
        cell_constant_per_cm: float | None = None,
        *,
        offset_K: float = 1.0,
        lag: float = 0.02,
        lead_ohm: float = 1.0,
    ) -> dict[str, float]:
        """Return the corrections of Ea in eV for systematic errors.

        Parameters
        ----------
        cell_constant_per_cm : float, optional
            L/A, needed for the effect of a lead.
        offset_K : float
            Offset by which all temperatures are too low.
        lag : float
            Relative lag of the sample temperature behind its difference from 25 °C.
        lead_ohm : float
            Lead resistance that was not subtracted.

        Notes
        -----
        The true energy is the fitted one plus the returned value. An offset hardly matters; a lag and a lead
        make Ea too small.
        """
        T, sigma = self.temperature_C[self.used], self.conductivity[self.used]
        if not math.isfinite(self.Ea_eV):
            return {}
        weight = self._weights()
        corrections = {
            "offset": self._energy(T + offset_K, sigma, weight) - self.Ea_eV,
            "lag": self._energy(ROOM_C + (1 - lag) * (T - ROOM_C), sigma, weight) - self.Ea_eV,
        }
        if cell_constant_per_cm is not None:
            without = cell_constant_per_cm / sigma - lead_ohm
            possible = bool(np.all(without > 0))
            corrections["lead"] = math.nan
            if possible:
                corrections["lead"] = self._energy(T, cell_constant_per_cm / without, weight) - self.Ea_eV
        return corrections

    def _weights(self) -> FloatArray:
        relative = self.u_conductivity[self.used] / self.conductivity[self.used]
        return np.where(np.isfinite(relative) & (relative > 0), relative, 1.0) ** -2.0

    def _energy(self, temperature_C: FloatArray, sigma: FloatArray, weight: FloatArray) -> float:
        x, y = axes(self.form, temperature_C, sigma)
        return -float(weighted_line(x, y, weight)[0][1])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python objects; None for missing numbers."""
        contents = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: value.tolist() for name, value in contents.items() if isinstance(value, np.ndarray)}
        as_dict: dict[str, Any] = plain(contents | arrays)
        return as_dict

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table with one row per point: temperature, conductivity, line and residual in ln σ."""
        import pandas as pd

        line, _ = self.predict(self.temperature_C)
        return pd.DataFrame(
            {
                "temperature_C": self.temperature_C,
                "sigma_S_per_cm": self.conductivity,
                "u_sigma_S_per_cm": self.u_conductivity,
                "line_S_per_cm": line,
                "residual_ln": np.log(self.conductivity / line),
                "used": self.used,
                "extrapolated": self.extrapolated,
            }
        )

    def __repr__(self) -> str:
        head = f"Arrhenius of {self.label!r}, " if self.label else "Arrhenius, "
        head += f"{self.form}, {self.n_points} points: "
        if self.status == "not_resolvable":
            return f"{head}not resolvable ({self.reason})"
        lines = [f"{head}Ea = {format_value(self.Ea_eV, self.u_Ea_eV)} eV, {self.status}"]
        sigma = format_value(self.sigma_25C_S_per_cm, self.u_sigma_25C_S_per_cm)
        lines += [f"  ln(sigma0) = {format_value(self.ln_sigma0, self.u_ln_sigma0)}"]
        lines += [f"  sigma(25 °C) = {sigma} S/cm, {self.sigma_25C_status}"]
        lines += [f"  flag: {flag}" for flag in self.flags]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (self.form, format_value(self.Ea_eV, self.u_Ea_eV), format_value(self.ln_sigma0, self.u_ln_sigma0),
             format_value(self.sigma_25C_S_per_cm, self.u_sigma_25C_S_per_cm), "", self.status)
        ]  # fmt: skip
        rows += [
            (one.form, format_value(one.Ea_eV, one.u_Ea_eV), format_value(one.ln_sigma0, one.u_ln_sigma0),
             format_value(one.sigma_25C_S_per_cm, one.u_sigma_25C_S_per_cm),
             format_fixed(one.delta_aicc, 1, "+") if math.isfinite(one.delta_aicc) else "", one.status)
            for one in self.alternatives
        ]  # fmt: skip
        columns = ("form", "Ea in eV", "ln σ0", "σ(25 °C) in S/cm", "ΔAICc", "status")
        return html_table(f"Arrhenius {self.label}: {self.n_points} points", columns, rows)


def arrhenius(
    temperature_C: ArrayLike,
    conductivity: ArrayLike,
    u_conductivity: ArrayLike | None = None,
    *,
    form: str = "ln_sigmaT",
    u_geometry: float = 0.0,
    u_temperature_K: ArrayLike | None = None,
    extrapolated: Sequence[bool] | None = None,
    robust: bool = False,
    label: str = "",
) -> Arrhenius:
    """Return the activation energy and pre-exponential factor of a conductivity.

    Parameters
    ----------
    temperature_C, conductivity : array_like, shape (n,)
        In °C and S/cm; for the activation energy of an interface, 1/R.
    u_conductivity : array_like, shape (n,), optional
        Independent standard uncertainties of the points; by default from the scatter about the line.
    form : {"ln_sigmaT", "ln_sigma"}
        Whether σT or σ follows exp(-Ea/kBT).
    u_geometry : float
        Relative error common to all conductivities, which affects σ0 only.
    u_temperature_K : array_like, optional
        Standard uncertainty of the temperatures. It counts as scatter for the energy and as an offset for σ,
        the worse case for either.
    extrapolated : sequence of bool, optional
        Mask of extrapolated conductivities, which are used and flagged.
    robust : bool
        Whether to omit points more than 3.5 robust standard deviations from the line.
    label : str
        Label of the result.

    Raises
    ------
    SpectrumError
        If lengths differ, or a conductivity, an error or a temperature is out of range.

    Notes
    -----
    Weighted least squares. Given errors are increased if the points scatter beyond them (χ² above its
    degrees of freedom). From 8 temperatures, the Vogel-Fulcher-Tammann law σ = A T^(-1/2) exp(-B/(T - T0))
    and two straight lines are compared by AICc; with fewer, its penalty alone would decide.

    References
    ----------
    .. [1] Y. Gao et al., Chem. Rev. 120 (2020) 5954, doi:10.1021/acs.chemrev.9b00747

    Examples
    --------
    >>> import numpy as np
    >>> T = np.array([-40.0, -20, 0, 20, 40, 60])
    >>> sigma = np.exp(11.731 - 0.31 / (8.617333262e-5 * (T + 273.15))) / (T + 273.15)
    >>> line = arrhenius(T, sigma, 0.01 * sigma)
    >>> f"{line.Ea_eV:.3f} eV, {1e3 * line.sigma_25C_S_per_cm:.2f} mS/cm at 25 °C"
    '0.310 eV, 2.40 mS/cm at 25 °C'
    >>> f"{arrhenius(T, sigma, form='ln_sigma').Ea_eV:.3f} eV"  # the energy depends on the form
    '0.286 eV'
    """
    points = _Points.of(temperature_C, conductivity, u_conductivity, u_temperature_K, extrapolated, form, label)
    used = np.ones(points.T.size, dtype=bool)
    flags = []
    if np.unique(points.T).size >= 4:
        off = _outliers(points)
        if off.any():
            names = ", ".join(f"{t:g} °C" for t in points.T[off])
            flags.append(
                f"{names} {'omitted, far from' if robust else 'lies far from'} the line of the other points"
            )
            if robust:
                used = ~off
    return _assemble(points, used, u_geometry, flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """Checked points; u are independent relative errors of σ."""

    label: str
    form: str
    T: FloatArray  # °C
    sigma: FloatArray
    u: FloatArray | None
    u_given: FloatArray  # in S/cm; nan if not given
    u_kelvin: float  # largest error of a temperature in K
    extrapolated: BoolArray

    @classmethod
    def of(
        cls,
        temperature_C: ArrayLike,
        conductivity: ArrayLike,
        u_conductivity: ArrayLike | None,
        u_temperature_K: ArrayLike | None,
        extrapolated: Sequence[bool] | None,
        form: str,
        label: str,
    ) -> "_Points":
        who = f"Arrhenius {label}".strip()
        if form not in FORMS:
            raise SpectrumError(f"{who}: form={form!r}; choose {', '.join(FORMS)}")
        try:
            T = np.atleast_1d(np.asarray(temperature_C, dtype=np.float64))
            sigma = np.atleast_1d(np.asarray(conductivity, dtype=np.float64))
            u = None if u_conductivity is None else np.broadcast_to(np.asarray(u_conductivity, float), T.shape)
            u_T = np.broadcast_to(np.asarray(0.0 if u_temperature_K is None else u_temperature_K, float), T.shape)
        except (TypeError, ValueError) as error:
            raise SpectrumError(
                f"{who}: expected numbers, with as many errors as temperatures ({error})"
            ) from error
        flagged = np.zeros(T.shape, dtype=bool) if extrapolated is None else np.asarray(extrapolated, dtype=bool)
        if T.ndim != 1 or not T.shape == sigma.shape == flagged.shape:
            raise SpectrumError(
                f"{who}: {T.size} temperatures and {sigma.size} conductivities; give as many of each"
            )
        kelvin = T + ZERO_CELSIUS
        checks: list[tuple[BoolArray, str, FloatArray, str]] = [
            (np.isfinite(T) & (kelvin > 0), "temperature_C", T, "above -273.15"),
            (np.isfinite(sigma) & (sigma > 0), "conductivity", sigma, "above 0, without unresolved points"),
            (np.isfinite(u_T) & (u_T >= 0), "u_temperature_K", u_T, "not negative"),
        ]
        if u is not None:
            checks.append((np.isfinite(u) & (u > 0), "u_conductivity", u, "above 0, or no errors"))
        for good, name, values, wanted in checks:
            if not good.all():
                i = int(np.argmin(good))
                raise SpectrumError(f"{who}: point {i}, {name}={values[i]}; give values {wanted}")
        relative = None if u is None else u / sigma
        if u_T.any():
            slope = np.abs(_mean_energy(form, T, sigma) / (BOLTZMANN_EV * kelvin) - (form == "ln_sigmaT"))
            relative = np.hypot(0.0 if relative is None else relative, slope * u_T / kelvin)
        shown = np.full(T.shape, math.nan) if u is None else np.array(u)
        return cls(
            label=label, form=form, T=T, sigma=sigma, u=relative, u_given=shown,
            u_kelvin=float(u_T.max(initial=0.0)), extrapolated=flagged,
        )  # fmt: skip


def _mean_energy(form: str, T: FloatArray, sigma: FloatArray) -> float:
    if np.unique(T).size < 2:
        return 0.0
    x, y = axes(form, T, sigma)
    return -float(weighted_line(x, y, np.ones_like(x))[0][1])


def _outliers(points: _Points) -> BoolArray:
    """Return the mask of points far from the line of the majority."""
    from scipy.stats import theilslopes

    x, y = axes(points.form, points.T, points.sigma)
    slope, *_ = theilslopes(y, x)
    residual = y - slope * x
    residual = residual - np.median(residual)
    scale = np.ones_like(residual) if points.u is None else points.u
    # the median of few deviations may be small by chance: it is at least the given errors
    typical = 1.4826 * float(np.median(np.abs(residual / scale)))
    least = 1e-9 if points.u is None else 1.0
    off: BoolArray = np.abs(residual / scale) > OUTLYING * max(typical, least)
    return off if 0 < off.sum() <= x.size // 3 and np.unique(points.T[~off]).size >= 3 else np.zeros_like(off)


def _assemble(points: _Points, used: BoolArray, u_geometry: float, flags: list[str]) -> Arrhenius:
    T, sigma = points.T[used], points.sigma[used]
    u = None if points.u is None else points.u[used]
    reason = _unresolved_reason(T, u)
    common: dict[str, Any] = {
        "label": points.label, "form": points.form, "temperature_C": points.T, "conductivity": points.sigma,
        "u_conductivity": points.u_given, "used": used, "extrapolated": points.extrapolated,
    }  # fmt: skip
    if reason:
        nothing: dict[str, Any] = dict.fromkeys(
            ("Ea_eV", "u_Ea_eV", "ln_sigma0", "u_ln_sigma0", "sigma_25C_S_per_cm", "u_sigma_25C_S_per_cm",
             "sigma_25C_low", "sigma_25C_high", "chi2_reduced", "quantile"), math.nan,
        )  # fmt: skip
        return Arrhenius(
            **common, **nothing, covariance=np.full((2, 2), math.nan), sigma_25C_status="not_resolvable",
            alternatives=(), status="not_resolvable", reason=reason, flags=tuple(flags),
        )  # fmt: skip
    line = Line.of(points.form, T, sigma, u)
    shared = u_geometry**2
    covariance = line.covariance + np.array([[0.0, 0.0], [0.0, shared]])
    sigma_25, u_25 = predict(points.form, line.energy, line.level, covariance, np.array([ROOM_C]))
    kelvin = ROOM_C + ZERO_CELSIUS
    of_offset = (line.energy / (BOLTZMANN_EV * kelvin) - 1) * points.u_kelvin / kelvin
    relative = math.hypot(float(u_25[0] / sigma_25[0]), of_offset)
    inside = T.min() - 5 <= ROOM_C <= T.max() + 5
    if points.extrapolated[used].any():
        flags.append(f"{int(points.extrapolated[used].sum())} of {T.size} conductivities are extrapolated")
    if u is not None and T.size > 2 and line.p_value < UNLIKELY:
        flags.append(f"the points scatter beyond their errors (reduced chi2 {line.chi2_reduced:.3g})")
    if T.size == 2:
        flags.append("two points: the law is not tested")
    alternatives = _alternatives(points.form, T, sigma, u, line)
    flags += [
        f"{one.form} describes the points better (ΔAICc {one.delta_aicc:+.1f}); Ea is a mean over "
        f"{T.min():g} to {T.max():g} °C"
        for one in alternatives
        if one.delta_aicc < -CURVED and one.form in ("vft", "piecewise")
    ]
    u_energy = math.sqrt(covariance[0, 0])
    status = "extrapolated" if 2 * points.extrapolated[used].sum() >= T.size else "ok"
    vague = not u_energy <= UNRESOLVED * abs(line.energy)
    half = line.quantile * relative
    return Arrhenius(
        **common,
        Ea_eV=line.energy,
        u_Ea_eV=u_energy,
        ln_sigma0=line.level,
        u_ln_sigma0=math.sqrt(covariance[1, 1]),
        covariance=covariance,
        sigma_25C_S_per_cm=float(sigma_25[0]),
        u_sigma_25C_S_per_cm=float(sigma_25[0]) * relative,
        sigma_25C_low=float(sigma_25[0]) * math.exp(-half),
        sigma_25C_high=float(sigma_25[0]) * math.exp(half),
        sigma_25C_status="ok" if inside else "extrapolated",
        chi2_reduced=line.chi2_reduced if u is not None else math.nan,
        quantile=line.quantile,
        alternatives=alternatives,
        status="not_resolvable" if vague else status,
        reason="the error of Ea exceeds 50 %" if vague else "",
        flags=tuple(flags),
    )


def _unresolved_reason(T: FloatArray, u: FloatArray | None) -> str:
    distinct = np.unique(T).size
    if distinct < 2:
        return f"{distinct} temperature{'s' if distinct != 1 else ''}; measure at three or more"
    if T.size < 3 and u is None:
        return "two points without errors; measure at three temperatures or more"
    return ""


def _alternatives(
    form: str, T: FloatArray, sigma: FloatArray, u: FloatArray | None, reported: Line
) -> tuple[Alternative, ...]:
    other = "ln_sigma" if form == "ln_sigmaT" else "ln_sigmaT"
    line = Line.of(other, T, sigma, u)
    reference = information(reported.chi2, T.size, 2)
    aicc = information(line.chi2, T.size, 2)
    sigma_25, u_25 = predict(other, line.energy, line.level, line.covariance, np.array([ROOM_C]))
    second = Alternative(
        form=other, Ea_eV=line.energy, u_Ea_eV=math.sqrt(line.covariance[0, 0]), ln_sigma0=line.level,
        u_ln_sigma0=math.sqrt(line.covariance[1, 1]), sigma_25C_S_per_cm=float(sigma_25[0]),
        u_sigma_25C_S_per_cm=float(u_25[0]), chi2=line.chi2, aicc=aicc, delta_aicc=aicc - reference,
        parameters={}, status="ok", reason="another form, with an energy that is not comparable",
    )  # fmt: skip
    rivals = competing_laws(T, sigma, u, reference)
    return (second, *(Alternative(**rival) for rival in rivals))
