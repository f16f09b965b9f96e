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


AUTO = "auto"
WEIGHTINGS: Mapping[str, Callable[[Spectrum], ComplexArray]] = MappingProxyType(
    {
        "modulus": _modulus,
        "unit": _unit,
        "proportional": _proportional,
        "noise": _noise,
        # chosen by AUTO, with the divisors as the noise of the spectrum; only their ratios count
        "mixture": _noise,
        "robust": _noise,
    }
)
CHOICES = (AUTO, "modulus", "unit", "proportional", "noise")


def check_weighting(weighting: str) -> None:
    """Raise a FitError if a weighting is unknown."""
    if weighting not in (*WEIGHTINGS, AUTO):
        raise FitError(f"weighting={weighting!r}; choose one of {', '.join(CHOICES)}")


def resolve_weighting(spectrum: Spectrum, weighting: str) -> tuple[Spectrum, str]:
    """Return the spectrum and the weighting to fit it with: ``"auto"`` is decided by the noise.

    Parameters
    ----------
    spectrum : Spectrum
        Data.
    weighting : {"auto", "modulus", "unit", "proportional", "noise"}
        Any but ``"auto"`` is returned as it is.

    Returns
    -------
    spectrum : Spectrum
        With the divisors of the residuals as its noise, where the weighting is ``"mixture"`` (relative and
        absolute noise) or ``"robust"`` (heavy tails).
    weighting : str
        A key of :data:`WEIGHTINGS`.

    Raises
    ------
    FitError
        If the weighting is unknown.
    """
    check_weighting(weighting)
    if weighting != AUTO:
        return spectrum, weighting
    if isinstance(spectrum, Spectrum) and not spectrum.mask.any():
        return spectrum, "modulus"
    from eistool.validation import choose_weighting  # compiled at import, which other weightings do without

    model = choose_weighting(spectrum)
    if model.dof is None and model.kind != "mixture":
        return spectrum, model.kind
    return model.with_noise(spectrum), "mixture" if model.dof is None else "robust"


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
    check_weighting(weighting)
    return WEIGHTINGS[weighting](spectrum)
