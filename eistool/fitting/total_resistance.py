"""Total resistance of a fitted circuit, with its uncertainty from the full covariance."""

import math

import numpy as np

from eistool.circuit.limits import blocking_elements, dc_resistance
from eistool.fitting.intervals import interval
from eistool.fitting.quantities import TotalResistance
from eistool.fitting.result import UNRESOLVED, FitResult, check_usable


def compute_total_resistance(result: FitResult) -> TotalResistance:
    """Return the total resistance of a fit; see :attr:`FitResult.total_resistance`."""
    check_usable(result)
    value, derivative = dc_resistance(result.circuit, result.values)
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
    variance = float(derivative @ result.covariance @ derivative)
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
