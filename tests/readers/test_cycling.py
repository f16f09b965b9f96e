"""Cycling records, and spectra on them."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eistool
from eistool import Metadata, Profile, Series, Spectrum, read_profile
from eistool.errors import ReaderError, SpectrumError
from eistool.typing import FloatArray
from tests.readers.test_biologic_mpr import mpr

# rest, charge of 2 mAh, rest, discharge of 1 mAh, rest; a row each quarter of an hour
CURRENT: FloatArray = np.repeat([0.0, 1e-3, 0.0, -1e-3, 0.0], [2, 8, 2, 4, 2])
TIME: FloatArray = np.linspace(0.0, 900.0 * CURRENT.size, CURRENT.size + 1)
CHARGE: FloatArray = np.concatenate([np.zeros(1), np.cumsum(CURRENT) / 4 * 1e3])
VOLTAGE: FloatArray = 2 + 0.5 * CHARGE + 0.1 * np.sign(np.concatenate([np.zeros(1), CURRENT]))
I_MA = 1e3 * np.concatenate([np.zeros(1), CURRENT])
START = "2018-02-04T10:02:46"
MPT_HEAD = [
    "EC-Lab ASCII FILE",
    "Nb header lines : 6",
    "",
    "Galvanostatic Cycling with Potential Limitation",
    "Acquisition started on : 02/04/2018 10:02:46",
]


def lines(names: list[str], columns: list[FloatArray], mark: str, decimal: str = ".") -> list[str]:
    rows = (mark.join(repr(x).replace(".", decimal) for x in row) for row in np.transpose(columns).tolist())
    return [mark.join(names), *rows]


def text(rows: list[str]) -> bytes:
    return ("\n".join(rows) + "\n").encode("latin-1")


GCPL = ["mode", "time/s", "Ewe/V", "I/mA", "(Q-Qo)/mA.h"]
ALL = [TIME, VOLTAGE, I_MA, CHARGE]
FILES = {
    "cell.mpr": mpr({1: TIME * 0, 131: TIME * 0, 4: TIME, 6: VOLTAGE, 8: I_MA, 13: CHARGE}, 3, technique=4),
    "no_current.mpr": mpr({1: TIME * 0, 4: TIME, 6: VOLTAGE, 13: CHARGE}, 11, technique=4),
    "cell.mpt": text(MPT_HEAD + lines(GCPL, [TIME * 0, *ALL], "\t")),
    "comma.mpt": text(MPT_HEAD + lines(GCPL, [TIME * 0, *ALL], "\t", ",")),
    "hours.csv": text(
        [
            f"Start time: {START}",
            *lines(["Test Time (h)", "Voltage(V)", "Capacity (Ah)"], [TIME / 3600, VOLTAGE, CHARGE / 1e3], ","),
        ]
    ),
    "german.txt": text(
        [
            f"Datum: {START.replace('T', ' ')}",
            *lines(["t/min", "U/mV", "Q-Qo/mAh"], [TIME / 60, VOLTAGE * 1e3, CHARGE], ";", ","),
        ]
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_formats(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    profile = read_profile(tmp_path / name)
    assert profile.started_at == START
    np.testing.assert_allclose(profile.time_s, TIME, rtol=1e-9)
    np.testing.assert_allclose(profile.voltage_V, VOLTAGE, rtol=1e-6)
    np.testing.assert_allclose(profile.capacity_mAh, CHARGE, atol=1e-6)
    np.testing.assert_allclose(profile.current_A[1:], I_MA[1:] / 1e3, atol=1e-9)


def test_integral_of_the_current_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    dates = [f"2024-03-05 {10 + int(t // 3600):02d}:{int(t % 3600 // 60):02d}:00" for t in TIME]
    rows = [f"{d},{v!r},{i!r}" for d, v, i in zip(dates, VOLTAGE.tolist(), I_MA.tolist(), strict=True)]
    path.write_text("\n".join(["datetime,voltage_V,current_mA", *rows]))
    profile = read_profile(path)
    assert profile.started_at == "2024-03-05T10:00:00"
    np.testing.assert_array_equal(profile.time_s, TIME)
    assert profile.capacity_mAh.max() == pytest.approx(2.0, rel=1e-9)
    assert "charge: the integral of the current, taken as positive on charge" in profile.notes
    assert read_profile(path, started_at="2020-01-01").started_at == "2020-01-01"


@pytest.mark.parametrize(("current", "doubted"), [(I_MA, False), (-I_MA, True), (np.abs(I_MA), True)])
def test_a_current_of_the_wrong_sign_is_questioned(current: FloatArray, doubted: bool, tmp_path: Path) -> None:
    rows = lines(["time_s", "voltage_V", "current_mA"], [TIME, VOLTAGE, current], ",")
    (tmp_path / "record.csv").write_bytes(text(rows))
    assert (
        any("check whether the current is positive" in n for n in read_profile(tmp_path / "record.csv").notes)
        == doubted
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            ["time_s,voltage_V,note", "0,1,3", "1,1,3", "2,1,3"],
            "line 1: columns found: time, voltage; expected a time",
        ),
        (
            ["time_s,voltage_V,current", "0,1,3", "1,1,3", "2,1,3"],
            "'current' has no unit; write for instance current_mA",
        ),
        (["time_s,voltage_V,current_A", "0,1,3", "2,1,3", "1,1,3"], "time_s: decreases at row 2"),
        (["time_s,voltage_V,capacity_mAh", "0,1,0", "1,1,2", "2,1,0", "3,1,2"], "capacity jumps"),
        (["freq/Hz,time/s,Ewe/V,I/mA", "1,0,1,0", "2,1,1,2", "3,2,1,0"], "impedance over frequency"),
        (["1,2,3", "1,2,3", "1,2,3"], "no header with time, voltage and current"),
        (["words"], "no table of time, voltage and current"),
    ],
)
def test_refusals(rows: list[str], reason: str, tmp_path: Path) -> None:
    (tmp_path / "record.csv").write_bytes(text(rows))
    with pytest.raises(ReaderError, match=rf"record\.csv.*{re.escape(reason)}"):
        read_profile(tmp_path / "record.csv")


@pytest.fixture
def profile() -> Profile:
    return Profile(TIME, VOLTAGE, I_MA / 1e3, CHARGE, START)


def at(hours: float, **known: object) -> Metadata:
    then = np.datetime64(START) + np.timedelta64(round(hours * 3600), "s")
    return Metadata(started_at=str(then), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hours", "soc", "voltage", "direction"),
    [
        (0.25, 0, 2.0, None),  # before any current
        (1.5, 50, 2.6, "charge"),
        (2.8, 100, 3.0, "charge"),  # the rest after the charge
        (3.5, 75, 2.65, "discharge"),
        (4.9, 50, 2.5, "discharge"),  # less than an hour after the end
    ],
)
def test_state(hours: float, soc: float, voltage: float, direction: str | None, profile: Profile) -> None:
    values, remark = profile.state(at(hours))
    assert values["soc_pct"] == pytest.approx(soc)
    assert values["capacity_mAh"] == pytest.approx(soc / 50)
    assert (values["voltage_V"], values["direction"]) == (pytest.approx(voltage), direction)
    assert remark == "soc_pct is relative to the range of the record, 2 mAh; 0 % is the least charge in the record"


def test_nominal_capacity(profile: Profile) -> None:
    values, remark = profile.state(at(2.5, nominal_capacity_mAh=4.0))
    assert values["soc_pct"] == pytest.approx(50)
    assert "relative to the nominal capacity, 4 mAh" in remark
    assert profile.state(at(2.5, nominal_capacity_mAh=4.0), 2.5)[0]["soc_pct"] == pytest.approx(80)


def test_what_the_record_does_not_tell(profile: Profile) -> None:
    assert profile.state(at(-0.1)) == ({}, "not on the profile: 0.1 h before it begins")
    assert profile.state(at(5.6)) == ({}, "not on the profile: 1.1 h after it ends")
    assert profile.state(Metadata())[1] == "not on the profile: the spectrum has no date"
    no_date = Profile(TIME, VOLTAGE, I_MA, CHARGE)
    assert no_date.state(at(1))[1] == "not on the profile: the record has no date"
    gap = (TIME < 3000) | (TIME > 9000)
    sparse = Profile(TIME[gap], VOLTAGE[gap], I_MA[gap], CHARGE[gap], START)
    assert "no rows for 2 h, in which charge flowed" in sparse.state(at(1.5))[1]
    resting = Profile(TIME, VOLTAGE, 0 * TIME, 0 * TIME, START)
    values, remark = resting.state(at(1))
    assert "soc_pct" not in values
    assert values["direction"] is None
    assert "no charge flows" in remark


@given(st.floats(0, 4.5), st.floats(0, 4.5))
def test_soc_follows_the_charge(first: float, second: float) -> None:
    record = Profile(TIME, VOLTAGE, I_MA / 1e3, CHARGE, START)
    for hours in (first, second):
        seconds = round(hours * 3600)
        expected = 50 * float(np.interp(seconds, TIME, CHARGE))
        # at rest the last row stands, so a step of a current that has just begun may be missing
        assert record.state(at(hours))[0]["soc_pct"] == pytest.approx(expected, abs=12.5)


def test_series(profile: Profile) -> None:
    spectra = [Spectrum([1.0], [1 - 1j], at(h, time_h=h)) for h in (3.5, 1.5, 9.0)]
    series = Series(spectra, by="time").with_profile(profile)
    assert [s.metadata.soc_pct for s in series] == [pytest.approx(50), pytest.approx(75), None]
    assert series[0].metadata.origin["soc_pct"] == "profile"
    assert "not on the profile: 4.5 h after it ends" in series[2].notes
    by_soc = Series(spectra[:2], by="time").with_profile(profile, by="soc", nominal_capacity_mAh=4.0)
    np.testing.assert_allclose(by_soc.coordinate, [25, 37.5])
    assert by_soc.direction == ("charge", "discharge")
    with pytest.raises(SpectrumError, match="has no soc_pct"):
        Series(spectra, by="time").with_profile(profile, by="soc")


@pytest.mark.parametrize(
    ("time", "charge", "reason"),
    [
        ([0.0], [0.0], "two or more"),
        ([0, 1.0], [0, np.nan], "not all values are finite"),
        ([1, 0.0], [0, 1.0], "row 1"),
    ],
)
def test_impossible_records(time: list[float], charge: list[float], reason: str) -> None:
    with pytest.raises(SpectrumError, match=reason):
        Profile(np.array(time), np.array(time), np.array(time), np.array(charge))


def test_measured_record_and_the_spectra_behind_it(real_data: Path) -> None:
    [path] = real_data.rglob("*1mA_01_GCPL_C05.mpr")
    profile = read_profile(path)
    # the settings beside it: 5 min of rest, then 0.4 mA for 10 min
    assert profile.capacity_mAh[-1] == pytest.approx(0.4 * 600 / 3600, rel=1e-3)
    assert profile.current_A[-5:] == pytest.approx(4e-4, rel=1e-3)
    spectra = eistool.read(path.with_name(path.name.replace("01_GCPL", "02_GEIS")))
    first, *_ = Series(spectra, by="time").with_profile(profile)
    assert (first.metadata.direction, first.metadata.capacity_mAh) == ("charge", profile.capacity_mAh[-1])
