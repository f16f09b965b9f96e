"""Text as instruments' programs export it: columns and sign right, and what the header tells kept."""

from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.readers.tables.preamble import preamble_metadata
from tests.readers.written import F, Z, rows

MODULUS, DEGREES = np.abs(Z), np.rad2deg(np.angle(Z))

EXPORTS = {
    "nova.txt": "Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°);Time (s)\n"
    + rows(F, Z.real, -Z.imag, MODULUS, -DEGREES, F, sep=";"),
    "nova_comma.txt": "Index\tFrequency (Hz)\tZ' (Ω)\t-Z'' (Ω)\tZ (Ω)\t-Phase (°)\tTime (s)\n"
    + rows(np.arange(1.0, 17), F, Z.real, -Z.imag, MODULUS, -DEGREES, F, decimal=","),
    "thales.txt": "Thales\ncell 7\n\nNumber\tFrequency/Hz\tImpedance/Ohm\tPhase/deg\tSignificance\tTime/s\n"
    + rows(np.arange(1.0, 17), F, MODULUS, DEGREES, np.ones(16), F),
    "chi.txt": "Feb. 20, 2020   15:55:08\nA.C. Impedance\nInit E (V) = 0.3\nAmplitude (V) = 0.005\n\n"
    "Freq/Hz, Z'/ohm, Z\"/ohm, Z/ohm, Phase/deg\n\n" + rows(F, Z.real, Z.imag, MODULUS, DEGREES, sep=", "),
    "parstat.txt": "Potential (V)\tCurrent (A)\tElapsed Time (s)\tFrequency (Hz)\tZre (ohms)\tZim (ohms)\t|Vac|"
    "\n3.4\t1e-3\t1\t0\t0\t0\t0\n" + rows(3.4 + 0 * F, 1e-3 + 0 * F, F, F, Z.real, Z.imag, F),
    "powersuite.txt": "Frequency\t Zre\t Zimg\n" + rows(F, Z.real, Z.imag, sep="\t "),
    "relaxis.txt": "RelaxIS 3.0 Spectrum export\nDate: 12/16/2025 2:29:15 PM\n"
    "Data: Frequency\tData: Z'\tData: Z''\n" + rows(F, Z.real, Z.imag),
    "fra.P00": "Procedure : FRA\n01.02.2003 04:05:06\nDescription\nt =  736.4 s\n f/Hz       \t Z'/Ohm     \t"
    " -Z''/Ohm   \t time/s    \t Edc/V     \t Idc/A     \t\n 16 \n"
    + rows(F, Z.real, -Z.imag, F, 3.4 + 0 * F, 1e-3 + 0 * F),
    "dummy.i2b": "Some text\nin a few lines\n\n16\n" + rows(F, Z.real, Z.imag, sep=" "),
    "mtz35.txt": "MT-Lab\nSample : pellet\nFrequency (Hz)\t|Z| (Ohm)\tPhase (°)\tTemperature (°C)\n"
    + rows(F, MODULUS, DEGREES, 75.0 + 0 * F),
    "eclab.csv": "freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm,time/s,<Ewe>/V,<I>/mA\n"
    + rows(F, Z.real, -Z.imag, F, 3.4 + 0 * F, 1.0 + 0 * F, sep=","),
}
EXPORTS |= {
    # names of columns as in public files and readers of them: zfitpy (E4990A), several readers of SMaRT's CSV
    "keysight_e4990a.csv": "!Agilent Technologies,E4990A,MY0,A.02.12\n!Date: Fri Aug 28 18:37:56 2020\n\n"
    "BEGIN CH1_DATA\nFrequency(Hz), |Z|(Ohm)-data, theta-z(deg)-data\n"
    + rows(F, MODULUS, DEGREES, sep=", ") + "END\n",
    "keysight_rx.csv": "!Agilent Technologies,E4990A\n\nBEGIN CH1_DATA\nFrequency(Hz), R(Ohm)-data, X(Ohm)-data\n"
    + rows(F, Z.real, Z.imag, sep=", ") + "END\n",
    "smart.csv": "Solartron\nSMaRT\nSweep Number;Point Number;Time;Frequency (Hz);AC Level (V);"
    "Temperature ('C);Impedance Magnitude (Ohms);Impedance Phase Degrees (');Capacitance Magnitude (F)\n"
    + rows(1 + 0 * F, F, F, F, 0.01 + 0 * F, 25.5 + 0 * F, MODULUS, DEGREES, F, sep=";", decimal=","),
    "lcr.csv": "FREQ[Hz],Z[ohm],PHASE[deg],Rs[ohm],X[ohm]\n"
    + rows(F, MODULUS, DEGREES, Z.real, Z.imag, sep=","),
    "squidstat.csv": "Step number,Frequency (Hz),|Z| (Ohms),Phase (deg),Z' (Ohms),-Z\" (Ohms)\n"
    + rows(1 + 0 * F, F, MODULUS, DEGREES, Z.real, -Z.imag, sep=","),
}  # fmt: skip
POTENTIAL_AND_CURRENT = ("parstat.txt", "fra.P00", "eclab.csv")


