"""From fits to transport quantities: assignment, conductivity, activation energy."""

from eistool.extraction.arrhenius import Alternative, Arrhenius, arrhenius
from eistool.extraction.assignment import AssignedProcess, assign
from eistool.extraction.capacitance import EffectiveCapacitance, effective_capacitance
from eistool.extraction.composite import Composite, GraphicalCheck, partial_conductivities
from eistool.extraction.conductivity import Conductivity, conductivity
from eistool.extraction.samples import MeyerNeldel, meyer_neldel
from eistool.extraction.value import ConductivityValue, bulk_apex_frequency

__all__ = [
    "Alternative",
    "Arrhenius",
    "AssignedProcess",
    "Composite",
    "Conductivity",
    "ConductivityValue",
    "EffectiveCapacitance",
    "GraphicalCheck",
    "MeyerNeldel",
    "arrhenius",
    "assign",
    "bulk_apex_frequency",
    "conductivity",
    "effective_capacitance",
    "meyer_neldel",
    "partial_conductivities",
]
