"""Grammars and parsers of circuit expressions.

::

    first dialect                     circuit description code (CDC)
    series := part ("-" part)*        series := part+
    part   := element                 part   := element
            | "p(" series               | "(" part part+ ")"     in parallel
                   ("," series)+ ")"    | "[" part+ "]"          in series

An element is a symbol of the registry with a label, a number or ``_name``. Elements without a label are
numbered from 1 for each symbol in order of appearance, skipping numbers in use. Expressions with ``-``, ``,``
or ``p(``, or of a single element, are parsed as the first dialect. In CDC the longest symbol is matched,
except that ``RL`` means R and L; only built-in elements are accepted, so that registering an element never
changes the meaning of a code.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import NoReturn

from eistool.circuit.elements import ALIASES, CUSTOM_ELEMENTS, ELEMENTS, choices, known_symbols
from eistool.circuit.tree import LABEL, Element, Node, Parallel, Series, join
from eistool.errors import CircuitError

SYMBOLS: Mapping[str, str] = {symbol: symbol for symbol in ELEMENTS} | ALIASES
EXAMPLE = "R0-p(R1,CPE1)-CPE2"
MAX_DEPTH = 100  # nested groups, well within Python's recursion limit
MAX_LENGTH = 10_000  # characters
_SHOWN = 400  # characters around a mistake
LIBRARY_NAME = r"[a-z][a-z0-9_]+"  # lower case, unlike expressions

_FIRST = re.compile(rf"(?:(?P<mark>p *\(|[-,()])|(?P<symbol>[A-Za-z]+)(?P<label>{LABEL})?) *")
_CDC_SYMBOLS = "|".join(sorted(SYMBOLS.keys() - {"RL"}, key=len, reverse=True))
_CDC = re.compile(rf"(?:(?P<mark>[()\[\]])|(?P<symbol>{_CDC_SYMBOLS}|[A-Za-z][a-z]*)(?P<label>{LABEL})?) *")


def parse(expression: str) -> Node:
    """Return the tree of an expression in either dialect.

    Parameters
    ----------
    expression : str
        For instance ``"R0-p(R1,CPE1)-CPE2"`` or ``"R(RQ)Q"``.

    Raises
    ------
    CircuitError
        If the expression is invalid; the message gives position, expected tokens and remedy.

    Examples
    --------
    >>> str(parse("R(RQ)Q"))
    'R1-p(R2,CPE1)-CPE2'
    """
    single = _FIRST.fullmatch(expression.strip())
    if re.search(r"[-,]|p\s*\(", expression) or (single and single["symbol"] in known_symbols()):
        return parse_first_dialect(expression)
    text = _one_line(expression)
    return _Cdc(text, _tokens(text, _CDC, SYMBOLS)).parse()


def parse_first_dialect(expression: str, symbols: Mapping[str, str] | None = None) -> Node:
    """Return the tree of an expression in the first dialect.

    Parameters
    ----------
    expression : str
        For instance ``"R0-p(R1,CPE1)-CPE2"``.
    symbols : mapping, optional
        Accepted symbols and their symbols in the registry; by default the whole registry.
    """
    text = _one_line(expression)
    return _FirstDialect(text, _tokens(text, _FIRST, symbols or known_symbols())).parse()


def _one_line(expression: str) -> str:
    if len(expression) > MAX_LENGTH:
        raise CircuitError(f"circuit of {len(expression)} characters; expected at most {MAX_LENGTH}: simplify it")
    return re.sub(r"\s", " ", expression)  # keeps the columns


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "element", "end" or a mark
    position: int
    symbol: str = ""
    label: str = ""

    @property
    def text(self) -> str:
        if self.kind == "element":
            return f"'{self.symbol}{self.label}'"
        return "end" if self.kind == "end" else f"'{self.kind}'"


def _fail(text: str, position: int, problem: str) -> NoReturn:
    start = max(0, position - _SHOWN // 2)
    shown = text[start : start + _SHOWN]
    raise CircuitError(f"circuit, column {position + 1}: {problem}\n  {shown}\n  {' ' * (position - start)}^")


def _tokens(text: str, pattern: re.Pattern[str], symbols: Mapping[str, str]) -> list[_Token]:
    tokens: list[_Token] = []
    position = len(text) - len(text.lstrip())
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            _fail(text, position, f"unexpected {text[position]!r}; {_character_hint(text[position])}")
        if match["mark"]:
            tokens.append(_Token("".join(match["mark"].split()), position))
        elif match["symbol"] in symbols:
            tokens.append(_Token("element", position, symbols[match["symbol"]], match["label"] or ""))
        else:
            _fail(text, position, _unknown_element(match["symbol"], symbols))
        position = match.end()
    if not tokens:
        _fail(text, 0, f"the expression is empty; write for instance {EXAMPLE}")
    return [*_numbered(text, tokens), _Token("end", len(text))]


def _character_hint(character: str) -> str:
    if character in "–—−":
        return "series is a plain '-'"
    if character in "_0123456789":
        return "a label is a number (R1) or _name (R_gb), right after the symbol"
    if character in "[]":
        return "square brackets belong to CDC, which has no '-', ',' or 'p('"
    return f"write for instance {EXAMPLE}"


def _unknown_element(symbol: str, symbols: Mapping[str, str]) -> str:
    known = [name for name in symbols if symbol.startswith(name)]
    hint = ""
    if known:
        longest = max(known, key=len)
        hint = f"write {longest}_{symbol.removeprefix(longest)} if this is {longest} with a name, or "
    elif symbol in CUSTOM_ELEMENTS:
        return (
            f"'{symbol}' is a registered element; CDC accepts built-in ones only: write for instance R0-{symbol}1"
        )
    return f"unknown element '{symbol}'; {hint}{choices(symbol, symbols)}"


def _numbered(text: str, tokens: list[_Token]) -> list[_Token]:
    """Label all elements and reject duplicate names."""
    taken: set[str] = set()
    for token in tokens:
        name = token.symbol + token.label
        if token.label and name in taken:
            others = [alias + token.label for alias, symbol in ALIASES.items() if symbol == token.symbol]
            same = "".join(f" ({other} is {name})" for other in others if other in text)
            _fail(text, token.position, f"{name} occurs twice{same}; give every {token.symbol} a unique label")
        taken.add(name)
    free = {symbol: _free_labels(symbol, taken) for symbol in {token.symbol for token in tokens}}
    return [
        token if token.label or token.kind != "element" else replace(token, label=next(free[token.symbol]))
        for token in tokens
    ]


def _free_labels(symbol: str, taken: set[str]) -> Iterator[str]:
    return (str(number) for number in count(1) if f"{symbol}{number}" not in taken)


class _Parser:
    """Recursive descent over the tokens; the dialects add their rules."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.index = 0
        self.depth = 0

    def parse(self) -> Node:
        tree = self.series()
        if self.current.kind != "end":
            self.unexpected()
        return tree

    def series(self) -> Node:
        raise NotImplementedError

    @property
    def current(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.current
        self.index += 1
        return token

    def open(self) -> _Token:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(self.current, f"more than {MAX_DEPTH} nested groups; simplify the circuit")
        return self.take()

    def close(self, opened: _Token, mark: str, expected: str) -> None:
        where = f"for the '{opened.kind}' of column {opened.position + 1}"
        if self.current.kind == "end":
            self.fail(self.current, f"missing '{mark}' {where}; add it")
        if self.current.kind != mark:
            self.unexpected(f"expected {expected} or '{mark}' {where}")
        self.take()
        self.depth -= 1

    def unexpected(self, expected: str = "") -> NoReturn:
        if not expected and self.current.kind in ")]":
            self.fail(self.current, f"unmatched '{self.current.kind}'; remove it or open its group")
        self.fail(self.current, f"unexpected {self.current.text}; {expected or 'the expression should end here'}")

    def fail(self, token: _Token, problem: str) -> NoReturn:
        _fail(self.text, token.position, problem)

    def group(self, opened: _Token, branches: list[Node]) -> Node:
        if len(branches) < 2:
            self.fail(opened, "a parallel group of one branch; add a branch or remove the group")
        return Parallel(tuple(branches))


class _FirstDialect(_Parser):
    def series(self) -> Node:
        parts = [self.part()]
        while self.current.kind == "-":
            self.take()
            parts.append(self.part())
        if self.current.kind in ("element", "p(", "("):
            self.unexpected("expected '-' or ',' before it")
        if self.current.kind == "," and not self.depth:
            self.unexpected("enclose parallel branches in p(...), or use '-' for series")
        return join(Series, parts)

    def part(self) -> Node:
        if self.current.kind == "element":
            token = self.take()
            return Element(token.symbol, token.label)
        if self.current.kind != "p(":
            self.unexpected("expected an element or 'p('")
        opened = self.open()
        branches = [self.series()]
        while self.current.kind == ",":
            self.take()
            branches.append(self.series())
        self.close(opened, ")", "','")
        return self.group(opened, branches)


class _Cdc(_Parser):
    def series(self) -> Node:
        parts = [self.part()]
        while self.current.kind in ("element", "(", "["):
            parts.append(self.part())
        return join(Series, parts)

    def part(self) -> Node:
        if self.current.kind == "element":
            token = self.take()
            return Element(token.symbol, token.label)
        if self.current.kind not in ("(", "["):
            self.unexpected("expected an element, '(' or '['")
        opened = self.open()
        if opened.kind == "[":
            node = self.series()
            self.close(opened, "]", "an element")
            return node
        branches: list[Node] = []
        while self.current.kind in ("element", "["):
            branches.append(self.part())
        if self.current.kind == "(":
            # ambiguous: other programs read the inner pair as series
            self.fail(self.current, "'(' directly within '('; write [...] for series in a parallel group")
        self.close(opened, ")", "an element")
        return self.group(opened, branches)


def is_library_name(text: str) -> bool:
    """Return whether a text has the form of a library name, which expressions never have.

    Examples
    --------
    >>> is_library_name("bulk_spike"), is_library_name("R0-C1")
    (True, False)
    """
    return re.fullmatch(rf"\s*{LIBRARY_NAME}\s*", text) is not None
