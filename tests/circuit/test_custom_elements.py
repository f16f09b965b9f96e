"""Tests of custom elements: fits equal to those of built-in twins, and error messages."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eistool import (
    Circuit,
    CircuitError,
    FitError,
    compare_circuits,
    fit,
    fit_global,
    fit_many,
    load_circuit,
    register_element,
    simulate,
)
from eistool.circuit import ELEMENTS, ParameterSpec
from eistool.circuit.drawing import draw_text
from eistool.typing import ComplexArray, FloatArray
from tests.custom_elements import forget_elements, registered, twins

FREQUENCY = np.geomspace(1e6, 0.1, 71)
ARC = [("R", "ohm"), ("tau", "s"), ("alpha", "")]


@pytest.fixture(autouse=True)
def _no_others() -> None:
    forget_elements()


def arc(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
    return np.asarray(R / (1 + (1j * omega * tau) ** alpha), dtype=np.complex128)


@pytest.mark.parametrize(
    ("custom", "built_in", "values", "options"),
    [
        ("R0-CustomZarc1", "R0-Zarc1", [10, 100, 1e-3, 0.9], {}),
        ("R0-p(R1,CustomFWo1)", "R0-p(R1,FWo1)", [10, 100, 50, 1e-2, 0.45], {}),
        ("CustomL0-R0-p(R1,CPE1)-CustomCPE2", "L0-R0-p(R1,CPE1)-CPE2", [1e-6, 10, 100, 1e-7, 0.9, 1e-3, 0.8], {}),
        ("R0-p(R1-CustomW1,CustomCPE1)", "R0-p(R1-W1,CPE1)", [10, 100, 60, 1e-6, 0.9], {}),
        ("CustomLa1-CustomR0-p(R1,C1)", "La1-R0-p(R1,C1)", [1e-5, 0.8, 10, 100, 1e-6], {}),
        ("R0-CustomCPE1", "R0-CPE1", [10, 1e-3, 0.8], {"fixed": {"{}CPE1.Q": 1.02e-3}}),
        ("R0-CustomCPE1", "R0-CPE1", [10, 1e-3, 0.8], {"bounds": {"{}CPE1.Q": (1.1e-3, 1)}}),
        ("R0-CustomCPE1-CustomLa2", "R0-CPE1-La2", [10, 1e-3, 0.8, 1e-5, 0.9], {"fixed": {"{}La2.L": 1.02e-5}}),
    ],
)
def test_fit_equals_that_of_the_built_in_twin(
    custom: str, built_in: str, values: list[float], options: dict[str, Any]
) -> None:
    spectrum = simulate(built_in, FREQUENCY, values, noise=0.003, seed=1)
    with twins(
        *{
            "Custom" + element.symbol
            for element in Circuit(built_in).elements
            if "Custom" + element.symbol in custom
        }
    ):
        custom_options: dict[str, Any] = {
            key: {k.format("Custom"): v for k, v in value.items()} for key, value in options.items()
        }
        result = fit(spectrum, custom, **custom_options)
        np.testing.assert_allclose(
            result.impedance, Circuit(custom).impedance(FREQUENCY, result.values), rtol=1e-10
        )
    built_in_options: dict[str, Any] = {
        key: {k.format(""): v for k, v in value.items()} for key, value in options.items()
    }
    expected = fit(spectrum, built_in, **built_in_options)
    assert result.chi2 == pytest.approx(expected.chi2, rel=1e-7)
    assert result.statuses == expected.statuses
    np.testing.assert_allclose(result.values, expected.values, rtol=1e-3)
    assert result.noise_covariance is not None
    assert expected.noise_covariance is not None
    variance, expected_variance = np.diag(result.noise_covariance), np.diag(expected.noise_covariance)
    np.testing.assert_allclose(variance, expected_variance, rtol=2e-2)


def test_a_fixed_q_beside_a_time_constant() -> None:
    """The exponent acts on ω in 1/s, the time constant on ω in the internal unit of the fit."""

    def lossy(omega: FloatArray, R: float, tau: float, Q: float, alpha: float) -> ComplexArray:
        return np.asarray(1 / ((1 + 1j * omega * tau) / R + Q * (1j * omega) ** alpha), dtype=np.complex128)

    spectrum = simulate("R0-p(K1,CPE1)", FREQUENCY, [10, 100, 1e-5, 1e-4, 0.8], noise=0.003, seed=1)
    expected = fit(spectrum, "R0-p(K1,CPE1)", fixed={"CPE1.Q": 1.1e-4})
    with registered("Lossy", [("R", "ohm"), ("tau", "s"), ("Q", "S s^alpha"), ("alpha", "")], lossy):
        result = fit(spectrum, "R0-Lossy1", fixed={"Lossy1.Q": 1.1e-4})
    assert result.chi2 == pytest.approx(expected.chi2, rel=1e-8)
    np.testing.assert_allclose(result.values, expected.values, rtol=1e-4)


def test_custom_elements_are_accepted_everywhere(tmp_path: Path) -> None:
    with registered("Lossy", ARC, arc) as spec:
        assert spec.title == "custom element"
        circuit = Circuit("L0-R0-p(Lossy_gb,C1)")
        assert circuit.parameters == ("L0", "R0", "Lossy_gb.R", "Lossy_gb.tau", "Lossy_gb.alpha", "C1")
        assert circuit.to_latex() == (
            r"Z(\omega)=j\omega L_{0}+R_{0}+\frac{1}{\frac{1}{Z_{\mathrm{Lossy}}\left(\omega,"
            r"R_{\mathrm{Lossy\_gb}},\tau_{\mathrm{Lossy\_gb}},\alpha_{\mathrm{Lossy\_gb}}\right)}+j\omega C_{1}}"
        )
        assert "[Lossy_gb]" in draw_text(circuit.tree)
        assert "custom element" in circuit._repr_html_()
        assert pickle.loads(pickle.dumps(circuit)) == circuit  # noqa: S301
        (tmp_path / "mine.toml").write_text(
            'name = "mine"\ncircuit = "R0-Lossy1"\n[roles]\nR0="lead"\nLossy1="bulk"\n'
        )
        mine = load_circuit("mine", [tmp_path])
        spectra = [simulate(mine, FREQUENCY, [10, R, 1e-3, 0.9], noise=0.003, seed=R) for R in range(50, 56)]
        one, two = fit_many(spectra, mine, jobs=1), fit_many(spectra, mine, jobs=3)
        for a, b in zip(one, two, strict=True):
            assert a.status == "ok"
            assert a.values.tobytes() == b.values.tobytes()
            assert a.covariance.tobytes() == b.covariance.tobytes()
        assert compare_circuits(spectra[0], ["R0-p(R1,C1)", mine])[0].circuit == mine
        together = fit_global(spectra, mine, shared=["Lossy1.alpha"])
        assert together.shared["Lossy1.alpha"].value == pytest.approx(0.9, abs=0.01)
        assert one[0].confidence(parameters=["R0"])["R0"].low < 10.1
        with pytest.raises(CircuitError, match=r"impedance.py has no equivalent of Lossy"):
            mine.to_impedance_py()


def test_a_circuit_outlives_its_element() -> None:
    with registered("Lossy", ARC, arc):
        circuit = Circuit("R0-Lossy1")
        stored = pickle.dumps(circuit)
    with pytest.raises(CircuitError, match="unknown element 'Lossy'"):
        circuit.impedance(FREQUENCY, [1, 1, 1, 1])
    with pytest.raises(CircuitError, match="unknown element 'Lossy'"):
        pickle.loads(stored)  # noqa: S301
    with pytest.raises(
        CircuitError, match=r"unknown element 'Lossy'; .* choose from .*register_element adds your own"
    ):
        Circuit("R0-Lossy1")


def test_registering_again() -> None:
    def another(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
        return 2 * arc(omega, R, tau, alpha)

    values = [100, 1e-3, 1]
    with registered("Lossy", ARC, arc):
        circuit = Circuit("Lossy1")
        register_element("Lossy", ARC, arc)
        before = circuit.impedance(FREQUENCY, values)
        with pytest.raises(CircuitError, match="registered before; choose another symbol, or give replace=True"):
            register_element("Lossy", ARC, another)
        register_element("Lossy", ARC, another, title="twice", replace=True)
        np.testing.assert_allclose(circuit.impedance(FREQUENCY, values), 2 * before)
        with pytest.raises(CircuitError, match="registered with other parameters"):
            register_element("Lossy", ARC[:2], lambda omega, R, tau: R + 0j * omega, replace=True)
    # running a notebook cell again creates a new, equal function
    cell = "def f(omega, R): return R + 0j * omega"
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    exec(cell, first)  # noqa: S102
    exec(cell, second)  # noqa: S102
    with registered("Lossy", [("R", "ohm")], first["f"]):
        register_element("Lossy", [("R", "ohm")], second["f"])
    # arrays cannot be compared
    scaled = "import numpy as np\ndef f(omega, R, by=np.ones(2)): return R * by[0] + 0j * omega"
    exec(scaled, first)  # noqa: S102
    exec(scaled, second)  # noqa: S102
    with registered("Lossy", [("R", "ohm")], first["f"]), pytest.raises(CircuitError, match="registered before"):
        register_element("Lossy", [("R", "ohm")], second["f"])


@pytest.mark.parametrize(
    ("symbol", "parameters", "function", "words"),
    [
        ("R", ARC, arc, "element R: the symbol of a built-in element"),
        ("Q", ARC, arc, "element Q: the symbol of a built-in element"),
        ("pore", ARC, arc, "the first a capital"),
        ("Pore1", ARC, arc, "expected letters"),
        (5, ARC, arc, "expected letters"),
        ("Pore", [("R", "ohm"), ("D", "m^2/s")], arc, r"parameter \('D', 'm\^2/s'\); give \(name, unit\)"),
        ("Pore", ["R"], arc, "parameter 'R'; give"),
        ("Pore", [ParameterSpec("R", "ohm", "heat")], arc, "kind of R is 'heat'; choose from resistance"),  # type: ignore
        ("Pore", [("R_1", "ohm")], arc, "'R_1'; give letters and digits"),
        ("Pore", [("R", "ohm"), ("R", "s")], arc, "R occurs twice"),
        ("Pore", [("alpha", ""), ("Q", "S s^α")], arc, r"Q in S s\^α; add the exponent α after it"),
        ("Pore", [("tau", "s")], lambda omega, tau: 1j * omega * tau, "no parameter has a unit with ohm"),
        ("Pore", [], lambda omega: 1j * omega, "no parameter has a unit with ohm"),
        ("Pore", ARC[:2], arc, r"TypeError: .*alpha.*called as impedance\(omega, R, tau\) with R=1.3, tau=1.3"),
        ("Pore", ARC, lambda omega, R, tau, alpha: R, r"returned float64 of shape \(\); return 9 complex"),
        ("Pore", [("R", "ohm")], lambda omega, R: [None] * 9, "returned object"),
        ("Pore", [("R", "ohm")], lambda omega, R: np.multiply(omega, R, out=omega), "read-only"),
        ("Pore", [("R", "ohm")], lambda omega, R: R / (0 * omega), "returned inf at omega=0.01, R=1.3"),
        (
            "Pore",
            [("R", "ohm"), ("tau", "H")],
            lambda omega, R, tau: R / (1 + 1j * omega * tau),
            "not an impedance in",
        ),
        ("Pore", [("R", "ohm")], lambda omega, R: R / (1 + 1e-3j * omega), "for R in ohm; correct a unit"),
        ("Pore", [("R", "ohm")], lambda omega, R: max(R, 1e-3) + 0j * omega, "for R in ohm; correct a unit"),
        (
            "Pore",
            [("Q", "S s^α"), ("alpha", "")],
            lambda omega, Q, alpha: Q * (1j * omega) ** alpha,
            "not an impedance",
        ),
    ],
)
def test_mistakes_are_named(symbol: Any, parameters: Any, function: Callable[..., Any], words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        register_element(symbol, parameters, function)


def test_registration_keeps_the_meaning_of_codes() -> None:
    with registered("RQ", [("R", "ohm")], lambda omega, R: R + 0j * omega):
        assert repr(Circuit("R(RQ)")) == "R1-p(R2,CPE1)"
        assert repr(Circuit("RQ")) == "RQ1"
    with registered("Pore", ARC, arc), pytest.raises(CircuitError, match="CDC accepts built-in ones only"):
        Circuit("R(PoreC)")


def test_a_function_that_fails_somewhere() -> None:
    limit = 0.97

    def fails_above(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
        if alpha > limit:
            raise ValueError("too steep")
        return arc(omega, R, tau, alpha)

    spectrum = simulate("R0-Zarc1", FREQUENCY, [10, 100, 1e-3, 0.9], noise=0.003, seed=1)
    with registered("Pore", ARC, fails_above):
        circuit = Circuit("R0-Pore1")
        with pytest.raises(CircuitError, match=r"ValueError: too steep; it was called as .* alpha=0.98"):
            circuit.impedance(FREQUENCY, [1, 1, 1, 0.98])
        assert fit(spectrum, circuit).chi2 == pytest.approx(fit(spectrum, "R0-Zarc1").chi2, rel=1e-8)
        assert np.isfinite(circuit.impedance(FREQUENCY, [1, 1, 1, 0.5])).all()
        result = fit(spectrum, circuit)
        alpha = result.parameters["Pore1.alpha"]
        expected = result.confidence(parameters=["Pore1.alpha"])["Pore1.alpha"]
        limit = alpha.value + 5 * alpha.stderr
        interval = result.confidence(parameters=["Pore1.alpha"])["Pore1.alpha"]
        assert interval.low == pytest.approx(expected.low, rel=1e-3)
        assert interval.high == pytest.approx(expected.high, rel=1e-3)

    def short(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
        return arc(omega[:60], R, tau, alpha)

    with registered("Pore", ARC, short):
        with pytest.raises(FitError, match=r"no start of R0-Pore1 led to .*: element Pore: .* of shape"):
            fit(spectrum, "R0-Pore1")
        assert fit_many([spectrum], "R0-Pore1")[0].status == "failed"


def test_keyboard_interrupt_is_raised() -> None:
    calls = []

    def interrupted(omega: FloatArray, R: float, tau: float, alpha: float) -> ComplexArray:
        calls.append(tau)
        if len(calls) > 50:
            raise KeyboardInterrupt
        return arc(omega, R, tau, alpha)

    spectrum = simulate("R0-Zarc1", FREQUENCY, [10, 100, 1e-3, 0.9], noise=0.003, seed=1)
    with registered("Pore", ARC, interrupted):
        with pytest.raises(KeyboardInterrupt):
            fit(spectrum, "R0-Pore1")
        assert len(calls) == 51
    assert fit(spectrum, "R0-Zarc1").status == "ok"


def test_upper_end_of_an_exponent() -> None:
    with registered(
        "Pore", ELEMENTS["FWo"].parameters, lambda omega, R, tau, alpha: R / (1j * omega * tau) ** alpha
    ):
        assert Circuit("Pore1").specs[2] == ParameterSpec("alpha", "", "exponent", 0.5)


def test_without_compilation() -> None:
    code = (
        "import numpy as np, eistool\n"
        "eistool.register_element('Ohm', [('R', 'ohm')], lambda omega, R: R + 0j * omega)\n"
        "print(eistool.Circuit('Ohm1-R2').impedance([1.0], [5, 6]).real[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "11.0\n"