@pytest.mark.parametrize("name", EXPORTS)
def test_the_spectrum(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(EXPORTS[name], encoding="utf-8")
    [spectrum] = eistool.read(tmp_path / name)
    np.testing.assert_array_equal(spectrum.frequency, F)
    np.testing.assert_allclose(spectrum.impedance, Z, rtol=1e-14)
    m = spectrum.metadata
    if name in POTENTIAL_AND_CURRENT:
        assert (m.ewe_mean_V, m.i_mean_mA) == pytest.approx((3.4, 1.0))
    if name == "chi.txt":
        assert (m.started_at, m.bias_V, m.amplitude_mV) == ("2020-02-20T15:55:08", 0.3, 5.0)
    if name == "mtz35.txt":
        assert (m.temperature_C, m.origin["temperature_C"]) == (75.0, "file header")
    if name == "relaxis.txt":
        assert m.started_at is None  # it is the day of the export


@pytest.mark.parametrize(
    ("names", "volts", "milliamperes"),
    [("E,Current", None, None), ("Potential (mV),Current (µA)", 3.4e-3, 1e-3), ("Ewe/V,<I>/mA", 3.4, 1.0)],
)
def test_conditions_only_in_units_that_are_named(
    names: str, volts: float | None, milliamperes: float | None, tmp_path: Path
) -> None:
    columns = (3.4 + 0 * F, 1.0 + 0 * F, F, Z.real, Z.imag)
    (tmp_path / "cell.csv").write_text(f"{names},f,Re,Im\n" + rows(*columns, sep=","), encoding="utf-8")
    m = eistool.read(tmp_path / "cell.csv")[0].metadata
    assert (m.ewe_mean_V, m.i_mean_mA) == pytest.approx((volts, milliamperes))


@pytest.mark.parametrize(
    ("header", "unit", "temperature"),
    [
        ("T,f,Re,Im", "", None),
        ("Temp. [°C],f,Re,Im", "", 25.0),
        ("Temperature (K),f,Re,Im", "K", 25.0),
        ("Temp/C,f,Re,Im", "", 25.0),
    ],
)
def test_temperatures_in_a_column(header: str, unit: str, temperature: float | None, tmp_path: Path) -> None:
    column = np.full(F.size, 298.15 if unit == "K" else 25.0)
    (tmp_path / "cell.csv").write_text(f"{header}\n" + rows(column, F, Z.real, Z.imag, sep=","))
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    assert spectrum.metadata.temperature_C == temperature


@pytest.mark.parametrize("value", [0.0, -327.75, 1e6, float("nan")])
def test_a_sensor_that_is_not_there_gives_no_temperature(value: float, tmp_path: Path) -> None:
    (tmp_path / "cell.csv").write_text("Temp/°C,f,Re,Im\n" + rows(value + 0 * F, F, Z.real, Z.imag, sep=","))
    [spectrum] = eistool.read(tmp_path / "cell.csv")
    assert spectrum.metadata.temperature_C is None


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("Amplitude (mV): 10", {"amplitude_mV": 10.0}),
        ("AC Amplitude [V] = 0,01", {"amplitude_mV": 10.0}),
        ("Amplitude (A) = 0.01", {}),
        ("Amplitude (V) = -1", {}),
        ("Init E (mV) = -250", {"bias_V": -0.25}),
        ("Electrode Area (cm2) = 0.785", {"area_cm2": 0.785}),
        ("Date: 31.08.2020 16:39:19", {"started_at": "2020-08-31T16:39:19"}),
        ("the amplitude (V) = 3 was chosen", {}),
        ("Amplitude (V) = " + "9" * 350, {}),
    ],
)
def test_lines_above_a_table(line: str, values: dict[str, object]) -> None:
    assert preamble_metadata([line]).known() == pytest.approx(values)
