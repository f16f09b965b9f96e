"""Symmetric-cell subtraction of resistances and of spectra, and separator budgets."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eistool import (
    CellGeometry,
    Metadata,
    Spectrum,
    SpectrumError,
    load_circuit,
    regress_thickness,
    separator_budget,
    simulate,
    subtract_symmetric_cell,
)
from eistool.symmetric_cell import SubtractionResult

AREA = math.pi * 0.25
SIGMA = 0.56e-4
SYMMETRIC = ((23.0, 0.2), (0.9, 0.1))
R_EB = {50: 161.5, 100: 275.2, 300: 729.9, 500: 1184.6}
R_EL = {50: 113.7, 100: 227.4, 300: 682.1, 500: 1136.8}
FREQUENCY = np.geomspace(7e6, 0.1, 64)
INDIUM = [1e-7, 23.0, 1.8, 2e-5, 0.85]


def layer(thickness_um: float) -> CellGeometry:
    return CellGeometry(thickness_um=thickness_um, diameter_mm=10, u_thickness_um=1.5, u_diameter_mm=0.02)


def subtract(full: float = 275.2, **given_options: Any) -> SubtractionResult:
    options = {"layers": 2, "counter_electrodes": 2, **given_options}
    return subtract_symmetric_cell((full, 0.5), SYMMETRIC, **options)


@pytest.mark.parametrize(
    ("options", "subtracted"),
    [
        ({}, 47.8),
        ({"r_in": "pair"}, 46.9),
        ({"layers": 1}, 24.8),
        ({"layers": 1, "counter_electrodes": 1}, 23.9),
    ],
)
def test_every_interpretation_of_the_stack(options: dict[str, Any], subtracted: float) -> None:
    """T7."""
    result = subtract(**options)
    assert result.subtracted_ohm == pytest.approx(subtracted, abs=1e-9)
    assert result.value == pytest.approx(275.2 - subtracted)
    assert result.alternatives[0].subtracted_ohm == pytest.approx(subtracted)


def test_the_other_interpretations_are_a_band() -> None:
    """T7: all interpretations, including the one at d.c."""
    result = subtract(electrode=layer(100))
    taken = sorted(other.subtracted_ohm for other in result.alternatives)
    assert taken == pytest.approx([23.9, 24.8, 46.9, 47.8, 90.56], abs=0.01)
    assert result.band_ohm == pytest.approx((184.6, 251.3), abs=0.05)
    assert result.sigma_S_per_cm == pytest.approx(0.56e-4, rel=1e-3)
    dc = result.alternatives[-1]
    assert dc.value_ohm == pytest.approx(184.6, abs=0.05)
    assert dc.sigma_S_per_cm / result.sigma_S_per_cm == pytest.approx(1.23, abs=0.005)
    assert dc.name.endswith("R_In at d.c. (22.3 Ω)")  # 17.5 Ω cm² on 10 mm
    # without an area or a d.c. resistance, this interpretation is omitted
    assert (
        len(subtract().alternatives) == len(subtract(electrode=layer(100), r_in_dc_ohm_cm2=None).alternatives) == 4
    )


@pytest.mark.parametrize("thickness_um", R_EB)
def test_thicknesses(thickness_um: int) -> None:
    """T7: 0.56e-4 S/cm."""
    R = thickness_um * 1e-4 / (SIGMA * AREA)
    assert pytest.approx(R_EL[thickness_um], abs=0.1) == R
    result = subtract(R_EB[thickness_um], electrode=layer(thickness_um))
    assert result.value == pytest.approx(R_EL[thickness_um], abs=0.1)
    assert abs(result.sigma_S_per_cm - SIGMA) < 2 * result.u_sigma_S_per_cm


@pytest.mark.parametrize(("sigma", "R"), [(0.39e-4, 326.5), (0.41e-4, 310.5)])
def test_the_other_composites(sigma: float, R: float) -> None:
    result = subtract(R + 47.8, electrode=layer(100))
    assert result.sigma_S_per_cm == pytest.approx(sigma, rel=2e-3)


def test_uncertainty_counts_layers_and_electrodes() -> None:
    result = subtract(lead=(0.3, 0.2))
    assert result.u_subtracted_ohm == pytest.approx(math.sqrt((2 * 0.2) ** 2 + (2 * 0.1) ** 2 + 0.2**2))
    assert result.u == pytest.approx(math.hypot(result.u_subtracted_ohm, 0.5))
    assert result.value == pytest.approx(275.2 - 47.8 - 0.3)


def test_the_whole_symmetric_cell_needs_one_part() -> None:
    options: dict[str, Any] = {"layers": 2, "counter_electrodes": 2}
    by_interface = subtract_symmetric_cell((275.2, 0.5), (24.8, 0.2), interface=(0.9, 0.1), **options)
    by_electrolyte = subtract_symmetric_cell((275.2, 0.5), (24.8, 0.2), electrolyte=(23.0, 0.2), **options)
    named = subtract_symmetric_cell((275.2, 0.5), {"R_SE": (23.0, 0.2), "R_In": (0.9, 0.1)}, **options)
    for result in (by_interface, by_electrolyte, named):
        assert result.value == pytest.approx(227.4)
    pair = subtract_symmetric_cell((275.2, 0.5), (23.9, 0.2), interface=(0.9, 0.1), r_in="pair", **options)
    assert pair.value == pytest.approx(275.2 - 46.9)


def test_an_unseparated_symmetric_cell_has_a_wide_error() -> None:
    result = subtract_symmetric_cell((275.2, 0.5), (24.8, 0.2), layers=2, counter_electrodes=2)
    assert [other.value_ohm for other in result.alternatives] == pytest.approx([275.2 - 49.6, 275.2 - 24.8])
    assert isinstance(result.value, float)
    assert abs(result.value - 227.4) < 2 * result.u
    assert any("not separated" in flag for flag in result.flags)
    # the symmetric cell itself: one layer and two electrodes
    whole = subtract_symmetric_cell((275.2, 0.5), (24.8, 0.2), layers=1, counter_electrodes=2)
    assert whole.value == pytest.approx(250.4)
    assert whole.u == pytest.approx(math.hypot(0.5, 0.2))
    assert not any("not separated" in flag for flag in whole.flags)


def test_geometry_scales_layers_and_electrodes_apart() -> None:
    full, symmetric = (
        layer(229),
        CellGeometry(thickness_um=434, diameter_mm=9, u_thickness_um=5, u_diameter_mm=0.1),
    )
    result = subtract(full_cell=full, symmetric_cell=symmetric)
    area = (9 / 10) ** 2
    assert result.subtracted_ohm == pytest.approx(2 * 23 * 229 / 434 * area + 2 * 0.9 * area)
    assert result.u_subtracted_ohm > subtract().u_subtracted_ohm * 229 / 434 * area
    assert not any("assumed equal" in flag for flag in result.flags)
    assert any("assumed equal" in flag for flag in subtract().flags)


def test_electrolyte_thickness_is_not_inferred() -> None:
    """T5: 23 Ω at the pellet's 2.4 mS/cm would be 434 µm, and 120 mg in it 3.5 g/cm³."""
    L = 23 * 2.4e-3 * AREA
    assert pytest.approx(0.0434, abs=5e-5) == L
    assert pytest.approx(3.5, abs=0.05) == 0.120 / (AREA * L)
    # nothing is scaled unless both layers are given
    assert subtract(full_cell=layer(434)).subtracted_ohm == pytest.approx(47.8)


