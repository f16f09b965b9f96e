"""Spectra of files and folders, with metadata from file names, headers and samples tables."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from eistool.errors import ConfigError, ReaderError, SpectrumError
from eistool.readers.content import FileContent
from eistool.readers.filename import (
    ORIGIN,
    UNUSED,
    NameMetadata,
    depends_on_folder,
    metadata_from_filename,
    metadata_from_filenames,
)
from eistool.readers.formats.biologic import ELECTRODES
from eistool.readers.formats.spectrum_rows import served_by
from eistool.readers.notes import WARNING
from eistool.readers.plausibility import with_warnings
from eistool.readers.registry import BESIDE, KNOWN_SUFFIXES, UNSUPPORTED, find_reader, refusal
from eistool.readers.samples import TABLE_NAMES, SampleTables
from eistool.readers.tables.impedance_table import PER_AREA, PER_LENGTH
from eistool.readers.tables.signs import sign_in_doubt
from eistool.spectrum import Metadata, Spectrum
from eistool.spectrum.metadata import METADATA_FIELDS, known_area_cm2
from eistool.typing import PathLike

_RESULT_MARK = "run.json"
_NO_SPECTRA = re.compile(r"(?:readme|licen[cs]e|copying|changelog|notice|manifest)(?:[-_. ].*)?", re.IGNORECASE)
_DISAGREEMENT = re.compile(rf"(?:{'|'.join(METADATA_FIELDS)}): (?:.* replaces |several values in the file name)")
_SNIFFED_BYTES = 65536


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file at or below one of the given paths.

    Parameters
    ----------
    path : Path
        Its location.
    source : str
        Its name in results: relative to the given folder, with forward slashes.
    ignored : str
        Reason why it is not read; empty for files of spectra.
    named : NameMetadata, optional
        Metadata from its name and the other names in its folder.
    """

    path: Path
    source: str
    ignored: str = ""
    named: NameMetadata | None = field(default=None, compare=False)

    @property
    def name_metadata(self) -> NameMetadata:
        """Metadata from its name, without the other names if those are unknown."""
        return self.named or metadata_from_filename(self.path.name)


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
        Files and folders. Hidden files and result folders (with a ``run.json``) are skipped.
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
    for file in scan(roots):
        alone = file.path in roots
        if file.ignored and not (alone and file.path.is_file()):
            continue
        try:
            spectra += load(file, tables, electrode)
        except ReaderError as error:
            if alone or errors == "raise":
                raise
            reason = str(error).removeprefix(f"{file.path.name}: ")
            warnings.warn(f"not read: {file.source}: {reason}", stacklevel=2)
    return [s for s in spectra if s.metadata.include is not False]


def _paths(given: PathLike | Sequence[PathLike]) -> list[Path]:
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(paths, Sequence) or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise ReaderError(f"expected a path or a list of paths, got {given!r:.80}")
    return [Path(path) for path in paths]


def scan(paths: Sequence[PathLike]) -> list[FoundFile]:
    """Return the files at and below the paths in a fixed order, with the reason for those that are not read.

    Files with the suffix of a format are read, others if their content is identified. READMEs, licences and
    samples tables are not.

    Parameters
    ----------
    paths : sequence of paths
        Files and folders. If two files would have the same ``source``, parts of the paths of their folders
        precede it.

    Raises
    ------
    ReaderError
        If a path does not exist.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        if not root.exists():
            raise ReaderError(f"{root}: does not exist; give a file or a folder")
    files: dict[Path, tuple[Path, Path]] = {}  # resolved path: (given folder, path)
    for root in roots:
        folder = root if root.is_dir() else root.parent
        for path in _walk(root) if root.is_dir() else [root]:
            files.setdefault(path.resolve(), (folder, path))
    prefixes = _prefixes(list(files.values()))
    unnamed = [
        FoundFile(path, prefixes[folder] + path.relative_to(folder).as_posix(), _ignored(path))
        for folder, path in files.values()
    ]
    return sorted(_with_names(unnamed), key=lambda file: file.source)


def _with_names(files: Sequence[FoundFile]) -> Iterator[FoundFile]:
    """Yield files with metadata from their names; the context is all files of known suffix in the folder."""
    folders: dict[Path, list[FoundFile]] = {}
    for file in files:
        if file.ignored:
            yield file
        else:
            folders.setdefault(file.path.parent, []).append(file)
    for folder, inside in folders.items():
        names = {file.path.name for file in inside}
        if any(map(depends_on_folder, names)):
            names.update(_spectra_beside(folder))
        named = metadata_from_filenames(sorted(names))
        yield from (replace(file, named=named[file.path.name]) for file in inside)


def _spectra_beside(folder: Path) -> list[str]:
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError:  # of a folder that can be entered, not listed
        return []
    return [
        name
        for name in names
        if Path(name).suffix.lower() in KNOWN_SUFFIXES and not _hidden(name) and not _is_document(name)
    ]


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
        full = replace(spectrum, metadata=metadata, label=label, notes=tuple(notes))
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


def override(spectrum: Spectrum, origin: str, values: Mapping[str, object]) -> Spectrum:
    """Return a copy with metadata of higher precedence; disagreements are noted.

    Parameters
    ----------
    spectrum : Spectrum
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
    """Return metadata with values of higher precedence; the notes gain the disagreements."""
    known = metadata.known()
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


def unused_in_names(spectra: Sequence[Spectrum]) -> list[str]:
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


def _walk(root: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(root):
        if _RESULT_MARK in names:
            subfolders.clear()
            continue
        subfolders[:] = sorted(name for name in subfolders if not _hidden(name))
        yield from (Path(folder) / name for name in sorted(names) if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name == "__MACOSX"


def _is_document(name: str) -> bool:
    return name.lower() in TABLE_NAMES or _NO_SPECTRA.fullmatch(Path(name).stem) is not None


def _ignored(path: Path) -> str:
    if path.exists() and not path.is_file():  # opening a named pipe would wait for ever
        return "not a regular file"
    if path.name.lower() in TABLE_NAMES:
        return "samples table"
    if path.name.lower() == "eistool.toml":
        return "settings"
    if _is_document(path.name):
        return "document"
    table = served_by(path)
    if table is not None:
        return f"frequencies of {table.name}"
    if path.suffix.lower() in KNOWN_SUFFIXES:
        return ""
    if path.suffix.lower() in BESIDE:
        title, _ = UNSUPPORTED[path.suffix.lower()]
        return f"{title} file"
    try:
        # names in a MATLAB file may stand behind its largest array
        limit = None if path.suffix.lower() == ".mat" else _SNIFFED_BYTES
        known = find_reader(FileContent.open(path, limit)) is not None
    except ReaderError:
        known = False
    return "" if known else "no known suffix or content"


def _prefixes(files: Sequence[tuple[Path, Path]]) -> dict[Path, str]:
    """Return the start of the sources in each given folder, empty unless two of them collide."""
    folders = list(dict.fromkeys(folder for folder, _ in files))
    sources: dict[str, set[Path]] = {}
    for folder, path in files:
        sources.setdefault(path.relative_to(folder).as_posix(), set()).add(folder)
    colliding = set().union(*(owners for owners in sources.values() if len(owners) > 1))
    prefixes = dict.fromkeys(folders, "")
    depth = 1
    while colliding:
        names = {folder: "/".join(folder.resolve().parts[-depth:]).strip("/") for folder in colliding}
        if len(set(names.values())) == len(names):
            prefixes |= {folder: f"{name}/" for folder, name in names.items()}
            break
        depth += 1
    return prefixes
