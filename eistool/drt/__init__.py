"""Distribution of relaxation times: γ(τ), bands and peaks."""

from eistool.drt.classic import compute_drt_tikhonov
from eistool.drt.compute import compute_drt
from eistool.drt.hilbert import HilbertScore, hilbert_score
from eistool.drt.peaks import Atom, DRTPeak
from eistool.drt.readings import Reading, take_readings
from eistool.drt.result import DRT
from eistool.drt.suggested_circuit import SuggestedCircuit

__all__ = [
    "DRT",
    "Atom",
    "DRTPeak",
    "HilbertScore",
    "Reading",
    "SuggestedCircuit",
    "compute_drt",
    "compute_drt_tikhonov",
    "hilbert_score",
    "take_readings",
]
