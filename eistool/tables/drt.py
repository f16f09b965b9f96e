"""Tables of distributions of relaxation times."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eistool.tables.table import KEY_COLUMNS, Column, Rows, Table
from eistool.typing import FloatArray

if TYPE_CHECKING:
    from eistool.drt import DRT, DRTPeak, SuggestedCircuit

DRT_PEAKS: "Table[DRTPeak]" = Table(
    "drt_peaks",
    "DRT peak",
    (
        *KEY_COLUMNS,
        Column("tau_s", "s", "time constant", lambda peak: peak.tau),
        Column("R_ohm", "ohm", "resistance; negative for an inductive loop", lambda peak: peak.R),
        Column("u_R_ohm", "ohm", "its standard uncertainty", lambda peak: peak.u_R),
        Column("edge", "", "whether the peak lies outside the measured window; τ and R are then extrapolated"),
        Column("persistent", "", "whether the peak persists with ten times more and less smoothing"),
        Column("u_tau_s", "s", "standard uncertainty of τ", lambda peak: peak.u_tau),
        Column("frequency_Hz", "Hz", "1/(2πτ)", lambda peak: peak.frequency),
        Column("probability", "", "probability that the peak is real"),
        Column("shape", "", "`free`, or element that describes the peak"),
        Column("atom", "", "whether the peak is a pure RC, not included in γ of `drt/`"),
        Column("height_ohm", "ohm", "largest γ; empty for an atom", lambda peak: peak.height),
        Column(
            "prominence_ohm",
            "ohm",
            "height above the higher adjacent saddle",
            lambda peak: peak.prominence,
        ),
    ),
)

DRTS: "Table[DRT]" = Table(
    "drt",
    "sweep with a DRT",
    (
        *KEY_COLUMNS,
        Column("R_inf_ohm", "ohm", "resistance at high frequency", lambda drt: drt.R_inf),
        Column("u_R_inf_ohm", "ohm", "its standard uncertainty", lambda drt: drt.u_R_inf),
        Column("inductance_H", "H", "inductance", lambda drt: drt.inductance),
        Column("u_inductance_H", "H", "its standard uncertainty", lambda drt: drt.u_inductance),
        Column(
            "R_pol_ohm",
            "ohm",
            "integral of γ including atoms; meaningless for a blocking cell, see `flags`",
            lambda drt: drt.R_pol,
        ),
        Column("u_R_pol_ohm", "ohm", "its standard uncertainty", lambda drt: drt.u_R_pol),
        Column("noise", "", "standard deviation relative to \\|Z\\|"),
        Column("n_peaks", "", "number of peaks", lambda drt: len(drt.peaks)),
        Column("model", "", "`free`, `signed`, or the elements that γ deviates from"),
        Column("flags", "", "remarks", lambda drt: "; ".join(drt.flags)),
        Column("suggested_circuit", "", "circuit suggested by the peaks"),
        Column("status", "", "`ok` or `failed`"),
        Column("reason", "", "reason of a failure"),
        Column("tau_min_s", "s", "least time constant of the measured window", lambda drt: 1 / _omega(drt).max()),
        Column("tau_max_s", "s", "largest time constant of that window", lambda drt: 1 / _omega(drt).min()),
        Column("regularization", "", "strength of the smoothing"),
    ),
)

DRT_CURVES: "Table[DRT]" = Table(
    "drt_curves",
    "sweep and time constant",
    (
        *KEY_COLUMNS,
        Column("tau_s", "s", "time constant", lambda drt: _thin(drt, "tau")),
        Column("gamma_ohm", "ohm", "γ, per ln τ", lambda drt: _thin(drt, "gamma")),
        Column("gamma_low", "ohm", "lower end of its 95 % band", lambda drt: _thin(drt, "gamma_low")),
        Column("gamma_high", "ohm", "upper end of its 95 % band", lambda drt: _thin(drt, "gamma_high")),
    ),
)

GAMMA: "Table[DRT]" = Table(
    "gamma",
    "time constant",
    (
        Column("tau_s", "s", "time constant", lambda drt: drt.tau),
        Column("frequency_Hz", "Hz", "1/(2πτ)", lambda drt: drt.frequency),
        Column("gamma_ohm", "ohm", "γ, per ln τ", lambda drt: drt.gamma),
        Column("gamma_low", "ohm", "lower end of its 95 % band"),
        Column("gamma_high", "ohm", "upper end of its 95 % band"),
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """DRT with suggested circuits, or the reason for its absence."""

    result: "DRT | None"
    suggested: "tuple[SuggestedCircuit, ...]" = ()
    reason: str = ""


def drt_tables(drt: Distribution) -> dict[str, Rows]:
    """Return the rows of a distribution by table, γ thinned out."""
    if drt.result is None:
        return {"drt": Rows.of({"status": "failed", "reason": drt.reason})}
    circuit = repr(drt.suggested[0].circuit)
    row = DRTS.row(drt.result, suggested_circuit=circuit, status="ok", reason=None)
    return {
        "drt_peaks": DRT_PEAKS.rows(drt.result.peaks),
        "drt": Rows.of(row),
        "drt_curves": DRT_CURVES.points(drt.result),
    }


def _thin(drt: "DRT", name: str) -> list[float]:
    """Return every second value and those at maxima of γ, with five digits: enough for a plot of each sweep."""
    gamma = np.abs(drt.gamma)
    shown = np.arange(gamma.size) % 2 == 0
    shown[1:-1] |= (gamma[1:-1] > gamma[:-2]) & (gamma[1:-1] > gamma[2:])
    return [float(f"{value:.5g}") for value in getattr(drt, name)[shown]]


def _omega(drt: "DRT") -> FloatArray:
    return 2 * np.pi * drt.spectrum.frequency[drt.spectrum.mask]
