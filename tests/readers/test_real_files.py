"""Measured files, against numbers parsed here in a few naive lines."""

import csv
import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import eistool
from eistool.errors import ReaderError
from eistool.typing import ComplexArray, FloatArray

Arrays = tuple[FloatArray, ComplexArray]


def naive_mpt(path: Path) -> Arrays:
    lines = path.read_text("latin-1").splitlines()
    n = int(lines[1].split(":")[1])
    names = lines[n - 1].split("\t")
    rows = np.array([[float(x) for x in line.split("\t") if x] for line in lines[n:]])
    f, re, im = (rows[:, names.index(name)] for name in ("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm"))
    return f[f > 0], (re - 1j * im)[f > 0]


def naive_dta(path: Path) -> Arrays:
    lines = path.read_text("latin-1").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("ZCURVE"))
    rows = [line.split("\t") for line in itertools.takewhile(lambda line: line[:1] == "\t", lines[start + 3 :])]
    table = np.array([[float(x) for x in row[3:6]] for row in rows])
    return table[:, 0], table[:, 1] + 1j * table[:, 2]


def naive_z(path: Path) -> Arrays:
    lines = path.read_text("utf-8-sig").splitlines()
    start = max(i for i, line in enumerate(lines) if "End Comments" in line or "Freq" in line)
    table = np.array([[float(x) for x in line.replace(",", " ").split()] for line in lines[start + 1 :] if line])
    return table[:, 0], table[:, 4] + 1j * table[:, 5]


NAIVE = {".mpt": naive_mpt, ".dta": naive_dta, ".z": naive_z}
REFUSED = {"cv_data.dta": "no ZCURVE", "exampleDataBioLogic_MissingFreq.mpt": "no frequency among"}


def instrument_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in NAIVE)


