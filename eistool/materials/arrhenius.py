"""Activation energies: ln(σT) against 1/T with its covariance, and the laws that compete with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.display import Shown, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.fitting.result import UNRESOLVED
from eistool.materials.arrhenius_curvature import competing_laws
from eistool.materials.arrhenius_line import Line, axes, information, predict, weighted_line
from eistool.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd

FORMS = ("ln_sigmaT", "ln_sigma")
ROOM_C = 25.0
OUTLYING = 3.5  # robust standard deviations beyond which a point is flagged
UNLIKELY = 0.01  # probability of so large a χ²
CURVED = 4.0  # by which another law's AICc must be lower to be flagged
KJ_PER_MOL = 96.48533212  # of 1 eV


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative(Shown):
    """Another description of the same points; nan where there is none."""

    form: str  # ln_sigma | vft | piecewise | global
    Ea_eV: float
    u_Ea_eV: float
    ln_sigma0: float
    u_ln_sigma0: float
    sigma_25C_S_per_cm: float
    u_sigma_25C_S_per_cm: float
    chi2: float
    aicc: float
    delta_aicc: float  # to the form that is reported; below 0 it describes the points better
    parameters: Mapping[str, float]
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrhenius:
    """A straight line through ln(σT), or ln σ, against 1/T.

    Attributes
    ----------
    form : {"ln_sigmaT", "ln_sigma"}
        σT = σ0 exp(-Ea/kBT), with σ0 in S K/cm, or σ = σ0 exp(-Ea/kBT), in S/cm. They give different energies.
    covariance : FloatArray, shape (2, 2)
        Of Ea_eV and ln_sigma0, with the errors that all points share.
    sigma_25C_S_per_cm, sigma_25C_low, sigma_25C_high : float
        With its 95 % interval; ``sigma_25C_status`` is ``extrapolated`` where no point is as warm or as cold.
    used, extrapolated : BoolArray, shape (n,)
        The points that the line was fitted to, and those whose conductivity was itself extrapolated.
    chi2_reduced : float
        With errors given, how much the points scatter beyond them.
    status : {"ok", "extrapolated", "not_resolvable"}
        ``extrapolated``: at least half of the points are.
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
    def Ea_kJ_per_mol(self) -> float:  # noqa: N802  # the unit stands in the name
        """The activation energy in kJ/mol."""
        return self.Ea_eV * KJ_PER_MOL

    @property
    def n_points(self) -> int:
        """Number of points that the line was fitted to."""
        return int(self.used.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the activation energy in eV."""
        half = self.quantile * self.u_Ea_eV
        return self.Ea_eV - half, self.Ea_eV + half

    def predict(self, temperature_C: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return σ in S/cm at temperatures, and its standard uncertainty."""
        return predict(self.form, self.Ea_eV, self.ln_sigma0, self.covariance, np.asarray(temperature_C, float))

    def systematics(
        self,
        cell_constant_per_cm: float | None = None,
        *,
        offset_K: float = 1.0,
        lag: float = 0.02,
        lead_ohm: float = 1.0,
    ) -> dict[str, float]:
        """Return by how much errors that no scatter shows would change Ea, in eV.

        Parameters
        ----------
        cell_constant_per_cm : float, optional
            L/A, without which the effect of a lead is not known.
        offset_K : float
            By which every temperature is too low.
        lag : float
            Share by which the sample stays behind its distance from 25 °C.
        lead_ohm : float
            Left in every resistance.

        Notes
        -----
        The true energy would be the one found plus the value returned: an offset hardly matters, a lag
        makes Ea too small, and so does a lead.
        """
        T, sigma = self.temperature_C[self.used], self.conductivity[self.used]
        if not math.isfinite(self.Ea_eV):
            return {}
        weight = self._weights()
        found = {
            "offset": self._energy(T + offset_K, sigma, weight) - self.Ea_eV,
            "lag": self._energy(ROOM_C + (1 - lag) * (T - ROOM_C), sigma, weight) - self.Ea_eV,
        }
        if cell_constant_per_cm is not None:
            without = cell_constant_per_cm / sigma - lead_ohm
            possible = bool(np.all(without > 0))
            found["lead"] = math.nan
            if possible:
                found["lead"] = self._energy(T, cell_constant_per_cm / without, weight) - self.Ea_eV
        return found

    def _weights(self) -> FloatArray:
        relative = self.u_conductivity[self.used] / self.conductivity[self.used]
        return np.where(np.isfinite(relative) & (relative > 0), relative, 1.0) ** -2.0

    def _energy(self, temperature_C: FloatArray, sigma: FloatArray, weight: FloatArray) -> float:
        x, y = axes(self.form, temperature_C, sigma)
        return -float(weighted_line(x, y, weight)[0][1])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain Python objects; None for missing numbers."""
        contents = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: value.tolist() for name, value in contents.items() if isinstance(value, np.ndarray)}
        as_dict: dict[str, Any] = plain(contents | arrays)
        return as_dict

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table with a row per point: temperature, conductivity, the line, the residual in ln σ."""
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
             f"{one.delta_aicc:+.1f}" if math.isfinite(one.delta_aicc) else "", one.status)
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
    """Return activation energy and pre-exponential factor of a conductivity over the temperature.

    Parameters
    ----------
    temperature_C, conductivity : array_like, shape (n,)
        In °C and S/cm. For the activation energy of an interface give 1/R.
    u_conductivity : array_like, shape (n,), optional
        Standard uncertainties of each point on its own. Without them the scatter about the line is taken.
    form : {"ln_sigmaT", "ln_sigma"}
        Whether σT or σ follows exp(-Ea/kBT).
    u_geometry : float
        Relative error that all conductivities share: it enters σ0 only.
    u_temperature_K : array_like, optional
        Standard uncertainty of the temperatures. How much of it is common to all points is not known: the
        energy takes it as scatter, σ as an offset, which is worse for either.
    extrapolated : sequence of bool, optional
        Which conductivities were extrapolated; they are kept, and flagged.
    robust : bool
        Leave out points that lie more than 3.5 robust standard deviations off the line.
    label : str
        For the repr.

    Raises
    ------
    SpectrumError
        If lengths differ, or a conductivity, an error or a temperature is impossible.

    Notes
    -----
    Weighted least squares. Errors that were given are widened where the points scatter beyond them
    (χ² above its degrees of freedom). The Vogel-Fulcher-Tammann law σ = A T^(-1/2) exp(-B/(T - T0)) and two
    straight pieces are compared by AICc from 8 temperatures up: below that its penalty alone would decide.

    References
    ----------
    .. [1] Y. Gao et al., Chem. Rev. 120 (2020) 5954, doi:10.1021/acs.chemrev.9b00747

    Examples
    --------
    >>> import numpy as np
    >>> T = np.array([-40.0, -20, 0, 20, 40, 60])
    >>> sigma = np.exp(11.731 - 0.31 / (8.617333262e-5 * (T + 273.15))) / (T + 273.15)
    >>> found = arrhenius(T, sigma, 0.01 * sigma)
    >>> f"{found.Ea_eV:.3f} eV, {1e3 * found.sigma_25C_S_per_cm:.2f} mS/cm at 25 °C"
    '0.310 eV, 2.40 mS/cm at 25 °C'
    >>> f"{arrhenius(T, sigma, form='ln_sigma').Ea_eV:.3f} eV"  # another form, another number
    '0.286 eV'
    """
    points = _Points.of(temperature_C, conductivity, u_conductivity, u_temperature_K, extrapolated, form, label)
    used = np.ones(points.T.size, dtype=bool)
    flags = []
    if np.unique(points.T).size >= 4:
        off = _outliers(points)
        if off.any():
            names = ", ".join(f"{t:g} °C" for t in points.T[off])
            flags.append(f"{names} {'left out, off' if robust else 'lies far off'} the line of the others")
            if robust:
                used = ~off
    return _assemble(points, used, u_geometry, flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """Checked points; u are relative errors of σ, of each point's own."""

    label: str
    form: str
    T: FloatArray  # °C
    sigma: FloatArray
    u: FloatArray | None
    u_own: FloatArray  # as given, in S/cm; nan where there is none
    u_kelvin: float  # largest error of a temperature
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
            raise SpectrumError(f"{who}: form={form!r}; choose one of {', '.join(FORMS)}")
        try:
            T = np.atleast_1d(np.asarray(temperature_C, dtype=np.float64))
            sigma = np.atleast_1d(np.asarray(conductivity, dtype=np.float64))
            u = None if u_conductivity is None else np.broadcast_to(np.asarray(u_conductivity, float), T.shape)
            u_T = np.broadcast_to(np.asarray(0.0 if u_temperature_K is None else u_temperature_K, float), T.shape)
        except (TypeError, ValueError) as error:
            raise SpectrumError(f"{who}: give numbers, as many errors as temperatures ({error})") from error
        flagged = np.zeros(T.shape, dtype=bool) if extrapolated is None else np.asarray(extrapolated, dtype=bool)
        if T.ndim != 1 or not T.shape == sigma.shape == flagged.shape:
            raise SpectrumError(
                f"{who}: {T.size} temperatures and {sigma.size} conductivities; give as many of each"
            )
        kelvin = T + ZERO_CELSIUS
        checks: list[tuple[BoolArray, str, FloatArray, str]] = [
            (np.isfinite(T) & (kelvin > 0), "temperature_C", T, "above -273.15"),
            (np.isfinite(sigma) & (sigma > 0), "conductivity", sigma, "above 0; leave out what is not resolvable"),
            (np.isfinite(u_T) & (u_T >= 0), "u_temperature_K", u_T, "not negative"),
        ]
        if u is not None:
            checks.append((np.isfinite(u) & (u > 0), "u_conductivity", u, "above 0, or none at all"))
        for good, name, values, wanted in checks:
            if not good.all():
                i = int(np.argmin(good))
                raise SpectrumError(f"{who}: point {i}, {name}={values[i]}; give numbers {wanted}")
        own = None if u is None else u / sigma
        if u_T.any():
            slope = np.abs(_mean_energy(form, T, sigma) / (BOLTZMANN_EV * kelvin) - (form == "ln_sigmaT"))
            own = np.hypot(0.0 if own is None else own, slope * u_T / kelvin)
        shown = np.full(T.shape, math.nan) if u is None else np.array(u)
        return cls(
            label=label, form=form, T=T, sigma=sigma, u=own, u_own=shown,
            u_kelvin=float(u_T.max(initial=0.0)), extrapolated=flagged,
        )  # fmt: skip


def _mean_energy(form: str, T: FloatArray, sigma: FloatArray) -> float:
    if np.unique(T).size < 2:
        return 0.0
    x, y = axes(form, T, sigma)
    return -float(weighted_line(x, y, np.ones_like(x))[0][1])


def _outliers(points: _Points) -> BoolArray:
    """Return which points lie far off the line that most of them agree on."""
    from scipy.stats import theilslopes

    x, y = axes(points.form, points.T, points.sigma)
    slope, *_ = theilslopes(y, x)
    residual = y - slope * x
    residual = residual - np.median(residual)
    scale = np.ones_like(residual) if points.u is None else points.u
    # the median of few deviations may be tiny by chance: errors that were given are the least
    typical = 1.4826 * float(np.median(np.abs(residual / scale)))
    least = 1e-9 if points.u is None else 1.0
    off: BoolArray = np.abs(residual / scale) > OUTLYING * max(typical, least)
    return off if 0 < off.sum() <= x.size // 3 and np.unique(points.T[~off]).size >= 3 else np.zeros_like(off)


def _assemble(points: _Points, used: BoolArray, u_geometry: float, flags: list[str]) -> Arrhenius:
    T, sigma = points.T[used], points.sigma[used]
    u = None if points.u is None else points.u[used]
    reason = _why_not(T, u)
    common: dict[str, Any] = {
        "label": points.label, "form": points.form, "temperature_C": points.T, "conductivity": points.sigma,
        "u_conductivity": points.u_own, "used": used, "extrapolated": points.extrapolated,
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
    found = Line.of(points.form, T, sigma, u)
    shared = u_geometry**2
    covariance = found.covariance + np.array([[0.0, 0.0], [0.0, shared]])
    sigma_25, u_25 = predict(points.form, found.energy, found.level, covariance, np.array([ROOM_C]))
    kelvin = ROOM_C + ZERO_CELSIUS
    of_offset = (found.energy / (BOLTZMANN_EV * kelvin) - 1) * points.u_kelvin / kelvin
    relative = math.hypot(float(u_25[0] / sigma_25[0]), of_offset)
    inside = T.min() - 5 <= ROOM_C <= T.max() + 5
    if points.extrapolated[used].any():
        flags.append(f"{int(points.extrapolated[used].sum())} of {T.size} conductivities are extrapolated")
    if u is not None and T.size > 2 and found.p_value < UNLIKELY:
        flags.append(f"the points scatter beyond their errors (reduced chi2 {found.chi2_reduced:.3g})")
    if T.size == 2:
        flags.append("two points: nothing tests the law")
    alternatives = _alternatives(points.form, T, sigma, u, found)
    flags += [
        f"{one.form} describes the points better (ΔAICc {one.delta_aicc:+.1f}): Ea is a mean over "
        f"{T.min():g} to {T.max():g} °C"
        for one in alternatives
        if one.delta_aicc < -CURVED and one.form in ("vft", "piecewise")
    ]
    u_energy = math.sqrt(covariance[0, 0])
    status = "extrapolated" if 2 * points.extrapolated[used].sum() >= T.size else "ok"
    vague = not u_energy <= UNRESOLVED * abs(found.energy)
    half = found.quantile * relative
    return Arrhenius(
        **common,
        Ea_eV=found.energy,
        u_Ea_eV=u_energy,
        ln_sigma0=found.level,
        u_ln_sigma0=math.sqrt(covariance[1, 1]),
        covariance=covariance,
        sigma_25C_S_per_cm=float(sigma_25[0]),
        u_sigma_25C_S_per_cm=float(sigma_25[0]) * relative,
        sigma_25C_low=float(sigma_25[0]) * math.exp(-half),
        sigma_25C_high=float(sigma_25[0]) * math.exp(half),
        sigma_25C_status="ok" if inside else "extrapolated",
        chi2_reduced=found.chi2_reduced if u is not None else math.nan,
        quantile=found.quantile,
        alternatives=alternatives,
        status="not_resolvable" if vague else status,
        reason="the error of Ea exceeds half of it" if vague else "",
        flags=tuple(flags),
    )


def _why_not(T: FloatArray, u: FloatArray | None) -> str:
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
        parameters={}, status="ok", reason="another form: its energy is not comparable",
    )  # fmt: skip
    rivals = competing_laws(T, sigma, u, reference)
    return (second, *(Alternative(**rival) for rival in rivals))
