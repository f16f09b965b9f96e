"""The resumable store of a batch: what was computed for each sweep, in one append-only file."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

Row = tuple[Any, ...]


class Key(NamedTuple):
    """What a record depends on; a changed input or setting is another key."""

    source: str
    sweep: int
    data: str  # hash of points and metadata
    settings: str  # hash of circuit, weighting, bounds and version


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that one sweep adds to a table; None is a missing value."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, *rows: Mapping[str, Any]) -> "Rows":
        """Return the rows of mappings with the same columns."""
        return cls(tuple(rows[0]) if rows else (), tuple(tuple(row.values()) for row in rows))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Record:
    """All that the tables hold of one sweep."""

    key: Key
    status: str  # ok | poor_model | failed
    tables: Mapping[str, Rows] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the record as one line of JSON."""
        tables = {name: {"columns": rows.columns, "rows": rows.rows} for name, rows in self.tables.items()}
        record = {**self.key._asdict(), "status": self.status, "tables": tables}
        return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> "Record":
        """Return the record that :meth:`to_json` wrote.

        Raises
        ------
        ValueError, KeyError, TypeError
            If the line is none.
        """
        values = json.loads(line)
        tables = {
            name: Rows(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
            for name, table in values["tables"].items()
        }
        return cls(Key(*(values[name] for name in Key._fields)), values["status"], tables)


class Store:
    """Records by key, kept in a file of JSON lines; a folder that has one is resumed.

    Every record is on disk when :meth:`append` returns. A line that is cut short, as a crash leaves it, is
    no record: its sweep is computed again.

    Parameters
    ----------
    path : Path
        The file; it is made when the first record comes.

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
        if lines[-1]:  # cut short: away with it, before the next record is written behind it
            with self.path.open("r+b") as file:
                file.truncate(self.path.stat().st_size - len(lines[-1]))
        for line in lines[:-1]:
            try:
                record = Record.from_json(line.decode("utf-8"))
            except (ValueError, KeyError, TypeError):
                continue
            self._records[record.key] = record

    def append(self, record: Record) -> None:
        """Add a record, on disk too."""
        with self.path.open("ab") as file:
            file.write(record.to_json().encode("utf-8") + b"\n")
        self._records[record.key] = record

    def clear(self) -> None:
        """Forget every record."""
        self.path.unlink(missing_ok=True)
        self._records.clear()

    def get(self, key: Key) -> Record | None:
        """Return the record of a key, or None."""
        return self._records.get(key)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())
