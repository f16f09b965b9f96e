"""Conductivities from resistances: numeric cases, error budget and invalid arguments."""

import math

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from eistool import CellGeometry, FitResult, Metadata, SpectrumError, conductivity, fit, simulate
from eistool.materials import bulk_apex_frequency
from eistool.materials.conductivity_value import temperature_share
from eistool.spectrum.geometry import geometry_conflicts, spread_area
from tests.materials.pellets import Pellet

CELL = CellGeometry(thickness_um=1000, diameter_mm=10, u_thickness_um=30, u_diameter_mm=0.05)
FREQUENCY = np.geomspace(7e6, 0.1, 64)
AREA = math.pi * 0.25


def spike(R: float, metadata: Metadata | None = None, noise: float = 0.003, seed: int = 1) -> FitResult:
    spectrum = simulate("L0-R0-CPE1", FREQUENCY, [1e-7, R, 2e-6, 0.92], noise, seed, metadata)
    return fit(spectrum, "spike")


@pytest.mark.parametrize(("sigma", "R"), [(2.4e-3, 53.05), (0.32e-3, 397.9), (2.7e-6, 47157), (0.7e-6, 181891)])
def test_t1_pellets(sigma: float, R: float) -> None:
    assert pytest.approx(R, rel=1e-4) == 0.1 / (sigma * AREA)
    total = conductivity(spike(R), CELL).total
    assert total is not None
    assert total.status == "ok"
    assert total.sigma_S_per_cm == pytest.approx(sigma, rel=0.005)


def test_t1_normalised_by_the_geometry() -> None:
    cell = CellGeometry(thickness_um=1430, diameter_mm=10)
    assert cell.cell_constant_per_cm is not None
    R = cell.cell_constant_per_cm / 2.0e-3
    assert pytest.approx(91.0, rel=1e-3) == R
    assert R / cell.cell_constant_per_cm == pytest.approx(500)  # Z A/L in ohm cm
    assert pytest.approx(636.6, rel=1e-4) == R / 0.143  # Z/L in ohm/cm


def test_the_budget_of_errors() -> None:
    """3 %, 0.5 % and 53.05 ± 0.5 Ω give 2.40 ± 0.08 mS/cm, and ± 0.12 at a temperature known to 1 K."""
    relative = math.sqrt(0.03**2 + 0.01**2 + (0.5 / 53.05) ** 2)
    assert 2.4 * relative == pytest.approx(0.08, abs=0.005)
    assert temperature_share(0.31, 25.0, 1.0) == pytest.approx(0.037, abs=5e-4)
    total = conductivity(spike(53.05, Metadata(temperature_C=25.0)), CELL, activation_energy_eV=0.31).total
    assert total is not None
    parts = (total.u_relative_resistance, total.u_relative_geometry, total.u_relative_temperature)
    assert math.hypot(*parts) == pytest.approx(total.u_sigma_S_per_cm / total.sigma_S_per_cm)
    assert parts[1:] == pytest.approx((math.hypot(0.03, 0.01), 0.0371), rel=1e-2)
    assert 2.4 * math.hypot(relative, parts[2]) == pytest.approx(0.12, abs=0.005)
    assert total.lower_limit < total.sigma_S_per_cm < total.upper_limit


def test_defaults_are_said() -> None:
    conductivities = conductivity(
        spike(53.05, Metadata(temperature_C=25.0, r_lead_ohm=1.0)), CellGeometry(area_cm2=0.8, thickness_um=900)
    )
    assert conductivities.assumed == (
        "u_area_cm2 = 0.0079", "u_thickness_um = 20", "u_r_lead_ohm = 10% of it", "u_temperature_C = 1",
        "Ea = 0.3 eV for the error of the temperature",
    )  # fmt: skip
    assert conductivity(spike(53.05), CELL).assumed == ()  # without a nominal temperature


