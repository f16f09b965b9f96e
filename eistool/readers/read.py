"""From paths to spectra: files found, read, and described by all that is known of them."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from eistool.errors import ConfigError, ReaderError
from eistool.readers.content import FileContent
from eistool.readers.filename import metadata_from_filename
from eistool.readers.formats.biologic import ELECTRODES
from eistool.readers.formats.spectrum_rows import served_by
from eistool.readers.registry import KNOWN_SUFFIXES, find_reader, refusal
from eistool.readers.samples import TABLE_NAMES, SampleTables
from eistool.readers.tables.impedance_table import PER_AREA
from eistool.readers.tables.signs import sign_in_doubt
from eistool.spectrum import Metadata, Spectrum
from eistool.spectrum.metadata import METADATA_FIELDS, known_area_cm2
from eistool.typing import PathLike

_RESULT_MARK = "run.json"
_NO_SPECTRA = re.compile(r"(?:readme|licen[cs]e|copying|changelog|notice|manifest)(?:[-_. ].*)?", re.IGNORECASE)
_DISAGREEMENT = re.compile(rf"(?:{'|'.join(METADATA_FIELDS)}): (?:.* replaces |the file name gives several)")
_SNIFFED_BYTES = 65536


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below one of the paths that were given.

    Parameters
    ----------
    path : Path
        Where it lies.
    source : str
        Its name in results: relative to the folder given, with forward slashes.
    ignored : str
        Why it is no file of spectra; empty where it is to be read.
    """

    path: Path
    source: str
    ignored: str = ""


def read(
    path: PathLike | Sequence[PathLike],
    samples: PathLike | None = None,
    errors: Literal["warn", "raise"] = "warn",
    electrode: Literal["working", "counter", "cell"] = "working",
) -> list[Spectrum]:
    """Read a file, or all files in a folder and below, as spectra; one per sweep.

    Parameters
    ----------
    path : path or sequence of paths
        Files and folders. Hidden files and folders of results (with a ``run.json``) are passed over.
    samples : path, optional
        A samples table; by default the nearest ``samples.csv`` or ``samples.xlsx`` in or above a file's
        folder.
    errors : {"warn", "raise"}
        What to do with a file in a folder that cannot be read. A file that is given by its path raises.
    electrode : {"working", "counter", "cell"}
        Whose impedance, where a three-electrode file holds several; ``cell`` is between both.

    Returns
    -------
    list of Spectrum
        Sorted by source, then sweep, without those that the samples table leaves out.

    Raises
    ------
    ReaderError
        If the path does not exist, the file cannot be read, or one in the folder with ``errors="raise"``.
    ConfigError
        If the samples table is wrong.
    """
    if errors not in ("warn", "raise"):
        raise ConfigError(f"errors={errors!r}; choose 'warn' or 'raise'")
    if electrode not in ELECTRODES:
        raise ConfigError(f"electrode={electrode!r}; choose one of {', '.join(ELECTRODES)}")
    roots = _paths(path)
    tables = SampleTables(None if samples is None else Path(samples))
    spectra: list[Spectrum] = []
    for found in scan(roots):
        alone = found.path in roots
        if found.ignored and not (alone and found.path.is_file()):
            continue
        try:
            spectra += load(found, tables, electrode)
        except ReaderError as error:
            if alone or errors == "raise":
                raise
            reason = str(error).removeprefix(f"{found.path.name}: ")
            warnings.warn(f"not read: {found.source}: {reason}", stacklevel=2)
    return [s for s in spectra if s.metadata.include is not False]


def _paths(given: PathLike | Sequence[PathLike]) -> list[Path]:
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(paths, Sequence) or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise ReaderError(f"{given!r:.80}: no path; give a file or a folder, or a list of them")
    return [Path(path) for path in paths]


