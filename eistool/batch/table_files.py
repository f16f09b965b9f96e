"""Tables of a result folder, streamed from the records so that memory does not grow with them."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from eistool.batch.store import Record
from eistool.tables import Rows, Table, to_csv


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
        files = {name: stack.enter_context((folder / f"{name}.csv").open("wb")) for name in columns}
        for name, file in files.items():
            file.write(to_csv(Rows(tuple(columns[name]), ())))
        for record in records:
            for name, file in files.items():
                if name in record.tables:
                    file.write(_lines(record, name, tuple(columns[name])))


def _lines(record: Record, name: str, columns: tuple[str, ...]) -> bytes:
    # an unreadable file has no sweep
    key = {"source": record.key.source, "sweep": record.key.sweep or None}
    rows = tuple(tuple((key | row).get(column) for column in columns) for row in record.tables[name])
    _, _, body = to_csv(Rows(columns, rows)).partition(b"\n")
    return body
