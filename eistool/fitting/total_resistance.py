"""Total resistance of a fitted circuit, with its uncertainty from the full covariance."""

import math
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.circuit.limits import blocking_elements, blocking_parts, dc_resistance
from eistool.circuit.tree import without
from eistool.fitting.intervals import interval
from eistool.fitting.quantities import TotalResistance
from eistool.fitting.result import UNRESOLVED, FitResult, check_usable
from eistool.typing import FloatArray, Threshold

EVIDENT_TAIL: Annotated[
    float,
    Threshold(
        "share of |Z| at the lowest frequency above which a tail blocks direct current",
        "tests.benchmarks.misfit: 0.8 to 1 in cells that block; artefacts and misfit give up to 0.013 in others",
    ),
] = 0.03


def compute_total_resistance(result: FitResult) -> TotalResistance:
    """Return the total resistance of a fit; see :attr:`FitResult.total_resistance`."""
    check_usable(result)
    value, derivative, tail = _direct_current(result)
    if math.isnan(value):
        reason = f"a custom element of {result.circuit} has no known limit at zero frequency"
        return TotalResistance(
            value=math.nan,
            stderr=math.nan,
            ci_low=math.nan,
            ci_high=math.nan,
            status="not_identifiable",
            reason=reason,
        )
    if math.isinf(value):
        names = ", ".join(blocking_elements(result.circuit))
        reason = f"{names} of {result.circuit} block direct current"
        return TotalResistance(
            value=math.inf, stderr=math.nan, ci_low=math.nan, ci_high=math.nan, status="blocked", reason=reason
        )
    variance = float(derivative @ result.covariance @ derivative) + tail**2
    if result.evidence is not None:  # the misfit has a resistance of its own
        *shared, dc_variance = result.evidence.dc_covariance
        variance += 2 * float(derivative @ np.array(shared)) + dc_variance
    stderr = math.sqrt(max(variance, 0.0))
    low, high = interval(value, stderr, False, result.dof)
    known = stderr <= UNRESOLVED * value
    return TotalResistance(
        value=value,
        stderr=stderr,
        ci_low=low,
        ci_high=high,
        status="ok" if known else "not_identifiable",
        reason="" if known else f"the standard error exceeds {UNRESOLVED:.0%}; measure to lower frequencies",
    )


def _direct_current(result: FitResult) -> tuple[float, FloatArray, float]:
    """Return the resistance to direct current, its derivatives, and |Z| of a tail that is too small to count."""
    circuit, values = result.circuit, result.values
    value, derivative = dc_resistance(circuit, values)
    blocking = blocking_parts(circuit, values)
    if blocking is None:
        return value, derivative, 0.0
    slowest = int(np.argmin(np.where(result.spectrum.mask, result.spectrum.frequency, np.inf)))
    own = values[[circuit.index(name) for name in blocking.full_names]]
    tail = float(np.abs(blocking.impedance(result.spectrum.frequency[[slowest]], own)[0]))
    if tail > EVIDENT_TAIL * abs(result.impedance[slowest]):
        return value, derivative, 0.0
    rest = without(circuit.tree, {element.name for element in blocking.elements})
    if rest is None:
        return value, derivative, 0.0
    smaller = Circuit.from_tree(rest)
    index = [circuit.index(name) for name in smaller.full_names]
    value, derivative[index] = dc_resistance(smaller, values[index])
    return value, derivative, tail
