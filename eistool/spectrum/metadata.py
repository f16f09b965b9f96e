"""Metadata of spectra."""

import dataclasses
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from eistool.constants import ZERO_CELSIUS
from eistool.display import Tabular, brief, html_table
from eistool.errors import SpectrumError

CELL_TYPES = ("blocking", "symmetric", "electron_blocking", "full", "other")
DIRECTIONS = ("charge", "discharge")
# of positive numbers, in any unit: beyond are slips of the pen, whose squares may overflow
SMALLEST, LARGEST = 1e-15, 1e15
POSITIVE = frozenset(
    (
        "thickness_um",
        "diameter_mm",
        "electrode_diameter_mm",
        "area_cm2",
        "cell_constant_per_cm",
        "mass_mg",
        "density_g_cm3",
        "loading_mg_cm2",
        "nominal_capacity_mAh",
        "f_min_Hz",
        "f_max_Hz",
    )
)
NOT_NEGATIVE = frozenset(
    ("u_temperature_C", "u_thickness_um", "u_diameter_mm", "pressure_MPa", "pressure_fab_MPa")
)
ABSOLUTE_ZERO_C = -ZERO_CELSIUS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Metadata(Tabular):
    """Metadata of one sweep; ``None`` means unknown.

    The attributes are the columns of the samples table and properties of the measurement, with units in
    their names. ``origin`` gives the source of each known value, for instance ``"file header"``.

    Raises
    ------
    SpectrumError
        If a numeric value is not a finite number or impossible (a negative thickness), or ``direction`` is
        neither ``charge`` nor ``discharge``.

    Warns
    -----
    UserWarning
        If ``cell_type`` is unknown.

    Examples
    --------
    >>> Metadata(sample_id="S17", temperature_C=25.0)
    Metadata(sample_id='S17', temperature_C=25)
    """

    # the measurement
    source: str | None = None
    sweep: int | None = None
    format: str | None = None
    technique: str | None = None
    started_at: str | None = None  # ISO 8601, by the clock of the instrument
    ewe_mean_V: float | None = None
    ewe_drift_mV: float | None = None
    i_mean_mA: float | None = None
    # columns of the samples table
    file: str | None = None
    sample_id: str | None = None
    cell_type: str | None = None
    stack: str | None = None
    material: str | None = None
    temperature_C: float | None = None
    u_temperature_C: float | None = None
    thickness_um: float | None = None
    u_thickness_um: float | None = None
    diameter_mm: float | None = None
    u_diameter_mm: float | None = None
    electrode_diameter_mm: float | None = None
    area_cm2: float | None = None
    cell_constant_per_cm: float | None = None
    composition_x: float | None = None
    mass_mg: float | None = None
    density_g_cm3: float | None = None
    pressure_MPa: float | None = None
    pressure_fab_MPa: float | None = None
    loading_mg_cm2: float | None = None
    nominal_capacity_mAh: float | None = None
    r_lead_ohm: float | None = None
    amplitude_mV: float | None = None
    bias_V: float | None = None
    reference: str | None = None
    soc_pct: float | None = None
    capacity_mAh: float | None = None  # charge since the start of the cycling record
    voltage_V: float | None = None
    direction: str | None = None
    cycle: float | None = None
    time_h: float | None = None
    circuit: str | None = None
    f_min_Hz: float | None = None
    f_max_Hz: float | None = None
    include: bool | None = None
    notes: str | None = None

    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.known()
        for name in _NUMBERS & known.keys():
            value = getattr(self, name)
            if expected := why_not(name, value):
                raise SpectrumError(f"metadata {name}={value!r}; give {expected}, or None if unknown")
            if type(value) not in (float, int):  # convert NumPy scalars
                object.__setattr__(self, name, int(value) if isinstance(value, Integral) else float(value))
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise SpectrumError(f"metadata direction={self.direction!r}; choose one of {', '.join(DIRECTIONS)}")
        if self.cell_type is not None and self.cell_type not in CELL_TYPES:
            warnings.warn(
                f"metadata cell_type={self.cell_type!r} is unknown; known are {', '.join(CELL_TYPES)}",
                stacklevel=3,
            )
        origin = {name: self.origin.get(name, "given") for name in known}
        object.__setattr__(self, "origin", MappingProxyType(origin))

    def known(self) -> dict[str, Any]:
        """Return the known values by name, in the order of the fields."""
        values = zip(METADATA_FIELDS, _VALUES(self), strict=True)
        return {name: value for name, value in values if value is not None}

    def updated(self, origin: str, **values: object) -> "Metadata":
        """Return a copy in which each value that is not ``None`` replaces the present one.

        Parameters
        ----------
        origin : str
            Source of the new values.
        **values
            New values by field name; ``None`` leaves the present one.

        Examples
        --------
        >>> m = Metadata(temperature_C=25.0).updated("samples table", temperature_C=30.0, soc_pct=None)
        >>> m.temperature_C, m.origin["temperature_C"]
        (30.0, 'samples table')
        """
        new: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        origins = dict(self.origin) | dict.fromkeys(new, origin)
        return dataclasses.replace(self, **new, origin=origins)

    def to_dict(self) -> dict[str, Any]:
        """Return the known values and ``origin`` as plain Python objects."""
        return {**self.known(), "origin": dict(self.origin)}

    def __repr__(self) -> str:
        values = (f"{name}={brief(value, quoted=True)}" for name, value in self.known().items())
        return f"Metadata({', '.join(values)})"

    def _repr_html_(self) -> str:
        rows = [(name, value, self.origin[name]) for name, value in self.known().items()]
        return html_table("Metadata", ("name", "value", "origin"), rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.known(), dict(self.origin))


METADATA_FIELDS: tuple[str, ...] = tuple(f.name for f in dataclasses.fields(Metadata) if f.name != "origin")
_VALUES = attrgetter(*METADATA_FIELDS)

# annotations are strings or unions, both with the name of the type
_NUMBERS = frozenset(f.name for f in dataclasses.fields(Metadata) if str(f.type).startswith(("float", "int")))


def known_area_cm2(metadata: Metadata) -> float | None:
    """Return the area from the metadata, directly or by the diameter; None if unknown."""
    if metadata.area_cm2 is not None:
        return metadata.area_cm2
    return None if metadata.diameter_mm is None else math.pi * (metadata.diameter_mm / 20) ** 2


def why_not(name: str, value: object) -> str:
    """Return the values allowed for a number in the metadata, empty if it is one of them.

    Examples
    --------
    >>> why_not("thickness_um", -3.0), why_not("temperature_C", -3.0)
    ('a positive number', '')
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return "a finite number"
    if name in POSITIVE and not SMALLEST <= float(value) <= LARGEST:
        return "a positive number" if value <= 0 else f"a number between {SMALLEST:g} and {LARGEST:g}"
    if name in NOT_NEGATIVE and value < 0:
        return "a number that is not negative"
    if name == "temperature_C" and value < ABSOLUTE_ZERO_C:
        return f"degrees Celsius, from {ABSOLUTE_ZERO_C}"
    return ""


def _restore(values: dict[str, Any], origin: dict[str, str]) -> Metadata:
    if values.get("cell_type") in (None, *CELL_TYPES):
        return Metadata(**values, origin=origin)
    with warnings.catch_warnings():  # given when it was made
        warnings.simplefilter("ignore")
        return Metadata(**values, origin=origin)
