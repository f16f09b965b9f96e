import numpy as np
import pytest

from eistool import Circuit, CircuitError
from eistool.circuit import ELEMENTS, values_from_impedance_py
from eistool.circuit.interop import TO_IMPEDANCE_PY
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
def test_elements_without_equivalent_are_refused(symbol: str) -> None:
    with pytest.raises(CircuitError, match=f"{symbol}1: impedance.py has no equivalent of {symbol}"):
        Circuit(f"R0-{symbol}1").to_impedance_py()
    with pytest.raises(CircuitError, match="unknown element"):
        Circuit.from_impedance_py(f"R0-{symbol}1")


@pytest.mark.parametrize("text", ["R0-Gs1", "T1", "p(R1,T_2)"])
def test_their_elements_without_equivalent_are_refused(text: str) -> None:
    with pytest.raises(CircuitError, match=r"no equivalent of impedance.py's element (Gs|T)$"):
        Circuit.from_impedance_py(text)


def test_every_element_of_impedance_py_is_decided_on() -> None:
    from impedance.models.circuits.elements import circuit_elements

    from eistool.circuit.interop import FROM_IMPEDANCE_PY

    theirs = {name for name, value in circuit_elements.items() if hasattr(value, "num_params")}
    assert theirs == FROM_IMPEDANCE_PY.keys() | {"Gs", "T"}


def test_names_become_numbers_that_are_free() -> None:
    model = Circuit("R_gb-R1-p(R_x,deLevie3)").to_impedance_py()
    assert model.circuit == "R2-R1-p(R3,TLMQ3)"
    assert model.initial_guess == []
    with pytest.raises(ValueError, match="No initial guess"):
        model.fit(FREQUENCY, FREQUENCY + 0j)
    with pytest.raises(CircuitError, match="give it 6, or fit it"):
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
