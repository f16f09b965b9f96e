"""Verdicts on spectra before anything is fitted."""

from eistool.validation.artefacts import Artefacts, find_artefacts
from eistool.validation.kramers_kronig import MASKS, KramersKronig, check_kramers_kronig
from eistool.validation.noise import NoiseModel, choose_weighting
from eistool.validation.verdict import Reason
from eistool.validation.z_hit import ZHit, check_z_hit

__all__ = [
    "MASKS",
    "Artefacts",
    "KramersKronig",
    "NoiseModel",
    "Reason",
    "ZHit",
    "check_kramers_kronig",
    "check_z_hit",
    "choose_weighting",
    "find_artefacts",
]
