"""Conductivities of a batch, and what a series of temperatures or compositions makes of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eistool.batch.derived import Derived
from eistool.batch.store import Record, Rows
from eistool.batch.tables import TABLES, collect, number
from eistool.constants import TWO_SIDED_95
from eistool.errors import EistoolError
from eistool.fitting import FitResult
from eistool.materials import Alternative, Arrhenius, ConductivityValue, arrhenius, conductivity, meyer_neldel
from eistool.materials.arrhenius import KJ_PER_MOL
from eistool.materials.conductivity_value import temperature_share
from eistool.spectrum import CellGeometry, Metadata, Spectrum
from eistool.spectrum.geometry import geometry_conflicts

CELL_TYPES = (None, "blocking", "symmetric")  # whose thickness is that of an electrolyte
INTERFACES = ("charge_transfer", "film", "interphase", "electrode", "surface_layer", "reaction")
QUANTITIES = ("total", "bulk", "grain_boundary")
LARGE_AMPLITUDE_MV = 50.0
ROOM_C, NEAR_ROOM_K = 25.0, 7.5


def conductivity_rows(result: FitResult) -> Rows | None:
    """Return the rows of ``conductivity.csv`` of one fit; None without a geometry, or for no electrolyte."""
    metadata = result.spectrum.metadata
    cell = None if metadata.cell_type not in CELL_TYPES else CellGeometry.from_metadata(metadata)
    if cell is None:
        return None
    try:
        found = conductivity(result, cell)
    except EistoolError:  # a geometry that contradicts itself is among the conflicts
        return None
    rows = [_value_row(one, found.cell, "; ".join(found.assumed)) for one in found.values]
    specific = found.grain_boundary_specific
    for row in rows:
        row["elements"] = " ".join(found.resistors.get(row["quantity"], ())) or None
        own = specific if row["quantity"] == "grain_boundary" else None
        row["sigma_specific_S_per_cm"] = None if own is None else number(own.sigma_S_per_cm)
        row["u_sigma_specific_S_per_cm"] = None if own is None else number(own.u_sigma_S_per_cm)
        row["temperature_C"] = metadata.temperature_C
    return Rows.of(*rows) if rows else None


def _value_row(one: ConductivityValue, cell: CellGeometry, assumed: str) -> dict[str, Any]:
    return {
        "quantity": one.quantity,
        "R_ohm": number(one.R_ohm),
        "u_R_ohm": number(one.u_R_ohm),
        "sigma_S_per_cm": number(one.sigma_S_per_cm),
        "u_sigma_S_per_cm": number(one.u_sigma_S_per_cm),
        "lower_limit": number(one.lower_limit),
        "upper_limit": number(one.upper_limit),
        "status": one.status,
        "reason": one.reason or None,
        "sigma_mS_per_cm": number(1e3 * one.sigma_S_per_cm),
        "u_sigma_mS_per_cm": number(1e3 * one.u_sigma_S_per_cm),
        "u_relative_resistance": number(one.u_relative_resistance),
        "u_relative_geometry": number(one.u_relative_geometry),
        "u_relative_temperature": number(one.u_relative_temperature),
        "cell_constant_per_cm": number(cell.cell_constant_per_cm or math.nan),
        "assumed": assumed or None,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The spectra of one sample with their records, and its activation energies by quantity."""

    name: str
    records: tuple[Record, ...]
    spectra: tuple[Mapping[str, Any], ...]  # rows of spectra.csv
    rows: tuple[dict[str, Any], ...]  # of conductivity.csv, with the sample's own energy
    fits: Mapping[str, Arrhenius]

    @property
    def composition(self) -> float | None:
        """x, if all spectra agree on one."""
        found = {row["composition_x"] for row in self.spectra} - {None}
        return float(next(iter(found))) if len(found) == 1 else None

    def constant(self, quantity: str) -> float | None:
        """L/A in 1/cm, if all spectra agree on one."""
        found = {row["cell_constant_per_cm"] for row in self.rows if row["quantity"] == quantity}
        return next(iter(found)) if len(found) == 1 else None


