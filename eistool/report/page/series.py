"""Contents of the report on series: curves, map of γ, tracks and events."""

from collections.abc import Iterator

from eistool.display import format_value
from eistool.report.page.sweeps import measured
from eistool.report.page.words import STATUS
from eistool.report.results import (
    Key,
    Results,
    Row,
    coordinate_axis,
    coordinate_label,
    key_of,
    name_of,
    number,
    numbers,
)
from eistool.report.units import format_ohm
from eistool.typing import JSON


def series_names(results: Results) -> list[str]:
    """Return the series that were tracked, in the order of ``tracks.csv``."""
    return list(dict.fromkeys(row.get("series", "") for row in results.rows("tracks")))


def series_contents(results: Results, numbers_of_sweeps: dict[Key, int]) -> Iterator[JSON]:
    """Return the contents of each series.

    Parameters
    ----------
    results : Results
        Tables of the folder.
    numbers_of_sweeps : dict
        Number of each sweep in the report.
    """
    axis = coordinate_axis(results)
    tables = {name: _by_series(results, name) for name in ("tracks", "events", "series", "series_drt")}
    for name in series_names(results):
        tracks, gamma = tables["tracks"][name], tables["series_drt"].get(name, [])
        members = {int(row["index"]): row for row in tracks}
        yield {
            "name": name,
            "axis": axis,
            "members": [
                {
                    "id": numbers_of_sweeps.get(key_of(row)),
                    "index": i,
                    "name": name_of(key_of(row)),
                    "at": coordinate_label(row),
                }
                for i, row in sorted(members.items())
            ],
            "tracks": [
                _track(process, [row for row in tracks if row["process_id"] == process])
                for process in dict.fromkeys(row["process_id"] for row in tracks)
            ],
            "map": _map(gamma),
            "events": [_event(row) for row in tables["events"].get(name, [])],
            "summary": [_summary(row) for row in tables["series"].get(name, [])],
        }


def _by_series(results: Results, table: str) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for row in results.rows(table):
        groups.setdefault(row.get("series", ""), []).append(row)
    return groups


def _track(process: str, rows: list[dict[str, str]]) -> JSON:
    return {
        "id": process,
        "index": [int(row["index"]) for row in rows],
        "status": [STATUS.get(row["status"], row["status"]) for row in rows],
        "R": numbers(rows, "R_ohm"),
        "uR": numbers(rows, "u_R_ohm", 3),
        "limit": numbers(rows, "upper_limit_ohm", 3),
        "tau": numbers(rows, "tau_s"),
        "uTau": numbers(rows, "u_tau_s", 3),
    }


def _map(rows: list[dict[str, str]]) -> JSON | None:
    lines: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        lines.setdefault(row["index"], []).append(row)
    if not lines:
        return None
    first = next(iter(lines.values()))
    return {"tau": numbers(first, "tau_s", 4), "gamma": [numbers(line, "gamma_ohm", 3) for line in lines.values()]}


def _event(row: Row) -> JSON:
    R, tau = number(row.get("R_ohm")), number(row.get("tau_s"))
    evidence = [
        f"{label} {value:.3g}"
        for label, name in (("ΔBIC", "delta_bic"), ("p by bootstrap", "bootstrap_p"))
        if (value := number(row.get(name))) is not None
    ]
    failed = [name[-1] for name in (f"criterion_{i}" for i in range(1, 7)) if row.get(name) == "false"]
    if failed:
        evidence.append(f"criteria not met: {', '.join(failed)}")
    return {
        "index": int(number(row.get("index")) or 0),
        "status": row.get("status", ""),
        "cells": [
            row.get("event", ""),
            row.get("process_id", ""),
            coordinate_label(row),
            row.get("status", ""),
            "" if R is None else format_ohm(R, number(row.get("u_R_ohm"))),
            "" if tau is None else f"{tau:.3g}",
            "; ".join(evidence),
            row.get("reason", ""),
        ],
    }


def _summary(row: Row) -> list[str]:
    ends = [
        "" if (R := number(row.get(f"{end}_ohm"))) is None
        else f"{format_ohm(R, number(row.get(f'u_{end}_ohm')))} at {number(row.get(f'{end}_at')) or 0:.4g}"
        for end in ("minimum", "maximum")
    ]  # fmt: skip
    share = number(row.get("reversible_fraction"))
    return [
        row.get("quantity", ""),
        row.get("n_points", ""),
        *ends,
        row.get("trend", ""),
        "" if share is None else format_value(share, number(row.get("u_reversible_fraction"))),
        row.get("growth_law", ""),
        measured(row.get("Ea_eV"), row.get("u_Ea_eV")),
    ]
