"""Cell geometry: thickness, area and cell constant with uncertainties."""

import math
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any

from eistool.display import Tabular, format_value, html_table
from eistool.errors import SpectrumError
from eistool.spectrum.metadata import LARGEST, SMALLEST, Metadata

DEFAULT_U_THICKNESS_UM = 20.0
DEFAULT_U_DIAMETER_MM = 0.05
# ratios beyond which values contradict each other: rounding of lengths, and of densities
DISAGREEMENT, DENSER = 1.03, 1.1
# increase of the effective electrode radius by the field at its rim, in units of the thickness: both
# electrodes small and equal, or one small and the other covering the pellet (edge approximation, L << a)
RIM = {"both": math.log(2) / math.pi, "one": 2 * math.log(2) / math.pi}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CellGeometry(Tabular):
    """Thickness and area of a cell, or its cell constant, with standard uncertainties.

    Give a thickness with a diameter or an area, or only the cell constant L/A. Missing uncertainties are
    assumed as ± 20 µm and ± 0.05 mm, and listed in ``assumed``.

    For electrodes smaller than the pellet, give also ``electrode_diameter_mm``: the current spreads to
    π(a + kL)², with k = ln 2/π for two equal electrodes and 2 ln 2/π if the other covers the pellet, and
    at most to the pellet. Without ``small_electrodes`` ("both" or "one"), the area is between
    ``area_low_cm2`` and ``area_high_cm2``, and their distance is part of the uncertainty.

    Raises
    ------
    SpectrumError
        If a value is not positive, or the values do not determine the cell constant.

    Examples
    --------
    >>> cell = CellGeometry(thickness_um=1000, diameter_mm=10, u_thickness_um=20)
    >>> round(cell.area_cm2, 4), cell.assumed
    (0.7854, ('u_diameter_mm = 0.05',))
    >>> cell
    CellGeometry(L/A = 0.1273 ± 0.0028 /cm)
    """

    thickness_um: float | None = None
    diameter_mm: float | None = None
    u_thickness_um: float | None = None
    u_diameter_mm: float | None = None
    area_cm2: float | None = None
    u_area_cm2: float | None = None
    cell_constant_per_cm: float | None = None
    u_cell_constant_per_cm: float | None = None
    electrode_diameter_mm: float | None = None
    small_electrodes: str | None = None
    area_low_cm2: float | None = field(default=None, init=False)
    area_high_cm2: float | None = field(default=None, init=False)
    assumed: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name in ("assumed", "small_electrodes") or value is None or (name.startswith("u_") and value == 0):
                continue
            least = 0.0 if name.startswith("u_") else SMALLEST
            real = isinstance(value, Real) and not isinstance(value, bool)
            if not real or value <= 0 or not least <= float(value) <= LARGEST:
                hint = f", from {SMALLEST:g} to {LARGEST:g}" if real and 0 < value < math.inf else ""
                raise SpectrumError(f"cell geometry: {name}={value!r}; give a positive number{hint}")
        if self.small_electrodes is not None and self.small_electrodes not in RIM:
            raise SpectrumError(
                f"cell geometry: small_electrodes={self.small_electrodes!r}; choose both or one, or omit it"
            )
        assumed: list[str] = []
        self._fill_spread_area(assumed)
        self._fill_area(assumed)
        self._fill_cell_constant(assumed)
        object.__setattr__(self, "assumed", tuple(assumed))

    def _fill_spread_area(self, assumed: list[str]) -> None:
        small, whole = self.electrode_diameter_mm, self.diameter_mm
        if self.area_cm2 is not None or small is None or self.thickness_um is None:
            return
        if whole is not None and small > whole:
            raise SpectrumError(
                f"cell geometry: electrode_diameter_mm={small:g} exceeds diameter_mm={whole:g}; exchange them"
            )
        if small == whole:
            return
        u_diameter = self.u_diameter_mm
        if u_diameter is None:
            u_diameter = DEFAULT_U_DIAMETER_MM
            assumed.append(f"u_diameter_mm = {DEFAULT_U_DIAMETER_MM}")
        kinds = (self.small_electrodes,) if self.small_electrodes else tuple(RIM)
        areas = [spread_area(small, self.thickness_um, whole, kind) for kind in kinds]
        area = sum(areas) / len(areas)
        if len(areas) > 1:
            assumed.append("small_electrodes: one or both")
        # a uniform distribution between the bounds
        spread = (max(areas) - min(areas)) / math.sqrt(12)
        by_diameter = math.sqrt(math.pi * area) * u_diameter / 10
        self._set(
            area_cm2=area,
            u_area_cm2=math.hypot(spread, by_diameter),
            u_diameter_mm=u_diameter,
            area_low_cm2=min(areas),
            area_high_cm2=max(areas),
        )

    def _fill_area(self, assumed: list[str]) -> None:
        if self.area_cm2 is None and self.diameter_mm is not None:
            u_diameter = self.u_diameter_mm
            if u_diameter is None:
                u_diameter = DEFAULT_U_DIAMETER_MM
                assumed.append(f"u_diameter_mm = {DEFAULT_U_DIAMETER_MM}")
            area = math.pi * (self.diameter_mm / 20) ** 2
            self._set(area_cm2=area, u_area_cm2=2 * area * u_diameter / self.diameter_mm, u_diameter_mm=u_diameter)
        elif self.area_cm2 is not None and self.u_area_cm2 is None:
            # a circle of that area, its diameter known to the default uncertainty
            diameter_mm = 20 * math.sqrt(self.area_cm2 / math.pi)
            self._set(u_area_cm2=2 * self.area_cm2 * DEFAULT_U_DIAMETER_MM / diameter_mm)
            assumed.append(f"u_area_cm2 = {self.u_area_cm2:.2g}")

    def _fill_cell_constant(self, assumed: list[str]) -> None:
        if self.cell_constant_per_cm is not None:
            if self.u_cell_constant_per_cm is None:
                self._set(u_cell_constant_per_cm=0.0)
                assumed.append("u_cell_constant_per_cm = 0")
            return
        if self.thickness_um is None or self.area_cm2 is None or self.u_area_cm2 is None:
            raise SpectrumError(
                "cell geometry: give thickness_um with diameter_mm or area_cm2, or cell_constant_per_cm"
            )
        u_thickness = self.u_thickness_um
        if u_thickness is None:
            u_thickness = DEFAULT_U_THICKNESS_UM
            assumed.append(f"u_thickness_um = {DEFAULT_U_THICKNESS_UM:g}")
        constant = self.thickness_um * 1e-4 / self.area_cm2
        relative = math.hypot(u_thickness / self.thickness_um, self.u_area_cm2 / self.area_cm2)
        self._set(
            cell_constant_per_cm=constant,
            u_cell_constant_per_cm=constant * relative,
            u_thickness_um=u_thickness,
        )

    def _set(self, **values: float) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_metadata(cls, metadata: Metadata) -> "CellGeometry | None":
        """Return the geometry from the metadata, or None if they do not determine it."""
        if metadata.cell_constant_per_cm is None and (
            metadata.thickness_um is None
            or (metadata.area_cm2, metadata.diameter_mm, metadata.electrode_diameter_mm) == (None, None, None)
        ):
            return None
        return cls(
            thickness_um=metadata.thickness_um,
            diameter_mm=metadata.diameter_mm,
            u_thickness_um=metadata.u_thickness_um,
            u_diameter_mm=metadata.u_diameter_mm,
            area_cm2=metadata.area_cm2,
            cell_constant_per_cm=metadata.cell_constant_per_cm,
            electrode_diameter_mm=metadata.electrode_diameter_mm,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return asdict(self)

    def __repr__(self) -> str:
        assert self.cell_constant_per_cm is not None  # noqa: S101  # set by __post_init__
        return f"CellGeometry(L/A = {format_value(self.cell_constant_per_cm, self.u_cell_constant_per_cm)} /cm)"

    def _repr_html_(self) -> str:
        rows = [(name, value) for name, value in self.to_dict().items() if value not in (None, ())]
        return html_table(repr(self), ("", "value"), rows)


def spread_area(electrode_diameter_mm: float, thickness_um: float, diameter_mm: float | None, small: str) -> float:
    """Return the area in cm² through which the current between small electrodes flows.

    Parameters
    ----------
    electrode_diameter_mm, thickness_um : float
        Of the smaller electrode, and of the pellet.
    diameter_mm : float or None
        Of the pellet, beyond which nothing spreads; None for a wide one.
    small : {"both", "one"}
        Whether both electrodes are small and equal, or the other covers the pellet.

    Examples
    --------
    >>> round(spread_area(5, 1000, 10, "both"), 4), round(spread_area(5, 1000, 10, "one"), 4)
    (0.2325, 0.2718)
    """
    radius = electrode_diameter_mm / 20 + RIM[small] * thickness_um * 1e-4
    area = math.pi * radius**2
    return area if diameter_mm is None else min(area, math.pi * (diameter_mm / 20) ** 2)


def consistent_geometry(metadata: Metadata) -> CellGeometry | None:
    """Return the geometry from the metadata; None if they do not determine it, or contradict themselves.

    Examples
    --------
    >>> consistent_geometry(Metadata(thickness_um=500, diameter_mm=5, electrode_diameter_mm=10)) is None
    True
    """
    with suppress(SpectrumError):
        return CellGeometry.from_metadata(metadata)
    return None


def geometry_conflicts(metadata: Metadata) -> list[str]:
    """Return contradictions between lengths, area, cell constant and density in the metadata.

    Examples
    --------
    >>> geometry_conflicts(Metadata(thickness_um=434, diameter_mm=10, mass_mg=120, density_g_cm3=2.0))
    ['mass_mg = 120 in this thickness and area would be 3.52 g/cm³, denser than density_g_cm3 = 2']
    """
    m = metadata
    try:
        CellGeometry.from_metadata(metadata)
        conflicts = []
    except SpectrumError as error:
        conflicts = [str(error).removeprefix("cell geometry: ")]
    area = m.area_cm2
    if m.diameter_mm is not None:
        disc = math.pi * (m.diameter_mm / 20) ** 2
        if area is not None and area > disc * DISAGREEMENT:
            conflicts.append(f"area_cm2 = {area:g} exceeds the {disc:.4g} cm² of diameter_mm = {m.diameter_mm:g}")
        area = area or disc
    if area is None or m.thickness_um is None:
        return conflicts
    constant = m.thickness_um * 1e-4 / area
    known = m.cell_constant_per_cm
    if known is not None and not 1 / DISAGREEMENT < known / constant < DISAGREEMENT:
        conflicts.append(f"cell_constant_per_cm = {known:g} is taken, and thickness by area is {constant:.4g}")
    if m.mass_mg is not None and m.density_g_cm3 is not None and m.diameter_mm is not None:
        density = m.mass_mg * 1e-3 / (math.pi * (m.diameter_mm / 20) ** 2 * m.thickness_um * 1e-4)
        if density > m.density_g_cm3 * DENSER:
            conflicts.append(
                f"mass_mg = {m.mass_mg:g} in this thickness and area would be {density:.2f} g/cm³, "
                f"denser than density_g_cm3 = {m.density_g_cm3:g}"
            )
    return conflicts


def check_geometry(value: object) -> None:
    """Raise a SpectrumError unless the value is a CellGeometry or None."""
    if value is not None and not isinstance(value, CellGeometry):
        raise SpectrumError(
            f"expected a CellGeometry such as CellGeometry(thickness_um=1000, diameter_mm=10), got {value!r}"
        )
