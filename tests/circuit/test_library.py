from pathlib import Path

import pytest

import eistool
from eistool import Circuit, CircuitError, load_circuit
from eistool.circuit import LibraryCircuit, as_circuit, circuit_names, load_library_circuit

FOLDER = Path(__file__).parents[2] / "circuits"


def test_all_files_are_found() -> None:
    assert list(circuit_names()) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert len(circuit_names()) >= 30


@pytest.mark.parametrize("name", circuit_names())
def test_every_circuit_loads(name: str) -> None:
    entry = load_library_circuit(name)
    assert entry.name == name
    assert entry.title
    assert entry.use.endswith(".")
    assert list(entry.roles) == [element.name for element in entry.circuit.elements]
    assert load_circuit(name) == entry.circuit
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert f'circuit = "{entry.circuit}"' in text  # written in the canonical form


def test_unknown_names_and_roles() -> None:
    with pytest.raises(CircuitError, match="no library circuit 'bulk_gp_spike'; did you mean bulk_gb_spike"):
        load_circuit("bulk_gp_spike")
    with pytest.raises(CircuitError, match="give one for each of R0, C1"):
        LibraryCircuit("x", "x", Circuit("R0-C1"), "x", {"R0": "bulk"})
    with pytest.raises(CircuitError, match="C1 has the role 'bluk'"):
        LibraryCircuit("x", "x", Circuit("R0-C1"), "x", {"R0": "bulk", "C1": "bluk"})


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
