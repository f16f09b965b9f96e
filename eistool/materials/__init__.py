"""Materials: conductivities, activation energies and assignments from resistances."""

from eistool.materials.arrhenius import Alternative, Arrhenius, arrhenius
from eistool.materials.assignment import AssignedProcess, assign
from eistool.materials.capacitance import EffectiveCapacitance, effective_capacitance
from eistool.materials.composite import Composite, GraphicalCheck, partial_conductivities
from eistool.materials.conductivity import Conductivity, conductivity
from eistool.materials.conductivity_value import ConductivityValue, bulk_apex_frequency
from eistool.materials.meyer_neldel import MeyerNeldel, meyer_neldel
from eistool.materials.thickness import ThicknessRegression, regress_thickness

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
    "ThicknessRegression",
    "arrhenius",
    "assign",
    "bulk_apex_frequency",
    "conductivity",
    "effective_capacitance",
    "meyer_neldel",
    "partial_conductivities",
    "regress_thickness",
]
