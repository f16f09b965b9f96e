"""Instrument files as their programs write them, and the variants that occur."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.typing import ComplexArray, FloatArray

F: FloatArray = np.geomspace(1e5, 1.0, 16)
Z: ComplexArray = np.asarray(20 + 500 / (1 + 2j * np.pi * F * 1e-3), dtype=np.complex128)

MPT_HEAD = """EC-Lab ASCII FILE
Nb header lines : {n}

{title}

Acquisition started on : 02/04/2018 10:02:46
Electrode surface area : {area} cm²
Characteristic mass : 0.001 g
Comments : Füllung
Va (mV)             20.0
"""


def mpt(
    columns: dict[str, FloatArray],
    decimal: str = ".",
    title: str = "Potentio Electrochemical Impedance Spectroscopy",
    area: str = "0.001",
) -> bytes:
    n = MPT_HEAD.count("\n") + 1
    rows = zip(*columns.values(), strict=True)
    body = "\n".join("\t".join(f"{x:.12E}".replace(".", decimal) for x in row) for row in rows)
    return (MPT_HEAD.format(n=n, title=title, area=area) + "\t".join(columns) + "\t\n" + body + "\n").encode(
        "latin-1"
    )


def twice(values: FloatArray) -> FloatArray:
    return np.tile(values, 2)


def read_bytes(folder: Path, name: str, data: bytes) -> list[eistool.Spectrum]:
    (folder / name).write_bytes(data)
    return eistool.read(folder / name)


BASE = {"freq/Hz": F, "Re(Z)/Ohm": Z.real, "-Im(Z)/Ohm": -Z.imag}
MPT_VARIANTS = {
    "plain": mpt(BASE),
    "other order": mpt({"time/s": F, "-Im(Z)/Ohm": -Z.imag, "Phase(Z)/deg": F, "Re(Z)/Ohm": Z.real, "freq/Hz": F}),
    "decimal comma": mpt(BASE, ","),
    "polar": mpt({"freq/Hz": F, "|Z|/Ohm": np.abs(Z), "Phase(Z)/deg": np.rad2deg(np.angle(Z))}),
    "signed": mpt({"freq/Hz": F, "Re(Z)/Ohm": Z.real, "Im(Z)/Ohm": Z.imag}),
    "three electrodes": mpt(BASE | {"Re(Zce)/Ohm": F, "-Im(Zce)/Ohm": F, "|Zwe-ce|/Ohm": F}),
    "zero rows": mpt({name: np.concatenate([[0, 0], x, [0]]) for name, x in BASE.items()}),
    "wrong count of header lines": mpt(BASE).replace(b"Nb header lines : 11", b"Nb header lines : 5"),
    "utf-16": mpt(BASE).decode("latin-1").encode("utf-16"),
}


@pytest.mark.parametrize("name", MPT_VARIANTS)
def test_mpt(name: str, tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "cell.mpt", MPT_VARIANTS[name])
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-11)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-9)
    assert spectrum.metadata.format == "biologic_mpt"
    assert spectrum.metadata.technique == "PEIS"
    assert spectrum.metadata.amplitude_mV == 20.0


def test_mpt_notes_what_is_left_out(tmp_path: Path) -> None:
    [zero] = read_bytes(tmp_path, "a.mpt", MPT_VARIANTS["zero rows"])
    assert "3 rows without a frequency omitted" in zero.notes
    [three] = read_bytes(tmp_path, "b.mpt", MPT_VARIANTS["three electrodes"])
    assert any("other electrodes" in note for note in three.notes)


@pytest.mark.parametrize(
    "extra", [{}, {"cycle number": np.repeat([1.0, 2.0], 16)}, {"z cycle": np.repeat([0.0, 1], 16)}]
)
def test_mpt_sweeps(extra: dict[str, FloatArray], tmp_path: Path) -> None:
    columns = {name: twice(x) for name, x in BASE.items()} | {
        "time/s": np.arange(32) * 60.0,
        "<Ewe>/V": np.linspace(3, 3.031, 32),
        "<I>/mA": np.full(32, 0.5),
    }
    first, second = read_bytes(
        tmp_path, "loops.mpt", mpt(columns | extra, title="Galvano Electrochemical Impedance")
    )
    np.testing.assert_allclose(second.impedance, Z, rtol=1e-9)
    m = second.metadata
    assert (m.sweep, m.technique, m.started_at) == (2, "GEIS", "2018-02-04T10:18:46")
    assert m.time_h == pytest.approx(16 / 60)
    assert m.i_mean_mA == 0.5
    assert m.ewe_mean_V == pytest.approx(3.0235)
    assert m.ewe_drift_mV == pytest.approx(15.0)
    assert first.label == "loops.mpt"
    assert second.label == "loops.mpt#2"


@pytest.mark.parametrize(
    ("title", "technique"),
    [
        ("Potentio Electrochemical Impedance Spectroscopy", "PEIS"),
        ("Galvano Electrochemical Impedance Spectroscopy", "GEIS"),
        ("Staircase Potentio Electrochemical Impedance Spectroscopy", "SPEIS"),
        ("Staircase Galvano Electrochemical Impedance Spectroscopy", "SGEIS"),
    ],
)
def test_mpt_steps_and_dates_with_points(title: str, technique: str, tmp_path: Path) -> None:
    # three steps of the staircase, swept up and down in turn; BT-Lab's German dates have the month first too
    up_and_down = np.concatenate([F, F[::-1], F])
    steps = {"Ns": np.repeat([0.0, 1, 2], 16), "z cycle": np.repeat([0.0, 1, 0], 16)}
    columns = {"freq/Hz": up_and_down} | {name: np.concatenate([x] * 3) for name, x in list(BASE.items())[1:]}
    data = mpt(columns | steps, title=title).replace(b"02/04/2018 10:02:46", b"02.24.2018 10:02:46.609")
    spectra = read_bytes(tmp_path, "stairs.mpt", data)
    assert [len(s) for s in spectra] == [16, 16, 16]
    assert {(s.metadata.technique, s.metadata.started_at) for s in spectra} == {
        (technique, "2018-02-24T10:02:46.609000")
    }


@pytest.mark.parametrize(
    ("area", "expected"), [("0.001", None), ("0.000", None), ("0.785", 0.785), ("1,131", 1.131)]
)
def test_mpt_area_only_where_someone_entered_it(area: str, expected: float | None, tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "cell.mpt", mpt(BASE, area=area))
    assert spectrum.metadata.area_cm2 == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mpt({"Re(Z)/Ohm": Z.real, "-Im(Z)/Ohm": -Z.imag}), "line 11: no frequency among.*freq/Hz"),
        (mpt({"freq/Hz": F, "Ewe/V": F}), "no impedance columns"),
        (mpt({"freq/Hz": 0 * F, "Re(Z)/Ohm": F, "-Im(Z)/Ohm": F}), "no row with a frequency above 0"),
        (mpt({name: x[:0] for name, x in BASE.items()}), "no rows"),
        (b"EC-Lab ASCII FILE\nNb header lines : 3\nnothing\n", "no line with column names"),
    ],
)
def test_mpt_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read_bytes(tmp_path, "bad.mpt", data)


DTA_HEAD = """EXPLAIN
TAG\tEISPOT
TITLE\tLABEL\tPotentiostatic EIS\tTest &Identifier
DATE\tLABEL\t8/31/2020\tDate
TIME\tLABEL\t4:39:19 PM\tTime
VDC\tPOTEN\t1.30000E+000\tF\tDC &Voltage (V)
VAC\tQUANT\t1.00000E+001\tAC &Voltage (mV rms)
AREA\tQUANT\t{area}\t&Area (cm^2)
OCVCURVE\tTABLE\t2
\tPt\tT\tVf
\t#\ts\tV
\t0\t0.1\t3.0
\t1\t0.2\t3.1
EOC\tQUANT\t3.1\tOpen Circuit (V)
"""


def zcurve(
    names: tuple[str, str] = ("Zreal", "Zimag"), extra: dict[str, FloatArray] | None = None, name: str = "ZCURVE"
) -> str:
    columns = {"Pt": np.arange(16.0), "Freq": F, names[0]: Z.real, names[1]: Z.imag, **(extra or {})}
    lines = [
        f"{name}\tTABLE",
        "\t" + "\t".join(columns),
        "\t#\tHz" + "".join("\t°" if name == "Zphz" else "\tohm" for name in [*columns][2:]),
    ]
    lines += ["\t" + "\t".join(f"{x:.12E}" for x in row) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"


def dta(body: str, area: str = "1.00000E+000") -> bytes:
    return (DTA_HEAD.format(area=area) + body).encode("latin-1")


DTA_VARIANTS = {
    "plain": dta(zcurve()),
    "decimal comma": dta(zcurve()).replace(b".", b","),
    "utf-16": dta(zcurve()).decode("latin-1").encode("utf-16"),
    "drift-corrected too": dta(zcurve(extra={"ZrealDrCor": F, "ZimagDrCor": F})),
    "only drift-corrected": dta(zcurve(("ZrealDrCor", "ZimagDrCor"))),
    "aborted": dta(zcurve() + "EXPERIMENTABORTED\tTOGGLE\tT\tExperiment Aborted\n"),
    "modulus": dta(zcurve(("a", "b"), {"Zmod": np.abs(Z), "Zphz": np.rad2deg(np.angle(Z))})),
}


@pytest.mark.parametrize("name", DTA_VARIANTS)
def test_dta(name: str, tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "cell.DTA", DTA_VARIANTS[name])
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-11)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-9)
    m = spectrum.metadata
    assert (m.format, m.technique, m.amplitude_mV, m.bias_V) == ("gamry_dta", "EISPOT", 10.0, 1.3)
    assert m.area_cm2 is None
    if name != "decimal comma":
        assert m.started_at == "2020-08-31T16:39:19"


def test_dta_says_which_columns_and_that_it_was_aborted(tmp_path: Path) -> None:
    [both] = read_bytes(tmp_path, "a.DTA", DTA_VARIANTS["drift-corrected too"])
    assert any("are not read" in note for note in both.notes)
    [only] = read_bytes(tmp_path, "b.DTA", DTA_VARIANTS["only drift-corrected"])
    assert any("only drift-corrected" in note for note in only.notes)
    [aborted] = read_bytes(tmp_path, "c.DTA", DTA_VARIANTS["aborted"])
    assert any("aborted" in note for note in aborted.notes)


@pytest.mark.parametrize("tag", ["EISGALV", "HYBRIDEIS", "EISPOT"])
def test_dta_amplitude_only_where_it_is_a_voltage(tag: str, tmp_path: Path) -> None:
    text = dta(zcurve()).decode().replace("TAG\tEISPOT", f"TAG\t{tag}")
    if tag == "EISGALV":
        text = text.replace("VAC\tQUANT", "IACREQ\tQUANT").replace("VDC\tPOTEN", "IDCREQ\tPOTEN")
    [spectrum] = read_bytes(tmp_path, "cell.DTA", text.encode("utf-16"))
    m = spectrum.metadata
    assert (m.technique, m.amplitude_mV) == (tag, None if tag == "EISGALV" else 10.0)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-9)


def test_dta_conditions_in_columns(tmp_path: Path) -> None:
    extra = {"Vdc": np.linspace(3, 3.015, 16), "Idc": np.full(16, 2e-3), "Temp": np.full(16, 60.0)}
    [spectrum] = read_bytes(tmp_path, "a.DTA", dta(zcurve(extra=extra)))
    m = spectrum.metadata
    assert (m.ewe_mean_V, m.ewe_drift_mV, m.i_mean_mA) == pytest.approx((3.0075, 15.0, 2.0))
    assert m.temperature_C == 60.0


def test_dta_several_tables_and_an_area(tmp_path: Path) -> None:
    spectra = read_bytes(tmp_path, "a.DTA", dta(zcurve() + zcurve(name="ZCURVE2"), area="7.85398E-001"))
    assert [s.metadata.sweep for s in spectra] == [1, 2]
    assert spectra[0].metadata.area_cm2 == 0.785398


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            dta("CURVE1\tTABLE\n\tPt\tT\n\t#\ts\n\t0\t1\n"),
            r"no ZCURVE table \(TAG EISPOT, tables: OCVCURVE, CURVE1\)",
        ),
        (dta("ZCURVE\tTABLE\n"), "without column names"),
        (dta("ZCURVE\tTABLE\n\tPt\tFreq\tZreal\tZimag\n\t#\tHz\tohm\tohm\n"), "no rows"),
        (dta("ZCURVE\tTABLE\n\tPt\tZreal\tZimag\n\t#\tohm\tohm\n\t0\t1\t1\n"), "no frequency column"),
        (dta("ZCURVE\tTABLE\n\tPt\tFreq\tX\n\t#\tHz\tohm\n\t0\t1\t1\n"), "no impedance"),
    ],
)
def test_dta_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=reason):
        read_bytes(tmp_path, "bad.DTA", data)


def zplot_rows(sep: str) -> str:
    return "".join(
        sep.join(f"{x:.12E}" for x in (f, 0.01, 0.0, 1.0, z.real, z.imag, 0.0)) + f"{sep}0{sep}4\n"
        for f, z in zip(F, Z, strict=True)
    )


ZPLOT_NAMES = ("  Freq(Hz)", "Ampl", "Bias", "Time(Sec)", "Z'(a)", "Z''(b)", "GD", "Err", "Range")
ZPLOT_HEAD = """ZPLOT2 ASCII
  Experiment Type:            Sweep Frequency, Control Voltage
  Date:                       10-12-2018
  Time:                       12:32:21
    Potential-AC:             10
    Surface Area:             1
  Data Points:                16
