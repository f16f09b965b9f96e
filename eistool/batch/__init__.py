"""Batch jobs: folders of spectra to tables, resumable."""

from eistool.batch.drt import DRTOptions, drt_folder
from eistool.batch.inputs import Selection
from eistool.batch.runner import FitOptions, Summary, fit_folder
from eistool.batch.store import Record, Store
from eistool.batch.tables import TABLES
from eistool.batch.tracks import TrackOptions, track_folder

__all__ = [
    "TABLES",
    "DRTOptions",
    "FitOptions",
    "Record",
    "Selection",
    "Store",
    "Summary",
    "TrackOptions",
    "drt_folder",
    "fit_folder",
    "track_folder",
]
