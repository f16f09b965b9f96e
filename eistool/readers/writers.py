"""Writers of spectra and samples tables, without loss of digits."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from eistool.errors import ConfigError
from eistool.escaping import defuse
from eistool.readers.formats.spectra_json import KIND, VERSION
from eistool.readers.samples import COLUMNS
from eistool.readers.tables.signs import HeaderSign, decide_sign
from eistool.readers.tables.sweeps import Rows
from eistool.spectrum import Spectrum
from eistool.typing import PathLike


@dataclass(frozen=True, slots=True)
class Writer:
    """Suffix, encoding and text of a format."""

    suffix: str
    several_sweeps: bool
    encoding: str
    text: Callable[[Sequence[Spectrum]], str]


def format_spectra(spectra: Sequence[Spectrum], style: str = "csv") -> str:
    """Return the text of a file with the given spectra.

    Parameters
    ----------
    spectra : sequence of Spectrum
        The sweeps of the file, including masked points.
    style : {"csv", "csv-semicolon", "dta", "json", "mpt", "z"}
        Only ``json`` and ``mpt`` support more than one sweep, and only ``json`` keeps all facts.

    Raises
    ------
    ConfigError
        If the format is unknown, or does not support that number of sweeps.

    Examples
    --------
    >>> print(format_spectra([Spectrum([1e3], [10 - 1j])], "csv"), end="")
    frequency_Hz,z_real_ohm,z_imag_ohm
    1000.0,10.0,-1.0
    """
    return _writer(spectra, style).text(spectra)


def write_spectra(path: PathLike, spectra: Sequence[Spectrum], style: str | None = None) -> None:
    """Write spectra to one file, by default in the format of its suffix.

    Raises
    ------
    ConfigError
        If the format is unknown, or does not support that number of sweeps.
    """
    path = Path(path)
    if style is None:
        names = [name for name, writer in WRITERS.items() if writer.suffix == path.suffix.lower()]
        if not names:
            raise ConfigError(f"{path.name}: no format with this suffix; choose one of {', '.join(WRITERS)}")
        style = names[0]
    writer = _writer(spectra, style)
    path.write_bytes(writer.text(spectra).encode(writer.encoding))


def format_samples(files: Sequence[tuple[str, Sequence[Spectrum]]]) -> str:
    """Return a samples table with the metadata of spectra.

    Parameters
    ----------
    files : sequence of (str, sequence of Spectrum)
        Name and sweeps of each file.

    Examples
    --------
    >>> from eistool import Metadata
    >>> pellet = Spectrum([1e3], [10 - 1j], Metadata(temperature_C=25.0))
    >>> print(format_samples([("a.csv", [pellet])]), end="")
    file,temperature_C
    a.csv,25.0
    """
    rows = [
        {"file": name if len(spectra) == 1 else f"{name}#{sweep}", **spectrum.metadata.known()}
        for name, spectra in files
        for sweep, spectrum in enumerate(spectra, start=1)
    ]
    columns = ["file", *(name for name in COLUMNS if name != "file" and any(name in row for row in rows))]
    text = io.StringIO()
    table = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(
        {name: defuse(cell) if isinstance(cell, str) else cell for name, cell in row.items()} for row in rows
    )
    return text.getvalue()


def _writer(spectra: Sequence[Spectrum], style: str) -> Writer:
    if style not in WRITERS:
        raise ConfigError(f"format={style!r}; choose one of {', '.join(WRITERS)}")
    writer = WRITERS[style]
    if not spectra or (len(spectra) > 1 and not writer.several_sweeps):
        raise ConfigError(f"{len(spectra)} sweeps for a file of format {style}; write one, or choose json or mpt")
    return writer


def _csv(spectra: Sequence[Spectrum]) -> str:
    rows = Rows(spectra[0].frequency, spectra[0].impedance)
    # without a minus in the header, the reader would reverse the sign of such data
    reversed_ = decide_sign(rows, [np.arange(len(spectra[0]))], HeaderSign("", final=False))[0] is not rows
    imag = "-z_imag_ohm" if reversed_ else "z_imag_ohm"
    points = ((f, re, -im if reversed_ else im) for f, re, im in _points(spectra[0]))
    return _lines([f"frequency_Hz,z_real_ohm,{imag}", *(",".join(map(repr, point)) for point in points)])


def _csv_semicolon(spectra: Sequence[Spectrum]) -> str:
    rows = (";".join(map(repr, point)).replace(".", ",") for point in _points(spectra[0]))
    return _lines(["Frequency / Hz;Re(Z) / Ohm;Im(Z) / Ohm", *rows])


def _mpt(spectra: Sequence[Spectrum]) -> str:
    metadata = spectra[0].metadata
    names = ["freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg", "time/s", "z cycle"]
    if metadata.ewe_mean_V is not None:
        names.append("<Ewe>/V")
    header = ["Potentio Electrochemical Impedance", ""]
    if metadata.started_at is not None:
        date, _, clock = metadata.started_at.partition("T")
        year, month, day = date.split("-")
        header.append(f"Acquisition started on : {month}/{day}/{year} {clock}")
    if metadata.amplitude_mV is not None:
        header.append(f"Va (mV)             {metadata.amplitude_mV!r}")
    lines = ["EC-Lab ASCII FILE", f"Nb header lines : {len(header) + 4}", "", *header]
    lines.append("\t".join(names))
    for cycle, spectrum in enumerate(spectra, start=1):
        start = 3600 * (spectrum.metadata.time_h or 0.0)
        seconds = start + np.cumsum(3 / spectrum.frequency)  # three periods per point
        voltage = spectrum.metadata.ewe_mean_V
        for (f, real, imag), time in zip(_points(spectrum), seconds.tolist(), strict=True):
            row = [repr(f), repr(real), repr(-imag), *_polar(real, imag), repr(time), repr(float(cycle))]
            lines.append("\t".join([*row, *([] if voltage is None else [repr(voltage)])]))
    return _lines(lines)


def _dta(spectra: Sequence[Spectrum]) -> str:
    metadata = spectra[0].metadata
    lines = ["EXPLAIN", "TAG\tEISPOT", "TITLE\tLABEL\tPotentiostatic EIS\tTest &Identifier"]
    if metadata.started_at is not None:
        date, _, clock = metadata.started_at.partition("T")
        year, month, day = date.split("-")
        lines += [f"DATE\tLABEL\t{month}/{day}/{year}\tDate", f"TIME\tLABEL\t{clock}\tTime"]
    if metadata.amplitude_mV is not None:
        lines.append(f"VAC\tQUANT\t{metadata.amplitude_mV!r}\tAC &Voltage (mV rms)")
    lines += ["ZCURVE\tTABLE", "\tPt\tTime\tFreq\tZreal\tZimag\tZmod\tZphz", "\t#\ts\tHz\tohm\tohm\tohm\t°"]
    time = 0.0
    for i, (f, real, imag) in enumerate(_points(spectra[0])):
        time += 3 / f
        row = [repr(time), repr(f), repr(real), repr(imag), *_polar(real, imag)]
        lines.append("\t".join(["", str(i), *row]))
    return _lines(lines)


def _z(spectra: Sequence[Spectrum]) -> str:
    points = _points(spectra[0])
    lines = [
        "ZPLOT2 ASCII",
        "ZView Calculated Data File: Version 1.1",
        f"Data Points: {len(points)}",
        "Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange",
        "End Comments",
    ]
    time = 0.0
    for f, real, imag in points:
        time += 3 / f
        lines.append("\t".join([repr(f), "0.01", "0", repr(time), repr(real), repr(imag), "0", "0", "0"]))
    return _lines(lines)


def _json(spectra: Sequence[Spectrum]) -> str:
    entries = [json.dumps(spectrum.to_dict(), ensure_ascii=False) for spectrum in spectra]
    return f'{{"eistool": "{KIND}", "version": {VERSION}, "spectra": [\n' + ",\n".join(entries) + "\n]}\n"


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "csv": Writer(".csv", False, "utf-8", _csv),
        "csv-semicolon": Writer(".csv", False, "utf-8", _csv_semicolon),
        "dta": Writer(".dta", False, "latin-1", _dta),
        "json": Writer(".json", True, "utf-8", _json),
        "mpt": Writer(".mpt", True, "latin-1", _mpt),
        "z": Writer(".z", False, "latin-1", _z),
    }
)


def _points(spectrum: Spectrum) -> list[tuple[float, float, float]]:
    z = spectrum.impedance
    return list(zip(spectrum.frequency.tolist(), z.real.tolist(), z.imag.tolist(), strict=True))


def _polar(real: float, imag: float) -> tuple[str, str]:
    # for people: the readers use Re and Im
    return f"{math.hypot(real, imag):.7g}", f"{math.degrees(math.atan2(imag, real)):.7g}"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
