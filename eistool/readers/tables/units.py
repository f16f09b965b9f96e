"""Units in headers and settings, as factors to SI or to the unit of the metadata."""

import re
from collections.abc import Mapping
from types import MappingProxyType

# both code points of the micro sign, and the letter that replaces it; "K" is a careless kilo
PREFIXES: Mapping[str, float] = MappingProxyType(
    {
        "": 1.0,
        "G": 1e9,
        "M": 1e6,
        "k": 1e3,
        "K": 1e3,
        "m": 1e-3,
        "µ": 1e-6,
        "μ": 1e-6,
        "u": 1e-6,
        "n": 1e-9,
        "p": 1e-12,
        "f": 1e-15,
        "mega": 1e6,
        "kilo": 1e3,
        "milli": 1e-3,
    }
)
_SECONDS = MappingProxyType(
    {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
        **dict.fromkeys(("d", "day", "days"), 86400.0),
        "ms": 1e-3,
    }
)
_BASES = MappingProxyType(
    {
        "current": ("a", "amp", "amps", "ampere", "amperes"),
        "voltage": ("v", "volt", "volts"),
        "frequency": ("hz",),
    }
)
_MAH = MappingProxyType({"mah": 1.0, "ah": 1e3, "µah": 1e-3, "uah": 1e-3, "c": 1 / 3.6})


def factor(quantity: str, unit: str) -> float | None:
    """Return the factor from a unit to s, A, V, Hz or mAh, None for a unit of another quantity.

    Upper and lower case are the same: ``MA`` in a header of capitals is mA, and no record is in megaampere.

    Parameters
    ----------
    quantity : {"time", "current", "voltage", "charge", "frequency"}
    unit : str
        For instance ``mA.h`` or ``µA``.

    Examples
    --------
    >>> factor("current", "µA"), factor("time", "min"), factor("charge", "mA.h"), factor("voltage", "Ohm")
    (1e-06, 60.0, 1.0, None)
    """
    unit = re.sub(r"[\s.]", "", unit).replace("μ", "µ").lower()
    if quantity == "time":
        return _SECONDS.get(unit)
    if quantity == "charge":
        return _MAH.get(unit)
    for base in _BASES[quantity]:
        if unit.endswith(base) and unit.removesuffix(base) in PREFIXES:
            return PREFIXES[unit.removesuffix(base)]
    return None
