"""The resistance of a fitted circuit to direct current, with the full covariance."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eistool.circuit.direct_current import blocking_elements, dc_resistance
from eistool.display import Shown, format_value
from eistool.fitting.intervals import interval

if TYPE_CHECKING:
    from eistool.fitting.result import FitResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalResistance(Shown):
    """The limit of Z at zero frequency; ``inf`` where the circuit blocks direct current.

    ``stderr`` takes the correlation of the parameters into account: that of two arcs which overlap is
    often far smaller than the error of either.
    """

    value: float  # ohm
    stderr: float  # nan where there is none
    ci_low: float  # 95 %
    ci_high: float
    status: str  # ok | not_identifiable | blocked
    reason: str  # why it is not ok, or empty

    def __repr__(self) -> str:
        if self.status == "blocked":
            return f"TotalResistance(inf: {self.reason})"
        return f"TotalResistance({format_value(self.value, self.stderr)} ohm, {self.status})"


def total_resistance(result: "FitResult") -> TotalResistance:
    """Return the total resistance of a fit; see :attr:`FitResult.total_resistance`."""
    from eistool.fitting.result import UNRESOLVED, check_usable

    check_usable(result)
    value, derivative = dc_resistance(result.circuit, result.values)
    if not math.isfinite(value):
        names = ", ".join(blocking_elements(result.circuit))
        reason = f"{names} of {result.circuit} pass no direct current"
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
        reason="" if known else f"its standard error exceeds {UNRESOLVED:.0%}; measure to lower frequencies",
    )
