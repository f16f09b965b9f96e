"""Quantities derived from fits: processes and total resistance."""

import math
from dataclasses import dataclass

from eistool.display import Shown, format_value
from eistool.typing import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity(Shown):
    """Value with its standard uncertainty and its 95 % limits, or the limits alone."""

    name: str
    value: float  # nan unless the status is ok
    u: float
    unit: str
    status: str  # ok | not_resolvable | blocking
    reason: str = ""
    low: float = math.nan
    high: float = math.nan

    def __repr__(self) -> str:
        if self.status == "ok":
            return f"{self.name} = {format_value(self.value, self.u)} {self.unit}"
        limit = f" < {self.high:.3g} {self.unit} (95 %)" if math.isfinite(self.high) else ""
        return f"{self.name}{limit}: {self.status.replace('_', ' ')}{f' ({self.reason})' if self.reason else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Shown):
    """Process of a fitted circuit (an arc); ``u_`` denotes standard uncertainties, nan if unknown.

    ``C_eff`` is the Hsu-Mansfeld capacitance Q^(1/alpha) R^((1-alpha)/alpha) = tau/R [1]_, nan for
    alpha < 0.6.

    References
    ----------
    .. [1] C. H. Hsu, F. Mansfeld, Corrosion 57 (2001) 747, doi:10.5006/1.3280607
    """

    name: str  # of the element with R
    R: float  # ohm
    u_R: float
    tau: float  # s
    u_tau: float
    alpha: float
    u_alpha: float
    C_eff: float  # F
    u_C_eff: float
    apex_Hz: float
    u_apex_Hz: float
    assignment: str  # role from the circuit library, or empty
    status: str  # of R: ok | not_resolvable | extrapolated
    tau_status: str  # of tau: the same
    edge: bool  # apex within a factor of 3 of the ends of the window, or outside

    def __repr__(self) -> str:
        role = f" {self.assignment}" if self.assignment else ""
        return (
            f"Process({self.name}{role}: R = {format_value(self.R, self.u_R)} ohm, "
            f"tau = {format_value(self.tau, self.u_tau)} s, {self.status})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalResistance(Shown):
    """Limit of Z at zero frequency; ``inf`` if the circuit blocks direct current.

    ``stderr`` includes the correlation of the parameters: for overlapping arcs it is often far smaller
    than the standard error of either resistance.
    """

    value: float  # ohm
    stderr: float  # nan if undefined
    ci_low: float  # 95 %
    ci_high: float
    status: str  # ok | not_identifiable | blocked
    reason: str  # reason of another status than ok, or empty

    def __repr__(self) -> str:
        if self.status == "blocked":
            return f"TotalResistance(inf: {self.reason})"
        return f"TotalResistance({format_value(self.value, self.stderr)} ohm, {self.status})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evidence(Shown):
    """Evidence of a circuit, and the size of its misfit; see :func:`eistool.fitting.misfit.assess_misfit`.

    ``log_evidence`` compares circuits for the same points and weighting. ``amplitude`` and ``sigma`` are
    standard deviations of misfit and noise relative to |Z|.
    """

    log_evidence: float
    p_exact: float  # probability that there is no misfit
    amplitude: float
    sigma: float
    # covariance of the parameters with the misfit's own resistance to direct current, and its variance
    dc_covariance: FloatArray  # shape (p + 1,), own units
