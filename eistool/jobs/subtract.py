"""Job of ``eistool subtract``: subtraction of electrolyte layers and counter electrodes."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eistool.batch import Breakdown, attempt
from eistool.batch.files import write_file, write_finished_run, write_table
from eistool.errors import ConfigError
from eistool.escaping import file_name, source_name
from eistool.fitting import fit
from eistool.jobs.polarization import PolarizationOptions, describe_file
from eistool.jobs.polarization import compute as analyze_polarizations
from eistool.materials import ThicknessRegression, regress_thickness
from eistool.readers import FoundFile, SampleTables, is_polarization, read
from eistool.readers.writers import format_spectra
from eistool.report import plot_subtraction, plot_thickness, to_png
from eistool.settings import SubtractionSettings
from eistool.spectrum import CellGeometry, Metadata, Spectrum
from eistool.symmetric_cell import SubtractionResult, subtract_symmetric_cell
from eistool.tables.subtraction import SUBTRACTION, regression_row, subtraction_row

Value = tuple[float, float]
Cell = tuple[Metadata, Spectrum | Value]
SYMMETRIC_CIRCUIT = "symmetric_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtractionOptions:
    """Options of :func:`subtract_folder`, beside the settings of ``eistool.toml``."""

    settings: SubtractionSettings
    geometry: Mapping[str, float]  # of the layer of interest, by Metadata field
    thickness_um: tuple[float, ...] = ()  # of the layer of each full cell
    plain_half: bool = False
    r_in_dc_ohm_cm2: float | None = None
    samples: Path | None = None
    plots: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Subtracted:
    """Result of one full cell, or the reason for its absence."""

    source: str
    metadata: Metadata
    electrode: CellGeometry | None
    full: Spectrum | Value | None = None
    result: SubtractionResult | None = None
    error: str = ""


def subtract_folder(
    out: Path, options: SubtractionOptions, command: Sequence[str] = ()
) -> tuple[list[Subtracted], ThicknessRegression | None, int]:
    """Subtract the symmetric cell from every full cell; write a table, curves, pictures and ``run.json``.

    A cell is a file of spectra (the first is used), a record of a polarization, or ``R,u`` in ohm.

    Returns
    -------
    cells : list of Subtracted
    regression : ThicknessRegression or None
        Regression over three or more thicknesses.
    exit_code : int
        0 all done, 1 some failed.

    Raises
    ------
    ConfigError
        If a cell is missing or of the wrong kind.
    EistoolError
        If the symmetric cell cannot be read.
    """
    settings = options.settings
    with warnings.catch_warnings():  # warnings are repeated among the flags
        warnings.simplefilter("ignore")
        cells = compute(options)
    regression = derive(cells)
    exit_code = int(any(cell.result is None for cell in cells))
    rows = [_row(cell, settings) for cell in cells]
    write_table(out, SUBTRACTION, rows if regression is None else [*rows, regression_row(regression)])
    files = {Path(text).name: text for text in (*settings.full, str(settings.symmetric)) if Path(text).is_file()}
    write_finished_run(out, command, settings.model_dump(), files, exit_code)
    draw(out, cells, regression, plots=options.plots)
    return cells, regression, exit_code


def compute(options: SubtractionOptions) -> list[Subtracted]:
    """Subtract the symmetric cell from every full cell."""
    settings = options.settings
    missing = [name for name in ("symmetric", "layers", "counter_electrodes") if getattr(settings, name) is None]
    if not settings.full or missing:
        names = ", ".join(
            f"--{name.replace('_', '-')}" for name in [*([] if settings.full else ["full"]), *missing]
        )
        raise ConfigError(
            f"subtraction without {names}; give them as options, or under [subtraction] in eistool.toml"
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
    source, metadata = source_name(Path(text).name), Metadata()
    electrode: CellGeometry | None = None
    settings = options.settings

    def subtract() -> Subtracted:
        nonlocal metadata, electrode
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
        return Subtracted(source, metadata, electrode, full, result)

    cell = attempt(source, subtract)
    return Subtracted(source, metadata, electrode, error=cell.reason) if isinstance(cell, Breakdown) else cell


def _layer(layer: Value | None) -> CellGeometry | None:
    return None if layer is None else CellGeometry(thickness_um=layer[0], diameter_mm=layer[1])


def _cell(text: str, tables: SampleTables, given: Mapping[str, float]) -> Cell:
    """Return the metadata of a cell, and its spectrum or resistance."""
    path = Path(text)
    if not path.is_file():
        number, _, u = text.partition(",")
        try:
            return Metadata().updated("command line", **given), (float(number), float(u or 0))
        except ValueError:
            raise ConfigError(f"{text}: no such file; expected a file or a resistance R,u in ohm") from None
    metadata = describe_file(FoundFile(path, path.name), tables, given)
    samples = tables.given.path if tables.given else None
    if not is_polarization(path):
        return metadata, read(path, samples)[0]
    options = PolarizationOptions(
        mode="electron_blocking", geometry=given, samples=tables.given.path if tables.given else None
    )
    [analysis] = analyze_polarizations([path], options)
    if analysis.result is None:
        raise ConfigError(analysis.error)
    if analysis.result.status != "ok":
        raise ConfigError(f"{path.name}: {analysis.result.reason}")
    return metadata, (analysis.result.resistance_ohm, analysis.result.u_resistance_ohm)


def _resistances(symmetric: Spectrum, settings: SubtractionSettings) -> tuple[Value, Value]:
    """Return R_SE and R_In of a symmetric cell from the settings, else by a fit."""
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


def derive(cells: Sequence[Subtracted]) -> ThicknessRegression | None:
    """Return the regression over three or more thicknesses; None with fewer."""
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


def _row(cell: Subtracted, settings: SubtractionSettings) -> dict[str, Any]:
    stack = {name: getattr(settings, name) for name in ("layers", "counter_electrodes", "r_in")}
    given = {
        "source": cell.source,
        "symmetric": Path(str(settings.symmetric)).name,
        "thickness_um": cell.metadata.thickness_um,
        "area_cm2": None if cell.electrode is None else cell.electrode.area_cm2,
        **stack,
    }
    return subtraction_row(cell.result, cell.full, cell.error, given)


def draw(out: Path, cells: Sequence[Subtracted], regression: ThicknessRegression | None, *, plots: bool) -> None:
    """Write remaining spectra as CSV, and pictures, into the folder ``subtraction``."""
    folder = out / "subtraction"
    for k, cell in enumerate(cells, start=1):
        result = cell.result
        if result is None:
            continue
        name = f"{k}.{cell.source.replace('/', '_')}"
        if isinstance(result.value, Spectrum):
            write_file(folder / file_name(name, ".csv"), format_spectra([result.value], "csv").encode())
        if plots:
            write_file(folder / file_name(name, ".png"), to_png(plot_subtraction(result, cell.source)))
    if plots and regression is not None:
        points = [
            (cell.metadata.thickness_um, *cell.full)
            for cell in cells
            if isinstance(cell.full, tuple) and cell.metadata.thickness_um
        ]
        L, R, u = (list(column) for column in zip(*points, strict=True))
        picture = plot_thickness(regression, L, R, u, "resistance over thickness")
        write_file(folder / "thickness.png", to_png(picture))