def test_t4_where_the_bulk_arc_would_be() -> None:
    assert bulk_apex_frequency(2.4e-3) == pytest.approx(431e6, rel=2e-3)
    assert bulk_apex_frequency(2.7e-6) == pytest.approx(0.49e6, rel=0.01)
    conductivities = conductivity(spike(53.05), CELL)
    assert conductivities.bulk is None
    assert conductivities.grain_boundary is None
    assert conductivities.total is not None
    assert conductivities.total.reason == "bulk apex ~430 MHz if εr = 10: not measurable"
    slow = Pellet(sample_id="", x=0, sigma_25C=2.7e-6, Ea_eV=0.3, temperatures_C=(25,)).spectrum(25, 1)
    resolved = conductivity(fit(slow, "bulk_spike"), CELL)
    assert resolved.bulk is not None
    assert resolved.bulk.status == "ok"
    assert resolved.bulk.sigma_S_per_cm == pytest.approx(2.7e-6, rel=0.005)


def test_t5_a_thickness_is_never_inferred() -> None:
    """23 Ω at 2.4 mS/cm would be 0.0434 cm, or 3.5 g/cm³ for 120 mg."""
    assert pytest.approx(0.0434, abs=5e-5) == 23 * 2.4e-3 * AREA
    assert pytest.approx(3.5, abs=0.05) == 0.120 / (0.0434 * AREA)
    with pytest.raises(SpectrumError, match="no geometry; give a thickness"):
        conductivity(spike(23.0, Metadata(diameter_mm=10, mass_mg=120)))
    dense = Metadata(diameter_mm=10, mass_mg=120, density_g_cm3=2.0, thickness_um=434)
    assert "3.52 g/cm³, denser than density_g_cm3 = 2" in geometry_conflicts(dense)[0]


def test_conflicts_of_the_geometry_are_listed() -> None:
    assert geometry_conflicts(Metadata(thickness_um=1000, diameter_mm=10, cell_constant_per_cm=0.1273)) == []
    [text] = geometry_conflicts(Metadata(thickness_um=1000, diameter_mm=10, cell_constant_per_cm=0.2))
    assert text == "cell_constant_per_cm = 0.2 is taken, and thickness by area is 0.1273"
    [text] = geometry_conflicts(Metadata(area_cm2=1.2, diameter_mm=10))
    assert text == "area_cm2 = 1.2 exceeds the 0.7854 cm² of diameter_mm = 10"


def conductance(radius: float, pellet: float, thickness: float, both: bool, n: int = 60) -> float:
    """Return L/R by finite volumes in cylindrical cells: the area through which the current flows, in cm²."""
    h = thickness / n
    n_r = round(pellet / h)
    r = (np.arange(n_r) + 0.5) * h
    index = np.arange(n_r * n).reshape(n_r, n)
    along = 2 * np.pi * r  # ring area by h, over h
    across = 2 * np.pi * (r + h / 2)
    rows, columns, values = [], [], []
    diagonal = np.zeros(n_r * n)
    for left, right, g in (
        (index[:, :-1].ravel(), index[:, 1:].ravel(), np.repeat(along, n - 1)),
        (index[:-1].ravel(), index[1:].ravel(), np.repeat(across[:-1], n)),
    ):
        rows += [left, right]
        columns += [right, left]
        values += [-g, -g]
        np.add.at(diagonal, left, g)
        np.add.at(diagonal, right, g)
    small = r < radius
    top, bottom = index[small, 0], index[small if both else slice(None), -1]
    load = np.zeros(n_r * n)
    diagonal[top] += 2 * along[small]
    load[top] += 2 * along[small]
    np.add.at(diagonal, bottom, 2 * along[small if both else slice(None)])
    everything = np.arange(n_r * n)
    matrix = coo_matrix(
        (
            np.concatenate([*values, diagonal]),
            (np.concatenate([*rows, everything]), np.concatenate([*columns, everything])),
        )
    ).tocsr()
    potential = spsolve(matrix, load)
    return float(np.sum(2 * along[small] * (1 - potential[top])) * thickness)


@pytest.mark.parametrize("small", ["both", "one"])
def test_t6_the_current_spreads_beyond_a_small_electrode(small: str) -> None:
    """Compare a 5 mm electrode on a 0.5 mm pellet of 10 mm with a finite-volume solution of the field."""
    expected = conductance(0.25, 0.5, 0.05, both=small == "both", n=24)
    assert spread_area(5, 500, 10, small) == pytest.approx(expected, rel=0.02)
    assert spread_area(5, 500, 10, small) > 1.05 * math.pi * 0.25**2  # which the bare electrode would miss


