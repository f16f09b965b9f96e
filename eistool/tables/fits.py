"""Tables of fits: quality, parameters, processes and curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eistool.fitting import FitResult, Parameter, Process
from eistool.spectrum.metadata import known_area_cm2
from eistool.tables.table import KEY_COLUMNS, Column, Rows, Table, cell

FITS: Table[FitResult] = Table(
    "fits",
    "sweep fitted",
    (
        *KEY_COLUMNS,
        Column("circuit", "", "circuit that was fitted", lambda fit: repr(fit.circuit)),
        Column("n_parameters", "", "free parameters", lambda fit: fit.n_free),
        # a failed fit may have no degrees of freedom to divide by
        Column("chi2_reduced", "", "reduced χ²", lambda fit: fit.chi2_reduced if fit.success else None),
        Column("aicc", "", "corrected Akaike criterion", lambda fit: fit.aicc if fit.success else None),
        Column("bic", "", "Bayesian criterion", lambda fit: fit.bic if fit.success else None),
        Column("status", "", "`ok`, `poor_model` (a sum of RC elements is far better) or `failed`"),
        Column("flags", "", "remarks on the fit"),
        Column("runs_p", "", "probability of so few changes of sign among the residuals; below 0.01: a pattern"),
    ),
    "then each parameter of the circuits, and its standard error as `NAME_stderr`; circuits share their columns",
)

PARAMETERS: Table[Parameter] = Table(
    "parameters",
    "parameter",
    (
        *KEY_COLUMNS,
        Column("circuit", "", "circuit that was fitted"),
        Column("parameter", "", "name", lambda parameter: parameter.name),
        Column("value", "`unit`", "value"),
        Column("stderr", "`unit`", "standard error"),
        Column("ci_low", "`unit`", "lower end of the 95 % interval"),
        Column("ci_high", "`unit`", "upper end of the 95 % interval"),
        Column("unit", "", "unit of the value"),
        Column("role", "", "role of the element in its circuit"),
        Column("status", "", "`ok`, `fixed`, `at_bound` or `not_identifiable`"),
        Column("correlated_with", "", "parameter with the largest correlation"),
        Column("correlation", "", "coefficient of that correlation"),
    ),
)

PROCESSES: Table[Process] = Table(
    "processes",
    "arc",
    (
        *KEY_COLUMNS,
        Column("process", "", "name of its resistance", lambda process: process.name),
        Column("R_ohm", "ohm", "resistance", lambda process: process.R),
        Column("u_R_ohm", "ohm", "its standard uncertainty", lambda process: process.u_R),
        Column("tau_s", "s", "time constant", lambda process: process.tau),
        Column("u_tau_s", "s", "its standard uncertainty", lambda process: process.u_tau),
        Column("alpha", "", "exponent"),
        Column("C_F", "F", "effective capacitance", lambda process: process.C_eff),
        Column("u_C_F", "F", "its standard uncertainty", lambda process: process.u_C_eff),
        Column("R_ohm_cm2", "ohm cm²", "R times area, where an area or a diameter is known"),
        Column("C_F_per_cm2", "F/cm²", "C over area"),
        Column("assignment", "", "role of the arc"),
        Column("status", "", "`ok`, `extrapolated` or `not_resolvable`"),
        Column("u_alpha", "", "standard uncertainty of `alpha`"),
        Column("apex_Hz", "Hz", "frequency of the apex"),
        Column("u_apex_Hz", "Hz", "its standard uncertainty"),
        Column("edge", "", "whether the apex lies outside the measured window"),
    ),
)

CURVES: Table[FitResult] = Table(
    "curves",
    "point",
    (
        *KEY_COLUMNS,
        Column("frequency_Hz", "Hz", "frequency", lambda fit: fit.spectrum.frequency),
        Column("z_real_ohm", "ohm", "measured Re Z", lambda fit: fit.spectrum.impedance.real),
        Column("z_imag_ohm", "ohm", "measured Im Z", lambda fit: fit.spectrum.impedance.imag),
        Column("fit_real_ohm", "ohm", "fitted Re Z", lambda fit: fit.impedance.real),
        Column("fit_imag_ohm", "ohm", "fitted Im Z", lambda fit: fit.impedance.imag),
        Column("residual_real", "", "Re (Z - fit)/\\|Z\\|", lambda fit: fit.residual.real),
        Column("residual_imag", "", "Im (Z - fit)/\\|Z\\|", lambda fit: fit.residual.imag),
        Column("mask_reason", "", "reason for excluding the point", lambda fit: fit.spectrum.mask_reason),
    ),
)


@dataclass(frozen=True, slots=True)
class ArcRow:
    """An arc, read back from :data:`PROCESSES`."""

    process: str
    assignment: str | None
    status: str
    R_ohm: float | None
    u_R_ohm: float | None


def fit_tables(result: FitResult, status: str, flags: Sequence[str]) -> dict[str, Rows]:
    """Return the rows of a fit by table; one without success has neither parameters nor processes."""
    fit = FITS.row(result, status=status, flags="; ".join(flags))
    for name, parameter in result.parameters.items():
        fit |= {name: cell(parameter.value), f"{name}_stderr": cell(parameter.stderr)}
    tables = {"fits": Rows.of(fit), "curves": CURVES.points(result)}
    if result.success:
        tables["parameters"] = Rows.of(*_parameter_rows(result))
        area = known_area_cm2(result.spectrum.metadata) or math.nan
        tables["processes"] = Rows.of(
            *(PROCESSES.row(p, R_ohm_cm2=p.R * area, C_F_per_cm2=p.C_eff / area) for p in result.processes)
        )
    return tables


def _parameter_rows(result: FitResult) -> list[dict[str, Any]]:
    correlation = np.nan_to_num(result.correlation)
    np.fill_diagonal(correlation, 0.0)
    partner = np.abs(correlation).argmax(axis=1)  # each parameter's closest
    rows = []
    for i, parameter in enumerate(result.parameters.values()):
        largest = correlation[i, partner[i]]
        name = result.circuit.parameters[partner[i]] if largest else None
        given = {"correlated_with": name, "correlation": largest or None}
        rows.append(PARAMETERS.row(parameter, circuit=repr(result.circuit), **given))
    return rows
