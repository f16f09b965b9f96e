"""The tables: their columns are a contract."""

from pathlib import Path

import pandas as pd
import pytest

from eistool.batch import Key, Record
from eistool.batch.store import collect
from eistool.jobs import FitOptions, fit_folder
from eistool.tables import TABLES, Rows, to_csv
from eistool.tables.fits import FITS
from tests.batch.folders import CIRCUIT, rows

CONTRACT = {
    "spectra": "source sweep format technique started_at time_h ewe_mean_V ewe_drift_mV i_mean_mA n_points "
    "f_min_Hz f_max_Hz sample_id temperature_C soc_pct kk_passed kk_max_residual noise status reason",
    "fits": "source sweep circuit n_parameters chi2_reduced aicc bic status flags",
    "parameters": "source sweep circuit parameter value stderr ci_low ci_high unit role status",
    "processes": "source sweep process R_ohm u_R_ohm tau_s u_tau_s alpha C_F u_C_F R_ohm_cm2 C_F_per_cm2 "
    "assignment status",
    "curves": "source sweep frequency_Hz z_real_ohm z_imag_ohm fit_real_ohm fit_imag_ohm residual_real "
    "residual_imag mask_reason",
    "drt_peaks": "source sweep tau_s R_ohm u_R_ohm edge persistent",
    "drt": "source sweep R_inf_ohm inductance_H R_pol_ohm u_R_pol_ohm noise n_peaks flags status reason",
    "failures": "source sweep stage error",
}

COLUMNS = {table.name: table.names for table in TABLES}


@pytest.mark.parametrize("name", CONTRACT)
def test_columns_stand_in_their_order(name: str) -> None:
    columns = list(COLUMNS[name])
    places = [columns.index(column) for column in CONTRACT[name].split()]
    assert places == sorted(places)
    assert len(set(columns)) == len(columns)


def test_parameters_of_all_circuits_are_united() -> None:
    def record(source: str, *names: str) -> Record:
        row = {"circuit": "-".join(names), "status": "ok"} | dict.fromkeys(names, 1.5)
        return Record(Key(source, 1, "", ""), "ok", {"fits": Rows.of(row)})

    table = collect(FITS, [record("b", "R0", "C1"), record("a", "R0", "R1")])
    assert table.columns[len(FITS.names) :] == ("R0", "R1", "C1")
    assert to_csv(table).decode().splitlines()[1:] == [
        "a,1,R0-R1,,,,,ok,,,1.5,1.5,",
        "b,1,R0-C1,,,,,ok,,,1.5,,1.5",
    ]


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
