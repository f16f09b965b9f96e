"""Tables of polarizations and IR drops."""

from collections.abc import Sequence
from typing import Any

from eistool.direct_current import IRDrop, PolarizationResult, PolarizationStep, Transference
from eistool.spectrum import Metadata
from eistool.tables.table import Column, Table

POLARIZATION: Table[PolarizationResult] = Table(
    "polarization",
    "polarization",
    (
        Column("source", "", "path relative to the input folder"),
        Column("sample_id", "", "sample"),
        Column("temperature_C", "°C", "temperature"),
        Column("thickness_um", "µm", "thickness of the electrolyte"),
        Column("r_lead_ohm", "ohm", "resistance of the leads"),
        Column("area_cm2", "cm²", "area", lambda result: None if result.cell is None else result.cell.area_cm2),
        Column("mode", "", "`ion_blocking`, `electron_blocking` or `leakage`"),
        Column("voltage_V", "V", "largest voltage"),
        Column("offset_A", "A", "current at 0 V"),
        Column("u_offset_A", "A", "its standard uncertainty"),
        Column("I_ss_A", "A", "steady current at the largest voltage"),
        Column("u_I_ss_A", "A", "its standard uncertainty"),
        Column("resistance_ohm", "ohm", "resistance"),
        Column("u_resistance_ohm", "ohm", "its standard uncertainty"),
        Column("sigma_S_per_cm", "S/cm", "conductivity; empty if `not_resolvable`"),
        Column("u_sigma_S_per_cm", "S/cm", "its standard uncertainty"),
        Column("lower_limit", "S/cm", "lower 95 % limit of σ"),
        Column("upper_limit", "S/cm", "upper 95 % limit of σ"),
        Column("n_voltages", "", "number of voltages", lambda result: len(result.steps)),
        Column("linear", "", "whether current and voltage are proportional; empty with a single voltage"),
        Column("hold_s", "s", "duration of the hold", lambda result: _longest(result).duration_s),
        Column("hold_per_tau", "", "duration divided by τ", lambda result: _longest(result).relaxation.settled),
        Column("t_electron", "", "transference number of electrons"),
        Column("u_t_electron", "", "its standard uncertainty"),
        Column("ratio", "", "ratio of electronic to ionic conductivity"),
        Column("u_ratio", "", "its standard uncertainty"),
        Column("ratio_upper_limit", "", "its upper 95 % limit"),
        Column("flags", "", "remarks"),
        Column("status", "", "`ok`, `not_resolvable` or `failed`"),
        Column("reason", "", "reason of a status other than `ok`"),
    ),
)

IR_DROPS: Table[IRDrop] = Table(
    "irdrop",
    "change of the current and electrode",
    (
        Column("source", "", "file"),
        Column("reference", "", "reference electrode of the potentials"),
        Column("time_s", "s", "time of the change"),
        Column("electrode", "", "`cell`, `working` or `counter`"),
        Column("current_before_A", "A", "current before"),
        Column("current_after_A", "A", "current after"),
        Column("potential_V", "V", "potential before; of an electrode, against Li+/Li"),
        Column("drop_V", "V", "immediate change of the potential"),
        Column("u_drop_V", "V", "its standard uncertainty"),
        Column("resistance_ohm", "ohm", "drop divided by the change of the current"),
        Column("u_resistance_ohm", "ohm", "its standard uncertainty"),
        Column("overpotential_V", "V", "potential under current minus that at the end of the rest"),
        Column("u_overpotential_V", "V", "its standard uncertainty"),
        Column("lower_limit_V", "V", "lower limit of the overpotential if the rest was too short"),
        Column("status", "", "`ok` or `not_resolvable`"),
        Column("reason", "", "reason of a status other than `ok`"),
    ),
)


def _longest(result: PolarizationResult) -> PolarizationStep:
    """Return the hold at the largest voltage, preferring steady ones."""
    return max(result.steps, key=lambda step: (step.status == "ok", abs(step.voltage_V)))


def polarization_row(
    source: str,
    metadata: Metadata,
    result: PolarizationResult | None,
    transference: Transference | None = None,
    notes: Sequence[str] = (),
    error: str = "",
) -> dict[str, Any]:
    """Return the row of a polarization, or of the reason for a missing result."""
    facts = ("sample_id", "temperature_C", "thickness_um", "r_lead_ohm")
    numbers = {"t_electron": "t_electron", "u_t_electron": "u_t"}
    numbers |= {name: name for name in ("ratio", "u_ratio", "ratio_upper_limit")}
    return POLARIZATION.row(
        result,
        source=source,
        flags="; ".join([*(result.flags if result else ()), *notes]),
        status="failed" if result is None else result.status,
        reason=error if result is None else result.reason,
        **{name: getattr(metadata, name) for name in facts},
        **{column: getattr(transference, name, None) for column, name in numbers.items()},
    )
