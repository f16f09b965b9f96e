"""Column headers of impedance tables: quantity, unit and sign."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from eistool.readers.tables.units import factor, parse_unit

# spellings without spaces, dots, underscores, "(Z)", sign and unit, in lower case
_WORDINGS = MappingProxyType(
    {
        "frequency": "f freq frequency frequenz fréquence frecuencia hz freqhz frequencyhz freqency",
        "omega": "omega ω angularfrequency angfreq rad/s",
        "real": "re real z' zs' zre zreal rez realz zr zprime realpart realimpedance realimpedancez' rezs "
        "z're zreale zreelle realteil impedancereal",
        "imag": "im imag z'' zs'' zim zimag zimg imz imagz zi zdoubleprime imaginary imaginarypart "
        "imaginaryimpedance imaginaryimpedancez'' imagpart imagimpedance imzs imaginaryz zimaginary z''im "
        "imaginärteil imagteil impedanceimaginary",
        "modulus": "|z| mag magnitude modulus zmod zmag abs absz zabs |impedance| impedance "
        "impedancemagnitude zmagnitude zmodulus modz z betragz",
        "phase": "phase phi φ theta θ zphz zphase phasez phaseangle arg argz angle thetaz zphi "
        "phaseofz phasenwinkel zphaseangle theta-z impedancephase impedancephasedegrees",
        "resistance": "r rs resistance",
        "reactance": "x xs reactance",
        "real_of_admittance": "y' yreal yre rey realy g conductance",
        "imag_of_admittance": "y'' yimag yim imy imagy b susceptance",
        "real_of_voltage": "ereal e' ree ureal u' reu vreal v' rev",
        "imag_of_voltage": "eimag e'' ime uimag u'' imu vimag v'' imv",
        "real_of_current": "ireal i' rei",
        "imag_of_current": "iimag i'' imi",
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

_DEGREES = re.compile(
    r"deg(?:rees?|\.)?|°|º|grad|\xa1\xe3|\x81\x8b", re.IGNORECASE
)  # the last two: GBK, Shift-JIS
_RADIANS = re.compile(r"rad(?:ians?)?", re.IGNORECASE)
_IN_OHM = ("real", "imag", "modulus", "resistance", "reactance", "real_corrected", "imag_corrected")
_OHMS = frozenset(("ohm",))
_DIMENSIONS = MappingProxyType(
    {
        "frequency": frozenset(("Hz", "1/s")),
        "omega": frozenset(("rad/s", "1/s")),
        **dict.fromkeys(_IN_OHM, _OHMS),
        **dict.fromkeys(("real_of_admittance", "imag_of_admittance"), frozenset(("S",))),
        **dict.fromkeys(("real_of_voltage", "imag_of_voltage"), frozenset(("V",))),
        **dict.fromkeys(("real_of_current", "imag_of_current"), frozenset(("A",))),
    }
)
# what stands in brackets and is no unit: the data sets of ZPlot
_ANNOTATIONS = MappingProxyType({"real": ("a",), "imag": ("b",)})
_DATA = re.compile(r"^data:\s*|-data$", re.IGNORECASE)  # of RelaxIS, of Keysight
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
_OTHER = re.compile(r"zce|zwe-ce", re.IGNORECASE)
_LOGARITHM = re.compile(
    r"(log10|log|lg|ln)\s*(?:\((.*)\)|(?![a-z])\s*(.*)|(f|freq|frequency|ω|omega|\|z\|))", re.IGNORECASE
)
_SPLITS = tuple(
    map(
        re.compile,
        (
            r"(.*?)\s*[\[(]([^\[\]()]*)[\])]",  # Z' [Ohm]
            r"(.*?\S)\s*/\s*(.+)",  # Z'/Ohm
            r"(.*?\S)(?:\s*[,;]\s*|\s+in\s+)(.+)",  # Z', Ohm
            r"(.*\S)[\s_]+(\S+)",  # z_real_ohm
            r"(.*[^\s_])[\s_]+([^\s_]+[\s_][^\s_]+)",  # Z' kilo ohm
        ),
    )
)
_N_EXPLICIT = 3  # splits after which the second part can only be a unit
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
    >>> parse_column("-Im(Z) / kilohm", 2)
    Column(index=2, header='-Im(Z) / kilohm', quantity='imag', scale=1000.0, negated=True, geometry='', unit='', \
base=0.0, unknown_unit='')
    """

    index: int
    header: str
    quantity: str  # a key of _WORDINGS, empty if unknown
    scale: float = 1.0  # to Hz, rad/s, ohm, S, V, A or s; with a geometry, to ohm cm2 or ohm cm
    negated: bool = False
    geometry: str = ""  # "area" of ohm cm2, "length" of ohm cm
    unit: str = ""  # "deg" or "rad" of a phase, for instance "mV" or "K" of a condition; empty without one
    base: float = 0.0  # of the logarithm that the column holds
    unknown_unit: str = ""  # of a column that would have a quantity if its unit were known

    @property
    def per_area(self) -> bool:
        """Whether the impedances are in ohm cm²."""
        return self.geometry == "area"


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
    unit = unit[:_LONGEST].strip()
    if _OTHER.search(text):
        return Column(index, header, "")
    condition = _condition(text, unit, index, header)
    if condition is not None:
        return condition
    text = _DATA.sub("", text.translate(_PRIMES))
    logarithm = _LOGARITHM.fullmatch(text)
    if logarithm is not None:
        inner = parse_column(next(filter(None, logarithm.groups()[1:]), ""), index, unit)
        base = math.e if logarithm[1].lower() == "ln" else 10.0
        known = inner.quantity in ("frequency", "omega", "modulus")
        return replace(inner, header=header, base=base) if known else Column(index, header, "")
    unknown = ""
    for k, (name, described) in enumerate(_divisions(text, unit)):
        quantity, negated = _name(name)
        if not quantity:
            continue
        column = _with_unit(Column(index, header, quantity, negated=negated), described)
        if column is not None:
            return column
        unknown = unknown or (described if unit or k <= _N_EXPLICIT else "")
    return Column(index, header, "", unknown_unit=unknown)


