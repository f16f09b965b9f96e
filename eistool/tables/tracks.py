"""Tables of processes along series."""

from typing import TYPE_CHECKING, Any

from eistool.tables.table import Column, Rows, Table

if TYPE_CHECKING:
    from eistool.tracking import SeriesDRT, Tracks

_SERIES: Column[Any] = Column("series", "", "sample, or folder of the spectra")
_CRITERIA: tuple[Column[Any], ...] = tuple(
    Column(f"criterion_{i}", "", f"whether criterion {i} of [tracking.md](tracking.md) holds") for i in range(1, 7)
)

TRACKS: Table[object] = Table(
    "tracks",
    "process and spectrum of a series",
    (
        _SERIES,
        Column("process_id", "", "process"),
        Column("coordinate", "", "state of charge, voltage, temperature, time or cycle"),
        Column("direction", "", "`charge` or `discharge`"),
        Column("R_ohm", "ohm", "resistance"),
        Column("u_R_ohm", "ohm", "its standard uncertainty"),
        Column("tau_s", "s", "time constant"),
        Column("u_tau_s", "s", "its standard uncertainty"),
        Column("alpha", "", "exponent"),
        Column("u_alpha", "", "its standard uncertainty"),
        Column("C_F", "F", "effective capacitance"),
        Column("u_C_F", "F", "its standard uncertainty"),
        Column("upper_limit_ohm", "ohm", "detection limit of the resistance"),
        Column("status", "", "`ok`, `extrapolated`, `not_resolvable` or `absent`"),
        Column("edge", "", "whether the apex lies outside the measured window"),
        Column("index", "", "number of the spectrum in its series, from 0"),
        Column("source", "", "path relative to the input folder"),
        Column("sweep", "", "number of the sweep in its file, from 1"),
    ),
)

EVENTS: Table[object] = Table(
    "events",
    "process that appears or disappears",
    (
        _SERIES,
        Column("event", "", "`appeared` or `disappeared`"),
        Column("index", "", "first spectrum with the process, or first one after it has disappeared"),
        Column("index_low", "", "first spectrum at which the event may be"),
        Column("index_high", "", "last spectrum at which it may be"),
        Column("coordinate", "", "its coordinate"),
        Column("direction", "", "`charge` or `discharge`"),
        Column("process_id", "", "process"),
        Column("status", "", "`confirmed`, `tentative` or `edge`"),
        Column("reason", "", "reasons for not being confirmed"),
        Column("R_ohm", "ohm", "resistance at the event"),
        Column("u_R_ohm", "ohm", "its standard uncertainty"),
        Column("tau_s", "s", "time constant"),
        *_CRITERIA,
        Column("kk_reason", "", "reason of the Kramers-Kronig test"),
        Column("drt_persistent", "", "whether differences between spectra or the DRT have a peak at this τ"),
        Column("delta_bic", "", "smallest ΔBIC of the process against the alternatives"),
        Column("best_alternative", "", "the alternative with that ΔBIC"),
        Column(
            "delta_bic_without", "", "ΔBIC over all spectra with the process against circuits with one arc less"
        ),
        Column("delta_aicc", "", "ΔAICc against circuits with one arc less"),
        Column("F", "", "F statistic of the process"),
        Column("n_effective", "", "number of independent points of the compared spectra"),
        Column("bootstrap_p", "", "upper bound of the probability that noise gains as much"),
        Column("tau_min_s", "s", "smallest time constant within the measured window"),
        Column("tau_max_s", "s", "largest time constant within the measured window"),
        Column("in_window", "", "whether τ lies within these limits"),
        Column("neighbour_decades", "", "distance to the nearest process, in decades of τ"),
        Column("n_consecutive", "", "number of consecutive spectra with the process"),
        Column("upper_limit_without_ohm", "ohm", "upper limit of R in the spectra without the process"),
        Column("lower_limit_with_ohm", "ohm", "lower limit of R in the spectra with it"),
        Column("jump_delta_chi2", "", "Δχ² of a jump of R against steady growth"),
    ),
)

SERIES: Table[object] = Table(
    "series",
    "series and process, or `total`",
    (
        _SERIES,
        Column("quantity", "", "process, or `total`"),
        Column("n_points", "", "number of spectra with a resistance"),
        Column("minimum_ohm", "ohm", "smallest resistance"),
        Column("u_minimum_ohm", "ohm", "its standard uncertainty"),
        Column("minimum_at", "", "its coordinate"),
        Column("minimum_index", "", "its spectrum"),
        Column("minimum_candidates", "", "spectra that may contain the minimum"),
        Column("maximum_ohm", "ohm", "largest resistance"),
        Column("u_maximum_ohm", "ohm", "its standard uncertainty"),
        Column("maximum_at", "", "its coordinate"),
        Column("maximum_index", "", "its spectrum"),
        Column("maximum_candidates", "", "spectra that may contain the maximum"),
        Column("trend", "", "verdict on the slope"),
        Column("slope_ohm", "ohm", "slope, per unit of the coordinate"),
        Column("slope_low_ohm", "ohm", "lower end of its 95 % interval"),
        Column("slope_high_ohm", "ohm", "upper end of its 95 % interval"),
        Column("autocorrelation", "", "autocorrelation of the residuals"),
        Column("smallest_detectable_change_ohm", "ohm", "smallest detectable change"),
        Column("growth_law", "", "best growth law over time or cycles"),
        Column("growth_laws_near", "", "laws of nearly equal quality"),
        Column("reversible_fraction", "", "fraction of the change reversed on discharge"),
        Column("u_reversible_fraction", "", "its standard uncertainty"),
        Column("Ea_eV", "eV", "activation energy along a temperature"),
        Column("u_Ea_eV", "eV", "its standard uncertainty"),
        Column("Ea_form", "", "form of the line"),
        Column("tail_frequency_Hz", "Hz", "frequency of the diffusion tail"),
        Column("tail_indices", "", "tail index of each spectrum at that frequency"),
        Column("tail_rises_in", "", "spectra with a tail"),
    ),
)


SERIES_DRT: Table[object] = Table(
    "series_drt",
    "spectrum of a series and time constant",
    (
        _SERIES,
        Column("index", "", "number of the spectrum in its series, from 0"),
        Column("coordinate", "", "its coordinate"),
        Column("tau_s", "s", "time constant"),
        Column("gamma_ohm", "ohm", "γ of the joint distribution of the series, per ln τ"),
        Column("gamma_low", "ohm", "lower end of its 95 % band"),
        Column("gamma_high", "ohm", "upper end of its 95 % band"),
    ),
)

TRACK_TABLES = (TRACKS, EVENTS, SERIES, SERIES_DRT)


def track_rows(name: str, result: "Tracks", drt: "SeriesDRT | None" = None) -> list[Rows]:
    """Return tracks, events, summaries and γ of a series, in the order of :data:`TRACK_TABLES`."""
    parts = (result.rows(), result.event_rows(), result.summary_rows(), _gamma_rows(drt))
    return [
        table.fill({"series": name} | row for row in part) for table, part in zip(TRACK_TABLES, parts, strict=True)
    ]


def _gamma_rows(drt: "SeriesDRT | None") -> list[dict[str, Any]]:
    if drt is None:
        return []
    return [
        {"index": i, "coordinate": float(x)}
        | {
            name: float(f"{value:.5g}")
            for name, value in zip(("tau_s", "gamma_ohm", "gamma_low", "gamma_high"), point, strict=True)
        }
        for i, x in enumerate(drt.series.coordinate)
        for point in zip(drt.tau, drt.gamma[i], drt.gamma_low[i], drt.gamma_high[i], strict=True)
    ]
