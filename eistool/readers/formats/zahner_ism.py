"""Zahner Thales files (``.ism``): big-endian arrays of frequency, |Z|, phase, time and significance.

The layout is the one that Zahner publishes with its own Python package (zahner-analysis, MIT).
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import FloatArray

SUFFIXES = (".ism",)

_MARK = b"\x00\x00\xff\xff"  # of a version, 6 bytes; the number of the last point follows, 6 bytes too
_FIRST = 12
_BYTES_A_POINT = 4 * 8 + 2
_MOST_POINTS = 100_000
_SHORTEST_SWEEP = 3
_LOW_SIGNIFICANCE = 950  # of 1000
_EPOCH = datetime(1980, 1, 1)  # the instrument's clock has no zone
_EARLIEST_S = 365.25 * 86400  # times below a year count from the start of the sweep
_OPEN_INPUT_C = 1.0  # a thermometer that is not connected shows about 0
_PREFIX = {"": 1.0, "m": 1e-3, "µ": 1e-6, "u": 1e-6, "n": 1e-9, "p": 1e-12, "k": 1e3}
_VALUE = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([mµunpk]?)"


def identify(content: FileContent) -> bool:
    """Return whether the file starts with a version mark, a possible number of points and a frequency."""
    if not content.data.startswith(_MARK) or len(content.data) < _FIRST + 8:
        return False
    frequency = np.frombuffer(content.data, ">f8", 1, _FIRST)[0]
    return 0 < _points(content) <= _MOST_POINTS and bool(1e-9 < frequency < 1e12)


def load(content: FileContent) -> list[Spectrum]:
    """Return a spectrum per direction of the sweep: the part that overlaps, then the one over the whole range.

    Raises
    ------
    ReaderError
        If the file is shorter than its points, or holds none that is one.
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
        raise content.error(f"byte {_FIRST}: no point has a frequency above 0; {'; '.join(notes)}")
    notes.insert(0, "sign of Im: from the phase, which is signed in Zahner files")
    facts, fact_notes = _facts(_strings(content.data[end:]))
    return [
        replace(
            spectrum,
            metadata=facts.updated("file header", started_at=_started(time[sweep])),
            notes=(*spectrum.notes, *_significance(significance[sweep]), *fact_notes),
        )
        for spectrum, sweep in zip(to_spectra(rows, sweeps, notes), sweeps, strict=True)
    ]


def _points(content: FileContent) -> int:
    return int.from_bytes(content.data[6:_FIRST], "big", signed=True) + 1


def _parts(frequency: FloatArray) -> FloatArray:
    """Return 1 between the highest and the lowest frequency, where a sweep may start in the middle; 0 before."""
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
    """Return the texts behind the arrays: length in two bytes, then letters with their case swapped."""
    texts: list[str] = []
    place = 0
    while len(texts) < 6 and place + 2 <= len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        texts.append(data[place + 2 : place + 2 + length].decode("latin-1").swapcase())
        place += 2 + length
    return texts + [""] * (6 - len(texts))


def _facts(texts: list[str]) -> tuple[Metadata, list[str]]:
    _, title, potential, current, temperature, _ = texts
    if title.lower() == "simulation":
        return Metadata().updated("file header", technique="simulation"), []
    values: dict[str, object] = {"ewe_mean_V": _value(potential, "V"), "i_mean_mA": _value(current, "A", 1e3)}
    amplitude = re.search(rf"Ampl:\s*{_VALUE}([VA])", potential + " " + current)
    if amplitude is not None:
        values["technique"] = "PEIS" if amplitude[3] == "V" else "GEIS"
        size = float(amplitude[1]) * _PREFIX[amplitude[2]] * 1e3
        values["amplitude_mV"] = size if amplitude[3] == "V" and size > 0 else None
    degrees = re.match(r"([-+]?\d+(?:\.\d+)?)\+-\d", temperature)
    notes: list[str] = []
    if degrees is not None and abs(float(degrees[1])) > _OPEN_INPUT_C and float(degrees[1]) > -273:
        values["temperature_C"] = float(degrees[1])
    elif degrees is not None:
        notes.append(f"the temperature in the file, {temperature}, is what an open input shows; not taken")
    return Metadata().updated("file header", **values), notes


def _value(text: str, unit: str, scale: float = 1.0) -> float | None:
    match = re.match(rf"{_VALUE}{unit}\b", text)
    return float(match[1]) * _PREFIX[match[2]] * scale if match else None
