"""Text files that are cut off, or whose rows have lost or gained a cell."""

import hashlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.readers import doubts
from eistool.readers.content import FileContent
from tests.benchmarks.cuts import Whole, cut, move_cell, read_bytes, wrong_points
from tests.contracts.test_readers import GOOD, by_name
from tests.readers.test_instruments import DTA_VARIANTS, ZPLOT_VARIANTS
from tests.readers.written import F, Z, rows

TEXT = [name for name in GOOD if FileContent(Path("x"), GOOD[name]).is_text and name != "palmsens_pssession"]
HEADER = "frequency_Hz,z_real_ohm,z_imag_ohm\n"


@pytest.mark.parametrize("damage", [cut, move_cell])
@pytest.mark.parametrize("name", TEXT)
def test_no_wrong_point_is_accepted(name: str, damage: object) -> None:
    path = Path(f"cell{by_name(name).suffixes[0]}")
    spectra = read_bytes(path, GOOD[name])
    whole = Whole(
        path,
        GOOD[name],
        np.concatenate([s.frequency for s in spectra]),
        np.concatenate([s.impedance for s in spectra]),
    )
    n_read = 0
    for seed in range(60):
        data = damage(np.random.default_rng(seed), GOOD[name])  # type: ignore[operator]
        found = read_bytes(path, data)
        n_read += bool(found)
        assert not found or wrong_points(whole, found) == 0, seed
    assert n_read or name in ("ivium", "spectrum_rows", "eistool_json")  # their counts and rows show every cut


def lines_of(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def test_a_row_without_line_end_is_left_out_with_a_warning(tmp_path: Path) -> None:
    text = HEADER + rows(F, Z.real, Z.imag, sep=",")
    (tmp_path / "cell.csv").write_text(text[:-5])
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    np.testing.assert_array_equal(spectrum.impedance, Z[:-1])
    assert doubts(spectrum) == ["the last row (line 17) has no line end and may be cut off: left out"]


@pytest.mark.parametrize("pattern", ["%.6e", "%.4f", "%.5g"])
def test_a_format_that_proves_the_last_number_is_complete_keeps_the_row(pattern: str, tmp_path: Path) -> None:
    frequencies = np.geomspace(1e5, 1.0, 31)
    impedances = 123.45678 / (1 + 2j * np.pi * frequencies * 1e-2) ** 0.3
    lines = [
        ",".join(pattern % x for x in (f, z.real, z.imag)) for f, z in zip(frequencies, impedances, strict=True)
    ]
    (tmp_path / "cell.csv").write_text(HEADER + "\n".join(lines))
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    assert len(spectrum) == frequencies.size
    assert doubts(spectrum) == []
    (tmp_path / "cell.csv").write_text((HEADER + "\n".join(lines))[:-1])
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    assert len(spectrum) == frequencies.size - 1


@pytest.mark.parametrize(
    ("name", "data"), [("cell.DTA", DTA_VARIANTS["plain"]), ("cell.z", ZPLOT_VARIANTS["comments"].encode())]
)
@pytest.mark.parametrize("kind", ["lost", "doubled", "shifted"])
def test_a_row_with_another_number_of_cells_is_named(name: str, data: bytes, kind: str, tmp_path: Path) -> None:
    lines = data.decode("latin-1").split("\n")
    place = len(lines) - 5
    cells = lines[place].split("\t")
    at = 3
    cells[at : at + 1] = {"lost": [], "doubled": [cells[at]] * 2, "shifted": ["", cells[at]]}[kind]
    lines[place] = "\t".join(cells)
    (tmp_path / name).write_bytes("\n".join(lines).encode("latin-1"))
    [spectrum] = eistool.read(tmp_path / name)
    assert len(spectrum) == F.size - 1
    assert any(f"line {place + 1} has" in doubt for doubt in doubts(spectrum))


def test_a_row_whose_modulus_differs_is_left_out(tmp_path: Path) -> None:
    modulus = np.abs(Z)
    modulus[4] *= 2
    (tmp_path / "cell.csv").write_text("f,Re,Im,|Z|\n" + rows(F, Z.real, Z.imag, modulus, sep=","))
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    np.testing.assert_array_equal(spectrum.impedance, np.delete(Z, 4))
    assert any("1 rows (line 6) have another |Z|" in doubt for doubt in doubts(spectrum))


def test_the_first_points_of_a_cut_table_do_not_decide_on_the_sign(tmp_path: Path) -> None:
    lines = lines_of("f,Re,Im\n" + rows(F, Z.real, -Z.imag, sep=","))
    (tmp_path / "cell.csv").write_text("\n".join(lines[:8]) + "\n100.0,2")
    with pytest.raises(ReaderError, match=r"7 points over .* decades do not prove it"):
        eistool.read(tmp_path / "cell.csv")


def test_a_file_that_grows_is_read_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    lines = lines_of(HEADER + rows(F, Z.real, Z.imag, sep=","))
    path.write_text("\n".join(lines[:5]) + "\n")
    done = threading.Event()

    def write() -> None:
        with path.open("a") as file:
            for line in lines[5:]:
                file.write(line + "\n")
                file.flush()
                time.sleep(0.01)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    contents = []
    while not done.is_set():
        contents.append(FileContent.open(path))
    writer.join()
    assert all(content.ended for content in contents)


def test_a_file_that_never_rests_is_left_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cell.csv"
    path.write_text(HEADER)
    read = FileContent.open.__globals__["_read"]

    def grow(path: Path, limit: int) -> object:
        result = read(path, limit)
        with path.open("a") as file:
            file.write("1")
        return result

    monkeypatch.setattr("eistool.readers.content._read", grow)
    monkeypatch.setattr("eistool.readers.content._PAUSES", (0.0, 0.0))
    with pytest.raises(ReaderError, match=r"cell\.csv: the file is still being written; read it again"):
        FileContent.open(path)


def test_the_hash_is_that_of_the_bytes_that_were_parsed(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    path.write_text(HEADER + rows(F, Z.real, Z.imag, sep=","))
    content = FileContent.open(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("changed")
    assert content.sha256 == digest
