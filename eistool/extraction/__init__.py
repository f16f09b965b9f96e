"""Extraction: from fits, spectra and direct currents to properties of materials."""

from eistool.extraction.irdrop import IRDrop, IRDrops, analyze_ir_drop, to_lithium
from eistool.extraction.polarization import PolarizationResult, PolarizationStep, analyze_polarization
from eistool.extraction.separator import LayerResistance, separator_budget
from eistool.extraction.subtraction import Reading, SubtractionResult, subtract_symmetric_cell
from eistool.extraction.thickness import ThicknessRegression, regress_thickness
from eistool.extraction.transference import Transference, bruce_vincent, transference_numbers

__all__ = [
    "IRDrop",
    "IRDrops",
    "LayerResistance",
    "PolarizationResult",
    "PolarizationStep",
    "Reading",
    "SubtractionResult",
    "ThicknessRegression",
    "Transference",
    "analyze_ir_drop",
    "analyze_polarization",
    "bruce_vincent",
    "regress_thickness",
    "separator_budget",
    "subtract_symmetric_cell",
    "to_lithium",
    "transference_numbers",
]
