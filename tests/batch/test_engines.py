"""Engines: the same results in this process and in others, whatever happens to a call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eistool.batch import JobOptions, Scheduling, Summary, run_job
from eistool.batch.engines import Engine, Inline, Processes
from eistool.errors import ConfigError
from eistool.readers.writers import write_spectra
from tests.batch.folders import arc, rows
from tests.batch.jobs import OddJob


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """Return an engine with two workers."""
    engine = Processes(2)
    with engine:
        yield engine


def test_results_come_in_the_order_of_the_arguments(processes: Engine) -> None:
    numbers = [str(i) for i in range(300)]
    for engine in (processes, Inline()):
        assert list(engine.map(int, iter(numbers))) == list(range(300))
        assert list(engine.map(len, [])) == []


def test_errors_for_the_user_are_raised_here(processes: Engine) -> None:
    with pytest.raises(ConfigError, match="write I with"):
        list(processes.map(refuse, [1]))


def refuse(_: object) -> None:
    raise ConfigError("write I with")


def test_what_is_printed_is_no_answer(processes: Engine) -> None:
    assert list(processes.map(print, ["words", "more"])) == [None, None]


def test_arguments_are_taken_as_they_are_needed(processes: Engine) -> None:
    taken = 0

    def arguments() -> Iterator[str]:
        nonlocal taken
        for _ in range(100_000):
            taken += 1
            yield "x"

    results = processes.map(len, arguments())
    assert [next(results) for _ in range(10)] == [1] * 10
    assert taken < 1000
    while processes.under_way:
        processes.results(0.1)


def run(folder: Path, scheduling: Scheduling, jobs: int = 2) -> Summary:
    return run_job(OddJob(JobOptions(jobs=jobs, scheduling=scheduling)), [folder], folder.parent / "out")


def test_a_spectrum_that_hangs_or_ends_its_process_is_a_failure(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b", "dies", "raises", "y", "z"):
        write_spectra(folder / f"{name}.csv", [arc()])
    write_spectra(folder / "hangs.csv", [arc()])
    summary = run(folder, Scheduling(timeout=3.0))
    failures = {row["source"]: row["error"] for row in rows(tmp_path / "out" / "failures.csv")}
    assert set(failures) == {"dies.csv", "hangs.csv", "raises.csv"}
    assert "its process ended (exit code 3)" in failures["dies.csv"]
    assert "given up after 3 s" in failures["hangs.csv"]
    assert "MemoryError: too much" in failures["raises.csv"]
    assert (summary.exit_code, summary.counts["ok"]) == (1, 4)
    # what may go better the next time is tried again: a timeout and a process that ended, not an error
    (folder / "hangs.csv").rename(folder / "now_quick.csv")
    (folder / "dies.csv").rename(folder / "lives.csv")
    again = run(folder, Scheduling(timeout=60.0))
    assert (again.exit_code, again.counts["ok"], again.n_computed) == (1, 6, 2)


def test_the_traceback_of_a_worker_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_spectra(folder / "raises.csv", [arc()])
    run(folder, Scheduling(timeout=60.0))
    assert "MemoryError: too much" in caplog.text
    assert "in analyze" in caplog.text


@pytest.mark.parametrize(
    "wrong", [{"if_busy": "leave"}, {"shard": (0, 3)}, {"shard": (4, 3)}, {"timeout": 0.0}, {"timeout": -1.0}]
)
def test_wrong_scheduling_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Scheduling(**wrong)  # type: ignore[arg-type]


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    monkeypatch.setattr("eistool.batch.engines.CONNECT_SECONDS", 1)
    (tmp_path / "in").mkdir()
    with pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:1: cannot be reached"):
        run(tmp_path / "in", Scheduling(scheduler="tcp://127.0.0.1:1"))
