"""Dialects of text tables: every combination must be read right or refused.

``python -m tests.benchmarks.dialects`` writes tables in all combinations of decimal mark, thousands separator,
column separator, encoding, header, units, number format and range, and counts the outcomes. ``--every N``
takes each N-th combination; ``--show`` prints the first cases of an outcome.
"""

import argparse
import itertools
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.registry import find_reader, refusal
from eistool.typing import ComplexArray, FloatArray

DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", "'", "’", " ", "\u00a0", "\u202f", "\u2009")
SEPARATORS = (",", ";", "\t", " ", "  ", "quoted ,")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
# names of the columns, kind of the columns, factors to Hz and to the unit of the second and third
HEADERS: dict[str, tuple[tuple[str, str, str] | None, str, float, float]] = {
    "plain": (("frequency_Hz", "z_real_ohm", "z_imag_ohm"), "cartesian", 1, 1),
    "EC-Lab": (("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm"), "minus", 1, 1),
    "primes": (("f [Hz]", "Z' [Ω]", "-Z'' [Ω]"), "minus", 1, 1),
    "kilo": (("Frequency (kHz)", "Zreal (kOhm)", "Zimag (kOhm)"), "cartesian", 1e3, 1e3),
    "kilohm": (("Freq [Hz]", "Zreal [kilohm]", "Zimag [kilohm]"), "cartesian", 1, 1e3),
    "mega": (("f/MHz", "Z'/MΩ", "Z''/MΩ"), "cartesian", 1e6, 1e6),
    "milli": (("f/mHz", "Re/mOhm", "Im/mOhm"), "cartesian", 1e-3, 1e-3),
    "German": (("Frequenz (Hz)", "Realteil (Ohm)", "Imag (Ohm)"), "cartesian", 1, 1),
    "polar": (("Frequency (Hz)", "|Z| (Ohm)", "Phase (deg)"), "polar", 1, 1),
    "radians": (("Frequency (Hz)", "|Z| (Ohm)", "Phase (rad)"), "radians", 1, 1),
    "omega": (("omega (rad/s)", "Zre", "Zim"), "cartesian", 1 / (2 * np.pi), 1),
    "siemens": (("f [Hz]", "Y' [mS]", "Y'' [mS]"), "admittance", 1, 1e-3),
    "logarithm": (("log10(f/Hz)", "Re(Z)/Ohm", "Im(Z)/Ohm"), "log f", 1, 1),
    "none": (None, "cartesian", 1, 1),
}
FORMATS = ("integer", "%.1f", "%.3f", "%.6f", "%.5g", "%.6e", "repr")
RANGES: dict[str, tuple[float, float, float]] = {  # highest and lowest frequency, scale of Z
    "wide": (1e6, 1.0, 20.0),
    "only f above 1000": (1e5, 0.1, 0.2),
    "all below 1000": (900.0, 2.0, 1.5),
    "only Z above 1000": (900.0, 1.0, 400.0),
    "all above 1000": (9e5, 2e3, 5e3),
}
N_POINTS = 31


@dataclass(frozen=True, slots=True)
class Case:
    """Combination of conventions."""

    decimal: str
    thousands: str
    separator: str
    encoding: str
    header: str
    number: str
    range: str


def cases() -> Iterator[Case]:
    """Yield all combinations that exist."""
    for case in itertools.starmap(
        Case, itertools.product(DECIMALS, THOUSANDS, SEPARATORS, ENCODINGS, HEADERS, FORMATS, RANGES)
    ):
        if case.decimal == case.thousands or (case.thousands and case.number in ("%.5g", "%.6e")):
            continue  # such formats have no thousands separators
        if case.encoding == "cp1252" and case.thousands in ("\u202f", "\u2009"):
            continue
        if case.encoding == "cp1252" and HEADERS[case.header][0] and "Ω" in "".join(HEADERS[case.header][0] or ()):
            continue
        yield case


def columns(case: Case) -> list[FloatArray]:
    """Return the three columns in the units of the header."""
    high, low, scale = RANGES[case.range]
    f = np.geomspace(high, low, N_POINTS)
    _, kind, to_Hz, unit = HEADERS[case.header]
    tau = 10 / (2 * np.pi * np.sqrt(high * low))
    z = scale * (1 + 40 / (1 + (2j * np.pi * f * tau) ** 0.9))
    if kind == "minus":
        parts = [f, z.real / unit, -z.imag / unit]
    elif kind in ("polar", "radians"):
        angle = np.angle(z)
        parts = [f, np.abs(z) / unit, np.rad2deg(angle) if kind == "polar" else angle]
    elif kind == "admittance":
        parts = [f, (1 / z).real / unit, (1 / z).imag / unit]
    elif kind == "log f":
        parts = [np.log10(f), z.real / unit, z.imag / unit]
    else:
        parts = [f, z.real / unit, z.imag / unit]
    return [parts[0] / to_Hz, *parts[1:]]


