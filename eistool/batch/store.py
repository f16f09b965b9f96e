"""Resumable store of a batch: one record per sweep, appended by each run to a file of its own.

A line is a JSON array of a checksum, the key with the status, and the tables. Nothing is ever changed in place or
removed by another run, so that no lock is needed: a reader skips what is unfinished or damaged, and the sweep is
computed again.
"""

import hashlib
import json
import os
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, overload

from eistool.spectrum import Spectrum, Sweep
from eistool.tables import Rows
from eistool.typing import JSON

SYNC_SECONDS = 2.0  # between two fsyncs of the file of this run
_BODY = len('["00000000",')  # start of the part that the checksum covers


class Key(NamedTuple):
    """Source of a record, and hashes of its inputs and settings."""

    source: str
    sweep: int
    data: str  # hash of points and metadata
    settings: str  # hash of circuit, weighting, bounds and version


def key_of(sweep: Sweep, settings: JSON) -> Key:
    """Return the key of a result, from points, metadata and settings."""
    data = [sweep.content, sweep.metadata.to_dict(), sweep.notes]
    return Key(*place(sweep), digest(data), digest(settings))


def place(spectrum: Spectrum | Sweep) -> tuple[str, int]:
    """Return source and sweep of a spectrum."""
    return spectrum.metadata.source or spectrum.label, spectrum.metadata.sweep or 1


def digest(value: object) -> str:
    """Return a hash of a value that JSON can hold."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Record:
    """Rows of one sweep, by table."""

    key: Key
    status: str  # ok | poor_model | failed | left_out
    tables: Mapping[str, Rows] = field(default_factory=dict)

    def row(self, table: str) -> dict[str, Any]:
        """Return the only row of a table."""
        return next(iter(self.tables[table]))

    def to_line(self) -> bytes:
        """Return the record as one line of JSON with its checksum."""
        tables = {name: {"columns": rows.columns, "rows": rows.rows} for name, rows in self.tables.items()}
        return seal([*self.key, self.status], tables)

    @classmethod
    def from_line(cls, line: bytes) -> "Record":
        """Return the record of a line written by :meth:`to_line`.

        Raises
        ------
        ValueError
            If the line is damaged.
        """
        (*key, status), values = unseal(line)
        try:
            tables = {
                name: Rows(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
                for name, table in values.items()
            }
            return cls(Key(*key), status, tables)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not a record") from error


def seal(*values: object, allow_nan: bool = False) -> bytes:
    """Return values as one line: a JSON array that begins with the checksum of the rest."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=allow_nan, separators=(",", ":"))
    body = text[1:].encode("utf-8", "surrogatepass")
    return b'["%08x",%b\n' % (zlib.crc32(body), body)


def unseal(line: bytes) -> list[Any]:
    """Return the values of a line written by :func:`seal`.

    Raises
    ------
    ValueError
        If it is unfinished or damaged.

    Examples
    --------
    >>> unseal(seal(["a.csv", 1], {"R0": 53.1}))
    [['a.csv', 1], {'R0': 53.1}]
    """
    _check(line)
    values: list[Any] = json.loads(line.decode("utf-8", "surrogatepass"))[1:]
    return values


def _check(line: bytes) -> None:
    if not line.endswith(b"]\n") or line[:_BODY] != b'["%08x",' % zlib.crc32(line[_BODY:-1]):
        raise ValueError("damaged line")


def _head(line: bytes) -> tuple[Key, str]:
    """Return key and status of a line without decoding its tables."""
    _check(line)
    end = line.index(b"],", _BODY) + 1
    while True:
        try:  # a name may hold the bracket too
            source, sweep, data, settings, status = json.loads(line[_BODY:end].decode("utf-8", "surrogatepass"))
        except json.JSONDecodeError:
            end = line.index(b"],", end) + 1
            continue
        except TypeError as error:
            raise ValueError("not a record") from error
        return Key(source, sweep, data, settings), status


class Place(NamedTuple):
    """Position of a record in the store."""

    path: Path
    start: int
    length: int
    status: str


