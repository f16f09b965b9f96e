"""Spectra of files and folders, with metadata from file names, headers and samples tables."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

from eistool.display import with_bar
from eistool.errors import ConfigError, ReaderError, SpectrumError
from eistool.escaping import printable, without_name
from eistool.readers.content import FileContent
from eistool.readers.filename import ORIGIN, UNUSED
from eistool.readers.files import FoundFile, scan
from eistool.readers.formats.biologic import ELECTRODES
from eistool.readers.notes import WARNING
from eistool.readers.plausibility import with_warnings
from eistool.readers.registry import find_reader, refusal
from eistool.readers.samples import SampleTables
from eistool.readers.tables.impedance_table import PER_AREA, PER_LENGTH
from eistool.readers.tables.signs import sign_in_doubt
from eistool.spectrum import Metadata, Spectrum, Sweep
from eistool.spectrum.metadata import METADATA_FIELDS, known_area_cm2
from eistool.typing import PathLike

_DISAGREEMENT = re.compile(rf"(?:{'|'.join(METADATA_FIELDS)}): (?:.* replaces |several values in the file name)")


def read(
    path: PathLike | Sequence[PathLike],
    samples: PathLike | None = None,
    errors: Literal["warn", "raise"] = "warn",
    electrode: Literal["working", "counter", "cell"] = "working",
) -> list[Spectrum]:
    """Read a file, or all files in and below a folder, as one spectrum per sweep.

    Parameters
    ----------
    path : path or sequence of paths
        Files and folders. Hidden files, result folders and links to folders are skipped.
    samples : path, optional
        A samples table; by default the nearest ``samples.csv`` or ``samples.xlsx`` in or above the folder
        of a file.
    errors : {"warn", "raise"}
        Treatment of unreadable files in folders. A file that is given by its path raises.
    electrode : {"working", "counter", "cell"}
        Electrode of the impedance, in three-electrode files; ``cell`` is between both.

    Returns
    -------
    list of Spectrum
        Sorted by source, then sweep, without those that the samples table excludes.

    Raises
    ------
    ReaderError
        If a path does not exist, or a file cannot be read; in folders only with ``errors="raise"``.
    ConfigError
        If the samples table is invalid.
    """
    if errors not in ("warn", "raise"):
        raise ConfigError(f"errors={errors!r}; choose 'warn' or 'raise'")
    if electrode not in ELECTRODES:
        raise ConfigError(f"electrode={electrode!r}; choose one of {', '.join(ELECTRODES)}")
    roots = _paths(path)
    tables = SampleTables(None if samples is None else Path(samples))
    spectra: list[Spectrum] = []
    files = list(scan(roots))
    for file in with_bar(files, len(files), "reading"):
        alone = file.path in roots
        if file.ignored and not (alone and file.path.is_file()):
            continue
        try:
            spectra += load(file, tables, electrode)
        except ConfigError:
            raise
        except Exception as error:
            if alone or errors == "raise":
                raise
            known = isinstance(error, ReaderError)
            reason = str(error) if known else f"the reader broke down ({type(error).__name__}: {error})"
            reason = without_name(reason, printable(file.path.name))
            warnings.warn(f"not read: {file.source}: {reason}", stacklevel=2)
    return [s for s in spectra if s.metadata.include is not False]


def _paths(given: PathLike | Sequence[PathLike]) -> list[Path]:
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(paths, Sequence) or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise ReaderError(f"expected a path or a list of paths, got {given!r:.80}")
    return [Path(path) for path in paths]


def load(
    file: FoundFile,
    tables: SampleTables | None = None,
    electrode: str = "working",
    content: FileContent | None = None,
) -> list[Spectrum]:
    """Read the sweeps of one file, with metadata from file name, header and samples table.

    Parameters
    ----------
    file, tables, electrode
        The file, its samples tables, and the electrode as for :func:`read`.
    content : FileContent, optional
        Its content, if it was opened already.

    Returns
    -------
    list of Spectrum
        All sweeps; those with ``metadata.include`` False are excluded by the samples table.

    Raises
    ------
    ReaderError
        If the format is unknown, or the file cannot be read.
    ConfigError
        If the samples table is invalid.
    """
    if file.problem:
        raise ReaderError(f"{file.source}: {file.problem}")
    content = content or FileContent.open(file.path)
    reader = find_reader(content)
    if reader is None:
        raise content.error(refusal(content))
    spectra = reader.read(content, electrode)
    named = file.name_metadata
    place = named.add_to(Metadata().updated("file", source=file.source, format=reader.name))
    tables = tables or SampleTables()
    described = []
    for sweep, spectrum in enumerate(spectra, start=1):
        metadata, notes = place.updated("file", sweep=sweep), [*spectrum.notes, *named.notes]
        sources: list[tuple[str, Mapping[str, object]]] = [("file header", spectrum.metadata.known())]
        if reader.complete:
            metadata = spectrum.metadata.updated("file", source=file.source, sweep=sweep, format=reader.name)
            notes, sources = list(spectrum.notes), []
        sources += [("samples table", row.values) for row in tables.rows_for(file.path, file.source, sweep)]
        for origin, values in sources:
            metadata = _merge(metadata, origin, values, notes)
        label = spectrum.label if reader.complete else ""
        full = replace(spectrum, metadata=metadata, label=label, notes=tuple(map(printable, notes)))
        try:
            full = _in_ohm(full)
        except SpectrumError as error:
            raise content.error(str(error)) from error
        if full.metadata.f_min_Hz is not None or full.metadata.f_max_Hz is not None:
            full = full.crop(full.metadata.f_min_Hz, full.metadata.f_max_Hz)
        described.append(full)
    return with_warnings(described)


def _in_ohm(spectrum: Spectrum) -> Spectrum:
    """Return the spectrum in ohm: impedances per area are divided by the area, resistivities by A/L.

    Raises
    ------
    SpectrumError
        If impedances are resistivities, and the geometry is unknown.
    """
    metadata = spectrum.metadata
    if PER_AREA in spectrum.notes:
        area = known_area_cm2(metadata)
        if area is None:
            return spectrum
        name = "diameter_mm" if metadata.area_cm2 is None else "area_cm2"
        note = f"impedances are per area (ohm cm²): divided by {area:.4g} cm² ({name}, {metadata.origin[name]})"
        return _scaled(spectrum, 1 / area, PER_AREA, note)
    if PER_LENGTH in spectrum.notes:
        area = known_area_cm2(metadata)
        constant = metadata.cell_constant_per_cm
        if constant is None and area is not None and metadata.thickness_um is not None:
            constant = metadata.thickness_um * 1e-4 / area
        if constant is None:
            raise SpectrumError(
                "impedances are resistivities (ohm cm) and the geometry is unknown; give thickness_um and "
                "diameter_mm, or cell_constant_per_cm, in samples.csv"
            )
        return _scaled(spectrum, constant, PER_LENGTH, f"{PER_LENGTH}: multiplied by L/A = {constant:.4g} /cm")
    return spectrum


def _scaled(spectrum: Spectrum, scale: float, old: str, new: str) -> Spectrum:
    notes = tuple(new if note == old else note for note in spectrum.notes)
    return replace(spectrum, impedance=spectrum.impedance * scale, notes=notes)


S = TypeVar("S", Spectrum, Sweep)


def override(spectrum: S, origin: str, values: Mapping[str, object]) -> S:
    """Return a copy with metadata of higher precedence; disagreements are noted.

    Parameters
    ----------
    spectrum : Spectrum or Sweep
        With metadata of lower precedence.
    origin : str
        For instance ``"command line"``.
    values : mapping
        By field name; ``None`` leaves the present value.
    """
    notes = list(spectrum.notes)
    metadata = _merge(spectrum.metadata, origin, values, notes)
    return replace(spectrum, metadata=metadata, notes=tuple(notes))


def _merge(metadata: Metadata, origin: str, values: Mapping[str, object], notes: list[str]) -> Metadata:
    """Return metadata with printable values of higher precedence; the notes gain the disagreements."""
    known = metadata.known()
    values = {name: printable(value) if isinstance(value, str) else value for name, value in values.items()}
    notes += [
        f"{name}: {origin} {value} replaces {metadata.origin[name]} {known[name]}"
        for name, value in values.items()
        if value is not None
        and name != "file"
        and known.get(name, value) != value
        # the sample in a file name is only a guess
        and not (name == "sample_id" and metadata.origin[name] == ORIGIN)
    ]
    return metadata.updated(origin, **values)


def doubts(spectrum: Spectrum) -> list[str]:
    """Return the notes to check by eye: warnings, contradictory metadata, and a doubtful sign of Im."""
    return [
        note.removeprefix(WARNING)
        for note in spectrum.notes
        if note.startswith(WARNING) or _DISAGREEMENT.match(note) or sign_in_doubt(note)
    ]


def unused_in_names(spectra: Sequence[Spectrum | Sweep]) -> list[str]:
    """Return one line per reason why tokens in file names are not used as metadata."""
    reasons: dict[str, list[str]] = {}
    for spectrum in spectra:
        for note in spectrum.notes:
            match = UNUSED.fullmatch(note)
            if match is not None:
                reasons.setdefault(match["reason"], []).append(f"{match['field']}: {match['token']}")
    return [
        f"{tokens[0]} {reason}" + (f" ({len(tokens)} spectra)" if len(tokens) > 1 else "")
        for reason, tokens in reasons.items()
    ]
