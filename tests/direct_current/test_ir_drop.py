"""Voltage drops at changes of the current."""

import math
from typing import Any

import numpy as np
import pytest

from eistool import SpectrumError, analyze_ir_drop
from eistool.direct_current import to_lithium
from eistool.typing import FloatArray

R_WORKING, R_COUNTER, R_SEPARATOR = 30.0, 20.0, 25.0
ETA, TAU = 0.040, 300.0


Columns = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def cycling(dt: float = 1.0, noise: float = 2e-5, rest_s: float = 3600.0, seed: int = 1) -> Columns:
    """Charge at 1 mA, rest, discharge, rest: time, current, voltage, working and counter against In/InLi."""
    rng = np.random.default_rng(seed)
    stages = ((1e-3, 7200.0), (0.0, rest_s), (-1e-3, 7200.0), (0.0, rest_s))
    time: list[FloatArray] = []
    current: list[FloatArray] = []
    working: list[FloatArray] = []
    counter: list[FloatArray] = []
    begin, left = 0.0, 0.0
    for I, duration in stages:  # noqa: E741
        t = np.arange(0.0, duration, dt)
        relaxing = I * ETA / 1e-3 + (left - I * ETA / 1e-3) * np.exp(-t / TAU)
        left = float(relaxing[-1])
        time.append(begin + t)
        current.append(np.full(t.size, I))
        working.append(1.4 + I * R_WORKING + relaxing)
        counter.append(np.full(t.size, -I * (R_COUNTER + R_SEPARATOR)))
        begin += duration
    columns: list[FloatArray] = [np.concatenate(part) for part in (time, current, working, counter)]
    for column in columns[2:]:
        column += noise * rng.standard_normal(column.size)
    return columns[0], columns[1], columns[2] - columns[3], columns[2], columns[3]


def test_each_electrode_has_its_own_drop() -> None:
    drops = analyze_ir_drop(*cycling(), reference="In/InLi")
    assert len(drops.events) == 9
    first = {event.electrode: event for event in drops.events[:3]}
    for name, R in (("cell", 75.0), ("working", 30.0), ("counter", -45.0)):
        event = first[name]
        assert event.status == "ok"
        assert abs(event.resistance_ohm - R) < 3 * event.u_resistance_ohm < 3
        assert (event.current_before_A, event.current_after_A) == (1e-3, 0.0)
    # over 2 h of charge, and relaxed in 1 h
    working = first["working"]
    assert abs(working.overpotential_V - (0.03 + ETA)) < 3 * working.u_overpotential_V
    assert abs(first["counter"].overpotential_V + 0.045) < 1e-3
    # against Li+/Li (A8: 0.62 V)
    assert working.potential_V == pytest.approx(1.4 + 0.03 + ETA + 0.62, abs=1e-3)
    assert first["cell"].potential_V == pytest.approx(1.4 + 0.03 + ETA + 0.045, abs=1e-3)


def test_two_electrodes_are_flagged() -> None:
    time, current, voltage, _, _ = cycling()
    drops = analyze_ir_drop(time, current, voltage)
    assert len(drops.events) == 3
    assert "two electrodes" in drops.flags[0]
    assert len(drops.to_dataframe()) == 3


def test_a_short_rest_gives_a_limit() -> None:
    event = analyze_ir_drop(*cycling(rest_s=120.0)).events[1]
    assert event.electrode == "working"
    assert math.isnan(event.overpotential_V)
    assert event.reason == "the rest was too short"
    assert 0.02 < event.lower_limit_V < 0.03 + ETA


def test_a_slow_record_is_not_trusted() -> None:
    """With one point in 5 min, fast relaxation and resistance cannot be separated."""
    event = analyze_ir_drop(*cycling(dt=300.0)).events[1]
    assert event.status == "not_resolvable" or abs(event.resistance_ohm - R_WORKING) < 2 * event.u_resistance_ohm
    assert event.u_resistance_ohm > 5


def test_intervals_hold() -> None:
    inside = total = 0
    for seed in range(40):
        for event in analyze_ir_drop(*cycling(dt=10.0, noise=2e-4, seed=seed)).events:
            R = {"cell": 75.0, "working": 30.0, "counter": -45.0}[event.electrode]
            inside += abs(event.resistance_ohm - R) < 1.96 * event.u_resistance_ohm
            total += 1
    assert inside >= 0.9 * total


def test_references() -> None:
    assert to_lithium(1.0, "In/InLi") == pytest.approx(1.62)
    assert to_lithium(1.0, "Li") == 1.0
    with pytest.raises(SpectrumError, match="choose one of Li, In/InLi"):
        to_lithium(1.0, "Ag")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((np.arange(50), np.ones(50), np.ones(50)), "never changes"),
        ((np.arange(50), np.ones(49), np.ones(50)), "give columns of equal length"),
    ],
)
def test_records_without_a_drop_are_refused(columns: Any, message: str) -> None:
    with pytest.raises(SpectrumError, match=message):
        analyze_ir_drop(*columns)
