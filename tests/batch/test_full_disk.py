"""A run that cannot go on ends with one sentence and exit code 4, and is resumed without a loss."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eistool.batch.files import probe
from eistool.cli import main
from tests.batch.folders import CIRCUIT, make_folder
from tests.privileges import permissions_hold

resource = pytest.importorskip("resource", reason="limits of file sizes are those of POSIX")

OUT = Path("results")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let every write beyond a size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fit(out: Path = OUT, plots: str = "none") -> Result:
    options = ["--circuit", CIRCUIT, "--jobs", "1", "--plots", plots, "--no-progress", "--out", str(out)]
    return CliRunner().invoke(main, ["fit", "measurements", *options])


def check_ended_in_words(result: Result) -> None:
    assert result.exit_code == 4, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert "the run could not go on" in lines[0]
    assert "run the same command again" in lines[0]


def tables(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("*.csv")}


@pytest.mark.parametrize("n_bytes", [0, 600, 4_000, 9_000, 15_000])
def test_a_full_disk(folder: Path, n_bytes: int) -> None:
    assert fit(Path("quiet")).exit_code == 0
    with largest_file(n_bytes):
        result = fit()
    check_ended_in_words(result)
    assert not list(OUT.rglob("*.tmp"))
    assert fit().exit_code == 0
    assert tables(OUT) == tables(Path("quiet"))


def test_a_disk_full_of_pictures(folder: Path) -> None:
    assert fit().exit_code == 0
    before = tables(OUT)
    with largest_file(20_000):
        result = fit(plots="all")
    check_ended_in_words(result)
    assert tables(OUT) == before
    assert fit(plots="all").exit_code == 0


@pytest.mark.parametrize("name", ["plots", "."])
def test_a_folder_that_became_read_only(folder: Path, name: str) -> None:
    assert fit().exit_code == 0
    place = OUT / name
    place.mkdir(exist_ok=True)
    place.chmod(0o555)
    try:
        with permissions_hold():
            result = fit(plots="all")
    finally:
        place.chmod(0o755)
    assert result.exit_code == (2 if name == "." else 4), result.output  # a wrong --out is noticed before all
    assert "Permission denied" in result.stderr
    assert "Traceback" not in result.output


def test_a_terminal_that_takes_nothing(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    command = [sys.executable, "-m", "eistool.cli", "fit", "measurements", "--circuit", CIRCUIT, "--no-progress"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith(b"Error: the run could not go on")
    assert b"Traceback" not in done.stderr
    assert Path("eistool-results/fits.csv").exists()


def test_a_log_that_cannot_be_written(folder: Path) -> None:
    (OUT / "eistool.log").mkdir(parents=True)
    (folder / "x.csv").write_text("no table")
    assert fit().exit_code == 1


def test_a_result_folder_that_went_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eistool.jobs import fit as job

    real = job.fit_record

    def remove(*arguments: object) -> object:
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.write_text("")  # a file in its place
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(job, "fit_record", remove)
    check_ended_in_words(fit())
    OUT.unlink()
    monkeypatch.undo()
    monkeypatch.chdir(folder.parent)
    assert fit().exit_code == 0


def test_a_folder_is_probed_by_many_at_a_time(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(200):
            list(pool.map(probe, [tmp_path / str(number) / "out"] * 8))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
