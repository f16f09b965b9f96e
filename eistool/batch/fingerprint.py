"""Fingerprint of the inputs of a batch: names, sizes and times, so that unchanged files are not read again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eistool.batch.store import digest
from eistool.readers import FoundFile, SampleTables

SETTLING_NS = 5_000_000_000  # age below which a file may change again without a new time

State = tuple[str, int, int]  # path, size, time of change in ns


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Inputs as they are found.

    Parameters
    ----------
    content : str
        Hash of all names, samples tables and reasons for leaving out a file.
    files : mapping of str to (str, int, int)
        Path, size and time of change in ns of each file by its source.
    """

    content: str
    files: Mapping[str, State]

    def is_settled(self, now: float) -> bool:
        """Return whether all files are old enough for their times to tell a later change."""
        return all(time <= now * 1e9 - SETTLING_NS for _, _, time in self.files.values())

    def is_same(self, files: Mapping[str, Sequence[object]], hashes: Mapping[str, str]) -> bool:
        """Return whether the contents are those of an earlier run.

        Parameters
        ----------
        files : mapping
            As of the earlier run.
        hashes : mapping of str to str
            SHA-256 of the files then; a file with another size or time is compared by it.
        """
        if files.keys() != self.files.keys():
            return False
        changed = [source for source, state in self.files.items() if tuple(files[source]) != state]
        return all(
            self.files[source][1] == files[source][1] and _hash(self.files[source][0]) == hashes.get(source, "")
            for source in changed
        )


def take_fingerprint(files: Sequence[FoundFile], samples: Path | None) -> Fingerprint:
    """Return the fingerprint of files.

    Raises
    ------
    ConfigError
        If a samples table is invalid.
    """
    tables = SampleTables(samples)
    folders = {file.path.parent: file.path for file in files}
    found = {table.path for path in folders.values() if (table := tables.table_for(path)) is not None}
    content = digest(
        [
            [[file.source, file.ignored, file.problem] for file in files],
            sorted([str(path), _hash(str(path))] for path in found),
        ]
    )
    return Fingerprint(content, {file.source: _state(file.path) for file in files})


def _state(path: Path) -> State:
    try:
        status = path.stat()
    except OSError:
        return str(path), -1, 0
    return str(path), status.st_size, status.st_mtime_ns


def _hash(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"
