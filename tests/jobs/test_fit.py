"""Batches: failures, resuming, interruption, what is chosen."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eistool import simulate
from eistool.batch import Selection, Summary
from eistool.errors import CircuitError, ConfigError, FitError
from eistool.fitting import FitResult, fit_many
from eistool.jobs import FitOptions, fit_folder
from eistool.readers.writers import write_spectra
from tests.batch.folders import CIRCUIT, arc, rows, snapshot

OPTIONS = FitOptions(circuit=CIRCUIT, jobs=1)


def run(folder: Path, options: FitOptions = OPTIONS, out: str = "out") -> Summary:
    return fit_folder([folder], folder.parent / out, options)


def test_inputs_stay_as_they_are(folder: Path) -> None:
    before = snapshot(folder)
    summary = run(folder)
    assert (summary.exit_code, summary.counts["ok"], summary.n_computed) == (0, 3, 3)
    assert snapshot(folder) == before


def test_run_json(folder: Path) -> None:
    run(folder, FitOptions(circuit=CIRCUIT, jobs=1, selection=Selection(f_min=2.0, time_range=(float("-inf"), 3))))
    text = (folder.parent / "out" / "run.json").read_text()
    assert "Infinity" not in text
    values = json.loads(text)
    assert {"version", "command", "settings", "seed", "inputs", "counts", "started_at", "duration_s"} <= set(
        values
    )
    assert values["state"] == "done"
    assert values["settings"]["circuit"] == CIRCUIT
    assert {entry["source"] for entry in values["ignored"]} == {"README.md", "samples.csv"}
    assert [len(digest) for digest in values["inputs"].values()] == [64, 64]
    # the comma-separated file knows no time
    assert values["counts"]["left_out"] == 1


def test_broken_file_beside_good_ones(folder: Path) -> None:
    (folder / "b" / "broken.mpt").write_text("EC-Lab ASCII FILE\nNb header lines : 9\n")
    summary = run(folder)
    assert summary.exit_code == 1
    assert (summary.counts["ok"], summary.counts["failed"]) == (3, 1)
    [failure] = rows(folder.parent / "out" / "failures.csv")
    assert (failure["source"], failure["sweep"], failure["stage"]) == ("b/broken.mpt", "", "read")
    assert failure["error"].startswith("broken.mpt")
    # the code describes the folder, also when there is nothing to do
    again = run(folder)
    assert (again.exit_code, again.n_computed) == (1, 0)


def test_nothing_readable(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "x.csv").write_text("no numbers")
    assert run(bad).exit_code == 3
    assert len(rows(tmp_path / "out" / "failures.csv")) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(empty, out="other").exit_code == 3


def test_failed_fit_has_a_row_and_a_picture(folder: Path) -> None:
    short = arc()
    write_spectra(folder / "short.csv", [type(short)(short.frequency[:3], short.impedance[:3])])
    summary = run(folder, FitOptions(circuit="R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", jobs=1))
    out = folder.parent / "out"
    assert summary.exit_code == 1
    [failure] = rows(out / "failures.csv")
    assert (failure["source"], failure["stage"]) == ("short.csv", "fit")
    assert "3 points" in failure["error"]
    by_source = {row["source"]: row for row in rows(out / "fits.csv")}
    assert by_source["short.csv"]["status"] == "failed"
    assert by_source["short.csv"]["R0"] == ""
    assert (out / "plots" / "short.csv.1.png").read_bytes().startswith(b"\x89PNG")


def test_fit_that_does_not_converge_is_failed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unconverged(*args: Any, **kwargs: Any) -> list[FitResult]:
        return [dataclasses.replace(result, flags=("not converged",)) for result in fit_many(*args, **kwargs)]

    monkeypatch.setattr("eistool.jobs.fit.fit_many", unconverged)
    assert run(folder).exit_code == 1
    assert {row["error"] for row in rows(folder.parent / "out" / "failures.csv")} == {"the fit did not converge"}


def test_same_base_names_do_not_collide(folder: Path) -> None:
    write_spectra(folder / "b" / "cell_25C.csv", [arc(400, 4)])
    run(folder, FitOptions(circuit=CIRCUIT, jobs=1, plots="all"))
    out = folder.parent / "out"
    values = {row["source"]: float(row["R1"]) for row in rows(out / "fits.csv") if row["sweep"] == "1"}
    assert values["a/cell_25C.csv"] == pytest.approx(100, rel=0.05)
    assert values["b/cell_25C.csv"] == pytest.approx(400, rel=0.05)
    assert len(list((out / "plots").rglob("*.png"))) == 4


def test_two_folders_given_do_not_collide(folder: Path, tmp_path: Path) -> None:
    write_spectra(folder / "b" / "cell_25C.csv", [arc(400, 4)])
    summary = fit_folder([folder / "a", folder / "b"], tmp_path / "out", OPTIONS)
    assert [record.key[:2] for record in summary.records] == [
        ("a/cell_25C.csv", 1),
        ("b/cell_25C.csv", 1),
        ("b/cell_25C.mpt", 1),
        ("b/cell_25C.mpt", 2),
    ]


def test_resume_computes_only_what_changed(folder: Path) -> None:
    assert run(folder).n_computed == 3
    before = (folder.parent / "out" / "fits.csv").read_bytes()
    assert run(folder).n_computed == 0
    assert (folder.parent / "out" / "fits.csv").read_bytes() == before
    write_spectra(folder / "a" / "cell_25C.csv", [arc(150, 9)])
    assert run(folder).n_computed == 1
    assert float(rows(folder.parent / "out" / "fits.csv")[0]["R1"]) == pytest.approx(150, rel=0.05)
    (folder / "samples.csv").write_text("file,sample_id,diameter_mm\nb/*,S18,12\n")
    assert run(folder).n_computed == 3
    assert run(folder, FitOptions(circuit=CIRCUIT, jobs=1, weighting="unit")).n_computed == 3
    # going back costs nothing
    assert run(folder).n_computed == 0
    assert run(folder, FitOptions(circuit=CIRCUIT, jobs=1, force=True)).n_computed == 3


def test_half_written_record_is_computed_again(folder: Path) -> None:
    run(folder)
    before = (folder.parent / "out" / "fits.csv").read_bytes()
    [path] = (folder.parent / "out" / ".eistool" / "records").iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    assert run(folder).n_computed == 1
    assert (folder.parent / "out" / "fits.csv").read_bytes() == before


def test_interruption_keeps_what_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def interrupted(*args: Any, **kwargs: Any) -> list[FitResult]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return fit_many(*args, **kwargs)

    monkeypatch.setattr("eistool.jobs.fit.fit_many", interrupted)
    summary = run(folder)
    out = folder.parent / "out"
    assert (summary.exit_code, summary.n_computed) == (130, 2)
    assert len(rows(out / "fits.csv")) == 2
    assert json.loads((out / "run.json").read_text())["state"] == "interrupted"
    monkeypatch.undo()
    resumed = run(folder)
    assert (resumed.exit_code, resumed.n_computed, len(rows(out / "fits.csv"))) == (0, 1, 3)


def test_result_folder_inside_the_input_is_no_input(folder: Path) -> None:
    for _ in range(2):
        summary = fit_folder([folder], folder / "out", OPTIONS)
        assert [record.key.source for record in summary.records] == ["a/cell_25C.csv", *["b/cell_25C.mpt"] * 2]
    # nor when a glob of the shell names it
    assert fit_folder([folder / "a", folder / "out"], folder / "out", OPTIONS).n_read == 1
    # a sibling's results are not read either
    assert fit_folder([folder], folder.parent / "second", OPTIONS).n_read == 3


def test_input_folder_is_no_result_folder(folder: Path) -> None:
    before = snapshot(folder)
    for out in (folder, folder.parent):
        with pytest.raises(ConfigError, match="choose a separate folder"):
            fit_folder([folder], out, OPTIONS)
    with pytest.raises(ConfigError, match="is a file"):
        fit_folder([folder / "a"], folder / "README.md", OPTIONS)
    assert snapshot(folder) == before
    other = folder.parent / "other"
    other.mkdir()
    (other / "fits.csv").write_text("somebody else's")
    with pytest.raises(ConfigError, match=r"no run\.json"):
        fit_folder([folder], other, OPTIONS)


def test_warnings_of_metadata_are_kept(folder: Path) -> None:
    (folder / "samples.csv").write_text("file,cell_type\na/*,blocked\n")
    [warning] = run(folder).warnings
    assert warning.startswith("a/cell_25C.csv: metadata cell_type='blocked' is unknown")


def test_circuit_of_the_samples_table_goes_before_the_default(folder: Path) -> None:
    (folder / "samples.csv").write_text('file,circuit\n*.csv,randles_simple\n*.mpt,"R0-p(R1,C1)"\n')
    run(folder)
    circuits = [row["circuit"] for row in rows(folder.parent / "out" / "fits.csv")]
    assert circuits == ["R0-p(R1,CPE1)", "R0-p(R1,C1)", "R0-p(R1,C1)"]
    roles = [row["role"] for row in rows(folder.parent / "out" / "parameters.csv")]
    assert all(roles[:4])
    assert not any(roles[4:])
    run(folder, FitOptions(circuit=CIRCUIT, circuit_is_default=False, jobs=1))
    assert {row["circuit"] for row in rows(folder.parent / "out" / "fits.csv")} == {CIRCUIT}
    (folder / "samples.csv").write_text("file,circuit\n*,R0-p(R1\n")
    with pytest.raises(ConfigError, match=r"circuit of a/cell_25C\.csv"):
        run(folder)


def test_auto_without_metadata_claims_no_roles(folder: Path) -> None:
    summary = run(folder, FitOptions(jobs=2))
    assert summary.exit_code == 0
    out = folder.parent / "out"
    assert {row["role"] for row in rows(out / "parameters.csv")} == {""}
    assert {row["assignment"] for row in rows(out / "processes.csv")} <= {""}
    assert "cell_type of 3 sweeps is unknown" in summary.warnings[0]


def test_selection(folder: Path) -> None:
    write_spectra(folder / "b" / "cell_25C.mpt", [arc(100 + i, i) for i in range(5)])

    def fitted(selection: Selection) -> list[tuple[str, int]]:
        summary = run(folder, FitOptions(circuit=CIRCUIT, jobs=1, selection=selection))
        return [(r.key.source[0], r.key.sweep) for r in summary.records if r.status == "ok"]

    assert fitted(Selection(sweeps=(1, 4))) == [("a", 1), ("b", 1), ("b", 4)]
    assert fitted(Selection(every=2)) == [("a", 1), ("b", 1), ("b", 3), ("b", 5)]
    reasons = {row["reason"] for row in rows(folder.parent / "out" / "spectra.csv") if row["status"] == "left_out"}
    assert reasons == {"not selected"}
    with pytest.raises(ConfigError, match="none is selected"):
        fitted(Selection(sweeps=(99,)))
    with pytest.raises(ConfigError, match="count from 1"):
        Selection(sweeps=(0,))
    with pytest.raises(ConfigError, match="f_min below f_max"):
        Selection(f_min=10, f_max=1)


def test_points_outside_the_range_are_masked(folder: Path) -> None:
    run(folder, FitOptions(circuit=CIRCUIT, jobs=1, selection=Selection(f_min=5, f_max=5e4)))
    curves = rows(folder.parent / "out" / "curves.csv")
    masked = [row for row in curves if row["mask_reason"]]
    assert {row["mask_reason"] for row in masked} == {"outside 5 to 50000 Hz"}
    assert all(not 5 <= float(row["frequency_Hz"]) <= 5e4 for row in masked)
    assert all(row["fit_real_ohm"] for row in masked)


def test_left_out_by_the_samples_table(folder: Path) -> None:
    (folder / "samples.csv").write_text("file,include\ncell_25C.mpt#2,no\n")
    summary = run(folder)
    assert summary.counts["left_out"] == 1
    assert rows(folder.parent / "out" / "spectra.csv")[2]["reason"] == "left out by the samples table"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (FitOptions(circuit="R0-p(R1"), CircuitError),
        (FitOptions(circuit="no_such_name"), CircuitError),
        (FitOptions(circuit=CIRCUIT, bounds={"R7": (1, 2)}), FitError),
        (FitOptions(circuit=CIRCUIT, bounds={"R1": (2, 1)}), FitError),
        (FitOptions(fixed={"R7": 1.0}), FitError),
    ],
)
def test_wrong_usage_is_found_before_anything_is_written(
    folder: Path, options: FitOptions, error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(folder, options)
    assert not (folder.parent / "out").exists()


def test_bounds_and_fixed_values(folder: Path) -> None:
    run(folder, FitOptions(circuit=CIRCUIT, jobs=1, bounds={"R1": (1, 50)}, fixed={"R0.R": 20.0}))
    parameters = rows(folder.parent / "out" / "parameters.csv")
    statuses = {row["parameter"]: row["status"] for row in parameters[:4]}
    assert (statuses["R0"], statuses["R1"]) == ("fixed", "at_bound")


def test_pictures(folder: Path) -> None:
    def pictures() -> Sequence[str]:
        plots = folder.parent / "out" / "plots"
        return sorted(path.relative_to(plots).as_posix() for path in plots.rglob("*"))

    run(folder)
    assert pictures() == []
    run(folder, FitOptions(circuit=CIRCUIT, jobs=1, plots="all"))
    drawn = ["a", "a/cell_25C.csv.1.png", "b", "b/cell_25C.mpt.1.png", "b/cell_25C.mpt.2.png"]
    assert pictures() == drawn
    first = snapshot(folder.parent / "out" / "plots")
    run(folder, FitOptions(circuit=CIRCUIT, jobs=1, plots="all"))
    assert snapshot(folder.parent / "out" / "plots") == first
    # a poor model is worth a look; back at the good one, which is not computed again, no old picture stays
    run(folder, FitOptions(circuit="R0-C1", jobs=1))
    assert pictures() == drawn
    assert run(folder).n_computed == 0
    assert [name for name in pictures() if name.endswith(".png")] == []


def test_records_of_other_inputs_are_named(folder: Path) -> None:
    run(folder)
    summary = fit_folder([folder / "a"], folder.parent / "out", OPTIONS)
    assert len(summary.warnings) == 1
    assert "earlier runs" in summary.warnings[0]


def test_progress_is_told(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    fit_folder(
        [folder],
        folder.parent / "out",
        FitOptions(circuit=CIRCUIT, plots="all"),
        progress=lambda *state: told.append(state),
    )
    assert [state for state in told if state[1] == state[2]] == [
        ("reading", 2, 2),
        ("fitting", 3, 3),
        ("drawing", 3, 3),
    ]


def test_result_folder_that_cannot_be_written(folder: Path) -> None:
    for out in (folder / "README.md" / "x", Path("/proc/x")):
        with pytest.raises(ConfigError, match="cannot be written"):
            fit_folder([folder], out, OPTIONS)


def test_no_point_left_is_a_failed_row(folder: Path) -> None:
    (folder / "samples.csv").write_text("file,f_min_Hz\na/*,1e9\n")
    for options in (OPTIONS, FitOptions(jobs=1)):
        summary = run(folder, options)
        assert (summary.exit_code, summary.counts["failed"], len(summary.records)) == (1, 1, 3)
    assert (folder.parent / "out" / "plots" / "a" / "cell_25C.csv.1.png").exists()
    for f_min, f_max in ((float("nan"), None), (None, float("inf"))):
        with pytest.raises(ConfigError, match="finite"):
            Selection(f_min=f_min, f_max=f_max)


def test_typos_are_found_before_anything_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eistool.batch.runner.read_inputs", lambda *_: pytest.fail("read"))
    for options in (
        FitOptions(circuit="spikee"),
        FitOptions(circuit=CIRCUIT, circuit_is_default=False, fixed={"R7": 1.0}),
        FitOptions(circuit_is_default=False, bounds={"R77": (1, 2)}),
    ):
        with pytest.raises((CircuitError, FitError)):
            run(folder, options)


def test_a_folder_of_which_all_is_left_out(folder: Path) -> None:
    (folder / "samples.csv").write_text("file,include\n*,no\n")
    summary = run(folder)
    assert (summary.exit_code, summary.counts["left_out"]) == (0, 3)
    assert len(rows(folder.parent / "out" / "spectra.csv")) == 3


def test_disagreements_and_rows_without_a_file_are_warnings(folder: Path) -> None:
    (folder / "a" / "turned.csv").write_text(
        "frequency/Hz,Re/Ohm,Im/Ohm\n"
        + "".join(f"{f},{z.real},{-z.imag}\n" for f, z in zip(arc().frequency, arc().impedance, strict=True))
    )
    (folder / "b" / "bad.mpt").write_text("no")
    table = "file,temperature_C\na/cell*,30\nb/cell*,40\ncell_25C.mpt#2,45\nbad.mpt,1\nS99*,20\ncell_25C.mpt#7,1\n"
    (folder / "samples.csv").write_text(table)
    summary = run(folder)
    assert "a/cell_25C.csv: temperature_C: samples table 30.0 replaces file name 25.0" in summary.warnings
    assert "b/cell_25C.mpt: temperature_C: samples table 45.0 replaces samples table 40.0" in summary.warnings
    assert "samples.csv: no file matches row 6 'S99*', row 7 'cell_25C.mpt#7'" in summary.warnings
    assert any("a/turned.csv: sign of Im" in line and "reversed" in line for line in summary.warnings)
    assert json.loads((folder.parent / "out" / "run.json").read_text())["warnings"] == list(summary.warnings)
    # a table above the folder that was given may speak of files elsewhere
    below = fit_folder([folder / "a"], folder.parent / "below", OPTIONS)
    assert not any("no file matches" in line for line in below.warnings)


def test_a_bulk_arc_beyond_the_window_is_extrapolated(tmp_path: Path) -> None:
    values = {"L0": 1e-7, "R1": 1200.0, "C1": 7e-12, "CPE1.Q": 2e-6, "CPE1.alpha": 0.92}
    pellet = simulate("L0-p(R1,C1)-CPE1", np.geomspace(7e6, 1.0, 48), values, noise=0.003, seed=1)
    folder = tmp_path / "pellets"
    folder.mkdir()
    write_spectra(folder / "cold.csv", [pellet])
    (folder / "samples.csv").write_text("file,cell_type\n*,blocking\n")
    for _ in range(2):  # also when there is nothing left to compute
        summary = run(folder, FitOptions(jobs=1))
        [row] = rows(tmp_path / "out" / "fits.csv")
        assert row["status"] == "ok"
        assert "p(R_b,CPE_b)" in row["circuit"]
        [arc] = rows(tmp_path / "out" / "processes.csv")
        assert arc["status"] == "extrapolated"
        assert float(arc["R_ohm"]) == pytest.approx(1200, rel=0.02)
        assert not [text for text in summary.warnings if "no geometry" not in text]


def test_tables_of_a_batch(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fit_folder([folder], out, FitOptions(circuit=CIRCUIT, circuit_is_default=False, jobs=1))
    spectra = rows(out / "spectra.csv")
    assert [(row["source"], row["sweep"]) for row in spectra] == [
        ("a/cell_25C.csv", "1"),
        ("b/cell_25C.mpt", "1"),
        ("b/cell_25C.mpt", "2"),
    ]
    assert {row["status"] for row in spectra} == {"ok"}
    assert {row["temperature_C"] for row in spectra} == {"25.0"}
    assert {row["kk_passed"] for row in spectra} == {"true"}
    assert 0.001 < float(spectra[0]["noise"]) < 0.01
    assert "sign of Im" in spectra[0]["reader_notes"]
    fit = rows(out / "fits.csv")[0]
    assert fit["n_parameters"] == "4"
    assert float(fit["R1"]) == pytest.approx(100, rel=0.03)
    assert repr(float(fit["R1_stderr"])) == fit["R1_stderr"]
    parameters = rows(out / "parameters.csv")
    assert [row["parameter"] for row in parameters[:4]] == ["R0", "R1", "CPE1.Q", "CPE1.alpha"]
    assert {row["circuit"] for row in parameters} == {"R0-p(R1,CPE1)"}
    process = rows(out / "processes.csv")[0]
    assert float(process["R_ohm_cm2"]) == pytest.approx(float(process["R_ohm"]) * 0.7853981633974483)
    curves = pd.read_csv(out / "curves.csv")
    assert len(curves) == 3 * 26
    assert curves["residual_real"].abs().max() < 0.02
    assert (out / "failures.csv").read_bytes() == b"source,sweep,stage,error\n"
    assert b"\r" not in (out / "fits.csv").read_bytes()


def test_results_do_not_depend_on_jobs(folder: Path, tmp_path: Path) -> None:
    for jobs in (1, 2):
        fit_folder([folder], tmp_path / str(jobs), FitOptions(circuit=CIRCUIT, jobs=jobs))
    for name in ("spectra", "fits", "parameters", "processes", "curves"):
        assert (tmp_path / "1" / f"{name}.csv").read_bytes() == (tmp_path / "2" / f"{name}.csv").read_bytes()
