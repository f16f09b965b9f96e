"""Spectra from tables with known columns: units, angles, damaged headers and the sign of Im."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.notes import WARNING
from eistool.readers.tables.columns import Column
from eistool.readers.tables.signs import HeaderSign, cartesian_sign, decide_sign
from eistool.readers.tables.sweeps import Rows, split_sweeps, to_spectra
from eistool.readers.tables.table import Table, mean_conditions, moments
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import ComplexArray, FloatArray, IntArray

MIN_ROWS = 3  # fewer points are not a spectrum
EXAMPLE = "columns such as frequency_Hz,z_real_ohm,z_imag_ohm"

PER_AREA = f"{WARNING}impedances are per area (ohm cm²): kept as they are, since the area is unknown"
PER_LENGTH = "impedances are resistivities (ohm cm)"

_IN_OHM = ("real", "imag", "modulus", "resistance", "reactance")
# deviation of |Z| from Re and Im beyond which a row is damaged, and the share of rows that may be
_SAME_MODULUS, _MOST_CONTRADICTORY = 0.02, 0.1
_DAMAGED = "#NAME?"

Fail = Callable[[str], ReaderError]


def spectra_of(
    table: Table,
    fail: Fail,
    *,
    guessed: bool = False,
    describe: Callable[[IntArray], Mapping[str, object]] | None = None,
    notes: Sequence[str] = (),
) -> list[Spectrum]:
    """Return one spectrum per sweep; the notes describe columns, units and the sign of Im.

    Parameters
    ----------
    table : Table
        With a frequency, and Re and Im, or |Z| and phase.
    fail : callable
        Returns an error with file and line for a message.
    guessed : bool
        Whether the columns have no names; the frequencies must then be swept in one direction.
    describe : callable, optional
        Returns metadata of the given rows.
    notes : sequence of str
        Remarks to add.

    Raises
    ------
    ReaderError
        If columns are missing, there are fewer than three points, or guessed frequencies are not swept.
    """
    rows, header = read_rows(table, fail)
    sweeps, sweep_notes = split_sweeps(rows)
    if sum(sweep.size for sweep in sweeps) < MIN_ROWS:
        reasons = "".join(f"; {note}" for note in sweep_notes)
        raise fail(f"fewer than {MIN_ROWS} rows with a frequency above 0 and an impedance{reasons}")
    if guessed and not _is_swept(rows, sweeps):
        raise fail(
            f"three columns without names, and the first is not a swept frequency; add a header with {EXAMPLE}"
        )
    rows, sign = decide_sign(rows, sweeps, header, cut=table.cut)
    spectra = to_spectra(rows, sweeps, [sign, *rows.notes, *notes, *sweep_notes, *table.notes])
    described = [{} if describe is None else dict(describe(sweep)) for sweep in sweeps]
    start = described[0].get("started_at")
    times = moments(table, sweeps, start if isinstance(start, str) else None)
    return [
        replace(
            spectrum,
            metadata=Metadata().updated(
                "file header", **mean_conditions(table, sweep, to_mA=None) | values | moment
            ),
        )
        for spectrum, sweep, values, moment in zip(spectra, sweeps, described, times, strict=True)
    ]


def _is_swept(rows: Rows, sweeps: Sequence[IntArray]) -> bool:
    """Return whether the frequencies of most sweeps run in one direction, over at least three values."""
    steps = [np.sign(np.diff(rows.frequency[i])) for i in sweeps]
    one_way = [np.count_nonzero(s) >= MIN_ROWS - 1 and abs(s.sum()) > s.size / 2 for s in steps]
    return bool(sum(one_way) > len(steps) / 2)


@np.errstate(all="ignore")  # absurd numbers become inf or nan, and are omitted
def read_rows(given: Table, fail: Fail) -> tuple[Rows, HeaderSign]:
    """Return frequency and impedance of each row, and the sign of Im according to the header."""
    table = _with_damaged_imag(given)
    notes = [] if table is given else ["the column '#NAME?' is read as the imaginary part"]
    frequency = _frequency(table, fail, notes)
    real, imag = table.find("real"), table.find("imag")
    modulus, phase = table.find("modulus"), table.find("phase")
    if (real is None or imag is None) and (modulus is None or phase is None):
        real, imag = table.find("resistance"), table.find("reactance")
    if real is not None and imag is not None:
        if real.negated:
            raise fail(f"{real.header!r} has a minus; expected the real part as it is")
        z = table.of(real) + 1j * table.of(imag) * (-1 if imag.negated else 1)
        if modulus is not None and modulus.geometry == real.geometry:
            z = omit_contradictory(table, z, notes)
        angle, source = _angle(table, z)
        z, header = cartesian_sign(z, imag, angle, notes, source)
        used = [real, imag]
    elif modulus is not None and phase is not None:
        angle = _radians(table, phase, None, notes) * (-1 if phase.negated else 1)
        z = table.of(modulus) * np.exp(1j * angle)
        header = HeaderSign(f"from the phase column {phase.header!r}", final=phase.negated, proven=True)
        used = [modulus]
    elif (pairs := _complex(table, "admittance")) is not None:
        z, used = 1 / pairs[0], pairs[1]
        notes.append(f"Z = 1 / Y, from {' and '.join(c.header for c in used)}")
        header = HeaderSign(f"{used[1].header}{', negated' if used[1].negated else ' read as signed'}", final=True)
    elif (u := _complex(table, "voltage")) is not None and (i := _complex(table, "current")) is not None:
        z, used = u[0] / i[0], [*u[1], *i[1]]
        notes.append(f"Z = U / I, from {', '.join(c.header for c in used)}")
        header = HeaderSign("from the phases of voltage and current", final=True)
    else:
        raise fail(f"no impedance among the columns {_list(table)}; expected {EXAMPLE}")
    geometries = {column.geometry for column in used}
    if len(geometries) > 1:
        raise fail(f"{' and '.join(repr(c.header) for c in used)} have different units; expected the same")
    notes += [
        f"{c.header} read in units of {c.scale:g} ohm" for c in used if c.scale != 1 and c.quantity in _IN_OHM
    ]
    notes += {"area": [PER_AREA], "length": [PER_LENGTH]}.get(used[0].geometry, [])
    alike = [(c.quantity, c.geometry) for c in table.columns]
    n_spectra = min(alike.count((c.quantity, c.geometry)) for c in used)
    if n_spectra > 1:
        notes.append(
            f"{WARNING}{n_spectra} columns {used[0].header}: only the first spectrum is read; "
            "save each in its own file"
        )
    cycle = table.find("cycle")
    return Rows(frequency, z, None if cycle is None else table.of(cycle), notes), header


def omit_contradictory(table: Table, z: ComplexArray, notes: list[str]) -> ComplexArray:
    """Return Z without the rows where |Z| in its own column differs, if it agrees in the others.

    Parameters
    ----------
    table : Table
    z : ComplexArray, shape (n_rows,)
        From columns of Re and Im.
    notes : list of str
        Gains a warning with the lines.
    """
    modulus = table.find("modulus")
    if modulus is None:
        return z
    given = np.abs(table.of(modulus))
    usable = np.isfinite(z) & np.isfinite(given) & (given > 0)
    other = usable & (np.abs(np.abs(z) - given) > _SAME_MODULUS * given)
    if not 0 < np.count_nonzero(other) <= max(1, _MOST_CONTRADICTORY * np.count_nonzero(usable)):
        return z
    n = np.count_nonzero(other)
    lines = ", ".join(str(table.lines[k]) for k in np.flatnonzero(other)[:5] if k < len(table.lines))
    notes.append(f"{WARNING}{n} rows (line {lines}) have another {modulus.header} than Re and Im: left out")
    return np.where(other, np.nan, z)


def _complex(table: Table, quantity: str) -> tuple[ComplexArray, list[Column]] | None:
    """Return numbers and columns of a complex quantity, None if one of its parts is missing."""
    real, imag = table.find(f"real_of_{quantity}"), table.find(f"imag_of_{quantity}")
    if real is None or imag is None:
        return None
    numbers = table.of(real) * (-1 if real.negated else 1) + 1j * table.of(imag) * (-1 if imag.negated else 1)
    return np.asarray(numbers, dtype=np.complex128), [real, imag]


def _angle(table: Table, z: ComplexArray) -> tuple[FloatArray | None, str]:
    """Return the angle of Z from a column beside Re and Im, and the name of that column."""
    phase, admittance = table.find("phase"), table.find("imag_of_admittance")
    if phase is not None:
        return _radians(table, phase, z, []) * (-1 if phase.negated else 1), "the phase column"
    if admittance is not None:  # Im(Y) = -Im(Z) / |Z|²
        imag_of_y = table.of(admittance) * (-1 if admittance.negated else 1)
        return np.arctan2(-imag_of_y * np.abs(z) ** 2, z.real), "Im(Y)"
    return None, ""


def _list(table: Table) -> str:
    """Return the names of the columns, then those whose unit is unknown."""
    names = ", ".join(repr(column.header) for column in table.columns[:8])
    unknown = [f"{c.unknown_unit!r} of {c.header!r}" for c in table.columns if c.unknown_unit][:3]
    return f"{names}: unknown unit {', '.join(unknown)}" if unknown else names


def _frequency(table: Table, fail: Fail, notes: list[str]) -> FloatArray:
    frequency, omega = table.find("frequency"), table.find("omega")
    if frequency is not None:
        if frequency.base:
            notes.append(f"{frequency.header} read as the logarithm of the frequency")
        if frequency.scale != 1:
            notes.append(f"{frequency.header} read in units of {frequency.scale:g} Hz")
        return table.of(frequency)
    if omega is not None:
        if omega.unit == "" and omega.scale != 1:
            notes.append(f"{omega.header} read in units of {omega.scale:g} rad/s")
        notes.append(f"{omega.header} read as angular frequency and divided by 2π")
        return table.of(omega) / (2 * np.pi)
    raise fail(f"no frequency among the columns {_list(table)}; expected {EXAMPLE}")


def _with_damaged_imag(table: Table) -> Table:
    """Return the table with Im restored where a spreadsheet replaced the header ``-Im(Z)/Ohm`` by ``#NAME?``."""
    real, imag = table.find("real"), table.find("imag")
    if real is None or (imag is not None and not imag.per_area):
        return table
    columns = [
        replace(c, quantity="imag", scale=real.scale) if c.header == _DAMAGED and c.index == real.index + 1 else c
        for c in table.columns
    ]
    return table if columns == list(table.columns) else replace(table, columns=columns)


def _radians(table: Table, phase: Column, z: ComplexArray | None, notes: list[str]) -> FloatArray:
    values = table.of(phase)
    largest = float(np.max(np.nan_to_num(np.abs(values)), initial=0.0))
    unit = phase.unit
    if not unit:
        unit = "deg" if largest > 1.1 * math.pi / 2 else "rad"
        if unit == "rad" and z is not None:  # small angles: compare with Re and Im
            angle = float(np.max(np.nan_to_num(np.abs(np.angle(z))), initial=0.0))
            unit = "deg" if largest > 5 * angle else "rad"
        notes.append(f"the phase has no unit; read as {unit} (largest {largest:.3g})")
    elif unit == "rad" and largest > 1.1 * math.pi:
        unit = "deg"
        notes.append(f"the phase in rad reaches {largest:.3g}; read as degrees")
    return np.deg2rad(values) if unit == "deg" else values
