"""Warnings on spectra that look as if they were read wrong, or were not measured."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from eistool.readers.notes import WARNING
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray

_FREQUENCY_HZ = (1e-7, 1e10)
_MODULUS_OHM = (1e-7, 1e15)
_FEWEST = 5  # points that show that a column is constant, or evenly spaced
# |Z| of no passive two-pole changes faster than f or 1/f, by more than noise and outliers
_STEEPEST, _JUMP = 1.2, 3.0
_FEWEST_OF_SWEEP = 3
_FEWEST_REPEATED = 3  # points in a repeated block
_EVEN, _UNEVEN = 0.02, 0.5  # relative scatter of the steps of a logarithm


@np.errstate(all="ignore")  # absurd numbers are one of the reasons
def with_warnings(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    """Return the sweeps of one file, in ohm, with a note for each reason to doubt them.

    Examples
    --------
    >>> resistor = Spectrum([1e4, 1e3, 1e2, 1e1, 1.0], [5 + 0j, 6, 7, 8, 9])
    >>> with_warnings([resistor])[0].notes
    ('warning: Im is 0 at all points',)
    """
    first: dict[bytes, int] = {}
    checked = []
    for number, spectrum in enumerate(spectra, start=1):
        reasons = list(_reasons(spectrum))
        twin = first.setdefault(spectrum.frequency.tobytes() + spectrum.impedance.tobytes(), number)
        if twin != number:
            reasons.append(f"the sweep has the same numbers as sweep {twin} of the file")
        notes = (*spectrum.notes, *(f"{WARNING}{reason}" for reason in reasons))
        checked.append(replace(spectrum, notes=notes) if reasons else spectrum)
    return checked


def _reasons(spectrum: Spectrum) -> Iterator[str]:
    f, z = spectrum.frequency, spectrum.impedance
    modulus = np.abs(z)
    for name, values, (low, high), unit in (
        ("f", f, _FREQUENCY_HZ, "Hz"),
        ("|Z|", modulus[modulus > 0], _MODULUS_OHM, "ohm"),
    ):
        if values.size and (values.min() < low or values.max() > high):
            n = np.count_nonzero((values < low) | (values > high))
            yield f"{name} is outside {low:g} to {high:g} {unit} at {n} points"
    if f.size < _FEWEST_OF_SWEEP:
        yield f"the sweep has only {f.size} point{'s' if f.size > 1 else ''}"
    if not z.imag.any():
        yield "Im is 0 at all points"
    if f.size >= _FEWEST:
        for name, values in (("Re", z.real), ("Im", z.imag), ("|Z|", modulus)):
            if values[0] == values[-1] != 0 and np.ptp(values) == 0:
                yield f"{name} is {values[0]:g} ohm at all points"
        if _steps(np.abs(z.real)) < _EVEN and _steps(f) > _UNEVEN:
            yield "Re is evenly spaced on a logarithmic scale and f is not: the columns may be exchanged"
    yield from _repeats(spectrum)
    yield from _jump(f, modulus)


def _steps(values: FloatArray) -> float:
    """Return the relative scatter of the steps of ln x; 0 for even steps."""
    if (values <= 0).any():
        return np.inf
    steps = np.diff(np.log(values))
    middle = abs(float(np.median(steps)))
    return float(np.median(np.abs(steps - np.median(steps)))) / middle if middle > 0 else np.inf


def _repeats(spectrum: Spectrum) -> Iterator[str]:
    frequencies = spectrum.frequency.tolist()
    if len(frequencies) - len(set(frequencies)) < _FEWEST_REPEATED:
        return
    points = list(zip(frequencies, spectrum.impedance.tolist(), strict=True))
    repeated = len(points) - len(set(points))
    if repeated >= _FEWEST_REPEATED:
        yield f"{repeated} points occur more than once, with the same numbers"


def _jump(f: FloatArray, modulus: FloatArray) -> Iterator[str]:
    order = np.argsort(f, kind="stable")
    order = order[modulus[order] > 0]
    log_f, log_z = np.log(f[order]), np.log(modulus[order])
    excess = np.abs(np.diff(log_z)) - _STEEPEST * np.diff(log_f)
    if excess.size and excess.max() > np.log(_JUMP):
        k = int(np.argmax(excess))
        factor = float(np.exp(abs(log_z[k + 1] - log_z[k])))
        low, high = f[order[k]], f[order[k + 1]]
        yield f"|Z| jumps by a factor of {factor:.3g} between {low:.4g} and {high:.4g} Hz, faster than f"
