"""Processes along a series of spectra: tracks, events with evidence, and what a series tells as a whole."""

from eistool.tracking.following import track
from eistool.tracking.result import Event, TrackedProcess, Tracks

__all__ = ["Event", "TrackedProcess", "Tracks", "track"]
