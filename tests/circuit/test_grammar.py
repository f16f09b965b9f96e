import pytest
from hypothesis import given
from hypothesis import strategies as st

from eistool import Circuit, CircuitError
from eistool.circuit import ELEMENTS, Node, Parallel
from tests.circuit.strategies import circuits


@given(circuits())
def test_round_trip(circuit: Circuit) -> None:
    again = Circuit(repr(circuit))
    assert again == circuit
    assert hash(again) == hash(circuit)
    assert repr(again) == str(circuit)


def _cdc(node: Node, within_parallel: bool = False) -> str:
    if not hasattr(node, "parts"):
        return str(node)
    inner = "".join(_cdc(part, isinstance(node, Parallel)) for part in node.parts)
    if isinstance(node, Parallel):
        return f"({inner})"
    return f"[{inner}]" if within_parallel else inner


@given(circuits().filter(lambda circuit: "_" not in repr(circuit) and "RL" not in repr(circuit)))
def test_both_dialects_give_the_same_tree(circuit: Circuit) -> None:
    assert Circuit(_cdc(circuit.tree)) == circuit


@pytest.mark.parametrize(
    ("expression", "canonical"),
    [
        ("R(RQ)Q", "R1-p(R2,CPE1)-CPE2"),
        ("R(Q[RW])", "R1-p(CPE1,R2-W1)"),
        (" L [ R ( C R ) ] ", "L1-R1-p(C1,R2)"),
        ("R(CPE[RWo])(RZarc)LaTLMee", "R1-p(CPE1,R2-Wo1)-p(R3,Zarc1)-La1-TLMee1"),
        ("L(RL)", "L1-p(R1,L2)"),
        ("R0-p(R,Q)-Q", "R0-p(R1,CPE1)-CPE2"),
        ("R-p(R,C)-R1", "R2-p(R3,C1)-R1"),
        (" R0 -\tp ( R_gb , Q_gb )\n", "R0-p(R_gb,CPE_gb)"),
        ("p(R1,p(C1,R2-p(R3,L1)))", "p(R1,C1,R2-p(R3,L1))"),
        ("RL1", "RL1"),
        ("Q", "CPE1"),
    ],
)
def test_canonical_form(expression: str, canonical: str) -> None:
    assert repr(Circuit(expression)) == canonical


@pytest.mark.parametrize("symbol", ELEMENTS)
def test_every_element_is_read_alone(symbol: str) -> None:
    assert repr(Circuit(symbol)) == f"{symbol}1"
    assert Circuit(f"{symbol}_a").elements[0].symbol == symbol


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("", 1, "empty"),
        ("  ", 1, "empty"),
        ("R0-", 4, "expected an element"),
        ("R0--R1", 4, "expected an element"),
        ("R0-X1", 4, "unknown element 'X'; choose from R, C"),
        ("R0-Rgb", 4, "write R_gb"),
        ("R0-zark1", 4, r"did you mean Zarc\? choose from R, .*; eistool.register_element adds your own"),
        ("p(R1)", 1, "one branch"),
        ("R0-p(R1,C1", 11, "missing '\\)' for the 'p\\(' of column 4"),
        ("R0-p(R1,C1))", 12, "unmatched"),
        ("R1-C1-R1", 7, "R1 occurs twice"),
        ("R0,R1", 3, "enclose parallel branches in p"),
        ("R0-(R1,C1)", 4, "'p\\('"),
        ("R0 p(R1,C1)", 4, "expected '-'"),
        ("R0-p", 4, "unknown element 'p'"),
        ("R0–R1", 3, "plain '-'"),
        ("R1_gb-R2", 3, "right after the symbol"),
        ("p(R1,C1]", 8, "square brackets"),
        ("p(R1,", 6, "expected an element"),
        ("R(RQ", 5, "missing '\\)'"),
        ("R[RQ)", 5, "'\\]' for the '\\[' of column 2"),
        ("R(C(RW))", 4, "write \\[...\\] for series"),
        ("R(R)", 2, "one branch"),
        ("R[]", 3, "expected an element"),
        ("R)Q", 2, "unmatched"),
        ("RXQ", 2, "unknown element 'X'"),
        ("R1(R1C1)", 4, "twice"),
        ("p(" * 150, 201, "100 nested groups"),
        ("[" * 150, 101, "100 nested groups"),
        ("Ω", 1, "unexpected"),
    ],
)
def test_errors_show_the_place(expression: str, column: int, words: str) -> None:
    with pytest.raises(CircuitError, match=words) as raised:
        Circuit(expression)
    first, text, caret = str(raised.value).split("\n")
    assert first.startswith(f"circuit, column {column}: ")
    assert text == f"  {expression}"
    assert caret.index("^") == column - 1 + 2


@given(st.text(alphabet="RCLQWop()[]-,_01 \tgbTM¹") | st.text())
def test_garbage_ends_in_a_circuit_or_a_clear_error(text: str) -> None:
    try:
        circuit = Circuit(text)
    except CircuitError as error:
        assert "column" in str(error)  # noqa: PT017
    else:
        assert Circuit(repr(circuit)) == circuit


def test_no_text() -> None:
    with pytest.raises(CircuitError, match="give an expression"):
        Circuit(5)  # type: ignore[arg-type]
