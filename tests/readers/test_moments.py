"""Cycle numbers, hours and dates of the sweeps in one file."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import eistool
from tests.readers.test_instruments import BASE, mpt, twice

START = datetime(2024, 3, 5, 10)
POINTS = ((100.0, 10.0, -1.0), (10.0, 12.0, -4.0), (1.0, 20.0, -5.0))


def sweeps(header: str, *first_cells: list[str], mark: str = ",") -> str:
    """Return a table with three sweeps, and cells of each before its points."""
    rows = [mark.join([header, "f/Hz", "Re(Z)/Ohm", "Im(Z)/Ohm"])]
    for cells in zip(*first_cells, strict=True):
        rows += [mark.join([*cells, *map(str, point)]) for point in POINTS]
    return "\n".join(rows) + "\n"


def read(folder: Path, text: str, name: str = "a.csv") -> list[eistool.Metadata]:
    (folder / name).write_text(text, encoding="utf-8")
    return [spectrum.metadata for spectrum in eistool.read(folder / name)]


@pytest.mark.parametrize("header", ["cycle", "Cycle number", "cycle_no", "Cycle Nr."])
def test_cycles_of_a_table(header: str, tmp_path: Path) -> None:
    found = read(tmp_path, sweeps(header, ["1", "5", "10"]))
    assert [m.cycle for m in found] == [1, 5, 10]
    assert found[0].origin["cycle"] == "file header"
    series = eistool.Series(eistool.read(tmp_path / "a.csv"), by="cycle")
    assert series.coordinate.tolist() == [1, 5, 10]


@pytest.mark.parametrize(
    ("header", "numbers"),
    [
        ("z cycle", ["1", "2", "3"]),  # repeats of one measurement
        ("sweep", ["1", "2", "3"]),
        ("scan", ["1", "2", "3"]),
        ("cycle", ["1.5", "2.5", "3.5"]),
    ],
)
def test_what_is_no_cycle(header: str, numbers: list[str], tmp_path: Path) -> None:
    found = read(tmp_path, sweeps(header, numbers))
    assert [m.cycle for m in found] == [None] * 3


@pytest.mark.parametrize(("number", "cycle"), [("1", None), ("7", 7)])
def test_a_constant_number_is_a_default_if_it_is_1(number: str, cycle: float | None, tmp_path: Path) -> None:
    assert {m.cycle for m in read(tmp_path, sweeps("cycle", [number] * 3))} == {cycle}


@pytest.mark.parametrize(
    ("header", "times", "hours"),
    [
        ("time/s", ["0", "3600", "9000"], [0, 1, 2.5]),
        ("Time (h)", ["0.5", "1", "2"], [0.5, 1, 2]),
        ("elapsed_time_min", ["6", "60", "90"], [0.1, 1, 1.5]),
        ("time", ["0", "3600", "9000"], [None] * 3),  # without a unit
        ("time/s", ["0", "0", "0"], [None] * 3),  # counted anew
    ],
)
def test_hours_of_a_table(header: str, times: list[str], hours: list[float | None], tmp_path: Path) -> None:
    found = read(tmp_path, "Date: 2024-03-05 10:00:00\n" + sweeps(header, times))
    assert [m.time_h for m in found] == hours
    starts = [START + timedelta(hours=hour or 0) for hour in hours]
    assert [m.started_at for m in found] == [start.isoformat() for start in starts]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_dates_of_a_table(mark: str, tmp_path: Path) -> None:
    dates = [f"2024-03-05 1{hour}:30:00" for hour in (0, 2, 4)]
    found = read(tmp_path, sweeps("datetime", dates, mark=mark))
    assert [m.started_at for m in found] == [date.replace(" ", "T") for date in dates]
    assert [m.time_h for m in found] == [0, 2, 4]


def test_dates_of_a_single_sweep(tmp_path: Path) -> None:
    [metadata] = read(tmp_path, sweeps("datetime", ["05.03.2024 10:00:00"]))
    assert (metadata.started_at, metadata.time_h) == ("2024-03-05T10:00:00", None)


def test_rows(tmp_path: Path) -> None:
    header = "series;cycle;time_h;datetime;" + ";".join(f"Re(Z) {f}Hz;Im(Z) {f}Hz" for f in (100, 10, 1))
    points = ";".join(f"{re};{im}" for _, re, im in POINTS)
    rows = [f"{k % 2};{k};{k / 2};2024-03-05 10:0{k}:00;{points}" for k in range(1, 5)]
    found = read(tmp_path, "\n".join([header, *rows, ""]), "aging_25C.csv")
    assert [m.sample_id for m in found] == ["aging series 1", "aging series 0"] * 2
    assert [m.cycle for m in found] == [1, 2, 3, 4]
    assert [m.time_h for m in found] == [0.5, 1, 1.5, 2]
    assert found[-1].started_at == "2024-03-05T10:04:00"
    assert found[0].temperature_C == 25


def test_cycles_of_an_instrument_count_from_1_in_each_file(tmp_path: Path) -> None:
    columns = {name: twice(values) for name, values in BASE.items()}
    numbers = np.repeat([1.0, 2.0], BASE["freq/Hz"].size)
    for name, title, cycles in (
        ("cell.mpt", "Potentio Electrochemical Impedance Spectroscopy", [1, 2]),
        ("cell_cyc010.mpt", "Potentio Electrochemical Impedance Spectroscopy", [10, 10]),
        ("cell.mpt", "Staircase Potentio Electrochemical Impedance Spectroscopy", [None, None]),
    ):
        (tmp_path / name).write_bytes(mpt(columns | {"cycle number": numbers}, title=title))
        assert [s.metadata.cycle for s in eistool.read(tmp_path / name)] == cycles


def test_measured_cycles(real_data: Path) -> None:
    [path] = real_data.rglob("data_eis_zhang2020.csv")
    groups: dict[str | None, list[float | None]] = {}
    for spectrum in eistool.read(path):
        groups.setdefault(spectrum.metadata.sample_id, []).append(spectrum.metadata.cycle)
    assert [len(cycles) for cycles in groups.values()] == [261, 181, 202, 35, 275, 212, 140, 37]
    assert all(cycles == list(range(1, len(cycles) + 1)) for cycles in groups.values())
