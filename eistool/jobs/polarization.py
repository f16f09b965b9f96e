"""Job of ``eistool polarization``: partial conductivities from direct currents."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from eistool.batch import Breakdown, attempt
from eistool.batch.files import write_file, write_finished_run, write_table
from eistool.direct_current import PolarizationResult, analyze_polarization
from eistool.direct_current.polarization import MODES
from eistool.errors import ConfigError, EistoolError
from eistool.escaping import file_name
from eistool.readers import FoundFile, SampleTables, is_polarization, read_polarization, resolved, scan
from eistool.report import polarization_to_png
from eistool.spectrum import CellGeometry, Metadata
from eistool.tables.direct_current import POLARIZATION, polarization_row


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarizationOptions:
    """Options of :func:`polarization_folder`; None for values of the samples table, else defaults.

    Parameters
    ----------
    mode : str, optional
        By default from ``cell_type``: ``electron_blocking``, ``full`` (leakage), else ion blocking.
    geometry : mapping
        Fields of :class:`Metadata` that precede the samples table.
    sigma_other : (float, float), optional
        Conductivity of the other carrier in S/cm, for the transference number.
    """

    mode: str | None = None
    geometry: Mapping[str, float] | None = None
    u_r_lead_ohm: float | None = None
    offset_A: float | None = None
    u_offset_A: float = 0.0
    floor_A: float = 0.0
    sigma_other: tuple[float, float] | None = None
    samples: Path | None = None
    plots: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Result of one file, or the reason for its absence."""

    source: str
    metadata: Metadata
    notes: tuple[str, ...] = ()
    result: PolarizationResult | None = None
    error: str = ""


def polarization_folder(
    paths: Sequence[Path], out: Path, options: PolarizationOptions, command: Sequence[str] = ()
) -> tuple[list[Analysis], int]:
    """Analyze every polarization below the paths; write a table, pictures and ``run.json``.

    Returns
    -------
    analyses : list of Analysis
    exit_code : int
        0 all done, 1 some failed, 3 nothing readable. Nothing is written if there is no file.

    Raises
    ------
    ReaderError, ConfigError
        If a path does not exist, or a samples table or the mode is invalid.
    """
    analyses = compute(paths, options)
    n_failed = sum(analysis.result is None for analysis in analyses)
    exit_code = 3 if n_failed == len(analyses) else min(n_failed, 1)
    if analyses:
        write_table(out, POLARIZATION, [derive(analysis, options) for analysis in analyses])
        if options.plots:
            draw(out, analyses)
        settings = {field.name: getattr(options, field.name) for field in fields(options)}
        files = {path.name: path for path in paths if path.is_file()}
        write_finished_run(out, command, settings, files, exit_code)
    return analyses, exit_code


def compute(paths: Sequence[Path], options: PolarizationOptions) -> list[Analysis]:
    """Analyze every polarization below the paths; skip other files in folders."""
    if options.mode is not None and options.mode not in MODES:
        raise ConfigError(f"mode={options.mode!r}; choose one of {', '.join(MODES)}")
    tables = SampleTables(options.samples)
    given = {resolved(path) for path in paths}
    return [
        _analyze(file, tables, options)
        for file in scan(paths)
        if resolved(file.path) in given or (not file.ignored and is_polarization(file.path))
    ]


def describe_file(file: FoundFile, tables: SampleTables, given: Mapping[str, float | None]) -> Metadata:
    """Return the metadata of a file from its name, the samples table and the command line."""
    metadata = file.name_metadata.add_to(Metadata())
    for row in tables.rows_for(file.path, file.source, 1):
        metadata = metadata.updated("samples table", **row.values)
    return metadata.updated("command line", **given)


def _analyze(file: FoundFile, tables: SampleTables, options: PolarizationOptions) -> Analysis:
    metadata = describe_file(file, tables, options.geometry or {})
    mode: Any = options.mode or {"electron_blocking": "electron_blocking", "full": "leakage"}.get(
        metadata.cell_type or "", "ion_blocking"
    )

    def analyze() -> Analysis:
        record = read_polarization(file.path)
        result = analyze_polarization(
            record.time_s,
            record.current_A,
            record.voltage_V,
            CellGeometry.from_metadata(metadata),
            mode,
            r_lead_ohm=metadata.r_lead_ohm,
            u_r_lead_ohm=options.u_r_lead_ohm,
            offset_A=options.offset_A,
            u_offset_A=options.u_offset_A,
            floor_A=options.floor_A,
        )
        return Analysis(file.source, metadata, record.notes, result)

    analysis = attempt(file.source, analyze)
    return Analysis(file.source, metadata, error=analysis.reason) if isinstance(analysis, Breakdown) else analysis


def derive(analysis: Analysis, options: PolarizationOptions) -> dict[str, Any]:
    """Return the row of an analysis, with transference numbers if the other conductivity is known."""
    result, transference = analysis.result, None
    if result is not None and options.sigma_other is not None and result.mode != "leakage":
        with contextlib.suppress(EistoolError):  # an ionic conductivity that is not resolved
            transference = result.transference(*options.sigma_other)
    return polarization_row(
        analysis.source, analysis.metadata, result, transference, analysis.notes, analysis.error
    )


def draw(out: Path, analyses: Sequence[Analysis]) -> None:
    """Draw a picture of each analysis into the folder ``polarization``."""
    for analysis in analyses:
        if analysis.result is not None:
            png = polarization_to_png(analysis.result, analysis.source)
            write_file(out / "polarization" / file_name(analysis.source, ".png"), png)
