"""``eistool polarization``, ``subtract`` and ``irdrop``: published tables from raw files."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import eistool
from eistool.cli import main
from eistool.readers.writers import write_spectra
from eistool.settings import load_settings
from tests.batch.folders import rows
from tests.direct_current.files import A5, STACK_OHM, stack, write_conductors, write_record, write_stacks
from tests.direct_current.holds import simulate
from tests.direct_current.test_ir_drop import cycling
from tests.symmetric_cell.test_subtraction import full_cell, symmetric_cell


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


def write_symmetric(path: Path = Path("symmetric.mpt")) -> None:
    values = [1e-7, 23.0, 1.8, 2e-5, 0.85]
    write_spectra(path, [eistool.simulate("symmetric_in", np.geomspace(7e6, 0.1, 64), values, 0.003, 3)])


def test_electronic_conductivities_of_the_papers() -> None:
    """A3, A4 and B4 agree within 3 % and lie within the intervals."""
    true = write_conductors(Path("dc"))
    result = run("polarization", "dc", "--sigma-other", "2e-3,1e-4")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith("A3_0.mpt  A3_0  σ_electronic (6.")
    assert f"{len(true)} analysed, 0 failed" in result.stdout
    table = {row["source"]: row for row in rows(Path("eistool-results/polarization.csv"))}
    assert set(table) == set(true)
    for name, sigma in true.items():
        value, u = float(table[name]["sigma_S_per_cm"]), float(table[name]["u_sigma_S_per_cm"])
        assert table[name]["status"] == "ok"
        assert value == pytest.approx(sigma, rel=0.03), name
        assert abs(value - sigma) < 2 * u, name
    assert float(table["B4_0.csv"]["ratio"]) == pytest.approx(2.35e-7, rel=0.03)
    assert (table["B4_0.csv"]["n_voltages"], table["B4_0.csv"]["linear"]) == ("3", "true")
    assert table["A3_0.mpt"]["linear"] == ""
    for name in true:
        assert Path(f"eistool-results/polarization/{name}.png").read_bytes().startswith(b"\x89PNG")
    run_json = json.loads(Path("eistool-results/run.json").read_text())
    assert run_json["exit_code"] == 0


def test_ionic_conductivities_of_composites() -> None:
    """A5 agrees within 3 %: polarization of the stack minus the spectrum of the symmetric cell."""
    true = write_stacks(Path("stacks"))
    write_symmetric()
    full = [part for name in true for part in ("--full", f"stacks/{name}")]
    result = run("subtract", *full, "--symmetric", "symmetric.mpt", "--layers", "2", "--counter-electrodes", "2")
    assert result.exit_code == 0, result.output
    table = {row["source"]: row for row in rows(Path("eistool-results/subtraction.csv"))}
    for name, sigma in true.items():
        row = table[name]
        value, u = float(row["sigma_S_per_cm"]), float(row["u_sigma_S_per_cm"])
        assert value == pytest.approx(sigma, rel=0.03)
        assert abs(value - sigma) < 2 * u
        assert float(row["band_low_S_per_cm"]) < value < float(row["band_high_S_per_cm"])
        assert row["alternatives"].count(";") == 4
        assert f"{name}  " in result.stdout
    assert "each layer as the symmetric one, R_In of the pair" in result.stdout
    assert Path("eistool-results/subtraction/1.A5_0.mpt.png").read_bytes().startswith(b"\x89PNG")


def test_three_thicknesses_need_no_symmetric_cell() -> None:
    for thickness in (50, 100, 200):
        write_record(Path(f"L{thickness}.csv"), *simulate(stack(thickness, A5[0]), thickness))
    full = [part for thickness in (50, 100, 200) for part in ("--full", f"L{thickness}.csv")]
    result = run(
        "subtract", *full, "--symmetric", "24.8,0.2", "--interface", "0.9,0.1", "--layers", "2",
        "--counter-electrodes", "2", "--thicknesses-um", "50,100,200", "--diameter-mm", "10",
        "--u-thickness-um", "1.5", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    regression = json.loads(result.stdout)["regression"]
    assert regression["sigma_S_per_cm"] == pytest.approx(A5[0], rel=0.03)
    assert abs(regression["intercept_ohm"] - STACK_OHM) < 2 * regression["u_intercept_ohm"]
    last = rows(Path("eistool-results/subtraction.csv"))[-1]
    assert (last["kind"], last["status"]) == ("regression", "ok")
    assert Path("eistool-results/subtraction/thickness.png").exists()


def test_thick_composites_give_bounds() -> None:
    """T9: 300 µm in two hours."""
    write_record(Path("thick.mpt"), *simulate(stack(300, A5[0], 4700.0), 1))
    result = run("polarization", "thick.mpt", "--mode", "electron_blocking", "--thickness-um", "300",
                 "--diameter-mm", "10")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "not resolvable, < " in result.stdout
    [row] = rows(Path("eistool-results/polarization.csv"))
    assert (row["sigma_S_per_cm"], row["status"]) == ("", "not_resolvable")
    assert float(row["upper_limit"]) > 0.5e-4
    write_symmetric()
    refused = run("subtract", "--full", "thick.mpt", "--symmetric", "symmetric.mpt", "--layers", "2",
                  "--counter-electrodes", "2")  # fmt: skip
    assert refused.exit_code == 1
    assert "time constants" in refused.stdout


def test_spectra_are_subtracted_and_written() -> None:
    write_spectra("full.csv", [full_cell()])
    write_spectra("sym.csv", [symmetric_cell()])
    result = run("subtract", "--full", "full.csv", "--symmetric", "sym.csv", "--layers", "1",
                 "--counter-electrodes", "1")  # fmt: skip
    assert result.exit_code == 0, result.output
    [left] = eistool.read("eistool-results/subtraction/1.full.csv.csv")
    fitted = eistool.fit(left, "R0-p(R1,CPE1)-CPE2")
    assert fitted.parameters["R1"].value == pytest.approx(40, abs=4 * fitted.parameters["R1"].stderr)
    assert abs(fitted.parameters["R0"].value) < 0.3
    assert rows(Path("eistool-results/subtraction.csv"))[0]["kind"] == "spectrum"


def test_settings_file_serves_a_batch() -> None:
    write_stacks(Path("stacks"))
    write_symmetric()
    Path("eistool.toml").write_text(
        '[subtraction]\nfull = ["stacks/A5_*.mpt"]\nsymmetric = "symmetric.mpt"\nlayers = 2\n'
        "counter_electrodes = 2\n"
    )
    result = run("subtract", "--plots", "none")
    assert result.exit_code == 0, result.output
    assert len(rows(Path("eistool-results/subtraction.csv"))) == 3
    other = run("subtract", "--layers", "1", "--plots", "none", "--out", "other")
    assert other.exit_code == 0
    assert rows(Path("other/subtraction.csv"))[0]["layers"] == "1"


def test_documented_settings_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "direct_current.md").read_text(encoding="utf-8")
    (tmp_path / "eistool.toml").write_text(text.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    settings = load_settings(tmp_path).subtraction
    assert settings.symmetric == str(tmp_path / "symmetric.mpt")
    assert (settings.layers, settings.full_layer) == (2, (430, 10))


def test_pressures_come_from_the_samples_table() -> None:
    write_symmetric()
    write_record(Path("stack.mpt"), *simulate(stack(100, A5[0]), 1))
    Path("samples.csv").write_text("file,pressure_MPa\nstack.mpt,64\nsymmetric.mpt,21\n")
    result = run("subtract", "--full", "stack.mpt", "--symmetric", "symmetric.mpt", "--layers", "2",
                 "--counter-electrodes", "2")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "the full cell was at 64 MPa, the symmetric one at 21 MPa" in result.stdout


def test_numbers_alone() -> None:
    """T7."""
    result = run(
        "subtract", "--full", "275.2,0.5", "--symmetric", "24.8,0.2", "--interface", "0.9,0.1", "--layers", "2",
        "--counter-electrodes", "2", "--thickness-um", "100", "--u-thickness-um", "1.5", "--diameter-mm", "10",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for text in ("227.40 ± ", "184.6", "228.3", "250.4", "251.3", "σ (5.60 ± 0.10)e-05 S/cm"):
        assert text in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["subtract", "--full", "1,1"], 2, "without --symmetric, --layers, --counter-electrodes"),
        (["subtract", "--full", "x.mpt", "--symmetric", "1,0", "--layers", "1", "--counter-electrodes", "1"], 1,
         "x.mpt: no such file; expected a file"),
        (["subtract", "--full", "9,1", "--symmetric", "1,0", "--layers", "1", "--counter-electrodes", "1",
          "--thicknesses-um", "1,2"], 2, "2 thicknesses for 1 full cells"),
        (["subtract", "--full", "9,1", "--symmetric", "1,-1", "--layers", "1", "--counter-electrodes", "1"], 1,
         "an uncertainty of 0 or more"),
        (["polarization", "bad.csv"], 3, "nothing readable in bad.csv"),
        (["polarization", "nowhere"], 2, "does not exist"),
        (["irdrop", "bad.csv"], 2, "bad.csv"),
    ],
)  # fmt: skip
def test_wrong_usage(arguments: list[str], code: int, message: str) -> None:
    Path("bad.csv").write_text("time_s,current_A\n1,2\n2,3\n3,4\n")
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.output


def test_drops_of_three_electrodes() -> None:
    """A8."""
    t, current, _, working, counter = cycling(dt=10.0)
    lines = ["time/s\tI/mA\tEwe/V\tEce/V"]
    lines += [
        f"{a:.1f}\t{1e3 * i:.6f}\t{w:.6f}\t{c:.6f}"
        for a, i, w, c in zip(t, current, working, counter, strict=True)
    ]
    Path("cycling.txt").write_text("\n".join(lines) + "\n")
    result = run("irdrop", "cycling.txt", "--reference", "In/InLi")
    assert result.exit_code == 0, result.output
    table = rows(Path("eistool-results/irdrop.csv"))
    first = {row["electrode"]: row for row in table[:3]}
    assert float(first["working"]["resistance_ohm"]) == pytest.approx(30, abs=2)
    assert float(first["counter"]["resistance_ohm"]) == pytest.approx(-45, abs=2)
    assert float(first["working"]["potential_V"]) == pytest.approx(2.09, abs=2e-3)
    described = json.loads(run("irdrop", "cycling.txt", "--json").stdout)
    assert len(described["events"]) == 9
