"""From raw files to tables of conductivities and activation energies, through the command line alone."""

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from eistool import simulate
from eistool.cli import main
from eistool.readers.writers import write_spectra
from tests.batch.folders import rows, snapshot
from tests.materials.pellets import CHLOROSPINELS, LBPSI, Pellet, line, write_study, write_table

FREQUENCY = LBPSI[0].spectrum(25, 1).frequency
QUICK = ("--no-drt", "--no-progress")


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both papers' pellets, fitted by one command each."""
    folder = tmp_path_factory.mktemp("studies")
    for name, pellets, seed, plots in (("A", LBPSI, 1, "failed"), ("B", CHLOROSPINELS, 100, "none")):
        write_study(folder / name, pellets, seed)
        options = ("--by", "temperature", "--plots", plots, *QUICK)
        printed = run("fit", folder / name, "--out", folder / f"out_{name}", *options)
        (folder / f"{name}.txt").write_text(printed, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("name", "pellets"), [("A", LBPSI), ("B", CHLOROSPINELS)])
def test_tables_of_the_papers(studies: Path, name: str, pellets: tuple[Pellet, ...]) -> None:
    """A1, A2, B1, B3: within 3 % in σ and 4 meV in Ea, with the truth in every interval."""
    out = studies / f"out_{name}"
    by_sample = {pellet.sample_id: pellet for pellet in pellets}
    conductivities = rows(out / "conductivity.csv")
    totals = [row for row in conductivities if row["quantity"] == "total"]
    assert len(totals) == sum(len(pellet.temperatures_C) for pellet in pellets)
    for row in totals:
        truth = by_sample[row["sample_id"]].sigma(float(row["temperature_C"]))
        assert row["status"] == "ok"
        assert float(row["sigma_S_per_cm"]) == pytest.approx(truth, rel=0.03)
        assert float(row["lower_limit"]) < truth < float(row["upper_limit"])
    assert not [row for row in conductivities if row["quantity"] == "grain_boundary"]
    energies = {row["sample_id"]: row for row in rows(out / "arrhenius.csv") if row["quantity"] == "total"}
    assert set(energies) == {pellet.sample_id for pellet in pellets if pellet.Ea_eV}
    for sample_id, row in energies.items():
        pellet = by_sample[sample_id]
        assert row["form"] == "ln_sigmaT"
        assert float(row["Ea_eV"]) == pytest.approx(pellet.Ea_eV, abs=0.004)
        assert float(row["Ea_low_eV"]) < (pellet.Ea_eV or 0) < float(row["Ea_high_eV"])
        assert float(row["sigma_25C_S_per_cm"]) == pytest.approx(pellet.sigma_25C, rel=0.03)
        assert float(row["sigma_25C_low"]) < pellet.sigma_25C < float(row["sigma_25C_high"])
        assert float(row["Ea_kJ_per_mol"]) == pytest.approx(96.485 * float(row["Ea_eV"]), rel=1e-4)
    composition = {row["sample_id"]: row for row in rows(out / "composition.csv") if row["quantity"] == "total"}
    assert {key: float(row["composition_x"]) for key, row in composition.items()} == {
        p.sample_id: p.x for p in pellets
    }
    for sample_id, row in composition.items():
        assert float(row["sigma_S_per_cm"]) == pytest.approx(by_sample[sample_id].sigma_25C, rel=0.03)


def test_global_fit_stands_beside_the_line(studies: Path) -> None:
    found = [row for row in rows(studies / "out_A" / "arrhenius_alternatives.csv") if row["form"] == "global"]
    truth = {pellet.sample_id: pellet.Ea_eV for pellet in LBPSI}
    assert [row["sample_id"] for row in found] == ["LBPSI000", "LBPSI017", "LBPSI029"]
    for row in found:
        assert float(row["Ea_eV"]) == pytest.approx(truth[row["sample_id"]], abs=0.002)
        assert "exact temperatures" in row["reason"]


def test_what_is_printed_first(studies: Path) -> None:
    lines = (studies / "A.txt").read_text(encoding="utf-8").splitlines()
    [shown] = [text for text in lines if text.startswith("LBPSI017  25.0 °C")]
    assert shown.startswith("LBPSI017  25.0 °C  σ_total 2.4")
    assert shown.endswith("spike (bulk apex ~430 MHz if εr = 10: not measurable)")
    assert "mS/cm  R 5" in shown
    [energy] = [text for text in lines if text.startswith("LBPSI017  Ea_total")]
    assert "kJ/mol  σ(25 °C) 2.4" in energy
    amplitudes = (studies / "B.txt").read_text(encoding="utf-8")
    assert "warning: amplitude of 100 mV in 5 sweeps of pellets" in amplitudes


