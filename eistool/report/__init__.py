"""Pictures of spectra and fits; no window system is needed."""

from eistool.report.circuit import circuit_to_png, plot_circuit
from eistool.report.nyquist import FitPicture, NyquistPlot, plot_fit

__all__ = ["FitPicture", "NyquistPlot", "circuit_to_png", "plot_circuit", "plot_fit"]
