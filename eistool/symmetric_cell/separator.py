"""Separator budgets: resistances of known electrolyte layers in a full cell."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from eistool.display import Shown, format_value
from eistool.errors import SpectrumError
from eistool.spectrum import CellGeometry
from eistool.typing import Measured


@dataclass(frozen=True, slots=True)
class LayerResistance(Shown):
    """Resistance of one electrolyte layer of a full cell."""

    name: str
    resistance_ohm: float
    u_resistance_ohm: float

    def __repr__(self) -> str:
        return f"LayerResistance({self.name}: {format_value(self.resistance_ohm, self.u_resistance_ohm)} Ω)"


def separator_budget(layers: Mapping[str, tuple[CellGeometry, Measured]]) -> tuple[LayerResistance, ...]:
    """Return the resistance of each electrolyte layer of a full cell, and their sum as ``total``.

    Parameters
    ----------
    layers : mapping of name to (CellGeometry, (float, float))
        Geometry of each layer and its conductivity in S/cm, with a standard uncertainty.

    Raises
    ------
    SpectrumError
        If a conductivity is not positive.

    Examples
    --------
    >>> chloride = CellGeometry(thickness_um=229, diameter_mm=10)
    >>> separator_budget({"chloride": (chloride, (2e-3, 1e-4))})[0]
    LayerResistance(chloride: 14.6 ± 1.5 Ω)
    """
    resistances = []
    for name, (cell, (sigma, u_sigma)) in layers.items():
        if not sigma > 0 or cell.cell_constant_per_cm is None:
            raise SpectrumError(
                f"separator {name}: {sigma!r} S/cm; give a positive conductivity and a full geometry"
            )
        R = cell.cell_constant_per_cm / sigma
        relative = math.hypot((cell.u_cell_constant_per_cm or 0.0) / cell.cell_constant_per_cm, u_sigma / sigma)
        resistances.append(LayerResistance(name, R, R * relative))
    total = sum(layer.resistance_ohm for layer in resistances)
    return (
        *resistances,
        LayerResistance("total", total, math.hypot(*(layer.u_resistance_ohm for layer in resistances))),
    )
