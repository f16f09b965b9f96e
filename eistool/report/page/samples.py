"""Contents of the report on samples: conductivities and activation energies."""

import math

from eistool.display import format_value
from eistool.report.arrhenius_line import line_of
from eistool.report.page.sweeps import conductivity_cells, measured
from eistool.report.page.words import STATUS
from eistool.report.results import Results, Row, key_of, name_of, number
from eistool.report.units import format_siemens
from eistool.typing import JSON

ENERGY_COLUMNS = ("sample", "quantity", "Ea", "Ea / (kJ/mol)", "σ at 25 °C", "points", "range", "remarks")


def sample_contents(results: Results) -> list[JSON]:
    """Return conductivities and Arrhenius lines by sample, none without a ``conductivity.csv``."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in results.rows("conductivity"):
        groups.setdefault(row.get("sample_id", ""), []).append(row)
    lines: dict[str, list[dict[str, str]]] = {}
    for row in results.rows("arrhenius"):
        lines.setdefault(row.get("sample_id", ""), []).append(row)
    return [
        {
            "name": name or "without a sample",
            "points": [point for row in groups.get(name, []) if (point := _point(row))],
            "lines": [line for row in lines.get(name, []) if (line := _line(row))],
            "rows": [
                [
                    name_of(key_of(row)),
                    "" if (T := number(row.get("temperature_C"))) is None else f"{T:g}",
                    *conductivity_cells(row),
                ]
                for row in sorted(groups.get(name, []), key=_temperature)
            ],
        }
        for name in dict.fromkeys((*groups, *lines))
    ]


def energy_rows(results: Results) -> list[list[str]]:
    """Return a row for each activation energy, see :data:`ENERGY_COLUMNS`."""
    return [_energy(row) for row in results.rows("arrhenius")]


def _temperature(row: Row) -> float:
    T = number(row.get("temperature_C"))
    return math.inf if T is None else T


def _point(row: Row) -> JSON | None:
    T, sigma = number(row.get("temperature_C")), number(row.get("sigma_S_per_cm"))
    if T is None or not sigma or sigma <= 0:
        return None
    return {
        "name": name_of(key_of(row)),
        "quantity": row.get("quantity", "").replace("_", " "),
        "T": T,
        "sigma": float(f"{sigma:.6g}"),
        "u": number(row.get("u_sigma_S_per_cm")) or 0.0,
        "open": row.get("status") != "ok",
    }


def _line(row: Row) -> JSON | None:
    line = line_of(row)
    if line is None:
        return None
    names = ("T", "sigma", "low", "high")
    return {
        "quantity": row.get("quantity", "").replace("_", " "),
        "label": f"Ea {measured(row.get('Ea_eV'), row.get('u_Ea_eV'))} eV",
        **{
            name: [float(f"{x:.6g}") if math.isfinite(x) else None for x in values]
            for name, values in zip(names, line, strict=True)
        },
    }


def _energy(row: Row) -> list[str]:
    status = STATUS.get(row.get("status", ""), row.get("status", ""))
    Ea, u_Ea, sigma = (number(row.get(name)) for name in ("Ea_eV", "u_Ea_eV", "sigma_25C_S_per_cm"))
    kilojoule = number(row.get("Ea_kJ_per_mol"))
    room = "" if sigma is None else format_siemens(sigma, number(row.get("u_sigma_25C_S_per_cm")))
    ends = (number(row.get("T_min_C")), number(row.get("T_max_C")))
    return [
        row.get("sample_id", ""),
        row.get("quantity", "").replace("_", " "),
        "" if Ea is None else f"{format_value(Ea, u_Ea)} eV",
        "" if kilojoule is None else f"{kilojoule:.1f}",
        room,
        row.get("n_points", ""),
        "" if None in ends else f"{ends[0]:g} to {ends[1]:g} °C",
        "; ".join(text for text in (status, row.get("reason", ""), row.get("flags", "")) if text),
    ]
