"""Batch jobs: folders of spectra to tables, resumable."""

from eistool.batch.check import CheckOptions, check_folder
from eistool.batch.drt import DRTOptions, drt_folder
from eistool.batch.fit import FitOptions, fit_folder
from eistool.batch.inputs import Selection
from eistool.batch.runner import Summary
from eistool.batch.store import Record, Rows, Store
from eistool.batch.tables import TABLES
from eistool.batch.tracks import TrackOptions, track_folder
from eistool.batch.understanding import Understanding, understand_folder

__all__ = [
    "TABLES",
    "CheckOptions",
    "DRTOptions",
    "FitOptions",
    "Record",
    "Rows",
    "Selection",
    "Store",
    "Summary",
    "TrackOptions",
    "Understanding",
    "check_folder",
    "drt_folder",
    "fit_folder",
    "track_folder",
    "understand_folder",
]
