"""eistool: from a folder of impedance spectra to fitted circuits, with honest uncertainties.

The public names are imported when they are first used, so that ``import eistool`` stays fast.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eistool.circuit import Circuit as Circuit
    from eistool.circuit import register_element as register_element
    from eistool.circuit.library import load_circuit as load_circuit
    from eistool.circuit.simulate import simulate as simulate
    from eistool.direct_current import analyze_ir_drop as analyze_ir_drop
    from eistool.direct_current import analyze_polarization as analyze_polarization
    from eistool.direct_current import bruce_vincent as bruce_vincent
    from eistool.drt import DRT as DRT
    from eistool.drt import DRTPeak as DRTPeak
    from eistool.drt import compute_drt as compute_drt
    from eistool.drt import compute_drt_tikhonov as compute_drt_tikhonov
    from eistool.drt import hilbert_score as hilbert_score
    from eistool.errors import CircuitError as CircuitError
    from eistool.errors import ConfigError as ConfigError
    from eistool.errors import EistoolError as EistoolError
    from eistool.errors import FitError as FitError
    from eistool.errors import ReaderError as ReaderError
    from eistool.errors import SpectrumError as SpectrumError
    from eistool.fitting import FitResult as FitResult
    from eistool.fitting import compare_circuits as compare_circuits
    from eistool.fitting import fit as fit
    from eistool.fitting import fit_global as fit_global
    from eistool.fitting import fit_iter as fit_iter
    from eistool.fitting import fit_many as fit_many
    from eistool.materials import arrhenius as arrhenius
    from eistool.materials import assign as assign
    from eistool.materials import conductivity as conductivity
    from eistool.materials import regress_thickness as regress_thickness
    from eistool.readers import read as read
    from eistool.readers import read_polarization as read_polarization
    from eistool.readers import read_profile as read_profile
    from eistool.spectrum import CellGeometry as CellGeometry
    from eistool.spectrum import Metadata as Metadata
    from eistool.spectrum import Profile as Profile
    from eistool.spectrum import Series as Series
    from eistool.spectrum import Spectrum as Spectrum
    from eistool.spectrum import average_spectra as average_spectra
    from eistool.spectrum import deembed as deembed
    from eistool.spectrum import normalize_by_area as normalize_by_area
    from eistool.spectrum import subtract_lead as subtract_lead
    from eistool.spectrum import subtract_stray_capacitance as subtract_stray_capacitance
    from eistool.symmetric_cell import separator_budget as separator_budget
    from eistool.symmetric_cell import subtract_symmetric_cell as subtract_symmetric_cell
    from eistool.tracking import Event as Event
    from eistool.tracking import Tracks as Tracks
    from eistool.tracking import track as track
    from eistool.validation import check_kramers_kronig as check_kramers_kronig
    from eistool.validation import check_z_hit as check_z_hit

_HOME = {
    "CellGeometry": "eistool.spectrum",
    "Circuit": "eistool.circuit",
    "CircuitError": "eistool.errors",
    "ConfigError": "eistool.errors",
    "DRT": "eistool.drt",
    "DRTPeak": "eistool.drt",
    "EistoolError": "eistool.errors",
    "Event": "eistool.tracking",
    "FitError": "eistool.errors",
    "FitResult": "eistool.fitting",
    "Metadata": "eistool.spectrum",
    "Profile": "eistool.spectrum",
    "ReaderError": "eistool.errors",
    "Series": "eistool.spectrum",
    "Spectrum": "eistool.spectrum",
    "SpectrumError": "eistool.errors",
    "Tracks": "eistool.tracking",
    "analyze_ir_drop": "eistool.direct_current",
    "analyze_polarization": "eistool.direct_current",
    "arrhenius": "eistool.materials",
    "assign": "eistool.materials",
    "average_spectra": "eistool.spectrum",
    "bruce_vincent": "eistool.direct_current",
    "check_kramers_kronig": "eistool.validation",
    "check_z_hit": "eistool.validation",
    "compare_circuits": "eistool.fitting",
    "compute_drt": "eistool.drt",
    "compute_drt_tikhonov": "eistool.drt",
    "conductivity": "eistool.materials",
    "deembed": "eistool.spectrum",
    "fit": "eistool.fitting",
    "fit_global": "eistool.fitting",
    "fit_iter": "eistool.fitting",
    "fit_many": "eistool.fitting",
    "hilbert_score": "eistool.drt",
    "load_circuit": "eistool.circuit.library",
    "normalize_by_area": "eistool.spectrum",
    "read": "eistool.readers",
    "read_polarization": "eistool.readers",
    "read_profile": "eistool.readers",
    "register_element": "eistool.circuit",
    "regress_thickness": "eistool.materials",
    "separator_budget": "eistool.symmetric_cell",
    "simulate": "eistool.circuit.simulate",
    "subtract_lead": "eistool.spectrum",
    "subtract_stray_capacitance": "eistool.spectrum",
    "subtract_symmetric_cell": "eistool.symmetric_cell",
    "track": "eistool.tracking",
}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("eistool")
    if name not in _HOME:
        raise AttributeError(f"module 'eistool' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
