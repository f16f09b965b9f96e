"""Symmetric cells: subtraction of electrolyte layers and counter electrodes."""

from eistool.symmetric_cell.result import StackInterpretation, SubtractionResult
from eistool.symmetric_cell.separator import LayerResistance, separator_budget
from eistool.symmetric_cell.subtraction import subtract_symmetric_cell

__all__ = [
    "LayerResistance",
    "StackInterpretation",
    "SubtractionResult",
    "separator_budget",
    "subtract_symmetric_cell",
]
