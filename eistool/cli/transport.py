"""Conductivities and activation energies as lines of text."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from eistool.report.units import format_ohm, format_siemens

if TYPE_CHECKING:
    from eistool.batch import Summary
    from eistool.tables import Rows


def transport_lines(summary: "Summary", most: int | None = None) -> list[str]:
    """Return a line for each conductivity, by sample and temperature, then those of the activation energies.

    Parameters
    ----------
    summary : Summary
        Outcome of a batch.
    most : int, optional
        Number of conductivities after which the others are left to the table.
    """
    rows = sorted(_rows(summary.derived.get("conductivity")), key=_place)[:most]
    shown = {(one["source"], one["sweep"]) for one in rows}
    circuits = {
        (record.key.source, record.key.sweep): record.row("fits")["circuit"]
        for record in summary.find(shown)
        if "fits" in record.tables
    }
    names = _names() if circuits else {}
    width = max((len(one["sample_id"] or one["source"]) for one in rows), default=0)
    lines = []
    for one in rows:
        circuit = circuits.get((one["source"], one["sweep"]), "")
        lines.append(conductivity_line(one, names.get(circuit, circuit), width))
    return [*lines, *(arrhenius_line(one) for one in _rows(summary.derived.get("arrhenius")))]


def _rows(table: "Rows | None") -> Iterable[dict[str, Any]]:
    return () if table is None else iter(table)


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    order = ("total", "bulk", "grain_boundary")
    T = math.inf if row["temperature_C"] is None else row["temperature_C"]
    return row["sample_id"] or "", T, row["source"], row["sweep"], order.index(row["quantity"])


def _names() -> dict[str, str]:
    from eistool.circuit.library import load_circuit

    names = ("spike", "r0_arc_spike", "bulk_spike", "bulk_gb_spike", "symmetric_li", "symmetric_in", "nonblocking")
    return {repr(load_circuit(name)): name for name in reversed(names)}


def conductivity_line(row: Mapping[str, Any], circuit: str = "", width: int = 0) -> str:
    """Return one row of ``conductivity.csv`` as text.

    Examples
    --------
    >>> row = {"sample_id": "S17", "temperature_C": 25.0, "quantity": "total", "R_ohm": 53.05, "status": "ok",
    ...        "sigma_S_per_cm": 2.4e-3, "u_sigma_S_per_cm": 1.2e-4, "reason": "no arc"}
    >>> conductivity_line(row, "spike")
    'S17  25.0 °C  σ_total 2.40 ± 0.12 mS/cm  R 53.05 Ω  spike (no arc)'
    """
    name = row["sample_id"] or row.get("source") or ""
    parts = [name.ljust(width)] if name else []
    if row["temperature_C"] is not None:
        parts.append(f"{row['temperature_C']:.1f} °C")
    symbol = {"grain_boundary": "σ_gb"}.get(row["quantity"], f"σ_{row['quantity']}")
    sigma = row["sigma_S_per_cm"]
    if sigma is not None:
        status = "" if row["status"] == "ok" else f" ({row['status']})"
        parts.append(f"{symbol} {format_siemens(sigma, row['u_sigma_S_per_cm'])}{status}")
        parts.append(f"R {format_ohm(float('{:.4g}'.format(row['R_ohm'])))}")
    else:
        limits = [("> ", row.get("lower_limit")), ("< ", row.get("upper_limit"))]
        known = [
            f"{sign}{format_siemens(float(f'{limit:.3g}'))} (95 %)" for sign, limit in limits if limit is not None
        ]
        parts.append(f"{symbol} {', '.join([row['status'].replace('_', ' '), *known])}")
    reason = f"({row['reason']})" if row["reason"] else ""
    parts.append(f"{circuit} {reason}".strip())
    return "  ".join(part for part in parts if part)


def arrhenius_line(row: Mapping[str, Any]) -> str:
    """Return one row of ``arrhenius.csv`` as text."""
    from eistool.display import format_value

    name = f"{row['sample_id']}  " if row["sample_id"] else ""
    span = f"{row['n_points']} points from {row['T_min_C']:g} to {row['T_max_C']:g} °C"
    if row["form"] != "ln_sigmaT":
        span += ", of ln σ"
    if row["status"] == "not_resolvable":
        return f"{name}Ea of {row['quantity']} not resolvable ({row['reason']}; {span})"
    status = "" if row["status"] == "ok" else f" ({row['status']})"
    energy = f"Ea_{row['quantity']} {format_value(row['Ea_eV'], row['u_Ea_eV'])} eV"
    room = format_siemens(row["sigma_25C_S_per_cm"], row["u_sigma_25C_S_per_cm"])
    remark = "" if row["sigma_25C_status"] == "ok" else f" ({row['sigma_25C_status']})"
    return f"{name}{energy}{status} = {row['Ea_kJ_per_mol']:.1f} kJ/mol  σ(25 °C) {room}{remark}  ({span})"