def _divisions(text: str, unit: str) -> Iterator[tuple[str, str]]:
    """Yield divisions of a header into name and unit, the likeliest first."""
    yield text, unit
    for split in _SPLITS:
        match = split.fullmatch(text)
        yield (match[1], match[2]) if match else ("", "")


def _with_unit(column: Column, text: str) -> Column | None:
    """Return the column in the given unit, None if that is not a unit of its quantity."""
    text = text.strip(" []()\"'")
    if text.startswith("-"):
        text, column = text[1:], replace(column, negated=not column.negated)
    if not text and column.quantity == "phase" and "degree" in column.header.lower():
        return replace(column, unit="deg")
    if not text or text in _ANNOTATIONS.get(column.quantity, ()):
        return column
    if column.quantity == "phase":
        angle = "deg" if _DEGREES.fullmatch(text) else "rad" if _RADIANS.fullmatch(text) else ""
        return replace(column, unit=angle) if angle or text == "\ufffd" else None
    unit = parse_unit(text)
    if unit is None:
        return None
    if column.quantity == "frequency" and unit.dimension == "rad/s":
        return replace(column, quantity="omega", scale=unit.scale)
    if column.quantity in ("real", "imag") and unit.dimension == "S" and column.header[:1] not in "zZ":
        return replace(column, quantity=f"{column.quantity}_of_admittance", scale=unit.scale)
    if unit.dimension not in _DIMENSIONS[column.quantity]:
        return None
    return replace(column, scale=unit.scale, geometry=unit.geometry)


def _condition(text: str, unit: str, index: int, header: str) -> Column | None:
    """Return a column of time, date, cycle, potential, current or temperature; None for others."""
    whole = f"{text} {unit}".strip().translate(_PRIMES)
    time = _TIME_UNIT.search(whole)
    if time is not None and _QUANTITY.get(re.sub(r"[\s_.]", "", whole[: time.start()]).lower()) == "time":
        return Column(index, header, "time", scale=factor("time", time[1]) or 1.0, unit=time[1])
    if _TEMPERATURE.fullmatch(text.lower()):
        quantity = "temperature"
    else:
        name = re.sub(r"[\[(][^\[\]()]*[\])]", "", text.lower())
        name = re.sub(r"(?<=.)[/_\s]\s*(?:[µμunpm]?[va]|s|°?c|k)(?:\s+vs\.?.*)?$", "", name)
        quantity = _QUANTITY.get(re.sub(r"[\s_.:()]", "", name), "")
    if quantity in _UNITS:
        match = _UNITS[quantity].search(whole)
        return Column(index, header, quantity, unit=match[1] if match else "")
    return Column(index, header, quantity) if quantity in ("time", "date", "cycle", "damaged") else None


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
    return (
        text in ("s", "V", "A", "mA", "#")
        or parse_unit(text) is not None
        or any(pattern.fullmatch(text) for pattern in (_DEGREES, _RADIANS))
    )


def is_frequency_unit(cell: str) -> bool:
    """Return whether a cell holds only a unit of frequency."""
    unit = parse_unit(cell.strip(" []()\"'"))
    return unit is not None and unit.dimension in ("Hz", "rad/s")


def _name(text: str) -> tuple[str, bool]:
    """Return quantity and minus of a name without its unit."""
    text = text.strip()
    negated = _MINUS.match(text.lower()) is not None or _TIMES_MINUS.search(text) is not None
    text = _MINUS.sub("", _TIMES_MINUS.sub("", text).lower())
    text = re.sub(r"\(z\)|[\s_.:()\[\]]", "", text)
    return _QUANTITY.get(text.removesuffix("/"), ""), negated
