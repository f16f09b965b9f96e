"""Corrections of measured spectra: leads, stray capacitance, fixture, area and averages.

Each correction adds a note and keeps points, mask and metadata. The noise of a spectrum is propagated.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.errors import SpectrumError
from eistool.spectrum.spectrum import Spectrum, check_spectrum
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray

SAME_FREQUENCY = 1e-3  # relative; instruments round frequencies to four digits or more
DECADE = float(np.log(10))
PER_AREA = "impedances are per area: Ω cm², with an area of"


def subtract_lead(
    spectrum: Spectrum, resistance: float, inductance: float = 0.0, *, u_resistance: float = 0.0
) -> Spectrum:
    """Subtract the resistance and the inductance of leads in series.

    Parameters
    ----------
    spectrum : Spectrum
    resistance, inductance : float
        In ohm and henry.
    u_resistance : float
        Standard uncertainty in ohm. It is common to all points and therefore not part of the noise: it is
        given in the note, for the uncertainty of resistances.

    Raises
    ------
    SpectrumError
        If a value is negative or not finite.

    Examples
    --------
    >>> s = subtract_lead(Spectrum([1e3, 1.0], [12 + 1j, 50 - 5j]), 2.0, u_resistance=0.1)
    >>> s.impedance.real.tolist(), s.notes
    ([10.0, 48.0], ('a lead of 2 ± 0.1 Ω is subtracted',))
    """
    check_spectrum(spectrum)
    values = {"resistance": resistance, "inductance": inductance, "u_resistance": u_resistance}
    for name, value in values.items():
        _check_number(spectrum, name, value, positive=False)
    text = f"a lead of {resistance:g}" + (f" ± {u_resistance:g}" if u_resistance else "") + " Ω"
    text += f" and {inductance:g} H" if inductance else ""
    return _with(
        spectrum, spectrum.impedance - resistance - 1j * spectrum.omega * inductance, 1, f"{text} is subtracted"
    )


def subtract_stray_capacitance(spectrum: Spectrum, capacitance: float) -> Spectrum:
    """Subtract a capacitance parallel to the sample, of cable or holder.

    Parameters
    ----------
    spectrum : Spectrum
    capacitance : float
        In farad.

    Raises
    ------
    SpectrumError
        If the capacitance is negative or not finite.

    Examples
    --------
    >>> measured = Spectrum([1e6], [1 / (1 / 1000 + 2j * np.pi * 1e6 * 1e-10)])
    >>> subtract_stray_capacitance(measured, 1e-10).impedance.real.round(6)
    array([1000.])
    """
    check_spectrum(spectrum)
    _check_number(spectrum, "capacitance", capacitance, positive=False)
    share = 1 - 1j * spectrum.omega * capacitance * spectrum.impedance
    return _with(
        spectrum,
        spectrum.impedance / share,
        1 / share**2,
        f"a parallel capacitance of {capacitance:g} F is subtracted",
    )


def deembed(spectrum: Spectrum, short: Spectrum | None = None, open: Spectrum | None = None) -> Spectrum:  # noqa: A002
    """Correct for the fixture by measurements with its contacts short-circuited and open.

    Zc = 1/(1/(Zm - Zshort) - Yopen), with Yopen = 1/(Zopen - Zshort).

    Parameters
    ----------
    spectrum : Spectrum
        The measured Zm.
    short, open : Spectrum, optional
        At the same frequencies, in any order.

    Raises
    ------
    SpectrumError
        If both are missing, or lack a frequency of the spectrum.

    Examples
    --------
    >>> measured, short = Spectrum([1.0, 10.0], [11, 11 + 1j]), Spectrum([10.0, 1.0], [1 + 1j, 1])
    >>> deembed(measured, short).impedance.real.tolist()
    [10.0, 10.0]
    """
    check_spectrum(spectrum)
    if short is None and open is None:
        raise SpectrumError(f"{spectrum.label}: expected a measurement of short, open or both, got none")
    nothing = np.zeros(len(spectrum), dtype=np.complex128)
    z_short, u_short = (nothing, None) if short is None else _at(spectrum, short, "short")
    z = spectrum.impedance - z_short
    share, u_open = np.ones_like(z), None
    if open is not None:
        z_open, u_open = _at(spectrum, open, "open")
        share = 1 - z / (z_open - z_short)
        u_open = None if u_open is None else u_open * np.abs(z / (z_open - z_short)) ** 2
    given = {"short": short, "open": open}
    names = " and ".join(f"{name} {fixture.label}" for name, fixture in given.items() if fixture is not None)
    extra = [u for u in (u_short, u_open) if u is not None]
    noisy = spectrum
    if spectrum.noise is not None and extra:
        squares = [spectrum.noise.real**2 + 1j * spectrum.noise.imag**2, *(u**2 * (1 + 1j) for u in extra)]
        total = np.sum(squares, axis=0)
        noisy = replace(spectrum, noise=np.sqrt(total.real) + 1j * np.sqrt(total.imag))
    return _with(noisy, z / share, 1 / share**2, f"corrected for the fixture with {names}")


def normalize_by_area(spectrum: Spectrum, area_cm2: float | None = None) -> Spectrum:
    """Return the spectrum in Ω cm².

    Parameters
    ----------
    spectrum : Spectrum
    area_cm2 : float, optional
        By default from the metadata, directly or by the diameter.

    Raises
    ------
    SpectrumError
        If the area is unknown or not positive, or the spectrum is per area already.

    Examples
    --------
    >>> normalize_by_area(Spectrum([1.0], [10 - 5j]), 0.5).impedance
    array([5.-2.5j])
    """
    check_spectrum(spectrum)
    if any(note.startswith(PER_AREA) for note in spectrum.notes):
        raise SpectrumError(f"{spectrum.label}: the impedances are already per area; expected those in ohm")
    metadata = spectrum.metadata
    if area_cm2 is None and metadata.area_cm2 is not None:
        area_cm2 = metadata.area_cm2
    elif area_cm2 is None and metadata.diameter_mm is not None:
        area_cm2 = float(np.pi) * (metadata.diameter_mm / 20) ** 2
    if area_cm2 is None:
        raise SpectrumError(f"{spectrum.label}: the area is unknown; give area_cm2, or a diameter in the metadata")
    _check_number(spectrum, "area_cm2", area_cm2, positive=True)
    return _with(spectrum, spectrum.impedance * area_cm2, area_cm2, f"{PER_AREA} {area_cm2:g} cm²")


def average_spectra(spectra: Sequence[Spectrum]) -> Spectrum:
    """Return the mean of replicates, with the standard error from their scatter as noise.

    Points masked in a replicate are omitted from the mean. The scatter is relative to |Z| and pooled over
    about a decade, since few replicates give a poor estimate at a single point.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Two or more at the same frequencies; the result has label and metadata of the first.

    Raises
    ------
    SpectrumError
        If there are fewer than two, or their frequencies differ.

    Examples
    --------
    >>> mean = average_spectra([Spectrum([1.0, 2.0], [10 - 5j, 9]), Spectrum([1.0, 2.0], [12 - 5j, 9 - 2j])])
    >>> mean.impedance
    array([11.-5.j,  9.-1.j])
    >>> mean.noise is None
    False
    """
    for spectrum in spectra:
        check_spectrum(spectrum)
    if len(spectra) < 2:
        raise SpectrumError(f"expected two replicates or more, got {len(spectra)}")
    first = spectra[0]
    places = [_places(first, other, "replicate") for other in spectra]
    z = np.array([other.impedance[place] for other, place in zip(spectra, places, strict=True)])
    masks: BoolArray = np.array([other.mask[place] for other, place in zip(spectra, places, strict=True)])
    used = masks | ~masks.any(axis=0)  # points masked in all replicates are averaged, and stay masked
    count = used.sum(axis=0)
    mean = np.where(used, z, 0).sum(axis=0) / count
    relative = np.where(used, z - mean, 0) / np.abs(mean)
    x = np.log(first.frequency)
    near = np.exp(-0.5 * ((x[:, None] - x) / DECADE) ** 2)
    freedom = np.maximum((count - 1) @ near, 1)
    real, imag = (
        np.abs(mean) * np.sqrt((part**2).sum(axis=0) @ near / freedom / count)
        for part in (relative.real, relative.imag)
    )
    least = np.finfo(float).eps * np.abs(mean)  # for identical replicates
    mask: BoolArray = np.any(masks, axis=0)
    reasons = tuple(
        "" if good else reason or "masked" for good, reason in zip(mask, first.mask_reason, strict=True)
    )
    note = f"mean of {len(spectra)} replicates; noise is the standard error from their scatter"
    return replace(
        first,
        impedance=mean,
        noise=np.maximum(real, least) + 1j * np.maximum(imag, least),
        mask=mask,
        mask_reason=reasons,
        notes=(*first.notes, note),
    )


def _with(spectrum: Spectrum, impedance: ComplexArray, derivative: ArrayLike, note: str) -> Spectrum:
    """Return a copy with another impedance and the noise multiplied by dZ_new/dZ, a complex number."""
    noise = spectrum.noise
    if noise is not None:
        slope = np.asarray(derivative, dtype=np.complex128)
        real = np.hypot(slope.real * noise.real, slope.imag * noise.imag)
        noise = real + 1j * np.hypot(slope.imag * noise.real, slope.real * noise.imag)
    return replace(spectrum, impedance=impedance, noise=noise, notes=(*spectrum.notes, note))


def _at(spectrum: Spectrum, other: Spectrum, name: str) -> tuple[ComplexArray, FloatArray | None]:
    """Return another spectrum at the same frequencies, and the rms of its noise in Re and Im."""
    check_spectrum(other)
    place = _places(spectrum, other, name)
    noise = None if other.noise is None else np.abs(other.noise[place]) / np.sqrt(2)
    return other.impedance[place], noise


def _places(spectrum: Spectrum, other: Spectrum, name: str) -> IntArray:
    distance = np.abs(np.log(spectrum.frequency[:, None] / other.frequency))
    if len(spectrum) == len(other) and np.diagonal(distance).max() <= SAME_FREQUENCY:
        return np.arange(len(spectrum), dtype=np.int64)  # repeated frequencies keep their order
    place: IntArray = distance.argmin(axis=1).astype(np.int64)
    off = distance.min(axis=1) > SAME_FREQUENCY
    if off.any():
        missing = spectrum.frequency[off]
        raise SpectrumError(
            f"{spectrum.label}: {name} {other.label} has no point at {missing[0]:g} Hz (one of {missing.size}); "
            "measure it at the same frequencies"
        )
    return place


def _check_number(spectrum: Spectrum, name: str, value: Any, *, positive: bool) -> None:
    number = isinstance(value, Real) and math.isfinite(value)
    if not number or value < 0 or (positive and value == 0):
        expected = "a positive number" if positive else "a number from 0"
        raise SpectrumError(f"{spectrum.label}: {name}={value!r}; give {expected}")
