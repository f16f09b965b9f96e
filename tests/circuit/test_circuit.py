import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings

from eistool import Circuit, CircuitError, simulate
from eistool.circuit import ELEMENTS, Element, Parallel, Series
from tests.circuit.strategies import circuits

CIRCUIT = Circuit("R0-p(R1,CPE1)-Wo_d")
VALUES = {"R0": 10, "R1.R": 20, "CPE1.Q": 1e-6, "CPE1.alpha": 0.9, "Wo_d.R": 5, "Wo_d.tau": 2}


def test_names_units_and_index() -> None:
    assert CIRCUIT.parameters == ("R0", "R1", "CPE1.Q", "CPE1.alpha", "Wo_d.R", "Wo_d.tau")
    assert CIRCUIT.full_names == ("R0.R", "R1.R", "CPE1.Q", "CPE1.alpha", "Wo_d.R", "Wo_d.tau")
    assert CIRCUIT.units == ("ohm", "ohm", "S s^α", "", "ohm", "s")
    assert [element.name for element in CIRCUIT.elements] == ["R0", "R1", "CPE1", "Wo_d"]
    assert CIRCUIT.index("R1") == CIRCUIT.index("R1.R") == 1
    with pytest.raises(CircuitError, match=r"no parameter 'CPE1.n'; did you mean CPE1\."):
        CIRCUIT.index("CPE1.n")


def test_values_by_name_or_in_order() -> None:
    ordered = [10, 20, 1e-6, 0.9, 5, 2]
    assert CIRCUIT.values(VALUES).tolist() == ordered
    assert CIRCUIT.values(dict(reversed(VALUES.items()))).tolist() == ordered
    given_array = np.array(ordered)
    assert CIRCUIT.values(given_array) is not given_array


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"R0": 10}, "no value for R1, CPE1.Q"),
        (VALUES | {"R2": 1}, "no parameter 'R2'"),
        (VALUES | {"R0.R": 1}, "R0 is given twice"),
        (VALUES | {"R0": -1}, "R0=-1; give a finite, non-negative number"),
        (VALUES | {"R0": np.nan}, "R0=nan"),
        (VALUES | {"R0": np.inf}, "R0=inf"),
        (VALUES | {"R0": "ten"}, "not numbers"),
        (VALUES | {"CPE1.alpha": 1.1}, r"CPE1.alpha=1.1; give a number in \(0, 1\]"),
        (VALUES | {"CPE1.alpha": 0}, "CPE1.alpha=0"),
        ([1, 2, 3], r"shape \(3,\); give 6: R0"),
    ],
)
def test_wrong_values(values: object, words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        CIRCUIT.values(values)  # type: ignore[arg-type]


def test_equal_by_tree_hashable_copyable() -> None:
    assert len({Circuit("R0-C1"), Circuit("R0 - C1"), Circuit("C1-R0")}) == 2
    assert pickle.loads(pickle.dumps(CIRCUIT)) == CIRCUIT  # noqa: S301
    assert copy.deepcopy(CIRCUIT).parameters == CIRCUIT.parameters
    with pytest.raises(AttributeError):
        CIRCUIT.tree = Element("R", "1")  # type: ignore[misc]


def test_trees_are_normalised() -> None:
    r0, r1, c1 = Element("R", "0"), Element("R", "1"), Element("C", "1")
    assert Series((r0, Series((r1, c1)))) == Series((r0, r1, c1))
    assert Parallel((Parallel((r0, r1)), c1)) == Parallel((r0, r1, c1))
    assert Element("Q", "1") == Element("CPE", "1")
    with pytest.raises(CircuitError, match="1 parts; give two or more"):
        Series((r0,))
    for symbol, label in [("X", "1"), ("R", "gb"), ("R", "")]:
        with pytest.raises(CircuitError):
            Element(symbol, label)
    with pytest.raises(CircuitError, match="R0 occurs twice"):
        Circuit.from_tree(Series((r0, r0)))


def test_registry() -> None:
    first = ["R", "C", "L", "La", "CPE", "W", "Wo", "Ws", "FWo", "FWs", "G", "FG", "K", "Zarc", "HN", "RL"]
    assert list(ELEMENTS) == [*first, "TLMee", "TLMii", "TLMie", "TLMct", "deLevie"]
    for symbol, spec in ELEMENTS.items():
        assert spec.symbol == symbol
        assert all(parameter.latex in spec.equation for parameter in spec.parameters), symbol
        assert [p.upper for p in spec.parameters] == [
            np.inf if p.name not in ("alpha", "beta") else 0.5 if symbol in ("FWo", "FWs") else 1
            for p in spec.parameters
        ]


def _renders(latex: str) -> None:
    from matplotlib.mathtext import MathTextParser

    MathTextParser("path").parse(f"${latex}$")


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_latex_of_an_element_renders_with_its_label(symbol: str) -> None:
    _renders(ELEMENTS[symbol].equation)
    latex = Circuit(f"{symbol}7").to_latex()
    _renders(latex)
    assert latex.count("7}") >= len(ELEMENTS[symbol].parameters)
    for bare in ("R+", "R}", "R_{e}", "R_{i}", r"\tau}", r"\alpha}", "Q("):
        assert bare not in latex


@settings(max_examples=20, deadline=None)
@given(circuits())
def test_latex_of_any_circuit_renders(circuit: Circuit) -> None:
    _renders(circuit.to_latex())


def test_latex_of_nested_groups() -> None:
    assert Circuit("R0-p(R1-p(R2,C2),CPE1)").to_latex() == (
        r"Z(\omega)=R_{0}+\frac{1}{\frac{1}{R_{1}+\frac{1}{\frac{1}{R_{2}}+j\omega C_{2}}}"
        r"+Q_{1}(j\omega)^{\alpha_{1}}}"
    )
    assert Circuit("R_gb-R_1-K2").to_latex() == (
        r"Z(\omega)=R_{\mathrm{gb}}+R_{\mathrm{\_1}}+\frac{R_{\mathrm{K2}}}{1+j\omega\tau_{\mathrm{K2}}}"
    )


def test_html_names_parameters_and_units() -> None:
    html = CIRCUIT._repr_html_()
    assert "R0-p(R1,CPE1)-Wo_d" in html
    assert "<td>CPE1.Q</td>" in html
    assert "S s^α" in html


def test_names_of_an_alias_are_understood() -> None:
    by_alias = simulate("R0-Q1", [1.0, 10.0], {"R0": 1, "Q1.Q": 1e-5, "Q1.alpha": 0.9})
    by_symbol = simulate("R0-CPE1", [1.0, 10.0], [1, 1e-5, 0.9])
    assert by_alias.impedance.tolist() == by_symbol.impedance.tolist()
    with pytest.raises(CircuitError, match=r"CPE1 occurs twice \(Q1 is CPE1\)"):
        Circuit("R0-p(R1,Q1)-CPE1")
