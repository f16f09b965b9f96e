"""Several runs, and runs that are ended early, in one result folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eistool.batch import Key, Record, Scheduling, Store, members, runner
from eistool.batch.generation import one_generation
from eistool.batch.members import Membership
from eistool.errors import ConfigError, ReaderError
from eistool.jobs import DRTOptions, FitOptions, drt_folder, fit_folder
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, make_folder, rows

OPTIONS = FitOptions(circuit=CIRCUIT, jobs=1, drt=False)
COMMAND = (sys.executable, "-m", "eistool.cli")
QUICK = ("--circuit", CIRCUIT, "--no-drt", "--plots", "none", "--jobs", "1", "--no-progress")


def many(folder: Path, n: int, first: int = 0) -> Path:
    """Write ``n`` spectra, 20 to a file."""
    folder.mkdir(parents=True)
    for start in range(first, first + n, 20):
        write_spectra(
            folder / f"f{start:04d}.mpt", [arc(100 + i, i) for i in range(start, min(start + 20, first + n))]
        )
    return folder


def tables(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("*.csv")}


def start(out: Path, *arguments: str, host: str = "") -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "eistool.cli", "fit", *arguments, "--out", str(out), *QUICK]
    environment = {**os.environ, **({"EISTOOL_HOST": host} if host else {})}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def state(out: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return values


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """Return a folder of 60 spectra, and the tables of an undisturbed run."""
    folder = many(tmp_path_factory.mktemp("quiet") / "in", 60)
    out = folder.parent / "out"
    fit_folder([folder], out, replace(OPTIONS, plots="none"))
    return folder, tables(out)


@pytest.mark.parametrize("circuit", [CIRCUIT, "auto"])
def test_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path, circuit: str) -> None:
    folder = many(tmp_path / "in", 22)
    for jobs in (1, 2):
        options = FitOptions(circuit=circuit, jobs=jobs, plots="none")
        summary = fit_folder([folder], tmp_path / str(jobs), options)
        assert (summary.n_computed, summary.counts["failed"]) == (22, 0)
    assert tables(tmp_path / "1") == tables(tmp_path / "2")


def test_two_processes_share_the_work_on_one_folder(tmp_path: Path, quiet: tuple[Path, dict[str, bytes]]) -> None:
    folder, expected = quiet
    out = tmp_path / "out"
    processes = [start(out, str(folder)) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert tables(out) == expected
    assert state(out)["state"] == "done"
    assert not list(out.glob(".eistool/temporary/*"))
    assert not (out / ".eistool" / "lease").exists()


def test_two_machines_with_different_folders_end_with_the_rows_of_both(tmp_path: Path) -> None:
    both = [many(tmp_path / "a", 40), many(tmp_path / "b", 20, first=1000)]
    fit_folder(both, tmp_path / "expected", replace(OPTIONS, plots="none"))
    out = tmp_path / "out"
    processes = [start(out, str(folder), host=f"host{i}") for i, folder in enumerate(both)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert tables(out) == tables(tmp_path / "expected")
    assert len(Store(out / ".eistool" / "records")) == 60
    assert state(out)["counts"]["sweeps"] == 60  # type: ignore[index]
    # the next run of one of them, with a change, leaves the rows of the other
    write_spectra(both[0] / "new.csv", [arc(500, 7)])
    again = start(out, str(both[0]))
    assert (again.communicate(timeout=120), again.returncode)[1] == 0
    assert len(rows(out / "fits.csv")) == 61


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_kills_cost_nothing(tmp_path: Path, quiet: tuple[Path, dict[str, bytes]], number: int) -> None:
    folder, expected = quiet
    out = tmp_path / "out"
    records = out / ".eistool" / "records"
    processes = [start(out, str(folder)) for _ in range(2)]
    while len(Store(records)) < 20:
        time.sleep(0.02)
    for process in processes:
        process.send_signal(number)
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode in (130, -number)
    assert fit_folder([folder], out, replace(OPTIONS, plots="none")).exit_code == 0
    assert tables(out) == expected
    assert not list(out.glob(".eistool/temporary/*"))


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Membership]:
    """Yield a run of another machine that is at work in the folder ``out``."""
    monkeypatch.setattr(members, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("EISTOOL_HOST", "other")
    other = Membership(tmp_path / "out" / ".eistool", "other settings", "other folder")
    monkeypatch.delenv("EISTOOL_HOST")
    other.enter()
    other.announce(state="computing")
    yield other
    other.leave("done", forget=True)


def with_busy(choice: str) -> FitOptions:
    return replace(OPTIONS, scheduling=Scheduling(if_busy=choice))


def test_a_folder_in_use_is_refused(tmp_path: Path, busy: Membership) -> None:
    folder = make_folder(tmp_path / "in")
    with pytest.raises(ConfigError, match=r"process \d+ on other .* is at work there"):
        fit_folder([folder], tmp_path / "out", with_busy("fail"))
    assert not (tmp_path / "out" / "fits.csv").exists()
    assert len(busy.others()) == 0


@pytest.mark.parametrize("choice", ["wait", "join"])
def test_a_folder_in_use_with_other_settings_is_waited_for(tmp_path: Path, busy: Membership, choice: str) -> None:
    folder = make_folder(tmp_path / "in")
    told: list[str] = []

    def progress(stage: str, done: int, total: int) -> None:
        told.append(stage)
        if told.count(stage) == 5 and stage.startswith("waiting"):
            busy.leave("done", forget=True)

    assert fit_folder([folder], tmp_path / "out", with_busy(choice), progress=progress).exit_code == 0
    assert told[0].startswith("waiting for process")


def test_a_second_file_of_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of both would look like one."""
    first, second = many(tmp_path / "a", 20), many(tmp_path / "b", 20)
    write_spectra(second / "f0000.mpt", [arc(700, 5)])
    monkeypatch.setenv("EISTOOL_HOST", "other")
    out = tmp_path / "out"

    def progress(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("fitting", 3):
            with pytest.raises(ConfigError, match=r"f0000\.mpt: process .* has another file of this name"):
                fit_folder([second], out, OPTIONS)

    summary = fit_folder([first], out, OPTIONS, progress=progress)
    assert (summary.exit_code, len(rows(out / "fits.csv"))) == (0, 20)


def test_force_leaves_the_store_of_others_alone(tmp_path: Path, busy: Membership) -> None:
    folder = make_folder(tmp_path / "in")
    store = Store(tmp_path / "out" / ".eistool" / "records", busy.me.name)
    store.append(Record(Key("theirs.csv", 1, "d", "s"), "ok"))
    busy.announce(state="done")
    fit_folder([folder], tmp_path / "out", OPTIONS)
    assert fit_folder([folder], tmp_path / "out", replace(OPTIONS, force=True)).n_computed == 3
    store.append(Record(Key("later.csv", 1, "d", "s"), "ok"))
    store.close()
    found = {key.source for key in Store(tmp_path / "out" / ".eistool" / "records")}
    assert {"theirs.csv", "later.csv", "a/cell_25C.csv"} <= found


def test_results_of_an_older_run_do_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(4):
        write_spectra(folder / f"cell_2p{i}0V_chg.csv", [arc(100 + 20 * i, i)])
    out = tmp_path / "out"
    full = FitOptions(circuit=CIRCUIT, jobs=1, by="voltage", plots="all")
    fit_folder([folder], out, full)
    present = {path.relative_to(out).as_posix() for path in out.rglob("*.*") if ".eistool" not in path.parts}
    assert {"tracks.csv", "drt.csv", "plots/tracks/cell.tracks.png", "plots/cell_2p00V_chg.csv.1.png"} <= present
    (folder / "cell_2p00V_chg.csv").unlink()
    drt_folder([folder], out, DRTOptions(jobs=1, plots="none"))
    fit_folder([folder], out, replace(full, by=None, drt=False))
    present = {path.relative_to(out).as_posix() for path in out.rglob("*.*") if ".eistool" not in path.parts}
    assert not {
        name for name in present if "track" in name or "2p00V" in name or name in ("events.csv", "series.csv")
    }
    # tables of another command stay, named as older
    older = state(out)["older"]
    assert isinstance(older, dict)
    assert set(older) == {"drt.csv", "drt_curves.csv", "drt_peaks.csv", "measured.csv"}
    assert all(entry["job"] == "drt" for entry in older.values())


def test_tables_are_read_of_one_generation(tmp_path: Path) -> None:
    folder, out = make_folder(tmp_path / "in"), tmp_path / "out"
    fit_folder([folder], out, OPTIONS)
    with one_generation(out):
        pass
    with pytest.raises(ReaderError, match="were replaced while"), one_generation(out):
        fit_folder([folder], out, replace(OPTIONS, weighting="unit"))
    run = state(out)
    (out / "run.json").write_text(json.dumps({**run, "state": "writing"}))
    with pytest.raises(ReaderError, match="are being written"), one_generation(out):
        pass


STAGES = ("reading", "fitting", "deriving", "drawing")


@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_at_any_stage_ends_the_run_in_order(tmp_path: Path, stage: str) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for i in range(4):
        write_spectra(folder / f"cell_2p{i}0V_chg.csv", [arc(100 + 20 * i, i)])
    options = FitOptions(circuit=CIRCUIT, jobs=1, drt=False, by="voltage", plots="all")

    def stop(now: str, done: int, total: int) -> None:
        if now == stage and done == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    if stage == "reading":
        with pytest.raises(KeyboardInterrupt):
            fit_folder([folder], out, options, progress=stop)
        assert not out.exists()
        return
    summary = fit_folder([folder], out, options, progress=stop)
    assert (summary.exit_code, state(out)["state"]) == (130, "interrupted")
    assert len(rows(out / "fits.csv")) == (1 if stage == "fitting" else 4)
    again = fit_folder([folder], out, options)
    assert (again.exit_code, again.n_computed) == (0, 3 if stage == "fitting" else 0)
    fit_folder([folder], tmp_path / "quiet", options)
    assert tables(out) == tables(tmp_path / "quiet")


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    folder, out = make_folder(tmp_path / "in"), tmp_path / "out"

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "fitting":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit_folder([folder], out, OPTIONS, progress=stop)
    assert not (out / "fits.csv").exists()
    assert fit_folder([folder], out, OPTIONS).n_computed == 2


def test_an_unchanged_folder_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = make_folder(tmp_path / "in"), tmp_path / "out"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        os.utime(path, (1e9, 1e9))
    first = fit_folder([folder], out, OPTIONS)
    written = {path: path.stat().st_mtime_ns for path in out.glob("*.*")}
    with monkeypatch.context() as context:
        context.setattr("eistool.batch.runner.read_inputs", lambda *_, **__: pytest.fail("read"))
        again = fit_folder([folder], out, OPTIONS)
        assert (again.counts | {"computed_now": 3}, again.warnings) == (first.counts, first.warnings)
        assert [record.key for record in again.records] == [record.key for record in first.records]
        # a copy of the folder brings new times, not new contents
        os.utime(files[1], (2e9, 1.5e9))
        assert fit_folder([folder], out, OPTIONS).n_computed == 0
        assert {path: path.stat().st_mtime_ns for path in out.glob("*.*")} == written
    # what is not the same is done: settings, contents, names, the samples table, and results that were changed
    assert fit_folder([folder], out, replace(OPTIONS, weighting="unit")).n_computed == 3
    assert fit_folder([folder], out, OPTIONS).n_computed == 0
    data = files[1].read_bytes()
    files[1].write_bytes(data.replace(b"20.0", b"20.1") if b"20.0" in data else data.replace(b"1", b"2", 1))
    fit_folder([folder], out, OPTIONS)
    (out / "fits.csv").write_text("edited")
    fit_folder([folder], out, OPTIONS)
    assert len(rows(out / "fits.csv")) == 3
    (folder / "samples.csv").write_text("file,sample_id,diameter_mm\n*,S99,10\n")
    fit_folder([folder], out, OPTIONS)
    assert {row["sample_id"] for row in rows(out / "spectra.csv")} == {"S99"}


def shard(folders: Sequence[Path], out: Path, number: int, count: int) -> int:
    options = replace(OPTIONS, plots="none", scheduling=Scheduling(shard=(number, count)))
    command = ["eistool", "fit", *map(str, folders), *QUICK, "--shard", f"{number}/{count}"]
    return fit_folder(folders, out, options, command).n_computed


@pytest.mark.parametrize("apart", [False, True])
def test_shards_are_merged(tmp_path: Path, quiet: tuple[Path, dict[str, bytes]], apart: bool) -> None:
    folder, expected = quiet
    outs = [tmp_path / (f"out{i}" if apart else "out") for i in range(3)]
    assert sum(shard([folder], out, i + 1, 3) for i, out in enumerate(outs[:2])) == 40
    assert not (outs[0] / "fits.csv").exists()

    def merge() -> "subprocess.CompletedProcess[str]":
        folders = [tmp_path / "all", *outs] if apart else [outs[0]]
        command = [sys.executable, "-m", "eistool.cli", "merge", *map(str, folders)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    if not apart:
        missing = merge()
        assert missing.returncode == 1, missing.stderr
        failures = rows(outs[0] / "failures.csv")
        assert (len(failures), failures[0]["stage"]) == (20, "compute")
    assert shard([folder], outs[2], 3, 3) == 20
    merged = merge()
    assert merged.returncode == 0, merged.stderr
    assert tables(tmp_path / "all" if apart else outs[0]) == expected


def test_records_that_vanish_are_computed_again(tmp_path: Path) -> None:
    folder, out = make_folder(tmp_path / "in"), tmp_path / "out"
    fit_folder([folder], out, OPTIONS)

    def damage(stage: str, done: int, total: int) -> None:
        if stage == "fitting" and done == total:
            for path in (out / ".eistool" / "records").glob("*.jsonl"):
                data = path.read_bytes()
                path.write_bytes(data[:200].replace(b"cell", b"dell") + data[200:])

    (folder / "new.csv").write_bytes((folder / "a" / "cell_25C.csv").read_bytes())
    summary = fit_folder([folder], out, OPTIONS, progress=damage)
    assert (summary.exit_code, summary.counts["ok"]) == (0, 4)
    assert len(rows(out / "fits.csv")) == 4


def test_dask_workers_give_the_same_bytes_and_may_die(
    tmp_path: Path, quiet: tuple[Path, dict[str, bytes]]
) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    folder, expected = quiet
    file = tmp_path / "scheduler.json"
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    server = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *common]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *common]
    cluster = [subprocess.Popen(server, stderr=subprocess.DEVNULL, cwd=tmp_path)]
    try:
        cluster += [subprocess.Popen(worker, stderr=subprocess.DEVNULL, cwd=tmp_path) for _ in range(2)]
        while not (file.exists() and file.read_text(encoding="utf-8").endswith("}")):
            time.sleep(0.05)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]
        out = tmp_path / "out"
        process = start(out, str(folder), "--scheduler", address)
        while len(Store(out / ".eistool" / "records")) < 20 and process.poll() is None:
            time.sleep(0.02)
        cluster[1].kill()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert tables(out) == expected
    finally:
        for one in reversed(cluster):
            one.kill()
            one.wait()


def test_a_large_run_writes_no_report_and_removes_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = many(tmp_path / "in", 2), tmp_path / "out"
    assert fit_folder([folder], out, OPTIONS).warnings == ()
    assert (out / "report.html").exists()
    many(tmp_path / "in" / "more", 1, first=20)
    monkeypatch.setattr(runner, "MOST_REPORTED", 2)
    summary = fit_folder([folder], out, OPTIONS)
    assert not (out / "report.html").exists()
    assert any(f"eistool report {out}" in warning for warning in summary.warnings)
