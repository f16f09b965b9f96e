"""BioLogic's binary files: written here byte for byte, and measured ones beside their text exports."""

import struct
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import eistool
from eistool.errors import ConfigError, ReaderError
from eistool.readers.content import FileContent
from eistool.readers.formats.biologic_mpr import read_recording
from eistool.typing import FloatArray
from tests.readers.test_instruments import BASE, F, Z, mpt, read_bytes, twice

KINDS = {4: "d", 24: "d", 7: "d", 13: "d", 39: "H", 131: "H", 469: "I", 1: "B", 999: "f"}
PEIS: dict[int, FloatArray] = {
    32: F,
    37: Z.real,
    38: -Z.imag,
    4: np.linspace(0.0, 900.0, 16),
    77: np.linspace(3, 3.015, 16),
}


def module(name: str, version: int, body: bytes, long: bool) -> bytes:
    head = b"MODULE" + name.ljust(10).encode() + b"".ljust(25)
    size = struct.pack("<IQI", 0xFFFFFFFF, len(body), version) if long else struct.pack("<II", len(body), version)
    return head + size + b"02/04/18" + body


def mpr(
    columns: dict[int, FloatArray],
    version: int = 2,
    technique: int = 29,
    loops: list[int] | None = None,
    area: float = 0.001,
) -> bytes:
    """Return a file with a row of each column's values; flag columns share the byte of the first."""
    flags = [i for i in columns if i in (1, 2, 3)]
    stored = [i for i in columns if i not in flags[1:]]
    n = len(next(iter(columns.values())))
    count, room, gap = {2: ("B", 200, 0), 3: ("B", 200, 1), 11: ("H", 500, 1)}.get(version, ("B", 200, 0))
    ids = struct.pack(f"<{len(columns)}H", *columns).ljust(2 * room + gap, b"\0")
    rows = zip(*(columns[i].tolist() for i in stored), strict=True)
    form = "<" + "".join(KINDS.get(i, "f") for i in stored)
    whole = [
        [int(x) if KINDS.get(i, "f") in "HIB" else x for i, x in zip(stored, row, strict=True)] for row in rows
    ]
    data = struct.pack(f"<I{count}", n, len(columns)) + ids + b"".join(struct.pack(form, *row) for row in whole)
    settings = bytearray(2000)
    settings[0] = technique
    settings[0x211:0x215] = struct.pack("<f", area)
    settings[0x24C:0x252] = struct.pack("<fBB", 12.5, 2, 2)
    sweep = struct.pack("<fBfBB", 100.0, 1, 1.0, 2, 6) + b"\0\0\0\1\1" + struct.pack("<f", 14.1)
    settings[1500 : 1500 + len(sweep)] = sweep
    log = bytes(0x249) + struct.pack("<d", 43135.418587962966) + bytes(40)
    long = version > 3
    parts = [module("VMP Set", 0, bytes(settings), long), module("VMP data", version, data, long)]
    parts.append(module("VMP LOG", 0, log, long))
    if loops is not None:
        parts.append(module("VMP loop", 0, struct.pack(f"<{len(loops) + 1}I", len(loops), *loops), long))
    return b"BIO-LOGIC MODULAR FILE\x1a".ljust(52, b"\0") + b"".join(parts)


@pytest.mark.parametrize("version", [2, 3, 11])
def test_versions(version: int, tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "cell.mpr", mpr(PEIS, version, area=0.785))
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-7)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-6)
    m = spectrum.metadata
    assert (m.format, m.technique, m.started_at) == ("biologic_mpr", "PEIS", "2018-02-04T10:02:46")
    assert (m.area_cm2, m.mass_mg, m.amplitude_mV) == (0.785, 12.5, 14.1)
    assert m.ewe_drift_mV == pytest.approx(15.0, abs=1e-3)
    assert m.origin["area_cm2"] == "file header"


