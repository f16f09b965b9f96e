"""Partial conductivities from transmission lines, and exchangeable rails."""

import numpy as np
import pytest

from eistool import CellGeometry, FitError, FitResult, SpectrumError, fit, simulate
from eistool.circuit.library import load_library_circuit
from eistool.materials import partial_conductivities

CELL = CellGeometry(thickness_um=100, diameter_mm=10, u_thickness_um=2)
CONSTANT = CELL.cell_constant_per_cm or 0.0


def example(
    name: str, seed: int = 1, fixed: dict[str, float] | None = None, values: dict[str, float] | None = None
) -> FitResult:
    shown = load_library_circuit(name).example
    assert shown is not None
    spectrum = simulate(name, shown.frequency, shown.values | (values or {}), noise=0.003, seed=seed)
    # few or none of a search's own starts lead to the best minimum of a line with a fixed rail
    return fit(spectrum, name, fixed=fixed, start=shown.values if fixed else None)


def test_ion_blocking_line_gives_both_rails() -> None:
    composite = partial_conductivities(
        example("composite_ion_blocking"), CELL, pure={"ionic": (2.4e-3, 1e-4)}, volume_fraction={"ionic": 0.4}
    )
    assert composite.electronic is not None
    assert composite.ionic is not None
    for value, truth in ((composite.electronic, CONSTANT / 300), (composite.ionic, CONSTANT / 1500)):
        assert value.status == "ok"
        assert abs(value.sigma_S_per_cm - truth) < 3 * value.u_sigma_S_per_cm
    tau, u_tau = composite.tortuosity["ionic"]
    assert tau == pytest.approx(0.4 * 2.4e-3 / composite.ionic.sigma_S_per_cm)
    assert u_tau / tau > 1e-4 / 2.4e-3
    assert set(composite.tortuosity) == {"ionic"}


def test_a_cathode_is_the_same_with_its_rails_exchanged() -> None:
    result = example("composite_blocking")
    open_ = partial_conductivities(result, CELL)
    assert open_.ionic is not None
    assert open_.ionic.status == "not_resolvable"
    assert "exchange" in open_.ionic.reason
    assert open_.ionic.lower_limit < CONSTANT / 300 < CONSTANT / 20 < open_.ionic.upper_limit
    distinguished = partial_conductivities(result, CELL, faster="electronic")
    reverse = partial_conductivities(result, CELL, faster="ionic")
    assert distinguished.ionic is not None
    assert reverse.electronic is not None
    assert abs(distinguished.ionic.sigma_S_per_cm - CONSTANT / 300) < 3 * distinguished.ionic.u_sigma_S_per_cm
    assert reverse.electronic.sigma_S_per_cm == distinguished.ionic.sigma_S_per_cm


def test_graphical_reading_of_the_ionic_resistance() -> None:
    """R_ion = 3(R_low - R_high) for a good electronic conductor, and the full formula."""
    quick = partial_conductivities(
        example("composite_blocking", values={"TLMie1.Re": 0.5}), CELL, faster="electronic"
    )
    assert quick.graphical is not None
    assert quick.graphical.R_ion_ohm == pytest.approx(300, rel=0.15)
    assert quick.graphical.verdict == "agrees"
    both = partial_conductivities(example("composite_blocking"), CELL).graphical
    assert both is not None
    assert both.expected_ohm == pytest.approx(320 - 3 * 6000 / 320, rel=0.05)
    assert both.verdict == "agrees"
    assert partial_conductivities(example("composite_ion_blocking"), CELL).graphical is None


def test_a_fixed_rail_is_said_and_names_the_other() -> None:
    composite = partial_conductivities(example("electron_blocking_stack", 2, fixed={"TLMii1.Re": 50.0}), CELL)
    assert composite.electronic is not None
    assert composite.ionic is not None
    assert composite.electronic.reason == "TLMii1.Re was fixed"
    assert abs(composite.ionic.sigma_S_per_cm - CONSTANT / 400) < 3 * composite.ionic.u_sigma_S_per_cm


def test_what_the_spectrum_does_not_determine_is_no_value() -> None:
    """Electronic rail of a cathode with a twenty times larger ionic resistance."""
    composite = partial_conductivities(example("composite_cathode"), CELL, faster="electronic")
    assert composite.electronic is not None
    assert composite.electronic.status == "not_resolvable"
    assert np.isnan(composite.electronic.sigma_S_per_cm)
    assert "not_resolvable" in repr(composite)


def test_a_window_that_ends_within_the_line_extrapolates() -> None:
    result = example("composite_ion_blocking")
    fast = fit(result.spectrum.crop(f_min=100.0), "composite_ion_blocking")
    composite = partial_conductivities(fast, CELL)
    assert 2 * np.pi * 100 * composite.tau_line_s > 1
    assert composite.electronic is not None
    assert composite.electronic.status in ("extrapolated", "not_resolvable")


def test_wrong_use() -> None:
    result = example("composite_ion_blocking")
    with pytest.raises(FitError, match="0 transmission lines; fit a circuit with one"):
        partial_conductivities(fit(result.spectrum, "R0-CPE1"), CELL)
    with pytest.raises(SpectrumError, match="choose electronic, ionic or None"):
        partial_conductivities(result, CELL, faster="Re")
    with pytest.raises(SpectrumError, match="no geometry of the composite"):
        partial_conductivities(result)
