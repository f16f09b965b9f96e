"""All spectra of a sample at once: the global Arrhenius fit; and the activation energies of its interfaces."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.batch.derived import BREAKDOWNS
from eistool.batch.tables import number
from eistool.circuit import Circuit
from eistool.circuit.library import load_circuit
from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.fitting import GlobalFit, fit_global
from eistool.materials import arrhenius
from eistool.spectrum import Spectrum

if TYPE_CHECKING:
    from eistool.batch.materials import Sample

LEAST_TEMPERATURES = 3
ROOM_K = 25.0 + ZERO_CELSIUS


def together_rows(sample: "Sample", spectra: Mapping[tuple[str, int], Spectrum]) -> list[dict[str, Any]]:
    """Return the rows of one fit of all the sample's spectra with Arrhenius' law, beside those of the line.

    Of the circuits that were taken for single spectra, and of a bulk arc with one capacitance where these
    differ or are spikes, the one with the lowest BIC is reported.
    """
    series, models = _models(sample, spectra)
    if len({s.metadata.temperature_C for s in series}) < LEAST_TEMPERATURES or not models:
        return []
    T = [s.metadata.temperature_C or 0.0 for s in series]
    common = {
        "sample_id": sample.name or None, "form": "global", "n_points": len(series), "T_min_C": min(T),
        "T_max_C": max(T),
    }  # fmt: skip
    found, reason = [], ""
    for circuit, laws, shared in models:
        try:
            together = fit_global(series, circuit, shared, dict.fromkeys(laws.values(), "arrhenius"))
        except BREAKDOWNS as error:
            reason = str(error)
            continue
        if together.success:
            found.append((together, laws))
    if not found:
        names = models[0][1]
        return [common | {"quantity": name, "status": "failed", "reason": reason} for name in names]
    best, laws = min(found, key=lambda one: one[0].bic)
    return [common | _law_row(sample, name, element, best) for name, element in laws.items()]


def _models(
    sample: "Sample", spectra: Mapping[tuple[str, int], Spectrum]
) -> tuple[list[Spectrum], list[tuple[Circuit, dict[str, str], list[str]]]]:
    """Return the spectra, and each circuit to try with its laws and what all spectra share."""
    series = []
    elements: dict[str, dict[str, str | None]] = {}
    for record in sample.records:
        spectrum = spectra.get((record.key.source, record.key.sweep))
        if "conductivity" not in record.tables or record.status == "failed" or spectrum is None:
            continue
        if spectrum.metadata.temperature_C is None or spectrum.metadata.r_lead_ohm:
            continue  # leads are subtracted from resistances, which the law describes with them
        series.append(spectrum)
        circuit = next(iter(record.tables["fits"]))["circuit"]
        elements[circuit] = {row["quantity"]: row["elements"] for row in record.tables["conductivity"]}
    models = []
    for text, names in elements.items():
        circuit, laws = Circuit(text), _laws(names)
        if laws:
            models.append((circuit, laws, ["L0"] if "L0" in circuit.parameters else []))
    single = all(set(_laws(names)) == {"total"} for names in elements.values())
    if single and sample.spectra[0]["cell_type"] == "blocking":
        models.append((load_circuit("bulk_spike"), {"total": "R_b"}, ["L0", "CPE_b.Q", "CPE_b.alpha"]))
    return series, models


def _laws(elements: Mapping[str, str | None]) -> dict[str, str]:
    """Return the resistor of each quantity that has one of its own."""
    single = {name: text for name, text in elements.items() if text and " " not in text}
    if "total" in single:
        return {"total": single["total"]}
    return {name: single[name] for name in ("bulk", "grain_boundary") if name in single}


def _law_row(sample: "Sample", quantity: str, element: str, found: GlobalFit) -> dict[str, Any]:
    law = found.laws[element].parameters
    energy, level = law["Ea_eV"], law["ln_sigma0"]
    rows = [row for row in sample.rows if row["cell_constant_per_cm"] is not None]
    constant = float(np.mean([row["cell_constant_per_cm"] for row in rows]))
    geometry = [row["u_relative_geometry"] for row in rows if row["u_relative_geometry"] is not None]
    u_geometry = float(np.mean(geometry)) if geometry else 0.0
    names = [f"{element}.Ea_eV", f"{element}.ln_sigma0"]
    index = [found.names.index(name) for name in names]
    x = 1 / (BOLTZMANN_EV * ROOM_K)
    gradient = np.array([-x, 1.0])
    variance = float(gradient @ found.covariance[np.ix_(index, index)] @ gradient)
    ln_sigma0 = level.value + math.log(constant)
    sigma = math.exp(ln_sigma0 - energy.value * x) / ROOM_K
    relative = math.sqrt(max(variance, 0.0) + u_geometry**2)
    remarks = ("exact temperatures", *found.flags)
    return {
        "quantity": quantity,
        "Ea_eV": number(energy.value),
        "u_Ea_eV": number(energy.stderr),
        "ln_sigma0": number(ln_sigma0),
        "u_ln_sigma0": number(math.hypot(level.stderr, u_geometry)),
        "sigma_25C_S_per_cm": number(sigma),
        "u_sigma_25C_S_per_cm": number(sigma * relative),
        "chi2": number(found.chi2),
        "parameters": f"circuit={found.circuit}; chi2_reduced={found.chi2_reduced:.4g}",
        "status": "ok" if found.success else "failed",
        "reason": "; ".join(remarks),
    }


def interface_rows(sample: "Sample") -> list[dict[str, Any]]:
    """Return activation energies of arcs at interfaces, from ln(T/R) and from ln(1/R), labelled."""
    from eistool.batch.materials import INTERFACES

    points: dict[str, list[tuple[float, float, float, bool]]] = {}
    for record, spectrum in zip(sample.records, sample.spectra, strict=True):
        T = spectrum["temperature_C"]
        if T is None or "processes" not in record.tables:
            continue
        for row in record.tables["processes"]:
            if row["assignment"] in INTERFACES and row["status"] in ("ok", "extrapolated") and row["u_R_ohm"]:
                point = (T, row["R_ohm"], row["u_R_ohm"], row["status"] == "extrapolated")
                points.setdefault(row["process"], []).append(point)
    rows = []
    for name, known in points.items():
        T, R, u_R, extrapolated = (np.array(column) for column in zip(*known, strict=True))
        if np.unique(T).size < LEAST_TEMPERATURES:
            continue
        for form, label in (("ln_sigmaT", "ln_T_over_R"), ("ln_sigma", "ln_1_over_R")):
            fit = arrhenius(
                T, 1 / R, u_R / R**2, form=form, u_temperature_K=1.0, extrapolated=list(extrapolated), label=name
            )
            known_energy = fit.status != "not_resolvable"
            rows.append(
                {
                    "sample_id": sample.name or None,
                    "quantity": f"interface {name}",
                    "form": label,
                    "Ea_eV": number(fit.Ea_eV) if known_energy else None,
                    "u_Ea_eV": number(fit.u_Ea_eV) if known_energy else None,
                    "n_points": fit.n_points,
                    "T_min_C": float(T.min()),
                    "T_max_C": float(T.max()),
                    "status": fit.status,
                    "reason": "; ".join([*([fit.reason] if fit.reason else []), *fit.flags]) or None,
                }
            )
    return rows
