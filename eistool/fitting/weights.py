"""Weighting of residuals."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated

import numpy as np

from eistool.errors import FitError
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, Threshold

MIN_PART: Annotated[
    float,
    Threshold(
        "smallest real or imaginary part, relative to |Z|, for weighting='proportional'",
        "engineering choice: the phase error of instruments, 0.1 to 1°, is 0.2 to 1.7 % of |Z|",
    ),
] = 0.01


def _modulus(spectrum: Spectrum) -> ComplexArray:
    return np.abs(spectrum.impedance) * (1 + 1j)


def _unit(spectrum: Spectrum) -> ComplexArray:
    return np.full(len(spectrum), 1 + 1j)


def _proportional(spectrum: Spectrum) -> ComplexArray:
    minimum = MIN_PART * np.abs(spectrum.impedance)
    real = np.maximum(np.abs(spectrum.impedance.real), minimum)
    return real + 1j * np.maximum(np.abs(spectrum.impedance.imag), minimum)


def _noise(spectrum: Spectrum) -> ComplexArray:
    if spectrum.noise is None:
        raise FitError(
            f"{spectrum.label}: weighting='noise' needs the measured noise; give Spectrum(..., noise=...) in ohm, "
            "use check_kramers_kronig(spectrum).with_noise(), or choose another weighting"
        )
    return spectrum.noise


WEIGHTINGS: Mapping[str, Callable[[Spectrum], ComplexArray]] = MappingProxyType(
    {"modulus": _modulus, "unit": _unit, "proportional": _proportional, "noise": _noise}
)


def standard_deviation(spectrum: Spectrum, weighting: str) -> ComplexArray:
    """Return the divisors of the real and imaginary residuals, in ohm.

    Parameters
    ----------
    spectrum : Spectrum
        Spectrum; masked points are included.
    weighting : {"modulus", "unit", "proportional", "noise"}
        |Z|; 1; |Re Z| and |Im Z| (at least 1 % of |Z|); measured noise.

    Returns
    -------
    ComplexArray, shape (n_freq,)
        Divisors of the real residuals as real parts, of the imaginary residuals as imaginary parts.

    Raises
    ------
    FitError
        If the weighting is unknown, or ``"noise"`` without measured noise.
    """
    if weighting not in WEIGHTINGS:
        raise FitError(f"weighting={weighting!r}; choose one of {', '.join(WEIGHTINGS)}")
    return WEIGHTINGS[weighting](spectrum)
