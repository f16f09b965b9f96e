"""Tokens of file names and their meaning."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from eistool.spectrum.metadata import ABSOLUTE_ZERO_C

_NUMBER = r"\d{1,6}(?:[.,p]\d{1,6})?"
_SIGN = r"(?P<sign>minus_?|neg_?|m|[-−–+])?"
_PREFIX = r"(?:T|temp|temperature)?[=_]?"
_DEGREES = r"(?:℃|°C|ºC|degC|deg_C|oC|deg|°|grad|celsius)"
_DIRECTIONS = MappingProxyType(
    {
        "chg": "charge",
        "ladung": "charge",
        "geladen": "charge",
        "charge": "charge",
        "charged": "charge",
        "charging": "charge",
        "endofcharge": "charge",
        "dis": "discharge",
        "entladung": "discharge",
        "entladen": "discharge",
        "dchg": "discharge",
        "discharge": "discharge",
        "discharged": "discharge",
        "discharging": "discharge",
        "endofdischarge": "discharge",
    }
)
_REFERENCES = MappingProxyType(
    {
        "agagcl": "Ag/AgCl",
        "hghgo": "Hg/HgO",
        "sce": "SCE",
        "rhe": "RHE",
        "she": "SHE",
        "nhe": "NHE",
        "li": "Li",
        "lili": "Li",
        "na": "Na",
        "nana": "Na",
    }
)
_BELOW_C_RATES = 10.0  # a bare C value from 0 to 10 may be a C-rate, such as 2C
_MOST_TOKENS = 6  # with one meaning, such as "-0_020 V vs Ag_AgCl"
_KELVIN_RANGE = (70.0, 2000.0)  # from liquid nitrogen to furnaces
_HIGHEST_V = 100.0  # above the voltage of stacks
_LEAST_CELL_MV = 1000.0  # smaller values are amplitudes or overpotentials
_SURELY_POSITIVE_C = 60.0  # cells are not measured below -60 °C, so the hyphen in "cell-80C" is a separator
_TECHNIQUES = "S?P?EIS|S?GEIS|PEISW|EISPOT|EISGALV|impedance|ZCURVE|OCV"
_CHANNEL = re.compile(rf"(?:\d\d_)?(?:{_TECHNIQUES}|GCPL|CV|CA|CP|LSV|ZIR|WAIT)_C\d\d(?:_LOOP)?$")
_GAS = re.compile(r"p?(?:O2|H2|N2|CO2|H2O)|RH|air|Ar")  # 21% is their share then
_POLYMER = re.compile(r"PEO|PEG|PVDF|PMMA|PAN|PVA|PCL|PPC", re.IGNORECASE)  # 600K is a molar mass then
_YEARS = range(1990, 2100)
_SHORT_YEARS = range(10, 40)  # in dates with two digits for the year


@dataclass(frozen=True, slots=True)
class Part:
    """One token of a name, or several with one meaning.

    Parameters
    ----------
    kind : str
        ``word`` and ``number`` may belong to the sample; ``fact`` has a field and a value; ``condition``,
        ``counter``, ``date`` and ``technique`` are understood and give no metadata. Only the other names in a
        folder show the meaning of ``T500`` (``temperature``), ``C5`` (``rate``), ``cell-25C`` (``hyphen``),
        ``SOC0.5`` (``fraction``) and ``50%`` (``percentage``).
    text : str
        As in the name.
    before : str
        The separators before it.
    field : str
        Of the metadata.
    value : float or str, optional
        Of the fact, or of the possible one.
    """

    kind: str
    text: str
    before: str = ""
    field: str = ""
    value: float | str | None = None
    reference: str = ""  # electrode of a potential

    @property
    def number(self) -> float:
        """The value of a number, nan without one."""
        return self.value if isinstance(self.value, float) else math.nan


def parse_tokens(stem: str) -> list[Part]:
    """Return the parts of a file name without its suffix.

    Tokens are separated by ``_``, ``@``, spaces, commas and semicolons, and around a quantity with its unit
    also by ``-`` and ``.``. In numbers, ``p`` is a decimal point and ``m`` a minus.

    Examples
    --------
    >>> [(part.kind, part.text, part.value) for part in parse_tokens("LLZO-3_m20C_run2")]
    [('word', 'LLZO-3', None), ('fact', 'm20C', -20.0), ('counter', 'run2', None)]
    """
    pieces = re.split(r"((?:[_\s;@]|,(?!\d)|(?<!\d),)+)", stem.strip("_ ,;@"))
    pairs = [(token, mark) for token, mark in zip(pieces[0::2], ["", *pieces[1::2]], strict=True) if token]
    parts: list[Part] = []
    while pairs:
        part, n = _longest([token for token, _ in pairs], [mark for _, mark in pairs])
        text = pairs[0][0] + "".join(mark + token for token, mark in pairs[1:n])
        parts += _split(replace(part, text=text, before=pairs[0][1]))
        pairs = pairs[n:]
    return [_in_context(part, before) for part, before in zip(parts, [None, *parts], strict=False)]


def _longest(tokens: list[str], separators: list[str]) -> tuple[Part, int]:
    """Return the meaning of as many tokens as belong together, and their number."""
    for n in range(min(_MOST_TOKENS, len(tokens)), 0, -1):
        text = "_".join(tokens[:n])
        if n == len(tokens) and _CHANNEL.fullmatch(text):
            return Part("technique", text), n
        if n > 1 and _sample(text) and not _is_unit("".join(tokens[n : n + 1])):
            return Part("word", text), n
        for meaning in _MEANINGS:
            part = meaning(text if n > 1 else text.strip("()[]{}"))
            if part is not None and (part.kind != "decimal" or separators[1] == "_"):
                return (replace(part, kind="fact") if part.kind == "decimal" else part), n
    return Part("counter" if _copy(tokens[0]) else "word", tokens[0]), 1


def _split(part: Part) -> list[Part]:
    """Return the parts of a word with a quantity at one of its ends, after a hyphen or a point."""
    if part.kind != "word":
        return [part]
    for match in re.finditer(r"(?<=[^\W_])[-.](?=-?\w)", part.text):
        head, mark, tail = part.text[: match.start()], match[0], part.text[match.end() :]
        if mark == "." and head[-1].isdigit() and tail[0].isdigit():
            continue  # a decimal point
        first, last = _explicit(head), _explicit(tail)
        if first is not None:
            return [replace(first, before=part.before), *_split(replace(_meaning(tail), before=mark))]
        if last is not None:
            if (
                mark == "-"
                and last.field == "temperature_C"
                and tail[0].isdigit()
                and last.number <= _SURELY_POSITIVE_C
            ):
                last = replace(last, kind="hyphen")
            return [*_split(replace(part, text=head)), replace(last, before=mark)]
    return [part]


def _explicit(text: str) -> Part | None:
    part = _meaning(text)
    return part if part.kind in ("fact", "condition", "counter", "date", "technique") else None


def _meaning(text: str) -> Part:
    return replace(_longest([text], [""])[0], text=text)


def _in_context(part: Part, before: Part | None) -> Part:
    """Return a word in place of the molar mass of a polymer, or of the share of a gas."""
    name = "" if before is None or before.kind != "word" else before.text
    molar_mass = part.text.endswith("K") and _POLYMER.fullmatch(name)
    share = part.kind == "percentage" and _GAS.fullmatch(name)
    return Part("word", part.text, part.before) if molar_mass or share else part


def _value(match: re.Match[str], group: str = "number") -> float:
    value = float(re.sub("[pP,]", ".", match[group]))
    sign = match["sign"] if "sign" in match.groupdict() else None
    return -value if sign not in (None, "+") else value


def _pattern(pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern, flags).fullmatch


_celsius = _pattern(rf"{_PREFIX}{_SIGN}(?P<number>{_NUMBER})_?(?P<unit>{_DEGREES}|C)")
_several_celsius = _pattern(rf"(?:{_SIGN}{_NUMBER}(?:{_DEGREES}|C)?[-+])+{_NUMBER}(?:{_DEGREES}|C)")
_kelvin = _pattern(rf"{_PREFIX}(?P<number>{_NUMBER})_?K(?:elvin)?", re.NOFLAG)
_plain_temperature = _pattern(rf"(?:T|[Tt]emp(?:erature)?)[=_]?{_SIGN}(?P<number>{_NUMBER})", re.NOFLAG)
_soc = _pattern(rf"SOC[-=_]?(?P<first>{_NUMBER})_?(?:%|pct)?|(?P<second>{_NUMBER})_?(?:%|pct)?_?SOC")
_percentage = _pattern(rf"{_NUMBER}_?(?:%|pct)")
_voltage = _pattern(
    rf"(?:[EU]=)?{_SIGN}(?:(?P<volts>\d)(?:V(?P<after>\d{{1,3}})|_(?P<digits>\d{{2,3}})_?V)|(?P<number>{_NUMBER})_?V)"
    r"(?:_?vs\.?_?(?P<reference>[A-Za-z]{2,3}(?:[-_+]{0,2}[A-Za-z]{1,4}\+?)?))?"
)
_millivolt = _pattern(rf"{_SIGN}(?P<number>{_NUMBER})_?mV")
_cycle = _pattern(
    r"(?:cyc|cycles?|cy|zyklus)[-#=_]?(?:n[or][._]?)?(?P<first>\d{1,6})|"
    r"(?P<second>\d{1,6})(?:st|nd|rd|th)?_?(?:cyc|cycles?)"
)
_rate = _pattern(r"C[-_]?(?P<number>\d{1,3})", re.NOFLAG)
_counter = _pattern(
    r"(?:run|rep|repeat|replicate|repetition|sweep|scan|meas|measurement|loop|trial|copy)[-#=_]?\d{1,4}"
)
_copy = _pattern(r"\(\d{1,3}\)")
_sample = _pattern(
    r"(?:sample|specimen|cell|zelle|pellet|probe|batch|coin|pouch|disc|disk|electrode|n[or]\.?|number)_#?\d{1,5}"
)
_is_unit = _pattern(rf"{_DEGREES}|C|K|m?V|%|pct|SOC|\d{{2,3}}V")
_technique = _pattern(_TECHNIQUES)
_number = _pattern(r"[-+]?\d[-.,:\d]*")
_clock = _pattern(r"(?P<date>.+?)[-T_](?P<hour>[01]\d|2[0-3])[-h.:]?[0-5]\d(?:[-m.:]?[0-5]\d)?s?")


def _temperature(text: str) -> Part | None:
    match = _celsius(text)
    if match is not None:
        value = _value(match)
        bare = match["unit"] in "Cc" and not match["sign"] and not text.upper().startswith("T")
        if bare and "_C" in text.upper() and abs(value) < _BELOW_C_RATES:
            return None  # "sample 3 C"
        if bare and 0 < value < _BELOW_C_RATES:
            return Part("condition", text)
        return (
            Part("condition", text) if value < ABSOLUTE_ZERO_C else Part("fact", text, "", "temperature_C", value)
        )
    if _several_celsius(text):
        return Part("condition", text)
    match = _kelvin(text)
    if match is not None and _KELVIN_RANGE[0] <= _value(match) <= _KELVIN_RANGE[1]:
        return Part("fact", text, "", "temperature_C", round(_value(match) + ABSOLUTE_ZERO_C, 6))
    match = _plain_temperature(text)
    if match is not None:
        return Part("temperature", text, "", "temperature_C", _value(match))
    return Part("condition", text) if text == "RT" else None


def _state(text: str) -> Part | None:
    match = _soc(text)
    if match is not None:
        group = "first" if match["first"] else "second"
        value = _value(match, group)
        fraction = not value.is_integer() and value < 1 and "%" not in text
        return Part("fraction" if fraction else "fact", text, "", "soc_pct", value)
    if _percentage(text):
        return Part("percentage", text, "", "soc_pct")
    match = _cycle(text)
    if match is not None:
        return Part("fact", text, "", "cycle", float(match["first"] or match["second"]))
    direction = _DIRECTIONS.get(text.lower())
    return None if direction is None else Part("fact", text, "", "direction", direction)


def _potential(text: str) -> Part | None:
    match = _millivolt(text)
    if match is not None:
        value = _value(match)
        return (
            Part("fact", text, "", "voltage_V", value / 1e3)
            if value >= _LEAST_CELL_MV
            else Part("condition", text)
        )
    match = _voltage(text)
    if match is None:
        return None
    reference = _REFERENCES.get(re.sub(r"[^a-z]", "", (match["reference"] or "").lower()))
    if match["reference"] and reference is None:
        return None
    if match["volts"] is None:
        value, kind = _value(match), "fact"
    else:
        value = float(f"{match['volts']}.{match['digits'] or match['after']}")
        kind = "decimal" if match["digits"] else "fact"
        value = -value if match["sign"] not in (None, "+") else value
    if abs(value) > _HIGHEST_V:
        return None
    return Part(kind, text, "", "voltage_V", value, reference or "")


def _other(text: str) -> Part | None:
    match = _rate(text)
    if match is not None:
        return Part("rate", text, "", "", _value(match))
    if _counter(text):
        return Part("counter", text)
    if _technique(text):
        return Part("technique", text)
    return Part("number", text) if _number(text) else None


def _dated(text: str) -> Part | None:
    match = _clock(text)
    if _is_date(text) or (match is not None and _is_date(match["date"])):
        return Part("date", text)
    return None


def _is_date(text: str) -> bool:
    """Return whether a text is a date, in any order of year, month and day.

    Examples
    --------
    >>> [_is_date(text) for text in ("20240401", "25082021", "11_08_23", "2024-04-01", "263", "01_02_03")]
    [True, True, True, True, False, False]
    """
    match = re.fullmatch(r"(\d{1,4})([-._])(\d{1,2})\2(\d{1,4})", text)
    if match is not None:
        return _is_day(match[1], match[3], match[4])
    if not re.fullmatch(r"\d{6}|\d{8}", text):
        return False
    year = len(text) - 4
    return _is_day(text[:year], text[year : year + 2], text[year + 2 :]) or _is_day(text[:2], text[2:4], text[4:])


def _is_day(first: str, middle: str, last: str) -> bool:
    if len(first) != 4 and len(last) != 4 and {len(first), len(middle), len(last)} != {2}:
        return False
    for year, a, b in ((first, middle, last), (last, middle, first), (last, first, middle)):
        known = int(year) in (_YEARS if len(year) == 4 else _SHORT_YEARS if len(year) == 2 else ())
        if known and len(a) < 3 and len(b) < 3 and _exists(int(year), int(a), int(b)):
            return True
    return False


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year if year >= 100 else 2000 + year, month, day)
    except ValueError:
        return False
    return True


_MEANINGS: tuple[Callable[[str], Part | None], ...] = (_dated, _temperature, _state, _potential, _other)
