"""Batches of distributions, and those beside fits."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eistool.drt
from eistool import Metadata, Spectrum, compare_circuits, compute_drt, simulate
from eistool.batch import Summary
from eistool.errors import ConfigError
from eistool.jobs import DRTOptions, FitOptions, drt_folder, fit_folder
from eistool.jobs.candidates import candidates, grown
from eistool.jobs.drt import distribution
from eistool.readers.writers import write_spectra
from eistool.settings import Override
from tests.batch.folders import CIRCUIT, arc, rows, snapshot

OPTIONS = DRTOptions(jobs=1, plots="none")


def run(folder: Path, options: DRTOptions = OPTIONS) -> Summary:
    return drt_folder([folder], folder.parent / "out", options)


def test_tables_and_curves(folder: Path) -> None:
    before = snapshot(folder)
    summary = run(folder)
    out = folder.parent / "out"
    assert snapshot(folder) == before
    assert (summary.exit_code, summary.counts["ok"], summary.n_computed) == (0, 3, 3)
    assert {path.name for path in out.iterdir()} == {
        ".eistool", "drt", "drt.csv", "drt_curves.csv", "drt_peaks.csv", "failures.csv", "measured.csv",
        "report.html", "run.json", "spectra.csv",
    }  # fmt: skip
    peaks = rows(out / "drt_peaks.csv")
    assert [(row["source"], row["sweep"]) for row in peaks] == [
        ("a/cell_25C.csv", "1"), ("b/cell_25C.mpt", "1"), ("b/cell_25C.mpt", "2"),
    ]  # fmt: skip
    for row, R in zip(peaks, (100, 200, 300), strict=True):
        assert abs(float(row["R_ohm"]) - R) < 4 * float(row["u_R_ohm"])
        assert float(row["frequency_Hz"]) == pytest.approx(1 / (2 * math.pi * float(row["tau_s"])))
        assert (row["edge"], row["persistent"], row["atom"]) == ("false", "true", "false")
    spectra = rows(out / "drt.csv")
    assert {row["status"] for row in spectra} == {"ok"}
    assert {row["suggested_circuit"] for row in spectra} == {CIRCUIT}
    assert float(spectra[0]["R_inf_ohm"]) == pytest.approx(20, rel=0.02)
    assert 0.001 < float(rows(out / "spectra.csv")[0]["noise"]) < 0.01
    curve = pd.read_csv(out / "drt" / "b" / "cell_25C.mpt.2.csv")
    assert list(curve.columns) == ["tau_s", "frequency_Hz", "gamma_ohm", "gamma_low", "gamma_high"]
    assert np.trapezoid(curve["gamma_ohm"], np.log(curve["tau_s"])) == pytest.approx(300, rel=0.03)
    assert (curve["gamma_low"] <= curve["gamma_ohm"]).all()
    settings = json.loads((out / "run.json").read_text())["settings"]
    assert settings["weighting"] == "auto"


def test_resume_and_pictures(folder: Path) -> None:
    run(folder)
    curves = folder.parent / "out" / "drt"
    assert sorted(path.suffix for path in curves.rglob("*.*") if path.is_file()) == [".csv"] * 3
    told: list[tuple[str, int, int]] = []
    options = DRTOptions(jobs=1)
    again = drt_folder([folder], curves.parent, options, progress=lambda *state: told.append(state))
    assert again.n_computed == 0
    assert told[-1] == ("drawing", 3, 3)
    first = snapshot(curves)
    assert len([name for name in first if name.endswith(".png")]) == 3
    run(folder, options)
    assert {k: v for k, v in snapshot(curves).items() if k.endswith(".png")} == {
        k: v for k, v in first.items() if k.endswith(".png")
    }
    assert run(folder, DRTOptions(jobs=1, weighting="modulus", plots="none")).n_computed == 3
    # pictures of other settings do not stay
    assert not list(curves.rglob("*.png"))
    assert run(folder, DRTOptions(jobs=1, force=True, plots="none")).n_computed == 3


def test_results_do_not_depend_on_jobs(folder: Path, tmp_path: Path) -> None:
    for jobs in (1, 2):
        drt_folder([folder], tmp_path / str(jobs), DRTOptions(jobs=jobs, plots="none"))
    for name in ("spectra", "drt", "drt_peaks"):
        assert (tmp_path / "1" / f"{name}.csv").read_bytes() == (tmp_path / "2" / f"{name}.csv").read_bytes()


def test_a_spectrum_without_a_distribution_is_a_row(folder: Path) -> None:
    short = arc()
    write_spectra(folder / "short.csv", [Spectrum(short.frequency[:4], short.impedance[:4])])
    summary = run(folder)
    out = folder.parent / "out"
    assert (summary.exit_code, summary.counts["failed"]) == (1, 1)
    [failure] = rows(out / "failures.csv")
    assert (failure["source"], failure["stage"]) == ("short.csv", "drt")
    assert "needs 6 or more" in failure["error"]
    assert {row["source"]: row["status"] for row in rows(out / "drt.csv")}["short.csv"] == "failed"
    assert not (out / "drt" / "short.csv.1.csv").exists()


def test_fit_computes_it_too(folder: Path) -> None:
    fit_folder([folder], folder.parent / "fits", FitOptions(circuit=CIRCUIT, jobs=1))
    run(folder)
    for name in ("drt", "drt_peaks"):
        table = (folder.parent / "fits" / f"{name}.csv").read_bytes()
        assert table == (folder.parent / "out" / f"{name}.csv").read_bytes()
    assert not (folder.parent / "fits" / "drt").exists()


def test_fit_may_leave_it_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eistool.jobs.fit.distribution", lambda _: pytest.fail("computed"))
    summary = fit_folder([folder], folder.parent / "out", FitOptions(circuit=CIRCUIT, jobs=1, drt=False))
    assert summary.exit_code == 0
    assert not (folder.parent / "out" / "drt_peaks.csv").exists()


@pytest.mark.parametrize("error", [ConfigError("a reason"), FloatingPointError("a reason"), np.linalg.LinAlgError])
@pytest.mark.parametrize("circuit", [CIRCUIT, "auto"])
def test_a_failing_distribution_fails_no_fit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, circuit: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(eistool.drt, "compute_drt", broken)
    summary = fit_folder([folder], folder.parent / "out", FitOptions(circuit=circuit, jobs=1))
    assert (summary.exit_code, summary.counts["ok"]) == (0, 3)
    [reason, *_] = [row["reason"] for row in rows(folder.parent / "out" / "drt.csv")]
    assert reason
    assert rows(folder.parent / "out" / "drt_peaks.csv") == []
    assert rows(folder.parent / "out" / "failures.csv") == []


def test_both_commands_share_a_folder(folder: Path) -> None:
    out = folder.parent / "out"
    fit_folder([folder], out, FitOptions(circuit=CIRCUIT, jobs=1))
    fits = (out / "fits.csv").read_bytes()
    assert run(folder).warnings == ()
    assert (out / "fits.csv").read_bytes() == fits
    assert fit_folder([folder], out, FitOptions(circuit=CIRCUIT, jobs=1)).n_computed == 0


def loop() -> Spectrum:
    f = np.geomspace(1e5, 0.01, 71)
    return simulate("R0-p(R1,CPE1)-RL1", f, [10, 50, 1e-4, 0.9, 5, 1], noise=0.002, seed=1)


def test_auto_grows_what_the_library_lacks(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_spectra(tmp_path / "in" / "loop.csv", [loop()])
    for drt, circuit in ((True, "R0-p(R1,CPE1)-RL1"), (False, None)):
        out = tmp_path / str(drt)
        fit_folder([tmp_path / "in"], out, FitOptions(jobs=1, drt=drt))
        [row] = rows(out / "fits.csv")
        assert (row["circuit"] == circuit) == drt
        assert {r["role"] for r in rows(out / "parameters.csv")} == {""}


def test_bounds_hold_for_grown_circuits(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_spectra(tmp_path / "in" / "loop.csv", [loop()])
    options = FitOptions(jobs=1, bounds={"R1.R": (60.0, 70.0)}, fixed={"R0": 12.0})
    assert fit_folder([tmp_path / "in"], tmp_path / "out", options).counts["failed"] == 0
    values = {r["parameter"]: float(r["value"]) for r in rows(tmp_path / "out" / "parameters.csv")}
    assert 60 * (1 - 1e-12) <= values["R1"] <= 70


def test_nothing_is_grown_beside_equal_circuits_or_roles() -> None:
    general = candidates(Metadata())
    found = distribution(arc())
    assert found.suggested
    assert not grown(found, Metadata(), general)
    assert [repr(one.circuit) for one in grown(distribution(loop()), Metadata(), general)] == ["R0-p(R1,CPE1)-RL1"]
    assert not grown(distribution(loop()), Metadata(cell_type="full"), general)
    ranked = compare_circuits(loop(), [compute_drt(loop()).suggest_circuits()[0].circuit, "R0-p(R1,CPE1)"])
    assert "RL1.R" in ranked[0].result.parameters


def test_the_library_goes_before_what_is_hardly_better(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    f = np.geomspace(1e6, 0.1, 71)
    values = {"R0": 20, "R1": 100, "W1.sigma": 10, "CPE1.Q": 1e-5, "CPE1.alpha": 0.9}
    spectra = [simulate("R0-p(R1-W1,CPE1)", f, values, noise=0.003, seed=seed) for seed in range(12)]
    for i, spectrum in enumerate(spectra):
        write_spectra(tmp_path / "in" / f"{i}.csv", [spectrum])
    fit_folder([tmp_path / "in"], tmp_path / "out", FitOptions(jobs=1))
    table = rows(tmp_path / "out" / "fits.csv")
    assert {row["circuit"] for row in table} == {"R0-p(R1-W1,CPE1)"}
    assert all(float(row["R_inf_ohm"]) == pytest.approx(20, rel=0.05) for row in table)


def test_choices_for_a_sweep_hold_where_circuits_are_compared(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_spectra(tmp_path / "in" / "loop.csv", [loop()])
    one = Override(file="loop.csv", fixed={"R0": 12.0}, bounds={"R1": (60.0, 70.0)})
    fit_folder([tmp_path / "in"], tmp_path / "out", FitOptions(jobs=1, overrides=(one,)))
    values = {r["parameter"]: float(r["value"]) for r in rows(tmp_path / "out" / "parameters.csv") if r["value"]}
    assert values["R0"] == 12
    assert 60 * (1 - 1e-12) <= values["R1"] <= 70 * (1 + 1e-12)
