"""Batch machinery: inputs, store, runner, files, interruption, and the interface of a job."""

from eistool.batch.inputs import Selection
from eistool.batch.job import Derived, Job, JobOptions, Progress, Step, Task
from eistool.batch.runner import Summary, quiet, run_job, write_report
from eistool.batch.store import Key, Record, Store

__all__ = [
    "Derived",
    "Job",
    "JobOptions",
    "Key",
    "Progress",
    "Record",
    "Selection",
    "Step",
    "Store",
    "Summary",
    "Task",
    "quiet",
    "run_job",
    "write_report",
]
