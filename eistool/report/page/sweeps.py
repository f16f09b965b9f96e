"""Contents of the report on single sweeps: a line of the overview, and the details drawn on demand."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eistool.display import format_value
from eistool.report.page.words import STATES, STATUS, explain_flag, split_flags
from eistool.report.results import Key, Results, Row, geometry_of, key_of, name_of, number, numbers
from eistool.report.units import format_hertz, format_ohm, format_siemens
from eistool.typing import JSON

_KK = {"true": "passed", "false": "not passed", "": "undecided"}
# column of spectra.csv, heading, format
CONDITIONS = (
    ("sample_id", "sample", "{}"),
    ("temperature_C", "T / °C", "{:g}"),
    ("soc_pct", "SOC / %", "{:g}"),
    ("voltage_V", "U / V", "{:g}"),
    ("direction", "direction", "{}"),
    ("cycle", "cycle", "{:g}"),
    ("time_h", "t / h", "{:.4g}"),
)
_FACTS = (
    ("format", "format", "{}"),
    ("technique", "technique", "{}"),
    ("started_at", "started", "{}"),
    ("cell_type", "cell", "{}"),
    ("stack", "layers", "{}"),
    ("material", "material", "{}"),
    ("thickness_um", "thickness", "{:g} µm"),
    ("diameter_mm", "diameter", "{:g} mm"),
    ("area_cm2", "area", "{:g} cm²"),
    ("cell_constant_per_cm", "L/A", "{:g} /cm"),
    ("composition_x", "composition x", "{:g}"),
    ("pressure_MPa", "pressure", "{:g} MPa"),
    ("amplitude_mV", "amplitude", "{:g} mV"),
    ("n_points", "points", "{:g}"),
    ("masked", "left out", "{}"),
    ("reader_notes", "notes of the reader", "{}"),
    ("notes", "notes", "{}"),
)
READINGS = {
    "R_first": "Re Z at the highest frequency",
    "R_last": "Re Z at the lowest frequency",
    "R_phase": "Re Z where the phase is least",
    "R_intercept": "intercept with the real axis",
}
_ALWAYS = ("R_first", "R_last", "R_phase")  # without a feature of the plot


@dataclass(frozen=True, slots=True)
class Line:
    """Line of the overview of sweeps."""

    id: int
    name: str
    status: str
    circuit: str
    conditions: tuple[tuple[str, float | str], ...]  # text and key for sorting, by :data:`CONDITIONS`
    kramers_kronig: str
    chi2: tuple[str, float | str]
    R_inf: tuple[str, float | str]
    R_total: tuple[str, float | str]
    sigma: tuple[str, float | str]
    n_remarks: int


class Sweeps:
    """Sweeps of a result folder, in the order of ``spectra.csv``.

    Parameters
    ----------
    results : Results
        Tables of the folder.
    """

    def __init__(self, results: Results) -> None:
        self._rows = results.rows("spectra")
        names = ("fits", "drt", "check", "conductivity", "parameters", "processes", "readings")
        self._tables = {name: results.by_sweep(name) for name in (*names, "drt_peaks", "drt_curves")}
        self._tables["curves"] = results.by_sweep("measured") | results.by_sweep("curves")
        self._failures = {key_of(row): row.get("error", "") for row in results.rows("failures")}
        self.numbers = {key_of(row): i for i, row in enumerate(self._rows)}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shown_conditions(self) -> list[int]:
        """Indices of :data:`CONDITIONS` that distinguish sweeps."""
        return [i for i, (name, _, _) in enumerate(CONDITIONS) if len({row.get(name) for row in self._rows}) > 1]

    def verdicts(self) -> dict[str, int]:
        """Return the number of sweeps by the verdict of the Kramers-Kronig test."""
        verdicts = Counter(_KK.get(row.get("kk_passed", ""), "undecided") for row in self._rows)
        return {name: verdicts[name] for name in ("passed", "not passed", "undecided")}

    def lines(self) -> Iterator[Line]:
        """Return the lines of the overview."""
        for i, row in enumerate(self._rows):
            key = key_of(row)
            fit, drt = self._first("fits", key), self._first("drt", key)
            total = [one for one in self._tables["conductivity"].get(key, ()) if one["quantity"] == "total"]
            source = fit or drt
            yield Line(
                i,
                name_of(key),
                row.get("status") or "ok",
                fit.get("circuit", "") or drt.get("model", ""),
                tuple(_condition(row.get(name, ""), form) for name, _, form in CONDITIONS),
                _KK.get(row.get("kk_passed", ""), "undecided"),
                _sortable(fit.get("chi2_reduced"), "{:.3g}"),
                _resistance(source, "R_inf", fit.get("R_inf_status", "ok")),
                _resistance(fit, "R_total", fit.get("R_total_status", "")),
                _sigma(total[0]) if total else ("", ""),
                len(split_flags(fit.get("flags", ""))) + len(split_flags(drt.get("flags", ""))),
            )

    def details(self) -> Iterator[JSON]:
        """Return the details of each sweep."""
        return (self._details(row) for row in self._rows)

    def _first(self, table: str, key: Key) -> dict[str, str]:
        rows = self._tables[table].get(key)
        return rows[0] if rows else {}

    def _details(self, row: Row) -> JSON:
        key = key_of(row)
        fit, drt, check = (self._first(name, key) for name in ("fits", "drt", "check"))
        curves = self._tables["curves"].get(key, [])
        status = row.get("status") or "ok"
        return {
            "name": name_of(key),
            "status": status,
            "verdict": _verdict(status, row, fit, self._failures.get(key, "")),
            "kk": _kramers_kronig(row, check),
            "circuit": fit.get("circuit", ""),
            "quality": _quality(row, fit),
            "flags": [explain_flag(flag) for flag in split_flags(fit.get("flags", ""))],
            "drt_flags": [explain_flag(flag) for flag in split_flags(drt.get("flags", ""))],
            "facts": [(label, text) for _, label, text in _facts(row)],
            "geometry": _geometry(row),
            "curve": _curve(curves),
            "sums": _sums(fit, drt),
            "parameters": [_parameter(one) for one in self._tables["parameters"].get(key, ())],
            "processes": [_process(one) for one in self._tables["processes"].get(key, ())],
            "readings": [_reading(one) for one in self._tables["readings"].get(key, ())],
            "marks": _marks(self._tables["readings"].get(key, ()), curves),
            "drt": _distribution(drt, self._tables["drt_curves"].get(key, ())),
            "peaks": [_peak(one) for one in self._tables["drt_peaks"].get(key, ())],
            "conductivity": [conductivity_cells(one) for one in self._tables["conductivity"].get(key, ())],
        }


def measured(value: str | None, u: str | None) -> str:
    """Return ``value ± u`` of two cells, empty without a value."""
    known = number(value)
    return "" if known is None else format_value(known, number(u))


def _condition(text: str, form: str) -> tuple[str, float | str]:
    return (text, text) if form == "{}" else _sortable(text, form)


def _sortable(text: str | None, form: str) -> tuple[str, float | str]:
    value = number(text)
    return ("", "") if value is None else (form.format(value), value)


def _resistance(row: Row, name: str, status: str) -> tuple[str, float | str]:
    value = number(row.get(f"{name}_ohm"))
    if value is None or status not in ("ok", "extrapolated"):
        return "" if status == "ok" else status.replace("_", " "), ""
    return format_ohm(value, number(row.get(f"u_{name}_ohm"))), value


def _sigma(row: Row) -> tuple[str, float | str]:
    value = number(row.get("sigma_S_per_cm"))
    if value is None:
        return row.get("status", "").replace("_", " "), ""
    return format_siemens(value, number(row.get("u_sigma_S_per_cm"))), value


def _verdict(status: str, row: Row, fit: Row, failure: str) -> str:
    reason = row.get("reason") or failure
    sentence = STATES.get(status, status) if fit or status != "ok" else "The spectrum was read."
    return f"{sentence} Reason: {reason}" if reason else sentence


def _kramers_kronig(row: Row, check: Row) -> str:
    verdict = _KK.get(row.get("kk_passed", ""), "undecided")
    largest = number(row.get("kk_max_residual"))
    text = f"Kramers-Kronig test {verdict}"
    if largest is not None:
        text += f", largest residual {100 * largest:.2g} %"
    return f"{text}. {check['reason']}" if check.get("reason") else f"{text}."


def _quality(row: Row, fit: Row) -> str:
    parts = []
    if (chi2 := number(fit.get("chi2_reduced"))) is not None:
        parts.append(f"reduced χ² {chi2:.3g}")
    if fit.get("weighting_used"):
        parts.append(f"weighting {fit['weighting_used']}")
    if (noise := number(row.get("noise"))) is not None:
        parts.append(f"noise {100 * noise:.2g} %")
    return ", ".join(parts)


def _facts(row: Row) -> Iterator[tuple[str, str, str]]:
    for name, label, form in (*CONDITIONS, *_FACTS):
        cell = row.get(name, "")
        value = number(cell)
        text = cell if form == "{}" else form.format(value) if value is not None else ""
        if text:
            yield name, label, text
    low, high = number(row.get("f_min_Hz")), number(row.get("f_max_Hz"))
    if low and high:
        yield "f", "frequencies", f"{format_hertz(low)} to {format_hertz(high)}"


def _geometry(row: Row) -> JSON:
    """Return the factors that turn Z into Z·A, Z/L and Z·A/L, in cm."""
    cell = geometry_of(row)
    if cell is None:
        return {"area": number(row.get("area_cm2")), "length": None, "constant": None}
    length = None if cell.thickness_um is None else cell.thickness_um * 1e-4
    return {"area": cell.area_cm2, "length": length, "constant": cell.cell_constant_per_cm}


def _curve(rows: Sequence[Row]) -> JSON:
    columns = {
        "f": "frequency_Hz",
        "re": "z_real_ohm",
        "im": "z_imag_ohm",
        "fitRe": "fit_real_ohm",
        "fitIm": "fit_imag_ohm",
        "kkRe": "kk_residual_real",
        "kkIm": "kk_residual_imag",
    }
    rows = sorted(rows, key=lambda row: -(number(row["frequency_Hz"]) or 0.0))
    curve: JSON = {name: numbers(rows, column) for name, column in columns.items()}
    for name in ("fitRe", "fitIm", "kkRe", "kkIm"):
        if all(value is None for value in curve[name]):
            curve[name] = []
    return curve | {"mask": [row.get("mask_reason", "") for row in rows]}


def _sums(fit: Row, drt: Row) -> list[tuple[str, str, str]]:
    rows = []
    for name, label in (("R_inf", "R at infinite frequency"), ("R_total", "R to direct current")):
        status = fit.get(f"{name}_status", "")
        if not status:
            continue
        value = number(fit.get(f"{name}_ohm"))
        text = "" if value is None or status != "ok" else format_ohm(value, number(fit.get(f"u_{name}_ohm")))
        limits = [
            f"{sign} {format_ohm(limit)}"
            for sign, end in ((">", "lower"), ("<", "upper"))
            if (limit := number(fit.get(f"{name}_{end}_limit_ohm"))) is not None and not text
        ]
        rows.append((label, text or ", ".join(limits), STATUS.get(status, status)))
    polarization = number(drt.get("R_pol_ohm"))
    if polarization is not None:
        rows.append(("R_pol of the distribution", format_ohm(polarization, number(drt.get("u_R_pol_ohm"))), ""))
    return rows


def _parameter(row: Row) -> list[str]:
    status, value = row.get("status", ""), number(row.get("value"))
    low, high = number(row.get("ci_low")), number(row.get("ci_high"))
    interval = "" if low is None or high is None else f"{low:.4g} … {high:.4g}"
    text = "" if value is None else format_value(value, number(row.get("stderr")))
    if status == "not_identifiable":  # a number would be taken for a result
        text = f"< {high:.2g}" if high is not None and row.get("unit") == "ohm" else ""
    return [
        row.get("parameter", ""),
        text,
        row.get("unit", ""),
        interval,
        row.get("role", ""),
        STATUS.get(status, status),
    ]


def _process(row: Row) -> list[str]:
    R, apex = number(row.get("R_ohm")), number(row.get("apex_Hz"))
    limit = number(row.get("upper_limit_ohm"))
    text = (f"< {format_ohm(limit)}" if limit else "") if R is None else format_ohm(R, number(row.get("u_R_ohm")))
    is_timed = row.get("tau_status") != "not_resolvable"
    return [
        row.get("process", ""),
        text,
        format_hertz(apex) if apex and is_timed else "",
        measured(row.get("tau_s"), row.get("u_tau_s")) if is_timed else "",
        measured(row.get("alpha"), row.get("u_alpha")),
        measured(row.get("C_F"), row.get("u_C_F")) if is_timed else "",
        row.get("assignment", ""),
        STATUS.get(row.get("status", ""), row.get("status", "")),
    ]


def reading_label(quantity: str) -> str:
    """Return the meaning of a quantity of ``readings.csv``.

    Examples
    --------
    >>> reading_label("R_minimum_2"), reading_label("apex_1_height")
    ('Re Z at minimum 2 of −Im Z', 'height of apex 1')
    """
    if quantity.startswith("R_minimum_"):
        return f"Re Z at minimum {quantity.rpartition('_')[2]} of −Im Z"
    if quantity.startswith("apex_"):
        return f"{quantity.split('_')[2].replace('height', 'height of')} apex {quantity.split('_')[1]}"
    return READINGS.get(quantity, quantity)


def _reading(row: Row) -> list[str]:
    value, frequency = number(row.get("value")), number(row.get("frequency_Hz"))
    is_ohm = row.get("unit") == "ohm"
    if value is None:
        text = ""
    else:
        u = number(row.get("u"))
        text = format_ohm(value, u) if is_ohm else f"{format_value(value, u)} {row.get('unit', '')}"
    status = STATUS.get(row.get("status", ""), row.get("status", ""))
    remark = f"{status}: {row['reason']}" if row.get("reason") else status
    return [reading_label(row.get("quantity", "")), text, format_hertz(frequency) if frequency else "", remark]


def _marks(readings: Sequence[Row], curves: Sequence[Row]) -> list[JSON]:
    """Return the points of the Nyquist plot that belong to readings which stand out."""
    points = [[number(row[name]) for name in ("frequency_Hz", "z_real_ohm", "z_imag_ohm")] for row in curves]
    known = np.array(sorted(point for point in points if None not in point), dtype=np.float64)
    marks = []
    for row in readings:
        value, frequency = number(row.get("value")), number(row.get("frequency_Hz"))
        skipped = row.get("quantity") in _ALWAYS or row.get("status") != "ok"
        if skipped or value is None or not frequency or not known.size:
            continue
        re, im = (float(np.interp(math.log(frequency), np.log(known[:, 0]), known[:, i])) for i in (1, 2))
        is_height = row.get("quantity", "").endswith("height")
        marks.append(
            {
                "label": f"{reading_label(row['quantity'])}: {measured(row['value'], row.get('u'))} Ω",
                "re": float(f"{re if is_height else value:.6g}"),
                "im": float(f"{-value if is_height else im:.6g}"),
            }
        )
    return marks


def _distribution(drt: Row, rows: Sequence[Row]) -> JSON | None:
    if not rows:
        return None
    columns = {"tau": "tau_s", "gamma": "gamma_ohm", "low": "gamma_low", "high": "gamma_high"}
    return {
        **{name: numbers(rows, column, 4) for name, column in columns.items()},
        "window": [number(drt.get("tau_min_s")), number(drt.get("tau_max_s"))],
    }


def _peak(row: Row) -> JSON:
    R, tau, frequency = (number(row.get(name)) or 0.0 for name in ("R_ohm", "tau_s", "frequency_Hz"))
    remarks = [
        text
        for name, value, text in (
            ("edge", "true", "outside the measured window"),
            ("persistent", "false", "depends on the smoothing"),
        )
        if row.get(name) == value
    ]
    shape = "pure RC" if row.get("atom") == "true" else row.get("shape", "")
    cells = [
        measured(row.get("tau_s"), row.get("u_tau_s")),
        format_hertz(frequency) if frequency else "",
        format_ohm(R, number(row.get("u_R_ohm"))),
        "" if (p := number(row.get("probability"))) is None else f"{100 * p:.0f} %",
        shape,
        ", ".join(remarks),
    ]
    height = number(row.get("height_ohm"))
    return {"tau": tau, "R": R, "height": height, "label": f"{cells[2]} at {cells[1]}", "cells": cells}


def conductivity_cells(row: Row) -> list[str]:
    """Return quantity, σ or its limits, R in ohm and remarks of a row of ``conductivity.csv``."""
    text = _sigma(row)[0] if number(row.get("sigma_S_per_cm")) is not None else _limits(row)
    status = STATUS.get(row.get("status", ""), row.get("status", ""))
    remark = f"{status}: {row['reason']}" if status and row.get("reason") else status or row.get("reason", "")
    return [
        row.get("quantity", "").replace("_", " "),
        text,
        measured(row.get("R_ohm"), row.get("u_R_ohm")),
        remark,
    ]


def _limits(row: Row) -> str:
    ends = ((">", number(row.get("lower_limit"))), ("<", number(row.get("upper_limit"))))
    return ", ".join(f"{sign} {format_siemens(float(f'{end:.3g}'))}" for sign, end in ends if end is not None)
