"""Records to CSV tables: UTF-8, comma, point, one header line; an empty cell is a missing value."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from eistool.batch.store import Record, Row, Rows
from eistool.spectrum.metadata import METADATA_FIELDS

KEY = ("source", "sweep")

_SWEEP = ("format", "technique", "started_at", "time_h", "ewe_mean_V", "ewe_drift_mV", "i_mean_mA")
_RANGE = ("n_points", "f_min_Hz", "f_max_Hz")
_REST = tuple(name for name in METADATA_FIELDS if name not in (*KEY, *_SWEEP, *_RANGE, "file", "include"))

# the columns that a table has whatever the records hold, in their order
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "spectra": (
            *KEY, *_SWEEP, *_RANGE, *_REST, "kk_passed", "kk_max_residual", "noise", "status", "reason",
            "n_used", "reader_notes",
        ),
        "fits": (*KEY, "circuit", "n_parameters", "chi2_reduced", "aicc", "bic", "status", "flags", "runs_p"),
        "parameters": (
            *KEY, "circuit", "parameter", "value", "stderr", "ci_low", "ci_high", "unit", "role", "status",
            "correlated_with", "correlation",
        ),
        "processes": (
            *KEY, "process", "R_ohm", "u_R_ohm", "tau_s", "u_tau_s", "alpha", "C_F", "u_C_F", "R_ohm_cm2",
            "C_F_per_cm2", "assignment", "status", "u_alpha", "apex_Hz", "u_apex_Hz", "edge",
        ),
        "curves": (
            *KEY, "frequency_Hz", "z_real_ohm", "z_imag_ohm", "fit_real_ohm", "fit_imag_ohm", "residual_real",
            "residual_imag", "mask_reason",
        ),
        "drt_peaks": (
            *KEY, "tau_s", "R_ohm", "u_R_ohm", "edge", "persistent", "u_tau_s", "frequency_Hz", "probability",
            "shape", "atom", "height_ohm", "prominence_ohm",
        ),
        "drt": (
            *KEY, "R_inf_ohm", "u_R_inf_ohm", "inductance_H", "u_inductance_H", "R_pol_ohm", "u_R_pol_ohm",
            "noise", "n_peaks", "model", "flags", "suggested_circuit", "status", "reason", "tau_min_s",
            "tau_max_s", "regularization",
        ),
        "check": (
            *KEY, "status", "reason", "kk_passed", "kk_max_residual", "noise", "n_rc", "n_rc_mu", "mu", "form",
            "kk_misfit", "kk_p_value", "drift", "u_drift", "n_outliers", "outliers_Hz", "z_hit_passed",
            "z_hit_drift", "u_z_hit_drift", "z_hit_drift_below_Hz", "z_hit_max_residual",
        ),
        "failures": (*KEY, "stage", "error"),
        "conductivity": (
            "sample_id", *KEY, "temperature_C", "quantity", "R_ohm", "u_R_ohm", "sigma_S_per_cm",
            "u_sigma_S_per_cm", "lower_limit", "upper_limit", "status", "reason", "sigma_mS_per_cm",
            "u_sigma_mS_per_cm", "u_relative_resistance", "u_relative_geometry", "u_relative_temperature",
            "cell_constant_per_cm", "composition_x", "elements", "assumed",
            "sigma_specific_S_per_cm", "u_sigma_specific_S_per_cm",
        ),
        "arrhenius": (
            "sample_id", "quantity", "form", "Ea_eV", "u_Ea_eV", "ln_sigma0", "u_ln_sigma0",
            "sigma_25C_S_per_cm", "n_points", "T_min_C", "T_max_C", "status", "reason", "u_sigma_25C_S_per_cm",
            "sigma_25C_low", "sigma_25C_high", "sigma_25C_status", "sigma_25C_mS_per_cm", "Ea_low_eV",
            "Ea_high_eV", "Ea_kJ_per_mol", "u_Ea_kJ_per_mol", "chi2_reduced", "Ea_if_1K_offset_eV",
            "Ea_if_2pct_lag_eV", "Ea_if_1ohm_lead_eV", "composition_x", "flags",
        ),
        "arrhenius_alternatives": (
            "sample_id", "quantity", "form", "Ea_eV", "u_Ea_eV", "ln_sigma0", "u_ln_sigma0", "sigma_25C_S_per_cm",
            "u_sigma_25C_S_per_cm", "n_points", "T_min_C", "T_max_C", "chi2", "aicc", "delta_aicc", "parameters",
            "status", "reason",
        ),
        "composition": (
            "composition_x", "sample_id", "material", "quantity", "temperature_C", "sigma_S_per_cm",
            "u_sigma_S_per_cm", "Ea_eV", "u_Ea_eV", "method", "status",
        ),
    }
)  # fmt: skip
# of whole series, not of sweeps
TRACK_TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tracks": (
            "series", "process_id", "coordinate", "direction", "R_ohm", "u_R_ohm", "tau_s", "u_tau_s", "alpha",
            "u_alpha", "C_F", "u_C_F", "upper_limit_ohm", "status", "edge", "index", "source", "sweep",
        ),
        "events": (
            "series", "event", "index", "coordinate", "direction", "process_id", "status", "reason", "R_ohm",
            "u_R_ohm", "tau_s", *(f"criterion_{i}" for i in range(1, 7)), "kk_reason", "drt_persistent",
            "delta_bic", "best_alternative", "delta_bic_without", "delta_aicc", "F", "n_effective", "bootstrap_p",
            "tau_min_s", "tau_max_s", "in_window", "neighbour_decades", "n_consecutive",
            "upper_limit_without_ohm", "lower_limit_with_ohm", "jump_delta_chi2",
        ),
        "series": (
            "series", "quantity", "n_points", "minimum_ohm", "u_minimum_ohm", "minimum_at", "minimum_index",
            "minimum_candidates", "maximum_ohm", "u_maximum_ohm", "maximum_at", "maximum_index",
            "maximum_candidates", "trend", "slope_ohm", "slope_low_ohm", "slope_high_ohm", "autocorrelation",
            "smallest_detectable_change_ohm", "growth_law", "growth_laws_near", "reversible_fraction",
            "u_reversible_fraction", "Ea_eV", "u_Ea_eV", "Ea_form", "tail_frequency_Hz", "tail_indices",
            "tail_rises_in",
        ),
    }
)  # fmt: skip
DRT_TABLES = ("drt_peaks", "drt")
# made of all records together
DERIVED_TABLES = ("conductivity", "arrhenius", "arrhenius_alternatives", "composition")
FIT_TABLES = tuple(name for name in TABLES if name not in (*DRT_TABLES, *DERIVED_TABLES, "check"))


def collect(name: str, records: Iterable[Record]) -> Rows:
    """Return one table of all records, by source and sweep, with the union of their columns."""
    ordered = sorted(records, key=lambda record: record.key)
    parts = [(record.key, record.tables[name]) for record in ordered if name in record.tables]
    extra = dict.fromkeys(column for _, part in parts for column in part.columns)
    columns = tuple(dict.fromkeys((*TABLES[name], *extra)))
    rows: list[Row] = []
    for key, part in parts:
        # a file that cannot be read has no sweep
        row_key = {"source": key.source, "sweep": key.sweep or None}
        rows += [tuple((row_key | row).get(column) for column in columns) for row in part]
    return Rows(columns, tuple(rows))


def number(value: float) -> float | None:
    """Return a finite number as a cell, None for what is missing.

    Examples
    --------
    >>> number(2), number(math.nan)
    (2.0, None)
    """
    return float(value) if math.isfinite(value) else None


def to_csv(table: Rows) -> bytes:
    r"""Return a table as CSV; floats in the shortest form that reads back exactly.

    Examples
    --------
    >>> to_csv(Rows(("a", "b"), ((0.1, None), (True, "x, y")))).decode()
    'a,b\n0.1,\ntrue,"x, y"\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue().encode("utf-8")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
