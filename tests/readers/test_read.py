"""Folders, sources, and what outranks what."""

import os
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ConfigError, ReaderError
from eistool.readers import FoundFile, SampleTables, load, override, scan
from tests.readers.test_delimited import VARIANTS, cartesian
from tests.readers.test_instruments import MPT_VARIANTS

GOOD = VARIANTS["design_1"]


def write(path: Path, text: str = GOOD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_folder_is_read_in_order_with_sources(tmp_path: Path) -> None:
    for name in ("b.csv", "a/x.csv", "a/z/y.csv", "ä µ.csv"):
        write(tmp_path / name)
    write(tmp_path / "loops.CSV", GOOD + cartesian())
    spectra = eistool.read(tmp_path)
    assert [(s.metadata.source, s.metadata.sweep) for s in spectra] == [
        ("a/x.csv", 1),
        ("a/z/y.csv", 1),
        ("b.csv", 1),
        ("loops.CSV", 1),
        ("loops.CSV", 2),
        ("ä µ.csv", 1),
    ]
    assert [s.label for s in spectra[3:5]] == ["loops.CSV", "loops.CSV#2"]
    assert eistool.read(tmp_path / "b.csv")[0].metadata.source == "b.csv"


def test_hidden_files_and_result_folders_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    write(tmp_path / ".hidden.csv", "no")
    write(tmp_path / ".git" / "b.csv", "no")
    write(tmp_path / "~$table.xlsx", "no")
    write(tmp_path / "eistool-results" / "run.json", '{"version": "0.1.0", "state": "done"}')
    write(tmp_path / "eistool-results" / "curves.csv", "no")
    write(tmp_path / "eistool-results" / "plots" / "curve.csv", "no")
    assert [s.label for s in eistool.read(tmp_path, errors="raise")] == ["a.csv"]


def test_other_files_are_ignored_with_a_reason(tmp_path: Path) -> None:
    for name in ("README.md", "LICENSE", "LICENSE.txt", "samples.csv", "eistool.toml", "photo.jpg", "script.py"):
        write(tmp_path / name, "file\n" if name == "samples.csv" else "a 1\n")
    write(tmp_path / "cell.data")  # an unknown suffix, but known content
    found = {f.source: f.ignored for f in scan([tmp_path])}
    assert found.pop("cell.data") == ""
    assert found.pop("samples.csv") == "samples table"
    assert set(found.values()) == {"document", "settings", "no known suffix or content", "program"}
    assert [s.label for s in eistool.read(tmp_path, errors="raise")] == ["cell.data"]


def test_a_bad_file_warns_in_a_folder_and_raises_alone(tmp_path: Path) -> None:
    bad = write(tmp_path / "sub" / "bad.mpt", "no header")
    write(tmp_path / "good.csv")
    with pytest.warns(UserWarning, match=r"not read: sub/bad\.mpt: .*unknown content"):
        assert [s.label for s in eistool.read(tmp_path)] == ["good.csv"]
    with pytest.raises(ReaderError, match=r"bad\.mpt"):
        eistool.read(tmp_path, errors="raise")
    with pytest.raises(ReaderError, match=r"bad\.mpt"):
        eistool.read(bad)


def test_paths_and_options_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="does not exist"):
        eistool.read(tmp_path / "nowhere")
    with pytest.raises(ReaderError, match="empty"):
        eistool.read(write(tmp_path / "empty.csv", " \n"))
    with pytest.raises(ConfigError, match="'warn' or 'raise'"):
        eistool.read(tmp_path, errors="ignore")  # type: ignore[arg-type]


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(ReaderError, match="65 MiB"):
        eistool.read(path)


def test_sources_of_several_paths_do_not_collide(tmp_path: Path) -> None:
    for name in ("mon/cell.csv", "tue/cell.csv", "wed/other.csv", "x/mon/cell.csv"):
        write(tmp_path / name)

    def sources(*names: str) -> list[str]:
        return [f.source for f in scan([tmp_path / name for name in names])]

    assert sources("mon", "wed") == ["cell.csv", "other.csv"]
    assert sources("mon", "tue", "wed") == ["mon/cell.csv", "other.csv", "tue/cell.csv"]
    assert sources("mon/cell.csv", "tue/cell.csv") == ["mon/cell.csv", "tue/cell.csv"]
    assert sources("mon", "mon/cell.csv") == ["cell.csv"]
    assert sources("x/mon", "mon") == [f"{tmp_path.name}/mon/cell.csv", "x/mon/cell.csv"]


def test_precedence_and_disagreements(tmp_path: Path) -> None:
    path = tmp_path / "S17_30C_SOC50_chg.mpt"
    path.write_bytes(MPT_VARIANTS["plain"])
    write(tmp_path / "samples.csv", "file,sample_id,temperature_C,amplitude_mV\nS17*,S17-b,25,20\n*.mpt,,26,15\n")
    [spectrum] = eistool.read(path)
    m = spectrum.metadata
    assert (m.temperature_C, m.amplitude_mV, m.soc_pct, m.sample_id) == (26.0, 15.0, 50.0, "S17-b")
    assert m.origin["temperature_C"] == "samples table"
    assert m.origin["soc_pct"] == "file name"
    assert m.origin["technique"] == "file header"
    assert "temperature_C: samples table 25.0 replaces file name 30.0" in spectrum.notes
    assert "temperature_C: samples table 26.0 replaces samples table 25.0" in spectrum.notes
    assert "amplitude_mV: samples table 15.0 replaces samples table 20.0" in spectrum.notes
    final = override(spectrum, "command line", {"temperature_C": 27.0, "soc_pct": None})
    assert final.metadata.temperature_C == 27.0
    assert final.notes[-1] == "temperature_C: command line 27.0 replaces samples table 26.0"


