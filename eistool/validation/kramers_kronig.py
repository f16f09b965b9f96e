"""Linear Kramers-Kronig test: one ladder of RC elements must describe both parts of a spectrum."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from eistool.display import Tabular, format_percent, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray
from eistool.validation.ladder import (
    LONGER,
    TINY,
    Drift,
    Ladder,
    Points,
    choose_length,
    find_drift,
    find_noise,
    fit,
    scan_ladders,
    standardised,
)
from eistool.validation.verdict import SIGNIFICANCE, Reason, passed, say

if TYPE_CHECKING:
    from pandas import DataFrame

FORMS = ("auto", "impedance", "admittance")
PARTS = ("complex", "real", "imag")
MASKS = ("outliers", "kk")
PART_COLUMN = {"real": 3, "imag": 4, "complex": 5}  # of µ in a scan
EXTENSIONS = (0.5, 1.0)  # decades, of the time constants beyond the window
EVIDENCE = 8.0  # ΔBIC, of a drift
MOST = 0.7  # of what is wrong
DRIFT_TOLERANCE = 2.0  # tolerances: of a drift, a part only shows in the residuals
CONFIRMING_P = 0.01
SLOWEST = 30.0  # times the lowest frequency, up to which a disagreement means drift
MU_LIMIT = 0.85
FEWEST, FEWEST_PER_DECADE = 8, 3.0  # points
NOISIEST = 0.05  # of |Z|: above, little could be told
MOST_OUTLIERS = 0.1  # of the points, or 3
TOLERANCE = 0.01
ROUNDING = 1e-12  # of the expected variance: less is rounding, which is no violation
OUTLIER = "outlier of the Kramers-Kronig test"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KramersKronig(Tabular):
    """Whether a spectrum obeys the Kramers-Kronig relations, from :func:`check_kramers_kronig`.

    Attributes
    ----------
    spectrum
        What was checked.
    passed : bool or None
        None if it cannot be told.
    reasons : tuple of Reason
        Why it did not pass.
    form : {"impedance", "admittance"}
        What the ladder describes.
    part : {"complex", "real", "imag"}
        To what ``impedance`` was fitted.
    n_rc, n_rc_mu : int
        Number of RC elements: as few as leave nothing but noise, and the first at which µ falls below its
        limit (0 if none does).
    mu : float
        1 - Σ|R < 0| / Σ(R > 0), at ``n_rc``.
    impedance, residual : ComplexArray, shape (n_freq,)
        The ladder in ohm, and (Z - ladder)/|Z|; nan at masked points.
    max_residual : float
        The largest real or imaginary residual.
    noise : ComplexArray, shape (n_freq,)
        Standard deviations of the real and of the imaginary part, in ohm; as ``noise`` of a spectrum they
        serve as weights of a fit.
    noise_relative : float
        Of all parts and points, relative to |Z|.
    misfit : float
        How far the common ladder stays from the separate ones at the most, relative to |Z|.
    p_value : float
        Of so large a difference between them, if the spectrum were valid.
    drift, u_drift : float
        Relative change of Z over the sweep, and its standard error.
    outliers : IntArray
        Places of proposed outliers in the spectrum; they are not part of the fit, nor masked.
    tolerance : float
        As given.
    """

    spectrum: Spectrum
    passed: bool | None
    reasons: tuple[Reason, ...]
    form: str
    part: str
    n_rc: int
    n_rc_mu: int
    mu: float
    impedance: ComplexArray
    residual: ComplexArray
    max_residual: float
    noise: ComplexArray
    noise_relative: float
    misfit: float
    p_value: float
    drift: float
    u_drift: float
    outliers: IntArray
    tolerance: float

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(reason.text for reason in self.reasons)

    def masked(self, which: str = "outliers") -> Spectrum:
        """Return the spectrum with what does not fit in masked, each point with its reason.

        Parameters
        ----------
        which : {"outliers", "kk"}
            The proposed outliers; or all points beyond the tolerance and three times the noise too.
        """
        if which not in MASKS:
            raise SpectrumError(f"{self.spectrum.label}: mask={which!r}; choose one of {', '.join(MASKS)}")
        keep = np.ones(len(self.spectrum), dtype=bool)
        keep[self.outliers] = False
        spectrum = self.spectrum.with_mask(keep, OUTLIER)
        if which == "outliers" or not self.n_rc:
            return spectrum
        size = np.maximum(np.abs(self.residual.real), np.abs(self.residual.imag))
        noise = np.abs(self.noise) / np.abs(self.spectrum.impedance)
        far = np.nan_to_num(size) > np.maximum(self.tolerance, 3 * noise)
        return spectrum.with_mask(~far, f"Kramers-Kronig residual above {self.tolerance:.2g} of |Z|")

    def with_noise(self) -> Spectrum:
        """Return the spectrum with the noise found, for ``weighting="noise"``, if none was measured."""
        if self.spectrum.noise is not None or not self.n_rc:
            return self.spectrum
        note = "noise as the Kramers-Kronig test tells it"
        return replace(self.spectrum, noise=self.noise, notes=(*self.spectrum.notes, note))

    def to_dict(self) -> dict[str, Any]:
        """Return verdict and figures as plain Python objects."""
        names = (
            "passed", "reasons", "form", "part", "n_rc", "n_rc_mu", "mu", "max_residual", "noise_relative",
            "misfit", "p_value", "drift", "u_drift",
        )  # fmt: skip
        as_dict: dict[str, Any] = plain({name: getattr(self, name) for name in names})
        return {"label": self.spectrum.label, **as_dict, "outliers": self.outliers.tolist()}

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas table with a row for each point: ladder in ohm, and residuals relative to |Z|."""
        frame = self.spectrum.to_dataframe()
        outlier = np.zeros(len(frame), dtype=bool)
        outlier[self.outliers] = True
        return frame.assign(
            ladder_real_ohm=self.impedance.real,
            ladder_imag_ohm=self.impedance.imag,
            residual_real=self.residual.real,
            residual_imag=self.residual.imag,
            outlier=outlier,
        )

    def __repr__(self) -> str:
        lines = [f"Kramers-Kronig test of {self.spectrum.label!r}: {say(self.passed)}"]
        lines += [f"  {reason.text}" for reason in self.reasons]
        if self.n_rc:
            lines.append(
                f"  {self.n_rc} RC ({self.form}), µ {self.mu:.2f}; largest residual "
                f"{format_percent(self.max_residual, 2)}, noise {format_percent(self.noise_relative, 2)} of |Z|"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("verdict", say(self.passed))]
        rows += [(reason.kind, reason.text) for reason in self.reasons]
        if self.n_rc:
            rows += [
                ("RC elements", f"{self.n_rc} ({self.form}), µ {self.mu:.2f}"),
                ("largest residual", f"{format_percent(self.max_residual, 2)}"),
                ("noise", f"{format_percent(self.noise_relative, 2)} of |Z|"),
                ("drift over the sweep", f"{format_value(100 * self.drift, 100 * self.u_drift)} %"),
            ]
        return html_table(f"Kramers-Kronig test of {self.spectrum.label}", ("", "value"), rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One form and extension: the fit without outliers, and what it says."""

    form: str
    extension: float
    points: Points
    kept: BoolArray
    ladder: Ladder
    sums: FloatArray
    sigma: float  # of the separate fits, in units of the points' sigma
    p_value: float
    misfit: ComplexArray
    drift: Drift
    drifts: bool
    disagrees: bool


def check_kramers_kronig(
    spectrum: Spectrum,
    *,
    form: str = "auto",
    part: str = "complex",
    n_rc: int | None = None,
    tolerance: float = TOLERANCE,
) -> KramersKronig:
    """Test whether a spectrum is linear, causal and stationary, and estimate its noise.

    Parameters
    ----------
    spectrum : Spectrum
        Points in any order; masked ones are left out.
    form : {"auto", "impedance", "admittance"}
        What is a sum of RC elements. ``auto`` takes the impedance, and the admittance if only that passes.
    part : {"complex", "real", "imag"}
        To what ``impedance`` and ``residual`` are fitted; the other part is then a prediction. The verdict
        is the same.
    n_rc : int, optional
        Number of RC elements, in place of the one found.
    tolerance : float
        Relative to |Z|: what is significant, but smaller, does no harm. Of a drift over the sweep, twice as much.

    Returns
    -------
    KramersKronig

    Raises
    ------
    SpectrumError
        If an argument cannot be understood.

    Notes
    -----
    Every spectrum that obeys the relations is a sum of RC elements with R, L and C in series, of either sign,
    whose coefficients follow by linear least squares [1]_. The ladder is fitted to the real part, to the
    imaginary part, and to both. The separate fits describe what is smooth, and leave noise; the common one
    describes what is valid. Its additional sum of squares is judged by an F test, so that noise is never taken
    for a violation. The number of elements is the one with the lowest Bayesian criterion of the separate fits;
    µ [2]_ is told beside it. Beside the common ladder, Z times the time since the first point is fitted: its
    coefficient is the drift.

    References
    ----------
    .. [1] B. A. Boukamp, J. Electrochem. Soc. 142 (1995) 1885, doi:10.1149/1.2044210
    .. [2] M. Schönleber, D. Klotz, E. Ivers-Tiffée, Electrochim. Acta 131 (2014) 20,
       doi:10.1016/j.electacta.2014.01.034

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import check_kramers_kronig, simulate
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e5, 0.1, 61), [10, 50, 1e-4, 0.8], noise=0.002, seed=1)
    >>> check_kramers_kronig(s).passed
    True
    """
    _check_arguments(spectrum, form, part, n_rc, tolerance)
    used = np.flatnonzero(spectrum.mask)
    distinct = np.unique(spectrum.frequency[used])
    if distinct.size < FEWEST:
        return _undecided(spectrum, part, f"{distinct.size} points are too few; {FEWEST} are needed")
    density = (distinct.size - 1) / math.log10(distinct[-1] / distinct[0])
    if density < FEWEST_PER_DECADE:
        text = f"{density:.2g} points a decade are too few; {FEWEST_PER_DECADE:g} are needed"
        return _undecided(spectrum, part, text)
    first = _try(spectrum, used, "impedance" if form == "auto" else form, EXTENSIONS[0], n_rc, tolerance)
    if not (first.drifts or first.disagrees):
        return _result(spectrum, used, first, part, tolerance)
    # a ladder that does not suit the spectrum must not count as a violation: others confirm it
    others = [
        _try(spectrum, used, name, reach, n_rc, tolerance, first)
        for name in FORMS[1:]
        for reach in EXTENSIONS
        if form in ("auto", name) and (name, reach) != (first.form, first.extension)
    ]
    trials = [first, *others]
    best = min(trials, key=lambda trial: trial.drift.criterion)
    without = min(trials, key=lambda trial: trial.drift.without)
    drift = replace(best.drift, without=without.drift.without, separate=min(t.drift.separate for t in trials))
    drifts = _is_drift(drift, tolerance)
    agreeing = [trial for trial in others if trial.p_value > CONFIRMING_P]
    disagrees = first.disagrees and not agreeing
    if drifts or disagrees:
        first = replace(first, drift=drift, drifts=drifts, disagrees=disagrees)
        return _result(spectrum, used, first, part, tolerance)
    valid = agreeing[0] if first.disagrees else without
    return _result(spectrum, used, replace(valid, drifts=False, disagrees=False), part, tolerance)


def _check_arguments(spectrum: Spectrum, form: str, part: str, n_rc: int | None, tolerance: float) -> None:
    check_spectrum(spectrum)
    label = spectrum.label
    if form not in FORMS:
        raise SpectrumError(f"{label}: form={form!r}; choose one of {', '.join(FORMS)}")
    if part not in PARTS:
        raise SpectrumError(f"{label}: part={part!r}; choose one of {', '.join(PARTS)}")
    longest = spectrum.n_used - 3
    if n_rc is not None and not 1 <= n_rc <= longest:
        raise SpectrumError(f"{label}: n_rc={n_rc}; choose 1 to {longest}")
    if not 0 <= tolerance < 1:
        raise SpectrumError(f"{label}: tolerance={tolerance}; give a share of |Z|, for instance {TOLERANCE}")


def _points(spectrum: Spectrum, used: IntArray, form: str) -> Points:
    z = spectrum.impedance[used]
    omega = spectrum.omega[used]
    data: ComplexArray = np.reciprocal(z) if form == "admittance" else z
    if spectrum.noise is None:
        sigma = np.abs(data) * np.ones((2, 1))
    else:
        noise = spectrum.noise[used]
        if form == "admittance":  # dY = -Y² dZ
            turned = np.abs(data**2) * np.abs(noise) / math.sqrt(2)
            noise = np.asarray(turned * (1 + 1j), dtype=np.complex128)
        sigma = np.array([noise.real, noise.imag])
    # a point takes a time like 1/ω: linear in time, and in its root; what Z gains, Y loses
    elapsed = omega.min() / omega * (1 if form == "impedance" else -1)
    return Points(omega, data, sigma, np.array([data * elapsed, data * elapsed * np.sqrt(omega / omega.min())]))


def _try(
    spectrum: Spectrum,
    used: IntArray,
    form: str,
    extension: float,
    n_rc: int | None,
    tolerance: float,
    first: _Trial | None = None,
) -> _Trial:
    """Fit ladders of one form and extension; outliers and noise are those of the first trial, if there is one."""
    everything = _points(spectrum, used, form)
    if first is None:
        points, kept, length = _points_and_noise(everything, extension, n_rc, tolerance, spectrum.noise is None)
    else:
        kept, points = first.kept, everything.take(first.kept)
        relative = first.points.sigma / np.abs(first.points.data)
        if form != first.form:  # a relative error of Z is one of Y, turned by the phase
            relative = np.sqrt(np.mean(relative**2, axis=0)) * np.ones((2, 1))
        points = replace(points, sigma=relative * np.abs(points.data))
        length = choose_length(scan_ladders(points, extension), points)
    sums = scan_ladders(points, extension, n_rc or length + LONGER)
    ladder = fit(points, n_rc or choose_length(sums, points), extension)
    variance = max(ladder.s_separate / max(ladder.dof, 1), TINY)
    ratio = (ladder.s_common - ladder.s_separate) / ladder.n_rc / max(variance, ROUNDING)
    p_value = float(special.fdtrc(ladder.n_rc, max(ladder.dof, 1), max(ratio, 0.0)))
    misfit = (ladder.common - ladder.separate) / np.abs(points.data)
    drift = find_drift(points, sums)
    drifts = _is_drift(drift, tolerance)
    disagrees = p_value < SIGNIFICANCE and float(np.abs(misfit).max()) > tolerance
    return _Trial(
        form, extension, points, kept, ladder, sums, math.sqrt(variance), p_value, misfit, drift, drifts, disagrees
    )


def _points_and_noise(
    everything: Points, extension: float, n_rc: int | None, tolerance: float, noise_is_unknown: bool
) -> tuple[Points, BoolArray, int]:
    """Return the points without outliers, with their noise as sigma, which these are, and a ladder's length."""
    kept = np.ones(everything.omega.size, dtype=bool)
    while True:  # without its outliers, more of a spectrum can be seen
        points = everything.take(kept)
        length = n_rc or choose_length(scan_ladders(points, extension), points)
        found, noise = _without_outliers(everything, length, extension, kept, tolerance)
        if (found == kept).all():
            break
        kept = found
    if noise_is_unknown:
        points = replace(points, sigma=points.sigma * noise)
        again = find_noise(points, standardised(points, fit(points, length, extension)))
        points = replace(points, sigma=points.sigma * again)
    return points, kept, length


