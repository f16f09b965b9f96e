"""Readings of the Nyquist plot: real parts and heights of apexes, without a circuit."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from eistool.display import Shown, format_value
from eistool.drt.smooth_curve import Point, SmoothCurve, hermite, smooth
from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum, check_spectrum
from eistool.typing import ComplexArray, FloatArray, IntArray

SURE = 2.0  # standard errors of Im Z by which an apex lies above 0, and a valley may lie below
CLEAR = 3.0  # standard errors by which Im Z is inductive or capacitive, and an apex or a valley stands out
COVERED = 1.96  # standard errors in a 95 % interval
ROUNDING = 1e-9
VAGUE = 0.5  # of the value: a larger error leaves it open
MEASURED = "measured value, its error from the scatter of neighbours"
ALONE = "measured value, too few points for an error"


@dataclass(frozen=True, slots=True)
class Reading(Shown):
    """One number read from a spectrum, and where it was read.

    ``status`` is ``ok``, or ``not_resolvable`` where the error is above half of the value or unknown.
    """

    value: float
    u: float
    unit: str
    frequency_Hz: float
    u_frequency_Hz: float  # 0 at the ends of the window
    status: str  # ok | not_resolvable
    reason: str

    def __repr__(self) -> str:
        remark = ": ".join(text for text in (self.status.replace("ok", ""), self.reason) if text)
        where = format_value(self.frequency_Hz, self.u_frequency_Hz)
        return f"{format_value(self.value, self.u)} {self.unit} at {where} Hz{remark and f' ({remark})'}"


@dataclass(frozen=True, slots=True)
class _Place:
    """A reading against ln f."""

    log_f: float
    value: float
    u: float
    u_log_f: float = 0.0
    reason: str = ""

    def reading(self, measured: FloatArray) -> Reading:
        """Return the reading, at a measured frequency if the place is one but for rounding."""
        vague = not self.u <= VAGUE * abs(self.value)
        reasons = [self.reason]
        if vague and self.reason != ALONE:
            reasons.append("the error is above half of the value" if self.u >= 0 else "no error can be given")
        frequency = math.exp(self.log_f)
        nearest = float(measured[np.abs(measured - frequency).argmin()])
        return Reading(
            value=self.value,
            u=float(self.u),
            unit="ohm",
            frequency_Hz=nearest if math.isclose(nearest, frequency, rel_tol=ROUNDING) else frequency,
            u_frequency_Hz=float(frequency * self.u_log_f),
            status="not_resolvable" if vague else "ok",
            reason="; ".join(filter(None, reasons)),
        )


def take_readings(spectrum: Spectrum) -> Mapping[str, Reading]:
    """Read off what a Nyquist plot shows, with errors, from a smooth curve that needs no circuit.

    The curve is a distribution of relaxation times with a Gaussian prior, so that it obeys the Kramers-Kronig
    relations; its smoothness and the noise follow from the data [1]_. Errors hold noise and what the
    curve misses. A drift that looks like a smooth curve is not seen: ``check_kramers_kronig`` looks for it.
    With fewer than 6 frequencies, points are read as they are.

    Parameters
    ----------
    spectrum : Spectrum
        Points in any order; masked points are left out.

    Returns
    -------
    mapping of str to Reading
        ``R_first``, ``R_last``
            Re Z at the highest and at the lowest frequency used; always there.
        ``R_phase``
            Re Z where the size of the phase is least, at the highest such frequency if several cannot be told
            apart, and then with an error that covers all of them; always there.
        ``R_intercept``
            Re Z at the highest frequency where Z turns from clearly inductive to clearly capacitive.
        ``R_minimum_1``, ``R_minimum_2``, ...
            Re Z in the valleys of -Im Z, from high frequency down, as far as they stand out by three standard
            errors on both sides.
        ``apex_1_height``, ``apex_2_height``, ...
            -Im Z at the apexes, likewise.

    Raises
    ------
    SpectrumError
        If no point is used.

    References
    ----------
    .. [1] J. Liu, F. Ciucci, Electrochim. Acta 331 (2020) 135316, doi:10.1016/j.electacta.2019.135316

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import simulate, take_readings
    >>> f = np.geomspace(1e6, 0.1, 71)
    >>> s = simulate("L0-R0-p(R1,CPE1)-CPE2", f, [5e-6, 10, 50, 1e-5, 0.9, 0.1, 0.8], noise=0.002, seed=1)
    >>> readings = take_readings(s)
    >>> list(readings)
    ['R_first', 'R_last', 'R_phase', 'R_intercept', 'R_minimum_1', 'apex_1_height']
    >>> readings["R_minimum_1"]
    60.099 ± 0.060 ohm at 4.94 ± 0.48 Hz
    """
    check_spectrum(spectrum)
    used = spectrum.mask
    if not used.any():
        raise SpectrumError(f"{spectrum.label}: no point is used; relax the mask")
    frequency, impedance = spectrum.frequency[used], spectrum.impedance[used]
    order = np.lexsort((impedance.imag, impedance.real, frequency))
    frequency, impedance = frequency[order], impedance[order]
    curve = smooth(frequency, impedance)
    with np.errstate(all="ignore"):  # what is flat or far gets an infinite error
        places = _measured_places(frequency, impedance) if curve is None else _places(curve)
    return {quantity: place.reading(frequency) for quantity, place in places.items()}


def _places(curve: SmoothCurve) -> dict[str, _Place]:
    """Return what is read from the curve."""
    low, high = (_plain_place(curve, _end(curve, i)) for i in (0, -1))
    crossings = _crossings(curve)
    found = {"R_first": high, "R_last": low, "R_phase": _least_phase(curve, [place for place, _ in crossings])}
    if crossings and crossings[0][1]:
        found["R_intercept"] = crossings[0][0]
    minima, apexes = _extremes(curve)
    found |= {f"R_minimum_{k}": place for k, place in enumerate(minima, 1)}
    found |= {f"apex_{k}_height": place for k, place in enumerate(apexes, 1)}
    return found


def _norm(row: FloatArray) -> float:
    return math.sqrt(float(row @ row))


def _end(curve: SmoothCurve, i: int) -> Point:
    return curve.point(0, 0.0) if i == 0 else curve.point(curve.log_x.size - 2, 1.0)


def _log_f(curve: SmoothCurve, i: IntArray | int) -> FloatArray:
    log_f: FloatArray = curve.log_x[i] + math.log(curve.unit / (2 * math.pi))
    return log_f


def _place(
    curve: SmoothCurve, point: Point, error: FloatArray, misfit: FloatArray | float, u_log_f: float = 0.0
) -> _Place:
    """Return Re Z at a point; its error is that of a row, and the 95 % interval holds the misfit."""
    log_f = point.log_x + math.log(curve.unit / (2 * math.pi))
    u = max(_norm(error), abs(float(misfit)) / COVERED)
    return _Place(log_f, float(point.value[0]), u, u_log_f)


def _plain_place(curve: SmoothCurve, point: Point) -> _Place:
    return _place(curve, point, point.value_root[0], point.misfit[0])


def _widened(curve: SmoothCurve, place: _Place, among: IntArray, others: list[_Place]) -> _Place:
    """Return the place with 95 % intervals that hold what else it may be: points of the curve, other places."""
    others = [place, *others]
    values = np.concatenate([curve.value[0, among], [other.value for other in others]])
    log_f = np.concatenate([_log_f(curve, among), [other.log_f for other in others]])
    u = np.concatenate([curve.u[0, among], [other.u for other in others]])
    spread = float((np.abs(values - place.value) + u).max()) / COVERED
    return _Place(
        place.log_f,
        place.value,
        max(place.u, spread),
        max(place.u_log_f, float(np.abs(log_f - place.log_f).max()) / COVERED),
    )


def _crossings(curve: SmoothCurve) -> list[tuple[_Place, bool]]:
    """Return where Im Z clearly changes its sign, from high frequencies down, and whether it was inductive."""
    imaginary, u = curve.value[1], curve.u[1]
    sure = np.flatnonzero(np.abs(imaginary) > CLEAR * u)[::-1]
    found = []
    for high, low in itertools.pairwise(sure.tolist()):
        if imaginary[high] * imaginary[low] < 0:
            between = np.arange(low, high)
            i = int(between[imaginary[between] * imaginary[between + 1] <= 0][-1])
            point = curve.point(i, _zero(imaginary[i : i + 2], curve.slope[1, i : i + 2], curve.step))
            aslant = point.slope[0] / point.slope[1]
            error, misfit = (parts[0] - aslant * parts[1] for parts in (point.value_root, point.misfit))
            place = _place(curve, point, error, misfit, _norm(point.value_root[1]) / np.abs(point.slope[1]))
            alike = between[np.abs(imaginary[between]) <= COVERED * u[between]]
            found.append((_widened(curve, place, alike, []), bool(imaginary[high] > 0)))
    return found


def _zero(value: FloatArray, slope: FloatArray, step: float) -> float:
    """Return where a cubic between two points is zero, 0 to 1."""
    t = float(value[0] / (value[0] - value[1]))
    ends = np.concatenate([value, slope])
    for _ in range(3):
        cubic = hermite(t, step) @ ends
        if cubic[1] == 0:
            break
        t = min(max(t - float(cubic[0] / cubic[1]) / step, 0.0), 1.0)
    return t


def _least_phase(curve: SmoothCurve, crossings: list[_Place]) -> _Place:
    """Return the place of least |phase|, the highest of those that cannot be told apart."""
    (re, im), (re_root, im_root) = curve.value, curve.value_root
    phase, modulus = np.arctan2(im, re), np.hypot(re, im)
    size = np.abs(phase)
    root = ((re / modulus)[:, None] * im_root - (im / modulus)[:, None] * re_root) / modulus[:, None]
    crossings = [place for place in crossings if place.value > 0]
    least = 0.0
    if not crossings:
        k = int(size.argmin())
        least = float(size[k])
        root = root - np.where(phase * phase[k] < 0, -1, 1)[:, None] * root[k]
    alike = np.flatnonzero(~(size - least > COVERED * np.sqrt((root**2).sum(axis=1))))
    runs = np.split(alike, np.flatnonzero(np.diff(alike) > 1) + 1)
    highest = runs[-1]
    if crossings and (not highest.size or crossings[0].log_f >= _log_f(curve, max(highest[0] - 1, 0))):
        return crossings[0]
    place = _widened(curve, _flattest(curve, phase, int(highest[size[highest].argmin()])), alike, crossings)
    others = [float(_log_f(curve, run[size[run].argmin()])) for run in runs[:-1]] + [c.log_f for c in crossings]
    if others:
        return replace(place, reason=f"|phase| is as small at {math.exp(min(others)):.3g} Hz")
    return place


def _flattest(curve: SmoothCurve, phase: FloatArray, k: int) -> _Place:
    """Return the place of least |phase| next to a point of the curve."""
    last = phase.size - 1
    if k in (0, last) or phase[k - 1] * phase[k + 1] <= 0:
        return _plain_place(curve, _end(curve, k) if k in (0, last) else curve.point(k, 0.0))
    before, here, after = np.abs(phase[k - 1 : k + 2])
    t = 0.5 * float((before - after) / max(before - 2 * here + after, 1e-300))
    point = curve.point(k if t >= 0 else k - 1, t % 1)
    parts = (point.value, point.slope, point.curvature, point.value_root, point.slope_root)
    z, slope, curvature, z_root, slope_root = (part[0] + 1j * part[1] for part in parts)
    # the phase is Im ln Z
    of_slope = (slope_root / z - slope / z * (z_root / z)).imag
    bend = (curvature / z - (slope / z) ** 2).imag
    error = point.value_root[0] - point.slope[0] / bend * of_slope
    return _place(curve, point, error, point.misfit[0], _norm(of_slope) / np.abs(bend))


def _extremes(curve: SmoothCurve) -> tuple[list[_Place], list[_Place]]:
    """Return the valleys and the apexes of -Im Z that stand out, from high frequencies down."""
    minima, apexes = [], []
    slope = curve.slope[1]
    for i in np.flatnonzero((slope[:-1] < 0) != (slope[1:] < 0))[::-1].tolist():
        point = curve.point(i, float(slope[i] / (slope[i] - slope[i + 1])))
        height, u_height = -float(point.value[1]), _norm(point.value_root[1])
        u_log_f = _norm(point.slope_root[1]) / np.abs(point.curvature[1])
        is_apex = bool(slope[i] < 0)
        # on the inductive side there are neither arcs nor valleys between them
        if height < (SURE if is_apex else -SURE) * u_height or not _stands_out(curve, point, i, is_apex):
            continue
        if is_apex:
            place = _place(curve, point, point.value_root[1], point.misfit[1], u_log_f)
            apexes.append(replace(place, value=height))
        else:
            error = point.value_root[0] - point.slope[0] / point.curvature[1] * point.slope_root[1]
            minima.append(_place(curve, point, error, point.misfit[0], u_log_f))
    return minima, apexes


def _stands_out(curve: SmoothCurve, point: Point, i: int, is_apex: bool) -> bool:
    """Return whether -Im Z falls (or rises) clearly on both sides, before it is as high (low) again."""
    sign = 1 if is_apex else -1
    fall = sign * (curve.value[1] - point.value[1])
    fall[i : i + 2] = np.maximum(fall[i : i + 2], 0)  # the extreme is as exact as the cubic
    for side in (np.arange(i, -1, -1), np.arange(i + 1, fall.size)):
        side = side[np.logical_and.accumulate(fall[side] >= 0)]
        difference = curve.value_root[1, side] - point.value_root[1]
        if not (fall[side] > CLEAR * np.sqrt((difference**2).sum(axis=1))).any():
            return False
    return True


def _measured_places(frequency: FloatArray, impedance: ComplexArray) -> dict[str, _Place]:
    """Return the three readings that are always there, from the points themselves."""
    x = np.log(frequency)
    u = _scatter(x, impedance)

    def place(i: int) -> _Place:
        reason = MEASURED if math.isfinite(u[i]) else ALONE
        return _Place(float(x[i]), float(impedance.real[i]), float(u[i]), reason=reason)

    phase = np.abs(np.angle(impedance))
    least = int(np.flatnonzero(phase == phase.min())[-1])
    return {"R_first": place(-1), "R_last": place(0), "R_phase": place(least)}


def _scatter(x: FloatArray, z: ComplexArray) -> FloatArray:
    """Return errors of both parts, from how far points lie from the line through their neighbours."""
    if z.size < 3:
        return np.full(z.size, math.nan)
    span = x[2:] - x[:-2]
    after = np.divide(x[1:-1] - x[:-2], span, out=np.full(span.size, 0.5), where=span > 0)
    before = 1 - after
    off = np.abs(z[1:-1] - before * z[:-2] - after * z[2:])
    relative = off / np.abs(z[1:-1]) / np.sqrt(2 * (1 + before**2 + after**2))
    scatter: FloatArray = np.sqrt(np.mean(relative**2)) * np.abs(z)
    return scatter
