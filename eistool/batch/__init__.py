"""Batch machinery: inputs, store, runner, files, interruption, and the interface of a job."""

from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.inputs import Selection
from eistool.batch.job import Derived, Job, JobOptions, Progress, Step, Task
from eistool.batch.runner import Summary, quiet, run_job
from eistool.batch.store import Key, Record, Store

__all__ = [
    "Breakdown",
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
    "attempt",
    "quiet",
    "run_job",
]