def _is_drift(drift: Drift, tolerance: float) -> bool:
    """Return whether a drift is evident, matters, and is most of what is wrong."""
    evidence = drift.without - drift.criterion
    explained = evidence / max(drift.without - drift.separate, evidence, TINY)
    return evidence > EVIDENCE and explained > MOST and abs(drift.size) > DRIFT_TOLERANCE * tolerance


def _without_outliers(
    points: Points, length: int, extension: float, kept: BoolArray, tolerance: float
) -> tuple[BoolArray, FloatArray]:
    """Return which points are none, one after the other as they are found, and the noise of these."""
    kept = kept.copy()
    n = kept.size
    most = max(3, int(MOST_OUTLIERS * n))
    while True:
        rest = points.take(kept)
        residual = standardised(rest, fit(rest, length, extension))
        noise = find_noise(rest, residual)
        relative = np.abs(np.nan_to_num(residual)) * rest.sigma / np.abs(rest.data)
        square = np.where(relative.max(axis=0) > tolerance, np.nan_to_num((residual / noise) ** 2).sum(axis=0), 0)
        worst = int(square.argmax())
        dof = max(2 * int(kept.sum()) - 2 * length - 3, 2)
        if n - kept.sum() >= most or special.fdtrc(2, dof, square[worst] / 2) * n > SIGNIFICANCE:
            return kept, noise
        kept[np.flatnonzero(kept)[worst]] = False


