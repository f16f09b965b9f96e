"""Lazy forwarding from methods of result objects to the functions that implement them.

Result objects are plain data at the bottom of their package. The modules that compute on them import them,
and are themselves imported at the first call of a forwarding method, which prevents circular imports.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

HOMES: Mapping[str, str] = MappingProxyType(
    {
        "to_impedance_py": "eistool.circuit.interop",
        "from_impedance_py": "eistool.circuit.interop",
        "fit_to_impedance_py": "eistool.circuit.interop",
        "evaluate_impedance": "eistool.circuit.program",
        "evaluate_jacobian": "eistool.circuit.program",
        "suggest": "eistool.drt.suggest",
        "find_processes": "eistool.fitting.processes",
        "compute_total_resistance": "eistool.fitting.total_resistance",
        "confidence": "eistool.fitting.confidence",
        "to_lmfit": "eistool.fitting.confidence",
    }
)


def forward(name: str) -> Any:
    """Return the implementation of a forwarding method.

    Parameters
    ----------
    name : str
        A key of :data:`HOMES`.

    Examples
    --------
    >>> forward("find_processes").__module__
    'eistool.fitting.processes'
    """
    return getattr(importlib.import_module(HOMES[name]), name)
