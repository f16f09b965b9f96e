"""Equivalent-circuit fits: weights, start values, engine, results."""

from eistool.fitting.comparison import RankedCircuit, compare_circuits, rank, remarks
from eistool.fitting.engine import fit, fit_iter, fit_many
from eistool.fitting.global_fit import fit_global
from eistool.fitting.global_result import GlobalFit, LawFit
from eistool.fitting.processes import Process
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
    "compare_circuits",
    "fit",
    "fit_global",
    "fit_iter",
    "fit_many",
    "rank",
    "remarks",
]
