"""Metadata from file names."""

import re
from pathlib import PurePath

from eistool.spectrum.metadata import ABSOLUTE_ZERO_C

_NUMBER = r"(\d{1,6}(?:[.p]\d{1,6})?)"
_SIGNED = rf"(m|-|minus|neg)?{_NUMBER}"
_CELSIUS = re.compile(rf"T?{_SIGNED}(°C|degC|oC|C)", re.IGNORECASE)
_KELVIN = re.compile(rf"T?{_NUMBER}K")
_SOC = re.compile(rf"SOC-?{_NUMBER}(?:%|pct)?|{_NUMBER}(?:%|pct)?SOC", re.IGNORECASE)
_VOLTAGE = re.compile(rf"{_SIGNED}V", re.IGNORECASE)
_CYCLE = re.compile(r"(?:cyc|cycle)[-#]?(\d{1,9})", re.IGNORECASE)
_DIRECTIONS = {
    "chg": "charge",
    "charge": "charge",
    "charged": "charge",
    "dis": "discharge",
    "dchg": "discharge",
    "discharge": "discharge",
    "discharged": "discharge",
}
_DATE = re.compile(r"[-+]?\d[-.,:\d]*")  # or a plain number
_MIN_BARE_CELSIUS = 10.0  # smaller numbers may be C-rates, such as 2C
_KELVIN_RANGE = (70.0, 2000.0)


def metadata_from_filename(name: str) -> tuple[dict[str, object], list[str]]:
    """Return metadata by field name, and notes on contradictory tokens.

    Tokens are separated by ``_`` and spaces; ``p`` is a decimal point, ``m`` a minus. A bare C value below 10
    may be a C-rate and is not a temperature. The first token is the sample unless it is one of these
    quantities, a number or a date.

    Examples
    --------
    >>> metadata_from_filename("NCM622_m10C_SOC50_2p80V_chg.mpt")[0]
    {'sample_id': 'NCM622', 'temperature_C': -10.0, 'soc_pct': 50.0, 'voltage_V': 2.8, 'direction': 'charge'}
    >>> metadata_from_filename("cell_2C.csv")[0]
    {'sample_id': 'cell'}
    """
    values: dict[str, object] = {}
    notes: list[str] = []
    contradictory: set[str] = set()
    tokens = re.split(r"[_\s]+", PurePath(name).stem.strip("_ "))
    for i, token in enumerate(tokens):
        meaning = _meaning(token)
        if meaning is None:
            if i == 0 and token and not _DATE.fullmatch(token):
                values["sample_id"] = token
            continue
        field, value = meaning
        if values.get(field, value) != value:
            contradictory.add(field)
        if field:
            values[field] = value
    for field in sorted(contradictory):
        del values[field]
        notes.append(f"{field}: several values in the file name; none is used")
    return values, notes


def _meaning(token: str) -> tuple[str, object] | None:
    """Return field and value; an empty field for a C-rate, None for an unknown token."""
    celsius = _CELSIUS.fullmatch(token)
    if celsius:
        return _celsius(celsius)
    kelvin = _KELVIN.fullmatch(token)
    if kelvin and _KELVIN_RANGE[0] <= _value(kelvin[1]) <= _KELVIN_RANGE[1]:
        return "temperature_C", round(_value(kelvin[1]) - 273.15, 6)
    soc = _SOC.fullmatch(token)
    if soc:
        return "soc_pct", _value(soc[1] or soc[2])
    voltage = _VOLTAGE.fullmatch(token)
    if voltage:
        return "voltage_V", -_value(voltage[2]) if voltage[1] else _value(voltage[2])
    cycle = _CYCLE.fullmatch(token)
    if cycle:
        return "cycle", float(cycle[1])
    direction = _DIRECTIONS.get(token.lower())
    return ("direction", direction) if direction else None


def _celsius(match: re.Match[str]) -> tuple[str, object] | None:
    value = _value(match[2])
    bare = not match[1] and match[3] in ("C", "c")
    if bare and 0 < value < _MIN_BARE_CELSIUS:
        return "", None
    if match[1] and value > -ABSOLUTE_ZERO_C:
        return None
    return "temperature_C", -value if match[1] else value


def _value(text: str) -> float:
    return float(text.lower().replace("p", "."))