def test_t6_bounds_where_it_is_not_said() -> None:
    cell = CellGeometry(thickness_um=1000, diameter_mm=10, electrode_diameter_mm=5)
    assert (cell.area_low_cm2, cell.area_high_cm2) == pytest.approx((0.2325, 0.2718), abs=1e-4)
    assert cell.area_cm2 == pytest.approx((0.2325 + 0.2718) / 2, abs=1e-4)
    assert cell.u_area_cm2 is not None
    assert cell.u_area_cm2 > (0.2718 - 0.2325) / math.sqrt(12)
    assert "small_electrodes: one or both" in cell.assumed
    given = CellGeometry(thickness_um=1000, diameter_mm=10, electrode_diameter_mm=5, small_electrodes="one")
    assert given.area_cm2 == pytest.approx(0.2718, abs=1e-4)
    capped = CellGeometry(thickness_um=5000, diameter_mm=10, electrode_diameter_mm=9.5)
    assert capped.area_high_cm2 == pytest.approx(AREA)
    by_metadata = CellGeometry.from_metadata(Metadata(thickness_um=1000, diameter_mm=10, electrode_diameter_mm=5))
    assert by_metadata is not None
    assert by_metadata.area_cm2 == cell.area_cm2
    with pytest.raises(SpectrumError, match="exchange them"):
        CellGeometry(thickness_um=1000, diameter_mm=5, electrode_diameter_mm=10)
    with pytest.raises(SpectrumError, match="choose both or one"):
        CellGeometry(thickness_um=1000, diameter_mm=10, electrode_diameter_mm=5, small_electrodes="two")


def test_t11_an_apex_below_the_window_is_extrapolated() -> None:
    """31 kΩ with C above 51 µF has its apex below 0.1 Hz."""
    assert 1 / (2 * math.pi * 0.1 * 31e3) == pytest.approx(51e-6, rel=0.01)
    for C, status in ((20e-6, "ok"), (100e-6, "extrapolated")):
        spectrum = simulate("R0-p(R1,C1)", FREQUENCY, [60, 31e3, C], 0.003, 1)
        assert fit(spectrum, "R0-p(R1,C1)").processes[0].status == status


def test_leads_are_subtracted() -> None:
    conductivities = conductivity(spike(53.05 + 2), CELL, r_lead_ohm=2.0, u_r_lead_ohm=0.3).total
    assert conductivities is not None
    assert conductivities.R_ohm == pytest.approx(53.05, rel=0.005)
    assert conductivities.u_R_ohm > 0.3
    by_metadata = conductivity(spike(55.05, Metadata(r_lead_ohm=2.0)), CELL).total
    assert by_metadata is not None
    assert by_metadata.R_ohm == pytest.approx(53.05, rel=0.005)
    refused = conductivity(spike(0.5), CELL, r_lead_ohm=0.48, u_r_lead_ohm=0.05).total
    assert refused is not None
    assert (refused.status, math.isnan(refused.sigma_S_per_cm)) == ("not_resolvable", True)
    assert refused.lower_limit > 0.5  # S/cm: R is at most some 0.1 Ω


def test_bulk_and_grain_boundary_with_the_brick_layer_model() -> None:
    values = [5e3, 2e-11, 0.98, 2e4, 5e-9, 0.9, 2e-6, 0.9]
    spectrum = simulate("p(R1,CPE1)-p(R2,CPE2)-CPE3", FREQUENCY, values, 0.003, 1)
    conductivities = conductivity(fit(spectrum, "bulk_gb_spike"), CELL)
    assert conductivities.bulk is not None
    assert conductivities.grain_boundary is not None
    assert conductivities.total is not None
    assert conductivities.grain_boundary_specific is not None
    arcs = conductivities.processes[:2]
    expected = conductivities.grain_boundary.sigma_S_per_cm * arcs[0].C_eff / arcs[1].C_eff
    assert conductivities.grain_boundary_specific.sigma_S_per_cm == pytest.approx(expected)
    resistances = (conductivities.bulk.R_ohm, conductivities.grain_boundary.R_ohm, conductivities.total.R_ohm)
    assert resistances == pytest.approx((5e3, 2e4, 2.5e4), rel=0.02)
    assert [one.status for one in conductivities.values] == ["ok", "ok", "ok"]


