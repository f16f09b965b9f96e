"""Arcs of a circuit: a resistance parallel to a capacitance, by the names of their parameters."""

import functools

from eistool.circuit import Circuit, Element, Node, Parallel, Series


@functools.lru_cache(maxsize=256)
def arcs(node: Node) -> tuple[tuple[str, ...], ...]:
    """Return the parameter names of each arc: (R, C), (R, Q, alpha), (R, tau) or (R, tau, alpha)."""
    if isinstance(node, Element):
        if node.symbol not in ("Zarc", "K"):
            return ()
        return (tuple(f"{node.name}.{spec.name}" for spec in node.spec.parameters),)
    names = [arc for part in node.parts for arc in arcs(part)]
    if isinstance(node, Parallel):
        capacitive = [part for part in node.parts if isinstance(part, Element) and part.symbol in ("C", "CPE")]
        resistive = [name for part in node.parts for name in _resistor(part)]
        if len(capacitive) == 1 and len(resistive) == 1:
            element = capacitive[0]
            names.append((resistive[0], *(f"{element.name}.{spec.name}" for spec in element.spec.parameters)))
    return tuple(names)


def _resistor(branch: Node) -> list[str]:
    """Return the only resistor in series in a branch, or an empty list."""
    parts = branch.parts if isinstance(branch, Series) else (branch,)
    names = [f"{part.name}.R" for part in parts if isinstance(part, Element) and part.symbol == "R"]
    return names if len(names) == 1 else []


@functools.lru_cache(maxsize=256)
def arc_places(circuit: Circuit) -> tuple[tuple[int, ...], ...]:
    """Return the places of the parameters of each arc in the circuit's order."""
    return tuple(tuple(circuit.index(name) for name in names) for names in arcs(circuit.tree))