def test_every_instrument_file_is_read_right_or_refused(real_data: Path) -> None:
    n_files = 0
    for path in instrument_files(real_data):
        n_files += 1
        if path.name in REFUSED:
            with pytest.raises(ReaderError, match=REFUSED[path.name]):
                eistool.read(path)
            continue
        spectra = eistool.read(path)
        frequency, impedance = NAIVE[path.suffix.lower()](path)
        np.testing.assert_array_equal(np.concatenate([s.frequency for s in spectra]), frequency, str(path))
        np.testing.assert_array_equal(np.concatenate([s.impedance for s in spectra]), impedance, str(path))
    assert n_files >= 19


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        ("exampleDataGamry.DTA", "readGamry"),
        ("exampleDataGamryABORT.DTA", "readGamry"),
        ("exampleDataBioLogic.mpt", "readBioLogic"),
        ("exampleDataZPlot.z", "readZPlot"),
        ("exampleDataZPlot_noComments.z", "readZPlot"),
        ("exampleDataAutolab.txt", "readAutolab"),
        ("exampleDataParstat.txt", "readParstat"),
        ("exampleDataPowersuite.txt", "readPowerSuite"),
        ("exampleDataCHInstruments.txt", "readCHInstruments"),
        ("exampleDataVersaStudio.par", "readVersaStudio"),
        ("exampleData.csv", "readCSV"),
    ],
)
def test_same_numbers_as_impedance_py(file: str, reader: str, real_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from impedance import preprocessing

        path = real_data / "impedance.py" / "data" / file
        frequency, impedance = getattr(preprocessing, reader)(str(path))
    [spectrum] = eistool.read(path)
    np.testing.assert_allclose(spectrum.frequency, frequency, rtol=1e-12)
    np.testing.assert_allclose(spectrum.impedance, impedance, rtol=1e-12)


# sweeps, points, lowest and highest |Z| in ohm (three digits), share of points with Im < 0 at least
EXPECTED = {
    "2nd-NLEIS/Part II/data/Z1s_10f.txt": (3, 66, "0.0148", "0.0566", 0.8),
    "2nd-NLEIS/Part II/data/freq_10f.txt": "no table of numbers",
    "AutoEIS/assets/test_data.csv": (1, 67, "135", "5.68e+06", 0.99),
    "AutoEIS/src/autoeis/assets/circuits_filtered.csv": "no table of numbers",
    "EIS-DCT/EIS-DCT/experimental data/ML621_10%.csv": (1, 137, "55.6", "357", 0.9),
    "EIS-DCT/EIS-DCT/experimental data/ML621_100%.csv": (1, 137, "48.6", "162", 0.9),
    "EISART/contents/samples/eis_4x4_sofc_2space_sep.txt": (1, 73, "0.0122", "0.0259", 0.85),
    "EISART/contents/samples/eis_4x4_sofc_tab_sep.txt": (1, 73, "0.0122", "0.0259", 0.85),
    "EISART/contents/samples/eis_4x4_sofc_tab_sep_with_title.txt": (1, 73, "0.0122", "0.0259", 0.85),
    "EISART/contents/samples/eis_button_sofc.csv": (1, 61, "1.78", "5.88", 0.9),
    "EISART/contents/samples/eis_button_sofc_with_title.csv": (1, 61, "1.78", "5.88", 0.9),
    "EISART/contents/samples/eis_planar_sofc1.csv": (1, 74, "0.00863", "0.0216", 0.9),
    "EISART/contents/samples/eis_ism_format.ism": (1, 74, "0.00747", "0.0203", 0.9),
    "EISFitpython/EIS_Data/CSV_Example.csv": (1, 50, "7.14e+03", "6.04e+05", 1.0),
    "EISFitpython/EIS_Data/Example-2/Example2b.txt": (1, 50, "9.3e+03", "4.73e+05", 1.0),
    "EISFitpython/EIS_Data/Example_header.txt": (1, 50, "4.88e+04", "2.16e+08", 0.95),
    "EISFitpython/Example_scripts/Example2/EIS_fit_report.txt": "result of a fit",
    "EISFitting-Dahn/DAHN_TXT_example.txt": (1, 70, "0.187", "3.79", 0.99),
    "EZ/examples/data/EIS CFO pH14 light.mpt": (21, 70, "32.7", "1.32e+04", 0.99),
    "EZ/examples/data/EIS CFO pH14 light/0_000 V vs Ag_AgCl.csv": (1, 70, "34.2", "8.91e+03", 0.99),
    "EZ/examples/data/EIS CFO pH14 light - fit results/varying parameters.csv": "no frequency",
    "GP-DRT/tutorials/EIS_experiment.csv": (1, 81, "1.43", "1.51", 0.85),
    "GP-HT/tutorials/data/Li-ion.csv": (1, 36, "291", "2.05e+03", 0.99),
    "GamryParser/data/processed/20240401_B_GM0016_HL03_E01_EIS_ZCURVE.csv": (1, 61, "9.66e+03", "8.2e+08", 1.0),
    "MADAP/data/Dataframe_STRUCTURED_all508.csv": (39, 50, "459", "2.56e+05", 0.99),
    "MADAP/test/testfile/supported/test_1.csv": (1, 46, "1.05e+03", "4.1e+04", 1.0),
    "MADAP/test/testfile/supported/test_2.csv": (1, 46, "1.05e+03", "4.1e+04", 1.0),
    "MADAP/test/testfile/supported/test_3.csv": (1, 46, "1.05e+03", "4.1e+04", 1.0),
    "PyEIS/Tutorials/data/ex1.mpt": (2, 59, "568", "7.7e+04", 1.0),
    "bayes-drt/data/experimental/gamma_LIB_ECM.csv": "no frequency",
    "bayes-drt/data/experimental/Z_ECM_LIB.csv": (1, 107, "0.112", "0.153", 0.9),
    "deep-DRT/experimental_data/BLF_D5_pO2_60%_T500.csv": (1, 101, "3.5", "8.14", 0.95),
    "fGP-DRT/experimental_data/BLF_D5_pO2_60%_T500.csv": (1, 101, "3.5", "8.14", 0.95),
    "eis_analysis-chmelat/example/example_eis_data_eu.csv": (1, 106, "439", "1.89e+05", 0.99),
    "hybrid-drt/tutorials/data/PEIS_LPSCl_IonBlocking_-25C.txt": (1, 79, "462", "8.29e+06", 1.0),
    "hybrid-drt/tutorials/data/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt": (1, 79, "462", "8.29e+06", 1.0),
    "impedance.py-mpr/data/exampleDataBioLogic.txt": (1, 43, "57.9", "111", 0.9),
    "novocontrol_toolbox/tests/testdata/test_X005.txt": (1, 15, "267", "2.54e+11", 1.0),
    "pyDRTtools/EIS data/text files/LIB_data.txt": (1, 107, "0.112", "0.152", 0.9),
    "pyDRTtools/EIS data/text files/zarc_data.txt": (1, 81, "9.93", "60.2", 0.95),
    "pyDRTtools/tutorial/data/1ZARC.csv": (1, 81, "9.12", "60.9", 0.6),
    "pyDRTtools/tutorial/results/1ZARC_DRT-RR.csv": "no table of numbers",
    "zhang2020-mrs/predict_capacity_from_eis/data/data_eis_zhang2020.csv": (1343, 60, "0.266", "2.5", 0.7),
}


@pytest.mark.parametrize("file", EXPECTED)
def test_text_files_are_read_right_or_refused(file: str, real_data: Path) -> None:
    path, expected = real_data / file, EXPECTED[file]
    if isinstance(expected, str):
        with pytest.raises(ReaderError, match=expected):
            eistool.read(path)
        return
    spectra = eistool.read(path)
    modulus = np.abs(np.concatenate([s.impedance for s in spectra]))
    capacitive = np.concatenate([s.impedance.imag < 0 for s in spectra])
    n_sweeps, n_points, lowest, highest, share = expected
    assert (len(spectra), {len(s) for s in spectra}) == (n_sweeps, {n_points})
    assert (f"{modulus.min():.3g}", f"{modulus.max():.3g}") == (lowest, highest)
    assert capacitive.mean() >= share


def test_absolute_im_is_repaired_by_the_phase(real_data: Path) -> None:
    for path in sorted((real_data / "EIS-DCT").rglob("ML621_*.csv")):
        [spectrum] = eistool.read(path)
        with path.open() as file:
            phase = [float(row["Phase(Z)/deg"]) for row in csv.DictReader(file)]
        np.testing.assert_array_equal(np.sign(spectrum.impedance.imag), np.sign(phase))
        assert any("hold |Im|" in note for note in spectrum.notes) == ("_10%" not in path.name)


def test_both_conventions_give_the_same_spectrum(real_data: Path) -> None:
    name = "experimental_data/BLF_D5_pO2_60%_T500.csv"
    [one], [other] = eistool.read(real_data / "deep-DRT" / name), eistool.read(real_data / "fGP-DRT" / name)
    np.testing.assert_allclose(one.impedance, other.impedance, atol=0.02)


def test_the_whole_folder_in_seconds(real_data: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectra = eistool.read(real_data)
    assert len(spectra) > 110
    assert len({(s.metadata.source, s.metadata.sweep) for s in spectra}) == len(spectra)
    assert all("not read: " in str(w.message) for w in caught)