def derive(spectra: Sequence[Spectrum], records: Sequence[Record]) -> Derived:
    """Return conductivities, activation energies and compositions of all records, with their pictures.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Of the records, for fits of all spectra of a sample at once.
    records : sequence of Record
        Of all sweeps.
    """
    from eistool.batch.together import interface_rows, together_rows

    samples = _samples(records)
    rows = [row for sample in samples for row in sample.rows]
    rows.sort(key=lambda row: (row["source"], row["sweep"]))
    fits = [
        arrhenius_row(sample.name, quantity, fit, sample.constant(quantity))
        | {"composition_x": sample.composition}
        for sample in samples
        for quantity, fit in sample.fits.items()
    ]
    others = [
        alternative_row(sample.name, quantity, fit, one)
        for sample in samples
        for quantity, fit in sample.fits.items()
        for one in fit.alternatives
    ]
    by_place = {(s.metadata.source or s.label, s.metadata.sweep or 1): s for s in spectra}
    for sample in samples:
        others += together_rows(sample, by_place)
        others += interface_rows(sample)
    composition = _composition_rows(samples)
    others += _meyer_neldel_rows(samples)
    tables = {
        "conductivity": to_table("conductivity", rows),
        "arrhenius": to_table("arrhenius", fits),
        "arrhenius_alternatives": to_table("arrhenius_alternatives", others),
        "composition": to_table("composition", composition),
    }
    from eistool.batch.materials_pictures import pictures

    return Derived(tables, pictures(samples, composition, by_place), tuple(_remarks(samples, spectra)))


