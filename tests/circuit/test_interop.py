import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eistool import Circuit, CircuitError, FitError, ReaderError, fit, simulate
from eistool.circuit import ELEMENTS, read_impedance_py_json, values_from_impedance_py
from eistool.circuit.interop import TO_IMPEDANCE_PY
from eistool.fitting.result import failed_result
from tests.reference import circuit_impedance

FREQUENCY = np.geomspace(1e-2, 1e4, 31)
PLAIN = {"R": 12.0, "C": 3e-4, "L": 2e-3, "Q": 4e-4, "sigma": 7.0, "tau": 0.02, "alpha": 0.83, "Ri": 15.0}


def plain_values(circuit: Circuit) -> dict[str, float]:
    return {name: PLAIN[spec.name] for name, spec in zip(circuit.parameters, circuit.specs, strict=True)}


@pytest.mark.parametrize("symbol", TO_IMPEDANCE_PY)
@pytest.mark.filterwarnings("ignore:Simulating circuit based on initial parameters")
def test_every_exchanged_element_has_the_same_impedance(symbol: str) -> None:
    circuit = Circuit(f"R0-p({symbol}1,R_x-{symbol}_a)")
    values = plain_values(circuit)
    model = circuit.to_impedance_py(values)
    np.testing.assert_allclose(model.predict(FREQUENCY), circuit_impedance(circuit, FREQUENCY, values), rtol=1e-12)
    again = Circuit.from_impedance_py(model)
    assert [element.symbol for element in again.elements] == [element.symbol for element in circuit.elements]
    back = values_from_impedance_py(model)
    np.testing.assert_allclose(list(back.values()), circuit.values(values), rtol=1e-12)
    np.testing.assert_allclose(
        circuit_impedance(again, FREQUENCY, back), circuit_impedance(circuit, FREQUENCY, values), rtol=1e-12
    )


@pytest.mark.parametrize("symbol", sorted(ELEMENTS.keys() - TO_IMPEDANCE_PY.keys()))
def test_elements_without_equivalent_are_rejected(symbol: str) -> None:
    with pytest.raises(CircuitError, match=f"{symbol}1: impedance.py has no equivalent of {symbol}"):
        Circuit(f"R0-{symbol}1").to_impedance_py()
    with pytest.raises(CircuitError, match="unknown element"):
        Circuit.from_impedance_py(f"R0-{symbol}1")


@pytest.mark.parametrize("text", ["R0-Gs1", "T1", "p(R1,T_2)"])
def test_foreign_elements_without_equivalent_are_rejected(text: str) -> None:
    with pytest.raises(CircuitError, match=r"no equivalent of impedance.py's element (Gs|T)$"):
        Circuit.from_impedance_py(text)


def test_every_element_of_impedance_py_is_covered() -> None:
    from impedance.models.circuits.elements import circuit_elements

    from eistool.circuit.interop import FROM_IMPEDANCE_PY

    names = {name for name, value in circuit_elements.items() if hasattr(value, "num_params")}
    assert names == FROM_IMPEDANCE_PY.keys() | {"Gs", "T"}


def test_names_become_unused_numbers() -> None:
    model = Circuit("R_gb-R1-p(R_x,deLevie3)").to_impedance_py()
    assert model.circuit == "R2-R1-p(R3,TLMQ3)"
    assert model.initial_guess == []
    with pytest.raises(ValueError, match="No initial guess"):
        model.fit(FREQUENCY, FREQUENCY + 0j)
    with pytest.raises(CircuitError, match="give 6, or fit the model"):
        values_from_impedance_py(model)


def test_models_with_constants_and_fitted_models() -> None:
    from impedance.models.circuits import CustomCircuit

    model = CustomCircuit("R0-p(R1,CPE_1)", initial_guess=[10.0, 1e-5, 0.9], constants={"R1": 50.0})
    circuit = Circuit.from_impedance_py(model)
    assert repr(circuit) == "R0-p(R1,CPE_1)"
    expected = {"R0": 10.0, "R1": 50.0, "CPE_1.Q": 1e-5, "CPE_1.alpha": 0.9}
    assert values_from_impedance_py(model) == expected
    model.parameters_ = np.array([11.0, 2e-5, 0.8])
    assert values_from_impedance_py(model) == {"R0": 11.0, "R1": 50.0, "CPE_1.Q": 2e-5, "CPE_1.alpha": 0.8}


def saved(tmp_path: Path, model: Any) -> Path:
    path = tmp_path / "model.json"
    model.save(path)
    return path


