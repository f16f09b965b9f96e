"""Tables with described columns, and CSV output."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from eistool.escaping import defuse

T = TypeVar("T")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table; None is a missing value."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, *rows: Mapping[str, Any]) -> "Rows":
        """Return the rows given by mappings with the same columns."""
        return cls(tuple(rows[0]) if rows else (), tuple(tuple(row.values()) for row in rows))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def read(self, kind: type[T], **given: object) -> list[T]:
        """Return the rows as objects of a dataclass whose fields are columns.

        Parameters
        ----------
        kind : type
            Dataclass; columns without a field are skipped.
        **given
            Fields with the same value in all rows; they replace columns.
        """
        names = {one.name for one in fields(kind)} & {*self.columns} - given.keys()  # type: ignore[arg-type]
        return [kind(**{name: row[name] for name in names}, **given) for row in self]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table.

    Parameters
    ----------
    name : str
        Heading, with the unit.
    unit : str
        Empty for text, counts and ratios.
    description : str
        For the reference in ``docs/results.md``.
    value : callable, optional
        Function that returns the cell of a result; by default the attribute ``name``.
    """

    name: str
    unit: str
    description: str
    value: Callable[[T], object] | None = None


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Table of the result folder.

    Parameters
    ----------
    name : str
        File name without ``.csv``.
    row_per : str
        Object described by a row.
    columns : tuple of Column
        Columns in the order of the file.
    more : str
        Description of columns that depend on the results.

    Examples
    --------
    >>> table = Table("pair", "number", (Column("real", "ohm", "Re"), Column("twice", "", "", lambda z: 2 * z)))
    >>> table.row(1.5)
    {'real': 1.5, 'twice': 3.0}
    >>> table.row(None, twice=2)
    {'real': None, 'twice': 2}
    """

    name: str
    row_per: str
    columns: tuple[Column[T], ...]
    more: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Headings in the order of the file."""
        return tuple(column.name for column in self.columns)

    def row(self, result: T | None, **given: object) -> dict[str, Any]:
        """Return the row of a result.

        Parameters
        ----------
        result : object or None
            If None, cells that are not given are empty.
        **given
            Further cells. ``source`` and ``sweep``, if not given, are left to the record.
        """
        cells = {}
        for column in self.columns:
            if column.name in given:
                cells[column.name] = cell(given[column.name])
            elif column.name not in KEY:
                cells[column.name] = None if result is None else cell(_value(column, result))
        return cells

    def rows(self, results: Iterable[T], **given: object) -> Rows:
        """Return the rows of results, see :meth:`row`."""
        return Rows.of(*(self.row(result, **given) for result in results))

    def points(self, result: T, **given: Iterable[object]) -> Rows:
        """Return a row for each point of a result whose columns are arrays; ``given`` replaces columns."""
        columns = [column for column in self.columns if column.name not in KEY]
        arrays = (given[c.name] if c.name in given else _value(c, result) for c in columns)
        cells = ([cell(value) for value in array] for array in arrays)
        return Rows(tuple(column.name for column in columns), tuple(zip(*cells, strict=True)))

    def table(self, results: Iterable[T]) -> Rows:
        """Return the table of results that have all columns as attributes, including the key."""
        return self.fill({name: getattr(result, name) for name in self.names} for result in results)

    def fill(self, rows: Iterable[Mapping[str, Any]]) -> Rows:
        """Return mappings as rows of the table; absent cells are empty."""
        return Rows(self.names, tuple(tuple(cell(row.get(name)) for name in self.names) for row in rows))


def _value(column: Column[T], result: T) -> Any:
    return getattr(result, column.name) if column.value is None else column.value(result)


def described(unit: str, description: str) -> Any:
    """Return a field of a dataclass that is a column; None is a missing value."""
    return field(default=None, metadata={"unit": unit, "description": description})


def columns_of(kind: type[T]) -> tuple[Column[T], ...]:
    """Return the columns of a dataclass with fields made by :func:`described`."""
    return tuple(Column(one.name, **one.metadata) for one in fields(kind) if one.metadata)  # type: ignore[arg-type]


KEY = ("source", "sweep")
KEY_COLUMNS: tuple[Column[Any], ...] = (
    Column("source", "", "path relative to the input folder"),
    Column("sweep", "", "number of the sweep in its file, from 1"),
)


def cell(value: Any) -> Any:
    """Return a value as a cell: None for empty text and for numbers that are not finite.

    Examples
    --------
    >>> cell(2.0), cell(math.nan), cell("")
    (2.0, None, None)
    """
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return None if isinstance(value, str) and not value else value


def to_csv(table: Rows) -> bytes:
    r"""Return a table as CSV: UTF-8, comma, decimal point, one header line.

    A missing value is an empty cell; floats have the shortest representation that round-trips. A text that a
    spreadsheet would take for a formula starts with ``'``.

    Examples
    --------
    >>> to_csv(Rows(("a", "b"), ((0.1, None), (True, "x, y")))).decode()
    'a,b\n0.1,\ntrue,"x, y"\n'
    """
    return csv_lines([table.columns, *table.rows])


def csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows as lines of a table, see :func:`to_csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_text(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return defuse(value) if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
