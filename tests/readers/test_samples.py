"""The samples table: what it matches, and how it complains."""

from pathlib import Path

import pytest

from eistool.errors import ConfigError
from eistool.readers import SampleTables, read_samples
from eistool.spectrum import Metadata
from tests.readers.written import bomb


def table(folder: Path, text: str, name: str = "samples.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("pattern", "sweep", "matched"),
    [
        ("sub/S17_25C.mpt", 1, True),
        ("S17_25C.mpt", 1, True),
        ("S17_25C", 1, True),
        ("S17_*", 2, True),
        ("*/S17*", 1, True),
        (r"sub\S17_25C.mpt", 1, True),
        ("S17_25C.mpt#2", 2, True),
        ("S17*#2", 2, True),
        ("S17_25C.mpt#2", 1, False),
        ("s18*", 1, False),
        ("17", 1, False),
    ],
)
def test_patterns(pattern: str, sweep: int, matched: bool, tmp_path: Path) -> None:
    samples = read_samples(table(tmp_path, f"file,cycle\n{pattern},1\n"))
    rows = samples.rows_for(tmp_path / "sub" / "S17_25C.mpt", "sub/S17_25C.mpt", sweep)
    assert bool(rows) == matched


def test_path_relative_to_the_table_matches_too(tmp_path: Path) -> None:
    samples = read_samples(table(tmp_path, "file,cycle\nday1/a.csv,1\n"))
    assert samples.rows_for(tmp_path.resolve() / "day1" / "a.csv", "a.csv", 1)
    assert not samples.rows_for(tmp_path.resolve() / "day2" / "a.csv", "a.csv", 1)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file,temperature_C,direction,include,stack\nx, -12.5 ,chg,no,Li|LPSCl|Li\n", "utf-8-sig"),
        ("file;temperature_C;direction;include;stack\r\nx;-12,5;charge;0;Li|LPSCl|Li\r\n", "latin-1"),
        ("file\ttemperature_C\tdirection\tinclude\tstack\t\nx\t-12.5\tcharge\tFALSE\tLi|LPSCl|Li\t\n\n", "utf-16"),
    ],
)
def test_dialects(text: str, encoding: str, tmp_path: Path) -> None:
    [row] = read_samples(table(tmp_path, text, encoding=encoding)).rows
    expected = {
        "file": "x",
        "temperature_C": -12.5,
        "direction": "charge",
        "include": False,
        "stack": "Li|LPSCl|Li",
    }
    assert row.values == expected
    assert Metadata(**row.values).temperature_C == -12.5  # type: ignore[arg-type]


def test_missing_cells_say_nothing(tmp_path: Path) -> None:
    [row] = read_samples(table(tmp_path, "file,cycle,notes,material\nx,nan,,NA\n,,,\n")).rows
    assert row.values == {"file": "x"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("name,cycle\nx,1\n", "row 1: unknown column 'name'"),
        ("file,temprature_C\nx,1\n", "did you mean 'temperature_C'"),
        ("cycle\n1\n", "row 1: no column 'file'"),
        ("file,cycle,cycle\nx,1,1\n", "'cycle' occurs twice"),
        ("file,temperature_C\nx,1\ny,25 C\n", "row 3, column 'temperature_C': '25 C' is not a number"),
        ("file,temperature_C\nx,inf\n", "row 2, column 'temperature_C': 'inf' is not a number"),
        ("file,thickness_um\nx,-3\n", "row 2, column 'thickness_um': -3; give a positive number"),
        ("file,direction\nx,up\n", "choose charge or discharge"),
        ("file,include\nx,perhaps\n", "choose true or false"),
        ("file,cycle\n,1\n", "row 2, column 'file': empty"),
        ("file,cycle\nx,1,surplus\n", "row 2: 3 cells under 2 columns"),
        ("file,source\nx,1\n", "unknown column 'source'"),
    ],
)
def test_complaints_name_row_and_column(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"samples\.csv") as caught:
        read_samples(table(tmp_path, text))
    assert complaint in str(caught.value)


def test_excel_without_openpyxl_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(ConfigError, match=r"pip install eistool\[excel\]"):
        read_samples(table(tmp_path, "PK", "samples.xlsx"))


def test_excel_table(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed: the extra [excel]")
    book = openpyxl.Workbook()
    for cells in (["file", "temperature_C", "include"], ["x", 25, True], [None, None, None]):
        book.active.append(cells)
    book.save(tmp_path / "samples.xlsx")
    [row] = read_samples(tmp_path / "samples.xlsx").rows
    assert row.values == {"file": "x", "temperature_C": 25.0, "include": True}


def test_a_bomb_is_no_samples_table(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed: the extra [excel]")
    (tmp_path / "samples.xlsx").write_bytes(bomb("xl/workbook.xml", 65 * 2**20))
    with pytest.raises(ConfigError, match=r"samples table samples\.xlsx: 65 MiB when unpacked"):
        read_samples(tmp_path / "samples.xlsx")


def test_nearest_table_in_or_above(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    above = table(tmp_path, "file,cycle\n*,1\n")
    tables = SampleTables()
    found = tables.table_for(deep / "x.csv")
    assert found is not None
    assert found.path == above.resolve()
    nearer = table(tmp_path / "a", "file,cycle\n*,2\n")
    found = SampleTables().table_for(deep / "x.csv")
    assert found is not None
    assert found.path == nearer.resolve()
    found = SampleTables(above).table_for(deep / "x.csv")
    assert found is not None
    assert found.path == above.resolve()
