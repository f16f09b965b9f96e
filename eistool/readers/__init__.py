"""Readers: one file per instrument format, found by content."""

from eistool.readers.profile import read_profile
from eistool.readers.read import FoundFile, doubts, load, override, read, scan
from eistool.readers.registry import READERS, Reader
from eistool.readers.samples import SamplesTable, SampleTables, read_samples

__all__ = [
    "READERS",
    "FoundFile",
    "Reader",
    "SampleTables",
    "SamplesTable",
    "doubts",
    "load",
    "override",
    "read",
    "read_profile",
    "read_samples",
    "scan",
]
