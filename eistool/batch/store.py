"""Resumable store of a batch: one record per sweep, in an append-only file."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from eistool.batch.files import writing
from eistool.spectrum import Spectrum
from eistool.tables import Rows, Table
from eistool.tables.table import Row
from eistool.typing import JSON


class Key(NamedTuple):
    """Source of a record, and hashes of its inputs and settings."""

    source: str
    sweep: int
    data: str  # hash of points and metadata
    settings: str  # hash of circuit, weighting, bounds and version


def key_of(spectrum: Spectrum, settings: JSON) -> Key:
    """Return the key of a result, from points, metadata and settings."""
    data = [spectrum.digest, spectrum.metadata.to_dict(), spectrum.mask_reason, spectrum.notes]
    return Key(*place(spectrum), digest(data), digest(settings))


def place(spectrum: Spectrum) -> tuple[str, int]:
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

    def to_json(self) -> str:
        """Return the record as one line of JSON."""
        tables = {name: {"columns": rows.columns, "rows": rows.rows} for name, rows in self.tables.items()}
        record = {**self.key._asdict(), "status": self.status, "tables": tables}
        return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> "Record":
        """Return the record of a line written by :meth:`to_json`.

        Raises
        ------
        ValueError, KeyError, TypeError
            If the line is not a record.
        """
        values = json.loads(line)
        tables = {
            name: Rows(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
            for name, table in values["tables"].items()
        }
        return cls(Key(*(values[name] for name in Key._fields)), values["status"], tables)


class Store:
    """Records by key, stored in a file of JSON lines.

    Every record is on disk when :meth:`append` returns. A line truncated by a crash is skipped and its sweep
    recomputed.

    Parameters
    ----------
    path : Path
        Created with the first record.

    Examples
    --------
    >>> store = Store(Path("no such folder") / "records.jsonl")
    >>> len(store), store.get(Key("a.csv", 1, "", ""))
    (0, None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[Key, Record] = {}
        if path.exists():
            self._load()

    def _load(self) -> None:
        lines = self.path.read_bytes().split(b"\n")
        if lines[-1]:  # truncated: removed before the next record is appended
            with self.path.open("r+b") as file:
                file.truncate(self.path.stat().st_size - len(lines[-1]))
        for line in lines[:-1]:
            try:
                record = Record.from_json(line.decode("utf-8"))
            except (ValueError, KeyError, TypeError):
                continue
            self._records[record.key] = record

    def append(self, record: Record) -> None:
        """Add a record, in memory and on disk."""
        line = record.to_json().encode("utf-8", errors="replace") + b"\n"
        with writing(self.path), self.path.open("ab") as file:
            file.write(line)
        self._records[record.key] = record

    def clear(self) -> None:
        """Remove all records."""
        self.path.unlink(missing_ok=True)
        self._records.clear()

    def get(self, key: Key) -> Record | None:
        """Return the record of a key, or None."""
        return self._records.get(key)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())


def collect(table: Table[Any], records: Iterable[Record]) -> Rows:
    """Return one table of all records, sorted by source and sweep, with the union of their columns."""
    ordered = sorted(records, key=lambda record: record.key)
    parts = [(record.key, record.tables[table.name]) for record in ordered if table.name in record.tables]
    extra = (column for _, part in parts for column in part.columns)
    columns = tuple(dict.fromkeys((*table.names, *extra)))
    rows: list[Row] = []
    for key, part in parts:
        # an unreadable file has no sweep
        row_key = {"source": key.source, "sweep": key.sweep or None}
        rows += [tuple((row_key | row).get(column) for column in columns) for row in part]
    return Rows(columns, tuple(rows))
