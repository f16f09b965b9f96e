"""Metadata from file names, and from the other names in their folder."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePath
from types import MappingProxyType

from eistool.readers.tokens import Part, parse_tokens
from eistool.spectrum import Metadata
from eistool.spectrum.metadata import ABSOLUTE_ZERO_C

ORIGIN = "file name"
_UNDERSTOOD = ("fact", "condition", "technique", "rate", "date", "counter")
_TABLE = "the samples table"
UNUSED = re.compile(r"(?P<field>\w+): (?P<token>'.*') (?P<reason>.*give \w+ in the samples table)")
# without a unit, a series that starts from 200 to 500 may be in °C or K: in K it would start from -73 to 227 °C
_EITHER_UNIT = (200.0, 500.0)
_HIGHEST_C = 1600.0
_STEP_C = 5.0  # temperatures are set in multiples of 5 °C; other numbers after a T count something
_PROCESSING_C = 200.0  # sintering is hotter than any measurement, by more than that
_LEAST_NAMES = 2  # with different values make a series


@dataclass(frozen=True, slots=True)
class NameMetadata:
    """Metadata from one file name.

    Parameters
    ----------
    values : mapping
        By field of :class:`~eistool.Metadata`.
    origin : mapping
        By field, for values that rest on other names too; else the origin is ``file name``.
    notes : tuple of str
        Remarks on tokens that are ambiguous or contradictory, and therefore not used.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type["NameMetadata"], tuple[object, ...]]:
        return NameMetadata, (dict(self.values), dict(self.origin), self.notes)

    def add_to(self, metadata: Metadata) -> Metadata:
        """Return a copy of the metadata with the values of the name and their origins."""
        metadata = metadata.updated(ORIGIN, **self.values)
        for name, origin in self.origin.items():
            metadata = metadata.updated(origin, **{name: self.values[name]})
        return metadata


def metadata_from_filename(name: str, folder: Sequence[str] = ()) -> NameMetadata:
    """Return the metadata in a file name.

    Parameters
    ----------
    name : str
        With its suffix.
    folder : sequence of str, optional
        All names in the folder. They show whether ``T500`` is a temperature and in which unit, and which
        numbers separate samples.

    Returns
    -------
    NameMetadata
        The ``sample_id`` is the name without quantities, techniques, dates and counters. A bare C value below
        10 may be a C-rate and is not a temperature.

    Examples
    --------
    >>> dict(metadata_from_filename("NCM622_m10C_SOC50_2p80V_chg.mpt").values)
    {'sample_id': 'NCM622', 'temperature_C': -10.0, 'soc_pct': 50.0, 'voltage_V': 2.8, 'direction': 'charge'}
    >>> dict(metadata_from_filename("LLZO_B_2C.csv").values)
    {'sample_id': 'LLZO_B'}
    >>> metadata_from_filename("cell_T300.csv").notes[0]
    "temperature_C: 'T300' may be °C or K; not used: give temperature_C in the samples table"
    """
    return metadata_from_filenames([*dict.fromkeys([name, *folder])])[name]


def depends_on_folder(name: str) -> bool:
    """Return whether the other names in its folder may change the metadata in a file name.

    Examples
    --------
    >>> depends_on_folder("S17_25C.csv"), depends_on_folder("S17_T25.csv")
    (False, True)
    """
    parsed = _Name(name, list(parse_tokens(PurePath(name).stem)))
    ambiguous = {"temperature", "hyphen", "fraction", "rate"} & {part.kind for part in parsed.parts}
    several = len(parsed.of("fact", "temperature_C")) > 1
    fraction = any(parsed.parts[i].number <= 1 for i in parsed.of("fact", "soc_pct"))
    return bool(ambiguous) or several or fraction or bool(_leading(_without_counters(parsed)))


def metadata_from_filenames(names: Sequence[str]) -> Mapping[str, NameMetadata]:
    """Return the metadata in all file names of a folder; see :func:`metadata_from_filename`."""
    return _resolve(tuple(names))


