"""Series are ordered as a cell is cycled; geometry carries its uncertainty."""

import math

import pytest

from eistool import CellGeometry, Metadata, Series, Spectrum, SpectrumError


def at(**values: object) -> Spectrum:
    return Spectrum([1.0], [1 - 1j], Metadata(**values))  # type: ignore[arg-type]


def test_charge_ascends_then_discharge_descends() -> None:
    voltages = [(2.8, "discharge"), (2.4, "charge"), (3.6, "discharge"), (2.8, "charge"), (3.2, "charge")]
    series = Series(tuple(at(voltage_V=v, direction=d) for v, d in voltages), by="voltage")
    assert series.coordinate.tolist() == [2.4, 2.8, 3.2, 3.6, 2.8]
    assert series.direction == ("charge",) * 3 + ("discharge",) * 2
    assert series[0].metadata.voltage_V == 2.4
    assert len(list(series)) == len(series) == 5


def test_unknown_directions_keep_the_order_of_acquisition() -> None:
    given = Series((at(soc_pct=50.0), at(soc_pct=10.0)), by="soc")
    assert given.coordinate.tolist() == [50, 10]
    dated = Series(
        (at(soc_pct=50.0, started_at="2026-01-02T00:00:00"), at(soc_pct=10.0, started_at="2026-01-01T00:00:00")),
        by="soc",
    )
    assert dated.coordinate.tolist() == [10, 50]


@pytest.mark.parametrize("by", ["time", "cycle"])
def test_time_and_cycle_ascend(by: str) -> None:
    name = {"time": "time_h", "cycle": "cycle"}[by]
    assert Series((at(**{name: 3.0}), at(**{name: 1.0})), by=by).coordinate.tolist() == [1, 3]


def test_a_missing_coordinate_is_named() -> None:
    with pytest.raises(SpectrumError, match="S2 has no soc_pct"):
        Series((at(soc_pct=1.0), at(sample_id="S2")), by="soc")
    with pytest.raises(SpectrumError, match="choose one of soc, voltage"):
        Series((at(soc_pct=1.0),), by="pressure")
    with pytest.raises(SpectrumError, match="no spectra"):
        Series(())


def test_series_as_a_table() -> None:
    table = Series((at(cycle=1.0), at(cycle=2.0)), by="cycle").to_dataframe()
    assert table["cycle"].tolist() == [1.0, 2.0]


def test_cell_constant_and_its_uncertainty() -> None:
    # T1 and section 3 of the project's science: 3 % in L, 0.5 % in d
    cell = CellGeometry(thickness_um=1000, diameter_mm=10, u_thickness_um=30, u_diameter_mm=0.05)
    assert cell.area_cm2 == pytest.approx(0.7854, rel=1e-4)
    assert 1 / (2.4e-3 / cell.cell_constant_per_cm) == pytest.approx(53.05, rel=1e-3)  # type: ignore[operator]
    relative = cell.u_cell_constant_per_cm / cell.cell_constant_per_cm  # type: ignore[operator]
    assert relative == pytest.approx(math.hypot(0.03, 2 * 0.005))
    assert cell.assumed == ()


def test_defaults_are_said() -> None:
    cell = CellGeometry(thickness_um=1000, diameter_mm=10)
    assert cell.assumed == ("u_diameter_mm = 0.05", "u_thickness_um = 20")
    assert CellGeometry(cell_constant_per_cm=2.0).cell_constant_per_cm == 2.0
    assert CellGeometry(thickness_um=500, area_cm2=0.5).cell_constant_per_cm == pytest.approx(0.1)


@pytest.mark.parametrize("values", [{"thickness_um": 1000}, {"diameter_mm": 10}, {}])
def test_an_undetermined_geometry_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(SpectrumError, match="give thickness_um with diameter_mm"):
        CellGeometry(**values)  # type: ignore[arg-type]
    assert CellGeometry.from_metadata(Metadata(**values)) is None  # type: ignore[arg-type]


def test_negative_lengths_are_refused() -> None:
    with pytest.raises(SpectrumError, match="thickness_um=-1"):
        CellGeometry(thickness_um=-1, diameter_mm=10)


def test_a_thickness_is_a_number() -> None:
    with pytest.raises(SpectrumError, match="thickness_um='x'; give a positive number"):
        CellGeometry(thickness_um="x", diameter_mm=10)  # type: ignore[arg-type]
