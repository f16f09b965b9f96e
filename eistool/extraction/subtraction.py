"""What electrolyte layers and counter electrodes add to a cell, taken off with the help of a symmetric cell."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from eistool.display import brief_repr, format_value, html_table, plain
from eistool.errors import SpectrumError
from eistool.spectrum import CellGeometry, Spectrum

if TYPE_CHECKING:
    from eistool.extraction.subtract_spectra import SpectrumParts

Value = tuple[float, float]  # with its standard uncertainty
Meaning = Literal["per_electrode", "pair"]
MEANINGS: tuple[str, ...] = ("per_electrode", "pair")
# of In/InLi, from the overpotentials of Song et al., Nature 2025, doi:10.1038/s41586-024-08298-9
IN_INLI_DC_OHM_CM2 = 17.5
SIGNIFICANT = 2.0  # times its uncertainty
ONE_SIDED_95 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the stack: what is subtracted, and what is left."""

    name: str
    subtracted_ohm: float
    value_ohm: float
    sigma_S_per_cm: float  # nan without the geometry of the layer

    __repr__ = brief_repr


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class SubtractionResult:
    """Outcome of :func:`subtract_symmetric_cell`.

    ``value`` is a resistance in ohm (with ``u``, its standard uncertainty, and ``alternatives``, what other
    readings of the stack would leave) or a spectrum, whose ``u`` is that of a constant shift of its real
    part. It is nan or None where ``status`` is not ``ok``; ``upper_limit`` (95 %) may be known then.
    """

    value: float | Spectrum | None
    u: float
    subtracted_ohm: float  # electrolyte, counter electrodes and leads at zero frequency
    u_subtracted_ohm: float
    alternatives: tuple[Reading, ...]
    status: str  # ok | not_resolvable | failed
    reason: str
    flags: tuple[str, ...] = ()
    upper_limit: float = math.nan
    sigma_S_per_cm: float = math.nan
    u_sigma_S_per_cm: float = math.nan
    lower_limit_S_per_cm: float = math.nan
    parts: "SpectrumParts | None" = None  # of a subtraction of spectra

    @property
    def band_ohm(self) -> tuple[float, float]:
        """Least and largest resistance that the readings leave: a systematic band, beside ``u``."""
        values = [reading.value_ohm for reading in self.alternatives]
        return (min(values), max(values)) if values else (math.nan, math.nan)

    @property
    def band_sigma(self) -> tuple[float, float]:
        """The same of the conductivity in S/cm, over the readings that leave anything."""
        values = [r.sigma_S_per_cm for r in self.alternatives if math.isfinite(r.sigma_S_per_cm)]
        return (min(values), max(values)) if values else (math.nan, math.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects; None for missing ones."""
        values = {name: getattr(self, name) for name in self.__slots__ if name not in ("parts", "value")}
        value = self.value.to_dict() if isinstance(self.value, Spectrum) else self.value
        as_dict: dict[str, Any] = plain({"value": value, **values, "band_ohm": self.band_ohm})
        return as_dict

    def __repr__(self) -> str:
        lines = [f"SubtractionResult({self._verdict()})"]
        lines += [f"  {r.name}: - {r.subtracted_ohm:.4g} Ω leaves {r.value_ohm:.4g} Ω" for r in self.alternatives]
        lines += [f"  flag: {flag}" for flag in self.flags]
        return "\n".join(lines)

    def _verdict(self) -> str:
        if isinstance(self.value, Spectrum):
            return f"{self.value!r}, shift ± {self.u:.2g} Ω"
        if self.status != "ok" or self.value is None:
            limit = f", < {self.upper_limit:.4g} Ω (95 %)" if math.isfinite(self.upper_limit) else ""
            return f"{self.status}{limit}: {self.reason}"
        low, high = self.band_ohm
        band = f", other readings {low:.4g} to {high:.4g} Ω" if self.alternatives else ""
        return f"{format_value(self.value, self.u)} Ω{band}"

    def _repr_html_(self) -> str:
        rows = [
            (r.name, f"{r.subtracted_ohm:.4g}", f"{r.value_ohm:.4g}", f"{r.sigma_S_per_cm:.3g}")
            for r in self.alternatives
        ]
        columns = ("reading", "subtracted / Ω", "left / Ω", "σ / (S/cm)")
        return html_table(f"Subtraction: {self._verdict()}", columns, rows)


def subtract_symmetric_cell(
    full: Spectrum | Value,
    symmetric: Spectrum | Value | tuple[Value, Value] | Mapping[str, Value],
    *,
    layers: int,
    counter_electrodes: int,
    r_in: Meaning = "per_electrode",
    full_cell: CellGeometry | None = None,
    symmetric_cell: CellGeometry | None = None,
    electrolyte: Value | None = None,
    interface: Value | None = None,
    lead: Value = (0.0, 0.0),
    electrode: CellGeometry | None = None,
    r_in_dc_ohm_cm2: float | None = IN_INLI_DC_OHM_CM2,
    pressures_MPa: tuple[float, float] | None = None,
    plain_half: bool = False,
) -> SubtractionResult:
    """Return what is left of a cell without its electrolyte layers and counter electrodes.

    Parameters
    ----------
    full : Spectrum or (float, float)
        The cell, or its resistance in ohm with a standard uncertainty.
    symmetric : Spectrum, (float, float), or both resistances
        The symmetric cell; its whole resistance; or R_SE and R_In, as two pairs or under these names.
    layers, counter_electrodes : int
        How many electrolyte layers, each like that of the symmetric cell unless geometries say otherwise,
        and how many counter electrodes the full cell has.
    r_in : {"per_electrode", "pair"}
        What R_In means: the resistance of one electrode, or of both of the symmetric cell together.
    full_cell, symmetric_cell : CellGeometry, optional
        One electrolyte layer of either: its resistance scales with thickness by area, that of an electrode
        with one by area. Without them the cells are taken for equal.
    electrolyte, interface : (float, float), optional
        R_SE and R_In of the symmetric cell, where ``symmetric`` does not tell them. A spectrum is fitted by
        default; of a whole resistance anything between all electrolyte and all electrodes is possible then.
    lead : (float, float)
        Resistance of leads and contacts of the full cell.
    electrode : CellGeometry, optional
        The layer of interest; then there is a conductivity.
    r_in_dc_ohm_cm2 : float, optional
        Resistance of an electrode under direct current, for the reading that takes it; by default that of
        In/InLi. It needs the area of ``full_cell`` or ``electrode``.
    pressures_MPa : (float, float), optional
        Of the full and of the symmetric cell; spectra tell theirs.
    plain_half : bool
        Of spectra, subtract Z_sym/2 for each counter electrode and nothing else.

    Raises
    ------
    SpectrumError
        If the numbers of layers or electrodes, or the kinds of the cells, do not fit together.

    Warns
    -----
    UserWarning
        If the pressures of the two cells differ.

    Examples
    --------
    >>> subtract_symmetric_cell((275.2, 0.5), ((23.0, 0.2), (0.9, 0.1)), layers=2, counter_electrodes=2)
    SubtractionResult(227.40 ± 0.67 Ω, other readings 227.4 to 251.3 Ω)
      each layer as the symmetric one, R_In per electrode: - 47.8 Ω leaves 227.4 Ω
      each layer as the symmetric one, R_In of the pair: - 46.9 Ω leaves 228.3 Ω
      all layers together as the symmetric one, R_In per electrode: - 24.8 Ω leaves 250.4 Ω
      R_SE and R_In once: - 23.9 Ω leaves 251.3 Ω
      flag: layers and areas of the two cells are taken for equal
    """
    _check_counts(layers, counter_electrodes, r_in)
    flags = _pressure_flags(full, symmetric, pressures_MPa)
    if isinstance(full, Spectrum) != isinstance(symmetric, Spectrum):
        raise SpectrumError("subtraction: one cell is a spectrum and the other none; give both as one kind")
    scale, scale_in, u_scale, u_scale_in, notes = _scaling(full_cell, symmetric_cell)
    flags += notes
    if isinstance(full, Spectrum) and isinstance(symmetric, Spectrum):
        from eistool.extraction.subtract_spectra import subtract_spectra

        return subtract_spectra(
            full, symmetric, layers, counter_electrodes, (scale, u_scale), (scale_in, u_scale_in), electrolyte,
            lead, plain_half, flags,
        )  # fmt: skip
    R_full = _value("full", full)
    split = _split(symmetric, electrolyte, interface, r_in)
    if split is None:
        R_sym = _value("symmetric", symmetric)
        # anything between: all of it electrolyte, or all of it electrodes
        factors = layers * scale, counter_electrodes / 2 * scale_in
        ends = factors[0] * R_sym[0], factors[1] * R_sym[0]
        subtracted = sum(ends) / 2
        u_subtracted = math.hypot(sum(factors) / 2 * R_sym[1], (ends[0] - ends[1]) / math.sqrt(12))
        readings = {"the symmetric cell is all electrolyte": ends[0], "it is all electrodes": ends[1]}
        if ends[0] != ends[1]:
            flags += ("R_SE and R_In of the symmetric cell are not told apart; give electrolyte or interface",)
    else:
        R_SE, R_In = split
        one = R_In if r_in == "per_electrode" else (R_In[0] / 2, R_In[1] / 2)
        R_SE_l = _times(R_SE, (scale, u_scale))
        R_In_l = _times(one, (scale_in, u_scale_in))
        subtracted = layers * R_SE_l[0] + counter_electrodes * R_In_l[0]
        u_subtracted = math.hypot(layers * R_SE_l[1], counter_electrodes * R_In_l[1])
        area = next((c.area_cm2 for c in (full_cell, electrode) if c is not None and c.area_cm2), None)
        dc = None if area is None or r_in_dc_ohm_cm2 is None else r_in_dc_ohm_cm2 / area
        readings = _readings(R_SE_l[0], R_In[0] * scale_in, layers, counter_electrodes, r_in, dc)
    subtracted, u_subtracted = subtracted + lead[0], math.hypot(u_subtracted, lead[1])
    value, u = R_full[0] - subtracted, math.hypot(R_full[1], u_subtracted)
    left = {name: R_full[0] - taken - lead[0] for name, taken in readings.items()}
    alternatives = tuple(
        Reading(name, taken + lead[0], left[name], _sigma(electrode, left[name]))
        for name, taken in readings.items()
    )
    resolved = value > SIGNIFICANT * u
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
        reason="" if resolved else f"{value:.4g} Ω are left, not more than {SIGNIFICANT:g} × {u:.2g} Ω",
        flags=flags,
        upper_limit=math.nan if resolved else max(value, 0.0) + ONE_SIDED_95 * u,
        sigma_S_per_cm=sigma,
        u_sigma_S_per_cm=u_sigma,
        lower_limit_S_per_cm=least,
    )


def _check_counts(layers: int, counter_electrodes: int, r_in: str) -> None:
    for name, count in (("layers", layers), ("counter_electrodes", counter_electrodes)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise SpectrumError(f"subtraction: {name}={count!r}; count them: 0, 1, 2, ...")
    if layers + counter_electrodes == 0:
        raise SpectrumError("subtraction: neither layers nor counter electrodes; there is nothing to subtract")
    if r_in not in MEANINGS:
        raise SpectrumError(f"subtraction: r_in={r_in!r}; choose one of {', '.join(MEANINGS)}")


def _pressure_flags(full: object, symmetric: object, given: tuple[float, float] | None) -> tuple[str, ...]:
    pressures: tuple[float | None, ...] = given or tuple(
        cell.metadata.pressure_MPa if isinstance(cell, Spectrum) else None for cell in (full, symmetric)
    )
    if None in pressures or pressures[0] == pressures[1]:
        return ()
    text = f"the full cell was at {pressures[0]:g} MPa, the symmetric one at {pressures[1]:g} MPa"
    warnings.warn(f"{text}: their electrolytes and contacts may differ", stacklevel=3)
    return (text,)


def _scaling(
    full: CellGeometry | None, symmetric: CellGeometry | None
) -> tuple[float, float, float, float, tuple[str, ...]]:
    """Return by what R_SE and R_In of the symmetric cell are to be multiplied, with uncertainties."""
    if full is None or symmetric is None:
        return 1.0, 1.0, 0.0, 0.0, ("layers and areas of the two cells are taken for equal",)
    (k_l, u_l), (k_s, u_s) = ((c.cell_constant_per_cm, c.u_cell_constant_per_cm) for c in (full, symmetric))
    if not (k_l and k_s):
        raise SpectrumError("subtraction: a geometry without a cell constant; give thickness and diameter")
    scale = k_l / k_s
    u_scale = scale * math.hypot((u_l or 0.0) / k_l, (u_s or 0.0) / k_s)
    if full.area_cm2 is None or symmetric.area_cm2 is None:
        return scale, 1.0, u_scale, 0.0, ("the areas are unknown: R_In is not scaled",)
    scale_in = symmetric.area_cm2 / full.area_cm2
    relative = math.hypot((full.u_area_cm2 or 0) / full.area_cm2, (symmetric.u_area_cm2 or 0) / symmetric.area_cm2)
    return scale, scale_in, u_scale, scale_in * relative, ()


def _value(name: str, given: object) -> Value:
    try:
        R, u = (float(part) for part in given)  # type: ignore[attr-defined]  # anything may be given
    except (TypeError, ValueError) as error:
        raise SpectrumError(f"subtraction: {name}={given!r}; give (R, u) in ohm") from error
    if not (math.isfinite(R) and 0 <= u < math.inf):
        raise SpectrumError(f"subtraction: {name}={given!r}; give a finite R and an uncertainty of 0 or more")
    return R, u


def _split(
    symmetric: object, electrolyte: Value | None, interface: Value | None, r_in: str
) -> tuple[Value, Value] | None:
    """Return R_SE and R_In, what the latter means as it was given; None if they are not told apart."""
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


def _times(value: Value, factor: Value) -> Value:
    return value[0] * factor[0], math.hypot(value[1] * factor[0], value[0] * factor[1])


def _readings(
    R_SE: float, R_In: float, layers: int, electrodes: int, r_in: str, R_dc: float | None
) -> dict[str, float]:
    """Return what each reading of the stack subtracts; the first is the one asked for."""
    own = "per electrode" if r_in == "per_electrode" else "of the pair"
    each, together = "each layer as the symmetric one", "all layers together as the symmetric one"
    if layers == 1:
        each = together = "one layer as the symmetric one"
    share = {"per electrode": R_In, "of the pair": R_In / 2}
    found = {f"{each}, R_In {own}": layers * R_SE + electrodes * share[own]}
    other = next(name for name in share if name != own)
    if electrodes:
        found[f"{each}, R_In {other}"] = layers * R_SE + electrodes * share[other]
    if layers > 1:
        found[f"{together}, R_In {own}"] = R_SE + electrodes * share[own]
    if layers > 1 or electrodes > 1:
        found["R_SE and R_In once"] = R_SE + R_In
    if R_dc is not None and electrodes:
        found[f"{each}, R_In at d.c. ({R_dc:.3g} Ω)"] = layers * R_SE + electrodes * R_dc
    return found


def _sigma(electrode: CellGeometry | None, R: float) -> float:
    if electrode is None or electrode.cell_constant_per_cm is None or R <= 0:
        return math.nan
    return electrode.cell_constant_per_cm / R