def scan(paths: Sequence[PathLike]) -> list[FoundFile]:
    """Find the files below the paths, in a fixed order, and tell files of spectra from others.

    A file with a suffix of an instrument or of text tables is to be read, any other one if its content is
    known. READMEs, licences and samples tables are not.

    Parameters
    ----------
    paths : sequence of paths
        Files and folders. Where two of them would give the same ``source``, it starts with as much of
        their own paths as tells them apart.

    Raises
    ------
    ReaderError
        If a path does not exist.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        if not root.exists():
            raise ReaderError(f"{root}: does not exist; give a file or a folder")
    files: dict[Path, tuple[Path, Path]] = {}  # resolved path: (folder given, path)
    for root in roots:
        folder = root if root.is_dir() else root.parent
        for path in _walk(root) if root.is_dir() else [root]:
            files.setdefault(path.resolve(), (folder, path))
    prefixes = _prefixes(list(files.values()))
    return sorted(
        (
            FoundFile(path, prefixes[folder] + path.relative_to(folder).as_posix(), _ignored(path))
            for folder, path in files.values()
        ),
        key=lambda found: found.source,
    )


def load(found: FoundFile, tables: SampleTables | None = None, electrode: str = "working") -> list[Spectrum]:
    """Read one file and describe each sweep by file name, header and samples table.

    Returns
    -------
    list of Spectrum
        All sweeps; the samples table leaves those out whose ``metadata.include`` is False.

    Raises
    ------
    ReaderError
        If no reader knows the file, or it cannot be read.
    ConfigError
        If its samples table is wrong.
    """
    content = FileContent.open(found.path)
    reader = find_reader(content)
    if reader is None:
        raise content.error(refusal(content))
    spectra = reader.read(content, electrode)
    named, name_notes = metadata_from_filename(found.path.name)
    place = Metadata().updated("file", source=found.source, format=reader.name)
    tables = tables or SampleTables()
    described = []
    for sweep, spectrum in enumerate(spectra, start=1):
        header = spectrum.metadata
        start = replace(
            spectrum,
            metadata=place.updated("file", sweep=sweep).updated("file name", **named),
            label="",
            notes=(*spectrum.notes, *name_notes),
        )
        full = override(start, "file header", header.known())
        for row in tables.rows_for(found.path, found.source, sweep):
            full = override(full, "samples table", row.values)
        full = _in_ohm(full)
        if full.metadata.f_min_Hz is not None or full.metadata.f_max_Hz is not None:
            full = full.crop(full.metadata.f_min_Hz, full.metadata.f_max_Hz)
        described.append(full)
    return described


def _in_ohm(spectrum: Spectrum) -> Spectrum:
    """Return a spectrum whose impedances are per area divided by the area, where that is known."""
    area = known_area_cm2(spectrum.metadata)
    if PER_AREA not in spectrum.notes or area is None:
        return spectrum
    field = "diameter_mm" if spectrum.metadata.area_cm2 is None else "area_cm2"
    origin = spectrum.metadata.origin[field]
    told = f"impedances are per area (ohm cm²): divided by {area:.4g} cm² ({field}, {origin})"
    notes = tuple(told if note == PER_AREA else note for note in spectrum.notes)
    return replace(spectrum, impedance=spectrum.impedance / area, notes=notes)


def override(spectrum: Spectrum, origin: str, values: Mapping[str, object]) -> Spectrum:
    """Return a copy with metadata from a source that outranks those before, disagreements noted.

    Parameters
    ----------
    spectrum : Spectrum
        With what is known so far.
    origin : str
        For instance ``"command line"``.
    values : mapping
        By field name; ``None`` says nothing.
    """
    known = spectrum.metadata.known()
    notes = [
        f"{name}: {origin} {value} replaces {spectrum.metadata.origin[name]} {known[name]}"
        for name, value in values.items()
        if value is not None
        and name != "file"
        and known.get(name, value) != value
        # the first token of a file name is only a guess at the sample
        and not (name == "sample_id" and spectrum.metadata.origin[name] == "file name")
    ]
    metadata = spectrum.metadata.updated(origin, **values)
    return replace(spectrum, metadata=metadata, notes=(*spectrum.notes, *notes))


def doubts(spectrum: Spectrum) -> list[str]:
    """Return the notes of a spectrum that somebody should look at: metadata that disagree, a sign in doubt."""
    return [note for note in spectrum.notes if _DISAGREEMENT.match(note) or sign_in_doubt(note)]


def _walk(root: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(root):
        if _RESULT_MARK in names:
            subfolders.clear()
            continue
        subfolders[:] = sorted(name for name in subfolders if not _hidden(name))
        yield from (Path(folder) / name for name in sorted(names) if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name == "__MACOSX"


def _ignored(path: Path) -> str:
    if path.exists() and not path.is_file():  # to open a named pipe would wait for ever
        return "no regular file"
    if path.name.lower() in TABLE_NAMES:
        return "samples table"
    if _NO_SPECTRA.fullmatch(path.stem):
        return "document"
    table = served_by(path)
    if table is not None:
        return f"frequencies of {table.name}"
    if path.suffix.lower() in KNOWN_SUFFIXES:
        return ""
    try:
        known = find_reader(FileContent.open(path, _SNIFFED_BYTES)) is not None
    except ReaderError:
        known = False
    return "" if known else "no known suffix or content"


def _prefixes(files: Sequence[tuple[Path, Path]]) -> dict[Path, str]:
    """Return for each folder given what its sources start with: nothing, unless two of them collide."""
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
