"""Simulation of noisy spectra."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from eistool.circuit.argument import as_circuit
from eistool.circuit.circuit import Circuit
from eistool.errors import SpectrumError
from eistool.spectrum import Metadata, Spectrum


def simulate(
    circuit: Circuit | str,
    frequency: ArrayLike,
    values: Mapping[str, float] | ArrayLike,
    noise: float = 0.0,
    seed: int | None = 0,
    metadata: Metadata | None = None,
    *,
    label: str = "simulated",
) -> Spectrum:
    """Simulate the spectrum of a circuit with normally distributed noise.

    Parameters
    ----------
    circuit : Circuit or str
        A circuit, an expression, or the name of a library circuit.
    frequency : array_like, shape (n_freq,)
        Frequencies in Hz.
    values : mapping or array_like, shape (n_parameters,)
        Values by name, or in the circuit's order.
    noise : float
        Standard deviation of the real and of the imaginary part, relative to |Z|.
    seed : int or None
        Seed of the noise; None for a random one.
    metadata, label
        Metadata and label of the spectrum.

    Raises
    ------
    CircuitError, SpectrumError
        If the values are invalid for the circuit, or the noise or the seed is negative.

    Examples
    --------
    >>> simulate("R0-C1", [1.0, 1e3], [10, 1e-3]).impedance.round(2)
    array([10.-159.15j, 10.  -0.16j])
    """
    if not 0 <= noise < np.inf:
        raise SpectrumError(f"simulate: noise={noise}; give the relative standard deviation, for instance 0.005")
    if seed is not None and seed < 0:
        raise SpectrumError(f"simulate: seed={seed}; give a non-negative integer, or None for a random seed")
    exact = as_circuit(circuit).impedance(frequency, values)
    normal = np.random.default_rng(seed).standard_normal((2, exact.size))
    noisy = exact + noise * np.abs(exact) * (normal[0] + 1j * normal[1])
    return Spectrum(np.atleast_1d(frequency), noisy, metadata or Metadata(), label)