def test_saved_models_are_read(tmp_path: Path) -> None:
    from impedance.models.circuits import CustomCircuit

    constants = {"R1": 50.0, "CPE_1_1": 0.9}
    model = CustomCircuit("R0-p(R1,CPE_1)-La2", initial_guess=[10.0, 1e-5, 1e-4, 0.5], constants=constants)
    circuit, values = read_impedance_py_json(saved(tmp_path, model))
    assert repr(circuit) == "R0-p(R1,CPE_1)-La2"
    expected = {"R0": 10.0, "R1": 50.0, "CPE_1.Q": 1e-5, "CPE_1.alpha": 0.9, "La2.L": 1e-2, "La2.alpha": 0.5}
    assert values == pytest.approx(expected, rel=1e-12)
    model.parameters_, model.conf_ = np.array([11.0, 2e-5, 1e-4, 0.5]), np.array([1.0, 1e-6, 1e-5, 0.1])
    circuit, values = read_impedance_py_json(saved(tmp_path, model))
    assert values["R0"] == 11.0
    np.testing.assert_allclose(circuit.impedance(FREQUENCY, values), model.predict(FREQUENCY), rtol=1e-9)


@pytest.mark.parametrize("values", [[10.0, 50.0, 20.0, 0.5, 1e-5], [10.0, 50.0, 20.0, 0.5, 1e-5, 0.9]])
@pytest.mark.filterwarnings("ignore:Simulating circuit based on initial parameters")
def test_randles_models_are_read_fitted_or_not(tmp_path: Path, values: list[float]) -> None:
    from impedance.models.circuits import Randles

    model = Randles(initial_guess=values, CPE=len(values) == 6)
    circuit, guess = read_impedance_py_json(saved(tmp_path, model))
    assert list(guess.values()) == values
    exact = circuit.impedance(FREQUENCY, guess)
    np.testing.assert_allclose(exact, model.predict(FREQUENCY), rtol=1e-9)
    model.fit(FREQUENCY, 1.1 * exact)
    circuit, fitted = read_impedance_py_json(saved(tmp_path, model))
    assert fitted["R1"] == pytest.approx(55, rel=1e-3)
    np.testing.assert_allclose(circuit.impedance(FREQUENCY, fitted), model.predict(FREQUENCY), rtol=1e-9)


def test_round_trip_of_fits(tmp_path: Path) -> None:
    truth = [10.0, 100.0, 1e-4, 0.9, 1e-3, 0.8]
    spectrum = simulate("R0-p(R_ct,CPE1)-La_x", np.geomspace(1e-2, 1e5, 71), truth, noise=0.002, seed=1)
    result = fit(spectrum, "R0-p(R_ct,CPE1)-La_x", fixed={"R_ct": 100.0})
    model = result.to_impedance_py()
    assert model.circuit == "R0-p(R1,CPE1)-La1"
    assert model.constants == pytest.approx({"R1": 100.0})
    np.testing.assert_allclose(model.predict(spectrum.frequency), result.impedance, rtol=1e-9)
    stderr = [result.parameters[name].stderr for name in ("R0", "CPE1.Q", "CPE1.alpha", "La_x.alpha")]
    np.testing.assert_allclose(model.conf_[[0, 1, 2, 4]], stderr, rtol=1e-9)
    values, covariance = result.values, result.covariance[4:, 4:]
    draws = np.random.default_rng(1).multivariate_normal(values[4:], covariance, 20_000)
    assert model.conf_[3] == pytest.approx(np.std(draws[:, 0] ** (1 / draws[:, 1])), rel=0.05)
    _, back = read_impedance_py_json(saved(tmp_path, model))
    np.testing.assert_allclose(list(back.values()), values, rtol=1e-12)


def test_failed_fits_are_rejected() -> None:
    spectrum = simulate("R0-C1", FREQUENCY, [1.0, 1.0])
    with pytest.raises(FitError, match=r"the fit failed .* and has no values"):
        failed_result(spectrum, Circuit("R0-C1"), "modulus", "no reason").to_impedance_py()


GOOD: dict[str, object] = {"Name": None, "Circuit String": "R0-C1", "Initial Guess": [1, 2], "Constants": {}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Circuit String": 3}, ["Circuit String = 3", "str"]),
        ({"Circuit String": "R0-X1"}, ["Circuit String: ", "unknown element"]),
        ({"Circuit String": "R0-Gs1"}, ["Circuit String: ", "no equivalent of impedance.py's element Gs"]),
        ({"Initial Guess": [1]}, ["Initial Guess: ", "1 values"]),
        ({"Initial Guess": [1, "2"]}, ["expected numbers in Initial Guess, got '2'"]),
        ({"Initial Guess": [1, -2]}, ["Initial Guess: ", "C1=-2"]),
        ({"Constants": {"R7": 1}, "Initial Guess": [1]}, ["constant 'R7'", "R0, C1"]),
        ({"Fit": True}, ["no key 'Parameters'"]),
    ],
)
def test_errors_in_saved_models_are_named(tmp_path: Path, change: dict[str, object], words: list[str]) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**GOOD, "Fit": False, **change}))
    with pytest.raises((ReaderError, CircuitError)) as caught:
        read_impedance_py_json(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{}", b"\xff\xfe", b"{"])
def test_other_files_are_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(ReaderError, match=r"expected a model saved by impedance\.py"):
        read_impedance_py_json(path)
    with pytest.raises(ReaderError, match="cannot be read"):
        read_impedance_py_json(tmp_path / "none.json")
