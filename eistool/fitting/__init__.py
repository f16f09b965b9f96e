"""Equivalent-circuit fits: weights, start values, engine, results."""

from eistool.fitting.comparison import RankedCircuit, compare_circuits
from eistool.fitting.engine import fit, fit_iter, fit_many
from eistool.fitting.processes import Process
from eistool.fitting.result import FitResult, Minimum, Parameter, Parameters

__all__ = [
    "FitResult",
    "Minimum",
    "Parameter",
    "Parameters",
    "Process",
    "RankedCircuit",
    "compare_circuits",
    "fit",
    "fit_iter",
    "fit_many",
]
