"""Readers of spectra, cycling records, polarisation experiments and samples tables."""

from eistool.readers.content import FileContent
from eistool.readers.cycling import read_profile
from eistool.readers.polarization import PolarizationRecord, is_polarization, read_polarization
from eistool.readers.read import FoundFile, doubts, load, override, read, scan, unused_in_names
from eistool.readers.registry import READERS, Reader
from eistool.readers.samples import SamplesTable, SampleTables, read_samples

__all__ = [
    "READERS",
    "FileContent",
    "FoundFile",
    "PolarizationRecord",
    "Reader",
    "SampleTables",
    "SamplesTable",
    "doubts",
    "is_polarization",
    "load",
    "override",
    "read",
    "read_polarization",
    "read_profile",
    "read_samples",
    "scan",
    "unused_in_names",
]
