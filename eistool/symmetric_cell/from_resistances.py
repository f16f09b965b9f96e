"""Subtraction of the resistances of electrolyte layers and counter electrodes."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from eistool.constants import ONE_SIDED_95
from eistool.errors import SpectrumError
from eistool.fitting.result import UNRESOLVED
from eistool.spectrum import CellGeometry
from eistool.symmetric_cell.result import StackInterpretation, SubtractionResult
from eistool.typing import Measured, Threshold

Meaning = Literal["per_electrode", "pair"]
MEANINGS: tuple[str, ...] = ("per_electrode", "pair")
IN_INLI_DC_OHM_CM2: Annotated[
    float,
    Threshold(
        "d.c. resistance of an In/InLi electrode in Ω cm²",
        "overpotentials in Song et al., doi:10.1038/s41586-024-08298-9",
    ),
] = 17.5


def subtract_resistances(
    full: object,
    symmetric: object,
    layers: int,
    counter_electrodes: int,
    r_in: Meaning,
    scale: Measured,
    scale_in: Measured,
    electrolyte: Measured | None,
    interface: Measured | None,
    lead: Measured,
    electrode: CellGeometry | None,
    r_in_dc_ohm_cm2: float | None,
    full_cell: CellGeometry | None,
    flags: tuple[str, ...],
) -> SubtractionResult:
    """Return R_full - m R_SE,l - n R_In,l - R_lead, for n electrodes and m layers.

    See :func:`subtract_symmetric_cell` for the arguments; ``scale`` and ``scale_in`` multiply R_SE and R_In
    of the symmetric cell.
    """
    R_full = _value("full", full)
    split = _split(symmetric, electrolyte, interface, r_in)
    if split is None:
        R_sym = _value("symmetric", symmetric)
        # a uniform distribution between all electrolyte and all electrodes
        factors = layers * scale[0], counter_electrodes / 2 * scale_in[0]
        ends = factors[0] * R_sym[0], factors[1] * R_sym[0]
        subtracted = sum(ends) / 2
        u_subtracted = math.hypot(sum(factors) / 2 * R_sym[1], (ends[0] - ends[1]) / math.sqrt(12))
        interpretations = {"the symmetric cell is all electrolyte": ends[0], "it is all electrodes": ends[1]}
        if ends[0] != ends[1]:
            flags += ("R_SE and R_In of the symmetric cell are not separated; give electrolyte or interface",)
    else:
        R_SE, R_In = split
        one = R_In if r_in == "per_electrode" else (R_In[0] / 2, R_In[1] / 2)
        R_SE_l = _times(R_SE, scale)
        R_In_l = _times(one, scale_in)
        subtracted = layers * R_SE_l[0] + counter_electrodes * R_In_l[0]
        u_subtracted = math.hypot(layers * R_SE_l[1], counter_electrodes * R_In_l[1])
        area = next((c.area_cm2 for c in (full_cell, electrode) if c is not None and c.area_cm2), None)
        dc = None if area is None or r_in_dc_ohm_cm2 is None else r_in_dc_ohm_cm2 / area
        interpretations = _interpretations(R_SE_l[0], R_In[0] * scale_in[0], layers, counter_electrodes, r_in, dc)
    subtracted, u_subtracted = subtracted + lead[0], math.hypot(u_subtracted, lead[1])
    value, u = R_full[0] - subtracted, math.hypot(R_full[1], u_subtracted)
    left = {name: R_full[0] - taken - lead[0] for name, taken in interpretations.items()}
    alternatives = tuple(
        StackInterpretation(name, taken + lead[0], left[name], _sigma(electrode, left[name]))
        for name, taken in interpretations.items()
    )
    resolved = u < UNRESOLVED * value
    sigma, u_sigma, least = math.nan, math.nan, math.nan
    if electrode is not None:
        k = electrode.cell_constant_per_cm or math.nan
        relative = (electrode.u_cell_constant_per_cm or 0.0) / k
        flags += tuple(f"{text} assumed" for text in electrode.assumed)
        if resolved:
            sigma = k / value
            u_sigma = sigma * math.hypot(relative, u / value)
        else:
            least = k / (1 + ONE_SIDED_95 * relative) / (max(value, 0.0) + ONE_SIDED_95 * u)
    return SubtractionResult(
        value=value if resolved else math.nan,
        u=u,
        subtracted_ohm=subtracted,
        u_subtracted_ohm=u_subtracted,
        alternatives=alternatives,
        status="ok" if resolved else "not_resolvable",
        reason="" if resolved else f"{value:.4g} Ω remain, not more than {1 / UNRESOLVED:g} × {u:.2g} Ω",
        flags=flags,
        upper_limit=math.nan if resolved else max(value, 0.0) + ONE_SIDED_95 * u,
        sigma_S_per_cm=sigma,
        u_sigma_S_per_cm=u_sigma,
        lower_limit_S_per_cm=least,
    )


def _value(name: str, given: object) -> Measured:
    try:
        R, u = (float(part) for part in given)  # type: ignore[attr-defined]  # anything may be given
    except (TypeError, ValueError) as error:
        raise SpectrumError(f"subtraction: {name}={given!r}; give (R, u) in ohm") from error
    if not (math.isfinite(R) and 0 <= u < math.inf):
        raise SpectrumError(f"subtraction: {name}={given!r}; give a finite R and an uncertainty of 0 or more")
    return R, u


def _split(
    symmetric: object, electrolyte: Measured | None, interface: Measured | None, r_in: str
) -> tuple[Measured, Measured] | None:
    """Return R_SE and R_In, the latter as given, or None if they are not separated."""
    if isinstance(symmetric, Mapping):
        if set(symmetric) != {"R_SE", "R_In"}:
            raise SpectrumError(f"subtraction: symmetric with {sorted(symmetric)}; name R_SE and R_In")
        return _value("R_SE", symmetric["R_SE"]), _value("R_In", symmetric["R_In"])
    if isinstance(symmetric, Sequence) and symmetric and isinstance(symmetric[0], Sequence):
        if len(symmetric) != 2:
            raise SpectrumError("subtraction: symmetric as two pairs is (R_SE, u), (R_In, u)")
        return _value("R_SE", symmetric[0]), _value("R_In", symmetric[1])
    R, u = _value("symmetric", symmetric)
    both = 2.0 if r_in == "per_electrode" else 1.0
    if interface is not None:
        R_In = _value("interface", interface)
        return (R - both * R_In[0], math.hypot(u, both * R_In[1])), R_In
    if electrolyte is not None:
        R_SE = _value("electrolyte", electrolyte)
        return R_SE, ((R - R_SE[0]) / both, math.hypot(u, R_SE[1]) / both)
    return None


def _times(value: Measured, factor: Measured) -> Measured:
    return value[0] * factor[0], math.hypot(value[1] * factor[0], value[0] * factor[1])


def _interpretations(
    R_SE: float, R_In: float, layers: int, electrodes: int, r_in: str, R_dc: float | None
) -> dict[str, float]:
    """Return the resistance subtracted by each interpretation of the stack; the requested one is first."""
    given = "per electrode" if r_in == "per_electrode" else "of the pair"
    each, together = "each layer as the symmetric one", "all layers together as the symmetric one"
    if layers == 1:
        each = together = "one layer as the symmetric one"
    share = {"per electrode": R_In, "of the pair": R_In / 2}
    subtracted = {f"{each}, R_In {given}": layers * R_SE + electrodes * share[given]}
    other = next(name for name in share if name != given)
    if electrodes:
        subtracted[f"{each}, R_In {other}"] = layers * R_SE + electrodes * share[other]
    if layers > 1:
        subtracted[f"{together}, R_In {given}"] = R_SE + electrodes * share[given]
    if layers > 1 or electrodes > 1:
        subtracted["R_SE and R_In once"] = R_SE + R_In
    if R_dc is not None and electrodes:
        subtracted[f"{each}, R_In at d.c. ({R_dc:.3g} Ω)"] = layers * R_SE + electrodes * R_dc
    return subtracted


def _sigma(electrode: CellGeometry | None, R: float) -> float:
    if electrode is None or electrode.cell_constant_per_cm is None or R <= 0:
        return math.nan
    return electrode.cell_constant_per_cm / R
