"""Novocontrol WinDETA text: impedances, or conductivities and permittivities converted to them."""

import re
from dataclasses import dataclass, replace

import numpy as np

from eistool.constants import VACUUM_F_PER_CM
from eistool.readers.content import FileContent
from eistool.readers.tables.columns import Column, parse_columns
from eistool.readers.tables.impedance_table import MIN_ROWS
from eistool.readers.tables.numbers import parse_number_any
from eistool.readers.tables.signs import HeaderSign, decide_sign
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import fill
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import ComplexArray, FloatArray

SUFFIXES = (".txt", ".asc")

_LONGEST_LINE = 10_000  # characters; rows are shorter
_HEAD = 12  # lines that are searched for the header
_NUMBER = r"([-+]?\d[\d.,]*(?:[eE][-+]?\d+)?)(?![\d.,])"
_FIXED = "Fixed value(s)"
# difference of set and measured temperature beyond which the thermometer is taken as unconnected
_MOST_DIFFERENT_C = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Numbers by column name, without spaces and in lower case."""

    line: int  # of the names
    values: dict[str, FloatArray]
    names: list[str]
    notes: tuple[str, ...]

    def get(self, name: str) -> FloatArray | None:
        return next((v for key, v in self.values.items() if key.startswith(name)), None)


def identify(content: FileContent) -> bool:
    """Return whether the header has fixed values and the column Freq. [Hz]."""
    return _FIXED in content.text[:2000] and _names_line(content) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per temperature and sweep.

    Raises
    ------
    ReaderError
        If there is neither an impedance nor, with a geometry, a conductivity or permittivity.
    """
    columns = _read(content)
    header = "\n".join(content.lines[: columns.line])
    geometry = {name: _setting(header, name) for name in ("Diameter[mm]", "Thickness[mm]")}
    z, notes = _impedance(content, columns, geometry, "Edge Correction On" in header)
    temperature = columns.get("temp.")
    rows = Rows(columns.values["freq.[hz]"], z, temperature)
    sweeps, sweep_notes = split_sweeps(rows)
    if sum(sweep.size for sweep in sweeps) < MIN_ROWS:
        raise content.error(f"fewer than {MIN_ROWS} rows of numbers; {'; '.join(sweep_notes)}", columns.line)
    rows, sign = decide_sign(rows, sweeps, HeaderSign(notes.pop(0), final=False))
    settings = _settings(content.lines[0], header, geometry)
    measured = columns.get("mtemp")
    all_notes = [sign, *notes, *sweep_notes, *columns.notes]
    return [
        replace(spectrum, metadata=settings.updated("file header", **_temperatures(temperature, measured, sweep)))
        for spectrum, sweep in zip(to_spectra(rows, sweeps, all_notes), sweeps, strict=True)
    ]


def _names_line(content: FileContent) -> int | None:
    heads = enumerate(content.first_lines[:_HEAD])
    return next((i for i, line in heads if line.partition("\t")[0].strip() == "Freq. [Hz]"), None)


def _read(content: FileContent) -> _Columns:
    place = _names_line(content) or 0
    names = [name.strip() for name in content.lines[place][:_LONGEST_LINE].split("\t")]
    rows = [
        (number, line[:_LONGEST_LINE].split("\t"))
        for number, line in enumerate(content.lines[place + 1 :], start=place + 2)
        if line.strip()
    ]
    # every column is wanted, whatever its quantity
    table = fill([Column(i, name, name) for i, name in enumerate(names)], rows, ended=content.ended)
    keys = [re.sub(r"\s", "", name).lower() for name in names]
    values = {key: table.values[i] for i, key in enumerate(keys) if i in table.values}
    return _Columns(place + 1, values, names, table.notes)


