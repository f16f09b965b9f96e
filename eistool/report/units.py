"""Units with metric prefixes for resistances, currents, conductivities and frequencies."""

from eistool.display import format_value

_OHM = ((1e6, "MΩ"), (1e3, "kΩ"), (1.0, "Ω"), (1e-3, "mΩ"))
_AMPERE = ((1.0, "A"), (1e-3, "mA"), (1e-6, "µA"), (1e-9, "nA"), (1e-12, "pA"))
_SIEMENS = ((1.0, "S/cm"), (1e-3, "mS/cm"), (1e-6, "µS/cm"), (1e-9, "nS/cm"))
_HERTZ = ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz"), (1e-3, "mHz"))


def ohm_unit(largest: float) -> tuple[float, str]:
    """Return a unit in ohm, and its name, for values up to ``largest`` ohm.

    Examples
    --------
    >>> ohm_unit(47157.0), ohm_unit(0.02)
    ((1000.0, 'kΩ'), (0.001, 'mΩ'))
    """
    return _unit(largest, _OHM)


def ampere_unit(largest: float) -> tuple[float, str]:
    """Return a unit in A, and its name, for currents up to ``largest`` A.

    Examples
    --------
    >>> ampere_unit(1.79e-8)
    (1e-09, 'nA')
    """
    return _unit(largest, _AMPERE)


def format_ohm(value: float, stderr: float | None = None) -> str:
    """Format a resistance with its error in a suitable unit.

    Examples
    --------
    >>> format_ohm(53.05, 0.5), format_ohm(47157.0, 210.0)
    ('53.05 ± 0.50 Ω', '47.16 ± 0.21 kΩ')
    """
    # 1198.7 ± 0.8 and 0.85 ± 0.15 are more readable without a prefix
    scale, unit = (1.0, "Ω") if 0.1 <= abs(value) < 1e4 else _unit(value, _OHM)
    return f"{format_value(value / scale, None if stderr is None else stderr / scale)} {unit}"


def format_siemens(sigma: float, u_sigma: float | None = None) -> str:
    """Format a conductivity in S/cm, with its error, in a suitable unit.

    Examples
    --------
    >>> format_siemens(2.4e-3, 1.2e-4), format_siemens(2.7e-6), format_siemens(3.2e-4)
    ('2.40 ± 0.12 mS/cm', '2.7 µS/cm', '0.32 mS/cm')
    """
    scale, unit = _unit(10 * abs(sigma), _SIEMENS)  # 0.32 mS/cm is customary
    return f"{format_value(sigma / scale, None if u_sigma is None else u_sigma / scale)} {unit}"


def format_hertz(value: float) -> str:
    """Format a frequency with three digits.

    Examples
    --------
    >>> format_hertz(1e4), format_hertz(0.1), format_hertz(531.2)
    ('10 kHz', '100 mHz', '531 Hz')
    """
    scale, unit = _unit(value, _HERTZ)
    return f"{value / scale:.3g} {unit}"


def _unit(value: float, units: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    return next((u for u in units if abs(value) >= u[0] * (1 - 1e-9)), units[-1])
