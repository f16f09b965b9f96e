"""PalmSens PSTrace sessions (``.pssession``): JSON, mostly in UTF-16."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.tables.impedance_table import MIN_ROWS
from eistool.readers.tables.numbers import parse_number
from eistool.readers.tables.signs import HeaderSign, decide_sign
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import FloatArray, IntArray

SUFFIXES = (".pssession",)

# types of arrays in a data set of impedances
_TIME, _POTENTIAL, _CURRENT, _FREQUENCY, _REAL, _MINUS_IMAG, _IMAG_Y, _MEASURED_POTENTIAL = (
    0,
    1,
    2,
    5,
    7,
    8,
    13,
    33,
)
_TICKS_A_SECOND = 10_000_000  # of 100 ns, from the year 1
_MOST_CHARACTERS = 32 * 1024 * 1024
_KEYS = frozenset(
    [
        "type",
        "measurements",
        "title",
        "timestamp",
        "method",
        "dataset",
        "values",
        "arraytype",
        "datavalues",
        "eisdatalist",
    ]
)
_EXPECTED = "expected a session with arrays of Frequency, ZRe and ZIm"

_Arrays = dict[int, list[FloatArray]]


def identify(content: FileContent) -> bool:
    """Return whether the text is JSON of a PalmSens type."""
    return re.match(r'[\ufeff\s]*\{[^{}]{0,500}"type"\s*:\s*"PalmSens\.', content.text[:1000], re.I) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep, channel and impedance measurement.

    Raises
    ------
    ReaderError
        If the JSON is broken, or no measurement has impedances.
    """
    session = _parse(content)
    measurements = session.get("measurements") if isinstance(session, dict) else None
    if not isinstance(measurements, list):
        raise content.error(f"no measurements; {_EXPECTED}")
    spectra: list[Spectrum] = []
    titles: list[str] = []
    for measurement in (m for m in measurements if isinstance(m, dict)):
        titles.append(str(measurement.get("title"))[:40])
        for title, arrays in _data_sets(measurement):
            spectra += _load_data_set(content, measurement, title, arrays)
    if not spectra:
        raise content.error(
            f"none of the measurements {', '.join(titles[:8]) or '(none)'} has impedances; {_EXPECTED}"
        )
    return spectra


def _parse(content: FileContent) -> object:
    text = content.text.strip("\ufeff\0 \t\r\n")
    if len(text) > _MOST_CHARACTERS:
        raise content.error(
            f"{len(text)} characters; expected below {_MOST_CHARACTERS}: save only the impedance measurements"
        )
    try:
        return json.loads(text, object_pairs_hook=_fold)
    except json.JSONDecodeError as error:
        line = error.doc.count("\n", 0, error.pos) + 1
        raise content.error(
            f"broken JSON at character {error.pos} ({error.msg}); save the session again", line
        ) from error
    except RecursionError as error:
        raise content.error("JSON nested too deeply; save the session again") from error
    except ValueError as error:  # a limit of Python
        raise content.error("a number has too many digits; save the session again") from error


def _fold(pairs: list[tuple[str, object]]) -> object:
    """Return an object with the known keys in lower case, and the value 1.5 of {"V": 1.5, "S": 2}."""
    for key, value in pairs:
        if key in ("V", "v"):
            return value if isinstance(value, float | int) else parse_number(str(value)[:40])
    return {key.lower(): value for key, value in pairs if key.lower() in _KEYS}


def _data_sets(measurement: dict[str, object]) -> Iterator[tuple[str, _Arrays]]:
    """Yield title and arrays of each channel or scan; the data set of the measurement repeats them."""
    listed = measurement.get("eisdatalist")
    parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    for part in parts or [measurement]:
        data_set = part.get("dataset")
        values = data_set.get("values") if isinstance(data_set, dict) else None
        arrays: _Arrays = {}
        for array in values if isinstance(values, list) else []:
            if isinstance(array, dict) and isinstance(kind := array.get("arraytype"), int):
                arrays.setdefault(kind, []).append(_numbers(array.get("datavalues")))
        if _FREQUENCY in arrays and _REAL in arrays and _MINUS_IMAG in arrays:
            yield str(part.get("title") or "")[:100], arrays


def _numbers(values: object) -> FloatArray:
    if not isinstance(values, list):
        return np.empty(0)
    return np.array([v if isinstance(v, float | int) else np.nan for v in values], dtype=np.float64)


