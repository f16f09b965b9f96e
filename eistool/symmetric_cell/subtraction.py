"""Symmetric-cell subtraction of electrolyte layers and counter electrodes."""

import math
import warnings
from collections.abc import Mapping

from eistool.errors import SpectrumError
from eistool.spectrum import CellGeometry, Spectrum
from eistool.symmetric_cell.from_resistances import IN_INLI_DC_OHM_CM2, MEANINGS, Meaning, subtract_resistances
from eistool.symmetric_cell.from_spectra import subtract_spectra
from eistool.symmetric_cell.result import SubtractionResult
from eistool.typing import Measured


def subtract_symmetric_cell(
    full: Spectrum | Measured,
    symmetric: Spectrum | Measured | tuple[Measured, Measured] | Mapping[str, Measured],
    *,
    layers: int,
    counter_electrodes: int,
    r_in: Meaning = "per_electrode",
    full_cell: CellGeometry | None = None,
    symmetric_cell: CellGeometry | None = None,
    electrolyte: Measured | None = None,
    interface: Measured | None = None,
    lead: Measured = (0.0, 0.0),
    electrode: CellGeometry | None = None,
    r_in_dc_ohm_cm2: float | None = IN_INLI_DC_OHM_CM2,
    pressures_MPa: tuple[float, float] | None = None,
    plain_half: bool = False,
) -> SubtractionResult:
    """Subtract electrolyte layers and counter electrodes from a cell.

    Parameters
    ----------
    full : Spectrum or (float, float)
        Full cell, or its resistance in ohm with a standard uncertainty.
    symmetric : Spectrum, (float, float), or both resistances
        Symmetric cell; its total resistance; or R_SE and R_In, as two pairs or a mapping with these names.
    layers, counter_electrodes : int
        Numbers of electrolyte layers, each like that of the symmetric cell unless geometries are given, and
        of counter electrodes of the full cell.
    r_in : {"per_electrode", "pair"}
        Whether R_In is the resistance of one electrode, or of both electrodes of the symmetric cell.
    full_cell, symmetric_cell : CellGeometry, optional
        Electrolyte layers of both: their resistance scales with thickness/area, that of an electrode with
        1/area. Without them, the cells are assumed equal.
    electrolyte, interface : (float, float), optional
        R_SE and R_In of the symmetric cell, if ``symmetric`` does not give them. By default a spectrum is
        fitted, and a total resistance may be anything between all electrolyte and all electrodes.
    lead : (float, float)
        Resistance of leads and contacts of the full cell.
    electrode : CellGeometry, optional
        Geometry of the layer of interest, for its conductivity.
    r_in_dc_ohm_cm2 : float, optional
        Resistance of an electrode under direct current, for the interpretation that uses it; by default that
        of In/InLi. It needs the area of ``full_cell`` or ``electrode``.
    pressures_MPa : (float, float), optional
        Pressures of the full and the symmetric cell; by default from the metadata of spectra.
    plain_half : bool
        Whether to subtract only Z_sym/2 for each counter electrode, from spectra.

    Raises
    ------
    SpectrumError
        If the numbers of layers or electrodes are invalid, or the kinds of the cells differ.

    Warns
    -----
    UserWarning
        If the pressures of the two cells differ.

    Examples
    --------
    >>> subtract_symmetric_cell((275.2, 0.5), ((23.0, 0.2), (0.9, 0.1)), layers=2, counter_electrodes=2)
    SubtractionResult(227.40 ± 0.67 Ω, other interpretations 227.4 to 251.3 Ω)
      each layer as the symmetric one, R_In per electrode: - 47.8 Ω leaves 227.4 Ω
      each layer as the symmetric one, R_In of the pair: - 46.9 Ω leaves 228.3 Ω
      all layers together as the symmetric one, R_In per electrode: - 24.8 Ω leaves 250.4 Ω
      R_SE and R_In once: - 23.9 Ω leaves 251.3 Ω
      flag: layers and areas of the two cells are assumed equal
    """
    _check_counts(layers, counter_electrodes, r_in)
    flags = _pressure_flags(full, symmetric, pressures_MPa)
    if isinstance(full, Spectrum) != isinstance(symmetric, Spectrum):
        raise SpectrumError(
            "subtraction: one cell is a spectrum and the other a resistance; give two of the same kind"
        )
    scale, scale_in, u_scale, u_scale_in, notes = _scaling(full_cell, symmetric_cell)
    flags += notes
    if isinstance(full, Spectrum) and isinstance(symmetric, Spectrum):
        return subtract_spectra(
            full, symmetric, layers, counter_electrodes, (scale, u_scale), (scale_in, u_scale_in), electrolyte,
            lead, plain_half, flags,
        )  # fmt: skip
    return subtract_resistances(
        full, symmetric, layers, counter_electrodes, r_in, (scale, u_scale), (scale_in, u_scale_in), electrolyte,
        interface, lead, electrode, r_in_dc_ohm_cm2, full_cell, flags,
    )  # fmt: skip


def _check_counts(layers: int, counter_electrodes: int, r_in: str) -> None:
    for name, count in (("layers", layers), ("counter_electrodes", counter_electrodes)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise SpectrumError(f"subtraction: {name}={count!r}; give a whole number, 0 or more")
    if layers + counter_electrodes == 0:
        raise SpectrumError("subtraction: layers=0 and counter_electrodes=0; give at least one of them")
    if r_in not in MEANINGS:
        raise SpectrumError(f"subtraction: r_in={r_in!r}; choose {', '.join(MEANINGS)}")


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
    """Return the factors of R_SE and R_In of the symmetric cell, with uncertainties."""
    if full is None or symmetric is None:
        return 1.0, 1.0, 0.0, 0.0, ("layers and areas of the two cells are assumed equal",)
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
