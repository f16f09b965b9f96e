"""The batch of ``eistool subtract``: from files to what is left of each cell, and over their thicknesses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eistool.batch.direct_current import PolarizationOptions, analyze_folder, describe_file
from eistool.errors import ConfigError, EistoolError
from eistool.fitting import fit
from eistool.materials import ThicknessRegression, regress_thickness
from eistool.readers import FoundFile, SampleTables, is_polarization, read
from eistool.settings import SubtractionSettings
from eistool.spectrum import CellGeometry, Metadata, Spectrum
from eistool.symmetric_cell import SubtractionResult, subtract_symmetric_cell

Value = tuple[float, float]
Cell = tuple[Metadata, Spectrum | Value]
SYMMETRIC_CIRCUIT = "symmetric_in"
MOST_ALTERNATIVES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtractionOptions:
    """What holds for all cells of a batch, beside the settings of ``eistool.toml``."""

    settings: SubtractionSettings
    geometry: Mapping[str, float]  # of the layer of interest, by field of Metadata
    thickness_um: tuple[float, ...] = ()  # of each full cell's layer, in their order
    plain_half: bool = False
    r_in_dc_ohm_cm2: float | None = None
    samples: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subtracted:
    """One full cell of a batch."""

    source: str
    metadata: Metadata
    electrode: CellGeometry | None
    full: Spectrum | Value | None = None
    result: SubtractionResult | None = None
    error: str = ""


def subtract_cells(options: SubtractionOptions) -> list[Subtracted]:
    """Subtract the symmetric cell from every full one.

    A cell is a file of spectra (the first is taken), a record of a polarisation, or ``R,u`` in ohm.

    Raises
    ------
    ConfigError
        If a cell is not named, or its kind does not fit.
    EistoolError
        If the symmetric cell cannot be read.
    """
    settings = options.settings
    missing = [name for name in ("symmetric", "layers", "counter_electrodes") if getattr(settings, name) is None]
    if not settings.full or missing:
        names = ", ".join(
            f"--{name.replace('_', '-')}" for name in [*([] if settings.full else ["full"]), *missing]
        )
        raise ConfigError(
            f"subtraction without {names}; name them, or write them under [subtraction] in eistool.toml"
        )
    if options.thickness_um and len(options.thickness_um) != len(settings.full):
        raise ConfigError(
            f"{len(options.thickness_um)} thicknesses for {len(settings.full)} full cells; give one for each"
        )
    tables = SampleTables(options.samples)
    symmetric = _cell(str(settings.symmetric), tables, {})
    return [_subtract(text, k, symmetric, tables, options) for k, text in enumerate(settings.full)]


def _subtract(
    text: str, k: int, symmetric_cell: Cell, tables: SampleTables, options: SubtractionOptions
) -> Subtracted:
    described, symmetric = symmetric_cell
    given = dict(options.geometry)
    if options.thickness_um:
        given["thickness_um"] = options.thickness_um[k]
    source, metadata, electrode = Path(text).name, Metadata(), None
    settings = options.settings
    try:
        metadata, full = _cell(text, tables, given)
        electrode = CellGeometry.from_metadata(metadata)
        other: Any = symmetric
        interface, electrolyte = settings.interface, settings.electrolyte
        if isinstance(symmetric, Spectrum) and not isinstance(full, Spectrum):
            other = _resistances(symmetric, settings)
            interface = electrolyte = None
        elif not isinstance(symmetric, Spectrum) and interface is not None and electrolyte is not None:
            other = (electrolyte, interface)
        pressures = (metadata.pressure_MPa, described.pressure_MPa)
        result = subtract_symmetric_cell(
            full,
            other,
            layers=settings.layers or 0,
            counter_electrodes=settings.counter_electrodes or 0,
            r_in=settings.r_in,
            full_cell=_layer(settings.full_layer),
            symmetric_cell=_layer(settings.symmetric_layer),
            electrolyte=electrolyte,
            interface=interface,
            lead=settings.lead,
            electrode=electrode,
            pressures_MPa=None if None in pressures else pressures,  # type: ignore[arg-type]
            r_in_dc_ohm_cm2=options.r_in_dc_ohm_cm2,
            plain_half=options.plain_half,
        )
    except EistoolError as error:
        return Subtracted(source, metadata, electrode, error=str(error))
    return Subtracted(source, metadata, electrode, full, result)


def _layer(layer: Value | None) -> CellGeometry | None:
    return None if layer is None else CellGeometry(thickness_um=layer[0], diameter_mm=layer[1])


def _cell(text: str, tables: SampleTables, given: Mapping[str, float]) -> Cell:
    """Return what is known of a cell, and its spectrum or resistance."""
    path = Path(text)
    if not path.is_file():
        number, _, u = text.partition(",")
        try:
            return Metadata().updated("command line", **given), (float(number), float(u or 0))
        except ValueError:
            raise ConfigError(f"{text}: no such file, and no resistance; give a file, or R,u in ohm") from None
    metadata = describe_file(FoundFile(path, path.name), tables, given)
    samples = tables.given.path if tables.given else None
    if not is_polarization(path):
        return metadata, read(path, samples)[0]
    options = PolarizationOptions(
        mode="electron_blocking", geometry=given, samples=tables.given.path if tables.given else None
    )
    [analysis] = analyze_folder([path], options)
    if analysis.result is None:
        raise ConfigError(analysis.error)
    if analysis.result.status != "ok":
        raise ConfigError(f"{path.name}: {analysis.result.reason}")
    return metadata, (analysis.result.resistance_ohm, analysis.result.u_resistance_ohm)


def _resistances(symmetric: Spectrum, settings: SubtractionSettings) -> tuple[Value, Value]:
    """Return R_SE and R_In of a symmetric cell by a fit, where the settings do not give them."""
    if settings.electrolyte is not None and settings.interface is not None:
        return settings.electrolyte, settings.interface
    result = fit(symmetric, SYMMETRIC_CIRCUIT)
    R0, R_in = (result.parameters[name] for name in ("R0", "R_in"))
    for name, parameter in (("electrolyte", R0), ("interface", R_in)):
        if getattr(settings, name) is None and (result.status == "failed" or parameter.status != "ok"):
            status = parameter.status.replace("_", " ")
            raise ConfigError(
                f"{symmetric.label}: {parameter.name} of {SYMMETRIC_CIRCUIT} is {status}; give --{name}"
            )
    share = 0.5 if settings.r_in == "per_electrode" else 1.0  # the circuit's R_in holds both electrodes
    return (
        settings.electrolyte or (R0.value, R0.stderr),
        settings.interface or (share * R_in.value, share * R_in.stderr),
    )


def regress_cells(cells: Sequence[Subtracted]) -> ThicknessRegression | None:
    """Return the regression over three thicknesses or more of resistances; None where there are fewer."""
    usable = [
        c for c in cells if isinstance(c.full, tuple) and c.electrode is not None and c.electrode.thickness_um
    ]
    if len(usable) < 3 or len({c.metadata.thickness_um for c in usable}) < 2:
        return None
    first = usable[0].electrode
    if first is None or first.area_cm2 is None:
        return None
    values = [c.full for c in usable if isinstance(c.full, tuple)]
    return regress_thickness(
        [c.electrode.thickness_um or 0.0 for c in usable if c.electrode is not None],
        [R for R, _ in values],
        [max(u, 1e-6 * R) for R, u in values],
        first.area_cm2,
        first.u_area_cm2 or 0.0,
        [c.electrode.u_thickness_um or 0.0 for c in usable if c.electrode is not None],
    )


def subtraction_rows(
    cells: Sequence[Subtracted], regression: ThicknessRegression | None, settings: SubtractionSettings
) -> list[dict[str, Any]]:
    """Return the rows of ``subtraction.csv``; the last may be that of the regression."""
    rows = [_row(cell, settings) for cell in cells]
    if regression is not None:
        rows.append(
            {
                **dict.fromkeys(rows[0]),
                "source": "all, over thickness",
                "kind": "regression",
                "subtracted_ohm": regression.intercept_ohm,
                "u_subtracted_ohm": regression.u_intercept_ohm,
                "sigma_S_per_cm": regression.sigma_S_per_cm,
                "u_sigma_S_per_cm": regression.u_sigma_S_per_cm,
                "status": regression.status,
                "reason": regression.reason or None,
            }
        )
    return rows


def _row(cell: Subtracted, settings: SubtractionSettings) -> dict[str, Any]:
    result, full = cell.result, cell.full
    row: dict[str, Any] = {
        "source": cell.source,
        "symmetric": Path(str(settings.symmetric)).name,
        "kind": "spectrum" if isinstance(full, Spectrum) else "resistance",
        "layers": settings.layers,
        "counter_electrodes": settings.counter_electrodes,
        "r_in": settings.r_in,
        "thickness_um": cell.metadata.thickness_um,
        "area_cm2": None if cell.electrode is None else cell.electrode.area_cm2,
        "full_ohm": full[0] if isinstance(full, tuple) else None,
        "u_full_ohm": full[1] if isinstance(full, tuple) else None,
    }
    names = ("subtracted_ohm", "u_subtracted_ohm")
    row |= {name: None if result is None else getattr(result, name) for name in names}
    value = None if result is None else result.value
    row |= {
        "value_ohm": value if isinstance(value, float) else None,
        "u_ohm": None if result is None else result.u,
    }
    bands = (None, None) if result is None else result.band_ohm
    row |= {"band_low_ohm": bands[0], "band_high_ohm": bands[1]}
    row |= {"upper_limit_ohm": None if result is None else result.upper_limit}
    for name in ("sigma_S_per_cm", "u_sigma_S_per_cm", "lower_limit_S_per_cm"):
        row[name] = None if result is None else getattr(result, name)
    bands = (None, None) if result is None else result.band_sigma
    row |= {"band_low_S_per_cm": bands[0], "band_high_S_per_cm": bands[1]}
    readings = () if result is None else result.alternatives[:MOST_ALTERNATIVES]
    row["alternatives"] = "; ".join(f"{r.name}: {r.value_ohm:.6g} ohm" for r in readings) or None
    row["flags"] = None if result is None else "; ".join(result.flags) or None
    row["status"] = "failed" if result is None else result.status
    row["reason"] = (cell.error if result is None else result.reason) or None
    return row