def test_area_of_the_alternating_current_resistance() -> None:
    """T8: 0.9 Ω is 0.57 or 0.71 Ω cm², on 9 or 10 mm."""
    nine, ten = (math.pi * (d / 20) ** 2 for d in (9, 10))
    assert 0.9 * nine == pytest.approx(0.57, abs=0.005)
    assert 0.9 * ten == pytest.approx(0.71, abs=0.005)
    small = CellGeometry(thickness_um=434, diameter_mm=9)
    dc = subtract(full_cell=small, symmetric_cell=small).alternatives[-1]
    assert dc.subtracted_ohm == pytest.approx(46 + 2 * 17.5 / nine)


@given(st.floats(0, 2.0), st.floats(0.3, 30))
def test_a_value_within_its_error_is_not_resolvable(share: float, u: float) -> None:
    """T7: R_el <= 2u."""
    total = math.hypot(u, math.sqrt((2 * 0.2) ** 2 + (2 * 0.1) ** 2))
    result = subtract_symmetric_cell(
        (47.8 + share * total * 0.999, u), SYMMETRIC, layers=2, counter_electrodes=2, electrode=layer(100)
    )
    assert result.status == "not_resolvable"
    assert isinstance(result.value, float)
    assert math.isnan(result.value)
    assert math.isnan(result.sigma_S_per_cm)
    assert result.upper_limit == pytest.approx((0.999 * share + 1.645) * total, rel=1e-3)
    assert 0 < result.lower_limit_S_per_cm < 1e-2 / (AREA * result.upper_limit)


