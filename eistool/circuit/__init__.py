"""Equivalent circuits: elements, the two dialects, and the library."""

from eistool.circuit.circuit import Circuit
from eistool.circuit.elements import ELEMENTS, ElementSpec, ParameterSpec
from eistool.circuit.interop import read_impedance_py_json, values_from_impedance_py
from eistool.circuit.library import (
    Example,
    LibraryCircuit,
    as_circuit,
    circuit_names,
    load_circuit,
    load_library,
    load_library_circuit,
    replaced_circuits,
)
from eistool.circuit.own import register_element
from eistool.circuit.tree import Element, Node, Parallel, Series

__all__ = [
    "ELEMENTS",
    "Circuit",
    "Element",
    "ElementSpec",
    "Example",
    "LibraryCircuit",
    "Node",
    "Parallel",
    "ParameterSpec",
    "Series",
    "as_circuit",
    "circuit_names",
    "load_circuit",
    "load_library",
    "load_library_circuit",
    "read_impedance_py_json",
    "register_element",
    "replaced_circuits",
    "values_from_impedance_py",
]
