"""Holds: intervals of constant voltage in a record of current and voltage over time."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike

from eistool.errors import SpectrumError
from eistool.typing import FloatArray, Threshold

CHECKED = "engineering choice; checked by tests.benchmarks.direct_current"
LEAST_POINTS: Annotated[int, Threshold("points of a hold", CHECKED)] = 12
LEAST_SHARE: Annotated[float, Threshold("share of the time of a record that a hold lasts", CHECKED)] = 0.02
SAME_SHARE: Annotated[float, Threshold("difference of equal voltages, relative to the largest", CHECKED)] = 0.01
SAME_V: Annotated[float, Threshold("difference of equal voltages in V", CHECKED)] = 5e-4
SAME_NOISE: Annotated[float, Threshold("difference of equal voltages in standard deviations", CHECKED)] = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """Interval of a record at one voltage."""

    time_s: FloatArray  # since the step of the voltage
    current_A: FloatArray
    voltage_V: float  # mean
    u_voltage_V: float
    begins_s: float  # time in the record

    @property
    def duration_s(self) -> float:
        """Duration of the hold."""
        return float(self.time_s[-1])


def check_record(
    time_s: ArrayLike, current_A: ArrayLike, voltage_V: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the three columns as arrays sorted by time, without incomplete rows.

    Parameters
    ----------
    time_s, current_A : array_like, shape (n,)
        In s and A.
    voltage_V : array_like, shape (n,), or float
        In V.

    Raises
    ------
    SpectrumError
        If the columns differ in length or are not numeric, or fewer than 12 rows remain.
    """
    columns = []
    for name, given in (("time_s", time_s), ("current_A", current_A), ("voltage_V", voltage_V)):
        try:
            columns.append(np.asarray(given, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise SpectrumError(f"polarisation: {name} is not numeric ({error}); give numbers") from error
    time, current, voltage = columns
    if voltage.ndim == 0:
        voltage = np.full(time.shape, float(voltage))
    if time.ndim != 1 or not time.shape == current.shape == voltage.shape:
        shapes = f"time_s {time.shape}, current_A {current.shape}, voltage_V {voltage.shape}"
        raise SpectrumError(f"polarisation: {shapes}; give columns of equal length")
    usable = np.isfinite(time) & np.isfinite(current) & np.isfinite(voltage)
    if np.count_nonzero(usable) < LEAST_POINTS:
        raise SpectrumError(
            f"polarisation: {np.count_nonzero(usable)} rows with time, current and voltage; "
            f"a hold needs {LEAST_POINTS} or more"
        )
    order = np.flatnonzero(usable)[np.argsort(time[usable], kind="stable")]
    return time[order], current[order], voltage[order]


def find_holds(time: FloatArray, current: FloatArray, voltage: FloatArray) -> list[Hold]:
    """Return the holds in order of time; ramps are excluded.

    Examples
    --------
    >>> t = np.arange(0.0, 100.0)
    >>> [hold.voltage_V for hold in find_holds(t, 0 * t, np.where(t < 20, 0.0, 1.0))]
    [0.0, 1.0]
    """
    noise = 1.4826 * float(np.median(np.abs(np.diff(voltage)))) / np.sqrt(2)
    same = max(SAME_SHARE * float(np.abs(voltage).max()), SAME_V, SAME_NOISE * noise)
    near = max(same / 4, 0.75 * SAME_NOISE * noise)
    cuts = np.flatnonzero(np.abs(np.diff(voltage)) > same) + 1
    holds = []
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), voltage.size], strict=True):
        while end - start >= LEAST_POINTS:  # from the end: a ramp may precede or follow a hold
            level = float(np.median(voltage[end - LEAST_POINTS : end]))
            away = np.flatnonzero(np.abs(voltage[start:end] - level) > near)
            begin = start + (int(away[-1]) + 1 if away.size else 0)
            begin = min(begin, end - LEAST_POINTS)
            # a short hold at 0 V before a long hold gives the offset
            share = 0.0 if abs(level) <= same else LEAST_SHARE
            if time[end - 1] - time[begin] >= share * (time[-1] - time[0]) and _is_level(voltage[begin:end], near):
                holds.append(_hold(time, current, voltage, begin, end))
            end = begin
    return sorted(holds, key=lambda hold: hold.begins_s)


def _is_level(voltage: FloatArray, near: float) -> bool:
    """Return whether the beginning and the end agree, unlike on a ramp."""
    part = max(5, voltage.size // 10)
    return abs(float(voltage[:part].mean() - voltage[-part:].mean())) < near / 2


def _hold(time: FloatArray, current: FloatArray, voltage: FloatArray, begin: int, end: int) -> Hold:
    step = float(np.median(np.diff(time[begin:end])))
    # the step lies between the last point before the hold and its first point
    before = time[begin - 1] if begin else time[begin] - step
    start = max(float(before), float(time[begin]) - step)
    values = voltage[begin:end]
    u = float(values.std()) / np.sqrt(values.size)
    return Hold(time[begin:end] - start, current[begin:end], float(values.mean()), u, float(time[begin]))