def test_a_negative_rest_is_not_resolvable() -> None:
    result = subtract(30.0)
    assert result.status == "not_resolvable"
    assert "remain" in result.reason
    assert result.upper_limit == pytest.approx(1.645 * result.u, rel=1e-3)


def test_different_pressures_raise_a_warning() -> None:
    with pytest.warns(UserWarning, match="full cell was at 64 MPa, the symmetric one at 21 MPa"):
        result = subtract(pressures_MPa=(64, 21))
    assert any("64 MPa" in flag for flag in result.flags)
    subtract(pressures_MPa=(64, 64))


def test_regression_over_thicknesses() -> None:
    """T7: slope 1/(sigma A), with nothing subtracted."""
    L = list(R_EB)
    rng = np.random.default_rng(1)
    R = np.array(list(R_EB.values())) + rng.standard_normal(4)
    regression = regress_thickness(L, R, np.ones(4), AREA, 0.004, 1.0)
    assert abs(regression.sigma_S_per_cm - SIGMA) < 2 * regression.u_sigma_S_per_cm < 0.04 * SIGMA
    assert abs(regression.intercept_ohm - 47.8) < 2 * regression.u_intercept_ohm
    flat = regress_thickness(L, [100, 101, 99, 100.5], np.full(4, 2.0), AREA)
    assert flat.status == "not_resolvable"
    assert math.isnan(flat.sigma_S_per_cm)


def test_intervals_of_the_regression_hold() -> None:
    rng = np.random.default_rng(2)
    L = np.array([50.0, 100, 300, 500])
    inside = 0
    for _ in range(400):
        true = 47.8 + (L + 5 * rng.standard_normal(4)) * 1e-4 / (SIGMA * AREA)
        regression = regress_thickness(L, true + 2 * rng.standard_normal(4), np.full(4, 2.0), AREA, 0.0, 5.0)
        inside += abs(regression.sigma_S_per_cm - SIGMA) < 1.96 * regression.u_sigma_S_per_cm
    assert 370 <= inside <= 398


def test_separator_budget() -> None:
    """T10."""
    chloride = CellGeometry(thickness_um=229, diameter_mm=10, u_thickness_um=10)
    argyrodite = CellGeometry(thickness_um=566, diameter_mm=10, u_thickness_um=10)
    budget = separator_budget({"chloride": (chloride, (2e-3, 1e-4)), "argyrodite": (argyrodite, (1e-2, 5e-4))})
    assert [round(part.resistance_ohm, 1) for part in budget] == [14.6, 7.2, 21.8]
    assert budget[-1].u_resistance_ohm == pytest.approx(math.hypot(*(p.u_resistance_ohm for p in budget[:2])))
    with pytest.raises(SpectrumError, match="give a positive conductivity"):
        separator_budget({"chloride": (chloride, (0.0, 0.0))})


