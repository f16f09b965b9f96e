"""Peaks of a distribution of relaxation times."""

import math
from dataclasses import dataclass

from eistool.display import Shown, format_value


@dataclass(frozen=True, slots=True)
class DRTPeak(Shown):
    """One peak: a process, its time constant and its resistance."""

    tau: float  # s, of the maximum
    u_tau: float
    R: float  # ohm, the area; negative for an inductive loop
    u_R: float
    height: float  # ohm per unit of ln tau; of an atom infinite
    prominence: float  # over the higher of the two saddles beside it
    edge: bool  # outside the measured window: where and how large it is, is extrapolated
    persistent: bool  # seen too with ten times more, and ten times less, smoothing
    probability: float  # that it is real
    shape: str  # free, or the element that describes it
    atom: bool = False  # all of it at one tau

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
    """A pure RC element: resistance at one time constant."""

    tau: float  # s
    R: float  # ohm
    u_tau: float
    u_R: float