def test_flags_share_a_byte(tmp_path: Path) -> None:
    one = np.ones(16)
    [spectrum] = read_bytes(tmp_path, "cell.mpr", mpr({1: 85 * one, 2: one, 3: one, **PEIS, 39: one}, 3))
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-6)


@pytest.mark.parametrize(
    ("extra", "loops"),
    [({24: np.repeat([1.0, 2.0], 16)}, None), ({469: np.repeat([1.0, 2.0], 16)}, None), ({}, [0, 16, 32])],
)
def test_sweeps(extra: dict[int, FloatArray], loops: list[int] | None, tmp_path: Path) -> None:
    # both go down from the frequency at which the one before ended: only cycle or loop tells
    falling = {
        **{i: twice(x) for i, x in PEIS.items()},
        32: np.geomspace(1e5, 1, 32),
        4: np.linspace(0.0, 1860.0, 32),
    }
    first, second = read_bytes(tmp_path, "cell.mpr", mpr(falling | extra, 3, loops=loops))
    assert (len(first), len(second)) == (16, 16)
    assert second.metadata.sweep == 2
    assert second.metadata.time_h == pytest.approx(16 / 60)
    assert second.metadata.started_at == "2018-02-04T10:18:46"


def test_electrodes(tmp_path: Path) -> None:
    counter = {**PEIS, 100: 2 * Z.real, 101: -2 * Z.imag, 432: 3 * Z.real, 433: -3 * Z.imag}
    binary, text = tmp_path / "cell.mpr", tmp_path / "cell.mpt"
    binary.write_bytes(mpr(counter))
    other = {"Re(Zce)/Ohm": 2 * Z.real, "-Im(Zce)/Ohm": -2 * Z.imag}
    polar: dict[str, FloatArray] = {
        "|Zwe-ce|/Ohm": 3 * np.hypot(Z.real, Z.imag),
        "Phase(Zwe-ce)/deg": np.rad2deg(np.angle(Z)),
    }
    text.write_bytes(mpt(BASE | other | polar))
    electrodes: tuple[Literal["working", "counter", "cell"], ...] = ("working", "counter", "cell")
    for path in (binary, text):
        for factor, electrode in enumerate(electrodes, start=1):
            [spectrum] = eistool.read(path, electrode=electrode)
            np.testing.assert_allclose(spectrum.impedance, factor * Z, rtol=1e-6)
            assert electrode == "working" or any(electrode in note for note in spectrum.notes)
    text.write_bytes(mpt(BASE))
    with pytest.raises(ReaderError, match=r"counter electrode; expected Re\(Zce\)/Ohm"):
        eistool.read(text, electrode="counter")
    (tmp_path / "cell.csv").write_text("f,re,im\n3,1,-1\n2,1,-1\n1,1,-1\n")
    with pytest.raises(ReaderError, match="has one electrode: choose 'working'"):
        eistool.read(tmp_path / "cell.csv", electrode="cell")
    with pytest.raises(ConfigError, match="choose one of working"):
        eistool.read(text, electrode="anode")  # type: ignore[arg-type]


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "end.mpr", mpr({**PEIS, 999: F}))
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-6)
    assert "not read: the column of unknown identifier 999, and the columns after it" in spectrum.notes
    with pytest.raises(ReaderError, match="before the column of unknown identifier 999; export"):
        read_bytes(tmp_path, "begin.mpr", mpr({999: F, **PEIS}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mpr({131: F / 1e5, 4: F, 13: F, 6: F}, 3, technique=4), "no spectrum: a GCPL file.*Ewe/V.*read_profile"),
        (mpr({32: F, 77: F}), r"no impedance columns.*Re\(Z\)/Ohm"),
        (mpr(PEIS, 7), "version 7 of the data module; supported are 2, 3, 11"),
        (mpr({i: x[:0] for i, x in PEIS.items()}), "no rows"),
        (mpr(PEIS)[:2500], "'VMP data' ends at byte"),
        (mpr(PEIS)[:2130], "ends at byte 2130, in the header of a module"),
        (mpr(PEIS)[:30], "no module after the first line"),
        (mpr(PEIS).replace(b"MODULEVMP LOG", b"MOXULEVMP LOG"), "no module starts at byte"),
        (mpr(PEIS).replace(b"MODULEVMP data", b"MODULEVMP dots"), r"no data module \(modules: VMP Set, VMP dots"),
        (mpr(PEIS).replace(struct.pack("<IB", 16, 5), struct.pack("<IB", 16, 4)), "expected 20 bytes per row"),
        (mpr(PEIS).replace(struct.pack("<IB", 16, 5), struct.pack("<IB", 16, 0)), "0 columns; expected 1 to 200"),
    ],
)
def test_refusals(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=rf"cell\.mpr: .*{reason}"):
        read_bytes(tmp_path, "cell.mpr", data)


