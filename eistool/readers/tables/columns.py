"""Column headers of impedance tables: quantity, unit and sign."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from eistool.readers.tables.units import PREFIXES, factor

# spellings without spaces, dots, underscores, "(Z)", sign and unit, in lower case
_WORDINGS = MappingProxyType(
    {
        "frequency": "f freq frequency frequenz fréquence frecuencia hz freqhz frequencyhz freqency",
        "omega": "omega ω angularfrequency angfreq rad/s",
        "real": "re real z' zs' zre zreal rez realz zr z'a zprime realpart realimpedance realimpedancez' rezs "
        "z're zreale zreelle realteil",
        "imag": "im imag z'' zs'' zim zimag zimg imz imagz zi z''b zdoubleprime imaginary imaginarypart "
        "imaginaryimpedance imaginaryimpedancez'' imagpart imagimpedance imzs imaginaryz zimaginary z''im",
        "modulus": "|z| mag magnitude modulus zmod zmag abs absz zabs |impedance| impedance "
        "impedancemagnitude zmagnitude zmodulus modz z betragz",
        "phase": "phase phi φ theta θ zphz zphase phasez phaseangle arg argz angle thetaz zphi "
        "phaseofz phasenwinkel zphaseangle",
        "real_corrected": "zrealdrcor",
        "imag_corrected": "zimagdrcor",
        "cycle": "cycle cyclenumber cyclenr cycleno zcycle sweep sweepnumber sweepno loop loopnumber "
        "scan scannumber",
        "voltage": "<ewe> ewe vdc edc potential dcpotential",
        "current": "<i> idc current dccurrent",
        "time": "time t elapsedtime testtime totaltime zeit",
        "date": "date datetime date/time timestamp absolutetime startedat",
        "temperature": "temperature",
        "damaged": "name?",
    }
)
_QUANTITY = {word: name for name, words in _WORDINGS.items() for word in words.split()}

_OHM = re.compile(r"(?<![A-Za-zµμ])([GMkKmµμu]|kilo|mega|milli)?[\s_-]?(?:ohms?|Ohms?|OHMS?|Ω|Ω)(?![a-zA-Z])")
_HERTZ = re.compile(r"(?<![A-Za-zµμ])([GMkKmµμu])?(?:Hz|HZ|hz|Hertz|hertz)(?![A-Za-z])")
_AREA = re.compile(r"[*·.×x\s_-]*(?:(?:cm|mm|m)\s?(?:\^?2|²)|area)", re.IGNORECASE)
_RAD_PER_S = re.compile(r"rad\s?(?:/\s?s|\.?s\^?-1|s⁻¹|\s?s-1)", re.IGNORECASE)
_DEGREES = re.compile(r"(?<![a-z])(?:deg\w*|°|º|grad)", re.IGNORECASE)
_RADIANS = re.compile(r"(?<![a-z])rad(?:ians?)?(?![a-z])", re.IGNORECASE)
_UNITS = MappingProxyType(
    {
        "voltage": re.compile(r"(?<![A-Za-z])([mµμu]?V)(?![A-Za-z])"),
        "current": re.compile(r"(?<![A-Za-z])([nmµμu]?A)(?![A-Za-z])"),
        "temperature": re.compile(r"(?<![A-Za-z])((?:°|º|deg\s?)C|K|C)(?![A-Za-z])"),
    }
)
_TIME_UNIT = re.compile(
    r"[\s/_\[(]+(ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|d|days?)\.?[\])]?$", re.IGNORECASE
)
_TEMPERATURE = re.compile(r"temp(?:erature)?\.?[\s/_]{0,3}[\[(]?\W?(?:deg)?\s?[ck]?[\])]?")
_OTHER = re.compile(r"ohm\s?\^?-1|Ω\s?(?:\^?-1|⁻¹)|1/ohm|zce|zwe-ce|ohm\s?-1", re.IGNORECASE)
_IMAG_OF_Y = re.compile(r"(-?)\s{0,2}im(?:ag)?\s?\(\s?Y\s?\)", re.IGNORECASE)
_MINUS = re.compile(r"^(?:-|–|−|minus|neg(?:ative)?)[\s_]*")
_TIMES_MINUS = re.compile(r"\*\s?\(?\s?-\s?1\s?\)?|\(\s?-\s?\)$")
_PRIMES = str.maketrans(
    {"′": "'", "’": "'", "‘": "'", "`": "'", "´": "'", "″": "''", "”": "''", "“": "''", '"': "''", "−": "-"}
)
_LONGEST = 100  # characters of a header; the rest is ignored
_MOST_COLUMNS = 2000


@dataclass(frozen=True, slots=True)
class Column:
    """Quantity, unit and sign of one column, from its header.

    Examples
    --------
    >>> parse_column("-Im(Z) / kOhm", 2)
    Column(index=2, header='-Im(Z) / kOhm', quantity='imag', scale=1000.0, negated=True, per_area=False, unit='')
    """

    index: int
    header: str
    quantity: str  # a key of _WORDINGS, empty if unknown
    scale: float = 1.0  # to Hz, ohm or s
    negated: bool = False
    per_area: bool = False
    unit: str = ""  # "deg" or "rad" of a phase, for instance "mV" or "K" of a condition; empty without one


def parse_column(header: str, index: int, unit: str = "") -> Column:
    """Return the column that a header cell describes.

    Parameters
    ----------
    header : str
        For instance ``Z' [kΩ]``; prefixes are case-sensitive (``mΩ``, ``MΩ``).
    index : int
        Position of the column.
    unit : str
        The cell below, in a row of units.
    """
    header = header.strip()[:_LONGEST]
    text = header.strip('"').removeprefix("#").strip()
    whole = f"{text} {unit[:_LONGEST]}".strip().translate(_PRIMES)
    admittance = _IMAG_OF_Y.match(text)
    if admittance is not None:
        return Column(index, header, "imag_of_admittance", negated=bool(admittance[1]))
    if _OTHER.search(whole):
        return Column(index, header, "")
    time = _TIME_UNIT.search(whole)
    if time is not None and _QUANTITY.get(re.sub(r"[\s_.]", "", whole[: time.start()]).lower()) == "time":
        return Column(index, header, "time", scale=factor("time", time[1]) or 1.0, unit=time[1])
    scale, per_area = _scale(whole)
    name, negated = _name(text.translate(_PRIMES))
    quantity = _QUANTITY.get(name, "")
    if _RAD_PER_S.search(whole) and quantity in ("", "frequency", "omega"):
        quantity = "omega"
    if quantity == "phase":
        angle = "deg" if _DEGREES.search(whole) else "rad" if _RADIANS.search(whole) else ""
        return Column(index, header, quantity, negated=negated, unit=angle)
    if quantity in _UNITS:
        match = _UNITS[quantity].search(whole)
        return Column(index, header, quantity, unit=match[1] if match else "")
    return Column(index, header, quantity, scale, negated, per_area)


def parse_columns(headers: Sequence[str], units: Sequence[str] = ()) -> list[Column]:
    """Apply :func:`parse_column` to each cell of a header line."""
    padded = list(units) + [""] * (len(headers) - len(units))
    return [parse_column(header, i, padded[i]) for i, header in enumerate(headers[:_MOST_COLUMNS])]


def pick(columns: Sequence[Column], quantity: str) -> Column | None:
    """Return the first column of a quantity, those in ohm before those in ohm cm²; None if there is none."""
    candidates = [column for column in columns if column.quantity == quantity]
    return min(candidates, key=lambda column: column.per_area) if candidates else None


def is_unit(cell: str) -> bool:
    """Return whether a cell holds only a unit."""
    text = cell.strip(" []()\"'")
    patterns = (_OHM, _HERTZ, _RAD_PER_S, _DEGREES, _RADIANS)
    return text in ("s", "V", "A", "mA", "#") or any(p.match(text) and len(text) < 12 for p in patterns)


def _scale(text: str) -> tuple[float, bool]:
    match = _OHM.search(text)
    if match is not None:
        prefix = match.group(1) or ""
        return PREFIXES.get(prefix, 1.0), _AREA.match(text, match.end()) is not None
    match = _HERTZ.search(text)
    return (PREFIXES.get(match.group(1) or "", 1.0) if match else 1.0), False


def _name(text: str) -> tuple[str, bool]:
    text = re.sub(r"^data:\s*", "", text, flags=re.IGNORECASE)
    negated = _MINUS.match(text.lower()) is not None or _TIMES_MINUS.search(text) is not None
    text = _TIMES_MINUS.sub("", text)
    text = _MINUS.sub("", text.lower())
    if _TEMPERATURE.fullmatch(text):
        return "temperature", negated
    text = re.sub(
        r"[\[(][^\[\]()]*(?:hz|ohm|Ω|ω|deg|°|rad|\bs\b|\bm?v\b|\b[µμun]?a\b|ma)[^\[\]()]*[\])]", "", text
    )
    text = re.sub(
        r"(?<=.)[/_\s]\s*(?:[gmkµμu]|kilo|mega|milli)?\s?(?:ohm|Ω|ω|hz|hertz|deg|°|rad|s$|v$|ma$|a$).*$", "", text
    )
    text = re.sub(r"\(z\)|[\s_.:()]", "", text)
    return text.removesuffix("/"), negated
