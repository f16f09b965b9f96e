"""LaTeX equations of circuits."""

import re

from eistool.circuit.tree import Element, Node, Parallel, Series

# elements with parameters of the same name: the label alone is the subscript
_PLAIN = ("R", "C", "L", "CPE", "W")


def to_latex(node: Node) -> str:
    r"""Return the impedance of a node as one LaTeX expression.

    Parameters
    ----------
    node : Element, Series or Parallel
        A tree; parameters have the label of their element as subscript, as in ``\alpha_{1}``.

    Examples
    --------
    >>> from eistool.circuit.grammar import parse
    >>> print(to_latex(parse("R0-C1")))
    R_{0}+\frac{1}{j\omega C_{1}}
    """
    if isinstance(node, Element):
        return _element(node)
    if isinstance(node, Series):
        return "+".join(map(to_latex, node.parts))
    return _inverse(_admittance(node))


def _admittance(node: Node) -> str:
    if isinstance(node, Parallel):
        return "+".join(map(_admittance, node.parts))
    if isinstance(node, Element) and node.symbol in ("C", "CPE"):
        return _element(node).removeprefix(r"\frac{1}{").removesuffix("}")
    return _inverse(to_latex(node))


def _inverse(latex: str) -> str:
    return rf"\frac{{1}}{{{latex}}}"


def _element(element: Element) -> str:
    """Return the equation of an element with its label as subscript of every parameter."""
    subscript = _subscript(element)
    symbols = {}
    for parameter in element.spec.parameters:
        base, _, index = parameter.latex.partition("_")
        index = index.strip("{}")
        symbols[parameter.latex] = f"{base}_{{{index + ',' if index else ''}{subscript}}}"
    # longest first: R_{ct} before R; upright text and commands such as \coth are skipped
    names = sorted(map(re.escape, symbols), key=len, reverse=True)
    pattern = rf"{'|'.join(names)}|\\mathrm{{[^}}]*}}|\\[A-Za-z]+"
    return re.sub(pattern, lambda match: symbols.get(match[0], match[0]), element.spec.equation)


def _subscript(element: Element) -> str:
    if element.symbol in _PLAIN and element.label.isdigit():
        return element.label
    label = element.label if element.symbol in _PLAIN else element.name
    if not label[1:].isdigit():  # _gb becomes gb, but _1 differs from 1
        label = label.removeprefix("_")
    return rf"\mathrm{{{label.replace('_', chr(92) + '_')}}}"
