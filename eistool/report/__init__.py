"""Pictures of spectra and results, without a window system."""

from eistool.report.circuit import circuit_to_png, plot_circuit
from eistool.report.cycling import SpectrumMark, profile_to_png
from eistool.report.distribution import DRTPicture, DRTPlot, PeakMark, plot_drt
from eistool.report.nyquist import FitPicture, NyquistPlot, plot_fit
from eistool.report.png import to_png
from eistool.report.polarization import plot_polarization, polarization_to_png
from eistool.report.subtraction import plot_subtraction, plot_thickness
from eistool.report.tracks import plot_map, plot_tracks, plot_waterfall, tracks_to_png
from eistool.report.validity import CheckPicture, CheckPlot, plot_check

__all__ = [
    "CheckPicture",
    "CheckPlot",
    "DRTPicture",
    "DRTPlot",
    "FitPicture",
    "NyquistPlot",
    "PeakMark",
    "SpectrumMark",
    "circuit_to_png",
    "plot_check",
    "plot_circuit",
    "plot_drt",
    "plot_fit",
    "plot_map",
    "plot_polarization",
    "plot_subtraction",
    "plot_thickness",
    "plot_tracks",
    "plot_waterfall",
    "polarization_to_png",
    "profile_to_png",
    "to_png",
    "tracks_to_png",
]
