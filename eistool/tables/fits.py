"""Tables of fits: quality, parameters, processes and curves."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.fitting import (
    Averages,
    FitResult,
    Parameter,
    Process,
    Quantity,
    sum_of_resistances,
    sums_of_resistances,
)
from eistool.spectrum.metadata import known_area_cm2
from eistool.tables.table import KEY_COLUMNS, Column, Rows, Table, cell

if TYPE_CHECKING:
    from eistool.validation import KramersKronig

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
        Column("R_inf_ohm", "ohm", "resistance at infinite frequency, averaged over circuits by evidence"),
        Column("u_R_inf_ohm", "ohm", "its standard uncertainty, with the spread between circuits"),
        Column("R_inf_status", "", "`ok` or `not_resolvable`"),
        Column("R_total_ohm", "ohm", "resistance to direct current, averaged over circuits by evidence"),
        Column("u_R_total_ohm", "ohm", "its standard uncertainty, with the spread between circuits"),
        Column("R_total_status", "", "`ok`, `blocking` or `not_resolvable`"),
        Column("R_inf_upper_limit_ohm", "ohm", "upper 95 % limit of R_inf"),
        Column("R_total_lower_limit_ohm", "ohm", "lower 95 % limit of R_total"),
        Column("R_total_upper_limit_ohm", "ohm", "upper 95 % limit of R_total"),
        Column("weighting_used", "", "weighting of the residuals", lambda fit: fit.weighting),
        Column("n_masked", "", "points left out", lambda fit: len(fit.spectrum) - fit.spectrum.n_used),
        Column(
            "evidence",
            "",
            "log evidence of the circuit, for comparison with others on the same points and weighting",
            lambda fit: None if fit.evidence is None else fit.evidence.log_evidence,
        ),
        Column("sum_R_ohm", "ohm", "sum of all resistances of this circuit; empty if `not_resolvable`"),
        Column("u_sum_R_ohm", "ohm", "its standard uncertainty, with correlations"),
        Column("sum_R_status", "", "`ok` or `not_resolvable`"),
        Column(
            "misfit",
            "",
            "standard deviation of the misfit of the circuit relative to \\|Z\\|",
            lambda fit: None if fit.evidence is None else fit.evidence.amplitude,
        ),
        Column(
            "p_missed",
            "",
            "estimated probability that the search missed a better minimum",
            lambda fit: fit.p_missed if fit.success else None,
        ),
    ),
    "then, for each parameter of the circuits, its value, its standard error as `NAME_stderr` and its status as "
    "`NAME_status`; value and error are empty if it is `not_identifiable`; circuits share their columns",
)

PARAMETERS: Table[Parameter] = Table(
    "parameters",
    "parameter",
    (
        *KEY_COLUMNS,
        Column("circuit", "", "circuit that was fitted"),
        Column("parameter", "", "name", lambda parameter: parameter.name),
        Column("value", "`unit`", "value"),
        Column("stderr", "`unit`", "standard error, of noise and misfit"),
        Column("ci_low", "`unit`", "lower end of the 95 % interval"),
        Column("ci_high", "`unit`", "upper end of the 95 % interval"),
        Column("unit", "", "unit of the value"),
        Column(
            "role",
            "",
            "role of the element in its circuit; `sum` of a sum of resistances; `left_out` of a resistance that "
            "the data do not need",
        ),
        Column("status", "", "`ok`, `fixed`, `at_bound` or `not_identifiable`"),
        Column("correlated_with", "", "parameter with the largest correlation"),
        Column("correlation", "", "coefficient of that correlation"),
        Column("stderr_noise", "`unit`", "standard error of noise alone, as other programs print it"),
    ),
)

PROCESSES: Table[Process] = Table(
    "processes",
    "arc",
    (
        *KEY_COLUMNS,
        Column("process", "", "name of its resistance", lambda process: process.name),
        Column(
            "R_ohm", "ohm", "resistance; empty if `not_resolvable`", lambda process: _known(process, process.R)
        ),
        Column("u_R_ohm", "ohm", "its standard uncertainty", lambda process: _known(process, process.u_R)),
        Column("tau_s", "s", "time constant", lambda process: process.tau),
        Column("u_tau_s", "s", "its standard uncertainty", lambda process: process.u_tau),
        Column("alpha", "", "exponent"),
        Column("C_F", "F", "effective capacitance", lambda process: process.C_eff),
        Column("u_C_F", "F", "its standard uncertainty", lambda process: process.u_C_eff),
        Column("R_ohm_cm2", "ohm cm²", "R times area, where an area or a diameter is known"),
        Column("C_F_per_cm2", "F/cm²", "C over area"),
        Column("assignment", "", "role of the arc"),
        Column("status", "", "status of R: `ok`, `extrapolated` or `not_resolvable`"),
        Column("u_alpha", "", "standard uncertainty of `alpha`"),
        Column("apex_Hz", "Hz", "frequency of the apex"),
        Column("u_apex_Hz", "Hz", "its standard uncertainty"),
        Column("edge", "", "whether the apex lies outside the measured window"),
        Column(
            "R_averaged_ohm",
            "ohm",
            "resistance at this τ, averaged over circuits by evidence; of arcs within 0.7 decade, their sum",
        ),
        Column("u_R_averaged_ohm", "ohm", "its standard uncertainty, with the spread between circuits"),
        Column("n_circuits", "", "circuits with a process at this τ"),
        Column("tau_status", "", "status of τ: `ok`, `extrapolated` or `not_resolvable`"),
        Column("lower_limit_ohm", "ohm", "lower 95 % limit of R"),
        Column("upper_limit_ohm", "ohm", "upper 95 % limit of R"),
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
        Column("kk_residual_real", "", "real residual of the Kramers-Kronig test, relative to \\|Z\\|"),
        Column("kk_residual_imag", "", "imaginary residual of that test"),
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


def _known(process: Process, value: float) -> float | None:
    return None if process.status == "not_resolvable" else value


def fit_tables(
    result: FitResult,
    status: str,
    flags: Sequence[str],
    averages: Averages | None = None,
    left_out: Sequence[Quantity] = (),
    kramers_kronig: "KramersKronig | None" = None,
) -> dict[str, Rows]:
    """Return the rows of a fit by table; one without success has neither parameters nor processes."""
    given = _averaged(averages) | _summed(result)
    fit = FITS.row(result, status=status, flags="; ".join(flags), **given)
    for name, parameter in result.parameters.items():
        known = parameter.status != "not_identifiable"  # a number would be taken for a result
        fit |= {
            name: cell(parameter.value) if known else None,
            f"{name}_stderr": cell(parameter.stderr) if known else None,
            f"{name}_status": cell(parameter.status),
        }
    curves = CURVES.points(result, **_kramers_kronig_residuals(kramers_kronig, len(result.spectrum)))
    tables = {"fits": Rows.of(fit), "curves": curves}
    if result.success:
        tables["parameters"] = Rows.of(*_parameter_rows(result, left_out))
        area = known_area_cm2(result.spectrum.metadata) or math.nan
        tables["processes"] = Rows.of(
            *(_process_row(result, i, area, averages) for i in range(len(result.processes)))
        )
    return tables


def _kramers_kronig_residuals(test: "KramersKronig | None", n_points: int) -> dict[str, Iterable[float]]:
    residual = np.full(n_points, complex(math.nan, math.nan)) if test is None else test.residual
    return {"kk_residual_real": residual.real, "kk_residual_imag": residual.imag}


def _summed(result: FitResult) -> dict[str, Any]:
    total = sum_of_resistances(result)
    if total is None:
        return dict.fromkeys(("sum_R_ohm", "u_sum_R_ohm", "sum_R_status"))
    return {"sum_R_ohm": total.value, "u_sum_R_ohm": total.u, "sum_R_status": total.status}


def _averaged(averages: Averages | None) -> dict[str, Any]:
    if averages is None:
        return dict.fromkeys(
            name for name in FITS.names if name.startswith(("R_inf", "u_R_inf", "R_total", "u_R_total"))
        )
    R_inf, total = averages.R_inf, averages.R_total
    return {
        "R_inf_ohm": R_inf.value,
        "u_R_inf_ohm": R_inf.u,
        "R_inf_status": R_inf.status,
        "R_total_ohm": total.value,
        "u_R_total_ohm": total.u,
        "R_total_status": total.status,
        "R_inf_upper_limit_ohm": R_inf.high,
        "R_total_lower_limit_ohm": total.low,
        "R_total_upper_limit_ohm": total.high,
    }


def _process_row(result: FitResult, i: int, area: float, averages: Averages | None) -> dict[str, Any]:
    process = result.processes[i]
    R = result.parameters[process.name if process.name in result.parameters else f"{process.name}.R"]
    given: dict[str, Any] = {"R_averaged_ohm": None, "u_R_averaged_ohm": None, "n_circuits": None}
    if averages is not None:
        averaged = averages.processes[i]
        given = {
            "R_averaged_ohm": averaged.value,
            "u_R_averaged_ohm": averaged.u,
            "n_circuits": averages.n_circuits[i],
        }
    return PROCESSES.row(
        process,
        R_ohm_cm2=_known(process, process.R * area),
        C_F_per_cm2=process.C_eff / area,
        lower_limit_ohm=R.ci_low,
        upper_limit_ohm=R.ci_high,
        **given,
    )


def _parameter_rows(result: FitResult, left_out: Sequence[Quantity]) -> list[dict[str, Any]]:
    correlation = np.nan_to_num(result.correlation)
    np.fill_diagonal(correlation, 0.0)
    partner = np.abs(correlation).argmax(axis=1)  # each parameter's closest
    rows = []
    for i, parameter in enumerate(result.parameters.values()):
        largest = correlation[i, partner[i]]
        name = result.circuit.parameters[partner[i]] if largest else None
        given = {"correlated_with": name, "correlation": largest or None}
        rows.append(PARAMETERS.row(parameter, circuit=repr(result.circuit), **given))
    rows += [_quantity_row(result, limit, "left_out", "not_identifiable") for limit in left_out]
    return rows + [_quantity_row(result, total, "sum", total.status) for total in sums_of_resistances(result)]


def _quantity_row(result: FitResult, quantity: Quantity, role: str, status: str) -> dict[str, Any]:
    return PARAMETERS.row(
        None,
        circuit=repr(result.circuit),
        parameter=quantity.name,
        value=quantity.value,
        stderr=quantity.u,
        ci_low=quantity.low,
        ci_high=quantity.high,
        unit=quantity.unit,
        role=role,
        status=status,
    )
