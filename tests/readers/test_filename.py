"""Tokens of file names."""

import pytest

from eistool.readers.filename import metadata_from_filename


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LBPSI017_m40C.mpt", {"sample_id": "LBPSI017", "temperature_C": -40.0}),
        (
            "NCM622_25C_SOC50_chg",
            {"sample_id": "NCM622", "temperature_C": 25.0, "soc_pct": 50.0, "direction": "charge"},
        ),
        (
            "cell_25C_2p80V_chg.csv",
            {"sample_id": "cell", "temperature_C": 25.0, "voltage_V": 2.8, "direction": "charge"},
        ),
        (
            "B_298K_cyc010_dis.z",
            {"sample_id": "B", "temperature_C": 24.85, "cycle": 10.0, "direction": "discharge"},
        ),
        ("cell_C5.csv", {"sample_id": "cell"}),
        ("cell_2C.csv", {"sample_id": "cell"}),
        ("cell_0.1C.csv", {"sample_id": "cell"}),
        ("cell 0C.csv", {"sample_id": "cell", "temperature_C": 0.0}),
        ("cell_-25C.csv", {"sample_id": "cell", "temperature_C": -25.0}),
        ("cell_5°C.csv", {"sample_id": "cell", "temperature_C": 5.0}),
        ("cell_22p5degC.csv", {"sample_id": "cell", "temperature_C": 22.5}),
        ("cell_2C_25C.csv", {"sample_id": "cell", "temperature_C": 25.0}),
        ("25C_cell.csv", {"temperature_C": 25.0}),
        ("2C_cell.csv", {}),
        ("cell_50%SOC_m0.02V.csv", {"sample_id": "cell", "soc_pct": 50.0, "voltage_V": -0.02}),
        ("cell_5K.csv", {"sample_id": "cell"}),
        ("cell.csv", {"sample_id": "cell"}),
    ],
)
def test_tokens(name: str, expected: dict[str, object]) -> None:
    assert metadata_from_filename(name) == (expected, [])


def test_contradictory_tokens_are_not_taken() -> None:
    values, notes = metadata_from_filename("cell_25C_30C_25C.csv")
    assert values == {"sample_id": "cell"}
    assert notes == ["temperature_C: several values in the file name; none is used"]


@pytest.mark.parametrize("name", ["20240401.csv", "-0.csv", "0.csv", "2024-04-01_2C.csv", "2024.04.01.csv"])
def test_numbers_and_dates_are_no_samples(name: str) -> None:
    assert metadata_from_filename(name)[0] == {}


def test_nothing_is_colder_than_absolute_zero() -> None:
    assert "temperature_C" not in metadata_from_filename("S17_m300C.csv")[0]