def test_pictures_are_drawn(studies: Path) -> None:
    plots = studies / "out_A" / "plots"
    for name in ("arrhenius_total.png", "composition.png", "normalised_LBPSI017.png"):
        assert (plots / name).read_bytes().startswith(b"\x89PNG")


def test_resuming_changes_nothing(studies: Path) -> None:
    tables = ("conductivity", "arrhenius", "arrhenius_alternatives", "composition")
    before = {name: (studies / "out_A" / f"{name}.csv").read_bytes() for name in tables}
    run("fit", studies / "A", "--by", "temperature", "--plots", "none", "--out", studies / "out_A", *QUICK)
    assert before == {name: (studies / "out_A" / f"{name}.csv").read_bytes() for name in tables}


def test_arrhenius_of_a_result_folder(studies: Path, tmp_path: Path) -> None:
    printed = run("arrhenius", studies / "out_A", "--out", tmp_path / "out")
    assert "Arrhenius of 'LBPSI017 total', ln_sigmaT, 6 points: Ea = 0.3" in printed
    again = {
        r["sample_id"]: r["Ea_eV"] for r in rows(tmp_path / "out" / "arrhenius.csv") if r["quantity"] == "total"
    }
    first = {
        r["sample_id"]: r["Ea_eV"] for r in rows(studies / "out_A" / "arrhenius.csv") if r["quantity"] == "total"
    }
    assert {key: float(value) for key, value in again.items() if value} == pytest.approx(
        {key: float(value) for key, value in first.items()}, abs=1e-3
    )
    assert (tmp_path / "out" / "arrhenius.png").is_file()


def test_arrhenius_of_a_foreign_table(tmp_path: Path) -> None:
    T = [-20.0, 0.0, 25.0, 50.0]
    table = tmp_path / "sigma.csv"
    write_table(table, [{"T / C": t, "sigma [S/cm]": s} for t, s in zip(T, line(T, 11.731, 0.31), strict=True)])
    [found] = json.loads(run("arrhenius", table, "--json"))
    assert found["Ea_eV"] == pytest.approx(0.31)
    [other] = json.loads(run("arrhenius", table, "--form", "ln_sigma", "--json", "--sigma-column", "sigma [S/cm]"))
    assert other["form"] == "ln_sigma"
    assert other["Ea_eV"] < 0.3
    wrong = CliRunner().invoke(main, ["arrhenius", str(table), "--temperature-column", "T"])
    assert wrong.exit_code == 2
    assert "sigma.csv, line 1: no column 'T' among T / C, sigma [S/cm]; name it with an option" in wrong.stderr
    table.write_text("temperature_C,sigma\n25,warm\n")
    assert "line 2: sigma='warm' is not a number" in CliRunner().invoke(main, ["arrhenius", str(table)]).stderr
    table.write_text("temperature_C,sigma\n25,\n")
    assert "no conductivities in column 'sigma'" in CliRunner().invoke(main, ["arrhenius", str(table)]).stderr


def test_dry_run_computes_and_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "pellets"
    write_study(folder, LBPSI[1:3])
    table = folder / "samples.csv"
    text = table.read_text(encoding="utf-8").replace("sample_id,", "sample_id,cell_constant_per_cm,", 1)
    table.write_text(
        text.replace(",LBPSI011,", ",LBPSI011,0.5,").replace(",LBPSI017,", ",LBPSI017,,"), encoding="utf-8"
    )
    write_spectra(folder / "other_25degC.csv", [LBPSI[0].spectrum(25, 1)])
    before = snapshot(tmp_path)
    printed = run("fit", folder, "--by", "temperature", "--dry-run", "--out", tmp_path / "out")
    assert snapshot(tmp_path) == before
    assert "warning: LBPSI011: cell_constant_per_cm = 0.5 is taken, and thickness by area is 0.1273" in printed
    assert "8 of 8 sweeps would be fitted; nothing was computed or written." in printed
    assert "sample LBPSI017: 6 spectra at" in printed
    assert "sample other: 1 spectrum at 25 °C" in printed
    contents = json.loads(run("fit", folder, "--dry-run", "--json"))
    assert {"name": "other", "n_spectra": 1, "temperature_C": [25.0]} in contents["samples"]
    shown = {row["source"]: row for row in contents["spectra"]}
    assert shown["LBPSI017_m40degC.DTA"]["gives"] == "σ, Ea"
    assert shown["LBPSI017_m40degC.DTA"]["origin"]["temperature_C"] == "file name"
    assert shown["LBPSI011_25degC.mpt"]["gives"] == "σ"
    assert shown["other_25degC.csv"]["gives"] == "no σ: thickness_um and diameter_mm unknown"


