"""Simulated polarisations with a known steady current and realistic noise and drift."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from eistool.typing import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Applied voltage, response of the cell, and disturbances of the instrument."""

    voltages_V: tuple[float, ...] = (1.0,)
    hold_s: float = 72000.0
    dt_s: float = 10.0
    zero_s: float = 3600.0  # at 0 V before
    resistance_ohm: float = 5.57e7
    lead_ohm: float = 0.0
    terms: tuple[tuple[float, float], ...] = ((4.0, 2000.0), (30.0, 60.0))  # amplitude relative to I_ss, tau in s
    diffusion: tuple[float, float] | None = None  # C of the line in F, Re/Ri of conducting and blocked rail
    noise: float = 0.01  # of I_ss, white
    wander: float = 0.0  # of I_ss, correlated over 1000 s
    drift: float = 0.0  # of I_ss, over the record, linear
    offset_A: float = 0.0


def simulate(protocol: Protocol, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return time, current and voltage."""
    rng = np.random.default_rng(seed)
    times, currents, voltages = [], [], []
    begin = 0.0
    largest = max(map(abs, protocol.voltages_V)) / (protocol.resistance_ohm + protocol.lead_ohm)
    for voltage in (*((0.0,) if protocol.zero_s else ()), *protocol.voltages_V):
        duration = protocol.hold_s if voltage else protocol.zero_s
        t = np.arange(1.0, round(duration / protocol.dt_s) + 1) * protocol.dt_s
        steady = voltage / (protocol.resistance_ohm + protocol.lead_ohm)
        times.append(begin + t)
        currents.append(steady * (1 + relaxing(protocol, t)))
        voltages.append(np.full(t.size, voltage) + 1e-5 * rng.standard_normal(t.size))
        begin += duration
    time, current = np.concatenate(times), np.concatenate(currents)
    error = protocol.noise * rng.standard_normal(time.size)
    if protocol.wander:
        keep = np.exp(-protocol.dt_s / 1000)
        steps = rng.standard_normal(time.size) * np.sqrt(1 - keep**2)
        steps[0] /= np.sqrt(1 - keep**2)  # stationary from the beginning
        error += protocol.wander * lfilter([1.0], [1.0, -keep], steps)
    error += protocol.drift * time / time[-1]
    return time, current + largest * error + protocol.offset_A, np.concatenate(voltages)


def relaxing(protocol: Protocol, t: FloatArray) -> FloatArray:
    """Return the relaxing current relative to the steady one."""
    total = np.zeros(t.size)
    if protocol.diffusion is None:
        for amplitude, tau in protocol.terms:
            total += amplitude * np.exp(-t / tau)
        return total
    capacitance, ratio = protocol.diffusion
    conducting = protocol.resistance_ohm
    blocked = conducting / ratio
    # the roots of tan x = -x blocked/conducting, by bisection, and the residues there
    for n in range(1, 60):
        low, high = (n - 0.5) * np.pi + 1e-12, n * np.pi
        for _ in range(80):
            x = (low + high) / 2
            low, high = (x, high) if np.tan(x) + x / ratio < 0 else (low, x)
        amplitude = 2 * (1 + 1 / ratio) / (1 + 1 / ratio + (x / ratio) ** 2)
        total += amplitude * np.exp(-4 * x**2 * t / ((conducting + blocked) * capacitance))
    return total
