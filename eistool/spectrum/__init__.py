"""Spectra, series, metadata, cell geometry and cycling records."""

from eistool.spectrum.corrections import (
    average_spectra,
    deembed,
    normalize_by_area,
    subtract_lead,
    subtract_stray_capacitance,
)
from eistool.spectrum.cycling import Profile
from eistool.spectrum.geometry import CellGeometry, check_geometry
from eistool.spectrum.grouping import SampleGroup, group_samples, sample_name
from eistool.spectrum.metadata import Metadata
from eistool.spectrum.series import Series
from eistool.spectrum.spectrum import Spectrum, check_spectrum
from eistool.spectrum.sweep import Sweep
from eistool.spectrum.thinning import THINNED, thin

__all__ = [
    "THINNED",
    "CellGeometry",
    "Metadata",
    "Profile",
    "SampleGroup",
    "Series",
    "Spectrum",
    "Sweep",
    "average_spectra",
    "check_geometry",
    "check_spectrum",
    "deembed",
    "group_samples",
    "normalize_by_area",
    "sample_name",
    "subtract_lead",
    "subtract_stray_capacitance",
    "thin",
]
