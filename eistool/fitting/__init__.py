"""Equivalent-circuit fits."""

from eistool.fitting.circuit_averages import Averages, average
from eistool.fitting.comparison import RankedCircuit, compare_circuits, rank, remarks
from eistool.fitting.engine import fit, fit_iter, fit_many
from eistool.fitting.global_fit import GlobalFit, LawFit, fit_global
from eistool.fitting.quantities import Evidence, Process, Quantity, TotalResistance
from eistool.fitting.result import FitResult, Minimum, Parameter, Parameters
from eistool.fitting.sums import sum_of_resistances, sums_of_resistances

__all__ = [
    "Averages",
    "Evidence",
    "FitResult",
    "GlobalFit",
    "LawFit",
    "Minimum",
    "Parameter",
    "Parameters",
    "Process",
    "Quantity",
    "RankedCircuit",
    "TotalResistance",
    "average",
    "compare_circuits",
    "fit",
    "fit_global",
    "fit_iter",
    "fit_many",
    "rank",
    "remarks",
    "sum_of_resistances",
    "sums_of_resistances",
]