def test_total_of_overlapping_arcs_is_known_better_than_either() -> None:
    values = [5e3, 2e-11, 0.98, 3e3, 4e-10, 0.9, 2e-6, 0.9]
    spectrum = simulate("p(R1,CPE1)-p(R2,CPE2)-CPE3", FREQUENCY, values, 0.005, 3)
    conductivities = conductivity(fit(spectrum, "bulk_gb_spike"), CELL)
    assert conductivities.total is not None
    assert conductivities.bulk is not None
    assert conductivities.total.R_ohm == pytest.approx(8e3, rel=0.01)
    assert conductivities.total.u_R_ohm < 0.3 * conductivities.bulk.u_R_ohm


def test_fast_bulk_is_the_intercept_beside_a_grain_boundary() -> None:
    spectrum = simulate("R0-p(R1,CPE1)-CPE2", FREQUENCY, [200.0, 800, 1e-8, 0.92, 2e-6, 0.9], 0.003, 1)
    conductivities = conductivity(fit(spectrum, "r0_arc_spike"), CELL)
    assert conductivities.bulk is not None
    assert conductivities.grain_boundary is not None
    assert conductivities.bulk.R_ohm == pytest.approx(200, rel=0.02)
    assert conductivities.bulk.reason == "high-frequency intercept, leads included"
    assert conductivities.grain_boundary.R_ohm == pytest.approx(800, rel=0.02)


def test_a_contact_is_no_part_of_the_electrolyte() -> None:
    """An arc of 2 µF in series with the intercept belongs to a face."""
    spectrum = simulate("R0-p(R1,CPE1)-CPE2", FREQUENCY, [200.0, 300, 2e-6, 0.95, 1e-4, 0.9], 0.003, 1)
    conductivities = conductivity(fit(spectrum, "r0_arc_spike"), CELL)
    assert conductivities.total is not None
    assert conductivities.total.R_ohm == pytest.approx(200, rel=0.02)
    assert conductivities.grain_boundary is None
    # the same arc as a grain boundary by role: limits without a value
    named = conductivity(fit(spectrum, "symmetric_li"), CELL)
    assert named.grain_boundary is None or named.grain_boundary.status == "not_resolvable"


@pytest.mark.parametrize("circuit", ["spike", "r0_arc_spike", "bulk_spike", "bulk_gb_spike"])
def test_no_grain_boundary_where_there_is_none(circuit: str) -> None:
    """50 pellets with a spike only: for any circuit no grain boundary, and the right total."""
    rng = np.random.default_rng(7)
    deviations = []
    for seed in range(50):
        sigma = 10 ** rng.uniform(-3, -2.1)
        pellet = Pellet(
            sample_id="", x=0, sigma_25C=sigma, Ea_eV=0.3, temperatures_C=(25,), permittivity=rng.uniform(6, 20)
        )
        result = fit(pellet.spectrum(25, seed, noise=rng.uniform(0.002, 0.01)), circuit)
        conductivities = conductivity(result, CELL)
        assert conductivities.grain_boundary is None or conductivities.grain_boundary.status == "not_resolvable"
        assert conductivities.total is not None
        if conductivities.total.status == "ok":
            truth = 0.1 / (sigma * AREA)
            deviations.append((conductivities.total.R_ohm - truth) / conductivities.total.u_R_ohm)
    assert len(deviations) >= 45
    assert np.sqrt(np.mean(np.square(deviations))) < 1.3


def test_a_failed_fit_and_a_poor_one() -> None:
    spectrum = simulate("L0-p(R1,C1)-CPE1", FREQUENCY, [1e-7, 2e4, 1e-11, 2e-6, 0.92], 0.003, 1)
    poor = fit(spectrum, "R0-CPE1")
    assert poor.status == "poor_model"
    total = conductivity(poor, CELL).total
    assert total is not None
    assert "describes the spectrum poorly" in total.reason
    assert total.status == "not_resolvable" or abs(total.R_ohm - 2e4) < 3 * total.u_R_ohm
    failed = type(poor)(
        **{name: getattr(poor, name) for name in poor.__slots__ if name[0] != "_"} | {"status": "failed"}
    )
    conductivities = conductivity(failed, CELL)
    assert conductivities.total is not None
    assert (conductivities.total.status, conductivities.bulk) == ("failed", None)
    assert conductivities.to_dict()["total"]["sigma_S_per_cm"] is None
