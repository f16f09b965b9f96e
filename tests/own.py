"""Elements registered for one test: twins of the built-in ones, made of the oracles."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from eistool.circuit import ELEMENTS, ElementSpec, ParameterSpec, own, register_element
from eistool.circuit.elements import OWN_ELEMENTS
from eistool.circuit.program import compile_circuit
from tests.reference import TWIN, element_impedance

TWINS = tuple(TWIN + symbol for symbol in ELEMENTS)


@contextmanager
def registered(
    symbol: str, parameters: Iterable[ParameterSpec | tuple[str, str]], function: Callable[..., Any]
) -> Iterator[ElementSpec]:
    """Register an element and forget it afterwards."""
    spec = register_element(symbol, parameters, function)
    try:
        yield spec
    finally:
        compile_circuit.cache_clear()
        del OWN_ELEMENTS[symbol], own._OWN[symbol]


def forget_elements() -> None:
    """Forget what was registered, for instance by the examples of the documentation."""
    compile_circuit.cache_clear()
    OWN_ELEMENTS.clear()
    own._OWN.clear()


@contextmanager
def twins(*symbols: str) -> Iterator[None]:
    """Register the twins of built-in elements, for instance ``OwnCPE``."""
    if not symbols:
        yield
        return
    function = partial(element_impedance, symbols[0])
    with registered(symbols[0], ELEMENTS[symbols[0].removeprefix(TWIN)].parameters, function), twins(*symbols[1:]):
        yield
