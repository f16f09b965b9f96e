"""Meaning of three columns without names, by the Kramers-Kronig relations."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from eistool.errors import SpectrumError
from eistool.readers.notes import WARNING
from eistool.readers.tables.columns import Column
from eistool.readers.tables.table import Table
from eistool.typing import ComplexArray, FloatArray

_PER_DECADE = 4  # time constants of the test
_GOOD = 0.05  # relative residual of data that follow the relations
_CLEARLY = 3.0  # ratio of residuals that decides for another meaning
_NOISE = 1e-6  # residual of data without noise
_LOG_RANGE = (-7.0, 10.0)  # of log10(f/Hz)
_MAGNITUDES = (1e-30, 1e30)  # of f and |Z|; others are absurd
_ROUND = 1e-5  # relative deviation of a rounded end of the frequencies


@dataclass(frozen=True, slots=True)
class _Meaning:
    first: Column
    second: Column
    third: Column
    text: str


_F, _LOG_F = Column(0, "", "frequency"), Column(0, "", "frequency", base=10.0)
_RE, _IM, _MODULUS = Column(1, "", "real"), Column(2, "", "imag"), Column(1, "", "modulus")
_DEG, _RAD = Column(2, "", "phase", unit="deg"), Column(2, "", "phase", unit="rad")
_MEANINGS: Mapping[str, _Meaning] = MappingProxyType(
    {
        "cartesian": _Meaning(_F, _RE, _IM, "frequency/Hz, Re/ohm, Im/ohm"),
        "degrees": _Meaning(_F, _MODULUS, _DEG, "frequency/Hz, |Z|/ohm, phase/deg"),
        "radians": _Meaning(_F, _MODULUS, _RAD, "frequency/Hz, |Z|/ohm, phase/rad"),
        "log cartesian": _Meaning(_LOG_F, _RE, _IM, "log10(frequency/Hz), Re/ohm, Im/ohm"),
        "log degrees": _Meaning(_LOG_F, _MODULUS, _DEG, "log10(frequency/Hz), |Z|/ohm, phase/deg"),
        "log radians": _Meaning(_LOG_F, _MODULUS, _RAD, "log10(frequency/Hz), |Z|/ohm, phase/rad"),
    }
)


@np.errstate(all="ignore")  # absurd numbers become inf or nan, and have no residual
def name_columns(table: Table) -> tuple[Table, str]:
    """Return the table with the likeliest meaning of its columns, and a note.

    Frequency, Re and Im are taken unless another meaning follows the Kramers-Kronig relations clearly better.

    Parameters
    ----------
    table : Table
        The last three columns have values.

    Raises
    ------
    SpectrumError
        If another meaning is likelier, but does not follow the relations either.
    """
    first = len(table.columns) - 3
    x, a, b = (table.values[first + k] for k in range(3))
    residuals = {name: _residual(*_impedance(meaning, x, a, b)) for name, meaning in _MEANINGS.items()}
    chosen = min(residuals, key=lambda name: residuals[name])
    cartesian = residuals["cartesian"]
    other = min((name for name in residuals if name != "cartesian"), key=lambda name: residuals[name])
    if chosen != "cartesian" and (residuals[chosen] > _GOOD or residuals[chosen] * _CLEARLY > cartesian):
        raise SpectrumError(
            f"three columns without names: as {_MEANINGS['cartesian'].text} they deviate by {cartesian:.1%} from "
            f"the Kramers-Kronig relations, as {_MEANINGS[chosen].text} by {residuals[chosen]:.1%}; add a header "
            "such as frequency_Hz,z_real_ohm,z_imag_ohm"
        )
    meaning = _MEANINGS[chosen]
    note = f"no header: columns read as {meaning.text}"
    if chosen != "cartesian":
        note = f"{WARNING}{note}: the Kramers-Kronig residual is {residuals[chosen]:.2%}, else {cartesian:.0%}"
    elif residuals[other] < _CLEARLY * cartesian and cartesian > _NOISE:
        note = f"{WARNING}{note}; {_MEANINGS[other].text} follow the Kramers-Kronig relations almost as well"
    columns = [meaning.first, meaning.second, meaning.third]
    if not columns[0].base and _is_angular(x):
        columns[0] = replace(columns[0], quantity="omega")
        note = note.removeprefix(WARNING).replace("frequency/Hz", "angular frequency/(rad/s)")
        note = f"{WARNING}{note}: divided by 2π, its ends are round"
    placed = [replace(column, index=first + k) for k, column in enumerate(columns)]
    return replace(table, columns=[*table.columns[:first], *placed]), note


def _impedance(meaning: _Meaning, x: FloatArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, ComplexArray]:
    f = x
    if meaning.first.base:
        inside = (_LOG_RANGE[0] < x) & (x < _LOG_RANGE[1])
        f = np.where((inside | np.isnan(x)).all(), 10**x, np.nan)
    if meaning.second.quantity == "real":
        return f, np.asarray(a + 1j * b, dtype=np.complex128)
    angle = np.deg2rad(b) if meaning.third.unit == "deg" else b
    modulus = np.where(np.max(np.nan_to_num(np.abs(angle)), initial=0.0) < 1.1 * math.pi, a, np.nan)
    return f, np.asarray(modulus * np.exp(1j * angle), dtype=np.complex128)


def _residual(frequency: FloatArray, z: ComplexArray) -> float:
    """Return the relative residual of a ladder of RC elements, for the better sign of Im; inf without points.

    References
    ----------
    .. [1] Boukamp, J. Electrochem. Soc. 142 (1995) 1885, doi:10.1149/1.2044210
    """
    usable = np.isfinite(z) & (frequency > _MAGNITUDES[0]) & (frequency < _MAGNITUDES[1])
    usable &= (np.abs(z) > _MAGNITUDES[0]) & (np.abs(z) < _MAGNITUDES[1])
    if np.count_nonzero(usable) < max(5, 0.8 * usable.size):
        return math.inf
    omega, z = 2 * np.pi * frequency[usable], z[usable]
    decades = math.log10(omega.max() / omega.min())
    n_tau = int(min(max(2, _PER_DECADE * decades), omega.size / 2, 60))
    tau = np.geomspace(1 / omega.max(), 1 / omega.min(), n_tau)
    basis = np.column_stack(
        [
            1 / (1 + 1j * omega[:, None] * tau),
            np.ones(omega.size),
            1j * omega / omega.max(),
            omega.min() / (1j * omega),
        ]
    )
    basis = basis / np.abs(z)[:, None]
    stacked = np.vstack([basis.real, basis.imag])
    best = math.inf
    for sign in (1, -1):
        target = np.concatenate([z.real, sign * z.imag]) / np.tile(np.abs(z), 2)
        try:
            coefficients, *_ = np.linalg.lstsq(stacked, target, rcond=None)
        except np.linalg.LinAlgError:
            return math.inf
        free = max(1, target.size - stacked.shape[1])
        best = min(best, float(np.sqrt(np.sum((target - stacked @ coefficients) ** 2) / free)) + _NOISE)
    return best


def _is_angular(x: FloatArray) -> bool:
    """Return whether the ends of a sweep are round numbers only if they are divided by 2π."""
    finite = x[np.isfinite(x)]
    if finite.size == 0:
        return False
    ends = (float(finite.max()), float(finite.min()))
    return all(_is_round(end / (2 * math.pi)) for end in ends) and not any(_is_round(end) for end in ends)


def _is_round(value: float) -> bool:
    return value > 0 and abs(float(f"{value:.1e}") / value - 1) < _ROUND
