"""Tables with one spectrum per row: lists in cells, one column per frequency, or pairs of Re and Im.

Frequencies that are missing, or rounded in the header, come from a second file: for ``data_cells.csv`` or
``Z_cells.csv`` this is ``freq_cells.csv`` in the same folder, with one frequency per line.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.content import FileContent
from eistool.readers.filename import metadata_from_filename
from eistool.readers.notes import WARNING
from eistool.readers.tables.columns import Column, parse_column, parse_columns
from eistool.readers.tables.impedance_table import MIN_ROWS, spectra_of
from eistool.readers.tables.numbers import is_number, parse_datetime, parse_number
from eistool.readers.tables.table import Table, one_style
from eistool.readers.tables.torn import intact_rows
from eistool.readers.tables.units import PREFIXES
from eistool.spectrum import Spectrum
from eistool.spectrum.metadata import ABSOLUTE_ZERO_C
from eistool.typing import FloatArray, IntArray

SUFFIXES = (".csv", ".txt", ".tsv", ".dat")

_MOST_SPECTRA = 50_000
_LONGEST_LINE = 1_000_000  # characters; longer lines are omitted
_LIST = re.compile(r"\[\s*[-+]?\d[^\[\]]{0,200000}\]")
_SEPARATOR = re.compile(r"[\s,;]+")
_TORN_LIST = re.compile(r"\s*[\[(][^\])]*")
_AT_FREQUENCY = re.compile(r"(.{1,60}?)[\s_@(]*(\d[\d.]*(?:e[-+]?\d+)?)\s*([kMm]?)Hz\)?", re.IGNORECASE)
_MOST_COLUMNS = 10_000
_IMPEDANCE = ("real", "imag", "modulus", "phase")
_FEWEST_COLUMNS = 6
_ROUNDING = 0.06  # relative: two digits, at worst 1.05 rounded to 1.1
_SAMPLE_NAMES = ("sampleid", "sample", "experimentid", "experimentident", "cell", "cellid", "name")
_SAMPLE_INDICES = ("seriesidx", "seriesindex", "series", "cellno", "cellnumber", "cellindex", "samplenumber")
_SMOOTHER = 2.0  # ratio of the roughness of Z in the two possible orders


_Convert = Callable[[str], object]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    line: int
    columns: list[Column]
    values: dict[int, FloatArray]  # by column index, shape (n_freq,)
    metadata: dict[str, object]


def partner_of(path: Path) -> Path | None:
    """Return the file with the frequencies of a table, None if it does not exist.

    Examples
    --------
    >>> partner_of(Path("no/such/folder/Z_cells.csv")) is None
    True
    """
    first, underscore, rest = path.stem.partition("_")
    if not underscore or first.lower() == "freq":
        return None
    partner = path.with_name(f"freq_{rest}{path.suffix}")
    return partner if partner.is_file() and _lists_frequencies(partner) else None


def _lists_frequencies(path: Path) -> bool:
    """Return whether a file has nothing but one number per line."""
    try:
        content = FileContent.open(path)
        numbers = [line.strip() for line in content.lines if line.strip()] if content.is_text else []
    except ReaderError:
        return False
    return len(numbers) > 1 and all(map(is_number, numbers))


def served_by(path: Path) -> Path | None:
    """Return the table that belongs to a file of frequencies ``freq_*``, None for other files."""
    first, underscore, rest = path.stem.partition("_")
    if first.lower() != "freq" or not underscore or not rest or not _lists_frequencies(path):
        return None
    tables = sorted(p for p in path.parent.glob(f"*{path.suffix}") if p.stem.endswith(f"_{rest}") and p != path)
    return next((p for p in tables if partner_of(p) == path), None)


def identify(content: FileContent) -> bool:
    """Return whether cells hold lists, headers hold frequencies, or a file of frequencies exists."""
    if not content.is_text:
        return False
    head = [line for line in content.first_lines[:20] if line.strip()][:2]
    if len(head) < 2 or max(map(len, head)) > _LONGEST_LINE:
        return False
    if len(_LIST.findall(head[1])) >= 2 and _list_columns(head[0]):
        return True
    if len(_frequency_columns(_cells(head[0]))) >= _FEWEST_COLUMNS:
        return True
    return partner_of(content.path) is not None and len(_numbers(head[0])) >= _FEWEST_COLUMNS


def load(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per row; rows with another number of points are omitted.

    Raises
    ------
    ReaderError
        If no row is a spectrum, or the file of frequencies does not match the columns.
    """
    lines = [(i, line) for i, line in enumerate(content.lines, start=1) if 0 < len(line.strip()) <= _LONGEST_LINE]
    lines = lines[: _MOST_SPECTRA + 1]
    notes: list[str] = []
    if len(_LIST.findall(lines[1][1])) >= 2 and _list_columns(lines[0][1]):
        rows = _rows_of_lists(content, lines, notes)
    elif _frequency_columns(_cells(lines[0][1])):
        rows = _rows_by_frequency(content, lines, notes)
    else:
        rows = _rows_of_pairs(content, lines, notes)
    if not rows:
        raise content.error(
            "no row with as many impedances as frequencies; expected at least three of each", lines[1][0]
        )
    return _spectra(content, rows, notes)


