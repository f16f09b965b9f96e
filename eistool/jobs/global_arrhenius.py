"""Global Arrhenius fit of all spectra of a sample, and activation energies of its interfaces."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated

import numpy as np

from eistool.batch import Cache, Record
from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.store import place
from eistool.circuit import Circuit
from eistool.circuit.library import load_circuit
from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.fitting import GlobalFit, fit_global
from eistool.jobs.sample import Sample
from eistool.materials import arrhenius
from eistool.spectrum import Spectrum, Sweep
from eistool.tables.arrhenius import AlternativeRow
from eistool.tables.fits import ArcRow
from eistool.typing import Threshold

INTERFACES = ("charge_transfer", "film", "interphase", "electrode", "surface_layer", "reaction")
LEAST_TEMPERATURES: Annotated[
    int,
    Threshold("temperatures of a global or interfacial Arrhenius fit", "two parameters and one degree of freedom"),
] = 3
ROOM_K = 25.0 + ZERO_CELSIUS


def global_rows(sample: Sample, records: Sequence[Record], cache: Cache) -> list[AlternativeRow]:
    """Return the rows of one fit of all spectra of a sample with the Arrhenius equation.

    Parameters
    ----------
    sample : Sample
        The sample.
    records : sequence of Record
        Of its sweeps.
    cache : Cache
        Keeps the rows, since such a fit takes long.

    The circuit with the lowest BIC is reported, among those of the single spectra and, if these differ or are
    spikes, a bulk arc with one capacitance.
    """
    series, models = _models(sample, records)
    if len({s.metadata.temperature_C for s in series}) < LEAST_TEMPERATURES or not models:
        return []
    described = [[sweep.content, sweep.metadata.to_dict(), sweep.notes] for sweep in series]
    tried = [[repr(circuit), laws, shared] for circuit, laws, shared in models]
    rows = cache.get(
        ["global Arrhenius", sample.name, described, tried, [asdict(row) for row in sample.rows]],
        lambda: [asdict(row) for row in _global_rows(sample, [sweep.load() for sweep in series], models)],
    )
    return [AlternativeRow(**row) for row in rows]


def _global_rows(
    sample: Sample, series: Sequence[Spectrum], models: Sequence[tuple[Circuit, dict[str, str], list[str]]]
) -> list[AlternativeRow]:
    T = [s.metadata.temperature_C or 0.0 for s in series]
    row = AlternativeRow(
        sample_id=sample.name, form="global", n_points=len(series), T_min_C=min(T), T_max_C=max(T), status="failed"
    )
    fits = []
    for circuit, laws, shared in models:
        laws_of = dict.fromkeys(laws.values(), "arrhenius")
        fit = attempt(sample.name, functools.partial(fit_global, series, circuit, shared, laws_of))
        if isinstance(fit, Breakdown):
            row = replace(row, reason=fit.reason)
        elif fit.success:
            fits.append((fit, laws))
    if not fits:
        return [replace(row, quantity=name) for name in models[0][1]]
    best, laws = min(fits, key=lambda pair: pair[0].bic)
    return [_law_row(replace(row, quantity=name), sample, element, best) for name, element in laws.items()]


def _models(
    sample: Sample, records: Sequence[Record]
) -> tuple[list[Sweep], list[tuple[Circuit, dict[str, str], list[str]]]]:
    """Return the sweeps, and each circuit to try with its laws and shared parameters."""
    series = []
    elements: dict[str, dict[str, str | None]] = {}
    for record, sweep in zip(records, sample.sweeps, strict=True):
        if "conductivity" not in record.tables or record.status == "failed":
            continue
        if sweep.metadata.temperature_C is None or sweep.metadata.r_lead_ohm:
            continue  # the law describes resistances that include the leads
        series.append(sweep)
        rows = [row for row in sample.rows if (row.source, row.sweep) == place(sweep)]
        elements[record.row("fits")["circuit"]] = {row.quantity: row.elements for row in rows}
    models = []
    for text, names in elements.items():
        circuit, laws = Circuit(text), _laws(names)
        if laws:
            models.append((circuit, laws, ["L0"] if "L0" in circuit.parameters else []))
    single = all(set(_laws(names)) == {"total"} for names in elements.values())
    if single and sample.sweeps[0].metadata.cell_type == "blocking":
        models.append((load_circuit("bulk_spike"), {"total": "R_b"}, ["L0", "CPE_b.Q", "CPE_b.alpha"]))
    return series, models


def _laws(elements: Mapping[str, str | None]) -> dict[str, str]:
    """Return the resistor of each quantity with a single one."""
    single = {name: text for name, text in elements.items() if text and " " not in text}
    if "total" in single:
        return {"total": single["total"]}
    return {name: single[name] for name in ("bulk", "grain_boundary") if name in single}


def _law_row(row: AlternativeRow, sample: Sample, element: str, fit: GlobalFit) -> AlternativeRow:
    law = fit.laws[element].parameters
    energy, level = law["Ea_eV"], law["ln_sigma0"]
    rows = [row for row in sample.rows if row.cell_constant_per_cm is not None]
    constant = float(np.mean([row.cell_constant_per_cm for row in rows]))
    geometry = [row.u_relative_geometry for row in rows if row.u_relative_geometry is not None]
    u_geometry = float(np.mean(geometry)) if geometry else 0.0
    names = [f"{element}.Ea_eV", f"{element}.ln_sigma0"]
    index = [fit.names.index(name) for name in names]
    x = 1 / (BOLTZMANN_EV * ROOM_K)
    gradient = np.array([-x, 1.0])
    variance = float(gradient @ fit.covariance[np.ix_(index, index)] @ gradient)
    ln_sigma0 = level.value + math.log(constant)
    sigma = math.exp(ln_sigma0 - energy.value * x) / ROOM_K
    relative = math.sqrt(max(variance, 0.0) + u_geometry**2)
    return replace(
        row,
        Ea_eV=energy.value,
        u_Ea_eV=energy.stderr,
        ln_sigma0=ln_sigma0,
        u_ln_sigma0=math.hypot(level.stderr, u_geometry),
        sigma_25C_S_per_cm=sigma,
        u_sigma_25C_S_per_cm=sigma * relative,
        chi2=fit.chi2,
        parameters=f"circuit={fit.circuit}; chi2_reduced={fit.chi2_reduced:.4g}",
        status="ok",
        reason="; ".join(("exact temperatures", *fit.flags)),
    )


def interface_rows(sample: Sample, records: Sequence[Record]) -> list[AlternativeRow]:
    """Return activation energies of arcs at interfaces, from ln(T/R) and from ln(1/R)."""
    points: dict[str, list[tuple[float, float, float, bool]]] = {}
    for record, sweep in zip(records, sample.sweeps, strict=True):
        at = sweep.metadata.temperature_C
        if at is None or "processes" not in record.tables:
            continue
        for arc in record.tables["processes"].read(ArcRow):
            if arc.assignment in INTERFACES and arc.status in ("ok", "extrapolated") and arc.R_ohm and arc.u_R_ohm:
                point = (at, arc.R_ohm, arc.u_R_ohm, arc.status == "extrapolated")
                points.setdefault(arc.process, []).append(point)
    rows = []
    for name, known in points.items():
        T, R, u_R, extrapolated = (np.array(column) for column in zip(*known, strict=True))
        if np.unique(T).size < LEAST_TEMPERATURES:
            continue
        for form, label in (("ln_sigmaT", "ln_T_over_R"), ("ln_sigma", "ln_1_over_R")):
            fit = arrhenius(
                T, 1 / R, u_R / R**2, form=form, u_temperature_K=1.0, extrapolated=list(extrapolated), label=name
            )
            resolved = fit.status != "not_resolvable"
            rows.append(
                AlternativeRow(
                    sample_id=sample.name,
                    quantity=f"interface {name}",
                    form=label,
                    Ea_eV=fit.Ea_eV if resolved else None,
                    u_Ea_eV=fit.u_Ea_eV if resolved else None,
                    n_points=fit.n_points,
                    T_min_C=float(T.min()),
                    T_max_C=float(T.max()),
                    status=fit.status,
                    reason="; ".join(filter(None, (fit.reason, *fit.flags))),
                )
            )
    return rows
