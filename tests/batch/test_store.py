"""The resumable store."""

import errno
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eistool.batch import Key, Record, Records, Store
from eistool.batch.store import LostRecordError, seal, unseal
from eistool.tables import Rows

ROWS = Rows(("R0", "flags"), ((53.1, None), (0.1 + 0.2, "at_bound: µ")))


def record(source: str = "a.csv", sweep: int = 1, data: str = "d") -> Record:
    return Record(Key(source, sweep, data, "s"), "ok", {"fits": ROWS})


def sources(folder: Path) -> list[str]:
    return sorted(key.source for key in Store(folder))


def filled(folder: Path, writer: str, *names: str) -> Store:
    store = Store(folder, writer)
    for name in names:
        store.append(record(name))
    store.close()
    return store


@pytest.mark.parametrize("source", ["a.csv", 'odd],["name\\', "latin\udce9.csv", "Ω 25°C.mpt"])
def test_records_survive_to_the_last_bit(tmp_path: Path, source: str) -> None:
    filled(tmp_path, "one", source)
    again = Store(tmp_path, "two")
    assert again.get(record(source).key) == record(source)
    assert again.status(record(source).key) == "ok"
    assert again.get(record(data="changed").key) is None


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_an_unfinished_last_line_is_skipped_and_left_to_its_writer(tmp_path: Path, cut: int) -> None:
    path = filled(tmp_path, "one", "a.csv", "b.csv").path
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    store = Store(tmp_path, "two")
    assert sorted(key.source for key in store) == ["a.csv"]
    store.append(record("c.csv"))
    store.close()
    assert path.read_bytes() == whole[:-cut]
    path.write_bytes(whole)  # the writer goes on
    store.refresh()
    assert sorted(key.source for key in store) == ["a.csv", "b.csv", "c.csv"]


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    first, second = Store(tmp_path, "one"), Store(tmp_path, "two")
    for i in range(50):
        first.append(record(f"a{i}"))
        second.append(record(f"b{i}"))
        if i % 7 == 0:
            second.refresh()
    for store in (first, second):
        store.close()
        store.refresh()
    assert len(first) == len(second) == len(Store(tmp_path)) == 100


def test_a_writer_continues_after_its_own_torn_line(tmp_path: Path) -> None:
    path = filled(tmp_path, "one", "a.csv", "b.csv").path
    path.write_bytes(path.read_bytes()[:-9])
    filled(tmp_path, "one", "c.csv")
    assert sources(tmp_path) == ["a.csv", "c.csv"]


def test_a_disk_that_was_full_costs_the_record_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, "one")
    store.append(record("a.csv"))

    class Full(io.RawIOBase):
        def write(self, data: Any) -> int:
            if len(data) < 50:
                raise OSError(errno.ENOSPC, "No space left on device")
            return 0 if opened is None else opened.write(data[:40])

    opened = store._file
    assert opened is not None
    store._file = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        store.append(record("b.csv"))
    store._file = opened
    store.append(record("c.csv"))
    store.close()
    assert sources(tmp_path) == ["a.csv", "c.csv"]


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_flipped_byte_never_reaches_a_table(place: int, flip: int) -> None:
    line = bytearray(record().to_line())
    line[place % len(line)] ^= flip
    with pytest.raises(ValueError, match=r".*"):
        Record.from_line(bytes(line))


@pytest.mark.parametrize(
    "line",
    [
        b'{"source": 1}\n',
        b"\xff\xfe\n",
        b"[]\n",
        b"\n",
        seal(5),
        seal([1, 2], {}),
        seal(["a", 1, "d", "s", "ok"], 5),
    ],
)
def test_damaged_lines_are_no_records(tmp_path: Path, line: bytes) -> None:
    path = filled(tmp_path, "one", "a.csv").path
    path.write_bytes(line + path.read_bytes())
    store = Store(tmp_path, "two")
    assert [r for key in store if (r := store.get(key))] == [record("a.csv")]


def test_the_last_record_of_a_key_counts(tmp_path: Path) -> None:
    store = filled(tmp_path, "one", "a.csv")
    store = Store(tmp_path, "two")
    store.append(Record(record().key, "failed"))
    store.close()
    assert Store(tmp_path).status(record().key) == "failed"
    assert Store(tmp_path, ignored=["two"]).status(record().key) == "ok"


def test_records_are_read_in_order_and_a_lost_one_is_noticed(tmp_path: Path) -> None:
    store = filled(tmp_path, "one", "b.csv", "a.csv")
    left_out = Record(Key("c.csv", 1, "", ""), "left_out")
    records = Records(store, [record("b.csv").key, record("a.csv").key], [left_out])
    assert [r.key.source for r in records] == ["a.csv", "b.csv", "c.csv"]
    assert list(records.statuses()) == ["ok", "ok", "left_out"]
    assert records[-1] == left_out
    store.path.write_bytes(store.path.read_bytes().replace(b"53.1", b"53.2"))
    with pytest.raises(LostRecordError):
        list(records)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists
    )
)
def test_sealed_values_come_back(value: object) -> None:
    assert unseal(seal(value)) == [value]
