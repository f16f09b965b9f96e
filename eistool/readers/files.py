"""Files at and below the given paths, with the reason for those that are not read."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from eistool.errors import ReaderError
from eistool.escaping import printable, source_name
from eistool.readers.content import MAX_BYTES, FileContent, resolved
from eistool.readers.filename import (
    NameMetadata,
    depends_on_folder,
    metadata_from_filename,
    metadata_from_filenames,
)
from eistool.readers.formats.spectrum_rows import served_by
from eistool.readers.registry import BESIDE, KNOWN_SUFFIXES, UNSUPPORTED, find_reader
from eistool.readers.samples import TABLE_NAMES
from eistool.typing import PathLike

RUN = "run.json"  # of a result folder
_FAILURES = "failures.csv"
_FAILURES_START = b"source,sweep,stage,error"
_NO_SPECTRA = re.compile(r"(?:readme|licen[cs]e|copying|changelog|notice|manifest)(?:[-_. ].*)?", re.IGNORECASE)
_PROGRAMS = frozenset({".py", ".ipynb", ".m", ".r", ".jl", ".sh", ".bat", ".ps1"})
_SNIFFED_BYTES = 65536


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file at or below one of the given paths.

    Parameters
    ----------
    path : Path
        Its location.
    source : str
        Its name in results: relative to the given folder, with forward slashes, and printable.
    ignored : str
        Reason why it is not read; empty for files of spectra.
    named : NameMetadata, optional
        Metadata from its name and the other names in its folder.
    problem : str
        Reason why it cannot be read, known from the folder.
    """

    path: Path
    source: str
    ignored: str = ""
    named: NameMetadata | None = field(default=None, compare=False)
    problem: str = ""

    @property
    def name_metadata(self) -> NameMetadata:
        """Metadata from its name, without the other names if those are unknown."""
        return self.named or metadata_from_filename(printable(self.path.name))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file, or a folder that is not searched, below a given folder."""

    folder: Path
    path: Path
    ignored: str = ""
    problem: str = ""

    @property
    def inside(self) -> str:
        return self.path.relative_to(self.folder).as_posix()


def scan(paths: Sequence[PathLike], *, named: bool = True) -> list[FoundFile]:
    """Return the files at and below the paths in a fixed order, with the reason for those that are not read.

    Files with the suffix of a format are read, others if their content is identified. READMEs, licences and
    samples tables are not. Result folders and links to folders are named, and not searched.

    Parameters
    ----------
    paths : sequence of paths
        Files and folders. If two files would have the same ``source``, parts of the paths of their folders
        precede it.
    named : bool
        Whether to look for metadata in the names.

    Raises
    ------
    ReaderError
        If a path does not exist.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        if not _exists(root):
            raise ReaderError(f"{root}: does not exist; give a file or a folder")
    found: dict[Path, _Entry] = {}
    for root in roots:
        for entry in _walk(root) if root.is_dir() else [_Entry(root.parent, root)]:
            found.setdefault(resolved(entry.path), entry)
    entries = list(found.values())
    prefixes = _prefixes(entries)
    unnamed = [
        FoundFile(
            entry.path,
            source_name(prefixes[entry.folder] + entry.inside),
            entry.ignored or ("" if entry.problem else _ignored(entry.path)),
            problem=entry.problem,
        )
        for entry in entries
    ]
    return sorted(_with_names(unnamed) if named else unnamed, key=lambda file: file.source)


def is_result_folder(folder: Path) -> bool:
    """Return whether a folder holds results of eistool, by the content of ``run.json`` or of a table."""
    with suppress(OSError, ValueError, RecursionError), (folder / RUN).open("rb") as file:
        run = json.loads(file.read(MAX_BYTES))
        if isinstance(run, dict) and isinstance(run.get("version"), str) and isinstance(run.get("state"), str):
            return True
    with suppress(OSError), (folder / _FAILURES).open("rb") as file:
        return file.read(len(_FAILURES_START)) == _FAILURES_START
    return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that cannot be entered
        return False


