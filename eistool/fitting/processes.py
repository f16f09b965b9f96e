"""Processes of a fitted circuit: resistance, time constant, exponent and capacitance of its arcs."""

import math
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit, Element, Node, Parallel, Series
from eistool.fitting.quantities import Process
from eistool.fitting.result import UNRESOLVED, FitResult
from eistool.typing import Threshold

MIN_ALPHA: Annotated[
    float,
    Threshold(
        "exponent below which an arc is given no effective capacitance",
        "project definition: at 0.6, C_eff of Hsu and Mansfeld, doi:10.5006/1.3280607, already depends on R^0.67",
    ),
] = 0.6
EDGE: Annotated[
    float,
    Threshold(
        "factor around the ends of the measured window within which an apex is flagged as edge",
        "at an end, half of the arc is measured; at 3 times this frequency, -Im Z of an RC has fallen to 60 %",
    ),
] = 3.0
TAU = ".tau"  # suffix of the time constant of an arc, after the name of its resistor


def find_processes(result: FitResult) -> tuple[Process, ...]:
    """Return the processes of a fitted circuit, sorted by tau."""
    if not result.success:
        return ()
    processes = [_process(result, names) for names in arcs(result.circuit.tree)]
    return tuple(sorted(processes, key=lambda process: process.tau))


def arcs(node: Node) -> list[tuple[str, ...]]:
    """Return the parameter names of each arc: (R, C), (R, Q, alpha), (R, tau) or (R, tau, alpha)."""
    if isinstance(node, Element):
        if node.symbol not in ("Zarc", "K"):
            return []
        return [tuple(f"{node.name}.{spec.name}" for spec in node.spec.parameters)]
    names = [arc for part in node.parts for arc in arcs(part)]
    if isinstance(node, Parallel):
        capacitive = [part for part in node.parts if isinstance(part, Element) and part.symbol in ("C", "CPE")]
        resistive = [name for part in node.parts for name in _resistor(part)]
        if len(capacitive) == 1 and len(resistive) == 1:
            element = capacitive[0]
            names.append((resistive[0], *(f"{element.name}.{spec.name}" for spec in element.spec.parameters)))
    return names


def arc_of(circuit: Circuit, name: str) -> str:
    """Return the parameter that determines the status of a name: itself, or R1 for ``R1.tau``."""
    is_derived = name.endswith(TAU) and name not in circuit.parameters
    return name.removesuffix(TAU) if is_derived else name


def _resistor(branch: Node) -> list[str]:
    """Return the only resistor in series in a branch, or an empty list."""
    parts = branch.parts if isinstance(branch, Series) else (branch,)
    names = [f"{part.name}.R" for part in parts if isinstance(part, Element) and part.symbol == "R"]
    return names if len(names) == 1 else []


def _process(result: FitResult, names: tuple[str, ...]) -> Process:
    from uncertainties import correlated_values

    circuit = result.circuit
    index = [circuit.index(name) for name in names]
    parameters = [result.parameters[name] for name in names]
    values = result.values[index]
    # linear propagation is more accurate in logarithms for large errors
    is_alpha = np.array([circuit.specs[i].kind == "exponent" for i in index])
    scale = np.where(is_alpha, 1.0, values)
    covariance = result.covariance[np.ix_(index, index)] / np.outer(scale, scale)
    logs = correlated_values(np.where(is_alpha, values, np.log(values)), covariance)
    alpha = logs[2] if len(logs) > 2 else 1.0
    by_tau = circuit.specs[index[1]].kind == "tau"
    log_tau = logs[1] if by_tau else (logs[0] + logs[1]) / alpha
    log_capacitance = log_tau - logs[0]

    tau, u_tau = _from_log(log_tau)
    alpha_value, u_alpha = (float(values[2]), float(np.sqrt(covariance[2, 2]))) if len(logs) > 2 else (1.0, 0.0)
    capacitance, u_capacitance = _from_log(log_capacitance) if alpha_value >= MIN_ALPHA else (math.nan, math.nan)
    omega = result.spectrum.omega[result.spectrum.mask]
    low, high = tau * float(omega.min()), tau * float(omega.max())
    resolved = parameters[0].status in ("ok", "fixed") and u_tau <= UNRESOLVED * tau
    outside = low > 1 or high < 1
    apex = 1 / (2 * math.pi * tau)
    return Process(
        name=names[0].split(".")[0],
        R=parameters[0].value,
        u_R=parameters[0].stderr,
        tau=tau,
        u_tau=u_tau,
        alpha=alpha_value,
        u_alpha=u_alpha,
        C_eff=capacitance,
        u_C_eff=u_capacitance,
        apex_Hz=apex,
        u_apex_Hz=apex * u_tau / tau,
        assignment=parameters[0].role,
        status="not_resolvable" if not resolved else "extrapolated" if outside else "ok",
        edge=low > 1 / EDGE or high < EDGE,
    )


def _from_log(log_value: object) -> tuple[float, float]:
    from uncertainties import nominal_value, std_dev

    value = math.exp(nominal_value(log_value))
    return value, value * float(std_dev(log_value))
