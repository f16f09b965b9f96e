"""Table of subtractions."""

from collections.abc import Mapping
from typing import Any

from eistool.materials import ThicknessRegression
from eistool.spectrum import Spectrum
from eistool.symmetric_cell import SubtractionResult
from eistool.tables.table import Column, Table

MOST_ALTERNATIVES = 6

SUBTRACTION: Table[SubtractionResult] = Table(
    "subtraction",
    "full cell, then the regression over thickness",
    (
        Column("source", "", "full cell"),
        Column("symmetric", "", "symmetric cell"),
        Column("kind", "", "`spectrum`, `resistance` or `regression`"),
        Column("layers", "", "electrolyte layers of the full cell"),
        Column("counter_electrodes", "", "counter electrodes of the full cell"),
        Column("r_in", "", "`per_electrode` or `pair`"),
        Column("thickness_um", "µm", "thickness of the layer of interest"),
        Column("area_cm2", "cm²", "its area"),
        Column("full_ohm", "ohm", "resistance of the full cell"),
        Column("u_full_ohm", "ohm", "its standard uncertainty"),
        Column("subtracted_ohm", "ohm", "electrolyte, counter electrodes and leads at zero frequency"),
        Column("u_subtracted_ohm", "ohm", "its standard uncertainty"),
        Column(
            "value_ohm", "ohm", "remaining resistance", lambda r: r.value if isinstance(r.value, float) else None
        ),
        Column("u_ohm", "ohm", "its standard uncertainty", lambda r: r.u),
        Column("band_low_ohm", "ohm", "smallest resistance among the alternatives", lambda r: r.band_ohm[0]),
        Column("band_high_ohm", "ohm", "largest resistance among the alternatives", lambda r: r.band_ohm[1]),
        Column("upper_limit_ohm", "ohm", "upper 95 % limit of the resistance", lambda r: r.upper_limit),
        Column("sigma_S_per_cm", "S/cm", "conductivity"),
        Column("u_sigma_S_per_cm", "S/cm", "its standard uncertainty"),
        Column("lower_limit_S_per_cm", "S/cm", "lower 95 % limit of the conductivity"),
        Column(
            "band_low_S_per_cm", "S/cm", "smallest conductivity among the alternatives", lambda r: r.band_sigma[0]
        ),
        Column(
            "band_high_S_per_cm", "S/cm", "largest conductivity among the alternatives", lambda r: r.band_sigma[1]
        ),
        Column(
            "alternatives",
            "",
            "remaining resistance for alternative interpretations of the stack",
            lambda r: _alternatives(r),
        ),
        Column("flags", "", "remarks", lambda r: "; ".join(r.flags)),
        Column("status", "", "`ok`, `not_resolvable` or `failed`"),
        Column("reason", "", "reason of a status other than `ok`"),
    ),
)


def _alternatives(result: SubtractionResult) -> str:
    return "; ".join(f"{r.name}: {r.value_ohm:.6g} ohm" for r in result.alternatives[:MOST_ALTERNATIVES])


def subtraction_row(
    result: SubtractionResult | None,
    full: Spectrum | tuple[float, float] | None,
    error: str,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the row of a full cell.

    Parameters
    ----------
    result : SubtractionResult, optional
        Result of the subtraction.
    full : Spectrum or (float, float), optional
        Spectrum of the full cell, or its resistance and standard uncertainty in ohm.
    error : str
        Reason for the absence of a result.
    given : mapping
        Source, stack and geometry by column.
    """
    R, u = full if isinstance(full, tuple) else (None, None)
    return SUBTRACTION.row(
        result,
        kind="spectrum" if isinstance(full, Spectrum) else "resistance",
        full_ohm=R,
        u_full_ohm=u,
        status="failed" if result is None else result.status,
        reason=error if result is None else result.reason,
        **given,
    )


def regression_row(regression: ThicknessRegression) -> dict[str, Any]:
    """Return the row of a regression over thickness."""
    return SUBTRACTION.row(
        None,
        source="all, over thickness",
        kind="regression",
        subtracted_ohm=regression.intercept_ohm,
        u_subtracted_ohm=regression.u_intercept_ohm,
        sigma_S_per_cm=regression.sigma_S_per_cm,
        u_sigma_S_per_cm=regression.u_sigma_S_per_cm,
        status=regression.status,
        reason=regression.reason,
    )
