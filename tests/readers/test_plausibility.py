"""Warnings on spectra that look as if they were read wrong."""

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import eistool
from eistool.cli.fit import command as fit
from eistool.cli.inspect import command as inspect
from eistool.cli.nyquist import draw_nyquist
from eistool.readers import doubts, scan
from eistool.readers.plausibility import with_warnings
from eistool.readers.read import load
from eistool.typing import ComplexArray, FloatArray
from tests.readers.written import F, Z, rows


def warned(frequency: FloatArray, impedance: ComplexArray) -> list[str]:
    [spectrum] = with_warnings([eistool.Spectrum(frequency, impedance)])
    return doubts(spectrum)


@pytest.mark.parametrize(
    ("frequency", "impedance", "reason"),
    [
        (F, Z * 1e18, "|Z| is outside 1e-07 to 1e+15 ohm at 16 points"),
        (F * 1e9, Z, "f is outside 1e-07 to 1e+10 Hz at"),
        (F, Z.real + 0j, "Im is 0 at all points"),
        (F, 10 + 1j * Z.imag, "Re is 10 ohm at all points"),
        (F, Z.real - 5j, "Im is -5 ohm at all points"),
        (F, np.where(F > 1e3, Z, 1e3 * Z), "|Z| jumps by a factor of"),
        (np.append(F, F[3:8]), np.append(Z, Z[3:8]), "5 points occur more than once"),
        (Z.real, F + 1j * Z.imag, "the columns may be exchanged"),
    ],
)
def test_what_looks_wrong_is_said(frequency: FloatArray, impedance: ComplexArray, reason: str) -> None:
    assert any(reason in doubt for doubt in warned(frequency, np.asarray(impedance, dtype=np.complex128)))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_ordinary_spectra_are_not_doubted(scale: float) -> None:
    capacitor = np.asarray(scale / (2j * np.pi * F * 1e-6) + scale, dtype=np.complex128)
    for impedance in (scale * Z, capacitor + 1e-9 * F):
        assert warned(F, impedance) == []


def test_a_sweep_that_repeats_another_is_named(tmp_path: Path) -> None:
    text = "f,Re,Im\n" + 2 * rows(F, Z.real, Z.imag, sep=",")
    (tmp_path / "cell.csv").write_text(text)
    first, second = eistool.read(tmp_path / "cell.csv")
    assert doubts(first) == []
    assert doubts(second) == ["the sweep has the same numbers as sweep 1 of the file"]


def test_no_measured_spectrum_is_doubted_without_reason(real_data: Path) -> None:
    marks = ("at all points", "outside", "jumps", "occur more than once", "exchanged", "same numbers")
    for name in ("hybrid-drt", "zahner-analysis", "impedance.py", "EISART", "pyDRTtools"):
        for file in scan([real_data / name]):
            if not file.ignored and file.path.suffix.lower() in (".ism", ".mpr", ".z", ".csv"):
                try:
                    spectra = load(file)
                except eistool.ReaderError:
                    continue
                assert not [d for s in spectra for d in doubts(s) if any(mark in d for mark in marks)]


def test_a_warning_is_printed_and_stands_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "measurements"
    folder.mkdir()
    text = "f,Re,Im\n" + rows(F, Z.real, Z.imag, sep=",")
    (folder / "cell.csv").write_text(text[:-4])
    run = CliRunner().invoke(fit, [str(folder), "--circuit", "R0-p(R1,C1)", "--plots", "none"])
    assert run.exit_code == 0, run.output
    assert "cell.csv: the last row (line 17) has no line end" in run.output
    with (tmp_path / "eistool-results" / "spectra.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["reader_warning"].startswith("the last row (line 17) has no line end")


def test_inspect_draws_the_sweeps(tmp_path: Path) -> None:
    (tmp_path / "cell.csv").write_text(
        "f,Re,Im\n" + "".join(rows(F, k * Z.real, k * Z.imag, sep=",") for k in range(1, 6))
    )
    some = CliRunner().invoke(inspect, [str(tmp_path)]).stdout
    assert some.count("Re 5") + some.count("Re 1") + some.count("ohm\n") >= 3
    assert "Nyquist plots of 3 of 5 sweeps" in some
    drawn = CliRunner().invoke(inspect, [str(tmp_path), "--plot", "all"]).stdout
    none = CliRunner().invoke(inspect, [str(tmp_path), "--plot", "none"]).stdout
    assert [text.count("-Im │") for text in (some, drawn, none)] == [3, 5, 0]


@pytest.mark.parametrize("braille", [True, False])
def test_a_plot_has_equal_scales(braille: bool) -> None:
    circle = np.asarray(10 + 5 * np.exp(1j * np.linspace(0, 2 * np.pi, 400)), dtype=np.complex128)
    lines = draw_nyquist(circle, braille=braille)[:-2]
    body = [line[13:] for line in lines]
    width = max(map(len, body))
    assert width == pytest.approx(2 * len(body), abs=1)  # characters are twice as high as wide
    assert body[0].strip()
    assert body[-1].strip()
