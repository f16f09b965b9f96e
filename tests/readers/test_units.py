"""Units are understood as a whole, or the file is refused with the unit's name."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.readers import doubts
from eistool.readers.tables.columns import parse_column
from eistool.typing import ComplexArray, FloatArray
from tests.readers.written import F, Z, rows


def read(folder: Path, header: str, *columns: FloatArray) -> eistool.Spectrum:
    (folder / "cell.csv").write_text(header + "\n" + rows(*columns, sep=";"), encoding="utf-8")
    [spectrum] = eistool.read(folder / "cell.csv")
    return spectrum


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        *[(unit, 1.0) for unit in ("ohm", "Ohm", "OHM", "ohms", "Ω", "\u2126")],
        *[(unit, 1e3) for unit in ("kilohm", "kohm", "kOhm", "KOhm", "KoHM", "kΩ", "kilo ohm", "kilo-Ohm")],
        *[(unit, 1e6) for unit in ("MOhm", "MΩ", "megohm", "Megohm", "mega ohm")],
        *[(unit, 1e-3) for unit in ("mOhm", "mΩ", "milliohm")],
        *[(unit, 1e-6) for unit in ("µOhm", "μΩ", "uohm", "microhm")],
        ("GOhm", 1e9),
    ],
)
@pytest.mark.parametrize("form", ["{name} [{unit}]", "{name} ({unit})", "{name}/{unit}", "{name} / {unit}"])
def test_every_spelling_of_ohm(unit: str, scale: float, form: str, tmp_path: Path) -> None:
    names = ";".join(form.format(name=name, unit=unit) for name in ("Zreal", "Zimag"))
    spectrum = read(tmp_path, f"f/Hz;{names}", F, Z.real / scale, Z.imag / scale)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-12)


@pytest.mark.parametrize("unit", ["furlong", "F", "V", "A", "S", "mS", "S/cm", "%", "dB", "?", "fit", "kilofoo"])
def test_other_units_of_an_impedance_are_refused_by_name(unit: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=f"unknown unit '{unit.replace('?', '.')}' of \"?'?Z' "):
        read(tmp_path, f"f [Hz];Z' [{unit}];-Z'' [{unit}]", F, Z.real, -Z.imag)


def test_a_row_of_unknown_units_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="unknown unit 'foo'"):
        read(tmp_path, "f;Zreal;Zimag\nHz;foo;foo", F, Z.real, Z.imag)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("f [Hz];Y' [mS];Y'' [mS]", (F, 1e3 * (1 / Z).real, 1e3 * (1 / Z).imag)),
        ("f [Hz];Re [S];Im [S]", (F, (1 / Z).real, (1 / Z).imag)),
        ("f [Hz];G (µS);B (µS)", (F, 1e6 * (1 / Z).real, 1e6 * (1 / Z).imag)),
        ("f/Hz;Re(Y)/Ohm-1;-Im(Y)/Ohm-1", (F, (1 / Z).real, -(1 / Z).imag)),
        (
            "f/Hz;E Real (mV);E Imag (mV);I Real (mA);I Imag (mA)",
            (F, 10 * np.ones(F.size), np.zeros(F.size), 10 * (1 / Z).real, 10 * (1 / Z).imag),
        ),
        ("log10(f/Hz);Z';Z''", (np.log10(F), Z.real, Z.imag)),
        ("log f;Z';Z''", (np.log10(F), Z.real, Z.imag)),
        ("ln(f);Z';Z''", (np.log(F), Z.real, Z.imag)),
        ("lg(f/kHz);Z';Z''", (np.log10(F / 1e3), Z.real, Z.imag)),
        ("ω (krad/s);Z';Z''", (2e-3 * np.pi * F, Z.real, Z.imag)),
        ("f;log|Z|;phase/deg", (F, np.log10(np.abs(Z)), np.rad2deg(np.angle(Z)))),
        ("FREQ[Hz];R[ohm];X[ohm]", (F, Z.real, Z.imag)),
        ("f (1/s);Z' in kΩ;Z'' in kΩ", (F, Z.real / 1e3, Z.imag / 1e3)),
    ],
)
def test_quantities_that_give_an_impedance(header: str, columns: tuple[FloatArray, ...], tmp_path: Path) -> None:
    spectrum = read(tmp_path, header, *columns)
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-12)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-12)


@pytest.mark.parametrize(("unit", "to_cm"), [("Ω cm", 1.0), ("Ohm*cm", 1.0), ("Ω·m", 100.0), ("kOhm m", 1e5)])
def test_resistivities_need_a_geometry(unit: str, to_cm: float, tmp_path: Path) -> None:
    header = f"f/Hz;Z' [{unit}];-Z'' [{unit}]"
    with pytest.raises(ReaderError, match=r"impedances are resistivities .* give thickness_um and diameter_mm"):
        read(tmp_path, header, F, Z.real, -Z.imag)
    (tmp_path / "samples.csv").write_text("file,thickness_um,area_cm2\n*,2000.0,0.5\n")
    spectrum = read(tmp_path, header, F, Z.real, -Z.imag)
    np.testing.assert_allclose(spectrum.impedance, Z * to_cm * 0.2 / 0.5, rtol=1e-12)


@pytest.mark.parametrize(("unit", "to_cm2"), [("Ω cm²", 1.0), ("mΩ·cm^2", 1e-3), ("Ohm m2", 1e4), ("Ω mm2", 1e-2)])
def test_impedances_per_area_are_doubted_until_the_area_is_known(unit: str, to_cm2: float, tmp_path: Path) -> None:
    header = f"f/Hz;Z' [{unit}];-Z'' [{unit}]"
    [doubt] = doubts(read(tmp_path, header, F, Z.real, -Z.imag))
    assert doubt.startswith("impedances are per area")
    (tmp_path / "samples.csv").write_text("file,area_cm2\n*,0.5\n")
    spectrum = read(tmp_path, header, F, Z.real, -Z.imag)
    np.testing.assert_allclose(spectrum.impedance, Z * to_cm2 / 0.5, rtol=1e-12)
    assert doubts(spectrum) == []


def test_different_units_of_re_and_im_per_area_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="have different units"):
        read(tmp_path, "f/Hz;Z' [Ohm];-Z'' [Ohm cm2]", F, Z.real, -Z.imag)


def test_single_letters_are_case_sensitive() -> None:
    assert [parse_column(f"Z'/{unit}", 0).scale for unit in ("mOhm", "MOhm", "KOhm", "kOhm")] == [
        1e-3,
        1e6,
        1e3,
        1e3,
    ]


ARC: ComplexArray = np.asarray(50 + 400 / (1 + (2j * np.pi * F * 2e-4) ** 0.85), dtype=np.complex128)
UNNAMED = {
    "frequency/Hz, Re/ohm, Im/ohm": (F, ARC.real, ARC.imag),
    "frequency/Hz, |Z|/ohm, phase/deg": (F, np.abs(ARC), np.rad2deg(np.angle(ARC))),
    "frequency/Hz, |Z|/ohm, phase/rad": (F, np.abs(ARC), np.angle(ARC)),
    "log10(frequency/Hz), Re/ohm, Im/ohm": (np.log10(F), ARC.real, ARC.imag),
    "log10(frequency/Hz), |Z|/ohm, phase/deg": (np.log10(F), np.abs(ARC), np.rad2deg(np.angle(ARC))),
    "angular frequency/(rad/s), Re/ohm, Im/ohm": (2 * np.pi * F, ARC.real, ARC.imag),
}


@pytest.mark.parametrize("meaning", UNNAMED)
def test_columns_without_names_follow_kramers_and_kronig(meaning: str, tmp_path: Path) -> None:
    (tmp_path / "cell.csv").write_text(rows(*UNNAMED[meaning], sep=","))
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-12)
    np.testing.assert_allclose(spectrum.impedance, ARC, rtol=1e-12)
    assert any(f"no header: columns read as {meaning}" in note for note in spectrum.notes)
    assert bool(doubts(spectrum)) == (meaning != "frequency/Hz, Re/ohm, Im/ohm")


def test_columns_without_names_that_are_no_impedance_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    noise = (F, 10 + rng.random(F.size) * np.linspace(1, 9, F.size), rng.choice([-80.0, 80.0], F.size))
    (tmp_path / "cell.csv").write_text(rows(*noise, sep=","))
    with pytest.raises(ReaderError, match="three columns without names: as frequency/Hz, Re/ohm, Im/ohm they dev"):
        eistool.read(tmp_path / "cell.csv")