TWINS = {
    "hybrid-drt/tutorials/data/PEIS_LPSCl_IonBlocking_-25C.mpr": "PEIS_LPSCl_IonBlocking_-25C.txt",
    "impedance.py-mpr/data/exampleDataBioLogic.mpr": "../../impedance.py/data/exampleDataBioLogic.mpt",
}


@pytest.mark.parametrize("file", TWINS)
def test_binary_and_text_of_one_measurement_agree(file: str, real_data: Path) -> None:
    path = real_data / file
    [binary], [text] = eistool.read(path), eistool.read(path.parent / TWINS[file])
    np.testing.assert_allclose(binary.frequency, text.frequency, rtol=1e-6)
    np.testing.assert_allclose(binary.impedance, text.impedance, rtol=1e-6)
    names = ("technique", "started_at", "amplitude_mV", "area_cm2", "mass_mg")
    assert [getattr(binary.metadata, n) for n in names] == [getattr(text.metadata, n) for n in names]
    assert binary.metadata.ewe_mean_V == pytest.approx(text.metadata.ewe_mean_V, rel=1e-6)


@pytest.mark.parametrize(
    ("file", "n_sweeps", "n_points", "lowest", "highest", "technique", "mass"),
    [
        ("*1mA-prerun_C05.mpr", 1, 15, "151", "788", "GEIS", 1.5),
        ("*1mA_02_GEIS_C05.mpr", 45, 9, "95.2", "268", "GEIS", 1.5),
        ("Sample1_PEIS_EndOfDischarge.mpr", 1, 86, "42.9", "898", "PEIS", 10.5),
    ],
)
def test_measured_files(  # what the maker's program says of them
    file: str,
    n_sweeps: int,
    n_points: int,
    lowest: str,
    highest: str,
    technique: str,
    mass: float,
    real_data: Path,
) -> None:
    [path] = real_data.rglob(file)
    spectra = eistool.read(path)
    modulus = np.abs(np.concatenate([s.impedance for s in spectra]))
    assert (len(spectra), {len(s) for s in spectra}) == (n_sweeps, {n_points})
    assert (f"{modulus.min():.3g}", f"{modulus.max():.3g}") == (lowest, highest)
    assert {(s.metadata.technique, s.metadata.mass_mg) for s in spectra} == {(technique, mass)}


def test_galvani_reads_the_same_columns(real_data: Path) -> None:
    biologic = pytest.importorskip("galvani.BioLogic", reason="galvani, the extra [mpr], is not installed")
    n_columns = 0
    for path in sorted(real_data.rglob("*.mpr")):
        with path.open("rb") as file:
            theirs = biologic.MPRfile(file).data
        ours = read_recording(FileContent.open(path)).columns
        for name in set(ours) & set(theirs.dtype.names):
            np.testing.assert_array_equal(ours[name], theirs[name], f"{path.name} {name}")
            n_columns += 1
    assert n_columns > 60
