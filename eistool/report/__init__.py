"""Pictures of spectra and fits; no window system is needed."""

from eistool.report.circuit import circuit_to_png, plot_circuit
from eistool.report.distribution import DRTPicture, DRTPlot, PeakMark, plot_drt
from eistool.report.nyquist import FitPicture, NyquistPlot, plot_fit
from eistool.report.tracks import plot_map, plot_tracks, plot_waterfall, tracks_to_png

__all__ = [
    "DRTPicture",
    "DRTPlot",
    "FitPicture",
    "NyquistPlot",
    "PeakMark",
    "circuit_to_png",
    "plot_circuit",
    "plot_drt",
    "plot_fit",
    "plot_map",
    "plot_tracks",
    "plot_waterfall",
    "tracks_to_png",
]
