"""Conductivities, activation energies and compositions of the samples of a batch."""

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np

from eistool.batch import Breakdown, Cache, Derived, Record, Records, Task, attempt
from eistool.batch.job import failure
from eistool.batch.store import LostRecordError
from eistool.constants import TWO_SIDED_95
from eistool.errors import OutputError
from eistool.jobs.global_arrhenius import global_rows, interface_rows
from eistool.jobs.sample import Sample
from eistool.jobs.transport_plots import draw_transport
from eistool.materials import Arrhenius, arrhenius, meyer_neldel
from eistool.materials.conductivity_value import temperature_share
from eistool.spectrum import CellGeometry, Metadata, Sweep
from eistool.spectrum.geometry import consistent_geometry, geometry_conflicts
from eistool.tables.arrhenius import ALTERNATIVES, ARRHENIUS, AlternativeRow, alternative_row, arrhenius_row
from eistool.tables.conductivity import COMPOSITION, CONDUCTIVITY, CompositionRow, ConductivityRow
from eistool.typing import Threshold

CELL_TYPES = (None, "blocking", "symmetric")  # thickness_um is that of the electrolyte
QUANTITIES = ("total", "bulk", "grain_boundary")
LARGE_AMPLITUDE_MV: Annotated[
    float,
    Threshold(
        "amplitude in mV of a warning about nonlinearity",
        "about 2 kT/e at 25 °C, the scale of Butler-Volmer nonlinearity",
    ),
] = 50.0
ROOM_C = 25.0
NEAR_ROOM_K: Annotated[
    float,
    Threshold(
        "distance from 25 °C in K of a conductivity measured at room temperature",
        "project definition: 17.5 to 32.5 °C",
    ),
] = 7.5
LEAST_SAMPLES: Annotated[
    int, Threshold("samples of a Meyer-Neldel line", "two parameters and two degrees of freedom")
] = 4


def electrolyte(metadata: Metadata) -> CellGeometry | None:
    """Return the geometry of the electrolyte; None for other cells or an unknown geometry."""
    return None if metadata.cell_type not in CELL_TYPES else consistent_geometry(metadata)


def derive_transport(tasks: Sequence[Task], records: Records, cache: Cache) -> Derived:
    """Return conductivities, activation energies and compositions of all samples, with their pictures.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks with the sweeps of the records.
    records : Records
        Records of all sweeps.
    cache : Cache
        Keeps results that take long.
    """
    samples: list[Sample] = []
    failures: list[Record] = []
    others: list[AlternativeRow] = []
    statuses = dict(zip(records.keys, records.statuses(), strict=True))
    groups: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.key):
        if statuses.get(task.key, "left_out") != "left_out":
            groups.setdefault(_name(task), []).append(task)
    for name, group in groups.items():
        derived = attempt(
            name, functools.partial(_derive, name, group, records, cache), (OutputError, LostRecordError)
        )
        if isinstance(derived, Breakdown):
            failures.append(failure(name, "derive", derived.reason))
            continue
        sample, more = derived
        samples.append(sample)
        if isinstance(more, Breakdown):
            failures.append(failure(name, "derive", more.reason))
        else:
            others += more
    others = _form_rows(samples) + others + _meyer_neldel_rows(samples)
    rows = sorted((row for sample in samples for row in sample.rows), key=lambda row: (row.source, row.sweep))
    composition = _composition_rows(samples)
    tables = {
        CONDUCTIVITY.name: CONDUCTIVITY.table(rows),
        ARRHENIUS.name: ARRHENIUS.fill(
            arrhenius_row(sample.name, name, fit, sample.constant(name), sample.composition)
            for sample in samples
            for name, fit in sample.fits.items()
        ),
        ALTERNATIVES.name: ALTERNATIVES.table(others),
        COMPOSITION.name: COMPOSITION.table(composition),
    }
    pictures = draw_transport(samples, composition)
    remarks = _remarks(samples, [task.sweep.metadata for task in tasks])
    return Derived(tables, pictures, tuple(remarks), failures=tuple(failures))


def _name(task: Task) -> str:
    return task.sweep.metadata.sample_id or task.key.source.rpartition("/")[0]


def _derive(
    name: str, tasks: Sequence[Task], records: Records, cache: Cache
) -> tuple[Sample, list[AlternativeRow] | Breakdown]:
    """Return a sample, and its further activation energies."""
    found = [records.of(task.key) for task in tasks]
    sample = _sample(name, [task.sweep for task in tasks], found)
    more = attempt(name, lambda: [*global_rows(sample, found, cache), *interface_rows(sample, found)])
    return sample, more


def _form_rows(samples: Sequence[Sample]) -> list[AlternativeRow]:
    return [
        alternative_row(sample.name, name, fit, one)
        for sample in samples
        for name, fit in sample.fits.items()
        for one in fit.alternatives
    ]


def _sample(name: str, sweeps: Sequence[Sweep], records: Sequence[Record]) -> Sample:
    rows = [
        row
        for sweep, record in zip(sweeps, records, strict=True)
        for row in _conductivities(name, sweep.metadata, record)
    ]
    fits = {}
    for quantity in QUANTITIES:
        fit = _fit(name, [row for row in rows if row.quantity == quantity])
        if fit is not None:
            fits[quantity] = fit
    rows = [_with_measured_energy(row, fits.get(row.quantity)) for row in rows]
    return Sample(name, tuple(sweeps), tuple(rows), fits)


def _conductivities(name: str, metadata: Metadata, record: Record) -> list[ConductivityRow]:
    if CONDUCTIVITY.name not in record.tables:
        return []
    return record.tables[CONDUCTIVITY.name].read(
        ConductivityRow,
        sample_id=name,
        source=record.key.source,
        sweep=record.key.sweep,
        composition_x=metadata.composition_x,
        u_temperature_C=1.0 if metadata.u_temperature_C is None else metadata.u_temperature_C,
    )