def _reasons(omega: FloatArray, trial: _Trial) -> tuple[Reason, ...]:
    reasons = []
    f = trial.points.omega / (2 * np.pi)
    if trial.drifts:
        size = format_value(100 * trial.drift.size, 100 * trial.drift.error)
        reasons.append(Reason("drift", f"drift: Z changes by {size} % over the sweep", float(f.min()), None))
    elif trial.disagrees:
        reasons.append(_disagreement(f, np.abs(trial.misfit)))
    if not trial.kept.all():
        out = np.sort(omega[~trial.kept]) / (2 * np.pi)
        named = ", ".join(f"{value:.4g}" for value in out[:5]) + (", ..." if out.size > 5 else "")
        text = f"{out.size} outlier{'s' * (out.size > 1)}: {named} Hz"
        reasons.append(Reason("outliers", text, float(out[0]), float(out[-1])))
    noise = _relative_noise(trial)
    if noise > NOISIEST:
        reasons.append(Reason("noise", f"noise of {noise:.1%} of |Z| hides what there may be"))
    return tuple(reasons)


def _disagreement(f: FloatArray, size: FloatArray) -> Reason:
    """Return where the parts disagree, and what that may mean."""
    order = np.argsort(f)
    share = np.cumsum(size[order] ** 2) / np.sum(size**2)
    low, high = (float(f[order][np.searchsorted(share, level)]) for level in (0.1, 0.9))
    what = f"real and imaginary part disagree by up to {format_percent(size.max(), 1)} of |Z|"
    if high < SLOWEST * f.min():
        return Reason("drift", f"drift: {what} below {high:.3g} Hz", float(f.min()), high)
    text = f"nonlinearity, or another range or disturbance: {what} from {low:.3g} to {high:.3g} Hz"
    return Reason("nonlinearity", text, low, high)


