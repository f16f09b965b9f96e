"""The sign of Im in tables whose header leaves it open: phase columns and causality decide."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eistool.readers.tables.columns import Column
from eistool.readers.tables.sweeps import Rows
from eistool.typing import ComplexArray, FloatArray, IntArray

_TURNED, _OPPOSITE = "so turned round", "the data say the opposite"
CLEAR = 0.5  # |consistency| from which the data decide


@dataclass(frozen=True, slots=True)
class HeaderSign:
    """What header and phase column say of the sign."""

    text: str
    final: bool  # the data may question it, not overrule it


def cartesian_sign(
    z: ComplexArray, imag: Column, angle: FloatArray | None, notes: list[str], teller: str = "the phase column"
) -> tuple[ComplexArray, HeaderSign]:
    """Return Z with the sign that the phase column gives, where there is one, and what that was decided on.

    Parameters
    ----------
    z : ComplexArray, shape (n_rows,)
        As the header says: Im negated if its name has a minus.
    imag : Column
        Where Im was read.
    angle : FloatArray, shape (n_rows,), optional
        The phase column in rad.
    notes : list of str
        Gets a note if single points were repaired.
    teller : str
        Where the angle comes from.
    """
    name = imag.header or "the column of Im"
    if angle is None:
        if imag.negated:
            return z, HeaderSign(f"header says {name}, negated", final=True)
        return z, HeaderSign(f"{name} has no minus, signed as it stands", final=False)
    told = np.isfinite(z) & np.isfinite(angle) & (z.imag != 0) & (angle != 0) & (np.abs(angle) < math.pi / 2)
    expected = np.abs(z.real * np.tan(np.where(told, angle, 0)))
    told_well = told & (np.abs(np.abs(z.imag) - expected) < 0.1 * np.abs(z.imag) + 0.01 * np.abs(z))
    # all of one sign beside an Im of both: |phase|, which knows nothing
    signless = np.unique(np.sign(angle[told])).size == 1 < np.unique(np.sign(z.imag[told])).size
    if not told.any() or signless or np.sum(told_well) < 0.8 * np.sum(told):
        text = f"{name} {'negated' if imag.negated else 'signed as it stands'}; {teller} does not match it"
        return z, HeaderSign(text, final=imag.negated)
    agree = np.sign(z.imag) == np.sign(angle)
    flipped = bool(np.sum(agree & told_well) < np.sum(told_well) / 2)
    if flipped:
        z, agree = z.conj(), ~agree
    lost = told_well & ~agree
    if lost.any():
        z = np.where(lost, z.conj(), z)
        notes.append(f"{np.sum(lost)} points hold |Im|: their sign is taken from {teller}")
    verdict = "turned round" if flipped else "negated" if imag.negated else "signed as it stands"
    return z, HeaderSign(f"{name} {verdict}, as {teller} says", final=imag.negated and not flipped)


def decide_sign(rows: Rows, sweeps: Sequence[IntArray], said: HeaderSign) -> tuple[Rows, str]:
    """Return the rows with the sign of Im decided, and the note that says why."""
    consistency = phase_consistency(rows, sweeps)
    figure = f"(agreement with the slope of |Z|: {consistency:+.2f})"
    if consistency > -CLEAR or not mostly_inductive(rows, sweeps):
        doubt = "" if consistency > CLEAR or said.final else f"; the data do not tell {figure}"
        return rows, f"sign of Im: {said.text}{doubt}"
    if said.final:
        return rows, f"sign of Im: {said.text}; {_OPPOSITE} {figure}: check the header"
    turned = Rows(rows.frequency, rows.impedance.conj(), rows.cycle, rows.notes)
    return turned, f"sign of Im: {said.text} would contradict the slope of |Z|, {_TURNED} {figure}"


def sign_in_doubt(note: str) -> bool:
    """Return whether a note of :func:`decide_sign` tells of data that contradict the header."""
    return note.startswith("sign of Im: ") and (_TURNED in note or _OPPOSITE in note)


def phase_consistency(rows: Rows, sweeps: Sequence[IntArray]) -> float:
    """Return from -1 to 1 how well the sign of Im agrees with the slope of ln|Z|.

    For a causal system the phase follows π/2 · d ln|Z| / d ln f, and |Z| does not know the sign of Im:
    near 1 the sign is right, near -1 it is turned round, near 0 the data do not tell.

    References
    ----------
    .. [1] Ehm et al., ACH Models Chem. 137 (2000) 145 (the logarithmic Hilbert transform, Z-HIT)

    Examples
    --------
    >>> f = np.geomspace(1, 1e4, 20)
    >>> z = 10 + 100 / (1 + 0.1j * f)
    >>> bool(phase_consistency(Rows(f, z), [np.arange(20)]) > 0.9)
    True
    >>> bool(phase_consistency(Rows(f, z.conj()), [np.arange(20)]) < -0.9)
    True
    """
    product = phase_power = slope_power = 0.0
    for i in sweeps:
        frequency, first = np.unique(rows.frequency[i], return_index=True)
        z = rows.impedance[i][first]
        usable = np.abs(z) > 0
        if np.count_nonzero(usable) < 4:
            continue
        slope = np.gradient(np.log(np.abs(z[usable])), np.log(frequency[usable]))
        # a negative real part is an artefact of the instrument: fold it away
        phase = np.arctan2(z.imag[usable], np.abs(z.real[usable]))
        product += float(np.sum(phase * slope))
        phase_power += float(np.sum(phase**2))
        slope_power += float(np.sum(slope**2))
    power = math.sqrt(phase_power * slope_power)
    return product / power if power > 0 and math.isfinite(power) else 0.0


def mostly_inductive(rows: Rows, sweeps: Sequence[IntArray]) -> bool:
    """Return whether four of five points in the lower half of the frequency range have Im > 0."""
    log_f = np.log(np.concatenate([rows.frequency[i] for i in sweeps]))
    low = log_f <= (log_f.min() + log_f.max()) / 2
    imag = np.concatenate([rows.impedance.imag[i] for i in sweeps])[low]
    return bool(np.sum(imag > 0) >= 0.8 * imag.size)