def test_left_out_sweeps_and_cropped_ranges(tmp_path: Path) -> None:
    write(tmp_path / "loops.csv", GOOD + cartesian() * 2)
    write(tmp_path / "samples.csv", "file,include,f_min_Hz,f_max_Hz\nloops.csv#2,false,,\nloops.csv,,1,1e4\n")
    spectra = eistool.read(tmp_path)
    assert [s.metadata.sweep for s in spectra] == [1, 3]
    used = spectra[0].frequency[spectra[0].mask]
    assert used.min() >= 1
    assert used.max() <= 1e4
    assert spectra[0].n_used < len(spectra[0])
    everything = load(FoundFile(tmp_path / "loops.csv", "loops.csv"), SampleTables())
    assert [s.metadata.include for s in everything] == [None, False, None]


def test_reading_does_not_import_heavy_packages(tmp_path: Path) -> None:
    import subprocess
    import sys

    write(tmp_path / "a.csv")
    code = (
        "import sys, eistool; eistool.read(sys.argv[1]); "
        "print(*{'pandas', 'scipy', 'numba', 'matplotlib', 'click', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_values_are_immutable(tmp_path: Path) -> None:
    [spectrum] = eistool.read(write(tmp_path / "a.csv"))
    with pytest.raises(ValueError, match="read-only"):
        spectrum.impedance[0] = 0
    assert spectrum.frequency.dtype == np.float64


def test_a_named_pipe_is_ignored(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "b.csv")
    assert {f.source: f.ignored for f in scan([tmp_path])} == {"a.csv": "", "b.csv": "not a regular file"}
    assert len(eistool.read(tmp_path)) == 1


def test_several_paths_are_read_as_one(tmp_path: Path) -> None:
    for name in ("mon/cell.csv", "tue/cell.csv", "single.csv"):
        write(tmp_path / name)
    spectra = eistool.read([tmp_path / "mon", str(tmp_path / "tue"), tmp_path / "single.csv"])
    assert [s.metadata.source for s in spectra] == ["mon/cell.csv", "single.csv", "tue/cell.csv"]
    with pytest.raises(ReaderError, match=r"bad\.csv"):
        eistool.read([tmp_path / "mon", write(tmp_path / "bad.csv", "no")])
    for wrong in (7, None, [7], {"a": 1}):
        with pytest.raises(ReaderError, match="expected a path"):
            eistool.read(wrong)  # type: ignore[arg-type]


def test_a_failure_names_its_file_once(tmp_path: Path) -> None:
    write(tmp_path / "bad.mpt", "no header")
    with pytest.warns(UserWarning, match=r"not read: bad\.mpt: unknown content"):
        assert eistool.read(tmp_path) == []


def test_a_warning_names_its_file_once(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("frequency_Hz,z_real_ohm,z_imag_ohm\n1e3,1,-1\n\n" + "x" * 1_000_001)
    with pytest.warns(UserWarning, match="not read") as caught:
        assert eistool.read(tmp_path) == []
    assert str(caught[0].message).startswith("not read: x.csv: line 4: ")
    assert str(caught[0].message).count("x.csv") == 1


def test_conversions_of_the_frequency_are_noted(tmp_path: Path) -> None:
    [kilo] = eistool.read(write(tmp_path / "a.csv", GOOD.replace(GOOD.split(",")[0], "Frequency / kHz", 1)))
    assert "Frequency / kHz read in units of 1000 Hz" in kilo.notes
    [omega] = eistool.read(write(tmp_path / "b.csv", GOOD.replace(GOOD.split(",")[0], "omega / rad/s", 1)))
    assert "omega / rad/s read as angular frequency and divided by 2π" in omega.notes


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "expected one of: BioLogic .*, Delimited"), ("a.ism", "expected a file of Zahner Thales: save")],
)
def test_unknown_content_names_what_the_suffix_promises(name: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01\x02\x03" * 50)
    with pytest.raises(ReaderError, match=f"{name}: unknown content; {expected}"):
        eistool.read(tmp_path / name)


@pytest.mark.parametrize(
    ("table", "area", "told"),
    [
        ("file,area_cm2\n*,0.5\n", 0.5, "divided by 0.5 cm² (area_cm2, samples table)"),
        ("file,diameter_mm\n*,10\n", np.pi / 4, "divided by 0.7854 cm² (diameter_mm, samples table)"),
        ("file,cycle\n*,1\n", 1.0, "kept as they are, since the area is unknown"),
    ],
)
def test_impedances_per_area_are_divided_by_an_area_that_is_known(
    table: str, area: float, told: str, tmp_path: Path
) -> None:
    (tmp_path / "asr.csv").write_text("f/Hz,Re(Z)/Ohm*cm2,-Im(Z)/Ohm*cm2\n100,10,1\n10,12,4\n1,20,5\n")
    (tmp_path / "samples.csv").write_text(table)
    [spectrum] = eistool.read(tmp_path / "asr.csv")
    np.testing.assert_allclose(spectrum.impedance * area, [10 - 1j, 12 - 4j, 20 - 5j], rtol=1e-14)
    assert any(note.endswith(f"impedances are per area (ohm cm²): {told}") for note in spectrum.notes)
