"""Shares of runs in a result folder: what each contributes to the tables that they write together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eistool.batch.files import write_whole
from eistool.batch.store import Key, Record, digest, seal, unseal
from eistool.errors import ConfigError
from eistool.tables import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Contribution of one run to the tables of a result folder.

    Parameters
    ----------
    run : str
        Name of the run.
    roots : tuple of str
        Paths that were given.
    fingerprint : str
        Hash of names and samples tables; empty if it does not tell a later change.
    files : mapping of str to sequence
        Path, size and time of change of each file by its source.
    keys : tuple of Key
        Records in the store.
    others : tuple of Record
        Records that are not in the store: unreadable files and sweeps left out.
    derived : mapping of str to Rows
        Tables of results derived from several records.
    pictures : tuple of str
        Files beside the tables.
    hashes : mapping of str to str
        Hash of each file by its source.
    ignored, warnings, series : tuple
        For ``run.json``.
    n_read : int
        Number of readable sweeps.
    complete : bool
        Whether all has been computed.
    """

    run: str
    roots: tuple[str, ...] = ()
    fingerprint: str = ""
    files: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    others: tuple[Record, ...] = ()
    derived: Mapping[str, Rows] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[Mapping[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    n_read: int = 0
    complete: bool = False

    @property
    def content(self) -> str:
        """Hash of all that reaches the tables."""
        derived = {name: [rows.columns, rows.rows] for name, rows in self.derived.items()}
        others = [[record.key, record.status, sorted(record.tables)] for record in self.others]
        return digest([sorted(self.keys), others, derived])

    def save(self, folder: Path, aside: Path | None = None) -> None:
        """Write the share, as ``RUN.jsonl`` in a folder; ``aside`` is that of the temporary file."""
        head = {name: getattr(self, name) for name in _HEAD}
        lines = [seal(head), seal(self.keys)]
        lines += [record.to_line() for record in self.others]
        tables = {name: {"columns": rows.columns, "rows": rows.rows} for name, rows in self.derived.items()}
        lines.append(seal(tables))
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(_path(folder, self.run), b"".join(lines), aside)

    @classmethod
    def load(cls, folder: Path, run: str) -> "Share | None":
        """Return a share that was saved; None if there is none, or if it is damaged."""
        try:
            with _path(folder, run).open("rb") as file:
                head, keys, *others, tables = file
            values = dict(unseal(head)[0])
            return cls(
                **{name: _plain(values[name]) for name in _HEAD},
                keys=tuple(Key(*key) for key in unseal(keys)[0]),
                others=tuple(Record.from_line(line) for line in others),
                derived={
                    name: Rows(tuple(table["columns"]), tuple(map(tuple, table["rows"])))
                    for name, table in unseal(tables)[0].items()
                },
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def remove(folder: Path, run: str) -> None:
        """Remove a share."""
        _path(folder, run).unlink(missing_ok=True)


_HEAD = (
    "run", "roots", "fingerprint", "files", "pictures", "hashes", "ignored", "warnings", "series", "n_read",
    "complete",
)  # fmt: skip


def _path(folder: Path, run: str) -> Path:
    return folder / f"{run}.jsonl"


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def united(shares: Sequence[Share]) -> Share:
    """Return the union of shares; where two hold the same sweep, the last one counts.

    Examples
    --------
    >>> first, second = (Share(run=name, keys=(Key(f"{name}.csv", 1, "", ""),)) for name in "ab")
    >>> [key.source for key in united([first, second]).keys]
    ['a.csv', 'b.csv']
    """
    if len(shares) == 1:
        return shares[0]
    keys = {(key.source, key.sweep): key for share in shares for key in share.keys}
    others = {record.key[:2]: record for share in shares for record in share.others}
    found = {source for source, _ in keys}
    names = dict.fromkeys(name for share in shares for name in share.derived)
    last = shares[-1]
    return Share(
        run=last.run,
        roots=tuple(dict.fromkeys(root for share in shares for root in share.roots)),
        fingerprint=last.fingerprint,
        keys=tuple(sorted(keys.values())),
        # a file that could not be read, and can be by now
        others=tuple(
            r for place, r in sorted(others.items()) if place not in keys and (place[1] or place[0] not in found)
        ),
        derived={name: _joined([s.derived[name] for s in shares if name in s.derived]) for name in names},
        pictures=tuple(dict.fromkeys(name for share in shares for name in share.pictures)),
        hashes={source: value for share in shares for source, value in share.hashes.items()},
        ignored=tuple({tuple(one.items()): one for share in shares for one in share.ignored}.values()),
        warnings=tuple(dict.fromkeys(line for share in shares for line in share.warnings)),
        series=tuple(dict.fromkeys(line for share in shares for line in share.series)),
        n_read=len(keys) + sum(record.status == "left_out" for record in others.values()),
        complete=all(share.complete for share in shares),
    )


def _joined(tables: Sequence[Rows]) -> Rows:
    columns = tuple(dict.fromkeys(column for rows in tables for column in rows.columns))
    rows = dict.fromkeys(tuple(row.get(column) for column in columns) for table in tables for row in table)
    if {"source", "sweep"} <= {*columns}:
        at = columns.index("source"), columns.index("sweep")
        return Rows(columns, tuple(sorted(rows, key=lambda row: (str(row[at[0]]), row[at[1]] or 0))))
    return Rows(columns, tuple(rows))


def check_names(mine: Share, others: Iterable[tuple[str, Share]]) -> None:
    """Raise if another run has given the name of one of these sources to another file.

    Parameters
    ----------
    mine : Share
        Of this run.
    others : iterable of (str, Share)
        Description and share of each run in the same tables.

    Raises
    ------
    ConfigError
        If rows of two files could not be told apart.
    """
    for title, share in others:
        if share.roots == mine.roots:
            continue
        for source in sorted(mine.hashes.keys() & share.hashes.keys()):
            if mine.hashes[source] != share.hashes[source]:
                raise ConfigError(
                    f"{source}: {title} has another file of this name, from {', '.join(share.roots)}, in the same "
                    "result folder; give both folders to one command, or choose another --out"
                )