def _fit(name: str, rows: Sequence[ConductivityRow]) -> Arrhenius | None:
    """Return the Arrhenius fit of one quantity; None with fewer than two temperatures."""
    known = [row for row in rows if row.sigma_S_per_cm is not None and row.temperature_C is not None]
    if len({row.temperature_C for row in known}) < 2:
        return None
    T, sigma, u_R, u_geometry = (
        np.array([getattr(row, name) for row in known], dtype=np.float64)
        for name in ("temperature_C", "sigma_S_per_cm", "u_relative_resistance", "u_relative_geometry")
    )
    return arrhenius(
        T,
        sigma,
        np.maximum(u_R, 1e-9) * sigma,
        u_geometry=float(u_geometry.mean()),
        u_temperature_K=[row.u_temperature_C for row in known],
        extrapolated=[row.status == "extrapolated" for row in known],
        label=name,
    )


def _with_measured_energy(row: ConductivityRow, fit: Arrhenius | None) -> ConductivityRow:
    """Return a row with the temperature error from the activation energy of the sample."""
    sigma = row.sigma_S_per_cm
    if fit is None or fit.status == "not_resolvable" or sigma is None or row.temperature_C is None:
        return row
    share = temperature_share(fit.Ea_eV, row.temperature_C, row.u_temperature_C)
    u_R, u_geometry = row.u_relative_resistance or 0.0, row.u_relative_geometry or 0.0
    relative = math.sqrt(u_R**2 + u_geometry**2 + share**2)
    assumed = [part for part in (row.assumed or "").split("; ") if not part.startswith("Ea = ")]
    return replace(
        row,
        u_sigma_S_per_cm=sigma * relative,
        u_sigma_mS_per_cm=1e3 * sigma * relative,
        lower_limit=sigma * math.exp(-TWO_SIDED_95 * relative),
        upper_limit=sigma * math.exp(TWO_SIDED_95 * relative),
        u_relative_temperature=share,
        assumed="; ".join(assumed),
    )


def _composition_rows(samples: Sequence[Sample]) -> list[CompositionRow]:
    """Return σ at 25 °C, from the line or measured, and Ea of samples over composition."""
    rows = [
        row
        for sample in samples
        if sample.composition is not None
        for quantity in dict.fromkeys(row.quantity for row in sample.rows)
        if (row := _at_room(sample, quantity, sample.composition)) is not None
    ]
    return sorted(rows, key=lambda row: (row.quantity, row.composition_x, row.sample_id or ""))


def _at_room(sample: Sample, quantity: str, composition: float) -> CompositionRow | None:
    materials = {sweep.metadata.material for sweep in sample.sweeps} - {None}
    material = next(iter(materials)) if len(materials) == 1 else None
    fit = sample.fits.get(quantity)
    if fit is not None and fit.status != "not_resolvable":
        return CompositionRow(
            composition_x=composition,
            sample_id=sample.name,
            material=material,
            quantity=quantity,
            temperature_C=ROOM_C,
            sigma_S_per_cm=fit.sigma_25C_S_per_cm,
            u_sigma_S_per_cm=fit.u_sigma_25C_S_per_cm,
            Ea_eV=fit.Ea_eV,
            u_Ea_eV=fit.u_Ea_eV,
            method="arrhenius",
            status=fit.sigma_25C_status,
        )
    measured = [
        row
        for row in sample.rows
        if row.quantity == quantity and row.sigma_S_per_cm is not None
        if row.temperature_C is None or abs(row.temperature_C - ROOM_C) <= NEAR_ROOM_K
    ]
    if not measured:
        return None
    nearest = min(measured, key=lambda row: abs((row.temperature_C or ROOM_C) - ROOM_C))
    return CompositionRow(
        composition_x=composition,
        sample_id=sample.name,
        material=material,
        quantity=quantity,
        temperature_C=nearest.temperature_C,
        sigma_S_per_cm=nearest.sigma_S_per_cm,
        u_sigma_S_per_cm=nearest.u_sigma_S_per_cm,
        method="measured",
        status=nearest.status,
    )


def _meyer_neldel_rows(samples: Sequence[Sample]) -> list[AlternativeRow]:
    fits = [sample.fits["total"] for sample in samples if "total" in sample.fits]
    if len(fits) < LEAST_SAMPLES:
        return []
    rule = meyer_neldel(fits)
    parameters = f"E_MN_eV={rule.E_MN_eV:.6g}; u_E_MN_eV={rule.u_E_MN_eV:.2g}; intercept={rule.intercept:.6g}"
    return [
        AlternativeRow(
            quantity="total",
            form="meyer_neldel",
            n_points=rule.n_samples,
            parameters=parameters if rule.status == "ok" else None,
            status=rule.status,
            reason=rule.reason or "ln σ0 = intercept + Ea/E_MN over the samples",
        )
    ]


def _remarks(samples: Sequence[Sample], metadata: Sequence[Metadata]) -> list[str]:
    """Return warnings about missing or conflicting metadata, and the flags of the regressions."""
    pellets = [m for m in metadata if m.cell_type == "blocking"]
    remarks = []
    without = [m for m in pellets if consistent_geometry(m) is None]
    if without:
        remarks.append(
            f"{len(without)} sweeps of blocking pellets have no geometry: no conductivity; add thickness_um with "
            "diameter_mm or area_cm2, or cell_constant_per_cm, to samples.csv"
        )
    conflicts = {f"{_owner(m)}: {text}": None for m in metadata for text in geometry_conflicts(m)}
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


def _owner(metadata: Metadata) -> str:
    return metadata.sample_id or metadata.source or "a cell"
