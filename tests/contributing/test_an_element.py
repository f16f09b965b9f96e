"""A new element: tried as a custom element first, then an entry of the registry with its kernel."""

import numpy as np

import eistool
from tests.custom_elements import registered

FREQUENCY = np.geomspace(1e5, 0.1, 61)


def cole_davidson(omega: np.ndarray, R: float, tau: float, beta: float) -> np.ndarray:
    """Return R/(1 + jωτ)^β in ohm."""
    return R / (1 + 1j * omega * tau) ** beta


def test_a_custom_element_is_fitted_like_a_built_in_one() -> None:
    # in a notebook: eistool.register_element("CD", [("R", "ohm"), ("tau", "s"), ("beta", "")], cole_davidson)
    with registered("CD", [("R", "ohm"), ("tau", "s"), ("beta", "")], cole_davidson):
        truth = [10.0, 100.0, 1e-2, 0.6]
        spectrum = eistool.simulate("R0-CD1", FREQUENCY, truth, noise=0.001, seed=1)
        result = eistool.fit(spectrum, "R0-CD1")
        assert np.all(np.abs(result.values - truth) < 4 * result.stderr)
        # FG is the same element, compiled: its specification stands in eistool/circuit/elements.py,
        # its equation in eistool/kernels/model.py, its oracle in tests/reference.py
        built_in = eistool.Circuit("R0-FG1").impedance(FREQUENCY, truth)
        assert np.allclose(eistool.Circuit("R0-CD1").impedance(FREQUENCY, truth), built_in, rtol=1e-10)
