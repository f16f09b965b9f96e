"""``eistool circuits``, and custom circuits in the other commands."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eistool import read
from eistool.circuit.library import circuit_names
from eistool.cli import main
from tests.batch.folders import make_folder, rows

OWN = 'name = "own"\ntitle = "Mine [see notes]"\ncircuit = "R0-p(R1,CPE1)"\n'


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_all_are_listed() -> None:
    result = run("circuits")
    assert result.exit_code == 0, result.output
    words = result.stdout.split()
    assert all(name in words for name in circuit_names())
    assert [entry["name"] for entry in json.loads(run("circuits", "--json").stdout)] == list(circuit_names())


def test_text_is_searched() -> None:
    found = [entry["name"] for entry in json.loads(run("circuits", "Blocking electrode", "--json").stdout)]
    assert "bulk_gb_spike" in found
    assert "sofc" not in found
    assert "bulk_gb_spike" in run("circuits", "Blocking electrode").stdout


def test_one_is_shown() -> None:
    result = run("circuits", "bulk_gb_spike")
    assert result.exit_code == 0, result.output
    for text in (
        "──┬──[R_b]────┬──┬──[R_gb]────┬──[CPE1]──",
        r"Z(\omega)=\frac{1}{\frac{1}{R_{\mathrm{b}}}",
        "10 to 1e+06",
        "grain_boundary",
        "https://doi.org/10.1002/adma.19900020304",
    ):
        assert text in result.stdout
    shown = json.loads(run("circuits", "bulk_gb_spike", "--json").stdout)
    assert shown["circuit"] == "p(R_b,CPE_b)-p(R_gb,CPE_gb)-CPE1"
    assert shown["roles"]["R_gb"] == "grain_boundary"
    assert shown["ranges"]["CPE1.alpha"] == [0.5, 1.0]
    assert shown["example"]["values"]["R_b"] == 5000
    assert shown["units"]["CPE1.Q"] == "S s^α"


def test_plot(own: Path) -> None:
    result = run("circuits", "spike", "--plot", "spike.png")
    assert result.exit_code == 0, result.output
    assert result.stderr == "picture in spike.png\n"
    assert Path("spike.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "no circuit matches 'nonsense'"),
        (["diffusion", "--plot", "x.png"], "diffusion is not a circuit of the library"),
        (["--plot", "x.png"], "give the name of one"),
        (["spike", "--plot", "/no/such/folder/x.png"], "cannot be written"),
        (["--circuits", "/no/such/folder"], "does not exist"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = run("circuits", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_own_circuits_by_option(own: Path) -> None:
    assert "Mine [see notes]" in run("circuits", "--circuits", "mine").stdout
    assert "R0-p(R1,CPE1)" in run("circuits", "own", "--circuits", "mine").stdout
    assert run("circuits", "own").exit_code == 2
    values = ("-p", "R0=10", "-p", "R1=100", "-p", "CPE1.Q=1e-6", "-p", "CPE1.alpha=0.9")
    result = run("simulate", "own", "--circuits", "mine", *values, "-o", "own.csv")
    assert result.exit_code == 0, result.output
    assert len(read("own.csv")) == 1


def test_option_before_environment_before_file(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in ("option", "environment", "file"):
        Path(source).mkdir()
        Path(source, "own.toml").write_text(f'name = "own"\ntitle = "by {source}"\ncircuit = "R0-C1"\n')
        Path(source, f"from_{source}.toml").write_text(f'name = "from_{source}"\ncircuit = "R0-C1"\n')
    Path("eistool.toml").write_text('circuits = "file"\n')
    assert "by file" in run("circuits", "own").stdout
    monkeypatch.setenv("EISTOOL_CIRCUITS", "environment")
    assert "by environment" in run("circuits", "own").stdout
    assert "by option" in run("circuits", "own", "--circuits", "option").stdout
    listed = run("circuits", "--circuits", "option").stdout
    assert all(f"from_{source}" in listed for source in ("option", "environment", "file"))


def test_a_replaced_circuit_is_noted(own: Path) -> None:
    (own / "spike.toml").write_text('name = "spike"\ncircuit = "R0-C7"\n')
    result = run("circuits", "spike", "--circuits", "mine")
    assert result.stderr == f"note: {Path('mine', 'spike.toml')} replaces the built-in circuit spike\n"
    assert "R0-C7" in result.stdout


def test_fit_by_a_circuit_of_the_measurements(own: Path) -> None:
    folder = make_folder(own.parent / "measurements")
    (folder / "eistool.toml").write_text('circuits = "../mine"\n[fit]\ncircuit = "own"\n')
    result = run("fit", "measurements")
    assert result.exit_code == 0, result.output
    assert {row["circuit"] for row in rows(Path("eistool-results", "fits.csv"))} == {"R0-p(R1,CPE1)"}
    options = json.loads(Path("eistool-results", "run.json").read_text(encoding="utf-8"))["settings"]
    assert options["circuit_folders"] == ["mine"]
