"""Extraction: from fits, spectra and direct currents to properties of materials."""

from eistool.extraction.arrhenius import Alternative, Arrhenius, arrhenius
from eistool.extraction.assignment import AssignedProcess, assign
from eistool.extraction.capacitance import EffectiveCapacitance, effective_capacitance
from eistool.extraction.composite import Composite, GraphicalCheck, partial_conductivities
from eistool.extraction.conductivity import Conductivity, conductivity
from eistool.extraction.irdrop import IRDrop, IRDrops, analyze_ir_drop, to_lithium
from eistool.extraction.polarization import PolarizationResult, PolarizationStep, analyze_polarization
from eistool.extraction.samples import MeyerNeldel, meyer_neldel
from eistool.extraction.separator import LayerResistance, separator_budget
from eistool.extraction.subtraction import Reading, SubtractionResult, subtract_symmetric_cell
from eistool.extraction.thickness import ThicknessRegression, regress_thickness
from eistool.extraction.transference import Transference, bruce_vincent, transference_numbers
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
    "IRDrop",
    "IRDrops",
    "LayerResistance",
    "MeyerNeldel",
    "PolarizationResult",
    "PolarizationStep",
    "Reading",
    "SubtractionResult",
    "ThicknessRegression",
    "Transference",
    "analyze_ir_drop",
    "analyze_polarization",
    "arrhenius",
    "assign",
    "bruce_vincent",
    "bulk_apex_frequency",
    "conductivity",
    "effective_capacitance",
    "meyer_neldel",
    "partial_conductivities",
    "regress_thickness",
    "separator_budget",
    "subtract_symmetric_cell",
    "to_lithium",
    "transference_numbers",
]
