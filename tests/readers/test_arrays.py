"""Arrays of NumPy and MATLAB, and spectra with all their facts as JSON."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat

import eistool
from eistool.cli.convert import command as convert
from eistool.errors import ReaderError, SpectrumError
from eistool.readers import doubts, scan
from eistool.readers.writers import format_spectra, write_spectra
from tests.readers.written import F

ARC = np.asarray(50 + 400 / (1 + (2j * np.pi * F * 2e-4) ** 0.85), dtype=np.complex128)


def described() -> eistool.Spectrum:
    return eistool.Spectrum(
        F,
        ARC,
        eistool.Metadata(temperature_C=25.0, sample_id="S 17", direction="charge", include=True),
        "my cell",
        noise=np.linspace(0.1, 1, F.size) * (1 + 2j),
        notes=["made by hand", "warning: Ω is not sure"],
    ).crop(f_min=3.0)


def same(a: eistool.Spectrum, b: eistool.Spectrum) -> None:
    np.testing.assert_array_equal(a.frequency, b.frequency)
    np.testing.assert_array_equal(a.impedance, b.impedance)
    np.testing.assert_array_equal(a.noise, b.noise)
    assert (a.label, a.mask_reason, a.notes) == (b.label, b.mask_reason, b.notes)
    np.testing.assert_array_equal(a.mask, b.mask)


def test_a_dictionary_makes_the_same_spectrum() -> None:
    spectrum = described()
    again = eistool.Spectrum.from_dict(spectrum.to_dict())
    same(again, spectrum)
    assert again.metadata.to_dict() == spectrum.metadata.to_dict()
    with pytest.raises(SpectrumError, match="not the dictionary of a Spectrum"):
        eistool.Spectrum.from_dict({"label": "x"})


def test_json_keeps_all_facts(tmp_path: Path) -> None:
    spectra = [described(), eistool.Spectrum(F, 2 * ARC, label="second")]
    write_spectra(tmp_path / "LLZO_40C.json", spectra)
    found = eistool.read(tmp_path)
    for sweep, (again, spectrum) in enumerate(zip(found, spectra, strict=True), start=1):
        same(again, spectrum)
        known = {"source": "LLZO_40C.json", "sweep": sweep, "format": "eistool_json"}
        assert again.metadata.known() == spectrum.metadata.known() | known
        assert again.metadata.origin.get("temperature_C") == spectrum.metadata.origin.get("temperature_C")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"version": 1', '"version": 9', "version 9"),
        ("]}\n", "", "broken JSON"),
        ('"label"', '"lable"', "not the dict"),
    ],
)
def test_damaged_json_is_refused(old: str, new: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "cell.json").write_text(format_spectra([described()], "json").replace(old, new))
    with pytest.raises(ReaderError, match=rf"cell\.json: .*{reason}"):
        eistool.read(tmp_path / "cell.json")


def test_other_json_and_mat_files_are_no_failures(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"a": 1}')
    savemat(tmp_path / "parameters.mat", {"param_value": np.ones((8, 1))})
    (tmp_path / "cell.mps").write_text("EC-LAB SETTING FILE\n")
    reasons = {file.source: file.ignored for file in scan([tmp_path])}
    assert reasons == {
        "settings.json": "no known suffix or content",
        "parameters.mat": "no known suffix or content",
        "cell.mps": "BioLogic EC-Lab settings file",
    }


def test_convert_to_json(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_spectra(tmp_path / "in" / "a_25C.mpt", [described(), described()])
    run = CliRunner().invoke(convert, [str(tmp_path / "in"), "--to", "json", "--out", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_25C.json"]
    assert [s.metadata.temperature_C for s in eistool.read(tmp_path / "out")] == [25.0, 25.0]


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


FIELDS = np.dtype([("frequency_Hz", "f8"), ("z_real_ohm", "f8"), ("z_imag_ohm", "f8")])


@pytest.mark.parametrize(
    "array",
    [
        np.column_stack([F, ARC.real, ARC.imag]),
        np.stack([F, ARC.real, ARC.imag]),
        np.array(list(zip(F, ARC.real, ARC.imag, strict=True)), FIELDS),
    ],
    ids=["columns", "rows", "fields"],
)
def test_npy(array: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "cell.npy").write_bytes(npy(array))
    [spectrum] = eistool.read(tmp_path)
    np.testing.assert_array_equal(spectrum.frequency, F)
    np.testing.assert_array_equal(spectrum.impedance, ARC)


def test_npy_of_phases_is_seen(tmp_path: Path) -> None:
    (tmp_path / "cell.npy").write_bytes(npy(np.column_stack([F, np.abs(ARC), np.rad2deg(np.angle(ARC))])))
    [spectrum] = eistool.read(tmp_path)
    np.testing.assert_allclose(spectrum.impedance, ARC, rtol=1e-12)
    assert "|Z|/ohm, phase/deg" in doubts(spectrum)[0]


@pytest.mark.parametrize("array", [np.ones(5), np.ones((5, 4)), np.ones((5, 3), complex)])
def test_npy_refused(array: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "cell.npy").write_bytes(npy(array))
    with pytest.raises(ReaderError, match="expected named fields, or three columns"):
        eistool.read(tmp_path / "cell.npy")


@pytest.mark.parametrize("compressed", [False, True])
def test_mat(compressed: bool, tmp_path: Path) -> None:
    arrays = {"freq": F[:, None], "Z": np.stack([ARC, 2 * ARC]), "title": "cell"}
    savemat(tmp_path / "cell.mat", arrays, do_compression=compressed)
    first, second = eistool.read(tmp_path)
    np.testing.assert_array_equal(first.impedance, ARC)
    np.testing.assert_array_equal(second.impedance, 2 * ARC)


def test_mat_refused(tmp_path: Path) -> None:
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: PCWIN64" + b"\0" * 600)
    with pytest.raises(ReaderError, match="save it with save"):
        eistool.read(tmp_path / "new.mat")
    bomb = zlib.compress(b"\0" * (66 * 2**20))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    (tmp_path / "bomb.mat").write_bytes(head + (15).to_bytes(4, "little") + len(bomb).to_bytes(4, "little") + bomb)
    with pytest.raises(ReaderError, match="unknown content"):
        eistool.read(tmp_path / "bomb.mat")
