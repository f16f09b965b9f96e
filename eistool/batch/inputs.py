"""Inputs of a batch: spectra, excluded sweeps and unreadable files."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eistool.batch.store import Key, Record, place
from eistool.errors import ConfigError, ReaderError
from eistool.readers import FileContent, FoundFile, SampleTables, doubts, load, scan
from eistool.spectrum import Spectrum
from eistool.tables import Rows
from eistool.tables.check import Validity
from eistool.tables.spectra import failure_rows, spectrum_row
from eistool.typing import JSON

EXCLUDED = "left out by the samples table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selection of sweeps and points.

    Parameters
    ----------
    sweeps : tuple of int
        Numbers of the sweeps of each file, from 1; empty for all.
    every : int
        Step between sweeps, starting with the first.
    time_range : (float, float), optional
        Range of ``time_h``, in h.
    f_min, f_max : float, optional
        Frequency range in Hz; points outside are masked.

    Raises
    ------
    ConfigError
        If a number is outside its range.
    """

    sweeps: tuple[int, ...] = ()
    every: int = 1
    time_range: tuple[float, float] | None = None
    f_min: float | None = None
    f_max: float | None = None

    def __post_init__(self) -> None:
        if any(sweep < 1 for sweep in self.sweeps) or self.every < 1:
            raise ConfigError(f"sweeps {list(self.sweeps)}, every {self.every}; sweeps count from 1")
        for name, limit in (("f_min", self.f_min), ("f_max", self.f_max)):
            if limit is not None and not math.isfinite(limit):
                raise ConfigError(f"{name}={limit}; give a finite frequency, in Hz")
        if self.f_min is not None and self.f_max is not None and self.f_min >= self.f_max:
            raise ConfigError(f"f_min={self.f_min:g}, f_max={self.f_max:g}; give f_min below f_max, in Hz")

    def objection(self, spectrum: Spectrum) -> str:
        """Return the reason for excluding a sweep; empty if it is selected."""
        metadata = spectrum.metadata
        if metadata.include is False:
            return EXCLUDED
        sweep = metadata.sweep or 1
        if (self.sweeps and sweep not in self.sweeps) or (sweep - 1) % self.every:
            return "not selected"
        if self.time_range is not None:
            if metadata.time_h is None:
                return "not selected: its time is unknown"
            if not self.time_range[0] <= metadata.time_h <= self.time_range[1]:
                return "not selected"
        return ""

    def to_dict(self) -> JSON:
        """Return the selection for ``run.json``, without infinite numbers."""
        return {
            "f_min_Hz": self.f_min,
            "f_max_Hz": self.f_max,
            "select": list(self.sweeps),
            "every": self.every,
            "time_range_h": [t if math.isfinite(t) else None for t in self.time_range or ()],
        }

    def crop(self, spectrum: Spectrum) -> Spectrum:
        """Return the spectrum with the points outside the frequency range masked."""
        if self.f_min is None and self.f_max is None:
            return spectrum
        return spectrum.crop(self.f_min, self.f_max)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of a batch."""

    spectra: list[Spectrum] = field(default_factory=list)  # to compute
    records: list[Record] = field(default_factory=list)  # of unreadable files and sweeps left out
    hashes: dict[str, str] = field(default_factory=dict)  # source: sha256
    ignored: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def selected_none(self) -> bool:
        """Whether sweeps were read, but none is selected."""
        reasons = [record.row("spectra")["reason"] for record in self.records if record.status == "left_out"]
        return not self.spectra and any(reason != EXCLUDED for reason in reasons)

    @property
    def n_read(self) -> int:
        """Number of readable sweeps."""
        return len(self.spectra) + sum(record.status == "left_out" for record in self.records)


def read_inputs(
    paths: Sequence[Path],
    out: Path,
    samples: Path | None = None,
    selection: Selection | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cycling: Path | None = None,
) -> Inputs:
    """Read every file below the paths, except the result folder and the cycling record.

    Raises
    ------
    ReaderError
        If a path does not exist.
    ConfigError
        If a samples table is invalid.
    """
    selection = selection or Selection()
    out = out.resolve()
    tables = SampleTables(samples)
    files = [file for file in scan(paths) if not file.path.resolve().is_relative_to(out)]
    if cycling is not None:
        files = [replace(f, ignored="cycling record") if f.path.samefile(cycling) else f for f in files]
    inputs = Inputs()
    inputs.ignored.extend({"source": file.source, "reason": file.ignored} for file in files if file.ignored)
    files = [file for file in files if not file.ignored]
    for done, file in enumerate(files, start=1):
        _add(inputs, file, tables, selection)
        progress(done, len(files))
    inputs.warnings.extend(tables.unmatched([path for path in paths if path.is_dir()]))
    return inputs


def _add(inputs: Inputs, file: FoundFile, tables: SampleTables, selection: Selection) -> None:
    try:
        content = FileContent.open(file.path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            spectra = load(file, tables, content=content)
        inputs.hashes[file.source] = content.sha256
    except ReaderError as error:
        tables.rows_for(file.path, file.source, None)  # so that its rows count as matched
        key = Key(file.source, 0, "", "")
        inputs.records.append(Record(key, "failed", {"failures": failure_rows("read", str(error))}))
        return
    inputs.warnings.extend(dict.fromkeys(f"{file.source}: {warning.message}" for warning in caught))
    notes = dict.fromkeys(note for spectrum in spectra for note in doubts(spectrum))
    inputs.warnings.extend(f"{file.source}: {note}" for note in notes)
    for spectrum in spectra:
        reason = selection.objection(spectrum)
        if reason:
            inputs.records.append(left_out_record(Key(*place(spectrum), "", ""), spectrum, reason))
        else:
            inputs.spectra.append(selection.crop(spectrum))


def left_out_record(key: Key, spectrum: Spectrum, reason: str, validity: Validity | None = None) -> Record:
    """Return the record of a sweep that was read but not computed."""
    row = spectrum_row(spectrum, "left_out", reason, validity=validity)
    return Record(key, "left_out", {"spectra": Rows.of(row)})
