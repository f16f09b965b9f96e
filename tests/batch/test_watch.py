"""A folder that is being filled."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from eistool.batch.watch import Watch
from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, rows


def test_a_file_is_complete_when_it_has_stopped_growing(tmp_path: Path) -> None:
    now = 100.0
    folder, out = tmp_path / "in", tmp_path / "in" / "results"
    out.mkdir(parents=True)
    (out / "fits.csv").write_text("x")
    watch = Watch([folder], out, settle=10, clock=lambda: now)
    assert watch.look() == ({}, frozenset())
    file = folder / "a.mpt"
    file.write_text("1")
    assert watch.look() == ({}, frozenset({file}))
    now += 9
    file.write_text("12")
    assert watch.look() == ({}, frozenset({file}))
    now += 9
    assert watch.look() == ({}, frozenset({file}))
    now += 2
    complete, growing = watch.look()
    assert (set(complete), growing) == ({file}, frozenset())
    file.unlink()
    assert watch.look() == ({}, frozenset())
    folder.rename(tmp_path / "away")
    with pytest.raises(OSError, match="No such file"):
        watch.look()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("nothing happened")
        time.sleep(0.02)


def test_the_tables_follow_the_folder(tmp_path: Path) -> None:
    folder, fits = tmp_path / "in", tmp_path / "out" / "fits.csv"
    folder.mkdir()

    def sources() -> list[str]:
        return [row["source"] for row in rows(fits)] if fits.exists() else []

    def measure() -> None:
        write_spectra(folder / "a.csv", [arc()])
        until(lambda: sources() == ["a.csv"])
        folder.rename(tmp_path / "away")  # a network drive is lost
        time.sleep(0.3)
        write_spectra(tmp_path / "away" / "b.csv", [arc(200, 2)])
        (tmp_path / "away").rename(folder)
        until(lambda: sources() == ["a.csv", "b.csv"])
        (folder / "a.csv").unlink()
        until(lambda: sources() == ["b.csv"])

    pool = ThreadPoolExecutor()
    instrument = pool.submit(measure)
    options = ["--circuit", CIRCUIT, "--no-drt", "--plots", "none", "--jobs", "1", "--no-progress"]
    pace = ["--interval", "0.05", "--settle", "0.2", "--idle", "3"]
    result = CliRunner().invoke(main, ["watch", str(folder), "--out", str(tmp_path / "out"), *options, *pace])
    instrument.result()
    pool.shutdown()
    assert result.exit_code == 0, result.output
    assert "away (No such file or directory); waiting for it" in result.stderr
    assert "the folder is back" in result.stderr
    assert result.stdout.splitlines()[-1].endswith(f"Tables in {tmp_path / 'out'}")
