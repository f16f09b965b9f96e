"""Temporary registration of elements, and twins of the built-in ones from the oracles."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from eistool.circuit import ELEMENTS, ElementSpec, ParameterSpec, custom_elements, register_element
from eistool.circuit.elements import CUSTOM_ELEMENTS
from eistool.circuit.program import compile_circuit
from tests.reference import TWIN, element_impedance

TWINS = tuple(TWIN + symbol for symbol in ELEMENTS)


@contextmanager
def registered(
    symbol: str, parameters: Iterable[ParameterSpec | tuple[str, str]], function: Callable[..., Any]
) -> Iterator[ElementSpec]:
    """Register an element and unregister it on exit."""
    spec = register_element(symbol, parameters, function)
    try:
        yield spec
    finally:
        compile_circuit.cache_clear()
        del CUSTOM_ELEMENTS[symbol], custom_elements._REGISTERED[symbol]


def forget_elements() -> None:
    """Unregister all custom elements, for instance those of the examples in the documentation."""
    compile_circuit.cache_clear()
    CUSTOM_ELEMENTS.clear()
    custom_elements._REGISTERED.clear()


@contextmanager
def twins(*symbols: str) -> Iterator[None]:
    """Register the twins of built-in elements, for instance ``CustomCPE``."""
    if not symbols:
        yield
        return
    function = partial(element_impedance, symbols[0])
    with registered(symbols[0], ELEMENTS[symbols[0].removeprefix(TWIN)].parameters, function), twins(*symbols[1:]):
        yield
