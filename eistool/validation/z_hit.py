"""Z-HIT: the modulus as the phase tells it, so that drift shows where it begins."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.display import Tabular, format_percent, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import BoolArray, ComplexArray, FloatArray
from eistool.validation.kramers_kronig import KramersKronig, check_kramers_kronig
from eistool.validation.verdict import Reason, passed, say

if TYPE_CHECKING:
    from pandas import DataFrame

BAND = (1.0, 1000.0)  # Hz
FEWEST_IN_BAND = 5  # points; else the middle third of the window
TOLERANCE = 0.02
NARROWEST = 3.0  # decades: of fewer, the low end is beside the band
SURELY = 4.0  # standard errors
EDGE = 0.0025  # what the end of the window leaves open even without noise
NOISE_AT_END = 1.8  # standard errors of the lowest point, of the noise of one
FADING = (3.0, 30.0)  # times the lowest frequency: below, the ladder follows a drift itself


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ZHit(Tabular):
    """Whether modulus and phase agree, from :func:`check_z_hit`.

    Attributes
    ----------
    spectrum
        What was checked.
    passed : bool or None
        None if it cannot be told.
    reasons : tuple of Reason
        Why it did not pass.
    impedance : ComplexArray, shape (n_freq,)
        Reconstructed modulus with the measured phase, in ohm; nan at masked points.
    residual : FloatArray, shape (n_freq,)
        |Z| over the reconstructed modulus, minus 1.
    max_residual : float
        The largest of them, without outliers.
    drift, u_drift : float
        Smoothed residual at the lowest frequency, and its standard error.
    drift_below_Hz : float
        Frequency below which the smoothed residual exceeds the tolerance; nan without a drift.
    band_Hz : tuple of float
        Where the offset was fitted.
    """

    spectrum: Spectrum
    passed: bool | None
    reasons: tuple[Reason, ...]
    impedance: ComplexArray
    residual: FloatArray
    max_residual: float
    drift: float
    u_drift: float
    drift_below_Hz: float
    band_Hz: tuple[float, float]

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(reason.text for reason in self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return verdict and figures as plain Python objects."""
        names = ("passed", "reasons", "max_residual", "drift", "u_drift", "drift_below_Hz", "band_Hz")
        as_dict: dict[str, Any] = plain({name: getattr(self, name) for name in names})
        return {"label": self.spectrum.label, **as_dict}

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas table with a row for each point: reconstructed modulus in ohm, and residual."""
        return self.spectrum.to_dataframe().assign(modulus_ohm=abs(self.impedance), residual=self.residual)

    def __repr__(self) -> str:
        lines = [f"Z-HIT of {self.spectrum.label!r}: {say(self.passed)}"]
        lines += [f"  {reason.text}" for reason in self.reasons]
        if math.isfinite(self.drift):
            lines.append(f"  |Z| differs by {self._difference()} % at the lowest frequency")
        return "\n".join(lines)

    def _difference(self) -> str:
        return format_value(100 * self.drift, 100 * self.u_drift)

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("verdict", say(self.passed))]
        rows += [(reason.kind, reason.text) for reason in self.reasons]
        if math.isfinite(self.drift):
            rows += [("at the lowest frequency", f"{self._difference()} %")]
            rows += [("largest difference", f"{format_percent(self.max_residual, 2)}")]
        return html_table(f"Z-HIT of {self.spectrum.label}", ("", "value"), rows)


def check_z_hit(
    spectrum: Spectrum,
    *,
    band_Hz: tuple[float, float] = BAND,
    tolerance: float = TOLERANCE,
    kramers_kronig: KramersKronig | None = None,
) -> ZHit:
    """Reconstruct the modulus from the phase, and find where the measured one departs from it.

    Parameters
    ----------
    spectrum : Spectrum
        Points in any order; masked ones are left out.
    band_Hz : (float, float)
        Where the offset of ln |Z| is fitted: neither drift nor inductance is expected there. Where the
        spectrum has fewer than 5 points in it, the middle third of its decades is taken.
    tolerance : float
        Relative to |Z|, of the difference at low frequency.
    kramers_kronig : KramersKronig, optional
        The result of :func:`check_kramers_kronig` for this spectrum, if there is one already.

    Returns
    -------
    ZHit

    Raises
    ------
    SpectrumError
        If an argument cannot be understood.

    Notes
    -----
    ln |Z| is, but for an offset, (2/π) ∫ φ d ln ω - (π/6) dφ/d ln ω [1]_, of the phase smoothed by a spline with
    generalised cross-validation. What is cut off from this series reaches 4 % beside steep arcs. It is local, so
    it is taken from the ladder of the Kramers-Kronig test, except near the lowest frequency, where the ladder
    itself follows a drift. A factor on Z that is real, as a slow drift is, leaves the phase alone: it shows in
    full, and where it begins.

    References
    ----------
    .. [1] W. Ehm, R. Kaus, C. A. Schiller, W. Strunz, in: F. Mansfeld, F. Huet, O. R. Mattos (eds.), New Trends
       in Electrochemical Impedance Spectroscopy and Electrochemical Noise Analysis, Electrochemical Society
       Proceedings 2000-24 (2001) 1

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import Spectrum, check_z_hit, simulate
    >>> f = np.geomspace(1e5, 0.01, 71)
    >>> s = simulate("R0-p(R1,CPE1)", f, [10, 50, 1e-4, 0.8], noise=0.001, seed=1)
    >>> check_z_hit(Spectrum(f, s.impedance * (1 + 0.1 * f.min() / f))).drift_below_Hz < 0.1
    True
    """
    check_spectrum(spectrum)
    if not 0 < band_Hz[0] < band_Hz[1]:
        raise SpectrumError(f"{spectrum.label}: band_Hz={band_Hz}; give two frequencies, the lower one first")
    if not 0 <= tolerance < 1:
        raise SpectrumError(
            f"{spectrum.label}: tolerance={tolerance}; give a share of |Z|, for instance {TOLERANCE}"
        )
    test = kramers_kronig or check_kramers_kronig(spectrum)
    undecided = [reason for reason in test.reasons if reason.kind in ("points", "noise")]
    f_used = spectrum.frequency[spectrum.mask]
    decades = math.log10(f_used.max() / f_used.min()) if f_used.size else 0.0
    if not undecided and decades < NARROWEST:
        text = f"Z-HIT needs {NARROWEST:g} decades of frequency; there are {decades:.2g}"
        undecided.append(Reason("points", text))
    if undecided:
        nothing = np.full(len(spectrum), math.nan)
        nan = math.nan
        return ZHit(spectrum, None, tuple(undecided), nothing + 0j, nothing, nan, nan, nan, nan, band_Hz)
    used = np.flatnonzero(spectrum.mask)
    good = np.setdiff1d(used, test.outliers)
    log_omega, columns = _merged(spectrum.omega[good], spectrum.impedance[good], test.impedance[good])
    log_modulus, phase, ladder_modulus, ladder_phase = columns
    f = np.exp(log_omega) / (2 * np.pi)
    inside, band_Hz = _band(f, band_Hz)
    cut_off = ladder_modulus - _modulus(log_omega, ladder_phase, smooth=False)
    cut_off -= cut_off[inside].mean()
    low, high = (math.log(factor * f[0]) for factor in FADING)
    expected = _modulus(log_omega, phase) + cut_off * np.clip((np.log(f) - low) / (high - low), 0, 1)
    expected += (log_modulus - expected)[inside].mean()
    difference = np.expm1(_smooth(log_omega, log_modulus - expected)(log_omega))
    u_drift = math.hypot(EDGE, NOISE_AT_END * test.noise_relative)
    below = _exceeds_below(f, np.abs(difference), max(tolerance, SURELY * u_drift), tolerance)
    reasons = []
    if math.isfinite(below):
        size = format_value(100 * float(difference[0]), 100 * u_drift)
        text = f"drift: |Z| departs from what the phase tells below {below:.3g} Hz, by {size} % at the end"
        reasons.append(Reason("drift", text, float(f[0]), below))
    modulus = np.full(len(spectrum), math.nan)
    modulus[used] = np.exp(np.interp(np.log(spectrum.omega[used]), log_omega, expected))
    residual = np.abs(spectrum.impedance) / modulus - 1
    return ZHit(
        spectrum=spectrum,
        passed=passed(tuple(reasons)),
        reasons=tuple(reasons),
        impedance=spectrum.impedance / np.abs(spectrum.impedance) * modulus,
        residual=residual,
        max_residual=float(np.abs(residual[good]).max()),
        drift=float(difference[0]),
        u_drift=u_drift,
        drift_below_Hz=below,
        band_Hz=band_Hz,
    )


def _merged(omega: FloatArray, *impedances: ComplexArray) -> tuple[FloatArray, list[FloatArray]]:
    """Return ln ω ascending and ln |Z| and phase of each impedance, with the means of repeated frequencies."""
    unique, place = np.unique(omega, return_inverse=True)
    count = np.bincount(place)
    columns = []
    for z in impedances:
        logarithm = np.bincount(place, np.log(np.abs(z))) / count
        mean = (np.bincount(place, z.real) + 1j * np.bincount(place, z.imag)) / count
        columns += [logarithm, np.unwrap(np.angle(mean))]
    return np.log(unique), columns


def _smooth(x: FloatArray, y: FloatArray, *, smooth: bool = True) -> Any:
    from scipy.interpolate import make_smoothing_spline

    return make_smoothing_spline(x, y, lam=None if smooth else 1e-4)


def _modulus(log_omega: FloatArray, phase: FloatArray, *, smooth: bool = True) -> FloatArray:
    """Return ln |Z| but for an offset."""
    spline = _smooth(log_omega, phase, smooth=smooth)
    integral = spline.antiderivative()
    value: FloatArray = 2 / np.pi * (integral(log_omega) - integral(log_omega[0]))
    value -= np.pi / 6 * spline.derivative()(log_omega)
    return value


def _band(f: FloatArray, band: tuple[float, float]) -> tuple[BoolArray, tuple[float, float]]:
    inside = (f >= band[0]) & (f <= band[1])
    if inside.sum() < FEWEST_IN_BAND:
        third = (f[-1] / f[0]) ** (1 / 3)
        band = (float(f[0] * third), float(f[-1] / third))
        inside = (f >= band[0] * (1 - 1e-9)) & (f <= band[1] * (1 + 1e-9))
    return inside, band


def _exceeds_below(f: FloatArray, size: FloatArray, at_end: float, tolerance: float) -> float:
    """Return up to where the size exceeds the tolerance without a break, nan if it is small at the end."""
    if size[0] <= at_end:
        return math.nan
    within = np.flatnonzero(size <= tolerance)
    return float(f[within[0]] if within.size else f[-1])
