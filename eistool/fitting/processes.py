"""Processes of a fitted circuit: resistance, time constant, exponent and capacitance of its arcs."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np

from eistool.circuit import Circuit, Element
from eistool.fitting.arcs import arcs
from eistool.fitting.quantities import Process
from eistool.fitting.result import UNRESOLVED, FitResult, Parameter
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


# relaxations that are not arcs of a constant-phase element: exponents (alpha, beta) of Havriliak and Negami
_SHAPES: Mapping[str, Callable[[Sequence[float]], tuple[float, float]]] = MappingProxyType(
    {
        "HN": lambda exponents: (exponents[0], exponents[1]),
        "G": lambda exponents: (1.0, 0.5),
        "FG": lambda exponents: (1.0, exponents[0]),
        "RL": lambda exponents: (1.0, 1.0),
    }
)


def find_processes(result: FitResult) -> tuple[Process, ...]:
    """Return the processes of a fitted circuit, sorted by tau."""
    if not result.success:
        return ()
    processes = [_process(result, names) for names in arcs(result.circuit.tree)]
    processes += [_relaxation(result, element) for element in result.circuit.elements if element.symbol in _SHAPES]
    return tuple(sorted(processes, key=lambda process: process.tau))


def apex(tau: float, alpha: float, beta: float) -> float:
    """Return the frequency of the maximum of -Im Z of a Havriliak-Negami relaxation, in Hz.

    References
    ----------
    .. [1] S. Havriliak, S. Negami, Polymer 8 (1967) 161, doi:10.1016/0032-3861(67)90021-3

    Examples
    --------
    >>> round(apex(1.0, 0.8, 1.0) * 2 * math.pi, 12)
    1.0
    """
    angle = math.pi * alpha / (2 * (1 + beta))
    ratio = math.sin(angle) / math.sin(beta * angle)
    return float(ratio ** (1 / alpha)) / (2 * math.pi * tau)


def _relaxation(result: FitResult, element: Element) -> Process:
    """Return the process of an element with a resistance, a time constant and perhaps exponents."""
    R, tau, *exponents = (result.parameters[f"{element.name}.{spec.name}"] for spec in element.spec.parameters)
    alpha, beta = _SHAPES[element.symbol]([exponent.value for exponent in exponents])
    apex_Hz = apex(tau.value, alpha, beta)
    u_alpha = exponents[0].stderr if element.symbol == "HN" else 0.0
    return _judged(
        result,
        R,
        tau.value,
        tau.stderr,
        apex_Hz,
        alpha=alpha,
        u_alpha=u_alpha,
        C_eff=math.nan,
        u_C_eff=math.nan,
        name=element.name,
    )


def _judged(result: FitResult, R: Parameter, tau: float, u_tau: float, apex_Hz: float, **given: Any) -> Process:
    """Return a process with statuses of R and tau: each is judged by its own error and the window."""
    f = result.spectrum.frequency[result.spectrum.mask]
    low, high = float(f.min()) / apex_Hz, float(f.max()) / apex_Hz
    outside = low > 1 or high < 1

    def status(resolved: bool) -> str:
        return "not_resolvable" if not resolved else "extrapolated" if outside else "ok"

    return Process(
        R=R.value,
        u_R=R.stderr,
        tau=tau,
        u_tau=u_tau,
        apex_Hz=apex_Hz,
        u_apex_Hz=apex_Hz * u_tau / tau,
        assignment=R.role,
        status=status(R.status in ("ok", "fixed")),
        tau_status=status(u_tau <= UNRESOLVED * tau),
        edge=low > 1 / EDGE or high < EDGE,
        **given,
    )


def arc_of(circuit: Circuit, name: str) -> str:
    """Return the parameter that determines the status of a name: itself, or R1 for ``R1.tau``."""
    is_derived = name.endswith(TAU) and name not in circuit.parameters
    return name.removesuffix(TAU) if is_derived else name


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
    return _judged(
        result,
        parameters[0],
        tau,
        u_tau,
        1 / (2 * math.pi * tau),
        alpha=alpha_value,
        u_alpha=u_alpha,
        C_eff=capacitance,
        u_C_eff=u_capacitance,
        name=names[0].split(".")[0],
    )


def _from_log(log_value: object) -> tuple[float, float]:
    from uncertainties import nominal_value, std_dev

    value = math.exp(nominal_value(log_value))
    return value, value * float(std_dev(log_value))
