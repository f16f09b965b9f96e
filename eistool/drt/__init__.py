"""Distribution of relaxation times: γ(τ), its bands and its peaks."""

from eistool.drt.compute import compute_drt
from eistool.drt.peaks import Atom, DRTPeak
from eistool.drt.result import DRT
from eistool.drt.suggest import SuggestedCircuit

__all__ = ["DRT", "Atom", "DRTPeak", "SuggestedCircuit", "compute_drt"]
