"""Contents of figures, and their source data."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eistool.errors import ConfigError
from eistool.spectrum import CellGeometry
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray

QUANTITIES = {"Z": "Ω", "ZA": "Ω cm²", "Z/L": "Ω/cm", "ZA/L": "Ω cm"}  # and their units
Cells = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Spectrum in the unit of a figure, with its fit.

    Parameters
    ----------
    label : str
        For the legend.
    frequency : FloatArray, shape (n,)
        In Hz, descending.
    impedance : ComplexArray, shape (n,)
        In the unit of ``quantity``.
    used : BoolArray, shape (n,)
        False for masked points.
    fit : ComplexArray, shape (n,), optional
        Fitted impedance; None without a fit.
    quantity : str
        One of :data:`QUANTITIES`.
    """

    label: str
    frequency: FloatArray
    impedance: ComplexArray
    used: BoolArray
    fit: ComplexArray | None = None
    quantity: str = "Z"

    def __post_init__(self) -> None:
        order = np.argsort(self.frequency)[::-1]
        for name in ("frequency", "impedance", "used", "fit"):
            values = getattr(self, name)
            object.__setattr__(self, name, None if values is None else np.asarray(values)[order])

    @property
    def unit(self) -> str:
        """Unit of the impedance."""
        return QUANTITIES[self.quantity]

    @property
    def residual(self) -> ComplexArray:
        """(Z - fit)/|Z| of the points used, nan elsewhere."""
        if self.fit is None:
            return np.full(self.frequency.size, complex(np.nan, np.nan))
        residual = (self.impedance - self.fit) / np.abs(self.impedance)
        return np.where(self.used, residual, complex(np.nan, np.nan))

    def rows(self) -> Iterator[Cells]:
        """Yield a row for each point."""
        unit = self.unit.replace(" ", "_").replace("²", "2").replace("Ω", "ohm").replace("/", "_per_")
        for i, f in enumerate(self.frequency):
            z = complex(self.impedance[i])
            row: Cells = {
                "spectrum": self.label,
                "frequency_Hz": float(f),
                "used": bool(self.used[i]),
                f"re_{unit}": z.real,
                f"minus_im_{unit}": -z.imag,
            }
            if self.fit is not None:
                fit, residual = complex(self.fit[i]), complex(self.residual[i])
                row |= {f"fit_re_{unit}": fit.real, f"fit_minus_im_{unit}": -fit.imag}
                row |= {"residual_re": residual.real, "residual_im": residual.imag}
            yield row


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """γ(τ) with its 95 % band, and the time constants of its peaks; in s and ohm per unit of ln τ."""

    label: str
    tau: FloatArray
    gamma: FloatArray
    low: FloatArray
    high: FloatArray
    peaks: FloatArray  # time constants
    atom: BoolArray  # peaks that are a pure RC, not part of γ
    window: tuple[float, float]

    def rows(self) -> Iterator[Cells]:
        """Yield a row for each time constant."""
        for tau, gamma, low, high in zip(self.tau, self.gamma, self.low, self.high, strict=True):
            yield {
                "spectrum": self.label,
                "tau_s": float(tau),
                "gamma_ohm": float(gamma),
                "gamma_low_ohm": float(low),
                "gamma_high_ohm": float(high),
            }


@dataclass(frozen=True, slots=True, eq=False)
class ArrheniusLine:
    """Conductivities of a sample over temperature, and the fitted line."""

    label: str
    temperature_C: FloatArray
    sigma: FloatArray  # S/cm
    u_sigma: FloatArray
    extrapolated: BoolArray
    line_C: FloatArray  # empty without a line
    line_sigma: FloatArray
    line_low: FloatArray  # 95 % band, nan where it is unknown
    line_high: FloatArray

    def rows(self) -> Iterator[Cells]:
        """Yield a row for each point, then for each point of the line."""
        for T, sigma, u, is_extrapolated in zip(
            self.temperature_C, self.sigma, self.u_sigma, self.extrapolated, strict=True
        ):
            yield {
                "sample": self.label,
                "kind": "extrapolated" if is_extrapolated else "measured",
                "temperature_C": float(T),
                "sigma_S_per_cm": float(sigma),
                "u_sigma_S_per_cm": float(u),
            }
        for values in zip(self.line_C, self.line_sigma, self.line_low, self.line_high, strict=True):
            T, sigma, low, high = map(float, values)
            yield {
                "sample": self.label,
                "kind": "line",
                "temperature_C": T,
                "sigma_S_per_cm": sigma,
                "low_S_per_cm": low,
                "high_S_per_cm": high,
            }


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Process along a series; nan where it has no value."""

    id: str
    index: IntArray  # of the spectrum in its series
    R: FloatArray  # ohm
    u_R: FloatArray
    upper_limit: FloatArray
    tau: FloatArray  # s
    u_tau: FloatArray
    extrapolated: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class TrackedSeries:
    """Tracks of a series, labels of its spectra, and events (index, status)."""

    axis: str
    labels: tuple[str, ...]
    tracks: tuple[Track, ...]
    events: tuple[tuple[int, str], ...]

    def rows(self) -> Iterator[Cells]:
        """Yield a row for each process and spectrum."""
        for track in self.tracks:
            for k, i in enumerate(track.index):
                yield {
                    "process": track.id,
                    "index": int(i),
                    "coordinate": self.labels[i],
                    "R_ohm": float(track.R[k]),
                    "u_R_ohm": float(track.u_R[k]),
                    "upper_limit_ohm": float(track.upper_limit[k]),
                    "tau_s": float(track.tau[k]),
                    "u_tau_s": float(track.u_tau[k]),
                }


def factor_of(quantity: str, cell: CellGeometry | None, label: str) -> float:
    """Return the factor that turns Z into a quantity.

    Raises
    ------
    ConfigError
        If the quantity is unknown, or needs a geometry that is unknown.
    """
    if quantity not in QUANTITIES:
        raise ConfigError(f"quantity={quantity!r}; choose one of {', '.join(QUANTITIES)}")
    if quantity == "Z":
        return 1.0
    factors: dict[str, float | None] = {}
    if cell is not None:
        constant, thickness = cell.cell_constant_per_cm, cell.thickness_um
        factors = {
            "ZA": cell.area_cm2,
            "Z/L": None if thickness is None else 1e4 / thickness,
            "ZA/L": None if constant is None else 1 / constant,
        }
    factor = factors.get(quantity)
    if factor is None:
        raise ConfigError(f"{label}: {quantity} needs a geometry; add thickness_um and diameter_mm or area_cm2")
    return factor
