"""Spectra are immutable, checked, and tell what was done to them."""

import pickle

import numpy as np
import pytest

from eistool import Metadata, Spectrum, SpectrumError

F = np.array([1e3, 1e2, 1e1])
Z = np.array([10 - 1j, 12 - 4j, 20 - 9j])


@pytest.mark.parametrize(
    ("frequency", "impedance", "message"),
    [
        (F, Z[:2], "impedance has 2 values for 3 frequencies"),
        ([1e3, 0, 10], Z, r"frequency\[1\]=0.0 \(1 of 3 values\)"),
        ([1e3, -5, 10], Z, r"frequency\[1\]=-5.0"),
        ([1e3, np.nan, np.inf], Z, r"frequency\[1\]=nan \(2 of 3 values\)"),
        (F, [1, np.nan, 2], r"impedance\[1\]=\(?nan"),
        ([], [], "no points"),
        ([[1.0]], [1], "one dimension"),
        (["a"], [1], "not numeric"),
    ],
)
def test_bad_points_are_named(frequency: object, impedance: object, message: str) -> None:
    with pytest.raises(SpectrumError, match=message) as error:
        Spectrum(frequency, impedance, label="cell 3")  # type: ignore[arg-type]
    assert "cell 3" in str(error.value)


def test_arrays_cannot_be_changed() -> None:
    source = F.copy()
    spectrum = Spectrum(source, Z)
    source[0] = 5
    assert spectrum.frequency[0] == 1e3
    for array in (spectrum.frequency, spectrum.impedance, spectrum.mask):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        spectrum.label = "other"  # type: ignore[misc]


def test_duplicates_and_zero_impedances_are_reported() -> None:
    spectrum = Spectrum([10, 10, 1], [1 - 1j, 0, 2 - 1j])
    assert spectrum.mask.tolist() == [True, False, True]
    assert spectrum.mask_reason == ("", "impedance is exactly zero", "")
    assert spectrum.notes == (
        "1 points with an impedance of exactly zero are masked",
        "1 duplicate frequencies",
    )
    assert spectrum.crop(f_min=2).notes == spectrum.notes


def test_masks_add_up_and_keep_their_reasons() -> None:
    spectrum = Spectrum(F, Z).crop(f_max=500).with_mask([True, False, True], "outlier")
    assert spectrum.mask.tolist() == [False, False, True]
    assert spectrum.mask_reason == ("outside 0 to 500 Hz", "outlier", "")
    assert spectrum.n_used == 1
    assert len(spectrum) == 3
    assert spectrum.digest != Spectrum(F, Z).digest
    with pytest.raises(SpectrumError, match="mask has 2 values"):
        spectrum.with_mask([True, False], "outlier")


def test_noise_may_be_real_or_complex() -> None:
    assert Spectrum(F, Z, noise=[0.1, 0.2, 0.3]).noise is not None
    spectrum = Spectrum(F, Z, noise=np.array([0.1 + 0.2j] * 3))
    assert spectrum.noise is not None
    assert spectrum.noise.imag.tolist() == [0.2] * 3
    with pytest.raises(SpectrumError, match=r"noise\[0\]"):
        Spectrum(F, Z, noise=[0, 1, 1])


def test_spectra_travel() -> None:
    spectrum = Spectrum(F, Z, Metadata(temperature_C=25.0), label="a").crop(f_min=50)
    again = pickle.loads(pickle.dumps(spectrum))  # noqa: S301
    assert again.digest == spectrum.digest
    assert again.metadata.temperature_C == 25.0
    assert spectrum.to_dict()["mask_reason"] == ["", "", "outside 50 to inf Hz"]


def test_metadata_keeps_its_origins() -> None:
    metadata = Metadata(temperature_C=25.0, origin={"temperature_C": "file name"})
    updated = metadata.updated("samples table", temperature_C=30.0, sample_id="S1", soc_pct=None)
    assert dict(updated.origin) == {"temperature_C": "samples table", "sample_id": "samples table"}
    assert metadata.temperature_C == 25.0
    assert updated.soc_pct is None
    assert pickle.loads(pickle.dumps(updated)).origin == updated.origin  # noqa: S301


def test_metadata_are_checked() -> None:
    with pytest.raises(SpectrumError, match="direction='up'"):
        Metadata(direction="up")
    with pytest.raises(SpectrumError, match="temperature_C=nan"):
        Metadata(temperature_C=float("nan"))
    with pytest.warns(UserWarning, match="cell_type='pouch' is unknown"):
        Metadata(cell_type="pouch")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"thickness_um": -3}, "thickness_um=-3; give a positive number"),
        ({"temperature_C": "abc"}, "temperature_C='abc'; give a finite number"),
        ({"temperature_C": -300.0}, "temperature_C=-300.0; give degrees Celsius, from -273.15"),
        ({"cycle": True}, "cycle=True; give a finite number"),
        ({"u_thickness_um": -1}, "u_thickness_um=-1; give a number that is not negative"),
    ],
)
def test_impossible_metadata(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpectrumError, match=message):
        Metadata(**values)  # type: ignore[arg-type]


def test_numbers_of_numpy_become_plain() -> None:
    metadata = Metadata(temperature_C=np.float32(25), sweep=np.int64(2))  # type: ignore[arg-type]
    assert repr(metadata) == "Metadata(sweep=2, temperature_C=25)"
    assert (type(metadata.sweep), type(metadata.temperature_C)) == (int, float)