def _relative_noise(trial: _Trial) -> float:
    relative = trial.points.sigma / np.abs(trial.points.data)
    return trial.sigma * float(np.sqrt(np.mean(relative**2)))


def _result(spectrum: Spectrum, used: IntArray, trial: _Trial, part: str, tolerance: float) -> KramersKronig:
    everything = _points(spectrum, used, trial.form)
    fitted = _ladder_at(everything, trial, part)
    if trial.form == "admittance":
        fitted = 1 / fitted
    n = len(spectrum)
    impedance = np.full(n, complex(math.nan, math.nan))
    impedance[used] = fitted
    residual = (spectrum.impedance - impedance) / np.abs(spectrum.impedance)
    noise = trial.sigma * trial.points.sigma / np.abs(trial.points.data)
    order = np.argsort(trial.points.omega)
    x = np.log(trial.points.omega[order])
    at = [np.interp(np.log(spectrum.omega), x, row[order]) for row in noise]
    mu = trial.sums[:, PART_COLUMN[part]]
    below = np.flatnonzero(mu < MU_LIMIT)
    reasons = _reasons(everything.omega, trial)
    return KramersKronig(
        spectrum=spectrum,
        passed=passed(reasons),
        reasons=reasons,
        form=trial.form,
        part=part,
        n_rc=trial.ladder.n_rc,
        n_rc_mu=int(below[0]) + 1 if below.size else 0,
        mu=float(mu[trial.ladder.n_rc - 1]),
        impedance=impedance,
        residual=residual,
        max_residual=float(np.nanmax(np.maximum(np.abs(residual.real), np.abs(residual.imag)))),
        noise=np.abs(spectrum.impedance) * (at[0] + 1j * at[1]),
        noise_relative=_relative_noise(trial),
        misfit=float(np.abs(trial.misfit).max()),
        p_value=trial.p_value,
        drift=trial.drift.size,
        u_drift=trial.drift.error,
        outliers=used[~trial.kept],
        tolerance=tolerance,
    )


