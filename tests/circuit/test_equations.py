"""Tests of the LaTeX equations: their evaluation equals the computed impedance."""

import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from eistool import Circuit
from eistool.circuit import ELEMENTS
from eistool.typing import ComplexArray
from tests.reference import circuit_impedance, coth, element_impedance

FREQUENCY = np.geomspace(1e-2, 1e2, 9)
OMEGA = 2 * np.pi * FREQUENCY
_SUBSCRIPT = r"_\{(?:[^{}]|\{[^{}]*\})*\}"
_TOKEN = re.compile(rf"\\(?:tau|alpha|beta|sigma){_SUBSCRIPT}|[RQLC]{_SUBSCRIPT}|\\[A-Za-z]+|\S")
_FUNCTIONS: Mapping[str, Callable[[ComplexArray], ComplexArray]] = {
    r"\tanh": np.tanh,
    r"\sinh": np.sinh,
    r"\coth": coth,
}


class Latex:
    """Evaluator of the LaTeX subset that equations use; juxtaposition multiplies."""

    def __init__(self, text: str, symbols: Mapping[str, complex | ComplexArray]) -> None:
        text = text.replace(r"\left", "").replace(r"\right", "").replace(r"\,", "")
        self.tokens = [*_TOKEN.findall(text), "end"]
        self.symbols = {r"\omega": OMEGA, "j": 1j, "1": 1, "2": 2} | dict(symbols)

    def take(self, expected: str = "") -> str:
        word: str = self.tokens.pop(0)
        assert expected in ("", word)
        return word

    def sum(self, closing: str) -> ComplexArray:
        total = self.product()
        while self.tokens[0] in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            total = total + sign * self.product()
        self.take(closing)
        return total

    def product(self) -> ComplexArray:
        result = self.power()
        while self.tokens[0] not in ("+", "-", ")", "}", "end"):
            result = result * self.power()
        return result

    def power(self) -> ComplexArray:
        base = self.atom()
        if self.tokens[0] == "^":
            self.take()
            base = base ** self.group()
        return base

    def group(self) -> ComplexArray:
        self.take("{")
        return self.sum("}")

    def atom(self) -> ComplexArray:
        word = self.take()
        if word == "(":
            return self.sum(")")
        if word == r"\frac":
            numerator = self.group()
            return numerator / self.group()
        if word == r"\sqrt":
            return np.sqrt(self.group() + 0j)
        if word in _FUNCTIONS:
            return _FUNCTIONS[word](self.power())
        return np.asarray(self.symbols[word], dtype=np.complex128)


VALUES = {"R": 12.0, "Re": 20.0, "Ri": 35.0, "Rct": 50.0, "C": 3e-3, "L": 2e-2, "Q": 4e-3}
VALUES |= {"sigma": 7.0, "tau": 0.03, "alpha": 0.83, "beta": 0.7}


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_equation_of_every_element(symbol: str) -> None:
    spec = ELEMENTS[symbol]
    values = [VALUES[parameter.name] for parameter in spec.parameters]
    symbols = {parameter.latex: value for parameter, value in zip(spec.parameters, values, strict=True)}
    Z = Latex(spec.equation, symbols).sum("end")
    np.testing.assert_allclose(Z + 0 * OMEGA, element_impedance(symbol, OMEGA, *values), rtol=1e-10)


@pytest.mark.parametrize(
    "expression",
    [
        "R0-p(R1,CPE1)-CPE2",
        "p(R1-p(R2-L3,C2),CPE1,Wo1-TLMct2)-p(C3,C4)",
        "p(p(R1,C1)-p(R2,CPE2),La1-L1)",
        *(f"p({symbol}1,R1-{symbol}2)" for symbol in ELEMENTS if symbol != "R"),
    ],
)
def test_equation_of_circuits(expression: str) -> None:
    circuit = Circuit(expression)
    factors = np.linspace(0.7, 1.2, len(circuit.parameters))
    values = factors * [VALUES[spec.name] for spec in circuit.specs]
    symbols = {}
    names = [(element, spec) for element in circuit.elements for spec in element.spec.parameters]
    for (element, spec), value in zip(names, values, strict=True):
        base, _, index = spec.latex.partition("_")
        plain = element.symbol in ("R", "C", "L", "CPE", "W")
        subscript = element.label if plain else rf"\mathrm{{{element.name}}}"
        symbols[f"{base}_{{{index.strip('{}') + ',' if index else ''}{subscript}}}"] = value
    assert len(symbols) == len(values)
    latex = circuit.to_latex().removeprefix(r"Z(\omega)=")
    Z = Latex(latex, symbols).sum("end")
    np.testing.assert_allclose(Z, circuit_impedance(circuit, FREQUENCY, values), rtol=1e-10)
