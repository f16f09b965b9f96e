"""Voltage drops at changes of the current: ohmic drops and overpotentials."""

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.constants import TWO_SIDED_95
from eistool.direct_current.holds import CHECKED
from eistool.display import Tabular, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.fitting.intervals import t_quantile
from eistool.fitting.result import NEAR_TIE, UNRESOLVED
from eistool.typing import FloatArray, Threshold

if TYPE_CHECKING:
    from pandas import DataFrame

# potential against Li+/Li; In/InLi as in Song et al., Nature 2025, doi:10.1038/s41586-024-08298-9
REFERENCE_V = {"Li": 0.0, "In/InLi": 0.62}
STEP_SHARE: Annotated[
    float, Threshold("change of the current, relative to the largest, that counts as a step", CHECKED)
] = 0.05
LEAST_POINTS: Annotated[int, Threshold("points of a rest or of a constant current", CHECKED)] = 8
INSTANT = 12  # points on either side that determine the voltage at the step
RELAXED: Annotated[
    float, Threshold("change of the overpotential in the last fifth of a sufficient rest", CHECKED)
] = 0.05


@dataclass(frozen=True, slots=True, repr=False)
class IRDrop(Tabular):
    """Voltage drop at one change of the current, for one pair of electrodes.

    ``overpotential_V`` is E under current minus E at the end of the rest. It is nan if the rest was too short,
    with a ``lower_limit_V`` of its size, and at steps between two currents, without a limit.
    """

    time_s: float
    electrode: str  # cell | working | counter
    current_before_A: float
    current_after_A: float
    potential_V: float  # before the change; of an electrode against Li+/Li
    drop_V: float  # instantaneous: E after minus E before
    u_drop_V: float
    resistance_ohm: float
    u_resistance_ohm: float
    overpotential_V: float
    u_overpotential_V: float
    lower_limit_V: float
    status: str  # ok | not_resolvable
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects; None for missing ones."""
        as_dict: dict[str, Any] = plain(self)
        return as_dict

    def __repr__(self) -> str:
        resistance = f"R {format_value(self.resistance_ohm, self.u_resistance_ohm)} Ω"
        if self.status != "ok":
            resistance = f"R not resolvable: {self.reason}"
        return f"IRDrop({self.electrode} at {self.time_s:.4g} s: {resistance})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IRDrops:
    """Voltage drops of a record in order of time."""

    events: tuple[IRDrop, ...]
    reference: str | None
    flags: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return {
            "reference": self.reference,
            "flags": list(self.flags),
            "events": [event.to_dict() for event in self.events],
        }

    def to_dataframe(self) -> "DataFrame":
        """Return one row per change and electrode."""
        import pandas as pd

        return pd.DataFrame([event.to_dict() for event in self.events])

    def __repr__(self) -> str:
        return "\n".join(
            [f"IRDrops({len(self.events)} of {self.reference or 'the cell'})"] + [f"  {e!r}" for e in self.events]
        )

    def _repr_html_(self) -> str:
        rows = [
            (f"{e.time_s:.5g}", e.electrode, f"{e.current_before_A:.4g}", f"{e.current_after_A:.4g}",
             format_value(e.resistance_ohm, e.u_resistance_ohm),
             format_value(e.overpotential_V, e.u_overpotential_V), e.reason)
            for e in self.events
        ]  # fmt: skip
        columns = ("t / s", "electrode", "I before / A", "I after / A", "R / Ω", "overpotential / V", "reason")
        return html_table("Voltage drops", columns, rows)


def to_lithium(potential_V: ArrayLike, reference: str) -> FloatArray:
    """Convert potentials against a reference electrode to potentials against Li+/Li.

    Parameters
    ----------
    potential_V : array_like
        Potentials in V against the reference.
    reference : {"Li", "In/InLi"}
        Reference electrode, at 0 or 0.62 V against Li+/Li.

    Raises
    ------
    SpectrumError
        If the reference is unknown.

    Examples
    --------
    >>> to_lithium([1.38, 2.0], "In/InLi").tolist()
    [2.0, 2.62]
    """
    if reference not in REFERENCE_V:
        raise SpectrumError(f"reference={reference!r}; choose one of {', '.join(REFERENCE_V)}")
    return np.asarray(potential_V, dtype=np.float64) + REFERENCE_V[reference]


def analyze_ir_drop(
    time_s: ArrayLike,
    current_A: ArrayLike,
    voltage_V: ArrayLike,
    working_V: ArrayLike | None = None,
    counter_V: ArrayLike | None = None,
    reference: str | None = None,
) -> IRDrops:
    """Return the ohmic drops and overpotentials at the changes of the current in a record.

    The ohmic drop is the difference between extrapolations to the moment of the change, from the points
    before it (a line over t) and after it (a law of t or √t). It includes processes faster than one
    sampling interval.

    Parameters
    ----------
    time_s, current_A, voltage_V : array_like, shape (n,)
        Time in s, current in A, and voltage of the cell in V.
    working_V, counter_V : array_like, shape (n,), optional
        Potentials of the electrodes against a reference electrode, in V.
    reference : {"Li", "In/InLi"}, optional
        Reference electrode of these; potentials are then converted to Li+/Li.

    Raises
    ------
    SpectrumError
        If the columns differ in length, the current never changes, or the reference is unknown.

    Examples
    --------
    >>> t = np.arange(0.0, 7200.0, 10.0)
    >>> I = np.where(t < 3600, 1e-3, 0.0)
    >>> round(analyze_ir_drop(t, I, 2.0 + 50 * I).events[0].resistance_ohm, 6)
    50.0
    """
    columns = {"time_s": time_s, "current_A": current_A, "voltage_V": voltage_V}
    columns |= {name: v for name, v in (("working_V", working_V), ("counter_V", counter_V)) if v is not None}
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    if len({array.shape for array in arrays.values()}) > 1 or arrays["time_s"].ndim != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise SpectrumError(f"voltage drops: {shapes}; give columns of equal length")
    usable = np.all([np.isfinite(array) for array in arrays.values()], axis=0)
    order = np.flatnonzero(usable)[np.argsort(arrays["time_s"][usable], kind="stable")]
    time, current = arrays["time_s"][order], arrays["current_A"][order]
    potentials = {"cell": arrays["voltage_V"][order]}
    for name in ("working", "counter"):
        if f"{name}_V" in arrays:
            potential = arrays[f"{name}_V"][order]
            potentials[name] = potential if reference is None else to_lithium(potential, reference)
    flags: tuple[str, ...] = ()
    if len(potentials) == 1:
        flags = ("two electrodes: the drops cannot be assigned to one of them",)
    segments = _segments(current)
    events = [
        _event(time, current, potential, name, before, after)
        for before, after in itertools.pairwise(segments)
        for name, potential in potentials.items()
    ]
    if not events:
        raise SpectrumError(
            f"voltage drops: the current of {current.size} points never changes between two intervals of "
            f"{LEAST_POINTS} points or more; give a record with rests or steps"
        )
    return IRDrops(tuple(events), reference, flags)


def _segments(current: FloatArray) -> list[tuple[int, int]]:
    """Return the index range of each interval of constant current."""
    same = STEP_SHARE * float(np.abs(current).max(initial=0.0))
    cuts = [0, *(np.flatnonzero(np.abs(np.diff(current)) > same) + 1).tolist(), current.size]
    return [(a, b) for a, b in itertools.pairwise(cuts) if b - a >= LEAST_POINTS]


def _event(
    time: FloatArray,
    current: FloatArray,
    E: FloatArray,
    name: str,
    before: tuple[int, int],
    after: tuple[int, int],
) -> IRDrop:
    first = after[0]
    I_0, I_1 = (float(np.median(current[slice(*part)])) for part in (before, after))
    # the change lies between two points: the midpoint is assumed
    moment = float(time[first - 1] + time[first]) / 2
    back = slice(max(before[0], before[1] - INSTANT), before[1])
    ahead = slice(first, min(after[1], first + INSTANT))
    E_0, u_0, _ = _at(E[back], time[back] - moment)
    E_1, u_1 = _back_to_zero(time[ahead] - moment, E[ahead])
    drop, u_drop = E_1 - E_0, math.hypot(u_0, u_1)
    step = I_1 - I_0
    R, u_R = drop / step, u_drop / abs(step)
    resolved = u_R < UNRESOLVED * abs(R)
    reason = "" if resolved else f"{drop * 1e3:.3g} ± {u_drop * 1e3:.2g} mV; record faster around the change"
    eta, u_eta, least, why = _overpotential(E, before, after, (I_0, I_1), (E_0, u_0))
    return IRDrop(
        time_s=moment,
        electrode=name,
        current_before_A=I_0,
        current_after_A=I_1,
        potential_V=E_0,
        drop_V=drop,
        u_drop_V=u_drop,
        resistance_ohm=R if resolved else math.nan,
        u_resistance_ohm=u_R,
        overpotential_V=eta,
        u_overpotential_V=u_eta,
        lower_limit_V=least,
        status="ok" if resolved else "not_resolvable",
        reason="; ".join(filter(None, (reason, why))),
    )


def _back_to_zero(since: FloatArray, E: FloatArray) -> tuple[float, float]:
    """Return the potential at the change, extrapolated by the best law of t or √t.

    The error includes the differences from laws that BIC does not rule out, and the unmeasured interval
    before the first point.
    """
    root = np.sqrt(since)
    laws = [_at(E, root), _at(E, since), _at(E, root, since), _at(E, since, since**2)]
    laws.sort(key=lambda law: law[2])
    value, u, best = laws[0]
    others = [abs(other - value) for other, _, bic in laws[1:] if bic - best < NEAR_TIE]
    return value, math.hypot(u, max([*others, abs(value - float(E[0])) / math.sqrt(3)]))


def _at(E: FloatArray, *x: FloatArray) -> tuple[float, float, float]:
    """Return the value of a linear law at x = 0, its error, and BIC."""
    scaled = [column / np.abs(column).max() for column in x]
    basis = np.column_stack([np.ones_like(E), *scaled])
    inverse = np.linalg.pinv(basis.T @ basis)
    coefficients = inverse @ (basis.T @ E)
    residual = E - basis @ coefficients
    square = max(float(residual @ residual), 1e-30)
    variance = square / max(1, E.size - 1 - len(x))
    bic = E.size * math.log(square) + len(x) * math.log(E.size)
    # with a dozen points, a factor by which ± 1.96 u covers 95 %
    few = t_quantile(0.95, max(1, E.size - 1 - len(x))) / TWO_SIDED_95
    return float(coefficients[0]), few * math.sqrt(variance * float(inverse[0, 0])), bic


def _overpotential(
    E: FloatArray,
    before: tuple[int, int],
    after: tuple[int, int],
    currents: tuple[float, float],
    E_0: tuple[float, float],
) -> tuple[float, float, float, str]:
    """Return the overpotential before a rest with its error, or a lower limit and the reason."""
    if abs(currents[1]) > STEP_SHARE * abs(currents[0]):
        return math.nan, math.nan, math.nan, ""
    rest = E[slice(*after)]
    fifth = max(2, rest.size // 5)
    end = float(rest[-fifth:].mean())
    scatter = float(rest[-fifth:].std()) / math.sqrt(fifth)
    left = abs(float(rest[-fifth // 2 :].mean() - rest[-fifth : -fifth // 2].mean())) * 2
    eta = E_0[0] - end
    u = math.hypot(E_0[1], scatter, left)
    if left > RELAXED * abs(eta):
        return math.nan, u, max(0.0, abs(eta) - 2 * math.hypot(E_0[1], scatter)), "the rest was too short"
    return eta, u, math.nan, ""
