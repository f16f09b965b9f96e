"""From fits to transport quantities: assignment, conductivity, activation energy."""

from eistool.extraction.assignment import AssignedProcess, assign
from eistool.extraction.capacitance import EffectiveCapacitance, effective_capacitance
from eistool.extraction.conductivity import Conductivity, ConductivityValue, bulk_apex_Hz, conductivity

__all__ = [
    "AssignedProcess",
    "Conductivity",
    "ConductivityValue",
    "EffectiveCapacitance",
    "assign",
    "bulk_apex_Hz",
    "conductivity",
    "effective_capacitance",
]
