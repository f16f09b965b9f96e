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
    from eistool.readers import read as read
    from eistool.spectrum import CellGeometry as CellGeometry
    from eistool.spectrum import Metadata as Metadata
    from eistool.spectrum import Series as Series
    from eistool.spectrum import Spectrum as Spectrum
    from eistool.tracking import Event as Event
    from eistool.tracking import Tracks as Tracks
    from eistool.tracking import track as track

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
    "ReaderError": "eistool.errors",
    "Series": "eistool.spectrum",
    "Spectrum": "eistool.spectrum",
    "SpectrumError": "eistool.errors",
    "Tracks": "eistool.tracking",
    "compare_circuits": "eistool.fitting",
    "compute_drt": "eistool.drt",
    "compute_drt_tikhonov": "eistool.drt",
    "fit": "eistool.fitting",
    "fit_global": "eistool.fitting",
    "fit_iter": "eistool.fitting",
    "fit_many": "eistool.fitting",
    "hilbert_score": "eistool.drt",
    "load_circuit": "eistool.circuit.library",
    "read": "eistool.readers",
    "register_element": "eistool.circuit",
    "simulate": "eistool.circuit.simulate",
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
