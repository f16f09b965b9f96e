"""Tables of conductivities over temperature and composition."""

import math
from dataclasses import dataclass

from eistool.materials import Conductivity
from eistool.tables.table import Rows, Table, columns_of, described


@dataclass(frozen=True, slots=True, kw_only=True)
class ConductivityRow:
    """Conductivity from a resistance of one spectrum."""

    sample_id: str | None = described("", "sample")
    source: str = described("", "path relative to the input folder")
    sweep: int = described("", "number of the sweep in its file, from 1")
    temperature_C: float | None = described("°C", "temperature")
    quantity: str = described("", "`total`, `bulk` or `grain_boundary`")
    R_ohm: float | None = described("ohm", "resistance, without leads")
    u_R_ohm: float | None = described("ohm", "its standard uncertainty")
    sigma_S_per_cm: float | None = described("S/cm", "conductivity; empty if `not_resolvable`")
    u_sigma_S_per_cm: float | None = described("S/cm", "its standard uncertainty")
    lower_limit: float | None = described("S/cm", "lower 95 % limit of σ; one-sided if `not_resolvable`")
    upper_limit: float | None = described("S/cm", "upper 95 % limit of σ")
    status: str = described("", "`ok`, `not_resolvable`, `extrapolated` or `failed`")
    reason: str | None = described("", "reason of a status other than `ok`")
    sigma_mS_per_cm: float | None = described("mS/cm", "conductivity")
    u_sigma_mS_per_cm: float | None = described("mS/cm", "its standard uncertainty")
    u_relative_resistance: float | None = described(
        "", "contribution of the resistance to `u_sigma_S_per_cm`, relative"
    )
    u_relative_geometry: float | None = described("", "contribution of the geometry, relative")
    u_relative_temperature: float | None = described("", "contribution of the temperature, relative")
    cell_constant_per_cm: float | None = described("1/cm", "L/A")
    composition_x: float | None = described("", "composition")
    elements: str | None = described("", "resistors in the sum")
    assumed: str | None = described("", "assumed values")
    sigma_specific_S_per_cm: float | None = described(
        "S/cm", "specific conductivity of the grain boundaries by the brick-layer model"
    )
    u_sigma_specific_S_per_cm: float | None = described("S/cm", "its standard uncertainty")

    u_temperature_C: float = 1.0  # no column: spectra.csv has it


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionRow:
    """Conductivity near 25 °C of a sample with a composition."""

    composition_x: float = described("", "composition")
    sample_id: str | None = described("", "sample")
    material: str | None = described("", "material")
    quantity: str = described("", "`total`, `bulk` or `grain_boundary`")
    temperature_C: float | None = described("°C", "25 °C, or temperature of the measured value")
    sigma_S_per_cm: float | None = described("S/cm", "conductivity")
    u_sigma_S_per_cm: float | None = described("S/cm", "its standard uncertainty")
    Ea_eV: float | None = described("eV", "activation energy")
    u_Ea_eV: float | None = described("eV", "its standard uncertainty")
    method: str = described("", "`arrhenius` (from the line) or `measured` (nearest to 25 °C)")
    status: str = described("", "`ok`, `not_resolvable` or `extrapolated`")


CONDUCTIVITY: Table[ConductivityRow] = Table("conductivity", "conductivity", columns_of(ConductivityRow))
COMPOSITION: Table[CompositionRow] = Table("composition", "sample with a composition", columns_of(CompositionRow))


def conductivity_tables(result: Conductivity) -> dict[str, Rows]:
    """Return the rows of the conductivities of one spectrum, if any."""
    rows = []
    for one in result.values:
        specific = result.grain_boundary_specific if one.quantity == "grain_boundary" else None
        row = ConductivityRow(
            temperature_C=result.temperature_C,
            quantity=one.quantity,
            R_ohm=one.R_ohm,
            u_R_ohm=one.u_R_ohm,
            sigma_S_per_cm=one.sigma_S_per_cm,
            u_sigma_S_per_cm=one.u_sigma_S_per_cm,
            lower_limit=one.lower_limit,
            upper_limit=one.upper_limit,
            status=one.status,
            reason=one.reason,
            sigma_mS_per_cm=1e3 * one.sigma_S_per_cm,
            u_sigma_mS_per_cm=1e3 * one.u_sigma_S_per_cm,
            u_relative_resistance=one.u_relative_resistance,
            u_relative_geometry=one.u_relative_geometry,
            u_relative_temperature=one.u_relative_temperature,
            cell_constant_per_cm=result.cell.cell_constant_per_cm or math.nan,
            elements=" ".join(result.resistors.get(one.quantity, ())),
            assumed="; ".join(result.assumed),
            sigma_specific_S_per_cm=None if specific is None else specific.sigma_S_per_cm,
            u_sigma_specific_S_per_cm=None if specific is None else specific.u_sigma_S_per_cm,
        )
        rows.append(row)
    return {CONDUCTIVITY.name: CONDUCTIVITY.rows(rows)} if rows else {}
