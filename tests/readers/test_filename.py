"""Metadata from file names, alone and beside the other names of a folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import eistool
from eistool.readers.filename import metadata_from_filename, metadata_from_filenames
from eistool.readers.tokens import parse_tokens


def values_of(*names: str) -> list[dict[str, object]]:
    return [dict(named.values) for named in metadata_from_filenames(names).values()]


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
        ("cell_22,5 °C.csv", {"sample_id": "cell", "temperature_C": 22.5}),
        ("cell_2C_25C.csv", {"sample_id": "cell", "temperature_C": 25.0}),
        ("S17_140deg.csv", {"sample_id": "S17", "temperature_C": 140.0}),
        ("S17_m20C.csv", {"sample_id": "S17", "temperature_C": -20.0}),
        ("S17_350K.csv", {"sample_id": "S17", "temperature_C": 76.85}),
        ("S17_T_25.csv", {"sample_id": "S17", "temperature_C": 25.0}),
        ("S17_T500.csv", {"sample_id": "S17", "temperature_C": 500.0}),
        ("S17_T298.csv", {"sample_id": "S17", "temperature_C": 24.85}),
        ("LLZO@80C.csv", {"sample_id": "LLZO", "temperature_C": 80.0}),
        ("PEO_600K_60C.csv", {"sample_id": "PEO_600K", "temperature_C": 60.0}),
        ("25C_cell1.csv", {"sample_id": "cell1", "temperature_C": 25.0}),
        ("A-1_25C.csv", {"sample_id": "A-1", "temperature_C": 25.0}),
        ("sample 3 80 C.csv", {"sample_id": "sample 3", "temperature_C": 80.0}),
        ("cell 3 C.csv", {"sample_id": "cell 3 C"}),
        ("cell_+5C.csv", {"sample_id": "cell", "temperature_C": 5.0}),
        ("cell minus 20C.csv", {"sample_id": "cell", "temperature_C": -20.0}),
        ("cell_25_C.csv", {"sample_id": "cell", "temperature_C": 25.0}),
        ("LLZO_A_T25_run2.csv", {"sample_id": "LLZO_A", "temperature_C": 25.0}),
        ("PEIS_LPSCl_IonBlocking_-25C.mpr", {"sample_id": "LPSCl_IonBlocking", "temperature_C": -25.0}),
        ("550C.0.5V.DTA", {"temperature_C": 550.0, "voltage_V": 0.5}),
        ("LLZO.A.25C.run1.csv", {"sample_id": "LLZO.A", "temperature_C": 25.0}),
        ("S1-25C-50SOC.csv", {"sample_id": "S1", "temperature_C": 25.0, "soc_pct": 50.0}),
        ("-0_020 V vs Ag_AgCl.csv", {"voltage_V": -0.02, "reference": "Ag/AgCl"}),
        ("cell_3_65V.csv", {"sample_id": "cell", "voltage_V": 3.65}),
        ("cell_3V65_chg.csv", {"sample_id": "cell", "voltage_V": 3.65, "direction": "charge"}),
        ("cell_3650mV_10mV.csv", {"sample_id": "cell", "voltage_V": 3.65}),
        ("cell_cycle 10.csv", {"sample_id": "cell", "cycle": 10.0}),
        ("cell_2nd_cycle.csv", {"sample_id": "cell", "cycle": 2.0}),
        ("Sample1_PEIS_EndOfDischarge.mpr", {"sample_id": "Sample1", "direction": "discharge"}),
        ("cell1_02_GEIS_C05.mpr", {"sample_id": "cell1"}),
        ("20240401_B_HL03_E01_EIS.DTA", {"sample_id": "B_HL03_E01"}),
        ("jr862_11_08_23_LiLi.csv", {"sample_id": "jr862_LiLi"}),
        ("PYA_25082021_BM169_1.csv", {"sample_id": "PYA_BM169_1"}),
        ("Circuit1_EIS_1.z", {"sample_id": "Circuit1"}),
        ("EIS_01.csv", {}),
        ("25C.csv", {"temperature_C": 25.0}),
        ("2C_cell.csv", {"sample_id": "cell"}),
        ("cell_50%SOC_m0.02V.csv", {"sample_id": "cell", "soc_pct": 50.0, "voltage_V": -0.02}),
        ("cell_5K.csv", {"sample_id": "cell_5K"}),
        ("pellet5_25C_10MPa.csv", {"sample_id": "pellet5_10MPa", "temperature_C": 25.0}),
        ("T500_25C.csv", {"sample_id": "T500", "temperature_C": 25.0}),
        ("C5_25C.csv", {"sample_id": "C5", "temperature_C": 25.0}),
        ("cell.csv", {"sample_id": "cell"}),
    ],
)
def test_one_name(name: str, expected: dict[str, object]) -> None:
    named = metadata_from_filename(name)
    assert (dict(named.values), named.notes) == (expected, ())


@pytest.mark.parametrize(
    ("name", "sample", "note"),
    [
        (
            "cell_25C_30C_25C.csv",
            "cell_25C_30C_25C",
            "temperature_C: several values in the file name; none is used",
        ),
        ("T500.csv", "T500", "temperature_C: 'T500' may be a temperature or a sample; not used"),
        ("LLZO_T300.csv", "LLZO_T300", "temperature_C: 'T300' may be °C or K; not used"),
        ("LLZO_T7.csv", "LLZO_T7", "temperature_C: 'T7' may be a temperature or a counter; not used"),
        ("LLZO-25C.csv", "LLZO-25C", "temperature_C: '25C' after a hyphen may be 25 or -25 °C; not used"),
        ("cell_SOC0.5.csv", "cell_SOC0.5", "soc_pct: 'SOC0.5' may be a fraction or a percentage; not used"),
        ("ML621_50%.csv", "ML621_50%", "soc_pct: '50%' may be a state of charge or a composition; not used"),
        ("cell_RT.csv", "cell", "temperature_C: 'RT' is not a number; give temperature_C in the samples table"),
    ],
)
def test_ambiguous_tokens_are_noted_and_not_used(name: str, sample: str, note: str) -> None:
    named = metadata_from_filename(name)
    assert dict(named.values) == {"sample_id": sample}
    assert [text[: len(note)] for text in named.notes] == [note]


@pytest.mark.parametrize("name", ["20240401.csv", "-0.csv", "0.csv", "2024-04-01_2C.csv", "2024.04.01.csv"])
def test_numbers_and_dates_are_no_samples(name: str) -> None:
    assert metadata_from_filename(name).values == {}


def test_nothing_is_colder_than_absolute_zero() -> None:
    assert "temperature_C" not in metadata_from_filename("S17_m300C.csv").values


@pytest.mark.parametrize(
    ("names", "samples", "temperatures"),
    [
        (["LLZO_A_25C", "LLZO_B_25C"], ["LLZO_A", "LLZO_B"], [25, 25]),
        (["LLZO_1_25C", "LLZO_2_25C"], ["LLZO_1", "LLZO_2"], [25, 25]),
        (["LLZO_25C_1", "LLZO_25C_2"], ["LLZO", "LLZO"], [25, 25]),
        (["PEIS_LLZO_1_25C", "PEIS_LLZO_2_25C"], ["LLZO_1", "LLZO_2"], [25, 25]),
        # a number at the start counts files, unless nothing else separates them
        (["01_LLZO_25C", "02_LLZO_50C", "03_LLZO_25C"], ["LLZO"] * 3, [25, 50, 25]),
        (["1_LLZO_25C", "2_LLZO_25C"], ["1_LLZO", "2_LLZO"], [25, 25]),
        # numbers after a T
        (["T25", "T50", "T80"], [None] * 3, [25, 50, 80]),
        (["T1", "T2", "T3"], ["T1", "T2", "T3"], [None] * 3),
        (["B_T500", "B_T650"], ["B", "B"], [500, 650]),
        (["B_T300", "B_T400"], ["B_T300", "B_T400"], [None, None]),
        (["B_T300", "B_T600"], ["B_T300", "B_T600"], [None, None]),
        (["B_T100", "B_T300"], ["B", "B"], [100, 300]),
        (["B_T298", "B_T323"], ["B", "B"], [24.85, 49.85]),
        # C-rates, cells and channels
        (["cell_C5", "cell_C10"], ["cell", "cell"], [None, None]),
        (["cell_C1", "cell_C2", "cell_C3"], ["cell_C1", "cell_C2", "cell_C3"], [None] * 3),
        (["LLZO_25C_C03", "LLZO_25C_C07"], ["LLZO_C03", "LLZO_C07"], [25, 25]),
        # sintering and measurement
        (["X_1100C_25C", "X_1100C_50C", "X_1200C_25C"], ["X_1100C", "X_1100C", "X_1200C"], [25, 50, 25]),
        (["X_1100C_25C", "X_1200C_25C"], ["X_1100C_25C", "X_1200C_25C"], [None, None]),
        # a hyphen is no sign where it cannot be one in another name
        (["cell-25C", "cell-80C"], ["cell", "cell"], [25, 80]),
        (["cell-A-25C", "cell-B-25C"], ["cell-A-25C", "cell-B-25C"], [None, None]),
        # gases and percentages stay with the sample
        (["B_pO2_21%_T500", "B_pO2_60%_T600"], ["B_pO2_21%", "B_pO2_60%"], [500, 600]),
    ],
)
def test_names_of_a_folder(names: list[str], samples: list[str | None], temperatures: list[float | None]) -> None:
    values = values_of(*(f"{name}.csv" for name in names))
    assert [value.get("sample_id") for value in values] == samples
    assert [value.get("temperature_C") for value in values] == temperatures


def test_fractions_of_charge() -> None:
    assert [v["soc_pct"] for v in values_of("a_SOC0.csv", "a_SOC0.5.csv", "a_SOC1.csv")] == [0, 50, 100]
    assert [v["soc_pct"] for v in values_of("a_SOC0.5.csv", "a_SOC50.csv")] == [0.5, 50]


def test_origins_name_the_context(tmp_path: Path) -> None:
    for name in ("B_T500.csv", "B_T600.csv", "B_25C.csv"):
        (tmp_path / name).write_text("frequency_Hz,z_real_ohm,z_imag_ohm\n100,1,-1\n10,2,-1\n1,3,-1\n")
    plain, first, _ = eistool.read(tmp_path)
    assert plain.metadata.origin["temperature_C"] == "file name"
    assert first.metadata.origin["temperature_C"] == "file name (T500 in °C, as in 2 names)"
    # a file read alone has the same metadata as in its folder
    [alone] = eistool.read(tmp_path / "B_T500.csv")
    assert dict(alone.metadata.origin) == dict(first.metadata.origin)


@given(st.lists(st.text(alphabet="aTCVKS0125.,-_%pm #()@é", max_size=20), min_size=1, max_size=6, unique=True))
def test_any_names(names: list[str]) -> None:
    for name, named in metadata_from_filenames(names).items():
        eistool.Metadata(**named.values)  # type: ignore[arg-type]
        rest = name
        for part in parse_tokens(Path(name).stem):  # no character of a token is lost or doubled
            before, text, rest = rest.partition(part.text)
            assert (set(before) <= set("_ ,;@-.")) & bool(text)


def test_measured_names(real_data: Path) -> None:
    spectra = eistool.read(real_data / "deep-DRT" / "experimental_data")
    assert {s.metadata.sample_id for s in spectra} == {f"BLF_D5_pO2_{share}%" for share in (21, 60, 100)}
    assert {s.metadata.temperature_C for s in spectra} == {500, 550, 600, 650, 700}
    potentials = eistool.read(real_data / "EZ" / "examples" / "data" / "EIS CFO pH14 light")
    assert sorted(
        round(50 * s.metadata.voltage_V) for s in potentials if s.metadata.voltage_V is not None
    ) == list(range(-15, 6))
