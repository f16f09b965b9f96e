"""Quantities derived from a fit: processes and the total resistance, as plain data."""

from dataclasses import dataclass

from eistool.display import Shown, format_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Shown):
    """One arc; ``u_`` is a standard uncertainty, nan where it is not known.

    ``C_eff`` is the Hsu-Mansfeld capacitance Q^(1/alpha) R^((1-alpha)/alpha) = tau/R, and nan below
    an alpha of 0.6.

    References
    ----------
    .. [1] C. H. Hsu, F. Mansfeld, Corrosion 57 (2001) 747, doi:10.5006/1.3280607
    """

    name: str  # of the element that holds R
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
    assignment: str  # role in the circuit library, or empty
    status: str  # ok | not_resolvable | extrapolated
    edge: bool  # apex within a factor 3 of the window's ends, or outside

    def __repr__(self) -> str:
        role = f" {self.assignment}" if self.assignment else ""
        return (
            f"Process({self.name}{role}: R = {format_value(self.R, self.u_R)} ohm, "
            f"tau = {format_value(self.tau, self.u_tau)} s, {self.status})"
        )


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
