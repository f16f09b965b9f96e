import pytest

from eistool.circuit.drawing import draw_text
from eistool.circuit.grammar import parse
from eistool.circuit.library import circuit_names, load_circuit

NESTED = """\
──┬──┬──[R1]──┬──[R3]──┬──[R7]──
  │  └──[C1]──┘        │
  ├──[C2]──┬──[R5]──┬──┤
  │        └──[L4]──┘  │
  └──[R9]──────────────┘"""


def test_nested_groups() -> None:
    tree = parse("p(p(R1,C1)-R3,C2-p(R5,L4),R9)-R7")
    assert draw_text(tree) == NESTED
    assert draw_text(tree, ascii_only=True).isascii()


@pytest.mark.parametrize("name", circuit_names())
def test_every_element_is_drawn_once(name: str) -> None:
    circuit = load_circuit(name)
    drawing = draw_text(circuit.tree)
    assert all(drawing.count(f"[{element.name}]") == 1 for element in circuit.elements)
    assert max(map(len, drawing.splitlines())) <= 80
