"""Processes along a series of spectra: tracks, events with evidence, and summaries."""

from eistool.tracking.detection import track
from eistool.tracking.joint_drt import SeriesDRT, compute_series_drt
from eistool.tracking.result import Event, TrackedProcess, Tracks

__all__ = ["Event", "SeriesDRT", "TrackedProcess", "Tracks", "compute_series_drt", "track"]
