"""Global fits of one model to a series of spectra, with shared parameters and laws."""

from eistool.fitting.global_fit.fit import fit_global
from eistool.fitting.global_fit.result import GlobalFit, LawFit

__all__ = ["GlobalFit", "LawFit", "fit_global"]
