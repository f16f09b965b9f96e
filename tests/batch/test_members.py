"""Runs that share a result folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eistool.batch import members
from eistool.batch.members import Membership


def member(folder: Path, work: str = "w", inputs: str = "i") -> Membership:
    return Membership(folder, work, inputs)


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Membership]:
    """Return a function that enters a run on another machine without further signs of life."""

    def enter() -> Membership:
        monkeypatch.setenv("EISTOOL_HOST", "other")
        run = member(tmp_path)
        run.enter()
        run._ended.set()
        run.announce(state="computing")
        monkeypatch.delenv("EISTOOL_HOST")
        return run

    return enter


def test_runs_see_each_other_until_they_leave(tmp_path: Path) -> None:
    first, second = member(tmp_path), member(tmp_path)
    first.enter()
    assert second.busy() == []  # not at work yet
    first.announce(state="computing", doing=("a",))
    [seen] = second.busy()
    assert (seen.pid, seen.doing, seen.work) == (os.getpid(), ("a",), "w")
    first.leave("done", forget=False)
    assert second.busy() == []
    assert [one.state for one in second.others()] == ["done"]
    second.remove(seen)
    assert second.others() == []


def test_a_dead_process_on_this_machine_is_noticed_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from eistool.batch.members import Membership\n"
        "run = Membership(Path(sys.argv[1]), 'w', 'i'); run.enter(); run.announce(state='computing')\n"
        "run._take(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -9
    run = member(tmp_path)
    run.enter()
    assert len(run.others()) == 1
    assert run.busy() == []
    with run.lease():  # it held the lease
        assert run.holds_lease()
    assert not (tmp_path / "lease").exists()
    run.leave("done", forget=True)


def test_another_machine_is_dead_after_a_while_without_signs_of_life(
    tmp_path: Path, elsewhere: Callable[[], Membership]
) -> None:
    other, run = elsewhere(), member(tmp_path)
    assert len(run.busy()) == 1
    age(other._path(other.me), members.STALE_SECONDS + 5)
    assert run.busy() == []


def test_the_lease_has_one_holder(tmp_path: Path, elsewhere: Callable[[], Membership]) -> None:
    other, run = elsewhere(), member(tmp_path)
    run.enter()
    waited: list[str] = []

    def waiting(owner: str) -> None:
        waited.append(owner)
        if len(waited) == 3:
            other._lease.unlink()

    assert other._take()
    with run.lease(waiting):
        assert not other._take()
        assert (run.holds_lease(), other.holds_lease()) == (True, False)
    assert waited == [other.me.name] * 3
    # of a run that went silent
    assert other._take()
    age(other._path(other.me), members.STALE_SECONDS + 5)
    with run.lease(lambda _: pytest.fail("waited")):
        assert run.holds_lease()
    run.leave("done", forget=True)


def test_a_lease_that_was_taken_meanwhile_is_put_back(tmp_path: Path) -> None:
    run, late = member(tmp_path), member(tmp_path)
    run.enter()
    late.enter()
    with run.lease():
        late._take_over("a run that was dead when it looked")
        assert run.holds_lease()
    run.leave("done", forget=True)
    late.leave("done", forget=True)


def test_shares_without_links_have_leases_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    run, other = member(tmp_path), member(tmp_path)
    run.enter()
    other.enter()
    with run.lease():
        assert run.holds_lease()
        assert not other._take()
    run.leave("done", forget=True)
    other.leave("done", forget=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_many_runs_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "POLL_SECONDS", 0.001)
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count(_: int) -> None:
        run = member(tmp_path)
        run.enter()
        for _ in range(10):
            with run.lease():
                before = int(counter.read_text())
                time.sleep(0.001)
                counter.write_text(str(before + 1))
        run.leave("done", forget=True)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(count, range(5)))
    assert counter.read_text() == "50"


def test_damaged_files_of_runs_are_nobody(tmp_path: Path) -> None:
    run = member(tmp_path)
    run.enter()
    for name, text in (("a", "{"), ("b", "[]"), ("c", json.dumps({"name": 5}))):
        (tmp_path / "runs" / f"{name}.json").write_text(text)
    assert run.others() == []
    run.leave("done", forget=True)
