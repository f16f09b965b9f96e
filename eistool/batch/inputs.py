"""Inputs of a batch: spectra, excluded sweeps and unreadable files."""

import math
import pickle
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.engines import Engine
from eistool.batch.spool import Spool
from eistool.batch.store import Key, Record, place
from eistool.errors import ConfigError
from eistool.readers import FileContent, FoundFile, SampleTables, doubts, load, resolved, scan
from eistool.spectrum import Spectrum, Sweep, thin
from eistool.tables import Rows
from eistool.tables.check import Validity
from eistool.tables.spectra import failure_rows, spectrum_row
from eistool.typing import JSON

FEW_FILES = 1000  # that are read before workers would have started
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

    def objection(self, spectrum: Spectrum | Sweep) -> str:
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
        """Return the spectrum with the points outside the frequency range masked; a long one is averaged."""
        if self.f_min is None and self.f_max is None:
            return thin(spectrum)
        return thin(spectrum.crop(self.f_min, self.f_max))


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of a batch."""

    sweeps: list[Sweep] = field(default_factory=list)  # to compute
    records: list[Record] = field(default_factory=list)  # of unreadable files and sweeps left out
    hashes: dict[str, str] = field(default_factory=dict)  # source: sha256
    ignored: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def selected_none(self) -> bool:
        """Whether sweeps were read, but none is selected."""
        reasons = [record.row("spectra")["reason"] for record in self.records if record.status == "left_out"]
        return not self.sweeps and any(reason != EXCLUDED for reason in reasons)

    @property
    def n_read(self) -> int:
        """Number of readable sweeps."""
        return len(self.sweeps) + sum(record.status == "left_out" for record in self.records)


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was read from one file."""

    hash: str
    sweeps: tuple[tuple[Sweep, bytes], ...]  # with the pickled spectrum in place of the points
    left_out: tuple[Record, ...]
    warnings: tuple[str, ...]
    matched: frozenset[int]  # rows of the samples table


@dataclass(frozen=True, slots=True)
class FileReader:
    """Function that reads a file, in any process."""

    selection: Selection

    def __call__(self, work: tuple[FoundFile, SampleTables]) -> FileRead | Breakdown:
        """Return the sweeps of a file, or the reason why there are none."""
        file, tables = work
        return attempt(file.source, lambda: self._read(file, tables), raised=(ConfigError,))

    def _read(self, file: FoundFile, tables: SampleTables) -> FileRead:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            content = FileContent.open(file.path)
            spectra = load(file, tables, content=content)
        sweeps, left_out = [], []
        for spectrum in spectra:
            reason = self.selection.objection(spectrum)
            if reason:
                left_out.append(left_out_record(Key(*place(spectrum), "", ""), spectrum, reason))
                continue
            cropped = self.selection.crop(spectrum)
            sweeps.append((Sweep.of(cropped, _no_points), pickle.dumps(cropped, pickle.HIGHEST_PROTOCOL)))
        notes = dict.fromkeys(note for spectrum in spectra for note in doubts(spectrum))
        remarks = [*dict.fromkeys(str(warning.message) for warning in caught), *notes]
        return FileRead(
            content.sha256,
            tuple(sweeps),
            tuple(left_out),
            tuple(f"{file.source}: {remark}" for remark in remarks),
            tables.matched,
        )


def _no_points() -> Spectrum:
    raise LookupError("the points of this sweep are elsewhere")


def find_files(
    paths: Sequence[Path],
    out: Path,
    cycling: Path | None = None,
    growing: Collection[Path] = (),
    *,
    named: bool = True,
) -> list[FoundFile]:
    """Return every file below the paths, except the result folder.

    The cycling record and files that are still growing are among them, to be ignored.

    Raises
    ------
    ReaderError
        If a path does not exist.
    """
    out = out.resolve()
    found = [(file, resolved(file.path)) for file in scan(paths, named=named)]
    record = None if cycling is None else resolved(cycling)
    reasons = dict.fromkeys(growing, "still growing") | ({} if record is None else {record: "cycling record"})
    return [
        replace(file, ignored=reasons.get(path, file.ignored))
        for file, path in found
        if not path.is_relative_to(out)
    ]


def read_inputs(
    found: Sequence[FoundFile],
    paths: Sequence[Path],
    samples: Path | None = None,
    selection: Selection | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    engine: Engine | None = None,
) -> Inputs:
    """Read the files of a batch.

    Parameters
    ----------
    found : sequence of FoundFile
        As returned by :func:`find_files`.
    paths : sequence of Path
        Files and folders that were given.
    samples : Path, optional
        Samples table for all files.
    selection : Selection, optional
        Sweeps and points to use.
    progress : callable
        Called with the number of files read, and the total.
    engine : Engine, optional
        Reads the files, if there are many.

    Raises
    ------
    ConfigError
        If a samples table is invalid.
    """
    tables = SampleTables(samples)
    inputs, spool = Inputs(), Spool()
    inputs.ignored.extend({"source": file.source, "reason": file.ignored} for file in found if file.ignored)
    files = [file for file in found if not file.ignored]
    work = ((file, tables.of_file(file.path, file.source)) for file in files)
    reader = FileReader(selection or Selection())
    results = map(reader, work) if engine is None or len(files) < FEW_FILES else engine.map(reader, work)
    for done, (file, read) in enumerate(zip(files, results, strict=True), start=1):
        _add(inputs, file, read, spool)
        if isinstance(read, FileRead):
            tables.note_matches(file.path, read.matched)
        else:
            tables.rows_for(file.path, file.source, None)  # so that its rows count as matched
        progress(done, len(files))
    inputs.warnings.extend(tables.unmatched([path for path in paths if path.is_dir()]))
    return inputs


def _add(inputs: Inputs, file: FoundFile, read: FileRead | Breakdown, spool: Spool) -> None:
    if isinstance(read, Breakdown):
        key = Key(file.source, 0, "", "")
        inputs.records.append(Record(key, "failed", {"failures": failure_rows("read", read.reason)}))
        return
    inputs.hashes[file.source] = read.hash
    inputs.warnings.extend(read.warnings)
    inputs.records.extend(read.left_out)
    inputs.sweeps.extend(replace(sweep, points=spool.add(data)) for sweep, data in read.sweeps)


def left_out_record(key: Key, spectrum: Spectrum, reason: str, validity: Validity | None = None) -> Record:
    """Return the record of a sweep that was read but not computed."""
    row = spectrum_row(spectrum, "left_out", reason, validity=validity)
    return Record(key, "left_out", {"spectra": Rows.of(row)})
