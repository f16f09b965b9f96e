"""Lines on a terminal: width, few and many sweeps, colours."""

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

import eistool
from eistool.cli import lines, main
from eistool.cli.lines import wrap
from eistool.kernels.jit import _FirstRun
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, FREQUENCY, make_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_folder(tmp_path / "measurements")


def fit(*arguments: str, color: bool = False) -> str:
    command = ["fit", "measurements", "--circuit", CIRCUIT, "--no-drt", "--plots", "none", "--no-report"]
    return CliRunner().invoke(main, [*command, *arguments], color=color).stdout


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    (folder / "bad.mpt").write_text("no")
    monkeypatch.setattr("eistool.cli.summary.terminal_width", lambda: width)
    printed = fit()
    assert max(map(len, printed.splitlines())) <= width
    for text in ("a/cell_25C.csv", "R0 20.0", "R1 ", "unknown content"):
        assert text in printed


def test_a_large_folder_is_summarised_by_sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eistool.cli.summary.MOST_SWEEPS", 2)
    short = fit()
    assert "S17  3 sweeps: 3 ok  R∞ " in short
    assert "a/cell_25C.csv" not in short
    assert "a/cell_25C.csv" in fit("--verbose")


def test_the_worst_sweeps_come_with_a_reason(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eistool.cli.summary.MOST_SWEEPS", 2)
    values = [20, 100, 1e-6, 0.9, 100, 1e-3, 0.9]
    two_arcs = eistool.simulate("R0-p(R1,CPE1)-p(R2,CPE2)", FREQUENCY, values, noise=0.002, seed=1)
    write_spectra(folder / "two.csv", [two_arcs])
    printed = fit()
    worst = [line for line in printed.splitlines() if line.startswith("worst: ")]
    assert len(worst) == 1
    assert worst[0].startswith("worst: two.csv  poor model: ")


def test_no_color(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in fit(color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in fit(color=True)


def test_long_words_and_items() -> None:
    assert wrap(["a" * 30], 20) == ["    " + "a" * 30]  # a path stays whole, to be copied
    assert wrap(["one two three four five six"], 20) == ["    one two three", "    four five six"]
    assert wrap([], 20, "name") == ["name"]
    assert lines.terminal_width() == lines.UNLIMITED


def test_messages_of_the_engine_are_lines_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("eistool.kernels")

    def names(*_: object) -> list[str]:
        log.info("compiling")
        return []

    monkeypatch.setattr("eistool.circuit.library.circuit_names", names)
    done = CliRunner().invoke(main, ["circuits"])
    log.info("afterwards")
    assert "compiling" in done.stderr
    assert "afterwards" not in done.output


def test_the_first_compilation_is_announced_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_FirstRun, "pending", True)
    with caplog.at_level("INFO", "eistool.kernels"):
        _FirstRun.announce()
        _FirstRun.announce()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["compiling the engine"]
