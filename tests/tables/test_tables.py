"""The tables: their columns are a contract."""

from pathlib import Path

import pytest

from eistool.batch import Key, Record
from eistool.batch.table_files import write_record_tables
from eistool.tables import TABLES, Rows
from eistool.tables.fits import FITS

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


def test_parameters_of_all_circuits_are_united(tmp_path: Path) -> None:
    def record(source: str, *names: str) -> Record:
        row = {"circuit": "-".join(names), "status": "ok"} | dict.fromkeys(names, 1.5)
        return Record(Key(source, 1, "", ""), "ok", {"fits": Rows.of(row)})

    write_record_tables(tmp_path, [FITS], [record("a", "R0", "R1"), record("b", "R0", "C1")])
    lines = [line.split(",") for line in (tmp_path / "fits.csv").read_text().splitlines()]
    assert lines[0][len(FITS.names) :] == ["R0", "R1", "C1"]
    assert [dict(zip(lines[0], line, strict=True))["R1"] for line in lines[1:]] == ["1.5", ""]
    assert [line[-3:] for line in lines[1:]] == [["1.5", "1.5", ""], ["1.5", "", "1.5"]]
