"""Dry run of ``eistool fit``: inputs and metadata, without results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eistool.batch import Task
from eistool.batch.inputs import find_files, read_inputs
from eistool.errors import SpectrumError
from eistool.jobs.fit import FitJob, FitOptions
from eistool.jobs.transport import CELL_TYPES
from eistool.readers import unused_in_names
from eistool.spectrum import CellGeometry, Metadata, SampleGroup, group_samples
from eistool.spectrum.geometry import geometry_conflicts


@dataclass(frozen=True, slots=True, eq=False)
class DryRun:
    """Rows of the sweeps to be fitted, samples, failures and warnings."""

    rows: tuple[dict[str, Any], ...]
    samples: tuple[SampleGroup, ...]
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    n_read: int


def dry_run_folder(paths: Sequence[Path], out: Path, options: FitOptions | None = None) -> DryRun:
    """Read the inputs of a fit and describe them; compute and write nothing.

    Parameters
    ----------
    paths, out, options
        As for :func:`fit_folder`.

    Raises
    ------
    ReaderError, ConfigError, CircuitError, FitError
        If a path, an option or a samples table is invalid.
    """
    options = options or FitOptions()
    inputs = read_inputs(find_files(paths, out), paths, options.samples, options.selection)
    tasks = FitJob(options).plan(inputs.sweeps)
    conflicts = dict.fromkeys(
        f"{task.sweep.metadata.sample_id or task.key.source}: {text}"
        for task in tasks
        for text in geometry_conflicts(task.sweep.metadata)
    )
    failures = [record for record in inputs.records if "failures" in record.tables]
    return DryRun(
        tuple(_row(task, tasks) for task in tasks),
        tuple(group_samples([task.sweep for task in tasks])),
        tuple(f"{record.key.source}: {record.row('failures')['error']}" for record in failures),
        (*inputs.warnings, *conflicts, *unused_in_names(inputs.sweeps)),
        inputs.n_read,
    )


def _row(task: Task, tasks: Sequence[Task]) -> dict[str, Any]:
    metadata = task.sweep.metadata
    constant, gives = _conductivity(metadata)
    if gives == "σ":
        temperatures = {
            other.sweep.metadata.temperature_C
            for other in tasks
            if other.sweep.metadata.sample_id == metadata.sample_id
        } - {None}
        gives = "σ, Ea" if len(temperatures) > 1 else "σ"
    return {
        "source": task.key.source,
        "sweep": task.key.sweep,
        "sample_id": metadata.sample_id,
        "cell_type": metadata.cell_type,
        "temperature_C": metadata.temperature_C,
        "thickness_um": metadata.thickness_um,
        "diameter_mm": metadata.diameter_mm,
        "cell_constant_per_cm": constant,
        "composition_x": metadata.composition_x,
        "circuits": len(task.circuits),
        "circuit": repr(task.circuits[0]) if len(task.circuits) == 1 else f"best of {len(task.circuits)}",
        "gives": gives,
        "origin": dict(metadata.origin),
    }


def _conductivity(metadata: Metadata) -> tuple[float | None, str]:
    """Return the cell constant, and the expected results or missing metadata."""
    if metadata.cell_type not in CELL_TYPES:
        return None, "fits"
    try:
        cell = CellGeometry.from_metadata(metadata)
    except SpectrumError as error:
        return None, f"no σ: {error}"
    if cell is not None:
        return cell.cell_constant_per_cm, "σ"
    known = metadata.known()
    missing = [
        name
        for name, ways in (
            ("thickness_um", ("thickness_um",)),
            ("diameter_mm", ("diameter_mm", "area_cm2", "electrode_diameter_mm")),
        )
        if not any(way in known for way in ways)
    ]
    return None, f"no σ: {' and '.join(missing)} unknown"
