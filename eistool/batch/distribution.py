"""The distribution of relaxation times of a sweep, as the tables hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.batch.store import Rows
from eistool.batch.tables import number
from eistool.errors import EistoolError
from eistool.spectrum import Spectrum

if TYPE_CHECKING:
    from eistool.drt import DRT, DRTPeak, SuggestedCircuit

N_SUGGESTED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """A DRT with the circuits that it suggests, or why there is none."""

    result: "DRT | None"
    suggested: "tuple[SuggestedCircuit, ...]" = ()
    reason: str = ""

    @property
    def tables(self) -> dict[str, Rows]:
        """Rows of ``drt_peaks.csv`` and ``drt.csv``."""
        if self.result is None:
            return {"drt": Rows.of({"status": "failed", "reason": self.reason})}
        peaks = Rows.of(*map(_peak_row, self.result.peaks))
        return {"drt_peaks": peaks, "drt": Rows.of(_row(self.result, self.suggested))}

    @property
    def curve(self) -> dict[str, Rows]:
        """γ, a row for each τ."""
        drt = self.result
        if drt is None:
            return {}
        columns: Mapping[str, Any] = {
            "tau_s": drt.tau,
            "frequency_Hz": drt.frequency,
            "gamma_ohm": drt.gamma,
            "gamma_low": drt.gamma_low,
            "gamma_high": drt.gamma_high,
        }
        values = [[number(value) for value in column.tolist()] for column in columns.values()]
        return {"gamma": Rows(tuple(columns), tuple(zip(*values, strict=True)))}


def distribution(spectrum: Spectrum, weighting: str = "auto") -> Distribution:
    """Return the distribution of relaxation times of a spectrum, or the reason why there is none.

    Nothing that goes wrong with one spectrum is raised: the batch goes on.
    """
    from eistool.drt import compute_drt

    try:
        drt = compute_drt(spectrum, weighting=weighting)
        if not (np.isfinite(drt.gamma).all() and np.isfinite(drt.R_pol)):
            return Distribution(None, reason="no finite distribution describes the spectrum")
        return Distribution(drt, tuple(drt.suggest_circuits(N_SUGGESTED)))
    except EistoolError as error:
        return Distribution(None, reason=str(error))
    except (ArithmeticError, ValueError, LookupError) as error:  # of the numerics, with data that nobody foresaw
        return Distribution(None, reason=f"{spectrum.label}: the computation broke down ({error})")


def _row(drt: "DRT", suggested: "tuple[SuggestedCircuit, ...]") -> dict[str, Any]:
    omega = 2 * np.pi * drt.spectrum.frequency[drt.spectrum.mask]
    return {
        "R_inf_ohm": number(drt.R_inf),
        "u_R_inf_ohm": number(drt.u_R_inf),
        "inductance_H": number(drt.inductance),
        "u_inductance_H": number(drt.u_inductance),
        "R_pol_ohm": number(drt.R_pol),
        "u_R_pol_ohm": number(drt.u_R_pol),
        "noise": number(drt.noise),
        "n_peaks": len(drt.peaks),
        "model": drt.model,
        "flags": "; ".join(drt.flags) or None,
        "suggested_circuit": repr(suggested[0].circuit),
        "status": "ok",
        "reason": None,
        "tau_min_s": float(1 / omega.max()),
        "tau_max_s": float(1 / omega.min()),
        "regularization": number(drt.regularization),
    }


def _peak_row(peak: "DRTPeak") -> dict[str, Any]:
    return {
        "tau_s": number(peak.tau),
        "R_ohm": number(peak.R),
        "u_R_ohm": number(peak.u_R),
        "edge": peak.edge,
        "persistent": peak.persistent,
        "u_tau_s": number(peak.u_tau),
        "frequency_Hz": number(peak.frequency),
        "probability": number(peak.probability),
        "shape": peak.shape,
        "atom": peak.atom,
        "height_ohm": number(peak.height),  # of an atom infinite
        "prominence_ohm": number(peak.prominence),
    }
