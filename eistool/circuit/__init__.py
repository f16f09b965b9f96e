"""Equivalent circuits: elements, grammars and values; see also :mod:`eistool.circuit.library`."""

from eistool.circuit.argument import as_circuit
from eistool.circuit.circuit import Circuit
from eistool.circuit.custom_elements import register_element
from eistool.circuit.elements import ELEMENTS, ElementSpec, ParameterSpec
from eistool.circuit.interop import read_impedance_py_json, values_from_impedance_py
from eistool.circuit.tree import Element, Node, Parallel, Series

__all__ = [
    "ELEMENTS",
    "Circuit",
    "Element",
    "ElementSpec",
    "Node",
    "Parallel",
    "ParameterSpec",
    "Series",
    "as_circuit",
    "read_impedance_py_json",
    "register_element",
    "values_from_impedance_py",
]