def _spectra(content: FileContent, rows: Sequence[_Row], notes: list[str]) -> list[Spectrum]:
    """Return the spectra of all rows, read as one table and therefore with one sign of Im."""
    columns = [*rows[0].columns, Column(len(rows[0].columns), "row", "cycle")]
    sizes = [next(iter(row.values.values())).size for row in rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    values = {i: np.concatenate([row.values[i] for row in rows]) for i in rows[0].values}
    table = Table(columns, values | {columns[-1].index: owner.astype(np.float64)})

    def describe(points: IntArray) -> dict[str, object]:
        return rows[int(owner[points[0]])].metadata

    return spectra_of(table, lambda message: content.error(message, rows[0].line), describe=describe, notes=notes)


def _rows_of_lists(content: FileContent, lines: list[tuple[int, str]], notes: list[str]) -> list[_Row]:
    delimiter = _list_columns(lines[0][1])
    names = _split(lines[0][1], delimiter)
    # lists of an unknown quantity, and second lists of a known one, are not points
    columns = [c if c.quantity != "cycle" else Column(c.index, c.header, "") for c in parse_columns(names)]
    fields = _metadata_columns(content, names)
    rows: list[_Row] = []
    for line, text in lines[1:]:
        cells = _split(text, delimiter)
        lists = {c.index: _list(cells[c.index]) for c in columns if c.quantity and c.index < len(cells)}
        n = max((array.size for array in lists.values()), default=0)
        values = {i: array for i, array in lists.items() if array.size > 1}
        if any(_TORN_LIST.fullmatch(cell) for cell in cells) or len(cells) > len(names):
            reason = f"has {len(cells)} cells instead of {len(names)}, or ends within a list"
            notes.append(f"{WARNING}line {line} {reason}: left out")
            continue
        if n >= MIN_ROWS and all(array.size == n for array in values.values()):
            rows.append(_Row(line, columns, values, _metadata(fields, cells)))
    kept = [row for row in rows if row.values.keys() == rows[0].values.keys()]
    if rows and not any(columns[i].quantity in ("frequency", "omega") for i in rows[0].values):
        raise content.error("no list of frequencies among the columns " + ", ".join(names[:8]), lines[0][0])
    return kept


def _list(cell: str) -> FloatArray:
    return np.array(
        [parse_number(x) for x in _SEPARATOR.split(cell.strip().strip("[]() ")) if x], dtype=np.float64
    )


def _rows_by_frequency(content: FileContent, lines: list[tuple[int, str]], notes: list[str]) -> list[_Row]:
    delimiter = _delimiter(lines[0][1])
    names = _split(lines[0][1], delimiter)
    at_frequency = _frequency_columns(names)
    quantities = dict.fromkeys(quantity for quantity, _, _ in at_frequency)
    by_quantity = {q: [(i, f) for quantity, i, f in at_frequency if quantity == q] for q in quantities}
    frequencies = {tuple(f for _, f in pairs) for pairs in by_quantity.values()}
    if len(frequencies) != 1:
        raise content.error(
            "the columns of Re and Im have different frequencies; expected the same in both", lines[0][0]
        )
    frequency = _exact(content, np.array(frequencies.pop()), notes)
    header = {q: names[pairs[0][0]] for q, pairs in by_quantity.items()}
    columns = [Column(0, "frequency", "frequency")]
    for q in quantities:
        prefix = _AT_FREQUENCY.fullmatch(header[q].strip())
        assert prefix is not None  # noqa: S101  # it matched before
        columns.append(parse_column(prefix[1], len(columns)))
    fields = _metadata_columns(content, names)
    table = [(line, _split(text, delimiter)) for line, text in lines[1:]]
    intact = intact_rows(table, len(names), ended=content.ended or len(lines) < len(content.lines))
    notes += intact.warnings
    used = [i for pairs in by_quantity.values() for i, _ in pairs]
    kept = [(line, cells) for line, cells in intact.rows if len(cells) == len(names)]
    style = one_style([cells[i] for _, cells in kept for i in used])
    rows = []
    for line, cells in kept:
        parts = [style.parse_all([cells[i] for i, _ in by_quantity[q]]) for q in quantities]
        values = {0: frequency} | dict(enumerate(parts, start=1))
        rows.append(_Row(line, columns, values, _metadata(fields, cells)))
    return rows


def _rows_of_pairs(content: FileContent, lines: list[tuple[int, str]], notes: list[str]) -> list[_Row]:
    partner = partner_of(content.path)
    if partner is None:
        raise content.error(
            f"rows of numbers without frequencies; expected a header, or a file freq_*{content.path.suffix}"
        )
    frequency = _frequencies(partner)
    cells = [(line, _SEPARATOR.split(text.strip())) for line, text in lines]
    intact = intact_rows(cells, ended=content.ended)
    style = one_style([cell for _, row in intact.rows for cell in row])
    rows = [(line, style.parse_all(row)) for line, row in intact.rows]
    notes += intact.warnings
    if not rows:
        return []
    wrong = next(((line, row.size) for line, row in rows if row.size != 2 * frequency.size), None)
    if wrong is not None:
        raise content.error(
            f"{wrong[1]} numbers; expected {2 * frequency.size}, twice the frequencies in {partner.name}",
            wrong[0],
        )
    pairs = _order(np.array([row for _, row in rows]), frequency)
    if pairs is None:
        raise content.error(
            "ambiguous order: Re and Im may alternate or follow each other; add a header",
            rows[0][0],
        )
    z, order = pairs
    notes += [f"frequencies from {partner.name}", f"no header: numbers read as {order}"]
    columns = [Column(k, name, name) for k, name in enumerate(("frequency", "real", "imag"))]
    return [
        _Row(line, columns, {0: frequency, 1: z.real[k], 2: z.imag[k]}, {}) for k, (line, _) in enumerate(rows)
    ]


def _order(numbers: np.ndarray, frequency: FloatArray) -> tuple[np.ndarray, str] | None:
    """Return Z in the smoother of the two possible orders of pairs, None if they are similar."""
    half = numbers.shape[1] // 2
    orders = {
        "alternating Re and Im": numbers[:, 0::2] + 1j * numbers[:, 1::2],
        "all Re, then all Im": numbers[:, :half] + 1j * numbers[:, half:],
    }
    by_frequency = np.argsort(frequency)
    rough = {name: float(np.sum(np.abs(np.diff(z[:, by_frequency], axis=1)))) for name, z in orders.items()}
    best, other = sorted(rough, key=lambda name: rough[name])
    return (orders[best], best) if rough[other] > _SMOOTHER * rough[best] else None


def _exact(content: FileContent, rounded: FloatArray, notes: list[str]) -> FloatArray:
    partner = partner_of(content.path)
    if partner is None:
        notes.append("frequencies as rounded in the header")
        return rounded
    frequency = _frequencies(partner)
    if frequency.size != rounded.size or not np.allclose(frequency, rounded, rtol=_ROUNDING):
        raise content.error(
            f"the frequencies in {partner.name} differ from the header by more than rounding; expected the same"
        )
    notes.append(f"frequencies from {partner.name}; those in the header are rounded")
    return frequency


def _frequencies(partner: Path) -> FloatArray:
    content = FileContent.open(partner)
    lines = [(i, line.strip()) for i, line in enumerate(content.lines, start=1) if line.strip()]
    style = one_style([line for _, line in lines])
    numbers = [style.parse(line) for _, line in lines]
    wrong = next(((i, line) for (i, line), f in zip(lines, numbers, strict=True) if not 0 < f < 1e15), None)
    if wrong is not None:
        raise content.error(f"{wrong[1][:40]!r}; expected one frequency above 0 per line", wrong[0])
    return np.array(numbers, dtype=np.float64)


def _frequency_columns(names: Sequence[str]) -> list[tuple[str, int, float]]:
    """Return quantity, index and frequency of the columns with a frequency in their name."""
    found = []
    for i, name in enumerate(names[:_MOST_COLUMNS]):
        match = _AT_FREQUENCY.fullmatch(name.strip()[:100])
        quantity = parse_column(match[1], i).quantity if match else ""
        if match and quantity in _IMPEDANCE:
            found.append((quantity, i, parse_number(match[2]) * PREFIXES[match[3]]))
    return found


def _list_columns(header: str) -> str:
    """Return the delimiter that yields a frequency and an impedance in the header, empty if none does."""
    for delimiter in (";", "\t", ","):
        known = {c.quantity for c in parse_columns(_split(header, delimiter))}
        if known & {"frequency", "omega"} and len(known & set(_IMPEDANCE)) >= 2:
            return delimiter
    return ""


def _metadata_columns(content: FileContent, names: Sequence[str]) -> dict[int, tuple[str, _Convert]]:
    """Return the metadata field of each column that describes a row, and the conversion of its cells."""
    fields: dict[int, tuple[str, _Convert]] = {}
    for i, name in enumerate(names):
        word = re.sub(r"[\s_.-]", "", name[:100].lower())
        column = parse_column(name, i)
        if word in _SAMPLE_NAMES:
            fields[i] = ("sample_id", lambda text: text[:100] or None)
        elif word in _SAMPLE_INDICES:
            file = metadata_from_filename(content.path.name).values.get("sample_id", "")
            fields[i] = ("sample_id", partial(_indexed, f"{file} {name.strip()[:100]}".strip()))
        elif word in ("cycle", "cyclenumber"):
            fields[i] = ("cycle", partial(_scaled, 1.0, 0.0))
        elif column.quantity == "temperature":
            offset = ABSOLUTE_ZERO_C if column.unit == "K" else 0.0
            fields[i] = ("temperature_C", partial(_scaled, 1.0, offset))
        elif column.quantity == "time" and column.unit:
            fields[i] = ("time_h", partial(_scaled, column.scale / 3600, 0.0))
        elif column.quantity == "date":
            fields[i] = ("started_at", parse_datetime)
    return fields


def _indexed(name: str, text: str) -> str | None:
    """Return a sample of a file, for instance ``aging cell 3``; a number alone is not unique."""
    return f"{name} {text[:100]}" if text else None


def _scaled(scale: float, offset: float, text: str) -> float | None:
    value = parse_number(text) * scale + offset
    return round(value, 6) if np.isfinite(value) and value >= ABSOLUTE_ZERO_C else None


def _metadata(fields: dict[int, tuple[str, _Convert]], cells: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for i, (field, convert) in fields.items():
        value = convert(cells[i].strip()) if i < len(cells) else None
        if value is not None or field == "sample_id":
            values.setdefault(field, value)
    return values


def _delimiter(line: str) -> str:
    return max(";\t,", key=line.count)


def _cells(line: str) -> list[str]:
    return _split(line, _delimiter(line))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter or ","), [])
    except csv.Error:  # a cell longer than the csv module accepts
        return []


def _numbers(line: str) -> list[float]:
    numbers = [parse_number(x) for x in _SEPARATOR.split(line.strip()) if x]
    return numbers if np.isfinite(numbers).all() else []
