"""The arcs of a fitted circuit as processes: R, time constant, exponent and capacitance."""

import math

import numpy as np

from eistool.circuit import Circuit, Element, Node, Parallel, Series
from eistool.fitting.quantities import Process
from eistool.fitting.result import FitResult

LEAST_ALPHA = 0.6  # below, an effective capacitance means nothing
TAU = ".tau"  # of an arc, by the name of its resistor
EDGE = 3.0  # within this factor of the window's ends an apex is flagged


def find_processes(result: FitResult) -> tuple[Process, ...]:
    """Return the arcs of a fitted circuit, ordered by tau."""
    if not result.success:
        return ()
    found = [_process(result, names) for names in arcs(result.circuit.tree)]
    return tuple(sorted(found, key=lambda process: process.tau))


def arcs(node: Node) -> list[tuple[str, ...]]:
    """Return the parameters of each arc: (R, C), (R, Q, alpha), (R, tau) or (R, tau, alpha)."""
    if isinstance(node, Element):
        if node.symbol not in ("Zarc", "K"):
            return []
        return [tuple(f"{node.name}.{spec.name}" for spec in node.spec.parameters)]
    found = [arc for part in node.parts for arc in arcs(part)]
    if isinstance(node, Parallel):
        capacitive = [part for part in node.parts if isinstance(part, Element) and part.symbol in ("C", "CPE")]
        resistive = [name for part in node.parts for name in _resistor(part)]
        if len(capacitive) == 1 and len(resistive) == 1:
            element = capacitive[0]
            found.append((resistive[0], *(f"{element.name}.{spec.name}" for spec in element.spec.parameters)))
    return found


def arc_of(circuit: Circuit, name: str) -> str:
    """Return the parameter that holds a name's status: its own, or the resistance of ``R1.tau``."""
    is_derived = name.endswith(TAU) and name not in circuit.parameters
    return name.removesuffix(TAU) if is_derived else name


def _resistor(branch: Node) -> list[str]:
    """Return the one resistor that a branch is, or has in series."""
    parts = branch.parts if isinstance(branch, Series) else (branch,)
    found = [f"{part.name}.R" for part in parts if isinstance(part, Element) and part.symbol == "R"]
    return found if len(found) == 1 else []


def _process(result: FitResult, names: tuple[str, ...]) -> Process:
    from uncertainties import correlated_values

    circuit = result.circuit
    index = [circuit.index(name) for name in names]
    parameters = [result.parameters[name] for name in names]
    values = result.values[index]
    # logarithms keep the linear propagation good for large errors
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
    capacitance, u_capacitance = _from_log(log_capacitance) if alpha_value >= LEAST_ALPHA else (math.nan, math.nan)
    omega = result.spectrum.omega[result.spectrum.mask]
    low, high = tau * float(omega.min()), tau * float(omega.max())
    resolved = parameters[0].status in ("ok", "fixed") and u_tau <= 0.5 * tau
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
