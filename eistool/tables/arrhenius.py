"""Tables of activation energies."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eistool.materials import Alternative, Arrhenius
from eistool.materials.arrhenius import KJ_PER_MOL
from eistool.tables.table import Column, Table, columns_of, described


def _resolved(name: str, unit: str, description: str, value: Callable[[Arrhenius], float]) -> Column[Arrhenius]:
    """Return a column that is empty if the line is not resolvable."""
    return Column(name, unit, description, lambda fit: None if fit.status == "not_resolvable" else value(fit))


ARRHENIUS: Table[Arrhenius] = Table(
    "arrhenius",
    "sample and quantity",
    (
        Column("sample_id", "", "sample"),
        Column("quantity", "", "`total`, `bulk` or `grain_boundary`"),
        Column("form", "", "`ln_sigmaT`: ln(σT) over 1/T"),
        _resolved("Ea_eV", "eV", "activation energy", lambda fit: fit.Ea_eV),
        _resolved("u_Ea_eV", "eV", "its standard uncertainty", lambda fit: fit.u_Ea_eV),
        _resolved("ln_sigma0", "", "intercept, σ0 in S K/cm", lambda fit: fit.ln_sigma0),
        _resolved("u_ln_sigma0", "", "its standard uncertainty", lambda fit: fit.u_ln_sigma0),
        _resolved("sigma_25C_S_per_cm", "S/cm", "conductivity at 25 °C", lambda fit: fit.sigma_25C_S_per_cm),
        Column("n_points", "", "number of points of the line"),
        Column("T_min_C", "°C", "lowest temperature", lambda fit: fit.temperature_C[fit.used].min()),
        Column("T_max_C", "°C", "highest temperature", lambda fit: fit.temperature_C[fit.used].max()),
        Column("status", "", "`ok`, `not_resolvable` or `extrapolated`"),
        Column("reason", "", "reason of a status other than `ok`"),
        _resolved("u_sigma_25C_S_per_cm", "S/cm", "uncertainty of σ(25 °C)", lambda fit: fit.u_sigma_25C_S_per_cm),
        _resolved("sigma_25C_low", "S/cm", "lower end of its 95 % interval", lambda fit: fit.sigma_25C_low),
        _resolved("sigma_25C_high", "S/cm", "upper end of its 95 % interval", lambda fit: fit.sigma_25C_high),
        Column("sigma_25C_status", "", "`ok`, or `extrapolated` beyond the temperatures measured"),
        _resolved(
            "sigma_25C_mS_per_cm", "mS/cm", "conductivity at 25 °C", lambda fit: 1e3 * fit.sigma_25C_S_per_cm
        ),
        _resolved("Ea_low_eV", "eV", "lower end of the 95 % interval of Ea", lambda fit: fit.interval[0]),
        _resolved("Ea_high_eV", "eV", "upper end of the 95 % interval of Ea", lambda fit: fit.interval[1]),
        _resolved("Ea_kJ_per_mol", "kJ/mol", "activation energy", lambda fit: fit.Ea_kJ_per_mol),
        _resolved("u_Ea_kJ_per_mol", "kJ/mol", "its standard uncertainty", lambda fit: fit.u_Ea_eV * KJ_PER_MOL),
        Column("chi2_reduced", "", "reduced χ²"),
        Column("Ea_if_1K_offset_eV", "eV", "Ea if every temperature is 1 K too low"),
        Column("Ea_if_2pct_lag_eV", "eV", "Ea if the sample temperature lags 2 % of its distance from 25 °C"),
        Column("Ea_if_1ohm_lead_eV", "eV", "Ea if every resistance includes 1 Ω of leads"),
        Column("composition_x", "", "composition"),
        Column("flags", "", "remarks", lambda fit: "; ".join(fit.flags)),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeRow:
    """Alternative description of the same conductivities."""

    sample_id: str | None = described("", "sample")
    quantity: str = described("", "`total`, `bulk`, `grain_boundary`, or `interface` and its name")
    form: str = described(
        "", "`ln_sigma`, `vft`, `piecewise`, `global`, `ln_T_over_R`, `ln_1_over_R` or `meyer_neldel`"
    )
    Ea_eV: float | None = described("eV", "activation energy")
    u_Ea_eV: float | None = described("eV", "its standard uncertainty")
    ln_sigma0: float | None = described("", "intercept")
    u_ln_sigma0: float | None = described("", "its standard uncertainty")
    sigma_25C_S_per_cm: float | None = described("S/cm", "conductivity at 25 °C")
    u_sigma_25C_S_per_cm: float | None = described("S/cm", "its standard uncertainty")
    n_points: int = described("", "number of points, spectra or samples")
    T_min_C: float | None = described("°C", "lowest temperature")
    T_max_C: float | None = described("°C", "highest temperature")
    chi2: float | None = described("", "χ²")
    aicc: float | None = described("", "corrected Akaike criterion")
    delta_aicc: float | None = described("", "its difference to the line of `arrhenius.csv`")
    parameters: str | None = described("", "further parameters, as `name=value`")
    status: str = described("", "`ok`, `not_resolvable`, `extrapolated` or `failed`")
    reason: str | None = described("", "reason of the status, or remarks")


ALTERNATIVES: Table[AlternativeRow] = Table(
    "arrhenius_alternatives", "alternative description", columns_of(AlternativeRow)
)


def arrhenius_row(
    sample: str,
    quantity: str,
    fit: Arrhenius,
    cell_constant_per_cm: float | None = None,
    composition_x: float | None = None,
) -> dict[str, Any]:
    """Return the row of an Arrhenius fit; the effect of leads needs L/A."""
    systematic = fit.systematics(cell_constant_per_cm)
    return ARRHENIUS.row(
        fit,
        sample_id=sample,
        quantity=quantity,
        Ea_if_1K_offset_eV=fit.Ea_eV + systematic.get("offset", math.nan),
        Ea_if_2pct_lag_eV=fit.Ea_eV + systematic.get("lag", math.nan),
        Ea_if_1ohm_lead_eV=fit.Ea_eV + systematic.get("lead", math.nan),
        composition_x=composition_x,
    )


def alternative_row(sample: str, quantity: str, fit: Arrhenius, other: Alternative) -> AlternativeRow:
    """Return the row of an alternative to an Arrhenius fit."""
    T = fit.temperature_C[fit.used]
    return AlternativeRow(
        sample_id=sample,
        quantity=quantity,
        form=other.form,
        Ea_eV=other.Ea_eV,
        u_Ea_eV=other.u_Ea_eV,
        ln_sigma0=other.ln_sigma0,
        u_ln_sigma0=other.u_ln_sigma0,
        sigma_25C_S_per_cm=other.sigma_25C_S_per_cm,
        u_sigma_25C_S_per_cm=other.u_sigma_25C_S_per_cm,
        n_points=fit.n_points,
        T_min_C=float(T.min()),
        T_max_C=float(T.max()),
        chi2=other.chi2,
        aicc=other.aicc,
        delta_aicc=other.delta_aicc,
        parameters="; ".join(f"{key}={value:.6g}" for key, value in other.parameters.items()),
        status=other.status,
        reason=other.reason,
    )
