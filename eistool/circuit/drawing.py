"""Text drawings of circuits."""

from eistool.circuit.tree import Element, Node, Series

_ASCII = str.maketrans("─│┬┴├┤┌┐└┘", "-|++++++++")


def draw_text(node: Node, ascii_only: bool = False) -> str:
    """Return a text drawing of a tree, with parallel parts on separate lines.

    Parameters
    ----------
    node : Element, Series or Parallel
        A tree, for instance ``Circuit.tree``.
    ascii_only : bool
        Use ``-``, ``|`` and ``+`` instead of box-drawing characters.

    Examples
    --------
    >>> from eistool import Circuit
    >>> print(draw_text(Circuit("L0-p(R_b,CPE_b)-CPE1").tree))
    ──[L0]──┬──[R_b]────┬──[CPE1]──
            └──[CPE_b]──┘
    """
    drawing = "\n".join(line.rstrip() for line in _lines(node))
    return drawing.translate(_ASCII) if ascii_only else drawing


def _lines(node: Node) -> list[str]:
    """Return lines of equal length, with the wire in the first."""
    if isinstance(node, Element):
        return [f"──[{node.name}]──"]
    blocks = [_lines(part) for part in node.parts]
    if isinstance(node, Series):
        return _side_by_side(blocks)
    return _below_each_other(blocks)


def _side_by_side(blocks: list[list[str]]) -> list[str]:
    rows = []
    for i in range(max(map(len, blocks))):
        parts = [block[i] if i < len(block) else " " * len(block[0]) for block in blocks]
        # parts begin and end with two characters of wire, shared with the neighbouring part
        rows.append(parts[0] + "".join(part[2:] for part in parts[1:]))
    return rows


def _below_each_other(blocks: list[list[str]]) -> list[str]:
    width = max(len(block[0]) for block in blocks)
    rows = []
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        for i, line in enumerate(block):
            if i == 0:
                wire = "─" * (width - len(line))
                left, right = ("┬", "┬") if number == 0 else ("└", "┘") if last else ("├", "┤")
                middle = line + wire
            else:
                left = right = " " if last else "│"
                middle = line.ljust(width)
            ends = "──" if number == 0 and i == 0 else "  "
            rows.append(f"{ends}{left}{middle}{right}{ends}")
    return rows
