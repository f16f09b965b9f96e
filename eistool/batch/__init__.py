"""Batch machinery: inputs, store, engines, runner, files, interruption, and the interface of a job."""

from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.cache import Cache
from eistool.batch.generation import Output
from eistool.batch.inputs import Selection
from eistool.batch.job import Derived, Job, JobOptions, Progress, Scheduling, Step, Task
from eistool.batch.runner import Summary, quiet, run_job, write_report
from eistool.batch.store import Key, Record, Records, Store

__all__ = [
    "Breakdown",
    "Cache",
    "Derived",
    "Job",
    "JobOptions",
    "Key",
    "Output",
    "Progress",
    "Record",
    "Records",
    "Scheduling",
    "Selection",
    "Step",
    "Store",
    "Summary",
    "Task",
    "attempt",
    "quiet",
    "run_job",
    "write_report",
]
