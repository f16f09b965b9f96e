"""Tables of a result folder, streamed from the records so that memory does not grow with them."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

from eistool.batch.store import Record
from eistool.tables import Table
from eistool.tables.table import Row, csv_lines


def write_record_tables(folder: Path, tables: Sequence[Table[Any]], records: Sequence[Record]) -> None:
    """Write all tables of records, in the order of source and sweep, with the union of their columns.

    Parameters
    ----------
    folder : Path
        Folder of the files.
    tables : sequence of Table
        Tables to write.
    records : sequence of Record
        Of all sweeps; they are read twice.
    """
    columns: dict[str, dict[str, None]] = {table.name: dict.fromkeys(table.names) for table in tables}
    for record in records:
        for name, known in columns.items():
            if name in record.tables:
                known.update(dict.fromkeys(record.tables[name].columns))
    with ExitStack() as stack:
        files = {}
        for name, known in columns.items():
            files[name] = stack.enter_context((folder / f"{name}.csv").open("wb"))
            files[name].write(csv_lines([known]))
        for record in records:
            for name, file in files.items():
                if name in record.tables:
                    file.write(csv_lines(_arranged(record, name, tuple(columns[name]))))


def _arranged(record: Record, name: str, columns: tuple[str, ...]) -> list[list[Any]]:
    """Return the rows of a record with the columns of all records."""
    rows = record.tables[name]
    # an unreadable file has no sweep
    first: Row = (record.key.source, record.key.sweep or None, None)
    places = _places(rows.columns, columns)
    return [[(first + row)[place] for place in places] for row in rows.rows]


@lru_cache(maxsize=256)
def _places(given: tuple[str, ...], columns: tuple[str, ...]) -> tuple[int, ...]:
    """Return the place of each column in a row after source, sweep and an empty cell."""
    known = {"source": 0, "sweep": 1} | {name: number for number, name in enumerate(given, start=3)}
    return tuple(known.get(column, 2) for column in columns)
