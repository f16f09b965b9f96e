"""Processes along a series of spectra: tracks, events with evidence, and what a series tells as a whole."""

from eistool.tracking.result import Event, TrackedProcess, Tracks
from eistool.tracking.track import track

__all__ = ["Event", "TrackedProcess", "Tracks", "track"]
