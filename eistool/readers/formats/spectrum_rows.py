"""Tables with a spectrum in each row: lists in the cells, a column for each frequency, or pairs of Re and Im.

Frequencies that such a table leaves out, or rounds in its header, are taken from its partner: beside
``data_cells.csv`` or ``Z_cells.csv`` that is ``freq_cells.csv``, one frequency in a line.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.tables.columns import Column, parse_column, parse_columns
from eistool.readers.tables.impedance_table import MIN_ROWS, spectra_of
from eistool.readers.tables.numbers import parse_number, parse_number_any
from eistool.readers.tables.table import KELVIN, Table
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray, IntArray

SUFFIXES = (".csv", ".txt", ".tsv", ".dat")

_MOST_SPECTRA = 50_000
_LONGEST_LINE = 1_000_000  # characters; no row is longer
_LIST = re.compile(r"\[\s*[-+]?\d[^\[\]]{0,200000}\]")
_AT_FREQUENCY = re.compile(r"(.{1,60}?)[\s_@(]*(\d[\d.]*(?:e[-+]?\d+)?)\s*([kMm]?)Hz\)?", re.IGNORECASE)
_PREFIX = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "m": 1e-3}
_MOST_COLUMNS = 10_000
_IMPEDANCE = ("real", "imag", "modulus", "phase")
_FEWEST_COLUMNS = 6
_ROUNDING = 0.06  # a frequency with one significant digit and a half
_SAMPLE_NAMES = ("sampleid", "sample", "experimentid", "experimentident", "cell", "cellid", "name")
_SMOOTHER = 2.0  # times, before an order of pairs counts as found


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    line: int
    columns: list[Column]
    values: dict[int, FloatArray]  # of the columns, each with a number for every frequency
    facts: dict[str, object]


def partner_of(path: Path) -> Path | None:
    """Return the file with the frequencies of a table, None if there is none.

    Examples
    --------
    >>> partner_of(Path("no/such/folder/Z_cells.csv")) is None
    True
    """
    first, underscore, rest = path.stem.partition("_")
    if not underscore or first.lower() == "freq":
        return None
    partner = path.with_name(f"freq_{rest}{path.suffix}")
    return partner if partner.is_file() else None


def served_by(path: Path) -> Path | None:
    """Return a table whose frequencies a file ``freq_*`` holds, None if it is no such file."""
    first, underscore, rest = path.stem.partition("_")
    if first.lower() != "freq" or not underscore or not rest:
        return None
    beside = sorted(p for p in path.parent.glob(f"*{path.suffix}") if p.stem.endswith(f"_{rest}") and p != path)
    return next((p for p in beside if partner_of(p) == path), None)


def identify(content: FileContent) -> bool:
    """Return whether the cells below the header hold lists, its names frequencies, or a partner has them."""
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
    """Return a spectrum per row; rows with another number of points are left out.

    Raises
    ------
    ReaderError
        If no row is a spectrum, or the partner's frequencies do not fit the columns.
    """
    lines = [(i, line) for i, line in enumerate(content.lines, start=1) if 0 < len(line.strip()) <= _LONGEST_LINE]
    lines = lines[: _MOST_SPECTRA + 1]
    notes: list[str] = []
    if len(_LIST.findall(lines[1][1])) >= 2 and _list_columns(lines[0][1]):
        rows = _rows_of_lists(content, lines)
    elif _frequency_columns(_cells(lines[0][1])):
        rows = _rows_by_frequency(content, lines, notes)
    else:
        rows = _rows_of_pairs(content, lines, notes)
    if not rows:
        raise content.error("no row has as many impedances as frequencies, at least three of each", lines[1][0])
    return _spectra(content, rows, notes)


def _spectra(content: FileContent, rows: Sequence[_Row], notes: list[str]) -> list[Spectrum]:
    """Return the spectra of all rows, read as one table so that one sign holds for all of them."""
    columns = [*rows[0].columns, Column(len(rows[0].columns), "row", "cycle")]
    sizes = [next(iter(row.values.values())).size for row in rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    values = {i: np.concatenate([row.values[i] for row in rows]) for i in rows[0].values}
    table = Table(columns, values | {columns[-1].index: owner.astype(np.float64)})

    def describe(points: IntArray) -> dict[str, object]:
        return rows[int(owner[points[0]])].facts

    return spectra_of(table, lambda message: content.error(message, rows[0].line), describe=describe, notes=notes)


def _rows_of_lists(content: FileContent, lines: list[tuple[int, str]]) -> list[_Row]:
    delimiter = _list_columns(lines[0][1])
    names = _split(lines[0][1], delimiter)
    # a column of lists without a quantity, or a second of one, says nothing about the points
    columns = [c if c.quantity != "cycle" else Column(c.index, c.header, "") for c in parse_columns(names)]
    facts = _fact_columns(names)
    rows: list[_Row] = []
    for line, text in lines[1:]:
        cells = _split(text, delimiter)
        lists = {c.index: _list(cells[c.index]) for c in columns if c.quantity and c.index < len(cells)}
        n = max((array.size for array in lists.values()), default=0)
        values = {i: array for i, array in lists.items() if array.size > 1}
        if n >= MIN_ROWS and all(array.size == n for array in values.values()):
            rows.append(_Row(line, columns, values, _facts(facts, cells)))
    kept = [row for row in rows if row.values.keys() == rows[0].values.keys()]
    if rows and not any(columns[i].quantity in ("frequency", "omega") for i in rows[0].values):
        raise content.error("no list of frequencies among the columns " + ", ".join(names[:8]), lines[0][0])
    return kept


def _list(cell: str) -> FloatArray:
    return np.array(
        [parse_number(x) for x in re.split(r"[\s,;]+", cell.strip().strip("[]() ")) if x], dtype=np.float64
    )


def _rows_by_frequency(content: FileContent, lines: list[tuple[int, str]], notes: list[str]) -> list[_Row]:
    delimiter = _delimiter(lines[0][1])
    parse = parse_number if delimiter == "," else parse_number_any
    names = _split(lines[0][1], delimiter)
    found = _frequency_columns(names)
    quantities = dict.fromkeys(quantity for quantity, _, _ in found)
    by_quantity = {q: [(i, f) for quantity, i, f in found if quantity == q] for q in quantities}
    frequencies = {tuple(f for _, f in pairs) for pairs in by_quantity.values()}
    if len(frequencies) != 1:
        raise content.error("the columns of Re and Im name different frequencies", lines[0][0])
    frequency = _exact(content, np.array(frequencies.pop()), notes)
    header = {q: names[pairs[0][0]] for q, pairs in by_quantity.items()}
    columns = [Column(0, "frequency", "frequency")]
    for q in quantities:
        prefix = _AT_FREQUENCY.fullmatch(header[q].strip())
        assert prefix is not None  # noqa: S101  # it was one of the columns found
        columns.append(parse_column(prefix[1], len(columns)))
    facts = _fact_columns(names)
    rows = []
    for line, text in lines[1:]:
        cells = _split(text, delimiter)
        if len(cells) != len(names):
            continue
        parts = [np.array([parse(cells[i]) for i, _ in by_quantity[q]]) for q in quantities]
        values = {0: frequency} | dict(enumerate(parts, start=1))
        rows.append(_Row(line, columns, values, _facts(facts, cells)))
    return rows


def _rows_of_pairs(content: FileContent, lines: list[tuple[int, str]], notes: list[str]) -> list[_Row]:
    partner = partner_of(content.path)
    if partner is None:
        raise content.error("a row of numbers for each spectrum, but no file of their frequencies beside it")
    frequency = _frequencies(partner)
    rows = [(line, np.array(_numbers(text))) for line, text in lines]
    wrong = next(((line, row.size) for line, row in rows if row.size != 2 * frequency.size), None)
    if wrong is not None:
        raise content.error(
            f"{wrong[1]} numbers; {partner.name} has {frequency.size} frequencies; expected twice as many numbers",
            wrong[0],
        )
    pairs = _order(np.array([row for _, row in rows]), frequency)
    if pairs is None:
        raise content.error(
            "whether Re and Im alternate or follow each other is not to be seen from the numbers; add a header",
            rows[0][0],
        )
    z, order = pairs
    notes += [f"frequencies from {partner.name}", f"no header: numbers taken as {order}"]
    columns = [Column(k, name, name) for k, name in enumerate(("frequency", "real", "imag"))]
    return [
        _Row(line, columns, {0: frequency, 1: z.real[k], 2: z.imag[k]}, {}) for k, (line, _) in enumerate(rows)
    ]


def _order(numbers: np.ndarray, frequency: FloatArray) -> tuple[np.ndarray, str] | None:
    """Return Z as the smoother of the two orders in which pairs are written, None if none is by far."""
    half = numbers.shape[1] // 2
    ways = {
        "Re and Im by turns": numbers[:, 0::2] + 1j * numbers[:, 1::2],
        "all Re, then all Im": numbers[:, :half] + 1j * numbers[:, half:],
    }
    by_frequency = np.argsort(frequency)
    rough = {name: float(np.sum(np.abs(np.diff(z[:, by_frequency], axis=1)))) for name, z in ways.items()}
    best, other = sorted(rough, key=lambda name: rough[name])
    return (ways[best], best) if rough[other] > _SMOOTHER * rough[best] else None


def _exact(content: FileContent, rounded: FloatArray, notes: list[str]) -> FloatArray:
    partner = partner_of(content.path)
    if partner is None:
        notes.append("frequencies as the header rounds them")
        return rounded
    frequency = _frequencies(partner)
    if frequency.size != rounded.size or not np.allclose(frequency, rounded, rtol=_ROUNDING):
        raise content.error(f"the frequencies of {partner.name} are not those in the header")
    notes.append(f"frequencies from {partner.name}; the header rounds them")
    return frequency


def _frequencies(partner: Path) -> FloatArray:
    content = FileContent.open(partner)
    lines = [(i, line.strip()) for i, line in enumerate(content.lines, start=1) if line.strip()]
    numbers = [parse_number(line) for _, line in lines]
    wrong = next(((i, line) for (i, line), f in zip(lines, numbers, strict=True) if not 0 < f < 1e15), None)
    if wrong is not None:
        raise content.error(f"{wrong[1][:40]!r}; expected one frequency above 0 in each line", wrong[0])
    return np.array(numbers, dtype=np.float64)


def _frequency_columns(names: Sequence[str]) -> list[tuple[str, int, float]]:
    """Return quantity, place and frequency of the columns that name one."""
    found = []
    for i, name in enumerate(names[:_MOST_COLUMNS]):
        match = _AT_FREQUENCY.fullmatch(name.strip()[:100])
        quantity = parse_column(match[1], i).quantity if match else ""
        if match and quantity in _IMPEDANCE:
            found.append((quantity, i, parse_number(match[2]) * _PREFIX[match[3]]))
    return found


def _list_columns(header: str) -> str:
    """Return the separator under which a header names a frequency and an impedance, nothing if none does."""
    for delimiter in (";", "\t", ","):
        known = {c.quantity for c in parse_columns(_split(header, delimiter))}
        if known & {"frequency", "omega"} and len(known & set(_IMPEDANCE)) >= 2:
            return delimiter
    return ""


def _fact_columns(names: Sequence[str]) -> dict[int, tuple[str, float]]:
    """Return for the columns that describe a row the field, and what to add to its number."""
    found: dict[int, tuple[str, float]] = {}
    for i, name in enumerate(names):
        word = re.sub(r"[\s_.-]", "", name[:100].lower())
        column = parse_column(name, i)
        if word in _SAMPLE_NAMES:
            found[i] = ("sample_id", 0.0)
        elif word in ("cycle", "cyclenumber"):
            found[i] = ("cycle", 0.0)
        elif column.quantity == "temperature":
            found[i] = ("temperature_C", -KELVIN if column.unit == "K" else 0.0)
    return found


def _facts(fact_columns: dict[int, tuple[str, float]], cells: Sequence[str]) -> dict[str, object]:
    facts: dict[str, object] = {}
    for i, (field, offset) in fact_columns.items():
        text = cells[i].strip() if i < len(cells) else ""
        number = parse_number(text)
        if field == "sample_id":
            facts.setdefault(field, text[:100] or None)
        elif np.isfinite(number) and number + offset >= -KELVIN:
            facts.setdefault(field, round(number + offset, 6))
    return facts


def _delimiter(line: str) -> str:
    return max(";\t,", key=line.count)


def _cells(line: str) -> list[str]:
    return _split(line, _delimiter(line))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter or ","), [])
    except csv.Error:  # a cell beyond all measure
        return []


def _numbers(line: str) -> list[float]:
    numbers = [parse_number(x) for x in re.split(r"[\s,;]+", line.strip()) if x]
    return numbers if np.isfinite(numbers).all() else []