def _impedance(
    content: FileContent, columns: _Columns, geometry: dict[str, float | None], corrected: bool
) -> tuple[ComplexArray, list[str]]:
    """Return Z, and notes, the first one on its sign."""
    known = {c.quantity: columns.values[re.sub(r"\s", "", c.header).lower()] * c.scale
             for c in reversed(parse_columns(columns.names)) if c.quantity}  # fmt: skip
    if "real" in known and "imag" in known:
        return known["real"] + 1j * known["imag"], ["Zs'' is signed in WinDETA files"]
    if "modulus" in known and "phase" in known:
        angle = np.deg2rad(known["phase"])
        return known["modulus"] * (np.cos(angle) + 1j * np.sin(angle)), ["from |Z| and the phase in degrees"]
    diameter, thickness = geometry.values()
    sigma = _conductivity(columns)
    if sigma is None or not diameter or not thickness:
        raise content.error(
            f"columns {', '.join(columns.names[:6])}; expected Zs' and Zs'', or Sig' and Sig'' "
            "(or Eps' and Eps'') with Diameter[mm] and Thickness[mm] in the header",
            columns.line,
        )
    values, name = sigma
    area_cm2 = np.pi * (diameter / 10) ** 2 / 4
    notes = [
        f"from {name}: a positive permittivity is a capacitive impedance",
        f"Z is calculated from {name} for a diameter of {diameter:g} mm and a thickness of {thickness:g} mm",
    ]
    if corrected:
        notes.append("WinDETA has corrected for the edge: Z is that of the sample, not the measured one")
    return thickness / 10 / (values * area_cm2), notes


def _conductivity(columns: _Columns) -> tuple[ComplexArray, str] | None:
    """Return the complex conductivity in S/cm, and its source."""
    real, imag = columns.get("sig'["), columns.get("sig''[")
    if real is not None and imag is not None:
        return real - 1j * imag, "Sig* = Sig' - j Sig''"
    real, imag = columns.get("eps'"), columns.get("eps''")
    if real is not None and imag is not None:
        omega = 2 * np.pi * columns.values["freq.[hz]"]
        admittance = np.asarray(omega * VACUUM_F_PER_CM * (imag + 1j * real), dtype=np.complex128)
        return admittance, "Eps* = Eps' - j Eps''"
    return None


def _setting(header: str, name: str) -> float | None:
    pattern = re.escape(name).replace(r"\ \ ", r"\s*")
    match = re.search(rf"(?<!Electrode ){pattern}\s*=?\s*{_NUMBER}", header)
    value = parse_number_any(match[1]) if match else np.nan
    return float(value) if 0 < value < 1e6 else None


def _settings(title: str, header: str, geometry: dict[str, float | None]) -> Metadata:
    diameter, thickness = geometry.values()
    amplitude = _setting(header, "AC Volt  [Vrms]")
    fixed_C = re.search(rf"Temp\.\s*\[.{{0,2}}C\]\s*=\s*{_NUMBER}", header)
    temperature = parse_number_any(fixed_C[1]) if fixed_C else np.nan
    date = re.search(r"(\d{1,2})\.(\d{1,2})\.(\d{4}),\s*(\d{1,2}):(\d{1,2})", title)
    started = None
    if date is not None and 1 <= int(date[1]) <= 31 and 1 <= int(date[2]) <= 12 and int(date[4]) < 24:
        started = f"{date[3]}-{date[2]:0>2}-{date[1]:0>2}T{date[4]:0>2}:{date[5]:0>2}:00"
    return Metadata().updated(
        "file header",
        started_at=started,
        amplitude_mV=None if amplitude is None else amplitude * 1e3,
        temperature_C=temperature if -273 < temperature < 3000 else None,
        diameter_mm=diameter,
        thickness_um=None if thickness is None else thickness * 1e3,
    )


def _temperatures(
    temperature: FloatArray | None, measured: FloatArray | None, sweep: np.ndarray
) -> dict[str, object]:
    """Return the set temperature, with its difference from the measured one as uncertainty."""
    if temperature is None or not -273 < temperature[sweep[0]] < 3000:
        return {}
    values: dict[str, object] = {"temperature_C": float(temperature[sweep[0]])}
    if measured is not None and np.isfinite(measured[sweep]).all():
        difference = float(np.max(np.abs(measured[sweep] - temperature[sweep])))
        if difference < _MOST_DIFFERENT_C:
            values["u_temperature_C"] = round(difference, 4)
    return values