@pytest.mark.parametrize(
    ("full", "symmetric", "options", "message"),
    [
        ((275, 1), SYMMETRIC, {"layers": -1}, "layers=-1"),
        ((275, 1), SYMMETRIC, {"layers": 0, "counter_electrodes": 0}, "give at least one of them"),
        ((275, 1), SYMMETRIC, {"r_in": "both"}, "r_in='both'"),
        ((275, -1), SYMMETRIC, {}, "finite R and an uncertainty of 0 or more"),
        (275, SYMMETRIC, {}, "give \\(R, u\\) in ohm"),
        ((275, 1), {"R": (1, 0)}, {}, "name R_SE and R_In"),
        (Spectrum([1.0], [1 - 1j]), SYMMETRIC, {}, "give two of the same kind"),
    ],
)
def test_inconsistent_arguments_are_refused(
    full: Any, symmetric: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpectrumError, match=message):
        subtract_symmetric_cell(full, symmetric, **{"layers": 2, "counter_electrodes": 2, **options})


# spectra


CATHODE = "p(R1,CPE1)-CPE2"
CATHODE_VALUES = [40.0, 1e-4, 0.8, 0.05, 0.7]


def full_cell(
    layers: int = 1, electrodes: int = 1, noise: float = 0.002, pressure: float | None = None
) -> Spectrum:
    frequency = np.geomspace(5e6, 0.2, 57)  # not those of the symmetric cell
    parts = simulate(CATHODE, frequency, CATHODE_VALUES).impedance
    half = simulate("p(R1,CPE1)", frequency, [0.9, 2e-5 * 2, 0.85]).impedance
    Z = parts + layers * 23.0 + electrodes * half + 2j * np.pi * frequency * 5e-8 * electrodes
    rng = np.random.default_rng(5)
    Z = Z + noise * np.abs(Z) * (rng.standard_normal(Z.size) + 1j * rng.standard_normal(Z.size))
    return Spectrum(
        frequency, Z, Metadata(pressure_MPa=pressure), "full", noise=np.maximum(noise, 1e-9) * np.abs(Z)
    )


def symmetric_cell(noise: float = 0.002, pressure: float | None = None, R_in: float = 1.8) -> Spectrum:
    values = [*INDIUM[:2], R_in, *INDIUM[3:]]
    return simulate(
        load_circuit("symmetric_in"),
        FREQUENCY,
        values,
        noise,
        3,
        Metadata(pressure_MPa=pressure),
        label="symmetric",
    )


@pytest.mark.parametrize(("layers", "electrodes"), [(1, 1), (2, 2), (2, 1)])
def test_spectra_leave_the_cathode(layers: int, electrodes: int) -> None:
    result = subtract_symmetric_cell(
        full_cell(layers, electrodes), symmetric_cell(), layers=layers, counter_electrodes=electrodes
    )
    assert result.status == "ok", result.reason
    assert isinstance(result.value, Spectrum)
    true = simulate(CATHODE, result.value.frequency, CATHODE_VALUES).impedance
    assert result.value.noise is not None
    z = (result.value.impedance - true) / result.value.noise.real
    assert 0.7 < np.sqrt(np.mean(np.abs(z - z.real.mean()) ** 2) / 2) < 1.3
    # the electrolyte left over is a shift within its uncertainty
    assert abs(float(np.median((result.value.impedance - true).real))) < 0.3
    assert result.u < 0.3
    assert any("R_SE of the symmetric cell by a fit" in flag for flag in result.flags)


