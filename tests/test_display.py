"""No repr prints more than six significant digits of a number."""

import importlib
import pkgutil
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import eistool
from eistool.display import Shown, brief, format_fixed, format_value
from tests.approval import NUMBER, significant_digits

finite = st.floats(allow_nan=False, allow_infinity=False)
mantissas = st.floats(1, 9.9999999)
exponents = st.integers(-12, 12)


def most_digits(text: str) -> int:
    numbers = NUMBER.findall(text)
    assert numbers
    return max(map(significant_digits, numbers))


@given(mantissas, exponents, mantissas, exponents)
def test_a_value_and_its_error(a: float, n: int, b: float, m: int) -> None:
    assert most_digits(format_value(a * 10.0**n, b * 10.0**m)) <= 6
    assert most_digits(format_value(-a * 10.0**n)) <= 6


@given(finite, st.integers(0, 3))
def test_fixed_decimals(value: float, decimals: int) -> None:
    assert most_digits(format_fixed(value, decimals)) <= 6


@given(finite)
def test_anything_else(value: float) -> None:
    for thing in (value, np.float64(value), [value, (value,)], {"a": {"b": value}}):
        assert most_digits(brief(thing)) <= 6


def test_text_and_counts_are_whole() -> None:
    assert brief("12.3456789") == "12.3456789"
    assert brief(("a", None, 1234567, True)) == "('a', None, 1234567, True)"


@dataclass(frozen=True, slots=True, repr=False)
class Small(Shown):
    value: float
    name: str = "x"


def test_small_results() -> None:
    small = Small(1 / 3)
    assert repr(small) == "Small(value=0.333333, name='x')"
    assert "<td>0.333333</td>" in small._repr_html_()
    assert small.to_dict() == {"value": 1 / 3, "name": "x"}


def test_no_small_result_prints_all_digits() -> None:
    for module in pkgutil.walk_packages(eistool.__path__, "eistool."):
        importlib.import_module(module.name)
    generated = [kind.__name__ for kind in Shown.__subclasses__() if hasattr(kind.__repr__, "__wrapped__")]
    assert not generated
