"""Verdicts on spectra before anything is fitted."""

from eistool.validation.kramers_kronig import KramersKronig, check_kramers_kronig
from eistool.validation.verdict import Reason

__all__ = ["KramersKronig", "Reason", "check_kramers_kronig"]
