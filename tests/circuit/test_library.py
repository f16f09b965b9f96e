from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool import Circuit, CircuitError, load_circuit, simulate
from eistool.circuit import as_circuit
from eistool.circuit.library import ROLES, circuit_names, load_library, load_library_circuit, replaced_circuits

FOLDER = Path(__file__).parents[2] / "circuits"
CIRCUIT = 'name = "own"\ncircuit = "R0-p(R1,CPE1)"\n'


def test_all_files_are_found() -> None:
    assert list(circuit_names()) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert len(circuit_names()) >= 34
    assert [entry.name for entry in load_library()] == list(circuit_names())


@pytest.mark.parametrize("name", circuit_names())
def test_every_circuit_is_complete(name: str) -> None:
    entry = load_library_circuit(name)
    assert entry.name == name
    assert entry.title
    assert entry.use.endswith(".")
    assert list(entry.roles) == [element.name for element in entry.circuit.elements]
    assert set(entry.roles.values()) <= set(ROLES)
    assert list(entry.ranges) == list(entry.circuit.parameters)
    assert load_circuit(name) == entry.circuit
    assert dict(load_circuit(name).roles) == entry.roles
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert f'circuit = "{entry.circuit}"' in text  # written in the canonical form


@pytest.mark.parametrize("name", circuit_names())
def test_every_example_is_fitted(name: str) -> None:
    entry = load_library_circuit(name)
    example = entry.example
    assert example is not None
    assert example.noise == 0.003
    for parameter, (low, high) in entry.ranges.items():
        assert low <= example.values[parameter] <= high
    spectrum = simulate(entry.circuit, example.frequency, example.values, noise=example.noise, seed=1)
    exact = entry.circuit.impedance(example.frequency, example.values)
    chi2_of_truth = np.sum(np.abs((spectrum.impedance - exact) / spectrum.impedance) ** 2)
    result = eistool.fit(spectrum, entry.circuit)
    assert result.status == "ok"
    assert result.chi2 <= 1.05 * chi2_of_truth


def test_unknown_names() -> None:
    with pytest.raises(CircuitError, match="no library circuit 'bulk_gp_spike'; did you mean bulk_gb_spike"):
        load_circuit("bulk_gp_spike")


def write(folder: Path, text: str, name: str = "own") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_user_folders_come_first(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, circuit in ((first, "R0-C1"), (second, "R0-L1")):
        folder.mkdir()
        write(folder, f'name = "own"\ncircuit = "{circuit}"\n')
    spike = write(second, 'name = "spike"\ncircuit = "R0-C7"\n', "spike")
    write(second, "[fit]\n", "eistool")
    assert load_circuit("own", [first, second]) == Circuit("R0-C1")
    assert load_circuit("own", [second, first]) == Circuit("R0-L1")
    assert as_circuit("spike", [first, second]) == Circuit("R0-C7")
    assert replaced_circuits([first, second]) == {"spike": spike}
    assert replaced_circuits([first]) == {}
    assert set(circuit_names([first])) == {*circuit_names(), "own"}
    assert load_circuit("spike") == Circuit("L0-R0-CPE1")  # folders are not kept
    assert load_library_circuit("own", [first]).example is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", ["write TOML"]),
        ('circuit = "R0"', ["missing key 'name'"]),
        ('name = "own"', ["missing key 'circuit'"]),
        ('name = "other"\ncircuit = "R0-C1"', ["name = 'other'", "'own'"]),
        ('name = "own"\ncircuit = "R0-X1"', ["circuit = 'R0-X1'", "column 4"]),
        ('name = "own"\ncircuit = 3', ["circuit = 3", "write an expression"]),
        (CIRCUIT + 'tilte = "x"', ["unknown key 'tilte'", "title"]),
        (CIRCUIT + '[roles]\nR0 = "bluk"', ["roles.R0 = 'bluk'", "'bulk'"]),
        (CIRCUIT + '[roles]\nR0 = "bulk"', ["roles of R0", "R0, R1, CPE1"]),
        (CIRCUIT + "[ranges]\nR0 = [1, 2]", ["ranges of R0", "CPE1.Q"]),
        (
            CIRCUIT + "[ranges]\nR0 = [2, 1]\nR1 = [1, 2]\nCPE1 = {Q = [1, 2], alpha = [0, 1]}",
            ["ranges.R0", "low < high"],
        ),
        (
            CIRCUIT + "[ranges]\nR0 = [1, 2]\nR1 = [1, 2]\nCPE1 = {Q = [1, 2], alpha = [0, 2]}",
            ["CPE1.alpha", "<= 1"],
        ),
        (CIRCUIT + "[ranges]\nR0 = [1]", ["ranges.R0.1"]),
        (CIRCUIT + 'references = ["Smith 1999"]', ["references.0 = 'Smith 1999'"]),
        (
            CIRCUIT + "[example]\nfrequency_Hz = [1e5, 1]\n[example.values]\nR0 = 1",
            ["example.values", "no value for R1"],
        ),
        (
            CIRCUIT + "[example]\nfrequency_Hz = [1e5, 0]\nvalues = {R0 = 1}",
            ["example.frequency_Hz.1", "greater than 0"],
        ),
        (
            CIRCUIT + "[example]\nf = 1\nfrequency_Hz = [1e5, 1]\nvalues = {R0 = 1}",
            ["unknown key 'example.f'", "noise"],
        ),
    ],
)
def test_errors_are_named(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(CircuitError) as caught:
        load_circuit("own", [tmp_path])
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_example_within_ranges(tmp_path: Path) -> None:
    text = (
        'name = "own"\ncircuit = "R0"\n[ranges]\nR0 = [1, 2]\n[example]\nfrequency_Hz = [10, 1]\nvalues = {R0 = 3}'
    )
    write(tmp_path, text)
    with pytest.raises(CircuitError, match=r"example.values.R0 = 3; give a value from 1 to 2"):
        load_circuit("own", [tmp_path])


def test_invalid_folders_and_file_names(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="no such folder"):
        circuit_names([tmp_path / "none"])
    write(tmp_path, CIRCUIT, "My cell")
    with pytest.raises(CircuitError, match="'My cell' is not a valid circuit name"):
        load_circuit("spike", [tmp_path])


def test_as_circuit_takes_all_three() -> None:
    circuit = Circuit("L0-R0-CPE1")
    assert as_circuit(circuit) is circuit
    assert as_circuit("L0-R0-Q1") == as_circuit("spike") == circuit
    assert as_circuit("deLevie1") == Circuit("deLevie1")
    with pytest.raises(CircuitError, match="did you mean randles"):
        as_circuit("randels")
    with pytest.raises(CircuitError, match="column 4"):
        as_circuit("R0-X1")
    with pytest.raises(CircuitError, match="give an expression"):
        as_circuit(None)  # type: ignore[arg-type]


def test_public_names() -> None:
    assert eistool.load_circuit is load_circuit
    assert eistool.Circuit is Circuit


def test_the_documented_file_is_valid(tmp_path: Path) -> None:
    page = (FOLDER.parent / "docs" / "circuits.md").read_text(encoding="utf-8")
    write(tmp_path, page.partition("```toml\n")[2].partition("```")[0], "garnet")
    entry = load_library_circuit("garnet", [tmp_path])
    assert entry.example is not None
    assert entry.ranges["CPE_co.Q"] == (1e-9, 1e-6)
    page_roles = page.partition("Roles are ")[2].partition(". Error messages")[0].replace(" and\n", ", ")
    assert page_roles.replace("\n", " ").split(", ") == list(ROLES)