@lru_cache(maxsize=4)  # a loop over the files of a folder asks for the same names
def _resolve(names: tuple[str, ...]) -> Mapping[str, NameMetadata]:
    parsed = [_Name(name, parse_tokens(PurePath(name).stem)) for name in names]
    for resolve in (
        _resolve_hyphens,
        _resolve_fractions,
        _resolve_percentages,
        _resolve_rates,
        _resolve_processing,
        _resolve_plain,
    ):
        resolve(parsed)
    facts = [_facts(name) for name in parsed]
    samples = _samples(parsed, facts)
    return {
        name.name: NameMetadata(
            MappingProxyType(({} if sample is None else {"sample_id": sample}) | values),
            MappingProxyType({key: text for key, text in name.origin.items() if key in values}),
            tuple(name.notes),
        )
        for name, values, sample in zip(parsed, facts, samples, strict=True)
    }


@dataclass(slots=True)
class _Name:
    name: str
    parts: list[Part]
    origin: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, kind: str, field: str = "") -> list[int]:
        """Return the places of the parts of a kind, and of a field if given."""
        return [i for i, p in enumerate(self.parts) if p.kind == kind and field in ("", p.field)]

    def set(self, place: int, **changes: object) -> None:
        self.parts[place] = replace(self.parts[place], **changes)  # type: ignore[arg-type]

    def reject(self, place: int, reason: str) -> None:
        """Leave a token to the sample, with a note."""
        part = self.parts[place]
        self.notes.append(f"{part.field}: {part.text!r} {reason}; not used: give {part.field} in {_TABLE}")
        self.set(place, kind="word")


def _resolve_hyphens(names: Sequence[_Name]) -> None:
    """Take a hyphen before a temperature as a separator if it is one elsewhere in the name or the folder."""
    hot = any(p.before == "-" and p.kind == "fact" and p.field == "temperature_C" for n in names for p in n.parts)
    for name in names:
        for i in name.of("hyphen"):
            if hot or any(part.before == "-" for k, part in enumerate(name.parts) if k != i):
                name.set(i, kind="fact")
                name.origin["temperature_C"] = f"{ORIGIN} (hyphens separate tokens)"
            else:
                value = name.parts[i].number
                name.reject(i, f"after a hyphen may be {value:g} or {-value:g} °C")


def _resolve_fractions(names: Sequence[_Name]) -> None:
    """Take states of charge as fractions if no name in the folder has one above 1."""
    values = {p.number for n in names for p in n.parts if p.field == "soc_pct" and p.kind != "percentage"}
    fractions = len(values) > _LEAST_NAMES and max(values) <= 1
    for name in names:
        for i in [*name.of("fraction"), *(name.of("fact", "soc_pct") if fractions else ())]:
            if fractions:
                name.set(i, kind="fact", value=100 * name.parts[i].number)
                name.origin["soc_pct"] = f"{ORIGIN} (fractions from 0 to 1 in {len(values)} names)"
            elif max(values) > 1:
                name.set(i, kind="fact")
            else:
                name.reject(i, "may be a fraction or a percentage")


def _resolve_percentages(names: Sequence[_Name]) -> None:
    """Leave percentages without a name to the sample: states of charge, gases and compositions look alike."""
    for name in names:
        for i in name.of("percentage"):
            name.reject(i, "may be a state of charge or a composition")


def _resolve_rates(names: Sequence[_Name]) -> None:
    """Take C1, C2, C3 ... and different channels C01, C07 ... as samples, other numbers after a C as C-rates."""
    rates = {p.text: p.number for n in names for p in n.parts if p.kind == "rate"}
    counted = set(rates.values()) == set(map(float, range(1, len(rates) + 1)))
    several = len(rates) >= _LEAST_NAMES and (counted or all(text.startswith("C0") for text in rates))
    for name in names:
        for i in name.of("rate"):
            if several or not name.of("word"):
                name.set(i, kind="word")


def _resolve_processing(names: Sequence[_Name]) -> None:
    """Leave the higher of two temperatures to the sample if the lower ones are a series far below."""
    pairs = [(name, places) for name in names if len(places := name.of("fact", "temperature_C")) == 2]
    pairs = [(n, sorted(places, key=lambda i: n.parts[i].number)) for n, places in pairs]
    lower = {name.parts[places[0]].number for name, places in pairs}
    higher = {name.parts[places[1]].number for name, places in pairs}
    if len(lower) >= _LEAST_NAMES and min(higher) - max(lower) >= _PROCESSING_C:
        for name, (_, place) in pairs:
            name.set(place, kind="word")
            name.origin["temperature_C"] = f"{ORIGIN} (the lower of two; {len(lower)} values in the folder)"