"""
ZPLOT_VARIANTS = {
    "comments": ZPLOT_HEAD + "\t".join(ZPLOT_NAMES) + "\nEnd Comments\n" + zplot_rows("\t"),
    "decimal comma": ZPLOT_HEAD + "\t".join(ZPLOT_NAMES) + "\nEnd Comments\n" + zplot_rows("\t").replace(".", ","),
    "no comments": '"ZPlotW Data File: Version 3.2c"\n"Raw Data"\n16\n"'
    + "    ".join(ZPLOT_NAMES)
    + '"\n'
    + zplot_rows(", "),
    "autolab": '\ufeff"Z60W Data File: Version 1.1"\n""\n"' + "    ".join(ZPLOT_NAMES) + '"\n' + zplot_rows(","),
    "no names": "ZPLOT2 ASCII\nEnd Comments\n" + zplot_rows("\t"),
}


@pytest.mark.parametrize("name", ZPLOT_VARIANTS)
def test_zplot(name: str, tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "cell.z", ZPLOT_VARIANTS[name].encode())
    np.testing.assert_allclose(spectrum.frequency, F, rtol=1e-11)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-9)
    assert spectrum.metadata.format == "zplot"
    if name == "comments":
        m = spectrum.metadata
        assert (m.started_at, m.technique, m.amplitude_mV, m.area_cm2) == (
            "2018-10-12T12:32:21",
            "PEIS",
            10.0,
            None,
        )


def test_zplot_counts_and_refusal(tmp_path: Path) -> None:
    text = ZPLOT_VARIANTS["no comments"].replace("\n16\n", "\n99\n")
    [spectrum] = read_bytes(tmp_path, "short.z", text.encode())
    assert any("gives 99 points, the table has 16" in note for note in spectrum.notes)
    with pytest.raises(ReaderError, match="no rows of numbers"):
        read_bytes(tmp_path, "bad.z", (ZPLOT_HEAD + "End Comments\n").encode())


def test_content_decides_not_the_suffix(tmp_path: Path) -> None:
    [spectrum] = read_bytes(tmp_path, "export.txt", MPT_VARIANTS["plain"])
    assert spectrum.metadata.format == "biologic_mpt"
    [spectrum] = read_bytes(tmp_path, "export.csv", DTA_VARIANTS["plain"])
    assert spectrum.metadata.format == "gamry_dta"


@pytest.mark.parametrize("suffix", [".dfr", ".xls"])
def test_text_with_named_columns_is_read_whatever_its_suffix(suffix: str, tmp_path: Path) -> None:
    text = b"Frequency/Hz\tZ'/Ohm\t-Z''/Ohm\n1000\t10\t1\n100\t11\t2\n10\t12\t3\n"
    (spectrum,) = read_bytes(tmp_path, f"cell{suffix}", text)
    assert spectrum.impedance.tolist() == [10 - 1j, 11 - 2j, 12 - 3j]


@pytest.mark.parametrize("suffix", [".dfr", ".xls"])
def test_formats_that_are_not_read_yet_say_so(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="no reader for"):
        read_bytes(tmp_path, f"cell{suffix}", b"\x00\x01\x02binary\x00\x00")
