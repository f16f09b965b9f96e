"""Tables and pictures of what direct currents and subtractions tell."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import eistool
from eistool.batch.files import write_whole
from eistool.batch.store import Rows
from eistool.batch.tables import number, to_csv
from eistool.direct_current.polarization import MODES, PolarizationResult, analyze_polarization
from eistool.errors import ConfigError, EistoolError
from eistool.readers import FoundFile, SampleTables, is_polarization, read_polarization, scan
from eistool.readers.filename import metadata_from_filename
from eistool.spectrum import CellGeometry, Metadata
from eistool.typing import JSON, PathLike

RUN = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarizationOptions:
    """How polarisations of a batch are analysed; None leaves it to the samples table, then to defaults.

    Parameters
    ----------
    mode : str, optional
        By default what ``cell_type`` tells: ``electron_blocking``, ``full`` (leakage), else ion blocking.
    geometry : mapping
        Fields of :class:`Metadata` that outrank the samples table.
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
    """One file of a batch: its result, or why there is none."""

    source: str
    metadata: Metadata
    notes: tuple[str, ...] = ()
    result: PolarizationResult | None = None
    error: str = ""


def analyze_folder(paths: Sequence[Path], options: PolarizationOptions) -> list[Analysis]:
    """Analyse every polarisation below the paths; other files in folders are passed over.

    Raises
    ------
    ReaderError, ConfigError
        If a path does not exist, or a samples table or the mode is wrong.
    """
    if options.mode is not None and options.mode not in MODES:
        raise ConfigError(f"mode={options.mode!r}; choose one of {', '.join(MODES)}")
    tables = SampleTables(options.samples)
    given = {path.resolve() for path in paths}
    return [
        _analyze(file, tables, options)
        for file in scan(paths)
        if file.path.resolve() in given or (not file.ignored and is_polarization(file.path))
    ]


def describe_file(file: FoundFile, tables: SampleTables, given: Mapping[str, float | None]) -> Metadata:
    """Return what file name, samples table and command line say of a file."""
    named, _ = metadata_from_filename(file.path.name)
    metadata = Metadata().updated("file name", **named)
    for row in tables.rows_for(file.path, file.source, 1):
        metadata = metadata.updated("samples table", **row.values)
    return metadata.updated("command line", **given)


def _analyze(file: FoundFile, tables: SampleTables, options: PolarizationOptions) -> Analysis:
    metadata = describe_file(file, tables, options.geometry or {})
    mode: Any = options.mode or {"electron_blocking": "electron_blocking", "full": "leakage"}.get(
        metadata.cell_type or "", "ion_blocking"
    )
    try:
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
    except EistoolError as error:
        return Analysis(file.source, metadata, error=str(error))
    return Analysis(file.source, metadata, record.notes, result)


def write_polarizations(out: Path, analyses: Sequence[Analysis], options: PolarizationOptions) -> None:
    """Write ``polarization.csv``, and a picture of each analysis into the folder ``polarization``."""
    write_table(out, "polarization.csv", [_row(analysis, options) for analysis in analyses])
    if not options.plots:
        return
    from eistool.report import polarization_to_png

    for analysis in analyses:
        if analysis.result is not None:
            png = polarization_to_png(analysis.result, analysis.source)
            write_file(out, f"polarization/{analysis.source}.png", png)


def _row(analysis: Analysis, options: PolarizationOptions) -> dict[str, Any]:
    metadata, result = analysis.metadata, analysis.result
    row: dict[str, Any] = {"source": analysis.source, "sample_id": metadata.sample_id}
    row |= {name: getattr(metadata, name) for name in ("temperature_C", "thickness_um", "r_lead_ohm")}
    cell = None if result is None else result.cell
    row["area_cm2"] = None if cell is None else cell.area_cm2
    columns = (
        "mode", "voltage_V", "offset_A", "u_offset_A", "I_ss_A", "u_I_ss_A", "resistance_ohm", "u_resistance_ohm",
        "sigma_S_per_cm", "u_sigma_S_per_cm", "lower_limit", "upper_limit",
    )  # fmt: skip
    row |= {name: None if result is None else _cell(getattr(result, name)) for name in columns}
    row |= dict.fromkeys(("n_voltages", "linear", "hold_s", "hold_per_tau"))
    row |= dict.fromkeys(("t_electron", "u_t_electron", "ratio", "u_ratio", "ratio_upper_limit"))
    if result is not None:
        shown = max(result.steps, key=lambda step: (step.status == "ok", abs(step.voltage_V)))
        row |= {"n_voltages": len(result.steps), "linear": result.linear, "hold_s": shown.duration_s}
        row["hold_per_tau"] = number(shown.relaxation.settled)
        if options.sigma_other is not None and result.mode != "leakage":
            try:
                t = result.transference(*options.sigma_other)
            except EistoolError:  # an ionic conductivity that is not resolved
                t = None
            if t is not None:
                row |= {"t_electron": number(t.t_electron), "u_t_electron": number(t.u_t)}
                row |= {"ratio": number(t.ratio), "u_ratio": number(t.u_ratio)}
                row["ratio_upper_limit"] = number(t.ratio_upper_limit)
    row |= {"flags": "; ".join([*(result.flags if result else ()), *analysis.notes]) or None}
    row |= {"status": "failed" if result is None else result.status}
    row |= {"reason": (analysis.error if result is None else result.reason) or None}
    return row


def _cell(value: object) -> object:
    return number(value) if isinstance(value, float) else value


def write_table(out: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of one kind as a table of the result folder; missing numbers become empty cells."""
    _make(out)
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    cells = tuple(tuple(_cell(row.get(column)) for column in columns) for row in rows)
    write_whole(out / name, to_csv(Rows(columns, cells)))


def write_file(out: Path, name: str, contents: bytes) -> None:
    """Write a picture or another file into the result folder."""
    path = out / name
    _make(path.parent)
    write_whole(path, contents)


def write_run(
    out: Path, command: Sequence[str], settings: Mapping[str, Any], inputs: Mapping[str, PathLike], exit_code: int
) -> None:
    """Write ``run.json``: version, command, settings and the hashes of the inputs."""
    hashes = {source: hashlib.sha256(Path(path).read_bytes()).hexdigest() for source, path in inputs.items()}
    run: JSON = {
        "version": eistool.__version__,
        "state": "done",
        "exit_code": exit_code,
        "command": list(command),
        "settings": dict(settings),
        "inputs": dict(sorted(hashes.items())),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_whole(out / RUN, (json.dumps(run, indent=2, ensure_ascii=False, default=str) + "\n").encode("utf-8"))


def settings_of(options: PolarizationOptions) -> JSON:
    """Return the options for ``run.json``."""
    return {field.name: getattr(options, field.name) for field in fields(options)}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror or error}); choose another --out") from error
