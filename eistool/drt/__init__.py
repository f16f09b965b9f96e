"""Distribution of relaxation times: γ(τ), its bands and its peaks."""

from eistool.drt.compute import compute_drt
from eistool.drt.peaks import Atom, DRTPeak
from eistool.drt.result import DRT

__all__ = ["DRT", "Atom", "DRTPeak", "compute_drt"]
