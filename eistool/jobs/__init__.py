"""Jobs: one module per command that processes a folder."""

from eistool.jobs.check import CheckOptions, check_folder
from eistool.jobs.drt import DRTOptions, drt_folder
from eistool.jobs.dry_run import DryRun, dry_run_folder
from eistool.jobs.fit import FitOptions, fit_folder
from eistool.jobs.track import TrackOptions, track_folder

__all__ = [
    "CheckOptions",
    "DRTOptions",
    "DryRun",
    "FitOptions",
    "TrackOptions",
    "check_folder",
    "drt_folder",
    "dry_run_folder",
    "fit_folder",
    "track_folder",
]
