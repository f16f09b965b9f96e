"""Reproduction of Zahner's fit of a measured file: simulated model, values and errors."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import eistool


@pytest.fixture
def folder(real_data: Path) -> Path:
    return real_data / "zahner-analysis" / "Examples" / "BasicIntroduction" / "fit_results"


def values(folder: Path) -> dict[str, float]:
    """Return the parameters of the fitted model, a capacitor and a resistor in parallel."""
    text = (folder / "fitted.isfx").read_text("utf-8")
    return {
        name: float(value)
        for name, value in re.findall(r'name="(\w+)">\s*<parameter index="0" value="(.+?)"', text)
    }


def test_its_simulation_is_the_circuit_with_its_values(folder: Path) -> None:
    [simulated] = eistool.read(folder / "fitted_simulated.ism")
    expected = eistool.Circuit("p(R0,C0)").impedance(simulated.frequency, values(folder))
    # the model file has six digits
    np.testing.assert_allclose(simulated.impedance, expected, rtol=1e-5)


def test_its_fit_is_reproduced(folder: Path) -> None:
    [measured] = eistool.read(folder / "fit_samples.ism")
    published_fit = json.loads((folder / "fit_result.json").read_text("utf-8"))
    result = eistool.fit(measured, "p(R0,C0)")
    for name in ("R0", "C0"):
        fitted = next(iter(published_fit["model"][name].values()))
        parameter = result.parameters[name]
        assert parameter.value == pytest.approx(fitted["value"], rel=fitted["error"] / 100)
        assert parameter.value == pytest.approx(fitted["value"], rel=3e-3)  # well within this error
        assert parameter.stderr / parameter.value < fitted["error"] / 100

    def largest(impedance: np.ndarray) -> tuple[float, float]:
        """Return the largest error of |Z| in per cent and of the phase in degrees."""
        ratio = impedance / measured.impedance
        return 100 * float(np.max(np.abs(np.log(np.abs(ratio))))), float(np.max(np.abs(np.angle(ratio, deg=True))))

    published = published_fit["overall"]["impedance_error_max"], published_fit["overall"]["phase_error_max"]
    errors = largest(eistool.Circuit("p(R0,C0)").impedance(measured.frequency, values(folder)))
    assert errors == pytest.approx(published, rel=1e-3)  # confirms the definition of the published figures
    assert largest(result.impedance) == pytest.approx(published, rel=0.05)
