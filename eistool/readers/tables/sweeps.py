"""Division of a table into sweeps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from eistool.readers.notes import WARNING
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray, IntArray

_SAME_FREQUENCY = 1e-3  # relative steps below this are repeats, not a direction


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Frequency and impedance of the rows of one table, in the order of the file.

    Parameters
    ----------
    frequency : FloatArray, shape (n_rows,)
        In Hz; rows with 0 or nan are omitted from sweeps.
    impedance : ComplexArray, shape (n_rows,)
        In ohm.
    cycle : FloatArray, shape (n_rows,), optional
        A number that changes from sweep to sweep.
    notes : list of str
        Remarks on how the file was read.
    """

    frequency: FloatArray
    impedance: ComplexArray
    cycle: FloatArray | None = None
    notes: list[str] = field(default_factory=list)


def split_sweeps(rows: Rows) -> tuple[list[IntArray], list[str]]:
    """Return the row numbers of each sweep, and notes on omitted rows.

    Rows without a positive frequency or a finite impedance are omitted. The others are divided where the cycle
    number changes, then where the frequency reverses: for two steps or more, or by a jump over half of the
    range covered so far.

    Examples
    --------
    >>> rows = Rows(np.array([100, 10, 1, 0, 100, 10, 1.0]), np.ones(7, dtype=complex))
    >>> split_sweeps(rows)
    ([array([0, 1, 2]), array([4, 5, 6])], ['1 row without a frequency omitted'])
    """
    with np.errstate(invalid="ignore"):
        has_frequency = np.isfinite(rows.frequency) & (rows.frequency > 0)
    finite = np.isfinite(rows.impedance)
    omitted = (
        (int(np.sum(~has_frequency)), "without a frequency omitted"),
        (int(np.sum(has_frequency & ~finite)), "without a finite impedance omitted"),
    )
    notes = [f"{count} row{'' if count == 1 else 's'} {reason}" for count, reason in omitted if count]
    kept = np.flatnonzero(has_frequency & finite)
    sweeps: list[IntArray] = []
    for part in _cut_at_cycles(kept, rows.cycle):
        log_f = np.log(rows.frequency[part])
        pieces = np.split(part, _turns(log_f))
        if len(pieces) > 1 and len(part) < 3 * len(pieces):
            notes.append(f"{WARNING}frequencies are not in order; read as one sweep")
            pieces = [part]
        sweeps += [piece for piece in pieces if piece.size]
    return sweeps, notes


def _cut_at_cycles(kept: IntArray, cycle: FloatArray | None) -> list[IntArray]:
    if cycle is None or kept.size == 0:
        return [kept]
    return list(np.split(kept, np.flatnonzero(np.diff(cycle[kept]) != 0) + 1))


def _turns(log_f: FloatArray) -> list[int]:
    turns: list[int] = []
    steps = np.diff(log_f)
    start, direction = 0, 0.0
    for i, step in enumerate(steps):
        if abs(step) < _SAME_FREQUENCY:
            continue
        if direction == 0.0:
            direction = math.copysign(1.0, step)
        elif step * direction < 0:
            span = abs(log_f[i] - log_f[start])
            goes_on = i + 1 < steps.size and steps[i + 1] * direction < -_SAME_FREQUENCY
            if goes_on or abs(step) > span / 2:
                start = i + 1
                while start > 1 and abs(steps[start - 2]) < _SAME_FREQUENCY:
                    start -= 1  # measured before and after the reversal
                turns.append(start)
                # a jump starts a new sweep; a gradual reversal already has its direction
                direction = -direction if goes_on else 0.0
    return turns


def to_spectra(rows: Rows, sweeps: Sequence[IntArray], notes: Sequence[str]) -> list[Spectrum]:
    """Return one Spectrum per sweep, each with all the notes."""
    return [Spectrum(rows.frequency[i], rows.impedance[i], notes=tuple(notes)) for i in sweeps]