def _resolve_plain(names: Sequence[_Name]) -> None:
    """Decide whether numbers after a T are temperatures, and in which unit."""
    candidates = [(name, i) for name in names for i in name.of("temperature")]
    values = {name.parts[i].number for name, i in candidates}
    kelvin = all(_is_step(value + round(ABSOLUTE_ZERO_C)) and not _is_step(value) for value in values)
    for name, i in candidates:
        part = name.parts[i]
        sample = any(p.kind == "word" for p in name.parts[:i])
        if name.of("fact", "temperature_C"):
            name.set(i, kind="word")  # the token with a unit is the temperature
        elif part.text.upper().startswith("T") and not (sample or len(values) > _LEAST_NAMES):
            name.reject(i, "may be a temperature or a sample")
        elif not (kelvin or all(map(_is_step, values))) or max(values) > _HIGHEST_C:
            name.reject(i, "may be a temperature or a counter")
        elif not kelvin and _EITHER_UNIT[0] <= min(values) < _EITHER_UNIT[1]:
            name.reject(i, "may be °C or K")
        else:
            value = round(part.number + ABSOLUTE_ZERO_C, 6) if kelvin else part.number
            name.set(i, kind="fact", value=value)
            others = f", as in {len(values)} names" if len(values) >= _LEAST_NAMES else ""
            name.origin["temperature_C"] = f"{ORIGIN} ({part.text} in {'K' if kelvin else '°C'}{others})"


def _is_step(value: float) -> bool:
    return value % _STEP_C == 0 and (abs(value) >= 2 * _STEP_C or value == 0)


def _facts(name: _Name) -> dict[str, object]:
    """Return the values of a name; tokens of contradictory ones are left to the sample."""
    values: dict[str, object] = {}
    for part in name.parts:
        if part.kind == "condition" and part.text == "RT":
            name.notes.append(f"temperature_C: 'RT' is not a number; give temperature_C in {_TABLE}")
    for key in dict.fromkeys(part.field for part in name.parts if part.kind == "fact"):
        places = name.of("fact", key)
        if len({name.parts[i].value for i in places}) == 1:
            values[key] = name.parts[places[0]].value
            continue
        name.notes.append(f"{key}: several values in the file name; none is used")
        for i in places:
            name.set(i, kind="word")
    references = {part.reference for part in name.parts if part.kind == "fact" and part.reference}
    return values | ({"reference": references.pop()} if len(references) == 1 else {})


def _samples(names: Sequence[_Name], facts: Sequence[Mapping[str, object]]) -> list[str | None]:
    """Return the sample of each name.

    A number after a quantity, technique or date counts measurements. One before all words counts files,
    unless names differ in nothing else.
    """
    kept = [_without_counters(name) for name in names]
    leading = [_leading(parts) for parts in kept]
    plain = [_join(parts[1:] if first else parts) for parts, first in zip(kept, leading, strict=True)]
    same = Counter((sample, *facts[k].items()) for k, sample in enumerate(plain) if leading[k])
    indices = [first for first in leading if first]
    running = len(indices) > _LEAST_NAMES and len(set(indices)) == len(indices)
    varied = len({tuple(f.items()) for f, first in zip(facts, leading, strict=True) if first}) > 1
    if any(count > 1 for count in same.values()) and not (running and varied):
        return [_join(parts) for parts in kept]
    return plain


def _without_counters(name: _Name) -> list[Part]:
    parts: list[Part] = []
    for i, part in enumerate(name.parts):
        named = any(p.kind == "word" for p in parts)
        if part.kind == "word" or (
            part.kind == "number" and not (named and name.parts[i - 1].kind in _UNDERSTOOD)
        ):
            parts.append(part)
    return parts if any(part.kind == "word" for part in parts) else []


def _leading(parts: Sequence[Part]) -> str:
    return parts[0].text if parts and parts[0].kind == "number" else ""


def _join(parts: Sequence[Part]) -> str | None:
    text = "".join(part.before[:1] * (i > 0) + part.text for i, part in enumerate(parts))
    return text or None
