"""What the tables keep of a sweep: its description, its fit, or why there is none."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eistool.batch.distribution import Distribution
from eistool.batch.materials import conductivity_rows
from eistool.batch.store import Key, Record, Rows
from eistool.batch.tables import KEY, TABLES, number
from eistool.batch.validity import Validity
from eistool.fitting import FitResult, Process
from eistool.spectrum import Spectrum
from eistool.spectrum.metadata import known_area_cm2

NOT_CONVERGED = "not converged"  # the fit's flag


def fit_record(
    key: Key,
    result: FitResult,
    remarks: Sequence[str] = (),
    drt: Distribution | None = None,
    validity: Validity | None = None,
) -> Record:
    """Return the record of a fit; one that did not converge counts as failed, with its values kept.

    Parameters
    ----------
    key : Key
        Of the sweep.
    result : FitResult
        Of any status.
    remarks : sequence of str
        Added to the flags.
    drt : Distribution, optional
        Kept beside the fit; its failure is not one of the fit.
    validity : Validity, optional
        The verdict on the spectrum.
    """
    converged = NOT_CONVERGED not in result.flags
    status = result.status if converged else "failed"
    reason = result.reason or ("" if converged else "the fit did not converge")
    tables = {
        "spectra": Rows.of(_spectrum_row(result.spectrum, status, reason, _noise(result), validity)),
        "fits": Rows.of(_fit_row(result, status, [*result.flags, *remarks])),
        "curves": _curve(result),
    }
    if result.success:
        tables["parameters"] = Rows.of(*_parameter_rows(result))
        tables["processes"] = Rows.of(*_process_rows(result))
    conductivities = conductivity_rows(result)
    if conductivities is not None:
        tables["conductivity"] = conductivities
    if drt is not None:
        tables |= drt.tables
    if status == "failed":
        tables["failures"] = Rows.of({"stage": "fit", "error": reason})
    return Record(key, status, tables)


def drt_record(key: Key, spectrum: Spectrum, drt: Distribution) -> Record:
    """Return the record of a distribution of relaxation times, with its γ."""
    status = "ok" if drt.result is not None else "failed"
    noise = None if drt.result is None else number(drt.result.noise)
    tables = {"spectra": Rows.of(_spectrum_row(spectrum, status, drt.reason, noise)), **drt.tables, **drt.curve}
    if status == "failed":
        tables["failures"] = Rows.of({"stage": "drt", "error": drt.reason})
    return Record(key, status, tables)


def check_record(key: Key, validity: Validity) -> Record:
    """Return the record of a verdict, with the residuals; one that is not passed is a result, no failure."""
    status = "failed" if validity.failure else "ok"
    row = _spectrum_row(validity.spectrum, status, validity.reason, validity=validity)
    tables = {"spectra": Rows.of(row), **validity.tables}
    if status == "failed":
        tables["failures"] = Rows.of({"stage": "check", "error": validity.failure})
    return Record(key, status, tables)


def not_valid_record(key: Key, validity: Validity) -> Record:
    """Return the record of a sweep that is not fitted because it did not pass."""
    reason = f"not valid: {validity.reason}"
    row = _spectrum_row(validity.spectrum, "left_out", reason, validity=validity)
    return Record(key, "left_out", {"spectra": Rows.of(row)})


def read_record(key: Key, spectrum: Spectrum) -> Record:
    """Return the record of a sweep that is part of a series, and not fitted on its own."""
    return Record(key, "ok", {"spectra": Rows.of(_spectrum_row(spectrum, "ok", ""))})


def left_out_record(spectrum: Spectrum, reason: str) -> Record:
    """Return the record of a sweep that was read, and is not to be fitted."""
    key = Key(spectrum.metadata.source or spectrum.label, spectrum.metadata.sweep or 1, "", "")
    return Record(key, "left_out", {"spectra": Rows.of(_spectrum_row(spectrum, "left_out", reason))})


def unreadable_record(source: str, error: str) -> Record:
    """Return the record of a file that cannot be read."""
    return Record(Key(source, 0, "", ""), "failed", {"failures": Rows.of({"stage": "read", "error": error})})


def _noise(result: FitResult) -> float | None:
    """Return the standard deviation that no circuit of RC elements explains, in units of the weighting."""
    return number(math.sqrt(result.noise_floor)) if result.noise_floor >= 0 else None


def _spectrum_row(
    spectrum: Spectrum, status: str, reason: str, noise: float | None = None, validity: Validity | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "n_points": len(spectrum),
        "n_used": spectrum.n_used,
        "f_min_Hz": float(spectrum.frequency.min()),
        "f_max_Hz": float(spectrum.frequency.max()),
        "noise": noise,
        "status": status,
        "reason": reason or None,
        "reader_notes": "; ".join(spectrum.notes) or None,
    }
    told = {} if validity is None else validity.columns
    row = spectrum.metadata.known() | found | {name: value for name, value in told.items() if value is not None}
    return {column: row.get(column) for column in TABLES["spectra"] if column not in KEY}


def _fit_row(result: FitResult, status: str, flags: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "circuit": repr(result.circuit),
        "n_parameters": result.n_free,
        # a failed fit may have no degrees of freedom to divide by
        "chi2_reduced": number(result.chi2_reduced) if result.success else None,
        "aicc": number(result.aicc) if result.success else None,
        "bic": number(result.bic) if result.success else None,
        "status": status,
        "flags": "; ".join(flags) or None,
        "runs_p": number(result.runs_p),
    }
    for name, parameter in result.parameters.items():
        row[name] = number(parameter.value)
        row[f"{name}_stderr"] = number(parameter.stderr)
    return row


def _parameter_rows(result: FitResult) -> list[dict[str, Any]]:
    correlation = np.nan_to_num(result.correlation)
    np.fill_diagonal(correlation, 0.0)
    partner = np.abs(correlation).argmax(axis=1)  # each parameter's closest
    return [
        {
            "circuit": repr(result.circuit),
            "parameter": parameter.name,
            "value": number(parameter.value),
            "stderr": number(parameter.stderr),
            "ci_low": number(parameter.ci_low),
            "ci_high": number(parameter.ci_high),
            "unit": parameter.unit or None,
            "role": parameter.role or None,
            "status": parameter.status,
            "correlated_with": result.circuit.parameters[partner[i]] if correlation[i, partner[i]] else None,
            "correlation": number(correlation[i, partner[i]]) if correlation[i, partner[i]] else None,
        }
        for i, parameter in enumerate(result.parameters.values())
    ]


def _process_rows(result: FitResult) -> list[dict[str, Any]]:
    area = known_area_cm2(result.spectrum.metadata)
    return [_process_row(process, area) for process in result.processes]


def _process_row(process: Process, area: float | None) -> dict[str, Any]:
    return {
        "process": process.name,
        "R_ohm": number(process.R),
        "u_R_ohm": number(process.u_R),
        "tau_s": number(process.tau),
        "u_tau_s": number(process.u_tau),
        "alpha": number(process.alpha),
        "C_F": number(process.C_eff),
        "u_C_F": number(process.u_C_eff),
        "R_ohm_cm2": None if area is None else number(process.R * area),
        "C_F_per_cm2": None if area is None else number(process.C_eff / area),
        "assignment": process.assignment or None,
        "status": process.status,
        "u_alpha": number(process.u_alpha),
        "apex_Hz": number(process.apex_Hz),
        "u_apex_Hz": number(process.u_apex_Hz),
        "edge": process.edge,
    }


def _curve(result: FitResult) -> Rows:
    spectrum = result.spectrum
    columns: Mapping[str, list[Any]] = {
        "frequency_Hz": spectrum.frequency.tolist(),
        "z_real_ohm": spectrum.impedance.real.tolist(),
        "z_imag_ohm": spectrum.impedance.imag.tolist(),
        "fit_real_ohm": _numbers(result.impedance.real.tolist()),
        "fit_imag_ohm": _numbers(result.impedance.imag.tolist()),
        "residual_real": _numbers(result.residual.real.tolist()),
        "residual_imag": _numbers(result.residual.imag.tolist()),
        "mask_reason": [reason or None for reason in spectrum.mask_reason],
    }
    return Rows(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _numbers(values: list[float]) -> list[float | None]:
    return [number(value) for value in values]
