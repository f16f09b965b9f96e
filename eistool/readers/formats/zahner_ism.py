"""Zahner Thales files (``.ism``): arrays of frequency, ``|Z|``, phase, time and significance.

The layout is that of the Python package of the manufacturer (zahner-analysis, MIT).
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.units import PREFIXES
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import FloatArray

SUFFIXES = (".ism",)

_MARK = b"\x00\x00\xff\xff"  # version, 6 bytes; the index of the last point follows, also 6 bytes
_FIRST = 12
_BYTES_A_POINT = 4 * 8 + 2
_MOST_POINTS = 100_000
_SHORTEST_SWEEP = 3
_LOW_SIGNIFICANCE = 950  # of 1000; only noted, no point is masked
_EPOCH = datetime(1980, 1, 1)  # without a time zone
_EARLIEST_S = 365.25 * 86400  # shorter times count from the start of the sweep
_OPEN_INPUT_C = 1.0  # readings of an unconnected thermometer are below
_VALUE = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([mµunpk]?)"


def identify(content: FileContent) -> bool:
    """Return whether the file starts with the version, a possible number of points and a frequency."""
    if not content.data.startswith(_MARK) or len(content.data) < _FIRST + 8:
        return False
    frequency = np.frombuffer(content.data, ">f8", 1, _FIRST)[0]
    return 0 < _points(content) <= _MOST_POINTS and bool(1e-9 < frequency < 1e12)


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per direction of the sweep: the overlapping part, then the whole range.

    Raises
    ------
    ReaderError
        If the file is truncated, or no point has a frequency.
    """
    n = _points(content)
    end = _FIRST + n * _BYTES_A_POINT
    if end > len(content.data):
        raise content.error(
            f"byte {_FIRST}: {n} points need {end} bytes, the file has {len(content.data)}; copy it again"
        )
    frequency, modulus, phase, time = np.frombuffer(content.data, ">f8", 4 * n, _FIRST).reshape(4, n).astype(float)
    significance = np.frombuffer(content.data, ">i2", n, end - 2 * n)
    rows = Rows(frequency, modulus * np.exp(1j * phase), _parts(frequency))
    sweeps, notes = split_sweeps(rows)
    if not sweeps:
        raise content.error(f"byte {_FIRST}: no point with a frequency above 0; {'; '.join(notes)}")
    notes.insert(0, "sign of Im: from the phase, which is signed in Zahner files")
    settings, setting_notes = _settings(_strings(content.data[end:]))
    return [
        replace(
            spectrum,
            metadata=settings.updated("file header", started_at=_started(time[sweep])),
            notes=(*spectrum.notes, *_significance(significance[sweep]), *setting_notes),
        )
        for spectrum, sweep in zip(to_spectra(rows, sweeps, notes), sweeps, strict=True)
    ]


def _points(content: FileContent) -> int:
    return int.from_bytes(content.data[6:_FIRST], "big", signed=True) + 1


def _parts(frequency: FloatArray) -> FloatArray:
    """Return 0 before, 1 between and 2 after the extreme frequencies: a sweep may start in the middle."""
    first, last = sorted((int(np.argmax(frequency)), int(np.argmin(frequency))))
    place = np.arange(frequency.size)
    part = np.ones(frequency.size)
    if first >= _SHORTEST_SWEEP:
        part[place < first] = 0.0
    if frequency.size - 1 - last >= _SHORTEST_SWEEP:
        part[place > last] = 2.0
    return part


def _significance(significance: np.ndarray) -> list[str]:
    low = int(np.sum(significance < _LOW_SIGNIFICANCE))
    if low == 0:
        return []
    return [
        f"{low} points have a significance below {_LOW_SIGNIFICANCE / 1000} (lowest {significance.min() / 1000})"
    ]


def _started(time: FloatArray) -> str | None:
    first = float(np.min(np.abs(time))) if np.isfinite(time).all() else 0.0
    if not _EARLIEST_S < first < 100 * _EARLIEST_S:
        return None
    return (_EPOCH + timedelta(seconds=round(first))).isoformat()


def _strings(data: bytes) -> list[str]:
    """Return the texts after the arrays: two bytes of length, then letters with swapped case."""
    texts: list[str] = []
    place = 0
    while len(texts) < 6 and place + 2 <= len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        texts.append(data[place + 2 : place + 2 + length].decode("latin-1").swapcase())
        place += 2 + length
    return texts + [""] * (6 - len(texts))


def _settings(texts: list[str]) -> tuple[Metadata, list[str]]:
    _, title, potential, current, temperature, _ = texts
    if title.lower() == "simulation":
        return Metadata().updated("file header", technique="simulation"), []
    values: dict[str, object] = {"ewe_mean_V": _value(potential, "V"), "i_mean_mA": _value(current, "A", 1e3)}
    amplitude = re.search(rf"Ampl:\s*{_VALUE}([VA])", potential + " " + current)
    if amplitude is not None:
        values["technique"] = "PEIS" if amplitude[3] == "V" else "GEIS"
        size = float(amplitude[1]) * PREFIXES[amplitude[2]] * 1e3
        values["amplitude_mV"] = size if amplitude[3] == "V" and size > 0 else None
    degrees = re.match(r"([-+]?\d+(?:\.\d+)?)\+-\d", temperature)
    notes: list[str] = []
    if degrees is not None and abs(float(degrees[1])) > _OPEN_INPUT_C and float(degrees[1]) > -273:
        values["temperature_C"] = float(degrees[1])
    elif degrees is not None:
        notes.append(f"the temperature in the file, {temperature}, is that of an open input and is not read")
    return Metadata().updated("file header", **values), notes


def _value(text: str, unit: str, scale: float = 1.0) -> float | None:
    match = re.match(rf"{_VALUE}{unit}\b", text)
    return float(match[1]) * PREFIXES[match[2]] * scale if match else None
