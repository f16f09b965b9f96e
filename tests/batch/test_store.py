"""The resumable store."""

from pathlib import Path

import pytest

from eistool.batch import Key, Record, Store
from eistool.tables import Rows

ROWS = Rows(("R0", "flags"), ((53.1, None), (0.1 + 0.2, "at_bound: µ")))


def record(source: str = "a.csv", sweep: int = 1, data: str = "d") -> Record:
    return Record(Key(source, sweep, data, "s"), "ok", {"fits": ROWS})


def test_records_survive_to_the_last_bit(tmp_path: Path) -> None:
    store = Store(tmp_path / "records.jsonl")
    store.append(record())
    again = Store(tmp_path / "records.jsonl")
    assert list(again) == [record()]
    assert again.get(record().key) == record()
    assert again.get(record(data="changed").key) is None


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_half_written_last_line_is_ignored_and_removed(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "records.jsonl"
    store = Store(path)
    store.append(record("a.csv"))
    store.append(record("b.csv"))
    path.write_bytes(path.read_bytes()[:-cut])
    resumed = Store(path)
    assert [r.key.source for r in resumed] == ["a.csv"]
    resumed.append(record("c.csv"))
    assert [r.key.source for r in Store(path)] == ["a.csv", "c.csv"]


def test_damaged_lines_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    Store(path).append(record("a.csv"))
    path.write_bytes(b'{"source": 1}\n\xff\xfe\n[]\n' + path.read_bytes())
    assert [r.key.source for r in Store(path)] == ["a.csv"]


def test_last_record_of_a_key_counts(tmp_path: Path) -> None:
    store = Store(tmp_path / "records.jsonl")
    store.append(record())
    store.append(Record(record().key, "failed"))
    assert [r.status for r in Store(store.path)] == ["failed"]
    store.clear()
    assert len(store) == len(Store(store.path)) == 0
