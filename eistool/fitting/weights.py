"""What a residual is divided by: the weighting of a fit."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from eistool.errors import FitError
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray

# where one part of Z is much smaller than the other, an error proportional to it is not believable
SMALLEST_PART = 0.01


def _modulus(spectrum: Spectrum) -> ComplexArray:
    return np.abs(spectrum.impedance) * (1 + 1j)


def _unit(spectrum: Spectrum) -> ComplexArray:
    return np.full(len(spectrum), 1 + 1j)


def _proportional(spectrum: Spectrum) -> ComplexArray:
    least = SMALLEST_PART * np.abs(spectrum.impedance)
    real = np.maximum(np.abs(spectrum.impedance.real), least)
    return real + 1j * np.maximum(np.abs(spectrum.impedance.imag), least)


def _noise(spectrum: Spectrum) -> ComplexArray:
    if spectrum.noise is None:
        raise FitError(
            f"{spectrum.label}: weighting='noise' needs the measured noise; give Spectrum(..., noise=...) in ohm, "
            "or check_kramers_kronig(spectrum).with_noise(), or choose another weighting"
        )
    return spectrum.noise


WEIGHTINGS: Mapping[str, Callable[[Spectrum], ComplexArray]] = MappingProxyType(
    {"modulus": _modulus, "unit": _unit, "proportional": _proportional, "noise": _noise}
)


def standard_deviation(spectrum: Spectrum, weighting: str) -> ComplexArray:
    """Return what the real and the imaginary residuals are divided by, in ohm.

    Parameters
    ----------
    spectrum : Spectrum
        All its points, masked ones too.
    weighting : {"modulus", "unit", "proportional", "noise"}
        |Z|; 1; |Re Z| and |Im Z| (at least 1 % of |Z|); the spectrum's own noise.

    Returns
    -------
    ComplexArray, shape (n_freq,)
        Real part for the real residual, imaginary part for the imaginary one.

    Raises
    ------
    FitError
        If the weighting is unknown, or the spectrum has no noise to weight with.
    """
    if weighting not in WEIGHTINGS:
        raise FitError(f"weighting={weighting!r}; choose one of {', '.join(WEIGHTINGS)}")
    return WEIGHTINGS[weighting](spectrum)