def _load_data_set(
    content: FileContent, measurement: dict[str, object], title: str, arrays: _Arrays
) -> list[Spectrum]:
    spectra: list[Spectrum] = []
    for k, frequency in enumerate(arrays[_FREQUENCY]):
        real, minus_imag, imag_y = (
            _kth(arrays, kind, k, frequency.size) for kind in (_REAL, _MINUS_IMAG, _IMAG_Y)
        )
        if real is None or minus_imag is None:
            raise _mismatch(content, title, frequency.size)
        z, header = _signed(real, minus_imag, imag_y)
        rows = Rows(frequency, z, None)
        sweeps, notes = split_sweeps(rows)
        if sum(sweep.size for sweep in sweeps) < MIN_ROWS:
            continue  # a measurement that was stopped early
        rows, sign = decide_sign(rows, sweeps, header)
        notes = [sign, f"channel or scan {title!r}", *notes] if title else [sign, *notes]
        spectra += [
            replace(spectrum, metadata=_metadata(measurement, arrays, k, sweep))
            for spectrum, sweep in zip(to_spectra(rows, sweeps, notes), sweeps, strict=True)
        ]
    return spectra


def _mismatch(content: FileContent, title: str, n: int) -> ReaderError:
    return content.error(f"{title!r}: {n} frequencies, but another number of ZRe or ZIm; save the session again")


def _kth(arrays: _Arrays, kind: int, k: int, size: int) -> FloatArray | None:
    of_kind = arrays.get(kind, [])
    return of_kind[k] if k < len(of_kind) and of_kind[k].size == size else None


def _signed(real: FloatArray, minus_imag: FloatArray, imag_y: FloatArray | None) -> tuple[np.ndarray, HeaderSign]:
    """Return Z and its sign: ZIm is -Im in these files, unless Im(Y) has the opposite sign of ZIm."""
    z = real - 1j * minus_imag
    usable = (
        np.zeros(real.size, dtype=bool) if imag_y is None else np.isfinite(imag_y) & (imag_y * minus_imag != 0)
    )
    if imag_y is None or not usable.any():
        return z, HeaderSign("ZIm of PalmSens is -Im, negated", final=True)
    if np.mean(np.sign(imag_y[usable]) == np.sign(minus_imag[usable])) < 0.5:
        return z.conj(), HeaderSign("ZIm read as signed, according to Im(Y)", final=True)
    return z, HeaderSign("ZIm of PalmSens is -Im, negated, according to Im(Y)", final=True)


def _metadata(measurement: dict[str, object], arrays: _Arrays, k: int, sweep: IntArray) -> Metadata:
    method = dict(re.findall(r"^([A-Z_]+)=(\S+)\s*$", str(measurement.get("method") or "")[:50_000], re.MULTILINE))
    amplitude, area = parse_number(method.get("AMPLITUDE", "")), parse_number(method.get("AREA", ""))
    values: dict[str, object] = {
        "technique": {"eis": "PEIS", "geis": "GEIS"}.get(method.get("METHOD_ID", "")),
        "started_at": _date(measurement.get("timestamp")),
        "amplitude_mV": amplitude * 1e3 if method.get("METHOD_ID") == "eis" and 0 < amplitude < 10 else None,
        "area_cm2": area if 0 < area < 1e6 else None,
    }
    size = arrays[_FREQUENCY][k].size
    potential = _kth(arrays, _MEASURED_POTENTIAL, k, size)
    potential = _kth(arrays, _POTENTIAL, k, size) if potential is None else potential
    current = _kth(arrays, _CURRENT, k, size)
    if potential is not None and np.isfinite(potential[sweep]).all():
        ewe = potential[sweep]
        values |= {"ewe_mean_V": float(ewe.mean()), "ewe_drift_mV": float(ewe[-1] - ewe[0]) * 1e3}
    if current is not None and np.isfinite(current[sweep]).all():
        values["i_mean_mA"] = float(current[sweep].mean()) / 1e3  # from µA
    return Metadata().updated("file header", **values)


def _date(ticks: object) -> str | None:
    if not isinstance(ticks, int) or not 0 < ticks < 3_000_000_000_000_000_000:
        return None
    return (datetime(1, 1, 1) + timedelta(seconds=ticks // _TICKS_A_SECOND)).isoformat()
