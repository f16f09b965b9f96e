"""Circuits suggested by a distribution of relaxation times."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eistool.circuit import Circuit
from eistool.display import Shown, plain


@dataclass(frozen=True, slots=True, eq=False)
class SuggestedCircuit(Shown):
    """Circuit that explains the peaks of a DRT."""

    circuit: Circuit
    start: Mapping[str, float]  # values by parameter name
    weight: float  # probability among all interpretations of the DRT
    evidence: float  # natural logarithm, relative to the first
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the suggestion as plain Python objects."""
        names = ("start", "weight", "evidence", "reason")
        return {"circuit": repr(self.circuit)} | {name: plain(getattr(self, name)) for name in names}

    def __repr__(self) -> str:
        return f"{self.circuit}: weight {self.weight:.3f}, {self.reason}"
