"""One bad item never ends a batch: it becomes a row with its stage and reason."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import eistool
from eistool.batch import Breakdown, attempt
from eistool.cli import main
from eistool.errors import OutputError, ReaderError
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, make_folder, rows
from tests.privileges import permissions_hold

GOOD = {("a/cell_25C.csv", "1"), ("b/cell_25C.mpt", "1"), ("b/cell_25C.mpt", "2")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


def fit(*arguments: str, plots: str = "none") -> Result:
    options = ["--circuit", CIRCUIT, "--jobs", "1", "--plots", plots, "--no-progress"]
    return CliRunner().invoke(main, ["fit", "measurements", *options, *arguments])


def failures() -> dict[str, tuple[str, str]]:
    """Return stage and reason of each failure by source."""
    return {row["source"]: (row["stage"], row["error"]) for row in rows(Path("eistool-results/failures.csv"))}


def fitted() -> set[tuple[str, str]]:
    return {(row["source"], row["sweep"]) for row in rows(Path("eistool-results/fits.csv"))}


def check(result: Result, code: int) -> None:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert fitted() >= GOOD


def table(path: Path, scale_f: float = 1.0, scale_z: float = 1.0) -> None:
    spectrum = arc()
    points = zip(scale_f * spectrum.frequency, scale_z * spectrum.impedance, strict=True)
    lines = [f"{float(f)!r},{float(z.real)!r},{float(z.imag)!r}" for f, z in points]
    path.write_text("\n".join(["frequency_Hz,z_real_ohm,z_imag_ohm", *lines]) + "\n")


def links_in_a_circle(folder: Path) -> None:
    (folder / "x.csv").symlink_to("y.csv")
    (folder / "y.csv").symlink_to("x.csv")


def dangling_link(folder: Path) -> None:
    (folder / "x.csv").symlink_to("nowhere.csv")


def many_digits(folder: Path) -> None:
    text = '{"type": "PalmSens.Session", "measurements": [{"title": ' + "1" * 10_000 + "}]}"
    (folder / "x.pssession").write_text(text)


def one_huge_frequency(folder: Path) -> None:
    table(folder / "x.csv")
    lines = (folder / "x.csv").read_text().splitlines()
    lines[1] = "1e308," + lines[1].partition(",")[2]
    (folder / "x.csv").write_text("\n".join(lines))


def huge_impedance(folder: Path) -> None:
    table(folder / "x.csv", scale_z=1e160)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numbers that overflow
@pytest.mark.parametrize(
    ("make", "stage", "reason"),
    [
        (links_in_a_circle, "read", "symbolic links"),
        (dangling_link, "read", "No such file"),
        (many_digits, "read", "a number has too many digits"),
        (one_huge_frequency, "fit", ""),
        (huge_impedance, "fit", ""),
    ],
)
def test_a_bad_file_is_a_row(folder: Path, make: Callable[[Path], None], stage: str, reason: str) -> None:
    make(folder)
    result = fit()
    check(result, 1)
    bad = {source: row for source, row in failures().items() if source.startswith(("x.", "y."))}
    assert bad
    for where, text in bad.values():
        assert (where, text != "") == (stage, True)
        assert reason in text
    assert "failed: x." in result.stdout


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("f", "z"), [(1, 1e-150), (1e-145, 1), (1e145, 1)])
def test_absurd_scales_end_nothing(folder: Path, f: float, z: float) -> None:
    table(folder / "x.csv", f, z)
    check(fit(), 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_bad_spectrum_leaves_its_series_alone(folder: Path) -> None:
    write_spectra(folder / "c.csv", [arc(120, 4)])
    assert fit("--circuit", "auto", "--force").exit_code == 0
    before = {row["source"]: row["circuit"] for row in rows(Path("eistool-results/fits.csv"))}
    one_huge_frequency(folder)  # of the same sample, so that all share a circuit
    assert fit("--circuit", "auto", "--force").exit_code == 1
    after = {row["source"]: row["circuit"] for row in rows(Path("eistool-results/fits.csv"))}
    assert failures()["x.csv"][0] == "fit"
    assert {name: after[name] for name in before} == before


def test_the_traceback_is_in_the_log_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "x.pssession").write_text('{"type": "PalmSens.Session"}')

    def broken(*_: object) -> None:
        raise KeyError("measurements")

    monkeypatch.setattr("eistool.readers.formats.palmsens_pssession._fold", broken)
    result = fit()
    check(result, 1)
    stage, reason = failures()["x.pssession"]
    assert (stage, "KeyError: 'measurements'" in reason) == ("read", True)
    log = Path("eistool-results/eistool.log").read_text()
    assert "ERROR" in log
    assert "x.pssession" in log
    assert "Traceback" in log
    with pytest.warns(UserWarning, match=r"not read: x\.pssession: the reader broke down \(KeyError"):
        assert len(eistool.read("measurements")) == 3


def test_the_log_of_worker_processes(folder: Path) -> None:
    for number in range(20):  # enough for workers
        write_spectra(folder / f"{number}.csv", [arc(100 + number, number)])
    one_huge_frequency(folder)
    result = CliRunner().invoke(
        main, ["fit", "measurements", "--circuit", CIRCUIT, "--jobs", "2", "--plots", "none"]
    )
    check(result, 1)
    assert failures()["x.csv"][0] == "fit"
    assert "x.csv" in Path("eistool-results/eistool.log").read_text()


def test_the_log_level(folder: Path) -> None:
    assert fit().exit_code == 0
    log = Path("eistool-results/eistool.log")
    assert not log.exists()
    (folder / "x.csv").write_text("no table")
    assert fit().exit_code == 1
    assert not log.exists()  # a reason in words is in the tables
    assert fit("--log-level", "info").exit_code == 1
    assert "INFO" in log.read_text()
    assert "x.csv" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes are those of Linux")
def test_a_name_that_is_not_utf8(folder: Path) -> None:
    for name in (b"/latin\xe9.csv", b"/esc\x1b[31mred\x07.csv", rb"/latin\xe9.csv"):
        Path(os.fsdecode(os.fsencode(folder) + name)).write_bytes((folder / "a" / "cell_25C.csv").read_bytes())
    result = fit(plots="all")
    check(result, 0)
    assert {r"latin\xe9.csv", r"latin\\xe9.csv", r"esc\x1b[31mred\x07.csv"} <= {name for name, _ in fitted()}
    assert "\x1b" not in result.output
    assert r"latin\xe9.csv" in result.stdout


def test_a_long_name_has_its_picture(folder: Path) -> None:
    for letter in "no":
        write_spectra(folder / (245 * "n" + f"{letter}.csv"), [arc()])
    check(fit(plots="all"), 0)
    pictures = {path.name for path in Path("eistool-results/plots").iterdir()}
    assert sum(name.startswith("nnn") for name in pictures) == 2
    written = Path("eistool-results/plots").stat().st_mtime_ns
    check(fit(plots="all"), 0)
    assert Path("eistool-results/plots").stat().st_mtime_ns == written  # the pictures are found again


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_without_permission_is_a_row(folder: Path, mode: int) -> None:
    closed = folder / "closed"
    shutil.copytree(folder / "a", closed)
    (closed / "note.xyz").write_text("words")
    closed.chmod(mode)
    try:
        with permissions_hold():
            result = fit()
    finally:
        closed.chmod(0o755)
    check(result, 1)
    name = "closed" if mode == 0 else "closed/cell_25C.csv"
    stage, reason = failures()[name]
    assert stage == "read"
    assert "Permission denied" in reason


@pytest.mark.parametrize(
    "run",
    ['{"robot": "run 17"}', "", "[]", "no JSON", '{"version": 3, "state": {}}', "[" * 100_000],
)
def test_a_foreign_run_json_hides_nothing(folder: Path, run: str) -> None:
    for place in (folder, folder / "b"):
        (place / "run.json").write_text(run)
    check(fit(), 0)


def test_results_below_the_inputs_are_named(folder: Path) -> None:
    assert fit("--out", "measurements/older").exit_code == 0
    check(fit("--json"), 0)
    run = Path("eistool-results/run.json").read_text()
    assert '"source": "older"' in run
    assert "result folder of eistool" in run
    Path("measurements/older/run.json").write_text("{}")  # its tables are known too
    check(fit(), 0)
    assert not any(name.startswith("older") for name, _ in fitted())


def test_a_stream_of_the_kernel_is_not_read(folder: Path) -> None:
    if not Path("/proc/kmsg").exists():
        pytest.skip("no /proc")
    (folder / "x.csv").symlink_to("/proc/kmsg")
    (folder / "link").symlink_to(folder / "a")
    check(fit(), 1)
    assert failures()["x.csv"] == ("read", "x.csv: the file is empty; export it again")
    assert "link to a folder" in Path("eistool-results/run.json").read_text()


def test_a_deep_folder(folder: Path) -> None:
    place = folder
    for _ in range(900):
        place /= "d"
    try:
        place.mkdir(parents=True)
    except (OSError, RecursionError):
        pytest.skip("the file system has no such paths")
    check(fit(), 0)


@pytest.mark.parametrize("row", ["1e300,1e300", "1e-300,1e-300", "1e300,1e-300"])
def test_an_absurd_geometry_is_named(folder: Path, row: str) -> None:
    (folder / "samples.csv").write_text(f"file,sample_id,cell_type,thickness_um,diameter_mm\n*,S,blocking,{row}\n")
    result = fit()
    assert result.exit_code == 2
    assert "samples.csv, row 2, column 'thickness_um'" in result.stderr


def test_a_contradictory_geometry_is_a_remark(folder: Path) -> None:
    (folder / "samples.csv").write_text(
        "file,cell_type,thickness_um,diameter_mm,electrode_diameter_mm\n*,blocking,1000,5,10\n"
    )
    check(fit(), 0)


def test_a_picture_that_breaks_down_is_a_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eistool.report import NyquistPlot

    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("no scale")

    monkeypatch.setattr(NyquistPlot, "to_png", broken)
    result = fit(plots="all")
    check(result, 1)
    assert failures()["a/cell_25C.csv"][0] == "draw"
    assert "no scale" in failures()["a/cell_25C.csv"][1]


def test_a_sample_that_breaks_down_is_a_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("singular")

    monkeypatch.setattr("eistool.jobs.transport._sample", broken)
    check(fit(), 1)
    assert failures() == {"S17": ("derive", "S17: the computation broke down (RuntimeError: singular)")}


def test_attempt_raises_what_the_next_item_would_not_survive() -> None:
    def full() -> None:
        raise OutputError("no space")

    def bad() -> None:
        raise ReaderError("x.csv: empty")

    with pytest.raises(OutputError):
        attempt("x.csv", full)
    assert attempt("x.csv", bad) == Breakdown("x.csv: empty")