def test_conductivity_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "pellet_25degC.csv"
    write_spectra(path, [LBPSI[2].spectrum(25, 1)])
    geometry = ("--thickness-um", "1000", "--diameter-mm", "10", "--cell-type", "blocking")
    printed = run("conductivity", path, *geometry, "--out", tmp_path / "out", "--no-progress")
    assert printed.startswith("pellet  25.0 °C  σ_total 2.4")
    assert "assumed: Ea = 0.3 eV" in printed
    assert "u_diameter_mm = 0.05" in printed
    [row] = json.loads(run("conductivity", path, *geometry, "--out", tmp_path / "out", "--json"))["conductivity"]
    assert row["sigma_S_per_cm"] == pytest.approx(2.4e-3, rel=0.01)
    with_lead = run(
        "conductivity", path, *geometry, "--r-lead-ohm", "3", "--out", tmp_path / "lead", "--json", "--no-progress"
    )
    [row] = json.loads(with_lead)["conductivity"]
    assert row["R_ohm"] == pytest.approx(50.05, rel=0.01)
    without = run("conductivity", path, "--out", tmp_path / "none", "--no-progress")
    assert "no conductivity: give --thickness-um" in without


def test_assign_explains(tmp_path: Path) -> None:
    path = tmp_path / "oxide.csv"
    values = [5e3, 2e-11, 0.98, 2e4, 5e-9, 0.9, 2e-6, 0.9]
    write_spectra(path, [simulate("p(R1,CPE1)-p(R2,CPE2)-CPE3", FREQUENCY, values, 0.003, 1)])
    geometry = ("--thickness-um", "1000", "--diameter-mm", "10")
    printed = run("assign", path, "--circuit", "bulk_gb_spike", *geometry)
    assert "R_b: bulk; 49" in printed
    assert "as a grain boundary claimed: ΔBIC" in printed
    [found] = json.loads(run("assign", path, "--cell-type", "blocking", *geometry, "--json"))
    assert [one["assignment"] for one in found["processes"]] == ["bulk", "grain_boundary", "electrode"]


def test_interfaces_get_energies_of_their_own(tmp_path: Path) -> None:
    """Ea 0.6 eV of a charge transfer, from ln(1/R) and from ln(T/R)."""
    folder = tmp_path / "cells"
    folder.mkdir()
    for seed, celsius in enumerate((0.0, 20.0, 40.0, 60.0)):
        kelvin = celsius + 273.15
        R = 400 * math.exp(0.6 / 8.617333262e-5 * (1 / kelvin - 1 / 293.15))
        values = [60.0, 150, 1e-8, 0.9, R, 2e-6, 0.9]
        spectrum = simulate("R0-p(R1,CPE1)-p(R2,CPE2)", FREQUENCY, values, 0.003, seed)
        write_spectra(folder / f"li_{celsius:g}degC.csv", [spectrum])
    write_table(folder / "samples.csv", [{"file": "*", "sample_id": "LiLi", "cell_type": "symmetric"}])
    run("fit", folder, "--circuit", "symmetric_li", "--out", tmp_path / "out", *QUICK)
    found = {
        r["form"]: r
        for r in rows(tmp_path / "out" / "arrhenius_alternatives.csv")
        if r["quantity"] == "interface R_int"
    }
    assert abs(float(found["ln_1_over_R"]["Ea_eV"]) - 0.6) < 3 * float(found["ln_1_over_R"]["u_Ea_eV"])
    assert float(found["ln_T_over_R"]["Ea_eV"]) > float(found["ln_1_over_R"]["Ea_eV"])
    assert rows(tmp_path / "out" / "arrhenius.csv") == []  # without a geometry there is no conductivity
