"""Pictures of spectra and fits; no window system is needed."""

from eistool.report.nyquist import FitPicture, NyquistPlot, plot_fit

__all__ = ["FitPicture", "NyquistPlot", "plot_fit"]