def _with_names(files: Sequence[FoundFile]) -> Iterator[FoundFile]:
    """Yield files with metadata from their names; the context is all files of known suffix in the folder."""
    folders: dict[Path, list[FoundFile]] = {}
    for file in files:
        if file.ignored:
            yield file
        else:
            folders.setdefault(file.path.parent, []).append(file)
    for folder, inside in folders.items():
        names = {printable(file.path.name) for file in inside}
        if any(map(depends_on_folder, names)):
            names.update(_spectra_beside(folder))
        named = metadata_from_filenames(sorted(names))
        yield from (replace(file, named=named[printable(file.path.name)]) for file in inside)


def _spectra_beside(folder: Path) -> list[str]:
    try:
        names = [printable(entry.name) for entry in os.scandir(folder) if entry.is_file()]
    except OSError:  # of a folder that can be entered, not listed
        return []
    return [
        name
        for name in names
        if Path(name).suffix.lower() in KNOWN_SUFFIXES and not _hidden(name) and not _is_document(name)
    ]


def _walk(root: Path) -> Iterator[_Entry]:
    """Yield the files below a folder, and the folders that are not searched."""
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                inside = [entry for entry in entries if not _hidden(entry.name)]
        except OSError as error:
            problem = f"the folder cannot be listed ({error.strerror or error}); allow reading it, or move it away"
            yield _Entry(root, folder, problem=problem)
            continue
        names = {entry.name for entry in inside}
        if not names.isdisjoint((RUN, _FAILURES)) and is_result_folder(folder):
            yield _Entry(root, folder, ignored="result folder of eistool")
            continue
        for entry in inside:
            path = folder / entry.name
            if not _is_folder(entry):
                yield _Entry(root, path)
            elif entry.is_symlink():
                yield _Entry(root, path, ignored="link to a folder; give its path to read it")
            else:
                pending.append(path)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circle of links, or a folder that cannot be entered
        return False


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name == "__MACOSX"


def _is_document(name: str) -> bool:
    return name.lower() in TABLE_NAMES or _NO_SPECTRA.fullmatch(Path(name).stem) is not None


def _ignored(path: Path) -> str:
    if path.name.lower() in TABLE_NAMES:
        return "samples table"
    if path.name.lower() == "eistool.toml":
        return "settings"
    if _is_document(path.name):
        return "document"
    try:
        if path.exists() and not path.is_file():  # opening a named pipe would wait for ever
            return "not a regular file"
        table = served_by(path)
    except (
        OSError,
        ValueError,
    ):  # a folder that cannot be entered, a name like a pattern: load() gives the reason
        table = None
    if table is not None:
        return f"frequencies of {table.name}"
    suffix = path.suffix.lower()
    if suffix in _PROGRAMS:
        return "program"
    if suffix in BESIDE:
        return f"{UNSUPPORTED[suffix][0]} file"
    return "" if suffix in KNOWN_SUFFIXES else _unknown(path)


def _unknown(path: Path) -> str:
    """Return the reason why a file without a known suffix is not read; empty if its content is known."""
    # names in a MATLAB file may stand behind its largest array
    limit = None if path.suffix.lower() == ".mat" else _SNIFFED_BYTES
    try:
        content = FileContent.open(path, limit)
    except ReaderError as error:
        return str(error).removeprefix(f"{printable(path.name)}: ")
    try:
        known = find_reader(content) is not None
    except ReaderError:
        known = False
    except Exception:  # noqa: BLE001 (load() will break down likewise, and give the reason)
        known = True
    return "" if known else "no known suffix or content"


def _prefixes(entries: Sequence[_Entry]) -> dict[Path, str]:
    """Return the start of the sources in each given folder, empty unless two of them collide."""
    folders = list(dict.fromkeys(entry.folder for entry in entries))
    sources: dict[str, set[Path]] = {}
    for entry in entries:
        sources.setdefault(entry.inside, set()).add(entry.folder)
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