def test_a_plain_half_is_flagged() -> None:
    result = subtract_symmetric_cell(
        full_cell(), symmetric_cell(), layers=1, counter_electrodes=1, plain_half=True
    )
    assert isinstance(result.value, Spectrum)
    true = simulate(CATHODE, result.value.frequency, CATHODE_VALUES).impedance
    assert float(np.median((result.value.impedance - true).real)) == pytest.approx(23 - 23 / 2, abs=0.3)
    assert any("R_SE,l - R_SE,s/2" in flag for flag in result.flags)


def test_spectra_scale_with_area_and_thickness() -> None:
    symmetric = CellGeometry(thickness_um=400, diameter_mm=8, u_thickness_um=1, u_diameter_mm=0.01)
    full = CellGeometry(thickness_um=200, diameter_mm=10, u_thickness_um=1, u_diameter_mm=0.01)
    result = subtract_symmetric_cell(
        full_cell(1, 1), symmetric_cell(), layers=1, counter_electrodes=1, full_cell=full,
        symmetric_cell=symmetric, electrolyte=(23.0, 0.1),
    )  # fmt: skip
    assert result.parts is not None
    assert result.parts.shift_ohm == pytest.approx(23 * 0.5 * 0.64)
    lowest = np.argmin(result.parts.difference.frequency)
    assert result.parts.electrodes[lowest].real == pytest.approx(0.9 * 0.64, rel=0.2)


@pytest.mark.parametrize(
    ("options", "symmetric", "reason"),
    [
        ({"layers": 4, "counter_electrodes": 1}, symmetric_cell(), "negative resistance"),
        ({"layers": 1, "counter_electrodes": 1}, symmetric_cell(R_in=400.0), "negative resistance|inductive"),
    ],
)
def test_unphysical_differences_are_refused(options: dict[str, int], symmetric: Spectrum, reason: str) -> None:
    import re

    result = subtract_symmetric_cell(full_cell(), symmetric, electrolyte=(23.0, 0.1), **options)  # type: ignore[arg-type]
    assert result.status == "failed"
    assert result.value is None
    assert re.search(reason, result.reason)


def test_a_drifting_cell_is_refused() -> None:
    full = full_cell()
    drift = 1 + 0.25 * np.linspace(0, 1, len(full)) ** 6
    result = subtract_symmetric_cell(
        Spectrum(full.frequency, full.impedance.real * drift + 1j * full.impedance.imag, label="full"),
        symmetric_cell(), layers=1, counter_electrodes=1,
    )  # fmt: skip
    assert result.status == "failed"
    assert "Kramers-Kronig" in result.reason


def test_nothing_is_extrapolated() -> None:
    narrow = symmetric_cell().crop(f_min=10)
    result = subtract_symmetric_cell(full_cell(), narrow, layers=1, counter_electrodes=1, electrolyte=(23.0, 0.1))
    assert isinstance(result.value, Spectrum)
    assert result.value.frequency.min() >= 10 * 0.8
    assert any("outside those of the symmetric cell omitted" in flag for flag in result.flags)
    with pytest.raises(SpectrumError, match="a subtraction needs 6 or more"):
        subtract_symmetric_cell(
            full_cell().crop(f_max=1), narrow, layers=1, counter_electrodes=1, electrolyte=(23.0, 0.1)
        )


def test_pressures_of_spectra() -> None:
    with pytest.warns(UserWarning, match="64 MPa"):
        subtract_symmetric_cell(
            full_cell(pressure=64), symmetric_cell(pressure=21), layers=1, counter_electrodes=1,
            electrolyte=(23.0, 0.1),
        )  # fmt: skip


def test_a_symmetric_cell_without_an_electrolyte_arc_asks_for_it() -> None:
    blocked = simulate("CPE1", FREQUENCY, [1e-6, 0.9], 0.01, 1, label="sym")
    with pytest.raises(SpectrumError, match="give the resistance of its electrolyte"):
        subtract_symmetric_cell(full_cell(), blocked, layers=1, counter_electrodes=1)
