"""Methods of result objects that only forward to a module above them, listed in one place.

Result objects are plain data at the bottom of their package. What computes on them lies above, so that no
module imports one that imports it; it is imported when such a method is first called.
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
    """Return the function that a method forwards to.

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
