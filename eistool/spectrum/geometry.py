"""The geometry that turns a resistance into a conductivity."""

import math
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any

from eistool.display import format_value, html_table
from eistool.errors import SpectrumError
from eistool.spectrum.metadata import Metadata

DEFAULT_U_THICKNESS_UM = 20.0
DEFAULT_U_DIAMETER_MM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CellGeometry:
    """Thickness and area of a cell, or its cell constant, with standard uncertainties.

    Give a thickness with a diameter or an area, or the cell constant L/A alone. Where an uncertainty is
    not given, ± 20 µm and ± 0.05 mm are assumed, and ``assumed`` says so.

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
    assumed: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name == "assumed" or value is None or (name.startswith("u_") and value == 0):
                continue
            if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
                raise SpectrumError(f"cell geometry: {name}={value!r}; give a positive number")
        assumed: list[str] = []
        self._fill_area(assumed)
        self._fill_cell_constant(assumed)
        object.__setattr__(self, "assumed", tuple(assumed))

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
        """Return the geometry that the metadata describe, or None if they do not determine it."""
        if metadata.cell_constant_per_cm is None and (
            metadata.thickness_um is None or (metadata.area_cm2 is None and metadata.diameter_mm is None)
        ):
            return None
        return cls(
            thickness_um=metadata.thickness_um,
            diameter_mm=metadata.diameter_mm,
            u_thickness_um=metadata.u_thickness_um,
            u_diameter_mm=metadata.u_diameter_mm,
            area_cm2=metadata.area_cm2,
            cell_constant_per_cm=metadata.cell_constant_per_cm,
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
