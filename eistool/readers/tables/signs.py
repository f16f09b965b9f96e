"""Sign of the imaginary part, from the header, a phase column or the slope of ``|Z|``."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eistool.errors import SpectrumError
from eistool.readers.tables.columns import Column
from eistool.readers.tables.sweeps import Rows
from eistool.typing import ComplexArray, FloatArray, IntArray

_REVERSED, _OPPOSITE = "sign reversed", "the data show the opposite"
# agreement with the slope of |Z| beyond which the data decide, halfway to a perfect one
CLEAR = 0.5
# points and decades of frequency that suffice to decide on the sign
_FEWEST, _DECADES = 12, 1.5


@dataclass(frozen=True, slots=True)
class HeaderSign:
    """Sign of Im according to header and phase column.

    Parameters
    ----------
    text : str
        For the notes.
    final : bool
        Whether the slope of ``|Z|`` may only question the sign, not reverse it.
    proven : bool
        Whether a phase column shows the sign.
    """

    text: str
    final: bool
    proven: bool = False


def cartesian_sign(
    z: ComplexArray, imag: Column, angle: FloatArray | None, notes: list[str], source: str = "the phase column"
) -> tuple[ComplexArray, HeaderSign]:
    """Return Z with the sign of the phase column, if there is one, and the basis of the decision.

    Parameters
    ----------
    z : ComplexArray, shape (n_rows,)
        Im negated if its header has a minus.
    imag : Column
        Of Im.
    angle : FloatArray, shape (n_rows,), optional
        Phase in rad.
    notes : list of str
        Gains a note if the sign of single points was changed.
    source : str
        Origin of ``angle``, for the notes.
    """
    name = imag.header or "the column of Im"
    if angle is None:
        if imag.negated:
            return z, HeaderSign(f"header {name}, negated", final=True)
        return z, HeaderSign(f"{name} has no minus, read as signed", final=False)
    usable = np.isfinite(z) & np.isfinite(angle) & (z.imag != 0) & (angle != 0) & (np.abs(angle) < math.pi / 2)
    expected = np.abs(z.real * np.tan(np.where(usable, angle, 0)))
    matching = usable & (np.abs(np.abs(z.imag) - expected) < 0.1 * np.abs(z.imag) + 0.01 * np.abs(z))
    # a phase of one sign beside an Im of both signs is |phase|
    signless = np.unique(np.sign(angle[usable])).size == 1 < np.unique(np.sign(z.imag[usable])).size
    if not usable.any() or signless or np.sum(matching) < 0.8 * np.sum(usable):
        text = f"{name} {'negated' if imag.negated else 'read as signed'}; {source} does not match it"
        return z, HeaderSign(text, final=imag.negated)
    agree = np.sign(z.imag) == np.sign(angle)
    flipped = bool(np.sum(agree & matching) < np.sum(matching) / 2)
    if flipped:
        z, agree = z.conj(), ~agree
    lost = matching & ~agree
    if lost.any():
        z = np.where(lost, z.conj(), z)
        notes.append(f"{np.sum(lost)} points hold |Im|; their sign is that of {source}")
    verdict = "reversed" if flipped else "negated" if imag.negated else "read as signed"
    return z, HeaderSign(
        f"{name} {verdict}, according to {source}", final=imag.negated and not flipped, proven=True
    )


def decide_sign(
    rows: Rows, sweeps: Sequence[IntArray], header: HeaderSign, *, cut: bool = False
) -> tuple[Rows, str]:
    """Return the rows with the final sign of Im, and a note with the reason.

    Parameters
    ----------
    rows : Rows
    sweeps : sequence of IntArray
    header : HeaderSign
    cut : bool
        Whether the table ends within a row, so that its points may be the first of many.

    Raises
    ------
    SpectrumError
        If the sign depends on the data, and they are too few.
    """
    consistency = phase_consistency(rows, sweeps)
    figure = f"(agreement with the slope of |Z|: {consistency:+.2f})"
    contradicted = consistency <= -CLEAR and mostly_inductive(rows, sweeps)
    if header.final and contradicted:
        return rows, f"sign of Im: {header.text}; {_OPPOSITE} {figure}: check the header"
    n, decades = _extent(rows, sweeps)
    few = n < _FEWEST or decades < _DECADES
    inductive = consistency < CLEAR and mostly_inductive(rows, sweeps)
    if few and (cut or inductive) and not (header.final or header.proven):
        raise SpectrumError(
            f"sign of Im: {header.text}, and {n} points over {decades:.1f} decades do not prove it; expected a "
            "minus in the header if Im is negated: copy the file again, or name the column -Im(Z)"
        )
    if not contradicted or (header.proven and few):
        doubt = "" if consistency > CLEAR or header.final else f"; the data are inconclusive {figure}"
        return rows, f"sign of Im: {header.text}{doubt}"
    turned = Rows(rows.frequency, rows.impedance.conj(), rows.cycle, rows.notes)
    return turned, f"sign of Im: {header.text}; contradicted by the slope of |Z|, {_REVERSED} {figure}"


def _extent(rows: Rows, sweeps: Sequence[IntArray]) -> tuple[int, float]:
    """Return the number of points in all sweeps, and the decades of frequency."""
    frequency = np.concatenate([rows.frequency[i] for i in sweeps])
    return frequency.size, float(np.log10(frequency.max() / frequency.min()))


def sign_in_doubt(note: str) -> bool:
    """Return whether a note of :func:`decide_sign` reports data that contradict the header."""
    return note.startswith("sign of Im: ") and (_REVERSED in note or _OPPOSITE in note)


def phase_consistency(rows: Rows, sweeps: Sequence[IntArray]) -> float:
    """Return the agreement of the sign of Im with the slope of ln|Z|, from -1 to 1.

    The phase of a causal system follows π/2 · d ln|Z| / d ln f, and |Z| is independent of the sign of Im:
    1 is the right sign, -1 the reversed one, and values near 0 are inconclusive.

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
        # a negative real part is an artefact of the instrument
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
