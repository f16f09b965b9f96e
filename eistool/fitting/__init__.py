"""Equivalent-circuit fits."""

from eistool.fitting.comparison import RankedCircuit, compare_circuits, rank, remarks
from eistool.fitting.engine import fit, fit_iter, fit_many
from eistool.fitting.global_fit import GlobalFit, LawFit, fit_global
from eistool.fitting.quantities import Process, TotalResistance
from eistool.fitting.result import FitResult, Minimum, Parameter, Parameters

__all__ = [
    "FitResult",
    "GlobalFit",
    "LawFit",
    "Minimum",
    "Parameter",
    "Parameters",
    "Process",
    "RankedCircuit",
    "TotalResistance",
    "compare_circuits",
    "fit",
    "fit_global",
    "fit_iter",
    "fit_many",
    "rank",
    "remarks",
]
