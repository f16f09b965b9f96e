"""Direct currents: polarization, transference numbers and voltage drops."""

from eistool.direct_current.ir_drop import IRDrop, IRDrops, analyze_ir_drop, to_lithium
from eistool.direct_current.polarization import PolarizationResult, PolarizationStep, analyze_polarization
from eistool.direct_current.transference import Transference, bruce_vincent, transference_numbers

__all__ = [
    "IRDrop",
    "IRDrops",
    "PolarizationResult",
    "PolarizationStep",
    "Transference",
    "analyze_ir_drop",
    "analyze_polarization",
    "bruce_vincent",
    "to_lithium",
    "transference_numbers",
]
