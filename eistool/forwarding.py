"""Lazy forwarding from methods of result objects to the functions that implement them.

Result objects are plain data at the bottom of their package. The modules that compute on them import them,
and are themselves imported at the first call of a forwarding method, which prevents circular imports.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

PLOTS = ("plot_nyquist", "plot_bode", "plot_residuals", "plot_drt", "plot_arrhenius", "plot_tracks")
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
        **dict.fromkeys(PLOTS, "eistool.report.figures.methods"),
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


class ImpedancePlots:
    """Mixin of objects with an impedance: plots on axes of matplotlib, for papers and notebooks.

    Axes are given or made, 85 mm wide; they are returned, so that labels and limits can be changed.
    """

    __slots__ = ()

    def plot_nyquist(self, ax: Any = None, quantity: str = "Z") -> Any:
        """Draw a Nyquist plot: equal scales, -Im up, frequencies at decades, masked points open.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw on; by default new ones.
        quantity : {"Z", "ZA", "Z/L", "ZA/L"}
            Impedance, or impedance free of the geometry.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ConfigError
            If the quantity is unknown, or needs a geometry that the metadata lack.
        """
        return forward("plot_nyquist")(self, ax, quantity)

    def plot_bode(self, axes: Any = None, quantity: str = "Z") -> Any:
        """Draw modulus and negative phase over the frequency; ``axes`` and the result are a pair."""
        return forward("plot_bode")(self, axes, quantity)


class ModelPlots(ImpedancePlots):
    """Mixin of objects with a model of an impedance."""

    __slots__ = ()

    def plot_residuals(self, ax: Any = None) -> Any:
        """Draw (Z - fit)/|Z| over the frequency, and return the axes."""
        return forward("plot_residuals")(self, ax)