def to_table(name: str, rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Return rows in the columns of a table."""
    columns = TABLES[name]
    return Rows(columns, tuple(tuple(row.get(column) for column in columns) for row in rows))


def _samples(records: Sequence[Record]) -> list[Sample]:
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.key):
        if "spectra" in record.tables and record.status != "left_out":
            row = next(iter(record.tables["spectra"]))
            name = row["sample_id"] or record.key.source.rpartition("/")[0]
            groups.setdefault(name, []).append(record)
    return [_sample(name, group) for name, group in groups.items()]


def _sample(name: str, records: Sequence[Record]) -> Sample:
    by_place = {
        (record.key.source, record.key.sweep): next(iter(record.tables["spectra"]))
        | {"source": record.key.source, "sweep": record.key.sweep}
        for record in records
    }
    rows = [row | {"sample_id": name or None} for row in collect("conductivity", records)]
    for row in rows:
        row["composition_x"] = by_place[row["source"], row["sweep"]]["composition_x"]
        row["u_temperature_C"] = by_place[row["source"], row["sweep"]]["u_temperature_C"]
    known = {row["quantity"] for row in rows}
    quantities = [quantity for quantity in QUANTITIES if quantity in known]
    fits = {}
    for quantity in quantities:
        fit = _fit(name, [row for row in rows if row["quantity"] == quantity])
        if fit is not None:
            fits[quantity] = fit
    rows = [_with_own_energy(row, fits.get(row["quantity"])) for row in rows]
    return Sample(name, tuple(records), tuple(by_place.values()), tuple(rows), fits)


def _fit(name: str, rows: Sequence[Mapping[str, Any]]) -> Arrhenius | None:
    """Return the Arrhenius fit of one quantity; None with fewer than two temperatures."""
    known = [row for row in rows if row["sigma_S_per_cm"] is not None and row["temperature_C"] is not None]
    if len({row["temperature_C"] for row in known}) < 2:
        return None
    T, sigma, u_R, u_geometry = (
        np.array([row[column] for row in known], dtype=np.float64)
        for column in ("temperature_C", "sigma_S_per_cm", "u_relative_resistance", "u_relative_geometry")
    )
    u_T = [1.0 if row["u_temperature_C"] is None else row["u_temperature_C"] for row in known]
    return arrhenius(
        T,
        sigma,
        np.maximum(u_R, 1e-9) * sigma,
        u_geometry=float(u_geometry.mean()),
        u_temperature_K=u_T,
        extrapolated=[row["status"] == "extrapolated" for row in known],
        label=name,
    )


def _with_own_energy(row: dict[str, Any], fit: Arrhenius | None) -> dict[str, Any]:
    """Return a row whose error of temperature follows from the sample's own activation energy."""
    if fit is None or fit.status == "not_resolvable" or row["sigma_S_per_cm"] is None:
        return row
    u_T = 1.0 if row["u_temperature_C"] is None else row["u_temperature_C"]
    share = temperature_share(fit.Ea_eV, row["temperature_C"], u_T)
    relative = math.sqrt(row["u_relative_resistance"] ** 2 + row["u_relative_geometry"] ** 2 + share**2)
    sigma = row["sigma_S_per_cm"]
    assumed = [part for part in (row["assumed"] or "").split("; ") if part and not part.startswith("Ea = ")]
    return row | {
        "u_sigma_S_per_cm": sigma * relative,
        "u_sigma_mS_per_cm": 1e3 * sigma * relative,
        "lower_limit": sigma * math.exp(-TWO_SIDED_95 * relative),
        "upper_limit": sigma * math.exp(TWO_SIDED_95 * relative),
        "u_relative_temperature": share,
        "assumed": "; ".join(assumed) or None,
    }


def arrhenius_row(
    name: str, quantity: str, fit: Arrhenius, cell_constant_per_cm: float | None = None
) -> dict[str, Any]:
    """Return a row of ``arrhenius.csv``; the effect of a lead needs L/A."""
    systematic = fit.systematics(cell_constant_per_cm)
    known = fit.status != "not_resolvable"
    T = fit.temperature_C[fit.used]

    def shown(value: float) -> float | None:
        return number(value) if known else None

    return {
        "sample_id": name or None,
        "quantity": quantity,
        "form": fit.form,
        "Ea_eV": shown(fit.Ea_eV),
        "u_Ea_eV": shown(fit.u_Ea_eV),
        "ln_sigma0": shown(fit.ln_sigma0),
        "u_ln_sigma0": shown(fit.u_ln_sigma0),
        "sigma_25C_S_per_cm": shown(fit.sigma_25C_S_per_cm),
        "n_points": fit.n_points,
        "T_min_C": float(T.min()),
        "T_max_C": float(T.max()),
        "status": fit.status,
        "reason": fit.reason or None,
        "u_sigma_25C_S_per_cm": shown(fit.u_sigma_25C_S_per_cm),
        "sigma_25C_low": shown(fit.sigma_25C_low),
        "sigma_25C_high": shown(fit.sigma_25C_high),
        "sigma_25C_status": fit.sigma_25C_status,
        "sigma_25C_mS_per_cm": shown(1e3 * fit.sigma_25C_S_per_cm),
        "Ea_low_eV": shown(fit.interval[0]),
        "Ea_high_eV": shown(fit.interval[1]),
        "Ea_kJ_per_mol": shown(fit.Ea_kJ_per_mol),
        "u_Ea_kJ_per_mol": shown(fit.u_Ea_eV * KJ_PER_MOL),
        "chi2_reduced": number(fit.chi2_reduced),
        "Ea_if_1K_offset_eV": number(fit.Ea_eV + systematic.get("offset", math.nan)),
        "Ea_if_2pct_lag_eV": number(fit.Ea_eV + systematic.get("lag", math.nan)),
        "Ea_if_1ohm_lead_eV": number(fit.Ea_eV + systematic.get("lead", math.nan)),
        "flags": "; ".join(fit.flags) or None,
    }


def alternative_row(name: str, quantity: str, fit: Arrhenius, one: Alternative) -> dict[str, Any]:
    """Return a row of ``arrhenius_alternatives.csv``."""
    T = fit.temperature_C[fit.used]
    numbers = ("Ea_eV", "u_Ea_eV", "ln_sigma0", "u_ln_sigma0", "sigma_25C_S_per_cm", "u_sigma_25C_S_per_cm")
    return {
        "sample_id": name or None,
        "quantity": quantity,
        "form": one.form,
        **{column: number(getattr(one, column)) for column in (*numbers, "chi2", "aicc", "delta_aicc")},
        "n_points": fit.n_points,
        "T_min_C": float(T.min()),
        "T_max_C": float(T.max()),
        "parameters": "; ".join(f"{key}={value:.6g}" for key, value in one.parameters.items()) or None,
        "status": one.status,
        "reason": one.reason or None,
    }


def _composition_rows(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return σ at 25 °C and Ea of samples over their composition; the line's value, else a measured one."""
    rows = []
    for sample in samples:
        if sample.composition is None:
            continue
        for quantity in dict.fromkeys(row["quantity"] for row in sample.rows):
            row = _at_room(sample, quantity)
            if row is not None:
                rows.append({"composition_x": sample.composition, "sample_id": sample.name or None} | row)
    return sorted(rows, key=lambda row: (row["quantity"], row["composition_x"], row["sample_id"] or ""))


def _at_room(sample: Sample, quantity: str) -> dict[str, Any] | None:
    materials = {row["material"] for row in sample.spectra} - {None}
    fit = sample.fits.get(quantity)
    common = {"quantity": quantity, "material": next(iter(materials)) if len(materials) == 1 else None}
    if fit is not None and fit.status != "not_resolvable":
        return common | {
            "temperature_C": ROOM_C,
            "sigma_S_per_cm": fit.sigma_25C_S_per_cm,
            "u_sigma_S_per_cm": fit.u_sigma_25C_S_per_cm,
            "Ea_eV": fit.Ea_eV,
            "u_Ea_eV": fit.u_Ea_eV,
            "method": "arrhenius",
            "status": fit.sigma_25C_status,
        }
    measured = [
        row
        for row in sample.rows
        if row["quantity"] == quantity and row["sigma_S_per_cm"] is not None
        if row["temperature_C"] is None or abs(row["temperature_C"] - ROOM_C) <= NEAR_ROOM_K
    ]
    if not measured:
        return None
    nearest = min(measured, key=lambda row: abs((row["temperature_C"] or ROOM_C) - ROOM_C))
    names = ("temperature_C", "sigma_S_per_cm", "u_sigma_S_per_cm", "status")
    return common | {name: nearest[name] for name in names} | {"method": "measured"}


def _meyer_neldel_rows(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    fits = [sample.fits["total"] for sample in samples if "total" in sample.fits]
    if len(fits) < 4:
        return []
    found = meyer_neldel(fits)
    parameters = f"E_MN_eV={found.E_MN_eV:.6g}; u_E_MN_eV={found.u_E_MN_eV:.2g}; intercept={found.intercept:.6g}"
    return [
        {
            "quantity": "total",
            "form": "meyer_neldel",
            "n_points": found.n_samples,
            "parameters": parameters if found.status == "ok" else None,
            "status": found.status,
            "reason": found.reason or "ln σ0 = intercept + Ea/E_MN over the samples",
        }
    ]


def _remarks(samples: Sequence[Sample], spectra: Sequence[Spectrum]) -> list[str]:
    """Return what the metadata lack or say twice, and what the regressions flag."""
    pellets = [s.metadata for s in spectra if s.metadata.cell_type == "blocking"]
    remarks = []
    without = [m for m in pellets if CellGeometry.from_metadata(m) is None]
    if without:
        remarks.append(
            f"{len(without)} sweeps of blocking pellets have no geometry: no conductivity; add thickness_um with "
            "diameter_mm or area_cm2, or cell_constant_per_cm, to samples.csv"
        )
    conflicts = {f"{_who(s.metadata)}: {text}": None for s in spectra for text in geometry_conflicts(s.metadata)}
    remarks += conflicts
    large = [m for m in pellets if (m.amplitude_mV or 0) >= LARGE_AMPLITUDE_MV]
    if large:
        remarks.append(
            f"amplitude of {max(m.amplitude_mV or 0 for m in large):g} mV in {len(large)} sweeps of pellets: "
            "compare with one of 10 mV"
        )
    for sample in samples:
        for quantity, fit in sample.fits.items():
            remarks += [f"{sample.name}, Arrhenius of {quantity}: {flag}" for flag in fit.flags]
    return remarks


def _who(metadata: Metadata) -> str:
    return metadata.sample_id or metadata.source or "a cell"
