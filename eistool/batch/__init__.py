"""Batch jobs: folders of spectra to tables, resumable."""

from eistool.batch.check import CheckOptions, check_folder
from eistool.batch.drt import DRTOptions, drt_folder
from eistool.batch.inputs import Selection
from eistool.batch.runner import FitOptions, Summary, fit_folder
from eistool.batch.store import Record, Store
from eistool.batch.tables import TABLES

__all__ = [
    "TABLES",
    "CheckOptions",
    "DRTOptions",
    "FitOptions",
    "Record",
    "Selection",
    "Store",
    "Summary",
    "check_folder",
    "drt_folder",
    "fit_folder",
]