class Store:
    """Records by key, in a folder with a file for each run that has written to it.

    Records stay on disk; only their positions are held in memory.

    Parameters
    ----------
    folder : Path
        Created with the first record.
    writer : str
        Name of this run, and of its file.
    ignored : collection of str
        Names of runs whose records do not count.

    Examples
    --------
    >>> store = Store(Path("no such folder"))
    >>> len(store), store.get(Key("a.csv", 1, "", ""))
    (0, None)
    """

    def __init__(self, folder: Path, writer: str = "this", ignored: Collection[str] = ()) -> None:
        self.folder = folder
        self.path = folder / f"{writer}.jsonl"
        self._ignored = frozenset(ignored)
        self._places: dict[Key, Place] = {}
        self._read: dict[Path, int] = {}  # bytes indexed so far
        self._file: BinaryIO | None = None
        self._synced = time.monotonic()
        self._torn = False  # a write of this run failed halfway
        self.refresh()

    def refresh(self) -> None:
        """Take in what other runs have appended since, apart from lines that are not complete yet."""
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stem not in self._ignored and (path != self.path or self._file is None):
                self._index(path)

    def _index(self, path: Path) -> None:
        start = self._read.get(path, 0)
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):  # still being written, or torn by a crash
                    break
                try:
                    key, status = _head(line)
                    self._places[key] = Place(path, start, len(line), status)
                except ValueError:
                    pass  # damaged: its sweep is computed again
                start += len(line)
        self._read[path] = start

    def append(self, record: Record) -> None:
        """Add a record to the file of this run; it reaches the disk within seconds, see :meth:`sync`."""
        self.append_line(record.to_line())

    def append_line(self, line: bytes) -> Key:
        """Add a line made by :meth:`Record.to_line`, and return its key."""
        key, status = _head(line)
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            self._torn = self._file.tell() > 0 and not self._ends_well()
        data = b"\n" + line if self._torn else line
        self._torn = True
        written = 0
        while written < len(data):  # a full disk takes a part and raises at the next
            written += self._file.write(data[written:]) or 0
        self._torn = False
        self._places[key] = Place(self.path, self._file.tell() - len(line), len(line), status)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self.sync()
        return key

    def _ends_well(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def sync(self) -> None:
        """Wait until the records of this run are on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        """Close the file of this run."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None
            self._read[self.path] = self.path.stat().st_size

    def get(self, key: Key) -> Record | None:
        """Return the record of a key; None if there is none, or if it has been damaged since."""
        at = self._places.get(key)
        if at is None:
            return None
        try:
            with at.path.open("rb") as file:
                file.seek(at.start)
                return Record.from_line(file.read(at.length))
        except (ValueError, FileNotFoundError):
            del self._places[key]
            return None

    def status(self, key: Key) -> str | None:
        """Return the status of a record, None if there is none."""
        at = self._places.get(key)
        return None if at is None else at.status

    def writers(self) -> list[str]:
        """Return the names of all runs that have a file, in their order."""
        return sorted(path.stem for path in self.folder.glob("*.jsonl"))

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._places))

    def __len__(self) -> int:
        return len(self._places)


class LostRecordError(Exception):
    """A record that was in the store when the run began cannot be read any more."""


class Records(Sequence[Record]):
    """Records in the order of source and sweep, read from the store one at a time.

    Parameters
    ----------
    store : Store
        Holds the records of ``keys``.
    keys : iterable of Key
        Of computed sweeps.
    others : iterable of Record
        Records that are not in the store: unreadable files and sweeps left out.
    """

    def __init__(self, store: Store, keys: Iterable[Key], others: Iterable[Record] = ()) -> None:
        self._store = store
        self._others = {record.key: record for record in others}
        self.keys = tuple(sorted({*keys, *self._others}))

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return list(map(self.of, self.keys[index]))
        return self.of(self.keys[index])

    def of(self, key: Key) -> Record:
        """Return the record of a key.

        Raises
        ------
        LostRecordError
            If it has been damaged since the run began.
        """
        record = self._others.get(key) or self._store.get(key)
        if record is None:
            raise LostRecordError(key.source)
        return record

    def statuses(self) -> Iterator[str]:
        """Yield the status of each record, without reading it."""
        for key in self.keys:
            yield self._others[key].status if key in self._others else self._store.status(key) or "failed"

    def __iter__(self) -> Iterator[Record]:
        return map(self.of, self.keys)

    def __len__(self) -> int:
        return len(self.keys)
