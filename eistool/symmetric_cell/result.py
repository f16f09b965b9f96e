"""Results of symmetric-cell subtraction: plain data and their representations."""

import math
from dataclasses import dataclass
from typing import Any

from eistool.display import Tabular, brief_repr, format_value, html_table, plain
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumParts:
    """Parts of a subtraction of spectra, at the frequencies of the difference."""

    full: Spectrum
    symmetric: Spectrum
    electrodes: ComplexArray  # of all counter electrodes, ohm
    shift_ohm: float  # electrolyte layers and leads
    difference: Spectrum  # kept even if it is refused


@dataclass(frozen=True, slots=True)
class StackInterpretation:
    """Interpretation of the stack, with the subtracted and the remaining resistance."""

    name: str
    subtracted_ohm: float
    value_ohm: float
    sigma_S_per_cm: float  # nan without the geometry of the layer

    __repr__ = brief_repr


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class SubtractionResult(Tabular):
    """Outcome of :func:`subtract_symmetric_cell`.

    ``value`` is a resistance in ohm (with ``u``, its standard uncertainty, and ``alternatives``, the results of
    other interpretations of the stack) or a spectrum, whose ``u`` is that of a constant shift of its real
    part. It is nan or None if ``status`` is not ``ok``; an ``upper_limit`` (95 %) may then be given.
    """

    value: float | Spectrum | None
    u: float
    subtracted_ohm: float  # electrolyte, counter electrodes and leads at zero frequency
    u_subtracted_ohm: float
    alternatives: tuple[StackInterpretation, ...]
    status: str  # ok | not_resolvable | failed
    reason: str
    flags: tuple[str, ...] = ()
    upper_limit: float = math.nan
    sigma_S_per_cm: float = math.nan
    u_sigma_S_per_cm: float = math.nan
    lower_limit_S_per_cm: float = math.nan
    parts: SpectrumParts | None = None  # of a subtraction of spectra

    @property
    def band_ohm(self) -> tuple[float, float]:
        """Range of resistances over the interpretations: a systematic band in addition to ``u``."""
        values = [other.value_ohm for other in self.alternatives]
        return (min(values), max(values)) if values else (math.nan, math.nan)

    @property
    def band_sigma(self) -> tuple[float, float]:
        """Range of conductivities in S/cm, over the interpretations with a positive resistance."""
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
            return f"spectrum of {len(self.value)} points, shift ± {self.u:.2g} Ω"
        if self.status != "ok" or self.value is None:
            limit = f", < {self.upper_limit:.4g} Ω (95 %)" if math.isfinite(self.upper_limit) else ""
            return f"{self.status}{limit}: {self.reason}"
        low, high = self.band_ohm
        band = f", other interpretations {low:.4g} to {high:.4g} Ω" if self.alternatives else ""
        return f"{format_value(self.value, self.u)} Ω{band}"

    def _repr_html_(self) -> str:
        rows = [
            (r.name, f"{r.subtracted_ohm:.4g}", f"{r.value_ohm:.4g}", f"{r.sigma_S_per_cm:.3g}")
            for r in self.alternatives
        ]
        columns = ("interpretation", "subtracted / Ω", "left / Ω", "σ / (S/cm)")
        return html_table(f"Subtraction: {self._verdict()}", columns, rows)