def cell(value: float, case: Case) -> str:
    """Return a number as the case writes it."""
    if case.number == "integer":
        text = f"{value:,.0f}"
    elif case.number == "repr":
        text = f"{value!r}" if "e" in repr(value) else f"{float(value):,}"
    elif case.number in ("%.5g", "%.6e"):
        text = case.number % value
    else:
        text = f"{value:,{case.number[1:]}}"
    text = text.replace(",", "\0").replace(".", case.decimal).replace("\0", case.thousands)
    return f'"{text}"' if case.separator == "quoted ," else text


def written(case: Case) -> tuple[bytes, list[FloatArray]]:
    """Return the file of a case, and its columns as rounded by the number format."""
    parts = columns(case)
    plain = Case(".", "", ";", "utf-8", case.header, case.number, case.range)
    rounded = [np.array([float(cell(float(x), plain)) for x in part]) for part in parts]
    separator = "," if case.separator == "quoted ," else case.separator
    names = HEADERS[case.header][0]
    if names is not None and separator.isspace() and separator != "\t":
        names = tuple(name.replace(" ", "") for name in names)  # type: ignore[assignment]
    head = [] if names is None else [separator.join(names)]
    rows = [separator.join(cell(float(x), case) for x in row) for row in zip(*parts, strict=True)]
    return ("\n".join([*head, *rows]) + "\n").encode(case.encoding), rounded


def expected(case: Case, parts: list[FloatArray]) -> tuple[FloatArray, ComplexArray]:
    """Return frequency and impedance of the rounded columns."""
    _, kind, to_Hz, unit = HEADERS[case.header]
    f, a, b = parts[0] * to_Hz, parts[1] * unit, parts[2]
    if kind in ("polar", "radians"):
        return f, np.asarray(a * np.exp(1j * (np.deg2rad(b) if kind == "polar" else b)), dtype=np.complex128)
    with np.errstate(all="ignore"):
        if kind == "admittance":
            return f, np.asarray(1 / (a + 1j * b * unit), dtype=np.complex128)
        z = np.asarray(a + 1j * b * unit * (-1 if kind == "minus" else 1), dtype=np.complex128)
        return (10**f if kind == "log f" else f), z


def outcome(case: Case) -> str:
    """Return right, refused, rows lost, or wrong."""
    data, parts = written(case)
    content = FileContent(Path("cell.csv"), data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader = find_reader(content)
            if reader is None:
                raise ReaderError(refusal(content))
            spectra = reader.read(content)
        except ReaderError:
            return "refused"
    f, z = expected(case, parts)
    usable = (f > 0) & np.isfinite(z)
    f, z = f[usable], z[usable]
    found_f = np.concatenate([s.frequency for s in spectra])
    found_z = np.concatenate([s.impedance for s in spectra])
    if found_f.size != f.size:
        return "rows lost" if found_f.size < f.size else "wrong"
    same = np.allclose(found_f, f, rtol=1e-9) and (
        np.allclose(found_z, z, rtol=1e-9) or np.allclose(found_z, z.conj(), rtol=1e-9)
    )
    return "right" if same else "wrong"


def main() -> int:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take each N-th combination (a prime number)")
    parser.add_argument("--show", help="print the first cases of this outcome")
    options = parser.parse_args()
    start = time.perf_counter()
    counts: dict[str, Counter[str]] = {"without thousands separator": Counter(), "with one": Counter()}
    shown = 0
    for case in itertools.islice(cases(), None, None, options.every):
        result = outcome(case)
        counts["with one" if case.thousands else "without thousands separator"][result] += 1
        if result == options.show and shown < 40:
            shown += 1
            print(astuple(case))
    for name, found in counts.items():
        print(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(found.items())))
    total = sum(counts.values(), Counter())
    print(f"{total.total()} files in {time.perf_counter() - start:.0f} s: {total['wrong']} wrong, "
          f"{total['rows lost']} with rows lost without an error")  # fmt: skip
    return int(total["wrong"] + total["rows lost"] > 0)


if __name__ == "__main__":
    sys.exit(main())