def _ladder_at(points: Points, trial: _Trial, part: str) -> ComplexArray:
    """Return the ladder at all points, outliers too."""
    coefficients = trial.ladder.coefficients[PARTS.index(part) - 1]  # of the common fit the last
    m = trial.ladder.n_rc
    low, high = trial.points.window
    reach = trial.extension * math.log(10)
    tau = np.exp(np.linspace(low - reach, high + reach, m)) if m > 1 else np.exp(np.array([low - reach]))
    middle = math.exp(-0.5 * (low + high))
    values: ComplexArray = (coefficients[:m] / (1 + 1j * points.omega[:, None] * tau)).sum(axis=1)
    R, L, inverse_C = coefficients[m:]
    w = points.omega / middle
    weight = 1 / points.sigma
    if part == "real":  # L and 1/C are then the only ones that the imaginary part may tell
        terms = np.array([w, -1 / w]) * weight[1]
        rest = (points.data.imag - values.imag) * weight[1]
        L, inverse_C = np.linalg.lstsq(terms[:, trial.kept].T, rest[trial.kept], rcond=None)[0]
    elif part == "imag":
        R = np.average((points.data.real - values.real)[trial.kept], weights=weight[0, trial.kept] ** 2)
    values += R + 1j * (L * w - inverse_C / w)
    return values


def _undecided(spectrum: Spectrum, part: str, text: str) -> KramersKronig:
    nothing = np.full(len(spectrum), complex(math.nan, math.nan))
    nan = math.nan
    return KramersKronig(
        spectrum, None, (Reason("points", text),), "impedance", part, 0, 0, nan, nothing, nothing, nan, nothing,
        nan, nan, nan, nan, nan, np.array([], dtype=np.int64), TOLERANCE,
    )  # fmt: skip
