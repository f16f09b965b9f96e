"""Peaks of a distribution of relaxation times."""

import math
from dataclasses import dataclass
from typing import Annotated

from eistool.display import Shown, format_value
from eistool.drt.grid import TUNED
from eistool.typing import Threshold

PROMINENT: Annotated[float, Threshold("least prominence of a peak, relative to the highest", TUNED)] = 0.02
SAME_PLACE: Annotated[
    float, Threshold("distance in decades of a maximum that confirms a peak as persistent", TUNED)
] = 0.3
POOR_NOISE: Annotated[
    float, Threshold("residuals relative to the modulus that are flagged", "engineering choice; only sets a flag")
] = 0.03


@dataclass(frozen=True, slots=True)
class DRTPeak(Shown):
    """Peak of a DRT: time constant and resistance of a process."""

    tau: float  # s, of the maximum
    u_tau: float
    R: float  # ohm, the area; negative for an inductive loop
    u_R: float
    height: float  # ohm per unit of ln tau; infinite for an atom
    prominence: float  # above the higher of the two adjacent saddles
    edge: bool  # outside the measured window: position and area are extrapolated
    persistent: bool  # also present with ten times more and ten times less smoothing
    probability: float  # that the peak is real
    shape: str  # "free", or the element that describes it
    atom: bool = False  # a pure RC element

    @property
    def frequency(self) -> float:
        """1/(2π tau), in Hz."""
        return 1 / (2 * math.pi * self.tau)

    def __repr__(self) -> str:
        remarks = [word for word, on in (("edge", self.edge), ("not persistent", not self.persistent)) if on]
        remark = f" ({', '.join(remarks)})" if remarks else ""
        R, tau = format_value(self.R, self.u_R), format_value(self.tau, self.u_tau)
        return f"{R} Ω at {tau} s, {self.shape}{remark}"


@dataclass(frozen=True, slots=True, repr=False)
class Atom(Shown):
    """Pure RC element: a resistance at a single time constant."""

    tau: float  # s
    R: float  # ohm
    u_tau: float
    u_R: float
