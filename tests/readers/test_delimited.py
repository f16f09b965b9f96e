"""Every dialect of delimited text gives the same spectrum, or a reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.typing import ComplexArray, FloatArray

F: FloatArray = np.geomspace(1e5, 0.1, 31)
Z: ComplexArray = 20 + 1000 / (1 + 2j * np.pi * F * 1e-3) + 200 / (1 + 2j * np.pi * F * 0.2) ** 0.8


def table(*columns: FloatArray, sep: str = ",", decimal: str = ".") -> str:
    rows = (sep.join(repr(float(x)).replace(".", decimal) for x in row) for row in zip(*columns, strict=True))
    return "\n".join(rows) + "\n"


def cartesian(sep: str = ",", decimal: str = ".", scale: float = 1.0, sign: int = 1) -> str:
    return table(F, Z.real / scale, sign * Z.imag / scale, sep=sep, decimal=decimal)


def polar(degrees: bool = True, sign: int = 1) -> str:
    angle = np.angle(Z)
    return table(F, np.abs(Z), sign * (np.rad2deg(angle) if degrees else angle))


def indexed(sep: str = ",") -> str:
    return table(np.arange(F.size, dtype=float), F, Z.real, Z.imag, sep=sep)


VARIANTS: dict[str, str] = {
    "design_1": "frequency_Hz,z_real_ohm,z_imag_ohm\n" + cartesian(),
    "design_2": "Frequency / Hz,Re(Z) / Ohm,Im(Z) / Ohm\n" + cartesian(),
    "minus_im": "freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + cartesian(sign=-1),
    "minus_primes": "f (Hz);Z' (Ω);-Z'' (Ω)\n" + cartesian(";", sign=-1),
    "typographic": "f [Hz]\tZ′ [Ω]\t−Z″ [Ω]\n" + cartesian("\t", sign=-1),
    "kilo_ohm": "Frequency [Hz],Re(Z) [kOhm],Im(Z) [kOhm]\n" + cartesian(scale=1e3),
    "mega_ohm": "Freq. (Hz),Z_re (MΩ),Z_im (MΩ)\n" + cartesian(scale=1e6),
    "milli_ohm": "Freq,Zreal/mOhm,Zimag/mOhm\n" + cartesian(scale=1e-3),
    "kilo_hertz": "f/kHz,Z'/Ohm,Z''/Ohm\n" + table(F / 1e3, Z.real, Z.imag),
    "mega_hertz": "frequency (MHz),real,imag\n" + table(F / 1e6, Z.real, Z.imag),
    "omega": "omega (rad/s),Zreal,Zimag\n" + table(2 * np.pi * F, Z.real, Z.imag),
    "units_below": "Freq,Zreal,Zimag\nkHz,kOhm,kOhm\n" + table(F / 1e3, Z.real / 1e3, Z.imag / 1e3),
    "semicolon_decimal_comma": "frequency;Z_real;Z_imag\n" + cartesian(";", ","),
    "tab_decimal_comma": "frequency\tZ_real\tZ_imag\n" + cartesian("\t", ","),
    "space_decimal_comma": "frequency Z_real Z_imag\n" + cartesian(" ", ","),
    "quoted_decimal_comma": '"f/Hz","Z\'/Ohm","Z\'\'/Ohm"\n'
    + "".join('"' + row.replace(";", '","') + '"\n' for row in cartesian(";", ",").splitlines()),
    "two_spaces": cartesian("  "),
    "spaces_with_units": "Freq (Hz)   Z' (Ohm)   Z'' (Ohm)\n" + cartesian("   "),
    "headerless": cartesian(),
    "headerless_comments": "# measured on a Monday\n# 3 columns\n" + cartesian("\t"),
    "headerless_index": indexed(),
    "index_named": ",Freq,Real,Imag\n" + indexed(),
    "index_header_shorter": "Freq Real Imag\n" + indexed(" "),
    "comment_header": "# freq_Hz Zre Zim\n" + cartesian(" "),
    "title": "LAGP, 1.12.2020, 14:42\nAC Volt [Vrms]=7e-3\n Freq. [Hz]\t Zs' [Ohms]\t Zs'' [Ohms]\n"
    + cartesian("\t"),
    "double_tabs_in_header": "Freq.[Hz]\t\t Zs'[ohm] \t\t Zs''[ohm]\n" + cartesian("\t"),
    "title_headerless": "my best cell of all\n" + cartesian(" "),
    "polar_degrees": "Frequency (Hz),|Z| (Ohm),Phase (deg)\n" + polar(),
    "polar_radians": "Frequency (Hz),|Z| (Ohm),Phase (rad)\n" + polar(degrees=False),
    "polar_unnamed_unit": "freq,Zmod,Zphz\n" + polar(),
    "polar_called_rad": "freq,mag,theta (rad)\n" + polar(),
    "polar_minus": "freq,modulus,-phase (°)\n" + polar(sign=-1),
    "imag_is_minus_im": "freq,Real,Imag\n" + cartesian(sign=-1),
    "headerless_minus_im": cartesian(sign=-1),
    "polar_turned": "freq,|Z|,theta/deg\n" + polar(sign=-1),
    "excel_name_error": "freq/Hz\tRe(Z)/Ohm\t#NAME?\t|Z|/Ohm\tPhase(Z)/deg\n"
    + table(F, Z.real, -Z.imag, np.abs(Z), np.rad2deg(np.angle(Z)), sep="\t"),
    "absolute_im": "Freq,Real,Imag,Phase(Z)/deg\n" + table(F, Z.real, np.abs(Z.imag), np.rad2deg(np.angle(Z))),
    "admittance_too": "freq/Hz,Re(Y)/Ohm-1,Im(Y)/Ohm-1,Re(Z)/Ohm,-Im(Z)/Ohm\n"
    + table(F, (1 / Z).real, (1 / Z).imag, Z.real, -Z.imag),
    "trailing_separator": "freq,Zre,Zim,\n" + cartesian().replace("\n", ",\n"),
    "blank_lines": ("frequency,real,imag\n" + cartesian()).replace("\n", "\n\n"),
    "last_column_empty": "freq,Zre,Zim,remark\n" + cartesian().replace("\n", ",\n"),
    "text_column": "Pt,Freq,Zre,Zim,range\n" + "".join(f"P,{row},auto\n" for row in cartesian().splitlines()),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_same_spectrum_from_every_dialect(name: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    path.write_text(VARIANTS[name], encoding="utf-8")
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-12)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-10)
    assert sum(note.startswith("sign of Im: ") for note in spectrum.notes) == 1
    assert spectrum.metadata.format == "delimited"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.replace("Ω", "Ohm").encode("latin-1"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\r\r\n").encode(),
    ],
    ids=["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "crlf", "cr", "crcrlf"],
)
def test_encodings_and_line_ends(encode: Callable[[str], bytes], tmp_path: Path) -> None:
    path = tmp_path / "Zelle_µ.TXT"
    path.write_bytes(encode("Füllung µm²\nfrequency [Hz];Z' [Ω];-Z'' [Ω]\n" + cartesian(";", ",", sign=-1)))
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-10)


def sign_note(spectrum: eistool.Spectrum) -> str:
    return next(note for note in spectrum.notes if note.startswith("sign of Im"))


def test_sign_without_minus_is_kept_for_a_coil(tmp_path: Path) -> None:
    z = np.asarray(0.1 + 2j * np.pi * F * 1e-3, dtype=np.complex128)
    path = tmp_path / "coil.csv"
    path.write_text("f,Re(Z),Im(Z)\n" + table(F, z.real, z.imag))
    [spectrum] = eistool.read(path)
    assert (spectrum.impedance.imag > 0).all()
    assert "read as signed" in sign_note(spectrum)


def test_sign_is_doubtful_where_the_data_do_not_tell(tmp_path: Path) -> None:
    real: FloatArray = 1 + 1e-3 * np.random.default_rng(1).standard_normal(F.size)
    path = tmp_path / "flat.csv"
    path.write_text("f,Re(Z),Im(Z)\n" + table(F, real, np.full(F.size, -1e-3)))
    [spectrum] = eistool.read(path)
    assert (spectrum.impedance.imag < 0).all()
    assert "are inconclusive" in sign_note(spectrum)


def test_minus_in_the_header_is_obeyed_but_questioned(tmp_path: Path) -> None:
    path = tmp_path / "wrong_header.csv"
    path.write_text("f,Re(Z),-Im(Z)\n" + cartesian())
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.impedance, Z.conj(), rtol=1e-10)
    assert "check the header" in sign_note(spectrum)


def test_turned_sign_says_why(tmp_path: Path) -> None:
    path = tmp_path / "turned.csv"
    path.write_text(VARIANTS["imag_is_minus_im"])
    [spectrum] = eistool.read(path)
    assert "contradicted by the slope of |Z|" in sign_note(spectrum)


def test_absolute_values_of_im_get_the_sign_of_the_phase(tmp_path: Path) -> None:
    z = Z + 2j * np.pi * F * 1e-3  # inductive at the upper end
    path = tmp_path / "absolute.csv"
    path.write_text("Freq,Real,Imag,Phase(Z)/deg\n" + table(F, z.real, np.abs(z.imag), np.rad2deg(np.angle(z))))
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.impedance, z, rtol=1e-10)
    n_inductive = int(np.sum(z.imag > 0))
    assert f"{n_inductive} points hold |Im|; their sign is that of the phase column" in spectrum.notes


@pytest.mark.parametrize("imag_header", ["Imag", "-Imag"])
def test_a_phase_without_sign_decides_nothing(imag_header: str, tmp_path: Path) -> None:
    z = Z + 2j * np.pi * F * 1e-3
    imag = -z.imag if imag_header.startswith("-") else z.imag
    path = tmp_path / "unsigned.csv"
    path.write_text(
        f"Freq,Real,{imag_header},Phase/deg\n" + table(F, z.real, imag, np.abs(np.rad2deg(np.angle(z))))
    )
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.impedance, z, rtol=1e-10)


def test_units_per_area_are_kept_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "area.csv"
    path.write_text("freq/Hz,Re(Z)/Ohm*cm^2,-Im(Z)/Ohm*cm^2\n" + cartesian(sign=-1))
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-10)
    assert any("per area" in note for note in spectrum.notes)
    assert spectrum.metadata.area_cm2 is None


@pytest.mark.parametrize(
    "body",
    [
        "frequency_Hz,z_real_ohm,z_imag_ohm\n" + cartesian() * 3,
        "".join("frequency_Hz,z_real_ohm,z_imag_ohm\n" + cartesian() for _ in range(3)),
        "f,Re,Im,cycle number\n" + "".join(cartesian().replace("\n", f",{k}\n") for k in (1, 2, 3)),
    ],
    ids=["jump back", "header again", "cycle column"],
)
def test_several_sweeps_in_one_file(body: str, tmp_path: Path) -> None:
    path = tmp_path / "loops.csv"
    path.write_text(body)
    spectra = eistool.read(path)
    assert [s.metadata.sweep for s in spectra] == [1, 2, 3]
    assert [s.label for s in spectra] == ["loops.csv", "loops.csv#2", "loops.csv#3"]
    for spectrum in spectra:
        np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-10)


def test_up_and_down_are_two_sweeps(tmp_path: Path) -> None:
    path = tmp_path / "up_down.csv"
    path.write_text("f,Re,Im\n" + table(F[::-1], Z.real[::-1], Z.imag[::-1]) + cartesian())
    up, down = eistool.read(path)
    assert up.frequency[0] == F[-1]
    assert down.frequency[0] == F[0]


def test_rows_without_frequency_or_number_are_left_out_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text("f,Re,Im\n0,0,0\n0,0,0\n" + cartesian() + "1e-3,overload,-1\n")
    [spectrum] = eistool.read(path)
    assert len(spectrum) == F.size
    assert any("2 rows without a frequency" in note for note in spectrum.notes)
    assert any("1 row without a finite impedance" in note for note in spectrum.notes)


def test_a_second_spectrum_beside_the_first_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("f,Re,Im,Re,Im\n" + table(F, Z.real, Z.imag, Z.real, Z.imag))
    [spectrum] = eistool.read(path)
    assert any(note.startswith("warning: 2 columns Re") for note in spectrum.notes)


REFUSED = {
    "prose": ("Dear all,\nthe cell broke.\n", "no table of numbers"),
    "one_column": ("0.1\n0.2\n0.3\n0.4\n", "no table of numbers"),
    "two_columns": ("1,2\n3,4\n5,6\n", "2 columns without names"),
    "many_columns": ("1 2 3 4 5\n" * 5, "5 columns without names"),
    "gamma": ("tau,gamma\n" + "1e-3,5\n" * 4, "no frequency"),
    "no_impedance": ("freq,Temp. [C],Eps'\n" + "10,20,3\n" * 4, "no frequency with an impedance|no impedance"),
    "no_frequency": ("Zreal,Zimag,T\n" + "10,-20,3\n" * 4, "no frequency among"),
    "lists": ("a;f\n" + "0;[1, 2];3\n" * 4, "lists"),
    "fit_curve": ("# Fitted impedance data\n# Freq Zre Zim\n" + cartesian(" "), "line 1: .*result of a fit"),
    "two_rows": ("f,Re,Im\n1,2,-3\n0.1,3,-4\n", "at least 3 successive rows"),
    "no_swept_frequency": ("5,1,2\n1,7,3\n9,2,1\n2,2,2\n8,4,5\n1,1,1\n7,1,1\n", "not a swept frequency"),
    "constant_first_column": ("1,2,3\n1,4,5\n1,2,6\n1,9,9\n", "not a swept frequency"),
    "all_zero": ("f,Re,Im\n" + "0,1,1\n" * 5, "fewer than 3 rows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    text, reason = REFUSED[name]
    path = tmp_path / "refused.csv"
    path.write_text(text)
    with pytest.raises(ReaderError, match=reason) as caught:
        eistool.read(path)
    assert "refused.csv" in str(caught.value)
