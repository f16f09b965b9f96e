"""Readers of spectra, cycling records, polarisation experiments and samples tables."""

from eistool.readers.content import FileContent, resolved
from eistool.readers.cycling import read_profile
from eistool.readers.files import RUN, FoundFile, is_result_folder, scan
from eistool.readers.polarization import PolarizationRecord, is_polarization, read_polarization
from eistool.readers.read import doubts, load, override, read, unused_in_names
from eistool.readers.registry import READERS, Reader
from eistool.readers.samples import SamplesTable, SampleTables, read_samples

__all__ = [
    "READERS",
    "RUN",
    "FileContent",
    "FoundFile",
    "PolarizationRecord",
    "Reader",
    "SampleTables",
    "SamplesTable",
    "doubts",
    "is_polarization",
    "is_result_folder",
    "load",
    "override",
    "read",
    "read_polarization",
    "read_profile",
    "read_samples",
    "resolved",
    "scan",
    "unused_in_names",
]
