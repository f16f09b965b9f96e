"""Units in headers and settings, as factors to SI or to the unit of the metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
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
        **dict.fromkeys(("giga", "Giga"), 1e9),
        **dict.fromkeys(("mega", "Mega", "meg", "Meg"), 1e6),
        **dict.fromkeys(("kilo", "Kilo", "kil", "Kil"), 1e3),
        **dict.fromkeys(("milli", "Milli"), 1e-3),
        **dict.fromkeys(("micro", "Micro", "micr", "Micr"), 1e-6),
        **dict.fromkeys(("nano", "Nano"), 1e-9),
    }
)
_LONGEST = 40  # characters of a unit
_PREFIX = (
    r"(G|M|k|K|m|µ|u|n|p|(?:[Gg]iga|[Mm]ega|[Kk]ilo|[Mm]illi|[Mm]icro|[Nn]ano)[\s-]?|[Kk]il(?=(?i:ohm))|[Mm]eg(?=(?i:ohm))|"
    r"[Mm]icr(?=(?i:ohm)))?"
)
# Ω in Shift-JIS and in GBK, read as Latin-1
_OHM = r"(?:(?i:ohms?)|Ω|\x83\xb6|\xa6\xb8)"
_TIMES = r"[\s*·⋅∙.×x_-]*"
_TO_CM = MappingProxyType({"m": 100.0, "cm": 1.0, "mm": 0.1})
_TO_CM2 = MappingProxyType({"m": 1e4, "cm": 1.0, "mm": 1e-2, "µm": 1e-8})
_DIMENSION = tuple(
    (re.compile(rf"{_PREFIX}{pattern}"), dimension)
    for pattern, dimension in (
        (rf"{_OHM}", "ohm"),
        (rf"{_OHM}{_TIMES}(?P<area>cm|mm|m|µm)(?:\^?2|\*\*2|²|\^?\{{2\}})", "ohm"),
        (rf"{_OHM}{_TIMES}[Aa]rea(?:/2)?", "ohm"),
        (rf"{_OHM}{_TIMES}(?P<length>cm|mm|m)", "ohm"),
        (r"(?:S|[Ss]iemens|[Mm]hos?|℧)", "S"),
        (r"(?:Hz|HZ|hz|[Hh]ertz)", "Hz"),
        (r"[Rr]ad\.?\s?(?:/\s?s(?:ec)?|[.*·\s]?s(?:\^?-1|⁻¹|\^\(-1\)))", "rad/s"),
        (r"V(?:olts?)?(?:\s?rms)?", "V"),
        (r"A(?:mp(?:ere)?s?)?(?:\s?rms)?", "A"),
    )
)
_PER_SECOND = re.compile(r"1/s|s\s?(?:\^?-1|⁻¹|\^\(-1\))")
_PER_OHM = re.compile(rf"1/{_OHM}|{_OHM}\s?(?:\^?-1|⁻¹|\^\(-1\))")
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


@dataclass(frozen=True, slots=True)
class Unit:
    """Dimension of a unit and its factor to the base unit.

    Parameters
    ----------
    dimension : {"ohm", "S", "Hz", "1/s", "rad/s", "V", "A"}
    scale : float
        To that unit; with a geometry, to ohm cm² or ohm cm.
    geometry : {"", "area", "length"}
        Of impedances times an area, and of resistivities.
    """

    dimension: str
    scale: float = 1.0
    geometry: str = ""


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit | None:
    """Return the unit that a text names, None if it is not a known one as a whole.

    Single letters are case-sensitive (``mΩ``, ``MΩ``), except for the kilo.

    Examples
    --------
    >>> [parse_unit(text) for text in ("kilohm", "Ω·mm²")]
    [Unit(dimension='ohm', scale=1000.0, geometry=''), Unit(dimension='ohm', scale=0.01, geometry='area')]
    >>> parse_unit("Ohm m"), parse_unit("furlong")
    (Unit(dimension='ohm', scale=100.0, geometry='length'), None)
    """
    if len(text) > _LONGEST:
        return None
    text = text.strip().replace("μ", "µ").replace("\u2126", "Ω")
    if _PER_OHM.fullmatch(text):
        return Unit("S")
    if _PER_SECOND.fullmatch(text):
        return Unit("1/s")
    for pattern, dimension in _DIMENSION:
        match = pattern.fullmatch(text)
        if match is not None:
            parts = match.groupdict()
            scale = PREFIXES[(match[1] or "").strip(" -")]
            if parts.get("length"):
                return Unit(dimension, scale * _TO_CM[parts["length"]], "length")
            if parts.get("area"):
                return Unit(dimension, scale * _TO_CM2[parts["area"]], "area")
            return Unit(dimension, scale, "area" if "rea" in text else "")
    return None


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
