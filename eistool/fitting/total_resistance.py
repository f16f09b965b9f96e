"""Total resistance of a fitted circuit, with its uncertainty from the full covariance."""

import math

from eistool.circuit.limits import blocking_elements, dc_resistance
from eistool.fitting.intervals import interval
from eistool.fitting.quantities import TotalResistance
from eistool.fitting.result import UNRESOLVED, FitResult, check_usable


def compute_total_resistance(result: FitResult) -> TotalResistance:
    """Return the total resistance of a fit; see :attr:`FitResult.total_resistance`."""
    check_usable(result)
    value, derivative = dc_resistance(result.circuit, result.values)
    if not math.isfinite(value):
        names = ", ".join(blocking_elements(result.circuit))
        reason = f"{names} of {result.circuit} block direct current"
        return TotalResistance(
            value=math.inf, stderr=math.nan, ci_low=math.nan, ci_high=math.nan, status="blocked", reason=reason
        )
    stderr = math.sqrt(max(float(derivative @ result.covariance @ derivative), 0.0))
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
